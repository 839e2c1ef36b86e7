/* SPDX-License-Identifier: ISC */
/* A socket under attack: the victim, a healthy peer that must notice nothing of it, and hostile peers over raw TCP. For
 * the main thread: it asserts. */
#ifndef IH_TESTS_OWN_HOSTILE_H
#define IH_TESTS_OWN_HOSTILE_H

#include "api/secure.h"
#include "api/support.h"
#include "api/wire.h"

/* Any number, where a case does not say which code it expects. */
#define ANY_VALUE UINT32_MAX

/* Lives on the stack of the test; its sockets and descriptors are the world's.
 *
 * A server is a ROUTER that is bound, and its healthy peer a DEALER connected to it. A client is a DEALER connected to a
 * healthy ROUTER, and from time to time to a hostile one. */
struct arena {
    struct world *world;
    int mechanism;
    bool server; /* the victim's role */
    void *victim;
    void *monitor; /* of the victim: failures, successes, disconnections */
    void *healthy;
    char endpoint[ENDPOINT_MAX]; /* server: where it is bound; client: where the hostile peer listens */
    int listener;
    unsigned said; /* messages exchanged with the healthy peer */
};

/* The fixture of these tests: as zap_world_test, and no descriptor may be left over in the end. */
int arena_setup(void **state);
int arena_teardown(void **state);
#define arena_test(function) cmocka_unit_test_setup_teardown(function, arena_setup, arena_teardown)

/* Opens victim and healthy peer, and waits until they are connected. prepare, if not NULL, sets the victim's options. */
void arena_open(struct arena *arena, struct world *world, int mechanism, bool server, void (*prepare)(void *victim));

/* The two exchange a message each, which is the next thing that each of them receives. */
void arena_exchange(struct arena *arena);
/* From the healthy peer to the victim only. */
void arena_expect_healthy(struct arena *arena);

/* A new hostile connection; nothing was sent on it. */
int arena_attack(struct arena *arena);
/* The connection is closed from our side too. */
void arena_leave(struct arena *arena, int fd);
/* As arena_leave, after the victim has closed the connection; and its healthy peer has noticed nothing. */
void arena_expect_left(struct arena *arena, int fd);

/* Waits for the victim's word on why a connection that never became READY ended. value may be ANY_VALUE. */
void arena_expect_reason(struct arena *arena, int kind, uint32_t value, const char *name);

/* Our greeting as the right peer would send it, with the victim's mechanism. */
void put_right_greeting(struct octets *out, const struct arena *arena);

/* Addresses of this process alone, within 127/8: clients of other tests that look for a port that has become free, and is
 * ours now, do not come here. Both return the endpoint. */
void bind_apart(void *socket, char endpoint[ENDPOINT_MAX]);
int listen_apart(struct world *world, char endpoint[ENDPOINT_MAX]);

/* A descriptor connected there, which is the caller's; from that address of this machine, or from any (NULL). */
int dial_from(const char *source, const char *endpoint);
int dial(const char *endpoint);

/* Open descriptors of the process. */
int count_descriptors(void);

/* Closes a descriptor of the world now. */
void drop_fd(struct world *world, int fd);

/* A generator of numbers that repeat (xorshift64*). */
struct random {
    uint64_t state;
};
uint64_t random_next(struct random *random);
/* Below limit, which is not 0. */
size_t random_below(struct random *random, size_t limit);
void random_fill(struct random *random, void *data, size_t size);

#endif
