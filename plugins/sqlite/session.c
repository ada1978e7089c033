/* session.c - see session.h. */
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Innermost: what a middleware further out tries again is a transaction each time. */
#define PRIORITY 1000000
#define SHIELD_MS 5000
#define PAUSE_MAX_MS 50

typedef struct {
    pool *pool;
    connection *connection; /* NULL: nothing has been asked yet */
    bool is_reader;         /* the connection is one of those to read with */
    bool is_writer;         /* has the permit */
    bool is_shared;         /* by all statements of a request; else it is of one */
    bool open;              /* the request's handler runs */
    bool begun, wrote;
    bool busy;        /* a statement is under way */
    bool is_held;     /* the request may not be parked (gantry_no_park) */
    char broken[700]; /* why SQLite has rolled it back; empty: it has not */
} session;

/* ---------------------------------------------------------------- the end of a transaction */

typedef struct {
    connection *connection;
    const char *sql;
    int rc;
    char message[300];
} ending;

static int run_ending(void *arg)
{
    ending *e = arg;
    e->rc = connection_run(e->connection, e->sql);
    snprintf(e->message, sizeof e->message, "%.200s", sqlite3_errmsg(e->connection->db));
    return GANTRY_OK;
}

static void release(session *s)
{
    if (s->is_reader)
        pool_give_reader(s->pool, s->connection);
    if (s->is_writer)
        pool_give_writer(s->pool);
    s->connection = NULL;
    s->is_reader = s->is_writer = s->begun = false;
}

/* Undoes all, in any case. A worker does it, so that the loop need not wait for the disk; but not
 * to do it at all is worse than to do it here. */
static void roll_back(gantry_call *call, session *s)
{
    ending e = {.connection = s->connection, .sql = "ROLLBACK"};
    if (connection_in_transaction(s->connection)) {
        if (call && s->wrote && gantry_cancelled(call))
            gantry_shield(call, SHIELD_MS);
        if (!call || !s->wrote || gantry_work(call, run_ending, &e) != GANTRY_OK)
            run_ending(&e);
    }
    release(s);
}

/* GANTRY_OK; GANTRY_ECANCELED: not done; or *e says why it failed. Somebody who reads may be in the
 * way for a moment, unless the journal is a write-ahead log. */
static int commit(gantry_call *call, session *s, ending *e)
{
    int64_t until = guard_clock_ms() + s->pool->settings->busy_timeout;
    uint32_t pause = 1;
    *e = (ending){.connection = s->connection, .sql = "COMMIT"};
    for (;;) {
        int rc = gantry_work(call, run_ending, e);
        if (rc == GANTRY_OK && (e->rc & 0xff) != SQLITE_BUSY)
            return GANTRY_OK;
        if ((rc && rc != GANTRY_EBUSY) || guard_clock_ms() >= until)
            return rc;
        rc = gantry_sleep(call, pause);
        if (rc)
            return rc;
        pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
    }
}

/* Commits what a request has done that gave a result. */
static int finish(gantry_call *call, session *s)
{
    ending e;
    if (s->broken[0]) {
        roll_back(call, s);
        return gantry_fail(call, "nothing was changed, since the transaction was undone: %s",
                           s->broken);
    }
    if (!s->wrote) { /* ends at once, without any disk */
        roll_back(call, s);
        return GANTRY_OK;
    }
    int rc = commit(call, s, &e);
    if (rc || e.rc != SQLITE_OK) {
        roll_back(call, s);
        return rc == GANTRY_ECANCELED
                   ? rc
                   : gantry_fail(call, "nothing was changed, since it could not be committed: %s",
                                 rc ? "too much at once" : e.message);
    }
    release(s);
    return GANTRY_OK;
}

/* ---------------------------------------------------------------- the middleware */

static void destroy(void *value)
{
    session *s = value;
    if (s->connection) /* nobody has ended it */
        roll_back(NULL, s);
    free(s);
}

static const gantry_var current = GANTRY_VAR("sqlite.session", GANTRY_VALUE_POINTER,
                                             .flags = GANTRY_VAR_NESTED, .destroy = destroy);

static int make_session(gantry_call *call, session **ret)
{
    session *s = calloc(1, sizeof *s);
    if (!s)
        return GANTRY_ETOOBIG;
    *s = (session){.pool = gantry_state(gantry_self(call)), .is_shared = true, .open = true};
    int rc = gantry_set_pointer(call, &current, s);
    if (rc)
        free(s);
    *ret = s;
    return rc;
}

