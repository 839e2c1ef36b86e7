/* SPDX-License-Identifier: ISC */

/*
 * The public interface of libzmq.so.5: the libzmq 4.3 API, compatible in source and in binary form.
 *
 * Conventions. Unless a comment says otherwise:
 *  - A function that returns int returns 0 or a count on success; on failure it returns -1 and sets errno.
 *  - Times are in milliseconds, sizes in octets. A timeout of -1 waits for ever, 0 does not wait at all.
 *  - Contexts and sockets may be used from any thread, and by several at a time: call by call, so that messages of one
 *    frame, and those of zmq_sendiov, are whole; the frames of others need a mutex around them (zmq_threads(7)). A
 *    zmq_msg_t, a timers object and a stopwatch belong to one thread at a time.
 *  - ENOTSOCK: the handle is no open socket. ETERM: its context is being terminated. EINTR: a signal came first.
 *    ENOMEM: no memory. These may come from every call on a socket and are not repeated below.
 *
 * Numbers and prototypes are fixed by the ABI. RFC numbers refer to https://rfc.zeromq.org.
 */

#ifndef IH_ZMQ_H
#define IH_ZMQ_H

/* Other headers ask for this name to see whether zmq.h was read. */
#define __ZMQ_H_INCLUDED__

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define ZMQ_DEFINED_STDINT 1

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define ZMQ_EXPORT __attribute__((visibility("default")))
#else
#define ZMQ_EXPORT
#endif

/* ---- Version ------------------------------------------------------------------------------------------------- */

#define ZMQ_VERSION_MAJOR 4
#define ZMQ_VERSION_MINOR 3
#define ZMQ_VERSION_PATCH 5

/* One comparable number: 4.3.5 is 40305. */
#define ZMQ_MAKE_VERSION(major, minor, patch) ((major)*10000 + (minor)*100 + (patch))
#define ZMQ_VERSION ZMQ_MAKE_VERSION(ZMQ_VERSION_MAJOR, ZMQ_VERSION_MINOR, ZMQ_VERSION_PATCH)

/* The version of the library that is loaded. None of the pointers may be NULL. Never fails. */
ZMQ_EXPORT void zmq_version(int *major, int *minor, int *patch);

/*
 * 1 if the library can do this, else 0. Names are case-sensitive: "ipc", "curve", "draft", "gssapi", "norm", "pgm",
 * "tipc", "vmci", "WS", "WSS", "vsock". An unknown name is 0. Never fails.
 */
#define ZMQ_HAS_CAPABILITIES 1
ZMQ_EXPORT int zmq_has(const char *capability);

/* ---- Errors -------------------------------------------------------------------------------------------------- */

/* Base of the error numbers that are not the system's. */
#define ZMQ_HAUSNUMERO 156384712

/* Stand-ins on systems whose errno.h lacks the name. */
#ifndef ENOTSUP
#define ENOTSUP (ZMQ_HAUSNUMERO + 1)
#endif
#ifndef EPROTONOSUPPORT
#define EPROTONOSUPPORT (ZMQ_HAUSNUMERO + 2)
#endif
#ifndef ENOBUFS
#define ENOBUFS (ZMQ_HAUSNUMERO + 3)
#endif
#ifndef ENETDOWN
#define ENETDOWN (ZMQ_HAUSNUMERO + 4)
#endif
#ifndef EADDRINUSE
#define EADDRINUSE (ZMQ_HAUSNUMERO + 5)
#endif
#ifndef EADDRNOTAVAIL
#define EADDRNOTAVAIL (ZMQ_HAUSNUMERO + 6)
#endif
#ifndef ECONNREFUSED
#define ECONNREFUSED (ZMQ_HAUSNUMERO + 7)
#endif
#ifndef EINPROGRESS
#define EINPROGRESS (ZMQ_HAUSNUMERO + 8)
#endif
#ifndef ENOTSOCK
#define ENOTSOCK (ZMQ_HAUSNUMERO + 9)
#endif
#ifndef EMSGSIZE
#define EMSGSIZE (ZMQ_HAUSNUMERO + 10)
#endif
#ifndef EAFNOSUPPORT
#define EAFNOSUPPORT (ZMQ_HAUSNUMERO + 11)
#endif
#ifndef ENETUNREACH
#define ENETUNREACH (ZMQ_HAUSNUMERO + 12)
#endif
#ifndef ECONNABORTED
#define ECONNABORTED (ZMQ_HAUSNUMERO + 13)
#endif
#ifndef ECONNRESET
#define ECONNRESET (ZMQ_HAUSNUMERO + 14)
#endif
#ifndef ENOTCONN
#define ENOTCONN (ZMQ_HAUSNUMERO + 15)
#endif
#ifndef ETIMEDOUT
#define ETIMEDOUT (ZMQ_HAUSNUMERO + 16)
#endif
#ifndef EHOSTUNREACH
#define EHOSTUNREACH (ZMQ_HAUSNUMERO + 17)
#endif
#ifndef ENETRESET
#define ENETRESET (ZMQ_HAUSNUMERO + 18)
#endif

