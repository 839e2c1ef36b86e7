/* SPDX-License-Identifier: ISC */
/* Grants: what is read is written again as it was. */
#include "fuzz.h"
#include "auth/zap.h"

/* The input: a grant, and behind a line end the address. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct auth_frame id = {"", 0};
    size_t head = 1 + strlen(AUTH_GRANT) + 4;
    char *grant = malloc(size + 1);
    struct auth_request request;
    char *address;

    assert(grant);
    if (size > 0)
        memcpy(grant, data, size);
    grant[size] = '\0';
    address = strchr(grant, '\n');
    if (address)
        *address++ = '\0';
    if (auth_grant_parse(&request, grant, address ? address : "") == 0) {
        struct auth_verdict verdict = {.status = AUTH_OK};
        struct auth_reply reply;

        assert(request.review && request.password[0] == '\0');
        strcpy(verdict.stamp, request.stamp);
        auth_zap_reply(&reply, &id, &request, &verdict);
        assert(reply.frames[5].size == head + strlen(grant));
        assert(memcmp((const char *)reply.frames[5].data + head, grant, strlen(grant)) == 0);
    }
    free(grant);
    return 0;
}
