/* SPDX-License-Identifier: ISC */
/* What the worker moves: envelopes between links and engine, messages between engine and application. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libcurve/worker.h"

enum {
    BATCH = 128, /* of one kind, before the others have their turn */
    SMALL = 256, /* octets that are rather copied than handed over */
};

static bool is_client(const struct ih_worker *worker)
{
    return worker->socket->kind == IH_ENGINE_CLIENT;
}

static bool is_peer(const struct ih_worker *worker)
{
    return worker->socket->kind == IH_ENGINE_PEER;
}

/* The context's end is the thread's. */
static void check_end(struct ih_worker *worker, int error)
{
    if (error == -ETERM)
        worker->fatal = error;
}

/* ---- which link ---- */

static struct ih_link *usable(struct ih_worker *worker, int index)
{
    struct ih_link *link = index >= 0 && index < worker->link_count ? &worker->links[index] : NULL;

    return link && link->socket && (!is_peer(worker) || link->registered) ? link : NULL;
}

static struct ih_link *any_usable(struct ih_worker *worker)
{
    for (int i = 0; i < worker->link_count; i++) {
        if (usable(worker, i))
            return &worker->links[i];
    }
    return NULL;
}

/* A peer's relay for this key. */
static struct ih_link *link_to(struct ih_worker *worker, const uint8_t *key)
{
    struct ih_link *link = NULL;

    if (worker->link_count > 1)
        link = usable(worker, ih_routes_find(&worker->routes, key));
    return link ? link : any_usable(worker);
}

/* ---- from the links ---- */

static void next_route(struct ih_worker *worker, const struct ih_link *link, const uint8_t *key)
{
    int count = worker->link_count;
    int at = (int)(link - worker->links);

    for (int i = 1; i < count; i++) {
        int next = (at + i) % count;

        if (worker->links[next].socket && worker->links[next].registered) {
            ih_routes_set(&worker->routes, key, next);
            return;
        }
    }
}

/* A peer of several relays answers by the one that it heard the other end from. While a session stands, that is what opens
 * under its keys: else any relay could draw to itself what goes by another. */
static void take_envelope(struct ih_worker *worker, const struct ih_link *link, const struct ih_link_input *input)
{
    const uint8_t *key = input->route.data;
    uint64_t opened = ih_engine_opened(worker->engine);
    bool is_routed = is_peer(worker) && worker->link_count > 1;
    bool stands = is_routed && ih_engine_stands(worker->engine, key);

    ih_engine_input(worker->engine, input->route, input->envelope, worker->now_ms);
    if (is_routed && (!stands || ih_engine_opened(worker->engine) != opened))
        ih_routes_set(&worker->routes, key, (int)(link - worker->links));
}

void ih_worker_silent(void *arg, const uint8_t *key)
{
    struct ih_worker *worker = arg;
    const struct ih_link *link = worker->link_count > 1 ? link_to(worker, key) : NULL;

    if (link)
        next_route(worker, link, key);
}

/* Nor is another relay's word on somebody who is not reached by it of any weight. */
static void take_unreachable(struct ih_worker *worker, const struct ih_link *link, const uint8_t *key)
{
    uint8_t id[CURVE_ID_SIZE] = {0};

    memcpy(id, key, CURVE_KEY_SIZE);
    if (link_to(worker, id) == link) {
        next_route(worker, link, id);
        ih_engine_unreachable(worker->engine, id, worker->now_ms);
    }
    ih_worker_event(worker, CURVE_EVENT_UNREACHABLE, 0, 0, id);
}

static void take_input(struct ih_worker *worker, struct ih_link *link, const struct ih_link_input *input)
{
    uint8_t id[CURVE_ID_SIZE] = {0};

    switch (input->news) {
    case IH_LINK_ENVELOPE:
        take_envelope(worker, link, input);
        break;
    case IH_LINK_REGISTERED:
        worker->nudge = true;
        worker->links_ms = worker->now_ms;
        break;
    case IH_LINK_REFUSED:
        memcpy(id, curve_cert_public_key(worker->socket->own), CURVE_KEY_SIZE);
        ih_worker_event(worker, CURVE_EVENT_REFUSED, CURVE_ERROR_REFUSED, 0, id);
        break;
    case IH_LINK_UNREACHABLE:
        take_unreachable(worker, link, input->route.data);
        break;
    case IH_LINK_MALFORMED:
        ih_worker_event(worker, CURVE_EVENT_SUSPECT, CURVE_ERROR_MALFORMED, 0, NULL);
        break;
    case IH_LINK_NOTHING:
        worker->links_ms = worker->now_ms;
        break;
    }
}

