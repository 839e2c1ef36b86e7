/* SPDX-License-Identifier: ISC */
/* ZAP's requests and replies (RFC 27), and the grants by which a connection is known again. */
#include "auth/zap.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "auth/text.h"

/* RFC 27, "Message Format": the frames of a request behind the delimiter. */
enum { VERSION, REQUEST_ID, DOMAIN, ADDRESS, IDENTITY, MECHANISM, CREDENTIALS };

static const char version[] = {'1', '.', '0'};

static bool equals(const struct auth_frame *frame, const void *data, size_t size)
{
    return frame->size == size && memcmp(frame->data, data, size) == 0;
}

/* RFC 27: "All string fields are at most 255 characters and are ASCII only"; names in UTF-8 are let through. */
static bool take_text(char text[AUTH_TEXT_MAX + 1], const struct auth_frame *frame)
{
    if (frame->size > AUTH_TEXT_MAX || !auth_text_clean(frame->data, frame->size))
        return false;
    if (frame->size > 0)
        memcpy(text, frame->data, frame->size);
    text[frame->size] = '\0';
    return true;
}

static bool find_mechanism(enum auth_mechanism *mechanism, const void *name, size_t size)
{
    const struct auth_frame frame = {name, size};

    for (int i = 0; i < AUTH_MECHANISMS; i++) {
        const char *known = auth_mechanism_name((enum auth_mechanism)i);

        if (equals(&frame, known, strlen(known))) {
            *mechanism = (enum auth_mechanism)i;
            return true;
        }
    }
    return false;
}

/* RFC 27, "The NULL Mechanism" and the two after it. NULL if all is well. */
static const char *take_credentials(struct auth_request *request, const struct auth_frame *frames, size_t count)
{
    static const size_t counts[AUTH_MECHANISMS] = {0, 2, 1};

    if (count != counts[request->mechanism])
        return "wrong number of credentials";
    if (request->mechanism == AUTH_MECHANISM_PLAIN) {
        if (!take_text(request->user, &frames[0]))
            return "malformed user name";
        if (!take_text(request->password, &frames[1]))
            return "malformed password";
    }
    if (request->mechanism == AUTH_MECHANISM_CURVE) {
        if (frames[0].size != AUTH_KEY_SIZE)
            return "the client's key is not of 32 octets";
        memcpy(request->key, frames[0].data, AUTH_KEY_SIZE);
    }
    return NULL;
}

static const char *take_fields(struct auth_request *request, const struct auth_frame *frames, size_t count)
{
    if (!take_text(request->domain, &frames[DOMAIN]))
        return "malformed domain";
    if (!take_text(request->address, &frames[ADDRESS]))
        return "malformed address";
    if (frames[IDENTITY].size > AUTH_TEXT_MAX)
        return "identity too long";
    if (!find_mechanism(&request->mechanism, frames[MECHANISM].data, frames[MECHANISM].size))
        return "unknown mechanism";
    return take_credentials(request, frames + CREDENTIALS, count - CREDENTIALS);
}

int auth_zap_parse(struct auth_request *request, struct auth_frame *id, const struct auth_frame *frames, size_t count,
                   const char **why)
{
    memset(request, 0, sizeof *request);
    *id = count > REQUEST_ID ? frames[REQUEST_ID] : (struct auth_frame){"", 0};
    *why = NULL;
    if (count == 0 || !equals(&frames[VERSION], version, sizeof version))
        *why = "the version is not 1.0";
    else if (count < CREDENTIALS)
        *why = "frames are missing";
    else if (count > AUTH_ZAP_FRAMES_MAX)
        *why = "too many frames";
    if (*why)
        return -EINVAL;
    *why = take_fields(request, frames, count);
    if (!*why)
        return 0;
    sodium_memzero(request->user, sizeof request->user);
    sodium_memzero(request->password, sizeof request->password);
    return -EACCES;
}

/* ---- the reply ---- */

/* RFC 27: "metadata ... SHALL use the ZMTP 3.0 format": name behind one octet of size, value behind four. */
static size_t put_property(uint8_t *to, const char *name, size_t name_size, const char *value, size_t size)
{
    to[0] = (uint8_t)name_size;
    memcpy(to + 1, name, name_size);
    to += 1 + name_size;
    to[0] = (uint8_t)(size >> 24);
    to[1] = (uint8_t)(size >> 16);
    to[2] = (uint8_t)(size >> 8);
    to[3] = (uint8_t)size;
    memcpy(to + 4, value, size);
    return 1 + name_size + 4 + size;
}

