/* client.c - requests and answers, and which era a server lives in. */
#include "client_internal.h"

#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"
#include "wire/jsonrpc.h"
#include "wire/meta.h"
#include "json/json.h"

#include <stdlib.h>
#include <string.h>

#define PROBE_MS 10000 /* a program that says nothing for so long is of the handshake era */
#define CANCEL_MS 2000 /* for telling a server that its answer is not wanted any more */

static json_t *client_info(void)
{
    return json_pack("{s:s, s:s}", "name", "gantry", "version", GANTRY_VERSION);
}

/* ---------------------------------------------------------------- what comes in */

static bool is_awaited(const struct gn_cli_client *c, const struct gn_jsonrpc *m)
{
    int64_t id;
    if (gn_json_type(m->id) == GN_JSON_STRING)
        return false;
    if (gn_json_int(m->id, &id))
        return id == c->last_id;
    /* An error about a message whose id could not be read: only one is under way. */
    return m->error != NULL;
}

static void receive_response(struct gn_cli_client *c, const struct gn_jsonrpc *m)
{
    int64_t id;
    if (c->probe_id && m->result && gn_json_int(m->id, &id) && id == c->probe_id && !c->late)
        c->late = gn_json_to_jansson(m->result);
    if (c->answered || !is_awaited(c, m))
        return;
    c->answered = true;
    c->result = gn_json_to_jansson(m->result);
    c->error = gn_json_to_jansson(m->error);
}

/* Nothing was offered, so nothing is asked; `ping` is answered all the same, by the era that has
 * such requests (2026-07-28: "The client MUST NOT write JSON-RPC responses"). */
static void receive_request(struct gn_cli_client *c, const struct gn_jsonrpc *m)
{
    if (c->revision != GN_REV_NONE && gn_revision_is_stateless(c->revision))
        return;
    struct gn_buf id = GN_BUF_INIT(4096), out = GN_BUF_INIT(16 * 1024);
    gn_json_write(&id, m->id);
    if (gn_streq(m->method, "ping"))
        gn_jsonrpc_write_result(&out, gn_buf_str(&id), "{}", 2);
    else
        gn_jsonrpc_write_error(&out, gn_buf_str(&id), GN_RPC_METHOD_NOT_FOUND,
                               "this client answers no requests", NULL, 0);
    if (!id.overflow && !out.overflow)
        c->transport->reply(c->t, gn_buf_str(&out), out.len);
    gn_buf_release(&id);
    gn_buf_release(&out);
}

/* Progress of a request that was given up is not that of the next one. */
static bool is_stale(const struct gn_cli_client *c, const struct gn_jsonrpc *m)
{
    int64_t token;
    if (!gn_streq(m->method, "notifications/progress"))
        return false;
    return c->answered || !gn_json_int(gn_json_get(m->params, "progressToken"), &token) ||
           token != c->last_id;
}

static bool receive_one(struct gn_cli_client *c, const gantry_json *message, struct gn_error *err)
{
    struct gn_jsonrpc m;
    if (gn_jsonrpc_classify(message, &m, err))
        return false;
    if (m.kind == GN_JSONRPC_RESPONSE) {
        receive_response(c, &m);
    } else if (m.kind == GN_JSONRPC_REQUEST) {
        receive_request(c, &m);
    } else if (c->options.on_notification && !is_stale(c, &m)) {
        json_t *params = gn_json_to_jansson(m.params);
        c->options.on_notification(c->options.arg, m.method, params);
        json_decref(params);
    }
    return true;
}

bool gn_cli_client_receive(struct gn_cli_client *c, const char *text, size_t len,
                           struct gn_error *err)
{
    struct gn_json_doc doc;
    c->received += len;
    if (gn_json_parse_copy(&doc, text, len, NULL, err))
        return false;
    const gantry_json *root = gn_json_root(&doc);
    bool ok = true;
    if (gn_json_type(root) == GN_JSON_ARRAY) { /* a batch, which 2025-03-26 allowed */
        const gantry_json *item = NULL;
        while (ok && (item = gn_json_next(root, item)))
            ok = receive_one(c, item, err);
    } else {
        ok = receive_one(c, root, err);
    }
    gn_json_release(&doc);
    return ok;
}

/* ---------------------------------------------------------------- what goes out */

