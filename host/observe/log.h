/* log.h - the host's log: one line an event, to standard error and to a file, as text or JSON.
 *
 * Lines are written with one write(2) each, so lines of several threads never mix; a reader that
 * does not keep up costs lines, which are counted and reported, never time on the loop beyond one
 * non-blocking write. Control characters in text are escaped. Any thread.
 */
#ifndef GN_OBSERVE_LOG_H
#define GN_OBSERVE_LOG_H

#include "config/config.h"

/* A log on fd (borrowed), with all else as it is by default. */
struct gn_log *gn_stderr_log_new(int fd, enum gn_level level, bool json);
/* Goes by what the configuration says from now on: levels, processors, outputs; opens log.file (if
 * it is open already: again). A file that cannot be opened: err says why, the one before stays, and
 * all else is done. [loop] */
int gn_stderr_log_configure(struct gn_log *log, const struct gn_config *config,
                            struct gn_error *err);
void gn_stderr_log_free(struct gn_log *log);

#endif
