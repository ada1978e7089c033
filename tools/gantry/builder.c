/* builder.c - see builder.h. */
#include "builder.h"

#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUIET_MS 150 /* after the last change, before a build begins */
#define CHILD_POLL_MS 20
#define TERM_MS 2000      /* for a build to end */
#define COMPILER_WORDS 32 /* of the environment's CC */
#define MAX_FOLDERS 256   /* that are watched */
#define MAX_DEPTH 8
#define KEPT ".kept" /* behind the name of what was built before, while it is built again */

extern char **environ;

struct gn_builder {
    char *dir;    /* of the sources, absolute */
    char *output; /* dir/build */
    char *source; /* the one .c file, absolute; NULL: CMake */
    char *prefix;
    pthread_t thread;
    bool has_thread;
    int stop_fd, watch_fd;
    unsigned folders;
    bool failed;    /* the last build */
    bool has_built; /* at least once */
};

/* ---------------------------------------------------------------- running one command */

static bool must_stop(const struct gn_builder *b, int wait_ms)
{
    struct pollfd p = {.fd = b->stop_fd, .events = POLLIN};
    return poll(&p, 1, wait_ms) > 0;
}

/* What a child must not inherit: a mask that blocks all signals (the builder's thread has it) and
 * SIGPIPE ignored. On the thread it also gets a group of its own, so that stopping it stops the
 * compilers it has started; before, Ctrl-C must reach it. */
static void init_attributes(const struct gn_builder *b, posix_spawnattr_t *attributes)
{
    sigset_t none, defaults;
    int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    if (b->has_thread)
        flags |= POSIX_SPAWN_SETPGROUP;
    posix_spawnattr_init(attributes);
    sigemptyset(&none);
    posix_spawnattr_setsigmask(attributes, &none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(attributes, &defaults);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setflags(attributes, (short)flags);
}

/* Asks, and after a while does not ask any more. `whom` is the child or its group. */
static void stop(pid_t whom, pid_t pid)
{
    kill(whom, SIGTERM);
    for (int waited = 0; waitpid(pid, NULL, WNOHANG) == 0; waited += CHILD_POLL_MS) {
        if (waited == TERM_MS)
            kill(whom, SIGKILL);
        poll(NULL, 0, CHILD_POLL_MS);
    }
}

/* Runs a command in the folder with its output on standard error. True if it exits with 0. */
static bool run(const struct gn_builder *b, const char *const *argv)
{
    posix_spawnattr_t attributes;
    init_attributes(b, &attributes);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    posix_spawn_file_actions_addchdir_np(&actions, b->dir);
    pid_t pid;
    int rc = posix_spawnp(&pid, argv[0], &actions, &attributes, (char *const *)(uintptr_t)argv,
                          environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (rc) {
        fprintf(stderr, "gantry dev: %s: %s\n", argv[0], strerror(rc));
        return false;
    }
    int status = 0;
    pid_t ended;
    while ((ended = waitpid(pid, &status, WNOHANG)) == 0) {
        if (must_stop(b, CHILD_POLL_MS)) {
            stop(b->has_thread ? -pid : pid, pid);
            return false;
        }
    }
    return ended == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Linkers and make delete what they could not make, and a host takes a file that is gone for a
 * plugin that was removed. So what was built before has a second name meanwhile (hidden, which
 * hosts do not look at), and gets its own back where a build that failed has taken it. */
static void keep(const struct gn_builder *b)
{
    DIR *d = opendir(b->output);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] == '.' || !gn_ends_with(e->d_name, ".so"))
            continue;
        GN_AUTO_FREE char *so = gn_path_join(b->output, e->d_name);
        GN_AUTO_FREE char *kept = gn_format("%s/.%s" KEPT, b->output, e->d_name);
        unlink(kept);
        (void)!link(so, kept); /* where that cannot be done it may be gone until it is built */
    }
    if (d)
        closedir(d);
}

static void give_back(const struct gn_builder *b, bool ok)
{
    DIR *d = opendir(b->output);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] != '.' || !gn_ends_with(e->d_name, KEPT))
            continue;
        int len = (int)(strlen(e->d_name) - strlen(KEPT)) - 1;
        GN_AUTO_FREE char *kept = gn_path_join(b->output, e->d_name);
        GN_AUTO_FREE char *so = gn_format("%s/%.*s", b->output, len, e->d_name + 1);
        if (!ok)
            (void)!link(kept, so); /* not over what is there */
        unlink(kept);
    }
    if (d)
        closedir(d);
}

