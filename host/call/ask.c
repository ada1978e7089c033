/* ask.c - questions to the client: their keys, what is known already, waiting for the rest. */
#include "call/ask.h"

#include "call/internal.h"
#include "call/lines.h"
#include "util/alloc.h"
#include "util/str.h"

#include <sodium.h>
#include <string.h>

#define DEFAULT_MAX_ASKING 1000
#define DEFAULT_TIMEOUT_MS 600000
#define KEY_MAX 128
#define ASKS_MAX 1024 /* of one call, over all its rounds */
#define COPY_MAX ((size_t)8 << 20)
#define MADE_UP_BYTES 24

/* A key that has been used in this run, so that the next use of it gets a number. */
struct gn_ask_count {
    struct gn_ask_count *next;
    const char *wire_key;
    enum gn_journal_kind kind;
};

/* ---------------------------------------------------------------- keys */

static uint32_t count_used(const struct gn_call *root)
{
    uint32_t count = 0;
    for (const struct gn_ask_count *c = root->ask_counts; c; c = c->next)
        count++;
    return count;
}

static bool is_used(const struct gn_call *root, enum gn_journal_kind kind, const char *wire_key)
{
    for (const struct gn_ask_count *c = root->ask_counts; c; c = c->next) {
        if (c->kind == kind && strcmp(c->wire_key, wire_key) == 0)
            return true;
    }
    return false;
}

/* The key, or key-2, key-3, ...: the first that this run has not used. The same code with the same
 * answers uses the same keys, so a replay finds what it looks for. */
static int take_key(struct gn_call *root, enum gn_journal_kind kind, const char *key,
                    const char **ret)
{
    size_t len = key ? strlen(key) : 0;
    if (len == 0 || len > KEY_MAX)
        return GN_EINVAL;
    uint32_t used = count_used(root);
    if (used >= ASKS_MAX)
        return GN_ETOOBIG;
    const char *wire_key = gn_arena_strdup(&root->arena, key);
    for (uint32_t n = 2; wire_key && is_used(root, kind, wire_key); n++)
        wire_key = gn_arena_format(&root->arena, "%s-%u", key, n);
    struct gn_ask_count *c = gn_arena_calloc(&root->arena, sizeof *c);
    if (!wire_key || !c)
        return GN_ETOOBIG;
    *c = (struct gn_ask_count){.next = root->ask_counts, .wire_key = wire_key, .kind = kind};
    root->ask_counts = c;
    *ret = wire_key;
    return 0;
}

/* ---------------------------------------------------------------- answers */

/* Only a replay needs a journal: in the other eras the handler waits where it stands. */
static bool keeps_journal(const struct gn_call *root)
{
    return gn_revision_is_stateless(root->revision) && !root->task_id;
}

static const gantry_json *copy_json(struct gn_call *root, const gantry_json *v, const char **ret,
                                    size_t *ret_len)
{
    struct gn_buf text = GN_BUF_INIT(COPY_MAX);
    const gantry_json *copy = NULL;
    if (gn_json_write(&text, v) == 0) {
        *ret = gn_arena_strndup(&root->arena, gn_buf_str(&text), text.len);
        *ret_len = text.len;
        copy = *ret ? gn_json_parse_arena(&root->arena, *ret, text.len, NULL) : NULL;
    }
    gn_buf_release(&text);
    return copy;
}

static void settle_question(struct gn_question *q, int rc, const gantry_json *result)
{
    q->state = GN_QUESTION_ANSWERED;
    q->rc = rc;
    q->result = result;
}

void gn_ask_refuse(struct gn_call *root, struct gn_question *q, const char *message)
{
    q->error = gn_arena_strdup(&root->arena, message ? message : "no reason given");
    settle_question(q, GN_EPROTO, NULL);
}

