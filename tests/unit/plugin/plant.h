/* plant.h - the plugin floor of a host: a real loop, a folder of its own, test plugins to put into
 * it. */
#ifndef GN_TESTS_PLUGIN_PLANT_H
#define GN_TESTS_PLUGIN_PLANT_H

#include "plugin/manager.h"
#include "support.h"
#include "util/clock.h"

struct plant {
    uv_loop_t uv;
    uv_timer_t tick;
    struct gn_loop *loop;
    struct gn_log log;
    uv_mutex_t log_lock;
    struct gn_buf lines; /* "error plugin x: text\n" of level notice and above */
    struct gn_call_env env;
    struct gn_registry *registry;
    struct gn_config *config;
    struct gn_plugins *plugins;
    const char *dir, *self_exe;
    bool ready;
    uint32_t loads, failed_loads, changes; /* as told by events */
};

/* Sets up all but the manager; the test may change config. */
void plant_open(struct plant *p);
void plant_start(struct plant *p);                  /* and waits until it is ready */
void plant_stop(struct plant *p, uint32_t wait_ms); /* the manager only */
void plant_close(struct plant *p);

/* Waits until the condition holds; the deadline is far beyond what anything here takes. */
#define UNTIL(p, condition)                                                                        \
    do {                                                                                           \
        uint64_t end_ = gn_clock_ms() + 60000;                                                     \
        while (!(condition)) {                                                                     \
            cr_assert(gn_clock_ms() < end_, "never: %s\nlog:\n%s", #condition, plant_log(p));      \
            plant_turn(p);                                                                         \
        }                                                                                          \
    } while (0)
void plant_turn(struct plant *p);

/* The test plugin `build` ("swap1") becomes name.so of the folder, by renaming. */
void plant_put(struct plant *p, const char *build, const char *name);
void plant_remove(struct plant *p, const char *name);
/* Path of a test plugin as built; path of a file of the folder. Valid until the next but one call.
 */
const char *plant_built(const char *build);
const char *plant_file(const struct plant *p, const char *name);
/* Runs a shell command in the folder. */
void plant_shell(const struct plant *p, const char *fmt, ...) GN_PRINTF(2, 3);

/* One more instance in the configuration; settings is JSON or NULL. */
void plant_configure(struct plant *p, const char *plugin, const char *name, const char *settings);

/* A call under way. */
struct plant_call {
    struct gn_call *call;
    bool finished;
    enum gn_outcome outcome;
    char text[256]; /* of its result or failure */
};
void plant_begin(struct plant *p, struct plant_call *c, const char *tool, const char *arguments);
void plant_end(struct plant *p,
               struct plant_call *c); /* waits until the handler has returned too */
/* Calls and returns the text; "(no such tool)" if there is none. Valid until the next. */
const char *plant_ask(struct plant *p, const char *tool, const char *arguments);
bool plant_has(const struct plant *p, const char *tool);

/* How many status lines are in this state ("live") for the instance (NULL: any); reason of one. */
uint32_t plant_count(struct plant *p, const char *instance, const char *state);
const char *plant_reason(struct plant *p, const char *instance, const char *state);
uint32_t plant_generation(struct plant *p, const char *instance); /* the live one; 0: none */
/* How often the text is in the log. */
uint32_t plant_logged(struct plant *p, const char *text);
const char *plant_log(struct plant *p); /* all of it; valid until the next call */

#endif
