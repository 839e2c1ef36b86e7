/* SPDX-License-Identifier: ISC */

/*
 * The public interface of libcurve.so: CurveZMQ (RFC 26) above ZeroMQ, for security end to end, whatever carries the
 * messages. It stands on the public zmq.h alone and runs on any libzmq. It does not talk to the CURVE mechanism inside
 * ZMTP (RFC 25), which protects one hop; both may be used together.
 *
 * Four parts, from the bottom up:
 *  - certificates: long-term key pairs in CZMQ's files;
 *  - the codec: one CurveZMQ session, octets in and octets out, without sockets, threads or clocks;
 *  - virtual sockets: clients, servers, and peers that find each other through a relay; they feel like ZeroMQ sockets;
 *  - the relay, which forwards what it cannot read.
 *
 * Conventions. Unless a comment says otherwise:
 *  - A function that returns int returns 0 or a count on success; on failure it returns -1 and sets errno.
 *  - Times are in milliseconds, sizes in octets, keys are 32 octets in binary form.
 *  - Pointers that a call takes are borrowed until it returns; pointers that it returns belong to the object asked and
 *    live until its next change or its end.
 *  - A certificate or a codec belongs to one thread at a time. A virtual socket may be used from one thread at a time,
 *    and moved between threads with a full fence, as a ZeroMQ socket.
 *  - EINVAL: an argument is malformed. ENOMEM: no memory. EFAULT: a pointer is NULL that must not be.
 */

#ifndef IH_CURVE_H
#define IH_CURVE_H

#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define CURVE_EXPORT __attribute__((visibility("default")))
#else
#define CURVE_EXPORT
#endif

#define CURVE_VERSION_MAJOR 1
#define CURVE_VERSION_MINOR 0
#define CURVE_VERSION_PATCH 0

/* The version of the library that is loaded. Never fails. */
CURVE_EXPORT void curve_version(int *major, int *minor, int *patch);

#define CURVE_KEY_SIZE 32 /* a key, public or secret, in binary form */
#define CURVE_KEY_TEXT 41 /* the same in Z85 (RFC 32), with the NUL that ends it */

/* ---- Certificates -------------------------------------------------------------------------------------------- */

/* A long-term key pair, or the public half of one, with metadata: names and values of text. Secret keys live in memory
 * that is locked and wiped. */
typedef struct curve_cert curve_cert_t;

/* A new key pair. NULL: ENOMEM. */
CURVE_EXPORT curve_cert_t *curve_cert_new(void);

/* From keys in binary form; secret_key may be NULL. NULL: ENOMEM; EINVAL: the keys do not belong together. */
CURVE_EXPORT curve_cert_t *curve_cert_from(const uint8_t *public_key, const uint8_t *secret_key);

CURVE_EXPORT curve_cert_t *curve_cert_dup(const curve_cert_t *cert);

/* Wipes and frees; *cert_p becomes NULL. */
CURVE_EXPORT void curve_cert_destroy(curve_cert_t **cert_p);

/* 32 octets. The secret key is NULL if the certificate has none. */
CURVE_EXPORT const uint8_t *curve_cert_public_key(const curve_cert_t *cert);
CURVE_EXPORT const uint8_t *curve_cert_secret_key(const curve_cert_t *cert);

/* The public key in Z85. */
CURVE_EXPORT const char *curve_cert_public_text(const curve_cert_t *cert);

/* Sets a metadata value; value NULL takes the name out. Names: 1 to 255 of letters, digits, "-_.+/"; values: at most
 * 4095 octets of printable UTF-8 without line ends and double quotes. EINVAL. */
CURVE_EXPORT int curve_cert_set_meta(curve_cert_t *cert, const char *name, const char *value);

/* The value, or NULL. */
CURVE_EXPORT const char *curve_cert_meta(const curve_cert_t *cert, const char *name);

/* The name at this index, from 0 on in the order they were set; NULL behind the last. */
CURVE_EXPORT const char *curve_cert_meta_name(const curve_cert_t *cert, size_t index);

