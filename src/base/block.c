/* SPDX-License-Identifier: ISC */
/* Memory for the content of messages. */
#include "base/block.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* A sanitizer must see every block freed and every race. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KEEP_BLOCKS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define KEEP_BLOCKS 0
#endif
#endif
#ifndef KEEP_BLOCKS
#define KEEP_BLOCKS 1
#endif

enum {
    MIN_SHIFT = 6,             /* the smallest class: 64 octets */
    STEPS = 4,                 /* classes a doubling: at most a fifth of a block is unused */
    CLASSES = 13 * STEPS + 1,  /* the largest: 512 KiB */
    THREAD_BYTES = 128 * 1024, /* of one class that a thread keeps, and at most so many blocks: */
    THREAD_BLOCKS = 64,
    STORE_BYTES = 16 << 20, /* that the common store keeps, of all classes together */
};

/* The beginning of a block that nobody uses. */
struct block {
    struct block *next;
};

struct shelf {
    struct block *first;
    unsigned count;
};

/* Owner: its thread, until that ends. */
struct keeper {
    struct shelf shelves[CLASSES];
};

/* The common store. Guarded by store_lock, which is only ever tried: in a forked child it may be held for ever, and then
 * everything goes to malloc. */
static struct shelf store[CLASSES];
static size_t store_bytes;
static pthread_mutex_t store_lock = PTHREAD_MUTEX_INITIALIZER;

static pthread_key_t keeper_key;
static pthread_once_t keeper_once = PTHREAD_ONCE_INIT;
static bool keeper_possible;
static _Thread_local struct keeper *keeper;

/* The class whose blocks hold size octets; CLASSES or more if there is none. */
static unsigned class_of(size_t size)
{
    unsigned shift;
    size_t step;

    if (size <= (size_t)1 << MIN_SHIFT)
        return 0;
    shift = 63 - (unsigned)__builtin_clzll((unsigned long long)size - 1); /* 2^shift <= size - 1 */
    step = ((size - 1) >> (shift - 2)) - STEPS;                           /* 0 to 3: which quarter above 2^shift */
    return (shift - MIN_SHIFT) * STEPS + (unsigned)step + 1;
}

static size_t class_size(unsigned class)
{
    unsigned shift, step;

    if (class == 0)
        return (size_t)1 << MIN_SHIFT;
    shift = MIN_SHIFT + (class - 1) / STEPS;
    step = (class - 1) % STEPS + 1;
    return ((size_t)1 << shift) + ((size_t)step << (shift - 2));
}

/* How many blocks of a class a thread keeps. */
static unsigned room(unsigned class)
{
    size_t blocks = THREAD_BYTES / class_size(class);

    return blocks > THREAD_BLOCKS ? THREAD_BLOCKS : blocks < 2 ? 2 : (unsigned)blocks;
}

static struct block *take(struct shelf *shelf)
{
    struct block *block = shelf->first;

    if (block) {
        shelf->first = block->next;
        shelf->count--;
    }
    return block;
}

static void put(struct shelf *shelf, struct block *block)
{
    block->next = shelf->first;
    shelf->first = block;
    shelf->count++;
}

/* Moves blocks of a thread to the store, down to `left`; what the store has no room for goes back to malloc. */
static void give_back(struct shelf *shelf, unsigned class, unsigned left)
{
    const size_t size = class_size(class);

    if (pthread_mutex_trylock(&store_lock) == 0) {
        while (shelf->count > left && store_bytes + size <= STORE_BYTES) {
            put(&store[class], take(shelf));
            store_bytes += size;
        }
        pthread_mutex_unlock(&store_lock);
    }
    while (shelf->count > left)
        free(take(shelf));
}

static void fetch(struct shelf *shelf, unsigned class)
{
    const size_t size = class_size(class);
    unsigned wanted = room(class) / 2;

    if (pthread_mutex_trylock(&store_lock) != 0)
        return;
    while (wanted-- > 0 && store[class].first) {
        put(shelf, take(&store[class]));
        store_bytes -= size;
    }
    pthread_mutex_unlock(&store_lock);
}

/* The thread ends. */
static void close_keeper(void *arg)
{
    struct keeper *mine = arg;

    keeper = NULL;
    for (unsigned class = 0; class < CLASSES; class ++)
        give_back(&mine->shelves[class], class, 0);
    free(mine);
}

static void make_key(void)
{
    keeper_possible = KEEP_BLOCKS && pthread_key_create(&keeper_key, close_keeper) == 0;
}

/* This thread's, or NULL. */
static struct keeper *find_keeper(void)
{
    if (keeper)
        return keeper;
    (void)pthread_once(&keeper_once, make_key);
    if (!keeper_possible)
        return NULL;
    keeper = calloc(1, sizeof(*keeper));
    if (keeper && pthread_setspecific(keeper_key, keeper) != 0) {
        free(keeper);
        keeper = NULL;
    }
    return keeper;
}

void *ih_block_alloc(size_t size)
{
    unsigned class = class_of(size);
    struct keeper *mine = class < CLASSES ? find_keeper() : NULL;
    struct shelf *shelf;

    if (!mine)
        return malloc(class < CLASSES ? class_size(class) : size);
    shelf = &mine->shelves[class];
    if (!shelf->first)
        fetch(shelf, class);
    if (!shelf->first)
        return malloc(class_size(class));
    return take(shelf);
}

void ih_block_free(void *block, size_t size)
{
    unsigned class = class_of(size);
    struct keeper *mine = class < CLASSES ? find_keeper() : NULL;
    struct shelf *shelf;

    if (!mine) {
        free(block);
        return;
    }
    shelf = &mine->shelves[class];
    put(shelf, block);
    if (shelf->count > room(class))
        give_back(shelf, class, room(class) / 2);
}
