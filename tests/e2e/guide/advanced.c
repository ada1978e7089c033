/* advanced.c - from the guide: the chapters "Resource Templates", "Elicitation", "Progress
 * Tracking", "Sampling", and the basics of "Server-Side Logging", in one plugin.
 *
 * Questions to the client are plain function calls, whatever revision it speaks: with the old ones
 * the handler waits, with the new one the client comes back with the answer.
 */
#include <gantry.h>

#include <ctype.h>
#include <string.h>

/* ---------------------------------------------------------------- Resource Templates */

typedef struct {
    const char *user_id;
} profile_in;
static const gantry_arg profile_args[] = {GANTRY_ARG(profile_in, user_id, "Whose profile"),
                                          GANTRY_ARGS_END};

GANTRY_TEMPLATE(profile, profile_in, "user://{user_id}/profile", "Dynamic user profile resource",
                .mime_type = "application/json")
{
    const gantry_json *user = GANTRY_OBJECT(call, "id", in->user_id, "name",
                                            gantry_format(call, "User %s", in->user_id), "email",
                                            gantry_format(call, "%s@example.com", in->user_id));
    return gantry_text(call, "%s", gantry_json_print(call, user));
}

typedef struct {
    const char *type, *date;
} report_in;
static const gantry_arg report_args[] = {
    GANTRY_ARG(report_in, type, "What about", GANTRY_ONE_OF("sales", "traffic")),
    GANTRY_ARG(report_in, date, "Of which day", .format = "date"), GANTRY_ARGS_END};

GANTRY_TEMPLATE(report, report_in, "report://{type}/{date}/summary", "Report for a type and date",
                .mime_type = "application/json")
{
    const gantry_json *report = GANTRY_OBJECT(call, "type", in->type, "date", in->date, "summary",
                                              gantry_format(call, "All about %s", in->type));
    return gantry_text(call, "%s", gantry_json_print(call, report));
}

/* ---------------------------------------------------------------- Elicitation */

typedef struct {
    const char *name, *type, *description;
} project_config;
static const gantry_arg project_args[] = {
    GANTRY_ARG(project_config, name, "What it is called", .length = {1, 40}),
    GANTRY_ARG(project_config, type, "What it will be", GANTRY_ONE_OF("web", "api", "cli"),
               GANTRY_TITLES("Web site", "API", "Command line")),
    GANTRY_ARG(project_config, description, "What it is for", .default_json = "\"(none)\""),
    GANTRY_ARGS_END};

GANTRY_TOOL0(create_project, "Create project with interactive parameter gathering")
{
    project_config config;
    int rc = gantry_elicit(call, "config", "Please provide project configuration:",
                           GANTRY_FORM(project_config, project_args), &config);
    if (rc == GANTRY_EDECLINED)
        return gantry_text(call, "Project creation declined by user");
    if (rc == GANTRY_EDISMISSED)
        return gantry_text(call, "Project creation cancelled");
    if (rc)
        return rc;
    return gantry_text(call, "Created %s project: %s %s", config.type, config.name,
                       config.description);
}

typedef struct {
    const char *file_path;
} deletion_in;
static const gantry_arg confirm_deletion_args[] = {
    GANTRY_ARG(deletion_in, file_path, "What to delete"), GANTRY_ARGS_END};

GANTRY_TOOL(confirm_deletion, deletion_in, "Delete file with user confirmation",
            .destructive = GANTRY_YES)
{
    int rc = gantry_confirm(
        call, "sure", gantry_format(call, "Are you sure you want to delete %s?", in->file_path));
    if (rc == GANTRY_EDECLINED || rc == GANTRY_EDISMISSED)
        return gantry_text(call, "Deletion cancelled");
    return rc ? rc : gantry_text(call, "Deleted %s", in->file_path);
}

/* ---------------------------------------------------------------- Progress Tracking */

typedef struct {
    gantry_strings items;
} batch_in;
static const gantry_arg batch_process_args[] = {GANTRY_ARG(batch_in, items, "What to process"),
                                                GANTRY_ARGS_END};

GANTRY_TOOL(batch_process, batch_in, "Process items with progress reporting")
{
    gantry_builder *b = gantry_builder_new(call);
    gantry_put_object(b, NULL);
    gantry_put_int(b, "processed", (int64_t)in->items.n);
    gantry_put_array(b, "results");
    for (size_t i = 0; i < in->items.n; i++) {
        gantry_progress(call, (double)i, (double)in->items.n, NULL);
        int rc = gantry_sleep(call, 1);
        if (rc)
            return rc;
        char *item = gantry_format(call, "%s", in->items.v[i]);
        for (char *c = item; c && *c; c++)
            *c = (char)toupper((unsigned char)*c);
        gantry_put_string(b, NULL, item);
    }
    gantry_put_close(b);
    gantry_put_close(b);
    gantry_progress(call, (double)in->items.n, (double)in->items.n, NULL);
    return gantry_structured_json(call, gantry_builder_end(b));
}

