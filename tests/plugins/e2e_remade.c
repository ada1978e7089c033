/* e2e_remade.c - tools made from those of the plugin flip (e2e_flip.c), for tests that replace
 * either of them under load. One source, two builds: REMADE is 1 or 2, and part of what the
 * function says. */
#include <gantry.h>

#ifndef REMADE
#define REMADE 1
#endif

static const gantry_change plain_flip_changes[] = {GANTRY_CHANGE(text, .name = "said"),
                                                   GANTRY_CHANGES_END};
GANTRY_TOOL_FROM(plain_flip, "flip", NULL);

static const gantry_change chain_flip_changes[] = {
    GANTRY_CHANGE(said, .name = "words"), GANTRY_CHANGE(ms, .name = "wait"), GANTRY_CHANGES_END};
GANTRY_TOOL_FROM(chain_flip, "plain_flip", NULL);

static bool is_open; /* of the loop */

GANTRY_TOOL0(open_gate, "Lets those go on that wait before their parent runs")
{
    is_open = true;
    return gantry_text(call, "open");
}

/* Waits before its parent runs, while it does (ms), and after it. */
typedef struct {
    int64_t before, after;
} around_in;
static const gantry_arg around_flip_args[] = {
    GANTRY_ARG(around_in, before, "Waits so long; -1: for open_gate", .default_json = "0"),
    GANTRY_ARG(around_in, after, "Likewise", .default_json = "0"), GANTRY_ARGS_END};
GANTRY_NO_CHANGES(around_flip);
GANTRY_TOOL_AROUND(around_flip, "flip", around_in, NULL)
{
    int rc = in->before > 0 ? gantry_sleep(call, (uint32_t)in->before) : GANTRY_OK;
    while (!rc && in->before < 0 && !is_open)
        rc = gantry_sleep(call, 5);
    if (!rc)
        rc = gantry_forward(call, NULL);
    if (!rc && in->after)
        rc = gantry_sleep(call, (uint32_t)in->after);
    const gantry_json *content = gantry_json_get(gantry_result(call), "content");
    const char *said = rc ? NULL : gantry_json_text(gantry_json_at(content, 0), "text");
    if (rc)
        return rc;
    return gantry_set_result(
        call, GANTRY_OBJECT(call, "content", gantry_json_parse(call, "[]", 2), "structuredContent",
                            GANTRY_OBJECT(call, "said", said, "build", REMADE)));
}

GANTRY_PLUGIN("remade", REMADE == 1 ? "1.0.0" : "2.0.0", .tools = GANTRY_TOOLS(&open_gate_tool),
              .tools_from = GANTRY_TOOLS_FROM(&plain_flip_from, &chain_flip_from,
                                              &around_flip_from));
