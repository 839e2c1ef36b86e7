/* SPDX-License-Identifier: ISC */
/* A ZMTP 3.x peer written by hand over a TCP descriptor: what the wire tests say to the library, octet by octet. All
 * of it is for the main thread: it asserts. */
#ifndef IH_TESTS_API_WIRE_H
#define IH_TESTS_API_WIRE_H

#include "support.h"

#define FRAME_MORE 0x01
#define FRAME_LONG 0x02
#define FRAME_COMMAND 0x04
#define WIRE_MAX 4096

/* Every event that says why a handshake failed. */
#define HANDSHAKE_FAILED \
    (ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
/* Every event that decides about a connection. */
#define OUTCOME (HANDSHAKE_FAILED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED)

/* Octets that are put together before they are sent; lives on the stack of the test. */
struct octets {
    uint8_t data[WIRE_MAX];
    size_t size;
};

void put_bytes(struct octets *out, const void *data, size_t size);
/* RFC 37, "Framing": the short form up to 255 octets, else the long one. */
void put_frame(struct octets *out, int flags, const void *body, size_t size);
/* A header alone, in the long form, that promises this many octets. */
void put_long_header(struct octets *out, int flags, uint64_t size);
void put_command(struct octets *out, const char *name, const void *data, size_t size);
/* RFC 37, "The NULL Security Mechanism": property = name value. */
void put_property(struct octets *out, const char *name, const void *value, size_t size);
/* A command whose data are one Socket-Type property and these further octets. */
void put_metadata_command(struct octets *out, const char *name, const char *socket_type, const struct octets *more);
void put_greeting(struct octets *out, const char *mechanism, int major, int minor);

void wire_send(int fd, const struct octets *out);
void wire_send_frame(int fd, int flags, const void *body, size_t size);
void wire_send_str(int fd, const char *text);
void wire_send_command(int fd, const char *name, const void *data, size_t size);

/* The next frame: its flags without the LONG bit, its body. */
int wire_read_frame(int fd, struct octets *body);
/* The next frame has exactly these flags and this body. */
void wire_expect_frame(int fd, int flags, const void *body, size_t size);
void wire_expect_str(int fd, const char *text);
void wire_expect_command(int fd, const char *name, const void *data, size_t size);
/* The other side's greeting: asserts its fixed parts and the mechanism. */
void wire_expect_greeting(int fd, const char *mechanism);
/* The other side's READY or INITIATE: asserts its name, and that its first property is this Socket-Type. The properties
 * are returned in rest. */
void wire_expect_metadata(int fd, const char *name, const char *socket_type, struct octets *rest);

/* A NULL handshake as socket_type, peer version 3.minor; asserts that the other side is a library_type. */
void wire_handshake(int fd, const char *socket_type, const char *library_type, int minor);
/* Connects to a bound socket and does that, with 3.1. */
int wire_join(struct world *world, const char *endpoint, const char *socket_type, const char *library_type);

/* Closes a descriptor now that the fixture would close at the end. */
void wire_close(struct world *world, int fd);

/* A bound DEALER with a monitor of all events, and a peer by hand that does everything right and is there all the time.
 * Lives on the stack of the test. */
struct wire_scene {
    void *socket;
    void *monitor;
    int witness;
    char endpoint[ENDPOINT_MAX];
};
struct wire_scene wire_open_scene(struct world *world);
/* One more connection, its handshake done. */
int wire_join_scene(struct world *world, const struct wire_scene *scene);
/* The witness is still served, and nothing else has arrived. */
void wire_expect_undisturbed(const struct wire_scene *scene);
/* This connection, which never got through its handshake, is closed, and nobody else is disturbed. */
void wire_expect_refused(const struct wire_scene *scene, int fd);
/* The same for a connection whose handshake was done. */
void wire_expect_dropped(const struct wire_scene *scene, int fd);

/* Where a connection is to be refused: libzmq 4.3.4 now and then forgets to hang up, depending on what errno was
 * before, so that only HANDSHAKE_IVL ends it. */
void give_up_early(void *socket);
/* Reads events until the connection is reported as gone, and asserts that no handshake succeeded. Returns the first
 * event that said why, or one with kind 0 if none did. */
struct event await_refusal(void *monitor);
/* The same, and the reason must be this protocol error (ZMQ_PROTOCOL_ERROR_*). */
void expect_protocol_error(void *monitor, uint32_t error);

#endif
