/* dial.h - a connection to a server by itself: libcurl finds the address, goes through proxies and
 * makes TLS, as for HTTP; then bytes go in and out, watched on the client's loop.
 *
 * For WebSocket (websocket.c). One connection for each, which is never used again. Everything on
 * the loop's thread; nothing of the owner's runs from within libcurl.
 */
#ifndef GN_CLIENT_DIAL_H
#define GN_CLIENT_DIAL_H

#include "internal.h"

struct gn_dial;

/* What the owner is told, from the loop. It may close the dial from within. */
struct gn_dial_events {
    /* There is a connection; or there is none, and why. */
    void (*on_open)(void *arg);
    void (*on_failed)(void *arg, const struct gn_failure *why);
    /* Something may be read, or written, if that was asked for. */
    void (*on_ready)(void *arg, bool readable, bool writable);
};

/* Begins to connect, as the settings of the client say (ca_file, proxy, ...). url: http: or https:,
 * of which scheme, host and port count. Never NULL: what is wrong comes by on_failed. */
struct gn_dial *gn_dial_new(gantry_client *c, const char *url, const struct gn_dial_events *events,
                            void *arg);
/* Once open: always for reading, for writing if asked. */
void gn_dial_watch(struct gn_dial *d, bool wants_write);
/* Takes what is there: 0 with *ret_len, which is 0 if nothing is there now; GN_EPIPE at the end;
 * another code with err if the connection broke. */
int gn_dial_read(struct gn_dial *d, char *out, size_t max, size_t *ret_len, struct gn_error *err);
/* Gives what there is room for, perhaps nothing (0 with *ret_len 0). What was not taken must be
 * given again, from the same place in memory: TLS wants it so. */
int gn_dial_write(struct gn_dial *d, const char *data, size_t len, size_t *ret_len,
                  struct gn_error *err);
/* Ends it; on_closed(arg) from the loop, once nothing of it is left. */
void gn_dial_close(struct gn_dial *d, void (*on_closed)(void *arg), void *arg);

#endif
