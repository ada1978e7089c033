/* other.c - has a tool whose name swap.c has too. */
#include <gantry.h>

GANTRY_TOOL0(which, "Which plugin this is")
{
    return gantry_text(call, "other");
}
GANTRY_PLUGIN("other", "1.0.0", .tools = GANTRY_TOOLS(&which_tool));
