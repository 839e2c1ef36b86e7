/* SPDX-License-Identifier: ISC */
/* Asking the ZAP handler (RFC 27) about a peer: the contract between connections and src/zap. */
#ifndef IH_CORE_ZAP_H
#define IH_CORE_ZAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/props.h"
#include "core/option.h"

struct ih_ctx;
struct ih_security;
struct ih_socket;
struct ih_zap;
struct ih_zmtp;

/* What came of it. */
struct ih_zap_result {
    unsigned status;     /* 200, 300, 400, 500; 0: the reply was malformed, see error */
    int error;           /* a ZMQ_PROTOCOL_ERROR_ZAP_ value if status is 0 */
    const char *user_id; /* not NUL-terminated; only for status 200 */
    size_t user_id_size;
    const void *metadata; /* RFC 37 encoding, checked; only for status 200 */
    size_t metadata_size;
};

/* The handler's word about the messages: its metadata, and User-Id. NULL: no memory. */
struct ih_props *ih_zap_props(const struct ih_zap_result *result);

/* Called once with the socket's lock held. */
typedef void ih_zap_done_fn(void *owner, const struct ih_zap_result *result);

/* True if these settings of an endpoint and the handler's presence make it necessary to ask (libzmq's rules). */
bool ih_zap_wanted(struct ih_ctx *ctx, const struct ih_options *opt, const struct ih_security *security);

/* Asks as the endpoint's options say; address is the peer's, without port. The machine must be in state ZAP. -EFAULT: no
 * handler is bound, or a domain is enforced and there is none; -ENOMEM. Lock held. */
int ih_zap_ask(struct ih_socket *socket, const struct ih_options *opt, const struct ih_zmtp *zmtp, const char *address,
               ih_zap_done_fn *done, void *owner, struct ih_zap **zap);

/* The answer is no longer wanted, or has been used. Lock held. */
void ih_zap_free(struct ih_zap *zap);

#endif
