/* skills.c - serves a folder of Agent Skills (extension io.modelcontextprotocol/skills).
 *
 * It looks at the folder at start and every now and then, and hands what has come, changed or gone
 * to the host, which makes resources, digests and lists of it.
 *
 *     plugins:
 *       - plugin: skills
 *         settings: { root: /srv/skills }
 */
#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---------------------------------------------------------------- settings and state */

typedef struct {
    const char *root;
    int64_t interval;
} skills_settings;

static const gantry_arg skills_settings_args[] = {
    GANTRY_ARG(skills_settings, root,
               "The folder: each directory below it with a SKILL.md is a skill", .pattern = "^/"),
    GANTRY_ARG(skills_settings, interval, "How often it is looked for changes, milliseconds",
               .range = {100, 3600000}, .default_json = "2000"),
    GANTRY_ARGS_END,
};

/* Of the loop, but for what a worker is given. */
typedef struct {
    int root;
    found_skills known; /* as they were served, or refused, last */
    size_t left_out;
} state;

/* ---------------------------------------------------------------- looking for changes */

/* One look, and one skill, for a worker thread. */
struct look {
    int root;
    found_skills *found;
    int error;
};

static int look(void *arg)
{
    struct look *l = arg;
    l->error = folder_look(l->root, l->found);
    return GANTRY_OK;
}

struct reading {
    int root;
    const char *path;
    skill_contents *contents;
    const char *problem;
};

static int read_skill(void *arg)
{
    struct reading *r = arg;
    r->problem = folder_read(r->root, r->path, r->contents);
    return GANTRY_OK;
}

static const found_skill *find(const found_skills *skills, const char *path)
{
    for (size_t i = 0; i < skills->n; i++) {
        if (strcmp(skills->v[i].path, path) == 0)
            return &skills->v[i];
    }
    return NULL;
}

/* What cannot be served is in the log; what was served before stays then. */
static int serve(gantry_call *call, gantry_plugin *plugin, int root, const char *path)
{
    struct reading r = {.root = root, .path = path, .contents = malloc(sizeof *r.contents)};
    if (!r.contents)
        return GANTRY_ETOOBIG;
    int rc = gantry_work(call, read_skill, &r);
    if (rc == GANTRY_OK && r.problem) {
        gantry_plugin_log(plugin, GANTRY_ERROR, "skill %s: %s", path, r.problem);
    } else if (rc == GANTRY_OK) {
        gantry_skill skill = {.size = sizeof skill,
                              .file_size = sizeof(gantry_skill_file),
                              .path = path,
                              .files = r.contents->files};
        if (gantry_set_skill(plugin, &skill) == GANTRY_OK)
            gantry_plugin_log(plugin, GANTRY_INFO, "skill %s: %zu files", path, r.contents->n);
    }
    folder_release(r.contents);
    free(r.contents);
    return rc;
}

static void tell_left_out(gantry_plugin *plugin, state *s, size_t left_out)
{
    if (left_out > 0 && left_out != s->left_out)
        gantry_plugin_log(plugin, GANTRY_WARNING,
                          "%zu directories are left out: at most %d skills, %d levels", left_out,
                          MAX_SKILLS, MAX_DEPTH);
    s->left_out = left_out;
}

/* From what is served to what was found, which is taken over. */
static int update(gantry_call *call, gantry_plugin *plugin, state *s, found_skills *found)
{
    int rc = GANTRY_OK;
    for (size_t i = 0; i < s->known.n; i++) {
        if (!find(found, s->known.v[i].path) &&
            gantry_remove_skill(plugin, s->known.v[i].path) == GANTRY_OK)
            gantry_plugin_log(plugin, GANTRY_INFO, "skill %s has gone", s->known.v[i].path);
    }
    for (size_t i = 0; rc == GANTRY_OK && i < found->n; i++) {
        const found_skill *before = find(&s->known, found->v[i].path);
        if (!before || before->mark != found->v[i].mark)
            rc = serve(call, plugin, s->root, found->v[i].path);
    }
    if (rc) { /* cancelled: the next look does it all again */
        folder_forget(found);
        return rc;
    }
    tell_left_out(plugin, s, found->left_out);
    folder_forget(&s->known);
    s->known = *found;
    return GANTRY_OK;
}

static int look_and_update(gantry_call *call, gantry_plugin *plugin, state *s)
{
    found_skills *found = calloc(1, sizeof *found);
    if (!found)
        return GANTRY_ETOOBIG;
    struct look l = {.root = s->root, .found = found};
    int rc = gantry_work(call, look, &l);
    if (rc == GANTRY_OK && l.error == 0)
        rc = update(call, plugin, s, found);
    free(found);
    return rc;
}

static int watch(gantry_call *call, void *arg)
{
    return look_and_update(call, gantry_self(call), arg);
}

/* ---------------------------------------------------------------- the plugin */

static void close_state(state *s)
{
    folder_forget(&s->known);
    if (s->root >= 0)
        close(s->root);
    free(s);
}

static int start(gantry_call *call, gantry_plugin *plugin)
{
    const skills_settings *settings = gantry_settings(plugin);
    state *s = calloc(1, sizeof *s);
    if (!s)
        return GANTRY_ETOOBIG;
    s->root = open(settings->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = s->root < 0 ? gantry_fail(call, "root: %s: %s", settings->root, strerror(errno))
                         : look_and_update(call, plugin, s);
    if (rc == GANTRY_OK &&
        !gantry_every(plugin, (uint32_t)settings->interval, GANTRY_BACKGROUND("watch", watch, s)))
        rc = GANTRY_EBUSY;
    if (rc) {
        close_state(s);
        return rc;
    }
    gantry_set_state(plugin, s);
    return GANTRY_OK;
}

static void stop(gantry_plugin *plugin)
{
    close_state(gantry_state(plugin));
}

GANTRY_PLUGIN("skills", "1.0.0", .description = "Serves a folder of Agent Skills",
              GANTRY_SETTINGS(skills_settings, skills_settings_args), .start = start, .stop = stop,
              GANTRY_EXTENSIONS(GANTRY_EXTENSION("io.modelcontextprotocol/skills",
                                                 "{\"directoryRead\":true}")));