/* The params with the `_meta` that the revision wants. A new reference. */
static json_t *make_params(const struct gn_cli_client *c, const json_t *params, bool stateless)
{
    json_t *copy = params ? json_copy((json_t *)(uintptr_t)params) : json_object();
    json_t *given = json_object_get(copy, GN_META), *meta;
    meta = given ? json_copy(given) : json_object();
    if (c->options.on_notification)
        json_object_set_new(meta, GN_META_PROGRESS_TOKEN, json_integer(c->last_id));
    if (stateless) {
        enum gn_revision revision = c->revision == GN_REV_NONE ? GN_REV_LATEST : c->revision;
        json_object_set_new(meta, GN_META_PROTOCOL_VERSION,
                            json_string(gn_revision_name(revision)));
        json_object_set_new(meta, GN_META_CLIENT_INFO, client_info());
        json_object_set_new(meta, GN_META_CLIENT_CAPABILITIES, json_object());
        if (c->options.log_level)
            json_object_set_new(meta, GN_META_LOG_LEVEL, json_string(c->options.log_level));
    }
    if (json_object_size(meta) > 0)
        json_object_set_new(copy, GN_META, meta);
    else
        json_decref(meta);
    return copy;
}

static void forget_answer(struct gn_cli_client *c)
{
    json_decref(c->result);
    json_decref(c->error);
    c->result = c->error = NULL;
    c->answered = false;
}

static void notify(struct gn_cli_client *c, const char *method, const char *params,
                   uint32_t wait_ms)
{
    struct gn_buf text = GN_BUF_INIT(1024);
    gn_jsonrpc_write_notification(&text, method, params);
    struct gn_cli_client_message m = {gn_buf_str(&text), text.len, method, NULL, NULL, false};
    c->transport->send(c->t, &m, gn_clock_ms() + wait_ms, NULL);
    gn_buf_release(&text);
}

/* The handshake era does not take a closed connection for a cancellation; a program is ended
 * anyway, and initialize must not be cancelled. */
static void cancel(struct gn_cli_client *c)
{
    if (c->transport != &gn_cli_client_http || c->revision == GN_REV_NONE ||
        gn_revision_is_stateless(c->revision))
        return;
    GN_AUTO_FREE char *params = gn_format("{\"requestId\":%lld}", (long long)c->last_id);
    notify(c, "notifications/cancelled", params, CANCEL_MS);
}

/* What is neither an object nor an error is no answer. */
static int check_answer(const struct gn_cli_client *c, const char *method, struct gn_error *err)
{
    if (json_is_object(c->error) || json_is_object(c->result))
        return 0;
    gn_error_set(err, GN_EPROTO,
                 "the server's answer to %s is no object, or holds a number that is too big",
                 method);
    return GN_EXIT_PROTOCOL;
}

/* Sends and waits: 0 if there is an answer in c->result or c->error. */
static int exchange(struct gn_cli_client *c, const char *method, const json_t *params,
                    const char *name, const char *const *headers, uint32_t timeout_ms,
                    struct gn_error *err)
{
    struct gn_error own = {0};
    forget_answer(c);
    c->last_id++;
    bool stateless = c->revision == GN_REV_NONE ? gn_streq(method, "server/discover")
                                                : gn_revision_is_stateless(c->revision);
    c->may_open_session = gn_streq(method, "initialize");
    json_t *message = json_pack("{s:s, s:I, s:s, s:o}", "jsonrpc", "2.0", "id",
                                (json_int_t)c->last_id, "method", method, "params",
                                make_params(c, params, stateless));
    char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
    json_decref(message);
    if (!text) {
        gn_error_set(err, GN_EINVAL, "what was given is not UTF-8");
        return GN_EXIT_USAGE;
    }
    err = err ? err : &own;
    struct gn_cli_client_message m = {text, strlen(text), method, name, headers, true};
    int rc = c->transport->send(c->t, &m, gn_clock_ms() + timeout_ms, err);
    free(text);
    if (rc && (err->code == GN_ETIMEDOUT || err->code == GN_ECANCELED))
        cancel(c);
    return rc ? rc : check_answer(c, method, err);
}

static int say_error(const struct gn_cli_client *c, struct gn_error *err)
{
    const char *message = json_string_value(json_object_get(c->error, "message"));
    gn_error_set(
        err, GN_EPROTO, "the server says: %s (error %" JSON_INTEGER_FORMAT ")%s",
        message ? message : "nothing", json_integer_value(json_object_get(c->error, "code")),
        c->http_status == 401 ? "; status 401: --token or --header gives credentials" : "");
    return GN_EXIT_PROTOCOL;
}

