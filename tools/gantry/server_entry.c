/* server_entry.c - one entry of a configuration file: what it may say, with variables replaced.
 *
 * A text of an entry is known by its key ("mcpServers.github.args[1]"), which messages name; its
 * value may be a secret, and is never quoted.
 */
#include "servers.h"

#include "util/alloc.h"
#include "util/str.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MAX ((size_t)1 << 20) /* bytes of a text, variables replaced */
#define LIST_MAX 1000               /* arguments, variables, headers */
#define KEY_MAX 256

struct reader {
    const struct gn_server_entry *entry;
    unsigned variables; /* enum gn_known_variables */
    char key[KEY_MAX];  /* what is being read */
    struct gn_error *err;
};

static int GN_PRINTF(2, 3) wrong(struct reader *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    GN_AUTO_FREE char *text = gn_vformat(fmt, ap);
    va_end(ap);
    return gn_error_set(r->err, GN_EINVAL, "%s: %s: %s", r->entry->file->place.path, r->key, text);
}

static void GN_PRINTF(2, 3) at_key(struct reader *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    GN_AUTO_FREE char *text = gn_vformat(fmt, ap);
    va_end(ap);
    snprintf(r->key, sizeof(r->key), "%s.%.100s%s", r->entry->file->place.kind->member,
             r->entry->name, text);
}

/* ---------------------------------------------------------------- variables */

static bool is_name(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)s[i]) && s[i] != '_')
            return false;
    }
    return len > 0 && !isdigit((unsigned char)*s);
}

static const char *folder_of(const struct reader *r, char **own)
{
    const char *folder = r->entry->file->place.folder;
    return folder ? folder : (*own = gn_known_folder(NULL));
}

/* ${workspaceFolder} and its like: false if it is none of them. */
static bool add_folder(struct reader *r, const char *name, struct gn_buf *out)
{
    GN_AUTO_FREE char *own = NULL;
    const char *folder = folder_of(r, &own), *home = getenv("HOME");
    const char *value = NULL;
    if (gn_streq(name, "workspaceFolder") || gn_streq(name, "cwd"))
        value = folder;
    else if (gn_streq(name, "workspaceFolderBasename"))
        value = folder ? gn_path_base(folder) : NULL;
    else if (gn_streq(name, "userHome"))
        value = home;
    else if (gn_streq(name, "pathSeparator") || gn_streq(name, "/"))
        value = "/";
    if (value)
        gn_buf_adds(out, value);
    return value;
}

/* What an editor asks for comes from the environment here, or from the default it has. */
static int add_input(struct reader *r, const char *id, struct gn_buf *out)
{
    const gantry_json *inputs = gn_json_get(gn_json_root(&r->entry->file->json.doc), "inputs");
    GN_AUTO_FREE char *variable = gn_format("GANTRY_INPUT_%s", id);
    for (char *c = variable; *c; c++)
        *c = isalnum((unsigned char)*c) ? (char)toupper((unsigned char)*c) : '_';
    const char *value = getenv(variable);
    for (const gantry_json *i = NULL; !value && (i = gn_json_next(inputs, i));) {
        if (gn_json_streq(gn_json_get(i, "id"), id))
            value = gn_json_cstr(gn_json_get(i, "default"));
    }
    if (!value)
        return wrong(r, "the editor asks for \"%.100s\"; set %.100s in the environment", id,
                     variable);
    gn_buf_adds(out, value);
    return 0;
}

/* NAME or NAME:-default. 1: it is none. */
static int add_braces(struct reader *r, const char *name, struct gn_buf *out)
{
    const char *otherwise = strstr(name, ":-");
    size_t len = otherwise ? (size_t)(otherwise - name) : strlen(name);
    if (!is_name(name, len))
        return 1;
    GN_AUTO_FREE char *bare = gn_strndup(name, len);
    const char *value = getenv(bare);
    if (otherwise && (!value || !*value))
        value = otherwise + 2;
    if (!value && (r->variables & GN_VARS_LENIENT))
        return 1;
    if (!value)
        return wrong(r, "the variable %.100s is not set, and has no default", bare);
    gn_buf_adds(out, value);
    return 0;
}

