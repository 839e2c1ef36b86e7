/* SPDX-License-Identifier: ISC */
/* The byte-stream connections that tcp and ipc share, with their listeners and connecters.
 *
 *   zmq_bind  -> listener  --accept-->  conn --handshake--> pipe (attached to the pattern when READY)
 *   zmq_connect -> connecter --connect--> conn --handshake--> the connecter's pipe, attached since zmq_connect
 *                                                             (with ZMQ_IMMEDIATE, and for ROUTER, when READY)
 *
 * Everything is guarded by the socket's lock. A thread that reads, writes or computes a handshake drops it, having
 * counted itself in source.busy and set `reading` or `writing`, which keep any other thread from the same half. */
#ifndef IH_TRANSPORT_STREAM_H
#define IH_TRANSPORT_STREAM_H

#include "base/heap.h"
#include "core/endpoint.h"
#include "core/pipe.h"
#include "core/resolver.h"
#include "core/zap.h"
#include "platform/net.h"
#include "zmtp/batch.h"
#include "zmtp/connection.h"

struct ih_security;
struct ih_socks;
struct stream_conn;
struct stream_proxy;

/* What all connections of one endpoint share: the settings of the moment of its zmq_bind or zmq_connect. Whoever comes to
 * an endpoint is let in or not as the program meant when it opened it, whatever it has set for others since. Owner: the
 * endpoint and its connections, by refs (guarded by the socket's lock). Immutable. */
struct stream_origin {
    unsigned refs;
    char *uri; /* for the monitor */
    struct ih_security *security;
    struct ih_options opt;
    struct stream_proxy *proxy; /* NULL: connect without one */
};

struct stream_origin *stream_origin_new(struct ih_socket *socket, const char *uri);
void stream_origin_release(struct stream_origin *origin);

/* What distinguishes tcp from ipc. */
struct stream_kind {
    const struct ih_transport_ops *transport;
    bool local; /* ipc: Peer-Address is made of the peer's credentials */
    /* Parses what follows "://". connect: 1 if *addr is known, 0 if the host name must be looked up. */
    int (*parse_bind)(const char *address, struct ih_socket *socket, struct ih_addr *addr);
    int (*parse_connect)(const char *address, struct ih_socket *socket, struct ih_addr *source, struct ih_addr *addr);
    /* True if the endpoint's options allow this peer (filters). */
    bool (*admits)(const struct ih_options *opt, int fd, const struct ih_addr *peer);
};

enum stream_state {
    STREAM_CONNECTING,
    STREAM_PROXY, /* connected to the proxy, which is to connect on */
    STREAM_HANDSHAKE,
    STREAM_ASKING, /* the ZAP handler */
    STREAM_ACTIVE,
    STREAM_CLOSED,
};

struct stream_listener {
    struct ih_endpoint endpoint;
    struct ih_source source;
    const struct stream_kind *kind;
    struct stream_origin *origin;
    struct ih_list conns;  /* struct stream_conn, by listener_node */
    struct ih_timer pause; /* out of descriptors: accept again then */
    struct ih_addr addr;   /* ipc: its file is removed on unbind */
    struct ih_net_file file;
    char *dir; /* and the directory of a wildcard, or "" */
};

struct stream_connecter {
    struct ih_endpoint endpoint;
    const struct stream_kind *kind;
    struct stream_origin *origin;
    char *address;
    struct ih_pipe *pipe;     /* NULL: attached when READY, or ended */
    struct stream_conn *conn; /* NULL between attempts */
    struct ih_addr source, addr;
    struct ih_resolve *job; /* looking the name up */
    struct ih_timer retry;
    struct ih_timer linger;
    int interval_ms;   /* the last reconnection interval */
    unsigned refusals; /* handshakes that failed in a row */
    bool given_up;     /* no further attempt: the credentials were refused, ZMQ_RECONNECT_STOP, ... */
};

struct stream_conn {
    struct ih_conn base; /* first: source, node in socket->conns */
    struct ih_list listener_node;
    const struct stream_kind *kind;
    struct stream_listener *listener;   /* accepted, and still bound */
    struct stream_connecter *connecter; /* or made by a connecter */
    struct stream_origin *origin;
    struct ih_socks *socks; /* while the proxy is talked to */
    struct ih_zmtp *zmtp;   /* NULL for a raw socket */
    struct ih_pipe *pipe;   /* from ACTIVE on */
    struct ih_zap *zap;
    struct ih_props *zap_props; /* what the handler said, for the messages */
    uint64_t admission;         /* a handler let it in: a number of no other connection; 0: none was asked */
    int zap_error;              /* ZMQ_PROTOCOL_ERROR_ZAP_ value of a malformed reply, else 0 */
    struct ih_addr peer;
    uint8_t state;
    bool reading, writing;
    bool paused;    /* the pipe is full: not read until ops->drained */
    bool blocked;   /* the peer takes no more: waits for IH_WRITE */
    bool broken;    /* the peer is gone, as the set has said; what it sent may wait to be read */
    bool lingering; /* closed when everything is written */
    bool half_open; /* counted in socket->half_open, and among the last of socket->conns */
    bool pinged;    /* a PING was sent and nothing was received since */
    uint8_t pongs;  /* PONGs queued */
    uint8_t *rx;    /* octets read and not decoded yet */
    size_t rx_start, rx_end;
    size_t pending; /* octets in pipe->out and gather, about */
    struct ih_batch
        *gather;        /* small messages, encoded as they were sent: older than pipe->out, younger than tx. Or NULL */
    unsigned gathered;  /* messages in it, which pipe->out_messages counts too */
    bool lent;          /* tx or batch has a frame whose memory is the running call's */
    struct ih_queue tx; /* frames taken from the pipe, being encoded */
    struct ih_batch *batch; /* partly written */
    struct ih_timer timer;  /* handshake or connect deadline, then heartbeat */
    uint64_t received_ms;   /* half-open: when it was accepted; heartbeat: the last octets */
    uint64_t ping_at_ms;
    uint64_t sent_ms; /* the PING that was not answered yet */
    uint64_t ttl_ms;  /* what the peer's PING asked for, 0: nothing */
};

