/* SPDX-License-Identifier: ISC */
#include "auth/serve.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/clock.h"
#include "auth/engine.h"
#include "auth/error.h"
#include "auth/handler.h"
#include "auth/wire.h"

enum {
    READ_AT_ONCE = 256,
    MACHINES_MAX = 10000,
    SILENCE = 10 * AUTH_WIRE_PING_IVL, /* ms after which a machine is forgotten */
    ID_MAX = 255,                      /* of a machine: its routing id */
    FRAME_MAX = 4096,                  /* octets of one frame */
};

/* Who is told of changes. */
struct machine {
    uint64_t heard; /* ms */
    size_t size;
    uint8_t id[ID_MAX];
};

/* Owner: the authenticator; its thread. */
struct auth_serve {
    void *socket; /* NULL: the context has ended */
    uint8_t instance[8];
    uint64_t changes;
    bool untold; /* changed since the machines were told */
    struct machine *machines;
    size_t count, room;
};

/* A review that a machine asked for. Owner: this file, until it is answered. */
struct question {
    struct auth_decision decision;
    struct auth_envelope *envelope;
    char id[AUTH_TEXT_MAX + 1];
    size_t id_size;
};

/* ---- machines ---- */

static void state_of(const struct auth_serve *serve, char word[AUTH_WIRE_STATE])
{
    char instance[2 * sizeof(serve->instance) + 1];

    (void)sodium_bin2hex(instance, sizeof(instance), serve->instance, sizeof(serve->instance));
    (void)snprintf(word, AUTH_WIRE_STATE, "%s-%llu", instance, (unsigned long long)serve->changes);
}

static struct machine *find_machine(const struct auth_serve *serve, const void *id, size_t size)
{
    for (size_t i = 0; i < serve->count; i++) {
        if (serve->machines[i].size == size && memcmp(serve->machines[i].id, id, size) == 0)
            return &serve->machines[i];
    }
    return NULL;
}

static struct machine *new_machine(struct auth_serve *serve, const void *id, size_t size)
{
    struct machine *machine;

    if (serve->count >= MACHINES_MAX || size > ID_MAX)
        return NULL;
    if (serve->count == serve->room) {
        size_t room = serve->room ? 2 * serve->room : 16;
        struct machine *machines = realloc(serve->machines, room * sizeof(*machines));

        if (!machines)
            return NULL;
        serve->machines = machines;
        serve->room = room;
    }
    machine = &serve->machines[serve->count++];
    machine->size = size;
    memcpy(machine->id, id, size);
    return machine;
}

/* Only who talks to us without proxies between: a notice needs one routing id. */
static void remember(struct auth_serve *serve, struct auth_message *message)
{
    void *id = zmq_msg_data(&message->frames[0]);
    size_t size = zmq_msg_size(&message->frames[0]);
    struct machine *machine;

    if (message->envelope != 2)
        return;
    machine = find_machine(serve, id, size);
    if (!machine)
        machine = new_machine(serve, id, size);
    if (machine)
        machine->heard = auth_clock_ms();
}

static void forget_silent(struct auth_serve *serve, uint64_t now)
{
    for (size_t i = 0; i < serve->count;) {
        if (now < serve->machines[i].heard + SILENCE)
            i++;
        else
            serve->machines[i] = serve->machines[--serve->count];
    }
}

static void tell_all(struct auth_serve *serve)
{
    char word[AUTH_WIRE_STATE];

    state_of(serve, word);
    for (size_t i = 0; i < serve->count; i++) {
        const struct machine *machine = &serve->machines[i];
        struct auth_frame frames[6] = {{machine->id, machine->size},      auth_wire_text(""),
                                       auth_wire_text(AUTH_WIRE_VERSION), auth_wire_text(""),
                                       auth_wire_text("CHANGED"),         auth_wire_text(word)};

        (void)auth_frames_send_bare(serve->socket, frames, 6);
    }
}

