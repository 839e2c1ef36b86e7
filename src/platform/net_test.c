/* SPDX-License-Identifier: ISC */
/* Stream sockets over tcp and ipc. */
#include "platform/net.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct ih_net_tuning defaults = {
    .sndbuf = -1,
    .rcvbuf = -1,
    .keepalive = -1,
    .keepalive_cnt = -1,
    .keepalive_idle = -1,
    .keepalive_intvl = -1,
};

/* --- sockets ----------------------------------------------------------------------------------------------------- */

static int listen_at(const char *text, bool ipv6, struct ih_addr *addr)
{
    assert_int_equal(ih_net_parse_bind(text, ipv6, addr), 0);
    int fd = ih_net_listen(addr, 10, ipv6, &defaults);
    assert_true(fd >= 0);
    assert_int_equal(ih_net_local(fd, addr), 0);
    return fd;
}

static void wait_for(int fd, short events)
{
    struct pollfd item = {.fd = fd, .events = events};
    assert_int_equal(poll(&item, 1, 10000), 1);
}

static int accept_at(int listener, struct ih_addr *peer)
{
    wait_for(listener, POLLIN);
    int fd = ih_net_accept(listener, peer);
    assert_true(fd >= 0);
    return fd;
}

static int connect_to(const struct ih_addr *addr, const struct ih_addr *source)
{
    bool pending;
    int fd = ih_net_connect(addr, source, &defaults, &pending);
    assert_true(fd >= 0);
    if (pending) {
        wait_for(fd, POLLOUT);
        assert_int_equal(ih_net_connect_result(fd), 0);
    }
    return fd;
}

