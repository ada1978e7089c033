/* new.c - gantry new: a folder with a plugin, its build and its test. */
#include "cli.h"
#include "util/alloc.h"
#include "util/str.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX ((size_t)1 << 20)
#define NAME_MAX_LEN 64
#define MARK "@NAME@" /* stands for the name in the scaffold */
#define MAIN_FILE "plugin.c"

static int exec_new(const struct gn_cli *cli, const struct gn_cli_args *args);

const struct gn_command gn_command_new = {
    .name = "new",
    .args = "NAME",
    .summary = "make a folder with a plugin, its build and its test",
    .usage = "  gantry new weather\n"
             "  cd weather\n"
             "  cmake -S . -B build && cmake --build build && ctest --test-dir build\n"
             "  gantry dev .\n",
    .exec = exec_new,
};

/* Names that are targets of every build, or folders of this one. */
static const char *const taken[] = {
    "all",        "build",          "clean",         "depend",
    "edit_cache", "help",           "install",       "list_install_components",
    "package",    "package_source", "rebuild_cache", "test",
    NULL};

/* NULL, or what is wrong with the name. */
static const char *name_problem(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > NAME_MAX_LEN)
        return "a name has 1 to 64 characters";
    if (!isalpha((unsigned char)name[0]))
        return "a name begins with a letter";
    for (const char *c = name; *c; c++) {
        if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-')
            return "a name consists of letters, digits, _ and -";
    }
    for (const char *const *t = taken; *t; t++) {
        if (gn_streq(name, *t))
            return "that name has a meaning to the build";
    }
    return NULL;
}

static void replace_marks(struct gn_buf *out, const char *text, const char *name)
{
    for (const char *mark; (mark = strstr(text, MARK)); text = mark + strlen(MARK)) {
        gn_buf_add(out, text, (size_t)(mark - text));
        gn_buf_adds(out, name);
    }
    gn_buf_adds(out, text);
}

static int write_file(const char *path, const struct gn_buf *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return -errno;
    ssize_t n = write(fd, gn_buf_str(text), text->len);
    int rc = n == (ssize_t)text->len ? 0 : n < 0 ? -errno : -EIO;
    return close(fd) == 0 || rc ? rc : -errno;
}

static int copy_file(const char *from_dir, const char *file, const char *name, struct gn_error *err)
{
    GN_AUTO_FREE char *from = gn_path_join(from_dir, file);
    GN_AUTO_FREE char *own = gn_format("%s.c", name);
    GN_AUTO_FREE char *to = gn_path_join(name, gn_streq(file, MAIN_FILE) ? own : file);
    struct gn_buf text = GN_BUF_INIT(FILE_MAX), out = GN_BUF_INIT(2 * FILE_MAX);
    int rc = gn_read_file(from, &text);
    if (rc) {
        gn_error_set(err, rc, "%s: %s", from, strerror(-rc));
    } else {
        replace_marks(&out, gn_buf_str(&text), name);
        rc = write_file(to, &out);
        if (rc)
            gn_error_set(err, rc, "%s: %s", to, strerror(-rc));
    }
    gn_buf_release(&text);
    gn_buf_release(&out);
    return rc;
}

static int copy_all(const char *from, const char *name, struct gn_error *err)
{
    DIR *dir = opendir(from);
    if (!dir)
        return gn_error_set(err, -errno, "%s: %s", from, strerror(errno));
    int rc = 0;
    for (struct dirent *d; rc == 0 && (d = readdir(dir));) {
        if (d->d_name[0] != '.')
            rc = copy_file(from, d->d_name, name, err);
    }
    closedir(dir);
    return rc;
}

static int exec_new(const struct gn_cli *cli, const struct gn_cli_args *args)
{
    if (!gn_cli_words(cli, args, 1))
        return GN_EXIT_USAGE;
    const char *name = args->words[0];
    const char *problem = name_problem(name);
    if (problem)
        return gn_cli_usage(cli, "%s: %s", name, problem);
    GN_AUTO_FREE char *from = gn_cli_installed(cli, "share/gantry/template");
    if (!from)
        return gn_cli_fail(cli, GN_EXIT_FAILED,
                           "share/gantry/template is not installed beside this program");
    if (mkdir(name, 0777) != 0)
        return gn_cli_fail(cli, GN_EXIT_FAILED, "%s: %s", name, strerror(errno));
    struct gn_error err = {0};
    if (copy_all(from, name, &err))
        return gn_cli_fail(cli, GN_EXIT_FAILED, "%s", err.text);
    printf("%s/ has a plugin, its build and its test. Next:\n"
           "\n"
           "  cd %s\n"
           "  cmake -S . -B build && cmake --build build && ctest --test-dir build\n"
           "  gantry dev .\n",
           name, name);
    return GN_EXIT_OK;
}
