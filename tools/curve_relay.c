/* SPDX-License-Identifier: ISC */
/*
 * curve_relay: joins peers of libcurve that never see each other's address, and can read nothing of what they say.
 */
#include <curve.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "libcurve/draft.h"

enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

enum { ENDPOINTS_MAX = 16, LINE_SIZE = 1024, RECORDED_FRAMES = 3 };

enum { PEERS = 10000, OTHER_FILES = 100 };

/* What the command line asks for. Owned by main, one thread, no lock; its strings are argv's. */
struct options {
    const char *endpoints[ENDPOINTS_MAX + 1];
    const char *hop_file;
    const char *record_file;
    curve_relay_config_t config;
    bool quiet;
    bool finished; /* --help or --version has been answered */
};

/* The program's parts. Owned by main; each socket by the thread that is named after it. */
struct program {
    void *context;
    void *control;      /* main's end: curve_relay reads it */
    void *signal_end;   /* the signal thread's */
    void *capture;      /* main's end: curve_relay writes it */
    void *recorder_end; /* the recorder's */
    pthread_t signals;
    pthread_t recorder;
    bool has_signals;
    bool has_recorder;
    int record_fd;
    int record_error; /* the recorder's, until it was joined */
};

static const char help_text[] =
    "Usage: curve_relay [options] ENDPOINT...\n"
    "\n"
    "Joins peers of libcurve (curve_socket(3)) at ZeroMQ endpoints such as tcp://*:7777. Prints where it is bound.\n"
    "\n"
    "  -H, --hop FILE         protect the hop by CURVE with this certificate; peers are then registered\n"
    "                         under a key only if they prove it\n"
    "  -R, --record FILE      append all that passes to FILE, for inspection\n"
    "  -p, --max-peers N      registered at a time (10000)\n"
    "  -u, --max-queue N      messages that wait for one peer (1000)\n"
    "  -m, --max-message N    octets of one envelope (17825792)\n"
    "  -M, --max-memory N     MiB that wait for all peers (1024)\n"
    "  -r, --rate N           octets a second that one peer may send (not limited)\n"
    "  -i, --idle MS          forget a peer that was silent that long (60000)\n"
    "  -q, --quiet            print nothing\n"
    "  -h, --help             print this summary\n"
    "  -V, --version          print the versions of the libraries\n";

