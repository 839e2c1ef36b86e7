/* SPDX-License-Identifier: ISC */
/* The audit's lines: JSON (RFC 8259). */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "auth/audit.h"
#include "auth/text.h"

/* A line under construction. Room is never short: AUTH_AUDIT_LINE_MAX is more than six octets for each that may come. */
struct line {
    char *text;
    size_t size;
};

_Static_assert(6 * (5 * AUTH_TEXT_MAX + 64) + 512 <= AUTH_AUDIT_LINE_MAX, "any line has room");

static void begin(struct line *line, char *text)
{
    line->text = text;
    line->size = 0;
}

static void put(struct line *line, const char *text)
{
    size_t size = strlen(text);

    memcpy(line->text + line->size, text, size + 1);
    line->size += size;
}

static void put_escaped(struct line *line, unsigned code)
{
    line->size += (size_t)sprintf(line->text + line->size, "\\u%04x", code & 0xffff);
}

/* RFC 8259, section 7. DEL, C1 and separators of lines, which JSON would allow, would reach terminals. */
static void put_character(struct line *line, const char *text, size_t length)
{
    unsigned first = (unsigned char)text[0];

    if (length == 1 && (first < 0x20 || first == 0x7f)) {
        put_escaped(line, first);
    } else if (length == 2 && first == 0xc2 && (unsigned char)text[1] < 0xa0) {
        put_escaped(line, (unsigned char)text[1]);
    } else if (length == 3 && !auth_text_clean(text, length)) {
        put_escaped(line, 0x2000 | ((unsigned char)text[2] & 0x3f));
    } else {
        if (first == '"' || first == '\\')
            line->text[line->size++] = '\\';
        memcpy(line->text + line->size, text, length);
        line->size += length;
    }
}

static void put_string(struct line *line, const char *text)
{
    size_t left = strlen(text);
    size_t length;

    put(line, "\"");
    for (; left > 0; text += length, left -= length) {
        length = auth_text_character(text, left);
        if (length == 0) {
            put(line, "\xef\xbf\xbd");
            length = 1;
        } else {
            put_character(line, text, length);
        }
    }
    put(line, "\"");
}

/* name: with quotes, colon and the comma before it. */
static void put_text(struct line *line, const char *name, const char *text)
{
    put(line, name);
    put_string(line, text);
}

static void put_number(struct line *line, const char *name, uint64_t number)
{
    put(line, name);
    line->size += (size_t)sprintf(line->text + line->size, "%llu", (unsigned long long)number);
}

/* RFC 3339, in UTC. */
static void put_time(struct line *line, uint64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    char text[64] = "";
    struct tm tm;

    if (gmtime_r(&seconds, &tm))
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    put(line, "{\"time\":\"");
    put(line, text);
    line->size += (size_t)sprintf(line->text + line->size, ".%03uZ\"", (unsigned)(wall_ms % 1000));
}

/* What decisions and revocations have in common. */
static void put_all(struct line *line, const char *event, const struct auth_request *request,
                    const struct auth_verdict *verdict, uint64_t wall_ms)
{
    char key[AUTH_KEY_TEXT];

    put_time(line, wall_ms);
    put_text(line, ",\"event\":", event);
    put_text(line, ",\"domain\":", request->domain);
    put_text(line, ",\"address\":", request->address);
    put_text(line, ",\"mechanism\":", auth_mechanism_name(request->mechanism));
    if (request->mechanism == AUTH_MECHANISM_PLAIN)
        put_text(line, ",\"user\":", request->user);
    if (request->mechanism == AUTH_MECHANISM_CURVE)
        put_text(line, ",\"key\":", auth_key_print(key, request->key));
    put_number(line, ",\"status\":", verdict->status);
    if (verdict->status == AUTH_OK)
        put_text(line, ",\"user_id\":", verdict->user_id);
    put_text(line, ",\"reason\":", verdict->reason);
    put_text(line, ",\"backend\":", verdict->backend);
}

size_t auth_audit_line(char *line, size_t room, const struct auth_request *request, const struct auth_verdict *verdict,
                       uint64_t microseconds, uint64_t wall_ms)
{
    struct line out;

    if (room < AUTH_AUDIT_LINE_MAX)
        return 0;
    begin(&out, line);
    put_all(&out, "decision", request, verdict, wall_ms);
    put_number(&out, ",\"microseconds\":", microseconds);
    put(&out, "}");
    return out.size;
}

size_t auth_audit_revoked_line(char *line, size_t room, const struct auth_request *request,
                               const struct auth_verdict *verdict, bool closed, uint64_t wall_ms)
{
    struct line out;

    if (room < AUTH_AUDIT_LINE_MAX)
        return 0;
    begin(&out, line);
    put_all(&out, "revoked", request, verdict, wall_ms);
    put(&out, closed ? ",\"closed\":true}" : ",\"closed\":false}");
    return out.size;
}
