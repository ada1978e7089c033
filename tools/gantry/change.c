/* change.c - changes a file of somebody's so that there is never half of it: into a file beside it,
 * to the disk, then in its place.
 */
#include "change.h"

#include "cli.h"
#include "hide.h"
#include "util/alloc.h"
#include "util/str.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKUP ".gantry-backup"
#define LINKS_MAX 40
#define CONTEXT 3 /* lines around a change */
#define SHOWN_MAX ((size_t)1 << 20)
#define LINE_MAX_ 400 /* bytes of a line that are shown */

/* ---------------------------------------------------------------- the file */

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return gn_strdup(".");
    return slash == path ? gn_strdup("/") : gn_strndup(path, (size_t)(slash - path));
}

/* Where the links lead to, whether there is something or not. NULL with err. */
static char *resolve(const char *path, struct gn_error *err)
{
    char *at = gn_strdup(path);
    char target[PATH_MAX];
    for (int i = 0; i < LINKS_MAX; i++) {
        ssize_t n = readlink(at, target, sizeof(target) - 1);
        if (n < 0)
            return at;
        target[n] = '\0';
        GN_AUTO_FREE char *folder = folder_of(at);
        gn_free(at);
        at = *target == '/' ? gn_strdup(target) : gn_path_join(folder, target);
    }
    gn_free(at);
    gn_error_set(err, -ELOOP, "%s: %s", path, strerror(ELOOP));
    return NULL;
}

int gn_change_begin(struct gn_change *c, const char *path, struct gn_error *err)
{
    *c = (struct gn_change){.path = gn_strdup(path), .real = resolve(path, err)};
    int rc = c->real ? 0 : -ELOOP;
    if (rc == 0 && stat(c->real, &c->was) == 0) {
        c->exists = true;
        rc = gn_jsonc_read(&c->before, c->path, NULL, err);
        if (rc == 0 && access(c->real, W_OK) != 0)
            rc = gn_error_set(err, -errno, "%s: %s", path, strerror(errno));
    } else if (rc == 0 && errno != ENOENT) {
        rc = gn_error_set(err, -errno, "%s: %s", path, strerror(errno));
    } else if (rc == 0) {
        rc = gn_jsonc_parse(&c->before, "", 0, err);
    }
    if (rc)
        gn_change_release(c);
    return rc;
}

int gn_change_set(struct gn_change *c, const struct gn_buf *text, struct gn_error *err)
{
    gn_jsonc_release(&c->after);
    return gn_jsonc_parse(&c->after, gn_buf_str(text), text->len, err);
}

void gn_change_release(struct gn_change *c)
{
    gn_jsonc_release(&c->before);
    gn_jsonc_release(&c->after);
    gn_free(c->path);
    gn_free(c->real);
    *c = (struct gn_change){0};
}

/* ---------------------------------------------------------------- showing */

/* Where lines begin, and the text's end. Owned by the caller. */
static size_t *find_lines(const struct gn_jsonc *j, size_t *ret_count)
{
    size_t count = 0, n = 0;
    for (size_t i = 0; i < j->len; i++)
        count += j->text[i] == '\n';
    size_t *lines = gn_calloc(count + 2, sizeof(*lines));
    for (size_t i = 0; i < j->len; i++) {
        if (i == 0 || j->text[i - 1] == '\n')
            lines[n++] = i;
    }
    lines[n] = j->len;
    *ret_count = n;
    return lines;
}

static bool same_line(const struct gn_jsonc *a, const size_t *x, const struct gn_jsonc *b,
                      const size_t *y)
{
    size_t len = x[1] - x[0];
    return len == y[1] - y[0] && memcmp(a->text + x[0], b->text + y[0], len) == 0;
}

static void print_lines(FILE *out, char sign, const struct gn_jsonc *j, const size_t *lines,
                        size_t from, size_t to)
{
    struct gn_buf text = GN_BUF_INIT(SHOWN_MAX);
    for (; from < to; from++) {
        size_t end = lines[from + 1];
        while (end > lines[from] && (j->text[end - 1] == '\n' || j->text[end - 1] == '\r'))
            end--;
        gn_buf_clear(&text);
        gn_hide_text(j, lines[from], end, &text);
        size_t len = gn_utf8_cut(gn_buf_str(&text), text.len, LINE_MAX_);
        fputc(sign, out);
        gn_cli_print_text(out, gn_buf_str(&text), len);
        fputs(len < text.len ? " ...\n" : "\n", out);
    }
    gn_buf_release(&text);
}

