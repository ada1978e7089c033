/* coerce.c - values that are nearly right, made right where the schema leaves no doubt.
 *
 * Models send "5" for 5, the text of an array for the array, and null for what they leave out. What
 * was meant is read off the schema: at each place of the value stand the nodes that speak about it,
 * and together they have a set of types. A string is read as JSON only where that set has no string
 * in it, and only if what it holds is of one of the types.
 *
 * The nodes at a place are a list of demands, each of which must hold. Where a schema has
 * alternatives (anyOf, oneOf), one of them must hold, with all nodes that belong to it; only those
 * are in the list that the value can mean at all (see is_meant). What is too entangled to tell
 * (more nodes than a view has room for, several alternatives within one) allows more types than it
 * might, so that nothing is coerced there.
 */
#include "schema/run.h"
#include "util/str.h"

#include <string.h>

#define VIEW_MAX 24
#define FOLLOW_MAX 16       /* references within references, from one place */
#define MATCH_STEPS 2000    /* for a name; what takes more is as good as no match */
#define ALL_MATCHES 1000000 /* steps for the names of all members together; likewise */
#define ALL_LOOKS 10000000  /* at alternatives and members, together; beyond, all is entangled */
#define DEPTH_MAX 200       /* of the value, with what its texts hold */
#define MANY_NAMES 64       /* members that are not compared with each other */

/* The nodes that speak about one place. Of group 0 each must hold; of any other group those of one
 * alternative. Alternatives are numbered through all groups, those of a group one after the other.
 */
struct view {
    uint32_t count, groups, alternatives;
    bool full;
    uint64_t *matching; /* steps that are left for matching names */
    uint64_t *looks;    /* that are left at alternatives */
    struct entry {
        const struct gn_node *node; /* NULL: an alternative that says nothing here */
        uint32_t group, alternative;
    } v[VIEW_MAX];
};

struct coerce {
    uint32_t flags;
    struct gn_arena *arena;
    gantry_json *nodes; /* the copy, written in reading order */
    size_t count, room;
    bool changed, full;
};

/* ---------------------------------------------------------------- views */

static void view_add(struct view *w, const struct gn_node *n, uint32_t group, uint32_t alternative)
{
    if (w->count == VIEW_MAX)
        w->full = true;
    else
        w->v[w->count++] = (struct entry){n, group, alternative};
}

static uint8_t types_of_entry(const struct entry *e)
{
    return e->node ? e->node->accepts : GN_EVERY;
}

/* The types of all nodes of one alternative; 0 if it is of another group. */
static uint8_t types_of_alternative(const struct view *w, uint32_t group, uint32_t alternative)
{
    uint8_t types = GN_EVERY;
    bool some = false;
    for (uint32_t i = 0; i < w->count; i++) {
        if (w->v[i].group == group && w->v[i].alternative == alternative) {
            types &= types_of_entry(&w->v[i]);
            some = true;
        }
    }
    return some ? types : 0;
}

static uint8_t types_of_view(const struct view *w)
{
    uint8_t types = GN_EVERY;
    if (w->full)
        return GN_EVERY;
    for (uint32_t i = 0; i < w->count; i++)
        types &= w->v[i].group == 0 ? types_of_entry(&w->v[i]) : GN_EVERY;
    for (uint32_t group = 1; group <= w->groups; group++) {
        uint8_t any = 0;
        for (uint32_t alternative = 1; alternative <= w->alternatives; alternative++)
            any |= types_of_alternative(w, group, alternative);
        types &= any;
    }
    return types;
}

/* Could the value mean this alternative? Its type must fit, and properties of one allowed value. */
static bool is_meant(const struct gn_node *n, const gantry_json *v)
{
    if (!(n->accepts & gn_type_bits(v)))
        return false;
    for (int i = 0; i < FOLLOW_MAX && n->op_count == 1 && n->ops[0].run == gn_op_ref; i++)
        n = n->ops[0].u.node;
    const struct gn_op *op = gn_node_op(n, gn_op_object);
    if (!op || gn_json_type(v) != GN_JSON_OBJECT)
        return true;
    for (const gantry_json *m = NULL; (m = gn_json_next(v, m)) != NULL;) {
        const struct gn_name *name = gn_name_table_get(&op->u.object->names, m[-1].text, m[-1].len);
        const struct gn_op *only = name && name->node ? gn_node_op(name->node, gn_op_const) : NULL;
        if (only && !gn_json_equal(m, only->u.value))
            return false;
    }
    return true;
}

