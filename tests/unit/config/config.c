/* config.c - files, defaults, messages; table and etc/gantry.yaml say the same. */
#include "config/config.h"

#include "config/keys.h"
#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY_OF_ONES "1111111111111111111111111111111111111111111111111111111111111111"

GN_SUITE(config);

static const char *write_config(const char *text)
{
    return gn_test_write_file(gn_test_tmpdir(), "gantry.yaml", text, strlen(text));
}

static struct gn_config *load(const char *text)
{
    struct gn_buf problems = GN_BUF_INIT(64 * 1024);
    struct gn_config *c = gn_config_load(write_config(text), &problems);
    cr_assert(c, "%s", gn_buf_str(&problems));
    cr_assert_eq(problems.len, 0);
    gn_buf_release(&problems);
    return c;
}

/* The text is refused with exactly these lines, "FILE:" before each. */
static void assert_problems(const char *text, const char *const *expected)
{
    const char *path = write_config(text);
    struct gn_buf problems = GN_BUF_INIT(64 * 1024), all = GN_BUF_INIT(64 * 1024);
    cr_assert_null(gn_config_load(path, &problems));
    for (; *expected; expected++)
        gn_buf_addf(&all, "%s:%s\n", path, *expected);
    cr_assert_str_eq(gn_buf_str(&problems), gn_buf_str(&all));
    gn_buf_release(&problems);
    gn_buf_release(&all);
}
#define PROBLEMS(text, ...) assert_problems(text, (const char *const[]){__VA_ARGS__, NULL})

static void assert_invalid(const char *text, const char *expected)
{
    struct gn_config *c = load(text);
    struct gn_buf problems = GN_BUF_INIT(64 * 1024);
    cr_assert_eq(gn_config_validate(c, &problems), GN_EINVAL);
    cr_assert(strstr(gn_buf_str(&problems), expected), "%s", gn_buf_str(&problems));
    gn_buf_release(&problems);
    gn_config_free(c);
}

static void assert_valid(const char *text)
{
    struct gn_config *c = load(text);
    struct gn_buf problems = GN_BUF_INIT(64 * 1024);
    cr_assert_eq(gn_config_validate(c, &problems), 0, "%s", gn_buf_str(&problems));
    gn_buf_release(&problems);
    gn_config_free(c);
}

/* etc/gantry.yaml with the # before each key removed. */
static void documented(struct gn_buf *out)
{
    struct gn_buf text = GN_BUF_INIT(1 << 20);
    cr_assert_eq(gn_read_file(TEST_SOURCE_DIR "/etc/gantry.yaml", &text), 0);
    for (const char *line = gn_buf_str(&text); *line;) {
        size_t len = strcspn(line, "\n"), blanks = strspn(line, " ");
        if (line[blanks] == '#' && line[blanks + 1] >= 'a' && line[blanks + 1] <= 'z') {
            gn_buf_add(out, line, blanks);
            gn_buf_add(out, line + blanks + 1, len - blanks - 1);
        } else {
            gn_buf_add(out, line, len);
        }
        gn_buf_addc(out, '\n');
        line += len + (line[len] == '\n');
    }
    gn_buf_release(&text);
}

/* A value as the table writes it. */
static void show(const struct gn_yaml *v, struct gn_buf *out)
{
    if (v->kind == GN_YAML_TEXT) {
        gn_buf_adds(out, v->text);
        return;
    }
    gn_buf_addc(out, v->kind == GN_YAML_LIST ? '[' : '{');
    for (const struct gn_yaml *item = v->first; item; item = item->next)
        gn_buf_addf(out, "%s%s", item->text, item->next ? ", " : "");
    gn_buf_addc(out, v->kind == GN_YAML_LIST ? ']' : '}');
}

static void check_documented(const struct gn_yaml *map, const char *prefix, size_t *count)
{
    for (const struct gn_yaml *v = map->first; v; v = v->next) {
        GN_AUTO_FREE char *name = gn_format("%s%s", prefix, v->name);
        const struct gn_config_key *key = gn_config_find_key(gn_config_keys, name);
        if (!key) {
            cr_assert_eq(v->kind, GN_YAML_MAP, "line %d: %s is in no table", v->line, name);
            GN_AUTO_FREE char *section = gn_format("%s.", name);
            check_documented(v, section, count);
            continue;
        }
        ++*count;
        struct gn_buf shown = GN_BUF_INIT(4096);
        show(v, &shown);
        cr_assert_str_eq(gn_buf_str(&shown), key->fallback,
                         "line %d: %s is %s in the file, %s in the table", v->line, name,
                         gn_buf_str(&shown), key->fallback);
        gn_buf_release(&shown);
    }
}

