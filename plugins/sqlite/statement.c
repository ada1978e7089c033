/* statement.c - see statement.h. */
#include "statement.h"

#include <stdio.h>
#include <string.h>

static void fail(statement *s, const char *message)
{
    s->outcome = FAILED;
    if (message != s->message)
        snprintf(s->message, sizeof s->message, "%s", message);
}

/* ---------------------------------------------------------------- what went wrong */

static void fail_stopped(statement *s)
{
    const sqlite_settings *settings = s->connection->settings;
    switch (s->connection->guard.stopped) {
    case STOP_TIME:
        s->outcome = FAILED;
        snprintf(s->message, sizeof s->message, "stopped: it took longer than %lld ms",
                 (long long)s->timeout_ms);
        break;
    case STOP_MEMORY:
        s->outcome = FAILED;
        snprintf(s->message, sizeof s->message,
                 "stopped: it needs too much memory (max_memory is %lld bytes)",
                 (long long)settings->max_memory);
        break;
    default:
        s->outcome = CANCELLED;
    }
}

/* SQLite's message, and where in the statement. */
static void fail_at(statement *s, sqlite3 *db)
{
    int at = sqlite3_error_offset(db);
    s->outcome = FAILED;
    if (at >= 0)
        snprintf(s->message, sizeof s->message, "%.500s (at byte %d of the statement)",
                 sqlite3_errmsg(db), at + 1);
    else
        snprintf(s->message, sizeof s->message, "%.500s", sqlite3_errmsg(db));
}

static void fail_with(statement *s, int rc)
{
    sqlite3 *db = s->connection->db;
    guard *g = &s->connection->guard;
    if (rc == SQLITE_BUSY_SNAPSHOT) {
        s->outcome = STALE;
        return;
    }
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        s->outcome = LOCKED;
        break;
    case SQLITE_INTERRUPT:
        fail_stopped(s);
        break;
    case SQLITE_TOOBIG:
        s->outcome = FAILED;
        snprintf(s->message, sizeof s->message,
                 "too large: a text or blob may have %lld bytes (max_value), a statement 262144",
                 (long long)s->connection->settings->max_value);
        break;
    case SQLITE_AUTH:
        fail(s, g->refused[0] ? g->refused : sqlite3_errmsg(db));
        break;
    default:
        /* What is refused while a view or a trigger is opened is told as an error of the schema. */
        if (g->refused[0])
            fail(s, g->refused);
        else
            fail_at(s, db);
    }
}

/* ---------------------------------------------------------------- compiling */

/* Nothing but comments and semicolons may follow. */
static bool is_alone(sqlite3 *db, const char *tail)
{
    while (*tail) {
        sqlite3_stmt *more = NULL;
        const char *next = tail;
        int rc = sqlite3_prepare_v2(db, tail, -1, &more, &next);
        sqlite3_finalize(more);
        if (rc != SQLITE_OK || more || next == tail)
            return false;
        tail = next;
    }
    return true;
}

static sqlite3_stmt *prepare(statement *s)
{
    sqlite3 *db = s->connection->db;
    sqlite3_stmt *compiled = NULL;
    const char *tail = s->sql;
    /* Comments and semicolons before it are statements too, of nothing. */
    for (const char *from = NULL; !compiled && *tail && tail != from;) {
        from = tail;
        int rc = sqlite3_prepare_v2(db, from, -1, &compiled, &tail);
        if (rc != SQLITE_OK) {
            fail_with(s, rc);
            return NULL;
        }
    }
    if (!compiled)
        fail(s, "there is no statement in it");
    else if (!is_alone(db, tail))
        fail(s, "more than one statement: give one at a time");
    else if (!s->execute && !sqlite3_stmt_readonly(compiled) && !sqlite3_stmt_isexplain(compiled))
        fail(s, s->connection->settings->write ? "query only reads: use execute to change something"
                                               : "this database is only read");
    else
        return compiled;
    sqlite3_finalize(compiled);
    return NULL;
}

