/* stdio_internal.h - what the files of the stdio transport share: stdio.c begins it and writes,
 * stdio_read.c reads, stdio_end.c sees its end, or brings it about. */
#ifndef GN_CLIENT_STDIO_INTERNAL_H
#define GN_CLIENT_STDIO_INTERNAL_H

#include "child.h"
#include "internal.h"

/* link_data of a request: one more than where its message begins in all that was ever queued; or
 * that it has found no room. */
#define GN_STDIO_REFUSED UINTPTR_MAX

#define GN_STDIO_READ_SIZE 65536  /* bytes that are read at once */
#define GN_STDIO_STDERR_LINE 4096 /* bytes; a longer line is handed on in pieces */
#define GN_STDIO_WORDS 1024       /* bytes of last words, with what is just being added */

enum gn_stdio_stage {
    GN_STDIO_RUNNING,
    GN_STDIO_INPUT_ENDED,
    GN_STDIO_TERMINATED,
    GN_STDIO_KILLED
};

/* One of its pipes or its pidfd, watched. */
struct gn_stdio_watch {
    uv_poll_t poll;
    bool is_open;
};

struct gn_stdio {
    struct gn_link link; /* first */
    struct gn_child child;
    struct gn_stdio_watch in, out, err, end;
    uv_idle_t soon;
    unsigned open_handles; /* of uv */
    struct gn_client_timer patience, look;
    enum gn_stdio_stage stage;
    bool was_opened, is_lost;
    bool has_refused;        /* some requests found no room in the queue */
    const char *closed;      /* "input" or "output", which it has closed without ending */
    struct gn_error no_file; /* why standard error is not kept: noted once the loop runs */
    struct gn_error cannot;  /* told once the loop runs */
    struct gn_buf queue;     /* to be written: from `written` on */
    size_t written;          /* bytes of the queue */
    uint64_t queued_total;   /* bytes ever put into it */
    struct gn_buf line;      /* of its output: not whole yet */
    size_t searched;         /* bytes of it in which there is no end of a line */
    unsigned nonsense;       /* in a row */
    struct gn_buf said;      /* of its standard error: a line that is not whole yet */
    struct gn_buf words;     /* its last lines there */
    int stderr_fd;           /* the file for it; -1: none */
};

static inline gantry_client *gn_stdio_client(const struct gn_stdio *s)
{
    return s->link.client;
}

/* ---- stdio.c */
/* No more is read from, or written to it: the handle, if it is open, and the descriptor. */
void gn_stdio_unwatch(struct gn_stdio_watch *watch, int *fd);
void gn_stdio_handle_closed(uv_handle_t *handle); /* for uv_close: the last one ends the link */
void gn_stdio_end_input(struct gn_stdio *s);
void gn_stdio_empty(struct gn_buf *b); /* ... of everything, and of most of its memory */
/* What is queued is written, and what is to be told is told, at the next turn of the loop. */
void gn_stdio_wake(struct gn_stdio *s);

/* ---- stdio_read.c */
void gn_stdio_on_output(uv_poll_t *poll, int status, int events);
void gn_stdio_on_stderr(uv_poll_t *poll, int status, int events);
/* All that it has written before it ended. Handlers are called: the link may be closing after. */
void gn_stdio_drain(struct gn_stdio *s);
/* ... to standard error only. */
void gn_stdio_drain_stderr(struct gn_stdio *s);

/* ---- stdio_end.c */
void gn_stdio_on_end(uv_poll_t *poll, int status, int events); /* of its pidfd */
/* It is of no use any more: told to the client, which closes the link. Once; not if it closes. */
void gn_stdio_lose(struct gn_stdio *s, gantry_client_status status, const struct gn_error *why);
/* It has closed its "input" or "output": most likely it is ending, and how is worth telling. */
void gn_stdio_expect_end(struct gn_stdio *s, const char *closed);
/* Where what it has surely not read begins, in all that was ever queued: what is still in the pipe
 * when nobody is left who could read it, and what never got there. */
uint64_t gn_stdio_unread_from(const struct gn_stdio *s);
/* The requests whose link_data is `from` or more have failed. */
void gn_stdio_fail_from(struct gn_stdio *s, uintptr_t from, const struct gn_failure *why);
void gn_stdio_begin_end(struct gn_link *link); /* of gn_link_ops, as the next one */
void gn_stdio_hurry(struct gn_link *link);

#endif
