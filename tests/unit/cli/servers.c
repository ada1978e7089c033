/* servers.c - servers by name: which file counts, what an entry says, what is refused. */
#include "servers.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

GN_SUITE(cli_servers);

static const char *home;

/* A home with nothing in it, and a project below it, in which we are. */
static void begin(void)
{
    static char project[4096];
    home = gn_test_tmpdir();
    snprintf(project, sizeof(project), "%s/code/project", home);
    GN_AUTO_FREE char *code = gn_path_join(home, "code");
    cr_assert_eq(mkdir(code, 0755), 0);
    cr_assert_eq(mkdir(project, 0755), 0);
    cr_assert_eq(chdir(project), 0);
    setenv("HOME", home, 1);
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("CLAUDE_CONFIG_DIR");
    unsetenv("GANTRY_TEST_UNSET");
    setenv("GANTRY_TEST_SET", "value", 1);
}

/* A file below the home folder. */
static void write_file(const char *path, const char *text)
{
    GN_AUTO_FREE char *own = gn_path_join(home, path);
    for (char *at = own + strlen(home) + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        mkdir(own, 0755);
        *at = '/';
    }
    char *slash = strrchr(own, '/');
    *slash = '\0';
    gn_test_write_file(own, slash + 1, text, strlen(text));
}

static struct gn_server find(const char *name)
{
    struct gn_server s;
    struct gn_error err = {0};
    cr_assert_eq(gn_servers_find(NULL, name, &s, &err), 0, "%s", err.text);
    return s;
}

static void expect_error(const char *config, const char *name, const char *hint)
{
    struct gn_server s;
    struct gn_error err = {0};
    cr_assert_neq(gn_servers_find(config, name, &s, &err), 0, "%s was found", name);
    cr_expect(strstr(err.text, hint), "\"%s\" does not say \"%s\"", err.text, hint);
}

Test(cli_servers, reads_a_program_with_all_it_has)
{
    begin();
    write_file(
        ".config/gantry/servers.json",
        "{\"mcpServers\": {\"a\": {\"command\": \"${GANTRY_TEST_SET}/x\", "
        "\"args\": [\"${GANTRY_TEST_UNSET:-other}\", \"$5 ${} ${\", \"${env:HOME}\"], "
        "\"env\": {\"N\": 1, \"B\": true, \"Z\": null, \"T\": \"a=b\"}, \"cwd\": \"/tmp\"}}}");
    struct gn_server s = find("a");
    static const char *const args[] = {"value/x", "other", "$5 ${} ${"};
    for (size_t i = 0; i < GN_COUNT(args); i++)
        cr_expect_str_eq(s.command[i], args[i]);
    cr_expect_str_eq(s.command[3], home);
    cr_expect_null(s.command[4]);
    cr_expect_str_eq(s.environment[0], "N=1");
    cr_expect_str_eq(s.environment[1], "B=true");
    cr_expect_str_eq(s.environment[2], "T=a=b");
    cr_expect_null(s.environment[3]);
    cr_expect_str_eq(s.directory, "/tmp");
    cr_expect_null(s.note);
    gn_server_release(&s);
}

Test(cli_servers, knows_how_transports_are_written)
{
    static const struct {
        const char *entry, *url;
        gantry_client_transport transport;
    } cases[] = {
        {"{\"url\": \"http://h/\"}", "http://h/", GANTRY_TRANSPORT_AUTO},
        {"{\"httpUrl\": \"http://h/\"}", "http://h/", GANTRY_TRANSPORT_STREAMABLE},
        {"{\"serverUrl\": \"http://h/\"}", "http://h/", GANTRY_TRANSPORT_AUTO},
        {"{\"type\": \"sse\", \"url\": \"http://h/\"}", "http://h/", GANTRY_TRANSPORT_SSE},
        {"{\"transport\": \"sse\", \"url\": \"http://h/\"}", "http://h/", GANTRY_TRANSPORT_SSE},
        {"{\"type\": \"streamable-http\", \"url\": \"http://h/\"}", "http://h/",
         GANTRY_TRANSPORT_STREAMABLE},
        {"{\"type\": \"ws\", \"url\": \"https://h/\"}", "wss://h/", GANTRY_TRANSPORT_AUTO},
        {"{\"type\": \"http\", \"url\": \"unix:///run/x\"}", "unix:/run/x", GANTRY_TRANSPORT_AUTO},
        {"{\"type\": \"http\", \"url\": \"http://h/\", \"command\": \"x\"}", "http://h/",
         GANTRY_TRANSPORT_AUTO},
    };
    begin();
    for (size_t i = 0; i < GN_COUNT(cases); i++) {
        GN_AUTO_FREE char *text = gn_format("{\"mcpServers\": {\"a\": %s}}", cases[i].entry);
        write_file(".config/gantry/servers.json", text);
        struct gn_server s = find("a");
        cr_expect_str_eq(s.url, cases[i].url, "%s", cases[i].entry);
        cr_expect_eq(s.transport, cases[i].transport, "%s", cases[i].entry);
        cr_expect_null(s.command);
        gn_server_release(&s);
    }
}

