/* rows.c - see rows.h. */
#include "rows.h"

#include "values.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELL_WEIGHT 8 /* what a value takes in a result at least, about */

/* ---------------------------------------------------------------- taking */

int rows_begin(rows *r, sqlite3_stmt *statement)
{
    *r = (rows){.columns = (size_t)sqlite3_column_count(statement)};
    r->names = calloc(r->columns + 1, sizeof *r->names);
    if (!r->names)
        return ROWS_NO_MEMORY;
    for (size_t i = 0; i < r->columns; i++) {
        const char *name = sqlite3_column_name(statement, (int)i);
        r->names[i] = name ? strdup(name) : NULL;
        if (!r->names[i])
            return ROWS_NO_MEMORY;
        r->weight += strlen(name);
    }
    return ROWS_OK;
}

static size_t weigh(sqlite3_stmt *statement, size_t columns)
{
    size_t weight = 0;
    for (int i = 0; i < (int)columns; i++) {
        int type = sqlite3_column_type(statement, i);
        size_t n = type == SQLITE_TEXT || type == SQLITE_BLOB
                       ? (size_t)sqlite3_column_bytes(statement, i)
                       : 0;
        weight += CELL_WEIGHT + (type == SQLITE_BLOB ? n / 3 * 4 : n);
    }
    return weight;
}

/* Room for n more; by doubling. */
static bool grow(void **p, size_t *size, size_t used, size_t n, size_t each)
{
    size_t want = *size ? *size : 64;
    while (want < used + n)
        want *= 2;
    if (want == *size)
        return true;
    void *more = realloc(*p, want * each);
    if (!more)
        return false;
    *p = more;
    *size = want;
    return true;
}

static bool take(rows *r, struct cell *cell, sqlite3_stmt *statement, int i)
{
    *cell = (struct cell){.type = sqlite3_column_type(statement, i)};
    if (cell->type == SQLITE_INTEGER) {
        cell->as.integer = sqlite3_column_int64(statement, i);
    } else if (cell->type == SQLITE_FLOAT) {
        cell->as.real = sqlite3_column_double(statement, i);
    } else if (cell->type != SQLITE_NULL) {
        const void *p = cell->type == SQLITE_TEXT ? (const void *)sqlite3_column_text(statement, i)
                                                  : sqlite3_column_blob(statement, i);
        cell->n = (size_t)sqlite3_column_bytes(statement, i);
        cell->as.at = r->bytes_n;
        if (cell->n > 0 &&
            (!p || !grow((void **)&r->bytes, &r->bytes_size, r->bytes_n, cell->n, 1)))
            return false;
        if (cell->n > 0)
            memcpy(r->bytes + r->bytes_n, p, cell->n);
        r->bytes_n += cell->n;
    }
    return true;
}

int rows_add(rows *r, sqlite3_stmt *statement, size_t max_rows, size_t max_bytes)
{
    size_t weight = weigh(statement, r->columns);
    bool is_too_big = r->weight + weight > max_bytes;
    r->truncated = r->count >= max_rows || (is_too_big && r->count > 0);
    if (r->truncated)
        return ROWS_FULL;
    if (is_too_big)
        return ROWS_TOO_BIG;
    size_t used = r->count * r->columns;
    if (!grow((void **)&r->cells, &r->cells_size, used, r->columns, sizeof *r->cells))
        return ROWS_NO_MEMORY;
    for (size_t i = 0; i < r->columns; i++) {
        if (!take(r, &r->cells[used + i], statement, (int)i))
            return ROWS_NO_MEMORY;
    }
    r->weight += weight;
    r->count++;
    return ROWS_OK;
}

void rows_free(rows *r)
{
    for (size_t i = 0; r->names && i < r->columns; i++)
        free(r->names[i]);
    free(r->names);
    free(r->cells);
    free(r->bytes);
    *r = (rows){.columns = 0};
}

/* ---------------------------------------------------------------- as JSON */

static char *base64_of(gantry_call *call, const rows *r, const struct cell *cell, size_t *ret_n)
{
    *ret_n = (cell->n + 2) / 3 * 4;
    char *text = gantry_alloc(call, *ret_n + 1);
    if (text && cell->n > 0)
        base64_write(text, (const unsigned char *)r->bytes + cell->as.at, cell->n);
    return text;
}

static const char *bytes_of(const rows *r, const struct cell *cell)
{
    return cell->n > 0 ? r->bytes + cell->as.at : "";
}

/* JSON has no infinity. (And SQLite no NaN: it makes null of it.) */
static const char *infinity(double v)
{
    return v > 0 ? "Infinity" : "-Infinity";
}

