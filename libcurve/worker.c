/* SPDX-License-Identifier: ISC */
/* The thread beneath a virtual socket: its loop, what the engine asks of it, its end. */
#include "libcurve/worker.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum {
    ROUNDS = 8,                       /* of moving things, before the clock is looked at again */
    ITEMS_MAX = 4 + IH_LINKS_MAX * 2, /* inner, wake, asker, monitor; of each link its socket and monitor */
};

/* ---- what the engine asks ---- */

static enum ih_auth authenticate(void *arg, const uint8_t *key, struct ih_octets metadata, uint64_t ticket)
{
    struct ih_worker *worker = arg;
    curve_socket_t *socket = worker->socket;

    (void)metadata;
    if (ih_guard_allows(&socket->guard, key))
        return IH_AUTH_ACCEPT;
    if (socket->authenticate && socket->authenticate(socket->authenticate_arg, key))
        return IH_AUTH_ACCEPT;
    return socket->asks_zap && ih_asker_ask(&worker->asker, key, ticket) == 0 ? IH_AUTH_LATER : IH_AUTH_REFUSE;
}

static void take_event(void *arg, const curve_event_t *event)
{
    struct ih_worker *worker = arg;
    struct ih_board *board = &worker->socket->board;

    if (worker->socket->kind != IH_ENGINE_CLIENT) {
        if (event->event == CURVE_EVENT_READY)
            ih_board_ready(board, event->id);
        else if (event->event == CURVE_EVENT_CLOSED)
            ih_board_closed(board, event->id);
        else if (event->event == CURVE_EVENT_DELIVERED || event->event == CURVE_EVENT_UNDELIVERED)
            ih_board_settle(board, event->id, event->number, event->event == CURVE_EVENT_DELIVERED);
    }
    ih_worker_event(worker, event->event, event->value, event->number, event->id);
}

void ih_worker_event(struct ih_worker *worker, int event, int value, uint64_t number, const uint8_t *id)
{
    curve_event_t record = {.event = event, .value = value, .number = number};
    curve_event_t first;
    bool waits = ih_events_next(&worker->events, &first);

    if (!worker->monitor || !(atomic_load(&worker->socket->events) & event))
        return;
    if (id)
        memcpy(record.id, id, CURVE_ID_SIZE);
    ih_events_add(&worker->events, &record);
    if (!waits)
        (void)ih_worker_give_events(worker);
}

/* ---- life ---- */

static void fill_limits(struct ih_engine_limits *limits, const int *options)
{
    ih_engine_defaults(limits);
    limits->sndhwm = options[CURVE_SNDHWM];
    limits->rcvhwm = options[CURVE_RCVHWM];
    limits->maxmsgsize = options[CURVE_MAXMSGSIZE];
    limits->handshake_ivl = options[CURVE_HANDSHAKE_IVL];
    limits->max_clients = options[CURVE_MAX_CLIENTS];
    limits->max_pending = options[CURVE_MAX_PENDING];
    limits->idle = options[CURVE_IDLE];
    limits->heartbeat_ivl = options[CURVE_HEARTBEAT_IVL];
    limits->renew_ivl = options[CURVE_RENEW_IVL];
    limits->renew_messages = options[CURVE_RENEW_MESSAGES];
    limits->reconnect_ivl = options[CURVE_RECONNECT_IVL];
    limits->reconnect_ivl_max = options[CURVE_RECONNECT_IVL_MAX];
}

int ih_worker_new(struct ih_worker **worker_p, curve_socket_t *socket)
{
    struct ih_worker *worker = calloc(1, sizeof(*worker));
    struct ih_engine_host host = {authenticate, take_event, ih_worker_silent, worker};
    struct ih_engine_limits limits;
    int error;

    if (!worker)
        return -ENOMEM;
    worker->socket = socket;
    worker->inner = socket->inner;
    worker->wake = socket->inner_wake;
    worker->monitor = socket->inner_monitor;
    worker->asker.context = socket->context;
    worker->asker.domain = socket->domain;
    worker->linger_ms = UINT64_MAX;
    worker->links_ms = UINT64_MAX;
    worker->now_ms = ih_clock_ms();
    ih_events_init(&worker->events);
    ih_routes_init(&worker->routes, (size_t)socket->options[CURVE_MAX_CLIENTS]);
    fill_limits(&limits, socket->options);
    error = ih_engine_new(&worker->engine, socket->kind, socket->own,
                          socket->kind == IH_ENGINE_CLIENT ? socket->server_key : NULL, &limits,
                          (struct ih_octets){socket->metadata, socket->metadata_size}, &host);
    if (error) {
        ih_worker_free(worker);
        return error;
    }
    *worker_p = worker;
    return 0;
}

