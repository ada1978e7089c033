/* era.c - which revision a server speaks: server/discover first, initialize if it knows no such
 * thing (2026-07-28 "Versioning and Compatibility", and "Backward Compatibility" of each
 * transport's page).
 *
 * A program that says nothing for a while is asked to initialize, while the first question still
 * stands: a slow one of the stateless era refuses that, and answers the first after all. A program
 * that ends over what it does not know is started again, and only asked to initialize. Over HTTP,
 * a server that refuses both may be one of 2024-11-05: the old transport is tried.
 */
#include "internal.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define LEVEL_MS 5000  /* for a server to take the level of log messages */
#define PROBE_MS 10000 /* a program that is silent for so long is of the handshake era */

struct gn_era {
    gantry_request *discover, *initialize; /* under way, the second also setLevel; else NULL */
    bool asks_again;                       /* the first discover was refused, see choose */
    struct gn_client_timer silence;
    struct gn_json_doc late;          /* the answer to discover, which came after initialize went */
    const gantry_json *late_versions; /* of it */
};

static void era_free(gantry_client *c)
{
    struct gn_era *e = c->era;
    c->era = NULL;
    if (e->discover)
        e->discover->internal_done = NULL;
    if (e->initialize)
        e->initialize->internal_done = NULL;
    gn_client_timer_stop(&e->silence);
    if (e->discover)
        gantry_request_free(e->discover);
    if (e->initialize)
        gantry_request_free(e->initialize);
    gn_json_release(&e->late);
    gn_free(e);
}

void gn_era_forget(gantry_client *c)
{
    if (c->era)
        era_free(c);
}

/* ---------------------------------------------------------------- the end of it */

static void give_up(gantry_client *c, const struct gn_failure *f)
{
    gn_client_unready(c, f); /* frees the era */
}

static void refuse(gantry_client *c, gantry_client_status status, const char *fmt, ...)
    GN_PRINTF(3, 4);
static void refuse(gantry_client *c, gantry_client_status status, const char *fmt, ...)
{
    struct gn_failure f = {.status = status};
    va_list ap;
    va_start(ap, fmt);
    GN_AUTO_FREE char *text = gn_vformat(fmt, ap);
    va_end(ap);
    gn_error_set(&f.why, GN_EPROTO, "%s", text);
    give_up(c, &f);
}

/* What a request of ours came to, as a reason. */
static void refuse_for(gantry_client *c, const gantry_request *r)
{
    struct gn_failure f = {.status = r->status, .http_status = r->http_status};
    f.is_passing = r->status == GANTRY_CLIENT_TIMEOUT || r->is_passing;
    f.retry_after_ms = r->retry_after_ms;
    f.error_code = r->error_code;
    if (r->status == GANTRY_CLIENT_ERROR)
        gn_error_set(&f.why, GN_EPROTO, "%s is refused: %s", r->method, gantry_request_message(r));
    else
        gn_error_set(&f.why, GN_EPIPE, "%s", gantry_request_message(r));
    give_up(c, &f);
}

static void on_level(gantry_request *r, void *arg)
{
    gantry_client *c = arg;
    if (!c->era || c->era->initialize != r)
        return; /* the client was closed as it was told of the message */
    c->era->initialize = NULL;
    if (r->status != GANTRY_CLIENT_OK)
        gn_client_note(c, "the level of log messages could not be set: %s",
                       gantry_request_message(r));
    if (c->era)
        gn_client_ready(c);
}

/* Before anything is asked: over HTTP a request may overtake another, and its messages be lost. */
static void set_level(gantry_client *c)
{
    GN_AUTO_FREE char *params = gn_format("{\"level\":\"%s\"}", c->s.log_level);
    uint32_t timeout = GN_MIN(c->s.connect_timeout_ms / 2, (uint32_t)LEVEL_MS);
    gantry_request *r = gn_request_internal(c, "logging/setLevel", params, timeout, on_level, c);
    if (c->era)
        c->era->initialize = r;
}

static void settle(gantry_client *c, enum gn_revision revision, struct gn_json_doc *doc,
                   const gantry_json *server)
{
    gn_json_release(&c->server_doc);
    c->server_doc = *doc;
    *doc = (struct gn_json_doc){0};
    c->server = server;
    c->revision = revision;
    if (!gn_revision_is_stateless(revision)) {
        gn_client_send_notification(c, "notifications/initialized", NULL);
        if (!c->era) /* a handler has closed the client */
            return;
        if (c->s.log_level && gn_client_server_can(c, "logging")) {
            set_level(c);
            return;
        }
    }
    gn_client_ready(c); /* frees the era */
}

/* ---------------------------------------------------------------- initialize */

static void start_initialize(gantry_client *c);

