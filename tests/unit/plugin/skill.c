/* Unit tests of skills and extensions as plugins declare them. */
#include "plugin/skill.h"

#include "plugin/abi_internal.h"
#include "plugin/bench.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

GN_SUITE(skill);

static struct bench b;

#define FRONT(name) "---\nname: " name "\ndescription: d\n---\n"

/* Imports and frees again; the number of files, or the code. b.err says why. */
static int import(const char *path, const gantry_skill_file *files)
{
    gantry_skill s = {sizeof s, sizeof *files, path, files};
    struct gn_component **v = NULL;
    size_t count = 0;
    b.err = (struct gn_error){0};
    int rc = gn_skill_import(b.g, &s, &v, &count, &b.err);
    cr_assert_eq(rc != 0, b.err.text[0] != '\0');
    for (size_t i = 0; i < count; i++)
        gn_component_unref(v[i]);
    gn_free(v);
    return rc ? rc : (int)count;
}

Test(skill, paths_are_parts_that_stay_where_they_are)
{
    static const struct {
        const char *path;
        bool is_good;
    } paths[] = {
        {"x", true},
        {"a/x", true},
        {"A_b~c.d/x", true},
        {"", false},
        {"/x", false},
        {"x/", false},
        {"a//x", false},
        {"./x", false},
        {"a/../x", false},
        {"a b/x", false},
        {"a%20/x", false},
        {"a?b/x", false},
        {"a#/x", false},
        {"\xc3\xa4/x", false},
        {"1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/x", false},
    };
    gantry_skill_file files[] = {{.path = "SKILL.md", .data = FRONT("x")}, {.path = NULL}};
    bench_open(&b);
    for (size_t i = 0; i < GN_COUNT(paths); i++)
        cr_assert_eq(import(paths[i].path, files) == 1, paths[i].is_good, "%s", paths[i].path);
    bench_close(&b);
}

Test(skill, files_are_below_the_skill_and_there_once)
{
    static const struct {
        const char *path;
        int want;
    } paths[] = {
        {"a/b.txt", 2},      {"a b/\xc3\xa4.txt", 2},  {"..", GN_EINVAL},
        {"../x", GN_EINVAL}, {"a/../../x", GN_EINVAL}, {"/etc", GN_EINVAL},
        {"a//b", GN_EINVAL}, {"", GN_EINVAL},          {"a\\b", GN_EINVAL},
        {"a\nb", GN_EINVAL}, {"\xff", GN_EINVAL},      {"SKILL.md", GN_EINVAL},
    };
    bench_open(&b);
    for (size_t i = 0; i < GN_COUNT(paths); i++) {
        gantry_skill_file files[] = {{.path = "SKILL.md", .data = FRONT("x")},
                                     {.path = paths[i].path, .data = ""},
                                     {.path = NULL}};
        cr_assert_eq(import("x", files), paths[i].want, "%s", paths[i].path);
    }
    gantry_skill_file none[] = {{.path = "a", .data = "x"}, {.path = NULL}};
    cr_assert_eq(import("x", none), GN_EINVAL);
    gantry_skill_file no_data[] = {{.path = "SKILL.md", .data = NULL}, {.path = NULL}};
    cr_assert_eq(import("x", no_data), GN_EINVAL);
    bench_close(&b);
}

Test(skill, front_matter_is_read_with_either_line_end_and_refused_by_name)
{
    static const struct {
        const char *text, *said; /* NULL: it is good */
    } texts[] = {
        {FRONT("x"), NULL},
        {"---\r\nname: x\r\ndescription: d\r\n---\r\n", NULL},
        {"---\nname: x\ndescription: d\n---", NULL},
        {"---\nname: x\ndescription: |\n  a\n  ---b\n---\n---\n", NULL},
        {"", "front matter between"},
        {"---", "front matter between"},
        {"--- \nname: x\ndescription: d\n---\n", "front matter between"},
        {"\n---\nname: x\ndescription: d\n---\n", "front matter between"},
        {"---\n---\n", "not a mapping"},
        {"---\nname: x\nname: x\n---\n", "front matter"},
        {"---\nname: x\ndescription: ''\n---\n", "needs name and description"},
        {"---\nname: true\ndescription: d\n---\n", "needs name and description"},
        {"---\nname: X\ndescription: d\n---\n", "names it X"},
    };
    bench_open(&b);
    for (size_t i = 0; i < GN_COUNT(texts); i++) {
        gantry_skill_file files[] = {{.path = "SKILL.md", .data = texts[i].text}, {.path = NULL}};
        int rc = import("x", files);
        cr_assert_eq(rc == 1, texts[i].said == NULL, "%s: %s", texts[i].text, b.err.text);
        if (texts[i].said)
            cr_assert(strstr(b.err.text, texts[i].said), "%s", b.err.text);
    }
    bench_close(&b);
}

