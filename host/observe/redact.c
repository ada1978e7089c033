/* redact.c - one pass over a text, a pattern tried where a word begins. */
#include "observe/redact.h"

#include "util/alloc.h"
#include "util/map.h"
#include "util/str.h"

#include <string.h>

#define NAME_MAX_ 64     /* longer names are never secret ones */
#define SHORTEST_KEY 16  /* characters after the prefix of a service's key */
#define LONGEST_USER 256 /* before the @ of a URL */

#define REDACTOR_MAGIC 0x12edac7eu
struct gn_redactor {
    uint32_t magic;
    struct gn_map names; /* as normalise() has them */
};

/* A text while it is looked through. */
struct scan {
    const struct gn_redactor *r;
    const char *s;
    size_t len;
    size_t no_jwt_before; /* none begins before here: looked at already */
};

/* What is to be blotted out: [from, to). */
struct span {
    size_t from, to;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_alnum(char c)
{
    return is_digit(c) || is_upper(c) || (c >= 'a' && c <= 'z');
}

static bool is_word(char c)
{
    return is_alnum(c) || c == '_' || c == '-';
}

/* Of tokens as RFC 6750 and Base64 have them. */
static bool is_token(char c)
{
    return is_word(c) || c == '.' || c == '~' || c == '+' || c == '/' || c == '=';
}

static bool is_upper_or_digit(char c)
{
    return is_upper(c) || is_digit(c);
}

static char lower(char c)
{
    return is_upper(c) ? (char)(c + ('a' - 'A')) : c;
}

static size_t run(const struct scan *t, size_t at, bool (*is)(char c))
{
    size_t from = at;
    while (at < t->len && is(t->s[at]))
        at++;
    return at - from;
}

static bool has(const struct scan *t, size_t at, const char *word)
{
    size_t n = strlen(word);
    return t->len - at >= n && memcmp(t->s + at, word, n) == 0;
}

static bool has_any_case(const struct scan *t, size_t at, const char *word)
{
    size_t n = strlen(word);
    if (t->len - at < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (lower(t->s[at + i]) != word[i])
            return false;
    }
    return true;
}

/* ---------------------------------------------------------------- patterns: each is asked where a
 * word begins, and tells what to blot out */

/* "bearer authentication" is a phrase, "bearer x7" a token. */
static bool is_plain_word(const struct scan *t, size_t at, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!(t->s[at + i] >= 'a' && t->s[at + i] <= 'z'))
            return false;
    }
    return n < SHORTEST_KEY;
}

static bool find_bearer(struct scan *t, size_t at, struct span *ret)
{
    if (!has_any_case(t, at, "bearer "))
        return false;
    size_t from = at + strlen("bearer "), n = run(t, from, is_token);
    if (n < 2 || is_plain_word(t, from, n))
        return false;
    *ret = (struct span){from, from + n};
    return true;
}

/* Base64 of USER:PASSWORD. */
static bool find_basic(struct scan *t, size_t at, struct span *ret)
{
    if (!has_any_case(t, at, "basic "))
        return false;
    size_t from = at + strlen("basic "), n = run(t, from, is_token);
    if (n < 4 || n > 1024)
        return false;
    GN_AUTO_FREE char *word = gn_strndup(t->s + from, n);
    struct gn_buf plain = GN_BUF_INIT(1024);
    bool found = gn_base64_decode(&plain, word, n) == 0 && memchr(plain.data, ':', plain.len);
    gn_buf_release(&plain);
    if (found)
        *ret = (struct span){from, from + n};
    return found;
}

static bool is_base64url(char c)
{
    return is_word(c);
}

/* header.claims.signature, the first of which begins with {" in Base64. */
static bool find_jwt(struct scan *t, size_t at, struct span *ret)
{
    if (at < t->no_jwt_before || !has(t, at, "eyJ"))
        return false;
    size_t to = at;
    for (int dots = 0; dots < 2; dots++) {
        size_t n = run(t, to, is_base64url);
        to += n;
        if (n < 2 || to >= t->len || t->s[to] != '.') {
            t->no_jwt_before = to;
            return false;
        }
        to++;
    }
    *ret = (struct span){at, to + run(t, to, is_base64url)};
    return true;
}

static bool find_key(struct scan *t, size_t at, struct span *ret)
{
    static const struct {
        const char *prefix;
        bool (*is)(char c);
    } keys[] = {
        {"sk-", is_word},
        {"sk_live_", is_word},
        {"rk_live_", is_word},
        {"ghp_", is_word},
        {"gho_", is_word},
        {"ghu_", is_word},
        {"ghs_", is_word},
        {"ghr_", is_word},
        {"github_pat_", is_word},
        {"glpat-", is_word},
        {"xoxb-", is_word},
        {"xoxp-", is_word},
        {"xoxa-", is_word},
        {"xoxr-", is_word},
        {"xoxs-", is_word},
        {"AKIA", is_upper_or_digit},
        {"ASIA", is_upper_or_digit},
        {"AIza", is_word},
    };
    for (size_t i = 0; i < GN_COUNT(keys); i++) {
        if (*keys[i].prefix != t->s[at] || !has(t, at, keys[i].prefix))
            continue;
        size_t prefix = strlen(keys[i].prefix), n = run(t, at + prefix, keys[i].is);
        if (n < SHORTEST_KEY)
            return false;
        *ret = (struct span){at, at + prefix + n};
        return true;
    }
    return false;
}

