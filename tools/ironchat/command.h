/* SPDX-License-Identifier: ISC */
/* What a line of input asks for. */
#ifndef IRONCHAT_COMMAND_H
#define IRONCHAT_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

enum chat_verb {
    CHAT_VERB_NONE, /* an empty line */
    CHAT_VERB_SAY,  /* no command: text for the conversation that is open */
    CHAT_VERB_ACCEPT,
    CHAT_VERB_ADD,
    CHAT_VERB_CANCEL,
    CHAT_VERB_CONTACT,
    CHAT_VERB_HELP,
    CHAT_VERB_INVITE,
    CHAT_VERB_JOIN,
    CHAT_VERB_LEAVE,
    CHAT_VERB_MSG,
    CHAT_VERB_QUIT,
    CHAT_VERB_REMOVE,
    CHAT_VERB_ROOM,
    CHAT_VERB_SEND,
    CHAT_VERB_TO,
    CHAT_VERB_VERIFY,
    CHAT_VERB_WHO,
    CHAT_VERB_UNKNOWN
};

enum { CHAT_WORDS_MAX = 34 };

/* A line, taken apart in place: words end in NULs. Borrowed from the line. */
struct chat_command {
    enum chat_verb verb;
    char *words[CHAT_WORDS_MAX]; /* behind the verb; for a verb whose last word is a text, it is all the rest */
    size_t count;
    const char *usage; /* not NULL: too few or too many words; this is how it is written */
};

/* Cuts a line. A line that begins with two slashes is text that begins with one. */
void chat_command_parse(struct chat_command *command, char *line);

/* Line by line what /help says; NULL behind the last. */
const char *chat_command_help(size_t index);

/* The verb that a text begins to spell, the index-th of them, with its slash; NULL: no more. */
const char *chat_command_complete(const char *text, size_t index);

#endif
