/* SPDX-License-Identifier: ISC */
#include "auth/forward.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/clock.h"
#include "auth/engine.h"
#include "auth/error.h"
#include "auth/message.h"
#include "auth/text.h"
#include "auth/wire.h"

enum {
    OUTSTANDING_MAX = 2048,
    PASSWORDS_MAX = OUTSTANDING_MAX / 2, /* of these, so that others have places too */
    SERVERS_MAX = 16,
    REVIEWS_AT_ONCE = 16,
    FRAME_MAX = 4096, /* octets */
    NUMBER_SIZE = 17, /* a request's id, as text */
};

/* In ms. A server is away after SILENCE without a word. After REOPEN its socket is made anew: its name may mean another
 * address now, and a server that refused us once is not asked again by the old one. PING_AGAIN is the pause where there was
 * no connection: the first ping makes us known to the server. */
enum { SILENCE = 2500, REOPEN = 5000, PING_AGAIN = 100 };

enum server_state { UNKNOWN, UP, AWAY };

/* Owner: the forward. */
struct server {
    const struct auth_forward_server *config;
    void *socket; /* NULL: it could not be made */
    enum server_state state;
    bool wanted;                       /* tasks wait until something can be sent to it */
    uint64_t opened, heard, next_ping; /* ms */
    char word[AUTH_WIRE_STATE];        /* the service's state */
};

/* Owner: the generation; the authenticator's thread. */
struct auth_forward {
    struct auth_source source;
    const struct auth_forward_config *config;
    void *context;
    struct auth_link outstanding; /* tasks, by queue */
    size_t count;
    size_t passwords; /* of these, those that are about one, and may take long */
    uint64_t number;
    struct server servers[];
};

/* ---- sockets ---- */

static int set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof(value));
}

/* IMMEDIATE: what cannot be sent to a server now may be sent to another one. */
static int set_options(void *socket)
{
    int64_t limit = FRAME_MAX;

    return set_int(socket, ZMQ_LINGER, 0) || set_int(socket, ZMQ_IMMEDIATE, 1) ||
           set_int(socket, ZMQ_RECONNECT_IVL_MAX, 1000) || set_int(socket, ZMQ_HEARTBEAT_IVL, 2000) ||
           set_int(socket, ZMQ_HANDSHAKE_IVL, REOPEN) || set_int(socket, ZMQ_SNDHWM, 2 * OUTSTANDING_MAX) ||
           set_int(socket, ZMQ_RCVHWM, 2 * OUTSTANDING_MAX) ||
           zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &limit, sizeof(limit));
}

/* -1 with the error's text set. */
static int open_socket(struct auth_forward *forward, struct server *server)
{
    const char *endpoint = server->config->endpoint;
    void *socket = zmq_socket(forward->context, ZMQ_DEALER);
    int error;

    server->opened = auth_clock_ms();
    if (!socket)
        return auth_error_set(-zmq_errno(), "forward '%s': %s", forward->config->name, zmq_strerror(zmq_errno()));
    if (ironauth_curve_client(socket, forward->config->certificate, server->config->key) != 0)
        goto fail;
    if (set_options(socket) == 0 && set_int(socket, ZMQ_IPV6, strchr(endpoint, '[') != NULL) == 0 &&
        zmq_connect(socket, endpoint) == 0) {
        server->socket = socket;
        return 0;
    }
    (void)auth_error_set(-zmq_errno(), "forward '%s', %s: %s", forward->config->name, endpoint,
                         zmq_strerror(zmq_errno()));
fail:
    error = errno;
    (void)zmq_close(socket);
    errno = error;
    return -1;
}

static void close_socket(struct server *server)
{
    if (server->socket)
        (void)zmq_close(server->socket);
    server->socket = NULL;
}

/* ---- sending ---- */

static int send_zap(void *socket, const struct auth_task *task, const char *id)
{
    const struct auth_request *request = &task->request;
    struct auth_frame frames[AUTH_ZAP_FRAMES_MAX] = {auth_wire_text("1.0"),
                                                     auth_wire_text(id),
                                                     auth_wire_text(request->domain),
                                                     auth_wire_text(request->address),
                                                     auth_wire_text(""),
                                                     auth_wire_text(auth_mechanism_name(request->mechanism))};
    size_t count = 6;

    if (request->mechanism == AUTH_MECHANISM_PLAIN) {
        frames[count++] = auth_wire_text(request->user);
        frames[count++] = auth_wire_text(request->password);
    } else if (request->mechanism == AUTH_MECHANISM_CURVE) {
        frames[count++] = (struct auth_frame){request->key, AUTH_KEY_SIZE};
    }
    return auth_frames_send(socket, frames, count);
}