/* ---- those that are asked elsewhere */

/* at: the colon of "://". The password of user:password@. */
static bool find_url_password(const struct scan *t, size_t at, struct span *ret)
{
    if (!has(t, at, "://"))
        return false;
    size_t from = at + 3, colon = 0, to = from;
    for (; to < t->len && to - from < LONGEST_USER; to++) {
        char c = t->s[to];
        if (c == '@')
            break;
        if (strchr("/?# \t\n\"'<>", c)) /* a NUL, too */
            return false;
        if (c == ':' && !colon)
            colon = to + 1;
    }
    if (!colon || to >= t->len || t->s[to] != '@' || colon == to)
        return false;
    *ret = (struct span){colon, to};
    return true;
}

/* at: the first hyphen of -----BEGIN ... PRIVATE KEY-----. Without its end all the rest goes. */
static bool find_private_key(const struct scan *t, size_t at, struct span *ret)
{
    static const char begin[] = "-----BEGIN ", kind[] = "PRIVATE KEY-----", end[] = "-----END ";
    if (!has(t, at, begin))
        return false;
    size_t name = at + strlen(begin);
    while (name < t->len && (is_upper(t->s[name]) || t->s[name] == ' ') && !has(t, name, kind))
        name++;
    if (!has(t, name, kind))
        return false;
    size_t from = name + strlen(kind), to = from;
    while (to < t->len && !has(t, to, end))
        to++;
    *ret = (struct span){from, to};
    return from < to;
}

/* at: the = of NAME=VALUE. */
static bool find_assignment(const struct scan *t, size_t at, size_t done, struct span *ret)
{
    size_t from = at;
    while (from > done && at - from < NAME_MAX_ && is_word(t->s[from - 1]))
        from--;
    if (from == at || !gn_redact_name(t->r, t->s + from, at - from))
        return false;
    size_t value = at + 1, to = value;
    bool quoted = value < t->len && (t->s[value] == '"' || t->s[value] == '\'');
    char quote = quoted ? t->s[value] : 0;
    if (quoted)
        for (value++, to++; to < t->len && t->s[to] != quote;)
            to++;
    else
        while (to < t->len && !strchr(" \t\n&;,\"'<>)]}", t->s[to]))
            to++;
    *ret = (struct span){value, to};
    return to > value;
}

/* at: the : of "NAME": "VALUE", JSON or a Python dict that became text, its quotes perhaps escaped.
 */
static bool find_member(const struct scan *t, size_t at, size_t done, struct span *ret)
{
    char quote = at > done ? t->s[at - 1] : 0;
    if (quote != '"' && quote != '\'')
        return false;
    size_t end = at - 1, value = at + 1;
    bool escaped = end > done && t->s[end - 1] == '\\';
    end -= escaped;
    size_t from = end;
    while (from > done && end - from < NAME_MAX_ && is_word(t->s[from - 1]))
        from--;
    if (from == end || from == done || t->s[from - 1] != quote ||
        !gn_redact_name(t->r, t->s + from, end - from))
        return false;
    while (value < t->len && t->s[value] == ' ')
        value++;
    value += escaped && value < t->len && t->s[value] == '\\';
    bool quoted = value < t->len && (t->s[value] == '"' || t->s[value] == '\'');
    char stop = quoted ? t->s[value++] : 0;
    size_t to = value;
    while (to < t->len && (quoted ? t->s[to] != stop : !strchr(" \t\n,;}])", t->s[to])))
        to += t->s[to] == '\\' && !escaped && to + 1 < t->len ? 2 : 1;
    to -= escaped && quoted && to < t->len && to > value && t->s[to - 1] == '\\';
    *ret = (struct span){value, to};
    return to > value && (quoted || !strchr("{[", t->s[value]));
}

static bool find_at_word(struct scan *t, size_t at, struct span *ret)
{
    switch (t->s[at]) {
    case 'b':
    case 'B':
        return find_bearer(t, at, ret) || find_basic(t, at, ret);
    case 'e':
        return find_jwt(t, at, ret);
    case 's':
    case 'r':
    case 'g':
    case 'x':
    case 'A':
        return find_key(t, at, ret);
    default:
        return false;
    }
}

