/* install_entry.c - what gantry install enters: a URL, a command, or this gantry itself. */
#include "install.h"

#include "util/alloc.h"
#include "util/str.h"

#include <ctype.h>
#include <curl/curl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRY_MAX ((size_t)1 << 20)
#define NAME_MAX_ 100

struct maker {
    const struct gn_cli *cli;
    const struct gn_cli_args *args;
    const struct gn_known_client *kind;
    struct gn_buf json;
    struct gn_jw w;
    char *name; /* that it would have. Owned */
};

/* ---------------------------------------------------------------- files */

static bool is_file(const char *path, int mode)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, mode) == 0;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* From the root, without "." and "..", links as they are. Owned by the caller. */
static char *make_absolute(const char *path)
{
    char folder[PATH_MAX];
    if (*path == '/' || !getcwd(folder, sizeof(folder)))
        return gn_strdup(path);
    while (gn_starts_with(path, "./"))
        path += 2 + strspn(path + 2, "/");
    if (gn_streq(path, ".") || !*path)
        return gn_strdup(folder);
    if (gn_starts_with(path, "../") || gn_streq(path, "..")) {
        char real[PATH_MAX];
        GN_AUTO_FREE char *parent = gn_path_join(folder, "..");
        if (realpath(parent, real)) {
            const char *rest = path + 2 + strspn(path + 2, "/");
            return *rest ? gn_path_join(real, rest) : gn_strdup(real);
        }
    }
    return gn_path_join(folder, path);
}

/* As a shell would find it. NULL: it would not. Owned by the caller. */
static char *find_program(const char *program)
{
    if (strchr(program, '/'))
        return is_file(program, X_OK) ? make_absolute(program) : NULL;
    GN_AUTO_FREE char *all = gn_strdup(getenv("PATH"));
    char *rest = all, *folder;
    while ((folder = strsep(&rest, ":"))) {
        char *path = gn_path_join(*folder ? folder : ".", program);
        if (is_file(path, X_OK)) {
            char *absolute = make_absolute(path);
            gn_free(path);
            return absolute;
        }
        gn_free(path);
    }
    return NULL;
}

/* An argument that is a file here would be none where the client is. Owned by the caller. */
static char *find_argument(const struct maker *m, const char *arg)
{
    bool looks_so = (strpbrk(arg, "./") && is_file(arg, F_OK)) ||
                    ((gn_starts_with(arg, "./") || gn_starts_with(arg, "../") ||
                      gn_streq(arg, ".") || gn_streq(arg, "..")) &&
                     is_folder(arg));
    if (*arg == '/' || *arg == '-' || !looks_so)
        return gn_strdup(arg);
    char *absolute = make_absolute(arg);
    gn_cli_fail(m->cli, 0, "\"%s\" is a file here: written as %s (--as-is leaves it)", arg,
                absolute);
    return absolute;
}

/* ---------------------------------------------------------------- names */

/* The last part of a path, a package or a host, without what nobody calls it by. */
static void set_name(struct maker *m, const char *text)
{
    static const char *const ends[] = {".git", ".js", ".mjs", ".cjs",  ".ts",
                                       ".py",  ".so", ".exe", ".yaml", ".yml"};
    GN_AUTO_FREE char *own = gn_strdup(text);
    for (size_t len = strlen(own); len > 1 && own[len - 1] == '/'; len--)
        own[len - 1] = '\0';
    char *base = strrchr(own, '/') ? strrchr(own, '/') + 1 : own;
    char *at = strchr(base + (*base != '\0'), '@'); /* a version */
    if (at)
        *at = '\0';
    for (size_t i = 0; i < GN_COUNT(ends); i++) {
        if (gn_ends_with(base, ends[i]) && strlen(base) > strlen(ends[i]))
            base[strlen(base) - strlen(ends[i])] = '\0';
    }
    for (char *c = base; *c; c++) {
        if (!isalnum((unsigned char)*c) && *c != '-' && *c != '_')
            *c = '-';
    }
    base += strspn(base, "-");
    gn_free(m->name);
    m->name = gn_strndup(*base ? base : "server",
                         GN_MIN(strlen(*base ? base : "server"), (size_t)NAME_MAX_));
}

