/* SPDX-License-Identifier: ISC */
/* What a handler says, frame by frame. */
#include "zap/reply.h"

#include <string.h>

#include <zmq.h>

#include "zmtp/metadata.h"

static bool equals(struct ih_msg *msg, const char *text)
{
    return ih_msg_size(msg) == strlen(text) && memcmp(ih_msg_data(msg), text, strlen(text)) == 0;
}

static unsigned parse_status(struct ih_msg *msg)
{
    static const unsigned known[] = {200, 300, 400, 500};
    static const char *const texts[] = {"200", "300", "400", "500"};

    for (unsigned i = 0; i < 4; i++)
        if (equals(msg, texts[i]))
            return known[i];
    return 0;
}

int ih_zap_parse(struct ih_msg *frames, size_t count, struct ih_zap_result *result)
{
    unsigned status;

    result->status = 0;
    if (count != IH_ZAP_REPLY_FRAMES)
        return ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY;
    if (ih_msg_size(&frames[0]))
        return ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED;
    if (!equals(&frames[1], IH_ZAP_VERSION))
        return ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION;
    if (!equals(&frames[2], IH_ZAP_REQUEST_ID))
        return ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID;
    status = parse_status(&frames[3]);
    if (!status)
        return ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE;
    if (ih_metadata_check(ih_msg_data(&frames[6]), ih_msg_size(&frames[6])) < 0)
        return ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA;
    result->status = status;
    result->user_id = (const char *)ih_msg_data(&frames[5]);
    result->user_id_size = ih_msg_size(&frames[5]);
    result->metadata = ih_msg_data(&frames[6]);
    result->metadata_size = ih_msg_size(&frames[6]);
    return 0;
}

size_t ih_zap_collect(struct ih_queue *queue, struct ih_msg frames[IH_ZAP_REPLY_FRAMES])
{
    size_t count = 0;
    bool more = true;
    struct ih_msg msg;

    while (more && ih_queue_pop(queue, &msg)) {
        more = ih_msg_more(&msg);
        if (count < IH_ZAP_REPLY_FRAMES)
            frames[count] = msg;
        else
            ih_msg_close(&msg);
        count++;
    }
    return count;
}
