/* SPDX-License-Identifier: ISC */
/* The sections backend, forward and serve. */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/config_read.h"
#include "auth/config_section.h"
#include "auth/text.h"

static const struct auth_property backend_properties[] = {{"name", AUTH_PROPERTY_REQUIRED},
                                                          {"url", AUTH_PROPERTY_REQUIRED},
                                                          {"timeout", 0},
                                                          {"sessions", 0},
                                                          {"cache", 0},
                                                          {NULL, 0}};

static const struct auth_property forward_properties[] = {{"name", AUTH_PROPERTY_REQUIRED},
                                                          {"server", AUTH_PROPERTY_REQUIRED | AUTH_PROPERTY_REPEATED},
                                                          {"certificate", AUTH_PROPERTY_REQUIRED},
                                                          {"timeout", 0},
                                                          {"cache", 0},
                                                          {NULL, 0}};

static const struct auth_property serve_properties[] = {{"endpoint", AUTH_PROPERTY_REQUIRED},
                                                        {"certificate", AUTH_PROPERTY_REQUIRED},
                                                        {"clients", AUTH_PROPERTY_REQUIRED},
                                                        {NULL, 0}};

/* Units: timeout ms, cache s. */
enum {
    TIMEOUT_DEFAULT = 2000,
    TIMEOUT_MIN = 10,
    TIMEOUT_MAX = 60000,
    SESSIONS_DEFAULT = 4,
    SESSIONS_MAX = 64,
    CACHE_DEFAULT = 60,
    CACHE_MAX = 86400,
};

/* ---- names ---- */

static bool is_taken(const struct auth_config *config, const char *name)
{
    for (size_t i = 0; i < config->backend_count; i++)
        if (strcmp(config->backends[i].settings.name, name) == 0)
            return true;
    for (size_t i = 0; i < config->forward_count; i++)
        if (strcmp(config->forwards[i].name, name) == 0)
            return true;
    return false;
}

/* They stand in lists, metrics and the audit. Back ends and forwards share them, so that each means one thing there. */
static int check_name(const struct auth_config *config, const struct auth_zpl *section, struct auth_mistake *mistake)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const struct auth_zpl *property = auth_section_get(section, "name");
    const char *name = property->value;
    size_t size = strspn(name, allowed);

    if (name[size] != '\0')
        return auth_section_wrong(mistake, property, size, "a name is made of letters, digits, '.', '_' and '-'");
    if (size > AUTH_NAME_MAX)
        return auth_section_wrong(mistake, property, 0, "a name has at most %d characters", AUTH_NAME_MAX);
    if (strcmp(name, "everyone") == 0)
        return auth_section_wrong(mistake, property, 0, "'everyone' is no name: it means everyone");
    if (is_taken(config, name))
        return auth_section_wrong(mistake, property, 0, "there is another back end or forward named '%s'", name);
    return 0;
}

/* A colon and a number, or the '*' that leaves it to the system, before the end or a space. */
static bool ends_with_port(const char *endpoint)
{
    const char *end = endpoint + strcspn(endpoint, " ");
    const char *port = end;

    while (port > endpoint && port[-1] != ':')
        port--;
    if (port == endpoint || port == end || end - port > 5)
        return false;
    if (*port == '*')
        return port + 1 == end;
    return port + strspn(port, "0123456789") == end && strtoul(port, NULL, 10) <= UINT16_MAX;
}

/* endpoint ends at a space. */
static int check_endpoint(const struct auth_zpl *property, const char *endpoint, struct auth_mistake *mistake)
{
    bool known = strncmp(endpoint, "tcp://", 6) == 0 || strncmp(endpoint, "ipc://", 6) == 0;

    if (!known || endpoint[6] == '\0' || endpoint[6] == ' ')
        return auth_section_wrong(mistake, property, 0, "an endpoint begins with tcp:// or ipc://");
    if (*endpoint == 't' && !ends_with_port(endpoint + 6))
        return auth_section_wrong(mistake, property, 0, "an endpoint of tcp:// ends with a colon and a port");
    return 0;
}

/* ---- backend ---- */

static const char *get_setting(const void *arg, const char *name)
{
    return auth_section_text(arg, name);
}

