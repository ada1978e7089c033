/* bad_bigger.c - built with a header from the future: one of its tools sets a field that this host
 * has never heard of. The other one is fine. */
#include <gantry.h>

typedef struct {
    gantry_tool tool;
    const char *from_the_future;
} bigger_tool;

static int run(gantry_call *call, const void *in GANTRY_UNUSED)
{
    return gantry_text(call, "fine");
}

static const bigger_tool modest = {
    .tool = {.size = sizeof(bigger_tool),
             .arg_size = sizeof(gantry_arg),
             .name = "modest",
             .description = "Sets nothing new",
             .run = run},
};
static const bigger_tool bold = {
    .tool = {.size = sizeof(bigger_tool),
             .arg_size = sizeof(gantry_arg),
             .name = "bold",
             .description = "Sets something new",
             .run = run},
    .from_the_future = "hello",
};

GANTRY_PLUGIN("bigger", "1.0.0", .tools = GANTRY_TOOLS(&modest.tool, &bold.tool));
