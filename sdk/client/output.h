/* output.h - what the client writes to descriptors without disturbing the program it is part of:
 * never a SIGPIPE, never a wait; and text that others wrote, made fit for a line. */
#ifndef GN_CLIENT_OUTPUT_H
#define GN_CLIENT_OUTPUT_H

#include "util/buf.h"
#include "util/error.h"

#include <sys/types.h>

/* Opens a file that text is appended to, made with mode 0600. A descriptor of the caller's, which
 * does not block and is not inherited; or a negative GN_E code, with the path in err. */
int gn_output_open(const char *path, struct gn_error *err);
/* write(2), as often as interrupted; the signal that a pipe without a reader raises is not left to
 * the program. Bytes written, which may be fewer; or -errno. */
ssize_t gn_output_write(int fd, const char *data, size_t len);
/* Appends text with control characters, line ends and what is no UTF-8 written as \n, \t, \x1b, so
 * that it is one line and harmless on a terminal; at most max bytes, cut with "...". */
void gn_output_plain(struct gn_buf *out, const char *text, size_t len, size_t max);

#endif
