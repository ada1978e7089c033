/* session.h - the transaction of a request.
 *
 * The middleware puts an empty session into the scope of each request. The first statement of the
 * request gives it a connection and begins the transaction; those that follow, in whichever tool of
 * the request, go on in it, since the variable is inherited by the calls that a handler makes. When
 * the request's handler has returned, the middleware commits, or, unless there is a result, rolls
 * back. Loop thread only.
 */
#ifndef SQLITE_SESSION_H
#define SQLITE_SESSION_H

#include "pool.h"
#include "statement.h"

/* The middleware that makes requests transactions: to be added if the settings say so. */
extern const gantry_middleware session_middleware;

/* Runs a statement (sql, params, max_rows, timeout_ms and execute are filled in) in the transaction
 * of the request, or, where there is none, in one of its own. GANTRY_OK if it is done; or the code
 * of a gantry_fail(); or GANTRY_ECANCELED and others. statement->rows is to be freed, always.
 * [awaits] */
int session_run(gantry_call *call, statement *statement);

#endif
