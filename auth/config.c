/* SPDX-License-Identifier: ISC */
/* Configurations: reading, and how long they live. */
#include "auth/config.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/config_read.h"
#include "auth/config_section.h"
#include "auth/metrics.h"

enum { FILE_MAX = 1 << 20 };

/* A configuration and the references to it; file is the copy that config.file shows. */
struct counted {
    struct auth_config config;
    atomic_size_t references;
    char *file;
};

static const struct auth_property root_properties[] = {{"audit", 0},
                                                       {"metrics", 0},
                                                       {"backend", AUTH_PROPERTY_SECTION | AUTH_PROPERTY_REPEATED},
                                                       {"forward", AUTH_PROPERTY_SECTION | AUTH_PROPERTY_REPEATED},
                                                       {"serve", AUTH_PROPERTY_SECTION},
                                                       {"domain", AUTH_PROPERTY_SECTION | AUTH_PROPERTY_REPEATED},
                                                       {NULL, 0}};

const struct auth_zpl *auth_config_next(const struct auth_zpl *node, const char *section)
{
    while (node && strcmp(node->name, section) != 0)
        node = node->next;
    return node;
}

size_t auth_config_count(const struct auth_config *config, const char *section)
{
    size_t count = 0;

    for (const struct auth_zpl *at = auth_config_next(config->zpl->child, section); at;
         at = auth_config_next(at->next, section))
        count++;
    return count;
}

static int check_metrics(const struct auth_zpl *root, struct auth_mistake *mistake)
{
    const struct auth_zpl *property = auth_zpl_find(root, "metrics");
    struct sockaddr_storage address;
    socklen_t size;

    if (!property)
        return 0;
    if (!auth_http_available())
        return auth_mistake_set(mistake, property->line, property->column, "metrics are not built in (libmicrohttpd)");
    if (auth_address_loopback(&address, &size, property->value) == 0)
        return 0;
    return auth_section_wrong(mistake, property, 0, "metrics are served on the loopback: 127.0.0.1:PORT or [::1]:PORT");
}

static int read_all(struct auth_config *config, struct auth_mistake *mistake)
{
    int rc = auth_section_check(config->zpl, root_properties, NULL, mistake);

    if (rc == 0)
        rc = check_metrics(config->zpl, mistake);
    if (rc == 0)
        rc = auth_config_read_services(config, mistake);
    if (rc == 0)
        rc = auth_config_read_domains(config, mistake);
    if (rc == 0)
        rc = auth_config_read_serve(config, mistake);
    if (rc < 0)
        return rc;
    config->audit = auth_section_text(config->zpl, "audit");
    config->metrics = auth_section_text(config->zpl, "metrics");
    return 0;
}

static int parse(struct auth_config **config, const char *file, const char *text, size_t size,
                 struct auth_mistake *mistake)
{
    struct counted *counted;
    int rc = -ENOMEM;

    memset(mistake, 0, sizeof *mistake);
    if (size > FILE_MAX)
        return auth_mistake_set(mistake, 0, 0, "larger than 1 MiB");
    counted = calloc(1, sizeof *counted);
    if (!counted)
        return -ENOMEM;
    atomic_init(&counted->references, 1);
    counted->file = strdup(file);
    counted->config.file = counted->file;
    if (counted->file)
        rc = auth_zpl_parse(&counted->config.zpl, text, size, mistake);
    if (rc == 0)
        rc = read_all(&counted->config, mistake);
    if (rc < 0)
        auth_config_release(&counted->config);
    else
        *config = &counted->config;
    return rc;
}

int auth_config_parse(struct auth_config **config, const char *text, size_t size, struct auth_mistake *mistake)
{
    return parse(config, "", text, size, mistake);
}

/* ---- files ---- */

/* As much as there is, up to room. */
static int read_file(int fd, char *text, size_t room, size_t *size)
{
    *size = 0;
    while (*size < room) {
        ssize_t count = read(fd, text + *size, room - *size);

        if (count == 0)
            break;
        if (count > 0)
            *size += (size_t)count;
        else if (errno != EINTR)
            return -errno;
    }
    return 0;
}

static int load(struct auth_config **config, const char *file, int fd, struct auth_mistake *mistake)
{
    struct stat status;
    char *text = NULL;
    size_t size;
    int rc;

    if (fstat(fd, &status) != 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return S_ISDIR(status.st_mode) ? -EISDIR : auth_mistake_set(mistake, 0, 0, "no regular file");
    text = malloc(FILE_MAX + 1);
    if (!text)
        return -ENOMEM;
    rc = read_file(fd, text, FILE_MAX + 1, &size);
    if (rc == 0)
        rc = parse(config, file, text, size, mistake);
    sodium_memzero(text, FILE_MAX + 1); /* URLs may hold passwords */
    free(text);
    return rc;
}

int auth_config_load(struct auth_config **config, const char *file, struct auth_mistake *mistake)
{
    int fd;
    int rc;

    (void)auth_mistake_set(mistake, 0, 0, "it cannot be read");
    fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    rc = load(config, file, fd, mistake);
    (void)close(fd);
    return rc;
}

/* ---- references ---- */

static struct counted *counted_of(struct auth_config *config)
{
    return (struct counted *)((char *)config - offsetof(struct counted, config));
}

static void free_domain(struct auth_domain *domain)
{
    free(domain->allow);
    free(domain->deny);
    for (int i = 0; i < AUTH_MECHANISMS; i++)
        free(domain->rules[i].backends);
}

static void free_config(struct counted *counted)
{
    struct auth_config *config = &counted->config;

    for (size_t i = 0; i < config->domain_count; i++)
        free_domain(&config->domains[i]);
    for (size_t i = 0; i < config->forward_count; i++)
        free(config->forwards[i].servers);
    free(config->domains);
    free(config->forwards);
    free(config->backends);
    auth_zpl_free(config->zpl);
    free(counted->file);
    free(counted);
}

struct auth_config *auth_config_hold(struct auth_config *config)
{
    (void)atomic_fetch_add_explicit(&counted_of(config)->references, 1, memory_order_relaxed);
    return config;
}

void auth_config_release(struct auth_config *config)
{
    if (config && atomic_fetch_sub_explicit(&counted_of(config)->references, 1, memory_order_acq_rel) == 1)
        free_config(counted_of(config));
}