void gn_ask_answer(struct gn_call *root, struct gn_question *q, const gantry_json *result,
                   bool counts)
{
    struct gn_error err = {0};
    const char *text = NULL;
    size_t len = 0;
    const gantry_json *copy = copy_json(root, result, &text, &len);
    if (!copy) {
        settle_question(q, GN_ETOOBIG, NULL);
        return;
    }
    if (q->check(q, copy, &err) == 0) {
        settle_question(q, 0, copy);
        if (keeps_journal(root) && gn_journal_add(&root->journal, &root->arena, q->wire_key,
                                                  GN_JOURNAL_ANSWER, q->digest, text, len))
            settle_question(q, GN_ETOOBIG, NULL);
        return;
    }
    /* Why not shows what somebody typed: maybe a password, under a name that nobody can know. */
    gn_call_note(root, GN_NOTICE, "%s: the answer to \"%s\" does not fit", gn_call_label(root),
                 q->wire_key);
    gn_call_note(root, GN_DEBUG, "%s: \"%s\": %s", gn_call_label(root), q->wire_key, err.text);
    q->error = gn_arena_strdup(&root->arena, err.text);
    q->state = GN_QUESTION_OPEN;
    if (counts && ++q->tries >= GN_ASK_TRIES)
        settle_question(q, GN_EINVAL, NULL);
}

struct gn_question *gn_asking_find(struct gn_call *root, const char *wire_key)
{
    const struct gn_asking *a = root->asking;
    for (size_t i = 0; a && i < a->count; i++) {
        if (a->v[i]->state != GN_QUESTION_ANSWERED && strcmp(a->v[i]->wire_key, wire_key) == 0)
            return a->v[i];
    }
    return NULL;
}

void gn_question_write_params(const struct gn_question *q, const char *name, struct gn_jw *w)
{
    struct gn_json_doc doc = {0};
    const char *message = NULL;
    if (q->error && gn_json_parse_copy(&doc, q->params, q->params_len, NULL, NULL) == 0)
        message = gn_json_cstr(gn_json_get(gn_json_root(&doc), "message"));
    if (message) {
        GN_AUTO_FREE char *text = gn_format("%s\n(The answer did not fit: %s)", message, q->error);
        gn_jw_object(w, name);
        for (const gantry_json *v = NULL; (v = gn_json_next(gn_json_root(&doc), v)) != NULL;) {
            const char *member = gn_json_name(v, NULL);
            if (strcmp(member, "message") == 0)
                gn_jw_str(w, member, text);
            else
                gn_jw_json(w, member, v);
        }
        gn_jw_end(w);
    } else {
        gn_jw_raw(w, name, q->params, q->params_len);
    }
    gn_json_release(&doc);
}

void gn_asking_write(const struct gn_call *root, struct gn_jw *w)
{
    const struct gn_asking *a = root->asking;
    for (size_t i = 0; a && i < a->count; i++) {
        const struct gn_question *q = a->v[i];
        if (q->state == GN_QUESTION_ANSWERED)
            continue;
        gn_jw_object(w, q->wire_key);
        gn_jw_str(w, "method", q->method);
        gn_question_write_params(q, "params", w);
        gn_jw_end(w);
    }
}

/* ---------------------------------------------------------------- what is known already */

struct preparation {
    struct gn_asking *a;
    bool is_complete;
    int rc;
};

/* In a replay: what the client says is about what it was asked before. An answer to anything else
 * is no answer (a person who agreed to one price has not agreed to another). */
static void look_up(struct gn_call *root, struct gn_question *q)
{
    struct gn_error err = {0};
    const struct gn_journal_entry *e = gn_journal_find(&root->journal, q->wire_key,
                                                       GN_JOURNAL_ANSWER, NULL);
    if (e && memcmp(e->digest, q->digest, sizeof q->digest) != 0) {
        gn_call_note(root, GN_WARNING,
                     "%s: \"%s\" is not what was asked before, so it is asked again: what "
                     "GANTRY_REPLAY lets run again must ask the same",
                     gn_call_label(root), q->wire_key);
        return;
    }
    const gantry_json *known = e && e->len
                                   ? gn_json_parse_arena(&root->arena, e->json, e->len, NULL)
                                   : NULL;
    if (known && q->check(q, known, &err) == 0) {
        settle_question(q, 0, known);
        return;
    }
    const gantry_json *response = gn_json_get(root->responses, q->wire_key);
    if (response)
        gn_ask_answer(root, q, response, false);
}

