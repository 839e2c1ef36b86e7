/* SPDX-License-Identifier: ISC */
/* The message box (RFC 26, "The MESSAGE Command"), without the work that is the same for each message of a session.
 *
 * A box is XSalsa20 and Poly1305 under a nonce of 24 octets. XSalsa20 first derives a subkey from the nonce's first 16
 * octets; in traffic those are constant, so the subkey is derived once for each direction, and what is left is Salsa20
 * under the 8 octets that count. The results are those of crypto_box, octet for octet. */
#ifndef IH_CURVEZMQ_BOX_H
#define IH_CURVEZMQ_BOX_H

#include "curvezmq/keys.h"

/* Owner: the session's connection, in secret memory (ih_secret_free). The keys never change. */
struct ih_box_keys {
    uint8_t seal[IH_CURVE_KEY]; /* subkey of what we send */
    uint8_t open[IH_CURVE_KEY]; /* subkey of what the peer sends */
    uint64_t sealed;            /* the last short nonce that we sent */
    uint64_t opened;            /* the last short nonce that the peer sent */
};

enum {
    IH_BOX_ROOM = 32,   /* octets before a text that is sealed in place */
    IH_BOX_SPARE = 480, /* octets behind it, which may be overwritten: Salsa20 is fastest in large units */
    IH_BOX_HEAD = 32,   /* of a text in two parts: octets of the first at most */
};

/* The subkey for nonces with this prefix of 16 octets, from the key that crypto_box_beforenm computed. */
void ih_box_subkey(uint8_t subkey[IH_CURVE_KEY], const uint8_t shared[IH_CURVE_KEY], const char *prefix);

/* Seals size octets at text where they are, and writes the tag to tag. The IH_BOX_ROOM octets before text and the
 * IH_BOX_SPARE behind it are overwritten first; tag may be among those before it. */
void ih_box_seal(const uint8_t subkey[IH_CURVE_KEY], uint64_t nonce, uint8_t *text, size_t size, uint8_t *tag);

/* Seals a text of which the first head_size octets (1 to IH_BOX_HEAD) are at head, where they are sealed in place,
 * and the rest at text, from where it is sealed to out. out may be text. */
void ih_box_seal_parts(const uint8_t subkey[IH_CURVE_KEY], uint64_t nonce, uint8_t *head, size_t head_size,
                       const uint8_t *text, size_t size, uint8_t *out, uint8_t *tag);

/* Opens size octets at sealed: their first octet to head, the others to out, which may be sealed + 1. Writes nothing
 * unless the tag is right. size is at least 1. 0, or -EBADMSG. */
int ih_box_open(const uint8_t subkey[IH_CURVE_KEY], uint64_t nonce, const uint8_t *tag, const uint8_t *sealed,
                size_t size, uint8_t *head, uint8_t *out);

#endif
