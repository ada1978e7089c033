/* listen.c - what a client wants to be told of: changes of lists and of resources, and its tasks.
 *
 * The wishes outlive connections and eras. In the handshake era each resource is subscribed to by
 * itself, and again after a reconnection; in the stateless era one stream is opened for all that is
 * wanted (subscription.c). What may have changed while nobody listened is told as changed.
 */
#include "listen.h"

#include "util/alloc.h"
#include "util/str.h"
#include "wire/meta.h"

#include <string.h>

#define URIS_MAX 4096
#define TASKS_MAX 4096

/* A list that may change: what the server says of it. */
static const struct {
    gantry_list_kind kind;
    const char *capability;
} lists[] = {
    {GANTRY_LIST_TOOLS, "tools/listChanged"},
    {GANTRY_LIST_PROMPTS, "prompts/listChanged"},
    {GANTRY_LIST_RESOURCES, "resources/listChanged"},
};

static struct gn_listen *listen_of(gantry_client *c)
{
    if (!c->listen) {
        c->listen = gn_calloc(1, sizeof(*c->listen));
        c->listen->client = c;
        c->listen->wishes = 1;
        gn_map_init(&c->listen->uris);
        gn_map_init(&c->listen->tasks);
        gn_map_init(&c->listen->told);
        c->listen->hears = c->revision != GN_REV_NONE && !gn_client_is_stateless(c);
    }
    return c->listen;
}

uint32_t gn_listen_lists(const gantry_client *c)
{
    uint32_t bits = 0;
    for (size_t i = 0; c->s.handlers.on_list_changed && i < GN_COUNT(lists); i++) {
        if (gn_client_server_can(c, lists[i].capability))
            bits |= 1U << lists[i].kind;
    }
    return bits;
}

static void add_uri(struct gn_listen *l, const char *uri)
{
    if (gn_map_find(&l->uris, uri))
        return;
    struct gn_wish *w = gn_calloc(1, sizeof(*w));
    w->since = ++l->wishes;
    gn_map_put(&l->uris, uri, w);
}

void gn_listen_drop(struct gn_listen *l, const char *uri)
{
    gn_free(gn_map_remove(&l->uris, uri));
}

/* ---------------------------------------------------------------- requests that wait */

/* Those that wait for these wishes or older ones; uri NULL: of any resource. */
static bool waits(const gantry_request *r, uint64_t wishes, const char *uri)
{
    return r->listens && r->listens <= wishes && r->state == GN_REQUEST_ASKING &&
           (!uri || gn_streq(r->name, uri));
}

void gn_listen_end_waiting(struct gn_listen *l, uint64_t wishes)
{
    GN_LIST_EACH(&l->client->requests, n) {
        gantry_request *r = GN_CONTAINER(n, gantry_request, node);
        if (waits(r, wishes, NULL))
            gn_request_end_empty(r);
    }
}

void gn_listen_fail_waiting(struct gn_listen *l, uint64_t wishes, const gantry_request *failed)
{
    GN_LIST_EACH(&l->client->requests, n) {
        gantry_request *r = GN_CONTAINER(n, gantry_request, node);
        if (!waits(r, wishes, NULL))
            continue;
        if (gn_streq(r->method, "resources/subscribe"))
            gn_listen_drop(l, r->name);
        r->error_code = failed->error_code;
        r->http_status = failed->http_status;
        gn_request_end(r, failed->status, "%s", gantry_request_message(failed));
    }
}

void gn_listen_refuse(struct gn_listen *l, const char *uri)
{
    GN_LIST_EACH(&l->client->requests, n) {
        gantry_request *r = GN_CONTAINER(n, gantry_request, node);
        if (waits(r, UINT64_MAX, uri))
            gn_request_end(r, GANTRY_CLIENT_UNSUPPORTED,
                           "the server does not tell of changes of %.200s",
                           uri ? uri : "resources");
    }
}

