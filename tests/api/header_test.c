/* SPDX-License-Identifier: ISC */
/* The names and numbers of zmq.h: programs and bindings carry them compiled in. */
#include "support.h"

#include <errno.h>
#include <stdalign.h>
#include <stddef.h>

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        long long ours;
        long long value;
    } numbers[] = {
#define ROW(name, value) {#name, name, value}
        ROW(ZMQ_HAUSNUMERO, 156384712),
        ROW(ZMQ_IO_THREADS, 1),
        ROW(ZMQ_MAX_SOCKETS, 2),
        ROW(ZMQ_SOCKET_LIMIT, 3),
        ROW(ZMQ_THREAD_PRIORITY, 3),
        ROW(ZMQ_THREAD_SCHED_POLICY, 4),
        ROW(ZMQ_MAX_MSGSZ, 5),
        ROW(ZMQ_MSG_T_SIZE, 6),
        ROW(ZMQ_THREAD_AFFINITY_CPU_ADD, 7),
        ROW(ZMQ_THREAD_AFFINITY_CPU_REMOVE, 8),
        ROW(ZMQ_THREAD_NAME_PREFIX, 9),
        ROW(ZMQ_IO_THREADS_DFLT, 1),
        ROW(ZMQ_MAX_SOCKETS_DFLT, 1023),
        ROW(ZMQ_THREAD_PRIORITY_DFLT, -1),
        ROW(ZMQ_THREAD_SCHED_POLICY_DFLT, -1),
        ROW(ZMQ_PAIR, 0),
        ROW(ZMQ_PUB, 1),
        ROW(ZMQ_SUB, 2),
        ROW(ZMQ_REQ, 3),
        ROW(ZMQ_REP, 4),
        ROW(ZMQ_DEALER, 5),
        ROW(ZMQ_ROUTER, 6),
        ROW(ZMQ_PULL, 7),
        ROW(ZMQ_PUSH, 8),
        ROW(ZMQ_XPUB, 9),
        ROW(ZMQ_XSUB, 10),
        ROW(ZMQ_STREAM, 11),
        ROW(ZMQ_XREQ, 5),
        ROW(ZMQ_XREP, 6),
        ROW(ZMQ_AFFINITY, 4),
        ROW(ZMQ_ROUTING_ID, 5),
        ROW(ZMQ_SUBSCRIBE, 6),
        ROW(ZMQ_UNSUBSCRIBE, 7),
        ROW(ZMQ_RATE, 8),
        ROW(ZMQ_RECOVERY_IVL, 9),
        ROW(ZMQ_SNDBUF, 11),
        ROW(ZMQ_RCVBUF, 12),
        ROW(ZMQ_RCVMORE, 13),
        ROW(ZMQ_FD, 14),
        ROW(ZMQ_EVENTS, 15),
        ROW(ZMQ_TYPE, 16),
        ROW(ZMQ_LINGER, 17),
        ROW(ZMQ_RECONNECT_IVL, 18),
        ROW(ZMQ_BACKLOG, 19),
        ROW(ZMQ_RECONNECT_IVL_MAX, 21),
        ROW(ZMQ_MAXMSGSIZE, 22),
        ROW(ZMQ_SNDHWM, 23),
        ROW(ZMQ_RCVHWM, 24),
        ROW(ZMQ_MULTICAST_HOPS, 25),
        ROW(ZMQ_RCVTIMEO, 27),
        ROW(ZMQ_SNDTIMEO, 28),
        ROW(ZMQ_LAST_ENDPOINT, 32),
        ROW(ZMQ_ROUTER_MANDATORY, 33),
        ROW(ZMQ_TCP_KEEPALIVE, 34),
        ROW(ZMQ_TCP_KEEPALIVE_CNT, 35),
        ROW(ZMQ_TCP_KEEPALIVE_IDLE, 36),
        ROW(ZMQ_TCP_KEEPALIVE_INTVL, 37),
        ROW(ZMQ_IMMEDIATE, 39),
        ROW(ZMQ_XPUB_VERBOSE, 40),
        ROW(ZMQ_ROUTER_RAW, 41),
        ROW(ZMQ_IPV6, 42),
        ROW(ZMQ_MECHANISM, 43),
        ROW(ZMQ_PLAIN_SERVER, 44),
        ROW(ZMQ_PLAIN_USERNAME, 45),
        ROW(ZMQ_PLAIN_PASSWORD, 46),
        ROW(ZMQ_CURVE_SERVER, 47),
        ROW(ZMQ_CURVE_PUBLICKEY, 48),
        ROW(ZMQ_CURVE_SECRETKEY, 49),
        ROW(ZMQ_CURVE_SERVERKEY, 50),
        ROW(ZMQ_PROBE_ROUTER, 51),
        ROW(ZMQ_REQ_CORRELATE, 52),
        ROW(ZMQ_REQ_RELAXED, 53),
        ROW(ZMQ_CONFLATE, 54),
        ROW(ZMQ_ZAP_DOMAIN, 55),
        ROW(ZMQ_ROUTER_HANDOVER, 56),
        ROW(ZMQ_TOS, 57),
        ROW(ZMQ_CONNECT_ROUTING_ID, 61),
        ROW(ZMQ_GSSAPI_SERVER, 62),
        ROW(ZMQ_GSSAPI_PRINCIPAL, 63),
        ROW(ZMQ_GSSAPI_SERVICE_PRINCIPAL, 64),
        ROW(ZMQ_GSSAPI_PLAINTEXT, 65),
        ROW(ZMQ_HANDSHAKE_IVL, 66),
        ROW(ZMQ_SOCKS_PROXY, 68),
        ROW(ZMQ_XPUB_NODROP, 69),
        ROW(ZMQ_BLOCKY, 70),
        ROW(ZMQ_XPUB_MANUAL, 71),
        ROW(ZMQ_XPUB_WELCOME_MSG, 72),
        ROW(ZMQ_STREAM_NOTIFY, 73),
        ROW(ZMQ_INVERT_MATCHING, 74),
        ROW(ZMQ_HEARTBEAT_IVL, 75),
        ROW(ZMQ_HEARTBEAT_TTL, 76),
        ROW(ZMQ_HEARTBEAT_TIMEOUT, 77),
        ROW(ZMQ_XPUB_VERBOSER, 78),
        ROW(ZMQ_CONNECT_TIMEOUT, 79),
        ROW(ZMQ_TCP_MAXRT, 80),
        ROW(ZMQ_THREAD_SAFE, 81),
        ROW(ZMQ_MULTICAST_MAXTPDU, 84),
        ROW(ZMQ_VMCI_BUFFER_SIZE, 85),
        ROW(ZMQ_VMCI_BUFFER_MIN_SIZE, 86),
        ROW(ZMQ_VMCI_BUFFER_MAX_SIZE, 87),
        ROW(ZMQ_VMCI_CONNECT_TIMEOUT, 88),
        ROW(ZMQ_USE_FD, 89),
        ROW(ZMQ_GSSAPI_PRINCIPAL_NAMETYPE, 90),
        ROW(ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE, 91),
        ROW(ZMQ_BINDTODEVICE, 92),
        ROW(ZMQ_MORE, 1),
        ROW(ZMQ_SHARED, 3),
        ROW(ZMQ_DONTWAIT, 1),
        ROW(ZMQ_SNDMORE, 2),
        ROW(ZMQ_NULL, 0),
        ROW(ZMQ_PLAIN, 1),
        ROW(ZMQ_CURVE, 2),
        ROW(ZMQ_GSSAPI, 3),
        ROW(ZMQ_GROUP_MAX_LENGTH, 255),
        ROW(ZMQ_IDENTITY, 5),
        ROW(ZMQ_CONNECT_RID, 61),
        ROW(ZMQ_TCP_ACCEPT_FILTER, 38),
        ROW(ZMQ_IPC_FILTER_PID, 58),
        ROW(ZMQ_IPC_FILTER_UID, 59),
        ROW(ZMQ_IPC_FILTER_GID, 60),
        ROW(ZMQ_IPV4ONLY, 31),
        ROW(ZMQ_DELAY_ATTACH_ON_CONNECT, 39),
        ROW(ZMQ_NOBLOCK, 1),
        ROW(ZMQ_FAIL_UNROUTABLE, 33),
        ROW(ZMQ_ROUTER_BEHAVIOR, 33),
        ROW(ZMQ_SRCFD, 2),
        ROW(ZMQ_GSSAPI_NT_HOSTBASED, 0),
        ROW(ZMQ_GSSAPI_NT_USER_NAME, 1),
        ROW(ZMQ_GSSAPI_NT_KRB5_PRINCIPAL, 2),
        ROW(ZMQ_EVENT_CONNECTED, 0x0001),
        ROW(ZMQ_EVENT_CONNECT_DELAYED, 0x0002),
        ROW(ZMQ_EVENT_CONNECT_RETRIED, 0x0004),
        ROW(ZMQ_EVENT_LISTENING, 0x0008),
        ROW(ZMQ_EVENT_BIND_FAILED, 0x0010),
        ROW(ZMQ_EVENT_ACCEPTED, 0x0020),
        ROW(ZMQ_EVENT_ACCEPT_FAILED, 0x0040),
        ROW(ZMQ_EVENT_CLOSED, 0x0080),
        ROW(ZMQ_EVENT_CLOSE_FAILED, 0x0100),
        ROW(ZMQ_EVENT_DISCONNECTED, 0x0200),
        ROW(ZMQ_EVENT_MONITOR_STOPPED, 0x0400),
        ROW(ZMQ_EVENT_ALL, 0xFFFF),
        ROW(ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, 0x0800),
        ROW(ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0x1000),
        ROW(ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, 0x2000),
        ROW(ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 0x4000),
        ROW(ZMQ_PROTOCOL_ERROR_ZMTP_UNSPECIFIED, 0x10000000),
        ROW(ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND, 0x10000001),
        ROW(ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE, 0x10000002),
        ROW(ZMQ_PROTOCOL_ERROR_ZMTP_KEY_EXCHANGE, 0x10000003),
        ROW(ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED, 0x10000011),
        ROW(ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE, 0x10000012),
        ROW(ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO, 0x10000013),
        ROW(ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE, 0x10000014),
        ROW(ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR, 0x10000015),
        ROW(ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_READY, 0x10000016),
        ROW(ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_WELCOME, 0x10000017),
        ROW(ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_METADATA, 0x10000018),
        ROW(ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC, 0x11000001),
        ROW(ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH, 0x11000002),
        ROW(ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED, 0x20000000),
        ROW(ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY, 0x20000001),
        ROW(ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID, 0x20000002),
        ROW(ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION, 0x20000003),
        ROW(ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE, 0x20000004),
        ROW(ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA, 0x20000005),
        ROW(ZMQ_PROTOCOL_ERROR_WS_UNSPECIFIED, 0x30000000),
        ROW(ZMQ_POLLIN, 1),
        ROW(ZMQ_POLLOUT, 2),
        ROW(ZMQ_POLLERR, 4),
        ROW(ZMQ_POLLPRI, 8),
        ROW(ZMQ_POLLITEMS_DFLT, 16),
        ROW(ZMQ_HAS_CAPABILITIES, 1),
        ROW(ZMQ_STREAMER, 1),
        ROW(ZMQ_FORWARDER, 2),
        ROW(ZMQ_QUEUE, 3),
        ROW(EFSM, 156384763),
        ROW(ENOCOMPATPROTO, 156384764),
        ROW(ETERM, 156384765),
        ROW(EMTHREAD, 156384766),
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].ours != numbers[i].value)
            fail_msg("%s is %lld, not %lld", numbers[i].name, numbers[i].ours, numbers[i].value);
}

