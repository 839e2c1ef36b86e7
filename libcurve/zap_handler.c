/* SPDX-License-Identifier: ISC */
/* The ZAP handler of a relay's hop. */
#include "libcurve/zap_handler.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <curve.h>

#include "base/z85.h"
#include "libcurve/zmq_seam.h"

/* Frames of a request behind REP's delimiter, and of a reply. */
enum { VERSION, REQUEST_ID, DOMAIN, ADDRESS, IDENTITY, MECHANISM, KEY, REQUEST_FRAMES };
enum { REPLY_FRAMES = 6 };

/* On ih_zap_handler_answer's stack. */
struct request {
    zmq_msg_t frame[REQUEST_FRAMES];
    int count;
};

int ih_zap_handler_open(void **socket, void *context)
{
    int error = 0;

    *socket = zmq_socket(context, ZMQ_REP);
    if (!*socket)
        return ih_zmq_error();
    error = ih_zmq_set_linger(*socket, 0);
    if (error == 0 && zmq_bind(*socket, "inproc://zeromq.zap.01") != 0)
        error = ih_zmq_error();
    if (error) {
        (void)zmq_close(*socket);
        *socket = NULL;
    }
    return error;
}

static int receive(void *socket, struct request *request)
{
    zmq_msg_t *frame = &request->frame[0];
    int error = ih_zmq_recv(socket, frame, IH_ZMQ_DONTWAIT);

    request->count = 1;
    while (error == 0 && ih_zmq_more(socket, frame)) {
        frame = &request->frame[request->count < REQUEST_FRAMES ? request->count : REQUEST_FRAMES - 1];
        error = ih_zmq_recv(socket, frame, IH_ZMQ_DONTWAIT);
        request->count++;
    }
    return error;
}

static bool is_text(zmq_msg_t *frame, const char *text)
{
    return zmq_msg_size(frame) == strlen(text) && memcmp(zmq_msg_data(frame), text, strlen(text)) == 0;
}

static int reply(void *socket, struct request *request, bool accept, const char *user_id)
{
    const char *pieces[REPLY_FRAMES] = {"1.0", NULL, accept ? "200" : "400", accept ? "OK" : "not here", user_id, ""};
    int error = 0;

    for (int i = 0; error == 0 && i < REPLY_FRAMES; i++) {
        zmq_msg_t frame;

        if (pieces[i])
            error = ih_zmq_msg_copy_of(&frame, pieces[i], strlen(pieces[i]));
        else
            error = ih_zmq_msg_copy_of(&frame, zmq_msg_data(&request->frame[REQUEST_ID]),
                                       zmq_msg_size(&request->frame[REQUEST_ID]));
        if (error == 0) {
            error = ih_zmq_send(socket, &frame, (i + 1 < REPLY_FRAMES ? ZMQ_SNDMORE : 0) | IH_ZMQ_DONTWAIT);
            (void)zmq_msg_close(&frame);
        }
    }
    return error;
}

int ih_zap_handler_answer(void *socket, const char *domain)
{
    struct request request;
    char user_id[CURVE_KEY_TEXT] = "";
    bool accept = false;
    int error;

    for (int i = 0; i < REQUEST_FRAMES; i++)
        (void)zmq_msg_init(&request.frame[i]);
    error = receive(socket, &request);
    if (error == 0) {
        accept = request.count == REQUEST_FRAMES && is_text(&request.frame[DOMAIN], domain) &&
                 is_text(&request.frame[MECHANISM], "CURVE") && zmq_msg_size(&request.frame[KEY]) == CURVE_KEY_SIZE;
        if (accept)
            (void)ih_z85_encode(user_id, zmq_msg_data(&request.frame[KEY]), CURVE_KEY_SIZE);
        error = reply(socket, &request, accept, user_id);
    }
    for (int i = 0; i < REQUEST_FRAMES; i++)
        (void)zmq_msg_close(&request.frame[i]);
    return error == -ETERM ? error : 0;
}
