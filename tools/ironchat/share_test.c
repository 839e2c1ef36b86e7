/* SPDX-License-Identifier: ISC */
/* Files between participants: whole, in parts, refused, and to who has no room for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ironchat/file.h"
#include "ironchat/world.h"

enum { SIZE = 500000 };

static struct world world;
static struct person *const alice = &world.people[0], *const bob = &world.people[1];
static uint8_t octets[SIZE];
static char source[128];

static void offer(void)
{
    char line[256];

    (void)snprintf(line, sizeof line, "/send bob %s", source);
    world_say(alice, line);
    world_run(&world);
}

static void expect_file(const char *name)
{
    char path[128];
    char *data;
    size_t size;

    (void)snprintf(path, sizeof path, "%s/%s", bob->files, name);
    assert_int_equal(chat_file_read(path, SIZE, &data, &size, NULL), 0);
    assert_int_equal(size, SIZE);
    assert_memory_equal(data, octets, SIZE);
    free(data);
}

static void arrives_whole(void **state)
{
    (void)state;
    offer();
    assert_true(world_told(bob, "offer", "alice\tunverified\t-\t1\t0/500000\tphoto.jpg"));
    assert_true(chat_busy(alice->chat));
    world_say(bob, "/accept");
    world_run(&world);
    expect_file("photo.jpg");
    assert_true(world_told(bob, "progress", "/500000\tphoto.jpg"));
    assert_true(world_told(bob, "file-done", "/photo.jpg"));
    assert_true(world_told(alice, "file-done", "bob\tunverified\t-\t1\t500000/500000\tphoto.jpg"));
    assert_false(chat_busy(alice->chat));
    assert_false(chat_busy(bob->chat));
}

static void an_empty_file_arrives_too(void **state)
{
    (void)state;
    assert_int_equal(truncate(source, 0), 0);
    offer();
    world_say(bob, "/accept 1");
    world_run(&world);
    assert_true(world_told(bob, "file-done", "/photo.jpg"));
    assert_true(world_told(alice, "file-done", "photo.jpg"));
}

static void is_declined(void **state)
{
    (void)state;
    offer();
    world_say(bob, "/cancel");
    world_run(&world);
    assert_true(world_told(alice, "file-failed", "declined by the other end"));
    assert_true(chat_missed(alice->chat));
    assert_false(chat_missed(bob->chat));
    assert_false(chat_busy(alice->chat));
    world_say(bob, "/accept");
    assert_true(world_told(bob, "error", "no file is offered to you"));
}

/* What /accept and /cancel do not find, they say. */
static void is_named_by_its_number(void **state)
{
    (void)state;
    offer();
    world_say(alice, "/accept 1");
    assert_true(world_told(alice, "error", "file 1 is your own: the other end accepts it"));
    world_say(bob, "/accept photo.jpg");
    assert_true(world_told(bob, "error", "photo.jpg is no file's number"));
    world_say(bob, "/accept 2");
    assert_true(world_told(bob, "error", "there is no file 2, or it is done"));
    world_say(bob, "/accept 1x");
    assert_true(world_told(bob, "error", "1x is no file's number"));
    world_say(bob, "/accept 1");
    world_step(&world);
    world_say(bob, "/accept 1");
    assert_true(world_told(bob, "error", "file 1 is on its way already"));
    world_run(&world);
    world_say(bob, "/cancel");
    assert_true(world_told(bob, "error", "no file is offered or on its way"));
    world_say(alice, "/send bob /nowhere");
    offer();
    assert_true(world_told(alice, "info", "file 2, photo.jpg, is offered to bob"));
}

static void comes_from_home(void **state)
{
    (void)state;
    assert_int_equal(setenv("HOME", alice->files, 1), 0);
    world_say(alice, "/send bob ~/photo.jpg");
    assert_true(world_told(alice, "info", "file 1, photo.jpg, is offered to bob"));
}

/* The sender's program ran anew, and knows nothing of what bob accepts. */
static void is_told_when_nobody_knows_of_it(void **state)
{
    (void)state;
    offer();
    world_restart(alice);
    world_run(&world);
    world_say(bob, "/accept");
    world_run(&world);
    assert_true(world_told(bob, "file-failed", "the other end does not know of it any more"));
    assert_false(chat_busy(bob->chat));
}

