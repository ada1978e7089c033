/* methods.c - what the protocol says of each method, and the functions that ask by name. */
#include "internal.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define BLANKS " \t\r\n"

static const struct gn_method methods[] = {
    {.method = "server/discover", .is_safe = true, .in_stateless = true, .is_cached = true},
    {.method = "initialize", .in_handshake = true},
    {.method = "ping", .is_safe = true, .in_handshake = true},
    {.method = "logging/setLevel", .capability = "logging", .is_safe = true, .in_handshake = true},
    {.method = "tools/list",
     .capability = "tools",
     .is_safe = true,
     .is_cached = true,
     .in_stateless = true,
     .in_handshake = true},
    {.method = "tools/call",
     .name_member = "name",
     .capability = "tools",
     .has_rounds = true,
     .may_be_task = true,
     .in_stateless = true,
     .in_handshake = true},
    {.method = "resources/list",
     .capability = "resources",
     .is_safe = true,
     .is_cached = true,
     .in_stateless = true,
     .in_handshake = true},
    {.method = "resources/templates/list",
     .capability = "resources",
     .is_safe = true,
     .is_cached = true,
     .in_stateless = true,
     .in_handshake = true},
    {.method = "resources/read",
     .name_member = "uri",
     .capability = "resources",
     .is_safe = true,
     .has_rounds = true,
     .is_cached = true,
     .in_stateless = true,
     .in_handshake = true},
    {.method = "resources/subscribe",
     .capability = "resources/subscribe",
     .is_safe = true,
     .in_handshake = true},
    {.method = "resources/unsubscribe",
     .capability = "resources/subscribe",
     .is_safe = true,
     .in_handshake = true},
    {.method = "prompts/list",
     .capability = "prompts",
     .is_safe = true,
     .is_cached = true,
     .in_stateless = true,
     .in_handshake = true},
    {.method = "prompts/get",
     .name_member = "name",
     .capability = "prompts",
     .is_safe = true,
     .has_rounds = true,
     .in_stateless = true,
     .in_handshake = true},
    {.method = "completion/complete",
     .capability = "completions",
     .is_safe = true,
     .in_stateless = true,
     .in_handshake = true},
    {.method = "subscriptions/listen", .in_stateless = true},
    {.method = "tasks/get",
     .name_member = "taskId",
     .is_safe = true,
     .in_stateless = true,
     .in_handshake = true},
    {.method = "tasks/update", .name_member = "taskId", .in_stateless = true},
    {.method = "tasks/cancel", .name_member = "taskId", .in_stateless = true, .in_handshake = true},
    {.method = "tasks/result", .is_safe = true, .in_handshake = true},
    {.method = "tasks/list", .capability = "tasks/list", .is_safe = true, .in_handshake = true},
};

const struct gn_method *gn_method_find(const char *method)
{
    for (size_t i = 0; i < GN_COUNT(methods); i++) {
        if (gn_streq(methods[i].method, method))
            return &methods[i];
    }
    return NULL;
}

/* ---------------------------------------------------------------- requests in general */

static gantry_request *start(gantry_client *c, const char *method, struct gn_buf *params,
                             const gantry_request_options *options)
{
    bool is_too_large = params && params->overflow;
    const char *text = params && !is_too_large ? gn_buf_str(params) : NULL;
    gantry_request *r = gn_request_new(c, method, text, options);
    if (is_too_large)
        gn_request_end(r, GANTRY_CLIENT_LIMIT, "%s is larger than %zu bytes", method,
                       c->s.max_message);
    if (params)
        gn_buf_release(params);
    gn_request_start(r);
    return r;
}

gantry_request *gantry_client_request(gantry_client *client, const char *method, const char *params,
                                      const gantry_request_options *options)
{
    gantry_request *r = gn_request_new(client, method, params, options);
    gn_request_start(r);
    return r;
}

gantry_client_status gantry_client_notify(gantry_client *client, const char *method,
                                          const char *params)
{
    struct gn_json_doc doc = {0};
    GN_CHECK(client, GN_CLIENT_MAGIC);
    bool ok = method && *method &&
              (!params || (gn_json_parse_copy(&doc, params, strlen(params), NULL, NULL) == 0 &&
                           gn_json_type(gn_json_root(&doc)) == GN_JSON_OBJECT));
    gn_json_release(&doc);
    if (!ok)
        return GANTRY_CLIENT_INVALID;
    if (client->state != GANTRY_STATE_READY)
        return GANTRY_CLIENT_CONNECTION;
    return gn_client_send_notification(client, method, params) ? GANTRY_CLIENT_LIMIT
                                                               : GANTRY_CLIENT_OK;
}

/* ---------------------------------------------------------------- params */

static void add_text(struct gn_buf *out, const char *name, const char *value)
{
    gn_buf_adds(out, out->len > 1 ? ",\"" : "\"");
    gn_buf_adds(out, name);
    gn_buf_adds(out, "\":");
    if (value)
        gn_json_write_str(out, value, strlen(value));
    else
        gn_buf_adds(out, "null"); /* the server refuses it by name */
}

static struct gn_buf open_params(const gantry_client *c, const char *name, const char *value)
{
    struct gn_buf out = GN_BUF_INIT(c->s.max_message);
    gn_buf_addc(&out, '{');
    add_text(&out, name, value);
    return out;
}

