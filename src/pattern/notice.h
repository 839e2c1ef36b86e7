/* SPDX-License-Identifier: ISC */
/* Notices: what an XPUB tells its application: subscriptions, cancellations, and the messages of its subscribers. */
#ifndef IH_PATTERN_NOTICE_H
#define IH_PATTERN_NOTICE_H

#include "base/map.h"
#include "core/pipe.h"

/* While at least so many subscriptions and cancellations wait, one that takes the last of its topic back removes both, and
 * one that repeats it is none: who subscribes and cancels for ever, and an application that does not listen, together
 * use no more memory than the topics that there are. A cancellation does not take a repetition back, but replaces it: the
 * application may know of the topic from before. */
enum { IH_NOTICES_PLAIN = 1000 };

/* What is new of a topic. */
enum ih_news {
    IH_NEWS_NONE,
    IH_NEWS_FIRST, /* a subscription to what the application has not heard of, or heard the end of */
    IH_NEWS_AGAIN, /* one to what it has been told is subscribed to */
    IH_NEWS_END,   /* a cancellation */
};

/* Owner: the list it is in. One frame. */
struct ih_notice {
    struct ih_list node;
    struct ih_map_node latest; /* in notices->latest if it is the last of its topic that waits */
    struct ih_msg msg;
    struct ih_pipe *pipe; /* whose it is, if that was to be tracked and it is still there, or NULL */
    bool user;            /* the last frame of a subscriber's message: these are counted */
    bool is_topic;        /* a subscription or cancellation: so are these */
    bool is_latest;
    enum ih_news news; /* of a topic */
    uint8_t key[];     /* of a topic: whose it is, and the topic */
};

/* Owner: a pattern's state; guarded by the socket's lock. */
struct ih_notices {
    struct ih_list list;  /* struct ih_notice */
    struct ih_map latest; /* struct ih_notice, by key */
    size_t users;         /* whole messages of subscribers among them */
    size_t topics;        /* subscriptions and cancellations */
};

void ih_notices_init(struct ih_notices *notices);
void ih_notices_clear(struct ih_notices *notices);

static inline bool ih_notices_empty(const struct ih_notices *notices)
{
    return ih_list_empty(&notices->list);
}

/* Appends a subscription or cancellation (news is not IH_NEWS_NONE) as RFC 29 has it: 1 or 0, and the topic. track:
 * remember the pipe; then ih_notices_orphan must be called before it goes. each: a peer's cancellation takes back only its
 * own subscription. -ENOMEM. */
int ih_notices_topic(struct ih_notices *notices, struct ih_pipe *pipe, bool track, bool each, enum ih_news news,
                     const void *topic, size_t size);

/* Appends a frame of a subscriber's message. Takes msg, or -ENOMEM. */
int ih_notices_frame(struct ih_notices *notices, struct ih_pipe *pipe, bool track, struct ih_msg *msg);

/* Moves all of src, which has only frames, to the end of dst. */
void ih_notices_splice(struct ih_notices *dst, struct ih_notices *src);

/* Takes the first one: its frame (msg is overwritten) and its pipe. False if there is none. */
bool ih_notices_pop(struct ih_notices *notices, struct ih_msg *msg, struct ih_pipe **pipe);

/* The pipe is gone; its notices stay. */
void ih_notices_orphan(struct ih_notices *notices, const struct ih_pipe *pipe);

#endif
