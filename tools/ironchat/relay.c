/* SPDX-License-Identifier: ISC */
/* ironchat relay: a relay of libcurve, with a key for the hop, and on request a recording of all that passes. */
#include <curve.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ironchat/file.h"
#include "ironchat/front.h"
#include "ironchat/profile.h"

enum { ENDPOINTS_MAX = 16 };

/* The relay's thread and who watches it. On command_relay's stack. */
struct station {
    void *context;
    void *control[2]; /* ours, and the relay's */
    void *capture[2];
    curve_cert_t *hop;
    const char *endpoints[ENDPOINTS_MAX + 1];
    const char *key_file;
    const char *record_file;
    bool clear; /* the hop is not protected */
    int record;
    int signals;
    int error; /* the relay's, once it has ended */
};

static const char help_text[] = "Usage: ironchat relay [options]\n"
                                "\n"
                                "Forwards what participants send each other. It can read nothing of it. Prints, for\n"
                                "each endpoint, what participants give to --relay.\n"
                                "\n"
                                "  -b, --bind ENDPOINT  where to listen (tcp://*:7447); may be given several times\n"
                                "  -k, --key FILE       the relay's own key, made if it is not there\n"
                                "                       (~/.ironchat/relay); it protects the way to the relay\n"
                                "  -c, --clear          no such protection: who watches the wire sees who talks to\n"
                                "                       whom, but still nothing of what is said\n"
                                "  -R, --record FILE    write all that passes to FILE\n"
                                "  -h, --help           print this summary\n";

