/* SPDX-License-Identifier: ISC */
/* Each allocation, and each system call that takes a descriptor or makes a thread, fails once, in a small scenario of each
 * pattern, transport and mechanism: a call may say so, a connection may be lost and come again, and that is all. Nothing
 * crashes, nothing leaks (address sanitizer), nothing hangs, and in the end the message arrives. */
#include "wrap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

enum {
    ROUNDS = 400, /* of ROUND_MS at most, until the message must have arrived */
    ROUND_MS = 5,
    HANDSHAKE_MS = 200, /* a question to ZAP may be lost: it is asked again after that */
    TEST_SECONDS = 60,
    LARGE = 20000, /* octets of the message: it has memory of its own, and comes in pieces */
    NUMBERS_MAX = 5000,
};

struct scenario {
    const char *name;
    int bound_type;
    int connected_type;
    const char *transport;
    int mechanism;
    bool monitored;
};

/* Everything that one run opens. */
struct stage {
    const struct scenario *scenario;
    void *context, *handler, *bound, *connected, *monitor;
    char endpoint[128];
};

static const char server_public[] = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
static const char server_secret[] = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";
static const char client_public[] = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
static const char client_secret[] = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";

static int set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value);
}

static int set_text(void *socket, int option, const char *text)
{
    return zmq_setsockopt(socket, option, text, strlen(text));
}

/* --- opening: any step may fail, and then the run is over ------------------------------------------------------------ */

static void *open_socket(struct stage *stage, int type)
{
    void *socket = zmq_socket(stage->context, type);

    if (!socket)
        return NULL;
    /* Options that are numbers need no memory. */
    assert_int_equal(set_int(socket, ZMQ_LINGER, 0), 0);
    assert_int_equal(set_int(socket, ZMQ_RECONNECT_IVL, 1), 0);
    assert_int_equal(set_int(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS), 0);
    assert_int_equal(set_int(socket, ZMQ_RCVTIMEO, 0), 0);
    assert_int_equal(set_int(socket, ZMQ_SNDTIMEO, 0), 0);
    if (type == ZMQ_REQ) { /* a lost request may be sent again */
        assert_int_equal(set_int(socket, ZMQ_REQ_RELAXED, 1), 0);
        assert_int_equal(set_int(socket, ZMQ_REQ_CORRELATE, 1), 0);
    }
    return socket;
}

static bool secure_ends(struct stage *stage)
{
    if (stage->scenario->mechanism == ZMQ_PLAIN)
        return set_int(stage->bound, ZMQ_PLAIN_SERVER, 1) == 0 &&
               set_text(stage->connected, ZMQ_PLAIN_USERNAME, "admin") == 0 &&
               set_text(stage->connected, ZMQ_PLAIN_PASSWORD, "secret") == 0;
    if (stage->scenario->mechanism == ZMQ_CURVE)
        return set_int(stage->bound, ZMQ_CURVE_SERVER, 1) == 0 &&
               set_text(stage->bound, ZMQ_CURVE_SECRETKEY, server_secret) == 0 &&
               set_text(stage->connected, ZMQ_CURVE_SERVERKEY, server_public) == 0 &&
               set_text(stage->connected, ZMQ_CURVE_PUBLICKEY, client_public) == 0 &&
               set_text(stage->connected, ZMQ_CURVE_SECRETKEY, client_secret) == 0;
    return true;
}

static bool open_monitor(struct stage *stage)
{
    if (!stage->scenario->monitored)
        return true;
    stage->monitor = open_socket(stage, ZMQ_PAIR);
    return stage->monitor && zmq_socket_monitor(stage->bound, "inproc://monitor", ZMQ_EVENT_ALL) == 0 &&
           zmq_connect(stage->monitor, "inproc://monitor") == 0;
}

static bool open_stage(struct stage *stage)
{
    const struct scenario *scenario = stage->scenario;
    size_t size = sizeof stage->endpoint;

    stage->context = zmq_ctx_new();
    if (!stage->context)
        return false;
    stage->handler = open_socket(stage, ZMQ_REP);
    if (!stage->handler || zmq_bind(stage->handler, "inproc://zeromq.zap.01") < 0)
        return false;
    stage->bound = open_socket(stage, scenario->bound_type);
    stage->connected = open_socket(stage, scenario->connected_type);
    if (!stage->bound || !stage->connected || !secure_ends(stage) || !open_monitor(stage))
        return false;
    if (scenario->connected_type == ZMQ_SUB && set_text(stage->connected, ZMQ_SUBSCRIBE, "") < 0)
        return false;
    if (scenario->bound_type == ZMQ_SUB && set_text(stage->bound, ZMQ_SUBSCRIBE, "") < 0)
        return false;
    if (scenario->connected_type == ZMQ_DEALER && set_text(stage->connected, ZMQ_ROUTING_ID, "dealer") < 0)
        return false;
    return zmq_bind(stage->bound, scenario->transport) == 0 &&
           zmq_getsockopt(stage->bound, ZMQ_LAST_ENDPOINT, stage->endpoint, &size) == 0 &&
           zmq_connect(stage->connected, stage->endpoint) == 0;
}