static int send_review(void *socket, const struct auth_task *task, const char *id)
{
    char grant[AUTH_WIRE_GRANT];
    struct auth_frame frames[5] = {auth_wire_text(AUTH_WIRE_VERSION), auth_wire_text(id), auth_wire_text("REVIEW")};

    auth_wire_grant(grant, &task->request);
    frames[3] = auth_wire_text(grant);
    frames[4] = auth_wire_text(task->request.address);
    return auth_frames_send(socket, frames, 5);
}

static int send_task(const struct server *server, const struct auth_task *task)
{
    char id[NUMBER_SIZE];

    (void)snprintf(id, sizeof(id), "%016llx", (unsigned long long)task->number);
    return task->request.review ? send_review(server->socket, task, id) : send_zap(server->socket, task, id);
}

static void ping(struct server *server, uint64_t now)
{
    static const char id[] = "0";
    struct auth_frame frames[3] = {auth_wire_text(AUTH_WIRE_VERSION), auth_wire_text(id), auth_wire_text("PING")};

    server->next_ping = now + (auth_frames_send(server->socket, frames, 3) == 0 ? AUTH_WIRE_PING_IVL : PING_AGAIN);
}

/* ---- the source ---- */

static bool may_ask(const struct auth_forward *forward, const struct auth_task *task, size_t index)
{
    const struct server *server = &forward->servers[index];

    return server->socket && server->state != AWAY && !(task->asked & (uint64_t)1 << index);
}

static bool anybody(const struct auth_forward *forward, const struct auth_task *task)
{
    for (size_t i = 0; i < forward->config->count; i++) {
        if (may_ask(forward, task, i))
            return true;
    }
    return false;
}

/* Gives the task to the first server that takes it; else it stays unsent, and waits for all that may be asked. */
static void dispatch(struct auth_forward *forward, struct auth_task *task, uint64_t now)
{
    size_t count = forward->config->count, i = 0;

    while (i < count && !(may_ask(forward, task, i) && send_task(&forward->servers[i], task) == 0))
        i++;
    if (i < count) {
        task->asked |= (uint64_t)1 << i;
        task->since = now;
        task->share = (uint64_t)forward->config->timeout / count;
        return;
    }
    task->share = 0;
    for (i = 0; i < count; i++)
        forward->servers[i].wanted = forward->servers[i].wanted || may_ask(forward, task, i);
}

static bool is_password(const struct auth_task *task)
{
    return task->request.mechanism == AUTH_MECHANISM_PLAIN && !task->request.review;
}

static void take_out(struct auth_forward *forward, struct auth_task *task)
{
    auth_list_remove(&task->queue);
    forward->count--;
    forward->passwords -= is_password(task);
}

static int submit(struct auth_source *source, struct auth_task *task)
{
    struct auth_forward *forward = AUTH_LIST_OF(source, struct auth_forward, source);

    task->asked = 0;
    if (forward->count >= OUTSTANDING_MAX || (is_password(task) && forward->passwords >= PASSWORDS_MAX) ||
        !anybody(forward, task))
        return -EAGAIN;
    forward->passwords += is_password(task);
    task->number = forward->number++;
    task->share = 0;
    auth_list_insert(&forward->outstanding, &task->queue);
    forward->count++; /* the next tick sends it */
    return 0;
}

static bool cancel(struct auth_source *source, struct auth_task *task)
{
    struct auth_forward *forward = AUTH_LIST_OF(source, struct auth_forward, source);

    take_out(forward, task);
    return true;
}

static const struct auth_source_ops source_ops = {submit, cancel};

/* ---- receiving ---- */

static void finish(struct ironauth *auth, struct auth_forward *forward, struct auth_task *task, int rc)
{
    take_out(forward, task);
    task->rc = rc;
    task->mail.deliver(auth, &task->mail);
}

static struct auth_task *find_task(struct auth_forward *forward, const struct auth_frame *id, size_t server)
{
    char text[NUMBER_SIZE], *end;
    unsigned long long number;

    if (id->size != NUMBER_SIZE - 1 || !auth_wire_copy(text, sizeof(text), id))
        return NULL;
    number = strtoull(text, &end, 16);
    for (struct auth_link *link = forward->outstanding.next; link != &forward->outstanding; link = link->next) {
        struct auth_task *task = AUTH_LIST_OF(link, struct auth_task, queue);

        if (task->number == number)
            return !*end && task->asked & (uint64_t)1 << server ? task : NULL;
    }
    return NULL;
}

