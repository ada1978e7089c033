/* functions.c - see functions.h. */
#include "functions.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* ---------------------------------------------------------------- arguments */

typedef struct {
    const unsigned char *p;
    size_t n;
} bytes;

static bytes as_text(sqlite3_value *v)
{
    const unsigned char *p = sqlite3_value_text(v); /* first: the length is that of this form */
    return (bytes){p, (size_t)sqlite3_value_bytes(v)};
}

static bytes as_blob(sqlite3_value *v)
{
    const unsigned char *p = sqlite3_value_blob(v);
    return (bytes){p, (size_t)sqlite3_value_bytes(v)};
}

static bool is_null(sqlite3_value *v)
{
    return sqlite3_value_type(v) == SQLITE_NULL;
}

/* The first needle in the hay, or NULL. Looks at a piece at a time, a few times as long as what is
 * looked for: what comes after the first match is not even touched. */
static const unsigned char *find(bytes hay, bytes needle)
{
    size_t piece = needle.n < 64 ? 256 : 4 * needle.n;
    while (hay.n >= needle.n) {
        size_t n = hay.n < piece ? hay.n : piece;
        const unsigned char *found = memmem(hay.p, n, needle.p, needle.n);
        if (found || n == hay.n)
            return found;
        size_t step = n - needle.n + 1;
        hay.p += step;
        hay.n -= step;
    }
    return NULL;
}

/* ---------------------------------------------------------------- instr */

static int64_t count_characters(const unsigned char *p, size_t n)
{
    int64_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += (p[i] & 0xc0) != 0x80;
    return count;
}

/* The first occurrence, from 1; of two blobs in bytes, else in characters. */
static void instr(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    if (is_null(argv[0]) || is_null(argv[1]))
        return;
    bool blobs = sqlite3_value_type(argv[0]) == SQLITE_BLOB &&
                 sqlite3_value_type(argv[1]) == SQLITE_BLOB;
    bytes hay = blobs ? as_blob(argv[0]) : as_text(argv[0]);
    bytes needle = blobs ? as_blob(argv[1]) : as_text(argv[1]);
    if (needle.n == 0) {
        sqlite3_result_int(context, 1);
        return;
    }
    if (!hay.p || !needle.p) { /* empty, or no memory */
        sqlite3_result_int(context, 0);
        return;
    }
    const unsigned char *found = find(hay, needle);
    if (!found)
        sqlite3_result_int(context, 0);
    else if (blobs)
        sqlite3_result_int64(context, found - hay.p + 1);
    else
        sqlite3_result_int64(context, count_characters(hay.p, (size_t)(found - hay.p)) + 1);
}

/* ---------------------------------------------------------------- replace */

static size_t count_matches(bytes hay, bytes needle)
{
    size_t count = 0;
    const unsigned char *at;
    while ((at = find(hay, needle))) {
        count++;
        hay.n -= (size_t)(at - hay.p) + needle.n;
        hay.p = at + needle.n;
    }
    return count;
}

static void fill_replaced(unsigned char *to, bytes from, bytes what, bytes with)
{
    const unsigned char *at;
    while ((at = find(from, what))) {
        size_t before = (size_t)(at - from.p);
        memcpy(to, from.p, before);
        to += before;
        if (with.n > 0)
            memcpy(to, with.p, with.n);
        to += with.n;
        from.n -= before + what.n;
        from.p = at + what.n;
    }
    memcpy(to, from.p, from.n);
}