#define EFSM (ZMQ_HAUSNUMERO + 51)           /* not now: the pattern expects another step first */
#define ENOCOMPATPROTO (ZMQ_HAUSNUMERO + 52) /* this transport cannot carry this socket type */
#define ETERM (ZMQ_HAUSNUMERO + 53)          /* the context is being terminated */
#define EMTHREAD (ZMQ_HAUSNUMERO + 54)       /* the context has no I/O thread to give */

/* The calling thread's errno. */
ZMQ_EXPORT int zmq_errno(void);

/* A text for an error number, of the system or of those above. The library owns it. Never NULL. */
ZMQ_EXPORT const char *zmq_strerror(int errnum);

/* ---- Contexts ------------------------------------------------------------------------------------------------ */

/* Options, all int. Set them before the first socket; ZMQ_IPV6 and ZMQ_BLOCKY (below) are defaults for new sockets. */
#define ZMQ_IO_THREADS 1                 /* I/O threads, 0 or more; 0 leaves only inproc */
#define ZMQ_MAX_SOCKETS 2                /* sockets open at a time, 1 or more */
#define ZMQ_SOCKET_LIMIT 3               /* get only: the largest ZMQ_MAX_SOCKETS */
#define ZMQ_THREAD_PRIORITY 3            /* set only: scheduling priority of the I/O threads */
#define ZMQ_THREAD_SCHED_POLICY 4        /* SCHED_* of the I/O threads; -1 is the system's default */
#define ZMQ_MAX_MSGSZ 5                  /* largest message that a socket sends, in octets */
#define ZMQ_MSG_T_SIZE 6                 /* get only: sizeof(zmq_msg_t) */
#define ZMQ_THREAD_AFFINITY_CPU_ADD 7    /* set only: let the I/O threads run on this CPU */
#define ZMQ_THREAD_AFFINITY_CPU_REMOVE 8 /* set only: take back what CPU_ADD gave */
#define ZMQ_THREAD_NAME_PREFIX 9         /* a number put before the I/O threads' names */

#define ZMQ_IO_THREADS_DFLT 1
#define ZMQ_MAX_SOCKETS_DFLT 1023
#define ZMQ_THREAD_PRIORITY_DFLT (-1)
#define ZMQ_THREAD_SCHED_POLICY_DFLT (-1)

/* A new context, or NULL with errno. The caller ends it with zmq_ctx_term. */
ZMQ_EXPORT void *zmq_ctx_new(void);

/*
 * Ends the context: calls blocked on its sockets return ETERM, then waits until every socket is closed and what
 * lingers (ZMQ_LINGER) is sent, then frees it. EINTR: call again. EFAULT: no context.
 */
ZMQ_EXPORT int zmq_ctx_term(void *context);

/* The first half of zmq_ctx_term: wakes and refuses with ETERM, does not wait, frees nothing. EFAULT: no context. */
ZMQ_EXPORT int zmq_ctx_shutdown(void *context);

/* EINVAL: unknown option or value. EFAULT: no context. zmq_ctx_get returns the value. */
ZMQ_EXPORT int zmq_ctx_set(void *context, int option, int value);
ZMQ_EXPORT int zmq_ctx_get(void *context, int option);

/* Older names: zmq_init is zmq_ctx_new with ZMQ_IO_THREADS; the other two are zmq_ctx_term. */
ZMQ_EXPORT void *zmq_init(int io_threads);
ZMQ_EXPORT int zmq_term(void *context);
ZMQ_EXPORT int zmq_ctx_destroy(void *context);

/* ---- Messages ------------------------------------------------------------------------------------------------ */

/*
 * One frame. Opaque: 64 octets, aligned like a pointer; the caller owns the storage. It may be moved in memory bit by
 * bit as long as the old place is not used again. Small contents live inside it, so that zmq_msg_data is valid only
 * while the zmq_msg_t stays where it is.
 */
typedef struct zmq_msg_t {
#if defined(__GNUC__)
    unsigned char _[64] __attribute__((aligned(sizeof(void *))));
#else
    unsigned char _[64];
#endif
} zmq_msg_t;

/* Gives back memory that zmq_msg_init_data took. Called once, on any thread; it may call functions of this file. */
typedef void(zmq_free_fn)(void *data, void *hint);

/*
 * Start a message in storage that holds none: empty; of size octets of unset content; around the caller's memory,
 * which the library owns until it calls ffn (NULL: never freed) and which nobody may change meanwhile. ENOMEM.
 */
ZMQ_EXPORT int zmq_msg_init(zmq_msg_t *msg);
ZMQ_EXPORT int zmq_msg_init_size(zmq_msg_t *msg, size_t size);
ZMQ_EXPORT int zmq_msg_init_data(zmq_msg_t *msg, void *data, size_t size, zmq_free_fn *ffn, void *hint);

