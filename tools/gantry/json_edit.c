/* json_edit.c - where a member goes in a text that people have written, and how it is indented
 * there.
 */
#include "json_edit.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define NAMES_MAX 8

/* How the text is written. */
struct style {
    char *unit;      /* of indentation. Owned */
    const char *eol; /* "\n", "\r\n" */
    bool is_compact; /* everything in one line */
};

/* ---------------------------------------------------------------- lines */

static size_t line_start(const struct gn_jsonc *j, size_t at)
{
    while (at > 0 && j->text[at - 1] != '\n')
        at--;
    return at;
}

static bool is_gap(char c)
{
    return c == ' ' || c == '\t';
}

/* The blanks that the line of `at` begins with. Owned by the caller. */
static char *indent_of(const struct gn_jsonc *j, size_t at)
{
    size_t from = line_start(j, at), to = from;
    while (to < j->len && is_gap(j->text[to]))
        to++;
    return gn_strndup(j->text + from, to - from);
}

/* True if `at` is the first thing of its line. */
static bool begins_line(const struct gn_jsonc *j, size_t at)
{
    size_t from = line_start(j, at);
    while (from < at && is_gap(j->text[from]))
        from++;
    return from == at && line_start(j, at) > 0;
}

/* Behind what stands in the same line as `at` and says something about what is before it: blanks,
 * comments. */
static size_t line_rest(const struct gn_jsonc *j, size_t at, size_t end)
{
    size_t good = at;
    while (at < end && j->text[at] != '\n' && j->text[at] != '\r') {
        size_t stop = gn_jsonc_comment_end(j, at);
        if (stop == at && !is_gap(j->text[at]))
            return good;
        at = stop > at ? stop : at + 1;
        if (stop == at)
            good = GN_MIN(at, end);
    }
    return good;
}

static struct style find_style(const struct gn_jsonc *j, const char *unit)
{
    struct style s = {.eol = "\n"};
    struct gn_jsonc_span root = gn_jsonc_root(j);
    struct gn_jsonc_member first;
    const char *line = memchr(j->text, '\n', j->len);
    if (line && line > j->text && line[-1] == '\r')
        s.eol = "\r\n";
    bool has_member = gn_jsonc_next(j, root, NULL, &first);
    bool own_line = has_member && begins_line(j, first.name.from);
    s.is_compact = has_member && !own_line &&
                   !memchr(j->text + root.from, '\n', root.to - root.from);
    char *indent = own_line ? indent_of(j, first.name.from) : NULL;
    if (indent && *indent) {
        s.unit = indent;
        return s;
    }
    gn_free(indent);
    s.unit = gn_strdup(unit);
    return s;
}

/* ---------------------------------------------------------------- writing values */

static void write_value(struct gn_buf *out, const gantry_json *v, const struct style *s,
                        const char *indent)
{
    int type = gn_json_type(v);
    if ((type != GN_JSON_ARRAY && type != GN_JSON_OBJECT) || gn_json_count(v) == 0) {
        gn_json_write(out, v);
        return;
    }
    GN_AUTO_FREE char *deeper = gn_format("%s%s", indent, s->unit);
    const gantry_json *child = NULL;
    bool more = false;
    gn_buf_addc(out, type == GN_JSON_ARRAY ? '[' : '{');
    while ((child = gn_json_next(v, child))) {
        if (more)
            gn_buf_adds(out, s->is_compact ? ", " : ",");
        more = true;
        if (!s->is_compact)
            gn_buf_addf(out, "%s%s", s->eol, deeper);
        size_t len;
        const char *name = gn_json_name(child, &len);
        if (name) {
            gn_json_write_str(out, name, len);
            gn_buf_adds(out, ": ");
        }
        write_value(out, child, s, deeper);
    }
    if (!s->is_compact)
        gn_buf_addf(out, "%s%s", s->eol, indent);
    gn_buf_addc(out, type == GN_JSON_ARRAY ? ']' : '}');
}

/* The member, and around its value the objects of the names behind the first. */
static void write_member(struct gn_buf *out, const char *const *names, const gantry_json *value,
                         const struct style *s, const char *indent)
{
    gn_json_write_str(out, names[0], strlen(names[0]));
    gn_buf_adds(out, ": ");
    if (!names[1]) {
        write_value(out, value, s, indent);
        return;
    }
    GN_AUTO_FREE char *deeper = gn_format("%s%s", indent, s->unit);
    gn_buf_addc(out, '{');
    if (!s->is_compact)
        gn_buf_addf(out, "%s%s", s->eol, deeper);
    write_member(out, names + 1, value, s, deeper);
    if (!s->is_compact)
        gn_buf_addf(out, "%s%s", s->eol, indent);
    gn_buf_addc(out, '}');
}

/* ---------------------------------------------------------------- adding */

