/* events.c - the store of events of a session, and the ids of events. */
#include "protocol/events.h"

#include "util/alloc.h"
#include "util/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LISTENERS 'g'
#define REQUESTS 'p'

static size_t size_of(const struct gn_event *event)
{
    return sizeof *event + event->len + 1;
}

static void drop(struct gn_event *event)
{
    struct gn_events *e = event->store;
    e->count--;
    e->bytes -= size_of(event);
    e->pool->bytes -= size_of(event);
    gn_list_remove(&event->node);
    gn_list_remove(&event->pool_node);
    gn_free(event);
}

/* It was still of use to somebody. */
static void lose(struct gn_event *event)
{
    if (event->is_listeners)
        event->store->lost = GN_MAX(event->store->lost, event->number);
    drop(event);
}

void gn_event_pool_init(struct gn_event_pool *pool)
{
    *pool = (struct gn_event_pool){0};
    gn_list_init(&pool->events);
}

void gn_events_init(struct gn_events *e, struct gn_event_pool *pool)
{
    *e = (struct gn_events){.pool = pool};
    gn_list_init(&e->events);
}

void gn_events_clear(struct gn_events *e)
{
    while (!gn_list_empty(&e->events))
        drop(GN_CONTAINER(e->events.next, struct gn_event, node));
}

int gn_events_add(struct gn_events *e, const struct gn_event_limits *limits,
                  const struct gn_event_id *id, bool is_last, const char *json, size_t len)
{
    size_t size = sizeof(struct gn_event) + len + 1;
    if (limits->max_count == 0 || size > limits->max_bytes || size > limits->max_total)
        return GN_ETOOBIG;
    while (e->count >= limits->max_count || e->bytes + size > limits->max_bytes)
        lose(GN_CONTAINER(e->events.next, struct gn_event, node));
    while (e->pool->bytes + size > limits->max_total)
        lose(GN_CONTAINER(e->pool->events.next, struct gn_event, pool_node));
    struct gn_event *event = gn_malloc(size);
    *event = (struct gn_event){.store = e,
                               .stream = id->stream,
                               .number = id->number,
                               .is_listeners = id->is_listeners,
                               .is_last = is_last,
                               .len = len};
    if (len)
        memcpy(event->json, json, len);
    event->json[len] = '\0';
    gn_list_append(&e->events, &event->node);
    gn_list_append(&e->pool->events, &event->pool_node);
    e->count++;
    e->bytes += size;
    e->pool->bytes += size;
    return GN_OK;
}

struct gn_event *gn_events_after(const struct gn_events *e, const struct gn_event_id *id)
{
    GN_LIST_EACH(&e->events, n) {
        struct gn_event *event = GN_CONTAINER(n, struct gn_event, node);
        if (event->stream == id->stream && event->is_listeners == id->is_listeners &&
            event->number > id->number)
            return event;
    }
    return NULL;
}

struct gn_event *gn_events_unsent(const struct gn_events *e)
{
    const struct gn_event_id none = {.is_listeners = true};
    return gn_events_after(e, &none);
}

const char *gn_event_id_write(const struct gn_event_id *id, char ret[GN_EVENT_ID_MAX])
{
    (void)snprintf(ret, GN_EVENT_ID_MAX, "%c%" PRIu64 "-%" PRIu64,
                   id->is_listeners ? LISTENERS : REQUESTS, id->stream, id->number);
    return ret;
}

/* A decimal number, as it is written; NULL: none. */
static const char *read_number(const char *text, uint64_t *ret)
{
    const char *at = text;
    uint64_t value = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (at - text >= 18) /* digits: no stream will ever have more */
            return NULL;
        value = value * 10 + (uint64_t)(*at - '0');
    }
    *ret = value;
    return at == text || (*text == '0' && at - text > 1) ? NULL : at;
}

bool gn_event_id_parse(const char *text, struct gn_event_id *ret)
{
    if (*text != LISTENERS && *text != REQUESTS)
        return false;
    ret->is_listeners = *text == LISTENERS;
    const char *at = read_number(text + 1, &ret->stream);
    if (!at || *at != '-' || ret->stream == 0)
        return false;
    at = read_number(at + 1, &ret->number);
    return at && *at == '\0';
}