Test(cli_servers, replaces_variables_as_each_client_does)
{
    begin();
    write_file(".config/Claude/claude_desktop_config.json",
               "{\"mcpServers\": {\"desktop\": {\"command\": \"${HOME}\"}}}");
    write_file(".cursor/mcp.json", "{\"mcpServers\": {\"cursor\": {\"command\": \"${HOME}\", "
                                   "\"args\": [\"${env:GANTRY_TEST_SET}\", \"${userHome}\"]}}}");
    write_file(
        ".gemini/settings.json",
        "{\"mcpServers\": {\"gemini\": {\"command\": \"$GANTRY_TEST_SET-$GANTRY_TEST_UNSET\","
        "\"args\": [\"${GANTRY_TEST_UNSET}\"]}}}");
    write_file("code/project/.vscode/mcp.json",
               "{ /* ours */ \"servers\": {\"code\": {\"type\": \"stdio\", \"command\": \"x\", "
               "\"args\": [\"${workspaceFolder}\", \"${input:k}\", \"${input:d}\"],},},\n"
               "\"inputs\": [{\"id\": \"d\", \"default\": \"usual\"}] }");
    setenv("GANTRY_INPUT_K", "typed", 1);
    struct gn_server s = find("desktop");
    cr_expect_str_eq(s.command[0], "${HOME}");
    gn_server_release(&s);
    s = find("cursor");
    cr_expect_str_eq(s.command[0], "${HOME}");
    cr_expect_str_eq(s.command[1], "value");
    cr_expect_str_eq(s.command[2], home);
    gn_server_release(&s);
    s = find("gemini");
    cr_expect_str_eq(s.command[0], "value-$GANTRY_TEST_UNSET");
    cr_expect_str_eq(s.command[1], "${GANTRY_TEST_UNSET}");
    gn_server_release(&s);
    s = find("code");
    cr_expect_str_eq(gn_path_base(s.command[1]), "project");
    cr_expect_str_eq(s.command[2], "typed");
    cr_expect_str_eq(s.command[3], "usual");
    cr_expect_str_eq(s.directory, s.command[1]);
    gn_server_release(&s);
    unsetenv("GANTRY_INPUT_K");
    expect_error(NULL, "code", "GANTRY_INPUT_K");
}

Test(cli_servers, does_not_look_into_what_a_variable_says)
{
    begin();
    setenv("GANTRY_TEST_SET", "${HOME} $HOME", 1);
    write_file(".gemini/settings.json", "{\"mcpServers\": {\"a\": {\"command\": \"x\", \"args\": "
                                        "[\"${GANTRY_TEST_SET}\"]}}}");
    struct gn_server s = find("a");
    cr_expect_str_eq(s.command[1], "${HOME} $HOME");
    gn_server_release(&s);
}

Test(cli_servers, takes_the_users_own_before_the_projects_and_says_so)
{
    begin();
    write_file("code/project/.mcp.json", "{\"mcpServers\": {\"a\": {\"command\": \"near\"}, "
                                         "\"b\": {\"command\": \"near\"}}}");
    write_file("code/.mcp.json", "{\"mcpServers\": {\"b\": {\"command\": \"above\"}, "
                                 "\"c\": {\"command\": \"above\", \"cwd\": \"sub\"}}}");
    write_file(".cursor/mcp.json", "{\"mcpServers\": {\"a\": {\"command\": \"own\"}}}");
    struct gn_server s = find("a");
    cr_expect_str_eq(s.command[0], "own");
    cr_expect(strstr(s.note, "/.mcp.json, too"), "%s", s.note);
    cr_expect_null(s.directory);
    gn_server_release(&s);
    s = find("b");
    cr_expect_str_eq(s.command[0], "near");
    cr_expect_str_eq(gn_path_base(s.directory), "project");
    gn_server_release(&s);
    s = find("c");
    cr_expect_str_eq(s.command[0], "above");
    cr_expect(gn_ends_with(s.directory, "/code/sub"));
    gn_server_release(&s);
}

