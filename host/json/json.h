/* json.h - JSON values as gantry sees them on the wire.
 *
 * A document is a flat array of nodes in reading order (pre-order) over the received bytes: one
 * pass checks grammar, UTF-8, depth and size, and writes the index; nothing else is allocated.
 * The text is the document's own and is changed in place: strings are unescaped where they stand
 * and get a NUL in place of their closing quote, so a string value is a C string without a copy.
 * Numbers keep their characters, so integers to 64 bits are exact and others lose nothing until
 * they are asked for as a double.
 *
 *     [ {"a": [1, "x"]} ]     nodes: ARRAY OBJECT STRING(a) ARRAY NUMBER STRING(x)
 *                             skip:  6     5      1         3     1      1
 *
 * Why not unescape only when asked: an escape must be checked and hence read anyway, and writing it
 * out on the way costs some 30 instructions for each and next to nothing where there is none (a
 * tools/call of 286 bytes: 4,070 instead of 3,986; one of 1,092 bytes with 111 escapes: 12,959
 * instead of 9,527). Later it would be a second walk over the string, need memory, and every
 * reader, from member lookup to equality, would meet two kinds of strings.
 *
 * A member of an object is two subtrees: its name (a STRING node) and its value. `skip` is the
 * number of nodes in a subtree, so the next sibling is `node + node->skip`.
 *
 * Grammar: RFC 8259, strictly. Duplicate member names are accepted, the last one counts (as every
 * JavaScript peer sees it). A lone surrogate escape is refused, as is invalid UTF-8; "\u0000" is
 * accepted (length says so). NaN, comments, trailing commas, a byte order mark are refused.
 *
 * Nodes are immutable after parsing and may be read from any thread; lifetime is the document's.
 */
#ifndef GN_JSON_JSON_H
#define GN_JSON_JSON_H

#include "util/arena.h"
#include "util/buf.h"
#include "util/error.h"

#include <jansson.h>

enum gn_json_type {
    GN_JSON_NULL = 1,
    GN_JSON_FALSE,
    GN_JSON_TRUE,
    GN_JSON_NUMBER,
    GN_JSON_STRING,
    GN_JSON_ARRAY,
    GN_JSON_OBJECT,
};

enum gn_json_flags {
    GN_JSON_INTEGER = 1, /* NUMBER written without fraction and exponent */
    GN_JSON_MEMBER = 2,  /* value of an object member: the node before it is its name */
    GN_JSON_HAS_NUL = 4, /* STRING that contains U+0000 */
};

typedef struct gantry_json {
    uint8_t type, flags;
    uint16_t reserved;
    uint32_t skip;    /* nodes in this subtree, itself included */
    uint32_t len;     /* STRING, NUMBER: bytes; ARRAY: elements; OBJECT: members */
    const char *text; /* STRING: unescaped, NUL-terminated; NUMBER: its characters, no NUL */
} gantry_json;

/* No limit may be set higher: reading functions may recurse as deep as a document is. */
#define GN_JSON_MAX_DEPTH 512

struct gn_json_limits {
    uint32_t max_depth; /* nesting of arrays and objects; 0: 128; GN_JSON_MAX_DEPTH at most */
    uint32_t max_nodes; /* 0: 1,000,000 */
};

struct gn_json_doc {
    gantry_json *nodes; /* root is nodes[0] */
    size_t count, cap;
    char *text; /* owned if own_text */
    bool own_text;
};

/* Parses text[0..len), which must stay valid and belongs to the document in the sense that it is
 * overwritten; text[len] must be writable or hold a NUL. Codes: GN_EINVAL not JSON, GN_ETOOBIG over
 * a limit; the message says what and at which byte. On failure the document is empty. */
GN_NODISCARD int gn_json_parse(struct gn_json_doc *doc, char *text, size_t len,
                               const struct gn_json_limits *limits, struct gn_error *err);
/* The same on a private copy of the text. */
GN_NODISCARD int gn_json_parse_copy(struct gn_json_doc *doc, const char *text, size_t len,
                                    const struct gn_json_limits *limits, struct gn_error *err);
/* A private copy whose nodes and text live in the arena; NULL with err set if it is not JSON. */
const gantry_json *gn_json_parse_arena(struct gn_arena *arena, const char *text, size_t len,
                                       struct gn_error *err);
void gn_json_release(struct gn_json_doc *doc);
static inline const gantry_json *gn_json_root(const struct gn_json_doc *doc)
{
    return doc->count ? doc->nodes : NULL;
}

