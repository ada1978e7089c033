/* files.c - read, list, search and (if allowed) write files below configured directories.
 *
 * A plugin whose work blocks: every handler says GANTRY_BLOCKING and runs on a worker thread, start
 * to end, with the same functions at its disposal. This file is what clients see; where things are
 * and how they are done is in the files it includes. hello.c explains what is not explained here.
 *
 *     plugins:
 *       - plugin: files
 *         settings: { roots: [/srv/docs, /home/ada/notes], write: false }
 */
#include "complete.h"
#include "content.h"
#include "dir.h"
#include "path.h"
#include "search.h"
#include "watch.h"
#include "within.h"
#include "write.h"

#include <gantry.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_ENTRIES 1000   /* of a directory, in one answer */
#define PROGRESS_EVERY 500 /* files */

/* ---------------------------------------------------------------- settings and state */

typedef struct {
    gantry_strings roots;
    bool write, within_roots;
    int64_t max_bytes, watch;
} files_settings;

static const gantry_arg files_settings_args[] = {
    GANTRY_ARG(files_settings, roots,
               "Directories to serve, absolute; nothing outside of them is ever touched",
               .length = {1, MAX_ROOTS}),
    GANTRY_ARG(files_settings, write, "Offer the tool write_file", .default_json = "false"),
    GANTRY_ARG(files_settings, within_roots,
               "Only what also lies in the folders that the client works in (its MCP roots)",
               .default_json = "false"),
    GANTRY_ARG(files_settings, max_bytes, "Largest file to read, search or write, bytes",
               .range = {1, 8 << 20}, .default_json = "4194304"),
    GANTRY_ARG(files_settings, watch,
               "How often it is looked whether files that clients have subscribed to have changed, "
               "milliseconds; 0: never",
               .range = {0, 3600000}, .default_json = "2000"),
    GANTRY_ARGS_END,
};

static const files_settings *settings_of(gantry_call *call)
{
    return gantry_settings(gantry_self(call));
}

/* Made in start and never changed, so that handlers on several threads may read it. */
static const roots *roots_of(gantry_call *call)
{
    return gantry_state(gantry_self(call));
}

/* What went wrong, for the client: the path as it named it, never where the root is. */
static int fail(gantry_call *call, const char *path, int error)
{
    if (error == EFBIG)
        return gantry_fail(call, "%s: larger than %lld bytes", path,
                           (long long)settings_of(call)->max_bytes);
    if (error == WITHIN_OUTSIDE)
        return gantry_fail(call, "%s: outside of the folders that the client works in", path);
    return gantry_fail(call, "%s: %s", path, path_error(error));
}

/* The root that a path names, and the rest of it. The root is NULL if the path is empty. */
static int find_root(gantry_call *call, const char *path, const root **ret_root, char *rest)
{
    const char *problem = path_parse(roots_of(call), path, ret_root, rest);
    return problem ? gantry_fail(call, "%s: %s", path, problem) : GANTRY_OK;
}

/* What the client's roots allow; asked for first of all. */
static int ask_within(gantry_call *call, within *ret)
{
    return within_ask(call, settings_of(call)->within_roots, ret);
}

/* Handlers may be run again from their start, where they ask for the client's roots. */
#define BLOCKING (GANTRY_BLOCKING | GANTRY_REPLAY)

static bool is_cancelled(void *call)
{
    return gantry_cancelled(call);
}

/* ---------------------------------------------------------------- reading */

/* A file's contents, malloc'ed. NULL: *ret_error says why. */
static char *read_whole(gantry_call *call, const within *w, const root *where, const char *rest,
                        size_t *ret_n, int *ret_error)
{
    int fd = within_keep(w, path_open_file(where, rest));
    if (fd < 0) {
        *ret_error = -fd;
        return NULL;
    }
    char *data = content_read(fd, settings_of(call)->max_bytes, ret_n);
    *ret_error = data ? 0 : errno;
    close(fd);
    return data;
}

typedef struct {
    const char *path;
} read_file_in;

static const gantry_arg read_file_args[] = {
    GANTRY_ARG(read_file_in, path, "ROOT/path of the file", .length = {1, MAX_PATH}),
    GANTRY_ARGS_END,
};

