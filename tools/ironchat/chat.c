/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ironchat/state.h"

void chat_tell(struct chat *chat, struct chat_note note, const uint8_t *who)
{
    const struct chat_contact *contact = who != NULL ? chat_contacts_keyed(chat->contacts, who) : NULL;

    note.time = chat->wall;
    if (contact != NULL) {
        note.who = contact->name;
        note.verified = contact->verified;
    }
    chat->port->note(chat->port->arg, &note);
}

void chat_say_info(struct chat *chat, enum chat_note_kind kind, const char *format, ...)
{
    char text[CHAT_CARD_SIZE + 256], clean[CHAT_CARD_SIZE + 256];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)chat_text_clean(clean, sizeof clean, text, strlen(text));
    chat_tell(chat, (struct chat_note){.kind = kind, .text = clean}, NULL);
}

struct peer *chat_peer(const struct chat *chat, const uint8_t *key)
{
    for (size_t i = 0; i < chat->peer_count; i++) {
        if (memcmp(chat->peers[i].key, key, CHAT_KEY_SIZE) == 0)
            return &chat->peers[i];
    }
    return NULL;
}

const struct chat_contact *chat_contact_or_tell(struct chat *chat, const char *name)
{
    const struct chat_contact *contact = chat_contacts_named(chat->contacts, name);

    if (contact == NULL)
        chat_say_info(chat, CHAT_NOTE_ERROR, "%s is no contact; /who lists them", name);
    return contact;
}

static int remember(struct peer *peer, uint64_t number, enum pending_kind kind, uint64_t ref)
{
    if (peer->pending_count == peer->pending_room) {
        size_t room = peer->pending_room > 0 ? 2 * peer->pending_room : 16;
        struct pending *pending = realloc(peer->pending, room * sizeof *pending);

        if (pending == NULL)
            return -ENOMEM;
        peer->pending = pending;
        peer->pending_room = room;
    }
    peer->pending[peer->pending_count++] = (struct pending){number, kind, ref};
    return 0;
}

int chat_send(struct chat *chat, struct peer *peer, const struct chat_msg *msg, enum pending_kind kind, uint64_t ref)
{
    uint8_t octets[CHAT_MSG_MAX];
    uint64_t number = 0;
    int size = chat_msg_write(octets, sizeof octets, msg);
    int rc;

    if (size < 0)
        return size;
    if (kind != PENDING_TEXT && peer->pending_count >= ANSWERS_MAX)
        return -EAGAIN;                /* the port would wait, and what makes us answer may come without end */
    rc = remember(peer, 0, kind, ref); /* first, so that nothing goes out that would be forgotten */
    if (rc < 0)
        return rc;
    rc = chat->port->send(chat->port->arg, peer->key, octets, (size_t)size, &number);
    if (rc < 0)
        peer->pending_count--;
    else
        peer->pending[peer->pending_count - 1].number = number;
    return rc;
}

static void settle(struct chat *chat, struct peer *peer, const struct pending *pending, bool delivered)
{
    switch (pending->kind) {
    case PENDING_TEXT:
        chat_text_done(chat, pending->ref, peer, delivered);
        break;
    case PENDING_GREETING:
        peer->greeting = false;
        break;
    case PENDING_CHUNK:
        chat_chunk_done(chat, pending->ref, delivered);
        break;
    case PENDING_OTHER:
        break;
    }
}

/* Takes one out before anything follows from it, which may put others in. */
static void settle_at(struct chat *chat, struct peer *peer, size_t index, bool delivered)
{
    struct pending pending = peer->pending[index];

    peer->pending_count--;
    memmove(peer->pending + index, peer->pending + index + 1, (peer->pending_count - index) * sizeof pending);
    settle(chat, peer, &pending, delivered);
}

void chat_delivered(struct chat *chat, const uint8_t *key, uint64_t number)
{
    struct peer *peer = chat_peer(chat, key);

    if (peer == NULL)
        return;
    while (peer->pending_count > 0 && peer->pending[0].number <= number)
        settle_at(chat, peer, 0, true);
    chat_heard(chat, peer);
}

void chat_undelivered(struct chat *chat, const uint8_t *key, uint64_t number)
{
    struct peer *peer = chat_peer(chat, key);

    for (size_t i = 0; peer != NULL && i < peer->pending_count; i++) {
        if (peer->pending[i].number == number) {
            settle_at(chat, peer, i, false);
            return;
        }
    }
}

static void unreadable(struct chat *chat, struct peer *peer, int error)
{
    const struct chat_contact *contact = chat_contacts_keyed(chat->contacts, peer->key);

    if (peer->warned || contact == NULL)
        return;
    peer->warned = true;
    chat_say_info(chat, CHAT_NOTE_WARNING, "%s sent something that %s; more of it will be dropped without a word",
                  contact->name, error == -EPROTONOSUPPORT ? "needs a newer ironchat" : "is malformed");
}

