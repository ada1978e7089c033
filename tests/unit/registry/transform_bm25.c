/* transform_bm25.c - words, and which documents come first. */
#include "registry/bm25.h"

#include "support.h"
#include "util/alloc.h"
#include "util/buf.h"

#include <stdio.h>
#include <string.h>

GN_SUITE(transform_bm25);

static struct gn_bm25 *of(const char *const *texts, size_t count)
{
    struct gn_bm25 *ix = gn_bm25_new(1000);
    for (size_t i = 0; i < count; i++) {
        gn_bm25_begin(ix);
        gn_bm25_add(ix, texts[i], strlen(texts[i]), 1);
    }
    gn_bm25_finish(ix);
    return ix;
}

/* The numbers of the documents found, best first: "2 0". */
static void check_found(const struct gn_bm25 *ix, const char *query, const char *expected)
{
    struct gn_bm25_hit *hits;
    struct gn_buf text = GN_BUF_INIT(4096);
    size_t count = gn_bm25_search(ix, query, strlen(query), &hits);
    for (size_t i = 0; i < count; i++) {
        gn_buf_addf(&text, "%s%u", i ? " " : "", hits[i].doc);
        cr_assert_gt(hits[i].score, 0);
    }
    cr_assert_str_eq(gn_buf_str(&text), expected, "%s: found \"%s\", expected \"%s\"", query,
                     gn_buf_str(&text), expected);
    gn_buf_release(&text);
    gn_free(hits);
}

#define OF(...)                                                                                    \
    of((const char *const[]){__VA_ARGS__}, GN_COUNT(((const char *const[]){__VA_ARGS__})))

Test(transform_bm25, an_empty_index_finds_nothing)
{
    struct gn_bm25 *ix = of(NULL, 0);
    check_found(ix, "anything", "");
    gn_bm25_free(ix);
    gn_bm25_free(NULL);
}

Test(transform_bm25, documents_without_words_are_never_found)
{
    struct gn_bm25 *ix = OF("", "-- ** --", "word");
    check_found(ix, "word", "2");
    check_found(ix, "", "");
    check_found(ix, " ,;: ", "");
    gn_bm25_free(ix);
}

Test(transform_bm25, finds_whole_words_in_any_case)
{
    struct gn_bm25 *ix = OF("Send a Message", "list messages", "sender of letters");
    check_found(ix, "SEND", "0");
    check_found(ix, "mess", "");
    check_found(ix, "letter", "2");
    gn_bm25_free(ix);
}

Test(transform_bm25, names_are_found_by_their_parts)
{
    struct gn_bm25 *ix = OF("list_repos", "listRepos", "list-repos.v2", "HTTPServer", "GitHub");
    check_found(ix, "repos", "0 1 2");
    check_found(ix, "list repos", "0 1 2");
    check_found(ix, "v2", "2");
    check_found(ix, "server", "3");
    check_found(ix, "http", "3");
    check_found(ix, "httpserver", "3");
    check_found(ix, "github", "4");
    check_found(ix, "hub", "4");
    check_found(ix, "GitHub", "4");
    gn_bm25_free(ix);
}

Test(transform_bm25, one_and_many_are_the_same)
{
    struct gn_bm25 *ix = OF("queries", "tools", "status class focus analysis", "gas");
    check_found(ix, "query", "0");
    check_found(ix, "a Tool", "1");
    check_found(ix, "status", "2");
    check_found(ix, "statu", "");
    check_found(ix, "class", "2");
    check_found(ix, "analysis", "2");
    check_found(ix, "gas", "3");
    gn_bm25_free(ix);
}

Test(transform_bm25, letters_of_other_scripts_are_letters)
{
    struct gn_bm25 *ix = OF("Größe messen", "погода сегодня", "获取天气预报", "naïve«quoted»text",
                            "before\xe2\x80\x94"
                            "after");
    check_found(ix, "größe", "0");
    check_found(ix, "погода", "1");
    check_found(ix, "天气", "2");
    check_found(ix, "quoted", "3");
    check_found(ix, "naïve", "3");
    check_found(ix, "after", "4");
    gn_bm25_free(ix);
}

Test(transform_bm25, bytes_that_are_no_text_separate)
{
    struct gn_bm25 *ix = OF("one\xfftwo", "three");
    check_found(ix, "two", "0");
    check_found(ix, "\xff\xfe\x80", "");
    struct gn_bm25_hit *hits;
    cr_assert_eq(gn_bm25_search(ix, "\0three", 6, &hits), 1);
    gn_free(hits);
    gn_bm25_free(ix);
}

Test(transform_bm25, a_rare_word_counts_more_than_a_common_one)
{
    struct gn_bm25 *ix = OF("file read", "file write", "file delete", "shred");
    check_found(ix, "file delete", "2 0 1");
    check_found(ix, "shred file", "3 0 1 2");
    gn_bm25_free(ix);
}

Test(transform_bm25, a_short_document_comes_before_a_long_one)
{
    struct gn_bm25 *ix = OF("weather and many other things that have nothing to do with it",
                            "weather today");
    check_found(ix, "weather", "1 0");
    gn_bm25_free(ix);
}

