/* SPDX-License-Identifier: ISC */
/* The resolver, on a name server of the test's own: getaddrinfo is replaced, so that a lookup takes as long as the test
 * wants. */
#include "core/resolver.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { ASKED = 200 };

/* Lookups of "slow" post `begun`, wait until they may end, and post `ended`. */
static sem_t begun, may_end, ended;
static atomic_int lookups;

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): the system's are reserved names */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
    (void)service;
    (void)hints;
    atomic_fetch_add(&lookups, 1);
    if (strcmp(node, "slow") == 0) {
        assert_int_equal(sem_post(&begun), 0);
        while (sem_wait(&may_end) != 0) {
        }
        assert_int_equal(sem_post(&ended), 0);
    }
    if (strcmp(node, "missing") == 0) {
        return EAI_NONAME;
    }
    struct addrinfo *found = calloc(1, sizeof(*found) + sizeof(struct sockaddr_in));
    if (found == NULL) {
        return EAI_MEMORY;
    }
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    memcpy(found + 1, &sin, sizeof(sin));
    found->ai_family = AF_INET;
    found->ai_addr = (struct sockaddr *)(void *)(found + 1);
    found->ai_addrlen = sizeof(sin);
    *result = found;
    return 0;
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
void freeaddrinfo(struct addrinfo *found)
{
    free(found);
}

/* What became of one question. Guarded by owner_lock, as a socket's lock guards it in the library. */
struct answer {
    struct ih_resolve *job;
    int result;
    char text[64];
    bool taken;
    sem_t called;
};

static struct ih_lock owner_lock;

static void done(void *arg, struct ih_resolve *job)
{
    struct answer *answer = arg;
    struct ih_addr addr;
    int result;
    ih_lock_enter(&owner_lock);
    if (ih_resolver_take(job, &result, &addr)) {
        answer->job = NULL;
        answer->taken = true;
        answer->result = result;
        if (result == 0) {
            ih_net_format(&addr, true, answer->text, sizeof(answer->text));
        }
    }
    ih_lock_leave(&owner_lock);
    sem_post(&answer->called);
}

static void wait_for(sem_t *sem)
{
    struct timespec limit;
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &limit), 0);
    limit.tv_sec += 20;
    while (sem_timedwait(sem, &limit) != 0) {
        assert_int_equal(errno, EINTR);
    }
}

static void let_end(int count)
{
    for (int i = 0; i < count; i++) {
        sem_post(&may_end);
    }
    for (int i = 0; i < count; i++) {
        wait_for(&ended);
    }
}

static void ask(struct ih_resolver *resolver, const char *text, bool ipv6, struct answer *answer)
{
    memset(answer, 0, sizeof(*answer));
    assert_int_equal(sem_init(&answer->called, 0, 0), 0);
    ih_lock_enter(&owner_lock);
    assert_int_equal(ih_resolver_ask(resolver, text, ipv6, done, answer, &answer->job), 0);
    ih_lock_leave(&owner_lock);
}

static bool cancel(struct answer *answer)
{
    ih_lock_enter(&owner_lock);
    bool never = answer->job != NULL && ih_resolver_cancel(answer->job);
    answer->job = NULL;
    ih_lock_leave(&owner_lock);
    return never;
}

static void expect(struct answer *answer, int result, const char *text)
{
    wait_for(&answer->called);
    assert_true(answer->taken);
    assert_int_equal(answer->result, result);
    assert_string_equal(answer->text, text);
}

static void answers_with_address_or_error(void **state)
{
    (void)state;
    struct ih_resolver resolver;
    struct answer answer;
    ih_resolver_init(&resolver);
    ask(&resolver, "host:5555", false, &answer);
    expect(&answer, 0, "127.0.0.1:5555");
    ask(&resolver, "127.0.0.2:0;host:99999", false, &answer);
    expect(&answer, 0, "127.0.0.1:34463");
    ask(&resolver, "host:5555", true, &answer);
    expect(&answer, 0, "[::ffff:127.0.0.1]:5555");
    ask(&resolver, "missing:5555", false, &answer);
    expect(&answer, -ENODEV, "");
    ask(&resolver, "no port", false, &answer);
    expect(&answer, -EINVAL, "");
    ih_resolver_fini(&resolver);
}

