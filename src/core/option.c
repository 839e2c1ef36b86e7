/* SPDX-License-Identifier: ISC */
/* The socket's options: a table of what each one takes, gives and is at first, as libzmq 4.3.4 has it. */
#include "core/option.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <zmq.h>

#include "core/blob.h"

struct definition;

/* How a kind of option is set and read; NULL: not at all. */
struct kind {
    int (*set)(struct ih_options *opt, const struct definition *def, const void *value, size_t size);
    int (*get)(const struct ih_options *opt, const struct definition *def, void *value, size_t *size);
};

struct definition {
    int option;
    const struct kind *kind;
    size_t offset; /* of the value in struct ih_options */
    int initial;
    int low, high; /* the range of a number, the sizes of a text */
    bool clears;   /* a text that (NULL, 0) clears */
};

int ih_option_read_int(const void *value, size_t size, int *result)
{
    if (value == NULL || size != sizeof(*result)) {
        return -EINVAL;
    }
    memcpy(result, value, sizeof(*result));
    return 0;
}

int ih_option_read_bool(const void *value, size_t size, int *result)
{
    int number;
    int rc = ih_option_read_int(value, size, &number);
    if (rc == 0 && (number < 0 || number > 1)) {
        rc = -EINVAL;
    }
    if (rc == 0) {
        *result = number;
    }
    return rc;
}

int ih_option_write_int(int result, void *value, size_t *size)
{
    if (value == NULL || *size != sizeof(result)) {
        return -EINVAL;
    }
    memcpy(value, &result, sizeof(result));
    *size = sizeof(result);
    return 0;
}

int ih_option_write_bytes(const void *data, size_t data_size, bool terminate, void *value, size_t *size)
{
    size_t end = terminate ? 1 : 0;
    if (data_size > *size || end > *size - data_size || (value == NULL && *size > 0)) {
        return -EINVAL;
    }
    if (data_size > 0) {
        memcpy(value, data, data_size);
    }
    if (terminate) {
        ((uint8_t *)value)[data_size] = '\0';
    }
    *size = data_size + end;
    return 0;
}

static void *field(struct ih_options *opt, const struct definition *def)
{
    return (char *)opt + def->offset;
}

static const void *const_field(const struct ih_options *opt, const struct definition *def)
{
    return (const char *)opt + def->offset;
}

/* Numbers in a range. */

static int set_int(struct ih_options *opt, const struct definition *def, const void *value, size_t size)
{
    int number;
    int rc = ih_option_read_int(value, size, &number);
    if (rc == 0 && (number < def->low || number > def->high)) {
        rc = -EINVAL;
    }
    if (rc == 0) {
        *(int *)field(opt, def) = number;
    }
    return rc;
}

static int get_int(const struct ih_options *opt, const struct definition *def, void *value, size_t *size)
{
    return ih_option_write_int(*(const int *)const_field(opt, def), value, size);
}

/* Any number; 0 or 1 is kept. */
static int set_flag(struct ih_options *opt, const struct definition *def, const void *value, size_t size)
{
    int number;
    int rc = ih_option_read_int(value, size, &number);
    if (rc == 0) {
        *(int *)field(opt, def) = number != 0;
    }
    return rc;
}

/* ZMQ_IPV4ONLY: the opposite of what is kept. */

static int set_inverse(struct ih_options *opt, const struct definition *def, const void *value, size_t size)
{
    int number;
    int rc = ih_option_read_bool(value, size, &number);
    if (rc == 0) {
        *(int *)field(opt, def) = !number;
    }
    return rc;
}

static int get_inverse(const struct ih_options *opt, const struct definition *def, void *value, size_t *size)
{
    return ih_option_write_int(!*(const int *)const_field(opt, def), value, size);
}

