/* instance.h - the inside of the manager: what its files share.
 *
 *     manager.c   what there should be: configuration and folders against what there is
 *     load.c      one load: copy, try out, map, import, start
 *     handover.c  from the old generation to the new one: hold calls, save, restore, commit
 *     retire.c    generations that are on their way out
 *
 * A generation has a record from its making until it is unmapped. An instance points at its live
 * generation and at the load under way, if any; a load is at one phase and waits for one thing.
 * All of it lives on the loop; only copying runs elsewhere, on data of its own.
 */
#ifndef GN_PLUGIN_INSTANCE_H
#define GN_PLUGIN_INSTANCE_H

#include "plugin/manager.h"
#include "plugin/module.h"
#include "plugin/probe.h"
#include "plugin/start.h"
#include "plugin/state.h"
#include "plugin/watch.h"
#include "util/map.h"

#define GN_INSTANCES_MAX 1000

struct gn_plugins {
    struct gn_call_env *env;
    struct gn_registry *registry;
    const struct gn_config *config;
    struct gn_plugins_events events;
    struct gn_state *state;
    struct gn_watch *watch;
    struct gn_probe *probe;
    struct gn_list instances; /* in the order they were found */
    size_t instance_count;
    struct gn_list records;   /* generations that are not unmapped yet, newest last */
    struct gn_list residents; /* generations that are gone, but not out of memory */
    size_t resident_count;
    struct gn_map numbers; /* instance name -> last generation number: file names are used once */
    struct gn_map told;    /* notices given once */
    uint64_t epoch;        /* counts events, so that one event loads an instance once */

    /* the start: all copies first, so that one child can try all */
    bool starting;
    uint32_t copying, initial;
    void (*on_ready)(void *arg);
    void *ready_arg;
    struct gn_post ready_post;

    /* the end */
    bool closing, watch_closed, probe_closed, finished;
    uint32_t works; /* copies on worker threads */
    struct gn_timer close_timer;
    struct gn_post closed_post;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

struct gn_instance {
    struct gn_list node;
    struct gn_plugins *plugins;
    char *name;
    char *file; /* absolute; NULL: listed, but there is no such file */
    json_t *settings;
    char *settings_text;
    bool keep_loaded, is_wanted;
    struct gn_generation *live; /* one reference */
    struct gn_load *load;
    bool again; /* what is loading is out of date already */

    /* why the last load failed */
    char *failure; /* NULL: it did not */
    uint32_t failed_number;
    bool has_failed_hash, is_conflict;
    struct gn_hash failed_hash;

    struct gn_list held; /* calls that wait for a handover */
    size_t held_count;
};

enum gn_load_phase {
    GN_LOAD_COPY = 1, /* on a worker thread */
    GN_LOAD_RETRY,    /* the file was still being written: a moment later again */
    GN_LOAD_WAIT,     /* for the other copies of the start */
    GN_LOAD_PROBE,
    GN_LOAD_START,
    GN_LOAD_GATE, /* for the old generation's calls to end */
};

struct gn_load {
    struct gn_instance *instance; /* NULL: abandoned while its copy was made */
    struct gn_plugins *plugins;
    enum gn_load_phase phase;
    uint64_t epoch, began_ms;
    uint32_t number, attempts;
    bool is_initial, is_counted; /* counts as copying */

    uv_work_t work;
    atomic_bool cancel;
    struct gn_copy copy;
    char *source, *name, *settings, speaks[32]; /* what copy points at */
    struct gn_hash live_hash;
    int rc;
    struct gn_error err;

    struct gn_probe_job *job;
    bool leaves_keys;
    struct gn_generation *g; /* one reference */
    struct gn_start *start;

    /* handover */
    struct gn_timer timer; /* of RETRY and GATE */
    bool is_exclusive, old_is_stopped, is_revival, has_cancelled;
    uint64_t gate_until_ms;
    bool has_saved;
    struct gn_buf saved;
};

/* One generation, until it is unmapped. generation->manager_data. */
struct gn_record {
    struct gn_list node;
    struct gn_plugins *plugins;
    struct gn_instance *instance; /* NULL once retired */
    struct gn_generation *g;
    char *path; /* of the original */
    json_t *settings;
    char *reason; /* why it stays although it is retired: calls that do not end */
    struct gn_timer timer;
    struct gn_post post;
    uint64_t retired_ms;
    bool has_cancelled;
};

struct gn_resident {
    struct gn_list node;
    char *instance, *name, *version, *path;
    const char *reason;
    uint32_t number;
};

/* ---- load.c */
/* Begins a load, or notes that the one under way must be followed by another. */
void gn_load_begin(struct gn_instance *inst);
void gn_load_abandon(struct gn_load *load);
/* The load is over; err NULL: it serves (or, for a file that did not change, still does). Frees
 * load. */
void gn_load_end(struct gn_load *load, const struct gn_error *err);
/* Says why, once for each content, and ends the load. */
void gn_load_fail(struct gn_load *load, const struct gn_error *err);
/* Starts load->g; goes on with the handover. */
void gn_load_start(struct gn_load *load);
/* All copies of the start are there: goes on with those that waited. */
void gn_load_release_waiting(struct gn_plugins *p);
/* Imports and binds into a new generation with one reference. NULL: err says why. Takes the module,
 * also when it fails. */
struct gn_generation *gn_load_import(struct gn_instance *inst, uint32_t number,
                                     struct gn_module *module, json_t *settings,
                                     struct gn_error *err);
void gn_load_log(const struct gn_instance *inst, enum gn_level level, const char *fmt, ...)
    GN_PRINTF(3, 4);

/* ---- handover.c */
/* Imported, not started: checks names, stops the old generation first if one must, then starts. */
void gn_handover_stage(struct gn_load *load);
/* Started (err NULL) or not. */
void gn_handover_started(struct gn_load *load, const struct gn_error *err);
/* The load is abandoned: lets held calls go. */
void gn_handover_abort(struct gn_load *load);
/* Takes the live generation's components out of the registry and retires it. */
void gn_handover_unload(struct gn_instance *inst);

/* ---- retire.c */
struct gn_record *gn_record_new(struct gn_instance *inst, struct gn_generation *g,
                                json_t *settings);
static inline struct gn_record *gn_record_of(const struct gn_generation *g)
{
    return g->manager_data;
}
/* Drops the manager's reference. When nobody uses the generation any more it is stopped and
 * unmapped; its calls are cancelled after the drain time. */
void gn_record_retire(struct gn_generation *g);
/* How many calls run code of g; names (may be NULL) gets some of them. */
uint32_t gn_record_calls(const struct gn_generation *g, struct gn_buf *names);
/* All of them, those included that it is only around. */
void gn_record_cancel_calls(const struct gn_generation *g);
/* The host ends: what is left is left alone. */
void gn_record_orphan_all(struct gn_plugins *p);
void gn_resident_free_all(struct gn_plugins *p);

/* ---- manager.c */
/* Generation numbers: peek gives what the next call of next will give. */
uint32_t gn_plugins_peek_number(const struct gn_plugins *p, const char *instance);
uint32_t gn_plugins_next_number(struct gn_plugins *p, const char *instance);
void gn_plugins_changed(struct gn_plugins *p, uint32_t kinds);
/* Names have become free: what failed for want of them is tried again. */
void gn_plugins_retry_conflicts(struct gn_plugins *p);
void gn_plugins_initial_over(struct gn_plugins *p); /* one of the first loads has ended */
void gn_plugins_check_closed(struct gn_plugins *p);

#endif