/*
 * Sends one frame and returns its size. flags: ZMQ_DONTWAIT, ZMQ_SNDMORE. On success msg is empty and the content is
 * the library's; on failure the caller still owns it. Errors as zmq_send. EFAULT: msg is no message.
 */
ZMQ_EXPORT int zmq_msg_send(zmq_msg_t *msg, void *socket, int flags);

/* Receives one frame into msg, whose old content is released, and returns its size. Errors as zmq_recv. */
ZMQ_EXPORT int zmq_msg_recv(zmq_msg_t *msg, void *socket, int flags);

/* Releases the content. Every started message is closed once. EFAULT: no message. */
ZMQ_EXPORT int zmq_msg_close(zmq_msg_t *msg);

/*
 * Both release dest's content first. Move leaves source empty; copy shares the content, which is then read-only.
 * EFAULT: no message.
 */
ZMQ_EXPORT int zmq_msg_move(zmq_msg_t *dest, zmq_msg_t *source);
ZMQ_EXPORT int zmq_msg_copy(zmq_msg_t *dest, zmq_msg_t *source);

/* The content, owned by the message, writable unless shared; its size; 1 if more frames of the message follow. */
ZMQ_EXPORT void *zmq_msg_data(zmq_msg_t *msg);
ZMQ_EXPORT size_t zmq_msg_size(const zmq_msg_t *msg);
ZMQ_EXPORT int zmq_msg_more(const zmq_msg_t *msg);

/* Properties for zmq_msg_get. */
#define ZMQ_MORE 1   /* 1 if more frames follow */
#define ZMQ_SRCFD 2  /* deprecated: descriptor that the message came in by */
#define ZMQ_SHARED 3 /* 1 if the content may be shared with another message */

/* Get returns the value. No property can be set. EINVAL: unknown property. */
ZMQ_EXPORT int zmq_msg_get(const zmq_msg_t *msg, int property);
ZMQ_EXPORT int zmq_msg_set(zmq_msg_t *msg, int property, int value);

/*
 * A text that came with the connection: "Socket-Type", "Identity" and other metadata of the peer's (RFC 37), "User-Id"
 * and other metadata of the ZAP handler's (RFC 27), "Peer-Address". Owned by the message. NULL and EINVAL: not there.
 */
ZMQ_EXPORT const char *zmq_msg_gets(const zmq_msg_t *msg, const char *property);

/* ---- Sockets ------------------------------------------------------------------------------------------------- */

/* Types. */
#define ZMQ_PAIR 0    /* RFC 31 */
#define ZMQ_PUB 1     /* RFC 29 */
#define ZMQ_SUB 2     /* RFC 29 */
#define ZMQ_REQ 3     /* RFC 28 */
#define ZMQ_REP 4     /* RFC 28 */
#define ZMQ_DEALER 5  /* RFC 28 */
#define ZMQ_ROUTER 6  /* RFC 28 */
#define ZMQ_PULL 7    /* RFC 30 */
#define ZMQ_PUSH 8    /* RFC 30 */
#define ZMQ_XPUB 9    /* RFC 29 */
#define ZMQ_XSUB 10   /* RFC 29 */
#define ZMQ_STREAM 11 /* raw TCP; each message is a routing id and octets */

#define ZMQ_XREQ ZMQ_DEALER
#define ZMQ_XREP ZMQ_ROUTER

/* A new socket, or NULL. The caller closes it. EINVAL: type. EFAULT: no context. EMFILE: ZMQ_MAX_SOCKETS. ETERM. */
ZMQ_EXPORT void *zmq_socket(void *context, int type);

/* Gives the socket up. Does not wait: what is queued to be sent lingers in the background as ZMQ_LINGER says. */
ZMQ_EXPORT int zmq_close(void *socket);

/*
 * Options of sockets. "int" takes and gives 4 octets, "int64" 8, "text" and "octets" any length given, "key" 32 octets
 * or 40 characters of Z85 (41 with the ending NUL, and that is what a getter of 41 gives). A setting concerns the
 * binds and connects that come after it; exceptions say "at once".
 */
