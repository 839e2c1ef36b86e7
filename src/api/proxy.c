/* SPDX-License-Identifier: ISC */
/* zmq_proxy, zmq_proxy_steerable, zmq_device. */
#include <stdbool.h>
#include <string.h>
#include <zmq.h>

#include "api/error.h"

enum { BURST = 1000 }; /* messages forwarded one way before the other is looked at */

/* What zmq_proxy_steerable's STATISTICS tells of one side. */
struct side {
    void *socket;
    uint64_t received_messages, received_octets;
    uint64_t sent_messages, sent_octets;
};

/* One call. Owner: its stack. */
struct proxy {
    struct side front, back;
    void *capture, *control;
    bool paused, terminated;
};

static int capture(struct proxy *proxy, zmq_msg_t *msg, int more)
{
    zmq_msg_t copy;
    int rc;

    if (!proxy->capture)
        return 0;
    (void)zmq_msg_init(&copy);
    rc = zmq_msg_copy(&copy, msg);
    if (rc == 0)
        rc = zmq_msg_send(&copy, proxy->capture, more ? ZMQ_SNDMORE : 0);
    (void)zmq_msg_close(&copy);
    return rc < 0 ? rc : 0;
}

/* The remaining frames of a message that has begun. */
static int forward_frames(struct proxy *proxy, struct side *from, struct side *to, zmq_msg_t *msg)
{
    int more;

    do {
        size_t size = zmq_msg_size(msg);

        more = zmq_msg_more(msg);
        if (capture(proxy, msg, more) < 0 || zmq_msg_send(msg, to->socket, more ? ZMQ_SNDMORE : 0) < 0)
            return -1;
        from->received_octets += size;
        to->sent_octets += size;
        if (more && zmq_msg_recv(msg, from->socket, 0) < 0)
            return -1;
    } while (more);
    from->received_messages++;
    to->sent_messages++;
    return 0;
}

static int forward(struct proxy *proxy, struct side *from, struct side *to)
{
    int rc = 0;

    for (int i = 0; i < BURST && rc == 0; i++) {
        zmq_pollitem_t out = {to->socket, 0, ZMQ_POLLOUT, 0};
        zmq_msg_t msg;

        if (i && from->socket != to->socket && zmq_poll(&out, 1, 0) <= 0)
            break;
        (void)zmq_msg_init(&msg);
        if (zmq_msg_recv(&msg, from->socket, ZMQ_DONTWAIT) < 0) {
            rc = zmq_errno() == EAGAIN ? 1 : -1;
        } else {
            rc = forward_frames(proxy, from, to, &msg);
        }
        (void)zmq_msg_close(&msg);
    }
    return rc < 0 ? -1 : 0;
}

/* --- steering ---------------------------------------------------------------------------------------------------- */

static int send_statistics(struct proxy *proxy)
{
    const uint64_t numbers[] = {
        proxy->front.received_messages, proxy->front.received_octets,  proxy->front.sent_messages,
        proxy->front.sent_octets,       proxy->back.received_messages, proxy->back.received_octets,
        proxy->back.sent_messages,      proxy->back.sent_octets,
    };
    enum { COUNT = sizeof(numbers) / sizeof(numbers[0]) };

    for (int i = 0; i < COUNT; i++)
        if (zmq_send(proxy->control, &numbers[i], sizeof(numbers[i]), i < COUNT - 1 ? ZMQ_SNDMORE : 0) < 0)
            return -1;
    return 0;
}

static bool is(const char *command, int size, const char *name)
{
    return size == (int)strlen(name) && memcmp(command, name, strlen(name)) == 0;
}

