/* e2e_many.c - many components from few functions, registered in `start`: for pagination. */
#include <gantry.h>

typedef struct {
    int64_t tools, resources;
} settings;
static const gantry_arg settings_fields[] = {
    GANTRY_ARG(settings, tools, "How many tools", .default_json = "250"),
    GANTRY_ARG(settings, resources, "How many resources", .default_json = "120"),
    GANTRY_ARGS_END,
};

static int run(gantry_call *call, const void *in GANTRY_UNUSED)
{
    return gantry_text(call, "%s is number %d", gantry_component_name(call),
                       *(const int *)gantry_data(call));
}

static int start(gantry_call *call, gantry_plugin *plugin)
{
    static int numbers[10000];
    const settings *s = gantry_settings(plugin);
    for (int i = 0; i < (int)(sizeof numbers / sizeof numbers[0]); i++)
        numbers[i] = i;
    for (int64_t i = 0; i < s->tools && i < 10000; i++) {
        const gantry_tool tool = {.size = sizeof(gantry_tool),
                                  .arg_size = sizeof(gantry_arg),
                                  .name = gantry_format(call, "many_%04d", (int)i),
                                  .description = "One of many",
                                  .run = run,
                                  .data = &numbers[i]};
        int rc = gantry_add_tool(plugin, &tool);
        if (rc)
            return gantry_fail(call, "tool %d was refused: %d", (int)i, rc);
    }
    for (int64_t i = 0; i < s->resources && i < 10000; i++) {
        const gantry_resource resource = {.size = sizeof(gantry_resource),
                                          .uri = gantry_format(call, "many://%04d", (int)i),
                                          .name = gantry_format(call, "number %d", (int)i),
                                          .read = run,
                                          .data = &numbers[i]};
        int rc = gantry_add_resource(plugin, &resource);
        if (rc)
            return gantry_fail(call, "resource %d was refused: %d", (int)i, rc);
    }
    return GANTRY_OK;
}

GANTRY_PLUGIN("many", "1.0.0", .start = start, GANTRY_SETTINGS(settings, settings_fields));
