/* seal.c - states: round trips, and everything that a client may do to one. */
#include "protocol/seal.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

GN_SUITE(seal);

#define ARENA_MAX ((size_t)1 << 20)
#define STATE_MAX ((size_t)256 << 10)

static struct gn_arena arena;
static struct gn_buf text;
static struct gn_seal_keys keys;

static void begin(void)
{
    gn_arena_init(&arena, ARENA_MAX);
    gn_buf_init(&text, STATE_MAX);
    cr_assert_eq(gn_seal_keys_set(&keys, NULL, 0, NULL), 0);
}

static void end(void)
{
    gn_arena_release(&arena);
    gn_buf_release(&text);
    gn_seal_keys_wipe(&keys);
}

/* A state with something in every field. */
static struct gn_sealed a_state(void)
{
    struct gn_sealed state = {.principal = "anna", .expires_ms = UINT64_C(1790000000123)};
    randombytes_buf(state.id, sizeof(state.id));
    randombytes_buf(state.park, sizeof(state.park));
    gn_request_digest(state.request, "tools/call", "greet", NULL);
    cr_assert_eq(gn_journal_add(&state.journal, &arena, "name", GN_JOURNAL_ANSWER, state.request,
                                "{\"action\":\"decline\"}", 20),
                 0);
    cr_assert_eq(gn_journal_add(&state.journal, &arena, "step", GN_JOURNAL_STEP, NULL, "42", 2), 0);
    return state;
}

static int open_text(struct gn_sealed *ret, const char *s, size_t len)
{
    /* An exact copy, so that a sanitizer sees each byte read beyond it. */
    char *copy = gn_malloc(len + 1);
    memcpy(copy, s, len);
    int rc = gn_unseal(&keys, copy, len, &arena, ret);
    gn_free(copy);
    return rc;
}

static void check_refused(const char *s, size_t len, const char *what)
{
    struct gn_sealed ret;
    memset(&ret, 0xAA, sizeof(ret));
    cr_assert_eq(open_text(&ret, s, len), GN_EINVAL, "%s", what);
    cr_assert_null(ret.principal);
    cr_assert_null(ret.journal.first);
}

static void set_keys(char *const *texts, size_t n)
{
    struct gn_error err = {0};
    cr_assert_eq(gn_seal_keys_set(&keys, texts, n, &err), 0, "%s", err.text);
}

static void check_same(const struct gn_sealed *a, const struct gn_sealed *b)
{
    cr_assert_eq(memcmp(a->id, b->id, sizeof(a->id)), 0);
    cr_assert_eq(memcmp(a->park, b->park, sizeof(a->park)), 0);
    cr_assert_eq(memcmp(a->request, b->request, sizeof(a->request)), 0);
    cr_assert_eq(a->expires_ms, b->expires_ms);
    cr_assert(gn_streq(a->principal, b->principal));
    cr_assert_eq(a->journal.count, b->journal.count);
    const struct gn_journal_entry *y = b->journal.first;
    for (const struct gn_journal_entry *x = a->journal.first; x; x = x->next, y = y->next) {
        cr_assert_str_eq(x->key, y->key);
        cr_assert_str_eq(x->json, y->json);
        cr_assert_eq(x->kind, y->kind);
        cr_assert_eq(memcmp(x->digest, y->digest, sizeof(x->digest)), 0);
    }
}

Test(seal, opens_what_was_sealed, .init = begin)
{
    struct gn_sealed state = a_state(), again;
    cr_assert_eq(gn_seal(&keys, &state, &text), 0);
    cr_assert_eq(open_text(&again, text.data, text.len), 0);
    check_same(&state, &again);
    end();
}

Test(seal, opens_the_smallest_state, .init = begin)
{
    struct gn_sealed state = {0}, again;
    cr_assert_eq(gn_seal(&keys, &state, &text), 0);
    cr_assert_eq(open_text(&again, text.data, text.len), 0);
    check_same(&state, &again);
    cr_assert_null(again.principal);
    gn_buf_clear(&text);
    state.principal = "";
    cr_assert_eq(gn_seal(&keys, &state, &text), 0);
    cr_assert_eq(open_text(&again, text.data, text.len), 0);
    cr_assert_str_eq(again.principal, "", "somebody without a name is not nobody");
    end();
}

