/* schema.c - see schema.h. */
#include "schema.h"

#include "session.h"

#include <stdio.h>
#include <string.h>

#define MANY 1000     /* tables, columns, ... that are shown */
#define COUNT_MS 1000 /* how long counting a table's rows may take */
#define MAX_SUGGESTIONS 100

/* Tables and views, without what SQLite and its modules keep for themselves. */
#define LISTED                                                                                     \
    "FROM pragma_table_list l LEFT JOIN sqlite_schema s ON s.name = l.name "                       \
    "WHERE l.schema = 'main' AND l.type <> 'shadow' AND substr(l.name, 1, 7) <> 'sqlite_' "

/* ---------------------------------------------------------------- asking */

static const sqlite_settings *settings_of(gantry_call *call)
{
    return gantry_settings(gantry_self(call));
}

/* Runs a query of our own with one parameter (or none); its rows are to be freed, always. */
static int ask(gantry_call *call, const char *sql, const char *parameter, statement *st)
{
    struct parameter p = {
        .type = SQLITE_TEXT, .bytes = parameter, .n = parameter ? strlen(parameter) : 0};
    *st = (statement){.is_own = true,
                      .sql = sql,
                      .params = {.v = &p, .count = parameter != NULL},
                      .max_rows = MANY,
                      .timeout_ms = settings_of(call)->timeout};
    return session_run(call, st);
}

static const struct cell *cell_at(const rows *r, size_t row, size_t column)
{
    return &r->cells[row * r->columns + column];
}

static bool is_null(const rows *r, size_t row, size_t column)
{
    return cell_at(r, row, column)->type == SQLITE_NULL;
}

static int64_t integer_at(const rows *r, size_t row, size_t column)
{
    return cell_at(r, row, column)->as.integer;
}

/* In memory of the call; NULL for null. */
static const char *text_at(gantry_call *call, const rows *r, size_t row, size_t column)
{
    const struct cell *c = cell_at(r, row, column);
    if (c->type != SQLITE_TEXT)
        return NULL;
    return gantry_format(call, "%.*s", (int)c->n, c->n > 0 ? r->bytes + c->as.at : "");
}

static void put_text(gantry_call *call, gantry_builder *b, const char *name, const rows *r,
                     size_t row, size_t column)
{
    const char *text = text_at(call, r, row, column);
    if (text)
        gantry_put_string(b, name, text);
    else
        gantry_put_null(b, name);
}

/* An instance with a name of its own has it in all its URIs. */
static const char *uri_of(gantry_call *call, const char *table)
{
    static const char hex[] = "0123456789ABCDEF";
    const char *instance = gantry_instance(gantry_self(call));
    char *escaped = gantry_alloc(call, 3 * strlen(table) + 1);
    if (!escaped)
        return NULL;
    char *to = escaped;
    for (const char *p = table; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            strchr("-._~", c)) {
            *to++ = *p;
        } else {
            *to++ = '%';
            *to++ = hex[c >> 4];
            *to++ = hex[c & 15];
        }
    }
    bool is_first = strcmp(instance, "sqlite") == 0;
    return gantry_format(call, "sqlite://%s%stable/%s", is_first ? "" : instance,
                         is_first ? "" : "/", escaped);
}

static int answer(gantry_call *call, gantry_builder *b)
{
    const char *text = gantry_json_print(call, gantry_builder_end(b));
    return text ? gantry_text_add(call, text, strlen(text)) : GANTRY_ETOOBIG;
}

/* ---------------------------------------------------------------- all tables */

static void put_tables(gantry_call *call, gantry_builder *b, const rows *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const char *name = text_at(call, r, i, 0);
        if (!name || !guard_shows(settings_of(call), name))
            continue;
        const char *uri = uri_of(call, name);
        gantry_put_object(b, NULL);
        gantry_put_string(b, "name", name);
        put_text(call, b, "type", r, i, 1);
        gantry_put_string(b, "uri", uri ? uri : "");
        put_text(call, b, "sql", r, i, 2);
        gantry_put_close(b);
    }
}

