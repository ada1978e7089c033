/* journal.c - what a call has been told, written and read again, also by hostile hands. */
#include "call/journal.h"

#include "support.h"
#include "util/alloc.h"
#include "util/error.h"

#include <stdio.h>
#include <string.h>

GN_SUITE(journal);

#define ARENA_MAX ((size_t)1 << 20)

static struct gn_arena arena;
static struct gn_buf out;

static void begin(void)
{
    gn_arena_init(&arena, ARENA_MAX);
    gn_buf_init(&out, ARENA_MAX);
}

static void end(void)
{
    gn_arena_release(&arena);
    gn_buf_release(&out);
}

static void digest_of(unsigned char *ret, const char *a, const char *b)
{
    struct gn_piece pieces[] = {{a, strlen(a)}, {b, strlen(b)}};
    gn_journal_digest(ret, pieces, GN_COUNT(pieces));
}

static int add(struct gn_journal *j, const char *key, enum gn_journal_kind kind, const char *digest,
               const char *json)
{
    unsigned char d[GN_JOURNAL_DIGEST];
    if (digest)
        digest_of(d, digest, "");
    return gn_journal_add(j, &arena, key, kind, digest ? d : NULL, json, strlen(json));
}

static void check_is(const struct gn_journal *j, const char *key, enum gn_journal_kind kind,
                     const char *json)
{
    const struct gn_journal_entry *e = gn_journal_find(j, key, kind, NULL);
    cr_assert_not_null(e, "%s", key);
    cr_assert_str_eq(e->json, json);
    cr_assert_eq(e->len, strlen(json));
}

/* Three entries, one of each kind, written to `out`. */
static void write_three(struct gn_journal *j)
{
    cr_assert_eq(add(j, "name", GN_JOURNAL_ANSWER, "question", "{\"action\":\"accept\"}"), 0);
    cr_assert_eq(add(j, "name-2", GN_JOURNAL_STEP, NULL, "[1,2,3]"), 0);
    cr_assert_eq(add(j, "name", GN_JOURNAL_ID, NULL, ""), 0);
    cr_assert_eq(gn_journal_write(j, &out), 0);
}

/* Everything it says can be read, and it is what writing it again says. */
static void check_well_formed(const struct gn_journal *j)
{
    uint32_t count = 0;
    size_t bytes = 0;
    for (const struct gn_journal_entry *e = j->first; e; e = e->next) {
        cr_assert_eq(strlen(e->json), e->len);
        cr_assert(*e->key && strlen(e->key) <= GN_JOURNAL_KEY);
        cr_assert(e->kind >= GN_JOURNAL_ANSWER && e->kind <= GN_JOURNAL_ID);
        cr_assert_eq(gn_journal_find(j, e->key, (enum gn_journal_kind)e->kind, e->digest), e);
        bytes += strlen(e->key) + e->len;
        count++;
    }
    cr_assert_eq(j->count, count);
    cr_assert_geq(j->bytes, bytes);
}

/* Reads an exact copy, so that a sanitizer sees each byte read beyond it. */
static int read_copy(struct gn_journal *j, const char *bytes, size_t len)
{
    char *copy = gn_malloc(len ? len : 1);
    memcpy(copy, bytes, len);
    int rc = gn_journal_read(j, &arena, len ? copy : copy + 1, len);
    gn_free(copy);
    return rc;
}

Test(journal, reads_what_was_written, .init = begin)
{
    struct gn_journal j = {0}, again = {0};
    write_three(&j);
    cr_assert_eq(gn_journal_size(&j), out.len);
    cr_assert_eq(read_copy(&again, out.data, out.len), 0);
    cr_assert_eq(again.count, 3);
    cr_assert_eq(again.bytes, j.bytes);
    check_is(&again, "name", GN_JOURNAL_ANSWER, "{\"action\":\"accept\"}");
    check_is(&again, "name-2", GN_JOURNAL_STEP, "[1,2,3]");
    check_is(&again, "name", GN_JOURNAL_ID, "");
    check_well_formed(&again);
    unsigned char digest[GN_JOURNAL_DIGEST];
    digest_of(digest, "question", "");
    cr_assert_not_null(gn_journal_find(&again, "name", GN_JOURNAL_ANSWER, digest));
    struct gn_buf twice = GN_BUF_INIT(ARENA_MAX);
    cr_assert_eq(gn_journal_write(&again, &twice), 0);
    cr_assert_eq(twice.len, out.len);
    cr_assert_eq(memcmp(twice.data, out.data, out.len), 0);
    gn_buf_release(&twice);
    end();
}

