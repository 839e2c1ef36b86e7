/* SPDX-License-Identifier: ISC */
/* Certificates: a long-term key pair, or the public half of one, with names and values. */
#include "libcurve/cert.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/secret.h"
#include "base/z85.h"

static int fill(curve_cert_t *cert, const uint8_t *public_key, const uint8_t *secret_key)
{
    uint8_t derived[CURVE_KEY_SIZE];

    memcpy(cert->public_key, public_key, CURVE_KEY_SIZE);
    (void)ih_z85_encode(cert->public_text, public_key, CURVE_KEY_SIZE);
    if (!secret_key)
        return 0;
    if (crypto_scalarmult_base(derived, secret_key) != 0 || sodium_memcmp(derived, public_key, CURVE_KEY_SIZE) != 0)
        return -EINVAL;
    cert->secret_key = ih_secret_alloc(CURVE_KEY_SIZE);
    if (!cert->secret_key)
        return -ENOMEM;
    memcpy(cert->secret_key, secret_key, CURVE_KEY_SIZE);
    return 0;
}

curve_cert_t *curve_cert_from(const uint8_t *public_key, const uint8_t *secret_key)
{
    curve_cert_t *cert = NULL;
    int error;

    if (!public_key) {
        errno = EFAULT;
        return NULL;
    }
    error = ih_random_init();
    if (error == 0) {
        cert = calloc(1, sizeof(*cert));
        error = cert ? fill(cert, public_key, secret_key) : -ENOMEM;
    }
    if (error) {
        curve_cert_destroy(&cert);
        errno = -error;
    }
    return cert;
}

curve_cert_t *curve_cert_new(void)
{
    uint8_t public_key[CURVE_KEY_SIZE];
    uint8_t *secret_key = NULL;
    curve_cert_t *cert = NULL;

    if (ih_random_init() == 0)
        secret_key = ih_secret_alloc(CURVE_KEY_SIZE);
    if (!secret_key) {
        errno = ENOMEM;
        return NULL;
    }
    (void)crypto_box_keypair(public_key, secret_key);
    cert = curve_cert_from(public_key, secret_key);
    ih_secret_free(secret_key);
    return cert;
}

curve_cert_t *curve_cert_dup(const curve_cert_t *cert)
{
    curve_cert_t *copy = NULL;

    if (!cert) {
        errno = EFAULT;
        return NULL;
    }
    copy = curve_cert_from(cert->public_key, cert->secret_key);
    for (size_t i = 0; copy && i < cert->count; i++) {
        if (curve_cert_set_meta(copy, cert->meta[i].name, cert->meta[i].value) != 0)
            curve_cert_destroy(&copy);
    }
    if (copy)
        copy->exposed = cert->exposed;
    return copy;
}

static void free_meta(const struct ih_cert_meta *meta)
{
    free(meta->name);
    free(meta->value);
}

void curve_cert_destroy(curve_cert_t **cert_p)
{
    curve_cert_t *cert = cert_p ? *cert_p : NULL;

    if (!cert)
        return;
    *cert_p = NULL;
    ih_secret_free(cert->secret_key);
    for (size_t i = 0; i < cert->count; i++)
        free_meta(&cert->meta[i]);
    free(cert->meta);
    free(cert);
}

const uint8_t *curve_cert_public_key(const curve_cert_t *cert)
{
    return cert->public_key;
}

const uint8_t *curve_cert_secret_key(const curve_cert_t *cert)
{
    return cert->secret_key;
}

const char *curve_cert_public_text(const curve_cert_t *cert)
{
    return cert->public_text;
}

int curve_cert_exposed(const curve_cert_t *cert)
{
    return cert->exposed;
}

