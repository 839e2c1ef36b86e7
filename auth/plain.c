/* SPDX-License-Identifier: ISC */
/* ironauth_null_server(3), ironauth_plain_server(3). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "auth/engine.h"
#include "auth/error.h"
#include "auth/setup.h"

static int setup_server(struct ironauth *auth, void *socket, const char *domain, int mechanism)
{
    struct auth_setup setup = {.mechanism = mechanism, .server = true};
    const bool plain = mechanism == ZMQ_PLAIN;
    int rc = auth_setup_ready(socket, mechanism);

    if (rc == -EBUSY)
        return auth_error_set(rc, "the socket was bound or connected before");
    if (rc == -EALREADY)
        return auth_error_set(rc, "the socket has another mechanism already");
    if (rc)
        return auth_error_set(rc, "socket: %s", zmq_strerror(-rc));
    if (!*domain || strlen(domain) > AUTH_TEXT_MAX)
        return auth_error_set(-EINVAL, "a domain's name has 1 to %d octets", AUTH_TEXT_MAX);
    if (!auth_engine_opens(auth, domain, plain ? AUTH_MECHANISM_PLAIN : AUTH_MECHANISM_NULL))
        return auth_error_set(-EINVAL, "the configuration lets nobody into the domain '%s' by %s", domain,
                              plain ? "PLAIN" : "NULL");
    (void)snprintf(setup.domain, sizeof(setup.domain), "%s", domain);
    rc = auth_setup_apply(socket, &setup);
    return rc ? auth_error_set(rc, "socket: %s", zmq_strerror(-rc)) : 0;
}

static int enter(struct ironauth *auth, void *socket, const char *domain, int mechanism)
{
    int rc;

    if (!auth || !socket || !domain)
        return auth_error_set(-EFAULT, "an argument is NULL");
    rc = auth_engine_enter(auth);
    if (rc)
        return auth_error_set(rc, "the authenticator is being stopped");
    (void)pthread_mutex_lock(&auth->setup);
    rc = setup_server(auth, socket, domain, mechanism);
    (void)pthread_mutex_unlock(&auth->setup);
    auth_engine_leave(auth);
    return rc;
}

int ironauth_null_server(ironauth_t *auth, void *socket, const char *domain)
{
    return enter(auth, socket, domain, ZMQ_NULL);
}

int ironauth_plain_server(ironauth_t *auth, void *socket, const char *domain)
{
    return enter(auth, socket, domain, ZMQ_PLAIN);
}
