/* SPDX-License-Identifier: ISC */
/* Z85: what decodes, encodes to what it was; what encodes, decodes. */
#include "base/z85.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *binary = malloc(size + 4);
    char *text = malloc(size * 5 / 4 + 8);

    assert(binary && text);
    if (ih_z85_decode(binary, (const char *)data, size) == 0) {
        assert(ih_z85_encode(text, binary, size / 5 * 4) == 0);
        assert(memcmp(text, data, size) == 0);
    }
    if (ih_z85_encode(text, data, size) == 0) {
        assert(strlen(text) == size / 4 * 5);
        assert(ih_z85_decode(binary, text, size / 4 * 5) == 0);
        assert(memcmp(binary, data, size) == 0);
    }
    free(binary);
    free(text);
    return 0;
}
