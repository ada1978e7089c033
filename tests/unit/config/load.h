/* load.h - for tests of the configuration: files as texts. */
#ifndef TESTS_UNIT_CONFIG_LOAD_H
#define TESTS_UNIT_CONFIG_LOAD_H

#include "config/config.h"

/* The text as a file gantry.yaml; NULL: problems says why. */
struct gn_config *load(const char *text, struct gn_buf *problems);
/* One that must be right. */
struct gn_config *load_right(const char *text);

#endif
