/* common.c - the end of the road for programming errors. */
#include "util/common.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void gn_assert_failed(const char *expr, const char *file, int line, const char *func)
{
    /* One write of a finished line: other threads may be writing too, and the heap is suspect. */
    char text[512];
    int n = snprintf(text, sizeof(text), "gantry: assertion failed: %s (%s:%d, %s)\n", expr, file,
                     line, func);
    if (n > 0) {
        size_t len = GN_MIN((size_t)n, sizeof(text) - 1);
        ssize_t done = write(STDERR_FILENO, text, len);
        (void)done;
    }
    abort();
}
