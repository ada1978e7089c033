/* parse.c - the one-pass parser: grammar, UTF-8, depth and size are checked while the index is
 * written.
 *
 * It needs no stack: while a container is open, its `skip` holds the index of its parent. Reading
 * never checks for the end: the NUL behind the text is no part of any token, so every loop stops
 * there, and only then is it asked whether that NUL is the end or a stray byte.
 */
#include "json/json.h"

#include "util/alloc.h"

#include <string.h>

#define DEFAULT_DEPTH 128
#define DEFAULT_NODES 1000000
#define NO_PARENT UINT32_MAX

enum char_class {
    PLAIN = 0,
    QUOTE,
    ESCAPE,
    CONTROL, /* below U+0020, the NUL at the end among them */
    MULTI,   /* UTF-8 of more than one byte */
};

#define C4 CONTROL, CONTROL, CONTROL, CONTROL
#define M4 MULTI, MULTI, MULTI, MULTI
#define M16 M4, M4, M4, M4
static const uint8_t classes[256] = {
    C4,          C4,  C4,  C4,  C4,  C4,  C4,  C4,  [0x20] = PLAIN, ['"'] = QUOTE,
    ['\\'] = ESCAPE, [0x80] = M16, M16, M16, M16, M16, M16, M16,        M16,
};

struct parser {
    struct gn_json_doc *doc;
    char *start, *end; /* *end is NUL */
    char *at;          /* where the error is, once there is one */
    uint32_t max_depth, max_nodes;
    struct gn_error *err;
};

static int fail_at(struct parser *p, const char *at, const char *what)
{
    size_t offset = (size_t)(at - p->start);
    unsigned char c = (unsigned char)*at;
    if (at == p->end)
        return gn_error_set(p->err, GN_EINVAL, "not JSON: %s at byte %zu, where the text ends",
                            what, offset);
    if (c > 0x20 && c < 0x7F)
        return gn_error_set(p->err, GN_EINVAL, "not JSON: %s at byte %zu, found '%c'", what, offset,
                            c);
    return gn_error_set(p->err, GN_EINVAL, "not JSON: %s at byte %zu, found byte 0x%02X", what,
                        offset, c);
}

static int grow_nodes(struct parser *p)
{
    struct gn_json_doc *doc = p->doc;
    if (doc->count >= p->max_nodes)
        return gn_error_set(p->err, GN_ETOOBIG, "JSON has more than %u values", p->max_nodes);
    size_t cap = GN_MIN(doc->cap * 2, (size_t)p->max_nodes);
    gantry_json *nodes = gn_try_realloc(doc->nodes, cap * sizeof(*nodes));
    if (!nodes)
        return gn_error_set(p->err, GN_ETOOBIG, "no memory for %zu JSON values", cap);
    doc->nodes = nodes;
    doc->cap = cap;
    return 0;
}

static int hex4(const char *s)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char c = s[i];
        int digit;
        if (c >= '0' && c <= '9')
            digit = c - '0';
        else if (c >= 'a' && c <= 'f')
            digit = c - 'a' + 10;
        else if (c >= 'A' && c <= 'F')
            digit = c - 'A' + 10;
        else
            return -1; /* the NUL at the end, too */
        value = value << 4 | digit;
    }
    return value;
}

static char *put_utf8(char *out, uint32_t cp)
{
    if (cp < 0x80) {
        *out++ = (char)cp;
    } else if (cp < 0x800) {
        *out++ = (char)(0xC0 | cp >> 6);
        *out++ = (char)(0x80 | (cp & 0x3F));
    } else if (cp < 0x10000) {
        *out++ = (char)(0xE0 | cp >> 12);
        *out++ = (char)(0x80 | (cp >> 6 & 0x3F));
        *out++ = (char)(0x80 | (cp & 0x3F));
    } else {
        *out++ = (char)(0xF0 | cp >> 18);
        *out++ = (char)(0x80 | (cp >> 12 & 0x3F));
        *out++ = (char)(0x80 | (cp >> 6 & 0x3F));
        *out++ = (char)(0x80 | (cp & 0x3F));
    }
    return out;
}

