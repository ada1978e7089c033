/* rig.h - for tests of the call floor: a loop, an environment, an owner that counts who holds it,
 * and calls that remember how they ended. */
#ifndef TESTS_UNIT_CALL_RIG_H
#define TESTS_UNIT_CALL_RIG_H

#include "call/call.h"

struct rig {
    uv_loop_t uv;
    struct gn_loop *loop;
    struct gn_call_env env;
    struct gn_owner owner;
    struct gn_work_group group;
    struct gn_log log;
    int held;          /* references to the owner */
    char logged[8192]; /* all lines, one after the other */
};

/* One call and its end. */
struct rig_call {
    struct rig *rig;
    struct gn_call *call; /* one reference */
    int finished;
    enum gn_outcome outcome;
    char result[4096]; /* the CallToolResult, or the failure */
};

void rig_open(struct rig *r);
void rig_close(struct rig *r); /* asserts that nothing is left */
/* Turns the loop until *counter has reached want. */
void rig_until(struct rig *r, const int *counter, int want);
struct gn_component *rig_tool(struct rig *r, const char *key, gantry_run_fn run, uint32_t flags);
void rig_start(struct rig *r, struct rig_call *c, struct gn_component *tool);
/* The same with arguments, as JSON; NULL: none. */
void rig_start_with(struct rig *r, struct rig_call *c, struct gn_component *tool,
                    const char *arguments);
void rig_call_with(struct rig *r, struct rig_call *c, struct gn_component *tool,
                   const char *arguments);
/* Starts it and waits for its end; the call is given back. */
void rig_call(struct rig *r, struct rig_call *c, struct gn_component *tool);
void rig_end(struct rig_call *c); /* gives the call back */
int rig_say(gantry_call *call, const char *text);
/* The same with a value as JSON; "none" for NULL. */
int rig_say_json(gantry_call *call, const gantry_json *value);
/* Calls a tool from a handler: its text in ret, which is of `size` bytes. The outcome. */
enum gn_outcome rig_nested(gantry_call *call, struct gn_component *tool, char *ret, size_t size);

#endif
