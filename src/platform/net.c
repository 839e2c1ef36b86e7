/* SPDX-License-Identifier: ISC */
/* Stream sockets of the operating system. */
#include "platform/net.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int set_int(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value)) == 0 ? 0 : -errno;
}

static int get_int(int fd, int level, int name, int *value)
{
    socklen_t size = sizeof(*value);
    return getsockopt(fd, level, name, value, &size) == 0 ? 0 : -errno;
}

/* One of setsockopt's options that a value below `least` leaves alone. */
struct setting {
    int level;
    int name;
    int value;
    int least;
};

static int set_all(int fd, const struct setting *settings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct setting *s = &settings[i];
        int rc = s->value < s->least ? 0 : set_int(fd, s->level, s->name, s->value);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static int tune_tcp(int fd, int domain, const struct ih_net_tuning *tuning)
{
    const struct setting settings[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1, 0},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, tuning->maxrt_ms, 1},
        {IPPROTO_IP, IP_TOS, tuning->tos, 1},
        {SOL_SOCKET, SO_KEEPALIVE, tuning->keepalive, 0},
    };
    const struct setting probes[] = {
        {IPPROTO_TCP, TCP_KEEPCNT, tuning->keepalive_cnt, 0},
        {IPPROTO_TCP, TCP_KEEPIDLE, tuning->keepalive_idle, 0},
        {IPPROTO_TCP, TCP_KEEPINTVL, tuning->keepalive_intvl, 0},
    };
    int rc = set_all(fd, settings, sizeof(settings) / sizeof(settings[0]));
    if (rc == 0 && tuning->tos > 0 && domain == AF_INET6) {
        rc = set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, tuning->tos & 0xff);
    }
    if (rc == 0 && tuning->keepalive > 0) {
        rc = set_all(fd, probes, sizeof(probes) / sizeof(probes[0]));
    }
    return rc;
}

static int tune(int fd, int domain, const struct ih_net_tuning *tuning)
{
    const struct setting buffers[] = {
        {SOL_SOCKET, SO_SNDBUF, tuning->sndbuf, 0},
        {SOL_SOCKET, SO_RCVBUF, tuning->rcvbuf, 0},
    };
    int rc = set_all(fd, buffers, sizeof(buffers) / sizeof(buffers[0]));
    if (rc == 0 && (domain == AF_INET || domain == AF_INET6)) {
        rc = tune_tcp(fd, domain, tuning);
    }
    return rc;
}

static int set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) {
        return -errno;
    }
    if ((flags & O_NONBLOCK) == 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        return -errno;
    }
    return 0;
}

int ih_net_tune(int fd, const struct ih_net_tuning *tuning)
{
    int domain;
    int rc = get_int(fd, SOL_SOCKET, SO_DOMAIN, &domain);
    if (rc == 0) {
        rc = set_nonblocking(fd);
    }
    return rc == 0 ? tune(fd, domain, tuning) : rc;
}

int ih_net_adopt(int fd)
{
    int listening;
    int rc = get_int(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening);
    if (rc != 0) {
        return rc;
    }
    return listening ? set_nonblocking(fd) : -EINVAL;
}

/* The IPv4 address in an IPv6 one, for machines without IPv6. */
static bool downgrade(const struct ih_addr *addr, struct ih_addr *ipv4)
{
    if (addr->storage.ss_family != AF_INET6) {
        return false;
    }
    const struct sockaddr_in6 *sin6 = (const void *)&addr->storage;
    if (!IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr) && !IN6_IS_ADDR_UNSPECIFIED(&sin6->sin6_addr)) {
        return false;
    }
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = sin6->sin6_port};
    memcpy(&sin.sin_addr, sin6->sin6_addr.s6_addr + 12, sizeof(sin.sin_addr));
    memset(ipv4, 0, sizeof(*ipv4));
    memcpy(&ipv4->storage, &sin, sizeof(sin));
    ipv4->size = sizeof(sin);
    return true;
}

/* A tuned socket of the address's family, or of IPv4 if need be: *addr is changed then. Buffer sizes are set here
 * because TCP's window scale is agreed on when the connection is made. */
