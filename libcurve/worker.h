/* SPDX-License-Identifier: ISC */
/* The thread beneath a virtual socket. */
#ifndef IH_LIBCURVE_WORKER_H
#define IH_LIBCURVE_WORKER_H

#include "libcurve/asker.h"
#include "libcurve/events.h"
#include "libcurve/link.h"
#include "libcurve/routes.h"
#include "libcurve/socket.h"

enum { IH_STUCK_MS = 1000 }; /* that an envelope waits for a relay to take it */

/* Owner: the socket until ih_worker_run, then its own thread, which frees it at the end. */
struct ih_worker {
    curve_socket_t *socket;
    struct ih_engine *engine;
    struct ih_asker asker;
    /* The worker's ends of the socket's PAIRs. */
    void *inner;
    void *wake;
    void *monitor;
    struct ih_events events; /* that wait for room in the monitor's queue */

    struct ih_link links[IH_LINKS_MAX];
    int link_count;
    int active;              /* a client's: the link in use */
    struct ih_routes routes; /* a peer's: which relay for whom */

    struct ih_envelope *envelope; /* waits for room in its link */
    struct ih_link *stuck;        /* the link that it waits for */
    uint64_t stuck_ms;            /* since when */
    struct ih_message *message;   /* waits for room in the application's queue */

    /* A message of the application's as it is taken from its PAIR. */
    zmq_msg_t *frames;
    struct ih_octets *octets;
    size_t frame_room;
    uint64_t number; /* of the last one taken */

    uint64_t now_ms;
    uint64_t links_ms;  /* when a link's tick is due */
    uint64_t linger_ms; /* when closing: the end */
    bool closing;
    bool nudge; /* the carrier was connected anew */
    int fatal;  /* what ends the thread: the context's end */
};

/* -ENOMEM, -EINVAL. */
int ih_worker_new(struct ih_worker **worker, curve_socket_t *socket);

/* Before it ran. The socket's PAIRs are left alone. */
void ih_worker_free(struct ih_worker *worker);

/* The thread. arg: the worker, which is freed. */
void ih_worker_run(void *arg);

/* ---- carry.c: what the loop moves ---- */

/* Each moves as much as there is and as there is room for, up to a batch; true if it moved something. */
bool ih_worker_take_links(struct ih_worker *worker);
bool ih_worker_take_messages(struct ih_worker *worker);
bool ih_worker_give_messages(struct ih_worker *worker);
bool ih_worker_give_envelopes(struct ih_worker *worker);
bool ih_worker_take_answers(struct ih_worker *worker);
bool ih_worker_give_events(struct ih_worker *worker);

/* Can the engine take a message of the application's now? */
bool ih_worker_wants_message(const struct ih_worker *worker);

/* An event for the application, if it wants it: given now if there is room, else later. */
void ih_worker_event(struct ih_worker *worker, int event, int value, uint64_t number, const uint8_t *id);

/* The engine's host: a peer does not answer a handshake. By another relay from now on, if there is one. arg: the worker. */
void ih_worker_silent(void *arg, const uint8_t *key);

/* ---- attach.c: endpoints ---- */

int ih_worker_attach(struct ih_worker *worker, const char *endpoint, bool bind);
int ih_worker_detach(struct ih_worker *worker, const char *endpoint, bool bind);

#endif
