/* SPDX-License-Identifier: ISC */
/* ironauth: users and keys in back ends, and the configuration that asks them. ironauth(1) is its manual. */
#include <ironauth.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "auth/backend.h"
#include "ironauth/commands.h"
#include "ironauth/out.h"

struct command {
    const char *name;
    unsigned options;
    enum status (*run)(const struct options *options);
    const char *help; /* its first line is the summary */
};

#define STORE_HELP                                                                                   \
    "\nSTORE is a back end's URL (files:FOLDER, sqlite:FILE, postgresql:...), a path (a folder of\n" \
    "certificates, or a file of SQLite's), or -c FILE -b NAME: one of a configuration's.\n"          \
    "  --timeout MS          how long it may take to answer, 5000 without it\n"                      \
    "  -j, --json            print a JSON object\n"

static const struct command commands[] = {
    {"init", OPTION_STORE, command_init,
     "make a back end's file, folder or tables\n"
     "\n"
     "Usage: ironauth init STORE\n" STORE_HELP},
    {"add", OPTION_STORE | OPTION_USER | OPTION_KEY | OPTION_COMMENT | OPTION_PASSWORD, command_add,
     "add a user with a password, or a client's key\n"
     "\n"
     "Usage: ironauth add STORE --user NAME [--password-stdin] [--comment TEXT]\n"
     "       ironauth add STORE --key KEY [--user OWNER] [--comment TEXT]\n"
     "\n"
     "The password is asked for at the terminal, twice.\n"
     "  -u, --user NAME       the user's name; of a key: whose it is\n"
     "  -k, --key KEY         a public key in Z85 (40 characters), or a certificate's file\n"
     "  -C, --comment TEXT    for people\n"
     "  --password-stdin      the password is the first line of standard input\n" STORE_HELP},
    {"remove", OPTION_STORE | OPTION_USER | OPTION_KEY, command_remove,
     "remove a user or a key\n"
     "\n"
     "Usage: ironauth remove STORE --user NAME\n"
     "       ironauth remove STORE --key KEY\n"
     "\n"
     "  -u, --user NAME       the user; keys of that name stay\n"
     "  -k, --key KEY         a public key in Z85 (40 characters), or a certificate's file\n" STORE_HELP},
    {"list", OPTION_STORE, command_list,
     "list users and keys\n"
     "\n"
     "Usage: ironauth list STORE\n"
     "\n"
     "A line each, its parts separated by tabs: \"user\", name, comment; or \"key\", key, owner, comment.\n" STORE_HELP},
    {"passwd", OPTION_STORE | OPTION_USER | OPTION_PASSWORD | OPTION_PRINT, command_passwd,
     "change a user's password, or print a hash\n"
     "\n"
     "Usage: ironauth passwd STORE --user NAME [--password-stdin]\n"
     "       ironauth passwd --print [--password-stdin]\n"
     "\n"
     "The password is asked for at the terminal, twice.\n"
     "  -u, --user NAME       whose password\n"
     "  --print               print the password's hash (Argon2id), and store nothing\n"
     "  --password-stdin      the password is the first line of standard input\n" STORE_HELP},
    {"check", OPTION_CONFIG | OPTION_USER | OPTION_KEY | OPTION_PASSWORD | OPTION_REQUEST, command_check,
     "ask a configuration who would get in, and why\n"
     "\n"
     "Usage: ironauth check -c FILE [--domain NAME] [--address ADDRESS]\n"
     "                      [--user NAME [--password-stdin] | --key KEY | --mechanism NULL]\n"
     "\n"
     "Exit status 0: let in, 1: refused, 3: not for the time being.\n"
     "  -c, --config FILE     the configuration, ironauth.conf(5)\n"
     "  -d, --domain NAME     the ZAP domain, that without a name if it is not given\n"
     "  -a, --address ADDRESS the client's address; without it, that of ipc and inproc\n"
     "  -m, --mechanism NAME  NULL, PLAIN or CURVE; by --user and --key it is known\n"
     "  -u, --user NAME       a user, whose password is asked for\n"
     "  -k, --key KEY         a public key in Z85 (40 characters), or a certificate's file\n"
     "  --password-stdin      the password is the first line of standard input\n"
     "  -j, --json            print a JSON object\n"},
    {"serve", OPTION_CONFIG, command_serve,
     "answer for other machines\n"
     "\n"
     "Usage: ironauth serve -c FILE\n"
     "\n"
     "Serves what the section \"serve\" says, and prints the endpoint. SIGHUP reads the configuration again (a wrong one\n"
     "is named, and the old one stays), SIGUSR1 opens the audit's file again, SIGTERM and SIGINT end it.\n"
     "  -c, --config FILE     the configuration, ironauth.conf(5)\n"
     "  -j, --json            print a JSON object\n"},
    {"test", OPTION_CONFIG, command_test,
     "check a configuration, and whether its back ends answer\n"
     "\n"
     "Usage: ironauth test -c FILE\n"
     "\n"
     "Names the first mistake with its line and column. Then asks each back end, and says what is damaged there.\n"
     "  -c, --config FILE     the configuration, ironauth.conf(5)\n"
     "  -j, --json            print a JSON object\n"},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(void)
{
    (void)puts("Usage: ironauth COMMAND ...\n"
               "\n"
               "Who may connect to ZeroMQ servers: users and keys in back ends.\n");
    for (size_t i = 0; i < COMMANDS; i++)
        (void)printf("  %-8s %.*s\n", commands[i].name, (int)strcspn(commands[i].help, "\n"), commands[i].help);
    (void)puts("\n'ironauth COMMAND --help' says more, and ironauth(1) all of it.");
    (void)fputs("Back ends that are built in:", stdout);
    for (const char *const *scheme = auth_backend_schemes(); *scheme; scheme++)
        (void)printf(" %s", *scheme);
    (void)puts(
        "\n\nExit status: 0 done, 1 refused or not found, 2 usage or a mistake in a configuration, 3 a back end is\n"
        "away, 4 what it holds is damaged, 5 the system failed.");
}

static enum status print_version(void)
{
    int major;
    int minor;
    int patch;

    ironauth_version(&major, &minor, &patch);
    (void)printf("ironauth (Ironhouse) %d.%d.%d\n", major, minor, patch);
    return STATUS_DONE;
}

static enum status run(const struct command *command, int argc, char **argv)
{
    struct options options = {.command = command->name};
    enum status status = options_read(&options, command->options, argc, argv);

    if (status != STATUS_DONE)
        return status;
    if (!options.help)
        return command->run(&options);
    (void)printf("ironauth %s: %s", command->name, command->help);
    return STATUS_DONE;
}

static enum status dispatch(int argc, char **argv)
{
    struct options none = {.command = NULL};
    const char *name = argc > 1 ? argv[1] : NULL;

    if (!name)
        return out_usage(&none, "which command?");
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help();
        return STATUS_DONE;
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
        return print_version();
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(name, commands[i].name) == 0)
            return run(&commands[i], argc - 1, argv + 1);
    }
    return out_usage(&none, "there is no command \"%s\"", name);
}

int main(int argc, char **argv)
{
    (void)signal(SIGPIPE, SIG_IGN);
    if (sodium_init() < 0) {
        (void)fputs("ironauth: the system gives no random numbers\n", stderr);
        return STATUS_FAILED;
    }
    return (int)out_end(dispatch(argc, argv));
}
