/* SPDX-License-Identifier: ISC */
/* The relay: a ROUTER whose queues are the peers' queues, and a table of who is registered. It forwards envelopes by key
 * and holds no key of anybody. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curve.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/z85.h"
#include "libcurve/relay_table.h"
#include "libcurve/relay_wire.h"
#include "libcurve/zap_handler.h"
#include "libcurve/zmq_seam.h"

#define HOP_DOMAIN "curve.relay"

enum {
    MAX_PEERS = 10000,
    MAX_QUEUE = 1000,
    MAX_MESSAGE = 17 * 1024 * 1024,
    MAX_MEMORY = 1024, /* MiB */
    IDLE = 60000,
    IN_QUEUE = 100, /* messages that ZeroMQ reads ahead from one connection */
    BATCH = 256,    /* messages between two looks at the other sockets */
    FRAMES = 3,     /* route, head, envelope */
    ITEMS = 3,      /* the sockets that are polled */
};

/* Owner: curve_relay's stack; one thread. */
struct relay {
    struct ih_relay_table table;
    void *router;
    void *zap; /* our handler's socket, or NULL */
    void *control;
    void *capture;
    zmq_pollitem_t items[ITEMS];
    int count;
    uint64_t rate;
    uint64_t max_message;
    size_t max_memory; /* octets */
    uint64_t now_ms;
    bool ended;
};

/* A message as it came. Its frames are initialised; count may be more than those that are kept. */
struct parcel {
    zmq_msg_t frame[FRAMES];
    size_t count;
};

/* ---- sending ---- */

/* Sends the message to the route; it is empty afterwards, or still the caller's. Whoever is gone is forgotten; what does
 * not fit into a queue is dropped: the ends notice. */
static void send_to(struct relay *relay, const void *route, size_t route_size, zmq_msg_t *msg)
{
    zmq_msg_t frame;
    int error = ih_zmq_msg_copy_of(&frame, route, route_size);

    if (error)
        return;
    error = ih_zmq_send(relay->router, &frame, ZMQ_SNDMORE | IH_ZMQ_DONTWAIT);
    (void)zmq_msg_close(&frame);
    if (error == -EHOSTUNREACH) {
        struct ih_relay_peer *gone = ih_relay_table_peer(&relay->table, route, route_size);

        if (gone)
            ih_relay_table_forget(&relay->table, gone);
    }
    /* The route has taken the message: its other frame cannot fail but for the end of the context. */
    if (error == 0)
        (void)ih_zmq_send(relay->router, msg, IH_ZMQ_DONTWAIT);
}

static void answer(struct relay *relay, zmq_msg_t *route, enum ih_relay_command command, const uint8_t *key)
{
    uint8_t head[IH_RELAY_HEAD];
    zmq_msg_t msg;

    if (ih_zmq_msg_copy_of(&msg, head, ih_relay_head(head, command, key)) != 0)
        return;
    send_to(relay, zmq_msg_data(route), zmq_msg_size(route), &msg);
    (void)zmq_msg_close(&msg);
}

static void deliver(struct relay *relay, struct ih_relay_peer *peer, const uint8_t *head, zmq_msg_t *envelope)
{
    zmq_msg_t msg;

    if (!ih_ledger_fits(peer->ledger, IH_RELAY_HEAD + zmq_msg_size(envelope), relay->max_memory) ||
        ih_ledger_carry(peer->ledger, &msg, head, IH_RELAY_HEAD, envelope) != 0)
        return;
    send_to(relay, peer->route, peer->route_size, &msg);
    (void)zmq_msg_close(&msg);
}

/* ---- what peers say ---- */

/* With protection of the hop a key counts for who proved it there; our handler puts it into the User-Id. */
static bool is_proven(struct relay *relay, zmq_msg_t *msg, const uint8_t *key)
{
    uint8_t proven[CURVE_KEY_SIZE];
    const char *user_id = NULL;

    if (!relay->zap)
        return true;
    user_id = ih_zmq_user_id(msg);
    return user_id && strlen(user_id) == CURVE_KEY_TEXT - 1 &&
           ih_z85_decode(proven, user_id, CURVE_KEY_TEXT - 1) == 0 && memcmp(proven, key, CURVE_KEY_SIZE) == 0;
}

static void take_register(struct relay *relay, struct parcel *parcel, const uint8_t *key)
{
    zmq_msg_t *route = &parcel->frame[0];
    bool taken =
        is_proven(relay, &parcel->frame[1], key) &&
        ih_relay_table_register(&relay->table, zmq_msg_data(route), zmq_msg_size(route), key, relay->now_ms) == 0;

    answer(relay, route, taken ? IH_RELAY_REGISTER : IH_RELAY_REFUSED, key);
}