/* ZMQ_HEARTBEAT_TTL: in ms, cut to the tenths of a second that PING carries (RFC 37, "Heartbeating"). */
static int set_tenths(struct ih_options *opt, const struct definition *def, const void *value, size_t size)
{
    int number;
    int rc = ih_option_read_int(value, size, &number);
    if (rc == 0 && (number / 100 < def->low || number / 100 > def->high)) {
        rc = -EINVAL;
    }
    if (rc == 0) {
        *(int *)field(opt, def) = number / 100 * 100;
    }
    return rc;
}

/* 8 octets, any value. */

static int set_int64(struct ih_options *opt, const struct definition *def, const void *value, size_t size)
{
    if (value == NULL || size != sizeof(int64_t)) {
        return -EINVAL;
    }
    memcpy(field(opt, def), value, size);
    return 0;
}

static int get_int64(const struct ih_options *opt, const struct definition *def, void *value, size_t *size)
{
    if (*size != sizeof(int64_t)) {
        return -EINVAL;
    }
    return ih_option_write_bytes(const_field(opt, def), sizeof(int64_t), false, value, size);
}

static int set_routing_id(struct ih_options *opt, const struct definition *def, const void *value, size_t size)
{
    if (value == NULL || size < 1 || size > sizeof(opt->routing_id)) {
        return -EINVAL;
    }
    memcpy(field(opt, def), value, size);
    opt->routing_id_size = (uint8_t)size;
    return 0;
}

static int get_routing_id(const struct ih_options *opt, const struct definition *def, void *value, size_t *size)
{
    return ih_option_write_bytes(const_field(opt, def), opt->routing_id_size, false, value, size);
}

/* Texts: kept as given, read with a NUL behind. */

static int set_text(struct ih_options *opt, const struct definition *def, const void *value, size_t size)
{
    if (value == NULL) {
        if (size != 0 || !def->clears) {
            return -EINVAL;
        }
    } else if (size < (size_t)def->low || size > (size_t)def->high) {
        return -EINVAL;
    }
    return ih_blob_set(field(opt, def), value, size);
}

static int get_text(const struct ih_options *opt, const struct definition *def, void *value, size_t *size)
{
    const struct ih_blob *blob = const_field(opt, def);
    return ih_option_write_bytes(blob->data, blob->size, true, value, size);
}

/* Lists, which grow by one entry each time. */

static int set_filter(struct ih_options *opt, const struct definition *def, const void *value, size_t size)
{
    return ih_blob_add_filter(field(opt, def), opt->ipv6 != 0, value, size);
}

static int set_peer(struct ih_options *opt, const struct definition *def, const void *value, size_t size)
{
    return ih_blob_add_id(field(opt, def), value, size);
}

static int set_metadata(struct ih_options *opt, const struct definition *def, const void *value, size_t size)
{
    return ih_blob_add_property(field(opt, def), value, size);
}

static const struct kind number = {set_int, get_int};
static const struct kind flag = {set_flag, get_int};
static const struct kind inverse = {set_inverse, get_inverse};
static const struct kind tenths = {set_tenths, get_int};
static const struct kind wide = {set_int64, get_int64};
static const struct kind routing_id = {set_routing_id, get_routing_id};
static const struct kind text = {set_text, get_text};
static const struct kind filter = {set_filter, NULL};
static const struct kind peer = {set_peer, NULL};
static const struct kind metadata = {set_metadata, NULL};

#define AT(field) offsetof(struct ih_options, field)
#define NUMBER(option, field, initial, low, high) option, &number, AT(field), initial, low, high, false
#define FLAG(option, field, initial) option, &flag, AT(field), initial, 0, 0, false
#define WIDE(option, field, initial) option, &wide, AT(field), initial, 0, 0, false
#define TEXT(option, field, low, high, clears) option, &text, AT(field), 0, low, high, clears
#define OTHER(option, kind, field) option, &(kind), AT(field), 0, 0, 0, false