Test(journal, reads_an_empty_one, .init = begin)
{
    struct gn_journal j = {0}, again = {0};
    cr_assert_eq(gn_journal_write(&j, &out), 0);
    cr_assert_eq(read_copy(&again, out.data, out.len), 0);
    cr_assert_eq(again.count, 0);
    cr_assert_null(again.first);
    end();
}

Test(journal, uses_an_answer_only_for_the_very_same_question, .init = begin)
{
    struct gn_journal j = {0};
    unsigned char same[GN_JOURNAL_DIGEST], other[GN_JOURNAL_DIGEST];
    digest_of(same, "elicitation/create", "");
    digest_of(other, "sampling/createMessage", "");
    cr_assert_eq(add(&j, "name", GN_JOURNAL_ANSWER, "elicitation/create", "1"), 0);
    cr_assert_not_null(gn_journal_find(&j, "name", GN_JOURNAL_ANSWER, same));
    cr_assert_not_null(gn_journal_find(&j, "name", GN_JOURNAL_ANSWER, NULL));
    cr_assert_null(gn_journal_find(&j, "name", GN_JOURNAL_ANSWER, other));
    cr_assert_null(gn_journal_find(&j, "name", GN_JOURNAL_STEP, NULL));
    cr_assert_null(gn_journal_find(&j, "name-2", GN_JOURNAL_ANSWER, NULL));
    end();
}

Test(journal, replaces_what_is_there_under_the_same_key_and_kind, .init = begin)
{
    static const char *const keys[] = {"a", "b", "c"};
    for (size_t changed = 0; changed < GN_COUNT(keys); changed++) {
        struct gn_journal j = {0};
        for (size_t i = 0; i < GN_COUNT(keys); i++)
            cr_assert_eq(add(&j, keys[i], GN_JOURNAL_STEP, NULL, "1"), 0);
        size_t before = j.bytes;
        cr_assert_eq(add(&j, keys[changed], GN_JOURNAL_STEP, NULL, "\"more\""), 0);
        cr_assert_eq(j.count, 3);
        cr_assert_eq(j.bytes, before + 5);
        check_is(&j, keys[changed], GN_JOURNAL_STEP, "\"more\"");
        check_well_formed(&j);
        cr_assert_eq(add(&j, keys[changed], GN_JOURNAL_ANSWER, NULL, "1"), 0);
        cr_assert_eq(j.count, 4);
        check_well_formed(&j);
    }
    end();
}

Test(journal, tells_lists_of_pieces_apart, .init = begin)
{
    unsigned char digests[4][GN_JOURNAL_DIGEST];
    digest_of(digests[0], "ab", "c");
    digest_of(digests[1], "a", "bc");
    digest_of(digests[2], "abc", "");
    struct gn_piece whole = {"abc", 3};
    gn_journal_digest(digests[3], &whole, 1);
    for (size_t i = 0; i < GN_COUNT(digests); i++) {
        for (size_t k = 0; k < i; k++)
            cr_assert_neq(memcmp(digests[i], digests[k], GN_JOURNAL_DIGEST), 0, "%zu %zu", i, k);
    }
    end();
}

Test(journal, is_bounded, .init = begin)
{
    struct gn_journal j = {0};
    char key[GN_JOURNAL_KEY + 2];
    for (int i = 0; i < GN_JOURNAL_MAX; i++) {
        snprintf(key, sizeof(key), "key-%d", i);
        cr_assert_eq(add(&j, key, GN_JOURNAL_STEP, NULL, "null"), 0);
    }
    cr_assert_eq(add(&j, "one more", GN_JOURNAL_STEP, NULL, "null"), GN_ETOOBIG);
    cr_assert_eq(add(&j, "key-7", GN_JOURNAL_STEP, NULL, "7"), 0, "replaced, not added");
    cr_assert_eq(j.count, GN_JOURNAL_MAX);
    cr_assert_eq(gn_journal_write(&j, &out), 0);
    struct gn_journal again = {0};
    cr_assert_eq(read_copy(&again, out.data, out.len), 0);
    cr_assert_eq(again.count, GN_JOURNAL_MAX);
    end();
}

Test(journal, takes_keys_of_a_certain_length_and_no_others, .init = begin)
{
    struct gn_journal j = {0}, again = {0};
    char key[GN_JOURNAL_KEY + 2];
    memset(key, 'k', sizeof(key));
    key[GN_JOURNAL_KEY + 1] = '\0';
    cr_assert_eq(add(&j, key, GN_JOURNAL_STEP, NULL, "1"), GN_ETOOBIG);
    key[GN_JOURNAL_KEY] = '\0';
    cr_assert_eq(add(&j, key, GN_JOURNAL_STEP, NULL, "1"), 0);
    cr_assert_eq(add(&j, "", GN_JOURNAL_STEP, NULL, "1"), GN_EINVAL);
    cr_assert_eq(gn_journal_add(&j, &arena, "nul", GN_JOURNAL_STEP, NULL, "1\0002", 3), GN_EINVAL);
    cr_assert_eq(gn_journal_write(&j, &out), 0);
    cr_assert_eq(read_copy(&again, out.data, out.len), 0);
    check_is(&again, key, GN_JOURNAL_STEP, "1");
    end();
}