/* The newest of a list that this client speaks and may speak. */
static enum gn_revision find_version(const gantry_client *c, const gantry_json *versions,
                                     bool stateless)
{
    enum gn_revision best = GN_REV_NONE;
    const gantry_json *item = NULL;
    while ((item = gn_json_next(versions, item))) {
        enum gn_revision r = gn_revision_parse(gn_json_cstr(item));
        bool fits = c->s.revision == GN_REV_NONE || c->s.revision == r;
        if (r != GN_REV_NONE && fits && gn_revision_is_stateless(r) == stateless && r > best)
            best = r;
    }
    return best;
}

static void initialized(gantry_request *r)
{
    gantry_client *c = r->client;
    const char *name = gn_json_cstr(gn_json_get(r->result, "protocolVersion"));
    enum gn_revision revision = gn_revision_parse(name);
    if (revision == GN_REV_NONE || gn_revision_is_stateless(revision))
        refuse(c, GANTRY_CLIENT_PROTOCOL,
               "the server wants to speak revision %s, which this client does not",
               name ? name : "(none)");
    else if (c->s.revision != GN_REV_NONE && revision != c->s.revision)
        refuse(c, GANTRY_CLIENT_UNSUPPORTED, "the server speaks %s, and not %s as it should", name,
               gn_revision_name(c->s.revision));
    else
        settle(c, revision, &r->doc, r->result);
}

/* One that only a server of the stateless era has. */
static bool is_modern_error(const gantry_request *r)
{
    return r->error_code == GN_RPC_UNSUPPORTED_VERSION || r->error_code == GN_RPC_HEADER_MISMATCH ||
           r->error_code == GN_RPC_MISSING_CAPABILITY;
}

/* If that transport is not there either, this was the reason that counts. */
static void try_old_http(gantry_client *c, const gantry_request *r)
{
    gn_free(c->before_old_http);
    c->before_old_http = gn_strdup(gantry_request_message(r));
    gn_client_reopen(c, &gn_link_sse);
}

/* Over HTTP, a status by which a server of 2024-11-05 says that it has no such endpoint. */
static bool may_be_old_http(const gantry_client *c, const gantry_request *r)
{
    return c->transport == &gn_link_http && c->s.transport == GANTRY_TRANSPORT_AUTO &&
           !is_modern_error(r) && !c->s.unix_path && r->http_status >= 400 &&
           r->http_status < 500 && r->http_status != 401 && r->http_status != 403 &&
           r->http_status != 429;
}

static void start_discover(gantry_client *c);

/* What the server spoke before, it refuses now: true if it is asked what it speaks, once ("Backward
 * Compatibility with Initialization-Based Versions": re-probing if the assumption fails). */
static bool asks_anew(gantry_client *c, const gantry_request *r)
{
    int status = r->http_status;
    bool may_be_modern = r->status == GANTRY_CLIENT_ERROR ||
                         (status >= 400 && status < 500 && status != 401 && status != 403 &&
                          status != 407 && status != 429);
    if (!may_be_modern || c->known == GN_REV_NONE || c->s.revision != GN_REV_NONE ||
        c->transport == &gn_link_sse)
        return false;
    c->known = GN_REV_NONE;
    if (c->has_asked_anew)
        return false;
    c->has_asked_anew = true;
    start_discover(c);
    return true;
}

static void on_initialized(gantry_request *r, void *arg)
{
    gantry_client *c = arg;
    struct gn_era *e = c->era;
    if (!e || e->initialize != r)
        return;
    e->initialize = NULL;
    if (r->status == GANTRY_CLIENT_OK) {
        initialized(r);
        return;
    }
    enum gn_revision late = find_version(c, e->late_versions, true);
    if (late != GN_REV_NONE)
        settle(c, late, &e->late, gn_json_get(gn_json_root(&e->late), "result"));
    else if (asks_anew(c, r))
        return;
    else if (may_be_old_http(c, r))
        try_old_http(c, r);
    else
        refuse_for(c, r);
}

static void start_initialize(gantry_client *c)
{
    struct gn_buf params = GN_BUF_INIT(c->s.max_message);
    enum gn_revision revision = c->s.revision == GN_REV_NONE ? GN_REV_LATEST_HANDSHAKE
                                                             : c->s.revision;
    gn_client_timer_stop(&c->era->silence);
    gn_buf_addf(&params,
                "{\"protocolVersion\":\"%s\",\"capabilities\":", gn_revision_name(revision));
    gn_compose_capabilities(c, revision, &params);
    gn_buf_adds(&params, ",\"clientInfo\":");
    gn_compose_client_info(c, &params);
    gn_buf_addc(&params, '}');
    gantry_request *r = gn_request_internal(c, "initialize", gn_buf_str(&params),
                                            c->s.connect_timeout_ms, on_initialized, c);
    if (c->era) /* else a handler has closed the client */
        c->era->initialize = r;
    gn_buf_release(&params);
}

/* ---------------------------------------------------------------- discover */

static bool wants_handshake(const gantry_client *c)
{
    return c->s.revision == GN_REV_NONE || !gn_revision_is_stateless(c->s.revision);
}

