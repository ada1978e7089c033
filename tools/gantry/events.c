/* events.c - what happens while a command waits: shown to a person, printed for a program,
 * answered. */
#include "target.h"

#include "util/alloc.h"
#include "util/str.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- events for programs */

void gn_events_print(const struct gn_target *t, const char *event, json_t *members)
{
    json_t *line = json_pack("{s:s}", "event", event);
    json_object_update(line, members);
    json_decref(members);
    char *text = t->output == GN_OUTPUT_JSONL
                     ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(17))
                     : NULL;
    json_decref(line);
    if (!text)
        return;
    if (puts(text) >= 0)
        fflush(stdout); /* a program waits for it */
    free(text);
}

/* A member that may be missing. */
static void set_text(json_t *members, const char *name, const char *text)
{
    if (text && *text)
        json_object_set_new(members, name, json_string(text));
}

/* ---------------------------------------------------------------- told */

static void on_progress(gantry_client *client, gantry_request *request,
                        const gantry_client_progress *progress, void *arg)
{
    struct gn_target *t = arg;
    (void)client;
    (void)request;
    if (t->output == GN_OUTPUT_JSONL) {
        json_t *members = json_pack("{s:f}", "progress", progress->progress);
        if (progress->total > 0)
            json_object_set_new(members, "total", json_real(progress->total));
        set_text(members, "message", progress->message);
        gn_events_print(t, "progress", members);
    } else {
        gn_person_progress(t->person, progress);
    }
}

static void on_log(gantry_client *client, gantry_request *request, const gantry_client_log *message,
                   void *arg)
{
    struct gn_target *t = arg;
    (void)client;
    (void)request;
    if (t->output == GN_OUTPUT_JSONL) {
        json_t *members = json_pack("{s:s}", "level", message->level), *data;
        data = gn_json_to_jansson(message->data);
        set_text(members, "logger", message->logger);
        if (data)
            json_object_set_new(members, "data", data);
        gn_events_print(t, "log", members);
    } else {
        gn_person_log(t->person, message);
    }
}

static void on_list_changed(gantry_client *client, gantry_list_kind kind, void *arg)
{
    static const char *const names[] = {
        [GANTRY_LIST_TOOLS] = "tools",         [GANTRY_LIST_RESOURCES] = "resources",
        [GANTRY_LIST_TEMPLATES] = "templates", [GANTRY_LIST_PROMPTS] = "prompts",
        [GANTRY_LIST_TASKS] = "tasks",
    };
    const char *name = (size_t)kind < GN_COUNT(names) ? names[kind] : "list";
    struct gn_target *t = arg;
    (void)client;
    if (t->output == GN_OUTPUT_JSONL)
        gn_events_print(t, "changed", json_pack("{s:s}", "list", name));
    else
        gn_show_change(stdout, name, NULL);
}

static void on_resource_updated(gantry_client *client, const char *uri, void *arg)
{
    struct gn_target *t = arg;
    (void)client;
    if (t->output == GN_OUTPUT_JSONL)
        gn_events_print(t, "changed", json_pack("{s:s}", "uri", uri));
    else
        gn_show_change(stdout, "resource", uri);
}

static void on_stderr(gantry_client *client, const char *line, size_t size, void *arg)
{
    struct gn_target *t = arg;
    (void)client;
    if (t->words_of_program.verbose)
        gn_person_clear(t->person);
    gn_words_add(&t->words_of_program, line, size);
}

static void on_note(gantry_client *client, const char *text, void *arg)
{
    struct gn_target *t = arg;
    (void)client;
    if (gn_streq(text, t->last_note)) /* tried again, and again in vain */
        return;
    gn_free(t->last_note);
    t->last_note = gn_strdup(text);
    gn_person_clear(t->person);
    gn_cli_fail(t->cli, 0, "%s", text);
    gn_events_print(t, "note", json_pack("{s:s}", "message", text));
}

static void on_state(gantry_client *client, gantry_client_state state, void *arg)
{
    struct gn_target *t = arg;
    (void)client;
    if (state != GANTRY_STATE_FAILED)
        return;
    t->is_lost = true;
    uv_stop(&t->loop); /* it may be waiting for nothing else */
}

/* ---------------------------------------------------------------- asked */

static const char *next_way(struct gn_target *t)
{
    const char *way = t->elicit[t->elicit_at];
    if (t->elicit[t->elicit_at + 1])
        t->elicit_at++;
    return way;
}

