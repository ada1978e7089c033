/* pattern.c - JSON Schema patterns on PCRE2. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "schema/pattern.h"

#include "schema/regex.h"
#include "util/alloc.h"
#include "util/str.h"

#include <pcre2.h>
#include <stdalign.h>

#define STEPS_MAX 10000000u /* of one match, all starting points together */
#define STEPS_MIN 1000u     /* of one starting point */
#define HEAP_MAX_KIB 4096u
#define SHOWN_MAX 200 /* bytes of an expression in a message */
/* PCRE2 makes a general context, a match context and match data of one pair: about 350 bytes. */
#define SCRATCH_SIZE 768

struct gn_pattern {
    pcre2_code *code;
    bool anchored; /* one starting point only */
    bool compiled; /* to machine code */
};

/* Memory for one match, on the stack: asking malloc three times would cost more than a match. */
struct scratch {
    size_t used;
    alignas(max_align_t) unsigned char bytes[SCRATCH_SIZE];
};

static void *scratch_alloc(size_t size, void *data)
{
    struct scratch *s = data;
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (rounded < size || rounded > sizeof(s->bytes) - s->used)
        return gn_try_malloc(size);
    void *memory = s->bytes + s->used;
    s->used += rounded;
    return memory;
}

static void scratch_free(void *memory, void *data)
{
    struct scratch *s = data;
    uintptr_t at = (uintptr_t)memory, first = (uintptr_t)s->bytes;
    if (at < first || at >= first + sizeof(s->bytes))
        gn_free(memory);
}

static pcre2_code *compile(const struct gn_buf *text, int *why)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    gn_assert(context != NULL);
    uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALLOW_EMPTY_CLASS |
                       PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C;
    PCRE2_SIZE at = 0;
    pcre2_set_parens_nest_limit(context, GN_REGEX_DEPTH);
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)gn_buf_str(text), text->len, options, why, &at,
                                     context);
    pcre2_compile_context_free(context);
    return code;
}

int gn_pattern_compile(const char *text, size_t len, struct gn_pattern **ret, struct gn_error *err)
{
    *ret = NULL;
    struct gn_buf translated = GN_BUF_INIT(GN_REGEX_OUT_MAX);
    pcre2_code *code = NULL;
    int rc = gn_regex_translate(text, len, &translated, err);
    if (rc == 0) {
        int why = 0;
        code = compile(&translated, &why);
        if (!code) {
            PCRE2_UCHAR reason[160];
            pcre2_get_error_message(why, reason, sizeof(reason));
            rc = gn_error_set(err, GN_ENOTSUP, "not supported: %s", (const char *)reason);
        }
    }
    gn_buf_release(&translated);
    if (rc < 0) {
        int shown = (int)gn_utf8_cut(text, len, SHOWN_MAX);
        gn_error_prefix(err, "pattern \"%.*s%s\": ", shown, text, (size_t)shown < len ? "..." : "");
        return rc;
    }
    struct gn_pattern *p = gn_malloc(sizeof(*p));
    uint32_t all = 0;
    pcre2_pattern_info(code, PCRE2_INFO_ALLOPTIONS, &all);
    /* Without leave to map executable memory the interpreter does the same, slower. */
    bool compiled = pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0;
    *p = (struct gn_pattern){code, (all & PCRE2_ANCHORED) != 0, compiled};
    *ret = p;
    return 0;
}

void gn_pattern_free(struct gn_pattern *p)
{
    if (!p)
        return;
    pcre2_code_free(p->code);
    gn_free(p);
}

int gn_pattern_match(const struct gn_pattern *p, const char *s, size_t len)
{
    if (len > GN_PATTERN_SUBJECT_MAX)
        return GN_ETOOBIG;
    /* Checked here, since machine code is entered without PCRE2's own checks. */
    if (!gn_utf8_valid(s, len))
        return 0;
    s = s ? s : "";
    struct scratch scratch;
    scratch.used = 0;
    pcre2_general_context *general = pcre2_general_context_create(scratch_alloc, scratch_free,
                                                                  &scratch);
    gn_assert(general != NULL);
    pcre2_match_context *context = pcre2_match_context_create(general);
    pcre2_match_data *data = pcre2_match_data_create(1, general);
    gn_assert(context != NULL && data != NULL);
    /* PCRE2 counts from zero again at each starting point. */
    uint32_t steps = p->anchored ? STEPS_MAX : STEPS_MAX / ((uint32_t)len + 1);
    pcre2_set_match_limit(context, GN_MAX(steps, STEPS_MIN));
    pcre2_set_heap_limit(context, HEAP_MAX_KIB);
    int rc = PCRE2_ERROR_JIT_STACKLIMIT;
    if (p->compiled)
        rc = pcre2_jit_match(p->code, (PCRE2_SPTR)s, len, 0, 0, data, context);
    /* Machine code has 32 KiB to remember where to go back to; the interpreter has the heap. */
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
        rc = pcre2_match(p->code, (PCRE2_SPTR)s, len, 0, PCRE2_NO_JIT | PCRE2_NO_UTF_CHECK, data,
                         context);
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    pcre2_general_context_free(general);
    return rc >= 0 ? 1 : rc == PCRE2_ERROR_NOMATCH ? 0 : GN_ETOOBIG;
}
