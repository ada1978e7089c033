/* check.c - gantry check: tries a plugin in a child process. */
#include "plugin/manager.h"
#include "target.h"
#include "util/str.h"
#include "json/json.h"

#include <stdlib.h>

#define DEFAULT_TIMEOUT_MS 10000
#define MANIFEST_MAX ((size_t)16 << 20)

static int exec_check(const struct gn_cli *cli, const struct gn_cli_args *args);

static const struct gn_cli_option options[] = {
    {"settings", 's', "JSON", "settings of the instance (an object)"},
    {"timeout", 't', "DURATION", "how long it may take (default: 10s)"},
    {"output", 'o', "text|json", "for people (default) or programs"},
    {0},
};

const struct gn_command gn_command_check = {
    .name = "check",
    .args = "FILE.so",
    .summary = "print what a plugin offers, or why it would not be loaded",
    .options = options,
    .usage =
        "The file is loaded in a child process, its start and stop are run, and what it would\n"
        "register is printed. The exit code is 1 if a host would not load it.\n",
    .exec = exec_check,
};

static const char *const outputs[] = {"text", "json", NULL};

static void print_string(const char *before, const json_t *value, const char *after)
{
    if (!json_is_string(value))
        return;
    fputs(before, stdout);
    gn_cli_print_line(stdout, json_string_value(value));
    fputs(after, stdout);
}

/* Settings are a schema: one line for each property. */
static void print_settings(const json_t *schema)
{
    const char *name;
    json_t *property, *item;
    size_t i;
    if (json_object_size(json_object_get(schema, "properties")) == 0)
        return;
    puts("settings");
    json_object_foreach(json_object_get(schema, "properties"), name, property)
    {
        bool required = false;
        json_array_foreach(json_object_get(schema, "required"), i, item)
            required = required || gn_streq(json_string_value(item), name);
        char *fallback = json_dumps(json_object_get(property, "default"),
                                    JSON_ENCODE_ANY | JSON_COMPACT);
        fputs("  ", stdout);
        gn_cli_print_line(stdout, name);
        print_string(": ", json_object_get(property, "type"), "");
        fputs(required ? ", required" : "", stdout);
        if (fallback) {
            fputs(", default ", stdout);
            gn_cli_print_line(stdout, fallback);
        }
        print_string("  ", json_object_get(property, "description"), "");
        putchar('\n');
        free(fallback);
    }
}

/* "  guard, priority -10: around tools/call of admin, internal" */
static void print_middleware(const json_t *list)
{
    size_t i, k;
    json_t *m, *item;
    if (json_array_size(list) > 0)
        puts("middleware");
    json_array_foreach(list, i, m)
    {
        print_string("  ", json_object_get(m, "name"), "");
        printf(", priority %lld: around",
               (long long)json_integer_value(json_object_get(m, "priority")));
        json_array_foreach(json_object_get(m, "around"), k, item)
            print_string(k ? ", " : " ", item, "");
        json_array_foreach(json_object_get(m, "tags"), k, item)
            print_string(k ? ", " : " of what is tagged ", item, "");
        putchar('\n');
    }
}

/* "  quiet: namespace, priority 0" */
static void print_transforms(const json_t *list)
{
    size_t i;
    json_t *t;
    if (json_array_size(list) > 0)
        puts("transforms");
    json_array_foreach(list, i, t)
    {
        print_string("  ", json_object_get(t, "name"), "");
        print_string(": ", json_object_get(t, "type"), "");
        printf(", priority %lld\n", (long long)json_integer_value(json_object_get(t, "priority")));
    }
}

static void print_manifest(const char *path, const json_t *m)
{
    static const char *const members[] = {"tools", "resources", "resourceTemplates", "prompts"};
    size_t i;
    json_t *item;
    gn_cli_print_line(stdout, path);
    print_string(": ", json_object_get(m, "name"), "");
    print_string(" ", json_object_get(m, "version"), "");
    print_string(", plugin interface ", json_object_get(m, "abi"), "");
    print_string(", built by ", json_object_get(m, "compiler"), "");
    json_array_foreach(json_object_get(m, "flags"), i, item) print_string(", ", item, "");
    putchar('\n');
    print_string("", json_object_get(m, "description"), "\n");
    for (i = 0; i < GN_COUNT(members); i++)
        gn_show_list(stdout, members[i], json_object_get(m, members[i]));
    print_middleware(json_object_get(m, "middleware"));
    print_transforms(json_object_get(m, "transforms"));
    print_settings(json_object_get(m, "settings"));
    json_array_foreach(json_object_get(m, "skipped"), i, item)
        print_string("not loaded: ", item, "\n");
    print_string("brings its own copy of ", json_object_get(m, "privateLibraries"), "\n");
}

/* NULL if there is none. */
static json_t *read_manifest(const struct gn_buf *text)
{
    struct gn_json_doc doc;
    struct gn_error err = {0};
    if (text->len == 0 || gn_json_parse_copy(&doc, text->data, text->len, NULL, &err))
        return NULL;
    json_t *manifest = gn_json_to_jansson(gn_json_root(&doc));
    gn_json_release(&doc);
    return manifest;
}

/* What a refused plugin says of itself is shown, too: it tells which settings there are. */
static int print_failure(const struct gn_cli *cli, const char *path, const char *reason,
                         const json_t *manifest, bool as_json)
{
    const char *hint = gn_starts_with(reason, "settings: ") ? " (see --settings)" : "";
    if (as_json) {
        json_t *root = json_pack("{s:s, s:s, s:O*}", "path", path, "error", reason, "manifest",
                                 manifest);
        if (root)
            gn_cli_print_json(stdout, root);
        json_decref(root);
        return GN_EXIT_FAILED;
    }
    if (manifest)
        print_manifest(path, manifest);
    fflush(stdout);
    return gn_cli_fail(cli, GN_EXIT_FAILED, "%s: %s%s", path, reason, hint);
}

static int print_answer(const struct gn_cli *cli, const char *path, const json_t *manifest,
                        bool as_json)
{
    if (!manifest)
        return gn_cli_fail(cli, GN_EXIT_FAILED, "%s: what it offers cannot be read", path);
    if (as_json)
        gn_cli_print_json(stdout, manifest);
    else
        print_manifest(path, manifest);
    return GN_EXIT_OK;
}

static int exec_check(const struct gn_cli *cli, const struct gn_cli_args *args)
{
    struct gn_error err = {0};
    int output = gn_cli_choice(args, "output", outputs, &err);
    if (output < 0)
        return gn_cli_usage(cli, "%s", err.text);
    if (!gn_cli_words(cli, args, 1))
        return GN_EXIT_USAGE;
    const char *timeout = gn_cli_value(args, "timeout");
    uint64_t ms = DEFAULT_TIMEOUT_MS;
    if (timeout && (!gn_parse_duration(timeout, &ms) || ms == 0 || ms > INT32_MAX))
        return gn_cli_usage(cli, "option --timeout is a duration (10s), not \"%s\"", timeout);
    struct gn_buf manifest = GN_BUF_INIT(MANIFEST_MAX);
    const char *path = args->words[0];
    int rc = gn_probe_file(cli->self, path, gn_cli_value(args, "settings"), (uint32_t)ms, &manifest,
                           &err);
    json_t *parsed = read_manifest(&manifest);
    int code = rc ? print_failure(cli, path, err.text, parsed, output == 1)
                  : print_answer(cli, path, parsed, output == 1);
    json_decref(parsed);
    gn_buf_release(&manifest);
    return code;
}
