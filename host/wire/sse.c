/* sse.c - Server-Sent Events. */
#include "wire/sse.h"

#include "util/error.h"
#include "util/str.h"

#include <string.h>

#define MAX_NAME 4096 /* of an event name or an id */
#define STARTED 3

static const char byte_order_mark[STARTED] = "\xEF\xBB\xBF";

/* First CR or LF in s..end, or end. In growing steps, since there are two characters to look for: a
 * stream of lone CRs must not be searched to its end for an LF each time. */
static const char *line_end(const char *s, const char *end)
{
    for (size_t step = 64; s < end; step *= 2) {
        size_t len = GN_MIN(step, (size_t)(end - s));
        const char *lf = memchr(s, '\n', len);
        const char *cr = memchr(s, '\r', lf ? (size_t)(lf - s) : len);
        if (cr || lf)
            return cr ? cr : lf;
        s += len;
    }
    return end;
}

static void write_field(struct gn_buf *out, const char *name, const char *value, size_t len)
{
    gn_buf_adds(out, name);
    gn_buf_add(out, ": ", 2);
    gn_buf_add(out, value, len);
    gn_buf_addc(out, '\n');
}

/* Each line of text becomes a field. */
static void write_lines(struct gn_buf *out, const char *name, const char *text, size_t len)
{
    const char *end = text + len;
    for (;;) {
        const char *stop = line_end(text, end);
        write_field(out, name, text, (size_t)(stop - text));
        if (stop == end)
            return;
        text = stop + (stop + 1 < end && stop[0] == '\r' && stop[1] == '\n' ? 2 : 1);
    }
}

static bool one_line(const char *s)
{
    return !s || strpbrk(s, "\r\n") == NULL;
}

/* A field of the same name replaces the one before. */
static int keep(struct gn_buf *b, const char *value, size_t len)
{
    gn_buf_clear(b);
    return gn_buf_add(b, value, len);
}

static int dispatch(struct gn_sse_parser *p)
{
    int rc = 0;
    if (p->has_data) {
        gn_buf_cut(&p->data, p->data.len - 1); /* the LF behind the last line */
        struct gn_sse_event e = {
            .event = p->event.len ? gn_buf_str(&p->event) : "message",
            .id = gn_buf_str(&p->id),
            .data = gn_buf_str(&p->data),
            .len = p->data.len,
        };
        rc = p->on_event(p->arg, &e);
    }
    gn_buf_clear(&p->data);
    gn_buf_clear(&p->event);
    p->has_data = false;
    return rc;
}

static void read_retry(struct gn_sse_parser *p, const char *value, size_t len)
{
    char digits[20];
    int64_t ms;
    if (len == 0 || len >= sizeof(digits) || value[0] == '-' || value[0] == '+')
        return;
    memcpy(digits, value, len);
    digits[len] = '\0';
    if (strlen(digits) == len && gn_parse_int64(digits, &ms))
        p->retry_ms = ms;
}

static bool is_field(const char *line, size_t len, const char *name)
{
    return len == strlen(name) && memcmp(line, name, len) == 0;
}

static int read_line(struct gn_sse_parser *p, const char *line, size_t len)
{
    if (len == 0)
        return dispatch(p);
    const char *colon = memchr(line, ':', len);
    size_t name_len = colon ? (size_t)(colon - line) : len;
    const char *value = colon ? colon + 1 : line + len;
    size_t value_len = (size_t)(line + len - value);
    if (value_len && value[0] == ' ')
        value++, value_len--;
    if (is_field(line, name_len, "data")) {
        p->has_data = true;
        gn_buf_add(&p->data, value, value_len);
        return gn_buf_addc(&p->data, '\n');
    }
    if (is_field(line, name_len, "event"))
        return keep(&p->event, value, value_len);
    if (is_field(line, name_len, "id") && !memchr(value, '\0', value_len))
        return keep(&p->id, value, value_len);
    if (is_field(line, name_len, "retry"))
        read_retry(p, value, value_len);
    return 0; /* comments and unknown fields */
}

/* Skips a byte order mark, which may come in pieces; what only looked like one begins a line. */
static int begin(struct gn_sse_parser *p, const char **bytes, const char *end)
{
    while (p->started < STARTED && *bytes < end) {
        if (**bytes != byte_order_mark[p->started]) {
            int rc = gn_buf_add(&p->line, byte_order_mark, p->started);
            p->started = STARTED;
            return rc;
        }
        p->started++;
        ++*bytes;
    }
    return 0;
}

static int feed(struct gn_sse_parser *p, const char *s, const char *end)
{
    int rc = begin(p, &s, end);
    while (rc == 0 && s < end) {
        if (p->after_cr && *s == '\n')
            s++;
        p->after_cr = false;
        if (s == end)
            break;
        const char *stop = line_end(s, end);
        size_t len = (size_t)(stop - s);
        if (stop == end)
            return gn_buf_add(&p->line, s, len); /* to be continued */
        p->after_cr = *stop == '\r';
        if (p->line.len) {
            rc = gn_buf_add(&p->line, s, len);
            if (rc == 0)
                rc = read_line(p, p->line.data, p->line.len);
            gn_buf_clear(&p->line);
        } else {
            rc = len > p->line.max ? GN_ETOOBIG : read_line(p, s, len);
        }
        s = stop + 1;
    }
    return rc;
}

int gn_sse_write_event(struct gn_buf *out, const char *event, const char *id, const char *data,
                       size_t len)
{
    if (!one_line(event) || !one_line(id))
        return GN_EINVAL;
    if (id)
        write_field(out, "id", id, strlen(id));
    if (event)
        write_field(out, "event", event, strlen(event));
    write_lines(out, "data", data, len);
    return gn_buf_addc(out, '\n');
}

int gn_sse_write_comment(struct gn_buf *out, const char *text)
{
    write_lines(out, "", text, strlen(text));
    return gn_buf_addc(out, '\n');
}

int gn_sse_write_retry(struct gn_buf *out, uint64_t retry_ms)
{
    return gn_buf_addf(out, "retry: %llu\n", (unsigned long long)retry_ms);
}

void gn_sse_parser_init(struct gn_sse_parser *p, size_t max_bytes, gn_sse_fn on_event, void *arg)
{
    *p = (struct gn_sse_parser){.on_event = on_event, .arg = arg, .retry_ms = -1};
    gn_buf_init(&p->line, max_bytes);
    gn_buf_init(&p->data, max_bytes < SIZE_MAX ? max_bytes + 1 : max_bytes); /* an LF */
    gn_buf_init(&p->event, MAX_NAME);
    gn_buf_init(&p->id, MAX_NAME);
}

void gn_sse_parser_release(struct gn_sse_parser *p)
{
    gn_buf_release(&p->line);
    gn_buf_release(&p->data);
    gn_buf_release(&p->event);
    gn_buf_release(&p->id);
}

int gn_sse_feed(struct gn_sse_parser *p, const char *bytes, size_t len)
{
    if (p->failed == 0)
        p->failed = feed(p, bytes, bytes + len);
    return p->failed;
}

const char *gn_sse_last_id(const struct gn_sse_parser *p)
{
    return gn_buf_str(&p->id);
}