/* Length of the well-formed sequence at s, whose first byte is above 0x7F; 0 if there is none. The
 * NUL at the end is no continuation byte. */
static size_t sequence(const char *s)
{
    const unsigned char *u = (const unsigned char *)s;
    if (u[0] < 0xC2 || (u[1] & 0xC0) != 0x80)
        return 0;
    if (u[0] < 0xE0)
        return 2;
    if ((u[2] & 0xC0) != 0x80)
        return 0;
    if (u[0] < 0xF0) {
        bool bad = (u[0] == 0xE0 && u[1] < 0xA0) || (u[0] == 0xED && u[1] > 0x9F);
        return bad ? 0 : 3;
    }
    bool bad = u[0] > 0xF4 || (u[3] & 0xC0) != 0x80 || (u[0] == 0xF0 && u[1] < 0x90) ||
               (u[0] == 0xF4 && u[1] > 0x8F);
    return bad ? 0 : 4;
}

/* Skips bytes that a string may hold as they are; returns at the first other one. */
static inline char *skip_plain(char *s, const char *end)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones * 0x80;
    while (end - s >= 8) {
        uint64_t w;
        memcpy(&w, s, 8);
        uint64_t quote = w ^ ones * '"', escape = w ^ ones * '\\';
        /* The lowest marked byte is right; those above it may be marked by a borrow. */
        uint64_t hit = ((w - ones * 0x20) & ~w) | ((quote - ones) & ~quote) |
                       ((escape - ones) & ~escape) | w;
        hit &= high;
        if (hit)
            return s + (__builtin_ctzll(hit) >> 3);
        s += 8;
    }
#else
    (void)end;
#endif
    while (classes[(unsigned char)*s] == PLAIN)
        s++;
    return s;
}

