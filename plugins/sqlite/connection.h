/* connection.h - one connection to the database. Blocking, but for what says otherwise; used by one
 * statement at a time. */
#ifndef SQLITE_CONNECTION_H
#define SQLITE_CONNECTION_H

#include "guard.h"

typedef struct connection {
    sqlite3 *db;             /* NULL until it is first used */
    struct connection *next; /* in the pool's list of those that are free */
    const sqlite_settings *settings;
    guard guard;
} connection;

/* Opens it unless it is open. NULL, or what went wrong; static or of the size given. */
const char *connection_open(connection *c, char *text, size_t size);
/* Not while a statement runs. */
void connection_close(connection *c);

/* Runs a statement of the plugin's own that gives no rows. An SQLite code. */
int connection_run(connection *c, const char *sql);
/* True inside of a transaction. Does not block. */
bool connection_in_transaction(const connection *c);

/* Ends what runs there, if it is a client's. From any thread. */
void connection_interrupt(connection *c);

#endif
