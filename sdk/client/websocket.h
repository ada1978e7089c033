/* websocket.h - a link to a server behind a WebSocket: what its two files share. websocket.c has
 * its beginning, its end and what the client asks of it; ws_stream.c what goes out and comes in. */
#ifndef GN_CLIENT_WEBSOCKET_H
#define GN_CLIENT_WEBSOCKET_H

#include "dial.h"
#include "internal.h"
#include "login.h"
#include "ws_handshake.h"

#include "wire/ws_frame.h"

#define GN_WSLINK_READ_BYTES 65536
#define GN_WSLINK_HEAD_MAX 65536 /* bytes of the answer to the handshake */
#define GN_WSLINK_MASKS 256      /* made at once */

enum ws_state {
    WS_DIALING,
    WS_SHAKING,
    WS_ASKING, /* for credentials; the connection is over */
    WS_OPEN,
    WS_CLOSING, /* a Close frame of ours is on its way; only the server's is waited for */
    WS_ENDED,
};

struct ws {
    struct gn_link link; /* first */
    enum ws_state state;
    struct gn_dial *dial;
    uv_idle_t turn; /* runs when there is something to send, to read on, or to tell */
    bool dial_is_closing, dial_is_gone, turn_is_gone;
    struct gn_login_state *login; /* while credentials are asked for */
    unsigned logins;
    char key[GN_WS_KEY_MAX];
    struct gn_buf head;            /* of the answer to the handshake */
    struct gn_buf message;         /* that is being read */
    struct gn_ws_reader reader;    /* of frames */
    struct gn_buf gathered, going; /* what is to be written; what is being written */
    size_t gone;                   /* bytes of `going` */
    bool reads_on;                 /* there may be more to read, of which poll does not tell */
    bool was_closed;               /* the server's Close frame has come, or nothing will */
    struct gn_list refused;        /* messages for which there was no room */
    bool has_overflown;            /* ... and one of them belongs to no request */
    struct gn_client_timer ping, ending;
    bool has_heard; /* something since the last ping */
    unsigned unanswered;
    unsigned char masks[GN_WSLINK_MASKS][GN_WS_MASK_BYTES];
    unsigned masks_used;
    char in[GN_WSLINK_READ_BYTES];
};

/* ---- websocket.c */
/* Whatever may still be said or come; gn_link_closed follows from the loop. */
void gn_wslink_end_now(struct ws *ws);
/* The connection is of no use any more: the client closes the link from within, unless it does
 * already. */
void gn_wslink_lose(struct ws *ws, const struct gn_failure *f);
void gn_wslink_lose_for(struct ws *ws, gantry_client_status status, bool is_passing,
                        const char *fmt, ...) GN_PRINTF(4, 5);
/* There is something to write, to read on, or to tell, on the loop's next turn. */
void gn_wslink_want_turn(struct ws *ws);
/* Bytes of the answer to the handshake, and perhaps behind it. */
void gn_wslink_read_head(struct ws *ws, const char *data, size_t len);

/* ---- ws_stream.c */
/* Bytes that are not written yet. */
size_t gn_wslink_waiting(const struct ws *ws);
/* Gathers a frame; it leaves on the next turn. */
void gn_wslink_add_frame(struct ws *ws, enum gn_ws_opcode opcode, const void *data, size_t len);
/* The last frame of an open link: WS_CLOSING from now on. */
void gn_wslink_add_close(struct ws *ws, int status, const char *reason);
/* Writes what can be written. */
void gn_wslink_flush(struct ws *ws);
void gn_wslink_read_all(struct ws *ws);
void gn_wslink_read_frames(struct ws *ws, const char *data, size_t len);
/* It is open: signs of life from now on. */
void gn_wslink_start_pings(struct ws *ws);

#endif
