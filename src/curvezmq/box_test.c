/* SPDX-License-Identifier: ISC */
/* The message box against libsodium's crypto_box, and against NaCl's published example. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <sodium.h>

#include "curvezmq/box.h"

enum { LARGEST = 70000, GUARD = 0x5a };

static uint8_t text[LARGEST];
static uint8_t expected[LARGEST + 16];
static uint8_t area[LARGEST + 2048];
static uint8_t shared[IH_CURVE_KEY];
static uint8_t subkey[IH_CURVE_KEY];
static const char prefix[] = "CurveZMQMESSAGEC";
static const uint64_t counter = 0x0102030405060708;

static int setup(void **state)
{
    (void)state;
    assert_true(sodium_init() >= 0);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 131 + (i >> 8));
    for (size_t i = 0; i < sizeof shared; i++)
        shared[i] = (uint8_t)(200 - i);
    ih_box_subkey(subkey, shared, prefix);
    return 0;
}

/* What crypto_box makes of the first size octets of text: tag, then sealed text. */
static void by_libsodium(size_t size)
{
    uint8_t nonce[24];

    memcpy(nonce, prefix, 16);
    ih_curve_put_nonce(nonce + 16, counter);
    assert_int_equal(crypto_box_easy_afternm(expected, text, size, nonce, shared), 0);
}

static size_t next_size(size_t size)
{
    return size < 1700 ? size + 1 : size + 1 + size / 3;
}

static void seals_as_crypto_box(void **state)
{
    uint8_t *place = area + 64;
    uint8_t tag[16];

    (void)state;
    for (size_t size = 1; size <= LARGEST; size = next_size(size)) {
        by_libsodium(size);
        memset(area, GUARD, sizeof area);
        memcpy(place, text, size);
        ih_box_seal(subkey, counter, place, size, tag);
        assert_memory_equal(tag, expected, 16);
        assert_memory_equal(place, expected + 16, size);
        /* It keeps to the room that it was given. */
        assert_int_equal(place[-IH_BOX_ROOM - 1], GUARD);
        assert_int_equal(place[size + IH_BOX_SPARE], GUARD);
    }
}

static void tag_may_be_in_the_room(void **state)
{
    uint8_t *place = area + 64;

    (void)state;
    for (size_t size = 1; size < 600; size++) {
        by_libsodium(size);
        memcpy(place, text, size);
        ih_box_seal(subkey, counter, place, size, place - 16);
        assert_memory_equal(place - 16, expected, 16 + size);
    }
}

static void seals_parts(void **state)
{
    uint8_t head[IH_BOX_HEAD];
    uint8_t tag[16];
    size_t head_size = 1;

    (void)state;
    for (size_t size = 1; size <= LARGEST; size = next_size(size)) {
        head_size = head_size % IH_BOX_HEAD + 1;
        if (size < head_size)
            continue;
        by_libsodium(size);
        /* To another place: what is there is left alone. */
        memset(area, GUARD, size + 1);
        memcpy(head, text, head_size);
        ih_box_seal_parts(subkey, counter, head, head_size, text + head_size, size - head_size, area, tag);
        assert_memory_equal(tag, expected, 16);
        assert_memory_equal(head, expected + 16, head_size);
        assert_memory_equal(area, expected + 16 + head_size, size - head_size);
        assert_int_equal(area[size - head_size], GUARD);
        /* In place. */
        memcpy(head, text, head_size);
        memcpy(area, text + head_size, size - head_size);
        ih_box_seal_parts(subkey, counter, head, head_size, area, size - head_size, area, tag);
        assert_memory_equal(tag, expected, 16);
        assert_memory_equal(area, expected + 16 + head_size, size - head_size);
        assert_int_equal(area[size - head_size], GUARD);
    }
}

static void opens_what_crypto_box_sealed(void **state)
{
    uint8_t head;

    (void)state;
    for (size_t size = 1; size <= LARGEST; size = next_size(size)) {
        by_libsodium(size);
        memset(area, GUARD, size);
        assert_int_equal(ih_box_open(subkey, counter, expected, expected + 16, size, &head, area), 0);
        assert_int_equal(head, text[0]);
        assert_memory_equal(area, text + 1, size - 1);
        assert_int_equal(area[size - 1], GUARD);
        /* In place. */
        assert_int_equal(ih_box_open(subkey, counter, expected, expected + 16, size, &head, expected + 17), 0);
        assert_memory_equal(expected + 17, text + 1, size - 1);
    }
}

static void altered_box_delivers_nothing(void **state)
{
    static const size_t sizes[] = {1, 2, 17, 32, 33, 64, 65, 300, 480, 481, 700, 1057};

    (void)state;
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        size_t size = sizes[k];
        uint8_t head = GUARD;

        by_libsodium(size);
        memset(area, GUARD, size);
        for (size_t i = 0; i < 16 + size; i++) {
            expected[i] ^= 1;
            assert_int_equal(ih_box_open(subkey, counter, expected, expected + 16, size, &head, area), -EBADMSG);
            expected[i] ^= 1;
        }
        assert_int_equal(ih_box_open(subkey, counter + 1, expected, expected + 16, size, &head, area), -EBADMSG);
        assert_int_equal(head, GUARD);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(area[i], GUARD);
    }
}

/* D. J. Bernstein, "Cryptography in NaCl", section 10. */
static void known_answer(void **state)
{
    static const char key_hex[] = "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389";
    static const char nonce_hex[] = "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37";
    static const char text_hex[] = "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffc"
                                   "e5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb31"
                                   "0e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde"
                                   "048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f93776384864"
                                   "5e0705";
    static const char box_hex[] = "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce"
                                  "48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c972"
                                  "71d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae"
                                  "90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b3"
                                  "7973f622a43d14a6599b1f654cb45a74e355a5";
    uint8_t key[32];
    uint8_t nonce[24];
    uint8_t box[147];
    uint8_t tag[16];
    size_t size;

    (void)state;
    assert_int_equal(sodium_hex2bin(key, sizeof key, key_hex, strlen(key_hex), NULL, NULL, NULL), 0);
    assert_int_equal(sodium_hex2bin(nonce, sizeof nonce, nonce_hex, strlen(nonce_hex), NULL, NULL, NULL), 0);
    assert_int_equal(sodium_hex2bin(area + 64, 131, text_hex, strlen(text_hex), NULL, &size, NULL), 0);
    assert_int_equal(size, 131);
    assert_int_equal(sodium_hex2bin(box, sizeof box, box_hex, strlen(box_hex), NULL, &size, NULL), 0);
    assert_int_equal(size, sizeof box);
    ih_box_subkey(key, key, (const char *)nonce);
    ih_box_seal(key, ih_curve_get_nonce(nonce + 16), area + 64, 131, tag);
    assert_memory_equal(tag, box, 16);
    assert_memory_equal(area + 64, box + 16, 131);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seals_as_crypto_box),
        cmocka_unit_test(tag_may_be_in_the_room),
        cmocka_unit_test(seals_parts),
        cmocka_unit_test(opens_what_crypto_box_sealed),
        cmocka_unit_test(altered_box_delivers_nothing),
        cmocka_unit_test(known_answer),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
