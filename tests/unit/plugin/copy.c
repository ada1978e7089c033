/* copy.c - private copies, their hash, and whom to trust. */
#include "plugin/copy.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

GN_SUITE(copy);

static void put(const char *build, const char *to)
{
    GN_AUTO_FREE char *command = gn_format("cp '%s/tests/plugins/%s.so' '%s'", TEST_BUILD_DIR,
                                           build, to);
    cr_assert_eq(system(command), 0);
}

static int make(struct gn_copy *c, const char *source, const char *settings, struct gn_error *err)
{
    static const char *state;
    if (!state)
        state = gn_test_tmpdir();
    *err = (struct gn_error){0};
    *c = (struct gn_copy){.source = source,
                          .state_dir = state,
                          .instance = "a/b c",
                          .generation = 7,
                          .settings = settings,
                          .symbol = "gantry_plugin_v1",
                          .speaks = "ABI 0.9"};
    return gn_copy_make(c, err);
}

Test(copy, has_a_name_of_its_own_and_the_same_bytes)
{
    struct gn_copy c;
    struct gn_error err;
    GN_AUTO_FREE char *source = gn_path_join(gn_test_tmpdir(), "x.so");
    put("swap1", source);
    cr_assert_eq(make(&c, source, "{}", &err), 0, "%s", err.text);
    const char *base = gn_path_base(c.path);
    cr_assert(gn_starts_with(base, "a_b_c~"), "%s", base);
    char hash8[9];
    gn_hex(hash8, c.hash.v, 4);
    cr_assert(strstr(base, hash8) && strstr(base, "-7-") && gn_ends_with(base, ".so"), "%s", base);
    GN_AUTO_FREE char *compare = gn_format("cmp '%s' '%s'", source, c.path);
    cr_assert_eq(system(compare), 0);
    struct stat st;
    cr_assert_eq(stat(c.path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0500);
    gn_free(c.path);
}

Test(copy, the_hash_is_of_content_and_settings)
{
    struct gn_copy a, b;
    struct gn_error err;
    GN_AUTO_FREE char *source = gn_path_join(gn_test_tmpdir(), "x.so");
    put("swap1", source);
    cr_assert_eq(make(&a, source, "{}", &err), 0);
    unlink(a.path);
    gn_free(a.path);
    cr_assert_eq(make(&b, source, "{\"x\":1}", &err), 0);
    cr_assert_not(gn_hash_equal(&a.hash, &b.hash));
    gn_free(b.path);
    /* What is live already is not copied again. */
    b = (struct gn_copy){.source = source,
                         .state_dir = gn_test_tmpdir(),
                         .instance = "x",
                         .settings = "{}",
                         .live = &a.hash,
                         .symbol = "gantry_plugin_v1",
                         .speaks = "ABI 0.9"};
    cr_assert_eq(gn_copy_make(&b, &err), 0);
    cr_assert(b.unchanged);
    cr_assert_null(b.path);
}

Test(copy, goes_beside_the_original_if_that_looks_around_there)
{
    struct gn_copy c;
    struct gn_error err;
    const char *dir = gn_test_tmpdir();
    GN_AUTO_FREE char *source = gn_path_join(dir, "x.so");
    GN_AUTO_FREE char *cache = gn_path_join(dir, ".gantry-cache");
    GN_AUTO_FREE char *stale = gn_path_join(cache, "x-999999999-3-0123abcd.so");
    GN_AUTO_FREE char *fresh = gn_format("%s/x-%ld-3-0123abcd.so", cache, (long)getpid());
    put("with_origin", source);
    cr_assert_eq(mkdir(cache, 0700), 0);
    put("swap1", stale);
    put("swap1", fresh);
    cr_assert_eq(make(&c, source, "{}", &err), 0, "%s", err.text);
    cr_assert(gn_starts_with(c.path, cache), "%s", c.path);
    cr_assert_neq(access(stale, F_OK), 0, "left by a process that is gone");
    cr_assert_eq(access(fresh, F_OK), 0);
    gn_free(c.path);
    cr_assert_eq(chmod(cache, 0755), 0);
    cr_assert_eq(make(&c, source, "{}", &err), GN_EPERM);
    cr_assert(strstr(err.text, "mode 0700"), "%s", err.text);
}

Test(copy, can_be_called_off)
{
    struct gn_error err = {0};
    atomic_bool cancel = true;
    GN_AUTO_FREE char *source = gn_path_join(gn_test_tmpdir(), "x.so");
    put("swap1", source);
    const char *state = gn_test_tmpdir();
    struct gn_copy c = {.source = source,
                        .state_dir = state,
                        .instance = "x",
                        .settings = "{}",
                        .symbol = "gantry_plugin_v1",
                        .speaks = "ABI 0.9",
                        .cancel = &cancel};
    cr_assert_eq(gn_copy_make(&c, &err), GN_ECANCELED);
    cr_assert_null(c.path);
    cr_assert_eq(rmdir(state), 0, "nothing is left behind");
    cr_assert_eq(mkdir(state, 0700), 0);
}

Test(copy, only_what_root_or_we_own_is_trusted)
{
    struct gn_error err = {0};
    int fd;
    const char *dir = gn_test_tmpdir();
    GN_AUTO_FREE char *source = gn_path_join(dir, "x.so");
    put("swap1", source);
    cr_assert_eq(gn_copy_open(source, &fd, &err), 0);
    close(fd);
    chmod(source, 0666);
    cr_assert_eq(gn_copy_open(source, &fd, &err), GN_EPERM);
    chmod(source, 0644);
    /* A link to a file in a folder that everybody may write. */
    const char *open_dir = gn_test_tmpdir();
    GN_AUTO_FREE char *target = gn_path_join(open_dir, "y.so");
    GN_AUTO_FREE char *link = gn_path_join(dir, "link.so");
    put("swap1", target);
    cr_assert_eq(symlink(target, link), 0);
    cr_assert_eq(gn_copy_open(link, &fd, &err), 0);
    close(fd);
    chmod(open_dir, 01777);
    cr_assert_eq(gn_copy_open(link, &fd, &err), GN_EPERM);
    cr_assert(strstr(err.text, open_dir), "%s", err.text);
    if (geteuid() == 0) {
        cr_assert_eq(chown(source, 1234, 0), 0);
        cr_assert_eq(gn_copy_open(source, &fd, &err), GN_EPERM);
        cr_assert(strstr(err.text, "belongs to user 1234"), "%s", err.text);
    }
}
