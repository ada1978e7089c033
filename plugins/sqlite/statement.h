/* statement.h - one statement, from its text to its rows. */
#ifndef SQLITE_STATEMENT_H
#define SQLITE_STATEMENT_H

#include "connection.h"
#include "rows.h"
#include "values.h"

typedef enum {
    DONE,     /* rows, changes, last_rowid */
    FAILED,   /* message, for the client */
    LOCKED,   /* somebody has the database locked: nothing was done, try again */
    STALE,    /* it cannot write any more: others have, since this transaction began to read */
    CANCELLED /* interrupted */
} outcome;

/* What a worker needs, and what it found. Nothing of the call is used there but its memory. */
typedef struct {
    connection *connection;
    bool execute;      /* it may change something */
    bool is_own;       /* it is the plugin's */
    const char *begin; /* run first, unless in a transaction already: "BEGIN IMMEDIATE"; or NULL */
    bool commit;       /* if it succeeds; otherwise all of it is rolled back */
    const char *sql;
    parameters params;
    int64_t max_rows, timeout_ms;

    outcome outcome;
    char message[600];
    rows rows; /* to be freed, whatever the outcome */
    int64_t changes, last_rowid;
    bool has_rowid;
    bool in_transaction; /* afterwards */
} statement;

/* For gantry_work_interruptible(). GANTRY_OK, whatever became of it. */
int statement_run(void *arg);
void statement_interrupt(void *arg);

#endif
