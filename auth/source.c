/* SPDX-License-Identifier: ISC */
#include "auth/source.h"

#include <errno.h>

#include "auth/clock.h"
#include "auth/engine.h"

enum { CACHE_ENTRIES = 10000 };

static void deliver(struct ironauth *auth, struct auth_mail *mail)
{
    struct auth_source *source = AUTH_LIST_OF(mail, struct auth_source, news);

    auth_metrics_away(auth->generation->metrics, source->name, atomic_load(&source->away));
    if (atomic_exchange(&source->changed, false))
        auth_engine_changed(auth, source);
}

int auth_source_init(struct auth_source *source, const struct auth_source_ops *ops, const char *name, int timeout,
                     int fresh, bool whole)
{
    source->ops = ops;
    source->name = name;
    source->timeout = timeout;
    auth_list_init(&source->link);
    auth_list_init(&source->pending);
    auth_list_init(&source->review.backlog);
    source->review.retry = AUTH_NEVER;
    auth_mail_init(&source->news, deliver);
    atomic_init(&source->changed, false);
    atomic_init(&source->away, false);
    source->cache = auth_cache_new(CACHE_ENTRIES, (uint64_t)fresh * 1000, whole);
    return source->cache ? 0 : -ENOMEM;
}

void auth_source_fini(struct auth_source *source)
{
    auth_review_clear(source);
    auth_cache_free(source->cache);
}
