/* SPDX-License-Identifier: ISC */
/* Command list: who is there. */
#include <errno.h>
#include <stdio.h>
#include <zmq.h>

#include "ironauth/commands.h"
#include "ironauth/out.h"
#include "ironauth/store.h"

/* Where the list stands. */
struct listing {
    bool json, any, keys; /* any: of this kind; keys: they have begun */
};

static void print_member(const char *name, const char *value)
{
    (void)printf("%s", name);
    out_string(value);
}

/* Users come first: with the first key their array ends. */
static void print_json(struct listing *listing, const struct auth_entry *entry)
{
    char key[AUTH_KEY_TEXT];

    if (entry->is_key && !listing->keys) {
        (void)fputs("], \"keys\": [", stdout);
        listing->keys = true;
        listing->any = false;
    }
    (void)fputs(listing->any ? ",\n {" : "\n {", stdout);
    listing->any = true;
    if (entry->is_key)
        print_member("\"key\": ", zmq_z85_encode(key, entry->key, AUTH_KEY_SIZE));
    print_member(entry->is_key ? ", \"user\": " : "\"user\": ", entry->user);
    print_member(", \"comment\": ", entry->comment);
    (void)putchar('}');
}

static int print_entry(void *arg, const struct auth_entry *entry)
{
    struct listing *listing = arg;
    char key[AUTH_KEY_TEXT];

    if (listing->json) {
        print_json(listing, entry);
        return 0;
    }
    if (entry->is_key)
        (void)printf("key\t%s\t", zmq_z85_encode(key, entry->key, AUTH_KEY_SIZE));
    else
        (void)fputs("user\t", stdout);
    out_text(entry->user);
    if (entry->comment[0])
        (void)putchar('\t');
    out_text(entry->comment);
    (void)putchar('\n');
    return 0;
}

/* An object that was begun is ended, whatever happened meanwhile. */
static enum status end(const struct listing *listing, const struct store *store, int rc)
{
    char line[STORE_REASON_SIZE];
    const char *reason = rc ? store_reason(line, store->ops, &store->settings, rc) : NULL;
    enum status status = out_status(rc);

    if (listing->json) {
        (void)fputs(listing->keys ? "]" : "], \"keys\": []", stdout);
        (void)printf(", \"ok\": %s", rc ? "false" : "true");
        if (rc)
            print_member(", \"error\": ", reason);
        (void)printf(rc ? ", \"status\": %d}\n" : "}\n", status);
    }
    if (rc)
        out_complain(reason);
    return status;
}

enum status command_list(const struct options *options)
{
    struct listing listing = {.json = options->json};
    struct store store;
    enum status status = store_find(&store, options);

    if (status == STATUS_DONE && !store.ops->list)
        status = out_failed(options, STATUS_FAILED, "this back end cannot be listed");
    if (status == STATUS_DONE)
        status = store_open(&store, options);
    if (status == STATUS_DONE) {
        if (options->json)
            (void)fputs("{\"users\": [", stdout);
        status = end(&listing, &store, store.ops->list(store.session, print_entry, &listing));
    }
    store_close(&store);
    return status;
}
