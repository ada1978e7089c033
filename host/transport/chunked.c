/* chunked.c - one state for each place in the coding. */
#include "transport/chunked.h"

#define MAX_DIGITS 12            /* of a chunk's size: 2^48 */
#define MAX_OVERHEAD (8u * 1024) /* extensions and trailers */

enum {
    SIZE,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER,      /* at the start of a line */
    TRAILER_LINE, /* within one */
    TRAILER_LF,
    LAST_LF,
    DONE,
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A byte of a chunk's size and what follows it. */
static int size_byte(struct gn_chunked *c, char byte)
{
    int digit = hex_digit(byte);
    if (digit >= 0) {
        c->left = c->left << 4 | (unsigned)digit;
        return ++c->digits <= MAX_DIGITS ? SIZE : GN_EPROTO;
    }
    if (c->digits == 0)
        return GN_EPROTO;
    if (byte == '\r')
        return SIZE_LF;
    return byte == ';' || byte == ' ' || byte == '\t' ? EXTENSION : GN_EPROTO;
}

static int after_size(struct gn_chunked *c)
{
    c->digits = 0;
    return c->left ? DATA : TRAILER;
}

/* The next state; GN_EPROTO. */
static int step(struct gn_chunked *c, char byte)
{
    switch (c->state) {
    case SIZE:
        return size_byte(c, byte);
    case EXTENSION:
        return byte == '\n' ? GN_EPROTO : byte == '\r' ? SIZE_LF : EXTENSION;
    case SIZE_LF:
        return byte == '\n' ? after_size(c) : GN_EPROTO;
    case DATA_CR:
        return byte == '\r' ? DATA_LF : GN_EPROTO;
    case DATA_LF:
        return byte == '\n' ? SIZE : GN_EPROTO;
    case TRAILER:
        return byte == '\r' ? LAST_LF : byte == '\n' ? GN_EPROTO : TRAILER_LINE;
    case TRAILER_LINE:
        return byte == '\n' ? GN_EPROTO : byte == '\r' ? TRAILER_LF : TRAILER_LINE;
    case TRAILER_LF:
        return byte == '\n' ? TRAILER : GN_EPROTO;
    case LAST_LF:
        return byte == '\n' ? DONE : GN_EPROTO;
    default:
        return GN_EPROTO;
    }
}

void gn_chunked_init(struct gn_chunked *c)
{
    *c = (struct gn_chunked){.state = SIZE};
}

int gn_chunked_next(struct gn_chunked *c, const char **data, size_t *len, const char **ret_piece,
                    size_t *ret_len)
{
    while (c->state != DONE && *len) {
        if (c->state == DATA) {
            size_t part = *len < c->left ? *len : (size_t)c->left;
            *ret_piece = *data;
            *ret_len = part;
            *data += part;
            *len -= part;
            c->left -= part;
            if (c->left == 0)
                c->state = DATA_CR;
            return GN_CHUNKED_DATA;
        }
        if (c->state == EXTENSION || c->state == TRAILER_LINE)
            c->overhead++;
        int next = step(c, **data);
        if (next < 0 || c->overhead > MAX_OVERHEAD)
            return GN_EPROTO;
        c->state = next;
        ++*data;
        --*len;
    }
    return c->state == DONE ? GN_CHUNKED_END : GN_CHUNKED_MORE;
}
