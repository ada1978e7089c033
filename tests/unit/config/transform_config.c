/* transform_config.c - entries of `transforms`, and `secrets`, as the file has them. */
#include "config/config.h"

#include "config/keys.h"
#include "load.h"
#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

GN_SUITE(transform_config);

/* Loading says these lines, after the name of the file, and nothing else. */
static void assert_wrong(const char *text, const char *const *expected)
{
    struct gn_buf problems = GN_BUF_INIT(64 * 1024);
    cr_assert_null(load(text, &problems), "%s", text);
    const char *line = gn_buf_str(&problems);
    for (; *expected; expected++) {
        const char *said = strstr(line, "gantry.yaml:");
        cr_assert(said, "%s is not there: %s", *expected, gn_buf_str(&problems));
        said += strlen("gantry.yaml:");
        size_t len = strcspn(said, "\n");
        cr_assert(len == strlen(*expected) && memcmp(said, *expected, len) == 0, "%s", said);
        line = said + len + 1;
    }
    cr_assert_str_eq(line, "");
    gn_buf_release(&problems);
}
#define WRONG(text, ...) assert_wrong(text, (const char *const[]){__VA_ARGS__, NULL})

/* ---------------------------------------------------------------- transforms */

Test(transform_config, plain_text_is_a_kind_with_its_defaults)
{
    struct gn_config *c = load_right("transforms: [prompts_as_tools, resources_as_tools, search]");
    cr_assert_eq(c->transform_count, 3);
    const struct gn_config_transform *t = c->transforms;
    cr_assert_str_eq(t[0].use, "prompts_as_tools");
    cr_assert_str_eq(t[1].use, "resources_as_tools");
    cr_assert(t[2].max_results == 5 && !t[2].always && t[2].line == 1);
    cr_assert(!t[0].names && !t[0].kinds && !t[0].tags && !t[0].plugins && !t[0].versions);
    gn_config_free(c);
}

Test(transform_config, one_that_is_alone_needs_no_list)
{
    struct gn_config *c = load_right("transforms: search");
    cr_assert_eq(c->transform_count, 1);
    cr_assert_str_eq(c->transforms[0].use, "search");
    gn_config_free(c);
}

Test(transform_config, a_mapping_sets_what_its_kind_has)
{
    struct gn_config *c = load_right("transforms:\n"
                                     "  - {use: namespace, prefix: w, plugins: a, kinds: [tool]}\n"
                                     "  - {use: rename, names: {a: b, c: d}, tags: [x, y]}\n"
                                     "  - use: disable\n"
                                     "    names: [\"a*\"]\n"
                                     "    versions: [\"1\"]\n"
                                     "    principals: [me]\n"
                                     "  - {use: search, always: [one], max_results: 100}\n"
                                     "  - {use: tools, tools: {a: {name: b}}}\n");
    const struct gn_config_transform *t = c->transforms;
    cr_assert_eq(c->transform_count, 5);
    cr_assert(gn_streq(t[0].prefix, "w") && gn_streq(t[0].plugins[0], "a") && !t[0].plugins[1]);
    cr_assert(gn_streq(t[0].kinds[0], "tool") && !t[0].names);
    cr_assert(json_object_size(t[1].renames) == 2 && !t[1].names && gn_streq(t[1].tags[1], "y"));
    cr_assert_str_eq(json_string_value(json_object_get(t[1].renames, "c")), "d");
    cr_assert(gn_streq(t[2].names[0], "a*") && gn_streq(t[2].versions[0], "1"));
    cr_assert(gn_streq(t[2].principals[0], "me") && t[2].line == 4);
    cr_assert(t[3].max_results == 100 && gn_streq(t[3].always[0], "one"));
    cr_assert(json_is_object(json_object_get(t[4].tools, "a")));
    gn_config_free(c);
}

Test(transform_config, a_list_that_is_empty_is_not_one_that_is_not_given)
{
    struct gn_config *c = load_right("transforms: [{use: only, tags: [], names: null}]");
    cr_assert(c->transforms[0].tags && !c->transforms[0].tags[0]);
    cr_assert_null(c->transforms[0].names);
    gn_config_free(c);
}