static void is_cancelled_on_its_way(void **state)
{
    (void)state;
    offer();
    world_say(bob, "/accept");
    for (int i = 0; i < 6; i++)
        world_step(&world);
    world_say(alice, "/cancel 1");
    world_run(&world);
    assert_true(world_told(bob, "file-failed", "cancelled by the other end"));
    assert_false(chat_busy(bob->chat));
}

/* As after the receiver's program ended: its offer comes again by itself, and the user takes it where it stopped. */
static void goes_on_after_the_receiver_was_away(void **state)
{
    (void)state;
    offer();
    world_say(bob, "/accept");
    for (int i = 0; i < 6; i++)
        world_step(&world);
    world_forget(&world);
    world_restart(bob);
    world_run(&world);
    assert_true(world_told(bob, "offer", "/500000\tphoto.jpg"));
    assert_false(world_told(bob, "offer", "\t0/500000\tphoto.jpg"));
    world_say(bob, "/accept");
    world_run(&world);
    expect_file("photo.jpg");
    assert_true(world_told(alice, "file-done", "photo.jpg"));
}

static void goes_on_after_the_sender_was_away(void **state)
{
    (void)state;
    offer();
    world_say(bob, "/accept");
    for (int i = 0; i < 6; i++)
        world_step(&world);
    world_forget(&world);
    world_restart(alice);
    world_run(&world);
    assert_false(world_told(bob, "file-done", "/photo.jpg"));
    offer(); /* the receiver accepted it before */
    expect_file("photo.jpg");
    assert_true(world_told(alice, "file-done", "photo.jpg"));
}

/* Chunks that were lost, without either end having started anew. */
static void goes_on_after_a_gap(void **state)
{
    (void)state;
    offer();
    world_say(bob, "/accept");
    for (int i = 0; i < 4; i++)
        world_step(&world);
    world_lose(&world, bob);
    offer(); /* the user tries again: the same file, one transfer more at the sender */
    world_run(&world);
    expect_file("photo.jpg");
}

static void give_chunk(uint64_t offset)
{
    struct chat_msg msg = {.kind = CHAT_CHUNK, .number = offset, .text = "abc", .size = 3};
    uint8_t out[200];

    chat_message(bob->chat, alice->card.key, out, (size_t)chat_msg_write(out, sizeof out, &msg));
}

/* Each gap is answered once, with where the receiver is. */
static void gaps_are_answered(void **state)
{
    struct chat_msg msg = {.kind = CHAT_OFFER, .number = 9, .text = "x", .size = 1};
    uint8_t out[200];

    (void)state;
    chat_message(bob->chat, alice->card.key, out, (size_t)chat_msg_write(out, sizeof out, &msg));
    world_say(bob, "/accept");
    world_lose(&world, alice); /* who knows nothing of it */
    give_chunk(3);
    give_chunk(6);
    assert_int_equal(world.count, 1);
    give_chunk(0);
    assert_int_equal(world.count, 1);
    give_chunk(6);
    assert_int_equal(world.count, 2);
    assert_int_equal(chat_msg_parse(&msg, world.queue[1]->data, world.queue[1]->size), 0);
    assert_int_equal(msg.kind, CHAT_ACCEPT);
    assert_int_equal(msg.number, 3);
    assert_false(world_told(bob, "file-failed", ""));
}

/* The name is the sender's: it may say anything. */
static void is_stored_in_its_folder_alone(void **state)
{
    struct chat_msg msg = {.kind = CHAT_OFFER, .number = 3, .text = "../../../tmp/evil", .size = 17};
    uint8_t out[200];

    (void)state;
    (void)crypto_generichash(msg.hash, sizeof msg.hash, (const uint8_t *)"abc", 3, NULL, 0);
    chat_message(bob->chat, alice->card.key, out, (size_t)chat_msg_write(out, sizeof out, &msg));
    assert_true(world_told(bob, "offer", "\tevil"));
    world_say(bob, "/accept");
    msg.kind = CHAT_CHUNK;
    msg.number = 0;
    msg.text = "abc";
    msg.size = 3;
    chat_message(bob->chat, alice->card.key, out, (size_t)chat_msg_write(out, sizeof out, &msg));
    assert_true(world_told(bob, "file-done", "/evil"));
    assert_int_equal(access("/tmp/evil", F_OK), -1);
}

