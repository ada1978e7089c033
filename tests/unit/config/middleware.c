/* middleware.c - entries of `middleware`: each kind has keys of its own. */
#include "config/config.h"

#include "config/keys.h"
#include "load.h"
#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

GN_SUITE(config_middleware);

/* Loading (or else validating) says this, after the name of the file, and nothing else. */
static void assert_wrong(const char *text, const char *expected)
{
    struct gn_buf problems = GN_BUF_INIT(64 * 1024);
    struct gn_config *c = load(text, &problems);
    if (c)
        cr_assert_eq(gn_config_validate(c, &problems), GN_EINVAL, "%s", text);
    const char *said = gn_buf_str(&problems), *file = strstr(said, "gantry.yaml:");
    cr_assert(file, "%s", said);
    file += strlen("gantry.yaml:");
    size_t len = strcspn(file, "\n");
    cr_assert_eq(len, strlen(expected), "%s", file);
    cr_assert_arr_eq(file, expected, len, "%s", file);
    cr_assert_str_eq(file + len, "\n", "%s", file);
    gn_config_free(c);
    gn_buf_release(&problems);
}

Test(config_middleware, plain_text_is_a_kind_with_its_defaults)
{
    struct gn_config *c = load_right("middleware: [logging, mask_errors, response_limit, timeout, "
                                     "concurrency]");
    cr_assert_eq(c->middleware_count, 5);
    const struct gn_config_middleware *m = c->middlewares;
    cr_assert_str_eq(m[0].use, "logging");
    cr_assert(m[0].level == GN_INFO && !m[0].payloads && m[0].max_payload == 1024);
    cr_assert(m[0].priority == 0 && !m[0].tools[0] && !m[0].tags[0] && m[0].line == 1);
    cr_assert_str_eq(m[1].message, "internal error");
    cr_assert_eq(m[2].max_size, 1000000);
    cr_assert(gn_starts_with(m[2].suffix, "[truncated: "));
    cr_assert_eq(m[3].timeout_ms, 30000);
    cr_assert(m[4].max_calls == 10 && m[4].max_waiting == 100);
    cr_assert_not(c->inline_references);
    gn_config_free(c);
}

Test(config_middleware, a_mapping_sets_what_its_kind_has)
{
    struct gn_config *c = load_right("middleware:\n"
                                     "  - {use: logging, level: debug, payloads: true, "
                                     "max_payload: 2KiB, priority: -5}\n"
                                     "  - priority: 2147483647\n"
                                     "    tools: [a, \"b_*\"]\n"
                                     "    tags: slow\n"
                                     "    max_calls: 2\n"
                                     "    max_waiting: 0\n"
                                     "    use: concurrency\n"
                                     "  - {use: response_limit, max_size: 100, suffix: \"\"}\n");
    const struct gn_config_middleware *m = c->middlewares;
    cr_assert_eq(c->middleware_count, 3);
    cr_assert(m[0].level == GN_DEBUG && m[0].payloads && m[0].max_payload == 2048);
    cr_assert(m[0].priority == -5 && m[1].priority == INT32_MAX);
    cr_assert(gn_streq(m[1].tools[0], "a") && gn_streq(m[1].tools[1], "b_*") && !m[1].tools[2]);
    cr_assert(gn_streq(m[1].tags[0], "slow") && !m[1].tags[1]);
    cr_assert(m[1].max_calls == 2 && m[1].max_waiting == 0 && m[1].line == 3);
    cr_assert(m[2].max_size == 100 && gn_streq(m[2].suffix, ""));
    struct gn_buf problems = GN_BUF_INIT(4096);
    cr_assert_eq(gn_config_validate(c, &problems), 0, "%s", gn_buf_str(&problems));
    gn_buf_release(&problems);
    gn_config_free(c);
}

Test(config_middleware, a_text_stands_for_a_list_of_one)
{
    struct gn_config *c = load_right("middleware: timing");
    cr_assert_eq(c->middleware_count, 1);
    cr_assert_str_eq(c->middlewares[0].use, "timing");
    gn_config_free(c);
}

Test(config_middleware, dereference_is_another_word_for_inline_references)
{
    struct gn_config *c = load_right("middleware: [dereference]");
    cr_assert(c->inline_references);
    gn_config_free(c);
    c = gn_config_new();
    struct gn_error err = {0};
    cr_assert_eq(gn_config_set(c, "middleware", "[timing, dereference]", &err), 0, "%s", err.text);
    cr_assert(c->inline_references && c->middleware_count == 2);
    cr_assert_eq(gn_config_add(c, "middleware", "logging", &err), 0, "%s", err.text);
    cr_assert_eq(c->middleware_count, 3);
    cr_assert_eq(gn_config_add(c, "middleware", "loging", &err), GN_EINVAL);
    cr_assert(strstr(err.text, "did you mean logging?"), "%s", err.text);
    gn_config_free(c);
}

