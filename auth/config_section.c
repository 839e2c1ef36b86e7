/* SPDX-License-Identifier: ISC */
/* Sections: what may stand in them. */
#include "auth/config_section.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "auth/text.h"

/* All that a section may have; seen: one bit for each. */
struct vocabulary {
    const char *names[AUTH_PROPERTIES_MAX + 1];
    unsigned flags[AUTH_PROPERTIES_MAX];
    size_t count;
    uint64_t seen;
};

static void add_name(struct vocabulary *vocabulary, const char *name, unsigned flags)
{
    assert(vocabulary->count < AUTH_PROPERTIES_MAX);
    vocabulary->names[vocabulary->count] = name;
    vocabulary->flags[vocabulary->count] = flags;
    vocabulary->count++;
}

static size_t find_name(const struct vocabulary *vocabulary, const char *name)
{
    size_t i = 0;

    while (i < vocabulary->count && strcmp(vocabulary->names[i], name) != 0)
        i++;
    return i;
}

static int unknown(const struct auth_zpl *property, const struct vocabulary *vocabulary, struct auth_mistake *mistake)
{
    const char *nearest = auth_mistake_nearest(property->name, vocabulary->names);

    if (nearest)
        return auth_mistake_set(mistake, property->line, property->column, "'%.64s' is unknown here; is '%s' meant?",
                                property->name, nearest);
    return auth_mistake_set(mistake, property->line, property->column, "'%.64s' is unknown here", property->name);
}

/* A section, or a value. */
static int check_form(const struct auth_zpl *property, unsigned flags, struct auth_mistake *mistake)
{
    const struct auth_zpl *child = property->child;

    if (flags & AUTH_PROPERTY_SECTION && *property->value == '\0')
        return 0;
    if (flags & AUTH_PROPERTY_SECTION)
        return auth_section_wrong(mistake, property, 0, "'%s' is a section: its properties stand below it, indented",
                                  property->name);
    if (child)
        return auth_mistake_set(mistake, child->line, child->column, "'%s' has a value, and nothing stands below it",
                                property->name);
    if (*property->value == '\0')
        return auth_section_wrong(mistake, property, 0, "'%s' has no value", property->name);
    if (*property->value == '"' || *property->value == '\'')
        return auth_section_wrong(mistake, property, 0, "the value begins with a quote and does not end with it");
    return 0;
}

static int check_property(const struct auth_zpl *property, struct vocabulary *vocabulary, struct auth_mistake *mistake)
{
    size_t i = find_name(vocabulary, property->name);
    uint64_t bit;

    if (i == vocabulary->count)
        return unknown(property, vocabulary, mistake);
    bit = (uint64_t)1 << i;
    if (vocabulary->seen & bit && !(vocabulary->flags[i] & AUTH_PROPERTY_REPEATED))
        return auth_mistake_set(mistake, property->line, property->column, "'%s' is here for the second time",
                                property->name);
    vocabulary->seen |= bit;
    return check_form(property, vocabulary->flags[i], mistake);
}

int auth_section_check(const struct auth_zpl *section, const struct auth_property *known, const char *const *more,
                       struct auth_mistake *mistake)
{
    struct vocabulary vocabulary = {.count = 0};

    for (; known->name; known++)
        add_name(&vocabulary, known->name, known->flags);
    for (; more && *more; more++)
        add_name(&vocabulary, *more, 0);
    for (const struct auth_zpl *at = section->child; at; at = at->next) {
        int rc = check_property(at, &vocabulary, mistake);

        if (rc < 0)
            return rc;
    }
    for (size_t i = 0; i < vocabulary.count; i++)
        if (vocabulary.flags[i] & AUTH_PROPERTY_REQUIRED && !(vocabulary.seen >> i & 1))
            return auth_mistake_set(mistake, section->line, section->column, "this '%s' has no '%s'", section->name,
                                    vocabulary.names[i]);
    return 0;
}

int auth_section_wrong(struct auth_mistake *mistake, const struct auth_zpl *property, size_t offset, const char *format,
                       ...)
{
    unsigned column = property->value_column;
    char text[2 * sizeof mistake->text];
    va_list list;

    for (size_t i = 0; i < offset; i++)
        column += ((unsigned char)property->value[i] & 0xc0) != 0x80;
    va_start(list, format);
    (void)vsnprintf(text, sizeof text, format, list);
    va_end(list);
    return auth_mistake_set(mistake, property->line, column, "%s", text);
}

/* Digits alone. */
static bool parse_number(int *number, const char *text, int most)
{
    int value = 0;

    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || value > (most - (*text - '0')) / 10)
            return false;
        value = value * 10 + (*text - '0');
    }
    *number = value;
    return true;
}

int auth_section_number(const struct auth_zpl *section, const char *name, int *number, int least, int most,
                        struct auth_mistake *mistake)
{
    const struct auth_zpl *property = auth_zpl_find(section, name);
    int value;

    if (!property)
        return 0;
    if (!parse_number(&value, property->value, most) || value < least)
        return auth_section_wrong(mistake, property, 0, "'%s' is a number from %d to %d", name, least, most);
    *number = value;
    return 0;
}

const struct auth_zpl *auth_section_get(const struct auth_zpl *section, const char *name)
{
    static const struct auth_zpl empty = {.name = "", .value = ""};
    const struct auth_zpl *property = auth_zpl_find(section, name);

    return property ? property : &empty;
}

const char *auth_section_text(const struct auth_zpl *section, const char *name)
{
    const struct auth_zpl *property = auth_zpl_find(section, name);

    return property ? property->value : NULL;
}

int auth_words_next(struct auth_words *words, struct auth_mistake *mistake)
{
    const char *value = words->property->value;
    size_t size;

    words->offset = words->at + strspn(value + words->at, " ");
    size = strcspn(value + words->offset, " ");
    words->at = words->offset + size;
    if (size == 0)
        return 0;
    if (size > AUTH_WORD_MAX)
        return auth_section_wrong(mistake, words->property, words->offset, "a word of more than %d octets",
                                  AUTH_WORD_MAX);
    memcpy(words->word, value + words->offset, size);
    words->word[size] = '\0';
    return 1;
}
