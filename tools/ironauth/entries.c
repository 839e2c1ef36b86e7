/* SPDX-License-Identifier: ISC */
/* Commands that change what a back end holds: init, add, remove, passwd. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "auth/password.h"
#include "ironauth/commands.h"
#include "ironauth/out.h"
#include "ironauth/password.h"
#include "ironauth/store.h"

static enum status report(const struct options *options, const struct store *store, int rc, const char *what,
                          const char *done)
{
    char line[STORE_REASON_SIZE];

    if (rc)
        return out_failed(options, out_status(rc), "%s: %s", what,
                          store_reason(line, store->ops, &store->settings, rc));
    return out_done(options, "%s: %s", what, done);
}

enum status command_init(const struct options *options)
{
    struct store store;
    enum status status = store_find(&store, options);

    if (status == STATUS_DONE) {
        int rc = store.ops->init ? store.ops->init(&store.settings) : -ENOTSUP;

        if (rc == -ENOENT) /* the folder in which it is to be made */
            status = out_failed(options, STATUS_FAILED, "init: %s", strerror(ENOENT));
        else
            status = report(options, &store, rc, "init", "made");
    }
    store_close(&store);
    return status;
}

/* Asks for a password and hashes it. */
static enum status make_hash(char hash[AUTH_HASH_MAX], const struct options *options)
{
    struct password password;
    enum status status = password_read(&password, options, true);

    if (status == STATUS_DONE && auth_password_hash(hash, password.text) != 0)
        status = out_failed(options, STATUS_FAILED, "%s", strerror(ENOMEM));
    password_close(&password);
    return status;
}

/* What is refused anyway is refused before somebody types a password. */
static enum status check_texts(const struct options *options)
{
    if (options->user && !auth_user_valid(options->user))
        return out_failed(options, STATUS_USAGE,
                          "a user's name is 1 to %d octets of UTF-8 without control characters, "
                          "':' and '/'",
                          AUTH_TEXT_MAX);
    if (options->comment && !auth_comment_valid(options->comment))
        return out_failed(options, STATUS_USAGE, "a comment is at most %d octets of UTF-8 without control characters",
                          AUTH_COMMENT_MAX);
    return STATUS_DONE;
}

static enum status add_key(struct store *store, const struct options *options)
{
    uint8_t key[AUTH_KEY_SIZE];
    enum status status = store_key(key, options);

    if (status != STATUS_DONE)
        return status;
    return report(options, store,
                  store->ops->add_key(store->session, key, options->user ? options->user : "",
                                      options->comment ? options->comment : ""),
                  "the key", "added");
}

static enum status add_user(struct store *store, const struct options *options)
{
    char hash[AUTH_HASH_MAX];
    struct auth_record record;
    int rc = store->ops->find_user(store->session, options->user, &record);
    enum status status;

    if (rc != -ENOENT)
        return report(options, store, rc == 0 ? -EEXIST : rc, options->user, "");
    status = make_hash(hash, options);
    if (status == STATUS_DONE)
        status =
            report(options, store,
                   store->ops->add_user(store->session, options->user, hash, options->comment ? options->comment : ""),
                   options->user, "added");
    sodium_memzero(hash, sizeof hash);
    return status;
}

/* An opened store that can be written. */
static enum status open_to_write(struct store *store, const struct options *options)
{
    enum status status = store_find(store, options);

    if (status == STATUS_DONE && !store->ops->add_user)
        status = out_failed(options, STATUS_FAILED, "%s", out_reason(-ENOTSUP));
    return status == STATUS_DONE ? store_open(store, options) : status;
}

enum status command_add(const struct options *options)
{
    struct store store = {.ops = NULL};
    enum status status = check_texts(options);

    if (status == STATUS_DONE && !options->key && !options->user)
        status = out_usage(options, "add whom? --user NAME, or --key KEY");
    if (status == STATUS_DONE && options->key && options->password_stdin)
        status = out_usage(options, "a key has no password");
    if (status == STATUS_DONE)
        status = open_to_write(&store, options);
    if (status == STATUS_DONE)
        status = options->key ? add_key(&store, options) : add_user(&store, options);
    store_close(&store);
    return status;
}

enum status command_remove(const struct options *options)
{
    struct store store = {.ops = NULL};
    uint8_t key[AUTH_KEY_SIZE];
    enum status status = STATUS_DONE;

    if (!options->key == !options->user)
        return out_usage(options, "remove whom? Either --user NAME or --key KEY");
    if (options->key)
        status = store_key(key, options);
    if (status == STATUS_DONE)
        status = open_to_write(&store, options);
    if (status == STATUS_DONE)
        status = options->key ? report(options, &store, store.ops->remove_key(store.session, key), "the key", "removed")
                              : report(options, &store, store.ops->remove_user(store.session, options->user),
                                       options->user, "removed");
    store_close(&store);
    return status;
}

static enum status print_hash(const struct options *options)
{
    char hash[AUTH_HASH_MAX];
    enum status status;

    if (options->url || options->config || options->user)
        return out_usage(options, "--print stores nothing: it goes with no back end or user");
    status = make_hash(hash, options);
    if (status != STATUS_DONE)
        return status;
    (void)printf(options->json ? "{\"ok\": true, \"hash\": \"%s\"}\n" : "%s\n", hash);
    sodium_memzero(hash, sizeof hash);
    return STATUS_DONE;
}

static enum status set_password(struct store *store, const struct options *options)
{
    char hash[AUTH_HASH_MAX];
    struct auth_record record;
    int rc = store->ops->find_user(store->session, options->user, &record);
    enum status status;

    /* A damaged entry is what a new password may repair. */
    if (rc && rc != -EBADMSG)
        return report(options, store, rc, options->user, "");
    status = make_hash(hash, options);
    if (status == STATUS_DONE)
        status = report(options, store, store->ops->set_password(store->session, options->user, hash), options->user,
                        "has a new password");
    sodium_memzero(hash, sizeof hash);
    return status;
}

enum status command_passwd(const struct options *options)
{
    struct store store = {.ops = NULL};
    enum status status;

    if (options->print)
        return print_hash(options);
    if (!options->user)
        return out_usage(options, "whose password? --user NAME, or --print for its hash alone");
    status = check_texts(options);
    if (status == STATUS_DONE)
        status = open_to_write(&store, options);
    if (status == STATUS_DONE)
        status = set_password(&store, options);
    store_close(&store);
    return status;
}
