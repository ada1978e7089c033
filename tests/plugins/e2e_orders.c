/* e2e_orders.c - tools that use the tools of sqlite, several times a request: what its transactions
 * are tried with. */
#include <gantry.h>

#include <string.h>
#include <unistd.h>

typedef struct {
    int64_t from, to, amount, wait_ms;
    const char *end, *prefix;
    bool read_first;
} transfer_in;

#define TRANSFER_ROWS                                                                              \
    GANTRY_ARG(transfer_in, from, "Account to take from", .default_json = "1"),                    \
        GANTRY_ARG(transfer_in, to, "Account to give to", .default_json = "2"),                    \
        GANTRY_ARG(transfer_in, amount, "How much", .default_json = "1"),                          \
        GANTRY_ARG(transfer_in, wait_ms, "Pause between the two changes", .default_json = "0"),    \
        GANTRY_ARG(transfer_in, end, "How it ends",                                                \
                   GANTRY_ONE_OF("well", "fail", "accident", "hang", "swallow"),                   \
                   .default_json = "\"well\""),                                                    \
        GANTRY_ARG(transfer_in, prefix, "Of the tools' names", .default_json = "\"\""),            \
        GANTRY_ARG(transfer_in, read_first, "Look at the balance before it is changed",            \
                   .default_json = "false"),                                                       \
        GANTRY_ARGS_END

static const gantry_arg transfer_args[] = {TRANSFER_ROWS};
static const gantry_arg transfer_blocking_args[] = {TRANSFER_ROWS};

/* Calls PREFIXexecute or PREFIXquery with two parameters. */
static int run(gantry_call *call, const char *prefix, const char *tool, const char *sql, int64_t a,
               int64_t b, const gantry_json **ret)
{
    const char *name = gantry_format(call, "%s%s", prefix, tool);
    gantry_builder *args = gantry_builder_new(call);
    gantry_put_object(args, NULL);
    gantry_put_string(args, "sql", sql);
    gantry_put_array(args, "params");
    gantry_put_int(args, NULL, a);
    gantry_put_int(args, NULL, b);
    gantry_put_close(args);
    gantry_put_close(args);
    const gantry_json *result;
    int rc = gantry_call_tool(call, name, gantry_builder_end(args), &result);
    if (rc == GANTRY_EFAILED)
        return gantry_fail(call, "%s: %s", name, gantry_failure(call));
    if (rc)
        return rc;
    if (ret)
        *ret = gantry_json_get(result, "structuredContent");
    return GANTRY_OK;
}

/* The first value of the first row. */
static int64_t value_of(const gantry_json *result)
{
    int64_t v = -1;
    gantry_json_int(gantry_json_at(gantry_json_at(gantry_json_get(result, "rows"), 0), 0), &v);
    return v;
}

static const char failing[] = "{\"sql\": \"INSERT INTO accounts VALUES (1, 0)\"}";

static int transfer(gantry_call *call, const transfer_in *in)
{
    int64_t balance = -1;
    int rc = GANTRY_OK;
    if (in->read_first) {
        const gantry_json *result;
        rc = run(call, in->prefix, "query", "SELECT balance FROM accounts WHERE id = ? AND ? = 0",
                 in->from, 0, &result);
        if (rc)
            return rc;
        balance = value_of(result);
    }
    if (in->read_first)
        rc = run(call, in->prefix, "execute", "UPDATE accounts SET balance = ? WHERE id = ?",
                 balance - in->amount, in->from, NULL);
    else
        rc = run(call, in->prefix, "execute",
                 "UPDATE accounts SET balance = balance - ? WHERE id = ?", in->amount, in->from,
                 NULL);
    if (rc)
        return rc;
    gantry_progress(call, 1, 2, "taken");
    rc = gantry_sleep(call, (uint32_t)in->wait_ms);
    if (rc)
        return rc;
    rc = run(call, in->prefix, "execute", "UPDATE accounts SET balance = balance + ? WHERE id = ?",
             in->amount, in->to, NULL);
    if (rc)
        return rc;
    if (strcmp(in->end, "fail") == 0)
        return gantry_fail(call, "as asked for");
    if (strcmp(in->end, "accident") == 0)
        return GANTRY_EIO;
    if (strcmp(in->end, "hang") == 0)
        return gantry_sleep(call, 3600 * 1000);
    const gantry_json *args = gantry_json_parse(call, failing, sizeof failing - 1), *ignored;
    if (strcmp(in->end, "swallow") == 0) /* a statement fails, the tool does not */
        gantry_call_tool(call, gantry_format(call, "%sexecute", in->prefix), args, &ignored);
    return gantry_text(call, "moved");
}