Test(seal, shows_nothing_of_its_inside, .init = begin)
{
    struct gn_sealed state = a_state();
    struct gn_buf second = GN_BUF_INIT(STATE_MAX), bytes = GN_BUF_INIT(STATE_MAX);
    cr_assert_eq(gn_seal(&keys, &state, &text), 0);
    cr_assert_eq(gn_seal(&keys, &state, &second), 0);
    cr_assert_str_neq(text.data, second.data, "each has a nonce of its own");
    cr_assert_eq(strspn(text.data, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "0123456789-_"),
                 text.len);
    cr_assert_eq(gn_base64url_decode(&bytes, text.data, text.len), 0);
    cr_assert_null(memmem(bytes.data, bytes.len, "anna", 4));
    cr_assert_null(memmem(bytes.data, bytes.len, "decline", 7));
    cr_assert_null(memmem(bytes.data, bytes.len, state.request, sizeof(state.request)));
    gn_buf_release(&second);
    gn_buf_release(&bytes);
    end();
}

Test(seal, refuses_every_changed_bit, .init = begin)
{
    struct gn_sealed state = a_state();
    cr_assert_eq(gn_seal(&keys, &state, &text), 0);
    struct gn_buf bytes = GN_BUF_INIT(STATE_MAX), changed = GN_BUF_INIT(STATE_MAX);
    cr_assert_eq(gn_base64url_decode(&bytes, text.data, text.len), 0);
    for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
        gn_buf_clear(&changed);
        cr_assert_eq(gn_base64url_encode(&changed, bytes.data, bytes.len), 0);
        check_refused(changed.data, changed.len, "a bit of the sealed bytes");
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * text.len; bit++) {
        text.data[bit / 8] = (char)(text.data[bit / 8] ^ 1 << bit % 8);
        check_refused(text.data, text.len, "a bit of the text");
        text.data[bit / 8] = (char)(text.data[bit / 8] ^ 1 << bit % 8);
    }
    gn_buf_release(&bytes);
    gn_buf_release(&changed);
    end();
}

Test(seal, refuses_what_is_shorter_or_longer, .init = begin)
{
    struct gn_sealed state = a_state();
    cr_assert_eq(gn_seal(&keys, &state, &text), 0);
    for (size_t len = 0; len < text.len; len++)
        check_refused(text.data, len, "a piece of it");
    size_t len = text.len;
    for (int more = 0; more < 8; more++) {
        gn_buf_addc(&text, "A=\n"[more % 3]);
        check_refused(text.data, text.len, "more than it");
    }
    check_refused(text.data + 1, len - 1, "without its first letter");
    check_refused("", 0, "nothing");
    end();
}

Test(seal, refuses_what_others_sealed, .init = begin)
{
    struct gn_sealed state = a_state();
    cr_assert_eq(gn_seal(&keys, &state, &text), 0);
    struct gn_sealed again;
    cr_assert_eq(gn_seal_keys_set(&keys, NULL, 0, NULL), 0);
    cr_assert_eq(open_text(&again, text.data, text.len), 0, "the key that was made up stays");
    gn_seal_keys_wipe(&keys);
    cr_assert_eq(gn_seal_keys_set(&keys, NULL, 0, NULL), 0);
    check_refused(text.data, text.len, "another process without keys");
    keys.count = 0;
    check_refused(text.data, text.len, "no key at all");
    end();
}

Test(seal, opens_with_old_keys_and_seals_with_the_newest, .init = begin)
{
    static char old[] = "b2xkIGtleSBvbGQga2V5IG9sZCBrZXkgb2xkIGtleSE",
                new[] = "bmV3IGtleSBuZXcga2V5IG5ldyBrZXkgbmV3IGtleSE=";
    char *only_old[] = {old}, *both[] = {new, old}, *only_new[] = {new};
    struct gn_sealed state = a_state(), again;
    struct gn_buf newer = GN_BUF_INIT(STATE_MAX);
    set_keys(only_old, 1);
    cr_assert_eq(gn_seal(&keys, &state, &text), 0);
    set_keys(both, 2);
    cr_assert_eq(open_text(&again, text.data, text.len), 0);
    check_same(&state, &again);
    cr_assert_eq(gn_seal(&keys, &state, &newer), 0);
    set_keys(only_new, 1);
    cr_assert_eq(open_text(&again, newer.data, newer.len), 0);
    check_refused(text.data, text.len, "its key is gone");
    set_keys(only_old, 1);
    check_refused(newer.data, newer.len, "its key is not here yet");
    gn_buf_release(&newer);
    end();
}

