/* system.c - the machine that the host runs on: load, memory, disks and processes, as tools and as
 * resources that can be subscribed to; and a long scan of a directory.
 *
 * A plugin whose handlers stay on the loop and hand what blocks to gantry_work(), piece by piece.
 * This file is what clients see; how things are found out is in the files it includes.
 *
 *     plugins:
 *       - plugin: system
 *         settings: { interval: 2000, command_lines: false, scan_root: /srv }
 */
#include "scan.h"
#include "watch.h"
#include "write.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCAN_PIECE 2000 /* entries in one step */
#define LISTED_MAX 1000

/* ---------------------------------------------------------------- settings */

typedef struct {
    int64_t interval;
    bool command_lines;
    const char *scan_root;
} system_settings;

static const gantry_arg system_settings_args[] = {
    GANTRY_ARG(system_settings, interval,
               "How often it is looked whether what somebody has subscribed to has changed, "
               "milliseconds",
               .range = {100, 3600000}, .default_json = "2000"),
    GANTRY_ARG(system_settings, command_lines,
               "Show the command lines of processes: some programs are given secrets there",
               .default_json = "false"),
    GANTRY_ARG(
        system_settings, scan_root,
        "Directory below which scan_disk may look, absolute; without it there is no scan_disk",
        .optional = 1, .pattern = "^/"),
    GANTRY_ARGS_END,
};

static const system_settings *settings_of(gantry_call *call)
{
    return gantry_settings(gantry_self(call));
}

/* ---------------------------------------------------------------- measuring */

/* The whole of a question, for a worker thread. */
struct question {
    load_info load;
    memory_info memory;
    disk_list *disks;
    process_info *processes;
    size_t process_count, process_total;
    int64_t pid;
    bool commands;
};

static int ask_load(void *arg)
{
    return proc_load(&((struct question *)arg)->load);
}

static int ask_memory(void *arg)
{
    return proc_memory(&((struct question *)arg)->memory);
}

static int ask_disks(void *arg)
{
    return disks_read(((struct question *)arg)->disks);
}

static int ask_process(void *arg)
{
    struct question *q = arg;
    return proc_one(q->pid, q->commands, q->processes);
}

static int ask_processes(void *arg)
{
    struct question *q = arg;
    int64_t *pids = NULL;
    size_t n;
    int rc = proc_pids(MAX_PROCESSES, &pids, &n, &q->process_total);
    if (rc)
        return rc;
    q->processes = calloc(n + 1, sizeof *q->processes);
    for (size_t i = 0; q->processes && i < n; i++) {
        if (proc_one(pids[i], q->commands, &q->processes[q->process_count]) == 0)
            q->process_count++;
    }
    free(pids);
    return q->processes ? 0 : -ENOMEM;
}

/* gantry_work() passes on what the function returned, and codes of its own: those are told apart by
 * what ran. */
struct step {
    int (*ask)(void *arg);
    void *arg;
    bool has_run;
    int error;
};

static int take_step(void *arg)
{
    struct step *s = arg;
    s->has_run = true;
    s->error = -s->ask(s->arg);
    return GANTRY_OK;
}

/* GANTRY_OK: *ret_error is an errno, or 0. */
static int ask(gantry_call *call, int (*fn)(void *arg), void *arg, int *ret_error)
{
    struct step s = {.ask = fn, .arg = arg};
    int rc = gantry_work(call, take_step, &s);
    *ret_error = s.error;
    return rc;
}

static int measured(gantry_call *call, int rc, int error)
{
    if (rc)
        return rc;
    return error ? gantry_fail(call, "cannot be read: %s", strerror(error)) : GANTRY_OK;
}

/* Each gives the JSON of one thing in *ret. */
static int get_load(gantry_call *call, const gantry_json **ret)
{
    struct question q = {0};
    int error, rc = ask(call, ask_load, &q, &error);
    rc = measured(call, rc, error);
    if (rc == GANTRY_OK)
        *ret = write_load(call, &q.load);
    return rc;
}

static int get_memory(gantry_call *call, const gantry_json **ret)
{
    struct question q = {0};
    int error, rc = ask(call, ask_memory, &q, &error);
    rc = measured(call, rc, error);
    if (rc == GANTRY_OK)
        *ret = write_memory(call, &q.memory);
    return rc;
}

static int get_disks(gantry_call *call, const gantry_json **ret)
{
    struct question q = {.disks = gantry_alloc(call, sizeof(disk_list))};
    if (!q.disks)
        return GANTRY_ETOOBIG;
    int error, rc = ask(call, ask_disks, &q, &error);
    rc = measured(call, rc, error);
    if (rc == GANTRY_OK)
        *ret = write_disks(call, q.disks);
    return rc;
}

