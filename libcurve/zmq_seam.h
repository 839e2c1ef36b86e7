/* SPDX-License-Identifier: ISC */
/* Every call of libcurve's to ZeroMQ that differs between libzmq 4.x, 3.x and 2.x, under one name each; the rest
 * (zmq_socket, zmq_close, zmq_bind, zmq_connect, zmq_msg_*) is the same everywhere. Chosen when compiling, by zmq.h.
 * What an older one cannot do answers -ENOTSUP; docs/libcurve.md lists it.
 *
 * All functions return 0 (or what is said) or a negative error number. */
#ifndef IH_LIBCURVE_ZMQ_SEAM_H
#define IH_LIBCURVE_ZMQ_SEAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zmq.h>

#if ZMQ_VERSION_MAJOR >= 3
enum { IH_ZMQ_DEALER = ZMQ_DEALER, IH_ZMQ_ROUTER = ZMQ_ROUTER, IH_ZMQ_DONTWAIT = ZMQ_DONTWAIT };
#else
enum { IH_ZMQ_DEALER = ZMQ_XREQ, IH_ZMQ_ROUTER = ZMQ_XREP, IH_ZMQ_DONTWAIT = ZMQ_NOBLOCK };
#endif

/* The ZeroMQ library's error number, negative. */
int ih_zmq_error(void);

/* On success msg is empty afterwards. */
int ih_zmq_send(void *socket, zmq_msg_t *msg, int flags);
int ih_zmq_recv(void *socket, zmq_msg_t *msg, int flags);

/* Copies data into a new message. */
int ih_zmq_msg_copy_of(zmq_msg_t *msg, const void *data, size_t size);

/* 1 if frames follow the one just received from this socket. */
bool ih_zmq_more(void *socket, zmq_msg_t *msg);

/* Drops what is left of a message of which msg was the last frame received. */
void ih_zmq_drop_rest(void *socket, zmq_msg_t *msg);

int ih_zmq_poll(zmq_pollitem_t *items, int count, int timeout_ms);

int ih_zmq_set_hwm(void *socket, int sndhwm, int rcvhwm);
int ih_zmq_set_timeout(void *socket, bool send, int ms);
int ih_zmq_set_linger(void *socket, int ms);

/* Connections that send more than that in a frame are closed. */
int ih_zmq_set_maxmsgsize(void *socket, int64_t octets);

/* ROUTER: sending to a route that is gone or full is an error (-EHOSTUNREACH, -EAGAIN). Without it (2.x) it is not told. */
int ih_zmq_set_mandatory(void *socket);

/* DEALER: nothing is queued for a connection that does not stand. */
int ih_zmq_set_immediate(void *socket);

int ih_zmq_unbind(void *socket, const char *endpoint);
int ih_zmq_disconnect(void *socket, const char *endpoint);
int ih_zmq_last_endpoint(void *socket, char *endpoint, size_t *size);
int ih_zmq_events(void *socket); /* ZMQ_POLLIN, ZMQ_POLLOUT, or the error */

/* Can this libzmq protect the hop? */
bool ih_zmq_has_hop(void);

/* The CURVE mechanism of the hop, on a socket that is not bound or connected yet; keys are binary. */
int ih_zmq_hop_server(void *socket, const uint8_t *secret_key, const char *zap_domain);
int ih_zmq_hop_client(void *socket, const uint8_t *server_key, const uint8_t *public_key, const uint8_t *secret_key);

/* Whom the ZAP handler knew the sender as, or NULL. */
const char *ih_zmq_user_id(zmq_msg_t *msg);

/* Reports of connections, to a PAIR that connects to endpoint (inproc). ih_zmq_monitor_recv: -EAGAIN: there is none. */
enum ih_zmq_link { IH_ZMQ_OTHER, IH_ZMQ_CONNECTED, IH_ZMQ_DISCONNECTED, IH_ZMQ_REJECTED };
int ih_zmq_monitor(void *socket, const char *endpoint);
/* To be called before the PAIR is closed: a report that nobody takes would hold up ZeroMQ's own thread. */
void ih_zmq_unmonitor(void *socket);
int ih_zmq_monitor_recv(void *socket, enum ih_zmq_link *link);

#endif
