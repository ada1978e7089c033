/* client_stdio.c - a server that is a child process: one message a line on its input and output.
 *
 * What it writes to standard error is kept, the end of it, and shown only when something goes
 * wrong.
 */
#include "client_internal.h"

#include "util/alloc.h"
#include "util/clock.h"
#include "util/str.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define LAST_WORDS 2000 /* bytes of standard error that are kept */
#define END_MS 5000     /* for a child to end once its input has */
#define TERM_MS 2000    /* and once it was asked to */
#define READ_SIZE 65536

extern char **environ;

struct stdio {
    struct gn_client *c;
    pid_t pid;
    int in, out, err; /* ours: written to / read from; -1 once closed */
    struct gn_buf line, words;
    struct gn_buf pending; /* not written yet */
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Three pipes; [0] is read from, [1] written to. */
static int open_pipes(int pipes[3][2])
{
    for (int i = 0; i < 3; i++) {
        if (pipe2(pipes[i], O_CLOEXEC) == 0)
            continue;
        while (i-- > 0) {
            close(pipes[i][0]);
            close(pipes[i][1]);
        }
        return -errno;
    }
    return 0;
}

static int spawn(pid_t *ret_pid, char *const *command, int pipes[3][2])
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, pipes[0][0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, pipes[1][1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, pipes[2][1], STDERR_FILENO);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE); /* ignored here, and that would be inherited */
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    int rc = posix_spawnp(ret_pid, command[0], &actions, &attributes, command, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return -rc;
}

static void *open_stdio(struct gn_client *c, struct gn_error *err)
{
    int pipes[3][2];
    pid_t pid;
    int rc = open_pipes(pipes);
    if (rc) {
        gn_error_set(err, rc, "cannot make a pipe: %s", strerror(-rc));
        return NULL;
    }
    rc = spawn(&pid, c->options.command, pipes);
    close(pipes[0][0]);
    close(pipes[1][1]);
    close(pipes[2][1]);
    if (rc) {
        close(pipes[0][1]);
        close(pipes[1][0]);
        close(pipes[2][0]);
        gn_error_set(err, rc, "%s: %s", c->options.command[0], strerror(-rc));
        return NULL;
    }
    struct stdio *s = gn_calloc(1, sizeof(*s));
    *s = (struct stdio){
        .c = c,
        .pid = pid,
        .in = pipes[0][1],
        .out = pipes[1][0],
        .err = pipes[2][0],
        .line = GN_BUF_INIT(GN_CLIENT_MESSAGE_MAX),
        .words = GN_BUF_INIT(2 * READ_SIZE),
        .pending = GN_BUF_INIT(2 * GN_CLIENT_MESSAGE_MAX),
    };
    fcntl(s->in, F_SETFL, O_NONBLOCK);
    return s;
}

/* What the child said last, for a message. */
static void add_last_words(struct stdio *s, struct gn_error *err)
{
    const char *words = gn_buf_str(&s->words);
    size_t len = s->words.len;
    while (len > 0 && (words[len - 1] == '\n' || words[len - 1] == ' '))
        len--;
    if (len == 0 || !err)
        return;
    size_t start = len > LAST_WORDS / 4 ? len - LAST_WORDS / 4 : 0;
    const char *line = start ? memchr(words + start, '\n', len - start) : NULL;
    if (line)
        start = (size_t)(line - words) + 1;
    GN_AUTO_FREE char *before = gn_strdup(err->text);
    gn_error_set(err, err->code, "%s; its last words:\n%.*s", before, (int)(len - start),
                 words + start);
}

static int ended(struct stdio *s, struct gn_error *err)
{
    gn_error_set(err, GN_EPIPE, "%s ended without an answer", s->c->options.command[0]);
    return GN_EXIT_CONNECTION;
}

static void read_words(struct stdio *s)
{
    char *at = gn_buf_reserve(&s->words, READ_SIZE);
    ssize_t n = at ? read(s->err, at, READ_SIZE) : 0;
    if (n <= 0) {
        close_fd(&s->err);
        return;
    }
    s->words.len += (size_t)n;
    s->words.data[s->words.len] = '\0';
    if (s->words.len > LAST_WORDS)
        gn_buf_consume(&s->words, s->words.len - LAST_WORDS);
}

/* Every whole line in s->line is a message. */
static int take_lines(struct stdio *s, struct gn_error *err)
{
    for (char *end; s->line.len && (end = memchr(s->line.data, '\n', s->line.len));) {
        size_t len = (size_t)(end - s->line.data);
        struct gn_error wrong = {0};
        size_t blanks = strspn(s->line.data, " \t\r\n");
        if (blanks <= len && !gn_client_receive(s->c, s->line.data, len, &wrong)) {
            gn_error_set(err, GN_EPROTO, "%s wrote what is no message: \"%.*s\" (%s)",
                         s->c->options.command[0], (int)GN_MIN(len, (size_t)100), s->line.data,
                         wrong.text);
            return GN_EXIT_PROTOCOL;
        }
        gn_buf_consume(&s->line, len + 1);
    }
    return 0;
}

static int read_output(struct stdio *s, struct gn_error *err)
{
    char *at = gn_buf_reserve(&s->line, READ_SIZE);
    if (!at) {
        gn_error_set(err, GN_ETOOBIG, "%s sent a message of more than %zu MiB",
                     s->c->options.command[0], GN_CLIENT_MESSAGE_MAX >> 20);
        return GN_EXIT_PROTOCOL;
    }
    ssize_t n = read(s->out, at, READ_SIZE);
    if (n < 0 && errno == EINTR)
        return 0;
    if (n <= 0) {
        close_fd(&s->out);
        return 0;
    }
    s->line.len += (size_t)n;
    s->line.data[s->line.len] = '\0';
    return take_lines(s, err);
}

static void write_input(struct stdio *s)
{
    ssize_t n = write(s->in, s->pending.data, s->pending.len);
    if (n > 0)
        gn_buf_consume(&s->pending, (size_t)n);
    else if (n < 0 && errno != EAGAIN && errno != EINTR)
        close_fd(&s->in);
}

/* Waits for something to happen on any of the three, at most until the deadline, and does it. */
static int turn(struct stdio *s, uint64_t deadline, struct gn_error *err)
{
    struct pollfd fds[3] = {
        {.fd = s->pending.len ? s->in : -1, .events = POLLOUT},
        {.fd = s->out, .events = POLLIN},
        {.fd = s->err, .events = POLLIN},
    };
    uint64_t now = gn_clock_ms();
    int wait = now >= deadline ? 0 : (int)GN_MIN(deadline - now, (uint64_t)INT32_MAX);
    int n = poll(fds, GN_COUNT(fds), wait);
    if (n == 0 && gn_clock_ms() >= deadline) {
        gn_error_set(err, GN_ETIMEDOUT, "%s did not answer in time", s->c->options.command[0]);
        return GN_EXIT_CONNECTION;
    }
    if (n <= 0)
        return 0;
    if (fds[2].revents)
        read_words(s);
    if (fds[0].revents)
        write_input(s);
    return fds[1].revents ? read_output(s, err) : 0;
}

static int send_stdio(void *t, const struct gn_client_message *m, uint64_t deadline,
                      struct gn_error *err)
{
    struct stdio *s = t;
    int rc = 0;
    gn_buf_add(&s->pending, m->text, m->len);
    gn_buf_addc(&s->pending, '\n');
    while (rc == 0 && (m->is_request ? !s->c->answered : s->pending.len > 0)) {
        if (s->out < 0 || (s->in < 0 && s->pending.len > 0)) {
            /* What it has still to say about its end. */
            while (s->err >= 0 && turn(s, gn_clock_ms() + 1000, NULL) == 0)
                continue;
            rc = ended(s, err);
            break;
        }
        rc = turn(s, deadline, err);
    }
    if (rc)
        add_last_words(s, err);
    return rc;
}

static void reply_stdio(void *t, const char *text, size_t len)
{
    struct stdio *s = t;
    gn_buf_add(&s->pending, text, len);
    gn_buf_addc(&s->pending, '\n');
}

/* True once the child has ended; what it still writes is read meanwhile, so that it can. */
static bool wait_for_end(struct stdio *s, int pidfd, uint64_t wait_ms)
{
    uint64_t deadline = gn_clock_ms() + wait_ms;
    char bytes[4096];
    for (;;) {
        struct pollfd fds[3] = {
            {.fd = pidfd, .events = POLLIN},
            {.fd = s->out, .events = POLLIN},
            {.fd = s->err, .events = POLLIN},
        };
        uint64_t now = gn_clock_ms();
        if (now >= deadline)
            return false;
        poll(fds, GN_COUNT(fds), (int)(deadline - now));
        if (fds[0].revents)
            return true;
        if (fds[1].revents && read(s->out, bytes, sizeof(bytes)) <= 0)
            close_fd(&s->out);
        if (fds[2].revents && read(s->err, bytes, sizeof(bytes)) <= 0)
            close_fd(&s->err);
    }
}

/* As the specification's page on stdio says: end of input, then SIGTERM, then SIGKILL. */
static void close_stdio(void *t)
{
    struct stdio *s = t;
    close_fd(&s->in);
    int pidfd = pidfd_open(s->pid, 0);
    if (pidfd >= 0 && !wait_for_end(s, pidfd, END_MS)) {
        kill(s->pid, SIGTERM);
        if (!wait_for_end(s, pidfd, TERM_MS))
            kill(s->pid, SIGKILL);
    } else if (pidfd < 0) {
        kill(s->pid, SIGTERM);
    }
    while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    close_fd(&pidfd);
    close_fd(&s->out);
    close_fd(&s->err);
    gn_buf_release(&s->line);
    gn_buf_release(&s->words);
    gn_buf_release(&s->pending);
    gn_free(s);
}

const struct gn_client_transport gn_client_stdio = {
    .name = "stdio",
    .open = open_stdio,
    .send = send_stdio,
    .reply = reply_stdio,
    .close = close_stdio,
};