Test(skill, size_and_number_are_bounded)
{
    bench_open(&b);
    gantry_skill_file *files = gn_calloc(GN_SKILL_FILES_MAX + 2, sizeof *files);
    char(*names)[16] = gn_calloc(GN_SKILL_FILES_MAX + 1, sizeof *names);
    files[0] = (gantry_skill_file){.path = "SKILL.md", .data = FRONT("x")};
    for (size_t i = 1; i <= GN_SKILL_FILES_MAX; i++) {
        snprintf(names[i], sizeof names[i], "f%zu", i);
        files[i] = (gantry_skill_file){.path = names[i], .data = "x"};
    }
    cr_assert_eq(import("x", files), GN_ETOOBIG);
    files[GN_SKILL_FILES_MAX].path = NULL;
    cr_assert_eq(import("x", files), GN_SKILL_FILES_MAX);
    char *big = gn_calloc(1, GN_SKILL_FILE_BYTES + 2);
    files[1] = (gantry_skill_file){.path = "big", .data = big, .n = GN_SKILL_FILE_BYTES};
    files[2].path = NULL;
    cr_assert_eq(import("x", files), 2);
    files[1].n++;
    cr_assert_eq(import("x", files), GN_ETOOBIG);
    memset(big, 'a', GN_SKILL_FILE_BYTES + 1); /* text without an end */
    files[1].n = 0;
    cr_assert_eq(import("x", files), GN_ETOOBIG);
    files[1] = (gantry_skill_file){.path = "one", .data = big, .n = GN_SKILL_FILE_BYTES};
    files[2] = (gantry_skill_file){.path = "two", .data = big, .n = GN_SKILL_FILE_BYTES};
    files[3].path = NULL;
    cr_assert_eq(import("x", files), GN_ETOOBIG);
    gn_free(big);
    gn_free(names);
    gn_free(files);
    bench_close(&b);
}

Test(skill, one_that_is_set_again_takes_its_own_place_only)
{
    gantry_skill_file files[] = {
        {.path = "SKILL.md", .data = FRONT("x")}, {.path = "a", .data = "1"}, {.path = NULL}};
    gantry_skill s = {sizeof s, sizeof files[0], "x", files};
    bench_open(&b);
    cr_assert_eq(gantry_set_skill(b.g, &s), GANTRY_OK);
    cr_assert_eq(b.g->component_count, 2);
    files[1] = (gantry_skill_file){.path = "b", .data = "2"};
    cr_assert_eq(gantry_set_skill(b.g, &s), GANTRY_OK);
    cr_assert_eq(b.g->component_count, 2);
    cr_assert_null(gn_generation_find(b.g, GN_RESOURCE, "skill://x/a"));
    struct gn_component *c = gn_generation_find(b.g, GN_RESOURCE, "skill://x/b");
    cr_assert_str_eq(c->digest, /* of "2" */
                     "sha256:d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35");
    /* Another skill may not have one of its files. */
    gantry_skill_file outer[] = {{.path = "SKILL.md", .data = FRONT("y")},
                                 {.path = "x/SKILL.md", .data = "free"},
                                 {.path = NULL}};
    gantry_skill_file inner[] = {{.path = "SKILL.md", .data = FRONT("x")}, {.path = NULL}};
    gantry_skill t = {sizeof t, sizeof outer[0], "y", outer},
                 u = {sizeof u, sizeof inner[0], "y/x", inner};
    cr_assert_eq(gantry_set_skill(b.g, &t), GANTRY_OK);
    cr_assert_eq(gantry_set_skill(b.g, &u), GANTRY_EEXIST);
    cr_assert_eq(b.g->component_count, 4);
    cr_assert_eq(gantry_remove_skill(b.g, "y"), GANTRY_OK);
    cr_assert_eq(gantry_remove_skill(b.g, "y"), GANTRY_ENOENT);
    cr_assert_eq(gantry_remove_skill(b.g, "x"), GANTRY_OK);
    cr_assert_eq(b.g->component_count, 0);
    bench_close(&b);
}

Test(skill, names_of_extensions_have_a_prefix)
{
    static const char *const good[] = {"a/b", "io.modelcontextprotocol/ui",
                                       "com.ex-ample2/a_b.c-d"};
    static const char *const bad[] = {NULL,   "",     "a",      "/a",    "a/",    "a/b/c",
                                      "a./b", ".a/b", "a..b/c", "-a/b",  "a-/b",  "1a/b",
                                      "a/-b", "a/b-", "a b/c",  "a/b c", "a_b/c", "\xc3\xa4/b"};
    struct gn_error err;
    for (size_t i = 0; i < GN_COUNT(good); i++)
        cr_assert_eq(gn_abi_extension_name(good[i], &err), 0, "%s", good[i]);
    for (size_t i = 0; i < GN_COUNT(bad); i++)
        cr_assert_eq(gn_abi_extension_name(bad[i], &err), GN_EINVAL, "%s", bad[i]);
}
