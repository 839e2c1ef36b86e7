/* SPDX-License-Identifier: ISC */
#include "auth/zap.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define FRAME(text) ((struct auth_frame){text, sizeof(text) - 1})

enum { ID = 1, DOMAIN, ADDRESS, IDENTITY, MECHANISM, FIRST, SECOND };

static const char key_text[] = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"; /* RFC 32 knows it; RFC 26's example */

/* A request that is well; tests spoil it. */
struct sample {
    struct auth_frame frames[AUTH_ZAP_FRAMES_MAX + 1];
    size_t count;
};

static struct sample plain(void)
{
    return (struct sample){{FRAME("1.0"), FRAME("id\0\xff"), FRAME("global"), FRAME("10.1.2.3"), FRAME("BOB"),
                            FRAME("PLAIN"), FRAME("admin"), FRAME("secret")},
                           8};
}

static struct sample null(void)
{
    struct sample sample = plain();

    sample.frames[MECHANISM] = FRAME("NULL");
    sample.count = 6;
    return sample;
}

static struct sample curve(const uint8_t key[AUTH_KEY_SIZE])
{
    struct sample sample = plain();

    sample.frames[MECHANISM] = FRAME("CURVE");
    sample.frames[FIRST] = (struct auth_frame){key, AUTH_KEY_SIZE};
    sample.count = 7;
    return sample;
}

static int parse(const struct sample *sample, struct auth_request *request)
{
    struct auth_frame id;
    const char *why = NULL;
    int rc = auth_zap_parse(request, &id, sample->frames, sample->count, &why);

    assert_true((rc == 0) == (why == NULL));
    assert_int_equal(id.size, sample->count > ID ? sample->frames[ID].size : 0);
    assert_memory_equal(id.data, sample->count > ID ? sample->frames[ID].data : "", id.size);
    if (rc < 0) {
        assert_string_equal(request->user, "");
        assert_string_equal(request->password, "");
    }
    return rc;
}

static void test_requests(void **state)
{
    uint8_t key[AUTH_KEY_SIZE];
    struct auth_request request;
    struct sample sample = plain();

    (void)state;
    assert_int_equal(parse(&sample, &request), 0);
    assert_int_equal(request.mechanism, AUTH_MECHANISM_PLAIN);
    assert_string_equal(request.domain, "global");
    assert_string_equal(request.address, "10.1.2.3");
    assert_string_equal(request.user, "admin");
    assert_string_equal(request.password, "secret");
    assert_false(request.review);
    assert_string_equal(request.stamp, "");

    sample = null();
    assert_int_equal(parse(&sample, &request), 0);
    assert_int_equal(request.mechanism, AUTH_MECHANISM_NULL);
    assert_string_equal(request.user, "");

    memset(key, 7, sizeof key);
    sample = curve(key);
    assert_int_equal(parse(&sample, &request), 0);
    assert_int_equal(request.mechanism, AUTH_MECHANISM_CURVE);
    assert_memory_equal(request.key, key, sizeof key);

    /* libzmq asks with an empty domain if none is set; ipc has no address of the kind that RFC 27 means. */
    sample = plain();
    sample.frames[DOMAIN] = sample.frames[ADDRESS] = sample.frames[IDENTITY] = (struct auth_frame){NULL, 0};
    sample.frames[FIRST] = sample.frames[SECOND] = (struct auth_frame){NULL, 0};
    assert_int_equal(parse(&sample, &request), 0);
    assert_string_equal(request.domain, "");
    assert_string_equal(request.user, "");
}

static void test_malformed_requests(void **state)
{
    struct auth_request request;
    struct sample sample = plain();

    (void)state;
    for (sample.count = 0; sample.count < 6; sample.count++)
        assert_int_equal(parse(&sample, &request), -EINVAL);
    sample = plain();
    for (size_t i = sample.count; i < AUTH_ZAP_FRAMES_MAX + 1; i++)
        sample.frames[i] = FRAME("x");
    for (sample.count = 9; sample.count <= AUTH_ZAP_FRAMES_MAX; sample.count++)
        assert_int_equal(parse(&sample, &request), -EACCES);
    assert_int_equal(parse(&sample, &request), -EINVAL);
    static const struct auth_frame versions[] = {FRAME("1.1"), FRAME("1.0 "), FRAME("1.0\0"), FRAME("1."), FRAME("")};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        sample = plain();
        sample.frames[0] = versions[i];
        assert_int_equal(parse(&sample, &request), -EINVAL);
    }
}