static const struct definition definitions[] = {
    {WIDE(ZMQ_AFFINITY, affinity, 0)},
    {OTHER(ZMQ_ROUTING_ID, routing_id, routing_id)},
    {NUMBER(ZMQ_SNDBUF, sndbuf, -1, -1, INT_MAX)},
    {NUMBER(ZMQ_RCVBUF, rcvbuf, -1, -1, INT_MAX)},
    {NUMBER(ZMQ_LINGER, linger, -1, -1, INT_MAX)},
    {NUMBER(ZMQ_RECONNECT_IVL, reconnect_ivl, 100, -1, INT_MAX)},
    {NUMBER(ZMQ_BACKLOG, backlog, 100, 0, INT_MAX)},
    {NUMBER(ZMQ_RECONNECT_IVL_MAX, reconnect_ivl_max, 0, 0, INT_MAX)},
    {WIDE(ZMQ_MAXMSGSIZE, maxmsgsize, -1)},
    {NUMBER(ZMQ_SNDHWM, sndhwm, 1000, 0, INT_MAX)},
    {NUMBER(ZMQ_RCVHWM, rcvhwm, 1000, 0, INT_MAX)},
    {NUMBER(ZMQ_RCVTIMEO, rcvtimeo, -1, -1, INT_MAX)},
    {NUMBER(ZMQ_SNDTIMEO, sndtimeo, -1, -1, INT_MAX)},
    {OTHER(ZMQ_IPV4ONLY, inverse, ipv6)},
    {NUMBER(ZMQ_IPV6, ipv6, 0, 0, 1)},
    {NUMBER(ZMQ_TCP_KEEPALIVE, tcp_keepalive, -1, -1, 1)},
    {NUMBER(ZMQ_TCP_KEEPALIVE_CNT, tcp_keepalive_cnt, -1, -1, INT_MAX)},
    {NUMBER(ZMQ_TCP_KEEPALIVE_IDLE, tcp_keepalive_idle, -1, -1, INT_MAX)},
    {NUMBER(ZMQ_TCP_KEEPALIVE_INTVL, tcp_keepalive_intvl, -1, -1, INT_MAX)},
    {OTHER(ZMQ_TCP_ACCEPT_FILTER, filter, tcp_accept_filters)},
    {NUMBER(ZMQ_IMMEDIATE, immediate, 0, 0, 1)},
    {NUMBER(ZMQ_CONFLATE, conflate, 0, 0, 1)},
    {TEXT(ZMQ_ZAP_DOMAIN, zap_domain, 1, 255, false)},
    {NUMBER(ZMQ_TOS, tos, 0, 0, INT_MAX)},
    {OTHER(ZMQ_IPC_FILTER_PID, peer, ipc_pids)},
    {OTHER(ZMQ_IPC_FILTER_UID, peer, ipc_uids)},
    {OTHER(ZMQ_IPC_FILTER_GID, peer, ipc_gids)},
    {NUMBER(ZMQ_HANDSHAKE_IVL, handshake_ivl, 30000, 0, INT_MAX)},
    {TEXT(ZMQ_SOCKS_PROXY, socks_proxy, 1, INT_MAX, true)},
    {FLAG(ZMQ_INVERT_MATCHING, invert_matching, 0)},
    {NUMBER(ZMQ_HEARTBEAT_IVL, heartbeat_ivl, 0, 0, INT_MAX)},
    {ZMQ_HEARTBEAT_TTL, &tenths, AT(heartbeat_ttl), 0, 0, UINT16_MAX, false},
    {NUMBER(ZMQ_HEARTBEAT_TIMEOUT, heartbeat_timeout, -1, 0, INT_MAX)},
    {NUMBER(ZMQ_CONNECT_TIMEOUT, connect_timeout, 0, 0, INT_MAX)},
    {NUMBER(ZMQ_TCP_MAXRT, tcp_maxrt, 0, 0, INT_MAX)},
    {NUMBER(ZMQ_USE_FD, use_fd, -1, -1, INT_MAX)},
    {TEXT(ZMQ_BINDTODEVICE, bind_to_device, 1, 16, true)},
    {FLAG(ZMQ_ZAP_ENFORCE_DOMAIN, zap_enforce_domain, 0)},
    {OTHER(ZMQ_METADATA, metadata, metadata)},
    {TEXT(ZMQ_SOCKS_USERNAME, socks_username, 0, 255, true)},
    {TEXT(ZMQ_SOCKS_PASSWORD, socks_password, 0, 255, true)},
    {NUMBER(ZMQ_RECONNECT_STOP, reconnect_stop, 0, INT_MIN, INT_MAX)},

    /* Programs set and read these whether or not they use what they concern: multicast transports, which are not here,
     * and another operating system. They are kept and have no effect on what can be bound or connected. */
    {NUMBER(ZMQ_RATE, rate, 100, 1, INT_MAX)},
    {NUMBER(ZMQ_RECOVERY_IVL, recovery_ivl, 10000, 0, INT_MAX)},
    {NUMBER(ZMQ_MULTICAST_HOPS, multicast_hops, 1, 1, INT_MAX)},
    {NUMBER(ZMQ_MULTICAST_MAXTPDU, multicast_maxtpdu, 1500, 1, INT_MAX)},
    {FLAG(ZMQ_MULTICAST_LOOP, multicast_loop, 1)},
    {FLAG(ZMQ_LOOPBACK_FASTPATH, loopback_fastpath, 0)},
};

