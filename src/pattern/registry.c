/* SPDX-License-Identifier: ISC */
/* The patterns there are. */
#include "core/pattern.h"

extern const struct ih_pattern_ops ih_pair_ops, ih_pub_ops, ih_sub_ops, ih_req_ops, ih_rep_ops, ih_dealer_ops,
    ih_router_ops, ih_pull_ops, ih_push_ops, ih_xpub_ops, ih_xsub_ops, ih_stream_ops;

static const struct ih_pattern_ops *const patterns[] = {
    &ih_pair_ops,   &ih_pub_ops,  &ih_sub_ops,  &ih_req_ops,  &ih_rep_ops,  &ih_dealer_ops,
    &ih_router_ops, &ih_pull_ops, &ih_push_ops, &ih_xpub_ops, &ih_xsub_ops, &ih_stream_ops,
};

const struct ih_pattern_ops *ih_pattern_find(int type)
{
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        if (patterns[i]->type == type)
            return patterns[i];
    }
    return NULL;
}
