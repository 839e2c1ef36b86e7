/* SPDX-License-Identifier: ISC */
/* What the files of the chat share: its state, and the functions between them. */
#ifndef IRONCHAT_STATE_H
#define IRONCHAT_STATE_H

#include "ironchat/chat.h"
#include "ironchat/command.h"
#include "ironchat/transfer.h"

enum {
    ROOMS_MAX = 64,
    ROOMS_OF_ONE_MAX = 16, /* that one contact may invite to */
    SHARES_MAX = 32,
    SHARES_OF_ONE_MAX = 8,  /* that one contact may offer */
    WINDOW = 8,             /* chunks that wait to be acknowledged */
    STRANGERS_MAX = 16,     /* that are told of */
    ANSWERS_MAX = 500,      /* messages that wait for one contact, beyond which nothing but texts is added */
    RELAY_SETTLES = 2000,   /* ms after which a relay that does not hang up is there */
    RELAY_MISSING = 5000,   /* ms after which the user is told that there is none */
    RELAY_REJECTS = 3,      /* times that it hangs up at once before the user is told */
    SUSPECTS_EVERY = 60000, /* ms between two notes of what was forged */
    GREET_EVERY = 10000,    /* ms */
    SILENT_AFTER = 45000,   /* ms without a sign of life: away */
    ROOM_MEMBERS_SIZE = (CHAT_MEMBERS_MAX + 1) * (CHAT_NAME_SIZE + 16)
};

/* What a message was that is not acknowledged yet. */
enum pending_kind { PENDING_TEXT, PENDING_GREETING, PENDING_CHUNK, PENDING_OTHER };

struct pending {
    uint64_t number;
    enum pending_kind kind;
    uint64_t ref; /* of a text or a share: its id */
};

/* The other end of a contact. Owned by the chat. */
struct peer {
    uint8_t key[CHAT_KEY_SIZE];
    bool here;
    bool greeting; /* one is on its way */
    int64_t heard;
    int64_t greeted;
    uint64_t incarnation;    /* of its program's run; 0: not known */
    struct pending *pending; /* in the order sent */
    size_t pending_count;
    size_t pending_room;
    bool warned;  /* of messages that we cannot read */
    bool refused; /* it does not let us in, and the user knows */
};

/* An own text, until all have acknowledged it or cannot. */
struct said {
    uint64_t id;
    unsigned total;
    unsigned done;
    unsigned lost;
};

struct member {
    uint8_t key[CHAT_KEY_SIZE];
    bool joined;
};

/* A room that we are in or invited to. members[owner] alone changes who may be in it. */
struct room {
    uint8_t id[CHAT_ID_SIZE];
    char name[CHAT_NAME_SIZE + 8]; /* "#" in front; unique here */
    uint32_t revision;
    bool joined;
    size_t owner;
    size_t count;
    struct member members[CHAT_MEMBERS_MAX];
};

enum share_state { SHARE_OFFERED, SHARE_RUNNING };

/* A file that is offered or on its way. */
struct share {
    uint64_t number; /* what the user calls it */
    uint8_t peer[CHAT_KEY_SIZE];
    bool outgoing;
    bool resync; /* in: the sender was told where we are, and has not gone there yet */
    enum share_state state;
    unsigned in_flight; /* out: chunks not acknowledged */
    int shown;          /* the last progress told, in steps of 5 % */
    struct chat_transfer transfer;
};

/* What is known of the relay. It is there when somebody was heard by it, or it has not hung up for a while: one that does
 * not like our key, or whose key is another, hangs up at once and can be reached again at once. */
struct relay {
    bool reached; /* at reached_at, and since then it has not hung up */
    bool settled; /* it was there once */
    bool down;    /* and the user knows */
    bool hinted;  /* the user knows what may be wrong with the key */
    unsigned rejected;
    int64_t reached_at;
};

/* Owned by who made it; one thread. */
struct chat {
    const struct chat_port *port;
    struct chat_card own;
    struct chat_contacts *contacts;
    const char *files;
    int64_t now;
    int64_t wall;
    uint64_t incarnation;
    struct peer *peers; /* one for each contact */
    size_t peer_count;
    struct said *said;
    size_t said_count;
    uint64_t last_said;
    struct room *rooms;
    size_t room_count;
    struct share *shares[SHARES_MAX];
    size_t share_count;
    uint64_t last_share;
    uint8_t strangers[STRANGERS_MAX][CHAT_KEY_SIZE];
    size_t stranger_count;
    uint64_t suspects; /* since one was told at suspected_at, that one included */
    int64_t suspected_at;
    bool crowded; /* there was no room for a room, and the user knows */
    char target[CHAT_NAME_SIZE + 8];
    bool quitting;
    bool missed; /* something that was said or sent has not arrived, and will not */
    int64_t started;
    struct relay relay;
};

