/* watch.c - see watch.h. */
#include "watch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Two of different contents are told apart by chance, as good as always; never 0. */
static uint64_t hash(uint64_t start, const void *data, size_t n)
{
    const unsigned char *bytes = data;
    uint64_t h = start ^ 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ bytes[i]) * 0x100000001b3u;
    return h ? h : 1;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* ROOT/path of a URI, decoded; false: it is none of a file. */
static bool path_of(gantry_call *call, const char *uri, char path[MAX_PATH])
{
    static const char scheme[] = "files://";
    const char *instance = gantry_instance(gantry_self(call));
    size_t len = strlen(instance), n = 0;
    if (strncmp(uri, scheme, sizeof scheme - 1) != 0)
        return false;
    uri += sizeof scheme - 1;
    if (strcmp(instance, "files") != 0) { /* it stands in all its URIs */
        if (strncmp(uri, instance, len) != 0 || uri[len] != '/')
            return false;
        uri += len + 1;
    }
    for (; *uri && n < MAX_PATH - 1; uri++) {
        int high = *uri == '%' ? hex_value(uri[1]) : -1;
        int low = high >= 0 ? hex_value(uri[2]) : -1;
        path[n++] = (char)(low >= 0 ? high << 4 | low : *uri);
        uri += low >= 0 ? 2 : 0;
    }
    path[n] = '\0';
    return *uri == '\0' && n > 0;
}

/* ---------------------------------------------------------------- on a worker */

struct look {
    const roots *roots;
    size_t n;
    char (*paths)[MAX_PATH];
    uint64_t *marks;
};

static uint64_t mark_of(const roots *r, const char *path)
{
    char rest[MAX_PATH];
    const root *where = NULL;
    struct stat st;
    if (path_parse(r, path, &where, rest) || !where)
        return 1;
    int fd = path_open_file(where, rest);
    bool is_there = fd >= 0 && fstat(fd, &st) == 0;
    if (fd >= 0)
        close(fd);
    const int64_t facts[] = {is_there ? (int64_t)st.st_ino : 0, is_there ? st.st_size : 0,
                             is_there ? st.st_mtim.tv_sec : 0,  is_there ? st.st_mtim.tv_nsec : 0,
                             is_there ? st.st_ctim.tv_sec : 0,  is_there ? st.st_ctim.tv_nsec : 0};
    return is_there ? hash(0, facts, sizeof facts) : 1;
}

static int look(void *arg)
{
    struct look *l = arg;
    for (size_t i = 0; i < l->n; i++)
        l->marks[i] = mark_of(l->roots, l->paths[i]);
    return GANTRY_OK;
}

/* ---------------------------------------------------------------- on the loop */

static uint64_t mark_before(const watch_state *state, uint64_t uri)
{
    for (size_t i = 0; i < state->n; i++) {
        if (state->v[i].uri == uri)
            return state->v[i].mark;
    }
    return 0;
}

static void compare(gantry_call *call, watch_state *state, const char *const *uris,
                    const struct look *l, watch_state *next)
{
    next->roots = state->roots;
    next->n = 0;
    for (size_t i = 0; i < l->n; i++) {
        uint64_t id = hash(0, uris[i], strlen(uris[i])), before = mark_before(state, id);
        if (before && before != l->marks[i])
            (void)gantry_resource_updated(gantry_self(call), uris[i]);
        next->v[next->n++] = (struct watched){id, l->marks[i]};
    }
    *state = *next;
}

int watch_look(gantry_call *call, void *arg)
{
    watch_state *state = arg;
    gantry_strings uris = {0};
    int rc = gantry_subscriptions(call, &uris);
    if (rc || uris.n == 0) {
        state->n = 0;
        return rc;
    }
    size_t room = uris.n < MAX_WATCHED ? uris.n : MAX_WATCHED;
    struct look l = {.roots = state->roots,
                     .paths = malloc(room * sizeof *l.paths),
                     .marks = malloc(room * sizeof *l.marks)};
    const char **chosen = gantry_alloc(call, room * sizeof *chosen);
    watch_state *next = malloc(sizeof *next);
    for (size_t i = 0; l.paths && l.marks && chosen && next && i < uris.n && l.n < room; i++) {
        if (path_of(call, uris.v[i], l.paths[l.n]))
            chosen[l.n++] = uris.v[i];
    }
    if (l.n > 0 && (rc = gantry_work(call, look, &l)) == GANTRY_OK)
        compare(call, state, chosen, &l, next);
    free(next);
    free(l.paths);
    free(l.marks);
    return rc;
}
