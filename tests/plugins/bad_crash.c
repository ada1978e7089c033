/* bad_crash.c - crashes, goes round for ever, ends the process or fails, at the place that WHERE
 * names, in the way that HOW names. */
#include <gantry.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CRASH 1
#define LOOP 2
#define EXIT 3
#define FAIL 4
#define WAIT 5
#define SHRUG 6

#define CONSTRUCTOR 1
#define START 2
#define STOP 3
#define DESTRUCTOR 4

/* The signal shall come from the processor, not from a sanitizer that sees it coming. */
__attribute__((no_sanitize("address", "undefined"))) static GANTRY_UNUSED void misbehave(void)
{
    static volatile int *volatile nowhere, forever = 1;
    fprintf(stderr, "last words\n");
    if (HOW == CRASH)
        *nowhere = 1;
    while (HOW == LOOP && forever)
        usleep(1000);
    if (HOW == EXIT)
        exit(7);
}

#if WHERE == CONSTRUCTOR
__attribute__((constructor)) static void constructor(void)
{
    misbehave();
}
#endif
#if WHERE == DESTRUCTOR
__attribute__((destructor)) static void destructor(void)
{
    misbehave();
}
#endif

static GANTRY_UNUSED int later(gantry_call *call, void *arg)
{
    (void)call, (void)arg;
    return GANTRY_OK;
}

static int start(gantry_call *call, gantry_plugin *plugin GANTRY_UNUSED)
{
#if WHERE == START && HOW == FAIL
    return gantry_fail(call, "the database is not there");
#elif WHERE == START && HOW == SHRUG
    (void)call;
    return GANTRY_EIO;
#elif WHERE == START && HOW == WAIT
    return gantry_sleep(call, 3600 * 1000);
#elif WHERE == START
    misbehave();
    (void)call;
#elif WHERE == STOP /* its stop is tried although something waits for it to go live */
    return gantry_spawn(call, GANTRY_BACKGROUND("later", later, NULL));
#else
    (void)call;
#endif
    return GANTRY_OK;
}

static void stop(gantry_plugin *plugin GANTRY_UNUSED)
{
#if WHERE == STOP
    misbehave();
#endif
}

GANTRY_TOOL0(crash, "Never gets this far")
{
    return gantry_text(call, "well");
}
GANTRY_PLUGIN("crash", "1.0.0", .tools = GANTRY_TOOLS(&crash_tool), .start = start, .stop = stop);
