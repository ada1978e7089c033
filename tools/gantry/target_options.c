/* target_options.c - what the options and the target on the command line mean to the client. */
#include "target.h"

#include "util/alloc.h"
#include "util/log.h"
#include "util/str.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_TIMEOUT_MS (5u * 60 * 1000)
#define CONNECT_MS 30000u
#define PROBE_MS 12000u /* that a program may keep silent before it is asked in another way */
#define WATCH_RETRIES 8 /* of a connection that was lost, in a row */
#define RETRIES_MAX 1000
#define TEXTS_MAX 4096

static const char *const outputs[] = {"text", "json", "jsonl", NULL};
static const char *const transports[] = {"auto", "streamable", "sse", NULL};

/* ---------------------------------------------------------------- texts */

/* Adds a copy to a NULL-terminated list of texts. */
static void add_text(char ***list, const char *text)
{
    size_t n = 0;
    while (*list && (*list)[n])
        n++;
    *list = gn_realloc(*list, (n + 2) * sizeof(char *));
    (*list)[n] = gn_strdup(text);
    (*list)[n + 1] = NULL;
}

static void add_texts(char ***list, const char *const *texts)
{
    for (; texts && *texts; texts++)
        add_text(list, *texts);
}

static void free_texts(char **list)
{
    for (char **at = list; at && *at; at++)
        gn_free(*at);
    gn_free(list);
}

/* Adds all that an option was given. */
static void add_given(char ***list, const struct gn_cli_args *args, const char *option)
{
    for (size_t i = 0; i < args->given_count; i++) {
        if (gn_streq(args->given[i].option->name, option))
            add_text(list, args->given[i].value);
    }
}

/* ---------------------------------------------------------------- numbers, files */

bool gn_target_duration(const struct gn_cli *cli, const struct gn_cli_args *args,
                        const char *option, uint32_t *ret)
{
    const char *value = gn_cli_value(args, option);
    uint64_t ms = 0;
    if (!value)
        return true;
    if (!gn_parse_duration(value, &ms) || ms == 0 || ms > INT32_MAX) {
        gn_cli_usage(cli, "option --%s is a duration (30s, 5m), not \"%s\"", option, value);
        return false;
    }
    *ret = (uint32_t)ms;
    return true;
}

static int read_times(struct gn_target *t, gantry_client_options *o)
{
    const char *retries = gn_cli_value(t->args, "retries");
    int64_t n = t->watches ? WATCH_RETRIES : 0;
    o->timeout_ms = DEFAULT_TIMEOUT_MS;
    if (!gn_target_duration(t->cli, t->args, "timeout", &o->timeout_ms))
        return GN_EXIT_USAGE;
    t->timeout_ms = o->timeout_ms;
    if (retries && (!gn_parse_int64(retries, &n) || n < 0 || n > RETRIES_MAX))
        return gn_cli_usage(t->cli, "option --retries is a number up to %d, not \"%s\"",
                            RETRIES_MAX, retries);
    o->retries = o->restarts = n ? (uint32_t)n : GANTRY_CLIENT_NONE;
    o->total_timeout_ms = GANTRY_CLIENT_NONE;
    o->connect_timeout_ms = CONNECT_MS;
    if (gn_cli_has(t->args, "timeout"))
        o->connect_timeout_ms = o->timeout_ms + (o->command ? PROBE_MS : 0);
    return 0;
}

/* A file that must be there. */
static int read_file_option(struct gn_target *t, const char *option, const char **ret)
{
    *ret = gn_cli_value(t->args, option);
    if (*ret && access(*ret, R_OK) != 0)
        return gn_cli_usage(t->cli, "option --%s: %s: %s", option, *ret, strerror(errno));
    return 0;
}

/* ---------------------------------------------------------------- the way to the server */

static int read_headers(struct gn_target *t, gantry_client_options *o)
{
    const struct gn_cli_args *args = t->args;
    for (size_t i = 0; i < args->given_count; i++) {
        const char *value = args->given[i].value, *colon = value ? strchr(value, ':') : NULL;
        if (!gn_streq(args->given[i].option->name, "header"))
            continue;
        if (!colon || colon == value || strpbrk(value, "\r\n"))
            return gn_cli_usage(t->cli, "option --header is 'NAME: VALUE', not \"%s\"", value);
        if (gn_cli_has(args, "token") && strncasecmp(value, "authorization:", 14) == 0)
            return gn_cli_usage(t->cli, "option --token is the header Authorization, which "
                                        "--header gives, too: one of them is too many");
    }
    add_texts(&t->headers, (const char *const *)t->server.headers);
    add_given(&t->headers, args, "header");
    const char *token = gn_cli_value(args, "token");
    /* One for all servers is not for those that have their own entry. */
    o->token = token ? token : t->server.name ? NULL : getenv("GANTRY_TOKEN");
    if (o->token && (!*o->token || strpbrk(o->token, " \r\n")))
        return gn_cli_usage(t->cli, "%s: a token is not empty and has no blanks",
                            token ? "option --token" : "GANTRY_TOKEN in the environment");
    o->headers = (const char *const *)t->headers;
    return 0;
}

