/* SPDX-License-Identifier: ISC */
/* A front end: where notes are shown and lines come from. There are two, and each is a leaf. */
#ifndef IRONCHAT_FRONT_H
#define IRONCHAT_FRONT_H

#include "ironchat/chat.h"

/* All on the one thread of the program. They share the program's terminal, so there is one at a time, and no argument. */
struct front {
    int (*open)(void); /* -1 after saying on stderr what went wrong */
    void (*note)(const struct chat_note *note);
    /* A line of an earlier run's history. */
    void (*past)(int64_t time, const char *line);
    /* Standard input is readable: takes what is there and gives whole lines to the chat. -1: it has ended. */
    int (*input)(struct chat *chat);
    /* Called before each wait. */
    void (*refresh)(const struct chat *chat);
    void (*resize)(void);
    void (*close)(void);
};

extern const struct front front_plain;
extern const struct front front_screen;

/* What the commands of the program are called with; they return its exit status. */
int command_join(int argc, char **argv);
int command_keys(int argc, char **argv);
int command_relay(int argc, char **argv);

#endif
