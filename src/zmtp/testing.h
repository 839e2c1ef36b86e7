/* SPDX-License-Identifier: ISC */
/* For tests and fuzz targets: two ends of a connection in memory. */
#ifndef IH_ZMTP_TESTING_H
#define IH_ZMTP_TESTING_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include <zmq.h>

#include "mechanism/security.h"
#include "zmtp/connection.h"

static const char testing_server_public[] = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
static const char testing_server_secret[] = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";
static const char testing_client_public[] = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
static const char testing_client_secret[] = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";

static inline void testing_set(struct ih_security **security, int option, const char *value)
{
    int rc = ih_security_set(security, option, value, strlen(value));

    assert(rc == 0);
    (void)rc;
}

static inline void testing_on(struct ih_security **security, int option)
{
    int on = 1;
    int rc = ih_security_set(security, option, &on, sizeof on);

    assert(rc == 0);
    (void)rc;
}

/* Settings of one end. */
static inline struct ih_security *testing_security(int mechanism, bool server)
{
    struct ih_security *security = ih_security_new();

    assert(security);
    if (mechanism == ZMQ_PLAIN && server) {
        testing_on(&security, ZMQ_PLAIN_SERVER);
    } else if (mechanism == ZMQ_PLAIN) {
        testing_set(&security, ZMQ_PLAIN_USERNAME, "admin");
        testing_set(&security, ZMQ_PLAIN_PASSWORD, "secret");
    } else if (mechanism == ZMQ_CURVE && server) {
        testing_on(&security, ZMQ_CURVE_SERVER);
        testing_set(&security, ZMQ_CURVE_SECRETKEY, testing_server_secret);
    } else if (mechanism == ZMQ_CURVE) {
        testing_set(&security, ZMQ_CURVE_PUBLICKEY, testing_client_public);
        testing_set(&security, ZMQ_CURVE_SECRETKEY, testing_client_secret);
        testing_set(&security, ZMQ_CURVE_SERVERKEY, testing_server_public);
    }
    return security;
}

/* A DEALER's machine; security is released when the machine is, by testing_free. */
struct testing_end {
    struct ih_zmtp *zmtp;
    struct ih_security *security;
    struct ih_queue out;
    struct ih_queue in;
};

static inline struct ih_zmtp_config testing_config(struct ih_security *security, struct ih_cookie_jar *jar, bool server)
{
    return (struct ih_zmtp_config){
        .security = security,
        .cookies = jar,
        .socket_type = "DEALER",
        .routing_id = server ? "server" : "client",
        .routing_id_size = 6,
        .max_msg_size = -1,
        .serial = server ? 17 : 18,
        .binder = server,
    };
}

static inline struct testing_end testing_new(struct ih_security *security, const struct ih_zmtp_config *config)
{
    struct testing_end end = {.security = security, .zmtp = ih_zmtp_new(config)};

    assert(end.zmtp);
    return end;
}

static inline struct testing_end testing_open(int mechanism, bool server, bool zap, struct ih_cookie_jar *jar)
{
    struct ih_security *security = testing_security(mechanism, server);
    struct ih_zmtp_config config = testing_config(security, jar, server);

    config.ask_zap = zap;
    return testing_new(security, &config);
}

static inline void testing_free(struct testing_end *end)
{
    ih_queue_clear(&end->out);
    ih_queue_clear(&end->in);
    ih_zmtp_free(end->zmtp);
    ih_security_release(end->security);
}

/* Takes what an end has to say during the handshake; returns its size, at most room. */
static inline size_t testing_output(struct testing_end *end, uint8_t *to, size_t room)
{
    size_t size;
    const uint8_t *data = ih_zmtp_output(end->zmtp, &size);

    assert(size <= room);
    (void)room;
    if (size > 0)
        memcpy(to, data, size);
    ih_zmtp_output_done(end->zmtp, size);
    return size;
}