int schema_read(gantry_call *call)
{
    statement st;
    int rc = ask(call, "SELECT l.name, l.type, s.sql " LISTED "ORDER BY l.name", NULL, &st);
    if (rc == GANTRY_OK) {
        gantry_builder *b = gantry_builder_new(call);
        gantry_put_object(b, NULL);
        gantry_put_bool(b, "writable", settings_of(call)->write);
        gantry_put_array(b, "tables");
        put_tables(call, b, &st.rows);
        gantry_put_close(b);
        gantry_put_bool(b, "truncated", st.rows.truncated);
        gantry_put_close(b);
        rc = answer(call, b);
    }
    rows_free(&st.rows);
    return rc;
}

/* ---------------------------------------------------------------- one table */

/* The integer that is a row's number is never null, though the table does not say so. */
static bool is_nullable(gantry_call *call, const rows *r, size_t row)
{
    const char *type = text_at(call, r, row, 1);
    bool is_number = integer_at(r, row, 4) > 0 && type && sqlite3_stricmp(type, "INTEGER") == 0;
    return integer_at(r, row, 2) == 0 && !is_number;
}

static int put_columns(gantry_call *call, gantry_builder *b, const char *table)
{
    statement st;
    int rc = ask(call,
                 "SELECT name, type, \"notnull\", dflt_value, pk, hidden "
                 "FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid",
                 table, &st);
    gantry_put_array(b, "columns");
    for (size_t i = 0; rc == GANTRY_OK && i < st.rows.count; i++) {
        gantry_put_object(b, NULL);
        put_text(call, b, "name", &st.rows, i, 0);
        put_text(call, b, "type", &st.rows, i, 1);
        gantry_put_bool(b, "nullable", is_nullable(call, &st.rows, i));
        if (!is_null(&st.rows, i, 3))
            put_text(call, b, "default", &st.rows, i, 3);
        if (integer_at(&st.rows, i, 4) > 0) /* which part of the key it is */
            gantry_put_int(b, "primary_key", integer_at(&st.rows, i, 4));
        if (integer_at(&st.rows, i, 5) > 1)
            gantry_put_bool(b, "generated", true);
        gantry_put_close(b);
    }
    gantry_put_close(b);
    rows_free(&st.rows);
    return rc;
}

/* Rows that tell of one thing stand behind each other: i is the first of another one. */
static bool is_first(const rows *r, size_t i, size_t column)
{
    if (i == 0)
        return true;
    const struct cell *a = cell_at(r, i, column), *b = cell_at(r, i - 1, column);
    return a->as.integer != b->as.integer;
}

static int put_indexes(gantry_call *call, gantry_builder *b, const char *table)
{
    statement st;
    int rc = ask(call,
                 "SELECT l.seq, l.name, l.\"unique\", l.origin, l.partial, i.name "
                 "FROM pragma_index_list(?) l, pragma_index_info(l.name) i ORDER BY l.seq, i.seqno",
                 table, &st);
    const rows *r = &st.rows;
    gantry_put_array(b, "indexes");
    for (size_t i = 0; rc == GANTRY_OK && i < r->count; i++) {
        const char *origin = text_at(call, r, i, 3);
        if (is_first(r, i, 0)) {
            gantry_put_object(b, NULL);
            put_text(call, b, "name", r, i, 1);
            gantry_put_bool(b, "unique", integer_at(r, i, 2) != 0);
            gantry_put_bool(b, "primary_key", origin && strcmp(origin, "pk") == 0);
            gantry_put_bool(b, "partial", integer_at(r, i, 4) != 0);
            gantry_put_array(b, "columns");
        }
        put_text(call, b, NULL, r, i, 5); /* null: an expression */
        if (i + 1 == r->count || is_first(r, i + 1, 0)) {
            gantry_put_close(b);
            gantry_put_close(b);
        }
    }
    gantry_put_close(b);
    rows_free(&st.rows);
    return rc;
}

static void put_key_columns(gantry_call *call, gantry_builder *b, const rows *r, size_t first,
                            const char *name, size_t column)
{
    gantry_put_array(b, name);
    for (size_t i = first; i < r->count && (i == first || !is_first(r, i, 0)); i++)
        put_text(call, b, NULL, r, i, column);
    gantry_put_close(b);
}

