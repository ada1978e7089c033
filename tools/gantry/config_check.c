/* config_check.c - gantry config check: all that is wrong in a configuration file, at once. */
#include "cli.h"
#include "config/config.h"
#include "plugin/manager.h"
#include "serving.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MANIFEST_MAX ((size_t)16 << 20)

static int exec_config_check(const struct gn_cli *cli, const struct gn_cli_args *args);

static const struct gn_cli_option options[] = {
    {"insecure", 0, NULL, "check it as `serve --insecure` would"},
    {"plugins", 0, "DIR", "look for plugins there, too, as `serve --plugins` does"},
    {"plugin", 0, "FILE", "and take this one, as `serve --plugin` does"},
    {0},
};

const struct gn_command gn_command_config_check = {
    .name = "config check",
    .args = "FILE",
    .summary = "print all that is wrong in a configuration file",
    .options = options,
    .usage =
        "Each problem is one line on standard output, FILE:LINE: KEY: what is wrong; the exit\n"
        "code is 1 if there are any. Environment variables are replaced as `serve` does it.\n"
        "Each plugin listed is tried with its settings in a child process, as by `gantry check`.\n",
    .exec = exec_config_check,
};

/* Options that add to the file's lists. */
static void add_places(const struct gn_cli_args *args, struct gn_config *c, struct gn_buf *problems)
{
    for (size_t i = 0; i < args->given_count; i++) {
        const struct gn_cli_given *g = &args->given[i];
        struct gn_error err = {0};
        const char *key = gn_streq(g->option->name, "plugins")  ? "loading.folders"
                          : gn_streq(g->option->name, "plugin") ? "loading.files"
                                                                : NULL;
        if (key && gn_config_add(c, key, g->value, &err))
            gn_buf_addf(problems, "--%s: %s\n", g->option->name, err.text);
    }
}

/* The file that an instance means; NULL if there is none. Owned by the caller. */
static char *find_plugin(const struct gn_config *c, const char *plugin)
{
    if (strchr(plugin, '/'))
        return access(plugin, R_OK) == 0 ? gn_strdup(plugin) : NULL;
    GN_AUTO_FREE char *name = gn_format("%s%s", plugin, gn_ends_with(plugin, ".so") ? "" : ".so");
    for (char **dir = c->plugin_dirs; dir && *dir; dir++) {
        char *path = gn_path_join(*dir, name);
        if (access(path, R_OK) == 0)
            return path;
        gn_free(path);
    }
    for (char **file = c->plugin_files; file && *file; file++) {
        if (gn_streq(gn_path_base(*file), name) && access(*file, R_OK) == 0)
            return gn_strdup(*file);
    }
    return NULL;
}

static void check_instance(const struct gn_cli *cli, const struct gn_config *c, size_t i,
                           struct gn_buf *problems)
{
    const struct gn_config_instance *n = &c->instances[i];
    GN_AUTO_FREE char *at = gn_format("%s:%d: plugins[%zu]", c->file, n->line, i);
    GN_AUTO_FREE char *file = find_plugin(c, n->plugin);
    if (!file) {
        bool is_path = strchr(n->plugin, '/') != NULL;
        bool has_folder = c->plugin_dirs && c->plugin_dirs[0];
        gn_buf_addf(problems, "%s: there is no %s%s%s\n", at, n->plugin, is_path ? "" : ".so",
                    is_path      ? ""
                    : has_folder ? " in the plugin folders"
                                 : ", as no folder is configured (loading.folders, --plugins DIR)");
        return;
    }
    struct gn_buf manifest = GN_BUF_INIT(MANIFEST_MAX);
    struct gn_error err = {0};
    char *settings = n->settings ? json_dumps(n->settings, JSON_COMPACT) : NULL;
    if (gn_probe_file(cli->self, file, settings, c->probe_timeout_ms, &manifest, &err)) {
        if (gn_starts_with(err.text, "settings: "))
            gn_buf_addf(problems, "%s.%s\n", at, err.text);
        else
            gn_buf_addf(problems, "%s: %s: %s\n", at, file, err.text);
    }
    free(settings);
    gn_buf_release(&manifest);
}

static int exec_config_check(const struct gn_cli *cli, const struct gn_cli_args *args)
{
    if (!gn_cli_words(cli, args, 1))
        return GN_EXIT_USAGE;
    struct gn_buf problems = GN_BUF_INIT(1 << 20);
    struct gn_config *c = gn_config_load(args->words[0], &problems);
    if (c) {
        c->insecure = c->insecure || gn_cli_has(args, "insecure");
        add_places(args, c, &problems);
        (void)gn_serving_check_config(c, &problems);
    }
    for (size_t i = 0; c && i < c->instance_count; i++) {
        if (c->instances[i].enabled)
            check_instance(cli, c, i, &problems);
    }
    gn_config_free(c);
    int code = GN_EXIT_OK;
    if (problems.len > 0) {
        gn_cli_print_text(stdout, problems.data, problems.len);
        code = GN_EXIT_FAILED;
    } else {
        gn_cli_print_line(stdout, args->words[0]);
        fputs(": fine\n", stdout);
    }
    gn_buf_release(&problems);
    return code;
}