/* What a command is about: of an interpreter or a runner its first argument. */
static void name_command(struct maker *m, char *const *command)
{
    static const char *const runners[] = {"npx",    "bunx",   "uvx",     "pipx",   "node",   "bun",
                                          "deno",   "python", "python3", "ruby",   "perl",   "php",
                                          "java",   "sh",     "bash",    "docker", "podman", "uv",
                                          "dotnet", "go",     "cargo",   "env"};
    static const char *const words[] = {"run", "exec", "tool", "x", "-m"};
    const char *base = gn_path_base(command[0]);
    bool is_runner = false;
    for (size_t i = 0; i < GN_COUNT(runners); i++)
        is_runner = is_runner || gn_streq(base, runners[i]);
    set_name(m, command[0]);
    for (size_t i = 1; is_runner && command[i]; i++) {
        bool is_word = *command[i] == '-' || strchr(command[i], '=');
        for (size_t k = 0; k < GN_COUNT(words); k++)
            is_word = is_word || gn_streq(command[i], words[k]);
        if (is_word)
            continue;
        set_name(m, command[i]);
        return;
    }
}

static int check_name(const struct maker *m, const char *name)
{
    size_t len = strlen(name);
    bool is_plain = true;
    for (const char *c = name; *c; c++)
        is_plain = is_plain && (isalnum((unsigned char)*c) || *c == '-' || *c == '_');
    if (len == 0 || len > NAME_MAX_)
        return gn_cli_usage(m->cli, "a name has 1 to %d characters", NAME_MAX_);
    if (gn_streq(m->kind->name, "claude-code") && !is_plain)
        return gn_cli_usage(m->cli,
                            "\"%s\": Claude Code has names of letters, digits, - and _ only", name);
    for (const char *c = name; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return gn_cli_usage(m->cli, "a name has no control characters");
    }
    return gn_utf8_valid(name, len) ? 0 : gn_cli_usage(m->cli, "the name is not UTF-8");
}

/* ---------------------------------------------------------------- options */

static int no_option(const struct maker *m, const char *option, const char *what)
{
    return gn_cli_has(m->args, option) ? gn_cli_usage(m->cli, "--%s is for %s only", option, what)
                                       : 0;
}

/* The same name is given again behind `at`. */
static bool is_replaced(const struct maker *m, size_t at, size_t len)
{
    const struct gn_cli_given *given = m->args->given;
    for (size_t i = at + 1; i < m->args->given_count; i++) {
        if (given[i].option == given[at].option &&
            strncmp(given[i].value, given[at].value, len + 1) == 0)
            return true;
    }
    return false;
}

/* --env NAME=VALUE, --header 'NAME: VALUE', as an object. */
static int add_pairs(struct maker *m, const char *option, const char *member, char separator)
{
    bool is_header = separator == ':';
    if (!gn_cli_has(m->args, option))
        return 0;
    gn_jw_object(&m->w, member);
    for (size_t i = 0; i < m->args->given_count; i++) {
        const char *value = m->args->given[i].value;
        if (!gn_streq(m->args->given[i].option->name, option))
            continue;
        const char *stop = strchr(value, separator);
        size_t len = stop ? (size_t)(stop - value) : 0;
        if (len == 0 || strcspn(value, is_header ? " \t\r\n" : " ") < len)
            return gn_cli_usage(m->cli, "option --%s is %s", option,
                                is_header ? "'NAME: VALUE'" : "NAME=VALUE");
        const char *rest = stop + 1 + (is_header ? strspn(stop + 1, " \t") : 0);
        if (!gn_utf8_valid(value, strlen(value)) || (is_header && strpbrk(rest, "\r\n")))
            return gn_cli_usage(m->cli, "option --%s: %.*s has characters that cannot be entered",
                                option, (int)len, value);
        if (is_replaced(m, i, len))
            continue;
        GN_AUTO_FREE char *name = gn_strndup(value, len);
        gn_jw_str(&m->w, name, rest);
    }
    gn_jw_end(&m->w);
    return 0;
}

/* ---------------------------------------------------------------- entries */

