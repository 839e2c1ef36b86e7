/* SPDX-License-Identifier: ISC */
/* Whole files. */
#ifndef IRONCHAT_FILE_H
#define IRONCHAT_FILE_H

#include <stddef.h>
#include <sys/stat.h>

/* Reads a file of at most max octets into memory of its own, with a NUL behind; the caller frees *data. status may be
 * NULL. The system's errors, -EFBIG. */
int chat_file_read(const char *path, size_t max, char **data, size_t *size, struct stat *status);

/* Writes a file anew, mode 0600: it is there whole or as it was before. status may be NULL. */
int chat_file_write(const char *path, const void *data, size_t size, struct stat *status);

int chat_write_all(int fd, const void *data, size_t size);

#endif
