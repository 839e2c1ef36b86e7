/* SPDX-License-Identifier: ISC */

/* What the demo's programs share: reading certificates, reading the monitor, reporting to whoever started them. */

#ifndef DEMO_SUPPORT_H
#define DEMO_SUPPORT_H

#include <stddef.h>

#define KEY_TEXT_SIZE 41
#define LAST_TOPIC "goodbye"

/* Ends the program with a message and the reason that errno names, unless `ok`. */
void demo_check(int ok, const char *what);

/* Prints one line at once: who started the program reads it as an event. */
void demo_report(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Reports which libzmq is loaded, and its version. */
void demo_report_library(void);

/* Reads public-key or secret-key (the field) in Z85 from the certificate DIR/NAME.SUFFIX that curve_keygen wrote. */
void demo_read_key(const char *directory, const char *name, const char *suffix, const char *field,
                   char key[KEY_TEXT_SIZE]);

/* Watches the socket's connections: returns the PAIR socket at which its events arrive. */
void *demo_monitor(void *context, void *socket, const char *endpoint);

/* Takes one event from the monitor and reports it by name and value. */
void demo_report_event(void *monitor);

#endif
