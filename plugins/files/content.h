/* content.h - what a file holds: reading it, telling text from bytes, its type and its URI. */
#ifndef FILES_CONTENT_H
#define FILES_CONTENT_H

#include <gantry.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads a whole regular file of at most max bytes: malloc'ed, NUL-terminated. NULL with errno set;
 * EFBIG: too large, EINVAL: not a regular file. Blocks. */
char *content_read(int fd, int64_t max, size_t *ret_n);

/* True if the bytes are UTF-8 without NUL: text, or a name that JSON can carry. */
bool is_utf8(const char *data, size_t n);

/* By the end of its name, else by whether it is text. Static text. */
const char *mime_of(const char *path, bool is_text);

/* The URI of ROOT/path, by which the template in files.c reads it. Memory of the call; NULL over
 * its limit. */
const char *uri_of(gantry_call *call, const char *path);

#endif
