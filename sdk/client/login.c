/* login.c - a server that wants credentials, or other ones (401, 403): whoever uses the client is
 * asked for them once, and what was refused waits for the answer.
 *
 * While a 401 is being seen to, nothing else is sent, as it would be refused, too. A 403 is about
 * what it answers; the rest goes on.
 */
#include "login.h"

#include "http_exchange.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define LOGIN_MAGIC 0x6c6f6769U /* "logi" */
#define LOGINS_MAX 3            /* of one exchange */
#define AUTHORIZATION_MAX 65536

/* What the user holds; it may outlive the peer. */
struct gantry_login {
    uint32_t magic;
    struct gn_login_state *state; /* NULL: nobody waits any more */
    int http_status;
    char *challenge, *url;
};

struct gn_login_state {
    gantry_client *client;
    struct gn_http_peer *peer; /* NULL: of a connection, which waits as a whole */
    void (*done)(void *arg, const char *refusal);
    void *done_arg;
    gantry_login *login; /* NULL once it is answered */
    int http_status;
    struct gn_list waiting;       /* exchanges */
    struct gn_client_timer timer; /* asks; then does what was answered */
    bool was_connecting;          /* the time that may take stands still */
    char *authorization;          /* the answer; or: */
    char *refusal;
};

static void set_patience(struct gn_login_state *l, bool is_so)
{
    if (l->http_status == 401 || !l->peer)
        gn_client_be_patient(l->client, is_so);
    GN_LIST_EACH(&l->waiting, n) {
        gantry_request *r = GN_CONTAINER(n, struct gn_exchange, in_login)->request;
        if (r)
            gn_request_be_patient(r, is_so);
    }
}

static void free_login(gantry_login *login)
{
    login->magic = 0;
    gn_free(login->challenge);
    gn_free(login->url);
    gn_free(login);
}

static void free_state(struct gn_login_state *l)
{
    if (l->peer)
        l->peer->login = NULL;
    gn_client_timer_stop(&l->timer);
    if (l->login)
        l->login->state = NULL;
    gn_free(l->authorization);
    gn_free(l->refusal);
    gn_free(l);
}

/* ---------------------------------------------------------------- the answer, from the loop */

static void on_connect_time(struct gn_client_timer *timer)
{
    gantry_client *c = timer->client;
    struct gn_failure f = {.status = GANTRY_CLIENT_TIMEOUT, .is_passing = true};
    gn_error_set(&f.why, GN_ETIMEDOUT, "%s: not ready within %u ms after the login", c->s.shown,
                 c->s.connect_timeout_ms);
    gn_client_unready(c, &f);
}

static void on_answered(struct gn_client_timer *timer)
{
    struct gn_login_state *l = GN_CONTAINER(timer, struct gn_login_state, timer);
    gantry_client *c = l->client;
    GN_AUTO_FREE char *refusal = l->refusal;
    void (*done)(void *arg, const char *refusal) = l->done;
    void *arg = l->done_arg;
    struct gn_list waiting;
    if (l->authorization) {
        gn_free(c->s.authorization);
        c->s.authorization = l->authorization;
    }
    if (l->was_connecting && c->link && c->state == GANTRY_STATE_CONNECTING)
        gn_client_timer_start(c, &c->connecting, c->s.connect_timeout_ms, on_connect_time);
    set_patience(l, false);
    gn_list_take(&waiting, &l->waiting);
    l->authorization = l->refusal = NULL;
    free_state(l);
    while (!gn_list_empty(&waiting)) { /* what ends one may end others, or all */
        struct gn_exchange *x = GN_CONTAINER(gn_list_pop(&waiting), struct gn_exchange, in_login);
        if (!refusal) {
            gn_exchange_start(x);
            continue;
        }
        x->refusal = gn_strdup(refusal);
        gn_exchange_end(x, CURLE_LOGIN_DENIED);
    }
    if (done)
        done(arg, refusal);
}

static void answer(gantry_login *login, char *authorization, char *refusal)
{
    GN_CHECK(login, LOGIN_MAGIC);
    struct gn_login_state *l = login->state;
    if (l) {
        l->login = NULL;
        l->authorization = authorization;
        l->refusal = refusal;
        gn_client_timer_start(l->client, &l->timer, 0, on_answered);
    } else {
        gn_free(authorization);
        gn_free(refusal);
    }
    free_login(login);
}

