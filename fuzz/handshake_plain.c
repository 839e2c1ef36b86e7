/* SPDX-License-Identifier: ISC */
/* PLAIN's handshake, both roles. The first octet chooses role, ZAP and the size of the pieces. */
#include "ends.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t greeting[IH_GREETING_SIZE];
    struct testing_end end;

    if (size < 1)
        return 0;
    end = fuzz_open(ZMQ_PLAIN, data[0] & 1, data[0] & 2);
    ih_greeting_put(greeting, "PLAIN", !(data[0] & 1));
    fuzz_input(&end, greeting, sizeof greeting, sizeof greeting, 200);
    fuzz_input(&end, data + 1, size - 1, 1u + data[0], data[0] & 4 ? 400 : 200);
    testing_free(&end);
    return 0;
}
