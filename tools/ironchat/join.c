/* SPDX-License-Identifier: ISC */
/* ironchat join: a participant, from the command line to the end. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "ironchat/front.h"
#include "ironchat/history.h"
#include "ironchat/link.h"
#include "ironchat/profile.h"

enum { PASSPHRASE_SIZE = 1024, TICK = 1000, PATIENCE_DEFAULT = 30, PATIENCE_MAX = 1000000, FAREWELL = 2 };

/* What the command line asks for; its strings are argv's. */
struct options {
    const char *home;
    const char *name;
    const char *relay;
    const char *files;
    const char *passphrase_file;
    bool plain;
    bool history;
    int patience; /* s, for what is not delivered at the end; -1: the defaults, for the end of input or another */
};

/* All of it. On command_join's stack. */
struct joined {
    struct options options;
    const struct front *front;
    struct profile profile;
    struct link link;
    struct chat_history history;
    struct chat *chat;
    struct chat_port port;
    char files[PATH_MAX];
    int signals;
    int folder; /* locked: one program at a time has these keys */
    bool input_ended;
    int64_t deadline;
};

static const char help_text[] = "Usage: ironchat join [options] [CONTACT]...\n"
                                "\n"
                                "Enters the chat. CONTACT is a contact string that somebody gave you; it is added\n"
                                "to your contacts.\n"
                                "\n"
                                "  -H, --home DIR              your keys and contacts (~/.ironchat)\n"
                                "  -n, --name NAME             make keys for NAME first, if there are none yet\n"
                                "  -r, --relay ENDPOINT[,KEY]  use this relay from now on\n"
                                "  -f, --files DIR             where files from others go (DIR/files of --home)\n"
                                "  -l, --history               keep an encrypted history; asks for a passphrase\n"
                                "  -p, --passphrase-file FILE  its first line is the passphrase\n"
                                "  -P, --plain                 lines instead of a screen, for scripts and braille\n"
                                "  -w, --wait SECONDS          how long to wait at the end for what is not delivered\n"
                                "                              yet (30 after the end of input, 2 after /quit)\n"
                                "  -h, --help                  print this summary\n";

