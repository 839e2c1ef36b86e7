/* SPDX-License-Identifier: ISC */
/* The ends of curve_peer.h. */
#include "curve_peer.h"

#include <sodium.h>
#include <string.h>

enum { TAG = 16, SHORT = 8, LONG = 16 };

static void put_zeros(struct octets *out, size_t size)
{
    static const uint8_t zeros[256];

    put_bytes(out, zeros, size);
}

static void put_short(struct octets *out, uint64_t nonce)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        put_bytes(out, &(uint8_t){(uint8_t)(nonce >> shift)}, 1);
}

static void short_nonce(uint8_t nonce[24], const char *prefix, uint64_t number)
{
    struct octets out = {.size = 0};

    put_bytes(&out, prefix, 16);
    put_short(&out, number);
    memcpy(nonce, out.data, 24);
}

static void long_nonce(uint8_t nonce[24], const char *prefix, const uint8_t *random)
{
    memcpy(nonce, prefix, 8);
    memcpy(nonce + 8, random, LONG);
}

/* Appends Box [text](to, from). */
static void put_box(struct octets *out, const void *text, size_t size, const uint8_t nonce[24], const uint8_t *to,
                    const uint8_t *from)
{
    uint8_t box[WIRE_MAX];

    assert_true(size + TAG <= sizeof box);
    assert_int_equal(crypto_box_easy(box, text, size, nonce, to, from), 0);
    put_bytes(out, box, size + TAG);
}

static void init(struct curve_peer *peer, bool server, const struct keypair *own, const struct keypair *other)
{
    memset(peer, 0, sizeof *peer);
    peer->server = server;
    memcpy(peer->own_public, own->public_key, KEY);
    memcpy(peer->own_secret, own->secret_key, KEY);
    memcpy(peer->other_public, other->public_key, KEY);
    crypto_box_keypair(peer->short_public, peer->short_secret);
    memcpy(peer->vouch, peer->short_public, KEY);
    memcpy(peer->vouch + KEY, other->public_key, KEY);
}

void curve_client_init(struct curve_peer *peer)
{
    init(peer, false, client_keys(), server_keys());
}

void curve_server_init(struct curve_peer *peer)
{
    init(peer, true, server_keys(), client_keys());
    randombytes_buf(peer->cookie, COOKIE);
}

void curve_hello(struct curve_peer *peer, struct octets *body)
{
    static const uint8_t zeros[64];
    uint8_t nonce[24];

    body->size = 0;
    put_bytes(body, "\5HELLO\1\0", 8);
    put_zeros(body, 72);
    put_bytes(body, peer->short_public, KEY);
    put_short(body, ++peer->nonce);
    short_nonce(nonce, "CurveZMQHELLO---", peer->nonce);
    put_box(body, zeros, sizeof zeros, nonce, peer->other_public, peer->short_secret);
}

void curve_take_welcome(struct curve_peer *peer, const struct octets *body)
{
    uint8_t nonce[24], text[KEY + COOKIE];

    assert_int_equal(body->size, WELCOME_SIZE);
    assert_memory_equal(body->data, "\7WELCOME", 8);
    long_nonce(nonce, "WELCOME-", body->data + 8);
    assert_int_equal(
        crypto_box_open_easy(text, body->data + 24, WELCOME_SIZE - 24, nonce, peer->other_public, peer->short_secret),
        0);
    memcpy(peer->other_short, text, KEY);
    memcpy(peer->cookie, text + KEY, COOKIE);
}

void curve_initiate(struct curve_peer *peer, const struct octets *metadata, struct octets *body)
{
    struct octets text = {.size = 0};
    uint8_t nonce[24], random[LONG];

    put_bytes(&text, peer->own_public, KEY);
    randombytes_buf(random, LONG);
    put_bytes(&text, random, LONG);
    long_nonce(nonce, "VOUCH---", random);
    put_box(&text, peer->vouch, VOUCH_TEXT, nonce, peer->other_short, peer->own_secret);
    put_bytes(&text, metadata->data, metadata->size);
    body->size = 0;
    put_bytes(body, "\x8INITIATE", 9);
    put_bytes(body, peer->cookie, COOKIE);
    put_short(body, ++peer->nonce);
    short_nonce(nonce, "CurveZMQINITIATE", peer->nonce);
    put_box(body, text.data, text.size, nonce, peer->other_short, peer->short_secret);
}

