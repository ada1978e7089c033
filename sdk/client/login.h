/* login.h - asking whoever uses the client for credentials, for a connection that was refused as a
 * whole (websocket.c). Exchanges of HTTP have functions of their own: http_exchange.h. */
#ifndef GN_CLIENT_LOGIN_H
#define GN_CLIENT_LOGIN_H

#include "internal.h"

struct gn_login_state;

/* The server has answered with that status, which must be 401 or 403, and there must be an on_login
 * to ask; else NULL. done is told once, from the loop: refusal NULL: there are other credentials
 * (settings), try again; else why there are none. Time that requests have stands still till then.
 */
struct gn_login_state *gn_login_ask(gantry_client *c, int status, const char *challenge,
                                    const char *url, void (*done)(void *arg, const char *refusal),
                                    void *arg);
/* Before done was told: nobody waits any more. */
void gn_login_forget(struct gn_login_state *l);

#endif
