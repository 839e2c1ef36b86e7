/* SPDX-License-Identifier: ISC */
#include "auth/setup.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <zmq.h>

#ifndef ZMQ_ZAP_ENFORCE_DOMAIN
#define ZMQ_ZAP_ENFORCE_DOMAIN 93 /* libzmq 4.3 has it, but shows it among its drafts only */
#endif

enum { VALUE_MAX = 256 };

/* One option, as it is to be or was. */
struct value {
    int option;
    size_t size;
    uint8_t octets[VALUE_MAX];
};

/* The options in the order in which they are set. That a domain is enforced comes first, since a libzmq may not know it. A
 * domain comes last: it cannot be cleared again. Nobody can connect meanwhile: the socket is not bound. */
enum { STEPS_MAX = 5 };

static void put(struct value *value, int option, const void *octets, size_t size)
{
    value->option = option;
    value->size = size;
    memcpy(value->octets, octets, size);
}

static size_t plan_open(struct value *steps, const struct auth_setup *setup)
{
    int one = 1;
    size_t count = 0;

    put(&steps[count++], ZMQ_ZAP_ENFORCE_DOMAIN, &one, sizeof(one));
    if (setup->mechanism == ZMQ_PLAIN)
        put(&steps[count++], ZMQ_PLAIN_SERVER, &one, sizeof(one));
    put(&steps[count++], ZMQ_ZAP_DOMAIN, setup->domain, strlen(setup->domain));
    return count;
}

static size_t plan_curve(struct value *steps, const struct auth_setup *setup)
{
    int one = 1, zero = 0;
    size_t count = 0;

    if (setup->server)
        put(&steps[count++], ZMQ_ZAP_ENFORCE_DOMAIN, &one, sizeof(one));
    else
        put(&steps[count++], ZMQ_CURVE_SERVER, &zero, sizeof(zero));
    put(&steps[count++], ZMQ_CURVE_PUBLICKEY, setup->public_key, CURVE_KEY_SIZE);
    put(&steps[count++], ZMQ_CURVE_SECRETKEY, setup->secret_key, CURVE_KEY_SIZE);
    if (setup->server) {
        put(&steps[count++], ZMQ_CURVE_SERVER, &one, sizeof(one));
        put(&steps[count++], ZMQ_ZAP_DOMAIN, setup->domain, strlen(setup->domain));
    } else {
        put(&steps[count++], ZMQ_CURVE_SERVERKEY, setup->server_key, CURVE_KEY_SIZE);
    }
    return count;
}

/* The option's value now; of a domain without the NUL that ends it. */
static int get(void *socket, int option, struct value *value)
{
    bool key = option == ZMQ_CURVE_PUBLICKEY || option == ZMQ_CURVE_SECRETKEY || option == ZMQ_CURVE_SERVERKEY;

    value->option = option;
    value->size = key ? CURVE_KEY_SIZE : option == ZMQ_ZAP_DOMAIN ? VALUE_MAX : sizeof(int);
    if (zmq_getsockopt(socket, option, value->octets, &value->size) != 0)
        return -zmq_errno();
    if (option == ZMQ_ZAP_DOMAIN && value->size)
        value->size--;
    return 0;
}

static int set(void *socket, const struct value *value)
{
    return zmq_setsockopt(socket, value->option, value->octets, value->size) == 0 ? 0 : -zmq_errno();
}

/* To set a key makes the mechanism CURVE, so what it was is put back by its own option: to clear a user name makes it NULL,
 * to set one PLAIN. */
static int restore_mechanism(void *socket, int mechanism)
{
    char text[VALUE_MAX];
    size_t size = sizeof(text);
    int is_server, rc;

    if (mechanism == ZMQ_CURVE)
        return 0;
    if (mechanism == ZMQ_NULL)
        return zmq_setsockopt(socket, ZMQ_PLAIN_USERNAME, NULL, 0) == 0 ? 0 : -zmq_errno();
    size = sizeof(is_server);
    if (zmq_getsockopt(socket, ZMQ_PLAIN_SERVER, &is_server, &size) != 0)
        return -zmq_errno();
    if (is_server)
        return zmq_setsockopt(socket, ZMQ_PLAIN_SERVER, &is_server, sizeof(is_server)) == 0 ? 0 : -zmq_errno();
    size = sizeof(text);
    if (zmq_getsockopt(socket, ZMQ_PLAIN_USERNAME, text, &size) != 0 || size == 0)
        return -EINVAL;
    rc = zmq_setsockopt(socket, ZMQ_PLAIN_USERNAME, text, size - 1) == 0 ? 0 : -zmq_errno();
    sodium_memzero(text, sizeof(text));
    return rc;
}

static int get_int(void *socket, int option, int *value)
{
    size_t size = sizeof(*value);

    return zmq_getsockopt(socket, option, value, &size) == 0 ? 0 : -zmq_errno();
}

int auth_setup_ready(void *socket, int mechanism)
{
    char endpoint[8];
    size_t size = sizeof(endpoint);
    int now, rc;

    if (mechanism == ZMQ_CURVE && !zmq_has("curve"))
        return -ENOTSUP;
    rc = get_int(socket, ZMQ_MECHANISM, &now);
    if (rc)
        return rc;
    if (mechanism != ZMQ_CURVE && now != ZMQ_NULL)
        return -EALREADY;
    if (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size) != 0)
        return zmq_errno() == EINVAL ? -EBUSY : -zmq_errno(); /* longer than what is not set */
    return size > 1 ? -EBUSY : 0;
}

/* Backwards: a key that is put back makes the mechanism CURVE, so that is put back at the end. */
static void undo(void *socket, const struct value *before, size_t count, int mechanism)
{
    while (count--)
        (void)set(socket, &before[count]);
    (void)restore_mechanism(socket, mechanism);
}

int auth_setup_apply(void *socket, const struct auth_setup *setup)
{
    struct value steps[STEPS_MAX], before[STEPS_MAX];
    size_t count = setup->mechanism == ZMQ_CURVE ? plan_curve(steps, setup) : plan_open(steps, setup), done = 0;
    int mechanism, rc = get_int(socket, ZMQ_MECHANISM, &mechanism);

    for (size_t i = 0; i < count && rc == 0; i++)
        rc = get(socket, steps[i].option, &before[i]);
    if (rc)
        goto out;
    while (done < count && (rc = set(socket, &steps[done])) == 0)
        done++;
    if (rc)
        undo(socket, before, done, mechanism);
out:
    sodium_memzero(steps, sizeof(steps));
    sodium_memzero(before, sizeof(before));
    return rc;
}
