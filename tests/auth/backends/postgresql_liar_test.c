/* SPDX-License-Identifier: ISC */
/* The back end PostgreSQL against a server that speaks its protocol (PostgreSQL's manual, "Frontend/Backend Protocol"), and
 * lies: nobody gets in, and nobody waits for longer than the time limit. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/backend.h"
#include "auth/password.h"
#include "liar.h"

#include <cmocka.h>

enum { PATIENT = 20000, SHORT = 250 /* ms; where the time limit must end it */, SSL_REQUEST = 80877103 };

static const struct auth_backend_ops *ops;
static char hash[AUTH_HASH_MAX];
static char folder[64];

/* --- messages ----------------------------------------------------------------------------------------------------- */

/* A message, or several. */
struct message {
    uint8_t octets[4096];
    size_t size;
    size_t begin; /* where the last one's length is */
};

static void put(struct message *message, const void *octets, size_t size)
{
    assert(size <= sizeof message->octets - message->size);
    if (size)
        memcpy(message->octets + message->size, octets, size);
    message->size += size;
}

static void put32(struct message *message, uint32_t number)
{
    number = htonl(number);
    put(message, &number, 4);
}

static void put16(struct message *message, unsigned number)
{
    uint16_t octets = htons((uint16_t)number);

    put(message, &octets, 2);
}

static void begin(struct message *message, char type)
{
    put(message, &type, 1);
    message->begin = message->size;
    put32(message, 0);
}

static void end(struct message *message)
{
    uint32_t size = htonl((uint32_t)(message->size - message->begin));

    memcpy(message->octets + message->begin, &size, 4);
}

static void put_simple(struct message *message, char type, const void *octets, size_t size)
{
    begin(message, type);
    put(message, octets, size);
    end(message);
}

static void put_columns(struct message *message, unsigned count)
{
    begin(message, 'T');
    put16(message, count);
    for (unsigned i = 0; i < count; i++) {
        put(message, "c", 2);
        put32(message, 0);
        put16(message, 0);
        put32(message, 25); /* text */
        put16(message, 0xffff);
        put32(message, 0xffffffff);
        put16(message, 0);
    }
    end(message);
}

static void put_row(struct message *message, unsigned count, const char *const *values)
{
    begin(message, 'D');
    put16(message, count);
    for (unsigned i = 0; i < count; i++) {
        put32(message, values[i] ? (uint32_t)strlen(values[i]) : 0xffffffff);
        if (values[i])
            put(message, values[i], strlen(values[i]));
    }
    end(message);
}

static void put_end(struct message *message)
{
    put_simple(message, 'C', "SELECT 1", 9);
}

static void put_ready(struct message *message)
{
    put_simple(message, 'Z', "I", 1);
}

/* --- what it says ------------------------------------------------------------------------------------------------- */

/* An answer to the question for alice; false: no ready behind it. */
typedef bool(answer_fn)(struct message *message);

static bool answer_truth(struct message *message)
{
    put_columns(message, 2);
    put_row(message, 2, (const char *const[]){"alice", hash});
    put_end(message);
    return true;
}

static bool answer_another_name(struct message *message)
{
    put_columns(message, 2);
    put_row(message, 2, (const char *const[]){"Alice", hash});
    put_end(message);
    return true;
}

static bool answer_no_name(struct message *message)
{
    put_columns(message, 2);
    put_row(message, 2, (const char *const[]){NULL, hash});
    put_end(message);
    return true;
}

static bool answer_no_hash(struct message *message)
{
    put_columns(message, 2);
    put_row(message, 2, (const char *const[]){"alice", NULL});
    put_end(message);
    return true;
}

static bool answer_one_column(struct message *message)
{
    put_columns(message, 1);
    put_row(message, 1, (const char *const[]){"alice"});
    put_end(message);
    return true;
}

static bool answer_no_column(struct message *message)
{
    put_columns(message, 0);
    put_row(message, 0, NULL);
    put_end(message);
    return true;
}

static bool answer_two_rows(struct message *message)
{
    put_columns(message, 2);
    put_row(message, 2, (const char *const[]){"alice", hash});
    put_row(message, 2, (const char *const[]){"alice", hash});
    put_end(message);
    return true;
}

static bool answer_more_values_than_columns(struct message *message)
{
    put_columns(message, 1);
    put_row(message, 2, (const char *const[]){"alice", hash});
    put_end(message);
    return true;
}

static bool answer_nothing(struct message *message)
{
    (void)message;
    return true;
}

