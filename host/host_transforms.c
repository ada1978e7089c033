/* host_transforms.c - see host_transforms.h. */
#include "host_transforms.h"

#include "observe/log.h"
#include "registry/from_config.h"

static void tell(void *arg, enum gn_level level, const char *text)
{
    gn_log(arg, level, "transforms", "%s", text);
}

static const char *find_secret(void *arg, const char *name)
{
    struct gn_config *const *config = arg;
    return gn_config_secret(*config, name);
}

void gn_host_transforms_open(struct gn_registry *r, struct gn_call_env *env,
                             struct gn_config *const *config, bool logs)
{
    if (logs)
        gn_registry_on_problem(r, tell, env->log);
    env->secret = find_secret;
    env->secret_arg = (void *)(uintptr_t)config;
}

int gn_host_transforms_set(struct gn_registry *r, const struct gn_config *c, uint32_t *changed,
                           struct gn_buf *problems)
{
    struct gn_transform **v;
    struct gn_error err = {0};
    size_t count;
    *changed = 0;
    int rc = gn_transforms_from_config(c, &v, &count, problems);
    if (rc)
        return rc;
    struct gn_edit *e = gn_edit_begin(r);
    gn_edit_transforms(e, NULL, v, count);
    rc = gn_edit_check(e, &err);
    if (rc) {
        gn_buf_addf(problems, "%s%s%s\n", c->file ? c->file : "", c->file ? ": " : "", err.text);
        gn_edit_abort(e);
    } else {
        *changed = gn_edit_commit(e);
    }
    gn_transforms_free(v, count);
    return rc;
}

void gn_host_transforms_warn(struct gn_log *log, const struct gn_config *c)
{
    for (size_t i = 0; i < c->secret_count; i++) {
        if (c->secrets[i].exposed)
            gn_log(log, GN_WARNING, "config",
                   "secrets.%s: everybody on this machine may read %s (chmod o-r)",
                   c->secrets[i].name, c->secrets[i].exposed);
    }
}
