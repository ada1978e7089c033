/* arena.c - memory of one lifetime. */
#include "util/arena.h"

#include "support.h"
#include "util/error.h"

#include <string.h>

GN_SUITE(arena);

static struct gn_arena *arena_of_cleanup;
static char order[16];
static char letter_a[] = "a", letter_b[] = "b", letter_c[] = "c";

static void note(void *arg)
{
    size_t len = strlen(order);
    order[len] = *(const char *)arg;
    order[len + 1] = '\0';
}

static void note_and_allocate(void *arg)
{
    note(arg);
    char *s = gn_arena_strdup(arena_of_cleanup, "memory is still there");
    cr_assert_str_eq(s, "memory is still there");
}

Test(arena, pieces_are_aligned_and_apart)
{
    struct gn_arena a;
    gn_arena_init(&a, 1 << 20);
    unsigned char *pieces[500];
    for (size_t i = 0; i < GN_COUNT(pieces); i++) {
        pieces[i] = gn_arena_alloc(&a, i);
        cr_assert_not_null(pieces[i]);
        cr_assert_eq((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        memset(pieces[i], (int)(i & 0xFF), i);
    }
    for (size_t i = 0; i < GN_COUNT(pieces); i++) {
        for (size_t j = 0; j < i; j++)
            cr_assert_eq(pieces[i][j], i & 0xFF);
    }
    gn_arena_release(&a);
    cr_assert_eq(a.total, 0);
}

Test(arena, big_pieces_keep_the_current_chunk)
{
    struct gn_arena a;
    gn_arena_init(&a, 10 << 20);
    char *small = gn_arena_alloc(&a, 8);
    cr_assert_not_null(gn_arena_calloc(&a, 1 << 20));
    char *next = gn_arena_alloc(&a, 8);
    cr_assert(next > small && next - small <= 64);
    gn_arena_release(&a);
}

Test(arena, maximum_bounds_the_total)
{
    struct gn_arena a;
    gn_arena_init(&a, 10000);
    size_t got = 0;
    while (gn_arena_alloc(&a, 100))
        got += 100;
    cr_assert_leq(a.total, 10000);
    cr_assert_geq(got, 6000);
    cr_assert_null(gn_arena_alloc(&a, SIZE_MAX));
    cr_assert_null(gn_arena_strndup(&a, "", SIZE_MAX));
    gn_arena_release(&a);
    cr_assert_not_null(gn_arena_alloc(&a, 100));
    gn_arena_release(&a);
}

Test(arena, text_is_copied)
{
    struct gn_arena a;
    gn_arena_init(&a, 100000);
    cr_assert_null(gn_arena_strdup(&a, NULL));
    cr_assert_str_eq(gn_arena_strdup(&a, "one"), "one");
    cr_assert_str_eq(gn_arena_strndup(&a, "twofold", 3), "two");
    cr_assert_str_eq(gn_arena_format(&a, "%s-%d", "three", 3), "three-3");
    gn_arena_release(&a);
}

Test(arena, cleanups_run_last_added_first)
{
    struct gn_arena a;
    gn_arena_init(&a, 100000);
    arena_of_cleanup = &a;
    gn_arena_on_release(&a, note, letter_a);
    gn_arena_on_release(&a, note_and_allocate, letter_b);
    gn_arena_on_release(&a, note, letter_c);
    gn_arena_release(&a);
    cr_assert_str_eq(order, "cba");
    gn_arena_release(&a);
    cr_assert_str_eq(order, "cba");
}

Test(arena, a_first_chunk_serves_the_next_arena)
{
    struct gn_arena_spare spare = {0};
    for (int turn = 0; turn < 3; turn++) {
        struct gn_arena a, b;
        gn_arena_init_spare(&a, 1 << 20, &spare);
        gn_arena_init_spare(&b, 1 << 20, &spare);
        cr_assert_str_eq(gn_arena_strdup(&a, "one"), "one");
        cr_assert_str_eq(gn_arena_strdup(&b, "other"), "other");
        cr_assert_not_null(gn_arena_alloc(&a, 100000));
        gn_arena_release(&a);
        gn_arena_release(&b);
        cr_assert_leq(spare.count, 2);
    }
    gn_arena_spare_free(&spare);
    cr_assert_eq(spare.count, 0);
    cr_assert_null(spare.chunks);
}

Test(arena, a_spare_chunk_does_not_pass_the_maximum)
{
    struct gn_arena_spare spare = {0};
    struct gn_arena a;
    gn_arena_init_spare(&a, 1 << 20, &spare);
    cr_assert_not_null(gn_arena_alloc(&a, 8));
    gn_arena_release(&a);
    gn_arena_init_spare(&a, 512, &spare);
    cr_assert_null(gn_arena_alloc(&a, 1024));
    gn_arena_release(&a);
    gn_arena_spare_free(&spare);
}