static void has_the_right_hash_or_is_gone(void **state)
{
    struct chat_msg msg = {.kind = CHAT_OFFER, .number = 3, .text = "x", .size = 1};
    uint8_t out[200];

    (void)state;
    chat_message(bob->chat, alice->card.key, out, (size_t)chat_msg_write(out, sizeof out, &msg));
    world_say(bob, "/accept");
    msg.kind = CHAT_CHUNK;
    msg.number = 0;
    msg.text = "abc";
    msg.size = 3;
    chat_message(bob->chat, alice->card.key, out, (size_t)chat_msg_write(out, sizeof out, &msg));
    assert_true(world_told(bob, "file-failed", "the checksum is wrong; what came was thrown away"));
    assert_int_equal(rmdir(bob->files), 0); /* nothing was left in it */
    assert_int_equal(mkdir(bob->files, 0700), 0);
}

static void stops_when_the_disk_is_full(void **state)
{
    struct rlimit kept, limit;

    (void)state;
    offer();
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &kept), 0);
    limit = kept;
    limit.rlim_cur = 100000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    world_say(bob, "/accept");
    world_run(&world);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &kept), 0);
    assert_true(world_told(bob, "file-failed", "File too large"));
    assert_true(world_told(alice, "file-failed", "the other end cannot store or read it"));
    assert_false(chat_busy(bob->chat));
    world_forget(&world);
    offer(); /* there is room again */
    assert_true(world_told(bob, "offer", "\t98304/500000\tphoto.jpg"));
    world_say(bob, "/accept");
    world_run(&world);
    expect_file("photo.jpg");
}

static void offers_are_bounded(void **state)
{
    struct chat_msg msg = {.kind = CHAT_OFFER, .number = 1, .text = "x", .size = 1};
    uint8_t out[200];

    (void)state;
    for (int i = 0; i < 100; i++) {
        msg.id[0] = msg.hash[0] = (uint8_t)i;
        chat_message(bob->chat, alice->card.key, out, (size_t)chat_msg_write(out, sizeof out, &msg));
    }
    assert_true(world_told(bob, "offer", "\t8\t0/1\tx"));
    assert_false(world_told(bob, "offer", "\t9\t0/1\tx"));
    assert_int_equal(world.count, 92); /* what bob does not take, he says */
    assert_int_equal(chat_msg_parse(&msg, world.queue[0]->data, world.queue[0]->size), 0);
    assert_int_equal(msg.kind, CHAT_END);
    assert_int_equal(msg.id[0], 8);
    world_say(bob, "/accept");
    assert_true(world_told(bob, "error", "which one? Name its number"));
}

static int start(void **state)
{
    (void)state;
    if (!chat_text_locale() || sodium_init() < 0)
        return -1;
    world_init(&world);
    randombytes_buf(octets, sizeof octets);
    (void)snprintf(source, sizeof source, "%s/photo.jpg", alice->files);
    return chat_file_write(source, octets, sizeof octets, NULL);
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
        WITH_WORLD(arrives_whole),
        WITH_WORLD(an_empty_file_arrives_too),
        WITH_WORLD(is_declined),
        WITH_WORLD(is_named_by_its_number),
        WITH_WORLD(comes_from_home),
        WITH_WORLD(is_told_when_nobody_knows_of_it),
        WITH_WORLD(is_cancelled_on_its_way),
        WITH_WORLD(goes_on_after_the_receiver_was_away),
        WITH_WORLD(goes_on_after_the_sender_was_away),
        WITH_WORLD(goes_on_after_a_gap),
        WITH_WORLD(gaps_are_answered),
        WITH_WORLD(is_stored_in_its_folder_alone),
        WITH_WORLD(has_the_right_hash_or_is_gone),
        WITH_WORLD(stops_when_the_disk_is_full),
        WITH_WORLD(offers_are_bounded),
    };

    (void)signal(SIGXFSZ, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
