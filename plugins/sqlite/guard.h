/* guard.h - what SQL may do: which actions, how large, how long. One for each connection.
 *
 * SQLite asks the guard about each action while it compiles a statement, and calls it all the time
 * while one runs. A statement that is refused or stopped leaves the reason here, for the client.
 */
#ifndef SQLITE_GUARD_H
#define SQLITE_GUARD_H

#include "settings.h"

#include <sqlite3.h>
#include <stdatomic.h>

typedef enum {
    GUARD_OFF,     /* what the plugin does between statements */
    GUARD_OWN,     /* a statement of the plugin's: anything, but not for ever */
    GUARD_QUERY,   /* a client's that changes nothing */
    GUARD_EXECUTE, /* a client's that may */
} guard_mode;

typedef enum { STOP_NONE, STOP_CANCELLED, STOP_TIME, STOP_MEMORY } guard_stop;

typedef struct {
    const sqlite_settings *settings;
    guard_mode mode;
    bool has_with;         /* the statement may name a query as it likes */
    int64_t deadline_ms;   /* of the statement that runs, by guard_clock_ms() */
    atomic_bool cancelled; /* set from another thread */
    guard_stop stopped;    /* why the progress handler ended the statement */
    char refused[200];     /* what the authorizer did not allow; empty: nothing */
} guard;

/* Puts the guard before a new connection: limits, switches, callbacks. The guard must outlive it.
 * An SQLite code. */
int guard_install(guard *g, sqlite3 *db, const sqlite_settings *settings);

/* Before and after one statement. */
void guard_begin(guard *g, guard_mode mode, const char *sql, int64_t timeout_ms);
void guard_end(guard *g);

/* True if clients may see the table or view. */
bool guard_shows(const sqlite_settings *settings, const char *table);

int64_t guard_clock_ms(void);

#endif
