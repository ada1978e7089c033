/* servers.c - finding a server by its name: the files, in the order in which they count. */
#include "servers.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>
#include <unistd.h>

#define FOLDERS_MAX 64     /* from the working folder up */
#define ENTRIES_MAX 10000  /* of all files */
#define NAMES_SHOWN 20     /* in a message */
#define PROBLEMS_MAX 16384 /* bytes */

/* ---------------------------------------------------------------- reading the files */

static bool is_disabled(const gantry_json *entry)
{
    bool on = true, off = false;
    gn_json_bool(gn_json_get(entry, "disabled"), &off);
    gn_json_bool(gn_json_get(entry, "enabled"), &on);
    return off || !on;
}

static const gantry_json *find_members(const struct gn_servers_file *f)
{
    const gantry_json *root = gn_json_root(&f->json.doc);
    if (f->place.scope == GN_SCOPE_LOCAL) {
        const gantry_json *projects = gn_json_get(root, "projects");
        return gn_json_get(gn_json_get(projects, f->place.folder), f->place.kind->member);
    }
    const gantry_json *members = gn_json_get(root, f->place.kind->member);
    /* Some keep the other's shape in a file of their own. */
    return members || f->place.kind != &gn_known_any ? members : gn_json_get(root, "servers");
}

static void add_entries(struct gn_servers *s, const struct gn_servers_file *f)
{
    const gantry_json *members = find_members(f), *v = NULL;
    if (gn_json_type(members) != GN_JSON_OBJECT)
        return;
    size_t count = gn_json_count(members);
    s->entries = gn_reallocarray(s->entries, s->count + count + 1, sizeof(*s->entries));
    while ((v = gn_json_next(members, v)) && s->count < ENTRIES_MAX) {
        const char *name = gn_json_name(v, NULL);
        if (v != gn_json_get(members, name)) /* a later one of that name counts, or a NUL in it */
            continue;
        s->entries[s->count++] = (struct gn_server_entry){
            .name = name, .value = v, .file = f, .is_disabled = is_disabled(v)};
    }
}

static void add_place(struct gn_servers *s, struct gn_known_place *place)
{
    for (size_t i = 0; i < s->file_count; i++) {
        const struct gn_known_place *other = &s->files[i].place;
        bool is_part = place->scope == GN_SCOPE_LOCAL || other->scope == GN_SCOPE_LOCAL;
        /* The home folder is above many projects. */
        if (gn_streq(other->path, place->path) &&
            (!is_part || gn_streq(other->folder, place->folder))) {
            gn_known_place_release(place);
            return;
        }
    }
    s->files = gn_reallocarray(s->files, s->file_count + 1, sizeof(*s->files));
    s->files[s->file_count++] = (struct gn_servers_file){.place = *place};
}

static void add_scope(struct gn_servers *s, enum gn_known_scope scope, const char *folder)
{
    for (const struct gn_known_client *k = gn_known_clients; k->name; k++) {
        struct gn_known_place place;
        if (gn_known_place(k, scope, folder, &place, NULL) == 0)
            add_place(s, &place);
    }
}

/* The folder and those above it, nearest first. */
static void add_folders(struct gn_servers *s, enum gn_known_scope scope, const char *folder)
{
    GN_AUTO_FREE char *at = gn_strdup(folder);
    for (int i = 0; i < FOLDERS_MAX; i++) {
        add_scope(s, scope, *at ? at : "/");
        char *slash = strrchr(at, '/');
        if (!slash || !*at)
            return;
        *slash = '\0';
    }
}

static void list_places(struct gn_servers *s)
{
    GN_AUTO_FREE char *folder = gn_known_folder(NULL);
    add_scope(s, GN_SCOPE_USER, NULL);
    if (!folder)
        return;
    add_folders(s, GN_SCOPE_LOCAL, folder);
    add_folders(s, GN_SCOPE_PROJECT, folder);
}

/* The same text may have been read for another scope. */
static int read_file(struct gn_servers *s, struct gn_servers_file *f, struct gn_error *err)
{
    unsigned me = (unsigned)geteuid();
    for (struct gn_servers_file *other = s->files; other < f; other++) {
        if (gn_streq(other->place.path, f->place.path) && !other->json.text)
            return GN_ENOENT; /* what is wrong has been said */
        if (gn_streq(other->place.path, f->place.path))
            return gn_jsonc_parse(&f->json, other->json.text, other->json.len, err);
    }
    return gn_jsonc_read(&f->json, f->place.path, f->place.folder ? &me : NULL, err);
}

int gn_servers_load(struct gn_servers *s, const char *config, struct gn_error *err)
{
    *s = (struct gn_servers){.problems = GN_BUF_INIT(PROBLEMS_MAX)};
    if (config) {
        struct gn_known_place place = {.kind = gn_known_by_path(config), .path = gn_strdup(config)};
        add_place(s, &place);
    } else {
        list_places(s);
    }
    for (size_t i = 0; i < s->file_count; i++) {
        struct gn_error why = {0};
        int rc = read_file(s, &s->files[i], &why);
        if (rc && config) {
            gn_servers_release(s);
            return gn_error_set(err, rc, "%s", why.text);
        }
        if (rc == 0)
            add_entries(s, &s->files[i]);
        else if (rc != GN_ENOENT && rc != -ENOTDIR)
            gn_buf_addf(&s->problems, "%s\n", why.text);
    }
    return 0;
}

