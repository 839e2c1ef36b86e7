/* SPDX-License-Identifier: ISC */
/* Whom one can send to, and how many messages for each wait. */
#include "libcurve/board.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#include "base/clock.h"

/* Somebody who can be sent to, or whose messages are not settled yet. Owner: the board. */
struct end {
    struct ih_map_node node;
    struct ih_map_node key_node; /* in newest, if is_newest */
    struct ih_list order;
    bool live;
    bool is_newest;
    size_t taken;      /* places */
    uint64_t *numbers; /* a ring of those that are committed, in order */
    size_t first;
    size_t count;
    size_t room;
    uint8_t id[CURVE_ID_SIZE];
};

void ih_board_init(struct ih_board *board, bool open)
{
    memset(board, 0, sizeof(*board));
    ih_lock_init(&board->lock);
    ih_map_init(&board->ends);
    ih_map_init(&board->newest);
    ih_list_init(&board->order);
    board->open = open;
    atomic_init(&board->changes, 0);
}

/* ---- under the lock ---- */

static struct end *find(const struct ih_board *board, const uint8_t *id)
{
    struct ih_map_node *node = ih_map_find(&board->ends, id, CURVE_ID_SIZE);

    return node ? IH_CONTAINER(node, struct end, node) : NULL;
}

static void leave_newest(struct ih_board *board, struct end *end)
{
    if (end->is_newest)
        ih_map_remove(&board->newest, &end->key_node);
    end->is_newest = false;
}

static void end_free(struct ih_board *board, struct end *end)
{
    leave_newest(board, end);
    ih_map_remove(&board->ends, &end->node);
    ih_list_del(&end->order);
    free(end->numbers);
    free(end);
}

static struct end *end_new(struct ih_board *board, const uint8_t *id)
{
    struct end *end = calloc(1, sizeof(*end));

    if (!end)
        return NULL;
    memcpy(end->id, id, CURVE_ID_SIZE);
    if (ih_map_insert(&board->ends, &end->node, end->id, CURVE_ID_SIZE) != 0) {
        free(end);
        return NULL;
    }
    ih_list_add_head(&board->order, &end->order);
    return end;
}

/* What is neither live nor waited for is kept no longer. */
static void sweep(struct ih_board *board, struct end *end)
{
    if (!end->live && end->taken == 0)
        end_free(board, end);
}

static void make_newest(struct ih_board *board, struct end *end)
{
    struct ih_map_node *node = ih_map_find(&board->newest, end->id, CURVE_KEY_SIZE);

    if (node)
        leave_newest(board, IH_CONTAINER(node, struct end, key_node));
    end->is_newest = ih_map_insert(&board->newest, &end->key_node, end->id, CURVE_KEY_SIZE) == 0;
    ih_list_del(&end->order);
    ih_list_add_head(&board->order, &end->order);
}

/* The key stands for its newest session from now on, if it has another. */
static void choose_newest(struct ih_board *board, const uint8_t *key)
{
    IH_LIST_EACH(link, &board->order) {
        struct end *end = IH_CONTAINER(link, struct end, order);

        if (end->live && memcmp(end->id, key, CURVE_KEY_SIZE) == 0) {
            make_newest(board, end);
            return;
        }
    }
}

static struct end *find_named(struct ih_board *board, const void *name, size_t size)
{
    uint8_t id[CURVE_ID_SIZE] = {0};
    struct ih_map_node *node = NULL;

    if (size == CURVE_KEY_SIZE && (node = ih_map_find(&board->newest, name, size)))
        return IH_CONTAINER(node, struct end, key_node);
    /* The session of a peer has no name beside its key. */
    memcpy(id, name, board->open ? CURVE_KEY_SIZE : size);
    return find(board, id);
}

/* 0 and *end: there is a place; -EAGAIN: not now. */
static int try_reserve(struct ih_board *board, const void *name, size_t size, struct end **found)
{
    uint8_t id[CURVE_ID_SIZE] = {0};
    struct end *end = find_named(board, name, size);

    if (board->ended)
        return -ETERM;
    if (!end && board->open) {
        if (ih_map_count(&board->ends) >= board->max_ends)
            return -EHOSTUNREACH;
        memcpy(id, name, CURVE_KEY_SIZE);
        end = end_new(board, id);
        if (!end)
            return -ENOMEM;
    }
    if (!end || (!end->live && !board->open))
        return -EHOSTUNREACH;
    if (end->taken >= board->hwm)
        return -EAGAIN;
    end->taken++;
    *found = end;
    return 0;
}

/* ---- the application's ---- */

void ih_board_limit(struct ih_board *board, size_t max_ends, size_t hwm)
{
    ih_lock_enter(&board->lock);
    board->max_ends = max_ends;
    board->hwm = hwm;
    ih_lock_leave(&board->lock);
}

