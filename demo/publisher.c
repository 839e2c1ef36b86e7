/* SPDX-License-Identifier: ISC */

/*
 * Publishes what it reads from standard input, one message a line: topic, tab, text. At the end of the input it
 * publishes a last message and ends.
 *
 *   demo_publisher DIRECTORY NAME KNOWN...   CURVE, with the keys in DIRECTORY/NAME.key_secret; subscribers whose key
 *                                            is that of a KNOWN one are let in, and nobody else
 *   demo_publisher                           in clear, to everybody
 *
 * Reports on standard output where it listens, whom it admits or refuses, and who subscribed to what.
 */

#include "support.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#define DOMAIN "demo"
#define KEY_SIZE 32

/* One subscriber that is let in. Owned by main, constant once the authenticator runs. */
struct known {
    const char *name;
    unsigned char key[KEY_SIZE];
};

/* The guest list and the socket of the ZAP handler. Owned by main, which makes it, starts the thread and joins it. */
struct authenticator {
    struct known *known;
    size_t count;
    void *handler;
    pthread_t thread;
};

/* One ZAP request (RFC 27): its frames as text, but for the key. Lives on the handler's stack for one request. */
struct request {
    char version[8], id[256], domain[256], address[256], routing_id[256], mechanism[16];
    unsigned char key[KEY_SIZE];
    int well_formed;
};

/* Receives one frame as a string; 0 if it is too long, or if more frames follow where none should or the reverse. */
static int recv_text(void *socket, char *text, size_t size, int want_more)
{
    int n = zmq_recv(socket, text, size - 1, 0), more = 0;
    size_t option_size = sizeof more;

    if (n < 0)
        return 0;
    text[(size_t)n < size ? (size_t)n : size - 1] = '\0';
    zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &option_size);
    return (size_t)n < size && more == want_more;
}

/* Receives a request whole; returns 0 when the context ends. */
static int recv_request(void *socket, struct request *request)
{
    int n;

    memset(request, 0, sizeof *request);
    if (!recv_text(socket, request->version, sizeof request->version, 1))
        return 0;
    request->well_formed = recv_text(socket, request->id, sizeof request->id, 1) &&
                           recv_text(socket, request->domain, sizeof request->domain, 1) &&
                           recv_text(socket, request->address, sizeof request->address, 1) &&
                           recv_text(socket, request->routing_id, sizeof request->routing_id, 1) &&
                           recv_text(socket, request->mechanism, sizeof request->mechanism, 1);
    n = zmq_recv(socket, request->key, sizeof request->key, 0);
    request->well_formed = request->well_formed && n == KEY_SIZE && strcmp(request->version, "1.0") == 0 &&
                           strcmp(request->domain, DOMAIN) == 0 && strcmp(request->mechanism, "CURVE") == 0;
    return 1;
}

static const struct known *look_up(const struct authenticator *authenticator, const struct request *request)
{
    if (!request->well_formed)
        return NULL;
    for (size_t i = 0; i < authenticator->count; i++) {
        if (memcmp(authenticator->known[i].key, request->key, KEY_SIZE) == 0)
            return &authenticator->known[i];
    }
    return NULL;
}

static void send_text(void *socket, const char *text, int flags)
{
    demo_check(zmq_send(socket, text, strlen(text), flags) >= 0, "zmq_send");
}

/* RFC 27: version, request id, status code, status text, user id, metadata. */
static void reply(void *socket, const struct request *request, const struct known *known)
{
    send_text(socket, "1.0", ZMQ_SNDMORE);
    send_text(socket, request->id, ZMQ_SNDMORE);
    send_text(socket, known != NULL ? "200" : "400", ZMQ_SNDMORE);
    send_text(socket, known != NULL ? "OK" : "this key is not on the list", ZMQ_SNDMORE);
    send_text(socket, known != NULL ? known->name : "", ZMQ_SNDMORE);
    send_text(socket, "", 0);
}

/* The handler's thread: answers until the context ends. */
static void *authenticate(void *argument)
{
    struct authenticator *authenticator = argument;
    struct request request;

    while (recv_request(authenticator->handler, &request)) {
        const struct known *known = look_up(authenticator, &request);
        char text[KEY_TEXT_SIZE];

        zmq_z85_encode(text, request.key, KEY_SIZE);
        if (known != NULL)
            demo_report("admitted\t%s\t%s\t200 OK", known->name, text);
        else
            demo_report("refused\t%s\t400 this key is not on the list", text);
        reply(authenticator->handler, &request, known);
    }
    zmq_close(authenticator->handler);
    return NULL;
}

