/* SPDX-License-Identifier: ISC */
/* Which libcurve this is. */
#include <curve.h>

void curve_version(int *major, int *minor, int *patch)
{
    *major = CURVE_VERSION_MAJOR;
    *minor = CURVE_VERSION_MINOR;
    *patch = CURVE_VERSION_PATCH;
}
