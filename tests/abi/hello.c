/* Exactly as the documentation prints it. */
/* clang-format off */
#include <gantry.h>

typedef struct { const char *name; int64_t times; } greet_in;
static const gantry_arg greet_args[] = {
    GANTRY_ARG(greet_in, name, "Who to greet"),
    GANTRY_ARG(greet_in, times, "How often", .range = {1, 5}, .default_json = "1"),
    GANTRY_ARGS_END
};
GANTRY_TOOL(greet, greet_in, "Greet somebody by name") {
    return gantry_text(call, "Hello, %s!", in->name);
}
GANTRY_PLUGIN("hello", "1.0.0", .tools = GANTRY_TOOLS(&greet_tool));
