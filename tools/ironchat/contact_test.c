/* SPDX-License-Identifier: ISC */
/* Keys as text, contact strings, safety numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "ironchat/contact.h"

static struct chat_card sample(void)
{
    struct chat_card card = {.name = "J\xc3\xbcrgen", .relay = "tcp://127.0.0.1:5555", .has_hop = true};

    memset(card.key, 0x5a, sizeof card.key);
    memset(card.hop, 0xff, sizeof card.hop);
    return card;
}

static void writes_what_it_reads(void **state)
{
    struct chat_card card = sample(), read;
    char text[CHAT_CARD_SIZE];

    (void)state;
    chat_card_write(text, &card);
    assert_memory_equal(text,
                        "ironchat:1,J%C3%BCrgen,WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo,tcp://127.0.0.1:5555,", 87);
    assert_int_equal(chat_card_parse(&read, text), 0);
    assert_string_equal(read.name, card.name);
    assert_memory_equal(read.key, card.key, sizeof card.key);
    assert_string_equal(read.relay, card.relay);
    assert_true(read.has_hop);
    assert_memory_equal(read.hop, card.hop, sizeof card.hop);
}

static void needs_no_relay(void **state)
{
    struct chat_card card = sample(), read;
    char text[CHAT_CARD_SIZE];

    (void)state;
    card.relay[0] = '\0';
    card.has_hop = false;
    chat_card_write(text, &card);
    assert_int_equal(chat_card_parse(&read, text), 0);
    assert_false(read.has_hop);
    assert_string_equal(read.relay, "");
}

static void notices_every_slip(void **state)
{
    struct chat_card card = sample(), read;
    char text[CHAT_CARD_SIZE];
    size_t length;

    (void)state;
    chat_card_write(text, &card);
    length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        char kept = text[i];

        text[i] = kept == 'q' ? 'r' : 'q';
        assert_true(chat_card_parse(&read, text) < 0);
        text[i] = '\0';
        assert_true(chat_card_parse(&read, text) < 0);
        text[i] = kept;
    }
    assert_int_equal(chat_card_parse(&read, text), 0);
    text[length] = 'x';
    text[length + 1] = '\0';
    assert_int_equal(chat_card_parse(&read, text), -EBADMSG);
    assert_int_equal(chat_card_parse(&read, "ironchat:2,whatever"), -EPROTONOSUPPORT);
    assert_int_equal(chat_card_parse(&read, "hello"), -EINVAL);
}

/* Whoever makes a contact string makes its checksum too. */
static void refuses_hostile_names(void **state)
{
    static const char *const names[] = {"", "../x", "a b", "\x1b[31m", "\xe2\x80\xae", "#x"};
    struct chat_card card = sample(), read;
    char text[CHAT_CARD_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        memset(card.name, 0, sizeof card.name);
        memcpy(card.name, names[i], strlen(names[i]));
        chat_card_write(text, &card);
        assert_int_equal(chat_card_parse(&read, text), -EINVAL);
    }
    card = sample();
    memcpy(card.relay, "tcp://\x1b", 8);
    chat_card_write(text, &card);
    assert_int_equal(chat_card_parse(&read, text), -EINVAL);
}

static void the_longest_card_fits(void **state)
{
    struct chat_card card = sample(), read;
    char text[CHAT_CARD_SIZE];

    (void)state;
    memset(card.name, 0, sizeof card.name);
    for (size_t i = 0; i < 16; i++)
        memcpy(card.name + 4 * i, "\xf0\x9f\x98\x80", 4);
    memset(card.relay, '"', sizeof card.relay - 1);
    memcpy(card.relay, "ipc://", 6);
    card.relay[sizeof card.relay - 1] = '\0';
    chat_card_write(text, &card);
    assert_int_equal(chat_card_parse(&read, text), 0);
}

static void keys_have_one_spelling(void **state)
{
    uint8_t key[CHAT_KEY_SIZE];

    (void)state;
    assert_int_equal(chat_key_parse(key, "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlo"), 0);
    assert_int_equal(chat_key_parse(key, "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlp"),
                     -EINVAL); /* bits behind the end */
    assert_int_equal(chat_key_parse(key, "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWl"), -EINVAL);
    assert_int_equal(chat_key_parse(key, "WlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaW o"), -EINVAL);
}

static void safety_numbers_agree(void **state)
{
    uint8_t a[CHAT_KEY_SIZE] = {1}, b[CHAT_KEY_SIZE] = {2}, c[CHAT_KEY_SIZE] = {3};
    char ab[CHAT_SAFETY_SIZE], ba[CHAT_SAFETY_SIZE], ac[CHAT_SAFETY_SIZE];

    (void)state;
    chat_safety_number(ab, a, b);
    chat_safety_number(ba, b, a);
    chat_safety_number(ac, a, c);
    assert_string_equal(ab, ba);
    assert_string_not_equal(ab, ac);
    assert_int_equal(strlen(ab), 47);
    assert_int_equal(strspn(ab, "0123456789 "), 47);
}

static int utf8(void **state)
{
    (void)state;
    return chat_text_locale() ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_what_it_reads),  cmocka_unit_test(needs_no_relay),
        cmocka_unit_test(notices_every_slip),    cmocka_unit_test(refuses_hostile_names),
        cmocka_unit_test(the_longest_card_fits), cmocka_unit_test(keys_have_one_spelling),
        cmocka_unit_test(safety_numbers_agree),
    };

    return cmocka_run_group_tests(tests, utf8, NULL);
}
