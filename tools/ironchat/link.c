/* SPDX-License-Identifier: ISC */
#include "ironchat/link.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "ironchat/profile.h"

enum { ROUND_MAX = 1000, SEND_PATIENCE = 1000 };

/* No others: the socket keeps so many, and what settles a message must not be lost for one that nobody reads. */
static const int events = CURVE_EVENT_CLOSED | CURVE_EVENT_REFUSED | CURVE_EVENT_DELIVERED | CURVE_EVENT_UNDELIVERED |
                          CURVE_EVENT_SUSPECT | CURVE_EVENT_CONNECTED | CURVE_EVENT_DISCONNECTED | CURVE_EVENT_REJECTED;

/* On the socket's own thread: nobody who is not allowed gets in, and the user shall know. A write of so few octets is
 * whole or not at all. */
static int refuse(void *arg, const uint8_t *key)
{
    struct link *link = arg;

    (void)!write(link->strangers[1], key, CHAT_KEY_SIZE);
    return 0;
}

static int set_up(struct link *link, const struct chat_card *card)
{
    if (curve_set(link->socket, CURVE_MAXMSGSIZE, CHAT_MSG_MAX) < 0 ||
        curve_set(link->socket, CURVE_SNDTIMEO, SEND_PATIENCE) < 0 ||
        curve_set(link->socket, CURVE_RECONNECT_IVL_MAX, 2000) < 0 ||
        curve_authenticate(link->socket, refuse, link) < 0 || curve_monitor(link->socket, events) < 0 ||
        (card->has_hop && curve_set_hop_key(link->socket, card->hop) < 0))
        return -1;
    return curve_connect(link->socket, card->relay);
}

int link_open(struct link *link, const curve_cert_t *cert, const struct chat_card *card)
{
    memset(link, 0, sizeof *link);
    if (pipe2(link->strangers, O_CLOEXEC | O_NONBLOCK) < 0) {
        link->strangers[0] = link->strangers[1] = -1;
        return profile_complain("%s", strerror(errno));
    }
    link->context = zmq_ctx_new();
    link->socket = link->context != NULL ? curve_peer_new(link->context, cert) : NULL;
    if (link->socket == NULL || set_up(link, card) < 0)
        return profile_complain("%s: %s", card->relay, zmq_strerror(errno));
    return 0;
}

/* A burst may fill the way to the socket's own thread for a moment: that is worth waiting for. */
int link_send(void *arg, const uint8_t *key, const void *data, size_t size, uint64_t *number)
{
    struct link *link = arg;

    if (curve_send(link->socket, key, CHAT_KEY_SIZE, ZMQ_SNDMORE) < 0 || curve_send(link->socket, data, size, 0) < 0)
        return -errno;
    *number = curve_sent(link->socket);
    return 0;
}

void link_allow(void *arg, const uint8_t *key)
{
    (void)curve_allow(((struct link *)arg)->socket, key);
}

void link_deny(void *arg, const uint8_t *key)
{
    (void)curve_deny(((struct link *)arg)->socket, key);
}

void link_items(const struct link *link, zmq_pollitem_t items[LINK_ITEMS])
{
    items[0] = (zmq_pollitem_t){.socket = curve_handle(link->socket), .events = ZMQ_POLLIN};
    items[1] = (zmq_pollitem_t){.socket = curve_monitor_handle(link->socket), .events = ZMQ_POLLIN};
    items[2] = (zmq_pollitem_t){.fd = link->strangers[0], .events = ZMQ_POLLIN};
}

/* One message of two frames; of any other it is the first two that count, and the chat finds them wrong. 0: none. */
static int pump_message(struct link *link, struct chat *chat)
{
    uint8_t id[CURVE_ID_SIZE], data[CHAT_MSG_MAX];
    int size = curve_recv(link->socket, id, sizeof id, ZMQ_DONTWAIT);
    bool whole;

    if (size < 0)
        return 0;
    whole = size == CURVE_ID_SIZE && curve_more(link->socket);
    size = whole ? curve_recv(link->socket, data, sizeof data, ZMQ_DONTWAIT) : 0;
    while (curve_more(link->socket)) {
        uint8_t rest[1];

        if (curve_recv(link->socket, rest, sizeof rest, ZMQ_DONTWAIT) < 0)
            break;
        whole = false;
    }
    if (size < 0)
        return 0;
    chat_message(chat, id, data, whole && size <= CHAT_MSG_MAX ? (size_t)size : 0);
    return 1;
}

static void pump_event(struct chat *chat, const curve_event_t *event)
{
    switch (event->event) {
    case CURVE_EVENT_DELIVERED:
        chat_delivered(chat, event->id, event->number);
        break;
    case CURVE_EVENT_UNDELIVERED:
        chat_undelivered(chat, event->id, event->number);
        break;
    case CURVE_EVENT_CLOSED:
        chat_session_ended(chat, event->id);
        break;
    case CURVE_EVENT_REFUSED:
        chat_refused(chat, event->id);
        break;
    case CURVE_EVENT_SUSPECT:
        chat_suspect(chat, event->id, curve_error_text((curve_error_t)event->value), event->number);
        break;
    case CURVE_EVENT_CONNECTED:
    case CURVE_EVENT_DISCONNECTED:
        chat_network(chat, event->event == CURVE_EVENT_CONNECTED);
        break;
    case CURVE_EVENT_REJECTED:
        chat_network_rejects(chat);
        break;
    default:
        break;
    }
}

void link_pump(struct link *link, struct chat *chat)
{
    uint8_t key[CHAT_KEY_SIZE];
    curve_event_t event;

    for (int i = 0; i < ROUND_MAX && pump_message(link, chat); i++)
        continue;
    for (int i = 0; i < ROUND_MAX && curve_monitor_recv(link->socket, &event, 0) == 0; i++)
        pump_event(chat, &event);
    while (read(link->strangers[0], key, sizeof key) == (ssize_t)sizeof key)
        chat_stranger(chat, key);
}

void link_linger(struct link *link, int ms)
{
    (void)curve_set(link->socket, CURVE_LINGER, ms);
}

void link_close(struct link *link)
{
    if (link->socket != NULL)
        (void)curve_close(&link->socket);
    if (link->context != NULL)
        (void)zmq_ctx_term(link->context);
    for (int i = 0; i < 2; i++) {
        if (link->strangers[i] >= 0)
            (void)close(link->strangers[i]);
    }
}
