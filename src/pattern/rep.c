/* SPDX-License-Identifier: ISC */
/* REP (RFC 28): a request in, its reply out, strictly in turn. */
#include "core/pattern.h"
#include "pattern/fair.h"
#include "pattern/flag.h"
#include "pattern/probe.h"
#include <zmq.h>

enum phase {
    REP_IDLE,    /* waits for a request */
    REP_REQUEST, /* the request is being received: its envelope is stripped */
    REP_ANSWER,  /* the reply has not been begun */
    REP_REPLY,   /* the reply is being sent */
};

/* Owner: the socket, at pattern_state; guarded by its lock. */
struct rep {
    struct ih_fair fair;
    enum phase phase;
    struct ih_pipe *peer;     /* whose request it is; NULL: it is gone, or takes no reply */
    struct ih_queue envelope; /* the frames up to the empty delimiter, for the reply */
    bool probe_router;        /* ZMQ_PROBE_ROUTER */
};

static int init(struct ih_socket *socket)
{
    struct rep *rep = socket->pattern_state;

    ih_fair_init(&rep->fair);
    ih_queue_init(&rep->envelope);
    return 0;
}

static void fini(struct ih_socket *socket)
{
    struct rep *rep = socket->pattern_state;

    ih_queue_clear(&rep->envelope);
}

static int attach(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct rep *rep = socket->pattern_state;

    if (rep->probe_router)
        ih_probe_send(pipe);
    return 0;
}

static void detach(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct rep *rep = socket->pattern_state;

    ih_fair_remove(&rep->fair, pipe);
    if (rep->peer == pipe)
        rep->peer = NULL;
}

static void readable(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct rep *rep = socket->pattern_state;

    ih_fair_add(&rep->fair, pipe);
}

static void writable(struct ih_socket *socket, struct ih_pipe *pipe)
{
    (void)socket;
    (void)pipe;
}

/* Takes the envelope off the next message. True: a body follows. False: the message was none of RFC 28's, with no
 * delimiter or nothing after it, and is gone. */
static bool strip_envelope(struct rep *rep)
{
    struct ih_msg msg;
    bool more = true, body = false, kept = true;

    while (more && !body) {
        if (ih_fair_recv(&rep->fair, &msg, &rep->peer) < 0)
            return false;
        more = ih_msg_more(&msg);
        body = more && kept && ih_msg_size(&msg) == 0;
        if (kept && ih_queue_push(&rep->envelope, &msg) == 0)
            continue;
        ih_msg_close(&msg);
        kept = body = false;
    }
    if (!body)
        ih_queue_clear(&rep->envelope);
    return body;
}

/* RFC 28: messages that are not proper requests are discarded. True if a request is there. */
static bool find_request(struct rep *rep)
{
    while (rep->phase == REP_IDLE && ih_fair_can_recv(&rep->fair)) {
        if (strip_envelope(rep))
            rep->phase = REP_REQUEST;
    }
    return rep->phase == REP_REQUEST;
}

static int recv(struct ih_socket *socket, struct ih_msg *msg)
{
    struct rep *rep = socket->pattern_state;
    int rc;

    if (rep->phase > REP_REQUEST)
        return -EFSM;
    if (!find_request(rep))
        return -EAGAIN;
    rc = ih_fair_recv(&rep->fair, msg, NULL);
    if (rc == 0 && !ih_msg_more(msg))
        rep->phase = REP_ANSWER;
    return rc;
}

/* Sends the envelope back. RFC 28: a reply that the peer cannot take is dropped, a REP never waits. */
static int begin_reply(struct rep *rep)
{
    struct ih_msg msg;
    int rc = 0;

    if (rep->peer && !ih_pipe_can_write(rep->peer))
        rep->peer = NULL;
    while (rc == 0 && rep->peer && ih_queue_pop(&rep->envelope, &msg)) {
        rc = ih_pipe_write(rep->peer, &msg);
        ih_msg_close(&msg);
    }
    ih_queue_clear(&rep->envelope);
    if (rc < 0) {
        ih_pipe_unwind(rep->peer);
        rep->peer = NULL;
    }
    rep->phase = REP_REPLY;
    return rc;
}

static int send(struct ih_socket *socket, struct ih_msg *msg)
{
    struct rep *rep = socket->pattern_state;
    const bool more = ih_msg_more(msg);
    int rc = 0;

    if (rep->phase < REP_ANSWER)
        return -EFSM;
    if (rep->phase == REP_ANSWER)
        rc = begin_reply(rep);
    if (rc == 0 && rep->peer)
        rc = ih_pipe_write(rep->peer, msg);
    if (rc < 0)
        return rc;
    if (!rep->peer) {
        ih_msg_close(msg);
        ih_msg_init(msg);
    }
    if (!more) {
        rep->phase = REP_IDLE;
        rep->peer = NULL;
    }
    return 0;
}

static bool can_send(struct ih_socket *socket)
{
    struct rep *rep = socket->pattern_state;

    return rep->phase >= REP_ANSWER;
}

static bool can_recv(struct ih_socket *socket)
{
    struct rep *rep = socket->pattern_state;

    return find_request(rep);
}

/* libzmq's REP takes a ROUTER's options; here they have nothing to act on: it names no peers and never waits. */
static int set(struct ih_socket *socket, int option, const void *value, size_t size)
{
    struct rep *rep = socket->pattern_state;
    bool unused;

    switch (option) {
    case ZMQ_PROBE_ROUTER:
        return ih_flag_read(value, size, &rep->probe_router);
    case ZMQ_ROUTER_MANDATORY:
    case ZMQ_ROUTER_RAW:
    case ZMQ_ROUTER_HANDOVER:
        return ih_flag_read(value, size, &unused);
    case ZMQ_CONNECT_ROUTING_ID:
        return size >= 1 && size <= 255 ? 0 : -EINVAL;
    default:
        return -ENOENT;
    }
}

const struct ih_pattern_ops ih_rep_ops = {
    .type = ZMQ_REP,
    .name = "REP",
    .peers = "REQ DEALER",
    .state_size = sizeof(struct rep),
    .init = init,
    .fini = fini,
    .attach = attach,
    .detach = detach,
    .readable = readable,
    .writable = writable,
    .send = send,
    .recv = recv,
    .can_send = can_send,
    .can_recv = can_recv,
    .set = set,
};
