/* SPDX-License-Identifier: ISC */
/* A socket's monitor (zmq_socket_monitor): events as messages over inproc. */
#ifndef IH_CORE_MONITOR_H
#define IH_CORE_MONITOR_H

#include <stdint.h>

struct ih_socket;

/* Puts the monitor up at "inproc://NAME"; replaces the one there is. -EADDRINUSE, -ENOMEM. Socket's lock held. */
int ih_monitor_start(struct ih_socket *socket, const char *name, int events);

/* Sends MONITOR_STOPPED and takes the monitor down, if there is one. Socket's lock held. */
void ih_monitor_stop(struct ih_socket *socket);

/* Sends an event; value as the man page of zmq_socket_monitor says, address the endpoint. Never waits: events that find
 * no room are dropped. Socket's lock held. */
void ih_monitor_event(struct ih_socket *socket, int event, uint32_t value, const char *address);

#endif
