/* SPDX-License-Identifier: ISC */
/* The session engine under a carrier that does all that a carrier can, in hundreds of runs, each from a seed: nothing is
 * received that was not sent, nothing twice, nothing in another order, and when the carrier has behaved for a while, all
 * was received or reported. SEED=n runs that one alone, RUNS=n so many. */
#include "libcurve/session_harness.h"

#include <stdio.h>

enum { RUNS = 500, STEPS = 60 };

/* Small limits, so that they are met. */
static void small(struct sim_end *end)
{
    end->limits.rcvhwm = 7;
    end->limits.sndhwm = 50;
    end->limits.renew_messages = 40;
    end->limits.renew_ivl = 20000;
    end->limits.idle = 40000;
}

static unsigned sometimes(struct sim *sim, unsigned most)
{
    return sim_chance(sim, 50) ? sim_random(sim, most + 1) : 0;
}

static void draw_harm(struct sim *sim)
{
    sim->harm = (struct sim_harm){
        .drop = sometimes(sim, 40),
        .delay = sometimes(sim, 60),
        .duplicate = sometimes(sim, 30),
        .truncate = sometimes(sim, 20),
        .alter = sometimes(sim, 20),
        .replay = sometimes(sim, 30),
        .swap = sometimes(sim, 20),
        .garbage = sometimes(sim, 20),
        .forget = sometimes(sim, 10),
        .max_delay = 1 + sim_random(sim, 3000),
    };
}

/* Somebody sends some messages to somebody. */
static void send_some(struct sim *sim)
{
    int from = (int)sim_random(sim, (uint32_t)sim->count);
    int to = (int)sim_random(sim, (uint32_t)sim->count);
    uint32_t count = 1 + sim_random(sim, 12);

    if (sim->ends[0].kind == IH_ENGINE_SERVER && from != 0)
        to = 0;
    while (from != to && count-- > 0) {
        int rc = sim_send(sim, from, to);

        assert_true(rc == 0 || rc == -EAGAIN || rc == -EHOSTUNREACH);
    }
}

static void step(struct sim *sim, bool restarts)
{
    struct sim_end *end = &sim->ends[sim_random(sim, (uint32_t)sim->count)];

    switch (sim_random(sim, 20)) {
    case 0:
        draw_harm(sim);
        break;
    case 1:
        end->reading = !end->reading;
        break;
    case 2:
        end->blocked = !end->blocked;
        break;
    case 3:
        ih_engine_nudge(end->engine, sim->now_ms);
        break;
    case 4:
        if (restarts && end->life < SIM_LIVES - 1)
            sim_restart(sim, end->index);
        break;
    case 5:
        sim_pass(sim, sim_random(sim, 30000));
        break;
    default:
        send_some(sim);
        break;
    }
    sim_pass(sim, sim_random(sim, 300));
}

static size_t run(uint64_t seed)
{
    enum ih_engine_kind kind = seed % 2 ? IH_ENGINE_PEER : IH_ENGINE_SERVER;
    bool restarts = seed % 4 >= 2;
    struct sim *sim = sim_new(seed, kind, 2 + (int)(seed / 4 % 2), small);
    size_t undelivered;

    draw_harm(sim);
    for (int i = 0; i < STEPS; i++)
        step(sim, restarts);
    sim_settle(sim);
    undelivered = sim_settled(sim);
    /* And all are there for each other. */
    for (int i = 1; i < sim->count; i++) {
        assert_int_equal(sim_send(sim, i, 0), 0);
        sim_pass(sim, 20000);
        assert_int_equal(sim_send(sim, 0, i), 0);
    }
    sim_pass(sim, 20000);
    assert_int_equal(sim_settled(sim), undelivered);
    sim_free(sim);
    return undelivered;
}

static uint64_t wanted(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void chaos(void **state)
{
    uint64_t first = wanted("SEED", 1);
    uint64_t last = first + wanted("RUNS", getenv("SEED") ? 1 : RUNS);

    (void)state;
    for (uint64_t seed = first; seed < last; seed++) {
        /* What a failed assertion leaves as the last line. */
        (void)printf("seed %llu\r", (unsigned long long)seed);
        (void)run(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(chaos)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