static bool take_link(struct ih_worker *worker, struct ih_link *link)
{
    struct ih_link_input input;
    int error = 0;
    int taken = 0;

    ih_link_input_init(&input);
    while (taken < BATCH && (error = ih_link_receive(link, &input, worker->now_ms)) == 0) {
        take_input(worker, link, &input);
        taken++;
    }
    check_end(worker, error);
    ih_link_input_fini(&input);
    return taken > 0;
}

static bool take_reports(struct ih_worker *worker, struct ih_link *link)
{
    enum ih_zmq_link report = IH_ZMQ_OTHER;
    int taken = 0;

    while (taken < BATCH && ih_link_report(link, &report, worker->now_ms) == 0) {
        taken++;
        worker->links_ms = worker->now_ms;
        if (report == IH_ZMQ_CONNECTED) {
            worker->nudge = worker->nudge || is_client(worker);
            ih_worker_event(worker, CURVE_EVENT_CONNECTED, 0, 0, NULL);
        } else if (report == IH_ZMQ_DISCONNECTED) {
            ih_worker_event(worker, CURVE_EVENT_DISCONNECTED, 0, 0, NULL);
        } else if (report == IH_ZMQ_REJECTED) {
            ih_worker_event(worker, CURVE_EVENT_REJECTED, 0, 0, NULL);
        }
    }
    return taken > 0;
}

bool ih_worker_take_links(struct ih_worker *worker)
{
    bool moved = false;

    for (int i = 0; i < worker->link_count; i++) {
        struct ih_link *link = &worker->links[i];

        if (!link->socket)
            continue;
        moved |= take_reports(worker, link);
        moved |= take_link(worker, link);
        if (link->broken) {
            if (link->connected)
                ih_worker_event(worker, CURVE_EVENT_DISCONNECTED, 0, 0, NULL);
            worker->stuck = worker->stuck == link ? NULL : worker->stuck;
            ih_link_break(link, worker->now_ms);
            worker->links_ms = worker->now_ms;
        }
    }
    return moved;
}

/* ---- to the links ---- */

static struct ih_link *choose_link(struct ih_worker *worker)
{
    struct ih_link *link = NULL;

    if (is_peer(worker))
        return link_to(worker, worker->envelope->route.data);
    if (is_client(worker))
        link = usable(worker, worker->active);
    return link ? link : any_usable(worker);
}

/* A client's link that takes nothing, for want of a connection: the first that does is used from now on. */
static int try_others(struct ih_worker *worker)
{
    for (int i = 0; i < worker->link_count; i++) {
        struct ih_link *link = usable(worker, i);

        if (link && i != worker->active && ih_link_send(link, worker->envelope) == 0) {
            worker->active = i;
            worker->nudge = true;
            return 0;
        }
    }
    return -EAGAIN;
}

/* 0: it is on its way or lost, which the engine will notice; -EAGAIN: it waits. */
static int give_envelope(struct ih_worker *worker)
{
    struct ih_link *link = choose_link(worker);
    int error = link ? ih_link_send(link, worker->envelope) : -EAGAIN;

    if (error == -EAGAIN && is_client(worker) && worker->link_count > 1)
        error = try_others(worker);
    if (error == 0) {
        worker->envelope = NULL;
        worker->stuck = NULL;
        return 0;
    }
    check_end(worker, error);
    if (error == -EAGAIN && worker->socket->kind != IH_ENGINE_SERVER) {
        if (worker->stuck != link)
            worker->stuck_ms = worker->now_ms;
        worker->stuck = link;
        if (is_client(worker) || (link && worker->now_ms - worker->stuck_ms < IH_STUCK_MS))
            return -EAGAIN;
    }
    ih_envelope_free(worker->envelope);
    worker->envelope = NULL;
    worker->stuck = NULL;
    return 0;
}

bool ih_worker_give_envelopes(struct ih_worker *worker)
{
    int given = 0;

    while (given < BATCH) {
        if (!worker->envelope && any_usable(worker))
            worker->envelope = ih_engine_output(worker->engine, worker->now_ms);
        if (!worker->envelope || give_envelope(worker) != 0)
            break;
        given++;
    }
    return given > 0;
}