void auth_serve_changed(struct ironauth *auth)
{
    auth->serve->changes++;
    auth->serve->untold = true;
}

/* ---- what machines ask ---- */

static void answer(struct auth_serve *serve, struct auth_envelope *envelope, struct auth_frame id, const char *name,
                   const char *first, const char *second)
{
    struct auth_frame frames[5] = {auth_wire_text(AUTH_WIRE_VERSION), id, auth_wire_text(name), auth_wire_text(first)};
    size_t count = 4;

    if (second)
        frames[count++] = auth_wire_text(second);
    if (serve->socket)
        (void)auth_envelope_send(serve->socket, envelope, frames, count);
}

static void reviewed(struct ironauth *auth, struct auth_decision *decision)
{
    struct question *question = AUTH_LIST_OF(decision, struct question, decision);
    char status[16];

    (void)snprintf(status, sizeof(status), "%d", (int)decision->verdict.status);
    answer(auth->serve, question->envelope, (struct auth_frame){question->id, question->id_size}, "VERDICT", status,
           decision->verdict.user_id);
    auth_envelope_free(question->envelope);
    free(question);
}

static bool read_review(struct auth_request *request, const struct auth_frame *grant, const struct auth_frame *address)
{
    char grant_text[AUTH_WIRE_GRANT], address_text[AUTH_TEXT_MAX + 1];

    return auth_wire_copy(grant_text, sizeof(grant_text), grant) &&
           auth_wire_copy(address_text, sizeof(address_text), address) &&
           auth_grant_parse(request, grant_text, address_text) == 0;
}

/* False: malformed. Takes the envelope if not. */
static bool take_review(struct ironauth *auth, struct auth_envelope *envelope, const struct auth_frame *body,
                        size_t count)
{
    struct question *question = calloc(1, sizeof(*question));
    const struct auth_frame *id = &body[AUTH_WIRE_AT_ID];

    if (!question || count != 5 || id->size > AUTH_TEXT_MAX ||
        !read_review(&question->decision.request, &body[AUTH_WIRE_AT_REST], &body[AUTH_WIRE_AT_REST + 1])) {
        free(question);
        return false;
    }
    memcpy(question->id, id->data, id->size);
    question->id_size = id->size;
    question->envelope = envelope;
    question->decision.caller = AUTH_CALLER_CHECK;
    question->decision.done = reviewed;
    auth_decision_start(auth, &question->decision);
    return true;
}

static void take_wire(struct ironauth *auth, struct auth_message *message)
{
    const struct auth_frame *body = message->body;
    const struct auth_frame *name = message->body_count > AUTH_WIRE_AT_NAME ? &body[AUTH_WIRE_AT_NAME] : NULL;
    struct auth_frame id = message->body_count > AUTH_WIRE_AT_ID ? body[AUTH_WIRE_AT_ID] : auth_wire_text("");
    bool is_ping = name && message->body_count == 3 && auth_wire_is(name, "PING");
    struct auth_envelope *envelope;
    char word[AUTH_WIRE_STATE];

    if (is_ping)
        remember(auth->serve, message);
    envelope = auth_envelope_take(message);
    if (!envelope)
        return;
    if (name && auth_wire_is(name, "REVIEW") && take_review(auth, envelope, body, message->body_count))
        return;
    state_of(auth->serve, word);
    if (is_ping)
        answer(auth->serve, envelope, id, "PONG", word, NULL);
    else
        answer(auth->serve, envelope, id, "ERROR", name ? "unknown or malformed message" : "no message", NULL);
    auth_envelope_free(envelope);
}

