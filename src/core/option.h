/* SPDX-License-Identifier: ISC */
/* The socket's options that are not a pattern's or a mechanism's. */
#ifndef IH_CORE_OPTION_H
#define IH_CORE_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/blob.h"

/* Owner: its socket, guarded by the socket's lock; an endpoint has a copy that does not change. Values as in the man page
 * zmq_setsockopt. */
struct ih_options {
    int sndhwm; /* messages, 0: no limit */
    int rcvhwm;
    uint64_t affinity; /* bit mask of I/O threads */
    uint8_t routing_id[255];
    uint8_t routing_id_size;
    int rate, recovery_ivl, multicast_hops, multicast_maxtpdu, multicast_loop; /* kept, without effect */
    int sndbuf, rcvbuf;                                                        /* octets, -1: the system's default */
    int linger;                                                                /* ms, -1: for ever */
    int reconnect_ivl;                                                         /* ms, -1: no reconnection */
    int reconnect_ivl_max;                                                     /* ms, 0: no back-off */
    int reconnect_stop;                                                        /* ZMQ_RECONNECT_STOP_ bits */
    int backlog;
    int64_t maxmsgsize;                                                            /* octets, -1: no limit */
    int rcvtimeo, sndtimeo;                                                        /* ms, -1: for ever */
    int ipv6;                                                                      /* bool */
    int immediate;                                                                 /* bool */
    int tcp_keepalive, tcp_keepalive_cnt, tcp_keepalive_idle, tcp_keepalive_intvl; /* -1: the system's default */
    int tos;
    int handshake_ivl;      /* ms, 0: no limit */
    int heartbeat_ivl;      /* ms, 0: none */
    int heartbeat_ttl;      /* tenths of a second on the wire; kept in ms */
    int heartbeat_timeout;  /* ms, -1: heartbeat_ivl */
    int connect_timeout;    /* ms, 0: the system's */
    int tcp_maxrt;          /* ms */
    int use_fd;             /* a listening descriptor for zmq_bind to take over, -1: none */
    int conflate;           /* bool */
    int invert_matching;    /* bool */
    int zap_enforce_domain; /* bool */
    int loopback_fastpath;  /* bool; Windows only, kept */
    struct ih_blob zap_domain;
    struct ih_blob socks_proxy; /* HOST:PORT, a NUL follows; empty: none */
    struct ih_blob socks_username, socks_password;
    struct ih_blob bind_to_device;               /* a NUL follows */
    struct ih_blob metadata;                     /* RFC 37 encoding of the ZMQ_METADATA properties */
    struct ih_blob tcp_accept_filters;           /* struct ih_net_filter entries */
    struct ih_blob ipc_pids, ipc_uids, ipc_gids; /* pid_t, uid_t, gid_t entries allowed; all three empty: everybody */
};

void ih_options_init(struct ih_options *opt);
void ih_options_fini(struct ih_options *opt);

/* Makes *to, which is overwritten, a copy of its own. -ENOMEM: *to needs no fini then. */
int ih_options_copy(struct ih_options *to, const struct ih_options *from);

/* zmq_setsockopt, zmq_getsockopt for these. -ENOENT: not one of them. -EINVAL, -ENOMEM; nothing is changed then. */
int ih_options_set(struct ih_options *opt, int option, const void *value, size_t size);
int ih_options_get(const struct ih_options *opt, int option, void *value, size_t *size);

/* For every owner of options: values in and out with libzmq's rules for sizes. */

/* Exactly 4 octets. */
int ih_option_read_int(const void *value, size_t size, int *result);
/* 0 or 1, nothing else: ZMQ_PLAIN_SERVER, ZMQ_CURVE_SERVER, ZMQ_STREAM_NOTIFY and some of those above. */
int ih_option_read_bool(const void *value, size_t size, int *result);
/* Exactly 4 octets of room. */
int ih_option_write_int(int result, void *value, size_t *size);
/* Any room that is enough; *size becomes what was written, with the ending NUL if terminate. */
int ih_option_write_bytes(const void *data, size_t data_size, bool terminate, void *value, size_t *size);

#endif
