/* SPDX-License-Identifier: ISC */
/* What PUB and XPUB share. */
#include "pattern/publish.h"

#include <stdlib.h>

#include "pattern/flag.h"
#include <zmq.h>

int ih_publish_init(struct ih_socket *socket)
{
    struct ih_publish *pub = socket->pattern_state;

    ih_trie_init(&pub->topics);
    ih_dist_init(&pub->dist);
    ih_notices_init(&pub->notices);
    ih_list_init(&pub->waiting);
    ih_msg_init(&pub->welcome);
    return 0;
}

void ih_publish_fini(struct ih_socket *socket)
{
    struct ih_publish *pub = socket->pattern_state;

    ih_notices_clear(&pub->notices);
    ih_trie_fini(&pub->topics);
    ih_msg_close(&pub->welcome);
}

/* --- subscriptions ---------------------------------------------------------------------------------------------- */

/* A subscriber counts its own subscriptions and cancels once (RFC 29): repetitions are not counted here. What changed,
 * or -ENOMEM. */
static int add_once(struct ih_trie *trie, const void *topic, size_t size, struct ih_pipe *pipe)
{
    int change = ih_trie_add(trie, topic, size, pipe);

    if (change == IH_TRIE_COUNTED)
        (void)ih_trie_remove(trie, topic, size, pipe);
    return change;
}

/* The topics that the peer itself asked for, made when it is first needed; NULL without memory. */
static struct ih_trie *wanted_topics(struct ih_pipe *pipe)
{
    struct ih_trie *wanted = pipe->data;

    if (wanted)
        return wanted;
    wanted = malloc(sizeof *wanted);
    if (wanted)
        ih_trie_init(wanted);
    pipe->data = wanted;
    return wanted;
}

/* Notes what the peer asks for. What changed, -ENOENT or -ENOMEM. */
static int note_wanted(struct ih_pipe *pipe, bool subscribe, const void *topic, size_t size)
{
    struct ih_trie *wanted = wanted_topics(pipe);

    if (!wanted)
        return -ENOMEM;
    return subscribe ? add_once(wanted, topic, size, pipe) : ih_trie_remove(wanted, topic, size, pipe);
}

/* The application hears of what each peer asks for, not only of the first and the last. */
static bool tells_each(const struct ih_publish *pub)
{
    return pub->manual || pub->verboser;
}

static int notify(struct ih_publish *pub, struct ih_pipe *pipe, enum ih_news news, const void *topic, size_t size)
{
    if (pub->silent)
        return 0;
    ih_socket_changed(pipe->socket);
    return ih_notices_topic(&pub->notices, pipe, pub->tracks, tells_each(pub), news, topic, size);
}

static enum ih_news news_of(bool subscribe, bool first)
{
    if (!subscribe)
        return IH_NEWS_END;
    return first ? IH_NEWS_FIRST : IH_NEWS_AGAIN;
}

/* ZMQ_XPUB_MANUAL: the application hears everything and decides. *news: what there is to hear. */
static int change_manually(struct ih_pipe *pipe, bool subscribe, const void *topic, size_t size, enum ih_news *news)
{
    int change = note_wanted(pipe, subscribe, topic, size);

    *news = change >= 0 ? news_of(subscribe, change != IH_TRIE_COUNTED) : IH_NEWS_NONE;
    return change == -ENOMEM ? change : 0;
}

static int change_topics(struct ih_publish *pub, struct ih_pipe *pipe, bool subscribe, const void *topic, size_t size,
                         enum ih_news *news)
{
    int change, wanted = IH_TRIE_KEY; /* unless it is noted */

    *news = IH_NEWS_NONE;
    if (pub->verboser && !pub->silent)
        wanted = note_wanted(pipe, subscribe, topic, size);
    if (wanted == -ENOMEM)
        return wanted;
    if (subscribe)
        change = add_once(&pub->topics, topic, size, pipe);
    else
        change = ih_trie_remove(&pub->topics, topic, size, pipe);
    if (change < 0)
        return change == -ENOENT ? 0 : change;
    if (pub->verboser)
        *news = news_of(subscribe, wanted != IH_TRIE_COUNTED && change != IH_TRIE_COUNTED);
    else if (change == IH_TRIE_KEY || (subscribe && pub->verbose))
        *news = news_of(subscribe, change == IH_TRIE_KEY);
    return 0;
}

