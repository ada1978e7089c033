/* regex.c - rewrites a regular expression of ECMA-262 for PCRE2, in one pass over its text: groups,
 * references and quantifiers. Named groups become numbered ones.
 */
#include "schema/regex_parts.h"

#include "util/str.h"

#include <string.h>

#define NUMBER_MAX 1000000u
/* More repetitions than a subject can have (pattern.h): PCRE2 counts to 65535 only. */
#define REPEAT_FOREVER 65536u
#define NOT_DIGITS UINT32_MAX

#define LINE_ENDS "\\n\\r\\x{2028}\\x{2029}"

/* What a part of the expression is; negative codes are errors. */
enum { PART_FIXED = 0, PART_REPEATABLE = 1 };

/* A decimal number; NOT_DIGITS if there is none; no more than NUMBER_MAX. */
static uint32_t take_number(struct gn_regex_reader *r)
{
    uint32_t value = 0;
    if (r->at == r->len || !gn_is_digit(r->text[r->at]))
        return NOT_DIGITS;
    for (; r->at < r->len && gn_is_digit(r->text[r->at]); r->at++)
        value = GN_MIN(value * 10 + (uint32_t)(r->text[r->at] - '0'), NUMBER_MAX);
    return value;
}

/* The name between `<` and `>`; the `<` is taken. 0 if it is none. */
static size_t take_name(struct gn_regex_reader *r)
{
    size_t start = r->at;
    for (; r->at < r->len && r->text[r->at] != '>'; r->at++) {
        char c = r->text[r->at];
        if (!gn_is_alpha(c) && c != '_' && c != '$' && (unsigned char)c < 0x80 &&
            (!gn_is_digit(c) || r->at == start))
            return 0;
    }
    size_t len = r->at - start;
    return gn_regex_skip(r, ">") ? len : 0;
}

/* The number of the group of that name, 0 if there is none; without a name the number of groups. */
static uint32_t find_group(const struct gn_regex_reader *r, const char *name, size_t len)
{
    struct gn_regex_reader scan = {.text = r->text, .len = r->len};
    uint32_t count = 0;
    bool in_brackets = false;
    while (scan.at < scan.len) {
        char c = scan.text[scan.at++];
        if (c == '\\') {
            scan.at += scan.at < scan.len;
        } else if (in_brackets || c == '[') {
            in_brackets = c != ']';
        } else if (c == '(') {
            bool named = gn_regex_next_is(&scan, "?<") && !gn_regex_next_is(&scan, "?<=") &&
                         !gn_regex_next_is(&scan, "?<!");
            if (gn_regex_next_is(&scan, "?") && !named)
                continue;
            count++;
            if (named && name && gn_regex_skip(&scan, "?<")) {
                const char *found = scan.text + scan.at;
                if (take_name(&scan) == len && memcmp(found, name, len) == 0)
                    return count;
            }
        }
    }
    return name ? 0 : count;
}

/* Modifiers up to `-` or `:`, each at most once in all: bits of the letters, or -1. */
static int take_modifiers(struct gn_regex_reader *r, int seen)
{
    static const char letters[] = "ims";
    int bits = 0;
    for (; r->at < r->len; r->at++) {
        char c = r->text[r->at];
        const char *letter = c ? strchr(letters, c) : NULL;
        int bit = letter ? 1 << (letter - letters) : 0;
        if (!letter)
            break;
        if ((bits | seen) & bit)
            return -1;
        bits |= bit;
    }
    return bits;
}

/* (?i-ms: and its like; what stands before is taken. PCRE2 is told of i alone: its ends of lines
 * are others. */