static size_t put_grant(uint8_t metadata[AUTH_ZAP_METADATA_MAX], const struct auth_request *request, const char *stamp)
{
    char grant[sizeof "CURVE\t\t\t" + AUTH_TEXT_MAX + AUTH_TEXT_MAX + AUTH_STAMP_SIZE];
    char key[AUTH_KEY_TEXT] = "";
    const char *who = request->user;
    int size;

    _Static_assert(1 + sizeof AUTH_GRANT + 4 + sizeof grant <= AUTH_ZAP_METADATA_MAX, "any grant has room");
    if (request->mechanism == AUTH_MECHANISM_CURVE)
        who = auth_key_print(key, request->key);
    size = snprintf(grant, sizeof grant, "%s\t%s\t%s\t%s", auth_mechanism_name(request->mechanism), request->domain,
                    who, stamp);
    return put_property(metadata, AUTH_GRANT, sizeof AUTH_GRANT - 1, grant, (size_t)size);
}

static const char *status_text(enum auth_status status)
{
    switch (status) {
    case AUTH_OK:
        return "OK";
    case AUTH_TEMPORARY:
        return "Temporary failure";
    case AUTH_REFUSED:
        return "No access";
    case AUTH_BROKEN:
        break;
    }
    return "Internal error";
}

void auth_zap_reply(struct auth_reply *reply, const struct auth_frame *id, const struct auth_request *request,
                    const struct auth_verdict *verdict)
{
    bool ok = verdict->status == AUTH_OK;
    const char *text = status_text(verdict->status);
    size_t metadata_size = ok ? put_grant(reply->metadata, request, verdict->stamp) : 0;

    (void)snprintf(reply->code, sizeof reply->code, "%03u", (unsigned)verdict->status % 1000);
    (void)snprintf(reply->user_id, sizeof reply->user_id, "%s", ok ? verdict->user_id : "");
    reply->frames[0] = (struct auth_frame){version, sizeof version};
    reply->frames[1] = *id;
    reply->frames[2] = (struct auth_frame){reply->code, strlen(reply->code)};
    reply->frames[3] = (struct auth_frame){text, strlen(text)};
    reply->frames[4] = (struct auth_frame){reply->user_id, strlen(reply->user_id)};
    reply->frames[5] = (struct auth_frame){reply->metadata, metadata_size};
}

/* ---- grants ---- */

enum { GRANT_MECHANISM, GRANT_DOMAIN, GRANT_WHO, GRANT_STAMP, GRANT_FIELDS };

/* Three tabs, not one more. */
static bool split_grant(struct auth_frame fields[GRANT_FIELDS], const char *grant)
{
    for (int i = 0; i < GRANT_FIELDS; i++) {
        const char *end = i < GRANT_STAMP ? strchr(grant, '\t') : grant + strlen(grant);

        if (!end)
            return false;
        fields[i] = (struct auth_frame){grant, (size_t)(end - grant)};
        grant = end + 1;
    }
    return true;
}

static bool take_who(struct auth_request *request, const struct auth_frame *who)
{
    char text[AUTH_TEXT_MAX + 1];

    switch (request->mechanism) {
    case AUTH_MECHANISM_NULL:
        return who->size == 0;
    case AUTH_MECHANISM_PLAIN:
        return take_text(request->user, who);
    case AUTH_MECHANISM_CURVE:
        return who->size == AUTH_KEY_TEXT - 1 && take_text(text, who) && auth_key_parse(request->key, text);
    case AUTH_MECHANISMS:
        break;
    }
    return false;
}

int auth_grant_parse(struct auth_request *request, const char *grant, const char *address)
{
    const struct auth_frame from = {address, strlen(address)};
    struct auth_request parsed = {.review = true};
    struct auth_frame fields[GRANT_FIELDS];
    char stamp[AUTH_TEXT_MAX + 1];

    if (!split_grant(fields, grant) || !take_text(parsed.address, &from) ||
        !find_mechanism(&parsed.mechanism, fields[GRANT_MECHANISM].data, fields[GRANT_MECHANISM].size) ||
        !take_text(parsed.domain, &fields[GRANT_DOMAIN]) || !take_who(&parsed, &fields[GRANT_WHO]) ||
        fields[GRANT_STAMP].size >= AUTH_STAMP_SIZE || !take_text(stamp, &fields[GRANT_STAMP]))
        return -EINVAL;
    memcpy(parsed.stamp, stamp, fields[GRANT_STAMP].size);
    *request = parsed;
    return 0;
}
