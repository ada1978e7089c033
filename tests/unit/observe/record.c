/* record.c - lines with fields: their types, processors, levels by name, files. */
#include "observe/record.h"

#include "observe/log.h"
#include "observe/rules.h"
#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

GN_SUITE(record);

/* A log into a file, configured by lines "KEY VALUE", and all it has written. */
struct fixture {
    struct gn_log *log;
    const char *path;
    int fd;
    struct gn_buf got;
};

static void configure(struct fixture *f, const char *const *settings)
{
    struct gn_config *c = gn_config_new();
    struct gn_error err = {0};
    for (; *settings; settings += 2) {
        if (strcmp(settings[0], "log.levels") == 0) {
            json_decref(c->log_levels);
            c->log_levels = json_loads(settings[1], 0, NULL);
        } else {
            cr_assert_eq(gn_config_set(c, settings[0], settings[1], &err), 0, "%s", err.text);
        }
    }
    cr_assert_eq(gn_stderr_log_configure(f->log, c, &err), 0, "%s", err.text);
    gn_config_free(c);
}

#define SETTINGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void open_log(struct fixture *f, const char *const *settings)
{
    f->path = gn_test_write_file(gn_test_tmpdir(), "out", "", 0);
    f->fd = open(f->path, O_WRONLY | O_APPEND);
    f->log = gn_stderr_log_new(f->fd, GN_INFO, false);
    f->got = GN_BUF_INIT(1 << 20);
    configure(f, settings);
}

static void close_log(struct fixture *f, const char *expected)
{
    gn_stderr_log_free(f->log);
    close(f->fd);
    cr_assert_eq(gn_read_file(f->path, &f->got), 0);
    cr_assert_str_eq(gn_buf_str(&f->got), expected);
    gn_buf_release(&f->got);
}

static void bind_two(void *arg, uint32_t bind, gn_bound_fn *add, void *to)
{
    (void)arg;
    gantry_value id = gantry_value_text("7");
    id.type = GN_VALUE_RAW;
    if (bind & GN_BIND_REQUEST_ID)
        add(to, "request_id", &id);
    gantry_value tenant = gantry_value_text("acme"), secret = gantry_value_text("x");
    add(to, "tenant", &tenant);
    add(to, "password", &secret);
}

Test(record, fields_keep_their_types)
{
    struct fixture f;
    struct gn_json_doc doc;
    open_log(&f, SETTINGS("log.format", "json", "log.processors", "[level]"));
    cr_assert_eq(gn_json_parse_copy(&doc, "{\"a\":[1]}", 9, NULL, NULL), 0);
    struct gn_record r = {
        .level = GN_NOTICE,
        .component = "hello/greet",
        .instance = "hello",
        .category = "database",
        .text = "done",
        .user_visible = true,
        .fields = GANTRY_FIELDS("n", -5, "d", 0.5, "b", (bool)true, "t", "a \"b\"", "null",
                                gantry_value_text(NULL), "j", gantry_value_json(gn_json_root(&doc)),
                                "nan", (double)NAN, "message", 1, "p", gantry_value_pointer(&doc),
                                "raw", ((gantry_value){0x100, 0, {"}"}})),
    };
    gn_log_record(f.log, &r);
    configure(&f, SETTINGS("log.processors", "[level]"));
    gn_log_record(f.log, &r);
    gn_json_release(&doc);
    close_log(&f,
              "{\"level\":\"notice\",\"component\":\"hello/greet\",\"logger\":\"database\","
              "\"message\":\"done\",\"user_visible\":true,\"n\":-5,\"d\":0.5,\"b\":true,"
              "\"t\":\"a \\\"b\\\"\",\"null\":null,\"j\":{\"a\":[1]},\"nan\":null,\"message_\":1}\n"
              "notice  hello/greet: done logger=database user_visible=true n=-5 d=0.5 b=true "
              "t=\"a \\\"b\\\"\" null=\"\" j={\"a\":[1]} nan=null message=1\n");
}

