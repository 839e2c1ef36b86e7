/* SPDX-License-Identifier: ISC */
/* The back end LDAP against a server that speaks the protocol (RFC 4511), and lies: nobody gets in, and nobody waits for longer
 * than the time limit. */
#include <assert.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "auth/backend.h"
#include "liar.h"

#include <cmocka.h>

enum { PATIENT = 20000, SHORT = 250 /* ms; where the time limit must end it */ };

/* Tags of RFC 4511, appendix B. */
enum {
    OCTETS = 0x04,
    ENUMERATED = 0x0a,
    SEQUENCE = 0x30,
    SET = 0x31,
    BIND = 0x60,
    BIND_DONE = 0x61,
    UNBIND = 0x42,
    SEARCH = 0x63,
    ENTRY = 0x64,
    SEARCH_DONE = 0x65,
    REFERENCE = 0x73,
    EXTENDED_DONE = 0x78,
};

static const struct auth_backend_ops *ops;
static char folder[64];
static char socket_path[96];
static char url[128];

/* --- messages ----------------------------------------------------------------------------------------------------- */

/* Several messages, or parts of one. */
struct message {
    uint8_t octets[8192];
    size_t size;
};

static void put(struct message *message, const void *octets, size_t size)
{
    assert(size <= sizeof message->octets - message->size);
    if (size)
        memcpy(message->octets + message->size, octets, size);
    message->size += size;
}

static void put_value(struct message *message, uint8_t tag, const void *octets, size_t size)
{
    const uint8_t head[] = {tag, 0x82, (uint8_t)(size >> 8), (uint8_t)size};

    put(message, head, sizeof head);
    put(message, octets, size);
}

static void put_text(struct message *message, const char *text)
{
    put_value(message, OCTETS, text, strlen(text));
}

static void put_message(struct message *message, uint8_t id, uint8_t tag, const struct message *content)
{
    struct message inner = {.size = 0};

    put(&inner, (const uint8_t[]){2, 1, id}, 3);
    put_value(&inner, tag, content->octets, content->size);
    put_value(message, SEQUENCE, inner.octets, inner.size);
}

static void put_result(struct message *message, uint8_t id, uint8_t tag, uint8_t code)
{
    struct message content = {.size = 0};

    put(&content, (const uint8_t[]){ENUMERATED, 1, code}, 3);
    put_text(&content, "");
    put_text(&content, "");
    put_message(message, id, tag, &content);
}

/* An entry with one attribute of one value; size 0: without. */
static void put_entry(struct message *message, uint8_t id, const char *dn, const char *name, const void *value,
                      size_t size)
{
    struct message values = {.size = 0};
    struct message attribute = {.size = 0};
    struct message attributes = {.size = 0};
    struct message content = {.size = 0};

    put_value(&values, OCTETS, value, size);
    put_text(&attribute, name);
    put_value(&attribute, SET, values.octets, values.size);
    put_value(&attributes, SEQUENCE, attribute.octets, attribute.size);
    put_text(&content, dn);
    put_value(&content, SEQUENCE, attributes.octets, size ? attributes.size : 0);
    put_message(message, id, ENTRY, &content);
}

/* --- what it says ------------------------------------------------------------------------------------------------- */

/* An answer to a request; what it does not answer with a lie, truth() does. */
typedef void(answer_fn)(struct message *message, uint8_t id, uint8_t tag);

static void truth(struct message *message, uint8_t id, uint8_t tag)
{
    if (tag == BIND) {
        put_result(message, id, BIND_DONE, 0);
    } else {
        put_entry(message, id, "uid=alice", "uid", "alice", 5);
        put_result(message, id, SEARCH_DONE, 0);
    }
}

static void bind_answered_by_a_search(struct message *message, uint8_t id, uint8_t tag)
{
    if (tag == BIND)
        put_result(message, id, SEARCH_DONE, 0);
    else
        truth(message, id, tag);
}

static void bind_of_somebody_else(struct message *message, uint8_t id, uint8_t tag)
{
    if (tag == BIND)
        put_result(message, (uint8_t)(id + 1), BIND_DONE, 0);
    else
        truth(message, id, tag);
}

static void bind_that_goes_on(struct message *message, uint8_t id, uint8_t tag)
{
    if (tag == BIND)
        put_result(message, id, BIND_DONE, 14);
    else
        truth(message, id, tag);
}