/* ---------------------------------------------------------------- the era */

/* True if the list of versions has one of the era; ret is the newest. */
static bool find_version(const json_t *versions, bool stateless, enum gn_revision *ret)
{
    *ret = GN_REV_NONE;
    size_t i;
    json_t *item;
    json_array_foreach(versions, i, item)
    {
        enum gn_revision r = gn_revision_parse(json_string_value(item));
        if (r != GN_REV_NONE && gn_revision_is_stateless(r) == stateless && r > *ret)
            *ret = r;
    }
    return *ret != GN_REV_NONE;
}

/* A program that was slow to start has answered the first question after all, and refuses the
 * second: it is of the stateless era. */
static int take_late(struct gn_cli_client *c, struct gn_error *err)
{
    enum gn_revision revision;
    if (!find_version(json_object_get(c->late, "supportedVersions"), true, &revision))
        return say_error(c, err);
    c->revision = revision;
    c->server = json_incref(c->late);
    return 0;
}

static int initialize(struct gn_cli_client *c, struct gn_error *err)
{
    json_t *params = json_pack("{s:s, s:{}, s:o}", "protocolVersion",
                               gn_revision_name(GN_REV_LATEST_HANDSHAKE), "capabilities",
                               "clientInfo", client_info());
    int rc = exchange(c, "initialize", params, NULL, NULL, c->options.timeout_ms, err);
    json_decref(params);
    if (rc)
        return rc;
    if (c->error)
        return c->late ? take_late(c, err) : say_error(c, err);
    const char *name = json_string_value(json_object_get(c->result, "protocolVersion"));
    c->revision = gn_revision_parse(name);
    if (c->revision == GN_REV_NONE || gn_revision_is_stateless(c->revision)) {
        gn_error_set(err, GN_EPROTO,
                     "the server wants to speak revision %s, which this client does not",
                     name ? name : "(none)");
        return GN_EXIT_PROTOCOL;
    }
    c->server = json_incref(c->result);
    notify(c, "notifications/initialized", NULL, c->options.timeout_ms);
    if (c->options.log_level) {
        params = json_pack("{s:s}", "level", c->options.log_level);
        exchange(c, "logging/setLevel", params, NULL, NULL, c->options.timeout_ms, NULL);
        json_decref(params);
    }
    return 0;
}

static int no_common_version(const json_t *versions, struct gn_error *err)
{
    char *list = json_dumps(versions, JSON_COMPACT | JSON_ENCODE_ANY);
    if (json_array_size(versions) > 0)
        gn_error_set(err, GN_EPROTO,
                     "the server speaks only revisions that this client does not: %s", list);
    else
        gn_error_set(err, GN_EPROTO, "the server does not say which revisions it speaks");
    free(list);
    return GN_EXIT_PROTOCOL;
}

/* The server named the versions that it speaks. */
static int choose_version(struct gn_cli_client *c, const json_t *versions, struct gn_error *err)
{
    enum gn_revision revision;
    if (find_version(versions, true, &revision)) {
        if (!c->result) { /* this client knows one of the era, and that was refused */
            gn_error_set(err, GN_EPROTO,
                         "the server refuses revision %s and says that it speaks it",
                         gn_revision_name(revision));
            return GN_EXIT_PROTOCOL;
        }
        c->revision = revision;
        c->server = json_incref(c->result);
        return 0;
    }
    if (find_version(versions, false, &revision))
        return initialize(c, err);
    return no_common_version(versions, err);
}

/* A program that ended over a request it did not know is started again. */
static int start_again(struct gn_cli_client *c, struct gn_error *err)
{
    c->transport->close(c->t);
    c->t = c->transport->open(c, err);
    return c->t ? initialize(c, err) : GN_EXIT_CONNECTION;
}

/* No answer that could be read. Over HTTP the status tells whether initialize may do better. */
static int after_silence(struct gn_cli_client *c, int rc, struct gn_error *err)
{
    if (c->transport == &gn_cli_client_stdio) {
        if (err->code == GN_ETIMEDOUT) {
            c->probe_id = c->last_id;
            return initialize(c, err);
        }
        return err->code == GN_EPIPE ? start_again(c, err) : rc;
    }
    if (err->code == GN_ECANCELED || err->code == GN_ETIMEDOUT)
        return rc;
    int status = c->http_status;
    bool may_be_legacy = status >= 400 && status < 500 && status != 401 && status != 403 &&
                         status != 407 && status != 429;
    return may_be_legacy ? initialize(c, err) : rc;
}