static void take_forward(struct relay *relay, struct ih_relay_peer *from, struct parcel *parcel, const uint8_t *key)
{
    struct ih_relay_key *to = ih_relay_table_key(&relay->table, key);
    zmq_msg_t *envelope = &parcel->frame[2];
    uint8_t head[IH_RELAY_HEAD];

    if (relay->rate && !ih_relay_peer_pay(from, zmq_msg_size(envelope), relay->rate, relay->max_message, relay->now_ms))
        return;
    if (!to) {
        answer(relay, &parcel->frame[0], IH_RELAY_UNREACHABLE, key);
        return;
    }
    (void)ih_relay_head(head, IH_RELAY_FORWARD, from->key->key);
    /* One that is gone is forgotten meanwhile, and with the last the key. */
    for (size_t left = to->count; left > 0; left--) {
        struct ih_list *link = ih_list_pop(&to->claims);
        struct ih_relay_peer *peer = IH_CONTAINER(link, struct ih_relay_peer, claim);

        ih_list_add_tail(&to->claims, link);
        deliver(relay, peer, head, envelope);
    }
    if (!ih_relay_table_key(&relay->table, key))
        answer(relay, &parcel->frame[0], IH_RELAY_UNREACHABLE, key);
}

static void take_parcel(struct relay *relay, struct parcel *parcel)
{
    zmq_msg_t *route = &parcel->frame[0];
    struct ih_relay_peer *from = NULL;
    const uint8_t *key = NULL;
    int command;

    if (parcel->count < 2 || parcel->count > FRAMES)
        return;
    command = ih_relay_parse(zmq_msg_data(&parcel->frame[1]), zmq_msg_size(&parcel->frame[1]), &key);
    if ((command == IH_RELAY_FORWARD) != (parcel->count == FRAMES) || zmq_msg_size(&parcel->frame[1]) > IH_RELAY_HEAD)
        return;
    if (command == IH_RELAY_REGISTER) {
        take_register(relay, parcel, key);
        return;
    }
    if (command != IH_RELAY_FORWARD && command != IH_RELAY_PING)
        return;
    from = ih_relay_table_peer(&relay->table, zmq_msg_data(route), zmq_msg_size(route));
    if (!from) {
        answer(relay, route, IH_RELAY_UNKNOWN, NULL);
        return;
    }
    ih_relay_table_seen(&relay->table, from, relay->now_ms);
    if (command == IH_RELAY_PING)
        answer(relay, route, IH_RELAY_PING, NULL);
    else
        take_forward(relay, from, parcel, key);
}

/* ---- receiving ---- */

/* As zmq_proxy(3) does: the capture socket may keep the relay waiting. */
static int capture(struct relay *relay, struct parcel *parcel)
{
    size_t count = parcel->count < FRAMES ? parcel->count : FRAMES;
    int error = 0;

    for (size_t i = 0; relay->capture && error == 0 && i < count; i++) {
        zmq_msg_t copy;

        (void)zmq_msg_init(&copy);
        if (zmq_msg_copy(&copy, &parcel->frame[i]) != 0)
            error = ih_zmq_error();
        else
            error = ih_zmq_send(relay->capture, &copy, i + 1 < count ? ZMQ_SNDMORE : 0);
        (void)zmq_msg_close(&copy);
    }
    return error;
}

/* The frames of one message; those behind the third are dropped, and the message with them. */
static int receive(void *socket, struct parcel *parcel)
{
    zmq_msg_t *frame = &parcel->frame[0];
    int error = ih_zmq_recv(socket, frame, IH_ZMQ_DONTWAIT);

    parcel->count = 1;
    while (error == 0 && ih_zmq_more(socket, frame)) {
        frame = &parcel->frame[parcel->count < FRAMES ? parcel->count : FRAMES - 1];
        error = ih_zmq_recv(socket, frame, IH_ZMQ_DONTWAIT);
        parcel->count++;
    }
    return error;
}

static int take_batch(struct relay *relay)
{
    struct parcel parcel;
    int error = 0;

    for (int i = 0; i < FRAMES; i++)
        (void)zmq_msg_init(&parcel.frame[i]);
    for (int i = 0; error == 0 && i < BATCH; i++) {
        error = receive(relay->router, &parcel);
        if (error == 0)
            error = capture(relay, &parcel);
        if (error == 0)
            take_parcel(relay, &parcel);
    }
    for (int i = 0; i < FRAMES; i++)
        (void)zmq_msg_close(&parcel.frame[i]);
    return error == -EAGAIN || error == -EINTR ? 0 : error;
}

static int take_control(struct relay *relay)
{
    static const char terminate[] = "TERMINATE";
    zmq_msg_t msg;
    int error;

    (void)zmq_msg_init(&msg);
    error = ih_zmq_recv(relay->control, &msg, IH_ZMQ_DONTWAIT);
    if (error == 0) {
        relay->ended = zmq_msg_size(&msg) == sizeof(terminate) - 1 &&
                       memcmp(zmq_msg_data(&msg), terminate, sizeof(terminate) - 1) == 0;
        ih_zmq_drop_rest(relay->control, &msg);
    }
    (void)zmq_msg_close(&msg);
    return error == -EAGAIN || error == -EINTR ? 0 : error;
}

/* ---- the loop ---- */