Test(config_middleware, what_a_kind_does_not_have_is_named)
{
    assert_wrong("middleware:\n  - use: timing\n    payloads: true",
                 "3: middleware[0].payloads: unknown key; known here: use, priority, tools, tags, "
                 "level");
    assert_wrong("middleware:\n  - {use: logging, paylods: true}",
                 "2: middleware[0].paylods: unknown key, did you mean payloads?");
    assert_wrong("middleware:\n  - {use: dereference, tools: [a]}",
                 "2: middleware[0].tools: unknown key; known here: use");
    assert_wrong("middleware: [timing, loging]",
                 "1: middleware[1]: must be one of logging, timing, mask_errors, response_limit, "
                 "dereference, timeout, concurrency, but is \"loging\"; did you mean logging?");
    assert_wrong("middleware:\n  - use: nothing",
                 "2: middleware[0].use: must be one of logging, timing, mask_errors, "
                 "response_limit, dereference, timeout, concurrency, but is \"nothing\"");
    assert_wrong("middleware:\n  - use: [timing]",
                 "2: middleware[0].use: must be one of logging, timing, mask_errors, "
                 "response_limit, dereference, timeout, concurrency, but is a list");
}

Test(config_middleware, what_is_missing_or_out_of_bounds_is_named)
{
    assert_wrong("middleware:\n  - level: info", "2: middleware[0]: use is missing");
    assert_wrong("middleware:\n  - use:\n    level: info", "2: middleware[0]: use is missing");
    assert_wrong("middleware:\n  - [timing]", "2: middleware[0]: must be a mapping, but is a list");
    assert_wrong("middleware: {use: timing}",
                 "1: middleware: must be a list of at most 10000 entries (\"- \" before each)");
    assert_wrong("middleware:\n  - {use: timing, priority: high}",
                 "2: middleware[0].priority: must be a whole number between -2147483648 and "
                 "2147483647, but is \"high\"");
    assert_wrong("middleware:\n  - {use: timing, priority: 2147483648}",
                 "2: middleware[0].priority: must be a whole number between -2147483648 and "
                 "2147483647, but is \"2147483648\"");
    assert_wrong("middleware:\n  - {use: timeout, timeout: 0}",
                 "2: middleware[0].timeout: must be between 1ms and 1d, but is \"0\"");
    assert_wrong("middleware:\n  - {use: concurrency, max_calls: 0}",
                 "2: middleware[0].max_calls: must be between 1 and 100000, but is \"0\"");
    assert_wrong("middleware:\n  - {use: response_limit, max_size: 10}",
                 "2: middleware[0].max_size: must be between 64 and 1GiB, but is \"10\"");
    assert_wrong("middleware:\n  - {use: timing, level: loud}",
                 "2: middleware[0].level: must be one of debug, info, notice, warning, error, "
                 "critical, alert, emergency, but is \"loud\"");
    assert_wrong("middleware:\n  - {use: timing, tools: [\"a*b\"]}",
                 "2: middleware[0].tools[0]: \"a*b\": a star stands for the rest of a name, at its "
                 "end only");
    assert_wrong("middleware:\n  - {use: timing, tags: [\"\"]}",
                 "2: middleware[0].tags: entry 0 must be a text that is not empty, but is \"\"");
    assert_wrong("middleware:\n  - {use: response_limit, max_size: 64, suffix: "
                 "\"0123456789012345678901234567890123456789012345678901234567890123\"}",
                 "2: middleware[0]: suffix alone is as long as max_size");
}

Test(config_middleware, a_message_that_is_too_long_is_refused)
{
    struct gn_buf text = GN_BUF_INIT(8192);
    gn_buf_adds(&text, "middleware:\n  - use: mask_errors\n    message: ");
    for (int i = 0; i < 1025; i++)
        gn_buf_addc(&text, 'x');
    assert_wrong(gn_buf_str(&text), "2: middleware[0]: message must have 1024 bytes at most");
    gn_buf_release(&text);
}

/* Each option of each kind is shown in the file that documents all keys, with its default. */
Test(config_middleware, every_option_is_documented_with_its_default)
{
    struct gn_buf file = GN_BUF_INIT(1 << 20);
    cr_assert_eq(gn_read_file(TEST_SOURCE_DIR "/etc/gantry.yaml", &file), 0);
    const struct gn_config_entry *entry = &gn_config_middleware_entry;
    for (const struct gn_config_variant *v = entry->variants; v->name; v++) {
        GN_AUTO_FREE char *use = gn_format("#       - use: %s", v->name);
        cr_assert(strstr(gn_buf_str(&file), use), "%s", use);
        for (const struct gn_config_key *k = v->keys; k->name; k++)
            cr_assert(gn_config_find_key(entry->keys, k->name), "%s", k->name);
    }
    for (const struct gn_config_key *k = entry->keys; k->name; k++) {
        bool shown = gn_streq(k->fallback, "[]") || !*k->fallback;
        GN_AUTO_FREE char *plain = gn_format("#         %s: %s", k->name, shown ? "" : k->fallback);
        GN_AUTO_FREE char *quoted = gn_format("#         %s: \"%s\"", k->name, k->fallback);
        cr_assert(gn_streq(k->name, "use") || strstr(gn_buf_str(&file), plain) ||
                      strstr(gn_buf_str(&file), quoted),
                  "%s", plain);
    }
    gn_buf_release(&file);
}
