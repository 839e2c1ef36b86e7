/* SPDX-License-Identifier: ISC */
/* Participants that talk, without a network: texts, marks, presence, contacts, strangers, rooms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "ironchat/state.h"
#include "ironchat/world.h"

static struct world world;
static struct person *const alice = &world.people[0], *const bob = &world.people[1], *const carol = &world.people[2],
                            *const mallory = &world.people[3];

static void see_each_other(void **state)
{
    (void)state;
    assert_true(world_told(alice, "here", "bob\tunverified\t-\t-\t-\t-"));
    assert_true(world_told(alice, "here", "carol\tunverified\t-\t-\t-\t-"));
    assert_true(world_told(carol, "here", "alice\tunverified\t-\t-\t-\t-"));
    assert_int_equal(chat_count_here(alice->chat), 2);
}

static void talk_and_know_what_arrived(void **state)
{
    (void)state;
    world_say(alice, "/msg bob hello there");
    assert_true(world_told(alice, "sent", "bob\tunverified\t-\t1\t0/1\thello there"));
    assert_true(chat_busy(alice->chat));
    world_run(&world);
    assert_true(world_told(bob, "message", "alice\tunverified\t-\t-\t-\thello there"));
    assert_true(world_told(alice, "delivered", "\t1\t1/1\t-"));
    assert_false(chat_missed(alice->chat));
    assert_false(world_told(carol, "message", "hello there"));
    assert_false(chat_busy(alice->chat));
}

static void say_it_to_whom_they_chose(void **state)
{
    (void)state;
    world_say(alice, "hello");
    assert_true(world_told(alice, "error", "/to NAME or /to #ROOM says it for what follows"));
    world_say(alice, "/to bob");
    world_say(alice, "hello");
    world_say(alice, "/msg nobody x");
    world_say(alice, "/nonsense");
    world_run(&world);
    assert_true(world_told(bob, "message", "hello"));
    assert_true(world_told(alice, "error", "nobody is no contact; /who lists them"));
    assert_true(world_told(alice, "error", "/nonsense is no command; /help lists them"));
}

static void show_nothing_dangerous(void **state)
{
    static const struct chat_msg msg = {.kind = CHAT_TEXT, .text = "\x1b]0;x\x07 a\n\xe2\x80\xae", .size = 12};
    uint8_t octets[100];
    int size = chat_msg_write(octets, sizeof octets, &msg);

    (void)state;
    assert_true(size > 0);
    chat_message(bob->chat, alice->card.key, octets, (size_t)size);
    assert_true(world_told(bob, "message", "\xef\xbf\xbd]0;x\xef\xbf\xbd a \xef\xbf\xbd"));
}

static void hear_no_stranger(void **state)
{
    (void)state;
    world_say(mallory, "/msg bob let me in");
    world_run(&world);
    assert_false(world_told(bob, "message", "let me in"));
    assert_true(world_told(bob, "stranger", "\tBAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    assert_false(world_told(mallory, "here", "bob\tunverified\t-\t-\t-\t-"));
    world_say(bob, "/add mallory BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    world_run(&world);
    assert_true(world_told(mallory, "here", "bob\tunverified\t-\t-\t-\t-"));
}

/* From a screen that cut the contact string into rows. And who is the only contact is who one talks to. */
static void add_by_what_was_pasted(void **state)
{
    struct chat_card card = {.name = "mallory", .key = {4}, .relay = "tcp://127.0.0.1:7447"};
    char text[CHAT_CARD_SIZE], line[CHAT_CARD_SIZE + 32];

    (void)state;
    chat_card_write(text, &card);
    world_say(carol, "/remove alice");
    world_say(carol, "/remove bob");
    (void)snprintf(line, sizeof line, "/add %.20s  %.20s %s", text, text + 20, text + 40);
    world_say(carol, line);
    assert_true(world_told(carol, "info", "mallory is a contact now, unverified: /verify mallory"));
    assert_string_equal(chat_target(carol->chat), "mallory");
    world_say(bob, "/add mallory x y");
    assert_true(world_told(bob, "error", "that is no name and key"));
    (void)snprintf(line, sizeof line, "/add %s", text);
    world_say(bob, line);
    assert_string_equal(chat_target(bob->chat), "");
}

