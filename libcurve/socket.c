/* SPDX-License-Identifier: ISC */
/* A virtual socket's life, its options, and what it asks of its worker. */
#include "libcurve/socket.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/random.h"
#include "libcurve/wire.h"
#include "libcurve/worker.h"
#include "libcurve/zmq_seam.h"
#include "zmtp/metadata.h"

/* Messages in the PAIR between application and worker: enough to keep both busy. The queues that count are the engine's.
 * What a server or peer sends has its place on the board already, and is not limited a second time. */
enum { HANDLE_HWM = 32, NO_HWM = 0 };

/* The defaults and the ranges of the options, by number. */
static const struct {
    int standard;
    int least;
    int most;
} ranges[IH_OPTIONS] = {
    [CURVE_SNDHWM] = {1000, 1, 1000000},
    [CURVE_RCVHWM] = {1000, 1, 1000000},
    [CURVE_SNDTIMEO] = {-1, -1, INT_MAX},
    [CURVE_RCVTIMEO] = {-1, -1, INT_MAX},
    [CURVE_LINGER] = {1000, -1, INT_MAX},
    [CURVE_MAXMSGSIZE] = {16 * 1024 * 1024, 1, 1024 * 1024 * 1024},
    [CURVE_HANDSHAKE_IVL] = {10000, 1, INT_MAX},
    [CURVE_MAX_CLIENTS] = {10000, 1, 10000000},
    [CURVE_MAX_PENDING] = {1000, 1, 1000000},
    [CURVE_IDLE] = {60000, 1, INT_MAX},
    [CURVE_HEARTBEAT_IVL] = {10000, 1, INT_MAX},
    [CURVE_RENEW_IVL] = {3600000, 1, INT_MAX},
    [CURVE_RENEW_MESSAGES] = {10000000, 1, INT_MAX},
    [CURVE_RECONNECT_IVL] = {100, 1, INT_MAX},
    [CURVE_RECONNECT_IVL_MAX] = {10000, 1, INT_MAX},
};

int ih_socket_answer(int value)
{
    if (value >= 0)
        return value;
    errno = -value;
    return -1;
}

/* ---- life ---- */

int ih_socket_pair(void *context, void **one, void **other, int to_worker, int to_application)
{
    static _Atomic uint64_t last;
    char address[64];
    int error;

    (void)snprintf(address, sizeof(address), "inproc://curve.pair.%llx",
                   (unsigned long long)atomic_fetch_add(&last, 1));
    *one = zmq_socket(context, ZMQ_PAIR);
    *other = *one ? zmq_socket(context, ZMQ_PAIR) : NULL;
    if (!*other)
        return ih_zmq_error();
    /* The queue of each direction is as long as both ends' marks together. */
    error = ih_zmq_set_hwm(*one, to_worker, 1);
    if (error == 0)
        error = ih_zmq_set_hwm(*other, to_application, 1);
    if (error == 0)
        error = ih_zmq_set_linger(*one, 0);
    if (error == 0)
        error = ih_zmq_set_linger(*other, 0);
    if (error == 0 && (zmq_bind(*one, address) != 0 || zmq_connect(*other, address) != 0))
        error = ih_zmq_error();
    return error;
}

static void close_pair(void **one)
{
    if (*one)
        (void)zmq_close(*one);
    *one = NULL;
}

static void free_socket(curve_socket_t *socket)
{
    void **sockets[] = {&socket->handle, &socket->wake, &socket->monitor};
    void **inner[] = {&socket->inner, &socket->inner_wake, &socket->inner_monitor};

    for (size_t i = 0; i < sizeof(sockets) / sizeof(*sockets); i++) {
        close_pair(sockets[i]);
        close_pair(inner[i]);
    }
    curve_cert_destroy(&socket->own);
    curve_cert_destroy(&socket->hop);
    free(socket->metadata);
    ih_guard_fini(&socket->guard);
    ih_board_fini(&socket->board);
    ih_lock_fini(&socket->lock);
    free(socket);
}