/* Adds the alternatives that the value can mean. A single one is no alternative; several within one
 * of several are left out. */
static void add_alternatives(struct view *w, const struct gn_op *op, const struct entry *of,
                             const gantry_json *v)
{
    const struct gn_node *meant[VIEW_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < op->count && count < VIEW_MAX; i++) {
        uint64_t cost = 1 + (uint64_t)v->skip;
        if (*w->looks < cost) {
            w->full = true;
            return;
        }
        if (is_meant(op->u.nodes[i], v))
            meant[count++] = op->u.nodes[i];
        *w->looks -= cost;
    }
    if (count == 1) {
        view_add(w, meant[0], of->group, of->alternative);
    } else if (count == VIEW_MAX) {
        w->full = true;
    } else if (count > 1 && of->group == 0) {
        w->groups++;
        for (uint32_t i = 0; i < count; i++)
            view_add(w, meant[i], w->groups, ++w->alternatives);
    }
}

/* Adds what a node says at its own place besides itself: references, allOf, alternatives. */
static void view_open(struct view *w, const gantry_json *v)
{
    for (uint32_t i = 0; i < w->count && !w->full; i++) {
        const struct entry e = w->v[i];
        for (uint32_t k = 0; e.node && k < e.node->op_count; k++) {
            const struct gn_op *op = &e.node->ops[k];
            if (op->run == gn_op_ref) {
                view_add(w, op->u.node, e.group, e.alternative);
            } else if (op->run == gn_op_all_of) {
                for (uint32_t a = 0; a < op->count && !w->full; a++)
                    view_add(w, op->u.nodes[a], e.group, e.alternative);
            } else if (op->run == gn_op_any_of || op->run == gn_op_one_of) {
                add_alternatives(w, op, &e, v);
            }
        }
    }
}

/* Adds what a node says about a member. */
static void add_member(struct view *w, const struct entry *e, const char *name, size_t len)
{
    const struct gn_op *op = gn_node_op(e->node, gn_op_object);
    if (!op)
        return;
    const struct gn_object_op *o = op->u.object;
    const struct gn_name *own = gn_name_table_get(&o->names, name, len);
    bool matched = own && own->declared;
    if (own && own->node)
        view_add(w, own->node, e->group, e->alternative);
    for (uint32_t i = 0; i < o->pattern_count; i++) {
        uint64_t given = GN_MIN(*w->matching, (uint64_t)MATCH_STEPS), steps = given;
        int rc = gn_pattern_match(o->patterns[i].pattern, name, len, &steps);
        *w->matching -= given - steps;
        if (rc != 1)
            continue;
        view_add(w, o->patterns[i].node, e->group, e->alternative);
        matched = true;
    }
    if (!matched && o->additional)
        view_add(w, o->additional, e->group, e->alternative);
}

static void add_element(struct view *w, const struct entry *e, size_t index)
{
    const struct gn_op *op = gn_node_op(e->node, gn_op_array);
    const struct gn_array_op *a = op ? op->u.array : NULL;
    const struct gn_node *of = !a ? NULL : index < a->prefix_count ? a->prefix[index] : a->rest;
    if (of)
        view_add(w, of, e->group, e->alternative);
}

static bool has_alternative(const struct view *w, uint32_t alternative)
{
    for (uint32_t i = 0; i < w->count; i++) {
        if (w->v[i].alternative == alternative)
            return true;
    }
    return false;
}

/* The view of a member (with name) or an element (without). */
static void view_child(const struct view *w, struct view *ret, const char *name, size_t n)
{
    ret->count = 0;
    ret->groups = w->groups;
    ret->alternatives = w->alternatives;
    ret->full = w->full;
    ret->matching = w->matching;
    ret->looks = w->looks;
    for (uint32_t i = 0; i < w->count; i++) {
        const struct entry *e = &w->v[i];
        if (e->node && name)
            add_member(ret, e, name, n);
        else if (e->node)
            add_element(ret, e, n);
    }
    for (uint32_t i = 0; i < w->count; i++) {
        const struct entry *e = &w->v[i];
        if (e->group > 0 && !has_alternative(ret, e->alternative))
            view_add(ret, NULL, e->group, e->alternative);
    }
}