static bool is_url(const char *text)
{
    static const char *const schemes[] = {"http://", "https://", "ws://", "wss://", "unix:"};
    for (size_t i = 0; i < GN_COUNT(schemes); i++) {
        if (gn_starts_with(text, schemes[i]))
            return true;
    }
    return false;
}

static int check_url(struct maker *m, const char *url)
{
    CURLU *parts = curl_url();
    char *host = NULL;
    bool good = curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
                curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK && *host;
    if (good)
        set_name(m, host);
    curl_free(host);
    curl_url_cleanup(parts);
    return good && gn_utf8_valid(url, strlen(url)) ? 0
                                                   : gn_cli_usage(m->cli, "\"%s\" is no URL", url);
}

/* How a client calls the transport; NULL: it has no entries of that kind. */
static const char *find_type(const struct maker *m, const char *url, bool is_sse)
{
    bool is_ws = gn_starts_with(url, "ws"), is_unix = gn_starts_with(url, "unix:");
    bool knows_all = gn_streq(m->kind->name, "gantry") || m->kind == &gn_known_any;
    if (!m->kind->has_urls)
        return NULL;
    if (is_ws)
        return knows_all || gn_streq(m->kind->name, "claude-code") ? "ws" : NULL;
    if (is_unix)
        return knows_all || gn_streq(m->kind->name, "vscode") ? "http" : NULL;
    return is_sse ? "sse" : "http";
}

static int make_url(struct maker *m, const char *url)
{
    static const char *const transports[] = {"http", "sse", NULL};
    struct gn_error err = {0};
    bool is_unix = gn_starts_with(url, "unix:");
    int transport = gn_cli_choice(m->args, "transport", transports, &err);
    if (transport < 0)
        return gn_cli_usage(m->cli, "%s", err.text);
    int rc = no_option(m, "env", "programs");
    for (size_t i = 0; rc == 0 && i < 3; i++)
        rc = no_option(m, (const char *const[]){"config", "plugins", "plugin"}[i], "gantry itself");
    if (rc == 0 && is_unix)
        set_name(m, url + 5);
    else if (rc == 0)
        rc = check_url(m, url);
    if (rc)
        return rc;
    const char *type = find_type(m, url, transport == 1);
    if (!type && !m->kind->has_urls)
        return gn_cli_fail(m->cli, GN_EXIT_FAILED,
                           "the file of %s takes programs only: enter the URL in its settings, "
                           "under Connectors",
                           m->kind->title);
    if (!type)
        return gn_cli_fail(m->cli, GN_EXIT_FAILED, "%s cannot reach %s", m->kind->title, url);
    bool is_plain = gn_streq(type, "http");
    if (m->kind->has_type || (!is_plain && !gn_streq(m->kind->name, "cursor")))
        gn_jw_str(&m->w, "type", type);
    GN_AUTO_FREE char *own = is_unix && gn_streq(m->kind->name, "vscode")
                                 ? gn_format("unix://%s", url + 5)
                                 : gn_strdup(url);
    gn_jw_str(&m->w, is_plain ? m->kind->url : "url", own);
    return add_pairs(m, "header", "headers", ':');
}

static int make_command(struct maker *m, char *const *command, bool is_ours)
{
    bool as_is = is_ours || gn_cli_has(m->args, "as-is");
    int rc = no_option(m, "header", "URLs");
    if (rc == 0)
        rc = no_option(m, "transport", "URLs");
    if (rc)
        return rc;
    GN_AUTO_FREE char *program = as_is ? gn_strdup(command[0]) : find_program(command[0]);
    if (!program)
        return gn_cli_fail(m->cli, GN_EXIT_FAILED, "%s: there is no such program%s", command[0],
                           strchr(command[0], '/') ? "" : " in PATH");
    if (!m->name)
        name_command(m, command);
    if (m->kind->has_type)
        gn_jw_str(&m->w, "type", "stdio");
    gn_jw_str(&m->w, "command", program);
    gn_jw_array(&m->w, "args");
    for (size_t i = 1; command[i]; i++) {
        GN_AUTO_FREE char *arg = as_is ? gn_strdup(command[i]) : find_argument(m, command[i]);
        if (!gn_utf8_valid(arg, strlen(arg)))
            return gn_cli_usage(m->cli, "argument %zu is not UTF-8: JSON cannot hold it", i);
        gn_jw_str(&m->w, NULL, arg);
    }
    gn_jw_end(&m->w);
    return add_pairs(m, "env", "env", '=');
}

