/* SPDX-License-Identifier: ISC */
/* Command serve: the central service that other machines ask. */
#include <errno.h>
#include <ironauth.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "auth/engine.h"
#include "auth/serve.h"
#include "ironauth/commands.h"
#include "ironauth/out.h"

/* In JSON for programs that wait for the endpoint; in any case a whole line, at once. */
static void print_endpoint(const struct options *options, const char *endpoint)
{
    if (options->json) {
        (void)fputs("{\"ok\": true, \"endpoint\": ", stdout);
        out_string(endpoint);
        (void)fputs("}\n", stdout);
    } else {
        (void)printf("serving %s\n", endpoint);
    }
    (void)fflush(stdout);
}

static void reload(ironauth_t *auth)
{
    char line[600];

    if (ironauth_reload(auth) == 0) {
        out_complain("the configuration was read again");
        return;
    }
    (void)snprintf(line, sizeof line, "the old configuration stays: %s", ironauth_error());
    out_complain(line);
}

static void rotate(ironauth_t *auth)
{
    char line[100];
    int rc = auth_audit_rotate(auth);

    (void)snprintf(line, sizeof line, "the audit: %s", rc ? strerror(-rc) : "its file was opened again");
    out_complain(line);
}

static void wait_for_end(ironauth_t *auth, const sigset_t *signals)
{
    int number = 0;

    while (number != SIGTERM && number != SIGINT) {
        number = sigwaitinfo(signals, NULL);
        if (number == SIGHUP)
            reload(auth);
        else if (number == SIGUSR1)
            rotate(auth);
    }
}

static enum status serve(const struct options *options, void *context, const sigset_t *signals)
{
    char endpoint[256];
    ironauth_t *auth = ironauth_start(context, options->config);
    enum status status = STATUS_DONE;

    if (!auth || auth_serve_start(auth, context, endpoint) != 0) {
        status = out_failed(options, errno == EINVAL || errno == ENOENT ? STATUS_USAGE : STATUS_FAILED, "%s",
                            ironauth_error());
    } else {
        print_endpoint(options, endpoint);
        wait_for_end(auth, signals);
    }
    ironauth_stop(&auth);
    return status;
}

/* All threads are started with the signals held back: they are this thread's, between two things that it does. */
enum status command_serve(const struct options *options)
{
    sigset_t signals;
    void *context;
    enum status status;

    if (!options->config)
        return out_usage(options, "which configuration? -c FILE");
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGHUP);
    (void)sigaddset(&signals, SIGUSR1);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    context = zmq_ctx_new();
    if (!context)
        return out_failed(options, STATUS_FAILED, "%s", strerror(errno));
    status = serve(options, context, &signals);
    (void)zmq_ctx_term(context);
    return status;
}
