/* SPDX-License-Identifier: ISC */
/* The session engine and what a carrier may do to it, one fault at a time. */
#include "libcurve/session_harness.h"

#include <errno.h>

enum { CLIENT = 1, SERVER = 0 };

/* --- handshakes that lose something ------------------------------------------------------------------------------- */

/* Whatever of a handshake is lost is sent again, well before it would be given up, and the session begins as if nothing had
 * been lost. */
static void lost_commands(void **state)
{
    (void)state;
    for (int peers = 0; peers < 2; peers++) {
        for (uint64_t ms = 0; ms < 8; ms++) {
            struct sim *sim = sim_new(12, peers ? IH_ENGINE_PEER : IH_ENGINE_SERVER, 2, NULL);

            sim_send_many(sim, 1, 0, 1);
            sim_pass(sim, ms);
            sim->harm.drop = 100;
            sim_pass(sim, 1);
            sim->harm.drop = 0;
            sim_pass(sim, 2000);
            assert_int_equal(sim_settled(sim), 0);
            assert_int_equal(sim_events(sim, 0, CURVE_EVENT_READY), 1);
            assert_int_equal(sim_events(sim, 1, CURVE_EVENT_READY), 1);
            sim_free(sim);
        }
    }
}

/* The initiator is ready, and all that it says is lost, for so long that it begins again: nothing was heard, so all is
 * sent, and nothing is reported. */
static void lost_confirmation(void **state)
{
    struct sim *sim = sim_new(13, IH_ENGINE_PEER, 2, NULL);

    (void)state;
    sim_send_many(sim, 1, 0, 10);
    while (sim_events(sim, 1, CURVE_EVENT_READY) == 0) {
        /* READY came, and nothing was sent since. */
        sim_pass(sim, 3);
        sim->harm.drop = 100;
        sim_pass(sim, 1);
    }
    sim_pass(sim, 3000);
    assert_int_equal(sim_events(sim, 0, CURVE_EVENT_READY), 0);
    sim->harm.drop = 0;
    ih_session_initiate(sim_session(sim, 1, 0), sim->now_ms);
    sim_pass(sim, 1000);
    assert_int_equal(sim_settled(sim), 0);
    assert_int_equal(sim_events(sim, 1, CURVE_EVENT_READY), 2);
    assert_int_equal(sim_value(sim, 1, CURVE_EVENT_READY), 1);
    sim_free(sim);
}

/* What a claim means. */
static void claims(void **state)
{
    struct sim *sim = sim_joined(IH_ENGINE_PEER, NULL);
    struct ih_session *session = sim_session(sim, 1, 0);
    struct ih_stream *stream = &session->stream;
    struct ih_claim claim = {.stream = stream->peer, .known = stream->own, .delivered = 1};
    uint64_t again;
    uint64_t own;

    (void)state;
    assert_int_equal(stream->sent, 1);
    assert_int_equal(stream->acked, 1);
    assert_int_equal(ih_stream_judge(session, &claim, &own), IH_CLAIM_RESUMED);
    assert_true(own == stream->own);
    /* More than was sent, or less than was acknowledged. */
    claim.delivered = 2;
    assert_int_equal(ih_stream_judge(session, &claim, &own), IH_CLAIM_ANEW);
    claim.delivered = 0;
    assert_int_equal(ih_stream_judge(session, &claim, &own), IH_CLAIM_ANEW);
    /* It acknowledged something, and now knows nothing. */
    claim.known = 0;
    assert_int_equal(ih_stream_judge(session, &claim, &own), IH_CLAIM_ANEW);
    stream->acked = 0;
    assert_int_equal(ih_stream_judge(session, &claim, &own), IH_CLAIM_RESUMED);
    claim.known = stream->own + 1;
    assert_int_equal(ih_stream_judge(session, &claim, &own), IH_CLAIM_ANEW);
    /* Another one: it is offered the same name each time. */
    claim.stream++;
    claim.known = 0;
    assert_int_equal(ih_stream_judge(session, &claim, &own), IH_CLAIM_ANEW);
    assert_int_equal(ih_stream_judge(session, &claim, &again), IH_CLAIM_ANEW);
    assert_true(own == again && own != stream->own);
    claim.stream++;
    assert_int_equal(ih_stream_judge(session, &claim, &again), IH_CLAIM_ANEW);
    assert_true(own != again);
    stream->peer = 0;
    assert_int_equal(ih_stream_judge(session, &claim, &again), IH_CLAIM_FIRST);
    assert_true(again == stream->own);
    sim_free(sim);
}

