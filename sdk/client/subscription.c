/* subscription.c - the streams on which the stateless era tells of changes
 * (2026-07-28 "Subscriptions").
 *
 * There is one, subscriptions/listen with a filter of all that is wanted. Other wishes need another
 * one, and the one before is closed only when that has been acknowledged. Over HTTP each has a
 * connection of its own, so what was told on the old one may come a moment later: it is heard a
 * little longer, and what both tell is told once. Where all share one stream, what is only added
 * gets a subscription of its own and nothing is closed: there are servers that know only one of a
 * kind for each connection, and forget the new one with the old. A stream that the server ends, or
 * that breaks, is opened again, with growing pauses.
 */
#include "listen.h"

#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"
#include "wire/meta.h"

#include <string.h>

#define ACKNOWLEDGE_MS 60000 /* at most; the client's timeout, if that is shorter */
#define LINGER_MS 100        /* an old one is heard so long */
#define LASTED_MS 10000      /* one that lasted so long was no failure */
#define TOLD_MAX 1024

struct gn_subscription {
    gantry_request *request; /* NULL while it is sent */
    int64_t id;
    uint64_t wishes;              /* gn_listen.wishes when it was sent */
    uint64_t since_ms;            /* gn_clock_ms() */
    bool is_addition;             /* to what is open */
    struct gn_client_timer timer; /* until it is acknowledged; of an old one: closed */
};

static const struct {
    gantry_list_kind kind;
    const char *filter;
} lists[] = {
    {GANTRY_LIST_TOOLS, "toolsListChanged"},
    {GANTRY_LIST_PROMPTS, "promptsListChanged"},
    {GANTRY_LIST_RESOURCES, "resourcesListChanged"},
};

static void update(struct gn_listen *l);

/* ---------------------------------------------------------------- the end of one */

/* Whatever becomes of its request, nobody is told. */
static void forget(struct gn_subscription **at, bool cancels)
{
    struct gn_subscription *s = *at;
    *at = NULL;
    if (!s)
        return;
    gn_client_timer_stop(&s->timer);
    gantry_request *r = s->request;
    gn_free(s);
    if (!r)
        return;
    r->internal_done = NULL;
    if (cancels)
        gantry_request_cancel(r, NULL);
}

static void forget_old(struct gn_listen *l)
{
    gn_map_release(&l->told, NULL);
    gn_map_init(&l->told);
    forget(&l->old, true);
}

static void on_lingered(struct gn_client_timer *timer)
{
    forget_old(timer->client->listen);
}

static void forget_also(struct gn_listen *l, bool cancels)
{
    for (size_t i = 0; i < GN_LISTEN_ALSO; i++)
        forget(&l->also[i], cancels);
}

/* The place for one more; NULL if there is none. */
static struct gn_subscription **free_also(struct gn_listen *l)
{
    for (size_t i = 0; i < GN_LISTEN_ALSO; i++) {
        if (!l->also[i])
            return &l->also[i];
    }
    return NULL;
}

/* The new one has been acknowledged. Where all share one stream, what the old ones tell from now on
 * the new one tells, too. */
static void retire(struct gn_listen *l)
{
    gantry_client *c = l->client;
    struct gn_subscription **also = free_also(l);
    if (l->next->is_addition && also) {
        *also = l->next;
        l->next = NULL;
        return;
    }
    forget_old(l);
    l->old = l->now;
    l->now = l->next;
    l->next = NULL;
    forget_also(l, true);
    if (!l->old)
        return;
    if (c->link && c->link->ops->has_exchanges)
        gn_client_timer_start(c, &l->old->timer, LINGER_MS, on_lingered);
    else
        forget_old(l);
}

void gn_subscription_lost(struct gn_listen *l)
{
    gn_client_timer_stop(&l->change);
    forget(&l->now, false);
    forget(&l->next, false);
    forget(&l->old, false);
    forget_also(l, false);
    gn_map_release(&l->told, NULL);
    gn_map_init(&l->told);
    l->agreed = 0;
}

/* All that are heard, in the order of ALL_MAX; some may be NULL. */
#define ALL_MAX (3 + GN_LISTEN_ALSO)
static struct gn_subscription **at(struct gn_listen *l, size_t i)
{
    struct gn_subscription **first[] = {&l->next, &l->old, &l->now};
    return i < GN_COUNT(first) ? first[i] : &l->also[i - GN_COUNT(first)];
}

