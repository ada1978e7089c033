/* dev.c - gantry dev: builds a plugin, serves it, and does so again at each change. */
#include "builder.h"
#include "serving.h"
#include "util/alloc.h"
#include "util/str.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_PORT 8080
#define LAST_PORT 8099

static int exec_dev(const struct gn_cli *cli, const struct gn_cli_args *args);

static const struct gn_cli_option options[] = {
    GN_SERVING_OPTIONS,
    {0},
};

const struct gn_command gn_command_dev = {
    .name = "dev",
    .args = "DIR",
    .summary = "build a plugin, serve it, and do so again at each change",
    .options = options,
    .usage =
        "DIR has a CMakeLists.txt or one .c file (or is a .c file). What is built appears in\n"
        "DIR/build. Sources are watched; the compiler's messages are shown as they are; a plugin\n"
        "that does not build or load leaves the one before it in service. Serves\n"
        "http://127.0.0.1:8080/mcp, or the next free port, unless --http or the configuration\n"
        "says otherwise.\n"
        "\n"
        "  gantry dev weather\n",
    .exec = exec_dev,
};

struct dev {
    struct gn_serving serving;
    struct gn_builder *builder;
    uint16_t port; /* chosen at the start, and kept; 0: not yet */
};

static bool is_free(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    bool ok = bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return ok;
}

static uint16_t free_port(void)
{
    uint16_t port = FIRST_PORT;
    while (port < LAST_PORT && !is_free(port))
        port++;
    return port;
}

static int adjust(void *arg, struct gn_config *c, struct gn_buf *problems)
{
    struct dev *d = arg;
    struct gn_error err = {0};
    int rc = gn_config_add(c, "loading.folders", gn_builder_output(d->builder), &err);
    c->stdio = false;
    c->watch = true;
    c->list_ttl_ms = 0; /* who looks at a changing list wants to see it change */
    if (!rc && c->listener_count == 0) {
        if (!d->port)
            d->port = free_port();
        GN_AUTO_FREE char *address = gn_format("127.0.0.1:%u", d->port);
        rc = gn_config_add(c, "http.listen", address, &err);
    }
    if (rc)
        gn_buf_addf(problems, "%s\n", err.text);
    return rc;
}

static void on_ready(void *arg, const char *const *urls)
{
    (void)arg;
    for (; *urls; urls++)
        fprintf(stderr, "gantry dev: serving on %s (Ctrl-C stops)\n", *urls);
}

static void on_loaded(void *arg, const char *instance, uint32_t generation,
                      const struct gn_error *err, uint32_t took_ms)
{
    (void)arg;
    if (err)
        fprintf(stderr, "gantry dev: %s was not loaded (the log says why)\n", instance);
    else
        fprintf(stderr, "gantry dev: %s loaded, generation %u, in %u ms\n", instance, generation,
                took_ms);
}

static int serve(const struct gn_cli *cli, struct dev *d)
{
    struct gn_buf problems = GN_BUF_INIT(1 << 20);
    struct gn_config *c = gn_serving_config(&d->serving, &problems);
    if (!c)
        gn_cli_fail_lines(cli, gn_buf_str(&problems));
    gn_buf_release(&problems);
    if (!c)
        return GN_EXIT_USAGE;
    struct gn_host_options host = {
        .config = c,
        .reload = gn_serving_reload,
        .reload_arg = &d->serving,
        .self_exe = cli->self,
        .stdin_fd = -1,
        .stdout_fd = -1,
        .ready_file = gn_cli_value(d->serving.args, "ready-file"),
        .on_ready = on_ready,
        .on_loaded = on_loaded,
        .arg = d,
    };
    return gn_host_run(&host);
}

static int exec_dev(const struct gn_cli *cli, const struct gn_cli_args *args)
{
    if (!gn_cli_words(cli, args, 1))
        return GN_EXIT_USAGE;
    struct gn_error err = {0};
    struct dev d = {.serving = {.args = args, .adjust = adjust, .arg = &d}};
    GN_AUTO_FREE char *prefix = gn_cli_prefix(cli);
    d.builder = gn_builder_new(args->words[0], prefix, &err);
    if (!d.builder)
        return gn_cli_fail(cli, GN_EXIT_USAGE, "%s", err.text);
    gn_builder_run(d.builder);
    int code = gn_builder_start(d.builder, &err) ? gn_cli_fail(cli, GN_EXIT_FAILED, "%s", err.text)
                                                 : serve(cli, &d);
    gn_builder_free(d.builder);
    return code;
}