/* Writes FILE with the public key and metadata, and FILE_secret with both keys, mode 0600, in the format of CZMQ's
 * certificates (zcert_save). Each file appears whole or not at all, and replaces one that was there. The system's errors;
 * EINVAL: the certificate has no secret key. */
CURVE_EXPORT int curve_cert_save(const curve_cert_t *cert, const char *file);
CURVE_EXPORT int curve_cert_save_public(const curve_cert_t *cert, const char *file);
CURVE_EXPORT int curve_cert_save_secret(const curve_cert_t *cert, const char *file);

/* Reads FILE_secret if it is there, else FILE (zcert_load). NULL: the system's errors, or EINVAL: it is no certificate. */
CURVE_EXPORT curve_cert_t *curve_cert_load(const char *file);

/* Reads FILE alone, whatever lies beside it, and leaves a secret key that it holds behind: for certificates of others. */
CURVE_EXPORT curve_cert_t *curve_cert_load_public(const char *file);

/* 1 if the secret key was loaded from a file that group or others could read: warn the user. Else 0. */
CURVE_EXPORT int curve_cert_exposed(const curve_cert_t *cert);

/* ---- Codec --------------------------------------------------------------------------------------------------- */

/* What can be wrong. An error is final: a codec that failed answers with the same error from then on. */
typedef enum curve_error {
    CURVE_OK = 0,
    CURVE_ERROR_MALFORMED = 1, /* a command's name, size or version */
    CURVE_ERROR_CRYPTO = 2,    /* a box does not open, or a key is of low order: altered, or for somebody else */
    CURVE_ERROR_VOUCH = 3,     /* the vouch is for another connection or another server */
    CURVE_ERROR_ORDER = 4,     /* repeated, reordered or missing: the nonce is not the next one */
    CURVE_ERROR_STALE = 5,     /* the cookie is too old, used before, or for another connection */
    CURVE_ERROR_REFUSED = 6,   /* the server does not accept the client */
    CURVE_ERROR_STATE = 7,     /* the call or command does not fit where the session stands */
    CURVE_ERROR_ROOM = 8,      /* the output buffer is too small; not final: nothing has happened */
    CURVE_ERROR_LIMIT = 9,     /* metadata or a message is larger than allowed, or the nonces are used up */
    CURVE_ERROR_MEMORY = 10,
} curve_error_t;

/* A sentence in English. Never NULL. */
CURVE_EXPORT const char *curve_error_text(curve_error_t error);

typedef struct curve_codec curve_codec_t;

#define CURVE_HELLO_SIZE 200
#define CURVE_WELCOME_SIZE 168
#define CURVE_INITIATE_SIZE 257   /* and the metadata's */
#define CURVE_READY_SIZE 30       /* and the metadata's */
#define CURVE_MESSAGE_OVERHEAD 33 /* a MESSAGE command is that much larger than what it carries */
#define CURVE_METADATA_MAX 65536  /* octets of metadata, encoded, that a codec sends or accepts */

/* Asked once for each client, after it has proved that it holds client_key and before READY. Nonzero lets it in. The
 * codec may be asked for the client's metadata (curve_codec_peer_meta) meanwhile. */
typedef int(curve_accept_fn)(void *arg, curve_codec_t *codec, const uint8_t *client_key);

/* A client of the server that has this key. own needs its secret key, and is copied. NULL: EINVAL, ENOMEM. */
CURVE_EXPORT curve_codec_t *curve_codec_new_client(const curve_cert_t *own, const uint8_t *server_key);

/* A server's end for one client. accept NULL refuses everybody. NULL: EINVAL, ENOMEM. */
CURVE_EXPORT curve_codec_t *curve_codec_new_server(const curve_cert_t *own, curve_accept_fn *accept, void *arg);

/* Wipes and frees; *codec_p becomes NULL. */
CURVE_EXPORT void curve_codec_destroy(curve_codec_t **codec_p);

/* Metadata for the peer (RFC 26: names of letters, digits, "-_.+", 1 to 255), before the handshake's first call. */
CURVE_EXPORT curve_error_t curve_codec_set_meta(curve_codec_t *codec, const char *name, const void *value, size_t size);

