/* newer.c - built with a header that is one minor newer than this host; CASE says what it uses of
 * it. */
#include <gantry.h>

#define PLAIN 0    /* no new field */
#define TOOL 1     /* a new field of a tool */
#define ARG 2      /* a new field of a row */
#define PLUGIN 3   /* a new field of the descriptor */
#define REQUIRES 4 /* says that it cannot do without the newer host */
#define FLAG 5     /* a new flag of a tool */

typedef struct {
    const char *name;
    int64_t times;
} greet_in;

static const gantry_arg greet_args[] = {
    GANTRY_ARG(greet_in, name, "Who to greet"),
    GANTRY_ARG(greet_in, times, "How often", .default_json = "2"),
    GANTRY_ARGS_END,
};

/* Calls a function that this host may not have: the wrapper in the header checks. */
GANTRY_TOOL(greet, greet_in, "Greet somebody by name")
{
    int rc = gantry_celebrate(call, in->name);
    return gantry_text(call, "%s, %d times, celebrated: %d, can: %d", in->name, (int)in->times, rc,
                       GANTRY_HOST_HAS(celebrate));
}

#if CASE == TOOL
GANTRY_TOOL0(moody, "Uses the new field", .mood = "cheerful")
{
    return gantry_text(call, "never");
}
#define MORE , &moody_tool
#elif CASE == ARG
static const gantry_arg measure_args[] = {
    GANTRY_ARG(greet_in, times, "How often", .unit = "m"),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(measure, greet_in, "Uses the new field of a row")
{
    return gantry_text(call, "never");
}
#define MORE , &measure_tool
#elif CASE == FLAG
GANTRY_TOOL0(solemn, "Uses the new flag", .flags = GANTRY_SOLEMN)
{
    return gantry_text(call, "never");
}
#define MORE , &solemn_tool
#else
#define MORE
#endif

#if CASE == PLUGIN
#define OPTIONS .motto = "onward",
#elif CASE == REQUIRES
#define OPTIONS .min_host_minor = GANTRY_ABI_MINOR,
#else
#define OPTIONS
#endif

GANTRY_PLUGIN("newer", "1.0.0", OPTIONS.tools = GANTRY_TOOLS(&greet_tool MORE));