/* The next secret from *at on; *at is then behind it. */
static bool find_next(struct scan *t, size_t done, size_t *at, struct span *ret)
{
    for (size_t i = *at; i < t->len; i++) {
        char c = t->s[i];
        bool found;
        if (c == ':')
            found = find_url_password(t, i, ret) || find_member(t, i, done, ret);
        else if (c == '=')
            found = find_assignment(t, i, done, ret);
        else if (c == '-')
            found = find_private_key(t, i, ret);
        else
            found = is_alnum(c) && (i == 0 || !is_alnum(t->s[i - 1])) && find_at_word(t, i, ret);
        if (found) {
            *at = ret->to;
            return true;
        }
    }
    return false;
}

bool gn_redact_text(const struct gn_redactor *r, const char *text, size_t len, struct gn_buf *out)
{
    GN_CHECK(r, REDACTOR_MAGIC);
    struct scan t = {.r = r, .s = text, .len = len};
    struct span found;
    size_t done = 0, at = 0;
    gn_buf_clear(out);
    while (find_next(&t, done, &at, &found)) {
        gn_buf_add(out, text + done, found.from - done);
        gn_buf_adds(out, GN_REDACTED);
        done = found.to;
    }
    if (done == 0)
        return false;
    gn_buf_add(out, text + done, len - done);
    return true;
}

/* ---------------------------------------------------------------- names */

/* Lower case, without hyphens and underscores; 0: too long, or nothing is left. */
static size_t normalise(char out[NAME_MAX_], const char *name, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (name[i] == '-' || name[i] == '_')
            continue;
        if (n == NAME_MAX_)
            return 0;
        out[n++] = lower(name[i]);
    }
    return n;
}

bool gn_redact_name(const struct gn_redactor *r, const char *name, size_t len)
{
    GN_CHECK(r, REDACTOR_MAGIC);
    char word[NAME_MAX_];
    size_t n = r->names.count ? normalise(word, name, len) : 0;
    return n && gn_map_findn(&r->names, word, n);
}

/* ---------------------------------------------------------------- JSON */

static void write_text(const struct gn_redactor *r, const gantry_json *v, struct gn_jw *w,
                       const char *name)
{
    size_t len;
    const char *text = gn_json_str(v, &len);
    struct gn_buf clean = GN_BUF_INIT(len * 4 + 64);
    if (gn_redact_text(r, text, len, &clean))
        gn_jw_strn(w, name, gn_buf_str(&clean), clean.len);
    else
        gn_jw_json(w, name, v);
    gn_buf_release(&clean);
}

static void write_value(const struct gn_redactor *r, const gantry_json *v, struct gn_jw *w,
                        const char *name);

static void write_members(const struct gn_redactor *r, const gantry_json *v, struct gn_jw *w)
{
    bool is_object = gn_json_type(v) == GN_JSON_OBJECT;
    for (const gantry_json *m = NULL; (m = gn_json_next(v, m));) {
        size_t len;
        const char *name = is_object ? gn_json_name(m, &len) : NULL;
        if (name && gn_redact_name(r, name, len))
            gn_jw_str(w, name, GN_REDACTED);
        else
            write_value(r, m, w, name);
    }
}

static void write_value(const struct gn_redactor *r, const gantry_json *v, struct gn_jw *w,
                        const char *name)
{
    int type = gn_json_type(v);
    if (type == GN_JSON_STRING) {
        write_text(r, v, w, name);
    } else if ((type != GN_JSON_OBJECT && type != GN_JSON_ARRAY) || w->depth + 2 >= GN_JW_DEPTH) {
        /* Deeper than a writer goes: nothing of it is shown, since it cannot be looked at. */
        if (type == GN_JSON_OBJECT || type == GN_JSON_ARRAY)
            gn_jw_str(w, name, GN_REDACTED);
        else
            gn_jw_json(w, name, v);
    } else {
        if (type == GN_JSON_OBJECT)
            gn_jw_object(w, name);
        else
            gn_jw_array(w, name);
        write_members(r, v, w);
        gn_jw_end(w);
    }
}

void gn_redact_json(const struct gn_redactor *r, const gantry_json *v, struct gn_jw *w,
                    const char *name)
{
    GN_CHECK(r, REDACTOR_MAGIC);
    if (v)
        write_value(r, v, w, name);
    else
        gn_jw_null(w, name);
}

struct gn_redactor *gn_redactor_new(char *const *names)
{
    struct gn_redactor *r = gn_calloc(1, sizeof *r);
    r->magic = REDACTOR_MAGIC;
    gn_map_init(&r->names);
    for (; names && *names; names++) {
        char word[NAME_MAX_];
        size_t n = normalise(word, *names, strlen(*names));
        if (n)
            gn_map_putn(&r->names, word, n, r);
    }
    return r;
}

void gn_redactor_free(struct gn_redactor *r)
{
    if (!r)
        return;
    GN_CHECK(r, REDACTOR_MAGIC);
    gn_map_release(&r->names, NULL);
    r->magic = 0;
    gn_free(r);
}
