/* SPDX-License-Identifier: ISC */
/*
 * One participant: contacts, presence, conversations, rooms, files. It knows neither sockets nor screens: messages go
 * out and come in through a port, the user's lines through chat_line, the time through chat_clock. One thread.
 */
#ifndef IRONCHAT_CHAT_H
#define IRONCHAT_CHAT_H

#include "ironchat/contacts.h"
#include "ironchat/note.h"
#include "ironchat/proto.h"

struct chat;

/* What the chat asks of the world; called from within the chat's own functions. Outlives the chat. */
struct chat_port {
    void *arg;
    /* Sends a message, sealed for this key; *number is what chat_delivered will call it. -EAGAIN: too many wait. */
    int (*send)(void *arg, const uint8_t *key, const void *data, size_t size, uint64_t *number);
    /* Who may speak with us: whoever was let in last, and not turned away since. */
    void (*allow)(void *arg, const uint8_t *key);
    void (*deny)(void *arg, const uint8_t *key);
    void (*note)(void *arg, const struct chat_note *note);
};

/* contacts and files (the folder for what comes in) are borrowed until the chat is freed. NULL: no memory. */
struct chat *chat_new(const struct chat_card *own, struct chat_contacts *contacts, const char *files,
                      const struct chat_port *port);
void chat_free(struct chat *chat);

/* The time, before anything else that happens at it: ms of a clock that never goes back, and seconds since 1970. */
void chat_clock(struct chat *chat, int64_t now_ms, int64_t wall_s);

/* Lets the contacts in and greets them. */
void chat_start(struct chat *chat);

/* A line that the user wrote; it is changed. */
void chat_line(struct chat *chat, char *line);

/* What the sockets tell. key: whom it concerns. */
void chat_message(struct chat *chat, const uint8_t *key, const void *data, size_t size);
void chat_delivered(struct chat *chat, const uint8_t *key, uint64_t number);
void chat_undelivered(struct chat *chat, const uint8_t *key, uint64_t number);
void chat_session_ended(struct chat *chat, const uint8_t *key);
void chat_refused(struct chat *chat, const uint8_t *key);
void chat_suspect(struct chat *chat, const uint8_t *key, const char *what, uint64_t times);
void chat_stranger(struct chat *chat, const uint8_t *key);
void chat_network(struct chat *chat, bool up);
/* The relay ended a connection before it could carry anything. */
void chat_network_rejects(struct chat *chat);

/* To be called about once a second. */
void chat_tick(struct chat *chat);

/* Tells those who are here that we go. */
void chat_leave(struct chat *chat);

/* Has something that was said, or a file that is on its way out, not arrived yet? */
bool chat_busy(const struct chat *chat);

/* Has something that was said not been settled yet? */
bool chat_speaking(const struct chat *chat);

/* Is it known of something that was said or sent that it has not arrived, and will not? */
bool chat_missed(const struct chat *chat);

/* Has /quit been given? */
bool chat_quitting(const struct chat *chat);

/* Whom plain text goes to now: "bob" or "#room"; empty: nobody. And how many contacts are here. */
const char *chat_target(const struct chat *chat);
size_t chat_count_here(const struct chat *chat);
bool chat_network_down(const struct chat *chat);

#endif
