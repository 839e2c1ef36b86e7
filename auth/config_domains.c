/* SPDX-License-Identifier: ISC */
/* The sections domain. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "auth/config_read.h"
#include "auth/config_section.h"

static const struct auth_property domain_properties[] = {{"name", AUTH_PROPERTY_REQUIRED},
                                                         {"allow", AUTH_PROPERTY_REPEATED},
                                                         {"deny", AUTH_PROPERTY_REPEATED},
                                                         {"null", 0},
                                                         {"plain", 0},
                                                         {"curve", 0},
                                                         {"forward", 0},
                                                         {NULL, 0}};

static const char *const rule_names[AUTH_MECHANISMS] = {"null", "plain", "curve"};

/* ---- addresses ---- */

static int read_words(struct auth_network *networks, size_t *count, const struct auth_zpl *property,
                      struct auth_mistake *mistake)
{
    struct auth_words words = {.property = property};
    size_t before = *count;
    int rc;

    while ((rc = auth_words_next(&words, mistake)) == 1) {
        if (auth_network_parse(&networks[*count], words.word) < 0)
            return auth_section_wrong(mistake, property, words.offset,
                                      "'%.64s' is no address, network (with no bit behind its prefix) or 'local'",
                                      words.word);
        (*count)++;
    }
    if (rc == 0 && *count == before)
        return auth_section_wrong(mistake, property, 0, "'%s' has no value", property->name);
    return rc;
}

/* All properties of this name. Room: a word takes two characters of the file, the last one perhaps one. */
static int read_networks(struct auth_network **networks, size_t *count, const struct auth_zpl *section,
                         const char *name, struct auth_mistake *mistake)
{
    size_t room = 0;
    int rc = 0;

    for (const struct auth_zpl *at = section->child; at; at = at->next)
        if (strcmp(at->name, name) == 0)
            room += strlen(at->value) / 2 + 1;
    if (room == 0)
        return 0;
    *networks = calloc(room, sizeof **networks);
    if (!*networks)
        return -ENOMEM;
    for (const struct auth_zpl *at = section->child; rc == 0 && at; at = at->next)
        if (strcmp(at->name, name) == 0)
            rc = read_words(*networks, count, at, mistake);
    return rc;
}

/* ---- rules ---- */

static size_t find_backend(const struct auth_config *config, const char *name)
{
    size_t i = 0;

    while (i < config->backend_count && strcmp(config->backends[i].settings.name, name) != 0)
        i++;
    return i;
}

static int find_forward(const struct auth_config *config, const char *name)
{
    for (size_t i = 0; i < config->forward_count; i++)
        if (strcmp(config->forwards[i].name, name) == 0)
            return (int)i;
    return -1;
}

static int no_backend(const struct auth_config *config, const struct auth_words *words, struct auth_mistake *mistake)
{
    const char *names[AUTH_BACKENDS_MAX + 2] = {"everyone"};
    const char *nearest;

    for (size_t i = 0; i < config->backend_count; i++)
        names[i + 1] = config->backends[i].settings.name;
    nearest = auth_mistake_nearest(words->word, names);
    if (find_forward(config, words->word) >= 0)
        return auth_section_wrong(mistake, words->property, words->offset,
                                  "'%s' is a forward: it takes a whole domain, with forward = %s", words->word,
                                  words->word);
    if (nearest)
        return auth_section_wrong(mistake, words->property, words->offset,
                                  "there is no back end named '%.64s'; is '%s' meant?", words->word, nearest);
    return auth_section_wrong(mistake, words->property, words->offset, "there is no back end named '%.64s'",
                              words->word);
}

static int add_backend(struct auth_rule *rule, const struct auth_config *config, const struct auth_words *words,
                       struct auth_mistake *mistake)
{
    size_t index = find_backend(config, words->word);

    if (index == config->backend_count)
        return no_backend(config, words, mistake);
    for (size_t i = 0; i < rule->count; i++)
        if (rule->backends[i] == index)
            return auth_section_wrong(mistake, words->property, words->offset, "'%s' is here for the second time",
                                      words->word);
    rule->backends[rule->count++] = index;
    return 0;
}

static int read_rule(struct auth_rule *rule, const struct auth_config *config, const struct auth_zpl *property,
                     bool credentials, struct auth_mistake *mistake)
{
    struct auth_words words = {.property = property};
    int rc;

    if (strcmp(property->value, "everyone") == 0) {
        rule->everyone = true;
        return 0;
    }
    if (!credentials)
        return auth_section_wrong(mistake, property, 0,
                                  "'%s' can only be everyone: such clients say nothing of themselves", property->name);
    rule->backends = calloc(config->backend_count + 1, sizeof *rule->backends); /* each at most once */
    if (!rule->backends)
        return -ENOMEM;
    while ((rc = auth_words_next(&words, mistake)) == 1) {
        if (strcmp(words.word, "everyone") == 0)
            return auth_section_wrong(mistake, property, words.offset, "'everyone' stands alone");
        rc = add_backend(rule, config, &words, mistake);
        if (rc < 0)
            return rc;
    }
    if (rc == 0 && rule->count == 0)
        return auth_section_wrong(mistake, property, 0, "'%s' has no value", property->name);
    return rc;
}

