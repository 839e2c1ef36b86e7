/* SPDX-License-Identifier: ISC */
/* Pipes between a pattern and a carrier that the test plays. */
#include "core/pipe_harness.h"

/* --- reading ---------------------------------------------------------------------------------------------------- */

static void only_whole_messages_are_read(void **state)
{
    struct ih_pipe *pipe = open_pipe();

    (void)state;
    deliver(pipe, "AB");
    expect_nothing(pipe);
    assert_int_equal(seen.readable, 0);
    deliver(pipe, "cD");
    assert_int_equal(seen.readable, 1);
    expect_read(pipe, "AB");
    assert_true(ih_pipe_can_read(pipe));
    expect_read(pipe, "c");
    expect_nothing(pipe);
    deliver(pipe, "e");
    assert_int_equal(seen.readable, 2);
    assert_int_equal(*ih_msg_data(ih_pipe_peek(pipe)), 'D');
    expect_read(pipe, "De");
}

static void readable_is_told_once(void **state)
{
    struct ih_pipe *pipe = open_pipe();

    (void)state;
    sock.changed = false;
    deliver(pipe, "a");
    assert_true(sock.changed);
    deliver(pipe, "b");
    expect_read(pipe, "a");
    deliver(pipe, "c");
    assert_int_equal(seen.readable, 1);
}

static void what_was_there_before_attach_is_readable(void **state)
{
    struct ih_pipe *pipe = ih_pipe_new(&sock);

    (void)state;
    deliver(pipe, "a");
    assert_int_equal(seen.readable, 0);
    assert_int_equal(ih_pipe_attach(pipe), 0);
    assert_int_equal(seen.readable, 1);
}

static void carrier_is_told_when_half_is_read(void **state)
{
    struct ih_pipe *pipe = open_pipe();

    (void)state;
    deliver(pipe, "abc");
    expect_read(pipe, "ab");
    assert_int_equal(seen.drained, 0); /* it was never full */
    deliver(pipe, "defg");
    assert_true(ih_pipe_full(pipe));
    expect_read(pipe, "cd");
    assert_int_equal(seen.drained, 0);
    expect_read(pipe, "e");
    assert_int_equal(seen.drained, 1);
    expect_read(pipe, "fg");
    assert_int_equal(seen.drained, 1);
    assert_int_equal(seen.taken, 7);
}

/* Few messages of many frames fill it too, but a message must be there to be read. */
static void carrier_stops_after_many_frames(void **state)
{
    struct ih_pipe *pipe = open_pipe();

    (void)state;
    deliver(pipe, "a");
    for (int i = 0; i < 4 * IH_PIPE_FRAMES - 2; i++)
        deliver(pipe, "B");
    assert_false(ih_pipe_full(pipe));
    deliver(pipe, "B");
    assert_true(ih_pipe_full(pipe));
    assert_int_equal(seen.drained, 0);
    expect_read(pipe, "a");
    assert_int_equal(seen.drained, 1);
    for (int i = 0; i < IH_PIPE_FRAMES; i++) {
        deliver(pipe, "B");
        assert_false(ih_pipe_full(pipe));
    }
    deliver(pipe, "c");
    assert_true(ih_pipe_full(pipe));
    for (int i = 0; i < 5 * IH_PIPE_FRAMES - 1; i++)
        expect_read(pipe, "B");
    expect_read(pipe, "c");
    assert_int_equal(seen.drained, 2);
    assert_false(ih_pipe_full(pipe));
}

/* Delivers one frame that is not its message's last, and a command if asked to. */
static int deliver_part(struct ih_pipe *pipe, size_t size, bool command)
{
    struct ih_queue queue;
    struct ih_msg msg;

    ih_queue_init(&queue);
    assert_int_equal(ih_msg_init_size(&msg, size), 0);
    memset(ih_msg_data(&msg), 0, size);
    msg.flags = IH_MSG_MORE;
    assert_int_equal(ih_queue_push(&queue, &msg), 0);
    if (command)
        push_command(&queue, IH_MSG_SUBSCRIBE);
    return ih_pipe_deliver(pipe, &queue);
}

