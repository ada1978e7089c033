/* inspect.c - gantry inspect: what a server says about itself, or what would be served here. */
#include "serving.h"
#include "target.h"

static int exec_inspect(const struct gn_cli *cli, const struct gn_cli_args *args);

static const struct gn_cli_option options[] = {
    GN_SERVED_OPTIONS,
    {"principal", 0, "NAME", "what this one sees; without it: what callers without a name see"},
    GN_TARGET_OPTIONS,
    {0},
};

const struct gn_command gn_command_inspect = {
    .name = "inspect",
    .args = "TARGET | --config FILE | --plugins DIR",
    .summary = "print what a server says about itself, or what would be served, and why",
    .options = options,
    .usage =
        "With --config, --plugins or --plugin: loads the plugins as serve would, opens nothing to\n"
        "clients, and prints all transforms in the order in which they act; all tools, resources,\n"
        "templates and prompts with the names that their plugins gave them, what was made of them,\n"
        "and what is not there and why; and problems. The exit code is 1 if there are any.\n"
        "\n" GN_TARGET_USAGE "\n"
        "  gantry inspect --config /etc/gantry/gantry.yaml --principal ci\n"
        "  gantry inspect http://127.0.0.1:8080\n",
    .exec = exec_inspect,
};

static bool is_here(const struct gn_cli_args *args)
{
    return gn_cli_has(args, "config") || gn_cli_has(args, "plugins") ||
           gn_cli_has(args, "plugin") || gn_cli_has(args, "set");
}

static int exec_inspect(const struct gn_cli *cli, const struct gn_cli_args *args)
{
    struct gn_target t = {0};
    if (is_here(args))
        return gn_inspect_host(cli, args);
    if (gn_cli_has(args, "principal"))
        return gn_cli_usage(cli, "--principal goes with --config, --plugins or --plugin");
    int rc = gn_target_open(&t, cli, args, 0, NULL);
    if (rc)
        return rc;
    const char *revision = gantry_client_revision(t.client);
    const char *transport = gantry_client_transport_name(t.client);
    json_t *server = gn_json_to_jansson(gantry_client_server(t.client));
    json_t *all = json_pack("{s:s, s:s, s:o*}", "protocolVersion", revision, "transport", transport,
                            "server", json_incref(server));
    if (!gn_target_print(&t, all))
        gn_show_server(stdout, revision, transport, server);
    json_decref(all);
    json_decref(server);
    gn_target_close(&t);
    return GN_EXIT_OK;
}