/* ---------------------------------------------------------------- processes */

enum order { BY_MEMORY, BY_CPU, BY_PID, BY_NAME };

static int by_memory(const void *a, const void *b)
{
    const process_info *x = a, *y = b;
    return x->memory != y->memory ? (x->memory < y->memory ? 1 : -1) : x->pid < y->pid ? -1 : 1;
}

static int by_cpu(const void *a, const void *b)
{
    const process_info *x = a, *y = b;
    return x->cpu_s < y->cpu_s ? 1 : x->cpu_s > y->cpu_s ? -1 : x->pid < y->pid ? -1 : 1;
}

static int by_pid(const void *a, const void *b)
{
    const process_info *x = a, *y = b;
    return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static int by_name(const void *a, const void *b)
{
    const process_info *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : by_pid(a, b);
}

static int (*const orders[])(const void *a, const void *b) = {by_memory, by_cpu, by_pid, by_name};

/* Those whose name holds the text, the first `limit` of the order. */
static size_t choose(struct question *q, const char *name, enum order order, size_t limit)
{
    size_t n = 0;
    for (size_t i = 0; i < q->process_count; i++) {
        if (!name || strstr(q->processes[i].name, name))
            q->processes[n++] = q->processes[i];
    }
    qsort(q->processes, n, sizeof *q->processes, orders[order]);
    q->process_total = n;
    return n < limit ? n : limit;
}

static int get_processes(gantry_call *call, const char *name, enum order order, size_t limit,
                         const gantry_json **ret)
{
    struct question q = {.commands = settings_of(call)->command_lines};
    int error, rc = ask(call, ask_processes, &q, &error);
    rc = measured(call, rc, error);
    if (rc == GANTRY_OK) {
        size_t n = choose(&q, name, order, limit);
        *ret = write_processes(call, q.processes, n, q.process_total);
    }
    free(q.processes);
    return rc;
}

/* ---------------------------------------------------------------- tools */

static int as_result(gantry_call *call, int rc, const gantry_json *value)
{
    return rc ? rc : value ? gantry_structured_json(call, value) : GANTRY_ETOOBIG;
}

GANTRY_TOOL0(system_load, "How busy the machine is", .title = "Load", .read_only = GANTRY_YES,
             .output_schema_json = schema_load)
{
    const gantry_json *value = NULL;
    int rc = get_load(call, &value);
    return as_result(call, rc, value);
}

GANTRY_TOOL0(system_memory, "How much memory there is and how much is left, bytes",
             .title = "Memory", .read_only = GANTRY_YES, .output_schema_json = schema_memory)
{
    const gantry_json *value = NULL;
    int rc = get_memory(call, &value);
    return as_result(call, rc, value);
}

GANTRY_TOOL0(system_disks, "Mounted file systems and how full they are, bytes", .title = "Disks",
             .read_only = GANTRY_YES, .output_schema_json = schema_disks)
{
    const gantry_json *value = NULL;
    int rc = get_disks(call, &value);
    return as_result(call, rc, value);
}

typedef struct {
    const char *name, *sort;
    int64_t limit;
} system_processes_in;

static const gantry_arg system_processes_args[] = {
    GANTRY_ARG(system_processes_in, name, "Only those whose name holds this", .optional = 1,
               .length = {1, 64}),
    GANTRY_ARG(system_processes_in, sort, "Which come first",
               GANTRY_ONE_OF("memory", "cpu", "pid", "name"), .default_json = "\"memory\""),
    GANTRY_ARG(system_processes_in, limit, "How many at most", .range = {1, LISTED_MAX},
               .default_json = "20"),
    GANTRY_ARGS_END,
};

static enum order order_of(const char *sort)
{
    static const char *const names[] = {"memory", "cpu", "pid", "name"};
    enum order order = BY_MEMORY;
    while (order < BY_NAME && strcmp(names[order], sort) != 0)
        order++;
    return order;
}

GANTRY_TOOL(system_processes, system_processes_in, "The processes of the machine",
            .title = "Processes", .read_only = GANTRY_YES, .output_schema_json = schema_processes)
{
    const gantry_json *value = NULL;
    int rc = get_processes(call, in->name, order_of(in->sort), (size_t)in->limit, &value);
    return as_result(call, rc, value);
}

/* ---------------------------------------------------------------- a long scan */

typedef struct {
    const char *path;
    int64_t top;
} scan_disk_in;

static const gantry_arg scan_disk_args[] = {
    GANTRY_ARG(scan_disk_in, path, "Directory below the one that is configured; empty: all of it",
               .default_json = "\"\"", .length = {0, SCAN_PATH - 1}),
    GANTRY_ARG(scan_disk_in, top, "How many of the largest to show", .range = {1, LISTED_MAX},
               .default_json = "20"),
    GANTRY_ARGS_END,
};

typedef struct {
    const char *name;
    int64_t bytes, files;
    bool directory;
} scanned;

static const gantry_arg scanned_fields[] = {
    GANTRY_ARG(scanned, name, "What stands directly in the directory"),
    GANTRY_ARG(scanned, bytes, "What it takes on the disk, with all below it"),
    GANTRY_ARG(scanned, files, "Files in it"),
    GANTRY_ARG(scanned, directory, "It is a directory"),
    GANTRY_ARGS_END,
};

typedef struct {
    int64_t bytes, files, directories, skipped;
    GANTRY_ARRAY(scanned) largest;
    bool truncated;
} scan_disk_out;

static const gantry_arg scan_disk_fields[] = {
    GANTRY_ARG(scan_disk_out, bytes, "What all of it takes on the disk"),
    GANTRY_ARG(scan_disk_out, files, "Files and links, each name counted"),
    GANTRY_ARG(scan_disk_out, directories, "Directories"),
    GANTRY_ARG(scan_disk_out, skipped,
               "What could not be looked at, or belongs to another file system"),
    GANTRY_ARG_ARRAY(scan_disk_out, largest, scanned_fields, "Largest first"),
    GANTRY_ARG(scan_disk_out, truncated, "There is more than is shown"),
    GANTRY_ARGS_END,
};

struct scanning {
    const char *root, *path;
    scan *scan;
    int error;
};

static int begin_scan(void *arg)
{
    struct scanning *s = arg;
    s->scan = scan_begin(s->root, s->path, &s->error);
    return GANTRY_OK;
}

static int go_on_scanning(void *arg)
{
    scan_step(((struct scanning *)arg)->scan, SCAN_PIECE);
    return GANTRY_OK;
}

static int show_scan(gantry_call *call, scan *s, size_t top)
{
    scan_sort(s);
    size_t n = s->count < top ? s->count : top;
    scanned *largest = gantry_alloc(call, (n + 1) * sizeof *largest);
    if (!largest)
        return GANTRY_ETOOBIG;
    for (size_t i = 0; i < n; i++) {
        const scan_child *c = &s->children[i];
        largest[i] = (scanned){c->name, c->bytes, c->files, c->is_directory};
    }
    scan_disk_out out = {
        .bytes = s->bytes,
        .files = s->files,
        .directories = s->directories,
        .skipped = s->skipped,
        .largest = {n, largest},
        .truncated = n < s->count || s->others > 0,
    };
    return gantry_structured(call, &out);
}

/* Each piece is some milliseconds of a worker's time; between two of them the client hears how far
 * it is, and whoever has cancelled the call is heard. */
static int scan_to_the_end(gantry_call *call, struct scanning *s)
{
    int rc = GANTRY_OK;
    while (rc == GANTRY_OK && !s->scan->is_done) {
        rc = gantry_work(call, go_on_scanning, s);
        int64_t seen = s->scan->files + s->scan->directories;
        if (rc == GANTRY_OK && !s->scan->is_done)
            (void)gantry_progress(call, (double)seen, 0,
                                  gantry_format(call, "%lld files, %lld MiB",
                                                (long long)s->scan->files,
                                                (long long)(s->scan->bytes >> 20)));
    }
    return rc;
}

GANTRY_TOOL(scan_disk, scan_disk_in, "What takes room below a directory; may take minutes",
            .title = "Scan disk", GANTRY_OUTPUT(scan_disk_out, scan_disk_fields),
            .read_only = GANTRY_YES, .task = GANTRY_TASK_OPTIONAL, .timeout_ms = 3600000)
{
    struct scanning s = {.root = settings_of(call)->scan_root, .path = in->path};
    int rc = gantry_work(call, begin_scan, &s);
    if (rc)
        return rc;
    if (!s.scan)
        return gantry_fail(call, "%s: %s", in->path[0] ? in->path : "the directory",
                           s.error == EINVAL ? "not a path of names with slashes between them"
                                             : strerror(s.error));
    rc = scan_to_the_end(call, &s);
    if (rc == GANTRY_OK)
        rc = show_scan(call, s.scan, (size_t)in->top);
    scan_free(s.scan);
    return rc;
}

/* ---------------------------------------------------------------- resources */

static int as_text(gantry_call *call, int rc, const gantry_json *value)
{
    const char *text = rc == GANTRY_OK && value ? gantry_json_print(call, value) : NULL;
    if (rc)
        return rc;
    return text ? gantry_text_add(call, text, strlen(text)) : GANTRY_ETOOBIG;
}

GANTRY_RESOURCE(load, "system://load", "How busy the machine is", .mime_type = "application/json")
{
    const gantry_json *value = NULL;
    int rc = get_load(call, &value);
    return as_text(call, rc, value);
}

GANTRY_RESOURCE(memory, "system://memory", "How much memory is left",
                .mime_type = "application/json")
{
    const gantry_json *value = NULL;
    int rc = get_memory(call, &value);
    return as_text(call, rc, value);
}

GANTRY_RESOURCE(disks, "system://disks", "Mounted file systems and how full they are",
                .mime_type = "application/json")
{
    const gantry_json *value = NULL;
    int rc = get_disks(call, &value);
    return as_text(call, rc, value);
}

GANTRY_RESOURCE(processes, "system://processes", "The processes of the machine",
                .mime_type = "application/json")
{
    const gantry_json *value = NULL;
    int rc = get_processes(call, NULL, BY_PID, LISTED_MAX, &value);
    return as_text(call, rc, value);
}

typedef struct {
    int64_t pid;
} process_in;

static const gantry_arg process_args[] = {
    GANTRY_ARG(process_in, pid, "Id of the process", .range = {1, 1 << 30}),
    GANTRY_ARGS_END,
};

/* Suggests the ids that begin with what has been typed. */
static int complete_process(gantry_call *call, const char *argument, const char *value)
{
    struct question q = {.commands = false};
    int error, rc = ask(call, ask_processes, &q, &error);
    (void)argument;
    size_t n = rc == GANTRY_OK && error == 0 ? choose(&q, NULL, BY_PID, MAX_PROCESSES) : 0;
    for (size_t i = 0; i < n && rc == GANTRY_OK; i++) {
        const char *pid = gantry_format(call, "%lld", (long long)q.processes[i].pid);
        if (!pid)
            rc = GANTRY_ETOOBIG;
        else if (strncmp(pid, value, strlen(value)) == 0)
            rc = gantry_suggest(call, pid);
    }
    free(q.processes);
    return rc;
}

GANTRY_TEMPLATE(process, process_in, "system://process/{pid}", "One process",
                .complete = complete_process, .mime_type = "application/json")
{
    process_info p;
    struct question q = {
        .pid = in->pid, .processes = &p, .commands = settings_of(call)->command_lines};
    int error, rc = ask(call, ask_process, &q, &error);
    if (rc == GANTRY_OK && error == ENOENT)
        return GANTRY_ENOENT;
    rc = measured(call, rc, error);
    return as_text(call, rc, rc ? NULL : write_process(call, &p));
}

/* ---------------------------------------------------------------- the plugin */

static int start(gantry_call *call, gantry_plugin *plugin)
{
    const system_settings *settings = gantry_settings(plugin);
    (void)call;
    if (settings->scan_root) {
        int rc = gantry_add_tool(plugin, &scan_disk_tool);
        if (rc)
            return rc;
    }
    watch_state *state = calloc(1, sizeof *state);
    if (!state)
        return GANTRY_ETOOBIG;
    gantry_set_state(plugin, state);
    /* Looks at nothing while nobody has subscribed. */
    if (!gantry_every(plugin, (uint32_t)settings->interval,
                      GANTRY_BACKGROUND("watch", watch_look, state))) {
        free(state);
        return GANTRY_EBUSY;
    }
    return GANTRY_OK;
}

static void stop(gantry_plugin *plugin)
{
    free(gantry_state(plugin));
}

GANTRY_PLUGIN("system", "1.0.0", .description = "Load, memory, disks and processes of the machine",
              .tools = GANTRY_TOOLS(&system_load_tool, &system_memory_tool, &system_disks_tool,
                                    &system_processes_tool),
              .resources = GANTRY_RESOURCES(&load_resource, &memory_resource, &disks_resource,
                                            &processes_resource),
              .templates = GANTRY_TEMPLATES(&process_template),
              GANTRY_SETTINGS(system_settings, system_settings_args), .start = start, .stop = stop);
