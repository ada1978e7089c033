/* logging_basic.c - from the guide's chapter "Server-Side Logging": Basic Client Logging.
 *
 * What a tool logs goes to the host's log and, as it happens, to the client that called it.
 */
#include <gantry.h>

typedef struct {
    const gantry_json *data;
} process_data_in;

static const gantry_arg process_data_args[] = {
    GANTRY_ARG(process_data_in, data, "{\"items\": [{\"id\": ...}, ...]}",
               .schema_json = "{\"type\":\"object\"}"),
    GANTRY_ARGS_END,
};

static int process_item(gantry_call *call, const gantry_json *item)
{
    if (!gantry_json_get(item, "id"))
        return gantry_fail(call, "an item has no id");
    return gantry_sleep(call, 1); /* the work */
}

GANTRY_TOOL(process_data, process_data_in, "Tool with client-visible logging")
{
    const gantry_json *items = gantry_json_get(in->data, "items");
    int64_t n = 0;

    gantry_log_with(call, GANTRY_INFO, NULL,
                    GANTRY_FIELDS("data_size", gantry_json_count(in->data)),
                    "Starting data processing");
    for (const gantry_json *i = gantry_json_next(items, NULL); i; i = gantry_json_next(items, i)) {
        gantry_log_with(call, GANTRY_DEBUG, NULL,
                        GANTRY_FIELDS("item_id", gantry_json_get(i, "id")), "Processing item %lld",
                        (long long)++n);
        int rc = process_item(call, i);
        if (rc) {
            gantry_log_with(call, GANTRY_ERROR, NULL, GANTRY_FIELDS("error", gantry_failure(call)),
                            "Processing failed");
            return rc;
        }
    }
    gantry_log(call, GANTRY_INFO, "Data processing completed successfully");
    return gantry_structured_json(call, GANTRY_OBJECT(call, "status", "success", "processed", n));
}

GANTRY_PLUGIN("logging_basic", "1.0.0", .tools = GANTRY_TOOLS(&process_data_tool));
