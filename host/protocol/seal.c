/* seal.c - states as texts that only we can read or make.
 *
 *     text     Base64 URL alphabet, no padding, of: head · sealed contents · tag
 *     head     version u8 · hint of the key 4 · nonce 24; authenticated, not encrypted
 *     inside   id 16 · park 16 · request 32 · expires u64 · length of principal u32 · principal ·
 *              journal
 *
 * The hint tells which of our keys it was: a hash that says nothing else about the key. Random
 * nonces of 24 bytes need no counter, and so no agreement between processes that share a key. The
 * length of the principal counts from one: zero is none.
 */
#include "protocol/seal.h"

#include "util/bytes.h"
#include "util/str.h"
#include "json/canonical.h"

#include <sodium.h>
#include <string.h>

#define VERSION 1
#define HINT_SIZE 4
#define NONCE_SIZE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_SIZE crypto_aead_xchacha20poly1305_ietf_ABYTES
#define NAMED_SIZE (1 + HINT_SIZE) /* what is authenticated beside the contents */
#define HEAD_SIZE (NAMED_SIZE + NONCE_SIZE)
#define FIXED_SIZE (GN_SEAL_ID + GN_SEAL_ID + GN_REQUEST_DIGEST + 8 + 4)

_Static_assert(GN_SEAL_KEY == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "keys fit the cipher");

static void hint_of(unsigned char ret[HINT_SIZE], const unsigned char key[GN_SEAL_KEY])
{
    static const unsigned char purpose[] = "gantry: which key sealed a state";
    unsigned char hash[crypto_generichash_BYTES_MIN];
    crypto_generichash(hash, sizeof(hash), purpose, sizeof(purpose), key, GN_SEAL_KEY);
    memcpy(ret, hash, HINT_SIZE);
}

/* Memory of secrets: taken at once, so that growing leaves no copy behind, and wiped. */
static unsigned char *take_secret(struct gn_buf *buf, size_t size)
{
    gn_buf_init(buf, size);
    return (unsigned char *)gn_buf_reserve(buf, size);
}

static void release_secret(struct gn_buf *buf)
{
    if (buf->data)
        sodium_memzero(buf->data, buf->cap);
    gn_buf_release(buf);
}

/* A text of the reader's, copied; NULL: it has NUL in it, or the arena is full. */
static const char *read_text(struct gn_bytes *from, size_t len, struct gn_arena *arena)
{
    const char *text = (const char *)gn_bytes_take(from, len);
    if (!text || memchr(text, '\0', len))
        return NULL;
    return gn_arena_strndup(arena, text, len);
}

int gn_seal_keys_set(struct gn_seal_keys *keys, char *const *texts, size_t n, struct gn_error *err)
{
    struct gn_seal_keys next = {.count = n ? (uint32_t)n : 1, .is_made_up = n == 0};
    int rc = 0;
    gn_assert(sodium_init() >= 0);
    if (n > GN_SEAL_KEYS)
        return gn_error_set(err, GN_EINVAL, "%zu keys, %d are the most", n, GN_SEAL_KEYS);
    if (n == 0 && keys->is_made_up)
        return 0; /* read again, the configuration says no more than before */
    if (n == 0)
        randombytes_buf(next.key[0], GN_SEAL_KEY);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (gn_parse_key(texts[i], next.key[i], GN_SEAL_KEY))
            rc = gn_error_set(err, GN_EINVAL, "key %zu is not %d bytes in Base64 or hex", i + 1,
                              GN_SEAL_KEY);
    }
    if (rc == 0) {
        gn_seal_keys_wipe(keys);
        *keys = next;
    }
    sodium_memzero(&next, sizeof(next));
    return rc;
}

void gn_seal_keys_wipe(struct gn_seal_keys *keys)
{
    sodium_memzero(keys, sizeof(*keys));
}

void gn_request_digest(unsigned char ret[GN_REQUEST_DIGEST], const char *method, const char *name,
                       const gantry_json *arguments)
{
    static const gantry_json none = {.type = GN_JSON_OBJECT, .skip = 1, .text = ""};
    const char *texts[] = {method, name ? name : ""};
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, GN_REQUEST_DIGEST);
    for (size_t i = 0; i < GN_COUNT(texts); i++) {
        unsigned char len[8];
        gn_bytes_put(len, sizeof(len), strlen(texts[i]));
        crypto_generichash_update(&state, len, sizeof(len));
        crypto_generichash_update(&state, (const unsigned char *)texts[i], strlen(texts[i]));
    }
    gn_json_canonical(&state, arguments ? arguments : &none);
    crypto_generichash_final(&state, ret, GN_REQUEST_DIGEST);
}

