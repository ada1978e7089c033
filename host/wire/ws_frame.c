/* ws_frame.c - the reader checks a head as soon as its bytes are there, so that nothing is kept for
 * a frame that will be refused.
 */
#include "wire/ws_frame.h"

#include "util/str.h"

#include <string.h>

#define FIN 0x80u
#define RESERVED 0x70u
#define OPCODE 0x0Fu
#define CONTROL 0x08u
#define MASKED 0x80u
#define LENGTH 0x7Fu
#define LENGTH_16 126u
#define LENGTH_64 127u

void gn_ws_mask(char *out, const char *in, size_t len, const unsigned char key[4], unsigned phase)
{
    unsigned char turned[8];
    uint64_t key8, part;
    for (unsigned i = 0; i < 8; i++)
        turned[i] = key[(phase + i) % 4];
    memcpy(&key8, turned, 8);
    size_t at = 0;
    for (; len - at >= 8; at += 8) {
        memcpy(&part, in + at, 8);
        part ^= key8;
        memcpy(out + at, &part, 8);
    }
    for (size_t i = 0; at < len; at++, i++)
        out[at] = (char)((unsigned char)in[at] ^ turned[i]);
}

/* ---- reading */

static int fail(struct gn_ws_reader *r, int status, const char *problem)
{
    r->status = status;
    r->problem = problem;
    return GN_EPROTO;
}

static int wrong(struct gn_ws_reader *r, const char *problem)
{
    return fail(r, GN_WS_PROTOCOL_ERROR, problem);
}

static unsigned opcode_of(const struct gn_ws_reader *r)
{
    return r->head[0] & OPCODE;
}

static bool is_control(const struct gn_ws_reader *r)
{
    return (opcode_of(r) & CONTROL) != 0;
}

/* The first two bytes. */
static int check_kind(struct gn_ws_reader *r)
{
    unsigned opcode = opcode_of(r), length = r->head[1] & LENGTH;
    if (r->head[0] & RESERVED)
        return wrong(r, "a reserved bit is set: no extension was agreed");
    if (r->is_masked != ((r->head[1] & MASKED) != 0))
        return wrong(r,
                     r->is_masked ? "a client's frame has no mask" : "a server's frame has a mask");
    if (is_control(r)) {
        if (opcode > GN_WS_OP_PONG)
            return wrong(r, "unknown kind of frame");
        if (!(r->head[0] & FIN))
            return wrong(r, "a control frame is fragmented");
        return length > GN_WS_CONTROL_MAX ? wrong(r, "a control frame has more than 125 bytes") : 0;
    }
    if (opcode > GN_WS_OP_BINARY)
        return wrong(r, "unknown kind of frame");
    if (opcode == GN_WS_OP_CONTINUE && !r->in_message)
        return wrong(r, "a continuation, and no message has begun");
    if (opcode != GN_WS_OP_CONTINUE && r->in_message)
        return wrong(r, "a message begins inside another one");
    if (opcode == GN_WS_OP_BINARY)
        return fail(r, GN_WS_UNSUPPORTED, "messages are text, this one is binary");
    return 0;
}

static unsigned head_size(const struct gn_ws_reader *r)
{
    unsigned length = r->head[1] & LENGTH;
    unsigned key = r->is_masked ? GN_WS_MASK_BYTES : 0;
    return r->head_len < 2 ? 2 : key + (length == LENGTH_64 ? 10 : length == LENGTH_16 ? 4 : 2);
}

static const unsigned char *key_of(const struct gn_ws_reader *r)
{
    return r->head + r->head_len - GN_WS_MASK_BYTES;
}

/* All of the head is there. */
static int begin_frame(struct gn_ws_reader *r)
{
    unsigned length = r->head[1] & LENGTH;
    unsigned bytes = length == LENGTH_64 ? 8 : length == LENGTH_16 ? 2 : 0;
    uint64_t value = bytes ? 0 : length;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | r->head[2 + i];
    if (value >> 63 || (bytes == 2 && value < LENGTH_16) || (bytes == 8 && value <= UINT16_MAX))
        return wrong(r, "the length of a frame is not in its shortest form");
    if (!is_control(r)) {
        if (value > r->max || r->message->len > r->max - value)
            return fail(r, GN_WS_TOO_BIG, "the message is too large");
        r->in_message = !(r->head[0] & FIN);
    }
    r->left = value;
    r->phase = 0;
    r->control_len = 0;
    r->in_frame = true;
    return 0;
}

static int read_head(struct gn_ws_reader *r, const char **data, size_t *len)
{
    while (*len) {
        r->head[r->head_len++] = (unsigned char)*(*data)++;
        --*len;
        int rc = r->head_len == 2 ? check_kind(r) : 0;
        if (rc == 0 && r->head_len == head_size(r))
            return begin_frame(r);
        if (rc)
            return rc;
    }
    return 0;
}

