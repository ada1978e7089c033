/* transform_made.c - from the guide's chapter "Tool Transformation", and the tool `simple_op` of
 * its last example: tools made from those of another plugin (transform_originals.c).
 */
#include <gantry.h>

#include <ctype.h>
#include <string.h>

/* ---------------------------------------------------------------- Basic Transformation */

static const gantry_change smart_search_changes[] = {
    GANTRY_CHANGE(query, .description = "Search query (automatically cleaned)"),
    GANTRY_CHANGE(limit, .default_json = "20", .description = "Number of results (max 100)"),
    GANTRY_CHANGES_END};

GANTRY_TOOL_FROM(smart_search, "original_search", "Enhanced search with defaults and validation");

/* ---------------------------------------------------------------- Advanced, with Validation */

typedef struct {
    const char *query;
    int64_t limit;
} validated_in;
static const gantry_arg validated_search_args[] = {
    GANTRY_ARG(validated_in, query, "What to look for, three characters at least"),
    GANTRY_ARG(validated_in, limit, "How many; more than 100 are 100", .default_json = "10"),
    GANTRY_ARGS_END};
GANTRY_NO_CHANGES(validated_search);

/* In lower case, without the space around it. */
static const char *clean(gantry_call *call, const char *text)
{
    static const char space[] = " \t\r\n";
    text += strspn(text, space);
    size_t n = strlen(text);
    while (n > 0 && strchr(space, text[n - 1]))
        n--;
    char *clean = gantry_format(call, "%.*s", (int)n, text);
    for (char *c = clean; c && *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return clean;
}

GANTRY_TOOL_AROUND(validated_search, "original_search", validated_in,
                   "Search that cleans and checks what it is asked")
{
    const char *query = clean(call, in->query);
    if (!query)
        return GANTRY_ETOOBIG;
    if (strlen(query) < 3)
        return gantry_fail(call, "Query too short (min 3 characters)");
    int64_t limit = in->limit > 100 ? 100 : in->limit;
    return gantry_forward(call, GANTRY_OBJECT(call, "query", query, "limit", limit));
}

/* ---------------------------------------------------------------- simple_op */

static const gantry_change simple_op_changes[] = {
    GANTRY_CHANGE(auth_token, .hide = 1, .source = "env:TOKEN"),
    GANTRY_CHANGE(verbose, .hide = 1, .default_json = "false"), GANTRY_CHANGES_END};

GANTRY_TOOL_FROM(simple_op, "complex_operation", "Has one knob.");

GANTRY_PLUGIN("transform_made", "1.0.0",
              .tools_from = GANTRY_TOOLS_FROM(&smart_search_from, &validated_search_from,
                                              &simple_op_from));