Test(transform_bm25, equal_ones_come_in_their_order)
{
    struct gn_bm25 *ix = OF("same", "same", "other", "same");
    check_found(ix, "same", "0 1 3");
    gn_bm25_free(ix);
}

Test(transform_bm25, weight_is_as_if_it_stood_there_more_often)
{
    struct gn_bm25 *ix = gn_bm25_new(1000);
    gn_bm25_begin(ix);
    gn_bm25_add(ix, "alpha", 5, 1);
    gn_bm25_add(ix, "beta", 4, 5);
    gn_bm25_begin(ix);
    gn_bm25_add(ix, "alpha", 5, 5);
    gn_bm25_add(ix, "beta", 4, 1);
    gn_bm25_finish(ix);
    check_found(ix, "alpha", "1 0");
    check_found(ix, "beta", "0 1");
    gn_bm25_free(ix);
}

Test(transform_bm25, words_without_sense_count_only_where_there_are_no_others)
{
    struct gn_bm25 *ix = OF("the cat", "the dog", "a bird");
    check_found(ix, "the dog", "1");
    check_found(ix, "what is the", "0 1");
    check_found(ix, "the fish", "");
    gn_bm25_free(ix);
}

Test(transform_bm25, the_same_word_twice_is_one)
{
    struct gn_bm25 *ix = OF("cat dog dog dog", "cat cat cat dog");
    check_found(ix, "dog dog dog cat", "0 1");
    check_found(ix, "cat cat cat dog", "0 1");
    gn_bm25_free(ix);
}

Test(transform_bm25, what_a_document_says_beyond_its_share_is_left_out)
{
    struct gn_bm25 *ix = gn_bm25_new(3);
    gn_bm25_begin(ix);
    gn_bm25_add(ix, "one two", 7, 1);
    gn_bm25_add(ix, "three four", 10, 1);
    gn_bm25_begin(ix);
    gn_bm25_add(ix, "four", 4, 1);
    gn_bm25_finish(ix);
    check_found(ix, "three", "0");
    check_found(ix, "four", "1");
    gn_bm25_free(ix);
}

Test(transform_bm25, a_query_is_looked_at_up_to_a_limit)
{
    struct gn_bm25 *ix = OF("needle");
    struct gn_buf query = GN_BUF_INIT(1 << 20);
    for (int i = 0; i < 63; i++)
        gn_buf_addf(&query, "word%d ", i);
    size_t len = query.len;
    gn_buf_adds(&query, "needle");
    check_found(ix, gn_buf_str(&query), "0");
    gn_buf_cut(&query, len);
    gn_buf_adds(&query, "more needle");
    check_found(ix, gn_buf_str(&query), "");
    gn_buf_release(&query);
    gn_bm25_free(ix);
}

Test(transform_bm25, endless_words_are_cut)
{
    char word[4001], humps[4001];
    memset(word, 'x', sizeof word - 1);
    for (size_t i = 0; i < sizeof humps - 1; i++)
        humps[i] = i % 3 ? 'a' : 'B';
    word[sizeof word - 1] = humps[sizeof humps - 1] = '\0';
    struct gn_bm25 *ix = OF(word, humps, "短い言葉");
    check_found(ix, word, "0");
    word[2000] = '\0';
    check_found(ix, word, "0");
    check_found(ix, humps, "1");
    check_found(ix, "Baa", "1");
    gn_bm25_free(ix);
}

Test(transform_bm25, a_word_said_a_thousand_times_does_not_overflow)
{
    struct gn_bm25 *ix = gn_bm25_new(UINT32_MAX);
    gn_bm25_begin(ix);
    for (int i = 0; i < 1000; i++)
        gn_bm25_add(ix, "spam", 4, 5);
    gn_bm25_begin(ix);
    gn_bm25_add(ix, "spam", 4, 5);
    gn_bm25_add(ix, NULL, 0, 5);
    gn_bm25_finish(ix);
    struct gn_bm25_hit *hits;
    cr_assert_eq(gn_bm25_search(ix, "spam", 4, &hits), 2);
    cr_assert_gt(hits[1].score, 0);
    gn_free(hits);
    gn_bm25_free(ix);
}

Test(transform_bm25, takes_a_few_bytes_for_a_word_in_a_document)
{
    struct gn_bm25 *ix = gn_bm25_new(1000);
    char text[64];
    for (int i = 0; i < 2000; i++) {
        gn_bm25_begin(ix);
        for (int j = 0; j < 50; j++) {
            int len = snprintf(text, sizeof text, "word%d", (i * 7 + j * 13) % 3000);
            gn_bm25_add(ix, text, (size_t)len, 1);
        }
    }
    gn_bm25_finish(ix);
    cr_assert_lt(gn_bm25_bytes(ix), 2000 * 50 * 4 + 3000 * 20 + 2048 * 4 + 1024);
    struct gn_bm25_hit *hits;
    cr_assert_eq(gn_bm25_search(ix, "Word0", 5, &hits), 29);
    gn_free(hits);
    gn_bm25_free(ix);
}