static void are_not_flooded_by_strangers(void **state)
{
    (void)state;
    for (uint8_t i = 10; i < 60; i++) {
        uint8_t key[CHAT_KEY_SIZE] = {i};

        chat_stranger(bob->chat, key);
    }
    assert_true(world_told(bob, "warning", "more strangers want in; they are refused and no longer told"));
    assert_false(world_told(bob, "stranger", "\tOwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
}

/* A relay may forge without end: what the user learns is that it does, how much, and what to do. */
static void are_not_flooded_by_forgeries(void **state)
{
    (void)state;
    world_forget(&world);
    chat_network(bob->chat, true);
    for (int i = 0; i < 500; i++)
        chat_suspect(bob->chat, alice->card.key, "altered", 1);
    chat_suspect(bob->chat, alice->card.key, "altered", 500);
    assert_int_equal(world_count(bob, "warning"), 1);
    assert_true(world_told(bob, "warning",
                           "dropped something that claims to be from alice: altered. Nothing of it counts. If it goes "
                           "on, the relay or the way to it alters what passes: leave, and use another, --relay"));
    chat_clock(bob->chat, 59000, 0);
    chat_tick(bob->chat);
    assert_int_equal(world_count(bob, "warning"), 1);
    chat_clock(bob->chat, 60000, 0);
    chat_tick(bob->chat);
    assert_true(world_told(bob, "warning", "dropped 999 more of that kind within a minute"));
    chat_clock(bob->chat, 121000, 0);
    chat_tick(bob->chat);
    chat_suspect(bob->chat, mallory->card.key, "altered", 1);
    assert_int_equal(world_count(bob, "warning"), 3); /* it was quiet for a minute: told at once */
}

/* One that never acknowledges, and says what asks for an answer: nothing of it may fill the way out. */
static void are_not_blocked_by_a_contact(void **state)
{
    struct chat_msg msg = {.kind = CHAT_TEXT, .to_room = true, .text = "x", .size = 1};
    uint8_t octets[100];
    size_t size = (size_t)chat_msg_write(octets, sizeof octets, &msg);

    (void)state;
    for (int i = 0; i < 2000; i++)
        chat_message(alice->chat, bob->card.key, octets, size);
    assert_in_range(world.count, 1, 500);
    world_say(alice, "/msg bob stop it");
    assert_true(world_told(alice, "sent", "\t1\t0/1\tstop it"));
}

static void verify_and_remove(void **state)
{
    char number[CHAT_SAFETY_SIZE];

    (void)state;
    chat_safety_number(number, alice->card.key, bob->card.key);
    world_say(alice, "/verify bob");
    world_say(bob, "/verify alice");
    assert_true(world_told(alice, "safety", number));
    assert_true(world_told(bob, "safety", number));
    world_say(alice, "/verify bob yes");
    world_say(bob, "/msg alice it is me");
    world_run(&world);
    assert_true(world_told(alice, "message", "bob\tverified\t-\t-\t-\tit is me"));
    world_say(alice, "/remove bob");
    world_say(bob, "/msg alice still me");
    world_run(&world);
    assert_false(world_told(alice, "message", "still me"));
    world_say(alice, "/msg bob x");
    assert_true(world_told(alice, "error", "bob is no contact; /who lists them"));
}

static void notice_who_goes(void **state)
{
    (void)state;
    chat_leave(bob->chat);
    world_run(&world);
    assert_true(world_told(alice, "away", "bob\tunverified\t-\t-\t-\t-"));
    world_forget(&world);
    chat_clock(alice->chat, 46000, 0);
    chat_tick(alice->chat);
    assert_true(world_told(alice, "away", "carol\tunverified\t-\t-\t-\t-"));
    world_run(&world);
    assert_true(world_told(alice, "here", "carol\tunverified\t-\t-\t-\t-"));
}

static void know_whether_the_relay_is_there(void **state)
{
    (void)state;
    world_forget(&world);
    chat_clock(alice->chat, 4999, 0);
    chat_tick(alice->chat);
    assert_int_equal(world_count(alice, "warning"), 0);
    chat_clock(alice->chat, 5000, 0);
    chat_tick(alice->chat);
    chat_tick(alice->chat);
    assert_true(world_told(alice, "warning", "no relay answers at ; what you say will be delivered when one does"));
    chat_network(alice->chat, true);
    chat_clock(alice->chat, 7000, 0);
    chat_tick(alice->chat);
    assert_true(world_told(alice, "info", "the relay is back"));
    chat_network(alice->chat, false);
    assert_true(world_told(alice, "warning", "the relay is gone; what you say will be delivered when it is back"));
    world_forget(&world);
    chat_network(alice->chat, true);
    world_say(bob, "/msg alice x");
    world_run(&world);
    assert_true(world_told(alice, "info", "the relay is back"));
    assert_int_equal(world_count(alice, "warning"), 0);
}

/* It accepts the connection and hangs up, since our key for it is wrong: neither back nor gone, again and again. */
static void are_told_of_a_relay_that_hangs_up(void **state)
{
    (void)state;
    world_forget(&world);
    for (int i = 0; i < 100; i++) {
        chat_network(alice->chat, true);
        chat_tick(alice->chat);
        chat_network(alice->chat, false);
    }
    assert_int_equal(world_count(alice, "info"), 0);
    assert_int_equal(world_count(alice, "warning"), 1);
    assert_true(world_told(alice, "warning",
                           "the relay at  hangs up: it may want the key that it prints behind its "
                           "endpoint. To set it, leave and use --relay ENDPOINT,KEY"));
}

/* The same where libcurve knows that such a connection carried nothing. */
static void are_told_of_a_relay_that_rejects(void **state)
{
    (void)state;
    world_forget(&world);
    for (int i = 0; i < 100; i++)
        chat_network_rejects(alice->chat);
    assert_int_equal(world_count(alice, "warning"), 1);
    assert_true(world_told(alice, "warning",
                           "the relay at  hangs up: it may want the key that it prints behind its "
                           "endpoint. To set it, leave and use --relay ENDPOINT,KEY"));
}

static void learn_what_was_lost(void **state)
{
    (void)state;
    world_say(alice, "/msg bob one");
    world_lose(&world, bob);
    assert_true(world_told(alice, "undelivered", "bob\tunverified\t-\t1\t-\t-"));
    assert_true(chat_missed(alice->chat));
    assert_false(chat_busy(alice->chat));
    world.broken = true;
    world_say(alice, "/msg bob two");
    assert_true(world_told(alice, "error", "too much waits for bob already; say it again later"));
    assert_false(chat_busy(alice->chat));
    world.broken = false;
}

static void survive_nonsense(void **state)
{
    (void)state;
    for (int i = 0; i < 256; i++) {
        uint8_t octets[64];

        memset(octets, i, sizeof octets);
        octets[0] = 1;
        octets[1] = (uint8_t)(i % 10);
        chat_message(alice->chat, bob->card.key, octets, sizeof octets);
    }
    assert_true(world_told(
        alice, "warning", "bob sent something that needs a newer ironchat; more of it will be dropped without a word"));
}

/* ---- rooms ---- */

static void open_lunch(void)
{
    world_say(alice, "/room #lunch bob carol");
    world_run(&world);
    world_say(bob, "/join #lunch");
    world_say(carol, "/join #lunch");
    world_run(&world);
}

static void meet_in_a_room(void **state)
{
    (void)state;
    open_lunch();
    assert_true(world_told(bob, "invited", "alice\tunverified\t#lunch\t-\t-\tyou (invited), alice, carol (invited)"));
    assert_true(world_told(bob, "room", "carol\tunverified\t#lunch\t-\t-\tjoined"));
    assert_true(world_told(carol, "room", "bob\tunverified\t#lunch\t-\t-\tjoined"));
    world_say(bob, "noodles?");
    world_run(&world);
    assert_true(world_told(alice, "message", "bob\tunverified\t#lunch\t-\t-\tnoodles?"));
    assert_true(world_told(carol, "message", "bob\tunverified\t#lunch\t-\t-\tnoodles?"));
    assert_true(world_told(bob, "delivered", "\t1\t2/2\t-"));
    world_say(carol, "/leave #lunch");
    world_run(&world);
    world_say(bob, "anybody?");
    world_run(&world);
    assert_true(world_told(alice, "message", "anybody?"));
    assert_false(world_told(carol, "message", "anybody?"));
}

static void only_the_owner_changes_a_room(void **state)
{
    struct chat_msg msg = {.kind = CHAT_ROOM, .revision = 9, .owner = 0, .count = 3, .text = "lunch", .size = 5};
    uint8_t keys[3 * CHAT_KEY_SIZE], octets[200];
    int size;

    (void)state;
    open_lunch();
    world_say(bob, "/invite #lunch carol");
    assert_true(world_told(bob, "error", "#lunch is no room of yours"));
    memcpy(keys, alice->card.key, CHAT_KEY_SIZE);
    memcpy(keys + CHAT_KEY_SIZE, bob->card.key, CHAT_KEY_SIZE);
    memcpy(keys + 2 * (size_t)CHAT_KEY_SIZE, carol->card.key, CHAT_KEY_SIZE);
    msg.keys = keys;
    size = chat_msg_write(octets, sizeof octets, &msg);
    world_forget(&world);
    chat_message(carol->chat, bob->card.key, octets, (size_t)size); /* bob says that alice invites */
    msg.count = 2;
    size = chat_msg_write(octets, sizeof octets, &msg);
    chat_message(carol->chat, alice->card.key, octets, (size_t)size); /* alice invites to a room without carol */
    assert_false(world_told(carol, "invited", ""));
}

/* What bob says into a room that carol is not in, or that bob is not in. */
static void who_is_not_in_a_room_is_not_heard_there(void **state)
{
    struct chat_msg msg = {.kind = CHAT_TEXT, .to_room = true, .text = "psst", .size = 4};
    uint8_t octets[100];

    (void)state;
    world_say(alice, "/room #two carol");
    world_run(&world);
    memcpy(msg.id, alice->chat->rooms[0].id, sizeof msg.id);
    chat_message(alice->chat, bob->card.key, octets, (size_t)chat_msg_write(octets, sizeof octets, &msg));
    chat_message(carol->chat, alice->card.key, octets, (size_t)chat_msg_write(octets, sizeof octets, &msg));
    msg.id[0] ^= 1;
    chat_message(alice->chat, carol->card.key, octets, (size_t)chat_msg_write(octets, sizeof octets, &msg));
    assert_false(world_told(alice, "message", "psst"));
    assert_false(world_told(carol, "message", "psst"));
    assert_int_equal(world.count, 3); /* each was told that it is not heard */
    world_run(&world);
}

static void a_room_grows(void **state)
{
    (void)state;
    world_say(alice, "/room #lunch bob");
    world_run(&world);
    world_say(bob, "/join #lunch");
    world_run(&world);
    world_say(alice, "/invite #lunch carol");
    world_run(&world);
    assert_true(world_told(bob, "room", "alice\tunverified\t#lunch\t-\t-\tchanged who may be there"));
    world_say(carol, "/join #lunch");
    world_run(&world);
    world_say(carol, "hi");
    world_run(&world);
    assert_true(world_told(bob, "message", "carol\tunverified\t#lunch\t-\t-\thi"));
    assert_true(world_told(alice, "message", "carol\tunverified\t#lunch\t-\t-\thi"));
}

static void who_comes_back_is_invited_again(void **state)
{
    (void)state;
    open_lunch();
    world_forget(&world);
    world_restart(bob);
    world_run(&world);
    assert_true(world_told(bob, "invited", "alice\tunverified\t#lunch\t-\t-\tyou (invited), alice, carol (invited)"));
    world_say(carol, "bob is away");
    world_run(&world);
    assert_true(world_told(carol, "delivered", "\t1\t1/1\t-"));
    world_say(bob, "/join #lunch");
    world_run(&world);
    world_say(bob, "back");
    world_run(&world);
    assert_true(world_told(carol, "message", "bob\tunverified\t#lunch\t-\t-\tback"));
    assert_true(world_told(bob, "delivered", "\t1\t2/2\t-"));
}

/* bob, who knows the id of alice's room, says that it is his, to carol, whom alice invites only now. */
static void nobody_takes_the_room_of_another(void **state)
{
    struct chat_msg msg = {.kind = CHAT_ROOM, .revision = 1, .owner = 0, .count = 2, .text = "fake", .size = 4};
    uint8_t keys[2 * CHAT_KEY_SIZE], octets[200];

    (void)state;
    world_say(alice, "/room #lunch bob");
    world_run(&world);
    memcpy(msg.id, alice->chat->rooms[0].id, sizeof msg.id);
    memcpy(keys, bob->card.key, CHAT_KEY_SIZE);
    memcpy(keys + CHAT_KEY_SIZE, carol->card.key, CHAT_KEY_SIZE);
    msg.keys = keys;
    chat_message(carol->chat, bob->card.key, octets, (size_t)chat_msg_write(octets, sizeof octets, &msg));
    assert_false(world_told(carol, "invited", ""));
    world_say(alice, "/invite #lunch carol");
    world_run(&world);
    assert_true(world_told(carol, "invited", "alice\tunverified\t#lunch\t-\t-\tyou (invited), alice, bob (invited)"));
}

/* As many as one may have, from everybody; told once that there is no room for more. */
static void rooms_are_bounded_and_go_with_their_owner(void **state)
{
    uint8_t keys[2 * CHAT_KEY_SIZE], octets[200];
    struct chat_msg msg = {.kind = CHAT_ROOM, .revision = 1, .count = 2, .text = "x", .size = 1};

    (void)state;
    for (int i = 0; i < ROOMS_MAX - 8; i++) {
        char line[32];

        (void)snprintf(line, sizeof line, "/room #%d carol", i);
        world_say(bob, line);
    }
    world_run(&world);
    memcpy(keys, alice->card.key, CHAT_KEY_SIZE);
    memcpy(keys + CHAT_KEY_SIZE, bob->card.key, CHAT_KEY_SIZE);
    msg.keys = keys;
    for (int i = 0; i < ROOMS_OF_ONE_MAX; i++) {
        msg.id[0] = (uint8_t)i;
        chat_room_bind(msg.id, alice->card.key);
        chat_message(bob->chat, alice->card.key, octets, (size_t)chat_msg_write(octets, sizeof octets, &msg));
    }
    assert_true(world_told(bob, "invited", "\t#x~8\t-\t-\tyou (invited), alice"));
    assert_int_equal(world_count(bob, "invited"), 8);
    assert_int_equal(world_count(bob, "error"), 0);
    assert_int_equal(world_count(bob, "warning"), 1);
    assert_true(world_told(bob, "warning",
                           "alice invites you to a room, and there is no room for another: /remove "
                           "takes a contact's rooms away"));
    world_say(bob, "/remove alice");
    world_say(bob, "/room #mine carol");
    assert_true(world_told(bob, "info", "#mine is open; you talk to #mine"));
    assert_null(chat_room_named(bob->chat, "#x"));
}

static void invitations_are_bounded(void **state)
{
    uint8_t keys[2 * CHAT_KEY_SIZE], octets[200];
    struct chat_msg msg = {.kind = CHAT_ROOM, .revision = 1, .count = 2, .text = "x", .size = 1};

    (void)state;
    memcpy(keys, alice->card.key, CHAT_KEY_SIZE);
    memcpy(keys + CHAT_KEY_SIZE, bob->card.key, CHAT_KEY_SIZE);
    msg.keys = keys;
    for (int i = 0; i < 100; i++) {
        msg.id[0] = (uint8_t)i;
        chat_room_bind(msg.id, alice->card.key);
        chat_message(bob->chat, alice->card.key, octets, (size_t)chat_msg_write(octets, sizeof octets, &msg));
    }
    assert_true(world_told(bob, "invited", "\t#x~16\t-\t-\tyou (invited), alice"));
    assert_false(world_told(bob, "invited", "\t#x~17\t-\t-\tyou (invited), alice"));
    msg.text = "a\x1b";
    msg.size = 2;
    chat_message(carol->chat, alice->card.key, octets, (size_t)chat_msg_write(octets, sizeof octets, &msg));
    assert_false(world_told(carol, "invited", ""));
}

static int start(void **state)
{
    (void)state;
    if (!chat_text_locale())
        return -1;
    world_init(&world);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    world_fini(&world);
    return 0;
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(see_each_other),
        WITH_WORLD(talk_and_know_what_arrived),
        WITH_WORLD(say_it_to_whom_they_chose),
        WITH_WORLD(show_nothing_dangerous),
        WITH_WORLD(hear_no_stranger),
        WITH_WORLD(are_not_flooded_by_strangers),
        WITH_WORLD(are_not_flooded_by_forgeries),
        WITH_WORLD(are_not_blocked_by_a_contact),
        WITH_WORLD(add_by_what_was_pasted),
        WITH_WORLD(verify_and_remove),
        WITH_WORLD(notice_who_goes),
        WITH_WORLD(know_whether_the_relay_is_there),
        WITH_WORLD(are_told_of_a_relay_that_hangs_up),
        WITH_WORLD(are_told_of_a_relay_that_rejects),
        WITH_WORLD(learn_what_was_lost),
        WITH_WORLD(survive_nonsense),
        WITH_WORLD(meet_in_a_room),
        WITH_WORLD(only_the_owner_changes_a_room),
        WITH_WORLD(a_room_grows),
        WITH_WORLD(who_is_not_in_a_room_is_not_heard_there),
        WITH_WORLD(who_comes_back_is_invited_again),
        WITH_WORLD(nobody_takes_the_room_of_another),
        WITH_WORLD(rooms_are_bounded_and_go_with_their_owner),
        WITH_WORLD(invitations_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