/* The peer subscribes or cancels. */
static int change(struct ih_publish *pub, struct ih_pipe *pipe, bool subscribe, const void *topic, size_t size,
                  bool may_tell)
{
    enum ih_news news;
    int rc;

    if (pub->manual)
        rc = change_manually(pipe, subscribe, topic, size, &news);
    else
        rc = change_topics(pub, pipe, subscribe, topic, size, &news);
    if (rc == 0 && news != IH_NEWS_NONE && may_tell)
        rc = notify(pub, pipe, news, topic, size);
    if (rc < 0 && subscribe && !pub->manual)
        (void)ih_trie_remove(&pub->topics, topic, size, pipe); /* it may come again, and is told then */
    return rc;
}

int ih_publish_command(struct ih_socket *socket, struct ih_pipe *pipe, struct ih_msg *msg)
{
    struct ih_publish *pub = socket->pattern_state;

    return change(pub, pipe, msg->kind == IH_MSG_SUBSCRIBE, ih_msg_data(msg), ih_msg_size(msg), true);
}

/* --- messages from subscribers ---------------------------------------------------------------------------------- */

/* RFC 23, RFC 29: a frame that begins with 1 or 0 subscribes to, or cancels, what follows. */
static bool subscribes(struct ih_msg *msg)
{
    return ih_msg_size(msg) > 0 && ih_msg_data(msg)[0] <= 1;
}

static int change_by_frame(struct ih_publish *pub, struct ih_pipe *pipe, struct ih_msg *msg, bool may_tell)
{
    const uint8_t *data = ih_msg_data(msg);

    return change(pub, pipe, data[0] == 1, data + 1, ih_msg_size(msg) - 1, may_tell);
}

/* Takes in a frame. A subscription inside a message counts, unless ZMQ_ONLY_FIRST_SUBSCRIBE, and stays where it is, so
 * that the message stays whole. *inside: whether the next frame is inside a message. */
static int absorb_frame(struct ih_publish *pub, struct ih_pipe *pipe, struct ih_msg *msg, bool *inside,
                        struct ih_notices *frames)
{
    int rc = 0;

    if (subscribes(msg) && (!*inside || !pub->only_first)) {
        rc = change_by_frame(pub, pipe, msg, !*inside);
        if (rc < 0 || !*inside)
            return rc;
    }
    *inside = true;
    return pub->silent ? 0 : ih_notices_frame(frames, pipe, pub->tracks, msg);
}

static int absorb_message(struct ih_publish *pub, struct ih_pipe *pipe)
{
    struct ih_notices frames;
    struct ih_msg msg;
    bool more = true, inside = false;
    int rc = 0;

    ih_notices_init(&frames);
    while (more && ih_pipe_read(pipe, &msg) == 0) {
        more = ih_msg_more(&msg);
        if (rc == 0)
            rc = absorb_frame(pub, pipe, &msg, &inside, &frames);
        ih_msg_close(&msg);
    }
    if (rc == 0 && !ih_notices_empty(&frames))
        ih_socket_changed(pipe->socket);
    if (rc == 0)
        ih_notices_splice(&pub->notices, &frames);
    ih_notices_clear(&frames);
    return rc;
}

/* True if the application is to receive some of the messages it has first. */
static bool crowded(const struct ih_publish *pub, const struct ih_socket *socket)
{
    return !pub->silent && socket->opt.rcvhwm > 0 && pub->notices.users >= (size_t)socket->opt.rcvhwm;
}

/* Takes in what the pipe holds. Subscriptions are never held up; messages that the application does not receive stay in
 * their pipes, beyond ZMQ_RCVHWM of them, so that a subscriber cannot fill our memory. */
