/* SPDX-License-Identifier: ISC */
#include "world.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define IRONHOUSE_WEAK
#include <ironhouse.h>

/* Of each wait in a test: long enough for a machine that is busy; what hangs fails. */
enum { PATIENCE = 30000 };

/* ---- the world ---- */

int world_setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    (void)snprintf(world->folder, sizeof(world->folder), "/tmp/ironauth-test-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    world->context = zmq_ctx_new();
    assert_non_null(world->context);
    *state = world;
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

int world_teardown(void **state)
{
    struct world *world = *state;

    ironauth_stop(&world->auth);
    for (size_t i = 0; i < world->count; i++)
        (void)zmq_close(world->sockets[i]);
    if (world->context)
        (void)zmq_ctx_term(world->context);
    (void)nftw(world->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(world);
    return 0;
}

bool can_revoke(void)
{
    return ironhouse_connections != NULL;
}

/* ---- files ---- */

const char *path_of(struct world *world, const char *name)
{
    static char paths[8][PATH_ROOM];
    static unsigned next;
    char *path = paths[next++ % 8];

    (void)snprintf(path, PATH_ROOM, "%s/%s", world->folder, name);
    return path;
}

void write_file(struct world *world, const char *name, const char *format, ...)
{
    char part[PATH_ROOM];
    va_list list;
    FILE *file;

    (void)snprintf(part, sizeof(part), "%s", path_of(world, ".part"));
    file = fopen(part, "w");
    assert_non_null(file);
    va_start(list, format);
    assert_true(vfprintf(file, format, list) >= 0);
    va_end(list);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(part, 0600), 0);
    assert_int_equal(rename(part, path_of(world, name)), 0);
}

void remove_file(struct world *world, const char *name)
{
    assert_int_equal(unlink(path_of(world, name)), 0);
}

void make_folder(struct world *world, const char *name)
{
    assert_int_equal(mkdir(path_of(world, name), 0700), 0);
}

void make_cert(struct world *world, const char *folder, const char *name, uint8_t *key)
{
    curve_cert_t *cert = curve_cert_new();
    char file[128];

    assert_non_null(cert);
    assert_int_equal(curve_cert_save(cert, path_of(world, name)), 0);
    if (folder) {
        (void)snprintf(file, sizeof(file), "%s/%s", folder, name);
        assert_int_equal(rename(path_of(world, name), path_of(world, file)), 0);
    }
    memcpy(key, curve_cert_public_key(cert), 32);
    curve_cert_destroy(&cert);
}

/* ---- the authenticator ---- */

void configure(struct world *world, const char *text)
{
    char whole[8192];
    size_t size = 0;

    for (; *text; text++) {
        const char piece[2] = {*text, 0};
        int count = snprintf(whole + size, sizeof(whole) - size, "%s", *text == '$' ? world->folder : piece);

        size += (size_t)count;
        assert_true(size < sizeof(whole));
    }
    whole[size] = '\0';
    write_file(world, "ironauth.conf", "%s", whole);
}

void start(struct world *world, const char *text)
{
    if (text)
        configure(world, text);
    world->auth = ironauth_start(world->context, text ? path_of(world, "ironauth.conf") : NULL);
    if (!world->auth)
        fail_msg("ironauth_start: %s", ironauth_error());
}

static int check(struct world *world, const ironauth_request_t *request)
{
    ironauth_verdict_t verdict;

    if (ironauth_check(world->auth, request, &verdict) != 0)
        fail_msg("ironauth_check: %s", ironauth_error());
    assert_true(verdict.reason[0]);
    return verdict.status;
}

int check_null(struct world *world, const char *domain, const char *address)
{
    return check(world, &(ironauth_request_t){.domain = domain, .address = address, .mechanism = "NULL"});
}

int check_plain(struct world *world, const char *domain, const char *user, const char *password)
{
    return check(
        world, &(ironauth_request_t){
                   .domain = domain, .address = "127.0.0.1", .mechanism = "PLAIN", .user = user, .password = password});
}

int check_curve(struct world *world, const char *domain, const uint8_t *key)
{
    return check(world,
                 &(ironauth_request_t){.domain = domain, .address = "127.0.0.1", .mechanism = "CURVE", .key = key});
}

/* ---- ZAP by hand ---- */

void *open_zap(struct world *world)
{
    void *socket = open_socket(world, ZMQ_DEALER);

    set_int(socket, ZMQ_SNDHWM, 0);
    set_int(socket, ZMQ_RCVHWM, 0);
    assert_int_equal(zmq_connect(socket, ZAP), 0);
    return socket;
}

void add_frame(struct frames *frames, const void *data, size_t size)
{
    assert_true(frames->count < FRAMES_MAX && size <= FRAME_ROOM);
    memcpy(frames->frame[frames->count].data, data, size);
    frames->frame[frames->count++].size = size;
}

void add_text(struct frames *frames, const char *text)
{
    add_frame(frames, text, strlen(text));
}

void send_frames(void *socket, const struct frames *frames)
{
    for (size_t i = 0; i < frames->count; i++)
        assert_int_equal(
            zmq_send(socket, frames->frame[i].data, frames->frame[i].size, i + 1 < frames->count ? ZMQ_SNDMORE : 0),
            frames->frame[i].size);
}

void recv_frames(void *socket, struct frames *frames)
{
    int more = 1;

    for (frames->count = 0; more; frames->count++) {
        int size;

        assert_true(frames->count < FRAMES_MAX);
        size = zmq_recv(socket, frames->frame[frames->count].data, FRAME_ROOM, 0);
        assert_true(size >= 0 && size <= FRAME_ROOM);
        frames->frame[frames->count].size = (size_t)size;
        more = get_int(socket, ZMQ_RCVMORE);
    }
}

bool frame_is(const struct frames *frames, size_t index, const char *text)
{
    return index < frames->count && frames->frame[index].size == strlen(text) &&
           memcmp(frames->frame[index].data, text, strlen(text)) == 0;
}

void zap_request(struct frames *frames, const char *id, const char *domain, const char *mechanism, const void *who,
                 const char *secret)
{
    frames->count = 0;
    add_text(frames, "");
    add_text(frames, "1.0");
    add_text(frames, id);
    add_text(frames, domain);
    add_text(frames, "127.0.0.1");
    add_text(frames, "");
    add_text(frames, mechanism);
    if (who && secret) {
        add_text(frames, who);
        add_text(frames, secret);
    } else if (who) {
        add_frame(frames, who, 32);
    }
}

/* ---- sockets ---- */

void set_int(void *socket, int option, int value)
{
    assert_int_equal(zmq_setsockopt(socket, option, &value, sizeof(value)), 0);
}

void set_text(void *socket, int option, const char *value)
{
    assert_int_equal(zmq_setsockopt(socket, option, value, strlen(value)), 0);
}

int get_int(void *socket, int option)
{
    int value;
    size_t size = sizeof(value);

    assert_int_equal(zmq_getsockopt(socket, option, &value, &size), 0);
    return value;
}

void *open_socket(struct world *world, int type)
{
    void *socket = zmq_socket(world->context, type);

    assert_non_null(socket);
    assert_true(world->count < SOCKETS_MAX);
    world->sockets[world->count++] = socket;
    set_int(socket, ZMQ_LINGER, 0);
    set_int(socket, ZMQ_SNDTIMEO, PATIENCE);
    set_int(socket, ZMQ_RCVTIMEO, PATIENCE);
    return socket;
}

void bind_any(void *socket, char endpoint[256])
{
    size_t size = 256;

    assert_int_equal(zmq_bind(socket, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size), 0);
}

void *open_monitor(struct world *world, void *socket, int events)
{
    static unsigned number;
    char endpoint[64];
    void *monitor = open_socket(world, ZMQ_PAIR);

    (void)snprintf(endpoint, sizeof(endpoint), "inproc://monitor-%u", number++);
    assert_int_equal(zmq_socket_monitor(socket, endpoint, events), 0);
    assert_int_equal(zmq_connect(monitor, endpoint), 0);
    return monitor;
}

int await_event(void *monitor, int *value)
{
    struct frames frames;
    uint16_t event;
    uint32_t number;

    recv_frames(monitor, &frames);
    assert_int_equal(frames.count, 2);
    memcpy(&event, frames.frame[0].data, sizeof(event));
    memcpy(&number, frames.frame[0].data + sizeof(event), sizeof(number));
    if (value)
        *value = (int)number;
    return event;
}

int await_outcome(void *monitor)
{
    for (;;) {
        int value, event = await_event(monitor, &value);

        if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
            return 200;
        if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
            return value;
        if (event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL || event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL)
            return 0;
    }
}

void put_text(void *socket, const char *text)
{
    assert_int_equal(zmq_send(socket, text, strlen(text), 0), strlen(text));
}

void expect_text(void *socket, const char *text)
{
    char buffer[256];
    int size = zmq_recv(socket, buffer, sizeof(buffer), 0);

    assert_int_equal(size, strlen(text));
    assert_memory_equal(buffer, text, strlen(text));
}