static void start_authenticator(struct authenticator *authenticator, void *context, const char *directory, char **names,
                                size_t count)
{
    char key[KEY_TEXT_SIZE];

    authenticator->count = count;
    authenticator->known = calloc(count, sizeof *authenticator->known);
    demo_check(authenticator->known != NULL, "calloc");
    for (size_t i = 0; i < count; i++) {
        authenticator->known[i].name = names[i];
        demo_read_key(directory, names[i], "key", "public-key", key);
        demo_check(zmq_z85_decode(authenticator->known[i].key, key) != NULL, names[i]);
    }
    authenticator->handler = zmq_socket(context, ZMQ_REP);
    demo_check(authenticator->handler != NULL, "zmq_socket");
    demo_check(zmq_bind(authenticator->handler, "inproc://zeromq.zap.01") == 0, "bind the ZAP handler");
    errno = pthread_create(&authenticator->thread, NULL, authenticate, authenticator);
    demo_check(errno == 0, "pthread_create");
}

static void secure(void *socket, const char *directory, const char *name)
{
    char secret[KEY_TEXT_SIZE];
    int on = 1;

    demo_read_key(directory, name, "key_secret", "secret-key", secret);
    demo_check(zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &on, sizeof on) == 0, "ZMQ_CURVE_SERVER");
    demo_check(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret, strlen(secret)) == 0, "ZMQ_CURVE_SECRETKEY");
    demo_check(zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, DOMAIN, strlen(DOMAIN)) == 0, "ZMQ_ZAP_DOMAIN");
}

static void bind_socket(void *socket)
{
    char endpoint[256];
    size_t size = sizeof endpoint;
    int on = 1;

    /* Verbose: each subscriber's subscription is seen, also to a topic that another already has. */
    demo_check(zmq_setsockopt(socket, ZMQ_XPUB_VERBOSE, &on, sizeof on) == 0, "ZMQ_XPUB_VERBOSE");
    demo_check(zmq_bind(socket, "tcp://127.0.0.1:*") == 0, "zmq_bind");
    demo_check(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0, "ZMQ_LAST_ENDPOINT");
    demo_report("endpoint\t%s", endpoint);
}

/* A subscription is one message: the octet 1, then the topic. The library knows whose it is. */
static void report_subscription(void *socket)
{
    zmq_msg_t message;
    const char *user, *data;
    size_t size;

    zmq_msg_init(&message);
    demo_check(zmq_msg_recv(&message, socket, 0) >= 0, "zmq_msg_recv");
    user = zmq_msg_gets(&message, "User-Id");
    data = zmq_msg_data(&message);
    size = zmq_msg_size(&message);
    if (size > 0 && data[0] == 1)
        demo_report("subscribed\t%s\t%.*s", user != NULL ? user : "", (int)(size - 1), data + 1);
    zmq_msg_close(&message);
}

/* Publishes one line of the input as topic and text; returns 0 at its end. */
static int publish_line(void *socket)
{
    char line[512];
    char *text;

    if (fgets(line, sizeof line, stdin) == NULL)
        return 0;
    line[strcspn(line, "\n")] = '\0';
    text = strchr(line, '\t');
    if (text == NULL)
        return 1;
    *text++ = '\0';
    send_text(socket, line, ZMQ_SNDMORE);
    send_text(socket, text, 0);
    return 1;
}

static void publish(void *socket, void *monitor)
{
    zmq_pollitem_t items[] = {
        {.socket = socket, .events = ZMQ_POLLIN},
        {.socket = monitor, .events = ZMQ_POLLIN},
        {.fd = STDIN_FILENO, .events = ZMQ_POLLIN},
    };
    int open = 1;

    /* The poll sees the descriptor, so stdio must not read ahead of it. */
    setvbuf(stdin, NULL, _IONBF, 0);
    while (open) {
        demo_check(zmq_poll(items, 3, -1) > 0, "zmq_poll");
        if (items[0].revents & ZMQ_POLLIN)
            report_subscription(socket);
        if (items[1].revents & ZMQ_POLLIN)
            demo_report_event(monitor);
        if (items[2].revents & (ZMQ_POLLIN | ZMQ_POLLERR))
            open = publish_line(socket);
    }
    send_text(socket, LAST_TOPIC, ZMQ_SNDMORE);
    send_text(socket, "", 0);
}

int main(int argc, char **argv)
{
    struct authenticator authenticator = {0};
    void *context = zmq_ctx_new(), *socket, *monitor;
    int secured = argc > 3;

    demo_report_library();
    socket = zmq_socket(context, ZMQ_XPUB);
    demo_check(socket != NULL, "zmq_socket");
    monitor = demo_monitor(context, socket, "inproc://monitor");
    if (secured) {
        start_authenticator(&authenticator, context, argv[1], argv + 3, (size_t)argc - 3);
        secure(socket, argv[1], argv[2]);
    }
    bind_socket(socket);
    publish(socket, monitor);
    zmq_socket_monitor(socket, NULL, 0);
    zmq_close(monitor);
    zmq_close(socket);
    zmq_ctx_shutdown(context);
    if (secured)
        pthread_join(authenticator.thread, NULL);
    zmq_ctx_term(context);
    free(authenticator.known);
    return EXIT_SUCCESS;
}
