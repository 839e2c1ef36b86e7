/* SPDX-License-Identifier: ISC */
/* Passwords from people: from the terminal without an echo, or from standard input. Never from the command line, which others
 * can read. */
#ifndef IH_IRONAUTH_PASSWORD_H
#define IH_IRONAUTH_PASSWORD_H

#include "auth/request.h"
#include "ironauth/options.h"

/* Memory for one password: locked where the system lets us, wiped by password_close. */
struct password {
    char text[AUTH_TEXT_MAX + 1];
};

/* twice: from the terminal it must be the same again. STATUS_DONE, or it has said what is wrong. */
enum status password_read(struct password *password, const struct options *options, bool twice);
void password_close(struct password *password);

#endif