/* What stands in ${...}. 0, 1: nothing to be replaced, or negative. */
static int add_variable(struct reader *r, const char *name, struct gn_buf *out)
{
    if ((r->variables & GN_VARS_ENV) && gn_starts_with(name, "env:")) {
        const char *value = getenv(name + 4);
        if (!value)
            return wrong(r, "the variable %.100s is not set", name + 4);
        gn_buf_adds(out, value);
        return 0;
    }
    if ((r->variables & GN_VARS_INPUTS) && gn_starts_with(name, "input:"))
        return add_input(r, name + 6, out);
    if ((r->variables & GN_VARS_FOLDERS) && add_folder(r, name, out))
        return 0;
    return r->variables & GN_VARS_BRACES ? add_braces(r, name, out) : 1;
}

/* $NAME at `at`: its length, if it is set. */
static size_t add_bare(struct reader *r, const char *at, struct gn_buf *out)
{
    size_t len = 1;
    while (isalnum((unsigned char)at[len]) || at[len] == '_')
        len++;
    if (!(r->variables & GN_VARS_BARE) || !is_name(at + 1, len - 1))
        return 0;
    GN_AUTO_FREE char *name = gn_strndup(at + 1, len - 1);
    const char *value = getenv(name);
    if (value)
        gn_buf_adds(out, value);
    return value ? len : 0;
}

/* The text with its variables replaced, once: values are not looked into. */
static int expand(struct reader *r, const char *text, char **ret)
{
    struct gn_buf out = GN_BUF_INIT(VALUE_MAX);
    int rc = 0;
    while (*text && rc >= 0) {
        size_t plain = strcspn(text, "$");
        gn_buf_add(&out, text, plain);
        text += plain;
        const char *end = gn_starts_with(text, "${") ? strchr(text, '}') : NULL;
        size_t used = 0;
        if (end) {
            GN_AUTO_FREE char *name = gn_strndup(text + 2, (size_t)(end - text) - 2);
            rc = add_variable(r, name, &out);
            used = rc == 0 ? (size_t)(end - text) + 1 : 0;
        } else if (*text) {
            used = add_bare(r, text, &out);
        }
        if (used == 0 && *text)
            gn_buf_addc(&out, '$'), used = 1;
        text += used;
    }
    if (rc >= 0 && out.overflow)
        rc = wrong(r, "is too long");
    if (rc >= 0)
        *ret = gn_buf_take(&out, NULL);
    gn_buf_release(&out);
    return rc < 0 ? rc : 0;
}

/* ---------------------------------------------------------------- members */

/* The text of r->key. What is not there stays NULL. */
static int read_text(struct reader *r, const gantry_json *v, char **ret)
{
    if (!v)
        return 0;
    const char *text = gn_json_cstr(v);
    if (!text)
        return wrong(r, "must be a text, not %s",
                     gn_json_type(v) == GN_JSON_STRING ? "a text with a NUL"
                                                       : gn_json_type_name(v));
    gn_free(*ret);
    *ret = NULL;
    return expand(r, text, ret);
}

static int read_member(struct reader *r, const char *name, char **ret)
{
    at_key(r, ".%s", name);
    return read_text(r, gn_json_get(r->entry->value, name), ret);
}

/* The command and its arguments. */
static int read_command(struct reader *r, struct gn_server *s)
{
    char *program = NULL;
    int rc = read_member(r, "command", &program);
    if (rc)
        return rc;
    const gantry_json *args = gn_json_get(r->entry->value, "args"), *v = NULL;
    size_t count = gn_json_count(args), n = 1;
    s->command = gn_calloc(GN_MIN(count, (size_t)LIST_MAX) + 2, sizeof(*s->command));
    s->command[0] = program;
    if (!program || !*program)
        return wrong(r, "is empty");
    at_key(r, ".args");
    if (args && gn_json_type(args) != GN_JSON_ARRAY)
        return wrong(r, "must be an array, not %s", gn_json_type_name(args));
    if (count > LIST_MAX)
        return wrong(r, "has more than %d arguments", LIST_MAX);
    for (; rc == 0 && (v = gn_json_next(args, v)); n++) {
        at_key(r, ".args[%zu]", n - 1);
        rc = read_text(r, v, &s->command[n]);
    }
    return rc;
}