/* The object at `object` has no member. */
static void add_first(const struct gn_jsonc *j, struct gn_jsonc_span object,
                      const char *const *names, const gantry_json *value, const struct style *s,
                      struct gn_buf *out)
{
    size_t close = object.to - 1, last = object.from + 1;
    for (size_t at = last; at < close; at++) { /* comments stay */
        size_t stop = gn_jsonc_comment_end(j, at);
        if (stop > at)
            last = at = GN_MIN(stop, close);
    }
    bool has_line = memchr(j->text + last, '\n', close - last);
    bool has_comment = last > object.from + 1;
    GN_AUTO_FREE char *indent = indent_of(j, object.from);
    GN_AUTO_FREE char *deeper = gn_format("%s%s", indent, s->unit);
    gn_buf_add(out, j->text, last);
    if (!s->is_compact)
        gn_buf_addf(out, "%s%s", s->eol, deeper);
    write_member(out, names, value, s, deeper);
    if (!s->is_compact && !(has_comment && has_line))
        gn_buf_addf(out, "%s%s", s->eol, indent);
    if (!has_comment || !has_line)
        last = close;
    gn_buf_add(out, j->text + last, j->len - last);
}

/* Behind its last member. */
static void add_last(const struct gn_jsonc *j, struct gn_jsonc_span object,
                     const struct gn_jsonc_member *last, const char *const *names,
                     const gantry_json *value, const struct style *s, struct gn_buf *out)
{
    size_t close = object.to - 1, comma = gn_jsonc_skip(j, last->value.to, close);
    bool has_comma = comma < close;
    bool own_line = begins_line(j, last->name.from);
    size_t from = has_comma ? comma + 1 : last->value.to;
    size_t place = own_line ? line_rest(j, from, close) : from;
    struct style compact = {.unit = s->unit, .eol = s->eol, .is_compact = true};
    GN_AUTO_FREE char *indent = indent_of(j, last->name.from);
    gn_buf_add(out, j->text, from);
    gn_buf_adds(out, has_comma ? "" : ",");
    gn_buf_add(out, j->text + from, place - from);
    if (own_line)
        gn_buf_addf(out, "%s%s", s->eol, indent);
    else
        gn_buf_addc(out, ' ');
    write_member(out, names, value, own_line ? s : &compact, own_line ? indent : "");
    gn_buf_adds(out, has_comma ? "," : "");
    gn_buf_add(out, j->text + place, j->len - place);
}

static int add_member(const struct gn_jsonc *j, struct gn_jsonc_span object,
                      const char *const *names, const gantry_json *value, const struct style *s,
                      struct gn_buf *out)
{
    struct gn_jsonc_member m, last;
    bool has = false;
    while (gn_jsonc_next(j, object, has ? &last : NULL, &m)) {
        last = m;
        has = true;
    }
    if (has)
        add_last(j, object, &last, names, value, s, out);
    else
        add_first(j, object, names, value, s, out);
    return 0;
}

static int set(const struct gn_jsonc *j, const char *const *names, const gantry_json *value,
               const struct style *s, struct gn_buf *out, struct gn_error *err)
{
    struct gn_jsonc_span object = gn_jsonc_root(j);
    struct gn_jsonc_member m;
    for (size_t i = 0;; i++) {
        if (j->plain[object.from] != '{')
            return gn_error_set(err, GN_EINVAL, "%s%s%s is no object", i ? "\"" : "",
                                i ? names[i - 1] : "what stands there", i ? "\"" : "");
        if (!gn_jsonc_find(j, object, names[i], &m))
            return add_member(j, object, names + i, value, s, out);
        if (!names[i + 1])
            break;
        object = m.value;
    }
    bool own_line = begins_line(j, m.name.from);
    struct style compact = {.unit = s->unit, .eol = s->eol, .is_compact = true};
    GN_AUTO_FREE char *indent = indent_of(j, m.name.from);
    gn_buf_add(out, j->text, m.value.from);
    write_value(out, value, own_line ? s : &compact, indent);
    gn_buf_add(out, j->text + m.value.to, j->len - m.value.to);
    return 0;
}

int gn_json_set(const struct gn_jsonc *j, const char *const *names, const gantry_json *value,
                const char *unit, struct gn_buf *out, struct gn_error *err)
{
    struct style s = find_style(j, unit);
    struct gn_jsonc_span root = gn_jsonc_root(j);
    int rc = 0;
    if (root.from < root.to) {
        rc = set(j, names, value, &s, out, err);
    } else { /* nothing but blanks and comments: they stay in front */
        size_t end = j->len;
        gn_buf_add(out, j->text, end);
        if (gn_jsonc_skip(j, 0, end) == end && memchr(j->text, '/', end) &&
            j->text[end - 1] != '\n')
            gn_buf_adds(out, s.eol);
        gn_buf_addf(out, "{%s%s", s.eol, s.unit);
        write_member(out, names, value, &s, s.unit);
        gn_buf_addf(out, "%s}%s", s.eol, s.eol);
    }
    gn_free(s.unit);
    return rc ? rc : out->overflow ? gn_error_set(err, GN_ETOOBIG, "grows too large") : 0;
}

