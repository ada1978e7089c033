/* adopt.c - what a nested call has said becomes what its caller says: copied, since the nested call
 * goes first. */
#include "call/internal.h"

#include <string.h>

/* False: the arena is full. */
static bool copy_text(struct gn_arena *arena, const char **text)
{
    const char *from = *text;
    *text = gn_arena_strdup(arena, from);
    return !from || *text;
}

static bool copy_annotations(struct gn_arena *arena, const struct gn_annotations **a)
{
    if (!*a)
        return true;
    struct gn_annotations *copy = gn_arena_alloc(arena, sizeof *copy);
    if (!copy)
        return false;
    *copy = **a;
    copy->last_modified = gn_arena_strdup(arena, (*a)->last_modified);
    bool fits = copy->last_modified || !(*a)->last_modified;
    *a = copy;
    return fits;
}

int gn_call_adopt_content(struct gn_call *call, const struct gn_content *content)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    struct gn_content c = *content;
    if (c.text && !(c.text = gn_arena_strndup(&call->arena, c.text, c.len)))
        return GANTRY_ETOOBIG;
    bool fits = copy_text(&call->arena, &c.mime) && copy_text(&call->arena, &c.uri) &&
                copy_text(&call->arena, &c.name) && copy_text(&call->arena, &c.description) &&
                copy_annotations(&call->arena, &c.annotations);
    call->result.role = c.role ? c.role : (uint8_t)GANTRY_USER;
    return fits ? gn_call_add(call, &c) : GANTRY_ETOOBIG;
}

int gn_call_adopt_meta(struct gn_call *call, const struct gn_call *child)
{
    struct gn_result_meta **next = &call->result.meta;
    while (*next)
        next = &(*next)->next;
    for (const struct gn_result_meta *from = child->result.meta; from; from = from->next) {
        struct gn_result_meta *m = gn_arena_calloc(&call->arena, sizeof *m);
        if (!m || !(m->key = gn_arena_strdup(&call->arena, from->key)) ||
            !(m->json = gn_arena_strdup(&call->arena, from->json)))
            return GANTRY_ETOOBIG;
        *next = m;
        next = &m->next;
    }
    return GANTRY_OK;
}

/* Whose words a failure has decides whether others may see them (mask_errors). */
static int fail(struct gn_call *call, bool own_words, const char *prefix, const char *text)
{
    int rc = gn_call_fail(call, "%s%s", prefix, text);
    call->own_words = own_words;
    return rc;
}

int gn_call_adopt_failure(struct gn_call *call, const struct gn_call *child,
                          enum gn_outcome outcome, const char *what)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    const char *text = child->failure ? child->failure : "it failed";
    switch (outcome) {
    case GN_OUT_INVALID: {
        const char *prefix = gn_arena_format(&call->arena, "arguments of %s: ", what);
        return fail(call, true, prefix ? prefix : "", text);
    }
    case GN_OUT_TIMEOUT: /* its arena is not to be read */
        return fail(call, true, "", child->deadline_text);
    case GN_OUT_BUSY:
        return fail(call, true, "", "the server is busy: try again later");
    case GN_OUT_NOT_FOUND:
        return gn_call_fail(call, "%s is not there", what);
    case GN_OUT_CANCELED:
    case GN_OUT_UNWOUND:
        if (call->cancelled || gn_task_is_cancelled(call->task))
            return GANTRY_ECANCELED;
        return fail(call, true, "",
                    "the call was cancelled: its plugin was replaced or taken away");
    case GN_OUT_ACCIDENT: /* names an id, no more */
        return fail(call, true, "", text);
    default:
        return fail(call, child->own_words, "", text);
    }
}

int gn_call_adopt(struct gn_call *call, const struct gn_call *child, enum gn_outcome outcome,
                  const char *what)
{
    GN_CHECK(call, GN_CALL_MAGIC);
    if (outcome != GN_OUT_RESULT)
        return gn_call_adopt_failure(call, child, outcome, what);
    const struct gn_result *from = &child->result;
    for (const struct gn_content *c = from->first; c; c = c->next) {
        if (gn_call_adopt_content(call, c))
            return GANTRY_ETOOBIG;
    }
    if (from->structured) {
        call->result.structured = gn_arena_strndup(&call->arena, from->structured,
                                                   from->structured_len);
        call->result.structured_len = from->structured_len;
        if (!call->result.structured)
            return GANTRY_ETOOBIG;
    }
    return gn_call_adopt_meta(call, child);
}