/* A session whose other end does not answer any more, though the carrier is there: the end that may begins a handshake
 * before it is idle. */
static void no_answer(void **state)
{
    struct sim *sim = sim_joined(IH_ENGINE_SERVER, NULL);
    int ready = sim_events(sim, SERVER, CURVE_EVENT_READY);

    (void)state;
    sim->harm.drop = 100;
    sim_send_many(sim, CLIENT, SERVER, 1);
    sim_send_many(sim, SERVER, CLIENT, 1);
    sim_pass(sim, 4000);
    assert_non_null(sim_session(sim, CLIENT, SERVER)->next);
    assert_non_null(sim_session(sim, CLIENT, SERVER)->current);
    /* All channels are lost, but not what the ends remember. */
    ih_channel_free(sim_session(sim, SERVER, CLIENT)->current);
    sim_session(sim, SERVER, CLIENT)->current = NULL;
    sim->harm.drop = 0;
    while (sim_events(sim, SERVER, CURVE_EVENT_READY) == ready)
        sim_pass(sim, 1);
    sim_pass(sim, 20);
    assert_int_equal(sim_settled(sim), 0);
    assert_int_equal(sim_events(sim, CLIENT, CURVE_EVENT_CLOSED), 0);
    sim_free(sim);
}

/* --- floods and forgeries ----------------------------------------------------------------------------------------- */

static void input(struct sim *sim, int to, struct ih_octets route, const void *data, size_t size)
{
    ih_engine_input(sim->ends[to].engine, route, (struct ih_octets){data, size}, sim->now_ms);
}

/* Thousands of HELLOs, and INITIATEs that are not valid, leave nothing behind. */
enum { INITIATE = CURVE_INITIATE_SIZE + 5 + sizeof IH_CLAIM_NAME - 1 + IH_CLAIM_SIZE };

static void flood(void **state)
{
    struct sim *sim = sim_new(9, IH_ENGINE_SERVER, 2, NULL);
    struct ih_engine *server = sim->ends[SERVER].engine;
    curve_codec_t *codec =
        curve_codec_new_client(sim->ends[CLIENT].cert, curve_cert_public_key(sim->ends[SERVER].cert));
    uint8_t envelope[IH_ENVELOPE_HEAD + INITIATE] = {IH_ENVELOPE_INITIATOR};
    struct ih_claim claim = {.stream = 5, .credit = 10, .limit = 100};
    uint8_t claim_octets[IH_CLAIM_SIZE];
    struct ih_octets route = {"zz", 2};
    struct ih_envelope *answer;
    size_t answers = 0;
    size_t size;

    (void)state;
    sim->ends[CLIENT].blocked = true;
    ih_claim_put(claim_octets, &claim);
    assert_int_equal(curve_codec_set_meta(codec, IH_CLAIM_NAME, claim_octets, sizeof claim_octets), CURVE_OK);
    assert_int_equal(curve_codec_handshake(codec, NULL, 0, envelope + IH_ENVELOPE_HEAD, CURVE_HELLO_SIZE, &size),
                     CURVE_OK);
    for (unsigned i = 0; i < 3000; i++) {
        memcpy(envelope + 1, &i, sizeof i);
        input(sim, SERVER, route, envelope, IH_ENVELOPE_HEAD + size);
    }
    while ((answer = ih_engine_output(server, sim->now_ms)) != NULL) {
        assert_int_equal(answer->size, IH_ENVELOPE_HEAD + CURVE_WELCOME_SIZE);
        assert_int_equal(answer->route.size, 2);
        answers++;
        if (answers == 1) {
            /* A cookie opens for the tag that it was made for, and where it came from. */
            uint8_t tag[IH_ENVELOPE_TAG];

            memcpy(tag, answer->data + 1, sizeof tag);
            assert_int_equal(curve_codec_handshake(codec, answer->data + IH_ENVELOPE_HEAD, CURVE_WELCOME_SIZE,
                                                   envelope + IH_ENVELOPE_HEAD, INITIATE, &size),
                             CURVE_OK);
        }
        ih_envelope_free(answer);
    }
    assert_int_equal(answers, 1024);
    for (unsigned i = 1; i < 3000; i++) {
        memcpy(envelope + 1, &i, sizeof i);
        input(sim, SERVER, route, envelope, sizeof envelope);
    }
    memset(envelope + 1, 0, IH_ENVELOPE_TAG);
    input(sim, SERVER, (struct ih_octets){"zy", 2}, envelope, sizeof envelope);
    assert_int_equal(sim->ends[SERVER].questions, 0);
    assert_int_equal(sim_events(sim, SERVER, CURVE_EVENT_SUSPECT), 3000);
    assert_int_equal(ih_map_count(&server->sessions), 0);
    assert_int_equal(ih_map_count(&server->channels), 0);
    assert_int_equal(ih_map_count(&server->used.fresh), 0);
    assert_int_equal(server->pending_count, 0);
    assert_int_equal(ih_engine_deadline(server), server->cookies_until_ms); /* nothing else is waited for */
    /* And so it would have been right. */
    input(sim, SERVER, route, envelope, sizeof envelope);
    assert_int_equal(sim->ends[SERVER].questions, 1);
    assert_int_equal(ih_map_count(&server->sessions), 1);
    curve_codec_destroy(&codec);
    sim_free(sim);
}

