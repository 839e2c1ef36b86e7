/* SPDX-License-Identifier: ISC */
/* What is inside a certificate, for the files that read and write it. */
#ifndef IH_LIBCURVE_CERT_H
#define IH_LIBCURVE_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <curve.h>

#include "libcurve/cert_text.h"

enum {
    IH_CERT_NAME_MAX = 255,
    IH_CERT_VALUE_MAX = 4095,
    IH_CERT_META_MAX = 256,        /* names; as many as CurveZMQ's metadata may have properties */
    IH_CERT_TEXT_MAX = 256 * 1024, /* octets of a file that is read */
};

/* Owner: the application, one thread at a time. */
struct curve_cert {
    uint8_t public_key[CURVE_KEY_SIZE];
    char public_text[CURVE_KEY_TEXT];
    uint8_t *secret_key; /* in secret memory, or NULL */
    struct ih_cert_meta *meta;
    size_t count;
    size_t room;
    bool exposed;
};

/* Sets a value, the name and value given by size. -EINVAL, -ENOMEM; -E2BIG: too many. */
int ih_cert_set(curve_cert_t *cert, const char *name, size_t name_size, const char *value, size_t value_size);

/* Reads a certificate's text. -EINVAL: it is none; -ENOMEM. */
int ih_cert_parse(curve_cert_t **cert, const char *text, size_t size);

#endif