/* Text as text, images and sounds as what they are, anything else as an embedded resource. */
GANTRY_TOOL(read_file, read_file_in, "Read one file", .title = "Read file", .read_only = GANTRY_YES,
            .flags = BLOCKING)
{
    char rest[MAX_PATH];
    const root *where;
    within w;
    int rc = ask_within(call, &w);
    if (!rc)
        rc = find_root(call, in->path, &where, rest);
    if (rc)
        return rc;
    size_t n = 0;
    int error;
    char *data = read_whole(call, &w, where, rest, &n, &error);
    if (!data)
        return fail(call, in->path, error);
    bool is_text = is_utf8(data, n);
    const char *mime = mime_of(in->path, is_text);
    if (is_text) {
        rc = gantry_text_add(call, data, n);
    } else if (strncmp(mime, "image/", 6) == 0) {
        rc = gantry_image(call, data, n, mime);
    } else if (strncmp(mime, "audio/", 6) == 0) {
        rc = gantry_audio(call, data, n, mime);
    } else {
        const char *uri = uri_of(call, in->path);
        rc = uri ? gantry_embed_blob(call, uri, mime, data, n) : GANTRY_ETOOBIG;
    }
    free(data);
    return rc;
}

/* ---------------------------------------------------------------- listing */

typedef struct {
    const char *path, *after;
} list_directory_in;

static const gantry_arg list_directory_args[] = {
    GANTRY_ARG(list_directory_in, path, "ROOT/path of the directory; empty: lists the roots",
               .default_json = "\"\"", .length = {0, MAX_PATH}),
    GANTRY_ARG(list_directory_in, after,
               "Only names behind this one: to go on where a list was cut short", .optional = 1,
               .length = {1, 255}),
    GANTRY_ARGS_END,
};

typedef struct {
    const char *name, *type;
    gantry_opt_int size;
    const char *modified;
} entry;

static const gantry_arg entry_fields[] = {
    GANTRY_ARG(entry, name, "Name"),
    GANTRY_ARG(entry, type, "What it is", GANTRY_ONE_OF("file", "directory", "link", "other")),
    GANTRY_ARG(entry, size, "Bytes, of files"),
    GANTRY_ARG(entry, modified, "When it was last changed", .format = "date-time", .optional = 1),
    GANTRY_ARGS_END,
};

typedef struct {
    GANTRY_ARRAY(entry) entries;
    bool truncated;
} listing;

static const gantry_arg listing_fields[] = {
    GANTRY_ARG_ARRAY(listing, entries, entry_fields, "What the directory holds, by name"),
    GANTRY_ARG(listing, truncated, "There is more: ask again, after the last name"),
    GANTRY_ARGS_END,
};

static int fill_entry(gantry_call *call, entry *e, const char *name, const struct stat *st)
{
    char when[32];
    struct tm tm;
    e->name = gantry_format(call, "%s", name);
    e->type = S_ISREG(st->st_mode)   ? "file"
              : S_ISDIR(st->st_mode) ? "directory"
              : S_ISLNK(st->st_mode) ? "link"
                                     : "other";
    e->size = (gantry_opt_int){S_ISREG(st->st_mode), st->st_size};
    /* A file may claim to come from the year 30000, which a date-time cannot say. */
    if (gmtime_r(&st->st_mtime, &tm) && tm.tm_year >= -1900 && tm.tm_year <= 9999 - 1900 &&
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm) == strlen("2000-01-01T00:00:00Z"))
        e->modified = gantry_format(call, "%s", when);
    return e->name ? GANTRY_OK : GANTRY_ETOOBIG;
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->name, ((const entry *)b)->name);
}

static int list_roots(gantry_call *call, const within *w, const char *after, listing *out)
{
    const roots *r = roots_of(call);
    entry *entries = gantry_alloc(call, sizeof *entries * MAX_ROOTS);
    if (!entries)
        return GANTRY_ETOOBIG;
    for (size_t i = 0; i < r->count; i++) {
        struct stat st;
        if ((after && strcmp(r->v[i].name, after) <= 0) || fstat(r->v[i].fd, &st) != 0 ||
            !within_has(w, &r->v[i]))
            continue;
        int rc = fill_entry(call, &entries[out->entries.n++], r->v[i].name, &st);
        if (rc)
            return rc;
    }
    qsort(entries, out->entries.n, sizeof *entries, compare_entries);
    out->entries.v = entries;
    return GANTRY_OK;
}

