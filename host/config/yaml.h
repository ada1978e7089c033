/* yaml.h - inside host/config: a YAML file as a tree that remembers lines.
 *
 * The part of YAML that configuration needs: mappings, sequences and scalars in one document.
 * Refused with a message: anchors and aliases (a small file could grow without bound), tags,
 * duplicate keys, several documents, more than GN_YAML_DEPTH levels or GN_YAML_NODES values.
 * Everything lives in the arena. [any thread]
 */
#ifndef GN_CONFIG_YAML_H
#define GN_CONFIG_YAML_H

#include "util/arena.h"
#include "util/buf.h"
#include "util/error.h"

#include <jansson.h>

#define GN_YAML_DEPTH 32
#define GN_YAML_NODES 100000
#define GN_YAML_ARENA (32u << 20) /* what the arena of one file should allow */

enum gn_yaml_kind { GN_YAML_TEXT = 1, GN_YAML_LIST, GN_YAML_MAP };

struct gn_yaml {
    enum gn_yaml_kind kind;
    int line;                     /* from 1; of the key, if there is one */
    bool quoted;                  /* TEXT in quotes or as a block: always a string */
    bool failed;                  /* TEXT with a variable that could not be replaced; it was told */
    const char *name;             /* the key under which a MAP holds it, else NULL */
    const char *text;             /* TEXT */
    struct gn_yaml *first, *next; /* children of a LIST or MAP, in order */
    struct gn_yaml **end;         /* where the next child goes */
    size_t count;
};

/* Where problems go: "FILE:LINE: KEY: what is wrong", one a line. */
struct gn_yaml_report {
    const char *file;
    struct gn_buf *problems;
    size_t count;
};
void gn_yaml_problem(struct gn_yaml_report *r, int line, const char *key, const char *fmt, ...)
    GN_PRINTF(4, 5);

/* Parses the text. NULL with nothing reported: it holds nothing. What is wrong goes to the report;
 * the tree then holds what came before. */
struct gn_yaml *gn_yaml_parse(struct gn_arena *arena, const char *text, size_t len,
                              struct gn_yaml_report *report);

/* Replaces ${VAR} and ${VAR:-default} in all texts below node; $${ stands for ${. */
void gn_yaml_expand(struct gn_arena *arena, struct gn_yaml *node, struct gn_yaml_report *report);

/* True for what YAML calls null: nothing, ~ or null, not quoted. */
bool gn_yaml_is_null(const struct gn_yaml *node);
/* As JSON: text that is not quoted becomes null, true, false or a number where it is written as
 * JSON has it, everything else a string. A new reference. */
json_t *gn_yaml_to_json(const struct gn_yaml *node);

#endif
