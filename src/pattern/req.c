/* SPDX-License-Identifier: ISC */
/* REQ (RFC 28): a request out, its reply in, strictly in turn unless ZMQ_REQ_RELAXED. */
#include "core/pattern.h"

#include "base/random.h"
#include "pattern/balance.h"
#include "pattern/flag.h"
#include "pattern/probe.h"
#include <zmq.h>

enum phase {
    REQ_IDLE,    /* no request is out */
    REQ_REQUEST, /* the request is being sent */
    REQ_WAIT,    /* waits for the reply */
    REQ_REPLY,   /* the reply is being received: its envelope is stripped */
};

/* Owner: the socket, at pattern_state; guarded by its lock. Whatever comes from a peer other than the one asked is
 * dropped as it comes, so that only `asked` ever has something to read. */
struct req {
    struct ih_balance balance;
    enum phase phase;
    struct ih_pipe *asked; /* who is to reply; NULL: nobody, or it is gone */
    uint32_t id;           /* the request's, if correlate */
    bool correlate;        /* ZMQ_REQ_CORRELATE */
    bool relaxed;          /* ZMQ_REQ_RELAXED */
    bool probe_router;     /* ZMQ_PROBE_ROUTER */
};

static int init(struct ih_socket *socket)
{
    struct req *req = socket->pattern_state;

    ih_balance_init(&req->balance);
    req->id = (uint32_t)ih_random_u64();
    return 0;
}

static int attach(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct req *req = socket->pattern_state;

    ih_balance_add(&req->balance, pipe);
    if (req->probe_router)
        ih_probe_send(pipe);
    return 0;
}

static void detach(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct req *req = socket->pattern_state;

    ih_balance_remove(&req->balance, pipe);
    if (req->asked == pipe)
        req->asked = NULL;
}

static bool waits_for(const struct req *req, const struct ih_pipe *pipe)
{
    return req->phase >= REQ_WAIT && req->asked == pipe;
}

static void readable(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct req *req = socket->pattern_state;

    if (!waits_for(req, pipe))
        ih_pipe_discard(pipe);
}

static void writable(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct req *req = socket->pattern_state;

    ih_balance_add(&req->balance, pipe);
}

/* The frames before the body: the request id if correlate, and RFC 28's empty delimiter. */
static int send_envelope(struct req *req)
{
    struct ih_msg msg;
    int rc = 0;

    ih_msg_init(&msg);
    if (req->correlate) {
        req->id++;
        (void)ih_msg_init_copy(&msg, &req->id, sizeof req->id);
        msg.flags = IH_MSG_MORE;
        rc = ih_balance_send(&req->balance, &msg, &req->asked);
    }
    if (rc == 0) {
        msg.flags = IH_MSG_MORE;
        rc = ih_balance_send(&req->balance, &msg, &req->asked);
    }
    return rc;
}

/* Forgets the request before, and all that was sent without being asked for. */
static void forget_request(struct req *req)
{
    req->phase = REQ_IDLE;
    if (req->asked)
        ih_pipe_discard(req->asked);
    req->asked = NULL;
}

static int begin_request(struct req *req, struct ih_msg *msg)
{
    int rc;

    if (!ih_balance_can_send(&req->balance))
        return -EAGAIN;
    forget_request(req);
    rc = send_envelope(req);
    /* What is there now is no reply. Look before the request is whole: an inproc peer may answer it at once. */
    if (rc == 0 && req->asked)
        ih_pipe_discard(req->asked);
    if (rc == 0)
        rc = ih_balance_send(&req->balance, msg, NULL);
    if (rc < 0) {
        ih_balance_unwind(&req->balance);
        req->asked = NULL;
    }
    return rc;
}

static int send(struct ih_socket *socket, struct ih_msg *msg)
{
    struct req *req = socket->pattern_state;
    const bool more = ih_msg_more(msg);
    int rc;

    if (req->phase >= REQ_WAIT && !req->relaxed)
        return -EFSM;
    if (req->phase == REQ_REQUEST)
        rc = ih_balance_send(&req->balance, msg, NULL);
    else
        rc = begin_request(req, msg);
    if (rc == 0)
        req->phase = more ? REQ_REQUEST : REQ_WAIT;
    return rc;
}

/* Reads a frame of the envelope. True if it is as it must be and others follow. */
static bool strip_frame(struct req *req, const void *data, size_t size, bool *more)
{
    struct ih_msg msg;
    bool good;

    if (!*more || ih_pipe_read(req->asked, &msg) < 0)
        return false;
    *more = ih_msg_more(&msg);
    good = *more && ih_msg_size(&msg) == size && (size == 0 || memcmp(ih_msg_data(&msg), data, size) == 0);
    ih_msg_close(&msg);
    return good;
}

/* Takes the envelope off the message that is there. False: it was not the reply, and is gone. */
static bool strip_envelope(struct req *req)
{
    struct ih_msg msg;
    bool more = true;

    if ((!req->correlate || strip_frame(req, &req->id, sizeof req->id, &more)) && strip_frame(req, NULL, 0, &more))
        return true;
    while (more && ih_pipe_read(req->asked, &msg) == 0) {
        more = ih_msg_more(&msg);
        ih_msg_close(&msg);
    }
    return false;
}

/* RFC 28: replies that are malformed or not asked for are discarded. True if the reply is there. */
static bool find_reply(struct req *req)
{
    while (req->phase == REQ_WAIT && req->asked && ih_pipe_can_read(req->asked)) {
        if (strip_envelope(req))
            req->phase = REQ_REPLY;
    }
    return req->phase == REQ_REPLY;
}

static int recv(struct ih_socket *socket, struct ih_msg *msg)
{
    struct req *req = socket->pattern_state;
    int rc;

    if (req->phase < REQ_WAIT)
        return -EFSM;
    if (!find_reply(req))
        return -EAGAIN;
    rc = ih_pipe_read(req->asked, msg);
    if (rc == 0 && !ih_msg_more(msg))
        forget_request(req);
    return rc;
}

static bool can_send(struct ih_socket *socket)
{
    struct req *req = socket->pattern_state;

    if (req->phase >= REQ_WAIT && !req->relaxed)
        return false;
    return ih_balance_can_send(&req->balance);
}

static bool can_recv(struct ih_socket *socket)
{
    struct req *req = socket->pattern_state;

    return find_reply(req);
}

static int set(struct ih_socket *socket, int option, const void *value, size_t size)
{
    struct req *req = socket->pattern_state;

    switch (option) {
    case ZMQ_REQ_CORRELATE:
        return ih_flag_read(value, size, &req->correlate);
    case ZMQ_REQ_RELAXED:
        return ih_flag_read(value, size, &req->relaxed);
    case ZMQ_PROBE_ROUTER:
        return ih_flag_read(value, size, &req->probe_router);
    default:
        return -ENOENT;
    }
}

const struct ih_pattern_ops ih_req_ops = {
    .type = ZMQ_REQ,
    .name = "REQ",
    .waits = true,
    .connects_once = true,
    .peers = "REP ROUTER",
    .state_size = sizeof(struct req),
    .init = init,
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