static int fill_listing(gantry_call *call, int fd, const dir_names *names, listing *out)
{
    entry *entries = gantry_alloc(call, sizeof *entries * (names->n + 1));
    if (!entries)
        return GANTRY_ETOOBIG;
    for (size_t i = 0; i < names->n; i++) {
        struct stat st;
        if (fstatat(fd, names->names[i], &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue; /* gone meanwhile */
        int rc = fill_entry(call, &entries[out->entries.n++], names->names[i], &st);
        if (rc)
            return rc;
    }
    out->entries.v = entries;
    out->truncated = names->total > names->n;
    return GANTRY_OK;
}

static int list_below(gantry_call *call, const within *w, const root *where, const char *rest,
                      const list_directory_in *in, listing *out)
{
    dir_query query = {.max = MAX_ENTRIES, .after = in->after, .stop = is_cancelled, .arg = call};
    dir_names names;
    int fd = within_keep(w, path_open_dir(where, rest));
    int error = fd < 0 ? fd : dir_read(fd, &query, &names);
    int rc;
    if (error == -ECANCELED) {
        rc = GANTRY_ECANCELED;
    } else if (error) {
        rc = fail(call, in->path, -error);
    } else {
        rc = fill_listing(call, fd, &names, out);
        dir_free(&names);
    }
    if (fd >= 0)
        close(fd);
    return rc;
}

GANTRY_TOOL(list_directory, list_directory_in, "List a directory", .title = "List directory",
            GANTRY_OUTPUT(listing, listing_fields), .read_only = GANTRY_YES, .flags = BLOCKING)
{
    char rest[MAX_PATH];
    const root *where;
    listing out = {.truncated = false};
    within w;
    int rc = ask_within(call, &w);
    if (!rc)
        rc = find_root(call, in->path, &where, rest);
    if (rc == GANTRY_OK && where)
        rc = list_below(call, &w, where, rest, in, &out);
    else if (rc == GANTRY_OK)
        rc = list_roots(call, &w, in->after, &out);
    return rc ? rc : gantry_structured(call, &out);
}

/* ---------------------------------------------------------------- searching */

typedef struct {
    const char *path, *text, *glob;
    bool ignore_case;
    int64_t max_results;
} search_files_in;

static const gantry_arg search_files_args[] = {
    GANTRY_ARG(search_files_in, path, "ROOT/path of the directory to search; empty: all roots",
               .default_json = "\"\"", .length = {0, MAX_PATH}),
    GANTRY_ARG(search_files_in, text,
               "Text to look for in the files; without it, files are found by name", .optional = 1,
               .length = {1, 1000}),
    GANTRY_ARG(search_files_in, glob, "Which file names, such as *.md", .optional = 1,
               .length = {1, 255}),
    GANTRY_ARG(search_files_in, ignore_case, "Take A and a for the same letter",
               .default_json = "false"),
    GANTRY_ARG(search_files_in, max_results, "Stop after so many", .range = {1, 1000},
               .default_json = "100"),
    GANTRY_ARGS_END,
};

typedef struct {
    const char *path;
    gantry_opt_int line;
    const char *text;
} hit;

static const gantry_arg hit_fields[] = {
    GANTRY_ARG(hit, path, "ROOT/path of the file"),
    GANTRY_ARG(hit, line, "Line, from 1; missing for hits by name"),
    GANTRY_ARG(hit, text, "The line, shortened", .optional = 1),
    GANTRY_ARGS_END,
};

typedef struct {
    GANTRY_ARRAY(hit) hits;
    int64_t files;
    bool truncated;
} search_files_out;

static const gantry_arg search_files_fields[] = {
    GANTRY_ARG_ARRAY(search_files_out, hits, hit_fields, "Where it was found"),
    GANTRY_ARG(search_files_out, files, "How many files were looked at"),
    GANTRY_ARG(search_files_out, truncated, "There may be more than is shown"),
    GANTRY_ARGS_END,
};

typedef struct {
    gantry_call *call;
    hit *hits;
    size_t n;
} collector;

static int collect_hit(void *arg, const char *path, int64_t line, const char *text, size_t n)
{
    collector *c = arg;
    hit *h = &c->hits[c->n];
    h->path = gantry_format(c->call, "%s", path);
    h->line = (gantry_opt_int){line > 0, line};
    h->text = line > 0 ? gantry_format(c->call, "%.*s", (int)n, text) : NULL;
    if (!h->path || (line > 0 && !h->text))
        return GANTRY_ETOOBIG;
    c->n++;
    return 0;
}

static void count_file(void *arg, int64_t files)
{
    collector *c = arg;
    if (files % PROGRESS_EVERY == 0)
        gantry_progress(c->call, (double)files, 0, "files searched");
}

/* Nobody interrupts a thread: a handler that computes for long looks itself whether it is still
 * wanted. */
static bool stop_search(void *arg)
{
    collector *c = arg;
    return gantry_cancelled(c->call);
}

static int search_root(gantry_call *call, const within *w, search *s, const root *where,
                       const char *rest, const char *shown)
{
    int fd = within_keep(w, path_open_dir(where, rest));
    if (fd < 0)
        return fail(call, shown, -fd);
    int rc = search_run(s, fd, shown);
    return rc == -ECANCELED ? GANTRY_ECANCELED : rc;
}

/* All that is served of a root and allowed. */
static int search_all_of(gantry_call *call, const within *w, search *s, const root *where)
{
    int rc = GANTRY_OK;
    if (w->all)
        return search_root(call, w, s, where, ".", where->name);
    for (size_t i = 0; i < w->n && !rc; i++) {
        const char *part = within_part(call, w, where, i);
        if (part)
            rc = search_root(call, w, s, where, part,
                             strcmp(part, ".") == 0
                                 ? where->name
                                 : gantry_format(call, "%s/%s", where->name, part));
    }
    return rc;
}

/* The path as the client wrote it, without the slash that may be at its end. */
static const char *without_slash(gantry_call *call, const char *path)
{
    size_t n = strlen(path);
    return gantry_format(call, "%.*s", (int)(n > 0 && path[n - 1] == '/' ? n - 1 : n), path);
}

GANTRY_TOOL(search_files, search_files_in, "Find files by name, or lines by their text",
            .title = "Search files", GANTRY_OUTPUT(search_files_out, search_files_fields),
            .read_only = GANTRY_YES, .flags = BLOCKING)
{
    char rest[MAX_PATH];
    const root *where;
    const roots *r = roots_of(call);
    within w;
    int rc = ask_within(call, &w);
    if (!rc)
        rc = find_root(call, in->path, &where, rest);
    if (rc)
        return rc;
    collector c = {.call = call, .hits = gantry_alloc(call, (size_t)in->max_results * sizeof(hit))};
    const char *shown = without_slash(call, in->path);
    if (!c.hits || !shown)
        return GANTRY_ETOOBIG;
    search s = {
        .text = in->text,
        .glob = in->glob,
        .ignore_case = in->ignore_case,
        .max_file = settings_of(call)->max_bytes,
        .max_results = in->max_results,
        .on_hit = collect_hit,
        .on_file = count_file,
        .stop = stop_search,
        .arg = &c,
    };
    if (where)
        rc = search_root(call, &w, &s, where, rest, shown);
    for (size_t i = 0; !where && rc == GANTRY_OK && i < r->count; i++)
        rc = search_all_of(call, &w, &s, &r->v[i]);
    if (rc)
        return rc;
    search_files_out out = {.hits = {c.n, c.hits}, .files = s.files, .truncated = s.truncated};
    return gantry_structured(call, &out);
}

/* ---------------------------------------------------------------- writing */

typedef struct {
    const char *path;
    gantry_str text;
    bool overwrite;
} write_file_in;

static const gantry_arg write_file_args[] = {
    GANTRY_ARG(write_file_in, path, "ROOT/path of the file; its directory must exist",
               .length = {1, MAX_PATH}),
    GANTRY_ARG(write_file_in, text, "What the file shall hold"),
    GANTRY_ARG(write_file_in, overwrite, "Replace a file that exists", .default_json = "false"),
    GANTRY_ARGS_END,
};

GANTRY_TOOL(write_file, write_file_in, "Write a text file", .title = "Write file",
            .read_only = GANTRY_NO, .destructive = GANTRY_YES, .idempotent = GANTRY_YES,
            .flags = BLOCKING)
{
    char rest[MAX_PATH];
    const root *where;
    within w;
    int rc = ask_within(call, &w);
    if (!rc)
        rc = find_root(call, in->path, &where, rest);
    if (rc)
        return rc;
    if (strcmp(rest, ".") == 0 || in->path[strlen(in->path) - 1] == '/')
        return gantry_fail(call, "%s: is not the path of a file", in->path);
    if (in->text.n > (size_t)settings_of(call)->max_bytes)
        return fail(call, in->path, EFBIG);
    const char *name;
    int dir = within_keep(&w, path_open_parent(where, rest, &name));
    if (dir < 0)
        return fail(call, in->path, -dir);
    int error = write_whole(dir, name, in->text.p, in->text.n, in->overwrite);
    close(dir);
    if (error)
        return fail(call, in->path, error);
    return gantry_text(call, "Wrote %zu bytes to %s", in->text.n, in->path);
}

/* ---------------------------------------------------------------- resources */

GANTRY_RESOURCE(roots, "files://", "The directories that are served",
                .mime_type = "application/json", .flags = BLOCKING)
{
    const roots *r = roots_of(call);
    within w;
    int rc = ask_within(call, &w);
    if (rc)
        return rc;
    gantry_builder *b = gantry_builder_new(call);
    gantry_put_array(b, NULL);
    for (size_t i = 0; i < r->count; i++) {
        if (within_has(&w, &r->v[i]))
            gantry_put_string(b, NULL, r->v[i].name);
    }
    gantry_put_close(b);
    const char *text = gantry_json_print(call, gantry_builder_end(b));
    return text ? gantry_text(call, "%s", text) : GANTRY_ETOOBIG;
}

typedef struct {
    const char *root, *path;
} file_in;

static const gantry_arg file_args[] = {
    GANTRY_ARG(file_in, root, "Name of the root"),
    GANTRY_ARG(file_in, path, "Path of the file below it"),
    GANTRY_ARGS_END,
};

/* Nobody can be asked where the client works while somebody types: then there is nothing to offer.
 */
static int complete_allowed(gantry_call *call, const char *argument, const char *value)
{
    return settings_of(call)->within_roots ? GANTRY_OK : complete_file(call, argument, value);
}

GANTRY_TEMPLATE(file, file_in, "files://{root}/{path*}", "A file below one of the roots",
                .complete = complete_allowed, .flags = BLOCKING)
{
    char rest[MAX_PATH];
    const root *where;
    within w;
    int rc = ask_within(call, &w);
    if (rc)
        return rc;
    const char *path = gantry_format(call, "%s/%s", in->root, in->path);
    if (!path)
        return GANTRY_ETOOBIG;
    if (path_parse(roots_of(call), path, &where, rest) || !where)
        return GANTRY_ENOENT;
    size_t n = 0;
    int error;
    char *data = read_whole(call, &w, where, rest, &n, &error);
    if (!data && (error == ENOENT || error == ENOTDIR || error == EXDEV || error == ELOOP))
        return GANTRY_ENOENT; /* what lies outside does not exist */
    if (!data)
        return fail(call, path, error);
    bool is_text = is_utf8(data, n);
    const char *mime = mime_of(path, is_text);
    if (is_text)
        rc = gantry_embed_text(call, gantry_uri(call), mime, data, n);
    else
        rc = gantry_embed_blob(call, gantry_uri(call), mime, data, n);
    free(data);
    return rc;
}

/* ---------------------------------------------------------------- the plugin */

/* Looks at nothing while nobody has subscribed. */
static int start_watching(gantry_plugin *plugin, const roots *r, int64_t every_ms)
{
    watch_state *state = every_ms ? calloc(1, sizeof *state) : NULL;
    if (!state)
        return every_ms ? GANTRY_ETOOBIG : GANTRY_OK;
    state->roots = r;
    if (gantry_every(plugin, (uint32_t)every_ms,
                     GANTRY_BACKGROUND("watch", watch_look, state, .free_arg = free)))
        return GANTRY_OK;
    free(state);
    return GANTRY_EBUSY;
}

static int start(gantry_call *call, gantry_plugin *plugin)
{
    const files_settings *settings = gantry_settings(plugin);
    roots *r = calloc(1, sizeof *r);
    if (!r)
        return gantry_fail(call, "no memory");
    for (size_t i = 0; i < settings->roots.n; i++) {
        const char *problem = roots_add(r, settings->roots.v[i]);
        if (problem) {
            roots_close(r);
            free(r);
            return gantry_fail(call, "roots: %s: %s", settings->roots.v[i], problem);
        }
    }
    /* A tool that is not allowed is not there: registered at run time, or not at all. */
    int rc = settings->write ? gantry_add_tool(plugin, &write_file_tool) : GANTRY_OK;
    if (rc == GANTRY_OK)
        rc = start_watching(plugin, r, settings->watch);
    if (rc) {
        roots_close(r);
        free(r);
        return rc;
    }
    gantry_set_state(plugin, r);
    return GANTRY_OK;
}

static void stop(gantry_plugin *plugin)
{
    roots *r = gantry_state(plugin);
    roots_close(r);
    free(r);
}

GANTRY_PLUGIN("files", "1.0.0",
              .description = "Read, list, search and write files below configured directories",
              .tools = GANTRY_TOOLS(&read_file_tool, &list_directory_tool, &search_files_tool),
              .resources = GANTRY_RESOURCES(&roots_resource),
              .templates = GANTRY_TEMPLATES(&file_template),
              GANTRY_SETTINGS(files_settings, files_settings_args), .start = start, .stop = stop);