static bool answer_silence(struct message *message)
{
    (void)message;
    return false;
}

static bool answer_half(struct message *message)
{
    (void)answer_truth(message);
    message->size -= 30;
    return false;
}

static bool answer_a_giant(struct message *message)
{
    put_columns(message, 2);
    put(message, "D", 1);
    put32(message, 0x3fffffff);
    return false;
}

static bool answer_copy(struct message *message)
{
    put_simple(message, 'H', "\0\0\0", 3);
    return true;
}

static bool answer_copy_in(struct message *message)
{
    put_simple(message, 'G', "\0\0\0", 3);
    return true;
}

static bool answer_error_without_state(struct message *message)
{
    put_simple(message, 'E', "SFATAL\0Mthis is a message\0", 27);
    return true;
}

static bool answer_truth_and_error(struct message *message)
{
    (void)answer_truth(message);
    put_simple(message, 'E', "SERROR\0C40001\0Mx\0", 18);
    return true;
}

static bool answer_noise(struct message *message)
{
    for (uint8_t i = 0; i < 200; i++)
        put(message, &(uint8_t){(uint8_t)(i * 37 + 11)}, 1);
    return false;
}

static const struct {
    answer_fn *fn;
    int rc;
    int timeout;
} answers[] = {
    {answer_truth, 0, PATIENT},
    {answer_another_name, -EBADMSG, PATIENT},
    {answer_no_name, -EBADMSG, PATIENT},
    {answer_no_hash, -EBADMSG, PATIENT},
    {answer_one_column, -EBADMSG, PATIENT},
    {answer_no_column, -EBADMSG, PATIENT},
    {answer_two_rows, -EBADMSG, PATIENT},
    {answer_more_values_than_columns, -EAGAIN, PATIENT},
    {answer_nothing, -EAGAIN, PATIENT},
    {answer_silence, -EAGAIN, SHORT},
    {answer_half, -EAGAIN, SHORT},
    {answer_a_giant, -EAGAIN, SHORT},
    {answer_copy, -EBADMSG, PATIENT},
    {answer_copy_in, -EBADMSG, PATIENT},
    {answer_error_without_state, -EAGAIN, PATIENT},
    {answer_truth_and_error, -EAGAIN, PATIENT},
    {answer_noise, -EAGAIN, SHORT},
};

/* --- talking ------------------------------------------------------------------------------------------------------ */

static bool read_head(int fd, uint32_t *kind)
{
    uint32_t head[2];
    uint8_t rest[4096];

    if (!liar_read(fd, head, sizeof head))
        return false;
    *kind = ntohl(head[1]);
    return liar_read(fd, rest, ntohl(head[0]) - sizeof head);
}

/* Reads up to a sync; which of "P" and "B" came before it? */
static bool read_question(int fd, char *type)
{
    uint8_t head[5];
    uint8_t rest[4096];
    uint32_t size;

    *type = 0;
    do {
        if (!liar_read(fd, head, sizeof head))
            return false;
        memcpy(&size, head + 1, 4);
        size = ntohl(size) - 4;
        assert(size <= sizeof rest);
        if (!liar_read(fd, rest, size))
            return false;
        if (head[0] == 'P' || head[0] == 'B')
            *type = (char)head[0];
    } while (head[0] != 'S');
    return true;
}

/* Speaks as it should, up to the answer to the second question: the first is the one for the version. */
static void talk_and_answer(int fd, void *arg)
{
    answer_fn *const *answer = arg;
    struct message message = {.size = 0};
    uint32_t kind;
    int questions = 0;
    char type;

    if (!read_head(fd, &kind))
        return;
    put_simple(&message, 'R', "\0\0\0\0", 4);
    put_ready(&message);
    while (liar_write(fd, message.octets, message.size) && read_question(fd, &type)) {
        bool ready = true;

        message.size = 0;
        put_simple(&message, type == 'P' ? '1' : '2', NULL, 0);
        if (type == 'B' && questions++ == 0) {
            put_columns(&message, 2);
            put_row(&message, 2, (const char *const[]){"1", "250"});
            put_end(&message);
        } else if (type == 'B') {
            ready = (*answer)(&message);
        }
        if (ready)
            put_ready(&message);
    }
}

static void talk_noise(int fd, void *arg)
{
    liar_noise(fd, *(unsigned *)arg);
}

static void talk_nothing(int fd, void *arg)
{
    (void)arg;
    liar_wait(fd);
}

static void talk_goodbye(int fd, void *arg)
{
    (void)fd;
    (void)arg;
}