/* The scheme alone is repeated: there may be a password in the rest. */
static int unknown_scheme(const struct auth_zpl *property, struct auth_mistake *mistake)
{
    const char *const *schemes = auth_backend_schemes();
    size_t size = strcspn(property->value, ":");
    char list[100] = "";
    size_t length = 0;

    for (; *schemes; schemes++)
        length += auth_text_print(list + length, sizeof list - length, " %s", *schemes);
    if (property->value[size] != ':')
        return auth_section_wrong(mistake, property, 0, "a URL begins with one of these and a colon:%s", list);
    return auth_section_wrong(mistake, property, 0, "no back end '%.*s' is built in; these are:%s",
                              (int)(size > 32 ? 32 : size), property->value, list);
}

static int read_backend(struct auth_config *config, const struct auth_zpl *section, struct auth_mistake *mistake)
{
    const struct auth_zpl *url = auth_zpl_find(section, "url");
    const struct auth_backend_ops *ops = url ? auth_backend_find(url->value) : NULL;
    struct auth_settings settings = {.timeout = TIMEOUT_DEFAULT, .sessions = SESSIONS_DEFAULT};
    int cache = CACHE_DEFAULT;
    int rc = 0;

    if (url && *url->value != '\0' && !ops)
        return unknown_scheme(url, mistake);
    rc = auth_section_check(section, backend_properties, ops ? ops->keys : NULL, mistake);
    if (rc == 0)
        rc = check_name(config, section, mistake);
    if (rc == 0)
        rc = auth_section_number(section, "timeout", &settings.timeout, TIMEOUT_MIN, TIMEOUT_MAX, mistake);
    if (rc == 0)
        rc = auth_section_number(section, "sessions", &settings.sessions, 1, SESSIONS_MAX, mistake);
    if (rc == 0)
        rc = auth_section_number(section, "cache", &cache, 0, CACHE_MAX, mistake);
    if (rc < 0)
        return rc;
    settings.name = auth_section_get(section, "name")->value;
    settings.url = auth_section_get(section, "url")->value;
    settings.get = get_setting;
    settings.arg = section;
    config->backends[config->backend_count++] = (struct auth_backend_config){ops, settings, cache};
    return 0;
}

/* ---- forward ---- */

/* "ENDPOINT KEY" */
static int read_server(struct auth_forward_server *server, struct auth_zpl *property, struct auth_mistake *mistake)
{
    char *space = strchr(property->value, ' ');
    uint8_t key[AUTH_KEY_SIZE];
    const char *text;
    int rc = check_endpoint(property, property->value, mistake);

    if (rc < 0)
        return rc;
    if (!space)
        return auth_section_wrong(mistake, property, 0,
                                  "behind the endpoint stands the server's public key; quotes around both");
    text = space + strspn(space, " ");
    if (!auth_key_parse(key, text))
        return auth_section_wrong(mistake, property, (size_t)(text - property->value),
                                  "this is no key: 40 characters of Z85; quotes around endpoint and key");
    (void)auth_key_print(server->key, key);
    *space = '\0'; /* the endpoint alone stays in the tree */
    server->endpoint = property->value;
    return 0;
}

static int read_servers(struct auth_forward_config *forward, const struct auth_zpl *section,
                        struct auth_mistake *mistake)
{
    forward->servers = calloc(AUTH_SERVERS_MAX, sizeof *forward->servers);
    if (!forward->servers)
        return -ENOMEM;
    for (struct auth_zpl *at = section->child; at; at = at->next) {
        int rc;

        if (strcmp(at->name, "server") != 0)
            continue;
        if (forward->count == AUTH_SERVERS_MAX)
            return auth_mistake_set(mistake, at->line, at->column, "more than %d servers", AUTH_SERVERS_MAX);
        rc = read_server(&forward->servers[forward->count], at, mistake);
        if (rc < 0)
            return rc;
        forward->count++;
    }
    return 0;
}