/* Reading. Every function accepts NULL and nodes of any type, and then answers "not there". */
static inline int gn_json_type(const gantry_json *v)
{
    return v ? v->type : 0;
}
const char *gn_json_type_name(const gantry_json *v); /* "object", ..., "integer"; NULL: "nothing" */
const gantry_json *gn_json_get(const gantry_json *object, const char *name);
const gantry_json *gn_json_getn(const gantry_json *object, const char *name, size_t len);
const gantry_json *gn_json_at(const gantry_json *array, size_t index);
size_t gn_json_count(const gantry_json *v); /* elements or members, else 0 */
/* First child with prev = NULL, then the next; NULL at the end. For objects: the values. */
const gantry_json *gn_json_next(const gantry_json *parent, const gantry_json *prev);
/* The name under which an object holds v; NULL if v is not a member. */
const char *gn_json_name(const gantry_json *v, size_t *ret_len);
/* The characters of a STRING, else NULL. ret_len may be NULL. */
const char *gn_json_str(const gantry_json *v, size_t *ret_len);
/* As gn_json_str, but NULL if it contains NUL. */
const char *gn_json_cstr(const gantry_json *v);
bool gn_json_streq(const gantry_json *v, const char *s);
/* True if v is a number with an integral value (5, 5.0, 5e0) that fits. */
bool gn_json_int(const gantry_json *v, int64_t *ret);
bool gn_json_num(const gantry_json *v, double *ret); /* any finite number */
bool gn_json_bool(const gantry_json *v, bool *ret);
/* Value equality as JSON Schema has it: 1 equals 1.0, member order does not count, of equal names
 * the last one does. Nothing is allocated for objects of up to 16 members. */
bool gn_json_equal(const gantry_json *a, const gantry_json *b);
/* Equal values have equal hashes, other values different ones as far as chance goes. With a random
 * seed nobody can choose values that collide. Takes time in proportion to the size of the value
 * (n log n for the members of large objects); NULL is a value of its own. */
uint64_t gn_json_hash(const gantry_json *v, uint64_t seed);

/* Numbers as exact decimals, whatever their size and notation (an exponent beyond 10^18 counts as
 * 10^18). -1, 0, 1 as a is less than, equal to or greater than b; both are NUMBERs. */
int gn_json_compare(const gantry_json *a, const gantry_json *b);
/* A number with an integral value: 5, 5.0, 1e400. */
bool gn_json_is_whole(const gantry_json *v);
/* 1 if value is an integral multiple of divisor (0.0075 of 0.0001; 0 of all), 0 if not or if they
 * are no numbers or divisor is not positive. Takes its work off *steps, one or a few for numbers of
 * usual length; GN_ETOOBIG with *steps = 0 if they do not suffice. */
int gn_json_multiple_of(const gantry_json *value, const gantry_json *divisor, uint64_t *steps);

/* Writing a value back: compact, members in order. */
int gn_json_write(struct gn_buf *out, const gantry_json *v);
/* A JSON string literal, quotes included. Invalid UTF-8 is replaced by U+FFFD. */
int gn_json_write_str(struct gn_buf *out, const char *s, size_t len);
/* Shortest form that reads back to the same double; GN_EINVAL (writes null) if not finite. */
int gn_json_write_num(struct gn_buf *out, double v);

/* A writer that puts the commas: straight into a buffer, no tree. `name` is NULL in arrays and at
 * the top. Depth is bounded; misuse is an assertion. */
#define GN_JW_DEPTH 130
struct gn_jw {
    struct gn_buf *out;
    uint32_t depth;
    bool more[GN_JW_DEPTH]; /* per level: something stands there already */
    bool is_object[GN_JW_DEPTH];
};
void gn_jw_init(struct gn_jw *w, struct gn_buf *out);
void gn_jw_object(struct gn_jw *w, const char *name);
void gn_jw_array(struct gn_jw *w, const char *name);
void gn_jw_end(struct gn_jw *w);
void gn_jw_str(struct gn_jw *w, const char *name, const char *s); /* NULL writes null */
void gn_jw_strn(struct gn_jw *w, const char *name, const char *s, size_t len);
void gn_jw_int(struct gn_jw *w, const char *name, int64_t v);
void gn_jw_num(struct gn_jw *w, const char *name, double v);
void gn_jw_bool(struct gn_jw *w, const char *name, bool v);
void gn_jw_null(struct gn_jw *w, const char *name);
void gn_jw_json(struct gn_jw *w, const char *name, const gantry_json *v);
void gn_jw_raw(struct gn_jw *w, const char *name, const char *json, size_t len); /* already JSON */

/* jansson: for configuration, schema documents and tools. */
/* A new reference; NULL if v is NULL or holds a number that no double can hold (1e999). Integers
 * that fit int64 stay integers, all other numbers become reals. Of equal names the last counts. */
json_t *gn_json_to_jansson(const gantry_json *v);
/* The document owns its text. GN_ETOOBIG over GN_JSON_MAX_DEPTH, 1,000,000 values or 256 MiB. */
int gn_json_from_jansson(struct gn_json_doc *doc, const json_t *v, struct gn_error *err);

#endif