/* Notices without an end, each a whole message. */
static void talk_drip(int fd, void *arg)
{
    static const uint8_t notice[] = {'N', 0, 0, 0, 5, 0};
    uint32_t kind;

    (void)arg;
    if (read_head(fd, &kind) && liar_write(fd, "R\0\0\0\10\0\0\0\0", 9))
        liar_drip(fd, notice, sizeof notice);
}

static void talk_flood(int fd, void *arg)
{
    static const uint8_t notices[6 * 512];
    uint8_t octets[sizeof notices];
    uint32_t kind;

    (void)arg;
    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (uint8_t[]){'N', 0, 0, 0, 5, 0}[i % 6];
    if (!read_head(fd, &kind) || !liar_write(fd, "R\0\0\0\10\0\0\0\0", 9))
        return;
    while (liar_write(fd, octets, sizeof octets))
        ;
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static int ask(const char *url, int timeout)
{
    struct auth_settings settings = {.name = "liar", .url = url, .timeout = timeout, .sessions = 1};
    struct auth_record record = {.user_id = ""};
    struct auth_backend *backend;
    struct auth_session *session;
    const char *error;
    int rc;

    assert_int_equal(ops->open(&settings, &backend, &error), 0);
    assert_int_equal(ops->begin(backend, &session), 0);
    rc = ops->check_password(session, "alice", "secret", &record);
    assert_string_equal(record.user_id, rc ? "" : "alice");
    ops->end(session);
    ops->close(backend);
    return rc;
}

static int ask_liar(liar_fn *talk, void *arg, int timeout)
{
    char path[96];
    char url[128];
    struct liar liar;
    int rc;

    (void)snprintf(path, sizeof path, "%s/.s.PGSQL.5432", folder);
    (void)snprintf(url, sizeof url, "postgresql:host=%s dbname=x user=y", folder);
    liar_begin(&liar, path, talk, arg);
    rc = ask(url, timeout);
    liar_end(&liar);
    (void)unlink(path);
    return rc;
}

static void test_wrong_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        answer_fn *answer = answers[i].fn;
        int rc = ask_liar(talk_and_answer, &answer, answers[i].timeout);

        if (rc != answers[i].rc)
            fail_msg("answer %zu: %d", i, rc);
    }
}

static void test_no_protocol_at_all(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 8; seed++)
        assert_int_equal(ask_liar(talk_noise, &seed, SHORT), -EAGAIN);
    assert_int_equal(ask_liar(talk_nothing, NULL, SHORT), -EAGAIN);
    assert_int_equal(ask_liar(talk_goodbye, NULL, SHORT), -EAGAIN);
    assert_int_equal(ask_liar(talk_drip, NULL, SHORT), -EAGAIN);
    assert_int_equal(ask_liar(talk_flood, NULL, SHORT), -EAGAIN);
}

/* Says that it does not speak TLS. What comes then, if anything, is a name in plaintext. */
static void talk_without_tls(int fd, void *arg)
{
    uint32_t *kinds = arg;
    uint32_t kind;

    while (read_head(fd, &kind)) {
        kinds[kind == SSL_REQUEST]++;
        (void)liar_write(fd, "N", 1);
    }
}

/* By TCP nothing is said in plaintext, unless the URL says so. */
static void test_tls_is_not_given_up(void **state)
{
    struct liar liar;
    uint32_t kinds[2] = {0, 0};
    char url[96];

    (void)state;
    liar_begin(&liar, NULL, talk_without_tls, kinds);
    (void)snprintf(url, sizeof url, "postgresql://alice@127.0.0.1:%d/x", liar.port);
    assert_int_equal(ask(url, PATIENT), -EAGAIN);
    liar_end(&liar);
    assert_int_equal(kinds[0], 0);
    liar_begin(&liar, NULL, talk_without_tls, kinds);
    (void)snprintf(url, sizeof url, "postgresql://alice@127.0.0.1:%d/x?sslmode=prefer", liar.port);
    assert_int_equal(ask(url, PATIENT), -EAGAIN);
    liar_end(&liar);
    assert_int_equal(kinds[0], 1);
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/ironauth-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return auth_password_hash(hash, "secret");
}

static int teardown(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_answers),
        cmocka_unit_test(test_no_protocol_at_all),
        cmocka_unit_test(test_tls_is_not_given_up),
    };

    ops = auth_backend_find("postgresql:");
    if (!ops)
        return 77;
    return cmocka_run_group_tests(tests, setup, teardown);
}
