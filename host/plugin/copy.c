/* copy.c - the trust check, the private copy and its hash. */
#include "plugin/copy.h"

#include "util/alloc.h"
#include "util/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CHUNK (256u << 10)
#define FRESH_S 3 /* a file last written so long ago may still be in the making */
#define CACHE_NAME ".gantry-cache"

bool gn_hash_equal(const struct gn_hash *a, const struct gn_hash *b)
{
    return memcmp(a->v, b->v, sizeof(a->v)) == 0;
}

void gn_hash_with(const struct gn_hash *content, const char *text, struct gn_hash *ret)
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, GN_HASH_BYTES);
    crypto_generichash_update(&state, content->v, sizeof(content->v));
    crypto_generichash_update(&state, (const uint8_t *)text, strlen(text));
    crypto_generichash_final(&state, ret->v, sizeof(ret->v));
}

/* ---------------------------------------------------------------- trust */

static int check_owner(const struct stat *st, const char *what, const char *path,
                       struct gn_error *err)
{
    if (st->st_uid != 0 && st->st_uid != geteuid()) {
        if (geteuid() == 0)
            return gn_error_set(err, GN_EPERM,
                                "%s %s belongs to user %u; this host trusts what root owns only",
                                what, path, (unsigned)st->st_uid);
        return gn_error_set(err, GN_EPERM,
                            "%s %s belongs to user %u; this host trusts what root or user %u owns",
                            what, path, (unsigned)st->st_uid, (unsigned)geteuid());
    }
    if (st->st_mode & S_IWOTH)
        return gn_error_set(err, GN_EPERM, "%s %s can be written by everybody (chmod o-w %s)", what,
                            path, path);
    return 0;
}

static int check_folder_of(const char *path, struct gn_error *err)
{
    GN_AUTO_FREE char *dir = gn_strndup(path, (size_t)(gn_path_base(path) - path));
    size_t len = strlen(dir);
    while (len > 1 && dir[len - 1] == '/')
        dir[--len] = 0;
    struct stat st;
    if (stat(len ? dir : ".", &st) != 0)
        return gn_error_set(err, -errno, "folder %s: %s", dir, strerror(errno));
    return check_owner(&st, "folder", dir, err);
}

int gn_copy_open(const char *path, int *ret_fd, struct gn_error *err)
{
    struct stat st;
    /* Without O_NONBLOCK a named pipe called x.so would hold us for ever. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return gn_error_set(err, -errno, "cannot be opened: %s", strerror(errno));
    int rc = 0;
    char *real = NULL;
    if (fstat(fd, &st) != 0)
        rc = gn_error_set(err, -errno, "cannot be read: %s", strerror(errno));
    else if (!S_ISREG(st.st_mode))
        rc = gn_error_set(err, GN_EINVAL, "is not a regular file");
    else if ((uint64_t)st.st_size > GN_COPY_MAX)
        rc = gn_error_set(err, GN_ETOOBIG, "has %llu MiB; the limit is %llu MiB",
                          (unsigned long long)st.st_size >> 20, GN_COPY_MAX >> 20);
    if (!rc)
        rc = check_owner(&st, "file", path, err);
    if (!rc)
        rc = check_folder_of(path, err);
    if (!rc && (real = realpath(path, NULL)) && !gn_streq(real, path))
        rc = check_folder_of(real, err);
    gn_free(real);
    if (rc)
        close(fd);
    else
        *ret_fd = fd;
    return rc;
}

/* ---------------------------------------------------------------- copying */

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static int copy_bytes(struct gn_copy *c, int in, int out, const char *part, struct gn_error *err)
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, GN_HASH_BYTES);
    GN_AUTO_FREE char *chunk = gn_malloc(CHUNK);
    uint64_t total = 0;
    for (;;) {
        if (c->cancel && atomic_load_explicit(c->cancel, memory_order_relaxed))
            return GN_ECANCELED;
        ssize_t n = pread(in, chunk, CHUNK, (off_t)total);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return gn_error_set(err, -errno, "cannot be read: %s", strerror(errno));
        if (n == 0)
            break;
        total += (uint64_t)n;
        if (total > GN_COPY_MAX)
            return gn_error_set(err, GN_ETOOBIG, "grows beyond the limit of %llu MiB",
                                GN_COPY_MAX >> 20);
        crypto_generichash_update(&state, (const uint8_t *)chunk, (size_t)n);
        int rc = gn_write_all(out, chunk, (size_t)n);
        if (rc)
            return gn_error_set(err, rc, "cannot be copied to %s: %s", part, strerror(-rc));
    }
    struct gn_hash content;
    crypto_generichash_final(&state, content.v, sizeof(content.v));
    gn_hash_with(&content, c->settings ? c->settings : "", &c->hash);
    return 0;
}

/* The folder for the copy: beside the original if it looks for its libraries from there. */
static int choose_folder(const struct gn_copy *c, char **ret, struct gn_error *err)
{
    if (!c->elf.uses_origin) {
        *ret = gn_strdup(c->state_dir);
        return 0;
    }
    char *real = realpath(c->source, NULL);
    const char *source = real ? real : c->source;
    char *dir = gn_format("%.*s" CACHE_NAME, (int)(gn_path_base(source) - source), source);
    gn_free(real);
    struct stat st;
    if ((mkdir(dir, 0700) != 0 && errno != EEXIST) || lstat(dir, &st) != 0 ||
        !S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077)) {
        int rc = gn_error_set(err, GN_EPERM,
                              "looks for libraries beside itself ($ORIGIN), so its copy must go to "
                              "%s, which has to be a folder of this user with mode 0700",
                              dir);
        gn_free(dir);
        return rc;
    }
    gn_copy_sweep_cache(dir);
    *ret = dir;
    return 0;
}