/* What a message takes before it ends, when ih_pipe_deliver has had enough. */
static size_t grow_part(struct ih_pipe *pipe, size_t size, bool command)
{
    size_t octets = 0;
    int rc;

    while ((rc = deliver_part(pipe, size, command)) == 0)
        octets += size + sizeof(struct ih_msg);
    assert_int_equal(rc, -EMSGSIZE);
    return octets;
}

static void message_without_an_end_is_bounded(void **state)
{
    struct ih_pipe *pipe = open_pipe();
    size_t octets;

    (void)state;
    pipe->max_frame = 100000;
    assert_in_range(grow_part(pipe, 100000, false), 1500000, 1600000); /* 16 such messages; ZMQ_RCVHWM is less */
    ih_pipe_hiccup(pipe);
    assert_in_range(grow_part(pipe, 0, false), 1500000, 1600000);
    ih_pipe_hiccup(pipe);
    assert_in_range(grow_part(pipe, 1000, true), 1500000, 1600000);
    ih_pipe_hiccup(pipe);
    pipe->max_frame = 100;
    octets = grow_part(pipe, 100, false);
    assert_in_range(octets, 1000000, 1 << 20); /* at least a mebioctet */
    ih_pipe_hiccup(pipe);
    pipe->max_frame = -1;
    for (size_t i = 0; i <= octets / 100; i++)
        assert_int_equal(deliver_part(pipe, 100, false), 0);
}

/* Only the message that has no end yet counts. */
static void ended_messages_are_no_part(void **state)
{
    struct ih_pipe *pipe = open_pipe();

    (void)state;
    pipe->max_frame = 100000;
    for (int i = 0; i < 10; i++) {
        for (int k = 0; k < 10; k++)
            assert_int_equal(deliver_part(pipe, 100000, false), 0);
        deliver(pipe, i % 2 ? "a" : "aB");
    }
}

static void empty_pipe_fetches(void **state)
{
    struct ih_pipe *pipe = open_pipe();

    (void)state;
    push(&seen.held, 'a', false);
    push(&seen.held, 'b', false);
    expect_read(pipe, "a");
    assert_int_equal(seen.fetched, 1);
    expect_read(pipe, "b");
    assert_int_equal(seen.fetched, 1);
    assert_int_equal(seen.readable, 0); /* the pattern asked itself */
    expect_nothing(pipe);
}

static void metadata_is_attached_on_demand(void **state)
{
    struct ih_pipe *pipe = open_pipe();
    struct ih_msg msg;

    (void)state;
    ih_pipe_set_props(pipe, ih_props_new());
    assert_non_null(pipe->props);
    deliver(pipe, "ab");
    assert_int_equal(ih_pipe_read(pipe, &msg), 0);
    assert_null(msg.props);
    ih_msg_close(&msg);
    sock.want_props = true;
    assert_int_equal(ih_pipe_read(pipe, &msg), 0);
    assert_ptr_equal(msg.props, pipe->props);
    ih_msg_close(&msg);
}

/* --- writing ---------------------------------------------------------------------------------------------------- */

static void limit_counts_messages(void **state)
{
    struct ih_pipe *pipe = open_pipe();

    (void)state;
    write_letters(pipe, "AAa");
    write_letters(pipe, "bcD");
    assert_int_equal(pipe->out_messages, 3);
    write_letters(pipe, "d");
    assert_int_equal(seen.wrote, 4);
    assert_false(ih_pipe_can_write(pipe));
    assert_int_equal(write_letter(pipe, 'e'), -EAGAIN);
}

static void message_begun_is_never_refused(void **state)
{
    struct ih_pipe *pipe = open_pipe();

    (void)state;
    write_letters(pipe, "abcD");
    force_command(pipe);
    assert_true(ih_pipe_can_write(pipe));
    write_letters(pipe, "DDe");
    assert_false(ih_pipe_can_write(pipe));
}

