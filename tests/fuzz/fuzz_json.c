/* fuzz_json.c - any bytes: the reader against jansson. Both accept them or both refuse, and what
 * they accept has the same values: types, integers, reals to the bit, strings byte for byte (NUL
 * included), members in order of first appearance with the value that came last. What was accepted
 * also means the same after it was written and read again, here and through jansson, and what can
 * be asked of it (order, equality, hash) agrees with itself.
 *
 * They differ in four points, and only there:
 * - Depth. Ours is the lower limit. It is refused as too big only if there are more brackets than
 *   the limit; jansson is not asked then, as it reads on where we stopped.
 * - Numbers: jansson refuses integers beyond 64 bits and reals beyond a double, we keep all digits.
 *   strtoll and strtod tell which those are; jansson reads a copy in which "0" stands for each.
 * - NUL bytes. No JSON text has one, so we must refuse; jansson overlooks one behind a number or a
 *   word ("0" NUL), so it is not asked.
 * - "\u0000" in a member name, which jansson cannot hold: it must refuse, and for that reason.
 */
#include "json/json.h"

#include "util/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STEPS 20000

static const gantry_json zero = {
    .type = GN_JSON_NUMBER, .flags = GN_JSON_INTEGER, .skip = 1, .len = 1, .text = "0"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* jansson holds no such number. */
static bool is_beyond(const gantry_json *number)
{
    char *text = gn_strndup(number->text, number->len);
    bool beyond;
    errno = 0;
    if (number->flags & GN_JSON_INTEGER) {
        long long integer = strtoll(text, NULL, 10);
        beyond = errno == ERANGE;
        int64_t ours = 0;
        gn_assert(gn_json_int(number, &ours) == !beyond);
        gn_assert(beyond || ours == integer);
    } else {
        double ours;
        beyond = isinf(strtod(text, NULL)) != 0;
        gn_assert(gn_json_num(number, &ours) == !beyond);
    }
    gn_free(text);
    return beyond;
}

/* Puts "0" and blanks where the numbers are that jansson refuses. `copy` is what `start` was. */
static void replace_beyond(const gantry_json *v, const char *start, char *copy)
{
    if (gn_json_type(v) == GN_JSON_NUMBER && is_beyond(v)) {
        char *number = copy + (v->text - start);
        memset(number, ' ', v->len);
        *number = '0';
    }
    for (const gantry_json *e = gn_json_next(v, NULL); e; e = gn_json_next(v, e))
        replace_beyond(e, start, copy);
}

static bool has_nul_name(const gantry_json *v)
{
    for (const gantry_json *e = gn_json_next(v, NULL); e; e = gn_json_next(v, e)) {
        size_t len;
        const char *name = gn_json_name(e, &len);
        if ((name && memchr(name, '\0', len)) || has_nul_name(e))
            return true;
    }
    return false;
}

static void check_same(const gantry_json *v, const json_t *other, bool same_notation);

static void check_same_number(const gantry_json *v, const json_t *other, bool same_notation)
{
    if (same_notation && is_beyond(v)) {
        gn_assert(json_is_integer(other) && json_integer_value(other) == 0);
        return;
    }
    if (same_notation)
        gn_assert(json_is_integer(other) == ((v->flags & GN_JSON_INTEGER) != 0));
    int64_t integer;
    double real, theirs = json_real_value(other);
    if (json_is_integer(other))
        gn_assert(gn_json_int(v, &integer) && integer == json_integer_value(other));
    else
        gn_assert(gn_json_num(v, &real) && memcmp(&real, &theirs, sizeof(real)) == 0);
}

static bool came_before(const gantry_json *object, const gantry_json *member)
{
    size_t len, other_len;
    const char *name = gn_json_name(member, &len);
    for (const gantry_json *m = NULL; (m = gn_json_next(object, m)) != member;) {
        const char *other = gn_json_name(m, &other_len);
        if (len == other_len && memcmp(name, other, len) == 0)
            return true;
    }
    return false;
}

static void check_same_object(const gantry_json *v, const json_t *other, bool same_notation)
{
    json_t *object = (json_t *)other; /* the iterator changes nothing */
    void *it = json_object_iter(object);
    for (const gantry_json *m = gn_json_next(v, NULL); m; m = gn_json_next(v, m)) {
        if (came_before(v, m))
            continue;
        size_t len;
        const char *name = gn_json_name(m, &len);
        gn_assert(it && json_object_iter_key_len(it) == len);
        gn_assert(memcmp(json_object_iter_key(it), name, len) == 0 && name[len] == '\0');
        check_same(gn_json_getn(v, name, len), json_object_iter_value(it), same_notation);
        it = json_object_iter_next(object, it);
    }
    gn_assert(!it);
}

static void check_same_array(const gantry_json *v, const json_t *other, bool same_notation)
{
    size_t i = 0;
    gn_assert(gn_json_count(v) == json_array_size(other));
    for (const gantry_json *e = gn_json_next(v, NULL); e; e = gn_json_next(v, e))
        check_same(e, json_array_get(other, i++), same_notation);
    gn_assert(i == json_array_size(other));
}

/* `other` is what jansson made of the same bytes (same_notation) or of the same value. */
static void check_same(const gantry_json *v, const json_t *other, bool same_notation)
{
    switch (json_typeof(other)) {
    case JSON_NULL:
        gn_assert(gn_json_type(v) == GN_JSON_NULL);
        break;
    case JSON_TRUE:
        gn_assert(gn_json_type(v) == GN_JSON_TRUE);
        break;
    case JSON_FALSE:
        gn_assert(gn_json_type(v) == GN_JSON_FALSE);
        break;
    case JSON_INTEGER:
    case JSON_REAL:
        gn_assert(gn_json_type(v) == GN_JSON_NUMBER);
        check_same_number(v, other, same_notation);
        break;
    case JSON_STRING: {
        size_t len = json_string_length(other);
        gn_assert(gn_json_type(v) == GN_JSON_STRING && v->len == len && v->text[len] == '\0');
        gn_assert(memcmp(v->text, json_string_value(other), len) == 0);
        gn_assert((gn_json_cstr(v) == NULL) == (memchr(v->text, '\0', len) != NULL));
        break;
    }
    case JSON_ARRAY:
        gn_assert(gn_json_type(v) == GN_JSON_ARRAY);
        check_same_array(v, other, same_notation);
        break;
    case JSON_OBJECT:
        gn_assert(gn_json_type(v) == GN_JSON_OBJECT);
        check_same_object(v, other, same_notation);
        break;
    }
}

/* v as jansson reads it (NULL if it cannot), checked against ours. `copy` is the text as it was. */
static void check_against_jansson(const gantry_json *v, char *copy, size_t size, const char *start)
{
    json_error_t error;
    replace_beyond(v, start, copy);
    json_t *theirs = json_loadb(copy, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (!theirs) {
        gn_assert(json_error_code(&error) == json_error_null_byte_in_key && has_nul_name(v));
        return;
    }
    gn_assert(!has_nul_name(v));
    check_same(v, theirs, true);
    struct gn_json_doc doc;
    gn_assert(gn_json_from_jansson(&doc, theirs, NULL) == 0);
    check_same(gn_json_root(&doc), theirs, false);
    gn_json_release(&doc);
    json_decref(theirs);
}

/* To a tree of jansson and back; NULL in the middle if a number is beyond a double. */
static void check_conversion(const gantry_json *v)
{
    json_t *tree = gn_json_to_jansson(v);
    if (!tree)
        return;
    struct gn_json_doc doc;
    gn_assert(gn_json_from_jansson(&doc, tree, NULL) == 0);
    check_same(gn_json_root(&doc), tree, false);
    gn_json_release(&doc);
    json_decref(tree);
}

/* Order, equality and hash of two values agree. */
static void check_pair(const gantry_json *a, const gantry_json *b)
{
    bool equal = gn_json_equal(a, b);
    gn_assert(equal == gn_json_equal(b, a));
    gn_assert(!equal || gn_json_hash(a, 1) == gn_json_hash(b, 1));
    if (gn_json_type(a) != GN_JSON_NUMBER || gn_json_type(b) != GN_JSON_NUMBER)
        return;
    int order = gn_json_compare(a, b);
    gn_assert(order == -gn_json_compare(b, a) && equal == (order == 0));
    double x, y; /* rounding keeps the order */
    if (gn_json_num(a, &x) && gn_json_num(b, &y) && (x < y || x > y))
        gn_assert(order == (x < y ? -1 : 1));
    uint64_t steps = STEPS;
    int multiple = gn_json_multiple_of(a, b, &steps);
    gn_assert(steps <= STEPS && (multiple == 0 || multiple == 1 || multiple == GN_ETOOBIG));
    if (equal && multiple != GN_ETOOBIG)
        gn_assert(multiple == (gn_json_compare(b, &zero) > 0));
}

static void check_pairs(const gantry_json *v)
{
    const gantry_json *before = v;
    for (const gantry_json *e = gn_json_next(v, NULL); e; e = gn_json_next(v, e)) {
        check_pair(e, before);
        check_pair(e, e);
        check_pairs(e);
        before = e;
    }
}

static void check_written(const gantry_json *v, size_t size)
{
    struct gn_buf out = GN_BUF_INIT(size * 6 + 16);
    struct gn_json_doc again;
    struct gn_json_limits limits = {.max_depth = GN_JSON_MAX_DEPTH};
    gn_assert(gn_json_write(&out, v) == 0);
    gn_assert(gn_json_parse_copy(&again, gn_buf_str(&out), out.len, &limits, NULL) == 0);
    check_pair(v, gn_json_root(&again));
    gn_assert(gn_json_equal(v, gn_json_root(&again)));
    gn_json_release(&again);
    gn_buf_release(&out);
}

static void check_refused(char *copy, size_t size, int code, const struct gn_error *err)
{
    gn_assert(err->code == code && err->text[0] != '\0');
    if (code == GN_ETOOBIG) {
        size_t open = 0;
        for (size_t i = 0; i < size; i++)
            open += copy[i] == '[' || copy[i] == '{';
        gn_assert(open > GN_JSON_MAX_DEPTH);
        return;
    }
    if (memchr(copy, '\0', size))
        return;
    json_t *theirs = json_loadb(copy, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    gn_assert(!theirs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Exactly as large as it must be, so that the sanitizer sees the end. */
    char *text = gn_malloc(size + 1), *copy = gn_malloc(size + 1);
    if (size) {
        memcpy(text, data, size);
        memcpy(copy, data, size);
    }
    text[size] = copy[size] = '\0';
    struct gn_json_doc doc;
    struct gn_json_limits limits = {.max_depth = GN_JSON_MAX_DEPTH};
    struct gn_error err = {0};
    int rc = gn_json_parse(&doc, text, size, &limits, &err);
    if (rc == 0) {
        const gantry_json *root = gn_json_root(&doc);
        gn_assert(!memchr(copy, '\0', size));
        check_against_jansson(root, copy, size, text);
        check_conversion(root);
        check_pairs(root);
        check_written(root, size);
    } else {
        gn_assert(!gn_json_root(&doc));
        check_refused(copy, size, rc, &err);
    }
    gn_json_release(&doc);
    gn_free(copy);
    gn_free(text);
    return 0;
}