#define ZMQ_AFFINITY 4             /* int64: bit mask of the I/O threads to use; 0 is all */
#define ZMQ_ROUTING_ID 5           /* octets, 1 to 255: how ROUTER peers call this socket */
#define ZMQ_SUBSCRIBE 6            /* octets, set, SUB: add a topic prefix, at once */
#define ZMQ_UNSUBSCRIBE 7          /* octets, set, SUB: take one back, at once */
#define ZMQ_RATE 8                 /* int, kbit/s: multicast only */
#define ZMQ_RECOVERY_IVL 9         /* int, ms: multicast only */
#define ZMQ_SNDBUF 11              /* int, octets: the system's send buffer; -1 is its default */
#define ZMQ_RCVBUF 12              /* int, octets: the system's receive buffer; -1 is its default */
#define ZMQ_RCVMORE 13             /* int, get: more frames of the message being received follow */
#define ZMQ_FD 14                  /* int, get: readable when ZMQ_EVENTS may have changed; edge-triggered */
#define ZMQ_EVENTS 15              /* int, get: ZMQ_POLLIN and ZMQ_POLLOUT as they are now */
#define ZMQ_TYPE 16                /* int, get: the socket's type */
#define ZMQ_LINGER 17              /* int, ms, at once: how long unsent messages outlive zmq_close */
#define ZMQ_RECONNECT_IVL 18       /* int, ms: first delay before connecting again; -1 is never */
#define ZMQ_BACKLOG 19             /* int: connections that may wait to be accepted */
#define ZMQ_RECONNECT_IVL_MAX 21   /* int, ms: the delay doubles up to this; 0 is no growth */
#define ZMQ_MAXMSGSIZE 22          /* int64, octets: a peer that sends more is cut off; -1 is no limit */
#define ZMQ_SNDHWM 23              /* int, messages: send queue of each peer; 0 is no limit */
#define ZMQ_RCVHWM 24              /* int, messages: receive queue of each peer; 0 is no limit */
#define ZMQ_MULTICAST_HOPS 25      /* int: multicast only */
#define ZMQ_RCVTIMEO 27            /* int, ms, at once: how long a receive waits */
#define ZMQ_SNDTIMEO 28            /* int, ms, at once: how long a send waits */
#define ZMQ_LAST_ENDPOINT 32       /* text, get: what the last bind or connect resolved to */
#define ZMQ_ROUTER_MANDATORY 33    /* int, set, ROUTER, at once: EHOSTUNREACH for an unknown peer, not silence */
#define ZMQ_TCP_KEEPALIVE 34       /* int: SO_KEEPALIVE; -1 is the system's default, so below */
#define ZMQ_TCP_KEEPALIVE_CNT 35   /* int: TCP_KEEPCNT */
#define ZMQ_TCP_KEEPALIVE_IDLE 36  /* int, s: TCP_KEEPIDLE */
#define ZMQ_TCP_KEEPALIVE_INTVL 37 /* int, s: TCP_KEEPINTVL */
#define ZMQ_IMMEDIATE 39           /* int: queue messages only to connections that are complete */
#define ZMQ_XPUB_VERBOSE 40        /* int, set, XPUB, at once: pass repeated subscriptions up too */
#define ZMQ_ROUTER_RAW 41          /* int, set, ROUTER: deprecated, speak raw TCP as STREAM does */
#define ZMQ_IPV6 42                /* int: allow IPv6 beside IPv4 */
#define ZMQ_MECHANISM 43           /* int, get: ZMQ_NULL, ZMQ_PLAIN or ZMQ_CURVE, as the options below chose */
#define ZMQ_PLAIN_SERVER 44        /* int: be a PLAIN server (RFC 24) */
#define ZMQ_PLAIN_USERNAME 45      /* text: be a PLAIN client; NULL ends that */
#define ZMQ_PLAIN_PASSWORD 46      /* text: the client's password */
#define ZMQ_CURVE_SERVER 47        /* int: be a CURVE server (RFC 25, 26) */
#define ZMQ_CURVE_PUBLICKEY 48     /* key: a client's own long-term public key */
#define ZMQ_CURVE_SECRETKEY 49     /* key: this side's own long-term secret key */
#define ZMQ_CURVE_SERVERKEY 50     /* key: be a CURVE client of the server with this public key */
#define ZMQ_PROBE_ROUTER 51        /* int, set: send an empty message on every new connection */
#define ZMQ_REQ_CORRELATE 52       /* int, set, REQ: number requests, drop replies to others */
#define ZMQ_REQ_RELAXED 53         /* int, set, REQ: a new request may come before the reply to the last */
#define ZMQ_CONFLATE 54            /* int: keep only the newest message */
#define ZMQ_ZAP_DOMAIN 55          /* text: domain for the ZAP handler (RFC 27) */
#define ZMQ_ROUTER_HANDOVER 56     /* int, set, ROUTER: a new peer takes over a routing id in use */
#define ZMQ_TOS 57                 /* int: IP type of service */
#define ZMQ_CONNECT_ROUTING_ID 61  /* octets, set, ROUTER and STREAM: routing id of the next peer connected to */
#define ZMQ_HANDSHAKE_IVL 66       /* int, ms: the longest that a handshake may take; 0 is no limit */
#define ZMQ_SOCKS_PROXY 68         /* text: SOCKS5 proxy, host:port */
#define ZMQ_XPUB_NODROP 69         /* int, set, PUB and XPUB: EAGAIN at the high-water mark, do not drop */
#define ZMQ_BLOCKY 70              /* int, of contexts: zmq_ctx_term waits for lingering messages */
#define ZMQ_XPUB_MANUAL 71         /* int, set, XPUB: the program decides what a subscriber gets */
#define ZMQ_XPUB_WELCOME_MSG 72    /* octets, set, XPUB: first message to every new subscriber */
#define ZMQ_STREAM_NOTIFY 73       /* int, set, STREAM: empty messages on connect and disconnect */
#define ZMQ_INVERT_MATCHING 74     /* int, PUB, XPUB, SUB: deliver what does not match */
#define ZMQ_HEARTBEAT_IVL 75       /* int, ms: between PINGs (RFC 37); 0 is none */
#define ZMQ_HEARTBEAT_TTL 76       /* int, ms: when the peer may give this side up; kept to 0.1 s */
#define ZMQ_HEARTBEAT_TIMEOUT 77   /* int, ms: how long to wait after a PING; -1 is HEARTBEAT_IVL */
#define ZMQ_XPUB_VERBOSER 78       /* int, set, XPUB, at once: as VERBOSE, unsubscriptions too */
#define ZMQ_CONNECT_TIMEOUT 79     /* int, ms: for connect(2); 0 is the system's default */
#define ZMQ_TCP_MAXRT 80           /* int, ms: TCP_USER_TIMEOUT; 0 is the system's default */
#define ZMQ_THREAD_SAFE 81         /* int, get: as libzmq gives it, 0 for these types */
#define ZMQ_MULTICAST_MAXTPDU 84   /* int, octets: multicast only */
#define ZMQ_USE_FD 89              /* int: bind uses this listening descriptor; -1 is a new one */
#define ZMQ_BINDTODEVICE 92        /* text: SO_BINDTODEVICE; NULL is any */