static struct gn_subscription **find(struct gn_listen *l, int64_t id)
{
    for (size_t i = 0; i < ALL_MAX; i++) {
        if (*at(l, i) && (*at(l, i))->request && (*at(l, i))->id == id)
            return at(l, i);
    }
    return NULL;
}

/* ---------------------------------------------------------------- what went wrong */

static bool is_passing(const gantry_request *r)
{
    return r->status == GANTRY_CLIENT_CONNECTION || r->status == GANTRY_CLIENT_TIMEOUT ||
           r->status == GANTRY_CLIENT_OK;
}

/* It was never acknowledged. */
static void refused(struct gn_listen *l, const gantry_request *r, uint64_t wishes)
{
    gantry_client *c = l->client;
    uint64_t before = l->uris.count;
    l->failures++;
    if (is_passing(r) || (r->status == GANTRY_CLIENT_ERROR && l->failures <= c->s.retries &&
                          r->error_code != GN_RPC_METHOD_NOT_FOUND)) {
        if (!is_passing(r))
            gn_listen_fail_waiting(l, wishes, r);
        gn_subscription_update_later(l, gn_client_backoff(c, l->failures));
    } else {
        gn_listen_fail_waiting(l, wishes, r);
        l->refused = wishes;
        gn_subscription_update_later(l, 0); /* there may be newer wishes */
    }
    if (l->uris.count != before)
        l->wishes++;
    gn_client_note(c, "no subscription: %s",
                   r->status == GANTRY_CLIENT_OK ? "the server ended it at once"
                                                 : gantry_request_message(r));
}

static void ended(struct gn_listen *l, const gantry_request *r, uint64_t since_ms)
{
    gantry_client *c = l->client;
    if (gn_clock_ms() - since_ms > LASTED_MS)
        l->failures = 0;
    l->failures++;
    l->has_gap = true;
    l->hears = false;
    l->changed = ++l->wishes; /* one for all again */
    gn_subscription_update_later(l, gn_client_backoff(c, l->failures));
    gn_client_note(c, "the subscription ended%s%s; it is opened again",
                   r->status == GANTRY_CLIENT_OK ? "" : ": ", gantry_request_message(r));
}

static void on_done(gantry_request *r, void *arg)
{
    gantry_client *c = arg;
    struct gn_listen *l = c->listen;
    struct gn_subscription **s = NULL;
    for (size_t i = 0; l && i < ALL_MAX; i++) {
        if (*at(l, i) && (*at(l, i))->request == r)
            s = at(l, i);
    }
    if (!s || c->is_closing)
        return;
    uint64_t wishes = (*s)->wishes, since = (*s)->since_ms;
    bool is_next = s == &l->next, is_old = s == &l->old;
    forget(s, false);
    if (is_next)
        refused(l, r, wishes);
    else if (!is_old)
        ended(l, r, since);
}

static void on_not_acknowledged(struct gn_client_timer *timer)
{
    struct gn_listen *l = timer->client->listen;
    gn_request_end(l->next->request, GANTRY_CLIENT_TIMEOUT,
                   "%s: subscriptions/listen was not acknowledged in time", timer->client->s.shown);
}

/* ---------------------------------------------------------------- opening one */

/* Those that were wished for after `since`, if they are wishes. */
static void write_uris(struct gn_jw *w, const struct gn_listen *l, uint64_t since)
{
    const char *key;
    void *value;
    size_t i = 0;
    gn_jw_array(w, "resourceSubscriptions");
    while (gn_map_next(&l->uris, &i, &key, &value)) {
        if (((const struct gn_wish *)value)->since > since)
            gn_jw_str(w, NULL, key);
    }
    gn_jw_end(w);
}

static bool has_uris(const struct gn_listen *l, uint64_t since)
{
    void *value;
    size_t i = 0;
    bool has_some = false;
    while (!has_some && gn_map_next(&l->uris, &i, NULL, &value))
        has_some = ((const struct gn_wish *)value)->since > since;
    return has_some && gn_client_server_can(l->client, "resources/subscribe");
}

