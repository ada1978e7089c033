/* lists.c - lists: all their pages joined into one result (2026-07-28 "Pagination"), and what may
 * not be in them left out of it.
 *
 * Cursors are the server's, and go back to it as they came. One that came before would go round in
 * circles; one that the server does not know any more (its list has changed, or it was started
 * anew) makes us begin once more from the first page. What is joined is bounded like one message.
 */
#include "internal.h"

#include "util/alloc.h"
#include "util/clock.h"
#include "util/map.h"
#include "util/str.h"

#include <string.h>

#define NOTES_MAX 8           /* tools left out of one page that are named one by one */
#define NODES_MAX (16U << 20) /* values in a joined list */

struct list_kind {
    const char *method, *member, *capability;
};

struct gn_pages {
    const struct list_kind *kind;
    uint32_t count;        /* pages that have come */
    bool has_begun_again;  /* from the first page: once only */
    struct gn_buf items;   /* the elements so far, with commas between */
    struct gn_buf head;    /* what else the first page says, each member with a comma behind */
    struct gn_map cursors; /* that came; the values mean nothing */
    size_t cursor_bytes;
    bool has_hints, is_private; /* (2026-07-28 "Caching"): the first page's, and of any page */
    uint64_t stale_ms;          /* gn_clock_ms() when the first of the pages is stale */
};

/* What was left out of a page: told once nothing of the request is needed any more. */
struct left_out {
    char *notes[NOTES_MAX];
    size_t count;
};

static const struct list_kind kinds[] = {
    [GANTRY_LIST_TOOLS] = {"tools/list", "tools", "tools"},
    [GANTRY_LIST_RESOURCES] = {"resources/list", "resources", "resources"},
    [GANTRY_LIST_TEMPLATES] = {"resources/templates/list", "resourceTemplates", "resources"},
    [GANTRY_LIST_PROMPTS] = {"prompts/list", "prompts", "prompts"},
    [GANTRY_LIST_TASKS] = {"tasks/list", "tasks", NULL},
};

static struct gn_pages *pages_new(const gantry_client *c, const struct list_kind *kind)
{
    struct gn_pages *p = gn_calloc(1, sizeof(*p));
    p->kind = kind;
    gn_buf_init(&p->items, c->s.max_message);
    gn_buf_init(&p->head, c->s.max_message);
    gn_map_init(&p->cursors);
    return p;
}

static void pages_clear(struct gn_pages *p)
{
    gn_buf_release(&p->items);
    gn_buf_release(&p->head);
    gn_map_release(&p->cursors, NULL);
    gn_map_init(&p->cursors);
    p->count = 0;
    p->cursor_bytes = 0;
}

void gn_lists_forget(gantry_request *r)
{
    if (!r->pages)
        return;
    pages_clear(r->pages);
    gn_free(r->pages);
    r->pages = NULL;
}

/* ---------------------------------------------------------------- tools with wrong marks */

/* Other transports have no headers to mirror arguments in, and may ignore the marks. */
static bool checks_marks(const gantry_request *r)
{
    const gantry_client *c = r->client;
    return gn_streq(r->method, "tools/list") && c->link && c->link->ops->has_exchanges &&
           gn_client_is_stateless(c);
}

static void leave_out(struct left_out *out, const gantry_json *tool, const struct gn_error *why)
{
    const char *name = gn_json_cstr(gn_json_get(tool, "name"));
    if (out->count < NOTES_MAX)
        out->notes[out->count] = gn_format("the tool \"%.100s\" is left out of the list: %s",
                                           name ? name : "", why->text);
    out->count++;
}

static void tell_left_out(gantry_client *c, struct left_out *out)
{
    for (size_t i = 0; i < GN_MIN(out->count, (size_t)NOTES_MAX); i++) {
        gn_client_note(c, "%s", out->notes[i]);
        gn_free(out->notes[i]);
    }
    if (out->count > NOTES_MAX)
        gn_client_note(c, "%zu more tools are left out of the list", out->count - NOTES_MAX);
}

/* ---------------------------------------------------------------- writing */

/* Adds the elements of a page, each with a comma before it but the first. */
static void add_items(gantry_request *r, const gantry_json *list, struct gn_buf *out,
                      struct left_out *left_out)
{
    const gantry_json *item = NULL;
    bool checks = checks_marks(r);
    while ((item = gn_json_next(list, item))) {
        struct gn_error err;
        if (checks && !gn_param_headers_learn(r->client, item, &err)) {
            leave_out(left_out, item, &err);
            continue;
        }
        if (out->len)
            gn_buf_addc(out, ',');
        gn_json_write(out, item);
    }
}

static void add_member(struct gn_buf *out, const gantry_json *member)
{
    size_t len;
    const char *name = gn_json_name(member, &len);
    gn_json_write_str(out, name, len);
    gn_buf_addc(out, ':');
    gn_json_write(out, member);
    gn_buf_addc(out, ',');
}