/* A command from the control socket; a REP gets its reply. */
static int steer(struct proxy *proxy)
{
    char command[32];
    int type, more = 0, size = zmq_recv(proxy->control, command, sizeof(command), 0);
    size_t length = sizeof(type);

    if (size < 0)
        return -1;
    if (zmq_getsockopt(proxy->control, ZMQ_RCVMORE, &more, &length) < 0)
        return -1;
    if (is(command, size, "STATISTICS"))
        return send_statistics(proxy);
    if (is(command, size, "PAUSE"))
        proxy->paused = true;
    else if (is(command, size, "RESUME"))
        proxy->paused = false;
    else if (is(command, size, "TERMINATE"))
        proxy->terminated = true;
    length = sizeof(type);
    if (zmq_getsockopt(proxy->control, ZMQ_TYPE, &type, &length) < 0)
        return -1;
    return type == ZMQ_REP && zmq_send(proxy->control, "", 0, 0) < 0 ? -1 : 0;
}

/* --- the loop ---------------------------------------------------------------------------------------------------- */

/* What is waited for: input, or, where input is there and cannot go on, room for it at the other side. */
static int wait_items(struct proxy *proxy, zmq_pollitem_t items[3], bool front_in, bool back_in)
{
    bool one = proxy->front.socket == proxy->back.socket;

    items[0] = (zmq_pollitem_t){proxy->front.socket, 0, 0, 0};
    items[1] = (zmq_pollitem_t){proxy->back.socket, 0, 0, 0};
    items[2] = (zmq_pollitem_t){proxy->control, 0, ZMQ_POLLIN, 0};
    if (!proxy->paused) {
        items[0].events = (short)((front_in ? 0 : ZMQ_POLLIN) | (back_in ? ZMQ_POLLOUT : 0));
        items[1].events = (short)((back_in || one ? 0 : ZMQ_POLLIN) | (front_in ? ZMQ_POLLOUT : 0));
    }
    return proxy->control ? 3 : 2;
}

static int look(struct proxy *proxy, bool *front_in, bool *back_in, bool *front_out, bool *back_out)
{
    zmq_pollitem_t items[2] = {
        {proxy->front.socket, 0, ZMQ_POLLIN | ZMQ_POLLOUT, 0},
        {proxy->back.socket, 0, ZMQ_POLLIN | ZMQ_POLLOUT, 0},
    };

    if (zmq_poll(items, 2, 0) < 0)
        return -1;
    *front_in = (items[0].revents & ZMQ_POLLIN) != 0;
    *back_in = (items[1].revents & ZMQ_POLLIN) != 0 && proxy->front.socket != proxy->back.socket;
    *front_out = (items[0].revents & ZMQ_POLLOUT) != 0;
    /* One socket in both roles may be a REP, which can send only once it has received. */
    *back_out = (items[1].revents & ZMQ_POLLOUT) != 0 || proxy->front.socket == proxy->back.socket;
    return 0;
}

static int run(struct proxy *proxy)
{
    bool front_in = false, back_in = false, front_out = false, back_out = false;

    while (!proxy->terminated) {
        zmq_pollitem_t items[3];
        int count = wait_items(proxy, items, front_in, back_in);

        if (zmq_poll(items, count, -1) < 0)
            return -1;
        if (count == 3 && items[2].revents && steer(proxy) < 0)
            return -1;
        front_in = back_in = false;
        if (proxy->paused || proxy->terminated)
            continue;
        if (look(proxy, &front_in, &back_in, &front_out, &back_out) < 0)
            return -1;
        if (front_in && back_out) {
            if (forward(proxy, &proxy->front, &proxy->back) < 0)
                return -1;
            front_in = false;
        }
        if (back_in && front_out) {
            if (forward(proxy, &proxy->back, &proxy->front) < 0)
                return -1;
            back_in = false;
        }
    }
    return 0;
}

int zmq_proxy_steerable(void *frontend, void *backend, void *capture_socket, void *control)
{
    struct proxy proxy = {
        .front.socket = frontend,
        .back.socket = backend,
        .capture = capture_socket,
        .control = control,
    };

    if (!frontend || !backend)
        return ih_api_fail(EFAULT);
    return run(&proxy);
}

int zmq_proxy(void *frontend, void *backend, void *capture_socket)
{
    return zmq_proxy_steerable(frontend, backend, capture_socket, NULL);
}

int zmq_device(int type, void *frontend, void *backend)
{
    (void)type; /* all three do the same */
    return zmq_proxy(frontend, backend, NULL);
}