Test(config, documented_defaults_are_those_of_the_table)
{
    struct gn_buf text = GN_BUF_INIT(1 << 20), problems = GN_BUF_INIT(4096);
    struct gn_yaml_report report = {.file = "etc/gantry.yaml", .problems = &problems};
    struct gn_arena arena;
    documented(&text);
    gn_arena_init(&arena, GN_YAML_ARENA);
    struct gn_yaml *root = gn_yaml_parse(&arena, gn_buf_str(&text), text.len, &report);
    cr_assert(root && report.count == 0, "%s", gn_buf_str(&problems));
    size_t count = 0, rows = 0;
    check_documented(root, "", &count);
    while (gn_config_keys[rows].name)
        rows++;
    cr_assert_eq(count, rows, "the file has %zu of the table's %zu keys", count, rows);
    gn_arena_release(&arena);
    struct gn_config *c = load(gn_buf_str(&text));
    gn_config_free(c);
    gn_buf_release(&text);
    gn_buf_release(&problems);
}

Test(config, examples_in_the_documentation_are_right)
{
    struct gn_buf text = GN_BUF_INIT(1 << 20), out = GN_BUF_INIT(1 << 20);
    cr_assert_eq(gn_read_file(TEST_SOURCE_DIR "/etc/gantry.yaml", &text), 0);
    /* Examples are comments that are set in by four blanks more than prose. */
    const char *first = strstr(gn_buf_str(&text), "\nserver:");
    cr_assert(first);
    for (const char *line = first + 1; *line;) {
        size_t len = strcspn(line, "\n"), blanks = strspn(line, " ");
        if (gn_starts_with(line + blanks, "#     ")) {
            gn_buf_add(&out, line, blanks);
            gn_buf_add(&out, line + blanks + 6, len - blanks - 6);
            gn_buf_addc(&out, '\n');
        } else if (blanks == 0 && line[0] >= 'a' && line[0] <= 'z') {
            gn_buf_add(&out, line, len);
            gn_buf_addc(&out, '\n');
        }
        line += len + (line[len] == '\n');
    }
    struct gn_config *c = load(gn_buf_str(&out));
    cr_assert_eq(c->listener_count, 5);
    cr_assert_eq(c->token_count, 1);
    cr_assert_eq(c->instance_count, 2);
    cr_assert_str_eq(c->instances[1].name, "documents");
    gn_config_free(c);
    gn_buf_release(&text);
    gn_buf_release(&out);
}

Test(config, defaults_are_those_of_the_design)
{
    struct gn_config *c = gn_config_new();
    cr_assert_str_eq(c->name, "gantry");
    cr_assert_null(c->title);
    cr_assert_eq(c->list_ttl_ms, 5000);
    cr_assert_str_eq(c->path, "/mcp");
    cr_assert_eq(c->listener_count, 0);
    cr_assert(c->allowed_hosts && !c->allowed_hosts[0]);
    cr_assert(c->plugin_dirs && !c->plugin_dirs[0]);
    cr_assert(c->discover && c->watch && c->probe && !c->insecure && !c->stdio);
    cr_assert_eq(c->log_level, GN_INFO);
    cr_assert_not(c->log_json);
    cr_assert_eq(c->max_body, 4u << 20);
    cr_assert_eq(c->max_bodies_in_flight, 256u << 20);
    cr_assert_eq(c->max_output_in_flight, 256u << 20);
    cr_assert_eq(c->max_line, 10u << 20);
    cr_assert_eq(c->max_json_depth, 128);
    cr_assert_eq(c->max_headers, 16u << 10);
    cr_assert_eq(c->max_connections, 10000);
    cr_assert_eq(c->session_idle_ms, 30u * 60 * 1000);
    cr_assert_eq(c->max_calls, 1024);
    cr_assert_eq(c->max_queued_calls, 4096);
    cr_assert_eq(c->workers, 4);
    cr_assert_eq(c->drain_ms, 5000);
    cr_assert(c->coerce && c->assert_formats && !c->inline_references);
    cr_assert_eq(c->output_check, GN_OUTPUT_WARN);
    cr_assert(c->inline_for && !c->inline_for[0]);
    cr_assert(c->ask_keys && !c->ask_keys[0]);
    cr_assert_eq(c->ask_max_state, 256u << 10);
    cr_assert_eq(c->ask_max_state_age_ms, 3600u * 1000);
    cr_assert_eq(c->ask_max_parked, 1000);
    cr_assert_eq(c->ask_max_parked_bytes, 64u << 20);
    cr_assert_eq(c->ask_max_parked_age_ms, 10u * 60 * 1000);
    struct gn_buf problems = GN_BUF_INIT(4096);
    cr_assert_eq(gn_config_validate(c, &problems), 0);
    gn_buf_release(&problems);
    gn_config_free(c);
    gn_config_free(NULL);
}

