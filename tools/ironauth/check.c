/* SPDX-License-Identifier: ISC */
/* Command check: who would get in, and why? It asks as the authenticator does, in its own process. */
#include <errno.h>
#include <ironauth.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "auth/engine.h"
#include "ironauth/commands.h"
#include "ironauth/out.h"
#include "ironauth/password.h"
#include "ironauth/store.h"

static enum status status_of(int code)
{
    switch (code) {
    case 200:
        return STATUS_DONE;
    case 300:
        return STATUS_AWAY;
    case 400:
        return STATUS_REFUSED;
    default:
        return STATUS_DAMAGED;
    }
}

static enum status print_verdict(const struct options *options, const ironauth_verdict_t *verdict)
{
    enum status status = status_of(verdict->status);

    if (options->json) {
        (void)printf("{\"ok\": %s, \"code\": %d, \"user_id\": ", status ? "false" : "true", verdict->status);
        out_string(verdict->user_id);
        (void)fputs(", \"reason\": ", stdout);
        out_string(verdict->reason);
        if (status) {
            (void)fputs(", \"error\": ", stdout);
            out_string(verdict->reason);
        }
        (void)printf(status ? ", \"status\": %d}\n" : "}\n", status);
        return status;
    }
    (void)printf("%d ", verdict->status);
    if (verdict->status == 200 && !verdict->user_id[0]) {
        (void)fputs("let in, as nobody in particular: ", stdout);
    } else if (verdict->status == 200) {
        (void)fputs("let in as \"", stdout);
        out_text(verdict->user_id);
        (void)fputs("\": ", stdout);
    } else {
        (void)fputs(verdict->status == 300 ? "not for the time being: " : "refused: ", stdout);
    }
    out_text(verdict->reason);
    (void)putchar('\n');
    return status;
}

static enum status ask(const struct options *options, ironauth_t *auth, const ironauth_request_t *request)
{
    ironauth_verdict_t verdict;

    if (ironauth_check(auth, request, &verdict) == 0)
        return print_verdict(options, &verdict);
    return out_failed(options, errno == EINVAL ? STATUS_USAGE : STATUS_FAILED, "%s", ironauth_error());
}

static enum status start_and_ask(const struct options *options, const ironauth_request_t *request)
{
    void *context = zmq_ctx_new();
    ironauth_t *auth = context ? auth_start(context, options->config, true) : NULL;
    enum status status;

    if (!context)
        return out_failed(options, STATUS_FAILED, "%s", strerror(errno));
    if (auth)
        status = ask(options, auth, request);
    else
        status = out_failed(options, errno == EINVAL || errno == ENOENT ? STATUS_USAGE : STATUS_FAILED, "%s",
                            ironauth_error());
    ironauth_stop(&auth);
    (void)zmq_ctx_term(context);
    return status;
}

/* What is given says which mechanism. */
static enum status choose_mechanism(const struct options *options, const char **mechanism)
{
    const char *known = options->user ? "PLAIN" : options->key ? "CURVE" : NULL;

    if (options->user && options->key)
        return out_usage(options, "a client has a user's name or a key");
    *mechanism = options->mechanism ? options->mechanism : known ? known : "NULL";
    if (known ? strcmp(*mechanism, known) != 0 : strcmp(*mechanism, "NULL") != 0)
        return out_usage(options, "NULL needs neither --user nor --key, PLAIN --user, and CURVE --key");
    if (options->password_stdin && !options->user)
        return out_usage(options, "whose password? --user NAME");
    return STATUS_DONE;
}

enum status command_check(const struct options *options)
{
    struct password password = {.text = ""};
    uint8_t key[AUTH_KEY_SIZE];
    ironauth_request_t request = {.domain = options->domain, .address = options->address, .user = options->user};
    enum status status;

    if (!options->config)
        return out_usage(options, "which configuration? -c FILE");
    status = choose_mechanism(options, &request.mechanism);
    if (status == STATUS_DONE && options->key) {
        status = store_key(key, options);
        request.key = key;
    }
    if (status == STATUS_DONE && options->user) {
        status = password_read(&password, options, false);
        request.password = password.text;
    }
    if (status == STATUS_DONE)
        status = start_and_ask(options, &request);
    password_close(&password);
    return status;
}
