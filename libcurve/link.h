/* SPDX-License-Identifier: ISC */
/* A ZeroMQ socket that carries envelopes: a server's ROUTER, or one DEALER for each endpoint of a client or peer. Between
 * a peer and its relay it also speaks what relay_wire.h says. */
#ifndef IH_LIBCURVE_LINK_H
#define IH_LIBCURVE_LINK_H

#include "libcurve/socket.h"
#include "libcurve/zmq_seam.h"

enum { IH_LINKS_MAX = 32 };

/* Owner: the worker. */
struct ih_link {
    const curve_socket_t *owner;
    void *socket;
    void *monitor;  /* reports of connections, or NULL */
    char *endpoint; /* as the application wrote it; NULL: the server's, which has many */
    bool bound;
    bool connected; /* the last report, if there is but one connection at a time (not bound) */
    bool broken;    /* the other end of its connection does not keep to the form */
    uint64_t opened_ms;
    uint64_t reopen_ms;  /* when another socket is opened for a broken one; UINT64_MAX: it is open */
    uint64_t reopen_ivl; /* how long that was to take the last time */
    /* A peer's. */
    bool registered;
    bool waiting;         /* to register, for a connection */
    uint64_t register_ms; /* when to register (again); UINT64_MAX: need not be */
    uint64_t asked_ms;    /* when it registered last */
    uint64_t ping_ms;     /* when to ping */
    uint64_t heard_ms;
};

/* What came, other than envelopes. */
enum ih_link_news {
    IH_LINK_NOTHING,
    IH_LINK_ENVELOPE,
    IH_LINK_REGISTERED,
    IH_LINK_REFUSED,
    IH_LINK_UNREACHABLE,
    IH_LINK_MALFORMED,
};

/* Something that came. Owner: the worker's stack; init before, fini after. */
struct ih_link_input {
    enum ih_link_news news;
    struct ih_octets route; /* of an envelope; or the key that is unreachable */
    struct ih_octets envelope;
    zmq_msg_t frames[2];
};

void ih_link_input_init(struct ih_link_input *input);
void ih_link_input_fini(struct ih_link_input *input);

/* Opens a socket of the owner's kind, with its options. */
int ih_link_open(struct ih_link *link, const curve_socket_t *owner, uint64_t now_ms);
void ih_link_close(struct ih_link *link, int linger_ms);

/* Binds or connects; endpoint is copied by all but a server's. */
int ih_link_attach(struct ih_link *link, const char *endpoint, bool bind);
/* Ends the connection to who does not keep to the form. ih_link_tick connects anew, with another socket, after
 * CURVE_RECONNECT_IVL; or later, if the one before had not stood for long either. */
void ih_link_break(struct ih_link *link, uint64_t now_ms);
/* True if the slot is in use, though its socket may be closed at the moment. */
bool ih_link_used(const struct ih_link *link);
int ih_link_detach(struct ih_link *link, const char *endpoint, bool bind);

/* The next thing that came. -EAGAIN: nothing. */
int ih_link_receive(struct ih_link *link, struct ih_link_input *input, uint64_t now_ms);

/* The next report of a connection; the end of one that was not reported is IH_ZMQ_REJECTED. -EAGAIN: none. */
int ih_link_report(struct ih_link *link, enum ih_zmq_link *report, uint64_t now_ms);

/* Takes the envelope over if that succeeds. -EAGAIN: there is no room, or no connection; -EHOSTUNREACH. */
int ih_link_send(struct ih_link *link, struct ih_envelope *envelope);

/* Connects anew when it is time to, and registers and pings, which is a peer's; returns when it will be again. */
uint64_t ih_link_tick(struct ih_link *link, uint64_t now_ms);

#endif
