/* folder.c - see folder.h. */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANIFEST "SKILL.md"
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define NO_SKILL ((size_t)-1)

/* ---------------------------------------------------------------- walking */

/* What is done with each file of a directory and with each directory in it. */
struct walk {
    found_skills *found;      /* looking, or */
    skill_contents *contents; /* reading */
    const char *problem;
};

static bool is_regular(int dir, const char *name, struct stat *st)
{
    return fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st->st_mode);
}

static bool has_manifest(int dir)
{
    struct stat st;
    return is_regular(dir, MANIFEST, &st);
}

/* "PATH/NAME"; false: too long. */
static bool join(char out[PATH_BYTES], const char *path, const char *name)
{
    int n = snprintf(out, PATH_BYTES, "%s%s%s", path, *path ? "/" : "", name);
    return n > 0 && n < PATH_BYTES;
}

static uint64_t hash_add(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * 0x100000001b3u;
}

/* Does not depend on the order in which files are met. */
static void mark_file(found_skill *skill, const char *path, const struct stat *st)
{
    const int64_t facts[] = {(int64_t)st->st_ino, st->st_size,        st->st_mtim.tv_sec,
                             st->st_mtim.tv_nsec, st->st_ctim.tv_sec, st->st_ctim.tv_nsec};
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char *c = path; *c; c++)
        hash = hash_add(hash, (unsigned char)*c);
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        hash = hash_add(hash, (uint64_t)facts[i]);
    skill->mark += hash;
}

static size_t add_found(found_skills *found, const char *path)
{
    char *copy = found->n < MAX_SKILLS ? strdup(path) : NULL;
    if (!copy) {
        found->left_out++;
        return NO_SKILL;
    }
    found->v[found->n] = (found_skill){.path = copy};
    return found->n++;
}

/* A file's bytes, malloc'ed with a NUL behind them. */
static const char *read_bytes(int dir, const char *name, char **ret, size_t *ret_n)
{
    struct stat st;
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > (off_t)MAX_FILE) {
        if (fd >= 0)
            close(fd);
        return fd >= 0 ? "a file is larger than 8 MiB" : "a file cannot be read";
    }
    size_t size = (size_t)st.st_size, n = 0;
    char *bytes = malloc(size + 1);
    ssize_t got = 0;
    while (bytes && n < size && (got = read(fd, bytes + n, size - n)) > 0)
        n += (size_t)got;
    close(fd);
    if (!bytes || got < 0) {
        free(bytes);
        return "a file cannot be read";
    }
    bytes[n] = '\0';
    *ret = bytes;
    *ret_n = n;
    return NULL;
}

static const char *add_file(skill_contents *c, int dir, const char *name, const char *path)
{
    char *bytes = NULL;
    size_t n = 0;
    if (c->n == MAX_FILES)
        return "it has more than 512 files";
    const char *problem = read_bytes(dir, name, &bytes, &n);
    if (problem)
        return problem;
    gantry_skill_file *file = &c->files[c->n];
    *file = (gantry_skill_file){.path = strdup(path), .data = bytes, .n = n};
    if (!file->path) {
        free(bytes);
        return "no memory";
    }
    c->n++;
    c->bytes += n;
    return c->bytes > MAX_BYTES ? "its files are larger than 16 MiB together" : NULL;
}

/* path: of the directory, below the folder (looking) or below the skill (reading). skill: that it
 * belongs to. Closes dir. */
static void walk_directory(struct walk *w, int fd, const char *path, size_t skill, int depth)
{
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return;
    }
    if (w->found && *path && has_manifest(fd))
        skill = add_found(w->found, path);
    for (struct dirent *e; !w->problem && (e = readdir(dir)) != NULL;) {
        char below[PATH_BYTES];
        struct stat st;
        if (e->d_name[0] == '.' || !join(below, path, e->d_name) ||
            fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        if (S_ISREG(st.st_mode) && w->contents)
            w->problem = add_file(w->contents, fd, e->d_name, below);
        else if (S_ISREG(st.st_mode) && skill != NO_SKILL)
            mark_file(&w->found->v[skill], below, &st);
        if (!S_ISDIR(st.st_mode))
            continue;
        int next = depth < MAX_DEPTH ? openat(fd, e->d_name, DIR_FLAGS) : -1;
        if (next < 0) {
            if (w->found)
                w->found->left_out++;
        } else if (w->contents && has_manifest(next)) {
            close(next); /* a skill of its own */
        } else {
            walk_directory(w, next, below, skill, depth + 1);
        }
    }
    closedir(dir);
}

/* ---------------------------------------------------------------- looking */

int folder_look(int root, found_skills *ret)
{
    struct walk w = {.found = ret};
    memset(ret, 0, sizeof *ret);
    int fd = openat(root, ".", DIR_FLAGS); /* its own position */
    if (fd < 0)
        return -errno;
    walk_directory(&w, fd, "", NO_SKILL, 0);
    return 0;
}

void folder_forget(found_skills *found)
{
    for (size_t i = 0; i < found->n; i++)
        free(found->v[i].path);
    found->n = 0;
}

/* ---------------------------------------------------------------- reading */

/* Part by part, so that no link is followed. */
static int open_below(int root, const char *path)
{
    int fd = openat(root, ".", DIR_FLAGS);
    while (fd >= 0 && *path) {
        char part[256];
        size_t n = strcspn(path, "/");
        int next = -1;
        if (n > 0 && n < sizeof part) {
            memcpy(part, path, n);
            part[n] = '\0';
            next = openat(fd, part, DIR_FLAGS);
        }
        close(fd);
        fd = next;
        path += n + (path[n] == '/');
    }
    return fd;
}

const char *folder_read(int root, const char *path, skill_contents *ret)
{
    struct walk w = {.contents = ret};
    memset(ret, 0, sizeof *ret);
    int fd = open_below(root, path);
    if (fd < 0)
        return "it cannot be opened";
    walk_directory(&w, fd, "", NO_SKILL, 0);
    return w.problem;
}

void folder_release(skill_contents *c)
{
    for (size_t i = 0; i < c->n; i++) {
        free((void *)(uintptr_t)c->files[i].path);
        free((void *)(uintptr_t)c->files[i].data);
    }
    c->n = 0;
}
