/* builder.h - builds the plugin in a folder, and again whenever a source changes.
 *
 * A folder with a CMakeLists.txt is built by CMake into its build/; a folder with one .c file, or a
 * .c file, by the C compiler, into build/ beside it. The building runs on a thread of its own, so
 * that the host can go on serving; the host watches what comes out of it.
 */
#ifndef GANTRY_BUILDER_H
#define GANTRY_BUILDER_H

#include "cli.h"

struct gn_builder;

/* What to build. NULL with a message if there is nothing. prefix is where gantry is installed. */
struct gn_builder *gn_builder_new(const char *target, const char *prefix, struct gn_error *err);
/* Where the plugins appear: absolute, made if need be. Borrowed. */
const char *gn_builder_output(const struct gn_builder *b);
/* Builds once, with the compiler's output on standard error, and waits. True if it worked. */
bool gn_builder_run(struct gn_builder *b);
/* From here on builds at each change, on a thread. */
int gn_builder_start(struct gn_builder *b, struct gn_error *err);
/* Ends the thread (and a build that runs) and frees. NULL is fine. */
void gn_builder_free(struct gn_builder *b);

#endif
