/* SPDX-License-Identifier: ISC */
/* Notices of an XPUB whose application is slow: it hears less, and still knows in the end what is subscribed to. */
#include "pattern/notice.h"

#include "pattern/harness.h"
#include "pattern/publish.h"

enum {
    PEERS = 4,
    TOPICS = 3000,
    STEPS = 60000,
    READ_EVERY = 5000, /* steps, and then so many notices: */
    READ = 1500,
};

/* What an application asks for. */
struct mode {
    int option;
    bool each; /* it hears of each peer, not only of the first and last that wants a topic */
    bool
        repeats; /* it hears repetitions too: then no count, but the last notice of a topic says whether it is wanted */
};

/* One run: what the peers have subscribed to, and what the application has heard. */
struct run {
    struct mode mode;
    struct ih_socket socket;
    struct player players[PEERS];
    struct ih_pipe *pipes[PEERS];
    bool wants[PEERS][TOPICS];
    int heard[TOPICS];
    size_t most; /* notices that waited */
    uint32_t random;
};

static uint32_t draw(struct run *run, uint32_t below)
{
    run->random = run->random * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)run->random * below) >> 32);
}

static struct ih_notices *notices(struct run *run)
{
    struct ih_publish *pub = run->socket.pattern_state;

    return &pub->notices;
}

/* Repetitions do not say whose they are: then, where the application hears of each peer, a topic is only one peer's. */
static uint32_t draw_topic(struct run *run, uint32_t peer)
{
    const uint32_t topic = draw(run, TOPICS);

    return run->mode.each && run->mode.repeats ? topic - topic % PEERS + peer : topic;
}

static void step(struct run *run)
{
    const uint32_t peer = draw(run, PEERS), topic = draw_topic(run, peer);
    bool *wants = &run->wants[peer][topic];
    uint8_t data[2] = {(uint8_t)(topic >> 8), (uint8_t)topic};
    const struct text text = {(const char *)data, 2};

    *wants = !*wants || (run->mode.repeats && draw(run, 2) == 0);
    peer_commands(run->pipes[peer], *wants ? IH_MSG_SUBSCRIBE : IH_MSG_CANCEL, &text);
    if (draw(run, STEPS / 10) == 0) {
        peer_leave(run->pipes[peer]);
        memset(run->wants[peer], 0, sizeof run->wants[peer]);
        run->pipes[peer] = peer_join(&run->socket, &run->players[peer], NULL);
    }
    if (notices(run)->topics > run->most)
        run->most = notices(run)->topics;
}

static void hear(struct run *run, int count)
{
    struct ih_msg msg;

    ih_msg_init(&msg);
    while (count-- > 0 && run->socket.pattern->recv(&run->socket, &msg) == 0) {
        const uint8_t *data = ih_msg_data(&msg);

        assert_int_equal(ih_msg_size(&msg), 3);
        if (run->mode.repeats)
            run->heard[data[1] << 8 | data[2]] = data[0];
        else
            run->heard[data[1] << 8 | data[2]] += data[0] ? 1 : -1;
        ih_msg_close(&msg);
    }
}

static void run_in(struct mode mode)
{
    static struct run run;

    memset(&run, 0, sizeof run);
    run.mode = mode;
    run.random = 1;
    socket_open(&run.socket, ZMQ_XPUB);
    if (mode.option)
        assert_int_equal(app_set(&run.socket, mode.option, 1), 0);
    for (int i = 0; i < PEERS; i++)
        run.pipes[i] = peer_join(&run.socket, &run.players[i], NULL);
    for (int i = 1; i <= STEPS; i++) {
        step(&run);
        if (i % READ_EVERY == 0)
            hear(&run, READ);
    }
    /* Each topic has a notice that tells and one that takes it back, at most. */
    assert_in_range(run.most, IH_NOTICES_PLAIN, IH_NOTICES_PLAIN + TOPICS * (mode.each ? PEERS : 1));
    hear(&run, STEPS);
    for (int topic = 0; topic < TOPICS; topic++) {
        int wanted = 0;

        for (int i = 0; i < PEERS; i++)
            wanted += run.wants[i][topic];
        assert_int_equal(run.heard[topic], mode.each ? wanted : wanted > 0);
    }
    assert_int_equal(notices(&run)->topics, 0);
    assert_int_equal(ih_map_count(&notices(&run)->latest), 0);
    socket_close(&run.socket);
}

