/* SPDX-License-Identifier: ISC */
/* What the tests of ironauth.h share: a folder, a context, an authenticator, and ways to ask it. */
#ifndef IRONAUTH_TESTS_WORLD_H
#define IRONAUTH_TESTS_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdbool.h>

#include <cmocka.h>
#include <curve.h>
#include <ironauth.h>
#include <zmq.h>

#define ZAP "inproc://zeromq.zap.01"

/* The hash of "secret", made cheap. */
#define HASH "$argon2id$v=19$m=8,t=1,p=1$FVPQy06wrINewxHm/1ftPQ$NOcGTsIjNWU/6ZvWHH1F0K6muL+T/FpbwlznK7FlHcw"
/* That of "other". */
#define HASH_OTHER "$argon2id$v=19$m=8,t=1,p=1$h/DFOJuyrq4R3fAlTm73jA$2bcGOMj35EmJBSR6WNcfgVTjrvdlt5IQpb0B1TV2J6k"

enum { SOCKETS_MAX = 64, PATH_ROOM = 300 };

struct world {
    char folder[64];
    void *context;
    ironauth_t *auth;
    void *sockets[SOCKETS_MAX]; /* closed at the end */
    size_t count;
};

int world_setup(void **state);
int world_teardown(void **state);

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

/* Does this libzmq close connections that lost their permission? */
bool can_revoke(void);

/* ---- files: names are in the world's folder ---- */

const char *path_of(struct world *world, const char *name); /* the last eight stay valid */
void write_file(struct world *world, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));
void remove_file(struct world *world, const char *name);
void make_folder(struct world *world, const char *name);

/* A certificate whose public file is FOLDER/NAME and whose secret one is NAME_secret in the world's folder. key: 32 octets. */
void make_cert(struct world *world, const char *folder, const char *name, uint8_t *key);

/* ---- the authenticator ---- */

/* text: the configuration, in which each $ stands for the world's folder; NULL: none. */
void start(struct world *world, const char *text);
void configure(struct world *world, const char *text); /* writes it only */

/* What ironauth_check says. */
int check_null(struct world *world, const char *domain, const char *address);
int check_plain(struct world *world, const char *domain, const char *user, const char *password);
int check_curve(struct world *world, const char *domain, const uint8_t *key);

/* ---- ZAP by hand ---- */

enum { FRAMES_MAX = 40, FRAME_ROOM = 1100 };

struct frames {
    size_t count;
    struct {
        size_t size;
        char data[FRAME_ROOM];
    } frame[FRAMES_MAX];
};

void *open_zap(struct world *world); /* a DEALER at the handler */
void add_frame(struct frames *frames, const void *data, size_t size);
void add_text(struct frames *frames, const char *text);
void send_frames(void *socket, const struct frames *frames);
void recv_frames(void *socket, struct frames *frames);
bool frame_is(const struct frames *frames, size_t index, const char *text);

/* A whole request, with the empty frame; who, secret: PLAIN's, or secret NULL and who the key of CURVE, or both NULL. */
void zap_request(struct frames *frames, const char *id, const char *domain, const char *mechanism, const void *who,
                 const char *secret);

/* ---- sockets ---- */

void *open_socket(struct world *world, int type); /* lingers not, waits long */
void set_int(void *socket, int option, int value);
void set_text(void *socket, int option, const char *value);
int get_int(void *socket, int option);
void bind_any(void *socket, char endpoint[256]);

/* Events of a server, by a monitor. */
void *open_monitor(struct world *world, void *socket, int events);
int await_event(void *monitor, int *value);

/* 200 or a status of ZAP: what came out of the server's next handshake; 0: it failed without one. */
int await_outcome(void *monitor);

/* ---- processes of one thread ---- */

void put_text(void *socket, const char *text);
void expect_text(void *socket, const char *text);

#endif
