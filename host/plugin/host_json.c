/* host_json.c - JSON for handlers: parsing, printing, and the builder.
 *
 * A builder writes text; what it wrote is parsed into the call's memory at the end. Its first error
 * sticks.
 */
#include "plugin/host_errors.h"
#include "plugin/host_internal.h"

#include <math.h>
#include <string.h>

#define BUILDER_DEPTH 120 /* below what the parser takes */
#define GN_BUILDER_MAGIC 0xb0117de2u

struct gantry_builder {
    uint32_t magic;
    int error; /* the first one, a GANTRY_E */
    gantry_call *call;
    struct gn_buf text;
    struct gn_jw w;
    bool begun, ended; /* something stands at the top; builder_end was called */
};

int gn_host_json_int(const gantry_json *v, int64_t *ret)
{
    return gn_json_int(v, ret) ? GANTRY_OK : GANTRY_EINVAL;
}

int gn_host_json_num(const gantry_json *v, double *ret)
{
    return gn_json_num(v, ret) ? GANTRY_OK : GANTRY_EINVAL;
}

const gantry_json *gn_host_json_parse(gantry_call *call, const char *text, size_t n)
{
    if (!gn_host_runs(call) || !text)
        return NULL;
    return gn_json_parse_arena(&call->arena, text, n, NULL);
}

const char *gn_host_json_print(gantry_call *call, const gantry_json *v)
{
    if (!gn_host_runs(call) || !v)
        return NULL;
    struct gn_buf text = GN_BUF_INIT(call->arena.max);
    const char *copy = NULL;
    if (gn_json_write(&text, v) == 0)
        copy = gn_arena_strndup(&call->arena, gn_buf_str(&text), text.len);
    gn_buf_release(&text);
    return copy;
}

/* ---------------------------------------------------------------- building */

static void release_builder(void *arg)
{
    gantry_builder *b = arg;
    gn_buf_release(&b->text);
    b->magic = 0;
}

gantry_builder *gn_host_builder_new(gantry_call *call)
{
    if (!gn_host_runs(call))
        return NULL;
    gantry_builder *b = gn_arena_calloc(&call->arena, sizeof *b);
    if (!b || gn_arena_on_release(&call->arena, release_builder, b))
        return NULL;
    b->magic = GN_BUILDER_MAGIC;
    b->call = call;
    gn_buf_init(&b->text, (size_t)gn_host_result_limit(call));
    gn_jw_init(&b->w, &b->text);
    return b;
}

static int fail(gantry_builder *b, int code, const char *what)
{
    b->error = code;
    if (code == GANTRY_EINVAL)
        gn_host_misuse(b->call, "JSON builder: %s", what);
    return code;
}

static bool usable(const gantry_builder *b)
{
    return b && b->magic == GN_BUILDER_MAGIC && gn_host_runs(b->call);
}

/* GANTRY_OK if a value may be written here under this name. */
static int may_put(gantry_builder *b, const char *name)
{
    if (!usable(b))
        return GANTRY_EINVAL;
    if (b->error)
        return b->error;
    if (b->ended)
        return fail(b, GANTRY_EINVAL, "something was put after gantry_builder_end");
    if (b->w.depth == 0 && b->begun)
        return fail(b, GANTRY_EINVAL, "a second value at the top");
    if (b->w.is_object[b->w.depth] && !name)
        return fail(b, GANTRY_EINVAL, "a member of an object without a name");
    if (!b->w.is_object[b->w.depth] && name)
        return fail(b, GANTRY_EINVAL, "a name where there is no object");
    b->begun = true;
    return GANTRY_OK;
}

static int put_done(gantry_builder *b)
{
    return b->text.overflow ? fail(b, GANTRY_ETOOBIG, "too big") : GANTRY_OK;
}

int gn_host_builder_open(gantry_builder *b, const char *name, uint32_t type)
{
    int rc = may_put(b, name);
    if (rc)
        return rc;
    if (b->w.depth >= BUILDER_DEPTH)
        return fail(b, GANTRY_ETOOBIG, "nested too deep");
    if (type == GANTRY_JSON_OBJECT)
        gn_jw_object(&b->w, name);
    else if (type == GANTRY_JSON_ARRAY)
        gn_jw_array(&b->w, name);
    else
        return fail(b, GANTRY_EINVAL, "only objects and arrays can be opened");
    return put_done(b);
}

int gn_host_builder_close(gantry_builder *b)
{
    if (!usable(b))
        return GANTRY_EINVAL;
    if (b->error)
        return b->error;
    if (b->w.depth == 0)
        return fail(b, GANTRY_EINVAL, "gantry_put_close without anything open");
    gn_jw_end(&b->w);
    return put_done(b);
}

int gn_host_builder_string(gantry_builder *b, const char *name, const char *s, size_t n)
{
    int rc = may_put(b, name);
    if (rc)
        return rc;
    if (!s)
        gn_jw_null(&b->w, name);
    else
        gn_jw_strn(&b->w, name, s, n == SIZE_MAX ? strlen(s) : n);
    return put_done(b);
}

int gn_host_builder_int(gantry_builder *b, const char *name, int64_t v)
{
    int rc = may_put(b, name);
    if (rc)
        return rc;
    gn_jw_int(&b->w, name, v);
    return put_done(b);
}

int gn_host_builder_num(gantry_builder *b, const char *name, double v)
{
    int rc = may_put(b, name);
    if (rc)
        return rc;
    if (!isfinite(v))
        return fail(b, GANTRY_EINVAL, "a number that is not finite");
    gn_jw_num(&b->w, name, v);
    return put_done(b);
}

int gn_host_builder_word(gantry_builder *b, const char *name, uint32_t type)
{
    int rc = may_put(b, name);
    if (rc)
        return rc;
    if (type == GANTRY_JSON_NULL)
        gn_jw_null(&b->w, name);
    else if (type == GANTRY_JSON_TRUE || type == GANTRY_JSON_FALSE)
        gn_jw_bool(&b->w, name, type == GANTRY_JSON_TRUE);
    else
        return fail(b, GANTRY_EINVAL, "a word that is neither null, true nor false");
    return put_done(b);
}

int gn_host_builder_json(gantry_builder *b, const char *name, const gantry_json *v)
{
    int rc = may_put(b, name);
    if (rc)
        return rc;
    if (v)
        gn_jw_json(&b->w, name, v);
    else
        gn_jw_null(&b->w, name);
    return put_done(b);
}

const gantry_json *gn_host_builder_end(gantry_builder *b)
{
    if (!usable(b) || b->error || b->ended)
        return NULL;
    b->ended = true;
    if (!b->begun || b->w.depth > 0) {
        fail(b, GANTRY_EINVAL, b->begun ? "something is still open" : "nothing was put");
        return NULL;
    }
    const gantry_json *value;
    if (gn_host_keep_json(b->call, &b->text, &value))
        fail(b, GANTRY_ETOOBIG, "too big");
    return value;
}