static void bind_elsewhere(struct message *message, uint8_t id, uint8_t tag)
{
    if (tag == BIND)
        put_result(message, id, BIND_DONE, 10);
    else
        truth(message, id, tag);
}

static void bind_wants_more(struct message *message, uint8_t id, uint8_t tag)
{
    if (tag == BIND)
        put_result(message, id, BIND_DONE, 13);
    else
        truth(message, id, tag);
}

static void bind_without_a_result(struct message *message, uint8_t id, uint8_t tag)
{
    if (tag == BIND)
        put_message(message, id, BIND_DONE, &(struct message){.size = 0});
    else
        truth(message, id, tag);
}

static void bind_in_silence(struct message *message, uint8_t id, uint8_t tag)
{
    if (tag != BIND)
        truth(message, id, tag);
}

static void two_entries(struct message *message, uint8_t id, uint8_t tag)
{
    if (tag == SEARCH)
        put_entry(message, id, "uid=other", "uid", "alice", 5);
    truth(message, id, tag);
}

static void many_entries(struct message *message, uint8_t id, uint8_t tag)
{
    for (int i = 0; i < 20 && tag == SEARCH; i++)
        put_entry(message, id, "uid=other", "uid", "bob", 3);
    truth(message, id, tag);
}

static void no_name(struct message *message, uint8_t id, uint8_t tag)
{
    if (tag == BIND) {
        truth(message, id, tag);
    } else {
        put_entry(message, id, "", "uid", "alice", 5);
        put_result(message, id, SEARCH_DONE, 0);
    }
}

static void another(struct message *message, uint8_t id, const char *name, const char *value, size_t size)
{
    put_entry(message, id, "uid=alice", name, value, size);
    put_result(message, id, SEARCH_DONE, 0);
}

static void no_attribute(struct message *message, uint8_t id, uint8_t tag)
{
    if (tag == BIND)
        truth(message, id, tag);
    else
        another(message, id, "uid", "", 0);
}

static void another_attribute(struct message *message, uint8_t id, uint8_t tag)
{
    if (tag == BIND)
        truth(message, id, tag);
    else
        another(message, id, "cn", "alice", 5);
}

static void another_case(struct message *message, uint8_t id, uint8_t tag)
{
    if (tag == BIND)
        truth(message, id, tag);
    else
        another(message, id, "uid", "Alice", 5);
}

static void hidden_tail(struct message *message, uint8_t id, uint8_t tag)
{
    if (tag == BIND)
        truth(message, id, tag);
    else
        another(message, id, "uid", "alice\0x", 7);
}

static void search_with_code(struct message *message, uint8_t id, uint8_t tag, uint8_t code)
{
    if (tag == BIND) {
        truth(message, id, tag);
    } else {
        put_entry(message, id, "uid=alice", "uid", "alice", 5);
        put_result(message, id, SEARCH_DONE, code);
    }
}

static void search_busy(struct message *message, uint8_t id, uint8_t tag)
{
    search_with_code(message, id, tag, 51);
}

static void search_elsewhere(struct message *message, uint8_t id, uint8_t tag)
{
    search_with_code(message, id, tag, 10);
}

static void search_cut(struct message *message, uint8_t id, uint8_t tag)
{
    search_with_code(message, id, tag, 4);
}

static void search_answered_by_a_bind(struct message *message, uint8_t id, uint8_t tag)
{
    (void)tag;
    put_result(message, id, BIND_DONE, 0);
}

static void only_references(struct message *message, uint8_t id, uint8_t tag)
{
    struct message content = {.size = 0};

    if (tag == BIND) {
        truth(message, id, tag);
        return;
    }
    put_text(&content, "ldap://127.0.0.1:1/");
    put_message(message, id, REFERENCE, &content);
    put_result(message, id, SEARCH_DONE, 0);
}

static void half_an_entry(struct message *message, uint8_t id, uint8_t tag)
{
    truth(message, id, tag);
    if (tag == SEARCH)
        message->size = 20;
}

static void a_giant(struct message *message, uint8_t id, uint8_t tag)
{
    static const uint8_t head[] = {SEQUENCE, 0x84, 0x7f, 0xff, 0xff, 0xff, 2, 1};

    if (tag == BIND)
        truth(message, id, tag);
    else
        put(message, head, sizeof head);
}

