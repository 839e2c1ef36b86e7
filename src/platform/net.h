/* SPDX-License-Identifier: ISC */
/* Stream sockets of the operating system: addresses, listening, connecting, reading, writing, options.
 * Nothing here blocks but ih_net_resolve. All functions return 0 or a value, or a negative errno. */
#ifndef IH_PLATFORM_NET_H
#define IH_PLATFORM_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

/* An address of any family; plain value. */
struct ih_addr {
    struct sockaddr_storage storage;
    socklen_t size; /* 0: none */
};

/* Where an endpoint leads, for a proxy to connect to; plain value. */
struct ih_net_target {
    uint8_t ip[16];  /* of a literal */
    uint8_t ip_size; /* 4, 16, or 0: host is a name */
    char host[256];  /* as written, without brackets */
    uint16_t port;
};

/* ZMQ_TCP_ACCEPT_FILTER: a network, IPv4 as ::ffff:a.b.c.d; plain value. */
struct ih_net_filter {
    uint8_t network[16];
    unsigned prefix; /* bits of it that must agree */
};

/* The file of a bound ipc path, to know it again; plain value. */
struct ih_net_file {
    dev_t device;
    ino_t inode; /* 0: none */
};

/* Options for a descriptor; -1 leaves the system's default. */
struct ih_net_tuning {
    int sndbuf, rcvbuf, tos;
    int keepalive, keepalive_cnt, keepalive_idle, keepalive_intvl;
    int maxrt_ms;       /* TCP_USER_TIMEOUT, 0: default */
    const char *device; /* SO_BINDTODEVICE, NULL or "": none; only ih_net_listen and ih_net_connect set it */
};

/* The address of a literal "HOST:PORT" for zmq_bind: HOST is an IPv4 or IPv6 address ([...] around IPv6, with
 * %scope), "*" (any; IPv6 any if ipv6), or an interface name; PORT a number, "*" or "0" (any port). No host names:
 * -ENODEV. -EINVAL for what cannot be parsed. With ipv6 an IPv4 address comes out as ::ffff:a.b.c.d. As in libzmq, a
 * port's number is taken modulo 65536, and what follows its digits is not looked at. */
int ih_net_parse_bind(const char *text, bool ipv6, struct ih_addr *addr);

/* For zmq_connect: "[SRC;]HOST:PORT". Source (may be absent: size 0) as for bind. If HOST is a literal, *addr is
 * filled in and 1 is returned; if it is a name that must be resolved, 0 (then use ih_net_resolve). "*" is -EINVAL,
 * as is a missing port. -ENODEV: SRC is no address of this machine's now; zmq_connect succeeds all the same, so look
 * again later. */
int ih_net_parse_connect(const char *text, bool ipv6, struct ih_addr *source, struct ih_addr *addr);

/* The same text, of which nothing is looked up here: IPv6 needs no option, SRC is not looked at. -EINVAL. */
int ih_net_parse_target(const char *text, struct ih_net_target *target);

/* Looks the host name in "[SRC;]HOST:PORT" up; BLOCKS: never with a lock held, never on a caller's thread. -ENODEV:
 * no such host, or no address of the family; -EAGAIN: the name server does not answer; -EINVAL, -ENOMEM. */
int ih_net_resolve(const char *text, bool ipv6, struct ih_addr *addr);

/* ipc: "PATH" or "@NAME" (abstract). -ENAMETOOLONG, -EINVAL. */
int ih_net_parse_ipc(const char *path, struct ih_addr *addr);

/* "192.0.2.1:5555" or "[2001:db8::1]:5555": with_port; without port and brackets else (as Peer-Address and ZAP
 * want). For ipc the path. Truncates, always NUL-terminated. */
void ih_net_format(const struct ih_addr *addr, bool with_port, char *text, size_t size);

/* A number for whoever has that address, whatever the port: whoever has one IPv6 address has its network of 64 bits to choose
 * others from. All ipc addresses are of one. */
uint64_t ih_net_host(const struct ih_addr *addr);

/* "10.0.0.0/8", "::1", ... for ZMQ_TCP_ACCEPT_FILTER; ends at size or the first NUL. -EINVAL. */
int ih_net_parse_filter(const char *text, size_t size, bool ipv6, struct ih_net_filter *filter);
bool ih_net_filter_match(const struct ih_net_filter *filter, const struct ih_addr *addr);

/* A non-blocking, close-on-exec listener. ipv6: accept IPv4 on an IPv6 wildcard too. For ipc, a socket at the path
 * is replaced, listening or not (zmq_ipc(7): "any existing binding shall be overridden"), and so is an empty file;
 * anything else at the path, or an abstract name in use, is -EADDRINUSE. */
int ih_net_listen(const struct ih_addr *addr, int backlog, bool ipv6, const struct ih_net_tuning *tuning);

/* For ZMQ_USE_FD: makes a listener of the program's non-blocking. -EINVAL: it does not listen; -ENOTSOCK, -EBADF. */
int ih_net_adopt(int fd);

/* The file that a listener for ipc has just made, and its removal, unless another has taken its place since. An
 * abstract name has none. */
void ih_net_ipc_file(const struct ih_addr *addr, struct ih_net_file *file);
void ih_net_ipc_remove(const struct ih_addr *addr, const struct ih_net_file *file);

/* The address a descriptor is bound or connected to. */
int ih_net_local(int fd, struct ih_addr *addr);
int ih_net_peer(int fd, struct ih_addr *addr);

/* A new connection, non-blocking, close-on-exec; *peer may be NULL. -EAGAIN when there is none. -ECONNABORTED and
 * the like are transient; -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM mean: pause. */
int ih_net_accept(int listener, struct ih_addr *peer);

/* Starts connecting: the descriptor, *pending true if it is not connected yet (wait for writability, then
 * ih_net_connect_result). source may be NULL. -EAGAIN: an ipc listener's backlog is full, try again later. */
int ih_net_connect(const struct ih_addr *addr, const struct ih_addr *source, const struct ih_net_tuning *tuning,
                   bool *pending);
int ih_net_connect_result(int fd);

/* For accepted descriptors: non-blocking, and for tcp TCP_NODELAY; tuning. Connected ones have it already. */
int ih_net_tune(int fd, const struct ih_net_tuning *tuning);

/* SO_PEERCRED and the peer's supplementary groups are not looked at: pid, uid, gid of an ipc peer. */
int ih_net_credentials(int fd, pid_t *pid, uid_t *uid, gid_t *gid);

/* Octets, 0 at end of stream, -EAGAIN, or another negative errno. Never raises SIGPIPE. */
ssize_t ih_net_readv(int fd, const struct iovec *iov, int count);
ssize_t ih_net_writev(int fd, const struct iovec *iov, int count);

/* Ends both directions, so that whoever is in a call on the descriptor returns; it stays open. */
void ih_net_shutdown(int fd);

void ih_net_close(int fd);

/* For the ipc wildcard: a fresh path in a new directory in $TMPDIR or /tmp. The directory is the caller's to remove
 * after the path. -ENAMETOOLONG. */
int ih_net_ipc_wildcard(char *path, size_t size, char *dir, size_t dir_size);

#endif
