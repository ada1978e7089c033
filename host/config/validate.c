/* validate.c - addresses, and what no single key can tell. */
#include "config/config.h"

#include "config/yaml.h"
#include "util/alloc.h"
#include "util/map.h"
#include "util/str.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define HOST_MAX 253
#define NAME_MAX_ 64
#define PRINCIPAL_MAX 128
#define PATH_MAX_ 255 /* of the endpoint */
#define MESSAGE_MAX 1024

struct check {
    const struct gn_config *c;
    struct gn_yaml_report report;
};

static bool is_name(const char *s)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
    size_t len = strspn(s, allowed);
    return len > 0 && len <= NAME_MAX_ && !s[len] && *s != '.';
}

static bool is_printable(const char *s)
{
    for (; *s; s++) {
        if ((unsigned char)*s < ' ' || *s == 0x7f)
            return false;
    }
    return true;
}

static bool is_host(const char *s, size_t len)
{
    if (len > HOST_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)s[i]) && !strchr("-._:%", s[i]))
            return false;
    }
    return true;
}

/* A problem of one key, or of the entry of its list, with the line where that was given. */
static void wrong(struct check *v, const char *key, const char *fmt, ...) GN_PRINTF(3, 4);
static void wrong(struct check *v, const char *key, const char *fmt, ...)
{
    struct gn_buf text = GN_BUF_INIT(8192);
    va_list ap;
    va_start(ap, fmt);
    gn_buf_vaddf(&text, fmt, ap);
    va_end(ap);
    gn_yaml_problem(&v->report, gn_config_line(v->c, key), key, "%s", gn_buf_str(&text));
    gn_buf_release(&text);
}

static void check_file(struct check *v, int line, const char *key, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0 || access(path, R_OK) != 0)
        gn_yaml_problem(&v->report, line, key, "%s cannot be read: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        gn_yaml_problem(&v->report, line, key, "%s is not a file", path);
}

static void check_listener(struct check *v, size_t i, bool authenticated)
{
    const struct gn_config_listener *l = &v->c->listeners[i];
    struct gn_error err = {0};
    GN_AUTO_FREE char *key = gn_format("http.listen[%zu]", i);
    GN_AUTO_FREE char *host = NULL;
    GN_AUTO_FREE char *path = NULL;
    int port;
    if (gn_config_parse_address(l->address, &host, &port, &path, &err)) {
        gn_yaml_problem(&v->report, l->line, key, "%s", err.text);
        return;
    }
    if (!l->tls_certificate != !l->tls_key)
        gn_yaml_problem(&v->report, l->line, key,
                        "tls needs both certificate and key: %s is missing",
                        l->tls_key ? "certificate" : "key");
    if (path && l->tls_certificate)
        gn_yaml_problem(&v->report, l->line, key, "a unix socket does not take tls");
    if (l->tls_certificate)
        check_file(v, l->line, key, l->tls_certificate);
    if (l->tls_key)
        check_file(v, l->line, key, l->tls_key);
    if (host && !gn_config_is_loopback(host) && !authenticated && !v->c->insecure)
        gn_yaml_problem(&v->report, l->line, key,
                        "%s can be reached from other machines, and nothing asks who calls: add "
                        "auth.tokens (`gantry token` makes one), or listen on 127.0.0.1, or say so "
                        "with http.insecure: true (--insecure)",
                        l->address);
    for (size_t j = 0; j < i && (path || port != 0); j++) {
        if (gn_streq(v->c->listeners[j].address, l->address))
            gn_yaml_problem(&v->report, l->line, key, "%s stands here twice", l->address);
    }
}

static void check_path(struct check *v, const char *key, const char *path, const char *like)
{
    if (!path || *path != '/')
        wrong(v, key, "must begin with a slash, as %s", like);
    else if (strpbrk(path, "?# \t\"\\") || !is_printable(path) || strlen(path) > PATH_MAX_)
        wrong(v, key, "must be at most %d printable characters without blanks and ? # \" \\",
              PATH_MAX_);
}