static bool is_name(const char *name, size_t size)
{
    if (size == 0 || size > IH_CERT_NAME_MAX)
        return false;
    for (size_t i = 0; i < size; i++) {
        char c = name[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-_.+/", c))))
            return false;
    }
    return true;
}

/* Octets of the UTF-8 character at text, its code in *code; 0: it is malformed. */
static size_t decode_utf8(const char *text, size_t size, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)text[0];
    size_t length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;

    if (length < 2) {
        *code = first;
        return length;
    }
    if (length > size)
        return 0;
    *code = first & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        unsigned char next = (unsigned char)text[i];

        if ((next & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (next & 0x3fu);
    }
    return *code < least[length] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff) ? 0 : length;
}

/* What stands between double quotes on one line, and does nothing to a terminal. */
static bool is_value(const char *value, size_t size)
{
    size_t length;

    if (size > IH_CERT_VALUE_MAX)
        return false;
    for (size_t i = 0; i < size; i += length) {
        uint32_t code = 0;

        length = decode_utf8(value + i, size - i, &code);
        if (length == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0) || code == '"' || code == 0x2028 ||
            code == 0x2029)
            return false;
    }
    return true;
}

static struct ih_cert_meta *find(const curve_cert_t *cert, const char *name, size_t size)
{
    for (size_t i = 0; i < cert->count; i++) {
        if (strlen(cert->meta[i].name) == size && memcmp(cert->meta[i].name, name, size) == 0)
            return &cert->meta[i];
    }
    return NULL;
}

static int append(curve_cert_t *cert, struct ih_cert_meta meta)
{
    if (cert->count == IH_CERT_META_MAX)
        return -E2BIG;
    if (cert->count == cert->room) {
        size_t room = cert->room ? cert->room * 2 : 8;
        struct ih_cert_meta *grown = realloc(cert->meta, room * sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        cert->meta = grown;
        cert->room = room;
    }
    cert->meta[cert->count++] = meta;
    return 0;
}

/* strndup of octets that no NUL ends. */
static char *copy_text(const char *text, size_t size)
{
    char *copy = malloc(size + 1);

    if (copy) {
        memcpy(copy, text, size);
        copy[size] = '\0';
    }
    return copy;
}

int ih_cert_set(curve_cert_t *cert, const char *name, size_t name_size, const char *value, size_t value_size)
{
    struct ih_cert_meta meta;
    struct ih_cert_meta *old = NULL;
    int error = 0;

    if (!is_name(name, name_size) || !is_value(value, value_size))
        return -EINVAL;
    old = find(cert, name, name_size);
    meta.name = copy_text(name, name_size);
    meta.value = copy_text(value, value_size);
    if (!meta.name || !meta.value) {
        error = -ENOMEM;
    } else if (old) {
        struct ih_cert_meta replaced = *old;

        *old = meta;
        meta = replaced;
    } else {
        error = append(cert, meta);
    }
    if (error || old)
        free_meta(&meta);
    return error;
}

static void take_out(curve_cert_t *cert, const char *name)
{
    struct ih_cert_meta *meta = find(cert, name, strlen(name));

    if (!meta)
        return;
    free_meta(meta);
    cert->count--;
    memmove(meta, meta + 1, (size_t)(&cert->meta[cert->count] - meta) * sizeof(*meta));
}

int curve_cert_set_meta(curve_cert_t *cert, const char *name, const char *value)
{
    int error = 0;

    if (!cert || !name)
        error = -EFAULT;
    else if (value)
        error = ih_cert_set(cert, name, strlen(name), value, strlen(value));
    else if (!is_name(name, strlen(name)))
        error = -EINVAL;
    else
        take_out(cert, name);
    if (error) {
        errno = error == -E2BIG ? EINVAL : -error;
        return -1;
    }
    return 0;
}

const char *curve_cert_meta(const curve_cert_t *cert, const char *name)
{
    const struct ih_cert_meta *meta = find(cert, name, strlen(name));

    return meta ? meta->value : NULL;
}

const char *curve_cert_meta_name(const curve_cert_t *cert, size_t index)
{
    return index < cert->count ? cert->meta[index].name : NULL;
}
