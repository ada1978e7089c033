/* files.c - read, list, search and (if allowed) write files below configured directories.
 *
 * A plugin whose work blocks: every handler says GANTRY_BLOCKING and runs on a worker thread, start to
 * end, with the same functions at its disposal. What keeps clients below the roots is in path.c.
 *
 *     plugins:
 *       - plugin: files
 *         settings: { roots: [/srv/docs, /home/ada/notes], write: false }
 */
#include "path.h"
#include "search.h"

#include <gantry.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_ENTRIES 10000
#define PROGRESS_EVERY 500 /* files */

/* ---------------------------------------------------------------- settings and state */

typedef struct {
    gantry_strings roots;
    bool write;
    int64_t max_bytes;
} files_settings;

static const gantry_arg files_settings_args[] = {
    GANTRY_ARG(files_settings, roots, "Directories to serve; nothing outside of them is ever touched",
               .length = {1, MAX_ROOTS}),
    GANTRY_ARG(files_settings, write, "Offer the tool write_file", .default_json = "false"),
    GANTRY_ARG(files_settings, max_bytes, "Largest file to read, search or write, bytes",
               .range = {1, 64 << 20}, .default_json = "4194304"),
    GANTRY_ARGS_END,
};

static const files_settings *settings_of(gantry_call *call)
{
    return gantry_settings(gantry_self(call));
}

static const roots *roots_of(gantry_call *call)
{
    return gantry_state(gantry_self(call));
}

/* The URI of a file. An instance with a name of its own has it in all its URIs. */
static const char *uri_of(gantry_call *call, const char *path)
{
    const char *instance = gantry_instance(gantry_self(call));
    bool plain = strcmp(instance, "files") == 0;
    return gantry_format(call, "files://%s%s%s", plain ? "" : instance, plain ? "" : "/", path);
}

/* What went wrong, for the client: the path as it named it, never where the root is. */
static int fail(gantry_call *call, const char *path, int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return gantry_fail(call, "%s: no such file or directory", path);
    case EXDEV:
    case ELOOP:
        return gantry_fail(call, "%s: leads outside of its root", path);
    case EFBIG:
        return gantry_fail(call, "%s: larger than %lld bytes", path, (long long)settings_of(call)->max_bytes);
    case EISDIR:
        return gantry_fail(call, "%s: is a directory", path);
    case EEXIST:
        return gantry_fail(call, "%s: exists already (set overwrite to replace it)", path);
    case EINVAL:
        return gantry_fail(call, "%s: is not a regular file", path);
    default:
        return gantry_fail(call, "%s: %s", path, strerror(error));
    }
}

/* ---------------------------------------------------------------- reading */

static const char *mime_of(const char *path, bool is_text)
{
    static const struct {
        const char *suffix, *mime;
    } table[] = {
        {".md", "text/markdown"},       {".html", "text/html"},   {".css", "text/css"},
        {".csv", "text/csv"},           {".json", "application/json"}, {".xml", "application/xml"},
        {".yaml", "application/yaml"},  {".yml", "application/yaml"},  {".js", "text/javascript"},
        {".c", "text/x-c"},             {".h", "text/x-c"},       {".py", "text/x-python"},
        {".sh", "application/x-sh"},    {".png", "image/png"},    {".jpg", "image/jpeg"},
        {".jpeg", "image/jpeg"},        {".gif", "image/gif"},    {".webp", "image/webp"},
        {".svg", "image/svg+xml"},      {".mp3", "audio/mpeg"},   {".wav", "audio/wav"},
        {".ogg", "audio/ogg"},          {".pdf", "application/pdf"},
    };
    const char *suffix = strrchr(path, '.');
    for (size_t i = 0; suffix && i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(suffix, table[i].suffix) == 0)
            return table[i].mime;
    }
    return is_text ? "text/plain" : "application/octet-stream";
}

