/* list.h - intrusive doubly linked list. The head is a node too; an empty list points at itself.
 *
 *     struct gn_list head; gn_list_init(&head);
 *     gn_list_append(&head, &thing->node);
 *     GN_LIST_EACH(&head, n) { struct thing *t = GN_CONTAINER(n, struct thing, node); ... }
 *
 * A removed node is re-initialised, so removing twice is harmless. GN_LIST_EACH allows removal of
 * the current node and nothing else.
 */
#ifndef GN_UTIL_LIST_H
#define GN_UTIL_LIST_H

#include "util/common.h"

struct gn_list {
    struct gn_list *next, *prev;
};

static inline void gn_list_init(struct gn_list *l)
{
    l->next = l->prev = l;
}
static inline bool gn_list_empty(const struct gn_list *l)
{
    return l->next == l;
}
static inline void gn_list_append(struct gn_list *head, struct gn_list *n)
{
    n->prev = head->prev;
    n->next = head;
    head->prev->next = n;
    head->prev = n;
}
static inline void gn_list_prepend(struct gn_list *head, struct gn_list *n)
{
    gn_list_append(head->next, n);
}
static inline void gn_list_remove(struct gn_list *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    n->next = n->prev = n;
}
/* Makes head, not initialised yet, the list of all that `from` has, which is empty afterwards. */
static inline void gn_list_take(struct gn_list *head, struct gn_list *from)
{
    gn_list_init(head);
    gn_list_append(from, head);
    gn_list_remove(from);
}
/* First node, removed; NULL if empty. */
static inline struct gn_list *gn_list_pop(struct gn_list *head)
{
    struct gn_list *n = head->next;
    if (n == head)
        return NULL;
    gn_list_remove(n);
    return n;
}

#define GN_LIST_EACH(head, n)                                                                      \
    for (struct gn_list *n = (head)->next, *n##_next_ = n->next; n != (head);                      \
         n = n##_next_, n##_next_ = n->next)

#endif
