/* SPDX-License-Identifier: ISC */
/* Traffic under CURVE. First octet even: octets as they are. Odd: the peer itself is false; the input is a list of
 * texts, each behind its size, that are sealed as they should be. */
#include "ends.h"
#include "zmtp/machine.h"

/* One pair, whose keys are used again and again. */
static struct ih_box_keys *keys(void)
{
    static struct ih_box_keys *made;

    if (!made) {
        made = calloc(1, sizeof *made);
        assert(made);
    }
    return made;
}

static void feed_sealed(struct testing_end *end, const uint8_t *data, size_t size)
{
    static uint8_t area[IH_BOX_ROOM + 255 + IH_BOX_SPARE];
    uint8_t *text = area + IH_BOX_ROOM;
    uint64_t nonce = 0;

    while (size > 0 && ih_zmtp_state(end->zmtp) == IH_ZMTP_READY) {
        size_t text_size = data[0] < size - 1 ? data[0] : size - 1;
        uint8_t frame[9 + 32 + 255] = {2};

        memcpy(text, data + 1, text_size);
        memcpy(frame + 9, "\7MESSAGE", 8);
        ih_curve_put_nonce(frame + 17, ++nonce);
        if (text_size > 0)
            ih_box_seal(keys()->open, nonce, text, text_size, frame + 25);
        memcpy(frame + 41, text, text_size);
        frame[7] = (uint8_t)((32 + text_size) >> 8);
        frame[8] = (uint8_t)(32 + text_size);
        (void)fuzz_decode(end, frame, 41 + text_size, 1000);
        data += 1 + text_size;
        size -= 1 + text_size;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct testing_end end;

    if (size < 1)
        return 0;
    end = fuzz_open(ZMQ_CURVE, true, false);
    ih_zmtp_handshake_done(end.zmtp);
    end.zmtp->keys = keys();
    ih_zmtp_set_state(end.zmtp, IH_ZMTP_READY);
    if (data[0] % 2)
        feed_sealed(&end, data + 1, size - 1);
    else
        (void)fuzz_decode(&end, data + 1, size - 1, data[0] + 1u);
    fuzz_check_frames(&end);
    end.zmtp->keys = NULL;
    testing_free(&end);
    return 0;
}
