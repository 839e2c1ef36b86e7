/* SPDX-License-Identifier: ISC */
/* Greetings: what is said of a beginning is not taken back when more comes. */
#include "fuzz.h"
#include "zmtp/greeting.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ih_greeting greeting;
    int before = 0;

    for (size_t part = 0; part <= size && part <= IH_GREETING_SIZE; part++) {
        uint8_t *copy = fuzz_copy(data, part);
        int rc = ih_greeting_parse(copy, part, &greeting);

        assert(before == 0 || rc == before);
        assert(rc <= 0 || part == IH_GREETING_SIZE);
        if (rc > 0)
            assert(memchr(greeting.mechanism, 0, sizeof greeting.mechanism));
        before = rc;
        free(copy);
    }
    return 0;
}