static bool is_required(const struct view *w, const char *name, size_t len)
{
    for (uint32_t i = 0; i < w->count; i++) {
        const struct gn_op *op = w->v[i].node ? gn_node_op(w->v[i].node, gn_op_object) : NULL;
        const struct gn_name *own = op ? gn_name_table_get(&op->u.object->names, name, len) : NULL;
        if (own && own->required)
            return true;
    }
    return false;
}

/* ---------------------------------------------------------------- values */

static void emit(struct coerce *c, const gantry_json *node)
{
    if (c->count == c->room) {
        size_t room = c->room ? 2 * c->room : 64;
        gantry_json *nodes = gn_arena_alloc(c->arena, room * sizeof(*nodes));
        if (!nodes) {
            c->full = true;
            return;
        }
        if (c->count > 0)
            memcpy(nodes, c->nodes, c->count * sizeof(*nodes));
        c->nodes = nodes;
        c->room = room;
    }
    c->nodes[c->count++] = *node;
}

/* "True" and "FALSE": what other languages print. */
static const gantry_json *read_word(const gantry_json *v)
{
    static const gantry_json words[] = {{.type = GN_JSON_FALSE, .skip = 1},
                                        {.type = GN_JSON_TRUE, .skip = 1}};
    if (v->flags & GN_JSON_HAS_NUL)
        return NULL;
    return gn_strcaseeq(v->text, "true")    ? &words[1]
           : gn_strcaseeq(v->text, "false") ? &words[0]
                                            : NULL;
}

/* What the text of a string holds, if the schema wants it instead; else the string. */
static __attribute__((noinline)) const gantry_json *read_text(struct coerce *c,
                                                              const gantry_json *v, uint8_t types)
{
    bool any = types == GN_EVERY && (c->flags & GN_COERCE_ALL);
    if (((types & GN_TEXTS) && !any) || v->len == 0)
        return v;
    struct gn_error err = {0};
    const gantry_json *read = gn_json_parse_arena(c->arena, v->text, v->len, &err);
    /* Too deep, or is the arena full? */
    if (!read && err.code == GN_ETOOBIG && !gn_arena_alloc(c->arena, v->len))
        c->full = true;
    read = read ? read : read_word(v);
    return read && gn_types_take(types, read) ? read : v;
}

/* Does another member of the same name stand before this one? It is hidden, and would not be if
 * this one were left out. In a large object with a name twice every member counts as such: to look
 * each up would be quadratic. *twins: -1, or whether there is a name twice. */
static bool hides_another(const gantry_json *object, const gantry_json *member, int *twins)
{
    if (*twins < 0)
        *twins = gn_count_names(object) < object->len;
    if (*twins == 0 || object->len > MANY_NAMES)
        return *twins != 0;
    for (const gantry_json *m = NULL; (m = gn_json_next(object, m)) != member;) {
        if (m[-1].len == member[-1].len && memcmp(m[-1].text, member[-1].text, m[-1].len) == 0)
            return true;
    }
    return false;
}

/* Would the text "" be refused, as far as is easily seen? */
static bool refuses_empty(const struct view *w)
{
    static const gantry_json empty = {.type = GN_JSON_STRING, .skip = 1, .text = ""};
    for (uint32_t i = 0; i < w->count; i++) {
        const struct gn_node *n = w->v[i].group == 0 ? w->v[i].node : NULL;
        for (uint32_t k = 0; n && k < n->op_count; k++) {
            const struct gn_op *op = &n->ops[k];
            bool refused = (op->run == gn_op_min_length && op->u.limit > 0) ||
                           (op->run == gn_op_const && !gn_json_equal(op->u.value, &empty)) ||
                           (op->run == gn_op_enum_names &&
                            gn_name_table_find(op->u.names, "", 0) < 0);
            bool listed = op->run != gn_op_enum;
            for (uint32_t x = 0; !listed && x < op->count; x++)
                listed = gn_json_equal(op->u.values[x], &empty);
            if (refused || !listed)
                return true;
        }
    }
    return false;
}

