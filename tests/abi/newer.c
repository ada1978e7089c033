/* newer.c - built with a header that is one minor newer than this host; CASE says what it uses of
 * it. */
#include <gantry.h>

#define PLAIN 0     /* no new field */
#define TOOL 1      /* a new field of a tool */
#define ARG 2       /* a new field of a row */
#define PLUGIN 3    /* a new field of the descriptor */
#define REQUIRES 4  /* says that it cannot do without the newer host */
#define FLAG 5      /* a new flag of a tool */
#define FROM 6      /* a new field of a tool made from one */
#define CHANGE 7    /* a new field of a row of changes */
#define TRANSFORM 8 /* a new field of a transform */

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

#if CASE == FROM
GANTRY_NO_CHANGES(twin);
GANTRY_NO_CHANGES(moody);
GANTRY_TOOL_FROM(twin, "greet", "Uses nothing new");
GANTRY_TOOL_FROM(moody, "greet", "Uses the new field", .mood = "cheerful");
#elif CASE == CHANGE
static const gantry_change twin_changes[] = {
    GANTRY_CHANGE(name, .name = "who"),
    GANTRY_CHANGES_END,
};
static const gantry_change moody_changes[] = {
    GANTRY_CHANGE(times, .name = "often", .unit = "m"),
    GANTRY_CHANGES_END,
};
GANTRY_TOOL_FROM(twin, "greet", "Uses nothing new");
GANTRY_TOOL_FROM(moody, "greet", "Uses the new field of a row");
#endif

#if CASE == FROM || CASE == CHANGE
#define OPTIONS .tools_from = GANTRY_TOOLS_FROM(&twin_from, &moody_from),
#elif CASE == TRANSFORM
#define OPTIONS                                                                                    \
    .transforms = GANTRY_TRANSFORMS(                                                               \
        GANTRY_TRANSFORM(DISABLE, "quiet", .kinds = 1u << GANTRY_KIND_PROMPT, .mood = "sad")),
#elif CASE == PLUGIN
#define OPTIONS .motto = "onward",
#elif CASE == REQUIRES
#define OPTIONS .min_host_minor = GANTRY_ABI_MINOR,
#else
#define OPTIONS
#endif

GANTRY_PLUGIN("newer", "1.0.0", OPTIONS.tools = GANTRY_TOOLS(&greet_tool MORE));
