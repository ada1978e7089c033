/* queue.h - bytes that wait until a client reads them: bounded, in order.
 *
 * Messages are copied in, or taken over if they are long; small ones share a block, so that many
 * leave with one write. Loop thread only.
 */
#ifndef GN_TRANSPORT_QUEUE_H
#define GN_TRANSPORT_QUEUE_H

#include "protocol/stream.h"
#include "util/error.h"

struct gn_queue {
    struct gn_list blocks;
    struct gn_list marks; /* deliveries to be told, in order */
    size_t len, max;      /* bytes that wait / may wait */
    uint64_t used;        /* bytes written since the beginning */
    uint64_t *total; /* memory of several queues together, this one's included; NULL: not counted */
    uint64_t dropped; /* messages that found no room */
};

/* `total` is borrowed for the life of the queue, or NULL. It counts memory: what a client has read
 * of a block that is not used up counts still. */
void gn_queue_init(struct gn_queue *q, size_t max_bytes, uint64_t *total);
/* Frees what waits, and tells deliveries that it was not written; the queue is empty and usable
 * again. */
void gn_queue_release(struct gn_queue *q);

/* Whether a message of this weight may be added: 0; GN_EBUSY: it may be dropped, and an eighth (one
 * that should not: a half) of the maximum waits already; GN_ETOOBIG: it must not be dropped, and
 * the maximum waits. What counts is what the client has left lying, not the message: its size was
 * bounded where it was made. */
int gn_queue_room(const struct gn_queue *q, enum gn_weight weight);
/* Adds without asking. */
void gn_queue_add(struct gn_queue *q, const void *data, size_t len);
/* The same of the bytes that `whole` holds (NULL: elsewhere): if they are many, its memory becomes
 * the queue's and nothing is copied. */
void gn_queue_add_whole(struct gn_queue *q, const void *data, size_t len, struct gn_buf *whole);

/* The bytes to write next; NULL if none wait. Borrowed until the next call. */
const char *gn_queue_front(const struct gn_queue *q, size_t *ret_len);
/* The first `len` of them have been written. */
void gn_queue_used(struct gn_queue *q, size_t len);

/* The delivery (NULL: none) is to be told once all that waits now has been written: from the next
 * gn_queue_deliver on, at once if nothing waits. */
void gn_queue_mark(struct gn_queue *q, struct gn_delivery *delivery);
/* Tells those whose bytes have been written. What is told may change the queue, and free what it is
 * part of. */
void gn_queue_deliver(struct gn_queue *q);

/* The buffer of what the stream's `end` sends, which it does not keep; NULL: none. */
static inline struct gn_buf *gn_whole_take(struct gn_stream *s)
{
    struct gn_buf *whole = s->whole;
    s->whole = NULL;
    return whole;
}
/* delivery NULL: nobody asks. */
static inline void gn_delivery_tell(struct gn_delivery *delivery, bool is_written)
{
    if (delivery)
        delivery->done(delivery, is_written);
}
/* What the stream's next `end` is to tell, which it does not keep. */
static inline struct gn_delivery *gn_delivery_take(struct gn_stream *s)
{
    struct gn_delivery *delivery = s->delivery;
    s->delivery = NULL;
    return delivery;
}

#endif