static bool is_private(int fd)
{
    return (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof(value);
    assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

static void exchange(int client, int server)
{
    char text[8] = "", one[4] = "abc", two[3] = "de";
    const struct iovec out[] = {{one, 3}, {two, 2}};
    const struct iovec in[] = {{text, 1}, {text + 1, 7}};
    assert_int_equal(ih_net_readv(server, in, 2), -EAGAIN);
    assert_int_equal(ih_net_writev(client, out, 2), 5);
    wait_for(server, POLLIN);
    assert_int_equal(ih_net_readv(server, in, 2), 5);
    assert_string_equal(text, "abcde");
    assert_int_equal(ih_net_writev(server, out, 1), 3);
    wait_for(client, POLLIN);
    assert_int_equal(ih_net_readv(client, in + 1, 1), 3);
    assert_string_equal(text, "aabce");
    ih_net_shutdown(client);
    wait_for(server, POLLIN);
    assert_int_equal(ih_net_readv(server, in, 1), 0);
    assert_int_equal(ih_net_writev(client, out, 1), -EPIPE);
    assert_int_equal(ih_net_writev(client, out, 2), -EPIPE);
}

static void tcp_connects_and_carries(void **state)
{
    (void)state;
    struct ih_addr addr, peer, local;
    char theirs[64], ours[64];
    int listener = listen_at("127.0.0.1:*", false, &addr);
    assert_true(is_private(listener));
    assert_int_equal(ih_net_accept(listener, NULL), -EAGAIN);
    int client = connect_to(&addr, NULL);
    int server = accept_at(listener, &peer);
    assert_true(is_private(client));
    assert_true(is_private(server));
    assert_int_equal(ih_net_local(client, &local), 0);
    ih_net_format(&peer, true, theirs, sizeof(theirs));
    ih_net_format(&local, true, ours, sizeof(ours));
    assert_string_equal(theirs, ours);
    assert_int_equal(ih_net_peer(client, &peer), 0);
    assert_memory_equal(&peer, &addr, sizeof(addr));
    exchange(client, server);
    ih_net_close(client);
    ih_net_close(server);
    ih_net_close(listener);
}

static void wildcard_port_is_a_free_one_and_a_used_one_is_refused(void **state)
{
    (void)state;
    struct ih_addr one, two;
    int first = listen_at("*:*", false, &one);
    int second = listen_at("*:*", false, &two);
    assert_memory_not_equal(&one, &two, sizeof(one));
    assert_int_equal(ih_net_listen(&one, 10, false, &defaults), -EADDRINUSE);
    assert_int_equal(ih_net_parse_bind("192.0.2.77:*", false, &two), 0);
    assert_int_equal(ih_net_listen(&two, 10, false, &defaults), -EADDRNOTAVAIL);
    ih_net_close(first);
    ih_net_close(second);
}

static void ipv6_wildcard_takes_ipv4_too(void **state)
{
    (void)state;
    struct ih_addr addr, target, source, peer;
    char text[64], host[64];
    int listener = listen_at("*:*", true, &addr);
    ih_net_format(&addr, true, text, sizeof(text));
    (void)snprintf(host, sizeof(host), "127.0.0.1:%s", strrchr(text, ':') + 1);
    assert_int_equal(ih_net_parse_connect(host, false, &source, &target), 1);
    int client = connect_to(&target, &source);
    int server = accept_at(listener, &peer);
    ih_net_format(&peer, false, text, sizeof(text));
    if (addr.storage.ss_family == AF_INET6) {
        assert_string_equal(text, "::ffff:127.0.0.1");
    }
    ih_net_close(client);
    ih_net_close(server);
    ih_net_close(listener);
}

static void connects_from_the_source_address(void **state)
{
    (void)state;
    struct ih_addr addr, source, peer;
    char text[64];
    int listener = listen_at("127.0.0.1:*", false, &addr);
    assert_int_equal(ih_net_parse_bind("127.0.0.2:*", false, &source), 0);
    int client = connect_to(&addr, &source);
    int server = accept_at(listener, &peer);
    ih_net_format(&peer, false, text, sizeof(text));
    assert_string_equal(text, "127.0.0.2");
    bool pending;
    assert_int_equal(ih_net_parse_bind("192.0.2.77:*", false, &source), 0);
    assert_int_equal(ih_net_connect(&addr, &source, &defaults, &pending), -EADDRNOTAVAIL);
    ih_net_close(client);
    ih_net_close(server);
    ih_net_close(listener);
}

static void nobody_listening_is_refused(void **state)
{
    (void)state;
    struct ih_addr addr;
    bool pending = false;
    /* Bound and not listening: the port stays the test's own. */
    int holder = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(holder >= 0);
    assert_int_equal(ih_net_parse_bind("127.0.0.1:*", false, &addr), 0);
    assert_int_equal(bind(holder, (const struct sockaddr *)&addr.storage, addr.size), 0);
    assert_int_equal(ih_net_local(holder, &addr), 0);
    int fd = ih_net_connect(&addr, NULL, &defaults, &pending);
    if (fd >= 0) {
        assert_true(pending);
        wait_for(fd, POLLOUT);
        assert_int_equal(ih_net_connect_result(fd), -ECONNREFUSED);
        ih_net_close(fd);
    } else {
        assert_int_equal(fd, -ECONNREFUSED);
    }
    ih_net_close(holder);
}

/* From its own port TCP would connect the socket to itself and the program would talk to its echo. */
static void never_connects_to_itself(void **state)
{
    (void)state;
    struct ih_addr addr;
    bool pending = false;
    ih_net_close(listen_at("127.0.0.1:*", false, &addr));
    int fd = ih_net_connect(&addr, &addr, &defaults, &pending);
    if (fd >= 0) {
        assert_true(pending);
        wait_for(fd, POLLOUT);
        assert_int_equal(ih_net_connect_result(fd), -ECONNREFUSED);
        ih_net_close(fd);
    } else {
        assert_int_equal(fd, -ECONNREFUSED);
    }
}

static void tuning_reaches_the_descriptor(void **state)
{
    (void)state;
    const struct ih_net_tuning tuning = {.sndbuf = 40000,
                                         .rcvbuf = 50000,
                                         .tos = 0x10,
                                         .keepalive = 1,
                                         .keepalive_cnt = 5,
                                         .keepalive_idle = 77,
                                         .keepalive_intvl = 9,
                                         .maxrt_ms = 4321};
    struct ih_addr addr;
    int listener = listen_at("127.0.0.1:*", false, &addr);
    int client = connect_to(&addr, NULL);
    int server = accept_at(listener, NULL);
    assert_int_equal(option(client, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option(client, SOL_SOCKET, SO_KEEPALIVE), 0);
    assert_int_equal(fcntl(server, F_SETFL, fcntl(server, F_GETFL) & ~O_NONBLOCK), 0);
    assert_int_equal(ih_net_tune(server, &tuning), 0);
    assert_true(is_private(server));
    assert_int_equal(option(server, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_true(option(server, SOL_SOCKET, SO_SNDBUF) >= 40000);
    assert_true(option(server, SOL_SOCKET, SO_RCVBUF) >= 50000);
    assert_int_equal(option(server, IPPROTO_IP, IP_TOS), 0x10);
    assert_int_equal(option(server, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(server, IPPROTO_TCP, TCP_KEEPCNT), 5);
    assert_int_equal(option(server, IPPROTO_TCP, TCP_KEEPIDLE), 77);
    assert_int_equal(option(server, IPPROTO_TCP, TCP_KEEPINTVL), 9);
    assert_int_equal(option(server, IPPROTO_TCP, TCP_USER_TIMEOUT), 4321);
    struct ih_net_tuning device = defaults;
    device.device = "nosuchif0";
    assert_true(ih_net_listen(&addr, 10, false, &device) < 0);
    ih_net_close(client);
    ih_net_close(server);
    ih_net_close(listener);
}

static void adopts_only_listeners(void **state)
{
    (void)state;
    struct ih_addr addr;
    int pair[2], pipes[2];
    int listener = listen_at("127.0.0.1:*", false, &addr);
    assert_int_equal(fcntl(listener, F_SETFL, 0), 0);
    assert_int_equal(ih_net_adopt(listener), 0);
    assert_int_equal(ih_net_accept(listener, NULL), -EAGAIN);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(ih_net_adopt(pair[0]), -EINVAL);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(ih_net_adopt(pipes[0]), -ENOTSOCK);
    assert_int_equal(ih_net_tune(pair[0], &defaults), 0);
    ih_net_close(listener);
    ih_net_close(pair[0]);
    ih_net_close(pair[1]);
    ih_net_close(pipes[0]);
    ih_net_close(pipes[1]);
    assert_int_equal(ih_net_adopt(pair[0]), -EBADF);
}

/* --- ipc --------------------------------------------------------------------------------------------------------- */

/* A directory of the test's own. */
static char home[64];

static void ipc_addr(const char *name, struct ih_addr *addr)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", home, name);
    assert_int_equal(ih_net_parse_ipc(path, addr), 0);
}

static bool exists(const char *name)
{
    char path[128];
    struct stat st;
    (void)snprintf(path, sizeof(path), "%s/%s", home, name);
    return lstat(path, &st) == 0;
}

static void write_file(const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", home, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void ipc_connects_and_knows_its_peer(void **state)
{
    (void)state;
    struct ih_addr addr, peer;
    pid_t pid;
    uid_t uid;
    gid_t gid;
    ipc_addr("carry", &addr);
    int listener = ih_net_listen(&addr, 10, false, &defaults);
    assert_true(listener >= 0);
    assert_true(is_private(listener));
    int client = connect_to(&addr, NULL);
    int server = accept_at(listener, &peer);
    assert_int_equal(ih_net_tune(server, &defaults), 0);
    assert_int_equal(ih_net_credentials(server, &pid, &uid, &gid), 0);
    assert_int_equal(pid, getpid());
    assert_int_equal(uid, geteuid());
    assert_int_equal(gid, getegid());
    exchange(client, server);
    ih_net_close(client);
    ih_net_close(server);
    ih_net_close(listener);
}

static void ipc_replaces_a_socket_listening_or_not(void **state)
{
    (void)state;
    struct ih_addr addr;
    struct ih_net_file first, second;
    ipc_addr("replaced", &addr);
    int one = ih_net_listen(&addr, 10, false, &defaults);
    assert_true(one >= 0);
    ih_net_ipc_file(&addr, &first);
    int two = ih_net_listen(&addr, 10, false, &defaults);
    assert_true(two >= 0);
    ih_net_ipc_file(&addr, &second);
    int client = connect_to(&addr, NULL);
    int server = accept_at(two, NULL);
    assert_int_equal(ih_net_accept(one, NULL), -EAGAIN);
    ih_net_close(one);
    ih_net_ipc_remove(&addr, &first); /* is another's by now */
    assert_true(exists("replaced"));
    ih_net_close(two); /* leaves a stale path */
    two = ih_net_listen(&addr, 10, false, &defaults);
    assert_true(two >= 0);
    ih_net_ipc_file(&addr, &second);
    ih_net_ipc_remove(&addr, &second);
    assert_false(exists("replaced"));
    ih_net_ipc_remove(&addr, &second);
    ih_net_close(client);
    ih_net_close(server);
    ih_net_close(two);
}

static void ipc_spares_what_is_no_socket(void **state)
{
    (void)state;
    struct ih_addr addr;
    write_file("data", "precious");
    ipc_addr("data", &addr);
    assert_int_equal(ih_net_listen(&addr, 10, false, &defaults), -EADDRINUSE);
    assert_true(exists("data"));
    write_file("empty", "");
    ipc_addr("empty", &addr);
    int fd = ih_net_listen(&addr, 10, false, &defaults);
    assert_true(fd >= 0);
    ih_net_close(fd);
    ipc_addr("no/such/directory", &addr);
    assert_int_equal(ih_net_listen(&addr, 10, false, &defaults), -ENOENT);
    bool pending;
    assert_int_equal(ih_net_connect(&addr, NULL, &defaults, &pending), -ENOENT);
}

static void ipc_abstract_names_leave_no_file(void **state)
{
    (void)state;
    struct ih_addr addr, local;
    struct ih_net_file file;
    char name[64], text[128];
    (void)snprintf(name, sizeof(name), "@ironhouse-%ld", (long)getpid());
    assert_int_equal(ih_net_parse_ipc(name, &addr), 0);
    int listener = ih_net_listen(&addr, 10, false, &defaults);
    assert_true(listener >= 0);
    assert_int_equal(ih_net_listen(&addr, 10, false, &defaults), -EADDRINUSE);
    assert_int_equal(ih_net_local(listener, &local), 0);
    ih_net_format(&local, true, text, sizeof(text));
    assert_string_equal(text, name);
    ih_net_ipc_file(&addr, &file);
    assert_int_equal(file.inode, 0);
    ih_net_ipc_remove(&addr, &file);
    int client = connect_to(&addr, NULL);
    ih_net_close(accept_at(listener, NULL));
    ih_net_close(client);
    ih_net_close(listener);
    bool pending;
    assert_int_equal(ih_net_connect(&addr, NULL, &defaults, &pending), -ECONNREFUSED);
}

static void ipc_full_backlog_says_again(void **state)
{
    (void)state;
    struct ih_addr addr;
    int fds[100];
    size_t count = 0;
    bool pending;
    ipc_addr("full", &addr);
    int listener = ih_net_listen(&addr, 1, false, &defaults);
    assert_true(listener >= 0);
    do {
        assert_true(count < COUNT(fds));
        fds[count] = ih_net_connect(&addr, NULL, &defaults, &pending);
    } while (fds[count++] >= 0);
    assert_int_equal(fds[--count], -EAGAIN);
    while (count > 0) {
        ih_net_close(fds[--count]);
    }
    ih_net_close(listener);
}

static void ipc_wildcard_is_a_path_of_its_own(void **state)
{
    (void)state;
    struct ih_addr addr;
    char path[128], dir[128], other[128], other_dir[128], tiny[8];
    assert_int_equal(setenv("TMPDIR", home, 1), 0);
    assert_int_equal(ih_net_ipc_wildcard(path, sizeof(path), dir, sizeof(dir)), 0);
    assert_int_equal(ih_net_ipc_wildcard(other, sizeof(other), other_dir, sizeof(other_dir)), 0);
    assert_string_not_equal(path, other);
    assert_memory_equal(path, home, strlen(home));
    assert_int_equal(ih_net_parse_ipc(path, &addr), 0);
    int fd = ih_net_listen(&addr, 10, false, &defaults);
    assert_true(fd >= 0);
    ih_net_close(fd);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(rmdir(other_dir), 0);
    assert_int_equal(ih_net_ipc_wildcard(tiny, sizeof(tiny), dir, sizeof(dir)), -ENAMETOOLONG);
    assert_int_equal(ih_net_ipc_wildcard(path, sizeof(path), tiny, sizeof(tiny)), -ENAMETOOLONG);
    char deep[120];
    memset(deep, 'd', sizeof(deep));
    deep[0] = '/';
    deep[sizeof(deep) - 1] = '\0';
    assert_int_equal(setenv("TMPDIR", deep, 1), 0);
    char room[200], dir_room[200];
    assert_int_equal(ih_net_ipc_wildcard(room, sizeof(room), dir_room, sizeof(dir_room)), -ENAMETOOLONG);
    assert_int_equal(unsetenv("TMPDIR"), 0);
}

static int make_home(void **state)
{
    (void)state;
    (void)snprintf(home, sizeof(home), "/tmp/ih-net-XXXXXX");
    return mkdtemp(home) == NULL;
}

static int remove_home(void **state)
{
    static const char *const names[] = {"carry", "data", "empty", "full", "replaced"};
    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        char path[128];
        (void)snprintf(path, sizeof(path), "%s/%s", home, names[i]);
        (void)unlink(path);
    }
    return rmdir(home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcp_connects_and_carries),
        cmocka_unit_test(wildcard_port_is_a_free_one_and_a_used_one_is_refused),
        cmocka_unit_test(ipv6_wildcard_takes_ipv4_too),
        cmocka_unit_test(connects_from_the_source_address),
        cmocka_unit_test(nobody_listening_is_refused),
        cmocka_unit_test(never_connects_to_itself),
        cmocka_unit_test(tuning_reaches_the_descriptor),
        cmocka_unit_test(adopts_only_listeners),
        cmocka_unit_test(ipc_connects_and_knows_its_peer),
        cmocka_unit_test(ipc_replaces_a_socket_listening_or_not),
        cmocka_unit_test(ipc_spares_what_is_no_socket),
        cmocka_unit_test(ipc_abstract_names_leave_no_file),
        cmocka_unit_test(ipc_full_backlog_says_again),
        cmocka_unit_test(ipc_wildcard_is_a_path_of_its_own),
    };
    return cmocka_run_group_tests(tests, make_home, remove_home);
}
