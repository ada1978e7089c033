/* log.h - the host's log: one line an event, to stderr, as text or as JSON lines.
 *
 * Lines are written with one write(2) each, so lines of several threads never mix; a reader that
 * does not keep up costs lines, which are counted and reported, never time on the loop beyond one
 * non-blocking write. Control characters in text are escaped. Any thread.
 */
#ifndef GN_OBSERVE_LOG_H
#define GN_OBSERVE_LOG_H

#include "util/log.h"

/* A log on fd (borrowed). */
struct gn_log *gn_stderr_log_new(int fd, enum gn_level level, bool json);
void gn_stderr_log_configure(struct gn_log *log, enum gn_level level, bool json);
void gn_stderr_log_free(struct gn_log *log);

#endif