static int take_modified_group(struct gn_regex_reader *r, struct gn_regex_open *open)
{
    enum { IGNORE_CASE = 1, MULTILINE = 2, DOT_ALL = 4 };
    size_t start = r->at - 2;
    int on = take_modifiers(r, 0), off = 0;
    bool minus = on >= 0 && gn_regex_skip(r, "-");
    if (minus)
        off = take_modifiers(r, on);
    if (on < 0 || off < 0 || (on | off) == 0 || !gn_regex_skip(r, ":"))
        return gn_regex_fail(r, start, "(? does not begin a group of ECMA-262");
    open->multiline = on & MULTILINE || (open->multiline && !(off & MULTILINE));
    open->dot_all = on & DOT_ALL || (open->dot_all && !(off & DOT_ALL));
    gn_buf_adds(r->out, on & IGNORE_CASE ? "?i:" : off & IGNORE_CASE ? "?-i:" : "?:");
    return PART_FIXED;
}

/* ( and what makes it special; the parenthesis is taken. */
static int take_group(struct gn_regex_reader *r)
{
    static const char *const specials[] = {"?:", "?=", "?!", "?<=", "?<!"};
    size_t start = r->at - 1;
    if (r->depth == GN_REGEX_DEPTH)
        return gn_error_set(r->err, GN_ETOOBIG, "more than %d groups inside groups",
                            GN_REGEX_DEPTH);
    struct gn_regex_open *open = &r->open[r->depth + 1];
    *open = r->open[r->depth++];
    open->captures = 0;
    open->looks = false;
    gn_buf_addc(r->out, '(');
    for (size_t i = 0; i < GN_COUNT(specials); i++) {
        if (gn_regex_skip(r, specials[i])) {
            gn_buf_adds(r->out, specials[i]);
            open->looks = i > 0;
            open->behind |= i > 2;
            return PART_FIXED;
        }
    }
    bool named = gn_regex_skip(r, "?<");
    if (!named && gn_regex_skip(r, "?"))
        return take_modified_group(r, open);
    open->captures = ++r->opened;
    const char *name = r->text + r->at;
    size_t len = named ? take_name(r) : 0;
    if (named && len == 0)
        return gn_regex_fail(r, start, "a group has no proper name");
    if (named && find_group(r, name, len) != r->opened)
        return gn_regex_fail(r, start, "two groups have the same name");
    return PART_FIXED;
}

/* A group that is not closed before the reference has captured nothing, in whatever repetition:
 * that matches nothing, where PCRE2 would remember an earlier round. Lookbehind is read backwards.
 */
static void write_reference(struct gn_regex_reader *r, uint32_t group)
{
    bool closed = group <= r->opened;
    for (size_t i = 1; i <= r->depth; i++)
        closed = closed && r->open[i].captures != group;
    if (closed || r->open[r->depth].behind)
        gn_buf_addf(r->out, "\\g{%u}", group);
    else
        gn_buf_adds(r->out, "(?:)");
}

/* A backslash outside brackets; it is taken. */
static int take_escape(struct gn_regex_reader *r)
{
    size_t start = r->at - 1;
    if (gn_regex_next_is(r, "b") || gn_regex_next_is(r, "B")) {
        gn_buf_addf(r->out, "\\%c", r->text[r->at++]);
        return PART_FIXED;
    }
    if (gn_regex_skip(r, "k")) {
        const char *name = r->text + r->at + 1;
        size_t len = gn_regex_skip(r, "<") ? take_name(r) : 0;
        uint32_t group = len ? find_group(r, name, len) : 0;
        if (group == 0)
            return gn_regex_fail(r, start, "\\k is not followed by <the name of a group>");
        write_reference(r, group);
        return PART_REPEATABLE;
    }
    if (r->at < r->len && r->text[r->at] >= '1' && r->text[r->at] <= '9') {
        uint32_t group = take_number(r);
        if (group > r->groups)
            return gn_regex_fail(r, start, "there is no group of that number");
        write_reference(r, group);
        return PART_REPEATABLE;
    }
    uint32_t c = 0;
    int rc = gn_regex_take_class_escape(r, false);
    if (rc == 0) {
        rc = gn_regex_take_char_escape(r, &c);
        if (rc == 0)
            gn_regex_write_char(r, c);
    }
    return rc < 0 ? rc : PART_REPEATABLE;
}