GANTRY_TOOL(transfer, transfer_in, "Moves money", .flags = 0)
{
    return transfer(call, in);
}

GANTRY_TOOL(transfer_blocking, transfer_in, "Moves money, on a worker thread",
            .flags = GANTRY_BLOCKING)
{
    return transfer(call, in);
}

/* Another tool of this plugin makes the change: a call in a call in a call. */
typedef struct {
    const char *end;
} deep_in;
static const gantry_arg deep_args[] = {
    GANTRY_ARG(deep_in, end, "How it ends", .default_json = "\"well\""),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(deep, deep_in, "Moves money twice through the tool transfer, then ends")
{
    for (int i = 0; i < 2; i++) {
        const gantry_json *result;
        int rc = gantry_call_tool(call, "transfer", NULL, &result);
        if (rc)
            return rc;
    }
    return strcmp(in->end, "fail") == 0 ? gantry_fail(call, "as asked for")
                                        : gantry_text(call, "moved twice");
}

typedef struct {
    int64_t wait_ms;
} look_twice_in;
static const gantry_arg look_twice_args[] = {
    GANTRY_ARG(look_twice_in, wait_ms, "Pause between the two looks"),
    GANTRY_ARGS_END,
};
GANTRY_TOOL(look_twice, look_twice_in, "Reads account 1 twice", .read_only = GANTRY_YES)
{
    const gantry_json *a, *b;
    static const char sql[] = "SELECT balance FROM accounts WHERE id = ? AND ? = 0";
    int rc = run(call, "", "query", sql, 1, 0, &a);
    if (rc)
        return rc;
    gantry_progress(call, 1, 2, "looked");
    rc = gantry_sleep(call, (uint32_t)in->wait_ms);
    if (rc)
        return rc;
    rc = run(call, "", "query", sql, 1, 0, &b);
    return rc ? rc : gantry_text(call, "%lld %lld", (long long)value_of(a), (long long)value_of(b));
}

static const char visit[] = "UPDATE accounts SET balance = balance + ? WHERE id = ?";

GANTRY_RESOURCE(visits, "orders://visits", "Counts whoever reads it", .mime_type = "text/plain")
{
    int rc = run(call, "", "execute", visit, 1, 1, NULL);
    return rc ? rc : gantry_text(call, "counted");
}

GANTRY_RESOURCE(nothing, "orders://nothing", "Counts, and then does not exist",
                .mime_type = "text/plain")
{
    int rc = run(call, "", "execute", visit, 1, 1, NULL);
    return rc ? rc : GANTRY_ENOENT;
}

GANTRY_PROMPT0(ask, "Counts whoever gets it")
{
    int rc = run(call, "", "execute", visit, 1, 1, NULL);
    return rc ? rc : gantry_text(call, "counted");
}

GANTRY_PLUGIN("orders", "1.0.0",
              .tools = GANTRY_TOOLS(&transfer_tool, &transfer_blocking_tool, &deep_tool,
                                    &look_twice_tool),
              .resources = GANTRY_RESOURCES(&visits_resource, &nothing_resource),
              .prompts = GANTRY_PROMPTS(&ask_prompt));