void ih_worker_free(struct ih_worker *worker)
{
    if (worker->message)
        ih_message_free(worker->message);
    if (worker->envelope)
        ih_envelope_free(worker->envelope);
    ih_engine_free(worker->engine);
    ih_routes_fini(&worker->routes);
    ih_events_fini(&worker->events);
    free(worker->frames);
    free(worker->octets);
    free(worker);
}

/* ---- commands ---- */

/* Copies the value, or its beginning. */
static int read_meta(const struct ih_worker *worker, struct ih_command *command)
{
    struct ih_octets value;
    int error = ih_engine_peer_meta(worker->engine, command->id, command->name, &value);

    if (error)
        return error;
    command->size = value.size;
    if (value.size > 0 && command->room > 0)
        memcpy(command->value, value.data, value.size < command->room ? value.size : command->room);
    return 0;
}

static int run_command(struct ih_worker *worker, struct ih_command *command)
{
    switch (command->type) {
    case IH_COMMAND_BIND:
    case IH_COMMAND_CONNECT:
        return ih_worker_attach(worker, command->endpoint, command->type == IH_COMMAND_BIND);
    case IH_COMMAND_UNBIND:
    case IH_COMMAND_DISCONNECT:
        return ih_worker_detach(worker, command->endpoint, command->type == IH_COMMAND_UNBIND);
    case IH_COMMAND_DENY:
        ih_engine_end(worker->engine, command->key, worker->now_ms);
        return 0;
    case IH_COMMAND_MONITOR:
        worker->monitor = command->monitor;
        return 0;
    case IH_COMMAND_META:
        return read_meta(worker, command);
    }
    return -EINVAL;
}

/* Afterwards the command is the application's again, which waits for no more than this. */
static void finish_command(struct ih_command *command, int error)
{
    command->error = error;
    atomic_store(&command->done, 1);
    ih_futex_wake(&command->done);
}

static struct ih_command *take_command(curve_socket_t *socket, bool ended)
{
    struct ih_command *command = NULL;

    ih_lock_enter(&socket->lock);
    command = socket->command;
    socket->command = NULL;
    socket->ended = ended;
    ih_lock_leave(&socket->lock);
    return command;
}

static void take_wishes(struct ih_worker *worker)
{
    struct ih_command *command = NULL;
    zmq_msg_t msg;

    /* First the calls, then what they call for: a call that comes later wakes again. */
    (void)zmq_msg_init(&msg);
    while (ih_zmq_recv(worker->wake, &msg, IH_ZMQ_DONTWAIT) == 0)
        ;
    (void)zmq_msg_close(&msg);
    command = take_command(worker->socket, false);
    if (command)
        finish_command(command, run_command(worker, command));
    if (!worker->closing && atomic_load(&worker->socket->closing)) {
        int linger = atomic_load(&worker->socket->linger);

        worker->closing = true;
        worker->linger_ms = linger < 0 ? UINT64_MAX : worker->now_ms + (uint64_t)linger;
    }
}

/* ---- the loop ---- */

static void tick(struct ih_worker *worker)
{
    if (worker->nudge) {
        worker->nudge = false;
        ih_engine_nudge(worker->engine, worker->now_ms);
    }
    if (ih_engine_deadline(worker->engine) <= worker->now_ms)
        ih_engine_tick(worker->engine, worker->now_ms);
    if (worker->links_ms > worker->now_ms)
        return;
    worker->links_ms = UINT64_MAX;
    for (int i = 0; i < worker->link_count; i++) {
        struct ih_link *link = &worker->links[i];
        uint64_t next = ih_link_used(link) ? ih_link_tick(link, worker->now_ms) : UINT64_MAX;

        if (next < worker->links_ms)
            worker->links_ms = next;
    }
}

/* True if there may be more to move. */
static bool move(struct ih_worker *worker)
{
    bool moved = true;

    for (int round = 0; moved && round < ROUNDS && worker->fatal == 0; round++) {
        moved = ih_worker_take_links(worker);
        moved |= ih_worker_take_answers(worker);
        moved |= ih_worker_take_messages(worker);
        moved |= ih_worker_give_events(worker);
        moved |= ih_worker_give_messages(worker);
        moved |= ih_worker_give_envelopes(worker);
    }
    return moved;
}

static int add_item(zmq_pollitem_t *items, int count, void *socket, int events)
{
    if (!socket)
        return count;
    items[count] = (zmq_pollitem_t){socket, 0, (short)events, 0};
    return count + 1;
}

