/* SPDX-License-Identifier: ISC */
/* The commands. Each says what it did, or what went wrong, and returns how the program ends. */
#ifndef IH_IRONAUTH_COMMANDS_H
#define IH_IRONAUTH_COMMANDS_H

#include "ironauth/options.h"

enum status command_init(const struct options *options);
enum status command_add(const struct options *options);
enum status command_remove(const struct options *options);
enum status command_passwd(const struct options *options);
enum status command_list(const struct options *options);
enum status command_check(const struct options *options);
enum status command_serve(const struct options *options);
enum status command_test(const struct options *options);

#endif
