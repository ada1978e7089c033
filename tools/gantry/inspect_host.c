/* inspect_host.c - gantry inspect --config FILE: what would be served, and why.
 *
 * The host starts as for serve, in this process, and stops once all plugins are there: what it said
 * about them is printed when it has gone, and its plugins cannot write between the lines.
 */
#include "registry/registry.h"
#include "serving.h"
#include "target.h"
#include "util/alloc.h"
#include "util/str.h"
#include "json/json.h"

#include <string.h>
#include <unistd.h>

#define TEXT_MAX ((size_t)256 << 20)
#define WIDTH_MAX 44 /* of a column */

static const char *const outputs[] = {"text", "json", NULL};

struct looking {
    struct gn_serving serving;
    const char *principal;
    struct gn_buf text;  /* gn_registry_describe */
    struct gn_buf fails; /* plugins that were not loaded, one a line */
    bool verbose;
};

/* ---------------------------------------------------------------- for a person */

/* "  " and the text, padded to the width of its column. */
static void print_cell(const char *text, size_t width)
{
    size_t len = strlen(text);
    fputs("  ", stdout);
    gn_cli_print_line(stdout, text);
    for (; len < width; len++)
        putchar(' ');
}

static size_t wider(size_t width, size_t len)
{
    return len > width && len <= WIDTH_MAX ? len : width;
}

/* "names a, b; tags c", or "everything". */
static void add_match(struct gn_buf *out, const json_t *match)
{
    const char *name;
    json_t *list, *text;
    size_t i, before = out->len;
    json_object_foreach((json_t *)(uintptr_t)match, name, list)
    {
        gn_buf_addf(out, "%s%s", out->len > before ? "; " : "",
                    gn_streq(name, "predicate") ? "what its function says" : name);
        json_array_foreach(list, i, text)
        {
            gn_buf_addf(out, "%s%s", i ? ", " : " ", json_string_value(text));
        }
    }
    if (out->len == before)
        gn_buf_adds(out, "everything");
}

static void print_transforms(const json_t *transforms)
{
    size_t i, widths[3] = {0};
    json_t *t;
    if (json_array_size(transforms) == 0)
        return;
    puts("transforms, in the order in which they act");
    json_array_foreach(transforms, i, t)
    {
        widths[0] = wider(widths[0], json_string_length(json_object_get(t, "type")));
        widths[1] = wider(widths[1], json_string_length(json_object_get(t, "name")));
        size_t owner = json_string_length(json_object_get(t, "owner"));
        widths[2] = wider(widths[2], owner ? strlen("plugin ") + owner : strlen("operator"));
    }
    json_array_foreach(transforms, i, t)
    {
        const char *owner = json_string_value(json_object_get(t, "owner"));
        GN_AUTO_FREE char *by = owner ? gn_format("plugin %s", owner) : gn_strdup("operator");
        struct gn_buf match = GN_BUF_INIT(TEXT_MAX);
        add_match(&match, json_object_get(t, "match"));
        printf("%4lld", (long long)json_integer_value(json_object_get(t, "number")));
        print_cell(json_string_value(json_object_get(t, "type")), widths[0]);
        print_cell(json_string_value(json_object_get(t, "name")), widths[1]);
        print_cell(by, widths[2]);
        print_cell(gn_buf_str(&match), 0);
        printf(": %lld changed\n", (long long)json_integer_value(json_object_get(t, "touched")));
        gn_buf_release(&match);
    }
    putchar('\n');
}

/* "<- forecast (weather 1.2)": what it is of, and of whom. */
static char *origin_of(const json_t *c)
{
    struct gn_buf out = GN_BUF_INIT(TEXT_MAX);
    const char *name = json_string_value(json_object_get(c, "name"));
    const char *provided = json_string_value(json_object_get(c, "provided"));
    const char *plugin = json_string_value(json_object_get(c, "plugin"));
    const char *version = json_string_value(json_object_get(c, "version"));
    if (provided && !gn_streq(name, provided))
        gn_buf_addf(&out, "<- %s ", provided);
    gn_buf_addf(&out, "(%s%s%s)", plugin ? plugin : "host", version ? ", version " : "",
                version ? version : "");
    char *text = gn_strdup(gn_buf_str(&out));
    gn_buf_release(&out);
    return text;
}