Test(transform_config, values_of_tools_are_what_json_would_have)
{
    struct gn_config *c = load_right("transforms:\n"
                                     "- use: tools\n"
                                     "  tools: {a: {arguments: {b: {default: 5}, c: {default: "
                                     "true}, d: {default: null}, e: {default: \"5\"}, f: {default: "
                                     "{g: [1.5, x]}}}}}\n");
    json_t *arguments = json_object_get(json_object_get(c->transforms[0].tools, "a"), "arguments");
    char *text = json_dumps(arguments, JSON_COMPACT);
    cr_assert_str_eq(text, "{\"b\":{\"default\":5},\"c\":{\"default\":true},\"d\":{\"default\":"
                           "null},\"e\":{\"default\":\"5\"},\"f\":{\"default\":{\"g\":[1.5,\"x\"]}}"
                           "}");
    free(text);
    gn_config_free(c);
}

Test(transform_config, the_line_of_every_value_is_known)
{
    struct gn_config *c = load_right("transforms:\n"
                                     "- search\n"
                                     "- use: tools\n"
                                     "  tools:\n"
                                     "    a:\n"
                                     "      tags:\n"
                                     "       - x\n"
                                     "       - y\n"
                                     "      arguments:\n"
                                     "        b: {hide: true,\n"
                                     "            default: 1}\n");
    cr_assert_eq(gn_config_line(c, "transforms[0]"), 2);
    cr_assert_eq(gn_config_line(c, "transforms[1]"), 3);
    cr_assert_eq(gn_config_line(c, "transforms[1].tools.a"), 5);
    cr_assert_eq(gn_config_line(c, "transforms[1].tools.a.tags[1]"), 8);
    cr_assert_eq(gn_config_line(c, "transforms[1].tools.a.arguments.b.default"), 11);
    cr_assert_eq(gn_config_line(c, "transforms[1].tools.a.arguments.b.name"), 0);
    cr_assert_eq(gn_config_nearest_line(c, "transforms[1].tools.a.arguments.b.name"), 10);
    cr_assert_eq(gn_config_nearest_line(c, "transforms[1].tools.zebra"), 4);
    cr_assert_eq(gn_config_nearest_line(c, "transforms[1].prefix"), 3);
    cr_assert_eq(gn_config_nearest_line(c, "nothing.of[3].it"), 0);
    cr_assert_eq(gn_config_nearest_line(c, ""), 0);
    gn_config_free(c);
}

Test(transform_config, what_a_kind_does_not_have_is_refused)
{
    WRONG("transforms:\n- {use: search, prefix: x}",
          "2: transforms[0].prefix: unknown key; known here: use, plugins, tags, versions, names, "
          "always, max_results");
    WRONG("transforms:\n- {use: only, principal: x}",
          "2: transforms[0].principal: unknown key, did you mean principals?");
    WRONG("transforms:\n- {use: tools, tools: {}, names: [x]}",
          "2: transforms[0].names: unknown key; known here: use, plugins, tags, versions, tools");
}

Test(transform_config, what_is_missing_or_wrong_is_told_by_name_all_at_once)
{
    WRONG("transforms:\n- namespace\n- use: rename\n- {use: tools, tools: [x]}\n- {use: hide}\n"
          "- {use: disable, names: {a: b}}\n- {use: search, max_results: 0}\n- {names: x}\n- [a]\n"
          "- {use: search, always: [\"\"]}",
          "2: transforms[0]: prefix is missing", "3: transforms[1]: names is missing",
          "4: transforms[2].tools: must be a mapping, but is a list",
          "5: transforms[3].use: must be one of namespace, rename, enable, disable, only, "
          "prompts_as_tools, resources_as_tools, search, tools, but is \"hide\"",
          "6: transforms[4].names: must be a list of at most 10000, each a text that is not empty",
          "7: transforms[5].max_results: must be between 1 and 100, but is \"0\"",
          "8: transforms[6]: use is missing", "9: transforms[7]: must be a mapping, but is a list",
          "10: transforms[8].always: entry 0 must be a text that is not empty, but is \"\"");
}