Test(cli_servers, knows_what_claude_code_keeps_for_one_project)
{
    begin();
    GN_AUTO_FREE char *here = gn_known_folder(NULL);
    GN_AUTO_FREE char *text = gn_format("{\"projects\": {\"%s\": {\"mcpServers\": {\"mine\": "
                                        "{\"type\": \"stdio\", \"command\": \"x\"}}}, \"/other\": "
                                        "{\"mcpServers\": {\"theirs\": {\"command\": \"y\"}}}}}",
                                        here);
    write_file(".claude.json", text);
    struct gn_server s = find("mine");
    cr_expect_str_eq(s.command[0], "x");
    gn_server_release(&s);
    expect_error(NULL, "theirs", "there is mine");
}

Test(cli_servers, reads_variables_from_a_file_beside)
{
    begin();
    write_file("code/project/.env", "# ours\n\nexport A=1\nB = 'two # words' # said\r\n"
                                    "C=\"x\\ny\"\nD=plain # not this\nE=\n F=own\n");
    write_file("code/project/.cursor/mcp.json",
               "{\"mcpServers\": {\"a\": {\"command\": \"x\", \"envFile\": \".env\", "
               "\"env\": {\"F\": \"entry\"}}, \"b\": {\"command\": \"x\", \"envFile\": "
               "\"${workspaceFolder}/none\"}}}");
    static const char *const expected[] = {"F=entry", "A=1",     "B=two # words",
                                           "C=x\ny",  "D=plain", "E="};
    struct gn_server s = find("a");
    for (size_t i = 0; i < GN_COUNT(expected); i++)
        cr_expect_str_eq(s.environment[i], expected[i]);
    cr_expect_null(s.environment[GN_COUNT(expected)]);
    gn_server_release(&s);
    expect_error(NULL, "b", "mcpServers.b.envFile: ");
    expect_error(NULL, "b", "/none: No such file");
    write_file("code/project/.env", "A=1\ns3cret\n");
    expect_error(NULL, "a", ".env: line 2 is not NAME=VALUE");
}

Test(cli_servers, passes_over_disabled_entries)
{
    begin();
    write_file(".cursor/mcp.json", "{\"mcpServers\": {\"a\": {\"command\": \"off\", \"disabled\": "
                                   "true}, \"b\": {\"command\": \"off\", \"enabled\": false}}}");
    write_file(".gemini/settings.json", "{\"mcpServers\": {\"a\": {\"command\": \"on\"}}}");
    struct gn_server s = find("a");
    cr_expect_str_eq(s.command[0], "on");
    cr_expect(strstr(s.note, "(disabled)"), "%s", s.note);
    gn_server_release(&s);
    expect_error(NULL, "b", "mcpServers.b is disabled");
}

