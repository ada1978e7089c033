/* http_sse.c - HTTP+SSE, the transport of revision 2024-11-05 (its page basic/transports), for
 * clients that know no other.
 *
 * A GET opens an event stream whose first event, `endpoint`, tells where to send messages: a path
 * with a session_id that nobody can guess. A POST there is answered with 202, and what answers the
 * message comes as an event. The GET's connection is one shared stream, as standard input and
 * output are one: the connection is the session, and ends with it.
 */
#include "transport/http.h"

#include "util/alloc.h"
#include "util/str.h"

#include <sodium.h>
#include <string.h>

#define MESSAGES "messages"
#define ID_PARAMETER "session_id="
#define ID_BYTES 32
#define ID_MAX 44 /* with its NUL */

struct gn_http_sse {
    char id[ID_MAX];
};

/* ---- where it is */

/* The folder of the path, with its slash: messages go beside the stream. */
static size_t folder_len(const char *path)
{
    return (size_t)(strrchr(path, '/') - path) + 1;
}

enum gn_http_route gn_sse_route(const struct gn_http_conn *c)
{
    const char *path = c->server->env.config->sse_path;
    if (!path || *path != '/')
        return GN_HTTP_NOWHERE;
    if (gn_streq(c->head.path, path))
        return GN_HTTP_SSE;
    size_t len = folder_len(path);
    bool is_beside = strncmp(c->head.path, path, len) == 0;
    return is_beside && gn_streq(c->head.path + len, MESSAGES) ? GN_HTTP_MESSAGES : GN_HTTP_NOWHERE;
}

/* ---- the stream */

static int op_send(struct gn_stream *s, const char *json, size_t len, enum gn_weight weight)
{
    return gn_http_stream_ops.send(s, json, len, weight);
}

static void op_end(struct gn_stream *s, int status, const char *json, size_t len)
{
    struct gn_http_conn *c = GN_CONTAINER(s, struct gn_http_conn, stream);
    struct gn_delivery *delivery = gn_delivery_take(s);
    (void)status;
    if (json && op_send(s, json, len, GN_MUST))
        gn_delivery_tell(delivery, false);
    else
        gn_http_conn_mark(c, delivery);
}

static const struct gn_stream_ops sse_ops = {.send = op_send, .end = op_end};

static void tell_endpoint(struct gn_http_conn *c)
{
    const char *path = c->server->env.config->sse_path;
    GN_AUTO_FREE char *text = gn_format("event: endpoint\ndata: %.*s" MESSAGES "?" ID_PARAMETER
                                        "%s\n\n",
                                        (int)folder_len(path), path, c->sse->id);
    gn_http_answer_piece(c, text, strlen(text));
}

void gn_sse_begin(struct gn_http_conn *c)
{
    const char *principal = c->stream.principal;
    unsigned char bytes[ID_BYTES];
    randombytes_buf(bytes, sizeof(bytes));
    c->sse = gn_calloc(1, sizeof(*c->sse));
    sodium_bin2base64(c->sse->id, ID_MAX, bytes, sizeof(bytes),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    gn_map_put(&c->server->sse_streams, c->sse->id, c);
    gn_stream_init(&c->stream, &sse_ops, true, "sse");
    c->stream.principal = principal;
    gn_http_request_stay(c);
    c->state = GN_HTTP_RUNNING;
    c->with_protocol = true;
    c->takes_events = true;
    gn_http_stream_ops.open(&c->stream);
    tell_endpoint(c);
}

void gn_sse_release(struct gn_http_conn *c)
{
    if (!c->sse)
        return;
    gn_map_remove(&c->server->sse_streams, c->sse->id);
    gn_free(c->sse);
    c->sse = NULL;
}

void gn_sse_stop(struct gn_http_conn *c)
{
    gn_http_stream_ops.end(&c->stream, 200, NULL, 0);
    gn_protocol_closed(c->server->env.protocol, &c->stream);
}

/* ---- messages */

/* The event stream that the query names; NULL: none, or it is somebody else's, which does not exist
 * for this caller. */
static struct gn_http_conn *find_stream(const struct gn_http_conn *c)
{
    for (const char *at = c->head.query; at; at = *at ? at + 1 : NULL) {
        size_t len = strcspn(at, "&");
        if (gn_starts_with(at, ID_PARAMETER)) {
            size_t skip = strlen(ID_PARAMETER);
            struct gn_http_conn *to = gn_map_findn(&c->server->sse_streams, at + skip, len - skip);
            bool is_ours = to && gn_streq(to->stream.principal, c->stream.principal);
            return is_ours && to->with_protocol && !to->doomed ? to : NULL;
        }
        at += len;
    }
    return NULL;
}

bool gn_sse_check(struct gn_http_conn *c)
{
    struct gn_http_conn *to = find_stream(c);
    if (!to)
        gn_http_answer_error(c, 404, "unknown session_id: open the event stream again");
    else if (to->out.len > to->out.max / 4)
        gn_http_answer_error(c, 503, "the event stream is not being read: try again");
    else
        return true;
    return false;
}

void gn_sse_receive(struct gn_http_conn *c)
{
    /* Whoever listens may have left, or stopped reading, while the message was being sent. */
    if (!gn_sse_check(c))
        return;
    struct gn_http_conn *to = find_stream(c);
    size_t len;
    char *text = gn_buf_take(&c->body, &len);
    gn_http_answer(c, 202, NULL, NULL, 0);
    gn_protocol_receive(to->server->env.protocol, &to->stream, text, len);
}
