/* SPDX-License-Identifier: ISC */
/* ZeroMQ sockets that carry envelopes. */
#include "libcurve/link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "libcurve/relay_wire.h"

enum {
    HWM = 1000,
    SLACK = 128 * 1024, /* of an envelope over a message: metadata in handshakes, frame sizes */
    SMALL = 256,        /* octets that are rather copied than handed over */
    REGISTER_MS = 1000, /* between two attempts */
    REFUSED_MS = 10000,
    PINGS = 3, /* that may stay without an answer */
};

static bool is_peer(const struct ih_link *link)
{
    return link->owner->kind == IH_ENGINE_PEER;
}

/* ---- opening ---- */

/* A server holds for each client what the engine may have under way, and not much more. */
static int hwm_of(const curve_socket_t *owner)
{
    int messages = owner->options[CURVE_SNDHWM];

    return messages > (INT32_MAX - HWM) / 2 ? INT32_MAX : HWM + messages * 2;
}

static int set_hop(struct ih_link *link)
{
    const curve_socket_t *owner = link->owner;

    if (owner->hop)
        return ih_zmq_hop_server(link->socket, curve_cert_secret_key(owner->hop), owner->domain);
    if (owner->has_hop_key)
        return ih_zmq_hop_client(link->socket, owner->hop_key, curve_cert_public_key(owner->own),
                                 curve_cert_secret_key(owner->own));
    return 0;
}

static int set_options(struct ih_link *link)
{
    const curve_socket_t *owner = link->owner;
    int error = ih_zmq_set_hwm(link->socket, hwm_of(owner), HWM);

    if (error == 0)
        error = ih_zmq_set_linger(link->socket, 0);
    if (error == 0)
        error = ih_zmq_set_maxmsgsize(link->socket, (int64_t)owner->options[CURVE_MAXMSGSIZE] + SLACK);
    if (error == 0 || error == -ENOTSUP)
        error =
            owner->kind == IH_ENGINE_SERVER ? ih_zmq_set_mandatory(link->socket) : ih_zmq_set_immediate(link->socket);
    return error == 0 || error == -ENOTSUP ? set_hop(link) : error;
}

/* Without reports registrations are repeated by the clock, and sessions find out by heartbeats. */
static int open_monitor(struct ih_link *link)
{
    static _Atomic uint64_t last;
    char address[64];
    int error;

    (void)snprintf(address, sizeof(address), "inproc://curve.monitor.%llx",
                   (unsigned long long)atomic_fetch_add(&last, 1));
    error = ih_zmq_monitor(link->socket, address);
    if (error)
        return error == -ENOTSUP ? 0 : error;
    link->monitor = zmq_socket(link->owner->context, ZMQ_PAIR);
    if (!link->monitor || zmq_connect(link->monitor, address) != 0)
        return ih_zmq_error();
    return ih_zmq_set_linger(link->monitor, 0);
}

int ih_link_open(struct ih_link *link, const curve_socket_t *owner, uint64_t now_ms)
{
    bool is_server = owner->kind == IH_ENGINE_SERVER;
    int error;

    memset(link, 0, sizeof(*link));
    link->owner = owner;
    link->opened_ms = now_ms;
    link->reopen_ms = UINT64_MAX;
    link->register_ms = is_peer(link) ? now_ms : UINT64_MAX;
    link->ping_ms = UINT64_MAX;
    link->socket = zmq_socket(owner->context, is_server ? IH_ZMQ_ROUTER : IH_ZMQ_DEALER);
    if (!link->socket)
        return ih_zmq_error();
    error = set_options(link);
    if (error == 0)
        error = open_monitor(link);
    if (error)
        ih_link_close(link, 0);
    return error;
}

void ih_link_close(struct ih_link *link, int linger_ms)
{
    if (link->monitor)
        ih_zmq_unmonitor(link->socket);
    if (link->socket) {
        (void)ih_zmq_set_linger(link->socket, linger_ms);
        (void)zmq_close(link->socket);
    }
    if (link->monitor)
        (void)zmq_close(link->monitor);
    free(link->endpoint);
    link->socket = NULL;
    link->monitor = NULL;
    link->endpoint = NULL;
}

