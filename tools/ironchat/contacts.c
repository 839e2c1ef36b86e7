/* SPDX-License-Identifier: ISC */
#include "ironchat/contacts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ironchat/file.h"

enum { LINE_MAX_OCTETS = 512, ERRORS_MAX = 20 };

/* One run over a file. On chat_contacts_parse's stack. */
struct reading {
    struct chat_contacts *contacts;
    const char *name;
    chat_complain_fn *complain;
    void *arg;
    int line;
    int errors;
    const char *comments; /* where the comments began that belong to the next contact, or NULL */
};

static void wrong(struct reading *reading, const char *what)
{
    if (++reading->errors <= ERRORS_MAX && reading->complain != NULL)
        reading->complain(reading->arg, reading->name, reading->line, what);
}

struct chat_contact *chat_contacts_named(const struct chat_contacts *contacts, const char *name)
{
    for (size_t i = 0; i < contacts->count; i++) {
        if (strcmp(contacts->list[i].name, name) == 0)
            return &contacts->list[i];
    }
    return NULL;
}

struct chat_contact *chat_contacts_keyed(const struct chat_contacts *contacts, const uint8_t *key)
{
    for (size_t i = 0; i < contacts->count; i++) {
        if (memcmp(contacts->list[i].key, key, CHAT_KEY_SIZE) == 0)
            return &contacts->list[i];
    }
    return NULL;
}

int chat_contacts_add(struct chat_contacts *contacts, const char *name, const uint8_t *key, bool verified)
{
    struct chat_contact *list;

    if (!chat_name_valid(name))
        return -EINVAL;
    if (chat_contacts_named(contacts, name) != NULL || chat_contacts_keyed(contacts, key) != NULL)
        return -EEXIST;
    if (contacts->count >= CHAT_CONTACTS_MAX)
        return -ENOSPC;
    list = realloc(contacts->list, (contacts->count + 1) * sizeof *list);
    if (list == NULL)
        return -ENOMEM;
    contacts->list = list;
    list += contacts->count++;
    memset(list, 0, sizeof *list);
    memcpy(list->name, name, strlen(name) + 1);
    memcpy(list->key, key, CHAT_KEY_SIZE);
    list->verified = verified;
    return 0;
}

void chat_contacts_remove(struct chat_contacts *contacts, const char *name)
{
    struct chat_contact *contact = chat_contacts_named(contacts, name);
    size_t index;

    if (contact == NULL)
        return;
    index = (size_t)(contact - contacts->list);
    free(contact->before);
    contacts->count--;
    memmove(contact, contact + 1, (contacts->count - index) * sizeof *contact);
}

/* The three words of a line, in a copy of it. Comments at its end are cut off. Returns how many words there are. */
static int words_of(char *line, char *words[4])
{
    char *rest = NULL;
    int count = 0;

    line[strcspn(line, "#")] = '\0';
    for (char *word = strtok_r(line, " \t\r", &rest); word != NULL && count < 4; word = strtok_r(NULL, " \t\r", &rest))
        words[count++] = word;
    return count;
}

/* Comments in front of a contact go with it. */
static int keep_comments(struct reading *reading, const char *end, char **where)
{
    size_t size;

    if (reading->comments == NULL)
        return 0;
    size = (size_t)(end - reading->comments);
    *where = malloc(size + 1);
    if (*where == NULL)
        return -ENOMEM;
    memcpy(*where, reading->comments, size);
    (*where)[size] = '\0';
    reading->comments = NULL;
    return 0;
}

static int read_contact(struct reading *reading, const char *start, char *words[4], int count)
{
    uint8_t key[CHAT_KEY_SIZE];
    bool verified;
    int rc;

    if (count != 3) {
        wrong(reading, "a contact is three words: NAME KEY verified|unverified");
        return 0;
    }
    verified = strcmp(words[2], "verified") == 0;
    if (!verified && strcmp(words[2], "unverified") != 0) {
        wrong(reading, "the third word is neither verified nor unverified");
        return 0;
    }
    if (chat_key_parse(key, words[1]) < 0) {
        wrong(reading, "the second word is not a key");
        return 0;
    }
    rc = chat_contacts_add(reading->contacts, words[0], key, verified);
    if (rc == 0)
        return keep_comments(reading, start, &reading->contacts->list[reading->contacts->count - 1].before);
    if (rc == -ENOMEM)
        return rc;
    wrong(reading, rc == -EEXIST   ? "this name or key is there already"
                   : rc == -EINVAL ? "the first word cannot be a name"
                                   : "too many contacts");
    return 0;
}