/* Its connection is gone: they wait for another one. */
static void wait_again(gantry_client *c)
{
    GN_LIST_EACH(&c->requests, n) {
        gantry_request *r = GN_CONTAINER(n, gantry_request, node);
        if (!waits(r, UINT64_MAX, NULL))
            continue;
        r->listens = 0;
        r->state = GN_REQUEST_WAITING;
        gn_list_append(&c->waiting, &r->in_queue);
    }
}

/* ---------------------------------------------------------------- what nobody has told */

/* The handlers may change the wishes. */
static char **copy_uris(const struct gn_listen *l)
{
    char **uris = gn_calloc(l->uris.count + 1, sizeof(char *));
    const char *uri;
    size_t at = 0, count = 0;
    while (gn_map_next(&l->uris, &at, &uri, NULL))
        uris[count++] = gn_strdup(uri);
    return uris;
}

void gn_listen_tell_gap(struct gn_listen *l)
{
    gantry_client *c = l->client;
    uint32_t bits = gn_listen_lists(c) & ~l->not_told;
    char **uris = copy_uris(l);
    l->has_gap = false;
    gn_cache_clear(c);
    for (size_t i = 0; i < GN_COUNT(lists) && !c->is_closing; i++) {
        if (bits & (1U << lists[i].kind))
            c->s.handlers.on_list_changed(c, lists[i].kind, c->s.arg);
    }
    for (char **uri = uris; *uri && !c->is_closing; uri++) {
        if (c->s.handlers.on_resource_updated && gn_map_find(&l->uris, *uri))
            c->s.handlers.on_resource_updated(c, *uri, c->s.arg);
    }
    gn_texts_free(uris);
}

/* ---------------------------------------------------------------- the handshake era */

static void on_subscribed_again(gantry_request *r, void *arg)
{
    gantry_client *c = arg;
    if (r->status != GANTRY_CLIENT_OK && !c->is_closing)
        gn_client_note(c, "not subscribed again: %s", gantry_request_message(r));
}

static void subscribe_again(struct gn_listen *l)
{
    gantry_client *c = l->client;
    char **uris = copy_uris(l);
    for (char **uri = uris; *uri && c->state == GANTRY_STATE_READY; uri++) {
        struct gn_buf params = GN_BUF_INIT(c->s.max_message);
        gn_buf_adds(&params, "{\"uri\":");
        gn_json_write_str(&params, *uri, strlen(*uri));
        gn_buf_addc(&params, '}');
        gn_request_internal(c, "resources/subscribe", gn_buf_str(&params), 0, on_subscribed_again,
                            c);
        gn_buf_release(&params);
    }
    gn_texts_free(uris);
}

/* ---------------------------------------------------------------- connections */

void gn_listen_ready(gantry_client *c)
{
    if (!c->listen && !c->s.handlers.on_list_changed)
        return;
    struct gn_listen *l = listen_of(c);
    l->failures = 0;
    l->refused = 0;
    l->not_told = 0;
    if (gn_client_is_stateless(c)) {
        gn_subscription_update_later(l, 0);
        return;
    }
    l->hears = true;
    subscribe_again(l);
    if (l->has_gap)
        gn_listen_tell_gap(l);
}

void gn_listen_lost(gantry_client *c)
{
    struct gn_listen *l = c->listen;
    if (!l)
        return;
    l->has_gap = l->has_gap || l->hears;
    l->hears = false;
    gn_subscription_lost(l);
    wait_again(c);
}

void gn_listen_free(gantry_client *c)
{
    struct gn_listen *l = c->listen;
    if (!l)
        return;
    gn_subscription_lost(l);
    gn_map_release(&l->uris, gn_free);
    gn_map_release(&l->tasks, NULL);
    gn_map_release(&l->told, NULL);
    gn_free(l);
    c->listen = NULL;
}

bool gn_listen_wants(const gantry_client *c)
{
    const struct gn_listen *l = c->listen;
    if (!l)
        return false;
    return l->uris.count > 0 || l->tasks.count > 0 || gn_listen_lists(c);
}

