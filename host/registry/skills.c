/* skills.c - skills/list, skills/get and resources/directory/read, made of the resources that a
 * snapshot has.
 *
 * Keys are sorted, so what stands below a folder stands together. A skill within a skill is listed
 * for itself and is, with all its files, part of the outer one.
 */
#include "registry/cursor.h"
#include "schema/chars.h"
#include "util/str.h"

#include <string.h>

#define MANIFEST "SKILL.md"
#define DIRECTORY "inode/directory"
#define URI_MAX 8192

bool gn_snapshot_has_skills(const struct gn_snapshot *s)
{
    const struct gn_snapshot_kind *k = &s->kinds[GN_RESOURCE];
    for (size_t i = gn_snapshot_index_after(k, "skill:"); i < k->count; i++) {
        if (!gn_starts_with(k->v[i]->key, "skill:"))
            return false;
        if (k->v[i]->frontmatter)
            return true;
    }
    return false;
}

/* One entry of the list. */
static void write_skill(const struct gn_snapshot_kind *k, const struct gn_component *skill,
                        const char *name, struct gn_jw *w)
{
    size_t n = strlen(skill->key) - strlen(MANIFEST); /* of its folder, with the slash */
    struct gn_buf root = GN_BUF_INIT(URI_MAX);
    gn_buf_add(&root, skill->key, n);
    gn_jw_object(w, name);
    gn_jw_str(w, "uri", skill->key);
    gn_component_write_json(w, "frontmatter", skill->frontmatter);
    gn_jw_array(w, "resources");
    for (size_t i = gn_snapshot_index_after(k, gn_buf_str(&root));
         i < k->count && strncmp(k->v[i]->key, skill->key, n) == 0; i++) {
        const struct gn_component *c = k->v[i];
        if (!c->digest)
            continue; /* a resource that only looks as if */
        gn_jw_object(w, NULL);
        gn_jw_str(w, "uri", c->key);
        gn_jw_str(w, "digest", c->digest);
        gn_jw_int(w, "size", c->byte_size);
        gn_jw_end(w);
    }
    gn_jw_end(w);
    gn_jw_end(w);
    gn_buf_release(&root);
}

/* Where the page begins: the key it comes after, in `key`; "" at the start. */
static int read_start(const struct gn_snapshot *s, uint32_t kind, const char *cursor,
                      struct gn_buf *key, struct gn_error *err)
{
    return cursor ? gn_cursor_read(s, kind, cursor, key, err) : GN_OK;
}

int gn_snapshot_list_skills(const struct gn_snapshot *s, const char *cursor, size_t page_size,
                            struct gn_jw *w, struct gn_error *err)
{
    GN_CHECK(s, GN_SNAPSHOT_MAGIC);
    const struct gn_snapshot_kind *k = &s->kinds[GN_RESOURCE];
    struct gn_buf key = GN_BUF_INIT(URI_MAX);
    int rc = read_start(s, GN_CURSOR_SKILLS, cursor, &key, err);
    if (rc) {
        gn_buf_release(&key);
        return rc;
    }
    const struct gn_component *last = NULL;
    size_t count = 0, i = gn_snapshot_index_after(k, gn_buf_str(&key));
    gn_jw_array(w, "skills");
    for (; i < k->count; i++) {
        if (!k->v[i]->frontmatter)
            continue;
        if (page_size > 0 && count == page_size)
            break;
        last = k->v[i];
        write_skill(k, last, NULL, w);
        count++;
    }
    gn_jw_end(w);
    if (i < k->count && last)
        gn_cursor_write(s, GN_CURSOR_SKILLS, last->key, w);
    gn_buf_release(&key);
    return GN_OK;
}

int gn_snapshot_get_skill(const struct gn_snapshot *s, const char *uri, struct gn_jw *w)
{
    const struct gn_component *c = gn_snapshot_find(s, GN_RESOURCE, uri);
    if (!c || !c->frontmatter)
        return GN_ENOENT;
    write_skill(&s->kinds[GN_RESOURCE], c, "skill", w);
    return GN_OK;
}

/* ---------------------------------------------------------------- folders */

/* The first component of skills whose key begins with "FOLDER/"; NULL: there is no such folder. */
static const struct gn_component *first_below(const struct gn_snapshot_kind *k, const char *folder,
                                              size_t *ret_at)
{
    size_t n = strlen(folder);
    for (size_t i = gn_snapshot_index_after(k, folder);
         i < k->count && strncmp(k->v[i]->key, folder, n) == 0; i++) {
        if (!k->v[i]->digest)
            continue;
        *ret_at = i;
        return k->v[i];
    }
    return NULL;
}