static int wait_ms(const struct relay *relay, uint64_t deadline)
{
    if (deadline == UINT64_MAX)
        return -1;
    if (deadline <= relay->now_ms)
        return 0;
    return deadline - relay->now_ms > 60000 ? 60000 : (int)(deadline - relay->now_ms);
}

static int take_ready(struct relay *relay)
{
    int error = 0;

    for (int i = 0; error == 0 && i < relay->count; i++) {
        void *socket = relay->items[i].revents ? relay->items[i].socket : NULL;

        if (socket && socket == relay->control)
            error = take_control(relay);
        else if (socket && socket == relay->zap)
            error = ih_zap_handler_answer(relay->zap, HOP_DOMAIN);
        else if (socket)
            error = take_batch(relay);
    }
    return error;
}

static void add_item(struct relay *relay, void *socket)
{
    if (socket)
        relay->items[relay->count++] = (zmq_pollitem_t){socket, 0, ZMQ_POLLIN, 0};
}

static int run(struct relay *relay)
{
    int error = 0;

    add_item(relay, relay->control);
    add_item(relay, relay->zap);
    add_item(relay, relay->router);
    while (error == 0 && !relay->ended) {
        relay->now_ms = ih_clock_ms();
        error = ih_zmq_poll(relay->items, relay->count,
                            wait_ms(relay, ih_relay_table_expire(&relay->table, relay->now_ms)));
        relay->now_ms = ih_clock_ms();
        if (error == 0)
            error = take_ready(relay);
        else if (error == -EINTR)
            error = 0;
    }
    return error;
}

static int choice(int value, int otherwise)
{
    return value ? value : otherwise;
}

static int open_hop(struct relay *relay, void *context, const curve_cert_t *hop)
{
    const uint8_t *secret_key = curve_cert_secret_key(hop);
    int error = secret_key ? 0 : -EINVAL;

    if (error == 0)
        error = ih_zap_handler_open(&relay->zap, context);
    if (error == 0)
        error = ih_zmq_hop_server(relay->router, secret_key, HOP_DOMAIN);
    return error;
}

static int bind_all(struct relay *relay, const curve_relay_config_t *config)
{
    char endpoint[256];

    for (size_t i = 0; config->endpoints[i]; i++) {
        size_t size = sizeof(endpoint);

        if (zmq_bind(relay->router, config->endpoints[i]) != 0)
            return ih_zmq_error();
        if (config->bound && ih_zmq_last_endpoint(relay->router, endpoint, &size) == 0)
            config->bound(config->arg, endpoint);
        else if (config->bound)
            config->bound(config->arg, config->endpoints[i]);
    }
    return 0;
}

static int open_router(struct relay *relay, void *context, const curve_relay_config_t *config)
{
    int error;

    relay->router = zmq_socket(context, IH_ZMQ_ROUTER);
    if (!relay->router)
        return ih_zmq_error();
    error = ih_zmq_set_hwm(relay->router, choice(config->max_queue, MAX_QUEUE), IN_QUEUE);
    if (error == 0)
        error = ih_zmq_set_linger(relay->router, 0);
    if (error == 0)
        error = ih_zmq_set_maxmsgsize(relay->router, choice(config->max_message, MAX_MESSAGE));
    if (error == 0 || error == -ENOTSUP)
        error = ih_zmq_set_mandatory(relay->router);
    if (error == -ENOTSUP)
        error = 0;
    if (error == 0 && config->hop)
        error = open_hop(relay, context, config->hop);
    return error ? error : bind_all(relay, config);
}

static int check(void *context, const curve_relay_config_t *config)
{
    if (!context || !config || !config->endpoints)
        return -EFAULT;
    if (config->max_peers < 0 || config->max_queue < 0 || config->max_message < 0 || config->rate < 0 ||
        config->idle < 0 || config->max_memory < 0 || !config->endpoints[0])
        return -EINVAL;
    return ih_random_init() == 0 ? 0 : -ENOMEM;
}

int curve_relay(void *context, const curve_relay_config_t *config)
{
    struct relay relay = {.router = NULL};
    int error = check(context, config);

    if (error == 0)
        error = ih_relay_table_init(&relay.table, (size_t)choice(config->max_peers, MAX_PEERS),
                                    (uint64_t)choice(config->idle, IDLE));
    if (error == 0) {
        relay.control = config->control;
        relay.capture = config->capture;
        relay.rate = (uint64_t)config->rate;
        relay.max_message = (uint64_t)choice(config->max_message, MAX_MESSAGE);
        relay.max_memory = (size_t)choice(config->max_memory, MAX_MEMORY) * 1024 * 1024;
        error = open_router(&relay, context, config);
        if (error == 0)
            error = run(&relay);
        if (relay.router)
            (void)zmq_close(relay.router);
        if (relay.zap)
            (void)zmq_close(relay.zap);
        ih_relay_table_fini(&relay.table);
    }
    if (error) {
        errno = -error;
        return -1;
    }
    return 0;
}
