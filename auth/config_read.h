/* SPDX-License-Identifier: ISC */
/* From the sections of a file to a configuration: config.c's inside. */
#ifndef IH_AUTH_CONFIG_READ_H
#define IH_AUTH_CONFIG_READ_H

#include "auth/config.h"

enum { AUTH_NAME_MAX = 63, AUTH_BACKENDS_MAX = 256, AUTH_FORWARDS_MAX = 64, AUTH_SERVERS_MAX = 16 };

/* Each fills its part of config from config->zpl, in this order. -EINVAL with the mistake; -ENOMEM. What was allocated is
 * config's, whatever is returned. */
int auth_config_read_services(struct auth_config *config, struct auth_mistake *mistake); /* back ends and forwards */
int auth_config_read_domains(struct auth_config *config, struct auth_mistake *mistake);
int auth_config_read_serve(struct auth_config *config, struct auth_mistake *mistake);

/* How many sections of this name there are; and the first at or behind node, NULL: none. */
size_t auth_config_count(const struct auth_config *config, const char *section);
const struct auth_zpl *auth_config_next(const struct auth_zpl *node, const char *section);

#endif