static bool accept_with(struct gn_target *t, gantry_question *question, const char *content)
{
    gantry_client_error err;
    if (gantry_question_accept(question, content, &err) == GANTRY_CLIENT_OK)
        return true;
    gn_person_clear(t->person);
    gn_cli_fail(t->cli, 0, "option --elicit does not fit the question: %s", err.message);
    gantry_question_dismiss(question);
    return false;
}

static void on_elicit(gantry_client *client, gantry_question *question,
                      const gantry_client_elicitation *e, void *arg)
{
    struct gn_target *t = arg;
    const char *way = next_way(t), *answer = *way == '{' ? "accept" : way;
    json_t *told = json_pack("{s:s?, s:s?}", "message", e->message, "url", e->url);
    (void)client;
    if (gn_streq(way, "ask"))
        gn_person_elicit(t->person, question, e);
    else if (gn_streq(way, "decline"))
        gantry_question_decline(question);
    else if (gn_streq(way, "cancel"))
        gantry_question_dismiss(question);
    else if (!accept_with(t, question, *way == '{' && !e->url ? way : NULL))
        answer = "cancel";
    json_object_set_new(told, "answer", json_string(answer));
    gn_events_print(t, "question", told);
}

static void on_sample(gantry_client *client, gantry_question *question, const gantry_json *params,
                      void *arg)
{
    (void)client;
    gn_sampler_begin(arg, question, params);
}

/* ---------------------------------------------------------------- how it ended */

static int code_of(gantry_client_status status)
{
    switch (status) {
    case GANTRY_CLIENT_OK:
        return GN_EXIT_OK;
    case GANTRY_CLIENT_TOOL_ERROR:
        return GN_EXIT_FAILED;
    case GANTRY_CLIENT_INVALID:
        return GN_EXIT_USAGE;
    case GANTRY_CLIENT_CONNECTION:
    case GANTRY_CLIENT_TIMEOUT:
    case GANTRY_CLIENT_CANCELLED:
    case GANTRY_CLIENT_UNAUTHORIZED:
        return GN_EXIT_CONNECTION;
    default:
        return GN_EXIT_PROTOCOL;
    }
}

int gn_events_failed(struct gn_target *t, gantry_request *r)
{
    gantry_client_status status = gantry_request_status(r);
    GN_AUTO_FREE char *message = gn_target_message(gantry_request_message(r));
    if (status == GANTRY_CLIENT_CANCELLED && t->stopped_by)
        return GN_EXIT_CONNECTION; /* whoever did that knows */
    json_t *members = json_pack("{s:s, s:s}", "status", gantry_client_status_name(status),
                                "message", message);
    if (status == GANTRY_CLIENT_ERROR) {
        json_t *data = gn_json_to_jansson(gantry_request_error_data(r));
        gn_cli_fail(t->cli, 0, "the server says: %s (error %d)", message,
                    gantry_request_error_code(r));
        json_object_set_new(members, "code", json_integer(gantry_request_error_code(r)));
        if (data)
            json_object_set_new(members, "data", data);
    } else {
        gn_cli_fail(t->cli, 0, "%s%s", message,
                    status == GANTRY_CLIENT_UNAUTHORIZED ? "; --token or --header gives credentials"
                                                         : "");
    }
    gn_events_print(t, "error", members);
    return code_of(status);
}

int gn_events_fail(struct gn_target *t, gantry_client_status status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    GN_AUTO_FREE char *text = gn_vformat(fmt, ap);
    va_end(ap);
    t->failed = true;
    gn_cli_fail(t->cli, 0, "%s", text);
    gn_events_print(
        t, "error",
        json_pack("{s:s, s:s}", "status", gantry_client_status_name(status), "message", text));
    return code_of(status);
}

/* ---------------------------------------------------------------- interface */

void gn_events_handlers(const struct gn_target *t, gantry_client_handlers *h)
{
    bool for_programs = t->output == GN_OUTPUT_JSONL;
    h->on_progress = on_progress;
    h->on_log = t->shows_log || for_programs ? on_log : NULL;
    h->on_elicit = t->elicit ? on_elicit : NULL;
    h->elicits_urls = true;
    h->on_sample = t->sampling_command ? on_sample : NULL;
    h->samples_with_tools = true;
    h->on_list_changed = t->watches ? on_list_changed : NULL;
    h->on_resource_updated = t->watches ? on_resource_updated : NULL;
    h->on_stderr = on_stderr;
    h->on_state = on_state;
    h->on_note = on_note;
}