Test(config, empty_files_are_defaults)
{
    static const char *const texts[] = {"", "# nothing\n", "---\n",
                                        "server:\nhttp: ~\nlimits: null\n"};
    for (size_t i = 0; i < GN_COUNT(texts); i++) {
        struct gn_config *c = load(texts[i]);
        cr_assert_str_eq(c->name, "gantry");
        gn_config_free(c);
    }
}

Test(config, reads_every_type)
{
    struct gn_config *c = load("server:\n"
                               "  name: \"my server\"\n"
                               "  instructions: |\n"
                               "    First line.\n"
                               "    Second.\n"
                               "  call_timeout: 1500\n"
                               "  drain: 2m\n"
                               "stdio: true\n"
                               "http:\n"
                               "  allowed_origins: https://one.example\n"
                               "  allowed_hosts: [a.example, 'b.example:8443']\n"
                               "schema:\n"
                               "  coerce: false\n"
                               "  output: off\n"
                               "  formats: false\n"
                               "  references: inline\n"
                               "  inline_for: [old, new*]\n"
                               "log: {level: debug, format: json}\n"
                               "limits:\n"
                               "  max_body: 1 MiB\n"
                               "  max_line: 70000\n");
    cr_assert_str_eq(c->name, "my server");
    cr_assert_str_eq(c->instructions, "First line.\nSecond.\n");
    cr_assert_eq(c->call_timeout_ms, 1500);
    cr_assert_eq(c->drain_ms, 120000);
    cr_assert(c->stdio);
    cr_assert_str_eq(c->allowed_origins[0], "https://one.example");
    cr_assert_null(c->allowed_origins[1]);
    cr_assert_str_eq(c->allowed_hosts[1], "b.example:8443");
    cr_assert_null(c->allowed_hosts[2]);
    cr_assert(!c->coerce && !c->assert_formats && c->inline_references);
    cr_assert_eq(c->output_check, GN_OUTPUT_OFF);
    cr_assert_str_eq(c->inline_for[1], "new*");
    cr_assert_eq(c->log_level, GN_DEBUG);
    cr_assert(c->log_json);
    cr_assert_eq(c->max_body, 1u << 20);
    cr_assert_eq(c->max_line, 70000);
    gn_config_free(c);
}

