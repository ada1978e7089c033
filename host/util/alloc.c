/* alloc.c - memory that is there or ends the process. */
#include "util/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CACHED_MAX 1032 /* the largest size that glibc keeps for each thread */

GN_NORETURN static void out_of_memory(size_t size)
{
    char text[96];
    int n = snprintf(text, sizeof(text), "gantry: out of memory (%zu bytes wanted)\n", size);
    if (n > 0) {
        ssize_t done = write(STDERR_FILENO, text, (size_t)n);
        (void)done;
    }
    abort();
}

void *gn_malloc(size_t size)
{
    void *ptr = malloc(size ? size : 1);
    if (!ptr)
        out_of_memory(size);
    return ptr;
}

/* glibc's calloc passes its per-thread cache by, malloc does not. */
void *gn_calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        out_of_memory(SIZE_MAX);
    void *ptr = bytes > CACHED_MAX ? calloc(1, bytes) : malloc(bytes ? bytes : 1);
    if (!ptr)
        out_of_memory(bytes);
    return bytes > CACHED_MAX ? ptr : memset(ptr, 0, bytes ? bytes : 1);
}

void *gn_realloc(void *ptr, size_t size)
{
    void *grown = realloc(ptr, size ? size : 1);
    if (!grown)
        out_of_memory(size);
    return grown;
}

void *gn_reallocarray(void *ptr, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        out_of_memory(SIZE_MAX);
    return gn_realloc(ptr, bytes);
}

void *gn_try_malloc(size_t size)
{
    return malloc(size ? size : 1);
}

void *gn_try_realloc(void *ptr, size_t size)
{
    return realloc(ptr, size ? size : 1);
}

void gn_free(void *ptr)
{
    free(ptr);
}

char *gn_strdup(const char *s)
{
    return s ? gn_strndup(s, strlen(s)) : NULL;
}

char **gn_texts_copy(char *const *texts)
{
    size_t n = 0;
    while (texts && texts[n])
        n++;
    char **copy = texts ? gn_calloc(n + 1, sizeof *copy) : NULL;
    for (size_t i = 0; i < n; i++)
        copy[i] = gn_strdup(texts[i]);
    return copy;
}

void gn_texts_free(char **texts)
{
    for (char **text = texts; text && *text; text++)
        gn_free(*text);
    gn_free(texts);
}

char *gn_strndup(const char *s, size_t len)
{
    char *copy = gn_malloc(len + 1);
    if (len)
        memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

char *gn_format(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = gn_vformat(fmt, ap);
    va_end(ap);
    return text;
}

char *gn_vformat(const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    gn_assert(n >= 0);
    char *text = gn_malloc((size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

void gn_free_ptr(void *ptr_to_ptr)
{
    void *ptr;
    memcpy(&ptr, ptr_to_ptr, sizeof(ptr));
    free(ptr);
}