/*
 * One step of the handshake. A client's first step has no input and writes HELLO; each further step takes the command
 * that the peer sent and writes the answer, if there is one (*out_size is 0 otherwise).
 *
 *   client: NULL -> HELLO, WELCOME -> INITIATE, READY -> nothing     server: HELLO -> WELCOME, INITIATE -> READY
 *
 * A server that refuses writes ERROR, to be sent, and fails with CURVE_ERROR_REFUSED; a client that reads ERROR fails so
 * too. out must have room for the largest answer: CURVE_INITIATE_SIZE or CURVE_READY_SIZE and the metadata's size
 * (curve_codec_handshake_room).
 */
CURVE_EXPORT curve_error_t curve_codec_handshake(curve_codec_t *codec, const void *in, size_t in_size, void *out,
                                                 size_t out_room, size_t *out_size);
CURVE_EXPORT size_t curve_codec_handshake_room(const curve_codec_t *codec);

/* 1 when messages may be sent and received. */
CURVE_EXPORT int curve_codec_ready(const curve_codec_t *codec);

/* The error that it failed with, or CURVE_OK. */
CURVE_EXPORT curve_error_t curve_codec_error(const curve_codec_t *codec);

/* The peer's long-term public key: a client's from INITIATE on, the server's always; else NULL. */
CURVE_EXPORT const uint8_t *curve_codec_peer_key(const curve_codec_t *codec);

/* The peer's metadata, from INITIATE (server) or READY (client) on. Names compare without regard to case. The value, or
 * NULL; by index from 0 on: the name, or NULL behind the last. */
CURVE_EXPORT const void *curve_codec_peer_meta(const curve_codec_t *codec, const char *name, size_t *size);
CURVE_EXPORT const char *curve_codec_peer_meta_name(const curve_codec_t *codec, size_t index);

/*
 * Seals one frame as a MESSAGE command of size + CURVE_MESSAGE_OVERHEAD octets. In place: data may be
 * out + CURVE_MESSAGE_OVERHEAD; otherwise they must not overlap. more: further frames of the message follow.
 */
CURVE_EXPORT curve_error_t curve_codec_encrypt(curve_codec_t *codec, const void *data, size_t size, int more, void *out,
                                               size_t out_room, size_t *out_size);

/* Opens a MESSAGE command; the frame has in_size - CURVE_MESSAGE_OVERHEAD octets. In place: out may be in, or
 * in + CURVE_MESSAGE_OVERHEAD; otherwise they must not overlap. Nothing is written to out unless the box is right. */
CURVE_EXPORT curve_error_t curve_codec_decrypt(curve_codec_t *codec, const void *in, size_t in_size, void *out,
                                               size_t out_room, size_t *out_size, int *more);

/* ---- Virtual sockets ----------------------------------------------------------------------------------------- */

/*
 * A virtual socket carries messages of one or more frames, sealed end to end, in order, each at most once. Beneath it is
 * a ZeroMQ socket and a thread of its own, which answers handshakes, renews sessions, and reconnects.
 *
 *   kind     beneath                  sends to                      what is received begins with
 *   client   DEALER                   its server                    the message's first frame
 *   server   ROUTER                   the client named by frame 1   a frame: who sent it (CURVE_ID_SIZE octets)
 *   peer     DEALER, to a relay       the peer named by frame 1     a frame: who sent it (CURVE_ID_SIZE octets)
 *
 * The frame that names somebody begins with its 32-octet public key, authenticated; 8 octets follow that tell one session
 * of a client from another with the same key (zero for peers). To send, the key alone will do: the newest session.
 *
 * Messages sent before the session stands are kept (CURVE_SNDHWM of them); nothing is ever sent in clear. The receiver
 * acknowledges messages, inside the box. After a reconnection or a renewal, what was not acknowledged is sent again, and
 * the receiver drops what it has already; if the other end has started anew meanwhile, what cannot be known to have
 * arrived is reported as undelivered, by an event.
 */
typedef struct curve_socket curve_socket_t;

