/* SPDX-License-Identifier: ISC */
/* ironauth_curve_server(3), ironauth_curve_client(3). */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "auth/engine.h"
#include "auth/error.h"
#include "auth/setup.h"

#define DOMAIN "domain:"

/* ---- both ---- */

static int fail_socket(int rc)
{
    if (rc == -EBUSY)
        return auth_error_set(rc, "the socket was bound or connected before");
    if (rc == -ENOTSUP)
        return auth_error_set(rc, "this libzmq has no CURVE");
    return auth_error_set(rc, "socket: %s", zmq_strerror(-rc));
}

static int load_own(const char *file, struct auth_setup *setup)
{
    curve_cert_t *cert = curve_cert_load(file);
    int error = errno;

    if (!cert)
        return auth_error_set(-error, "%s: %s", file, error == EINVAL ? "no certificate" : strerror(error));
    if (!curve_cert_secret_key(cert)) {
        curve_cert_destroy(&cert);
        return auth_error_set(-EINVAL, "%s: the certificate has no secret key, nor is there %s_secret", file, file);
    }
    memcpy(setup->public_key, curve_cert_public_key(cert), CURVE_KEY_SIZE);
    memcpy(setup->secret_key, curve_cert_secret_key(cert), CURVE_KEY_SIZE);
    curve_cert_destroy(&cert);
    return 0;
}

/* ---- the server ---- */

static int use_folder(struct ironauth *auth, const char *folder, char *domain)
{
    const char *why = NULL;
    int rc = auth_lists_add_folder(auth, folder, domain, &why);

    if (rc == -ENOENT && *folder && !strchr(folder, '/'))
        return auth_error_set(rc, "%s: there is no such folder; a domain of the configuration is " DOMAIN "%s", folder,
                              folder);
    return rc ? auth_error_set(rc, "%s: %s", folder, why ? why : strerror(-rc)) : 0;
}

static int use_domain(struct ironauth *auth, const char *name, char *domain)
{
    if (!*name || strlen(name) > AUTH_TEXT_MAX)
        return auth_error_set(-EINVAL, "a domain's name has 1 to %d octets", AUTH_TEXT_MAX);
    if (!auth_engine_opens(auth, name, AUTH_MECHANISM_CURVE))
        return auth_error_set(-EINVAL, "the configuration lets nobody into the domain '%s' by CURVE", name);
    (void)snprintf(domain, AUTH_TEXT_MAX + 1, "%s", name);
    return 0;
}

/* Who may: installed before the socket is touched. */
static int use_clients(struct ironauth *auth, const char *clients, char *domain)
{
    if (strcmp(clients, IRONAUTH_EVERYONE) == 0) {
        auth_lists_add_everyone(auth, domain);
        return 0;
    }
    if (strncmp(clients, DOMAIN, strlen(DOMAIN)) == 0)
        return use_domain(auth, clients + strlen(DOMAIN), domain);
    return use_folder(auth, clients, domain);
}

static int setup_server(struct ironauth *auth, void *socket, const char *certificate, const char *clients)
{
    struct auth_setup setup = {.mechanism = ZMQ_CURVE, .server = true};
    int rc = auth_setup_ready(socket, ZMQ_CURVE);

    if (rc)
        return fail_socket(rc);
    rc = load_own(certificate, &setup);
    if (rc == 0)
        rc = use_clients(auth, clients, setup.domain);
    if (rc == 0) {
        rc = auth_setup_apply(socket, &setup);
        if (rc)
            rc = fail_socket(rc);
    }
    sodium_memzero(&setup, sizeof(setup));
    return rc;
}

int ironauth_curve_server(ironauth_t *auth, void *socket, const char *certificate, const char *clients)
{
    int rc;

    if (!auth || !socket || !certificate || !clients)
        return auth_error_set(-EFAULT, "an argument is NULL");
    rc = auth_engine_enter(auth);
    if (rc)
        return auth_error_set(rc, "the authenticator is being stopped");
    (void)pthread_mutex_lock(&auth->setup);
    rc = setup_server(auth, socket, certificate, clients);
    (void)pthread_mutex_unlock(&auth->setup);
    auth_engine_leave(auth);
    return rc;
}

/* ---- the client ---- */

/* A path may look like a key, '/' and '.' being of Z85 as well. If it does, and there is such a file, it is not for us to
 * guess: whoever can make files here could choose the server. */
static int find_server_key(const char *server, uint8_t *key)
{
    uint8_t decoded[CURVE_KEY_SIZE];
    curve_cert_t *cert;
    int error;

    if (strlen(server) == CURVE_KEY_TEXT - 1 && zmq_z85_decode(decoded, server)) {
        if (access(server, F_OK) == 0)
            return auth_error_set(
                -EINVAL, "'%s' is a key and a file: write ./ before a file's name, or // for its first /", server);
        memcpy(key, decoded, sizeof(decoded));
        return 0;
    }
    cert = curve_cert_load_public(server);
    error = errno;
    if (!cert)
        return auth_error_set(-error, "%s: %s", server,
                              error == EINVAL ? "neither a key nor a certificate" : strerror(error));
    memcpy(key, curve_cert_public_key(cert), CURVE_KEY_SIZE);
    curve_cert_destroy(&cert);
    return 0;
}

static int make_own(struct auth_setup *setup)
{
    curve_cert_t *cert = curve_cert_new();

    if (!cert)
        return auth_error_set(-errno, "no key pair: %s", strerror(errno));
    memcpy(setup->public_key, curve_cert_public_key(cert), CURVE_KEY_SIZE);
    memcpy(setup->secret_key, curve_cert_secret_key(cert), CURVE_KEY_SIZE);
    curve_cert_destroy(&cert);
    return 0;
}

int ironauth_curve_client(void *socket, const char *certificate, const char *server)
{
    struct auth_setup setup = {.mechanism = ZMQ_CURVE, .server = false};
    int rc;

    if (!socket || !server)
        return auth_error_set(-EFAULT, "an argument is NULL");
    rc = auth_setup_ready(socket, ZMQ_CURVE);
    if (rc)
        return fail_socket(rc);
    rc = find_server_key(server, setup.server_key);
    if (rc == 0)
        rc = certificate ? load_own(certificate, &setup) : make_own(&setup);
    if (rc == 0) {
        rc = auth_setup_apply(socket, &setup);
        if (rc)
            rc = fail_socket(rc);
    }
    sodium_memzero(&setup, sizeof(setup));
    return rc;
}