static int prepare_question(struct gn_call *root, struct gn_question *q)
{
    uint32_t lacking = q->capability & ~root->capabilities;
    if (lacking) {
        root->lacking |= lacking;
        return GN_ENOTSUP;
    }
    int rc = take_key(root, GN_JOURNAL_ANSWER, q->key, &q->wire_key);
    if (rc)
        return rc;
    gn_journal_digest(
        q->digest, (struct gn_piece[]){{q->method, strlen(q->method)}, {q->params, q->params_len}},
        2);
    look_up(root, q);
    if (q->state == GN_QUESTION_ANSWERED || !keeps_journal(root))
        return 0;
    return gn_journal_add(&root->journal, &root->arena, q->wire_key, GN_JOURNAL_ANSWER, q->digest,
                          NULL, 0);
}

static bool may_ask(const struct gn_call *root)
{
    const uint32_t hooks = GANTRY_ON_CALL_TOOL | GANTRY_ON_READ_RESOURCE | GANTRY_ON_GET_PROMPT;
    return root->ops && root->ops->ask && (root->hook & hooks) && !root->is_completion;
}

static int refuse_place(const struct gn_call *call)
{
    gn_call_note(call, GN_NOTICE,
                 "%s: nobody can be asked here: questions are for tools, prompts and resources",
                 gn_call_label(call));
    return GN_ENOTSUP;
}

/* On the loop's own stack: checking an answer may take more of it than a task has. */
static void prepare(void *arg)
{
    struct preparation *p = arg;
    struct gn_asking *a = p->a;
    if (a->count == 0 || a->count > GN_ASK_MAX)
        p->rc = GN_EINVAL;
    else if (a->root->finished)
        p->rc = GN_ECANCELED;
    else if (a->root->asking) /* what a nested call asked that was given up, behind its shield */
        p->rc = GN_EBUSY;
    else if (!may_ask(a->root))
        p->rc = refuse_place(a->call);
    p->is_complete = true;
    for (size_t i = 0; i < a->count && !p->rc; i++) {
        p->rc = prepare_question(a->root, a->v[i]);
        p->is_complete = p->is_complete && a->v[i]->state == GN_QUESTION_ANSWERED;
    }
}

/* ---------------------------------------------------------------- waiting */

/* Whose code waits, from the call that asked to its root. */
#define EACH_WAITING(a, c) for (struct gn_call *c = (a)->call; c; c = c->parent)

bool gn_asking_can_park(const struct gn_call *root)
{
    if (root->no_park > 0)
        return false;
    EACH_WAITING(root->asking, c) {
        if (c->task && gn_task_is_worker(c->task))
            return false;
        for (uint32_t i = 0; i < GN_MIN(c->around_at, c->around_count); i++) {
            if (c->around[i]->flags & GANTRY_NO_PARK)
                return false;
        }
    }
    return true;
}

/* A call that waits for its client takes none of the places of those that run. */
static void stand_still(struct gn_asking *a)
{
    struct gn_call_env *env = a->root->env;
    a->is_waiting = true;
    a->root->asking = a;
    env->asking += !a->root->task_id;
    EACH_WAITING(a, c) {
        gn_call_stop_clock(c);
        c->is_still = c->running;
        env->running -= c->is_still;
    }
}

static void go_on(struct gn_asking *a, int rc)
{
    struct gn_call_env *env = a->root->env;
    if (!a->is_waiting)
        return;
    a->is_waiting = false;
    a->root->asking = NULL;
    gn_timer_stop(&a->timer);
    env->asking -= !a->root->task_id;
    EACH_WAITING(a, c) {
        gn_call_start_clock(c);
        env->running += c->is_still;
        c->is_still = false;
    }
    gn_op_done(&a->op, rc);
}

static void withdraw(struct gn_op *op)
{
    struct gn_asking *a = GN_CONTAINER(op, struct gn_asking, op);
    const struct gn_call_ops *ops = a->root->ops;
    if (a->is_waiting && ops && ops->unask)
        ops->unask(a->root);
    go_on(a, GN_ECANCELED);
}

