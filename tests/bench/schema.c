/* schema.c - what checking arguments costs: run by schema_bench.py, alone or under callgrind.
 *
 *   schema validate ROUNDS SCHEMA RIGHT WRONG   the arguments of RIGHT, parsed beforehand
 *   schema parse    ROUNDS SCHEMA RIGHT WRONG   reading them from bytes
 *   schema both     ROUNDS SCHEMA RIGHT WRONG   reading and validating
 *   schema compile  ROUNDS SCHEMAS              every line of SCHEMAS is a schema; all are kept
 *   schema read     ROUNDS MESSAGE              reading a message and letting go of it
 *   schema copy     ROUNDS MESSAGE              reading and writing it
 *   schema jansson  ROUNDS MESSAGE              the same with jansson
 *
 * All but SCHEMAS are files of one JSON document. An operation is done 3 * ROUNDS times to warm up
 * and then in nine batches of ROUNDS, whose median counts; schemas are compiled once. Prints one
 * JSON object: operations done in all, nanoseconds for one, bytes read, resident bytes for one
 * compiled schema. Exit code 1 if RIGHT is refused or WRONG is not.
 */
#include "schema/schema.h"
#include "util/str.h"
#include "json/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BATCHES 9
#define WARM_UP 3
#define MAX_BYTES (64u << 20)

struct bench {
    struct gn_buf text;     /* of RIGHT or MESSAGE */
    char *scratch;          /* what a transport received: parsed in place, anew each time */
    struct gn_json_doc doc; /* of RIGHT, parsed once */
    struct gn_schema *schema;
    struct gn_buf out;
    char *printed; /* room for jansson */
    size_t operations;
};

typedef void operation(struct bench *b);

