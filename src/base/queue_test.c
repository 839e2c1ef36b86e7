/* SPDX-License-Identifier: ISC */
/* Queues of frames: order through every operation, and what is closed. */
#include "base/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/trash.h"

static int closed;

static void count_free(void *data, void *hint)
{
    (void)data;
    (void)hint;
    closed++;
}

static void push(struct ih_queue *queue, unsigned value, bool more)
{
    struct ih_msg msg;

    assert_int_equal(ih_msg_init_copy(&msg, &value, sizeof value), 0);
    msg.flags = more ? IH_MSG_MORE : 0;
    assert_int_equal(ih_queue_push(queue, &msg), 0);
    assert_int_equal(ih_msg_size(&msg), 0);
}

static unsigned pop(struct ih_queue *queue)
{
    struct ih_msg msg;
    unsigned value;

    assert_true(ih_queue_pop(queue, &msg));
    memcpy(&value, ih_msg_data(&msg), sizeof value);
    ih_msg_close(&msg);
    return value;
}

static void push_range(struct ih_queue *queue, unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++)
        push(queue, i, false);
}

static void pop_range(struct ih_queue *queue, unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++) {
        unsigned front;

        memcpy(&front, ih_msg_data(ih_queue_front(queue)), sizeof front);
        assert_int_equal(front, i);
        assert_int_equal(pop(queue), i);
    }
}

static void assert_owns_nothing(const struct ih_queue *queue)
{
    assert_true(ih_queue_empty(queue));
    assert_null(queue->first);
    assert_null(queue->last);
}

static void frames_come_out_in_order(void **state)
{
    struct ih_queue queue = {0};
    struct ih_msg msg;

    (void)state;
    assert_null(ih_queue_front(&queue));
    assert_false(ih_queue_pop(&queue, &msg));
    for (unsigned size = 1; size < 300; size += 13) {
        push_range(&queue, 0, size);
        assert_int_equal(queue.count, size);
        pop_range(&queue, 0, size);
        assert_owns_nothing(&queue);
    }
}

static void pushing_and_popping_interleave(void **state)
{
    struct ih_queue queue = {0};
    unsigned in = 0;
    unsigned out = 0;

    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        unsigned pushes = round * 7 % 31;
        unsigned pops = round * 5 % 29;

        push_range(&queue, in, in + pushes);
        in += pushes;
        pops = pops > in - out ? in - out : pops;
        pop_range(&queue, out, out + pops);
        out += pops;
        assert_int_equal(queue.count, in - out);
    }
    pop_range(&queue, out, in);
    assert_owns_nothing(&queue);
}

/* What a splice is given: frames already popped, so that the first chunk has room in front; frames left; and whether a
 * slot was reserved and given up. */
struct shape {
    unsigned popped;
    unsigned frames;
    bool reserved;
};

static const struct shape shapes[] = {
    {0, 0, false}, {0, 1, false}, {0, 3, false},  {0, 7, false},   {0, 7, true},  {3, 2, false}, {6, 1, false},
    {6, 1, true},  {0, 0, true},  {5, 30, false}, {10, 85, false}, {0, 85, true}, {0, 22, true}, {22, 63, true},
};

enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static void fill(struct ih_queue *queue, const struct shape *shape, unsigned first)
{
    push_range(queue, first - shape->popped, first + shape->frames);
    pop_range(queue, first - shape->popped, first);
    if (shape->reserved)
        assert_non_null(ih_queue_reserve(queue));
}

static void splices_keep_the_order(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SHAPES * SHAPES; i++) {
        const struct shape *front = &shapes[i / SHAPES];
        const struct shape *back = &shapes[i % SHAPES];
        unsigned middle = 1000 + front->frames;
        struct ih_queue a = {0};
        struct ih_queue b = {0};

        fill(&a, front, 1000);
        fill(&b, back, middle);
        ih_queue_splice(&a, &b);
        assert_owns_nothing(&b);
        assert_int_equal(a.count, front->frames + back->frames);
        push_range(&a, middle + back->frames, middle + back->frames + 9);
        pop_range(&a, 1000, middle + back->frames + 9);
        ih_queue_clear(&a);
        assert_owns_nothing(&a);
    }
}

