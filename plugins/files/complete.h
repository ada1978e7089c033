/* complete.h - suggestions for the template's variables while a person types. */
#ifndef FILES_COMPLETE_H
#define FILES_COMPLETE_H

#include <gantry.h>

/* A gantry_complete_fn for the variables `root` and `path`. The plugin's state is its roots. */
int complete_file(gantry_call *call, const char *argument, const char *value);

#endif
