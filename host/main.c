/* main.c - the process begins: a probe child, or the command line. */
#include "cli.h"

#include "plugin/manager.h"
#include "util/str.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/* Descriptors 0 to 2 exist from here on, so that no file or socket gets one of these numbers and
 * what was meant for the terminal. */
static void open_standard_files(void)
{
    for (;;) {
        int fd = open("/dev/null", O_RDWR);
        if (fd > STDERR_FILENO)
            close(fd);
        if (fd < 0 || fd > STDERR_FILENO)
            return;
    }
}

int main(int argc, char **argv)
{
    open_standard_files();
    signal(SIGPIPE, SIG_IGN);
    if (argc > 1 && gn_streq(argv[1], "--probe"))
        return gn_probe_child(argc, argv);
    return gn_cli_main(argc, argv);
}
