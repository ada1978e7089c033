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

GANTRY_PLUGIN("older", "1.0.0", .tools = GANTRY_TOOLS(&join_tool));