/* All members of a page but its list and those that are of one page only. */
static void add_head(struct gn_pages *p, const gantry_json *page)
{
    static const char *const others[] = {"nextCursor", "ttlMs", "cacheScope"};
    const gantry_json *member = NULL;
    while ((member = gn_json_next(page, member))) {
        bool is_own = gn_streq(gn_json_name(member, NULL), p->kind->member);
        for (size_t i = 0; i < GN_COUNT(others); i++)
            is_own = is_own || gn_streq(gn_json_name(member, NULL), others[i]);
        if (!is_own)
            add_member(&p->head, member);
    }
}

static void add_hints(struct gn_pages *p, const gantry_json *page)
{
    const gantry_json *scope = gn_json_get(page, "cacheScope");
    uint64_t now = gn_clock_ms(), stale = now;
    int64_t ttl;
    if (gn_json_int(gn_json_get(page, "ttlMs"), &ttl) && ttl > 0)
        stale = now + (uint64_t)ttl;
    if (p->count == 0) {
        p->has_hints = gn_json_get(page, "ttlMs") != NULL;
        p->is_private = false;
        p->stale_ms = stale;
    }
    p->stale_ms = GN_MIN(p->stale_ms, stale);
    p->is_private = p->is_private || (p->has_hints && !gn_json_streq(scope, "public"));
}

/* ---------------------------------------------------------------- ends */

static void end_joined(gantry_request *r)
{
    static const struct gn_json_limits limits = {.max_nodes = NODES_MAX};
    struct gn_pages *p = r->pages;
    struct gn_json_doc doc = {0};
    struct gn_buf text = GN_BUF_INIT(r->client->s.max_message);
    gn_buf_addc(&text, '{');
    gn_buf_add(&text, gn_buf_str(&p->head), p->head.len);
    if (p->has_hints) {
        uint64_t now = gn_clock_ms();
        gn_buf_addf(&text, "\"ttlMs\":%llu,\"cacheScope\":\"%s\",",
                    (unsigned long long)(p->stale_ms > now ? p->stale_ms - now : 0),
                    p->is_private ? "private" : "public");
    }
    gn_buf_addf(&text, "\"%s\":[", p->kind->member);
    gn_buf_add(&text, gn_buf_str(&p->items), p->items.len);
    gn_buf_adds(&text, "]}");
    if (p->items.overflow || p->head.overflow || text.overflow ||
        gn_json_parse_copy(&doc, text.data, text.len, &limits, NULL)) {
        gn_request_end(r, GANTRY_CLIENT_LIMIT, "the pages of %s are larger than %zu bytes in all",
                       r->method, r->client->s.max_message);
    } else {
        gn_cache_keep(r, gn_json_root(&doc));
        gn_request_end_result(r, &doc, gn_json_root(&doc));
    }
    gn_buf_release(&text);
}

static bool end_empty(gantry_request *r)
{
    struct gn_json_doc doc = {0};
    GN_AUTO_FREE char *text = gn_format("{\"%s\":[]}", r->pages->kind->member);
    if (gn_json_parse_copy(&doc, text, strlen(text), NULL, NULL) == 0)
        gn_request_end_result(r, &doc, gn_json_root(&doc));
    return true;
}

/* A page has been added, and there is another. */
static void ask_next(gantry_request *r, const gantry_json *cursor)
{
    const struct gn_client_settings *s = &r->client->s;
    struct gn_pages *p = r->pages;
    struct gn_buf extra = GN_BUF_INIT(s->max_message);
    gn_buf_adds(&extra, "\"cursor\":");
    gn_json_write(&extra, cursor);
    p->cursor_bytes += extra.len;
    bool is_large = p->items.overflow || p->head.overflow || extra.overflow ||
                    p->items.len + p->head.len + p->cursor_bytes > s->max_message;
    if (gn_json_type(cursor) != GN_JSON_STRING)
        gn_request_end(r, GANTRY_CLIENT_PROTOCOL, "nextCursor of %s is not a string: %.100s",
                       r->method, gn_buf_str(&extra));
    else if (is_large)
        gn_request_end(r, GANTRY_CLIENT_LIMIT, "the pages of %s are larger than %zu bytes in all",
                       r->method, s->max_message);
    else if (p->count >= s->max_pages)
        gn_request_end(r, GANTRY_CLIENT_LIMIT, "%s has more than %u pages", r->method,
                       s->max_pages);
    else if (gn_map_put(&p->cursors, gn_buf_str(&extra), p))
        gn_request_end(r, GANTRY_CLIENT_PROTOCOL,
                       "the pages of %s go round in circles: a cursor came twice", r->method);
    else {
        gn_free(r->extra);
        r->extra = gn_buf_take(&extra, NULL);
        gn_request_send(r);
    }
    gn_buf_release(&extra);
}

/* ---------------------------------------------------------------- steps */

