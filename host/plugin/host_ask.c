/* host_ask.c - questions to the client as plugins ask them: elicitation, sampling, roots.
 *
 * What the author asks is copied, checked and written for the client's revision (on the loop's own
 * stack: schemas take much of it), asked by the call floor, and what comes back is handed out. An
 * author's mistake is told in the log, by the key of the question.
 */
#include "plugin/host_ask.h"

#include "call/lines.h"
#include "plugin/abi_internal.h"
#include "plugin/form.h"
#include "plugin/host_errors.h"
#include "schema/format.h"
#include "util/str.h"

#include <string.h>

#define PARAMS_MAX ((size_t)16 * 1024 * 1024)
#define URL_MAX_BYTES 8192
#define ROOTS_MAX 1024
#define KEY_MAX 128
#define SHOWN_MAX 200 /* bytes of a message that are repeated */

struct batch;

/* One question on its way. */
struct asked {
    struct gn_question q;
    struct batch *batch;
    gantry_ask *raw; /* the author's */
    gantry_ask ask;  /* a copy */
    struct gn_form *form;
    struct gn_sampling *sampling;
    const char *id; /* the client knows the URL by; NULL */
    /* what the newest answer that fitted says */
    int rc;
    const void *accepted; /* of a form */
    gantry_sampled sampled;
    gantry_roots_list roots;
};

struct batch {
    gantry_call *call;
    struct asked *v;
    size_t count;
    int rc; /* GN_E */
    struct gn_error err;
};

/* ---------------------------------------------------------------- answers */

/* What the person did, as the author's code. */
static int read_action(const gantry_json *result, int *ret_rc, struct gn_error *err)
{
    static const struct {
        const char *name;
        int rc;
    } actions[] = {
        {"accept", GANTRY_OK}, {"decline", GANTRY_EDECLINED}, {"cancel", GANTRY_EDISMISSED}};
    const gantry_json *action = gn_json_get(result, "action");
    for (size_t i = 0; i < GN_COUNT(actions); i++) {
        if (gn_json_streq(action, actions[i].name)) {
            *ret_rc = actions[i].rc;
            return 0;
        }
    }
    return gn_error_set(err, GN_EINVAL, "action: expected accept, decline or cancel");
}

static int check_form(struct gn_question *q, const gantry_json *result, struct gn_error *err)
{
    struct asked *a = q->data;
    const gantry_call *call = a->batch->call;
    uint32_t flags = call->env->strict_input ? 0 : GN_COERCE_NULLS | GN_COERCE_TEXT;
    int rc = read_action(result, &a->rc, err);
    a->accepted = NULL;
    if (rc || a->rc || !a->form)
        return rc;
    return gn_form_read(a->form, call->revision, gn_json_get(result, "content"), flags,
                        &a->batch->call->arena, &a->accepted, err);
}

static int check_sampling(struct gn_question *q, const gantry_json *result, struct gn_error *err)
{
    struct asked *a = q->data;
    bool has_tools = (q->capability & GANTRY_CAP_SAMPLING_TOOLS) != 0;
    a->rc = GANTRY_OK;
    return gn_sampling_read(result, has_tools, &a->batch->call->arena, &a->sampled, err);
}

static int check_roots(struct gn_question *q, const gantry_json *result, struct gn_error *err)
{
    struct asked *a = q->data;
    const gantry_json *list = gn_json_get(result, "roots"), *v = NULL;
    if (gn_json_type(list) != GN_JSON_ARRAY)
        return gn_error_set(err, GN_EINVAL, "roots: expected array, got %s",
                            gn_json_type_name(list));
    if (list->len > ROOTS_MAX)
        return gn_error_set(err, GN_EINVAL, "roots: more than %d", ROOTS_MAX);
    gantry_root *roots = gn_arena_calloc(&a->batch->call->arena,
                                         GN_MAX(list->len, 1u) * sizeof *roots);
    if (!roots)
        return gn_error_set(err, GN_ETOOBIG, "the answer is too large");
    for (size_t i = 0; (v = gn_json_next(list, v)) != NULL; i++) {
        roots[i].uri = gn_json_cstr(gn_json_get(v, "uri"));
        roots[i].name = gn_json_cstr(gn_json_get(v, "name"));
        if (!roots[i].uri)
            return gn_error_set(err, GN_EINVAL, "roots: one of them has no URI");
    }
    a->rc = GANTRY_OK;
    a->roots = (gantry_roots_list){sizeof a->roots, list->len, roots};
    return 0;
}

