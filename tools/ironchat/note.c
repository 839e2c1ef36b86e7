/* SPDX-License-Identifier: ISC */
#include "ironchat/note.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static const char *const kinds[CHAT_NOTE_KINDS] = {
    "ready",    "here",    "away",    "message", "sent",     "delivered", "undelivered",
    "stranger", "invited", "room",    "offer",   "progress", "file-done", "file-failed",
    "contact",  "safety",  "warning", "info",    "error",
};

static const char *or_dash(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : "-";
}

/* Kinds that speak of a contact, whose mark is of interest. */
static const char *mark_word(const struct chat_note *note)
{
    if (note->who == NULL || note->kind == CHAT_NOTE_READY)
        return "-";
    return note->verified ? "verified" : "unverified";
}

void chat_note_record(char out[CHAT_NOTE_SIZE], const struct chat_note *note)
{
    char when[32] = "-", number[24] = "-", progress[48] = "-";
    time_t seconds = (time_t)note->time;
    struct tm parts;

    if (gmtime_r(&seconds, &parts) != NULL)
        (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &parts);
    if (note->id > 0)
        (void)snprintf(number, sizeof number, "%" PRIu64, note->id);
    if (note->total > 0)
        (void)snprintf(progress, sizeof progress, "%" PRIu64 "/%" PRIu64, note->done, note->total);
    (void)snprintf(out, CHAT_NOTE_SIZE, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", kinds[note->kind], when, or_dash(note->who),
                   mark_word(note), or_dash(note->where), number, progress, or_dash(note->text));
}

void chat_note_size(char out[16], uint64_t octets)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    int unit = 0;

    while (octets >= 10240 && unit < 4) {
        octets /= 1024;
        unit++;
    }
    (void)snprintf(out, 16, "%u %s", (unsigned)octets, units[unit]);
}

static void file_line(char *out, const struct chat_note *note, const char *mark)
{
    char size[16], stored[16];

    chat_note_size(size, note->total);
    chat_note_size(stored, note->done);
    if (note->kind == CHAT_NOTE_FILE_DONE)
        (void)snprintf(out, CHAT_NOTE_SIZE, "-- file %" PRIu64 " with %s %s is complete, %s, checksum right: %s",
                       note->id, mark, note->who, size, note->text);
    else if (note->kind == CHAT_NOTE_FILE_FAILED)
        (void)snprintf(out, CHAT_NOTE_SIZE, "!! file %" PRIu64 " with %s %s: %s", note->id, mark, note->who,
                       note->text);
    else if (note->done > 0)
        (void)snprintf(out, CHAT_NOTE_SIZE, "-- %s %s offers %s (%s, of which %s are here): /accept %" PRIu64, mark,
                       note->who, note->text, size, stored, note->id);
    else
        (void)snprintf(out, CHAT_NOTE_SIZE, "-- %s %s offers %s (%s): /accept %" PRIu64 " or /cancel %" PRIu64, mark,
                       note->who, note->text, size, note->id, note->id);
}

/* 20 characters that fill up, and the figure. */
static void progress_line(char *out, const struct chat_note *note)
{
    static const char full[] = "####################", empty[] = "....................";
    int cells = note->total > 0 ? (int)(note->done * 20 / note->total) : 20;

    (void)snprintf(out, CHAT_NOTE_SIZE, "-- file %" PRIu64 " [%.*s%.*s] %3d%% %s", note->id, cells, full, 20 - cells,
                   empty, cells * 5, note->text);
}

static void people_line(char *out, const struct chat_note *note, const char *mark)
{
    const char *in = note->where != NULL ? note->where : "";

    switch (note->kind) {
    case CHAT_NOTE_HERE:
        (void)snprintf(out, CHAT_NOTE_SIZE, "-- %s %s is here", mark, note->who);
        break;
    case CHAT_NOTE_AWAY:
        (void)snprintf(out, CHAT_NOTE_SIZE, "-- %s %s has gone", mark, note->who);
        break;
    case CHAT_NOTE_MESSAGE:
        (void)snprintf(out, CHAT_NOTE_SIZE, "%s%s%s %s: %s", in, in[0] != '\0' ? " " : "", mark, note->who, note->text);
        break;
    case CHAT_NOTE_INVITED:
        (void)snprintf(out, CHAT_NOTE_SIZE, "-- %s %s invites you to %s (%s): /join %s", mark, note->who, in,
                       note->text, in);
        break;
    case CHAT_NOTE_ROOM:
        (void)snprintf(out, CHAT_NOTE_SIZE, "-- %s: %s %s %s", in, mark, note->who, note->text);
        break;
    case CHAT_NOTE_CONTACT:
        (void)snprintf(out, CHAT_NOTE_SIZE, "   %s %s: %s, %s", mark, note->who, note->text, mark_word(note));
        break;
    default:
        (void)snprintf(out, CHAT_NOTE_SIZE, "-- safety number with %s %s: %s", mark, note->who, note->text);
        break;
    }
}

static void own_line(char *out, const struct chat_note *note)
{
    const char *to = note->where != NULL ? note->where : note->who;

    if (note->kind == CHAT_NOTE_SENT)
        (void)snprintf(out, CHAT_NOTE_SIZE, "%s%s you: %s", note->where != NULL ? "" : "to ", to, note->text);
    else if (note->kind == CHAT_NOTE_DELIVERED)
        (void)snprintf(out, CHAT_NOTE_SIZE, "-- message %" PRIu64 " delivered to %" PRIu64 " of %" PRIu64, note->id,
                       note->done, note->total);
    else
        (void)snprintf(out, CHAT_NOTE_SIZE, "!! message %" PRIu64 " may not have reached %s", note->id, note->who);
}

void chat_note_line(char out[CHAT_NOTE_SIZE], const struct chat_note *note)
{
    const char *mark = note->verified ? "[v]" : "[?]";

    switch (note->kind) {
    case CHAT_NOTE_READY:
        (void)snprintf(out, CHAT_NOTE_SIZE, "-- You are %s: /contact is what to give to others, /help lists more",
                       note->who);
        break;
    case CHAT_NOTE_SENT:
    case CHAT_NOTE_DELIVERED:
    case CHAT_NOTE_UNDELIVERED:
        own_line(out, note);
        break;
    case CHAT_NOTE_STRANGER:
        (void)snprintf(out, CHAT_NOTE_SIZE, "!! A stranger was refused. If you know whose key this is: /add NAME %s",
                       note->text);
        break;
    case CHAT_NOTE_OFFER:
    case CHAT_NOTE_FILE_DONE:
    case CHAT_NOTE_FILE_FAILED:
        file_line(out, note, mark);
        break;
    case CHAT_NOTE_PROGRESS:
        progress_line(out, note);
        break;
    case CHAT_NOTE_WARNING:
    case CHAT_NOTE_ERROR:
        (void)snprintf(out, CHAT_NOTE_SIZE, "!! %s", note->text);
        break;
    case CHAT_NOTE_INFO:
        (void)snprintf(out, CHAT_NOTE_SIZE, "   %s", note->text);
        break;
    default:
        people_line(out, note, mark);
        break;
    }
}