static void on_timeout(struct gn_timer *timer)
{
    struct gn_asking *a = GN_CONTAINER(timer, struct gn_asking, timer);
    struct gn_call *root = a->root;
    gn_call_note(root, GN_NOTICE, "%s: the client did not answer in time", gn_call_label(root));
    if (root->is_parked) { /* nobody would get what the handler makes of it */
        gn_call_cancel(root);
        return;
    }
    if (root->ops && root->ops->unask)
        root->ops->unask(root);
    go_on(a, GN_ETIMEDOUT);
}

uint32_t gn_asking_max(const struct gn_call_env *env)
{
    return env->max_asking ? env->max_asking : DEFAULT_MAX_ASKING;
}

/* A sink that parks decides itself who goes, or whether it waits at all; and there are only so many
 * tasks. */
static bool has_own_limit(const struct gn_call *root)
{
    return gn_revision_is_stateless(root->revision);
}

/* Its principal has as many calls that wait as it may. (Of those that are parked their table says
 * so, which can make room.) */
static bool has_its_share(const struct gn_call *root)
{
    const struct gn_call_env *env = root->env;
    uint32_t count = 0;
    if (!root->principal || !env->max_asking_principal)
        return false;
    GN_LIST_EACH(&env->calls, n) {
        const struct gn_call *call = GN_CONTAINER(n, struct gn_call, node);
        count += call->asking && gn_streq(call->principal, root->principal);
    }
    return count >= env->max_asking_principal;
}

static void put_to_client(struct gn_op *op)
{
    struct gn_asking *a = GN_CONTAINER(op, struct gn_asking, op);
    struct gn_call *root = a->root;
    struct gn_call_env *env = root->env;
    if (!root->ops || !root->ops->ask ||
        (!has_own_limit(root) && (env->asking >= gn_asking_max(env) || has_its_share(root)))) {
        gn_op_done(op, root->ops ? GN_EBUSY : GN_ECANCELED);
        return;
    }
    stand_still(a);
    gn_call_ref(root);
    gn_lines_settle(root);
    int rc = root->ops->ask(root);
    /* If it is over already, `a` may be gone: it lies on a task's stack, perhaps a worker's. */
    bool is_waiting = root->asking == a;
    if (is_waiting && rc)
        go_on(a, rc);
    else if (is_waiting && !root->task_id) /* a task ends by its own time */
        gn_timer_start(env->loop, &a->timer,
                       env->ask_timeout_ms ? env->ask_timeout_ms : DEFAULT_TIMEOUT_MS, on_timeout);
    gn_call_unref(root);
}

bool gn_asking_settle(struct gn_call *root)
{
    struct gn_asking *a = root->asking;
    if (!a)
        return true;
    for (size_t i = 0; i < a->count; i++) {
        if (a->v[i]->state != GN_QUESTION_ANSWERED)
            return false;
    }
    go_on(a, 0);
    return true;
}

/* ---------------------------------------------------------------- middlewares */

static void tell_middleware(struct gn_call *c, uint32_t at, struct gn_task *task, bool parks)
{
    const struct gn_middleware *m = c->around[at];
    void (*fn)(gantry_call * call) = parks ? m->on_park : m->on_resume;
    if (!fn)
        return;
    struct gn_owner *self = c->self;
    void *self_data = c->self_data, *local = gn_task_local(task);
    struct gn_task *own = c->task;
    c->self = m->owner;
    c->self_data = m->data;
    c->task = task;
    gn_task_set_local(task, c);
    fn(c);
    gn_task_set_local(task, local);
    c->task = own;
    c->self = self;
    c->self_data = self_data;
}

/* From the inside out when it stops, and the other way round when it goes on. */
static void tell_middlewares(const struct gn_asking *a, bool parks)
{
    struct gn_call *chain[GN_CALL_MAX_DEPTH + 1];
    size_t depth = 0;
    EACH_WAITING(a, c)
        chain[depth++] = c;
    for (size_t i = 0; i < depth; i++) {
        struct gn_call *c = chain[parks ? i : depth - 1 - i];
        uint32_t open = GN_MIN(c->around_at, c->around_count);
        for (uint32_t k = 0; k < open; k++)
            tell_middleware(c, parks ? open - 1 - k : k, a->call->task, parks);
    }
}

