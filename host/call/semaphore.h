/* semaphore.h - what plugins see as gantry_semaphore: a task semaphore that knows its plugin. */
#ifndef GN_CALL_SEMAPHORE_H
#define GN_CALL_SEMAPHORE_H

#include "call/call.h"

struct gantry_semaphore {
    struct gn_semaphore semaphore;
    struct gn_list plugin_node; /* in the generation's list: freed with it */
    gantry_plugin *plugin;
};

#endif