static void test_unknown_mechanisms(void **state)
{
    static const struct auth_frame names[] = {FRAME(""),       FRAME("plain"),  FRAME("PLAIN\0"), FRAME("PLAI"),
                                              FRAME("GSSAPI"), FRAME("CURVE "), FRAME("\0")};
    struct auth_request request;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct sample sample = plain();

        sample.frames[MECHANISM] = names[i];
        assert_int_equal(parse(&sample, &request), -EACCES);
        assert_string_equal(request.domain, "global");
        assert_string_equal(request.address, "10.1.2.3");
    }
}

static void test_wrong_credentials(void **state)
{
    uint8_t key[AUTH_KEY_SIZE + 1] = {0};
    struct auth_request request;
    struct sample sample = null();

    (void)state;
    sample.count = 7;
    assert_int_equal(parse(&sample, &request), -EACCES);
    sample = plain();
    sample.count = 7;
    assert_int_equal(parse(&sample, &request), -EACCES);
    sample = curve(key);
    sample.count = 6;
    assert_int_equal(parse(&sample, &request), -EACCES);
    sample.count = 8;
    assert_int_equal(parse(&sample, &request), -EACCES);
    for (size_t size = 0; size <= AUTH_KEY_SIZE + 1; size++) {
        sample = curve(key);
        sample.frames[FIRST].size = size;
        assert_int_equal(parse(&sample, &request), size == AUTH_KEY_SIZE ? 0 : -EACCES);
    }
    /* A key as text is no key. */
    sample.frames[FIRST] = (struct auth_frame){key_text, sizeof key_text - 1};
    assert_int_equal(parse(&sample, &request), -EACCES);
}

static void test_texts(void **state)
{
    static const size_t fields[] = {DOMAIN, ADDRESS, FIRST, SECOND};
    static const struct auth_frame wrong[] = {FRAME("a\0b"),    FRAME("\0"),       FRAME("a\nb"),
                                              FRAME("\x1b[2J"), FRAME("a\x7f"),    FRAME("a\tb"),
                                              FRAME("\xff"),    FRAME("\xc0\x80"), FRAME("\xc2\x9b")};
    char text[AUTH_TEXT_MAX + 1];
    struct auth_request request;

    (void)state;
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        struct sample sample = plain();

        sample.frames[fields[i]] = (struct auth_frame){text, AUTH_TEXT_MAX};
        assert_int_equal(parse(&sample, &request), 0);
        sample.frames[fields[i]].size++;
        assert_int_equal(parse(&sample, &request), -EACCES);
        for (size_t j = 0; j < sizeof wrong / sizeof wrong[0]; j++) {
            sample.frames[fields[i]] = wrong[j];
            assert_int_equal(parse(&sample, &request), -EACCES);
        }
    }
    /* The identity is binary. */
    struct sample sample = plain();
    sample.frames[IDENTITY] = FRAME("\0\xff");
    assert_int_equal(parse(&sample, &request), 0);
    sample.frames[IDENTITY] = (struct auth_frame){text, AUTH_TEXT_MAX + 1};
    assert_int_equal(parse(&sample, &request), -EACCES);
}

/* ---- replies and grants ---- */

static bool says(const struct auth_frame *frame, const char *text)
{
    return frame->size == strlen(text) && memcmp(frame->data, text, frame->size) == 0;
}

/* The grant in the reply's metadata, after a check of ZMTP's format. */
static void grant_of(char grant[AUTH_ZAP_METADATA_MAX], const struct auth_reply *reply)
{
    const uint8_t *at = reply->frames[5].data;
    size_t name = strlen(AUTH_GRANT);
    size_t size = reply->frames[5].size - 1 - name - 4;

    assert_int_equal(at[0], name);
    assert_memory_equal(at + 1, AUTH_GRANT, name);
    at += 1 + name;
    assert_int_equal((size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3], size);
    memcpy(grant, at + 4, size);
    grant[size] = '\0';
}

static void test_reply(void **state)
{
    static const struct {
        enum auth_status status;
        const char *code, *text;
    } cases[] = {{AUTH_OK, "200", "OK"},
                 {AUTH_TEMPORARY, "300", "Temporary failure"},
                 {AUTH_REFUSED, "400", "No access"},
                 {AUTH_BROKEN, "500", "Internal error"}};
    const struct auth_request request = {.mechanism = AUTH_MECHANISM_PLAIN, .domain = "global", .user = "admin"};
    const struct auth_frame id = FRAME("\0id");
    struct auth_reply reply;
    char grant[AUTH_ZAP_METADATA_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct auth_verdict verdict = {
            .status = cases[i].status, .user_id = "Admin", .reason = "known", .stamp = "0123456789abcdef"};

        auth_zap_reply(&reply, &id, &request, &verdict);
        assert_true(says(&reply.frames[0], "1.0"));
        assert_ptr_equal(reply.frames[1].data, id.data);
        assert_int_equal(reply.frames[1].size, 3);
        assert_true(says(&reply.frames[2], cases[i].code));
        assert_true(says(&reply.frames[3], cases[i].text));
        assert_true(says(&reply.frames[4], cases[i].status == AUTH_OK ? "Admin" : ""));
        if (cases[i].status != AUTH_OK)
            assert_int_equal(reply.frames[5].size, 0);
    }
    auth_zap_reply(&reply, &id, &request, &(struct auth_verdict){.status = AUTH_OK, .stamp = "0123456789abcdef"});
    grant_of(grant, &reply);
    assert_string_equal(grant, "PLAIN\tglobal\tadmin\t0123456789abcdef");
}