static void absorb(struct ih_publish *pub, struct ih_pipe *pipe)
{
    struct ih_msg *front;

    while ((front = ih_pipe_peek(pipe))) {
        if (!subscribes(front) && crowded(pub, pipe->socket)) {
            if (!ih_list_linked(&pipe->fair))
                ih_list_add_tail(&pub->waiting, &pipe->fair);
            return;
        }
        if (absorb_message(pub, pipe) < 0) {
            ih_pipe_refuse(pipe);
            return;
        }
    }
}

void ih_publish_readable(struct ih_socket *socket, struct ih_pipe *pipe)
{
    absorb(socket->pattern_state, pipe);
}

void ih_publish_resume(struct ih_socket *socket)
{
    struct ih_publish *pub = socket->pattern_state;
    struct ih_list *link;

    while (!crowded(pub, socket) && (link = ih_list_pop(&pub->waiting)))
        absorb(pub, IH_CONTAINER(link, struct ih_pipe, fair));
}

/* --- peers ------------------------------------------------------------------------------------------------------ */

int ih_publish_attach(struct ih_socket *socket, struct ih_pipe *pipe)
{
    (void)socket;
    (void)pipe;
    return 0;
}

/* A topic that ends with its subscriber. */
struct farewell {
    struct ih_publish *pub;
    struct ih_pipe *pipe;
};

static void say_farewell(const void *topic, size_t size, void *arg)
{
    struct farewell *farewell = arg;

    (void)notify(farewell->pub, farewell->pipe, IH_NEWS_END, topic, size);
}

/* CVE-2021-20237: nothing of a subscriber stays behind. */
void ih_publish_detach(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct ih_publish *pub = socket->pattern_state;
    struct ih_trie *wanted = pipe->data;
    struct farewell farewell = {pub, pipe};
    const bool each = tells_each(pub);

    ih_dist_remove(pipe);
    ih_list_del(&pipe->fair);
    ih_trie_remove_subscriber(&pub->topics, pipe, each ? NULL : say_farewell, &farewell);
    if (wanted) {
        if (each)
            ih_trie_each(wanted, say_farewell, &farewell);
        ih_trie_fini(wanted);
        free(wanted);
    }
    pipe->data = NULL;
    if (pub->last == pipe)
        pub->last = NULL;
    if (pub->tracks)
        ih_notices_orphan(&pub->notices, pipe);
}

void ih_publish_writable(struct ih_socket *socket, struct ih_pipe *pipe)
{
    (void)socket;
    (void)pipe;
}

/* ZMQ_XPUB_WELCOME_MSG. Without memory there is none. */
void ih_publish_connected(struct ih_socket *socket, struct ih_pipe *pipe)
{
    struct ih_publish *pub = socket->pattern_state;
    struct ih_msg msg;

    if (ih_msg_size(&pub->welcome) == 0)
        return;
    ih_msg_share(&msg, &pub->welcome);
    (void)ih_pipe_force(pipe, &msg);
    ih_msg_close(&msg);
}

/* --- sending ---------------------------------------------------------------------------------------------------- */

static void add_target(void *subscriber, void *arg)
{
    ih_dist_add(arg, subscriber);
}

/* ZMQ_INVERT_MATCHING: everybody but those who match. */
static void invert(struct ih_socket *socket, struct ih_dist *dist)
{
    IH_LIST_EACH(link, &socket->pipes) {
        struct ih_pipe *pipe = IH_CONTAINER(link, struct ih_pipe, node);

        if (ih_dist_has(pipe))
            ih_dist_remove(pipe);
        else if (pipe->attached)
            ih_dist_add(dist, pipe);
    }
}

static void keep_only(struct ih_dist *dist, struct ih_pipe *pipe)
{
    const bool has = pipe && ih_dist_has(pipe);

    ih_dist_clear(dist);
    if (has)
        ih_dist_add(dist, pipe);
}

