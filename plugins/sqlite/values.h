/* values.h - from JSON to what is bound to a statement. */
#ifndef SQLITE_VALUES_H
#define SQLITE_VALUES_H

#include <gantry.h>

#include <sqlite3.h>

/* The parameters of a statement. Memory of the call. */
typedef struct {
    struct parameter {
        const char *name; /* without its sigil; NULL: by position */
        size_t name_n;
        int type; /* SQLITE_INTEGER, ... */
        int64_t integer;
        double real;
        const char *bytes; /* text and blob */
        size_t n;
    } * v;
    size_t count;
    bool named;
} parameters;

/* Reads an array or an object; NULL is none. Truth values become 1 and 0, {"$blob": base64} a blob.
 * GANTRY_OK, or the code of a gantry_fail() that names the parameter at fault. */
int parameters_read(gantry_call *call, const gantry_json *from, parameters *ret);

/* Binds them. NULL, or what does not fit; of the size given. Each parameter of the statement must
 * be given, and each that is given must be used. */
const char *parameters_bind(const parameters *params, sqlite3_stmt *statement, char *text,
                            size_t size);

/* Base64 with padding, n bytes into (n + 2) / 3 * 4 characters. */
void base64_write(char *to, const unsigned char *from, size_t n);

#endif
