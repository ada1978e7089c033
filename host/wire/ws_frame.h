/* ws_frame.h - WebSocket frames (RFC 6455 5): a reader and a writer, and what the two sides of a
 * handshake know each other by. No I/O, no clock. [any thread]
 *
 * A message here is text. The reader puts fragments together, and takes the mask off that clients
 * put on; it refuses what RFC 6455 forbids, binary messages, text that is no UTF-8, and messages
 * over the maximum, with the status that a Close frame then names.
 */
#ifndef GN_WIRE_WS_FRAME_H
#define GN_WIRE_WS_FRAME_H

#include "util/buf.h"
#include "util/error.h"

#define GN_WS_CONTROL_MAX 125 /* bytes of a control frame's payload */
#define GN_WS_HEAD_MAX 10     /* of an unmasked frame */
#define GN_WS_MASK_BYTES 4    /* behind that of a masked one */
#define GN_WS_ACCEPT_MAX 29   /* of Sec-WebSocket-Accept, with its NUL */

enum gn_ws_opcode {
    GN_WS_OP_CONTINUE = 0,
    GN_WS_OP_TEXT = 1,
    GN_WS_OP_BINARY = 2,
    GN_WS_OP_CLOSE = 8,
    GN_WS_OP_PING = 9,
    GN_WS_OP_PONG = 10,
};

/* Of a Close frame (RFC 6455 7.4). */
enum gn_ws_status {
    GN_WS_NORMAL = 1000,
    GN_WS_GOING_AWAY = 1001,
    GN_WS_PROTOCOL_ERROR = 1002,
    GN_WS_UNSUPPORTED = 1003,
    GN_WS_NO_STATUS = 1005, /* never sent: the Close frame has none */
    GN_WS_BAD_TEXT = 1007,
    GN_WS_POLICY = 1008,
    GN_WS_TOO_BIG = 1009,
    GN_WS_TRY_LATER = 1013,
};

enum gn_ws_event {
    GN_WS_MORE = 0, /* all consumed, more must come */
    GN_WS_MESSAGE,  /* a whole one, which may be empty: take it out of the buffer */
    GN_WS_PING,     /* its payload is in `control` */
    GN_WS_PONG,
    GN_WS_CLOSE, /* with its `status` */
};

struct gn_ws_reader {
    struct gn_buf *message; /* the user's: what has come of the message */
    size_t max;             /* bytes of a message; may be changed between two */
    unsigned char head[14]; /* of the frame that is being read */
    unsigned head_len;
    bool is_masked;  /* what is read comes from a client */
    bool in_frame;   /* its head is complete */
    bool in_message; /* the last frame of a message has not begun */
    uint64_t left;   /* bytes of its payload still to come */
    unsigned phase;  /* of the mask, for the next byte */
    char control[GN_WS_CONTROL_MAX + 1];
    unsigned control_len;
    int status;          /* of a Close frame; after an error: to close with */
    const char *problem; /* after an error: what was wrong; static */
};

/* Of what a client sends. `message` is borrowed, and empty. */
void gn_ws_reader_init(struct gn_ws_reader *r, struct gn_buf *message, size_t max);
/* Of what a server sends. */
void gn_ws_reader_init_client(struct gn_ws_reader *r, struct gn_buf *message, size_t max);
/* Takes from *data and *len what it consumes; an event leaves the rest for the next call. GN_EPROTO
 * with `status` and `problem` set, from then on. */
int gn_ws_read(struct gn_ws_reader *r, const char **data, size_t *len);
/* Whether nothing of a message or frame is awaited. */
bool gn_ws_reader_is_between(const struct gn_ws_reader *r);

/* The head of a whole unmasked frame: returns its length. */
size_t gn_ws_write_head(unsigned char out[GN_WS_HEAD_MAX], enum gn_ws_opcode opcode, uint64_t len);
/* The same of a frame that is masked: with the key, which is to be unpredictable. */
size_t gn_ws_write_masked_head(unsigned char out[GN_WS_HEAD_MAX + GN_WS_MASK_BYTES],
                               enum gn_ws_opcode opcode, uint64_t len,
                               const unsigned char key[GN_WS_MASK_BYTES]);
/* The payload of a Close frame; the reason is cut where it is too long. Returns its length. */
size_t gn_ws_write_close(unsigned char out[GN_WS_CONTROL_MAX], int status, const char *reason);

/* Puts a mask on, or takes it off; `phase` is how many bytes of the payload came before. `out` may
 * be `in`. */
void gn_ws_mask(char *out, const char *in, size_t len, const unsigned char key[4], unsigned phase);

/* What a server answers to the key of a client's handshake (RFC 6455 4.2.2). */
void gn_ws_accept(char out[GN_WS_ACCEPT_MAX], const char *key);

#endif
