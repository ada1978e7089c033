/* lists.c - what lists of many tools cost behind transforms: run by bench.py, alone or under
 * callgrind.
 *
 *   lists list ROUNDS      tools/list: from the bytes of the message to those of the answer
 *   lists copy ROUNDS      copying as many bytes as that answer has
 *   lists ping ROUNDS      the shortest message and answer
 *   lists rebuild ROUNDS   one tool is replaced, and the snapshot built
 *   lists relist ROUNDS    the same, and the list written
 *
 * 2,000 tools of one plugin, ten transforms of the operator's. Prints one JSON object: operations
 * done, nanoseconds for one, bytes of the answer.
 */
#include "protocol/protocol.h"
#include "registry/transform.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TOOLS 2000
#define TRANSFORMS 10

static const char schema[] =
    "{\"type\":\"object\",\"properties\":{\"query\":{\"type\":\"string\",\"description\":"
    "\"What to look for\"},\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":100,"
    "\"default\":10},\"order\":{\"type\":\"string\",\"enum\":[\"newest\",\"oldest\"]}},"
    "\"required\":[\"query\"],\"additionalProperties\":false}";

struct bench {
    uv_loop_t uv;
    struct gn_call_env env;
    struct gn_registry *registry;
    struct gn_config *config;
    struct gn_protocol *protocol;
    struct gn_owner owner;
    struct gn_stream stream; /* a connection */
    size_t answered;         /* bytes of the last answer */
    char *text, *copy;       /* as many */
    size_t operations, changes;
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "lists: %s\n", what);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ---------------------------------------------------------------- tools */

static struct gn_component *make_tool(struct bench *b, size_t number)
{
    struct gn_component *c = gn_component_new(GN_TOOL);
    c->key = gn_format("search_%04zu", number);
    c->name = gn_strdup(c->key);
    c->title = gn_format("Search %zu", number);
    c->description = gn_format("Looks for what is asked for among the things of kind %zu, and says "
                               "what it has found (%zu changes)",
                               number, b->changes);
    c->input_text = gn_strdup(schema);
    c->tags = gn_calloc(3, sizeof(char *));
    c->tags[0] = gn_format("group%zu", number % 20);
    c->tags[1] = gn_strdup(number % 2 ? "odd" : "even");
    c->owner = &b->owner;
    return c;
}

static void put_tool(struct bench *b, struct gn_edit *e, size_t number)
{
    struct gn_component *c = make_tool(b, number);
    if (gn_edit_add(e, c, NULL))
        die("a tool could not be added");
    gn_component_unref(c);
}

static char **names(const char *name)
{
    char **v = gn_calloc(2, sizeof *v);
    v[0] = gn_strdup(name);
    return v;
}

/* Namespaces for some, another name for some, rules by tag and by name. All tools stay. */
static struct gn_transform *make_transform(size_t number)
{
    static const enum gn_transform_type types[] = {GN_TRANSFORM_NAMESPACE, GN_TRANSFORM_RENAME,
                                                   GN_TRANSFORM_DISABLE, GN_TRANSFORM_ENABLE,
                                                   GN_TRANSFORM_NAMESPACE};
    struct gn_transform *t = gn_transform_new(types[number % GN_COUNT(types)], "bench");
    GN_AUTO_FREE char *tag = gn_format("group%zu", number);
    t->order = number;
    t->match.kinds = 1u << GN_TOOL;
    switch (t->type) {
    case GN_TRANSFORM_NAMESPACE:
        t->prefix = gn_format("space%zu", number);
        t->match.tags = names(number % 2 ? "odd" : "even");
        break;
    case GN_TRANSFORM_RENAME:
        for (size_t i = number; i < TOOLS; i += 20) {
            GN_AUTO_FREE char *from = gn_format("search_%04zu", i);
            gn_map_put(&t->renames, from, gn_format("find_%zu_%04zu", number, i));
        }
        break;
    case GN_TRANSFORM_DISABLE:
        t->match.tags = names(tag);
        break;
    default:
        t->match.names = names("*");
        break;
    }
    return t;
}

