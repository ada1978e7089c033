/* list.c - gantry list: what a server offers. */
#include "target.h"

#include "util/str.h"

static int exec_list(const struct gn_cli *cli, const struct gn_cli_args *args);

static const struct gn_cli_option options[] = {GN_TARGET_OPTIONS, {0}};

const struct gn_command gn_command_list = {
    .name = "list",
    .args = "TARGET [tools|resources|templates|prompts...]",
    .summary = "print the tools, resources, templates and prompts of a server",
    .options = options,
    .usage = GN_TARGET_USAGE "\n"
                             "  gantry list http://127.0.0.1:8080\n"
                             "  gantry list tools -- gantry serve --stdio --plugins ~/plugins\n",
    .exec = exec_list,
};

struct kind {
    gantry_list_kind kind;
    const char *name, *member;
};

static const struct kind kinds[] = {
    {GANTRY_LIST_TOOLS, "tools", "tools"},
    {GANTRY_LIST_RESOURCES, "resources", "resources"},
    {GANTRY_LIST_TEMPLATES, "templates", "resourceTemplates"},
    {GANTRY_LIST_PROMPTS, "prompts", "prompts"},
};

static bool is_wanted(const struct gn_target *t, const struct kind *kind)
{
    for (size_t i = 0; i < t->word_count; i++) {
        if (gn_streq(t->words[i], kind->name))
            return true;
    }
    return t->word_count == 0;
}

/* "the server has no tools, resources or prompts" */
static void say_nothing(struct gn_target *t)
{
    struct gn_buf names = GN_BUF_INIT(256);
    size_t wanted = 0, n = 0;
    for (size_t i = 0; i < GN_COUNT(kinds); i++)
        wanted += is_wanted(t, &kinds[i]);
    for (size_t i = 0; i < GN_COUNT(kinds); i++) {
        if (is_wanted(t, &kinds[i]))
            gn_buf_addf(&names, "%s%s",
                        n == 0            ? ""
                        : n + 1 == wanted ? " or "
                                          : ", ",
                        kinds[i].name);
        n += is_wanted(t, &kinds[i]);
    }
    gn_cli_fail(t->cli, 0, "the server has no %s", gn_buf_str(&names));
    gn_buf_release(&names);
    t->failed = true;
}

static int list_kinds(struct gn_target *t)
{
    json_t *all = json_object();
    size_t count = 0;
    int rc = 0;
    for (size_t i = 0; i < GN_COUNT(kinds) && rc == 0; i++) {
        json_t *items = NULL;
        if (!is_wanted(t, &kinds[i]))
            continue;
        rc = gn_target_list(t, kinds[i].kind, kinds[i].member, &items);
        if (rc)
            break;
        json_object_set_new(all, kinds[i].member, items);
        count += json_array_size(items);
        if (t->output == GN_OUTPUT_TEXT)
            gn_show_list(stdout, kinds[i].member, items);
    }
    if (rc == 0)
        gn_target_print(t, all);
    if (rc == 0 && count == 0)
        say_nothing(t);
    json_decref(all);
    return rc;
}

static int exec_list(const struct gn_cli *cli, const struct gn_cli_args *args)
{
    static const char *const names[] = {"tools", "resources", "templates", "prompts", NULL};
    for (size_t i = args->tail ? 0 : 1; i < args->word_count; i++) {
        bool known = false;
        for (size_t k = 0; names[k]; k++)
            known = known || gn_streq(args->words[i], names[k]);
        const char *near = gn_nearest(args->words[i], names);
        if (!known)
            return gn_cli_usage(
                cli, "there are tools, resources, templates and prompts, not \"%s\"%s%s%s",
                args->words[i], near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    }
    struct gn_target t = {0};
    int rc = gn_target_open(&t, cli, args, 0, NULL);
    if (rc)
        return rc;
    rc = list_kinds(&t);
    gn_target_close(&t);
    return rc;
}
