/* queue.c - a list of blocks. */
#include "transport/queue.h"

#include "util/alloc.h"

#include <string.h>

#define BLOCK_MIN 4096
#define BLOCK_ONE                                                                                  \
    960 /* for what is most often the only answer: small enough for malloc's cache                 \
         */
#define BLOCK_KEPT (256u * 1024) /* blocks of up to this size are filled up */

struct block {
    struct gn_list node;
    size_t at, len, cap; /* bytes [at, len) wait */
    char data[];
};

static struct block *first(const struct gn_queue *q)
{
    return gn_list_empty(&q->blocks) ? NULL : GN_CONTAINER(q->blocks.next, struct block, node);
}

static void add_block(struct gn_queue *q, const char *data, size_t len)
{
    size_t cap = GN_MAX(len, gn_list_empty(&q->blocks) ? (size_t)BLOCK_ONE : (size_t)BLOCK_MIN);
    struct block *b = gn_malloc(sizeof(*b) + cap);
    b->at = 0;
    b->len = len;
    b->cap = cap;
    memcpy(b->data, data, len);
    gn_list_append(&q->blocks, &b->node);
    if (q->total)
        *q->total += sizeof(*b) + cap;
}

static void free_block(struct gn_queue *q, struct block *b)
{
    if (q->total)
        *q->total -= sizeof(*b) + b->cap;
    gn_free(b);
}

void gn_queue_init(struct gn_queue *q, size_t max_bytes, uint64_t *total)
{
    *q = (struct gn_queue){.max = max_bytes, .total = total};
    gn_list_init(&q->blocks);
}

void gn_queue_release(struct gn_queue *q)
{
    struct gn_list *n;
    while ((n = gn_list_pop(&q->blocks)))
        free_block(q, GN_CONTAINER(n, struct block, node));
    q->len = 0;
}

int gn_queue_room(const struct gn_queue *q, enum gn_weight weight)
{
    if (weight != GN_MUST)
        return q->len < q->max / (weight == GN_MAY ? 8 : 2) ? 0 : GN_EBUSY;
    return q->len < q->max ? 0 : GN_ETOOBIG;
}

void gn_queue_add(struct gn_queue *q, const void *data, size_t len)
{
    const char *from = data;
    q->len += len;
    if (!gn_list_empty(&q->blocks)) {
        struct block *last = GN_CONTAINER(q->blocks.prev, struct block, node);
        size_t part = last->cap <= BLOCK_KEPT ? GN_MIN(len, last->cap - last->len) : 0;
        memcpy(last->data + last->len, from, part);
        last->len += part;
        from += part;
        len -= part;
    }
    if (len)
        add_block(q, from, len);
}

const char *gn_queue_front(const struct gn_queue *q, size_t *ret_len)
{
    struct block *b = first(q);
    if (!b)
        return NULL;
    *ret_len = b->len - b->at;
    return b->data + b->at;
}

void gn_queue_used(struct gn_queue *q, size_t len)
{
    gn_assert(len <= q->len);
    q->len -= len;
    while (len) {
        struct block *b = first(q);
        size_t part = GN_MIN(len, b->len - b->at);
        b->at += part;
        len -= part;
        if (b->at == b->len) {
            gn_list_remove(&b->node);
            free_block(q, b);
        }
    }
}
