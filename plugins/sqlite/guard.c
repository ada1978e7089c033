/* guard.c - see guard.h. */
#include "guard.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define STEPS 1000 /* of SQLite's machine between two looks at the clock */

/* ---------------------------------------------------------------- actions */

enum { ALWAYS = 1, CHANGE, DESIGN, NEVER };

/* What is changed by query is found out otherwise (sqlite3_stmt_readonly): some virtual tables
 * compile statements that write even when they are only read. */
static const struct {
    uint8_t rule;
    const char *name;
} actions[] = {
    [SQLITE_CREATE_INDEX] = {DESIGN, "CREATE INDEX"},
    [SQLITE_CREATE_TABLE] = {DESIGN, "CREATE TABLE"},
    [SQLITE_CREATE_TEMP_INDEX] = {NEVER, "CREATE TEMP INDEX"},
    [SQLITE_CREATE_TEMP_TABLE] = {NEVER, "CREATE TEMP TABLE"},
    [SQLITE_CREATE_TEMP_TRIGGER] = {NEVER, "CREATE TEMP TRIGGER"},
    [SQLITE_CREATE_TEMP_VIEW] = {NEVER, "CREATE TEMP VIEW"},
    [SQLITE_CREATE_TRIGGER] = {DESIGN, "CREATE TRIGGER"},
    [SQLITE_CREATE_VIEW] = {DESIGN, "CREATE VIEW"},
    [SQLITE_DELETE] = {CHANGE, "DELETE"},
    [SQLITE_DROP_INDEX] = {DESIGN, "DROP INDEX"},
    [SQLITE_DROP_TABLE] = {DESIGN, "DROP TABLE"},
    [SQLITE_DROP_TEMP_INDEX] = {NEVER, "DROP INDEX"},
    [SQLITE_DROP_TEMP_TABLE] = {NEVER, "DROP TABLE"},
    [SQLITE_DROP_TEMP_TRIGGER] = {NEVER, "DROP TRIGGER"},
    [SQLITE_DROP_TEMP_VIEW] = {NEVER, "DROP VIEW"},
    [SQLITE_DROP_TRIGGER] = {DESIGN, "DROP TRIGGER"},
    [SQLITE_DROP_VIEW] = {DESIGN, "DROP VIEW"},
    [SQLITE_INSERT] = {CHANGE, "INSERT"},
    [SQLITE_PRAGMA] = {NEVER, "PRAGMA"},
    [SQLITE_READ] = {ALWAYS, "reading"},
    [SQLITE_SELECT] = {ALWAYS, "SELECT"},
    [SQLITE_TRANSACTION] = {NEVER, "BEGIN, COMMIT or ROLLBACK"},
    [SQLITE_UPDATE] = {CHANGE, "UPDATE"},
    [SQLITE_ATTACH] = {NEVER, "ATTACH or VACUUM"},
    [SQLITE_DETACH] = {NEVER, "DETACH"},
    [SQLITE_ALTER_TABLE] = {DESIGN, "ALTER TABLE"},
    [SQLITE_REINDEX] = {DESIGN, "REINDEX"},
    [SQLITE_ANALYZE] = {DESIGN, "ANALYZE"},
    [SQLITE_CREATE_VTABLE] = {DESIGN, "CREATE VIRTUAL TABLE"},
    [SQLITE_DROP_VTABLE] = {DESIGN, "DROP TABLE"},
    [SQLITE_FUNCTION] = {ALWAYS, "function"},
    [SQLITE_SAVEPOINT] = {NEVER, "SAVEPOINT"},
    [SQLITE_RECURSIVE] = {ALWAYS, "WITH RECURSIVE"},
};

