/* serving.h - what `serve` and `dev` share: their options, and a configuration made of file and
 * options. */
#ifndef GANTRY_SERVING_H
#define GANTRY_SERVING_H

#include "cli.h"
#include "config/config.h"
#include "host.h"

/* What there is to serve, as rows of a table of options. */
#define GN_SERVED_OPTIONS                                                                          \
    {"config", 'c', "FILE", "the configuration (gantry.yaml explains every key)"},                 \
        {"plugins", 'p', "DIR", "load the plugins of this folder, and watch it; may be repeated"}, \
        {"plugin", 0, "FILE", "load this plugin, and watch it; may be repeated"},                  \
    {                                                                                              \
        "set", 0, "KEY=VALUE", "set a key of the configuration; may be repeated"                   \
    }

/* The options of serve. */
#define GN_SERVING_OPTIONS                                                                         \
    GN_SERVED_OPTIONS,                                                                             \
        {"http", 0, "ADDR:PORT",                                                                   \
         "serve HTTP there, instead of where the configuration says; port 0\n"                     \
         "takes a free one; may be repeated"},                                                     \
        {"insecure", 0, NULL, "allow addresses that others can reach without authentication"},     \
        {"log-level", 0, "LEVEL", "debug, info, notice, warning, error, ..."},                     \
        {"log-format", 0, "text|json", "how log lines look (on standard error)"},                  \
    {                                                                                              \
        "ready-file", 0, "FILE", "written once serving, one URL a line"                            \
    }

/* Descriptors of standard input and output, out of the way of everything that could write to them.
 */
struct gn_put_aside {
    int in, out;
};

/* How a configuration is made, again at each SIGHUP. Zero-initialise. */
struct gn_serving {
    const struct gn_cli_args *args;
    /* Changes what file and options gave, before it is checked. 0, or negative with problems. */
    int (*adjust)(void *arg, struct gn_config *c, struct gn_buf *problems);
    void *arg;
};

/* The configuration of file and options, adjusted and checked. NULL with all problems. */
struct gn_config *gn_serving_config(const struct gn_serving *s, struct gn_buf *problems);
/* What no single key can tell, and what the transforms say: all problems. 0, or GN_EINVAL. */
int gn_serving_check_config(const struct gn_config *c, struct gn_buf *problems);
/* A plugin named on the command line that is not there is a mistake at the start; later it may come
 * and go. 0, or negative with problems. */
int gn_serving_check_files(const struct gn_cli_args *args, struct gn_buf *problems);
/* A gn_host_options.reload; arg is a struct gn_serving. */
int gn_serving_reload(void *arg, struct gn_config **ret, struct gn_buf *problems);

/* From here on descriptor 0 is empty and 1 is standard error; what they were is returned, closed in
 * children. Call it before anything could write. */
struct gn_put_aside gn_serving_put_aside(void);

/* inspect_host.c: prints what a host with these options would serve, and why; returns the exit
 * code. */
int gn_inspect_host(const struct gn_cli *cli, const struct gn_cli_args *args);

#endif
