/* SPDX-License-Identifier: ISC */
/* A world for tests of the chat: participants, and a network between them that does as it is told. */
#ifndef IRONCHAT_WORLD_H
#define IRONCHAT_WORLD_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ironchat/chat.h"

enum { WORLD_PEOPLE = 4, WORLD_QUEUE = 1000 };

struct world;

/* One participant, and all that it was told. */
struct person {
    struct world *world;
    struct chat_card card;
    struct chat_contacts contacts;
    struct chat_port port;
    struct chat *chat;
    char files[64];
    char *notes;
    size_t notes_size;
    FILE *log;
    uint64_t sent;
    bool allowed[WORLD_PEOPLE];
};

/* A message under way. */
struct letter {
    struct person *from;
    struct person *to;
    uint64_t number;
    size_t size;
    uint8_t data[CHAT_MSG_MAX];
};

struct world {
    struct person people[WORLD_PEOPLE];
    struct letter *queue[WORLD_QUEUE];
    size_t count;
    bool broken; /* the port refuses */
    int64_t now;
};

static struct person *world_find(struct world *world, const uint8_t *key)
{
    return &world->people[key[0] - 1];
}

static int world_send(void *arg, const uint8_t *key, const void *data, size_t size, uint64_t *number)
{
    struct person *person = arg;
    struct letter *letter = malloc(sizeof *letter);

    if (letter == NULL || person->world->count == WORLD_QUEUE || person->world->broken) {
        free(letter);
        return -EAGAIN;
    }
    *letter = (struct letter){person, world_find(person->world, key), ++person->sent, size, {0}};
    memcpy(letter->data, data, size);
    person->world->queue[person->world->count++] = letter;
    *number = person->sent;
    return 0;
}

static void world_allow(void *arg, const uint8_t *key)
{
    ((struct person *)arg)->allowed[key[0] - 1] = true;
}

static void world_deny(void *arg, const uint8_t *key)
{
    ((struct person *)arg)->allowed[key[0] - 1] = false;
}

static void world_note(void *arg, const struct chat_note *note)
{
    struct person *person = arg;
    char record[CHAT_NOTE_SIZE];

    chat_note_record(record, note);
    (void)fprintf(person->log, "%s\n", record);
    (void)fflush(person->log);
}

/* Everybody's notes are forgotten. */
static inline void world_forget(struct world *world)
{
    for (int i = 0; i < WORLD_PEOPLE; i++) {
        struct person *person = &world->people[i];

        (void)fclose(person->log);
        free(person->notes);
        person->log = open_memstream(&person->notes, &person->notes_size);
        (void)fflush(person->log);
    }
}

/* Takes the oldest letter out. The caller frees it. */
static struct letter *world_next(struct world *world)
{
    struct letter *letter = world->queue[0];

    world->count--;
    for (size_t i = 0; i < world->count; i++)
        world->queue[i] = world->queue[i + 1];
    return letter;
}

/* Delivers the oldest letter and its acknowledgement. Who is not let in, is told as a stranger and stays without one. */
static void world_step(struct world *world)
{
    struct letter *letter = world_next(world);

    if (letter->to->chat != NULL && letter->from->chat != NULL) {
        if (letter->to->allowed[letter->from->card.key[0] - 1]) {
            chat_message(letter->to->chat, letter->from->card.key, letter->data, letter->size);
            chat_delivered(letter->from->chat, letter->to->card.key, letter->number);
        } else {
            chat_stranger(letter->to->chat, letter->from->card.key);
        }
    }
    free(letter);
}

static inline void world_run(struct world *world)
{
    while (world->count > 0)
        world_step(world);
}

/* Loses what is under way from this person, or to it, and says so as sockets do. */
static inline void world_lose(struct world *world, const struct person *person)
{
    for (size_t left = world->count; left > 0; left--) {
        struct letter *letter = world_next(world);

        if (letter->from != person && letter->to != person) {
            world->queue[world->count++] = letter;
            continue;
        }
        if (letter->from->chat != NULL)
            chat_undelivered(letter->from->chat, letter->to->card.key, letter->number);
        free(letter);
    }
}

static inline void world_say(struct person *person, const char *line)
{
    char copy[8192];

    (void)snprintf(copy, sizeof copy, "%s", line);
    chat_line(person->chat, copy);
}

static void world_enter(struct person *person)
{
    person->chat = chat_new(&person->card, &person->contacts, person->files, &person->port);
    chat_clock(person->chat, person->world->now, 0);
    chat_start(person->chat);
}

/* The program ends and runs again. */
static inline void world_restart(struct person *person)
{
    chat_free(person->chat);
    person->chat = NULL;
    world_lose(person->world, person);
    world_enter(person);
}

/* alice, bob and carol know each other; mallory knows them, and they do not know mallory. */
static inline void world_init(struct world *world)
{
    static const char *const names[WORLD_PEOPLE] = {"alice", "bob", "carol", "mallory"};

    memset(world, 0, sizeof *world);
    for (int i = 0; i < WORLD_PEOPLE; i++) {
        struct person *person = &world->people[i];

        person->world = world;
        (void)snprintf(person->card.name, sizeof person->card.name, "%s", names[i]);
        person->card.key[0] = (uint8_t)(i + 1);
        person->port = (struct chat_port){person, world_send, world_allow, world_deny, world_note};
        person->log = open_memstream(&person->notes, &person->notes_size);
        memcpy(person->files, "/tmp/world-XXXXXX", 18);
        if (mkdtemp(person->files) == NULL)
            abort();
        for (int j = 0; j < WORLD_PEOPLE - 1; j++) {
            uint8_t key[CHAT_KEY_SIZE] = {(uint8_t)(j + 1)};

            if (j != i)
                (void)chat_contacts_add(&person->contacts, names[j], key, false);
        }
        world_enter(person);
    }
    world_run(world);
}

static inline void world_fini(struct world *world)
{
    while (world->count > 0)
        free(world_next(world));
    for (int i = 0; i < WORLD_PEOPLE; i++) {
        struct person *person = &world->people[i];
        char command[128];

        chat_free(person->chat);
        chat_contacts_fini(&person->contacts);
        (void)fclose(person->log);
        free(person->notes);
        (void)snprintf(command, sizeof command, "rm -rf '%s'", person->files);
        if (system(command) != 0)
            abort();
    }
}

/* How often was the person told a record of this kind? */
static inline size_t world_count(const struct person *person, const char *kind)
{
    size_t count = 0, length = strlen(kind);

    for (const char *line = person->notes; line != NULL && *line != '\0';) {
        count += strncmp(line, kind, length) == 0 && line[length] == '\t';
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    return count;
}

/* Was the person told a record that begins with `kind` and ends with `end`, tabs within included? */
static inline bool world_told(const struct person *person, const char *kind, const char *end)
{
    const char *line = person->notes, *stop;

    for (; line < person->notes + person->notes_size && (stop = strchr(line, '\n')) != NULL; line = stop + 1) {
        size_t length = (size_t)(stop - line);

        if (strncmp(line, kind, strlen(kind)) == 0 && line[strlen(kind)] == '\t' && length >= strlen(end) &&
            memcmp(stop - strlen(end), end, strlen(end)) == 0)
            return true;
    }
    return false;
}

#endif
