/* SPDX-License-Identifier: ISC */
/* What the chat has to tell its user, and two ways to write it: a record for programs, a line for people. */
#ifndef IRONCHAT_NOTE_H
#define IRONCHAT_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ironchat/text.h"

enum chat_note_kind {
    CHAT_NOTE_READY,       /* who: oneself; text: the own contact string */
    CHAT_NOTE_HERE,        /* who */
    CHAT_NOTE_AWAY,        /* who */
    CHAT_NOTE_MESSAGE,     /* who said text, where */
    CHAT_NOTE_SENT,        /* own text number id, to who or where */
    CHAT_NOTE_DELIVERED,   /* own text id reached done of total */
    CHAT_NOTE_UNDELIVERED, /* own text id cannot be known to have reached who */
    CHAT_NOTE_STRANGER,    /* text: the key of somebody who is no contact and wanted in */
    CHAT_NOTE_INVITED,     /* who invites into the room where; text: the members */
    CHAT_NOTE_ROOM,        /* who did text in the room where */
    CHAT_NOTE_OFFER,       /* who offers the file text, of total octets, done of them here already; id */
    CHAT_NOTE_PROGRESS,    /* the file text to or from who: done of total; id */
    CHAT_NOTE_FILE_DONE,   /* it is whole, and its hash right: text says where it is */
    CHAT_NOTE_FILE_FAILED, /* it ended otherwise: text says why */
    CHAT_NOTE_CONTACT,     /* a line of /who: text says "here" or "away" */
    CHAT_NOTE_SAFETY,      /* the safety number with who is text */
    CHAT_NOTE_WARNING,
    CHAT_NOTE_INFO,
    CHAT_NOTE_ERROR,
    CHAT_NOTE_KINDS
};

/* One thing to tell. Strings are borrowed for the call, clean, and NULL where a kind has none. */
struct chat_note {
    enum chat_note_kind kind;
    int64_t time; /* seconds since 1970 */
    const char *who;
    bool verified;
    const char *where; /* "#room"; NULL: between two */
    const char *text;
    uint64_t id;
    uint64_t done;
    uint64_t total;
};

enum { CHAT_NOTE_SIZE = CHAT_TEXT_CLEAN + 512 };

/* Eight columns, tabs between them, the same for each kind; "-" where it has nothing:
 * kind, time (UTC), who, verified|unverified, where, number, done/total, text */
void chat_note_record(char out[CHAT_NOTE_SIZE], const struct chat_note *note);

/* Without the time. */
void chat_note_line(char out[CHAT_NOTE_SIZE], const struct chat_note *note);

/* 1 to 5 digits and a unit. */
void chat_note_size(char out[16], uint64_t octets);

#endif
