/* rows.h - rows on their way from a worker thread to a result. */
#ifndef SQLITE_ROWS_H
#define SQLITE_ROWS_H

#include <gantry.h>

#include <sqlite3.h>

/* malloc'ed, bounded, and so made without a call. */
typedef struct {
    size_t columns, count;
    char **names;
    struct cell {
        int type; /* SQLITE_INTEGER, ... */
        union {
            int64_t integer;
            double real;
            size_t at; /* text and blob: in bytes */
        } as;
        size_t n;
    } * cells; /* count * columns */
    char *bytes;
    size_t cells_size, bytes_n, bytes_size;
    size_t weight; /* of all, to be held against max_bytes */
    bool truncated;
} rows;

enum { ROWS_OK, ROWS_FULL, ROWS_TOO_BIG, ROWS_NO_MEMORY };

/* Takes the names of the columns. ROWS_OK or ROWS_NO_MEMORY. */
int rows_begin(rows *r, sqlite3_stmt *statement);
/* Takes the row that the statement stands on. ROWS_FULL: it is one too many, or too large beside
 * the others: nothing was taken, and truncated is set. ROWS_TOO_BIG: it is too large by itself. */
int rows_add(rows *r, sqlite3_stmt *statement, size_t max_rows, size_t max_bytes);
void rows_free(rows *r);

/* Puts the members columns, rows and truncated into the open object. */
void rows_put(gantry_call *call, const rows *r, gantry_builder *b);
/* Adds them as a table in text, and what is to be said of it. GANTRY_OK, GANTRY_ETOOBIG. */
int rows_text(gantry_call *call, const rows *r);

#endif
