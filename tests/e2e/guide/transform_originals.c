/* transform_originals.c - from the guide's chapter "Tool Transformation": the tools that others are
 * made from (transform_made.c, transform_users.c, or the operator's configuration).
 */
#include <gantry.h>

#include <string.h>

typedef struct {
    const char *query;
    int64_t limit;
} search_in;
static const gantry_arg original_search_args[] = {
    GANTRY_ARG(search_in, query, "What to look for"),
    GANTRY_ARG(search_in, limit, "How many", .default_json = "10"), GANTRY_ARGS_END};

/* Finds what it was asked for, so that a reader sees what reached it. */
GANTRY_TOOL(original_search, search_in, "Basic search tool.", .read_only = GANTRY_YES)
{
    return gantry_structured_json(call,
                                  GANTRY_OBJECT(call, "query", in->query, "limit", in->limit));
}

typedef struct {
    const char *action, *user_id;
    gantry_strings permissions;
} operation_in;
static const gantry_arg generic_operation_args[] = {
    GANTRY_ARG(operation_in, action, "What to do"),
    GANTRY_ARG(operation_in, user_id, "On whose behalf"),
    GANTRY_ARG(operation_in, permissions, "What that user may do"), GANTRY_ARGS_END};

GANTRY_TOOL(generic_operation, operation_in, "Does something for somebody.")
{
    for (size_t i = 0; i < in->permissions.n; i++) {
        if (strcmp(in->permissions.v[i], in->action) == 0)
            return gantry_text(call, "%s: done for %s", in->action, in->user_id);
    }
    return gantry_fail(call, "%s may not %s", in->user_id, in->action);
}

typedef struct {
    const char *operation, *auth_token;
    bool verbose;
} complex_in;
static const gantry_arg complex_operation_args[] = {
    GANTRY_ARG(complex_in, operation, "What to do"),
    GANTRY_ARG(complex_in, auth_token, "Lets you in"),
    GANTRY_ARG(complex_in, verbose, "Tells more", .default_json = "true"), GANTRY_ARGS_END};

GANTRY_TOOL(complex_operation, complex_in, "Has many knobs.")
{
    return gantry_text(call, "%s with a token of %zu characters%s", in->operation,
                       strlen(in->auth_token), in->verbose ? ", and so on and so forth" : "");
}

GANTRY_PLUGIN("transform_originals", "1.0.0",
              .tools = GANTRY_TOOLS(&original_search_tool, &generic_operation_tool,
                                    &complex_operation_tool));