static const struct option long_options[] = {
    {"home", required_argument, NULL, 'H'},  {"name", required_argument, NULL, 'n'},
    {"relay", required_argument, NULL, 'r'}, {"files", required_argument, NULL, 'f'},
    {"history", no_argument, NULL, 'l'},     {"passphrase-file", required_argument, NULL, 'p'},
    {"plain", no_argument, NULL, 'P'},       {"wait", required_argument, NULL, 'w'},
    {"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0},
};

static int parse_seconds(int *seconds, const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0' || value > PATIENCE_MAX)
        return profile_complain("--wait %s: that is no number of seconds", text);
    *seconds = (int)value;
    return 0;
}

/* 0; 1: help was printed; -1: wrong usage. */
static int parse_options(struct options *options, int argc, char **argv)
{
    int option;

    *options = (struct options){.patience = -1};
    while ((option = getopt_long(argc, argv, "H:n:r:f:lp:Pw:h", long_options, NULL)) != -1) {
        switch (option) {
        case 'H':
            options->home = optarg;
            break;
        case 'n':
            options->name = optarg;
            break;
        case 'r':
            options->relay = optarg;
            break;
        case 'f':
            options->files = optarg;
            break;
        case 'p':
            options->passphrase_file = optarg;
            options->history = true;
            break;
        case 'l':
            options->history = true;
            break;
        case 'P':
            options->plain = true;
            break;
        case 'w':
            if (parse_seconds(&options->patience, optarg) < 0)
                return -1;
            break;
        case 'h':
            (void)fputs(help_text, stdout);
            return 1;
        default:
            (void)fputs("Try 'ironchat join --help'.\n", stderr);
            return -1;
        }
    }
    return 0;
}

static int64_t clock_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- history ---- */

/* It may be a pipe, from a program that keeps passphrases. */
static int passphrase_of_file(char *out, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    size_t used = 0, length;
    ssize_t count = fd < 0 ? -1 : 0;

    if (fd >= 0) {
        while (used < PASSPHRASE_SIZE - 1 && (count = read(fd, out + used, PASSPHRASE_SIZE - 1 - used)) > 0)
            used += (size_t)count;
    }
    if (count < 0)
        (void)profile_complain("%s: %s", path, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    if (count < 0)
        return -1;
    out[used] = '\0';
    length = strcspn(out, "\r\n");
    if (length == 0 || length == PASSPHRASE_SIZE - 1)
        return profile_complain("%s holds no passphrase of at most %d octets", path, PASSPHRASE_SIZE - 2);
    out[length] = '\0';
    return 0;
}

/* A line without echo. Signals are blocked, so Ctrl-C is seen by the descriptor on which they come. */
static int ask(int fd, int signals, const char *question, char out[PASSPHRASE_SIZE])
{
    struct pollfd ready[] = {{.fd = fd, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    ssize_t count = 0;

    (void)dprintf(fd, "%s: ", question);
    while (poll(ready, 2, -1) < 0 && errno == EINTR)
        continue;
    if (ready[1].revents == 0)
        count = read(fd, out, PASSPHRASE_SIZE - 1);
    (void)dprintf(fd, "\n");
    out[count > 0 ? count : 0] = '\0';
    out[strcspn(out, "\r\n")] = '\0';
    return out[0] != '\0' ? 0 : profile_complain("no passphrase, no history");
}

/* Twice for a history that begins: what was mistyped would lock it for ever. */
static int ask_all(int fd, int signals, bool begins, char out[PASSPHRASE_SIZE])
{
    char again[PASSPHRASE_SIZE];
    int rc = ask(fd, signals, begins ? "Passphrase of the new history" : "Passphrase of the history", out);

    if (rc == 0 && begins) {
        rc = ask(fd, signals, "The same again", again);
        if (rc == 0 && strcmp(again, out) != 0)
            rc = profile_complain("these are two different ones");
        sodium_memzero(again, sizeof again);
    }
    return rc;
}

static int passphrase_of_terminal(char *out, int signals, bool begins)
{
    struct termios kept, silent;
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    int rc;

    if (fd < 0 || tcgetattr(fd, &kept) < 0) {
        if (fd >= 0)
            (void)close(fd);
        return profile_complain("no terminal to ask for the passphrase; use --passphrase-file");
    }
    silent = kept;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(fd, TCSAFLUSH, &silent);
    rc = ask_all(fd, signals, begins, out);
    (void)tcsetattr(fd, TCSAFLUSH, &kept);
    (void)close(fd);
    return rc;
}

static int passphrase(const struct joined *joined, char out[PASSPHRASE_SIZE])
{
    char path[PATH_MAX];
    struct stat status;

    if (joined->options.passphrase_file != NULL)
        return passphrase_of_file(out, joined->options.passphrase_file);
    profile_path(&joined->profile, path, "history");
    return passphrase_of_terminal(out, joined->signals, stat(path, &status) < 0 || status.st_size == 0);
}

/* A record is "SECONDS LINE". */
static void past(void *arg, const char *text, size_t size)
{
    struct joined *joined = arg;
    char copy[CHAT_RECORD_MAX + 1], *line;
    int64_t when;

    memcpy(copy, text, size);
    copy[size] = '\0';
    when = strtoll(copy, &line, 10);
    joined->front->past(when, line + (*line == ' '));
}

static int open_history(struct joined *joined, const char *secret)
{
    char path[PATH_MAX];
    int rc;

    profile_path(&joined->profile, path, "history");
    rc = chat_history_open(&joined->history, path, secret, past, joined);
    if (rc == 0)
        return 0;
    return profile_complain("%s: %s", path,
                            rc == -EACCES    ? "the passphrase is another"
                            : rc == -EBADMSG ? "it was altered; move it away to begin a new one"
                            : rc == -EINVAL  ? "it is no history; move it away"
                            : rc == -EBUSY   ? "another ironchat uses it"
                                             : strerror(-rc));
}

static bool worth_keeping(enum chat_note_kind kind)
{
    return kind == CHAT_NOTE_MESSAGE || kind == CHAT_NOTE_SENT || kind == CHAT_NOTE_UNDELIVERED ||
           kind == CHAT_NOTE_FILE_DONE || kind == CHAT_NOTE_INVITED;
}

static void keep(struct joined *joined, const struct chat_note *note)
{
    char line[CHAT_NOTE_SIZE], record[CHAT_NOTE_SIZE + 32];
    int length, rc;

    chat_note_line(line, note);
    length = snprintf(record, sizeof record, "%lld %s", (long long)note->time, line);
    rc = chat_history_append(&joined->history, record, (size_t)length);
    if (rc == 0)
        return;
    chat_history_close(&joined->history);
    (void)snprintf(line, sizeof line, "the history: %s; it is not continued", strerror(-rc));
    joined->front->note(&(struct chat_note){.kind = CHAT_NOTE_ERROR, .time = note->time, .text = line});
}

/* ---- the port ---- */

static int port_send(void *arg, const uint8_t *key, const void *data, size_t size, uint64_t *number)
{
    return link_send(&((struct joined *)arg)->link, key, data, size, number);
}

static void port_allow(void *arg, const uint8_t *key)
{
    link_allow(&((struct joined *)arg)->link, key);
}

static void port_deny(void *arg, const uint8_t *key)
{
    link_deny(&((struct joined *)arg)->link, key);
}

static void port_note(void *arg, const struct chat_note *note)
{
    struct joined *joined = arg;

    joined->front->note(note);
    if (joined->history.fd >= 0 && worth_keeping(note->kind))
        keep(joined, note);
}

/* ---- the run ---- */

static void set_clock(struct joined *joined)
{
    chat_clock(joined->chat, clock_ms(), (int64_t)time(NULL));
}

static void take_signal(struct joined *joined, bool *leave)
{
    struct signalfd_siginfo info;

    if (read(joined->signals, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    if (info.ssi_signo == SIGWINCH)
        joined->front->resize();
    else
        *leave = true;
}

static void take_input(struct joined *joined, bool *leave)
{
    if (joined->front->input(joined->chat) == 0)
        return;
    joined->input_ended = true;
    joined->deadline =
        clock_ms() + 1000 * (int64_t)(joined->options.patience < 0 ? PATIENCE_DEFAULT : joined->options.patience);
    *leave = joined->front == &front_screen;
}

/* Is there nothing more to do? */
static bool over(const struct joined *joined)
{
    if (chat_quitting(joined->chat))
        return true;
    return joined->input_ended && (!chat_busy(joined->chat) || clock_ms() >= joined->deadline);
}

/* Says goodbye. What was said last may still arrive; what is left of the time is the socket's, in which nobody sees that
 * it waits. */
static void part(struct joined *joined)
{
    bool by_option = joined->options.patience >= 0 && !joined->input_ended;
    int64_t left = 1000 * (int64_t)(by_option ? joined->options.patience : FAREWELL), end = clock_ms() + left;

    chat_leave(joined->chat);
    while (chat_speaking(joined->chat) && left > 0) {
        zmq_pollitem_t items[LINK_ITEMS];

        link_items(&joined->link, items);
        (void)zmq_poll(items, LINK_ITEMS, (long)left);
        set_clock(joined);
        link_pump(&joined->link, joined->chat);
        left = end - clock_ms();
    }
    left = left < 1000L * FAREWELL ? left : 1000L * FAREWELL;
    link_linger(&joined->link, left > 0 ? (int)left : 0);
}

static void run(struct joined *joined)
{
    int64_t tick = clock_ms();
    bool leave = false;

    set_clock(joined);
    chat_start(joined->chat);
    for (;;) {
        zmq_pollitem_t items[LINK_ITEMS + 2];
        int count = LINK_ITEMS + 1;

        set_clock(joined);
        link_pump(&joined->link, joined->chat);
        if (clock_ms() - tick >= TICK) {
            tick = clock_ms();
            chat_tick(joined->chat);
        }
        if (leave || over(joined))
            break;
        joined->front->refresh(joined->chat);
        link_items(&joined->link, items);
        items[LINK_ITEMS] = (zmq_pollitem_t){.fd = joined->signals, .events = ZMQ_POLLIN};
        items[LINK_ITEMS + 1] = (zmq_pollitem_t){.fd = STDIN_FILENO, .events = ZMQ_POLLIN};
        count += !joined->input_ended;
        if (zmq_poll(items, count, TICK) <= 0)
            continue;
        set_clock(joined);
        if (items[LINK_ITEMS].revents)
            take_signal(joined, &leave);
        if (count > LINK_ITEMS + 1 && items[LINK_ITEMS + 1].revents)
            take_input(joined, &leave);
    }
    part(joined);
}

/* Before any thread starts, so that all signals come here. */
static int catch_signals(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGWINCH);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* A file system without locks is no reason to stay out. */
static int lock_folder(struct joined *joined)
{
    joined->folder = open(joined->profile.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (joined->folder >= 0 && flock(joined->folder, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
        return profile_complain("%s: another ironchat uses it", joined->profile.folder);
    return 0;
}

/* Keys, relay and contacts, as the command line wants them. */
static int prepare(struct joined *joined, int argc, char **argv)
{
    struct profile *profile = &joined->profile;
    const struct options *options = &joined->options;

    if (profile_open(profile, options->home) < 0)
        return -1;
    if (profile->cert == NULL && options->name == NULL)
        return profile_complain("no keys in %s yet: use --name NAME, or ironchat keys new NAME", profile->folder);
    if (profile->cert == NULL && profile_create(profile, options->name) < 0)
        return -1;
    if (options->name != NULL && strcmp(options->name, profile->card.name) != 0)
        return profile_create(profile, options->name); /* which says that there are others */
    if (lock_folder(joined) < 0)
        return -1;
    if (options->relay != NULL && profile_set_relay(profile, options->relay) < 0)
        return -1;
    for (int i = optind; i < argc; i++) {
        struct chat_card card;

        if ((chat_card_parse(&card, argv[i]) < 0 || chat_contacts_keyed(&profile->contacts, card.key) == NULL) &&
            profile_add(profile, argv[i]) < 0)
            return -1;
    }
    if (profile->card.relay[0] == '\0')
        return profile_complain("no relay is known yet: use --relay ENDPOINT[,KEY]");
    if (options->files != NULL)
        (void)snprintf(joined->files, sizeof joined->files, "%s", options->files);
    else
        profile_path(profile, joined->files, "files");
    return 0;
}

/* The terminal comes last, so that errors before it can be read. */
static int talk(struct joined *joined, const char *secret)
{
    bool missed;

    if (secret[0] != '\0' && open_history(joined, secret) < 0)
        return 1;
    if (link_open(&joined->link, joined->profile.cert, &joined->profile.card) < 0)
        return 1;
    joined->port = (struct chat_port){joined, port_send, port_allow, port_deny, port_note};
    joined->chat = chat_new(&joined->profile.card, &joined->profile.contacts, joined->files, &joined->port);
    if (joined->chat == NULL || joined->front->open() < 0)
        return 1;
    run(joined);
    missed = chat_busy(joined->chat) || chat_missed(joined->chat);
    joined->front->close();
    if (missed)
        (void)profile_complain("not all that was said or sent has arrived");
    if (ferror(stdout))
        return profile_complain("standard output did not take all that was told") < 0;
    return missed ? 1 : 0;
}

int command_join(int argc, char **argv)
{
    struct joined joined = {.link = {.strangers = {-1, -1}}, .history = {.fd = -1}, .folder = -1};
    char secret[PASSPHRASE_SIZE] = "";
    int status = parse_options(&joined.options, argc, argv);

    if (status != 0)
        return status > 0 ? 0 : 2;
    joined.signals = catch_signals();
    joined.front =
        joined.options.plain || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ? &front_plain : &front_screen;
    status = 1;
    if (joined.signals >= 0 && prepare(&joined, argc, argv) == 0 &&
        (!joined.options.history || passphrase(&joined, secret) == 0))
        status = talk(&joined, secret);
    sodium_memzero(secret, sizeof secret);
    link_close(&joined.link);
    chat_free(joined.chat);
    chat_history_close(&joined.history);
    profile_close(&joined.profile);
    if (joined.folder >= 0)
        (void)close(joined.folder);
    return status;
}
