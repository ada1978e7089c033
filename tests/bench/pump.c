/* pump.c - sends one request many times to a program's standard input and counts the answers.
 *
 *   pump COUNT WINDOW OPENING REQUEST COMMAND [ARGUMENT...]
 *
 * OPENING is sent first and its answer awaited (a handshake); empty: nothing. REQUEST is one line
 * with the id 100000000, which is counted up; WINDOW of them are unanswered at a time. Prints one
 * JSON object: seconds until the first answer since exec, resident bytes of the program then,
 * seconds for COUNT answers. Exit code 1 if an answer holds "error" or does not come within a
 * minute.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BUFFER (1 << 20)

struct program {
    pid_t pid;
    int in, out;
    char buffer[BUFFER];
    size_t used;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static _Noreturn void die(const char *why)
{
    fprintf(stderr, "pump: %s\n", why);
    exit(1);
}

static void start(struct program *p, char **command)
{
    int in[2], out[2];
    if (pipe(in) != 0 || pipe(out) != 0)
        die("pipe failed");
    p->pid = fork();
    if (p->pid == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        close(in[0]);
        close(in[1]);
        close(out[0]);
        close(out[1]);
        execvp(command[0], command);
        _exit(127);
    }
    if (p->pid < 0)
        die("fork failed");
    close(in[0]);
    close(out[1]);
    p->in = in[1];
    p->out = out[0];
    p->used = 0;
}

static void send_text(struct program *p, const char *text, size_t n)
{
    while (n > 0) {
        ssize_t done = write(p->in, text, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            die("the program takes no more input");
        text += done;
        n -= (size_t)done;
    }
}

/* Sends the request with the next id. */
static void send_request(struct program *p, char *request, size_t n)
{
    static long next = 100000000;
    static char *id;
    char digits[16];
    if (!id && (id = strstr(request, "100000000")) == NULL)
        die("the request does not have the id 100000000");
    snprintf(digits, sizeof digits, "%09ld", next++);
    memcpy(id, digits, 9);
    send_text(p, request, n);
}

/* Reads what there is (waiting for some) and returns how many answers it held. Notifications have
 * no "id" and are not counted. */
static long take_answers(struct program *p)
{
    struct pollfd fd = {.fd = p->out, .events = POLLIN};
    if (poll(&fd, 1, 60000) != 1)
        die("no answer within a minute");
    ssize_t n = read(p->out, p->buffer + p->used, BUFFER - 1 - p->used);
    if (n <= 0)
        die("the program ended");
    p->used += (size_t)n;
    long answers = 0;
    char *line = p->buffer, *end;
    while ((end = memchr(line, '\n', p->used - (size_t)(line - p->buffer))) != NULL) {
        *end = '\0';
        if (strstr(line, "\"error\":") || strstr(line, "\"isError\":true"))
            die(line);
        if (strstr(line, "\"id\":"))
            answers++;
        line = end + 1;
    }
    p->used -= (size_t)(line - p->buffer);
    memmove(p->buffer, line, p->used);
    if (p->used >= BUFFER - 1)
        die("an answer is too long");
    return answers;
}

static long resident(pid_t pid)
{
    char path[64];
    long pages = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    FILE *f = fopen(path, "r");
    if (!f || fscanf(f, "%*d %ld", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return pages * sysconf(_SC_PAGESIZE);
}

int main(int argc, char **argv)
{
    static struct program p;
    if (argc < 6) {
        fprintf(stderr, "usage: pump COUNT WINDOW OPENING REQUEST COMMAND [ARGUMENT...]\n");
        return 2;
    }
    long count = strtol(argv[1], NULL, 10), window = strtol(argv[2], NULL, 10);
    size_t opening = strlen(argv[3]), request = strlen(argv[4]);
    signal(SIGPIPE, SIG_IGN);

    double began = now();
    start(&p, argv + 5);
    if (opening > 0) {
        send_text(&p, argv[3], opening);
        send_text(&p, "\n", 1);
        while (take_answers(&p) == 0)
            ;
    }
    /* The first one alone: from exec to an answer. */
    argv[4][request] = '\n'; /* where its NUL was: only ever written with its length */
    send_request(&p, argv[4], request + 1);
    while (take_answers(&p) == 0)
        ;
    double first = now() - began;
    long bytes = resident(p.pid);

    double pumping = now();
    long sent = 0, answered = 0;
    while (answered < count) {
        while (sent < count && sent - answered < window) {
            send_request(&p, argv[4], request + 1);
            sent++;
        }
        answered += take_answers(&p);
    }
    double pumped = now() - pumping;
    long later = resident(p.pid);
    close(p.in);
    int status = 0;
    waitpid(p.pid, &status, 0);
    printf("{\"first\": %.6f, \"resident\": %ld, \"pumped\": %.6f, \"count\": %ld, "
           "\"resident_later\": %ld, \"status\": %d}\n",
           first, bytes, pumped, count, later, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    return 0;
}
