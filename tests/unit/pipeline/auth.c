/* auth.c - static bearer tokens. */
#include "pipeline/auth.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <sodium.h>
#include <string.h>

GN_SUITE(auth);

static void add_token(struct gn_config *c, const char *principal, const char *token)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof(hash) + 1];
    crypto_hash_sha256(hash, (const unsigned char *)token, strlen(token));
    gn_hex(hex, hash, sizeof(hash));
    c->tokens = gn_reallocarray(c->tokens, c->token_count + 1, sizeof(*c->tokens));
    c->tokens[c->token_count] = (struct gn_config_token){0};
    c->tokens[c->token_count].principal = gn_strdup(principal);
    c->tokens[c->token_count++].hash = gn_format("sha256:%s", hex);
}

Test(auth, without_tokens_nothing_is_required)
{
    struct gn_config *c = gn_config_new();
    struct gn_auth *auth = gn_auth_new(c);
    cr_assert_not(gn_auth_is_required(auth));
    cr_assert_null(gn_auth_check(auth, "Bearer anything"));
    cr_assert_not(gn_auth_is_required(NULL));
    cr_assert_null(gn_auth_check(NULL, "Bearer anything"));
    gn_auth_free(auth);
    gn_auth_free(NULL);
    gn_config_free(c);
}

Test(auth, each_token_names_its_principal)
{
    struct gn_config *c = gn_config_new();
    add_token(c, "ann", "one");
    add_token(c, "bob", "two");
    struct gn_auth *auth = gn_auth_new(c);
    gn_config_free(c); /* it has its own copies */
    cr_assert(gn_auth_is_required(auth));
    cr_assert_str_eq(gn_auth_check(auth, "Bearer one"), "ann");
    cr_assert_str_eq(gn_auth_check(auth, "bearer   two \t"), "bob");
    cr_assert_str_eq(gn_auth_check(auth, "BEARER two"), "bob");
    gn_auth_free(auth);
}

Test(auth, anything_else_is_nobody)
{
    static const char *const wrong[] = {
        "",
        "Bearer",
        "Bearer ",
        "Bearer  ",
        "Bearerone",
        "Basic one",
        "one",
        "Bearer One",
        "Bearer one two",
        "Bearer one, Bearer two",
        "Bearer\tone",
        " Bearer one",
        "Bearer three",
    };
    struct gn_config *c = gn_config_new();
    add_token(c, "ann", "one");
    struct gn_auth *auth = gn_auth_new(c);
    cr_assert_null(gn_auth_check(auth, NULL));
    for (size_t i = 0; i < GN_COUNT(wrong); i++)
        cr_assert_null(gn_auth_check(auth, wrong[i]), "%s", wrong[i]);
    GN_AUTO_FREE char *longer = gn_format("Bearer %08000d", 0);
    cr_assert_null(gn_auth_check(auth, longer));
    gn_auth_free(auth);
    gn_config_free(c);
}

Test(auth, a_hash_that_cannot_be_used_lets_nobody_in)
{
    static const char *const wrong[] = {"", "sha256:", "sha256:abc", "md5:00", "one"};
    for (size_t i = 0; i < GN_COUNT(wrong); i++) {
        struct gn_config *c = gn_config_new();
        add_token(c, "ann", "one");
        gn_free(c->tokens[0].hash);
        c->tokens[0].hash = gn_strdup(wrong[i]);
        struct gn_auth *auth = gn_auth_new(c);
        cr_assert(gn_auth_is_required(auth));
        cr_assert_null(gn_auth_check(auth, "Bearer "));
        cr_assert_null(gn_auth_check(auth, "Bearer one"));
        gn_auth_free(auth);
        gn_config_free(c);
    }
}
