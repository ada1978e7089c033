/* lifecycle.c - who we are and what we can: initialize, server/discover, ping, logging/setLevel. */
#include "protocol/internal.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define MAX_NAME 256 /* bytes kept of a client's name and version */

#ifndef GANTRY_VERSION
#define GANTRY_VERSION "0.1.0"
#endif

uint32_t gn_capabilities_parse(const gantry_json *capabilities)
{
    uint32_t bits = 0;
    const gantry_json *elicitation = gn_json_get(capabilities, "elicitation");
    const gantry_json *sampling = gn_json_get(capabilities, "sampling");
    if (gn_json_type(elicitation) == GN_JSON_OBJECT) {
        bool url = gn_json_get(elicitation, "url") != NULL;
        /* {} means form mode, as it did before modes were named. */
        if (gn_json_get(elicitation, "form") || !url)
            bits |= GANTRY_CAP_ELICITATION;
        if (url)
            bits |= GANTRY_CAP_ELICITATION_URL;
    }
    if (gn_json_type(sampling) == GN_JSON_OBJECT)
        bits |= GANTRY_CAP_SAMPLING |
                (gn_json_get(sampling, "tools") ? GANTRY_CAP_SAMPLING_TOOLS : 0u) |
                (gn_json_get(sampling, "context") ? GN_CAP_SAMPLING_CONTEXT : 0u);
    if (gn_json_type(gn_json_get(capabilities, "roots")) == GN_JSON_OBJECT)
        bits |= GANTRY_CAP_ROOTS;
    return bits;
}

static void write_list_capability(struct gn_jw *w, const char *name, bool has_subscribe)
{
    gn_jw_object(w, name);
    if (has_subscribe)
        gn_jw_bool(w, "subscribe", true);
    gn_jw_bool(w, "listChanged", true);
    gn_jw_end(w);
}

/* Everything is advertised even while no plugin provides it: one may come any moment. */
void gn_write_capabilities(struct gn_request *r, struct gn_jw *w)
{
    gn_jw_object(w, "capabilities");
    write_list_capability(w, "tools", false);
    write_list_capability(w, "resources", true);
    write_list_capability(w, "prompts", false);
    if (r->revision >= GN_REV_2025_03_26) {
        gn_jw_object(w, "completions");
        gn_jw_end(w);
    }
    gn_jw_object(w, "logging");
    gn_jw_end(w);
    gn_write_extensions(r, w);
    gn_jw_end(w);
}

void gn_write_server_info(struct gn_request *r, struct gn_jw *w, const char *name)
{
    const struct gn_config *c = r->p->config;
    gn_jw_object(w, name);
    gn_jw_str(w, "name", c->name ? c->name : "gantry");
    if (c->title && r->revision >= GN_REV_2025_06_18)
        gn_jw_str(w, "title", c->title);
    gn_jw_str(w, "version", GANTRY_VERSION);
    if (c->website_url && r->revision >= GN_REV_2025_11_25)
        gn_jw_str(w, "websiteUrl", c->website_url);
    gn_jw_end(w);
}

/* A copy that a session may keep: what a client calls itself has no limit of its own. */
static char *copy_name(const char *name)
{
    return name ? gn_strndup(name, gn_utf8_cut(name, strlen(name), MAX_NAME)) : gn_strdup("");
}

static const char *initialize_problem(const struct gn_request *r)
{
    if (!gn_json_cstr(gn_json_get(r->params, "protocolVersion")))
        return "initialize needs params.protocolVersion, a string";
    if (gn_json_type(gn_json_get(r->params, "capabilities")) != GN_JSON_OBJECT)
        return "initialize needs params.capabilities, an object";
    if (!gn_json_cstr(gn_json_get(gn_json_get(r->params, "clientInfo"), "name")))
        return "initialize needs params.clientInfo with a name";
    return NULL;
}

/* What a client of that revision can mean: others would not know what they are asked. */
static uint32_t capabilities_in(enum gn_revision revision)
{
    uint32_t bits = GANTRY_CAP_SAMPLING | GANTRY_CAP_ROOTS;
    if (revision >= GN_REV_2025_06_18)
        bits |= GANTRY_CAP_ELICITATION;
    if (revision >= GN_REV_2025_11_25)
        bits |= GANTRY_CAP_ELICITATION_URL | GANTRY_CAP_SAMPLING_TOOLS | GN_CAP_SAMPLING_CONTEXT;
    return bits;
}

