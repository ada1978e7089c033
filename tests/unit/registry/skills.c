/* Unit tests of skills as a snapshot lists them. */
#include "registry/registry.h"

#include "support.h"
#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

GN_SUITE(skills);

static struct gn_owner owner = {.name = "one"};
static struct gn_registry *r;

/* A file of a skill; with front matter where it is a SKILL.md; a plain resource if it has no
 * digest. */
static void put(const char *uri, bool is_file)
{
    struct gn_error err = {0};
    struct gn_component *c = gn_component_new(GN_RESOURCE);
    c->key = gn_strdup(uri);
    c->name = gn_strdup(strrchr(uri, '/') + 1);
    c->owner = &owner;
    c->digest = is_file ? gn_strdup("sha256:00") : NULL;
    if (is_file && gn_ends_with(uri, "/SKILL.md"))
        c->frontmatter = json_pack("{s:s}", "name", "n");
    struct gn_edit *e = gn_edit_begin(r);
    cr_assert_eq(gn_edit_add(e, c, &err), 0, "%s", err.text);
    gn_component_unref(c);
    gn_edit_commit(e);
}

static void open_with(const char *const *uris)
{
    r = gn_registry_new();
    for (; *uris; uris++)
        put(*uris, true);
}

/* All URIs of the text, without their common beginning. */
static const char *uris_in(const struct gn_buf *text, const char *skip)
{
    static char out[4096];
    size_t n = 0;
    out[0] = '\0';
    for (const char *at = gn_buf_str((struct gn_buf *)text);
         (at = strstr(at, "\"uri\":\"")) != NULL;) {
        at += strlen("\"uri\":\"");
        size_t len = strcspn(at, "\"");
        size_t cut = strncmp(at, skip, strlen(skip)) == 0 ? strlen(skip) : 0;
        n += (size_t)snprintf(out + n, sizeof out - n, "%s%.*s", n ? " " : "", (int)(len - cut),
                              at + cut);
    }
    return out;
}

static int list(const char *uri, const char *cursor, size_t size, struct gn_buf *out)
{
    struct gn_error err = {0};
    struct gn_jw w;
    struct gn_snapshot *s = gn_registry_current(r);
    gn_buf_clear(out);
    gn_jw_init(&w, out);
    gn_jw_object(&w, NULL);
    int rc = uri ? gn_snapshot_list_directory(s, uri, cursor, size,
                                              (struct gn_view){.revision = GN_REV_LATEST}, &w, &err)
                 : gn_snapshot_list_skills(s, cursor, size, &w, &err);
    gn_jw_end(&w);
    return rc;
}

static char *cursor_in(const struct gn_buf *text)
{
    const char *at = strstr(gn_buf_str((struct gn_buf *)text), "\"nextCursor\":\"");
    at = at ? at + strlen("\"nextCursor\":\"") : NULL;
    return at ? gn_strndup(at, strcspn(at, "\"")) : NULL;
}

Test(skills, a_folder_shows_its_children_each_once_and_in_order)
{
    static const char *const uris[] = {"skill://s/SKILL.md", "skill://s/a.txt", "skill://s/a/1",
                                       "skill://s/a/2",      "skill://s/a/b/3", "skill://s/a-b/4",
                                       "skill://s%20/x",     "skill://sx/5",    NULL};
    struct gn_buf out = GN_BUF_INIT(1 << 20);
    open_with(uris);
    put("skill://s/plain", false);
    cr_assert_eq(list("skill://s", NULL, 0, &out), 0);
    cr_assert_str_eq(uris_in(&out, "skill://s/"), "SKILL.md a-b a.txt a");
    cr_assert_eq(list("skill://s/a", NULL, 0, &out), 0);
    cr_assert_str_eq(uris_in(&out, "skill://s/a/"), "1 2 b");
    static const char *const none[] = {"skill://s/a.txt",
                                       "skill://s/",
                                       "skill://s/pl",
                                       "skill://",
                                       "skill:",
                                       "skill",
                                       "",
                                       "/",
                                       "skill:/",
                                       "skill://s/a/b/3/4",
                                       NULL};
    for (size_t i = 0; none[i]; i++)
        cr_assert_eq(list(none[i], NULL, 0, &out), GN_ENOENT, "%s", none[i]);
    gn_buf_release(&out);
    gn_registry_free(r);
}

Test(skills, pages_of_a_folder_lose_nothing)
{
    static const char *const uris[] = {"skill://s/SKILL.md",
                                       "skill://s/a.txt",
                                       "skill://s/a/1",
                                       "skill://s/a/2",
                                       "skill://s/z/1",
                                       "skill://s/z/2",
                                       NULL};
    struct gn_buf out = GN_BUF_INIT(1 << 20), all = GN_BUF_INIT(4096);
    open_with(uris);
    char *cursor = NULL;
    int pages = 0;
    do {
        cr_assert_eq(list("skill://s", cursor, 1, &out), 0);
        gn_buf_addf(&all, "%s ", uris_in(&out, "skill://s/"));
        gn_free(cursor);
        cursor = cursor_in(&out);
    } while (cursor && ++pages < 10);
    cr_assert_str_eq(gn_buf_str(&all), "SKILL.md a.txt a z ");
    /* A cursor belongs to its folder, and to its list. */
    cr_assert_eq(list("skill://s", NULL, 1, &out), 0);
    cursor = cursor_in(&out);
    cr_assert_eq(list("skill://s/a", cursor, 1, &out), GN_EINVAL);
    cr_assert_eq(list(NULL, cursor, 1, &out), GN_EINVAL);
    gn_free(cursor);
    gn_buf_release(&out);
    gn_buf_release(&all);
    gn_registry_free(r);
}

Test(skills, a_skill_has_all_files_below_it_and_no_others)
{
    static const char *const uris[] = {"skill://s/SKILL.md",
                                       "skill://s/in/SKILL.md",
                                       "skill://s/in/x",
                                       "skill://s/y",
                                       "skill://s0/z",
                                       "skill://s-t/SKILL.md",
                                       NULL};
    struct gn_buf out = GN_BUF_INIT(1 << 20);
    struct gn_jw w;
    open_with(uris);
    put("skill://s/plain", false);
    gn_jw_init(&w, &out);
    gn_jw_object(&w, NULL);
    cr_assert_eq(gn_snapshot_get_skill(gn_registry_current(r), "skill://s/SKILL.md", &w), 0);
    gn_jw_end(&w);
    cr_assert_str_eq(uris_in(&out, "skill://s/"), "SKILL.md SKILL.md in/SKILL.md in/x y");
    cr_assert_eq(list(NULL, NULL, 0, &out), 0);
    cr_assert_eq(gn_snapshot_get_skill(gn_registry_current(r), "skill://s/y", &w), GN_ENOENT);
    gn_buf_release(&out);
    gn_registry_free(r);
}

Test(skills, whether_there_are_any_is_known)
{
    static const char *const none[] = {"a://s/x", "skill://s/x", "skills://s/SKILL.md", NULL};
    open_with((const char *const[]){NULL});
    cr_assert_not(gn_snapshot_has_skills(gn_registry_current(r)));
    gn_registry_free(r);
    open_with(none);
    cr_assert_not(gn_snapshot_has_skills(gn_registry_current(r)));
    put("skill://t/SKILL.md", true);
    cr_assert(gn_snapshot_has_skills(gn_registry_current(r)));
    gn_registry_free(r);
}
