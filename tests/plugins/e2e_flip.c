/* e2e_flip.c - one source, several builds: FLIP is 1 or 2. Replaced by each other under load, they
 * answer every call with their own number. In build 3 an argument has another name. */
#include <gantry.h>

#ifndef FLIP
#define FLIP 1
#endif

typedef struct {
    const char *text, *line;
    int64_t ms;
} flip_in;
static const gantry_arg flip_args[] = {
#if FLIP == 3
    GANTRY_ARG(flip_in, line, "Comes back"),
#else
    GANTRY_ARG(flip_in, text, "Comes back"),
#endif
    GANTRY_ARG(flip_in, ms, "Waits so long first", .default_json = "0"),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(flip, flip_in, "Answers with the number of this build")
{
    if (in->ms) {
        int rc = gantry_sleep(call, (uint32_t)in->ms);
        if (rc)
            return rc;
    }
    return gantry_text(call, "%d %s", FLIP, in->line ? in->line : in->text);
}
#if FLIP == 2
GANTRY_TOOL0(flop, "Is in the second build only")
{
    return gantry_text(call, "flop");
}
#define FLIP_TOOLS GANTRY_TOOLS(&flip_tool, &flop_tool)
#else
#define FLIP_TOOLS GANTRY_TOOLS(&flip_tool)
#endif

GANTRY_PLUGIN("flip", FLIP == 1 ? "1.0.0" : FLIP == 2 ? "2.0.0" : "3.0.0", .tools = FLIP_TOOLS);
