/* named.c - registers its tool when it starts, and says what it was configured to: for one file
 * that is two instances. */
#include <gantry.h>

typedef struct {
    const char *word;
} settings;
static const gantry_arg settings_fields[] = {
    GANTRY_ARG(settings, word, "What to say"),
    GANTRY_ARGS_END,
};

static int counter;

static int run(gantry_call *call, const void *in GANTRY_UNUSED)
{
    const settings *s = gantry_settings(gantry_self(call));
    return gantry_text(call, "%s %d", s->word, ++counter);
}

static int start(gantry_call *call GANTRY_UNUSED, gantry_plugin *plugin)
{
    const gantry_tool tool = {.size = sizeof(gantry_tool),
                              .arg_size = sizeof(gantry_arg),
                              .name = "say",
                              .description = "Says its word",
                              .run = run};
    return gantry_add_tool(plugin, &tool);
}

GANTRY_PLUGIN("named", "1.0.0", .start = start, GANTRY_SETTINGS(settings, settings_fields));