void gn_change_print(const struct gn_change *c, FILE *out)
{
    const struct gn_jsonc *a = &c->before, *b = &c->after;
    size_t a_count, b_count, same = 0, tail = 0;
    size_t *x = find_lines(a, &a_count), *y = find_lines(b, &b_count);
    while (same < a_count && same < b_count && same_line(a, x + same, b, y + same))
        same++;
    while (tail < a_count - same && tail < b_count - same &&
           same_line(a, x + a_count - tail - 1, b, y + b_count - tail - 1))
        tail++;
    size_t from = same - GN_MIN(same, (size_t)CONTEXT), more = GN_MIN(tail, (size_t)CONTEXT);
    size_t a_end = a_count - tail, b_end = b_count - tail;
    fputs("--- ", out);
    gn_cli_print_line(out, c->exists ? c->path : "/dev/null");
    fputs("\n+++ ", out);
    gn_cli_print_line(out, c->path);
    fprintf(out, "\n@@ -%zu,%zu +%zu,%zu @@\n", a_count ? from + 1 : 0, a_end + more - from,
            b_count ? from + 1 : 0, b_end + more - from);
    print_lines(out, ' ', a, x, from, same);
    print_lines(out, '-', a, x, same, a_end);
    print_lines(out, '+', b, y, same, b_end);
    print_lines(out, ' ', a, x, a_end, a_end + more);
    gn_free(x);
    gn_free(y);
}

/* ---------------------------------------------------------------- writing */

/* The folders of the path that are missing. */
static int make_folders(const char *folder, bool is_private)
{
    GN_AUTO_FREE char *path = gn_strdup(folder);
    for (char *at = path + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(path, is_private ? 0700 : 0777) != 0 && errno != EEXIST)
            return -errno;
        *at = '/';
    }
    return mkdir(path, is_private ? 0700 : 0777) == 0 || errno == EEXIST ? 0 : -errno;
}

/* As the old file was: its mode, and its owner where that is another. */
static int take_after(int fd, const struct gn_change *c)
{
    if (!c->exists) {
        mode_t mask = umask(0);
        umask(mask);
        return fchmod(fd, (c->is_private ? 0600 : 0666) & ~mask) == 0 ? 0 : -errno;
    }
    struct stat now;
    if (fstat(fd, &now) != 0)
        return -errno;
    if ((now.st_uid != c->was.st_uid || now.st_gid != c->was.st_gid) &&
        fchown(fd, c->was.st_uid, c->was.st_gid) != 0)
        return -errno;
    return fchmod(fd, c->was.st_mode & 07777) == 0 ? 0 : -errno;
}

/* The text in a file of a name that nobody has, beside the real one. */
static int write_beside(const struct gn_change *c, const struct gn_jsonc *j, char *temporary)
{
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = take_after(fd, c);
    if (rc == 0)
        rc = gn_write_all(fd, j->text, j->len);
    if (rc == 0 && fsync(fd) != 0)
        rc = -errno;
    if (close(fd) != 0 && rc == 0)
        rc = -errno;
    if (rc)
        unlink(temporary);
    return rc;
}

/* The file is still the one that was read. */
static int check_same(const struct gn_change *c, struct gn_error *err)
{
    struct gn_buf now = GN_BUF_INIT(GN_JSONC_MAX);
    struct stat st;
    bool is_same = stat(c->real, &st) != 0 ? !c->exists && errno == ENOENT : c->exists;
    if (is_same && c->exists)
        is_same = S_ISREG(st.st_mode) && gn_read_file(c->real, &now) == 0 &&
                  now.len == c->before.len &&
                  memcmp(gn_buf_str(&now), c->before.text, now.len) == 0;
    gn_buf_release(&now);
    if (is_same)
        return 0;
    return gn_error_set(err, GN_EBUSY, "%s has changed meanwhile; nothing was written: try again",
                        c->path);
}

static void sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

/* Puts the text in the place of `name`. */
static int put(const struct gn_change *c, const struct gn_jsonc *j, const char *folder,
               const char *name, struct gn_error *err)
{
    GN_AUTO_FREE char *temporary = gn_format("%s/.gantry-XXXXXX", folder);
    bool is_file = gn_streq(name, c->real);
    int rc = write_beside(c, j, temporary);
    if (rc)
        return gn_error_set(err, rc, "%s cannot be written: %s", name, strerror(-rc));
    rc = is_file ? check_same(c, err) : 0;
    if (rc == 0 && rename(temporary, name) != 0)
        rc = gn_error_set(err, -errno, "%s cannot be written: %s", name, strerror(errno));
    if (rc)
        unlink(temporary);
    return rc;
}

int gn_change_write(const struct gn_change *c, char **ret_backup, struct gn_error *err)
{
    GN_AUTO_FREE char *folder = folder_of(c->real);
    GN_AUTO_FREE char *backup = gn_format("%s" BACKUP, c->real);
    *ret_backup = NULL;
    int rc = c->exists ? 0 : make_folders(folder, c->is_private);
    if (rc)
        return gn_error_set(err, rc, "%s cannot be made: %s", folder, strerror(-rc));
    rc = check_same(c, err);
    if (rc == 0 && c->exists)
        rc = put(c, &c->before, folder, backup, err);
    if (rc == 0)
        rc = put(c, &c->after, folder, c->real, err);
    if (rc)
        return rc;
    sync_folder(folder);
    *ret_backup = c->exists ? gn_strdup(backup) : NULL;
    return 0;
}