void curve_take_hello(struct curve_peer *peer, const struct octets *body)
{
    assert_int_equal(body->size, HELLO_SIZE);
    assert_memory_equal(body->data, "\5HELLO\1\0", 8);
    memcpy(peer->other_short, body->data + 80, KEY);
}

void curve_welcome(struct curve_peer *peer, struct octets *body)
{
    uint8_t nonce[24], random[LONG], text[KEY + COOKIE];

    randombytes_buf(random, LONG);
    memcpy(text, peer->short_public, KEY);
    memcpy(text + KEY, peer->cookie, COOKIE);
    long_nonce(nonce, "WELCOME-", random);
    body->size = 0;
    put_bytes(body, "\7WELCOME", 8);
    put_bytes(body, random, LONG);
    put_box(body, text, sizeof text, nonce, peer->other_short, peer->own_secret);
}

void curve_ready(struct curve_peer *peer, const struct octets *metadata, struct octets *body)
{
    uint8_t nonce[24];

    body->size = 0;
    put_bytes(body, "\5READY", 6);
    put_short(body, ++peer->nonce);
    short_nonce(nonce, "CurveZMQREADY---", peer->nonce);
    put_box(body, metadata->data, metadata->size, nonce, peer->other_short, peer->short_secret);
}

void curve_message(struct curve_peer *peer, int flags, const void *payload, size_t size, struct octets *body)
{
    struct octets text = {.size = 0};
    uint8_t nonce[24];

    put_bytes(&text, &(uint8_t){(uint8_t)flags}, 1);
    put_bytes(&text, payload, size);
    body->size = 0;
    put_bytes(body, "\7MESSAGE", 8);
    put_short(body, ++peer->nonce);
    short_nonce(nonce, peer->server ? "CurveZMQMESSAGES" : "CurveZMQMESSAGEC", peer->nonce);
    put_box(body, text.data, text.size, nonce, peer->other_short, peer->short_secret);
}

void send_body(int fd, int flags, const struct octets *body)
{
    wire_send_frame(fd, flags, body->data, body->size);
}

void curve_meet(struct curve_peer *peer, int fd)
{
    struct octets out = {.size = 0}, body;

    put_greeting(&out, "CURVE", 3, 1);
    out.data[32] = peer->server;
    wire_send(fd, &out);
    wire_expect_greeting(fd, "CURVE");
    if (!peer->server) {
        curve_hello(peer, &body);
        send_body(fd, FRAME_COMMAND, &body);
        assert_int_equal(wire_read_frame(fd, &body), FRAME_COMMAND);
        curve_take_welcome(peer, &body);
        return;
    }
    assert_int_equal(wire_read_frame(fd, &body), FRAME_COMMAND);
    curve_take_hello(peer, &body);
    curve_welcome(peer, &body);
    send_body(fd, FRAME_COMMAND, &body);
    assert_int_equal(wire_read_frame(fd, &body), FRAME_COMMAND);
    assert_memory_equal(body.data, "\x8INITIATE", 9);
}

void curve_join(struct curve_peer *peer, int fd, const char *socket_type)
{
    struct octets metadata = {.size = 0}, body;

    curve_meet(peer, fd);
    put_property(&metadata, "Socket-Type", socket_type, strlen(socket_type));
    if (peer->server)
        curve_ready(peer, &metadata, &body);
    else
        curve_initiate(peer, &metadata, &body);
    send_body(fd, FRAME_COMMAND, &body);
    if (!peer->server) {
        assert_int_equal(wire_read_frame(fd, &body), FRAME_COMMAND);
        assert_memory_equal(body.data, "\5READY", 6);
    }
}
