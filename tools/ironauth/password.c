/* SPDX-License-Identifier: ISC */
/* Passwords from people. They pass through no buffer of stdio. */
#include "ironauth/password.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "auth/text.h"
#include "ironauth/out.h"

static const int fatal_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

/* Of the terminal while it does not echo: for the handler, which has nothing else. */
static struct termios as_it_was;
static volatile sig_atomic_t terminal = -1;

/* The echo comes back whatever ends the program. */
static void end_by_signal(int number)
{
    if (terminal >= 0)
        (void)tcsetattr(terminal, TCSANOW, &as_it_was);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

/* The first line, without its end: its length; -E2BIG: longer than a password may be; -ENODATA: there is none. */
static int read_line(int fd, char *text, size_t room)
{
    size_t size = 0;
    char one = 0;
    ssize_t count;
    int rc = 0;

    while (rc == 0 && (count = read(fd, &one, 1)) != 0) {
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            rc = -errno;
        else if (one == '\n')
            break;
        else if (size == room)
            rc = -E2BIG;
        else
            text[size++] = one;
    }
    sodium_memzero(&one, 1);
    if (rc)
        return rc;
    return size || count ? (int)size : -ENODATA;
}

/* Without NUL or control characters, which no request carries. */
static enum status take(struct password *password, const struct options *options, int fd)
{
    int size = read_line(fd, password->text, AUTH_TEXT_MAX);

    if (size == -E2BIG)
        return out_failed(options, STATUS_USAGE, "a password has at most %d octets", AUTH_TEXT_MAX);
    if (size == 0 || size == -ENODATA)
        return out_failed(options, STATUS_USAGE, "there is no password");
    if (size < 0)
        return out_failed(options, STATUS_FAILED, "the password cannot be read: %s", strerror(-size));
    password->text[size] = '\0';
    if (!auth_text_clean(password->text, (size_t)size))
        return out_failed(options, STATUS_USAGE, "a password is UTF-8 without control characters");
    return STATUS_DONE;
}

static enum status ask(struct password *password, const struct options *options, int fd, const char *prompt)
{
    enum status status;

    (void)!write(fd, prompt, strlen(prompt));
    status = take(password, options, fd);
    (void)!write(fd, "\n", 1);
    return status;
}

static enum status ask_all(struct password *password, const struct options *options, int fd, bool twice)
{
    struct password again;
    enum status status = ask(password, options, fd, "Password: ");

    if (status != STATUS_DONE || !twice)
        return status;
    (void)sodium_mlock(&again, sizeof again);
    status = ask(&again, options, fd, "Once more: ");
    if (status == STATUS_DONE && strcmp(password->text, again.text) != 0)
        status = out_failed(options, STATUS_USAGE, "these are two passwords; nothing was changed");
    (void)sodium_munlock(&again, sizeof again);
    return status;
}

static enum status ask_without_echo(struct password *password, const struct options *options, int fd, bool twice)
{
    struct sigaction ending = {.sa_handler = end_by_signal};
    struct sigaction before[sizeof fatal_signals / sizeof fatal_signals[0]];
    struct termios quiet;
    enum status status;

    if (tcgetattr(fd, &as_it_was) != 0)
        return out_failed(options, STATUS_FAILED, "the terminal: %s", strerror(errno));
    terminal = fd;
    for (size_t i = 0; i < sizeof fatal_signals / sizeof fatal_signals[0]; i++)
        (void)sigaction(fatal_signals[i], &ending, &before[i]);
    quiet = as_it_was;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    quiet.c_lflag |= ICANON | ISIG;
    if (tcsetattr(fd, TCSAFLUSH, &quiet) != 0)
        status = out_failed(options, STATUS_FAILED, "the terminal: %s", strerror(errno));
    else
        status = ask_all(password, options, fd, twice);
    (void)tcsetattr(fd, TCSAFLUSH, &as_it_was);
    terminal = -1;
    for (size_t i = 0; i < sizeof fatal_signals / sizeof fatal_signals[0]; i++)
        (void)sigaction(fatal_signals[i], &before[i], NULL);
    return status;
}

enum status password_read(struct password *password, const struct options *options, bool twice)
{
    enum status status;
    int fd;

    memset(password, 0, sizeof *password);
    (void)sodium_mlock(password, sizeof *password);
    if (options->password_stdin)
        return take(password, options, STDIN_FILENO);
    fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return out_failed(options, STATUS_USAGE, "there is no terminal to ask at; use --password-stdin");
    status = ask_without_echo(password, options, fd, twice);
    (void)close(fd);
    return status;
}

void password_close(struct password *password)
{
    (void)sodium_munlock(password, sizeof *password);
}