/* The rules of all mechanisms. *some: there is one. */
static int read_rules(struct auth_domain *domain, const struct auth_config *config, const struct auth_zpl *section,
                      bool *some, struct auth_mistake *mistake)
{
    int rc = 0;

    *some = false;
    for (int i = 0; rc == 0 && i < AUTH_MECHANISMS; i++) {
        const struct auth_zpl *property = auth_zpl_find(section, rule_names[i]);

        if (!property)
            continue;
        *some = true;
        rc = read_rule(&domain->rules[i], config, property, i != AUTH_MECHANISM_NULL, mistake);
    }
    return rc;
}

/* ---- the domain ---- */

static int read_decision(struct auth_domain *domain, const struct auth_config *config, const struct auth_zpl *section,
                         struct auth_mistake *mistake)
{
    const struct auth_zpl *forward = auth_zpl_find(section, "forward");
    bool some;
    int rc = read_rules(domain, config, section, &some, mistake);

    if (rc < 0)
        return rc;
    if (!forward && !some)
        return auth_mistake_set(mistake, section->line, section->column,
                                "this domain lets nobody in: it needs null, plain, curve or forward");
    if (!forward)
        return 0;
    if (some)
        return auth_mistake_set(mistake, forward->line, forward->column,
                                "a domain that is forwarded has no null, plain or curve of its own");
    domain->forward = find_forward(config, forward->value);
    if (domain->forward < 0)
        return auth_section_wrong(mistake, forward, 0, "there is no forward named '%.64s'", forward->value);
    return 0;
}

static int read_domain(struct auth_config *config, const struct auth_zpl *section, struct auth_mistake *mistake)
{
    struct auth_domain *domain = &config->domains[config->domain_count];
    int rc = auth_section_check(section, domain_properties, NULL, mistake);

    if (rc < 0)
        return rc;
    config->domain_count++;
    domain->forward = -1;
    domain->name = auth_section_get(section, "name")->value;
    if (strlen(domain->name) > AUTH_TEXT_MAX)
        return auth_section_wrong(mistake, auth_section_get(section, "name"), 0,
                                  "a domain's name has at most %d octets", AUTH_TEXT_MAX);
    if (strcmp(domain->name, AUTH_LISTS_EVERYONE) == 0 ||
        strncmp(domain->name, AUTH_LISTS_FOLDER, strlen(AUTH_LISTS_FOLDER)) == 0)
        return auth_section_wrong(mistake, auth_section_get(section, "name"), 0,
                                  "'%s' and what begins with '%s' are domains of ironauth_curve_server",
                                  AUTH_LISTS_EVERYONE, AUTH_LISTS_FOLDER);
    rc = read_networks(&domain->allow, &domain->allow_count, section, "allow", mistake);
    if (rc == 0)
        rc = read_networks(&domain->deny, &domain->deny_count, section, "deny", mistake);
    return rc < 0 ? rc : read_decision(domain, config, section, mistake);
}

/* ---- all of them ---- */

static int compare_domains(const void *a, const void *b)
{
    return strcmp(((const struct auth_domain *)a)->name, ((const struct auth_domain *)b)->name);
}

/* At the later one of the two. */
static int repeated_domain(const struct auth_config *config, const char *name, struct auth_mistake *mistake)
{
    unsigned first = 0;

    for (const struct auth_zpl *at = auth_config_next(config->zpl->child, "domain"); at;
         at = auth_config_next(at->next, "domain")) {
        const struct auth_zpl *property = auth_section_get(at, "name");

        if (strcmp(property->value, name) != 0)
            continue;
        if (first > 0)
            return auth_section_wrong(mistake, property, 0, "there is another domain named '%.64s', in line %u", name,
                                      first);
        first = property->line;
    }
    return -EINVAL;
}

int auth_config_read_domains(struct auth_config *config, struct auth_mistake *mistake)
{
    size_t count = auth_config_count(config, "domain");
    int rc = 0;

    config->domains = calloc(count + 1, sizeof *config->domains);
    if (!config->domains)
        return -ENOMEM;
    for (const struct auth_zpl *at = auth_config_next(config->zpl->child, "domain"); rc == 0 && at;
         at = auth_config_next(at->next, "domain"))
        rc = read_domain(config, at, mistake);
    if (rc < 0)
        return rc;
    qsort(config->domains, count, sizeof *config->domains, compare_domains);
    for (size_t i = 1; i < count; i++)
        if (compare_domains(&config->domains[i - 1], &config->domains[i]) == 0)
            return repeated_domain(config, config->domains[i].name, mistake);
    return 0;
}

static int compare_name(const void *name, const void *domain)
{
    return strcmp(name, ((const struct auth_domain *)domain)->name);
}

static const struct auth_domain *find_domain(const struct auth_config *config, const char *name)
{
    return bsearch(name, config->domains, config->domain_count, sizeof *config->domains, compare_name);
}

const struct auth_domain *auth_config_domain(const struct auth_config *config, const char *name)
{
    const struct auth_domain *domain = find_domain(config, name);

    return domain ? domain : find_domain(config, "*");
}
