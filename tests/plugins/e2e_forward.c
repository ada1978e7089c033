/* e2e_forward.c - functions around tools that ask their client, become tasks and block (e2e_ask.c,
 * e2e_tasks.c). */
#include <gantry.h>

static const gantry_change confirm_around_changes[] = {GANTRY_CHANGE(message, .name = "question"),
                                                       GANTRY_CHANGES_END};
GANTRY_TOOL_AROUND0(confirm_around, "confirm", "Asks by another name")
{
    int rc = gantry_forward(call, NULL);
    return rc ? rc : gantry_text(call, "around");
}

GANTRY_NO_CHANGES(confirm_twice);
GANTRY_TOOL_AROUND0(confirm_twice, "confirm", "Asks, and asks again")
{
    int rc = gantry_forward(call, NULL);
    return rc ? rc : gantry_forward(call, GANTRY_OBJECT(call, "message", "Once more?"));
}

GANTRY_NO_CHANGES(replay_around);
GANTRY_TOOL_AROUND0(replay_around, "blocking_replay", "May be run again, as its parent",
                    .flags = GANTRY_REPLAY)
{
    return gantry_forward(call, NULL);
}
GANTRY_NO_CHANGES(once_around);
GANTRY_TOOL_AROUND0(once_around, "blocking_replay", "May not, although its parent may")
{
    return gantry_forward(call, NULL);
}

static const gantry_change later_around_changes[] = {
    GANTRY_CHANGE(text, .hide = 1, .default_json = "\"forwarded\""), GANTRY_CHANGES_END};
GANTRY_TOOL_AROUND0(later_around, "later", "Becomes a task inside")
{
    int rc = gantry_forward(call, NULL);
    return rc ? rc : gantry_text(call, "%s", gantry_task_id(call) ? "a task" : "no task");
}
#define blocking_around_changes later_around_changes
GANTRY_TOOL_AROUND0(blocking_around, "later_blocking", "The same with a worker inside")
{
    int rc = gantry_forward(call, NULL);
    return rc ? rc : gantry_text(call, "%s", gantry_task_id(call) ? "a task" : "no task");
}

GANTRY_PLUGIN("e2e_forward", "1.0.0",
              .tools_from = GANTRY_TOOLS_FROM(&confirm_around_from, &confirm_twice_from,
                                              &replay_around_from, &once_around_from,
                                              &later_around_from, &blocking_around_from));
