/* SPDX-License-Identifier: ISC */
/* A socket's security settings and their options. The last option that is set decides on mechanism and role, as in
 * libzmq. */
#include "mechanism/security.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>
#include <zmq.h>

#include "base/secret.h"
#include "base/z85.h"
#include "mechanism/credentials.h"

enum {
    TEXT_MAX = 255, /* of a user name or password */
    Z85_KEY = 40,
};

/* A user name or password. Owner: the settings; in secret memory. */
struct text {
    size_t size;
    uint8_t octets[];
};

struct ih_security {
    atomic_uint refs;
    int mechanism;
    int as_server;
    struct text *username; /* NULL: never set */
    struct text *password;
    struct ih_curve_credentials *curve; /* NULL: no key was set */
};

static const struct ih_curve_credentials no_keys;

/* --- life --------------------------------------------------------------------------------------------------------- */

struct ih_security *ih_security_new(void)
{
    struct ih_security *security = calloc(1, sizeof *security);

    if (!security)
        return NULL;
    atomic_init(&security->refs, 1);
    security->mechanism = ZMQ_NULL;
    return security;
}

struct ih_security *ih_security_hold(struct ih_security *security)
{
    atomic_fetch_add_explicit(&security->refs, 1, memory_order_relaxed);
    return security;
}

void ih_security_release(struct ih_security *security)
{
    if (!security || atomic_fetch_sub_explicit(&security->refs, 1, memory_order_acq_rel) != 1)
        return;
    ih_secret_free(security->username);
    ih_secret_free(security->password);
    ih_secret_free(security->curve);
    free(security);
}

static struct text *text_new(const uint8_t *octets, size_t size)
{
    struct text *text = ih_secret_alloc(sizeof *text + size + 1);

    if (!text)
        return NULL;
    text->size = size;
    if (size > 0)
        memcpy(text->octets, octets, size);
    return text;
}

static int copy_text(struct text **to, const struct text *from)
{
    if (!from)
        return 0;
    *to = text_new(from->octets, from->size);
    return *to ? 0 : -ENOMEM;
}

static int make_keys(struct ih_security *security)
{
    if (!security->curve)
        security->curve = ih_secret_alloc(sizeof *security->curve);
    return security->curve ? 0 : -ENOMEM;
}

static int copy_settings(struct ih_security *to, const struct ih_security *from)
{
    to->mechanism = from->mechanism;
    to->as_server = from->as_server;
    if (copy_text(&to->username, from->username) < 0 || copy_text(&to->password, from->password) < 0)
        return -ENOMEM;
    if (!from->curve)
        return 0;
    if (make_keys(to) < 0)
        return -ENOMEM;
    *to->curve = *from->curve;
    return 0;
}

int ih_security_edit(struct ih_security **security)
{
    struct ih_security *copy;

    if (atomic_load_explicit(&(*security)->refs, memory_order_acquire) == 1)
        return 0;
    copy = ih_security_new();
    if (!copy)
        return -ENOMEM;
    if (copy_settings(copy, *security) < 0) {
        ih_security_release(copy);
        return -ENOMEM;
    }
    ih_security_release(*security);
    *security = copy;
    return 0;
}

/* --- what the others read ----------------------------------------------------------------------------------------- */

int ih_security_mechanism(const struct ih_security *security)
{
    return security->mechanism;
}

int ih_security_as_server(const struct ih_security *security)
{
    return security->mechanism != ZMQ_NULL && security->as_server;
}

const struct ih_curve_credentials *ih_security_curve(const struct ih_security *security)
{
    return security->curve ? security->curve : &no_keys;
}

static const uint8_t *text_get(const struct text *text, size_t *size)
{
    *size = text ? text->size : 0;
    return text ? text->octets : (const uint8_t *)"";
}

const uint8_t *ih_security_username(const struct ih_security *security, size_t *size)
{
    return text_get(security->username, size);
}

const uint8_t *ih_security_password(const struct ih_security *security, size_t *size)
{
    return text_get(security->password, size);
}

/* --- setting ------------------------------------------------------------------------------------------------------ */

/* ZMQ_PLAIN_SERVER, ZMQ_CURVE_SERVER: 1 selects the mechanism, 0 any role's end: NULL. */
static int set_server(struct ih_security **security, int mechanism, const void *value, size_t size)
{
    int on;

    if (!value || size != sizeof on)
        return -EINVAL;
    memcpy(&on, value, sizeof on);
    if (on != 0 && on != 1)
        return -EINVAL;
    if (ih_security_edit(security) < 0)
        return -ENOMEM;
    (*security)->as_server = on;
    (*security)->mechanism = on ? mechanism : ZMQ_NULL;
    return 0;
}

