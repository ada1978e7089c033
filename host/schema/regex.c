/* regex.c - rewrites a regular expression of ECMA-262 for PCRE2, in one pass over its text.
 *
 * Everything that is not plain is written in the one form that PCRE2 cannot take for anything else:
 * punctuation behind a backslash, other characters as \x{...}, named groups by their number.
 */
#include "schema/regex.h"

#include "util/str.h"

#include <string.h>

#define NUMBER_MAX 1000000u
/* More repetitions than a subject can have (pattern.h): PCRE2 counts to 65535 only. */
#define REPEAT_FOREVER 65536u
#define CODE_POINT_MAX 0x10FFFFu
#define NOT_DIGITS UINT32_MAX

#define SPACES                                                                                     \
    "\\x{9}-\\x{d}\\x{20}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}"  \
    "\\x{3000}\\x{feff}"
/* Within brackets a class that is the opposite of another has no short form. */
#define NOT_SPACES                                                                                 \
    "\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}"               \
    "\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}"                 \
    "\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}"

struct reader {
    const char *text;
    size_t len, at;
    struct gn_buf *out;
    struct gn_error *err;
    uint32_t groups; /* that capture: in the whole text, and opened so far */
    uint32_t opened;
    size_t depth;
    bool looks[GN_REGEX_DEPTH]; /* the open group looks ahead or behind */
};

/* What a part of the expression is; negative codes are errors. */
enum { PART_FIXED = 0, PART_REPEATABLE = 1 };

