/* SPDX-License-Identifier: ISC */
/* What SUB and XSUB share. */
#include "pattern/subscribe.h"

int ih_subscribe_init(struct ih_socket *socket)
{
    struct ih_subscribe *sub = socket->pattern_state;

    ih_trie_init(&sub->topics);
    ih_fair_init(&sub->fair);
    ih_dist_init(&sub->dist);
    socket->opt.linger = 0;
    return 0;
}

void ih_subscribe_fini(struct ih_socket *socket)
{
    struct ih_subscribe *sub = socket->pattern_state;

    ih_trie_fini(&sub->topics);
}

void ih_subscribe_detach(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct ih_subscribe *sub = socket->pattern_state;

    ih_fair_remove(&sub->fair, pipe);
    ih_dist_remove(pipe);
}

void ih_subscribe_readable(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct ih_subscribe *sub = socket->pattern_state;

    ih_fair_add(&sub->fair, pipe);
}

void ih_subscribe_writable(struct ih_socket *socket, struct ih_pipe *pipe)
{
    (void)socket;
    (void)pipe;
}

/* --- subscriptions ---------------------------------------------------------------------------------------------- */

/* One who is told all topics, and how that went. */
struct telling {
    struct ih_pipe *pipe;
    int rc;
};

static void tell_topic(const void *topic, size_t size, void *arg)
{
    struct telling *telling = arg;
    struct ih_msg msg;

    if (telling->rc == 0)
        telling->rc = ih_msg_init_copy(&msg, topic, size);
    if (telling->rc < 0)
        return;
    msg.kind = IH_MSG_SUBSCRIBE;
    telling->rc = ih_pipe_force(telling->pipe, &msg);
    ih_msg_close(&msg);
}

/* Each new connection is told all topics: whoever is there now may never have heard of us. -ENOMEM. */
static int tell_topics(struct ih_subscribe *sub, struct ih_pipe *pipe)
{
    struct telling telling = {pipe, 0};

    ih_trie_each(&sub->topics, tell_topic, &telling);
    return telling.rc;
}

/* What is sent before there is a connection waits for it, in order: subscriptions among an XSUB's other messages. */
int ih_subscribe_attach(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct ih_subscribe *sub = socket->pattern_state;

    return pipe->fresh ? tell_topics(sub, pipe) : 0;
}

void ih_subscribe_connected(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct ih_subscribe *sub = socket->pattern_state;

    if (!pipe->fresh && tell_topics(sub, pipe) < 0)
        pipe->untold = true;
}

/* Tells all publishers that are connected or will be for the first time; the others are told when they are again. */
static int tell_all(struct ih_socket *socket, enum ih_msg_kind kind, const void *topic, size_t size)
{
    struct ih_msg msg, copy;
    int rc = ih_msg_init_copy(&msg, topic, size);

    if (rc < 0)
        return rc;
    msg.kind = (uint8_t)kind;
    IH_LIST_EACH_SAFE(link, next, &socket->pipes) {
        struct ih_pipe *pipe = IH_CONTAINER(link, struct ih_pipe, node);

        if (!pipe->attached || !(pipe->up || pipe->fresh) || rc < 0)
            continue;
        ih_msg_share(&copy, &msg);
        rc = ih_pipe_force(pipe, &copy);
        ih_msg_close(&copy);
    }
    ih_msg_close(&msg);
    return rc;
}

/* As libzmq: a repeated subscription is told again (an XPUB may ask to hear of it), a cancellation only when it is the last
 * one; one of a topic that was not subscribed to is nothing. */
int ih_subscribe_change(struct ih_socket *socket, bool subscribe, const void *topic, size_t size, bool tell)
{
    struct ih_subscribe *sub = socket->pattern_state;
    int change;

    if (subscribe)
        change = ih_trie_add(&sub->topics, topic, size, sub);
    else
        change = ih_trie_remove(&sub->topics, topic, size, sub);
    if (change < 0)
        return change == -ENOENT ? 0 : change;
    if (!tell || (!subscribe && change != IH_TRIE_KEY))
        return 0;
    return tell_all(socket, subscribe ? IH_MSG_SUBSCRIBE : IH_MSG_CANCEL, topic, size);
}

/* --- receiving -------------------------------------------------------------------------------------------------- */

/* A publisher's filter may lag behind ours, or be wider: what comes is filtered again. */
static bool matches(struct ih_socket *socket, struct ih_msg *msg)
{
    const struct ih_subscribe *sub = socket->pattern_state;

    return ih_trie_check(&sub->topics, ih_msg_data(msg), ih_msg_size(msg)) != (socket->opt.invert_matching != 0);
}

static void skip_message(struct ih_subscribe *sub)
{
    struct ih_msg msg;
    bool more = true;

    while (more && ih_fair_recv(&sub->fair, &msg, NULL) == 0) {
        more = ih_msg_more(&msg);
        ih_msg_close(&msg);
    }
}

bool ih_subscribe_can_recv(struct ih_socket *socket)
{
    struct ih_subscribe *sub = socket->pattern_state;
    struct ih_pipe *pipe;

    while ((pipe = ih_fair_next(&sub->fair))) {
        if (sub->receiving || matches(socket, ih_pipe_peek(pipe)))
            return true;
        skip_message(sub);
    }
    return false;
}

int ih_subscribe_recv(struct ih_socket *socket, struct ih_msg *msg)
{
    struct ih_subscribe *sub = socket->pattern_state;
    int rc;

    if (!ih_subscribe_can_recv(socket))
        return -EAGAIN;
    rc = ih_fair_recv(&sub->fair, msg, NULL);
    if (rc == 0)
        sub->receiving = ih_msg_more(msg);
    return rc;
}
