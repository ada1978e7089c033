/* e2e_siege.c - middlewares, nested calls, schedules and scope used in ways that hurt, for the
 * end-to-end tests. SIEGE numbers the builds, so that one can replace the other; SIEGE_FLAGS are
 * those of the plugin. */
#include <gantry.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef SIEGE_FLAGS
#define SIEGE_FLAGS 0
#endif

/* Appends a line to the file that the test named, if it did. */
static void tell(const char *what)
{
    const char *path = getenv("SIEGE_FILE");
    FILE *f = path ? fopen(path, "a") : NULL;
    if (!f)
        return;
    fprintf(f, "%d %s\n", SIEGE, what);
    fclose(f);
}

/* ---------------------------------------------------------------- slow ones */

GANTRY_MIDDLEWARE(slow_notifications, GANTRY_ON_NOTIFICATION)
{
    tell(gantry_method(call));
    int rc = gantry_sleep(call, 60000);
    return rc ? rc : gantry_next(call);
}

/* Waits after the session was made, or before. */
GANTRY_MIDDLEWARE(doorman, GANTRY_ON_INITIALIZE)
{
    const gantry_json *info = gantry_json_get(gantry_params(call), "clientInfo");
    const char *name = gantry_json_string(gantry_json_get(info, "name"), NULL);
    if (name && strcmp(name, "dawdler") == 0)
        gantry_sleep(call, 300);
    int rc = gantry_next(call);
    if (name && strcmp(name, "slow") == 0) {
        tell("the session is made");
        gantry_sleep(call, 60000);
    }
    if (name && strcmp(name, "twice") == 0)
        rc = gantry_next(call);
    return rc;
}

/* Tries again until it works, without ever waiting. */
GANTRY_MIDDLEWARE(stubborn, GANTRY_ON_CALL_TOOL, GANTRY_TAGS("stubborn"))
{
    int rc = gantry_set_timeout(call, 200);
    while (rc == GANTRY_OK && gantry_next(call) != GANTRY_OK)
        ;
    return rc;
}

GANTRY_TOOL0(hopeless, "Always fails", GANTRY_TAGS("stubborn"))
{
    return gantry_fail(call, "no");
}

/* ---------------------------------------------------------------- workers */

static int nap(void *arg)
{
    (void)arg;
    usleep(1000);
    return gantry_current() ? 1 : 0;
}

GANTRY_MIDDLEWARE(working, GANTRY_ON_CALL_TOOL, GANTRY_TAGS("worked"))
{
    int rc = gantry_work(call, nap, NULL);
    return rc ? rc : gantry_next(call);
}

static int reach(gantry_call *call, const char *tool)
{
    const gantry_json *result = NULL;
    int rc = gantry_call_tool(call, tool, NULL, &result);
    return rc ? rc : gantry_text(call, "%s", "reached");
}

GANTRY_TOOL0(piece, "A piece of work from a coroutine")
{
    int rc = gantry_work(call, nap, NULL);
    return rc ? gantry_fail(call, "code %d", rc) : gantry_text(call, "done");
}
GANTRY_TOOL0(stoppable, "A piece of work that can be told to stop")
{
    int rc = gantry_work_interruptible(call, nap, NULL, NULL);
    return rc ? gantry_fail(call, "code %d", rc) : gantry_text(call, "done");
}
GANTRY_TOOL0(blocking, "On a worker", .flags = GANTRY_BLOCKING)
{
    usleep(1000);
    return gantry_text(call, "done");
}
GANTRY_TOOL0(worked, "In a middleware that hands work out", GANTRY_TAGS("worked"))
{
    return gantry_text(call, "done");
}
GANTRY_TOOL0(to_blocking, "Calls one that blocks")
{
    return reach(call, "blocking");
}
GANTRY_TOOL0(w_piece, "From a worker", .flags = GANTRY_BLOCKING)
{
    return reach(call, "piece");
}
GANTRY_TOOL0(w_stoppable, "From a worker", .flags = GANTRY_BLOCKING)
{
    return reach(call, "stoppable");
}
GANTRY_TOOL0(w_worked, "From a worker", .flags = GANTRY_BLOCKING)
{
    return reach(call, "worked");
}
GANTRY_TOOL0(w_to_blocking, "From a worker", .flags = GANTRY_BLOCKING)
{
    return reach(call, "to_blocking");
}
GANTRY_TOOL0(in_place, "Work on the worker's own thread: no call there", .flags = GANTRY_BLOCKING)
{
    int rc = gantry_work(call, nap, NULL);
    int again = gantry_work_interruptible(call, nap, NULL, NULL);
    return gantry_text(call, "%d %d", rc, again);
}

/* ---------------------------------------------------------------- deep */

typedef struct {
    int64_t left;
    bool work;
} deep_in;
static const gantry_arg deep_args[] = {
    GANTRY_ARG(deep_in, left, "Levels to go"),
    GANTRY_ARG(deep_in, work, "Every second one on a worker", .default_json = "false"),
    GANTRY_ARGS_END};
#define deep_worker_args deep_args

static const gantry_var level = GANTRY_VAR("level", GANTRY_VALUE_INT, .flags = GANTRY_VAR_LOGGED);

