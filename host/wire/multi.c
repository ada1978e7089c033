/* multi.c - libcurl's multi interface on a libuv loop. */
#include "wire/multi.h"

#include "util/alloc.h"

#include <stdint.h>

#define MULTI_MAGIC 0x6d756c74U /* "mult" */
#define IDLE_CONNECTIONS 64

struct gn_multi {
    uint32_t magic;
    uv_loop_t *loop;
    CURLM *curl; /* NULL: closed */
    uv_timer_t timer;
    uv_idle_t soon; /* instead of the timer, when libcurl wants to be called at once */
    struct gn_list marked;
    size_t open_handles; /* of uv, that are not closed yet */
    size_t running;      /* transfers */
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

/* A socket of libcurl's that is watched. */
struct socket {
    uv_poll_t uv;
    struct gn_multi *multi;
    curl_socket_t fd;
};

/* ---------------------------------------------------------------- what is told */

static void tell_marked(struct gn_multi *m)
{
    struct gn_list *n;
    while ((n = gn_list_pop(&m->marked))) {
        struct gn_transfer *t = GN_CONTAINER(n, struct gn_transfer, marked);
        if (t->on_data)
            t->on_data(t);
    }
}

static void tell_done(struct gn_multi *m)
{
    CURLMsg *msg;
    int left;
    while (m->curl && (msg = curl_multi_info_read(m->curl, &left))) {
        struct gn_transfer *t = NULL;
        CURLcode result = msg->data.result; /* msg goes with the handle */
        if (msg->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        if (!t->stays)
            gn_transfer_remove(t);
        t->on_done(t, result);
    }
}

static void act(struct gn_multi *m, curl_socket_t fd, int flags)
{
    int running;
    curl_multi_socket_action(m->curl, fd, flags, &running);
    tell_marked(m);
    tell_done(m);
}

/* ---------------------------------------------------------------- libcurl and the loop */

static void on_handle_closed(struct gn_multi *m)
{
    if (--m->open_handles > 0)
        return;
    void (*on_closed)(void *arg) = m->on_closed;
    void *arg = m->on_closed_arg;
    m->magic = 0;
    gn_free(m);
    if (on_closed)
        on_closed(arg);
}

static void set_clock(struct gn_multi *m, long timeout_ms);

/* It may have been a moment too early: libcurl then did nothing, and does not ask again. */
static void on_time(struct gn_multi *m)
{
    long timeout_ms = -1;
    act(m, CURL_SOCKET_TIMEOUT, 0);
    if (m->curl && !uv_is_active((uv_handle_t *)&m->timer) &&
        !uv_is_active((uv_handle_t *)&m->soon) &&
        curl_multi_timeout(m->curl, &timeout_ms) == CURLM_OK)
        set_clock(m, timeout_ms);
}

static void on_timer(uv_timer_t *timer)
{
    on_time(timer->data);
}

static void on_soon(uv_idle_t *idle)
{
    uv_idle_stop(idle);
    on_time(idle->data);
}

/* libcurl asks for no time at all as long as more is there to be read. A uv timer without delay
 * fires until it is not started again, before anything else has its turn; a peer that never stops
 * sending would have the loop for itself. */
static void set_clock(struct gn_multi *m, long timeout_ms)
{
    uv_timer_stop(&m->timer);
    uv_idle_stop(&m->soon);
    if (timeout_ms == 0) {
        uv_idle_start(&m->soon, on_soon);
    } else if (timeout_ms > 0) {
        uv_update_time(m->loop); /* what ran before in this turn may have taken long */
        uv_timer_start(&m->timer, on_timer, (uint64_t)timeout_ms, 0);
    }
}

static int set_timer(CURLM *curl, long timeout_ms, void *arg)
{
    (void)curl;
    set_clock(arg, timeout_ms);
    return 0;
}

static void on_socket(uv_poll_t *uv, int status, int events)
{
    struct socket *s = uv->data;
    int flags = 0;
    if (status < 0)
        flags |= CURL_CSELECT_ERR;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    act(s->multi, s->fd, flags); /* may close s */
}

static void on_socket_closed(uv_handle_t *uv)
{
    struct socket *s = uv->data;
    struct gn_multi *m = s->multi;
    gn_free(s);
    on_handle_closed(m);
}

static void on_own_closed(uv_handle_t *uv)
{
    on_handle_closed(uv->data);
}

static struct socket *socket_new(struct gn_multi *m, curl_socket_t fd)
{
    struct socket *s = gn_calloc(1, sizeof(*s));
    s->multi = m;
    s->fd = fd;
    if (uv_poll_init_socket(m->loop, &s->uv, fd) != 0) {
        gn_free(s); /* its transfer will time out; an error here would end all the others */
        return NULL;
    }
    s->uv.data = s;
    m->open_handles++;
    return s;
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct gn_multi *m = arg;
    struct socket *s = socket_arg;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (s) {
            curl_multi_assign(m->curl, fd, NULL);
            uv_close((uv_handle_t *)&s->uv, on_socket_closed); /* stops it at once */
        }
        return 0;
    }
    if (!s) {
        s = socket_new(m, fd);
        if (!s)
            return 0;
        curl_multi_assign(m->curl, fd, s);
    }
    int events = 0;
    if (what & CURL_POLL_IN)
        events |= UV_READABLE;
    if (what & CURL_POLL_OUT)
        events |= UV_WRITABLE;
    uv_poll_start(&s->uv, events, on_socket);
    return 0;
}

/* ---------------------------------------------------------------- interface */

struct gn_multi *gn_multi_new(uv_loop_t *loop)
{
    CURLcode rc = curl_global_init(CURL_GLOBAL_DEFAULT);
    gn_assert(rc == CURLE_OK);
    struct gn_multi *m = gn_calloc(1, sizeof(*m));
    m->magic = MULTI_MAGIC;
    m->loop = loop;
    gn_list_init(&m->marked);
    uv_timer_init(loop, &m->timer);
    uv_idle_init(loop, &m->soon);
    m->timer.data = m->soon.data = m;
    m->open_handles = 2;
    m->curl = curl_multi_init();
    gn_assert(m->curl != NULL);
    curl_multi_setopt(m->curl, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(m->curl, CURLMOPT_SOCKETDATA, m);
    curl_multi_setopt(m->curl, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(m->curl, CURLMOPT_TIMERDATA, m);
    curl_multi_setopt(m->curl, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS);
    return m;
}

CURLM *gn_multi_curl(struct gn_multi *m)
{
    GN_CHECK(m, MULTI_MAGIC);
    return m->curl;
}

bool gn_multi_add(struct gn_multi *m, struct gn_transfer *t)
{
    GN_CHECK(m, MULTI_MAGIC);
    gn_assert(!t->multi && m->curl);
    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    /* Begins nothing by itself: it asks for the timer. */
    if (curl_multi_add_handle(m->curl, t->easy) != CURLM_OK)
        return false;
    gn_list_init(&t->marked);
    t->multi = m;
    m->running++;
    return true;
}

void gn_transfer_remove(struct gn_transfer *t)
{
    struct gn_multi *m = t->multi;
    if (!m)
        return;
    gn_list_remove(&t->marked);
    t->multi = NULL;
    m->running--;
    curl_multi_remove_handle(m->curl, t->easy);
}

void gn_transfer_mark(struct gn_transfer *t)
{
    if (gn_list_empty(&t->marked))
        gn_list_append(&t->multi->marked, &t->marked);
}

void gn_multi_close(struct gn_multi *m, void (*on_closed)(void *arg), void *arg)
{
    GN_CHECK(m, MULTI_MAGIC);
    gn_assert(m->curl && m->running == 0);
    m->on_closed = on_closed;
    m->on_closed_arg = arg;
    CURLM *curl = m->curl;
    curl_multi_cleanup(curl); /* tells which sockets go */
    m->curl = NULL;
    uv_close((uv_handle_t *)&m->timer, on_own_closed);
    uv_close((uv_handle_t *)&m->soon, on_own_closed);
    curl_global_cleanup();
}