static void splices_to_the_front_keep_the_order(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SHAPES * SHAPES; i++) {
        const struct shape *front = &shapes[i / SHAPES];
        const struct shape *back = &shapes[i % SHAPES];
        unsigned middle = 1000 + front->frames;
        struct ih_queue a = {0};
        struct ih_queue b = {0};

        fill(&a, front, 1000);
        fill(&b, back, middle);
        ih_queue_splice_front(&b, &a);
        assert_owns_nothing(&a);
        assert_int_equal(b.count, front->frames + back->frames);
        push_range(&b, middle + back->frames, middle + back->frames + 9);
        pop_range(&b, 1000, middle + back->frames + 9);
        ih_queue_clear(&b);
        assert_owns_nothing(&b);
    }
}

static void few_frames_at_a_time_share_chunks(void **state)
{
    struct ih_queue queue = {0};
    size_t chunks = 0;

    (void)state;
    for (unsigned i = 0; i < 630; i++) {
        struct ih_queue one = {0};

        push(&one, i, false);
        ih_queue_splice(&queue, &one);
    }
    for (const struct ih_chunk *chunk = queue.first; chunk; chunk = chunk->next)
        chunks++;
    assert_true(chunks <= 630 / 7 + 1);
    pop_range(&queue, 0, 630);
    assert_owns_nothing(&queue);
}

/* Whole messages of one frame, then the unfinished rest. */
static void unwinding_drops_the_unfinished(void **state)
{
    (void)state;
    for (unsigned whole = 0; whole < 80; whole += 3) {
        for (unsigned rest = 0; rest < 80; rest += 7) {
            struct ih_queue queue = {0};

            push_range(&queue, 0, whole);
            for (unsigned i = 0; i < rest; i++)
                push(&queue, i, true);
            assert_int_equal(ih_queue_unwind(&queue), rest);
            assert_int_equal(queue.count, whole);
            assert_int_equal(ih_queue_unwind(&queue), 0);
            push_range(&queue, whole, whole + 5);
            pop_range(&queue, 0, whole + 5);
            assert_owns_nothing(&queue);
        }
    }
}

static void unwinding_keeps_finished_multiparts(void **state)
{
    struct ih_queue queue = {0};

    (void)state;
    push(&queue, 0, true);
    push(&queue, 1, true);
    push(&queue, 2, false);
    push(&queue, 3, true);
    assert_non_null(ih_queue_reserve(&queue));
    assert_int_equal(ih_queue_unwind(&queue), 1);
    assert_int_equal(queue.count, 3);
    pop_range(&queue, 0, 3);
    assert_owns_nothing(&queue);
}

static void dropped_frames_are_closed(void **state)
{
    struct ih_queue queue = {0};
    char data[50];

    (void)state;
    closed = 0;
    for (int i = 0; i < 100; i++) {
        struct ih_msg msg;

        assert_int_equal(ih_msg_init_data(&msg, data, sizeof data, count_free, NULL), 0);
        msg.flags = i >= 60 ? IH_MSG_MORE : 0;
        assert_int_equal(ih_queue_push(&queue, &msg), 0);
    }
    assert_int_equal(ih_queue_unwind(&queue), 40);
    ih_trash_empty();
    assert_int_equal(closed, 40);
    ih_queue_clear(&queue);
    ih_trash_empty();
    assert_int_equal(closed, 100);
    assert_owns_nothing(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_out_in_order),
        cmocka_unit_test(pushing_and_popping_interleave),
        cmocka_unit_test(splices_keep_the_order),
        cmocka_unit_test(splices_to_the_front_keep_the_order),
        cmocka_unit_test(few_frames_at_a_time_share_chunks),
        cmocka_unit_test(unwinding_drops_the_unfinished),
        cmocka_unit_test(unwinding_keeps_finished_multiparts),
        cmocka_unit_test(dropped_frames_are_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
