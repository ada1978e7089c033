/* arena.c - bump allocation in a list of chunks. */
#include "util/arena.h"

#include "util/alloc.h"
#include "util/error.h"

#include <stdio.h>
#include <string.h>

#ifdef GN_ASAN
#include <sanitizer/asan_interface.h>
/* Pieces stand apart, and what is not handed out is poisoned: an overrun is caught. */
#define GAP 16
#else
#define ASAN_POISON_MEMORY_REGION(ptr, size) ((void)(ptr), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(ptr, size) ((void)(ptr), (void)(size))
#define GAP 0
#endif

#define ALIGN 16
#define FIRST_CHUNK 4096
#define LAST_CHUNK (256 * 1024)

struct gn_arena_chunk {
    struct gn_arena_chunk *next;
    size_t size, used; /* of data */
    _Alignas(ALIGN) char data[];
};

struct gn_arena_cleanup {
    struct gn_arena_cleanup *next;
    void (*fn)(void *arg);
    void *arg;
};

/* Where mistakes are looked for, nothing is used twice. */
#if defined(GN_ASAN) || !defined(__OPTIMIZE__)
#define SPARE_MAX 0
#else
#define SPARE_MAX 64
#endif

/* A new chunk with `size` bytes of data; NULL if the maximum does not allow it. */
static struct gn_arena_chunk *chunk_new(struct gn_arena *a, size_t size)
{
    size_t bytes = sizeof(struct gn_arena_chunk) + size;
    if (bytes > a->max - a->total)
        return NULL;
    struct gn_arena_chunk *c = gn_malloc(bytes);
    c->next = NULL;
    c->size = size;
    c->used = 0;
    a->total += bytes;
    ASAN_POISON_MEMORY_REGION(c->data, size);
    return c;
}

static void *chunk_take(struct gn_arena_chunk *c, size_t size, size_t step)
{
    char *ptr = c->data + c->used;
    c->used += step;
    ASAN_UNPOISON_MEMORY_REGION(ptr, size);
    return ptr;
}

/* The slow path: no room in the newest chunk. */
static void *alloc_chunk(struct gn_arena *a, size_t size, size_t step)
{
    size_t chunk_size = FIRST_CHUNK - sizeof(struct gn_arena_chunk);
    if (a->chunks) {
        size_t grown = (a->chunks->size + sizeof(struct gn_arena_chunk)) * 2;
        chunk_size = GN_MIN(grown, (size_t)LAST_CHUNK) - sizeof(struct gn_arena_chunk);
    }
    struct gn_arena_chunk *c;
    if (step > chunk_size / 4) {
        /* Its own chunk, behind the newest one, whose free space stays in use. */
        c = chunk_new(a, step);
        if (!c)
            return NULL;
        if (a->chunks) {
            c->next = a->chunks->next;
            a->chunks->next = c;
        } else {
            a->chunks = c;
        }
        return chunk_take(c, size, step);
    }
    c = chunk_new(a, chunk_size);
    if (!c)
        c = chunk_new(a, step);
    if (!c)
        return NULL;
    c->next = a->chunks;
    a->chunks = c;
    return chunk_take(c, size, step);
}

void gn_arena_init(struct gn_arena *a, size_t max_bytes)
{
    *a = (struct gn_arena){.max = max_bytes};
}

void gn_arena_init_spare(struct gn_arena *a, size_t max_bytes, struct gn_arena_spare *spare)
{
    struct gn_arena_chunk *c = spare->chunks;
    gn_arena_init(a, max_bytes);
    a->spare = spare;
    if (c && FIRST_CHUNK <= max_bytes) {
        spare->chunks = c->next;
        spare->count--;
        c->next = NULL;
        c->used = 0;
        a->total = FIRST_CHUNK;
        a->chunks = c;
    }
}

static bool keep_spare(struct gn_arena_spare *spare, struct gn_arena_chunk *c)
{
    if (!spare || spare->count + 1 > SPARE_MAX || c->size + sizeof *c != FIRST_CHUNK)
        return false;
    c->next = spare->chunks;
    spare->chunks = c;
    spare->count++;
    return true;
}

void gn_arena_spare_free(struct gn_arena_spare *spare)
{
    for (struct gn_arena_chunk *c = spare->chunks, *next; c; c = next) {
        next = c->next;
        gn_free(c);
    }
    *spare = (struct gn_arena_spare){0};
}

void gn_arena_release(struct gn_arena *a)
{
    /* A clean-up may allocate from the arena and may add clean-ups. */
    while (a->cleanups) {
        struct gn_arena_cleanup *c = a->cleanups;
        a->cleanups = c->next;
        c->fn(c->arg);
    }
    for (struct gn_arena_chunk *c = a->chunks, *next; c; c = next) {
        next = c->next;
        ASAN_UNPOISON_MEMORY_REGION(c->data, c->size);
        if (!keep_spare(a->spare, c))
            gn_free(c);
    }
    a->spare = NULL; /* whoever uses it again may be another thread */
    gn_arena_init(a, a->max);
}

void *gn_arena_alloc(struct gn_arena *a, size_t size)
{
    if (__builtin_expect(size > SIZE_MAX / 2, 0))
        return NULL;
    size_t step = ((size ? size : 1) + GAP + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct gn_arena_chunk *c = a->chunks;
    if (__builtin_expect(c != NULL && c->size - c->used >= step, 1))
        return chunk_take(c, size, step);
    return alloc_chunk(a, size, step);
}

void *gn_arena_calloc(struct gn_arena *a, size_t size)
{
    void *ptr = gn_arena_alloc(a, size);
    if (ptr)
        memset(ptr, 0, size);
    return ptr;
}

char *gn_arena_strdup(struct gn_arena *a, const char *s)
{
    return s ? gn_arena_strndup(a, s, strlen(s)) : NULL;
}

char *gn_arena_strndup(struct gn_arena *a, const char *s, size_t len)
{
    if (len == SIZE_MAX)
        return NULL;
    char *copy = gn_arena_alloc(a, len + 1);
    if (!copy)
        return NULL;
    if (len)
        memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

char *gn_arena_vformat(struct gn_arena *a, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    char brief[256]; /* most texts: formatting twice costs more than copying */
    int n = vsnprintf(brief, sizeof(brief), fmt, ap);
    gn_assert(n >= 0);
    char *text = gn_arena_alloc(a, (size_t)n + 1);
    if (text && (size_t)n < sizeof(brief))
        memcpy(text, brief, (size_t)n + 1);
    else if (text)
        vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

char *gn_arena_format(struct gn_arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = gn_arena_vformat(a, fmt, ap);
    va_end(ap);
    return text;
}

int gn_arena_on_release(struct gn_arena *a, void (*fn)(void *arg), void *arg)
{
    struct gn_arena_cleanup *c = gn_arena_alloc(a, sizeof(*c));
    if (!c)
        return GN_ETOOBIG;
    *c = (struct gn_arena_cleanup){a->cleanups, fn, arg};
    a->cleanups = c;
    return 0;
}
