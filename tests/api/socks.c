/* SPDX-License-Identifier: ISC */
/* The helpers of socks.h. */
#include "socks.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void proxy_open(struct proxy *proxy, struct world *world)
{
    proxy->world = world;
    proxy->listener = raw_listen(world, proxy->endpoint);
    proxy->address = strstr(proxy->endpoint, "://") + 3;
}

void proxy_use(const struct proxy *proxy, void *socket)
{
    set_bytes(socket, ZMQ_SOCKS_PROXY, proxy->address, strlen(proxy->address));
}

int proxy_accept(const struct proxy *proxy)
{
    return raw_accept(proxy->world, proxy->listener);
}

void proxy_expect_request(int fd, const char *endpoint)
{
    const int port = atoi(strrchr(endpoint, ':') + 1);
    const uint8_t request[] = {5, 1, 0, 1, 127, 0, 0, 1, (uint8_t)(port >> 8), (uint8_t)port};

    raw_expect(fd, request, sizeof request);
}

void proxy_dialogue(int fd, const char *endpoint)
{
    hears(fd, HELLO);
    says(fd, NO_AUTH);
    proxy_expect_request(fd, endpoint);
    says(fd, DONE);
}

static bool pass(int from, int to)
{
    uint8_t buffer[16384];
    ssize_t size = read(from, buffer, sizeof buffer);

    for (ssize_t at = 0, done; at < size; at += done) {
        done = send(to, buffer + at, (size_t)(size - at), MSG_NOSIGNAL);
        if (done <= 0)
            return false;
    }
    return size > 0;
}

static void *forward_main(void *argument)
{
    const struct forward *forward = argument;
    bool open = true;

    while (open) {
        struct pollfd items[2] = {{forward->fds[0], POLLIN, 0}, {forward->fds[1], POLLIN, 0}};

        open = poll(items, 2, -1) > 0;
        for (int i = 0; i < 2; i++)
            if (open && items[i].revents)
                open = pass(forward->fds[i], forward->fds[1 - i]);
    }
    for (int i = 0; i < 2; i++)
        shutdown(forward->fds[i], SHUT_RDWR);
    return NULL;
}

void forward_start(struct forward *forward, const struct proxy *proxy, int fd, const char *endpoint)
{
    forward->fds[0] = fd;
    forward->fds[1] = raw_connect(proxy->world, endpoint);
    assert_int_equal(pthread_create(&forward->thread, NULL, forward_main, forward), 0);
}

void forward_stop(struct forward *forward)
{
    for (int i = 0; i < 2; i++)
        shutdown(forward->fds[i], SHUT_RDWR);
    assert_int_equal(pthread_join(forward->thread, NULL), 0);
}
