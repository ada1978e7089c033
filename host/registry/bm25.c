/* bm25.c - an inverted index: words, sorted, each with the documents that have it.
 *
 * While documents are added, a map gives each word a number, and pairs of word and document are
 * collected. Finishing turns them into three flat arrays (text of the words, where the documents of
 * each begin, the documents), which is all that stays: four bytes for a word in a document.
 */
#include "registry/bm25.h"

#include "util/alloc.h"
#include "util/map.h"
#include "util/str.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The usual constants: how soon more of the same word stops to count, how much length does. */
#define K1 1.2
#define B 0.75

#define WORD_MAX 64 /* bytes; longer words are cut */
#define QUERY_WORDS 64
#define TIMES_BITS 8 /* of a posting: how often, the rest is the document */
#define TIMES_MAX ((1u << TIMES_BITS) - 1)
#define DOCS_MAX (UINT32_MAX >> TIMES_BITS)

/* Words that say nothing in a query. */
static const char *const stop_words[] = {
    "a",    "all", "an",   "and",  "any",   "are",  "as",   "at",   "be",   "by",
    "can",  "do",  "for",  "from", "get",   "how",  "i",    "in",   "is",   "it",
    "me",   "my",  "of",   "on",   "or",    "some", "that", "the",  "this", "to",
    "tool", "use", "want", "what", "which", "with", "you",  "your",
};

struct word {
    uint32_t number;
    uint32_t last_doc; /* 1 + the document of its newest pair */
    uint32_t at;       /* that pair */
};

struct pair {
    uint32_t word, doc, times;
};

struct gn_bm25 {
    uint32_t words_max, doc_count;
    uint32_t *lengths; /* of each document, words by weight */
    size_t lengths_cap;
    double average; /* of lengths */

    /* while it is built */
    struct gn_map words; /* -> struct word */
    struct pair *pairs;
    size_t pair_count, pair_cap;
    uint32_t doc_words;

    /* when it is finished */
    uint32_t word_count;
    char *text; /* all words, sorted, each with a NUL */
    size_t text_len;
    uint32_t *texts;  /* where each begins */
    uint32_t *starts; /* where its postings begin; one more at the end */
    uint32_t *postings;
};

/* ---------------------------------------------------------------- words */

enum letter {
    SEPARATOR = 0,
    SMALL, /* and all letters that have no case here */
    CAPITAL,
    DIGIT,
    SINGLE, /* a word by itself */
};

typedef bool (*word_fn)(void *arg, const char *word, size_t len);

/* A word in the making: from `start` on, `part` is where its last part begins. */
struct scan {
    word_fn fn;
    void *arg;
    char word[WORD_MAX + 4]; /* room for one character more than is kept */
    size_t len, part;
    enum letter before;
    bool is_parted, is_over;
};

/* Punctuation of Latin-1 and U+2000..206F separates; from U+3000 on (CJK, kana, Hangul, and what
 * lies beyond) scripts are written without spaces, or nearly so. */
static enum letter letter_of(const unsigned char *s, size_t n)
{
    if (n == 0)
        return SEPARATOR;
    if (n == 1)
        return *s >= 'a' && *s <= 'z'   ? SMALL
               : *s >= 'A' && *s <= 'Z' ? CAPITAL
               : *s >= '0' && *s <= '9' ? DIGIT
                                        : SEPARATOR;
    if ((s[0] == 0xc2 && s[1] < 0xc0) || (s[0] == 0xe2 && s[1] < 0x82) ||
        (s[0] == 0xe3 && s[1] == 0x80))
        return SEPARATOR;
    return n == 3 && s[0] >= 0xe3 ? SINGLE : SMALL;
}

/* "queries" and "query", "tools" and "tool"; not "status", "class", "this". */
static size_t without_plural(char *word, size_t len)
{
    if (len < 4 || word[len - 1] != 's' || strchr("sui", word[len - 2]))
        return len;
    if (len > 4 && word[len - 2] == 'e' && word[len - 3] == 'i') {
        word[len - 3] = 'y';
        return len - 2;
    }
    return len - 1;
}