static void fill(struct bench *b)
{
    struct gn_transform *transforms[TRANSFORMS];
    struct gn_edit *e = gn_edit_begin(b->registry);
    for (size_t i = 0; i < TOOLS; i++)
        put_tool(b, e, i);
    for (size_t i = 0; i < TRANSFORMS; i++)
        transforms[i] = make_transform(i);
    gn_edit_transforms(e, NULL, transforms, TRANSFORMS);
    gn_edit_commit(e);
    for (size_t i = 0; i < TRANSFORMS; i++)
        gn_transform_unref(transforms[i]);
    if (gn_registry_current(b->registry)->kinds[GN_TOOL].count != TOOLS)
        die("some tools are missing");
}

/* ---------------------------------------------------------------- the client */

static int on_send(struct gn_stream *s, const char *json, size_t len, enum gn_weight weight)
{
    (void)s, (void)json, (void)len, (void)weight;
    return 0;
}

static void on_end(struct gn_stream *s, int status, const char *json, size_t len)
{
    (void)status, (void)json;
    GN_CONTAINER(s, struct bench, stream)->answered = len;
}

static void ask(struct bench *b, const char *text)
{
    gn_protocol_receive(b->protocol, &b->stream, gn_strdup(text), strlen(text));
}

/* ---------------------------------------------------------------- operations */

static void list(struct bench *b)
{
    ask(b, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}");
}

static void ping(struct bench *b)
{
    ask(b, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}");
}

static void copy(struct bench *b)
{
    memcpy(b->copy, b->text, b->answered);
    __asm__ volatile("" : : "r"(b->copy) : "memory");
}

static void rebuild(struct bench *b)
{
    size_t number = b->changes++ * 7 % TOOLS;
    GN_AUTO_FREE char *name = gn_format("search_%04zu", number);
    struct gn_edit *e = gn_edit_begin(b->registry);
    if (gn_edit_remove(e, gn_registry_source(b->registry, &b->owner, GN_TOOL, name)))
        die("a tool is missing");
    put_tool(b, e, number);
    if (gn_edit_commit(e) != 1u << GN_TOOL)
        die("the change was not seen");
}

static void relist(struct bench *b)
{
    rebuild(b);
    list(b);
}

static const struct {
    const char *name;
    void (*run)(struct bench *b);
} modes[] = {
    {"list", list}, {"copy", copy}, {"ping", ping}, {"rebuild", rebuild}, {"relist", relist},
};

static void measure(struct bench *b, void (*run)(struct bench *b), size_t rounds)
{
    static const struct gn_stream_ops ops = {.send = on_send, .end = on_end};
    gn_stream_init(&b->stream, &ops, true, "stdio");
    ask(b,
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
        "\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"bench\",\"version\":\"1\"}"
        "}}");
    for (int i = 0; i < 3; i++)
        list(b);
    b->text = gn_calloc(1, b->answered);
    b->copy = gn_calloc(1, b->answered);
    size_t bytes = b->answered;
    double began = now();
    for (size_t i = 0; i < rounds; i++)
        run(b);
    double ns = (now() - began) / (double)rounds;
    printf(
        "{\"operations\": %zu, \"ns\": %.0f, \"bytes\": %zu, \"tools\": %d, \"transforms\": %d}\n",
        rounds, ns, bytes, TOOLS, TRANSFORMS);
    gn_protocol_closed(b->protocol, &b->stream);
    gn_free(b->text);
    gn_free(b->copy);
}

int main(int argc, char **argv)
{
    size_t rounds = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    void (*run)(struct bench * b) = NULL;
    for (size_t i = 0; argc == 3 && i < GN_COUNT(modes); i++)
        run = strcmp(argv[1], modes[i].name) == 0 ? modes[i].run : run;
    if (!run || !rounds) {
        fprintf(stderr, "usage: lists MODE ROUNDS (see the top of lists.c)\n");
        return 2;
    }
    static struct bench b;
    uv_loop_init(&b.uv);
    b.env.loop = gn_loop_new(&b.uv, NULL, NULL);
    gn_list_init(&b.env.calls);
    b.registry = b.env.registry = gn_registry_new();
    b.config = gn_config_new();
    b.config->page_size = 0;
    b.owner.name = "bench";
    b.protocol = gn_protocol_new(&b.env, b.registry, b.config);
    fill(&b);
    measure(&b, run, rounds);
    return 0;
}
