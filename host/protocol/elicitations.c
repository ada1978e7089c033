/* elicitations.c - what a person does at a URL, as clients of 2025-11-25 know it: by an id, whose
 * end they are told of.
 *
 * An id belongs to the session that was told it and to the instance whose code asked. It is
 * forgotten when it has ended, with its session, after an hour, or as the oldest of too many.
 */
#include "protocol/internal.h"
#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"

#define IDS_MAX 10000
#define IDS_PER_SESSION 64
#define MAX_AGE_MS (UINT64_C(60) * 60 * 1000)
#define MAX_MESSAGE 1024

struct elicitation {
    struct gn_list node, session_node; /* in all / in session->elicitations */
    struct gn_session *session;
    char *id, *instance;
    uint64_t since_ms;
};

static void forget(struct gn_url_table *t, struct elicitation *e)
{
    gn_map_remove(&t->by_id, e->id);
    gn_list_remove(&e->node);
    gn_list_remove(&e->session_node);
    t->count--;
    gn_free(e->id);
    gn_free(e->instance);
    gn_free(e);
}

static void make_room(struct gn_url_table *t, const struct gn_session *s)
{
    uint64_t now = gn_clock_ms();
    uint32_t own = 0;
    while (!gn_list_empty(&t->all)) {
        struct elicitation *oldest = GN_CONTAINER(t->all.next, struct elicitation, node);
        if (t->count < IDS_MAX && now - oldest->since_ms < MAX_AGE_MS)
            break;
        forget(t, oldest);
    }
    GN_LIST_EACH(&s->elicitations, n)
        own++;
    if (own >= IDS_PER_SESSION)
        forget(t, GN_CONTAINER(s->elicitations.next, struct elicitation, session_node));
}

static void add(struct gn_elicitations *base, const struct gn_call *root, const char *instance,
                const char *id)
{
    struct gn_url_table *t = GN_CONTAINER(base, struct gn_url_table, base);
    if (!root->ops || root->ops->ask != gn_request_ask)
        return;
    struct gn_request *r = root->ops_data;
    GN_CHECK(r, GN_REQUEST_MAGIC);
    if (!r->session || r->session->gone || gn_map_find(&t->by_id, id))
        return;
    make_room(t, r->session);
    struct elicitation *e = gn_calloc(1, sizeof *e);
    e->session = r->session;
    e->id = gn_strdup(id);
    e->instance = gn_strdup(instance);
    e->since_ms = gn_clock_ms();
    gn_map_put(&t->by_id, id, e);
    gn_list_append(&t->all, &e->node);
    gn_list_append(&r->session->elicitations, &e->session_node);
    t->count++;
}

static void send_complete(struct gn_session *s, const char *id)
{
    struct gn_buf params = GN_BUF_INIT(MAX_MESSAGE), message = GN_BUF_INIT(MAX_MESSAGE);
    struct gn_jw w;
    gn_jw_init(&w, &params);
    gn_jw_object(&w, NULL);
    gn_jw_str(&w, "elicitationId", id);
    gn_jw_end(&w);
    gn_jsonrpc_write_notification(&message, "notifications/elicitation/complete",
                                  gn_buf_str(&params));
    (void)gn_session_send(s, gn_buf_str(&message), message.len, GN_SHOULD);
    gn_buf_release(&params);
    gn_buf_release(&message);
}

static int end(struct gn_elicitations *base, const char *instance, const char *id, bool tell)
{
    struct gn_url_table *t = GN_CONTAINER(base, struct gn_url_table, base);
    struct elicitation *e = gn_map_find(&t->by_id, id);
    if (!e || !gn_streq(e->instance, instance))
        return GN_ENOENT;
    if (tell)
        send_complete(e->session, e->id);
    forget(t, e);
    return GN_OK;
}

void gn_session_forget_urls(struct gn_session *s)
{
    while (!gn_list_empty(&s->elicitations))
        forget(&s->p->urls, GN_CONTAINER(s->elicitations.next, struct elicitation, session_node));
}

void gn_url_table_init(struct gn_url_table *t)
{
    t->base = (struct gn_elicitations){.add = add, .end = end};
    gn_map_init(&t->by_id);
    gn_list_init(&t->all);
}

void gn_url_table_release(struct gn_url_table *t)
{
    while (!gn_list_empty(&t->all))
        forget(t, GN_CONTAINER(t->all.next, struct elicitation, node));
    gn_map_release(&t->by_id, NULL);
}