Test(config, reads_listeners_tokens_and_instances)
{
    struct gn_config *c = load(
        "http:\n"
        "  listen:\n"
        "    - 127.0.0.1:0\n"
        "    - address: unix:sub/x.sock\n"
        "      socket_mode: \"0660\"\n"
        "auth:\n"
        "  tokens:\n"
        "    - principal: ci\n"
        "      hash: sha256:"
        "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08\n"
        "plugins:\n"
        "  - hello\n"
        "  - plugin: ./files.so\n"
        "    settings: {roots: [/srv, 'x y'], depth: 3, ratio: 1.5, id: 007, on: true, no: ~}\n"
        "    unload: never\n"
        "  - plugin: files.so\n"
        "    name: second\n"
        "    enabled: false\n");
    cr_assert_eq(c->listener_count, 2);
    cr_assert_str_eq(c->listeners[0].address, "127.0.0.1:0");
    cr_assert_eq(c->listeners[0].line, 3);
    cr_assert_eq(c->listeners[0].socket_mode, 0600);
    cr_assert(gn_starts_with(c->listeners[1].address, "unix:/"));
    cr_assert(gn_ends_with(c->listeners[1].address, "/sub/x.sock"));
    cr_assert_eq(c->listeners[1].socket_mode, 0660);
    cr_assert_eq(c->token_count, 1);
    cr_assert_str_eq(c->tokens[0].principal, "ci");
    cr_assert_str_eq(c->tokens[0].hash,
                     "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
    cr_assert_eq(c->instance_count, 3);
    cr_assert_str_eq(c->instances[0].plugin, "hello");
    cr_assert_str_eq(c->instances[0].name, "hello");
    cr_assert(c->instances[0].enabled && !c->instances[0].keep_loaded);
    cr_assert_eq(json_object_size(c->instances[0].settings), 0);
    cr_assert_eq(c->instances[1].plugin[0], '/');
    cr_assert_str_eq(c->instances[1].name, "files");
    cr_assert(c->instances[1].keep_loaded);
    cr_assert_eq(c->instances[1].line, 12);
    json_t *want = json_loads("{\"roots\": [\"/srv\", \"x y\"], \"depth\": 3, \"ratio\": 1.5, "
                              "\"id\": \"007\", \"on\": true, \"no\": null}",
                              0, NULL);
    cr_assert(json_equal(c->instances[1].settings, want));
    json_decref(want);
    cr_assert_str_eq(c->instances[2].plugin, "files");
    cr_assert_str_eq(c->instances[2].name, "second");
    cr_assert_not(c->instances[2].enabled);
    gn_config_free(c);
}

Test(config, says_all_that_is_wrong_at_once)
{
    PROBLEMS("limits:\n"
             "  max_boddy: 1\n"
             "  workers: 0\n"
             "  max_line: big\n"
             "  session_idle: 1 fortnight\n"
             "sevrer: {}\n"
             "log:\n"
             "  level: warn\n"
             "stdio: yes\n"
             "http: [1]\n"
             "plugins:\n"
             "  - name: x\n"
             "  - pluggin: y\n",
             "2: limits.max_boddy: unknown key, did you mean max_body?",
             "3: limits.workers: must be between 1 and 256, but is \"0\"",
             "4: limits.max_line: must be a size (64KiB, 4MiB, 1GiB, or a number of bytes), but is "
             "\"big\"",
             "5: limits.session_idle: must be a duration (250ms, 30s, 10m, 1h, or a number of "
             "milliseconds), but is \"1 fortnight\"",
             "6: sevrer: unknown key, did you mean server?",
             "8: log.level: must be one of debug, info, notice, warning, error, critical, alert, "
             "emergency, but is \"warn\"",
             "9: stdio: must be true or false, but is \"yes\"",
             "10: http: must be a mapping (\"key: value\")", "12: plugins[0]: plugin is missing",
             "13: plugins[1].pluggin: unknown key, did you mean plugin?");
    PROBLEMS(
        "schema: {output: warm, references: resolve}\n",
        "1: schema.output: must be one of warn, off, strict, but is \"warm\"; did you mean warn?",
        "1: schema.references: must be one of keep, inline, but is \"resolve\"");
    PROBLEMS("stdio: true\nauth: {verbosity: 3}\n",
             "2: auth.verbosity: unknown key; known here: tokens");
    PROBLEMS(
        "auth: {tokens: [{principal: a, token: secret}]}\n",
        "1: auth.tokens[0].token: a token does not belong in a file, its hash does: `gantry "
        "token --read` reads one and prints the line to write here, `gantry token` makes a new "
        "one");
    PROBLEMS("limits: {workers: -1, max_calls: {a: 1}}\n",
             "1: limits.workers: must be a whole number, 0 or more, but is \"-1\"",
             "1: limits.max_calls: must be a whole number, 0 or more, but is a mapping");
    PROBLEMS("limits: {max_headers: 1GiB, drain: 1s}\n",
             "1: limits.max_headers: must be between 1KiB and 1MiB, but is \"1GiB\"",
             "1: limits.drain: unknown key; known here: max_connections, max_headers, max_body, "
             "max_bodies_in_flight, max_line, max_json_depth, max_output_queue, "
             "max_output_in_flight, header_timeout, body_timeout, sse_keepalive, stream_after, "
             "max_sessions, session_idle, max_calls, max_queued_calls, max_subscriptions, "
             "max_resource_subscriptions, workers, max_background, background_timeout");
}

Test(config, a_wrong_hash_is_not_repeated)
{
    const char *path = write_config(
        "auth:\n  tokens:\n    - {principal: a, hash: my-secret-token}\n");
    struct gn_buf problems = GN_BUF_INIT(4096);
    cr_assert_null(gn_config_load(path, &problems));
    cr_assert(strstr(gn_buf_str(&problems), ":3: auth.tokens[0].hash: must be \"sha256:\" and 64"));
    cr_assert_null(strstr(gn_buf_str(&problems), "secret"));
    gn_buf_release(&problems);
}

#define KEY_BASE64 "b2xkIGtleSBvbGQga2V5IG9sZCBrZXkgb2xkIGtleSE="
#define KEY_HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

Test(config, reads_keys_that_states_are_sealed_with)
{
    setenv("GANTRY_TEST_KEY", KEY_HEX, 1);
    struct gn_config *c = load("ask:\n"
                               "  keys: ['" KEY_BASE64 "', \"${GANTRY_TEST_KEY}\"]\n"
                               "  max_parked: 0\n"
                               "  max_state_age: 30m\n");
    cr_assert_str_eq(c->ask_keys[0], KEY_BASE64);
    cr_assert_str_eq(c->ask_keys[1], KEY_HEX);
    cr_assert_null(c->ask_keys[2]);
    cr_assert_eq(c->ask_max_parked, 0);
    cr_assert_eq(c->ask_max_state_age_ms, 30u * 60 * 1000);
    struct gn_error err = {0};
    cr_assert_eq(gn_config_set(c, "ask.keys", "[" KEY_HEX "]", &err), 0, "%s", err.text);
    cr_assert_str_eq(c->ask_keys[0], KEY_HEX);
    cr_assert_eq(gn_config_set(c, "ask.keys", "[abcdef]", &err), GN_EINVAL);
    cr_assert_null(strstr(err.text, "abcdef"), "%s", err.text);
    gn_config_free(c);
    unsetenv("GANTRY_TEST_KEY");
}

Test(config, refuses_unusable_keys_and_does_not_repeat_them)
{
    PROBLEMS("ask:\n"
             "  keys:\n"
             "    - " KEY_HEX "\n"
             "    - my-secret\n"
             "    - [x]\n",
             "4: ask.keys: entry 1 must be 32 bytes in Base64 or hex, as `openssl rand -base64 32` "
             "prints",
             "5: ask.keys: entry 2 must be 32 bytes in Base64 or hex, as `openssl rand -base64 32` "
             "prints, but is a list");
    PROBLEMS("ask: {keys: [a, b, c, d, e, f, g, h, i]}\n",
             "1: ask.keys: must be a list of at most 8, each 32 bytes in Base64 or hex, as "
             "`openssl rand -base64 32` prints");
    PROBLEMS("ask: {keys: my-secret, key: other-secret}\n",
             "1: ask.keys: entry 0 must be 32 bytes in Base64 or hex, as `openssl rand -base64 32` "
             "prints",
             "1: ask.key: unknown key, did you mean keys?");
}

Test(config, unreadable_files_are_said)
{
    struct gn_buf problems = GN_BUF_INIT(4096);
    cr_assert_null(gn_config_load("/nonexistent/gantry.yaml", &problems));
    cr_assert_str_eq(gn_buf_str(&problems),
                     "/nonexistent/gantry.yaml: cannot be read: No such file or directory\n");
    gn_buf_clear(&problems);
    cr_assert_null(gn_config_load("/", &problems));
    cr_assert_str_eq(gn_buf_str(&problems), "/: cannot be read: Is a directory\n");
    gn_buf_clear(&problems);
    static char big[(1 << 20) + 1];
    memset(big, '#', sizeof(big));
    const char *path = gn_test_write_file(gn_test_tmpdir(), "big.yaml", big, sizeof(big));
    cr_assert_null(gn_config_load(path, &problems));
    cr_assert(strstr(gn_buf_str(&problems), "is larger than 1024 KiB"));
    gn_buf_release(&problems);
}

Test(config, validation_sees_more_than_one_key)
{
    assert_valid("http: {listen: ['127.0.0.1:0', '127.0.0.1:0', '[::1]:80', 'localhost:81']}");
    assert_invalid("http: {listen: ['0.0.0.0:80']}",
                   "gantry.yaml:1: http.listen[0]: 0.0.0.0:80 can be reached from other machines");
    assert_invalid("http: {listen: [':80']}", "can be reached from other machines");
    assert_invalid("http: {listen: ['example.org:80']}", "can be reached from other machines");
    assert_valid("http: {listen: ['0.0.0.0:80'], insecure: true}");
    assert_valid("http: {listen: ['0.0.0.0:80']}\n"
                 "auth: {tokens: [{principal: a, hash: 'sha256:"
                 "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'}]}");
    assert_valid("http: {listen: ['unix:/tmp/x.sock']}");
    assert_invalid("http: {listen: [{address: '127.0.0.1:1', tls: {key: k.pem}}]}",
                   "tls needs both certificate and key: certificate is missing");
    assert_invalid("http: {listen: [{address: '127.0.0.1:1', tls: {key: k.pem}}]}",
                   "k.pem cannot be read: No such file");
    assert_invalid("http: {listen: ['127.0.0.1:1', '127.0.0.1:1']}", "stands here twice");
    assert_invalid("http: {path: mcp}",
                   "gantry.yaml:1: http.path: must begin with a slash, as /mcp");
    assert_valid("metrics: {listen: '127.0.0.1:9464', path: /m, enabled: false}");
    assert_valid("metrics: {listen: 'unix:/tmp/m.sock', path: /mcp}");
    assert_valid("metrics: {listen: ':9464'}\nhttp: {insecure: true}");
    assert_valid("metrics: {enabled: false, path: /mcp}");
    assert_invalid("metrics: {listen: ':9464'}",
                   "gantry.yaml:1: metrics.listen: :9464 can be reached from other machines");
    /* Tokens are not asked for there, so they make it no better. */
    assert_invalid("metrics: {listen: ':9464'}\n"
                   "auth: {tokens: [{principal: a, hash: 'sha256:"
                   "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'}]}",
                   "can be reached from other machines");
    assert_invalid("metrics: {listen: '127.0.0.1:9'}\nhttp: {listen: ['127.0.0.1:9']}",
                   "is an address of http.listen");
    assert_invalid("metrics: {path: metrics}",
                   "gantry.yaml:1: metrics.path: must begin with a slash, as /metrics");
    assert_invalid("http: {sse_path: sse}",
                   "gantry.yaml:1: http.sse_path: must begin with a slash, as /sse");
    assert_invalid("http: {sse_path: /mcp}", "http.sse_path: the stream at /mcp and the messages");
    assert_invalid("http: {path: /messages}", "need other paths than http.path");
    assert_invalid("http: {sse_path: /old/messages}", "messages are sent to /old/messages");
    assert_invalid("http: {sse_path: /metrics}", "http.sse_path: /metrics is a page already");
    assert_invalid("http: {sse_path: /readyz}", "http.sse_path: /readyz is a page already");
    assert_invalid("http: {sse_path: /a/sse}\nmetrics: {path: /a/messages}",
                   "http.sse_path: /a/messages is a page already");
    assert_valid("http: {sse_path: /metrics}\nmetrics: {listen: '127.0.0.1:0'}");
    assert_valid("http: {sse_path: /metrics}\nmetrics: {enabled: false}");
    assert_invalid("http: {path: /healthz}",
                   "gantry.yaml:1: http.path: /healthz is a page already");
    assert_invalid("metrics: {path: /mcp}", "metrics.path: /mcp is http.path");
    assert_invalid("metrics: {path: /readyz}", "/readyz is a page already");
    assert_invalid("http: {allowed_origins: [example.org]}", "is not an origin");
    assert_invalid("http: {allowed_origins: ['https://example.org/']}", "is not an origin");
    assert_invalid("http:\n  path: /m?p",
                   "gantry.yaml:2: http.path: must be at most 255 printable");
    assert_invalid("http:\n  allowed_origins:\n    - '*'\n    - example.org",
                   "gantry.yaml:4: http.allowed_origins[1]: \"example.org\" is not an origin");
    assert_invalid("http:\n  allowed_hosts:\n    - a\n    - http://b",
                   "gantry.yaml:4: http.allowed_hosts[1]: \"http://b\" is not a host");
    assert_valid("http: {allowed_origins: ['*', 'https://example.org:8443']}");
    assert_invalid("http: {allowed_hosts: ['https://example.org']}", "is not a host");
    assert_valid("schema: {inline_for: ['*', 'acme-*', old]}");
    assert_invalid("schema: {inline_for: [old, 'a*b']}",
                   "schema.inline_for[1]: \"a*b\": a star stands for the rest of a name");
    assert_invalid("plugins: [hello, hello]", "is the second instance called hello");
    assert_valid("plugins: [hello, {plugin: hello, name: hello-2}]");
    assert_invalid("plugins: [{plugin: hello, name: a/b}]", "name \"a/b\" must be 1 to 64 of");
    assert_invalid("loading: {folders: [nowhere]}", "/nowhere: No such file or directory");
    assert_invalid("loading: {folders: [gantry.yaml]}", "is not a folder");
    assert_invalid("loading:\n  folders: nowhere", "gantry.yaml:2: loading.folders[0]: /");
    assert_invalid("tasks:\n  directory: /proc/nope/tasks",
                   "gantry.yaml:2: tasks.directory: /proc/nope/");
    assert_invalid("tasks:\n  directory: /dev/null",
                   "gantry.yaml:2: tasks.directory: /dev/null is not a folder");
    assert_invalid("ask:\n  keys: [\"" KEY_OF_ONES "\", \"" KEY_OF_ONES "\"]",
                   "gantry.yaml:2: ask.keys: entries 1 and 2 are the same key");
    assert_valid("loading: {folders: [.]}");
    assert_invalid("limits: {max_body: 4MiB, max_bodies_in_flight: 1MiB}",
                   "must not be smaller than limits.max_body");
    assert_invalid("limits: {max_output_queue: 4MiB, max_output_in_flight: 1MiB}",
                   "must not be smaller than limits.max_output_queue");
}

Test(config, what_the_command_line_gives_has_no_line)
{
    struct gn_config *c = load("http: {path: x}\nloading:\n  folders: [/a, /b]\n");
    struct gn_buf problems = GN_BUF_INIT(4096);
    struct gn_error err = {0};
    cr_assert_eq(gn_config_line(c, "http.path"), 1);
    cr_assert_eq(gn_config_line(c, "loading.folders[1]"), 3);
    cr_assert_eq(gn_config_line(c, "log.level"), 0);
    cr_assert_eq(gn_config_set(c, "http.path", "y", &err), 0);
    cr_assert_eq(gn_config_line(c, "http.path"), 0);
    cr_assert_eq(gn_config_set(c, "loading.folders", "[/]", &err), 0);
    cr_assert_eq(gn_config_add(c, "loading.folders", "/nowhere", &err), 0);
    cr_assert_eq(gn_config_line(c, "loading.folders[0]"), 0);
    cr_assert_eq(gn_config_line(c, "loading.folders[1]"), 0);
    cr_assert_eq(gn_config_validate(c, &problems), GN_EINVAL);
    cr_assert(strstr(gn_buf_str(&problems), "gantry.yaml: loading.folders[1]: /nowhere"), "%s",
              gn_buf_str(&problems));
    gn_buf_release(&problems);
    gn_config_free(c);
}

Test(config, paths_are_relative_to_the_file)
{
    const char *path = write_config("loading: {folders: [plugins, /abs], state_folder: state}\n");
    GN_AUTO_FREE char *folder = gn_strndup(path, (size_t)(strrchr(path, '/') - path));
    struct gn_buf problems = GN_BUF_INIT(4096);
    char before[4096];
    cr_assert(getcwd(before, sizeof(before)));
    cr_assert_eq(chdir(folder), 0);
    const char *const names[] = {path, "gantry.yaml", "./gantry.yaml"};
    for (size_t i = 0; i < GN_COUNT(names); i++) {
        struct gn_config *c = gn_config_load(names[i], &problems);
        cr_assert(c);
        char *dir = c->plugin_dirs[0];
        cr_assert_eq(*dir, '/');
        cr_assert(gn_ends_with(dir, "/plugins"), "%s", dir);
        cr_assert_str_eq(c->plugin_dirs[1], "/abs");
        cr_assert(gn_starts_with(c->state_dir, "/") && gn_ends_with(c->state_dir, "/state"));
        gn_config_free(c);
    }
    cr_assert_eq(chdir(before), 0);
    gn_buf_release(&problems);
}

Test(config, set_changes_one_key)
{
    struct gn_config *c = gn_config_new();
    struct gn_error err = {0};
    cr_assert_eq(gn_config_set(c, "log.level", "debug", &err), 0);
    cr_assert_eq(c->log_level, GN_DEBUG);
    cr_assert_eq(gn_config_set(c, "server.name", "true", &err), 0);
    cr_assert_str_eq(c->name, "true");
    cr_assert_eq(gn_config_set(c, "http.listen", "[127.0.0.1:1, {address: '[::1]:2'}]", &err), 0);
    cr_assert_eq(c->listener_count, 2);
    cr_assert_str_eq(c->listeners[1].address, "[::1]:2");
    cr_assert_eq(c->listeners[1].line, 0);
    cr_assert_eq(gn_config_set(c, "http.listen", "[]", &err), 0);
    cr_assert_eq(c->listener_count, 0);
    cr_assert_eq(gn_config_set(c, "log.levle", "debug", &err), GN_ENOENT);
    cr_assert_str_eq(err.text, "log.levle: unknown key, did you mean log.level?");
    cr_assert_eq(gn_config_set(c, "limits.workers", "many", &err), GN_EINVAL);
    cr_assert_str_eq(err.text,
                     "limits.workers: must be a whole number, 0 or more, but is \"many\"");
    cr_assert_eq(gn_config_set(c, "http.listen", "[", &err), GN_EINVAL);
    gn_config_free(c);
}

Test(config, add_appends_to_lists)
{
    struct gn_config *c = load("loading: {folders: [/one]}\nhttp: {listen: ['127.0.0.1:1']}\n");
    struct gn_error err = {0};
    cr_assert_eq(gn_config_add(c, "loading.folders", "/two", &err), 0);
    cr_assert_eq(gn_config_add(c, "loading.files", "x.so", &err), 0);
    cr_assert_eq(gn_config_add(c, "http.listen", "127.0.0.1:2", &err), 0);
    cr_assert_eq(gn_config_add(c, "plugins", "hello", &err), 0);
    cr_assert_str_eq(c->plugin_dirs[0], "/one");
    cr_assert_str_eq(c->plugin_dirs[1], "/two");
    cr_assert_null(c->plugin_dirs[2]);
    cr_assert_eq(c->plugin_files[0][0], '/');
    cr_assert_eq(c->listener_count, 2);
    cr_assert_str_eq(c->listeners[1].address, "127.0.0.1:2");
    cr_assert_eq(c->listeners[1].socket_mode, 0600);
    cr_assert_str_eq(c->instances[0].name, "hello");
    cr_assert_eq(gn_config_add(c, "http.listen", "8080", &err), GN_EINVAL);
    cr_assert_str_eq(err.text, "http.listen: \"8080\" has no host: write 127.0.0.1:8080");
    cr_assert_eq(gn_config_add(c, "log.level", "info", &err), GN_EINVAL);
    cr_assert_eq(gn_config_add(c, "auth.tokens", "secret", &err), GN_EINVAL);
    gn_config_free(c);
}

static void assert_address(const char *address, const char *host, int port, const char *path)
{
    struct gn_error err = {0};
    char *got_host, *got_path;
    int got_port;
    cr_assert_eq(gn_config_parse_address(address, &got_host, &got_port, &got_path, &err), 0, "%s",
                 err.text);
    cr_assert(gn_streq(got_host, host) && gn_streq(got_path, path), "%s", address);
    cr_assert_eq(got_port, port);
    gn_free(got_host);
    gn_free(got_path);
}

Test(config, addresses_are_split)
{
    assert_address("127.0.0.1:8080", "127.0.0.1", 8080, NULL);
    assert_address("localhost:0", "localhost", 0, NULL);
    assert_address("[::1]:65535", "::1", 65535, NULL);
    assert_address(":80", "", 80, NULL);
    assert_address("unix:/run/x.sock", NULL, 0, "/run/x.sock");
    static const char *const bad[] = {
        "",           "localhost",     "8080",    "::1:80",  "[::1]", "[nonsense]:1",
        "host:",      "host:65536",    "host:-1", "host:1x", "unix:", "a b:1",
        "http://x:1", "host:00000080", "x/y:1",
    };
    for (size_t i = 0; i < GN_COUNT(bad); i++) {
        char *host, *path;
        int port;
        struct gn_error err = {0};
        cr_assert_eq(gn_config_parse_address(bad[i], &host, &port, &path, &err), GN_EINVAL, "%s",
                     bad[i]);
        cr_assert(err.text[0] && !host && !path);
    }
    char *host, *path;
    int port;
    GN_AUTO_FREE char *longest = gn_format("unix:/%0200d", 0);
    cr_assert_eq(gn_config_parse_address(longest, &host, &port, &path, NULL), GN_EINVAL);
}

Test(config, loopback_is_told_from_the_rest)
{
    static const char *const yes[] = {"127.0.0.1",        "127.8.9.1", "::1",
                                      "::ffff:127.0.0.1", "localhost", "LocalHost"};
    static const char *const no[] = {
        "",         "0.0.0.0", "::", "10.0.0.1", "localhost.evil.example", "127.0.0.1.example",
        "128.0.0.1"};
    for (size_t i = 0; i < GN_COUNT(yes); i++)
        cr_assert(gn_config_is_loopback(yes[i]), "%s", yes[i]);
    for (size_t i = 0; i < GN_COUNT(no); i++)
        cr_assert_not(gn_config_is_loopback(no[i]), "%s", no[i]);
}

Test(config, the_log_names_only_what_there_is)
{
    assert_valid("log: {levels: {database: debug, hello: warning}, bind: [], redact: []}");
    assert_invalid("log: {levels: {database: loud}}",
                   "gantry.yaml:1: log.levels: database must have one of debug, info, notice");
    assert_invalid("log: {levels: {database: loud}}", "emergency, but has \"loud\"");
    assert_invalid("log: {levels: {database: 3}}", "log.levels: database must have one of");
    assert_invalid("log: {levels: {database: []}}", "emergency, but has something else");
    assert_invalid("log: {processors: [scope, redakt]}",
                   "log.processors[1]: \"redakt\" is not known; did you mean redact?");
    assert_invalid("log: {processors: [time, time]}", "\"time\" stands here twice");
    assert_invalid("log: {bind: [request]}",
                   "log.bind[0]: \"request\" is not known; known here: request_id, session_id, "
                   "client, principal, trace_id, transport, method, component");
    assert_invalid("log: {file: /tmp/x}\naudit: {file: /tmp/x}",
                   "gantry.yaml:2: audit.file: must not be the file that log.file names");
}

Test(config, lists_have_defaults_and_may_be_empty)
{
    struct gn_config *c = gn_config_new();
    cr_assert_str_eq(c->log_processors[1], "redact");
    cr_assert_str_eq(c->log_redact[0], "password");
    cr_assert_str_eq(c->log_bind[0], "request_id");
    cr_assert_null(c->log_file);
    gn_config_free(c);
    c = load("log: {redact: [], bind: principal}");
    cr_assert_null(c->log_redact[0]);
    cr_assert_str_eq(c->log_bind[0], "principal");
    cr_assert_null(c->log_bind[1]);
    gn_config_free(c);
}