/* ---- from the application ---- */

bool ih_worker_wants_message(const struct ih_worker *worker)
{
    return !is_client(worker) || ih_engine_writable(worker->engine, (struct ih_octets){NULL, 0});
}

static int grow_frames(struct ih_worker *worker)
{
    size_t room = worker->frame_room ? worker->frame_room * 2 : 4;
    zmq_msg_t *frames = realloc(worker->frames, room * sizeof(*frames));
    struct ih_octets *octets = NULL;

    if (frames)
        worker->frames = frames;
    octets = frames ? realloc(worker->octets, room * sizeof(*octets)) : NULL;
    if (!octets)
        return -ENOMEM;
    worker->octets = octets;
    worker->frame_room = room;
    return 0;
}

/* All frames of one message; *count of them are to be closed. -ENOMEM: of the first ones only. */
static int receive_message(struct ih_worker *worker, size_t *count)
{
    bool more = true;
    int error = 0;

    *count = 0;
    while (more && error == 0) {
        zmq_msg_t *frame = NULL;

        if (*count == worker->frame_room)
            error = grow_frames(worker);
        if (error) {
            if (*count)
                ih_zmq_drop_rest(worker->inner, &worker->frames[*count - 1]);
            return error;
        }
        frame = &worker->frames[*count];
        (void)zmq_msg_init(frame);
        error = ih_zmq_recv(worker->inner, frame, IH_ZMQ_DONTWAIT);
        if (error) {
            (void)zmq_msg_close(frame);
            return error;
        }
        (*count)++;
        more = ih_zmq_more(worker->inner, frame);
    }
    return 0;
}

/* Where the frames' octets are, which for short ones is inside the frames, and these do not move any more. */
static void find_octets(struct ih_worker *worker, size_t count)
{
    for (size_t i = 0; i < count; i++)
        worker->octets[i] = (struct ih_octets){zmq_msg_data(&worker->frames[i]), zmq_msg_size(&worker->frames[i])};
}

static void send_message(struct ih_worker *worker, size_t count)
{
    size_t named = is_client(worker) ? 0 : 1;
    struct ih_octets to = named ? worker->octets[0] : (struct ih_octets){NULL, 0};
    int error = -EINVAL;

    worker->number++;
    if (count > named)
        error =
            ih_engine_send(worker->engine, to, worker->octets + named, count - named, worker->number, worker->now_ms);
    if (error) {
        if (named)
            ih_board_settle(&worker->socket->board, to.data, worker->number, false);
        ih_worker_event(worker, CURVE_EVENT_UNDELIVERED, 0, worker->number, to.data);
    }
}

bool ih_worker_take_messages(struct ih_worker *worker)
{
    int taken = 0;

    while (taken < BATCH && ih_worker_wants_message(worker)) {
        size_t count = 0;
        int error = receive_message(worker, &count);

        find_octets(worker, count);
        if (error == 0 || (error == -ENOMEM && count))
            send_message(worker, error ? 0 : count);
        for (size_t i = 0; i < count; i++)
            (void)zmq_msg_close(&worker->frames[i]);
        if (error) {
            check_end(worker, error);
            break;
        }
        taken++;
    }
    return taken > 0;
}

/* ---- to the application ---- */

/* A message of several frames that ZeroMQ holds. Owner: all its frames together. */
struct shared {
    struct ih_message *message;
    atomic_size_t holders;
};

static void frame_done(void *data, void *hint)
{
    struct shared *shared = hint;

    (void)data;
    if (atomic_fetch_sub_explicit(&shared->holders, 1, memory_order_acq_rel) == 1) {
        ih_message_free(shared->message);
        free(shared);
    }
}

static void message_done(void *data, void *hint)
{
    (void)data;
    ih_message_free(hint);
}

/* The message's only frame: it takes the message over, or copies and frees it. */
static int single_frame(zmq_msg_t *frame, struct ih_message *message)
{
    const struct ih_octets *octets = &message->frames[0];
    int error;

    if (octets->size > SMALL &&
        zmq_msg_init_data(frame, (void *)octets->data, octets->size, message_done, message) == 0)
        return 0;
    error = ih_zmq_msg_copy_of(frame, octets->data, octets->size);
    ih_message_free(message);
    return error;
}