/* ---------------------------------------------------------------- questions */

/* A revision that has no such questions is as good as a client that does not know them. */
static int need(struct asked *a, uint32_t capability, enum gn_revision since)
{
    struct gn_call *root = gn_call_root(a->batch->call);
    a->q.capability = capability;
    if (root->revision >= since)
        return 0;
    root->lacking |= capability;
    return GN_ENOTSUP;
}

static void free_form(void *arg)
{
    gn_form_unref(arg);
}

static int write_form(struct asked *a, struct gn_jw *w, struct gn_error *err)
{
    struct gn_call *call = a->batch->call;
    struct gn_forms *none = NULL;
    if (!a->ask.message)
        return gn_error_set(err, GN_EINVAL, "the message is NULL");
    int rc = gn_forms_get(call->self && call->self->plugin ? &call->self->plugin->forms : &none,
                          a->ask.form, &a->form, err);
    gn_forms_free(none);
    if (rc)
        return rc;
    rc = gn_arena_on_release(&call->arena, free_form, a->form);
    if (rc) {
        gn_form_unref(a->form);
        a->form = NULL;
        return rc;
    }
    a->q.method = "elicitation/create";
    a->q.check = check_form;
    gn_jw_object(w, NULL);
    if (call->revision >= GN_REV_2025_11_25)
        gn_jw_str(w, "mode", "form");
    gn_jw_str(w, "message", a->ask.message);
    gn_form_write(a->form, call->revision, w, "requestedSchema");
    gn_jw_end(w);
    return need(a, GANTRY_CAP_ELICITATION, GN_REV_2025_06_18);
}

static bool is_web_address(const char *url)
{
    const char *host = !url                              ? NULL
                       : gn_starts_with(url, "https://") ? url + strlen("https://")
                       : gn_starts_with(url, "http://")  ? url + strlen("http://")
                                                         : NULL;
    size_t len = host ? strnlen(url, URL_MAX_BYTES + 1) : 0;
    return host && host[0] && !strchr("/?#@:", host[0]) && len <= URL_MAX_BYTES &&
           gn_format_find("uri")->valid(url, len);
}

static int write_url(struct asked *a, struct gn_jw *w, struct gn_error *err)
{
    if (!a->ask.message)
        return gn_error_set(err, GN_EINVAL, "the message is NULL");
    if (!is_web_address(a->ask.url))
        return gn_error_set(err, GN_EINVAL, "the URL is not an absolute one of http or https");
    a->q.method = "elicitation/create";
    a->q.check = check_form;
    gn_jw_object(w, NULL);
    gn_jw_str(w, "mode", "url");
    gn_jw_str(w, "message", a->ask.message);
    gn_jw_str(w, "url", a->ask.url);
    if (a->id)
        gn_jw_str(w, "elicitationId", a->id);
    gn_jw_end(w);
    return need(a, GANTRY_CAP_ELICITATION_URL, GN_REV_2025_11_25);
}

/* Checked here, unless gantry_sample_loop has done so. */
static int take_sampling(struct asked *a, struct gn_error *err)
{
    struct gn_call *call = a->batch->call;
    a->sampling = gn_arena_calloc(&call->arena, sizeof *a->sampling);
    if (!a->sampling)
        return GN_ETOOBIG;
    int rc = gn_sampling_take(a->ask.sampling, a->sampling, err);
    return rc ? rc : gn_host_offer_tools(call, a->sampling, err);
}