enum {
    PLAIN = 1, /* allowed without an argument */
    ABOUT = 2, /* with one: it names what is asked about */
    TABLE = 4, /* that is a table: allowed if that table is shown */
    SET = 8,   /* execute may set it */
};
static const struct {
    const char *name;
    uint32_t flags;
} pragmas[] = {
    {"table_info", ABOUT | TABLE},
    {"table_xinfo", ABOUT | TABLE},
    {"index_list", ABOUT | TABLE},
    {"foreign_key_list", ABOUT | TABLE},
    {"table_list", PLAIN | ABOUT},
    {"index_info", ABOUT},
    {"index_xinfo", ABOUT},
    {"foreign_key_check", PLAIN | ABOUT},
    {"integrity_check", PLAIN | ABOUT},
    {"quick_check", PLAIN | ABOUT},
    {"application_id", PLAIN | SET},
    {"auto_vacuum", PLAIN},
    {"collation_list", PLAIN},
    {"compile_options", PLAIN},
    {"data_version", PLAIN},
    {"encoding", PLAIN},
    {"foreign_keys", PLAIN},
    {"freelist_count", PLAIN},
    {"function_list", PLAIN},
    {"max_page_count", PLAIN},
    {"module_list", PLAIN},
    {"optimize", SET},
    {"page_count", PLAIN},
    {"page_size", PLAIN},
    {"pragma_list", PLAIN},
    {"query_only", PLAIN},
    {"recursive_triggers", PLAIN},
    {"schema_version", PLAIN},
    {"user_version", PLAIN | SET},
};

static const char *const bad_functions[] = {"load_extension", "fts3_tokenizer", "sqlite_log"};
/* Raw pages, and the text of other people's statements. */
static const char *const bad_tables[] = {"sqlite_dbpage", "sqlite_stmt"};
/* Other modules may do anything when a table is made of them. */
static const char *const modules[] = {"fts3", "fts4", "fts5", "fts5vocab", "rtree", "rtree_i32"};
static const char *const free_tables[] = {"json_each", "json_tree"};

static bool is_among(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (sqlite3_stricmp(names[i], name) == 0)
            return true;
    }
    return false;
}
#define AMONG(table, name) is_among(table, sizeof(table) / sizeof(table)[0], name)

bool guard_shows(const sqlite_settings *settings, const char *table)
{
    return settings->tables.n == 0 || is_among(settings->tables.v, settings->tables.n, table);
}

static int refuse(guard *g, const char *what, const char *name, const char *why)
{
    if (!g->refused[0])
        snprintf(g->refused, sizeof g->refused, "%s%s%.80s is not allowed%s%s", what,
                 name ? " " : "", name ? name : "", why ? ": " : "", why ? why : "");
    return SQLITE_DENY;
}

static int check_pragma(guard *g, const char *name, const char *argument)
{
    uint32_t flags = 0;
    for (size_t i = 0; i < sizeof pragmas / sizeof pragmas[0]; i++) {
        if (sqlite3_stricmp(pragmas[i].name, name) == 0)
            flags = pragmas[i].flags;
    }
    /* With a list of tables, what tells of others as well is out. */
    if (g->settings->tables.n > 0 && (flags & (ABOUT | TABLE)) == ABOUT)
        flags = 0;
    if (g->mode == GUARD_EXECUTE && (flags & SET))
        return SQLITE_OK;
    if (!argument && (flags & PLAIN))
        return SQLITE_OK;
    if (argument && (flags & TABLE) && !guard_shows(g->settings, argument))
        return refuse(g, "PRAGMA", name, "this table is not shown");
    if (argument && (flags & ABOUT))
        return SQLITE_OK;
    return refuse(g, argument ? "setting PRAGMA" : "PRAGMA", name, NULL);
}

/* `within` is the view or trigger that does it. One that is listed may use what is not: it is the
 * operator's, since nobody makes any where there is a list. But SQLite gives the name of a common
 * table expression there as well, which is the client's, and may be that of a view; there is none
 * where the word that begins it does not occur. */
static int check_table(guard *g, const char *what, const char *table, const char *within)
{
    if (AMONG(bad_tables, table))
        return refuse(g, what, table, NULL);
    if (guard_shows(g->settings, table) || AMONG(free_tables, table))
        return SQLITE_OK;
    bool is_trusted = within && guard_shows(g->settings, within);
    if (is_trusted && !g->has_with)
        return SQLITE_OK;
    return refuse(g, what, table,
                  is_trusted ? "this table is not shown, nor to a view in a statement with WITH"
                             : "this table is not shown");
}