static void close_stage(struct stage *stage)
{
    void *sockets[] = {stage->monitor, stage->connected, stage->bound, stage->handler};

    for (size_t i = 0; i < sizeof sockets / sizeof *sockets; i++) {
        if (sockets[i])
            assert_int_equal(zmq_close(sockets[i]), 0);
    }
    if (stage->context)
        assert_int_equal(zmq_ctx_term(stage->context), 0);
}

/* --- talking ---------------------------------------------------------------------------------------------------------- */

/* Reads whole messages away. Returns the size of the largest frame that came, or -1. */
static int drain(void *socket)
{
    int largest = -1;
    zmq_msg_t msg;

    assert_int_equal(zmq_msg_init(&msg), 0);
    for (int size; (size = zmq_msg_recv(&msg, socket, ZMQ_DONTWAIT)) >= 0;)
        largest = size > largest ? size : largest;
    assert_int_equal(zmq_msg_close(&msg), 0);
    return largest;
}

/* Lets whoever asks in. Frames that cannot be sent make an answer that lets nobody in, and they ask again. */
static void answer(void *handler)
{
    static const char *const frames[] = {"1.0", "1", "200", "OK", "user", ""};

    if (drain(handler) < 0)
        return;
    for (size_t i = 0; i < 6; i++)
        (void)zmq_send(handler, frames[i], strlen(frames[i]), i < 5 ? ZMQ_SNDMORE : 0);
}

static bool receives(int type)
{
    return type == ZMQ_SUB || type == ZMQ_PULL || type == ZMQ_XSUB || type == ZMQ_ROUTER;
}

/* A STREAM names the peer: the one that it has connected to. Once the name is sent the next frame is the piece. */
static void name_peer(void *stream)
{
    uint8_t id[255];
    size_t size = sizeof id;

    if (zmq_getsockopt(stream, ZMQ_ROUTING_ID, id, &size) == 0)
        (void)zmq_send(stream, id, size, ZMQ_SNDMORE);
}

/* The message goes from one end to the other: to the one that only receives, else from the connected one. */
static void speak(struct stage *stage)
{
    static const char large[LARGE];
    const bool bound_speaks = receives(stage->scenario->connected_type);
    void *from = bound_speaks ? stage->bound : stage->connected;

    if (stage->scenario->connected_type == ZMQ_XSUB)
        (void)zmq_send(stage->connected, "\1", 1, 0);
    if (stage->scenario->connected_type == ZMQ_STREAM)
        name_peer(from);
    (void)zmq_send(from, large, sizeof large, 0);
}

static bool heard(struct stage *stage)
{
    const bool bound_speaks = receives(stage->scenario->connected_type);
    void *to = bound_speaks ? stage->connected : stage->bound;
    const int size = drain(to);

    /* What goes through STREAM comes in pieces, each behind a name. */
    return stage->scenario->bound_type == ZMQ_STREAM ? size > 255 : size >= LARGE;
}

static bool talk(struct stage *stage)
{
    for (int round = 0; round < ROUNDS; round++) {
        zmq_pollitem_t items[] = {
            {stage->handler, 0, ZMQ_POLLIN, 0},
            {stage->bound, 0, ZMQ_POLLIN, 0},
            {stage->connected, 0, ZMQ_POLLIN, 0},
        };

        speak(stage);
        (void)zmq_poll(items, 3, ROUND_MS);
        answer(stage->handler);
        if (stage->monitor)
            (void)drain(stage->monitor);
        if (heard(stage))
            return true;
        (void)drain(receives(stage->scenario->connected_type) ? stage->bound : stage->connected);
    }
    return false;
}

/* --- failing, one after the other ------------------------------------------------------------------------------------- */

/* One run in which the call with that number fails. Returns how many calls there were; counts what goes wrong. */
static unsigned run_once(const struct scenario *scenario, enum shortage shortage, unsigned number, unsigned *faults)
{
    struct stage stage = {.scenario = scenario};
    bool opened, arrived;
    unsigned calls;

    wrap_begin(shortage, number);
    opened = open_stage(&stage);
    arrived = opened && talk(&stage);
    close_stage(&stage);
    calls = wrap_end();
    if (opened && !arrived) {
        print_error("%s: nothing arrives when call %u of %u has failed\n", scenario->name, number, calls);
        (*faults)++;
    }
    if (!opened && (number == 0 || calls < number)) {
        print_error("%s: a call fails without a reason\n", scenario->name);
        (*faults)++;
    }
    return calls;
}

