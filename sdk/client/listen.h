/* listen.h - between listen.c (what a client wants to be told of) and subscription.c (the streams
 * on which the stateless era tells it). Everything belongs to the client; no user's handler is
 * called from here, but where it says so. */
#ifndef GN_CLIENT_LISTEN_H
#define GN_CLIENT_LISTEN_H

#include "internal.h"

#include "util/map.h"

#define GN_LISTEN_ALSO 8

struct gn_subscription;

struct gn_listen {
    gantry_client *client;
    struct gn_map uris;  /* subscribed; struct gn_wish */
    struct gn_map tasks; /* how often each is wanted, as a pointer */
    uint64_t wishes;     /* counts up with every change of the two */
    bool has_gap;        /* something may have changed while nobody listened */
    bool hears;          /* what changes is told on this connection */
    /* The stateless era. `next` is opened before `now` is closed, so that nothing is missed; `old`
     * is what `now` was, for what was on its way. What is only added may have one of its own, among
     * `also`. */
    struct gn_subscription *now, *next, *old, *also[GN_LISTEN_ALSO];
    uint64_t agreed;               /* the wishes that the server has agreed to */
    uint64_t changed;              /* the wishes when something else than an addition was made */
    struct gn_map told;            /* while there is an old one: what one of the two told */
    struct gn_client_timer change; /* until a new one is opened */
    unsigned failures;
    uint64_t refused;  /* the wishes that the server wants to hear nothing of; 0: none */
    uint32_t not_told; /* lists that it does not tell of, a bit of gantry_list_kind each */
};

struct gn_wish {
    uint64_t since; /* gn_listen.wishes when it came */
};

/* ---- listen.c */
/* The wish for a resource is over; uri may be its key. */
void gn_listen_drop(struct gn_listen *l, const char *uri);
/* Lists that the user wants to hear of, and that the server says may change; bits. */
uint32_t gn_listen_lists(const gantry_client *c);
/* Ends requests that wait for these wishes, or older ones: well, or with what failed. */
void gn_listen_end_waiting(struct gn_listen *l, uint64_t wishes);
void gn_listen_fail_waiting(struct gn_listen *l, uint64_t wishes, const gantry_request *failed);
/* The server does not tell of a resource. */
void gn_listen_refuse(struct gn_listen *l, const char *uri);
/* After a time without a subscription: calls the user's handlers for all that may have changed. */
void gn_listen_tell_gap(struct gn_listen *l);

/* ---- subscription.c */
/* Opens, after so long, what the wishes ask for, if they are not open yet. */
void gn_subscription_update_later(struct gn_listen *l, uint64_t delay_ms);
/* True if the server has agreed to tell of a wish of that time. */
bool gn_subscription_has(const struct gn_listen *l, uint64_t since);
/* The connection is gone: forgets all that was open. */
void gn_subscription_lost(struct gn_listen *l);

#endif
