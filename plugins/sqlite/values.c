/* values.c - see values.h. */
#include "values.h"

#include <stdio.h>
#include <string.h>

#define MANY 1000 /* parameters */

/* ---------------------------------------------------------------- base64 */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_write(char *to, const unsigned char *from, size_t n)
{
    for (; n > 2; n -= 3, from += 3, to += 4) {
        to[0] = digits[from[0] >> 2];
        to[1] = digits[(from[0] & 3) << 4 | from[1] >> 4];
        to[2] = digits[(from[1] & 15) << 2 | from[2] >> 6];
        to[3] = digits[from[2] & 63];
    }
    if (n > 0) {
        unsigned second = n > 1 ? from[1] : 0;
        to[0] = digits[from[0] >> 2];
        to[1] = digits[(from[0] & 3u) << 4 | second >> 4];
        to[2] = n > 1 ? digits[(second & 15) << 2] : '=';
        to[3] = '=';
    }
}

static int digit_of(char c)
{
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Strict: padded, nothing else in between, no bits lost. False: it is not Base64. */
static bool base64_read(unsigned char *to, const char *from, size_t n, size_t *ret_n)
{
    if (n % 4 != 0)
        return false;
    size_t out = 0;
    for (size_t i = 0; i < n; i += 4) {
        bool last = i + 4 == n;
        size_t pad = last
                         ? (from[i + 3] == '=') + (size_t)(from[i + 2] == '=' && from[i + 3] == '=')
                         : 0;
        uint32_t bits = 0;
        for (size_t k = 0; k < 4; k++) {
            int digit = k < 4 - pad ? digit_of(from[i + k]) : 0;
            if (digit < 0)
                return false;
            bits = bits << 6 | (uint32_t)digit;
        }
        if ((pad == 1 && (bits & 0xff)) || (pad == 2 && (bits & 0xffff)))
            return false;
        for (size_t k = 0; k < 3 - pad; k++)
            to[out++] = (unsigned char)(bits >> (16 - 8 * k));
    }
    *ret_n = out;
    return true;
}

/* ---------------------------------------------------------------- reading */

/* How a message calls it: "parameter 2" or "parameter name". */
static const char *called(gantry_call *call, const struct parameter *p, size_t index)
{
    return p->name ? gantry_format(call, "parameter %.100s", p->name)
                   : gantry_format(call, "parameter %zu", index + 1);
}

/* 1.0 is a number with a fraction, 1 is an integer, and neither becomes the other. */
static const char *read_number(gantry_call *call, const gantry_json *from, struct parameter *p)
{
    const char *text = gantry_json_print(call, from);
    if (!text)
        return "does not fit into memory";
    if (strpbrk(text, ".eE")) {
        p->type = SQLITE_FLOAT;
        return gantry_json_num(from, &p->real) ? "is no number" : NULL;
    }
    p->type = SQLITE_INTEGER;
    return gantry_json_int(from, &p->integer)
               ? "does not fit into 64 bits; give it as text, or with a fraction"
               : NULL;
}

static const char *read_blob(gantry_call *call, const gantry_json *from, struct parameter *p)
{
    size_t n;
    const char *text = gantry_json_string(gantry_json_get(from, "$blob"), &n);
    if (!text || gantry_json_count(from) != 1)
        return "is an object, but not {\"$blob\": \"...\"}; give JSON as text";
    unsigned char *bytes = gantry_alloc(call, n / 4 * 3 + 1);
    if (!bytes)
        return "does not fit into memory";
    p->type = SQLITE_BLOB;
    p->bytes = (const char *)bytes;
    return base64_read(bytes, text, n, &p->n) ? NULL : "is not Base64";
}

/* NULL, or what is wrong with it. */
static const char *read_value(gantry_call *call, const gantry_json *from, struct parameter *p)
{
    switch (gantry_json_type(from)) {
    case GANTRY_JSON_NULL:
        p->type = SQLITE_NULL;
        return NULL;
    case GANTRY_JSON_TRUE:
    case GANTRY_JSON_FALSE:
        p->type = SQLITE_INTEGER;
        p->integer = gantry_json_is_true(from);
        return NULL;
    case GANTRY_JSON_NUMBER:
        return read_number(call, from, p);
    case GANTRY_JSON_STRING:
        p->type = SQLITE_TEXT;
        p->bytes = gantry_json_string(from, &p->n);
        return NULL;
    case GANTRY_JSON_OBJECT:
        return read_blob(call, from, p);
    default:
        return "is an array; give JSON as text";
    }
}

/* Names may come with the sigil that they have in the statement. */
static void read_name(const gantry_json *member, struct parameter *p)
{
    p->name = gantry_json_name(member, &p->name_n);
    if (p->name_n > 0 && strchr(":@$", p->name[0])) {
        p->name++;
        p->name_n--;
    }
}

int parameters_read(gantry_call *call, const gantry_json *from, parameters *ret)
{
    *ret = (parameters){.named = gantry_json_type(from) == GANTRY_JSON_OBJECT};
    size_t count = gantry_json_count(from);
    if (count > MANY)
        return gantry_fail(call, "%zu parameters: %d are allowed", count, MANY);
    ret->v = gantry_alloc(call, (count + 1) * sizeof *ret->v);
    if (!ret->v)
        return GANTRY_ETOOBIG;
    const gantry_json *value = NULL;
    while ((value = gantry_json_next(from, value))) {
        struct parameter *p = &ret->v[ret->count];
        if (ret->named)
            read_name(value, p);
        const char *problem = read_value(call, value, p);
        if (problem)
            return gantry_fail(call, "%s %s", called(call, p, ret->count), problem);
        ret->count++;
    }
    return GANTRY_OK;
}

/* ---------------------------------------------------------------- binding */

static int bind(sqlite3_stmt *statement, int at, const struct parameter *p)
{
    switch (p->type) {
    case SQLITE_INTEGER:
        return sqlite3_bind_int64(statement, at, p->integer);
    case SQLITE_FLOAT:
        return sqlite3_bind_double(statement, at, p->real);
    case SQLITE_TEXT: /* the call's memory outlives the statement */
        return sqlite3_bind_text64(statement, at, p->bytes, p->n, SQLITE_STATIC, SQLITE_UTF8);
    case SQLITE_BLOB:
        return sqlite3_bind_blob64(statement, at, p->bytes, p->n, SQLITE_STATIC);
    default:
        return sqlite3_bind_null(statement, at);
    }
}

static const struct parameter *find(const parameters *params, const char *name)
{
    for (size_t i = 0; i < params->count; i++) {
        const struct parameter *p = &params->v[i];
        if (p->name_n == strlen(name) && memcmp(p->name, name, p->name_n) == 0)
            return p;
    }
    return NULL;
}

static bool is_used(const struct parameter *p, sqlite3_stmt *statement, int wanted)
{
    for (int at = 1; at <= wanted; at++) {
        const char *name = sqlite3_bind_parameter_name(statement, at);
        if (name && strlen(name + 1) == p->name_n && memcmp(name + 1, p->name, p->name_n) == 0)
            return true;
    }
    return false;
}

const char *parameters_bind(const parameters *params, sqlite3_stmt *statement, char *text,
                            size_t size)
{
    int wanted = sqlite3_bind_parameter_count(statement);
    for (size_t i = 0; params->named && i < params->count; i++) {
        if (is_used(&params->v[i], statement, wanted))
            continue;
        snprintf(text, size, "the statement has no parameter %.100s", params->v[i].name);
        return text;
    }
    if (!params->named && params->count != (size_t)wanted) {
        snprintf(text, size, "the statement has %d parameters, params has %zu", wanted,
                 params->count);
        return text;
    }
    for (int at = 1; at <= wanted; at++) {
        const char *name = sqlite3_bind_parameter_name(statement, at);
        const struct parameter *p = !params->named ? &params->v[at - 1]
                                    : name         ? find(params, name + 1)
                                                   : NULL;
        if (!p && name) {
            snprintf(text, size, "params lacks %.100s", name);
            return text;
        }
        if (!p)
            return "params is an object, but a parameter of the statement has no name";
        if (bind(statement, at, p) != SQLITE_OK) {
            snprintf(text, size, "parameter %d: %s", at,
                     sqlite3_errmsg(sqlite3_db_handle(statement)));
            return text;
        }
    }
    return NULL;
}
