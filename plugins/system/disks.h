/* disks.h - mounted file systems and what is left on them. Blocking: a server that does not answer
 * keeps whoever asks about its file system. */
#ifndef SYSTEM_DISKS_H
#define SYSTEM_DISKS_H

#include <stddef.h>
#include <stdint.h>

#define MAX_DISKS 256

typedef struct {
    char mount[512], device[256], type[32];
    int64_t total, used, available; /* bytes; available: to those who are not root */
    int read_only;
} disk_info;

typedef struct {
    size_t n;
    disk_info v[MAX_DISKS];
} disk_list;

/* Those that keep files on something: not the kernel's own. 0 or -errno. */
int disks_read(disk_list *ret);

#endif
