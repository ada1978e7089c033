/* state.c - the state folder, its lock, its file of verdicts. */
#include "plugin/state.h"

#include "plugin/abi.h"
#include "util/alloc.h"
#include "util/map.h"
#include "util/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_VERDICTS 2048 /* beyond it the file begins anew */
#define MAX_BYTES (1u << 20)
#define HEX_LEN (2 * GN_HASH_BYTES)

struct gn_state {
    char *path;
    int lock_fd, verdict_fd; /* -1: none */
    bool is_temporary;
    struct gn_map verdicts; /* hash -> verdict, as a pointer */
};

/* ---------------------------------------------------------------- the folder */

static int make_folders(char *path)
{
    for (char *at = path + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = 0;
        int rc = mkdir(path, 0755);
        *at = '/';
        if (rc != 0 && errno != EEXIST)
            return -errno;
    }
    return mkdir(path, 0700) != 0 && errno != EEXIST ? -errno : 0;
}

/* Whoever can write here can plant code in this process. */
static int check_folder(const char *path, struct gn_error *err)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return gn_error_set(err, -errno, "state folder %s: %s", path, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return gn_error_set(err, GN_EINVAL, "state folder %s: is not a folder", path);
    if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))
        return gn_error_set(err, GN_EPERM,
                            "state folder %s: must belong to user %u and be written by nobody else",
                            path, (unsigned)geteuid());
    return 0;
}

static int lock_folder(struct gn_state *s, struct gn_error *err)
{
    GN_AUTO_FREE char *path = gn_path_join(s->path, "lock");
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->lock_fd < 0)
        return gn_error_set(err, -errno, "state folder %s: %s", s->path, strerror(errno));
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return gn_error_set(err, GN_EBUSY, "state folder %s: is in use by another host", s->path);
    return 0;
}

static int open_configured(struct gn_state *s, const char *dir, struct gn_error *err)
{
    s->path = gn_strdup(dir);
    int rc = make_folders(s->path);
    if (rc)
        return gn_error_set(err, rc, "state folder %s: %s", dir, strerror(-rc));
    rc = check_folder(dir, err);
    return rc ? rc : lock_folder(s, err);
}

static bool open_temporary(struct gn_state *s)
{
    const char *base = getenv("TMPDIR");
    gn_free(s->path);
    s->path = gn_path_join(base && base[0] == '/' ? base : "/tmp", "gantry-XXXXXX");
    s->is_temporary = true;
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    s->lock_fd = -1;
    return mkdtemp(s->path) != NULL;
}

static void remove_copies(const struct gn_state *s, bool all)
{
    DIR *d = opendir(s->path);
    if (!d)
        return;
    struct dirent *e;
    while ((e = readdir(d))) {
        bool is_copy = gn_ends_with(e->d_name, ".so") || gn_ends_with(e->d_name, ".part");
        if (is_copy || (all && e->d_name[0] != '.'))
            unlinkat(dirfd(d), e->d_name, 0);
    }
    closedir(d);
}

/* ---------------------------------------------------------------- verdicts */

#ifdef GN_SANITIZED
#define BUILD "sanitizer"
#else
#define BUILD "plain"
#endif

/* Another build of the host may judge differently. */
static void make_header(char out[96])
{
    snprintf(out, 96, "gantry verdicts, ABI %u.%u, table %zu, %s\n", gn_abi_current.major,
             gn_abi_current.minor, sizeof(gantry_host), BUILD);
}

static void keep(struct gn_state *s, const struct gn_hash *hash, unsigned verdict)
{
    gn_map_putn(&s->verdicts, hash->v, sizeof(hash->v), (void *)(uintptr_t)verdict);
}

static bool parse_line(const char *line, struct gn_hash *ret, unsigned *ret_verdict)
{
    for (size_t i = 0; i < HEX_LEN; i++) {
        const char *digits = "0123456789abcdef";
        const char *at = line[i] ? strchr(digits, line[i]) : NULL;
        if (!at)
            return false;
        unsigned half = (unsigned)(at - digits);
        ret->v[i / 2] = (uint8_t)(i % 2 ? (unsigned)ret->v[i / 2] << 4 | half : half);
    }
    *ret_verdict = line[HEX_LEN] == ' ' ? (unsigned)(line[HEX_LEN + 1] - '0') : 0;
    return *ret_verdict & GN_VERDICT_GOOD && *ret_verdict < 4;
}

static void read_verdicts(struct gn_state *s, const char *path, const char *header)
{
    struct gn_buf text = GN_BUF_INIT(MAX_BYTES);
    if (gn_read_file(path, &text) == 0 && gn_starts_with(gn_buf_str(&text), header)) {
        for (char *line = strchr(text.data, '\n'); line && line[1]; line = strchr(line + 1, '\n')) {
            struct gn_hash hash;
            unsigned verdict;
            if (parse_line(line + 1, &hash, &verdict))
                keep(s, &hash, verdict);
        }
    }
    gn_buf_release(&text);
}

static void open_verdicts(struct gn_state *s)
{
    char header[96];
    make_header(header);
    GN_AUTO_FREE char *path = gn_path_join(s->path, "verdicts");
    read_verdicts(s, path, header);
    bool anew = s->verdicts.count == 0 || s->verdicts.count > MAX_VERDICTS;
    if (anew)
        gn_map_release(&s->verdicts, NULL);
    s->verdict_fd = open(
        path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | (anew ? O_TRUNC : 0), 0600);
    if (s->verdict_fd >= 0 && anew && write(s->verdict_fd, header, strlen(header)) < 0) {
        close(s->verdict_fd);
        s->verdict_fd = -1;
    }
}

unsigned gn_state_verdict(const struct gn_state *s, const struct gn_hash *hash)
{
    return (unsigned)(uintptr_t)gn_map_findn(&s->verdicts, hash->v, sizeof(hash->v));
}

void gn_state_remember(struct gn_state *s, const struct gn_hash *hash, unsigned verdict)
{
    char line[HEX_LEN + 4];
    if (gn_state_verdict(s, hash) == verdict || s->verdicts.count >= 4 * MAX_VERDICTS)
        return;
    keep(s, hash, verdict);
    gn_hex(line, hash->v, sizeof(hash->v));
    int n = snprintf(line + HEX_LEN, sizeof(line) - HEX_LEN, " %u\n", verdict);
    /* Losing it costs one probe. */
    if (s->verdict_fd >= 0 && write(s->verdict_fd, line, HEX_LEN + (size_t)n) < 0) {
        close(s->verdict_fd);
        s->verdict_fd = -1;
    }
}

/* ---------------------------------------------------------------- public */

struct gn_state *gn_state_open(const char *dir, struct gn_error *err)
{
    struct gn_state *s = gn_calloc(1, sizeof(*s));
    s->lock_fd = s->verdict_fd = -1;
    gn_map_init(&s->verdicts);
    if (dir && open_configured(s, dir, err) == 0) {
        remove_copies(s, false);
        open_verdicts(s);
        return s;
    }
    if (open_temporary(s))
        return s;
    gn_error_set(err, -errno, "no folder for private copies: %s: %s", s->path, strerror(errno));
    gn_free(s->path);
    gn_free(s);
    return NULL;
}

void gn_state_close(struct gn_state *s)
{
    if (!s)
        return;
    if (s->is_temporary) {
        remove_copies(s, true);
        rmdir(s->path);
    }
    if (s->verdict_fd >= 0)
        close(s->verdict_fd);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    gn_map_release(&s->verdicts, NULL);
    gn_free(s->path);
    gn_free(s);
}

const char *gn_state_path(const struct gn_state *s)
{
    return s->path;
}
