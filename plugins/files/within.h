/* within.h - the folders that the client works in (MCP roots), where the operator wants files to
 * stay within them.
 *
 * The client names them as file: URIs; those that are no directory on this machine hold nothing.
 * What is opened is looked up again by its descriptor, so links and exchanged directories do not
 * lead out. Blocking.
 */
#ifndef FILES_WITHIN_H
#define FILES_WITHIN_H

#include "path.h"

#include <gantry.h>

#define WITHIN_MAX 64
/* What stands for an errno where something lies outside of those folders. */
#define WITHIN_OUTSIDE 100000

typedef struct {
    bool all; /* the operator does not ask for it: everything served is allowed */
    size_t n;
    const char *v[WITHIN_MAX]; /* real paths, in memory of the call */
} within;

/* Asks the client, if the operator wants it. [awaits] To be called before anything is done: the
 * handler may be run again with the answer (GANTRY_REPLAY). The code is to be passed on. */
int within_ask(gantry_call *call, bool is_wanted, within *ret);
/* fd itself, also if it is an error (-errno); -WITHIN_OUTSIDE where it lies outside: closed then.
 */
int within_keep(const within *w, int fd);
/* True if some folder of the client holds the root, or lies in it. */
bool within_has(const within *w, const root *r);
/* The client's folder i as a path below the root ("." for all of it); NULL: none of it is there. A
 * folder that lies in another one has none. */
const char *within_part(gantry_call *call, const within *w, const root *r, size_t i);

#endif
