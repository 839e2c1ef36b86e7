/* SPDX-License-Identifier: ISC */

/*
 * A wire with a recorder: accepts TCP connections on a port of its own, opens one to the target for each, copies
 * everything both ways, and writes it to files as well. It knows nothing of ZeroMQ.
 *
 *   demo_forwarder PORT DIRECTORY   records to DIRECTORY/N.to-server and DIRECTORY/N.to-client for connection N
 *
 * Reports the port on which it listens; ends at the end of its standard input.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINKS_MAX = 64, BUFFER_SIZE = 65536 };

/* One direction of a connection. Owned by its link; octets that were read and recorded but not yet written. */
struct lane {
    int from, to, record;
    char buffer[BUFFER_SIZE];
    size_t used;
    int ended;
};

/* One connection through the forwarder. On the heap from the accept until both directions have ended. */
struct link {
    int client, server;
    struct lane lanes[2];
};

static void check(int ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    exit(EXIT_FAILURE);
}

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    return address;
}

static int listen_anywhere(void)
{
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    check(fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 && listen(fd, 16) == 0, "listen");
    check(getsockname(fd, (struct sockaddr *)&address, &size) == 0, "getsockname");
    printf("listening\t%u\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static int open_record(const char *directory, unsigned number, const char *name)
{
    char path[512];
    int fd;

    snprintf(path, sizeof path, "%s/%u.%s", directory, number, name);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    check(fd >= 0, path);
    return fd;
}

static void init_lane(struct lane *lane, int from, int to, int record)
{
    lane->from = from;
    lane->to = to;
    lane->record = record;
}

/* Accepts one client and connects it through; NULL if the client or the target is gone already. */
static struct link *new_link(int listener, uint16_t port, const char *directory)
{
    static unsigned number;
    struct sockaddr_in address = loopback(port);
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct link *link = calloc(1, sizeof *link);

    check(server >= 0 && link != NULL, "new connection");
    if (client < 0 || connect(server, (struct sockaddr *)&address, sizeof address) != 0) {
        if (client >= 0)
            close(client);
        close(server);
        free(link);
        return NULL;
    }
    number++;
    fcntl(client, F_SETFL, O_NONBLOCK);
    fcntl(server, F_SETFL, O_NONBLOCK);
    link->client = client;
    link->server = server;
    init_lane(&link->lanes[0], client, server, open_record(directory, number, "to-server"));
    init_lane(&link->lanes[1], server, client, open_record(directory, number, "to-client"));
    return link;
}

static void free_link(struct link *link)
{
    close(link->lanes[0].record);
    close(link->lanes[1].record);
    close(link->client);
    close(link->server);
    free(link);
}

/* Reads once, and records what came. At the end of one direction the other end is told. */
static void read_lane(struct lane *lane)
{
    ssize_t n = read(lane->from, lane->buffer, sizeof lane->buffer);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        lane->ended = 1;
        shutdown(lane->to, SHUT_WR);
        return;
    }
    check(write(lane->record, lane->buffer, (size_t)n) == n, "record");
    lane->used = (size_t)n;
}

static void write_lane(struct lane *lane)
{
    size_t done = 0;

    while (done < lane->used) {
        ssize_t n = write(lane->to, lane->buffer + done, lane->used - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0) {
            lane->ended = 1;
            lane->used = 0;
            return;
        }
        done += (size_t)n;
    }
    for (size_t i = done; i < lane->used; i++)
        lane->buffer[i - done] = lane->buffer[i];
    lane->used -= done;
}

/* A lane waits either for octets to read or for room to write what it holds. */
static void expect(const struct lane *lane, struct pollfd *item)
{
    item->fd = lane->ended ? -1 : (lane->used > 0 ? lane->to : lane->from);
    item->events = lane->used > 0 ? POLLOUT : POLLIN;
}

static void serve_lane(struct lane *lane, const struct pollfd *item)
{
    if (lane->ended || item->revents == 0)
        return;
    if (lane->used == 0)
        read_lane(lane);
    if (lane->used > 0)
        write_lane(lane);
}

static size_t remove_ended(struct link **links, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (links[i]->lanes[0].ended && links[i]->lanes[1].ended)
            free_link(links[i]);
        else
            links[kept++] = links[i];
    }
    return kept;
}

static void forward(int listener, uint16_t port, const char *directory)
{
    struct link *links[LINKS_MAX];
    struct pollfd items[2 + 2 * LINKS_MAX];
    size_t count = 0;

    for (;;) {
        items[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
        items[1] = (struct pollfd){.fd = count < LINKS_MAX ? listener : -1, .events = POLLIN};
        for (size_t i = 0; i < 2 * count; i++)
            expect(&links[i / 2]->lanes[i % 2], &items[2 + i]);
        if (poll(items, 2 + 2 * count, -1) < 0) {
            check(errno == EINTR, "poll");
            continue;
        }
        for (size_t i = 0; i < 2 * count; i++)
            serve_lane(&links[i / 2]->lanes[i % 2], &items[2 + i]);
        count = remove_ended(links, count);
        if (items[0].revents != 0)
            break;
        if (items[1].revents != 0) {
            links[count] = new_link(listener, port, directory);
            count += links[count] != NULL;
        }
    }
    while (count > 0)
        free_link(links[--count]);
}

int main(int argc, char **argv)
{
    int listener;

    if (argc != 3) {
        fprintf(stderr, "usage: %s PORT DIRECTORY\n", argv[0]);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    listener = listen_anywhere();
    forward(listener, (uint16_t)strtoul(argv[1], NULL, 10), argv[2]);
    close(listener);
    return EXIT_SUCCESS;
}
