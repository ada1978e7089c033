/* bad_renames.c - a plugin that gives two of its own tools one name. */
#include <gantry.h>

GANTRY_TOOL0(here, "Is here")
{
    return gantry_text(call, "here");
}
GANTRY_TOOL0(there, "Is there")
{
    return gantry_text(call, "there");
}

GANTRY_PLUGIN("bad_renames", "1.0.0", .tools = GANTRY_TOOLS(&here_tool, &there_tool),
              .transforms = GANTRY_TRANSFORMS(GANTRY_TRANSFORM(RENAME, "words",
                                                               GANTRY_RENAMES({"there", "here"}))));