/* Each key of each kind is shown in the file that documents all keys. */
Test(transform_config, every_key_is_documented)
{
    struct gn_buf file = GN_BUF_INIT(1 << 20);
    cr_assert_eq(gn_read_file(TEST_SOURCE_DIR "/etc/gantry.yaml", &file), 0);
    const struct gn_config_entry *entry = &gn_config_transform_entry;
    for (const struct gn_config_variant *v = entry->variants; v->name; v++) {
        GN_AUTO_FREE char *use = gn_format("#       - use: %s ", v->name);
        GN_AUTO_FREE char *plain = gn_format("#       - %s ", v->name);
        cr_assert(strstr(gn_buf_str(&file), use) || strstr(gn_buf_str(&file), plain), "%s", use);
        for (const struct gn_config_key *k = v->keys; k->name; k++)
            cr_assert(gn_config_find_key(entry->keys, k->name), "%s", k->name);
    }
    for (const struct gn_config_key *k = entry->keys; k->name; k++) {
        GN_AUTO_FREE char *shown = gn_format("#         %s:", k->name);
        cr_assert(gn_streq(k->name, "use") || strstr(gn_buf_str(&file), shown), "%s", shown);
    }
    gn_buf_release(&file);
}

Test(transform_config, the_documented_example_has_each_kind)
{
    struct gn_buf file = GN_BUF_INIT(1 << 20), example = GN_BUF_INIT(1 << 20);
    cr_assert_eq(gn_read_file(TEST_SOURCE_DIR "/etc/gantry.yaml", &file), 0);
    const char *line = strstr(gn_buf_str(&file), "#     transforms:\n");
    cr_assert(line);
    for (; gn_starts_with(line, "#     "); line += strcspn(line, "\n") + 1)
        gn_buf_addf(&example, "%.*s\n", (int)strcspn(line, "\n") - 6, line + 6);
    struct gn_config *c = load_right(gn_buf_str(&example));
    for (const struct gn_config_variant *v = gn_config_transform_entry.variants; v->name; v++) {
        size_t i = 0;
        while (i < c->transform_count && !gn_streq(c->transforms[i].use, v->name))
            i++;
        cr_assert(i < c->transform_count, "%s", v->name);
    }
    gn_config_free(c);
    gn_buf_release(&example);
    gn_buf_release(&file);
}

/* ---------------------------------------------------------------- secrets */

static void write_secret(const char *name, const char *text, size_t len, mode_t mode)
{
    const char *path = gn_test_write_file(gn_test_tmpdir(), name, text, len);
    cr_assert_eq(chmod(path, mode), 0);
    cr_assert_eq(setenv(name, path, 1), 0);
}

Test(transform_config, a_secret_is_a_text_or_the_content_of_a_file)
{
    write_secret("ONE", "from a file\n", 12, 0600);
    write_secret("TWO", "two\nlines\r\n", 11, 0604);
    setenv("THREE", "from the environment", 1);
    struct gn_config *c = load_right("secrets:\n  plain: abc\n  number: 0123\n"
                                     "  one: {file: \"${ONE}\"}\n  two: {file: \"${TWO}\"}\n"
                                     "  three: \"${THREE}\"\n");
    cr_assert_eq(c->secret_count, 5);
    cr_assert_str_eq(gn_config_secret(c, "plain"), "abc");
    cr_assert_str_eq(gn_config_secret(c, "number"), "0123");
    cr_assert_str_eq(gn_config_secret(c, "one"), "from a file");
    cr_assert_str_eq(gn_config_secret(c, "two"), "two\nlines");
    cr_assert_str_eq(gn_config_secret(c, "three"), "from the environment");
    cr_assert_null(gn_config_secret(c, "four"));
    cr_assert_null(c->secrets[2].exposed);
    cr_assert_str_eq(c->secrets[3].exposed, getenv("TWO"));
    cr_assert_eq(c->secrets[4].line, 6);
    gn_config_free(c);
}

Test(transform_config, the_path_of_a_secret_is_relative_to_the_configuration)
{
    const char *dir = gn_test_tmpdir(), *text = "secrets: {db: {file: keys/db}}\n";
    GN_AUTO_FREE char *folder = gn_format("%s/keys", dir);
    cr_assert_eq(mkdir(folder, 0700), 0);
    gn_test_write_file(folder, "db", "x", 1);
    struct gn_buf problems = GN_BUF_INIT(4096);
    const char *path = gn_test_write_file(dir, "gantry.yaml", text, strlen(text));
    struct gn_config *c = gn_config_load(path, &problems);
    cr_assert(c, "%s", gn_buf_str(&problems));
    cr_assert_str_eq(gn_config_secret(c, "db"), "x");
    gn_config_free(c);
    gn_buf_release(&problems);
}

