/* SPDX-License-Identifier: ISC */
#include "auth/wire.h"

#include <stdio.h>
#include <string.h>

struct auth_frame auth_wire_text(const char *text)
{
    return (struct auth_frame){text, strlen(text)};
}

bool auth_wire_is(const struct auth_frame *frame, const char *text)
{
    return frame->size == strlen(text) && memcmp(frame->data, text, frame->size) == 0;
}

bool auth_wire_copy(char *text, size_t room, const struct auth_frame *frame)
{
    if (frame->size >= room || memchr(frame->data, '\0', frame->size))
        return false;
    memcpy(text, frame->data, frame->size);
    text[frame->size] = '\0';
    return true;
}

void auth_wire_grant(char grant[AUTH_WIRE_GRANT], const struct auth_request *request)
{
    char key[AUTH_KEY_TEXT];
    const char *who = request->user;

    if (request->mechanism == AUTH_MECHANISM_CURVE)
        who = auth_key_print(key, request->key);
    (void)snprintf(grant, AUTH_WIRE_GRANT, "%s\t%s\t%s\t%s", auth_mechanism_name(request->mechanism), request->domain,
                   who, request->stamp);
}

/* RFC 27, "metadata": a name behind its size in one octet, a value behind its size in four. The next property; false: there
 * is none. */
static bool next_property(struct auth_frame *rest, struct auth_frame *name, struct auth_frame *value)
{
    const uint8_t *data = rest->data;
    size_t left = rest->size, size;

    if (left < 1 || data[0] > left - 1)
        return false;
    *name = (struct auth_frame){data + 1, data[0]};
    data += 1 + name->size;
    left -= 1 + name->size;
    if (left < 4)
        return false;
    size = (size_t)data[0] << 24 | (size_t)data[1] << 16 | (size_t)data[2] << 8 | data[3];
    if (size > left - 4)
        return false;
    *value = (struct auth_frame){data + 4, size};
    *rest = (struct auth_frame){data + 4 + size, left - 4 - size};
    return true;
}

void auth_wire_stamp(char stamp[AUTH_STAMP_SIZE], const struct auth_frame *metadata)
{
    struct auth_frame rest = *metadata, name, value;
    struct auth_request request;
    char grant[AUTH_WIRE_GRANT];

    stamp[0] = '\0';
    while (next_property(&rest, &name, &value)) {
        if (auth_wire_is(&name, AUTH_GRANT) && auth_wire_copy(grant, sizeof(grant), &value) &&
            auth_grant_parse(&request, grant, "") == 0)
            memcpy(stamp, request.stamp, AUTH_STAMP_SIZE);
    }
}
