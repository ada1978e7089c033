/* registry.h - all components, as immutable snapshots.
 *
 * A snapshot holds, for each kind, an array sorted by key (so lists are deterministic) and a map
 * from key to component. The registry points at the current one; a change builds the next one from
 * the current and an edit, and swaps the pointer: a call that looked something up keeps what it
 * found (by reference), and nobody ever sees half a change. Loop thread only.
 */
#ifndef GN_REGISTRY_REGISTRY_H
#define GN_REGISTRY_REGISTRY_H

#include "call/component.h"
#include "registry/uri_template.h"
#include "util/map.h"
#include "wire/revision.h"

struct gn_registry;

#define GN_SNAPSHOT_MAGIC 0x5a95607u
struct gn_snapshot {
    uint32_t magic, refs;
    uint64_t version; /* counts commits */
    struct gn_snapshot_kind {
        struct gn_component **v; /* sorted by key */
        size_t count;
        struct gn_map by_key;
    } kinds[GN_KINDS];    /* index: enum gn_kind */
    struct gn_map by_uri; /* normalised URI to resource, where that differs from the URI */
    struct gn_component **preferred; /* the templates, best first: the first match is right */
    uint8_t cursor_key[16];          /* seals cursors; the registry's, random for each process */
};

struct gn_registry *gn_registry_new(void);
void gn_registry_free(struct gn_registry *r); /* snapshots that others hold live on; NULL is fine */
/* Borrowed: valid until the next commit. */
struct gn_snapshot *gn_registry_current(struct gn_registry *r);
struct gn_snapshot *gn_snapshot_ref(struct gn_snapshot *s);
void gn_snapshot_unref(struct gn_snapshot *s);

/* ---- changing: collect, then commit in one step. An edit starts from the current snapshot, so
 * there is one at a time: nothing may await between begin and commit (asserted). */
struct gn_edit;
struct gn_edit *gn_edit_begin(struct gn_registry *r);
void gn_edit_abort(struct gn_edit *e); /* NULL is fine */
/* Takes all components of this owner away (the old generation), so that the new one may use the
 * names. */
void gn_edit_remove_owner(struct gn_edit *e, const struct gn_owner *owner);
/* Takes one of them away. GN_ENOENT: this owner has none of that key. */
int gn_edit_remove(struct gn_edit *e, const struct gn_owner *owner, enum gn_kind kind,
                   const char *key);
/* Adds (a reference is taken). GN_EEXIST: "tool greet: plugin other has one of that name". */
GN_NODISCARD int gn_edit_add(struct gn_edit *e, struct gn_component *c, struct gn_error *err);
/* Publishes and frees the edit. Returns the kinds whose list as a client sees it has changed, as a
 * bit set of 1 << kind. */
uint32_t gn_edit_commit(struct gn_edit *e);

/* ---- looking up (borrowed). */
struct gn_component *gn_snapshot_find(const struct gn_snapshot *s, enum gn_kind kind,
                                      const char *key);
/* The resource with this URI, else the best matching template (most literal characters, then first
 * by text) with its variables in ret_vars. NULL: none. */
struct gn_component *gn_snapshot_resolve(const struct gn_snapshot *s, const char *uri,
                                         struct gn_arena *arena, const gantry_json **ret_vars);
/* The nearest key for "did you mean"; NULL if nothing is near. */
const char *gn_snapshot_nearest(const struct gn_snapshot *s, enum gn_kind kind, const char *key);

/* ---- listing. A cursor is opaque to clients: the key after which the page begins, sealed with a
 * checksum so that a made-up one is refused; it survives changes of the list in between. */
/* To whom a component is shown. */
struct gn_view {
    enum gn_revision revision;
    bool inlines; /* schemas without `$ref` */
};
/* Writes the member `name` ("tools", ...) as an array of at most page_size components (0: all) as
 * the view shows them, and `nextCursor` if there are more, into the open object of w. cursor
 * may be NULL. GN_EINVAL: bad cursor. */
GN_NODISCARD int gn_snapshot_list(const struct gn_snapshot *s, enum gn_kind kind,
                                  const char *cursor, size_t page_size, struct gn_view view,
                                  struct gn_jw *w, struct gn_error *err);
/* The same of a list that a middleware has made over: items is an array, as the client is to see
 * it, in an order of its own. A page begins after the item the cursor names; if that has gone, at
 * the first whose key sorts after it. */
GN_NODISCARD int gn_snapshot_page(const struct gn_snapshot *s, enum gn_kind kind,
                                  const gantry_json *items, const char *cursor, size_t page_size,
                                  struct gn_jw *w, struct gn_error *err);
/* skills.c: the extension io.modelcontextprotocol/skills. A skill is a resource with front matter,
 * its files are the resources with a digest below the same folder. */
bool gn_snapshot_has_skills(const struct gn_snapshot *s);
/* Members of the result of skills/list, as above. */
GN_NODISCARD int gn_snapshot_list_skills(const struct gn_snapshot *s, const char *cursor,
                                         size_t page_size, struct gn_jw *w, struct gn_error *err);
/* The member `skill`; GN_ENOENT: there is none with that URI. */
GN_NODISCARD int gn_snapshot_get_skill(const struct gn_snapshot *s, const char *uri,
                                       struct gn_jw *w);
/* Members of the result of resources/directory/read: what stands directly below a folder of a
 * skill. GN_ENOENT: the URI is none; GN_EINVAL: bad cursor. */
GN_NODISCARD int gn_snapshot_list_directory(const struct gn_snapshot *s, const char *uri,
                                            const char *cursor, size_t page_size,
                                            struct gn_view view, struct gn_jw *w,
                                            struct gn_error *err);
const char *gn_list_name(enum gn_kind kind); /* "tools", ... */
/* One component as an element of its list. */
void gn_component_write(const struct gn_component *c, struct gn_view view, struct gn_jw *w);

#endif
