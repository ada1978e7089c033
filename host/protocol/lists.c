/* lists.c - the four lists, a page at a time. */
#include "protocol/internal.h"

static void list(struct gn_request *r, enum gn_kind kind)
{
    const gantry_json *cursor_value = gn_json_get(r->params, "cursor");
    const char *cursor = gn_json_cstr(cursor_value);
    /* null: some clients write all they know, with nothing in it. */
    if (cursor_value && !cursor && gn_json_type(cursor_value) != GN_JSON_NULL) {
        gn_reply_error(r, 200, GN_RPC_INVALID_PARAMS, NULL, "cursor must be a string");
        return;
    }
    struct gn_reply reply;
    struct gn_error err = {0};
    gn_reply_open(r, &reply);
    int rc = gn_snapshot_list(gn_registry_current(r->p->registry), kind, cursor,
                              r->p->config->page_size, r->revision, &reply.w, &err);
    if (rc) {
        gn_buf_release(&reply.buf);
        gn_reply_error(r, 200, GN_RPC_INVALID_PARAMS, NULL, "%s", err.text);
        return;
    }
    gn_reply_cache(r, &reply, r->p->config->list_ttl_ms, gn_request_is_public(r));
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