/* What made it, and why it is not there. */
static char *story_of(const json_t *c)
{
    static const struct {
        const char *state, *text;
    } states[] = {
        {"served", NULL},
        {"off", "not there"},
        {"unlisted", "can be called, but is in no list"},
        {"waiting", "waits for its parent"},
        {"wrong", "wrong"},
        {"older", "older version"},
        {"foreign", "for another principal"},
    };
    struct gn_buf out = GN_BUF_INIT(TEXT_MAX);
    const char *state = json_string_value(json_object_get(c, "state")), *shown = state;
    const char *by = json_string_value(json_object_get(c, "by"));
    const char *why = json_string_value(json_object_get(c, "why"));
    const char *whose = json_string_value(json_object_get(c, "principal"));
    size_t i;
    json_t *step;
    json_array_foreach(json_object_get(c, "steps"), i, step)
    {
        gn_buf_addf(&out, "%s%s", i ? ", " : "", json_string_value(step));
    }
    if (whose)
        gn_buf_addf(&out, "%sfor %s alone", out.len ? "; " : "", whose);
    for (i = 0; i < GN_COUNT(states); i++) {
        if (gn_streq(states[i].state, state))
            shown = states[i].text;
    }
    if (shown) {
        gn_buf_addf(&out, "%s%s", out.len ? "; " : "", shown);
        if (by)
            gn_buf_addf(&out, ", by %s", by);
        if (why)
            gn_buf_addf(&out, ": %s", why);
    }
    char *text = gn_strdup(gn_buf_str(&out));
    gn_buf_release(&out);
    return text;
}

static void print_components(const char *title, const json_t *list)
{
    size_t i, width = 0, origins = 0;
    json_t *c;
    if (json_array_size(list) == 0)
        return;
    json_array_foreach(list, i, c)
    {
        GN_AUTO_FREE char *origin = origin_of(c);
        width = wider(width, json_string_length(json_object_get(c, "name")));
        origins = wider(origins, strlen(origin));
    }
    puts(title);
    json_array_foreach(list, i, c)
    {
        GN_AUTO_FREE char *origin = origin_of(c), *story = story_of(c);
        print_cell(json_string_value(json_object_get(c, "name")), width);
        print_cell(origin, *story ? origins : 0);
        if (*story)
            print_cell(story, 0);
        putchar('\n');
    }
    putchar('\n');
}

static void print_all(const json_t *all)
{
    static const char *const kinds[] = {"tools", "resources", "templates", "prompts"};
    size_t i, count = 0;
    json_t *problem;
    print_transforms(json_object_get(all, "transforms"));
    for (i = 0; i < GN_COUNT(kinds); i++) {
        const json_t *list = json_object_get(all, kinds[i]);
        print_components(kinds[i], list);
        count += json_array_size(list);
    }
    if (count == 0)
        puts("nothing is served");
    if (json_array_size(json_object_get(all, "problems")) == 0)
        return;
    puts("problems");
    json_array_foreach(json_object_get(all, "problems"), i, problem)
    {
        print_cell(json_string_value(problem), 0);
        putchar('\n');
    }
}

/* ---------------------------------------------------------------- running the host */

static void leave_out(char **what)
{
    gn_free(*what);
    *what = NULL;
}

