/* host_ask.h - inside host_ask.c and host_sample.c: asking a model of the client.
 */
#ifndef GN_PLUGIN_HOST_ASK_H
#define GN_PLUGIN_HOST_ASK_H

#include "call/ask.h"
#include "plugin/host_internal.h"
#include "plugin/sampling.h"

/* Looks up the tools that the author has named and writes them into s->tools, in the call's memory;
 * nothing if none are. GN_ENOENT: there is no such tool. [loop] */
int gn_host_offer_tools(gantry_call *call, struct gn_sampling *s, struct gn_error *err);
/* gantry_sample of what has been checked and written already. Returns GANTRY_ codes. [task] */
int gn_host_ask_model(gantry_call *call, const char *key, struct gn_sampling *sampling,
                      gantry_sampled *ret);

#endif
