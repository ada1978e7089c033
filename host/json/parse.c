/* parse.c - the one-pass parser: grammar, UTF-8, depth and size are checked while the index is
 * written.
 *
 * It needs no stack: while a container is open, its `skip` holds the index of its parent. And it
 * seldom asks for the end: the NUL behind the text is no part of any token, so that loops over
 * digits or blanks stop there by themselves; whether that NUL is the end or a stray byte matters
 * only to the message.
 */
#include "json/json.h"

#include "util/alloc.h"
#include "util/str.h"
#include "json/scan.h"

#include <string.h>

#define DEFAULT_DEPTH 128
#define DEFAULT_NODES 1000000
#define NO_PARENT UINT32_MAX
/* glibc takes pieces up to 1032 bytes from a cache of the thread; others cost ten times that. */
#define CACHED_NODES (1032 / sizeof(gantry_json))

struct parser {
    struct gn_json_doc *doc;
    char *start, *end; /* *end is NUL */
    char *at;          /* the escape that is wrong */
    uint32_t max_depth, max_nodes;
    bool too_big; /* why it failed */
    struct gn_error *err;
};

static void fail_at(struct parser *p, const char *at, const char *what)
{
    size_t offset = (size_t)(at - p->start);
    unsigned char c = (unsigned char)*at;
    if (at == p->end)
        gn_error_set(p->err, GN_EINVAL, "not JSON: %s at byte %zu, where the text ends", what,
                     offset);
    else if (c > 0x20 && c < 0x7F)
        gn_error_set(p->err, GN_EINVAL, "not JSON: %s at byte %zu, found '%c'", what, offset, c);
    else
        gn_error_set(p->err, GN_EINVAL, "not JSON: %s at byte %zu, found byte 0x%02X", what, offset,
                     c);
}

static void fail_limit(struct parser *p, const char *what, size_t limit)
{
    p->too_big = true;
    gn_error_set(p->err, GN_ETOOBIG, "JSON %s %zu", what, limit);
}

static bool grow_nodes(struct parser *p)
{
    struct gn_json_doc *doc = p->doc;
    if (doc->count >= p->max_nodes) {
        fail_limit(p, "has more values than", p->max_nodes);
        return false;
    }
    size_t cap = GN_MIN(doc->cap * 2, (size_t)p->max_nodes);
    gantry_json *nodes = gn_try_realloc(doc->nodes, cap * sizeof(*nodes));
    if (!nodes) {
        fail_limit(p, "does not fit into memory, values so far:", doc->count);
        return false;
    }
    doc->nodes = nodes;
    doc->cap = cap;
    return true;
}

/* The value of a hexadecimal digit plus one; 0: it is none. */
static const uint8_t hex_digits[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

/* Stops at what is no digit, and so at the NUL at the end. */
static int hex4(const char *s)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digits[(unsigned char)s[i]];
        if (digit == 0)
            return -1;
        value = value << 4 | (digit - 1);
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
        s += gn_json_skip_plain(s, p->end) - s;
        while ((unsigned char)*s >= 0x80) { /* longer characters belong to the run */
            size_t n = gn_utf8_sequence(s, (size_t)(p->end - s));
            if (n == 0) {
                fail_at(p, s, "invalid UTF-8");
                return NULL;
            }
            s += n;
            s += gn_json_skip_plain(s, p->end) - s;
        }
        if (to && s > run) {
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

/* A new node at the end of the index; NULL after an error. Moves the nodes. */
static inline gantry_json *add_node(struct parser *p, uint8_t flags)
{
    struct gn_json_doc *doc = p->doc;
    if (__builtin_expect(doc->count == doc->cap, 0) && !grow_nodes(p))
        return NULL;
    gantry_json *v = &doc->nodes[doc->count++];
    *v = (gantry_json){.flags = flags, .skip = 1};
    return v;
}

/* s stands where a member must begin. Reads its name; returns where its value begins. */
static char *parse_name(struct parser *p, char *s)
{
    if (*s != '"') {
        fail_at(p, s, "expected a member name in quotes");
        return NULL;
    }
    gantry_json *name = add_node(p, 0);
    s = name ? parse_string(p, s + 1, name) : NULL;
    if (!s)
        return NULL;
    s = skip_space(s);
    if (*s != ':') {
        fail_at(p, s, "expected ':'");
        return NULL;
    }
    return skip_space(s + 1);
}

/* Reads the whole text; false after an error. Each turn of the outer loop reads one value or the
 * beginning of a container, each turn of the inner one what may follow a value. */
static bool parse_text(struct parser *p)
{
    struct gn_json_doc *doc = p->doc;
    uint32_t parent = NO_PARENT, depth = 0;
    uint8_t flags = 0; /* of the value that comes next */
    char *s = skip_space(p->start);
    for (;;) {
        gantry_json *v = add_node(p, flags);
        if (!v)
            return false;
        char c = *s;
        bool complete = true;
        if (c == '"') {
            s = parse_string(p, s + 1, v);
        } else if (c == '{' || c == '[') {
            if (++depth > p->max_depth) {
                fail_limit(p, "is nested deeper than", p->max_depth);
                return false;
            }
            v->type = c == '{' ? GN_JSON_OBJECT : GN_JSON_ARRAY;
            v->skip = parent;
            parent = (uint32_t)(v - doc->nodes);
            s = skip_space(s + 1);
            complete = false;
            if (*s != (c == '{' ? '}' : ']')) {
                flags = c == '{' ? GN_JSON_MEMBER : 0;
                if (c == '{' && !(s = parse_name(p, s)))
                    return false;
                continue;
            }
        } else if (c == '-' || is_digit(c)) {
            s = parse_number(p, s, v);
        } else {
            s = parse_word(p, s, v);
        }
        if (!s)
            return false;

        for (;;) {
            if (complete && parent == NO_PARENT) {
                s = skip_space(s);
                if (s != p->end)
                    fail_at(p, s, "expected the end");
                return s == p->end;
            }
            gantry_json *open = &doc->nodes[parent];
            bool in_object = open->type == GN_JSON_OBJECT;
            if (complete) {
                open->len++;
                s = skip_space(s);
                if (*s == ',') {
                    s = skip_space(s + 1);
                    if (in_object && !(s = parse_name(p, s)))
                        return false;
                    flags = in_object ? GN_JSON_MEMBER : 0;
                    break;
                }
                if (*s != (in_object ? '}' : ']')) {
                    fail_at(p, s, in_object ? "expected ',' or '}'" : "expected ',' or ']'");
                    return false;
                }
            }
            /* The container ends here: its skip changes its meaning. */
            s++;
            depth--;
            uint32_t outer = open->skip;
            open->skip = (uint32_t)doc->count - parent;
            parent = outer;
            complete = true;
        }
    }
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
    /* Messages have a node for every ten bytes or so. */
    doc->cap = GN_MIN(len / 8 + 8, (size_t)8192);
    if (doc->cap > CACHED_NODES && doc->cap < 2 * CACHED_NODES)
        doc->cap = CACHED_NODES;
    doc->cap = GN_MIN(doc->cap, (size_t)p.max_nodes);
    doc->nodes = gn_malloc(doc->cap * sizeof(*doc->nodes));
    if (!parse_text(&p)) {
        gn_json_release(doc);
        return p.too_big ? GN_ETOOBIG : GN_EINVAL;
    }
    doc->text = text;
    return 0;
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
    gn_assert(doc.nodes); /* there is one value at least */
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
