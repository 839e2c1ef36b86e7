/* SPDX-License-Identifier: ISC */

/*
 * One end of a wire, under remote control: reads commands from standard input, one a line, does each with whichever
 * libzmq is loaded, and answers each with one line, "ok ..." or "error NAME". Ends at the end of its input.
 *
 *   version                        the library's version and path
 *   keypair                        a new CURVE key pair
 *   admit USER                     starts a ZAP handler that lets everybody in as USER
 *   socket ID TYPE                 opens; TYPE is a number of zmq.h. Calls on it give up after PATIENCE_MS
 *   int ID OPTION VALUE            sets an option that is an int, or one that is a string of octets
 *   octets ID OPTION FRAME
 *   use ID                         reads ZMQ_EVENTS: an idle socket may take no notice of a new connection till then
 *   bind ID ENDPOINT               answers with the endpoint bound; connect, disconnect, unbind likewise
 *   send ID FRAME...               sends one message
 *   recv ID                        receives one message, answers with its frames
 *   property NAME                  of the message received last
 *   burst ID COUNT SIZE            sends so many messages, the number of each in its first octets
 *   sink ID COUNT SIZE             receives so many, and checks their sizes, order and content
 *   monitor ID NAME                opens a PAIR socket NAME for the events of ID
 *   event NAME                     takes one event, answers with its number, value and address
 *   close ID
 *
 * A FRAME is "-" for empty, octets in hexadecimal, or "*SIZE:SEED" for octets that are made up from both. Frames
 * longer than SHORT_FRAME are answered as "*SIZE:SUM".
 */

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { PATIENCE_MS = 10000, SHORT_FRAME = 256, SOCKETS_MAX = 1024, NAME_SIZE = 32, LINE_SIZE = 65536 };

/* Everything that the commands work on. Owned by main, used by its one thread. */
struct peer {
    void *context;
    struct {
        char name[NAME_SIZE];
        void *socket;
    } sockets[SOCKETS_MAX];
    zmq_msg_t received; /* the last frame received, for its properties */
    pthread_t handler;  /* runs if user is not empty, from "admit" to the end */
    char user[NAME_SIZE];
    void *handler_socket;
};

static char line[LINE_SIZE];

static void answer(const char *text)
{
    printf("%s\n", text);
}

static void answer_result(int ok)
{
    static const struct {
        int number;
        const char *name;
    } names[] = {{EAGAIN, "EAGAIN"},     {EINVAL, "EINVAL"},         {EHOSTUNREACH, "EHOSTUNREACH"},
                 {EFSM, "EFSM"},         {EADDRINUSE, "EADDRINUSE"}, {ENOTSUP, "ENOTSUP"},
                 {ENOTSOCK, "ENOTSOCK"}, {EBADMSG, "EBADMSG"},       {ENOENT, "ENOENT"}};
    int error = errno;

    if (ok) {
        answer("ok");
        return;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].number == error) {
            printf("error %s\n", names[i].name);
            return;
        }
    }
    printf("error %s\n", zmq_strerror(error));
}

/* The next word of the line, "" at its end. */
static const char *word(void)
{
    const char *next = strtok(NULL, " \n");

    return next != NULL ? next : "";
}

static long number(void)
{
    return strtol(word(), NULL, 0);
}

static void *find_socket(struct peer *peer, const char *name)
{
    for (size_t i = 0; i < SOCKETS_MAX; i++) {
        if (peer->sockets[i].socket != NULL && strcmp(peer->sockets[i].name, name) == 0)
            return peer->sockets[i].socket;
    }
    return NULL;
}

/* Opens a socket under this name; a forgotten or failed one answers ENOTSOCK from then on. */
static int open_socket(struct peer *peer, const char *name, int type)
{
    int patience = PATIENCE_MS, linger = 0;

    for (size_t i = 0; i < SOCKETS_MAX; i++) {
        void *socket;

        if (peer->sockets[i].socket != NULL)
            continue;
        socket = zmq_socket(peer->context, type);
        if (socket == NULL)
            return 0;
        peer->sockets[i].socket = socket;
        snprintf(peer->sockets[i].name, NAME_SIZE, "%s", name);
        return zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience, sizeof patience) == 0 &&
               zmq_setsockopt(socket, ZMQ_SNDTIMEO, &patience, sizeof patience) == 0 &&
               zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger) == 0;
    }
    errno = EMFILE;
    return 0;
}

