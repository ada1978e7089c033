/* prompt.c - gantry prompt: fills in a prompt. */
#include "target.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

static int exec_prompt(const struct gn_cli *cli, const struct gn_cli_args *args);

static const struct gn_cli_option options[] = {GN_TARGET_OPTIONS, {0}};

const struct gn_command gn_command_prompt = {
    .name = "prompt",
    .args = "TARGET PROMPT [KEY=VALUE ...]",
    .summary = "print the messages of a prompt",
    .options = options,
    .usage = GN_TARGET_USAGE "\n"
                             "  gantry prompt http://127.0.0.1:8080 review language=C\n",
    .exec = exec_prompt,
};

/* Arguments of prompts are always texts. */
static json_t *read_arguments(const struct gn_target *t)
{
    json_t *arguments = json_object();
    for (size_t i = 1; i < t->word_count; i++) {
        const char *equals = strchr(t->words[i], '=');
        json_t *value = equals && equals > t->words[i] ? json_string(equals + 1) : NULL;
        if (!value) {
            gn_cli_usage(t->cli, "\"%s\" is not KEY=VALUE", t->words[i]);
            json_decref(arguments);
            return NULL;
        }
        GN_AUTO_FREE char *key = gn_strndup(t->words[i], (size_t)(equals - t->words[i]));
        json_object_set_new(arguments, key, value);
    }
    return arguments;
}

static int get_prompt(struct gn_target *t)
{
    json_t *arguments = read_arguments(t), *result = NULL;
    if (!arguments)
        return GN_EXIT_USAGE;
    json_t *params = json_pack("{s:s, s:o}", "name", t->words[0], "arguments", arguments);
    int rc = gn_target_request(t, "prompts/get", params, t->words[0], NULL, &result);
    json_decref(params);
    if (rc == 0 && t->json)
        gn_cli_print_json(stdout, result);
    else if (rc == 0)
        gn_show_prompt(stdout, result);
    json_decref(result);
    return rc;
}

static int exec_prompt(const struct gn_cli *cli, const struct gn_cli_args *args)
{
    struct gn_target t;
    json_t *prompts = NULL;
    int rc = gn_target_open(&t, cli, args, 1, "the name of a prompt");
    if (rc)
        return rc;
    rc = gn_target_list(&t, "prompts/list", "prompts", &prompts);
    if (rc == 0)
        rc = gn_target_find(&t, prompts, "prompt", t.words[0]) ? get_prompt(&t) : GN_EXIT_PROTOCOL;
    json_decref(prompts);
    gn_target_close(&t);
    return rc;
}
