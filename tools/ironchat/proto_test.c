/* SPDX-License-Identifier: ISC */
/* The chat's messages: each kind there and back, and every bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "ironchat/proto.h"

static uint8_t keys[CHAT_MEMBERS_MAX * CHAT_KEY_SIZE];

static struct chat_msg sample(enum chat_kind kind)
{
    struct chat_msg msg = {.kind = kind, .to_room = kind == CHAT_TEXT, .state = 1, .text = "hello", .size = 5};

    memset(msg.id, kind == CHAT_PRESENCE ? 0 : 7, sizeof msg.id);
    if (kind == CHAT_PRESENCE || kind >= CHAT_OFFER)
        msg.number = 0x0102030405;
    if (kind == CHAT_ROOM) {
        msg.revision = 3;
        msg.owner = 1;
        msg.count = 3;
        msg.keys = keys;
    }
    if (kind == CHAT_OFFER)
        memset(msg.hash, 9, sizeof msg.hash);
    return msg;
}

static bool has_text(enum chat_kind kind)
{
    return kind == CHAT_TEXT || kind == CHAT_ROOM || kind == CHAT_OFFER || kind == CHAT_CHUNK;
}

static bool has_state(enum chat_kind kind)
{
    return kind == CHAT_PRESENCE || kind == CHAT_MEMBER || kind == CHAT_END;
}

static void reads_what_it_writes(void **state)
{
    (void)state;
    for (enum chat_kind kind = CHAT_TEXT; kind <= CHAT_END; kind++) {
        struct chat_msg msg = sample(kind), read;
        uint8_t octets[CHAT_MSG_MAX];
        int size = chat_msg_write(octets, sizeof octets, &msg);

        assert_true(size > 2);
        assert_int_equal(chat_msg_parse(&read, octets, (size_t)size), 0);
        assert_int_equal(read.kind, kind);
        assert_int_equal(read.number, kind == CHAT_END ? 0 : msg.number);
        assert_memory_equal(read.id, msg.id, sizeof msg.id);
        assert_memory_equal(read.hash, msg.hash, sizeof msg.hash);
        assert_int_equal(read.state, has_state(kind) ? 1 : 0);
        assert_int_equal(read.size, has_text(kind) ? 5 : 0);
        if (has_text(kind))
            assert_memory_equal(read.text, "hello", 5);
        assert_int_equal(read.count, msg.count);
        assert_int_equal(read.owner, msg.owner);
        assert_int_equal(read.revision, msg.revision);
        if (kind == CHAT_ROOM)
            assert_memory_equal(read.keys, keys, (size_t)3 * CHAT_KEY_SIZE);
    }
}

/* A chunk's octets reach to the end, so it alone may be cut or grow and still be one. */
static void refuses_what_is_cut_or_longer(void **state)
{
    (void)state;
    for (enum chat_kind kind = CHAT_TEXT; kind <= CHAT_END; kind++) {
        struct chat_msg msg = sample(kind), read;
        uint8_t octets[CHAT_MSG_MAX];
        int size = chat_msg_write(octets, sizeof octets, &msg);

        if (kind == CHAT_CHUNK)
            size -= 5;
        octets[size] = 0;
        for (int cut = 0; cut <= size; cut++)
            assert_int_equal(chat_msg_parse(&read, octets, (size_t)cut),
                             cut < size || kind == CHAT_CHUNK ? -EINVAL : 0);
        if (kind != CHAT_CHUNK)
            assert_int_equal(chat_msg_parse(&read, octets, (size_t)size + 1), -EINVAL);
    }
}

static void refuses_other_versions_and_kinds(void **state)
{
    struct chat_msg read;

    (void)state;
    assert_int_equal(chat_msg_parse(&read, (const uint8_t *)"\2\1\0\0\1a", 6), -EPROTONOSUPPORT);
    assert_int_equal(chat_msg_parse(&read, (const uint8_t *)"\1\11\0\0\1a", 6), -EPROTONOSUPPORT);
    assert_int_equal(chat_msg_parse(&read, (const uint8_t *)"\1\0\0\0\1a", 6), -EPROTONOSUPPORT);
    assert_int_equal(chat_msg_parse(&read, (const uint8_t *)"\1\1\2\0\1a", 6), -EINVAL);
    assert_int_equal(chat_msg_parse(&read, (const uint8_t *)"\1\1\0\0\1a", 6), 0);
}

static void expect_bound(struct chat_msg msg, size_t size, bool good)
{
    static const char octets[CHAT_CHUNK_MAX + 1];
    uint8_t out[CHAT_MSG_MAX + 1];

    msg.text = octets;
    msg.size = size;
    assert_int_equal(chat_msg_write(out, sizeof out, &msg) > 0, good);
}

static void keeps_bounds(void **state)
{
    struct chat_msg msg = sample(CHAT_CHUNK);

    (void)state;
    expect_bound(sample(CHAT_TEXT), 0, false);
    expect_bound(sample(CHAT_TEXT), CHAT_TEXT_MAX, true);
    expect_bound(sample(CHAT_TEXT), CHAT_TEXT_MAX + 1, false);
    expect_bound(sample(CHAT_ROOM), CHAT_NAME_SIZE, false);
    expect_bound(sample(CHAT_OFFER), CHAT_FILENAME_MAX + 1, false);
    expect_bound(sample(CHAT_CHUNK), CHAT_CHUNK_MAX, true);
    expect_bound(sample(CHAT_CHUNK), CHAT_CHUNK_MAX + 1, false);
    msg.number = UINT64_MAX;
    expect_bound(msg, 1, false);
    msg.number = CHAT_FILE_MAX;
    expect_bound(msg, 1, false);
    msg.number = CHAT_FILE_MAX - 1;
    expect_bound(msg, 1, true);
}

static void members_are_a_set(void **state)
{
    struct chat_msg msg = sample(CHAT_ROOM);
    uint8_t out[CHAT_MSG_MAX], twice[2 * CHAT_KEY_SIZE] = {0};

    (void)state;
    msg.owner = 3;
    assert_int_equal(chat_msg_write(out, sizeof out, &msg), -EINVAL);
    msg = sample(CHAT_ROOM);
    msg.count = CHAT_MEMBERS_MAX;
    assert_true(chat_msg_write(out, sizeof out, &msg) > 0);
    msg.count = 1;
    msg.owner = 0;
    assert_int_equal(chat_msg_write(out, sizeof out, &msg), -EINVAL);
    msg.count = 2;
    msg.keys = twice;
    assert_int_equal(chat_msg_write(out, sizeof out, &msg), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_it_writes),
        cmocka_unit_test(refuses_what_is_cut_or_longer),
        cmocka_unit_test(refuses_other_versions_and_kinds),
        cmocka_unit_test(keeps_bounds),
        cmocka_unit_test(members_are_a_set),
    };

    for (int i = 0; i < CHAT_MEMBERS_MAX; i++)
        keys[(size_t)i * CHAT_KEY_SIZE] = (uint8_t)i;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