static const struct option long_options[] = {
    {"hop", required_argument, NULL, 'H'},
    {"record", required_argument, NULL, 'R'},
    {"max-peers", required_argument, NULL, 'p'},
    {"max-queue", required_argument, NULL, 'u'},
    {"max-message", required_argument, NULL, 'm'},
    {"max-memory", required_argument, NULL, 'M'},
    {"rate", required_argument, NULL, 'r'},
    {"idle", required_argument, NULL, 'i'},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static int complain(const char *what, int error)
{
    (void)fprintf(stderr, "curve_relay: %s: %s\n", what, zmq_strerror(error));
    return STATUS_FAILED;
}

static int complain_usage(const char *what)
{
    if (what) {
        (void)fprintf(stderr, "curve_relay: %s\n", what);
    }
    (void)fprintf(stderr, "Try 'curve_relay --help'.\n");
    return STATUS_USAGE;
}

static void print_bound(void *arg, const char *endpoint)
{
    const struct options *options = arg;

    if (!options->quiet) {
        (void)printf("bound %s\n", endpoint);
        (void)fflush(stdout);
    }
}

/* ---- recording ---- */

static void put_hex(char *out, size_t room, zmq_msg_t *frame)
{
    const unsigned char *data = zmq_msg_data(frame);
    size_t size = zmq_msg_size(frame);

    out[0] = '\0';
    for (size_t i = 0; i < size && i * 2 + 2 < room; i++) {
        (void)snprintf(out + i * 2, 3, "%02x", data[i]);
    }
}

/* One line that says who sent it, what kind it is and for whom, then the envelope as it is. */
static int write_record(int fd, zmq_msg_t *frames, int count)
{
    char route[LINE_SIZE / 4];
    char head[LINE_SIZE / 4];
    char line[LINE_SIZE];
    size_t size = count > 2 ? zmq_msg_size(&frames[2]) : 0;
    int length;
    int error;

    put_hex(route, sizeof(route), &frames[0]);
    put_hex(head, sizeof(head), &frames[1]);
    length = snprintf(line, sizeof(line), "route %s head %s envelope %zu\n", route, head, size);
    error = ih_write_all(fd, line, (size_t)length);
    if (error == 0 && size) {
        error = ih_write_all(fd, zmq_msg_data(&frames[2]), size);
    }
    if (error == 0 && size) {
        error = ih_write_all(fd, "\n", 1);
    }
    return error;
}

/* Until an empty message comes alone. After an error it goes on reading, so that the relay is not held up. */
static void *record(void *arg)
{
    struct program *program = arg;
    bool ended = false;
    int error = 0;

    while (!ended) {
        zmq_msg_t frames[RECORDED_FRAMES];
        int count = 0;
        int more = 1;

        for (int i = 0; i < RECORDED_FRAMES; i++) {
            (void)zmq_msg_init(&frames[i]);
        }
        while (more && count < RECORDED_FRAMES) {
            if (zmq_msg_recv(&frames[count], program->recorder_end, 0) < 0) {
                more = 0;
                ended = zmq_errno() != EINTR;
            } else {
                more = zmq_msg_more(&frames[count++]);
            }
        }
        ended = ended || (count == 1 && zmq_msg_size(&frames[0]) == 0);
        if (!ended && count && error == 0) {
            error = write_record(program->record_fd, frames, count);
        }
        for (int i = 0; i < RECORDED_FRAMES; i++) {
            (void)zmq_msg_close(&frames[i]);
        }
    }
    program->record_error = error;
    return NULL;
}

/* ---- signals ---- */

static void fill_signals(sigset_t *signals)
{
    (void)sigemptyset(signals);
    (void)sigaddset(signals, SIGINT);
    (void)sigaddset(signals, SIGTERM);
}

static void *wait_for_signal(void *arg)
{
    struct program *program = arg;
    sigset_t signals;
    int number;

    fill_signals(&signals);
    while (sigwait(&signals, &number) != 0) {
    }
    (void)zmq_send(program->signal_end, "TERMINATE", 9, ZMQ_DONTWAIT);
    return NULL;
}

/* ---- the program ---- */

/* Two PAIRs that are joined. */
static int join(void *context, const char *endpoint, void **one, void **other)
{
    int linger = 0;

    *one = zmq_socket(context, ZMQ_PAIR);
    *other = zmq_socket(context, ZMQ_PAIR);
    if (!*one || !*other || zmq_setsockopt(*other, ZMQ_LINGER, &linger, sizeof(linger)) != 0 ||
        zmq_bind(*one, endpoint) != 0 || zmq_connect(*other, endpoint) != 0) {
        return complain(endpoint, zmq_errno());
    }
    return STATUS_OK;
}

static int start_recorder(struct program *program, const char *file)
{
    int error;

    program->record_fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
    if (program->record_fd < 0) {
        return complain(file, errno);
    }
    if (join(program->context, "inproc://record", &program->capture, &program->recorder_end) != STATUS_OK) {
        return STATUS_FAILED;
    }
    error = pthread_create(&program->recorder, NULL, record, program);
    program->has_recorder = error == 0;
    return error == 0 ? STATUS_OK : complain("thread", error);
}

static int start_signals(struct program *program)
{
    int error;

    if (join(program->context, "inproc://control", &program->control, &program->signal_end) != STATUS_OK) {
        return STATUS_FAILED;
    }
    error = pthread_create(&program->signals, NULL, wait_for_signal, program);
    program->has_signals = error == 0;
    return error == 0 ? STATUS_OK : complain("thread", error);
}

static int stop(struct program *program, const char *record_file)
{
    void *sockets[] = {program->control, program->signal_end, program->capture, program->recorder_end};
    int status = STATUS_OK;

    if (program->has_signals) {
        (void)pthread_kill(program->signals, SIGINT);
        (void)pthread_join(program->signals, NULL);
    }
    if (program->has_recorder) {
        (void)zmq_send(program->capture, "", 0, 0);
        (void)pthread_join(program->recorder, NULL);
        if (program->record_error != 0) {
            status = complain(record_file, -program->record_error);
        }
    }
    if (program->record_fd >= 0 && close(program->record_fd) != 0 && status == STATUS_OK) {
        status = complain(record_file, errno);
    }
    for (size_t i = 0; i < sizeof(sockets) / sizeof(*sockets); i++) {
        if (sockets[i]) {
            (void)zmq_close(sockets[i]);
        }
    }
    (void)zmq_ctx_term(program->context);
    return status;
}

/* Each peer is a descriptor. As many as we may have; if that is too few, it is said. */
static void raise_limit(const struct options *options)
{
    rlim_t wanted = (rlim_t)(options->config.max_peers ? options->config.max_peers : PEERS) + OTHER_FILES;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return;
    }
    if (limit.rlim_cur < limit.rlim_max) {
        rlim_t before = limit.rlim_cur;

        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
            limit.rlim_cur = before;
        }
    }
    if (limit.rlim_cur < wanted) {
        (void)fprintf(stderr,
                      "curve_relay: warning: only %llu descriptors are allowed, and %llu may be needed: see "
                      "--max-peers, and setrlimit(2)\n",
                      (unsigned long long)limit.rlim_cur, (unsigned long long)wanted);
    }
}

