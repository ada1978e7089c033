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

typedef struct {
    const char *status;
    int64_t processed;
} process_data_out;

static const gantry_arg process_data_fields[] = {
    GANTRY_ARG(process_data_out, status, "What became of it"),
    GANTRY_ARG(process_data_out, processed, "Items processed"),
    GANTRY_ARGS_END,
};

/* Returns what is wrong with the item; NULL: nothing. */
static const char *process_item(gantry_call *call, const gantry_json *item)
{
    if (!gantry_json_get(item, "id"))
        return "an item has no id";
    gantry_sleep(call, 1); /* the work */
    return NULL;
}

GANTRY_TOOL(process_data, process_data_in, "Tool with client-visible logging",
            GANTRY_OUTPUT(process_data_out, process_data_fields))
{
    const gantry_json *items = gantry_json_get(in->data, "items");
    int64_t count = 0;

    gantry_log_with(
        call, GANTRY_INFO, NULL,
        GANTRY_FIELDS({"data_size", GANTRY_VALUE((int64_t)gantry_json_count(in->data))}),
        "Starting data processing");
    for (const gantry_json *i = gantry_json_next(items, NULL); i; i = gantry_json_next(items, i)) {
        gantry_log_with(call, GANTRY_DEBUG, NULL,
                        GANTRY_FIELDS({"item_id", GANTRY_VALUE(gantry_json_get(i, "id"))}),
                        "Processing item %lld", (long long)++count);
        const char *error = process_item(call, i);
        if (error) {
            gantry_log_with(call, GANTRY_ERROR, NULL, GANTRY_FIELDS({"error", GANTRY_VALUE(error)}),
                            "Processing failed");
            return gantry_fail(call, "%s", error);
        }
    }
    gantry_log(call, GANTRY_INFO, "Data processing completed successfully");
    return gantry_structured(call, &(process_data_out){"success", count});
}

GANTRY_PLUGIN("logging_basic", "1.0.0", .tools = GANTRY_TOOLS(&process_data_tool));
