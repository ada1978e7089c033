/* top.c - declarations of a plugin that stand alone. */
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wunused-const-variable"
#pragma GCC diagnostic ignored "-Wunused-function"
#include <gantry.h>

#include <stdlib.h>
#include <string.h>

/* EXAMPLE */