/* One more argument of gantry itself: a file or folder that is there. */
static int add_served(const struct maker *m, char **command, size_t *n, const char *option,
                      const char *path)
{
    if (access(path, R_OK) != 0)
        return gn_cli_usage(m->cli, "%s: %s", path, strerror(errno));
    command[(*n)++] = gn_format("--%s", option);
    command[(*n)++] = make_absolute(path);
    return 0;
}

/* This gantry, serving what target and options name. */
static int make_gantry(struct maker *m, const char *target)
{
    static const char *const served[] = {"config", "plugins", "plugin"};
    char **command = gn_calloc(2 * m->args->given_count + 6, sizeof(*command));
    size_t n = 0;
    int rc = 0;
    command[n++] = gn_strdup(m->cli->self);
    command[n++] = gn_strdup("serve");
    command[n++] = gn_strdup("--stdio");
    if (target) {
        const char *option = is_folder(target)             ? "plugins"
                             : gn_ends_with(target, ".so") ? "plugin"
                                                           : "config";
        rc = add_served(m, command, &n, option, target);
        GN_AUTO_FREE char *absolute = make_absolute(target);
        set_name(m, absolute);
    } else {
        set_name(m, "gantry");
    }
    for (size_t i = 0; rc == 0 && i < m->args->given_count; i++) {
        const struct gn_cli_given *g = &m->args->given[i];
        for (size_t k = 0; rc == 0 && k < GN_COUNT(served); k++) {
            if (gn_streq(g->option->name, served[k]))
                rc = add_served(m, command, &n, served[k], g->value);
        }
    }
    if (rc == 0 && n == 3)
        gn_cli_fail(m->cli, 0, "this gantry will serve no plugins: --plugins DIR adds them");
    if (rc == 0)
        rc = make_command(m, command, true);
    gn_texts_free(command);
    return rc;
}

static int make_entry(struct maker *m)
{
    static const char *const served[] = {"config", "plugins", "plugin"};
    const char *target = m->args->word_count > 1 ? m->args->words[0] : NULL;
    if (m->args->tail) {
        int rc = m->args->tail[0] ? 0 : gn_cli_usage(m->cli, "no command stands behind \"--\"");
        for (size_t i = 0; rc == 0 && i < GN_COUNT(served); i++)
            rc = no_option(m, served[i], "gantry itself");
        return rc ? rc : make_command(m, m->args->tail, false);
    }
    if (target && is_url(target))
        return make_url(m, target);
    bool is_served = target && (is_folder(target) || gn_ends_with(target, ".so") ||
                                gn_ends_with(target, ".yaml") || gn_ends_with(target, ".yml"));
    if (target && !is_served)
        return gn_cli_usage(m->cli,
                            "\"%s\" is no target: a URL, a folder of plugins, a plugin (.so) or a "
                            "configuration (.yaml); a command stands behind \"--\"",
                            target);
    return make_gantry(m, target);
}

int gn_install_entry(const struct gn_cli *cli, const struct gn_cli_args *args,
                     const struct gn_known_client *kind, char **ret_name,
                     struct gn_json_doc *ret_entry)
{
    struct maker m = {.cli = cli, .args = args, .kind = kind, .json = GN_BUF_INIT(ENTRY_MAX)};
    struct gn_error err = {0};
    const char *name = gn_cli_value(args, "name");
    gn_jw_init(&m.w, &m.json);
    gn_jw_object(&m.w, NULL);
    int rc = make_entry(&m);
    if (rc == 0) {
        gn_jw_end(&m.w);
        *ret_name = gn_strdup(name ? name : m.name);
        rc = check_name(&m, *ret_name);
    }
    if (rc == 0 && gn_json_parse_copy(ret_entry, gn_buf_str(&m.json), m.json.len, NULL, &err))
        rc = gn_cli_fail(cli, GN_EXIT_FAILED, "the entry: %s", err.text);
    gn_free(m.name);
    gn_buf_release(&m.json);
    return rc;
}
