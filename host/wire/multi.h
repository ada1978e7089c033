/* multi.h - libcurl's multi interface on a libuv loop: outbound HTTP for host and client alike.
 *
 * libcurl says which sockets it wants watched (uv_poll) and when it wants to be called (one timer).
 * Nothing of ours runs from within libcurl but what collects bytes: `on_data` and `on_done` are
 * called after it has returned, so they may do anything with any transfer, and with the multi.
 * [loop: everything on the thread of the uv loop]
 */
#ifndef GN_WIRE_MULTI_H
#define GN_WIRE_MULTI_H

#include "util/list.h"

#include <curl/curl.h>
#include <uv.h>

struct gn_multi;

/* One exchange under way; embedded in its owner, zero-initialised. The owner sets what it wants on
 * `easy` but for CURLOPT_PRIVATE, and frees it. */
struct gn_transfer {
    CURL *easy;
    /* Bytes came: called once for all that gn_transfer_mark was called for. May be NULL. */
    void (*on_data)(struct gn_transfer *transfer);
    /* It is over, and (unless it stays) out of the multi already; whatever was marked has been told
     * before. */
    void (*on_done)(struct gn_transfer *transfer, CURLcode result);
    bool stays; /* in the multi when it is over, until gn_transfer_remove: CURLOPT_CONNECT_ONLY */
    /* Private. */
    struct gn_multi *multi; /* NULL: not under way */
    struct gn_list marked;
};

/* Never NULL. The loop must outlive it. */
struct gn_multi *gn_multi_new(uv_loop_t *loop);
/* For options (CURLMOPT_...) that the owner wants otherwise. */
CURLM *gn_multi_curl(struct gn_multi *m);
/* Begins: nothing is told before the loop runs. False if libcurl refuses. */
bool gn_multi_add(struct gn_multi *m, struct gn_transfer *transfer);
/* Ends it at once, without on_done; its connection is closed, unless it carries others. Harmless if
 * it is not under way. Not from within a callback of libcurl. */
void gn_transfer_remove(struct gn_transfer *transfer);
/* From within a callback of libcurl (a write or header function): on_data is wanted. */
void gn_transfer_mark(struct gn_transfer *transfer);
/* Closes all connections; on_closed(arg), which may be NULL, from the loop, once nothing is left.
 * No transfer may be under way. Not from within a callback of libcurl. */
void gn_multi_close(struct gn_multi *m, void (*on_closed)(void *arg), void *arg);

#endif
