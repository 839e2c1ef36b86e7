/* SPDX-License-Identifier: ISC */
/* ironchat: people who talk through a relay that cannot read, forge, replay or reorder what they say. */
#include <curve.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ironchat/front.h"

static const char help_text[] = "Usage: ironchat relay [options]    forward what others say\n"
                                "       ironchat join [options]     take part\n"
                                "       ironchat keys ACTION        your keys and contacts\n"
                                "       ironchat --version\n"
                                "\n"
                                "Each has a --help of its own.\n";

static int print_version(void)
{
    int major, minor, patch;

    curve_version(&major, &minor, &patch);
    (void)printf("ironchat (Ironhouse), libcurve %d.%d.%d\n", major, minor, patch);
    return 0;
}

/* Who starts us with one of the three closed would have the next file that we open in its place, the history among them. */
static int fill_descriptors(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    return fd < 0 ? -1 : close(fd);
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";

    if (fill_descriptors() < 0)
        return 1;
    if (sodium_init() < 0 || !chat_text_locale()) {
        (void)fputs("ironchat: this system has neither random numbers nor a UTF-8 locale, or lacks one of them\n",
                    stderr);
        return 1;
    }
    if (strcmp(word, "join") == 0)
        return command_join(argc - 1, argv + 1);
    if (strcmp(word, "keys") == 0)
        return command_keys(argc - 1, argv + 1);
    if (strcmp(word, "relay") == 0)
        return command_relay(argc - 1, argv + 1);
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
        return print_version();
    (void)fputs(help_text, strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ? stdout : stderr);
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ? 0 : 2;
}
