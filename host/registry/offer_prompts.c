/* offer_prompts.c - prompts offered as tools: list_prompts and get_prompt. */
#include "registry/offer.h"

#include "util/str.h"

#include <string.h>

#define NAME_MAX_CHARS 1000

static int list_prompts(gantry_call *call, const void *in)
{
    (void)in;
    return gn_offer_say_lists(call, &(const enum gn_kind){GN_PROMPT}, 1);
}

/* ---------------------------------------------------------------- get_prompt */

struct get_in {
    const char *name;
    const gantry_json *arguments;
};

static const gantry_arg get_args[] = {
    GANTRY_ARG(struct get_in, name, "Name of the prompt, as list_prompts shows it",
               .length = {0, NAME_MAX_CHARS}),
    GANTRY_ARG(struct get_in, arguments, "Arguments of the prompt, by name: texts", .optional = 1,
               .schema_json = "{\"type\":\"object\"}"),
    GANTRY_ARGS_END,
};

/* The arguments of prompts are texts: what a model gives as number or boolean becomes one. */
static void write_text(struct gn_jw *w, const char *name, const gantry_json *v, size_t max)
{
    size_t len = 0;
    const char *text = gn_json_str(v, &len);
    if (text) {
        gn_jw_strn(w, name, text, len);
        return;
    }
    struct gn_buf json = GN_BUF_INIT(max);
    gn_json_write(&json, v);
    gn_jw_strn(w, name, gn_buf_str(&json), json.len);
    w->out->overflow = w->out->overflow || json.overflow;
    gn_buf_release(&json);
}

static int texts_of(struct gn_call *call, const gantry_json *arguments, const gantry_json **ret)
{
    struct gn_buf out = GN_BUF_INIT(call->arena.max);
    struct gn_jw w;
    bool is_odd = false;
    gn_jw_init(&w, &out);
    gn_jw_object(&w, NULL);
    for (const gantry_json *v = NULL; (v = gn_json_next(arguments, v)) != NULL;) {
        size_t len = 0;
        const char *name = gn_json_name(v, &len);
        is_odd = is_odd || strlen(name) != len;
        if (gn_json_type(v) != GN_JSON_NULL && !is_odd)
            write_text(&w, name, v, call->arena.max);
    }
    gn_jw_end(&w);
    *ret = out.overflow ? NULL : gn_json_parse_arena(&call->arena, gn_buf_str(&out), out.len, NULL);
    gn_buf_release(&out);
    if (is_odd)
        return gn_call_fail(call, "arguments: a name in it contains the character U+0000");
    return *ret ? GANTRY_OK : GANTRY_ETOOBIG;
}

static bool is_binary(const struct gn_content *c)
{
    return c->kind == GN_CONTENT_IMAGE || c->kind == GN_CONTENT_AUDIO ||
           c->kind == GN_CONTENT_BLOB || c->kind == GN_CONTENT_EMBED_BLOB;
}

/* GetPromptResult, with or without what images and the like hold. The child has ended: it is ours
 * to change. */
static void write_messages(const struct gn_offer_run *run, bool has_data, struct gn_buf *out)
{
    struct gn_call *child = run->child;
    struct gn_result whole = child->result;
    struct gn_jw w;
    child->result.first = child->result.last = NULL;
    for (const struct gn_content *c = whole.first; c; c = c->next) {
        struct gn_content shown = *c;
        child->result.role = c->role;
        shown.len = has_data || !is_binary(c) ? c->len : 0;
        if (gn_call_add(child, &shown))
            out->overflow = true;
    }
    child->revision = GN_REV_LATEST;
    gn_jw_init(&w, out);
    gn_jw_object(&w, NULL);
    if (run->component->description)
        gn_jw_str(&w, "description", run->component->description);
    gn_result_write_prompt(child, &w);
    gn_jw_end(&w);
    child->result = whole;
}

/* The messages as structured output and as text; images and the like follow as they are, and the
 * text leaves them out. */
static int say_messages(struct gn_call *call, const struct gn_offer_run *run)
{
    struct gn_buf out = GN_BUF_INIT(gn_offer_limit(call));
    bool has_binary = false;
    for (const struct gn_content *c = run->child->result.first; c; c = c->next)
        has_binary = has_binary || is_binary(c);
    write_messages(run, true, &out);
    int rc = gn_offer_say_json(call, &out);
    if (rc || !has_binary)
        return rc;
    write_messages(run, false, &out);
    rc = out.overflow ? GANTRY_ETOOBIG : gn_offer_say(call, gn_buf_str(&out));
    gn_buf_release(&out);
    for (const struct gn_content *c = run->child->result.first; c && !rc; c = c->next) {
        if (is_binary(c))
            rc = gn_call_adopt_content(call, c);
    }
    return rc;
}

static int get_prompt(gantry_call *call, const void *raw)
{
    const struct get_in *in = raw;
    struct gn_component *c;
    const gantry_json *arguments = NULL;
    struct gn_offer_run run;
    int rc = gn_offer_find(call, GN_PROMPT, in->name, NULL, &c);
    if (rc)
        return rc;
    if (!c || !gn_offer_has(gn_offer_of(call), c))
        return gn_offer_unknown(call, GN_PROMPT, in->name);
    rc = texts_of(call, in->arguments, &arguments);
    if (rc || !gn_offer_begin(call, c, arguments, NULL, &run, &rc))
        return rc;
    if (run.outcome == GN_OUT_RESULT)
        rc = say_messages(call, &run);
    else
        rc = gn_call_adopt_failure(call, run.child, run.outcome, gn_offer_label(call, c));
    if (!rc)
        rc = gn_call_adopt_meta(call, run.child);
    gn_offer_end(&run);
    return rc;
}

void gn_offer_prompts(struct gn_build *b, struct gn_transform *t)
{
    static const struct gn_offered specs[] = {
        {
            .name = "list_prompts",
            .title = "List prompts",
            .description = "Lists the prompts of this server: templates of messages, each with its "
                           "arguments. get_prompt fills one in.",
            .run = list_prompts,
            .is_reading = true,
        },
        {
            .name = "get_prompt",
            .title = "Get prompt",
            .description = "Fills in a prompt of this server and returns its messages. "
                           "list_prompts shows which there are.",
            .args = get_args,
            .in_size = sizeof(struct get_in),
            .run = get_prompt,
            .is_reading = true,
        },
    };
    gn_offer_add(b, t, specs, GN_COUNT(specs));
}