/* 0; 1: help was printed; -1: wrong usage. */
static int parse_options(struct station *station, int argc, char **argv)
{
    static const struct option long_options[] = {
        {"bind", required_argument, NULL, 'b'}, {"key", required_argument, NULL, 'k'},
        {"clear", no_argument, NULL, 'c'},      {"record", required_argument, NULL, 'R'},
        {"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0},
    };
    int option, count = 0;

    while ((option = getopt_long(argc, argv, "b:k:cR:h", long_options, NULL)) != -1) {
        if (option == 'b' && count < ENDPOINTS_MAX) {
            station->endpoints[count++] = optarg;
        } else if (option == 'k') {
            station->key_file = optarg;
        } else if (option == 'c') {
            station->clear = true;
        } else if (option == 'R') {
            station->record_file = optarg;
        } else {
            (void)fputs(option == 'h' ? help_text : "Try 'ironchat relay --help'.\n", option == 'h' ? stdout : stderr);
            return option == 'h' ? 1 : -1;
        }
    }
    if (optind < argc) {
        (void)profile_complain("%s: an endpoint follows --bind", argv[optind]);
        return -1;
    }
    if (count == 0)
        station->endpoints[0] = "tcp://*:7447";
    return 0;
}

static int load_key(struct station *station)
{
    char path[PATH_MAX];
    struct profile profile;

    if (station->key_file != NULL) {
        (void)snprintf(path, sizeof path, "%s", station->key_file);
    } else {
        if (profile_open(&profile, NULL) < 0)
            return -1;
        (void)mkdir(profile.folder, 0700);
        profile_path(&profile, path, "relay");
        profile_close(&profile);
    }
    station->hop = curve_cert_load(path);
    if (station->hop == NULL && errno == ENOENT) {
        station->hop = curve_cert_new();
        if (station->hop != NULL && curve_cert_save(station->hop, path) < 0)
            return profile_complain("%s: %s", path, strerror(errno));
    }
    if (station->hop == NULL || curve_cert_secret_key(station->hop) == NULL)
        return profile_complain("%s: %s", path, station->hop == NULL ? strerror(errno) : "no secret key");
    return 0;
}

/* On the relay's thread. */
static void bound(void *arg, const char *endpoint)
{
    const struct station *station = arg;
    char key[CHAT_KEY_TEXT] = "";

    if (station->hop != NULL)
        chat_key_write(key, curve_cert_public_key(station->hop));
    (void)printf("relay\t%s%s%s\n", endpoint, station->hop != NULL ? "," : "", key);
    (void)fflush(stdout);
    if (strstr(endpoint, "://0.0.0.0:") != NULL || strstr(endpoint, "://[::]:") != NULL)
        (void)profile_complain("0.0.0.0 or [::] is every address of this machine: others write its name there");
}

static void *serve(void *arg)
{
    struct station *station = arg;
    curve_relay_config_t config = {.endpoints = station->endpoints,
                                   .hop = station->hop,
                                   .control = station->control[1],
                                   .capture = station->record >= 0 ? station->capture[1] : NULL,
                                   .bound = bound,
                                   .arg = station};

    station->error = curve_relay(station->context, &config) < 0 ? errno : 0;
    (void)zmq_send(station->control[1], "ended", 5, ZMQ_DONTWAIT);
    return NULL;
}

static int open_pair(struct station *station, void *pair[2], const char *endpoint)
{
    int unlimited = 0;

    for (int i = 0; i < 2; i++) {
        pair[i] = zmq_socket(station->context, ZMQ_PAIR);
        if (pair[i] == NULL || zmq_setsockopt(pair[i], ZMQ_SNDHWM, &unlimited, sizeof unlimited) < 0 ||
            zmq_setsockopt(pair[i], ZMQ_RCVHWM, &unlimited, sizeof unlimited) < 0 ||
            zmq_setsockopt(pair[i], ZMQ_LINGER, &unlimited, sizeof unlimited) < 0 ||
            (i == 0 ? zmq_bind(pair[i], endpoint) : zmq_connect(pair[i], endpoint)) < 0)
            return profile_complain("%s", zmq_strerror(errno));
    }
    return 0;
}

/* Writes each frame that has passed. A disk that is full ends the recording, not the relay. */
static void record(struct station *station)
{
    zmq_msg_t msg;

    (void)zmq_msg_init(&msg);
    while (zmq_msg_recv(&msg, station->capture[0], ZMQ_DONTWAIT) >= 0) {
        int rc = station->record >= 0 ? chat_write_all(station->record, zmq_msg_data(&msg), zmq_msg_size(&msg)) : 0;

        if (rc < 0) {
            (void)profile_complain("%s: %s; the recording ends here", station->record_file, strerror(-rc));
            (void)close(station->record);
            station->record = -1;
        }
    }
    (void)zmq_msg_close(&msg);
}

static void watch(struct station *station)
{
    zmq_pollitem_t items[] = {
        {.fd = station->signals, .events = ZMQ_POLLIN},
        {.socket = station->control[0], .events = ZMQ_POLLIN},
        {.socket = station->capture[0], .events = ZMQ_POLLIN},
    };
    struct signalfd_siginfo info;
    char word[16];

    while (zmq_poll(items, 3, -1) >= 0 || errno == EINTR) {
        record(station);
        if (items[1].revents && zmq_recv(station->control[0], word, sizeof word, ZMQ_DONTWAIT) > 0)
            break;
        if (items[0].revents && read(station->signals, &info, sizeof info) > 0)
            (void)zmq_send(station->control[0], "TERMINATE", 9, 0);
    }
}

static int start(struct station *station)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    station->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (!station->clear && load_key(station) < 0)
        return -1;
    if (station->record_file != NULL) {
        station->record = open(station->record_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (station->record < 0)
            return profile_complain("%s: %s", station->record_file, strerror(errno));
    }
    station->context = zmq_ctx_new();
    if (station->context == NULL)
        return profile_complain("%s", zmq_strerror(errno));
    if (open_pair(station, station->control, "inproc://control") < 0)
        return -1;
    return open_pair(station, station->capture, "inproc://capture");
}

static int finish(struct station *station)
{
    for (int i = 0; i < 2; i++) {
        if (station->control[i] != NULL)
            (void)zmq_close(station->control[i]);
        if (station->capture[i] != NULL)
            (void)zmq_close(station->capture[i]);
    }
    if (station->context != NULL)
        (void)zmq_ctx_term(station->context);
    curve_cert_destroy(&station->hop);
    if (station->error != 0)
        (void)profile_complain("%s: %s", station->endpoints[0], zmq_strerror(station->error));
    return station->error != 0 ? 1 : 0;
}

int command_relay(int argc, char **argv)
{
    struct station station = {.record = -1, .signals = -1};
    pthread_t thread;
    int rc = parse_options(&station, argc, argv);

    if (rc != 0)
        return rc > 0 ? 0 : 2;
    if (start(&station) < 0 || pthread_create(&thread, NULL, serve, &station) != 0) {
        (void)finish(&station);
        return 1;
    }
    watch(&station);
    (void)pthread_join(thread, NULL);
    record(&station);
    return finish(&station);
}
