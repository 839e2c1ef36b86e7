/* SPDX-License-Identifier: ISC */
/* The endpoint by plain sockets: what it serves, and whom it bears. Where libmicrohttpd was not found there is none. */
#include "auth/metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct auth_metrics *metrics;
static struct auth_http *http;

static int setup(void **state)
{
    (void)state;
    if (auth_metrics_new(&metrics, NULL, 0) != 0)
        return -1;
    return auth_http_available() ? auth_http_start(&http, "127.0.0.1:0", metrics) : 0;
}

static int teardown(void **state)
{
    (void)state;
    auth_http_stop(http);
    http = NULL;
    auth_metrics_free(metrics);
    return 0;
}

static int dial(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)auth_http_port(http))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void say(int fd, const char *request)
{
    (void)send(fd, request, strlen(request), MSG_NOSIGNAL); /* perhaps it is closed already */
}

/* All that comes until the other end closes. */
static const char *hear(int fd)
{
    static char text[1 << 18];
    size_t size = 0;
    ssize_t count;

    while ((count = recv(fd, text + size, sizeof text - 1 - size, 0)) > 0)
        size += (size_t)count;
    text[size] = '\0';
    assert_int_equal(close(fd), 0);
    return text;
}

static const char *ask(const char *request)
{
    int fd = dial();

    say(fd, request);
    return hear(fd);
}

#define GET "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static void test_metrics(void **state)
{
    const char *text;

    (void)state;
    if (!auth_http_available())
        skip();
    auth_metrics_revoked(metrics, 7);
    text = ask(GET);
    assert_int_equal(strncmp(text, "HTTP/1.1 200 ", 13), 0);
    assert_non_null(strstr(text, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    assert_non_null(strstr(text, "\nironauth_revoked_total 7\n"));
}

static void test_nothing_else(void **state)
{
    (void)state;
    if (!auth_http_available())
        skip();
    assert_int_equal(strncmp(ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), "HTTP/1.1 404 ", 13), 0);
    assert_int_equal(
        strncmp(ask("GET /metrics/../x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), "HTTP/1.1 404 ", 13), 0);
    assert_int_equal(
        strncmp(ask("HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), "HTTP/1.1 405 ", 13), 0);
    assert_non_null(
        strstr(ask("POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nabcd"),
               "\r\nAllow: GET\r\n"));
}

/* Malformed and endless requests end; and the next one is answered. */
static void test_hostile_requests(void **state)
{
    static char endless[100000];
    int fd;

    (void)state;
    if (!auth_http_available())
        skip();
    assert_null(strstr(ask("\x01\xff nonsense\r\n\r\n"), "HTTP/1.1 200 "));
    assert_null(strstr(ask("GET\r\n\r\n"), "HTTP/1.1 200 "));
    (void)snprintf(endless, sizeof endless, "GET /metrics%090000d", 0);
    assert_null(strstr(ask(endless), "HTTP/1.1 200 "));
    (void)snprintf(endless, sizeof endless, "GET /metrics HTTP/1.1\r\nX: %090000d", 0);
    assert_null(strstr(ask(endless), "HTTP/1.1 200 "));
    fd = dial();
    say(fd, "GET /met");
    assert_int_equal(close(fd), 0);
    assert_non_null(strstr(ask(GET), "HTTP/1.1 200 "));
}

/* As many silent ones as it takes, and more: as soon as one goes, the next is served. */
static void test_silent_connections(void **state)
{
    enum { SILENT = 40 };
    int fds[SILENT];

    (void)state;
    if (!auth_http_available())
        skip();
    for (int i = 0; i < SILENT; i++)
        fds[i] = dial();
    for (int i = 0; i < SILENT; i++)
        assert_int_equal(close(fds[i]), 0);
    assert_non_null(strstr(ask(GET), "HTTP/1.1 200 "));
}

static void test_ipv6(void **state)
{
    struct auth_http *other = NULL;
    int rc;

    (void)state;
    if (!auth_http_available())
        skip();
    rc = auth_http_start(&other, "[::1]:0", metrics);
    if (rc == -EADDRNOTAVAIL || rc == -EAFNOSUPPORT) /* a system without IPv6 */
        skip();
    assert_int_equal(rc, 0);
    assert_true(auth_http_port(other) > 0);
    auth_http_stop(other);
}

static void test_addresses(void **state)
{
    struct auth_http *other = NULL;
    char taken[32];

    (void)state;
    if (!auth_http_available())
        skip();
    assert_int_equal(auth_http_start(&other, "0.0.0.0:0", metrics), -EINVAL);
    assert_int_equal(auth_http_start(&other, "example.org:80", metrics), -EINVAL);
    assert_int_equal(auth_http_start(&other, "", metrics), -EINVAL);
    (void)snprintf(taken, sizeof taken, "127.0.0.1:%u", auth_http_port(http));
    assert_int_equal(auth_http_start(&other, taken, metrics), -EADDRINUSE);
    assert_null(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_metrics, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_else, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hostile_requests, setup, teardown),
        cmocka_unit_test_setup_teardown(test_silent_connections, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ipv6, setup, teardown),
        cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