void chat_message(struct chat *chat, const uint8_t *key, const void *data, size_t size)
{
    static void (*const handlers[])(struct chat *, struct peer *, const struct chat_msg *) = {
        [CHAT_TEXT] = chat_text_came,     [CHAT_PRESENCE] = chat_presence_came, [CHAT_ROOM] = chat_room_came,
        [CHAT_MEMBER] = chat_member_came, [CHAT_OFFER] = chat_offer_came,       [CHAT_ACCEPT] = chat_accept_came,
        [CHAT_CHUNK] = chat_chunk_came,   [CHAT_END] = chat_end_came,
    };
    struct peer *peer = chat_peer(chat, key);
    struct chat_msg msg;
    int rc;

    if (peer == NULL)
        return; /* removed a moment ago */
    rc = chat_msg_parse(&msg, data, size);
    if (rc < 0) {
        unreadable(chat, peer, rc);
        return;
    }
    if (msg.kind != CHAT_PRESENCE || msg.state != CHAT_LEAVING)
        chat_heard(chat, peer);
    handlers[msg.kind](chat, peer, &msg);
}

void chat_session_ended(struct chat *chat, const uint8_t *key)
{
    struct peer *peer = chat_peer(chat, key);

    if (peer != NULL)
        chat_gone(chat, peer);
}

/* Tried again and again, so told once. */
void chat_refused(struct chat *chat, const uint8_t *key)
{
    const struct chat_contact *contact = chat_contacts_keyed(chat->contacts, key);
    struct peer *peer = chat_peer(chat, key);

    if (contact == NULL || peer == NULL || peer->refused)
        return;
    peer->refused = true;
    chat_say_info(chat, CHAT_NOTE_WARNING, "%s does not let you in yet: you are no contact there", contact->name);
}

/* Whoever stands between can forge without end: the first is told, and of the others how many they were. */
void chat_suspect(struct chat *chat, const uint8_t *key, const char *what, uint64_t times)
{
    const struct chat_contact *contact = chat_contacts_keyed(chat->contacts, key);

    chat->suspects += times;
    if (chat->suspects > times)
        return;
    chat->suspected_at = chat->now;
    chat_say_info(
        chat, CHAT_NOTE_WARNING,
        "dropped something that claims to be from %s: %s. Nothing of it counts. If it goes on, the relay or the "
        "way to it alters what passes: leave, and use another, --relay",
        contact != NULL ? contact->name : "somebody", what);
}

static void count_suspects(struct chat *chat)
{
    if (chat->suspects == 0 || chat->now - chat->suspected_at < SUSPECTS_EVERY)
        return;
    if (chat->suspects > 1)
        chat_say_info(chat, CHAT_NOTE_WARNING, "dropped %" PRIu64 " more of that kind within a minute",
                      chat->suspects - 1);
    chat->suspects = chat->suspects > 1 ? 1 : 0;
    chat->suspected_at = chat->now;
}

void chat_stranger(struct chat *chat, const uint8_t *key)
{
    char text[CHAT_KEY_TEXT];

    if (chat_peer(chat, key) != NULL || chat->stranger_count > STRANGERS_MAX)
        return;
    for (size_t i = 0; i < chat->stranger_count && i < STRANGERS_MAX; i++) {
        if (memcmp(chat->strangers[i], key, CHAT_KEY_SIZE) == 0)
            return;
    }
    if (chat->stranger_count++ == STRANGERS_MAX) {
        chat_say_info(chat, CHAT_NOTE_WARNING, "more strangers want in; they are refused and no longer told");
        return;
    }
    memcpy(chat->strangers[chat->stranger_count - 1], key, CHAT_KEY_SIZE);
    chat_key_write(text, key);
    chat_tell(chat, (struct chat_note){.kind = CHAT_NOTE_STRANGER, .text = text}, NULL);
}

static void help(struct chat *chat, const struct chat_command *command)
{
    const char *text;

    (void)command;
    for (size_t i = 0; (text = chat_command_help(i)) != NULL; i++)
        chat_say_info(chat, CHAT_NOTE_INFO, "%s", text);
}

static void choose_target(struct chat *chat, const struct chat_command *command)
{
    const char *name = command->words[0];

    if (name[0] == '#' ? chat_room_named(chat, name) != NULL : chat_contacts_named(chat->contacts, name) != NULL) {
        (void)snprintf(chat->target, sizeof chat->target, "%s", name);
        chat_say_info(chat, CHAT_NOTE_INFO, "you talk to %s", name);
    } else {
        chat_say_info(chat, CHAT_NOTE_ERROR, "there is no %s %s", name[0] == '#' ? "room" : "contact", name);
    }
}

static void say(struct chat *chat, const struct chat_command *command)
{
    if (command->verb == CHAT_VERB_SAY)
        chat_say(chat, chat->target, command->words[0]);
    else
        chat_say(chat, command->words[0], command->words[1]);
}

static void quit(struct chat *chat, const struct chat_command *command)
{
    (void)command;
    chat->quitting = true;
}

static void unknown(struct chat *chat, const struct chat_command *command)
{
    chat_say_info(chat, CHAT_NOTE_ERROR, "%s is no command; /help lists them", command->words[0]);
}

