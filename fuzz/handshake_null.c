/* SPDX-License-Identifier: ISC */
/* NULL's handshake. The first octet chooses ZAP and the size of the pieces. */
#include "ends.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t greeting[IH_GREETING_SIZE];
    struct testing_end end;

    if (size < 1)
        return 0;
    end = fuzz_open(ZMQ_NULL, data[0] & 1, data[0] & 2);
    ih_greeting_put(greeting, "NULL", false);
    fuzz_input(&end, greeting, sizeof greeting, sizeof greeting, data[0] & 4 ? 400 : 200);
    fuzz_input(&end, data + 1, size - 1, 1u + data[0], 200);
    if (ih_zmtp_state(end.zmtp) == IH_ZMTP_READY) {
        struct ih_props *props = ih_props_new();

        assert(props);
        (void)ih_zmtp_peer_properties(end.zmtp, &props);
        ih_props_release(props);
    }
    testing_free(&end);
    return 0;
}
