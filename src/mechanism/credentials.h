/* SPDX-License-Identifier: ISC */
/* What a mechanism reads of a socket's security settings. All of it is borrowed from the settings. */
#ifndef IH_MECHANISM_CREDENTIALS_H
#define IH_MECHANISM_CREDENTIALS_H

#include "curvezmq/keys.h"
#include "mechanism/security.h"

/* Owner: the settings; in secret memory. Keys that are not set are zero. */
struct ih_curve_credentials {
    struct ih_curve_pair own;         /* ZMQ_CURVE_PUBLICKEY, ZMQ_CURVE_SECRETKEY */
    uint8_t server_key[IH_CURVE_KEY]; /* ZMQ_CURVE_SERVERKEY */
    uint8_t derived[IH_CURVE_KEY];    /* the public key that belongs to own.secret_key: servers need not set theirs */
};

/* Never NULL. */
const struct ih_curve_credentials *ih_security_curve(const struct ih_security *security);

/* The user name or the password: 0 to 255 octets. */
const uint8_t *ih_security_username(const struct ih_security *security, size_t *size);
const uint8_t *ih_security_password(const struct ih_security *security, size_t *size);

#endif
