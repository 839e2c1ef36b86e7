/* SPDX-License-Identifier: ISC */
/* Keys as text, contact strings that can be pasted, and safety numbers. */
#ifndef IRONCHAT_CONTACT_H
#define IRONCHAT_CONTACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ironchat/text.h"

enum {
    CHAT_KEY_SIZE = 32,
    CHAT_KEY_TEXT = 44,      /* in base64url, NUL included */
    CHAT_RELAY_SIZE = 256,   /* a relay's endpoint, NUL included */
    CHAT_CARD_SIZE = 1200,   /* a contact string, NUL included */
    CHAT_SAFETY_SIZE = 8 * 6 /* a safety number, NUL included */
};

/* What a contact string says. A value; no lock. */
struct chat_card {
    char name[CHAT_NAME_SIZE];
    uint8_t key[CHAT_KEY_SIZE];
    char relay[CHAT_RELAY_SIZE]; /* empty: it names none */
    uint8_t hop[CHAT_KEY_SIZE];  /* the relay's key for the hop */
    bool has_hop;
};

/* base64url, for it survives a shell, a mail and a double click. */
void chat_key_write(char text[CHAT_KEY_TEXT], const uint8_t key[CHAT_KEY_SIZE]);

/* -EINVAL: it is no key. */
int chat_key_parse(uint8_t key[CHAT_KEY_SIZE], const char *text);

/* An endpoint with a transport, of visible ASCII. */
bool chat_relay_valid(const char *relay);

/*
 *   ironchat:1,NAME,KEY,RELAY,HOP,SUM     RELAY and HOP may be empty; SUM is BLAKE2b's first 6 octets of all before it
 *
 * Names and relays are percent-coded. There is one spelling for each card, and no other is read.
 */
void chat_card_write(char text[CHAT_CARD_SIZE], const struct chat_card *card);

/* -EINVAL: it is none; -EBADMSG: the checksum is wrong, so it was copied badly; -EPROTONOSUPPORT: of a later version. */
int chat_card_parse(struct chat_card *card, const char *text);

/* The same digits at both ends, if and only if both mean the same two keys: to be compared over the telephone. */
void chat_safety_number(char text[CHAT_SAFETY_SIZE], const uint8_t a[CHAT_KEY_SIZE], const uint8_t b[CHAT_KEY_SIZE]);

#endif
