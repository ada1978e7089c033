/* crash.c - last words: whose fault it was.
 *
 * A coroutine that overflows its stack hits its guard page, and there is no stack left to run a
 * handler on; hence alternate signal stacks, one for each thread. Everything in the handler is
 * async-signal-safe. It does not try to go on: it puts back what was there before and returns, so
 * that the same instruction faults again and the core dump shows the crash itself.
 */
#include "coro/internal.h"

#include "util/alloc.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define SIGNAL_STACK_BYTES ((size_t)64 * 1024)

static const int signals[] = {SIGSEGV, SIGBUS};

/* Of the process, as signal handlers are. */
static struct sigaction before[GN_COUNT(signals)];
static bool installed; /* atomic */

static _Thread_local const char *piece __attribute__((tls_model("initial-exec")));

/* A line of text, without stdio. */
struct line {
    char text[512];
    size_t len;
};

static void add(struct line *l, const char *s)
{
    while (*s && l->len < sizeof(l->text) - 1)
        l->text[l->len++] = *s++;
}

static void add_hex(struct line *l, uintptr_t value)
{
    char digits[2 * sizeof(value) + 1];
    size_t at = sizeof(digits) - 1;
    digits[at] = '\0';
    do {
        digits[--at] = "0123456789abcdef"[value & 15];
        value >>= 4;
    } while (value);
    add(l, "0x");
    add(l, digits + at);
}

static void describe(struct line *l, int sig, const void *address)
{
    const struct gn_task *task = gn_task_current();
    add(l, "gantry: ");
    add(l, sig == SIGBUS ? "SIGBUS" : "SIGSEGV");
    add(l, " at address ");
    add_hex(l, (uintptr_t)address);
    if (task) {
        add(l, task->is_worker ? " in worker task " : " in task ");
        add(l, task->name);
        if (task->fiber && gn_fiber_guards(task->fiber, address))
            add(l, ": it overflowed its stack (guard page hit)");
    } else if (piece) {
        add(l, " in work handed out by task ");
        add(l, piece);
    } else {
        add(l, " outside of tasks");
    }
    add(l, "\n");
}

static void on_crash(int sig, siginfo_t *info, void *context)
{
    (void)context;
    int saved_errno = errno;
    struct line line = {.len = 0};
    describe(&line, sig, info->si_addr);
    ssize_t written = write(STDERR_FILENO, line.text, line.len);
    (void)written;
    for (size_t i = 0; i < GN_COUNT(signals); i++) {
        if (signals[i] == sig)
            sigaction(sig, &before[i], NULL);
    }
    /* Sent by somebody rather than raised by an instruction: that does not happen by itself again.
     * It is blocked until this returns. */
    if (info->si_code <= 0)
        raise(sig);
    errno = saved_errno;
}

static bool has_signal_stack(void)
{
    stack_t now;
    return sigaltstack(NULL, &now) == 0 && !(now.ss_flags & SS_DISABLE);
}

static void *set_signal_stack(void)
{
    stack_t stack = {.ss_sp = gn_malloc(SIGNAL_STACK_BYTES), .ss_size = SIGNAL_STACK_BYTES};
    if (sigaltstack(&stack, NULL) == 0)
        return stack.ss_sp;
    gn_free(stack.ss_sp);
    return NULL;
}

void *gn_crash_enter_thread(void)
{
    /* AddressSanitizer has given the thread one already, and wants to find it there at the end. */
    if (!__atomic_load_n(&installed, __ATOMIC_ACQUIRE) || has_signal_stack())
        return NULL;
    return set_signal_stack();
}

void gn_crash_leave_thread(void *stack)
{
    if (!stack)
        return;
    stack_t none = {.ss_flags = SS_DISABLE};
    sigaltstack(&none, NULL);
    gn_free(stack);
}

void gn_crash_set_piece(const char *name)
{
    piece = name;
}

void gn_task_install_crash_report(void)
{
    static char first_stack[SIGNAL_STACK_BYTES];
    if (__atomic_exchange_n(&installed, true, __ATOMIC_ACQ_REL))
        return;
    if (!has_signal_stack()) {
        stack_t stack = {.ss_sp = first_stack, .ss_size = sizeof(first_stack)};
        sigaltstack(&stack, NULL);
    }
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_sigaction = on_crash;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < GN_COUNT(signals); i++)
        sigaction(signals[i], &action, &before[i]);
}
