/* SPDX-License-Identifier: ISC */
/* ZAP requests: what is read is text; its grant is read again as it was; and the audit's line stays one. */
#include "fuzz.h"
#include "auth/audit.h"
#include "auth/text.h"
#include "auth/zap.h"

/* The input: frames behind their sizes, two octets each. */
static size_t split(struct auth_frame *frames, size_t room, const uint8_t *data, size_t size)
{
    size_t count = 0;

    while (size >= 2 && count < room) {
        size_t length = (size_t)data[0] << 8 | data[1];

        data += 2;
        size -= 2;
        length = length > size ? size : length;
        frames[count++] = (struct auth_frame){fuzz_copy(data, length), length};
        data += length;
        size -= length;
    }
    return count;
}

static void check_text(const char *text)
{
    assert(strnlen(text, AUTH_TEXT_MAX + 1) <= AUTH_TEXT_MAX && auth_text_clean(text, strlen(text)));
}

static void check_audit(const struct auth_request *request, const struct auth_verdict *verdict)
{
    char line[AUTH_AUDIT_LINE_MAX];
    size_t size = auth_audit_line(line, sizeof line, request, verdict, 1, 1);

    assert(size > 0 && size == strlen(line) && auth_text_clean(line, size));
}

static void check_grant(const struct auth_request *request, const struct auth_frame *id)
{
    const struct auth_verdict verdict = {.status = AUTH_OK, .stamp = "0123456789abcdef"};
    size_t head = 1 + strlen(AUTH_GRANT) + 4;
    char grant[AUTH_ZAP_METADATA_MAX + 1] = "";
    struct auth_request again;
    struct auth_reply reply;

    auth_zap_reply(&reply, id, request, &verdict);
    assert(reply.frames[5].size > head && reply.frames[5].size <= AUTH_ZAP_METADATA_MAX);
    memcpy(grant, (const char *)reply.frames[5].data + head, reply.frames[5].size - head);
    assert(auth_grant_parse(&again, grant, request->address) == 0);
    assert(again.review && again.mechanism == request->mechanism && strcmp(again.domain, request->domain) == 0);
    assert(strcmp(again.user, request->user) == 0 && memcmp(again.key, request->key, AUTH_KEY_SIZE) == 0);
    assert(strcmp(again.address, request->address) == 0 && strcmp(again.stamp, verdict.stamp) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct auth_verdict refused = {.status = AUTH_REFUSED};
    struct auth_frame frames[AUTH_ZAP_FRAMES_MAX + 2] = {{NULL, 0}};
    size_t count = split(frames, AUTH_ZAP_FRAMES_MAX + 2, data, size);
    struct auth_request request;
    struct auth_frame id;
    const char *why = NULL;
    int rc = auth_zap_parse(&request, &id, frames, count, &why);

    assert((rc == 0) == (why == NULL));
    assert(count < 2 || (id.data == frames[1].data && id.size == frames[1].size));
    check_text(request.domain);
    check_text(request.address);
    check_text(request.user);
    check_text(request.password);
    check_audit(&request, &refused);
    if (rc == 0)
        check_grant(&request, &id);
    else
        assert(request.user[0] == '\0' && request.password[0] == '\0');
    for (size_t i = 0; i < count; i++)
        free((void *)frames[i].data);
    return 0;
}
