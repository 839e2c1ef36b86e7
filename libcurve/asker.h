/* SPDX-License-Identifier: ISC */
/* Asks the context's ZAP handler (RFC 27) without waiting. */
#ifndef IH_LIBCURVE_ASKER_H
#define IH_LIBCURVE_ASKER_H

#include <stdbool.h>
#include <stdint.h>

/* Owner: the worker. */
struct ih_asker {
    void *context;
    const char *domain;
    void *socket; /* NULL until somebody is asked about */
};

/* Asks about a key; the answer will bear the ticket. An error: nobody can be asked. */
int ih_asker_ask(struct ih_asker *asker, const uint8_t *key, uint64_t ticket);

/* The next answer. -EAGAIN: there is none; -EPROTO: it was none, or malformed. */
int ih_asker_answer(struct ih_asker *asker, uint64_t *ticket, bool *accept);

void ih_asker_close(struct ih_asker *asker);

#endif
