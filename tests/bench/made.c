/* made.c - a tool, and tools made from it: what they cost beside it (bench.py, transform_cost).
 *
 * Each plain one renames an argument, has a default for another and hides a third; a chain of five
 * does so five times. The function passes on what it gets.
 */
#include <gantry.h>

typedef struct {
    const char *query, *key_1, *key_2, *key_3, *key_4, *key_5;
    int64_t limit;
} look_in;
static const gantry_arg look_args[] = {GANTRY_ARG(look_in, query, "What to look for"),
                                       GANTRY_ARG(look_in, limit, "How many", .default_json = "1"),
                                       GANTRY_ARG(look_in, key_1, "Not for clients", .optional = 1),
                                       GANTRY_ARG(look_in, key_2, "Not for clients", .optional = 1),
                                       GANTRY_ARG(look_in, key_3, "Not for clients", .optional = 1),
                                       GANTRY_ARG(look_in, key_4, "Not for clients", .optional = 1),
                                       GANTRY_ARG(look_in, key_5, "Not for clients", .optional = 1),
                                       GANTRY_ARGS_END};
GANTRY_TOOL(look, look_in, "Looks for something")
{
    return gantry_text(call, "%s", in->query);
}

#define MADE(id, parent, before, after, hidden)                                                    \
    static const gantry_change id##_changes[] = {                                                  \
        GANTRY_CHANGE(before, .name = after), GANTRY_CHANGE(limit, .default_json = "5"),           \
        GANTRY_CHANGE(hidden, .hide = 1, .default_json = "\"k\""), GANTRY_CHANGES_END};            \
    GANTRY_TOOL_FROM(id, parent, "The same by another name")
MADE(made_1, "look", query, "q_1", key_1);
MADE(made_2, "made_1", q_1, "q_2", key_2);
MADE(made_3, "made_2", q_2, "q_3", key_3);
MADE(made_4, "made_3", q_3, "q_4", key_4);
MADE(made_5, "made_4", q_4, "q_5", key_5);

static const gantry_change around_changes[] = {
    GANTRY_CHANGE(query, .name = "q"), GANTRY_CHANGE(limit, .default_json = "5"),
    GANTRY_CHANGE(key_1, .hide = 1, .default_json = "\"k\""), GANTRY_CHANGES_END};
GANTRY_TOOL_AROUND0(around, "look", "With a function around it")
{
    return gantry_forward(call, NULL);
}

GANTRY_PLUGIN("made", "1.0.0", .tools = GANTRY_TOOLS(&look_tool),
              .tools_from = GANTRY_TOOLS_FROM(&made_1_from, &made_2_from, &made_3_from,
                                              &made_4_from, &made_5_from, &around_from));