static void put_blob(gantry_call *call, const rows *r, const struct cell *cell, gantry_builder *b)
{
    size_t n;
    const char *text = base64_of(call, r, cell, &n);
    gantry_put_object(b, NULL);
    gantry_put_stringn(b, "$blob", text, n); /* NULL makes an error of it */
    gantry_put_close(b);
}

static void put_cell(gantry_call *call, const rows *r, const struct cell *cell, gantry_builder *b)
{
    switch (cell->type) {
    case SQLITE_INTEGER:
        gantry_put_int(b, NULL, cell->as.integer);
        break;
    case SQLITE_FLOAT:
        if (isfinite(cell->as.real))
            gantry_put_num(b, NULL, cell->as.real);
        else
            gantry_put_string(b, NULL, infinity(cell->as.real));
        break;
    case SQLITE_TEXT:
        gantry_put_stringn(b, NULL, bytes_of(r, cell), cell->n);
        break;
    case SQLITE_BLOB:
        put_blob(call, r, cell, b);
        break;
    default:
        gantry_put_null(b, NULL);
    }
}

void rows_put(gantry_call *call, const rows *r, gantry_builder *b)
{
    gantry_put_array(b, "columns");
    for (size_t i = 0; i < r->columns; i++)
        gantry_put_string(b, NULL, r->names[i]);
    gantry_put_close(b);
    gantry_put_array(b, "rows");
    for (size_t row = 0; row < r->count; row++) {
        gantry_put_array(b, NULL);
        for (size_t i = 0; i < r->columns; i++)
            put_cell(call, r, &r->cells[row * r->columns + i], b);
        gantry_put_close(b);
    }
    gantry_put_close(b);
    gantry_put_bool(b, "truncated", r->truncated);
}

/* ---------------------------------------------------------------- as text */

typedef struct {
    char *p; /* memory of the call; NULL: only counted */
    size_t n;
} text;

static void add(text *t, const char *p, size_t n)
{
    if (t->p && n > 0)
        memcpy(t->p + t->n, p, n);
    t->n += n;
}

static void add_string(text *t, const char *s)
{
    add(t, s, strlen(s));
}

/* What would break the table is escaped: a line's end and the bar. */
static void add_plain(text *t, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '|' || p[i] == '\\')
            add(t, (char[]){'\\', p[i]}, 2);
        else if (p[i] == '\n')
            add_string(t, "\\n");
        else if (p[i] == '\r')
            add_string(t, "\\r");
        else
            add(t, &p[i], 1);
    }
}

static void add_cell(gantry_call *call, text *t, const rows *r, const struct cell *cell)
{
    char number[40];
    size_t n;
    const char *base64;
    switch (cell->type) {
    case SQLITE_INTEGER:
        snprintf(number, sizeof number, "%lld", (long long)cell->as.integer);
        add_string(t, number);
        break;
    case SQLITE_FLOAT:
        sqlite3_snprintf(sizeof number, number, "%!.15g", cell->as.real);
        add_string(t, isfinite(cell->as.real) ? number : infinity(cell->as.real));
        break;
    case SQLITE_TEXT:
        add_plain(t, bytes_of(r, cell), cell->n);
        break;
    case SQLITE_BLOB:
        n = (cell->n + 2) / 3 * 4;
        base64 = t->p ? base64_of(call, r, cell, &n) : NULL;
        add_string(t, "base64:");
        if (base64 || !t->p)
            add(t, base64, n);
        break;
    default:
        add_string(t, "NULL");
    }
}

static void add_table(gantry_call *call, text *t, const rows *r)
{
    for (size_t i = 0; i < r->columns; i++) {
        add_string(t, i ? " | " : "| ");
        add_plain(t, r->names[i], strlen(r->names[i]));
    }
    add_string(t, " |\n");
    for (size_t i = 0; i < r->columns; i++)
        add_string(t, i ? " | ---" : "| ---");
    add_string(t, " |\n");
    for (size_t row = 0; row < r->count; row++) {
        for (size_t i = 0; i < r->columns; i++) {
            add_string(t, i ? " | " : "| ");
            add_cell(call, t, r, &r->cells[row * r->columns + i]);
        }
        add_string(t, " |\n");
    }
}

int rows_text(gantry_call *call, const rows *r)
{
    text t = {NULL, 0};
    add_table(call, &t, r);
    char end[80];
    snprintf(end, sizeof end, "%s%zu row%s%s", r->count > 0 ? "\n" : "", r->count,
             r->count == 1 ? "" : "s", r->truncated ? "; there are more" : "");
    char *table = gantry_alloc(call, t.n + sizeof end);
    if (!table)
        return GANTRY_ETOOBIG;
    t = (text){table, 0};
    add_table(call, &t, r);
    add_string(&t, end);
    return gantry_text_add(call, t.p, t.n);
}
