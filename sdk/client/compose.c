/* compose.c - messages on their way out, as the revision has them. */
#include "internal.h"

#include "util/str.h"
#include "wire/meta.h"

#include <string.h>

#define NOTIFICATION_META_MAX 4096

/* ---------------------------------------------------------------- what we are */

void gn_compose_client_info(const gantry_client *c, struct gn_buf *out)
{
    struct gn_jw w;
    gn_jw_init(&w, out);
    gn_jw_object(&w, NULL);
    gn_jw_str(&w, "name", c->s.name);
    if (c->s.title)
        gn_jw_str(&w, "title", c->s.title);
    gn_jw_str(&w, "version", c->s.version);
    gn_jw_end(&w);
}

static void add_elicitation(struct gn_jw *w, const gantry_client_handlers *h,
                            enum gn_revision revision)
{
    if (!h->on_elicit || revision < GN_REV_2025_06_18)
        return;
    if (revision < GN_REV_2025_11_25 && h->refuses_forms)
        return;
    gn_jw_object(w, "elicitation");
    if (revision >= GN_REV_2025_11_25) {
        if (!h->refuses_forms) {
            gn_jw_object(w, "form");
            gn_jw_end(w);
        }
        if (h->elicits_urls) {
            gn_jw_object(w, "url");
            gn_jw_end(w);
        }
    }
    gn_jw_end(w);
}

static void add_sampling(struct gn_jw *w, const gantry_client_handlers *h,
                         enum gn_revision revision)
{
    if (!h->on_sample)
        return;
    gn_jw_object(w, "sampling");
    if (h->samples_with_tools && revision >= GN_REV_2025_11_25) {
        gn_jw_object(w, "tools");
        gn_jw_end(w);
    }
    gn_jw_end(w);
}

static void add_roots(struct gn_jw *w, const gantry_client *c, enum gn_revision revision)
{
    if (!c->s.has_roots && !c->s.handlers.on_roots)
        return;
    gn_jw_object(w, "roots");
    if (!gn_revision_is_stateless(revision))
        gn_jw_bool(w, "listChanged", true);
    gn_jw_end(w);
}

/* The caller's, and the extensions that the library itself speaks. */
static void add_given(struct gn_jw *w, const gantry_client *c, enum gn_revision revision)
{
    struct gn_json_doc doc = {0};
    const gantry_json *member = NULL, *given = NULL;
    if (c->s.capabilities &&
        gn_json_parse_copy(&doc, c->s.capabilities, strlen(c->s.capabilities), NULL, NULL) == 0)
        given = gn_json_root(&doc);
    const gantry_json *extensions = gn_json_get(given, "extensions");
    while ((member = gn_json_next(given, member))) {
        const char *name = gn_json_name(member, NULL);
        if (member != extensions)
            gn_jw_json(w, name, member);
    }
    if (gn_revision_is_stateless(revision)) {
        bool has_tasks = gn_json_get(extensions, GN_EXTENSION_TASKS) != NULL;
        gn_jw_object(w, "extensions");
        if (!has_tasks) {
            gn_jw_object(w, GN_EXTENSION_TASKS);
            gn_jw_end(w);
        }
        for (member = NULL; (member = gn_json_next(extensions, member));)
            gn_jw_json(w, gn_json_name(member, NULL), member);
        gn_jw_end(w);
    } else if (extensions) {
        gn_jw_json(w, "extensions", extensions);
    }
    gn_json_release(&doc);
}

void gn_compose_capabilities(const gantry_client *c, enum gn_revision revision, struct gn_buf *out)
{
    struct gn_jw w;
    gn_jw_init(&w, out);
    gn_jw_object(&w, NULL);
    add_elicitation(&w, &c->s.handlers, revision);
    add_sampling(&w, &c->s.handlers, revision);
    add_roots(&w, c, revision);
    add_given(&w, c, revision);
    gn_jw_end(&w);
}

/* ---------------------------------------------------------------- requests */

/* Appends the members of an object's text to an open object. */
static void add_members(struct gn_buf *out, const char *object, bool *has_some)
{
    size_t len = object ? strlen(object) : 0;
    if (len <= 2)
        return;
    if (*has_some)
        gn_buf_addc(out, ',');
    gn_buf_add(out, object + 1, len - 2);
    *has_some = true;
}

static void add_name(struct gn_buf *out, const char *name, bool *has_some)
{
    if (*has_some)
        gn_buf_addc(out, ',');
    *has_some = true;
    gn_buf_addc(out, '"');
    gn_buf_adds(out, name);
    gn_buf_adds(out, "\":");
}