static void write_tasks(struct gn_jw *w, const struct gn_listen *l)
{
    const char *key;
    size_t i = 0;
    gn_jw_array(w, "taskIds");
    while (gn_map_next(&l->tasks, &i, &key, NULL))
        gn_jw_str(w, NULL, key);
    gn_jw_end(w);
}

static bool tells_tasks(const gantry_client *c)
{
    return gantry_read(c->server, "/capabilities/extensions/io.modelcontextprotocol~1tasks") !=
           NULL;
}

/* Of all that is wanted, or of what has been added to what is open. False if there is nothing. */
static bool write_filter(const struct gn_listen *l, bool is_addition, struct gn_buf *out)
{
    const gantry_client *c = l->client;
    uint32_t bits = is_addition ? 0 : gn_listen_lists(c);
    uint64_t since = is_addition ? l->agreed : 0;
    bool uris = has_uris(l, since), tasks = !is_addition && l->tasks.count > 0 && tells_tasks(c);
    struct gn_jw w;
    gn_jw_init(&w, out);
    gn_jw_object(&w, NULL);
    gn_jw_object(&w, "notifications");
    for (size_t i = 0; i < GN_COUNT(lists); i++) {
        if (bits & (1U << lists[i].kind))
            gn_jw_bool(&w, lists[i].filter, true);
    }
    if (uris)
        write_uris(&w, l, since);
    if (tasks)
        write_tasks(&w, l);
    gn_jw_end(&w);
    gn_jw_end(&w);
    return bits || uris || tasks;
}

/* Handlers that are told of the message may change the wishes, but open nothing. */
static void open_next(struct gn_listen *l, bool is_addition, const char *params)
{
    gantry_client *c = l->client;
    uint32_t timeout = GN_MIN(c->s.timeout_ms, (uint32_t)ACKNOWLEDGE_MS);
    struct gn_subscription *s = gn_calloc(1, sizeof(*s));
    s->wishes = l->wishes;
    s->is_addition = is_addition;
    l->next = s;
    gantry_request *r = gn_request_internal(c, "subscriptions/listen", params, GANTRY_CLIENT_NONE,
                                            on_done, c);
    if (l->next != s)
        return; /* the connection is gone */
    s->request = r;
    s->id = r->id;
    s->since_ms = gn_clock_ms();
    gn_client_timer_start(c, &s->timer, timeout, on_not_acknowledged);
}

/* Nothing is wanted that is not open. */
static void settle(struct gn_listen *l, bool is_addition)
{
    l->agreed = l->wishes;
    gn_listen_end_waiting(l, l->wishes);
    if (is_addition)
        return;
    l->has_gap = l->hears = false;
    forget_old(l);
    forget_also(l, true);
    forget(&l->now, true);
}

static void update(struct gn_listen *l)
{
    gantry_client *c = l->client;
    struct gn_buf params = GN_BUF_INIT(c->s.max_message);
    if (c->state != GANTRY_STATE_READY || !c->link || !gn_client_is_stateless(c) || l->next ||
        l->refused == l->wishes)
        return;
    bool is_addition = l->now && l->changed <= l->agreed &&
                       (l->agreed == l->wishes || (!c->link->ops->has_exchanges && free_also(l)));
    if (write_filter(l, is_addition, &params))
        open_next(l, is_addition, gn_buf_str(&params));
    else
        settle(l, is_addition);
    gn_buf_release(&params);
}

static void on_change(struct gn_client_timer *timer)
{
    update(timer->client->listen);
}

void gn_subscription_update_later(struct gn_listen *l, uint64_t delay_ms)
{
    if (!l->client->is_closing && !gn_client_timer_runs(&l->change))
        gn_client_timer_start(l->client, &l->change, delay_ms, on_change);
}

bool gn_subscription_has(const struct gn_listen *l, uint64_t since)
{
    return l->now && l->agreed >= since;
}

/* ---------------------------------------------------------------- what it tells */

/* What we asked for and are not told of is noted, and resources of that kind are given up. */
static void check_lists(struct gn_listen *l, const gantry_json *filter)
{
    uint32_t bits = gn_listen_lists(l->client);
    for (size_t i = 0; i < GN_COUNT(lists); i++) {
        bool told = false;
        uint32_t bit = 1U << lists[i].kind;
        gn_json_bool(gn_json_get(filter, lists[i].filter), &told);
        if (!(bits & bit) || told || (l->not_told & bit))
            continue;
        l->not_told |= bit;
        gn_client_note(l->client, "the server does not agree to tell of %s", lists[i].filter);
    }
}