/* The last part of a URI as a person writes it; as it is, if it does not decode to text. */
static void decode_name(const char *s, size_t n, struct gn_buf *out)
{
    for (size_t i = 0; i < n; i++) {
        int high = s[i] == '%' && i + 2 < n ? gn_hex_value(s[i + 1]) : -1;
        int low = high >= 0 ? gn_hex_value(s[i + 2]) : -1;
        gn_buf_addc(out, (char)(low >= 0 ? high << 4 | low : s[i]));
        i += low >= 0 ? 2 : 0;
    }
    if (!gn_utf8_valid(out->data, out->len)) {
        gn_buf_clear(out);
        gn_buf_add(out, s, n);
    }
}

static void write_folder(const char *key, size_t n, size_t root, struct gn_jw *w)
{
    struct gn_buf name = GN_BUF_INIT(URI_MAX);
    decode_name(key + root, n - root, &name);
    gn_jw_object(w, NULL);
    gn_jw_strn(w, "uri", key, n);
    gn_jw_strn(w, "name", name.data, name.len);
    gn_jw_str(w, "mimeType", DIRECTORY);
    gn_jw_end(w);
    gn_buf_release(&name);
}

/* The children of `folder` (with a slash at its end), from index `at` on. A child that is a folder
 * is known by the first file below it. */
static void write_children(const struct gn_snapshot *s, const char *folder, size_t at,
                           const char *after, size_t page_size, struct gn_view view,
                           struct gn_jw *w)
{
    const struct gn_snapshot_kind *k = &s->kinds[GN_RESOURCE];
    size_t root = strlen(folder), count = 0;
    struct gn_buf child = GN_BUF_INIT(URI_MAX); /* the one that was written last */
    gn_buf_add(&child, after, strlen(after));
    bool is_more = false;
    gn_jw_array(w, "resources");
    for (; at < k->count && strncmp(k->v[at]->key, folder, root) == 0; at++) {
        const char *key = k->v[at]->key, *slash = strchr(key + root, '/');
        size_t n = slash ? (size_t)(slash - key) + 1 : strlen(key);
        bool is_same = child.len == n && memcmp(child.data, key, n) == 0;
        if (!k->v[at]->digest || is_same)
            continue;
        is_more = page_size > 0 && count == page_size;
        if (is_more)
            break;
        if (slash)
            write_folder(key, n - 1, root, w);
        else
            gn_component_write(k->v[at], view, w);
        gn_buf_clear(&child);
        gn_buf_add(&child, key, n);
        count++;
    }
    gn_jw_end(w);
    if (is_more)
        gn_cursor_write(s, GN_CURSOR_DIRECTORY, gn_buf_str(&child), w);
    gn_buf_release(&child);
}

int gn_snapshot_list_directory(const struct gn_snapshot *s, const char *uri, const char *cursor,
                               size_t page_size, struct gn_view view, struct gn_jw *w,
                               struct gn_error *err)
{
    GN_CHECK(s, GN_SNAPSHOT_MAGIC);
    const struct gn_snapshot_kind *k = &s->kinds[GN_RESOURCE];
    struct gn_buf folder = GN_BUF_INIT(URI_MAX), after = GN_BUF_INIT(URI_MAX);
    size_t at = 0, n = strnlen(uri, URI_MAX);
    const char *path = strstr(uri, "://");
    bool is_name = path && path[3] && n < URI_MAX && uri[n - 1] != '/';
    int rc = GN_ENOENT;
    gn_buf_add(&folder, uri, n);
    gn_buf_addc(&folder, '/');
    if (is_name && first_below(k, gn_buf_str(&folder), &at))
        rc = read_start(s, GN_CURSOR_DIRECTORY, cursor, &after, err);
    if (!rc && after.len > 0 && !gn_starts_with(gn_buf_str(&after), gn_buf_str(&folder)))
        rc = gn_error_set(err, GN_EINVAL, "the cursor is one of another folder");
    if (!rc && after.len > 0)
        at = gn_snapshot_index_after(k, gn_buf_str(&after));
    if (!rc)
        write_children(s, gn_buf_str(&folder), at, gn_buf_str(&after), page_size, view, w);
    gn_buf_release(&folder);
    gn_buf_release(&after);
    return rc;
}
