/* batch.c - JSON-RPC batches, which revision 2025-03-26 alone has (basic, "Batching").
 *
 * Every element is a message of its own and takes the way of all messages. Its answer goes to the
 * batch, which is a stream to it; what is sent before the answer passes through to the real one.
 * The requests hang in the list of the real stream, so that ids, cancellation and the end of the
 * connection find them there. Once every element has had its end the answers leave as one array.
 */
#include "protocol/internal.h"
#include "util/alloc.h"

/* What is kept free for each answer still to come, so that an error always fits: its id is 1 KiB at
 * most, its text GN_ERROR_MAX before it is escaped. */
#define MIN_ANSWER 8192u

#define FRAME 4u /* room for brackets and the comma */

#define GN_BATCH_MAGIC 0xba7c4001u
struct gn_batch {
    uint32_t magic;
    struct gn_stream stream; /* what its requests see */
    struct gn_stream *real;  /* NULL once the client is gone */
    struct gn_buf answers;   /* the array, not closed yet */
    uint32_t waiting;        /* elements that have not ended, and one while they are given out */
    int status;              /* of all answers if they have the same, else 200; 0: none yet */
    bool has_dropped;        /* a request has ended without an answer */
};

static struct gn_batch *batch_of(struct gn_stream *s)
{
    struct gn_batch *b = GN_CONTAINER(s, struct gn_batch, stream);
    GN_CHECK(b, GN_BATCH_MAGIC);
    return b;
}

static void batch_free(struct gn_batch *b)
{
    gn_buf_release(&b->answers);
    b->magic = 0;
    gn_free(b);
}

/* Nothing to say: as one request that was dropped ends, or one notification. */
static void end_empty(struct gn_stream *s, bool has_dropped)
{
    if (s->shared)
        return;
    bool streams = has_dropped && s->ops->open && s->ops->open(s) == 0;
    s->ops->end(s, streams ? 200 : 202, NULL, 0);
}

/* One element less to wait for; with the last one the batch ends. */
static void count_down(struct gn_batch *b)
{
    gn_assert(b->waiting > 0);
    if (--b->waiting > 0)
        return;
    struct gn_stream *s = b->real;
    bool has_dropped = b->has_dropped;
    int status = b->status;
    struct gn_buf answers = b->answers;
    b->answers = GN_BUF_INIT(0);
    batch_free(b); /* before anything is sent: it may call back */
    if (s && answers.len) {
        gn_buf_addc(&answers, ']');
        gn_assert(!answers.overflow);
        s->ops->end(s, status, gn_buf_str(&answers), answers.len);
    } else if (s) {
        end_empty(s, has_dropped);
    }
    gn_buf_release(&answers);
}

/* ---------------------------------------------------------------- the stream of its requests */

static int on_send(struct gn_stream *s, const char *json, size_t len, enum gn_weight weight)
{
    struct gn_stream *real = batch_of(s)->real;
    return real ? real->ops->send(real, json, len, weight) : GN_EPIPE;
}

static void on_end(struct gn_stream *s, int status, const char *json, size_t len)
{
    struct gn_batch *b = batch_of(s);
    if (json) {
        gn_assert(len <= gn_batch_room(s));
        gn_buf_addc(&b->answers, b->answers.len ? ',' : '[');
        gn_buf_add(&b->answers, json, len);
        b->status = b->status == 0 || b->status == status ? status : 200;
    }
    count_down(b);
}

static const char *on_header(struct gn_stream *s, const char *name)
{
    struct gn_stream *real = batch_of(s)->real;
    return real && real->ops->header ? real->ops->header(real, name) : NULL;
}

/* Asked for by a request that ends without an answer; whether the answer of the batch has to be a
 * stream is known at its end. */
static int on_open(struct gn_stream *s)
{
    batch_of(s)->has_dropped = true;
    return 0;
}

static const struct gn_stream_ops batch_ops = {
    .send = on_send, .end = on_end, .header = on_header, .open = on_open};

/* ---------------------------------------------------------------- */

size_t gn_batch_room(const struct gn_stream *s)
{
    if (!s || s->ops != &batch_ops)
        return GN_REPLY_MAX;
    const struct gn_batch *b = GN_CONTAINER(s, struct gn_batch, stream);
    size_t others = (b->waiting - 1) * (size_t)MIN_ANSWER;
    return b->answers.max - b->answers.len - others - FRAME;
}

void gn_batch_lost(struct gn_stream *s)
{
    struct gn_batch *b = batch_of(s);
    b->real = NULL;
    count_down(b);
}

/* A copy, since it outlives the array: calls keep their message. False: too large, which what has
 * been parsed once is not. */
static bool copy_element(struct gn_json_doc *doc, const gantry_json *element, size_t max)
{
    struct gn_buf text = GN_BUF_INIT(max);
    *doc = (struct gn_json_doc){0};
    bool ok = gn_json_write(&text, element) == 0;
    if (ok) {
        size_t len;
        char *bytes = gn_buf_take(&text, &len);
        struct gn_json_limits limits = {.max_depth = GN_JSON_MAX_DEPTH};
        ok = gn_json_parse(doc, bytes, len, &limits, NULL) == 0;
        if (ok) {
            doc->text = bytes;
            doc->own_text = true;
        } else {
            gn_free(bytes);
        }
    }
    gn_buf_release(&text);
    return ok;
}

static void give_out(struct gn_protocol *p, struct gn_batch *b, struct gn_session *session,
                     const gantry_json *element, size_t max)
{
    struct gn_json_doc doc;
    if (!b->real)
        count_down(b); /* the client went away meanwhile */
    else if (!copy_element(&doc, element, max))
        gn_stream_error(&b->stream, 500, GN_RPC_INTERNAL_ERROR, NULL, "the message is too large");
    else
        gn_protocol_receive_element(p, &b->stream, b->real, session, &doc);
}

/* Why it is refused as a whole, owned by the caller; NULL: it is not. */
static char *batch_problem(const struct gn_session *session, const gantry_json *array)
{
    if (!session || session->revision != GN_REV_2025_03_26)
        return gn_strdup("invalid message: expected an object, found an array "
                         "(a batch needs a session of revision 2025-03-26)");
    if (gn_json_count(array) == 0)
        return gn_strdup("the batch is empty");
    if (gn_json_count(array) > GN_BATCH_MAX)
        return gn_format("the batch has %zu messages, %d is the maximum", gn_json_count(array),
                         GN_BATCH_MAX);
    return NULL;
}

void gn_batch_receive(struct gn_protocol *p, struct gn_stream *real, struct gn_session *session,
                      const gantry_json *array, size_t len)
{
    GN_AUTO_FREE char *problem = batch_problem(session, array);
    if (problem) {
        gn_stream_error(real, 400, GN_RPC_INVALID_REQUEST, NULL, problem);
        return;
    }
    struct gn_batch *b = gn_calloc(1, sizeof *b);
    b->magic = GN_BATCH_MAGIC;
    gn_stream_init(&b->stream, &batch_ops, false, real->transport);
    b->stream.principal = real->principal;
    b->real = real;
    gn_buf_init(&b->answers, GN_REPLY_MAX);
    b->waiting = (uint32_t)gn_json_count(array) + 1;
    gn_session_ref(session); /* an element may make the client's end known */
    /* An escape may be written longer than it was read: six bytes for one at most. */
    for (const gantry_json *v = gn_json_next(array, NULL); v; v = gn_json_next(array, v))
        give_out(p, b, session, v, 6 * len + 1);
    count_down(b);
    gn_session_unref(session);
}
