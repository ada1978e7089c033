/* names.c - names that transforms generate, and the order of versions. */
#include "registry/derive.h"

#include "util/alloc.h"
#include "util/str.h"

#include <sodium.h>
#include <string.h>

#define FIT_MAX 64 /* what clients take */
#define MARK 8     /* characters of the hash that a shortened name ends with */

/* ---------------------------------------------------------------- names */

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* The same in every process, so that a name once given stays. */
static void mark_of(const char *wanted, char out[MARK + 1])
{
    static const unsigned char key[crypto_generichash_KEYBYTES_MIN] = "gantry name v1";
    unsigned char hash[crypto_generichash_BYTES_MIN];
    crypto_generichash(hash, sizeof hash, (const unsigned char *)wanted, strlen(wanted), key,
                       sizeof key);
    gn_hex(out, hash, MARK / 2);
}

char *gn_name_fit(const char *wanted, bool *ret_changed)
{
    size_t len = strlen(wanted);
    struct gn_buf out = GN_BUF_INIT(len + 2);
    for (size_t i = 0; i < len;) {
        size_t n = gn_utf8_sequence(wanted + i, len - i);
        gn_buf_addc(&out, is_plain(wanted[i]) ? wanted[i] : '_');
        i += n ? n : 1;
    }
    if (out.len == 0)
        gn_buf_addc(&out, '_');
    if (out.len > FIT_MAX) {
        char mark[MARK + 1];
        mark_of(wanted, mark);
        gn_buf_cut(&out, FIT_MAX - MARK - 1);
        gn_buf_addf(&out, "_%s", mark);
    }
    *ret_changed = !gn_streq(gn_buf_str(&out), wanted);
    return gn_buf_take(&out, NULL);
}

const char *gn_name_doubt(const char *name)
{
    const char *doubt = *name ? NULL : "is empty";
    if (strlen(name) > FIT_MAX)
        return "is longer than 64";
    for (const char *s = name; *s && !doubt; s++) {
        if (!is_plain(*s))
            doubt = *s == '.' ? "has a dot" : "has characters other than A-Z a-z 0-9 _ -";
    }
    return doubt;
}

/* ---------------------------------------------------------------- versions
 *
 * A version is numbers with dots, and then words and numbers of any form: what PEP 440 and Semantic
 * Versioning allow, and dates. Of the words "dev" is lowest, others come before the release itself,
 * "post" after it. Behind the first word a longer list is later, as Semantic Versioning has it. */

/* In the order in which they sort: the end of a list stands elsewhere at its beginning. */
enum token_kind { DEV, END_WITHIN, NUMBER, WORD, END_AT_ONCE, POST };

struct token {
    enum token_kind kind;
    const char *text;
    size_t len;
};

/* A part of the version that is still to be read. */
struct reader {
    const char *s, *end;
};

