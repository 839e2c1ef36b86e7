/* SPDX-License-Identifier: ISC */
/* ZAP's messages (RFC 27, "Message Format"), without sockets. A frame is borrowed memory. */
#ifndef IH_AUTH_ZAP_H
#define IH_AUTH_ZAP_H

#include "auth/request.h"

struct auth_frame {
    const void *data;
    size_t size;
};

enum {
    AUTH_ZAP_FRAMES_MAX = 16,  /* of a request behind the envelope; more are malformed */
    AUTH_ZAP_REPLY_FRAMES = 6, /* version, request id, status code, status text, user id, metadata */
    AUTH_ZAP_METADATA_MAX = 1024,
};

/*
 * Reads a request from the version frame on. *id is its request id, to be echoed even if the rest is malformed (empty if
 * there is none). 0, or the reason for a refusal with status 500: version or frames are wrong (*why), -EINVAL; with status
 * 400: unknown mechanism, wrong credentials' size or number, a text that is too long, no UTF-8 or has control characters,
 * -EACCES; then the request holds the domain and address that could be read, for the audit, and no credentials.
 */
int auth_zap_parse(struct auth_request *request, struct auth_frame *id, const struct auth_frame *frames, size_t count,
                   const char **why);

/* A reply's frames; owner of what they point to: the caller, who keeps it while frames are in use. */
struct auth_reply {
    struct auth_frame frames[AUTH_ZAP_REPLY_FRAMES];
    char code[4];
    char user_id[AUTH_TEXT_MAX + 1];
    uint8_t metadata[AUTH_ZAP_METADATA_MAX];
};

/* Builds the reply. Status text is one of few fixed ones ("OK", "Temporary failure", "No access", "Internal error"): what the
 * verdict's reason says is nobody's business outside. With AUTH_OK the metadata holds the property AUTH_GRANT, by which
 * auth_grant_parse knows the connection again. */
void auth_zap_reply(struct auth_reply *reply, const struct auth_frame *id, const struct auth_request *request,
                    const struct auth_verdict *verdict);

/* The metadata property: mechanism, domain, user or key in Z85, and stamp, separated by tabs. */
#define AUTH_GRANT "Ironauth-Grant"

/* Makes the request that asks whether a connection with this grant and Peer-Address would still be let in. -EINVAL. */
int auth_grant_parse(struct auth_request *request, const char *grant, const char *address);

#endif
