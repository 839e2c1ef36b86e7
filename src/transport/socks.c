/* SPDX-License-Identifier: ISC */
/* The client's side of a SOCKS5 dialogue. */
#include "transport/socks.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum {
    VERSION = 5,
    AUTH_VERSION = 1, /* RFC 1929, section 2 */
    COMMAND_CONNECT = 1,
    METHOD_NONE = 0,
    METHOD_PASSWORD = 2,
    METHOD_REFUSED = 0xff,
    ANSWER = 2,     /* octets of the answers before the reply */
    REPLY_HEAD = 4, /* octets of the reply before its address */
    IPV4_SIZE = 4,
    IPV6_SIZE = 16,
    PORT_SIZE = 2,
};

/* --- what goes out ------------------------------------------------------------------------------------------------ */

static void put_octet(struct ih_socks *socks, unsigned octet)
{
    socks->out[socks->out_size++] = (uint8_t)octet;
}

static void put_octets(struct ih_socks *socks, const void *data, size_t size)
{
    if (size)
        memcpy(socks->out + socks->out_size, data, size);
    socks->out_size += size;
}

static void expect(struct ih_socks *socks, enum ih_socks_state state, size_t size)
{
    socks->state = state;
    socks->in_size = 0;
    socks->in_wanted = size;
}

/* RFC 1928, section 3: the methods that we offer. With a name that is this one alone, as in libzmq: who has given a
 * name wants to be known by it. */
static void say_methods(struct ih_socks *socks)
{
    put_octet(socks, VERSION);
    put_octet(socks, 1);
    put_octet(socks, socks->config.username_size ? METHOD_PASSWORD : METHOD_NONE);
    expect(socks, IH_SOCKS_METHOD, ANSWER);
}

/* RFC 1929, section 2. */
static void say_password(struct ih_socks *socks)
{
    const struct ih_socks_config *config = &socks->config;

    put_octet(socks, AUTH_VERSION);
    put_octet(socks, (unsigned)config->username_size);
    put_octets(socks, config->username, config->username_size);
    put_octet(socks, (unsigned)config->password_size);
    put_octets(socks, config->password, config->password_size);
    expect(socks, IH_SOCKS_AUTH, ANSWER);
}

/* RFC 1928, section 4. */
static void say_connect(struct ih_socks *socks)
{
    const struct ih_socks_address *to = socks->config.destination;

    put_octet(socks, VERSION);
    put_octet(socks, COMMAND_CONNECT);
    put_octet(socks, 0);
    put_octet(socks, to->type);
    if (to->type == IH_SOCKS_NAME)
        put_octet(socks, to->size);
    put_octets(socks, to->host, to->size);
    put_octet(socks, to->port >> 8);
    put_octet(socks, to->port & 0xff);
    expect(socks, IH_SOCKS_REPLY, REPLY_HEAD);
}

const uint8_t *ih_socks_output(const struct ih_socks *socks, size_t *size)
{
    *size = socks->out_size - socks->out_at;
    return socks->out + socks->out_at;
}

static void drop_output(struct ih_socks *socks)
{
    explicit_bzero(socks->out, sizeof(socks->out));
    socks->out_at = socks->out_size = 0;
}

void ih_socks_output_done(struct ih_socks *socks, size_t size)
{
    socks->out_at += size;
    if (socks->out_at == socks->out_size)
        drop_output(socks); /* it may have been the password */
}

/* --- what comes in ------------------------------------------------------------------------------------------------ */

/* RFC 1928, section 3. libzmq goes on without authentication where the proxy wants none, offered or not: the name and
 * the password stay here, and nothing is lost. */
static int take_method(struct ih_socks *socks)
{
    if (socks->in[0] != VERSION)
        return -EPROTO;
    switch (socks->in[1]) {
    case METHOD_NONE:
        say_connect(socks);
        return 0;
    case METHOD_PASSWORD:
        if (!socks->config.username_size)
            return -EACCES;
        say_password(socks);
        return 0;
    case METHOD_REFUSED:
        return -EACCES;
    default:
        return -EPROTO;
    }
}

