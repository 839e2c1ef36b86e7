/* SPDX-License-Identifier: ISC */
/* One end of a ZMTP connection: its life, and what its owner asks it. */
#include "zmtp/connection.h"

#include <stdlib.h>

#include "base/secret.h"
#include "mechanism/security.h"
#include "zmtp/handshake.h"
#include "zmtp/machine.h"
#include "zmtp/metadata.h"

struct ih_zmtp *ih_zmtp_new(const struct ih_zmtp_config *config)
{
    struct ih_zmtp *zmtp = aligned_alloc(alignof(struct ih_zmtp), sizeof *zmtp);

    if (!zmtp)
        return NULL;
    memset(zmtp, 0, sizeof *zmtp);
    atomic_init(&zmtp->state, IH_ZMTP_GREETING);
    zmtp->limit = IH_MESSAGE_MAX;
    if (config->max_msg_size >= 0 && config->max_msg_size < IH_MESSAGE_MAX)
        zmtp->limit = (uint64_t)config->max_msg_size;
    ih_msg_init(&zmtp->body.msg);
    zmtp->handshake = ih_zmtp_handshake_new(zmtp, config);
    if (!zmtp->handshake) {
        free(zmtp);
        return NULL;
    }
    return zmtp;
}

void ih_zmtp_free(struct ih_zmtp *zmtp)
{
    if (!zmtp)
        return;
    ih_zmtp_handshake_free(zmtp->handshake);
    ih_secret_free(zmtp->keys);
    ih_msg_close(&zmtp->body.msg);
    free(zmtp);
}

void ih_zmtp_handshake_done(struct ih_zmtp *zmtp)
{
    ih_zmtp_handshake_free(zmtp->handshake);
    zmtp->handshake = NULL;
}

enum ih_zmtp_state ih_zmtp_state(const struct ih_zmtp *zmtp)
{
    return (enum ih_zmtp_state)atomic_load_explicit(&zmtp->state, memory_order_acquire);
}

const struct ih_zmtp_error *ih_zmtp_error(const struct ih_zmtp *zmtp)
{
    return &zmtp->error;
}

int ih_zmtp_fail(struct ih_zmtp *zmtp, enum ih_zmtp_failure failure, int code, int rc)
{
    zmtp->error.failure = failure;
    zmtp->error.code = code;
    ih_zmtp_set_state(zmtp, IH_ZMTP_CLOSED);
    return rc;
}

const uint8_t *ih_zmtp_output(const struct ih_zmtp *zmtp, size_t *size)
{
    const struct ih_zmtp_handshake *handshake = zmtp->handshake;

    *size = handshake ? handshake->out.end - handshake->out.start : 0;
    return *size > 0 ? handshake->out.data + handshake->out.start : NULL;
}

void ih_zmtp_output_done(struct ih_zmtp *zmtp, size_t size)
{
    if (zmtp->handshake)
        zmtp->handshake->out.start += size;
}

const char *ih_zmtp_mechanism_name(const struct ih_zmtp *zmtp)
{
    return zmtp->handshake->ops->name;
}

bool ih_zmtp_credential(const struct ih_zmtp *zmtp, unsigned i, const uint8_t **data, size_t *size)
{
    const struct ih_zmtp_handshake *handshake = zmtp->handshake;

    if (ih_zmtp_state(zmtp) != IH_ZMTP_ZAP || !handshake->ops->credential)
        return false;
    return handshake->ops->credential(handshake->mechanism, i, data, size);
}

const void *ih_zmtp_peer_property(const struct ih_zmtp *zmtp, const char *name, size_t *size)
{
    *size = 0;
    if (!zmtp->handshake)
        return NULL;
    return ih_metadata_find(zmtp->handshake->peer, zmtp->handshake->peer_size, name, size);
}

static bool has(const struct ih_props *props, const struct ih_property *property)
{
    char name[256];

    memcpy(name, property->name, property->name_size);
    name[property->name_size] = 0;
    return ih_props_get(props, name) != NULL;
}

/* What this end finds out about a peer, and ZAP says of it, is not for the peer to say. */
static bool is_reserved(const struct ih_property *property)
{
    return ih_property_is(property, "User-Id") || ih_property_is(property, "Peer-Address") ||
           ih_property_is(property, "__fd");
}

int ih_zmtp_peer_properties(const struct ih_zmtp *zmtp, struct ih_props **props)
{
    struct ih_metadata metadata = {NULL, 0};
    struct ih_property property;
    int rc = 0;

    if (zmtp->handshake)
        metadata = (struct ih_metadata){zmtp->handshake->peer, zmtp->handshake->peer_size};
    while (rc == 0 && ih_metadata_next(&metadata, &property) > 0) {
        if (!is_reserved(&property) && !has(*props, &property))
            rc = ih_props_set(props, (const char *)property.name, property.name_size, property.value,
                              property.value_size);
    }
    return rc;
}

unsigned ih_zmtp_peer_minor(const struct ih_zmtp *zmtp)
{
    return zmtp->peer_minor;
}
