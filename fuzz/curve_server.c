/* SPDX-License-Identifier: ISC */
/* CURVE's server. First octet: 0 modulo 3: octets as they are; 1: a client whose metadata is the input; 2: a client
 * whose commands are altered, the input being a list of three octets: which octet (two), by what. */
#include "ends.h"

static void alter(uint8_t *frame, size_t size, const uint8_t *data, size_t data_size)
{
    for (; data_size >= 3; data_size -= 3, data += 3)
        frame[((size_t)data[0] << 8 | data[1]) % size] ^= data[2];
}

static void from_client(struct testing_end *server, const uint8_t *data, size_t size, bool altered)
{
    struct ih_security *security = testing_security(ZMQ_CURVE, false);
    struct ih_zmtp_config config = testing_config(security, fuzz_jar(), false);
    struct testing_end client;
    bool changed = false;

    if (!altered) {
        config.metadata = data;
        config.metadata_size = size < 60000 ? size : 60000;
    }
    client = testing_new(security, &config);
    for (int i = 0; i < 3; i++) {
        static uint8_t wire[1 << 17];
        size_t wire_size = testing_output(&client, wire, sizeof wire);

        /* The greeting goes as it is; HELLO, or INITIATE if the list's first octet is odd, does not. */
        if (altered && wire_size > 0 && size > 0 && i == 1 + data[0] % 2) {
            uint8_t *copy = fuzz_copy(wire, wire_size);

            alter(wire, wire_size, data, size);
            changed = memcmp(copy, wire, wire_size) != 0;
            free(copy);
        }
        fuzz_input(server, wire, wire_size, sizeof wire, 200);
        testing_carry(server, &client);
    }
    assert(!changed || ih_zmtp_state(server->zmtp) != IH_ZMTP_READY);
    testing_free(&client);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct testing_end server;

    if (size < 1)
        return 0;
    server = fuzz_open(ZMQ_CURVE, true, data[0] & 0x80);
    if (data[0] % 3 == 0) {
        uint8_t greeting[IH_GREETING_SIZE];

        ih_greeting_put(greeting, "CURVE", false);
        fuzz_input(&server, greeting, sizeof greeting, sizeof greeting, 200);
        fuzz_input(&server, data + 1, size - 1, 1u + data[0], 200);
        assert(ih_zmtp_state(server.zmtp) != IH_ZMTP_READY);
    } else {
        from_client(&server, data + 1, size - 1, data[0] % 3 == 2);
    }
    testing_free(&server);
    return 0;
}
