/* SPDX-License-Identifier: ISC */
/* What a thread lets go of while it may hold a lock: whole queues of frames, and content whose free function is the
 * application's. Freeing them takes long, and that function may call us back (zmq_msg_init_data), so both wait for
 * ih_trash_empty, which is called where the thread holds no lock. */
#ifndef IH_BASE_TRASH_H
#define IH_BASE_TRASH_H

#include <stdbool.h>

struct ih_chunk;
struct ih_content;

/* Owner: its thread, which empties it before it waits for anything and before it returns to the application. Neither
 * list needs memory: what they hold links them. The oldest comes first. */
struct ih_trash {
    bool waits; /* there is something in it */
    struct ih_content *contents, *last_content;
    struct ih_chunk *chunks, *last_chunk;
};

/* One word is read by each call: no function is to be called for its address. */
extern _Thread_local struct ih_trash ih_trash __attribute__((tls_model("initial-exec")));

/* Content that has no owner any more. */
void ih_trash_content(struct ih_content *content);

/* A list of chunks with all their frames; last is its end. */
void ih_trash_chunks(struct ih_chunk *first, struct ih_chunk *last);

void ih_trash_empty_slow(void);

/* Frees everything. No lock held; free functions run now, and may call everything. */
static inline void ih_trash_empty(void)
{
    if (ih_trash.waits)
        ih_trash_empty_slow();
}

#endif