int ih_board_reserve(struct ih_board *board, const void *name, size_t size, int timeout_ms, uint8_t *id)
{
    uint64_t deadline = timeout_ms < 0 ? UINT64_MAX : ih_clock_ms() + (uint64_t)timeout_ms;
    struct end *end = NULL;
    int error = -EAGAIN;

    if (size != CURVE_KEY_SIZE && size != CURVE_ID_SIZE)
        return -EINVAL;
    while (error == -EAGAIN) {
        uint32_t changes = atomic_load(&board->changes);
        uint64_t now = timeout_ms > 0 ? ih_clock_ms() : 0;

        ih_lock_enter(&board->lock);
        error = try_reserve(board, name, size, &end);
        if (error == 0)
            memcpy(id, end->id, CURVE_ID_SIZE);
        ih_lock_leave(&board->lock);
        if (error != -EAGAIN || timeout_ms == 0 || (timeout_ms > 0 && now >= deadline))
            return error;
        if (ih_futex_wait(&board->changes, changes, timeout_ms < 0 ? -1 : (int)(deadline - now)) == -EINTR)
            return -EINTR;
    }
    return error;
}

static int grow(struct end *end)
{
    size_t room = end->room ? end->room * 2 : 8;
    uint64_t *numbers = calloc(room, sizeof(*numbers));

    if (!numbers)
        return -ENOMEM;
    for (size_t i = 0; i < end->count; i++)
        numbers[i] = end->numbers[(end->first + i) % end->room];
    free(end->numbers);
    end->numbers = numbers;
    end->room = room;
    end->first = 0;
    return 0;
}

int ih_board_commit(struct ih_board *board, const uint8_t *id, uint64_t number)
{
    struct end *end = NULL;
    int error = 0;

    ih_lock_enter(&board->lock);
    end = find(board, id);
    if (end->count == end->room)
        error = grow(end);
    if (error == 0)
        end->numbers[(end->first + end->count++) % end->room] = number;
    ih_lock_leave(&board->lock);
    return error;
}

void ih_board_uncommit(struct ih_board *board, const uint8_t *id)
{
    struct end *end = NULL;

    ih_lock_enter(&board->lock);
    end = find(board, id);
    if (end->count)
        end->count--;
    ih_lock_leave(&board->lock);
}

void ih_board_cancel(struct ih_board *board, const uint8_t *id)
{
    struct end *end = NULL;

    ih_lock_enter(&board->lock);
    end = find(board, id);
    end->taken--;
    sweep(board, end);
    ih_lock_leave(&board->lock);
}

/* ---- the worker's ---- */

static void wake(struct ih_board *board)
{
    atomic_fetch_add(&board->changes, 1);
    ih_futex_wake(&board->changes);
}

void ih_board_ready(struct ih_board *board, const uint8_t *id)
{
    struct end *end = NULL;

    ih_lock_enter(&board->lock);
    end = find(board, id);
    if (!end)
        end = end_new(board, id);
    if (end) {
        end->live = true;
        make_newest(board, end);
    }
    ih_lock_leave(&board->lock);
}

void ih_board_closed(struct ih_board *board, const uint8_t *id)
{
    struct end *end = NULL;

    ih_lock_enter(&board->lock);
    end = find(board, id);
    if (end) {
        bool was_newest = end->is_newest;

        end->live = false;
        leave_newest(board, end);
        sweep(board, end);
        if (was_newest)
            choose_newest(board, id);
    }
    ih_lock_leave(&board->lock);
    wake(board);
}

static void drop_first(struct end *end)
{
    end->first = (end->first + 1) % end->room;
    end->count--;
    end->taken--;
}

/* From the middle, moving those before it up. */
static void drop_one(struct end *end, uint64_t number)
{
    size_t at = 0;

    while (at < end->count && end->numbers[(end->first + at) % end->room] != number)
        at++;
    if (at == end->count)
        return;
    for (; at > 0; at--)
        end->numbers[(end->first + at) % end->room] = end->numbers[(end->first + at - 1) % end->room];
    drop_first(end);
}

void ih_board_settle(struct ih_board *board, const uint8_t *id, uint64_t number, bool all)
{
    struct end *end = NULL;

    ih_lock_enter(&board->lock);
    end = find(board, id);
    if (end) {
        while (all && end->count && end->numbers[end->first] <= number)
            drop_first(end);
        if (!all)
            drop_one(end, number);
        sweep(board, end);
    }
    ih_lock_leave(&board->lock);
    wake(board);
}

void ih_board_end(struct ih_board *board)
{
    ih_lock_enter(&board->lock);
    board->ended = true;
    ih_lock_leave(&board->lock);
    wake(board);
}

void ih_board_fini(struct ih_board *board)
{
    IH_LIST_EACH_SAFE(link, next, &board->order)
        end_free(board, IH_CONTAINER(link, struct end, order));
    ih_map_fini(&board->ends);
    ih_map_fini(&board->newest);
    ih_lock_fini(&board->lock);
}