static int read_forward(struct auth_config *config, const struct auth_zpl *section, struct auth_mistake *mistake)
{
    struct auth_forward_config *forward = &config->forwards[config->forward_count];
    int rc = auth_section_check(section, forward_properties, NULL, mistake);

    if (rc == 0)
        rc = check_name(config, section, mistake);
    if (rc < 0)
        return rc;
    config->forward_count++;
    *forward = (struct auth_forward_config){.timeout = TIMEOUT_DEFAULT, .cache = CACHE_DEFAULT};
    forward->name = auth_section_get(section, "name")->value;
    forward->certificate = auth_section_get(section, "certificate")->value;
    rc = auth_section_number(section, "timeout", &forward->timeout, TIMEOUT_MIN, TIMEOUT_MAX, mistake);
    if (rc == 0)
        rc = auth_section_number(section, "cache", &forward->cache, 0, CACHE_MAX, mistake);
    return rc < 0 ? rc : read_servers(forward, section, mistake);
}

/* ---- all of them, in the order of the file ---- */

static int make_room(struct auth_config *config)
{
    size_t backends = auth_config_count(config, "backend");
    size_t forwards = auth_config_count(config, "forward");

    config->backends =
        calloc(backends < AUTH_BACKENDS_MAX ? backends + 1 : AUTH_BACKENDS_MAX, sizeof *config->backends);
    config->forwards =
        calloc(forwards < AUTH_FORWARDS_MAX ? forwards + 1 : AUTH_FORWARDS_MAX, sizeof *config->forwards);
    config->backend_count = config->forward_count = 0;
    return config->backends && config->forwards ? 0 : -ENOMEM;
}

static int too_many(const struct auth_zpl *section, int most, struct auth_mistake *mistake)
{
    return auth_mistake_set(mistake, section->line, section->column, "more than %d sections '%s'", most, section->name);
}

int auth_config_read_services(struct auth_config *config, struct auth_mistake *mistake)
{
    int rc = make_room(config);

    for (const struct auth_zpl *at = config->zpl->child; rc == 0 && at; at = at->next) {
        if (strcmp(at->name, "backend") == 0)
            rc = config->backend_count < AUTH_BACKENDS_MAX ? read_backend(config, at, mistake)
                                                           : too_many(at, AUTH_BACKENDS_MAX, mistake);
        else if (strcmp(at->name, "forward") == 0)
            rc = config->forward_count < AUTH_FORWARDS_MAX ? read_forward(config, at, mistake)
                                                           : too_many(at, AUTH_FORWARDS_MAX, mistake);
    }
    return rc;
}

/* ---- serve ---- */

static int check_clients(const struct auth_config *config, const struct auth_zpl *section, struct auth_mistake *mistake)
{
    static const char prefix[] = "domain:";
    const struct auth_zpl *property = auth_section_get(section, "clients");
    size_t skip = sizeof prefix - 1;
    const struct auth_domain *domain;
    const struct auth_rule *rule;

    if (strncmp(property->value, prefix, skip) != 0)
        return 0;
    domain = auth_config_domain(config, property->value + skip);
    if (!domain)
        return auth_section_wrong(mistake, property, skip, "there is no domain '%.64s'", property->value + skip);
    rule = &domain->rules[AUTH_MECHANISM_CURVE];
    if (domain->forward < 0 && !rule->everyone && rule->count == 0)
        return auth_section_wrong(mistake, property, skip, "domain '%.64s' lets nobody in by CURVE",
                                  property->value + skip);
    return 0;
}

int auth_config_read_serve(struct auth_config *config, struct auth_mistake *mistake)
{
    const struct auth_zpl *section = auth_zpl_find(config->zpl, "serve");
    const struct auth_zpl *endpoint;
    int rc;

    if (!section)
        return 0;
    rc = auth_section_check(section, serve_properties, NULL, mistake);
    if (rc < 0)
        return rc;
    endpoint = auth_section_get(section, "endpoint");
    rc = check_endpoint(endpoint, endpoint->value, mistake);
    if (rc == 0)
        rc = check_clients(config, section, mistake);
    if (rc < 0)
        return rc;
    config->serve.endpoint = endpoint->value;
    config->serve.certificate = auth_section_text(section, "certificate");
    config->serve.clients = auth_section_text(section, "clients");
    return 0;
}
