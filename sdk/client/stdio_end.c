/* stdio_end.c - the end of a program: it has ended and why, or it is ended, with its whole group.
 */
#include "stdio_internal.h"

#include "output.h"

#include "util/clock.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>

#define END_MS 2000    /* for it to end once its input has: as the official SDKs */
#define TERM_MS 2000   /* and once it was asked to */
#define KILLED_MS 5000 /* for the kernel to let it go, which takes no time unless a disk hangs */
#define LAST_MS 1000   /* to end after it has closed its input or output */
#define LOOK_MS 50     /* between looks at what is left of its group */
#define QUOTE_MAX 200  /* bytes of half a message */

/* ---------------------------------------------------------------- losing it */

uint64_t gn_stdio_unread_from(const struct gn_stdio *s)
{
    struct pollfd p = {.fd = s->child.in, .events = 0};
    int in_pipe = 0;
    uint64_t left = s->queue.len - s->written;
    if (s->child.in >= 0 && poll(&p, 1, 0) > 0 && (p.revents & POLLERR) &&
        ioctl(s->child.in, FIONREAD, &in_pipe) == 0 && in_pipe > 0)
        left += (uint64_t)in_pipe;
    return s->queued_total - GN_MIN(left, s->queued_total);
}

void gn_stdio_fail_from(struct gn_stdio *s, uintptr_t from, const struct gn_failure *why)
{
    gantry_client *c = gn_stdio_client(s);
    for (size_t i = 0; i < c->by_id_cap; i++) { /* what is told of it may change the table */
        gantry_request *r = c->by_id[i];
        if (r && r->link_data && (uintptr_t)r->link_data >= from)
            gn_link_failed(&s->link, r, why);
    }
}

void gn_stdio_lose(struct gn_stdio *s, gantry_client_status status, const struct gn_error *why)
{
    struct gn_failure f = {.status = status, .why = *why};
    if (s->is_lost || s->link.is_closing)
        return;
    s->is_lost = true;
    /* One that has never worked will not begin to. */
    f.is_passing = status == GANTRY_CLIENT_CONNECTION && gn_stdio_client(s)->ready_ms > 0;
    uint64_t from = gn_stdio_unread_from(s);
    struct gn_failure unread = f;
    unread.was_not_sent = true;
    gn_stdio_fail_from(s, (uintptr_t)from + 1, &unread);
    f.was_not_sent = from == 0;
    gn_link_lost(&s->link, &f);
}

static void add_last_words(const struct gn_stdio *s, struct gn_buf *text)
{
    if (s->line.len > 0) {
        gn_buf_adds(text, ", in the middle of the line \"");
        gn_output_plain(text, s->line.data, s->line.len, QUOTE_MAX);
        gn_buf_addc(text, '"');
    }
    /* Whoever is told all that it says needs no repetition. */
    if (s->words.len > 0 && !s->link.client->s.handlers.on_stderr)
        gn_buf_addf(text, "; it said last: %s", gn_buf_str(&s->words));
}

static void lose_ended(struct gn_stdio *s)
{
    struct gn_error why;
    struct gn_buf text = GN_BUF_INIT(GN_ERROR_MAX);
    gn_buf_addf(&text, "%.200s ", gn_stdio_client(s)->s.shown);
    if (s->child.has_ended)
        gn_child_describe(&s->child, &text);
    else
        gn_buf_addf(&text, "has closed its standard %s", s->closed);
    add_last_words(s, &text);
    gn_error_set(&why, GN_EPIPE, "%s", gn_buf_str(&text));
    gn_buf_release(&text);
    gn_stdio_lose(s, GANTRY_CLIENT_CONNECTION, &why);
}

static void on_last(struct gn_client_timer *timer)
{
    struct gn_stdio *s = GN_CONTAINER(timer, struct gn_stdio, patience);
    gn_child_look(&s->child);
    lose_ended(s);
}

void gn_stdio_expect_end(struct gn_stdio *s, const char *closed)
{
    if (s->closed || s->link.is_closing)
        return;
    s->closed = closed;
    gn_client_timer_start(gn_stdio_client(s), &s->patience, LAST_MS, on_last);
}

/* ---------------------------------------------------------------- its end */

static void go_on_ending(struct gn_stdio *s);