static void writable_is_told_when_half_is_free(void **state)
{
    struct ih_pipe *pipe = open_pipe();
    struct ih_msg msg;

    (void)state;
    write_letters(pipe, "abcd");
    ih_pipe_took(pipe);
    assert_int_equal(seen.writable, 0); /* nobody was refused */
    assert_false(ih_pipe_can_write(pipe));
    for (unsigned left = 3; left >= 2; left--) {
        assert_int_equal(seen.writable, 0);
        ih_msg_init(&msg);
        assert_true(ih_queue_pop(&pipe->out, &msg));
        ih_msg_close(&msg);
        pipe->out_messages = left;
        ih_pipe_took(pipe);
    }
    assert_int_equal(seen.writable, 1);
    ih_pipe_took(pipe);
    assert_int_equal(seen.writable, 1);
}

static void limit_of_one(void **state)
{
    struct ih_pipe *pipe;

    (void)state;
    sock.opt.sndhwm = 1;
    pipe = open_pipe();
    write_letters(pipe, "a");
    assert_int_equal(write_letter(pipe, 'b'), -EAGAIN);
    expect_taken(pipe, "a");
    assert_int_equal(seen.writable, 1);
}

static void carrier_may_have_no_room(void **state)
{
    struct ih_pipe *pipe = open_pipe();

    (void)state;
    seen.no_room = true;
    assert_int_equal(write_letter(pipe, 'a'), -EAGAIN);
    ih_pipe_took(pipe);
    assert_int_equal(seen.writable, 0);
    seen.no_room = false;
    ih_pipe_took(pipe);
    assert_int_equal(seen.writable, 1);
}

static void carrier_takes_whole_messages(void **state)
{
    struct ih_pipe *pipe = open_pipe();

    (void)state;
    write_letters(pipe, "aBbC");
    expect_taken(pipe, "aBb");
    write_letters(pipe, "c");
    expect_taken(pipe, "Cc");
}

static void commands_go_before_an_unfinished_message(void **state)
{
    struct ih_pipe *pipe = open_pipe();

    (void)state;
    write_letters(pipe, "aBB");
    force_command(pipe);
    assert_int_equal(seen.wrote, 2);
    write_letters(pipe, "b");
    expect_taken(pipe, "a!BBb");
}

static void unwind_drops_the_unfinished_message(void **state)
{
    struct ih_pipe *pipe = open_pipe();

    (void)state;
    write_letters(pipe, "aBB");
    ih_pipe_unwind(pipe);
    write_letters(pipe, "c");
    expect_taken(pipe, "ac");
}

/* --- commands --------------------------------------------------------------------------------------------------- */

static void commands_reach_the_pattern(void **state)
{
    struct ih_pipe *pipe = open_pipe();
    struct ih_queue queue;

    (void)state;
    ih_queue_init(&queue);
    push(&queue, 'a', false);
    push_command(&queue, IH_MSG_SUBSCRIBE);
    push_command(&queue, IH_MSG_CANCEL);
    push_command(&queue, IH_MSG_PING);
    push(&queue, 'b', false);
    assert_int_equal(ih_pipe_deliver(pipe, &queue), 0);
    assert_int_equal(seen.commands, 2);
    assert_int_equal(seen.last_kind, IH_MSG_CANCEL);
    assert_int_equal(seen.taken, 3); /* commands take up room with the carrier as well */
    expect_read(pipe, "ab");
    expect_nothing(pipe);
}

static void commands_nobody_wants_are_dropped(void **state)
{
    struct ih_pipe *pipe = open_pipe();
    struct ih_queue queue;

    (void)state;
    pattern.wants_commands = false;
    ih_queue_init(&queue);
    push_command(&queue, IH_MSG_SUBSCRIBE);
    assert_int_equal(ih_pipe_deliver(pipe, &queue), 0);
    pattern.wants_commands = true;
    assert_int_equal(seen.commands, 0);
    expect_nothing(pipe);
}

/* --- conflation ------------------------------------------------------------------------------------------------- */

