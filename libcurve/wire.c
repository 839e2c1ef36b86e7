/* SPDX-License-Identifier: ISC */
/* Headers and claims, to octets and back. Numbers are in network order. */
#include "libcurve/wire.h"

#include <errno.h>

#include "zmtp/metadata.h"

static void put_u32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t get_u32(const uint8_t *in)
{
    return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

void ih_header_put(uint8_t out[IH_HEADER_SIZE], const struct ih_header *header)
{
    out[0] = header->kind;
    out[1] = header->flags;
    ih_curve_put_nonce(out + 2, header->number);
    ih_curve_put_nonce(out + 10, header->ack);
    put_u32(out + 18, header->credit);
}

int ih_header_get(const uint8_t in[IH_HEADER_SIZE], struct ih_header *header)
{
    if (in[0] < IH_HEADER_DATA || in[0] > IH_HEADER_CLOSE || in[1] > IH_HEADER_FLAGS)
        return -EPROTO;
    header->kind = in[0];
    header->flags = in[1];
    header->number = ih_curve_get_nonce(in + 2);
    header->ack = ih_curve_get_nonce(in + 10);
    header->credit = get_u32(in + 18);
    return 0;
}

void ih_claim_put(uint8_t out[IH_CLAIM_SIZE], const struct ih_claim *claim)
{
    out[0] = IH_CLAIM_VERSION;
    ih_curve_put_nonce(out + 1, claim->stream);
    ih_curve_put_nonce(out + 9, claim->known);
    ih_curve_put_nonce(out + 17, claim->delivered);
    put_u32(out + 25, claim->credit);
    put_u32(out + 29, claim->limit);
}

int ih_claim_get(const uint8_t *metadata, size_t size, struct ih_claim *claim)
{
    const uint8_t *in = NULL;
    size_t value_size = 0;

    if (ih_metadata_check(metadata, size) == 0)
        in = ih_metadata_find(metadata, size, IH_CLAIM_NAME, &value_size);
    if (!in || value_size != IH_CLAIM_SIZE || in[0] != IH_CLAIM_VERSION)
        return -EPROTO;
    claim->stream = ih_curve_get_nonce(in + 1);
    claim->known = ih_curve_get_nonce(in + 9);
    claim->delivered = ih_curve_get_nonce(in + 17);
    claim->credit = get_u32(in + 25);
    claim->limit = get_u32(in + 29);
    return claim->stream == 0 ? -EPROTO : 0;
}