static void tell(struct scan *s, const char *word, size_t len)
{
    char copy[WORD_MAX + 1];
    if (s->is_over || len == 0)
        return;
    len = GN_MIN(len, (size_t)WORD_MAX);
    memcpy(copy, word, len);
    len = without_plural(copy, len);
    copy[len] = '\0';
    s->is_over = !s->fn(s->arg, copy, len);
}

static void end_part(struct scan *s)
{
    s->is_parted = true;
    tell(s, s->word + s->part, s->len - s->part);
    s->part = s->len;
}

static void end_word(struct scan *s)
{
    if (s->is_parted) {
        end_part(s);
        tell(s, s->word, s->len);
    } else {
        tell(s, s->word, s->len);
    }
    s->len = s->part = 0;
    s->is_parted = false;
}

/* "listRepos" begins a part at R; "HTTPServer" at S, which is seen one character later. */
static void find_part(struct scan *s, enum letter letter)
{
    bool is_hump = letter == CAPITAL && (s->before == SMALL || s->before == DIGIT);
    bool was_hump = letter == SMALL && s->before == CAPITAL && s->len > s->part + 1;
    if (is_hump && s->len > s->part) {
        end_part(s);
    } else if (was_hump) {
        char last = s->word[--s->len];
        end_part(s);
        s->word[s->len++] = last;
    }
}

static void add_character(struct scan *s, const char *text, size_t n, enum letter letter)
{
    if (letter == SEPARATOR || letter == SINGLE)
        end_word(s);
    if (letter == SINGLE)
        tell(s, text, n);
    if (letter != SEPARATOR && letter != SINGLE) {
        find_part(s, letter);
        if (s->len + n <= WORD_MAX) {
            memcpy(s->word + s->len, text, n);
            if (letter == CAPITAL)
                s->word[s->len] = (char)(*text - 'A' + 'a');
            s->len += n;
        }
    }
    s->before = letter;
}

/* Until fn returns false. */
static void each_word(const char *text, size_t len, word_fn fn, void *arg)
{
    struct scan s = {.fn = fn, .arg = arg};
    for (size_t at = 0; at < len && !s.is_over;) {
        size_t n = gn_utf8_sequence(text + at, len - at);
        add_character(&s, text + at, n, letter_of((const unsigned char *)text + at, n));
        at += GN_MAX(n, 1u);
    }
    end_word(&s);
}

static bool count_word(void *arg, const char *word, size_t len)
{
    (void)word;
    (void)len;
    ++*(size_t *)arg;
    return true;
}

size_t gn_bm25_count_words(const char *text, size_t len)
{
    size_t count = 0;
    each_word(text, len, count_word, &count);
    return count;
}

/* ---------------------------------------------------------------- building */

struct gn_bm25 *gn_bm25_new(uint32_t words_max)
{
    struct gn_bm25 *ix = gn_calloc(1, sizeof *ix);
    ix->words_max = words_max;
    gn_map_init(&ix->words);
    return ix;
}

void gn_bm25_free(struct gn_bm25 *ix)
{
    if (!ix)
        return;
    gn_map_release(&ix->words, gn_free);
    gn_free(ix->pairs);
    gn_free(ix->lengths);
    gn_free(ix->text);
    gn_free(ix->texts);
    gn_free(ix->starts);
    gn_free(ix->postings);
    gn_free(ix);
}

/* Doubles; amounts to a few copies of all. */
static void *make_room(void *array, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return array;
    *cap = *cap ? *cap * 2 : 64;
    return gn_reallocarray(array, *cap, size);
}

void gn_bm25_begin(struct gn_bm25 *ix)
{
    gn_assert(ix->doc_count < DOCS_MAX && !ix->starts);
    ix->lengths = make_room(ix->lengths, ix->doc_count, &ix->lengths_cap, sizeof *ix->lengths);
    ix->lengths[ix->doc_count++] = 0;
    ix->doc_words = 0;
}