static void replace(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    bytes from = as_text(argv[0]), what = as_text(argv[1]);
    if (!from.p || !what.p)
        return; /* null */
    if (what.n == 0 || from.n == 0) {
        sqlite3_result_value(context, argv[0]);
        return;
    }
    bytes with = as_text(argv[2]);
    if (!with.p)
        return;
    size_t matches = count_matches(from, what);
    uint64_t size = from.n - matches * what.n + (uint64_t)matches * with.n;
    if (size >
        (uint64_t)sqlite3_limit(sqlite3_context_db_handle(context), SQLITE_LIMIT_LENGTH, -1)) {
        sqlite3_result_error_toobig(context);
        return;
    }
    unsigned char *out = sqlite3_malloc64(size + 1);
    if (!out) {
        sqlite3_result_error_nomem(context);
        return;
    }
    fill_replaced(out, from, what, with);
    sqlite3_result_text64(context, (char *)out, size, sqlite3_free, SQLITE_UTF8);
}

/* ---------------------------------------------------------------- trim */

#define MANY 64 /* characters to be trimmed: more than any honest statement names */

static size_t character_size(const unsigned char *p, size_t n)
{
    size_t size = 1;
    while (size < n && (p[size] & 0xc0) == 0x80)
        size++;
    return size;
}

typedef struct {
    size_t n;
    bytes v[MANY];
} characters;

static bool read_characters(bytes from, characters *ret)
{
    ret->n = 0;
    while (from.n > 0) {
        if (ret->n == MANY)
            return false;
        size_t size = character_size(from.p, from.n);
        ret->v[ret->n++] = (bytes){from.p, size};
        from.p += size;
        from.n -= size;
    }
    return true;
}

static bool begins_with(bytes text, bytes c)
{
    return c.n <= text.n && memcmp(text.p, c.p, c.n) == 0;
}

static bool ends_with(bytes text, bytes c)
{
    return c.n <= text.n && memcmp(text.p + text.n - c.n, c.p, c.n) == 0;
}

/* How many bytes the character takes that stands at that end of the text and is among them. */
static size_t match(bytes text, const characters *which, bool at_end)
{
    for (size_t i = 0; i < which->n; i++) {
        if (at_end ? ends_with(text, which->v[i]) : begins_with(text, which->v[i]))
            return which->v[i].n;
    }
    return 0;
}

enum { LEFT = 1, RIGHT = 2 };

static void trim(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    const int *sides = sqlite3_user_data(context);
    characters which = {.n = 1, .v = {{(const unsigned char *)" ", 1}}};
    bytes text = as_text(argv[0]);
    if (!text.p)
        return;
    if (argc == 2) {
        bytes set = as_text(argv[1]);
        if (!set.p)
            return;
        if (!read_characters(set, &which)) {
            sqlite3_result_error(context, "trim: more than 64 characters to be trimmed", -1);
            return;
        }
    }
    size_t n;
    while ((*sides & LEFT) && (n = match(text, &which, false)) > 0) {
        text.p += n;
        text.n -= n;
    }
    while ((*sides & RIGHT) && (n = match(text, &which, true)) > 0)
        text.n -= n;
    sqlite3_result_text64(context, (const char *)text.p, text.n, SQLITE_TRANSIENT, SQLITE_UTF8);
}

/* ---------------------------------------------------------------- all */

int functions_install(sqlite3 *db)
{
    static const int left = LEFT, right = RIGHT, both = LEFT | RIGHT;
    static const struct {
        const char *name;
        int arguments;
        void (*run)(sqlite3_context *context, int argc, sqlite3_value **argv);
        const int *data;
    } functions[] = {
        {"instr", 2, instr, NULL},  {"replace", 3, replace, NULL}, {"trim", 1, trim, &both},
        {"trim", 2, trim, &both},   {"ltrim", 1, trim, &left},     {"ltrim", 2, trim, &left},
        {"rtrim", 1, trim, &right}, {"rtrim", 2, trim, &right},
    };
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        int rc = sqlite3_create_function_v2(db, functions[i].name, functions[i].arguments,
                                            SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
                                            (void *)(uintptr_t)functions[i].data, functions[i].run,
                                            NULL, NULL, NULL);
        if (rc != SQLITE_OK)
            return rc;
    }
    return SQLITE_OK;
}
