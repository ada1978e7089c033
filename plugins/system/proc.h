/* proc.h - what the kernel tells in /proc. Everything here blocks, for a moment: /proc is memory,
 * but reading it takes locks of the kernel. Safe on several threads at once. */
#ifndef SYSTEM_PROC_H
#define SYSTEM_PROC_H

#include <stddef.h>
#include <stdint.h>

#define NAME_BYTES 64
#define COMMAND_BYTES 1024
#define MAX_PROCESSES 32768

typedef struct {
    double minutes1, minutes5, minutes15;
    int64_t running, processes; /* threads that want to run, that there are */
    int64_t uptime_s, cpus;
} load_info;

typedef struct {
    int64_t total, available, free, buffers, cached, swap_total, swap_free; /* bytes */
} memory_info;

typedef struct {
    int64_t pid, parent, uid, threads, memory; /* memory: resident, bytes */
    double cpu_s;                              /* since it began */
    int64_t started;                           /* seconds since 1970 */
    char state;                                /* as ps shows it: R, S, D, Z, T, ... */
    char name[NAME_BYTES];
    char command[COMMAND_BYTES]; /* arguments with blanks between them; "" if not asked for */
} process_info;

/* All return 0 or -errno. */
int proc_load(load_info *ret);
int proc_memory(memory_info *ret);
/* -ENOENT: there is no such process. command: its command line, too. */
int proc_one(int64_t pid, int command, process_info *ret);
/* The ids of all, at most `max`, in *ret (malloc'ed); *ret_total: how many there are. */
int proc_pids(size_t max, int64_t **ret, size_t *ret_n, size_t *ret_total);

#endif