static int read_way(struct gn_target *t, gantry_client_options *o)
{
    struct gn_error err = {0};
    int transport = gn_cli_choice(t->args, "transport", transports, &err);
    if (transport < 0)
        return gn_cli_usage(t->cli, "%s", err.text);
    if (gn_cli_has(t->args, "transport") && o->url && gn_starts_with(o->url, "ws"))
        return gn_cli_usage(t->cli, "option --transport is for http and https");
    if (gn_cli_has(t->args, "transport"))
        o->transport = (gantry_client_transport)transport;
    o->proxy = gn_cli_value(t->args, "proxy");
    int rc = read_file_option(t, "cacert", &o->ca_file);
    if (!rc)
        rc = read_file_option(t, "cert", &o->certificate_file);
    if (!rc)
        rc = read_file_option(t, "key", &o->key_file);
    if (!rc && o->key_file && !o->certificate_file)
        rc = gn_cli_usage(t->cli, "option --key goes with --cert");
    return rc ? rc : read_headers(t, o);
}

static int read_program(struct gn_target *t, gantry_client_options *o)
{
    const struct gn_cli_args *args = t->args;
    for (size_t i = 0; i < args->given_count; i++) {
        const char *value = args->given[i].value;
        if (gn_streq(args->given[i].option->name, "env") && (*value == '=' || !strchr(value, '=')))
            return gn_cli_usage(t->cli, "option --env is NAME=VALUE, not \"%s\"", value);
    }
    add_texts(&t->environment, o->environment);
    add_given(&t->environment, args, "env");
    o->environment = (const char *const *)t->environment;
    const char *directory = gn_cli_value(args, "directory");
    struct stat st;
    if (directory && (stat(directory, &st) != 0 || !S_ISDIR(st.st_mode)))
        return gn_cli_usage(t->cli, "option --directory: there is no folder %s", directory);
    if (directory)
        o->directory = directory;
    return 0;
}

static int is_for(const struct gn_target *t, const char *const *options, const char *what)
{
    for (; *options; options++) {
        if (gn_cli_has(t->args, *options))
            return gn_cli_usage(t->cli, "option --%s is for %s", *options, what);
    }
    return 0;
}

static bool is_url(const char *word)
{
    static const char *const beginnings[] = {"http://", "https://", "ws://", "wss://", "unix:"};
    for (size_t i = 0; i < GN_COUNT(beginnings); i++) {
        if (gn_starts_with(word, beginnings[i]))
            return true;
    }
    return false;
}

static int find_server(struct gn_target *t, const char *name, gantry_client_options *o)
{
    struct gn_error err = {0};
    if (strpbrk(name, "/:") && !gn_cli_has(t->args, "servers"))
        return gn_cli_usage(t->cli,
                            "\"%s\" is no target: write http://HOST:PORT/mcp, unix:PATH, the name "
                            "of a server, or put -- COMMAND at the end",
                            name);
    if (gn_servers_find(gn_cli_value(t->args, "servers"), name, &t->server, &err))
        return gn_cli_usage(t->cli, "\"%s\" is no target: %s", name, err.text);
    if (t->server.note)
        gn_cli_fail(t->cli, 0, "%s", t->server.note);
    gn_server_apply(&t->server, o);
    return 0;
}

static int find_target(struct gn_target *t, gantry_client_options *o)
{
    t->words = t->args->words;
    t->word_count = t->args->word_count;
    if (t->args->tail) {
        if (!t->args->tail[0] || !*t->args->tail[0])
            return gn_cli_usage(t->cli, "no command stands behind \"--\"");
        o->command = (const char *const *)t->args->tail;
        return 0;
    }
    if (t->word_count == 0)
        return gn_cli_usage(t->cli, "needs a target: the URL or name of a server, or -- COMMAND");
    const char *word = t->words[0];
    t->words++;
    t->word_count--;
    if (!is_url(word))
        return find_server(t, word, o);
    o->url = word;
    return 0;
}

static int read_target(struct gn_target *t, gantry_client_options *o)
{
    static const char *const of_programs[] = {"env", "directory", NULL};
    static const char *const of_urls[] = {"header", "token",     "cacert", "cert",
                                          "key",    "transport", "proxy",  NULL};
    int rc = find_target(t, o);
    if (!rc)
        rc = o->command ? is_for(t, of_urls, "servers with a URL")
                        : is_for(t, of_programs, "servers that are a command");
    if (!rc)
        rc = o->command ? read_program(t, o) : read_way(t, o);
    return rc;
}

/* ---------------------------------------------------------------- questions, roots, output */