static int open_stream(struct ih_addr *addr, const struct ih_net_tuning *tuning)
{
    struct ih_addr ipv4;
    int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int fd = socket(addr->storage.ss_family, type, 0);
    if (fd < 0 && errno == EAFNOSUPPORT && downgrade(addr, &ipv4)) {
        *addr = ipv4;
        fd = socket(AF_INET, type, 0);
    }
    if (fd < 0) {
        return -errno;
    }
    int rc = tune(fd, addr->storage.ss_family, tuning);
    if (rc == 0 && addr->storage.ss_family != AF_UNIX && tuning->device != NULL && tuning->device[0] != '\0') {
        socklen_t size = (socklen_t)strlen(tuning->device);
        rc = setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, tuning->device, size) == 0 ? 0 : -errno;
    }
    if (rc != 0) {
        ih_net_close(fd);
        return rc;
    }
    return fd;
}

static const struct sockaddr *generic(const struct ih_addr *addr)
{
    return (const struct sockaddr *)&addr->storage;
}

static const char *ipc_path(const struct ih_addr *addr)
{
    const struct sockaddr_un *sun = (const void *)&addr->storage;
    return addr->storage.ss_family == AF_UNIX && sun->sun_path[0] != '\0' ? sun->sun_path : NULL;
}

/* Removes what a listener left behind at an ipc path, and nothing that may be somebody's data. */
static bool clear_path(const struct ih_addr *addr)
{
    struct stat st;
    const char *path = ipc_path(addr);
    if (path == NULL || lstat(path, &st) != 0) {
        return false;
    }
    return (S_ISSOCK(st.st_mode) || (S_ISREG(st.st_mode) && st.st_size == 0)) && unlink(path) == 0;
}

static int bind_to(int fd, const struct ih_addr *addr)
{
    if (bind(fd, generic(addr), addr->size) == 0) {
        return 0;
    }
    int rc = -errno;
    if (rc == -EADDRINUSE && clear_path(addr)) {
        rc = bind(fd, generic(addr), addr->size) == 0 ? 0 : -errno;
    }
    return rc;
}

int ih_net_listen(const struct ih_addr *addr, int backlog, bool ipv6, const struct ih_net_tuning *tuning)
{
    struct ih_addr local = *addr;
    int rc = 0;
    int fd = open_stream(&local, tuning);
    if (fd < 0) {
        return fd;
    }
    if (local.storage.ss_family == AF_INET6) {
        rc = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, ipv6 ? 0 : 1);
    }
    /* A server that starts again need not wait for its old connections to time out. */
    if (rc == 0 && local.storage.ss_family != AF_UNIX) {
        rc = set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    }
    if (rc == 0) {
        rc = bind_to(fd, &local);
    }
    if (rc == 0 && listen(fd, backlog) != 0) {
        rc = -errno;
    }
    if (rc != 0) {
        ih_net_close(fd);
        return rc;
    }
    return fd;
}

void ih_net_ipc_file(const struct ih_addr *addr, struct ih_net_file *file)
{
    struct stat st;
    const char *path = ipc_path(addr);
    if (path != NULL && lstat(path, &st) == 0) {
        *file = (struct ih_net_file){.device = st.st_dev, .inode = st.st_ino};
    } else {
        *file = (struct ih_net_file){.inode = 0};
    }
}

void ih_net_ipc_remove(const struct ih_addr *addr, const struct ih_net_file *file)
{
    struct ih_net_file now;
    ih_net_ipc_file(addr, &now);
    if (now.inode != 0 && now.inode == file->inode && now.device == file->device) {
        (void)unlink(ipc_path(addr));
    }
}

int ih_net_ipc_wildcard(char *path, size_t size, char *dir, size_t dir_size)
{
    const char *parent = secure_getenv("TMPDIR");
    if (parent == NULL || parent[0] == '\0') {
        parent = "/tmp";
    }
    int length = snprintf(dir, dir_size, "%s/tmpXXXXXX", parent);
    struct sockaddr_un sun;
    size_t needed = length < 0 ? SIZE_MAX : (size_t)length + sizeof("/socket");
    if (length < 0 || (size_t)length >= dir_size || needed > size || needed > sizeof(sun.sun_path)) {
        return -ENAMETOOLONG;
    }
    if (mkdtemp(dir) == NULL) {
        return -errno;
    }
    (void)snprintf(path, size, "%s/socket", dir);
    return 0;
}

int ih_net_local(int fd, struct ih_addr *addr)
{
    memset(addr, 0, sizeof(*addr));
    addr->size = sizeof(addr->storage);
    return getsockname(fd, (struct sockaddr *)&addr->storage, &addr->size) == 0 ? 0 : -errno;
}

