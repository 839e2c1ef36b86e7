/* SPDX-License-Identifier: ISC */
/* zmq_msg_*: the message functions that need no socket. */
#include "api/msg.h"

#include <stdlib.h>
#include <string.h>

#include "api/error.h"

int zmq_msg_init(zmq_msg_t *msg)
{
    ih_msg_init(ih_api_msg(msg));
    return 0;
}

int zmq_msg_init_size(zmq_msg_t *msg, size_t size)
{
    return ih_api_result(ih_msg_init_size(ih_api_msg(msg), size));
}

int zmq_msg_init_data(zmq_msg_t *msg, void *data, size_t size, zmq_free_fn *ffn, void *hint)
{
    return ih_api_result(ih_msg_init_data(ih_api_msg(msg), data, size, ffn, hint));
}

int zmq_msg_close(zmq_msg_t *msg)
{
    if (!msg || !ih_msg_valid(ih_api_msg(msg)))
        return ih_api_fail(EFAULT);
    ih_api_close(ih_api_msg(msg));
    return 0;
}

int zmq_msg_move(zmq_msg_t *dest, zmq_msg_t *source)
{
    struct ih_msg *to = ih_api_msg(dest);
    struct ih_msg *from = ih_api_msg(source);

    if (!dest || !source || !ih_msg_valid(to) || !ih_msg_valid(from))
        return ih_api_fail(EFAULT);
    if (to == from)
        return 0;
    ih_api_close(to);
    ih_msg_take(to, from);
    return 0;
}

int zmq_msg_copy(zmq_msg_t *dest, zmq_msg_t *source)
{
    struct ih_msg *to = ih_api_msg(dest);
    struct ih_msg *from = ih_api_msg(source);

    if (!dest || !source || !ih_msg_valid(to) || !ih_msg_valid(from))
        return ih_api_fail(EFAULT);
    if (to == from)
        return 0;
    ih_api_close(to);
    ih_msg_share(to, from);
    return 0;
}

void *zmq_msg_data(zmq_msg_t *msg)
{
    /* A message that is none has no octets: programs have been seen to ask after the close. */
    return ih_msg_valid(ih_api_msg(msg)) ? ih_msg_data(ih_api_msg(msg)) : NULL;
}

size_t zmq_msg_size(const zmq_msg_t *msg)
{
    return ih_msg_valid(ih_api_const_msg(msg)) ? ih_msg_size(ih_api_const_msg(msg)) : 0;
}

int zmq_msg_more(const zmq_msg_t *msg)
{
    return ih_msg_more(ih_api_const_msg(msg)) ? 1 : 0;
}

/* A property, under its name or the other name that it has had; NULL if there is none. */
static const char *property(const struct ih_msg *msg, const char *name)
{
    const char *value = NULL;

    if (!ih_msg_valid(msg) || !msg->props)
        return NULL;
    value = ih_props_get(msg->props, name);
    if (!value && strcmp(name, "Identity") == 0)
        value = ih_props_get(msg->props, "Routing-Id");
    else if (!value && strcmp(name, "Routing-Id") == 0)
        value = ih_props_get(msg->props, "Identity");
    return value;
}

static int source_descriptor(const struct ih_msg *msg)
{
    const char *value = property(msg, "__fd");

    return value ? (int)strtol(value, NULL, 10) : ih_api_fail(EINVAL);
}

/* A closed message keeps its flags, since zmq_msg_more may follow zmq_msg_close. */
int zmq_msg_get(const zmq_msg_t *msg, int option)
{
    const struct ih_msg *own = ih_api_const_msg(msg);

    if (!msg)
        return ih_api_fail(EFAULT);
    switch (option) {
    case ZMQ_MORE:
        return ih_msg_more(own) ? 1 : 0;
    case ZMQ_SRCFD:
        return source_descriptor(own);
    case ZMQ_SHARED:
        /* Constant memory is shared with the program that gave it. */
        return (own->flags & IH_MSG_SHARED) || own->type == IH_MSG_CONST ? 1 : 0;
    default:
        return ih_api_fail(EINVAL);
    }
}

int zmq_msg_set(zmq_msg_t *msg, int option, int value)
{
    (void)msg;
    (void)option;
    (void)value;
    return ih_api_fail(EINVAL);
}

const char *zmq_msg_gets(const zmq_msg_t *msg, const char *name)
{
    const char *value = msg && name ? property(ih_api_const_msg(msg), name) : NULL;

    return value ? value : ih_api_fail_null(EINVAL);
}