static int find_era(struct gn_cli_client *c, struct gn_error *err)
{
    bool stdio = c->transport == &gn_cli_client_stdio;
    uint32_t timeout = stdio ? GN_MIN(c->options.timeout_ms, (uint32_t)PROBE_MS)
                             : c->options.timeout_ms;
    int rc = exchange(c, "server/discover", NULL, NULL, NULL, timeout, err);
    if (rc)
        return rc == GN_EXIT_USAGE ? rc : after_silence(c, rc, err);
    if (c->result) {
        const json_t *versions = json_object_get(c->result, "supportedVersions");
        return json_is_array(versions) ? choose_version(c, versions, err) : initialize(c, err);
    }
    switch (json_integer_value(json_object_get(c->error, "code"))) {
    case GN_RPC_UNSUPPORTED_VERSION:
        return choose_version(c, json_object_get(json_object_get(c->error, "data"), "supported"),
                              err);
    case GN_RPC_HEADER_MISMATCH:
    case GN_RPC_MISSING_CAPABILITY:
        return say_error(c, err);
    default:
        /* An old server may stumble over what it does not know: 500. */
        if (c->http_status == 401 || c->http_status == 403 || c->http_status > 500)
            return say_error(c, err), GN_EXIT_CONNECTION;
        return initialize(c, err);
    }
}

/* ---------------------------------------------------------------- interface */

int gn_cli_client_open(const struct gn_cli_client_options *options, struct gn_cli_client **ret,
                       struct gn_error *err)
{
    struct gn_cli_client *c = gn_calloc(1, sizeof(*c));
    c->options = *options;
    c->transport = options->url ? &gn_cli_client_http : &gn_cli_client_stdio;
    c->t = c->transport->open(c, err);
    int rc = c->t ? find_era(c, err) : GN_EXIT_CONNECTION;
    if (rc) {
        gn_cli_client_close(c);
        return rc;
    }
    *ret = c;
    return 0;
}

void gn_cli_client_close(struct gn_cli_client *c)
{
    if (!c)
        return;
    c->is_closing = true;
    if (c->t)
        c->transport->close(c->t);
    forget_answer(c);
    json_decref(c->server);
    json_decref(c->late);
    gn_free(c->session_id);
    gn_free(c);
}

int gn_cli_client_request(struct gn_cli_client *c, const char *method, const json_t *params,
                          const char *name, const char *const *headers, json_t **ret_result,
                          struct gn_error *err)
{
    *ret_result = NULL;
    int rc = exchange(c, method, params, name, headers, c->options.timeout_ms, err);
    if (rc)
        return rc;
    if (c->error)
        return say_error(c, err);
    const char *type = json_string_value(json_object_get(c->result, "resultType"));
    if (gn_streq(type, GN_RESULT_INPUT_REQUIRED)) {
        gn_error_set(err, GN_ENOTSUP,
                     "the server asks questions, which this client did not offer to "
                     "answer");
        return GN_EXIT_PROTOCOL;
    }
    *ret_result = json_incref(c->result);
    return 0;
}

const json_t *gn_cli_client_error(const struct gn_cli_client *c)
{
    return c->error;
}

enum gn_revision gn_cli_client_revision(const struct gn_cli_client *c)
{
    return c->revision;
}

const json_t *gn_cli_client_server(const struct gn_cli_client *c)
{
    return c->server;
}

uint64_t gn_cli_client_received(const struct gn_cli_client *c)
{
    return c->received;
}

int gn_cli_client_stop_fd(const struct gn_cli_client *c)
{
    return c->is_interrupted ? -1 : c->options.stop_fd;
}

int gn_cli_client_interrupt(struct gn_cli_client *c, struct gn_error *err)
{
    c->is_interrupted = true;
    gn_error_set(err, GN_ECANCELED, "interrupted");
    return GN_EXIT_CONNECTION;
}

bool gn_cli_client_wants_headers(const struct gn_cli_client *c)
{
    return c->transport == &gn_cli_client_http && gn_revision_is_stateless(c->revision);
}
