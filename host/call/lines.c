/* lines.c - the queue of log lines for one client.
 *
 * Each line is in two lists: one of all lines, in order, and one of its level, so that the first
 * and the oldest of the lowest level are found, and any is taken out, at once.
 */
#include "call/lines.h"

#include "observe/metrics.h"
#include "observe/rules.h"
#include "util/alloc.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define LEVELS 8
#define RETRY_MS 20 /* until a slow client is tried again */

/* What a queue goes by that has no rules to go by. */
#define BUFFER_SIZE 100
#define FLUSH_MS 100
#define MAX_LINES 1000
#define MAX_BYTES ((uint64_t)1 << 20)

static const char method[] = "notifications/message";

struct line {
    struct gn_list in_order, in_level;
    enum gn_level level;
    size_t len;
    char params[];
};

#define LINES_MAGIC 0x11e5ca11u
struct gn_lines {
    uint32_t magic;
    struct gn_call *call;       /* the outermost; NULL once it is gone */
    struct gn_metrics *metrics; /* or NULL */
    uint32_t buffer_size, flush_ms, max_lines;
    uint64_t max_bytes;
    pthread_mutex_t mutex; /* over what follows */
    struct gn_list all, levels[LEVELS];
    uint32_t count;
    uint64_t bytes, dropped;
    bool is_posted, is_closed;
    /* [loop] */
    struct gn_post post;
    struct gn_timer timer;
    bool is_blocked, is_flushing; /* blocked: the client reads slowly; the timer tries again */
};

static struct gn_call *outermost(const struct gn_call *call)
{
    while (call->parent)
        call = call->parent;
    return (struct gn_call *)call;
}

static struct gn_lines *lines_of(const struct gn_call *call)
{
    return __atomic_load_n(&call->lines, __ATOMIC_ACQUIRE);
}

/* The first line of a call makes its queue. Only the code of the call does, one at a time. */
static struct gn_lines *make_lines(struct gn_call *call)
{
    struct gn_lines *l = gn_calloc(1, sizeof *l);
    struct gn_log_rules *rules = gn_log_rules_of(call->env->log);
    l->magic = LINES_MAGIC;
    l->call = call;
    l->metrics = call->env->metrics;
    l->buffer_size = rules ? rules->client_buffer : BUFFER_SIZE;
    l->flush_ms = rules ? rules->client_flush_ms : FLUSH_MS;
    l->max_lines = rules ? rules->client_queue : MAX_LINES;
    l->max_bytes = rules ? rules->client_bytes : MAX_BYTES;
    gn_log_rules_unref(rules);
    pthread_mutex_init(&l->mutex, NULL);
    gn_list_init(&l->all);
    for (size_t i = 0; i < LEVELS; i++)
        gn_list_init(&l->levels[i]);
    __atomic_store_n(&call->lines, l, __ATOMIC_RELEASE);
    return l;
}

/* ---------------------------------------------------------------- the queue, under the mutex */

static uint64_t size_of(const struct line *line)
{
    return sizeof *line + line->len;
}

static void take_out(struct gn_lines *l, struct line *line)
{
    gn_list_remove(&line->in_order);
    gn_list_remove(&line->in_level);
    l->count--;
    l->bytes -= size_of(line);
}

static void count_dropped(struct gn_lines *l)
{
    l->dropped++;
    gn_metrics_count(l->metrics, GN_COUNT_LOG_DROPPED, 1);
}

static void drop(struct gn_lines *l, struct line *line)
{
    take_out(l, line);
    gn_free(line);
    count_dropped(l);
}

/* The oldest line of the lowest level, up to `level`; NULL: all are higher. */
static struct line *lowest(struct gn_lines *l, enum gn_level level)
{
    for (int i = 0; i <= (int)level; i++) {
        if (!gn_list_empty(&l->levels[i]))
            return GN_CONTAINER(l->levels[i].next, struct line, in_level);
    }
    return NULL;
}

static bool is_full(const struct gn_lines *l, uint64_t more)
{
    return l->count >= l->max_lines || l->bytes + more > l->max_bytes;
}

/* Makes room by dropping what is not above `level`; false: there is none for this line. */
static bool make_room(struct gn_lines *l, enum gn_level level, uint64_t size)
{
    if (size > l->max_bytes)
        return false;
    while (is_full(l, size)) {
        struct line *victim = lowest(l, level);
        if (!victim)
            return false;
        drop(l, victim);
    }
    return true;
}

