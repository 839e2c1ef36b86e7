/* SPDX-License-Identifier: ISC */
/* A program of a user's: the library that runs is the one that it was compiled for, and it can do CURVE. */
#include <stdio.h>
#include <zmq.h>

int main(void)
{
    char public_key[41];
    char secret_key[41];
    int major;
    int minor;
    int patch;

    zmq_version(&major, &minor, &patch);
    if (ZMQ_MAKE_VERSION(major, minor, patch) != ZMQ_VERSION) {
        (void)fprintf(stderr, "compiled for %d, running on %d.%d.%d\n", ZMQ_VERSION, major, minor, patch);
        return 1;
    }
    return zmq_curve_keypair(public_key, secret_key) == 0 ? 0 : 1;
}
