/* bad_undefined.c - calls a function that nobody has. Bound lazily it would load, and take the host
 * down with its first call. */
#include <gantry.h>

int nobody_has_this(void);

GANTRY_TOOL0(undefined, "Calls what is not there")
{
    return gantry_text(call, "%d", nobody_has_this());
}
GANTRY_PLUGIN("undefined", "1.0.0", .tools = GANTRY_TOOLS(&undefined_tool));
