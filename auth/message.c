/* SPDX-License-Identifier: ISC */
#include "auth/message.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* ---- coming ---- */

static void wipe_frame(zmq_msg_t *frame)
{
    if (zmq_msg_size(frame))
        sodium_memzero(zmq_msg_data(frame), zmq_msg_size(frame));
    (void)zmq_msg_close(frame);
}

void auth_message_wipe(struct auth_message *message)
{
    while (message->count)
        wipe_frame(&message->frames[--message->count]);
}

/* The rest of a message of which enough was seen. */
static void skip(void *socket)
{
    zmq_msg_t frame;
    int more = 1;

    while (more) {
        (void)zmq_msg_init(&frame);
        more = zmq_msg_recv(&frame, socket, ZMQ_DONTWAIT) >= 0 && zmq_msg_more(&frame);
        wipe_frame(&frame);
    }
}

static int recv_frames(void *socket, struct auth_message *message)
{
    zmq_msg_t *frame;
    int rc, more = 1;

    while (more) {
        if (message->count == AUTH_MESSAGE_MAX) {
            skip(socket);
            return -EMSGSIZE;
        }
        frame = &message->frames[message->count];
        (void)zmq_msg_init(frame);
        do
            rc = zmq_msg_recv(frame, socket, ZMQ_DONTWAIT);
        while (rc < 0 && zmq_errno() == EINTR);
        if (rc < 0) {
            (void)zmq_msg_close(frame);
            return -zmq_errno();
        }
        message->count++;
        more = zmq_msg_more(frame);
    }
    return 0;
}

/* Finds where the envelope ends, and what lies behind it: of too many frames one more than a message may have. */
static void split(struct auth_message *message)
{
    size_t i = 0;

    while (i < message->count && i < AUTH_ENVELOPE_MAX && zmq_msg_size(&message->frames[i]))
        i++;
    message->envelope = i < message->count && i < AUTH_ENVELOPE_MAX ? i + 1 : 0;
    message->body_count = 0;
    for (i = message->envelope; i < message->count && message->body_count <= AUTH_ZAP_FRAMES_MAX; i++) {
        message->body[message->body_count].data = zmq_msg_data(&message->frames[i]);
        message->body[message->body_count++].size = zmq_msg_size(&message->frames[i]);
    }
}

int auth_message_recv(void *socket, struct auth_message *message)
{
    int rc;

    message->count = 0;
    rc = recv_frames(socket, message);
    if (rc) {
        auth_message_wipe(message);
        return rc;
    }
    split(message);
    return 0;
}

/* ---- going ---- */

struct auth_envelope *auth_envelope_take(struct auth_message *message)
{
    struct auth_envelope *envelope = malloc(sizeof(*envelope) + message->envelope * sizeof(envelope->frames[0]));

    if (!envelope)
        return NULL;
    envelope->count = message->envelope;
    for (size_t i = 0; i < envelope->count; i++) {
        (void)zmq_msg_init(&envelope->frames[i]);
        (void)zmq_msg_move(&envelope->frames[i], &message->frames[i]);
    }
    return envelope;
}

void auth_envelope_free(struct auth_envelope *envelope)
{
    if (!envelope)
        return;
    for (size_t i = 0; i < envelope->count; i++)
        (void)zmq_msg_close(&envelope->frames[i]);
    free(envelope);
}

int auth_frames_send_bare(void *socket, const struct auth_frame *frames, size_t count)
{
    int rc = 0;

    for (size_t i = 0; i < count && rc >= 0; i++) {
        int flags = ZMQ_DONTWAIT | (i + 1 < count ? ZMQ_SNDMORE : 0);

        do
            rc = zmq_send(socket, frames[i].data, frames[i].size, flags);
        while (rc < 0 && zmq_errno() == EINTR);
    }
    return rc < 0 ? -zmq_errno() : 0;
}

int auth_envelope_send(void *socket, struct auth_envelope *envelope, const struct auth_frame *frames, size_t count)
{
    int rc;

    for (size_t i = 0; i < envelope->count; i++) {
        do
            rc = zmq_msg_send(&envelope->frames[i], socket, ZMQ_DONTWAIT | ZMQ_SNDMORE);
        while (rc < 0 && zmq_errno() == EINTR);
        if (rc < 0)
            return -zmq_errno();
    }
    return auth_frames_send_bare(socket, frames, count);
}

int auth_frames_send(void *socket, const struct auth_frame *frames, size_t count)
{
    int rc;

    do
        rc = zmq_send(socket, "", 0, ZMQ_DONTWAIT | ZMQ_SNDMORE);
    while (rc < 0 && zmq_errno() == EINTR);
    return rc < 0 ? -zmq_errno() : auth_frames_send_bare(socket, frames, count);
}
