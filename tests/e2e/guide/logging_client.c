/* logging_client.c - from the guide's chapter "Server-Side Logging": Client-Side Log Handling.
 *
 * The handler itself is the client's (test_guide_logging.py has it); this is what it hears from.
 */
#include <gantry.h>

GANTRY_TOOL0(deploy, "Says something at each level")
{
    static const char host[] = "web1";

    gantry_log_with(call, GANTRY_DEBUG, "deploy", GANTRY_FIELDS("host", host), "Connecting");
    gantry_log_with(call, GANTRY_INFO | GANTRY_USER_VISIBLE, "deploy",
                    GANTRY_FIELDS("host", host, "percent", 50), "Half of it is there");
    gantry_log_with(call, GANTRY_WARNING, "deploy", GANTRY_FIELDS("host", host),
                    "Disk is %d%% full", 91);
    gantry_log_with(call, GANTRY_ERROR, "deploy", GANTRY_FIELDS("host", host), "Disk is full");
    return gantry_text(call, "deployed");
}

GANTRY_PLUGIN("logging_client", "1.0.0", .tools = GANTRY_TOOLS(&deploy_tool));
