/* settings.c - the options of a client: what may be given, and what is meant without. */
#include "settings.h"

#include "util/alloc.h"
#include "util/str.h"
#include "wire/headers.h"
#include "json/json.h"

#include <curl/curl.h>
#include <string.h>

#define DEFAULT_PATH "/mcp"
#define MAX_TEXT 65536 /* bytes of any one option */
#define MAX_ITEMS 4096

static const char *const levels[] = {"debug",    "info",  "notice",    "warning", "error",
                                     "critical", "alert", "emergency", NULL};

bool gn_settings_is_level(const char *name)
{
    for (size_t i = 0; name && levels[i]; i++) {
        if (gn_streq(levels[i], name))
            return true;
    }
    return false;
}

static uint32_t or_default(uint32_t given, uint32_t otherwise)
{
    return given ? given : otherwise;
}

/* ---------------------------------------------------------------- the server */

/* A URL, or "unix:PATH", as what requests go to. */
static int read_url(struct gn_client_settings *s, const char *url, struct gn_error *err)
{
    static const char *const schemes[] = {"http", "https", "ws", "wss"};
    if (gn_starts_with(url, "unix:")) {
        if (!url[strlen("unix:")])
            return gn_error_set(err, GN_EINVAL, "url: unix: names no socket");
        s->unix_path = gn_strdup(url + strlen("unix:"));
        s->url = gn_strdup("http://localhost" DEFAULT_PATH);
        s->shown = gn_strdup(url);
        return 0;
    }
    CURLU *parts = curl_url();
    char *scheme = NULL, *path = NULL, *text = NULL;
    int rc = GN_EINVAL;
    /* curl knows no ws: before 7.86 was told so; the parts are the same. */
    if (curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK) {
        for (size_t i = 0; i < GN_COUNT(schemes); i++)
            rc = gn_streq(scheme, schemes[i]) ? 0 : rc;
    }
    if (rc == 0) {
        curl_url_get(parts, CURLUPART_PATH, &path, 0);
        if ((!path || gn_streq(path, "/")) && !gn_ends_with(url, "/"))
            curl_url_set(parts, CURLUPART_PATH, DEFAULT_PATH, 0);
        curl_url_get(parts, CURLUPART_URL, &text, 0);
        s->url = gn_strdup(text);
        curl_free(text);
        text = NULL;
        curl_url_set(parts, CURLUPART_USER, NULL, 0);
        curl_url_set(parts, CURLUPART_PASSWORD, NULL, 0);
        curl_url_set(parts, CURLUPART_QUERY, NULL, 0);
        curl_url_get(parts, CURLUPART_URL, &text, 0);
        s->shown = gn_strdup(text ? text : "the server");
    } else {
        gn_error_set(err, rc,
                     "url: \"%.200s\" is none; http://, https://, ws://, wss:// or unix:PATH", url);
    }
    curl_free(text);
    curl_free(path);
    curl_free(scheme);
    curl_url_cleanup(parts);
    return rc;
}

static int read_server(struct gn_client_settings *s, const gantry_client_options *o,
                       struct gn_error *err)
{
    bool has_command = o->command && o->command[0];
    if (!o->url == !has_command)
        return gn_error_set(err, GN_EINVAL, "exactly one of url and command is to be given");
    if (o->url)
        return read_url(s, o->url, err);
    s->command = gn_texts_copy((char *const *)(uintptr_t)o->command);
    s->shown = gn_strdup(o->command[0]);
    return 0;
}

/* ---------------------------------------------------------------- lists of texts */

static bool has_control(const char *s)
{
    for (; *s; s++) {
        if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
            return true;
    }
    return false;
}

int gn_settings_check_header(const char *line, struct gn_error *err)
{
    size_t len = strcspn(line, ":");
    GN_AUTO_FREE char *name = gn_strndup(line, len);
    if (line[len] && gn_header_name_valid(name) && !has_control(line))
        return 0;
    return gn_error_set(err, GN_EINVAL, "headers: \"%.80s\" is not \"Name: value\"", name);
}