/* Gives an end handshake octets; returns how many it took. */
static inline size_t testing_input(struct testing_end *end, const uint8_t *data, size_t size)
{
    size_t used;

    (void)ih_zmtp_input(end->zmtp, data, size, &used, 1000);
    return used;
}

/* What one end says goes to the other. */
static inline void testing_carry(struct testing_end *from, struct testing_end *to)
{
    size_t size;
    const uint8_t *data = ih_zmtp_output(from->zmtp, &size);

    if (size > 0)
        ih_zmtp_output_done(from->zmtp, testing_input(to, data, size));
}

/* The whole handshake, with ZAP's yes where it is asked. */
static inline void testing_shake(struct testing_end *client, struct testing_end *server)
{
    for (int i = 0; i < 8; i++) {
        testing_carry(client, server);
        if (ih_zmtp_state(server->zmtp) == IH_ZMTP_ZAP)
            (void)ih_zmtp_zap_reply(server->zmtp, 200);
        testing_carry(server, client);
        if (ih_zmtp_state(client->zmtp) == IH_ZMTP_ZAP)
            (void)ih_zmtp_zap_reply(client->zmtp, 200);
    }
}

/* Two ends that are ready for traffic. */
static inline void testing_pair(int mechanism, struct ih_cookie_jar *jar, struct testing_end *client,
                                struct testing_end *server)
{
    *client = testing_open(mechanism, false, false, jar);
    *server = testing_open(mechanism, true, false, jar);
    testing_shake(client, server);
    assert(ih_zmtp_state(client->zmtp) == IH_ZMTP_READY);
    assert(ih_zmtp_state(server->zmtp) == IH_ZMTP_READY);
    ih_zmtp_handshake_done(client->zmtp);
    ih_zmtp_handshake_done(server->zmtp);
}

/* Queues a frame to be sent. */
static inline void testing_put(struct testing_end *end, enum ih_msg_kind kind, bool more, const void *data, size_t size)
{
    struct ih_msg msg;
    int rc = ih_msg_init_copy(&msg, data, size);

    assert(rc == 0);
    msg.kind = (uint8_t)kind;
    msg.flags = more ? IH_MSG_MORE : 0;
    rc = ih_queue_push(&end->out, &msg);
    assert(rc == 0);
    (void)rc;
}

/* All that is queued, as octets. The caller frees them. */
static inline uint8_t *testing_encode(struct testing_end *end, size_t *size)
{
    struct ih_batch *batch = malloc(sizeof *batch);
    uint8_t *wire = NULL, *grown;

    assert(batch);
    *size = 0;
    while (!ih_queue_empty(&end->out)) {
        int rc;

        ih_batch_init(batch);
        rc = ih_zmtp_encode(end->zmtp, &end->out, batch);
        assert(rc == 0 && batch->bytes > 0);
        (void)rc;
        grown = realloc(wire, *size + batch->bytes);
        assert(grown);
        wire = grown;
        for (unsigned i = batch->first_iov; i < batch->iovs; i++) {
            memcpy(wire + *size, batch->iov[i].iov_base, batch->iov[i].iov_len);
            *size += batch->iov[i].iov_len;
        }
        ih_batch_clear(batch);
    }
    free(batch);
    return wire;
}

/* Decodes octets as a connection would that reads them in one piece; a frame under way is given its body. Returns what
 * decoding does; *left are the octets that remain. */
static inline int testing_decode(struct testing_end *end, const uint8_t *wire, size_t size, size_t *left)
{
    int rc = 0;

    *left = size;
    for (;;) {
        size_t used;
        size_t room;
        uint8_t *body = ih_zmtp_body(end->zmtp, &room);

        if (body) {
            used = room < *left ? room : *left;
            memcpy(body, wire + size - *left, used);
            rc = ih_zmtp_body_filled(end->zmtp, used, &end->in);
        } else {
            rc = ih_zmtp_decode(end->zmtp, wire + size - *left, *left, &used, &end->in, SIZE_MAX);
        }
        *left -= used;
        if (rc < 0 || used == 0 || *left == 0)
            return rc;
    }
}

#endif