static int run(struct options *options)
{
    struct program program = {.record_fd = -1};
    sigset_t signals;
    int status = STATUS_OK;
    int ended;

    /* Before there are threads: they inherit it. */
    fill_signals(&signals);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    program.context = zmq_ctx_new();
    if (!program.context) {
        return complain("context", zmq_errno());
    }
    (void)zmq_ctx_set(program.context, ZMQ_MAX_SOCKETS, 16384);
    if (options->record_file) {
        status = start_recorder(&program, options->record_file);
    }
    if (status == STATUS_OK) {
        status = start_signals(&program);
    }
    if (status == STATUS_OK) {
        options->config.control = program.control;
        options->config.capture = program.capture;
        if (curve_relay(program.context, &options->config) != 0) {
            status = complain("relay", errno);
        }
    }
    ended = stop(&program, options->record_file);
    return status == STATUS_OK ? ended : status;
}

static int load_hop(struct options *options, curve_cert_t **hop)
{
    *hop = curve_cert_load(options->hop_file);
    if (!*hop) {
        return complain(options->hop_file, errno);
    }
    if (!curve_cert_secret_key(*hop)) {
        (void)fprintf(stderr, "curve_relay: %s: there is no secret key in it\n", options->hop_file);
        return STATUS_FAILED;
    }
    if (curve_cert_exposed(*hop)) {
        (void)fprintf(stderr, "curve_relay: %s_secret: warning: others can read it\n", options->hop_file);
    }
    options->config.hop = *hop;
    if (!options->quiet) {
        (void)printf("hop %s\n", curve_cert_public_text(*hop));
    }
    return STATUS_OK;
}

static int take_number(const char *text, int *value)
{
    char *end = NULL;
    long number;

    errno = 0;
    number = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < 1 || number > 0x7fffffff) {
        return complain_usage("a limit is a number from 1 to 2147483647");
    }
    *value = (int)number;
    return STATUS_OK;
}

static int print_version(struct options *options)
{
    int version[6];

    curve_version(&version[0], &version[1], &version[2]);
    zmq_version(&version[3], &version[4], &version[5]);
    (void)printf("curve_relay (Ironhouse) %d.%d.%d on libzmq %d.%d.%d\n", version[0], version[1], version[2],
                 version[3], version[4], version[5]);
    options->finished = true;
    return STATUS_OK;
}

static int take_option(struct options *options, int letter)
{
    curve_relay_config_t *config = &options->config;

    switch (letter) {
    case 'H':
        options->hop_file = optarg;
        return STATUS_OK;
    case 'R':
        options->record_file = optarg;
        return STATUS_OK;
    case 'p':
        return take_number(optarg, &config->max_peers);
    case 'u':
        return take_number(optarg, &config->max_queue);
    case 'm':
        return take_number(optarg, &config->max_message);
    case 'M':
        return take_number(optarg, &config->max_memory);
    case 'r':
        return take_number(optarg, &config->rate);
    case 'i':
        return take_number(optarg, &config->idle);
    case 'q':
        options->quiet = true;
        return STATUS_OK;
    case 'h':
        (void)fputs(help_text, stdout);
        options->finished = true;
        return STATUS_OK;
    case 'V':
        return print_version(options);
    default:
        return complain_usage(NULL);
    }
}

static int parse_options(int argc, char **argv, struct options *options)
{
    int letter;

    while ((letter = getopt_long(argc, argv, "H:R:p:u:m:M:r:i:qhV", long_options, NULL)) != -1) {
        int status = take_option(options, letter);

        if (status != STATUS_OK || options->finished) {
            return status;
        }
    }
    if (optind == argc || argc - optind > ENDPOINTS_MAX) {
        return complain_usage("1 to 16 endpoints are needed");
    }
    for (int i = optind; i < argc; i++) {
        options->endpoints[i - optind] = argv[i];
    }
    return STATUS_OK;
}

int main(int argc, char **argv)
{
    struct options options = {.quiet = false};
    curve_cert_t *hop = NULL;
    int status = parse_options(argc, argv, &options);

    if (status != STATUS_OK || options.finished) {
        return status;
    }
    options.config.endpoints = options.endpoints;
    options.config.bound = print_bound;
    options.config.arg = &options;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    if (options.hop_file) {
        status = load_hop(&options, &hop);
    }
    if (status == STATUS_OK) {
        raise_limit(&options);
        status = run(&options);
    }
    curve_cert_destroy(&hop);
    return status;
}
