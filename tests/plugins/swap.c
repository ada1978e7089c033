/* swap.c - one source, many builds, to be replaced by each other: VERSION tells them apart.
 *
 * SAVES: hands its counter on. RESTORE_FAILS, START_FAILS: does not. EXCLUSIVE: holds a lock that
 * only one can hold, so the old one must have stopped before the new one starts. */
#include <gantry.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#ifndef FLAGS
#define FLAGS 0
#endif

typedef struct {
    const char *greeting, *lock;
} settings;
static const gantry_arg settings_fields[] = {
    GANTRY_ARG(settings, greeting, "What to say", .default_json = "\"hello\""),
    GANTRY_ARG(settings, lock, "File to lock", .optional = 1),
    GANTRY_ARGS_END,
};

static int64_t counter;
static int lock_fd = -1;

GANTRY_TOOL0(which, "Which build this is")
{
    return gantry_text(call, "%d", VERSION);
}
typedef struct {
    int64_t ms;
} nap_in;
static const gantry_arg nap_args[] = {
    GANTRY_ARG(nap_in, ms, "How long"),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(nap, nap_in, "Sleeps, then tells which build it is")
{
    int rc = gantry_sleep(call, (uint32_t)in->ms);
    return rc ? rc : gantry_text(call, "%d", VERSION);
}
GANTRY_TOOL0(count, "Counts")
{
    return gantry_text(call, "%lld", (long long)++counter);
}
GANTRY_TOOL0(greet, "Says what it was configured to")
{
    const settings *s = gantry_settings(gantry_self(call));
    return gantry_text(call, "%s from %s", s->greeting, gantry_instance(gantry_self(call)));
}

static int start(gantry_call *call, gantry_plugin *plugin)
{
    const settings *s = gantry_settings(plugin);
#ifdef START_FAILS
    return gantry_fail(call, "version %d does not start", VERSION);
#endif
#ifdef REFUSES_ONCE
    /* Starts for the first time only. */
    static int starts;
    if (starts++ > 0)
        return gantry_fail(call, "version %d does not start again", VERSION);
#endif
    if ((FLAGS & GANTRY_EXCLUSIVE) && s->lock) {
        lock_fd = open(s->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (lock_fd < 0 || flock(lock_fd, LOCK_EX | LOCK_NB) != 0)
            return gantry_fail(call, "version %d does not get the lock", VERSION);
    }
    return GANTRY_OK;
}

static void stop(gantry_plugin *plugin GANTRY_UNUSED)
{
    if (lock_fd >= 0)
        close(lock_fd);
    lock_fd = -1;
}

#ifdef SAVES
static int save(gantry_plugin *plugin GANTRY_UNUSED, gantry_buffer *out)
{
    return gantry_buffer_add(out, &counter, sizeof counter);
}
static int restore(gantry_plugin *plugin GANTRY_UNUSED, const void *data, size_t n)
{
#ifdef RESTORE_FAILS
    (void)data;
    (void)n;
    return GANTRY_EINVAL;
#else
    if (n != sizeof counter)
        return GANTRY_EINVAL;
    memcpy(&counter, data, n);
    return GANTRY_OK;
#endif
}
#define SAVE_AND_RESTORE .save = save, .restore = restore,
#else
#define SAVE_AND_RESTORE
#endif

GANTRY_PLUGIN("swap", "1.0." GANTRY_VERSION_TEXT, .flags = FLAGS,
              .tools = GANTRY_TOOLS(&which_tool, &nap_tool, &count_tool, &greet_tool),
              .start = start, .stop = stop,
              SAVE_AND_RESTORE GANTRY_SETTINGS(settings, settings_fields));