static int write_sampling(struct asked *a, struct gn_jw *w, struct gn_error *err)
{
    struct gn_call *call = a->batch->call;
    int rc = a->sampling ? 0 : take_sampling(a, err);
    if (rc)
        return rc;
    /* Only since then do clients say whether they may be asked for it. */
    a->sampling->has_context = call->revision < GN_REV_2025_11_25 ||
                               (gn_call_root(call)->capabilities & GN_CAP_SAMPLING_CONTEXT);
    a->q.method = "sampling/createMessage";
    a->q.check = check_sampling;
    uint32_t needs = gn_sampling_needs(a->sampling);
    bool has_tools = (needs & GANTRY_CAP_SAMPLING_TOOLS) != 0;
    rc = need(a, needs, has_tools ? GN_REV_2025_11_25 : GN_REV_2024_11_05);
    return rc ? rc : gn_sampling_write(a->sampling, call->revision, w, err);
}

static int write_roots(struct asked *a, struct gn_jw *w, struct gn_error *err GN_UNUSED)
{
    a->q.method = "roots/list";
    a->q.check = check_roots;
    gn_jw_object(w, NULL);
    gn_jw_end(w);
    return need(a, GANTRY_CAP_ROOTS, GN_REV_2024_11_05);
}

static int write_question(struct asked *a, struct gn_error *err)
{
    static int (*const writers[])(struct asked *, struct gn_jw *, struct gn_error *) = {
        [GANTRY_ASK_FORM] = write_form,
        [GANTRY_ASK_URL] = write_url,
        [GANTRY_ASK_SAMPLE] = write_sampling,
        [GANTRY_ASK_ROOTS] = write_roots,
    };
    struct gn_buf params = GN_BUF_INIT(PARAMS_MAX);
    struct gn_jw w;
    if (a->ask.kind >= GN_COUNT(writers) || !writers[a->ask.kind])
        return gn_error_set(err, GN_ENOTSUP, "this host knows no questions of kind %u",
                            a->ask.kind);
    gn_jw_init(&w, &params);
    int rc = writers[a->ask.kind](a, &w, err);
    if (!rc) {
        a->q.params = params.overflow ? NULL
                                      : gn_arena_strndup(&a->batch->call->arena,
                                                         gn_buf_str(&params), params.len);
        a->q.params_len = params.len;
        rc = a->q.params ? 0 : gn_error_set(err, GN_ETOOBIG, "the question is too large");
    }
    gn_buf_release(&params);
    return rc;
}

/* The client is told the id with the question, so it is known from then on. */
static void announce(const struct asked *a)
{
    const struct gn_call *call = a->batch->call, *root = gn_call_root(a->batch->call);
    struct gn_elicitations *e = call->env->elicitations;
    if (a->id && e && call->self && !(a->q.capability & ~root->capabilities))
        e->add(e, root, call->self->name, a->id);
}

/* [loop] */
static void write_questions(void *arg)
{
    struct batch *b = arg;
    for (size_t i = 0; i < b->count && !b->rc; i++) {
        struct asked *a = &b->v[i];
        a->q.key = a->ask.key;
        a->q.data = a;
        b->rc = write_question(a, &b->err);
        if (b->rc && b->err.code)
            gn_error_prefix(&b->err, "\"%.*s\": ", SHOWN_MAX, a->ask.key);
    }
    for (size_t i = 0; i < b->count && !b->rc; i++)
        announce(&b->v[i]);
}

/* ---------------------------------------------------------------- outcomes */

GN_PRINTF(3, 4) static void say(gantry_call *call, int rc, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *text = gn_arena_vformat(&call->arena, fmt, ap);
    va_end(ap);
    if (text) {
        call->heard = text;
        call->heard_rc = rc;
        call->heard_own = true;
    }
}