int gn_sealed_write(const struct gn_sealed *state, struct gn_buf *out)
{
    unsigned char numbers[8 + 4];
    size_t len = state->principal ? strlen(state->principal) : 0;
    gn_bytes_put(numbers, 8, state->expires_ms);
    gn_bytes_put(numbers + 8, 4, state->principal ? len + 1 : 0);
    gn_buf_add(out, state->id, sizeof(state->id));
    gn_buf_add(out, state->park, sizeof(state->park));
    gn_buf_add(out, state->request, sizeof(state->request));
    gn_buf_add(out, numbers, sizeof(numbers));
    gn_buf_add(out, state->principal, len);
    return gn_journal_write(&state->journal, out);
}

int gn_sealed_read(struct gn_sealed *ret, struct gn_arena *arena, const void *bytes, size_t len)
{
    struct gn_bytes from = {.at = bytes, .left = len};
    *ret = (struct gn_sealed){0};
    if (len < FIXED_SIZE)
        return GN_EINVAL;
    memcpy(ret->id, gn_bytes_take(&from, sizeof(ret->id)), sizeof(ret->id));
    memcpy(ret->park, gn_bytes_take(&from, sizeof(ret->park)), sizeof(ret->park));
    memcpy(ret->request, gn_bytes_take(&from, sizeof(ret->request)), sizeof(ret->request));
    ret->expires_ms = gn_bytes_uint(&from, 8);
    size_t length = (size_t)gn_bytes_uint(&from, 4);
    if (length > 0)
        ret->principal = read_text(&from, length - 1, arena);
    int rc = length > 0 && !ret->principal
                 ? GN_EINVAL
                 : gn_journal_read(&ret->journal, arena, from.at, from.left);
    if (rc)
        *ret = (struct gn_sealed){0};
    return rc;
}

int gn_seal(const struct gn_seal_keys *keys, const struct gn_sealed *state, struct gn_buf *out)
{
    struct gn_buf plain = {0}, sealed = {0};
    size_t principal = state->principal ? strlen(state->principal) : 0;
    size_t size = FIXED_SIZE + principal + gn_journal_size(&state->journal);
    gn_assert(keys->count > 0);
    /* Known beforehand, so that what cannot go out costs no memory and no time. */
    int rc = GN_ETOOBIG;
    unsigned char *head = NULL;
    unsigned long long len;
    if (principal >= UINT32_MAX || size / 3 > (out->max - out->len) / 4 ||
        !take_secret(&plain, size) || !(head = take_secret(&sealed, HEAD_SIZE + size + TAG_SIZE)))
        goto done;
    rc = gn_sealed_write(state, &plain);
    if (rc)
        goto done;
    head[0] = VERSION;
    hint_of(head + 1, keys->key[0]);
    randombytes_buf(head + NAMED_SIZE, NONCE_SIZE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(head + HEAD_SIZE, &len,
                                               (const unsigned char *)plain.data, plain.len, head,
                                               NAMED_SIZE, NULL, head + NAMED_SIZE, keys->key[0]);
    rc = gn_base64url_encode(out, head, HEAD_SIZE + (size_t)len);
done:
    if (rc == GN_ETOOBIG)
        out->overflow = true;
    release_secret(&plain);
    release_secret(&sealed);
    return rc;
}

int gn_unseal(const struct gn_seal_keys *keys, const char *text, size_t len, struct gn_arena *arena,
              struct gn_sealed *ret)
{
    struct gn_buf sealed = GN_BUF_INIT(len), plain = {0};
    int rc = gn_base64url_decode(&sealed, text, len);
    *ret = (struct gn_sealed){0};
    const unsigned char *head = (const unsigned char *)sealed.data;
    unsigned char *inside = NULL;
    if (rc || sealed.len < HEAD_SIZE + TAG_SIZE + FIXED_SIZE || head[0] != VERSION ||
        !(inside = take_secret(&plain, sealed.len))) {
        rc = GN_EINVAL;
        goto done;
    }
    rc = GN_EINVAL;
    for (uint32_t i = 0; rc && i < keys->count; i++) {
        unsigned char hint[HINT_SIZE];
        unsigned long long plain_len;
        hint_of(hint, keys->key[i]);
        if (memcmp(hint, head + 1, HINT_SIZE) == 0 &&
            crypto_aead_xchacha20poly1305_ietf_decrypt(inside, &plain_len, NULL, head + HEAD_SIZE,
                                                       sealed.len - HEAD_SIZE, head, NAMED_SIZE,
                                                       head + NAMED_SIZE, keys->key[i]) == 0)
            rc = gn_sealed_read(ret, arena, inside, (size_t)plain_len) ? GN_EINVAL : 0;
    }
done:
    release_secret(&plain);
    gn_buf_release(&sealed);
    return rc;
}
