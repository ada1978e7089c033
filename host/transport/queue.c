/* queue.c - a list of blocks. */
#include "transport/queue.h"

#include "util/alloc.h"

#include <string.h>

#define BLOCK_MIN 4096
#define BLOCK_ONE                                                                                  \
    960 /* for what is most often the only answer: small enough for malloc's cache                 \
         */
#define BLOCK_KEPT (256u * 1024)     /* blocks of up to this size are filled up */
#define WHOLE_MIN ((size_t)64 << 10) /* shorter messages are copied: they may share a block */

struct block {
    struct gn_list node;
    size_t at, len, cap; /* bytes [at, len) wait */
    char *data;          /* own, or memory that was taken over */
    char own[];
};

/* The delivery is told when `used` of its queue has come this far. */
struct mark {
    struct gn_list node;
    uint64_t at;
    struct gn_delivery *delivery;
};

static struct block *first(const struct gn_queue *q)
{
    return gn_list_empty(&q->blocks) ? NULL : GN_CONTAINER(q->blocks.next, struct block, node);
}

static void append(struct gn_queue *q, struct block *b, char *data, size_t len, size_t cap)
{
    b->at = 0;
    b->len = len;
    b->cap = cap;
    b->data = data;
    gn_list_append(&q->blocks, &b->node);
    if (q->total)
        *q->total += sizeof(*b) + cap;
}

static void add_block(struct gn_queue *q, const char *data, size_t len)
{
    size_t cap = GN_MAX(len, gn_list_empty(&q->blocks) ? (size_t)BLOCK_ONE : (size_t)BLOCK_MIN);
    struct block *b = gn_malloc(sizeof(*b) + cap);
    memcpy(b->own, data, len);
    append(q, b, b->own, len, cap);
}

static void free_block(struct gn_queue *q, struct block *b)
{
    if (q->total)
        *q->total -= sizeof(*b) + b->cap;
    if (b->data != b->own)
        gn_free(b->data);
    gn_free(b);
}

void gn_queue_init(struct gn_queue *q, size_t max_bytes, uint64_t *total)
{
    *q = (struct gn_queue){.max = max_bytes, .total = total};
    gn_list_init(&q->blocks);
    gn_list_init(&q->marks);
}

/* They are out of their queue, which may not be there any more after the last one. */
static void tell_all(struct gn_list *marks, bool is_written)
{
    for (struct gn_list *n; (n = gn_list_pop(marks));) {
        struct mark *mark = GN_CONTAINER(n, struct mark, node);
        struct gn_delivery *delivery = mark->delivery;
        gn_free(mark);
        gn_delivery_tell(delivery, is_written);
    }
}

void gn_queue_mark(struct gn_queue *q, struct gn_delivery *delivery)
{
    if (!delivery)
        return;
    struct mark *mark = gn_malloc(sizeof(*mark));
    mark->at = q->used + q->len;
    mark->delivery = delivery;
    gn_list_append(&q->marks, &mark->node);
}

void gn_queue_deliver(struct gn_queue *q)
{
    struct gn_list due;
    gn_list_init(&due);
    while (!gn_list_empty(&q->marks)) {
        struct mark *mark = GN_CONTAINER(q->marks.next, struct mark, node);
        if (mark->at > q->used)
            break;
        gn_list_remove(&mark->node);
        gn_list_append(&due, &mark->node);
    }
    tell_all(&due, true);
}

void gn_queue_release(struct gn_queue *q)
{
    struct gn_list *n;
    while ((n = gn_list_pop(&q->blocks)))
        free_block(q, GN_CONTAINER(n, struct block, node));
    q->len = 0;
    struct gn_list lost;
    gn_list_init(&lost);
    while (!gn_list_empty(&q->marks))
        gn_list_append(&lost, gn_list_pop(&q->marks));
    tell_all(&lost, false);
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
        bool is_filled_up = last->cap <= BLOCK_KEPT && last->data == last->own;
        size_t part = is_filled_up ? GN_MIN(len, last->cap - last->len) : 0;
        memcpy(last->data + last->len, from, part);
        last->len += part;
        from += part;
        len -= part;
    }
    if (len)
        add_block(q, from, len);
}

void gn_queue_add_whole(struct gn_queue *q, const void *data, size_t len, struct gn_buf *whole)
{
    if (!whole || whole->data != data || whole->len != len || len < WHOLE_MIN) {
        gn_queue_add(q, data, len);
        return;
    }
    struct block *b = gn_malloc(sizeof(*b));
    append(q, b, gn_realloc(gn_buf_take(whole, NULL), len), len,
           len); /* growing left some unused */
    q->len += len;
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
    q->used += len;
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
