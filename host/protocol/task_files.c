/* task_files.c - the files of tasks: written whole or not at all, read with suspicion. */
#include "protocol/task_files.h"

#include "util/alloc.h"
#include "util/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".json"
#define HALF ".tmp" /* of files that are being written; they begin with a dot */
#define NAME_SIZE (GN_TASK_ID_LEN + 16)
#define TOLD_MAX 5 /* of what is no task, by name in the log */

struct gn_task_files {
    uv_loop_t *uv;
    struct gn_log *log;
    char *path;
    int dir_fd, lock_fd;
    uint32_t pending;
    void (*on_idle)(void *arg);
    void *idle_arg;
};

bool gn_task_id_is_valid(const char *id, size_t len)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    return len == GN_TASK_ID_LEN && strspn(id, alphabet) >= len;
}

/* ---------------------------------------------------------------- in a thread */

static int write_file(int dir_fd, const char *id, const char *text, size_t len)
{
    char half[NAME_SIZE], name[NAME_SIZE];
    snprintf(half, sizeof half, ".%s" HALF, id);
    snprintf(name, sizeof name, "%s" SUFFIX, id);
    unlinkat(dir_fd, half, 0);
    int fd = openat(dir_fd, half, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int rc = gn_write_all(fd, text, len);
    if (!rc && fsync(fd))
        rc = -errno;
    close(fd);
    if (!rc && renameat(dir_fd, half, dir_fd, name))
        rc = -errno;
    if (rc)
        unlinkat(dir_fd, half, 0);
    else if (fsync(dir_fd))
        rc = -errno;
    return rc;
}

static void remove_file(int dir_fd, const char *id)
{
    char name[NAME_SIZE];
    snprintf(name, sizeof name, "%s" SUFFIX, id);
    unlinkat(dir_fd, name, 0);
}

static void work(uv_work_t *req)
{
    struct gn_task_file *file = GN_CONTAINER(req, struct gn_task_file, work);
    int dir_fd = file->files->dir_fd;
    if (file->text)
        file->rc = write_file(dir_fd, file->id, file->text, file->len);
    else
        remove_file(dir_fd, file->id);
}

/* ---------------------------------------------------------------- on the loop */

static void file_free(struct gn_task_file *file)
{
    gn_free(file->text);
    gn_free(file->next);
    gn_free(file);
}

static void done(uv_work_t *req, int status);

static void begin(struct gn_task_file *file)
{
    file->is_busy = true;
    file->files->pending++;
    int rc = uv_queue_work(file->files->uv, &file->work, work, done);
    gn_assert(rc == 0);
}

/* What is to be done next with a file that no thread has. */
static void advance(struct gn_task_file *file)
{
    if (file->is_busy)
        return;
    gn_free(file->text);
    file->text = file->next;
    file->len = file->next_len;
    file->next = NULL;
    if (file->text || file->is_gone)
        begin(file);
}

static void done(uv_work_t *req, int status)
{
    struct gn_task_file *file = GN_CONTAINER(req, struct gn_task_file, work);
    struct gn_task_files *f = file->files;
    bool was_removal = !file->text;
    int rc = status ? status : file->rc;
    file->is_busy = false;
    if (was_removal && file->is_gone && !file->next) {
        file_free(file);
    } else {
        bool is_last = !file->next && !file->is_gone;
        advance(file);
        if (is_last && file->written)
            file->written(file, rc);
    }
    if (--f->pending == 0 && f->on_idle)
        f->on_idle(f->idle_arg);
}

struct gn_task_file *gn_task_file_new(struct gn_task_files *f, const char *id)
{
    struct gn_task_file *file = gn_calloc(1, sizeof *file);
    gn_assert(gn_task_id_is_valid(id, strlen(id)));
    file->files = f;
    memcpy(file->id, id, sizeof file->id);
    return file;
}

void gn_task_file_write(struct gn_task_file *file, char *text, size_t len)
{
    gn_assert(!file->is_gone);
    gn_free(file->next);
    file->next = text;
    file->next_len = len;
    advance(file);
}

void gn_task_file_remove(struct gn_task_file *file)
{
    if (!file)
        return;
    file->is_gone = true;
    gn_free(file->next);
    file->next = NULL;
    advance(file);
}

void gn_task_file_forget(struct gn_task_file *file)
{
    if (!file)
        return;
    gn_assert(!file->is_busy);
    file_free(file);
}

uint32_t gn_task_files_pending(const struct gn_task_files *f)
{
    return f ? f->pending : 0;
}

void gn_task_files_on_idle(struct gn_task_files *f, void (*fn)(void *arg), void *arg)
{
    f->on_idle = fn;
    f->idle_arg = arg;
}

/* ---------------------------------------------------------------- the folder */

static int check_folder(int fd, const char *path, struct gn_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return gn_error_set(err, -errno, "tasks.directory %s: %s", path, strerror(errno));
    if (st.st_uid != geteuid() || (st.st_mode & (S_IRWXG | S_IRWXO)))
        return gn_error_set(err, GN_EPERM,
                            "tasks.directory %s: must belong to user %u and be open to nobody else "
                            "(chmod 700)",
                            path, (unsigned)geteuid());
    return 0;
}

static int lock_folder(struct gn_task_files *f, struct gn_error *err)
{
    f->lock_fd = openat(f->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (f->lock_fd < 0)
        return gn_error_set(err, -errno, "tasks.directory %s: lock: %s", f->path, strerror(errno));
    if (flock(f->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return gn_error_set(err, GN_EBUSY, "tasks.directory %s: is in use by another host",
                            f->path);
    return 0;
}

int gn_task_files_open(uv_loop_t *uv, struct gn_log *log, const char *path,
                       struct gn_task_files **ret, struct gn_error *err)
{
    *ret = NULL;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return gn_error_set(err, -errno, "tasks.directory %s: %s", path, strerror(errno));
    struct gn_task_files *f = gn_calloc(1, sizeof *f);
    f->uv = uv;
    f->log = log;
    f->path = gn_strdup(path);
    f->lock_fd = -1;
    f->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int rc = f->dir_fd < 0 ? gn_error_set(err, -errno, "tasks.directory %s: %s", path,
                                          errno == ELOOP || errno == ENOTDIR ? "is not a folder"
                                                                             : strerror(errno))
                           : check_folder(f->dir_fd, path, err);
    if (!rc)
        rc = lock_folder(f, err);
    if (rc)
        gn_task_files_close(f);
    else
        *ret = f;
    return rc;
}

void gn_task_files_close(struct gn_task_files *f)
{
    if (!f)
        return;
    gn_assert(f->pending == 0);
    if (f->lock_fd >= 0)
        close(f->lock_fd);
    if (f->dir_fd >= 0)
        close(f->dir_fd);
    gn_free(f->path);
    gn_free(f);
}

/* ---------------------------------------------------------------- reading */

/* NULL: it can be read. */
static const char *read_problem(int fd, size_t max_bytes, struct gn_buf *out)
{
    struct stat st;
    if (fd < 0)
        return errno == ELOOP ? "is a link" : strerror(errno);
    if (fstat(fd, &st) != 0)
        return strerror(errno);
    if (!S_ISREG(st.st_mode))
        return "is no regular file";
    if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))
        return "can be written by others";
    if (st.st_size < 0 || (uint64_t)st.st_size > max_bytes)
        return "is too large";
    int rc = gn_read_all(fd, out);
    return rc == GN_ETOOBIG ? "is too large" : rc ? strerror(-rc) : NULL;
}

static const char *read_one(struct gn_task_files *f, const char *name, size_t max_bytes,
                            void (*fn)(void *arg, const char *id, char *text, size_t len),
                            void *arg)
{
    size_t len = strlen(name);
    char id[GN_TASK_ID_LEN + 1];
    if (len != GN_TASK_ID_LEN + strlen(SUFFIX) || !gn_ends_with(name, SUFFIX) ||
        !gn_task_id_is_valid(name, GN_TASK_ID_LEN))
        return "has not the name of a task";
    memcpy(id, name, GN_TASK_ID_LEN);
    id[GN_TASK_ID_LEN] = '\0';
    struct gn_buf text = GN_BUF_INIT(max_bytes + 1);
    /* Without O_NONBLOCK a named pipe would hold us for ever. */
    int fd = openat(f->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    const char *problem = read_problem(fd, max_bytes, &text);
    if (fd >= 0)
        close(fd);
    if (!problem) {
        size_t got;
        GN_AUTO_FREE char *bytes = gn_buf_take(&text, &got);
        fn(arg, id, bytes, got);
    }
    gn_buf_release(&text);
    return problem;
}

static bool is_own(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "lock") == 0;
}

void gn_task_files_each(struct gn_task_files *f, size_t max_bytes,
                        void (*fn)(void *arg, const char *id, char *text, size_t len), void *arg)
{
    int fd = dup(f->dir_fd);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *e;
    uint32_t skipped = 0;
    if (!dir) {
        gn_log(f->log, GN_ERROR, "tasks", "%s: %s", f->path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return;
    }
    rewinddir(dir);
    while ((e = readdir(dir))) {
        if (is_own(e->d_name))
            continue;
        if (e->d_name[0] == '.' && gn_ends_with(e->d_name, HALF)) {
            unlinkat(f->dir_fd, e->d_name, 0); /* its task was never told to anybody */
            continue;
        }
        const char *problem = read_one(f, e->d_name, max_bytes, fn, arg);
        if (problem && ++skipped <= TOLD_MAX)
            gn_log(f->log, GN_WARNING, "tasks", "%s/%.100s %s: skipped", f->path, e->d_name,
                   problem);
    }
    if (skipped > TOLD_MAX)
        gn_log(f->log, GN_WARNING, "tasks", "%s: skipped %u more entries", f->path,
               skipped - TOLD_MAX);
    closedir(dir);
}
