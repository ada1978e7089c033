/* mutex.h - what plugins see as gantry_mutex: a task mutex that knows its plugin and its holder. */
#ifndef GN_CALL_MUTEX_H
#define GN_CALL_MUTEX_H

#include "call/call.h"

struct gantry_mutex {
    struct gn_mutex mutex;
    struct gn_list plugin_node; /* in the generation's list: freed with it */
    struct gn_list call_node;   /* in call->locks of the call that holds it */
    gantry_plugin *plugin;
    uint32_t level; /* call->around_at of whoever holds it: a handler, or a middleware around it */
};

#endif
