/* SPDX-License-Identifier: ISC */
#include "liar.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { DRIP = 5 /* ms between two octets: it is what such a server is about */ };

bool liar_read(int fd, void *octets, size_t size)
{
    for (size_t have = 0; have < size;) {
        ssize_t got = recv(fd, (uint8_t *)octets + have, size - have, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        have += (size_t)got;
    }
    return true;
}

bool liar_write(int fd, const void *octets, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = send(fd, (const uint8_t *)octets + done, size - done, MSG_NOSIGNAL);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

void liar_wait(int fd)
{
    uint8_t octets[1024];
    ssize_t got;

    do
        got = recv(fd, octets, sizeof octets, 0);
    while (got > 0 || (got < 0 && errno == EINTR));
}

void liar_noise(int fd, unsigned seed)
{
    uint8_t octets[256];

    for (size_t i = 0; i < sizeof octets; i++) {
        seed = seed * 1103515245u + 12345u;
        octets[i] = (uint8_t)(seed >> 16);
    }
    if (liar_write(fd, octets, sizeof octets))
        liar_wait(fd);
}

void liar_drip(int fd, const void *octets, size_t size)
{
    struct pollfd item = {.fd = fd, .events = POLLRDHUP};

    for (size_t i = 0; liar_write(fd, (const uint8_t *)octets + i % size, 1); i++) {
        if (poll(&item, 1, DRIP) > 0)
            return;
    }
}

static void *talk(void *arg)
{
    struct liar_connection *connection = arg;

    connection->liar->talk(connection->fd, connection->liar->arg);
    (void)shutdown(connection->fd, SHUT_RDWR);
    return NULL;
}

/* Who comes when there is no room is not served. */
static void *serve(void *arg)
{
    struct liar *liar = arg;
    int fd;

    while ((fd = accept(liar->listener, NULL, NULL)) >= 0) {
        struct liar_connection *connection = &liar->connections[liar->count];

        if (liar->count == LIAR_CONNECTIONS) {
            (void)close(fd);
            continue;
        }
        *connection = (struct liar_connection){.liar = liar, .fd = fd};
        if (pthread_create(&connection->thread, NULL, talk, connection) == 0)
            liar->count++;
        else
            (void)close(fd);
    }
    return NULL;
}

static void listen_unix(struct liar *liar, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    assert_true(strlen(path) < sizeof address.sun_path);
    strcpy(address.sun_path, path);
    liar->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(liar->listener, (const struct sockaddr *)&address, sizeof address), 0);
}

static void listen_tcp(struct liar *liar)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;

    liar->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(liar->listener, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(liar->listener, (struct sockaddr *)&address, &size), 0);
    liar->port = ntohs(address.sin_port);
}

void liar_begin(struct liar *liar, const char *path, liar_fn *fn, void *arg)
{
    *liar = (struct liar){.talk = fn, .arg = arg};
    if (path)
        listen_unix(liar, path);
    else
        listen_tcp(liar);
    assert_int_equal(listen(liar->listener, 16), 0);
    assert_int_equal(pthread_create(&liar->thread, NULL, serve, liar), 0);
}

void liar_end(struct liar *liar)
{
    (void)shutdown(liar->listener, SHUT_RDWR);
    assert_int_equal(pthread_join(liar->thread, NULL), 0);
    (void)close(liar->listener);
    for (int i = 0; i < liar->count; i++) {
        (void)shutdown(liar->connections[i].fd, SHUT_RDWR);
        assert_int_equal(pthread_join(liar->connections[i].thread, NULL), 0);
        (void)close(liar->connections[i].fd);
    }
}
