/* SPDX-License-Identifier: ISC */
/* Real servers for tests: a process that starts, stops, kills and pauses one, and ends it and removes its folder when the
 * test ends, however that ends. Whatever fails here fails the test. */
#ifndef TESTS_AUTH_BACKENDS_KEEPER_H
#define TESTS_AUTH_BACKENDS_KEEPER_H

#include <stdbool.h>
#include <sys/types.h>

/* What to keep. Owner: the caller of keeper_open, which forks and so keeps a copy. */
struct keeper_spec {
    const char *folder;      /* of the server's own, removed at the end; "log" in it is what the server says */
    const char *const *argv; /* whole paths, NULL behind the last */
    const char *ready;       /* the server says so once it accepts connections, */
    const char *socket;      /* or soon afterwards, here. NULL: it keeps its word */
    int stop_signal;         /* for an orderly end */
    uid_t uid;               /* as whom it runs */
    gid_t gid;
};

/* Owner: the test. */
struct keeper {
    pid_t pid;
    int control;
};

/* Forks the keeper, and nothing else yet: call it before there are threads. */
void keeper_open(struct keeper *keeper, const struct keeper_spec *spec);
void keeper_close(struct keeper *keeper);

void keeper_start(struct keeper *keeper);  /* returns when it is ready */
bool keeper_try(struct keeper *keeper);    /* the same; false: it has ended before */
void keeper_stop(struct keeper *keeper);   /* in order; returns when it has ended. No server: nothing happens */
void keeper_kill(struct keeper *keeper);   /* SIGKILL, it and its children */
void keeper_pause(struct keeper *keeper);  /* SIGSTOP, it and its children */
void keeper_resume(struct keeper *keeper); /* SIGCONT */

/* Runs a program to its end, what it says goes to folder/log. Returns its exit code. */
int keeper_run(const struct keeper_spec *spec, const char *const *argv);

/* Can a server run as that user here (or as we do, if we are not root)? Not where the way to /tmp is closed to him. Says so
 * if not. */
bool keeper_can(const char *user);

/* Makes a folder for a server that runs as that user if we are root, else as we do. Sets folder, uid, gid. */
void keeper_folder(struct keeper_spec *spec, char *folder, size_t size, const char *user);

#endif