/* RFC 1929, section 2: every status but 0 is a failure. */
static int take_auth(struct ih_socks *socks)
{
    if (socks->in[0] != AUTH_VERSION)
        return -EPROTO;
    if (socks->in[1] != 0)
        return -EACCES;
    say_connect(socks);
    return 0;
}

/* RFC 1928, section 6. */
static int reply_error(uint8_t code)
{
    static const int errors[] = {0,          -ECONNABORTED, -EACCES,      -ENETUNREACH, -EHOSTUNREACH, -ECONNREFUSED,
                                 -ETIMEDOUT, -EOPNOTSUPP,   -EAFNOSUPPORT};

    return code < sizeof(errors) / sizeof(errors[0]) ? errors[code] : -EPROTO;
}

/* How long the reply is: the bound address, which is of no use here, has to be got out of the way. 0: more is needed to
 * know. */
static size_t reply_size(const struct ih_socks *socks)
{
    switch (socks->in[3]) {
    case IH_SOCKS_IPV4:
        return REPLY_HEAD + IPV4_SIZE + PORT_SIZE;
    case IH_SOCKS_IPV6:
        return REPLY_HEAD + IPV6_SIZE + PORT_SIZE;
    case IH_SOCKS_NAME:
        return socks->in_size > REPLY_HEAD ? REPLY_HEAD + 1U + socks->in[REPLY_HEAD] + PORT_SIZE : REPLY_HEAD + 1;
    default:
        return 0;
    }
}

/* A refusal counts as soon as it is there: the proxy may close without the rest. */
static int take_reply(struct ih_socks *socks)
{
    size_t size;
    int rc;

    if (socks->in[0] != VERSION || socks->in[2] != 0)
        return -EPROTO;
    rc = reply_error(socks->in[1]);
    if (rc < 0)
        return rc;
    size = reply_size(socks);
    if (size == 0)
        return -EPROTO;
    if (size > socks->in_size) {
        socks->in_wanted = size;
        return 0;
    }
    expect(socks, IH_SOCKS_DONE, 0);
    return 1;
}

static int take_answer(struct ih_socks *socks)
{
    switch (socks->state) {
    case IH_SOCKS_METHOD:
        return take_method(socks);
    case IH_SOCKS_AUTH:
        return take_auth(socks);
    case IH_SOCKS_REPLY:
        return take_reply(socks);
    default:
        return -EPROTO;
    }
}

size_t ih_socks_wanted(const struct ih_socks *socks)
{
    return socks->in_wanted - socks->in_size;
}

int ih_socks_input(struct ih_socks *socks, const uint8_t *data, size_t size, size_t *used)
{
    int rc = socks->state == IH_SOCKS_DONE ? 1 : socks->state == IH_SOCKS_FAILED ? -EPROTO : 0;

    *used = 0;
    while (rc == 0 && *used < size) {
        size_t room = ih_socks_wanted(socks), part = size - *used < room ? size - *used : room;

        if (socks->out_size) {
            rc = -EPROTO; /* an answer before the question */
            break;
        }
        memcpy(socks->in + socks->in_size, data + *used, part);
        socks->in_size += part;
        *used += part;
        if (socks->in_size == socks->in_wanted)
            rc = take_answer(socks);
    }
    if (rc < 0) {
        drop_output(socks);
        expect(socks, IH_SOCKS_FAILED, 0);
    }
    return rc;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static bool fits(const struct ih_socks_address *address)
{
    switch (address->type) {
    case IH_SOCKS_IPV4:
        return address->size == IPV4_SIZE;
    case IH_SOCKS_IPV6:
        return address->size == IPV6_SIZE;
    default:
        return address->type == IH_SOCKS_NAME;
    }
}

int ih_socks_init(struct ih_socks *socks, const struct ih_socks_config *config)
{
    if (!fits(config->destination) || config->username_size > IH_SOCKS_TEXT || config->password_size > IH_SOCKS_TEXT)
        return -EINVAL;
    memset(socks, 0, sizeof(*socks));
    socks->config = *config;
    say_methods(socks);
    return 0;
}

void ih_socks_fini(struct ih_socks *socks)
{
    explicit_bzero(socks, sizeof(*socks));
}
