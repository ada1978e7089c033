/* chart.c - an MCP App: a tool whose result clients show as a picture.
 *
 * The tool says in its `_meta` which resource draws what it returns; a client that has MCP Apps
 * (extension io.modelcontextprotocol/ui) reads that page, shows it, and hands it the structured
 * output. Others are given the same as text.
 */
#include "view.h"

#include <gantry.h>

#include <stdio.h>
#include <string.h>

#define UI "io.modelcontextprotocol/ui"
#define VIEW_URI "ui://chart/bars"
#define VIEW_TYPE "text/html;profile=mcp-app"
#define BAR_MAX 40 /* characters */

/* ---------------------------------------------------------------- the view */

GANTRY_RESOURCE(bars, VIEW_URI, "Draws bars", .title = "Bars", .mime_type = VIEW_TYPE,
                .meta_json = "{\"ui\":{\"prefersBorder\":true}}", .ttl_ms = 3600000,
                .cache_scope = GANTRY_CACHE_PUBLIC)
{
    return gantry_text(call, "%s", chart_view);
}

/* Whether this client shows such pages. */
static bool shows_views(gantry_call *call)
{
    const gantry_json *types = gantry_json_get(gantry_client_extension(call, UI), "mimeTypes");
    for (const gantry_json *v = NULL; (v = gantry_json_next(types, v)) != NULL;) {
        const char *type = gantry_json_string(v, NULL);
        if (type && strcmp(type, VIEW_TYPE) == 0)
            return true;
    }
    return false;
}

/* ---------------------------------------------------------------- the tool */

typedef struct {
    const char *label;
    double value;
} point;

static const gantry_arg point_fields[] = {
    GANTRY_ARG(point, label, "What is counted", .length = {1, 60}),
    GANTRY_ARG(point, value, "How much"),
    GANTRY_ARGS_END,
};

typedef struct {
    const char *title;
    GANTRY_ARRAY(point) points;
} show_chart_in;

static const gantry_arg show_chart_args[] = {
    GANTRY_ARG(show_chart_in, title, "Above the chart", .default_json = "\"Chart\"",
               .length = {1, 100}),
    GANTRY_ARG_ARRAY(show_chart_in, points, point_fields, "One bar each, from top to bottom",
                     .length = {1, 100}),
    GANTRY_ARGS_END,
};

static double size_of(double value)
{
    return value < 0 ? -value : value;
}

/* A bar of text, as long as the value has it. */
static const char *bar_of(char bar[BAR_MAX + 1], double value, double most)
{
    int n = most > 0 ? (int)(BAR_MAX * (size_of(value) / most) + 0.5) : 0;
    memset(bar, value < 0 ? '-' : '#', (size_t)n);
    bar[n] = '\0';
    return bar;
}

static int draw_as_text(gantry_call *call, const show_chart_in *in)
{
    char lines[100 * (60 * 4 + BAR_MAX + 40) + 512], bar[BAR_MAX + 1];
    size_t at = (size_t)snprintf(lines, sizeof lines, "%s\n", in->title);
    double most = 0;
    int width = 0;
    for (size_t i = 0; i < in->points.n; i++) {
        const point *p = &in->points.v[i];
        most = size_of(p->value) > most ? size_of(p->value) : most;
        width = (int)strlen(p->label) > width ? (int)strlen(p->label) : width;
    }
    for (size_t i = 0; i < in->points.n && at < sizeof lines; i++) {
        const point *p = &in->points.v[i];
        at += (size_t)snprintf(lines + at, sizeof lines - at, "%-*s | %s %g\n", width, p->label,
                               bar_of(bar, p->value, most), p->value);
    }
    return gantry_text(call, "%s", lines);
}

GANTRY_TOOL(show_chart, show_chart_in, "Shows numbers as a bar chart", .title = "Show chart",
            .read_only = GANTRY_YES, GANTRY_OUTPUT(show_chart_in, show_chart_args),
            .meta_json = "{\"ui\":{\"resourceUri\":\"" VIEW_URI "\"}}")
{
    int rc = gantry_structured(call, in);
    if (rc)
        return rc;
    if (shows_views(call)) /* the person sees it: the model need not read it bar by bar */
        return gantry_text(call, "A chart of %zu bars is shown: %s", in->points.n, in->title);
    return draw_as_text(call, in);
}

GANTRY_PLUGIN("chart", "1.0.0", .description = "Shows numbers as a bar chart",
              .tools = GANTRY_TOOLS(&show_chart_tool),
              .resources = GANTRY_RESOURCES(&bars_resource),
              GANTRY_EXTENSIONS(GANTRY_EXTENSION(UI, "{\"mimeTypes\":[\"" VIEW_TYPE "\"]}")));
