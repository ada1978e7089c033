/* e2e_wait.c - tools that wait for their client: with a step that must not be done twice, marked to
 * be replayed and not, and one that asks a single question. Two builds differ in `build`. */
#include <gantry.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const char *item, *ledger;
} order_in;
static const gantry_arg order_args[] = {
    GANTRY_ARG(order_in, item, "What to order"),
    GANTRY_ARG(order_in, ledger, "File that each reservation adds a line to"),
    GANTRY_ARGS_END,
};

typedef struct {
    const char *size;
} size_answer;
static const gantry_arg size_args[] = {
    GANTRY_ARG(size_answer, size, "Which one", GANTRY_ONE_OF("small", "large")),
    GANTRY_ARGS_END,
};

typedef struct {
    bool sure;
} sure_answer;
static const gantry_arg sure_args[] = {
    GANTRY_ARG(sure_answer, sure, "Is that right"),
    GANTRY_ARGS_END,
};

static int reserve(gantry_call *call, void *arg, const gantry_json **ret)
{
    const order_in *in = arg;
    char text[64];
    FILE *f = fopen(in->ledger, "a");
    if (!f)
        return gantry_fail(call, "the ledger cannot be written");
    fprintf(f, "%s\n", in->item);
    fclose(f);
    int n = snprintf(text, sizeof text, "{\"process\":%ld}", (long)getpid());
    *ret = gantry_json_parse(call, text, (size_t)n);
    return *ret ? GANTRY_OK : GANTRY_ETOOBIG;
}

static int take_order(gantry_call *call, const order_in *in)
{
    order_in copy = *in;
    size_answer wanted;
    sure_answer sure;
    const gantry_json *reserved = NULL;
    int rc = gantry_elicit(call, "size", "Which size?", GANTRY_FORM(size_answer, size_args),
                           &wanted);
    if (rc == GANTRY_EDECLINED)
        return gantry_text(call, "no order");
    if (rc)
        return rc;
    rc = gantry_once(call, "reserve", reserve, &copy, &reserved);
    if (rc)
        return rc;
    rc = gantry_elicit(call, "sure", "Shall I?", GANTRY_FORM(sure_answer, sure_args), &sure);
    if (rc)
        return rc;
    return gantry_text(call, "%s %s %s, reserved by %lld", sure.sure ? "ordered" : "dropped",
                       wanted.size, in->item,
                       (long long)gantry_json_int_or(reserved, "process", 0));
}

GANTRY_TOOL(order, order_in, "Orders something, and may be run again", .flags = GANTRY_REPLAY)
{
    return take_order(call, in);
}

#define order_threaded_args order_args
GANTRY_TOOL(order_threaded, order_in, "Orders something on a worker, and may be run again",
            .flags = GANTRY_REPLAY | GANTRY_BLOCKING)
{
    return take_order(call, in);
}

#define order_here_args order_args
GANTRY_TOOL(order_here, order_in, "Orders something where it began")
{
    return take_order(call, in);
}

GANTRY_TOOL0(wait, "Waits for one answer")
{
    sure_answer sure;
    int rc = gantry_elicit(call, "sure", "Go on?", GANTRY_FORM(sure_answer, sure_args), &sure);
    return rc ? rc : gantry_text(call, "%s", sure.sure ? "yes" : "no");
}

static int runs; /* of the tool below; on the loop only */

typedef struct {
    int64_t mebibytes;
} much_in;
static const gantry_arg much_args[] = {
    GANTRY_ARG(much_in, mebibytes, "How much", .range = {1, 48}),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(much, much_in, "Says so much once it has an answer")
{
    sure_answer sure;
    int rc = gantry_elicit(call, "sure", "Really?", GANTRY_FORM(sure_answer, sure_args), &sure);
    if (rc)
        return rc;
    size_t len = (size_t)in->mebibytes << 20;
    char *text = malloc(len + 1);
    if (!text)
        return GANTRY_ETOOBIG;
    int head = snprintf(text, len, "run %d ", ++runs);
    memset(text + head, 'x', len - (size_t)head);
    text[len] = '\0';
    rc = gantry_text_add(call, text, len);
    free(text);
    return rc;
}

GANTRY_TOOL0(runs, "How often that has run")
{
    return gantry_text(call, "%d", runs);
}

GANTRY_TOOL0(build, "Which build this is")
{
    return gantry_text(call, "%d", WAIT);
}

GANTRY_PLUGIN("wait", "1.0.0",
              .tools = GANTRY_TOOLS(&order_tool, &order_threaded_tool, &order_here_tool, &wait_tool,
                                    &much_tool, &runs_tool, &build_tool));
