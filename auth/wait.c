/* SPDX-License-Identifier: ISC */
#include "auth/wait.h"

#include <errno.h>
#include <string.h>

#include "auth/clock.h"
#include "auth/engine.h"

int auth_wait_init(struct auth_wait *wait)
{
    auth_list_init(&wait->waiting);
    auth_list_init(&wait->admitted);
    wait->count = 0;
    wait->throttle = auth_throttle_new(AUTH_WAIT_ENTRIES);
    return wait->throttle ? 0 : -ENOMEM;
}

void auth_wait_fini(struct auth_wait *wait)
{
    auth_throttle_free(wait->throttle);
}

static struct auth_decision *decision_of(struct auth_link *link)
{
    return AUTH_LIST_OF(link, struct auth_decision, waiting);
}

static bool at_limit(const struct auth_wait *wait, const struct auth_decision *decision)
{
    size_t address = 0, user = 0;

    for (struct auth_link *link = wait->admitted.next; link != &wait->admitted; link = link->next) {
        const struct auth_request *other = &decision_of(link)->request;

        address += decision_of(link)->place == decision->place;
        user += strcmp(other->user, decision->request.user) == 0;
    }
    return address >= AUTH_WAIT_AT_ONCE || user >= AUTH_WAIT_AT_ONCE;
}

static bool crowded(const struct auth_wait *wait, uint64_t place)
{
    size_t same = 0;

    if (wait->count >= AUTH_WAIT_ALL)
        return true;
    for (struct auth_link *link = wait->waiting.next; link != &wait->waiting; link = link->next)
        same += decision_of(link)->place == place;
    return same >= AUTH_WAIT_ADDRESS;
}

static void enqueue(struct auth_wait *wait, struct auth_decision *decision)
{
    struct auth_link *position = &wait->waiting;

    /* From the end on, so that those of one time stay in the order in which they came. */
    while (position->prev != &wait->waiting && decision_of(position->prev)->when > decision->when)
        position = position->prev;
    auth_list_insert(position, &decision->waiting);
    wait->count++;
}

static void admit(struct auth_wait *wait, struct auth_decision *decision)
{
    decision->admitted = true;
    auth_list_insert(&wait->admitted, &decision->waiting);
}

/* Asks the throttle when it may be looked at. True: not yet. Whoever was told so has taken a turn, and is not asked about
 * again. */
static bool take_turn(struct auth_wait *wait, struct auth_decision *decision, uint64_t now)
{
    const struct auth_request *request = &decision->request;

    decision->when = auth_throttle_when(wait->throttle, request->address, request->user, now);
    decision->turn = decision->when > now;
    return decision->turn;
}

int auth_wait_admit(struct ironauth *auth, struct auth_decision *decision)
{
    struct auth_wait *wait = &auth->wait;
    uint64_t now = auth_clock_ms();

    decision->when = now;
    decision->turn = false;
    decision->place = auth_throttle_place(wait->throttle, decision->request.address);
    if (!at_limit(wait, decision) && !take_turn(wait, decision, now)) {
        admit(wait, decision);
        return 0;
    }
    auth_metrics_throttled(auth->generation->metrics);
    if (crowded(wait, decision->place) || decision->when > now + AUTH_WAIT_LONGEST)
        return -EAGAIN;
    enqueue(wait, decision);
    return 1;
}

void auth_wait_leave(struct ironauth *auth, struct auth_decision *decision)
{
    if (!auth_list_empty(&decision->waiting) && !decision->admitted)
        auth->wait.count--;
    auth_list_remove(&decision->waiting);
    decision->admitted = false;
}

void auth_wait_learn(struct ironauth *auth, const struct auth_decision *decision)
{
    const struct auth_request *request = &decision->request;
    struct auth_throttle *throttle = auth->wait.throttle;

    if (decision->verdict.status == AUTH_OK)
        auth_throttle_succeeded(throttle, request->address, request->user, auth_clock_ms());
    else if (decision->verdict.status == AUTH_REFUSED)
        auth_throttle_failed(throttle, request->address, request->user, auth_clock_ms());
}

bool auth_wait_may_recall(struct ironauth *auth, const struct auth_decision *decision, uint64_t now)
{
    const struct auth_request *request = &decision->request;

    return decision->admitted || auth_throttle_when(auth->wait.throttle, request->address, request->user, now) <= now;
}

void auth_wait_guessed(struct ironauth *auth, const struct auth_decision *decision, uint64_t now)
{
    auth_throttle_failed(auth->wait.throttle, decision->request.address, decision->request.user, now);
}

/* Whoever waited for others of the address or user only, and not for a turn of the throttle's, may have to take one now:
 * these others may have failed. True: it does not go on. */
static bool put_off(struct ironauth *auth, struct auth_decision *decision, uint64_t now)
{
    struct auth_wait *wait = &auth->wait;

    if (decision->turn || !take_turn(wait, decision, now))
        return false;
    auth_list_remove(&decision->waiting);
    wait->count--;
    if (decision->when > decision->started / 1000 + AUTH_WAIT_LONGEST)
        auth_decision_give_up(auth, decision, "too many attempts failed; it would have to wait too long");
    else
        enqueue(wait, decision);
    return true;
}

uint64_t auth_wait_tick(struct ironauth *auth, uint64_t now)
{
    struct auth_wait *wait = &auth->wait;
    struct auth_link *link = wait->waiting.next;

    while (link != &wait->waiting) {
        struct auth_decision *decision = decision_of(link);

        if (decision->when > now)
            return decision->when;
        link = link->next;
        /* Who is held up by others of the same address or user is looked at again when one of these has ended: that is an
         * event of the loop, after which this is called. */
        if (at_limit(wait, decision) || put_off(auth, decision, now))
            continue;
        auth_list_remove(&decision->waiting);
        wait->count--;
        admit(wait, decision);
        auth_decision_resume(auth, decision);
        link = wait->waiting.next; /* others may have come or gone meanwhile */
    }
    return AUTH_NEVER;
}