void gn_servers_release(struct gn_servers *s)
{
    for (size_t i = 0; i < s->file_count; i++) {
        gn_jsonc_release(&s->files[i].json);
        gn_known_place_release(&s->files[i].place);
    }
    gn_free(s->files);
    gn_free(s->entries);
    gn_buf_release(&s->problems);
    *s = (struct gn_servers){0};
}

/* ---------------------------------------------------------------- by name */

/* The first entry of that name, if it can be one that is not disabled. */
static const struct gn_server_entry *find_entry(const struct gn_servers *s, const char *name)
{
    const struct gn_server_entry *disabled = NULL;
    for (size_t i = 0; i < s->count; i++) {
        const struct gn_server_entry *e = &s->entries[i];
        if (!gn_streq(e->name, name))
            continue;
        if (!e->is_disabled)
            return e;
        disabled = disabled ? disabled : e;
    }
    return disabled;
}

/* Where else that name stands; NULL: nowhere. */
static char *note_others(const struct gn_servers *s, const struct gn_server_entry *taken)
{
    struct gn_buf note = GN_BUF_INIT(4096);
    for (size_t i = 0; i < s->count; i++) {
        const struct gn_server_entry *e = &s->entries[i];
        if (e == taken || !gn_streq(e->name, taken->name))
            continue;
        if (note.len == 0)
            gn_buf_addf(&note, "\"%.100s\" is taken from %s; there is one in ", e->name,
                        taken->file->place.path);
        else
            gn_buf_adds(&note, " and ");
        gn_buf_addf(&note, "%s%s%s", e->file->place.path,
                    e->file->place.scope == GN_SCOPE_LOCAL ? " of this project" : "",
                    e->is_disabled ? " (disabled)" : "");
    }
    if (note.len > 0)
        gn_buf_adds(&note, ", too");
    char *text = note.len > 0 && !note.overflow ? gn_strdup(gn_buf_str(&note)) : NULL;
    gn_buf_release(&note);
    return text;
}

static int unknown(const struct gn_servers *s, const char *config, const char *name,
                   struct gn_error *err)
{
    const char **names = gn_calloc(s->count + 1, sizeof(*names));
    struct gn_buf list = GN_BUF_INIT(600);
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++) {
        bool is_known = false;
        for (size_t k = 0; k < count && !is_known && count < 1000; k++)
            is_known = gn_streq(names[k], s->entries[i].name);
        if (is_known)
            continue;
        names[count] = s->entries[i].name;
        if (count < NAMES_SHOWN)
            gn_buf_addf(&list, "%s%.40s", count ? ", " : "", names[count]);
        count++;
    }
    const char *near = gn_nearest(name, names);
    bool cut = list.overflow || count > NAMES_SHOWN;
    int rc = gn_error_set(
        err, GN_ENOENT, "no server is called \"%.100s\" in %s%s%.100s%s%s%s%s%s%.200s", name,
        config ? config : "the configuration files known", near ? ", did you mean \"" : "",
        near ? near : "", near ? "\"?" : "", count ? "; there is " : "; there is none",
        gn_buf_str(&list), cut ? ", ... (gantry servers)" : "",
        s->problems.len ? "; passed over: " : "", gn_buf_str(&s->problems));
    gn_buf_release(&list);
    gn_free(names);
    return rc;
}

static int find(const struct gn_servers *s, const char *config, const char *name,
                struct gn_server *ret, struct gn_error *err)
{
    const struct gn_server_entry *e = find_entry(s, name);
    if (!e)
        return unknown(s, config, name, err);
    if (e->is_disabled)
        return gn_error_set(err, GN_EINVAL, "%s: %s.%.100s is disabled there", e->file->place.path,
                            e->file->place.kind->member, name);
    int rc = gn_server_read(e, ret, err);
    if (rc == 0)
        ret->note = note_others(s, e);
    return rc;
}

int gn_servers_find(const char *config, const char *name, struct gn_server *ret,
                    struct gn_error *err)
{
    struct gn_servers s;
    *ret = (struct gn_server){0};
    int rc = gn_servers_load(&s, config, err);
    if (rc)
        return rc;
    rc = find(&s, config, name, ret, err);
    gn_servers_release(&s);
    return rc;
}

void gn_server_release(struct gn_server *s)
{
    char *texts[] = {s->name, s->file, s->note, s->url, s->directory};
    for (size_t i = 0; i < GN_COUNT(texts); i++)
        gn_free(texts[i]);
    gn_texts_free(s->command);
    gn_texts_free(s->environment);
    gn_texts_free(s->headers);
    *s = (struct gn_server){0};
}

void gn_server_apply(const struct gn_server *s, gantry_client_options *options)
{
    options->url = s->url;
    options->command = (const char *const *)s->command;
    options->environment = (const char *const *)s->environment;
    options->directory = s->directory;
    options->transport = s->transport;
}
