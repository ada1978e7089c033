/* logging_performance.c - from the guide's chapter "Server-Side Logging": Performance Logging.
 *
 * Timers belong to the call, by name: what ends adds up, can be read back, and is told in one line.
 */
#include <gantry.h>

typedef struct {
    gantry_ints data;
} operation_in;

static const gantry_arg performance_sensitive_operation_args[] = {
    GANTRY_ARG(operation_in, data, "Numbers", .length = {1, 1000}),
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

static int process_item(gantry_call *call, int64_t item, int64_t *sum)
{
    *sum += item * item;
    return gantry_sleep(call, 1);
}

static int operate(gantry_call *call, gantry_ints data, int64_t *sum)
{
    int rc = GANTRY_OK;

    /* A block that is timed may be left in any way: its timer ends. */
    GANTRY_TIMED(call, "validation") {
        rc = validate_input(call, data);
        if (rc)
            return rc;
    }
    GANTRY_TIMED(call, "processing") {
        for (size_t i = 0; i < data.n; i++) {
            GANTRY_TIMED(call, "item_processing") {
                rc = process_item(call, data.v[i], sum);
                if (rc)
                    return rc;
            }
        }
    }
    GANTRY_TIMED(call, "finalization") {
        rc = gantry_structured_json(call, GANTRY_OBJECT(call, "sum", *sum));
    }
    return rc;
}

GANTRY_TOOL(performance_sensitive_operation, operation_in, "Operation with performance logging")
{
    int64_t sum = 0;
    int rc = GANTRY_OK;

    GANTRY_TIMED(call, "total_operation") {
        rc = operate(call, in->data, &sum);
    }
    if (rc)
        return rc;
    double rate = (double)in->data.n / gantry_timer_elapsed(call, "processing");
    gantry_log_with(call, GANTRY_INFO, "performance",
                    GANTRY_FIELDS("total_items", in->data.n, "processing_rate", rate),
                    "Performance summary");
    return gantry_timer_summary(call); /* each timer: how often, how long in all, mean, maximum */
}

GANTRY_PLUGIN("logging_performance", "1.0.0",
              .tools = GANTRY_TOOLS(&performance_sensitive_operation_tool));
