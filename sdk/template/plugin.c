/* @NAME@ - a plugin for gantry. Put your own in place of the example: each part stands by itself,
 * and gantry.h documents every function and option. */
#include <gantry.h>

/* The arguments of a tool: a struct, and a table that describes it to clients. */
typedef struct {
    const char *city;
    int64_t days;
} forecast_in;

static const gantry_arg forecast_args[] = {
    GANTRY_ARG(forecast_in, city, "Name of the city", .length = {1, 100}),
    GANTRY_ARG(forecast_in, days, "How many days ahead", .range = {1, 7}, .default_json = "1"),
    GANTRY_ARGS_END,
};

GANTRY_TOOL(forecast, forecast_in, "Tell the weather of the coming days", .read_only = GANTRY_YES)
{
    static const char *const skies[] = {"sun", "clouds", "rain", "wind"};
    size_t seed = 0;
    for (const char *c = in->city; *c; c++)
        seed += (unsigned char)*c;
    for (int64_t day = 1; day <= in->days; day++) {
        int rc = gantry_text(call, "%s, day %lld: %s", in->city, (long long)day,
                             skies[(seed + (size_t)day) % 4]);
        if (rc)
            return rc;
    }
    return GANTRY_OK;
}

GANTRY_PLUGIN("@NAME@", "0.1.0", .description = "Made with gantry new",
              .tools = GANTRY_TOOLS(&forecast_tool));