Test(record, processors_run_in_their_order)
{
    struct fixture f;
    struct gn_record r = {.level = GN_INFO,
                          .component = "x",
                          .text = "Bearer abc1",
                          .fields = GANTRY_FIELDS("token", 5, "tenant", "own"),
                          .each_bound = bind_two};
    open_log(&f, SETTINGS("log.processors", "[scope, redact, level]"));
    gn_log_record(f.log, &r);
    configure(&f, SETTINGS("log.processors", "[redact, scope]"));
    gn_log_record(f.log, &r);
    configure(&f, SETTINGS("log.processors", "[level]"));
    gn_log_record(f.log, &r);
    configure(&f, SETTINGS("log.processors", "[scope]", "log.bind", "[]"));
    gn_log_record(f.log, &r);
    configure(&f, SETTINGS("log.processors", "[redact]", "log.redact", "[tenant]"));
    gn_log_record(f.log, &r);
    close_log(&f, "info    x: Bearer [redacted] token=[redacted] tenant=own request_id=7 "
                  "password=[redacted]\n"
                  "x: Bearer [redacted] token=[redacted] tenant=own request_id=7 password=x\n"
                  "info    x: Bearer abc1 token=5 tenant=own\n"
                  "x: Bearer abc1 token=5 tenant=own password=x\n"
                  "x: Bearer [redacted] token=5 tenant=[redacted]\n");
}

Test(record, lines_of_plain_text_pass_the_processors_too)
{
    struct fixture f;
    open_log(&f, SETTINGS("log.processors", "[redact, level]"));
    gn_log_with(f.log, GN_WARNING, "http", GN_LOG_FIELDS({"Cookie", "a"}, {"url", "http://a:b@c/"}),
                "password=%d", 5);
    close_log(&f,
              "warning http: password=[redacted] Cookie=[redacted] url=http://a:[redacted]@c/\n");
}

Test(record, fields_without_end_are_left_out_and_counted)
{
    struct fixture f;
    gantry_field fields[GN_EVENT_FIELDS + 11] = {0};
    for (size_t i = 0; i < GN_COUNT(fields) - 1; i++)
        fields[i] = (gantry_field){"k", GANTRY_VALUE((int)i)};
    struct gn_record r = {.level = GN_INFO, .component = "x", .text = "t", .fields = fields};
    open_log(&f, SETTINGS("log.processors", "[]"));
    gn_log_record(f.log, &r);
    gn_stderr_log_free(f.log);
    close(f.fd);
    cr_assert_eq(gn_read_file(f.path, &f.got), 0);
    cr_assert(gn_ends_with(f.got.data, " k=95 fields_left_out=10\n"), "%s", f.got.data);
    gn_buf_release(&f.got);
}

Test(record, a_line_that_is_too_long_goes_without_its_fields)
{
    struct fixture f;
    size_t size = 100 << 10;
    GN_AUTO_FREE char *big = gn_malloc(size);
    memset(big, 1, size - 1);
    big[size - 1] = '\0';
    struct gn_record r = {.level = GN_INFO,
                          .component = "x",
                          .text = "t",
                          .fields = GANTRY_FIELDS("a", big, "b", big, "c", big)};
    open_log(&f, SETTINGS("log.processors", "[]"));
    gn_log_record(f.log, &r);
    close_log(&f, "x: t fields_left_out=3\n");
}

/* ---------------------------------------------------------------- levels */

static void assert_wants(struct fixture *f, enum gn_level level, const char *instance,
                         const char *category, bool host)
{
    bool client;
    cr_assert_eq(gn_log_wants(f->log, level, instance, category, -1, &client), host,
                 "%d %s %s: expected %d", (int)level, instance, category ? category : "", host);
    cr_assert_not(client);
}

Test(record, the_most_specific_level_decides)
{
    struct fixture f;
    open_log(&f, SETTINGS("log.level", "notice", "log.levels",
                          "{\"database\": \"debug\", \"hello\": \"error\"}"));
    assert_wants(&f, GN_INFO, "other", NULL, false);
    assert_wants(&f, GN_NOTICE, "other", NULL, true);
    assert_wants(&f, GN_WARNING, "hello", NULL, false);
    assert_wants(&f, GN_WARNING, "hello/greet", NULL, false);
    assert_wants(&f, GN_ERROR, "hello", NULL, true);
    assert_wants(&f, GN_DEBUG, "hello", "database", true);
    assert_wants(&f, GN_DEBUG, "other", "database", true);
    assert_wants(&f, GN_WARNING, "hello", "auth", false);
    cr_assert_eq(gn_log_set_level(f.log, "hello", NULL, GN_INFO), 0);
    assert_wants(&f, GN_INFO, "hello", NULL, true);
    assert_wants(&f, GN_DEBUG, "hello", "database", false);
    assert_wants(&f, GN_DEBUG, "other", "database", true);
    cr_assert_eq(gn_log_set_level(f.log, "hello", "database", GN_CRITICAL), 0);
    assert_wants(&f, GN_ERROR, "hello", "database", false);
    assert_wants(&f, GN_INFO, "hello", "auth", true);
    cr_assert_eq(gn_log_set_level(f.log, "hello", "database", -1), 0);
    assert_wants(&f, GN_INFO, "hello", "database", true);
    configure(&f, SETTINGS("log.level", "error"));
    assert_wants(&f, GN_WARNING, "hello", "database", false);
    assert_wants(&f, GN_ERROR, "hello", NULL, true);
    close_log(&f, "");
}