Test(cli_servers, names_file_and_key_of_what_is_wrong)
{
    static const struct {
        const char *entry, *hint;
    } cases[] = {
        {"1", "mcpServers.a: must be an object, not integer"},
        {"{}", "neither command nor url"},
        {"{\"command\": \"x\", \"url\": \"y\"}", "both command and url"},
        {"{\"type\": \"carrier\", \"url\": \"y\"}", "mcpServers.a.type: is none of"},
        {"{\"type\": \"http\", \"command\": \"y\"}", "no url"},
        {"{\"type\": \"stdio\", \"url\": \"y\"}", "no command"},
        {"{\"command\": \"\"}", "mcpServers.a.command: is empty"},
        {"{\"command\": [\"x\"]}", "mcpServers.a.command: must be a text, not array"},
        {"{\"command\": \"x\", \"args\": \"y\"}",
         "mcpServers.a.args: must be an array, not string"},
        {"{\"command\": \"x\", \"args\": [\"y\", {}]}",
         "mcpServers.a.args[1]: must be a text, not object"},
        {"{\"command\": \"x\\u0000y\"}", "a text with a NUL"},
        {"{\"command\": \"x\", \"env\": []}", "mcpServers.a.env: must be an object, not array"},
        {"{\"command\": \"x\", \"env\": {\"A=B\": \"secret\"}}", "is no name of a variable"},
        {"{\"command\": \"x\", \"env\": {\"A\": {}}}", "mcpServers.a.env.A: must be a text"},
        {"{\"url\": \"x\", \"headers\": {\"A\": \"secret\\r\\nB: c\"}}", "has a line break"},
        {"{\"url\": \"x\", \"headers\": {\"A b\": \"secret\"}}", "is no name of a header"},
        {"{\"command\": \"${GANTRY_TEST_UNSET}\"}", "GANTRY_TEST_UNSET is not set"},
        {"{\"command\": \"x\", \"cwd\": 7}", "mcpServers.a.cwd: must be a text"},
    };
    begin();
    for (size_t i = 0; i < GN_COUNT(cases); i++) {
        GN_AUTO_FREE char *text = gn_format("{\"mcpServers\": {\"a\": %s}}", cases[i].entry);
        const char *file = gn_test_write_file(home, "some.json", text, strlen(text));
        struct gn_server s;
        struct gn_error err = {0};
        cr_assert_eq(gn_servers_find(file, "a", &s, &err), GN_EINVAL, "%s", cases[i].entry);
        cr_expect(strstr(err.text, cases[i].hint), "%s: \"%s\"", cases[i].entry, err.text);
        cr_expect(gn_starts_with(err.text, file) && !strstr(err.text, "secret"), "%s", err.text);
    }
}

Test(cli_servers, reads_any_file_that_is_named)
{
    begin();
    static const char text[] = "{\"servers\": {\"a\": {\"command\": \"x\"}}}";
    const char *file = gn_test_write_file(home, "any.json", text, strlen(text));
    struct gn_server s;
    cr_assert_eq(gn_servers_find(file, "a", &s, NULL), 0);
    gn_server_release(&s);
    expect_error(file, "b", "there is a");
    expect_error("/nowhere/x.json", "a", "/nowhere/x.json: No such file");
    expect_error(home, "a", "no regular file");
    expect_error(gn_test_write_file(home, "bad.json", "{\n\"a\"", 5), "a", "line 2");
}

Test(cli_servers, a_file_that_cannot_be_read_stops_nothing_else)
{
    begin();
    write_file(".cursor/mcp.json", "{\"mcpServers\": ");
    write_file(".gemini/settings.json", "{\"mcpServers\": {\"a\": {\"command\": \"x\"}, \"\": 3}}");
    GN_AUTO_FREE char *fifo = gn_path_join(home, "code/.mcp.json");
    cr_assert_eq(mkfifo(fifo, 0600), 0);
    struct gn_server s = find("a");
    gn_server_release(&s);
    expect_error(NULL, "b", "passed over: ");
    expect_error(NULL, "b", "mcp.json: not JSON");
}

Test(cli_servers, does_not_trust_a_projects_file_of_somebody_else)
{
    begin();
    write_file("code/.mcp.json", "{\"mcpServers\": {\"a\": {\"command\": \"x\"}}}");
    GN_AUTO_FREE char *path = gn_path_join(home, "code/.mcp.json");
    if (geteuid() != 0 || chown(path, 12345, 12345) != 0)
        cr_skip_test("only root can give a file away");
    expect_error(NULL, "a", "belongs to another user");
}

Test(cli_servers, survives_thousands_of_names)
{
    begin();
    struct gn_buf text = GN_BUF_INIT(1 << 22);
    gn_buf_adds(&text, "{\"mcpServers\": {\"first\": {\"command\": \"x\"}");
    for (int i = 0; i < 3000; i++)
        gn_buf_addf(&text, ", \"name%d\": {\"command\": \"x\"}", i);
    gn_buf_adds(&text, "}}");
    write_file(".cursor/mcp.json", gn_buf_str(&text));
    gn_buf_release(&text);
    struct gn_server s = find("name2999");
    gn_server_release(&s);
    expect_error(NULL, "frist", "did you mean \"first\"");
    expect_error(NULL, "frist", "...");
}
