/* tiny.c - the least that a plugin can be, built against an installed SDK. */
#include <gantry.h>

GANTRY_TOOL0(tiny, "Says that it is here")
{
    return gantry_text(call, "here");
}
GANTRY_PLUGIN("tiny", "1.0.0", .tools = GANTRY_TOOLS(&tiny_tool));