/* Of wishes after `since`, up to `wishes`. */
static void check_uris(struct gn_listen *l, const gantry_json *filter, uint64_t since,
                       uint64_t wishes)
{
    const gantry_json *uri = NULL, *agreed = gn_json_get(filter, "resourceSubscriptions");
    struct gn_map known;
    const char *key;
    void *value;
    size_t i = 0, count = 0;
    gn_map_init(&known);
    while ((uri = gn_json_next(agreed, uri))) {
        if (gn_json_cstr(uri))
            gn_map_put(&known, gn_json_cstr(uri), l);
    }
    while (gn_map_next(&l->uris, &i, &key, &value)) {
        const struct gn_wish *wish = value;
        if (wish->since <= since || wish->since > wishes || gn_map_find(&known, key))
            continue;
        GN_AUTO_FREE char *copy = gn_strdup(key);
        gn_listen_refuse(l, copy);
        gn_listen_drop(l, copy);
        count++;
    }
    gn_map_release(&known, NULL);
    if (count)
        gn_client_note(l->client, "the server does not agree to tell of %zu resources", count);
}

static void acknowledged(struct gn_listen *l, const gantry_json *params)
{
    const gantry_json *filter = gn_json_get(params, "notifications");
    bool is_addition = l->next->is_addition;
    uint64_t wishes = l->next->wishes, since = is_addition ? l->agreed : 0;
    gn_client_timer_stop(&l->next->timer);
    l->agreed = wishes;
    l->hears = true;
    retire(l);
    if (gn_json_type(filter) == GN_JSON_OBJECT) {
        if (!is_addition)
            check_lists(l, filter);
        check_uris(l, filter, since, wishes);
    }
    gn_listen_end_waiting(l, wishes);
    gn_subscription_update_later(l, 0);
    if (l->has_gap)
        gn_listen_tell_gap(l);
}

/* While there are two: true if the other one has told it already. */
static bool is_told(struct gn_listen *l, bool by_old, const struct gn_jsonrpc *m)
{
    const char *uri = gn_json_cstr(gn_json_get(m->params, "uri"));
    if (!l->old || gn_streq(m->method, "notifications/tasks"))
        return false;
    GN_AUTO_FREE char *mine = gn_format("%s %s %s", by_old ? "old" : "now", m->method,
                                        uri ? uri : "");
    GN_AUTO_FREE char *others = gn_format("%s %s %s", by_old ? "now" : "old", m->method,
                                          uri ? uri : "");
    if (gn_map_remove(&l->told, others))
        return true;
    if (l->told.count < TOLD_MAX)
        gn_map_put(&l->told, mine, l);
    return false;
}

/* The server ends one where all share a stream: an answer may follow, or not. */
static bool is_cancelled(struct gn_listen *l, const struct gn_jsonrpc *m)
{
    int64_t id;
    bool has_id = gn_json_int(gn_json_get(m->params, "requestId"), &id);
    struct gn_subscription **s = has_id ? find(l, id) : NULL;
    if (!s)
        return false;
    gantry_request *r = (*s)->request;
    gn_request_let_go(r, false, NULL);
    gn_request_end(r, GANTRY_CLIENT_CONNECTION, "the server cancelled it");
    return true;
}

bool gn_listen_received(gantry_client *c, const struct gn_jsonrpc *m)
{
    struct gn_listen *l = c->listen;
    const gantry_json *meta = gn_json_get(m->params, GN_META);
    int64_t id;
    if (gn_streq(m->method, "notifications/cancelled"))
        return l && is_cancelled(l, m);
    if (!gn_json_int(gn_json_get(meta, GN_META_SUBSCRIPTION_ID), &id))
        return false;
    struct gn_subscription **s = l ? find(l, id) : NULL;
    if (gn_streq(m->method, "notifications/subscriptions/acknowledged")) {
        if (s && s == &l->next)
            acknowledged(l, m->params);
        return true;
    }
    return !s || (s != &l->next && is_told(l, s == &l->old, m));
}