#define CURVE_ID_SIZE 40

/* own needs its secret key, and is copied, as are other certificates and keys given to sockets. context is borrowed
 * until the socket is closed. NULL: EINVAL, ENOMEM, EMFILE, ETERM. */
CURVE_EXPORT curve_socket_t *curve_client_new(void *context, const curve_cert_t *own, const uint8_t *server_key);
CURVE_EXPORT curve_socket_t *curve_server_new(void *context, const curve_cert_t *own);
CURVE_EXPORT curve_socket_t *curve_peer_new(void *context, const curve_cert_t *own);

/* Ends the socket and its thread, waiting at most CURVE_LINGER for messages to be acknowledged. *socket_p becomes NULL. */
CURVE_EXPORT int curve_close(curve_socket_t **socket_p);

/* ZeroMQ endpoints; a client may bind and a server connect. A peer connects to one or several relays,
 * and does not bind (ENOTSUP). Errors as
 * zmq_bind(3) and the others. Options are to be set before. */
CURVE_EXPORT int curve_bind(curve_socket_t *socket, const char *endpoint);
CURVE_EXPORT int curve_connect(curve_socket_t *socket, const char *endpoint);
CURVE_EXPORT int curve_unbind(curve_socket_t *socket, const char *endpoint);
CURVE_EXPORT int curve_disconnect(curve_socket_t *socket, const char *endpoint);

/* The last endpoint bound or connected, resolved (ZMQ_LAST_ENDPOINT), NUL included. ERANGE: size is too small. */
CURVE_EXPORT int curve_last_endpoint(curve_socket_t *socket, char *endpoint, size_t size);

/* ---- who may (servers and peers; a client knows its server) ---- */

/* Lets this key in; NULL: everybody who proves some key. Unless one of these four calls was made, nobody gets in. */
CURVE_EXPORT int curve_allow(curve_socket_t *socket, const uint8_t *key);

/* Takes the permission back, and ends the session of the key. NULL: everybody's general permission. */
CURVE_EXPORT int curve_deny(curve_socket_t *socket, const uint8_t *key);

/* Asks this function, on the socket's own thread, for a key that is not allowed yet. Nonzero lets it in. Takes effect
 * for handshakes that start afterwards; to be called before bind or connect. */
typedef int(curve_authenticate_fn)(void *arg, const uint8_t *key);
CURVE_EXPORT int curve_authenticate(curve_socket_t *socket, curve_authenticate_fn *function, void *arg);

/* Asks the context's ZAP handler (RFC 27), mechanism "CURVE", with this domain. No handler, a malformed or late answer:
 * not let in. To be called before bind or connect. */
CURVE_EXPORT int curve_authenticate_zap(curve_socket_t *socket, const char *domain);

/* ---- messages ---- */

/* As zmq_send(3), zmq_recv(3), zmq_msg_send(3), zmq_msg_recv(3) with ZMQ_SNDMORE and ZMQ_DONTWAIT. EAGAIN: the time-out
 * or CURVE_SNDHWM was reached; with ZMQ_DONTWAIT also when a client sends faster than its thread takes messages
 * (ZMQ_POLLOUT of curve_handle tells when it has). EHOSTUNREACH: frame 1 names nobody whom the server knows. EMSGSIZE: larger than
 * CURVE_MAXMSGSIZE. ETERM, EINTR. */
CURVE_EXPORT int curve_send(curve_socket_t *socket, const void *data, size_t size, int flags);
CURVE_EXPORT int curve_recv(curve_socket_t *socket, void *data, size_t size, int flags);
CURVE_EXPORT int curve_msg_send(curve_socket_t *socket, zmq_msg_t *msg, int flags);
CURVE_EXPORT int curve_msg_recv(curve_socket_t *socket, zmq_msg_t *msg, int flags);

/* 1 if the last frame received has others behind it. */
CURVE_EXPORT int curve_more(const curve_socket_t *socket);

/* The number of the last whole message that was sent on this socket: 1, 2, 3 ... Events name messages by it. */
CURVE_EXPORT uint64_t curve_sent(const curve_socket_t *socket);

