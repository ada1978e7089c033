/* ask.c - questions to the person at the terminal: their order, the lines that are typed. */
#include "ask.h"

#include "text.h"
#include "util/alloc.h"
#include "util/str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <uv.h>

#define TERMINAL "/dev/tty"
#define LINE_MAX_BYTES 65536
#define SAID_MAX ((size_t)4 << 20)

/* A program that was started, and that nobody waits for. */
struct child {
    struct gn_list node;
    uv_process_t process;
};

struct gn_asker {
    uv_loop_t *loop;
    FILE *out;
    struct gn_term term;
    int fd; /* for reading; it does not block */
    uv_poll_t *poll;
    struct gn_list waiting, children;
    struct gn_asked *current;
    struct gn_buf line;
    bool always;                /* models may answer without asking */
    bool is_broken, is_closing; /* the terminal is gone; we are */
    char *who;
    void (*on_busy)(void *arg, bool busy);
    void *on_busy_arg;
};

static void next_question(struct gn_asker *a);

/* ---------------------------------------------------------------- printing */

void gn_asked_say(struct gn_asked *k, enum gn_style style, unsigned indent, const char *text)
{
    struct gn_asker *a = k->asker;
    struct gn_buf out = GN_BUF_INIT(SAID_MAX);
    unsigned columns = gn_term_width(&a->term);
    indent = indent * 4 > columns ? 0 : indent;
    gn_text_add_wrapped(&out, text, GN_MIN(strlen(text), SAID_MAX / 16), indent, columns, 0);
    fprintf(a->out, "%*s%s", (int)indent, "", gn_term_style(&a->term, style));
    fwrite(gn_buf_str(&out), 1, out.len, a->out);
    fputs(gn_term_style(&a->term, GN_STYLE_NONE), a->out);
    fflush(a->out);
    gn_buf_release(&out);
}

void gn_asked_sayf(struct gn_asked *k, enum gn_style style, unsigned indent, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    GN_AUTO_FREE char *text = gn_vformat(fmt, ap);
    va_end(ap);
    gn_asked_say(k, style, indent, text);
}

void gn_asked_say_address(struct gn_asked *k, const char *url)
{
    struct gn_asker *a = k->asker;
    struct gn_buf out = GN_BUF_INIT(SAID_MAX);
    gn_text_add_safe(&out, url, GN_MIN(strlen(url), SAID_MAX / GN_TEXT_GROWTH - 1), true);
    fprintf(a->out, "%s%s%s\n", gn_term_style(&a->term, GN_STYLE_CYAN), gn_buf_str(&out),
            gn_term_style(&a->term, GN_STYLE_NONE));
    fflush(a->out);
    gn_buf_release(&out);
}

unsigned gn_asked_columns(const struct gn_asked *k)
{
    return gn_term_width(&k->asker->term);
}

void gn_asked_say_who(struct gn_asked *k, const char *verb)
{
    const char *who = k->asker->who;
    gn_asked_sayf(k, GN_STYLE_BOLD, 0, "The server %s%s%s", who ? who : "", who ? " " : "", verb);
}

static void print_prompt(struct gn_asked *k)
{
    struct gn_asker *a = k->asker;
    fprintf(a->out, "%s%s%s", gn_term_style(&a->term, GN_STYLE_CYAN), k->prompt,
            gn_term_style(&a->term, GN_STYLE_NONE));
    fflush(a->out);
}

void gn_asked_prompt(struct gn_asked *k, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    GN_AUTO_FREE char *text = gn_vformat(fmt, ap);
    va_end(ap);
    struct gn_buf safe = GN_BUF_INIT(SAID_MAX);
    gn_text_add_safe(&safe, text, GN_MIN(strlen(text), SAID_MAX / GN_TEXT_GROWTH - 1), true);
    gn_free(k->prompt);
    k->prompt = gn_buf_take(&safe, NULL);
    print_prompt(k);
}

void gn_asker_remind(struct gn_asker *a)
{
    if (a->current && a->current->prompt)
        print_prompt(a->current);
}

/* ---------------------------------------------------------------- questions and their end */

