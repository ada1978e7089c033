/* bad_duplicate.c - two tools of one name. */
#include <gantry.h>

GANTRY_TOOL0(twice, "The first")
{
    return gantry_text(call, "first");
}
static const gantry_tool again = {.size = sizeof(gantry_tool),
                                  .arg_size = sizeof(gantry_arg),
                                  .name = "twice",
                                  .description = "The second",
                                  .run = twice_tool_run_};
GANTRY_PLUGIN("duplicate", "1.0.0", .tools = GANTRY_TOOLS(&twice_tool, &again));
