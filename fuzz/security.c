/* SPDX-License-Identifier: ISC */
/* Security options: a list of calls, each an octet that chooses the option, a size, and the value. */
#include <zmq.h>

#include "base/random.h"
#include "fuzz.h"
#include "mechanism/security.h"

static void get_all(const struct ih_security *security)
{
    static const size_t sizes[] = {0, 1, 4, 8, 32, 40, 41, 255, 256};

    for (int option = ZMQ_MECHANISM - 1; option <= ZMQ_CURVE_SERVERKEY + 1; option++) {
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            uint8_t *value = malloc(sizes[i] > 0 ? sizes[i] : 1);
            size_t size = sizes[i];

            assert(value);
            if (ih_security_get(security, option, value, &size) == 0)
                assert(size <= sizes[i]);
            free(value);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ih_security *held = NULL;
    struct ih_security *security;

    assert(ih_random_init() == 0);
    security = ih_security_new();
    assert(security);
    while (size >= 2) {
        int option = ZMQ_MECHANISM - 1 + (data[0] & 15) % 10;
        size_t value_size = data[1] < size - 2 ? data[1] : size - 2;
        uint8_t *value = fuzz_copy(data + 2, value_size);

        if (data[0] & 0x80) {
            ih_security_release(held);
            held = ih_security_hold(security);
        }
        (void)ih_security_set(&security, option, data[0] & 0x40 ? NULL : value, value_size);
        free(value);
        data += 2 + value_size;
        size -= 2 + value_size;
    }
    assert(ih_security_mechanism(security) <= ZMQ_CURVE);
    get_all(security);
    ih_security_release(held);
    ih_security_release(security);
    return 0;
}
