/* live.c - tools that change what the plugin offers while it runs, and one that lets its client go.
 */
#include "conformance.h"

/* ---------------------------------------------------------------- components that come and go */

GANTRY_TOOL0(test_passing_tool, "Is there every other time test_trigger_tool_change was called")
{
    return gantry_text(call, "Still here");
}

GANTRY_PROMPT0(test_passing_prompt,
               "Is there every other time test_trigger_prompt_change was called")
{
    return gantry_text(call, "Still here");
}

GANTRY_TOOL0(test_trigger_tool_change, "Adds a tool, or takes it away again")
{
    gantry_plugin *self = gantry_self(call);
    int rc = gantry_remove_tool(self, test_passing_tool_tool.name);
    if (rc == GANTRY_ENOENT)
        rc = gantry_add_tool(self, &test_passing_tool_tool);
    return rc ? rc : gantry_text(call, "The tools have changed");
}

GANTRY_TOOL0(test_trigger_prompt_change, "Adds a prompt, or takes it away again")
{
    gantry_plugin *self = gantry_self(call);
    int rc = gantry_remove_prompt(self, test_passing_prompt_prompt.name);
    if (rc == GANTRY_ENOENT)
        rc = gantry_add_prompt(self, &test_passing_prompt_prompt);
    return rc ? rc : gantry_text(call, "The prompts have changed");
}

/* ---------------------------------------------------------------- streams */

GANTRY_TOOL0(test_reconnection, "Closes its stream; its client comes back for the result")
{
    int rc = gantry_close_stream(call, 100);
    if (rc && rc != GANTRY_ENOTSUP)
        return rc;
    if ((rc = gantry_sleep(call, 100)))
        return rc;
    return gantry_text(call, "Reconnection test completed successfully");
}

/* ---------------------------------------------------------------- a skill of the run time */

GANTRY_SKILL(review, "office/code-review",
             GANTRY_SKILL_FILE("SKILL.md", "---\n"
                                           "name: code-review\n"
                                           "description: Review a change before it is merged\n"
                                           "---\n"
                                           "\n"
                                           "# Code review\n"
                                           "\n"
                                           "Go through [checklists/all.md](checklists/all.md).\n"),
             GANTRY_SKILL_FILE("checklists/all.md", "1. Does it have a test?\n"));

/* ---------------------------------------------------------------- all of them */

int conformance_add_live(gantry_plugin *plugin)
{
    static const gantry_tool *const tools[] = {
        &test_trigger_tool_change_tool,
        &test_trigger_prompt_change_tool,
        &test_reconnection_tool,
    };
    for (size_t i = 0; i < sizeof tools / sizeof *tools; i++) {
        int rc = gantry_add_tool(plugin, tools[i]);
        if (rc)
            return rc;
    }
    return gantry_set_skill(plugin, &review_skill);
}