static int close_socket(struct peer *peer, void *socket)
{
    for (size_t i = 0; i < SOCKETS_MAX; i++) {
        if (socket != NULL && peer->sockets[i].socket == socket)
            peer->sockets[i].socket = NULL;
    }
    return zmq_close(socket) == 0;
}

/* Octets that depend on their place and on the seed; peers.py makes the same. */
static void make_up(unsigned char *data, size_t size, unsigned long seed)
{
    for (size_t i = 0; i < size; i++)
        data[i] = (unsigned char)(seed + i * 31 + (i >> 8));
}

/* Adler-32, which peers.py has in zlib. */
static uint32_t sum(const unsigned char *data, size_t size)
{
    uint32_t a = 1, b = 0;

    for (size_t i = 0; i < size; i++) {
        a = (a + data[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

static unsigned hex_digit(char digit)
{
    return (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/* Makes a message of a frame as written in a command. */
static int parse_frame(zmq_msg_t *message, const char *text)
{
    unsigned char *data;
    size_t size;

    if (text[0] == '-')
        return zmq_msg_init(message) == 0;
    if (text[0] == '*') {
        char *end;

        size = strtoul(text + 1, &end, 10);
        if (zmq_msg_init_size(message, size) != 0)
            return 0;
        make_up(zmq_msg_data(message), size, *end == ':' ? strtoul(end + 1, NULL, 10) : 0);
        return 1;
    }
    size = strlen(text) / 2;
    if (zmq_msg_init_size(message, size) != 0)
        return 0;
    data = zmq_msg_data(message);
    for (size_t i = 0; i < size; i++)
        data[i] = (unsigned char)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
    return 1;
}

static void print_frame(zmq_msg_t *message)
{
    const unsigned char *data = zmq_msg_data(message);
    size_t size = zmq_msg_size(message);

    if (size == 0) {
        printf(" -");
    } else if (size > SHORT_FRAME) {
        printf(" *%zu:%lu", size, (unsigned long)sum(data, size));
    } else {
        putchar(' ');
        for (size_t i = 0; i < size; i++)
            printf("%02x", data[i]);
    }
}

static int send_message(void *socket)
{
    const char *frame = word();

    while (*frame != '\0') {
        const char *next = word();
        zmq_msg_t message;

        if (!parse_frame(&message, frame))
            return 0;
        if (zmq_msg_send(&message, socket, *next != '\0' ? ZMQ_SNDMORE : 0) < 0) {
            zmq_msg_close(&message);
            return 0;
        }
        frame = next;
    }
    return 1;
}

static void answer_message(struct peer *peer, void *socket)
{
    if (zmq_msg_recv(&peer->received, socket, 0) < 0) {
        answer_result(0);
        return;
    }
    printf("ok");
    print_frame(&peer->received);
    while (zmq_msg_more(&peer->received) && zmq_msg_recv(&peer->received, socket, 0) >= 0)
        print_frame(&peer->received);
    printf("\n");
}

/* The counter goes into the first octets of each message, as far as there is room. */
static void stamp(unsigned char *data, size_t size, unsigned long count)
{
    make_up(data, size, count);
    for (size_t i = 0; i < size && i < 4; i++)
        data[i] = (unsigned char)(count >> (8 * i));
}

static int burst(void *socket, unsigned long count, size_t size)
{
    for (unsigned long i = 0; i < count; i++) {
        zmq_msg_t message;

        if (zmq_msg_init_size(&message, size) != 0)
            return 0;
        stamp(zmq_msg_data(&message), size, i);
        if (zmq_msg_send(&message, socket, 0) < 0) {
            zmq_msg_close(&message);
            return 0;
        }
    }
    return 1;
}

static int sink(struct peer *peer, void *socket, unsigned long count, size_t size)
{
    unsigned char *expected = malloc(size + 1);
    int good = expected != NULL;

    for (unsigned long i = 0; good && i < count; i++) {
        if (zmq_msg_recv(&peer->received, socket, 0) < 0)
            good = 0;
        stamp(expected, size, i);
        if (good &&
            (zmq_msg_size(&peer->received) != size || memcmp(zmq_msg_data(&peer->received), expected, size) != 0)) {
            errno = EBADMSG;
            good = 0;
        }
    }
    free(expected);
    return good;
}

static int bind_socket(void *socket, const char *endpoint)
{
    char bound[256];
    size_t size = sizeof bound;

    if (zmq_bind(socket, endpoint) != 0 || zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, bound, &size) != 0)
        return 0;
    printf("ok %s\n", bound);
    return 1;
}

static int use_socket(void *socket)
{
    int events;
    size_t size = sizeof events;

    return zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size) == 0;
}

static int open_monitor(struct peer *peer, void *socket, const char *name)
{
    char endpoint[64];

    snprintf(endpoint, sizeof endpoint, "inproc://monitor-%s", name);
    return zmq_socket_monitor(socket, endpoint, ZMQ_EVENT_ALL) == 0 && open_socket(peer, name, ZMQ_PAIR) &&
           zmq_connect(find_socket(peer, name), endpoint) == 0;
}

static void answer_event(void *monitor)
{
    unsigned char frame[6];
    char address[256] = "";
    uint16_t event;
    uint32_t value;

    if (zmq_recv(monitor, frame, sizeof frame, 0) != (int)sizeof frame ||
        zmq_recv(monitor, address, sizeof address - 1, 0) < 0) {
        answer_result(0);
        return;
    }
    memcpy(&event, frame, sizeof event);
    memcpy(&value, frame + sizeof event, sizeof value);
    printf("ok %u %lu %s\n", event, (unsigned long)value, address);
}

static int set_octets(void *socket, int option)
{
    zmq_msg_t value;
    int ok;

    if (!parse_frame(&value, word()))
        return 0;
    ok = zmq_setsockopt(socket, option, zmq_msg_data(&value), zmq_msg_size(&value)) == 0;
    zmq_msg_close(&value);
    return ok;
}

/* Takes one request, of which only the id (the second frame) matters, and answers it (RFC 27). */
static int admit_one(const struct peer *peer)
{
    void *socket = peer->handler_socket;
    int more = 1, id_size = 0;
    size_t size = sizeof more;
    char id[256], frame[512];

    for (int i = 0; more; i++) {
        int n = i == 1 ? zmq_recv(socket, id, sizeof id, 0) : zmq_recv(socket, frame, sizeof frame, 0);

        if (n < 0 || zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) != 0)
            return 0;
        if (i == 1)
            id_size = n;
    }
    return zmq_send(socket, "1.0", 3, ZMQ_SNDMORE) >= 0 && zmq_send(socket, id, (size_t)id_size, ZMQ_SNDMORE) >= 0 &&
           zmq_send(socket, "200", 3, ZMQ_SNDMORE) >= 0 && zmq_send(socket, "OK", 2, ZMQ_SNDMORE) >= 0 &&
           zmq_send(socket, peer->user, strlen(peer->user), ZMQ_SNDMORE) >= 0 && zmq_send(socket, "", 0, 0) >= 0;
}

static void *admit(void *argument)
{
    const struct peer *peer = argument;

    while (admit_one(peer))
        continue;
    zmq_close(peer->handler_socket);
    return NULL;
}

static int start_admitting(struct peer *peer, const char *user)
{
    peer->handler_socket = zmq_socket(peer->context, ZMQ_REP);
    if (peer->handler_socket == NULL || zmq_bind(peer->handler_socket, "inproc://zeromq.zap.01") != 0)
        return 0;
    snprintf(peer->user, sizeof peer->user, "%s", user);
    errno = pthread_create(&peer->handler, NULL, admit, peer);
    return errno == 0;
}

static void answer_version(void)
{
    int major, minor, patch;
    void (*function)(int *, int *, int *) = zmq_version;
    void *address;
    Dl_info info = {0};

    zmq_version(&major, &minor, &patch);
    memcpy(&address, &function, sizeof address);
    dladdr(address, &info);
    printf("ok %d.%d.%d %s\n", major, minor, patch, info.dli_fname);
}

static void answer_keypair(void)
{
    char public_key[41], secret_key[41];

    if (zmq_curve_keypair(public_key, secret_key) != 0)
        answer_result(0);
    else
        printf("ok %s %s\n", public_key, secret_key);
}

/* Commands that concern no socket, or open one; returns 0 if it is none of these. */
static int do_general(struct peer *peer, const char *command)
{
    if (strcmp(command, "version") == 0) {
        answer_version();
    } else if (strcmp(command, "keypair") == 0) {
        answer_keypair();
    } else if (strcmp(command, "admit") == 0) {
        answer_result(start_admitting(peer, word()));
    } else if (strcmp(command, "socket") == 0) {
        const char *name = word();

        answer_result(open_socket(peer, name, (int)number()));
    } else if (strcmp(command, "property") == 0) {
        const char *value = zmq_msg_gets(&peer->received, word());

        if (value != NULL)
            printf("ok %s\n", value);
        else
            answer_result(0);
    } else {
        return 0;
    }
    return 1;
}

/* Commands that carry messages or events; returns 0 if it is none of these. */
static int do_message(struct peer *peer, void *socket, const char *command)
{
    if (strcmp(command, "send") == 0) {
        answer_result(send_message(socket));
    } else if (strcmp(command, "recv") == 0) {
        answer_message(peer, socket);
    } else if (strcmp(command, "event") == 0) {
        answer_event(socket);
    } else if (strcmp(command, "burst") == 0 || strcmp(command, "sink") == 0) {
        unsigned long count = (unsigned long)number();
        size_t size = (size_t)number();

        answer_result(command[0] == 'b' ? burst(socket, count, size) : sink(peer, socket, count, size));
    } else {
        return 0;
    }
    return 1;
}

/* Commands that change a socket. */
static void do_socket(struct peer *peer, void *socket, const char *command)
{
    if (strcmp(command, "int") == 0) {
        int option = (int)number(), value = (int)number();

        answer_result(zmq_setsockopt(socket, option, &value, sizeof value) == 0);
    } else if (strcmp(command, "octets") == 0) {
        answer_result(set_octets(socket, (int)number()));
    } else if (strcmp(command, "use") == 0) {
        answer_result(use_socket(socket));
    } else if (strcmp(command, "bind") == 0) {
        if (!bind_socket(socket, word()))
            answer_result(0);
    } else if (strcmp(command, "connect") == 0) {
        answer_result(zmq_connect(socket, word()) == 0);
    } else if (strcmp(command, "disconnect") == 0) {
        answer_result(zmq_disconnect(socket, word()) == 0);
    } else if (strcmp(command, "unbind") == 0) {
        answer_result(zmq_unbind(socket, word()) == 0);
    } else if (strcmp(command, "monitor") == 0) {
        answer_result(open_monitor(peer, socket, word()));
    } else if (strcmp(command, "close") == 0) {
        answer_result(close_socket(peer, socket));
    } else {
        answer("error no such command");
    }
}

static void do_command(struct peer *peer, const char *command)
{
    void *socket;

    if (do_general(peer, command))
        return;
    socket = find_socket(peer, word());
    if (!do_message(peer, socket, command))
        do_socket(peer, socket, command);
}

int main(void)
{
    static struct peer peer;

    peer.context = zmq_ctx_new();
    zmq_msg_init(&peer.received);
    while (fgets(line, sizeof line, stdin) != NULL) {
        const char *command = strtok(line, " \n");

        do_command(&peer, command != NULL ? command : "");
        fflush(stdout);
    }
    zmq_msg_close(&peer.received);
    for (size_t i = 0; i < SOCKETS_MAX; i++) {
        if (peer.sockets[i].socket != NULL)
            zmq_close(peer.sockets[i].socket);
    }
    zmq_ctx_shutdown(peer.context);
    if (peer.user[0] != '\0')
        pthread_join(peer.handler, NULL);
    zmq_ctx_term(peer.context);
    return EXIT_SUCCESS;
}