static const char *shown(const struct asked *a)
{
    const char *text = a->ask.message ? a->ask.message : a->ask.key;
    size_t len = strlen(text), cut = gn_utf8_valid(text, len) ? gn_utf8_cut(text, len, SHOWN_MAX)
                                                              : GN_MIN(len, (size_t)SHOWN_MAX);
    const char *s = gn_arena_format(&a->batch->call->arena, "%.*s%s", (int)cut, text,
                                    cut < len ? "..." : "");
    return s ? s : a->ask.key;
}

static int conclude_answered(struct asked *a)
{
    gantry_call *call = a->batch->call;
    switch (a->rc) {
    case GANTRY_EDECLINED:
        say(call, a->rc, "the person declined: %s", shown(a));
        return a->rc;
    case GANTRY_EDISMISSED:
        say(call, a->rc, "the person dismissed the question: %s", shown(a));
        return a->rc;
    default:
        return a->rc;
    }
}

/* The code that the author gets, and what passing it on says. */
static int conclude(struct asked *a)
{
    gantry_call *call = a->batch->call;
    switch (a->q.rc) {
    case GN_OK:
        return conclude_answered(a);
    case GN_EPROTO:
        say(call, GANTRY_EIO, "the client answered \"%s\" with an error: %s", a->ask.key,
            a->q.error ? a->q.error : "no reason given");
        gn_call_note(call, GN_NOTICE, "%s: %s", gn_call_label(call), call->heard);
        return GANTRY_EIO;
    case GN_EINVAL:
        say(call, GANTRY_EIO, "none of the client's answers to \"%s\" fitted: %s", a->ask.key,
            a->q.error ? a->q.error : "no reason given");
        return GANTRY_EIO;
    default:
        return gn_host_code(a->q.rc);
    }
}

static void hand_out(struct asked *a)
{
    if (a->rc != GANTRY_OK)
        return;
    if (a->form)
        gn_form_give(a->form, a->accepted, a->ask.answer);
    if (a->ask.sampled && a->ask.kind == GANTRY_ASK_SAMPLE) {
        a->sampled.size = a->ask.sampled->size;
        memcpy(a->ask.sampled, &a->sampled, GN_MIN(a->sampled.size, sizeof a->sampled));
    }
    if (a->ask.roots && a->ask.kind == GANTRY_ASK_ROOTS) {
        a->roots.size = a->ask.roots->size;
        memcpy(a->ask.roots, &a->roots, GN_MIN(a->roots.size, sizeof a->roots));
    }
}

/* [loop] Where the person does not go to, nothing will be done. */
static void forget_declined(void *arg)
{
    const struct batch *b = arg;
    struct gn_elicitations *e = b->call->env->elicitations;
    for (size_t i = 0; i < b->count; i++) {
        const struct asked *a = &b->v[i];
        if (e && a->id && b->call->self && (b->rc || a->q.rc || a->rc))
            e->end(e, b->call->self->name, a->id, false);
    }
}

/* Why nothing was answered at all, in words for the client: those of its sink (before: what had
 * been said before), or ours. What the client lacks the call floor tells. */
static void say_why(struct batch *b, int rc, const char *before)
{
    gantry_call *call = b->call;
    const struct gn_call *root = gn_call_root(call);
    if (root->heard != before && root->heard_rc == rc)
        say(call, rc, "%s", root->heard);
    else if (rc == GANTRY_ENOTSUP && !root->lacking)
        say(call, rc, "%s: nobody can be asked here", gn_call_label(call));
    else if (rc == GANTRY_ETIMEDOUT)
        say(call, rc, "%s: nobody answered in time: %s", gn_call_label(call), shown(&b->v[0]));
    else if (rc == GANTRY_EBUSY)
        say(call, rc, "busy: too many calls wait for answers, try again later");
}

