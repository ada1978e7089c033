/* watch.c - gantry watch: prints what changes on a server, as it does. */
#include "target.h"

#include "util/str.h"

#include <unistd.h>

static int exec_watch(const struct gn_cli *cli, const struct gn_cli_args *args);

static const struct gn_cli_option options[] = {GN_TARGET_OPTIONS, {0}};

const struct gn_command gn_command_watch = {
    .name = "watch",
    .args = "TARGET [URI...]",
    .summary = "print each change of a server's lists and resources, until Ctrl-C",
    .options = options,
    .usage = GN_TARGET_USAGE
    "\n"
    "Lists of tools, resources and prompts are watched always, resources if "
    "their URI is given.\n"
    "With --output jsonl the first line, the event \"ready\", says that "
    "nothing is missed from\n"
    "here on. A lost connection is made again, for as long as that takes.\n"
    "\n"
    "  gantry watch http://127.0.0.1:8080 file:///README.md\n",
    .exec = exec_watch,
};

/* True if the server says that it tells of changes of some list. */
static bool tells_of_lists(const struct gn_target *t)
{
    static const char *const pointers[] = {"/capabilities/tools/listChanged",
                                           "/capabilities/resources/listChanged",
                                           "/capabilities/prompts/listChanged"};
    for (size_t i = 0; i < GN_COUNT(pointers); i++) {
        if (gantry_read_bool(gantry_client_server(t->client), pointers[i], false))
            return true;
    }
    return false;
}

static int subscribe(struct gn_target *t)
{
    int rc = 0;
    for (size_t i = 0; i < t->word_count && rc == 0; i++) {
        gantry_request *r = gantry_client_subscribe(t->client, t->words[i], NULL);
        rc = gn_target_wait(t, r);
        gantry_request_free(r);
    }
    return rc;
}

static int watch(struct gn_target *t)
{
    if (t->word_count == 0 && !tells_of_lists(t))
        return gn_events_fail(t, GANTRY_CLIENT_UNSUPPORTED,
                              "the server does not tell of changes of its lists; name the URI of "
                              "a resource");
    int rc = subscribe(t);
    if (rc)
        return rc;
    gn_events_print(t, "ready",
                    json_pack("{s:s}", "protocolVersion", gantry_client_revision(t->client)));
    if (t->output == GN_OUTPUT_TEXT && isatty(STDERR_FILENO))
        gn_cli_fail(t->cli, 0, "watching; Ctrl-C ends it");
    gn_target_idle(t, GANTRY_CLIENT_NONE, &t->is_lost);
    if (!t->is_lost)
        return 0;
    return gn_events_fail(t, GANTRY_CLIENT_CONNECTION, "the connection is lost");
}

static int exec_watch(const struct gn_cli *cli, const struct gn_cli_args *args)
{
    struct gn_target t = {.watches = true};
    int rc = gn_target_open(&t, cli, args, 0, NULL);
    if (rc)
        return rc;
    rc = watch(&t);
    gn_target_close(&t);
    return rc;
}
