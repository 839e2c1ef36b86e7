/* SPDX-License-Identifier: ISC */
/* What the program says: text for people, or one JSON object (--json). Text of others is shown without control characters. */
#ifndef IH_IRONAUTH_OUT_H
#define IH_IRONAUTH_OUT_H

#include "ironauth/options.h"

/* Text as it may be shown on a terminal; what may not is '?'. */
void out_text(const char *text);

/* A JSON string with its quotes; what is no UTF-8 is U+FFFD. */
void out_string(const char *text);

/* On standard error alone. */
void out_complain(const char *line);

/* Something went wrong: says so on standard error, and in JSON on standard output. Returns status. */
__attribute__((format(printf, 3, 4))) enum status out_failed(const struct options *options, enum status status,
                                                             const char *format, ...);
__attribute__((format(printf, 2, 3))) enum status out_usage(const struct options *options, const char *format, ...);

/* It is done: says so, unless the text is empty. */
__attribute__((format(printf, 2, 3))) enum status out_done(const struct options *options, const char *format, ...);

/* What an error of a back end means for the program's end, and in words. */
enum status out_status(int rc);
const char *out_reason(int rc);

/* The last call: STATUS_FAILED if standard output could not be written. */
enum status out_end(enum status status);

#endif
