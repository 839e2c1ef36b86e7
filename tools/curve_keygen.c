/* SPDX-License-Identifier: ISC */
/*
 * curve_keygen: makes a CURVE key pair and prints it, or stores it as two certificate files. Secrets never pass through
 * stdio, whose buffers could not be wiped.
 */
#include <zmq.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/text.h"
#include "libcurve/cert_text.h"
#include "libcurve/draft.h"

enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

/* The longest name leaves room for the suffixes of a draft within the 255 bytes of a file's name. */
enum { KEY_SIZE = 41, NAME_LENGTH_MAX = 200, FILE_NAME_SIZE = 256, TEXT_SIZE = 768 };

enum action { PRINT_TEXT, PRINT_JSON, WRITE_FILES, PRINT_HELP, PRINT_VERSION };

/* What the command line asks for. Owned by main, one thread, no lock; its strings are argv's. */
struct options {
    enum action action;
    const char *folder;
    const char *name;
};

/* Both keys in Z85. On make_keys' stack, one thread, no lock; wiped before it returns. */
struct key_pair {
    char public_key[KEY_SIZE];
    char secret_key[KEY_SIZE];
};

/* A file to be made. On write_files' stack, one thread, no lock; wiped before it returns. */
struct certificate {
    struct ih_draft draft;
    char name[FILE_NAME_SIZE];
    char text[TEXT_SIZE];
    size_t size;
    mode_t mode;
};

static const char help_text[] = "Usage: curve_keygen [--json]\n"
                                "       curve_keygen --out DIR [--name NAME]\n"
                                "\n"
                                "Makes a CURVE key pair and prints it in Z85.\n"
                                "\n"
                                "  -j, --json       print a JSON object\n"
                                "  -o, --out DIR    print no key; write the certificates NAME.key (public)\n"
                                "                   and NAME.key_secret into the folder DIR\n"
                                "  -n, --name NAME  what to call these files, without --name \"curve\"\n"
                                "  -h, --help       print this summary\n"
                                "  -V, --version    print the version of the library\n";