Test(transform_config, no_message_says_what_a_secret_is)
{
    char large[70000];
    memset(large, 'L', sizeof large);
    write_secret("LARGE", large, sizeof large, 0600);
    write_secret("BINARY", "a\0b", 3, 0600);
    write_secret("EMPTY", "\n", 1, 0600);
    GN_AUTO_FREE char *big = gn_format("%s: is larger than 64KiB", getenv("LARGE"));
    GN_AUTO_FREE char *six = gn_format("7: secrets.f: %s", big);
    GN_AUTO_FREE char *seven = gn_format("8: secrets.g: %s is not text in UTF-8", getenv("BINARY"));
    GN_AUTO_FREE char *eight = gn_format("9: secrets.h: %s is empty", getenv("EMPTY"));
    WRONG("secrets:\n  a: [hush]\n  b: {files: hush}\n  c: {file: hush, more: hush}\n  d:\n"
          "  \"not a name hush\": x\n  f: {file: \"${LARGE}\"}\n  g: {file: \"${BINARY}\"}\n"
          "  h: {file: \"${EMPTY}\"}\n  i: {file: /nowhere/at/all}\n  j: {file: /dev/null}\n"
          "  k: {file: [hush]}\n  l: \"\"\n",
          "2: secrets.a: must be a text, or {file: PATH}",
          "3: secrets.b: must be a text, or {file: PATH}",
          "4: secrets.c: must be a text, or {file: PATH}", "5: secrets.d: is empty",
          "6: secrets.?: names of secrets are 1 to 64 of A-Z a-z 0-9 _ - .", six, seven, eight,
          "10: secrets.i: /nowhere/at/all: No such file or directory",
          "11: secrets.j: /dev/null: is not a regular file", "12: secrets.k: file must be a path",
          "13: secrets.l: is empty");
    WRONG("secrets:\n  a: \"${GN_TEST_UNSET}\"\n  b: {file: \"${GN_TEST_UNSET}\"}\n",
          "2: secrets.a: the environment variable GN_TEST_UNSET is not set "
          "(${GN_TEST_UNSET:-default} gives a default)",
          "3: secrets.b.file: the environment variable GN_TEST_UNSET is not set "
          "(${GN_TEST_UNSET:-default} gives a default)");
    WRONG("secrets: hush", "1: secrets: must be a mapping of at most 1000 names (\"name: value\")");
    WRONG("secrets: [hush]",
          "1: secrets: must be a mapping of at most 1000 names (\"name: value\")");
}

Test(transform_config, secrets_of_the_command_line_are_refused_without_a_word_of_them)
{
    struct gn_config *c = gn_config_new();
    struct gn_error err = {0};
    cr_assert_eq(gn_config_set(c, "secrets", "{a: hush}", &err), GN_EINVAL);
    cr_assert_str_eq(err.text,
                     "secrets: must be a mapping of at most 1000 names (\"name: value\")");
    cr_assert_eq(gn_config_add(c, "secrets", "hush", &err), GN_EINVAL);
    cr_assert_null(strstr(err.text, "hush"));
    cr_assert_eq(c->secret_count, 0);
    gn_config_free(c);
}

Test(transform_config, entries_can_be_set_on_the_command_line)
{
    struct gn_config *c = gn_config_new();
    struct gn_error err = {0};
    cr_assert_eq(gn_config_set(c, "transforms", "[search, {use: namespace, prefix: x}]", &err), 0,
                 "%s", err.text);
    cr_assert_eq(c->transform_count, 2);
    cr_assert_eq(gn_config_line(c, "transforms[0]"), 0);
    cr_assert_eq(gn_config_add(c, "transforms", "prompts_as_tools", &err), 0, "%s", err.text);
    cr_assert_eq(c->transform_count, 3);
    cr_assert_eq(gn_config_set(c, "transforms", "[{use: namespac}]", &err), GN_EINVAL);
    gn_config_free(c);
}