/* Finds who gets the message that begins with this frame. -EAGAIN: somebody who should has no room. */
static int aim(struct ih_socket *socket, struct ih_msg *msg)
{
    struct ih_publish *pub = socket->pattern_state;

    ih_dist_clear(&pub->dist);
    ih_trie_match(&pub->topics, ih_msg_data(msg), ih_msg_size(msg), add_target, &pub->dist);
    if (socket->opt.invert_matching)
        invert(socket, &pub->dist);
    if (pub->to_last)
        keep_only(&pub->dist, pub->last);
    if (ih_dist_prune(&pub->dist) && pub->nodrop) {
        ih_dist_clear(&pub->dist);
        return -EAGAIN;
    }
    pub->to_last = false;
    return 0;
}

int ih_publish_send(struct ih_socket *socket, struct ih_msg *msg)
{
    struct ih_publish *pub = socket->pattern_state;
    const bool more = ih_msg_more(msg);
    int rc = pub->sending ? 0 : aim(socket, msg);

    if (rc < 0)
        return rc;
    pub->sending = more;
    ih_dist_send(&pub->dist, msg);
    return 0;
}

bool ih_publish_can_send(struct ih_socket *socket)
{
    (void)socket;
    return true;
}

/* --- options ---------------------------------------------------------------------------------------------------- */

/* ZMQ_XPUB_MANUAL: the application subscribes, or cancels, for the peer whose notice it has received last. */
static int set_manually(struct ih_publish *pub, bool subscribe, const void *topic, size_t size)
{
    int rc;

    if (!pub->manual)
        return -EINVAL;
    if (!pub->last)
        return 0;
    if (subscribe)
        rc = add_once(&pub->topics, topic, size, pub->last);
    else
        rc = ih_trie_remove(&pub->topics, topic, size, pub->last);
    if (rc >= 0 && subscribe && pub->last_value)
        pub->to_last = true;
    return rc == -ENOMEM ? rc : 0;
}

static int set_welcome(struct ih_publish *pub, const void *value, size_t size)
{
    struct ih_msg msg;
    int rc = ih_msg_init_copy(&msg, value, size);

    if (rc < 0)
        return rc;
    ih_msg_close(&pub->welcome);
    ih_msg_take(&pub->welcome, &msg);
    return 0;
}

static int set_verbose(struct ih_publish *pub, bool verboser, const void *value, size_t size)
{
    bool on;
    int rc = ih_flag_read(value, size, &on);

    if (rc < 0)
        return rc;
    pub->verbose = on;
    pub->verboser = on && verboser;
    return 0;
}

static int set_manual(struct ih_publish *pub, bool last_value, const void *value, size_t size)
{
    bool on;
    int rc = ih_flag_read(value, size, &on);

    if (rc < 0)
        return rc;
    pub->manual = on;
    pub->tracks |= on;
    pub->last_value = on && last_value;
    return 0;
}

int ih_publish_set(struct ih_socket *socket, int option, const void *value, size_t size)
{
    struct ih_publish *pub = socket->pattern_state;

    switch (option) {
    case ZMQ_XPUB_VERBOSE:
    case ZMQ_XPUB_VERBOSER:
        return set_verbose(pub, option == ZMQ_XPUB_VERBOSER, value, size);
    case ZMQ_XPUB_MANUAL:
    case ZMQ_XPUB_MANUAL_LAST_VALUE:
        return set_manual(pub, option == ZMQ_XPUB_MANUAL_LAST_VALUE, value, size);
    case ZMQ_XPUB_NODROP:
        return ih_flag_read(value, size, &pub->nodrop);
    case ZMQ_ONLY_FIRST_SUBSCRIBE:
        return ih_flag_read(value, size, &pub->only_first);
    case ZMQ_XPUB_WELCOME_MSG:
        return set_welcome(pub, value, size);
    case ZMQ_SUBSCRIBE:
    case ZMQ_UNSUBSCRIBE:
        return set_manually(pub, option == ZMQ_SUBSCRIBE, value, size);
    default:
        return -ENOENT;
    }
}