/* ---------------------------------------------------------------- public */

int gn_call_ask(struct gn_call *call, struct gn_question *const *questions, size_t count)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    struct gn_asking a = {
        .op = {.start = put_to_client, .cancel = withdraw},
        .root = gn_call_root(call),
        .call = call,
        .v = questions,
        .count = count,
    };
    struct preparation p = {.a = &a};
    gn_task_on_loop(call->task, prepare, &p);
    if (p.rc || p.is_complete)
        return p.rc;
    bool on_loop = !gn_task_is_worker(call->task);
    if (on_loop)
        tell_middlewares(&a, true);
    int rc = gn_await(call->task, &a.op);
    if (on_loop && rc != GN_ECANCELED)
        tell_middlewares(&a, false);
    return rc;
}

struct step {
    struct gn_call *root;
    const char *key, *wire_key;
    enum gn_journal_kind kind;
    const gantry_json *value;
    bool is_known;
    int rc;
};

static void find_step(void *arg)
{
    struct step *s = arg;
    s->rc = take_key(s->root, s->kind, s->key, &s->wire_key);
    if (s->rc)
        return;
    const struct gn_journal_entry *e = gn_journal_find(&s->root->journal, s->wire_key, s->kind,
                                                       NULL);
    if (!e)
        return;
    s->value = gn_json_parse_arena(&s->root->arena, e->json, e->len, NULL);
    s->is_known = s->value != NULL;
}

static void keep_step(void *arg)
{
    struct step *s = arg;
    struct gn_buf text = GN_BUF_INIT(COPY_MAX);
    s->rc = s->value ? gn_json_write(&text, s->value) : gn_buf_adds(&text, "null");
    if (!s->rc)
        s->rc = gn_journal_add(&s->root->journal, &s->root->arena, s->wire_key, s->kind, NULL,
                               gn_buf_str(&text), text.len);
    gn_buf_release(&text);
}

int gn_call_once(struct gn_call *call, const char *key,
                 int (*fn)(struct gn_call *call, void *arg, const gantry_json **ret), void *arg,
                 const gantry_json **ret, int *ret_code)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    struct step s = {.root = gn_call_root(call), .key = key, .kind = GN_JOURNAL_STEP};
    *ret_code = GANTRY_OK;
    gn_task_on_loop(call->task, find_step, &s);
    if (s.rc)
        return s.rc;
    if (!s.is_known) {
        *ret_code = fn(call, arg, &s.value);
        if (*ret_code == GANTRY_OK && keeps_journal(s.root))
            gn_task_on_loop(call->task, keep_step, &s);
    }
    if (ret)
        *ret = s.value;
    return s.rc;
}

static void make_up(void *arg)
{
    struct step *s = arg;
    const struct gn_journal_entry *e = gn_journal_find(&s->root->journal, s->key, s->kind, NULL);
    if (e) {
        s->value = gn_json_parse_arena(&s->root->arena, e->json, e->len, NULL);
        return;
    }
    unsigned char bytes[MADE_UP_BYTES];
    char text[2 + MADE_UP_BYTES * 2];
    randombytes_buf(bytes, sizeof bytes);
    text[0] = '"';
    sodium_bin2base64(text + 1, sizeof text - 1, bytes, sizeof bytes,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    size_t len = strlen(text);
    text[len++] = '"';
    s->value = gn_json_parse_arena(&s->root->arena, text, len, NULL);
    if (!s->value ||
        gn_journal_add(&s->root->journal, &s->root->arena, s->key, s->kind, NULL, text, len))
        s->value = NULL;
}

const char *gn_call_made_up(struct gn_call *call, const char *key)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    struct step s = {.root = gn_call_root(call), .key = key, .kind = GN_JOURNAL_ID};
    gn_task_on_loop(call->task, make_up, &s);
    return gn_json_cstr(s.value);
}
