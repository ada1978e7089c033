/* scan.c - see scan.h. */
#include "scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define BLOCK 512 /* st_blocks counts them, whatever the file system */

struct scan_state {
    DIR *open[SCAN_DEPTH]; /* the directory that is read, and those above it */
    size_t depth;
    dev_t device;
    scan_child *child; /* what all below the top counts for; NULL: for the others */
};

/* Goes down part by part, so that no link is followed, wherever it stands. A descriptor or -errno.
 */
static int open_below(const char *root, const char *path)
{
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    for (const char *at = path; *at;) {
        char part[256];
        size_t n = strcspn(at, "/");
        bool is_dots = (n == 1 && at[0] == '.') || (n == 2 && at[0] == '.' && at[1] == '.');
        int next = -1, error = EINVAL;
        if (n > 0 && n < sizeof part && !is_dots) {
            memcpy(part, at, n);
            part[n] = '\0';
            next = openat(fd, part, FLAGS);
            error = errno;
        }
        close(fd);
        if (next < 0)
            return error == ELOOP ? -ENOTDIR : -error;
        fd = next;
        at += n + (at[n] == '/');
    }
    return fd;
}

scan *scan_begin(const char *root, const char *path, int *ret_error)
{
    int fd = open_below(root, path);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        *ret_error = fd < 0 ? -fd : errno;
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    scan *s = calloc(1, sizeof *s);
    struct scan_state *state = calloc(1, sizeof *state);
    DIR *dir = s && state ? fdopendir(fd) : NULL;
    if (!dir) {
        *ret_error = ENOMEM;
        close(fd);
        free(state);
        free(s);
        return NULL;
    }
    state->open[0] = dir;
    state->depth = 1;
    state->device = st.st_dev;
    s->state = state;
    return s;
}

/* What stands at the top is counted for itself. */
static scan_child *add_child(scan *s, const char *name, bool is_directory)
{
    if (s->count == SCAN_CHILDREN)
        return NULL;
    scan_child *c = &s->children[s->count];
    c->name = strdup(name);
    c->is_directory = is_directory;
    s->count += c->name != NULL;
    return c->name ? c : NULL;
}

static void enter(scan *s, int parent, const char *name)
{
    struct scan_state *state = s->state;
    int fd = state->depth < SCAN_DEPTH ? openat(parent, name, FLAGS) : -1;
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        if (fd >= 0)
            close(fd);
        s->skipped++;
        return;
    }
    state->open[state->depth++] = dir;
}

static void look_at(scan *s, const char *name)
{
    struct scan_state *state = s->state;
    int parent = dirfd(state->open[state->depth - 1]);
    struct stat st;
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || st.st_dev != state->device) {
        s->skipped++;
        return;
    }
    int64_t bytes = (int64_t)st.st_blocks * BLOCK;
    bool is_directory = S_ISDIR(st.st_mode);
    if (state->depth == 1)
        state->child = add_child(s, name, is_directory);
    s->bytes += bytes;
    s->files += !is_directory;
    s->directories += is_directory;
    if (state->child) {
        state->child->bytes += bytes;
        state->child->files += !is_directory;
    } else {
        s->others += bytes;
    }
    if (is_directory)
        enter(s, parent, name);
}

void scan_step(scan *s, size_t entries)
{
    struct scan_state *state = s->state;
    while (entries > 0 && state->depth > 0) {
        const struct dirent *e = readdir(state->open[state->depth - 1]);
        if (!e) {
            closedir(state->open[--state->depth]);
            continue;
        }
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        look_at(s, e->d_name);
        entries--;
    }
    s->is_done = state->depth == 0;
}

void scan_free(scan *s)
{
    if (!s)
        return;
    while (s->state->depth > 0)
        closedir(s->state->open[--s->state->depth]);
    for (size_t i = 0; i < s->count; i++)
        free(s->children[i].name);
    free(s->state);
    free(s);
}

static int compare(const void *a, const void *b)
{
    const scan_child *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return strcmp(x->name, y->name);
}

void scan_sort(scan *s)
{
    qsort(s->children, s->count, sizeof s->children[0], compare);
}
