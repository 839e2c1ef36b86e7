/* SPDX-License-Identifier: ISC */
/* The command line. */
#include "ironauth/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ironauth/out.h"

enum { TIMEOUT = 5000, TIMEOUT_MAX = 600000, OPTION_STDIN = 256, OPTION_HASH, OPTION_TIMEOUT };

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"backend", required_argument, NULL, 'b'},
    {"user", required_argument, NULL, 'u'},
    {"key", required_argument, NULL, 'k'},
    {"comment", required_argument, NULL, 'C'},
    {"domain", required_argument, NULL, 'd'},
    {"address", required_argument, NULL, 'a'},
    {"mechanism", required_argument, NULL, 'm'},
    {"password-stdin", no_argument, NULL, OPTION_STDIN},
    {"print", no_argument, NULL, OPTION_HASH},
    {"timeout", required_argument, NULL, OPTION_TIMEOUT},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* Which of the sets each belongs to. */
static unsigned set_of(int option)
{
    switch (option) {
    case 'c':
        return OPTION_STORE | OPTION_CONFIG;
    case 'b':
    case OPTION_TIMEOUT:
        return OPTION_STORE;
    case 'u':
        return OPTION_USER;
    case 'k':
        return OPTION_KEY;
    case 'C':
        return OPTION_COMMENT;
    case 'd':
    case 'a':
    case 'm':
        return OPTION_REQUEST;
    case OPTION_STDIN:
        return OPTION_PASSWORD;
    case OPTION_HASH:
        return OPTION_PRINT;
    default:
        return ~0u;
    }
}

static const char **place_of(struct options *options, int option)
{
    switch (option) {
    case 'c':
        return &options->config;
    case 'b':
        return &options->backend;
    case 'u':
        return &options->user;
    case 'k':
        return &options->key;
    case 'C':
        return &options->comment;
    case 'd':
        return &options->domain;
    case 'a':
        return &options->address;
    case 'm':
        return &options->mechanism;
    default:
        return NULL;
    }
}

static const char *name_of(int option)
{
    const struct option *at = long_options;

    while (at->name && at->val != option)
        at++;
    return at->name ? at->name : "?";
}

static bool read_timeout(struct options *options, const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (*end || end == text || value < 1 || value > TIMEOUT_MAX)
        return false;
    options->timeout = (int)value;
    return true;
}

static enum status take(struct options *options, int option, const char *value)
{
    const char **place = place_of(options, option);

    if (place && *place)
        return out_usage(options, "--%s is given twice", name_of(option));
    if (place)
        *place = value;
    else if (option == OPTION_STDIN)
        options->password_stdin = true;
    else if (option == OPTION_HASH)
        options->print = true;
    else if (option == 'j')
        options->json = true;
    else if (option == 'h')
        options->help = true;
    else if (!read_timeout(options, value))
        return out_usage(options, "--timeout: milliseconds, from 1 to %d", TIMEOUT_MAX);
    return STATUS_DONE;
}

static enum status take_rest(struct options *options, unsigned allowed, int argc, char **argv)
{
    if (options->help)
        return STATUS_DONE;
    if (optind < argc && allowed & OPTION_STORE && !options->config)
        options->url = argv[optind++];
    if (optind < argc)
        return out_usage(options, "what is \"%s\" for?", argv[optind]);
    return STATUS_DONE;
}

enum status options_read(struct options *options, unsigned allowed, int argc, char **argv)
{
    enum status status = STATUS_DONE;
    int option;

    options->timeout = TIMEOUT;
    /* So that what is wrong can be said in JSON. */
    for (int i = 1; i < argc; i++)
        options->json |= strcmp(argv[i], "--json") == 0 || strcmp(argv[i], "-j") == 0;
    opterr = 0;
    while (status == STATUS_DONE &&
           (option = getopt_long(argc, argv, "c:b:u:k:C:d:a:m:jh", long_options, NULL)) != -1) {
        if (option == '?')
            status = out_usage(options, "%s: no such option, or its value is missing", argv[optind - 1]);
        else if (!(set_of(option) & allowed) && option != 'j' && option != 'h')
            status = out_usage(options, "--%s does not go with \"%s\"", name_of(option), options->command);
        else
            status = take(options, option, optarg);
    }
    return status == STATUS_DONE ? take_rest(options, allowed, argc, argv) : status;
}
