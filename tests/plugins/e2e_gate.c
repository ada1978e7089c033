/* e2e_gate.c - a tool that holds its calls until enough of them are there: so many are in flight at
 * once, whatever the machine. */
#include <gantry.h>

static gantry_semaphore *gate;
static int64_t held; /* of the loop */

typedef struct {
    int64_t number, of;
} pass_in;
static const gantry_arg pass_args[] = {
    GANTRY_ARG(pass_in, number, "Is said once the gate is open"),
    GANTRY_ARG(pass_in, of, "It opens when so many calls are held", .range = {1, 1000000}),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(pass, pass_in, "Waits for others", .timeout_ms = 600000)
{
    int rc = GANTRY_OK;
    if (++held >= in->of) {
        for (; held > 1; held--)
            gantry_semaphore_give(gate);
        held = 0;
    } else {
        rc = gantry_semaphore_take(call, gate, 0);
    }
    return rc ? rc : gantry_text(call, "%lld", (long long)in->number);
}

static int start(gantry_call *call, gantry_plugin *plugin)
{
    (void)call;
    gate = gantry_semaphore_new(plugin, 0);
    return gate ? GANTRY_OK : GANTRY_ENOTSUP;
}

static void stop(gantry_plugin *plugin)
{
    (void)plugin;
    gantry_semaphore_free(gate);
}

GANTRY_PLUGIN("gate", "1.0.0", .tools = GANTRY_TOOLS(&pass_tool), .start = start, .stop = stop);
