/* logging.c - a line of the log when a message comes, and one when it is done. */
#include "observe/rules.h"
#include "pipeline/shipped.h"
#include "util/str.h"

#include <stdio.h>
#include <string.h>

#define FAILURE_MAX 1024
#define FIELDS_MAX 8

struct line {
    struct gn_log_field fields[FIELDS_MAX];
    size_t count;
    char depth[16];
};

static void add(struct line *l, const char *key, const char *value)
{
    if (value && *value && l->count < FIELDS_MAX)
        l->fields[l->count++] = (struct gn_log_field){key, value};
}

/* Who speaks, as far as it is known. */
static void identify(struct line *l, const struct gn_call *call)
{
    add(l, "request", call->request_id);
    add(l, "principal", call->principal);
    add(l, "client", call->client_name);
    add(l, "transport", call->transport);
    if (call->depth > 0) {
        snprintf(l->depth, sizeof l->depth, "%u", call->depth);
        add(l, "depth", l->depth);
    }
}

static void cut(struct gn_buf *text, uint64_t max)
{
    if (text->len <= max)
        return;
    gn_buf_cut(text, gn_utf8_cut(text->data, text->len, (size_t)max));
    text->overflow = false;
    gn_buf_adds(text, "...");
}

/* Before it is cut, and while it is JSON: in the text of a line names are no names any more. */
static void write_clean(const struct gn_call *call, const gantry_json *v, struct gn_buf *text)
{
    struct gn_log_rules *rules = gn_log_rules_of(call->env->log);
    if (rules) {
        struct gn_jw w;
        gn_jw_init(&w, text);
        gn_redact_json(rules->redactor, v, &w, NULL);
    } else {
        gn_json_write(text, v);
    }
    gn_log_rules_unref(rules);
}

static void write_clean_text(const struct gn_call *call, const struct gn_buf *json,
                             struct gn_buf *text)
{
    struct gn_json_doc doc;
    if (json->overflow || gn_json_parse_copy(&doc, json->data, json->len, NULL, NULL))
        return;
    write_clean(call, gn_json_root(&doc), text);
    gn_json_release(&doc);
}

static void add_arguments(struct line *l, const struct gn_shipped_entry *e,
                          const struct gn_call *call, struct gn_buf *text)
{
    const gantry_json *v = call->component ? call->arguments : call->params;
    if (!e->options.payloads || !v)
        return;
    write_clean(call, v, text);
    cut(text, e->options.max_payload);
    add(l, "arguments", gn_buf_str(text));
}

static void add_result(struct line *l, const struct gn_shipped_entry *e, const struct gn_call *call,
                       struct gn_buf *text)
{
    if (!e->options.payloads || call->verdict != GN_OUT_RESULT)
        return;
    struct gn_buf json = GN_BUF_INIT(text->max);
    if (call->component) {
        struct gn_jw w;
        gn_jw_init(&w, &json);
        gn_jw_object(&w, NULL);
        gn_result_write(call, GN_OUT_RESULT, &w);
        gn_jw_end(&w);
    } else if (call->result.raw) {
        gn_buf_add(&json, call->result.raw, call->result.raw_len);
    }
    if (json.data)
        write_clean_text(call, &json, text);
    gn_buf_release(&json);
    cut(text, e->options.max_payload);
    add(l, "result", gn_buf_str(text));
}

static void tell_begin(const struct gn_shipped_entry *e, const struct gn_call *call)
{
    char subject[GN_SHIPPED_SUBJECT];
    struct line l = {.count = 0};
    struct gn_buf text = GN_BUF_INIT((size_t)call->arena.max);
    identify(&l, call);
    add_arguments(&l, e, call, &text);
    gn_log_with(call->env->log, e->options.level, "logging", l.fields, l.count, "%s begins",
                gn_shipped_subject(call, subject));
    gn_buf_release(&text);
}

static void tell_end(const struct gn_shipped_entry *e, const struct gn_call *call)
{
    char subject[GN_SHIPPED_SUBJECT];
    struct line l = {.count = 0};
    struct gn_buf text = GN_BUF_INIT((size_t)call->arena.max);
    bool failed = call->verdict != GN_OUT_RESULT;
    const char *why = failed && call->failure ? call->failure : "";
    enum gn_level level = failed ? GN_MAX(e->options.level, GN_WARNING) : e->options.level;
    identify(&l, call);
    add_result(&l, e, call, &text);
    gn_log_with(call->env->log, level, "logging", l.fields, l.count, "%s %s%s%.*s",
                gn_shipped_subject(call, subject), gn_shipped_verdict(call), *why ? ": " : "",
                (int)gn_utf8_cut(why, strlen(why), FAILURE_MAX), why);
    gn_buf_release(&text);
}

/* What would be dropped is not put together. */
static bool is_heard(const struct gn_call *call, enum gn_level level)
{
    struct gn_log *log = call->env->log;
    return log && __atomic_load_n(&log->level, __ATOMIC_RELAXED) <= level;
}

static int run(struct gn_call *call)
{
    const struct gn_shipped_entry *e = gn_shipped_self(call);
    if (is_heard(call, e->options.level))
        tell_begin(e, call);
    int rc = gn_call_next(call);
    if (is_heard(call, GN_MAX(e->options.level, GN_WARNING)))
        tell_end(e, call);
    return rc;
}

const struct gn_shipped_kind gn_shipped_logging = {"logging", GANTRY_ON_MESSAGE, run};
