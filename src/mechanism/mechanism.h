/* SPDX-License-Identifier: ISC */
/* The contract between a ZMTP connection and the security mechanisms (RFC 37, "Authentication and Confidentiality").
 *
 * A mechanism is a state machine over handshake commands: bodies of ZMTP command frames (a name behind its length
 * octet, then data) come in by `command`, and go out through its host. It holds no socket, clock, thread or lock; every
 * slot is called by the one thread that drives the connection's handshake, and none blocks. */
#ifndef IH_MECHANISM_MECHANISM_H
#define IH_MECHANISM_MECHANISM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "curvezmq/box.h"

struct ih_security;
struct ih_cookie_jar;
struct ih_mechanism;

/* What a mechanism waits for. */
enum ih_mechanism_state {
    IH_MECHANISM_COMMAND, /* the peer's next command */
    IH_MECHANISM_ZAP,     /* the decision about the peer's credentials */
    IH_MECHANISM_READY,   /* nothing: traffic may flow */
    IH_MECHANISM_FAILED,  /* nothing: the connection is to be closed when the output is written */
};

enum ih_mechanism_failure {
    IH_MECHANISM_PROTOCOL, /* code: a ZMQ_PROTOCOL_ERROR_ value */
    IH_MECHANISM_AUTH,     /* code: 300, 400 or 500 */
    IH_MECHANISM_REFUSED,  /* code: an errno; the peer's ERROR command gave no status */
    IH_MECHANISM_SYSTEM,   /* code: an errno of our own, such as ENOMEM */
};

/* The largest metadata that is accepted (RFC 37 sets no bound), and the largest command of which it is a part. */
enum { IH_METADATA_MAX = 65536, IH_COMMAND_MAX = IH_METADATA_MAX + 512, IH_COMMAND_SMALL = 640 };

/* Owner: the connection, which outlives the mechanism. */
struct ih_mechanism_host {
    /* Room for the body of one outgoing command of that size, to be filled before anything else is called; NULL when
     * out of memory. */
    uint8_t *(*emit)(struct ih_mechanism_host *host, size_t size);
    /* The peer's metadata, as it came. 0, or a negative errno that ends the handshake: -EPROTO (malformed, or a socket
     * type that does not fit), -ENOMEM. */
    int (*metadata)(struct ih_mechanism_host *host, const uint8_t *data, size_t size);
};

/* Owner: the connection. All pointers are borrowed and outlive the mechanism. */
struct ih_mechanism_config {
    const struct ih_security *security;
    struct ih_cookie_jar *cookies;
    const uint8_t *metadata; /* our own, complete, encoded */
    size_t metadata_size;
    uint64_t serial;
    bool ask_zap; /* stop in state ZAP when the peer's credentials are known */
};

/* Immutable; one for each mechanism. */
struct ih_mechanism_ops {
    int id;           /* ZMQ_NULL, ... */
    const char *name; /* in the greeting and for ZAP; at most 20 octets */
    bool roles;       /* one end is the server and the other the client, and the greeting says which */

    /* Allocates the state, fills the base. NULL when out of memory. */
    struct ih_mechanism *(*open)(const struct ih_mechanism_config *config);

    /* The peer's greeting fits: sends the first command, if it is ours to send. */
    void (*start)(struct ih_mechanism *mechanism);

    /* A command of the peer, in state COMMAND. Its size is at most mechanism->expect. now_ms: a monotonic clock. */
    void (*command)(struct ih_mechanism *mechanism, const uint8_t *body, size_t size, uint64_t now_ms);

    /* Frame i of what ZAP is asked, in state ZAP; false past the last (RFC 27). NULL: it has none. */
    bool (*credential)(const struct ih_mechanism *mechanism, unsigned i, const uint8_t **data, size_t *size);

    /* The decision, in state ZAP: 200, 300, 400 or 500. */
    void (*decide)(struct ih_mechanism *mechanism, unsigned status);

    /* In state READY: the keys that traffic is sealed with; the caller frees them. NULL: traffic is in clear text. */
    struct ih_box_keys *(*take_keys)(struct ih_mechanism *mechanism);

    /* Wipes and frees. */
    void (*close)(struct ih_mechanism *mechanism);
};

/* Owner: the connection, from its greeting to the end of its handshake; embedded at the start of each mechanism's own
 * state. */
struct ih_mechanism {
    const struct ih_mechanism_ops *ops;
    struct ih_mechanism_host *host;
    struct ih_mechanism_config config;
    enum ih_mechanism_state state;
    size_t expect; /* a larger command is refused before it is read */
    enum ih_mechanism_failure failure;
    int code;
    bool refused; /* by the peer's ERROR command */
};

/* The mechanism with that id (ZMQ_NULL, ...). NULL: there is none. */
const struct ih_mechanism_ops *ih_mechanism_find(int id);

/* --- for the mechanisms ------------------------------------------------------------------------------------------- */

/* True if the body starts with that command name behind its length octet. */
bool ih_command_is(const uint8_t *body, size_t size, const char *name);

/* True if the body starts with any name: a length octet of at least 1 and as many octets. */
bool ih_command_named(const uint8_t *body, size_t size);

/* Ends the handshake. */
void ih_mechanism_fail(struct ih_mechanism *mechanism, enum ih_mechanism_failure failure, int code);

/* A command that does not belong here, or is none: fails with the code for it. */
void ih_mechanism_unexpected(struct ih_mechanism *mechanism, const uint8_t *body, size_t size);

/* Hands the peer's metadata to the host; false if it failed. */
bool ih_mechanism_metadata(struct ih_mechanism *mechanism, const uint8_t *data, size_t size);

/* Sends name, behind its length octet, with data. False if it failed. */
bool ih_mechanism_send(struct ih_mechanism *mechanism, const char *name, const uint8_t *data, size_t size);

/* Fails because ZAP said so; where libzmq does (400, 500), the ERROR command is sent first. prefix: its name. */
void ih_mechanism_deny(struct ih_mechanism *mechanism, const char *prefix, unsigned status);

/* The peer sent ERROR; reason is what follows the command's name (RFC 37: length octet, text). Fails. */
void ih_mechanism_refused(struct ih_mechanism *mechanism, const uint8_t *reason, size_t size);

extern const struct ih_mechanism_ops ih_null_mechanism;
extern const struct ih_mechanism_ops ih_plain_mechanism;
extern const struct ih_mechanism_ops ih_curve_mechanism;

#endif