static void conflation_keeps_the_newest(void **state)
{
    struct ih_pipe *pipe;

    (void)state;
    sock.opt.conflate = 1;
    pipe = open_pipe();
    deliver(pipe, "abc");
    deliver(pipe, "Dd");
    assert_false(ih_pipe_full(pipe));
    expect_read(pipe, "d");
    expect_nothing(pipe);
    force_command(pipe);
    force_command(pipe);
    write_letters(pipe, "abcdefg");
    assert_true(ih_pipe_can_write(pipe));
    expect_taken(pipe, "!!g");
}

/* --- the end ---------------------------------------------------------------------------------------------------- */

static void end_with_nothing_to_read(void **state)
{
    struct ih_pipe *pipe = open_pipe();

    (void)state;
    ih_pipe_end(pipe);
    assert_int_equal(seen.detached, 1);
    assert_int_equal(sock.ended_pipes, 1);
    ih_pipe_reap(&sock);
    assert_int_equal(sock.ended_pipes, 0);
    assert_true(ih_list_empty(&sock.pipes));
    assert_int_equal(seen.closed, 0);
}

static void end_after_the_last_message(void **state)
{
    struct ih_pipe *pipe = open_pipe();

    (void)state;
    deliver(pipe, "Aab");
    ih_pipe_end(pipe);
    assert_false(ih_pipe_can_write(pipe));
    write_letters(pipe, "Xx"); /* swallowed */
    expect_read(pipe, "Aa");
    assert_int_equal(sock.ended_pipes, 0);
    expect_read(pipe, "b");
    assert_int_equal(seen.detached, 0); /* the pattern is on the stack */
    assert_int_equal(sock.ended_pipes, 1);
    ih_pipe_reap(&sock);
    assert_int_equal(seen.detached, 1);
    assert_true(ih_list_empty(&sock.pipes));
}

/* CVE-2021-20234: a client that never finishes its multipart message leaves nothing behind (the leak checker looks). */
static void cve_2021_20234_unfinished_message_is_freed(void **state)
{
    struct ih_pipe *pipe = open_pipe();
    struct ih_queue queue;
    struct ih_msg msg;

    (void)state;
    deliver(pipe, "a");
    ih_queue_init(&queue);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(ih_msg_init_size(&msg, 5000), 0);
        memset(ih_msg_data(&msg), 0, 5000);
        msg.flags = IH_MSG_MORE;
        assert_int_equal(ih_queue_push(&queue, &msg), 0);
    }
    assert_int_equal(ih_pipe_deliver(pipe, &queue), 0);
    assert_int_equal(pipe->in.count, 101);
    ih_pipe_end(pipe);
    assert_int_equal(pipe->in.count, 1);
    expect_read(pipe, "a");
    ih_pipe_reap(&sock);
    assert_true(ih_list_empty(&sock.pipes));
}

static void hiccup_drops_the_unfinished_and_commands(void **state)
{
    struct ih_pipe *pipe = open_pipe();

    (void)state;
    deliver(pipe, "aBB");
    write_letters(pipe, "x");
    force_command(pipe);
    write_letters(pipe, "Y");
    ih_pipe_hiccup(pipe);
    assert_int_equal(seen.hiccups, 1);
    assert_false(pipe->up);
    deliver(pipe, "c");
    expect_read(pipe, "ac");
    ih_pipe_connected(pipe);
    assert_true(pipe->up);
    assert_int_equal(seen.connected, 2);
    assert_int_equal(seen.detached, 0);
    write_letters(pipe, "y");
    expect_taken(pipe, "xYy");
}

static void end_within_a_slot_is_told_later(void **state)
{
    struct ih_pipe *pipe = open_pipe();

    (void)state;
    seen.end_in_wrote = true;
    write_letters(pipe, "a");
    assert_int_equal(seen.detached, 0);
    assert_int_equal(sock.ended_pipes, 1);
    ih_pipe_reap(&sock);
    assert_int_equal(seen.detached, 1);

    pipe = open_pipe();
    seen.end_in_fetch = true;
    expect_nothing(pipe);
    assert_int_equal(seen.detached, 1);
    ih_pipe_reap(&sock);
    assert_int_equal(seen.detached, 2);
    assert_true(ih_list_empty(&sock.pipes));
}