/* gn_buf_addf takes twenty times as long. */
static void add_int(struct gn_buf *out, int64_t v)
{
    char text[24], *at = text + sizeof(text);
    for (uint64_t rest = (uint64_t)v; at == text + sizeof(text) || rest; rest /= 10)
        *--at = (char)('0' + rest % 10);
    gn_buf_add(out, at, (size_t)(text + sizeof(text) - at));
}

static void add_quoted(struct gn_buf *out, const char *text)
{
    gn_buf_addc(out, '"');
    gn_buf_adds(out, text);
    gn_buf_addc(out, '"');
}

/* What every request of the stateless era says of us: composed once for a revision. */
static const struct gn_buf *who_we_are(gantry_client *c, enum gn_revision revision)
{
    struct gn_buf *out = &c->who_we_are;
    bool has_some = false;
    if (out->len && c->who_we_are_in == revision)
        return out;
    gn_buf_clear(out);
    add_name(out, GN_META_PROTOCOL_VERSION, &has_some);
    add_quoted(out, gn_revision_name(revision));
    add_name(out, GN_META_CLIENT_INFO, &has_some);
    gn_compose_client_info(c, out);
    add_name(out, GN_META_CLIENT_CAPABILITIES, &has_some);
    gn_compose_capabilities(c, revision, out);
    c->who_we_are_in = revision;
    return out;
}

static void add_stateless_meta(gantry_client *c, struct gn_buf *out, bool *has_some)
{
    const struct gn_buf *ours = who_we_are(c, c->revision == GN_REV_NONE ? GN_REV_LATEST
                                                                         : c->revision);
    gn_buf_add(out, ours->data, ours->len);
    *has_some = true;
    if (c->s.log_level) {
        add_name(out, GN_META_LOG_LEVEL, has_some);
        add_quoted(out, c->s.log_level);
    }
}

/* Before the revision is known, only server/discover is of the stateless era. */
static bool is_stateless(const gantry_client *c, const gantry_request *r)
{
    return c->revision == GN_REV_NONE ? gn_streq(r->method, "server/discover")
                                      : gn_client_is_stateless(c);
}

static bool wants_progress(const gantry_client *c, const gantry_request *r)
{
    return !r->is_internal && !r->is_part &&
           (r->o.on_progress || c->s.handlers.on_progress || c->s.progress_resets);
}

static void add_meta(gantry_client *c, const gantry_request *r, struct gn_buf *out, bool *has_some)
{
    bool has_meta = false, stateless = is_stateless(c, r);
    if (!stateless && !wants_progress(c, r) && !r->meta)
        return;
    add_name(out, GN_META, has_some);
    gn_buf_addc(out, '{');
    if (stateless)
        add_stateless_meta(c, out, &has_meta);
    if (wants_progress(c, r)) {
        add_name(out, GN_META_PROGRESS_TOKEN, &has_meta);
        add_int(out, r->id);
    }
    add_members(out, r->meta, &has_meta); /* of equal names the last counts */
    gn_buf_addc(out, '}');
}

int gn_compose_request(gantry_client *c, const gantry_request *r, struct gn_buf *out)
{
    bool has_some = false;
    gn_buf_adds(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    add_int(out, r->id);
    gn_buf_adds(out, ",\"method\":");
    gn_json_write_str(out, r->method, strlen(r->method));
    size_t before = out->len;
    gn_buf_adds(out, ",\"params\":{");
    add_members(out, r->params, &has_some);
    if (r->extra) {
        if (has_some)
            gn_buf_addc(out, ',');
        gn_buf_adds(out, r->extra);
        has_some = true;
    }
    add_meta(c, r, out, &has_some);
    if (has_some || r->params)
        gn_buf_addc(out, '}');
    else
        gn_buf_cut(out, before);
    return gn_buf_addc(out, '}') || out->overflow ? GN_ETOOBIG : 0;
}

/* ---------------------------------------------------------------- the rest */

static void send_message(gantry_client *c, const char *method, const char *text, size_t len)
{
    struct gn_outgoing m = {.text = text, .len = len, .method = method};
    c->link->ops->send(c->link, &m);
    if (c->s.handlers.on_message)
        c->s.handlers.on_message(c, true, text, len, c->s.arg);
}

int gn_client_send_notification(gantry_client *c, const char *method, const char *params)
{
    struct gn_buf text = GN_BUF_INIT(c->s.max_message);
    int rc = c->link ? gn_jsonrpc_write_notification(&text, method, params) : GN_EPIPE;
    if (rc == 0)
        send_message(c, method, text.data, text.len);
    gn_buf_release(&text);
    return rc;
}

void gn_client_send_text(gantry_client *c, const char *text, size_t len)
{
    if (c->link)
        send_message(c, NULL, text, len);
}
