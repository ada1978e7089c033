/* ws_handshake.h - the handshake of a WebSocket (RFC 6455 4.1): our request, and whether the answer
 * accepts it. No I/O. Private to websocket.c. */
#ifndef GN_CLIENT_WS_HANDSHAKE_H
#define GN_CLIENT_WS_HANDSHAKE_H

#include "internal.h"

#define GN_WS_KEY_MAX 25 /* 16 random bytes in Base64, and a NUL */

/* What the server answered, as far as somebody wants to know. */
struct gn_ws_answer {
    int status;      /* of HTTP */
    char *challenge; /* WWW-Authenticate; NULL: none. Owned: gn_free */
};

/* The client's URL with http: for ws:, https: for wss:. Owned. */
char *gn_ws_http_url(const gantry_client *c);
/* Appends the request; key is made. */
void gn_ws_handshake_write(const gantry_client *c, char key[GN_WS_KEY_MAX], struct gn_buf *out);
/* Looks at what has come: GN_EBUSY if its head is not complete; 0 with the length of the head if
 * the WebSocket is open; else GN_EPIPE with the reason in f. */
int gn_ws_handshake_read(const gantry_client *c, const char *key, const char *text, size_t len,
                         size_t *ret_head, struct gn_ws_answer *answer, struct gn_failure *f);

#endif
