/* server_env.c - a file of variables that an entry names: NAME=VALUE, a line each, with comments,
 * "export" in front, and quotes around values, as such files are written.
 */
#include "servers.h"

#include "util/alloc.h"
#include "util/str.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX ((size_t)1 << 20)
#define LINES_MAX 10000

static int read_regular(const char *path, struct gn_buf *text, struct gn_error *err)
{
    struct stat st = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int rc = fd < 0 || fstat(fd, &st) != 0 ? -errno : 0;
    if (rc == 0)
        rc = S_ISREG(st.st_mode) ? gn_read_all(fd, text) : GN_EINVAL;
    if (fd >= 0)
        close(fd);
    return rc ? gn_error_set(err, rc, "%s: %s", path, strerror(-rc)) : 0;
}

static char *skip_gaps(char *s)
{
    return s + strspn(s, " \t");
}

/* The value at `at` in place: quotes off, a comment behind it, too. */
static const char *read_value(char *at)
{
    char quote = *at == '"' || *at == '\'' ? *at : '\0';
    char *out = at, *from = at + (quote != '\0');
    if (!quote) {
        char *comment = strstr(at, " #");
        if (comment)
            *comment = '\0';
        for (size_t len = strlen(at); len > 0 && isspace((unsigned char)at[len - 1]); len--)
            at[len - 1] = '\0';
        return at;
    }
    for (; *from && *from != quote; from++) {
        bool is_escape = quote == '"' && *from == '\\' && from[1];
        *out++ = !is_escape ? *from : *++from == 'n' ? '\n' : *from;
    }
    *out = '\0';
    return at;
}

static bool sets(char **list, const char *name, size_t len)
{
    for (; list && *list; list++) {
        if (strncmp(*list, name, len) == 0 && (*list)[len] == '=')
            return true;
    }
    return false;
}

/* One line; false: it is no NAME=VALUE. */
static bool read_line(char *line, char **own, char **list, size_t *count)
{
    char *name = skip_gaps(line);
    if (gn_starts_with(name, "export "))
        name = skip_gaps(name + strlen("export "));
    if (!*name || *name == '#')
        return true;
    size_t len = strcspn(name, "= \t");
    char *equals = skip_gaps(name + len);
    if (len == 0 || *equals != '=')
        return false;
    const char *value = read_value(skip_gaps(equals + 1));
    if (!sets(own, name, len))
        list[(*count)++] = gn_format("%.*s=%s", (int)len, name, value);
    return true;
}

int gn_server_env_file(const char *path, char **own, char ***ret, struct gn_error *err)
{
    struct gn_buf text = GN_BUF_INIT(FILE_MAX);
    int rc = read_regular(path, &text, err);
    size_t count = 0, lines = 1, line = 0;
    if (rc) {
        gn_buf_release(&text);
        return rc;
    }
    for (size_t i = 0; i < text.len; i++)
        lines += text.data[i] == '\n';
    char **list = gn_calloc(GN_MIN(lines, (size_t)LINES_MAX) + 1, sizeof(*list));
    GN_AUTO_FREE char *copy = gn_strdup(gn_buf_str(&text));
    gn_buf_release(&text);
    char *rest = copy, *at;
    while (rc == 0 && (at = strsep(&rest, "\n"))) {
        at[strcspn(at, "\r")] = '\0';
        if (++line > LINES_MAX)
            rc = gn_error_set(err, GN_ETOOBIG, "%s: has more than %d lines", path, LINES_MAX);
        else if (!read_line(at, own, list, &count))
            rc = gn_error_set(err, GN_EINVAL, "%s: line %zu is not NAME=VALUE", path, line);
    }
    if (rc) {
        gn_texts_free(list);
        return rc;
    }
    size_t mine = 0;
    while (own && own[mine])
        mine++;
    char **all = gn_calloc(mine + count + 1, sizeof(*all));
    for (size_t i = 0; i < mine + count; i++)
        all[i] = i < mine ? own[i] : list[i - mine];
    gn_free(own);
    gn_free(list);
    *ret = all;
    return 0;
}