static void unused_resolver_ends(void **state)
{
    (void)state;
    struct ih_resolver resolver;
    ih_resolver_init(&resolver);
    ih_resolver_fini(&resolver);
}

static void slow_names_do_not_hold_up_others(void **state)
{
    (void)state;
    struct ih_resolver resolver;
    struct answer slow[2], answer;
    ih_resolver_init(&resolver);
    ask(&resolver, "slow:1", false, &slow[0]);
    ask(&resolver, "slow:2", false, &slow[1]);
    wait_for(&begun);
    wait_for(&begun);
    ask(&resolver, "host:3", false, &answer);
    expect(&answer, 0, "127.0.0.1:3");
    let_end(2);
    expect(&slow[0], 0, "127.0.0.1:1");
    expect(&slow[1], 0, "127.0.0.1:2");
    ih_resolver_fini(&resolver);
}

static void cancelled_lookup_is_never_answered(void **state)
{
    (void)state;
    struct ih_resolver resolver;
    struct answer slow, answer;
    ih_resolver_init(&resolver);
    ask(&resolver, "slow:1", false, &slow);
    wait_for(&begun);
    assert_true(cancel(&slow));
    let_end(1);
    ask(&resolver, "host:3", false, &answer);
    expect(&answer, 0, "127.0.0.1:3");
    ih_resolver_fini(&resolver);
    assert_false(slow.taken);
    assert_int_equal(sem_trywait(&slow.called), -1);
}

static void queued_question_is_never_looked_up_once_cancelled(void **state)
{
    (void)state;
    struct ih_resolver resolver;
    struct answer slow[4], queued, answer;
    ih_resolver_init(&resolver);
    for (int i = 0; i < 4; i++) { /* all threads there may be */
        ask(&resolver, "slow:1", false, &slow[i]);
        wait_for(&begun);
    }
    int before = atomic_load(&lookups);
    ask(&resolver, "host:2", false, &queued);
    ask(&resolver, "host:3", false, &answer);
    assert_true(cancel(&queued));
    let_end(4);
    expect(&answer, 0, "127.0.0.1:3");
    for (int i = 0; i < 4; i++) {
        expect(&slow[i], 0, "127.0.0.1:1");
    }
    assert_int_equal(atomic_load(&lookups), before + 1);
    assert_false(queued.taken);
    ih_resolver_fini(&resolver);
}

static void cancelling_races_with_answers(void **state)
{
    (void)state;
    struct ih_resolver resolver;
    static struct answer answers[ASKED];
    ih_resolver_init(&resolver);
    for (int i = 0; i < ASKED; i++) {
        ask(&resolver, "host:7", false, &answers[i]);
        bool never = cancel(&answers[i]);
        if (never) {
            continue;
        }
        wait_for(&answers[i].called);
    }
    ih_resolver_fini(&resolver);
    for (int i = 0; i < ASKED; i++) {
        assert_int_equal(sem_trywait(&answers[i].called), -1);
    }
}

/* The end of the detached thread cannot be waited for: it is seen to use nothing that is gone by the sanitizers. */
static void ending_does_not_wait_for_a_name_server(void **state)
{
    (void)state;
    struct ih_resolver resolver;
    struct answer slow;
    ih_resolver_init(&resolver);
    ask(&resolver, "slow:1", false, &slow);
    wait_for(&begun);
    assert_true(cancel(&slow));
    ih_resolver_fini(&resolver);
    memset(&resolver, 0xa5, sizeof(resolver));
    let_end(1);
    assert_false(slow.taken);
}

static int setup(void **state)
{
    (void)state;
    ih_lock_init(&owner_lock);
    return sem_init(&begun, 0, 0) != 0 || sem_init(&may_end, 0, 0) != 0 || sem_init(&ended, 0, 0) != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_with_address_or_error),
        cmocka_unit_test(unused_resolver_ends),
        cmocka_unit_test(slow_names_do_not_hold_up_others),
        cmocka_unit_test(cancelled_lookup_is_never_answered),
        cmocka_unit_test(queued_question_is_never_looked_up_once_cancelled),
        cmocka_unit_test(cancelling_races_with_answers),
        cmocka_unit_test(ending_does_not_wait_for_a_name_server),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
