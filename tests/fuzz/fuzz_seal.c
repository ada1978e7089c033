/* fuzz_seal.c - what a client sends as its state. The first letter chooses:
 *
 *     o   a text to open: nothing but what we sealed opens
 *     i   the inside of a state, as somebody would make it who has the key: it is read or refused,
 *         the same with its seal around it; what is read can be written, sealed and opened again
 *     d   two JSON values, one a line: their digests are equal just when the values are
 */
#include "protocol/seal.h"
#include "util/alloc.h"
#include "util/str.h"
#include "json/canonical.h"

#include <sodium.h>
#include <string.h>

#define ARENA_MAX ((size_t)8 << 20)
#define STATE_MAX ((size_t)4 << 20)
#define NAMED_SIZE 5 /* version and hint */
#define NONCE_SIZE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_SIZE crypto_aead_xchacha20poly1305_ietf_ABYTES

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_keys(struct gn_seal_keys *keys)
{
    static char old[] = "0707070707070707070707070707070707070707070707070707070707070707",
                new[] = "0808080808080808080808080808080808080808080808080808080808080808";
    char *texts[] = {new, old};
    gn_assert(gn_seal_keys_set(keys, texts, GN_COUNT(texts), NULL) == 0);
}

static void check_equal(const struct gn_sealed *a, const struct gn_sealed *b)
{
    struct gn_buf x = GN_BUF_INIT(STATE_MAX), y = GN_BUF_INIT(STATE_MAX);
    gn_assert(gn_sealed_write(a, &x) == 0 && gn_sealed_write(b, &y) == 0);
    gn_assert(x.len == y.len && memcmp(x.data, y.data, x.len) == 0);
    gn_buf_release(&x);
    gn_buf_release(&y);
}

static void open_text(const struct gn_seal_keys *keys, const char *text, size_t len)
{
    struct gn_arena arena;
    struct gn_sealed state;
    gn_arena_init(&arena, ARENA_MAX);
    if (gn_unseal(keys, text, len, &arena, &state) == 0) {
        struct gn_sealed again;
        struct gn_buf out = GN_BUF_INIT(STATE_MAX);
        gn_assert(gn_seal(keys, &state, &out) == 0);
        gn_assert(gn_unseal(keys, out.data, out.len, &arena, &again) == 0);
        check_equal(&state, &again);
        gn_buf_release(&out);
    } else {
        gn_assert(!state.principal && !state.journal.first);
    }
    gn_arena_release(&arena);
}

/* The bytes as a state that has been sealed by somebody with the key. */
static void seal_inside(const struct gn_seal_keys *keys, const uint8_t *data, size_t size,
                        struct gn_buf *out)
{
    static const struct gn_sealed nothing;
    struct gn_buf text = GN_BUF_INIT(STATE_MAX), head = GN_BUF_INIT(STATE_MAX);
    unsigned long long len;
    gn_assert(gn_seal(keys, &nothing, &text) == 0);
    gn_assert(gn_base64url_decode(&head, text.data, text.len) == 0);
    size_t begin = NAMED_SIZE + NONCE_SIZE;
    unsigned char *sealed = gn_malloc(begin + size + TAG_SIZE);
    memcpy(sealed, head.data, begin);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + begin, &len, data, size, sealed, NAMED_SIZE,
                                               NULL, sealed + NAMED_SIZE, keys->key[0]);
    gn_assert(gn_base64url_encode(out, sealed, begin + (size_t)len) == 0);
    gn_free(sealed);
    gn_buf_release(&text);
    gn_buf_release(&head);
}

static void read_inside(const struct gn_seal_keys *keys, const uint8_t *data, size_t size)
{
    struct gn_arena arena;
    struct gn_sealed plain, opened;
    struct gn_buf text = GN_BUF_INIT(STATE_MAX), again = GN_BUF_INIT(STATE_MAX);
    gn_arena_init(&arena, ARENA_MAX);
    int rc = gn_sealed_read(&plain, &arena, data, size);
    gn_assert(rc == 0 || rc == GN_EINVAL);
    seal_inside(keys, data, size, &text);
    gn_assert(gn_unseal(keys, text.data, text.len, &arena, &opened) == rc);
    if (rc == 0) {
        check_equal(&plain, &opened);
        gn_assert(gn_sealed_write(&plain, &again) == 0);
        gn_assert(again.len == size && memcmp(again.data, data, size) == 0);
        open_text(keys, text.data, text.len);
    }
    gn_buf_release(&text);
    gn_buf_release(&again);
    gn_arena_release(&arena);
}

static void compare_values(const char *text)
{
    struct gn_json_doc docs[2] = {0};
    unsigned char digests[2][GN_REQUEST_DIGEST];
    const char *line = strchr(text, '\n');
    const gantry_json *values[2];
    if (line && gn_json_parse_copy(&docs[0], text, (size_t)(line - text), NULL, NULL) == 0 &&
        gn_json_parse_copy(&docs[1], line + 1, strlen(line + 1), NULL, NULL) == 0) {
        for (int i = 0; i < 2; i++) {
            values[i] = gn_json_root(&docs[i]);
            gn_request_digest(digests[i], "tools/call", "name", values[i]);
        }
        bool same = memcmp(digests[0], digests[1], GN_REQUEST_DIGEST) == 0;
        gn_assert(same == gn_json_equal(values[0], values[1]));
    }
    gn_json_release(&docs[0]);
    gn_json_release(&docs[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gn_seal_keys keys = {0};
    if (size == 0 || size > STATE_MAX / 8)
        return 0;
    make_keys(&keys);
    /* Exact copies, so that a sanitizer sees each byte read beyond them. */
    char *copy = gn_malloc(size);
    memcpy(copy, data + 1, size - 1);
    copy[size - 1] = '\0';
    char *tight = gn_malloc(size > 1 ? size - 1 : 1);
    memcpy(tight, data + 1, size - 1);
    if (data[0] == 'o')
        open_text(&keys, tight, size - 1);
    else if (data[0] == 'i')
        read_inside(&keys, (const uint8_t *)tight, size - 1);
    else if (data[0] == 'd')
        compare_values(copy);
    gn_free(tight);
    gn_free(copy);
    return 0;
}
