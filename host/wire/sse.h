/* sse.h - Server-Sent Events (the HTML standard's text/event-stream): writer and parser. */
#ifndef GN_WIRE_SSE_H
#define GN_WIRE_SSE_H

#include "util/buf.h"

/* Writing. Each appends whole lines; GN_ETOOBIG if they do not fit, GN_EINVAL (with nothing added)
 * if `event` or `id` contains a line end. Data may have any: it is split into lines at CR,
 * LF and CRLF, and a reader joins them with LF. */

/* One event with its empty line. event and id may be NULL: not written. */
int gn_sse_write_event(struct gn_buf *out, const char *event, const char *id, const char *data,
                       size_t len);
/* ": text" and an empty line: keeps a connection alive, readers ignore it. */
int gn_sse_write_comment(struct gn_buf *out, const char *text);
/* How long a reader should wait before it connects again; no event by itself. */
int gn_sse_write_retry(struct gn_buf *out, uint64_t retry_ms);

/* Reading. The parser takes the stream in pieces of any size and calls back once for each event,
 * before gn_sse_feed returns. An event that is not ended by an empty line is never reported. */

struct gn_sse_event {
    const char *event; /* "message" if the stream names none */
    const char *id;    /* the last id seen on this stream; "" if none */
    const char *data;  /* NUL-terminated; may contain NUL */
    size_t len;
};

/* Everything in the event is borrowed for the call. A result other than 0 stops gn_sse_feed, which
 * returns it. The callback may not feed or release the parser. */
typedef int (*gn_sse_fn)(void *arg, const struct gn_sse_event *event);

struct gn_sse_parser {
    gn_sse_fn on_event;
    void *arg;
    struct gn_buf line, data, event, id; /* id outlives events */
    int64_t retry_ms;                    /* what the stream asked for; -1: nothing */
    bool has_data;
    bool after_cr;   /* an LF that comes next belongs to the CR before */
    uint8_t started; /* bytes of a byte order mark seen; 3: past the beginning */
    int failed;      /* sticky */
};

/* max_bytes bounds a line, and the data of an event; 4096 a name or an id. Takes no memory yet. */
void gn_sse_parser_init(struct gn_sse_parser *p, size_t max_bytes, gn_sse_fn on_event, void *arg);
void gn_sse_parser_release(struct gn_sse_parser *p);
/* GN_ETOOBIG over the limit, or what the callback returned; either is returned from then on. */
int gn_sse_feed(struct gn_sse_parser *p, const char *bytes, size_t len);
/* The last id, also of events without data (which are not reported): for Last-Event-ID. Borrowed,
 * valid until more is fed; "" if there was none. */
const char *gn_sse_last_id(const struct gn_sse_parser *p);

#endif
