/* client_stdio.c - a server that is a child process: one message a line on its input and output.
 *
 * What it writes to standard error is handed on line by line.
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

#define END_MS 5000        /* for a child to end once its input has */
#define TERM_MS 2000       /* and once it was asked to */
#define INTERRUPTED_MS 500 /* instead of either, when a person waits */
#define LAST_MS 1000       /* for what it has still to say when its output has ended */
#define WORDS_LINE 4096    /* of standard error; a longer one is handed on in pieces */
#define SHOWN 100          /* bytes of a line that is no message, in messages */
#define READ_SIZE 65536

extern char **environ;

struct stdio {
    struct gn_cli_client *c;
    pid_t pid;
    int in, out, err; /* ours: written to / read from; -1 once closed */
    struct gn_buf line, words;
    size_t searched;       /* bytes of `line` in which no end of a line was found */
    struct gn_buf pending; /* not written yet */
    unsigned nonsense;     /* lines that were no messages */
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
    sigset_t defaults, none;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, pipes[0][0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, pipes[1][1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, pipes[2][1], STDERR_FILENO);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE); /* ignored here, and that would be inherited */
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    sigemptyset(&none); /* some are held back here while the client waits */
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    int rc = posix_spawnp(ret_pid, command[0], &actions, &attributes, command, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return -rc;
}

static void *open_stdio(struct gn_cli_client *c, struct gn_error *err)
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
        .words = GN_BUF_INIT(4 * WORDS_LINE),
        .pending = GN_BUF_INIT(GN_CLIENT_MESSAGE_MAX),
    };
    fcntl(s->in, F_SETFL, O_NONBLOCK);
    return s;
}

static int ended(struct stdio *s, struct gn_error *err)
{
    /* Ctrl-C goes to the child, too, and the child may be faster. */
    struct pollfd stop = {.fd = gn_cli_client_stop_fd(s->c), .events = POLLIN};
    if (s->c->is_interrupted || poll(&stop, 1, 0) > 0)
        return gn_cli_client_interrupt(s->c, err);
    gn_error_set(err, GN_EPIPE, "%s ended without an answer", s->c->options.command[0]);
    return GN_EXIT_CONNECTION;
}

static void hand_on(struct stdio *s, const char *line, size_t len)
{
    while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == ' '))
        len--;
    if (len > 0 && s->c->options.on_words)
        s->c->options.on_words(s->c->options.arg, line, len);
}

static void read_words(struct stdio *s)
{
    char *at = gn_buf_reserve(&s->words, WORDS_LINE);
    ssize_t n = read(s->err, at, WORDS_LINE);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n > 0) {
        s->words.len += (size_t)n;
        s->words.data[s->words.len] = '\0';
    } else {
        close_fd(&s->err);
    }
    size_t done = 0;
    for (char *end;
         s->words.len > done && (end = memchr(s->words.data + done, '\n', s->words.len - done));) {
        hand_on(s, s->words.data + done, (size_t)(end - s->words.data) - done);
        done = (size_t)(end - s->words.data) + 1;
    }
    if (s->err < 0 || s->words.len - done >= WORDS_LINE) {
        hand_on(s, gn_buf_str(&s->words) + done, s->words.len - done);
        done = s->words.len;
    }
    gn_buf_consume(&s->words, done);
}

/* Some programs greet before they speak the protocol: such lines are told about and passed over.
 * One that begins as a message is a message gone wrong, and its request would never be answered. */
static int take_nonsense(struct stdio *s, const char *line, size_t len, const char *why,
                         struct gn_error *err)
{
    bool is_message = *line == '{' || *line == '[';
    GN_AUTO_FREE char *text = gn_format("%s wrote what is no message: \"%.*s\" (%s)",
                                        s->c->options.command[0],
                                        (int)gn_utf8_cut(line, len, SHOWN), line, why);
    if (is_message || !s->c->options.on_nonsense || ++s->nonsense > GN_CLIENT_NONSENSE_MAX) {
        gn_error_set(err, GN_EPROTO, "%s", text);
        return GN_EXIT_PROTOCOL;
    }
    s->c->options.on_nonsense(s->c->options.arg, text);
    return 0;
}

static int take_line(struct stdio *s, const char *line, size_t len, struct gn_error *err)
{
    struct gn_error wrong = {0};
    while (len > 0 && (*line == ' ' || *line == '\t' || *line == '\r'))
        line++, len--;
    if (len == 0 || gn_cli_client_receive(s->c, line, len, &wrong))
        return 0;
    return take_nonsense(s, line, len, wrong.text, err);
}

