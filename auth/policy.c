/* SPDX-License-Identifier: ISC */
/* What a configuration says by itself about a request: domain, addresses, mechanism. */
#include "auth/config.h"

#include <string.h>

#include "auth/text.h"

static enum auth_outcome refuse(struct auth_verdict *verdict)
{
    verdict->status = AUTH_REFUSED;
    return AUTH_DECIDED;
}

#define REASON(verdict, ...) ((void)auth_text_print((verdict)->reason, sizeof(verdict)->reason, __VA_ARGS__))

/* The first network of a list that holds the address, NULL: none. */
static const struct auth_network *holder(const struct auth_network *networks, size_t count, const char *address)
{
    for (size_t i = 0; i < count; i++)
        if (auth_network_holds(&networks[i], address))
            return &networks[i];
    return NULL;
}

static const char *shown(const char *address)
{
    return *address != '\0' ? address : "local";
}

/* Deny wins; a list of whom to allow refuses all others; an address that cannot be read passes no list. */
static bool address_passes(const struct auth_domain *domain, const char *address, struct auth_verdict *verdict)
{
    const struct auth_network *denied = holder(domain->deny, domain->deny_count, address);
    char network[AUTH_NETWORK_TEXT];
    uint8_t octets[16];

    if (denied) {
        REASON(verdict, "address %s is denied by %s", shown(address), auth_network_print(network, denied));
        return false;
    }
    if (domain->allow_count + domain->deny_count > 0 && auth_address_parse(octets, address) == AUTH_ADDRESS_NONE) {
        REASON(verdict, "'%s' is no address", address);
        return false;
    }
    if (domain->allow_count > 0 && !holder(domain->allow, domain->allow_count, address)) {
        REASON(verdict, "address %s is not among those that are allowed", shown(address));
        return false;
    }
    return true;
}

/* A key is proved, so it is who the client is; a name that nobody asked about is not. */
static enum auth_outcome let_in(const struct auth_request *request, struct auth_verdict *verdict)
{
    char key[AUTH_KEY_TEXT];

    verdict->status = AUTH_OK;
    if (request->mechanism == AUTH_MECHANISM_CURVE)
        (void)auth_text_print(verdict->user_id, sizeof verdict->user_id, "%s", auth_key_print(key, request->key));
    REASON(verdict, "domain '%s' lets everyone in by %s", request->domain, auth_mechanism_name(request->mechanism));
    return AUTH_DECIDED;
}

enum auth_outcome auth_policy_apply(const struct auth_config *config, const struct auth_request *request,
                                    struct auth_verdict *verdict, const struct auth_domain **domain,
                                    const struct auth_rule **rule)
{
    memset(verdict, 0, sizeof *verdict);
    *rule = NULL;
    *domain = auth_config_domain(config, request->domain);
    if (!*domain) {
        REASON(verdict, "domain '%s' is not configured", request->domain);
        return refuse(verdict);
    }
    if (request->mechanism >= AUTH_MECHANISMS) {
        REASON(verdict, "unknown mechanism");
        return refuse(verdict);
    }
    if (!address_passes(*domain, request->address, verdict))
        return refuse(verdict);
    if ((*domain)->forward >= 0)
        return AUTH_FORWARD;
    *rule = &(*domain)->rules[request->mechanism];
    if ((*rule)->everyone)
        return let_in(request, verdict);
    if ((*rule)->count > 0)
        return AUTH_ASK;
    REASON(verdict, "domain '%s' lets nobody in by %s", request->domain, auth_mechanism_name(request->mechanism));
    return refuse(verdict);
}