static int read_elicit(struct gn_target *t)
{
    static const char *const ways[] = {"ask", "accept", "decline", "cancel", NULL};
    add_given(&t->elicit, t->args, "elicit");
    if (!t->elicit && gn_person_can_answer())
        add_text(&t->elicit, "ask");
    for (char **at = t->elicit; at && *at; at++) {
        struct gn_json_doc doc = {0};
        bool known = gn_json_parse_copy(&doc, *at, strlen(*at), NULL, NULL) == 0 &&
                     gn_json_type(gn_json_root(&doc)) == GN_JSON_OBJECT;
        gn_json_release(&doc);
        for (size_t i = 0; ways[i]; i++)
            known = known || gn_streq(*at, ways[i]);
        if (!known)
            return gn_cli_usage(t->cli,
                                "option --elicit is ask, accept, decline, cancel or a JSON object: "
                                "'{\"name\": \"Ada\"}', not \"%s\"",
                                *at);
        if (gn_streq(*at, "ask") && !gn_person_can_answer())
            return gn_cli_usage(t->cli, "option --elicit ask: there is no terminal at which "
                                        "somebody could be asked");
    }
    return 0;
}

static int read_roots(struct gn_target *t, gantry_client_options *o)
{
    const struct gn_cli_args *args = t->args;
    t->roots = gn_calloc(args->given_count + 1, sizeof(*t->roots));
    for (size_t i = 0; i < args->given_count; i++) {
        const char *value = args->given[i].value;
        char path[PATH_MAX];
        if (!gn_streq(args->given[i].option->name, "root"))
            continue;
        if (!gn_starts_with(value, "file://") && !realpath(value, path))
            return gn_cli_usage(t->cli, "option --root: %s: %s", value, strerror(errno));
        t->roots[t->root_count++].uri = gn_strdup(gn_starts_with(value, "file://") ? value : path);
    }
    o->roots = t->roots;
    o->root_count = t->root_count;
    return 0;
}

static int read_output(struct gn_target *t, gantry_client_options *o)
{
    struct gn_error err = {0};
    int output = gn_cli_choice(t->args, "output", outputs, &err);
    if (output < 0)
        return gn_cli_usage(t->cli, "%s", err.text);
    t->output = (enum gn_output)output;
    if (t->output != GN_OUTPUT_TEXT && gn_cli_has(t->args, "save"))
        return gn_cli_usage(t->cli, "option --save is for people: --output %s has the bytes in it",
                            outputs[output]);
    o->log_level = gn_cli_value(t->args, "log");
    if (o->log_level && gn_level_parse(o->log_level) < 0)
        return gn_cli_usage(t->cli,
                            "option --log is a level (debug, info, notice, warning, error, ...)");
    t->shows_log = o->log_level;
    static const char *const samplings[] = {"ask", "always", NULL};
    int sampling = gn_cli_choice(t->args, "sampling", samplings, &err);
    if (sampling < 0)
        return gn_cli_usage(t->cli, "%s", err.text);
    t->samples_unasked = sampling == 1;
    t->sampling_command = gn_cli_value(t->args, "sampling-command");
    if (t->sampling_command && !*t->sampling_command)
        return gn_cli_usage(t->cli, "option --sampling-command is empty");
    return 0;
}

/* ---------------------------------------------------------------- interface */

int gn_target_options(struct gn_target *t, gantry_client_options *o)
{
    o->name = "gantry";
    o->version = GANTRY_VERSION;
    o->revision = gn_cli_value(t->args, "revision");
    int rc = read_output(t, o);
    if (!rc)
        rc = read_elicit(t);
    if (!rc)
        rc = read_roots(t, o);
    if (!rc)
        rc = read_target(t, o);
    if (!rc)
        rc = read_times(t, o);
    t->has_program = o->command != NULL;
    return rc;
}

void gn_target_options_release(struct gn_target *t)
{
    for (size_t i = 0; i < t->root_count; i++)
        gn_free((char *)(uintptr_t)t->roots[i].uri);
    gn_free(t->roots);
    free_texts(t->headers);
    free_texts(t->environment);
    free_texts(t->elicit);
    gn_server_release(&t->server);
}

char *gn_target_message(const char *message)
{
    static const struct {
        const char *theirs, *ours;
    } words[] = {
        {"ca_file", "--cacert"},        {"certificate_file", "--cert"}, {"key_file", "--key"},
        {"revision: ", "--revision: "}, {"proxy: ", "--proxy: "},
    };
    struct gn_buf out = GN_BUF_INIT(SIZE_MAX / 2);
    while (*message) {
        size_t i = 0;
        while (i < GN_COUNT(words) && !gn_starts_with(message, words[i].theirs))
            i++;
        if (i < GN_COUNT(words)) {
            gn_buf_adds(&out, words[i].ours);
            message += strlen(words[i].theirs);
        } else {
            gn_buf_addc(&out, *message++);
        }
    }
    return gn_buf_take(&out, NULL);
}