static void garbage_in_a_frame(struct message *message, uint8_t id, uint8_t tag)
{
    struct message content = {.size = 0};

    put(&content, "\x30\x84\xff\xff\xff\xff\x04\x7f", 8);
    put_message(message, id, tag == BIND ? BIND_DONE : ENTRY, &content);
}

static void disconnection(struct message *message, uint8_t id, uint8_t tag)
{
    (void)id;
    (void)tag;
    put_result(message, 0, EXTENDED_DONE, 52);
}

static const struct {
    const char *name;
    answer_fn *fn;
    int rc;
    int timeout;
} answers[] = {
    {"truth", truth, 0, PATIENT},
    {"bind_answered_by_a_search", bind_answered_by_a_search, -EBADMSG, PATIENT},
    {"bind_of_somebody_else", bind_of_somebody_else, -EAGAIN, SHORT},
    {"bind_that_goes_on", bind_that_goes_on, -EBADMSG, PATIENT},
    {"bind_elsewhere", bind_elsewhere, -EBADMSG, PATIENT},
    {"bind_wants_more", bind_wants_more, -EBADMSG, PATIENT},
    {"bind_without_a_result", bind_without_a_result, -EBADMSG, PATIENT},
    {"bind_in_silence", bind_in_silence, -EAGAIN, SHORT},
    {"two_entries", two_entries, -EBADMSG, PATIENT},
    {"many_entries", many_entries, -EBADMSG, PATIENT},
    {"no_name", no_name, -EBADMSG, PATIENT},
    {"no_attribute", no_attribute, -ENOENT, PATIENT},
    {"another_attribute", another_attribute, -ENOENT, PATIENT},
    {"another_case", another_case, -ENOENT, PATIENT},
    {"hidden_tail", hidden_tail, -ENOENT, PATIENT},
    {"search_busy", search_busy, -EAGAIN, PATIENT},
    {"search_elsewhere", search_elsewhere, -EBADMSG, PATIENT},
    {"search_cut", search_cut, -EBADMSG, PATIENT},
    {"search_answered_by_a_bind", search_answered_by_a_bind, -EBADMSG, PATIENT},
    {"only_references", only_references, -ENOENT, PATIENT},
    {"half_an_entry", half_an_entry, -EAGAIN, SHORT},
    {"a_giant", a_giant, -EAGAIN, SHORT},
    {"garbage_in_a_frame", garbage_in_a_frame, -EAGAIN, SHORT},
    {"disconnection", disconnection, -EAGAIN, SHORT},
};

/* --- talking ------------------------------------------------------------------------------------------------------ */

/* A request: its message id, and the tag of what it wants. Lengths are short, or have one or two octets. */
static bool read_request(int fd, uint8_t *id, uint8_t *tag)
{
    uint8_t head[4];
    uint8_t rest[2048];
    size_t size;

    if (!liar_read(fd, head, 2))
        return false;
    size = head[1];
    if (size > 0x80) {
        assert(size <= 0x82 && head[0] == SEQUENCE);
        if (!liar_read(fd, head + 2, size - 0x80))
            return false;
        size = size == 0x81 ? head[2] : (size_t)head[2] << 8 | head[3];
    }
    assert(size >= 5 && size <= sizeof rest);
    if (!liar_read(fd, rest, size))
        return false;
    *id = rest[2];
    *tag = rest[3];
    return *tag != UNBIND;
}