static void check_metrics_address(struct check *v)
{
    const struct gn_config *c = v->c;
    struct gn_error err = {0};
    GN_AUTO_FREE char *host = NULL;
    GN_AUTO_FREE char *path = NULL;
    int port;
    if (gn_config_parse_address(c->metrics_listen, &host, &port, &path, &err)) {
        wrong(v, "metrics.listen", "%s", err.text);
        return;
    }
    if (host && !gn_config_is_loopback(host) && !c->insecure)
        wrong(
            v, "metrics.listen",
            "%s can be reached from other machines, and nobody is asked for a token there: listen "
            "on 127.0.0.1, or say so with http.insecure: true (--insecure)",
            c->metrics_listen);
    for (size_t i = 0; i < c->listener_count && (path || port != 0); i++) {
        if (gn_streq(c->listeners[i].address, c->metrics_listen))
            wrong(v, "metrics.listen", "%s is an address of http.listen", c->metrics_listen);
    }
}

static bool is_health_page(const char *path)
{
    static const char *const pages[] = {"/health", "/healthz", "/readyz"};
    for (size_t i = 0; i < GN_COUNT(pages); i++) {
        if (gn_streq(path, pages[i]))
            return true;
    }
    return false;
}

/* The pages are where MCP is, unless they have an address of their own. */
static void check_no_page(struct check *v, const char *key, const char *path)
{
    const struct gn_config *c = v->c;
    bool is_metrics = c->metrics_enabled && path != c->path && gn_streq(path, c->metrics_path);
    if (!c->metrics_listen && (is_metrics || is_health_page(path)))
        wrong(v, key, "%s is a page already", path);
}

static void check_metrics(struct check *v)
{
    const struct gn_config *c = v->c;
    check_path(v, "metrics.path", c->metrics_path, "/metrics");
    if (c->metrics_listen)
        check_metrics_address(v);
    else if (c->metrics_enabled && gn_streq(c->metrics_path, c->path))
        wrong(v, "metrics.path", "%s is http.path: give one of them another", c->path);
    if (is_health_page(c->metrics_path))
        wrong(v, "metrics.path", "%s is a page already", c->metrics_path);
}

/* Messages go beside the stream: "/sse" has "/messages". */
static void check_sse_path(struct check *v)
{
    const struct gn_config *c = v->c;
    const char *path = c->sse_path;
    if (!path || !*path)
        return;
    check_path(v, "http.sse_path", path, "/sse");
    if (*path != '/')
        return;
    GN_AUTO_FREE char *messages = gn_format("%.*smessages", (int)(strrchr(path, '/') - path + 1),
                                            path);
    if (gn_streq(path, messages))
        wrong(v, "http.sse_path", "messages are sent to %s: give the stream another path", path);
    if (gn_streq(path, c->path) || gn_streq(messages, c->path))
        wrong(v, "http.sse_path",
              "the stream at %s and the messages at %s need other paths than http.path", path,
              messages);
    check_no_page(v, "http.sse_path", path);
    check_no_page(v, "http.sse_path", messages);
}

static void check_origins(struct check *v)
{
    char **hosts = v->c->allowed_hosts, **origins = v->c->allowed_origins;
    for (char **p = hosts; p && *p; p++) {
        GN_AUTO_FREE char *key = gn_format("http.allowed_hosts[%td]", p - hosts);
        if (strpbrk(*p, "/ \t@") || !is_printable(*p))
            wrong(v, key, "\"%s\" is not a host: write example.org or example.org:8443", *p);
    }
    for (char **p = origins; p && *p; p++) {
        GN_AUTO_FREE char *key = gn_format("http.allowed_origins[%td]", p - origins);
        const char *host = strstr(*p, "://");
        if (!gn_streq(*p, "*") &&
            (!host || host == *p || !host[3] || strpbrk(host + 3, "/ \t@") || !is_printable(*p)))
            wrong(v, key,
                  "\"%s\" is not an origin: write https://example.org, without a path, or \"*\" "
                  "for all",
                  *p);
    }
}