static void close_keeps_the_message_being_read(void **state)
{
    struct ih_pipe *pipe = open_pipe();

    (void)state;
    deliver(pipe, "AAabC");
    expect_read(pipe, "A");
    ih_pipe_close(pipe, true);
    assert_int_equal(seen.closed, 1);
    assert_int_equal(sock.ended_pipes, 0);
    expect_read(pipe, "Aa");
    expect_nothing(pipe);
    ih_pipe_reap(&sock);
    assert_int_equal(seen.detached, 1);
    assert_true(ih_list_empty(&sock.pipes));
}

static void refused_pipe_lingers(void **state)
{
    struct ih_pipe *pipe = open_pipe();

    (void)state;
    seen.lingers = true;
    write_letters(pipe, "aB");
    deliver(pipe, "x");
    ih_pipe_refuse(pipe);
    expect_nothing(pipe);
    assert_int_equal(seen.closed, 1);
    ih_pipe_reap(&sock);
    assert_int_equal(seen.detached, 1);
    assert_false(ih_list_empty(&sock.pipes));
    deliver(pipe, "y"); /* too late */
    expect_nothing(pipe);
    expect_taken(pipe, "a");
    ih_pipe_end(pipe);
    ih_pipe_reap(&sock);
    assert_int_equal(seen.detached, 1);
    assert_true(ih_list_empty(&sock.pipes));
}

static void refused_attach_is_not_detached(void **state)
{
    struct ih_pipe *pipe = ih_pipe_new(&sock);

    (void)state;
    pipe->ops = &carrier;
    seen.attach_result = -EAGAIN;
    assert_int_equal(ih_pipe_attach(pipe), -EAGAIN);
    ih_pipe_free(pipe);
    assert_int_equal(seen.detached, 0);
    assert_int_equal(sock.ended_pipes, 0);
    assert_int_equal(seen.closed, 1);
}

static void reaping_costs_only_what_ended(void **state)
{
    struct ih_pipe *pipes[50];

    (void)state;
    for (size_t i = 0; i < 50; i++)
        pipes[i] = open_pipe();
    for (size_t i = 0; i < 50; i += 2)
        ih_pipe_end(pipes[i]);
    assert_int_equal(sock.ended_pipes, 25);
    ih_pipe_free(pipes[10]);
    ih_pipe_free(pipes[11]);
    assert_int_equal(sock.ended_pipes, 24);
    ih_pipe_reap(&sock);
    assert_int_equal(sock.ended_pipes, 0);
    write_letters(pipes[49], "a");
    assert_int_equal(seen.detached, 26);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_whole_messages_are_read),
        TEST(readable_is_told_once),
        TEST(what_was_there_before_attach_is_readable),
        TEST(carrier_is_told_when_half_is_read),
        TEST(carrier_stops_after_many_frames),
        TEST(message_without_an_end_is_bounded),
        TEST(ended_messages_are_no_part),
        TEST(empty_pipe_fetches),
        TEST(metadata_is_attached_on_demand),
        TEST(limit_counts_messages),
        TEST(message_begun_is_never_refused),
        TEST(writable_is_told_when_half_is_free),
        TEST(limit_of_one),
        TEST(carrier_may_have_no_room),
        TEST(carrier_takes_whole_messages),
        TEST(commands_go_before_an_unfinished_message),
        TEST(unwind_drops_the_unfinished_message),
        TEST(commands_reach_the_pattern),
        TEST(commands_nobody_wants_are_dropped),
        TEST(conflation_keeps_the_newest),
        TEST(end_with_nothing_to_read),
        TEST(end_after_the_last_message),
        TEST(cve_2021_20234_unfinished_message_is_freed),
        TEST(hiccup_drops_the_unfinished_and_commands),
        TEST(end_within_a_slot_is_told_later),
        TEST(close_keeps_the_message_being_read),
        TEST(refused_pipe_lingers),
        TEST(refused_attach_is_not_detached),
        TEST(reaping_costs_only_what_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
