/* SPDX-License-Identifier: ISC */
/* The helpers of relay.h. */
#include "relay.h"

#include <string.h>

enum { GREETING = 64, GREETINGS = 2 };

void relay_open(struct relay *relay, struct world *world, int mechanism)
{
    arena_open(&relay->arena, world, mechanism, true, NULL);
    relay->client = open_socket(world, ZMQ_DEALER);
    secure_client(relay->client, mechanism);
    set_bytes(relay->client, ZMQ_ROUTING_ID, "middle", 6);
    set_int(relay->client, ZMQ_RECONNECT_IVL, -1);
    set_int(relay->client, ZMQ_IMMEDIATE, 1);
    relay->monitor =
        watch(world, relay->client, HANDSHAKE_FAILED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED);
    relay->listener = listen_apart(world, relay->endpoint);
}

void relay_connect(struct relay *relay)
{
    assert_ok(zmq_connect(relay->client, relay->endpoint));
    relay->to_client = raw_accept(relay->arena.world, relay->listener);
    relay->to_server = raw_connect(relay->arena.world, relay->arena.endpoint);
}

void relay_close(struct relay *relay)
{
    drop_fd(relay->arena.world, relay->to_client);
    drop_fd(relay->arena.world, relay->to_server);
    await_event(relay->monitor, ZMQ_EVENT_DISCONNECTED);
    await_event(relay->arena.monitor, ZMQ_EVENT_DISCONNECTED);
    assert_ok(zmq_disconnect(relay->client, relay->endpoint));
}

int relay_steps(const struct relay *relay)
{
    return relay->arena.mechanism == ZMQ_NULL ? GREETINGS + 2 : GREETINGS + 4;
}

bool relay_from_client(int step)
{
    return step % 2 == 0;
}

void relay_read_frame(int fd, struct octets *frame)
{
    size_t head, size = 0;

    raw_read(fd, frame->data, 2);
    head = frame->data[0] & FRAME_LONG ? 9 : 2;
    raw_read(fd, frame->data + 2, head - 2);
    for (size_t i = 1; i < head; i++)
        size = size << 8 | frame->data[i];
    assert_true(size <= sizeof frame->data - head);
    raw_read(fd, frame->data + head, size);
    frame->size = head + size;
}

void relay_read(struct relay *relay, int step, struct octets *piece)
{
    const int fd = relay_from_client(step) ? relay->to_client : relay->to_server;

    if (step >= GREETINGS) {
        relay_read_frame(fd, piece);
        return;
    }
    raw_read(fd, piece->data, GREETING);
    piece->size = GREETING;
}

void relay_write(struct relay *relay, int step, const struct octets *piece)
{
    wire_send(relay_from_client(step) ? relay->to_server : relay->to_client, piece);
}

void relay_pass(struct relay *relay, int steps)
{
    struct octets piece;

    for (int step = 0; step < steps; step++) {
        relay_read(relay, step, &piece);
        relay_write(relay, step, &piece);
    }
}

void relay_join(struct relay *relay)
{
    relay_connect(relay);
    relay_pass(relay, relay_steps(relay));
    assert_int_equal(next_event(relay->monitor).kind, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    assert_int_equal(next_event(relay->arena.monitor).kind, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
}
