/* form.c - a form, asked field by field. */
#include "ask.h"
#include "field.h"

#include "text.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define CONTENT_MAX ((size_t)8 << 20)
#define SHOWN_COLUMNS 30U /* of a default in a prompt */

struct filling {
    struct gn_fields form;
    char *message;
    char **answers; /* JSON, by field; NULL: none */
    size_t at;      /* the field that is asked; count: all are there, may they be sent? */
};

/* ---------------------------------------------------------------- asking */

/* A value that is JSON text as a person reads it. Owned. */
static char *shown_answer(const struct gn_field *f, const char *json)
{
    struct gn_json_doc doc = {0};
    struct gn_buf out = GN_BUF_INIT((size_t)64 * 1024);
    if (json && gn_json_parse_copy(&doc, json, strlen(json), NULL, NULL) == 0)
        gn_field_add_shown(f, gn_json_root(&doc), &out);
    gn_json_release(&doc);
    return gn_buf_take(&out, NULL);
}

static void prompt_field(struct gn_asked *k)
{
    struct filling *s = k->data;
    const struct gn_field *f = &s->form.v[s->at];
    struct gn_buf shown = GN_BUF_INIT((size_t)64 * 1024), cut = GN_BUF_INIT((size_t)64 * 1024);
    GN_AUTO_FREE char *answer = shown_answer(f, s->answers[s->at]);
    if (s->answers[s->at])
        gn_buf_adds(&shown, answer);
    else if (f->fallback)
        gn_field_add_shown(f, f->fallback, &shown);
    gn_text_add_cut(&cut, gn_buf_str(&shown), shown.len,
                    GN_MIN(SHOWN_COLUMNS, gn_asked_columns(k) / 2));
    if (s->answers[s->at] || f->fallback)
        gn_asked_prompt(k, "[%s] > ", gn_buf_str(&cut));
    else
        gn_asked_prompt(k, "> ");
    gn_buf_release(&shown);
    gn_buf_release(&cut);
}

static void show_choices(struct gn_asked *k, const struct gn_field *f)
{
    for (size_t i = 0; i < f->choice_count; i++) {
        struct gn_buf text = GN_BUF_INIT((size_t)64 * 1024);
        gn_field_add_shown(f, f->choices[i].value, &text);
        gn_asked_sayf(k, GN_STYLE_NONE, 2, "%zu) %s", i + 1, gn_buf_str(&text));
        gn_buf_release(&text);
    }
}

static void show_field(struct gn_asked *k)
{
    struct filling *s = k->data;
    const struct gn_field *f = &s->form.v[s->at];
    struct gn_buf hint = GN_BUF_INIT((size_t)64 * 1024);
    gn_field_add_hint(f, &hint);
    if (!f->is_required)
        gn_buf_adds(&hint, hint.len ? ", optional" : "optional");
    gn_asked_sayf(k, GN_STYLE_BOLD, 0, "%s%s%s%s", f->title && *f->title ? f->title : f->name,
                  hint.len ? " (" : "", gn_buf_str(&hint), hint.len ? ")" : "");
    if (f->description)
        gn_asked_say(k, GN_STYLE_NONE, 2, f->description);
    show_choices(k, f);
    prompt_field(k);
    gn_buf_release(&hint);
}

static void show_review(struct gn_asked *k)
{
    struct filling *s = k->data;
    if (s->form.count > 0)
        gn_asked_say(k, GN_STYLE_BOLD, 0, "Your answers");
    for (size_t i = 0; i < s->form.count; i++) {
        const struct gn_field *f = &s->form.v[i];
        GN_AUTO_FREE char *answer = shown_answer(f, s->answers[i]);
        gn_asked_sayf(k, GN_STYLE_NONE, 2, "%s: %s", f->title && *f->title ? f->title : f->name,
                      s->answers[i] ? answer : "-");
    }
    if (s->form.count > 0)
        gn_asked_say(k, GN_STYLE_DIM, 0, "y (or Enter) sends them, e changes them, n says no.");
    gn_asked_prompt(k, s->form.count > 0 ? "Send? [y], e, n > " : "Agree? [y], n > ");
}

static void show(struct gn_asked *k)
{
    struct filling *s = k->data;
    gn_asked_say_who(k, "asks:");
    gn_asked_say(k, GN_STYLE_NONE, 2, s->message);
    gn_asked_sayf(k, GN_STYLE_DIM, 0, "%s:decline says no, :cancel or Ctrl-D gives no answer.",
                  s->form.count > 1   ? "Enter takes what is in [brackets], :back goes back, "
                  : s->form.count > 0 ? "Enter takes what is in [brackets], "
                                      : "");
    if (s->form.count > 0)
        show_field(k);
    else
        show_review(k);
}

/* ---------------------------------------------------------------- answers */