/* What a file name can hold of an instance name. The linker takes equal names for one object, so a
 * name that had to be changed gets a hash of what it was. */
static char *safe_name(const char *instance)
{
    char out[65];
    size_t n = 0;
    bool changed = false;
    for (; instance[n] && n < sizeof(out) - 1; n++) {
        char ch = instance[n];
        bool plain = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
                     (ch >= '0' && ch <= '9') || ch == '_' || ch == '-' || (ch == '.' && n > 0);
        out[n] = plain ? ch : '_';
        changed |= !plain;
    }
    out[n] = 0;
    if (!changed && !instance[n])
        return gn_strdup(out);
    char hex[9];
    struct gn_hash hash;
    gn_hash_with(&(struct gn_hash){{0}}, instance, &hash);
    gn_hex(hex, hash.v, 4);
    return gn_format("%s~%s", out, hex);
}

static int make_in(struct gn_copy *c, int in, const struct stat *before, const char *dir,
                   struct gn_error *err)
{
    char hash8[9];
    GN_AUTO_FREE char *name = safe_name(c->instance);
    /* A folder of this process alone needs no process id in the name; the shared one does. */
    GN_AUTO_FREE char *stem = c->elf.uses_origin ? gn_format("%s/%s-%ld-%u", dir, name,
                                                             (long)getpid(), c->generation)
                                                 : gn_format("%s/%s-%u", dir, name, c->generation);
    GN_AUTO_FREE char *part = gn_format("%s.part", stem);
    unlink(part);
    int out = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (out < 0)
        return gn_error_set(err, -errno, "cannot be copied to %s: %s", part, strerror(errno));
    struct stat after;
    int rc = copy_bytes(c, in, out, part, err);
    if (!rc && (stat(c->source, &after) != 0 || !same_file(before, &after)))
        rc = gn_error_set(err, GN_EBUSY, "changed while it was copied");
    c->has_hash = !rc;
    if (!rc && c->live && gn_hash_equal(&c->hash, c->live)) {
        c->unchanged = true;
        goto out;
    }
    if (!rc)
        rc = gn_elf_check(out, c->symbol, &c->elf, err);
    if (!rc)
        rc = gn_elf_check_plugin(&c->elf, c->symbol, c->speaks, err);
    if (!rc) {
        gn_hex(hash8, c->hash.v, 4);
        char *path = gn_format("%s-%s.so", stem, hash8);
        if (fchmod(out, 0500) != 0 || rename(part, path) != 0) {
            rc = gn_error_set(err, -errno, "cannot be copied to %s: %s", path, strerror(errno));
            gn_free(path);
        } else {
            c->path = path;
        }
    }
out:
    close(out);
    if (!c->path)
        unlink(part);
    return rc;
}

int gn_copy_make(struct gn_copy *c, struct gn_error *err)
{
    int fd = -1;
    struct stat st;
    GN_AUTO_FREE char *dir = NULL;
    c->path = NULL;
    c->unchanged = c->has_hash = c->is_fresh = false;
    memset(&c->elf, 0, sizeof(c->elf));
    int rc = gn_copy_open(c->source, &fd, err);
    if (rc)
        return rc;
    if (fstat(fd, &st) != 0) {
        rc = gn_error_set(err, -errno, "cannot be read: %s", strerror(errno));
    } else {
        c->is_fresh = time(NULL) - st.st_mtim.tv_sec <= FRESH_S;
        /* Only to learn where the copy must go; a file that is no good is hashed first, so that it
         * is complained about once. */
        struct gn_error ignored;
        if (gn_elf_check(fd, c->symbol, &c->elf, &ignored) != 0)
            c->elf.uses_origin = false;
        rc = choose_folder(c, &dir, err);
    }
    if (!rc)
        rc = make_in(c, fd, &st, dir, err);
    close(fd);
    return rc;
}

void gn_copy_sweep_cache(const char *cache_dir)
{
    DIR *d = opendir(cache_dir);
    if (!d)
        return;
    struct dirent *e;
    while ((e = readdir(d))) {
        /* NAME-PID-GENERATION-HASH.so or NAME-PID-GENERATION.part: the process id is third or
         * second from the end. */
        const char *end = strrchr(e->d_name, '.');
        if (!end || (!gn_streq(end, ".so") && !gn_streq(end, ".part")))
            continue;
        int dashes = gn_streq(end, ".so") ? 3 : 2;
        const char *at = end;
        while (at > e->d_name && dashes)
            dashes -= *--at == '-';
        char *stop = NULL;
        long pid = dashes ? 0 : strtol(at + 1, &stop, 10);
        if (pid > 0 && stop && *stop == '-' && kill((pid_t)pid, 0) != 0 && errno == ESRCH)
            unlinkat(dirfd(d), e->d_name, 0);
    }
    closedir(d);
}