static void test_structures(void **state)
{
    (void)state;
    assert_int_equal(sizeof(zmq_msg_t), 64);
    assert_int_equal(alignof(zmq_msg_t), sizeof(void *));
    assert_int_equal(sizeof(zmq_fd_t), sizeof(int));
    assert_int_equal(sizeof(zmq_pollitem_t), 2 * sizeof(void *));
    assert_int_equal(offsetof(zmq_pollitem_t, socket), 0);
    assert_int_equal(offsetof(zmq_pollitem_t, fd), sizeof(void *));
    assert_int_equal(offsetof(zmq_pollitem_t, events), sizeof(void *) + 4);
    assert_int_equal(offsetof(zmq_pollitem_t, revents), sizeof(void *) + 6);
}

static void test_version_macros(void **state)
{
    (void)state;
    assert_int_equal(ZMQ_VERSION_MAJOR, 4);
    assert_int_equal(ZMQ_VERSION_MINOR, 3);
    assert_in_range(ZMQ_VERSION_PATCH, 4, 99);
    assert_int_equal(ZMQ_MAKE_VERSION(4, 3, 5), 40305);
    assert_int_equal(ZMQ_VERSION, 40300 + ZMQ_VERSION_PATCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_structures),
        cmocka_unit_test(test_version_macros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
