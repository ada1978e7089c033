/* bm25.h - full-text search over many short texts, ranked by Okapi BM25.
 *
 * Documents are numbered in the order in which they are added. A word is a run of letters and
 * digits: ASCII in lower case, "listRepos" and "GitHub" also in their parts, a plural's `s` left
 * out; other letters of Unicode as they are, those of scripts that have no spaces each by itself.
 * An index is immutable once it is finished. Not thread-safe.
 */
#ifndef GN_REGISTRY_BM25_H
#define GN_REGISTRY_BM25_H

#include "util/common.h"

struct gn_bm25;

struct gn_bm25_hit {
    uint32_t doc;
    double score; /* > 0 */
};

/* words_max: so many words of a document are indexed, those that come first. */
struct gn_bm25 *gn_bm25_new(uint32_t words_max);
void gn_bm25_free(struct gn_bm25 *ix); /* NULL is fine */
/* The next document begins. */
void gn_bm25_begin(struct gn_bm25 *ix);
/* A part of it; a word here counts as much as `weight` elsewhere. NULL text is fine. */
void gn_bm25_add(struct gn_bm25 *ix, const char *text, size_t len, uint32_t weight);
/* No more documents; searching begins. */
void gn_bm25_finish(struct gn_bm25 *ix);

/* All documents that have one of the words of the query (its first 64), best first, those of equal
 * score by number. Words like "the" count only where there are no others. Returns how many;
 * *ret_hits is owned by the caller (gn_free), NULL if there are none. */
size_t gn_bm25_search(const struct gn_bm25 *ix, const char *query, size_t len,
                      struct gn_bm25_hit **ret_hits);
/* Words in a text, as counted above. */
size_t gn_bm25_count_words(const char *text, size_t len);
/* What it takes, bytes. */
size_t gn_bm25_bytes(const struct gn_bm25 *ix);

#endif