static void finish(struct gn_stdio *s)
{
    gn_stdio_drain_stderr(s);
    gn_client_timer_stop(&s->patience);
    gn_client_timer_stop(&s->look);
    gn_stdio_unwatch(&s->in, &s->child.in);
    gn_stdio_unwatch(&s->out, &s->child.out);
    gn_stdio_unwatch(&s->err, &s->child.err);
    if (s->end.is_open)
        uv_close((uv_handle_t *)&s->end.poll, gn_stdio_handle_closed);
    s->end.is_open = false;
    gn_child_reap(&s->child);
    uv_close((uv_handle_t *)&s->soon, gn_stdio_handle_closed);
}

static void on_impatient(struct gn_client_timer *timer)
{
    struct gn_stdio *s = GN_CONTAINER(timer, struct gn_stdio, patience);
    s->stage++;
    go_on_ending(s);
}

static uint64_t patience(const struct gn_stdio *s, uint64_t ms)
{
    return gn_stdio_client(s)->is_hurried ? GN_CLIENT_HURRY_MS : ms;
}

static void go_on_ending(struct gn_stdio *s)
{
    static const uint64_t times[] = {[GN_STDIO_INPUT_ENDED] = END_MS,
                                     [GN_STDIO_TERMINATED] = TERM_MS,
                                     [GN_STDIO_KILLED] = KILLED_MS};
    if (s->stage > GN_STDIO_KILLED) { /* nothing more can be done about it */
        finish(s);
        return;
    }
    if (s->stage >= GN_STDIO_TERMINATED)
        gn_stdio_end_input(s);
    if (s->stage == GN_STDIO_TERMINATED) {
        gn_child_signal(&s->child, SIGTERM);
        gn_child_signal(&s->child, SIGCONT); /* one that is stopped would not see it */
    } else if (s->stage == GN_STDIO_KILLED) {
        gn_child_signal(&s->child, SIGKILL);
    }
    gn_client_timer_start(gn_stdio_client(s), &s->patience,
                          s->stage == GN_STDIO_KILLED ? KILLED_MS : patience(s, times[s->stage]),
                          on_impatient);
}

/* It is over once the program has ended, and all others of its group. */
static void on_look(struct gn_client_timer *timer)
{
    struct gn_stdio *s = GN_CONTAINER(timer, struct gn_stdio, look);
    if (!gn_child_look(&s->child) || gn_child_has_others(&s->child))
        gn_client_timer_start(gn_stdio_client(s), &s->look, LOOK_MS, on_look);
    else
        finish(s);
}

void gn_stdio_on_end(uv_poll_t *poll, int status, int events)
{
    struct gn_stdio *s = poll->data;
    (void)status, (void)events;
    if (!gn_child_look(&s->child))
        return;
    uv_poll_stop(poll);
    if (s->link.is_closing) {
        gn_client_timer_start(gn_stdio_client(s), &s->look, 0, on_look);
        return;
    }
    gn_stdio_drain(s);
    lose_ended(s);
}

void gn_stdio_begin_end(struct gn_link *link)
{
    struct gn_stdio *s = GN_CONTAINER(link, struct gn_stdio, link);
    s->stage = s->end.is_open ? GN_STDIO_INPUT_ENDED : GN_STDIO_KILLED;
    if (s->queue.len == s->written || !s->in.is_open)
        gn_stdio_end_input(s); /* else once it is written */
    else
        gn_stdio_wake(s);
    go_on_ending(s);
    if (s->child.has_ended || !s->end.is_open)
        gn_client_timer_start(gn_stdio_client(s), &s->look, 0, on_look);
}

void gn_stdio_hurry(struct gn_link *link)
{
    struct gn_stdio *s = GN_CONTAINER(link, struct gn_stdio, link);
    uint64_t soon = gn_clock_ms() + GN_CLIENT_HURRY_MS;
    if (s->stage >= GN_STDIO_KILLED || !gn_client_timer_runs(&s->patience))
        return;
    if (gn_stdio_client(s)->is_impatient) {
        s->stage = GN_STDIO_KILLED;
        go_on_ending(s);
    } else if (s->patience.at_ms > soon) {
        gn_client_timer_start(gn_stdio_client(s), &s->patience, GN_CLIENT_HURRY_MS, on_impatient);
    }
}