static void run_all(const struct scenario *scenarios, enum shortage shortage)
{
    unsigned faults = 0;

    for (; scenarios->name; scenarios++) {
        unsigned number = 0;

        alarm(TEST_SECONDS);
        while (run_once(scenarios, shortage, number, &faults) >= number)
            assert_true(number++ < NUMBERS_MAX);
    }
    alarm(0);
    assert_int_equal(faults, 0);
}

#define TCP "tcp://127.0.0.1:*"
#define INPROC "inproc://stage"

static const struct scenario patterns[] = {
    {"PAIR", ZMQ_PAIR, ZMQ_PAIR, TCP, ZMQ_NULL, false},
    {"REQ, REP", ZMQ_REP, ZMQ_REQ, TCP, ZMQ_NULL, false},
    {"DEALER, ROUTER", ZMQ_ROUTER, ZMQ_DEALER, TCP, ZMQ_NULL, false},
    {"PUSH, PULL", ZMQ_PULL, ZMQ_PUSH, TCP, ZMQ_NULL, false},
    {"PUB, SUB", ZMQ_PUB, ZMQ_SUB, TCP, ZMQ_NULL, false},
    {"XPUB, XSUB", ZMQ_XPUB, ZMQ_XSUB, TCP, ZMQ_NULL, false},
    {"STREAM", ZMQ_STREAM, ZMQ_STREAM, TCP, ZMQ_NULL, false},
    {"DEALER, ROUTER connects", ZMQ_DEALER, ZMQ_ROUTER, TCP, ZMQ_NULL, false},
    {"SUB, PUB connects", ZMQ_SUB, ZMQ_PUB, TCP, ZMQ_NULL, false},
    {NULL, 0, 0, NULL, 0, false},
};

static const struct scenario transports[] = {
    {"ipc", ZMQ_PULL, ZMQ_PUSH, "ipc://*", ZMQ_NULL, false},
    {"inproc", ZMQ_PULL, ZMQ_PUSH, INPROC, ZMQ_NULL, false},
    {"inproc, ROUTER", ZMQ_ROUTER, ZMQ_DEALER, INPROC, ZMQ_NULL, false},
    {"inproc, PUB", ZMQ_PUB, ZMQ_SUB, INPROC, ZMQ_NULL, false},
    {"inproc, REQ", ZMQ_REP, ZMQ_REQ, INPROC, ZMQ_NULL, false},
    {"inproc, XPUB", ZMQ_XPUB, ZMQ_XSUB, INPROC, ZMQ_NULL, false},
    {"inproc, PUB connects", ZMQ_SUB, ZMQ_PUB, INPROC, ZMQ_NULL, false},
    {"inproc, ROUTER connects", ZMQ_DEALER, ZMQ_ROUTER, INPROC, ZMQ_NULL, false},
    {"monitor", ZMQ_PULL, ZMQ_PUSH, TCP, ZMQ_NULL, true},
    {NULL, 0, 0, NULL, 0, false},
};

static const struct scenario mechanisms[] = {
    {"PLAIN", ZMQ_PULL, ZMQ_PUSH, TCP, ZMQ_PLAIN, true},
    {"CURVE", ZMQ_PULL, ZMQ_PUSH, TCP, ZMQ_CURVE, true},
    {"CURVE, PUB", ZMQ_PUB, ZMQ_SUB, TCP, ZMQ_CURVE, false},
    {NULL, 0, 0, NULL, 0, false},
};

static void test_memory_of_patterns(void **state)
{
    (void)state;
    run_all(patterns, SHORTAGE_MEMORY);
}

static void test_memory_of_transports(void **state)
{
    (void)state;
    run_all(transports, SHORTAGE_MEMORY);
}

static void test_memory_of_mechanisms(void **state)
{
    (void)state;
    run_all(mechanisms, SHORTAGE_MEMORY);
}

static void test_system_calls(void **state)
{
    (void)state;
    run_all(patterns, SHORTAGE_SYSTEM);
    run_all(transports, SHORTAGE_SYSTEM);
    run_all(mechanisms, SHORTAGE_SYSTEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_of_patterns),
        cmocka_unit_test(test_memory_of_transports),
        cmocka_unit_test(test_memory_of_mechanisms),
        cmocka_unit_test(test_system_calls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
