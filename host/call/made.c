/* made.c - tools made from tools: their arguments, on the way to the parent.
 *
 * One pass over what was given finds out what becomes of each member; the object is made only if
 * something does. Values that are filled in are copied with their texts, since what a handler finds
 * in its arguments lives as long as the call, and the tool need not.
 */
#include "call/made.h"

#include "call/call.h"
#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"
#include "json/object.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FEW 32 /* members and rows that need no memory to be sorted out */
#define FEW_ROWS 8
#define UUID_BYTES 16

/* What becomes of the arguments of one tool. */
struct mapping {
    struct gantry_call *call;
    const struct gn_component *c;
    const gantry_json *arguments;
    const struct gn_made_arg **of; /* each member's row; NULL: it goes through as it is */
    const gantry_json **filled;    /* each row's value that was not given; NULL: there is none */
    bool *given;                   /* each row's */
    size_t nodes, bytes;           /* that the members of the result take, and copied texts */
    bool changes;
    struct gn_error *err;
};

void gn_made_free(struct gn_made *m)
{
    for (size_t i = 0; m && i < m->count; i++) {
        gn_free(m->v[i].name);
        gn_free(m->v[i].parent_name);
        gn_free(m->v[i].source_name);
        gn_json_release(&m->v[i].value);
    }
    if (!m)
        return;
    gn_map_release(&m->by_name, NULL);
    gn_free(m->v);
    gn_free(m);
}

/* A bit that depends on the length and the end of a name: names that are as long mostly differ at
 * their ends. */
static inline uint64_t mark_of(const char *name, uint32_t len)
{
    return UINT64_C(1) << ((len ^ (len ? (unsigned char)name[len - 1] : 0)) & 63);
}

static void index_name(struct gn_made *m, struct gn_made_arg *a, const char *name, uint32_t len)
{
    if (!name)
        return;
    m->marks |= mark_of(name, len);
    gn_map_put(&m->by_name, name, a);
}

/* A name that clients use comes before one that is the parent's only. */
void gn_made_index(struct gn_made *m)
{
    for (size_t i = 0; i < m->count; i++) {
        struct gn_made_arg *a = &m->v[i];
        a->name_len = a->name ? (uint32_t)strlen(a->name) : 0;
        a->parent_len = a->parent_name ? (uint32_t)strlen(a->parent_name) : 0;
        a->is_kept = gn_streq(a->name, a->parent_name);
        index_name(m, a, a->parent_name, a->parent_len);
    }
    for (size_t i = 0; i < m->count; i++)
        index_name(m, &m->v[i], m->v[i].name, m->v[i].name_len);
}

bool gn_made_varies(const struct gn_component *c)
{
    for (; c->parent; c = c->parent) {
        const struct gn_made *made = c->made;
        for (size_t i = 0; made && i < made->count; i++) {
            if (made->v[i].source == GN_SOURCE_SCOPE)
                return true;
        }
        if (made && made->is_around)
            return false;
    }
    return false;
}

/* ---------------------------------------------------------------- where values come from */

/* NULL: the arena is full. */
static gantry_json *text_node(struct gantry_call *call, uint8_t type, const char *text)
{
    size_t len = strlen(text);
    gantry_json *v = gn_arena_alloc(&call->arena, sizeof *v + len + 1);
    if (!v)
        return NULL;
    *v = (gantry_json){.type = type, .skip = 1, .len = (uint32_t)len};
    v->text = memcpy(v + 1, text, len + 1);
    return v;
}

static int give_text(struct gantry_call *call, const char *text, const gantry_json **ret)
{
    if (!text)
        return GN_ENOENT;
    *ret = text_node(call, GN_JSON_STRING, text);
    return *ret ? GN_OK : GN_ETOOBIG;
}

static int give_value(struct gantry_call *call, const struct gn_made_arg *a,
                      const gantry_json **ret)
{
    (void)call; /* its texts are copied when it goes into the object */
    *ret = gn_json_root(&a->value);
    return *ret ? GN_OK : GN_ENOENT;
}

static int give_uuid(struct gantry_call *call, const struct gn_made_arg *a, const gantry_json **ret)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[UUID_BYTES];
    char text[37], *p = text;
    (void)a;
    randombytes_buf(bytes, sizeof bytes);
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof bytes; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        *p++ = digits[bytes[i] >> 4];
        *p++ = digits[bytes[i] & 15];
    }
    *p = '\0';
    return give_text(call, text, ret);
}

static int give_now(struct gantry_call *call, const struct gn_made_arg *a, const gantry_json **ret)
{
    char text[32];
    (void)a;
    gn_wall_format(gn_wall_ms(), text);
    return give_text(call, text, ret);
}

