/* client.c - conformance-client URL: the client that the official suite runs its client scenarios
 * against, a short program on libgantry-client. The suite says in the environment which scenario it
 * plays (MCP_CONFORMANCE_SCENARIO) and what to call (MCP_CONFORMANCE_CONTEXT); which revision is
 * spoken, the client finds out by itself.
 */
#include "client_skills.h"

#include <gantry_client.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the handlers want to know. */
struct run {
    gantry_client *client;
    int failures;
};

static void tell(struct run *run, const char *what, gantry_request *r)
{
    fprintf(stderr, "%s: %s: %s\n", what, gantry_client_status_name(gantry_request_status(r)),
            gantry_request_message(r));
    run->failures++;
}

/* Waits for the answer; a tool's error is one, too. NULL, and told, if there is none. */
static gantry_request *wait_for(struct run *run, const char *what, gantry_request *r)
{
    gantry_client_status status = gantry_request_wait(r);
    if (status == GANTRY_CLIENT_OK || status == GANTRY_CLIENT_TOOL_ERROR)
        return r;
    tell(run, what, r);
    gantry_request_free(r);
    return NULL;
}

static void call(struct run *run, const char *tool, const char *arguments)
{
    gantry_request_free(
        wait_for(run, tool, gantry_client_call_tool(run->client, tool, arguments, NULL)));
}

static gantry_request *list(struct run *run, gantry_list_kind kind, const char *what)
{
    return wait_for(run, what, gantry_client_list(run->client, kind, NULL));
}

/* ---------------------------------------------------------------- what is done in a scenario */

static void list_tools(struct run *run)
{
    gantry_request_free(list(run, GANTRY_LIST_TOOLS, "tools/list"));
}

/* The first tool, if there is one, with the two numbers that it adds. */
static void call_first(struct run *run)
{
    gantry_request *tools = list(run, GANTRY_LIST_TOOLS, "tools/list");
    const char *name = gantry_read_text(gantry_request_result(tools), "/tools/0/name");
    if (name)
        call(run, name, "{\"a\": 2, \"b\": 3}");
    gantry_request_free(tools);
}

/* Whatever is offered: each tool with a value for what it must have, each resource and prompt. */
static void use_all(struct run *run)
{
    gantry_request *tools = list(run, GANTRY_LIST_TOOLS, "tools/list");
    const gantry_json *all = gantry_read(gantry_request_result(tools), "/tools"), *v = NULL;
    while (tools && (v = gantry_read_next(all, v))) {
        const gantry_json *required = gantry_read(v, "/inputSchema/required"), *name = NULL;
        char arguments[4096] = "{";
        size_t used = 1;
        while ((name = gantry_read_next(required, name)) && used < sizeof(arguments) - 300)
            used += (size_t)snprintf(arguments + used, 300, "%s\"%.200s\": \"us-west1\"",
                                     used > 1 ? ", " : "", gantry_read_text(name, ""));
        memcpy(arguments + used, "}", 2);
        call(run, gantry_read_text(v, "/name"), arguments);
    }
    gantry_request_free(tools);

    gantry_request *resources = list(run, GANTRY_LIST_RESOURCES, "resources/list");
    all = gantry_read(gantry_request_result(resources), "/resources");
    while (resources && (v = gantry_read_next(all, v)))
        gantry_request_free(
            wait_for(run, "resources/read",
                     gantry_client_read_resource(run->client, gantry_read_text(v, "/uri"), NULL)));
    gantry_request_free(resources);

    gantry_request *prompts = list(run, GANTRY_LIST_PROMPTS, "prompts/list");
    all = gantry_read(gantry_request_result(prompts), "/prompts");
    while (prompts && (v = gantry_read_next(all, v)))
        gantry_request_free(wait_for(
            run, "prompts/get",
            gantry_client_get_prompt(run->client, gantry_read_text(v, "/name"), NULL, NULL)));
    gantry_request_free(prompts);
}

/* All tools that the list has left. */
static void call_all(struct run *run)
{
    gantry_request *tools = list(run, GANTRY_LIST_TOOLS, "tools/list");
    const gantry_json *all = gantry_read(gantry_request_result(tools), "/tools"), *v = NULL;
    while (tools && (v = gantry_read_next(all, v)))
        call(run, gantry_read_text(v, "/name"), "{\"region\": \"us-west1\"}");
    gantry_request_free(tools);
}

/* What the suite wants to have called, with these arguments. */
static void call_what_is_wanted(struct run *run)
{
    const char *text = getenv("MCP_CONFORMANCE_CONTEXT");
    gantry_client_error err;
    gantry_json *context = gantry_parse_json(text ? text : "{}", &err);
    const gantry_json *calls = gantry_read(context, "/toolCalls"), *v = NULL;
    if (gantry_read_count(calls, "") == 0) {
        fprintf(stderr, "MCP_CONFORMANCE_CONTEXT: %s\n", context ? "no toolCalls" : err.message);
        run->failures++;
    }
    list_tools(run);
    while ((v = gantry_read_next(calls, v))) {
        char *arguments = gantry_read_print(gantry_read(v, "/arguments"));
        call(run, gantry_read_text(v, "/name"), arguments);
        gantry_client_free(arguments);
    }
    gantry_client_free(context);
}

