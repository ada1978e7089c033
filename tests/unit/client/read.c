/* Unit tests of reading and writing JSON for those who use the library. */
#include "gantry_client.h"

#include "support.h"

#include <string.h>

GN_SUITE(client_read);

Test(client_read, reads_a_text_of_its_own)
{
    char text[] = "{\"a\": [1, {\"b~/c\": \"\\u00e9\\n\"}], \"n\": null, \"nul\": \"x\\u0000y\"}";
    gantry_client_error err;
    gantry_json *v = gantry_parse_json(text, &err);
    cr_assert_not_null(v);
    memset(text, 'x', sizeof(text) - 1);
    cr_expect_str_eq(gantry_read_text(v, "/a/1/b~0~1c"), "\xc3\xa9\n");
    cr_expect_eq(gantry_read_int(v, "/a/0", 0), 1);
    cr_expect_eq(gantry_read_type(v, "/n"), GANTRY_JSON_IS_NULL);
    cr_expect_null(gantry_read_text(v, "/nul"));
    size_t size = 0;
    cr_expect_eq(memcmp(gantry_read_bytes(v, "/nul", &size), "x\0y", 3), 0);
    cr_expect_eq(size, 3);
    char *printed = gantry_read_print(gantry_read(v, "/a"));
    cr_expect_str_eq(printed, "[1,{\"b~/c\":\"\xc3\xa9\\n\"}]");
    gantry_client_free(printed);
    gantry_client_free(v);
}

Test(client_read, reads_a_value_of_any_type)
{
    static const struct {
        const char *text;
        int type;
    } cases[] = {{"7", GANTRY_JSON_IS_NUMBER},
                 {" \"\" ", GANTRY_JSON_IS_STRING},
                 {"[]", GANTRY_JSON_IS_ARRAY},
                 {"{}", GANTRY_JSON_IS_OBJECT},
                 {"true", GANTRY_JSON_IS_TRUE}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        gantry_json *v = gantry_parse_json(cases[i].text, NULL);
        cr_expect_eq(gantry_read_type(v, ""), cases[i].type, "%s", cases[i].text);
        gantry_client_free(v);
    }
}

Test(client_read, says_why_a_text_is_none)
{
    static const char *const texts[] = {"", "{", "{\"a\": 1,}", "nul", "\"\xff\"", NULL};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        gantry_client_error err = {0};
        cr_expect_null(gantry_parse_json(texts[i], &err));
        cr_expect_eq(err.status, GANTRY_CLIENT_INVALID);
        cr_expect(*err.message);
        cr_expect_null(gantry_parse_json(texts[i], NULL));
    }
}