/* The longest of everything, and back. */
static void test_grants_return(void **state)
{
    struct auth_request requests[3] = {{.mechanism = AUTH_MECHANISM_NULL, .domain = "global"},
                                       {.mechanism = AUTH_MECHANISM_PLAIN},
                                       {.mechanism = AUTH_MECHANISM_CURVE, .domain = ""}};
    struct auth_verdict verdict = {.status = AUTH_OK, .stamp = "0123456789abcdef"};
    const struct auth_frame id = FRAME("1");
    char grant[AUTH_ZAP_METADATA_MAX];
    struct auth_reply reply;

    (void)state;
    memset(requests[1].domain, 'd', AUTH_TEXT_MAX);
    memset(requests[1].user, '"', AUTH_TEXT_MAX);
    assert_true(auth_key_parse(requests[2].key, key_text));
    for (size_t i = 0; i < 3; i++) {
        struct auth_request again;

        auth_zap_reply(&reply, &id, &requests[i], &verdict);
        grant_of(grant, &reply);
        assert_int_equal(auth_grant_parse(&again, grant, "10.1.2.3"), 0);
        assert_true(again.review);
        assert_int_equal(again.mechanism, requests[i].mechanism);
        assert_string_equal(again.domain, requests[i].domain);
        assert_string_equal(again.user, requests[i].user);
        assert_memory_equal(again.key, requests[i].key, AUTH_KEY_SIZE);
        assert_string_equal(again.stamp, verdict.stamp);
        assert_string_equal(again.address, "10.1.2.3");
        assert_string_equal(again.password, "");
    }
}

static void test_malformed_grants(void **state)
{
    static const char *const cases[] = {
        "",
        "PLAIN",
        "PLAIN\tglobal\tadmin",
        "PLAIN\tglobal\tadmin\tstamp\t",
        "PLAIN\tglobal\tadmin\t0123456789abcdef0",
        "plain\tglobal\tadmin\t",
        "\tglobal\tadmin\t",
        "NULL\tglobal\tadmin\t",
        "CURVE\tglobal\t\t",
        "CURVE\tglobal\trq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf\t",
        "CURVE\tglobal\trq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf78\t",
        "CURVE\tglobal\trq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf~\t",
        "PLAIN\tglo\nbal\tadmin\t",
        "PLAIN\tglobal\tad\xffmin\t",
        "PLAIN\tglobal\tadmin\t\x01",
    };
    struct auth_request request = {.user = "untouched"};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(auth_grant_parse(&request, cases[i], "10.1.2.3"), -EINVAL);
    assert_int_equal(auth_grant_parse(&request, "NULL\tglobal\t\t", "10.\n"), -EINVAL);
    assert_string_equal(request.user, "untouched");
    assert_int_equal(auth_grant_parse(&request, "NULL\t\t\t", ""), 0);
    assert_int_equal(auth_grant_parse(&request, "PLAIN\t\tadmin\t", ""), 0);
}

static void test_keys(void **state)
{
    uint8_t key[AUTH_KEY_SIZE];
    char text[AUTH_KEY_TEXT];

    (void)state;
    assert_true(auth_key_parse(key, key_text));
    assert_string_equal(auth_key_print(text, key), key_text);
    assert_false(auth_key_parse(key, ""));
    assert_false(auth_key_parse(key, "#####rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7")); /* 42 */
    assert_false(auth_key_parse(key, "#####>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"));   /* more than 32 bits */
    assert_false(auth_key_parse(key, "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]y 7"));
    assert_string_equal(auth_key_print(text, key), key_text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_malformed_requests),
        cmocka_unit_test(test_unknown_mechanisms),
        cmocka_unit_test(test_wrong_credentials),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_reply),
        cmocka_unit_test(test_grants_return),
        cmocka_unit_test(test_malformed_grants),
        cmocka_unit_test(test_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
