/* SPDX-License-Identifier: ISC */
/*
 * The socket below libldap. Left to itself, libldap reads from a socket that blocks, or goes round in circles while a TLS
 * handshake waits, and is killed by SIGPIPE: a server that stops in the middle of an answer would hold the caller for
 * ever. So it connects here, reads and writes here, and every wait ends at the deadline.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openldap.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "auth/backends/ldap.h"

/* --- connecting --------------------------------------------------------------------------------------------------- */

/* 0, or -EAGAIN: the time is over. */
static int wait_for(const struct auth_ldap_link *link, int fd, short events)
{
    struct pollfd item = {.fd = fd, .events = events};
    int64_t left;
    int ready;

    do {
        left = link->deadline - auth_ldap_now();
        ready = left > 0 ? poll(&item, 1, (int)left) : 0;
    } while (ready < 0 && errno == EINTR);
    return ready == 1 ? 0 : -EAGAIN;
}

static void set_limits(int fd, int timeout)
{
    const int on = 1, idle = 2, interval = 1, probes = 3;

    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof timeout);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static int finish_connect(const struct auth_ldap_link *link, int fd)
{
    int error = 0;
    socklen_t size = sizeof error;
    int rc = wait_for(link, fd, POLLOUT);

    if (!rc && (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error))
        rc = -EAGAIN;
    return rc;
}

/* Returns the descriptor. */
static int dial(const struct auth_ldap_link *link, const struct sockaddr *address, socklen_t size)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int rc = -EAGAIN;

    if (fd < 0)
        return -EAGAIN;
    if (address->sa_family != AF_UNIX)
        set_limits(fd, link->backend->timeout);
    if (connect(fd, address, size) == 0)
        return fd;
    if (errno == EINPROGRESS)
        rc = finish_connect(link, fd);
    if (!rc)
        return fd;
    (void)close(fd);
    return rc;
}

static int dial_unix(const struct auth_ldap_link *link)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = link->backend->url->lud_host;

    if (strlen(path) >= sizeof address.sun_path)
        return -EAGAIN;
    memcpy(address.sun_path, path, strlen(path) + 1);
    return dial(link, (const struct sockaddr *)&address, sizeof address);
}

static int dial_tcp(const struct auth_ldap_link *link)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
    struct addrinfo *list;
    char port[12];
    int rc = -EAGAIN;

    (void)snprintf(port, sizeof port, "%d", link->backend->url->lud_port);
    if (getaddrinfo(link->backend->url->lud_host, port, &hints, &list) != 0)
        return -EAGAIN;
    for (const struct addrinfo *at = list; rc < 0 && at && auth_ldap_now() < link->deadline; at = at->ai_next)
        rc = dial(link, at->ai_addr, at->ai_addrlen);
    freeaddrinfo(list);
    return rc;
}

/* --- reading and writing ------------------------------------------------------------------------------------------ */

static int set_up(Sockbuf_IO_Desc *layer, void *arg)
{
    layer->sbiod_pvt = arg;
    return 0;
}

static int remove_link(Sockbuf_IO_Desc *layer)
{
    layer->sbiod_pvt = NULL;
    return 0;
}

/* 0: nothing is known here. */
static int control(Sockbuf_IO_Desc *layer, int option, void *arg)
{
    (void)layer;
    (void)option;
    (void)arg;
    return 0;
}

/* Is it to be tried again? Sets errno if not. In a handshake each octet may come by itself, hence the time each time. */
static bool try_again(const struct auth_ldap_link *link, short events)
{
    if (errno == EINTR)
        return true;
    if (errno != EAGAIN || !link->waits)
        return false;
    if (wait_for(link, link->fd, events) == 0)
        return true;
    errno = ETIMEDOUT;
    return false;
}

static ber_slen_t read_some(Sockbuf_IO_Desc *layer, void *octets, ber_len_t size)
{
    const struct auth_ldap_link *link = layer->sbiod_pvt;
    ssize_t got;

    if (link->waits && auth_ldap_now() >= link->deadline) {
        errno = ETIMEDOUT;
        return -1;
    }
    do
        got = recv(link->fd, octets, size, MSG_DONTWAIT);
    while (got < 0 && try_again(link, POLLIN));
    return got;
}

static ber_slen_t write_some(Sockbuf_IO_Desc *layer, void *octets, ber_len_t size)
{
    const struct auth_ldap_link *link = layer->sbiod_pvt;
    ssize_t got;

    do
        got = send(link->fd, octets, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (got < 0 && try_again(link, POLLOUT));
    return got;
}

static int close_socket(Sockbuf_IO_Desc *layer)
{
    struct auth_ldap_link *link = layer->sbiod_pvt;

    if (link->fd >= 0)
        (void)close(link->fd);
    link->fd = -1;
    return 0;
}

static Sockbuf_IO layer = {
    .sbi_setup = set_up,
    .sbi_remove = remove_link,
    .sbi_ctrl = control,
    .sbi_read = read_some,
    .sbi_write = write_some,
    .sbi_close = close_socket,
};

int auth_ldap_dial(struct auth_ldap_link *link)
{
    int fd = link->backend->transport == AUTH_LDAP_UNIX ? dial_unix(link) : dial_tcp(link);
    Sockbuf *sockbuf = NULL;

    if (fd < 0)
        return fd;
    if (ldap_init_fd(fd, LDAP_PROTO_EXT, link->backend->uri, &link->ld) != LDAP_SUCCESS) {
        (void)close(fd);
        link->ld = NULL;
        return -ENOMEM;
    }
    link->fd = fd;
    if (ldap_get_option(link->ld, LDAP_OPT_SOCKBUF, &sockbuf) == 0 && sockbuf &&
        ber_sockbuf_add_io(sockbuf, &layer, LBER_SBIOD_LEVEL_PROVIDER, link) == 0)
        return 0;
    auth_ldap_link_drop(link);
    if (link->fd >= 0)
        (void)close(link->fd);
    link->fd = -1;
    return -ENOMEM;
}
