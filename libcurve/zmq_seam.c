/* SPDX-License-Identifier: ISC */
/* What differs between the generations of libzmq's API. */
#include "libcurve/zmq_seam.h"

#include <errno.h>
#include <string.h>

int ih_zmq_error(void)
{
    int error = zmq_errno();

    return error > 0 ? -error : -EIO;
}

static int result(int value)
{
    return value < 0 ? ih_zmq_error() : 0;
}

static int set_int(void *socket, int option, int value)
{
    return result(zmq_setsockopt(socket, option, &value, sizeof(value)));
}

int ih_zmq_msg_copy_of(zmq_msg_t *msg, const void *data, size_t size)
{
    if (zmq_msg_init_size(msg, size) != 0)
        return ih_zmq_error();
    if (size)
        memcpy(zmq_msg_data(msg), data, size);
    return 0;
}

void ih_zmq_drop_rest(void *socket, zmq_msg_t *msg)
{
    while (ih_zmq_more(socket, msg) && ih_zmq_recv(socket, msg, IH_ZMQ_DONTWAIT) == 0)
        ;
}

int ih_zmq_set_linger(void *socket, int ms)
{
    return set_int(socket, ZMQ_LINGER, ms);
}

/* ---- sending, receiving, waiting ---- */

#if ZMQ_VERSION_MAJOR >= 4

int ih_zmq_send(void *socket, zmq_msg_t *msg, int flags)
{
    return result(zmq_msg_send(msg, socket, flags));
}

int ih_zmq_recv(void *socket, zmq_msg_t *msg, int flags)
{
    return result(zmq_msg_recv(msg, socket, flags));
}

#elif ZMQ_VERSION_MAJOR == 3

int ih_zmq_send(void *socket, zmq_msg_t *msg, int flags)
{
    return result(zmq_sendmsg(socket, msg, flags));
}

int ih_zmq_recv(void *socket, zmq_msg_t *msg, int flags)
{
    return result(zmq_recvmsg(socket, msg, flags));
}

#else

int ih_zmq_send(void *socket, zmq_msg_t *msg, int flags)
{
    return result(zmq_send(socket, msg, flags));
}

int ih_zmq_recv(void *socket, zmq_msg_t *msg, int flags)
{
    return result(zmq_recv(socket, msg, flags));
}

#endif

#if ZMQ_VERSION_MAJOR >= 3

bool ih_zmq_more(void *socket, zmq_msg_t *msg)
{
    (void)socket;
    return zmq_msg_more(msg) != 0;
}

int ih_zmq_poll(zmq_pollitem_t *items, int count, int timeout_ms)
{
    return result(zmq_poll(items, count, timeout_ms));
}

int ih_zmq_events(void *socket)
{
    int events = 0;
    size_t size = sizeof(events);

    return zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) == 0 ? events : ih_zmq_error();
}

int ih_zmq_set_hwm(void *socket, int sndhwm, int rcvhwm)
{
    int error = set_int(socket, ZMQ_SNDHWM, sndhwm);

    return error ? error : set_int(socket, ZMQ_RCVHWM, rcvhwm);
}

int ih_zmq_set_timeout(void *socket, bool send, int ms)
{
    return set_int(socket, send ? ZMQ_SNDTIMEO : ZMQ_RCVTIMEO, ms);
}

int ih_zmq_set_maxmsgsize(void *socket, int64_t octets)
{
    return result(zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &octets, sizeof(octets)));
}

int ih_zmq_set_mandatory(void *socket)
{
    return set_int(socket, ZMQ_ROUTER_MANDATORY, 1);
}

int ih_zmq_unbind(void *socket, const char *endpoint)
{
    return result(zmq_unbind(socket, endpoint));
}

int ih_zmq_disconnect(void *socket, const char *endpoint)
{
    return result(zmq_disconnect(socket, endpoint));
}

int ih_zmq_last_endpoint(void *socket, char *endpoint, size_t *size)
{
    return result(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, size));
}

#else

/* 2.x: flags and events of 64 and 32 bits, microseconds, one high-water mark, and no more than that. */

bool ih_zmq_more(void *socket, zmq_msg_t *msg)
{
    int64_t more = 0;
    size_t size = sizeof(more);

    (void)msg;
    return zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) == 0 && more != 0;
}

int ih_zmq_poll(zmq_pollitem_t *items, int count, int timeout_ms)
{
    return result(zmq_poll(items, count, timeout_ms < 0 ? -1 : timeout_ms * 1000L));
}

int ih_zmq_events(void *socket)
{
    uint32_t events = 0;
    size_t size = sizeof(events);

    return zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) == 0 ? (int)events : ih_zmq_error();
}

int ih_zmq_set_hwm(void *socket, int sndhwm, int rcvhwm)
{
    uint64_t hwm = (uint64_t)(sndhwm > rcvhwm ? sndhwm : rcvhwm);

    return result(zmq_setsockopt(socket, ZMQ_HWM, &hwm, sizeof(hwm)));
}

int ih_zmq_set_timeout(void *socket, bool send, int ms)
{
    (void)socket;
    (void)send;
    return ms < 0 ? 0 : -ENOTSUP;
}

int ih_zmq_set_maxmsgsize(void *socket, int64_t octets)
{
    (void)socket;
    (void)octets;
    return -ENOTSUP;
}

int ih_zmq_set_mandatory(void *socket)
{
    (void)socket;
    return -ENOTSUP;
}

int ih_zmq_unbind(void *socket, const char *endpoint)
{
    (void)socket;
    (void)endpoint;
    return -ENOTSUP;
}

int ih_zmq_disconnect(void *socket, const char *endpoint)
{
    (void)socket;
    (void)endpoint;
    return -ENOTSUP;
}

