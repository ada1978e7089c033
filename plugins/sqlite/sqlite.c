/* sqlite.c - a SQLite database: query it, change it (if allowed), see what is in it.
 *
 * A plugin of coroutines whose blocking pieces run on worker threads and can be told to stop, with
 * a middleware that makes every request one transaction. This file is what clients see; how a
 * statement runs is in statement.c, whose transaction it is in in session.c.
 *
 *     plugins:
 *       - plugin: sqlite
 *         settings: { database: /srv/shop.db, write: true }
 */
#include "schema.h"
#include "session.h"

#include <gantry.h>

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- settings */

#define GIB (1 << 30)

static const gantry_arg settings_args[] = {
    GANTRY_ARG(sqlite_settings, database, "The file, absolute; or :memory:", .length = {1, 4096}),
    GANTRY_ARG(sqlite_settings, write, "Offer the tool execute", .default_json = "false"),
    GANTRY_ARG(sqlite_settings, create, "Make the file if there is none", .default_json = "false"),
    GANTRY_ARG(sqlite_settings, transactions,
               "One transaction for all that a request does; if not set, as `write` is"),
    GANTRY_ARG(sqlite_settings, begin,
               "A transaction of several statements: takes the lock to write when it first writes, "
               "or at once, so that what it has read stays true",
               GANTRY_ONE_OF("deferred", "immediate"), .default_json = "\"deferred\""),
    GANTRY_ARG(sqlite_settings, journal,
               "With write: makes the journal a write-ahead log, or keeps it as it is",
               GANTRY_ONE_OF("wal", "keep"), .default_json = "\"wal\""),
    GANTRY_ARG(
        sqlite_settings, tables,
        "Only these tables, views and triggers exist for clients; nothing may be created then",
        .optional = 1, .length = {1, 1000}),
    GANTRY_ARG(sqlite_settings, connections, "How many read at the same time", .range = {1, 64},
               .default_json = "4"),
    GANTRY_ARG(sqlite_settings, timeout, "How long one statement may run, milliseconds",
               .range = {1, 600000}, .default_json = "5000"),
    GANTRY_ARG(sqlite_settings, busy_timeout,
               "How long to wait while another process has the database locked, milliseconds",
               .range = {0, 600000}, .default_json = "5000"),
    GANTRY_ARG(sqlite_settings, max_rows, "Rows of a result", .range = {1, 100000},
               .default_json = "1000"),
    GANTRY_ARG(sqlite_settings, max_bytes, "Bytes of a result", .range = {1024, 4 << 20},
               .default_json = "1048576"),
    GANTRY_ARG(sqlite_settings, max_value, "Bytes of a text or a blob that a statement touches",
               .range = {1024, GIB - 1}, .default_json = "16777216"),
    GANTRY_ARG(sqlite_settings, max_memory,
               "Bytes that SQLite may use, in all, before a statement that runs is stopped",
               .range = {1 << 20, 1e12}, .default_json = "268435456"),
    GANTRY_ARG(sqlite_settings, max_database, "Bytes that the database may grow to; 0: any",
               .range = {0, 1e15}, .default_json = "0"),
    GANTRY_ARGS_END,
};

static const sqlite_settings *settings_of(gantry_call *call)
{
    return gantry_settings(gantry_self(call));
}

/* ---------------------------------------------------------------- query */

typedef struct {
    const char *sql;
    const gantry_json *params;
    gantry_opt_int max_rows;
} query_in;

#define SQL_LENGTH                                                                                 \
    {                                                                                              \
        1, 262144                                                                                  \
    }
#define PARAMS "For ? an array, for :name @name $name an object. A blob is {\"$blob\": base64}"
#define PARAMS_SCHEMA "{\"type\": [\"array\", \"object\"]}"

static const gantry_arg query_args[] = {
    GANTRY_ARG(query_in, sql, "One statement: SELECT, WITH, EXPLAIN, VALUES or a PRAGMA that reads",
               .length = SQL_LENGTH),
    GANTRY_ARG(query_in, params, PARAMS, .optional = 1, .schema_json = PARAMS_SCHEMA),
    GANTRY_ARG(query_in, max_rows, "Stop after so many rows", .range = {1, 100000}),
    GANTRY_ARGS_END,
};

#define ROWS_PROPERTIES                                                                            \
    "\"columns\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}},"                       \
    "\"rows\": {\"type\": \"array\", \"description\": \"Values in the order of the columns\","     \
    "           \"items\": {\"type\": \"array\"}},"                                                \
    "\"truncated\": {\"type\": \"boolean\", \"description\": \"There are more rows\"}"

static int64_t row_limit(const sqlite_settings *settings, gantry_opt_int asked)
{
    return asked.set && asked.value < settings->max_rows ? asked.value : settings->max_rows;
}

/* The rows are freed here, whatever happens. */
static int answer_query(gantry_call *call, statement *st)
{
    gantry_builder *b = gantry_builder_new(call);
    gantry_put_object(b, NULL);
    rows_put(call, &st->rows, b);
    gantry_put_close(b);
    int rc = rows_text(call, &st->rows);
    rows_free(&st->rows);
    const gantry_json *value = gantry_builder_end(b);
    if (rc || !value)
        return GANTRY_ETOOBIG;
    return gantry_structured_json(call, value);
}

