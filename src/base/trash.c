/* SPDX-License-Identifier: ISC */
/* What is freed later. */
#include "base/trash.h"

#include <stddef.h>

#include "base/message.h"
#include "base/queue.h"

_Thread_local struct ih_trash ih_trash;

void ih_trash_content(struct ih_content *content)
{
    content->next = NULL;
    if (ih_trash.contents)
        ih_trash.last_content->next = content;
    else
        ih_trash.contents = content;
    ih_trash.last_content = content;
    ih_trash.waits = true;
}

void ih_trash_chunks(struct ih_chunk *first, struct ih_chunk *last)
{
    if (ih_trash.chunks)
        ih_trash.last_chunk->next = first;
    else
        ih_trash.chunks = first;
    ih_trash.last_chunk = last;
    ih_trash.waits = true;
}

/* The lists are taken first: a free function that calls us finds an empty trash, so that however many there are they do
 * not call each other. */
void ih_trash_empty_slow(void)
{
    while (ih_trash.waits) {
        struct ih_content *content;
        struct ih_chunk *chunks = ih_trash.chunks;

        ih_trash.chunks = NULL;
        ih_chunk_free_all(chunks);
        content = ih_trash.contents;
        ih_trash.contents = NULL;
        ih_trash.waits = false;
        while (content) {
            struct ih_content *next = content->next;

            ih_content_free(content);
            content = next;
        }
    }
}