/* Names, each of which may end with a star. */
static void check_patterns(struct check *v, const char *list, char **names)
{
    for (char **p = names; p && *p; p++) {
        GN_AUTO_FREE char *key = gn_format("%s[%td]", list, p - names);
        const char *star = strchr(*p, '*');
        if (star && star[1])
            wrong(v, key, "\"%s\": a star stands for the rest of a name, at its end only", *p);
    }
}

static void check_middleware(struct check *v, size_t i)
{
    const struct gn_config_middleware *m = &v->c->middlewares[i];
    GN_AUTO_FREE char *key = gn_format("middleware[%zu]", i);
    GN_AUTO_FREE char *tools = gn_format("%s.tools", key);
    check_patterns(v, tools, m->tools);
    if (m->message && strlen(m->message) > MESSAGE_MAX)
        gn_yaml_problem(&v->report, m->line, key, "message must have %d bytes at most",
                        MESSAGE_MAX);
    if (m->suffix && strlen(m->suffix) >= m->max_size)
        gn_yaml_problem(&v->report, m->line, key, "suffix alone is as long as max_size");
}

static void not_known(struct check *v, const char *key, const char *text, const char *const *names)
{
    struct gn_buf known = GN_BUF_INIT(512);
    for (size_t i = 0; names[i]; i++)
        gn_buf_addf(&known, "%s%s", i ? ", " : "", names[i]);
    wrong(v, key, "\"%s\" is not known; known here: %s", text, gn_buf_str(&known));
    gn_buf_release(&known);
}

/* Each entry of a list of texts is one of the names. */
static void check_names(struct check *v, const char *list, char **texts, const char *const *names)
{
    for (char **p = texts; p && *p; p++) {
        GN_AUTO_FREE char *key = gn_format("%s[%td]", list, p - texts);
        const char *near = gn_nearest(*p, names);
        size_t i = 0;
        while (names[i] && !gn_streq(names[i], *p))
            i++;
        if (!names[i] && near)
            wrong(v, key, "\"%s\" is not known; did you mean %s?", *p, near);
        else if (!names[i])
            not_known(v, key, *p, names);
        for (char **before = texts; names[i] && before < p; before++) {
            if (gn_streq(*before, *p))
                wrong(v, key, "\"%s\" stands here twice", *p);
        }
    }
}

static void check_log(struct check *v)
{
    static const char *const processors[] = {"scope", "redact", "time", "level", NULL};
    static const char *const bind[] = {"request_id", "session_id", "client",
                                       "principal",  "trace_id",   "transport",
                                       "method",     "component",  NULL};
    const struct gn_config *c = v->c;
    check_names(v, "log.processors", c->log_processors, processors);
    check_names(v, "log.bind", c->log_bind, bind);
    const char *name;
    json_t *value;
    json_object_foreach(c->log_levels, name, value)
    {
        const char *text = json_string_value(value);
        if (gn_level_parse(text) < 0)
            wrong(v, "log.levels",
                  "%s must have one of debug, info, notice, warning, error, critical, alert, "
                  "emergency, but has %s%s%s",
                  name, text ? "\"" : "", text ? text : "something else", text ? "\"" : "");
    }
    if (c->log_file && c->audit_file && gn_streq(c->log_file, c->audit_file))
        wrong(v, "audit.file", "must not be the file that log.file names");
}