static void tell_card(struct chat *chat, const struct chat_command *command)
{
    (void)command;
    chat_tell_contact_string(chat, CHAT_NOTE_INFO);
    chat_say_info(chat, CHAT_NOTE_INFO, "\"ironchat keys show\" prints it on one line, to be copied");
}

static void (*const verbs[])(struct chat *, const struct chat_command *) = {
    [CHAT_VERB_SAY] = say,
    [CHAT_VERB_ACCEPT] = chat_share_accept,
    [CHAT_VERB_ADD] = chat_add,
    [CHAT_VERB_CANCEL] = chat_share_cancel,
    [CHAT_VERB_CONTACT] = tell_card,
    [CHAT_VERB_HELP] = help,
    [CHAT_VERB_INVITE] = chat_room_invite,
    [CHAT_VERB_JOIN] = chat_room_join,
    [CHAT_VERB_LEAVE] = chat_room_leave,
    [CHAT_VERB_MSG] = say,
    [CHAT_VERB_QUIT] = quit,
    [CHAT_VERB_REMOVE] = chat_remove,
    [CHAT_VERB_ROOM] = chat_room_open,
    [CHAT_VERB_SEND] = chat_share_offer,
    [CHAT_VERB_TO] = choose_target,
    [CHAT_VERB_VERIFY] = chat_verify,
    [CHAT_VERB_WHO] = chat_who,
    [CHAT_VERB_UNKNOWN] = unknown,
};

void chat_line(struct chat *chat, char *line)
{
    struct chat_command command;

    chat_command_parse(&command, line);
    if (command.usage != NULL)
        chat_say_info(chat, CHAT_NOTE_ERROR, "usage: %s", command.usage);
    else if (command.verb != CHAT_VERB_NONE)
        verbs[command.verb](chat, &command);
}

void chat_clock(struct chat *chat, int64_t now_ms, int64_t wall_s)
{
    chat->now = now_ms;
    chat->wall = wall_s;
}

void chat_target_only(struct chat *chat)
{
    if (chat->contacts->count == 1 && chat->target[0] == '\0')
        (void)snprintf(chat->target, sizeof chat->target, "%s", chat->contacts->list[0].name);
}

void chat_start(struct chat *chat)
{
    chat->started = chat->now;
    chat_tell_contact_string(chat, CHAT_NOTE_READY);
    for (size_t i = 0; i < chat->contacts->count; i++) {
        if (chat_peer_add(chat, chat->contacts->list[i].key) < 0)
            chat_say_info(chat, CHAT_NOTE_ERROR, "no memory for %s", chat->contacts->list[i].name);
    }
    chat_target_only(chat);
}

void chat_tick(struct chat *chat)
{
    for (size_t i = 0; i < chat->peer_count; i++) {
        struct peer *peer = &chat->peers[i];

        if (peer->here && chat->now - peer->heard > SILENT_AFTER)
            chat_gone(chat, peer);
        if (chat->now - peer->greeted >= GREET_EVERY)
            chat_greet(chat, peer);
    }
    chat_relay_look(chat, false);
    count_suspects(chat);
    chat_shares_push(chat);
}

void chat_leave(struct chat *chat)
{
    struct chat_msg msg = {.kind = CHAT_PRESENCE, .state = CHAT_LEAVING, .number = chat->incarnation};

    for (size_t i = 0; i < chat->peer_count; i++) {
        if (chat->peers[i].here)
            (void)chat_send(chat, &chat->peers[i], &msg, PENDING_OTHER, 0);
    }
}

bool chat_busy(const struct chat *chat)
{
    return chat->said_count > 0 || chat_shares_busy(chat);
}

bool chat_speaking(const struct chat *chat)
{
    return chat->said_count > 0;
}

bool chat_missed(const struct chat *chat)
{
    return chat->missed;
}

bool chat_quitting(const struct chat *chat)
{
    return chat->quitting;
}

const char *chat_target(const struct chat *chat)
{
    return chat->target;
}

bool chat_network_down(const struct chat *chat)
{
    return chat->relay.down;
}

size_t chat_count_here(const struct chat *chat)
{
    size_t count = 0;

    for (size_t i = 0; i < chat->peer_count; i++)
        count += chat->peers[i].here;
    return count;
}

struct chat *chat_new(const struct chat_card *own, struct chat_contacts *contacts, const char *files,
                      const struct chat_port *port)
{
    struct chat *chat = calloc(1, sizeof *chat);

    if (chat == NULL)
        return NULL;
    chat->port = port;
    chat->own = *own;
    chat->contacts = contacts;
    chat->files = files;
    do {
        randombytes_buf(&chat->incarnation, sizeof chat->incarnation);
    } while (chat->incarnation == 0);
    return chat;
}

void chat_free(struct chat *chat)
{
    if (chat == NULL)
        return;
    for (size_t i = 0; i < chat->peer_count; i++)
        free(chat->peers[i].pending);
    for (size_t i = 0; i < chat->share_count; i++) {
        chat_transfer_close(&chat->shares[i]->transfer);
        free(chat->shares[i]);
    }
    free(chat->peers);
    free(chat->said);
    free(chat->rooms);
    free(chat);
}
