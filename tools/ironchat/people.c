/* SPDX-License-Identifier: ISC */
/* Contacts and their presence. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ironchat/state.h"

void chat_greet(struct chat *chat, struct peer *peer)
{
    struct chat_msg msg = {.kind = CHAT_PRESENCE, .state = CHAT_HERE, .number = chat->incarnation};

    if (peer->greeting)
        return;
    peer->greeted = chat->now;
    peer->greeting = chat_send(chat, peer, &msg, PENDING_GREETING, 0) == 0;
}

void chat_heard(struct chat *chat, struct peer *peer)
{
    chat_relay_look(chat, true);
    peer->heard = chat->now;
    peer->refused = false;
    if (peer->here)
        return;
    peer->here = true;
    chat_tell(chat, (struct chat_note){.kind = CHAT_NOTE_HERE}, peer->key);
}

void chat_gone(struct chat *chat, struct peer *peer)
{
    if (!peer->here)
        return;
    peer->here = false;
    chat_tell(chat, (struct chat_note){.kind = CHAT_NOTE_AWAY}, peer->key);
}

/* A program that runs anew knows nothing of what was told to the one before. */
void chat_presence_came(struct chat *chat, struct peer *peer, const struct chat_msg *msg)
{
    uint64_t before = peer->incarnation;

    if (msg->state == CHAT_LEAVING) {
        chat_gone(chat, peer);
        return;
    }
    if (msg->number == before)
        return;
    peer->incarnation = msg->number;
    chat_greet(chat, peer);
    if (before != 0) {
        chat_rooms_peer_anew(chat, peer);
        chat_shares_peer_anew(chat, peer);
    }
}

int chat_peer_add(struct chat *chat, const uint8_t *key)
{
    struct peer *peers = realloc(chat->peers, (chat->peer_count + 1) * sizeof *peers);

    if (peers == NULL)
        return -ENOMEM;
    chat->peers = peers;
    peers += chat->peer_count++;
    memset(peers, 0, sizeof *peers);
    memcpy(peers->key, key, CHAT_KEY_SIZE);
    chat->port->allow(chat->port->arg, key);
    chat_greet(chat, peers);
    chat_rooms_peer_anew(chat, peers);
    return 0;
}

static void peer_remove(struct chat *chat, const uint8_t *key)
{
    struct peer *peer = chat_peer(chat, key);
    size_t index;

    chat->port->deny(chat->port->arg, key);
    if (peer == NULL)
        return;
    while (peer->pending_count > 0) {
        struct pending pending = peer->pending[--peer->pending_count];

        if (pending.kind == PENDING_TEXT)
            chat_text_done(chat, pending.ref, peer, false);
    }
    chat_shares_forget(chat, key);
    chat_rooms_forget(chat, key);
    index = (size_t)(peer - chat->peers);
    free(peer->pending);
    chat->peer_count--;
    memmove(peer, peer + 1, (chat->peer_count - index) * sizeof *peer);
}

static void who_room(struct chat *chat, const struct room *room)
{
    char members[ROOM_MEMBERS_SIZE];

    chat_room_members(chat, room, members);
    chat_say_info(chat, CHAT_NOTE_INFO, "%s: %s", room->name, members);
}

void chat_who(struct chat *chat, const struct chat_command *command)
{
    (void)command;
    for (size_t i = 0; i < chat->contacts->count; i++) {
        const struct peer *peer = chat_peer(chat, chat->contacts->list[i].key);
        const char *text = peer != NULL && peer->here ? "here" : "away";

        chat_tell(chat, (struct chat_note){.kind = CHAT_NOTE_CONTACT, .text = text}, chat->contacts->list[i].key);
    }
    for (size_t i = 0; i < chat->room_count; i++)
        who_room(chat, &chat->rooms[i]);
    if (chat->contacts->count == 0)
        chat_say_info(chat, CHAT_NOTE_INFO,
                      "no contacts yet: /contact shows what to give to others, /add takes theirs");
}

/* The file follows the list; what it cannot take is true until the program ends. */
static void save(struct chat *chat)
{
    int rc = chat_contacts_save(chat->contacts);

    if (rc == -EPERM)
        chat_say_info(chat, CHAT_NOTE_WARNING,
                      "the contacts file has errors and is left as it is: this will be forgotten");
    else if (rc == -ESTALE)
        chat_say_info(chat, CHAT_NOTE_WARNING,
                      "the contacts file was changed meanwhile and is left as it is: this will be forgotten");
    else if (rc < 0)
        chat_say_info(chat, CHAT_NOTE_ERROR, "the contacts file: %s", strerror(-rc));
}

