/* regex_chars.c - the characters and classes of regular expressions of ECMA-262.
 *
 * Everything that is not plain is written in the one form that PCRE2 cannot take for anything else:
 * punctuation behind a backslash, other characters as \x{...}.
 */
#include "schema/regex_parts.h"

#include "util/str.h"

#include <string.h>

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

/* What stands in brackets: one character, or a class that is written already. */
struct member {
    bool is_class;
    uint32_t c;
};

static bool is_surrogate(uint32_t c)
{
    return c >= 0xD800 && c <= 0xDFFF;
}

int gn_regex_fail(struct gn_regex_reader *r, size_t at, const char *why)
{
    return gn_error_set(r->err, GN_EINVAL, "%s at character %zu", why,
                        gn_utf8_count(r->text, at) + 1);
}

bool gn_regex_next_is(const struct gn_regex_reader *r, const char *s)
{
    size_t n = strlen(s);
    return r->len - r->at >= n && memcmp(r->text + r->at, s, n) == 0;
}

bool gn_regex_skip(struct gn_regex_reader *r, const char *s)
{
    if (!gn_regex_next_is(r, s))
        return false;
    r->at += strlen(s);
    return true;
}

static void write_char(struct gn_regex_reader *r, uint32_t c)
{
    if (c < 0x80 && (gn_is_alpha((char)c) || gn_is_digit((char)c) || c == '_' || c == ' '))
        gn_buf_addc(r->out, (char)c);
    else if (c > 0x20 && c < 0x7F)
        gn_buf_addf(r->out, "\\%c", (char)c);
    else
        gn_buf_addf(r->out, "\\x{%x}", c);
}

/* The text is UTF-8 and does not end here. */
uint32_t gn_regex_take_char(struct gn_regex_reader *r)
{
    const unsigned char *s = (const unsigned char *)r->text + r->at;
    size_t n = gn_utf8_sequence(r->text + r->at, r->len - r->at);
    uint32_t c = n == 1 ? s[0] : s[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (s[i] & 0x3F);
    r->at += n;
    return c;
}

/* `count` hexadecimal digits, or NOT_DIGITS and nothing is taken. */
static uint32_t take_hex(struct gn_regex_reader *r, size_t count)
{
    uint32_t value = 0;
    if (r->len - r->at < count)
        return NOT_DIGITS;
    for (size_t i = 0; i < count; i++) {
        int digit = gn_hex_value(r->text[r->at + i]);
        if (digit < 0)
            return NOT_DIGITS;
        value = value << 4 | (uint32_t)digit;
    }
    r->at += count;
    return value;
}

/* What follows \u: four digits, two times four that are a surrogate pair, or digits in braces. */
static int take_unicode(struct gn_regex_reader *r, uint32_t *ret)
{
    size_t start = r->at;
    if (gn_regex_skip(r, "{")) {
        uint32_t value = 0;
        size_t first = r->at;
        for (; r->at < r->len && gn_hex_value(r->text[r->at]) >= 0; r->at++)
            value = GN_MIN(value << 4 | (uint32_t)gn_hex_value(r->text[r->at]), CODE_POINT_MAX + 1);
        if (r->at == first || value > CODE_POINT_MAX || !gn_regex_skip(r, "}"))
            return gn_regex_fail(r, start - 2, "\\u{...} is not a code point");
        *ret = value;
        return 0;
    }
    uint32_t high = take_hex(r, 4);
    if (high == NOT_DIGITS)
        return gn_regex_fail(r, start - 2, "\\u is not followed by four hexadecimal digits");
    *ret = high;
    size_t after = r->at;
    if (high >= 0xD800 && high < 0xDC00 && gn_regex_skip(r, "\\u")) {
        uint32_t low = take_hex(r, 4);
        if (low != NOT_DIGITS && low >= 0xDC00 && low < 0xE000)
            *ret = 0x10000 + ((high & 0x3FF) << 10 | (low & 0x3FF));
        else
            r->at = after;
    }
    return 0;
}

/* An escape that means one character, inside brackets and outside; the backslash is taken. */
int gn_regex_take_char_escape(struct gn_regex_reader *r, uint32_t *ret)
{
    static const char letters[] = "tnvfr", meanings[] = "\t\n\v\f\r";
    size_t start = r->at - 1;
    if (r->at == r->len)
        return gn_regex_fail(r, start, "a backslash ends the expression");
    *ret = gn_regex_take_char(r);
    const char *letter = *ret < 0x80 && *ret ? strchr(letters, (int)*ret) : NULL;
    if (letter) {
        *ret = (unsigned char)meanings[letter - letters];
    } else if (*ret == 'u') {
        return take_unicode(r, ret);
    } else if (*ret == 'x') {
        *ret = take_hex(r, 2);
        if (*ret == NOT_DIGITS)
            return gn_regex_fail(r, start, "\\x is not followed by two hexadecimal digits");
    } else if (*ret == 'c') {
        if (r->at == r->len || !gn_is_alpha(r->text[r->at]))
            return gn_regex_fail(r, start, "\\c is not followed by a letter");
        *ret = (unsigned char)r->text[r->at++] & 0x1F;
    } else if (*ret == '0') {
        if (r->at < r->len && gn_is_digit(r->text[r->at]))
            return gn_regex_fail(r, start, "octal escapes are not allowed");
        *ret = 0;
    } else if (*ret < 0x80 && (gn_is_alpha((char)*ret) || gn_is_digit((char)*ret))) {
        char why[48] = "\\? is no escape of ECMA-262";
        why[1] = (char)*ret;
        return gn_regex_fail(r, start, why);
    }
    return 0;
}

/* \d \D \w \W \s \S \p{...} \P{...}, if one stands here (the backslash is taken): 1, else 0. */
int gn_regex_take_class_escape(struct gn_regex_reader *r, bool in_brackets)
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
    const char *end = gn_regex_next_is(r, "{") ? memchr(name, '}', r->len - r->at - 1) : NULL;
    if (!end || !gn_regex_property(name, (size_t)(end - name), c == 'P', r->out))
        return gn_regex_fail(r, start, "\\p is not followed by {the name of a property}");
    r->at = (size_t)(end - r->text) + 1;
    return 1;
}