static char *make_content(const struct filling *s)
{
    struct gn_buf out = GN_BUF_INIT(CONTENT_MAX);
    size_t n = 0;
    gn_buf_addc(&out, '{');
    for (size_t i = 0; i < s->form.count; i++) {
        const char *name = s->form.v[i].name;
        if (!s->answers[i])
            continue;
        gn_buf_adds(&out, n++ ? "," : "");
        gn_json_write_str(&out, name, strlen(name));
        gn_buf_addc(&out, ':');
        gn_buf_adds(&out, s->answers[i]);
    }
    gn_buf_addc(&out, '}');
    return gn_buf_take(&out, NULL);
}

static void send_answers(struct gn_asked *k)
{
    struct filling *s = k->data;
    gantry_client_error err = {0};
    GN_AUTO_FREE char *content = make_content(s);
    gantry_question_on_gone(k->question, NULL, NULL);
    if (gantry_question_accept(k->question, content, &err) == GANTRY_CLIENT_OK) {
        gn_asked_end(k);
        return;
    }
    gn_asked_watch(k);
    gn_asked_sayf(k, GN_STYLE_RED, 0, "That does not fit: %s", err.message);
    s->at = 0;
    if (s->form.count > 0)
        show_field(k);
    else
        show_review(k);
}

static void go_on(struct gn_asked *k)
{
    struct filling *s = k->data;
    s->at++;
    if (s->at < s->form.count)
        show_field(k);
    else if (s->form.count == 1)
        send_answers(k);
    else
        show_review(k);
}

/* Nothing was typed: what stands there stays, else the default, else nothing if that may be. */
static const char *take_nothing(struct filling *s, const struct gn_field *f)
{
    struct gn_buf value = GN_BUF_INIT(CONTENT_MAX);
    if (s->answers[s->at])
        return NULL;
    if (!f->fallback && f->is_required)
        return f->kind == GN_FIELD_TEXT ? "an answer is needed (\"\" is an empty text)"
                                        : "an answer is needed";
    if (f->fallback && gn_json_write(&value, f->fallback) == 0)
        s->answers[s->at] = gn_buf_take(&value, NULL);
    gn_buf_release(&value);
    return NULL;
}

static void take_field(struct gn_asked *k, const char *line)
{
    struct filling *s = k->data;
    const struct gn_field *f = &s->form.v[s->at];
    struct gn_buf value = GN_BUF_INIT(CONTENT_MAX);
    struct gn_error err = {0};
    const char *typed = line[0] == ':' && line[1] == ':' ? line + 1 : line;
    int rc = gn_field_read(f, typed, &value, &err);
    const char *wrong = rc == GN_ENOENT ? take_nothing(s, f) : rc ? err.text : NULL;
    if (rc == 0) {
        gn_free(s->answers[s->at]);
        s->answers[s->at] = gn_buf_take(&value, NULL);
    }
    gn_buf_release(&value);
    if (wrong) {
        gn_asked_sayf(k, GN_STYLE_RED, 2, "%s", wrong);
        prompt_field(k);
    } else {
        go_on(k);
    }
}

static void take_review(struct gn_asked *k, const char *line)
{
    struct filling *s = k->data;
    switch (line[strspn(line, " \t")]) {
    case '\0':
    case 'y':
    case 'Y':
        send_answers(k);
        return;
    case 'n':
    case 'N':
        gn_asked_refuse(k, true);
        return;
    case 'e':
    case 'E':
        s->at = 0;
        break;
    default:
        break;
    }
    if (s->at < s->form.count)
        show_field(k);
    else
        show_review(k);
}

static void take(struct gn_asked *k, const char *line)
{
    struct filling *s = k->data;
    if (gn_streq(line, ":back")) {
        s->at -= s->at > 0;
        if (s->form.count > 0)
            show_field(k);
        else
            show_review(k);
    } else if (line[0] == ':' && line[1] != ':' && s->at < s->form.count) {
        gn_asked_say(k, GN_STYLE_RED, 2,
                     "there are :back, :decline and :cancel; a text that begins with a colon is "
                     "typed with two");
        prompt_field(k);
    } else if (s->at < s->form.count) {
        take_field(k, line);
    } else {
        take_review(k, line);
    }
}

static void refuse(struct gn_asked *k, bool said_no)
{
    if (said_no)
        gantry_question_decline(k->question);
    else
        gantry_question_dismiss(k->question);
}

static void release(struct gn_asked *k)
{
    struct filling *s = k->data;
    for (size_t i = 0; i < s->form.count; i++)
        gn_free(s->answers[i]);
    gn_free(s->answers);
    gn_free(s->message);
    gn_fields_release(&s->form);
    gn_free(s);
}

static const struct gn_asked_ops form_ops = {show, take, refuse, release};

void gn_asked_form(struct gn_asker *a, gantry_question *question, const char *message,
                   const gantry_json *schema)
{
    struct filling *s = gn_calloc(1, sizeof(*s));
    struct gn_error err = {0};
    if (gn_fields_read(schema, &s->form, &err)) {
        gn_free(s);
        gantry_question_fail(question, -32602, err.text);
        return;
    }
    s->message = gn_strdup(message ? message : "");
    s->answers = gn_calloc(s->form.count + 1, sizeof(*s->answers));
    gn_asked_add(a, question, &form_ops, s);
}
