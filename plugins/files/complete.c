/* complete.c - see complete.h. */
#include "complete.h"

#include "dir.h"
#include "path.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SUGGESTIONS 100 /* what a client gets at most */

/* Completing a path reads a directory, which blocks: the one blocking piece goes to a worker, while
 * the rest stays a coroutine. The piece must not use the call, so all it needs and finds is in a
 * struct. */
typedef struct {
    const root *where;
    char dir[MAX_PATH];
    dir_query query;
    dir_names names;
    bool is_dir[MAX_SUGGESTIONS];
} name_scan;

static int scan_names(void *arg)
{
    name_scan *s = arg;
    int fd = path_open_dir(s->where, s->dir);
    if (fd < 0)
        return GANTRY_OK; /* nothing to suggest */
    if (dir_read(fd, &s->query, &s->names) == 0) {
        for (size_t i = 0; i < s->names.n; i++) {
            struct stat st;
            s->is_dir[i] = fstatat(fd, s->names.names[i], &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                           S_ISDIR(st.st_mode);
        }
    }
    close(fd);
    return GANTRY_OK;
}

static int complete_path(gantry_call *call, const char *value)
{
    const roots *r = gantry_state(gantry_self(call));
    /* Other arguments that are known already come with the request. */
    const char *name = gantry_json_string(gantry_json_get(gantry_arguments(call), "root"), NULL);
    const root *where = name ? roots_find(r, name, strlen(name)) : r->count == 1 ? &r->v[0] : NULL;
    if (!where || value[0] == '/')
        return GANTRY_OK;
    const char *slash = strrchr(value, '/');
    size_t dir_len = slash ? (size_t)(slash - value) + 1 : 0;
    char *dir = gantry_format(call, "%s/%.*s", where->name, (int)dir_len, value);
    name_scan *s = gantry_alloc(call, sizeof *s);
    if (!s || !dir)
        return GANTRY_ETOOBIG;
    if (path_parse(r, dir, &s->where, s->dir))
        return GANTRY_OK;
    s->query = (dir_query){.max = MAX_SUGGESTIONS, .prefix = value + dir_len};
    int rc = gantry_work(call, scan_names, s);
    for (size_t i = 0; rc == GANTRY_OK && i < s->names.n; i++) {
        char *text = gantry_format(call, "%.*s%s%s", (int)dir_len, value, s->names.names[i],
                                   s->is_dir[i] ? "/" : "");
        rc = text ? gantry_suggest(call, text) : GANTRY_ETOOBIG;
    }
    if (rc == GANTRY_OK)
        rc = gantry_suggest_total(call, (int64_t)s->names.total);
    dir_free(&s->names);
    return rc;
}

int complete_file(gantry_call *call, const char *argument, const char *value)
{
    if (strcmp(argument, "path") == 0)
        return complete_path(call, value);
    const roots *r = gantry_state(gantry_self(call));
    for (size_t i = 0; i < r->count; i++) {
        if (strncmp(r->v[i].name, value, strlen(value)) == 0)
            gantry_suggest(call, r->v[i].name);
    }
    return GANTRY_OK;
}
