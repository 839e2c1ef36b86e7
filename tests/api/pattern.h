/* SPDX-License-Identifier: ISC */
/* What the tests of the socket types share: full queues, subscriptions that have arrived, peers that are gone. */
#ifndef IH_TESTS_API_PATTERN_H
#define IH_TESTS_API_PATTERN_H

#include "support.h"

/* Waits until socket is ready for one of events, while beside is polled too: some libraries do a socket's part of the
 * work (attaching a connection, sending its subscriptions) only in a call of the application on that socket. */
void await_beside(void *socket, short events, void *beside);

/* The same for a descriptor that becomes readable. */
void await_fd_beside(int fd, void *beside);

/* Binds to an endpoint that a socket closed just before may still be giving up. */
void bind_again(void *socket, const char *endpoint);

/* Sends text without waiting until there is no room, at most limit times. Returns how many messages were taken. */
int fill(void *socket, const char *text, int limit);
/* Receives all that is there now and counts the messages. */
int drain(void *socket);

/* Waits until what the subscriber (SUB or XSUB) has subscribed to and cancelled so far is known to the publisher: it
 * subscribes to a topic of its own beside, which is published until it arrives. Leaves nothing behind. */
void settle_subscriptions(void *publisher, void *subscriber);

/* Subscribes or cancels, the way that its type does it: SUB or XSUB. */
void subscribe(void *subscriber, const char *topic);
void unsubscribe(void *subscriber, const char *topic);

/* Sends the request id frame until the ROUTER knows this peer, then the text. Sets ROUTER_MANDATORY. */
void send_when_known(void *router, const char *id, const char *text);

#endif
