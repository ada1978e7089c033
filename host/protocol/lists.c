/* lists.c - the four lists, a page at a time. */
#include "protocol/internal.h"
#include "util/str.h"

#include <string.h>

/* Whether the operator has this client down as one that cannot follow references. */
static bool is_inline_client(const struct gn_config *config, const char *name)
{
    char **pattern = config->inline_for;
    for (; name && pattern && *pattern; pattern++) {
        size_t len = strlen(*pattern);
        bool is_prefix = len > 0 && (*pattern)[len - 1] == '*';
        if (is_prefix ? strncmp(name, *pattern, len - 1) == 0 : gn_streq(name, *pattern))
            return true;
    }
    return false;
}

static struct gn_view view_of(const struct gn_config *config, enum gn_revision revision,
                              const char *client)
{
    return (struct gn_view){
        .revision = revision,
        .inlines = config->inline_references || is_inline_client(config, client),
    };
}

struct gn_view gn_session_view(const struct gn_session *s)
{
    return view_of(s->p->config, s->revision, s->client_name);
}

struct gn_view gn_request_view(const struct gn_request *r)
{
    if (r->session)
        return gn_session_view(r->session);
    const gantry_json *info = gn_json_get(r->meta, GN_META_CLIENT_INFO);
    return view_of(r->p->config, r->revision, gn_json_cstr(gn_json_get(info, "name")));
}

/* What depends on the client's name, or on who asks, is no list to be shared. */
static bool varies(const struct gn_request *r)
{
    const struct gn_config *config = r->p->config;
    bool by_name = r->method->kind == GN_TOOL && !config->inline_references && config->inline_for &&
                   config->inline_for[0];
    return by_name || gn_request_varies(r, 1u << r->method->kind);
}

static const char *cursor_of(const struct gn_request *r)
{
    return gn_json_cstr(gn_json_get(r->params, "cursor"));
}

/* In middlewares the whole list; pages are cut when they are through with it. */
int gn_produce_list(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault)
{
    const gantry_json *cursor = gn_json_get(r->params, "cursor");
    /* null: some clients write all they know, with nothing in it. */
    if (cursor && !cursor_of(r) && gn_json_type(cursor) != GN_JSON_NULL)
        return gn_fault_set(fault, 200, GN_RPC_INVALID_PARAMS, "cursor must be a string");
    const struct gn_config *config = r->p->config;
    struct gn_error err = {0};
    struct gn_snapshot *s = gn_request_snapshot(r);
    int rc = gn_snapshot_list(s, r->method->kind, r->call ? NULL : cursor_of(r),
                              r->call ? 0 : config->page_size, gn_request_view(r), w, &err);
    if (rc)
        return gn_fault_set(fault, 200, GN_RPC_INVALID_PARAMS, "%s", err.text);
    gn_request_was_shown(r, s, r->method->kind);
    return GN_OK;
}

int gn_close_list(struct gn_request *r, const gantry_json *result, struct gn_reply *reply,
                  struct gn_fault *fault)
{
    const struct gn_config *config = r->p->config;
    const char *name = gn_list_name(r->method->kind);
    struct gn_error err = {0};
    bool is_public = !result && !varies(r) && gn_request_is_public(r);
    if (result) {
        int rc = gn_snapshot_page(gn_request_snapshot(r), r->method->kind,
                                  gn_json_get(result, name), cursor_of(r), config->page_size,
                                  &reply->w, &err);
        if (rc)
            return gn_fault_set(fault, 200, GN_RPC_INVALID_PARAMS, "%s", err.text);
    }
    gn_reply_cache(r, reply, config->list_ttl_ms, is_public);
    return GN_OK;
}
