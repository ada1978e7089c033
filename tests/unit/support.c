/* support.c - leak gate, temporary folders, test data. */
#include "support.h"

#include "util/alloc.h"
#include "util/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef GN_ASAN
#include <sanitizer/lsan_interface.h>
#endif

/* Strings that live until the test ends. */
struct kept {
    struct kept *next;
    bool is_folder; /* to be removed */
    char text[];
};

static struct kept *kept;

static const char *keep(const char *text, bool is_folder)
{
    size_t len = strlen(text);
    struct kept *k = gn_malloc(sizeof(*k) + len + 1);
    k->next = kept;
    k->is_folder = is_folder;
    memcpy(k->text, text, len + 1);
    kept = k;
    return k->text;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    remove(path);
    return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_dots(const struct dirent *d)
{
    return !gn_streq(d->d_name, ".") && !gn_streq(d->d_name, "..");
}

void gn_test_end(void)
{
    while (kept) {
        struct kept *k = kept;
        kept = k->next;
        if (k->is_folder)
            gn_test_remove_all(k->text);
        gn_free(k);
    }
#ifdef GN_ASAN
    /* Criterion 2.4 counts a failed assertion in a .fini as passed, but not a crash. */
    if (__lsan_do_recoverable_leak_check()) {
        fputs("leak gate: the test named below lost memory\n", stderr);
        abort();
    }
#endif
}

const char *gn_test_tmpdir(void)
{
    const char *base = getenv("TMPDIR");
    GN_AUTO_FREE char *path = gn_path_join(base && *base ? base : "/tmp", "gantry-test-XXXXXX");
    cr_assert_not_null(mkdtemp(path), "mkdtemp %s: %s", path, strerror(errno));
    return keep(path, true);
}

void gn_test_remove_all(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *gn_test_write_file(const char *dir, const char *name, const void *data, size_t len)
{
    GN_AUTO_FREE char *path = gn_path_join(dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    cr_assert(fd >= 0, "%s: %s", path, strerror(errno));
    for (size_t done = 0; done < len;) {
        ssize_t n = write(fd, (const char *)data + done, len - done);
        cr_assert(n > 0 || errno == EINTR, "%s: %s", path, strerror(errno));
        done += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    return keep(path, false);
}

const char *gn_test_data(const char *name)
{
    const char *base = getenv("GANTRY_TEST_DATA");
    if (!base || !*base)
        base = TEST_SOURCE_DIR "/../shared/data";
    GN_AUTO_FREE char *path = gn_path_join(base, name);
    const char *result = keep(path, false);
    if (access(result, R_OK) != 0) {
        gn_free(path);
        path = NULL;
        cr_skip_test("no test data at %s (set GANTRY_TEST_DATA)", result);
    }
    return result;
}

void gn_test_each_file(const char *dir, void (*fn)(void *arg, const char *name), void *arg)
{
    struct dirent **entries = NULL;
    int n = scandir(dir, &entries, not_dots, by_name);
    cr_assert(n >= 0, "%s: %s", dir, strerror(errno));
    for (int i = 0; i < n; i++) {
        fn(arg, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}
