/* SPDX-License-Identifier: ISC */
/* ZPL (RFC 4). Stricter than the RFC where leniency would hide a mistake: a '#' begins a comment only where a word could
 * begin, and control characters stand nowhere. */
#include "auth/zpl.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "auth/text.h"

/* RFC 4: "a child is indented 4 spaces more than its parent". */
enum { INDENT = 4, DEPTH_MAX = 16 };

struct span {
    const char *text;
    size_t size;
};

struct parser {
    struct auth_mistake *mistake;
    unsigned number;                       /* of the line */
    struct span line;                      /* without its end */
    const char *at;                        /* in the line */
    size_t depth;                          /* the most that the next line may be indented, in levels */
    struct auth_zpl **tail[DEPTH_MAX + 1]; /* where the next property of each level goes */
};

static const char *line_end(const struct parser *parser)
{
    return parser->line.text + parser->line.size;
}

static bool at_end(const struct parser *parser)
{
    return parser->at == line_end(parser);
}

/* The column of a place in the line: characters up to it, from 1 on. */
static unsigned column(const struct parser *parser, const char *place)
{
    unsigned count = 1;

    for (const char *at = parser->line.text; at < place; at++)
        count += ((unsigned char)*at & 0xc0) != 0x80;
    return count;
}

static int wrong(const struct parser *parser, const char *place, const char *what)
{
    return auth_mistake_set(parser->mistake, parser->number, column(parser, place), "%s", what);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void pass_blanks(struct parser *parser)
{
    while (!at_end(parser) && is_blank(*parser->at))
        parser->at++;
}

/* RFC 4: "ALPHA | DIGIT | "$" | "-" | "_" | "@" | "." | "&" | "+" | "/"". */
static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("$-_@.&+/", c) != NULL);
}

/* Comments too: what an editor or terminal would hide has no place in a configuration. Tabs have theirs. */
static int check_characters(const struct parser *parser)
{
    const char *end = line_end(parser);
    size_t length;

    for (const char *at = parser->line.text; at < end; at += length) {
        length = auth_text_character(at, (size_t)(end - at));
        if (length == 0)
            return wrong(parser, at, "this is not UTF-8");
        if (*at != '\t' && !auth_text_clean(at, length))
            return wrong(parser, at, "a control character");
    }
    return 0;
}

/* Leaves the parser at the name. *depth: how many levels the line is indented. */
static int parse_indent(struct parser *parser, size_t *depth)
{
    size_t spaces = 0;

    while (spaces < parser->line.size && parser->line.text[spaces] == ' ')
        spaces++;
    parser->at = parser->line.text + spaces;
    if (*parser->at == '\t')
        return wrong(parser, parser->at, "a tab; indentation is by four spaces");
    *depth = spaces / INDENT;
    if (spaces % INDENT != 0)
        return wrong(parser, parser->at, "the indentation is no multiple of four spaces");
    if (*depth >= DEPTH_MAX)
        return wrong(parser, parser->at, "more than 16 levels");
    if (*depth > parser->depth)
        return wrong(parser, parser->at, "indented further than one level below the line above");
    return 0;
}

static int parse_name(struct parser *parser, struct span *name)
{
    name->text = parser->at;
    while (!at_end(parser) && is_name_char(*parser->at))
        parser->at++;
    name->size = (size_t)(parser->at - name->text);
    if (name->size == 0)
        return wrong(parser, parser->at, "a name is missing");
    if (!at_end(parser) && !is_blank(*parser->at) && *parser->at != '=' && *parser->at != '#')
        return wrong(parser, parser->at, "no name may have this character");
    return 0;
}

/* RFC 4: "An entire value can be enclosed with single or double quotes"; one "that starts with a quote and does not end in a
 * matching quote is treated as unquoted". */
static bool take_quoted(struct parser *parser, struct span *value)
{
    const char *start = parser->at;
    size_t left = (size_t)(line_end(parser) - start);
    const char *quote = left > 0 && (*start == '"' || *start == '\'') ? memchr(start + 1, *start, left - 1) : NULL;

    if (!quote)
        return false;
    parser->at = quote + 1;
    pass_blanks(parser);
    if (!at_end(parser) && *parser->at != '#') {
        parser->at = start;
        return false;
    }
    value->text = start + 1;
    value->size = (size_t)(quote - value->text);
    return true;
}

