/* ws_accept.c - Sec-WebSocket-Accept: SHA-1 over a key and a fixed text, which proves that the
 * other side is a WebSocket server, and nothing else. SHA-1 (FIPS 180-4) is here for that alone. */
#include "wire/ws_frame.h"

#include "util/str.h"

#include <string.h>

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455 1.3 */
#define DIGEST_BYTES 20
#define BLOCK_BYTES 64
#define ROUNDS 80

static uint32_t turn(uint32_t v, unsigned by)
{
    return v << by | v >> (32 - by);
}

static uint32_t mix(unsigned round, const uint32_t s[5])
{
    static const uint32_t constants[4] = {0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6};
    uint32_t f = s[1] ^ s[2] ^ s[3];
    if (round < 20)
        f = (s[1] & s[2]) | (~s[1] & s[3]);
    else if (round >= 40 && round < 60)
        f = (s[1] & s[2]) | (s[1] & s[3]) | (s[2] & s[3]);
    return f + constants[round / 20];
}

static void add_block(uint32_t state[5], const unsigned char *block)
{
    uint32_t w[ROUNDS], s[5];
    for (unsigned i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (unsigned i = 16; i < ROUNDS; i++)
        w[i] = turn(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    memcpy(s, state, sizeof(s));
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint32_t next = turn(s[0], 5) + mix(i, s) + s[4] + w[i];
        s[4] = s[3];
        s[3] = s[2];
        s[2] = turn(s[1], 30);
        s[1] = s[0];
        s[0] = next;
    }
    for (unsigned i = 0; i < 5; i++)
        state[i] += s[i];
}

static void sha1(unsigned char digest[DIGEST_BYTES], const char *data, size_t len)
{
    uint32_t state[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    unsigned char last[2 * BLOCK_BYTES] = {0};
    uint64_t bits = (uint64_t)len * 8;
    for (; len >= BLOCK_BYTES; data += BLOCK_BYTES, len -= BLOCK_BYTES)
        add_block(state, (const unsigned char *)data);
    memcpy(last, data, len);
    last[len] = 0x80;
    size_t end = len + 9 > BLOCK_BYTES ? 2 * BLOCK_BYTES : BLOCK_BYTES;
    for (unsigned i = 0; i < 8; i++)
        last[end - 1 - i] = (unsigned char)(bits >> (8 * i));
    for (size_t at = 0; at < end; at += BLOCK_BYTES)
        add_block(state, last + at);
    for (unsigned i = 0; i < DIGEST_BYTES; i++)
        digest[i] = (unsigned char)(state[i / 4] >> (24 - 8 * (i % 4)));
}

void gn_ws_accept(char out[GN_WS_ACCEPT_MAX], const char *key)
{
    unsigned char digest[DIGEST_BYTES];
    struct gn_buf text = GN_BUF_INIT(4096), accept = GN_BUF_INIT(GN_WS_ACCEPT_MAX - 1);
    gn_buf_adds(&text, key);
    gn_buf_adds(&text, GUID);
    sha1(digest, gn_buf_str(&text), text.len);
    gn_base64_encode(&accept, digest, sizeof(digest));
    memcpy(out, gn_buf_str(&accept), accept.len + 1);
    gn_buf_release(&text);
    gn_buf_release(&accept);
}
