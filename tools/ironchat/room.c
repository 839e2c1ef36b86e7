/* SPDX-License-Identifier: ISC */
/*
 * Rooms. A room is a list of members that its owner made and sends to each; who agrees says so to each. Nothing else of it
 * exists anywhere: what is said in it goes sealed from member to member, and only between contacts.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ironchat/state.h"

struct room *chat_room_named(const struct chat *chat, const char *name)
{
    for (size_t i = 0; i < chat->room_count; i++) {
        if (strcmp(chat->rooms[i].name, name) == 0)
            return &chat->rooms[i];
    }
    return NULL;
}

struct room *chat_room_by_id(const struct chat *chat, const uint8_t *id)
{
    for (size_t i = 0; i < chat->room_count; i++) {
        if (memcmp(chat->rooms[i].id, id, CHAT_ID_SIZE) == 0)
            return &chat->rooms[i];
    }
    return NULL;
}

struct member *chat_room_member(struct room *room, const uint8_t *key)
{
    for (size_t i = 0; i < room->count; i++) {
        if (memcmp(room->members[i].key, key, CHAT_KEY_SIZE) == 0)
            return &room->members[i];
    }
    return NULL;
}

static bool own_room(const struct chat *chat, const struct room *room)
{
    return memcmp(room->members[room->owner].key, chat->own.key, CHAT_KEY_SIZE) == 0;
}

/* Room for one more; NULL: there is none. */
static struct room *room_new(struct chat *chat)
{
    struct room *rooms = NULL;

    if (chat->room_count < ROOMS_MAX)
        rooms = realloc(chat->rooms, (chat->room_count + 1) * sizeof *rooms);
    if (rooms == NULL)
        return NULL;
    chat->rooms = rooms;
    rooms += chat->room_count++;
    memset(rooms, 0, sizeof *rooms);
    return rooms;
}

void chat_room_bind(uint8_t id[CHAT_ID_SIZE], const uint8_t *owner)
{
    static const uint8_t domain[] = "ironchat room 1";
    uint8_t hash[crypto_generichash_BYTES];
    crypto_generichash_state state;

    (void)crypto_generichash_init(&state, NULL, 0, sizeof hash);
    (void)crypto_generichash_update(&state, domain, sizeof domain);
    (void)crypto_generichash_update(&state, id, CHAT_ID_SIZE / 2);
    (void)crypto_generichash_update(&state, owner, CHAT_KEY_SIZE);
    (void)crypto_generichash_final(&state, hash, sizeof hash);
    memcpy(id + CHAT_ID_SIZE / 2, hash, CHAT_ID_SIZE / 2);
}

static bool id_is_of(const uint8_t *id, const uint8_t *owner)
{
    uint8_t bound[CHAT_ID_SIZE];

    memcpy(bound, id, sizeof bound);
    chat_room_bind(bound, owner);
    return memcmp(bound, id, sizeof bound) == 0;
}

void chat_rooms_forget(struct chat *chat, const uint8_t *owner)
{
    for (size_t i = 0; i < chat->room_count;) {
        struct room *room = &chat->rooms[i];

        if (memcmp(room->members[room->owner].key, owner, CHAT_KEY_SIZE) != 0) {
            i++;
            continue;
        }
        if (strcmp(chat->target, room->name) == 0)
            chat->target[0] = '\0';
        chat->room_count--;
        memmove(room, room + 1, (chat->room_count - i) * sizeof *room);
    }
    chat->crowded = false;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, CHAT_KEY_SIZE);
}

/* Puts the members in rising order and finds the owner again. */
static void sort_members(struct room *room, const uint8_t *owner)
{
    qsort(room->members, room->count, sizeof room->members[0], compare);
    room->owner = (size_t)(chat_room_member(room, owner) - room->members);
}

static bool add_members(struct chat *chat, struct room *room, char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct chat_contact *contact = chat_contact_or_tell(chat, names[i]);

        if (contact == NULL)
            return false;
        if (chat_room_member(room, contact->key) != NULL)
            continue;
        if (room->count == CHAT_MEMBERS_MAX) {
            chat_say_info(chat, CHAT_NOTE_ERROR, "a room holds %d people", CHAT_MEMBERS_MAX);
            return false;
        }
        memcpy(room->members[room->count++].key, contact->key, CHAT_KEY_SIZE);
    }
    return true;
}

