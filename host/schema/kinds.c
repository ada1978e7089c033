/* kinds.c - the types of argument tables and the checks of single values. */
#include "schema/kinds.h"

#include "schema/format.h"
#include "schema/pattern.h"
#include "util/str.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define SAFE_INTEGER INT64_C(9007199254740991) /* largest that JavaScript counts exactly */

const struct gn_kind *gn_kind_of(uint32_t type)
{
    static const struct gn_kind kinds[] = {
        [GANTRY_T_STRING] = {"string", GN_TEXT, false, false, sizeof(const char *)},
        [GANTRY_T_STR] = {"string", GN_TEXT, false, false, sizeof(gantry_str)},
        [GANTRY_T_INT] = {"integer", GN_INTEGER, false, false, sizeof(int64_t)},
        [GANTRY_T_NUM] = {"number", GN_NUMBER, false, false, sizeof(double)},
        [GANTRY_T_BOOL] = {"boolean", GN_BOOLEAN, false, false, sizeof(bool)},
        [GANTRY_T_OPT_INT] = {"integer", GN_INTEGER, false, true, sizeof(gantry_opt_int)},
        [GANTRY_T_OPT_NUM] = {"number", GN_NUMBER, false, true, sizeof(gantry_opt_num)},
        [GANTRY_T_OPT_BOOL] = {"boolean", GN_BOOLEAN, false, true, sizeof(gantry_opt_bool)},
        [GANTRY_T_STRINGS] = {"array", GN_TEXT, true, false, sizeof(gantry_strings)},
        [GANTRY_T_INTS] = {"array", GN_INTEGER, true, false, sizeof(gantry_ints)},
        [GANTRY_T_NUMS] = {"array", GN_NUMBER, true, false, sizeof(gantry_nums)},
        [GANTRY_T_JSON] = {NULL, GN_ANY, false, false, sizeof(const gantry_json *)},
        [GANTRY_T_OBJECT] = {"object", GN_OBJECT, false, false, 0},
        [GANTRY_T_ARRAY] = {"array", GN_OBJECT, true, false, sizeof(gantry_strings)},
    };
    return type < GN_COUNT(kinds) && kinds[type].size + (kinds[type].json != NULL) > 0
               ? &kinds[type]
               : NULL;
}

const char *gn_basis_name(enum gn_basis basis)
{
    static const char *const names[] = {
        [GN_ANY] = NULL,        [GN_TEXT] = "string",     [GN_INTEGER] = "integer",
        [GN_NUMBER] = "number", [GN_BOOLEAN] = "boolean", [GN_OBJECT] = "object",
    };
    return names[basis];
}

static void describe_range(const struct gn_field *f, struct gn_buf *out)
{
    bool low = f->min > -INFINITY, high = f->max < INFINITY;
    if (low)
        gn_buf_adds(out, high ? " " : " of at least ");
    if (low)
        gn_json_write_num(out, f->min);
    if (high)
        gn_buf_adds(out, low ? " to " : " of at most ");
    if (high)
        gn_json_write_num(out, f->max);
}

static void describe_length(const struct gn_field *f, struct gn_buf *out)
{
    if (f->min_len > 0 && f->max_len > 0)
        gn_buf_addf(out, "%u to %u ", f->min_len, f->max_len);
    else if (f->min_len > 0)
        gn_buf_addf(out, "at least %u ", f->min_len);
    else
        gn_buf_addf(out, "at most %u ", f->max_len);
}

void gn_field_describe(const struct gn_field *f, struct gn_buf *out)
{
    const struct gn_kind *kind = gn_kind_of(f->type);
    const char *basis = gn_basis_name(kind->basis);
    bool length = f->min_len > 0 || f->max_len > 0;
    if (kind->array) {
        gn_buf_adds(out, "array of ");
        if (length)
            describe_length(f, out);
        gn_buf_addf(out, "%ss", basis);
    } else {
        gn_buf_adds(out, basis ? basis : "any value");
        if (length) {
            gn_buf_adds(out, " of ");
            describe_length(f, out);
            gn_buf_adds(out, "characters");
        }
    }
    describe_range(f, out);
}

