/* SPDX-License-Identifier: ISC */
/* Lines: records to standard output, and text and commands from standard input. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ironchat/front.h"

enum { LINE_ROOM = 2 * CHAT_TEXT_MAX };

/* The line that is being read. */
static char line[LINE_ROOM];
static size_t used;
static bool too_long;

static int plain_open(void)
{
    return 0;
}

/* Each record goes out at once: a script waits for it. */
static void print(const char *record)
{
    (void)printf("%s\n", record);
    (void)fflush(stdout);
}

static void plain_note(const struct chat_note *note)
{
    char record[CHAT_NOTE_SIZE];

    chat_note_record(record, note);
    print(record);
}

static void plain_past(int64_t when, const char *text)
{
    char record[CHAT_NOTE_SIZE], stamp[32] = "-";
    time_t seconds = (time_t)when;
    struct tm parts;

    if (gmtime_r(&seconds, &parts) != NULL)
        (void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &parts);
    (void)snprintf(record, sizeof record, "past\t%s\t-\t-\t-\t-\t-\t%s", stamp, text);
    print(record);
}

static void end_line(struct chat *chat)
{
    line[used] = '\0';
    if (too_long)
        plain_note(&(struct chat_note){
            .kind = CHAT_NOTE_ERROR, .time = (int64_t)time(NULL), .text = "the line is too long, and left out"});
    else if (strlen(line) == used)
        chat_line(chat, line);
    used = 0;
    too_long = false;
}

static int plain_input(struct chat *chat)
{
    char block[4096];
    ssize_t count = read(STDIN_FILENO, block, sizeof block);

    if (count < 0)
        return errno == EINTR || errno == EAGAIN ? 0 : -1;
    for (ssize_t i = 0; i < count; i++) {
        if (block[i] == '\n')
            end_line(chat);
        else if (used + 1 < sizeof line)
            line[used++] = block[i];
        else
            too_long = true;
    }
    if (count == 0 && used > 0)
        end_line(chat);
    return count == 0 ? -1 : 0;
}

static void plain_refresh(const struct chat *chat)
{
    (void)chat;
}

static void plain_nothing(void)
{
}

const struct front front_plain = {
    .open = plain_open,
    .note = plain_note,
    .past = plain_past,
    .input = plain_input,
    .refresh = plain_refresh,
    .resize = plain_nothing,
    .close = plain_nothing,
};