/* True if a text that turns out to be JSON between others is an object of its own: what comes after
 * it would be members of something else. */
static bool is_object(const char *text)
{
    size_t depth = 0;
    bool is_text = false;
    const char *p = text + strspn(text, BLANKS);
    if (*p != '{')
        return false;
    for (; *p; p++) {
        if (is_text && *p == '\\' && p[1])
            p++;
        else if (*p == '"')
            is_text = !is_text;
        else if (!is_text && (*p == '{' || *p == '['))
            depth++;
        else if (!is_text && (*p == '}' || *p == ']') && --depth == 0)
            return p[1 + strspn(p + 1, BLANKS)] == '\0';
    }
    return false;
}

/* What is no object is left out of a text that then is no JSON, so that the request is refused. */
static void add_object(struct gn_buf *out, const char *name, const char *json)
{
    gn_buf_adds(out, ",\"");
    gn_buf_adds(out, name);
    gn_buf_adds(out, "\":");
    gn_buf_adds(out, is_object(json) ? json : "");
}

/* ---------------------------------------------------------------- by name */

static bool give_server(gantry_request *r)
{
    struct gn_json_doc doc = {0};
    GN_AUTO_FREE char *text = gantry_read_print(r->client->server);
    if (gn_json_parse_copy(&doc, text, strlen(text), NULL, NULL) == 0)
        gn_request_end_result(r, &doc, gn_json_root(&doc));
    return true;
}

gantry_request *gantry_client_connect(gantry_client *client, const gantry_request_options *options)
{
    gantry_request *r = gn_request_new(client, "connect", NULL, options);
    r->before = give_server;
    gn_request_start(r);
    return r;
}

gantry_request *gantry_client_call_tool(gantry_client *client, const char *name,
                                        const char *arguments,
                                        const gantry_request_options *options)
{
    struct gn_buf params = open_params(client, "name", name);
    add_object(&params, "arguments", arguments ? arguments : "{}");
    gn_buf_addc(&params, '}');
    return start(client, "tools/call", &params, options);
}

gantry_request *gantry_client_read_resource(gantry_client *client, const char *uri,
                                            const gantry_request_options *options)
{
    struct gn_buf params = open_params(client, "uri", uri);
    gn_buf_addc(&params, '}');
    return start(client, "resources/read", &params, options);
}

gantry_request *gantry_client_get_prompt(gantry_client *client, const char *name,
                                         const char *arguments,
                                         const gantry_request_options *options)
{
    struct gn_buf params = open_params(client, "name", name);
    if (arguments)
        add_object(&params, "arguments", arguments);
    gn_buf_addc(&params, '}');
    return start(client, "prompts/get", &params, options);
}

gantry_request *gantry_client_complete(gantry_client *client, gantry_list_kind kind,
                                       const char *name, const char *argument, const char *value,
                                       const char *known, const gantry_request_options *options)
{
    bool is_prompt = kind == GANTRY_LIST_PROMPTS;
    struct gn_buf params = GN_BUF_INIT(client->s.max_message), ref, arg;
    ref = open_params(client, "type", is_prompt ? "ref/prompt" : "ref/resource");
    add_text(&ref, is_prompt ? "name" : "uri", name);
    arg = open_params(client, "name", argument);
    add_text(&arg, "value", value ? value : "");
    gn_buf_addf(&params, "{\"ref\":%s},\"argument\":%s}", gn_buf_str(&ref), gn_buf_str(&arg));
    if (known) {
        gn_buf_adds(&params, ",\"context\":{\"arguments\":");
        gn_buf_adds(&params, is_object(known) ? known : "");
        gn_buf_addc(&params, '}');
    }
    gn_buf_addc(&params, '}');
    gn_buf_release(&ref);
    gn_buf_release(&arg);
    return start(client, "completion/complete", &params, options);
}

/* The stateless era has no ping: the question that every server answers does as well. */
static bool choose_ping(gantry_request *r)
{
    if (gn_client_is_stateless(r->client)) {
        gn_free(r->method);
        r->method = gn_strdup("server/discover");
        r->kind = gn_method_find(r->method);
        r->o.skips_cache = true;
    }
    return false;
}

gantry_request *gantry_client_ping(gantry_client *client, const gantry_request_options *options)
{
    gantry_request *r = gn_request_new(client, "ping", NULL, options);
    r->before = choose_ping;
    gn_request_start(r);
    return r;
}

/* The stateless era says it with every request. */
static bool say_level(gantry_request *r)
{
    gn_free(r->client->s.log_level);
    r->client->s.log_level = gn_strdup(r->name);
    if (!gn_client_is_stateless(r->client))
        return false;
    gn_request_end_empty(r);
    return true;
}

gantry_request *gantry_client_set_log_level(gantry_client *client, const char *level,
                                            const gantry_request_options *options)
{
    struct gn_buf params = open_params(client, "level", level);
    gn_buf_addc(&params, '}');
    gantry_request *r = gn_request_new(client, "logging/setLevel", gn_buf_str(&params), options);
    gn_buf_release(&params);
    if (!gn_settings_is_level(level))
        gn_request_end(r, GANTRY_CLIENT_INVALID, "\"%.40s\" is no log level: debug to emergency",
                       level ? level : "(NULL)");
    r->name = gn_strdup(level);
    r->before = say_level;
    gn_request_start(r);
    return r;
}
