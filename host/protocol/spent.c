/* spent.c - states that were used: a map by id, and those that rest in the order they came to rest.
 *
 * A running one is in no list, so nothing can drop it. When a kept reply is fetched it stays until
 * the fetch has ended, in whatever way.
 */
#include "protocol/spent.h"

#include "util/alloc.h"
#include "util/list.h"
#include "util/map.h"

#include <string.h>

#define MAX_ENTRIES 65536
#define MAX_BYTES ((uint64_t)64 << 20)

#define SPENT_MAGIC 0x5be275edu

struct entry {
    struct gn_list order, kept; /* of those that rest; of those among them that have a reply */
    unsigned char id[GN_SEAL_ID];
    bool is_running;
    uint64_t expires_ms;
    char *result; /* NULL: none is kept */
    size_t len;
};

struct gn_spent {
    uint32_t magic, max_entries;
    uint64_t max_bytes, bytes;  /* of kept replies */
    struct gn_map entries;      /* by id */
    struct gn_list order, kept; /* oldest first */
};

static void free_entry(void *value)
{
    struct entry *e = value;
    gn_free(e->result);
    gn_free(e);
}

static void drop_result(struct gn_spent *spent, struct entry *e)
{
    gn_list_remove(&e->kept);
    spent->bytes -= e->len;
    gn_free(e->result);
    e->result = NULL;
    e->len = 0;
}

static void drop(struct gn_spent *spent, struct entry *e)
{
    drop_result(spent, e);
    gn_list_remove(&e->order);
    gn_map_removen(&spent->entries, e->id, sizeof(e->id));
    free_entry(e);
}

static struct entry *oldest(struct gn_spent *spent)
{
    return GN_CONTAINER(spent->order.next, struct entry, order);
}

/* Drops the oldest that rest until there is room for so many more entries and bytes. */
static void make_room(struct gn_spent *spent, uint32_t entries, size_t bytes)
{
    while (spent->entries.count + entries > spent->max_entries && !gn_list_empty(&spent->order))
        drop(spent, oldest(spent));
    while (spent->bytes + bytes > spent->max_bytes && !gn_list_empty(&spent->kept))
        drop(spent, GN_CONTAINER(spent->kept.next, struct entry, kept));
}

static void rest(struct gn_spent *spent, struct entry *e)
{
    e->is_running = false;
    gn_list_append(&spent->order, &e->order);
    if (e->result)
        gn_list_append(&spent->kept, &e->kept);
}

/* The one whose use ends. Whoever began it ends it once, and nothing else takes it away. */
static struct entry *running(struct gn_spent *spent, const unsigned char id[GN_SEAL_ID])
{
    GN_CHECK(spent, SPENT_MAGIC);
    struct entry *e = gn_map_findn(&spent->entries, id, GN_SEAL_ID);
    gn_assert(e && e->is_running);
    return e;
}

struct gn_spent *gn_spent_new(uint32_t max_entries, uint64_t max_bytes)
{
    struct gn_spent *spent = gn_calloc(1, sizeof(*spent));
    spent->magic = SPENT_MAGIC;
    gn_map_init(&spent->entries);
    gn_list_init(&spent->order);
    gn_list_init(&spent->kept);
    gn_spent_configure(spent, max_entries, max_bytes);
    return spent;
}

void gn_spent_free(struct gn_spent *spent)
{
    if (!spent)
        return;
    GN_CHECK(spent, SPENT_MAGIC);
    gn_map_release(&spent->entries, free_entry);
    spent->magic = 0;
    gn_free(spent);
}

void gn_spent_configure(struct gn_spent *spent, uint32_t max_entries, uint64_t max_bytes)
{
    GN_CHECK(spent, SPENT_MAGIC);
    spent->max_entries = max_entries ? max_entries : MAX_ENTRIES;
    spent->max_bytes = max_bytes ? max_bytes : MAX_BYTES;
    make_room(spent, 0, 0);
}

enum gn_spent_status gn_spent_begin(struct gn_spent *spent, const unsigned char id[GN_SEAL_ID],
                                    uint64_t expires_ms, uint64_t now_ms, const char **ret_result,
                                    size_t *ret_len)
{
    GN_CHECK(spent, SPENT_MAGIC);
    *ret_result = NULL;
    *ret_len = 0;
    struct entry *e = gn_map_findn(&spent->entries, id, GN_SEAL_ID);
    if (e && e->is_running)
        return GN_STATE_RUNNING;
    if (e && !e->result)
        return GN_STATE_SPENT;
    if (e) {
        e->is_running = true;
        gn_list_remove(&e->order);
        gn_list_remove(&e->kept);
        *ret_result = e->result;
        *ret_len = e->len;
        return GN_STATE_KEPT;
    }
    while (!gn_list_empty(&spent->order) && oldest(spent)->expires_ms < now_ms)
        drop(spent, oldest(spent));
    make_room(spent, 1, 0);
    e = gn_calloc(1, sizeof(*e));
    gn_list_init(&e->order);
    gn_list_init(&e->kept);
    memcpy(e->id, id, sizeof(e->id));
    e->is_running = true;
    e->expires_ms = expires_ms;
    gn_map_putn(&spent->entries, e->id, sizeof(e->id), e);
    return GN_STATE_FRESH;
}

void gn_spent_done(struct gn_spent *spent, const unsigned char id[GN_SEAL_ID])
{
    struct entry *e = running(spent, id);
    drop_result(spent, e);
    rest(spent, e);
}

void gn_spent_keep(struct gn_spent *spent, const unsigned char id[GN_SEAL_ID], const char *result,
                   size_t len)
{
    struct entry *e = running(spent, id);
    /* It may be the one that is kept already: copied first. */
    char *copy = len <= spent->max_bytes ? gn_try_malloc(len + 1) : NULL;
    if (copy) {
        memcpy(copy, result, len);
        copy[len] = '\0';
    }
    drop_result(spent, e);
    make_room(spent, 0, copy ? len : 0);
    if (!copy || spent->bytes + len > spent->max_bytes) {
        gn_free(copy);
        drop(spent, e);
        return;
    }
    e->result = copy;
    e->len = len;
    spent->bytes += len;
    rest(spent, e);
}

void gn_spent_forget(struct gn_spent *spent, const unsigned char id[GN_SEAL_ID])
{
    struct entry *e = running(spent, id);
    if (e->result)
        rest(spent, e);
    else
        drop(spent, e);
}

void gn_spent_expire(struct gn_spent *spent, uint64_t now_ms)
{
    GN_CHECK(spent, SPENT_MAGIC);
    GN_LIST_EACH(&spent->order, n) {
        struct entry *e = GN_CONTAINER(n, struct entry, order);
        if (e->expires_ms < now_ms)
            drop(spent, e);
    }
}

uint32_t gn_spent_count(const struct gn_spent *spent)
{
    GN_CHECK(spent, SPENT_MAGIC);
    return (uint32_t)spent->entries.count;
}

uint64_t gn_spent_bytes(const struct gn_spent *spent)
{
    GN_CHECK(spent, SPENT_MAGIC);
    return spent->bytes;
}
