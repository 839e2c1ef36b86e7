/* SPDX-License-Identifier: ISC */
/* Handles that are no sockets: every call that takes one must say so, whatever it is given, and touch nothing. */
#include "support.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/uio.h>

static int call_close(void *handle)
{
    return zmq_close(handle);
}

static int call_bind(void *handle)
{
    return zmq_bind(handle, "inproc://endpoint");
}

static int call_connect(void *handle)
{
    return zmq_connect(handle, "inproc://endpoint");
}

static int call_unbind(void *handle)
{
    return zmq_unbind(handle, "inproc://endpoint");
}

static int call_disconnect(void *handle)
{
    return zmq_disconnect(handle, "inproc://endpoint");
}

static int call_setsockopt(void *handle)
{
    const int value = 0;
    return zmq_setsockopt(handle, ZMQ_LINGER, &value, sizeof value);
}

static int call_getsockopt(void *handle)
{
    int value = 77;
    size_t size = sizeof value;
    const int result = zmq_getsockopt(handle, ZMQ_TYPE, &value, &size);
    return result == -1 && value == 77 && size == sizeof value ? -1 : 0;
}

static int call_send(void *handle)
{
    return zmq_send(handle, "x", 1, 0);
}

static int call_send_const(void *handle)
{
    return zmq_send_const(handle, "x", 1, 0);
}

static int call_recv(void *handle)
{
    char byte;
    return zmq_recv(handle, &byte, 1, 0);
}

/* These two also see that the message is still what it was. */
static int on_message(int (*call)(zmq_msg_t *, void *, int), void *handle)
{
    zmq_msg_t message;
    zmq_msg_init_size(&message, 100);
    const int result = call(&message, handle, 0);
    const int number = errno;
    const bool whole = zmq_msg_size(&message) == 100;
    zmq_msg_close(&message);
    errno = number;
    return whole ? result : 0;
}

static int call_msg_send(void *handle)
{
    return on_message(zmq_msg_send, handle);
}

static int call_msg_recv(void *handle)
{
    return on_message(zmq_msg_recv, handle);
}

static int swapped_sendmsg(zmq_msg_t *message, void *handle, int flags)
{
    return zmq_sendmsg(handle, message, flags);
}

static int swapped_recvmsg(zmq_msg_t *message, void *handle, int flags)
{
    return zmq_recvmsg(handle, message, flags);
}

static int call_sendmsg(void *handle)
{
    return on_message(swapped_sendmsg, handle);
}

static int call_recvmsg(void *handle)
{
    return on_message(swapped_recvmsg, handle);
}

static int call_sendiov(void *handle)
{
    char byte = 0;
    struct iovec vector = {&byte, 1};
    return zmq_sendiov(handle, &vector, 1, 0);
}

static int call_recviov(void *handle)
{
    struct iovec vector = {NULL, 0};
    size_t count = 1;
    return zmq_recviov(handle, &vector, &count, 0);
}

static int call_monitor(void *handle)
{
    return zmq_socket_monitor(handle, "inproc://monitor", ZMQ_EVENT_ALL);
}

static int call_monitor_stop(void *handle)
{
    return zmq_socket_monitor(handle, NULL, 0);
}

static int (*const calls[])(void *) = {
    call_close,      call_bind,    call_connect,    call_unbind,  call_disconnect, call_setsockopt,
    call_getsockopt, call_send,    call_send_const, call_recv,    call_msg_send,   call_msg_recv,
    call_sendmsg,    call_recvmsg, call_sendiov,    call_recviov, call_monitor,    call_monitor_stop,
};

static void refuse_all(void *handle)
{
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        errno = 0;
        const int result = calls[i](handle);
        if (result != -1 || errno != ENOTSOCK)
            fail_msg("call %zu: result %d, %s", i, result, zmq_strerror(errno));
    }
}

static void refuse_all_polling(void *handle)
{
    zmq_pollitem_t item = {handle, 0, ZMQ_POLLIN, 0};
    assert_fails(zmq_poll(&item, 1, 0), ENOTSOCK);
}

static void test_null(void **state)
{
    (void)state;
    refuse_all(NULL);
}

static void test_junk(void **state)
{
    (void)state;
    /* Larger than any socket structure, so that whatever is looked at lies in it. */
    static uint64_t junk[1024];
    static const uint8_t fills[] = {0x00, 0xff, 0xba, 0xde, 0x01, 0xca};
    for (size_t i = 0; i < sizeof fills; i++) {
        memset(junk, fills[i], sizeof junk);
        refuse_all(junk);
        refuse_all_polling(junk);
        for (size_t k = 0; k < sizeof junk; k++)
            assert_int_equal(((const uint8_t *)junk)[k], fills[i]);
    }
}

static void test_numbers_in_memory(void **state)
{
    (void)state;
    /* Programs ask of a pointer to a descriptor whether it is a socket. */
    static int numbers[2048];
    for (int i = 0; i < 64; i++) {
        numbers[0] = i;
        refuse_all(numbers);
    }
}

