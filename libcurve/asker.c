/* SPDX-License-Identifier: ISC */
/* The ZAP handler is asked. */
#include "libcurve/asker.h"

#include <errno.h>
#include <string.h>

#include <curve.h>

#include "libcurve/zmq_seam.h"

/* A request and a reply behind REQ's empty frame. */
enum { REQUEST_FRAMES = 8 };
enum { REPLY_DELIMITER, REPLY_VERSION, REPLY_ID, REPLY_CODE, REPLY_TEXT, REPLY_USER, REPLY_META, REPLY_FRAMES };

/* Questions that a handler leaves unanswered: beyond that nobody else is asked about. */
enum { HWM = 1000 };

static int open_socket(struct ih_asker *asker)
{
    int error;

    asker->socket = zmq_socket(asker->context, IH_ZMQ_DEALER);
    if (!asker->socket)
        return ih_zmq_error();
    error = ih_zmq_set_hwm(asker->socket, HWM, HWM);
    if (error == 0)
        error = ih_zmq_set_linger(asker->socket, 0);
    if (error == 0 && zmq_connect(asker->socket, "inproc://zeromq.zap.01") != 0)
        error = ih_zmq_error();
    if (error)
        ih_asker_close(asker);
    return error;
}

void ih_asker_close(struct ih_asker *asker)
{
    if (asker->socket)
        (void)zmq_close(asker->socket);
    asker->socket = NULL;
}

static int send_frame(void *socket, const void *data, size_t size, bool more)
{
    zmq_msg_t frame;
    int error = ih_zmq_msg_copy_of(&frame, data, size);

    if (error)
        return error;
    error = ih_zmq_send(socket, &frame, (more ? ZMQ_SNDMORE : 0) | IH_ZMQ_DONTWAIT);
    (void)zmq_msg_close(&frame);
    return error;
}

static int send_request(struct ih_asker *asker, const uint8_t *key, uint64_t ticket)
{
    struct {
        const void *data;
        size_t size;
    } frames[REQUEST_FRAMES] = {
        {"", 0}, {"1.0", 3},   {&ticket, sizeof(ticket)}, {asker->domain, strlen(asker->domain)},
        {"", 0}, /* the address: only the carrier knows */
        {"", 0}, {"CURVE", 5}, {key, CURVE_KEY_SIZE}};
    int error = 0;

    for (int i = 0; error == 0 && i < REQUEST_FRAMES; i++)
        error = send_frame(asker->socket, frames[i].data, frames[i].size, i + 1 < REQUEST_FRAMES);
    return error;
}

/* A handler that was closed took the connection with it: a new one finds its successor. */
int ih_asker_ask(struct ih_asker *asker, const uint8_t *key, uint64_t ticket)
{
    int error = asker->socket ? send_request(asker, key, ticket) : -EAGAIN;

    if (error != -EAGAIN)
        return error;
    ih_asker_close(asker);
    error = open_socket(asker);
    return error ? error : send_request(asker, key, ticket);
}

static bool is_text(zmq_msg_t *frame, const char *text)
{
    return zmq_msg_size(frame) == strlen(text) && memcmp(zmq_msg_data(frame), text, strlen(text)) == 0;
}

static int parse_reply(zmq_msg_t *frames, int count, uint64_t *ticket, bool *accept)
{
    if (count != REPLY_FRAMES || zmq_msg_size(&frames[REPLY_DELIMITER]) != 0 ||
        !is_text(&frames[REPLY_VERSION], "1.0") || zmq_msg_size(&frames[REPLY_ID]) != sizeof(*ticket) ||
        zmq_msg_size(&frames[REPLY_CODE]) != 3)
        return -EPROTO;
    memcpy(ticket, zmq_msg_data(&frames[REPLY_ID]), sizeof(*ticket));
    *accept = is_text(&frames[REPLY_CODE], "200");
    return 0;
}

int ih_asker_answer(struct ih_asker *asker, uint64_t *ticket, bool *accept)
{
    zmq_msg_t frames[REPLY_FRAMES];
    zmq_msg_t *frame = &frames[0];
    int count = 1;
    int error;

    if (!asker->socket)
        return -EAGAIN;
    for (int i = 0; i < REPLY_FRAMES; i++)
        (void)zmq_msg_init(&frames[i]);
    error = ih_zmq_recv(asker->socket, frame, IH_ZMQ_DONTWAIT);
    while (error == 0 && ih_zmq_more(asker->socket, frame)) {
        frame = &frames[count < REPLY_FRAMES ? count : REPLY_FRAMES - 1];
        error = ih_zmq_recv(asker->socket, frame, IH_ZMQ_DONTWAIT);
        count++;
    }
    if (error == 0)
        error = parse_reply(frames, count, ticket, accept);
    for (int i = 0; i < REPLY_FRAMES; i++)
        (void)zmq_msg_close(&frames[i]);
    return error;
}
