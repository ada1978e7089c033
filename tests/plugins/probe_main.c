/* probe_main.c - what unit tests run as the probe child, in place of the host's executable. */
#include "plugin/manager.h"

int main(int argc, char **argv)
{
    return gn_probe_child(argc, argv);
}
