/* SPDX-License-Identifier: ISC */
/* The ZMTP peer of wire.h. */
#include "wire.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void put_bytes(struct octets *out, const void *data, size_t size)
{
    assert_true(size <= sizeof out->data - out->size);
    if (size > 0)
        memcpy(out->data + out->size, data, size);
    out->size += size;
}

static void put_octet(struct octets *out, int octet)
{
    const uint8_t value = (uint8_t)octet;
    put_bytes(out, &value, 1);
}

static void put_number(struct octets *out, uint64_t number, int octets)
{
    for (int shift = (octets - 1) * 8; shift >= 0; shift -= 8)
        put_octet(out, (int)(number >> shift & 0xff));
}

void put_long_header(struct octets *out, int flags, uint64_t size)
{
    put_octet(out, flags | FRAME_LONG);
    put_number(out, size, 8);
}

void put_frame(struct octets *out, int flags, const void *body, size_t size)
{
    if (size > 255) {
        put_long_header(out, flags, size);
    } else {
        put_octet(out, flags);
        put_octet(out, (int)size);
    }
    put_bytes(out, body, size);
}

void put_command(struct octets *out, const char *name, const void *data, size_t size)
{
    struct octets body = {.size = 0};
    put_octet(&body, (int)strlen(name));
    put_bytes(&body, name, strlen(name));
    put_bytes(&body, data, size);
    put_frame(out, FRAME_COMMAND, body.data, body.size);
}

void put_property(struct octets *out, const char *name, const void *value, size_t size)
{
    put_octet(out, (int)strlen(name));
    put_bytes(out, name, strlen(name));
    put_number(out, size, 4);
    put_bytes(out, value, size);
}

void put_metadata_command(struct octets *out, const char *name, const char *socket_type, const struct octets *more)
{
    struct octets metadata = {.size = 0};
    put_property(&metadata, "Socket-Type", socket_type, strlen(socket_type));
    if (more)
        put_bytes(&metadata, more->data, more->size);
    put_command(out, name, metadata.data, metadata.size);
}

/* RFC 37: greeting = signature version mechanism as-server filler. */
void put_greeting(struct octets *out, const char *mechanism, int major, int minor)
{
    uint8_t greeting[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, (uint8_t)major, (uint8_t)minor};
    assert_true(strlen(mechanism) <= 20);
    memcpy(greeting + 12, mechanism, strlen(mechanism));
    put_bytes(out, greeting, sizeof greeting);
}

void wire_send(int fd, const struct octets *out)
{
    raw_write(fd, out->data, out->size);
}

void wire_send_frame(int fd, int flags, const void *body, size_t size)
{
    struct octets out = {.size = 0};
    put_frame(&out, flags, body, size);
    wire_send(fd, &out);
}

void wire_send_str(int fd, const char *text)
{
    wire_send_frame(fd, 0, text, strlen(text));
}

void wire_send_command(int fd, const char *name, const void *data, size_t size)
{
    struct octets out = {.size = 0};
    put_command(&out, name, data, size);
    wire_send(fd, &out);
}

int wire_read_frame(int fd, struct octets *body)
{
    uint8_t flags;
    uint8_t size[8] = {0};
    raw_read(fd, &flags, 1);
    raw_read(fd, flags & FRAME_LONG ? size : size + 7, flags & FRAME_LONG ? 8 : 1);
    uint64_t total = 0;
    for (int i = 0; i < 8; i++)
        total = total << 8 | size[i];
    assert_true(total <= sizeof body->data);
    body->size = (size_t)total;
    raw_read(fd, body->data, body->size);
    return flags & ~FRAME_LONG;
}

void wire_expect_frame(int fd, int flags, const void *body, size_t size)
{
    struct octets got;
    assert_int_equal(wire_read_frame(fd, &got), flags);
    assert_int_equal(got.size, size);
    if (size > 0)
        assert_memory_equal(got.data, body, size);
}

void wire_expect_str(int fd, const char *text)
{
    wire_expect_frame(fd, 0, text, strlen(text));
}

void wire_expect_command(int fd, const char *name, const void *data, size_t size)
{
    struct octets body = {.size = 0};
    put_octet(&body, (int)strlen(name));
    put_bytes(&body, name, strlen(name));
    put_bytes(&body, data, size);
    wire_expect_frame(fd, FRAME_COMMAND, body.data, body.size);
}

