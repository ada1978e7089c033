/* pattern.c - JSON Schema patterns on PCRE2. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "schema/pattern.h"

#include "util/alloc.h"

#include <pcre2.h>
#include <string.h>

#define PATTERN_MAX 4096
#define SUBJECT_MAX ((size_t)64 * 1024)
#define STEPS_MAX 10000000u /* of one match, all starting points together */
#define STEPS_MIN 1000u     /* of one starting point */
#define HEAP_MAX_KIB 4096u

struct gn_pattern {
    pcre2_code *code;
    bool anchored; /* one starting point only */
};

int gn_pattern_compile(const char *text, struct gn_pattern **ret, struct gn_error *err)
{
    *ret = NULL;
    if (strlen(text) > PATTERN_MAX)
        return gn_error_set(err, GN_ETOOBIG, "pattern is longer than %d bytes", PATTERN_MAX);
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    gn_assert(context != NULL);
    pcre2_set_newline(context, PCRE2_NEWLINE_ANYCRLF);
    pcre2_set_parens_nest_limit(context, 100);
    uint32_t options = PCRE2_UTF | PCRE2_ALT_BSUX | PCRE2_DOLLAR_ENDONLY | PCRE2_ALLOW_EMPTY_CLASS |
                       PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C;
    int code = 0;
    PCRE2_SIZE at = 0;
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, options, &code,
                                         &at, context);
    pcre2_compile_context_free(context);
    if (!compiled) {
        PCRE2_UCHAR why[160];
        pcre2_get_error_message(code, why, sizeof(why));
        return gn_error_set(err, GN_EINVAL, "pattern \"%s\": %s at character %zu", text,
                            (const char *)why, at + 1);
    }
    /* Without leave to map executable memory the interpreter does the same, slower. */
    (void)pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);
    uint32_t all = 0;
    pcre2_pattern_info(compiled, PCRE2_INFO_ALLOPTIONS, &all);
    struct gn_pattern *p = gn_malloc(sizeof(*p));
    *p = (struct gn_pattern){compiled, (all & PCRE2_ANCHORED) != 0};
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
    if (len > SUBJECT_MAX)
        return GN_ETOOBIG;
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    gn_assert(context != NULL && data != NULL);
    /* PCRE2 counts from zero again at each starting point. */
    uint32_t steps = p->anchored ? STEPS_MAX : STEPS_MAX / ((uint32_t)len + 1);
    pcre2_set_match_limit(context, GN_MAX(steps, STEPS_MIN));
    pcre2_set_heap_limit(context, HEAP_MAX_KIB);
    int rc = pcre2_match(p->code, (PCRE2_SPTR)s, len, 0, 0, data, context);
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    if (rc >= 0)
        return 1;
    /* Text that is not UTF-8 (only a plugin can send it) matches nothing. */
    if (rc == PCRE2_ERROR_NOMATCH || (rc <= PCRE2_ERROR_UTF8_ERR1 && rc >= PCRE2_ERROR_UTF8_ERR21))
        return 0;
    return GN_ETOOBIG;
}
