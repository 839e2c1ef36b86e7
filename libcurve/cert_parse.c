/* SPDX-License-Identifier: ISC */
/* Reading a certificate's text: as much of ZPL (ZeroMQ RFC 4) as CZMQ reads. Lines are `name`, `name = value` with the
 * value bare or in quotes, and comments from # on; four spaces of indentation are a level. What is deeper than the keys
 * and metadata, or in sections unknown here, must be well-formed and is ignored. */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/z85.h"
#include "libcurve/cert.h"

enum {
    INDENT = 4,
    LEVEL_MAX = 16,
    LINE_MAX_SIZE = 8192, /* more than the longest name and value that are accepted need */
    KEY_LENGTH = CURVE_KEY_TEXT - 1,
};

enum section { NO_SECTION, METADATA, CURVE, UNKNOWN };

struct piece {
    const char *data;
    size_t size;
};

struct line {
    size_t level;
    struct piece name; /* of size 0: an empty line */
    struct piece value;
};

/* On ih_cert_parse's stack: where the text is read, and what was found. */
struct parser {
    struct piece rest;
    enum section section;
    size_t level; /* of the last line */
    bool seen_metadata;
    bool seen_curve;
    struct piece public_key;
    struct piece secret_key;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void skip(struct piece *piece, size_t count)
{
    piece->data += count;
    piece->size -= count;
}

static void skip_blanks(struct piece *piece)
{
    while (piece->size && is_blank(*piece->data))
        skip(piece, 1);
}

static bool is_text(struct piece text, const char *string)
{
    return text.size == strlen(string) && memcmp(text.data, string, text.size) == 0;
}

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("$-_@.&+/", c);
}

/* The next line without its end. Control characters are in no certificate, NULs least of all. */
static int take_line(struct piece *rest, struct piece *line)
{
    const char *end = memchr(rest->data, '\n', rest->size);

    line->data = rest->data;
    line->size = end ? (size_t)(end - rest->data) : rest->size;
    skip(rest, end ? line->size + 1 : line->size);
    if (line->size && line->data[line->size - 1] == '\r')
        line->size--;
    if (line->size > LINE_MAX_SIZE)
        return -EINVAL;
    for (size_t i = 0; i < line->size; i++) {
        unsigned char c = (unsigned char)line->data[i];

        if ((c < ' ' && c != '\t') || c == 0x7f)
            return -EINVAL;
    }
    return 0;
}

/* Only blanks and a comment may stand there. */
static int expect_end(struct piece text)
{
    skip_blanks(&text);
    return text.size == 0 || *text.data == '#' ? 0 : -EINVAL;
}

static int parse_value(struct piece text, struct piece *value)
{
    const char *end = NULL;

    skip_blanks(&text);
    if (text.size && (*text.data == '"' || *text.data == '\'')) {
        char quote = *text.data;

        skip(&text, 1);
        end = memchr(text.data, quote, text.size);
        if (!end)
            return -EINVAL;
        value->data = text.data;
        value->size = (size_t)(end - text.data);
        skip(&text, value->size + 1);
        return expect_end(text);
    }
    end = memchr(text.data, '#', text.size);
    value->data = text.data;
    value->size = end ? (size_t)(end - text.data) : text.size;
    while (value->size && is_blank(value->data[value->size - 1]))
        value->size--;
    return 0;
}

static int parse_line(struct piece text, struct line *line)
{
    size_t indent = 0;

    memset(line, 0, sizeof(*line));
    if (expect_end(text) == 0)
        return 0;
    while (indent < text.size && text.data[indent] == ' ')
        indent++;
    if (indent % INDENT || indent / INDENT > LEVEL_MAX)
        return -EINVAL;
    line->level = indent / INDENT;
    skip(&text, indent);
    line->name.data = text.data;
    while (text.size && *text.data && is_name_character(*text.data)) {
        line->name.size++;
        skip(&text, 1);
    }
    if (line->name.size == 0)
        return -EINVAL;
    skip_blanks(&text);
    if (text.size && *text.data == '=') {
        skip(&text, 1);
        return parse_value(text, &line->value);
    }
    line->value.data = text.data;
    return expect_end(text);
}

