/* e2e_log.c - tools that log in every way, for test_logging.py. */
#include <gantry.h>

#include <string.h>
#include <unistd.h>

static const gantry_var tenant = GANTRY_VAR("tenant", GANTRY_VALUE_TEXT,
                                            .flags = GANTRY_VAR_LOGGED);

/* ---------------------------------------------------------------- many lines */

typedef struct {
    int64_t lines, every, bytes;
} flood_in;
static const gantry_arg flood_args[] = {
    GANTRY_ARG(flood_in, lines, "How many lines"),
    GANTRY_ARG(flood_in, every, "After how many the others get a turn", .default_json = "100"),
    GANTRY_ARG(flood_in, bytes, "How long a line is", .default_json = "10", .range = {0, 8000}),
    GANTRY_ARGS_END,
};

/* One in a thousand is an error, the others are of level info. */
static void say(gantry_call *call, const flood_in *in, int64_t i)
{
    gantry_log(call, i % 1000 == 999 ? GANTRY_ERROR : GANTRY_INFO, "line %lld %*s", (long long)i,
               (int)in->bytes, ".");
}

GANTRY_TOOL(flood, flood_in, "Logs without end")
{
    for (int64_t i = 0; i < in->lines; i++) {
        say(call, in, i);
        int rc = i % in->every == 0 ? gantry_sleep(call, 0) : GANTRY_OK;
        if (rc)
            return rc;
    }
    return gantry_text(call, "flooded");
}

#define flood_blocking_args flood_args
GANTRY_TOOL(flood_blocking, flood_in, "The same on a worker", .flags = GANTRY_BLOCKING,
            .timeout_ms = 120000)
{
    for (int64_t i = 0; i < in->lines; i++)
        say(call, in, i);
    return gantry_text(call, "flooded");
}

/* ---------------------------------------------------------------- order */

static int interleave_all(gantry_call *call)
{
    for (int i = 1; i <= 5; i++) {
        gantry_log(call, GANTRY_INFO, "before %d", i);
        int rc = gantry_progress(call, i, 5, NULL);
        if (rc)
            return rc;
        gantry_log(call, GANTRY_WARNING, "behind %d", i);
    }
    return gantry_text(call, "done");
}
GANTRY_TOOL0(interleave, "Logs and reports progress in turns")
{
    return interleave_all(call);
}
GANTRY_TOOL0(interleave_blocking, "The same on a worker", .flags = GANTRY_BLOCKING)
{
    return interleave_all(call);
}

GANTRY_TOOL0(wait_logging, "Logs a line, waits long, logs another")
{
    gantry_log(call, GANTRY_INFO, "first");
    int rc = gantry_sleep(call, 60000);
    gantry_log(call, GANTRY_INFO, "second");
    return rc ? rc : gantry_text(call, "waited");
}

/* ---------------------------------------------------------------- what a line carries */

GANTRY_TOOL0(fields, "Logs fields of every type")
{
    const gantry_json *json = gantry_json_parse(
        call, "{\"user\":\"bob\",\"password\":\"hunter2\"}",
        strlen("{\"user\":\"bob\",\"password\":\"hunter2\"}"));
    gantry_log(call, GANTRY_INFO, "plain");
    gantry_log_with(call, GANTRY_INFO, "database",
                    GANTRY_FIELDS("rows", 3, "ratio", 0.5, "cached", (bool)true, "table", "users",
                                  "who", json, "Api-Key", "12345"),
                    "query done with Bearer abc123");
    gantry_set_text(call, &tenant, "acme");
    gantry_log(call, GANTRY_NOTICE | GANTRY_USER_VISIBLE, "for you");
    return gantry_text(call, "logged");
}

GANTRY_TOOL0(timers, "Times its parts")
{
    for (int i = 0; i < 3; i++) {
        GANTRY_TIMED(call, "step") {
            gantry_sleep(call, 1);
        }
    }
    double seconds = gantry_timer_elapsed(call, "step");
    int rc = gantry_timer_end(call, "never begun");
    if (rc != GANTRY_EINVAL || seconds <= 0 || gantry_timer_elapsed(call, "other") != 0)
        return gantry_fail(call, "the timers are wrong");
    gantry_timer_summary(call);
    return gantry_text(call, "timed");
}

/* ---------------------------------------------------------------- levels */

typedef struct {
    const char *category;
    int64_t level;
} set_in;
static const gantry_arg set_args[] = {
    GANTRY_ARG(set_in, category, "Of which", .optional = 1),
    GANTRY_ARG(set_in, level, "The level, or -1"),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(set, set_in, "Sets a level of this plugin")
{
    int rc = gantry_set_log_level(gantry_self(call), in->category, (int)in->level);
    return gantry_text(call, "%d", rc);
}

/* What would go somewhere, and then all of it. */
GANTRY_TOOL0(speak, "Logs at every level, plain and under a category")
{
    char enabled[32];
    size_t n = 0;
    for (uint32_t level = GANTRY_DEBUG; level <= GANTRY_EMERGENCY; level++) {
        enabled[n++] = gantry_log_enabled(call, level, NULL) ? 'y' : 'n';
        enabled[n++] = gantry_log_enabled(call, level, "database") ? 'y' : 'n';
        gantry_log(call, level, "plain %u", level);
        gantry_log_with(call, level, "database", NULL, "database %u", level);
        gantry_plugin_log(gantry_self(call), level, "outside %u", level);
    }
    enabled[n] = '\0';
    return gantry_text(call, "%s", enabled);
}

typedef struct {
    const char *password, *name;
} secret_in;
static const gantry_arg secret_args[] = {
    GANTRY_ARG(secret_in, name, "Whose"),
    GANTRY_ARG(secret_in, password, "Not for the log"),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(secret, secret_in, "Takes a password")
{
    if (strcmp(in->name, "nobody") == 0)
        return gantry_fail(call, "nobody has none");
    return gantry_text(call, "%s has one of %zu characters", in->name, strlen(in->password));
}

GANTRY_PLUGIN("log", "1.0.0", .description = "Logs in every way",
              .tools = GANTRY_TOOLS(&flood_tool, &flood_blocking_tool, &interleave_tool,
                                    &interleave_blocking_tool, &wait_logging_tool, &fields_tool,
                                    &timers_tool, &set_tool, &speak_tool, &secret_tool));