Test(record, lines_of_the_host_go_by_the_names_of_its_parts)
{
    struct fixture f;
    open_log(&f, SETTINGS("log.level", "warning", "log.processors", "[]", "log.levels",
                          "{\"http\": \"debug\", \"hello\": \"error\"}"));
    gn_log(f.log, GN_DEBUG, "http", "yes");
    gn_log(f.log, GN_DEBUG, "config", "no");
    gn_log(f.log, GN_WARNING, "hello/greet", "no");
    gn_log(f.log, GN_ERROR, "hello/greet", "yes");
    gn_log(f.log, GN_WARNING, NULL, "yes");
    close_log(&f, "http: yes\nhello/greet: yes\nyes\n");
}

Test(record, a_client_has_its_own_level_and_what_is_named_goes_for_both)
{
    struct fixture f;
    bool client;
    open_log(&f, SETTINGS("log.level", "error", "log.levels", "{\"database\": \"warning\"}"));
    cr_assert_not(gn_log_wants(f.log, GN_INFO, "hello", NULL, GN_INFO, &client));
    cr_assert(client);
    cr_assert_not(gn_log_wants(f.log, GN_INFO, "hello", NULL, GN_NOTICE, &client));
    cr_assert_not(client);
    cr_assert_not(gn_log_wants(f.log, GN_INFO, "hello", "database", GN_DEBUG, &client));
    cr_assert_not(client);
    cr_assert(gn_log_wants(f.log, GN_WARNING, "hello", "database", GN_DEBUG, &client));
    cr_assert(client);
    cr_assert(gn_log_wants(f.log, GN_WARNING, "hello", "database", GN_ERROR, &client));
    cr_assert_not(client);
    configure(&f, SETTINGS("log.client.enabled", "false"));
    cr_assert(gn_log_wants(f.log, GN_ERROR, "hello", NULL, GN_DEBUG, &client));
    cr_assert_not(client);
    close_log(&f, "");
}

Test(record, levels_set_at_run_time_are_bounded)
{
    struct fixture f;
    open_log(&f, SETTINGS("log.level", "info"));
    char category[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(category, sizeof(category), "c%d", i);
        cr_assert_eq(gn_log_set_level(f.log, "hello", category, GN_DEBUG), 0);
    }
    cr_assert_eq(gn_log_set_level(f.log, "hello", "one more", GN_DEBUG), GN_ETOOBIG);
    cr_assert_eq(gn_log_set_level(f.log, "hello", "c5", GN_ERROR), 0);
    cr_assert_eq(gn_log_set_level(f.log, "hello", "c5", -1), 0);
    cr_assert_eq(gn_log_set_level(f.log, "hello", "one more", GN_DEBUG), 0);
    char *name = gn_malloc(1000);
    memset(name, 'x', 999);
    name[999] = '\0';
    cr_assert_eq(gn_log_set_level(f.log, "hello", name, GN_DEBUG), GN_ETOOBIG);
    assert_wants(&f, GN_DEBUG, "hello", name, false);
    gn_free(name);
    close_log(&f, "");
}

/* ---------------------------------------------------------------- outputs */

