/* bad_print.c - writes to standard output wherever it can. */
#include <gantry.h>

#include <stdio.h>

__attribute__((constructor)) static void constructor(void)
{
    printf("constructor prints\n");
    fflush(stdout);
}

static int start(gantry_call *call GANTRY_UNUSED, gantry_plugin *plugin GANTRY_UNUSED)
{
    printf("start prints\n");
    fflush(stdout);
    return GANTRY_OK;
}

GANTRY_TOOL0(print, "Prints")
{
    printf("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"a handler prints\"}\n");
    fflush(stdout);
    return gantry_text(call, "printed");
}
GANTRY_PLUGIN("print", "1.0.0", .tools = GANTRY_TOOLS(&print_tool), .start = start);