Test(seal, takes_keys_in_every_usual_notation, .init = begin)
{
    static char hex[] = "fbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbff",
                upper[] = "FBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBEFBFF",
                padded[] = "++++++++++++++++++++++++++++++++++++++++++//"; /* 33 bytes: no key */
    char *texts[] = {hex, upper}, *wrong[] = {hex, padded};
    struct gn_error err = {0};
    struct gn_buf b64 = GN_BUF_INIT(1000), url = GN_BUF_INIT(1000);
    set_keys(texts, 2);
    cr_assert_eq(keys.count, 2);
    cr_assert_eq(memcmp(keys.key[0], keys.key[1], GN_SEAL_KEY), 0);
    gn_base64_encode(&b64, keys.key[0], GN_SEAL_KEY);
    gn_base64url_encode(&url, keys.key[0], GN_SEAL_KEY);
    cr_assert(strchr(b64.data, '+') && strchr(b64.data, '=') && strchr(url.data, '-'));
    char *others[] = {b64.data, url.data, hex};
    set_keys(others, 3);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(memcmp(keys.key[i], keys.key[2], GN_SEAL_KEY), 0);
    cr_assert_eq(gn_seal_keys_set(&keys, wrong, 2, &err), GN_EINVAL);
    cr_assert(strstr(err.text, "key 2"), "%s", err.text);
    cr_assert_null(strstr(err.text, "++"), "the text of a key is nobody's business");
    cr_assert_eq(keys.count, 3, "and those that were there stay");
    gn_buf_release(&b64);
    gn_buf_release(&url);
    end();
}

Test(seal, refuses_what_is_no_key, .init = begin)
{
    static const char *const bad[] = {
        "",
        "secret",
        "fbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbf",
        "fbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbff ",
        "gbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbefbff",
        "b2xkIGtleSBvbGQga2V5IG9sZCBrZXkgb2xkIGtleQ==",
        "b2xkIGtleSBvbGQga2V5IG9sZCBrZXkgb2xkIGtleSE==",
        "b2xkIGtleSBvbGQga2V5IG9sZCBrZXkgb2xkIGtleSF",
        "b2xkIGtleSBvbGQga2V5IG9sZCBrZXkgb2xkIGtleSE=\n",
    };
    for (size_t i = 0; i < GN_COUNT(bad); i++) {
        char *copy = gn_strdup(bad[i]);
        cr_assert_eq(gn_seal_keys_set(&keys, &copy, 1, NULL), GN_EINVAL, "%s", bad[i]);
        gn_free(copy);
    }
    static char good[] = "b2xkIGtleSBvbGQga2V5IG9sZCBrZXkgb2xkIGtleSE";
    char *many[GN_SEAL_KEYS + 1];
    for (size_t i = 0; i < GN_COUNT(many); i++)
        many[i] = good;
    set_keys(many, GN_SEAL_KEYS);
    cr_assert_eq(gn_seal_keys_set(&keys, many, GN_SEAL_KEYS + 1, NULL), GN_EINVAL);
    end();
}

Test(seal, keeps_to_the_size_that_is_allowed, .init = begin)
{
    struct gn_sealed state = a_state(), again;
    cr_assert_eq(gn_seal(&keys, &state, &text), 0);
    size_t len = text.len;
    for (size_t max = len - 3; max <= len; max++) {
        struct gn_buf narrow = GN_BUF_INIT(max);
        int rc = gn_seal(&keys, &state, &narrow);
        cr_assert_eq(rc, max < len ? GN_ETOOBIG : 0, "%zu of %zu bytes", max, len);
        cr_assert_eq(narrow.overflow, max < len);
        gn_buf_release(&narrow);
    }
    size_t big = STATE_MAX / 4 * 3 - 1000;
    char *value = gn_malloc(big + 4000);
    memset(value, '7', big + 4000);
    cr_assert_eq(gn_journal_add(&state.journal, &arena, "big", GN_JOURNAL_STEP, NULL, value, big),
                 0);
    gn_buf_clear(&text);
    cr_assert_eq(gn_seal(&keys, &state, &text), 0);
    cr_assert_eq(open_text(&again, text.data, text.len), 0);
    check_same(&state, &again);
    cr_assert_eq(
        gn_journal_add(&state.journal, &arena, "big", GN_JOURNAL_STEP, NULL, value, big + 4000), 0);
    gn_buf_clear(&text);
    cr_assert_eq(gn_seal(&keys, &state, &text), GN_ETOOBIG);
    gn_free(value);
    end();
}