static int give_env(struct gantry_call *call, const struct gn_made_arg *a, const gantry_json **ret)
{
    return give_text(call, getenv(a->source_name), ret);
}

static int give_principal(struct gantry_call *call, const struct gn_made_arg *a,
                          const gantry_json **ret)
{
    (void)a;
    return give_text(call, call->principal, ret);
}

static int give_secret(struct gantry_call *call, const struct gn_made_arg *a,
                       const gantry_json **ret)
{
    const struct gn_call_env *env = call->env;
    return give_text(call, env->secret ? env->secret(env->secret_arg, a->source_name) : NULL, ret);
}

static int give_number(struct gantry_call *call, const gantry_value *value, const gantry_json **ret)
{
    struct gn_buf text = GN_BUF_INIT(64);
    bool is_int = value->type == GANTRY_VALUE_INT;
    int rc = is_int ? gn_buf_addf(&text, "%lld", (long long)value->as.integer)
                    : gn_json_write_num(&text, value->as.number);
    gantry_json *v = rc ? NULL : text_node(call, GN_JSON_NUMBER, gn_buf_str(&text));
    gn_buf_release(&text);
    if (rc) /* neither infinity nor NaN is a value */
        return GN_ENOENT;
    if (v && is_int)
        v->flags = GN_JSON_INTEGER;
    *ret = v;
    return v ? GN_OK : GN_ETOOBIG;
}

static int give_scope(struct gantry_call *call, const struct gn_made_arg *a,
                      const gantry_json **ret)
{
    static const gantry_json truths[] = {{.type = GN_JSON_FALSE, .skip = 1},
                                         {.type = GN_JSON_TRUE, .skip = 1}};
    gantry_value value;
    int rc = gn_scope_find(call, a->source_name, &value);
    if (rc)
        return rc == GANTRY_EINVAL ? GN_EINVAL : GN_ENOENT;
    switch (value.type) {
    case GANTRY_VALUE_TEXT:
        return give_text(call, value.as.text, ret);
    case GANTRY_VALUE_BOOL:
        *ret = &truths[value.as.integer != 0];
        return GN_OK;
    case GANTRY_VALUE_JSON:
        *ret = value.as.json;
        return *ret ? GN_OK : GN_ENOENT;
    default:
        return give_number(call, &value, ret);
    }
}

/* What there is for an argument that a client cannot give. */
static const struct {
    int (*give)(struct gantry_call *call, const struct gn_made_arg *a, const gantry_json **ret);
    const char *nothing; /* why there is none; %.128s is source_name */
} sources[] = {
    [GN_SOURCE_NONE] = {give_value, "there is no value"},
    [GN_SOURCE_VALUE] = {give_value, "there is no value"},
    [GN_SOURCE_UUID] = {give_uuid, ""},
    [GN_SOURCE_NOW] = {give_now, ""},
    [GN_SOURCE_ENV] = {give_env, "there is no environment variable "},
    [GN_SOURCE_SCOPE] = {give_scope, "nothing has set the variable "},
    [GN_SOURCE_PRINCIPAL] = {give_principal, "nobody has logged in"},
    [GN_SOURCE_SECRET] = {give_secret, "the operator has given no secret "},
};

static int fill(struct mapping *m, const struct gn_made_arg *a, const gantry_json **ret)
{
    struct gantry_call *call = m->call;
    int rc = sources[a->source].give(call, a, ret);
    if (rc == GN_ENOENT && a->source > GN_SOURCE_VALUE && a->value.count)
        rc = give_value(call, a, ret);
    if (rc == GN_EINVAL)
        return gn_error_set(m->err, GN_ENOENT,
                            "the hidden argument %.128s: the variable %.128s is a pointer",
                            a->parent_name, a->source_name);
    if (rc != GN_ENOENT)
        return rc;
    *ret = NULL;
    if (!a->is_required || a->name) /* visible ones: the parent tells what is missing */
        return GN_OK;
    return gn_error_set(m->err, GN_ENOENT, "the hidden argument %.128s: %s%.128s", a->parent_name,
                        sources[a->source].nothing, a->source_name ? a->source_name : "");
}

/* ---------------------------------------------------------------- mapping */

/* NULL: the arena is full. */
static void *room(struct mapping *m, size_t count, size_t size, void *local)
{
    return count <= FEW ? local : gn_arena_alloc(&m->call->arena, count * size);
}

static int refuse(const struct mapping *m, const gantry_json *name)
{
    char shown[GN_SHOWN_MAX];
    return gn_error_set(m->err, GN_EINVAL, "unknown argument %s", gn_show_value(shown, name));
}

static inline bool is_text(const char *s, uint32_t len, const gantry_json *name)
{
    return s && len == name->len && (len == 0 || s[len - 1] == name->text[len - 1]) &&
           memcmp(s, name->text, len) == 0;
}

