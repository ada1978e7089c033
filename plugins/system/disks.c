/* disks.c - see disks.h. */
#include "disks.h"

#include <errno.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

/* File systems that hold no files of anybody. */
static const char *const kernels_own[] = {
    "autofs", "binfmt_misc", "bpf",      "cgroup",     "cgroup2",    "configfs", "debugfs",
    "devpts", "devtmpfs",    "efivarfs", "fusectl",    "hugetlbfs",  "mqueue",   "nsfs",
    "proc",   "pstore",      "ramfs",    "rpc_pipefs", "securityfs", "sysfs",    "tracefs",
};

static bool is_of_interest(const struct mntent *m)
{
    for (size_t i = 0; i < sizeof kernels_own / sizeof kernels_own[0]; i++) {
        if (strcmp(m->mnt_type, kernels_own[i]) == 0)
            return false;
    }
    return m->mnt_dir[0] == '/';
}

static bool is_known(const disk_list *disks, const char *mount)
{
    for (size_t i = 0; i < disks->n; i++) {
        if (strcmp(disks->v[i].mount, mount) == 0)
            return true;
    }
    return false;
}

static void add(disk_list *disks, const struct mntent *m)
{
    struct statvfs s;
    if (disks->n == MAX_DISKS || !is_of_interest(m) || is_known(disks, m->mnt_dir) ||
        strlen(m->mnt_dir) >= sizeof disks->v[0].mount || statvfs(m->mnt_dir, &s) != 0 ||
        s.f_blocks == 0)
        return;
    disk_info *d = &disks->v[disks->n++];
    snprintf(d->mount, sizeof d->mount, "%s", m->mnt_dir);
    snprintf(d->device, sizeof d->device, "%s", m->mnt_fsname);
    snprintf(d->type, sizeof d->type, "%s", m->mnt_type);
    d->total = (int64_t)(s.f_blocks * s.f_frsize);
    d->used = (int64_t)((s.f_blocks - s.f_bfree) * s.f_frsize);
    d->available = (int64_t)(s.f_bavail * s.f_frsize);
    d->read_only = (s.f_flag & ST_RDONLY) != 0;
}

int disks_read(disk_list *ret)
{
    FILE *mounts = setmntent("/proc/self/mounts", "re");
    char line[4096];
    struct mntent m;
    ret->n = 0;
    if (!mounts)
        return -errno;
    while (getmntent_r(mounts, &m, line, sizeof line))
        add(ret, &m);
    endmntent(mounts);
    return 0;
}
