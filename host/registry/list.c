/* list.c - what clients see of components: list elements in the shape of each revision, pages,
 * cursors.
 *
 * A cursor is base64url(checksum of kind and key, then the key): the page begins after that key,
 * whether or not it is still there.
 */
#include "registry/registry.h"

#include "call/call.h"
#include "registry/cursor.h"
#include "registry/render.h"
#include "util/str.h"

#include <sodium.h>
#include <string.h>

#define TAG_BYTES crypto_shorthash_BYTES
#define KEY_MAX 8192                                   /* bytes of the key in a cursor */
#define CURSOR_MAX ((TAG_BYTES + KEY_MAX) * 4 / 3 + 4) /* characters */
#define META_MAX (1u << 20)                            /* bytes of one member of _meta */
#define NO_ARGUMENTS "{\"type\":\"object\",\"additionalProperties\":false}"

static const char *const list_names[GN_KINDS] = {
    [GN_TOOL] = "tools",
    [GN_RESOURCE] = "resources",
    [GN_TEMPLATE] = "resourceTemplates",
    [GN_PROMPT] = "prompts",
};

/* ---------------------------------------------------------------- parts of an element */

static void write_optional(struct gn_jw *w, const char *name, const char *text)
{
    if (text)
        gn_jw_str(w, name, text);
}

static int add_to_buf(const char *text, size_t len, void *out)
{
    return gn_buf_add(out, text, len) ? -1 : 0;
}

void gn_component_write_json(struct gn_jw *w, const char *name, const json_t *value)
{
    struct gn_buf text = GN_BUF_INIT(META_MAX);
    if (json_dump_callback(value, add_to_buf, &text, JSON_COMPACT | JSON_ENCODE_ANY) == 0)
        gn_jw_raw(w, name, text.data, text.len);
    gn_buf_release(&text);
}

static bool is_own_meta(const char *name)
{
    return gn_streq(name, "gantry/tags") || gn_streq(name, "gantry/version") ||
           gn_streq(name, "gantry/versions");
}

/* The author's own members, then what gantry says under its prefix. */
static void write_meta(const struct gn_component *c, enum gn_revision revision,
                       const char *versions, struct gn_jw *w)
{
    bool has_any = json_object_size(c->meta) > 0 || c->tags || c->version || versions;
    if (revision < GN_REV_2025_06_18 || !has_any)
        return;
    gn_jw_object(w, "_meta");
    const char *name;
    json_t *value;
    json_object_foreach(c->meta, name, value)
    {
        if (!is_own_meta(name))
            gn_component_write_json(w, name, value);
    }
    if (c->tags) {
        gn_jw_array(w, "gantry/tags");
        for (char **tag = c->tags; *tag; tag++)
            gn_jw_str(w, NULL, *tag);
        gn_jw_end(w);
    }
    write_optional(w, "gantry/version", c->version);
    if (versions)
        gn_jw_raw(w, "gantry/versions", versions, strlen(versions));
    gn_jw_end(w);
}

/* MCP has an array of sizes; the author writes them in one string, as HTML does. */
static void write_sizes(struct gn_jw *w, const char *sizes)
{
    gn_jw_array(w, "sizes");
    for (size_t at = strspn(sizes, " "), n; (n = strcspn(sizes + at, " ")) > 0;
         at += n, at += strspn(sizes + at, " "))
        gn_jw_strn(w, NULL, sizes + at, n);
    gn_jw_end(w);
}

static void write_icons(const struct gn_component *c, enum gn_revision revision, struct gn_jw *w)
{
    if (revision < GN_REV_2025_11_25 || c->icon_count == 0)
        return;
    gn_jw_array(w, "icons");
    for (size_t i = 0; i < c->icon_count; i++) {
        const struct gn_icon *icon = &c->icons[i];
        gn_jw_object(w, NULL);
        gn_jw_str(w, "src", icon->src);
        write_optional(w, "mimeType", icon->mime_type);
        if (icon->sizes)
            write_sizes(w, icon->sizes);
        write_optional(w, "theme", icon->theme);
        gn_jw_end(w);
    }
    gn_jw_end(w);
}

static void write_title(const struct gn_component *c, enum gn_revision revision, struct gn_jw *w)
{
    if (revision >= GN_REV_2025_06_18)
        write_optional(w, "title", c->title);
}

/* ---------------------------------------------------------------- the four kinds */

static void write_tool_annotations(const struct gn_component *c, enum gn_revision revision,
                                   struct gn_jw *w)
{
    const struct {
        const char *name;
        int8_t value;
    } hints[] = {
        {"readOnlyHint", c->read_only},
        {"destructiveHint", c->destructive},
        {"idempotentHint", c->idempotent},
        {"openWorldHint", c->open_world},
    };
    /* Before 2025-06-18 a title had no other place. */
    const char *title = revision == GN_REV_2025_03_26 ? c->title : NULL;
    bool any = title != NULL;
    for (size_t i = 0; i < GN_COUNT(hints); i++)
        any = any || hints[i].value != 0;
    if (!any || revision < GN_REV_2025_03_26)
        return;
    gn_jw_object(w, "annotations");
    write_optional(w, "title", title);
    for (size_t i = 0; i < GN_COUNT(hints); i++) {
        if (hints[i].value != 0)
            gn_jw_bool(w, hints[i].name, hints[i].value == GANTRY_YES);
    }
    gn_jw_end(w);
}