/* A schema goes back as it came. */
static void echo_schema(struct run *run)
{
    gantry_request *tools = list(run, GANTRY_LIST_TOOLS, "tools/list");
    const gantry_json *all = gantry_read(gantry_request_result(tools), "/tools"), *v = NULL;
    while (tools && (v = gantry_read_next(all, v))) {
        const char *name = gantry_read_text(v, "/name");
        if (!name || strcmp(name, "json_schema_2020_12_tool") != 0)
            continue;
        char *schema = gantry_read_print(gantry_read(v, "/inputSchema"));
        size_t size = strlen(schema) + 16;
        char *arguments = malloc(size);
        if (arguments)
            snprintf(arguments, size, "{\"schema\": %s}", schema);
        call(run, "json_schema_echo", arguments);
        free(arguments);
        gantry_client_free(schema);
    }
    gantry_request_free(tools);
}

static void call_defaults(struct run *run)
{
    list_tools(run);
    call(run, "test_client_elicitation_defaults", NULL);
}

static void call_reconnection(struct run *run)
{
    list_tools(run);
    call(run, "test_reconnection", NULL);
}

/* on_elicit calls another tool while the question is open. */
static void call_rounds(struct run *run)
{
    list_tools(run);
    call(run, "test_mrtr_echo_state", NULL);
    call(run, "test_mrtr_no_state", NULL);
    call(run, "test_mrtr_no_result_type", NULL);
}

static void list_skills(struct run *run)
{
    gantry_request_free(wait_for(run, "skills/list",
                                 gantry_client_request(run->client, "skills/list", NULL, NULL)));
}

/* Loads each skill that proves to be what its entry says. */
static void load_skills(struct run *run)
{
    gantry_request *skills = wait_for(
        run, "skills/list", gantry_client_request(run->client, "skills/list", NULL, NULL));
    const gantry_json *all = gantry_read(gantry_request_result(skills), "/skills"), *v = NULL;
    while (skills && (v = gantry_read_next(all, v)))
        client_load_skill(run->client, v);
    gantry_request_free(skills);
}

static const struct {
    const char *name;
    void (*run)(struct run *run);
} scenarios[] = {
    {"initialize", call_first},
    {"tools_call", call_first},
    {"elicitation-sep1034-client-defaults", call_defaults},
    {"sse-retry", call_reconnection},
    {"request-metadata", list_tools},
    {"sep-2322-client-request-state", call_rounds},
    {"http-standard-headers", use_all},
    {"http-custom-headers", call_what_is_wanted},
    {"http-invalid-tool-headers", call_all},
    {"json-schema-ref-no-deref", list_tools},
    {"json-schema-2020-12-preservation", echo_schema},
    {"sep-2640-client-no-prefetch", list_skills},
    {"sep-2640-client-verify-digest", load_skills},
    {"sep-2640-client-verify-size", load_skills},
    {"sep-2640-client-verify-frontmatter", load_skills},
};

/* ---------------------------------------------------------------- what the server asks */

static void on_unrelated_done(gantry_request *r, void *arg)
{
    if (gantry_request_status(r) != GANTRY_CLIENT_OK)
        tell(arg, "test_mrtr_unrelated", r);
}

/* Agrees: what the form has a default for is filled in by the library. */
static void on_elicit(gantry_client *client, gantry_question *question,
                      const gantry_client_elicitation *e, void *arg)
{
    bool confirms = gantry_read(e->schema, "/properties/confirmed");
    gantry_client_error err;
    if (confirms)
        gantry_client_call_tool(client, "test_mrtr_unrelated", NULL,
                                GANTRY_REQUEST_OPTIONS(.on_done = on_unrelated_done, .arg = arg));
    if (gantry_question_accept(question, confirms ? "{\"confirmed\": true}" : NULL, &err)) {
        fprintf(stderr, "elicitation: %s\n", err.message);
        gantry_question_decline(question);
    }
}

static void on_sample(gantry_client *client, gantry_question *question, const gantry_json *params,
                      void *arg)
{
    (void)client, (void)params, (void)arg;
    gantry_question_say(question, "none", "nothing");
}

static void on_note(gantry_client *client, const char *text, void *arg)
{
    (void)client, (void)arg;
    fprintf(stderr, "note: %s\n", text);
}

int main(int argc, char **argv)
{
    const char *name = getenv("MCP_CONFORMANCE_SCENARIO");
    struct run run = {0};
    gantry_client_error err;
    size_t i = 0, count = sizeof(scenarios) / sizeof(scenarios[0]);
    while (i < count && name && strcmp(scenarios[i].name, name) != 0)
        i++;
    if (argc != 2 || !name || i == count) {
        fprintf(stderr, "usage: MCP_CONFORMANCE_SCENARIO=NAME conformance-client URL (NAME: %s)\n",
                name ? name : "missing");
        return 2;
    }
    run.client = gantry_client_new(
        GANTRY_CLIENT_OPTIONS(.url = argv[1], .name = "conformance-client", .version = "1.0.0",
                              .has_roots = true, .timeout_ms = 20000,
                              .handlers = GANTRY_CLIENT_HANDLERS(.on_elicit = on_elicit,
                                                                 .on_sample = on_sample,
                                                                 .on_note = on_note),
                              .arg = &run),
        &err);
    if (!run.client) {
        fprintf(stderr, "%s\n", err.message);
        return 2;
    }
    scenarios[i].run(&run);
    gantry_client_close(run.client, NULL, NULL);
    return run.failures ? 1 : 0;
}
