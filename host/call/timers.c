/* timers.c - counting nanoseconds by name. */
#include "call/timers.h"

#include "call/lines.h"
#include "util/str.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define CATEGORY "performance"
#define NS_PER_S 1e9
#define TEXT_MAX 4096

struct timer {
    const char *name;
    uint64_t began_ns;
    uint32_t depth; /* begun and not ended */
    uint64_t count, total_ns, max_ns;
};

struct gn_call_timers {
    size_t count;
    struct timer v[GN_CALL_TIMERS_MAX];
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct timer *find(const struct gn_call *call, const char *name)
{
    struct gn_call_timers *timers = call->timers;
    for (size_t i = 0; name && timers && i < timers->count; i++) {
        if (gn_streq(timers->v[i].name, name))
            return &timers->v[i];
    }
    return NULL;
}

static struct timer *add(struct gn_call *call, const char *name)
{
    if (!call->timers)
        call->timers = gn_arena_calloc(&call->arena, sizeof *call->timers);
    struct gn_call_timers *timers = call->timers;
    if (!timers || timers->count == GN_COUNT(timers->v))
        return NULL;
    char *copy = gn_arena_strdup(&call->arena, name);
    if (!copy)
        return NULL;
    struct timer *t = &timers->v[timers->count++];
    t->name = copy;
    return t;
}

int gn_call_timer_begin(struct gn_call *call, const char *name)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    if (!name || !*name || strlen(name) > GN_CALL_TIMER_NAME)
        return GN_EINVAL;
    struct timer *t = find(call, name);
    if (!t && !(t = add(call, name)))
        return GN_ETOOBIG;
    if (t->depth++ == 0)
        t->began_ns = now_ns();
    return 0;
}

int gn_call_timer_end(struct gn_call *call, const char *name)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    uint64_t now = now_ns();
    struct timer *t = find(call, name);
    if (!t || t->depth == 0)
        return GN_EINVAL;
    if (--t->depth > 0)
        return 0;
    uint64_t took = now - t->began_ns;
    t->count++;
    t->total_ns += took;
    t->max_ns = GN_MAX(t->max_ns, took);
    return 0;
}

int gn_call_timer_elapsed(struct gn_call *call, const char *name, double *ret_seconds)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    const struct timer *t = find(call, name);
    if (!t)
        return GN_ENOENT;
    *ret_seconds = (double)t->total_ns / NS_PER_S;
    return 0;
}

static void write_timer(const struct timer *t, struct gn_buf *out)
{
    struct gn_jw w;
    gn_jw_init(&w, out);
    gn_jw_object(&w, NULL);
    gn_jw_int(&w, "count", (int64_t)t->count);
    gn_jw_num(&w, "total", (double)t->total_ns / NS_PER_S);
    gn_jw_num(&w, "mean", (double)t->total_ns / NS_PER_S / (double)t->count);
    gn_jw_num(&w, "max", (double)t->max_ns / NS_PER_S);
    gn_jw_end(&w);
}

static void add_words(const struct timer *t, struct gn_buf *text)
{
    gn_buf_addf(text, "%s%s %.3f ms", text->len ? ", " : "", t->name, (double)t->total_ns / 1e6);
    if (t->count > 1)
        gn_buf_addf(text, " (%llu times)", (unsigned long long)t->count);
}

int gn_call_timer_summary(struct gn_call *call)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    struct gn_call_timers *timers = call->timers;
    struct gn_log_json fields[GN_CALL_TIMERS_MAX];
    struct gn_buf bufs[GN_CALL_TIMERS_MAX];
    size_t n = 0;
    struct gn_buf text = GN_BUF_INIT(TEXT_MAX);
    for (size_t i = 0; timers && i < timers->count; i++) {
        const struct timer *t = &timers->v[i];
        if (t->count == 0)
            continue;
        bufs[n] = GN_BUF_INIT(1024);
        write_timer(t, &bufs[n]);
        fields[n] = (struct gn_log_json){t->name, gn_buf_str(&bufs[n])};
        add_words(t, &text);
        n++;
    }
    if (n > 0)
        gn_call_log_json(call, GN_INFO, CATEGORY, fields, n, gn_buf_str(&text));
    for (size_t i = 0; i < n; i++)
        gn_buf_release(&bufs[i]);
    gn_buf_release(&text);
    return n > 0 ? 0 : GN_ENOENT;
}
