/* SPDX-License-Identifier: ISC */

/*
 * The public interface of libironauth.so: an authenticator for ZeroMQ, behind ZAP (RFC 27). It stands on the public zmq.h
 * and curve.h, and runs on any libzmq 4. What is not allowed is refused; what cannot be decided is refused for the time
 * being (status 300), never let in.
 *
 *     ironauth_t *auth = ironauth_start(context, NULL);
 *     void *server = zmq_socket(context, ZMQ_PULL);
 *     if (!auth || ironauth_curve_server(auth, server, "server.cert", "clients/") != 0)
 *         fail(ironauth_error());
 *     zmq_bind(server, "tcp://127.0.0.1:9000");       only clients with a certificate in clients/ get in
 *
 * Conventions: a function that returns int returns 0, or -1 with errno set; ironauth_error() then says in words what is
 * wrong. Pointers that a call takes are borrowed until it returns. An ironauth_t may be used from several threads.
 */

#ifndef IRONAUTH_H
#define IRONAUTH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define IRONAUTH_EXPORT __attribute__((visibility("default")))
#else
#define IRONAUTH_EXPORT
#endif

#define IRONAUTH_VERSION_MAJOR 1
#define IRONAUTH_VERSION_MINOR 0
#define IRONAUTH_VERSION_PATCH 0

IRONAUTH_EXPORT void ironauth_version(int *major, int *minor, int *patch);

/* What the last call of this thread that failed has to say: one line, for a mistake in a configuration with its file,
 * line and column. Never NULL; lives until the thread's next call of this library. */
IRONAUTH_EXPORT const char *ironauth_error(void);

typedef struct ironauth ironauth_t;

/*
 * Takes inproc://zeromq.zap.01 on the context and answers there, in threads of its own, until ironauth_stop or the end of
 * the context. file: a configuration (ironauth.conf(5)); NULL: none, and nobody gets in anywhere but where
 * ironauth_curve_server says so.
 * NULL: EADDRINUSE: the context has a ZAP handler; EINVAL: the configuration is wrong; the system's errors. A back end that
 * is away is no error: it is asked again, and meanwhile nobody gets in by it.
 */
IRONAUTH_EXPORT ironauth_t *ironauth_start(void *context, const char *file);

/* Reads the configuration again, and decides anew about all open connections. EINVAL: it is wrong, and the old one stays. */
IRONAUTH_EXPORT int ironauth_reload(ironauth_t *auth);

/* Stops answering and frees; *auth_p becomes NULL. Connections stay open, new ones are refused where a ZAP domain is
 * enforced. Before or after zmq_ctx_term. */
IRONAUTH_EXPORT void ironauth_stop(ironauth_t **auth_p);

/* For ironauth_curve_server: anybody who holds a key pair. */
#define IRONAUTH_EVERYONE "*"

/*
 * Makes the socket a CURVE server, completely or not at all: the key pair of this certificate file (zcert_save(3),
 * curve_cert(3), curve_keygen(1)), and who may connect:
 *   - a folder of certificates: the clients whose public keys are in it, looked at anew when it changes;
 *   - "domain:NAME": whom the configuration lets in by CURVE into the domain NAME;
 *   - IRONAUTH_EVERYONE.
 * The socket gets a ZAP domain (its own, or NAME) that is enforced: without a handler nobody gets in. Call it before
 * zmq_bind or zmq_connect. EBUSY: the socket was bound or connected; EINVAL: certificate, folder or domain; the system's
 * errors of reading. A socket for which this failed stays as it was.
 */
IRONAUTH_EXPORT int ironauth_curve_server(ironauth_t *auth, void *socket, const char *certificate, const char *clients);

/*
 * Makes the socket a CURVE client, completely or not at all: certificate is its own key pair's file, or NULL for a new key
 * pair; server is the file of the server's certificate, or its public key in Z85 (40 characters). No ironauth_t is needed.
 * Errors as above.
 */
IRONAUTH_EXPORT int ironauth_curve_client(void *socket, const char *certificate, const char *server);

/*
 * Make the socket a server without encryption, completely or not at all: whom the configuration lets into this domain by
 * NULL, that is by address, or by PLAIN, with a user name and a password that pass in clear. The domain is enforced. Before
 * zmq_bind or zmq_connect. EBUSY: the socket was bound or connected; EALREADY: it has another mechanism already; EINVAL: the
 * configuration lets nobody into this domain so. A socket for which this failed stays as it was.
 */
IRONAUTH_EXPORT int ironauth_null_server(ironauth_t *auth, void *socket, const char *domain);
IRONAUTH_EXPORT int ironauth_plain_server(ironauth_t *auth, void *socket, const char *domain);

/* Who would get in. Text fields that are NULL are empty. */
typedef struct ironauth_request {
    const char *domain;
    const char *address;   /* of the client: IPv4, IPv6 */
    const char *mechanism; /* "NULL", "PLAIN", "CURVE" */
    const char *user;      /* PLAIN */
    const char *password;
    const uint8_t *key; /* CURVE: 32 octets */
} ironauth_request_t;

typedef struct ironauth_verdict {
    int status;        /* of RFC 27: 200, 300, 400, 500 */
    char user_id[256]; /* if 200 */
    char reason[256];  /* one line: which rule, which back end */
} ironauth_verdict_t;

/* Asks as a connection would, without slowing down and without an entry in the audit. Blocks until it is decided, at most
 * for the back end's time limit (ironauth_check(3)). EINVAL: no such mechanism or a malformed field. */
IRONAUTH_EXPORT int ironauth_check(ironauth_t *auth, const ironauth_request_t *request, ironauth_verdict_t *verdict);

#ifdef __cplusplus
}
#endif

#endif