static inline bool is_named(const struct gn_made_arg *a, const gantry_json *name)
{
    return is_text(a->name, a->name_len, name);
}

/* The row of a name, made->by_name: looking at a few is cheaper than hashing. */
static inline const struct gn_made_arg *row_of(const struct gn_made *made, const gantry_json *name)
{
    if (!(made->marks & mark_of(name->text, name->len)))
        return NULL;
    if (made->count > FEW_ROWS)
        return gn_map_findn(&made->by_name, name->text, name->len);
    const struct gn_made_arg *end = made->v + made->count, *found = NULL;
    for (const struct gn_made_arg *a = made->v; a < end; a++) {
        if (is_named(a, name))
            return a;
        if (!a->is_kept && is_text(a->parent_name, a->parent_len, name))
            found = a;
    }
    return found;
}

/* What becomes of each argument that was given. */
static int sort_out(struct mapping *m)
{
    const struct gn_made *made = m->c->made;
    const gantry_json *name = m->arguments + 1;
    for (uint32_t i = 0; i < m->arguments->len; i++) {
        const gantry_json *value = name + 1;
        const struct gn_made_arg *a = row_of(made, name);
        m->of[i] = a;
        if (a && !is_named(a, name))
            return refuse(m, name);
        if (a) {
            m->given[a - made->v] = true;
            m->changes |= !a->is_kept;
        }
        m->nodes += 1 + (size_t)value->skip;
        name = value + value->skip;
    }
    return GN_OK;
}

/* The tool may go before the call does: its texts are copied. */
static inline bool is_of_table(const struct gn_made_arg *a, const gantry_json *value)
{
    return value == a->value.nodes;
}

/* What was not given, and has a default or a source. */
static int fill_in(struct mapping *m)
{
    const struct gn_made *made = m->c->made;
    for (size_t i = 0; i < made->count; i++) {
        const struct gn_made_arg *a = &made->v[i];
        m->filled[i] = NULL;
        if (m->given[i] || !a->parent_name)
            continue;
        int rc = fill(m, a, &m->filled[i]);
        if (rc)
            return rc;
        if (m->filled[i]) {
            m->nodes += 1 + (size_t)m->filled[i]->skip;
            m->bytes += is_of_table(a, m->filled[i]) ? gn_json_text_bytes(m->filled[i]) : 0;
            m->changes = true;
        }
    }
    return GN_OK;
}

static int put_together(struct mapping *m, const gantry_json **ret)
{
    const struct gn_made *made = m->c->made;
    const gantry_json *name = m->arguments + 1;
    struct gn_json_object o;
    int rc = gn_json_object_begin(&o, &m->call->arena, m->nodes, m->bytes);
    if (rc)
        return rc;
    for (uint32_t i = 0; i < m->arguments->len; i++) {
        const gantry_json *value = name + 1;
        const struct gn_made_arg *a = m->of[i];
        if (!a)
            gn_json_object_add(&o, name->text, name->len, value);
        else if (a->parent_name)
            gn_json_object_add(&o, a->parent_name, a->parent_len, value);
        name = value + value->skip;
    }
    for (size_t i = 0; i < made->count; i++) {
        const struct gn_made_arg *a = &made->v[i];
        const gantry_json *value = m->filled[i];
        if (value && is_of_table(a, value))
            gn_json_object_add_copy(&o, a->parent_name, a->parent_len, value);
        else if (value)
            gn_json_object_add(&o, a->parent_name, a->parent_len, value);
    }
    *ret = gn_json_object_end(&o);
    return GN_OK;
}

int gn_made_map(struct gantry_call *call, const struct gn_component *c,
                const gantry_json *arguments, const gantry_json **ret, struct gn_error *err)
{
    static const gantry_json none = {.type = GN_JSON_OBJECT, .skip = 1};
    const struct gn_made_arg *of[FEW];
    const gantry_json *filled[FEW];
    bool given[FEW];
    const gantry_json *value = arguments ? arguments : &none;
    struct mapping m = {.call = call, .c = c, .arguments = value, .err = err};
    size_t rows = c->made->count;
    *ret = arguments;
    if (gn_json_type(value) != GN_JSON_OBJECT)
        return gn_error_set(err, GN_EINVAL, "the arguments are no object");
    m.of = room(&m, value->len, sizeof *of, of);
    m.filled = room(&m, rows, sizeof *filled, filled);
    m.given = room(&m, rows, sizeof *given, given);
    if (!m.of || !m.filled || !m.given)
        return GN_ETOOBIG;
    memset(m.given, 0, rows * sizeof *m.given);
    int rc = sort_out(&m);
    if (!rc)
        rc = fill_in(&m);
    return rc || !m.changes ? rc : put_together(&m, ret);
}
