/* search_index.c - what is looked at when tools are searched: name, title, description and tags,
 * then the names, descriptions and choices of all arguments, at any depth, as the tool lists them.
 */
#include "registry/search_index.h"

#include "util/alloc.h"
#include "util/str.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

/* What a word counts, by where it stands. */
#define IN_NAME 5
#define IN_TITLE 3
#define IN_DESCRIPTION 2
#define IN_TAG 2
#define IN_ARGUMENT_NAME 2
#define IN_ARGUMENT 1

#define SCHEMA_DEPTH 8
/* All tools share so many words, whatever they say; each has room for its name and some more. */
#define ALL_WORDS 1000000
#define WORDS_MAX 2000
#define WORDS_MIN 100

static void add_text(struct gn_bm25 *ix, const char *text, uint32_t weight)
{
    if (text)
        gn_bm25_add(ix, text, strlen(text), weight);
}

static void add_value(struct gn_bm25 *ix, const gantry_json *v, uint32_t weight)
{
    size_t len = 0;
    const char *text = gn_json_str(v, &len);
    if (text)
        gn_bm25_add(ix, text, len, weight);
}

static void add_schema(struct gn_bm25 *ix, const gantry_json *schema, int depth);

static void add_properties(struct gn_bm25 *ix, const gantry_json *properties, int depth)
{
    for (const gantry_json *v = NULL; (v = gn_json_next(properties, v)) != NULL;) {
        size_t len = 0;
        const char *name = gn_json_name(v, &len);
        if (!name)
            continue;
        gn_bm25_add(ix, name, len, IN_ARGUMENT_NAME);
        add_schema(ix, v, depth);
    }
}

/* Schemas within a keyword: one, or several in an array or object. */
static void add_parts(struct gn_bm25 *ix, const gantry_json *schema, const char *keyword, int depth)
{
    const gantry_json *v = gn_json_get(schema, keyword);
    bool is_one = gn_streq(keyword, "items") && gn_json_type(v) == GN_JSON_OBJECT;
    if (is_one)
        add_schema(ix, v, depth);
    for (const gantry_json *part = NULL; !is_one && (part = gn_json_next(v, part)) != NULL;)
        add_schema(ix, part, depth);
}

static void add_schema(struct gn_bm25 *ix, const gantry_json *schema, int depth)
{
    static const char *const parts[] = {"items", "anyOf", "oneOf", "allOf", "$defs"};
    if (depth >= SCHEMA_DEPTH || gn_json_type(schema) != GN_JSON_OBJECT)
        return;
    if (depth > 0) {
        add_value(ix, gn_json_get(schema, "title"), IN_ARGUMENT);
        add_value(ix, gn_json_get(schema, "description"), IN_ARGUMENT);
    }
    const gantry_json *choices = gn_json_get(schema, "enum");
    for (const gantry_json *v = NULL; (v = gn_json_next(choices, v)) != NULL;)
        add_value(ix, v, IN_ARGUMENT);
    add_properties(ix, gn_json_get(schema, "properties"), depth + 1);
    for (size_t i = 0; i < GN_COUNT(parts); i++)
        add_parts(ix, schema, parts[i], depth + 1);
}

static void add_tool(struct gn_bm25 *ix, const struct gn_component *c)
{
    struct gn_json_doc doc = {0};
    gn_bm25_begin(ix);
    add_text(ix, c->name, IN_NAME);
    add_text(ix, c->title, IN_TITLE);
    add_text(ix, c->description, IN_DESCRIPTION);
    for (char **tag = c->tags; tag && *tag; tag++)
        add_text(ix, *tag, IN_TAG);
    if (c->input_text &&
        gn_json_parse_copy(&doc, c->input_text, strlen(c->input_text), NULL, NULL) == 0)
        add_schema(ix, gn_json_root(&doc), 0);
    gn_json_release(&doc);
}

static int compare_keys(const void *a, const void *b)
{
    const struct gn_component *const *x = a, *const *y = b;
    return strcmp((*x)->key, (*y)->key);
}

static struct gn_search *search_new(struct gn_snapshot *s,
                                    bool (*leave_out)(const struct gn_component *c))
{
    const struct gn_map *all = &s->kinds[GN_TOOL].by_key;
    struct gn_search *search = gn_calloc(1, sizeof *search);
    search->v = gn_calloc(all->count + 1, sizeof(struct gn_component *));
    void *c;
    for (size_t at = 0; gn_map_next(all, &at, NULL, &c);) {
        if (!leave_out(c))
            search->v[search->count++] = c;
    }
    qsort(search->v, search->count, sizeof(struct gn_component *), compare_keys);
    size_t share = ALL_WORDS / GN_MAX(search->count, (size_t)1);
    share = GN_MIN(GN_MAX(share, (size_t)WORDS_MIN), (size_t)WORDS_MAX);
    search->index = gn_bm25_new((uint32_t)share);
    for (size_t i = 0; i < search->count; i++)
        add_tool(search->index, search->v[i]);
    gn_bm25_finish(search->index);
    return search;
}

static void search_free(struct gn_search *search)
{
    gn_bm25_free(search->index);
    gn_free(search->v);
    gn_free(search);
}

struct gn_search *gn_search_of(struct gn_snapshot *s,
                               bool (*leave_out)(const struct gn_component *c))
{
    GN_CHECK(s, GN_SNAPSHOT_MAGIC);
    if (!s->search) {
        s->search = search_new(s, leave_out);
        s->free_search = search_free;
    }
    return s->search;
}