/* ---------------------------------------------------------------- the question */

static void on_ask(struct gn_client_timer *timer)
{
    struct gn_login_state *l = GN_CONTAINER(timer, struct gn_login_state, timer);
    gantry_client *c = l->client;
    if (gn_client_timer_runs(&c->connecting)) {
        gn_client_timer_stop(&c->connecting);
        l->was_connecting = true;
    }
    set_patience(l, true);
    c->s.handlers.on_login(c, l->login, c->s.arg);
}

static void join(struct gn_login_state *l, struct gn_exchange *x)
{
    gn_list_append(&l->waiting, &x->in_login);
    if (x->request)
        gn_request_be_patient(x->request, true);
}

static struct gn_login_state *ask(gantry_client *c, int status, const char *challenge,
                                  const char *url)
{
    struct gn_login_state *l = gn_calloc(1, sizeof(*l));
    gantry_login *login = gn_calloc(1, sizeof(*login));
    gn_list_init(&l->waiting);
    l->client = c;
    l->login = login;
    l->http_status = status;
    login->magic = LOGIN_MAGIC;
    login->state = l;
    login->http_status = status;
    login->challenge = gn_strdup(challenge ? challenge : "");
    login->url = gn_strdup(url);
    gn_client_timer_start(c, &l->timer, 0, on_ask);
    return l;
}

bool gn_login_begin(struct gn_exchange *x)
{
    struct gn_http_peer *peer = x->peer;
    gantry_client *c = peer->client;
    if ((x->status != 401 && x->status != 403) || !c->s.handlers.on_login || peer->is_closing ||
        x->has_authorization || x->logins >= LOGINS_MAX)
        return false;
    x->logins++;
    if (!peer->login && !gn_streq(x->sent_authorization, c->s.authorization)) {
        gn_exchange_stop(x); /* there are others meanwhile */
        gn_exchange_start(x);
        return true;
    }
    if (!peer->login) {
        peer->login = ask(c, x->status, x->challenge, peer->url);
        peer->login->peer = peer;
    }
    gn_exchange_stop(x);
    join(peer->login, x);
    return true;
}

bool gn_login_holds(struct gn_exchange *x)
{
    struct gn_login_state *l = x->peer->login;
    if (!l || l->http_status != 401 || x->has_authorization)
        return false;
    join(l, x);
    return true;
}

void gn_login_close(struct gn_http_peer *peer)
{
    struct gn_login_state *l = peer->login;
    peer->is_closing = true;
    if (!l)
        return;
    set_patience(l, false);
    while (!gn_list_empty(&l->waiting)) /* their owners free them */
        gn_list_pop(&l->waiting);
    free_state(l);
}

struct gn_login_state *gn_login_ask(gantry_client *c, int status, const char *challenge,
                                    const char *url, void (*done)(void *arg, const char *refusal),
                                    void *arg)
{
    if ((status != 401 && status != 403) || !c->s.handlers.on_login)
        return NULL;
    struct gn_login_state *l = ask(c, status, challenge, url);
    l->done = done;
    l->done_arg = arg;
    return l;
}

void gn_login_forget(struct gn_login_state *l)
{
    set_patience(l, false);
    free_state(l);
}

/* ---------------------------------------------------------------- interface */

int gantry_login_http_status(const gantry_login *login)
{
    return login->http_status;
}

const char *gantry_login_challenge(const gantry_login *login)
{
    return login->challenge;
}

const char *gantry_login_url(const gantry_login *login)
{
    return login->url;
}

static bool is_header_value(const char *s)
{
    size_t len = strlen(s);
    for (size_t i = 0; i < len; i++) {
        if (((unsigned char)s[i] < 0x20 && s[i] != '\t') || s[i] == 0x7f)
            return false;
    }
    return len > 0 && len <= AUTHORIZATION_MAX;
}

void gantry_login_retry(gantry_login *login, const char *authorization)
{
    if (authorization && is_header_value(authorization))
        answer(login, gn_strdup(authorization), NULL);
    else
        answer(login, NULL, gn_strdup("what was given as Authorization cannot be a header"));
}

void gantry_login_refuse(gantry_login *login, const char *reason)
{
    answer(login, NULL, gn_strdup(reason && *reason ? reason : "none were given"));
}