static void add(struct gn_lines *l, enum gn_level level, const char *params, size_t len)
{
    if (!make_room(l, level, sizeof(struct line) + len)) {
        count_dropped(l);
        return;
    }
    struct line *line = gn_malloc(sizeof *line + len);
    line->level = level;
    line->len = len;
    memcpy(line->params, params, len);
    gn_list_append(&l->all, &line->in_order);
    gn_list_append(&l->levels[level], &line->in_level);
    l->count++;
    l->bytes += size_of(line);
}

static void drop_all(struct gn_lines *l)
{
    while (!gn_list_empty(&l->all))
        drop(l, GN_CONTAINER(l->all.next, struct line, in_order));
}

/* ---------------------------------------------------------------- sending [loop] */

static int notify(struct gn_lines *l, const char *params, size_t len, enum gn_weight weight)
{
    struct gn_call *call = l->call;
    if (!call->ops || !call->ops->notify || call->finished)
        return GN_EPIPE;
    return call->ops->notify(call, method, params, len, weight);
}

/* Says how many lines are missing. */
static int tell_dropped(struct gn_lines *l, enum gn_weight weight)
{
    pthread_mutex_lock(&l->mutex);
    uint64_t dropped = l->dropped;
    pthread_mutex_unlock(&l->mutex);
    if (dropped == 0)
        return 0;
    char text[128];
    snprintf(text, sizeof text, "%llu log message%s dropped: the client does not read fast enough",
             (unsigned long long)dropped, dropped == 1 ? " was" : "s were");
    struct gn_buf params = GN_BUF_INIT(1024);
    struct gn_jw w;
    gn_jw_init(&w, &params);
    gn_jw_object(&w, NULL);
    gn_jw_str(&w, "level", gn_level_names[GN_MAX((int)GN_WARNING, l->call->log_level)]);
    gn_jw_str(&w, "logger", "gantry");
    gn_jw_object(&w, "data");
    gn_jw_str(&w, "message", text);
    gn_jw_object(&w, "context");
    gn_jw_int(&w, "dropped", (int64_t)dropped);
    gn_jw_end(&w);
    gn_jw_end(&w);
    gn_jw_end(&w);
    int rc = notify(l, gn_buf_str(&params), params.len, weight);
    gn_buf_release(&params);
    pthread_mutex_lock(&l->mutex);
    if (rc == 0)
        l->dropped -= dropped;
    pthread_mutex_unlock(&l->mutex);
    return rc;
}

static struct line *pop(struct gn_lines *l)
{
    struct line *line = NULL;
    pthread_mutex_lock(&l->mutex);
    if (!gn_list_empty(&l->all)) {
        line = GN_CONTAINER(l->all.next, struct line, in_order);
        take_out(l, line);
    }
    pthread_mutex_unlock(&l->mutex);
    return line;
}

static void put_back(struct gn_lines *l, struct line *line)
{
    pthread_mutex_lock(&l->mutex);
    gn_list_prepend(&l->all, &line->in_order);
    gn_list_prepend(&l->levels[line->level], &line->in_level);
    l->count++;
    l->bytes += size_of(line);
    pthread_mutex_unlock(&l->mutex);
}

static uint32_t count_of(struct gn_lines *l)
{
    pthread_mutex_lock(&l->mutex);
    uint32_t count = l->count;
    pthread_mutex_unlock(&l->mutex);
    return count;
}

/* Sends what is there now, and not what a worker adds meanwhile: it may be faster than this. 0;
 * GN_EBUSY: the client reads slowly; else nothing will ever get through. */
static int send_all(struct gn_lines *l, enum gn_weight weight)
{
    struct line *line;
    uint32_t left = count_of(l);
    int rc = tell_dropped(l, weight);
    for (; rc == 0 && left > 0 && (line = pop(l)); left--) {
        rc = notify(l, line->params, line->len, weight);
        if (rc == GN_EBUSY)
            put_back(l, line);
        else
            gn_free(line);
    }
    return rc;
}

static void close_lines(struct gn_lines *l)
{
    gn_timer_stop(&l->timer);
    pthread_mutex_lock(&l->mutex);
    l->is_closed = true;
    drop_all(l);
    pthread_mutex_unlock(&l->mutex);
}

static void flush(struct gn_lines *l);

static void on_timer(struct gn_timer *timer)
{
    flush(GN_CONTAINER(timer, struct gn_lines, timer));
}

