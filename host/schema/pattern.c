/* pattern.c - JSON Schema patterns on PCRE2. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "schema/pattern.h"

#include "schema/regex.h"
#include "util/alloc.h"
#include "util/str.h"

#include <pcre2.h>
#include <stdatomic.h>
#include <time.h>

/* Of one match, all starting points together, and of one starting point. Nearly every expression
 * gets by with the few. */
#define STEPS_FEW 10000u
#define STEPS_FEW_MIN 16u
#define STEPS_MAX 10000000u
#define STEPS_MIN 1000u
#define HEAP_MAX_KIB 4096u
/* Steps do not count the characters that one runs over. In a long text the work of all starting
 * points together may then grow with the square of its length: it is cut in pieces of so many
 * starting points, and the time is looked at between them. */
#define PIECE ((size_t)1024)
#define PIECES_FROM ((size_t)8192)
#define TIME_MAX_NS INT64_C(200000000)
#define SHOWN_MAX 200 /* bytes of an expression in a message */

/* What PCRE2 needs for one match: made once, then kept for the next. */
struct work {
    pcre2_match_context *context;
    pcre2_match_data *data;
    bool has_heap; /* the match data holds memory of the interpreter */
};

struct gn_pattern {
    pcre2_code *code;
    bool anchored; /* one starting point only */
    bool compiled; /* to machine code */
    /* The work of the last match, or NULL: of those who match at once one takes it, the others make
     * their own. A pointer, since the pattern is constant but for this. */
    _Atomic(struct work *) *spare;
};

static struct work *make_work(void)
{
    struct work *w = gn_calloc(1, sizeof(*w));
    w->context = pcre2_match_context_create(NULL);
    w->data = pcre2_match_data_create(1, NULL);
    gn_assert(w->context != NULL && w->data != NULL);
    pcre2_set_heap_limit(w->context, HEAP_MAX_KIB);
    return w;
}

static void free_work(struct work *w)
{
    if (!w)
        return;
    pcre2_match_data_free(w->data);
    pcre2_match_context_free(w->context);
    gn_free(w);
}

static pcre2_code *compile(const struct gn_buf *text, int *why)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    gn_assert(context != NULL);
    uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALLOW_EMPTY_CLASS |
                       PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C | PCRE2_USE_OFFSET_LIMIT;
    PCRE2_SIZE at = 0;
    pcre2_set_parens_nest_limit(context, GN_REGEX_DEPTH);
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)gn_buf_str(text), text->len, options, why, &at,
                                     context);
    pcre2_compile_context_free(context);
    return code;
}

static int64_t thread_time_ns(void)
{
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Matches that begin at `from` up to the context's limit of offsets. */
static int match_from(const struct gn_pattern *p, struct work *w, const char *s, size_t len,
                      size_t from)
{
    int rc = PCRE2_ERROR_JIT_STACKLIMIT;
    if (p->compiled)
        rc = pcre2_jit_match(p->code, (PCRE2_SPTR)s, len, from, 0, w->data, w->context);
    /* Machine code has 32 KiB to remember where to go back to; the interpreter has the heap. */
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT) {
        w->has_heap = true;
        rc = pcre2_match(p->code, (PCRE2_SPTR)s, len, from, PCRE2_NO_JIT | PCRE2_NO_UTF_CHECK,
                         w->data, w->context);
    }
    return rc;
}

static int match_in_pieces(const struct gn_pattern *p, struct work *w, const char *s, size_t len)
{
    int64_t end = thread_time_ns() + TIME_MAX_NS;
    int rc = PCRE2_ERROR_NOMATCH;
    for (size_t from = 0; rc == PCRE2_ERROR_NOMATCH && from <= len;) {
        if (thread_time_ns() > end) {
            rc = PCRE2_ERROR_MATCHLIMIT;
            break;
        }
        size_t next = GN_MIN(from + PIECE, len + 1);
        while (next < len && ((unsigned char)s[next] & 0xC0) == 0x80)
            next++;
        pcre2_set_offset_limit(w->context, next - 1);
        rc = match_from(p, w, s, len, from);
        from = next;
    }
    pcre2_set_offset_limit(w->context, PCRE2_UNSET);
    return rc;
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
    *p = (struct gn_pattern){code, (all & PCRE2_ANCHORED) != 0, compiled,
                             gn_malloc(sizeof(*p->spare))};
    atomic_init(p->spare, NULL);
    *ret = p;
    return 0;
}

void gn_pattern_free(struct gn_pattern *p)
{
    if (!p)
        return;
    free_work(atomic_load(p->spare));
    gn_free(p->spare);
    pcre2_code_free(p->code);
    gn_free(p);
}

static bool take_steps(uint64_t *steps, uint64_t n)
{
    bool enough = *steps >= n;
    *steps = enough ? *steps - n : 0;
    return enough;
}

/* PCRE2 counts from zero again at each starting point. */
static void limit_steps(const struct gn_pattern *p, struct work *w, size_t len, uint32_t max,
                        uint32_t min)
{
    uint32_t each = p->anchored ? max : max / ((uint32_t)len + 1);
    pcre2_set_match_limit(w->context, GN_MAX(each, min));
}

int gn_pattern_match(const struct gn_pattern *p, const char *s, size_t len, uint64_t *steps)
{
    if (len > GN_PATTERN_SUBJECT_MAX || !take_steps(steps, 1 + len / 4))
        return GN_ETOOBIG;
    /* Checked here, since machine code is entered without PCRE2's own checks. */
    if (!gn_utf8_valid(s, len))
        return 0;
    s = s ? s : "";
    struct work *w = atomic_exchange(p->spare, NULL);
    if (!w)
        w = make_work();
    bool whole = p->anchored || len < PIECES_FROM;
    limit_steps(p, w, len, STEPS_FEW, STEPS_FEW_MIN);
    int rc = whole ? match_from(p, w, s, len, 0) : PCRE2_ERROR_MATCHLIMIT;
    if (rc == PCRE2_ERROR_MATCHLIMIT && take_steps(steps, whole ? GN_PATTERN_DEAR : len * 4)) {
        limit_steps(p, w, len, STEPS_MAX, STEPS_MIN);
        rc = whole ? match_from(p, w, s, len, 0) : match_in_pieces(p, w, s, len);
    }
    /* What the interpreter took stays in the match data, up to HEAP_MAX_KIB: not to be kept. */
    if (!w->has_heap)
        w = atomic_exchange(p->spare, w);
    free_work(w);
    return rc >= 0 ? 1 : rc == PCRE2_ERROR_NOMATCH ? 0 : GN_ETOOBIG;
}
