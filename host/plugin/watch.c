/* watch.c - folders, their files, and the patience that each needs. */
#include "plugin/watch.h"

#include "util/alloc.h"
#include "util/clock.h"
#include "util/map.h"
#include "util/str.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_FILES 10000 /* in all folders together; beyond it names are not seen */

/* What tells one state of a file from another. */
struct look {
    bool is_there;
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec mtime, ctime;
};

struct file {
    struct gn_timer timer; /* first, debounce or settle or grace, whichever phase it is */
    struct folder *folder;
    char *path;
    enum { QUIET, DIRTY, SETTLING, MISSING } phase;
    struct look reported; /* as the owner knows it */
    struct look seen;     /* SETTLING: the first of two looks */
    uint64_t dirty_since_ms;
    bool found; /* by the scan that is going on */
};

struct folder {
    struct gn_list node;
    struct gn_watch *watch;
    char *path;
    bool all;
    char **names; /* if not all */
    size_t name_count;
    struct gn_map files; /* name -> struct file */
    uv_fs_event_t event;
    bool has_event;  /* the handle is initialised */
    bool is_watched; /* and watches this folder: */
    dev_t dev;
    ino_t ino;
    bool complained, wanted;
};

struct gn_watch {
    struct gn_loop *loop;
    struct gn_watch_options options;
    gn_watch_fn on_change;
    void *arg;
    struct gn_list folders;
    struct gn_timer rescan;
    size_t file_count;
    uint32_t closing; /* uv handles on their way out */
    bool is_closed;
    struct gn_post closed;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

bool gn_watch_is_plugin_name(const char *name)
{
    return name[0] != '.' && gn_ends_with(name, ".so") && !strstr(name, ".tmp") &&
           strlen(name) > strlen(".so");
}

/* ---------------------------------------------------------------- one file */

static struct look look_at(const char *path)
{
    struct look l;
    struct stat st;
    memset(&l, 0, sizeof(l));
    if (stat(path, &st) != 0)
        return l;
    l.is_there = true;
    l.dev = st.st_dev;
    l.ino = st.st_ino;
    l.size = st.st_size;
    l.mtime = st.st_mtim;
    l.ctime = st.st_ctim;
    return l;
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_look(const struct look *a, const struct look *b)
{
    return a->is_there == b->is_there && a->dev == b->dev && a->ino == b->ino &&
           a->size == b->size && same_time(a->mtime, b->mtime) && same_time(a->ctime, b->ctime);
}

static void file_free(struct file *f)
{
    gn_timer_stop(&f->timer);
    f->folder->watch->file_count--;
    gn_free(f->path);
    gn_free(f);
}

static struct file *file_get(struct folder *folder, const char *name)
{
    struct file *f = gn_map_find(&folder->files, name);
    if (f || folder->watch->file_count >= MAX_FILES)
        return f;
    f = gn_calloc(1, sizeof(*f));
    f->folder = folder;
    f->path = gn_path_join(folder->path, name);
    gn_map_put(&folder->files, name, f);
    folder->watch->file_count++;
    return f;
}

static void file_due(struct gn_timer *timer);

static void file_dirty(struct file *f)
{
    struct gn_watch *w = f->folder->watch;
    uint64_t now = gn_clock_ms();
    if (f->phase != DIRTY) {
        /* A file that never comes to rest between looks keeps its first time, so that max_wait_ms
         * counts from there. */
        if (f->phase == QUIET || f->phase == MISSING)
            f->dirty_since_ms = now;
        f->phase = DIRTY;
    }
    uint64_t latest = f->dirty_since_ms + w->options.max_wait_ms;
    uint64_t left = latest > now ? latest - now : 0;
    gn_timer_start(w->loop, &f->timer, GN_MIN(w->options.debounce_ms, left), file_due);
}

/* The owner may do anything in its callback, but never within it free this watch: closing is
 * posted, and a file lives as long as its folder, which is only freed by gn_watch_set. */
static void file_report(struct file *f, const struct look *look)
{
    struct gn_watch *w = f->folder->watch;
    bool is_there = look->is_there, was_there = f->reported.is_there;
    bool changed = !same_look(look, &f->reported);
    GN_AUTO_FREE char *path = gn_strdup(f->path);
    f->phase = QUIET;
    f->reported = *look;
    if (!is_there) {
        gn_map_remove(&f->folder->files, gn_path_base(f->path));
        file_free(f);
    }
    if (changed && (is_there || was_there))
        w->on_change(w->arg, path, is_there);
}

static void file_due(struct gn_timer *timer)
{
    struct file *f = GN_CONTAINER(timer, struct file, timer);
    struct gn_watch *w = f->folder->watch;
    struct look now = look_at(f->path);
    if (!now.is_there) {
        if (f->phase == MISSING || !f->reported.is_there) {
            file_report(f, &now);
            return;
        }
        f->phase = MISSING;
        gn_timer_start(w->loop, &f->timer, w->options.grace_ms, file_due);
        return;
    }
    if (f->phase == SETTLING && same_look(&now, &f->seen)) {
        file_report(f, &now);
        return;
    }
    f->phase = SETTLING;
    f->seen = now;
    gn_timer_start(w->loop, &f->timer, w->options.settle_ms, file_due);
}

/* ---------------------------------------------------------------- folders */

static bool folder_wants(const struct folder *d, const char *name)
{
    if (!gn_watch_is_plugin_name(name))
        return false;
    for (size_t i = 0; !d->all && i < d->name_count; i++)
        if (gn_streq(d->names[i], name))
            return true;
    return d->all;
}

static void folder_scan(struct folder *d, bool is_first);

static void on_event(uv_fs_event_t *handle, const char *name, int events, int status)
{
    struct folder *d = handle->data;
    (void)events;
    if (d->watch->is_closed)
        return;
    if (status < 0 || !name) {
        folder_scan(d, false);
        return;
    }
    if (!folder_wants(d, name))
        return;
    struct file *f = file_get(d, name);
    if (f)
        file_dirty(f);
}

/* Watches the folder that now stands at the path, if that is not the one watched already. */
static void folder_watch(struct folder *d)
{
    struct gn_watch *w = d->watch;
    struct stat st;
    if (!w->options.active)
        return;
    bool is_there = stat(d->path, &st) == 0;
    if (is_there && d->is_watched && st.st_dev == d->dev && st.st_ino == d->ino)
        return;
    if (d->is_watched)
        uv_fs_event_stop(&d->event);
    d->is_watched = false;
    if (!is_there)
        return;
    int rc = d->has_event ? 0 : uv_fs_event_init(gn_loop_uv(w->loop), &d->event);
    if (!rc) {
        d->has_event = true;
        d->event.data = d;
        rc = uv_fs_event_start(&d->event, on_event, d->path, 0);
    }
    if (!rc) {
        d->is_watched = true;
        d->dev = st.st_dev;
        d->ino = st.st_ino;
        d->complained = false;
    } else if (!d->complained) {
        d->complained = true;
        gn_log(gn_loop_log(w->loop), GN_WARNING, "plugins",
               "%s cannot be watched (%s): it is read every %u ms instead", d->path,
               uv_strerror(rc), w->options.rescan_ms);
    }
}

static void scan_name(struct folder *d, const char *name, bool is_first)
{
    struct file *f = file_get(d, name);
    if (!f)
        return;
    f->found = true;
    struct look now = look_at(f->path);
    if (is_first)
        f->reported = now;
    else if (f->phase == QUIET && !same_look(&now, &f->reported))
        file_dirty(f);
}

static void folder_scan(struct folder *d, bool is_first)
{
    folder_watch(d);
    DIR *dir = opendir(d->path);
    if (dir) {
        struct dirent *e;
        while ((e = readdir(dir)))
            if (folder_wants(d, e->d_name))
                scan_name(d, e->d_name, is_first);
        closedir(dir);
    }
    size_t at = 0;
    void *value;
    while (gn_map_next(&d->files, &at, NULL, &value)) {
        struct file *f = value;
        if (!f->found && f->phase == QUIET && f->reported.is_there)
            file_dirty(f);
        f->found = false;
    }
}

static void folder_free(struct folder *d)
{
    for (size_t i = 0; i < d->name_count; i++)
        gn_free(d->names[i]);
    gn_free(d->names);
    gn_free(d->path);
    gn_free(d);
}

static void finish_close(struct gn_watch *w);

static void on_event_closed(uv_handle_t *handle)
{
    struct folder *d = handle->data;
    struct gn_watch *w = d->watch;
    folder_free(d);
    w->closing--;
    finish_close(w);
}

static void folder_close(struct folder *d)
{
    size_t at = 0;
    void *value;
    while (gn_map_next(&d->files, &at, NULL, &value))
        file_free(value);
    gn_map_release(&d->files, NULL);
    gn_list_remove(&d->node);
    if (!d->has_event) {
        folder_free(d);
        return;
    }
    d->watch->closing++;
    d->event.data = d;
    uv_close((uv_handle_t *)&d->event, on_event_closed);
}

static struct folder *folder_get(struct gn_watch *w, const char *path)
{
    GN_LIST_EACH(&w->folders, n) {
        struct folder *d = GN_CONTAINER(n, struct folder, node);
        if (gn_streq(d->path, path))
            return d;
    }
    struct folder *d = gn_calloc(1, sizeof(*d));
    d->watch = w;
    d->path = gn_strdup(path);
    gn_map_init(&d->files);
    gn_list_append(&w->folders, &d->node);
    return d;
}

/* ---------------------------------------------------------------- public */

static void on_rescan(struct gn_timer *timer)
{
    gn_watch_scan(GN_CONTAINER(timer, struct gn_watch, rescan));
}

static void start_rescan(struct gn_watch *w)
{
    gn_timer_stop(&w->rescan);
    if (w->options.active && w->options.rescan_ms)
        gn_timer_start(w->loop, &w->rescan, w->options.rescan_ms, on_rescan);
}

struct gn_watch *gn_watch_new(struct gn_loop *loop, const struct gn_watch_options *options,
                              gn_watch_fn on_change, void *arg)
{
    GN_ASSERT_LOOP(loop);
    struct gn_watch *w = gn_calloc(1, sizeof(*w));
    w->loop = loop;
    w->options = *options;
    w->on_change = on_change;
    w->arg = arg;
    gn_list_init(&w->folders);
    start_rescan(w);
    return w;
}

void gn_watch_configure(struct gn_watch *w, const struct gn_watch_options *options)
{
    w->options = *options;
    if (!w->options.active)
        GN_LIST_EACH(&w->folders, n) {
            struct folder *d = GN_CONTAINER(n, struct folder, node);
            if (d->is_watched)
                uv_fs_event_stop(&d->event);
            d->is_watched = false;
        }
    start_rescan(w);
}

static void folder_add_target(struct folder *d, const char *file)
{
    d->wanted = true;
    if (!file) {
        d->all = true;
        return;
    }
    d->names = gn_reallocarray(d->names, d->name_count + 1, sizeof(*d->names));
    d->names[d->name_count++] = gn_strdup(file);
}

static void forget_unwanted_files(struct folder *d)
{
    size_t at = 0;
    const char *name;
    void *value;
    while (gn_map_next(&d->files, &at, &name, &value)) {
        if (folder_wants(d, name))
            continue;
        gn_map_remove(&d->files, name);
        file_free(value);
    }
}

void gn_watch_set(struct gn_watch *w, const struct gn_watch_target *targets, size_t count)
{
    GN_ASSERT_LOOP(w->loop);
    GN_LIST_EACH(&w->folders, n) {
        struct folder *d = GN_CONTAINER(n, struct folder, node);
        d->all = d->wanted = false;
        for (size_t i = 0; i < d->name_count; i++)
            gn_free(d->names[i]);
        d->name_count = 0;
    }
    for (size_t i = 0; i < count; i++)
        folder_add_target(folder_get(w, targets[i].dir), targets[i].file);
    GN_LIST_EACH(&w->folders, n) {
        struct folder *d = GN_CONTAINER(n, struct folder, node);
        if (!d->wanted) {
            folder_close(d);
            continue;
        }
        forget_unwanted_files(d);
        folder_watch(d);
        /* What is known already keeps what was reported of it; what is new is known from here on.
         */
        DIR *dir = opendir(d->path);
        struct dirent *e;
        while (dir && (e = readdir(dir)))
            if (folder_wants(d, e->d_name) && !gn_map_find(&d->files, e->d_name))
                scan_name(d, e->d_name, true);
        if (dir)
            closedir(dir);
        folder_scan(d, false);
    }
}

void gn_watch_scan(struct gn_watch *w)
{
    GN_ASSERT_LOOP(w->loop);
    GN_LIST_EACH(&w->folders, n) {
        folder_scan(GN_CONTAINER(n, struct folder, node), false);
    }
    start_rescan(w);
}

static struct file *find(const struct gn_watch *w, const char *path)
{
    GN_LIST_EACH(&w->folders, n) {
        struct folder *d = GN_CONTAINER(n, struct folder, node);
        size_t len = strlen(d->path);
        if (strncmp(d->path, path, len) != 0)
            continue;
        struct file *f = gn_map_find(&d->files, gn_path_base(path));
        if (f && gn_streq(f->path, path))
            return f;
    }
    return NULL;
}

void gn_watch_touch(struct gn_watch *w, const char *path)
{
    struct file *f = find(w, path);
    if (!f)
        return;
    memset(&f->reported.mtime, 0, sizeof(f->reported.mtime));
    file_dirty(f);
}

bool gn_watch_has(const struct gn_watch *w, const char *path)
{
    const struct file *f = find(w, path);
    return f && f->reported.is_there;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void gn_watch_each(struct gn_watch *w, void (*fn)(void *arg, const char *dir, const char *path),
                   void *arg)
{
    GN_LIST_EACH(&w->folders, n) {
        struct folder *d = GN_CONTAINER(n, struct folder, node);
        size_t count = 0, at = 0;
        const char **paths = gn_reallocarray(NULL, d->files.count + 1, sizeof(*paths));
        void *value;
        while (gn_map_next(&d->files, &at, NULL, &value)) {
            const struct file *f = value;
            if (f->reported.is_there)
                paths[count++] = f->path;
        }
        qsort(paths, count, sizeof(*paths), by_path);
        for (size_t i = 0; i < count; i++)
            fn(arg, d->path, paths[i]);
        gn_free(paths);
    }
}

static void on_closed(struct gn_post *post)
{
    struct gn_watch *w = GN_CONTAINER(post, struct gn_watch, closed);
    void (*fn)(void *arg) = w->on_closed;
    void *arg = w->closed_arg;
    gn_free(w);
    if (fn)
        fn(arg);
}

static void finish_close(struct gn_watch *w)
{
    if (w->is_closed && w->closing == 0)
        gn_loop_post(w->loop, &w->closed, on_closed);
}

void gn_watch_close(struct gn_watch *w, void (*fn)(void *arg), void *arg)
{
    GN_ASSERT_LOOP(w->loop);
    gn_timer_stop(&w->rescan);
    w->on_closed = fn;
    w->closed_arg = arg;
    w->is_closed = true;
    GN_LIST_EACH(&w->folders, n) {
        folder_close(GN_CONTAINER(n, struct folder, node));
    }
    finish_close(w);
}
