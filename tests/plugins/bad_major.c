/* bad_major.c - made for the ABI after next, under whose symbol it exports who knows what. */
#include <gantry.h>

extern GANTRY_EXPORT const int gantry_plugin_v2;
const int gantry_plugin_v2 = 2;

__attribute__((constructor)) static void constructor(void)
{
    __builtin_trap(); /* must not be run to find out */
}
