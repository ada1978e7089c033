/* target.c - options of the client's commands, connecting, lists, progress. */
#include "target.h"

#include "util/alloc.h"
#include "util/log.h"
#include "util/str.h"
#include "wire/jsonrpc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define DEFAULT_TIMEOUT_MS (5u * 60 * 1000)
#define PAGES_MAX 1000
#define LIST_MAX ((uint64_t)256 << 20) /* bytes of all pages */
#define BAR_WIDTH 20

static const char *const outputs[] = {"text", "json", NULL};

/* ---------------------------------------------------------------- while a request is under way */

static void clear_progress(struct gn_target *t)
{
    if (t->progress_shown)
        fputs("\r\033[K", stderr);
    t->progress_shown = false;
}

static void show_progress(struct gn_target *t, const json_t *params)
{
    if (!isatty(STDERR_FILENO))
        return;
    double done = json_number_value(json_object_get(params, "progress"));
    double total = json_number_value(json_object_get(params, "total"));
    const char *message = json_string_value(json_object_get(params, "message"));
    clear_progress(t);
    if (total > 0 && done >= 0) {
        int filled = done >= total ? BAR_WIDTH : (int)(done / total * BAR_WIDTH);
        fputc('[', stderr);
        for (int i = 0; i < BAR_WIDTH; i++)
            fputc(i < filled ? '#' : ' ', stderr);
        fprintf(stderr, "] %3.0f%%", done >= total ? 100.0 : done / total * 100);
    } else {
        fprintf(stderr, "%g", done);
    }
    if (message) {
        fputc(' ', stderr);
        /* Longer than a line would leave parts behind. */
        GN_AUTO_FREE char *cut = gn_strndup(message, gn_utf8_cut(message, strlen(message), 50));
        gn_cli_print_line(stderr, cut);
    }
    fflush(stderr);
    t->progress_shown = true;
}

static void show_log(struct gn_target *t, const json_t *params)
{
    const char *level = json_string_value(json_object_get(params, "level"));
    const char *logger = json_string_value(json_object_get(params, "logger"));
    const json_t *data = json_object_get(params, "data");
    const json_t *message = json_object_get(data, "message");
    const json_t *context = json_object_get(data, "context");
    bool is_gantry = json_is_string(message) && json_is_object(context); /* as gantry says it */
    const json_t *shown = is_gantry ? message : data;
    const json_t *more = is_gantry && json_object_size(context) ? context : NULL;
    char *text = json_is_string(shown) ? NULL : json_dumps(shown, JSON_COMPACT | JSON_ENCODE_ANY);
    char *fields = more ? json_dumps(more, JSON_COMPACT) : NULL;
    clear_progress(t);
    gn_cli_print_line(stderr, level ? level : "log");
    fputs(logger ? " " : "", stderr);
    gn_cli_print_line(stderr, logger ? logger : "");
    fputs(": ", stderr);
    gn_cli_print_line(stderr, text ? text : json_is_string(shown) ? json_string_value(shown) : "");
    fputs(fields ? " " : "", stderr);
    gn_cli_print_line(stderr, fields ? fields : "");
    fputc('\n', stderr);
    free(text);
    free(fields);
}

static void on_notification(void *arg, const char *method, const json_t *params)
{
    struct gn_target *t = arg;
    if (gn_streq(method, "notifications/progress"))
        show_progress(t, params);
    else if (t->shows_log && gn_streq(method, "notifications/message"))
        show_log(t, params);
}

static void on_words(void *arg, const char *line, size_t len)
{
    struct gn_target *t = arg;
    if (t->words_of_program.verbose)
        clear_progress(t);
    gn_words_add(&t->words_of_program, line, len);
}

static void on_nonsense(void *arg, const char *text)
{
    struct gn_target *t = arg;
    clear_progress(t);
    gn_cli_fail(t->cli, 0, "%s; the line is passed over", text);
}

static void on_ending(void *arg)
{
    struct gn_target *t = arg;
    t->words_of_program.is_ending = true;
}

/* ---------------------------------------------------------------- signals */

/* While the client waits, signals that would end the process only end the waiting, so that a
 * program that was started and a session that was opened are ended, too. */