/* The authorizer. */
static int authorize(void *arg, int action, const char *a, const char *b, const char *database,
                     const char *within)
{
    guard *g = arg;
    if (g->mode == GUARD_OFF || g->mode == GUARD_OWN)
        return SQLITE_OK;
    if (action <= 0 || (size_t)action >= sizeof actions / sizeof actions[0] ||
        actions[action].rule == 0)
        return refuse(g, "this statement", NULL, NULL);
    const char *name = actions[action].name;
    switch (action) {
    case SQLITE_PRAGMA:
        return check_pragma(g, a, b);
    case SQLITE_FUNCTION:
        return AMONG(bad_functions, b) ? refuse(g, name, b, NULL) : SQLITE_OK;
    case SQLITE_CREATE_VTABLE:
        if (!AMONG(modules, b))
            return refuse(g, "a virtual table of the module", b, NULL);
        break;
    case SQLITE_READ:
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
        return check_table(g, name, a, within);
    default:
        break;
    }
    if (actions[action].rule == ALWAYS)
        return SQLITE_OK;
    if (actions[action].rule == NEVER)
        return refuse(g, name, NULL, NULL);
    if (actions[action].rule == DESIGN && database && sqlite3_stricmp(database, "temp") == 0)
        return refuse(g, name, "in temp", NULL);
    if (g->mode != GUARD_EXECUTE)
        return refuse(g, name, NULL, "query only reads");
    if (g->settings->tables.n > 0)
        return refuse(g, name, NULL, "the tables that may be used are listed");
    return SQLITE_OK;
}

/* ---------------------------------------------------------------- time and memory */

int64_t guard_clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The progress handler: not 0 ends the statement. What a statement needs besides the database (a
 * sort, the queue of a recursion) is kept in memory, so that it can be bounded here. */
static int look(void *arg)
{
    guard *g = arg;
    if (g->mode == GUARD_OFF)
        return 0;
    if (atomic_load_explicit(&g->cancelled, memory_order_relaxed))
        g->stopped = STOP_CANCELLED;
    else if (guard_clock_ms() > g->deadline_ms)
        g->stopped = STOP_TIME;
    else if (sqlite3_memory_used() > g->settings->max_memory)
        g->stopped = STOP_MEMORY;
    return g->stopped != STOP_NONE;
}

static bool has_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (; *text; text++) {
        if (sqlite3_strnicmp(text, word, (int)n) == 0)
            return true;
    }
    return false;
}

void guard_begin(guard *g, guard_mode mode, const char *sql, int64_t timeout_ms)
{
    g->mode = mode;
    g->has_with = has_word(sql, "with");
    g->deadline_ms = guard_clock_ms() + timeout_ms;
    g->stopped = STOP_NONE;
    g->refused[0] = '\0';
}

void guard_end(guard *g)
{
    g->mode = GUARD_OFF;
}

/* ---------------------------------------------------------------- installing */

int guard_install(guard *g, sqlite3 *db, const sqlite_settings *settings)
{
    static const struct {
        int what, value;
    } limits[] = {
        {SQLITE_LIMIT_ATTACHED, 0},           {SQLITE_LIMIT_COMPOUND_SELECT, 100},
        {SQLITE_LIMIT_EXPR_DEPTH, 200},       {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000},
        {SQLITE_LIMIT_SQL_LENGTH, 256 << 10}, {SQLITE_LIMIT_TRIGGER_DEPTH, 50},
        {SQLITE_LIMIT_VARIABLE_NUMBER, 1000}, {SQLITE_LIMIT_VDBE_OP, 250000},
        {SQLITE_LIMIT_WORKER_THREADS, 0},
    };
    static const struct {
        int what, value;
    } switches[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0},
        {SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_FKEY, 1},
    };
    g->settings = settings;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        sqlite3_limit(db, limits[i].what, limits[i].value);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, (int)settings->max_value);
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++) {
        int rc = sqlite3_db_config(db, switches[i].what, switches[i].value, NULL);
        if (rc != SQLITE_OK)
            return rc;
    }
    sqlite3_progress_handler(db, STEPS, look, g);
    return sqlite3_set_authorizer(db, authorize, g);
}