/* Options of a mechanism and a transport that this library does not have. */
#define ZMQ_GSSAPI_SERVER 62
#define ZMQ_GSSAPI_PRINCIPAL 63
#define ZMQ_GSSAPI_SERVICE_PRINCIPAL 64
#define ZMQ_GSSAPI_PLAINTEXT 65
#define ZMQ_VMCI_BUFFER_SIZE 85
#define ZMQ_VMCI_BUFFER_MIN_SIZE 86
#define ZMQ_VMCI_BUFFER_MAX_SIZE 87
#define ZMQ_VMCI_CONNECT_TIMEOUT 88
#define ZMQ_GSSAPI_PRINCIPAL_NAMETYPE 90
#define ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE 91

/* Deprecated options. */
#define ZMQ_IPV4ONLY 31          /* int: the opposite of ZMQ_IPV6 */
#define ZMQ_TCP_ACCEPT_FILTER 38 /* text, set: addr/prefix whose connections are accepted; NULL clears the list */
#define ZMQ_IPC_FILTER_PID 58    /* int, set: process whose ipc connections are accepted, so below */
#define ZMQ_IPC_FILTER_UID 59    /* int, set: user */
#define ZMQ_IPC_FILTER_GID 60    /* int, set: group */

/* Older names. */
#define ZMQ_IDENTITY ZMQ_ROUTING_ID
#define ZMQ_CONNECT_RID ZMQ_CONNECT_ROUTING_ID
#define ZMQ_DELAY_ATTACH_ON_CONNECT ZMQ_IMMEDIATE
#define ZMQ_FAIL_UNROUTABLE ZMQ_ROUTER_MANDATORY
#define ZMQ_ROUTER_BEHAVIOR ZMQ_ROUTER_MANDATORY

/* Values of ZMQ_MECHANISM. */
#define ZMQ_NULL 0
#define ZMQ_PLAIN 1
#define ZMQ_CURVE 2
#define ZMQ_GSSAPI 3

/* Values of ZMQ_GSSAPI_PRINCIPAL_NAMETYPE. */
#define ZMQ_GSSAPI_NT_HOSTBASED 0
#define ZMQ_GSSAPI_NT_USER_NAME 1
#define ZMQ_GSSAPI_NT_KRB5_PRINCIPAL 2

/* Longest group name of the draft RADIO and DISH sockets, in octets. */
#define ZMQ_GROUP_MAX_LENGTH 255

/* The value is copied. EINVAL: unknown option, not for this type, wrong size or value. */
ZMQ_EXPORT int zmq_setsockopt(void *socket, int option, const void *value, size_t size);

/*
 * *size holds the room in value and then the length written, an ending NUL of a text included. EINVAL: as above, or
 * too little room.
 */
ZMQ_EXPORT int zmq_getsockopt(void *socket, int option, void *value, size_t *size);

/*
 * Endpoints: "tcp://ADDRESS:PORT" ("*" and interface names to bind; "SOURCE;ADDRESS:PORT" to connect), "ipc://PATH"
 * ("@NAME" is abstract, "*" a path of the library's choice), "inproc://NAME" within one context.
 * EINVAL: cannot be parsed. EPROTONOSUPPORT: unknown transport. ENOCOMPATPROTO: not with this socket type. EMTHREAD: no
 * I/O thread. Bind: EADDRINUSE, EADDRNOTAVAIL, ENODEV and what bind(2) gives. Connect does not wait for the peer: it
 * fails only for inproc (ECONNREFUSED) and for bad addresses.
 */
ZMQ_EXPORT int zmq_bind(void *socket, const char *endpoint);
ZMQ_EXPORT int zmq_connect(void *socket, const char *endpoint);

