/* SPDX-License-Identifier: ISC */
#include "ironchat/command.h"

#include <string.h>

/* One command. Constant. */
struct form {
    const char *name;
    const char *help;
    size_t least; /* words */
    size_t most;
    enum chat_verb verb;
    bool rest; /* the last word is all that is left of the line */
};

static const struct form forms[] = {
    {"/help", "/help                      this list", 0, 0, CHAT_VERB_HELP, false},
    {"/who", "/who                       contacts and rooms, who is here, who is verified", 0, 0, CHAT_VERB_WHO, false},
    {"/to", "/to NAME|#ROOM             talk to NAME or #ROOM from now on", 1, 1, CHAT_VERB_TO, false},
    {"/msg", "/msg NAME|#ROOM TEXT       say one thing to NAME or #ROOM", 2, 2, CHAT_VERB_MSG, true},
    {"/room", "/room #ROOM NAME...        open a room with these contacts", 2, CHAT_WORDS_MAX, CHAT_VERB_ROOM, false},
    {"/invite", "/invite #ROOM NAME...      bring more contacts into a room of yours", 2, CHAT_WORDS_MAX,
     CHAT_VERB_INVITE, false},
    {"/join", "/join #ROOM                enter a room that you were invited to", 1, 1, CHAT_VERB_JOIN, false},
    {"/leave", "/leave #ROOM               leave a room", 1, 1, CHAT_VERB_LEAVE, false},
    {"/verify", "/verify NAME [yes|no]      show the safety number; yes: it is the same", 1, 2, CHAT_VERB_VERIFY,
     false},
    {"/send", "/send NAME FILE            offer a file", 2, 2, CHAT_VERB_SEND, true},
    {"/accept", "/accept [NUMBER]           take the file that was offered", 0, 1, CHAT_VERB_ACCEPT, false},
    {"/cancel", "/cancel [NUMBER]           decline a file, or stop it", 0, 1, CHAT_VERB_CANCEL, false},
    {"/contact", "/contact                   your contact string, to be given to others", 0, 0, CHAT_VERB_CONTACT,
     false},
    {"/add", "/add CONTACT | NAME KEY    add a contact", 1, 2, CHAT_VERB_ADD, true},
    {"/remove", "/remove NAME               remove a contact: it gets in no more", 1, 1, CHAT_VERB_REMOVE, false},
    {"/quit", "/quit                      leave", 0, 0, CHAT_VERB_QUIT, false},
};

enum { FORMS = sizeof forms / sizeof forms[0] };

static const struct form *find(const char *name)
{
    for (size_t i = 0; i < FORMS; i++) {
        if (strcmp(forms[i].name, name) == 0)
            return &forms[i];
    }
    return NULL;
}

static char *skip_blanks(char *at)
{
    return at + strspn(at, " \t");
}

/* Ends the word at *rest, and returns it; *rest moves behind. */
static char *next_word(char **rest)
{
    char *word = *rest;
    size_t length = strcspn(word, " \t");

    *rest = skip_blanks(word + length);
    word[length] = '\0';
    return word;
}

static void trim_end(char *line)
{
    size_t length = strlen(line);

    while (length > 0 && strchr(" \t\r\n", line[length - 1]) != NULL)
        line[--length] = '\0';
}

static void parse_words(struct chat_command *command, const struct form *form, char *rest)
{
    while (*rest != '\0' && command->count < CHAT_WORDS_MAX) {
        if (form->rest && command->count + 1 == form->most) {
            command->words[command->count++] = rest;
            return;
        }
        command->words[command->count++] = next_word(&rest);
    }
    if (*rest != '\0')
        command->usage = form->help;
}

void chat_command_parse(struct chat_command *command, char *line)
{
    const struct form *form;
    char *rest;

    memset(command, 0, sizeof *command);
    trim_end(line);
    rest = skip_blanks(line);
    if (*rest == '\0')
        return;
    if (rest[0] != '/' || rest[1] == '/') {
        command->verb = CHAT_VERB_SAY;
        command->words[0] = rest[0] == '/' ? rest + 1 : line;
        command->count = 1;
        return;
    }
    form = find(command->words[0] = next_word(&rest));
    if (form == NULL) {
        command->verb = CHAT_VERB_UNKNOWN;
        command->count = 1;
        return;
    }
    command->verb = form->verb;
    parse_words(command, form, rest);
    if (command->count < form->least || command->count > form->most)
        command->usage = form->help;
}

const char *chat_command_help(size_t index)
{
    return index < FORMS ? forms[index].help : NULL;
}

const char *chat_command_complete(const char *text, size_t index)
{
    for (size_t i = 0; i < FORMS; i++) {
        if (strncmp(forms[i].name, text, strlen(text)) == 0 && index-- == 0)
            return forms[i].name;
    }
    return NULL;
}
