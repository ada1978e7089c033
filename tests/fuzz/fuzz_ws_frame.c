/* fuzz_ws_frame.c - any bytes of a client, or of a server, as WebSocket frames: bounded, text is
 * UTF-8, and the same however they are cut. The first byte says how long the pieces are.
 */
#include "util/alloc.h"
#include "util/str.h"
#include "wire/ws_frame.h"

#include <string.h>

#define MAX_BYTES 300

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void note(struct gn_buf *log, const struct gn_ws_reader *r, int event)
{
    gn_buf_addf(log, "%d:", event);
    if (event == GN_WS_MESSAGE) {
        gn_assert(r->message->len <= MAX_BYTES);
        gn_assert(gn_utf8_valid(gn_buf_str(r->message), r->message->len));
        gn_buf_add(log, gn_buf_str(r->message), r->message->len);
        gn_buf_clear(r->message);
    } else if (event > 0) {
        gn_assert(r->control_len <= GN_WS_CONTROL_MAX);
        gn_buf_add(log, r->control, r->control_len);
    } else {
        gn_assert(r->problem && r->status >= 1002 && r->status <= 1009);
        gn_buf_adds(log, r->problem);
    }
    gn_buf_addc(log, '\n');
}

typedef void init_fn(struct gn_ws_reader *r, struct gn_buf *message, size_t max);

static void run(init_fn *init, const char *bytes, size_t len, size_t piece, struct gn_buf *log)
{
    struct gn_buf message = GN_BUF_INIT(MAX_BYTES);
    struct gn_ws_reader r;
    init(&r, &message, MAX_BYTES);
    int event = 0;
    while (event >= 0 && len) {
        /* Exactly as large as it must be, so that the sanitizer sees the end. */
        size_t n = GN_MIN(piece, len), left = n;
        char *exact = gn_malloc(n);
        memcpy(exact, bytes, n);
        const char *at = exact;
        while (left && (event = gn_ws_read(&r, &at, &left)) != GN_WS_MORE) {
            note(log, &r, event);
            if (event < 0)
                break;
        }
        gn_free(exact);
        bytes += n;
        len -= n;
    }
    gn_buf_release(&message);
}

static void check(init_fn *init, const char *bytes, size_t len, size_t piece)
{
    struct gn_buf whole = GN_BUF_INIT(1 << 24), pieces = GN_BUF_INIT(1 << 24);
    run(init, bytes, len, len + 1, &whole);
    run(init, bytes, len, piece, &pieces);
    gn_assert(whole.len == pieces.len);
    gn_assert(memcmp(gn_buf_str(&whole), gn_buf_str(&pieces), whole.len) == 0);
    gn_buf_release(&whole);
    gn_buf_release(&pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    check(gn_ws_reader_init, (const char *)data + 1, size - 1, data[0] + 1u);
    check(gn_ws_reader_init_client, (const char *)data + 1, size - 1, data[0] + 1u);
    return 0;
}