void chat_verify(struct chat *chat, const struct chat_command *command)
{
    const struct chat_contact *contact = chat_contact_or_tell(chat, command->words[0]);
    const char *answer = command->count > 1 ? command->words[1] : "";
    char number[CHAT_SAFETY_SIZE];
    bool yes = strcmp(answer, "yes") == 0;

    if (contact == NULL)
        return;
    if (answer[0] == '\0') {
        chat_safety_number(number, chat->own.key, contact->key);
        chat_tell(chat, (struct chat_note){.kind = CHAT_NOTE_SAFETY, .text = number}, contact->key);
        chat_say_info(chat, CHAT_NOTE_INFO, "if %s reads the same number to you: /verify %s yes", contact->name,
                      contact->name);
    } else if (yes || strcmp(answer, "no") == 0) {
        chat_contacts_named(chat->contacts, contact->name)->verified = yes;
        save(chat);
        chat_say_info(chat, CHAT_NOTE_INFO, "%s is %s now", contact->name, yes ? "verified" : "unverified");
    } else {
        chat_say_info(chat, CHAT_NOTE_ERROR, "usage: /verify NAME [yes|no]");
    }
}

/* A screen has cut it into rows: its words, put together again. What is too long is no contact string in any case. */
static void join_words(char out[CHAT_CARD_SIZE], const struct chat_command *command)
{
    size_t size = 0;

    for (size_t i = 0; i < command->count; i++) {
        for (const char *at = command->words[i]; *at != '\0' && size + 1 < CHAT_CARD_SIZE; at++) {
            if (*at != ' ' && *at != '\t')
                out[size++] = *at;
        }
    }
    out[size] = '\0';
}

static bool card_of(struct chat *chat, const struct chat_command *command, struct chat_card *card)
{
    char text[CHAT_CARD_SIZE];
    int rc;

    memset(card, 0, sizeof *card);
    if (command->count == 2 && strncmp(command->words[0], "ironchat:", 9) != 0) {
        if (strlen(command->words[0]) >= sizeof card->name || chat_key_parse(card->key, command->words[1]) < 0) {
            chat_say_info(chat, CHAT_NOTE_ERROR, "that is no name and key");
            return false;
        }
        (void)snprintf(card->name, sizeof card->name, "%s", command->words[0]);
        return true;
    }
    join_words(text, command);
    rc = chat_card_parse(card, text);
    if (rc < 0)
        chat_say_info(chat, CHAT_NOTE_ERROR, "%s",
                      rc == -EBADMSG           ? "the contact string is damaged: copy it again, all of it"
                      : rc == -EPROTONOSUPPORT ? "the contact string needs a newer ironchat"
                                               : "that is no contact string");
    return rc == 0;
}

void chat_add(struct chat *chat, const struct chat_command *command)
{
    struct chat_card card;
    int rc;

    if (!card_of(chat, command, &card))
        return;
    if (memcmp(card.key, chat->own.key, CHAT_KEY_SIZE) == 0) {
        chat_say_info(chat, CHAT_NOTE_ERROR, "that is your own key");
        return;
    }
    rc = chat_contacts_add(chat->contacts, card.name, card.key, false);
    if (rc == 0)
        rc = chat_peer_add(chat, card.key);
    if (rc < 0) {
        chat_say_info(chat, CHAT_NOTE_ERROR, "not added: %s",
                      rc == -EEXIST   ? "there is a contact with this name or key"
                      : rc == -EINVAL ? "the name will not do"
                                      : strerror(-rc));
        return;
    }
    save(chat);
    chat_say_info(chat, CHAT_NOTE_INFO, "%s is a contact now, unverified: /verify %s", card.name, card.name);
    chat_target_only(chat);
    if (card.relay[0] != '\0' && strcmp(card.relay, chat->own.relay) != 0)
        chat_say_info(chat, CHAT_NOTE_WARNING, "%s uses another relay, %s: you meet only at the same one", card.name,
                      card.relay);
}

void chat_remove(struct chat *chat, const struct chat_command *command)
{
    const char *name = command->words[0];
    const struct chat_contact *contact = chat_contact_or_tell(chat, name);

    if (contact == NULL)
        return;
    peer_remove(chat, contact->key);
    if (strcmp(chat->target, name) == 0)
        chat->target[0] = '\0';
    chat_say_info(chat, CHAT_NOTE_INFO, "%s is no contact any more", name);
    chat_contacts_remove(chat->contacts, name);
    save(chat);
}

void chat_tell_contact_string(struct chat *chat, enum chat_note_kind kind)
{
    char text[CHAT_CARD_SIZE];

    chat_card_write(text, &chat->own);
    chat_tell(chat, (struct chat_note){.kind = kind, .who = chat->own.name, .text = text}, NULL);
}