int ih_link_attach(struct ih_link *link, const char *endpoint, bool bind)
{
    if (link->owner->kind != IH_ENGINE_SERVER) {
        link->endpoint = strdup(endpoint);
        link->bound = bind;
        if (!link->endpoint)
            return -ENOMEM;
    }
    if ((bind ? zmq_bind(link->socket, endpoint) : zmq_connect(link->socket, endpoint)) != 0)
        return ih_zmq_error();
    return 0;
}

bool ih_link_used(const struct ih_link *link)
{
    return link->socket || link->endpoint;
}

/* The endpoint stays; another socket is due for it in a while. */
static void wait_to_reopen(struct ih_link *link, char *endpoint, uint64_t ivl, uint64_t now_ms)
{
    link->endpoint = endpoint;
    link->broken = false;
    link->registered = false;
    link->waiting = false;
    link->reopen_ivl = ivl;
    link->reopen_ms = now_ms + ivl / 2 + ih_random_below((uint32_t)(ivl / 2) + 1);
}

void ih_link_break(struct ih_link *link, uint64_t now_ms)
{
    uint64_t least = (uint64_t)link->owner->options[CURVE_RECONNECT_IVL];
    uint64_t most = (uint64_t)link->owner->options[CURVE_RECONNECT_IVL_MAX];
    uint64_t ivl = link->reopen_ivl * 2 < most ? link->reopen_ivl * 2 : most;
    char *endpoint = link->endpoint;

    if (ivl < least || now_ms - link->opened_ms > most)
        ivl = least;
    link->endpoint = NULL;
    ih_link_close(link, 0);
    wait_to_reopen(link, endpoint, ivl, now_ms);
}

/* If that fails, it is tried again. */
static void reopen(struct ih_link *link, uint64_t now_ms)
{
    uint64_t ivl = link->reopen_ivl;
    char *endpoint = link->endpoint;
    int error = ih_link_open(link, link->owner, now_ms);

    if (error == 0) {
        error = ih_link_attach(link, endpoint, false);
        if (error)
            ih_link_close(link, 0);
    }
    if (error)
        wait_to_reopen(link, endpoint, ivl, now_ms);
    else
        free(endpoint);
    link->reopen_ivl = ivl;
}

int ih_link_detach(struct ih_link *link, const char *endpoint, bool bind)
{
    return bind ? ih_zmq_unbind(link->socket, endpoint) : ih_zmq_disconnect(link->socket, endpoint);
}

/* ---- receiving ---- */

void ih_link_input_init(struct ih_link_input *input)
{
    memset(input, 0, sizeof(*input));
    (void)zmq_msg_init(&input->frames[0]);
    (void)zmq_msg_init(&input->frames[1]);
}

void ih_link_input_fini(struct ih_link_input *input)
{
    (void)zmq_msg_close(&input->frames[0]);
    (void)zmq_msg_close(&input->frames[1]);
}

static struct ih_octets octets_of(zmq_msg_t *frame)
{
    return (struct ih_octets){zmq_msg_data(frame), zmq_msg_size(frame)};
}

/* One or two frames. *count is larger if there were more, which are dropped; but those of a message that a DEALER gets by
 * a connection of its own are not read: see relay_wire.h. */
static int receive_frames(struct ih_link *link, zmq_msg_t *frames, int *count)
{
    int error = ih_zmq_recv(link->socket, &frames[0], IH_ZMQ_DONTWAIT);

    *count = 1;
    if (error || !ih_zmq_more(link->socket, &frames[0]))
        return error;
    *count = 2;
    if (link->owner->kind != IH_ENGINE_SERVER && !link->bound) {
        link->broken = true;
        return 0;
    }
    error = ih_zmq_recv(link->socket, &frames[1], IH_ZMQ_DONTWAIT);
    if (error == 0 && ih_zmq_more(link->socket, &frames[1])) {
        *count = 3;
        ih_zmq_drop_rest(link->socket, &frames[1]);
    }
    return error;
}

