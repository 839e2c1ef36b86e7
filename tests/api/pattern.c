/* SPDX-License-Identifier: ISC */
/* The helpers of pattern.h. */
#include "pattern.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void await_beside(void *socket, short events, void *beside)
{
    const int64_t limit = now_ms() + DEADLINE_MS;
    zmq_pollitem_t items[] = {{socket, 0, events, 0}, {beside, 0, 0, 0}};
    do {
        assert_true(now_ms() < limit);
        assert_true(zmq_poll(items, 2, 5) >= 0);
        get_int(beside, ZMQ_EVENTS);
    } while (!items[0].revents);
}

void await_fd_beside(int fd, void *beside)
{
    const int64_t limit = now_ms() + DEADLINE_MS;
    zmq_pollitem_t items[] = {{NULL, fd, ZMQ_POLLIN, 0}, {beside, 0, 0, 0}};
    do {
        assert_true(now_ms() < limit);
        assert_true(zmq_poll(items, 2, 5) >= 0);
        get_int(beside, ZMQ_EVENTS);
    } while (!items[0].revents);
}

void bind_again(void *socket, const char *endpoint)
{
    const int64_t limit = now_ms() + DEADLINE_MS;
    while (zmq_bind(socket, endpoint) != 0) {
        assert_int_equal(errno, EADDRINUSE);
        assert_true(now_ms() < limit);
    }
}

int fill(void *socket, const char *text, int limit)
{
    int count = 0;
    while (count < limit && zmq_send(socket, text, strlen(text), ZMQ_DONTWAIT) >= 0)
        count++;
    if (count < limit)
        assert_int_equal(errno, EAGAIN);
    return count;
}

int drain(void *socket)
{
    char byte;
    int count = 0;
    while (zmq_recv(socket, &byte, 1, ZMQ_DONTWAIT) >= 0)
        if (!get_int(socket, ZMQ_RCVMORE))
            count++;
    assert_int_equal(errno, EAGAIN);
    return count;
}

static void change_subscription(void *subscriber, const char *topic, bool add)
{
    char message[ENDPOINT_MAX];
    if (get_int(subscriber, ZMQ_TYPE) == ZMQ_SUB) {
        set_bytes(subscriber, add ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE, topic, strlen(topic));
        return;
    }
    const int size = snprintf(message, sizeof message, "%c%s", add ? 1 : 2, topic);
    if (!add)
        message[0] = 0;
    send_bytes(subscriber, message, (size_t)size, 0);
}

void subscribe(void *subscriber, const char *topic)
{
    change_subscription(subscriber, topic, true);
}

void unsubscribe(void *subscriber, const char *topic)
{
    change_subscription(subscriber, topic, false);
}

void settle_subscriptions(void *publisher, void *subscriber)
{
    static unsigned serial;
    char topic[32];
    char last[40];
    char got[64];
    snprintf(topic, sizeof topic, "settle-%u-", serial++);
    snprintf(last, sizeof last, "%slast", topic);
    subscribe(subscriber, topic);
    const int64_t limit = now_ms() + DEADLINE_MS;
    zmq_pollitem_t item = {subscriber, 0, ZMQ_POLLIN, 0};
    do {
        assert_true(now_ms() < limit);
        send_str(publisher, topic);
    } while (zmq_poll(&item, 1, 2) == 0);
    send_str(publisher, last);
    do
        recv_str(subscriber, got, sizeof got);
    while (strcmp(got, last) != 0);
    unsubscribe(subscriber, topic);
}

void send_when_known(void *router, const char *id, const char *text)
{
    const int64_t limit = now_ms() + DEADLINE_MS;
    set_int(router, ZMQ_ROUTER_MANDATORY, 1);
    while (zmq_send(router, id, strlen(id), ZMQ_SNDMORE) < 0) {
        assert_int_equal(errno, EHOSTUNREACH);
        assert_true(now_ms() < limit);
        zmq_pollitem_t item = {router, 0, ZMQ_POLLIN, 0};
        zmq_poll(&item, 1, 1);
    }
    send_str(router, text);
}