void auth_serve_read(struct ironauth *auth)
{
    struct auth_serve *serve = auth->serve;
    struct auth_message message;

    for (int i = 0; i < READ_AT_ONCE && serve->socket; i++) {
        int rc = auth_message_recv(serve->socket, &message);

        if (rc == -EMSGSIZE)
            continue;
        if (rc)
            return;
        if (message.envelope && message.body_count && auth_wire_is(&message.body[0], AUTH_WIRE_VERSION))
            take_wire(auth, &message);
        else if (message.envelope)
            auth_handler_request(auth, &serve->socket, AUTH_CALLER_SERVICE, &message);
        auth_message_wipe(&message);
    }
}

/* ---- the loop's ---- */

size_t auth_serve_items(const struct auth_serve *serve, zmq_pollitem_t *items)
{
    if (!serve->socket)
        return 0;
    items[0] = (zmq_pollitem_t){.socket = serve->socket, .events = ZMQ_POLLIN};
    return 1;
}

uint64_t auth_serve_tick(struct ironauth *auth, uint64_t now)
{
    struct auth_serve *serve = auth->serve;

    forget_silent(serve, now);
    if (serve->untold && serve->socket)
        tell_all(serve);
    serve->untold = false;
    return serve->count ? now + SILENCE : AUTH_NEVER;
}

void auth_serve_leave_context(struct auth_serve *serve)
{
    if (serve->socket)
        (void)zmq_close(serve->socket);
    serve->socket = NULL;
}

void auth_serve_free(struct ironauth *auth)
{
    free(auth->serve->machines);
    free(auth->serve);
    auth->serve = NULL;
}

/* ---- its beginning ---- */

static int set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof(value));
}

static int bind_socket(void *socket, const char *endpoint, char bound[256])
{
    int64_t limit = FRAME_MAX;
    size_t size = 256;

    if (set_int(socket, ZMQ_LINGER, 0) || set_int(socket, ZMQ_HEARTBEAT_IVL, 5000) ||
        set_int(socket, ZMQ_SNDHWM, MACHINES_MAX) || set_int(socket, ZMQ_IPV6, strchr(endpoint, '[') != NULL) ||
        zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &limit, sizeof(limit)) || zmq_bind(socket, endpoint) ||
        zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, bound, &size))
        return auth_error_set(-zmq_errno(), "serve, %s: %s", endpoint, zmq_strerror(zmq_errno()));
    return 0;
}

/* The configuration, held. */
static void get_config(struct ironauth *auth, void *arg)
{
    struct auth_config **config = arg;

    *config = auth->serve ? NULL : auth_config_hold(auth->generation->config);
}

static void attach(struct ironauth *auth, void *arg)
{
    auth->serve = arg;
}

static int open_socket(struct ironauth *auth, struct auth_serve *serve, void *context,
                       const struct auth_serve_config *config, char bound[256])
{
    int error;

    serve->socket = zmq_socket(context, ZMQ_ROUTER);
    if (!serve->socket)
        return auth_error_set(-zmq_errno(), "serve: %s", zmq_strerror(zmq_errno()));
    if (ironauth_curve_server(auth, serve->socket, config->certificate, config->clients) == 0 &&
        bind_socket(serve->socket, config->endpoint, bound) == 0)
        return 0;
    error = errno;
    (void)zmq_close(serve->socket);
    errno = error;
    return -1;
}

int auth_serve_start(ironauth_t *auth, void *context, char endpoint[256])
{
    struct auth_serve *serve = calloc(1, sizeof(*serve));
    struct auth_config *config = NULL;
    int rc;

    if (!serve)
        return auth_error_set(-ENOMEM, "no memory");
    randombytes_buf(serve->instance, sizeof(serve->instance));
    auth_engine_call(auth, get_config, &config);
    if (!config)
        rc = auth_error_set(-EALREADY, "it serves already");
    else if (!config->serve.endpoint)
        rc = auth_error_set(-EINVAL, "the configuration has no section 'serve'");
    else
        rc = open_socket(auth, serve, context, &config->serve, endpoint);
    if (config)
        auth_config_release(config);
    if (rc == 0)
        auth_engine_call(auth, attach, serve);
    else
        free(serve);
    return rc;
}
