/* skills.c - the extension io.modelcontextprotocol/skills: skills/list, skills/get and
 * resources/directory/read. Source: SEP-2640. */
#include "protocol/internal.h"

/* NULL: from the start; rc: it is no string. */
static const char *cursor_of(const struct gn_request *r, struct gn_fault *fault, int *rc)
{
    const gantry_json *cursor = gn_json_get(r->params, "cursor");
    const char *text = gn_json_cstr(cursor);
    *rc = GN_OK;
    if (cursor && !text && gn_json_type(cursor) != GN_JSON_NULL)
        *rc = gn_fault_set(fault, 200, GN_RPC_INVALID_PARAMS, "cursor must be a string");
    return text;
}

int gn_produce_skills(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault)
{
    struct gn_error err = {0};
    int rc;
    const char *cursor = cursor_of(r, fault, &rc);
    if (rc)
        return rc;
    rc = gn_snapshot_list_skills(gn_request_snapshot(r), cursor, r->p->config->page_size, w, &err);
    return rc ? gn_fault_set(fault, 200, GN_RPC_INVALID_PARAMS, "%s", err.text) : GN_OK;
}

int gn_produce_skill(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault)
{
    const char *uri = gn_request_uri(r, fault);
    if (!uri)
        return GN_EINVAL;
    if (gn_snapshot_get_skill(gn_request_snapshot(r), uri, w))
        return gn_fault_set(fault, 200, GN_RPC_INVALID_PARAMS, "Skill not found: %.256s", uri);
    return GN_OK;
}

int gn_produce_directory(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault)
{
    struct gn_error err = {0};
    int rc;
    const char *uri = gn_request_uri(r, fault), *cursor = cursor_of(r, fault, &rc);
    if (!uri || rc)
        return GN_EINVAL;
    struct gn_view view = {.revision = r->revision};
    rc = gn_snapshot_list_directory(gn_request_snapshot(r), uri, cursor, r->p->config->page_size,
                                    view, w, &err);
    if (rc == GN_ENOENT)
        return gn_fault_set(fault, 200, GN_RPC_INVALID_PARAMS, "Directory not found: %.256s", uri);
    return rc ? gn_fault_set(fault, 200, GN_RPC_INVALID_PARAMS, "%s", err.text) : GN_OK;
}

int gn_close_skills(struct gn_request *r, const gantry_json *result, struct gn_reply *reply,
                    struct gn_fault *fault)
{
    (void)fault;
    const gantry_json *cursor = gn_json_get(result, "nextCursor");
    if (cursor) /* what middlewares leave of a result is without it */
        gn_jw_json(&reply->w, "nextCursor", cursor);
    bool is_public = !result && gn_request_is_public(r) && !gn_request_varies(r, 1u << GN_RESOURCE);
    gn_reply_cache(r, reply, r->p->config->list_ttl_ms, is_public);
    return GN_OK;
}
