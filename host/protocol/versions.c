/* versions.c - what a request names, as its viewer sees it: the newest version, or the one that
 * `_meta` asks for: `gantry/version`, or `fastmcp` with `version`, as FastMCP's clients write it.
 *
 * What a viewer may not see is unknown to it, in the same words as what is not there.
 */
#include "protocol/internal.h"

#include <string.h>

#define META_VERSION "gantry/version"

struct gn_viewer gn_session_viewer(const struct gn_session *s)
{
    return (struct gn_viewer){.principal = s->principal, .rules = s->rules};
}

struct gn_viewer gn_request_viewer(const struct gn_request *r)
{
    if (r->session)
        return gn_session_viewer(r->session);
    const char *principal = r->stream ? r->stream->principal : NULL;
    return (struct gn_viewer){.principal = r->call ? r->call->principal : principal};
}

struct gn_snapshot *gn_request_snapshot(const struct gn_request *r)
{
    struct gn_viewer viewer = gn_request_viewer(r);
    return gn_registry_view(r->p->registry, &viewer);
}

bool gn_request_varies(const struct gn_request *r, uint32_t kinds)
{
    const struct gn_snapshot *s = gn_request_snapshot(r);
    for (int kind = GN_TOOL; kind < GN_KINDS; kind++) {
        if ((kinds & 1u << kind) && s->kinds[kind].varies)
            return true;
    }
    return false;
}

/* ---------------------------------------------------------------- versions */

/* Where it stands; NULL: nowhere. null counts as nothing. */
static const gantry_json *find_version(const gantry_json *params, const char **ret_member)
{
    const gantry_json *meta = gn_json_get(params, "_meta");
    const gantry_json *v = gn_json_get(meta, META_VERSION);
    *ret_member = META_VERSION;
    if (!v) {
        v = gn_json_get(gn_json_get(meta, "fastmcp"), "version");
        *ret_member = "fastmcp.version";
    }
    return gn_json_type(v) == GN_JSON_NULL ? NULL : v;
}

const char *gn_params_version(const gantry_json *params)
{
    const char *member;
    return gn_json_cstr(find_version(params, &member));
}

/* "2.0, 1.0": the versions that this viewer can ask for, newest first. */
static void write_versions(const struct gn_snapshot *s, const struct gn_component *c,
                           struct gn_buf *out)
{
    const struct gn_map *all = &s->kinds[c->kind].versions;
    const char *text = all->count ? gn_map_find(all, c->key) : NULL;
    struct gn_json_doc doc = {0};
    const gantry_json *v = NULL;
    if (text && gn_json_parse_copy(&doc, text, strlen(text), NULL, NULL) == 0) {
        while ((v = gn_json_next(gn_json_root(&doc), v)))
            gn_buf_addf(out, "%s%s", out->len ? ", " : "", gn_json_str(v, NULL));
    } else if (c->version) {
        gn_buf_adds(out, c->version);
    }
    gn_json_release(&doc);
}

static void unknown_version(struct gn_request *r, const struct gn_snapshot *s,
                            const struct gn_component *c, const char *version)
{
    struct gn_buf there = GN_BUF_INIT(4096);
    write_versions(s, c, &there);
    gn_reply_error(r, 200, GN_RPC_INVALID_PARAMS, NULL,
                   "Unknown version %.128s of %s %.256s (%s%s)", version, gn_kind_name(c->kind),
                   c->key, there.len ? "there is " : "it has none", gn_buf_str(&there));
    gn_buf_release(&there);
}

struct gn_component *gn_request_version(struct gn_request *r, struct gn_component *c)
{
    const struct gn_snapshot *s = gn_request_snapshot(r);
    const char *member;
    const gantry_json *wanted = find_version(r->params, &member);
    const char *version = gn_json_cstr(wanted);
    if (!wanted)
        return c;
    if (!version) {
        gn_retry_free(r, true);
        gn_reply_error(r, 200, GN_RPC_INVALID_PARAMS, NULL, "%s in _meta must be a string", member);
        return NULL;
    }
    struct gn_component *found = gn_snapshot_find_version(s, c->kind, c->key, version);
    if (!found) {
        gn_retry_free(r, true);
        unknown_version(r, s, c, version);
    }
    return found;
}

/* ---------------------------------------------------------------- names */

struct gn_component *gn_request_component(struct gn_request *r, enum gn_kind kind, const char *key)
{
    struct gn_snapshot *s = gn_request_snapshot(r);
    struct gn_component *c = gn_snapshot_find(s, kind, key);
    if (c)
        return gn_request_version(r, c);
    gn_retry_free(r, true); /* its plugin may come back */
    gn_request_unknown(r, kind, key);
    return NULL;
}

void gn_request_unknown(struct gn_request *r, enum gn_kind kind, const char *key)
{
    const char *near = gn_snapshot_nearest(gn_request_snapshot(r), kind, key);
    gn_reply_error(r, 200, GN_RPC_INVALID_PARAMS, NULL, "Unknown %s: %.256s%s%s%s",
                   gn_kind_name(kind), key, near ? " (did you mean " : "", near ? near : "",
                   near ? "?)" : "");
}
