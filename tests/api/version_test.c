/* SPDX-License-Identifier: ISC */
/* What the library tells about itself: version, capabilities, texts of errors. */
#include "support.h"

#include <errno.h>
#include <string.h>

static void test_version(void **state)
{
    (void)state;
    int major = 0;
    int minor = 0;
    int patch = 0;
    zmq_version(&major, &minor, &patch);
    assert_int_equal(major, 4);
    assert_int_equal(minor, 3);
    assert_in_range(patch, 4, 99);
}

static void test_capabilities(void **state)
{
    (void)state;
    assert_int_equal(zmq_has("ipc"), 1);
    assert_int_equal(zmq_has("curve"), 1);
    static const char *const absent[] = {"",      "CURVE", "Curve", "curve ", "curv", "curve25519",
                                         "plain", "null",  "tcp",   "inproc", "udp",  "vmci",
                                         "zap",   "vsock", "draft", "ws",     "wss",  "\xff"};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        if (zmq_has(absent[i]) != 0)
            fail_msg("zmq_has(\"%s\")", absent[i]);
}

static void test_error_texts_of_our_own(void **state)
{
    (void)state;
    assert_string_equal(zmq_strerror(EFSM), "Operation cannot be accomplished in current state");
    assert_string_equal(zmq_strerror(ENOCOMPATPROTO), "The protocol is not compatible with the socket type");
    assert_string_equal(zmq_strerror(ETERM), "Context was terminated");
    assert_string_equal(zmq_strerror(EMTHREAD), "No thread available");
    assert_string_equal(zmq_strerror(EHOSTUNREACH), "Host unreachable");
}

static void test_other_error_texts_are_the_system_s(void **state)
{
    (void)state;
    for (int number = -2; number < 200; number++) {
        if (number == EHOSTUNREACH)
            continue;
        char text[128];
        strncpy(text, strerror(number), sizeof text - 1);
        text[sizeof text - 1] = '\0';
        assert_string_equal(zmq_strerror(number), text);
    }
    assert_string_equal(zmq_strerror(ZMQ_HAUSNUMERO), "Unknown error 156384712");
    assert_string_equal(zmq_strerror(ZMQ_HAUSNUMERO + 9), "Unknown error 156384721");
}

static void test_errno_is_the_system_s(void **state)
{
    (void)state;
    static const int numbers[] = {0, EAGAIN, EINVAL, EFSM, ETERM};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        errno = numbers[i];
        assert_int_equal(zmq_errno(), numbers[i]);
        assert_int_equal(errno, numbers[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_capabilities),
        cmocka_unit_test(test_error_texts_of_our_own),
        cmocka_unit_test(test_other_error_texts_are_the_system_s),
        cmocka_unit_test(test_errno_is_the_system_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
