/* generation.h - one loaded version of one instance of a plugin. What handlers see as
 * gantry_plugin.
 *
 *     probing -> staged -> live -> draining -> stopped -> closed | resident
 *
 * A generation is held (refs) by whoever may still run its code: its place in the manager while
 * live, every call that runs one of its handlers, timers and locks it owns. When the last reference
 * goes, `stop` runs, its components and settings are freed, and the module is closed, from the
 * loop, never from inside the plugin. Loop thread only, but for the fields handlers read.
 */
#ifndef GN_PLUGIN_GENERATION_H
#define GN_PLUGIN_GENERATION_H

#include "call/call.h"
#include "registry/registry.h"

#include <pthread.h>

enum gn_generation_state {
    GN_GEN_STAGED = 1, /* imported, start not finished */
    GN_GEN_LIVE,
    GN_GEN_DRAINING,
    GN_GEN_STOPPED,
};

struct gn_module; /* the mapped file: module.h */
struct gn_plugins;

/* The host says struct gn_generation, plugins say gantry_plugin: one type. */
#define gn_generation gantry_plugin

#define GN_GENERATION_MAGIC 0x93e0a7e5u
struct gantry_plugin {
    uint32_t magic, refs;
    enum gn_generation_state state;
    uint32_t number;       /* counts the loads of this instance, from 1 */
    struct gn_owner owner; /* owner.plugin is this */
    struct gn_call_env *env;
    struct gn_module *module;
    char *instance, *name, *version; /* as configured / as the plugin calls itself */
    char *prefix;                    /* before all its names (prefix.h); NULL: none */

    /* from the descriptor */
    uint32_t flags; /* GANTRY_EXCLUSIVE, ... */
    int (*start)(gantry_call *call, gantry_plugin *plugin);
    void (*stop)(gantry_plugin *plugin);
    int (*save)(gantry_plugin *plugin, gantry_buffer *out);
    int (*restore)(gantry_plugin *plugin, const void *data, size_t n);

    struct gn_fields *settings_fields; /* NULL: takes no settings */
    void *settings;                    /* bound struct, or NULL */
    struct gn_json_doc settings_doc;   /* what its strings point into */
    struct gn_arena arena;             /* of the settings */

    struct gn_component **components; /* all it has registered; one reference each */
    size_t component_count, component_cap;
    struct gn_component **removed; /* taken back, but still in use somewhere */
    size_t removed_count;
    struct gn_middleware **middleware; /* all it has around calls; one reference each */
    size_t middleware_count;
    uint64_t middleware_made;         /* counts them, those taken back included */
    struct gn_transform **transforms; /* all it does to the lists; one reference each */
    size_t transform_count;
    uint64_t transforms_made;        /* counts them, those taken back included */
    uint32_t predicates;             /* of its transforms, that are being asked now */
    struct gn_extension *extensions; /* that its descriptor names */
    size_t extension_count;
    struct gn_list mutexes;    /* gantry_mutex made and not freed */
    struct gn_list semaphores; /* likewise */
    struct gn_list schedules;  /* gantry_schedule made and not over */
    struct gn_list spawned;    /* gn_background that waits for it to be live */
    uint32_t schedule_count;
    bool schedules_ended;   /* no schedule runs any more */
    struct gn_forms *forms; /* it has asked for (form.h); NULL: none */
    gantry_metric *metrics; /* made with gantry_metric_new, newest first */
    struct gn_work_group group;
    void *user_state;        /* gantry_set_state */
    bool started;            /* start succeeded, so stop is due */
    struct gn_error refused; /* the component that was refused last: why, for a start that fails */
    pthread_mutex_t updates_lock;
    struct gn_list updates; /* host_subscribe.c: told by the plugin's own threads, not passed on */
    uint32_t update_count;