/* ---------------------------------------------------------------- tasks */

void gn_listen_task(gantry_client *c, const char *task_id, bool is_wanted)
{
    if (!is_wanted && !c->listen)
        return;
    struct gn_listen *l = listen_of(c);
    uintptr_t count = (uintptr_t)gn_map_find(&l->tasks, task_id);
    if ((!is_wanted && count == 0) || (count == 0 && l->tasks.count >= TASKS_MAX))
        return; /* they are looked at now and then, whatever is told */
    count = is_wanted ? count + 1 : count - 1;
    if (count == 0)
        gn_map_remove(&l->tasks, task_id);
    else if (!gn_map_put(&l->tasks, task_id, (void *)count))
        l->changed = ++l->wishes;
    if (count == 0)
        l->changed = ++l->wishes;
    gn_subscription_update_later(l, 0);
}

/* ---------------------------------------------------------------- interface */

/* Just before it would be sent. In the stateless era it waits for a stream that has it. */
static bool before_subscribe(gantry_request *r)
{
    gantry_client *c = r->client;
    struct gn_listen *l = listen_of(c);
    if (!gn_client_server_can(c, "resources/subscribe")) {
        gn_request_end(r, GANTRY_CLIENT_UNSUPPORTED,
                       "the server does not tell of changes of resources");
        return true;
    }
    if (l->uris.count >= URIS_MAX && !gn_map_find(&l->uris, r->name)) {
        gn_request_end(r, GANTRY_CLIENT_LIMIT, "%d resources are subscribed to already", URIS_MAX);
        return true;
    }
    if (!gn_client_is_stateless(c))
        return false;
    add_uri(l, r->name);
    const struct gn_wish *w = gn_map_find(&l->uris, r->name);
    if (gn_subscription_has(l, w->since)) {
        gn_request_end_empty(r);
        return true;
    }
    r->listens = w->since;
    r->state = GN_REQUEST_ASKING;
    gn_subscription_update_later(l, 0);
    return true;
}

static bool before_unsubscribe(gantry_request *r)
{
    gantry_client *c = r->client;
    struct gn_listen *l = listen_of(c);
    bool was_wanted = gn_map_find(&l->uris, r->name) != NULL;
    gn_listen_drop(l, r->name);
    if (!gn_client_is_stateless(c))
        return false;
    if (!was_wanted) {
        gn_request_end_empty(r);
        return true;
    }
    r->listens = l->changed = ++l->wishes;
    r->state = GN_REQUEST_ASKING;
    gn_subscription_update_later(l, 0);
    return true;
}

void gn_listen_answered(gantry_request *r)
{
    if (r->before == before_subscribe)
        add_uri(listen_of(r->client), r->name);
}

static gantry_request *start(gantry_client *c, const char *method, const char *uri,
                             bool (*before)(gantry_request *r),
                             const gantry_request_options *options)
{
    struct gn_buf params = GN_BUF_INIT(c->s.max_message);
    gn_buf_adds(&params, "{\"uri\":");
    gn_json_write_str(&params, uri ? uri : "", uri ? strlen(uri) : 0);
    gn_buf_addc(&params, '}');
    gantry_request *r = gn_request_new(c, method, gn_buf_str(&params), options);
    gn_buf_release(&params);
    if (!uri || !*uri)
        gn_request_end(r, GANTRY_CLIENT_INVALID, "%s needs the URI of a resource", method);
    gn_free(r->name);
    r->name = gn_strdup(uri);
    r->before = before;
    gn_request_start(r);
    return r;
}

gantry_request *gantry_client_subscribe(gantry_client *client, const char *uri,
                                        const gantry_request_options *options)
{
    return start(client, "resources/subscribe", uri, before_subscribe, options);
}

gantry_request *gantry_client_unsubscribe(gantry_client *client, const char *uri,
                                          const gantry_request_options *options)
{
    return start(client, "resources/unsubscribe", uri, before_unsubscribe, options);
}