/* One member of a class in brackets; a class is written at once, a character is not. */
static int take_member(struct gn_regex_reader *r, struct member *ret)
{
    ret->is_class = false;
    if (!gn_regex_skip(r, "\\")) {
        ret->c = gn_regex_take_char(r);
        return 0;
    }
    if (gn_regex_skip(r, "b")) {
        ret->c = '\b';
        return 0;
    }
    int rc = gn_regex_take_class_escape(r, true);
    ret->is_class = rc == 1;
    return rc ? GN_MIN(rc, 0) : gn_regex_take_char_escape(r, &ret->c);
}

static void write_range(struct gn_regex_reader *r, uint32_t low, uint32_t high)
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
static void write_nothing(struct gn_regex_reader *r)
{
    gn_buf_adds(r->out, "(?:[])");
}

/* [...]; the bracket is taken. */
int gn_regex_take_brackets(struct gn_regex_reader *r)
{
    size_t start = r->at - 1, written = r->out->len;
    gn_buf_addc(r->out, '[');
    if (gn_regex_skip(r, "^"))
        gn_buf_addc(r->out, '^');
    while (!gn_regex_skip(r, "]")) {
        if (r->at == r->len)
            return gn_regex_fail(r, start, "a bracket is not closed");
        struct member first = {false, 0}, last = {false, 0};
        size_t from = r->at;
        int rc = take_member(r, &first);
        if (rc < 0)
            return rc;
        bool range = r->len - r->at >= 2 && gn_regex_next_is(r, "-") && r->text[r->at + 1] != ']';
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
                return gn_regex_fail(r, from, "a range in brackets is out of order");
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
    } else {
        gn_buf_addc(r->out, ']');
    }
    return 0;
}

void gn_regex_write_char(struct gn_regex_reader *r, uint32_t c)
{
    if (is_surrogate(c))
        write_nothing(r);
    else
        write_char(r, c);
}