/* A file's contents, malloc'ed. NULL: *ret_error says why. */
static char *read_whole(gantry_call *call, const root *where, const char *rest, size_t *ret_n, int *ret_error)
{
    int fd = path_open(where, rest, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0) {
        *ret_error = -fd;
        return NULL;
    }
    struct stat st;
    char *data = search_read(fd, settings_of(call)->max_bytes, ret_n);
    *ret_error = data ? 0 : errno;
    if (!data && errno == EINVAL && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
        *ret_error = EISDIR;
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
            .flags = GANTRY_BLOCKING)
{
    char rest[MAX_PATH];
    root *where;
    const char *problem = path_parse(roots_of(call), in->path, &where, rest);
    if (problem || !where)
        return gantry_fail(call, "%s: %s", in->path, problem ? problem : "is not a file");
    size_t n = 0;
    int error;
    char *data = read_whole(call, where, rest, &n, &error);
    if (!data)
        return fail(call, in->path, error);
    bool is_text = search_is_text(data, n);
    const char *mime = mime_of(in->path, is_text);
    int rc;
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
    const char *path;
} list_directory_in;

static const gantry_arg list_directory_args[] = {
    GANTRY_ARG(list_directory_in, path, "ROOT/path of the directory; empty: the names of the roots",
               .default_json = "\"\"", .length = {0, MAX_PATH}),
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
    GANTRY_ARG(entry, modified, "When it was last changed", .format = "date-time"),
    GANTRY_ARGS_END,
};

typedef struct {
    GANTRY_ARRAY(entry) entries;
    bool truncated;
} listing;

static const gantry_arg listing_fields[] = {
    GANTRY_ARG_ARRAY(listing, entries, entry_fields, "What the directory holds, by name"),
    GANTRY_ARG(listing, truncated, "There is more than is shown"),
    GANTRY_ARGS_END,
};

static int fill_entry(gantry_call *call, entry *e, const char *name, const struct stat *st)
{
    char when[32];
    struct tm tm;
    gmtime_r(&st->st_mtime, &tm);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &tm);
    e->name = gantry_format(call, "%s", name);
    e->modified = gantry_format(call, "%s", when);
    e->type = S_ISREG(st->st_mode)   ? "file"
              : S_ISDIR(st->st_mode) ? "directory"
              : S_ISLNK(st->st_mode) ? "link"
                                     : "other";
    e->size = (gantry_opt_int){S_ISREG(st->st_mode), st->st_size};
    return e->name && e->modified ? GANTRY_OK : GANTRY_ETOOBIG;
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->name, ((const entry *)b)->name);
}

static int list_roots(gantry_call *call, entry *entries, size_t *ret_n)
{
    const roots *r = roots_of(call);
    for (size_t i = 0; i < r->count; i++) {
        struct stat st;
        if (fstat(r->v[i].fd, &st) != 0)
            continue;
        int rc = fill_entry(call, &entries[*ret_n], r->v[i].name, &st);
        if (rc)
            return rc;
        ++*ret_n;
    }
    return GANTRY_OK;
}

static int list_below(gantry_call *call, int fd, entry *entries, size_t *ret_n, bool *ret_truncated)
{
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return GANTRY_EIO;
    }
    int rc = GANTRY_OK;
    for (struct dirent *d; rc == GANTRY_OK && (d = readdir(dir));) {
        struct stat st;
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        if (!search_is_text(d->d_name, strlen(d->d_name)))
            continue; /* a name that JSON cannot carry could not be asked for either */
        if (fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (*ret_n == MAX_ENTRIES) {
            *ret_truncated = true;
            break;
        }
        rc = fill_entry(call, &entries[*ret_n], d->d_name, &st);
        if (rc == GANTRY_OK)
            ++*ret_n;
    }
    closedir(dir);
    return rc;
}