/* ZMQ_PLAIN_USERNAME, ZMQ_PLAIN_PASSWORD: select the client's role; NULL selects NULL and leaves the rest. */
static int set_text(struct ih_security **security, int option, const void *value, size_t size)
{
    struct text **place;
    struct text *text;

    if (!value && size == 0) {
        if (ih_security_edit(security) < 0)
            return -ENOMEM;
        (*security)->mechanism = ZMQ_NULL;
        return 0;
    }
    if (!value || size == 0 || size > TEXT_MAX)
        return -EINVAL;
    if (ih_security_edit(security) < 0)
        return -ENOMEM;
    text = text_new(value, size);
    if (!text)
        return -ENOMEM;
    place = option == ZMQ_PLAIN_USERNAME ? &(*security)->username : &(*security)->password;
    ih_secret_free(*place);
    *place = text;
    (*security)->as_server = 0;
    (*security)->mechanism = ZMQ_PLAIN;
    return 0;
}

/* A key of 32 octets, or in Z85 with or without its NUL. */
static int read_key(uint8_t key[IH_CURVE_KEY], const void *value, size_t size)
{
    const char *text = value;

    if (!value)
        return -EINVAL;
    if (size == IH_CURVE_KEY) {
        memcpy(key, value, IH_CURVE_KEY);
        return 0;
    }
    if (size != Z85_KEY && (size != Z85_KEY + 1 || text[Z85_KEY] != '\0'))
        return -EINVAL;
    return ih_z85_decode(key, text, Z85_KEY);
}

/* ZMQ_CURVE_PUBLICKEY, ZMQ_CURVE_SECRETKEY leave the role; ZMQ_CURVE_SERVERKEY is the client's. */
static int set_key(struct ih_security **security, int option, const void *value, size_t size)
{
    struct ih_curve_credentials *curve;
    uint8_t key[IH_CURVE_KEY];
    int rc = read_key(key, value, size);

    if (rc == 0)
        rc = ih_security_edit(security);
    if (rc == 0)
        rc = make_keys(*security);
    if (rc < 0)
        goto done;
    curve = (*security)->curve;
    if (option == ZMQ_CURVE_PUBLICKEY) {
        memcpy(curve->own.public_key, key, sizeof key);
    } else if (option == ZMQ_CURVE_SECRETKEY) {
        memcpy(curve->own.secret_key, key, sizeof key);
        (void)crypto_scalarmult_base(curve->derived, key);
    } else {
        memcpy(curve->server_key, key, sizeof key);
        (*security)->as_server = 0;
    }
    (*security)->mechanism = ZMQ_CURVE;
done:
    sodium_memzero(key, sizeof key);
    return rc;
}

int ih_security_set(struct ih_security **security, int option, const void *value, size_t size)
{
    switch (option) {
    case ZMQ_PLAIN_SERVER:
        return set_server(security, ZMQ_PLAIN, value, size);
    case ZMQ_CURVE_SERVER:
        return set_server(security, ZMQ_CURVE, value, size);
    case ZMQ_PLAIN_USERNAME:
    case ZMQ_PLAIN_PASSWORD:
        return set_text(security, option, value, size);
    case ZMQ_CURVE_PUBLICKEY:
    case ZMQ_CURVE_SECRETKEY:
    case ZMQ_CURVE_SERVERKEY:
        return set_key(security, option, value, size);
    case ZMQ_MECHANISM:
        return -EINVAL;
    default:
        return -ENOENT;
    }
}

/* --- getting ------------------------------------------------------------------------------------------------------ */

static int get_int(int number, void *value, size_t *size)
{
    if (*size != sizeof number)
        return -EINVAL;
    memcpy(value, &number, sizeof number);
    return 0;
}

static int get_text(const struct text *text, void *value, size_t *size)
{
    const uint8_t *octets;
    size_t length;

    octets = text_get(text, &length);
    if (*size < length + 1)
        return -EINVAL;
    memcpy(value, octets, length + 1);
    *size = length + 1;
    return 0;
}

static int get_key(const uint8_t key[IH_CURVE_KEY], void *value, size_t *size)
{
    if (*size == IH_CURVE_KEY)
        memcpy(value, key, IH_CURVE_KEY);
    else if (*size == Z85_KEY + 1)
        (void)ih_z85_encode(value, key, IH_CURVE_KEY);
    else
        return -EINVAL;
    return 0;
}

int ih_security_get(const struct ih_security *security, int option, void *value, size_t *size)
{
    const struct ih_curve_credentials *curve = ih_security_curve(security);

    switch (option) {
    case ZMQ_MECHANISM:
        return get_int(security->mechanism, value, size);
    case ZMQ_PLAIN_SERVER:
        return get_int(security->as_server && security->mechanism == ZMQ_PLAIN, value, size);
    case ZMQ_CURVE_SERVER:
        return get_int(security->as_server && security->mechanism == ZMQ_CURVE, value, size);
    case ZMQ_PLAIN_USERNAME:
        return get_text(security->username, value, size);
    case ZMQ_PLAIN_PASSWORD:
        return get_text(security->password, value, size);
    case ZMQ_CURVE_PUBLICKEY:
        return get_key(curve->own.public_key, value, size);
    case ZMQ_CURVE_SECRETKEY:
        return get_key(curve->own.secret_key, value, size);
    case ZMQ_CURVE_SERVERKEY:
        return get_key(curve->server_key, value, size);
    default:
        return -ENOENT;
    }
}
