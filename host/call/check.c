/* check.c - arguments before a handler runs, and structured output after it, against the schemas of
 * their component. */
#include "call/internal.h"
#include "call/lines.h"

#include <string.h>

#define TOLD_LINES 5 /* of what does not fit, in the log */

/* ---------------------------------------------------------------- arguments */

/* On the wire the arguments of prompts and the variables of URIs are texts, whatever they mean. */
static uint32_t coercion(const struct gn_call *call)
{
    const struct gn_component *c = call->component;
    if (c->kind != GN_TOOL)
        return GN_COERCE_NULLS | GN_COERCE_TEXT | GN_COERCE_ALL;
    if (call->env->strict_input || (c->flags & GANTRY_STRICT_INPUT))
        return 0;
    return GN_COERCE_NULLS | GN_COERCE_TEXT;
}

static int bind_table(struct gn_call *call, struct gn_problems *problems)
{
    struct gn_component *c = call->component;
    size_t size = GN_MAX(c->input->struct_size, 1u);
    call->in = gn_arena_alloc(&call->arena, size);
    return call->in ? gn_fields_bind(c->input, call->arguments, coercion(call), &call->arena,
                                     call->in, problems)
                    : GN_ETOOBIG;
}

/* Most arguments fit as they are; what does not is coerced, and then the handler sees that. */
static int check_document(struct gn_call *call, struct gn_problems *problems)
{
    static const gantry_json none = {.type = GN_JSON_OBJECT, .skip = 1};
    const struct gn_schema *schema = call->component->input_schema;
    const gantry_json *value = call->arguments ? call->arguments : &none;
    uint32_t flags = coercion(call);
    int rc = gn_schema_validate(schema, value, 0, NULL);
    if (rc == GN_ETOOBIG)
        gn_problems_add(problems, "",
                        "the arguments take too many steps to check, or are nested too deep");
    if (rc != GN_EINVAL)
        return rc;
    if (flags) {
        value = gn_schema_coerce(schema, value, flags, &call->arena, NULL);
        if (!value)
            return GN_ETOOBIG;
        call->arguments = value;
    }
    return gn_schema_validate(schema, value, 0, problems);
}

bool gn_call_bind(struct gn_call *call, enum gn_outcome *ret_outcome)
{
    struct gn_component *c = call->component;
    struct gn_problems problems;
    gn_problems_init(&problems);
    int rc = c->input          ? bind_table(call, &problems)
             : c->input_schema ? check_document(call, &problems)
                               : 0;
    if (rc) {
        const char *told = NULL; /* what filled the call's memory leaves no room for words */
        if (problems.text.len)
            told = gn_arena_format(&call->arena, "%s", gn_buf_str(&problems.text));
        call->failure = told ? told : "the arguments take more memory than a call may use";
        call->failed = true;
        *ret_outcome = GN_OUT_INVALID;
    }
    gn_problems_release(&problems);
    return rc == 0;
}

/* ---------------------------------------------------------------- structured output */

static enum gn_output_check output_check(const struct gn_call *call)
{
    const struct gn_component *c = call->component;
    if (!c || c->kind != GN_TOOL || call->is_completion || !c->output_text ||
        (c->flags & GANTRY_OUTPUT_UNCHECKED))
        return GN_OUTPUT_OFF;
    return c->flags & GANTRY_OUTPUT_STRICT ? GN_OUTPUT_STRICT : call->env->output_check;
}

/* What of the output goes against what the tool promises, in words if problems is given. */
static int check_output(struct gn_call *call, struct gn_problems *problems)
{
    const struct gn_component *c = call->component;
    const struct gn_result *r = &call->result;
    struct gn_json_doc doc;
    struct gn_error err = {0};
    if (!r->structured)
        return GN_EINVAL;
    int rc = gn_json_parse_copy(&doc, r->structured, r->structured_len, NULL, &err);
    if (rc) {
        gn_problems_add(problems, "", "it cannot be checked: %s", err.text);
        return rc;
    }
    rc = gn_schema_validate(c->output ? c->output->schema : c->output_schema, gn_json_root(&doc), 0,
                            problems);
    gn_json_release(&doc);
    return rc;
}

/* Problems come one a line; a log has one line for the first of them. */
static const char *in_one_line(struct gn_call *call, const struct gn_problems *problems)
{
    if (!call->result.structured)
        return "it has an output schema but returned no structured output";
    struct gn_buf text = GN_BUF_INIT(4096);
    const char *p = gn_buf_str(&problems->text);
    uint32_t lines = 0;
    for (; *p && lines < TOLD_LINES; lines++) {
        size_t len = strcspn(p, "\n");
        gn_buf_adds(&text, lines ? "; " : "");
        gn_buf_add(&text, p, len);
        p += len + (p[len] == '\n');
    }
    if (problems->count > lines)
        gn_buf_addf(&text, "; and %u more", problems->count - lines);
    const char *kept = gn_arena_format(
        &call->arena, "its structured output does not fit its schema: %s", gn_buf_str(&text));
    gn_buf_release(&text);
    return kept ? kept : "its structured output does not fit its schema";
}

/* 1, 10, 100, ... */
static bool is_round(uint32_t n)
{
    while (n >= 10 && n % 10 == 0)
        n /= 10;
    return n == 1;
}

const char *gn_call_check_output(struct gn_call *call)
{
    enum gn_output_check mode = output_check(call);
    if (mode == GN_OUTPUT_OFF || check_output(call, NULL) == 0)
        return NULL;
    struct gn_component *c = call->component;
    struct gn_log *log = call->env->log;
    uint32_t times = c->misfits = c->misfits == UINT32_MAX ? UINT32_MAX : c->misfits + 1;
    enum gn_level level = is_round(times) ? GN_WARNING : GN_DEBUG;
    if (mode == GN_OUTPUT_WARN && (!log || level < log->level))
        return NULL;
    struct gn_problems problems;
    gn_problems_init(&problems);
    check_output(call, &problems);
    const char *text = in_one_line(call, &problems);
    gn_problems_release(&problems);
    if (mode == GN_OUTPUT_STRICT)
        return text;
    if (times > 1)
        gn_call_note(call, level, "%s: %s (%u results did not, up to now)", gn_call_label(call),
                     text, times);
    else
        gn_call_note(call, level, "%s: %s", gn_call_label(call), text);
    return NULL;
}