static int open_socket(curve_socket_t *socket, const curve_cert_t *own)
{
    int to_worker = socket->kind == IH_ENGINE_CLIENT ? HANDLE_HWM : NO_HWM;
    int error;

    socket->own = curve_cert_dup(own);
    if (!socket->own)
        return -errno;
    error = ih_socket_pair(socket->context, &socket->handle, &socket->inner, to_worker, HANDLE_HWM);
    if (error == 0)
        error = ih_socket_pair(socket->context, &socket->wake, &socket->inner_wake, NO_HWM, NO_HWM);
    return error;
}

static curve_socket_t *new_socket(void *context, enum ih_engine_kind kind, const curve_cert_t *own,
                                  const uint8_t *server_key)
{
    curve_socket_t *socket = NULL;
    int error = 0;

    if (!context || !own || (kind == IH_ENGINE_CLIENT && !server_key))
        error = EFAULT;
    else if (!curve_cert_secret_key(own))
        error = EINVAL;
    else if (ih_random_init() != 0 || !(socket = calloc(1, sizeof(*socket))))
        error = ENOMEM;
    if (error) {
        errno = error;
        return NULL;
    }
    socket->context = context;
    socket->kind = kind;
    if (server_key)
        memcpy(socket->server_key, server_key, CURVE_KEY_SIZE);
    for (int i = 0; i < IH_OPTIONS; i++)
        socket->options[i] = ranges[i].standard;
    ih_guard_init(&socket->guard);
    ih_board_init(&socket->board, kind == IH_ENGINE_PEER);
    ih_board_limit(&socket->board, (size_t)socket->options[CURVE_MAX_CLIENTS], (size_t)socket->options[CURVE_SNDHWM]);
    ih_lock_init(&socket->lock);
    atomic_init(&socket->linger, socket->options[CURVE_LINGER]);
    error = open_socket(socket, own);
    if (error) {
        free_socket(socket);
        errno = -error;
        return NULL;
    }
    return socket;
}

curve_socket_t *curve_client_new(void *context, const curve_cert_t *own, const uint8_t *server_key)
{
    return new_socket(context, IH_ENGINE_CLIENT, own, server_key);
}

curve_socket_t *curve_server_new(void *context, const curve_cert_t *own)
{
    return new_socket(context, IH_ENGINE_SERVER, own, NULL);
}

curve_socket_t *curve_peer_new(void *context, const curve_cert_t *own)
{
    return new_socket(context, IH_ENGINE_PEER, own, NULL);
}

int curve_close(curve_socket_t **socket_p)
{
    curve_socket_t *socket = socket_p ? *socket_p : NULL;

    if (!socket)
        return ih_socket_answer(-EFAULT);
    *socket_p = NULL;
    if (socket->started) {
        atomic_store(&socket->closing, true);
        ih_socket_wake(socket);
        ih_thread_join(&socket->thread);
    }
    free_socket(socket);
    return 0;
}

/* ---- the worker ---- */

static int start(curve_socket_t *socket)
{
    struct ih_thread_config config = {.name = "curve", .policy = -1, .priority = -1};
    int error;

    if (socket->started)
        return 0;
    ih_board_limit(&socket->board, (size_t)socket->options[CURVE_MAX_CLIENTS], (size_t)socket->options[CURVE_SNDHWM]);
    error = ih_worker_new(&socket->worker, socket);
    if (error)
        return error;
    error = ih_thread_start(&socket->thread, &config, ih_worker_run, socket->worker);
    if (error) {
        ih_worker_free(socket->worker);
        socket->worker = NULL;
        return error;
    }
    socket->started = true;
    /* They are the worker's now, which closes them. */
    socket->inner = NULL;
    socket->inner_wake = NULL;
    socket->inner_monitor = NULL;
    return 0;
}

/* An error means that the context ends, which the worker notices by itself. The pipe is not limited: there is one call at a
 * time, and libzmq may take up to a millisecond to notice that a full one was read. */