static void flush_in(struct gn_lines *l, uint32_t ms)
{
    gn_timer_start(l->call->env->loop, &l->timer, ms, on_timer);
}

static bool is_due(const struct gn_lines *l, uint32_t count)
{
    return count >= l->buffer_size || (count > 0 && l->flush_ms == 0);
}

static void flush(struct gn_lines *l)
{
    if (l->is_flushing || l->is_closed)
        return;
    l->is_flushing = true;
    int rc = send_all(l, GN_MAY);
    l->is_flushing = false;
    l->is_blocked = rc == GN_EBUSY;
    gn_timer_stop(&l->timer);
    uint32_t left = count_of(l);
    if (l->is_blocked)
        flush_in(l, RETRY_MS);
    else if (rc)
        close_lines(l);
    else if (left > 0)
        flush_in(l, is_due(l, left) ? 0 : l->flush_ms);
}

/* Something was put in: sends it now, or sees to it that it is sent in time. */
static void consider(struct gn_lines *l)
{
    uint32_t count = count_of(l);
    if (l->is_blocked || l->is_closed || l->is_flushing || count == 0)
        return;
    if (is_due(l, count))
        flush(l);
    else if (!gn_timer_is_running(&l->timer))
        flush_in(l, l->flush_ms);
}

static void lines_free(struct gn_lines *l)
{
    GN_CHECK(l, LINES_MAGIC);
    drop_all(l);
    pthread_mutex_destroy(&l->mutex);
    l->magic = 0;
    gn_free(l);
}

static void on_post(struct gn_post *post)
{
    struct gn_lines *l = GN_CONTAINER(post, struct gn_lines, post);
    GN_CHECK(l, LINES_MAGIC);
    pthread_mutex_lock(&l->mutex);
    l->is_posted = false;
    pthread_mutex_unlock(&l->mutex);
    if (!l->call)
        lines_free(l);
    else if (l->call->finished)
        close_lines(l);
    else
        consider(l);
}

/* ---------------------------------------------------------------- outside */

void gn_lines_put(struct gn_call *inner, enum gn_level level, const char *params, size_t len)
{
    struct gn_call *call = outermost(inner);
    struct gn_lines *l = lines_of(call);
    if (!l)
        l = make_lines(call);
    GN_CHECK(l, LINES_MAGIC);
    bool on_loop = gn_loop_is_current(call->env->loop);
    pthread_mutex_lock(&l->mutex);
    if (l->is_closed) {
        pthread_mutex_unlock(&l->mutex);
        return;
    }
    uint32_t before = l->count;
    add(l, level, params, len);
    bool matters = before == 0 || l->count == l->buffer_size || l->flush_ms == 0;
    bool wake = matters && !l->is_posted && l->count;
    l->is_posted = l->is_posted || (wake && !on_loop);
    pthread_mutex_unlock(&l->mutex);
    if (!wake)
        return;
    if (on_loop)
        consider(l);
    else
        gn_loop_post(call->env->loop, &l->post, on_post);
}

bool gn_lines_flush(struct gn_call *call)
{
    struct gn_lines *l = lines_of(call);
    if (!l)
        return true;
    GN_CHECK(l, LINES_MAGIC);
    flush(l);
    return !l->is_blocked;
}

/* False if they are being sent this moment. */
static bool settle(struct gn_lines *l)
{
    GN_CHECK(l, LINES_MAGIC);
    if (l->is_closed || l->is_flushing)
        return false;
    l->is_flushing = true;
    if (send_all(l, GN_SHOULD) == GN_EBUSY) {
        pthread_mutex_lock(&l->mutex);
        drop_all(l);
        pthread_mutex_unlock(&l->mutex);
        (void)tell_dropped(l, GN_MUST);
    }
    l->is_flushing = false;
    return true;
}

void gn_lines_settle(struct gn_call *call)
{
    struct gn_lines *l = lines_of(call);
    if (l)
        settle(l);
}

void gn_lines_end(struct gn_call *call)
{
    struct gn_lines *l = lines_of(call);
    if (l && settle(l))
        close_lines(l);
}

void gn_lines_free(struct gn_call *call)
{
    struct gn_lines *l = lines_of(call);
    if (!l)
        return;
    call->lines = NULL;
    gn_timer_stop(&l->timer);
    l->call = NULL;
    if (!l->is_posted)
        lines_free(l);
}