Test(seal, fills_no_more_than_the_arena_of_the_reader, .init = begin)
{
    struct gn_sealed state = a_state(), again;
    static char name[20000];
    memset(name, 'x', sizeof(name) - 1);
    state.principal = name;
    cr_assert_eq(gn_seal(&keys, &state, &text), 0);
    struct gn_arena small;
    gn_arena_init(&small, 8192);
    cr_assert_eq(gn_unseal(&keys, text.data, text.len, &small, &again), GN_EINVAL);
    gn_arena_release(&small);
    cr_assert_eq(open_text(&again, text.data, text.len), 0);
    cr_assert_str_eq(again.principal, name);
    end();
}

Test(seal, does_not_believe_what_is_inside_either, .init = begin)
{
    struct gn_sealed state = a_state(), again;
    struct gn_buf inside = GN_BUF_INIT(STATE_MAX);
    cr_assert_eq(gn_sealed_write(&state, &inside), 0);
    cr_assert_eq(gn_sealed_read(&again, &arena, inside.data, inside.len), 0);
    for (size_t len = 0; len < inside.len; len++) {
        char *copy = gn_malloc(len + 1);
        memcpy(copy + 1, inside.data, len);
        cr_assert_eq(gn_sealed_read(&again, &arena, copy + 1, len), GN_EINVAL, "%zu bytes", len);
        gn_free(copy);
    }
    for (size_t at = 0; at < inside.len; at++) {
        char was = inside.data[at];
        for (int value = 0; value < 256; value += 5) {
            inside.data[at] = (char)(was ^ value);
            int rc = gn_sealed_read(&again, &arena, inside.data, inside.len);
            cr_assert(rc == 0 || rc == GN_EINVAL);
            gn_arena_release(&arena);
        }
        inside.data[at] = was;
    }
    gn_buf_release(&inside);
    end();
}

struct request {
    const char *method, *name, *arguments; /* NULL: none */
};

static void digest_of(unsigned char ret[GN_REQUEST_DIGEST], const struct request *r)
{
    struct gn_json_doc doc = {0};
    if (r->arguments)
        cr_assert_eq(gn_json_parse_copy(&doc, r->arguments, strlen(r->arguments), NULL, NULL), 0);
    gn_request_digest(ret, r->method, r->name, gn_json_root(&doc));
    gn_json_release(&doc);
}

Test(seal, digests_equal_requests_equally)
{
    static const struct request same[][2] = {
        {{"tools/call", "a", NULL}, {"tools/call", "a", "{}"}},
        {{"tools/call", "a", "{\"x\":1,\"y\":2}"}, {"tools/call", "a", "{\"y\":2,\"x\":1}"}},
        {{"tools/call", "a", "{\"x\":5}"}, {"tools/call", "a", " { \"x\" : 5.0 } "}},
        {{"tools/call", "a", "{\"x\":1e400}"}, {"tools/call", "a", "{\"x\":10e399}"}},
        {{"tools/call", "a", "{\"\\u0078\":\"\\/\"}"}, {"tools/call", "a", "{\"x\":\"/\"}"}},
    };
    for (size_t i = 0; i < GN_COUNT(same); i++) {
        unsigned char a[GN_REQUEST_DIGEST], b[GN_REQUEST_DIGEST];
        digest_of(a, &same[i][0]);
        digest_of(b, &same[i][1]);
        cr_assert_eq(memcmp(a, b, sizeof(a)), 0, "case %zu", i);
    }
}

Test(seal, digests_other_requests_differently)
{
    static const struct request all[] = {
        {"tools/call", "a", NULL},          {"tools/call", "b", NULL},
        {"tools/call", "", NULL},           {"tools/call", "a", "null"},
        {"tools/call", "a", "[]"},          {"tools/call", "a", "{\"x\":null}"},
        {"tools/call", "a", "{\"x\":1}"},   {"tools/call", "a", "{\"x\":\"1\"}"},
        {"tools/call", "a", "{\"x\":2}"},   {"tools/call", "a", "{\"y\":1}"},
        {"tools/call", "a{\"x\":1}", NULL}, {"tools/call", "a", "{\"x\":{\"y\":1}}"},
        {"tools/call", "x", "{\"a\":1}"},   {"prompts/get", "a", NULL},
        {"prompts/get", "a", "{\"x\":1}"},  {"tools/calla", "", NULL},
        {"tools/cal", "la", NULL},
    };
    unsigned char digests[GN_COUNT(all)][GN_REQUEST_DIGEST];
    for (size_t i = 0; i < GN_COUNT(all); i++) {
        digest_of(digests[i], &all[i]);
        for (size_t k = 0; k < i; k++)
            cr_assert_neq(memcmp(digests[i], digests[k], GN_REQUEST_DIGEST), 0, "%zu and %zu", i,
                          k);
    }
}