/* Everything that was ever said, said again: while the session stands, after it has gone, and to an end that is new. */
static void replay(void **state)
{
    struct sim *sim = sim_joined(IH_ENGINE_SERVER, NULL);
    struct ih_engine *server = sim->ends[SERVER].engine;

    (void)state;
    sim_send_many(sim, CLIENT, SERVER, 5);
    sim_pass(sim, 50);
    for (int round = 0; round < 3; round++) {
        size_t taken = sim->ends[SERVER].taken;
        int ready = sim_events(sim, SERVER, CURVE_EVENT_READY);
        int questions = sim->ends[SERVER].questions;
        size_t records = sim->record_count;

        if (round == 1) {
            ih_engine_end(server, curve_cert_public_key(sim->ends[CLIENT].cert), sim->now_ms);
            sim->ends[CLIENT].blocked = true;
        } else if (round == 2) {
            sim_restart(sim, SERVER);
        }
        for (size_t i = 0; i < records; i++) {
            sim_deliver(sim, &sim->records[i]);
            sim_pump(sim, SERVER);
        }
        assert_int_equal(sim->ends[SERVER].taken, taken);
        assert_int_equal(sim_events(sim, SERVER, CURVE_EVENT_READY), ready);
        assert_int_equal(sim->ends[SERVER].questions, questions);
        assert_true(sim_events(sim, SERVER, CURVE_EVENT_SUSPECT) > 0);
    }
    sim_free(sim);
}

/* Each octet of a message's envelope altered: it is dropped, and the session goes on. */
static void altered_message(void **state)
{
    struct sim *sim = sim_joined(IH_ENGINE_PEER, NULL);
    struct ih_octets route = sim_id(sim, 0, 1);
    struct ih_envelope *envelope;

    (void)state;
    sim_send_many(sim, 1, 0, 1);
    envelope = ih_engine_output(sim->ends[1].engine, sim->now_ms);
    for (size_t i = 0; i < envelope->size; i++) {
        int suspects = sim_events(sim, 0, CURVE_EVENT_SUSPECT);

        envelope->data[i] ^= 1;
        input(sim, 0, route, envelope->data, envelope->size);
        envelope->data[i] ^= 1;
        if (i == 0 || i > IH_ENVELOPE_TAG)
            assert_true(sim_events(sim, 0, CURVE_EVENT_SUSPECT) > suspects || i == 0);
        for (size_t size = 0; i == 0 && size < envelope->size; size++)
            input(sim, 0, route, envelope->data, size);
    }
    input(sim, 0, (struct ih_octets){curve_cert_public_key(sim->ends[0].cert), CURVE_KEY_SIZE}, envelope->data,
          envelope->size);
    sim_pump(sim, 0);
    assert_int_equal(sim->ends[0].taken, 1);
    input(sim, 0, route, envelope->data, envelope->size);
    sim_pump(sim, 0);
    assert_int_equal(sim->ends[0].taken, 2);
    input(sim, 0, route, envelope->data, envelope->size);
    sim_pump(sim, 0);
    assert_int_equal(sim->ends[0].taken, 2);
    assert_int_equal(sim_value(sim, 0, CURVE_EVENT_SUSPECT), CURVE_ERROR_ORDER);
    assert_int_equal(sim_events(sim, 0, CURVE_EVENT_READY), 1);
    ih_envelope_free(envelope);
    sim_free(sim);
}

/* A message that was repeated is not even a sign of life. */
static void repeated_message(void **state)
{
    struct sim *sim = sim_joined(IH_ENGINE_PEER, NULL);
    struct ih_session *session = sim_session(sim, 0, 1);
    uint64_t heard = session->heard_ms;
    uint64_t opened = session->current->keys->opened;

    (void)state;
    sim->now_ms += 5000;
    for (size_t i = 0; i < sim->record_count; i++)
        sim_deliver(sim, &sim->records[i]);
    assert_true(session->heard_ms == heard);
    assert_true(session->current->keys->opened == opened);
    assert_true(sim_events(sim, 0, CURVE_EVENT_SUSPECT) > 0);
    sim_free(sim);
}

