/* levels.c - who wants a line: levels by name, over those of host and client. */
#include "observe/internal.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define SET_MAX 1000 /* levels set at run time */
#define KEY_MAX 512

/* Maps hold pointers that are not NULL: level + 1. */
static void *pack(int level)
{
    return (void *)(uintptr_t)(level + 1);
}

static int unpack(const void *value)
{
    return (int)(uintptr_t)value - 1;
}

/* "instance\0category"; 0: too long. */
static size_t make_key(char out[KEY_MAX], const char *instance, size_t instance_len,
                       const char *category)
{
    size_t len = category ? strlen(category) : 0;
    if (instance_len + len + 1 > KEY_MAX)
        return 0;
    memcpy(out, instance, instance_len);
    out[instance_len] = '\0';
    if (len)
        memcpy(out + instance_len + 1, category, len);
    return instance_len + 1 + len;
}

static int find_set(const struct gn_log_core *core, const char *instance, size_t len,
                    const char *category)
{
    char key[KEY_MAX];
    size_t n = make_key(key, instance, len, category);
    return n ? unpack(gn_map_findn(&core->set, key, n)) : -1;
}

/* The level that goes by a name; -1: none does. */
static int named_level(struct gn_log_core *core, const char *instance, const char *category)
{
    size_t len = instance ? strcspn(instance, "/") : 0;
    pthread_mutex_lock(&core->mutex);
    int level = -1;
    if (core->set.count && len && category)
        level = find_set(core, instance, len, category);
    if (level < 0 && core->set.count && len)
        level = find_set(core, instance, len, NULL);
    if (level < 0 && category)
        level = unpack(gn_map_find(&core->rules->levels, category));
    if (level < 0 && len)
        level = unpack(gn_map_findn(&core->rules->levels, instance, len));
    pthread_mutex_unlock(&core->mutex);
    return level;
}

bool gn_log_wants(struct gn_log *log, enum gn_level level, const char *instance,
                  const char *category, int client_level, bool *ret_client)
{
    bool client = client_level >= 0 && (int)level >= client_level;
    bool host = log && level >= __atomic_load_n(&log->level, __ATOMIC_RELAXED);
    *ret_client = client;
    if (!client && !host)
        return false;
    struct gn_log_core *core = log ? log->core : NULL;
    if (!core)
        return host;
    GN_CHECK(core, GN_LOG_CORE_MAGIC);
    client = client && __atomic_load_n(&core->client_on, __ATOMIC_RELAXED);
    int named = __atomic_load_n(&core->has_named, __ATOMIC_RELAXED)
                    ? named_level(core, instance, category)
                    : -1;
    *ret_client = client && (int)level >= named;
    return (int)level >= (named >= 0 ? named : (int)__atomic_load_n(&core->base, __ATOMIC_RELAXED));
}

static int lowest(const struct gn_map *m, int low)
{
    size_t at = 0;
    void *value;
    while (gn_map_next(m, &at, NULL, &value))
        low = GN_MIN(low, unpack(value));
    return low;
}

/* What no line below can be wanted by the host's outputs. Under the mutex. */
static void set_floor(struct gn_log_core *core)
{
    int low = lowest(&core->set, lowest(&core->rules->levels, (int)core->base));
    __atomic_store_n(&core->log->level, (enum gn_level)low, __ATOMIC_RELAXED);
    __atomic_store_n(&core->has_named, core->set.count || core->rules->levels.count,
                     __ATOMIC_RELAXED);
}

int gn_log_set_level(struct gn_log *log, const char *instance, const char *category, int level)
{
    struct gn_log_core *core = log ? log->core : NULL;
    if (!core)
        return GN_ENOTSUP;
    GN_CHECK(core, GN_LOG_CORE_MAGIC);
    char key[KEY_MAX];
    size_t n = make_key(key, instance, strlen(instance), category);
    if (!n)
        return GN_ETOOBIG;
    int rc = 0;
    pthread_mutex_lock(&core->mutex);
    if (level < 0)
        gn_map_removen(&core->set, key, n);
    else if (core->set.count < SET_MAX || gn_map_findn(&core->set, key, n))
        gn_map_putn(&core->set, key, n, pack(level));
    else
        rc = GN_ETOOBIG;
    set_floor(core);
    pthread_mutex_unlock(&core->mutex);
    return rc;
}

void gn_log_core_configure(struct gn_log_core *core, enum gn_level base, bool client_on,
                           struct gn_log_rules *rules)
{
    GN_CHECK(core, GN_LOG_CORE_MAGIC);
    pthread_mutex_lock(&core->mutex);
    struct gn_log_rules *old = core->rules;
    core->rules = rules;
    gn_map_release(&core->set, NULL);
    gn_map_init(&core->set);
    __atomic_store_n(&core->base, base, __ATOMIC_RELAXED);
    __atomic_store_n(&core->client_on, client_on, __ATOMIC_RELAXED);
    set_floor(core);
    pthread_mutex_unlock(&core->mutex);
    gn_log_rules_unref(old);
}

struct gn_log_rules *gn_log_core_rules(struct gn_log_core *core)
{
    GN_CHECK(core, GN_LOG_CORE_MAGIC);
    pthread_mutex_lock(&core->mutex);
    struct gn_log_rules *rules = gn_log_rules_ref(core->rules);
    pthread_mutex_unlock(&core->mutex);
    return rules;
}

struct gn_log_rules *gn_log_rules_of(struct gn_log *log)
{
    return log && log->core ? gn_log_core_rules(log->core) : NULL;
}

void gn_log_core_init(struct gn_log_core *core, struct gn_log *log)
{
    *core = (struct gn_log_core){.magic = GN_LOG_CORE_MAGIC, .log = log};
    pthread_mutex_init(&core->mutex, NULL);
    gn_map_init(&core->set);
}

void gn_log_core_fini(struct gn_log_core *core)
{
    GN_CHECK(core, GN_LOG_CORE_MAGIC);
    gn_log_rules_unref(core->rules);
    gn_map_release(&core->set, NULL);
    pthread_mutex_destroy(&core->mutex);
    core->magic = 0;
}