GANTRY_TOOL(list_directory, list_directory_in, "List a directory", .title = "List directory",
            GANTRY_OUTPUT(listing, listing_fields), .read_only = GANTRY_YES, .flags = GANTRY_BLOCKING)
{
    char rest[MAX_PATH];
    root *where;
    const char *problem = path_parse(roots_of(call), in->path, &where, rest);
    if (problem)
        return gantry_fail(call, "%s: %s", in->path, problem);
    entry *entries = gantry_alloc(call, MAX_ENTRIES * sizeof *entries);
    listing out = {.truncated = false};
    size_t n = 0;
    int rc;
    if (!entries)
        return GANTRY_ETOOBIG;
    if (where) {
        int fd = path_open(where, rest, O_RDONLY | O_DIRECTORY, 0);
        rc = fd < 0 ? fail(call, in->path, -fd) : list_below(call, fd, entries, &n, &out.truncated);
    } else {
        rc = list_roots(call, entries, &n);
    }
    if (rc)
        return rc;
    qsort(entries, n, sizeof *entries, compare_entries);
    out.entries.n = n;
    out.entries.v = entries;
    return gantry_structured(call, &out);
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
    GANTRY_ARG(search_files_in, text, "Text to look for in the files; without it, files are found by name",
               .optional = 1, .length = {1, 1000}),
    GANTRY_ARG(search_files_in, glob, "Which file names, such as *.md", .optional = 1, .length = {1, 255}),
    GANTRY_ARG(search_files_in, ignore_case, "Take A and a for the same letter", .default_json = "false"),
    GANTRY_ARG(search_files_in, max_results, "Stop after so many", .range = {1, 1000}, .default_json = "100"),
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

/* A long computation looks whether it is still wanted. */
static int count_file(void *arg, int64_t files)
{
    collector *c = arg;
    if (files % PROGRESS_EVERY == 0)
        gantry_progress(c->call, (double)files, 0, "files searched");
    return gantry_cancelled(c->call) ? GANTRY_ECANCELED : 0;
}

static int search_root(gantry_call *call, search *s, const root *where, const char *rest, const char *shown)
{
    int fd = path_open(where, rest, O_RDONLY | O_DIRECTORY, 0);
    return fd < 0 ? fail(call, shown, -fd) : search_run(s, fd, shown);
}

GANTRY_TOOL(search_files, search_files_in, "Find files by name, or lines by their text", .title = "Search files",
            GANTRY_OUTPUT(search_files_out, search_files_fields), .read_only = GANTRY_YES,
            .flags = GANTRY_BLOCKING)
{
    char rest[MAX_PATH];
    root *where;
    const roots *r = roots_of(call);
    const char *problem = path_parse(r, in->path, &where, rest);
    if (problem)
        return gantry_fail(call, "%s: %s", in->path, problem);
    collector c = {.call = call, .hits = gantry_alloc(call, (size_t)in->max_results * sizeof(hit))};
    if (!c.hits)
        return GANTRY_ETOOBIG;
    search s = {
        .text = in->text,
        .glob = in->glob,
        .ignore_case = in->ignore_case,
        .max_file = settings_of(call)->max_bytes,
        .max_results = in->max_results,
        .on_hit = collect_hit,
        .on_file = count_file,
        .arg = &c,
    };
    int rc = GANTRY_OK;
    if (where) {
        char shown[MAX_PATH];
        size_t n = strlen(in->path);
        snprintf(shown, sizeof shown, "%.*s", (int)(in->path[n - 1] == '/' ? n - 1 : n), in->path);
        rc = search_root(call, &s, where, rest, shown);
    }
    for (size_t i = 0; !where && rc == GANTRY_OK && i < r->count; i++)
        rc = search_root(call, &s, &r->v[i], ".", r->v[i].name);
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
    GANTRY_ARG(write_file_in, path, "ROOT/path of the file; its directory must exist", .length = {1, MAX_PATH}),
    GANTRY_ARG(write_file_in, text, "What the file shall hold"),
    GANTRY_ARG(write_file_in, overwrite, "Replace a file that exists", .default_json = "false"),
    GANTRY_ARGS_END,
};

static int write_all(int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t put = write(fd, data, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return errno;
        data += put;
        n -= (size_t)put;
    }
    return fsync(fd) == 0 ? 0 : errno;
}

/* Writes beside the target and renames: a reader sees the old file or the new one, never half of one. */
static int write_beside(int dir, const char *name, gantry_str text, bool overwrite)
{
    char tmp[64];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(tmp, sizeof tmp, ".gantry-%d-%lld%09ld.tmp", (int)getpid(), (long long)now.tv_sec, now.tv_nsec);
    int fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return errno;
    struct stat st;
    int error = write_all(fd, text.p, text.n);
    if (!error && overwrite && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        if (S_ISREG(st.st_mode))
            (void)!fchmod(fd, st.st_mode & 0777);
        else
            error = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
    }
    if (!error && renameat2(dir, tmp, dir, name, overwrite ? 0 : RENAME_NOREPLACE) != 0)
        error = errno;
    close(fd);
    if (error)
        unlinkat(dir, tmp, 0);
    return error;
}

GANTRY_TOOL(write_file, write_file_in, "Write a text file", .title = "Write file", .read_only = GANTRY_NO,
            .destructive = GANTRY_YES, .idempotent = GANTRY_YES, .flags = GANTRY_BLOCKING)
{
    char rest[MAX_PATH];
    root *where;
    const char *name, *problem = path_parse(roots_of(call), in->path, &where, rest);
    size_t n = strlen(in->path);
    if (problem || !where || in->path[n - 1] == '/' || strcmp(rest, ".") == 0)
        return gantry_fail(call, "%s: %s", in->path, problem ? problem : "is not the path of a file");
    if (in->text.n > (size_t)settings_of(call)->max_bytes)
        return fail(call, in->path, EFBIG);
    int dir = path_open_parent(where, rest, &name);
    if (dir < 0)
        return fail(call, in->path, -dir);
    int error = write_beside(dir, name, in->text, in->overwrite);
    close(dir);
    if (error)
        return fail(call, in->path, error);
    return gantry_text(call, "Wrote %zu bytes to %s", in->text.n, in->path);
}

/* ---------------------------------------------------------------- resources */

GANTRY_RESOURCE(roots, "files://", "The directories that are served", .mime_type = "application/json")
{
    const roots *r = roots_of(call);
    gantry_builder *b = gantry_builder_new(call);
    gantry_put_array(b, NULL);
    for (size_t i = 0; i < r->count; i++)
        gantry_put_string(b, NULL, r->v[i].name);
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

/* Completing a path reads a directory, which blocks: the one blocking piece goes to a worker, while this
 * function stays a coroutine. The piece must not use the call, so it fills a list of its own. */
typedef struct {
    const root *where;
    char dir[MAX_PATH];
    const char *prefix; /* what the name begins with */
    char names[100][256];
    bool is_dir[100];
    size_t n;
} name_scan;

static int scan_names(void *arg)
{
    name_scan *s = arg;
    int fd = path_open(s->where, s->dir, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return GANTRY_OK;
    struct dirent **entries = NULL;
    int n = scandirat(fd, ".", &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        struct stat st;
        if (s->n < 100 && name[0] != '.' && strncmp(name, s->prefix, strlen(s->prefix)) == 0 &&
            search_is_text(name, strlen(name)) && fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
            s->is_dir[s->n] = S_ISDIR(st.st_mode);
            snprintf(s->names[s->n++], sizeof s->names[0], "%s", name);
        }
        free(entries[i]);
    }
    free(entries);
    close(fd);
    return GANTRY_OK;
}

static int complete_path(gantry_call *call, const char *value)
{
    const roots *r = roots_of(call);
    /* Other arguments that are known already come with the request. */
    const char *name = gantry_json_string(gantry_json_get(gantry_arguments(call), "root"), NULL);
    name_scan *s = gantry_alloc(call, sizeof *s);
    if (!s)
        return GANTRY_ETOOBIG;
    s->where = name ? roots_find(r, name, strlen(name)) : r->count == 1 ? &r->v[0] : NULL;
    const char *slash = strrchr(value, '/');
    s->prefix = slash ? slash + 1 : value;
    char *full = gantry_format(call, "%s/%.*s", s->where ? s->where->name : "", slash ? (int)(slash - value) : 0, value);
    root *unused;
    if (!s->where || !full || path_parse(r, full, &unused, s->dir))
        return GANTRY_OK;
    int rc = gantry_work(call, scan_names, s);
    for (size_t i = 0; rc == GANTRY_OK && i < s->n; i++) {
        char *text = gantry_format(call, "%.*s%s%s", slash ? (int)(slash - value) + 1 : 0, value, s->names[i],
                                   s->is_dir[i] ? "/" : "");
        rc = text ? gantry_suggest(call, text) : GANTRY_ETOOBIG;
    }
    return rc;
}

static int complete_file(gantry_call *call, const char *argument, const char *value)
{
    if (strcmp(argument, "path") == 0)
        return complete_path(call, value);
    const roots *r = roots_of(call);
    for (size_t i = 0; i < r->count; i++) {
        if (strncmp(r->v[i].name, value, strlen(value)) == 0)
            gantry_suggest(call, r->v[i].name);
    }
    return GANTRY_OK;
}

GANTRY_TEMPLATE(file, file_in, "files://{root}/{path*}", "A file below one of the roots", .complete = complete_file,
                .flags = GANTRY_BLOCKING)
{
    char rest[MAX_PATH];
    root *where;
    const char *path = gantry_format(call, "%s/%s", in->root, in->path);
    if (!path)
        return GANTRY_ETOOBIG;
    if (path_parse(roots_of(call), path, &where, rest) || !where)
        return GANTRY_ENOENT;
    size_t n = 0;
    int error;
    char *data = read_whole(call, where, rest, &n, &error);
    if (!data && (error == ENOENT || error == ENOTDIR || error == EXDEV || error == ELOOP))
        return GANTRY_ENOENT; /* what lies outside does not exist */
    if (!data)
        return fail(call, path, error);
    int rc;
    bool is_text = search_is_text(data, n);
    const char *mime = mime_of(path, is_text);
    if (is_text)
        rc = gantry_embed_text(call, gantry_uri(call), mime, data, n);
    else
        rc = gantry_embed_blob(call, gantry_uri(call), mime, data, n);
    free(data);
    return rc;
}

/* ---------------------------------------------------------------- the plugin */

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
    gantry_set_state(plugin, r);
    /* A tool that is not allowed is not there: registered at run time, or not at all. */
    return settings->write ? gantry_add_tool(plugin, &write_file_tool) : GANTRY_OK;
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
    GANTRY_SETTINGS(files_settings, files_settings_args),
    .start = start, .stop = stop);