static void begin_again(gantry_request *r)
{
    pages_clear(r->pages);
    r->pages->has_begun_again = true;
    gn_free(r->extra);
    r->extra = NULL;
    gn_request_send(r);
}

/* True if it goes on, or is over; false: the page is the result. */
static bool take_page(gantry_request *r, const gantry_json *page, struct left_out *left_out)
{
    struct gn_pages *p = r->pages;
    const gantry_json *list = gn_json_get(page, p->kind->member);
    const gantry_json *cursor = gn_json_get(page, "nextCursor");
    bool has_more = cursor && gn_json_type(cursor) != GN_JSON_NULL;
    if (gn_json_type(list) != GN_JSON_ARRAY) {
        gn_request_end(r, GANTRY_CLIENT_PROTOCOL, "the answer to %s has no array \"%s\"", r->method,
                       p->kind->member);
        return true;
    }
    add_items(r, list, &p->items, left_out);
    if (p->count == 0 && !has_more && left_out->count == 0)
        return false;
    if (p->count == 0)
        add_head(p, page);
    add_hints(p, page);
    p->count++;
    if (has_more)
        ask_next(r, cursor);
    else
        end_joined(r);
    return true;
}

/* A page that the caller asked for: nothing is joined, but what may not be in it is left out. */
static bool take_single(gantry_request *r, const gantry_json *page, struct left_out *left_out)
{
    struct gn_json_doc doc = {0};
    struct gn_buf text = GN_BUF_INIT(SIZE_MAX / 2), items = GN_BUF_INIT(SIZE_MAX / 2);
    const gantry_json *member = NULL, *list = gn_json_get(page, "tools");
    add_items(r, list, &items, left_out);
    bool changes = left_out->count > 0;
    if (changes) {
        gn_buf_addc(&text, '{');
        while ((member = gn_json_next(page, member))) {
            if (!gn_streq(gn_json_name(member, NULL), "tools"))
                add_member(&text, member);
        }
        gn_buf_addf(&text, "\"tools\":[");
        gn_buf_add(&text, gn_buf_str(&items), items.len);
        gn_buf_adds(&text, "]}");
        if (gn_json_parse_copy(&doc, text.data, text.len, NULL, NULL) == 0) {
            gn_cache_keep(r, gn_json_root(&doc));
            gn_request_end_result(r, &doc, gn_json_root(&doc));
        } else {
            gn_request_end(r, GANTRY_CLIENT_LIMIT, "the answer to %s is too large", r->method);
        }
    }
    gn_buf_release(&text);
    gn_buf_release(&items);
    return changes;
}

static bool is_first_page(const gantry_request *r)
{
    return !r->extra && !(r->params && strstr(r->params, "\"cursor\""));
}

bool gn_lists_take(gantry_request *r, struct gn_json_doc *doc, const gantry_json *result)
{
    gantry_client *c = r->client;
    struct left_out left_out = {0};
    bool taken = false;
    (void)doc;
    if (checks_marks(r) && is_first_page(r))
        gn_param_headers_forget(c);
    if (r->pages)
        taken = take_page(r, result, &left_out);
    else if (checks_marks(r))
        taken = take_single(r, result, &left_out);
    tell_left_out(c, &left_out);
    return taken;
}

bool gn_lists_take_error(gantry_request *r, const gantry_json *error)
{
    int64_t code;
    if (!r->pages || !gn_json_int(gn_json_get(error, "code"), &code))
        return false;
    if (code == GN_RPC_METHOD_NOT_FOUND && r->pages->kind == &kinds[GANTRY_LIST_TEMPLATES])
        return end_empty(r); /* many servers have resources, and no templates */
    if (code != GN_RPC_INVALID_PARAMS || !r->extra || r->pages->has_begun_again)
        return false;
    begin_again(r);
    return true;
}

/* ---------------------------------------------------------------- interface */

/* A server without tools has no list of them, and the list of its tools is empty. */
static bool end_if_none(gantry_request *r)
{
    const char *capability = r->pages->kind->capability;
    return capability && !gn_client_server_can(r->client, capability) && end_empty(r);
}

gantry_request *gn_lists_new(gantry_client *c, gantry_list_kind kind,
                             const gantry_request_options *options)
{
    bool is_known = (unsigned)kind < GN_COUNT(kinds);
    gantry_request *r = gn_request_new(c, is_known ? kinds[kind].method : "list", NULL, options);
    if (!is_known) {
        gn_request_end(r, GANTRY_CLIENT_INVALID, "there is no list of the kind %d", (int)kind);
        return r;
    }
    if (r->state < GN_REQUEST_ENDED) {
        r->pages = pages_new(c, &kinds[kind]);
        r->before = end_if_none;
    }
    return r;
}

gantry_request *gantry_client_list(gantry_client *client, gantry_list_kind kind,
                                   const gantry_request_options *options)
{
    gantry_request *r = gn_lists_new(client, kind, options);
    gn_request_start(r);
    return r;
}