/* Undo one bind or connect, named as it was given or as ZMQ_LAST_ENDPOINT says. ENOENT: there is none. EINVAL. */
ZMQ_EXPORT int zmq_unbind(void *socket, const char *endpoint);
ZMQ_EXPORT int zmq_disconnect(void *socket, const char *endpoint);

/* Flags. */
#define ZMQ_DONTWAIT 1 /* EAGAIN rather than wait */
#define ZMQ_SNDMORE 2  /* more frames of the same message follow */
#define ZMQ_NOBLOCK ZMQ_DONTWAIT

/*
 * Sends a copy of size octets as one frame and returns size. The peers get whole messages or nothing.
 * EAGAIN: cannot now, or not within ZMQ_SNDTIMEO. EFSM: not this pattern's turn. ENOTSUP: this type never sends.
 * EHOSTUNREACH: ZMQ_ROUTER_MANDATORY and no such peer. EINVAL: multipart where the type takes single frames.
 */
ZMQ_EXPORT int zmq_send(void *socket, const void *data, size_t size, int flags);

/* The same without a copy: data must never change nor go away, as a constant's does not. */
ZMQ_EXPORT int zmq_send_const(void *socket, const void *data, size_t size, int flags);

/*
 * Receives one frame; what does not fit in size octets is lost. Returns the frame's whole size, which may be more.
 * EAGAIN: none now, or none within ZMQ_RCVTIMEO. EFSM: not this pattern's turn. ENOTSUP: this type never receives.
 */
ZMQ_EXPORT int zmq_recv(void *socket, void *buffer, size_t size, int flags);

/* Older names of zmq_msg_send and zmq_msg_recv. */
ZMQ_EXPORT int zmq_sendmsg(void *socket, zmq_msg_t *msg, int flags);
ZMQ_EXPORT int zmq_recvmsg(void *socket, zmq_msg_t *msg, int flags);

/*
 * A multipart message from, or into, an array of <sys/uio.h>'s struct iovec. Received parts are malloc'ed; the caller
 * frees each iov_base. *count is the room in the array and then the number of parts received. EINVAL: no array, or
 * count 0.
 */
struct iovec;
ZMQ_EXPORT int zmq_sendiov(void *socket, struct iovec *iov, size_t count, int flags);
ZMQ_EXPORT int zmq_recviov(void *socket, struct iovec *iov, size_t *count, int flags);

/* ---- Monitoring ---------------------------------------------------------------------------------------------- */

/*
 * Events of tcp and ipc connections. Each is two frames: six octets, a uint16_t event and a uint32_t value, both in the
 * machine's byte order and unaligned; then the endpoint's text.
 */
#define ZMQ_EVENT_CONNECTED 0x0001                  /* value: descriptor */
#define ZMQ_EVENT_CONNECT_DELAYED 0x0002            /* errno: going on in the background */
#define ZMQ_EVENT_CONNECT_RETRIED 0x0004            /* ms until the next try */
#define ZMQ_EVENT_LISTENING 0x0008                  /* descriptor */
#define ZMQ_EVENT_BIND_FAILED 0x0010                /* errno */
#define ZMQ_EVENT_ACCEPTED 0x0020                   /* descriptor */
#define ZMQ_EVENT_ACCEPT_FAILED 0x0040              /* errno */
#define ZMQ_EVENT_CLOSED 0x0080                     /* descriptor */
#define ZMQ_EVENT_CLOSE_FAILED 0x0100               /* errno */
#define ZMQ_EVENT_DISCONNECTED 0x0200               /* descriptor */
#define ZMQ_EVENT_MONITOR_STOPPED 0x0400            /* the last event; no endpoint */
#define ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL 0x0800 /* errno */
#define ZMQ_EVENT_HANDSHAKE_SUCCEEDED 0x1000        /* no value: the connection may carry messages */
#define ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL 0x2000  /* ZMQ_PROTOCOL_ERROR_* */
#define ZMQ_EVENT_HANDSHAKE_FAILED_AUTH 0x4000      /* ZAP status: 300, 400 or 500 (RFC 27) */
#define ZMQ_EVENT_ALL 0xFFFF

/* What went wrong between ZMTP peers (RFC 37, 25). */
#define ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED 0x10000000
#define ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND 0x10000001
#define ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE 0x10000002
#define ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE 0x10000003
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED 0x10000011
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE 0x10000012
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO 0x10000013
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE 0x10000014
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR 0x10000015
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY 0x10000016
#define ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME 0x10000017
#define ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA 0x10000018
/* These two may be a matter of configuration: another key, another mechanism. */
#define ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC 0x11000001
#define ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH 0x11000002
/* What went wrong between this library and the ZAP handler (RFC 27). */
#define ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED 0x20000000
#define ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY 0x20000001
#define ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID 0x20000002
#define ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION 0x20000003
#define ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE 0x20000004
#define ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA 0x20000005
#define ZMQ_PROTOCOL_ERROR_WS_UNSPECIFIED 0x30000000