/* key NULL: to every member, since the user says so, who hears of it if it fails. */
static void send_invitation(struct chat *chat, const struct room *room, const uint8_t *key)
{
    uint8_t keys[CHAT_MEMBERS_MAX * CHAT_KEY_SIZE];
    struct chat_msg msg = {.kind = CHAT_ROOM, .revision = room->revision, .keys = keys};

    memcpy(msg.id, room->id, sizeof msg.id);
    msg.owner = (uint8_t)room->owner;
    msg.count = (uint8_t)room->count;
    msg.text = room->name + 1;
    msg.size = strlen(msg.text);
    for (size_t i = 0; i < room->count; i++)
        memcpy(keys + i * CHAT_KEY_SIZE, room->members[i].key, CHAT_KEY_SIZE);
    for (size_t i = 0; i < room->count; i++) {
        struct peer *peer = chat_peer(chat, room->members[i].key);

        if (peer != NULL && (key == NULL || memcmp(key, peer->key, CHAT_KEY_SIZE) == 0) &&
            chat_send(chat, peer, &msg, PENDING_OTHER, 0) < 0 && key == NULL)
            chat_say_info(chat, CHAT_NOTE_ERROR, "an invitation to %s could not be sent", room->name);
    }
}

static void send_state(struct chat *chat, const uint8_t *id, enum chat_member state, struct peer *peer)
{
    struct chat_msg msg = {.kind = CHAT_MEMBER, .state = (uint8_t)state};

    memcpy(msg.id, id, sizeof msg.id);
    (void)chat_send(chat, peer, &msg, PENDING_OTHER, 0);
}

static void send_state_to_all(struct chat *chat, const struct room *room, enum chat_member state)
{
    for (size_t i = 0; i < room->count; i++) {
        struct peer *peer = chat_peer(chat, room->members[i].key);

        if (peer != NULL)
            send_state(chat, room->id, state, peer);
    }
}

void chat_room_open(struct chat *chat, const struct chat_command *command)
{
    const char *name = command->words[0];
    struct room fresh = {.revision = 1, .joined = true, .count = 1}, *room;

    if (name[0] != '#' || !chat_name_valid(name + 1)) {
        chat_say_info(chat, CHAT_NOTE_ERROR, "a room's name is # and a word");
        return;
    }
    if (chat_room_named(chat, name) != NULL) {
        chat_say_info(chat, CHAT_NOTE_ERROR, "%s is there already; /invite brings others in", name);
        return;
    }
    (void)snprintf(fresh.name, sizeof fresh.name, "%s", name);
    randombytes_buf(fresh.id, sizeof fresh.id);
    chat_room_bind(fresh.id, chat->own.key);
    memcpy(fresh.members[0].key, chat->own.key, CHAT_KEY_SIZE);
    if (!add_members(chat, &fresh, command->words + 1, command->count - 1))
        return;
    room = room_new(chat);
    if (room == NULL) {
        chat_say_info(chat, CHAT_NOTE_ERROR, "%d rooms are the most: /remove takes a contact's rooms away", ROOMS_MAX);
        return;
    }
    *room = fresh;
    sort_members(room, chat->own.key);
    (void)snprintf(chat->target, sizeof chat->target, "%s", name);
    chat_say_info(chat, CHAT_NOTE_INFO, "%s is open; you talk to %s", name, name);
    send_invitation(chat, room, NULL);
}

void chat_room_invite(struct chat *chat, const struct chat_command *command)
{
    struct room *room = chat_room_named(chat, command->words[0]);
    struct room changed;

    if (room == NULL || !own_room(chat, room)) {
        chat_say_info(chat, CHAT_NOTE_ERROR, "%s is no room of yours", command->words[0]);
        return;
    }
    changed = *room;
    if (!add_members(chat, &changed, command->words + 1, command->count - 1) || changed.count == room->count)
        return;
    changed.revision++;
    sort_members(&changed, chat->own.key);
    *room = changed;
    send_invitation(chat, room, NULL);
}