static void of_the_first_and_the_last(void **state)
{
    (void)state;
    run_in((struct mode){0});
}

static void of_each(void **state)
{
    (void)state;
    run_in((struct mode){ZMQ_XPUB_VERBOSER, .each = true});
}

static void for_a_manual_application(void **state)
{
    (void)state;
    run_in((struct mode){ZMQ_XPUB_MANUAL, .each = true});
}

static void of_repetitions(void **state)
{
    (void)state;
    run_in((struct mode){ZMQ_XPUB_VERBOSE, .repeats = true});
}

static void of_each_repetition(void **state)
{
    (void)state;
    run_in((struct mode){ZMQ_XPUB_VERBOSER, .each = true, .repeats = true});
}

static void of_repetitions_for_a_manual_application(void **state)
{
    (void)state;
    run_in((struct mode){ZMQ_XPUB_MANUAL, .each = true, .repeats = true});
}

/* One peer that repeats itself for ever. */
static void repetitions_are_bounded(void **state)
{
    const int options[] = {ZMQ_XPUB_VERBOSE, ZMQ_XPUB_VERBOSER, ZMQ_XPUB_MANUAL};

    (void)state;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        struct ih_publish *pub;
        struct ih_socket socket;
        struct player player;
        struct ih_pipe *pipe;

        socket_open(&socket, ZMQ_XPUB);
        assert_int_equal(app_set(&socket, options[i], 1), 0);
        pipe = peer_join(&socket, &player, NULL);
        for (int step = 0; step < 10 * IH_NOTICES_PLAIN; step++)
            peer_commands(pipe, step % 3 < 2 ? IH_MSG_SUBSCRIBE : IH_MSG_CANCEL, MSG(T("A")));
        pub = socket.pattern_state;
        assert_in_range(pub->notices.topics, IH_NOTICES_PLAIN - 1, IH_NOTICES_PLAIN + 1);
        socket_close(&socket);
    }
}

/* Below the bound nothing is left out. */
static void few_are_all_heard(void **state)
{
    struct ih_socket socket;
    struct player player;
    struct ih_pipe *pipe;

    (void)state;
    socket_open(&socket, ZMQ_XPUB);
    pipe = peer_join(&socket, &player, NULL);
    for (int i = 0; i < IH_NOTICES_PLAIN / 2; i++) {
        peer_commands(pipe, IH_MSG_SUBSCRIBE, MSG(T("A")));
        peer_commands(pipe, IH_MSG_CANCEL, MSG(T("A")));
    }
    peer_commands(pipe, IH_MSG_SUBSCRIBE, MSG(T("A")));
    for (int i = 0; i < IH_NOTICES_PLAIN / 2 - 1; i++) {
        app_recv(&socket, MSG(T("\1A")));
        app_recv(&socket, MSG(T("\0A")));
    }
    app_recv(&socket, MSG(T("\1A")));
    app_recv_fails(&socket, -EAGAIN);
    socket_close(&socket);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_the_first_and_the_last), cmocka_unit_test(of_each),
        cmocka_unit_test(for_a_manual_application),  cmocka_unit_test(of_repetitions),
        cmocka_unit_test(of_each_repetition),        cmocka_unit_test(of_repetitions_for_a_manual_application),
        cmocka_unit_test(repetitions_are_bounded),   cmocka_unit_test(few_are_all_heard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
