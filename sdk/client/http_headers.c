/* http_headers.c - the headers of what goes out: the caller's, and those of the revision. */
#include "http_exchange.h"

#include "util/alloc.h"
#include "util/str.h"
#include "wire/headers.h"

#include <string.h>
#include <strings.h>

#define VALUE_MAX 65536

/* What the protocol and HTTP say themselves; the caller's word on these does not count. */
static const char *const ours[] = {
    "Accept",
    "Connection",
    "Content-Length",
    "Content-Type",
    "Expect",
    GN_HEADER_METHOD,
    GN_HEADER_NAME,
    GN_HEADER_SESSION_ID,
    "Transfer-Encoding",
    GN_HEADER_LAST_EVENT_ID,
    GN_HEADER_PROTOCOL_VERSION,
};

static bool is_ours(const char *line, size_t name_len)
{
    for (size_t i = 0; i < GN_COUNT(ours); i++) {
        if (strlen(ours[i]) == name_len && strncasecmp(line, ours[i], name_len) == 0)
            return true;
    }
    return strncasecmp(line, GN_HEADER_PARAM_PREFIX, strlen(GN_HEADER_PARAM_PREFIX)) == 0;
}

/* "Name: value" as libcurl wants it. One that is there already stays as it is. */
static void add_line(struct gn_exchange *x, const char *line)
{
    size_t name_len = strcspn(line, ":");
    GN_AUTO_FREE char *name = gn_strndup(line, name_len);
    if (!line[name_len] || gn_exchange_has_header(x, name))
        return;
    const char *value = line + name_len + 1;
    if (value[strspn(value, " \t")])
        gn_exchange_header_line(x, line);
    else
        gn_exchange_header(x, name, "");
    if (gn_strcaseeq(name, "Authorization"))
        x->has_authorization = true;
}

static void add_given(struct gn_exchange *x, const char *const *lines)
{
    for (; lines && *lines; lines++) {
        if (!is_ours(*lines, strcspn(*lines, ":")))
            add_line(x, *lines);
    }
}

static void add_common(struct gn_exchange *x, const char *const *headers)
{
    const gantry_client *c = x->peer->client;
    add_given(x, headers); /* those of one request before those of the client */
    add_given(x, (const char *const *)c->s.headers);
    if (!gn_exchange_has_header(x, "User-Agent"))
        gn_exchange_header_line(x, "User-Agent: gantry/" GANTRY_VERSION);
}

/* Before 2025-06-18 there was no such header; before initialize has been answered there is no
 * revision that it could name. */
static void add_revision(struct gn_exchange *x, enum gn_revision revision, const char *session_id)
{
    if (revision >= GN_REV_2025_06_18)
        gn_exchange_header(x, GN_HEADER_PROTOCOL_VERSION, gn_revision_name(revision));
    if (session_id)
        gn_exchange_header(x, GN_HEADER_SESSION_ID, session_id);
}

static void add_encoded(struct gn_exchange *x, const char *name, const char *value)
{
    struct gn_buf encoded = GN_BUF_INIT(VALUE_MAX);
    if (value && gn_header_encode(&encoded, value, strlen(value)) == 0)
        gn_exchange_header(x, name, gn_buf_str(&encoded));
    gn_buf_release(&encoded);
}

void gn_http_message_headers(struct gn_exchange *x, const struct gn_outgoing *m,
                             const char *session_id)
{
    enum gn_revision revision = x->peer->client->revision;
    if (revision == GN_REV_NONE && gn_streq(m->method, "server/discover"))
        revision = GN_REV_LATEST;
    add_common(x, m->headers);
    gn_exchange_header_line(x, "Content-Type: application/json");
    gn_exchange_header_line(x, "Accept: application/json, text/event-stream");
    gn_exchange_header_line(x, "Expect:"); /* libcurl would wait for 100-continue */
    add_revision(x, revision, session_id);
    if (!gn_revision_is_stateless(revision))
        return;
    add_encoded(x, GN_HEADER_METHOD, m->method);
    add_encoded(x, GN_HEADER_NAME, m->name);
    for (const char *const *h = m->param_headers; h && *h; h++)
        add_line(x, *h);
}

void gn_http_plain_headers(struct gn_exchange *x, const char *accept, const char *session_id,
                           const char *last_event_id)
{
    add_common(x, NULL);
    if (accept)
        gn_exchange_header(x, "Accept", accept);
    if (last_event_id && *last_event_id)
        gn_exchange_header(x, GN_HEADER_LAST_EVENT_ID, last_event_id);
    add_revision(x, x->peer->revision, session_id);
}