static void check_token(struct check *v, size_t i)
{
    const struct gn_config_token *t = &v->c->tokens[i];
    GN_AUTO_FREE char *key = gn_format("auth.tokens[%zu]", i);
    size_t len = strlen(t->principal);
    if (len == 0 || len > PRINCIPAL_MAX || !is_printable(t->principal))
        gn_yaml_problem(&v->report, t->line, key, "principal must be 1 to %d printable characters",
                        PRINCIPAL_MAX);
    for (size_t j = 0; j < i; j++) {
        if (gn_streq(v->c->tokens[j].hash, t->hash))
            gn_yaml_problem(&v->report, t->line, key, "has the same token as auth.tokens[%zu] (%s)",
                            j, v->c->tokens[j].principal);
    }
}

static void check_instances(struct check *v)
{
    struct gn_map names;
    gn_map_init(&names);
    for (size_t i = 0; i < v->c->instance_count; i++) {
        struct gn_config_instance *n = &v->c->instances[i];
        if (!n->name)
            continue;
        GN_AUTO_FREE char *key = gn_format("plugins[%zu]", i);
        struct gn_config_instance *other = gn_map_find(&names, n->name);
        if (!is_name(n->name))
            gn_yaml_problem(
                &v->report, n->line, key,
                "name \"%s\" must be 1 to %d of A-Z a-z 0-9 _ - . and not begin with a dot",
                n->name, NAME_MAX_);
        else if (other)
            gn_yaml_problem(&v->report, n->line, key,
                            "is the second instance called %s (the first is plugins[%zu]): give it "
                            "another name",
                            n->name, (size_t)(other - v->c->instances));
        else
            gn_map_put(&names, n->name, n);
    }
    gn_map_release(&names, NULL);
}

static void check_folders(struct check *v)
{
    char **dirs = v->c->plugin_dirs;
    for (char **p = dirs; p && *p; p++) {
        GN_AUTO_FREE char *key = gn_format("loading.folders[%td]", p - dirs);
        struct stat st;
        if (stat(*p, &st) != 0)
            wrong(v, key, "%s: %s", *p, strerror(errno));
        else if (!S_ISDIR(st.st_mode))
            wrong(v, key, "%s is not a folder (loading.files takes single plugins)", *p);
    }
}

/* The folder is made when the host starts; what it would be made in must be there. */
static void check_tasks(struct check *v)
{
    const char *path = v->c->tasks_dir;
    struct stat st;
    if (!path || !*path)
        return;
    if (stat(path, &st) == 0) {
        if (!S_ISDIR(st.st_mode))
            wrong(v, "tasks.directory", "%s is not a folder", path);
        return;
    }
    size_t len = (size_t)(gn_path_base(path) - path);
    GN_AUTO_FREE char *parent = len ? gn_strndup(path, len) : gn_strdup(".");
    if (stat(parent, &st) != 0)
        wrong(v, "tasks.directory", "%s: %s", parent, strerror(errno));
    else if (access(parent, W_OK) != 0)
        wrong(v, "tasks.directory", "%s: cannot be made there: %s", path, strerror(errno));
}

/* Keys that are the same: one of them was meant to be another. What they are is not shown. */
static void check_keys(struct check *v)
{
    unsigned char key[8][32];
    size_t count = 0;
    for (char **k = v->c->ask_keys; k && *k && count < GN_COUNT(key); k++, count++) {
        if (gn_parse_key(*k, key[count], sizeof key[count]))
            break; /* told when it was read */
        for (size_t i = 0; i < count; i++) {
            if (memcmp(key[i], key[count], sizeof key[i]) == 0)
                wrong(v, "ask.keys", "entries %zu and %zu are the same key", i + 1, count + 1);
        }
    }
    explicit_bzero(key, sizeof key);
}

static int parse_unix(const char *path, char **ret_path, struct gn_error *err)
{
    /* One byte of the address is for the NUL. */
    size_t max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1, len = strlen(path);
    if (len == 0 || len > max)
        return gn_error_set(err, GN_EINVAL,
                            "the path of a unix socket has 1 to %zu bytes, \"%s\" has %zu", max,
                            path, len);
    *ret_path = gn_strdup(path);
    return 0;
}