static int read_headers(struct gn_client_settings *s, const gantry_client_options *o,
                        struct gn_error *err)
{
    size_t n = 0, kept = 0;
    while (o->headers && o->headers[n])
        n++;
    if (n > MAX_ITEMS)
        return gn_error_set(err, GN_EINVAL, "headers: more than %d", MAX_ITEMS);
    s->headers = gn_calloc(n + 1, sizeof(char *));
    for (size_t i = 0; i < n; i++) {
        const char *line = o->headers[i];
        if (gn_settings_check_header(line, err))
            return GN_EINVAL;
        const char *colon = strchr(line, ':');
        GN_AUTO_FREE char *name = gn_strndup(line, (size_t)(colon - line));
        if (gn_strcaseeq(name, "Authorization")) {
            gn_free(s->authorization);
            s->authorization = gn_strdup(colon + 1 + strspn(colon + 1, " \t"));
        } else {
            s->headers[kept++] = gn_strdup(o->headers[i]);
        }
    }
    if (o->token) {
        if (has_control(o->token) || !*o->token)
            return gn_error_set(err, GN_EINVAL, "token: empty, or it has a control character");
        gn_free(s->authorization);
        s->authorization = gn_format("Bearer %s", o->token);
    }
    return 0;
}

static int read_environment(struct gn_client_settings *s, const gantry_client_options *o,
                            struct gn_error *err)
{
    for (size_t i = 0; o->environment && o->environment[i]; i++) {
        if (i >= MAX_ITEMS || o->environment[i][0] == '=' || !strchr(o->environment[i], '='))
            return gn_error_set(err, GN_EINVAL, "environment: \"%.80s\" is not \"NAME=value\"",
                                o->environment[i]);
    }
    s->environment = gn_texts_copy((char *const *)(uintptr_t)o->environment);
    s->inherits_environment = o->inherits_environment;
    return 0;
}

/* ---------------------------------------------------------------- MCP */

static void free_roots(gantry_client_root *roots, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        gn_free((char *)(uintptr_t)roots[i].uri);
        gn_free((char *)(uintptr_t)roots[i].name);
    }
    gn_free(roots);
}

/* A path as a file: URI (RFC 8089): what no URI may have is percent-encoded. */
static char *file_uri(const char *path)
{
    struct gn_buf b = GN_BUF_INIT(4 * MAX_TEXT);
    gn_buf_adds(&b, "file://");
    for (const unsigned char *p = (const unsigned char *)path; *p; p++) {
        if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
            strchr("/-._~!$&'()*+,;=:@", *p))
            gn_buf_addc(&b, (char)*p);
        else
            gn_buf_addf(&b, "%%%02X", *p);
    }
    return gn_buf_take(&b, NULL);
}

int gn_settings_set_roots(struct gn_client_settings *s, const gantry_client_root *roots,
                          size_t count, struct gn_error *err)
{
    if (count > MAX_ITEMS)
        return gn_error_set(err, GN_EINVAL, "roots: more than %d", MAX_ITEMS);
    gantry_client_root *copy = gn_calloc(count + 1, sizeof(copy[0]));
    for (size_t i = 0; i < count; i++) {
        const char *uri = roots[i].uri;
        if (!uri || strlen(uri) > MAX_TEXT || (*uri != '/' && !gn_starts_with(uri, "file://"))) {
            free_roots(copy, i);
            return gn_error_set(err, GN_EINVAL,
                                "roots: \"%.200s\" is neither a file:// URI nor an absolute path",
                                uri ? uri : "(NULL)");
        }
        copy[i].uri = *uri == '/' ? file_uri(uri) : gn_strdup(uri);
        copy[i].name = gn_strdup(roots[i].name);
    }
    free_roots(s->roots, s->root_count);
    s->roots = copy;
    s->root_count = count;
    return 0;
}

static int read_mcp(struct gn_client_settings *s, const gantry_client_options *o,
                    struct gn_error *err)
{
    s->revision = gn_revision_parse(o->revision);
    if (o->revision && s->revision == GN_REV_NONE)
        return gn_error_set(err, GN_EINVAL, "revision: \"%.40s\" is none; the newest is %s",
                            o->revision, gn_revision_name(GN_REV_LATEST));
    s->name = gn_strdup(o->name ? o->name : "gantry-client");
    s->title = gn_strdup(o->title);
    s->version = gn_strdup(o->version ? o->version : GANTRY_VERSION);
    if (o->capabilities) {
        struct gn_json_doc doc = {0};
        int rc = gn_json_parse_copy(&doc, o->capabilities, strlen(o->capabilities), NULL, err);
        bool is_object = gn_json_type(gn_json_root(&doc)) == GN_JSON_OBJECT;
        gn_json_release(&doc);
        if (rc || !is_object)
            return gn_error_set(err, GN_EINVAL, "capabilities: not a JSON object");
        s->capabilities = gn_strdup(o->capabilities);
    }
    if (o->log_level && !gn_settings_is_level(o->log_level))
        return gn_error_set(err, GN_EINVAL, "log_level: \"%.40s\" is none; debug to emergency",
                            o->log_level);
    s->log_level = gn_strdup(o->log_level);
    s->has_roots = o->has_roots || o->root_count > 0;
    return gn_settings_set_roots(s, o->roots, o->root_count, err);
}

