/* rules.c - rules from a configuration. */
#include "observe/rules.h"

#include "util/alloc.h"

static void read_levels(struct gn_log_rules *r, json_t *levels)
{
    const char *name;
    json_t *value;
    json_object_foreach(levels, name, value)
    {
        int level = gn_level_parse(json_string_value(value));
        if (level >= 0)
            gn_map_put(&r->levels, name, (void *)(uintptr_t)(level + 1));
    }
}

/* A configuration that was checked names only what there is. */
struct gn_log_rules *gn_log_rules_new(const struct gn_config *c)
{
    struct gn_log_rules *r = gn_calloc(1, sizeof *r);
    r->refs = 1;
    r->redactor = gn_redactor_new(c->log_redact);
    gn_map_init(&r->levels);
    read_levels(r, c->log_levels);
    for (char **p = c->log_processors; p && *p; p++)
        (void)gn_chain_add(&r->host, *p);
    for (char **p = c->log_bind; p && *p; p++)
        r->bind |= gn_bind_parse(*p);
    (void)gn_chain_add(&r->client, "scope");
    if (c->log_client_redact)
        (void)gn_chain_add(&r->client, "redact");
    r->client_queue = c->log_client_queue;
    r->client_buffer = GN_MIN(c->log_client_buffer, c->log_client_queue);
    r->client_flush_ms = c->log_client_flush_ms;
    r->client_bytes = c->log_client_bytes;
    return r;
}

struct gn_log_rules *gn_log_rules_ref(struct gn_log_rules *r)
{
    __atomic_fetch_add(&r->refs, 1, __ATOMIC_RELAXED);
    return r;
}

void gn_log_rules_unref(struct gn_log_rules *r)
{
    if (!r || __atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    gn_redactor_free(r->redactor);
    gn_map_release(&r->levels, NULL);
    gn_free(r);
}
