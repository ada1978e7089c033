/* complete.c - gantry complete: what a server suggests for an argument. */
#include "target.h"

#include "util/alloc.h"
#include "util/str.h"

#include <stdlib.h>
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

/* What is to be completed is the last word; those before it are known. */
static gantry_request *start(struct gn_target *t, const json_t *known)
{
    const char *last = t->words[t->word_count - 1], *equals = strchr(last, '=');
    bool is_template = strstr(t->words[0], "://") || strchr(t->words[0], '{');
    GN_AUTO_FREE char *name = gn_strndup(last, (size_t)(equals - last));
    char *text = json_object_size(known) > 0 ? json_dumps(known, JSON_COMPACT) : NULL;
    gantry_request *r = gantry_client_complete(
        t->client, is_template ? GANTRY_LIST_TEMPLATES : GANTRY_LIST_PROMPTS, t->words[0], name,
        equals + 1, text, NULL);
    free(text);
    return r;
}

static int complete(struct gn_target *t)
{
    struct gn_error err = {0};
    json_t *known = NULL, *last = NULL, *result = NULL;
    int rc = gn_arguments_texts(t->words + 1, t->word_count - 2, &known, &err);
    if (!rc)
        rc = gn_arguments_texts(t->words + t->word_count - 1, 1, &last, &err);
    if (rc)
        rc = gn_cli_usage(t->cli, "%s", err.text);
    else
        rc = gn_target_take(t, start(t, known), &result);
    if (rc == 0 && !gn_target_print(t, result))
        gn_show_completion(stdout,
                           json_object_get(json_object_get(result, "completion"), "values"));
    json_decref(known);
    json_decref(last);
    json_decref(result);
    return rc;
}

static int exec_complete(const struct gn_cli *cli, const struct gn_cli_args *args)
{
    struct gn_target t = {0};
    int rc = gn_target_open(&t, cli, args, 2, "a prompt or URI template, and KEY=BEGINNING");
    if (rc)
        return rc;
    rc = complete(&t);
    gn_target_close(&t);
    return rc;
}