/* Those whom the joiner cannot hear, and who cannot hear the joiner. */
static void tell_strangers(struct chat *chat, const struct room *room)
{
    for (size_t i = 0; i < room->count; i++) {
        char text[CHAT_KEY_TEXT];

        if (memcmp(room->members[i].key, chat->own.key, CHAT_KEY_SIZE) == 0 ||
            chat_peer(chat, room->members[i].key) != NULL)
            continue;
        chat_key_write(text, room->members[i].key);
        chat_say_info(chat, CHAT_NOTE_WARNING,
                      "a member of %s is no contact of yours, you do not hear each other: /add NAME %s", room->name,
                      text);
    }
}

void chat_room_join(struct chat *chat, const struct chat_command *command)
{
    const char *name = command->words[0];
    struct room *room = chat_room_named(chat, name);

    if (room == NULL) {
        chat_say_info(chat, CHAT_NOTE_ERROR, "you were not invited to %s", name);
        return;
    }
    (void)snprintf(chat->target, sizeof chat->target, "%s", name);
    chat_say_info(chat, CHAT_NOTE_INFO, "you are in %s; you talk to %s", name, name);
    if (!room->joined) {
        room->joined = true;
        tell_strangers(chat, room);
        send_state_to_all(chat, room, CHAT_JOINED);
    }
}

void chat_room_leave(struct chat *chat, const struct chat_command *command)
{
    const char *name = command->words[0];
    struct room *room = chat_room_named(chat, name);

    if (room == NULL || !room->joined) {
        chat_say_info(chat, CHAT_NOTE_ERROR, "you are not in %s", name);
        return;
    }
    room->joined = false;
    send_state_to_all(chat, room, CHAT_LEFT);
    if (strcmp(chat->target, name) == 0)
        chat->target[0] = '\0';
    chat_say_info(chat, CHAT_NOTE_INFO, "you left %s; /join %s brings you back", name, name);
}

/* The name that it has here: two rooms of different owners may be called the same. */
static bool name_room(const struct chat *chat, struct room *room, const struct chat_msg *msg)
{
    char name[CHAT_NAME_SIZE];

    memcpy(name, msg->text, msg->size);
    name[msg->size] = '\0';
    if (strlen(name) != msg->size || !chat_name_valid(name))
        return false;
    (void)snprintf(room->name, sizeof room->name, "#%s", name);
    for (int n = 2; chat_room_named(chat, room->name) != NULL; n++)
        (void)snprintf(room->name, sizeof room->name, "#%s~%d", name, n);
    return true;
}

static void take_members(struct room *room, const struct chat_msg *msg)
{
    struct room before = *room;

    room->revision = msg->revision;
    room->owner = msg->owner;
    room->count = msg->count;
    for (size_t i = 0; i < room->count; i++) {
        struct member *member = &room->members[i], *was;

        memcpy(member->key, msg->keys + i * CHAT_KEY_SIZE, CHAT_KEY_SIZE);
        was = chat_room_member(&before, member->key);
        member->joined = was != NULL && was->joined;
    }
    room->members[room->owner].joined = true; /* who invites is there */
}

static size_t list(char *out, size_t used, const char *name, bool joined)
{
    return used + (size_t)snprintf(out + used, ROOM_MEMBERS_SIZE - used, "%s%s%s", used > 0 ? ", " : "", name,
                                   joined ? "" : " (invited)");
}

void chat_room_members(const struct chat *chat, const struct room *room, char out[ROOM_MEMBERS_SIZE])
{
    size_t used = list(out, 0, "you", room->joined), known = 1;

    for (size_t i = 0; i < chat->contacts->count; i++) {
        const struct chat_contact *contact = &chat->contacts->list[i];
        const struct member *member = chat_room_member((struct room *)room, contact->key);

        if (member != NULL) {
            used = list(out, used, contact->name, member->joined);
            known++;
        }
    }
    if (known < room->count)
        (void)snprintf(out + used, ROOM_MEMBERS_SIZE - used, ", %zu you do not know", room->count - known);
}

