/* transform_search.c - what it costs to search the tools of a host: run by bench.py.
 *
 *   transform_search TOOLS QUERIES
 *
 * Makes a registry of so many tools as they are met in the wild (a name of three words, two
 * sentences, five arguments with a sentence each), its index, and asks it for what they do. Prints
 * one JSON object: milliseconds for the index, its bytes, microseconds for one query. Exit code 1
 * if a tool is not the first that is found by its own words.
 */
#include "registry/search_index.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ARGUMENTS 5
#define TOOLS_MAX 100000

static const char *const verbs[] = {"list",   "get",     "create", "update", "delete",
                                    "search", "send",    "export", "merge",  "archive",
                                    "assign", "publish", "render"};
static const char *const things[] = {"issue",    "invoice",   "customer", "repository", "branch",
                                     "calendar", "event",     "message",  "channel",    "document",
                                     "page",     "dashboard", "metric",   "alert",      "contact",
                                     "order",    "shipment"};
static const char *const words[] = {
    "identifier", "of",       "the",      "workspace", "that",     "owns",   "it",      "as",
    "returned",   "by",       "maximum",  "number",    "results",  "to",     "return",  "filter",
    "expression", "optional", "cursor",   "from",      "previous", "page",   "include", "archived",
    "entries",    "ISO",      "8601",     "timestamp", "whether",  "notify", "members", "about",
    "this",       "change",   "language", "format",    "output"};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "transform_search: %s\n", what);
    exit(1);
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* The same ones in each run. */
static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

#define PICK(array, seed) (array)[next(seed) % GN_COUNT(array)]

static void add_sentence(struct gn_buf *out, uint32_t *seed)
{
    for (int i = 0; i < 10; i++)
        gn_buf_addf(out, "%s%s", i ? " " : "", PICK(words, seed));
}

static struct gn_component *make_tool(size_t i, uint32_t *seed)
{
    struct gn_component *c = gn_component_new(GN_TOOL);
    struct gn_buf text = GN_BUF_INIT(1 << 20);
    const char *verb = PICK(verbs, seed), *thing = PICK(things, seed);
    c->key = gn_format("service%zu_%s_%s", i, verb, thing);
    c->name = gn_strdup(c->key);
    gn_buf_addf(&text, "%s a %s of service%zu. ", verb, thing, i);
    add_sentence(&text, seed);
    c->description = gn_buf_take(&text, NULL);
    gn_buf_init(&text, 1 << 20);
    gn_buf_adds(&text, "{\"type\":\"object\",\"properties\":{");
    for (int a = 0; a < ARGUMENTS; a++) {
        gn_buf_addf(&text, "%s\"%s_%d\":{\"type\":\"string\",\"description\":\"", a ? "," : "",
                    PICK(words, seed), a);
        add_sentence(&text, seed);
        gn_buf_adds(&text, "\"}");
    }
    gn_buf_adds(&text, "}}");
    c->input_text = gn_buf_take(&text, NULL);
    return c;
}

static struct gn_registry *make_registry(size_t count)
{
    struct gn_registry *r = gn_registry_new();
    struct gn_edit *e = gn_edit_begin(r);
    uint32_t seed = 1;
    for (size_t i = 0; i < count; i++) {
        struct gn_component *c = make_tool(i, &seed);
        if (gn_edit_add(e, c, NULL))
            die("a tool was refused");
        gn_component_unref(c);
    }
    (void)gn_edit_commit(e);
    return r;
}

static bool leave_out(const struct gn_component *c)
{
    (void)c;
    return false;
}

static void ask(const struct gn_search *search, size_t i)
{
    struct gn_bm25_hit *hits;
    char query[128];
    int len = snprintf(query, sizeof query, "the service%zu that returns a page", i);
    size_t count = gn_bm25_search(search->index, query, (size_t)len, &hits);
    char wanted[64];
    snprintf(wanted, sizeof wanted, "service%zu_", i);
    if (!count || !gn_starts_with(search->v[hits[0].doc]->key, wanted))
        die("another tool was found first");
    gn_free(hits);
}

int main(int argc, char **argv)
{
    size_t tools = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
    size_t queries = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    if (!tools || tools > TOOLS_MAX || !queries)
        die("usage: transform_search TOOLS QUERIES");
    struct gn_registry *r = make_registry(tools);
    double began = now_us();
    struct gn_search *search = gn_search_of(gn_registry_current(r), leave_out);
    double built = now_us();
    for (size_t i = 0; i < queries; i++)
        ask(search, i * 7919 % tools);
    double ended = now_us();
    printf("{\"tools\":%zu,\"index_ms\":%.2f,\"index_bytes\":%zu,\"query_us\":%.1f}\n", tools,
           (built - began) / 1e3,
           gn_bm25_bytes(search->index) + tools * sizeof(struct gn_component *),
           (ended - built) / (double)queries);
    gn_registry_free(r);
    return 0;
}
