/* bad_stuck.c - handlers that do not end: one awaits for ever, one ignores that it was cancelled,
 * one blocks its worker until a file is there. */
#include <gantry.h>

#include <unistd.h>

GANTRY_TOOL0(await, "Awaits for ever")
{
    return gantry_sleep(call, 1000u * 3600 * 24 * 7);
}

typedef struct {
    const char *until;
} file_in;
static const gantry_arg block_args[] = {
    GANTRY_ARG(file_in, until, "Goes on once this file is there"),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(block, file_in, "Blocks a worker, whatever it is told", .flags = GANTRY_BLOCKING)
{
    while (access(in->until, F_OK) != 0)
        usleep(2000);
    return gantry_text(call, "unblocked");
}
#define deaf_args block_args
GANTRY_TOOL(deaf, file_in, "Awaits again and again, whatever it is told")
{
    while (access(in->until, F_OK) != 0)
        gantry_sleep(call, 1);
    return gantry_text(call, "heard");
}
GANTRY_PLUGIN("stuck", "1.0.0", .tools = GANTRY_TOOLS(&await_tool, &block_tool, &deaf_tool));
