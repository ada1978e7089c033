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
struct gn_transform;
struct gn_rules;
struct gn_call_env;
struct gantry_call;

#define GN_SNAPSHOT_MAGIC 0x5a95607u
struct gn_snapshot {
    uint32_t magic, refs;
    uint64_t version; /* counts commits */
    struct gn_snapshot_kind {
        struct gn_component **v; /* those in the list, sorted by key */
        size_t count;
        struct gn_map by_key;     /* all that can be called, the newest version of each */
        struct gn_map by_version; /* "KEY\nVERSION": all versions of those that have several */
        struct gn_map versions;   /* key: its versions, newest first, as a JSON array (char *) */
        bool varies;              /* other viewers may see another list */
        struct gn_rendering *renderings; /* lists as bytes, made when asked for (render.c) */
    } kinds[GN_KINDS];                   /* index: enum gn_kind */
    struct gn_map principals;            /* for whom alone some of its components are */
    struct gn_map by_uri; /* normalised URI to resource, where that differs from the URI */
    struct gn_component **preferred; /* the templates, best first: the first match is right */
    size_t preferred_count;
    uint8_t cursor_key[16];   /* seals cursors; the registry's, random for each process */
    struct gn_search *search; /* index of its tools, made when asked for (search_index.c) */
    void (*free_search)(struct gn_search *search); /* set together with it */
    /* how it came about (build.h) */
    struct gn_entry *entries;
    size_t entry_count;
    struct gn_map made; /* sources that are made of parents (pointers) to what was made, borrowed */
    size_t *touched;    /* for each transform: how many components it changed */
};

/* Who looks. */
struct gn_viewer {
    const char *principal;        /* NULL: nobody is known */
    const struct gn_rules *rules; /* of its session; NULL: none */
};

struct gn_registry *gn_registry_new(void);
/* Where made tools find secrets and the like when they are checked; NULL: they are not. */
void gn_registry_set_env(struct gn_registry *r, const struct gn_call_env *env);
/* All that is configured has been loaded: from now on what is named and not there is a problem. */
void gn_registry_settle(struct gn_registry *r);
/* All of it is about to be unloaded: what is not there from now on is no problem. */
void gn_registry_unsettle(struct gn_registry *r);
void gn_registry_free(struct gn_registry *r); /* snapshots that others hold live on; NULL is fine */
/* What nobody in particular sees. Borrowed: valid until the next commit. */
struct gn_snapshot *gn_registry_current(struct gn_registry *r);
/* What this viewer sees: the same one where nothing makes a difference. Borrowed: valid until the
 * loop turns. Views are kept, the least recently used one goes first. */
struct gn_snapshot *gn_registry_view(struct gn_registry *r, const struct gn_viewer *viewer);
/* The viewer of a call. */
struct gn_viewer gn_viewer_of(const struct gantry_call *call);
/* The component as its owner provides it, under the name that the owner knows; NULL. Any owner if
 * owner is NULL (the first by name of its instance). */
struct gn_component *gn_registry_source(struct gn_registry *r, const struct gn_owner *owner,
                                        enum gn_kind kind, const char *key);
/* A source as it runs: itself, or what was made of its parent; NULL: that could not be made. */
struct gn_component *gn_registry_made(struct gn_registry *r, struct gn_component *source);
/* What stands now in the place of a tool that was made for a source (gn_call_env.remade). */
struct gn_component *gn_registry_remade(struct gn_registry *r, const struct gn_component *made);
/* For plugins that call others by name: a tool as the viewer sees it, else as it is provided (or
 * made). The same for a resource, its variables in ret_vars. */
struct gn_component *gn_registry_reach(struct gn_registry *r, const struct gn_viewer *viewer,
                                       const char *name);
struct gn_component *gn_registry_reach_uri(struct gn_registry *r, const struct gn_viewer *viewer,
                                           const char *uri, struct gn_arena *arena,
                                           const gantry_json **ret_vars);
/* The URI under which clients see what the source serves as `uri`. GN_ENOENT: it is not served. */
int gn_registry_served_uri(struct gn_registry *r, const struct gn_component *source,
                           const char *uri, struct gn_buf *out);
/* Where problems go that no edit can be refused for. NULL arg is passed on. */
void gn_registry_on_problem(struct gn_registry *r,
                            void (*fn)(void *arg, enum gn_level level, const char *text),
                            void *arg);
struct gn_snapshot *gn_snapshot_ref(struct gn_snapshot *s);
void gn_snapshot_unref(struct gn_snapshot *s);

/* ---- changing: collect, then commit in one step. An edit starts from the current snapshot, so
 * there is one at a time: nothing may await between begin and commit (asserted). */
struct gn_edit;
struct gn_edit *gn_edit_begin(struct gn_registry *r);
void gn_edit_abort(struct gn_edit *e); /* NULL is fine */
/* Takes all components and transforms of this owner away (the old generation), so that the new one
 * may use the names. */
void gn_edit_remove_owner(struct gn_edit *e, const struct gn_owner *owner);
/* Takes one of them away. GN_ENOENT: it is not there. */
int gn_edit_remove(struct gn_edit *e, const struct gn_component *c);
/* Adds (a reference is taken). GN_EEXIST: the owner has one like it. */
GN_NODISCARD int gn_edit_add(struct gn_edit *e, struct gn_component *c, struct gn_error *err);
/* The transforms of this owner (NULL: the operator's, in their order) are these from now on;
 * references are taken. */
void gn_edit_transforms(struct gn_edit *e, struct gn_owner *owner, struct gn_transform *const *v,
                        size_t count);
/* What predicates go by has changed: nothing that was made by them is kept. */
void gn_edit_touch(struct gn_edit *e);
/* Builds it. GN_EEXIST: what was added ends up with the name of another: "tool greet: plugin other
 * has one of that name"; GN_EINVAL: what was added cannot be made of its parent; or a transform
 * that was added is wrong. To be called before the commit by whoever can still give up. */
GN_NODISCARD int gn_edit_check(struct gn_edit *e, struct gn_error *err);
/* Publishes and frees the edit. Returns the kinds of which some viewer's list may have changed, as
 * a bit set of 1 << kind. */
uint32_t gn_edit_commit(struct gn_edit *e);

/* ---- looking up (borrowed). */
struct gn_component *gn_snapshot_find(const struct gn_snapshot *s, enum gn_kind kind,
                                      const char *key);
/* That version of it; NULL: there is none. version NULL: the newest. */
struct gn_component *gn_snapshot_find_version(const struct gn_snapshot *s, enum gn_kind kind,
                                              const char *key, const char *version);
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
/* A number for the whole list as this view shows it: another list has another one, as far as chance
 * goes. Cheap where the list has been written before. */
uint64_t gn_snapshot_digest(struct gn_snapshot *s, enum gn_kind kind, struct gn_view view);

/* ---- for people: gantry inspect. Transforms in their order, each with what it has done; then all
 * components with where they come from, what made them, why they are not there; then problems. As a
 * JSON object into w. */
void gn_registry_describe(struct gn_registry *r, const struct gn_viewer *viewer, struct gn_jw *w);

#endif
