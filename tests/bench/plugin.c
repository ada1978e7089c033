/* plugin.c - one of ten plugins that the benchmark's host loads: NUMBER tells them apart. */
#include <gantry.h>

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)

typedef struct {
    const char *text;
} echo_in;
#define echo_args JOIN(JOIN(echo_, NUMBER), _args)
static const gantry_arg echo_args[] = {
    GANTRY_ARG(echo_in, text, "What to say"),
    GANTRY_ARGS_END,
};
#define TOOL(id) GANTRY_TOOL(id, echo_in, "Says what it is told")
TOOL(JOIN(echo_, NUMBER))
{
    return gantry_text(call, "%s", in->text);
}
GANTRY_PLUGIN("bench_" TEXT(NUMBER), "1.0.0",
              .tools = GANTRY_TOOLS(&JOIN(JOIN(echo_, NUMBER), _tool)));