/* Notes what the row expects of a single value, and what came. */
static bool refuse(const struct gn_field *f, const struct gn_path *at, struct gn_problems *p,
                   const char *got)
{
    struct gn_field single = *f;
    if (gn_kind_of(f->type)->array) {
        static const uint32_t of[] = {[GN_ANY] = GANTRY_T_JSON,     [GN_TEXT] = GANTRY_T_STRING,
                                      [GN_INTEGER] = GANTRY_T_INT,  [GN_NUMBER] = GANTRY_T_NUM,
                                      [GN_BOOLEAN] = GANTRY_T_BOOL, [GN_OBJECT] = GANTRY_T_OBJECT};
        single.type = of[gn_kind_of(f->type)->basis];
        single.min_len = single.max_len = 0;
    }
    struct gn_buf expected = GN_BUF_INIT(256);
    gn_field_describe(&single, &expected);
    gn_problems_at(p, at, "expected %s, got %s", gn_buf_str(&expected), got);
    gn_buf_release(&expected);
    return false;
}

bool gn_field_check_text(const struct gn_field *f, const char *s, size_t len,
                         const struct gn_path *at, struct gn_problems *p)
{
    char shown[GN_SHOWN_MAX];
    if (!gn_kind_of(f->type)->array && (f->min_len > 0 || f->max_len > 0)) {
        size_t chars = gn_utf8_count(s, len);
        if (chars < f->min_len || (f->max_len > 0 && chars > f->max_len)) {
            struct gn_buf got = GN_BUF_INIT(GN_SHOWN_MAX + 64);
            gn_buf_addf(&got, "%s (%zu)", gn_show_text(shown, s, len), chars);
            refuse(f, at, p, gn_buf_str(&got));
            gn_buf_release(&got);
            return false;
        }
    }
    if (f->one_of) {
        size_t i = 0;
        while (f->one_of[i] && (strlen(f->one_of[i]) != len || memcmp(f->one_of[i], s, len) != 0))
            i++;
        if (!f->one_of[i]) {
            gn_problems_choice(p, at, (const char *const *)f->one_of, s, len);
            return false;
        }
    }
    const struct gn_format *format = f->format ? gn_format_find(f->format) : NULL;
    if (format && !format->valid(s, len)) {
        gn_problems_at(p, at, "expected %s such as %s, got %s", format->name, format->example,
                       gn_show_text(shown, s, len));
        return false;
    }
    int matches = f->regex ? gn_pattern_match(f->regex, s, len) : 1;
    if (matches == 1)
        return true;
    if (matches == 0)
        gn_problems_at(p, at, "expected text that matches %s, got %s", f->pattern,
                       gn_show_text(shown, s, len));
    else
        gn_problems_at(p, at, "too long or too complex to compare with the pattern %s: %s",
                       f->pattern, gn_show_text(shown, s, len));
    return false;
}

/* Compares without turning v into a double, which would round it. */
static bool int_below(int64_t v, double bound)
{
    if (bound >= GN_INT64_END)
        return true;
    if (bound <= -GN_INT64_END)
        return false;
    int64_t whole = (int64_t)bound;
    return v < whole || (v == whole && (double)whole < bound);
}

static bool int_above(int64_t v, double bound)
{
    if (bound >= GN_INT64_END)
        return false;
    if (bound < -GN_INT64_END)
        return true;
    int64_t whole = (int64_t)bound;
    return v > whole || (v == whole && (double)whole > bound);
}

bool gn_field_check_int(const struct gn_field *f, int64_t v, const struct gn_path *at,
                        struct gn_problems *p)
{
    char got[32];
    if (int_below(v, f->min) || int_above(v, f->max)) {
        snprintf(got, sizeof(got), "%" PRId64, v);
        return refuse(f, at, p, got);
    }
    if (f->header && (v > SAFE_INTEGER || v < -SAFE_INTEGER)) {
        gn_problems_at(p, at, "expected integer of at most 2^53 - 1 either way, got %" PRId64, v);
        return false;
    }
    return true;
}

bool gn_field_check_num(const struct gn_field *f, double v, const struct gn_path *at,
                        struct gn_problems *p)
{
    if (!isfinite(v)) {
        gn_problems_at(p, at, "expected number, got one that is not finite");
        return false;
    }
    if (v >= f->min && v <= f->max)
        return true;
    struct gn_buf got = GN_BUF_INIT(64);
    gn_json_write_num(&got, v);
    refuse(f, at, p, gn_buf_str(&got));
    gn_buf_release(&got);
    return false;
}

bool gn_field_check_count(const struct gn_field *f, size_t n, const struct gn_path *at,
                          struct gn_problems *p)
{
    if (n >= f->min_len && (f->max_len == 0 || n <= f->max_len))
        return true;
    struct gn_buf expected = GN_BUF_INIT(256);
    gn_field_describe(f, &expected);
    gn_problems_at(p, at, "expected %s, got %zu", gn_buf_str(&expected), n);
    gn_buf_release(&expected);
    return false;
}