/* Nothing is opened that a host which is serving now may have open. */
static int open_nothing(void *arg, struct gn_config *c, struct gn_buf *problems)
{
    const struct looking *l = arg;
    struct gn_error err = {0};
    leave_out(&c->audit_file);
    leave_out(&c->log_file);
    leave_out(&c->metrics_listen);
    leave_out(&c->tasks_dir);
    c->stdio = false;
    c->watch = false;
    c->insecure = true;
    if (!l->verbose && gn_config_set(c, "log.level", "critical", &err))
        return gn_buf_addf(problems, "%s\n", err.text), GN_EINVAL;
    return 0;
}

static void look(void *arg, struct gn_registry *registry)
{
    struct looking *l = arg;
    struct gn_viewer viewer = {.principal = l->principal};
    struct gn_jw w;
    gn_jw_init(&w, &l->text);
    gn_registry_describe(registry, &viewer, &w);
}

static void loaded(void *arg, const char *instance, uint32_t generation, const struct gn_error *err,
                   uint32_t took_ms)
{
    struct looking *l = arg;
    (void)generation;
    (void)took_ms;
    if (err)
        gn_buf_addf(&l->fails, "plugin %s is not loaded: %s\n", instance, err->text);
}

/* Plugins that were not loaded are problems like all others. */
static void add_fails(json_t *all, const char *lines)
{
    json_t *problems = json_object_get(all, "problems");
    for (size_t len; *lines; lines += len + (lines[len] == '\n')) {
        len = strcspn(lines, "\n");
        json_array_append_new(problems, json_stringn_nocheck(lines, len));
    }
}

static int print_found(const struct gn_cli *cli, struct looking *l, bool json)
{
    json_t *all = json_loads(gn_buf_str(&l->text), 0, NULL);
    if (!all)
        return gn_cli_fail(cli, GN_EXIT_CONNECTION, "the host stopped before all was loaded");
    add_fails(all, gn_buf_str(&l->fails));
    bool wrong = json_array_size(json_object_get(all, "problems")) > 0;
    if (json)
        gn_cli_print_json(stdout, all);
    else
        print_all(all);
    json_decref(all);
    return wrong ? GN_EXIT_FAILED : GN_EXIT_OK;
}

/* Standard output belongs to us again once no plugin can write to it. */
static int run(const struct gn_cli *cli, struct looking *l, struct gn_config *c, bool json)
{
    struct gn_put_aside aside = gn_serving_put_aside();
    struct gn_host_options host = {
        .config = c,
        .self_exe = cli->self,
        .stdin_fd = -1,
        .stdout_fd = -1,
        .on_loaded = loaded,
        .look = look,
        .arg = l,
    };
    int code = gn_host_run(&host);
    fflush(stdout);
    dup2(aside.out, STDOUT_FILENO);
    close(aside.out);
    close(aside.in);
    return code ? code : print_found(cli, l, json);
}

int gn_inspect_host(const struct gn_cli *cli, const struct gn_cli_args *args)
{
    struct gn_error err = {0};
    struct looking l = {
        .serving = {args, open_nothing, &l},
        .principal = gn_cli_value(args, "principal"),
        .verbose = gn_cli_has(args, "verbose"),
    };
    int output = gn_cli_choice(args, "output", outputs, &err);
    if (output < 0)
        return gn_cli_usage(cli, "%s", err.text);
    if (args->word_count > 0 || args->tail)
        return gn_cli_usage(cli, "a target, or what would be served here: not both");
    struct gn_buf problems = GN_BUF_INIT(1 << 20);
    struct gn_config *c = NULL;
    if (gn_serving_check_files(args, &problems) == 0)
        c = gn_serving_config(&l.serving, &problems);
    if (!c)
        gn_cli_fail_lines(cli, gn_buf_str(&problems));
    gn_buf_release(&problems);
    if (!c)
        return GN_EXIT_USAGE;
    gn_buf_init(&l.text, TEXT_MAX);
    gn_buf_init(&l.fails, 1 << 20);
    int code = run(cli, &l, c, output == 1);
    gn_buf_release(&l.text);
    gn_buf_release(&l.fails);
    return code;
}