/* ---------------------------------------------------------------- taking away */

/* Copies the text but for m and its comma; what is left of its line goes, too. */
static void cut_member(const struct gn_jsonc *j, struct gn_jsonc_span object,
                       const struct gn_jsonc_member *before, const struct gn_jsonc_member *m,
                       struct gn_buf *out)
{
    size_t close = object.to - 1, from = m->name.from, to = m->value.to;
    size_t comma = gn_jsonc_skip(j, to, close), before_comma = SIZE_MAX;
    if (comma < close)
        to = comma + 1;
    else if (before)
        before_comma = gn_jsonc_skip(j, before->value.to, from);
    size_t rest = line_rest(j, to, close);
    while (rest < close && is_gap(j->text[rest]))
        rest++;
    bool ends_line = j->text[rest] == '\n' || j->text[rest] == '\r';
    if (begins_line(j, from) && ends_line) {
        from = line_start(j, from);
        to = rest + (j->text[rest] == '\r' && j->text[rest + 1] == '\n') + 1;
    } else if (comma < close) {
        while (to < close && is_gap(j->text[to]))
            to++;
    }
    if (before_comma != SIZE_MAX) {
        size_t stop = before_comma + 1;
        gn_buf_add(out, j->text, before_comma);
        while (!begins_line(j, m->name.from) && stop < from && is_gap(j->text[stop]))
            stop++;
        gn_buf_add(out, j->text + stop, from - stop);
    } else {
        gn_buf_add(out, j->text, from);
    }
    gn_buf_add(out, j->text + to, j->len - to);
}

/* Of the members of that name the last one. */
static int remove_one(const struct gn_jsonc *j, const char *const *names, struct gn_buf *out)
{
    struct gn_jsonc_span object = gn_jsonc_root(j);
    struct gn_jsonc_member found, m, last;
    for (; names[1]; names++) {
        if (!gn_jsonc_find(j, object, names[0], &found))
            return GN_ENOENT;
        object = found.value;
    }
    if (!gn_jsonc_find(j, object, names[0], &found))
        return GN_ENOENT;
    bool has = false;
    while (gn_jsonc_next(j, object, has ? &last : NULL, &m) && m.name.from < found.name.from) {
        last = m;
        has = true;
    }
    cut_member(j, object, has ? &last : NULL, &found, out);
    return 0;
}

int gn_json_remove(const struct gn_jsonc *j, const char *const *names, struct gn_buf *out,
                   struct gn_error *err)
{
    int rc = remove_one(j, names, out);
    if (rc)
        return rc;
    for (;;) { /* earlier ones of that name would be seen now */
        struct gn_jsonc again;
        struct gn_buf next = GN_BUF_INIT(out->max);
        rc = gn_jsonc_parse(&again, gn_buf_str(out), out->len, err);
        if (rc)
            return rc;
        rc = remove_one(&again, names, &next);
        gn_jsonc_release(&again);
        if (rc) {
            gn_buf_release(&next);
            return 0;
        }
        gn_buf_release(out);
        *out = next;
    }
}

/* ---------------------------------------------------------------- comparing */

const gantry_json *gn_json_follow(const gantry_json *root, const char *const *names)
{
    for (; root && *names; names++)
        root = gn_json_get(root, *names);
    return root;
}

static bool is_named(const gantry_json *member, const char *name, size_t len)
{
    size_t own_len = 0;
    const char *own = member ? gn_json_name(member, &own_len) : NULL;
    return own && own_len == len && memcmp(own, name, len) == 0;
}

/* Members of a that b has not, or has another value of; but for the name. Both have most members
 * in the same order: looking up each would take minutes where there are many. */
static bool has_others(const gantry_json *a, const gantry_json *b, const char *name)
{
    const gantry_json *v = NULL, *beside = NULL;
    while ((v = gn_json_next(a, v))) {
        size_t len;
        const char *own = gn_json_name(v, &len);
        if (is_named(v, name, strlen(name)))
            continue;
        do
            beside = gn_json_next(b, beside);
        while (is_named(beside, name, strlen(name)));
        if (is_named(beside, own, len) && gn_json_equal(v, beside))
            continue;
        if (!gn_json_equal(gn_json_getn(a, own, len), gn_json_getn(b, own, len)))
            return true;
    }
    return false;
}

bool gn_json_differs_only(const gantry_json *before, const gantry_json *after,
                          const char *const *names, const gantry_json *value)
{
    for (; names[0]; names++) {
        if (before && gn_json_type(before) != GN_JSON_OBJECT)
            return false;
        if (gn_json_type(after) != GN_JSON_OBJECT)
            return !after && !value;
        if (has_others(before, after, names[0]) || has_others(after, before, names[0]))
            return false;
        before = gn_json_get(before, names[0]);
        after = gn_json_get(after, names[0]);
    }
    return value ? after && gn_json_equal(after, value) : !after;
}
