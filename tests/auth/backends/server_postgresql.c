/* SPDX-License-Identifier: ISC */
#include "server_postgresql.h"

#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Debian keeps each version's programs in a folder of its own; others have one. The newest is taken. */
static bool find_program(char *path, size_t size, const char *name)
{
    static const char *const patterns[] = {"/usr/lib/postgresql/*/bin/%s", "/usr/libexec/postgresql*/%s",
                                           "/usr/local/bin/%s", "/usr/bin/%s"};
    bool found = false;

    for (size_t i = 0; !found && i < sizeof patterns / sizeof patterns[0]; i++) {
        char pattern[128];
        glob_t names;

        (void)snprintf(pattern, sizeof pattern, patterns[i], name);
        if (glob(pattern, 0, NULL, &names) != 0)
            continue;
        found = snprintf(path, size, "%s", names.gl_pathv[names.gl_pathc - 1]) < (int)size;
        globfree(&names);
    }
    return found;
}

bool postgresql_is_there(void)
{
    char path[128];

    return find_program(path, sizeof path, "postgres") && find_program(path, sizeof path, "initdb") &&
           keeper_can("postgres");
}

void postgresql_url(const struct postgresql *server, char *url, size_t size, const char *user, const char *database)
{
    assert_true(snprintf(url, size, "postgresql:host=%s user=%s dbname=%s", server->folder, user, database) <
                (int)size);
}

/* Of durability nothing is wanted, and little memory. */
static void set_argv(struct postgresql *server)
{
    const char *const argv[] = {server->program[1],
                                "-D",
                                server->data,
                                "-k",
                                server->folder,
                                "-c",
                                "listen_addresses=",
                                "-c",
                                "fsync=off",
                                "-c",
                                "shared_buffers=4MB",
                                "-c",
                                "max_connections=16",
                                "-c",
                                "superuser_reserved_connections=2",
                                "-c",
                                "max_parallel_workers=0",
                                NULL};

    _Static_assert(sizeof argv <= sizeof server->argv, "argv has no room");
    memcpy(server->argv, argv, sizeof argv);
    server->spec.argv = server->argv;
}

void postgresql_open(struct postgresql *server)
{
    static const char *const names[] = {"initdb", "postgres", "psql"};

    memset(server, 0, sizeof *server);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_true(find_program(server->program[i], sizeof server->program[i], names[i]));
    keeper_folder(&server->spec, server->folder, sizeof server->folder, "postgres");
    (void)snprintf(server->data, sizeof server->data, "%s/data", server->folder);
    postgresql_url(server, server->url, sizeof server->url, "owner", "postgres");
    set_argv(server);
    server->spec.ready = "ready to accept connections";
    server->spec.stop_signal = SIGINT; /* "fast": sessions are ended */
    keeper_open(&server->keeper, &server->spec);
    {
        const char *const argv[] = {
            server->program[0],  "-D", server->data, "-U", "owner", "-A", "trust", "-N", "-E", "UTF8", "--locale=C",
            "--no-instructions", NULL};

        assert_int_equal(keeper_run(&server->spec, argv), 0);
    }
    keeper_start(&server->keeper);
}

void postgresql_close(struct postgresql *server)
{
    keeper_close(&server->keeper);
}

/* Who left keeps a connection until the server's process for him has ended: psql says 2 if there is no room for it. */
enum { NO_CONNECTION = 2, ATTEMPTS = 1000 };

bool postgresql_run(struct postgresql *server, const char *database, const char *sql)
{
    char path[128];
    const char *const argv[] = {
        server->program[2], "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", server->folder, "-U", "owner", "-d",
        database,           "-f", path, NULL};
    int rc = NO_CONNECTION;
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/script", server->folder);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(sql, file) >= 0);
    assert_int_equal(fclose(file), 0);
    for (int i = 0; i < ATTEMPTS && rc == NO_CONNECTION; i++)
        rc = keeper_run(&server->spec, argv);
    return rc == 0;
}