static bool run_cmake(struct gn_builder *b)
{
    GN_AUTO_FREE char *cache = gn_path_join(b->output, "CMakeCache.txt");
    GN_AUTO_FREE char *prefix = gn_format("-DCMAKE_PREFIX_PATH=%s", b->prefix);
    const char *configure[] = {"cmake", "-S", b->dir, "-B", b->output, prefix, NULL};
    const char *build[] = {"cmake", "--build", b->output, NULL};
    if (access(cache, F_OK) != 0 && !run(b, configure)) {
        unlink(cache); /* what was configured by half would be taken for whole */
        return false;
    }
    keep(b);
    bool ok = run(b, build);
    give_back(b, ok);
    return ok;
}

/* CC may have words of its own ("ccache gcc"), and then these are pointed to, too. */
static size_t split(char *text, const char *words[COMPILER_WORDS])
{
    size_t n = 0;
    for (text += strspn(text, " \t"); *text && n < COMPILER_WORDS; text += strspn(text, " \t")) {
        words[n++] = text;
        text += strcspn(text, " \t");
        if (*text)
            *text++ = '\0';
    }
    return n;
}

/* Beside the target and then renamed, so that a host never sees half a file. */
static bool run_compiler(struct gn_builder *b)
{
    const char *base = gn_path_base(b->source);
    GN_AUTO_FREE char *name = gn_strndup(base, strlen(base) - 2);
    GN_AUTO_FREE char *so = gn_format("%s/%s.so", b->output, name);
    GN_AUTO_FREE char *tmp = gn_format("%s/.%s.tmp", b->output, name);
    GN_AUTO_FREE char *include = gn_format("-I%s/include", b->prefix);
    const char *const options[] = {"-std=c11",   "-g",
                                   "-O1",        "-Wall",
                                   "-Wextra",    "-fPIC",
                                   "-shared",    "-fvisibility=hidden",
                                   "-Wl,-z,now", "-Wl,--no-undefined",
                                   include,      "-o",
                                   tmp,          b->source,
                                   NULL};
    const char *argv[COMPILER_WORDS + GN_COUNT(options)];
    const char *cc = getenv("CC");
    GN_AUTO_FREE char *words = gn_strdup(cc && *cc ? cc : "cc");
    size_t n = split(words, argv);
    memcpy(argv + n, options, sizeof options);
    return run(b, argv) && rename(tmp, so) == 0;
}

bool gn_builder_run(struct gn_builder *b)
{
    uint64_t began = gn_clock_ms();
    bool ok = b->source ? run_compiler(b) : run_cmake(b);
    if (!ok && must_stop(b, 0))
        return false;
    if (!ok)
        fprintf(stderr, "gantry dev: the build failed; %s\n",
                b->has_built ? "what is loaded goes on" : "the next change builds it again");
    else if (b->failed || b->has_thread)
        fprintf(stderr, "gantry dev: built in %llu ms\n",
                (unsigned long long)(gn_clock_ms() - began));
    b->failed = !ok;
    b->has_built = b->has_built || ok;
    return ok;
}

/* ---------------------------------------------------------------- watching */

static bool is_source(const char *name)
{
    static const char *const endings[] = {".c",   ".h",     ".cc",           ".cpp",
                                          ".hpp", ".cmake", "CMakeLists.txt"};
    for (size_t i = 0; i < GN_COUNT(endings); i++) {
        if (name[0] != '.' && gn_ends_with(name, endings[i]))
            return true;
    }
    return false;
}

/* The folder and those below it, but for hidden ones and the output. A folder watched twice counts
 * once to the kernel. */
static void watch(struct gn_builder *b, const char *path, unsigned depth)
{
    if (depth > MAX_DEPTH || b->folders >= MAX_FOLDERS || gn_streq(path, b->output))
        return;
    uint32_t events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE |
                      IN_ONLYDIR;
    if (inotify_add_watch(b->watch_fd, path, events) < 0)
        return;
    b->folders++;
    DIR *dir = opendir(path);
    for (struct dirent *d; dir && (d = readdir(dir));) {
        if (d->d_name[0] == '.' || d->d_type != DT_DIR)
            continue;
        GN_AUTO_FREE char *sub = gn_path_join(path, d->d_name);
        watch(b, sub, depth + 1);
    }
    if (dir)
        closedir(dir);
}

static void watch_all(struct gn_builder *b)
{
    b->folders = 0;
    watch(b, b->dir, 0);
}