static int take_unquoted(struct parser *parser, struct span *value)
{
    value->text = parser->at;
    while (!at_end(parser) && *parser->at != '#')
        parser->at++;
    if (!at_end(parser) && parser->at > value->text && !is_blank(parser->at[-1]))
        return wrong(parser, parser->at,
                     "a '#' in the middle of a value: put the value into quotes, or a space before the comment");
    value->size = (size_t)(parser->at - value->text);
    while (value->size > 0 && is_blank(value->text[value->size - 1]))
        value->size--;
    return 0;
}

/* Behind a name: nothing, or '=' and a value; and perhaps a comment. */
static int parse_value(struct parser *parser, struct span *value)
{
    const char *tab;
    int rc;

    pass_blanks(parser);
    *value = (struct span){parser->at, 0};
    if (at_end(parser) || *parser->at == '#')
        return 0;
    if (*parser->at != '=')
        return wrong(parser, parser->at, "a '=' is missing between name and value");
    parser->at++;
    pass_blanks(parser);
    if (!take_quoted(parser, value)) {
        rc = take_unquoted(parser, value);
        if (rc < 0)
            return rc;
    }
    tab = memchr(value->text, '\t', value->size);
    return tab ? wrong(parser, tab, "a tab in a value") : 0;
}

static char *copy(const struct span *span)
{
    char *text = malloc(span->size + 1);

    if (text) {
        memcpy(text, span->text, span->size);
        text[span->size] = '\0';
    }
    return text;
}

static struct auth_zpl *new_node(const struct span *name, const struct span *value)
{
    struct auth_zpl *node = calloc(1, sizeof *node);

    if (!node)
        return NULL;
    node->name = copy(name);
    node->value = copy(value);
    if (!node->name || !node->value) {
        auth_zpl_free(node);
        return NULL;
    }
    return node;
}

static void add_node(struct parser *parser, size_t depth, struct auth_zpl *node)
{
    *parser->tail[depth] = node;
    parser->tail[depth] = &node->next;
    parser->depth = depth + 1;
    parser->tail[depth + 1] = &node->child;
}

static int parse_line(struct parser *parser)
{
    struct span name, value;
    struct auth_zpl *node;
    size_t depth = 0;
    int rc = check_characters(parser);

    parser->at = parser->line.text;
    pass_blanks(parser);
    if (rc < 0 || at_end(parser) || *parser->at == '#')
        return rc;
    rc = parse_indent(parser, &depth);
    if (rc == 0)
        rc = parse_name(parser, &name);
    if (rc == 0)
        rc = parse_value(parser, &value);
    if (rc < 0)
        return rc;
    node = new_node(&name, &value);
    if (!node)
        return -ENOMEM;
    node->line = parser->number;
    node->column = column(parser, name.text);
    node->value_column = column(parser, value.text);
    add_node(parser, depth, node);
    return 0;
}

/* RFC 4: "newline, carriage-return, or carriage-return followed by newline". */
static size_t end_size(const char *end, size_t left)
{
    if (left == 0)
        return 0;
    return left > 1 && end[0] == '\r' && end[1] == '\n' ? 2 : 1;
}

static size_t line_size(const char *text, size_t size)
{
    size_t i = 0;

    while (i < size && text[i] != '\n' && text[i] != '\r')
        i++;
    return i;
}

int auth_zpl_parse(struct auth_zpl **root, const char *text, size_t size, struct auth_mistake *mistake)
{
    const struct span nothing = {"", 0};
    struct parser parser = {.mistake = mistake};
    struct auth_zpl *parsed = new_node(&nothing, &nothing);
    size_t taken;
    int rc = 0;

    memset(mistake, 0, sizeof *mistake);
    if (!parsed)
        return -ENOMEM;
    parser.tail[0] = &parsed->child;
    while (rc == 0 && size > 0) {
        parser.number++;
        parser.line = (struct span){text, line_size(text, size)};
        rc = parse_line(&parser);
        taken = parser.line.size + end_size(text + parser.line.size, size - parser.line.size);
        text += taken;
        size -= taken;
    }
    if (rc < 0) {
        auth_zpl_free(parsed);
        return rc;
    }
    *root = parsed;
    return 0;
}

void auth_zpl_free(struct auth_zpl *root)
{
    while (root) {
        struct auth_zpl *next = root->next;

        auth_zpl_free(root->child); /* as deep as DEPTH_MAX */
        free(root->name);
        free(root->value);
        free(root);
        root = next;
    }
}

const struct auth_zpl *auth_zpl_find(const struct auth_zpl *node, const char *name)
{
    for (const struct auth_zpl *child = node->child; child; child = child->next)
        if (strcmp(child->name, name) == 0)
            return child;
    return NULL;
}