static int shared_frame(zmq_msg_t *frame, const struct ih_octets *octets, struct shared *shared)
{
    if (octets->size <= SMALL)
        return ih_zmq_msg_copy_of(frame, octets->data, octets->size);
    atomic_fetch_add_explicit(&shared->holders, 1, memory_order_relaxed);
    if (zmq_msg_init_data(frame, (void *)octets->data, octets->size, frame_done, shared) == 0)
        return 0;
    atomic_fetch_sub_explicit(&shared->holders, 1, memory_order_relaxed);
    return ih_zmq_error();
}

static int push(struct ih_worker *worker, zmq_msg_t *frame, bool more)
{
    int error = ih_zmq_send(worker->inner, frame, (more ? ZMQ_SNDMORE : 0) | IH_ZMQ_DONTWAIT);

    (void)zmq_msg_close(frame);
    return error;
}

/* Frames that memory is missing for arrive empty: the message keeps its form, and what follows its order. */
static int push_several(struct ih_worker *worker, struct shared *shared)
{
    const struct ih_message *message = shared->message;
    size_t count = message->count;
    int error = 0;

    for (size_t i = 0; error == 0 && i < count; i++) {
        zmq_msg_t frame;

        if (shared_frame(&frame, &message->frames[i], shared) != 0)
            (void)zmq_msg_init(&frame);
        error = push(worker, &frame, i + 1 < count);
    }
    frame_done(NULL, shared);
    return error;
}

static int push_name(struct ih_worker *worker, const struct ih_message *message)
{
    zmq_msg_t frame;
    int error;

    if (is_client(worker))
        return 0;
    error = ih_zmq_msg_copy_of(&frame, message->id, CURVE_ID_SIZE);
    return error ? error : push(worker, &frame, true);
}

/* Once the name is pushed, the rest must follow: else what another end sent would seem to be its. */
static int push_message(struct ih_worker *worker, struct ih_message *message)
{
    struct shared *shared = message->count != 1 ? malloc(sizeof(*shared)) : NULL;
    zmq_msg_t frame;
    int error = message->count != 1 && !shared ? -ENOMEM : push_name(worker, message);

    if (error) {
        free(shared);
        ih_message_free(message);
        return error;
    }
    if (shared) {
        shared->message = message;
        atomic_init(&shared->holders, 1);
        return push_several(worker, shared);
    }
    if (single_frame(&frame, message) != 0)
        (void)zmq_msg_init(&frame);
    return push(worker, &frame, false);
}

bool ih_worker_give_messages(struct ih_worker *worker)
{
    int given = 0;

    while (given < BATCH) {
        int events;

        if (!worker->message)
            worker->message = ih_engine_delivered(worker->engine, worker->now_ms);
        if (!worker->message)
            break;
        /* Its octets become ZeroMQ's with the first attempt: there must be room. */
        events = ih_zmq_events(worker->inner);
        if (events < 0 || !(events & ZMQ_POLLOUT)) {
            check_end(worker, events < 0 ? events : 0);
            break;
        }
        check_end(worker, push_message(worker, worker->message));
        worker->message = NULL;
        given++;
    }
    return given > 0;
}

static int give_event(struct ih_worker *worker, const curve_event_t *event)
{
    zmq_msg_t msg;
    int error = ih_zmq_msg_copy_of(&msg, event, sizeof(*event));

    if (error)
        return error;
    error = ih_zmq_send(worker->monitor, &msg, IH_ZMQ_DONTWAIT);
    (void)zmq_msg_close(&msg);
    return error;
}

bool ih_worker_give_events(struct ih_worker *worker)
{
    curve_event_t event;
    int given = 0;

    while (given < BATCH && ih_events_next(&worker->events, &event)) {
        int error = give_event(worker, &event);

        if (error) {
            check_end(worker, error);
            break;
        }
        ih_events_taken(&worker->events);
        given++;
    }
    return given > 0;
}

/* ---- from the ZAP handler ---- */

bool ih_worker_take_answers(struct ih_worker *worker)
{
    int taken = 0;

    while (taken < BATCH) {
        uint64_t ticket = 0;
        bool accept = false;
        int error = ih_asker_answer(&worker->asker, &ticket, &accept);

        if (error == 0)
            ih_engine_decide(worker->engine, ticket, accept, worker->now_ms);
        else if (error != -EPROTO)
            break;
        taken++;
    }
    return taken > 0;
}
