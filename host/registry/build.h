/* build.h - inside the registry: a snapshot in the making.
 *
 * A build begins with all sources, made of their parents (sources.c), lets each transform change
 * the entries (build.c), and ends with an index of what is left (index.c). What is made of a
 * component is kept (memo), so that a build after a change makes anew only what has changed, and
 * whatever is the same is the same pointer. Loop thread only.
 */
#ifndef GN_REGISTRY_BUILD_H
#define GN_REGISTRY_BUILD_H

#include "registry/registry.h"
#include "registry/transform.h"
#include "util/list.h"
#include "util/log.h"

enum gn_entry_state {
    GN_ENTRY_SERVED = 0, /* in the list, can be called */
    GN_ENTRY_UNLISTED,   /* can be called */
    GN_ENTRY_OFF,        /* a rule has switched it off */
    GN_ENTRY_WAITING,    /* a source without a parent */
    GN_ENTRY_WRONG,      /* cannot be made, or cannot be served as it is */
    GN_ENTRY_OLDER,      /* there is a newer version: found by that version only */
    GN_ENTRY_FOREIGN,    /* for another principal */
};

struct gn_entry {
    struct gn_component *c;    /* one reference */
    bool is_off;               /* disabled: not there */
    bool is_unlisted;          /* there, but in no list */
    bool is_parentless;        /* a source that could not be made: never served */
    bool is_barred;            /* could not be made over: off, whatever later rules say */
    bool is_new;               /* of this edit: names are taken by those that were there before */
    struct gn_transform *by;   /* what decided that last (a reference); NULL: nothing */
    char *why;                 /* in words, for people; NULL: nothing to say */
    enum gn_entry_state state; /* set at the end */
};

/* All sources at one moment; immutable but for the order until it is built. */
struct gn_sources {
    uint32_t refs;
    struct gn_component *
        *v; /* one reference each; sorted by kind, key, owner, version, principal */
    size_t count, cap;
    bool is_sorted;
};

/* The transforms in their order; immutable. */
struct gn_stack {
    uint32_t refs;
    size_t count;
    bool has_predicates, has_patterns;
    struct gn_map named; /* principals that rules name */
    struct gn_transform *v[];
};

struct gn_problem {
    enum gn_level level;
    bool is_conflict;
    char *text;
};

struct gn_problems_list {
    struct gn_problem *v;
    size_t count;
};

#define GN_VIEWS 64 /* of principals and sessions, kept at a time */

/* The list of one principal, or session, made when it was first asked for. */
struct gn_view_kept {
    struct gn_list node; /* in views, most recently used first */
    char *principal;
    struct gn_rules *rules; /* a reference */
    struct gn_snapshot *snapshot;
};

#define GN_REGISTRY_MAGIC 0x4e615747u
struct gn_registry {
    uint32_t magic;
    const struct gn_call_env *env; /* NULL: none */
    struct gn_sources *sources;
    struct gn_stack *stack;
    struct gn_snapshot *current;
    struct gn_list views;
    size_t view_count;
    struct gn_map memo;               /* of two pointers: what one made of the other */
    uint64_t mark;                    /* counts builds */
    struct gn_problems_list problems; /* of the current snapshot */
    bool is_settled; /* all that is configured has been loaded: what is missing is missing */
    bool is_editing;
    void (*on_problem)(void *arg, enum gn_level level, const char *text);
    void *on_problem_arg;
};

#define GN_PROBLEMS_MAX 200 /* of one build; more are not told */

struct gn_build {
    struct gn_registry *registry;
    const struct gn_stack *stack; /* the transforms of this build */
    const struct gn_viewer *viewer;
    const struct gn_map *added; /* sources that the edit adds (pointers); NULL: none */
    struct gn_entry *v;         /* by kind, key, owner at the beginning */
    size_t count, cap;
    bool varies[GN_KINDS]; /* another viewer may see other lists of this kind */
    struct gn_problems_list problems;
    size_t hints;       /* how many names that are missing were looked for nearby */
    struct gn_map made; /* source (pointer) to what was made of it, borrowed */
    size_t *touched;    /* for each transform of the stack: how many it changed */
};