enum { DEFINITIONS = sizeof(definitions) / sizeof(definitions[0]) };

static const struct definition *find(int option)
{
    for (size_t i = 0; i < DEFINITIONS; i++) {
        if (definitions[i].option == option) {
            return &definitions[i];
        }
    }
    return NULL;
}

void ih_options_init(struct ih_options *opt)
{
    memset(opt, 0, sizeof(*opt));
    for (size_t i = 0; i < DEFINITIONS; i++) {
        const struct definition *def = &definitions[i];
        if (def->kind == &wide) {
            *(int64_t *)field(opt, def) = def->initial;
        } else if (def->kind == &number || def->kind == &flag) {
            *(int *)field(opt, def) = def->initial;
        }
    }
}

/* The options that own memory. */
enum { BLOBS = 10 };

static void list_blobs(struct ih_options *opt, struct ih_blob *blobs[BLOBS])
{
    struct ih_blob *const list[BLOBS] = {
        &opt->zap_domain, &opt->socks_proxy,        &opt->socks_username, &opt->socks_password, &opt->bind_to_device,
        &opt->metadata,   &opt->tcp_accept_filters, &opt->ipc_pids,       &opt->ipc_uids,       &opt->ipc_gids,
    };

    memcpy(blobs, list, sizeof(list));
}

void ih_options_fini(struct ih_options *opt)
{
    struct ih_blob *blobs[BLOBS];

    list_blobs(opt, blobs);
    for (size_t i = 0; i < BLOBS; i++) {
        ih_blob_clear(blobs[i]);
    }
}

int ih_options_copy(struct ih_options *to, const struct ih_options *from)
{
    struct ih_blob *blobs[BLOBS];
    struct ih_blob theirs[BLOBS];
    int rc = 0;

    *to = *from;
    list_blobs(to, blobs);
    for (size_t i = 0; i < BLOBS; i++) {
        theirs[i] = *blobs[i];
        *blobs[i] = (struct ih_blob){NULL, 0};
    }
    for (size_t i = 0; i < BLOBS && rc == 0; i++) {
        rc = ih_blob_set(blobs[i], theirs[i].data, theirs[i].size);
    }
    if (rc < 0) {
        ih_options_fini(to);
    }
    return rc;
}

int ih_options_set(struct ih_options *opt, int option, const void *value, size_t size)
{
    const struct definition *def = find(option);
    if (def == NULL) {
        return -ENOENT;
    }
    return value == NULL && size > 0 ? -EINVAL : def->kind->set(opt, def, value, size);
}

int ih_options_get(const struct ih_options *opt, int option, void *value, size_t *size)
{
    const struct definition *def = find(option);
    if (def == NULL) {
        return -ENOENT;
    }
    return def->kind->get == NULL ? -EINVAL : def->kind->get(opt, def, value, size);
}