static void prepare_signals(struct gn_target *t)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    sigemptyset(&t->held);
    for (size_t i = 0; i < GN_COUNT(numbers); i++) {
        struct sigaction action;
        if (sigaction(numbers[i], NULL, &action) == 0 && action.sa_handler == SIG_DFL)
            sigaddset(&t->held, numbers[i]);
    }
    t->stop_fd = signalfd(-1, &t->held, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void hold_signals(struct gn_target *t)
{
    if (!t->is_holding)
        sigprocmask(SIG_BLOCK, &t->held, &t->before);
    t->is_holding = true;
}

/* The signal that ended the waiting waits on, until all is closed. While a program that was started
 * runs they are held all the time: one between two waits would leave it behind. */
static void let_signals(struct gn_target *t)
{
    if (t->is_interrupted || (t->has_program && t->client))
        return;
    sigprocmask(SIG_SETMASK, &t->before, NULL);
    t->is_holding = false;
}

/* What went wrong with a request, unless a person did it. */
static int tell(struct gn_target *t, int rc, const struct gn_error *err)
{
    t->failed = true;
    if (err->code != GN_ECANCELED)
        return gn_cli_fail(t->cli, rc, "%s", err->text);
    t->is_interrupted = true;
    return rc;
}

/* ---------------------------------------------------------------- options */

static int read_headers(struct gn_target *t, const struct gn_cli_args *args)
{
    size_t n = 0;
    t->headers = gn_calloc(args->given_count + 1, sizeof(*t->headers));
    for (size_t i = 0; i < args->given_count; i++) {
        const char *value = args->given[i].value;
        if (!gn_streq(args->given[i].option->name, "header"))
            continue;
        const char *colon = strchr(value, ':');
        if (!colon || colon == value || strpbrk(value, "\r\n"))
            return gn_cli_usage(t->cli, "option --header is 'NAME: VALUE', not \"%s\"", value);
        t->headers[n++] = value;
    }
    return 0;
}

static int read_options(struct gn_target *t, const struct gn_cli_args *args,
                        struct gn_cli_client_options *o)
{
    struct gn_error err = {0};
    int output = gn_cli_choice(args, "output", outputs, &err);
    if (output < 0)
        return gn_cli_usage(t->cli, "%s", err.text);
    t->json = output == 1;
    const char *timeout = gn_cli_value(args, "timeout");
    uint64_t ms = DEFAULT_TIMEOUT_MS;
    if (timeout && (!gn_parse_duration(timeout, &ms) || ms == 0 || ms > INT32_MAX))
        return gn_cli_usage(t->cli, "option --timeout is a duration (30s, 5m), not \"%s\"",
                            timeout);
    o->timeout_ms = (uint32_t)ms;
    o->log_level = gn_cli_value(args, "log");
    if (o->log_level && gn_level_parse(o->log_level) < 0)
        return gn_cli_usage(t->cli,
                            "option --log is a level (debug, info, notice, warning, error, ...)");
    t->shows_log = o->log_level;
    o->cacert = gn_cli_value(args, "cacert");
    if (o->cacert && access(o->cacert, R_OK) != 0)
        return gn_cli_usage(t->cli, "option --cacert: %s: %s", o->cacert, strerror(errno));
    const char *token = gn_cli_value(args, "token");
    o->token = token ? token : getenv("GANTRY_TOKEN");
    if (o->token && (!*o->token || strpbrk(o->token, " \r\n")))
        return gn_cli_usage(t->cli, "a token is not empty and has no blanks");
    o->headers = t->headers;
    o->on_notification = on_notification;
    o->on_words = on_words;
    o->on_nonsense = on_nonsense;
    o->on_ending = on_ending;
    o->arg = t;
    o->stop_fd = t->stop_fd;
    gn_words_init(&t->words_of_program, gn_cli_has(args, "verbose"));
    return 0;
}

static int find_target(struct gn_target *t, const struct gn_cli_args *args,
                       struct gn_cli_client_options *o)
{
    t->words = args->words;
    t->word_count = args->word_count;
    if (args->tail) {
        if (!args->tail[0])
            return gn_cli_usage(t->cli, "no command stands behind \"--\"");
        o->command = args->tail;
        t->has_program = true;
        return 0;
    }
    if (t->word_count == 0)
        return gn_cli_usage(t->cli, "needs a target: the URL of a server, or -- COMMAND");
    o->url = t->words[0];
    t->words++;
    t->word_count--;
    if (gn_starts_with(o->url, "http://") || gn_starts_with(o->url, "https://") ||
        gn_starts_with(o->url, "unix:"))
        return 0;
    return gn_cli_usage(t->cli,
                        "\"%s\" is no target: write http://HOST:PORT/mcp, unix:PATH, or put "
                        "-- COMMAND at the end",
                        o->url);
}

/* ---------------------------------------------------------------- interface */

int gn_target_open(struct gn_target *t, const struct gn_cli *cli, const struct gn_cli_args *args,
                   size_t words, const char *what)
{
    *t = (struct gn_target){.cli = cli};
    prepare_signals(t);
    struct gn_cli_client_options options = {0};
    struct gn_error err = {0};
    int rc = read_headers(t, args);
    if (!rc)
        rc = read_options(t, args, &options);
    if (!rc)
        rc = find_target(t, args, &options);
    if (!rc && t->word_count < words)
        rc = gn_cli_usage(cli, "needs %s", what);
    if (!rc) {
        hold_signals(t);
        rc = gn_cli_client_open(&options, &t->client, &err);
        if (rc)
            tell(t, rc, &err);
        let_signals(t);
    }
    if (rc)
        gn_target_close(t);
    return rc;
}

void gn_target_close(struct gn_target *t)
{
    hold_signals(t);
    gn_cli_client_close(t->client);
    clear_progress(t);
    fflush(stdout);
    if (!t->is_interrupted)
        gn_words_print(&t->words_of_program, t->failed);
    gn_words_release(&t->words_of_program);
    gn_free(t->headers);
    sigprocmask(SIG_SETMASK, &t->before, NULL); /* a signal that has waited ends the process here */
    if (t->stop_fd >= 0)
        close(t->stop_fd);
    *t = (struct gn_target){0};
}

int gn_target_request(struct gn_target *t, const char *method, const json_t *params,
                      const char *name, const char *const *headers, json_t **ret_result)
{
    struct gn_error err = {0};
    hold_signals(t);
    int rc = gn_cli_client_request(t->client, method, params, name, headers, ret_result, &err);
    clear_progress(t);
    if (rc)
        tell(t, rc, &err);
    let_signals(t);
    return rc;
}

static int bad_list(const char *method, const char *what, struct gn_error *err)
{
    gn_error_set(err, GN_EPROTO, "%s: the server %s", method, what);
    return GN_EXIT_PROTOCOL;
}

/* All pages, appended to items. */
static int read_pages(struct gn_target *t, const char *method, const char *member, json_t *items,
                      struct gn_error *err)
{
    uint64_t before = gn_cli_client_received(t->client);
    json_t *params = NULL;
    int rc = 0;
    bool more = true;
    for (int page = 0; more && rc == 0; page++) {
        json_t *result = NULL;
        rc = gn_cli_client_request(t->client, method, params, NULL, NULL, &result, err);
        json_array_extend(items, json_object_get(result, member));
        json_t *cursor = json_object_get(result, "nextCursor");
        more = json_is_string(cursor);
        if (more && json_equal(cursor, json_object_get(params, "cursor")))
            rc = bad_list(method, "gives the same page again and again", err);
        else if (more && page == PAGES_MAX)
            rc = bad_list(method, "finds no end of its pages", err);
        else if (more && gn_cli_client_received(t->client) - before > LIST_MAX)
            rc = bad_list(method, "has more than this client can hold", err);
        json_decref(params);
        params = more ? json_pack("{s:O}", "cursor", cursor) : NULL;
        json_decref(result);
    }
    json_decref(params);
    return rc;
}

int gn_target_list(struct gn_target *t, const char *method, const char *member, json_t **ret_items)
{
    struct gn_error err = {0};
    json_t *items = json_array();
    hold_signals(t);
    int rc = read_pages(t, method, member, items, &err);
    clear_progress(t);
    json_int_t code = json_integer_value(json_object_get(gn_cli_client_error(t->client), "code"));
    if (rc && code == GN_RPC_METHOD_NOT_FOUND)
        rc = 0; /* a server without this kind */
    if (rc)
        tell(t, rc, &err);
    let_signals(t);
    if (rc)
        json_decref(items);
    else
        *ret_items = items;
    return rc;
}

const json_t *gn_target_find(struct gn_target *t, const json_t *items, const char *what,
                             const char *name)
{
    size_t count = json_array_size(items), n = 0;
    const char **names = gn_calloc(count + 1, sizeof(*names));
    const json_t *found = NULL;
    for (size_t i = 0; i < count && !found; i++) {
        const json_t *item = json_array_get(items, i);
        const char *other = json_string_value(json_object_get(item, "name"));
        if (gn_streq(other, name))
            found = item;
        else if (other)
            names[n++] = other;
    }
    if (!found) {
        t->failed = true;
        const char *near = gn_nearest(name, names);
        gn_cli_fail(t->cli, 0, "the server has no %s called \"%s\"%s%s%s", what, name,
                    near ? ", did you mean " : "", near ? near : "", near ? "?" : "");
    }
    gn_free(names);
    return found;
}
