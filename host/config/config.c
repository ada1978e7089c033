/* config.c - a configuration: its defaults, its file, single keys from the command line. */
#include "config/config.h"

#include "config/keys.h"
#include "util/alloc.h"
#include "util/str.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX (1u << 20)

/* The absolute folder that a path lies in. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    GN_AUTO_FREE char *folder = slash ? gn_strndup(path, (size_t)(slash - path)) : gn_strdup("");
    if (*path == '/')
        return gn_strdup(*folder ? folder : "/");
    char here[PATH_MAX];
    if (!getcwd(here, sizeof(here)))
        return gn_strdup(*folder ? folder : ".");
    return *folder ? gn_path_join(here, folder) : gn_strdup(here);
}

static int read_text(const char *path, struct gn_buf *text, struct gn_yaml_report *report)
{
    int rc = gn_read_file(path, text);
    if (rc == GN_ETOOBIG)
        gn_yaml_problem(report, 0, NULL, "is larger than %u KiB", FILE_MAX / 1024);
    else if (rc == GN_EINVAL)
        gn_yaml_problem(report, 0, NULL, "is not a regular file");
    else if (rc)
        gn_yaml_problem(report, 0, NULL, "cannot be read: %s", strerror(-rc));
    return rc;
}

/* Instances are called as their plugin unless they say otherwise. */
static void name_instances(struct gn_config *c)
{
    for (size_t i = 0; i < c->instance_count; i++) {
        struct gn_config_instance *n = &c->instances[i];
        if (n->name || !n->plugin)
            continue;
        const char *base = gn_path_base(n->plugin);
        size_t len = strlen(base);
        n->name = gn_strndup(base, gn_ends_with(base, ".so") ? len - 3 : len);
    }
}

/* The one that is a way to say schema.references: inline. */
static void apply_dereference(struct gn_config *c)
{
    for (size_t i = 0; i < c->middleware_count; i++) {
        if (gn_streq(c->middlewares[i].use, "dereference"))
            c->inline_references = true;
    }
}

static void read_file(struct gn_config *c, const char *path, const struct gn_buf *text,
                      struct gn_yaml_report *report)
{
    struct gn_arena arena;
    gn_arena_init(&arena, GN_YAML_ARENA);
    GN_AUTO_FREE char *folder = folder_of(path);
    struct gn_yaml *root = gn_yaml_parse(&arena, gn_buf_str(text), text->len, report);
    if (root) {
        struct gn_config_reader r = {
            .arena = &arena, .report = report, .folder = folder, .lines = &c->lines};
        gn_yaml_expand(&arena, root, report);
        gn_config_read(&r, gn_config_keys, c, "", root);
    }
    gn_arena_release(&arena);
}

/* Sets a key whose value is not one text: it is written as in the file, on one line. */
static void set_from_yaml(struct gn_config *c, const struct gn_config_key *key, const char *value,
                          struct gn_config_reader *r)
{
    struct gn_yaml *root = gn_yaml_parse(r->arena, value, strlen(value), r->report);
    for (struct gn_yaml *item = root; item; item = item == root ? root->first : item->next)
        item->line = 0; /* there is no file */
    if (root && r->report->count == 0)
        gn_config_read_key(r, key, c, key->name, root);
}

static void change_key(struct gn_config *c, const struct gn_config_key *key, const char *value,
                       bool add, struct gn_config_reader *r)
{
    struct gn_yaml text = {.kind = GN_YAML_TEXT, .quoted = true, .text = value};
    bool is_list = key->type == GN_KEY_ENTRIES || key->type == GN_KEY_TEXTS ||
                   key->type == GN_KEY_PATHS || key->type == GN_KEY_SECRETS;
    if (add && gn_config_append(r, key, c, &text) != 0)
        gn_yaml_problem(r->report, 0, key->name, "takes one value only");
    else if (!add && is_list)
        set_from_yaml(c, key, value, r);
    else if (!add)
        gn_config_read_key(r, key, c, key->name, &text);
    name_instances(c);
    apply_dereference(c);
}

static int change(struct gn_config *c, const char *name, const char *value, bool add,
                  struct gn_error *err)
{
    const struct gn_config_key *key = gn_config_find_key(gn_config_keys, name);
    if (!key) {
        const char *near = gn_config_nearest_key(gn_config_keys, name);
        return gn_error_set(err, GN_ENOENT, "%s: unknown key%s%s%s", name,
                            near ? ", did you mean " : "", near ? near : "", near ? "?" : "");
    }
    struct gn_arena arena;
    gn_arena_init(&arena, GN_YAML_ARENA);
    struct gn_buf problems = GN_BUF_INIT(64 * 1024);
    struct gn_yaml_report report = {.problems = &problems};
    GN_AUTO_FREE char *folder = folder_of("");
    struct gn_config_reader r = {
        .arena = &arena, .report = &report, .folder = folder, .lines = &c->lines};
    change_key(c, key, value, add, &r);
    gn_arena_release(&arena);
    int rc = 0;
    if (report.count > 0) {
        const char *first = gn_buf_str(&problems);
        rc = gn_error_set(err, GN_EINVAL, "%.*s", (int)strcspn(first, "\n"), first);
    }
    gn_buf_release(&problems);
    return rc;
}

struct gn_config *gn_config_new(void)
{
    struct gn_config *c = gn_calloc(1, sizeof(*c));
    gn_map_init(&c->lines);
    gn_config_defaults(gn_config_keys, c);
    return c;
}

void gn_config_free(struct gn_config *c)
{
    if (!c)
        return;
    gn_config_release(gn_config_keys, c);
    gn_map_release(&c->lines, NULL);
    gn_free(c->file);
    gn_free(c);
}

struct gn_config *gn_config_load(const char *path, struct gn_buf *problems)
{
    struct gn_yaml_report report = {.file = path, .problems = problems};
    struct gn_buf text = GN_BUF_INIT(FILE_MAX);
    struct gn_config *c = gn_config_new();
    c->file = gn_strdup(path);
    if (read_text(path, &text, &report) == 0)
        read_file(c, path, &text, &report);
    gn_buf_release(&text);
    name_instances(c);
    apply_dereference(c);
    if (report.count == 0)
        return c;
    gn_config_free(c);
    return NULL;
}

int gn_config_line(const struct gn_config *c, const char *key)
{
    return (int)(intptr_t)gn_map_find(&c->lines, key);
}

int gn_config_nearest_line(const struct gn_config *c, const char *key)
{
    GN_AUTO_FREE char *path = gn_strdup(key);
    for (size_t len = strlen(path); len > 0; path[len] = '\0') {
        int line = gn_config_line(c, path);
        if (line > 0)
            return line;
        while (len > 0 && path[--len] != '.' && path[len] != '[')
            ;
    }
    return 0;
}

const char *gn_config_secret(const struct gn_config *c, const char *name)
{
    for (size_t i = 0; i < c->secret_count; i++) {
        if (gn_streq(c->secrets[i].name, name))
            return c->secrets[i].value;
    }
    return NULL;
}

int gn_config_set(struct gn_config *c, const char *key, const char *value, struct gn_error *err)
{
    return change(c, key, value, false, err);
}

int gn_config_add(struct gn_config *c, const char *key, const char *value, struct gn_error *err)
{
    return change(c, key, value, true, err);
}