/*
 * Has the events in the mask sent to a PAIR socket that the library binds at an inproc endpoint, for the caller to
 * connect to. A new monitor ends the one before; endpoint NULL ends it. EPROTONOSUPPORT: not inproc. EADDRINUSE,
 * EINVAL: as for zmq_bind.
 */
ZMQ_EXPORT int zmq_socket_monitor(void *socket, const char *endpoint, int events);

/* ---- Polling ------------------------------------------------------------------------------------------------- */

typedef int zmq_fd_t;

#define ZMQ_POLLIN 1  /* a receive would not wait */
#define ZMQ_POLLOUT 2 /* a send would not wait */
#define ZMQ_POLLERR 4 /* descriptors only: POLLERR, POLLHUP or POLLNVAL */
#define ZMQ_POLLPRI 8 /* descriptors only: POLLPRI */

/* One thing to wait for: the socket, or where that is NULL the descriptor. The call sets revents. */
typedef struct zmq_pollitem_t {
    void *socket;
    zmq_fd_t fd;
    short events;
    short revents;
} zmq_pollitem_t;

/* How many items programs should expect to be handled without an allocation. */
#define ZMQ_POLLITEMS_DFLT 16

/* Waits until an item is ready; returns how many are, 0 after the timeout. EFAULT: items is NULL. EINVAL: count. */
ZMQ_EXPORT int zmq_poll(zmq_pollitem_t *items, int count, long timeout);

/* ---- Proxies ------------------------------------------------------------------------------------------------- */

/*
 * Pass messages both ways between two sockets, with a copy to capture unless that is NULL, until the context is
 * terminated: then -1 and ETERM. While it runs the sockets are the proxy's.
 */
ZMQ_EXPORT int zmq_proxy(void *frontend, void *backend, void *capture);

/*
 * The same, and obeys messages received by control: PAUSE, RESUME, TERMINATE (returns 0), STATISTICS (answers with
 * eight frames of a uint64_t each: messages and octets received and sent at the front, then at the back).
 */
ZMQ_EXPORT int zmq_proxy_steerable(void *frontend, void *backend, void *capture, void *control);

/* Deprecated: zmq_proxy without capture. The type is not looked at. */
#define ZMQ_STREAMER 1
#define ZMQ_FORWARDER 2
#define ZMQ_QUEUE 3
ZMQ_EXPORT int zmq_device(int type, void *frontend, void *backend);

/* ---- Keys ---------------------------------------------------------------------------------------------------- */

/*
 * Z85 (RFC 32). Encode: size is a multiple of 4, dest has room for size * 5 / 4 + 1 characters. Decode: the length of
 * text is a multiple of 5, dest has room for length * 4 / 5 octets. Both return dest, or NULL with EINVAL.
 */
ZMQ_EXPORT char *zmq_z85_encode(char *dest, const uint8_t *data, size_t size);
ZMQ_EXPORT uint8_t *zmq_z85_decode(uint8_t *dest, const char *text);

/*
 * A new long-term CURVE key pair (RFC 26) in Z85; the public key of a secret key. Each buffer has room for 41
 * characters. The caller guards and wipes the secret. ENOTSUP: library without CURVE. EINVAL: no key.
 */
ZMQ_EXPORT int zmq_curve_keypair(char *public_key, char *secret_key);
ZMQ_EXPORT int zmq_curve_public(char *public_key, const char *secret_key);

/* ---- Atomic counters ----------------------------------------------------------------------------------------- */

/* A counter that starts at 0, for any number of threads; NULL with ENOMEM. */
ZMQ_EXPORT void *zmq_atomic_counter_new(void);
ZMQ_EXPORT void zmq_atomic_counter_set(void *counter, int value);
/* The value before. */
ZMQ_EXPORT int zmq_atomic_counter_inc(void *counter);
/* 0 if the counter is 0 now, else 1. */
ZMQ_EXPORT int zmq_atomic_counter_dec(void *counter);
ZMQ_EXPORT int zmq_atomic_counter_value(void *counter);
/* Frees it and sets *counter to NULL. */
ZMQ_EXPORT void zmq_atomic_counter_destroy(void **counter);

/* ---- Timers -------------------------------------------------------------------------------------------------- */

#define ZMQ_HAVE_TIMERS

/* Called by zmq_timers_execute on its thread. It may add and cancel timers. */
typedef void(zmq_timer_fn)(int timer_id, void *arg);