static int fill_items(const struct ih_worker *worker, zmq_pollitem_t *items)
{
    int inner = (ih_worker_wants_message(worker) ? ZMQ_POLLIN : 0) | (worker->message ? ZMQ_POLLOUT : 0);
    int count = add_item(items, 0, worker->wake, ZMQ_POLLIN);
    curve_event_t event;

    if (inner)
        count = add_item(items, count, worker->inner, inner);
    if (ih_events_next(&worker->events, &event))
        count = add_item(items, count, worker->monitor, ZMQ_POLLOUT);
    count = add_item(items, count, worker->asker.socket, ZMQ_POLLIN);
    for (int i = 0; i < worker->link_count; i++) {
        const struct ih_link *link = &worker->links[i];
        bool is_client = worker->socket->kind == IH_ENGINE_CLIENT;
        bool waits = link->waiting || (worker->envelope && (is_client || worker->stuck == link));

        count = add_item(items, count, link->socket, waits ? ZMQ_POLLIN | ZMQ_POLLOUT : ZMQ_POLLIN);
        count = add_item(items, count, link->monitor, ZMQ_POLLIN);
    }
    return count;
}

static int wait_ms(const struct ih_worker *worker)
{
    uint64_t deadline = ih_engine_deadline(worker->engine);
    uint64_t now = ih_clock_ms();

    if (worker->links_ms < deadline)
        deadline = worker->links_ms;
    if (worker->linger_ms < deadline)
        deadline = worker->linger_ms;
    /* A client's envelope waits for a connection, however long that takes. */
    if (worker->stuck && worker->socket->kind != IH_ENGINE_CLIENT && worker->stuck_ms + IH_STUCK_MS < deadline)
        deadline = worker->stuck_ms + IH_STUCK_MS;
    if (deadline == UINT64_MAX)
        return -1;
    return deadline <= now ? 0 : deadline - now > INT_MAX ? INT_MAX : (int)(deadline - now);
}

static void wait(struct ih_worker *worker)
{
    zmq_pollitem_t items[ITEMS_MAX];
    int count = fill_items(worker, items);
    int error = ih_zmq_poll(items, count, wait_ms(worker));

    if (error && error != -EINTR)
        worker->fatal = error;
    /* A link that waits to register may do so now. */
    for (int i = 0; error == 0 && i < count; i++) {
        if (items[i].revents & ZMQ_POLLOUT)
            worker->links_ms = worker->now_ms;
    }
}

/* When closing: is everything said, or the time over? */
static bool is_over(const struct ih_worker *worker)
{
    int events;

    if (!worker->closing)
        return false;
    if (worker->now_ms >= worker->linger_ms)
        return true;
    events = ih_zmq_events(worker->inner);
    return ih_engine_unacknowledged(worker->engine) == 0 && !worker->envelope && !(events > 0 && events & ZMQ_POLLIN);
}

/* ---- the end ---- */

/* The other ends are told, as far as there is room. */
static void say_farewell(struct ih_worker *worker)
{
    worker->now_ms = ih_clock_ms();
    ih_engine_close(worker->engine, worker->now_ms);
    while (ih_worker_give_envelopes(worker))
        ;
}

static void finish(struct ih_worker *worker)
{
    struct ih_command *command = take_command(worker->socket, true);
    uint64_t left = worker->linger_ms > worker->now_ms ? worker->linger_ms - worker->now_ms : 0;
    int linger = worker->linger_ms == UINT64_MAX ? -1 : left > INT_MAX ? INT_MAX : (int)left;

    if (command)
        finish_command(command, -ETERM);
    ih_board_end(&worker->socket->board);
    for (int i = 0; i < worker->link_count; i++)
        ih_link_close(&worker->links[i], worker->fatal ? 0 : linger);
    ih_asker_close(&worker->asker);
    (void)zmq_close(worker->inner);
    (void)zmq_close(worker->wake);
    if (worker->monitor)
        (void)zmq_close(worker->monitor);
    ih_worker_free(worker);
}

void ih_worker_run(void *arg)
{
    struct ih_worker *worker = arg;

    while (worker->fatal == 0 && !is_over(worker)) {
        worker->now_ms = ih_clock_ms();
        take_wishes(worker);
        tick(worker);
        if (!move(worker) && !worker->nudge && worker->fatal == 0 && !is_over(worker))
            wait(worker);
    }
    if (worker->fatal == 0)
        say_farewell(worker);
    finish(worker);
}
