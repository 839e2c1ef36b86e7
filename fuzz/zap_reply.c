/* SPDX-License-Identifier: ISC */
/* A ZAP handler's reply: a list of frames, each its flags (1: MORE), its size and its octets. */
#include "fuzz.h"
#include "zap/reply.h"

static void fill(struct ih_queue *queue, const uint8_t *data, size_t size)
{
    while (size >= 2) {
        size_t frame_size = data[1] < size - 2 ? data[1] : size - 2;
        struct ih_msg msg;

        assert(ih_msg_init_copy(&msg, data + 2, frame_size) == 0);
        msg.flags = data[0] & IH_MSG_MORE;
        assert(ih_queue_push(queue, &msg) == 0);
        data += 2 + frame_size;
        size -= 2 + frame_size;
    }
}

/* Nobody is let in, or refused for a reason, by anything but a reply as it should be. */
static void check(struct ih_msg *frames, size_t count, const struct ih_zap_result *result)
{
    struct ih_props *props;

    assert(count == IH_ZAP_REPLY_FRAMES);
    assert(ih_msg_size(&frames[0]) == 0);
    assert(ih_msg_size(&frames[1]) == 3 && memcmp(ih_msg_data(&frames[1]), IH_ZAP_VERSION, 3) == 0);
    assert(ih_msg_size(&frames[2]) == 1 && memcmp(ih_msg_data(&frames[2]), IH_ZAP_REQUEST_ID, 1) == 0);
    assert(ih_msg_size(&frames[3]) == 3 && result->status == (ih_msg_data(&frames[3])[0] - (unsigned)'0') * 100);
    props = ih_zap_props(result);
    assert(props && ih_props_get(props, "User-Id"));
    ih_props_release(props);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ih_msg frames[IH_ZAP_REPLY_FRAMES];
    struct ih_zap_result result = {0};
    struct ih_queue queue;
    size_t count;
    int error;

    ih_queue_init(&queue);
    fill(&queue, data, size);
    count = ih_zap_collect(&queue, frames);
    error = ih_zap_parse(frames, count, &result);
    assert((error == 0) == (result.status != 0));
    if (result.status)
        check(frames, count, &result);
    for (size_t i = 0; i < count && i < IH_ZAP_REPLY_FRAMES; i++)
        ih_msg_close(&frames[i]);
    ih_queue_clear(&queue);
    return 0;
}
