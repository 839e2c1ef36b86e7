/* SPDX-License-Identifier: ISC */
/* What a SOCKS5 proxy says: however it is cut, it comes to the same, and nothing behind the dialogue is taken. */
#include "fuzz.h"
#include "transport/socks.h"

/* What it comes to, its octets given step by step; *taken of them. */
static int run(const struct ih_socks_config *config, const uint8_t *data, size_t size, size_t step, size_t *taken)
{
    struct ih_socks socks;
    int rc = ih_socks_init(&socks, config);

    assert(rc == 0);
    *taken = 0;
    while (rc == 0 && *taken < size) {
        size_t part = ih_socks_wanted(&socks), used, left;
        uint8_t *copy;

        assert(part > 0 && part <= IH_SOCKS_INPUT);
        part = part < step ? part : step;
        part = part < size - *taken ? part : size - *taken;
        (void)ih_socks_output(&socks, &left);
        assert(left <= IH_SOCKS_OUTPUT);
        ih_socks_output_done(&socks, left);
        copy = fuzz_copy(data + *taken, part);
        rc = ih_socks_input(&socks, copy, part, &used);
        free(copy);
        assert(used == part);
        *taken += used;
    }
    assert(rc <= 1 && (rc != 1 || ih_socks_wanted(&socks) == 0));
    ih_socks_fini(&socks);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ih_socks_address to = {IH_SOCKS_NAME, 4, 80, "host"};
    const struct ih_socks_config configs[] = {
        {.destination = &to},
        {.destination = &to, .username = "user", .username_size = 4, .password = "password", .password_size = 8},
    };

    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        size_t whole, single;
        int rc = run(&configs[i], data, size, IH_SOCKS_INPUT, &whole);

        assert(run(&configs[i], data, size, 1, &single) == rc && single == whole);
    }
    return 0;
}
