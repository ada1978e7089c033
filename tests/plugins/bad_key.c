/* bad_key.c - leaves a thread key behind, whose destructor is in its code: a thread that ends after
 * the code was unmapped would jump into nothing. */
#include <gantry.h>

#include <pthread.h>

static pthread_key_t key;

static void on_thread_end(void *value)
{
    *(volatile int *)value = 0;
}

static int start(gantry_call *call, gantry_plugin *plugin GANTRY_UNUSED)
{
    return pthread_key_create(&key, on_thread_end) ? gantry_fail(call, "no key") : GANTRY_OK;
}

GANTRY_TOOL0(touch, "Sets the key on a worker thread", .flags = GANTRY_BLOCKING)
{
    static int value;
    pthread_setspecific(key, &value);
    return gantry_text(call, "touched");
}
GANTRY_PLUGIN("key", "1.0.0", .tools = GANTRY_TOOLS(&touch_tool), .start = start);
