/* watch.c - see watch.h. */
#include "watch.h"

#include "disks.h"
#include "proc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is measured in one go, on a worker thread. */
struct measure {
    bool load, memory, disks, processes; /* wanted */
    uint64_t load_hash, memory_hash, disks_hash, processes_hash;
    const int64_t *watched; /* processes */
    size_t watched_count;
    uint64_t *watched_hashes;
};

/* FNV-1a: nobody can gain anything by a collision but a message less. Never 0. */
static uint64_t hash_add(uint64_t hash, const void *data, size_t n)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash ? hash : 1;
}

static uint64_t hash_of(const void *data, size_t n)
{
    return hash_add(0xcbf29ce484222325u, data, n);
}

static uint64_t hash_load(void)
{
    load_info load;
    memset(&load, 0, sizeof load); /* bytes between the members */
    if (proc_load(&load))
        return 1;
    load.uptime_s = 0; /* always changes, and is no news */
    return hash_of(&load, sizeof load);
}

static uint64_t hash_memory(void)
{
    memory_info memory;
    return proc_memory(&memory) ? 1 : hash_of(&memory, sizeof memory);
}

static uint64_t hash_disks(void)
{
    disk_list *disks = calloc(1, sizeof *disks);
    uint64_t hash = disks && disks_read(disks) == 0
                        ? hash_of(disks->v, disks->n * sizeof disks->v[0])
                        : 1;
    free(disks);
    return hash;
}

/* The list of them has changed when one came or went. */
static uint64_t hash_processes(void)
{
    int64_t *pids = NULL;
    size_t n, total;
    if (proc_pids(MAX_PROCESSES, &pids, &n, &total))
        return 1;
    uint64_t hash = hash_of(pids, n * sizeof *pids);
    free(pids);
    return hash;
}

static uint64_t hash_process(int64_t pid)
{
    process_info p; /* zeroed by proc_one */
    return proc_one(pid, 0, &p) ? 1 : hash_of(&p, sizeof p);
}

static int measure(void *arg)
{
    struct measure *m = arg;
    m->load_hash = m->load ? hash_load() : 0;
    m->memory_hash = m->memory ? hash_memory() : 0;
    m->disks_hash = m->disks ? hash_disks() : 0;
    m->processes_hash = m->processes ? hash_processes() : 0;
    for (size_t i = 0; i < m->watched_count; i++)
        m->watched_hashes[i] = hash_process(m->watched[i]);
    return GANTRY_OK;
}

/* Tells of a change since the last look; the first one only takes notes. */
static void compare(gantry_plugin *plugin, const char *uri, uint64_t *last, uint64_t now)
{
    if (*last && now && *last != now)
        (void)gantry_resource_updated(plugin, uri);
    *last = now;
}

static const char *process_uri(char uri[64], int64_t pid)
{
    snprintf(uri, 64, "system://process/%lld", (long long)pid);
    return uri;
}

struct pids {
    int64_t *v;
    size_t n, total;
};

static int list_pids(void *arg)
{
    struct pids *pids = arg;
    return proc_pids(MAX_PROCESSES, &pids->v, &pids->n, &pids->total) ? GANTRY_EIO : GANTRY_OK;
}

/* Processes that somebody watches and that are not among those looked at yet. */
static int find_watched(gantry_call *call, watch_state *state)
{
    gantry_plugin *plugin = gantry_self(call);
    struct pids pids = {0};
    char uri[64];
    if (!gantry_is_subscribed(plugin, "system://process/{pid}"))
        return GANTRY_OK;
    int rc = gantry_work(call, list_pids, &pids);
    for (size_t i = 0; !rc && i < pids.n && state->pid_count < WATCHED_PIDS; i++) {
        bool is_known = false;
        for (size_t k = 0; k < state->pid_count; k++)
            is_known = is_known || state->pids[k].pid == pids.v[i];
        if (is_known || !gantry_is_subscribed(plugin, process_uri(uri, pids.v[i])))
            continue;
        state->pids[state->pid_count].pid = pids.v[i];
        state->pids[state->pid_count++].hash = 0;
    }
    free(pids.v);
    return rc;
}

/* Those that nobody watches any more, or that have ended and been told of, are let go. */
static void forget_unwatched(gantry_plugin *plugin, watch_state *state)
{
    size_t kept = 0;
    char uri[64];
    for (size_t i = 0; i < state->pid_count; i++) {
        bool has_ended = state->pids[i].hash == 1;
        if (!has_ended && gantry_is_subscribed(plugin, process_uri(uri, state->pids[i].pid)))
            state->pids[kept++] = state->pids[i];
    }
    state->pid_count = kept;
}

int watch_look(gantry_call *call, void *arg)
{
    watch_state *state = arg;
    gantry_plugin *plugin = gantry_self(call);
    int64_t watched[WATCHED_PIDS];
    uint64_t hashes[WATCHED_PIDS];
    char uri[64];
    forget_unwatched(plugin, state);
    int rc = find_watched(call, state);
    if (rc)
        return rc;
    struct measure m = {
        .load = gantry_is_subscribed(plugin, "system://load"),
        .memory = gantry_is_subscribed(plugin, "system://memory"),
        .disks = gantry_is_subscribed(plugin, "system://disks"),
        .processes = gantry_is_subscribed(plugin, "system://processes"),
        .watched = watched,
        .watched_count = state->pid_count,
        .watched_hashes = hashes,
    };
    for (size_t i = 0; i < state->pid_count; i++)
        watched[i] = state->pids[i].pid;
    if (m.load || m.memory || m.disks || m.processes || m.watched_count)
        rc = gantry_work(call, measure, &m);
    if (rc)
        return rc;
    compare(plugin, "system://load", &state->load, m.load_hash);
    compare(plugin, "system://memory", &state->memory, m.memory_hash);
    compare(plugin, "system://disks", &state->disks, m.disks_hash);
    compare(plugin, "system://processes", &state->processes, m.processes_hash);
    for (size_t i = 0; i < state->pid_count; i++)
        compare(plugin, process_uri(uri, watched[i]), &state->pids[i].hash, hashes[i]);
    return GANTRY_OK;
}
