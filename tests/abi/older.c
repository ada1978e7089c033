/* older.c - built with a header that is one minor older than this host. */
#include <gantry.h>

typedef struct {
    const char *first, *second;
    int64_t third;
} join_in;

static const gantry_arg join_args[] = {
    GANTRY_ARG(join_in, first, "One"),
    GANTRY_ARG(join_in, second, "Two", .optional = 1),
    GANTRY_ARG(join_in, third, "Three", .range = {1, 9}, .default_json = "3"),
    GANTRY_ARGS_END,
};

GANTRY_TOOL(join, join_in, "Join", .title = "Joiner", .read_only = GANTRY_YES)
{
    return gantry_text(call, "%s-%s-%d", in->first, in->second ? in->second : "none",
                       (int)in->third);
}

static const gantry_change pair_changes[] = {
    GANTRY_CHANGE(first, .name = "left"),
    GANTRY_CHANGE(third, .hide = 1, .default_json = "7"),
    GANTRY_CHANGES_END,
};
GANTRY_TOOL_FROM(pair, "join", "Join two");

GANTRY_TOOL0(hide, "Hides join from now on")
{
    return gantry_add_transform(
        gantry_self(call),
        GANTRY_TRANSFORM(DISABLE, "hide", .names = (const char *const[]){"join", NULL}));
}

GANTRY_PLUGIN("older", "1.0.0", .tools = GANTRY_TOOLS(&join_tool, &hide_tool),
              .tools_from = GANTRY_TOOLS_FROM(&pair_from));