/* ---------------------------------------------------------------- running */

static void fail_rows(statement *s, int why)
{
    s->outcome = FAILED;
    if (why == ROWS_NO_MEMORY)
        snprintf(s->message, sizeof s->message, "out of memory");
    else
        snprintf(s->message, sizeof s->message,
                 "a row is larger than %lld bytes (max_bytes): select less of it",
                 (long long)s->connection->settings->max_bytes);
}

/* A query ends when it has given enough. What changes something runs to its end: SQLite gives no
 * row before all is changed, but what was not fetched must not be undone. */
static void step_all(statement *s, sqlite3_stmt *compiled)
{
    size_t max_bytes = (size_t)s->connection->settings->max_bytes;
    int rc, taken = rows_begin(&s->rows, compiled);
    while (taken != ROWS_NO_MEMORY && taken != ROWS_TOO_BIG) {
        rc = sqlite3_step(compiled);
        if (rc == SQLITE_DONE)
            return;
        if (rc != SQLITE_ROW) {
            fail_with(s, rc);
            return;
        }
        if (taken == ROWS_OK)
            taken = rows_add(&s->rows, compiled, (size_t)s->max_rows, max_bytes);
        if (taken == ROWS_FULL && !s->execute)
            return;
    }
    fail_rows(s, taken);
}

static void run_one(statement *s)
{
    sqlite3 *db = s->connection->db;
    sqlite3_stmt *compiled = prepare(s);
    if (!compiled)
        return;
    const char *problem = parameters_bind(&s->params, compiled, s->message, sizeof s->message);
    if (problem) {
        fail(s, problem);
        sqlite3_finalize(compiled);
        return;
    }
    int64_t before = sqlite3_total_changes64(db);
    sqlite3_set_last_insert_rowid(db, 0);
    step_all(s, compiled);
    sqlite3_finalize(compiled);
    /* Those of this statement, without what its triggers did; another kind leaves the old count. */
    s->changes = sqlite3_total_changes64(db) == before ? 0 : sqlite3_changes64(db);
    s->last_rowid = sqlite3_last_insert_rowid(db);
    s->has_rowid = s->last_rowid != 0;
}

static void end_own(statement *s)
{
    int rc = s->outcome == DONE ? connection_run(s->connection, "COMMIT") : SQLITE_OK;
    if (rc != SQLITE_OK) {
        s->connection->guard.refused[0] = '\0';
        fail_with(s, rc);
    }
    if (connection_in_transaction(s->connection))
        connection_run(s->connection, "ROLLBACK");
}

int statement_run(void *arg)
{
    statement *s = arg;
    connection *c = s->connection;
    guard *g = &c->guard;
    s->outcome = DONE;
    s->in_transaction = false;
    rows_free(&s->rows);
    if (atomic_load_explicit(&g->cancelled, memory_order_relaxed)) {
        s->outcome = CANCELLED; /* told to stop before it began */
        return GANTRY_OK;
    }
    const char *problem = connection_open(c, s->message, sizeof s->message);
    if (problem) {
        fail(s, problem);
        return GANTRY_OK;
    }
    if (s->begin && !connection_in_transaction(c)) {
        int rc = connection_run(c, s->begin);
        if (rc != SQLITE_OK)
            fail_with(s, rc);
    }
    if (s->outcome == DONE) {
        guard_mode mode = s->is_own ? GUARD_OWN : s->execute ? GUARD_EXECUTE : GUARD_QUERY;
        guard_begin(g, mode, s->sql, s->timeout_ms);
        run_one(s);
        guard_end(g);
    }
    if (s->commit)
        end_own(s);
    s->in_transaction = connection_in_transaction(c);
    return GANTRY_OK;
}

void statement_interrupt(void *arg)
{
    const statement *s = arg;
    connection_interrupt(s->connection);
}
