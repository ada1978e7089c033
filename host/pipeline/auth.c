/* auth.c - static bearer tokens: only their SHA-256 is kept, and compared in constant time. */
#include "pipeline/auth.h"

#include "util/alloc.h"
#include "util/str.h"

#include <sodium.h>
#include <string.h>

#define TOKEN_MAX 4096 /* a header is bounded anyway; no token is longer than this */
#define HASH_PREFIX "sha256:"

struct token {
    unsigned char hash[crypto_hash_sha256_BYTES];
    char *principal;
};

struct gn_auth {
    struct token *tokens;
    size_t count;
    bool required; /* also if no token could be used: then nobody gets in */
};

static bool parse_hash(const char *text, unsigned char hash[crypto_hash_sha256_BYTES])
{
    size_t len;
    if (!text || !gn_starts_with(text, HASH_PREFIX))
        return false;
    const char *hex = text + strlen(HASH_PREFIX), *end;
    return sodium_hex2bin(hash, crypto_hash_sha256_BYTES, hex, strlen(hex), NULL, &len, &end) ==
               0 &&
           len == crypto_hash_sha256_BYTES && *end == '\0';
}

/* The token of "Bearer TOKEN" (RFC 6750 2.1; the scheme's case does not count, RFC 9110 11.1). */
static const char *bearer_token(const char *authorization, size_t *ret_len)
{
    static const char scheme[] = "bearer";
    const size_t scheme_len = sizeof(scheme) - 1;
    for (size_t i = 0; i < scheme_len; i++) {
        if ((authorization[i] | 0x20) != scheme[i])
            return NULL;
    }
    const char *at = authorization + scheme_len;
    if (*at != ' ')
        return NULL;
    while (*at == ' ')
        at++;
    size_t len = strlen(at);
    while (len && (at[len - 1] == ' ' || at[len - 1] == '\t'))
        len--;
    *ret_len = len;
    return len && len <= TOKEN_MAX ? at : NULL;
}

struct gn_auth *gn_auth_new(const struct gn_config *config)
{
    gn_assert(sodium_init() >= 0);
    struct gn_auth *auth = gn_calloc(1, sizeof(*auth));
    auth->tokens = gn_calloc(config->token_count + 1, sizeof(*auth->tokens));
    auth->required = config->token_count > 0;
    for (size_t i = 0; i < config->token_count; i++) {
        struct token *t = &auth->tokens[auth->count];
        if (!parse_hash(config->tokens[i].hash, t->hash))
            continue;
        t->principal = gn_strdup(config->tokens[i].principal ? config->tokens[i].principal : "");
        auth->count++;
    }
    return auth;
}

void gn_auth_free(struct gn_auth *auth)
{
    if (!auth)
        return;
    for (size_t i = 0; i < auth->count; i++)
        gn_free(auth->tokens[i].principal);
    gn_free(auth->tokens);
    gn_free(auth);
}

bool gn_auth_is_required(const struct gn_auth *auth)
{
    return auth && auth->required;
}

const char *gn_auth_check(const struct gn_auth *auth, const char *authorization)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    size_t len;
    if (!auth || !authorization)
        return NULL;
    const char *token = bearer_token(authorization, &len);
    if (!token)
        return NULL;
    crypto_hash_sha256(hash, (const unsigned char *)token, len);
    /* All are compared, so that the time does not tell which one it was. */
    const char *principal = NULL;
    for (size_t i = 0; i < auth->count; i++) {
        if (sodium_memcmp(hash, auth->tokens[i].hash, sizeof(hash)) == 0)
            principal = auth->tokens[i].principal;
    }
    return principal;
}
