/* elf.c - judging shared objects from their bytes. */
#include "plugin/elf.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

GN_SUITE(elf);

#define SYMBOL "gantry_plugin_v1"

/* A test plugin, to be cut and patched. */
static struct gn_buf read_plugin(const char *name)
{
    struct gn_buf b = GN_BUF_INIT(64u << 20);
    GN_AUTO_FREE char *path = gn_format("%s/tests/plugins/%s.so", TEST_BUILD_DIR, name);
    cr_assert_eq(gn_read_file(path, &b), 0, "%s", path);
    return b;
}

static int check(const void *data, size_t len, struct gn_elf *elf, struct gn_error *err)
{
    static const char *dir;
    if (!dir)
        dir = gn_test_tmpdir();
    const char *path = gn_test_write_file(dir, "x.so", data, len);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert(fd >= 0);
    memset(err, 0, sizeof(*err));
    int rc = gn_elf_check(fd, SYMBOL, elf, err);
    close(fd);
    return rc;
}

Test(elf, a_plugin_is_one)
{
    struct gn_elf elf;
    struct gn_error err;
    struct gn_buf b = read_plugin("swap1");
    cr_assert_eq(check(b.data, b.len, &elf, &err), 0, "%s", err.text);
    cr_assert(elf.has_symbols && elf.has_plugin);
    cr_assert_eq(elf.other_major, 0);
    cr_assert_eq(elf.size, b.len);
    cr_assert_not(elf.uses_origin);
    cr_assert_eq(gn_elf_check_plugin(&elf, SYMBOL, "ABI 0.9", &err), 0);
    gn_buf_release(&b);
}

Test(elf, every_cut_is_seen)
{
    struct gn_elf elf;
    struct gn_error err;
    struct gn_buf b = read_plugin("swap1");
    size_t step = b.len / 97 + 1;
    for (size_t len = 0; len < b.len; len += len < 200 ? 1 : step)
        cr_assert_eq(check(b.data, len, &elf, &err), GN_EBUSY, "%zu bytes: %s", len, err.text);
    cr_assert_eq(check(b.data, b.len - 1, &elf, &err), GN_EBUSY);
    gn_buf_release(&b);
}

Test(elf, garbage_is_refused_whatever_it_is)
{
    struct gn_elf elf;
    struct gn_error err;
    struct gn_buf b = read_plugin("swap1");
    /* Each byte of the header changed: any answer will do, but there must be one. */
    for (size_t i = 0; i < sizeof(Elf64_Ehdr) + 4 * sizeof(Elf64_Phdr); i++)
        for (int bit = 0; bit < 8; bit += 7) {
            b.data[i] = (char)(b.data[i] ^ 1 << bit);
            int rc = check(b.data, b.len, &elf, &err);
            cr_assert(rc == 0 || err.text[0]);
            b.data[i] = (char)(b.data[i] ^ 1 << bit);
        }
    cr_assert_eq(check("#!/bin/sh\n", 10, &elf, &err), GN_EINVAL);
    cr_assert(strstr(err.text, "is not a shared object"));
    cr_assert_eq(check("\0\0\0\0\0\0", 6, &elf, &err), GN_EINVAL);
    gn_buf_release(&b);
}

Test(elf, another_machine_is_named)
{
    struct gn_elf elf;
    struct gn_error err;
    struct gn_buf b = read_plugin("swap1");
    Elf64_Ehdr h;
    memcpy(&h, b.data, sizeof(h));
    h.e_machine = EM_S390;
    memcpy(b.data, &h, sizeof(h));
    cr_assert_eq(check(b.data, b.len, &elf, &err), GN_EINVAL);
    cr_assert(gn_starts_with(err.text, "is built for s390, 64 bit; this host is "), "%s", err.text);
    gn_buf_release(&b);
}

Test(elf, other_abis_and_no_plugins_are_told_apart)
{
    struct gn_elf elf;
    struct gn_error err;
    struct gn_buf b = read_plugin("bad_major");
    cr_assert_eq(check(b.data, b.len, &elf, &err), 0);
    cr_assert_eq(elf.other_major, 2);
    cr_assert_eq(gn_elf_check_plugin(&elf, SYMBOL, "ABI 0.9", &err), GN_EINVAL);
    cr_assert_str_eq(err.text, "is built for ABI 2; this host speaks ABI 0.9");
    gn_buf_release(&b);
    b = read_plugin("bad_plain");
    cr_assert_eq(check(b.data, b.len, &elf, &err), 0);
    cr_assert_eq(gn_elf_check_plugin(&elf, SYMBOL, "ABI 0.9", &err), GN_EINVAL);
    cr_assert(strstr(err.text, "does not export gantry_plugin_v1"));
    gn_buf_release(&b);
}

Test(elf, what_pins_an_object_is_seen)
{
    struct gn_elf elf;
    struct gn_error err;
    struct gn_buf b = read_plugin("with_origin");
    cr_assert_eq(check(b.data, b.len, &elf, &err), 0);
    cr_assert(elf.uses_origin);
    cr_assert(elf.is_nodelete);
    gn_buf_release(&b);
}