void wire_expect_greeting(int fd, const char *mechanism)
{
    uint8_t greeting[64];
    uint8_t name[20] = {0};
    raw_read(fd, greeting, sizeof greeting);
    memcpy(name, mechanism, strlen(mechanism));
    assert_int_equal(greeting[0], 0xff);
    assert_int_equal(greeting[9], 0x7f);
    assert_int_equal(greeting[10], 3);
    assert_int_equal(greeting[11], 1);
    assert_memory_equal(greeting + 12, name, sizeof name);
}

void wire_expect_metadata(int fd, const char *name, const char *socket_type, struct octets *rest)
{
    struct octets body;
    struct octets head = {.size = 0};
    assert_int_equal(wire_read_frame(fd, &body), FRAME_COMMAND);
    put_octet(&head, (int)strlen(name));
    put_bytes(&head, name, strlen(name));
    put_property(&head, "Socket-Type", socket_type, strlen(socket_type));
    assert_true(body.size >= head.size);
    assert_memory_equal(body.data, head.data, head.size);
    if (rest) {
        rest->size = 0;
        put_bytes(rest, body.data + head.size, body.size - head.size);
    }
}

void wire_handshake(int fd, const char *socket_type, const char *library_type, int minor)
{
    struct octets out = {.size = 0};
    put_greeting(&out, "NULL", 3, minor);
    put_metadata_command(&out, "READY", socket_type, NULL);
    wire_send(fd, &out);
    wire_expect_greeting(fd, "NULL");
    wire_expect_metadata(fd, "READY", library_type, NULL);
}

int wire_join(struct world *world, const char *endpoint, const char *socket_type, const char *library_type)
{
    const int fd = raw_connect(world, endpoint);
    wire_handshake(fd, socket_type, library_type, 1);
    return fd;
}

void wire_close(struct world *world, int fd)
{
    for (size_t i = 0; i < world->fd_count; i++)
        if (world->fds[i] == fd) {
            world->fds[i] = world->fds[--world->fd_count];
            close(fd);
            return;
        }
    fail_msg("wire_close: not a descriptor of this world");
}

void give_up_early(void *socket)
{
    set_int(socket, ZMQ_HANDSHAKE_IVL, 1500);
}

struct event await_refusal(void *monitor)
{
    struct event reason = {.kind = 0};
    for (;;) {
        const struct event event =
            await_event(monitor, HANDSHAKE_FAILED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED);
        assert_int_not_equal(event.kind, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
        if (event.kind == ZMQ_EVENT_DISCONNECTED)
            return reason;
        if (!reason.kind)
            reason = event;
    }
}

void expect_protocol_error(void *monitor, uint32_t error)
{
    const struct event reason = await_refusal(monitor);
    assert_int_equal(reason.kind, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL);
    if (reason.value != error)
        print_error("protocol error 0x%x, expected 0x%x\n", (unsigned)reason.value, (unsigned)error);
    assert_int_equal(reason.value, error);
}

struct wire_scene wire_open_scene(struct world *world)
{
    struct wire_scene scene = {.socket = open_socket(world, ZMQ_DEALER)};
    give_up_early(scene.socket);
    scene.monitor = watch(world, scene.socket, ZMQ_EVENT_ALL);
    bind_any(world, scene.socket, "tcp", scene.endpoint);
    scene.witness = wire_join(world, scene.endpoint, "DEALER", "DEALER");
    assert_int_equal(await_event(scene.monitor, OUTCOME).kind, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    return scene;
}

void wire_expect_undisturbed(const struct wire_scene *scene)
{
    wire_send_str(scene->witness, "still here");
    expect_str(scene->socket, "still here");
    expect_nothing(scene->socket);
}

void wire_expect_refused(const struct wire_scene *scene, int fd)
{
    await_refusal(scene->monitor);
    raw_expect_close(fd);
    wire_expect_undisturbed(scene);
}

int wire_join_scene(struct world *world, const struct wire_scene *scene)
{
    const int fd = wire_join(world, scene->endpoint, "DEALER", "DEALER");
    assert_int_equal(await_event(scene->monitor, OUTCOME).kind, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    return fd;
}

void wire_expect_dropped(const struct wire_scene *scene, int fd)
{
    raw_expect_close(fd);
    await_event(scene->monitor, ZMQ_EVENT_DISCONNECTED);
    wire_expect_undisturbed(scene);
}