int ih_net_peer(int fd, struct ih_addr *addr)
{
    memset(addr, 0, sizeof(*addr));
    addr->size = sizeof(addr->storage);
    return getpeername(fd, (struct sockaddr *)&addr->storage, &addr->size) == 0 ? 0 : -errno;
}

int ih_net_accept(int listener, struct ih_addr *peer)
{
    struct ih_addr addr = {.size = sizeof(addr.storage)};
    int fd;
    do {
        fd = accept4(listener, (struct sockaddr *)&addr.storage, &addr.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) {
        return -errno;
    }
    if (peer != NULL) {
        *peer = addr;
    }
    return fd;
}

static int bind_source(int fd, const struct ih_addr *source)
{
    struct ih_addr local = *source;
    struct ih_addr ipv4;
    int domain;
    int rc = get_int(fd, SOL_SOCKET, SO_DOMAIN, &domain);
    if (rc != 0) {
        return rc;
    }
    if (domain == AF_INET && downgrade(&local, &ipv4)) {
        local = ipv4;
    }
    /* Several connections may leave from one port, to different peers. */
    rc = set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (rc != 0) {
        return rc;
    }
    return bind(fd, generic(&local), local.size) == 0 ? 0 : -errno;
}

/* To a port of this machine's on which nobody listens, TCP may connect the socket to itself. */
static int refuse_self(int fd)
{
    struct ih_addr local, peer;
    int rc = ih_net_local(fd, &local);
    if (rc == 0) {
        rc = ih_net_peer(fd, &peer);
    }
    if (rc == 0 && local.storage.ss_family != AF_UNIX && local.size == peer.size &&
        memcmp(&local.storage, &peer.storage, local.size) == 0) {
        rc = -ECONNREFUSED;
    }
    return rc;
}

int ih_net_connect(const struct ih_addr *addr, const struct ih_addr *source, const struct ih_net_tuning *tuning,
                   bool *pending)
{
    struct ih_addr remote = *addr;
    int rc = 0;
    int fd = open_stream(&remote, tuning);
    if (fd < 0) {
        return fd;
    }
    if (remote.storage.ss_family == AF_INET6) {
        rc = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    }
    if (rc == 0 && source != NULL && source->size > 0) {
        rc = bind_source(fd, source);
    }
    bool waits = false;
    if (rc == 0 && connect(fd, generic(&remote), remote.size) != 0) {
        waits = errno == EINPROGRESS || errno == EINTR;
        rc = waits ? 0 : -errno;
    }
    if (rc == 0 && !waits) {
        rc = refuse_self(fd);
    }
    if (rc != 0) {
        ih_net_close(fd);
        return rc;
    }
    *pending = waits;
    return fd;
}

int ih_net_connect_result(int fd)
{
    int error;
    int rc = get_int(fd, SOL_SOCKET, SO_ERROR, &error);
    if (rc == 0 && error != 0) {
        rc = -error;
    }
    return rc == 0 ? refuse_self(fd) : rc;
}

int ih_net_credentials(int fd, pid_t *pid, uid_t *uid, gid_t *gid)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        return -errno;
    }
    *pid = peer.pid;
    *uid = peer.uid;
    *gid = peer.gid;
    return 0;
}

ssize_t ih_net_readv(int fd, const struct iovec *iov, int count)
{
    ssize_t rc;
    do {
        rc = count == 1 ? recv(fd, iov[0].iov_base, iov[0].iov_len, 0) : readv(fd, iov, count);
    } while (rc < 0 && errno == EINTR);
    return rc < 0 ? -errno : rc;
}

ssize_t ih_net_writev(int fd, const struct iovec *iov, int count)
{
    struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)count};
    ssize_t rc;
    do {
        rc = count == 1 ? send(fd, iov[0].iov_base, iov[0].iov_len, MSG_NOSIGNAL) : sendmsg(fd, &msg, MSG_NOSIGNAL);
    } while (rc < 0 && errno == EINTR);
    return rc < 0 ? -errno : rc;
}

void ih_net_shutdown(int fd)
{
    int saved = errno;
    (void)shutdown(fd, SHUT_RDWR);
    errno = saved;
}

void ih_net_close(int fd)
{
    int saved = errno;
    (void)close(fd);
    errno = saved;
}
