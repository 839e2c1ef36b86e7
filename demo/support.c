/* SPDX-License-Identifier: ISC */

/* What the demo's programs share; see support.h. */

#include "support.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

void demo_check(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s: %s\n", what, zmq_strerror(errno));
    exit(EXIT_FAILURE);
}

void demo_report(const char *format, ...)
{
    char line[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    puts(line);
    fflush(stdout);
}

void demo_report_library(void)
{
    int major, minor, patch;
    void (*function)(int *, int *, int *) = zmq_version;
    void *address;
    Dl_info info;

    zmq_version(&major, &minor, &patch);
    memcpy(&address, &function, sizeof address);
    demo_check(dladdr(address, &info) != 0, "dladdr");
    demo_report("library\t%d.%d.%d\t%s", major, minor, patch, info.dli_fname);
}

/* Finds `field = "VALUE"` in a line of a certificate. */
static int parse_field(const char *line, const char *field, char key[KEY_TEXT_SIZE])
{
    size_t length = strlen(field);

    line += strspn(line, " \t");
    if (strncmp(line, field, length) != 0)
        return 0;
    line += length;
    line += strspn(line, " \t=");
    if (line[0] != '"' || strcspn(line + 1, "\"") != KEY_TEXT_SIZE - 1)
        return 0;
    memcpy(key, line + 1, KEY_TEXT_SIZE - 1);
    key[KEY_TEXT_SIZE - 1] = '\0';
    return 1;
}

void demo_read_key(const char *directory, const char *name, const char *suffix, const char *field,
                   char key[KEY_TEXT_SIZE])
{
    char path[512], line[256];
    int found = 0;
    FILE *file;

    snprintf(path, sizeof path, "%s/%s.%s", directory, name, suffix);
    file = fopen(path, "r");
    demo_check(file != NULL, path);
    while (!found && fgets(line, sizeof line, file) != NULL)
        found = parse_field(line, field, key);
    fclose(file);
    errno = EINVAL;
    demo_check(found, path);
}

void *demo_monitor(void *context, void *socket, const char *endpoint)
{
    int events = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_CONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                 ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                 ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_DISCONNECTED;
    void *monitor;

    demo_check(zmq_socket_monitor(socket, endpoint, events) == 0, "zmq_socket_monitor");
    monitor = zmq_socket(context, ZMQ_PAIR);
    demo_check(monitor != NULL && zmq_connect(monitor, endpoint) == 0, "connect to the monitor");
    return monitor;
}

static const char *event_name(unsigned event)
{
    switch (event) {
    case ZMQ_EVENT_ACCEPTED:
        return "ACCEPTED";
    case ZMQ_EVENT_CONNECTED:
        return "CONNECTED";
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        return "HANDSHAKE_SUCCEEDED";
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        return "HANDSHAKE_FAILED_NO_DETAIL";
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        return "HANDSHAKE_FAILED_PROTOCOL";
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        return "HANDSHAKE_FAILED_AUTH";
    default:
        return "DISCONNECTED";
    }
}

void demo_report_event(void *monitor)
{
    unsigned char frame[6];
    char address[256];
    uint16_t event;
    uint32_t value;

    demo_check(zmq_recv(monitor, frame, sizeof frame, 0) == (int)sizeof frame, "an event");
    demo_check(zmq_recv(monitor, address, sizeof address, 0) >= 0, "an event's address");
    memcpy(&event, frame, sizeof event);
    memcpy(&value, frame + sizeof event, sizeof value);
    demo_report("monitor\t%s\t%u", event_name(event), value);
}
