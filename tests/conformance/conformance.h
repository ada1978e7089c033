/* conformance.h - what the files of the fixture plugin share.
 *
 * Names of tools, resources and prompts, and what they say, are those that the official conformance
 * suite asks for.
 */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include <gantry.h>

/* A form for a name (asks.c). */
typedef struct {
    const char *name;
} name_form;
extern GANTRY_HIDDEN const gantry_arg name_form_args[];

/* Registers the tools and the prompt that ask the client something (asks.c). [loop] */
int conformance_add_asks(gantry_plugin *plugin);

/* Registers the tools that change what the plugin offers, or how they answer (live.c). [loop] */
int conformance_add_live(gantry_plugin *plugin);

/* Registers the tools whose calls become tasks (tasks.c). [loop] */
int conformance_add_tasks(gantry_plugin *plugin);

#endif
