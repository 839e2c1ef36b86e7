/* SPDX-License-Identifier: ISC */
/* What session engines say to each other (docs/libcurve.md, "The wire"): envelopes outside the box, headers inside. */
#ifndef IH_LIBCURVE_WIRE_H
#define IH_LIBCURVE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "curvezmq/keys.h"

/* An envelope: its type, the tag of the CurveZMQ session that it belongs to, and but for the last two types a CurveZMQ
 * command. Tags are drawn by the initiator of a session. */
enum ih_envelope_type {
    IH_ENVELOPE_INITIATOR = 0x11,      /* from the end that sent HELLO */
    IH_ENVELOPE_RESPONDER = 0x12,      /* from the other one */
    IH_ENVELOPE_LOST_INITIATED = 0x13, /* to the initiator: "I know no session with this tag" */
    IH_ENVELOPE_LOST_RESPONDED = 0x14, /* to the responder */
};

enum {
    IH_ENVELOPE_TAG = 8,
    IH_ENVELOPE_HEAD = 1 + IH_ENVELOPE_TAG,
    IH_COOKIE_NAME = IH_CURVE_LONG_NONCE, /* a cookie's nonce, by which it is remembered */
};

/* What the text of a MESSAGE begins with. */
struct ih_header {
    uint8_t kind;
    uint8_t flags;
    uint64_t number; /* DATA: of the message; PING: of the last one sent */
    uint64_t ack;    /* all messages of the other end up to this one have come */
    uint32_t credit; /* and so many more may be sent */
};

enum ih_header_kind {
    IH_HEADER_DATA = 1, /* a message follows */
    IH_HEADER_ACK = 2,
    IH_HEADER_PING = 3, /* to be answered with ACK */
    IH_HEADER_CLOSE = 4,
};

enum ih_header_flag {
    IH_HEADER_RESEND = 1, /* what comes behind ack is to be sent again */
    IH_HEADER_FRAMES = 2, /* of DATA: several frames follow, each behind its size in 4 octets; else one */
    IH_HEADER_FLAGS = 3,  /* all of them */
};

enum {
    IH_HEADER_SIZE = 22,
    IH_FRAME_SIZE = 4,
    IH_FRAMES_MAX = 4096, /* of one message */
};

void ih_header_put(uint8_t out[IH_HEADER_SIZE], const struct ih_header *header);

/* 0, or -EPROTO: kind or flags are not known. */
int ih_header_get(const uint8_t in[IH_HEADER_SIZE], struct ih_header *header);

/* What an end says of itself in the handshake's metadata: a property of this name. */
#define IH_CLAIM_NAME "Curve-Session"

struct ih_claim {
    uint64_t stream;    /* names what this end remembers of the other; drawn anew when it remembers nothing. Not 0 */
    uint64_t known;     /* the other end's stream as far as this one knows, or 0 */
    uint64_t delivered; /* the last message of it that came */
    uint32_t credit;    /* messages that may be sent beyond that */
    uint32_t limit;     /* octets of one message that this end takes */
};

enum { IH_CLAIM_SIZE = 1 + 3 * 8 + 2 * 4, IH_CLAIM_VERSION = 1 };

void ih_claim_put(uint8_t out[IH_CLAIM_SIZE], const struct ih_claim *claim);

/* From the other end's whole metadata. 0, or -EPROTO: it is malformed, or holds none. */
int ih_claim_get(const uint8_t *metadata, size_t size, struct ih_claim *claim);

#endif
