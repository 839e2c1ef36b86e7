/* SPDX-License-Identifier: ISC */
/* Keys, counters, threads and stopwatches, by the public functions alone. */
#include <zmq.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The key pair of the server in the manual, zmq_curve(7). */
static const char server_secret[] = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";
static const char server_public[] = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";

static void z85_returns_its_destination(void **state)
{
    static const uint8_t octets[8] = {0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b};
    uint8_t decoded[8];
    char text[11];

    (void)state;
    assert_ptr_equal(zmq_z85_encode(text, octets, 8), text);
    assert_string_equal(text, "HelloWorld");
    assert_ptr_equal(zmq_z85_decode(decoded, text), decoded);
    assert_memory_equal(decoded, octets, 8);
    assert_ptr_equal(zmq_z85_encode(text, octets, 0), text);
    assert_string_equal(text, "");
}

static void z85_refuses_what_is_none(void **state)
{
    static const char *const texts[] = {"",      "abcd",     "abcdef", "ab\"de",  "#####",
                                        "%nSc1", "0000\x80", "0000 ",  "0000\x1f"};
    uint8_t decoded[8];
    char text[11];

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        errno = 0;
        assert_null(zmq_z85_decode(decoded, texts[i]));
        assert_int_equal(errno, EINVAL);
    }
    errno = 0;
    assert_null(zmq_z85_encode(text, (const uint8_t *)"octets", 7));
    assert_int_equal(errno, EINVAL);
}

static void keys_come_in_pairs(void **state)
{
    char public_key[41];
    char secret_key[41];
    char derived[41];
    char other[41];

    (void)state;
    assert_int_equal(zmq_curve_keypair(public_key, secret_key), 0);
    assert_int_equal(strlen(public_key), 40);
    assert_int_equal(strlen(secret_key), 40);
    assert_int_equal(zmq_curve_public(derived, secret_key), 0);
    assert_string_equal(derived, public_key);
    assert_int_equal(zmq_curve_keypair(other, derived), 0);
    assert_string_not_equal(other, public_key);
    assert_int_equal(zmq_curve_public(derived, server_secret), 0);
    assert_string_equal(derived, server_public);
}

static void public_keys_come_from_keys_only(void **state)
{
    static const char *const texts[] = {"", "ab", "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~",
                                        "########################################"};
    char public_key[41];

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        errno = 0;
        assert_int_equal(zmq_curve_public(public_key, texts[i]), -1);
        assert_int_equal(errno, EINVAL);
    }
}

static void counters_count(void **state)
{
    void *counter = zmq_atomic_counter_new();

    (void)state;
    assert_non_null(counter);
    assert_int_equal(zmq_atomic_counter_value(counter), 0);
    assert_int_equal(zmq_atomic_counter_inc(counter), 0);
    assert_int_equal(zmq_atomic_counter_inc(counter), 1);
    assert_int_equal(zmq_atomic_counter_dec(counter), 1);
    assert_int_equal(zmq_atomic_counter_dec(counter), 0);
    assert_int_equal(zmq_atomic_counter_dec(counter), 1);
    assert_int_equal(zmq_atomic_counter_value(counter), -1);
    zmq_atomic_counter_set(counter, 7);
    assert_int_equal(zmq_atomic_counter_inc(counter), 7);
    zmq_atomic_counter_destroy(&counter);
    assert_null(counter);
}

static void count_thousand(void *counter)
{
    for (int i = 0; i < 1000; i++)
        (void)zmq_atomic_counter_inc(counter);
}

static void threads_run_and_are_waited_for(void **state)
{
    void *counter = zmq_atomic_counter_new();
    void *threads[4];

    (void)state;
    for (int i = 0; i < 4; i++) {
        threads[i] = zmq_threadstart(count_thousand, counter);
        assert_non_null(threads[i]);
    }
    for (int i = 0; i < 4; i++)
        zmq_threadclose(threads[i]);
    assert_int_equal(zmq_atomic_counter_value(counter), 4000);
    zmq_atomic_counter_destroy(&counter);
}

static void look_at_signals(void *blocked)
{
    sigset_t set;

    if (pthread_sigmask(SIG_BLOCK, NULL, &set) == 0)
        *(int *)blocked = sigismember(&set, SIGINT) && sigismember(&set, SIGUSR1);
}

static void threads_leave_signals_to_the_program(void **state)
{
    int blocked = 0;
    sigset_t set;

    (void)state;
    zmq_threadclose(zmq_threadstart(look_at_signals, &blocked));
    assert_int_equal(blocked, 1);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &set), 0);
    assert_int_equal(sigismember(&set, SIGINT), 0);
}

static void stopwatches_run_forward(void **state)
{
    void *watch = zmq_stopwatch_start();
    unsigned long first;
    unsigned long second;

    (void)state;
    assert_non_null(watch);
    first = zmq_stopwatch_intermediate(watch);
    second = first;
    while (second <= first)
        second = zmq_stopwatch_intermediate(watch);
    assert_true(zmq_stopwatch_stop(watch) >= second);
    zmq_sleep(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(z85_returns_its_destination),
        cmocka_unit_test(z85_refuses_what_is_none),
        cmocka_unit_test(keys_come_in_pairs),
        cmocka_unit_test(public_keys_come_from_keys_only),
        cmocka_unit_test(counters_count),
        cmocka_unit_test(threads_run_and_are_waited_for),
        cmocka_unit_test(threads_leave_signals_to_the_program),
        cmocka_unit_test(stopwatches_run_forward),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
