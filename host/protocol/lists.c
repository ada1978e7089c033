/* lists.c - the four lists, a page at a time. */
#include "protocol/internal.h"
#include "util/str.h"

#include <string.h>

static const char *client_name(const struct gn_request *r)
{
    if (r->session)
        return r->session->client_name;
    return gn_json_cstr(gn_json_get(gn_json_get(r->meta, GN_META_CLIENT_INFO), "name"));
}

/* Whether the operator has this client down as one that cannot follow references. */
static bool is_inline_client(const struct gn_request *r)
{
    const char *name = client_name(r);
    char **pattern = r->p->config->inline_for;
    for (; name && pattern && *pattern; pattern++) {
        size_t len = strlen(*pattern);
        bool is_prefix = len > 0 && (*pattern)[len - 1] == '*';
        if (is_prefix ? strncmp(name, *pattern, len - 1) == 0 : gn_streq(name, *pattern))
            return true;
    }
    return false;
}

static void list(struct gn_request *r, enum gn_kind kind)
{
    const gantry_json *cursor_value = gn_json_get(r->params, "cursor");
    const char *cursor = gn_json_cstr(cursor_value);
    /* null: some clients write all they know, with nothing in it. */
    if (cursor_value && !cursor && gn_json_type(cursor_value) != GN_JSON_NULL) {
        gn_reply_error(r, 200, GN_RPC_INVALID_PARAMS, NULL, "cursor must be a string");
        return;
    }
    const struct gn_config *config = r->p->config;
    struct gn_reply reply;
    struct gn_error err = {0};
    /* What depends on the client's name is no list to be shared. */
    bool varies = kind == GN_TOOL && !config->inline_references && config->inline_for &&
                  config->inline_for[0];
    struct gn_view view = {.revision = r->revision,
                           .inlines = config->inline_references || (varies && is_inline_client(r))};
    gn_reply_open(r, &reply);
    int rc = gn_snapshot_list(gn_registry_current(r->p->registry), kind, cursor, config->page_size,
                              view, &reply.w, &err);
    if (rc) {
        gn_buf_release(&reply.buf);
        gn_reply_error(r, 200, GN_RPC_INVALID_PARAMS, NULL, "%s", err.text);
        return;
    }
    gn_reply_cache(r, &reply, config->list_ttl_ms, !varies && gn_request_is_public(r));
    gn_reply_send(r, &reply, NULL);
}

void gn_method_list_tools(struct gn_request *r)
{
    list(r, GN_TOOL);
}

void gn_method_list_resources(struct gn_request *r)
{
    list(r, GN_RESOURCE);
}

void gn_method_list_templates(struct gn_request *r)
{
    list(r, GN_TEMPLATE);
}

void gn_method_list_prompts(struct gn_request *r)
{
    list(r, GN_PROMPT);
}