void ih_socket_wake(curve_socket_t *socket)
{
    zmq_msg_t msg;

    (void)zmq_msg_init(&msg);
    (void)ih_zmq_send(socket->wake, &msg, IH_ZMQ_DONTWAIT);
    (void)zmq_msg_close(&msg);
}

int ih_socket_command(curve_socket_t *socket, struct ih_command *command)
{
    bool ended;

    atomic_init(&command->done, 0);
    ih_lock_enter(&socket->lock);
    ended = socket->ended;
    if (!ended)
        socket->command = command;
    ih_lock_leave(&socket->lock);
    if (ended)
        return -ETERM;
    ih_socket_wake(socket);
    /* Signal handlers may run meanwhile; the command is short. */
    while (atomic_load(&command->done) == 0)
        (void)ih_futex_wait(&command->done, 0, -1);
    return command->error;
}

static int attach(curve_socket_t *socket, enum ih_command_type type, const char *endpoint)
{
    struct ih_command command = {.type = type, .endpoint = endpoint};
    int error;

    if (!socket || !endpoint)
        return ih_socket_answer(-EFAULT);
    if (socket->kind == IH_ENGINE_PEER && type == IH_COMMAND_BIND)
        return ih_socket_answer(-ENOTSUP);
    if (strlen(endpoint) >= IH_ENDPOINT_MAX)
        return ih_socket_answer(-EINVAL);
    error = start(socket);
    return ih_socket_answer(error ? error : ih_socket_command(socket, &command));
}

int curve_bind(curve_socket_t *socket, const char *endpoint)
{
    return attach(socket, IH_COMMAND_BIND, endpoint);
}

int curve_connect(curve_socket_t *socket, const char *endpoint)
{
    return attach(socket, IH_COMMAND_CONNECT, endpoint);
}

int curve_unbind(curve_socket_t *socket, const char *endpoint)
{
    return attach(socket, IH_COMMAND_UNBIND, endpoint);
}

int curve_disconnect(curve_socket_t *socket, const char *endpoint)
{
    return attach(socket, IH_COMMAND_DISCONNECT, endpoint);
}

int curve_last_endpoint(curve_socket_t *socket, char *endpoint, size_t size)
{
    size_t length;
    int error = 0;

    if (!socket || !endpoint)
        return ih_socket_answer(-EFAULT);
    ih_lock_enter(&socket->lock);
    length = strlen(socket->last_endpoint);
    if (length >= size)
        error = -ERANGE;
    else
        memcpy(endpoint, socket->last_endpoint, length + 1);
    ih_lock_leave(&socket->lock);
    return ih_socket_answer(error);
}

/* ---- who may ---- */

int curve_allow(curve_socket_t *socket, const uint8_t *key)
{
    return ih_socket_answer(socket ? ih_guard_allow(&socket->guard, key) : -EFAULT);
}

int curve_deny(curve_socket_t *socket, const uint8_t *key)
{
    struct ih_command command = {.type = IH_COMMAND_DENY, .key = key};

    if (!socket)
        return ih_socket_answer(-EFAULT);
    ih_guard_deny(&socket->guard, key);
    return key && socket->started ? ih_socket_answer(ih_socket_command(socket, &command)) : 0;
}

int curve_authenticate(curve_socket_t *socket, curve_authenticate_fn *function, void *arg)
{
    if (!socket || !function)
        return ih_socket_answer(-EFAULT);
    if (socket->started)
        return ih_socket_answer(-EINVAL);
    socket->authenticate = function;
    socket->authenticate_arg = arg;
    return 0;
}

int curve_authenticate_zap(curve_socket_t *socket, const char *domain)
{
    if (!socket || !domain)
        return ih_socket_answer(-EFAULT);
    if (socket->started || strlen(domain) > IH_DOMAIN_MAX)
        return ih_socket_answer(-EINVAL);
    socket->asks_zap = true;
    (void)snprintf(socket->domain, sizeof(socket->domain), "%s", domain);
    return 0;
}

/* ---- options ---- */

