/* SPDX-License-Identifier: ISC */
/* Messages of a ROUTER or DEALER: an envelope, an empty frame, and what it is about (RFC 27, "Proxy Handlers"). */
#ifndef IH_AUTH_MESSAGE_H
#define IH_AUTH_MESSAGE_H

#include <stdbool.h>
#include <zmq.h>

#include "auth/zap.h"

enum {
    AUTH_ENVELOPE_MAX = 16, /* routing ids and the empty frame behind them */
    AUTH_MESSAGE_MAX = AUTH_ENVELOPE_MAX + AUTH_ZAP_FRAMES_MAX + 1,
};

/* Owner: the stack of who reads it. */
struct auth_message {
    zmq_msg_t frames[AUTH_MESSAGE_MAX];
    size_t count;
    size_t envelope; /* frames of the envelope, the empty one included; 0: it has none */
    struct auth_frame body[AUTH_ZAP_FRAMES_MAX + 1]; /* what follows, in place */
    size_t body_count;
};

/* Does not wait. 0: a message, to be wiped; -EAGAIN: there is none; -EMSGSIZE: it had too many frames, and is gone;
 * -ETERM. */
int auth_message_recv(void *socket, struct auth_message *message);

/* What came from outside may hold a password. */
void auth_message_wipe(struct auth_message *message);

/* Who is to get an answer, and what is to be echoed. Owner: the caller; taken out of a message. */
struct auth_envelope {
    size_t count;
    zmq_msg_t frames[];
};

/* Moves the envelope out of the message. NULL: no memory. */
struct auth_envelope *auth_envelope_take(struct auth_message *message);
void auth_envelope_free(struct auth_envelope *envelope);

/* Does not wait: where a reply cannot be sent, nobody listens. Takes the envelope's frames. */
int auth_envelope_send(void *socket, struct auth_envelope *envelope, const struct auth_frame *frames, size_t count);

/* Without an envelope, behind an empty frame. */
int auth_frames_send(void *socket, const struct auth_frame *frames, size_t count);

/* Without anything. */
int auth_frames_send_bare(void *socket, const struct auth_frame *frames, size_t count);

#endif