static void take_registered(struct ih_link *link, struct ih_link_input *input, uint64_t now_ms)
{
    if (!link->registered)
        input->news = IH_LINK_REGISTERED;
    link->registered = true;
    link->register_ms = UINT64_MAX;
    link->ping_ms = ih_clock_after(now_ms, (uint64_t)link->owner->options[CURVE_HEARTBEAT_IVL]);
}

static void unregister(struct ih_link *link, uint64_t again_ms)
{
    link->registered = false;
    link->register_ms = again_ms;
    link->ping_ms = UINT64_MAX;
}

/* From the relay. What it says is believed only as far as it can do harm anyway. */
static void take_from_relay(struct ih_link *link, struct ih_link_input *input, uint64_t now_ms)
{
    struct ih_octets frame = octets_of(&input->frames[0]);
    const uint8_t *key = NULL;
    int command = ih_relay_parse(frame.data, frame.size, &key);

    input->news = IH_LINK_NOTHING;
    link->heard_ms = now_ms;
    switch (command) {
    case 0:
        input->news = IH_LINK_MALFORMED;
        break;
    case IH_RELAY_FORWARD:
        input->news = IH_LINK_ENVELOPE;
        input->envelope = (struct ih_octets){key + CURVE_KEY_SIZE, frame.size - IH_RELAY_HEAD};
        input->route = (struct ih_octets){key, CURVE_KEY_SIZE};
        break;
    case IH_RELAY_REGISTER:
        take_registered(link, input, now_ms);
        break;
    case IH_RELAY_REFUSED:
        input->news = IH_LINK_REFUSED;
        unregister(link, now_ms + REFUSED_MS);
        break;
    case IH_RELAY_UNREACHABLE:
        input->news = IH_LINK_UNREACHABLE;
        input->route = (struct ih_octets){key, CURVE_KEY_SIZE};
        break;
    case IH_RELAY_UNKNOWN:
        /* One that says so each time would keep us busy. */
        if (link->registered)
            unregister(link, ih_clock_after(link->asked_ms, REGISTER_MS));
        break;
    default:
        break;
    }
}

int ih_link_receive(struct ih_link *link, struct ih_link_input *input, uint64_t now_ms)
{
    int expected = link->owner->kind == IH_ENGINE_SERVER ? 2 : 1;
    int count = 0;
    int error = link->broken ? -EAGAIN : receive_frames(link, input->frames, &count);

    if (error)
        return error;
    if (is_peer(link) && count == 1) {
        take_from_relay(link, input, now_ms);
        return 0;
    }
    input->news = count == expected ? IH_LINK_ENVELOPE : IH_LINK_MALFORMED;
    input->envelope = octets_of(&input->frames[expected - 1]);
    input->route = expected == 2 ? octets_of(&input->frames[0]) : (struct ih_octets){NULL, 0};
    return 0;
}

/* Connections of a socket that accepts them cannot be told apart. */
static bool has_one(const struct ih_link *link)
{
    return link->owner->kind != IH_ENGINE_SERVER && !link->bound;
}

int ih_link_report(struct ih_link *link, enum ih_zmq_link *report, uint64_t now_ms)
{
    int error = link->monitor ? ih_zmq_monitor_recv(link->monitor, report) : -EAGAIN;

    if (error)
        return error;
    if (*report == IH_ZMQ_CONNECTED && is_peer(link))
        unregister(link, now_ms);
    else if (*report == IH_ZMQ_DISCONNECTED && is_peer(link))
        unregister(link, now_ms + REGISTER_MS);
    if (*report == IH_ZMQ_DISCONNECTED && has_one(link) && !link->connected)
        *report = IH_ZMQ_REJECTED;
    if (*report == IH_ZMQ_CONNECTED || *report == IH_ZMQ_DISCONNECTED)
        link->connected = *report == IH_ZMQ_CONNECTED;
    return 0;
}