/* A ZeroMQ socket for zmq_poll (ZMQ_POLLIN: a message can be received, ZMQ_POLLOUT: one can be sent) and for its ZMQ_FD
 * and ZMQ_EVENTS in other event loops. For nothing else. It lives as long as the socket. */
CURVE_EXPORT void *curve_handle(curve_socket_t *socket);

/* ---- options ---- */

/* To be set before bind or connect, unless marked *. */
#define CURVE_SNDHWM 1             /* messages that wait to be acknowledged, for each other end; default 1000 */
#define CURVE_RCVHWM 2             /* messages that wait to be received, of each other end; default 1000 */
#define CURVE_SNDTIMEO 3           /* * ms, -1: for ever (default) */
#define CURVE_RCVTIMEO 4           /* * ms, -1: for ever (default) */
#define CURVE_LINGER 5             /* * ms at curve_close; default 1000, -1: for ever */
#define CURVE_MAXMSGSIZE 6         /* octets of one message, its frames together, both ways; default 16 MiB */
#define CURVE_HANDSHAKE_IVL 7      /* ms for a handshake; default 10000 */
#define CURVE_MAX_CLIENTS 8        /* authenticated sessions of a server or peer; default 10000 */
#define CURVE_MAX_PENDING 9        /* handshakes in progress (the authenticator is being asked); default 1000 */
#define CURVE_IDLE 10              /* ms without a sign of life after which a session ends; default 60000 */
#define CURVE_HEARTBEAT_IVL 11     /* ms of silence after which a sign of life is asked for; default 10000 */
#define CURVE_RENEW_IVL 12         /* ms after which a session is renewed; default 3600000 */
#define CURVE_RENEW_MESSAGES 13    /* messages after which a session is renewed; default 10000000 */
#define CURVE_RECONNECT_IVL 14     /* ms before a failed handshake is tried again, first; default 100 */
#define CURVE_RECONNECT_IVL_MAX 15 /* it doubles up to this; default 10000 */

/* EINVAL: unknown option, or a value out of range. */
CURVE_EXPORT int curve_set(curve_socket_t *socket, int option, int value);
CURVE_EXPORT int curve_get(const curve_socket_t *socket, int option);

/* Metadata sent to the other ends in the handshake, inside the box; before bind or connect. Names as those of a codec,
 * but for "Curve-Session"; at most 255 properties, of 32 KiB together. */
CURVE_EXPORT int curve_set_meta(curve_socket_t *socket, const char *name, const char *value);

/* A property that the other end sent, while a session with it stands: id as the first frame of what is sent to it; NULL
 * and 0 for a client's server. Returns the value's size and copies as much of it as there is room for, without a NUL.
 * Names compare without regard to case. EHOSTUNREACH: no session stands; ENOENT: it sent none of that name. */
CURVE_EXPORT int curve_peer_meta(curve_socket_t *socket, const void *id, size_t id_size, const char *name, void *value,
                                 size_t size);

/* The hop to the relay or server is protected by the CURVE mechanism of ZMTP too, against whom only watches the wire:
 * hop_key is the key of the relay's or server's own certificate for that. Needs a libzmq that has it (ENOTSUP). On the
 * side that binds, curve_set_hop_cert makes it the hop's server. */
CURVE_EXPORT int curve_set_hop_key(curve_socket_t *socket, const uint8_t *hop_key);
CURVE_EXPORT int curve_set_hop_cert(curve_socket_t *socket, const curve_cert_t *hop);

/* ---- events ---- */

/* A session stands: the other end proved its key, and messages go to it. value: 1 if it renewed or resumed an older one. */
#define CURVE_EVENT_READY 0x0001
/* A session ended. value: a curve_error_t, 0: closed in order, or silent too long. */
#define CURVE_EVENT_CLOSED 0x0002
/* A handshake was refused, by us or by the other end. value: a curve_error_t (CURVE_ERROR_STALE: our authenticator did not
 * answer in time). */
