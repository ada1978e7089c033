/* files.c - what is installed beside the program. */
#include "cli.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>
#include <unistd.h>

char *gn_cli_prefix(const struct gn_cli *cli)
{
    GN_AUTO_FREE char *path = gn_strdup(cli->self);
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(path, '/');
        if (slash)
            *slash = '\0';
    }
    return gn_strdup(*path ? path : "/");
}

char *gn_cli_installed(const struct gn_cli *cli, const char *relative)
{
    GN_AUTO_FREE char *prefix = gn_cli_prefix(cli);
    char *path = gn_path_join(prefix, relative);
    if (access(path, R_OK) == 0)
        return path;
    gn_free(path);
    return NULL;
}