/* ---- sending ---- */

static void envelope_sent(void *data, void *hint)
{
    (void)data;
    ih_envelope_free(hint);
}

/* The octets as a message, which takes the envelope over if they are many. */
static int envelope_frame(zmq_msg_t *frame, struct ih_envelope *envelope)
{
    if (envelope->size <= SMALL)
        return ih_zmq_msg_copy_of(frame, envelope->data, envelope->size);
    return zmq_msg_init_data(frame, envelope->data, envelope->size, envelope_sent, envelope) == 0 ? 0 : ih_zmq_error();
}

/* What stands before the envelope: a route, or what a relay is to do with it. For a client, that has nothing there, it
 * only looks for room: once the envelope is a message it cannot be had back. */
static int send_front(struct ih_link *link, const struct ih_envelope *envelope)
{
    uint8_t head[IH_RELAY_HEAD];
    zmq_msg_t frame;
    int error;

    if (link->owner->kind == IH_ENGINE_CLIENT) {
        error = ih_zmq_events(link->socket);
        return error < 0 ? error : error & ZMQ_POLLOUT ? 0 : -EAGAIN;
    }
    if (is_peer(link))
        error = ih_zmq_msg_copy_of(&frame, head, ih_relay_head(head, IH_RELAY_FORWARD, envelope->route.data));
    else
        error = ih_zmq_msg_copy_of(&frame, envelope->route.data, envelope->route.size);
    if (error)
        return error;
    error = ih_zmq_send(link->socket, &frame, ZMQ_SNDMORE | IH_ZMQ_DONTWAIT);
    (void)zmq_msg_close(&frame);
    return error;
}

int ih_link_send(struct ih_link *link, struct ih_envelope *envelope)
{
    bool is_copied = envelope->size <= SMALL;
    zmq_msg_t frame;
    int error = send_front(link, envelope);

    if (error)
        return error;
    if (envelope_frame(&frame, envelope) != 0) {
        /* Something must follow what was sent; the other end drops it. */
        (void)zmq_msg_init(&frame);
        is_copied = true;
    }
    (void)ih_zmq_send(link->socket, &frame, IH_ZMQ_DONTWAIT);
    (void)zmq_msg_close(&frame);
    if (is_copied)
        ih_envelope_free(envelope);
    return 0;
}

static int say(struct ih_link *link, enum ih_relay_command command, const uint8_t *key)
{
    uint8_t head[IH_RELAY_HEAD];
    zmq_msg_t frame;
    int error = ih_zmq_msg_copy_of(&frame, head, ih_relay_head(head, command, key));

    if (error)
        return error;
    error = ih_zmq_send(link->socket, &frame, IH_ZMQ_DONTWAIT);
    (void)zmq_msg_close(&frame);
    return error;
}

uint64_t ih_link_tick(struct ih_link *link, uint64_t now_ms)
{
    uint64_t heartbeat = (uint64_t)link->owner->options[CURVE_HEARTBEAT_IVL];

    if (link->reopen_ms <= now_ms)
        reopen(link, now_ms);
    if (!link->socket)
        return link->reopen_ms;
    if (link->register_ms <= now_ms || link->waiting) {
        link->asked_ms = now_ms;
        link->waiting = say(link, IH_RELAY_REGISTER, curve_cert_public_key(link->owner->own)) == -EAGAIN;
        link->register_ms = now_ms + REGISTER_MS;
        link->heard_ms = now_ms;
    }
    if (link->ping_ms <= now_ms) {
        if (now_ms - link->heard_ms > PINGS * heartbeat)
            unregister(link, now_ms);
        else
            link->ping_ms = now_ms + heartbeat;
        (void)say(link, IH_RELAY_PING, NULL);
    }
    return link->register_ms < link->ping_ms ? link->register_ms : link->ping_ms;
}