Test(record, a_file_has_a_format_of_its_own)
{
    struct fixture f;
    GN_AUTO_FREE char *path = gn_path_join(gn_test_tmpdir(), "file");
    open_log(&f, SETTINGS("log.file", path, "log.processors", "[level]"));
    gn_log(f.log, GN_INFO, "x", "one");
    configure(&f, SETTINGS("log.file", path, "log.processors", "[level]", "log.stderr", "false"));
    gn_log(f.log, GN_INFO, "x", "two");
    configure(&f,
              SETTINGS("log.file", path, "log.processors", "[level]", "log.file_format", "text"));
    gn_log(f.log, GN_INFO, "x", "three");
    configure(&f, SETTINGS("log.processors", "[level]", "log.stderr", "false"));
    gn_log(f.log, GN_INFO, "x", "four");
    close_log(&f, "info    x: one\ninfo    x: three\ninfo    x: four\n");
    struct gn_buf got = GN_BUF_INIT(1 << 20);
    cr_assert_eq(gn_read_file(path, &got), 0);
    cr_assert_str_eq(gn_buf_str(&got),
                     "{\"level\":\"info\",\"component\":\"x\",\"message\":\"one\"}\n"
                     "{\"level\":\"info\",\"component\":\"x\",\"message\":\"two\"}\n"
                     "info    x: three\n");
    gn_buf_release(&got);
}

Test(record, a_file_that_is_full_is_told_of_on_standard_error_once)
{
    struct fixture f;
    open_log(&f,
             SETTINGS("log.file", "/dev/full", "log.processors", "[level]", "log.stderr", "false"));
    gn_log(f.log, GN_INFO, "x", "one");
    gn_log(f.log, GN_INFO, "x", "two");
    close_log(&f, "warning log: log.file cannot be written to: No space left on device\n");
}

Test(record, a_file_that_cannot_be_opened_leaves_the_one_before)
{
    struct fixture f;
    GN_AUTO_FREE char *path = gn_path_join(gn_test_tmpdir(), "file");
    open_log(&f, SETTINGS("log.file", path, "log.processors", "[]", "log.stderr", "false"));
    gn_log(f.log, GN_INFO, "x", "one");
    struct gn_config *c = gn_config_new();
    struct gn_error err = {0};
    cr_assert_eq(gn_config_set(c, "log.file", "/nonexistent/x", &err), 0);
    cr_assert_eq(gn_config_set(c, "log.processors", "[level]", &err), 0);
    cr_assert_eq(gn_config_set(c, "log.stderr", "false", &err), 0);
    cr_assert_lt(gn_stderr_log_configure(f.log, c, &err), 0);
    cr_assert(gn_starts_with(err.text, "log.file: /nonexistent/x cannot be written to: "));
    gn_config_free(c);
    gn_log(f.log, GN_INFO, "x", "two");
    close_log(&f, "");
    struct gn_buf got = GN_BUF_INIT(1 << 20);
    cr_assert_eq(gn_read_file(path, &got), 0);
    cr_assert(strstr(gn_buf_str(&got), "\"two\""));
    gn_buf_release(&got);
}

static size_t count_fields(const gantry_field *fields)
{
    size_t n = 0;
    while (fields[n].key)
        n++;
    return n;
}

Test(record, fields_are_written_as_up_to_sixteen_pairs)
{
    size_t big = SIZE_MAX;
    const gantry_field *fields = GANTRY_FIELDS(
        "a", 1, "b", "two", "c", 3.5, "d", GANTRY_TRUE, "e", (bool)(1 > 2), "f", big, "g", 7, "h",
        8, "i", 9, "j", 10, "k", 11, "l", 12, "m", 13, "n", 14, "o", 15, "p", gantry_value_int(16));
    cr_assert_eq(count_fields(GANTRY_FIELDS()), 0);
    cr_assert_eq(count_fields(GANTRY_FIELDS("a", 1)), 1);
    cr_assert_eq(count_fields(fields), 16);
    static const uint32_t types[] = {GANTRY_VALUE_INT,  GANTRY_VALUE_TEXT, GANTRY_VALUE_NUM,
                                     GANTRY_VALUE_BOOL, GANTRY_VALUE_BOOL, GANTRY_VALUE_INT};
    for (size_t i = 0; i < GN_COUNT(types); i++)
        cr_assert_eq(fields[i].value.type, types[i], "%s", fields[i].key);
    cr_assert_eq(fields[5].value.as.integer, INT64_MAX);
    cr_assert_str_eq(fields[15].key, "p");
    cr_assert_eq(fields[15].value.as.integer, 16);
}