/* A peer that the carrier calls by another one's key. */
static void wrong_route(void **state)
{
    struct sim *sim = sim_new(14, IH_ENGINE_PEER, 3, NULL);

    (void)state;
    sim_send_many(sim, 2, 0, 1);
    for (int i = 0; i < 5; i++) {
        sim_pass(sim, 0);
        for (size_t k = 0; k < sim->packet_count; k++) {
            sim->packets[k].from = sim->packets[k].from == 2 ? 1 : sim->packets[k].from;
            sim->packets[k].to = sim->packets[k].to == 1 ? 2 : sim->packets[k].to;
        }
        /* The answer is brought to who asked, as from whom he asked. */
        sim_pass(sim, 1);
    }
    assert_int_equal(sim->ends[0].questions, 0);
    assert_int_equal(sim_value(sim, 0, CURVE_EVENT_SUSPECT), CURVE_ERROR_VOUCH);
    assert_int_equal(ih_map_count(&sim->ends[0].engine->sessions), 0);
    sim_free(sim);
}

/* "I know no such session", from somebody who makes it up: a handshake at most, and the session goes on. */
static void made_up_loss(void **state)
{
    struct sim *sim = sim_joined(IH_ENGINE_SERVER, NULL);
    struct ih_session *session = sim_session(sim, CLIENT, SERVER);
    uint8_t envelope[IH_ENVELOPE_HEAD] = {IH_ENVELOPE_LOST_INITIATED};
    struct ih_octets none = {NULL, 0};
    size_t carried = sim->carried;

    (void)state;
    sim->harm.drop = 100;
    for (int i = 0; i < 1000; i++) {
        memcpy(envelope + 1, ih_channel_tag(session->current), IH_ENVELOPE_TAG);
        input(sim, CLIENT, none, envelope, sizeof envelope);
        envelope[1] ^= 1;
        input(sim, CLIENT, none, envelope, sizeof envelope);
    }
    sim_pump(sim, CLIENT);
    assert_int_equal(sim->carried, carried + 1);
    sim->harm.drop = 0;
    sim_send_many(sim, CLIENT, SERVER, 5);
    sim_send_many(sim, SERVER, CLIENT, 5);
    sim_pass(sim, 1000);
    assert_int_equal(sim_settled(sim), 0);
    assert_int_equal(sim_events(sim, CLIENT, CURVE_EVENT_CLOSED), 0);
    sim_free(sim);
}

/* A server that forgot everything tells a client so, and is back within two handshakes. */
static void told_of_a_restart(void **state)
{
    struct sim *sim = sim_joined(IH_ENGINE_SERVER, NULL);

    (void)state;
    sim_restart(sim, SERVER);
    sim_send_many(sim, CLIENT, SERVER, 1);
    sim_pass(sim, 300);
    assert_int_equal(sim_settled(sim), 1);
    sim_send_many(sim, CLIENT, SERVER, 1);
    sim_pass(sim, 50);
    assert_int_equal(sim_settled(sim), 1);
    sim_free(sim);
}

/* The relay does not know the peer: it is tried again, at growing intervals. */
static void unreachable(void **state)
{
    struct sim *sim = sim_new(10, IH_ENGINE_PEER, 2, NULL);
    size_t carried;

    (void)state;
    sim->harm.drop = 100;
    sim_send_many(sim, 1, 0, 3);
    for (int i = 0; i < 100; i++) {
        sim_pass(sim, 1000);
        ih_engine_unreachable(sim->ends[1].engine, curve_cert_public_key(sim->ends[0].cert), sim->now_ms);
    }
    carried = sim->carried;
    assert_true(carried >= 10 && carried <= 50);
    sim->harm.drop = 0;
    ih_engine_nudge(sim->ends[1].engine, sim->now_ms);
    sim_pass(sim, 50);
    assert_int_equal(sim_settled(sim), 0);
    sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flood),
        cmocka_unit_test(replay),
        cmocka_unit_test(altered_message),
        cmocka_unit_test(made_up_loss),
        cmocka_unit_test(told_of_a_restart),
        cmocka_unit_test(unreachable),
        cmocka_unit_test(lost_commands),
        cmocka_unit_test(lost_confirmation),
        cmocka_unit_test(claims),
        cmocka_unit_test(no_answer),
        cmocka_unit_test(repeated_message),
        cmocka_unit_test(wrong_route),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
