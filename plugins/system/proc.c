/* proc.c - see proc.h. */
#include "proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A small file, whole, with a NUL behind it. Bytes, or -errno. */
static ssize_t read_file(const char *path, char *buffer, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    size_t n = 0;
    ssize_t got = 0;
    while (n < size - 1 && (got = read(fd, buffer + n, size - 1 - n)) > 0)
        n += (size_t)got;
    int error = got < 0 ? errno : 0;
    close(fd);
    buffer[n] = '\0';
    return error ? -error : (ssize_t)n;
}

int proc_load(load_info *ret)
{
    char text[256];
    ssize_t n = read_file("/proc/loadavg", text, sizeof text);
    long long running = 0, processes = 0;
    if (n < 0)
        return (int)n;
    if (sscanf(text, "%lf %lf %lf %lld/%lld", &ret->minutes1, &ret->minutes5, &ret->minutes15,
               &running, &processes) != 5)
        return -EIO;
    ret->running = running;
    ret->processes = processes;
    ret->cpus = sysconf(_SC_NPROCESSORS_ONLN);
    n = read_file("/proc/uptime", text, sizeof text);
    if (n < 0)
        return (int)n;
    ret->uptime_s = strtoll(text, NULL, 10);
    return 0;
}

int proc_memory(memory_info *ret)
{
    char text[8192];
    const struct {
        const char *name;
        int64_t *to;
    } rows[] = {
        {"MemTotal", &ret->total},     {"MemAvailable", &ret->available},
        {"MemFree", &ret->free},       {"Buffers", &ret->buffers},
        {"Cached", &ret->cached},      {"SwapTotal", &ret->swap_total},
        {"SwapFree", &ret->swap_free},
    };
    memset(ret, 0, sizeof *ret);
    ssize_t n = read_file("/proc/meminfo", text, sizeof text);
    if (n < 0)
        return (int)n;
    for (const char *line = text; *line;) {
        size_t name = strcspn(line, ":\n"), rest = strcspn(line, "\n");
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            if (strlen(rows[i].name) == name && strncmp(line, rows[i].name, name) == 0)
                *rows[i].to = strtoll(line + name + 1, NULL, 10) * 1024;
        }
        line += rest + (line[rest] == '\n');
    }
    return ret->total > 0 ? 0 : -EIO;
}

/* ---------------------------------------------------------------- processes */

/* When the machine began, seconds since 1970. */
static int64_t boot_time(void)
{
    char text[65536];
    const char *at = read_file("/proc/stat", text, sizeof text) > 0 ? strstr(text, "\nbtime ")
                                                                    : NULL;
    return at ? strtoll(at + strlen("\nbtime "), NULL, 10) : 0;
}

/* "PID (NAME) STATE PARENT ...": the name may hold anything, parentheses too. */
static int read_stat(const char *text, process_info *p)
{
    const char *open = strchr(text, '('), *close = strrchr(text, ')');
    long long parent, threads, rss;
    unsigned long long user, system, started;
    if (!open || !close || close < open)
        return -EIO;
    int n = sscanf(close + 1,
                   " %c %lld %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %lld "
                   "%*d %llu %*u %lld",
                   &p->state, &parent, &user, &system, &threads, &started, &rss);
    if (n != 7)
        return -EIO;
    size_t len = (size_t)(close - open - 1);
    snprintf(p->name, sizeof p->name, "%.*s", (int)len, open + 1);
    double ticks = (double)sysconf(_SC_CLK_TCK);
    p->parent = parent;
    p->threads = threads;
    p->memory = rss * sysconf(_SC_PAGESIZE);
    p->cpu_s = (double)(user + system) / ticks;
    p->started = boot_time() + (int64_t)((double)started / ticks);
    return 0;
}

/* The arguments have a NUL behind each. */
static void read_command(int64_t pid, process_info *p)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%lld/cmdline", (long long)pid);
    ssize_t n = read_file(path, p->command, sizeof p->command);
    while (n > 0 && p->command[n - 1] == '\0')
        n--;
    for (ssize_t i = 0; i < n; i++) {
        if (p->command[i] == '\0')
            p->command[i] = ' ';
    }
    p->command[n > 0 ? n : 0] = '\0';
}

int proc_one(int64_t pid, int command, process_info *ret)
{
    char path[64], text[1024];
    struct stat st;
    memset(ret, 0, sizeof *ret);
    if (pid <= 0)
        return -ENOENT;
    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    ssize_t n = read_file(path, text, sizeof text);
    if (n < 0)
        return n == -ESRCH ? -ENOENT : (int)n;
    int rc = read_stat(text, ret);
    if (rc)
        return rc;
    ret->pid = pid;
    snprintf(path, sizeof path, "/proc/%lld", (long long)pid);
    if (stat(path, &st) != 0)
        return -ENOENT;
    ret->uid = st.st_uid;
    if (command)
        read_command(pid, ret);
    return 0;
}

int proc_pids(size_t max, int64_t **ret, size_t *ret_n, size_t *ret_total)
{
    DIR *dir = opendir("/proc");
    if (!dir)
        return -errno;
    int64_t *pids = malloc((max + 1) * sizeof *pids);
    size_t n = 0, total = 0;
    for (struct dirent *e; pids && (e = readdir(dir)) != NULL;) {
        if (!isdigit((unsigned char)e->d_name[0]))
            continue;
        total++;
        if (n < max)
            pids[n++] = strtoll(e->d_name, NULL, 10);
    }
    closedir(dir);
    if (!pids)
        return -ENOMEM;
    *ret = pids;
    *ret_n = n;
    *ret_total = total;
    return 0;
}