static void free_ask(struct gn_asked *k)
{
    gn_list_remove(&k->node);
    k->ops->release(k);
    gn_free(k->prompt);
    gn_free(k);
}

static void leave_current(struct gn_asker *a)
{
    a->current = NULL;
    gn_buf_clear(&a->line);
    if (a->poll)
        uv_poll_stop(a->poll);
    if (a->on_busy)
        a->on_busy(a->on_busy_arg, false);
}

void gn_asked_end(struct gn_asked *k)
{
    struct gn_asker *a = k->asker;
    bool is_current = a->current == k;
    free_ask(k);
    if (!is_current)
        return;
    leave_current(a);
    next_question(a);
}

void gn_asked_refuse(struct gn_asked *k, bool said_no)
{
    gantry_question_on_gone(k->question, NULL, NULL);
    k->ops->refuse(k, said_no);
    gn_asked_end(k);
}

/* The server has taken it back, or the call is over. */
static void on_gone(gantry_question *question, void *arg)
{
    struct gn_asked *k = arg;
    (void)question;
    if (k->asker->current == k) {
        fputc('\n', k->asker->out);
        gn_asked_say(k, GN_STYLE_DIM, 0, "Nobody waits for the answer any more.");
    }
    gn_asked_refuse(k, false);
}

void gn_asked_watch(struct gn_asked *k)
{
    gantry_question_on_gone(k->question, on_gone, k);
}

void gn_asked_add(struct gn_asker *a, gantry_question *question, const struct gn_asked_ops *ops,
                  void *data)
{
    struct gn_asked *k = gn_calloc(1, sizeof(*k));
    k->asker = a;
    k->question = question;
    k->ops = ops;
    k->data = data;
    gn_list_append(&a->waiting, &k->node);
    gn_asked_watch(k);
    if (a->is_broken || a->is_closing || gantry_question_is_gone(question))
        gn_asked_refuse(k, false);
    else
        next_question(a);
}

/* ---------------------------------------------------------------- lines */

static void take_line(struct gn_asker *a, char *line)
{
    struct gn_asked *k = a->current;
    line[strcspn(line, "\r")] = '\0';
    const char *word = line + strspn(line, " \t");
    if (gn_streq(word, ":decline") || gn_streq(word, ":cancel"))
        gn_asked_refuse(k, gn_streq(word, ":decline"));
    else
        k->ops->take(k, line);
}

static void take_lines(struct gn_asker *a)
{
    const char *newline;
    while (a->current && a->line.len && (newline = memchr(a->line.data, '\n', a->line.len))) {
        size_t len = (size_t)(newline - a->line.data);
        GN_AUTO_FREE char *line = gn_strndup(a->line.data, len);
        gn_buf_consume(&a->line, len + 1); /* the answer may end everything here */
        take_line(a, line);
    }
}

/* The end of the input, or of the terminal: nothing is said to what is asked. */
static void on_end(struct gn_asker *a, bool is_broken)
{
    a->is_broken |= is_broken;
    if (!is_broken)
        fputc('\n', a->out);
    fflush(a->out);
    if (a->current)
        gn_asked_refuse(a->current, false);
    while (a->is_broken && !gn_list_empty(&a->waiting))
        gn_asked_refuse(GN_CONTAINER(a->waiting.next, struct gn_asked, node), false);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct gn_asker *a = poll->data;
    char text[4096];
    (void)events;
    ssize_t n = status < 0 ? -1 : read(a->fd, text, sizeof(text));
    if (n < 0 && (status == 0 && (errno == EAGAIN || errno == EINTR)))
        return;
    if (n <= 0) {
        on_end(a, n < 0);
        return;
    }
    if (a->line.len + (size_t)n > LINE_MAX_BYTES)
        gn_buf_clear(&a->line);
    gn_buf_add(&a->line, text, (size_t)n);
    take_lines(a);
}

static void next_question(struct gn_asker *a)
{
    if (a->current || a->is_closing || gn_list_empty(&a->waiting))
        return;
    a->current = GN_CONTAINER(a->waiting.next, struct gn_asked, node);
    if (a->on_busy)
        a->on_busy(a->on_busy_arg, true);
    tcflush(a->fd, TCIFLUSH); /* what was typed before is no answer to this */
    gn_buf_clear(&a->line);
    uv_poll_start(a->poll, UV_READABLE, on_readable);
    a->current->ops->show(a->current);
}

