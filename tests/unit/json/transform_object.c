/* Objects put together of values that are there already. */
#include "json/object.h"

#include "support.h"

#include <criterion/criterion.h>
#include <string.h>

GN_SUITE(transform_object);

static const gantry_json *parse(struct gn_arena *arena, const char *text)
{
    const gantry_json *v = gn_json_parse_arena(arena, text, strlen(text), NULL);
    cr_assert_not_null(v, "%s", text);
    return v;
}

static void expect(const gantry_json *v, const char *text)
{
    struct gn_buf out = GN_BUF_INIT(4096);
    cr_assert_eq(gn_json_write(&out, v), 0);
    cr_assert_str_eq(gn_buf_str(&out), text);
    gn_buf_release(&out);
}

Test(transform_object, is_made_of_members_of_all_kinds)
{
    struct gn_arena arena;
    struct gn_json_object o;
    gn_arena_init(&arena, 1u << 20);
    const gantry_json *deep = parse(&arena, "[1,{\"a\":[]},\"t\"]"), *root = parse(&arena, "true");
    cr_assert_eq(gn_json_object_begin(&o, &arena, 4 + (size_t)deep->skip, 0), GN_OK);
    gn_json_object_add(&o, "deep", 4, deep);
    gn_json_object_add(&o, "truth", 5, root);
    const gantry_json *v = gn_json_object_end(&o);
    expect(v, "{\"deep\":[1,{\"a\":[]},\"t\"],\"truth\":true}");
    cr_assert_eq(gn_json_count(v), 2);
    cr_assert_eq(v->skip, 1 + 1 + deep->skip + 2);
    cr_assert_str_eq(gn_json_name(gn_json_get(v, "truth"), NULL), "truth");
    cr_assert_null(gn_json_name(gn_json_at(gn_json_get(v, "deep"), 0), NULL));
    cr_assert_eq(root->flags & GN_JSON_MEMBER, 0, "the value itself stays what it is");
    gn_arena_release(&arena);
}

Test(transform_object, may_have_no_members_and_says_when_memory_is_full)
{
    struct gn_arena arena;
    struct gn_json_object o;
    gn_arena_init(&arena, 8192);
    cr_assert_eq(gn_json_object_begin(&o, &arena, 0, 0), GN_OK);
    const gantry_json *v = gn_json_object_end(&o);
    expect(v, "{}");
    cr_assert_eq(v->skip, 1);
    cr_assert_eq(gn_json_object_begin(&o, &arena, 1000, 0), GN_ETOOBIG);
    cr_assert_eq(gn_json_object_begin(&o, &arena, SIZE_MAX, 0), GN_ETOOBIG);
    cr_assert_eq(gn_json_object_begin(&o, &arena, 1, SIZE_MAX), GN_ETOOBIG);
    cr_assert_eq(gn_json_object_begin(&o, &arena, 1, 9000), GN_ETOOBIG);
    gn_arena_release(&arena);
}

Test(transform_object, copies_have_texts_of_their_own)
{
    static const char text[] = "{\"a\":[1.50,\"t\\u0000x\",null],\"b\":{}}";
    struct gn_arena arena;
    struct gn_json_doc doc;
    struct gn_json_object o;
    gn_arena_init(&arena, 8192);
    cr_assert_eq(gn_json_parse_copy(&doc, text, strlen(text), NULL, NULL), GN_OK);
    const gantry_json *root = gn_json_root(&doc);
    size_t bytes = gn_json_text_bytes(root);
    cr_assert_eq(gn_json_object_begin(&o, &arena, 4 + (size_t)root->skip, bytes), GN_OK);
    gn_json_object_add_copy(&o, "whole", 5, root);
    gn_json_object_add_copy(&o, "part", 4, gn_json_get(root, "b"));
    gn_json_release(&doc);
    const gantry_json *v = gn_json_object_end(&o);
    expect(gn_json_get(v, "whole"), text);
    expect(gn_json_get(v, "part"), "{}");
    cr_assert_str_eq(gn_json_name(gn_json_get(v, "part"), NULL), "part");
    gn_arena_release(&arena);
}
