/* extensions.c - extensions of MCP (SEP-2133): those that this server speaks, and those that a
 * client says it does.
 *
 * No revision before 2026-07-28 has the member in its schema, but the schemas of all leave room for
 * it, and clients of those revisions look for it there.
 */
#include "protocol/internal.h"
#include "protocol/tasks.h"
#include "util/alloc.h"

#include <string.h>

#define CLIENT_MAX ((size_t)16 << 10) /* bytes that a session keeps of a client's extensions */
#define WRITTEN_MAX ((size_t)1 << 20)
#define SKILLS "io.modelcontextprotocol/skills"

static bool has_skills(const struct gn_request *r)
{
    return gn_snapshot_has_skills(gn_request_snapshot(r)) || gn_extensions_have(r->p->env, SKILLS);
}

static bool has_tasks(const struct gn_request *r)
{
    return gn_request_is_stateless(r);
}

/* Those that the host itself speaks, wherever the components come from. */
static const struct {
    const char *name, *settings;
    bool (*is_spoken)(const struct gn_request *r);
} own[] = {
    {SKILLS, "{\"directoryRead\":true}", has_skills},
    {GN_EXTENSION_TASKS, "{}", has_tasks},
};

void gn_write_extensions(struct gn_request *r, struct gn_jw *w)
{
    json_t *all = json_object();
    for (size_t i = 0; i < GN_COUNT(own); i++) {
        if (own[i].is_spoken(r))
            json_object_set_new(all, own[i].name, json_loads(own[i].settings, 0, NULL));
    }
    gn_extensions_merge(r->p->env, all);
    char *text = json_object_size(all) ? json_dumps(all, JSON_COMPACT) : NULL;
    json_decref(all);
    if (text && strlen(text) <= WRITTEN_MAX)
        gn_jw_raw(w, "extensions", text, strlen(text));
    gn_free(text);
}

char *gn_extensions_keep(const gantry_json *capabilities)
{
    const gantry_json *extensions = gn_json_get(capabilities, "extensions");
    struct gn_buf out = GN_BUF_INIT(CLIENT_MAX);
    char *text = NULL;
    bool has_any = gn_json_type(extensions) == GN_JSON_OBJECT && gn_json_count(extensions) > 0;
    if (has_any && gn_json_write(&out, extensions) == 0)
        text = gn_buf_take(&out, NULL);
    gn_buf_release(&out);
    return text;
}
