/* SPDX-License-Identifier: ISC */
/* ZAP's answers (RFC 27): what each does to the connection and to its messages, and that one which is malformed, late,
 * missing or for another request lets nobody in. */
#include "pattern.h"
#include "secure.h"
#include "wire.h"

#include <errno.h>
#include <string.h>

static const int mechanisms[] = {ZMQ_NULL, ZMQ_PLAIN, ZMQ_CURVE};

/* The server found this wrong with the handler's answer. That it then closes is not waited for: libzmq 4.3.4 may leave
 * the connection as it is until HANDSHAKE_IVL. */
static void expect_wrong_answer(const struct zap_pair *pair, uint32_t error)
{
    const struct event reason = next_outcome(pair->server_monitor);
    assert_int_equal(reason.kind, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL);
    assert_int_equal(reason.value, error);
}

/* --- The answers --- */

static void test_success(void **state)
{
    struct world *world = *state;
    void *handler = open_handler(world);
    for (int i = 0; i < 3; i++) {
        const struct zap_pair pair = connect_zap_pair(world, mechanisms[i]);
        zap_admit(handler, "somebody");
        expect_zap_success(&pair);
    }
}

/* A denial is told to the client: both monitors say which one it was. */
static void denied(struct world *world, void *handler, int mechanism, const char *status, uint32_t code)
{
    const struct zap_pair pair = connect_zap_pair(world, mechanism);
    zap_refuse(handler, status);
    const void *monitors[] = {pair.server_monitor, pair.client_monitor};
    for (int i = 0; i < 2; i++) {
        const struct event reason = await_refusal((void *)monitors[i]);
        assert_int_equal(reason.kind, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
        assert_int_equal(reason.value, code);
    }
    expect_nothing(pair.server);
    close_socket(world, pair.client);
    close_socket(world, pair.server);
}

static void test_denials(void **state)
{
    struct world *world = *state;
    void *handler = open_handler(world);
    for (int i = 0; i < 3; i++) {
        denied(world, handler, mechanisms[i], "400", 400);
        denied(world, handler, mechanisms[i], "500", 500);
    }
}

/* "Temporarily not": the client is told nothing. */
static void test_temporary_failure(void **state)
{
    struct world *world = *state;
    void *handler = open_handler(world);
    for (int i = 0; i < 3; i++) {
        const struct zap_pair pair = connect_zap_pair(world, mechanisms[i]);
        zap_refuse(handler, "300");
        const struct event reason = next_outcome(pair.server_monitor);
        assert_int_equal(reason.kind, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
        assert_int_equal(reason.value, 300);
        expect_nothing(pair.server);
        close_socket(world, pair.client);
    }
}

static void test_unknown_status(void **state)
{
    struct world *world = *state;
    static const char *const statuses[] = {"100", "201", "301", "600", "999", "20", "2000", "abc", "", "4 0"};
    void *handler = open_handler(world);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        const struct zap_pair pair = connect_zap_pair(world, mechanisms[i % 3]);
        zap_refuse(handler, statuses[i]);
        expect_wrong_answer(&pair, ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE);
        close_socket(world, pair.client);
        close_socket(world, pair.server);
        drain(handler);
    }
}

/* One way to get an answer wrong: the frames after the routing id. NULL as text stands for the right request id. */
struct malformation {
    uint32_t error;
    size_t count;
    struct zap_frame frames[9];
};

#define TEXT(text)            \
    {                         \
        text, sizeof text - 1 \
    }
#define RIGHT_ID \
    {            \
        NULL, 0  \
    }

static const struct malformation malformations[] = {
    {ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION,
     7,
     {TEXT(""), TEXT("2.0"), RIGHT_ID, TEXT("200"), TEXT(""), TEXT(""), TEXT("")}},
    {ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION,
     7,
     {TEXT(""), TEXT("1.0x"), RIGHT_ID, TEXT("200"), TEXT(""), TEXT(""), TEXT("")}},
    {ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION, 7, {TEXT(""), TEXT(""), RIGHT_ID, TEXT("200"), TEXT(""), TEXT(""), TEXT("")}},
    {ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID,
     7,
     {TEXT(""), TEXT("1.0"), TEXT("another"), TEXT("200"), TEXT(""), TEXT(""), TEXT("")}},
    {ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID,
     7,
     {TEXT(""), TEXT("1.0"), TEXT(""), TEXT("200"), TEXT(""), TEXT(""), TEXT("")}},
    {ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED,
     7,
     {TEXT("x"), TEXT("1.0"), RIGHT_ID, TEXT("200"), TEXT(""), TEXT(""), TEXT("")}},
    {ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY, 6, {TEXT("1.0"), RIGHT_ID, TEXT("200"), TEXT(""), TEXT(""), TEXT("")}},
    {ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY, 6, {TEXT(""), TEXT("1.0"), RIGHT_ID, TEXT("200"), TEXT(""), TEXT("")}},
    {ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY, 2, {TEXT(""), TEXT("1.0")}},
    {ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY,
     8,
     {TEXT(""), TEXT("1.0"), RIGHT_ID, TEXT("200"), TEXT(""), TEXT(""), TEXT(""), TEXT("extra")}},
    {ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA,
     7,
     {TEXT(""), TEXT("1.0"), RIGHT_ID, TEXT("200"), TEXT(""), TEXT(""), TEXT("garbage")}},
    {ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA,
     7,
     {TEXT(""), TEXT("1.0"), RIGHT_ID, TEXT("200"), TEXT(""), TEXT(""), TEXT("\1")}},
    {ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA,
     7,
     {TEXT(""), TEXT("1.0"), RIGHT_ID, TEXT("200"), TEXT(""), TEXT(""), TEXT("\1a\0\0\0\5abc")}},
    {ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA,
     7,
     {TEXT(""), TEXT("1.0"), RIGHT_ID, TEXT("200"), TEXT(""), TEXT(""), TEXT("\1a\0\0\0\1bzz")}},
    {ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA,
     7,
     {TEXT(""), TEXT("1.0"), RIGHT_ID, TEXT("400"), TEXT(""), TEXT(""), TEXT("garbage")}},
};

static void answer_wrongly(void *handler, const struct malformation *wrong)
{
    struct zap_request request;
    struct zap_frame frames[10] = {{NULL, 0}};
    zap_receive(handler, &request);
    for (size_t i = 0; i < wrong->count; i++) {
        frames[i] = wrong->frames[i];
        if (!frames[i].data)
            frames[i] = (struct zap_frame){request.frames[ZAP_REQUEST_ID], request.sizes[ZAP_REQUEST_ID]};
    }
    zap_send(handler, &request, frames);
}

static void test_malformed_answers(void **state)
{
    struct world *world = *state;
    void *handler = open_handler(world);
    for (size_t i = 0; i < sizeof malformations / sizeof *malformations; i++)
        for (int m = 0; m < 3; m++) {
            const struct zap_pair pair = connect_zap_pair(world, mechanisms[m]);
            answer_wrongly(handler, &malformations[i]);
            expect_wrong_answer(&pair, malformations[i].error);
            expect_nothing(pair.server);
            close_socket(world, pair.client);
            close_socket(world, pair.server);
            drain(handler);
        }
}

/* A wrong answer spoils one connection only: the client comes again and is asked about again. */
static void test_next_try_after_a_wrong_answer(void **state)
{
    struct world *world = *state;
    void *handler = open_handler(world);
    for (int i = 0; i < 3; i++) {
        const struct zap_pair pair = open_zap_pair(world, mechanisms[i], ZMQ_PULL, ZMQ_PUSH);
        set_int(pair.client, ZMQ_RECONNECT_IVL, 5);
        set_int(pair.client, ZMQ_HANDSHAKE_IVL, 200);
        assert_ok(zmq_connect(pair.client, pair.endpoint));
        zap_refuse(handler, "999");
        expect_wrong_answer(&pair, ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE);
        zap_admit(handler, "");
        await_event(pair.server_monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
        send_str(pair.client, "inside");
        expect_str(pair.server, "inside");
    }
}

/* --- Answers out of order, late, twice, or never --- */

static void test_answers_in_any_order(void **state)
{
    enum { CLIENTS = 4 };
    struct world *world = *state;
    static struct zap_request requests[CLIENTS];
    void *handler = open_handler(world);
    for (int m = 0; m < 3; m++) {
        const struct zap_pair pair = open_zap_pair(world, mechanisms[m], ZMQ_PULL, ZMQ_PUSH);
        for (int i = 0; i < CLIENTS; i++) {
            void *client = open_socket(world, ZMQ_PUSH);
            secure_client(client, mechanisms[m]);
            assert_ok(zmq_connect(client, pair.endpoint));
            send_bytes(client, &i, sizeof i, 0);
            zap_receive(handler, &requests[i]);
        }
        for (int i = CLIENTS - 1; i >= 0; i--) {
            zap_reply(handler, &requests[i], "200", "", NULL, 0);
            expect_bytes(pair.server, &i, sizeof i);
        }
        for (int i = 0; i < CLIENTS; i++)
            zap_reply(handler, &requests[i], "400", "", NULL, 0);
        void *last = open_socket(world, ZMQ_PUSH);
        secure_client(last, mechanisms[m]);
        assert_ok(zmq_connect(last, pair.endpoint));
        zap_admit(handler, "");
        send_str(last, "second answers count for nothing");
        expect_str(pair.server, "second answers count for nothing");
        for (int i = 0; i < CLIENTS + 1; i++)
            assert_int_equal(next_outcome(pair.server_monitor).kind, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
        expect_nothing(pair.server_monitor);
    }
}

static void test_silent_handler_holds_up_nobody_else(void **state)
{
    struct world *world = *state;
    struct zap_request request;
    void *handler = open_handler(world);
    const struct zap_pair waiting = connect_zap_pair(world, ZMQ_CURVE);
    zap_receive(handler, &request);
    const struct ends unasked = join_pair(world, "tcp", ZMQ_PULL, ZMQ_PUSH);
    send_str(unasked.connected, "x");
    expect_str(unasked.bound, "x");
    void *other = open_socket(world, ZMQ_PUSH);
    secure_client(other, ZMQ_CURVE);
    assert_ok(zmq_connect(other, waiting.endpoint));
    zap_admit(handler, "");
    send_str(other, "passes by");
    expect_str(waiting.server, "passes by");
    zap_reply(handler, &request, "200", "", NULL, 0);
    send_str(waiting.client, "at last");
    expect_str(waiting.server, "at last");
}

/* Denies every question until the server has heard of one denial; nobody may get in meanwhile. */
static void deny_until_told(void *handler, void *monitor)
{
    struct event event = {.kind = 0};
    zmq_pollitem_t items[] = {{handler, 0, ZMQ_POLLIN, 0}, {monitor, 0, ZMQ_POLLIN, 0}};
    while (event.kind != ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) {
        assert_true(zmq_poll(items, 2, DEADLINE_MS) > 0);
        if (items[0].revents)
            zap_refuse(handler, "400");
        if (items[1].revents)
            event = next_event(monitor);
        assert_int_not_equal(event.kind, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    }
}

/* The answer to a connection that was given up does not count for the next one of the same client. */
static void test_late_answer_lets_nobody_in(void **state)
{
    struct world *world = *state;
    void *handler = open_handler(world);
    for (int i = 0; i < 3; i++) {
        struct zap_request late;
        const struct zap_pair pair = open_zap_pair(world, mechanisms[i], ZMQ_PULL, ZMQ_PUSH);
        void *server = open_socket(world, ZMQ_PULL);
        char endpoint[ENDPOINT_MAX];
        secure_server(server, mechanisms[i]);
        set_bytes(server, ZMQ_ZAP_DOMAIN, TEST_DOMAIN, strlen(TEST_DOMAIN));
        set_int(server, ZMQ_HANDSHAKE_IVL, 50);
        void *monitor = watch(world, server, ZMQ_EVENT_ALL);
        bind_any(world, server, "tcp", endpoint);
        set_int(pair.client, ZMQ_RECONNECT_IVL, 5);
        assert_ok(zmq_connect(pair.client, endpoint));
        zap_receive(handler, &late);
        drain(monitor); /* of connections that were given up before they got as far as this question */
        assert_int_equal(await_refusal(monitor).kind, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
        zap_reply(handler, &late, "200", "", NULL, 0);
        deny_until_told(handler, monitor);
        expect_nothing(server);
        close_socket(world, pair.client);
        close_socket(world, server);
        drain(handler);
    }
}

static void test_client_leaves_while_waiting(void **state)
{
    struct world *world = *state;
    void *handler = open_handler(world);
    for (int i = 0; i < 3; i++) {
        struct zap_request request;
        const struct zap_pair pair = connect_zap_pair(world, mechanisms[i]);
        zap_receive(handler, &request);
        close_socket(world, pair.client);
        await_refusal(pair.server_monitor);
        zap_reply(handler, &request, "200", "", NULL, 0);
        void *next = open_socket(world, ZMQ_PUSH);
        secure_client(next, mechanisms[i]);
        assert_ok(zmq_connect(next, pair.endpoint));
        zap_admit(handler, "");
        send_str(next, "x");
        expect_str(pair.server, "x");
    }
}

static void test_server_leaves_while_waiting(void **state)
{
    struct world *world = *state;
    void *handler = open_handler(world);
    for (int i = 0; i < 3; i++) {
        struct zap_request request;
        const struct zap_pair pair = connect_zap_pair(world, mechanisms[i]);
        zap_receive(handler, &request);
        close_socket(world, pair.server);
        zap_reply(handler, &request, "200", "", NULL, 0);
        const struct ends others = join_pair(world, "tcp", ZMQ_PULL, ZMQ_PUSH);
        send_str(others.connected, "x");
        expect_str(others.bound, "x");
        assert_int_equal(get_int(pair.client, ZMQ_TYPE), ZMQ_PUSH);
    }
}

static void test_handler_leaves_while_asked(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 3; i++) {
        struct zap_request request;
        void *handler = open_socket(world, ZMQ_ROUTER);
        bind_again(handler, ZAP_ENDPOINT);
        const struct zap_pair pair = connect_zap_pair(world, mechanisms[i]);
        zap_receive(handler, &request);
        close_socket(world, handler);
        const struct ends unasked = join_pair(world, "tcp", ZMQ_PULL, ZMQ_PUSH);
        send_str(unasked.connected, "x");
        expect_str(unasked.bound, "x");
        expect_nothing(pair.server);
        close_socket(world, pair.client);
        close_socket(world, pair.server);
    }
}

static void test_context_ends_while_waiting(void **state)
{
    struct world *world = *state;
    struct zap_request request;
    void *handler = open_handler(world);
    for (int i = 0; i < 3; i++) {
        connect_zap_pair(world, mechanisms[i]);
        zap_receive(handler, &request);
    }
}

/* --- What messages carry --- */

static void expect_property(zmq_msg_t *message, const char *name, const char *value)
{
    const char *found = zmq_msg_gets(message, name);
    if (value) {
        assert_non_null(found);
        assert_string_equal(found, value);
    } else {
        assert_null(found);
    }
}

/* Receives one message and checks these properties on each of its frames but the first skipped ones. */
static void expect_properties(void *socket, int skipped, const char *user, const char *color)
{
    int more;
    do {
        zmq_msg_t message;
        assert_ok(zmq_msg_init(&message));
        assert_true(zmq_msg_recv(&message, socket, 0) >= 0);
        more = zmq_msg_more(&message);
        if (skipped-- <= 0) {
            expect_property(&message, "User-Id", user);
            expect_property(&message, "Color", color);
            expect_property(&message, "color", NULL);
        }
        assert_ok(zmq_msg_close(&message));
    } while (more);
}

static void test_user_id_on_messages(void **state)
{
    struct world *world = *state;
    static const int types[][2] = {{ZMQ_PULL, ZMQ_PUSH},     {ZMQ_PAIR, ZMQ_PAIR}, {ZMQ_DEALER, ZMQ_DEALER},
                                   {ZMQ_ROUTER, ZMQ_DEALER}, {ZMQ_REP, ZMQ_REQ},   {ZMQ_XPUB, ZMQ_XSUB}};
    void *handler = open_handler(world);
    struct octets metadata = {.size = 0};
    put_property(&metadata, "Color", "red", 3);
    for (int m = 0; m < 3; m++)
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
            struct zap_request request;
            const struct zap_pair pair = open_zap_pair(world, mechanisms[m], types[i][0], types[i][1]);
            assert_ok(zmq_connect(pair.client, pair.endpoint));
            zap_receive(handler, &request);
            zap_reply(handler, &request, "200", "joe", metadata.data, metadata.size);
            send_frames(pair.client, "one", "two", "three");
            expect_properties(pair.server, types[i][0] == ZMQ_ROUTER, "joe", "red");
        }
}

static void test_user_id_on_subscriptions(void **state)
{
    struct world *world = *state;
    void *handler = open_handler(world);
    const struct zap_pair pair = open_zap_pair(world, ZMQ_CURVE, ZMQ_XPUB, ZMQ_SUB);
    subscribe(pair.client, "topic");
    assert_ok(zmq_connect(pair.client, pair.endpoint));
    zap_admit(handler, "joe");
    expect_properties(pair.server, 0, "joe", NULL);
}

static void test_empty_and_missing_user_id(void **state)
{
    struct world *world = *state;
    const struct zap_pair unasked = connect_zap_pair(world, ZMQ_CURVE);
    send_str(unasked.client, "x");
    expect_properties(unasked.server, 0, NULL, NULL);
    void *handler = open_handler(world);
    const struct zap_pair nameless = connect_zap_pair(world, ZMQ_CURVE);
    zap_admit(handler, "");
    send_str(nameless.client, "x");
    expect_properties(nameless.server, 0, "", NULL);
}

/* What the handler says about a peer outweighs what the peer says about itself; the client learns none of it. */
static void test_who_says_what(void **state)
{
    struct world *world = *state;
    void *handler = open_handler(world);
    for (int m = 0; m < 3; m++) {
        struct zap_request request;
        struct octets metadata = {.size = 0};
        const struct zap_pair pair = open_zap_pair(world, mechanisms[m], ZMQ_PAIR, ZMQ_PAIR);
        put_property(&metadata, "User-Id", "not from here", 13);
        put_property(&metadata, "X-color", "blue", 4);
        set_bytes(pair.client, ZMQ_METADATA, "X-color:red", 11);
        set_bytes(pair.client, ZMQ_METADATA, "X-size:big", 10);
        assert_ok(zmq_connect(pair.client, pair.endpoint));
        zap_receive(handler, &request);
        zap_reply(handler, &request, "200", "joe", metadata.data, metadata.size);
        zmq_msg_t message;
        send_str(pair.client, "x");
        assert_ok(zmq_msg_init(&message));
        assert_returns(zmq_msg_recv(&message, pair.server, 0), 1);
        expect_property(&message, "User-Id", "joe");
        expect_property(&message, "X-color", "blue");
        expect_property(&message, "X-size", "big");
        expect_property(&message, "Socket-Type", "PAIR");
        send_str(pair.server, "y");
        assert_returns(zmq_msg_recv(&message, pair.client, 0), 1);
        expect_property(&message, "User-Id", NULL);
        expect_property(&message, "X-color", NULL);
        assert_ok(zmq_msg_close(&message));
    }
}

/* --- A handler that is a REP --- */

static void test_rep_handler(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 3; i++)
        for (int round = 0; round < 3; round++) {
            const struct zap_pair pair = connect_zap_pair(world, mechanisms[i]);
            send_str(pair.client, "x");
            expect_properties(pair.server, 0, "somebody", NULL);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_success),
        world_test(test_denials),
        world_test(test_temporary_failure),
        world_test(test_unknown_status),
        world_test(test_malformed_answers),
        world_test(test_next_try_after_a_wrong_answer),
        world_test(test_answers_in_any_order),
        world_test(test_silent_handler_holds_up_nobody_else),
        world_test(test_late_answer_lets_nobody_in),
        world_test(test_client_leaves_while_waiting),
        world_test(test_server_leaves_while_waiting),
        world_test(test_handler_leaves_while_asked),
        world_test(test_context_ends_while_waiting),
        world_test(test_user_id_on_messages),
        world_test(test_user_id_on_subscriptions),
        world_test(test_empty_and_missing_user_id),
        world_test(test_who_says_what),
        zap_world_test(test_rep_handler),
    };
    return cmocka_run_group_tests_name("ZAP replies", tests, NULL, NULL);
}