struct version {
    struct reader epoch, release, words, local;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static struct reader digits(const char *s, const char *end)
{
    struct reader r = {s, s};
    while (r.end < end && is_digit(*r.end))
        r.end++;
    return r;
}

/* "2025-06-18": two digits twice, and no more. */
static bool is_date(const char *s, const char *end)
{
    static const char form[] = "0000-00-00";
    for (size_t i = 0; i < sizeof form - 1; i++) {
        if (s + i >= end || (form[i] == '0' ? !is_digit(s[i]) : s[i] != '-'))
            return false;
    }
    return s + sizeof form - 1 == end || !is_digit(s[sizeof form - 1]);
}

static const char *release_end(const char *s, const char *end)
{
    if (is_date(s, end))
        return s + strlen("0000-00-00");
    s = digits(s, end).end;
    while (end - s > 1 && *s == '.' && is_digit(s[1]))
        s = digits(s + 1, end).end;
    return s;
}

/* False: it is no version but a text. */
static bool read_version(const char *text, struct version *ret)
{
    const char *s = text + ((*text | 32) == 'v'), *end = s + strlen(s);
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_+";
    *ret = (struct version){.epoch = {s, s}, .local = {end, end}};
    if (!is_digit(*s))
        return false;
    struct reader epoch = digits(s, end);
    if (*epoch.end == '!' && is_digit(epoch.end[1])) {
        ret->epoch = epoch;
        s = epoch.end + 1;
    }
    ret->release = (struct reader){s, release_end(s, end)};
    const char *plus = strchr(ret->release.end, '+');
    if (plus)
        ret->local = (struct reader){plus + 1, end};
    ret->words = (struct reader){ret->release.end, plus ? plus : end};
    return strspn(s, allowed) == (size_t)(end - s);
}

/* By value, however long they are; of no digits: 0. */
static int compare_numbers(const char *a, size_t a_len, const char *b, size_t b_len)
{
    for (; a_len > 0 && *a == '0'; a++)
        a_len--;
    for (; b_len > 0 && *b == '0'; b++)
        b_len--;
    if (a_len != b_len)
        return a_len < b_len ? -1 : 1;
    return a_len ? memcmp(a, b, a_len) : 0;
}

static struct reader next_number(struct reader *r)
{
    while (r->s < r->end && !is_digit(*r->s))
        r->s++;
    struct reader number = digits(r->s, r->end);
    r->s = number.end;
    return number;
}

/* What is missing is 0: 1.0 is 1.0.0. */
static int compare_releases(struct reader a, struct reader b)
{
    int rc = 0;
    while (!rc && (a.s < a.end || b.s < b.end)) {
        struct reader x = next_number(&a), y = next_number(&b);
        rc = compare_numbers(x.s, (size_t)(x.end - x.s), y.s, (size_t)(y.end - y.s));
    }
    return rc;
}

/* Words that mean the same. */
static void name_word(struct token *t)
{
    static const struct {
        const char *word, *means;
        enum token_kind kind;
    } known[] = {
        {"a", "a", WORD},    {"alpha", "a", WORD},   {"b", "b", WORD},      {"beta", "b", WORD},
        {"c", "rc", WORD},   {"rc", "rc", WORD},     {"pre", "rc", WORD},   {"preview", "rc", WORD},
        {"dev", "dev", DEV}, {"post", "post", POST}, {"rev", "post", POST}, {"r", "post", POST},
    };
    for (size_t i = 0; i < GN_COUNT(known); i++) {
        GN_AUTO_FREE char *word = gn_strndup(t->text, t->len);
        if (!gn_strcaseeq(word, known[i].word))
            continue;
        *t = (struct token){known[i].kind, known[i].means, strlen(known[i].means)};
        return;
    }
}

static struct token next_token(struct reader *r, bool is_first)
{
    while (r->s < r->end && !is_digit(*r->s) && !is_letter(*r->s))
        r->s++;
    struct token t = {is_first ? END_AT_ONCE : END_WITHIN, r->s, 0};
    if (r->s == r->end)
        return t;
    bool is_number = is_digit(*r->s);
    while (r->s < r->end && (is_number ? is_digit(*r->s) : is_letter(*r->s)))
        r->s++;
    t.kind = is_number ? NUMBER : WORD;
    t.len = (size_t)(r->s - t.text);
    if (!is_number)
        name_word(&t);
    return t;
}

static int compare_words(const struct token *a, const struct token *b)
{
    for (size_t i = 0; i < a->len && i < b->len; i++) {
        int x = is_letter(a->text[i]) ? a->text[i] | 32 : a->text[i],
            y = is_letter(b->text[i]) ? b->text[i] | 32 : b->text[i];
        if (x != y)
            return x - y;
    }
    return a->len < b->len ? -1 : a->len > b->len;
}

static int compare_tokens(const struct token *a, const struct token *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return a->kind == NUMBER ? compare_numbers(a->text, a->len, b->text, b->len)
                             : compare_words(a, b);
}

/* at_once: where a list that is empty stands. */
static int compare_lists(struct reader a, struct reader b, bool at_once)
{
    for (bool is_first = at_once;; is_first = false) {
        struct token x = next_token(&a, is_first), y = next_token(&b, is_first);
        int rc = compare_tokens(&x, &y);
        if (rc || (x.len == 0 && y.len == 0))
            return rc;
    }
}

static int compare_versions(const struct version *a, const struct version *b)
{
    int rc = compare_releases(a->epoch, b->epoch);
    if (!rc)
        rc = compare_releases(a->release, b->release);
    if (!rc)
        rc = compare_lists(a->words, b->words, true);
    return rc ? rc : compare_lists(a->local, b->local, false);
}

int gn_version_compare(const char *a, const char *b)
{
    struct version x, y;
    if (!a || !b)
        return (a != NULL) - (b != NULL);
    bool is_version[] = {read_version(a, &x), read_version(b, &y)};
    if (is_version[0] && is_version[1])
        return compare_versions(&x, &y);
    if (is_version[0] != is_version[1])
        return is_version[0] ? 1 : -1;
    return strcmp(a, b);
}
