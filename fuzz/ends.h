/* SPDX-License-Identifier: ISC */
/* For targets that need ends of a connection: what is made once, and how octets are fed in pieces. */
#ifndef IH_FUZZ_ENDS_H
#define IH_FUZZ_ENDS_H

#include "base/random.h"
#include "curvezmq/cookie.h"
#include "fuzz.h"
#include "zmtp/greeting.h"
#include "zmtp/testing.h"

enum { FUZZ_LIMIT = 1 << 20 };

static inline struct ih_cookie_jar *fuzz_jar(void)
{
    static struct ih_cookie_jar *jar;

    if (!jar) {
        assert(ih_random_init() == 0);
        jar = ih_cookie_jar_new();
        assert(jar);
    }
    return jar;
}

static inline struct testing_end fuzz_open(int mechanism, bool server, bool zap)
{
    struct ih_cookie_jar *jar = fuzz_jar();
    struct ih_security *security = testing_security(mechanism, server);
    struct ih_zmtp_config config = testing_config(security, jar, server);

    config.ask_zap = zap;
    config.max_msg_size = FUZZ_LIMIT;
    return testing_new(security, &config);
}

/* Handshake octets in pieces of the given size; ZAP is answered with status. */
static inline void fuzz_input(struct testing_end *end, const uint8_t *data, size_t size, size_t piece, unsigned status)
{
    while (size > 0) {
        size_t take = size < piece ? size : piece;
        uint8_t *copy = fuzz_copy(data, take);
        size_t used;

        (void)ih_zmtp_input(end->zmtp, copy, take, &used, 1000);
        free(copy);
        assert(used <= take);
        if (ih_zmtp_state(end->zmtp) == IH_ZMTP_ZAP) {
            const uint8_t *field;
            size_t field_size;

            for (unsigned i = 0; ih_zmtp_credential(end->zmtp, i, &field, &field_size); i++)
                free(fuzz_copy(field, field_size));
            (void)ih_zmtp_zap_reply(end->zmtp, status);
        } else if (used < take) {
            break;
        }
        data += used;
        size -= used;
    }
}

/* Traffic as a connection feeds it, in pieces of the given size. Returns what decoding did at last. */
static inline int fuzz_decode(struct testing_end *end, const uint8_t *data, size_t size, size_t piece)
{
    size_t start = 0;
    size_t have = 0;
    int rc = 0;

    while (rc == 0 && start < size) {
        size_t room;
        uint8_t *body = ih_zmtp_body(end->zmtp, &room);
        size_t used;

        if (body) {
            used = room < size - start ? room : size - start;
            memcpy(body, data + start, used);
            rc = ih_zmtp_body_filled(end->zmtp, used, &end->in);
            have = start + used > have ? start + used : have;
        } else {
            uint8_t *copy;

            have = size - have < piece ? size : have + piece;
            copy = fuzz_copy(data + start, have - start);
            rc = ih_zmtp_decode(end->zmtp, copy, have - start, &used, &end->in, 3);
            free(copy);
            assert(used <= have - start);
            if (used == 0 && have == size)
                break;
        }
        start += used;
    }
    return rc;
}

/* What arrived is within the limits that were set. */
static inline void fuzz_check_frames(struct testing_end *end)
{
    struct ih_msg msg;

    while (ih_queue_pop(&end->in, &msg)) {
        assert(ih_msg_valid(&msg));
        assert(msg.kind <= IH_MSG_PONG);
        assert(msg.kind == IH_MSG_DATA || !ih_msg_more(&msg));
        assert(ih_msg_size(&msg) <= FUZZ_LIMIT);
        free(fuzz_copy(ih_msg_data(&msg), ih_msg_size(&msg)));
        ih_msg_close(&msg);
    }
}

#endif
