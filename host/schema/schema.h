/* schema.h - JSON Schema: a compiler from schema to a compact program, and what runs it.
 *
 * Dialects: 2020-12 (https://json-schema.org/draft/2020-12), 2019-09 and draft-07, chosen by
 * `$schema`; any other is refused. All required vocabularies are there. `format` is an annotation
 * unless options ask for more; the keywords of content are annotations always.
 *
 * Nothing is ever fetched: `$ref` finds the schema itself, what it embeds, the dialects' own
 * meta-schemas, and the documents that the options name; else compiling fails. Everything is
 * bounded, at compiling and at running.
 *
 * A compiled schema is immutable: run it from any thread, as often as at once.
 */
#ifndef GN_SCHEMA_SCHEMA_H
#define GN_SCHEMA_SCHEMA_H

#include "schema/problems.h"
#include "util/arena.h"
#include "util/error.h"
#include "json/json.h"

struct gn_schema;

enum gn_dialect {
    GN_DIALECT_2020_12,
    GN_DIALECT_2019_09,
    GN_DIALECT_DRAFT_07,
};
/* "2020-12", "2019-09", "draft-07", or the URI of the meta-schema: false if it is none. */
bool gn_dialect_parse(const char *name, enum gn_dialect *ret);

/* A document that references may name by its absolute URI. Borrowed while compiling. */
struct gn_schema_document {
    const char *uri;
    const gantry_json *root;
};

struct gn_schema_options {
    enum gn_dialect dialect;                    /* of a document without `$schema` */
    bool assert_formats;                        /* `format` refuses what it knows (format.h) */
    const struct gn_schema_document *documents; /* sorted or not; NULL: none */
    size_t document_count;
    uint32_t max_bytes;      /* of the text; 0: 4 MiB */
    uint32_t max_subschemas; /* compiled, referenced documents included; 0: 20,000 */
};

/* Compiles a schema (an object or a boolean). GN_EINVAL: not JSON, not a schema, unknown dialect, a
 * reference that leads nowhere, with the place as a JSON Pointer; GN_ENOTSUP: a vocabulary or an
 * expression that is not supported; GN_ETOOBIG: over a limit. The text is copied. options may be
 * NULL; *ret is owned by the caller. [any thread] */
GN_NODISCARD int gn_schema_compile(const char *text, size_t len,
                                   const struct gn_schema_options *options, struct gn_schema **ret,
                                   struct gn_error *err);
void gn_schema_free(struct gn_schema *s);

/* The schema as it was written; lives as long as s. */
const gantry_json *gn_schema_root(const struct gn_schema *s);

/* Types of values as a set. A number without fraction has both number bits, so that a schema for
 * integers tests one bit. */
enum gn_types {
    GN_NULL = 1,
    GN_BOOL = 2,
    GN_WHOLE = 4,    /* numbers that are integers */
    GN_FRACTION = 8, /* numbers that are not */
    GN_TEXTS = 16,
    GN_ARRAYS = 32,
    GN_OBJECTS = 64,
    GN_NUMBERS = GN_WHOLE | GN_FRACTION,
    GN_EVERY = 127,
};

/* The types that it lets through, as a set (enum gn_types): perhaps more, never less, than those
 * that have a value which satisfies it. [any thread] */
uint32_t gn_schema_types(const struct gn_schema *s);

/* Steps that one run may take, and more for each value within the value, so that a large one is not
 * refused for its size. A step is about a keyword or a member looked at. */
#define GN_SCHEMA_STEPS UINT64_C(5000000)
#define GN_SCHEMA_STEPS_EACH 20

/* Bytes of stack that a run may take, and some 64 KiB more for words and patterns: it is not for
 * coroutines. Nodes a thousand deep take two thirds of that at most; sanitized builds take more. */
#define GN_SCHEMA_STACK ((size_t)1024 * 1024)

/* 0: the value satisfies the schema. GN_EINVAL: it does not; each failing place is noted, at most
 * 20 of them. GN_ETOOBIG: more steps or deeper nesting than allowed, noted too. problems may be
 * NULL: then it stops at the first. max_steps 0: as above. [any thread] */
int gn_schema_validate(const struct gn_schema *s, const gantry_json *value, uint64_t max_steps,
                       struct gn_problems *problems);

/* What a value may be read as, where the schema has no place for what it is. */
enum gn_coerce {
    GN_COERCE_NULLS = 1, /* null for a property that may be missing counts as missing */
    GN_COERCE_TEXT = 2, /* "5" becomes 5, "true" (in any case) true, "null" null, and the text of an
                           array or an object what it holds: only if the schema has no place for a
                           string, and has one for what the text holds */
    GN_COERCE_ALL = 4,  /* every value arrives as a string (prompts, URI variables): text is also
                           read where the schema says nothing of the type, and "" counts as null
                           where the schema has no place for it */
};
/* The value, or a copy in the arena with all that can be coerced coerced; the text of strings stays
 * the original's, so the copy lives as long as both. It says nothing about validity: validate what
 * it returns. NULL with err set: the arena is full. [any thread] */
const gantry_json *gn_schema_coerce(const struct gn_schema *s, const gantry_json *value,
                                    uint32_t flags, struct gn_arena *arena, struct gn_error *err);

/* Writes the schema without `$ref` and `$defs`, for clients that cannot follow them: each reference
 * is replaced by what it names; annotations beside it win, other keywords beside it go with it into
 * allOf. A cycle ends in a description of what would repeat, any value of its type allowed (below
 * `not`, oneOf and maxContains that refuses more, else less).
 * GN_ETOOBIG: it would take more than max_bytes; GN_ENOTSUP: it mixes dialects, which only
 * references can do, or has a name with U+0000. out is unchanged then. [any thread] */
int gn_schema_write_dereferenced(const struct gn_schema *s, size_t max_bytes, struct gn_buf *out);

#endif