static int put_foreign_keys(gantry_call *call, gantry_builder *b, const char *table)
{
    statement st;
    int rc = ask(call,
                 "SELECT id, \"table\", \"from\", \"to\", on_update, on_delete "
                 "FROM pragma_foreign_key_list(?) ORDER BY id, seq",
                 table, &st);
    const rows *r = &st.rows;
    gantry_put_array(b, "foreign_keys");
    for (size_t i = 0; rc == GANTRY_OK && i < r->count; i++) {
        if (!is_first(r, i, 0))
            continue;
        gantry_put_object(b, NULL);
        put_key_columns(call, b, r, i, "columns", 2);
        put_text(call, b, "table", r, i, 1);
        put_key_columns(call, b, r, i, "references", 3); /* null: the primary key */
        put_text(call, b, "on_update", r, i, 4);
        put_text(call, b, "on_delete", r, i, 5);
        gantry_put_close(b);
    }
    gantry_put_close(b);
    rows_free(&st.rows);
    return rc;
}

/* Counting a large table takes its time: then its rows are not told. */
static int put_count(gantry_call *call, gantry_builder *b, const char *table)
{
    char *sql = sqlite3_mprintf("SELECT count(*) FROM \"%w\"", table);
    const char *copy = sql ? gantry_format(call, "%s", sql) : NULL;
    sqlite3_free(sql);
    if (!copy)
        return GANTRY_ETOOBIG;
    statement st = {.is_own = true, .sql = copy, .max_rows = 1, .timeout_ms = COUNT_MS};
    int rc = session_run(call, &st);
    if (rc == GANTRY_OK && st.rows.count == 1)
        gantry_put_int(b, "rows", integer_at(&st.rows, 0, 0));
    else
        gantry_put_null(b, "rows");
    rows_free(&st.rows);
    return rc == GANTRY_EFAILED ? GANTRY_OK : rc;
}

int schema_read_table(gantry_call *call, const char *name)
{
    statement st;
    int rc = ask(call, "SELECT l.name, l.type, s.sql " LISTED "AND l.name = ? COLLATE NOCASE", name,
                 &st);
    if (rc == GANTRY_OK && st.rows.count == 0)
        rc = GANTRY_ENOENT;
    const char *table = rc == GANTRY_OK ? text_at(call, &st.rows, 0, 0) : NULL;
    if (rc == GANTRY_OK && (!table || !guard_shows(settings_of(call), table)))
        rc = table ? GANTRY_ENOENT : GANTRY_ETOOBIG;
    if (rc == GANTRY_OK) {
        gantry_builder *b = gantry_builder_new(call);
        gantry_put_object(b, NULL);
        gantry_put_string(b, "name", table);
        put_text(call, b, "type", &st.rows, 0, 1);
        rc = put_columns(call, b, table);
        if (rc == GANTRY_OK)
            rc = put_indexes(call, b, table);
        if (rc == GANTRY_OK)
            rc = put_foreign_keys(call, b, table);
        if (rc == GANTRY_OK)
            rc = put_count(call, b, table);
        put_text(call, b, "sql", &st.rows, 0, 2);
        gantry_put_close(b);
        if (rc == GANTRY_OK)
            rc = answer(call, b);
    }
    rows_free(&st.rows);
    return rc;
}

/* ---------------------------------------------------------------- completion */

int schema_complete(gantry_call *call, const char *argument, const char *value)
{
    (void)argument; /* there is only one */
    statement st;
    int rc = ask(call,
                 "SELECT l.name " LISTED "AND substr(l.name, 1, length(?1)) = ?1 COLLATE NOCASE "
                 "ORDER BY l.name",
                 value, &st);
    int64_t total = 0;
    for (size_t i = 0; rc == GANTRY_OK && i < st.rows.count; i++) {
        const char *name = text_at(call, &st.rows, i, 0);
        if (!name || !guard_shows(settings_of(call), name))
            continue;
        if (++total <= MAX_SUGGESTIONS)
            rc = gantry_suggest(call, name);
    }
    if (rc == GANTRY_OK)
        rc = gantry_suggest_total(call, total);
    rows_free(&st.rows);
    return rc;
}