/* ---- chat.c ---- */
/* Tells the user. who: a contact's key, or NULL. */
void chat_tell(struct chat *chat, struct chat_note note, const uint8_t *who);
__attribute__((format(printf, 3, 4))) void chat_say_info(struct chat *chat, enum chat_note_kind kind,
                                                         const char *format, ...);
struct peer *chat_peer(const struct chat *chat, const uint8_t *key);
/* The contact of this name; tells the user if there is none. */
const struct chat_contact *chat_contact_or_tell(struct chat *chat, const char *name);
/* Who is the only contact is who plain text goes to, unless somebody is. */
void chat_target_only(struct chat *chat);
/* Sends, and remembers what it was until it is acknowledged. -EAGAIN: too many wait; the errors of the port. */
int chat_send(struct chat *chat, struct peer *peer, const struct chat_msg *msg, enum pending_kind kind, uint64_t ref);

/* ---- reach.c ---- */
/* Somebody was heard, or time has passed: the relay may be there. */
void chat_relay_look(struct chat *chat, bool heard);

/* ---- say.c ---- */
void chat_say(struct chat *chat, const char *target, const char *text);
void chat_text_came(struct chat *chat, struct peer *peer, const struct chat_msg *msg);
void chat_text_done(struct chat *chat, uint64_t id, const struct peer *peer, bool delivered);

/* ---- people.c ---- */
void chat_greet(struct chat *chat, struct peer *peer);
void chat_heard(struct chat *chat, struct peer *peer);
void chat_gone(struct chat *chat, struct peer *peer);
void chat_presence_came(struct chat *chat, struct peer *peer, const struct chat_msg *msg);
int chat_peer_add(struct chat *chat, const uint8_t *key);
void chat_who(struct chat *chat, const struct chat_command *command);
void chat_verify(struct chat *chat, const struct chat_command *command);
void chat_add(struct chat *chat, const struct chat_command *command);
void chat_remove(struct chat *chat, const struct chat_command *command);
void chat_tell_contact_string(struct chat *chat, enum chat_note_kind kind);

/* ---- room.c ---- */
struct room *chat_room_named(const struct chat *chat, const char *name);
struct room *chat_room_by_id(const struct chat *chat, const uint8_t *id);
/* Whose a room is, its id says too: the second half is a hash of the first and of the owner's key. */
void chat_room_bind(uint8_t id[CHAT_ID_SIZE], const uint8_t *owner);
void chat_rooms_forget(struct chat *chat, const uint8_t *owner);
struct member *chat_room_member(struct room *room, const uint8_t *key);
/* Who is in it, for people to read: oneself, then in the order of the contacts. */
void chat_room_members(const struct chat *chat, const struct room *room, char out[ROOM_MEMBERS_SIZE]);
void chat_room_open(struct chat *chat, const struct chat_command *command);
void chat_room_invite(struct chat *chat, const struct chat_command *command);
void chat_room_join(struct chat *chat, const struct chat_command *command);
void chat_room_leave(struct chat *chat, const struct chat_command *command);
void chat_room_came(struct chat *chat, struct peer *peer, const struct chat_msg *msg);
void chat_member_came(struct chat *chat, struct peer *peer, const struct chat_msg *msg);
void chat_room_not_in(struct chat *chat, struct peer *peer, const uint8_t *id);
void chat_rooms_peer_anew(struct chat *chat, struct peer *peer);

/* ---- share.c ---- */
void chat_share_offer(struct chat *chat, const struct chat_command *command);
void chat_share_accept(struct chat *chat, const struct chat_command *command);
void chat_share_cancel(struct chat *chat, const struct chat_command *command);
void chat_offer_came(struct chat *chat, struct peer *peer, const struct chat_msg *msg);
void chat_accept_came(struct chat *chat, struct peer *peer, const struct chat_msg *msg);
void chat_chunk_came(struct chat *chat, struct peer *peer, const struct chat_msg *msg);
void chat_end_came(struct chat *chat, struct peer *peer, const struct chat_msg *msg);
void chat_chunk_done(struct chat *chat, uint64_t number, bool delivered);
void chat_shares_peer_anew(struct chat *chat, struct peer *peer);
void chat_shares_push(struct chat *chat);
void chat_shares_forget(struct chat *chat, const uint8_t *key);
bool chat_shares_busy(const struct chat *chat);

#endif
