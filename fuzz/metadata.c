/* SPDX-License-Identifier: ISC */
/* Metadata: what is well-formed is written again as it was. */
#include "fuzz.h"
#include "zmtp/metadata.h"

static void write_again(const uint8_t *data, size_t size)
{
    struct ih_metadata metadata = {data, size};
    struct ih_property property;
    uint8_t *out = fuzz_copy(data, size);
    uint8_t *p = out;

    memset(out, 0, size);
    while (ih_metadata_next(&metadata, &property) > 0) {
        char name[256] = "";
        size_t value_size;

        memcpy(name, property.name, property.name_size);
        assert(ih_property_is(&property, name));
        assert(ih_metadata_find(data, size, name, &value_size) >= property.value);
        p = ih_metadata_put(p, name, property.value, property.value_size);
    }
    assert((size_t)(p - out) == size && memcmp(out, data, size) == 0);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t value_size;

    (void)ih_metadata_find(data, size, "Socket-Type", &value_size);
    if (ih_metadata_check(data, size) == 0 && size > 0)
        write_again(data, size);
    return 0;
}
