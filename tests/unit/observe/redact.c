/* redact.c - what is a secret, and what only looks a little like one. */
#include "observe/redact.h"

#include "support.h"
#include "util/alloc.h"

#include <string.h>

GN_SUITE(redact);

static char password[] = "password", api_key[] = "api_key", cookie[] = "set-cookie",
            token[] = "token";
static char *const names[] = {password, api_key, cookie, token, NULL};

static void assert_text(const char *text, const char *expected)
{
    struct gn_redactor *r = gn_redactor_new(names);
    struct gn_buf out = GN_BUF_INIT(1 << 20);
    bool found = gn_redact_text(r, text, strlen(text), &out);
    cr_assert_eq(found, expected != NULL, "%s: %s", text, gn_buf_str(&out));
    if (expected)
        cr_assert_str_eq(gn_buf_str(&out), expected);
    gn_buf_release(&out);
    gn_redactor_free(r);
}

Test(redact, finds_credentials)
{
    assert_text("Authorization: Bearer abc.DEF-123 done", "Authorization: Bearer [redacted] done");
    assert_text("bearer s3cret", "bearer [redacted]");
    assert_text("Basic dXNlcjpwYXNz", "Basic [redacted]");
    assert_text("go to https://bob:hunter2@example.org/x?y=1",
                "go to https://bob:[redacted]@example.org/x?y=1");
    assert_text("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.SflKxwRJSMeKKF2QT4 ok", "[redacted] ok");
    assert_text("key sk-proj-abcdefghij0123456789, and", "key [redacted], and");
    assert_text("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "[redacted]");
    assert_text("github_pat_11ABCDEFG0aBcDeFgHiJkLm_xyz", "[redacted]");
    assert_text("(AKIAIOSFODNN7EXAMPLE)", "([redacted])");
    assert_text("xoxb-123456789012-abcdefghijkl", "[redacted]");
    assert_text("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nend",
                "-----BEGIN RSA PRIVATE KEY-----[redacted]-----END RSA PRIVATE KEY-----\nend");
    assert_text("-----BEGIN PRIVATE KEY-----\nMIIE", "-----BEGIN PRIVATE KEY-----[redacted]");
    assert_text("password=hunter2&user=bob", "password=[redacted]&user=bob");
    assert_text("PassWord='a b c' rest", "PassWord='[redacted]' rest");
    assert_text("api-key=1;token=2", "api-key=[redacted];token=[redacted]");
    assert_text("got {\"password\": \"a\\\"b\", \"n\": 1}",
                "got {\"password\": \"[redacted]\", \"n\": 1}");
    assert_text("{'token':'x','api_key': 12}", "{'token':'[redacted]','api_key': [redacted]}");
    assert_text("{\\\"token\\\":\\\"x y\\\",\\\"n\\\":1}",
                "{\\\"token\\\":\\\"[redacted]\\\",\\\"n\\\":1}");
    assert_text("{\"token\": \"cut off", "{\"token\": \"[redacted]");
}

Test(redact, leaves_the_rest_alone)
{
    assert_text("", NULL);
    assert_text("nothing here", NULL);
    assert_text("no bearer token was given", NULL);
    assert_text("basic authentication", NULL);
    assert_text("https://example.org:8080/a@b", NULL);
    assert_text("https://bob@example.org", NULL);
    assert_text("a task-force of sk-8", NULL);
    assert_text("eyJ is how they begin. So it is.", NULL);
    assert_text("AKIA is a prefix", NULL);
    assert_text("\"token\": {\"a\": 1} \"token\":\"\" 'token': \"", NULL);
    assert_text("\"tokens\": 3, unexpected token: ':' at 4, \"my\"token\": \"", NULL);
    assert_text("mypassword=1 passwords=2 =3 password=", NULL);
    assert_text("forbearer abc123", NULL);
}

Test(redact, several_in_one_text)
{
    assert_text("token=a Bearer b1 token=c", "token=[redacted] Bearer [redacted] token=[redacted]");
    assert_text("token=token=x", "token=[redacted]");
}

Test(redact, takes_no_longer_for_texts_made_to_be_slow)
{
    static const char *const parts[] = {"eyJ-", "eyJ.",        "sk-",     "://a:", "bearer ",
                                        "a=",   "-----BEGIN ", "token==", "basic "};
    struct gn_redactor *r = gn_redactor_new(names);
    for (size_t i = 0; i < GN_COUNT(parts); i++) {
        struct gn_buf text = GN_BUF_INIT(4 << 20), out = GN_BUF_INIT(64 << 20);
        while (text.len < 1 << 20)
            gn_buf_adds(&text, parts[i]);
        gn_redact_text(r, text.data, text.len, &out);
        gn_buf_release(&text);
        gn_buf_release(&out);
    }
    gn_redactor_free(r);
}

Test(redact, names_have_no_case_and_no_hyphens)
{
    struct gn_redactor *r = gn_redactor_new(names);
    cr_assert(gn_redact_name(r, "Password", 8));
    cr_assert(gn_redact_name(r, "apikey", 6));
    cr_assert(gn_redact_name(r, "API-KEY", 7));
    cr_assert(gn_redact_name(r, "setCookie", 9));
    cr_assert_not(gn_redact_name(r, "passwords", 9));
    cr_assert_not(gn_redact_name(r, "", 0));
    cr_assert_not(gn_redact_name(r, "__", 2));
    gn_redactor_free(r);
    r = gn_redactor_new(NULL);
    cr_assert_not(gn_redact_name(r, "password", 8));
    gn_redactor_free(r);
}

static void assert_json(const char *json, const char *expected)
{
    struct gn_redactor *r = gn_redactor_new(names);
    struct gn_json_doc doc;
    cr_assert_eq(gn_json_parse_copy(&doc, json, strlen(json), NULL, NULL), 0);
    struct gn_buf out = GN_BUF_INIT(1 << 20);
    struct gn_jw w;
    gn_jw_init(&w, &out);
    gn_redact_json(r, gn_json_root(&doc), &w, NULL);
    cr_assert_str_eq(gn_buf_str(&out), expected);
    gn_buf_release(&out);
    gn_json_release(&doc);
    gn_redactor_free(r);
}

Test(redact, looks_into_json)
{
    assert_json(
        "{\"user\":\"bob\",\"Password\":{\"a\":1},\"n\":[1,null,{\"token\":5,\"x\":\"Bearer "
        "a1b2\"}]}",
        "{\"user\":\"bob\",\"Password\":\"[redacted]\",\"n\":[1,null,{\"token\":\"[redacted]\","
        "\"x\":\"Bearer [redacted]\"}]}");
    assert_json("\"password=1\"", "\"password=[redacted]\"");
    assert_json("[]", "[]");
    assert_json("1.50", "1.50");
}

Test(redact, what_is_too_deep_to_look_at_is_not_shown)
{
    struct gn_redactor *r = gn_redactor_new(names);
    struct gn_buf text = GN_BUF_INIT(1 << 20), out = GN_BUF_INIT(1 << 20);
    struct gn_json_limits limits = {.max_depth = 400};
    for (int i = 0; i < 300; i++)
        gn_buf_adds(&text, "{\"a\":");
    gn_buf_adds(&text, "\"Bearer a1\"");
    for (int i = 0; i < 300; i++)
        gn_buf_addc(&text, '}');
    struct gn_json_doc doc;
    cr_assert_eq(gn_json_parse_copy(&doc, text.data, text.len, &limits, NULL), 0);
    struct gn_jw w;
    gn_jw_init(&w, &out);
    gn_redact_json(r, gn_json_root(&doc), &w, NULL);
    cr_assert_null(strstr(gn_buf_str(&out), "Bearer a1"));
    cr_assert(strstr(gn_buf_str(&out), "\"a\":\"[redacted]\"}"));
    gn_json_release(&doc);
    gn_buf_release(&text);
    gn_buf_release(&out);
    gn_redactor_free(r);
}
