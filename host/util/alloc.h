/* alloc.h - memory. Allocation failure of bounded sizes ends the process with a message: nothing
 * sensible can be done then, and half-handled failures are where the bugs live. Sizes that a peer
 * influences are bounded first and, where they may be large, taken with gn_try_malloc. [any thread]
 */
#ifndef GN_UTIL_ALLOC_H
#define GN_UTIL_ALLOC_H

#include "util/common.h"

void *gn_malloc(size_t size);               /* never NULL */
void *gn_calloc(size_t count, size_t size); /* zeroed, overflow-checked, never NULL */
void *gn_realloc(void *ptr, size_t size);   /* never NULL */
/* Grows an array to `count` elements; overflow-checked, never NULL. */
void *gn_reallocarray(void *ptr, size_t count, size_t size);
void *gn_try_malloc(size_t size) GN_NODISCARD; /* NULL when there is no memory */
void *gn_try_realloc(void *ptr, size_t size) GN_NODISCARD;
void gn_free(void *ptr); /* NULL is fine */

char *gn_strdup(const char *s);              /* NULL gives NULL */
char *gn_strndup(const char *s, size_t len); /* len bytes and a NUL */
/* Lists of texts that end with NULL: all of it copied (NULL gives NULL), all of it freed. */
char **gn_texts_copy(char *const *texts);
void gn_texts_free(char **texts);
char *gn_format(const char *fmt, ...) GN_PRINTF(1, 2);
char *gn_vformat(const char *fmt, va_list ap) GN_PRINTF(1, 0);

/* For `GN_AUTO_FREE char *p = ...;` */
void gn_free_ptr(void *ptr_to_ptr);
#define GN_AUTO_FREE GN_CLEANUP(gn_free_ptr)

#endif