static int go_deeper(gantry_call *call, const deep_in *in, const char *tool)
{
    const gantry_json *result = NULL;
    char text[64];
    if (in->left == 0)
        return gantry_text(call, "depth %d", gantry_depth(call));
    int n = snprintf(text, sizeof text, "{\"left\": %d, \"work\": %s}", (int)in->left - 1,
                     in->work ? "true" : "false");
    int rc = gantry_call_tool(call, in->work ? tool : "deep",
                              gantry_json_parse(call, text, (size_t)n), &result);
    if (rc == GANTRY_ETOOBIG)
        return gantry_text(call, "too deep at %d", gantry_depth(call));
    if (rc)
        return rc;
    const gantry_json *content = gantry_json_get(result, "content");
    return gantry_text(
        call, "%s", gantry_json_string(gantry_json_get(gantry_json_at(content, 0), "text"), NULL));
}
GANTRY_TOOL(deep, deep_in, "Calls itself", GANTRY_TAGS("deep"))
{
    return go_deeper(call, in, "deep_worker");
}
GANTRY_TOOL(deep_worker, deep_in, "Calls the other", GANTRY_TAGS("deep"), .flags = GANTRY_BLOCKING)
{
    return go_deeper(call, in, "deep");
}
GANTRY_MIDDLEWARE(around_deep, GANTRY_ON_CALL_TOOL, GANTRY_TAGS("deep"))
{
    gantry_set_int(call, &level, gantry_depth(call));
    int rc = gantry_work(call, nap, NULL);
    return rc ? rc : gantry_next(call);
}

/* ---------------------------------------------------------------- one call in another's place */

static gantry_call *outer_call;
GANTRY_MIDDLEWARE(lends, GANTRY_ON_CALL_TOOL, GANTRY_TAGS("lends"))
{
    const gantry_json *result;
    outer_call = call;
    gantry_call_tool(call, "borrows", NULL, &result);
    outer_call = NULL;
    return gantry_next(call);
}
GANTRY_TOOL0(lent, "In a middleware that gives its call away", GANTRY_TAGS("lends"))
{
    return gantry_text(call, "fine");
}
GANTRY_TOOL0(borrows, "Runs what is inside of another call")
{
    return gantry_text(call, "%d", gantry_next(outer_call));
}

/* ---------------------------------------------------------------- schedules, scope, exclusive */

static int tick(gantry_call *call, void *arg)
{
    (void)call, (void)arg;
    tell("tick");
    return GANTRY_OK;
}

GANTRY_TOOL0(long_one, "Keeps this generation")
{
    tell("long");
    int rc = gantry_sleep(call, 60000);
    return rc ? rc : gantry_text(call, "done");
}

GANTRY_TOOL0(w_long, "Keeps this generation, and a worker", .flags = GANTRY_BLOCKING)
{
    tell("long");
    int rc = gantry_sleep(call, 60000);
    return rc ? rc : gantry_text(call, "done");
}

static int linger(gantry_call *call, void *arg)
{
    (void)arg;
    return gantry_sleep(call, 100);
}
GANTRY_TOOL0(spawns, "Goes on in the background")
{
    int rc = gantry_spawn(call, GANTRY_BACKGROUND("linger", linger, NULL));
    return rc ? rc : gantry_text(call, "spawned");
}

static void gone(void *value)
{
    tell(value);
}
static const gantry_var token = GANTRY_VAR("token", GANTRY_VALUE_POINTER, .destroy = gone,
                                           .flags = GANTRY_VAR_NESTED | GANTRY_VAR_SPAWNED);
static char the_token[] = "the token is gone";

GANTRY_MIDDLEWARE(everywhere, GANTRY_ON_CALL_TOOL, .priority = -10)
{
    int rc = gantry_set_pointer(call, &token, the_token);
    return rc ? rc : gantry_next(call);
}

static int start(gantry_call *call, gantry_plugin *plugin)
{
    (void)call;
    if (getenv("SIEGE_TICKS"))
        gantry_every(plugin, 20, GANTRY_BACKGROUND("tick", tick, NULL));
    return getenv("SIEGE_EVERYWHERE") ? gantry_add_middleware(plugin, &everywhere_middleware)
                                      : GANTRY_OK;
}
static void stop(gantry_plugin *plugin)
{
    (void)plugin;
    tell("stop");
}
static int which(gantry_call *call)
{
    return gantry_text(call, "%d", SIEGE);
}
GANTRY_TOOL0(generation, "Which build this is")
{
    return which(call);
}

GANTRY_PLUGIN("e2e_siege", "1.0.0", .flags = SIEGE_FLAGS, .start = start, .stop = stop,
              .tools = GANTRY_TOOLS(&hopeless_tool, &piece_tool, &stoppable_tool, &blocking_tool,
                                    &worked_tool, &to_blocking_tool, &w_piece_tool,
                                    &w_stoppable_tool, &w_worked_tool, &w_to_blocking_tool,
                                    &in_place_tool, &deep_tool, &deep_worker_tool, &lent_tool,
                                    &borrows_tool, &long_one_tool, &generation_tool, &w_long_tool,
                                    &spawns_tool),
              .middleware = GANTRY_MIDDLEWARES(&slow_notifications_middleware, &doorman_middleware,
                                               &stubborn_middleware, &working_middleware,
                                               &around_deep_middleware, &lends_middleware));
