/* write.h - what was measured, as JSON: for tools and for resources alike. */
#ifndef SYSTEM_WRITE_H
#define SYSTEM_WRITE_H

#include "disks.h"
#include "proc.h"

#include <gantry.h>

/* NULL over the memory of the call. */
const gantry_json *write_load(gantry_call *call, const load_info *load);
const gantry_json *write_memory(gantry_call *call, const memory_info *memory);
const gantry_json *write_disks(gantry_call *call, const disk_list *disks);
const gantry_json *write_process(gantry_call *call, const process_info *process);
/* total: how many there are. */
const gantry_json *write_processes(gantry_call *call, const process_info *processes, size_t n,
                                   size_t total);

/* Their JSON Schemas. */
extern const char schema_load[], schema_memory[], schema_disks[], schema_processes[];

#endif
