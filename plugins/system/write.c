/* write.c - see write.h. */
#include "write.h"

#include <string.h>
#include <time.h>

#define INTEGER "{\"type\":\"integer\"}"
#define NUMBER "{\"type\":\"number\"}"
#define STRING "{\"type\":\"string\"}"
#define LOAD_NUMBERS "\"1m\":" NUMBER ",\"5m\":" NUMBER ",\"15m\":" NUMBER

const char schema_load[] =
    "{\"type\":\"object\",\"properties\":{\"load\":{\"type\":\"object\",\"properties\":{" LOAD_NUMBERS
    "},\"required\":[\"1m\",\"5m\",\"15m\"]},\"cpus\":" INTEGER ",\"running\":" INTEGER
    ",\"threads\":" INTEGER ",\"uptime_s\":" INTEGER
    "},\"required\":[\"load\",\"cpus\",\"running\",\"threads\",\"uptime_s\"]}";

const char schema_memory[] =
    "{\"type\":\"object\",\"description\":\"Bytes\",\"properties\":{\"total\":" INTEGER
    ",\"used\":" INTEGER ",\"available\":" INTEGER ",\"free\":" INTEGER ",\"buffers\":" INTEGER
    ",\"cached\":" INTEGER ",\"swap_total\":" INTEGER ",\"swap_used\":" INTEGER
    "},\"required\":[\"total\",\"used\",\"available\",\"free\",\"swap_total\",\"swap_used\"]}";

const char schema_disks[] =
    "{\"type\":\"object\",\"properties\":{\"disks\":{\"type\":\"array\",\"items\":{\"type\":"
    "\"object\",\"properties\":{\"mount\":" STRING ",\"device\":" STRING ",\"type\":" STRING
    ",\"total\":" INTEGER ",\"used\":" INTEGER ",\"available\":" INTEGER
    ",\"read_only\":{\"type\":\"boolean\"}},\"required\":[\"mount\",\"device\",\"type\",\"total\","
    "\"used\",\"available\",\"read_only\"]}}},\"required\":[\"disks\"]}";

const char schema_processes[] =
    "{\"type\":\"object\",\"properties\":{\"processes\":{\"type\":\"array\",\"items\":{\"type\":"
    "\"object\",\"properties\":{\"pid\":" INTEGER ",\"parent\":" INTEGER ",\"uid\":" INTEGER
    ",\"name\":" STRING ",\"state\":" STRING ",\"threads\":" INTEGER ",\"memory\":" INTEGER
    ",\"cpu_s\":" NUMBER
    ",\"started\":{\"type\":\"string\",\"format\":\"date-time\"},\"command\":" STRING
    "},\"required\":[\"pid\",\"parent\",\"uid\",\"name\",\"state\",\"threads\",\"memory\","
    "\"cpu_s\",\"started\"]}},\"total\":" INTEGER "},\"required\":[\"processes\",\"total\"]}";

const gantry_json *write_load(gantry_call *call, const load_info *load)
{
    gantry_builder *b = gantry_builder_new(call);
    gantry_put_object(b, NULL);
    gantry_put_object(b, "load");
    gantry_put_num(b, "1m", load->minutes1);
    gantry_put_num(b, "5m", load->minutes5);
    gantry_put_num(b, "15m", load->minutes15);
    gantry_put_close(b);
    gantry_put_int(b, "cpus", load->cpus);
    gantry_put_int(b, "running", load->running);
    gantry_put_int(b, "threads", load->processes);
    gantry_put_int(b, "uptime_s", load->uptime_s);
    gantry_put_close(b);
    return gantry_builder_end(b);
}

const gantry_json *write_memory(gantry_call *call, const memory_info *m)
{
    return gantry_object(call,
                         GANTRY_FIELDS("total", m->total, "used", m->total - m->available,
                                       "available", m->available, "free", m->free, "buffers",
                                       m->buffers, "cached", m->cached, "swap_total", m->swap_total,
                                       "swap_used", m->swap_total - m->swap_free));
}

const gantry_json *write_disks(gantry_call *call, const disk_list *disks)
{
    gantry_builder *b = gantry_builder_new(call);
    gantry_put_object(b, NULL);
    gantry_put_array(b, "disks");
    for (size_t i = 0; i < disks->n; i++) {
        const disk_info *d = &disks->v[i];
        gantry_put_object(b, NULL);
        gantry_put_string(b, "mount", d->mount);
        gantry_put_string(b, "device", d->device);
        gantry_put_string(b, "type", d->type);
        gantry_put_int(b, "total", d->total);
        gantry_put_int(b, "used", d->used);
        gantry_put_int(b, "available", d->available);
        gantry_put_bool(b, "read_only", d->read_only != 0);
        gantry_put_close(b);
    }
    gantry_put_close(b);
    gantry_put_close(b);
    return gantry_builder_end(b);
}

static void put_process(gantry_builder *b, const process_info *p)
{
    char started[32] = "", state[2] = {p->state, '\0'};
    time_t when = (time_t)p->started;
    struct tm tm;
    if (gmtime_r(&when, &tm))
        strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", &tm);
    gantry_put_object(b, NULL);
    gantry_put_int(b, "pid", p->pid);
    gantry_put_int(b, "parent", p->parent);
    gantry_put_int(b, "uid", p->uid);
    gantry_put_string(b, "name", p->name);
    gantry_put_string(b, "state", state);
    gantry_put_int(b, "threads", p->threads);
    gantry_put_int(b, "memory", p->memory);
    gantry_put_num(b, "cpu_s", p->cpu_s);
    gantry_put_string(b, "started", started);
    if (p->command[0])
        gantry_put_string(b, "command", p->command);
    gantry_put_close(b);
}

const gantry_json *write_process(gantry_call *call, const process_info *process)
{
    gantry_builder *b = gantry_builder_new(call);
    put_process(b, process);
    return gantry_builder_end(b);
}

const gantry_json *write_processes(gantry_call *call, const process_info *processes, size_t n,
                                   size_t total)
{
    gantry_builder *b = gantry_builder_new(call);
    gantry_put_object(b, NULL);
    gantry_put_array(b, "processes");
    for (size_t i = 0; i < n; i++)
        put_process(b, &processes[i]);
    gantry_put_close(b);
    gantry_put_int(b, "total", (int64_t)total);
    gantry_put_close(b);
    return gantry_builder_end(b);
}
