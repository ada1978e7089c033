/* fresh.c - built with this header: uses what its last minor has brought, and lives without it. */
#include <gantry.h>

static const gantry_var who = GANTRY_VAR("who", GANTRY_VALUE_TEXT);

GANTRY_TOOL0(try_all, "What the newest functions return")
{
    const char *handle = NULL;
    int set = gantry_set_text(call, &who, "Ada");
    const char *got = gantry_get_text(call, &who);
    gantry_log_with(call, GANTRY_INFO, "abi", GANTRY_FIELDS("set", set), "set");
    gantry_timer_begin(call, "t");
    return gantry_text(call, "%d %s %d %d %d %s", set, got ? got : "none",
                       gantry_handle_new(call, &handle) == GANTRY_ENOTSUP, gantry_depth(call),
                       gantry_next(call), gantry_current() == call ? "current" : "none");
}
GANTRY_PLUGIN("fresh", "1.0.0", .tools = GANTRY_TOOLS(&try_all_tool));