/* Every whole line in s->line is a message. */
static int take_lines(struct stdio *s, struct gn_error *err)
{
    size_t done = 0;
    int rc = 0;
    for (char *end;
         rc == 0 && (end = memchr(s->line.data + s->searched, '\n', s->line.len - s->searched));) {
        rc = take_line(s, s->line.data + done, (size_t)(end - s->line.data) - done, err);
        done = s->searched = (size_t)(end - s->line.data) + 1;
    }
    gn_buf_consume(&s->line, done);
    s->searched = s->line.len;
    return rc;
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
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
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

/* Waits for something to happen, at most until the deadline, and does it. */
static int turn(struct stdio *s, uint64_t deadline, struct gn_error *err)
{
    struct pollfd fds[4] = {
        {.fd = s->pending.len ? s->in : -1, .events = POLLOUT},
        {.fd = s->out, .events = POLLIN},
        {.fd = s->err, .events = POLLIN},
        {.fd = gn_cli_client_stop_fd(s->c), .events = POLLIN},
    };
    uint64_t now = gn_clock_ms();
    /* A child that never stops talking must not keep the deadline from being seen. */
    if (now >= deadline) {
        gn_error_set(err, GN_ETIMEDOUT, "%s did not answer in time", s->c->options.command[0]);
        return GN_EXIT_CONNECTION;
    }
    if (poll(fds, GN_COUNT(fds), (int)GN_MIN(deadline - now, (uint64_t)INT32_MAX)) <= 0)
        return 0;
    if (fds[3].revents)
        return gn_cli_client_interrupt(s->c, err);
    if (fds[2].revents)
        read_words(s);
    if (fds[0].revents)
        write_input(s);
    return fds[1].revents ? read_output(s, err) : 0;
}

static int send_stdio(void *t, const struct gn_cli_client_message *m, uint64_t deadline,
                      struct gn_error *err)
{
    struct stdio *s = t;
    int rc = 0;
    gn_buf_add(&s->pending, m->text, m->len);
    gn_buf_addc(&s->pending, '\n');
    while (rc == 0 && (m->is_request ? !s->c->answered : s->pending.len > 0)) {
        if (s->pending.overflow) {
            gn_error_set(err, GN_ETOOBIG, "%s does not read its input", s->c->options.command[0]);
            return GN_EXIT_PROTOCOL;
        }
        if (s->out < 0 || (s->in < 0 && s->pending.len > 0)) {
            /* What it has still to say about its end. */
            uint64_t last = gn_clock_ms() + LAST_MS;
            while (s->err >= 0 && turn(s, last, NULL) == 0)
                continue;
            return ended(s, err);
        }
        rc = turn(s, deadline, err);
    }
    return rc;
}

static void reply_stdio(void *t, const char *text, size_t len)
{
    struct stdio *s = t;
    gn_buf_add(&s->pending, text, len);
    gn_buf_addc(&s->pending, '\n');
}

/* What it has said until now, before its end makes it say more. */
static void read_all_words(struct stdio *s)
{
    for (int i = 0; i < 64 && s->err >= 0; i++) {
        struct pollfd p = {.fd = s->err, .events = POLLIN};
        if (poll(&p, 1, 0) <= 0)
            return;
        read_words(s);
    }
}

/* True once the child has ended; what it still writes is read meanwhile, so that it can. */
static bool wait_for_end(struct stdio *s, int pidfd, uint64_t wait_ms)
{
    uint64_t began = gn_clock_ms(), deadline = began + wait_ms;
    char bytes[4096];
    for (;;) {
        struct pollfd fds[4] = {
            {.fd = pidfd, .events = POLLIN},
            {.fd = s->out, .events = POLLIN},
            {.fd = s->err, .events = POLLIN},
            {.fd = gn_cli_client_stop_fd(s->c), .events = POLLIN},
        };
        uint64_t now = gn_clock_ms();
        if (now >= deadline)
            return false;
        poll(fds, GN_COUNT(fds), (int)(deadline - now));
        if (fds[0].revents)
            return true;
        if (fds[1].revents && read(s->out, bytes, sizeof(bytes)) <= 0)
            close_fd(&s->out);
        if (fds[2].revents)
            read_words(s);
        if (fds[3].revents) {
            gn_cli_client_interrupt(s->c, NULL);
            deadline = GN_MIN(deadline, now + INTERRUPTED_MS);
        }
    }
}

static uint64_t patience(const struct stdio *s, uint64_t ms)
{
    return s->c->is_interrupted ? INTERRUPTED_MS : ms;
}

/* As the specification's page on stdio says: end of input, then SIGTERM, then SIGKILL. */
static void close_stdio(void *t)
{
    struct stdio *s = t;
    read_all_words(s);
    if (s->c->is_closing && s->c->options.on_ending)
        s->c->options.on_ending(s->c->options.arg);
    close_fd(&s->in);
    int pidfd = pidfd_open(s->pid, 0);
    if (pidfd < 0 || !wait_for_end(s, pidfd, patience(s, END_MS))) {
        kill(s->pid, SIGTERM);
        if (pidfd < 0 || !wait_for_end(s, pidfd, patience(s, TERM_MS)))
            kill(s->pid, SIGKILL);
    }
    while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    read_all_words(s);
    close_fd(&pidfd);
    close_fd(&s->out);
    close_fd(&s->err);
    gn_buf_release(&s->line);
    gn_buf_release(&s->words);
    gn_buf_release(&s->pending);
    gn_free(s);
}

const struct gn_cli_client_transport gn_cli_client_stdio = {
    .name = "stdio",
    .open = open_stdio,
    .send = send_stdio,
    .reply = reply_stdio,
    .close = close_stdio,
};