/* All of it; n is from 1 to GN_ASK_MAX. */
static int run(struct batch *b)
{
    gantry_call *call = b->call;
    struct gn_question *questions[GN_ASK_MAX];
    const char *before = gn_call_root(call)->heard;
    bool has_ids = false;
    gn_task_on_loop(call->task, write_questions, b);
    for (size_t i = 0; i < b->count; i++) {
        questions[i] = &b->v[i].q;
        has_ids = has_ids || b->v[i].id;
    }
    if (!b->rc)
        b->rc = gn_call_ask(call, questions, b->count);
    if (has_ids)
        gn_task_on_loop(call->task, forget_declined, b);
    int rc = gn_host_code(b->rc);
    if (b->rc && b->err.code)
        gn_host_misuse(call, "gantry_ask: %s", b->err.text);
    if (rc)
        say_why(b, rc, before);
    return rc;
}

static int take(struct batch *b, gantry_ask *raw, struct asked *a)
{
    struct gn_error err = {0};
    int rc = gn_abi_copy(&a->ask, sizeof a->ask, sizeof a->ask, raw, &err);
    if (rc == GN_ENOTSUP)
        return GANTRY_ENOTSUP;
    if (rc)
        return gn_host_misuse(b->call, "gantry_ask: %s", err.text);
    size_t len = a->ask.key ? strnlen(a->ask.key, KEY_MAX + 1) : 0;
    if (len == 0 || len > KEY_MAX || !gn_utf8_valid(a->ask.key, len))
        return gn_host_misuse(b->call, "gantry_ask: a key has 1 to %d bytes of UTF-8", KEY_MAX);
    for (size_t i = 0; i < b->count; i++) {
        if (strcmp(b->v[i].ask.key, a->ask.key) == 0)
            return gn_host_misuse(b->call, "gantry_ask: \"%s\" is asked twice at once", a->ask.key);
    }
    a->batch = b;
    a->raw = raw;
    b->count++;
    if (a->ask.kind == GANTRY_ASK_URL && b->call->revision == GN_REV_2025_11_25) {
        a->id = gn_call_made_up(b->call, a->ask.key);
        if (!a->id)
            return GANTRY_ETOOBIG;
    }
    return GANTRY_OK;
}

int gn_host_ask(gantry_call *call, gantry_ask *const *asks, size_t n)
{
    if (!call || !gn_host_runs(call))
        return GANTRY_EPERM;
    if (!asks || n == 0 || n > GN_ASK_MAX)
        return gn_host_misuse(call, "gantry_ask: 1 to %d questions at once, not %zu", GN_ASK_MAX,
                              n);
    struct batch b = {.call = call, .v = gn_arena_calloc(&call->arena, n * sizeof *b.v)};
    int rc = b.v ? GANTRY_OK : GANTRY_ETOOBIG;
    for (size_t i = 0; i < n && !rc; i++)
        rc = asks[i] ? take(&b, asks[i], &b.v[i])
                     : gn_host_misuse(call, "gantry_ask: question %zu is NULL", i + 1);
    if (!rc)
        rc = run(&b);
    for (size_t i = 0; i < b.count; i++) {
        struct asked *a = &b.v[i];
        a->raw->rc = rc ? rc : conclude(a);
        a->raw->result = rc ? NULL : a->q.result;
        if (a->raw->rc == GANTRY_OK)
            hand_out(a);
    }
    return rc;
}

int gn_host_ask_model(gantry_call *call, const char *key, struct gn_sampling *sampling,
                      gantry_sampled *ret)
{
    gantry_ask raw = {.size = sizeof raw, .kind = GANTRY_ASK_SAMPLE, .key = key, .sampled = ret};
    struct batch b = {.call = call, .v = gn_arena_calloc(&call->arena, sizeof *b.v)};
    int rc = b.v ? take(&b, &raw, &b.v[0]) : GANTRY_ETOOBIG;
    if (rc)
        return rc;
    b.v[0].sampling = sampling;
    rc = run(&b);
    if (!rc)
        rc = conclude(&b.v[0]);
    if (!rc)
        hand_out(&b.v[0]);
    return rc;
}