/* A number or a truth value says in an environment what it says in the file. */
static int read_value(struct reader *r, const gantry_json *v, char **ret)
{
    int type = gn_json_type(v);
    if (type == GN_JSON_NUMBER)
        *ret = gn_strndup(v->text, v->len);
    else if (type == GN_JSON_TRUE || type == GN_JSON_FALSE)
        *ret = gn_strdup(type == GN_JSON_TRUE ? "true" : "false");
    else
        return read_text(r, v, ret);
    return 0;
}

/* An object of texts as "name<separator>value". */
static int read_pairs(struct reader *r, const char *member, const char *separator, char ***ret)
{
    const gantry_json *pairs = gn_json_get(r->entry->value, member), *v = NULL;
    size_t count = gn_json_count(pairs), n = 0;
    at_key(r, ".%s", member);
    if (!pairs || gn_json_type(pairs) == GN_JSON_NULL)
        return 0;
    if (gn_json_type(pairs) != GN_JSON_OBJECT)
        return wrong(r, "must be an object, not %s", gn_json_type_name(pairs));
    if (count > LIST_MAX)
        return wrong(r, "has more than %d members", LIST_MAX);
    bool is_header = *separator == ':';
    char **out = *ret = gn_calloc(count + 1, sizeof(*out));
    while ((v = gn_json_next(pairs, v))) {
        size_t len;
        const char *name = gn_json_name(v, &len);
        at_key(r, ".%s.%.60s", member, name);
        if (len == 0 || len != strlen(name) || strpbrk(name, is_header ? ": \t\r\n" : "="))
            return wrong(r, "is no name of a %s", is_header ? "header" : "variable");
        GN_AUTO_FREE char *value = NULL;
        if (gn_json_type(v) == GN_JSON_NULL)
            continue;
        int rc = read_value(r, v, &value);
        if (rc)
            return rc;
        if (is_header && strpbrk(value, "\r\n"))
            return wrong(r, "has a line break");
        out[n++] = gn_format("%s%s%s", name, separator, value);
    }
    return 0;
}

/* ---------------------------------------------------------------- where it leads to */

static const struct {
    const char *name;
    bool is_program;
    gantry_client_transport transport;
} types[] = {
    {"stdio", true, GANTRY_TRANSPORT_AUTO},
    {"local", true, GANTRY_TRANSPORT_AUTO},
    {"http", false, GANTRY_TRANSPORT_AUTO},
    {"streamable-http", false, GANTRY_TRANSPORT_STREAMABLE},
    {"streamable_http", false, GANTRY_TRANSPORT_STREAMABLE},
    {"streamableHttp", false, GANTRY_TRANSPORT_STREAMABLE},
    {"sse", false, GANTRY_TRANSPORT_SSE},
    {"ws", false, GANTRY_TRANSPORT_AUTO},
    {"websocket", false, GANTRY_TRANSPORT_AUTO},
};

/* The place in the table of "type" or "transport"; -1: not given. */
static int read_type(struct reader *r, int *ret)
{
    const char *member = gn_json_get(r->entry->value, "type") ? "type" : "transport";
    const gantry_json *v = gn_json_get(r->entry->value, member);
    *ret = -1;
    at_key(r, ".%s", member);
    if (!v)
        return 0;
    for (size_t i = 0; i < GN_COUNT(types); i++) {
        if (gn_json_streq(v, types[i].name))
            *ret = (int)i;
    }
    return *ret >= 0 ? 0 : wrong(r, "is none of stdio, http, streamable-http, sse, ws");
}

