/* SPDX-License-Identifier: ISC */
/* What the program says. */
#include "ironauth/out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auth/text.h"

enum { LINE_SIZE = 1024 };

static void write_clean(FILE *file, const char *text)
{
    size_t size = strlen(text);

    while (size) {
        size_t length = auth_text_character(text, size);

        if (length && auth_text_clean(text, length))
            (void)fwrite(text, 1, length, file);
        else
            (void)fputc('?', file);
        length = length ? length : 1;
        text += length;
        size -= length;
    }
}

void out_text(const char *text)
{
    write_clean(stdout, text);
}

/* Of a character that may not be shown: a control character of one octet or two, or U+2028, U+2029. */
static unsigned code_of(const char *text, size_t length)
{
    unsigned last = (unsigned char)text[length - 1];

    return length == 3 ? 0x2000 | (last & 0x3f) : last;
}

void out_string(const char *text)
{
    size_t size = strlen(text);

    (void)putchar('"');
    while (size) {
        size_t length = auth_text_character(text, size);

        if (length == 0)
            (void)fputs("\\ufffd", stdout);
        else if (*text == '"' || *text == '\\')
            (void)printf("\\%c", *text);
        else if (!auth_text_clean(text, length))
            (void)printf("\\u%04x", code_of(text, length));
        else
            (void)fwrite(text, 1, length, stdout);
        length = length ? length : 1;
        text += length;
        size -= length;
    }
    (void)putchar('"');
}

void out_complain(const char *line)
{
    (void)fputs("ironauth: ", stderr);
    write_clean(stderr, line);
    (void)fputc('\n', stderr);
}

static enum status say_failed(const struct options *options, enum status status, const char *line)
{
    out_complain(line);
    if (options->json) {
        (void)fputs("{\"ok\": false, \"error\": ", stdout);
        out_string(line);
        (void)printf(", \"status\": %d}\n", status);
    }
    return status;
}

enum status out_failed(const struct options *options, enum status status, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list values;

    va_start(values, format);
    (void)vsnprintf(line, sizeof line, format, values);
    va_end(values);
    return say_failed(options, status, line);
}

enum status out_usage(const struct options *options, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list values;

    va_start(values, format);
    (void)vsnprintf(line, sizeof line, format, values);
    va_end(values);
    (void)say_failed(options, STATUS_USAGE, line);
    (void)fprintf(stderr, "Try 'ironauth %s%s--help'.\n", options->command ? options->command : "",
                  options->command ? " " : "");
    return STATUS_USAGE;
}

enum status out_done(const struct options *options, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list values;

    va_start(values, format);
    (void)vsnprintf(line, sizeof line, format, values);
    va_end(values);
    if (options->json) {
        (void)fputs("{\"ok\": true}\n", stdout);
    } else if (*line) {
        out_text(line);
        (void)putchar('\n');
    }
    return STATUS_DONE;
}

enum status out_status(int rc)
{
    switch (rc) {
    case 0:
        return STATUS_DONE;
    case -ENOENT:
    case -EEXIST:
    case -EACCES:
    case -EINVAL:
        return STATUS_REFUSED;
    case -EAGAIN:
        return STATUS_AWAY;
    case -EBADMSG:
        return STATUS_DAMAGED;
    default:
        return STATUS_FAILED;
    }
}

const char *out_reason(int rc)
{
    switch (rc) {
    case -ENOENT:
        return "there is no such entry";
    case -EEXIST:
        return "there is one already";
    case -EINVAL:
        return "this cannot be stored there";
    case -EAGAIN:
        return "the back end is away: it is not there, does not answer, or may not be read";
    case -EBADMSG:
        return "what is stored there is damaged, of another version, or not made by 'ironauth init'";
    case -ENOTSUP:
        return "the back end cannot be written";
    case -EPERM:
        return "we may not write there";
    default:
        return strerror(-rc);
    }
}

enum status out_end(enum status status)
{
    if (fflush(stdout) != 0 || ferror(stdout) || close(STDOUT_FILENO) != 0) {
        (void)fprintf(stderr, "ironauth: standard output: %s\n", strerror(errno));
        return STATUS_FAILED;
    }
    return status;
}
