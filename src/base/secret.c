/* SPDX-License-Identifier: ISC */
/* Memory for secrets: cells of two sizes in pages that are locked, and whole pages for what is larger. */
#include "base/secret.h"

#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"

enum {
    PAGE_OCTETS = 4096,
    SMALL_CELL = 128,
    LARGE_CELL = 512,
    CLASSES = 2,
    HEADER_SIZE = 64,
};

/* At the start of every run of pages. Owner: this module, until its last cell is freed; guarded by lock. */
struct page {
    struct ih_list link; /* in partial[class] while some cells are free */
    uint32_t free_cells; /* a bit each; bit 0 stands for the header's own cell and is never set */
    uint32_t all_cells;  /* free_cells of an unused page; 0: one allocation has all of it */
    uint32_t cell_size;
    size_t size; /* octets of the whole */
};

_Static_assert(sizeof(struct page) <= HEADER_SIZE, "the header leaves room for 16-aligned data");
_Static_assert(PAGE_OCTETS / SMALL_CELL <= 32, "a page's cells fit the mask");

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t prepared = PTHREAD_ONCE_INIT;
static const uint32_t cell_sizes[CLASSES] = {SMALL_CELL, LARGE_CELL};
static struct ih_list partial[CLASSES];

static void take_lock(void)
{
    (void)pthread_mutex_lock(&lock);
}

static void drop_lock(void)
{
    (void)pthread_mutex_unlock(&lock);
}

static void prepare(void)
{
    for (int i = 0; i < CLASSES; i++)
        ih_list_init(&partial[i]);
    /* A child that is forked while another thread is in here must find the lock free and the lists whole. */
    (void)pthread_atfork(take_lock, drop_lock, drop_lock);
}

/* A run of zeroed pages, locked as far as the system's limit allows; beyond it the secrets are still wiped. */
static struct page *page_new(size_t size)
{
    struct page *page = aligned_alloc(PAGE_OCTETS, size);

    if (!page)
        return NULL;
    (void)sodium_mlock(page, size);
    memset(page, 0, size);
    page->size = size;
    ih_list_init(&page->link);
    return page;
}

static void page_free(struct page *page)
{
    /* Wipes it as well. */
    (void)sodium_munlock(page, page->size);
    free(page);
}

static struct page *cells_new(int class)
{
    struct page *page = page_new(PAGE_OCTETS);
    uint32_t cells = PAGE_OCTETS / cell_sizes[class];

    if (!page)
        return NULL;
    page->cell_size = cell_sizes[class];
    page->all_cells = (uint32_t)((UINT64_C(1) << cells) - 2);
    page->free_cells = page->all_cells;
    return page;
}

/* Under the lock. */
static void *cell_alloc(int class)
{
    struct page *page = NULL;
    unsigned cell = 1;

    if (ih_list_empty(&partial[class])) {
        page = cells_new(class);
        if (!page)
            return NULL;
        ih_list_add_head(&partial[class], &page->link);
    } else {
        page = IH_CONTAINER(partial[class].next, struct page, link);
    }
    while (!(page->free_cells >> cell & 1))
        cell++;
    page->free_cells &= ~(UINT32_C(1) << cell);
    if (page->free_cells == 0)
        ih_list_del(&page->link);
    return (uint8_t *)page + (size_t)cell * page->cell_size;
}

/* Under the lock. True if the page is not needed any more; one that is empty is kept for each class. */
static bool cell_release(struct page *page, size_t offset)
{
    struct ih_list *pages = &partial[page->cell_size == SMALL_CELL ? 0 : 1];

    page->free_cells |= UINT32_C(1) << (offset / page->cell_size);
    if (!ih_list_linked(&page->link))
        ih_list_add_head(pages, &page->link);
    if (page->free_cells != page->all_cells || pages->next->next == pages)
        return false;
    ih_list_del(&page->link);
    return true;
}

static void *run_alloc(size_t size)
{
    struct page *page = NULL;

    if (size > SIZE_MAX / 2)
        return NULL;
    page = page_new((size + HEADER_SIZE + PAGE_OCTETS - 1) & ~(size_t)(PAGE_OCTETS - 1));
    return page ? (uint8_t *)page + HEADER_SIZE : NULL;
}

void *ih_secret_alloc(size_t size)
{
    void *secret = NULL;

    if (size > LARGE_CELL)
        return run_alloc(size);
    (void)pthread_once(&prepared, prepare);
    take_lock();
    secret = cell_alloc(size <= SMALL_CELL ? 0 : 1);
    drop_lock();
    return secret;
}

void ih_secret_free(void *secret)
{
    struct page *page = NULL;
    size_t offset;
    bool unused = true;

    if (!secret)
        return;
    offset = (uintptr_t)secret & (PAGE_OCTETS - 1);
    page = (struct page *)(void *)((uint8_t *)secret - offset);
    if (page->all_cells) {
        sodium_memzero(secret, page->cell_size);
        take_lock();
        unused = cell_release(page, offset);
        drop_lock();
    }
    if (unused)
        page_free(page);
}