static _Noreturn void die(const char *what, const char *why)
{
    fprintf(stderr, "schema: %s: %s\n", what, why);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double resident(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%*d %ld", &pages) != 1)
        die("/proc/self/statm", "not readable");
    fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void read_text(const char *path, struct gn_buf *ret)
{
    gn_buf_init(ret, MAX_BYTES);
    if (gn_read_file(path, ret) != 0)
        die(path, "not readable");
}

static struct gn_schema *compile(const char *text, size_t len)
{
    struct gn_error err = {0};
    struct gn_schema *s;
    if (gn_schema_compile(text, len, NULL, &s, &err) != 0)
        die("a schema was refused", err.text);
    return s;
}

/* ---- What is measured. */

static void parse(struct bench *b, struct gn_json_doc *doc)
{
    memcpy(b->scratch, gn_buf_str(&b->text), b->text.len + 1);
    if (gn_json_parse(doc, b->scratch, b->text.len, NULL, NULL) != 0)
        die(gn_buf_str(&b->text), "not JSON");
}

static void validate(struct bench *b, const struct gn_json_doc *doc)
{
    if (gn_schema_validate(b->schema, gn_json_root(doc), 0, NULL) != 0)
        die(gn_buf_str(&b->text), "refused");
}

static void do_validate(struct bench *b)
{
    validate(b, &b->doc);
}

static void do_read(struct bench *b)
{
    struct gn_json_doc doc;
    parse(b, &doc);
    gn_json_release(&doc);
}

static void do_both(struct bench *b)
{
    struct gn_json_doc doc;
    parse(b, &doc);
    validate(b, &doc);
    gn_json_release(&doc);
}

static void do_copy(struct bench *b)
{
    struct gn_json_doc doc;
    parse(b, &doc);
    gn_buf_clear(&b->out);
    if (gn_json_write(&b->out, gn_json_root(&doc)) != 0)
        die("write", "failed");
    gn_json_release(&doc);
}

static void do_jansson(struct bench *b)
{
    json_t *root = json_loadb(gn_buf_str(&b->text), b->text.len, 0, NULL);
    size_t len = json_dumpb(root, b->printed, b->text.len, JSON_COMPACT);
    if (len == 0 || len > b->text.len)
        die("jansson", "failed");
    json_decref(root);
}

static const struct {
    const char *name;
    operation *run;
    int files;
} modes[] = {
    {"validate", do_validate, 3}, {"parse", do_read, 3}, {"both", do_both, 3},
    {"read", do_read, 1},         {"copy", do_copy, 1},  {"jansson", do_jansson, 1},
};

/* ---- Measuring. */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double batch(struct bench *b, operation *run, size_t rounds)
{
    double began = now();
    for (size_t i = 0; i < rounds; i++)
        run(b);
    b->operations += rounds;
    return (now() - began) / (double)rounds;
}

static double measure(struct bench *b, operation *run, size_t rounds)
{
    double times[BATCHES];
    batch(b, run, WARM_UP * rounds);
    for (size_t i = 0; i < BATCHES; i++)
        times[i] = batch(b, run, rounds);
    qsort(times, BATCHES, sizeof(times[0]), by_size);
    return times[BATCHES / 2];
}

/* The engine must be right before it may be fast. */
static void check(struct bench *b, const char *wrong)
{
    struct gn_json_doc doc;
    struct gn_buf text;
    struct gn_problems problems;
    gn_problems_init(&problems);
    if (gn_schema_validate(b->schema, gn_json_root(&b->doc), 0, &problems) != 0)
        die("right arguments refused", gn_buf_str(&problems.text));
    gn_problems_release(&problems);
    read_text(wrong, &text);
    if (gn_json_parse_copy(&doc, gn_buf_str(&text), text.len, NULL, NULL) != 0)
        die(wrong, "not JSON");
    if (gn_schema_validate(b->schema, gn_json_root(&doc), 0, NULL) != GN_EINVAL)
        die(wrong, "accepted");
    gn_json_release(&doc);
    gn_buf_release(&text);
}

static void run_rounds(operation *run, size_t rounds, char **files, int count)
{
    struct bench b = {.out = GN_BUF_INIT(MAX_BYTES)};
    const char *right = files[count > 1 ? 1 : 0];
    read_text(right, &b.text);
    b.scratch = malloc(b.text.len + 1);
    b.printed = malloc(b.text.len + 1);
    if (!b.scratch || !b.printed)
        die("memory", "none");
    if (gn_json_parse_copy(&b.doc, gn_buf_str(&b.text), b.text.len, NULL, NULL) != 0)
        die(right, "not JSON");
    if (count > 1) {
        struct gn_buf schema;
        read_text(files[0], &schema);
        b.schema = compile(gn_buf_str(&schema), schema.len);
        gn_buf_release(&schema);
        check(&b, files[2]);
    }
    double ns = measure(&b, run, rounds);
    printf("{\"operations\": %zu, \"ns\": %.3f, \"bytes\": %zu}\n", b.operations, ns, b.text.len);
    gn_schema_free(b.schema);
    gn_json_release(&b.doc);
    gn_buf_release(&b.text);
    gn_buf_release(&b.out);
    free(b.scratch);
    free(b.printed);
}

static void run_compile(const char *path)
{
    struct gn_buf text;
    read_text(path, &text);
    size_t count = 0, i = 0;
    for (size_t at = 0; at < text.len; at++)
        count += text.data[at] == '\n';
    struct gn_schema **all = calloc(count, sizeof(struct gn_schema *));
    if (!all)
        die("memory", "none");
    memset(all, 0xff, count * sizeof(all[0])); /* resident beforehand */
    double before = resident(), began = now();
    const char *line = gn_buf_str(&text);
    for (i = 0; i < count; i++) {
        const char *end = strchr(line, '\n');
        all[i] = compile(line, (size_t)(end - line));
        line = end + 1;
    }
    double ns = (now() - began) / (double)count, memory = (resident() - before) / (double)count;
    printf("{\"operations\": %zu, \"ns\": %.3f, \"bytes\": %zu, \"resident\": %.0f}\n", count, ns,
           text.len, memory);
    for (i = 0; i < count; i++)
        gn_schema_free(all[i]);
    free(all);
    gn_buf_release(&text);
}

int main(int argc, char **argv)
{
    size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    if (argc == 4 && strcmp(argv[1], "compile") == 0) {
        run_compile(argv[3]);
        return 0;
    }
    for (size_t i = 0; i < GN_COUNT(modes) && rounds > 0; i++)
        if (strcmp(argv[1], modes[i].name) == 0 && argc == 3 + modes[i].files) {
            run_rounds(modes[i].run, rounds, argv + 3, modes[i].files);
            return 0;
        }
    fprintf(stderr, "usage: schema MODE ROUNDS FILE... (see the top of schema.c)\n");
    return 2;
}