#define CURVE_EVENT_REFUSED 0x0004
/* Acknowledged by the other end: all its messages up to `number`. */
#define CURVE_EVENT_DELIVERED 0x0008
/* Cannot be known to have arrived, and will not be sent again: message `number`. */
#define CURVE_EVENT_UNDELIVERED 0x0010
/* Something was forged, altered, repeated or missing, and dropped. value: a curve_error_t. */
#define CURVE_EVENT_SUSPECT 0x0020
/* The relay says that it does not know the peer (at the moment). */
#define CURVE_EVENT_UNREACHABLE 0x0040
/* A ZeroMQ connection beneath, to or from a server, client or relay, can carry something. That says nothing of who is at the
 * other end: READY does. */
#define CURVE_EVENT_CONNECTED 0x0080
#define CURVE_EVENT_DISCONNECTED 0x0100
/* A connection beneath, that we made, ended before it could carry anything: the other end wants a key of the hop, or another
 * one, or is no ZeroMQ. libzmq 4.3 and later. */
#define CURVE_EVENT_REJECTED 0x0200
#define CURVE_EVENT_ALL 0x03ff

typedef struct curve_event {
    int event;       /* CURVE_EVENT_ */
    int value;       /* says more, as above */
    uint64_t number; /* of a message (curve_sent); REFUSED, SUSPECT, UNREACHABLE: of how many this tells; or 0 */
    uint8_t id[CURVE_ID_SIZE]; /* whom it concerns; zero if nobody */
} curve_event_t;

/* Starts to report these events, and stops to report others. DELIVERED and UNDELIVERED are kept until they are read: of
 * the former the last one for each end, of the latter one for each message that was sent, so that who asks for them should
 * read them. REFUSED, SUSPECT and UNREACHABLE that say the same of the same end are counted while they wait; of these, of
 * READY and CLOSED, and of CONNECTED and DISCONNECTED 1000 each wait, and later ones are lost until some are read. The
 * handle returned by curve_monitor_handle is for zmq_poll, as that of curve_handle. */
CURVE_EXPORT int curve_monitor(curve_socket_t *socket, int events);
CURVE_EXPORT void *curve_monitor_handle(curve_socket_t *socket);

/* Waits at most timeout_ms (-1: for ever) for the next event. EAGAIN: none came. ENOTSUP: curve_monitor was not called. */
CURVE_EXPORT int curve_monitor_recv(curve_socket_t *socket, curve_event_t *event, int timeout_ms);

/* ---- Relay --------------------------------------------------------------------------------------------------- */

/*
 * Joins peers that never see each other's address. It forwards envelopes by public key and holds no key of anybody. It
 * learns who talks to whom, when and how much; it can drop, delay or repeat, which the ends notice; it can read nothing.
 */
typedef struct curve_relay_config {
    const char *const *endpoints; /* where to bind, NULL behind the last */
    const curve_cert_t *hop;      /* the hop's CURVE mechanism: ends that do not prove their key on the hop are not
                                   * registered under it; NULL: no such protection */
    int max_peers;                /* registered at a time; 0: 10000 */
    int max_queue;                /* messages that wait for one peer; 0: 1000; beyond that they are dropped */
    int max_message;              /* octets of one envelope; 0: 17 MiB */
    int rate;                     /* octets a second that one peer may send, 0: not limited */
    int max_memory;               /* MiB that wait for all peers together; 0: 1024. Nobody gets more than half of what
                                   * is free; beyond that messages are dropped */
    int idle;                     /* ms after which a silent peer is forgotten; 0: 60000 */
    void *control;                /* a PAIR: a message "TERMINATE" ends the relay; NULL: only zmq_ctx_shutdown */
    void *capture;                /* all that passes is sent here too, as zmq_proxy(3) does; or NULL */
    void (*bound)(void *arg, const char *endpoint); /* told of each resolved endpoint; or NULL */
    void *arg;
} curve_relay_config_t;

/* Runs until it is told to end: 0, or -1 with ETERM. Blocks its thread. Errors of zmq_bind(3). */
CURVE_EXPORT int curve_relay(void *context, const curve_relay_config_t *config);

#ifdef __cplusplus
}
#endif

#endif