struct adding {
    struct gn_bm25 *ix;
    uint32_t weight;
};

static bool add_word(void *arg, const char *text, size_t len)
{
    struct adding *a = arg;
    struct gn_bm25 *ix = a->ix;
    if (ix->doc_words >= ix->words_max)
        return false;
    struct word *w = gn_map_findn(&ix->words, text, len);
    if (!w) {
        w = gn_calloc(1, sizeof *w);
        w->number = (uint32_t)ix->words.count;
        gn_map_putn(&ix->words, text, len, w);
    }
    if (w->last_doc != ix->doc_count) {
        ix->pairs = make_room(ix->pairs, ix->pair_count, &ix->pair_cap, sizeof *ix->pairs);
        w->last_doc = ix->doc_count;
        w->at = (uint32_t)ix->pair_count;
        ix->pairs[ix->pair_count++] = (struct pair){.word = w->number, .doc = ix->doc_count - 1};
    }
    ix->pairs[w->at].times = GN_MIN(ix->pairs[w->at].times + a->weight, TIMES_MAX);
    ix->lengths[ix->doc_count - 1] += a->weight;
    ix->doc_words++;
    return true;
}

void gn_bm25_add(struct gn_bm25 *ix, const char *text, size_t len, uint32_t weight)
{
    struct adding a = {ix, GN_MIN(weight, TIMES_MAX)};
    if (text)
        each_word(text, len, add_word, &a);
}

struct named {
    const char *text;
    uint32_t number;
};

static int compare_named(const void *a, const void *b)
{
    return strcmp(((const struct named *)a)->text, ((const struct named *)b)->text);
}

/* The words in order; rank[number] says where each has come to. */
static void sort_words(struct gn_bm25 *ix, uint32_t *rank)
{
    struct named *v = gn_calloc(ix->word_count + 1u, sizeof *v);
    size_t at = 0, n = 0;
    void *value;
    for (const char *text; gn_map_next(&ix->words, &at, &text, &value);) {
        v[n++] = (struct named){text, ((struct word *)value)->number};
        ix->text_len += strlen(text) + 1;
    }
    qsort(v, n, sizeof *v, compare_named);
    ix->text = gn_malloc(ix->text_len + 1);
    ix->texts = gn_calloc(n + 1, sizeof *ix->texts);
    size_t end = 0;
    for (size_t i = 0; i < n; i++) {
        size_t size = strlen(v[i].text) + 1;
        memcpy(ix->text + end, v[i].text, size);
        ix->texts[i] = (uint32_t)end;
        end += size;
        rank[v[i].number] = (uint32_t)i;
    }
    gn_free(v);
}

/* Sorted by word; pairs are in order of document already, and counting keeps that. */
static void sort_pairs(struct gn_bm25 *ix, const uint32_t *rank)
{
    uint32_t n = ix->word_count;
    uint32_t *next = gn_calloc(n + 1u, sizeof *next); /* where the next one of each word goes */
    ix->starts = gn_calloc(n + 1u, sizeof *ix->starts);
    ix->postings = gn_calloc(ix->pair_count + 1, sizeof *ix->postings);
    for (size_t i = 0; i < ix->pair_count; i++)
        ix->starts[rank[ix->pairs[i].word] + 1]++;
    for (uint32_t w = 0; w < n; w++)
        ix->starts[w + 1] += ix->starts[w];
    memcpy(next, ix->starts, n * sizeof *next);
    for (size_t i = 0; i < ix->pair_count; i++) {
        const struct pair *p = &ix->pairs[i];
        ix->postings[next[rank[p->word]]++] = p->doc << TIMES_BITS | p->times;
    }
    gn_free(next);
}