int ih_zmq_last_endpoint(void *socket, char *endpoint, size_t *size)
{
    (void)socket;
    (void)endpoint;
    (void)size;
    return -ENOTSUP;
}

#endif

#if ZMQ_VERSION_MAJOR >= 4

int ih_zmq_set_immediate(void *socket)
{
    return set_int(socket, ZMQ_IMMEDIATE, 1);
}

#elif ZMQ_VERSION_MAJOR == 3

int ih_zmq_set_immediate(void *socket)
{
    return set_int(socket, ZMQ_DELAY_ATTACH_ON_CONNECT, 1);
}

#else

int ih_zmq_set_immediate(void *socket)
{
    (void)socket;
    return -ENOTSUP;
}

#endif

/* ---- the hop's CURVE mechanism ---- */

#ifdef ZMQ_CURVE

#if ZMQ_VERSION >= ZMQ_MAKE_VERSION(4, 1, 0)

bool ih_zmq_has_hop(void)
{
    return zmq_has("curve") == 1;
}

#else

/* Whether this one was built with it shows when a socket is opened. */
bool ih_zmq_has_hop(void)
{
    return true;
}

#endif

int ih_zmq_hop_server(void *socket, const uint8_t *secret_key, const char *zap_domain)
{
    int error = set_int(socket, ZMQ_CURVE_SERVER, 1);

    if (error)
        return error == -EINVAL ? -ENOTSUP : error;
    error = result(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret_key, 32));
    if (error == 0 && *zap_domain)
        error = result(zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, zap_domain, strlen(zap_domain)));
    return error;
}

int ih_zmq_hop_client(void *socket, const uint8_t *server_key, const uint8_t *public_key, const uint8_t *secret_key)
{
    int error = result(zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server_key, 32));

    if (error)
        return error == -EINVAL ? -ENOTSUP : error;
    error = result(zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, public_key, 32));
    if (error == 0)
        error = result(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret_key, 32));
    return error;
}

#else

bool ih_zmq_has_hop(void)
{
    return false;
}

int ih_zmq_hop_server(void *socket, const uint8_t *secret_key, const char *zap_domain)
{
    (void)socket;
    (void)secret_key;
    (void)zap_domain;
    return -ENOTSUP;
}

int ih_zmq_hop_client(void *socket, const uint8_t *server_key, const uint8_t *public_key, const uint8_t *secret_key)
{
    (void)socket;
    (void)server_key;
    (void)public_key;
    (void)secret_key;
    return -ENOTSUP;
}

#endif

/* zmq_msg_gets came with 4.1; without it a relay cannot know who proved what on the hop, and registers nobody there. */
#if ZMQ_VERSION >= ZMQ_MAKE_VERSION(4, 1, 0)

const char *ih_zmq_user_id(zmq_msg_t *msg)
{
    return zmq_msg_gets(msg, "User-Id");
}

#else

const char *ih_zmq_user_id(zmq_msg_t *msg)
{
    (void)msg;
    return NULL;
}

#endif

/* ---- reports of connections ---- */

#if ZMQ_VERSION_MAJOR >= 4

#ifdef ZMQ_EVENT_HANDSHAKE_SUCCEEDED
enum { HANDSHAKE_SUCCEEDED = ZMQ_EVENT_HANDSHAKE_SUCCEEDED };
#else
enum { HANDSHAKE_SUCCEEDED = 0 };
#endif

/* By which a connection is known to carry messages: before 4.3 only that there is one. */
static int connected_events(void)
{
    int major = 0;
    int minor = 0;
    int patch = 0;

    zmq_version(&major, &minor, &patch);
    return HANDSHAKE_SUCCEEDED != 0 && (major > 4 || minor >= 3) ? HANDSHAKE_SUCCEEDED
                                                                 : ZMQ_EVENT_CONNECTED | ZMQ_EVENT_ACCEPTED;
}

int ih_zmq_monitor(void *socket, const char *endpoint)
{
    return result(zmq_socket_monitor(socket, endpoint, connected_events() | ZMQ_EVENT_DISCONNECTED));
}

void ih_zmq_unmonitor(void *socket)
{
    (void)zmq_socket_monitor(socket, NULL, 0);
}

static enum ih_zmq_link link_of(unsigned event)
{
    if (event & (ZMQ_EVENT_CONNECTED | ZMQ_EVENT_ACCEPTED | HANDSHAKE_SUCCEEDED))
        return IH_ZMQ_CONNECTED;
    return event & ZMQ_EVENT_DISCONNECTED ? IH_ZMQ_DISCONNECTED : IH_ZMQ_OTHER;
}

/* Two frames: the event's number in 16 bits and its value, then the address. */
int ih_zmq_monitor_recv(void *socket, enum ih_zmq_link *link)
{
    zmq_msg_t msg;
    uint16_t event = 0;
    int error;

    (void)zmq_msg_init(&msg);
    error = ih_zmq_recv(socket, &msg, IH_ZMQ_DONTWAIT);
    if (error == 0) {
        if (zmq_msg_size(&msg) >= sizeof(event))
            memcpy(&event, zmq_msg_data(&msg), sizeof(event));
        *link = link_of(event);
        ih_zmq_drop_rest(socket, &msg);
    }
    (void)zmq_msg_close(&msg);
    return error;
}

#else

/* 3.2's reports carry pointers into the library; 2.x has none. Without them registrations are renewed by the clock. */
int ih_zmq_monitor(void *socket, const char *endpoint)
{
    (void)socket;
    (void)endpoint;
    return -ENOTSUP;
}

void ih_zmq_unmonitor(void *socket)
{
    (void)socket;
}

int ih_zmq_monitor_recv(void *socket, enum ih_zmq_link *link)
{
    (void)socket;
    (void)link;
    return -EAGAIN;
}

#endif
