/* state.h - the state folder: private copies, and what earlier probes found out.
 *
 * One process uses it at a time (a lock file); a second one with the same configuration gets a
 * temporary folder of its own. Copies that an earlier process left are removed when it is opened.
 * Verdicts are kept in a plain file, one a line, so that an unchanged plugin is not tried out again
 * at the next start. Only good ones are: a failure may have causes outside of the file. [loop]
 */
#ifndef GN_PLUGIN_STATE_H
#define GN_PLUGIN_STATE_H

#include "plugin/copy.h"

struct gn_state;

/* Opens `dir` (made if missing, absolute), or a temporary folder if it is NULL. When `dir` cannot
 * be used it is a temporary folder too, and err (code != 0) says why. NULL: not even that. */
struct gn_state *gn_state_open(const char *dir, struct gn_error *err);
void gn_state_close(struct gn_state *s); /* removes a temporary folder; NULL is fine */
const char *gn_state_path(const struct gn_state *s);

enum gn_verdict {
    GN_VERDICT_NONE = 0, /* not tried yet */
    GN_VERDICT_GOOD = 1,
    GN_VERDICT_LEAVES_KEYS = 2, /* with GOOD: leaves thread keys behind, so must not be unmapped */
};
/* What is known of this content with these settings: a set of enum gn_verdict. */
unsigned gn_state_verdict(const struct gn_state *s, const struct gn_hash *hash);
void gn_state_remember(struct gn_state *s, const struct gn_hash *hash, unsigned verdict);

#endif