/* --- conn.c ------------------------------------------------------------------------------------------------------- */

/* A connection on a descriptor, which it owns from now on; pending: still connecting. NULL: no memory, fd closed. */
struct stream_conn *stream_conn_new(struct ih_socket *socket, const struct stream_kind *kind, int fd,
                                    struct stream_origin *origin);

/* The descriptor is connected: talks to the proxy, if there is one. */
void stream_conn_opened(struct stream_conn *conn);

/* There are octets from and to the peer: greets. */
void stream_conn_start(struct stream_conn *conn);

/* Closes the connection after ms, unless the timer is set anew; 0: not. -ENOMEM. */
int stream_conn_deadline(struct stream_conn *conn, int ms);

/* Closes with a monitor event: DISCONNECTED if it was active, else HANDSHAKE_FAILED as the machine or error says. */
void stream_conn_fail(struct stream_conn *conn, int error);

/* Closes when what waits is written (linger), or at once. */
void stream_conn_close(struct stream_conn *conn, bool linger);

void stream_conn_event(struct stream_conn *conn, int event, uint32_t value);

/* The peer's address as ZAP and zmq_msg_gets show it. */
void stream_conn_address(struct stream_conn *conn, char *text, size_t size);

/* The handshake is done: makes or takes the pipe. */
void stream_conn_activate(struct stream_conn *conn);

/* Makes sure that the socket's deadlines have their descriptor: where there is none left, it is better to fail in
 * zmq_bind or zmq_connect than never to try again. -errno. */
int stream_reserve_timer(struct ih_socket *socket);

/* What is waited for, from the flags. */
void stream_conn_watch(struct stream_conn *conn);

extern const struct ih_carrier_ops stream_accepted_carrier;

/* --- proxy.c ------------------------------------------------------------------------------------------------------ */

/* ZMQ_SOCKS_PROXY as the options have it now, to connect to address through; *result NULL: there is none. -EINVAL: no
 * proxy can be told that address. -ENOMEM. */
int stream_proxy_new(const struct ih_options *opt, const char *address, struct stream_proxy **result);
void stream_proxy_free(struct stream_proxy *proxy);

/* Its HOST:PORT, as the program wrote it. */
const char *stream_proxy_address(const struct stream_proxy *proxy);

/* Tells it where to connect to; the handshake follows. */
void stream_proxy_start(struct stream_conn *conn);
/* It may be read or written. */
void stream_proxy_ready(struct stream_conn *conn);
/* The dialogue is over, one way or the other. */
void stream_proxy_end(struct stream_conn *conn);

/* --- handshake.c -------------------------------------------------------------------------------------------------- */

void stream_handshake(struct stream_conn *conn);
/* Asks the ZAP handler anew: what it was asked before may be out of date. */
void stream_ask_again(struct stream_conn *conn);

/* --- transfer.c --------------------------------------------------------------------------------------------------- */

void stream_receive(struct stream_conn *conn, bool readable);
void stream_transmit(struct stream_conn *conn);
/* A message whose memory is lent, as the carriers' borrow. */
bool stream_borrow(struct stream_conn *conn, const struct ih_msg *msg);
/* What was gathered is not written: back into the pipe (kept), or dropped. */
void stream_ungather(struct stream_conn *conn, bool kept);
/* A whole message was appended to the pipe. */
void stream_wrote(struct stream_conn *conn);
/* May another be? */
bool stream_room(const struct stream_conn *conn);
bool stream_has_output(const struct stream_conn *conn);

/* --- heartbeat.c -------------------------------------------------------------------------------------------------- */

void stream_heartbeat_start(struct stream_conn *conn);
void stream_heartbeat_fired(struct stream_conn *conn);
/* Octets came: the peer is alive. */
void stream_heartbeat_alive(struct stream_conn *conn);
/* A PING or PONG came. */
void stream_heartbeat_command(struct stream_conn *conn, struct ih_msg *msg);

/* --- listener.c, connecter.c -------------------------------------------------------------------------------------- */

int stream_bind(struct ih_socket *socket, const struct stream_kind *kind, const char *address,
                struct ih_endpoint **result);
int stream_connect(struct ih_socket *socket, const struct stream_kind *kind, const char *address,
                   struct ih_endpoint **result);
void stream_endpoint_close(struct ih_endpoint *endpoint);
void stream_listener_close(struct stream_listener *listener);
void stream_connecter_close(struct stream_connecter *connecter);

/* The options for descriptors. */
void stream_tuning(const struct ih_options *opt, struct ih_net_tuning *tuning);

/* The connection of a connecter is gone; ready: it had got through its handshake; final: do not come back. */
void stream_connecter_lost(struct stream_connecter *connecter, bool ready, bool final);
/* The connecter's pipe has nothing left to send: closes it if it only lingers. */
void stream_connecter_flushed(struct stream_connecter *connecter);

#endif