static void talk_and_answer(int fd, void *arg)
{
    answer_fn *const *answer = arg;
    uint8_t id;
    uint8_t tag;

    while (read_request(fd, &id, &tag)) {
        struct message message = {.size = 0};

        (*answer)(&message, id, tag);
        if (!liar_write(fd, message.octets, message.size))
            return;
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

/* An entry of somebody else, over and over, octet by octet. */
static void talk_drip(int fd, void *arg)
{
    struct message message = {.size = 0};
    uint8_t id;
    uint8_t tag;

    (void)arg;
    if (!read_request(fd, &id, &tag))
        return;
    put_entry(&message, id, "uid=other", "uid", "bob", 3);
    liar_drip(fd, message.octets, message.size);
}

static void talk_flood(int fd, void *arg)
{
    struct message message = {.size = 0};
    uint8_t id;
    uint8_t tag;

    (void)arg;
    if (!read_request(fd, &id, &tag))
        return;
    put_entry(&message, (uint8_t)(id + 1), "uid=other", "uid", "bob", 3);
    while (liar_write(fd, message.octets, message.size))
        ;
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static const char *get(const void *arg, const char *name)
{
    (void)arg;
    return strcmp(name, "base") == 0 ? "dc=test" : strcmp(name, "key-attribute") == 0 ? "zmqKey" : NULL;
}

static int ask_liar(liar_fn *talk, void *arg, int timeout)
{
    struct auth_settings settings = {.name = "liar", .url = url, .timeout = timeout, .sessions = 1, .get = get};
    struct auth_record record = {.user_id = ""};
    struct auth_backend *backend;
    struct auth_session *session;
    const char *error;
    struct liar liar;
    int rc;

    liar_begin(&liar, socket_path, talk, arg);
    assert_int_equal(ops->open(&settings, &backend, &error), 0);
    assert_int_equal(ops->begin(backend, &session), 0);
    rc = ops->check_password(session, "alice", "secret", &record);
    assert_string_equal(record.user_id, rc ? "" : "alice");
    assert_true(ops->find_key(session, (const uint8_t[AUTH_KEY_SIZE]){1}, &record) < 0);
    ops->end(session);
    ops->close(backend);
    liar_end(&liar);
    (void)unlink(socket_path);
    return rc;
}

static void test_wrong_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        answer_fn *answer = answers[i].fn;
        int rc = ask_liar(talk_and_answer, &answer, answers[i].timeout);

        if (rc != answers[i].rc)
            fail_msg("%s: %d", answers[i].name, rc);
    }
}

static void test_no_protocol_at_all(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 8; seed++)
        assert_int_equal(ask_liar(talk_noise, &seed, SHORT), -EAGAIN);
    assert_int_equal(ask_liar(talk_nothing, NULL, SHORT), -EAGAIN);
    assert_int_equal(ask_liar(talk_goodbye, NULL, SHORT), -EAGAIN);
}

static void test_answers_without_an_end(void **state)
{
    (void)state;
    assert_int_equal(ask_liar(talk_drip, NULL, SHORT), -EAGAIN);
    assert_int_equal(ask_liar(talk_flood, NULL, SHORT), -EAGAIN);
}

/* All that there was, without an end. */
static void talk_of_everything(int fd, void *arg)
{
    struct message message = {.size = 0};
    uint8_t id;
    uint8_t tag;

    (void)arg;
    if (!read_request(fd, &id, &tag))
        return;
    put_entry(&message, id, "uid=other", "uid", "bob", 3);
    while (liar_write(fd, message.octets, message.size))
        ;
}

/* Whatever is said to who watches, it is a change, or no news; and it can be stopped. */
static void test_watching_a_liar(void **state)
{
    struct auth_settings settings = {.name = "liar", .url = url, .timeout = SHORT, .sessions = 1, .get = get};
    static liar_fn *const talks[] = {talk_noise, talk_goodbye, talk_drip, talk_flood, talk_nothing, talk_of_everything};
    unsigned seed = 3;

    (void)state;
    for (size_t i = 0; i < sizeof talks / sizeof talks[0]; i++) {
        int stop = eventfd(0, EFD_CLOEXEC);
        struct auth_backend *backend;
        struct auth_session *session;
        const char *error;
        struct liar liar;

        liar_begin(&liar, socket_path, talks[i], &seed);
        assert_int_equal(ops->open(&settings, &backend, &error), 0);
        assert_int_equal(ops->begin(backend, &session), 0);
        if (talks[i] != talk_of_everything) /* which has no end by itself */
            assert_int_equal(ops->watch(session, stop), -EAGAIN);
        assert_int_equal(eventfd_write(stop, 1), 0);
        assert_int_equal(ops->watch(session, stop), 0);
        ops->end(session);
        ops->close(backend);
        liar_end(&liar);
        (void)unlink(socket_path);
        (void)close(stop);
    }
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/ironauth-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(socket_path, sizeof socket_path, "%s/s", folder);
    (void)snprintf(url, sizeof url, "ldapi://%%2ftmp%%2f%s%%2fs", folder + 5);
    return 0;
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
        cmocka_unit_test(test_answers_without_an_end),
        cmocka_unit_test(test_watching_a_liar),
    };

    ops = auth_backend_find("ldap:");
    if (!ops)
        return 77;
    return cmocka_run_group_tests(tests, setup, teardown);
}
