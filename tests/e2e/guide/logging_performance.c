/* logging_performance.c - from the guide's chapter "Server-Side Logging": Performance Logging.
 *
 * Timers belong to the call, by name: what ends adds up, can be read back, and is told in one line.
 */
#include <gantry.h>

typedef struct {
    gantry_ints data;
} performance_sensitive_operation_in;

static const gantry_arg performance_sensitive_operation_args[] = {
    GANTRY_ARG(performance_sensitive_operation_in, data, "Numbers", .length = {1, 1000}),
    GANTRY_ARGS_END,
};

typedef struct {
    int64_t sum;
} performance_sensitive_operation_out;

static const gantry_arg performance_sensitive_operation_fields[] = {
    GANTRY_ARG(performance_sensitive_operation_out, sum, "The sum of their squares"),
    GANTRY_ARGS_END,
};

static int validate_input(gantry_call *call, gantry_ints data)
{
    for (size_t i = 0; i < data.n; i++) {
        if (data.v[i] < -1000 || data.v[i] > 1000)
            return gantry_fail(call, "%lld is too much", (long long)data.v[i]);
    }
    return GANTRY_OK;
}

static int process_item(gantry_call *call, int64_t item, int64_t *result)
{
    *result = item * item;
    return gantry_sleep(call, 1);
}

GANTRY_TOOL(performance_sensitive_operation, performance_sensitive_operation_in,
            "Operation with performance logging",
            GANTRY_OUTPUT(performance_sensitive_operation_out,
                          performance_sensitive_operation_fields))
{
    int64_t sum = 0;
    int rc = GANTRY_OK;

    gantry_timer_begin(call, "total_operation");

    gantry_timer_begin(call, "validation");
    rc = validate_input(call, in->data);
    gantry_timer_end(call, "validation");

    gantry_timer_begin(call, "processing");
    for (size_t i = 0; i < in->data.n && !rc; i++) {
        int64_t result;
        gantry_timer_begin(call, "item_processing");
        rc = process_item(call, in->data.v[i], &result);
        gantry_timer_end(call, "item_processing");
        sum += result;
    }
    gantry_timer_end(call, "processing");

    gantry_timer_begin(call, "finalization");
    performance_sensitive_operation_out out = {.sum = sum};
    gantry_timer_end(call, "finalization");

    gantry_timer_end(call, "total_operation");
    if (rc)
        return rc;

    double seconds = gantry_timer_elapsed(call, "processing");
    gantry_log_with(call, GANTRY_INFO, "performance",
                    GANTRY_FIELDS({"total_items", GANTRY_VALUE((int64_t)in->data.n)},
                                  {"processing_rate", GANTRY_VALUE((double)in->data.n / seconds)}),
                    "Performance summary");
    gantry_timer_summary(call); /* every timer: how often, how long in all, on average, at most */
    return gantry_structured(call, &out);
}

GANTRY_PLUGIN("logging_performance", "1.0.0",
              .tools = GANTRY_TOOLS(&performance_sensitive_operation_tool));