/* Reads what has happened. True if a source is concerned. */
static bool read_events(struct gn_builder *b)
{
    char bytes[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
    bool concerned = false, folders = false;
    for (ssize_t n; (n = read(b->watch_fd, bytes, sizeof bytes)) > 0;) {
        for (char *at = bytes; at < bytes + n;) {
            struct inotify_event *e = (struct inotify_event *)(void *)at;
            at += sizeof *e + e->len;
            bool made = (e->mask & (IN_CREATE | IN_MOVED_TO)) && (e->mask & IN_ISDIR);
            folders = folders || made;
            /* A file that is only made has nothing in it yet: its closing is what counts. */
            bool only_made = (e->mask & IN_CREATE) && !(e->mask & IN_ISDIR);
            concerned = concerned || (e->mask & IN_Q_OVERFLOW) ||
                        (e->len && !only_made && is_source(e->name));
        }
    }
    if (folders)
        watch_all(b);
    return concerned;
}

static void *builder_main(void *arg)
{
    struct gn_builder *b = arg;
    struct pollfd fds[] = {{.fd = b->stop_fd, .events = POLLIN},
                           {.fd = b->watch_fd, .events = POLLIN}};
    bool dirty = false;
    for (;;) {
        int n = poll(fds, 2, dirty ? QUIET_MS : -1);
        if (fds[0].revents)
            return NULL;
        if (n > 0 && fds[1].revents) {
            dirty = read_events(b) || dirty;
        } else if (n == 0 && dirty) {
            dirty = false;
            gn_builder_run(b);
        }
    }
}

/* ---------------------------------------------------------------- life */

/* The only .c file of a folder; NULL if there is none or more. Owned by the caller. */
static char *find_source(const char *dir, unsigned *ret_count)
{
    char *found = NULL;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] == '.' || !gn_ends_with(e->d_name, ".c"))
            continue;
        gn_free(found);
        found = gn_path_join(dir, e->d_name);
        ++*ret_count;
    }
    if (d)
        closedir(d);
    if (*ret_count != 1) {
        gn_free(found);
        found = NULL;
    }
    return found;
}

static char *parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash > path ? gn_strndup(path, (size_t)(slash - path)) : gn_strdup("/");
}

static int choose(struct gn_builder *b, const char *target, struct gn_error *err)
{
    struct stat st;
    char *path = realpath(target, NULL);
    if (!path || stat(path, &st) != 0) {
        free(path);
        return gn_error_set(err, -errno, "%s: %s", target, strerror(errno));
    }
    if (S_ISREG(st.st_mode) && gn_ends_with(path, ".c")) {
        b->source = gn_strdup(path);
        b->dir = parent(path);
    } else if (S_ISDIR(st.st_mode)) {
        b->dir = gn_strdup(path);
    }
    free(path);
    if (!b->dir)
        return gn_error_set(err, GN_EINVAL, "%s is neither a folder nor a .c file", target);
    GN_AUTO_FREE char *lists = gn_path_join(b->dir, "CMakeLists.txt");
    if (b->source || access(lists, R_OK) == 0)
        return 0;
    unsigned count = 0;
    b->source = find_source(b->dir, &count);
    if (b->source)
        return 0;
    return gn_error_set(err, GN_ENOENT, "%s has no CMakeLists.txt and %s .c file: nothing to build",
                        target, count ? "more than one" : "no");
}

struct gn_builder *gn_builder_new(const char *target, const char *prefix, struct gn_error *err)
{
    struct gn_builder *b = gn_calloc(1, sizeof *b);
    b->prefix = gn_strdup(prefix);
    b->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    b->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    int rc = choose(b, target, err);
    if (!rc) {
        b->output = gn_path_join(b->dir, "build");
        if (mkdir(b->output, 0777) != 0 && errno != EEXIST)
            rc = gn_error_set(err, -errno, "%s: %s", b->output, strerror(errno));
    }
    if (!rc)
        return b;
    gn_builder_free(b);
    return NULL;
}

const char *gn_builder_output(const struct gn_builder *b)
{
    return b->output;
}

int gn_builder_start(struct gn_builder *b, struct gn_error *err)
{
    if (b->watch_fd < 0)
        return gn_error_set(err, GN_EBUSY, "cannot watch %s: no inotify instance is free", b->dir);
    watch_all(b);
    /* Signals are for the host's loop. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    b->has_thread = true; /* the thread reads it */
    int rc = pthread_create(&b->thread, NULL, builder_main, b);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc)
        b->has_thread = false;
    return rc ? gn_error_set(err, -rc, "cannot start a thread: %s", strerror(rc)) : 0;
}

void gn_builder_free(struct gn_builder *b)
{
    if (!b)
        return;
    uint64_t one = 1;
    if (b->has_thread && write(b->stop_fd, &one, sizeof one) == (ssize_t)sizeof one)
        pthread_join(b->thread, NULL);
    if (b->stop_fd >= 0)
        close(b->stop_fd);
    if (b->watch_fd >= 0)
        close(b->watch_fd);
    gn_free(b->dir);
    gn_free(b->output);
    gn_free(b->source);
    gn_free(b->prefix);
    gn_free(b);
}
