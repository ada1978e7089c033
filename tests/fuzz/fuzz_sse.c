/* fuzz_sse.c - any stream of events: bounded, and the same however it is cut. The first byte says
 * how long the pieces are.
 */
#include "util/alloc.h"
#include "util/buf.h"
#include "wire/sse.h"

#include <string.h>

#define MAX_BYTES 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int note(void *arg, const struct gn_sse_event *e)
{
    gn_assert(e->len <= MAX_BYTES && e->data[e->len] == '\0');
    struct gn_buf *log = arg;
    gn_buf_adds(log, e->event);
    gn_buf_addc(log, '|');
    gn_buf_adds(log, e->id);
    gn_buf_addc(log, '|');
    gn_buf_add(log, e->data, e->len);
    gn_buf_addc(log, '\n');
    return 0;
}

static int run(const char *stream, size_t len, size_t piece, struct gn_buf *log)
{
    struct gn_sse_parser p;
    gn_sse_parser_init(&p, MAX_BYTES, note, log);
    int rc = 0;
    while (rc == 0 && len) {
        /* Exactly as large as it must be, so that the sanitizer sees the end. */
        size_t n = GN_MIN(piece, len);
        char *copy = gn_strndup(stream, n);
        char *exact = gn_realloc(copy, n);
        rc = gn_sse_feed(&p, exact, n);
        gn_free(exact);
        stream += n;
        len -= n;
    }
    gn_sse_parser_release(&p);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t piece = data[0] + 1u;
    const char *stream = (const char *)data + 1;
    struct gn_buf whole = GN_BUF_INIT(1 << 24), pieces = GN_BUF_INIT(1 << 24);
    int a = run(stream, size - 1, size, &whole);
    int b = run(stream, size - 1, piece, &pieces);
    gn_assert(a == b);
    gn_assert(whole.len == pieces.len);
    gn_assert(memcmp(gn_buf_str(&whole), gn_buf_str(&pieces), whole.len) == 0);
    gn_buf_release(&whole);
    gn_buf_release(&pieces);
    return 0;
}