/* A member whose value says that there is none: `at` is its own view, `around` that of the object.
 */
static bool counts_as_missing(const struct coerce *c, const gantry_json *member,
                              const struct view *at, const struct view *around)
{
    const gantry_json *name = member - 1;
    int type = gn_json_type(member);
    bool null = type == GN_JSON_NULL && (c->flags & GN_COERCE_NULLS);
    bool text = type == GN_JSON_STRING && (c->flags & GN_COERCE_ALL) &&
                (member->len == 0 || gn_json_streq(member, "null"));
    if (!null && !text)
        return false;
    uint8_t types = types_of_view(at);
    bool left_out = text && member->len == 0 && (types & GN_TEXTS) && refuses_empty(at);
    return (left_out || !(types & (text ? GN_NULL | GN_TEXTS : GN_NULL))) &&
           !is_required(around, name->text, name->len);
}

static void coerce(struct coerce *c, const gantry_json *v, struct view *w, int depth);

/* Own frames: views are large. */
static __attribute__((noinline)) void coerce_members(struct coerce *c, const gantry_json *v,
                                                     const struct view *w, size_t self, int depth)
{
    int twins = -1;
    for (const gantry_json *m = NULL; !c->full && (m = gn_json_next(v, m)) != NULL;) {
        size_t len = 0;
        const char *name = gn_json_name(m, &len);
        struct view below;
        view_child(w, &below, name, len);
        if (counts_as_missing(c, m, &below, w) && !hides_another(v, m, &twins)) {
            c->changed = true;
            c->nodes[self].len--;
            continue;
        }
        emit(c, m - 1);
        coerce(c, m, &below, depth + 1);
    }
}

static __attribute__((noinline)) void coerce_elements(struct coerce *c, const gantry_json *v,
                                                      const struct view *w, int depth)
{
    size_t i = 0;
    for (const gantry_json *e = NULL; !c->full && (e = gn_json_next(v, e)) != NULL; i++) {
        struct view below;
        view_child(w, &below, NULL, i);
        coerce(c, e, &below, depth + 1);
    }
}

static void coerce(struct coerce *c, const gantry_json *v, struct view *w, int depth)
{
    const gantry_json *as = v;
    uint8_t member = v->flags & GN_JSON_MEMBER;
    if (gn_json_type(v) == GN_JSON_STRING && (c->flags & (GN_COERCE_TEXT | GN_COERCE_ALL)))
        as = read_text(c, v, types_of_view(w));
    c->changed = c->changed || as != v;
    size_t self = c->count;
    emit(c, as);
    if (c->full)
        return;
    c->nodes[self].flags = (uint8_t)((as->flags & ~GN_JSON_MEMBER) | member);
    if (depth < DEPTH_MAX && as->type == GN_JSON_OBJECT) {
        view_open(w, as);
        coerce_members(c, as, w, self, depth);
    } else if (depth < DEPTH_MAX && as->type == GN_JSON_ARRAY) {
        view_open(w, as);
        coerce_elements(c, as, w, depth);
    } else {
        for (uint32_t i = 1; i < as->skip && !c->full; i++)
            emit(c, as + i);
    }
    if (!c->full)
        c->nodes[self].skip = (uint32_t)(c->count - self);
}

const gantry_json *gn_schema_coerce(const struct gn_schema *s, const gantry_json *value,
                                    uint32_t flags, struct gn_arena *arena, struct gn_error *err)
{
    struct coerce c = {.flags = flags, .arena = arena};
    uint64_t matching = ALL_MATCHES, looks = ALL_LOOKS;
    struct view root = {.matching = &matching, .looks = &looks};
    view_add(&root, s->root, 0, 0);
    coerce(&c, value, &root, 0);
    if (c.full) {
        gn_error_set(err, GN_ETOOBIG, "reading the value takes more memory than allowed");
        return NULL;
    }
    if (!c.changed)
        return value;
    /* The value may be a member; its copy has no name in front of it. */
    c.nodes[0].flags = (uint8_t)(c.nodes[0].flags & ~GN_JSON_MEMBER);
    return c.nodes;
}