static int rc_of(const struct auth_frame *status)
{
    return auth_wire_is(status, "200")   ? 0
           : auth_wire_is(status, "300") ? -EBUSY
           : auth_wire_is(status, "400") ? -EACCES
                                         : -EBADMSG;
}

/* status, user id: whatever is malformed lets nobody in. */
static void settle(struct ironauth *auth, struct auth_forward *forward, struct auth_task *task,
                   const struct auth_frame *status, const struct auth_frame *user_id)
{
    int rc = rc_of(status);

    if (rc == 0 && (!auth_wire_copy(task->record.user_id, sizeof(task->record.user_id), user_id) ||
                    !auth_text_clean(task->record.user_id, user_id->size)))
        rc = -EBADMSG;
    finish(auth, forward, task, rc);
}

/* version, id, status, text, user id, metadata (RFC 27). */
static void take_reply(struct ironauth *auth, struct auth_forward *forward, size_t server,
                       const struct auth_frame *body)
{
    struct auth_task *task = find_task(forward, &body[1], server);

    if (!task || task->request.review)
        return;
    if (task->request.mechanism == AUTH_MECHANISM_PLAIN)
        auth_wire_stamp(task->record.stamp, &body[5]);
    settle(auth, forward, task, &body[2], &body[4]);
}

static void take_state(struct ironauth *auth, struct auth_forward *forward, struct server *server,
                       const struct auth_frame *state)
{
    char word[AUTH_WIRE_STATE];

    if (!auth_wire_copy(word, sizeof(word), state) || strcmp(word, server->word) == 0)
        return;
    memcpy(server->word, word, sizeof(word));
    auth_engine_changed(auth, &forward->source);
}

static void take_wire(struct ironauth *auth, struct auth_forward *forward, size_t index, const struct auth_frame *body,
                      size_t count)
{
    const struct auth_frame *name = &body[AUTH_WIRE_AT_NAME];
    struct auth_task *task;

    if (count == 4 && (auth_wire_is(name, "PONG") || auth_wire_is(name, "CHANGED"))) {
        take_state(auth, forward, &forward->servers[index], &body[AUTH_WIRE_AT_REST]);
        return;
    }
    task = find_task(forward, &body[AUTH_WIRE_AT_ID], index);
    if (!task || !task->request.review)
        return;
    if (count == 5 && auth_wire_is(name, "VERDICT"))
        settle(auth, forward, task, &body[AUTH_WIRE_AT_REST], &body[AUTH_WIRE_AT_REST + 1]);
    else
        finish(auth, forward, task, -EBADMSG);
}

static void take_message(struct ironauth *auth, struct auth_forward *forward, size_t index,
                         const struct auth_message *message)
{
    struct server *server = &forward->servers[index];
    const struct auth_frame *body = message->body;
    size_t count = message->body_count;

    server->heard = auth_clock_ms();
    server->state = UP;
    if (message->envelope != 1)
        return;
    if (count == AUTH_ZAP_REPLY_FRAMES && auth_wire_is(&body[0], "1.0"))
        take_reply(auth, forward, index, body);
    else if (count > AUTH_WIRE_AT_NAME && auth_wire_is(&body[0], AUTH_WIRE_VERSION))
        take_wire(auth, forward, index, body, count);
}

void auth_forward_read(struct ironauth *auth, struct auth_forward *forward)
{
    struct auth_message message;

    for (size_t i = 0; i < forward->config->count; i++) {
        void *socket = forward->servers[i].socket;

        for (int n = 0; socket && n < 256 && auth_message_recv(socket, &message) == 0; n++) {
            take_message(auth, forward, i, &message);
            auth_message_wipe(&message);
        }
    }
}

size_t auth_forward_items(const struct auth_forward *forward, zmq_pollitem_t *items, size_t room)
{
    size_t count = 0;

    for (size_t i = 0; i < forward->config->count && count < room; i++) {
        const struct server *server = &forward->servers[i];
        short events = (short)(server->wanted ? ZMQ_POLLIN | ZMQ_POLLOUT : ZMQ_POLLIN);

        if (server->socket)
            items[count++] = (zmq_pollitem_t){.socket = server->socket, .events = events};
    }
    return count;
}

/* ---- time ---- */

