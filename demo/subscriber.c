/* SPDX-License-Identifier: ISC */

/*
 * Subscribes and reports what it receives and what its monitor says. Ends at the publisher's last message, or at the
 * end of its standard input.
 *
 *   demo_subscriber ENDPOINT DIRECTORY NAME PUBLISHER TOPIC...   CURVE, as NAME, to the publisher with that public key
 *   demo_subscriber ENDPOINT --clear TOPIC...                    in clear
 */

#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

static void set_key(void *socket, int option, const char *directory, const char *name, const char *suffix,
                    const char *field)
{
    char key[KEY_TEXT_SIZE];

    demo_read_key(directory, name, suffix, field, key);
    demo_check(zmq_setsockopt(socket, option, key, strlen(key)) == 0, field);
}

static void secure(void *socket, const char *directory, const char *name, const char *publisher)
{
    set_key(socket, ZMQ_CURVE_SERVERKEY, directory, publisher, "key", "public-key");
    set_key(socket, ZMQ_CURVE_PUBLICKEY, directory, name, "key", "public-key");
    set_key(socket, ZMQ_CURVE_SECRETKEY, directory, name, "key_secret", "secret-key");
}

static void subscribe(void *socket, const char *topic)
{
    demo_check(zmq_setsockopt(socket, ZMQ_SUBSCRIBE, topic, strlen(topic)) == 0, "ZMQ_SUBSCRIBE");
}

/* Receives topic and text; returns 0 after the last message. */
static int receive(void *socket)
{
    char topic[256] = "", text[512] = "";

    demo_check(zmq_recv(socket, topic, sizeof topic - 1, 0) >= 0, "zmq_recv");
    demo_check(zmq_recv(socket, text, sizeof text - 1, 0) >= 0, "zmq_recv");
    if (strcmp(topic, LAST_TOPIC) == 0)
        return 0;
    demo_report("received\t%s\t%s", topic, text);
    return 1;
}

static void follow(void *socket, void *monitor)
{
    zmq_pollitem_t items[] = {
        {.socket = socket, .events = ZMQ_POLLIN},
        {.socket = monitor, .events = ZMQ_POLLIN},
        {.fd = STDIN_FILENO, .events = ZMQ_POLLIN},
    };
    int open = 1;

    while (open) {
        demo_check(zmq_poll(items, 3, -1) > 0, "zmq_poll");
        if (items[1].revents & ZMQ_POLLIN)
            demo_report_event(monitor);
        if (items[0].revents & ZMQ_POLLIN)
            open = receive(socket);
        else if (items[2].revents != 0)
            open = 0;
    }
}

int main(int argc, char **argv)
{
    void *context, *socket, *monitor;
    int first_topic;

    if (argc < 4) {
        fprintf(stderr, "usage: %s ENDPOINT {DIRECTORY NAME PUBLISHER | --clear} TOPIC...\n", argv[0]);
        return 2;
    }
    first_topic = strcmp(argv[2], "--clear") == 0 ? 3 : 5;
    demo_report_library();
    context = zmq_ctx_new();
    socket = zmq_socket(context, ZMQ_SUB);
    demo_check(socket != NULL, "zmq_socket");
    monitor = demo_monitor(context, socket, "inproc://monitor");
    if (first_topic == 5)
        secure(socket, argv[2], argv[3], argv[4]);
    for (int i = first_topic; i < argc; i++)
        subscribe(socket, argv[i]);
    subscribe(socket, LAST_TOPIC);
    demo_check(zmq_connect(socket, argv[1]) == 0, "zmq_connect");
    follow(socket, monitor);
    zmq_socket_monitor(socket, NULL, 0);
    zmq_close(monitor);
    zmq_close(socket);
    zmq_ctx_term(context);
    return EXIT_SUCCESS;
}