Test(journal, says_when_arena_or_buffer_is_full, .init = begin)
{
    struct gn_arena small;
    gn_arena_init(&small, 8192);
    struct gn_journal j = {0};
    char *big = gn_calloc(1, 16384);
    memset(big, '1', 16383);
    cr_assert_eq(gn_journal_add(&j, &small, "a", GN_JOURNAL_STEP, NULL, "1", 1), 0);
    cr_assert_eq(gn_journal_add(&j, &small, "a", GN_JOURNAL_STEP, NULL, big, 16383), GN_ETOOBIG);
    check_is(&j, "a", GN_JOURNAL_STEP, "1");
    cr_assert_eq(gn_journal_add(&j, &arena, "b", GN_JOURNAL_STEP, NULL, big, 16383), 0);
    struct gn_buf narrow = GN_BUF_INIT(1000);
    cr_assert_eq(gn_journal_write(&j, &narrow), GN_ETOOBIG);
    cr_assert_eq(gn_journal_write(&j, &out), 0);
    struct gn_journal again = {0};
    cr_assert_eq(gn_journal_read(&again, &small, out.data, out.len), GN_EINVAL);
    cr_assert_eq(again.count, 0);
    gn_buf_release(&narrow);
    gn_free(big);
    gn_arena_release(&small);
    end();
}

Test(journal, refuses_every_truncation_and_every_addition, .init = begin)
{
    struct gn_journal j = {0}, again = {0};
    write_three(&j);
    for (size_t len = 0; len < out.len; len++) {
        cr_assert_eq(read_copy(&again, out.data, len), GN_EINVAL, "%zu bytes", len);
        cr_assert_null(again.first);
    }
    gn_buf_addc(&out, '\0');
    cr_assert_eq(read_copy(&again, out.data, out.len), GN_EINVAL);
    end();
}

Test(journal, survives_every_change_of_a_byte, .init = begin)
{
    struct gn_journal j = {0};
    write_three(&j);
    for (size_t at = 0; at < out.len; at++) {
        char was = out.data[at];
        for (int value = 0; value < 256; value++) {
            out.data[at] = (char)value;
            struct gn_journal again = {0};
            int rc = read_copy(&again, out.data, out.len);
            cr_assert(rc == 0 || rc == GN_EINVAL);
            if (rc == 0)
                check_well_formed(&again);
            else
                cr_assert_null(again.first);
            gn_arena_release(&arena);
        }
        out.data[at] = was;
    }
    end();
}

Test(journal, refuses_what_writing_never_makes, .init = begin)
{
    /* Two of one key and kind; a kind that is none; NUL in a key; NUL in a value; no key. */
    static const struct {
        const char *keys[2], *values[2];
        size_t key_len, len;
        char kind;
    } cases[] = {
        {{"k", "k"}, {"1", "2"}, 1, 1, 1},     {{"a", "b"}, {"1", "2"}, 1, 1, 0},
        {{"a", "b"}, {"1", "2"}, 1, 1, 4},     {{"a\0c", "b\0c"}, {"1", "2"}, 3, 1, 1},
        {{"a", "b"}, {"1\0", "2\0"}, 1, 2, 1}, {{"", ""}, {"1", "2"}, 0, 1, 1},
    };
    for (size_t i = 0; i < GN_COUNT(cases); i++) {
        gn_buf_clear(&out);
        gn_buf_add(&out, "\2\0", 2);
        for (int k = 0; k < 2; k++) {
            gn_buf_addc(&out, cases[i].kind);
            gn_buf_add(&out, "0123456789abcdef", GN_JOURNAL_DIGEST);
            gn_buf_addc(&out, (char)cases[i].key_len);
            gn_buf_addc(&out, '\0');
            gn_buf_addc(&out, (char)cases[i].len);
            gn_buf_add(&out, "\0\0", 3);
            gn_buf_add(&out, cases[i].keys[k], cases[i].key_len);
            gn_buf_add(&out, cases[i].values[k], cases[i].len);
        }
        struct gn_journal j = {0};
        cr_assert_eq(read_copy(&j, out.data, out.len), GN_EINVAL, "case %zu", i);
    }
    end();
}
