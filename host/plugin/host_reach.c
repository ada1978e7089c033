/* host_reach.c - beyond the call: HTTP, and other tools and resources of this host. */
#include "plugin/host_internal.h"

#include "call/ask.h"
#include "call/lines.h"
#include "plugin/abi_internal.h"
#include "plugin/host_errors.h"
#include "util/str.h"

#include <string.h>

#define HTTP_TIMEOUT_MS 30000
#define HTTP_MAX_RESPONSE (8u << 20)

/* ---------------------------------------------------------------- HTTP */

/* Scheme and host, no more: user names, paths and queries hold secrets. */
static const char *shown_url(gantry_call *call, const char *url)
{
    const char *host = strstr(url, "://");
    if (!host)
        return "(not a URL)";
    host += 3;
    size_t len = strcspn(host, "/?#");
    const char *at = memrchr(host, '@', len);
    if (at) {
        len -= (size_t)(at + 1 - host);
        host = at + 1;
    }
    const char *shown = gn_arena_format(&call->arena, "%.*s%.*s",
                                        (int)(strstr(url, "://") + 3 - url), url,
                                        (int)GN_MIN(len, (size_t)256), host);
    return shown ? shown : "(no memory)";
}

static int keep_response(gantry_call *call, const struct gn_http_response *from,
                         const gantry_http_response **ret)
{
    gantry_http_response *r = gn_arena_calloc(&call->arena, sizeof *r);
    if (!r)
        return GANTRY_ETOOBIG;
    r->size = sizeof *r;
    r->status = from->status;
    r->body = from->body;
    r->body_size = from->body_size;
    r->headers = from->headers;
    r->url = from->url;
    *ret = r;
    return GANTRY_OK;
}

int gn_host_http(gantry_call *call, const gantry_http_request *raw,
                 const gantry_http_response **ret)
{
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    if (!ret)
        return gn_host_misuse(call, "gantry_http: there is no place for the response");
    *ret = NULL;
    gantry_http_request r;
    struct gn_error err = {0};
    int rc = gn_abi_copy(&r, sizeof r, offsetof(gantry_http_request, headers), raw, &err);
    if (rc == GN_ENOTSUP)
        return GANTRY_ENOTSUP;
    if (rc || !r.url)
        return gn_host_misuse(call, "gantry_http: %s", rc ? err.text : "the URL is NULL");
    if (!call->env->http)
        return GANTRY_ENOTSUP;
    struct gn_http_request request = {
        .method = r.method ? r.method
                  : r.body ? "POST"
                           : "GET",
        .url = r.url,
        .headers = r.headers,
        .body = r.body,
        .body_size = r.body ? r.body_size : 0,
        .timeout_ms = r.timeout_ms ? r.timeout_ms : HTTP_TIMEOUT_MS,
        .max_response = r.max_response ? r.max_response : HTTP_MAX_RESPONSE,
        .max_redirects = r.max_redirects,
    };
    struct gn_http_response response = {0};
    rc = gn_http_fetch(call->env->http, call->task, &request, &call->arena, &response, &err);
    if (rc == GN_OK)
        return keep_response(call, &response, ret);
    if (rc != GN_ECANCELED)
        gn_log(call->env->log, GN_WARNING, gn_call_label(call), "%s %s: %s", request.method,
               shown_url(call, r.url), err.text);
    return gn_host_code(rc);
}

/* ---------------------------------------------------------------- other components */

/* What is looked up on the loop, and held there until the nested call has ended. */
struct target {
    gantry_call *call;
    enum gn_kind kind;
    const char *key;
    const gantry_json *arguments;
    const char *uri; /* as the component's code is to see it; NULL: a tool */
    struct gn_component *component;
    struct gn_owner *owner;
    struct gn_call *child;
};

static bool is_of_older(const struct gn_owner *used, const struct gn_owner *current)
{
    return used && used != current && strcmp(used->name, current->name) == 0;
}

/* The generation of the same instance that this request is in already, as handler or middleware:
 * what they share through the scope (a transaction, say) only they know. NULL: there is none. */
static const struct gn_owner *older_in_use(const gantry_call *call, const struct gn_owner *current)
{
    for (; call && current; call = call->parent) {
        struct gn_owner *runs;
        for (size_t i = 0; gn_call_owner_at(call, i, &runs); i++) {
            if (is_of_older(runs, current))
                return runs;
        }
        for (uint32_t i = 0; i < call->around_count; i++) {
            if (is_of_older(call->around[i]->owner, current))
                return call->around[i]->owner;
        }
    }
    return NULL;
}

/* What its plugin provided, if nothing has been made of that but other names: with those of older
 * generations nothing can be done here that changes arguments. */
static const struct gn_component *plain_origin(const struct gn_component *c)
{
    for (; c->parent; c = c->parent) {
        if (c->made || c->own)
            return NULL;
    }
    return c;
}

/* A reload in the middle of a request does not tear it apart: it stays with the generation that it
 * began with, as long as that one has such a component. */
static struct gn_component *of_this_request(struct target *t, struct gn_component *c)
{
    const struct gn_owner *owner = older_in_use(t->call, c->owner);
    const struct gn_component *origin = owner && owner->plugin ? plain_origin(c) : NULL;
    struct gn_component *own = origin ? gn_generation_find_same(owner->plugin, origin) : NULL;
    if (!own && origin)
        own = gn_generation_find(owner->plugin, origin->kind, origin->key);
    if (!own || own->from)
        return c;
    if (t->uri)
        t->uri = gn_component_inner_uri(c, t->uri, &t->call->arena);
    return own;
}

