/* SPDX-License-Identifier: ISC */
/* Configurations: mistakes have a place; what is read lets in only whom it says. */
#include "fuzz.h"
#include <errno.h>
#include "auth/config.h"
#include "auth/text.h"

static void check_policy(const struct auth_config *config, const char *domain, const char *address)
{
    for (int mechanism = 0; mechanism < AUTH_MECHANISMS; mechanism++) {
        struct auth_request request = {.mechanism = (enum auth_mechanism)mechanism};
        const struct auth_domain *found;
        const struct auth_rule *rule;
        struct auth_verdict verdict;
        enum auth_outcome outcome;

        strcpy(request.domain, domain);
        strcpy(request.address, address);
        outcome = auth_policy_apply(config, &request, &verdict, &found, &rule);
        assert(auth_text_clean(verdict.reason, strlen(verdict.reason)));
        if (outcome == AUTH_DECIDED && verdict.status == AUTH_OK)
            assert(found && found->forward < 0 && found->rules[mechanism].everyone);
        if (outcome == AUTH_DECIDED && verdict.status != AUTH_OK)
            assert(verdict.status == AUTH_REFUSED && verdict.user_id[0] == '\0');
        if (outcome == AUTH_ASK)
            assert(rule->count > 0 && rule->backends[rule->count - 1] < config->backend_count);
        if (outcome == AUTH_FORWARD)
            assert((size_t)found->forward < config->forward_count);
    }
}

static void check_config(const struct auth_config *config)
{
    static const char *const addresses[] = {"", "localhost:0:0:1", "10.1.2.3", "::1", "::ffff:10.1.2.3", "x"};

    for (size_t i = 0; i < config->domain_count; i++) {
        assert(strcmp(auth_config_domain(config, config->domains[i].name)->name, config->domains[i].name) == 0);
        for (size_t j = 0; j < sizeof addresses / sizeof addresses[0]; j++)
            check_policy(config, config->domains[i].name, addresses[j]);
    }
    check_policy(config, "a domain that is not there", "10.1.2.3");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = (char *)fuzz_copy(data, size);
    struct auth_config *config = NULL;
    struct auth_mistake mistake;
    int rc = auth_config_parse(&config, text, size, &mistake);

    if (rc == 0) {
        check_config(config);
        auth_config_release(config);
    } else {
        assert(rc == -EINVAL && !config && mistake.text[0] != '\0');
        assert(size > 1 << 20 || (mistake.line > 0 && mistake.column > 0));
        assert(auth_text_clean(mistake.text, strlen(mistake.text)));
    }
    free(text);
    return 0;
}