static void tell_invitation(struct chat *chat, const struct room *room, const struct peer *peer)
{
    char members[ROOM_MEMBERS_SIZE];

    chat_room_members(chat, room, members);
    chat_tell(chat, (struct chat_note){.kind = CHAT_NOTE_INVITED, .where = room->name, .text = members}, peer->key);
}

static size_t rooms_of(const struct chat *chat, const uint8_t *key)
{
    size_t count = 0;

    for (size_t i = 0; i < chat->room_count; i++)
        count += memcmp(chat->rooms[i].members[chat->rooms[i].owner].key, key, CHAT_KEY_SIZE) == 0;
    return count;
}

/* Told once, since who invites may do so for ever. */
static void tell_crowded(struct chat *chat, const struct peer *peer)
{
    const struct chat_contact *contact = chat_contacts_keyed(chat->contacts, peer->key);

    if (chat->crowded || contact == NULL)
        return;
    chat->crowded = true;
    chat_say_info(chat, CHAT_NOTE_WARNING,
                  "%s invites you to a room, and there is no room for another: /remove takes a contact's rooms away",
                  contact->name);
}

static void invited(struct chat *chat, struct peer *peer, const struct chat_msg *msg)
{
    struct room fresh = {.count = 0}, *room;

    if (rooms_of(chat, peer->key) >= ROOMS_OF_ONE_MAX || !name_room(chat, &fresh, msg))
        return;
    memcpy(fresh.id, msg->id, sizeof fresh.id);
    take_members(&fresh, msg);
    if (chat_room_member(&fresh, chat->own.key) == NULL)
        return;
    room = room_new(chat);
    if (room == NULL) {
        tell_crowded(chat, peer);
        return;
    }
    *room = fresh;
    tell_invitation(chat, room, peer);
}

void chat_room_came(struct chat *chat, struct peer *peer, const struct chat_msg *msg)
{
    struct room *room = chat_room_by_id(chat, msg->id);

    if (memcmp(msg->keys + (size_t)msg->owner * CHAT_KEY_SIZE, peer->key, CHAT_KEY_SIZE) != 0)
        return; /* only the owner speaks for a room */
    if (!id_is_of(msg->id, peer->key))
        return; /* it is another's */
    if (room == NULL) {
        invited(chat, peer, msg);
        return;
    }
    if (memcmp(room->members[room->owner].key, peer->key, CHAT_KEY_SIZE) != 0)
        return;
    if (msg->revision > room->revision) {
        take_members(room, msg);
        chat_tell(chat,
                  (struct chat_note){.kind = CHAT_NOTE_ROOM, .where = room->name, .text = "changed who may be there"},
                  peer->key);
        if (room->joined)
            send_state_to_all(chat, room, CHAT_JOINED);
    } else if (room->joined) {
        send_state(chat, room->id, CHAT_JOINED, peer);
    }
}

void chat_member_came(struct chat *chat, struct peer *peer, const struct chat_msg *msg)
{
    struct room *room = chat_room_by_id(chat, msg->id);
    struct member *member = room != NULL ? chat_room_member(room, peer->key) : NULL;
    bool joined = msg->state == CHAT_JOINED;

    if (member == NULL || member->joined == joined)
        return;
    member->joined = joined;
    chat_tell(chat, (struct chat_note){.kind = CHAT_NOTE_ROOM, .where = room->name, .text = joined ? "joined" : "left"},
              peer->key);
    if (joined && room->joined)
        send_state(chat, room->id, CHAT_JOINED, peer); /* so that who comes later learns who is there */
}

void chat_room_not_in(struct chat *chat, struct peer *peer, const uint8_t *id)
{
    send_state(chat, id, CHAT_LEFT, peer);
}

void chat_rooms_peer_anew(struct chat *chat, struct peer *peer)
{
    for (size_t i = 0; i < chat->room_count; i++) {
        struct room *room = &chat->rooms[i];
        struct member *member = chat_room_member(room, peer->key);

        if (member == NULL)
            continue;
        member->joined = false;
        if (own_room(chat, room))
            send_invitation(chat, room, peer->key);
        if (room->joined)
            send_state(chat, room->id, CHAT_JOINED, peer);
    }
}