static void no_common_version(gantry_client *c, const gantry_json *versions)
{
    GN_AUTO_FREE char *list = gantry_read_print(versions);
    if (gn_json_count(versions) > 0)
        refuse(c, GANTRY_CLIENT_UNSUPPORTED,
               "the server speaks only revisions that this client does not%s: %.200s",
               c->s.revision == GN_REV_NONE ? "" : " (one was asked for)", list);
    else
        refuse(c, GANTRY_CLIENT_PROTOCOL, "the server does not say which revisions it speaks");
}

static void on_discovered(gantry_request *r, void *arg);

static void on_silence(struct gn_client_timer *timer)
{
    start_initialize(timer->client);
}

static void start_discover(gantry_client *c)
{
    gantry_request *r = gn_request_internal(c, "server/discover", NULL, c->s.connect_timeout_ms,
                                            on_discovered, c);
    if (!c->era)
        return;
    c->era->discover = r;
    if (!c->transport->has_exchanges && wants_handshake(c))
        gn_client_timer_start(c, &c->era->silence, PROBE_MS, on_silence);
}

/* The server named what it speaks; doc holds a DiscoverResult, or is empty. One that refuses a
 * revision and says that it speaks it may be several, some of them newer: it is asked once more. */
static void choose(gantry_client *c, const gantry_json *versions, struct gn_json_doc *doc,
                   const gantry_json *server)
{
    enum gn_revision revision = find_version(c, versions, true);
    if (revision != GN_REV_NONE && server) {
        settle(c, revision, doc, server);
    } else if (revision != GN_REV_NONE && !c->era->asks_again) {
        c->era->asks_again = true;
        start_discover(c);
    } else if (revision != GN_REV_NONE) {
        refuse(c, GANTRY_CLIENT_PROTOCOL,
               "the server refuses revision %s and says that it speaks it",
               gn_revision_name(revision));
    } else if (find_version(c, versions, false) != GN_REV_NONE) {
        start_initialize(c);
    } else {
        no_common_version(c, versions);
    }
}

static void discover_refused(gantry_client *c, const gantry_request *r)
{
    bool is_modern = r->error_code == GN_RPC_HEADER_MISMATCH ||
                     r->error_code == GN_RPC_MISSING_CAPABILITY;
    if (r->error_code == GN_RPC_UNSUPPORTED_VERSION)
        choose(c, gn_json_get(r->error_data, "supported"), NULL, NULL);
    else if (is_modern || !wants_handshake(c) || r->http_status == 401 || r->http_status == 403 ||
             r->http_status > 500)
        refuse_for(c, r);
    else
        start_initialize(c);
}

/* No answer that could be read: over HTTP the status tells whether initialize may do better. */
static void discover_failed(gantry_client *c, const gantry_request *r)
{
    int status = r->http_status;
    bool may_be_legacy = status >= 400 && status < 500 && status != 401 && status != 403 &&
                         status != 407 && status != 429;
    if (wants_handshake(c) && may_be_legacy)
        start_initialize(c);
    else
        refuse_for(c, r);
}

static void on_discovered(gantry_request *r, void *arg)
{
    gantry_client *c = arg;
    struct gn_era *e = c->era;
    const gantry_json *versions = gn_json_get(r->result, "supportedVersions");
    if (!e || e->discover != r)
        return;
    e->discover = NULL;
    if (e->initialize) { /* it was slow */
        if (r->status == GANTRY_CLIENT_OK) {
            e->late = r->doc;
            r->doc = (struct gn_json_doc){0};
            e->late_versions = versions;
        }
    } else if (r->status == GANTRY_CLIENT_ERROR) {
        discover_refused(c, r);
    } else if (r->status != GANTRY_CLIENT_OK) {
        discover_failed(c, r);
    } else if (gn_json_type(versions) == GN_JSON_ARRAY) {
        choose(c, versions, &r->doc, r->result);
    } else {
        start_initialize(c);
    }
}

/* ---------------------------------------------------------------- interface */

void gn_era_begin(gantry_client *c)
{
    enum gn_revision known = c->s.revision != GN_REV_NONE ? c->s.revision : c->known;
    c->era = gn_calloc(1, sizeof(*c->era));
    c->revision = GN_REV_NONE;
    if ((known != GN_REV_NONE && !gn_revision_is_stateless(known)) ||
        c->transport == &gn_link_sse) {
        start_initialize(c);
        return;
    }
    start_discover(c);
}

bool gn_era_survives(gantry_client *c, const struct gn_failure *failure)
{
    if (!c->era || !c->era->discover || c->era->initialize || c->known != GN_REV_NONE ||
        !wants_handshake(c) || failure->was_not_sent || failure->status != GANTRY_CLIENT_CONNECTION)
        return false;
    c->known = GN_REV_LATEST_HANDSHAKE; /* until it says what it speaks */
    gn_client_reopen(c, c->transport);
    return true;
}
