/* transform_rig.h - for tests of tools that the host makes: a loop, a registry, components whose
 * handlers say what they got, and calls as a client makes them. */
#ifndef TESTS_UNIT_REGISTRY_TRANSFORM_RIG_H
#define TESTS_UNIT_REGISTRY_TRANSFORM_RIG_H

#include "call/call.h"
#include "registry/build.h"

struct rig {
    uv_loop_t uv;
    struct gn_loop *loop;
    struct gn_call_env env;
    struct gn_registry *registry;
    struct gn_owner owner; /* "weather" */
    struct gn_work_group group;
    struct gn_log log;
    struct gn_component *components[64];
    size_t count;
    struct gn_transform *transforms[8];
    size_t transform_count;
    int held;            /* references to the owner */
    char problems[4096]; /* what the last rig_publish was told, a line each */
    /* of the client */
    uint32_t capabilities;
    enum gn_revision revision;
    bool knows_tasks;
    int tasks; /* calls that have become tasks */
    /* of the last rig_call */
    enum gn_outcome outcome;
    int finished;
    struct gn_buf result; /* the CallToolResult */
};

void rig_open(struct rig *r);
void rig_close(struct rig *r); /* asserts that nothing is left */

/* Components; they belong to the owner, unless changed before rig_publish. */
struct gn_component *rig_add(struct rig *r, enum gn_kind kind, const char *key, gantry_run_fn run);
/* The same with a table: input of `size` bytes. */
struct gn_component *rig_add_with(struct rig *r, enum gn_kind kind, const char *key,
                                  gantry_run_fn run, const gantry_arg *args, uint32_t size);
/* A transform; the rig's. */
struct gn_transform *rig_transform(struct rig *r, enum gn_transform_type type);
/* A NULL-terminated list as transforms have them, of words with blanks between. */
char **rig_names(const char *words);
/* Components and transforms as they are now become what is served. */
void rig_publish(struct rig *r);
struct gn_snapshot *rig_view(struct rig *r);
/* Names of a kind's list, with blanks between; until the next call. */
const char *rig_listed(struct rig *r, enum gn_kind kind);

/* Calls a tool by name as a client does; the result until the next one. arguments is JSON or NULL.
 */
const char *rig_call(struct rig *r, const char *name, const char *arguments);
/* The text of the first block of content of the last result, or its failure. */
const char *rig_text(struct rig *r);
bool rig_is_error(struct rig *r);

/* Handlers: say TEXT; echo the arguments as JSON; the URI. */
int rig_say(gantry_call *call, const char *text);
int rig_hello(gantry_call *call, const void *in);
int rig_echo(gantry_call *call, const void *in);

/* The arguments of a tool that tells the weather. */
struct rig_forecast {
    const char *city;
    int64_t days;
};
extern const gantry_arg rig_forecast_args[];

#endif