int gn_config_parse_address(const char *address, char **ret_host, int *ret_port,
                            char **ret_unix_path, struct gn_error *err)
{
    *ret_host = *ret_unix_path = NULL;
    *ret_port = 0;
    if (gn_starts_with(address, "unix:"))
        return parse_unix(address + strlen("unix:"), ret_unix_path, err);
    static const char usage[] = "write HOST:PORT, [V6]:PORT, :PORT or unix:PATH";
    const char *colon = strrchr(address, ':');
    int64_t port;
    if (!colon && gn_parse_int64(address, &port))
        return gn_error_set(err, GN_EINVAL, "\"%s\" has no host: write 127.0.0.1:%s", address,
                            address);
    if (strstr(address, "://"))
        return gn_error_set(err, GN_EINVAL, "\"%s\" is a URL, not an address: %s", address, usage);
    if (!colon || (*address == '[' && colon > address && colon[-1] != ']'))
        return gn_error_set(err, GN_EINVAL, "\"%s\" has no port: %s", address, usage);
    if (strlen(colon + 1) > 5 || colon[1] < '0' || colon[1] > '9' ||
        !gn_parse_int64(colon + 1, &port) || port > 65535)
        return gn_error_set(err, GN_EINVAL, "\"%s\": \"%s\" is not a port (0 to 65535)", address,
                            colon + 1);
    const char *host = address;
    size_t len = (size_t)(colon - address);
    bool v6 = *address == '[';
    if (v6) {
        host++;
        len -= 2;
    }
    struct in6_addr in6;
    GN_AUTO_FREE char *copy = gn_strndup(host, len);
    if (v6 ? inet_pton(AF_INET6, copy, &in6) != 1 : (!is_host(host, len) || strchr(copy, ':')))
        return gn_error_set(err, GN_EINVAL, "\"%s\": \"%s\" is not a host: %s", address, copy,
                            usage);
    *ret_host = gn_strdup(copy);
    *ret_port = (int)port;
    return 0;
}

bool gn_config_is_loopback(const char *host)
{
    struct in_addr in4;
    struct in6_addr in6;
    if (inet_pton(AF_INET, host, &in4) == 1)
        return (ntohl(in4.s_addr) >> 24) == 127;
    if (inet_pton(AF_INET6, host, &in6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&in6) || (IN6_IS_ADDR_V4MAPPED(&in6) && in6.s6_addr[12] == 127);
    return gn_strcaseeq(host, "localhost");
}

int gn_config_validate(const struct gn_config *c, struct gn_buf *problems)
{
    struct check v = {.c = c, .report = {.file = c->file, .problems = problems}};
    if (!c->name || !*c->name || !is_printable(c->name))
        wrong(&v, "server.name", "must be printable, and not empty");
    check_path(&v, "http.path", c->path, "/mcp");
    check_no_page(&v, "http.path", c->path);
    check_sse_path(&v);
    check_metrics(&v);
    /* An entry that could not be read was reported then, and is not complete. */
    for (size_t i = 0; i < c->listener_count; i++) {
        if (c->listeners[i].address)
            check_listener(&v, i, c->token_count > 0);
    }
    check_origins(&v);
    check_patterns(&v, "schema.inline_for", c->inline_for);
    check_log(&v);
    for (size_t i = 0; i < c->middleware_count; i++)
        check_middleware(&v, i);
    for (size_t i = 0; i < c->token_count; i++) {
        if (c->tokens[i].principal && c->tokens[i].hash)
            check_token(&v, i);
    }
    check_instances(&v);
    check_folders(&v);
    check_tasks(&v);
    check_keys(&v);
    if (c->max_bodies_in_flight < c->max_body)
        wrong(&v, "limits.max_bodies_in_flight", "must not be smaller than limits.max_body");
    if (c->max_output_in_flight < c->max_output_queue)
        wrong(&v, "limits.max_output_in_flight",
              "must not be smaller than limits.max_output_queue");
    return v.report.count ? GN_EINVAL : 0;
}
