/* complete.c - gantry complete: what a server suggests for an argument. */
#include "target.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

static int exec_complete(const struct gn_cli *cli, const struct gn_cli_args *args);

static const struct gn_cli_option options[] = {GN_TARGET_OPTIONS, {0}};

const struct gn_command gn_command_complete = {
    .name = "complete",
    .args = "TARGET PROMPT|URI-TEMPLATE [KEY=VALUE ...] KEY=BEGINNING",
    .summary = "print what a server suggests for an argument",
    .options = options,
    .usage = GN_TARGET_USAGE
    "\n"
    "The last argument is the one to complete; those before it are known.\n"
    "\n"
    "  gantry complete http://127.0.0.1:8080 review language=C\n"
    "  gantry complete http://127.0.0.1:8080 'file:///{path*}' path=doc\n",
    .exec = exec_complete,
};

static json_t *make_params(const struct gn_target *t)
{
    bool is_template = strstr(t->words[0], "://") || strchr(t->words[0], '{');
    json_t *known = json_object(), *last = NULL;
    for (size_t i = 1; i < t->word_count; i++) {
        const char *equals = strchr(t->words[i], '=');
        if (!equals || equals == t->words[i]) {
            gn_cli_usage(t->cli, "\"%s\" is not KEY=VALUE", t->words[i]);
            json_decref(known);
            return NULL;
        }
        GN_AUTO_FREE char *key = gn_strndup(t->words[i], (size_t)(equals - t->words[i]));
        if (i + 1 == t->word_count)
            last = json_pack("{s:s, s:s}", "name", key, "value", equals + 1);
        else
            json_object_set_new(known, key, json_string(equals + 1));
    }
    json_t *ref = is_template ? json_pack("{s:s, s:s}", "type", "ref/resource", "uri", t->words[0])
                              : json_pack("{s:s, s:s}", "type", "ref/prompt", "name", t->words[0]);
    json_t *params = json_pack("{s:o, s:o}", "ref", ref, "argument", last);
    if (params && json_object_size(known) > 0)
        json_object_set_new(params, "context", json_pack("{s:O}", "arguments", known));
    json_decref(known);
    if (!params)
        gn_cli_usage(t->cli, "what was given is not UTF-8");
    return params;
}

static int exec_complete(const struct gn_cli *cli, const struct gn_cli_args *args)
{
    struct gn_target t;
    json_t *result = NULL;
    int rc = gn_target_open(&t, cli, args, 2, "a prompt or URI template, and KEY=BEGINNING");
    if (rc)
        return rc;
    json_t *params = make_params(&t);
    rc = params ? gn_target_request(&t, "completion/complete", params, NULL, NULL, &result)
                : GN_EXIT_USAGE;
    json_decref(params);
    if (rc == 0 && t.json)
        gn_cli_print_json(stdout, result);
    else if (rc == 0)
        gn_show_completion(stdout,
                           json_object_get(json_object_get(result, "completion"), "values"));
    json_decref(result);
    gn_target_close(&t);
    return rc;
}