/* ---------------------------------------------------------------- interface */

static void read_numbers(struct gn_client_settings *s, const gantry_client_options *o)
{
    s->restarts = o->restarts == GANTRY_CLIENT_NONE ? 0 : or_default(o->restarts, 5);
    s->retries = o->retries == GANTRY_CLIENT_NONE ? 0 : or_default(o->retries, 2);
    s->backoff_ms = or_default(o->backoff_ms, 250);
    s->connect_timeout_ms = or_default(o->connect_timeout_ms, 30000);
    s->timeout_ms = or_default(o->timeout_ms, 60000);
    s->total_timeout_ms = or_default(o->total_timeout_ms, 3600000);
    s->progress_resets = o->progress_resets;
    s->max_rounds = or_default(o->max_rounds, 16);
    s->max_requests = or_default(o->max_requests, 1024);
    s->max_pages = or_default(o->max_pages, 1000);
    s->max_message = o->max_message ? o->max_message : (size_t)64 << 20;
    s->max_cache = o->max_cache == SIZE_MAX ? 0 : o->max_cache ? o->max_cache : (size_t)16 << 20;
}

static int read_all(struct gn_client_settings *s, const gantry_client_options *o,
                    struct gn_error *err)
{
    int rc = read_server(s, o, err);
    if (rc == 0)
        rc = read_environment(s, o, err);
    if (rc == 0)
        rc = read_headers(s, o, err);
    if (rc == 0)
        rc = read_mcp(s, o, err);
    if (rc)
        return rc;
    if ((unsigned)o->transport > GANTRY_TRANSPORT_SSE)
        return gn_error_set(err, GN_EINVAL, "transport: %d is none", (int)o->transport);
    s->transport = o->transport;
    s->directory = gn_strdup(o->directory);
    s->stderr_file = gn_strdup(o->stderr_file);
    s->log_file = gn_strdup(o->log_file);
    s->ca_file = gn_strdup(o->ca_file);
    s->certificate_file = gn_strdup(o->certificate_file);
    s->key_file = gn_strdup(o->key_file);
    s->key_password = gn_strdup(o->key_password);
    s->proxy = gn_strdup(o->proxy);
    read_numbers(s, o);
    if (o->handlers)
        memcpy(&s->handlers, o->handlers, GN_MIN(o->handlers->size, sizeof(s->handlers)));
    s->arg = o->arg;
    return 0;
}

int gn_settings_read(struct gn_client_settings *s, const gantry_client_options *options,
                     struct gn_error *err)
{
    gantry_client_options o = {0};
    *s = (struct gn_client_settings){0};
    if (!options || options->size < offsetof(gantry_client_options, loop))
        return gn_error_set(err, GN_EINVAL, "options: none, or without their size");
    if (options->handlers && options->handlers->size < sizeof(size_t))
        return gn_error_set(err, GN_EINVAL, "handlers: without their size");
    memcpy(&o, options, GN_MIN(options->size, sizeof(o)));
    int rc = read_all(s, &o, err);
    if (rc)
        gn_settings_release(s);
    return rc;
}

void gn_settings_release(struct gn_client_settings *s)
{
    char *texts[] = {s->url,         s->unix_path,     s->shown,        s->directory,
                     s->stderr_file, s->authorization, s->ca_file,      s->certificate_file,
                     s->key_file,    s->key_password,  s->proxy,        s->name,
                     s->title,       s->version,       s->capabilities, s->log_level,
                     s->log_file};
    for (size_t i = 0; i < GN_COUNT(texts); i++)
        gn_free(texts[i]);
    gn_texts_free(s->command);
    gn_texts_free(s->environment);
    gn_texts_free(s->headers);
    free_roots(s->roots, s->root_count);
    *s = (struct gn_client_settings){0};
}
