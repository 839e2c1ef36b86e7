/* SPDX-License-Identifier: ISC */
/* What is inside a virtual socket, for the files that make it up.
 *
 *   socket.c    its life; options; commands to the worker
 *   message.c   sending and receiving, on the application's thread
 *   monitor.c   events, on the application's thread; events.c: those that wait in the worker
 *   worker.c    the thread beneath: it moves messages between the application, the engine and the links
 *   link.c      the ZeroMQ sockets that carry envelopes
 *   asker.c     the ZAP handler is asked
 *   guard.c, board.c   what both threads look at, each under a lock of its own */
#ifndef IH_LIBCURVE_SOCKET_H
#define IH_LIBCURVE_SOCKET_H

#include <curve.h>

#include "libcurve/board.h"
#include "libcurve/guard.h"
#include "libcurve/session.h"
#include "platform/thread.h"
#include "zmtp/metadata.h"

enum {
    IH_OPTIONS = 16, /* one more than the last option's number */
    IH_ENDPOINT_MAX = 256,
    IH_DOMAIN_MAX = 255,
    IH_EVENTS_HANDED = 128,                         /* in the PAIR to curve_monitor_recv; others wait in the worker */
    IH_PROPERTIES_MAX = IH_METADATA_PROPERTIES - 1, /* the engine adds one */
};

struct ih_worker;

enum ih_command_type {
    IH_COMMAND_BIND,
    IH_COMMAND_CONNECT,
    IH_COMMAND_UNBIND,
    IH_COMMAND_DISCONNECT,
    IH_COMMAND_DENY,
    IH_COMMAND_MONITOR,
    IH_COMMAND_META,
};

/* What the application wants of the worker. Owner: the application's stack, until `done`. */
struct ih_command {
    enum ih_command_type type;
    const char *endpoint;
    const uint8_t *key;
    void *monitor;
    /* META: of whom, which property, where to */
    struct ih_octets id;
    const char *name;
    void *value;
    size_t room;
    size_t size; /* the answer's */
    int error;
    _Atomic uint32_t done;
};

/* Owner: the application. What is not marked belongs to its thread and is only read by the worker, which starts with
 * the first bind or connect. */
struct curve_socket {
    void *context;
    enum ih_engine_kind kind;
    curve_cert_t *own;
    uint8_t server_key[CURVE_KEY_SIZE];
    int options[IH_OPTIONS]; /* SNDTIMEO and RCVTIMEO may change later; the worker does not read them */
    uint8_t *metadata;       /* encoded */
    size_t metadata_size;
    int properties; /* in it */
    curve_cert_t *hop;
    curve_authenticate_fn *authenticate;
    void *authenticate_arg;
    uint8_t hop_key[CURVE_KEY_SIZE];
    char domain[IH_DOMAIN_MAX + 1];
    bool has_hop_key;
    bool asks_zap;
    bool started;
    /* A message that is being sent or received. */
    bool sending;
    bool receiving_more;
    uint8_t sending_to[CURVE_ID_SIZE];
    size_t sending_size;
    size_t sending_frames;
    uint64_t sent;

    /* The application's ends of three inproc PAIRs: messages, "look at what I want", events. */
    void *handle;
    void *wake;
    void *monitor;
    /* The worker's ends; handed over when it starts. inner_monitor: by a command if it runs already. */
    void *inner;
    void *inner_wake;
    void *inner_monitor;

    struct ih_worker *worker; /* the worker's own */
    struct ih_thread thread;

    struct ih_guard guard;
    struct ih_board board; /* a server's or peer's */

    /* Between both threads, under the lock. */
    struct ih_lock lock;
    struct ih_command *command;
    bool ended; /* the worker takes no commands any more */
    char last_endpoint[IH_ENDPOINT_MAX];

    atomic_bool closing;
    atomic_int linger;
    atomic_int events;
};

/* errno and -1 for a negative error number, else the value. */
int ih_socket_answer(int value);

/* Two PAIRs that are joined; the second is the worker's. */
int ih_socket_pair(void *context, void **one, void **other, int to_worker, int to_application);

/* Has the worker do something, and waits until it did. */
int ih_socket_command(curve_socket_t *socket, struct ih_command *command);

/* Tells the worker to look. */
void ih_socket_wake(curve_socket_t *socket);

#endif
