/* with_origin.c - looks for its libraries beside itself, and wants never to be unmapped. */
#include <gantry.h>

GANTRY_TOOL0(origin, "Is there")
{
    return gantry_text(call, "here");
}
GANTRY_PLUGIN("origin", "1.0.0", .tools = GANTRY_TOOLS(&origin_tool));