static int read_payload(struct gn_ws_reader *r, const char **data, size_t *len)
{
    size_t part = (size_t)GN_MIN(r->left, *len);
    char *out = r->control + r->control_len;
    if (!is_control(r)) {
        out = gn_buf_reserve(r->message, part);
        if (!out)
            return fail(r, GN_WS_TOO_BIG, "the message is too large");
    }
    if (r->is_masked)
        gn_ws_mask(out, *data, part, key_of(r), r->phase);
    else
        memcpy(out, *data, part);
    if (is_control(r)) {
        r->control_len += (unsigned)part;
    } else {
        r->message->len += part;
        out[part] = '\0';
    }
    r->phase = (unsigned)((r->phase + part) % 4);
    r->left -= part;
    *data += part;
    *len -= part;
    return 0;
}

/* RFC 6455 7.4, and what has been registered since. */
static bool is_status(int status)
{
    return (status >= 1000 && status <= 1003) || (status >= 1007 && status <= 1014) ||
           (status >= 3000 && status <= 4999);
}

static int end_close(struct gn_ws_reader *r)
{
    r->status = GN_WS_NO_STATUS;
    if (r->control_len == 0)
        return GN_WS_CLOSE;
    if (r->control_len == 1)
        return wrong(r, "half a status in a Close frame");
    int status = (unsigned char)r->control[0] << 8 | (unsigned char)r->control[1];
    if (!is_status(status))
        return wrong(r, "a Close frame with a status that may not be sent");
    if (!gn_utf8_valid(r->control + 2, r->control_len - 2))
        return fail(r, GN_WS_BAD_TEXT, "the reason in a Close frame is not UTF-8");
    r->status = status;
    return GN_WS_CLOSE;
}

/* All of the frame is there. */
static int end_frame(struct gn_ws_reader *r)
{
    r->in_frame = false;
    r->head_len = 0;
    switch (opcode_of(r)) {
    case GN_WS_OP_CLOSE:
        return end_close(r);
    case GN_WS_OP_PING:
        return GN_WS_PING;
    case GN_WS_OP_PONG:
        return GN_WS_PONG;
    default:
        break;
    }
    if (r->in_message)
        return GN_WS_MORE;
    if (!gn_utf8_valid(gn_buf_str(r->message), r->message->len))
        return fail(r, GN_WS_BAD_TEXT, "the message is not UTF-8");
    return GN_WS_MESSAGE;
}

void gn_ws_reader_init(struct gn_ws_reader *r, struct gn_buf *message, size_t max)
{
    *r = (struct gn_ws_reader){.message = message, .max = max, .is_masked = true};
}

void gn_ws_reader_init_client(struct gn_ws_reader *r, struct gn_buf *message, size_t max)
{
    *r = (struct gn_ws_reader){.message = message, .max = max};
}

int gn_ws_read(struct gn_ws_reader *r, const char **data, size_t *len)
{
    while (!r->problem) {
        int rc = 0;
        if (!r->in_frame)
            rc = read_head(r, data, len);
        if (rc == 0 && !r->in_frame)
            return GN_WS_MORE;
        if (rc == 0 && r->left && *len)
            rc = read_payload(r, data, len);
        if (rc)
            return rc;
        if (r->left)
            return GN_WS_MORE;
        rc = end_frame(r);
        if (rc)
            return rc;
    }
    return GN_EPROTO;
}

bool gn_ws_reader_is_between(const struct gn_ws_reader *r)
{
    return !r->in_message && !r->in_frame && r->head_len == 0;
}

/* ---- writing */

size_t gn_ws_write_head(unsigned char out[GN_WS_HEAD_MAX], enum gn_ws_opcode opcode, uint64_t len)
{
    unsigned bytes = len < LENGTH_16 ? 0 : len <= UINT16_MAX ? 2 : 8;
    out[0] = (unsigned char)(FIN | (unsigned)opcode);
    out[1] = (unsigned char)(bytes == 0 ? len : bytes == 2 ? LENGTH_16 : LENGTH_64);
    for (unsigned i = 0; i < bytes; i++)
        out[2 + i] = (unsigned char)(len >> (8 * (bytes - 1 - i)));
    return 2 + bytes;
}

size_t gn_ws_write_masked_head(unsigned char out[GN_WS_HEAD_MAX + GN_WS_MASK_BYTES],
                               enum gn_ws_opcode opcode, uint64_t len,
                               const unsigned char key[GN_WS_MASK_BYTES])
{
    size_t at = gn_ws_write_head(out, opcode, len);
    out[1] |= MASKED;
    memcpy(out + at, key, GN_WS_MASK_BYTES);
    return at + GN_WS_MASK_BYTES;
}

size_t gn_ws_write_close(unsigned char out[GN_WS_CONTROL_MAX], int status, const char *reason)
{
    if (status == GN_WS_NO_STATUS)
        return 0;
    size_t len = gn_utf8_cut(reason, strlen(reason), GN_WS_CONTROL_MAX - 2);
    out[0] = (unsigned char)(status >> 8);
    out[1] = (unsigned char)status;
    for (size_t i = 0; i < len; i++)
        out[2 + i] = (unsigned char)reason[i];
    return len + 2;
}