static int read_line(struct reading *reading, const char *start, size_t length)
{
    char copy[LINE_MAX_OCTETS];
    char *words[4];
    int count;

    if (length >= sizeof copy) {
        wrong(reading, "the line is too long");
        return 0;
    }
    if (memchr(start, '\0', length) != NULL) {
        wrong(reading, "the line contains an octet 0");
        return 0;
    }
    memcpy(copy, start, length);
    copy[length] = '\0';
    count = words_of(copy, words);
    if (count > 0)
        return read_contact(reading, start, words, count);
    if (reading->comments == NULL)
        reading->comments = start;
    return 0;
}

int chat_contacts_parse(struct chat_contacts *contacts, const char *name, const char *text, size_t size,
                        chat_complain_fn *complain, void *arg)
{
    struct reading reading = {contacts, name, complain, arg, 0, 0, NULL};
    const char *end = text + size;
    int rc = 0;

    for (const char *line = text; line < end && rc == 0;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));

        stop = stop == NULL ? end : stop;
        reading.line++;
        rc = read_line(&reading, line, (size_t)(stop - line));
        line = stop + 1;
    }
    if (rc == 0)
        rc = keep_comments(&reading, end, &contacts->after);
    contacts->broken = reading.errors > 0 || rc < 0;
    return rc == 0 && reading.errors > 0 ? -EINVAL : rc;
}

int chat_contacts_load(struct chat_contacts *contacts, const char *path, chat_complain_fn *complain, void *arg)
{
    char *text = NULL;
    size_t size = 0;
    int rc;

    contacts->path = strdup(path);
    if (contacts->path == NULL)
        return -ENOMEM;
    rc = chat_file_read(path, CHAT_CONTACTS_FILE_MAX, &text, &size, &contacts->seen);
    if (rc == -ENOENT)
        return 0;
    if (rc < 0) {
        contacts->broken = true;
        if (complain != NULL)
            complain(arg, path, 0, strerror(-rc));
        return rc;
    }
    contacts->exists = true;
    rc = chat_contacts_parse(contacts, path, text, size, complain, arg);
    free(text);
    return rc;
}

static bool changed_meanwhile(const struct chat_contacts *contacts)
{
    struct stat now;

    if (stat(contacts->path, &now) < 0)
        return contacts->exists || errno != ENOENT;
    return !contacts->exists || now.st_ino != contacts->seen.st_ino || now.st_size != contacts->seen.st_size ||
           now.st_mtim.tv_sec != contacts->seen.st_mtim.tv_sec || now.st_mtim.tv_nsec != contacts->seen.st_mtim.tv_nsec;
}

static void print_block(FILE *out, const char *block)
{
    if (block == NULL)
        return;
    (void)fputs(block, out);
    if (block[0] != '\0' && block[strlen(block) - 1] != '\n')
        (void)fputc('\n', out);
}

int chat_contacts_save(struct chat_contacts *contacts)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out;
    int rc;

    if (contacts->path == NULL || contacts->broken)
        return -EPERM;
    if (changed_meanwhile(contacts))
        return -ESTALE;
    out = open_memstream(&text, &size);
    if (out == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < contacts->count; i++) {
        const struct chat_contact *contact = &contacts->list[i];
        char key[CHAT_KEY_TEXT];

        chat_key_write(key, contact->key);
        print_block(out, contact->before);
        (void)fprintf(out, "%s %s %s\n", contact->name, key, contact->verified ? "verified" : "unverified");
    }
    print_block(out, contacts->after);
    rc = ferror(out) ? -ENOMEM : 0;
    if (fclose(out) != 0)
        rc = -ENOMEM;
    if (rc == 0)
        rc = chat_file_write(contacts->path, text, size, &contacts->seen);
    if (rc == 0)
        contacts->exists = true;
    free(text);
    return rc;
}

void chat_contacts_fini(struct chat_contacts *contacts)
{
    for (size_t i = 0; i < contacts->count; i++)
        free(contacts->list[i].before);
    free(contacts->list);
    free(contacts->after);
    free(contacts->path);
    memset(contacts, 0, sizeof *contacts);
}
