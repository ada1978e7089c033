/* jsonrpc.c - telling messages apart, and framing them. */
#include "wire/jsonrpc.h"

#include <string.h>

#define HEAD "{\"jsonrpc\":\"2.0\""

static int invalid(struct gn_error *err, const char *why)
{
    return gn_error_set(err, GN_EPROTO, "invalid message: %s", why);
}

/* One walk over the members; of equal names the last counts. */
struct members {
    const gantry_json *jsonrpc, *id, *method, *params, *result, *error;
};

static void collect(struct members *m, const gantry_json *message)
{
    for (const gantry_json *v = gn_json_next(message, NULL); v; v = gn_json_next(message, v)) {
        const gantry_json *name = v - 1;
        if (gn_json_streq(name, "jsonrpc"))
            m->jsonrpc = v;
        else if (gn_json_streq(name, "id"))
            m->id = v;
        else if (gn_json_streq(name, "method"))
            m->method = v;
        else if (gn_json_streq(name, "params"))
            m->params = v;
        else if (gn_json_streq(name, "result"))
            m->result = v;
        else if (gn_json_streq(name, "error"))
            m->error = v;
    }
}

static int classify_call(const struct members *m, struct gn_jsonrpc *ret, struct gn_error *err)
{
    if (m->result || m->error)
        return invalid(err, "it has both a method and a result or error");
    const char *method = gn_json_cstr(m->method);
    if (!method)
        return invalid(err, "method must be a string without NUL");
    if (m->params && gn_json_type(m->params) != GN_JSON_OBJECT)
        return invalid(err, "params must be an object");
    if (m->id && !ret->id)
        return invalid(err, "id must be a string or an integer");
    ret->kind = m->id ? GN_JSONRPC_REQUEST : GN_JSONRPC_NOTIFICATION;
    ret->method = method;
    ret->params = m->params;
    return 0;
}

static int classify_response(const struct members *m, struct gn_jsonrpc *ret, struct gn_error *err)
{
    if (m->result && m->error)
        return invalid(err, "it has both a result and an error");
    bool unknown_id = !m->id || gn_json_type(m->id) == GN_JSON_NULL;
    if (!ret->id && !(m->error && unknown_id))
        return invalid(err, "a response needs the id of its request, a string or an integer");
    if (m->result && gn_json_type(m->result) != GN_JSON_OBJECT)
        return invalid(err, "result must be an object");
    int64_t code;
    if (m->error && (!gn_json_int(gn_json_get(m->error, "code"), &code) ||
                     !gn_json_str(gn_json_get(m->error, "message"), NULL)))
        return invalid(err, "error must be an object with an integer code and a message");
    ret->kind = GN_JSONRPC_RESPONSE;
    ret->result = m->result;
    ret->error = m->error;
    return 0;
}

static int finish(struct gn_buf *out)
{
    return gn_buf_addc(out, '}');
}

static void write_member(struct gn_buf *out, const char *name, const char *json)
{
    gn_buf_addc(out, ',');
    gn_json_write_str(out, name, strlen(name));
    gn_buf_addc(out, ':');
    gn_buf_adds(out, json);
}

static void write_method(struct gn_buf *out, const char *method, const char *params_json)
{
    gn_buf_adds(out, ",\"method\":");
    gn_json_write_str(out, method, strlen(method));
    if (params_json)
        write_member(out, "params", params_json);
}

int gn_jsonrpc_classify(const gantry_json *message, struct gn_jsonrpc *ret, struct gn_error *err)
{
    *ret = (struct gn_jsonrpc){0};
    if (gn_json_type(message) != GN_JSON_OBJECT)
        return gn_error_set(err, GN_EPROTO, "invalid message: expected an object, found %s",
                            gn_json_type_name(message));
    struct members m = {0};
    collect(&m, message);
    int64_t number;
    bool is_integer = m.id && (m.id->flags & GN_JSON_INTEGER); /* of any size */
    if (gn_json_type(m.id) == GN_JSON_STRING || is_integer || gn_json_int(m.id, &number))
        ret->id = m.id;
    if (!gn_json_streq(m.jsonrpc, "2.0"))
        return invalid(err, "jsonrpc must be \"2.0\"");
    if (m.method)
        return classify_call(&m, ret, err);
    if (m.result || m.error)
        return classify_response(&m, ret, err);
    return invalid(err, "it has neither a method nor a result nor an error");
}

int gn_jsonrpc_write_error(struct gn_buf *out, const char *id_json, int code, const char *message,
                           const char *data_json, unsigned flags)
{
    gn_buf_adds(out, HEAD);
    if (id_json || !(flags & GN_JSONRPC_OMIT_ID))
        write_member(out, "id", id_json ? id_json : "null");
    gn_buf_addf(out, ",\"error\":{\"code\":%d,\"message\":", code);
    gn_json_write_str(out, message, strlen(message));
    if (data_json)
        write_member(out, "data", data_json);
    gn_buf_addc(out, '}');
    return finish(out);
}

int gn_jsonrpc_write_result(struct gn_buf *out, const char *id_json, const char *result_json,
                            size_t result_len)
{
    gn_buf_adds(out, HEAD);
    write_member(out, "id", id_json);
    gn_buf_adds(out, ",\"result\":");
    gn_buf_add(out, result_json, result_len);
    return finish(out);
}

int gn_jsonrpc_write_request(struct gn_buf *out, const char *id_json, const char *method,
                             const char *params_json)
{
    gn_buf_adds(out, HEAD);
    write_member(out, "id", id_json);
    write_method(out, method, params_json);
    return finish(out);
}

int gn_jsonrpc_write_notification(struct gn_buf *out, const char *method, const char *params_json)
{
    gn_buf_adds(out, HEAD);
    write_method(out, method, params_json);
    return finish(out);
}

void gn_jsonrpc_open_notification(struct gn_jw *w, struct gn_buf *out, const char *method)
{
    gn_jw_init(w, out);
    gn_jw_object(w, NULL);
    gn_jw_str(w, "jsonrpc", "2.0");
    gn_jw_str(w, "method", method);
    gn_jw_object(w, "params");
}

void gn_jsonrpc_close_notification(struct gn_jw *w)
{
    gn_jw_end(w);
    gn_jw_end(w);
}