static void look_up(void *arg)
{
    struct target *t = arg;
    struct gn_viewer viewer = gn_viewer_of(gn_call_root(t->call));
    struct gn_registry *r = t->call->env->registry;
    struct gn_component *c = t->kind == GN_TOOL
                                 ? gn_registry_reach(r, &viewer, t->key)
                                 : gn_registry_reach_uri(r, &viewer, t->key, &t->call->arena,
                                                         &t->arguments);
    if (!c || c->from)
        return;
    c = of_this_request(t, c);
    t->component = gn_component_ref(c);
    t->owner = c->owner;
    if (t->owner)
        t->owner->ref(t->owner);
}

static void let_go(void *arg)
{
    struct target *t = arg;
    gn_call_unref(t->child);
    gn_component_unref(t->component);
    if (t->owner)
        t->owner->unref(t->owner);
}

int gn_host_keep_json(gantry_call *call, struct gn_buf *out, const gantry_json **ret)
{
    *ret = out->overflow || !out->data
               ? NULL
               : gn_json_parse_arena(&call->arena, out->data, out->len, NULL);
    gn_buf_release(out);
    return *ret ? GANTRY_OK : GANTRY_ETOOBIG;
}

/* The result as MCP has it, whatever the client's revision: handlers see the latest shape. */
static int render(struct target *t, enum gn_outcome outcome, const gantry_json **ret)
{
    struct gn_buf text = GN_BUF_INIT(t->call->arena.max);
    struct gn_jw w;
    t->child->revision = GN_REV_LATEST;
    gn_jw_init(&w, &text);
    gn_jw_object(&w, NULL);
    if (t->kind == GN_TOOL)
        gn_result_write_tool(t->child, outcome, &w);
    else
        gn_result_write_resource(t->child, &w);
    if (outcome == GN_OUT_RESULT)
        gn_result_write_meta(t->child, &w);
    gn_jw_end(&w);
    return gn_host_keep_json(t->call, &text, ret);
}

/* What becomes of each end. Tools that fail have a result that says so; resources have none. */
static int take_outcome(struct target *t, enum gn_outcome outcome, const gantry_json **ret)
{
    switch (outcome) {
    case GN_OUT_RESULT:
        return render(t, outcome, ret);
    case GN_OUT_TIMEOUT:
        return GANTRY_ETIMEDOUT;
    case GN_OUT_BUSY:
        return GANTRY_EBUSY;
    case GN_OUT_CANCELED:
        return GANTRY_ECANCELED;
    case GN_OUT_NOT_FOUND:
        return GANTRY_ENOENT;
    default:
        /* Whoever passes the code on passes these words on. */
        t->call->heard = gn_arena_strdup(&t->call->arena, t->child->failure);
        t->call->heard_rc = GANTRY_EFAILED;
        t->call->heard_own = false;
        if (t->kind == GN_TOOL) {
            int rc = render(t, outcome, ret);
            return rc ? rc : GANTRY_EFAILED;
        }
        gn_log(t->call->env->log, GN_WARNING, gn_call_label(t->call), "gantry_read_resource %s: %s",
               t->key, t->child->failure ? t->child->failure : "failed");
        return outcome == GN_OUT_INVALID ? GANTRY_EINVAL : GANTRY_EFAILED;
    }
}

static int reach(gantry_call *call, enum gn_kind kind, const char *key,
                 const gantry_json *arguments, const gantry_json **ret)
{
    const char *function = kind == GN_TOOL ? "gantry_call_tool" : "gantry_read_resource";
    if (!gn_host_runs(call))
        return GANTRY_EPERM;
    if (!key || !ret)
        return gn_host_misuse(call, "%s: %s is NULL", function,
                              key ? "the place for the result" : "the name");
    *ret = NULL;
    if (!call->env->registry)
        return GANTRY_ENOTSUP;
    /* The child may outlive this function (its handler does not listen to its deadline), never the
     * call. */
    struct target t = {.call = call, .kind = kind, .arguments = arguments};
    t.key = gn_arena_strdup(&call->arena, key);
    if (!t.key)
        return GANTRY_ETOOBIG;
    t.uri = kind == GN_TOOL ? NULL : t.key;
    gn_host_on_loop(call, look_up, &t);
    if (!t.component) {
        gn_call_note(call, GN_INFO, "%s: %s: there is no \"%s\"", gn_call_label(call), function,
                     t.key);
        return GANTRY_ENOENT;
    }
    enum gn_outcome outcome = GN_OUT_CANCELED;
    int rc = gn_call_nested(call, t.component, t.arguments, t.uri, &t.child, &outcome);
    rc = rc ? gn_host_code(rc) : take_outcome(&t, outcome, ret);
    gn_host_on_loop(call, let_go, &t);
    return rc;
}

int gn_host_call_tool(gantry_call *call, const char *name, const gantry_json *arguments,
                      const gantry_json **ret_result)
{
    return reach(call, GN_TOOL, name, arguments, ret_result);
}

int gn_host_read_resource(gantry_call *call, const char *uri, const gantry_json **ret_result)
{
    return reach(call, GN_RESOURCE, uri, NULL, ret_result);
}