/* A set of repeating timers; not for several threads at a time. EFAULT: no timers object. */
ZMQ_EXPORT void *zmq_timers_new(void);
/* Frees it and sets *timers to NULL. */
ZMQ_EXPORT int zmq_timers_destroy(void **timers);
/* Returns the new timer's id. interval in ms. EFAULT: no handler. */
ZMQ_EXPORT int zmq_timers_add(void *timers, size_t interval, zmq_timer_fn handler, void *arg);
/* EINVAL: no such timer; so for the next two. */
ZMQ_EXPORT int zmq_timers_cancel(void *timers, int timer_id);
/* Changes the interval, or starts it anew, from now. */
ZMQ_EXPORT int zmq_timers_set_interval(void *timers, int timer_id, size_t interval);
ZMQ_EXPORT int zmq_timers_reset(void *timers, int timer_id);
/* ms until the next timer is due, 0 if one is; -1 without an error if there is none. */
ZMQ_EXPORT long zmq_timers_timeout(void *timers);
/* Calls the handlers that are due. */
ZMQ_EXPORT int zmq_timers_execute(void *timers);

/* ---- Helpers of measuring programs --------------------------------------------------------------------------- */

/* Microseconds since start. Stop frees the watch. */
ZMQ_EXPORT void *zmq_stopwatch_start(void);
ZMQ_EXPORT unsigned long zmq_stopwatch_intermediate(void *watch);
ZMQ_EXPORT unsigned long zmq_stopwatch_stop(void *watch);

/* Sleeps for some seconds. */
ZMQ_EXPORT void zmq_sleep(int seconds);

/* Runs func(arg) in a thread, NULL if there can be none. Close waits for its end and frees the handle. */
typedef void(zmq_thread_fn)(void *);
ZMQ_EXPORT void *zmq_threadstart(zmq_thread_fn *func, void *arg);
ZMQ_EXPORT void zmq_threadclose(void *thread);

/* ---- Names that a stable release keeps to itself -------------------------------------------------------------- */

#ifdef ZMQ_BUILD_DRAFT_API

/* Options, working here whether or not a program sees their names. */
#define ZMQ_ZAP_ENFORCE_DOMAIN 93     /* int: ask the ZAP handler only if ZMQ_ZAP_DOMAIN is set (RFC 27) */
#define ZMQ_LOOPBACK_FASTPATH 94      /* int: of another system; kept, no effect */
#define ZMQ_METADATA 95               /* text, set: "X-name:value" for the peer's zmq_msg_gets */
#define ZMQ_MULTICAST_LOOP 96         /* int: multicast only */
#define ZMQ_XPUB_MANUAL_LAST_VALUE 98 /* int, set, XPUB: as MANUAL, the next message goes to the last subscriber only */
#define ZMQ_SOCKS_USERNAME 99         /* text: for ZMQ_SOCKS_PROXY */
#define ZMQ_SOCKS_PASSWORD 100        /* text */
#define ZMQ_ONLY_FIRST_SUBSCRIBE 108  /* int, set, XPUB and XSUB: only the first frame of a message may subscribe */
#define ZMQ_RECONNECT_STOP 109        /* int: when not to connect again, the bits below */

/* Bits of ZMQ_RECONNECT_STOP. */
#define ZMQ_RECONNECT_STOP_CONN_REFUSED 0x1
#define ZMQ_RECONNECT_STOP_HANDSHAKE_FAILED 0x2
#define ZMQ_RECONNECT_STOP_AFTER_DISCONNECT 0x3

/* Options that are refused with EINVAL. */
#define ZMQ_ROUTER_NOTIFY 97
#define ZMQ_IN_BATCH_SIZE 101
#define ZMQ_OUT_BATCH_SIZE 102
#define ZMQ_WSS_KEY_PEM 103
#define ZMQ_WSS_CERT_PEM 104
#define ZMQ_WSS_TRUST_PEM 105
#define ZMQ_WSS_HOSTNAME 106
#define ZMQ_WSS_TRUST_SYSTEM 107
#define ZMQ_HELLO_MSG 110
#define ZMQ_DISCONNECT_MSG 111
#define ZMQ_PRIORITY 112

/* Values of ZMQ_ROUTER_NOTIFY. */
#define ZMQ_NOTIFY_CONNECT 1
#define ZMQ_NOTIFY_DISCONNECT 2

/* Option of contexts, int: receive large messages without a copy. */
#define ZMQ_ZERO_COPY_RECV 10

/* Names for zmq_msg_gets. */
#define ZMQ_MSG_PROPERTY_ROUTING_ID "Routing-Id"
#define ZMQ_MSG_PROPERTY_SOCKET_TYPE "Socket-Type"
#define ZMQ_MSG_PROPERTY_USER_ID "User-Id"
#define ZMQ_MSG_PROPERTY_PEER_ADDRESS "Peer-Address"

/* Forms of monitor events. */
#define ZMQ_EVENT_PIPES_STATS 0x10000
#define ZMQ_CURRENT_EVENT_VERSION 1
#define ZMQ_CURRENT_EVENT_VERSION_DRAFT 2
#define ZMQ_EVENT_ALL_V1 ZMQ_EVENT_ALL
#define ZMQ_EVENT_ALL_V2 (ZMQ_EVENT_ALL_V1 | ZMQ_EVENT_PIPES_STATS)

#endif

#undef ZMQ_EXPORT

#ifdef __cplusplus
}
#endif

#endif