/* As options have it: what VS Code writes for a socket, and what says ws by its type. */
static char *url_as_option(char *url, const char *type)
{
    bool is_ws = gn_streq(type, "ws") || gn_streq(type, "websocket");
    char *other = NULL;
    if (gn_starts_with(url, "unix://"))
        other = gn_format("unix:%s", url + 7);
    else if (is_ws && gn_starts_with(url, "http"))
        other = gn_format("ws%s", url + 4);
    if (!other)
        return url;
    gn_free(url);
    return other;
}

static int read_url(struct reader *r, struct gn_server *s, const char *type)
{
    static const char *const members[] = {"httpUrl", "url", "serverUrl"};
    int rc = 0;
    for (size_t i = 0; rc == 0 && !s->url && i < GN_COUNT(members); i++) {
        rc = read_member(r, members[i], &s->url);
        if (s->url && i == 0)
            s->transport = GANTRY_TRANSPORT_STREAMABLE;
    }
    if (rc == 0 && s->url)
        s->url = url_as_option(s->url, type);
    return rc ? rc : read_pairs(r, "headers", ": ", &s->headers);
}

/* "envFile": further variables. */
static int read_env_file(struct reader *r, struct gn_server *s)
{
    const char *folder = r->entry->file->place.folder;
    GN_AUTO_FREE char *path = NULL;
    int rc = read_member(r, "envFile", &path);
    if (rc || !path)
        return rc;
    GN_AUTO_FREE char *whole = *path != '/' && folder ? gn_path_join(folder, path)
                                                      : gn_strdup(path);
    struct gn_error why = {0};
    if (gn_server_env_file(whole, s->environment, &s->environment, &why))
        return wrong(r, "%s", why.text);
    return 0;
}

static int read_program(struct reader *r, struct gn_server *s)
{
    int rc = read_command(r, s);
    if (rc == 0)
        rc = read_pairs(r, "env", "=", &s->environment);
    if (rc == 0)
        rc = read_env_file(r, s);
    if (rc == 0)
        rc = read_member(r, "cwd", &s->directory);
    const char *folder = r->entry->file->place.folder;
    if (rc || !folder)
        return rc;
    /* What a project's file says is meant from its folder. */
    char *own = s->directory && *s->directory != '/' ? gn_path_join(folder, s->directory) : NULL;
    if (!s->directory)
        own = gn_strdup(folder);
    if (own) {
        gn_free(s->directory);
        s->directory = own;
    }
    return 0;
}

static int read_entry(struct reader *r, struct gn_server *s)
{
    const gantry_json *v = r->entry->value;
    at_key(r, "%s", "");
    if (gn_json_type(v) != GN_JSON_OBJECT)
        return wrong(r, "must be an object, not %s", gn_json_type_name(v));
    bool has_url = gn_json_get(v, "url") || gn_json_get(v, "httpUrl") ||
                   gn_json_get(v, "serverUrl");
    bool has_command = gn_json_get(v, "command");
    int type;
    int rc = read_type(r, &type);
    if (rc)
        return rc;
    at_key(r, "%s", "");
    if (!has_url && !has_command)
        return wrong(r, "has neither command nor url");
    if (has_url && has_command && type < 0)
        return wrong(r, "has both command and url, and no type that says which counts");
    bool is_program = type < 0 ? has_command : types[type].is_program;
    if (is_program && !has_command)
        return wrong(r, "has no command, which its type asks for");
    if (!is_program && !has_url)
        return wrong(r, "has no url, which its type asks for");
    if (is_program)
        return read_program(r, s);
    if (type >= 0)
        s->transport = types[type].transport;
    return read_url(r, s, type < 0 ? NULL : types[type].name);
}

int gn_server_read(const struct gn_server_entry *entry, struct gn_server *ret, struct gn_error *err)
{
    struct reader r = {.entry = entry, .variables = entry->file->place.kind->variables, .err = err};
    *ret = (struct gn_server){.name = gn_strdup(entry->name),
                              .file = gn_strdup(entry->file->place.path)};
    int rc = read_entry(&r, ret);
    if (rc)
        gn_server_release(ret);
    return rc;
}