/* Appends; takes the reference over. */
void gn_build_add(struct gn_build *b, struct gn_component *c);
/* What t (or, for sources that are made of a parent, the source) has made of c already, borrowed;
 * NULL: nothing yet. keep: remembers `made` (references are taken). */
struct gn_component *gn_build_recall(struct gn_build *b, const void *t,
                                     const struct gn_component *c);
void gn_build_keep(struct gn_build *b, const void *t, struct gn_component *c,
                   struct gn_component *made);
/* Says what is wrong with a component or a transform: logged once for as long as it is so, shown by
 * gantry inspect. */
void gn_build_problem(struct gn_build *b, enum gn_level level, const char *fmt, ...)
    GN_PRINTF(3, 4);
void gn_build_conflict(struct gn_build *b, const char *fmt, ...) GN_PRINTF(2, 3);
void gn_problems_list_free(struct gn_problems_list *list);

/* missing.c: what names mean nothing. True: they are to be told. */
bool gn_build_tells_missing(const struct gn_build *b);
/* There is no `what` of that name; says the nearest that is there. */
void gn_build_missing(struct gn_build *b, const struct gn_transform *t, const char *name,
                      const char *what);
/* Tells of names and plugins that t is to match or to list, if they are to be told and nothing has
 * them when it is its turn. */
void gn_build_expect(struct gn_build *b, const struct gn_transform *t);

/* sources.c: the entries of a build, sources made of their parents. */
void gn_build_sources(struct gn_build *b, struct gn_sources *sources);
struct gn_component *gn_sources_find(struct gn_sources *sources, enum gn_kind kind, const char *key,
                                     const struct gn_owner *owner);
/* The newest tool of that key that this principal may use: of any owner (NULL) or this one, and not
 * `but`. */
struct gn_component *gn_sources_find_for(struct gn_sources *sources, const char *key,
                                         const char *principal, const struct gn_owner *owner,
                                         const struct gn_component *but);
/* True if the instance of c provides one like it, perhaps another generation of it. */
bool gn_sources_have_like(struct gn_sources *sources, const struct gn_component *c);
/* A copy that can be changed, with references of its own; NULL gives an empty one. */
struct gn_sources *gn_sources_copy(const struct gn_sources *from);
void gn_sources_unref(struct gn_sources *sources);
void gn_sources_sort(struct gn_sources *sources);
/* stack.c: room for so many; adds (a reference is taken) where it belongs. */
struct gn_stack *gn_stack_new(size_t count);
void gn_stack_add(struct gn_stack *s, struct gn_transform *t);
void gn_stack_unref(struct gn_stack *s);
/* registry.c */
void gn_registry_drop_views(struct gn_registry *r);
/* build.c */
/* added: sources (pointers) of an edit, or NULL; ret_problems may be NULL. */
struct gn_snapshot *gn_build_run(struct gn_registry *r, struct gn_sources *sources,
                                 struct gn_stack *stack, const struct gn_viewer *viewer,
                                 const struct gn_map *added, struct gn_problems_list *ret_problems);
/* Forgets what was made by the builds since `mark` (of an edit that was given up), or before. */
void gn_memo_forget_since(struct gn_registry *r, uint64_t mark);
void gn_memo_forget_before(struct gn_registry *r, uint64_t mark);
/* index.c: from entries to a snapshot; takes the entries over. */
struct gn_snapshot *gn_snapshot_make(struct gn_build *b);

/* offer_*.c, search.c: what each does to the entries. Tools offered are added once each. */
void gn_offer_prompts(struct gn_build *b, struct gn_transform *t);
void gn_offer_resources(struct gn_build *b, struct gn_transform *t);
void gn_offer_search(struct gn_build *b, struct gn_transform *t);

#endif
