/* ask.c - a program of somebody else on the installed client library: starts the server that its
 * arguments name and has it greet. */
#include <gantry_client.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    gantry_client_error err;
    gantry_client *client = gantry_client_new(
        GANTRY_CLIENT_OPTIONS(.command = (const char *const *)(argv + 1), .name = "ask"), &err);
    if (!client) {
        fprintf(stderr, "%s: %s\n", argv[argc - 1], err.message);
        return 2;
    }
    char *arguments = gantry_format_json("{'name': %s}", "Ada");
    gantry_request *r = gantry_client_call_tool(client, "greet", arguments, NULL);
    gantry_client_free(arguments);
    gantry_client_status status = gantry_request_wait(r);
    if (status == GANTRY_CLIENT_OK)
        puts(gantry_request_text(r));
    else
        fprintf(stderr, "%s: %s\n", gantry_client_status_name(status), gantry_request_message(r));
    gantry_request_free(r);
    gantry_client_close(client, NULL, NULL);
    return status == GANTRY_CLIENT_OK ? 0 : 1;
}