/* Calls that a handler makes join the transaction of the request. */
static int around_call(gantry_call *call)
{
    session *s = gantry_get_pointer(call, &current);
    if (s && s->open)
        return gantry_next(call);
    int rc = make_session(call, &s);
    if (rc)
        return rc;
    rc = gantry_next(call);
    s->open = false;
    if (s->is_held)
        gantry_no_park(call, false);
    if (s->busy) /* of a call that nobody waits for any more: it cleans up itself */
        return rc ? rc : gantry_fail(call, "nothing was changed: a statement was still running");
    if (!s->connection)
        return rc;
    if (rc == GANTRY_OK)
        return finish(call, s);
    roll_back(call, s);
    return rc;
}

const gantry_middleware session_middleware = {
    .size = sizeof(gantry_middleware),
    .name = "transaction",
    .priority = PRIORITY,
    .hooks = GANTRY_ON_CALL_TOOL | GANTRY_ON_READ_RESOURCE | GANTRY_ON_GET_PROMPT,
    .run = around_call,
};

/* ---------------------------------------------------------------- statements */

/* What it needs: the permit first, so that nobody holds a connection while he waits for it (but for
 * one who has begun to read). */
static int take(gantry_call *call, session *s, bool writes)
{
    pool *p = s->pool;
    bool needs_permit = writes || p->count == 1;
    if (needs_permit && !s->is_writer) {
        int rc = pool_take_writer(call, p);
        if (rc)
            return rc;
        s->is_writer = true;
    }
    if (!s->connection && s->is_writer) {
        s->connection = p->reserved;
    } else if (!s->connection) {
        int rc = pool_take_reader(call, p, &s->connection);
        if (rc)
            return rc;
        s->is_reader = true;
    }
    return pool_open(call, s->connection);
}

/* Runs it, again while another process has the database locked. */
static int run_patiently(gantry_call *call, statement *st)
{
    int64_t until = guard_clock_ms() + st->connection->settings->busy_timeout;
    uint32_t pause = 1;
    for (;;) {
        atomic_store(&st->connection->guard.cancelled, false);
        int rc = gantry_work_interruptible(call, statement_run, statement_interrupt, st);
        bool again = rc == GANTRY_EBUSY || (rc == GANTRY_OK && st->outcome == LOCKED);
        if (!again || guard_clock_ms() >= until)
            return rc;
        rc = gantry_sleep(call, pause);
        if (rc)
            return rc;
        pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
    }
}

static int judge(gantry_call *call, const statement *st)
{
    switch (st->outcome) {
    case DONE:
        return GANTRY_OK;
    case LOCKED:
        return gantry_fail(call, "the database is locked by somebody else: try again later");
    case STALE:
        return gantry_fail(call, "others have changed the database since this request began to "
                                 "read it: try again");
    case CANCELLED:
        return GANTRY_ECANCELED;
    default:
        return gantry_fail(call, "%s", st->message);
    }
}

static int run_in(gantry_call *call, session *s, statement *st)
{
    const sqlite_settings *settings = s->pool->settings;
    bool immediate = s->is_shared && settings->write && strcmp(settings->begin, "immediate") == 0;
    bool writes = st->execute || immediate;
    int rc = take(call, s, writes);
    if (rc)
        return rc;
    st->connection = s->connection;
    if (!s->begun && (s->is_shared || st->execute))
        st->begin = writes ? "BEGIN IMMEDIATE" : "BEGIN";
    st->commit = st->execute && !s->is_shared;
    bool had_written = s->begun && s->wrote;
    rc = run_patiently(call, st);
    if (rc)
        return rc;
    s->begun = st->in_transaction;
    s->wrote = s->wrote || (st->execute && s->begun);
    if (had_written && !s->begun) /* SQLite does so when a change is interrupted, for one */
        snprintf(s->broken, sizeof s->broken, "%s",
                 st->outcome == FAILED ? st->message : "a statement was interrupted");
    return judge(call, st);
}

/* Reading for a client that asks for nothing else needs no transaction. */
static bool stands_alone(gantry_call *call, const session *s, const statement *st)
{
    return !s || !s->open || (!st->execute && !s->connection && gantry_depth(call) == 0);
}

int session_run(gantry_call *call, statement *st)
{
    session own = {.pool = gantry_state(gantry_self(call))};
    session *s = gantry_get_pointer(call, &current);
    if (stands_alone(call, s, st)) {
        int rc = run_in(call, &own, st);
        if (own.connection && connection_in_transaction(own.connection))
            roll_back(call, &own);
        else
            release(&own);
        return rc;
    }
    if (s->busy)
        return gantry_fail(call, "another statement of this request is still running");
    if (s->broken[0])
        return gantry_fail(call, "the transaction of this request was undone: %s", s->broken);
    if (!s->is_held) /* no transaction stays open while nobody is connected */
        s->is_held = gantry_no_park(call, true) == GANTRY_OK;
    s->busy = true;
    int rc = run_in(call, s, st);
    s->busy = false;
    if (!s->open) { /* the request has ended without us */
        if (s->connection)
            roll_back(call, s);
        else
            release(s);
    }
    return rc;
}