    /* How it reaches its manager: set by it, NULL in a probe. [loop] */
    struct gn_plugins *manager;
    /* Publishes a run-time change: the component is in components already (add) or still is
     * (remove). NULL while staged: the commit publishes all. GN_EEXIST. */
    int (*publish)(gantry_plugin *g, struct gn_component *c, bool add, struct gn_error *err);
    /* The same for several at once: `drop` are in components still, `add` already. GN_EEXIST:
     * nothing has changed. */
    int (*publish_all)(gantry_plugin *g, struct gn_component *const *drop, size_t dropped,
                       struct gn_component *const *add, size_t added, struct gn_error *err);
    /* The transforms are others now, or what they go by. NULL while staged. GN_EEXIST, GN_EINVAL:
     * nothing has changed for anybody. */
    int (*publish_transforms)(gantry_plugin *g, bool is_touched, struct gn_error *err);
    /* The last reference is gone. */
    void (*on_unused)(gantry_plugin *g);
    void *manager_data;
};

struct gn_generation *gn_generation_new(struct gn_call_env *env, const char *instance,
                                        uint32_t number);
void gn_generation_ref(struct gn_generation *g);
void gn_generation_unref(struct gn_generation *g); /* at zero: on_unused(g) */
/* Frees what it holds but the module: runs stop if started, then components, settings, mutexes. */
void gn_generation_stop(struct gn_generation *g);
void gn_generation_free(struct gn_generation *g); /* stopped, module taken away */
/* host_background.c: it serves from now on, so what `start` spawned begins and schedules run; they
 * end, before `stop` at the latest, and what has not begun is dropped; their memory goes. */
void gn_generation_go_live(struct gn_generation *g);
void gn_generation_end_schedules(struct gn_generation *g);
void gn_generation_free_schedules(struct gn_generation *g);
/* Takes the reference over. */
void gn_generation_add_component(struct gn_generation *g, struct gn_component *c);
/* One of its components, borrowed; NULL if it has none of that kind and key. There may be several,
 * of other versions or for other principals: the one that was added first. */
struct gn_component *gn_generation_find(struct gn_generation *g, enum gn_kind kind,
                                        const char *key);
/* The one like c: of its kind, key, version and principal; NULL. */
struct gn_component *gn_generation_find_same(struct gn_generation *g, const struct gn_component *c);
/* Takes one of its components back: its data is freed once nobody uses it, by stop at the
 * latest. */
void gn_generation_drop_component(struct gn_generation *g, struct gn_component *c);

/* Takes the reference over, also when it refuses: GN_EEXIST, GN_ETOOBIG. Published if the
 * generation is live. The data then stays whose it was. */
GN_NODISCARD int gn_generation_add_middleware(struct gn_generation *g, struct gn_middleware *m,
                                              struct gn_error *err);
/* GN_ENOENT. Calls that it is around already keep it. */
int gn_generation_remove_middleware(struct gn_generation *g, const char *name);
/* Takes the reference over, also when it refuses: GN_EEXIST, GN_ETOOBIG, or what the registry says.
 * Published if the generation is live. The data then stays whose it was. */
GN_NODISCARD int gn_generation_add_transform(struct gn_generation *g, struct gn_transform *t,
                                             struct gn_error *err);
/* GN_ENOENT; or what the registry says: without it two components would have one name. */
GN_NODISCARD int gn_generation_remove_transform(struct gn_generation *g, const char *name,
                                                struct gn_error *err);
/* Sets or clears (NULL) owner.hold. */
void gn_generation_set_hold(struct gn_generation *g,
                            bool (*hold)(struct gn_owner *owner, gantry_call *call));
/* Puts its middlewares around the calls that begin from now on. */
void gn_generation_publish_middleware(struct gn_generation *g);
/* Tells clients of its extensions from now on; no longer. */
void gn_generation_publish_extensions(struct gn_generation *g);
void gn_generation_retract_extensions(struct gn_generation *g);
/* host_subscribe.c: what its threads have told and is not passed on yet is forgotten. */
void gn_generation_drop_updates(struct gn_generation *g);

/* host_metrics.c: lets go of its metrics; nothing of it runs any more. */
void gn_generation_free_metrics(struct gn_generation *g);

/* What `save` writes to, made by the manager: GN_BUF_INIT(GN_SAVE_BYTES). */
#define GN_SAVE_BYTES ((size_t)16 << 20)
struct gantry_buffer {
    struct gn_buf bytes;
};

#endif