/* What stands in brackets: one character, or a class that is written already. */
struct member {
    bool is_class;
    uint32_t c;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_surrogate(uint32_t c)
{
    return c >= 0xD800 && c <= 0xDFFF;
}

static int fail_at(struct reader *r, size_t at, const char *why)
{
    return gn_error_set(r->err, GN_EINVAL, "%s at character %zu", why,
                        gn_utf8_count(r->text, at) + 1);
}

static bool next_is(const struct reader *r, const char *s)
{
    size_t n = strlen(s);
    return r->len - r->at >= n && memcmp(r->text + r->at, s, n) == 0;
}

static bool skip(struct reader *r, const char *s)
{
    if (!next_is(r, s))
        return false;
    r->at += strlen(s);
    return true;
}

static void write_char(struct reader *r, uint32_t c)
{
    if (c < 0x80 && (is_letter((char)c) || is_digit((char)c) || c == '_' || c == ' '))
        gn_buf_addc(r->out, (char)c);
    else if (c > 0x20 && c < 0x7F)
        gn_buf_addf(r->out, "\\%c", (char)c);
    else
        gn_buf_addf(r->out, "\\x{%x}", c);
}

/* The text is UTF-8 and does not end here. */
static uint32_t take_char(struct reader *r)
{
    const unsigned char *s = (const unsigned char *)r->text + r->at;
    size_t n = gn_utf8_sequence(r->text + r->at, r->len - r->at);
    uint32_t c = n == 1 ? s[0] : s[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (s[i] & 0x3F);
    r->at += n;
    return c;
}

static int hex_value(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = c ? strchr(digits, c) : NULL;
    return found ? (int)(found - digits) % 16 : -1;
}

/* `count` hexadecimal digits, or NOT_DIGITS and nothing is taken. */
static uint32_t take_hex(struct reader *r, size_t count)
{
    uint32_t value = 0;
    if (r->len - r->at < count)
        return NOT_DIGITS;
    for (size_t i = 0; i < count; i++) {
        int digit = hex_value(r->text[r->at + i]);
        if (digit < 0)
            return NOT_DIGITS;
        value = value << 4 | (uint32_t)digit;
    }
    r->at += count;
    return value;
}

/* A decimal number; NOT_DIGITS if there is none; no more than NUMBER_MAX. */
static uint32_t take_number(struct reader *r)
{
    uint32_t value = 0;
    if (r->at == r->len || !is_digit(r->text[r->at]))
        return NOT_DIGITS;
    for (; r->at < r->len && is_digit(r->text[r->at]); r->at++)
        value = GN_MIN(value * 10 + (uint32_t)(r->text[r->at] - '0'), NUMBER_MAX);
    return value;
}

/* What follows \u: four digits, two times four that are a surrogate pair, or digits in braces. */
static int take_unicode(struct reader *r, uint32_t *ret)
{
    size_t start = r->at;
    if (skip(r, "{")) {
        uint32_t value = 0;
        size_t first = r->at;
        for (; r->at < r->len && hex_value(r->text[r->at]) >= 0; r->at++)
            value = GN_MIN(value << 4 | (uint32_t)hex_value(r->text[r->at]), CODE_POINT_MAX + 1);
        if (r->at == first || value > CODE_POINT_MAX || !skip(r, "}"))
            return fail_at(r, start - 2, "\\u{...} is not a code point");
        *ret = value;
        return 0;
    }
    uint32_t high = take_hex(r, 4);
    if (high == NOT_DIGITS)
        return fail_at(r, start - 2, "\\u is not followed by four hexadecimal digits");
    *ret = high;
    size_t after = r->at;
    if (high >= 0xD800 && high < 0xDC00 && skip(r, "\\u")) {
        uint32_t low = take_hex(r, 4);
        if (low != NOT_DIGITS && low >= 0xDC00 && low < 0xE000)
            *ret = 0x10000 + ((high & 0x3FF) << 10 | (low & 0x3FF));
        else
            r->at = after;
    }
    return 0;
}

/* An escape that means one character, inside brackets and outside; the backslash is taken. */
static int take_char_escape(struct reader *r, uint32_t *ret)
{
    static const char letters[] = "tnvfr", meanings[] = "\t\n\v\f\r";
    size_t start = r->at - 1;
    if (r->at == r->len)
        return fail_at(r, start, "a backslash ends the expression");
    *ret = take_char(r);
    const char *letter = *ret < 0x80 && *ret ? strchr(letters, (int)*ret) : NULL;
    if (letter) {
        *ret = (unsigned char)meanings[letter - letters];
    } else if (*ret == 'u') {
        return take_unicode(r, ret);
    } else if (*ret == 'x') {
        *ret = take_hex(r, 2);
        if (*ret == NOT_DIGITS)
            return fail_at(r, start, "\\x is not followed by two hexadecimal digits");
    } else if (*ret == 'c') {
        if (r->at == r->len || !is_letter(r->text[r->at]))
            return fail_at(r, start, "\\c is not followed by a letter");
        *ret = (unsigned char)r->text[r->at++] & 0x1F;
    } else if (*ret == '0') {
        if (r->at < r->len && is_digit(r->text[r->at]))
            return fail_at(r, start, "octal escapes are not allowed");
        *ret = 0;
    } else if (*ret < 0x80 && (is_letter((char)*ret) || is_digit((char)*ret))) {
        char why[48] = "\\? is no escape of ECMA-262";
        why[1] = (char)*ret;
        return fail_at(r, start, why);
    }
    return 0;
}

/* \d \D \w \W \s \S \p{...} \P{...}, if one stands here (the backslash is taken): 1, else 0. */
static int take_class_escape(struct reader *r, bool in_brackets)
{
    static const struct {
        char letter;
        const char *outside, *inside;
    } classes[] = {
        {'d', "[0-9]", "0-9"}, {'D', "\\D", "\\D"},           {'w', "\\w", "\\w"},
        {'W', "\\W", "\\W"},   {'s', "[" SPACES "]", SPACES}, {'S', "[^" SPACES "]", NOT_SPACES},
    };
    if (r->at == r->len)
        return 0;
    char c = r->text[r->at];
    for (size_t i = 0; i < GN_COUNT(classes); i++) {
        if (classes[i].letter != c)
            continue;
        r->at++;
        gn_buf_adds(r->out, in_brackets ? classes[i].inside : classes[i].outside);
        return 1;
    }
    if (c != 'p' && c != 'P')
        return 0;
    size_t start = r->at++ - 1;
    const char *name = r->text + r->at + 1;
    const char *end = next_is(r, "{") ? memchr(name, '}', r->len - r->at - 1) : NULL;
    if (!end || !gn_regex_property(name, (size_t)(end - name), c == 'P', r->out))
        return fail_at(r, start, "\\p is not followed by {the name of a property}");
    r->at = (size_t)(end - r->text) + 1;
    return 1;
}

/* One member of a class in brackets; a class is written at once, a character is not. */
static int take_member(struct reader *r, struct member *ret)
{
    ret->is_class = false;
    if (!skip(r, "\\")) {
        ret->c = take_char(r);
        return 0;
    }
    if (skip(r, "b")) {
        ret->c = '\b';
        return 0;
    }
    int rc = take_class_escape(r, true);
    ret->is_class = rc == 1;
    return rc ? GN_MIN(rc, 0) : take_char_escape(r, &ret->c);
}

static void write_range(struct reader *r, uint32_t low, uint32_t high)
{
    /* No text holds half a pair, and PCRE2 refuses one as an end. */
    if (is_surrogate(low))
        low = 0xE000;
    if (is_surrogate(high))
        high = 0xD7FF;
    if (low > high)
        return;
    write_char(r, low);
    if (low == high)
        return;
    gn_buf_addc(r->out, '-');
    write_char(r, high);
}

/* A class that holds nothing, so that a quantifier may follow: PCRE2 drops one behind a bare []. */
static void write_nothing(struct reader *r)
{
    gn_buf_adds(r->out, "(?:[])");
}

/* [...]; the bracket is taken. */
static int take_brackets(struct reader *r)
{
    size_t start = r->at - 1, written = r->out->len;
    gn_buf_addc(r->out, '[');
    if (skip(r, "^"))
        gn_buf_addc(r->out, '^');
    while (!skip(r, "]")) {
        if (r->at == r->len)
            return fail_at(r, start, "a bracket is not closed");
        struct member first, last;
        size_t from = r->at;
        int rc = take_member(r, &first);
        if (rc < 0)
            return rc;
        bool range = r->len - r->at >= 2 && next_is(r, "-") && r->text[r->at + 1] != ']';
        if (!range) {
            if (!first.is_class)
                write_range(r, first.c, first.c);
            continue;
        }
        r->at++;
        rc = take_member(r, &last);
        if (rc < 0)
            return rc;
        if (!first.is_class && !last.is_class) {
            if (first.c > last.c)
                return fail_at(r, from, "a range in brackets is out of order");
            write_range(r, first.c, last.c);
            continue;
        }
        write_char(r, '-');
        if (!first.is_class)
            write_range(r, first.c, first.c);
        if (!last.is_class)
            write_range(r, last.c, last.c);
    }
    if (!r->out->overflow && r->out->len == written + 1) {
        gn_buf_cut(r->out, written);
        write_nothing(r);
        return PART_REPEATABLE;
    }
    gn_buf_addc(r->out, ']');
    return PART_REPEATABLE;
}

/* The name between `<` and `>`; the `<` is taken. 0 if it is none. */
static size_t take_name(struct reader *r)
{
    size_t start = r->at;
    for (; r->at < r->len && r->text[r->at] != '>'; r->at++) {
        char c = r->text[r->at];
        if (!is_letter(c) && c != '_' && c != '$' && (unsigned char)c < 0x80 &&
            (!is_digit(c) || r->at == start))
            return 0;
    }
    size_t len = r->at - start;
    return skip(r, ">") ? len : 0;
}

/* The number of the group of that name, 0 if there is none; without a name the number of groups. */
static uint32_t find_group(const struct reader *r, const char *name, size_t len)
{
    struct reader scan = {.text = r->text, .len = r->len};
    uint32_t count = 0;
    bool in_brackets = false;
    while (scan.at < scan.len) {
        char c = scan.text[scan.at++];
        if (c == '\\') {
            scan.at += scan.at < scan.len;
        } else if (in_brackets || c == '[') {
            in_brackets = c != ']';
        } else if (c == '(') {
            bool named = next_is(&scan, "?<") && !next_is(&scan, "?<=") && !next_is(&scan, "?<!");
            if (next_is(&scan, "?") && !named)
                continue;
            count++;
            if (named && name && skip(&scan, "?<")) {
                const char *found = scan.text + scan.at;
                if (take_name(&scan) == len && memcmp(found, name, len) == 0)
                    return count;
            }
        }
    }
    return name ? 0 : count;
}

/* ( and what makes it special; the parenthesis is taken. */
static int take_group(struct reader *r)
{
    static const char *const specials[] = {"?:", "?=", "?!", "?<=", "?<!"};
    size_t start = r->at - 1;
    if (r->depth == GN_REGEX_DEPTH)
        return gn_error_set(r->err, GN_ETOOBIG, "more than %d groups inside groups",
                            GN_REGEX_DEPTH);
    r->looks[r->depth] = false;
    gn_buf_addc(r->out, '(');
    for (size_t i = 0; i < GN_COUNT(specials); i++) {
        if (skip(r, specials[i])) {
            gn_buf_adds(r->out, specials[i]);
            r->looks[r->depth++] = i > 0;
            return PART_FIXED;
        }
    }
    r->depth++;
    r->opened++;
    if (!skip(r, "?"))
        return PART_FIXED;
    if (!skip(r, "<"))
        return fail_at(r, start, "(? does not begin a group of ECMA-262");
    const char *name = r->text + r->at;
    size_t len = take_name(r);
    if (len == 0)
        return fail_at(r, start, "a group has no proper name");
    if (find_group(r, name, len) != r->opened)
        return fail_at(r, start, "two groups have the same name");
    return PART_FIXED;
}

/* A backslash outside brackets; it is taken. */
static int take_escape(struct reader *r)
{
    size_t start = r->at - 1;
    if (next_is(r, "b") || next_is(r, "B")) {
        gn_buf_addf(r->out, "\\%c", r->text[r->at++]);
        return PART_FIXED;
    }
    if (skip(r, "k")) {
        const char *name = r->text + r->at + 1;
        size_t len = skip(r, "<") ? take_name(r) : 0;
        uint32_t group = len ? find_group(r, name, len) : 0;
        if (group == 0)
            return fail_at(r, start, "\\k is not followed by <the name of a group>");
        gn_buf_addf(r->out, "\\g{%u}", group);
        return PART_REPEATABLE;
    }
    if (r->at < r->len && r->text[r->at] >= '1' && r->text[r->at] <= '9') {
        uint32_t group = take_number(r);
        if (group > r->groups)
            return fail_at(r, start, "there is no group of that number");
        gn_buf_addf(r->out, "\\g{%u}", group);
        return PART_REPEATABLE;
    }
    uint32_t c = 0;
    int rc = take_class_escape(r, false);
    if (rc == 0) {
        rc = take_char_escape(r, &c);
        if (rc == 0 && is_surrogate(c))
            write_nothing(r);
        else if (rc == 0)
            write_char(r, c);
    }
    return rc < 0 ? rc : PART_REPEATABLE;
}

/* {2} {2,} {2,3}: true, and nothing is taken if it is none. max may be NOT_DIGITS. */
static bool take_braces(struct reader *r, uint32_t *min, uint32_t *max)
{
    size_t start = r->at;
    if (skip(r, "{")) {
        *min = take_number(r);
        *max = *min;
        if (*min != NOT_DIGITS && skip(r, ","))
            *max = take_number(r);
        if (*min != NOT_DIGITS && skip(r, "}"))
            return true;
    }
    r->at = start;
    return false;
}

/* The quantifier behind something that may have one, if there is one. */
static int take_quantifier(struct reader *r)
{
    size_t start = r->at;
    uint32_t min = 0, max = 0;
    if (next_is(r, "*") || next_is(r, "+") || next_is(r, "?")) {
        gn_buf_addc(r->out, r->text[r->at++]);
    } else if (take_braces(r, &min, &max)) {
        if (min > max)
            return fail_at(r, start, "the numbers in braces are out of order");
        gn_buf_addf(r->out, "{%u", min);
        if (max >= REPEAT_FOREVER && (max != min || max == NOT_DIGITS))
            gn_buf_adds(r->out, ",");
        else if (max != min)
            gn_buf_addf(r->out, ",%u", max);
        gn_buf_addc(r->out, '}');
    } else {
        return 0;
    }
    if (skip(r, "?"))
        gn_buf_addc(r->out, '?');
    return 0;
}

static int take_part(struct reader *r)
{
    size_t start = r->at;
    uint32_t min, max;
    if (take_braces(r, &min, &max))
        return fail_at(r, start, "there is nothing to repeat");
    uint32_t c = take_char(r);
    switch (c) {
    case '\\':
        return take_escape(r);
    case '[':
        return take_brackets(r);
    case '(':
        return take_group(r);
    case ')':
        if (r->depth == 0)
            return fail_at(r, start, "a parenthesis closes no group");
        gn_buf_addc(r->out, ')');
        return r->looks[--r->depth] ? PART_FIXED : PART_REPEATABLE;
    case '*':
    case '+':
    case '?':
        return fail_at(r, start, "there is nothing to repeat");
    case '|':
    case '^':
    case '$':
        gn_buf_addc(r->out, (char)c);
        return PART_FIXED;
    case '.':
        gn_buf_adds(r->out, "[^\\n\\r\\x{2028}\\x{2029}]");
        return PART_REPEATABLE;
    default:
        write_char(r, c);
        return PART_REPEATABLE;
    }
}

int gn_regex_translate(const char *text, size_t len, struct gn_buf *out, struct gn_error *err)
{
    struct reader r = {.text = text, .len = len, .out = out, .err = err};
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
        return fail_at(&r, len, "a group is not closed");
    return out->overflow ? gn_error_set(err, GN_ETOOBIG, "too long when written out") : 0;
}