/* {2} {2,} {2,3}: true, and nothing is taken if it is none. max may be NOT_DIGITS. */
static bool take_braces(struct gn_regex_reader *r, uint32_t *min, uint32_t *max)
{
    size_t start = r->at;
    if (gn_regex_skip(r, "{")) {
        *min = take_number(r);
        *max = *min;
        if (*min != NOT_DIGITS && gn_regex_skip(r, ","))
            *max = take_number(r);
        if (*min != NOT_DIGITS && gn_regex_skip(r, "}"))
            return true;
    }
    r->at = start;
    return false;
}

/* The quantifier behind something that may have one, if there is one. */
static int take_quantifier(struct gn_regex_reader *r)
{
    size_t start = r->at;
    uint32_t min = 0, max = 0;
    if (gn_regex_next_is(r, "*") || gn_regex_next_is(r, "+") || gn_regex_next_is(r, "?")) {
        gn_buf_addc(r->out, r->text[r->at++]);
    } else if (take_braces(r, &min, &max)) {
        if (min > max)
            return gn_regex_fail(r, start, "the numbers in braces are out of order");
        gn_buf_addf(r->out, "{%u", min);
        if (max >= REPEAT_FOREVER && (max != min || max == NOT_DIGITS))
            gn_buf_adds(r->out, ",");
        else if (max != min)
            gn_buf_addf(r->out, ",%u", max);
        gn_buf_addc(r->out, '}');
    } else {
        return 0;
    }
    if (gn_regex_skip(r, "?"))
        gn_buf_addc(r->out, '?');
    return 0;
}

static int take_part(struct gn_regex_reader *r)
{
    size_t start = r->at;
    uint32_t min, max;
    if (take_braces(r, &min, &max))
        return gn_regex_fail(r, start, "there is nothing to repeat");
    const struct gn_regex_open *inside = &r->open[r->depth];
    uint32_t c = gn_regex_take_char(r);
    int rc;
    switch (c) {
    case '\\':
        return take_escape(r);
    case '[':
        rc = gn_regex_take_brackets(r);
        return rc < 0 ? rc : PART_REPEATABLE;
    case '(':
        return take_group(r);
    case ')':
        if (r->depth == 0)
            return gn_regex_fail(r, start, "a parenthesis closes no group");
        gn_buf_addc(r->out, ')');
        return r->open[r->depth--].looks ? PART_FIXED : PART_REPEATABLE;
    case '*':
    case '+':
    case '?':
        return gn_regex_fail(r, start, "there is nothing to repeat");
    case '|':
        gn_buf_addc(r->out, '|');
        return PART_FIXED;
    case '^':
        gn_buf_adds(r->out, inside->multiline ? "(?<![^" LINE_ENDS "])" : "^");
        return PART_FIXED;
    case '$':
        gn_buf_adds(r->out, inside->multiline ? "(?![^" LINE_ENDS "])" : "$");
        return PART_FIXED;
    case '.':
        gn_buf_adds(r->out, inside->dot_all ? "[^]" : "[^" LINE_ENDS "]");
        return PART_REPEATABLE;
    default:
        gn_regex_write_char(r, c);
        return PART_REPEATABLE;
    }
}

int gn_regex_translate(const char *text, size_t len, struct gn_buf *out, struct gn_error *err)
{
    struct gn_regex_reader r = {.text = text, .len = len, .out = out, .err = err};
    if (len > GN_REGEX_MAX)
        return gn_error_set(err, GN_ETOOBIG, "longer than %d bytes", GN_REGEX_MAX);
    if (!gn_utf8_valid(text, len))
        return gn_error_set(err, GN_EINVAL, "not UTF-8");
    r.groups = find_group(&r, NULL, 0);
    while (r.at < len) {
        int rc = take_part(&r);
        if (rc == PART_REPEATABLE)
            rc = take_quantifier(&r);
        if (rc < 0)
            return rc;
    }
    if (r.depth > 0)
        return gn_regex_fail(&r, len, "a group is not closed");
    return out->overflow ? gn_error_set(err, GN_ETOOBIG, "too long when written out") : 0;
}