/* An output schema must be that of an object before 2026-07-28. */
static bool shows_output(const struct gn_component *c, enum gn_revision revision)
{
    if (!c->output_text || revision < GN_REV_2025_06_18)
        return false;
    if (revision >= GN_REV_2026_07_28 || !c->output_schema)
        return true;
    return gn_json_streq(gn_json_get(gn_schema_root(c->output_schema), "type"), "object");
}

static void write_tool(const struct gn_component *c, struct gn_view view, struct gn_jw *w)
{
    enum gn_revision revision = view.revision;
    const char *input = c->input_text ? c->input_text : NO_ARGUMENTS, *output = c->output_text;
    if (view.inlines && c->input_inline)
        input = c->input_inline;
    if (view.inlines && c->output_inline)
        output = c->output_inline;
    gn_jw_str(w, "name", c->name);
    write_title(c, revision, w);
    write_optional(w, "description", c->description);
    gn_jw_raw(w, "inputSchema", input, strlen(input));
    if (shows_output(c, revision))
        gn_jw_raw(w, "outputSchema", output, strlen(output));
    write_tool_annotations(c, revision, w);
}

static void write_resource(const struct gn_component *c, struct gn_view view, struct gn_jw *w)
{
    enum gn_revision revision = view.revision;
    gn_jw_str(w, c->kind == GN_RESOURCE ? "uri" : "uriTemplate", c->key);
    gn_jw_str(w, "name", c->name);
    write_title(c, revision, w);
    write_optional(w, "description", c->description);
    write_optional(w, "mimeType", c->mime_type);
    if (c->kind == GN_RESOURCE && (c->byte_size > 0 || c->digest))
        gn_jw_int(w, "size", c->byte_size);
    if (c->has_annotations)
        gn_annotations_write(&c->annotations, revision, w);
}

static void write_prompt(const struct gn_component *c, struct gn_view view, struct gn_jw *w)
{
    enum gn_revision revision = view.revision;
    gn_jw_str(w, "name", c->name);
    write_title(c, revision, w);
    write_optional(w, "description", c->description);
    if (!c->input || c->input->count == 0)
        return;
    gn_jw_array(w, "arguments");
    for (size_t i = 0; i < c->input->count; i++) {
        const struct gn_field *f = &c->input->v[i];
        gn_jw_object(w, NULL);
        gn_jw_str(w, "name", f->name);
        if (revision >= GN_REV_2025_06_18)
            write_optional(w, "title", f->title);
        write_optional(w, "description", f->description);
        gn_jw_bool(w, "required", !f->optional);
        gn_jw_end(w);
    }
    gn_jw_end(w);
}

void gn_component_write_versions(const struct gn_component *c, struct gn_view view,
                                 const char *versions, struct gn_jw *w)
{
    static void (*const writers[GN_KINDS])(const struct gn_component *, struct gn_view,
                                           struct gn_jw *) = {
        [GN_TOOL] = write_tool,
        [GN_RESOURCE] = write_resource,
        [GN_TEMPLATE] = write_resource,
        [GN_PROMPT] = write_prompt,
    };
    GN_CHECK(c, GN_COMPONENT_MAGIC);
    gn_jw_object(w, NULL);
    writers[c->kind](c, view, w);
    write_icons(c, view.revision, w);
    write_meta(c, view.revision, versions, w);
    gn_jw_end(w);
}

void gn_component_write(const struct gn_component *c, struct gn_view view, struct gn_jw *w)
{
    gn_component_write_versions(c, view, NULL, w);
}

/* ---------------------------------------------------------------- pages */

static void make_tag(const struct gn_snapshot *s, uint32_t kind, const char *key, size_t len,
                     unsigned char tag[TAG_BYTES])
{
    struct gn_buf text = GN_BUF_INIT(KEY_MAX + 1);
    gn_buf_addc(&text, (char)kind);
    gn_buf_add(&text, key, len);
    crypto_shorthash(tag, (const unsigned char *)text.data, text.len, s->cursor_key);
    gn_buf_release(&text);
}

void gn_cursor_write(const struct gn_snapshot *s, uint32_t kind, const char *key, struct gn_jw *w)
{
    unsigned char tag[TAG_BYTES];
    size_t len = strlen(key);
    struct gn_buf plain = GN_BUF_INIT(TAG_BYTES + KEY_MAX), text = GN_BUF_INIT(CURSOR_MAX);
    gn_assert(len <= KEY_MAX); /* the importers' limits are below it */
    make_tag(s, kind, key, len, tag);
    gn_buf_add(&plain, tag, sizeof tag);
    gn_buf_add(&plain, key, len);
    gn_base64url_encode(&text, plain.data, plain.len);
    gn_jw_strn(w, "nextCursor", text.data, text.len);
    gn_buf_release(&plain);
    gn_buf_release(&text);
}

