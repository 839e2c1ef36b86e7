/* SPDX-License-Identifier: ISC */
/* Asking the ZAP handler: RFC 27, "Message Format". */
#include "core/zap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "core/context.h"
#include "core/inproc.h"
#include "core/socket.h"
#include "mechanism/security.h"
#include "zap/reply.h"
#include "zmtp/connection.h"
#include "zmtp/metadata.h"

#define HANDLER "zeromq.zap.01"

/* One question. Owner: the connection that asks; guarded by its socket's lock. */
struct ih_zap {
    struct ih_link_end *end; /* to the handler, NULL when it is closed */
    ih_zap_done_fn *done;
    void *owner;
};

bool ih_zap_wanted(struct ih_ctx *ctx, const struct ih_options *opt, const struct ih_security *security)
{
    bool domain = opt->zap_domain.size != 0;

    switch (ih_security_mechanism(security)) {
    case ZMQ_NULL:
        return domain && (opt->zap_enforce_domain || ih_inproc_bound(&ctx->inproc, HANDLER));
    case ZMQ_PLAIN:
        return ih_security_as_server(security);
    default:
        if (!ih_security_as_server(security))
            return false;
        if (opt->zap_enforce_domain)
            return domain;
        return ih_inproc_bound(&ctx->inproc, HANDLER);
    }
}

/* --- the request ------------------------------------------------------------------------------------------------- */

static int add(struct ih_queue *queue, const void *data, size_t size, bool more)
{
    struct ih_msg msg;
    int rc = ih_msg_init_copy(&msg, data, size);

    if (rc < 0)
        return rc;
    if (more)
        msg.flags |= IH_MSG_MORE;
    rc = ih_queue_push(queue, &msg);
    ih_msg_close(&msg);
    return rc;
}

static int add_text(struct ih_queue *queue, const char *text)
{
    return add(queue, text, strlen(text), true);
}

static int build(struct ih_queue *queue, const struct ih_options *opt, const struct ih_zmtp *zmtp, const char *address)
{
    const uint8_t *data = NULL;
    size_t size = 0;
    unsigned count = 0;
    int rc = add(queue, NULL, 0, true); /* address delimiter */

    if (rc == 0)
        rc = add_text(queue, IH_ZAP_VERSION);
    if (rc == 0)
        rc = add_text(queue, IH_ZAP_REQUEST_ID);
    if (rc == 0)
        rc = add(queue, opt->zap_domain.data, opt->zap_domain.size, true);
    if (rc == 0)
        rc = add_text(queue, address);
    if (rc == 0)
        rc = add(queue, opt->routing_id, opt->routing_id_size, true);
    while (rc == 0 && ih_zmtp_credential(zmtp, count, &data, &size))
        count++;
    if (rc == 0)
        rc = add(queue, ih_zmtp_mechanism_name(zmtp), strlen(ih_zmtp_mechanism_name(zmtp)), count > 0);
    for (unsigned i = 0; rc == 0 && i < count; i++) {
        (void)ih_zmtp_credential(zmtp, i, &data, &size);
        rc = add(queue, data, size, i + 1 < count);
    }
    return rc;
}

/* --- the reply --------------------------------------------------------------------------------------------------- */

static void notice(struct ih_link_end *end)
{
    struct ih_zap *zap = end->owner;
    struct ih_zap_result result = {0};
    struct ih_msg frames[IH_ZAP_REPLY_FRAMES];
    struct ih_queue queue;
    size_t count;
    bool closed;

    ih_queue_init(&queue);
    if (!ih_link_receive(end, &queue, &closed)) {
        if (closed) { /* the handler went away with our question */
            result.error = ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED;
            zap->done(zap->owner, &result);
        }
        return;
    }
    count = ih_zap_collect(&queue, frames);
    ih_queue_clear(&queue);
    result.error = ih_zap_parse(frames, count, &result);
    zap->done(zap->owner, &result);
    for (size_t i = 0; i < count && i < IH_ZAP_REPLY_FRAMES; i++)
        ih_msg_close(&frames[i]);
}

static int add_metadata(struct ih_props **props, const void *data, size_t size)
{
    struct ih_metadata metadata = {data, size};
    struct ih_property property;
    int rc = 0;

    while (rc == 0 && ih_metadata_next(&metadata, &property) > 0)
        rc = ih_props_set(props, (const char *)property.name, property.name_size, property.value, property.value_size);
    return rc;
}

struct ih_props *ih_zap_props(const struct ih_zap_result *result)
{
    struct ih_props *props = ih_props_new();
    int rc;

    if (!props)
        return NULL;
    rc = add_metadata(&props, result->metadata, result->metadata_size);
    if (rc == 0)
        rc = ih_props_set(&props, "User-Id", 7, result->user_id, result->user_id_size);
    if (rc == 0)
        return props;
    ih_props_release(props);
    return NULL;
}

/* --- asking ------------------------------------------------------------------------------------------------------ */

int ih_zap_ask(struct ih_socket *socket, const struct ih_options *opt, const struct ih_zmtp *zmtp, const char *address,
               ih_zap_done_fn *done, void *owner, struct ih_zap **result)
{
    struct ih_zap *zap = calloc(1, sizeof(*zap));
    struct ih_link *link = ih_link_new();
    struct ih_queue request;
    int rc = -ENOMEM;

    ih_queue_init(&request);
    if (!zap || !link)
        goto failed;
    if (opt->zap_enforce_domain && !opt->zap_domain.size) {
        rc = -EFAULT; /* as libzmq reports a missing handler */
        goto failed;
    }
    rc = build(&request, opt, zmtp, address);
    if (rc < 0)
        goto failed;
    zap->end = &link->end[0];
    zap->done = done;
    zap->owner = owner;
    zap->end->urgent = true;
    ih_link_occupy(zap->end, socket, notice, zap);
    (void)ih_link_send(zap->end, &request, 1);
    rc = ih_inproc_connect(&socket->ctx->inproc, HANDLER, link, false);
    if (rc < 0) {
        rc = -EFAULT;
        goto failed;
    }
    *result = zap;
    return 0;

failed:
    ih_queue_clear(&request);
    if (link) {
        ih_link_release(link);
        ih_link_release(link);
    }
    free(zap);
    return rc;
}

void ih_zap_free(struct ih_zap *zap)
{
    ih_link_close(zap->end);
    free(zap);
}
