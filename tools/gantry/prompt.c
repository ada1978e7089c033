/* prompt.c - gantry prompt: fills in a prompt. */
#include "target.h"

#include <stdlib.h>

static int exec_prompt(const struct gn_cli *cli, const struct gn_cli_args *args);

static const struct gn_cli_option options[] = {GN_SAVE_OPTION, GN_TARGET_OPTIONS, {0}};

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
static int get_prompt(struct gn_target *t)
{
    struct gn_error err = {0};
    json_t *arguments, *result = NULL;
    if (gn_arguments_texts(t->words + 1, t->word_count - 1, &arguments, &err))
        return gn_cli_usage(t->cli, "%s", err.text);
    char *text = json_dumps(arguments, JSON_COMPACT);
    json_decref(arguments);
    int rc = gn_target_take(t, gantry_client_get_prompt(t->client, t->words[0], text, NULL),
                            &result);
    free(text);
    if (rc == 0 && !gn_target_print(t, result))
        rc = gn_show_prompt(stdout, gn_cli_value(t->args, "save"), result);
    json_decref(result);
    return rc;
}

static int exec_prompt(const struct gn_cli *cli, const struct gn_cli_args *args)
{
    struct gn_target t = {0};
    json_t *prompts = NULL;
    int rc = gn_target_open(&t, cli, args, 1, "the name of a prompt");
    if (rc)
        return rc;
    rc = gn_target_list(&t, GANTRY_LIST_PROMPTS, "prompts", &prompts);
    if (rc == 0)
        rc = gn_target_find(&t, prompts, "prompt", t.words[0]) ? get_prompt(&t) : GN_EXIT_PROTOCOL;
    json_decref(prompts);
    gn_target_close(&t);
    return rc;
}
