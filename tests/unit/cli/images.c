/* images.c - bytes of results saved to files. */
#include "images.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

GN_SUITE(cli_images);

static void check_name(const char *uri, const char *mime, unsigned n, const char *want)
{
    struct gn_buf out = GN_BUF_INIT(1000);
    gn_image_add_name(&out, "image", uri, mime, n);
    cr_assert_str_eq(gn_buf_str(&out), want);
    gn_buf_release(&out);
}

static char *save(const char *folder, const char *uri, const char *bytes)
{
    struct gn_error err = {0};
    char *path;
    cr_assert_eq(
        gn_image_save(folder, "image", uri, "image/png", bytes, strlen(bytes), &path, &err), 0,
        "%s", err.text);
    return path;
}

static void check_holds(const char *path, const char *want)
{
    struct gn_buf out = GN_BUF_INIT(1000);
    struct stat st;
    cr_assert_eq(gn_read_file(path, &out), 0, "%s", path);
    cr_assert_str_eq(gn_buf_str(&out), want);
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
    gn_buf_release(&out);
}

Test(cli_images, names_come_from_the_type_and_the_address)
{
    check_name(NULL, "image/png", 1, "image.png");
    check_name(NULL, "image/png", 3, "image-3.png");
    check_name(NULL, "IMAGE/JPEG; q=1", 1, "image.jpg");
    check_name(NULL, NULL, 1, "image.bin");
    check_name(NULL, "application/x-unknown", 1, "image.bin");
    check_name("file:///a/report.pdf", NULL, 1, "report.pdf");
    check_name("file:///a/report.pdf?x=1#y", "application/pdf", 2, "report-2.pdf");
    check_name("file:///a/photo.jpeg", "image/png", 1, "photo.png");
    check_name("data", NULL, 1, "data.bin");
}

Test(cli_images, no_name_leads_elsewhere_or_hides)
{
    check_name("file:///a/..", NULL, 1, "file.bin");
    check_name("file:///a/.bashrc", NULL, 1, "bashrc.bin");
    check_name("x:..\\..\\evil", NULL, 1, "x_.._.._evil.bin");
    check_name("file:///a/%2e%2e%2f\x1b[2J\n.png", NULL, 1, "_2e_2e_2f__2J_.png");
    check_name("file:///-rf", NULL, 1, "_rf.bin");
    check_name("file:///a/", NULL, 1, "image.bin");
}

Test(cli_images, nothing_is_written_over)
{
    const char *folder = gn_test_tmpdir();
    GN_AUTO_FREE char *one = save(folder, NULL, "first"), *two = save(folder, NULL, "second");
    cr_assert_str_eq(gn_path_base(one), "image.png");
    cr_assert_str_eq(gn_path_base(two), "image-2.png");
    check_holds(one, "first");
    check_holds(two, "second");
}

Test(cli_images, no_link_is_followed)
{
    const char *folder = gn_test_tmpdir();
    GN_AUTO_FREE char *target = gn_path_join(folder, "target");
    GN_AUTO_FREE char *link = gn_path_join(folder, "image.png");
    cr_assert_eq(symlink(target, link), 0);
    GN_AUTO_FREE char *path = save(folder, NULL, "x");
    cr_assert_str_eq(gn_path_base(path), "image-2.png");
    cr_assert_neq(access(target, F_OK), 0);
}

Test(cli_images, the_folder_is_made)
{
    GN_AUTO_FREE char *folder = gn_path_join(gn_test_tmpdir(), "new");
    GN_AUTO_FREE char *path = save(folder, "file:///a/photo.png", "x");
    cr_assert_str_eq(gn_path_base(path), "photo.png");
    check_holds(path, "x");
}

Test(cli_images, without_a_folder_it_is_the_users_own)
{
    setenv("XDG_RUNTIME_DIR", gn_test_tmpdir(), 1);
    GN_AUTO_FREE char *one = save(NULL, NULL, "x"), *two = save(NULL, NULL, "x");
    cr_assert(gn_starts_with(one, getenv("XDG_RUNTIME_DIR")));
    cr_assert_str_neq(one, two);
    cr_assert(gn_ends_with(one, "-image.png"));
}

Test(cli_images, what_cannot_be_saved_is_told)
{
    const char *file = gn_test_write_file(gn_test_tmpdir(), "file", "", 0);
    struct gn_error err = {0};
    char *path;
    cr_assert_lt(gn_image_save(file, "image", NULL, NULL, "x", 1, &path, &err), 0);
    cr_assert_null(path);
    cr_assert(strstr(err.text, file));
}