GANTRY_TOOL(query, query_in,
            "Read from the SQLite database with one SQL statement. The resource "
            "sqlite://schema tells what is in it",
            .title = "Query", .read_only = GANTRY_YES,
            .output_schema_json = "{\"type\": \"object\", \"properties\": {" ROWS_PROPERTIES "},"
                                  "\"required\": [\"columns\", \"rows\", \"truncated\"]}")
{
    const sqlite_settings *settings = settings_of(call);
    statement st = {.sql = in->sql,
                    .max_rows = row_limit(settings, in->max_rows),
                    .timeout_ms = settings->timeout};
    int rc = parameters_read(call, in->params, &st.params);
    if (rc == GANTRY_OK)
        rc = session_run(call, &st);
    if (rc == GANTRY_OK)
        return answer_query(call, &st);
    rows_free(&st.rows);
    return rc;
}

/* ---------------------------------------------------------------- execute */

typedef struct {
    const char *sql;
    const gantry_json *params;
} execute_in;

static const gantry_arg execute_args[] = {
    GANTRY_ARG(execute_in, sql, "One statement: INSERT, UPDATE, DELETE, CREATE, ALTER, DROP",
               .length = SQL_LENGTH),
    GANTRY_ARG(execute_in, params, PARAMS, .optional = 1, .schema_json = PARAMS_SCHEMA),
    GANTRY_ARGS_END,
};

static int answer_execute(gantry_call *call, statement *st)
{
    gantry_builder *b = gantry_builder_new(call);
    gantry_put_object(b, NULL);
    gantry_put_int(b, "changes", st->changes);
    if (st->has_rowid)
        gantry_put_int(b, "last_insert_rowid", st->last_rowid);
    int rc = gantry_text(call, "%lld row%s changed", (long long)st->changes,
                         st->changes == 1 ? "" : "s");
    if (st->rows.columns > 0) {
        rows_put(call, &st->rows, b);
        if (rc == GANTRY_OK)
            rc = rows_text(call, &st->rows);
    }
    gantry_put_close(b);
    rows_free(&st->rows);
    const gantry_json *value = gantry_builder_end(b);
    if (rc || !value)
        return GANTRY_ETOOBIG;
    return gantry_structured_json(call, value);
}

GANTRY_TOOL(execute, execute_in, "Change the SQLite database with one SQL statement",
            .title = "Execute", .read_only = GANTRY_NO, .destructive = GANTRY_YES,
            .output_schema_json =
                "{\"type\": \"object\", \"properties\": {"
                "\"changes\": {\"type\": \"integer\", \"description\": \"Rows that were changed\"},"
                "\"last_insert_rowid\": {\"type\": \"integer\"}," ROWS_PROPERTIES "},"
                "\"required\": [\"changes\"]}")
{
    const sqlite_settings *settings = settings_of(call);
    statement st = {.execute = true,
                    .sql = in->sql,
                    .max_rows = settings->max_rows,
                    .timeout_ms = settings->timeout};
    int rc = parameters_read(call, in->params, &st.params);
    if (rc == GANTRY_OK)
        rc = session_run(call, &st);
    if (rc == GANTRY_OK)
        return answer_execute(call, &st);
    rows_free(&st.rows);
    return rc;
}

/* ---------------------------------------------------------------- resources */

GANTRY_RESOURCE(schema, "sqlite://schema", "Tables and views, and the SQL that made them",
                .title = "Schema", .mime_type = "application/json")
{
    return schema_read(call);
}

typedef struct {
    const char *name;
} table_in;

static const gantry_arg table_args[] = {
    GANTRY_ARG(table_in, name, "Name of a table or a view"),
    GANTRY_ARGS_END,
};

GANTRY_TEMPLATE(table, table_in, "sqlite://table/{name}",
                "One table: columns, indexes, foreign keys, how many rows", .title = "Table",
                .mime_type = "application/json", .complete = schema_complete)
{
    return schema_read_table(call, in->name);
}

/* ---------------------------------------------------------------- the plugin */

static const char *check_settings(const sqlite_settings *settings)
{
    if (is_memory(settings) && !settings->write)
        return "database: one in memory is empty: set write";
    if (!is_memory(settings) && settings->database[0] != '/')
        return "database: give the file with its whole path, or :memory:";
    if (settings->create && !settings->write)
        return "create: works only with write";
    return NULL;
}

static int start(gantry_call *call, gantry_plugin *plugin)
{
    const sqlite_settings *settings = gantry_settings(plugin);
    const char *problem = check_settings(settings);
    if (problem)
        return gantry_fail(call, "%s", problem);
    pool *p;
    int rc = pool_new(call, plugin, &p);
    if (rc)
        return rc;
    bool transactions = settings->transactions.set ? settings->transactions.value : settings->write;
    if (settings->write)
        rc = gantry_add_tool(plugin, &execute_tool);
    if (rc == GANTRY_OK && transactions)
        rc = gantry_add_middleware(plugin, &session_middleware);
    if (rc) {
        pool_free(p);
        return rc;
    }
    gantry_set_state(plugin, p);
    return GANTRY_OK;
}

static void stop(gantry_plugin *plugin)
{
    pool_free(gantry_state(plugin));
}

GANTRY_PLUGIN("sqlite", "1.0.0", .description = "Query and change a SQLite database",
              .min_host_minor = 2, .tools = GANTRY_TOOLS(&query_tool),
              .resources = GANTRY_RESOURCES(&schema_resource),
              .templates = GANTRY_TEMPLATES(&table_template),
              GANTRY_SETTINGS(sqlite_settings, settings_args), .start = start, .stop = stop);