/* Reads the escape at *from (its backslash) into *to; false with p->at set if it is not one. */
static bool unescape(struct parser *p, char **from, char **to, uint8_t *flags)
{
    char *s = *from;
    char c = s[1];
    if (c == 'u') {
        int unit = hex4(s + 2);
        uint32_t cp = (uint32_t)unit;
        p->at = s;
        if (unit < 0 || (unit >= 0xDC00 && unit <= 0xDFFF))
            return false;
        s += 6;
        if (unit >= 0xD800 && unit <= 0xDBFF) {
            int low = s[0] == '\\' && s[1] == 'u' ? hex4(s + 2) : -1;
            if (low < 0xDC00 || low > 0xDFFF)
                return false;
            cp = 0x10000 + ((cp - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
            s += 6;
        }
        if (cp == 0)
            *flags |= GN_JSON_HAS_NUL;
        *to = put_utf8(*to, cp);
        *from = s;
        return true;
    }
    switch (c) {
    case '"':
    case '\\':
    case '/':
        break;
    case 'b':
        c = '\b';
        break;
    case 'f':
        c = '\f';
        break;
    case 'n':
        c = '\n';
        break;
    case 'r':
        c = '\r';
        break;
    case 't':
        c = '\t';
        break;
    default:
        p->at = s;
        return false;
    }
    *(*to)++ = c;
    *from = s + 2;
    return true;
}

/* s stands behind the opening quote. Returns behind the closing one; NULL after an error. */
static char *parse_string(struct parser *p, char *s, gantry_json *v)
{
    char *begin = s, *to = NULL; /* to: NULL until something had to be unescaped */
    uint8_t flags = 0;
    for (;;) {
        char *run = s;
        s = skip_plain(s, p->end);
        /* Bytes of longer characters belong to the run. */
        while (classes[(unsigned char)*s] == MULTI) {
            size_t n = sequence(s);
            if (n == 0) {
                fail_at(p, s, "invalid UTF-8");
                return NULL;
            }
            s = skip_plain(s + n, p->end);
        }
        if (to) {
            memmove(to, run, (size_t)(s - run));
            to += s - run;
        }
        if (*s == '"')
            break;
        if (*s != '\\') {
            fail_at(p, s, s == p->end ? "unterminated string" : "control character in a string");
            return NULL;
        }
        if (!to)
            to = s;
        if (!unescape(p, &s, &to, &flags)) {
            fail_at(p, p->at, "invalid escape");
            return NULL;
        }
    }
    char *stop = to ? to : s;
    *stop = '\0';
    v->type = GN_JSON_STRING;
    v->flags |= flags;
    v->text = begin;
    v->len = (uint32_t)(stop - begin);
    return s + 1;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Returns behind the number; NULL after an error. */
static char *parse_number(struct parser *p, char *s, gantry_json *v)
{
    char *begin = s;
    uint8_t integer = GN_JSON_INTEGER;
    if (*s == '-')
        s++;
    if (*s == '0') {
        s++;
    } else if (is_digit(*s)) {
        while (is_digit(*s))
            s++;
    } else {
        fail_at(p, s, "expected a digit");
        return NULL;
    }
    if (*s == '.') {
        integer = 0;
        s++;
        if (!is_digit(*s)) {
            fail_at(p, s, "expected a digit after the point");
            return NULL;
        }
        while (is_digit(*s))
            s++;
    }
    if (*s == 'e' || *s == 'E') {
        integer = 0;
        s++;
        if (*s == '+' || *s == '-')
            s++;
        if (!is_digit(*s)) {
            fail_at(p, s, "expected a digit in the exponent");
            return NULL;
        }
        while (is_digit(*s))
            s++;
    }
    v->type = GN_JSON_NUMBER;
    v->flags |= integer;
    v->text = begin;
    v->len = (uint32_t)(s - begin);
    return s;
}

static char *parse_word(struct parser *p, char *s, gantry_json *v)
{
    static const struct {
        char text[6];
        uint8_t len, type;
    } words[] = {{"null", 4, GN_JSON_NULL}, {"true", 4, GN_JSON_TRUE}, {"false", 5, GN_JSON_FALSE}};
    for (size_t i = 0; i < GN_COUNT(words); i++) {
        /* strncmp stops at the NUL behind the text. */
        if (strncmp(s, words[i].text, words[i].len) == 0) {
            v->type = words[i].type;
            return s + words[i].len;
        }
    }
    fail_at(p, s, "expected a value");
    return NULL;
}

static inline char *skip_space(char *s)
{
    while (*s == ' ' || *s == '\n' || *s == '\r' || *s == '\t')
        s++;
    return s;
}

static int parse(struct parser *p)
{
    struct gn_json_doc *doc = p->doc;
    uint32_t parent = NO_PARENT, depth = 0;
    uint8_t flags = 0; /* of the value that comes next */
    char *s = p->start;
    int rc;

value:
    s = skip_space(s);
node:; /* s stands on the value or, in an object, on the name */
    if (__builtin_expect(doc->count == doc->cap, 0) && (rc = grow_nodes(p)) != 0)
        return rc;
    gantry_json *v = &doc->nodes[doc->count];
    *v = (gantry_json){.flags = flags, .skip = 1};
    char c = *s;
    if (c == '"') {
        s = parse_string(p, s + 1, v);
    } else if (c == '{' || c == '[') {
        if (++depth > p->max_depth)
            return gn_error_set(p->err, GN_ETOOBIG, "JSON is nested deeper than %u at byte %zu",
                                p->max_depth, (size_t)(s - p->start));
        v->type = c == '{' ? GN_JSON_OBJECT : GN_JSON_ARRAY;
        v->skip = parent;
        parent = (uint32_t)doc->count++;
        s = skip_space(s + 1);
        if (*s == (c == '{' ? '}' : ']'))
            goto close;
        flags = 0;
        if (c == '[')
            goto node;
        goto name;
    } else if (c == '-' || is_digit(c)) {
        s = parse_number(p, s, v);
    } else {
        s = parse_word(p, s, v);
    }
    if (!s)
        return GN_EINVAL;
    doc->count++;

after:
    if (parent == NO_PARENT) {
        s = skip_space(s);
        return s == p->end ? 0 : fail_at(p, s, "expected the end");
    }
    doc->nodes[parent].len++;
    s = skip_space(s);
    bool in_object = doc->nodes[parent].type == GN_JSON_OBJECT;
    if (*s == ',') {
        if (!in_object)
            goto comma;
        s = skip_space(s + 1);
        goto name;
    }
    if (*s != (in_object ? '}' : ']'))
        return fail_at(p, s, in_object ? "expected ',' or '}'" : "expected ',' or ']'");

close:;
    gantry_json *open = &doc->nodes[parent];
    uint32_t outer = open->skip;
    open->skip = (uint32_t)doc->count - parent;
    parent = outer;
    depth--;
    s++;
    goto after;

comma:
    s++;
    flags = 0;
    goto value;

name:
    if (*s != '"')
        return fail_at(p, s, "expected a member name in quotes");
    if (__builtin_expect(doc->count == doc->cap, 0) && (rc = grow_nodes(p)) != 0)
        return rc;
    gantry_json *name = &doc->nodes[doc->count];
    *name = (gantry_json){.skip = 1};
    s = parse_string(p, s + 1, name);
    if (!s)
        return GN_EINVAL;
    doc->count++;
    s = skip_space(s);
    if (*s != ':')
        return fail_at(p, s, "expected ':'");
    s++;
    flags = GN_JSON_MEMBER;
    goto value;
}

int gn_json_parse(struct gn_json_doc *doc, char *text, size_t len,
                  const struct gn_json_limits *limits, struct gn_error *err)
{
    *doc = (struct gn_json_doc){0};
    if (len >= UINT32_MAX)
        return gn_error_set(err, GN_ETOOBIG, "JSON of %zu bytes is too long", len);
    struct parser p = {.doc = doc, .start = text, .end = text + len, .err = err};
    p.max_depth = limits && limits->max_depth ? limits->max_depth : DEFAULT_DEPTH;
    p.max_depth = GN_MIN(p.max_depth, (uint32_t)GN_JSON_MAX_DEPTH);
    p.max_nodes = limits && limits->max_nodes ? limits->max_nodes : DEFAULT_NODES;
    if (*p.end != '\0')
        *p.end = '\0'; /* not written otherwise: it may be read-only */
    /* Messages have a node for every eight bytes or so. */
    doc->cap = GN_MIN(len / 8 + 8, (size_t)8192);
    doc->cap = GN_MIN(doc->cap, (size_t)p.max_nodes);
    doc->nodes = gn_malloc(doc->cap * sizeof(*doc->nodes));
    int rc = parse(&p);
    if (rc)
        gn_json_release(doc);
    else
        doc->text = text;
    return rc;
}

int gn_json_parse_copy(struct gn_json_doc *doc, const char *text, size_t len,
                       const struct gn_json_limits *limits, struct gn_error *err)
{
    *doc = (struct gn_json_doc){0};
    char *copy = len < UINT32_MAX ? gn_try_malloc(len + 1) : NULL;
    if (!copy)
        return gn_error_set(err, GN_ETOOBIG, "JSON of %zu bytes is too long", len);
    if (len)
        memcpy(copy, text, len);
    copy[len] = '\0';
    int rc = gn_json_parse(doc, copy, len, limits, err);
    if (rc)
        gn_free(copy);
    else
        doc->own_text = true;
    return rc;
}

const gantry_json *gn_json_parse_arena(struct gn_arena *arena, const char *text, size_t len,
                                       struct gn_error *err)
{
    struct gn_json_doc doc;
    char *copy = gn_arena_strndup(arena, text, len);
    if (!copy) {
        gn_error_set(err, GN_ETOOBIG, "JSON of %zu bytes is too long", len);
        return NULL;
    }
    if (gn_json_parse(&doc, copy, len, NULL, err) != 0)
        return NULL;
    gantry_json *nodes = gn_arena_alloc(arena, doc.count * sizeof(*nodes));
    if (nodes)
        memcpy(nodes, doc.nodes, doc.count * sizeof(*nodes));
    else
        gn_error_set(err, GN_ETOOBIG, "no room for %zu JSON values", doc.count);
    gn_json_release(&doc);
    return nodes;
}

void gn_json_release(struct gn_json_doc *doc)
{
    gn_free(doc->nodes);
    if (doc->own_text)
        gn_free(doc->text);
    *doc = (struct gn_json_doc){0};
}