int gn_cursor_read(const struct gn_snapshot *s, uint32_t kind, const char *cursor,
                   struct gn_buf *key, struct gn_error *err)
{
    unsigned char tag[TAG_BYTES];
    size_t len = strnlen(cursor, CURSOR_MAX + 1);
    struct gn_buf plain = GN_BUF_INIT(TAG_BYTES + KEY_MAX);
    int rc = len <= CURSOR_MAX ? gn_base64url_decode(&plain, cursor, len) : GN_EINVAL;
    if (!rc && plain.len <= TAG_BYTES)
        rc = GN_EINVAL;
    if (!rc) {
        make_tag(s, kind, plain.data + TAG_BYTES, plain.len - TAG_BYTES, tag);
        rc = sodium_memcmp(tag, plain.data, TAG_BYTES) == 0 ? GN_OK : GN_EINVAL;
    }
    if (!rc)
        rc = gn_buf_add(key, plain.data + TAG_BYTES, plain.len - TAG_BYTES);
    gn_buf_release(&plain);
    if (rc)
        rc = gn_error_set(err, GN_EINVAL,
                          "the cursor is not one of this server: begin again without one");
    return rc;
}

size_t gn_snapshot_index_after(const struct gn_snapshot_kind *k, const char *key)
{
    size_t low = 0, high = k->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(k->v[middle]->key, key) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int gn_snapshot_list(const struct gn_snapshot *s, enum gn_kind kind, const char *cursor,
                     size_t page_size, struct gn_view view, struct gn_jw *w, struct gn_error *err)
{
    GN_CHECK(s, GN_SNAPSHOT_MAGIC);
    const struct gn_snapshot_kind *k = &s->kinds[kind];
    size_t from = 0;
    if (cursor) {
        struct gn_buf key = GN_BUF_INIT(KEY_MAX);
        int rc = gn_cursor_read(s, kind, cursor, &key, err);
        if (!rc)
            from = gn_snapshot_index_after(k, gn_buf_str(&key));
        gn_buf_release(&key);
        if (rc)
            return rc;
    }
    size_t left = k->count - from;
    size_t count = page_size > 0 ? GN_MIN(page_size, left) : left;
    gn_jw_array(w, list_names[kind]);
    gn_snapshot_write_slice(s, kind, from, count, view, w);
    gn_jw_end(w);
    if (count < left)
        gn_cursor_write(s, kind, k->v[from + count - 1]->key, w);
    return GN_OK;
}

/* ---------------------------------------------------------------- pages of lists made over */

const char *gn_list_name(enum gn_kind kind)
{
    return list_names[kind];
}

static const char *item_key(enum gn_kind kind, const gantry_json *item)
{
    static const char *const members[GN_KINDS] = {
        [GN_TOOL] = "name",
        [GN_RESOURCE] = "uri",
        [GN_TEMPLATE] = "uriTemplate",
        [GN_PROMPT] = "name",
    };
    const char *key = gn_json_cstr(gn_json_get(item, members[kind]));
    return key ? key : "";
}

/* The last item that belongs to the pages before; NULL: none does. */
static const gantry_json *item_before(enum gn_kind kind, const gantry_json *items, const char *key)
{
    const gantry_json *before = NULL;
    for (const gantry_json *v = NULL; (v = gn_json_next(items, v)) != NULL;) {
        if (gn_streq(item_key(kind, v), key))
            return v;
    }
    for (const gantry_json *v = NULL; (v = gn_json_next(items, v)) != NULL; before = v) {
        if (strcmp(item_key(kind, v), key) > 0)
            break;
    }
    return before;
}

int gn_snapshot_page(const struct gn_snapshot *s, enum gn_kind kind, const gantry_json *items,
                     const char *cursor, size_t page_size, struct gn_jw *w, struct gn_error *err)
{
    GN_CHECK(s, GN_SNAPSHOT_MAGIC);
    const gantry_json *v = NULL, *last = NULL;
    if (cursor) {
        struct gn_buf key = GN_BUF_INIT(KEY_MAX);
        int rc = gn_cursor_read(s, kind, cursor, &key, err);
        if (!rc)
            v = item_before(kind, items, gn_buf_str(&key));
        gn_buf_release(&key);
        if (rc)
            return rc;
    }
    size_t count = 0;
    gn_jw_array(w, list_names[kind]);
    while ((v = gn_json_next(items, v)) != NULL && (page_size == 0 || count < page_size)) {
        gn_jw_json(w, NULL, v);
        last = v;
        count++;
    }
    gn_jw_end(w);
    if (v && last && strlen(item_key(kind, last)) <= KEY_MAX)
        gn_cursor_write(s, kind, item_key(kind, last), w);
    return GN_OK;
}
