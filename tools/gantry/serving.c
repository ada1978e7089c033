/* serving.c - a configuration made of file and options. */
#include "serving.h"

#include "registry/from_config.h"
#include "util/alloc.h"
#include "util/str.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define HIGH_FD 64 /* beyond what anything expects at a fixed place */

/* Options that set or extend one key. */
static const struct {
    const char *option, *key;
    bool add;
} keys[] = {
    {"plugins", "loading.folders", true}, {"plugin", "loading.files", true},
    {"http", "http.listen", true},        {"log-level", "log.level", false},
    {"log-format", "log.format", false},
};

static int apply_set(struct gn_config *c, const char *text, struct gn_error *err)
{
    const char *equals = strchr(text, '=');
    if (!equals)
        return gn_error_set(err, GN_EINVAL, "\"%s\" is not KEY=VALUE (log.level=debug)", text);
    GN_AUTO_FREE char *key = gn_strndup(text, (size_t)(equals - text));
    return gn_config_set(c, key, equals + 1, err);
}

static int apply_option(struct gn_config *c, const struct gn_cli_given *g, struct gn_error *err)
{
    if (gn_streq(g->option->name, "set"))
        return apply_set(c, g->value, err);
    if (gn_streq(g->option->name, "insecure")) {
        c->insecure = true;
        return 0;
    }
    for (size_t i = 0; i < GN_COUNT(keys); i++) {
        if (gn_streq(g->option->name, keys[i].option))
            return keys[i].add ? gn_config_add(c, keys[i].key, g->value, err)
                               : gn_config_set(c, keys[i].key, g->value, err);
    }
    return 0;
}

static int apply_options(const struct gn_cli_args *args, struct gn_config *c,
                         struct gn_buf *problems)
{
    int rc = 0;
    if (gn_cli_has(args, "http"))
        gn_config_set(c, "http.listen", "[]", NULL);
    for (size_t i = 0; i < args->given_count; i++) {
        struct gn_error err = {0};
        if (apply_option(c, &args->given[i], &err)) {
            gn_buf_addf(problems, "--%s: %s\n", args->given[i].option->name, err.text);
            rc = GN_EINVAL;
        }
    }
    return rc;
}

static int put_aside(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD);
}

int gn_serving_check_config(const struct gn_config *c, struct gn_buf *problems)
{
    struct gn_transform **transforms;
    size_t count;
    int rc = gn_config_validate(c, problems);
    int wrong = gn_transforms_from_config(c, &transforms, &count, problems);
    gn_transforms_free(transforms, count);
    return rc ? rc : wrong;
}

struct gn_config *gn_serving_config(const struct gn_serving *s, struct gn_buf *problems)
{
    const char *file = gn_cli_value(s->args, "config");
    struct gn_config *c = file ? gn_config_load(file, problems) : gn_config_new();
    if (!c)
        return NULL;
    int rc = apply_options(s->args, c, problems);
    if (rc == 0 && s->adjust)
        rc = s->adjust(s->arg, c, problems);
    int invalid = gn_serving_check_config(c, problems);
    if (rc == 0 && invalid == 0)
        return c;
    gn_config_free(c);
    return NULL;
}

int gn_serving_check_files(const struct gn_cli_args *args, struct gn_buf *problems)
{
    int rc = 0;
    for (size_t i = 0; i < args->given_count; i++) {
        const struct gn_cli_given *g = &args->given[i];
        if (gn_streq(g->option->name, "plugin") && access(g->value, R_OK) != 0) {
            gn_buf_addf(problems, "--plugin %s: %s\n", g->value, strerror(errno));
            rc = GN_EINVAL;
        }
    }
    return rc;
}

int gn_serving_reload(void *arg, struct gn_config **ret, struct gn_buf *problems)
{
    *ret = gn_serving_config(arg, problems);
    return *ret ? 0 : GN_EINVAL;
}

struct gn_put_aside gn_serving_put_aside(void)
{
    fflush(stdout);
    struct gn_put_aside aside = {put_aside(STDIN_FILENO), put_aside(STDOUT_FILENO)};
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(nothing, STDIN_FILENO);
    close(nothing);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    return aside;
}