/* ---------------------------------------------------------------- programs */

static void on_child_closed(uv_handle_t *handle)
{
    gn_free(GN_CONTAINER((uv_process_t *)handle, struct child, process));
}

static void let_child(struct child *child)
{
    gn_list_remove(&child->node);
    uv_close((uv_handle_t *)&child->process, on_child_closed);
}

static void on_child_exit(uv_process_t *process, int64_t status, int signal)
{
    (void)status, (void)signal;
    let_child(GN_CONTAINER(process, struct child, process));
}

/* ---------------------------------------------------------------- interface */

static FILE *open_terminal(int *ret_fd)
{
    *ret_fd = open(TERMINAL, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    FILE *out = *ret_fd >= 0 ? fopen(TERMINAL, "we") : NULL;
    if (!out && *ret_fd >= 0)
        close(*ret_fd);
    return out;
}

bool gn_asker_possible(void)
{
    int fd;
    FILE *out = isatty(STDERR_FILENO) ? open_terminal(&fd) : NULL;
    if (!out)
        return false;
    fclose(out);
    close(fd);
    return true;
}

struct gn_asker *gn_asker_new(struct uv_loop_s *loop, const char *who)
{
    int fd;
    FILE *out = open_terminal(&fd);
    uv_poll_t *poll = gn_calloc(1, sizeof(*poll));
    if (!out || uv_poll_init(loop, poll, fd)) {
        gn_free(poll);
        if (out) {
            fclose(out);
            close(fd);
        }
        return NULL;
    }
    struct gn_asker *a = gn_calloc(1, sizeof(*a));
    a->loop = loop;
    a->out = out;
    a->fd = fd;
    a->poll = poll;
    a->poll->data = a;
    a->line = GN_BUF_INIT(LINE_MAX_BYTES);
    a->who = gn_strdup(who);
    gn_term_init(&a->term, out);
    gn_list_init(&a->waiting);
    gn_list_init(&a->children);
    return a;
}

static void on_closed(uv_handle_t *handle)
{
    struct gn_asker *a = handle->data;
    fclose(a->out);
    close(a->fd);
    gn_free(a->poll);
    gn_buf_release(&a->line);
    gn_free(a->who);
    gn_free(a);
}

void gn_asker_close(struct gn_asker *a)
{
    if (!a)
        return;
    a->is_closing = true;
    a->on_busy = NULL;
    while (!gn_list_empty(&a->waiting))
        gn_asked_refuse(GN_CONTAINER(a->waiting.next, struct gn_asked, node), false);
    while (!gn_list_empty(&a->children))
        let_child(GN_CONTAINER(a->children.next, struct child, node));
    uv_close((uv_handle_t *)a->poll, on_closed);
}

bool gn_asker_is_busy(const struct gn_asker *a)
{
    return a && a->current;
}

void gn_asker_on_busy(struct gn_asker *a, void (*on_busy)(void *arg, bool busy), void *arg)
{
    a->on_busy = on_busy;
    a->on_busy_arg = arg;
}

void gn_asker_elicit(struct gn_asker *a, gantry_question *question,
                     const gantry_client_elicitation *elicitation)
{
    if (elicitation->url)
        gn_asked_url(a, question, elicitation->message, elicitation->url);
    else
        gn_asked_form(a, question, elicitation->message, elicitation->schema);
}

bool *gn_asker_always(struct gn_asker *a)
{
    return &a->always;
}

bool gn_asker_start(struct gn_asker *a, const char *const *args)
{
    const uv_process_options_t options = {
        .exit_cb = on_child_exit,
        .file = args[0],
        .args = (char **)(uintptr_t)args,
        .flags = UV_PROCESS_DETACHED,
    };
    struct child *child = gn_calloc(1, sizeof(*child));
    gn_list_append(&a->children, &child->node);
    bool ok = uv_spawn(a->loop, &child->process, &options) == 0;
    if (ok)
        uv_unref((uv_handle_t *)&child->process);
    else
        let_child(child);
    return ok;
}