/* A second section of the same name could say otherwise than the first. */
static int enter_section(struct parser *parser, const struct line *line)
{
    bool *seen = NULL;

    parser->section = UNKNOWN;
    if (is_text(line->name, "metadata")) {
        parser->section = METADATA;
        seen = &parser->seen_metadata;
    } else if (is_text(line->name, "curve")) {
        parser->section = CURVE;
        seen = &parser->seen_curve;
    }
    if (seen && *seen)
        return -EINVAL;
    if (seen)
        *seen = true;
    return 0;
}

static int take_key(struct parser *parser, const struct line *line)
{
    struct piece *key = is_text(line->name, "public-key")   ? &parser->public_key
                        : is_text(line->name, "secret-key") ? &parser->secret_key
                                                            : NULL;

    if (!key)
        return 0;
    if (key->data || line->value.size != KEY_LENGTH)
        return -EINVAL;
    *key = line->value;
    return 0;
}

static int take_meta(curve_cert_t *cert, const struct line *line)
{
    char name[IH_CERT_NAME_MAX + 1];

    if (line->name.size > IH_CERT_NAME_MAX)
        return -EINVAL;
    memcpy(name, line->name.data, line->name.size);
    name[line->name.size] = '\0';
    /* The first of two is the one that counts for CZMQ. */
    if (curve_cert_meta(cert, name))
        return 0;
    return ih_cert_set(cert, name, line->name.size, line->value.data, line->value.size);
}

/* Once to find the keys, with cert NULL; once more to fill in the metadata. */
static int parse_all(struct parser *parser, struct piece text, curve_cert_t *cert)
{
    struct piece piece;
    struct line line;
    int error = 0;

    memset(parser, 0, sizeof(*parser));
    parser->rest = text;
    while (error == 0 && parser->rest.size) {
        error = take_line(&parser->rest, &piece);
        if (error == 0)
            error = parse_line(piece, &line);
        if (error || line.name.size == 0)
            continue;
        if (line.level > parser->level + 1 || (line.level && parser->section == NO_SECTION))
            return -EINVAL;
        parser->level = line.level;
        if (line.level == 0)
            error = enter_section(parser, &line);
        else if (line.level == 1 && parser->section == CURVE)
            error = take_key(parser, &line);
        else if (line.level == 1 && parser->section == METADATA && cert)
            error = take_meta(cert, &line);
    }
    return error;
}

/* CZMQ writes a secret key of zeros for a certificate that has none. */
static bool is_no_key(struct piece key)
{
    size_t zeros = 0;

    while (zeros < key.size && key.data[zeros] == '0')
        zeros++;
    return zeros == key.size;
}

static int make(const struct parser *parser, curve_cert_t **cert)
{
    uint8_t public_key[CURVE_KEY_SIZE];
    uint8_t secret_key[CURVE_KEY_SIZE];
    bool has_secret = !is_no_key(parser->secret_key);
    int error = -EINVAL;

    if (!parser->public_key.data || is_no_key(parser->public_key))
        return -EINVAL;
    if (ih_z85_decode(public_key, parser->public_key.data, KEY_LENGTH) == 0 &&
        (!has_secret || ih_z85_decode(secret_key, parser->secret_key.data, KEY_LENGTH) == 0)) {
        *cert = curve_cert_from(public_key, has_secret ? secret_key : NULL);
        error = *cert ? 0 : -errno;
    }
    sodium_memzero(secret_key, sizeof(secret_key));
    return error;
}

int ih_cert_parse(curve_cert_t **cert, const char *text, size_t size)
{
    struct piece whole = {text, size};
    struct parser parser;
    int error = size > IH_CERT_TEXT_MAX ? -EINVAL : parse_all(&parser, whole, NULL);

    *cert = NULL;
    if (error == 0)
        error = make(&parser, cert);
    if (error == 0)
        error = parse_all(&parser, whole, *cert);
    if (error)
        curve_cert_destroy(cert);
    return error == -E2BIG ? -EINVAL : error;
}