static const struct option long_options[] = {
    {"json", no_argument, NULL, 'j'}, {"out", required_argument, NULL, 'o'}, {"name", required_argument, NULL, 'n'},
    {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'},   {NULL, 0, NULL, 0},
};

static int complain(const char *what, int error)
{
    (void)fprintf(stderr, "curve_keygen: %s: %s\n", what, strerror(-error));
    return STATUS_FAILED;
}

/* Without what where getopt_long has already said it. */
static int complain_usage(const char *what)
{
    if (what != NULL) {
        (void)fprintf(stderr, "curve_keygen: %s\n", what);
    }
    (void)fprintf(stderr, "Try 'curve_keygen --help'.\n");
    return STATUS_USAGE;
}

/* The last thing that is written there, so that closing it can tell of an error which write(2) could not yet see. */
static int finish_output(int error)
{
    if (close(STDOUT_FILENO) != 0 && error == 0) {
        error = -errno;
    }
    return error == 0 ? STATUS_OK : complain("standard output", error);
}

static int print_version(void)
{
    int major;
    int minor;
    int patch;
    int length;

    zmq_version(&major, &minor, &patch);
    length = dprintf(STDOUT_FILENO, "curve_keygen (Ironhouse) %d.%d.%d\n", major, minor, patch);
    return finish_output(length < 0 ? -errno : 0);
}

static int print_keys(const struct key_pair *keys, bool json)
{
    char text[TEXT_SIZE];
    int error;

    if (json) {
        /* No character of Z85 needs an escape. */
        (void)snprintf(text, sizeof(text), "{\n \"public\": \"%s\",\n \"secret\": \"%s\"\n}\n", keys->public_key,
                       keys->secret_key);
    } else {
        (void)snprintf(text, sizeof(text), "== CURVE PUBLIC KEY ==\n%s\n\n== CURVE SECRET KEY ==\n%s\n",
                       keys->public_key, keys->secret_key);
    }
    error = ih_write_all(STDOUT_FILENO, text, strlen(text));
    explicit_bzero(text, sizeof(text));
    return finish_output(error);
}

static void fill_certificate(struct certificate *certificate, const char *name, const char *suffix,
                             const char *public_key, const char *secret_key)
{
    /* So that a server which finds the key in a folder knows whose it is. */
    char owner[NAME_LENGTH_MAX + 1];
    const struct ih_cert_meta meta = {.name = (char[]){"name"}, .value = owner};

    (void)snprintf(owner, sizeof(owner), "%s", name);
    (void)snprintf(certificate->name, sizeof(certificate->name), "%.*s%s", NAME_LENGTH_MAX, name, suffix);
    certificate->size = ih_cert_format(certificate->text, sizeof(certificate->text), public_key, secret_key, &meta, 1);
}

static int write_draft(int dir, struct certificate *certificate)
{
    return ih_draft_write(&certificate->draft, dir, certificate->name, certificate->mode, certificate->text,
                          certificate->size);
}

static int give_name(int dir, struct certificate *certificate)
{
    return ih_draft_link(&certificate->draft, dir);
}

static int drop_draft(int dir, struct certificate *certificate)
{
    return ih_draft_drop(&certificate->draft, dir);
}

/* Takes a step for the secret file, then for the public one: should the machine stop between, no key is lost. */
static int take_step(int (*step)(int, struct certificate *), int dir, const char *folder, struct certificate *both)
{
    for (size_t i = 0; i < 2; i++) {
        int error = step(dir, &both[i]);

        if (error != 0) {
            (void)fprintf(stderr, "curve_keygen: %s/%s: %s\n", folder, both[i].name, strerror(-error));
            return STATUS_FAILED;
        }
    }
    return STATUS_OK;
}

/* Puts both files into the folder, or neither. */
static int place_files(const char *folder, struct certificate *both)
{
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int status;

    if (dir < 0) {
        return complain(folder, -errno);
    }
    status = take_step(write_draft, dir, folder, both);
    if (status == STATUS_OK) {
        status = take_step(give_name, dir, folder, both);
    }
    if (status == STATUS_OK) {
        status = take_step(drop_draft, dir, folder, both);
    }
    if (status == STATUS_OK) {
        int error = ih_draft_sync(dir);

        status = error == 0 ? STATUS_OK : complain(folder, error);
    }
    for (size_t i = 0; status != STATUS_OK && i < 2; i++) {
        ih_draft_undo(&both[i].draft, dir);
    }
    (void)close(dir);
    return status;
}

/* An interruption waits until the folder is in order. */
static int place_files_undisturbed(const char *folder, struct certificate *both)
{
    sigset_t interruptions;
    sigset_t before;
    int status;

    (void)sigemptyset(&interruptions);
    (void)sigaddset(&interruptions, SIGHUP);
    (void)sigaddset(&interruptions, SIGINT);
    (void)sigaddset(&interruptions, SIGQUIT);
    (void)sigaddset(&interruptions, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &interruptions, &before);
    status = place_files(folder, both);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return status;
}

static int write_files(const struct key_pair *keys, const char *folder, const char *name)
{
    struct certificate both[2] = {{.mode = S_IRUSR | S_IWUSR}, {.mode = S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH}};
    int status;

    fill_certificate(&both[0], name, ".key_secret", keys->public_key, keys->secret_key);
    fill_certificate(&both[1], name, ".key", keys->public_key, NULL);
    status = place_files_undisturbed(folder, both);
    if (status == STATUS_OK) {
        int length = dprintf(STDOUT_FILENO, "%s/%s\n%s/%s\n", folder, both[1].name, folder, both[0].name);

        status = finish_output(length < 0 ? -errno : 0);
    }
    explicit_bzero(both, sizeof(both));
    return status;
}

static int make_keys(const struct options *options)
{
    struct key_pair keys;
    int status;

    if (zmq_curve_keypair(keys.public_key, keys.secret_key) != 0) {
        (void)fprintf(stderr, "curve_keygen: no key pair: %s\n", zmq_strerror(zmq_errno()));
        status = STATUS_FAILED;
    } else if (options->action == WRITE_FILES) {
        status = write_files(&keys, options->folder, options->name);
    } else {
        status = print_keys(&keys, options->action == PRINT_JSON);
    }
    explicit_bzero(&keys, sizeof(keys));
    return status;
}

/* A name that stays in the folder, is not hidden there, keeps to one line of output, and that a certificate can hold. */
static bool is_plain_name(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && length <= NAME_LENGTH_MAX && name[0] != '.' && strpbrk(name, "/\"") == NULL &&
           auth_text_clean(name, length);
}

static int check_options(struct options *options, bool json)
{
    if (options->folder == NULL && options->name != NULL) {
        return complain_usage("--name needs --out");
    }
    if (options->folder != NULL && json) {
        return complain_usage("--json and --out exclude each other");
    }
    if (options->name == NULL) {
        options->name = "curve";
    }
    if (!is_plain_name(options->name)) {
        return complain_usage("--name takes 1 to 200 octets of UTF-8, no slash, quote or control, no dot in front");
    }
    if (options->folder != NULL) {
        options->action = WRITE_FILES;
    } else if (json) {
        options->action = PRINT_JSON;
    }
    return STATUS_OK;
}

static int parse_options(int argc, char **argv, struct options *options)
{
    bool json = false;
    int letter;

    while ((letter = getopt_long(argc, argv, "jo:n:hV", long_options, NULL)) != -1) {
        switch (letter) {
        case 'j':
            json = true;
            break;
        case 'o':
            options->folder = optarg;
            break;
        case 'n':
            options->name = optarg;
            break;
        case 'h':
            options->action = PRINT_HELP;
            return STATUS_OK;
        case 'V':
            options->action = PRINT_VERSION;
            return STATUS_OK;
        default:
            return complain_usage(NULL);
        }
    }
    if (optind < argc) {
        return complain_usage("only options are taken");
    }
    return check_options(options, json);
}

int main(int argc, char **argv)
{
    struct options options = {.action = PRINT_TEXT};
    int status = parse_options(argc, argv, &options);

    if (status != STATUS_OK) {
        return status;
    }
    /* A closed pipe and a file's size limit are to be errors of write(2), after which there is still wiping to do. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    switch (options.action) {
    case PRINT_HELP:
        return finish_output(ih_write_all(STDOUT_FILENO, help_text, strlen(help_text)));
    case PRINT_VERSION:
        return print_version();
    case PRINT_TEXT:
    case PRINT_JSON:
    case WRITE_FILES:
        break;
    }
    return make_keys(&options);
}