/* The session, filled in; NULL: too many, or the client is gone. */
static struct gn_session *make_session(struct gn_request *r)
{
    struct gn_stream *stream = r->stream;
    gn_request_unmake(r); /* a middleware that tries again */
    if (stream && stream->session)
        gn_session_remove(stream->session); /* a client that starts over on its connection */
    struct gn_session *s = stream ? gn_session_new(r->p, stream) : NULL;
    if (!s)
        return NULL;
    /* A revision we do not have, or one without initialize, is answered with the latest that has
     * it. */
    enum gn_revision rev = gn_revision_parse(
        gn_json_cstr(gn_json_get(r->params, "protocolVersion")));
    if (rev == GN_REV_NONE || gn_revision_is_stateless(rev))
        rev = GN_REV_LATEST_HANDSHAKE;
    const gantry_json *info = gn_json_get(r->params, "clientInfo");
    s->revision = rev;
    s->client_name = copy_name(gn_json_cstr(gn_json_get(info, "name")));
    s->client_version = copy_name(gn_json_cstr(gn_json_get(info, "version")));
    s->capabilities = gn_capabilities_parse(gn_json_get(r->params, "capabilities")) &
                      capabilities_in(rev);
    s->extensions = gn_extensions_keep(gn_json_get(r->params, "capabilities"));
    gn_session_begin_told(s);
    r->revision = rev;
    r->made = gn_session_ref(s);
    return s;
}

void gn_request_unmake(struct gn_request *r)
{
    struct gn_session *s = r->made;
    r->made = NULL;
    if (s)
        gn_session_remove(s);
    gn_session_unref(s);
}

int gn_produce_initialize(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault)
{
    const char *problem = initialize_problem(r);
    if (problem)
        return gn_fault_set(fault, 400, GN_RPC_INVALID_PARAMS, "%s", problem);
    struct gn_session *s = make_session(r);
    if (!s)
        return gn_fault_set(fault, 503, GN_RPC_INTERNAL_ERROR,
                            "busy: too many sessions, try again later");
    gn_jw_str(w, "protocolVersion", gn_revision_name(s->revision));
    gn_write_capabilities(r, w);
    gn_write_server_info(r, w, "serverInfo");
    if (r->p->config->instructions)
        gn_jw_str(w, "instructions", r->p->config->instructions);
    return GN_OK;
}

int gn_close_initialize(struct gn_request *r, const gantry_json *result, struct gn_reply *reply,
                        struct gn_fault *fault)
{
    struct gn_session *s = r->made;
    (void)result, (void)reply;
    if (!s)
        return gn_fault_set(fault, 500, GN_RPC_INTERNAL_ERROR,
                            "a middleware answered initialize without a session being made");
    if (r->stream && r->stream->ops->set_header)
        r->stream->ops->set_header(r->stream, "mcp-session-id", s->id);
    gn_log(r->p->env->log, GN_INFO, "protocol", "session of %s %s, revision %s, over %s",
           s->client_name, s->client_version, gn_revision_name(s->revision),
           r->stream ? r->stream->transport : "a stream that is gone");
    r->made = NULL;
    gn_session_unref(s);
    return GN_OK;
}

int gn_produce_discover(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault)
{
    (void)fault;
    gn_jw_array(w, "supportedVersions");
    for (const char *const *name = gn_revision_names; *name; name++)
        gn_jw_str(w, NULL, *name);
    gn_jw_end(w);
    gn_write_capabilities(r, w);
    if (r->p->config->instructions)
        gn_jw_str(w, "instructions", r->p->config->instructions);
    return GN_OK;
}

int gn_close_discover(struct gn_request *r, const gantry_json *result, struct gn_reply *reply,
                      struct gn_fault *fault)
{
    (void)fault;
    /* Whether there are skills is part of it. */
    bool is_public = !result && gn_request_is_public(r) && !gn_request_varies(r, 1u << GN_RESOURCE);
    gn_reply_cache(r, reply, r->p->config->list_ttl_ms, is_public);
    return GN_OK;
}

int gn_produce_empty(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault)
{
    (void)r, (void)w, (void)fault;
    return GN_OK;
}

int gn_produce_set_level(struct gn_request *r, struct gn_jw *w, struct gn_fault *fault)
{
    const char *name = gn_json_cstr(gn_json_get(r->params, "level"));
    int level = name ? gn_level_parse(name) : -1;
    (void)w;
    if (level < 0)
        return gn_fault_set(
            fault, 200, GN_RPC_INVALID_PARAMS,
            "level must be one of debug, info, notice, warning, error, critical, alert, emergency");
    r->session->log_level = level;
    return GN_OK;
}