void gn_bm25_finish(struct gn_bm25 *ix)
{
    double total = 0;
    for (uint32_t i = 0; i < ix->doc_count; i++)
        total += ix->lengths[i];
    ix->average = ix->doc_count && total > 0 ? total / ix->doc_count : 1;
    ix->word_count = (uint32_t)ix->words.count;
    uint32_t *rank = gn_calloc(ix->word_count + 1u, sizeof *rank);
    sort_words(ix, rank);
    sort_pairs(ix, rank);
    gn_free(rank);
    gn_free(ix->pairs);
    ix->pairs = NULL;
    gn_map_release(&ix->words, gn_free);
    gn_map_init(&ix->words);
}

size_t gn_bm25_bytes(const struct gn_bm25 *ix)
{
    return sizeof *ix + ix->lengths_cap * sizeof *ix->lengths + ix->text_len +
           (ix->word_count + 1u) * (sizeof *ix->texts + sizeof *ix->starts) +
           ix->pair_count * sizeof *ix->postings;
}

/* ---------------------------------------------------------------- searching */

/* Ranks of the words of a query that the index has, each once. */
struct query {
    const struct gn_bm25 *ix;
    uint32_t words[QUERY_WORDS];
    uint32_t count, seen;
    bool has_stop_words; /* they are taken, too */
};

static bool is_stop_word(const char *word)
{
    for (size_t i = 0; i < GN_COUNT(stop_words); i++) {
        if (gn_streq(word, stop_words[i]))
            return true;
    }
    return false;
}

/* Its rank, else word_count. */
static uint32_t find_word(const struct gn_bm25 *ix, const char *word)
{
    uint32_t low = 0, high = ix->word_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(ix->text + ix->texts[middle], word);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return ix->word_count;
}

static bool take_word(void *arg, const char *word, size_t len)
{
    struct query *q = arg;
    (void)len;
    if (q->seen++ >= QUERY_WORDS)
        return false;
    uint32_t rank = find_word(q->ix, word);
    if (rank == q->ix->word_count || (!q->has_stop_words && is_stop_word(word)))
        return true;
    for (uint32_t i = 0; i < q->count; i++) {
        if (q->words[i] == rank)
            return true;
    }
    q->words[q->count++] = rank;
    return true;
}

static bool has_sense(void *arg, const char *word, size_t len)
{
    (void)len;
    *(bool *)arg = !is_stop_word(word);
    return !*(bool *)arg;
}

static void add_scores(const struct gn_bm25 *ix, uint32_t word, double *scores)
{
    uint32_t from = ix->starts[word], to = ix->starts[word + 1];
    double having = to - from;
    double rarity = log(1 + (ix->doc_count - having + 0.5) / (having + 0.5));
    for (uint32_t i = from; i < to; i++) {
        uint32_t doc = ix->postings[i] >> TIMES_BITS;
        double times = ix->postings[i] & TIMES_MAX;
        double length = ix->lengths[doc] / ix->average;
        scores[doc] += rarity * times * (K1 + 1) / (times + K1 * (1 - B + B * length));
    }
}

static int compare_hits(const void *a, const void *b)
{
    const struct gn_bm25_hit *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->doc < y->doc ? -1 : x->doc > y->doc;
}

size_t gn_bm25_search(const struct gn_bm25 *ix, const char *query, size_t len,
                      struct gn_bm25_hit **ret_hits)
{
    gn_assert(ix->starts);
    struct query q = {.ix = ix};
    bool has_others = false;
    each_word(query, len, has_sense, &has_others);
    q.has_stop_words = !has_others;
    each_word(query, len, take_word, &q);
    *ret_hits = NULL;
    if (q.count == 0)
        return 0;
    double *scores = gn_calloc(ix->doc_count, sizeof *scores);
    for (uint32_t i = 0; i < q.count; i++)
        add_scores(ix, q.words[i], scores);
    struct gn_bm25_hit *hits = gn_calloc(ix->doc_count, sizeof *hits);
    size_t count = 0;
    for (uint32_t doc = 0; doc < ix->doc_count; doc++) {
        if (scores[doc] > 0)
            hits[count++] = (struct gn_bm25_hit){doc, scores[doc]};
    }
    gn_free(scores);
    qsort(hits, count, sizeof *hits, compare_hits);
    *ret_hits = hits;
    return count;
}