static void test_text(void **state)
{
    (void)state;
    static char text[8192];
    memset(text, 'z', sizeof text - 1);
    refuse_all(text);
}

static void test_context_is_no_socket(void **state)
{
    const struct world *world = *state;
    refuse_all(world->context);
    refuse_all_polling(world->context);
    assert_returns(zmq_ctx_get(world->context, ZMQ_IO_THREADS), 1);
}

static void test_closed_socket(void **state)
{
    struct world *world = *state;
    for (int type = ZMQ_PAIR; type <= ZMQ_STREAM; type++) {
        void *socket = open_socket(world, type);
        close_socket(world, socket);
        refuse_all(socket);
        refuse_all_polling(socket);
    }
}

static void test_closed_socket_after_traffic(void **state)
{
    struct world *world = *state;
    struct ends ends = join_pair(world, "tcp", ZMQ_PULL, ZMQ_PUSH);
    send_str(ends.connected, "hello");
    expect_str(ends.bound, "hello");
    close_socket(world, ends.bound);
    refuse_all(ends.bound);
    close_socket(world, ends.connected);
    refuse_all(ends.connected);
}

static void test_socket_is_no_context(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_PAIR);
    static uint64_t junk[1024];
    void *const handles[] = {NULL, socket, junk};
    for (size_t i = 0; i < sizeof handles / sizeof *handles; i++) {
        assert_fails(zmq_ctx_term(handles[i]), EFAULT);
        assert_fails(zmq_ctx_shutdown(handles[i]), EFAULT);
        assert_fails(zmq_ctx_get(handles[i], ZMQ_IO_THREADS), EFAULT);
        assert_fails(zmq_ctx_set(handles[i], ZMQ_IO_THREADS, 1), EFAULT);
        assert_null_fails(zmq_socket(handles[i], ZMQ_PAIR), EFAULT);
    }
    assert_int_equal(get_int(socket, ZMQ_TYPE), ZMQ_PAIR);
}

static void test_proxy_refuses_what_is_no_socket(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_PULL);
    void *other = open_socket(world, ZMQ_PUSH);
    static uint64_t junk[1024];
    assert_fails(zmq_proxy(NULL, socket, NULL), EFAULT);
    assert_fails(zmq_proxy(socket, NULL, NULL), EFAULT);
    assert_fails(zmq_proxy(junk, socket, NULL), ENOTSOCK);
    assert_fails(zmq_proxy(socket, junk, NULL), ENOTSOCK);
    assert_fails(zmq_proxy_steerable(NULL, other, NULL, NULL), EFAULT);
    assert_fails(zmq_proxy_steerable(socket, other, NULL, junk), ENOTSOCK);
    assert_fails(zmq_device(ZMQ_STREAMER, junk, socket), ENOTSOCK);
}

static void test_pointers_that_may_be_null(void **state)
{
    struct world *world = *state;
    void *socket = open_socket(world, ZMQ_PAIR);
    char byte = 0;
    struct iovec vector = {&byte, 1};
    size_t count = 1;
    size_t none = 0;
    assert_fails(zmq_unbind(socket, NULL), EINVAL);
    assert_fails(zmq_disconnect(socket, NULL), EINVAL);
    assert_fails(zmq_setsockopt(socket, ZMQ_LINGER, NULL, 0), EINVAL);
    assert_fails(zmq_send(socket, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    assert_fails(zmq_recv(socket, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    assert_fails(zmq_msg_recv(NULL, socket, ZMQ_DONTWAIT), EFAULT);
    assert_fails(zmq_sendiov(socket, NULL, 1, 0), EINVAL);
    assert_fails(zmq_sendiov(socket, &vector, 0, 0), EINVAL);
    assert_fails(zmq_recviov(socket, NULL, &count, 0), EINVAL);
    assert_fails(zmq_recviov(socket, &vector, NULL, 0), EINVAL);
    assert_fails(zmq_recviov(socket, &vector, &none, 0), EINVAL);
}

static void *errno_main(void *argument)
{
    int *seen = argument;
    errno = 0;
    zmq_close(NULL);
    seen[0] = zmq_errno();
    zmq_ctx_term(NULL);
    seen[1] = zmq_errno();
    return NULL;
}

static void test_each_thread_has_its_own_error(void **state)
{
    (void)state;
    int seen[2] = {0, 0};
    pthread_t thread;
    errno = E2BIG;
    assert_int_equal(pthread_create(&thread, NULL, errno_main, seen), 0);
    pthread_join(thread, NULL);
    assert_int_equal(zmq_errno(), E2BIG);
    assert_int_equal(seen[0], ENOTSOCK);
    assert_int_equal(seen[1], EFAULT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_null),
        world_test(test_junk),
        world_test(test_numbers_in_memory),
        world_test(test_text),
        world_test(test_context_is_no_socket),
        world_test(test_closed_socket),
        world_test(test_closed_socket_after_traffic),
        world_test(test_socket_is_no_context),
        world_test(test_proxy_refuses_what_is_no_socket),
        world_test(test_pointers_that_may_be_null),
        world_test(test_each_thread_has_its_own_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
