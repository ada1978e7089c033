/* connection.c - see connection.h. */
#include "connection.h"

#include "functions.h"

#include <stdio.h>

#define JOURNAL_KEPT (64 << 20) /* bytes that a journal may keep when it is done with */

static int run_pragma(sqlite3 *db, const char *name, const char *value)
{
    char *sql = sqlite3_mprintf("PRAGMA %s=%s", name, value);
    int rc = sql ? sqlite3_exec(db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    return rc;
}

/* How it keeps its files. Another process may have the database locked for a moment: what it has
 * not let us set this time is as it was. */
static int set_journal(sqlite3 *db, const sqlite_settings *settings)
{
    if (strcmp(settings->journal, "wal") != 0 || is_memory(settings))
        return SQLITE_OK;
    int rc = run_pragma(db, "journal_mode", "wal");
    return rc == SQLITE_BUSY ? SQLITE_OK : rc;
}

static int set_up(connection *c)
{
    const sqlite_settings *settings = c->settings;
    char number[32];
    sqlite3_extended_result_codes(c->db, 1);
    int rc = run_pragma(c->db, "temp_store", "memory");
    snprintf(number, sizeof number, "%d", JOURNAL_KEPT);
    if (rc == SQLITE_OK)
        rc = run_pragma(c->db, "journal_size_limit", number);
    if (rc == SQLITE_OK && settings->write)
        rc = set_journal(c->db, settings);
    if (rc == SQLITE_OK && settings->write && settings->max_database > 0) {
        sqlite3_stmt *page_size;
        rc = sqlite3_prepare_v2(c->db, "PRAGMA page_size", -1, &page_size, NULL);
        if (rc == SQLITE_OK && sqlite3_step(page_size) == SQLITE_ROW)
            snprintf(number, sizeof number, "%lld",
                     (long long)settings->max_database / sqlite3_column_int64(page_size, 0));
        sqlite3_finalize(page_size);
        if (rc == SQLITE_OK)
            rc = run_pragma(c->db, "max_page_count", number);
    }
    if (rc == SQLITE_OK)
        rc = functions_install(c->db);
    /* Reads the file for the first time: here it shows whether it is a database. */
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(c->db, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, NULL, NULL);
    if ((rc & 0xff) == SQLITE_BUSY)
        rc = SQLITE_OK; /* it is one, and somebody writes to it */
    if (rc == SQLITE_OK)
        rc = guard_install(&c->guard, c->db, settings);
    return rc;
}

static int open_flags(const sqlite_settings *settings)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    if (is_memory(settings))
        return flags | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    if (!settings->write)
        return flags | SQLITE_OPEN_READONLY;
    return flags | SQLITE_OPEN_READWRITE | (settings->create ? SQLITE_OPEN_CREATE : 0);
}

const char *connection_open(connection *c, char *text, size_t size)
{
    if (c->db)
        return NULL;
    int rc = sqlite3_open_v2(c->settings->database, &c->db, open_flags(c->settings), NULL);
    const char *why = NULL;
    if (rc == SQLITE_OK && !is_memory(c->settings) &&
        (sqlite3_db_readonly(c->db, "main") != 0) == c->settings->write) {
        why = c->settings->write ? "the file may not be written to" : "it is not read-only";
    } else if (rc == SQLITE_OK) {
        rc = set_up(c);
    }
    if (!why && rc == SQLITE_OK)
        return NULL;
    snprintf(text, size, "%s", why ? why : c->db ? sqlite3_errmsg(c->db) : sqlite3_errstr(rc));
    connection_close(c);
    return text;
}

void connection_close(connection *c)
{
    sqlite3_close(c->db);
    c->db = NULL;
}

int connection_run(connection *c, const char *sql)
{
    return sqlite3_exec(c->db, sql, NULL, NULL, NULL);
}

bool connection_in_transaction(const connection *c)
{
    return c->db && !sqlite3_get_autocommit(c->db);
}

void connection_interrupt(connection *c)
{
    atomic_store_explicit(&c->guard.cancelled, true, memory_order_relaxed);
    if (c->db)
        sqlite3_interrupt(c->db);
}