GANTRY_TOOL0(multi_stage_operation, "Operation with percentage-based progress")
{
    static const struct {
        const char *name;
        double percentage;
    } stages[] = {{"Initializing", 25},
                  {"Processing data", 50},
                  {"Analyzing results", 75},
                  {"Generating report", 100}};
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        gantry_log(call, GANTRY_INFO, "Stage: %s", stages[i].name);
        gantry_progress(call, stages[i].percentage, 100, stages[i].name);
        int rc = gantry_sleep(call, 5);
        if (rc)
            return rc;
    }
    return gantry_text(call, "Operation completed successfully");
}

typedef struct {
    const char *directory;
} scan_in;
static const gantry_arg indeterminate_scan_args[] = {GANTRY_ARG(scan_in, directory, "Where"),
                                                     GANTRY_ARGS_END};

GANTRY_TOOL(indeterminate_scan, scan_in, "Scan with unknown total items")
{
    int found = 0;
    while (found < 10) { /* who knows how many there are? */
        gantry_progress(call, ++found, 0, NULL);
        int rc = gantry_sleep(call, 1);
        if (rc)
            return rc;
    }
    return gantry_structured_json(
        call, GANTRY_OBJECT(call, "files_found", found, "directory", in->directory));
}

/* ---------------------------------------------------------------- Sampling */

typedef struct {
    const char *text;
} text_in;
static const gantry_arg analyze_sentiment_args[] = {
    GANTRY_ARG(text_in, text, "What to read", .length = {1, 10000}), GANTRY_ARGS_END};

/* One word in lower case, without the space around it. */
static const char *one_word(gantry_call *call, const char *text)
{
    text += strspn(text, " \t\n");
    char *word = gantry_format(call, "%.*s", (int)strcspn(text, " \t\n."), text);
    for (char *c = word; c && *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return word;
}

GANTRY_TOOL(analyze_sentiment, text_in, "Analyze sentiment using client's LLM")
{
    gantry_sampled said;
    const char *prompt = gantry_format(
        call,
        "Analyze the sentiment of this text as positive, negative, or neutral. "
        "Reply with just one word.\n\nText: %s",
        in->text);
    int rc = gantry_sample(call, "sentiment", GANTRY_SAMPLING(prompt, .temperature = {true, 0.3}),
                           &said);
    if (rc)
        return rc;
    return gantry_structured_json(
        call, GANTRY_OBJECT(call, "text", in->text, "sentiment", one_word(call, said.text)));
}

typedef struct {
    const char *name, *category;
    gantry_strings features;
} product;
static const gantry_arg product_args[] = {GANTRY_ARG(product, name, NULL),
                                          GANTRY_ARG(product, category, NULL),
                                          GANTRY_ARG(product, features, NULL), GANTRY_ARGS_END};
typedef struct {
    product product;
} description_in;
static const gantry_arg generate_description_args[] = {
    GANTRY_ARG_OBJECT(description_in, product, product_args, "What to praise"), GANTRY_ARGS_END};

GANTRY_TOOL(generate_description, description_in,
            "Generate product description using LLM with parameters")
{
    gantry_sampled said;
    const char *features = "";
    for (size_t i = 0; i < in->product.features.n; i++)
        features = gantry_format(call, "%s%s%s", features, i > 0 ? ", " : "",
                                 in->product.features.v[i]);
    const char *prompt = gantry_format(call,
                                       "Generate a compelling product description for:\n"
                                       "Name: %s\nCategory: %s\nFeatures: %s",
                                       in->product.name, in->product.category, features);
    int rc = gantry_sample(
        call, "description",
        GANTRY_SAMPLING(prompt, .temperature = {true, 0.7}, .max_tokens = 200,
                        .system_prompt = "You are a creative product description writer."),
        &said);
    return rc ? rc : gantry_text(call, "%s", said.text);
}

GANTRY_PLUGIN("advanced", "1.0.0",
              .tools = GANTRY_TOOLS(&create_project_tool, &confirm_deletion_tool,
                                    &batch_process_tool, &multi_stage_operation_tool,
                                    &indeterminate_scan_tool, &analyze_sentiment_tool,
                                    &generate_description_tool),
              .templates = GANTRY_TEMPLATES(&profile_template, &report_template));