static bool is_option(int option)
{
    return option > 0 && option < IH_OPTIONS;
}

int curve_set(curve_socket_t *socket, int option, int value)
{
    bool at_any_time = option == CURVE_SNDTIMEO || option == CURVE_RCVTIMEO || option == CURVE_LINGER;

    if (!socket)
        return ih_socket_answer(-EFAULT);
    if (!is_option(option) || value < ranges[option].least || value > ranges[option].most)
        return ih_socket_answer(-EINVAL);
    if (socket->started && !at_any_time)
        return ih_socket_answer(-EINVAL);
    if (option == CURVE_SNDTIMEO || option == CURVE_RCVTIMEO) {
        int error = ih_zmq_set_timeout(socket->handle, option == CURVE_SNDTIMEO, value);

        if (error)
            return ih_socket_answer(error);
    }
    socket->options[option] = value;
    if (option == CURVE_LINGER)
        atomic_store(&socket->linger, value);
    return 0;
}

int curve_get(const curve_socket_t *socket, int option)
{
    if (!socket)
        return ih_socket_answer(-EFAULT);
    if (!is_option(option))
        return ih_socket_answer(-EINVAL);
    /* -1 is a value: it is told from an error by errno. */
    errno = 0;
    return socket->options[option];
}

int curve_set_meta(curve_socket_t *socket, const char *name, const char *value)
{
    uint8_t *metadata = NULL;
    size_t room;

    if (!socket || !name || !value)
        return ih_socket_answer(-EFAULT);
    if (socket->started || strlen(name) == 0 || strlen(name) > 255 || socket->properties == IH_PROPERTIES_MAX ||
        strcasecmp(name, IH_CLAIM_NAME) == 0)
        return ih_socket_answer(-EINVAL);
    room = ih_metadata_room(name, strlen(value));
    if (room > CURVE_METADATA_MAX / 2 - socket->metadata_size)
        return ih_socket_answer(-EINVAL);
    metadata = realloc(socket->metadata, socket->metadata_size + room);
    if (!metadata)
        return ih_socket_answer(-ENOMEM);
    socket->metadata = metadata;
    (void)ih_metadata_put(metadata + socket->metadata_size, name, value, strlen(value));
    if (ih_metadata_check(metadata, socket->metadata_size + room) != 0)
        return ih_socket_answer(-EINVAL);
    socket->metadata_size += room;
    socket->properties++;
    return 0;
}

int curve_peer_meta(curve_socket_t *socket, const void *id, size_t id_size, const char *name, void *value, size_t size)
{
    struct ih_command command = {
        .type = IH_COMMAND_META, .id = {id, id_size}, .name = name, .value = value, .room = size};
    int error;

    if (!socket || !name || (!id && id_size) || (!value && size))
        return ih_socket_answer(-EFAULT);
    if (!socket->started)
        return ih_socket_answer(-EHOSTUNREACH);
    error = ih_socket_command(socket, &command);
    return ih_socket_answer(error ? error : (int)command.size);
}

int curve_set_hop_key(curve_socket_t *socket, const uint8_t *hop_key)
{
    if (!socket || !hop_key)
        return ih_socket_answer(-EFAULT);
    if (socket->started || socket->hop)
        return ih_socket_answer(-EINVAL);
    memcpy(socket->hop_key, hop_key, CURVE_KEY_SIZE);
    socket->has_hop_key = true;
    return ih_socket_answer(ih_zmq_has_hop() ? 0 : -ENOTSUP);
}

int curve_set_hop_cert(curve_socket_t *socket, const curve_cert_t *hop)
{
    if (!socket || !hop)
        return ih_socket_answer(-EFAULT);
    if (socket->started || socket->has_hop_key || socket->hop || !curve_cert_secret_key(hop))
        return ih_socket_answer(-EINVAL);
    if (!ih_zmq_has_hop())
        return ih_socket_answer(-ENOTSUP);
    socket->hop = curve_cert_dup(hop);
    return ih_socket_answer(socket->hop ? 0 : -errno);
}
