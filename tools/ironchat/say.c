/* SPDX-License-Identifier: ISC */
/* Texts: said, delivered, received. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ironchat/state.h"

/* Where a text goes: to one contact, or to the members of a room. */
struct audience {
    struct peer *peers[CHAT_MEMBERS_MAX];
    size_t count;
};

static bool gather_room(struct chat *chat, const char *name, struct audience *audience, struct chat_msg *msg)
{
    struct room *room = chat_room_named(chat, name);

    if (room == NULL || !room->joined) {
        chat_say_info(chat, CHAT_NOTE_ERROR, "you are not in %s", name);
        return false;
    }
    msg->to_room = true;
    memcpy(msg->id, room->id, sizeof msg->id);
    for (size_t i = 0; i < room->count; i++) {
        struct peer *peer = chat_peer(chat, room->members[i].key);

        if (peer != NULL && room->members[i].joined)
            audience->peers[audience->count++] = peer;
    }
    if (audience->count == 0)
        chat_say_info(chat, CHAT_NOTE_ERROR, "nobody else is in %s yet", name);
    return audience->count > 0;
}

static bool gather(struct chat *chat, const char *target, struct audience *audience, struct chat_msg *msg)
{
    const struct chat_contact *contact;

    if (target[0] == '\0') {
        chat_say_info(chat, CHAT_NOTE_ERROR, "to whom? /to NAME or /to #ROOM says it for what follows");
        return false;
    }
    if (target[0] == '#')
        return gather_room(chat, target, audience, msg);
    contact = chat_contact_or_tell(chat, target);
    audience->peers[0] = contact != NULL ? chat_peer(chat, contact->key) : NULL;
    audience->count = 1;
    return audience->peers[0] != NULL;
}

static struct said *said_new(struct chat *chat)
{
    struct said *list = realloc(chat->said, (chat->said_count + 1) * sizeof *list);

    if (list == NULL)
        return NULL;
    chat->said = list;
    list += chat->said_count++;
    *list = (struct said){.id = ++chat->last_said};
    return list;
}

static void say_to(struct chat *chat, const struct audience *audience, const struct chat_msg *msg, const char *target,
                   const char *clean)
{
    struct said *said = said_new(chat);
    int rc = said == NULL ? -ENOMEM : 0;
    struct chat_note note = {.kind = CHAT_NOTE_SENT, .text = clean};

    for (size_t i = 0; said != NULL && i < audience->count; i++) {
        int one = chat_send(chat, audience->peers[i], msg, PENDING_TEXT, said->id);

        said->total += one == 0;
        rc = one < 0 ? one : rc;
    }
    if (rc == -EAGAIN)
        chat_say_info(chat, CHAT_NOTE_ERROR, "too much waits for %s already; say it again later", target);
    else if (rc < 0)
        chat_say_info(chat, CHAT_NOTE_ERROR, "not sent: %s", strerror(-rc));
    chat->missed = chat->missed || rc < 0;
    if (said == NULL || said->total == 0) {
        chat->said_count -= said != NULL;
        return;
    }
    note.id = said->id;
    note.total = said->total;
    note.where = msg->to_room ? target : NULL;
    chat_tell(chat, note, msg->to_room ? NULL : audience->peers[0]->key);
}

void chat_say(struct chat *chat, const char *target, const char *text)
{
    char clean[CHAT_TEXT_CLEAN];
    struct chat_msg msg = {.kind = CHAT_TEXT};
    struct audience audience = {.count = 0};

    msg.text = clean;
    msg.size = chat_text_clean(clean, sizeof clean, text, strlen(text));
    if (msg.size > CHAT_TEXT_MAX) {
        chat_say_info(chat, CHAT_NOTE_ERROR, "too long: %d octets are the most", CHAT_TEXT_MAX);
        return;
    }
    if (msg.size > 0 && gather(chat, target, &audience, &msg))
        say_to(chat, &audience, &msg, target, clean);
}

void chat_text_done(struct chat *chat, uint64_t id, const struct peer *peer, bool delivered)
{
    struct said *said = chat->said;
    struct said now;

    while (said < chat->said + chat->said_count && said->id != id)
        said++;
    if (said == chat->said + chat->said_count)
        return;
    said->done += delivered;
    said->lost += !delivered;
    chat->missed = chat->missed || !delivered;
    now = *said;
    if (now.done + now.lost == now.total)
        memmove(said, said + 1, (size_t)(chat->said + --chat->said_count - said) * sizeof *said);
    if (delivered)
        chat_tell(chat, (struct chat_note){.kind = CHAT_NOTE_DELIVERED, .id = id, .done = now.done, .total = now.total},
                  NULL);
    else
        chat_tell(chat, (struct chat_note){.kind = CHAT_NOTE_UNDELIVERED, .id = id}, peer->key);
}

void chat_text_came(struct chat *chat, struct peer *peer, const struct chat_msg *msg)
{
    char clean[CHAT_TEXT_CLEAN];
    struct chat_note note = {.kind = CHAT_NOTE_MESSAGE, .text = clean};

    if (msg->to_room) {
        struct room *room = chat_room_by_id(chat, msg->id);
        struct member *member = room != NULL && room->joined ? chat_room_member(room, peer->key) : NULL;

        if (member == NULL) {
            chat_room_not_in(chat, peer, msg->id);
            return;
        }
        member->joined = true;
        note.where = room->name;
    }
    (void)chat_text_clean(clean, sizeof clean, msg->text, msg->size);
    chat_tell(chat, note, peer->key);
}
