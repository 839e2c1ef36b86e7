/* SPDX-License-Identifier: ISC */
/* Traffic in clear text. The first octet chooses the size of the pieces; what comes out does not depend on it. */
#include "ends.h"

static void run(const uint8_t *data, size_t size, size_t piece, struct testing_end *end)
{
    struct testing_end peer = fuzz_open(ZMQ_NULL, false, false);

    *end = fuzz_open(ZMQ_NULL, true, false);
    testing_shake(&peer, end);
    assert(ih_zmtp_state(end->zmtp) == IH_ZMTP_READY);
    testing_free(&peer);
    (void)fuzz_decode(end, data, size, piece);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct testing_end whole;
    struct testing_end pieces;

    if (size < 1)
        return 0;
    run(data + 1, size - 1, size, &whole);
    run(data + 1, size - 1, data[0] + 1u, &pieces);
    assert(whole.in.count == pieces.in.count);
    assert(ih_zmtp_state(whole.zmtp) == ih_zmtp_state(pieces.zmtp));
    fuzz_check_frames(&whole);
    fuzz_check_frames(&pieces);
    testing_free(&whole);
    testing_free(&pieces);
    return 0;
}