/* Returns when to look again. */
static uint64_t tick_server(struct auth_forward *forward, struct server *server, uint64_t now)
{
    server->wanted = false;
    if (server->state != AWAY && now >= server->heard + SILENCE)
        server->state = AWAY;
    if (server->state == AWAY && now >= server->opened + REOPEN) {
        close_socket(server);
        (void)open_socket(forward, server);
    }
    if (server->socket && now >= server->next_ping)
        ping(server, now);
    return server->socket ? server->next_ping : server->opened + REOPEN;
}

/* One of those that were asked may answer yet. That it has not within its share says nothing of the server, which answers
 * pings: somebody's password may have to wait there, or a back end be slow. */
static bool is_hopeful(const struct auth_forward *forward, const struct auth_task *task)
{
    for (size_t i = 0; i < forward->config->count; i++) {
        if (task->asked & (uint64_t)1 << i && forward->servers[i].state != AWAY)
            return true;
    }
    return false;
}

/* Sends the task if it is unsent, or its share is over. False: there is nobody who could answer it. */
static bool tick_task(struct auth_forward *forward, struct auth_task *task, uint64_t now)
{
    if (task->share && now < task->since + task->share)
        return true;
    if (anybody(forward, task))
        dispatch(forward, task, now);
    else if (task->share && is_hopeful(forward, task))
        task->since = now; /* looked at again then, unless its own end comes before that */
    else
        return false;
    return true;
}

static uint64_t tick_tasks(struct auth_forward *forward, struct auth_link *hopeless, uint64_t now)
{
    struct auth_link *link = forward->outstanding.next;
    uint64_t next = AUTH_NEVER;

    while (link != &forward->outstanding) {
        struct auth_task *task = AUTH_LIST_OF(link, struct auth_task, queue);

        link = link->next;
        if (!tick_task(forward, task, now)) {
            auth_list_remove(&task->queue);
            auth_list_insert(hopeless, &task->queue);
        } else if (task->share && task->since + task->share < next) {
            next = task->since + task->share;
        }
    }
    return next;
}

uint64_t auth_forward_tick(struct ironauth *auth, struct auth_forward *forward, uint64_t now)
{
    struct auth_link hopeless, *link;
    uint64_t next = AUTH_NEVER, when;

    auth_list_init(&hopeless);
    for (size_t i = 0; i < forward->config->count; i++) {
        when = tick_server(forward, &forward->servers[i], now);
        next = when < next ? when : next;
    }
    when = tick_tasks(forward, &hopeless, now);
    while ((link = auth_list_take(&hopeless)))
        finish(auth, forward, AUTH_LIST_OF(link, struct auth_task, queue), -EAGAIN);
    return when < next ? when : next;
}

/* ---- life ---- */

static int open_servers(struct auth_forward *forward)
{
    for (size_t i = 0; i < forward->config->count; i++) {
        struct server *server = &forward->servers[i];

        server->config = &forward->config->servers[i];
        server->heard = auth_clock_ms();
        if (open_socket(forward, server) != 0)
            return -errno;
    }
    return 0;
}

int auth_forward_open(struct auth_forward **forward_p, const struct auth_forward_config *config, void *context)
{
    struct auth_forward *forward;
    int rc;

    if (config->count > SERVERS_MAX)
        return auth_error_set(-EINVAL, "forward '%s': more than %d servers", config->name, SERVERS_MAX), -EINVAL;
    forward = calloc(1, sizeof(*forward) + config->count * sizeof(forward->servers[0]));
    if (!forward ||
        auth_source_init(&forward->source, &source_ops, config->name, config->timeout, config->cache, true) != 0) {
        free(forward);
        return auth_error_set(-ENOMEM, "no memory"), -ENOMEM;
    }
    forward->source.review.limit = REVIEWS_AT_ONCE;
    forward->config = config;
    forward->context = context;
    auth_list_init(&forward->outstanding);
    rc = open_servers(forward);
    if (rc) {
        auth_forward_close(forward);
        return rc;
    }
    *forward_p = forward;
    return 0;
}

void auth_forward_close(struct auth_forward *forward)
{
    for (size_t i = 0; i < forward->config->count; i++)
        close_socket(&forward->servers[i]);
    auth_source_fini(&forward->source);
    free(forward);
}

struct auth_source *auth_forward_source(struct auth_forward *forward)
{
    return &forward->source;
}

bool auth_forward_is(const struct auth_source *source)
{
    return source->ops == &source_ops;
}
