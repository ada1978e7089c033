/* offer_resources.c - resources offered as tools: list_resources and read_resource. */
#include "registry/offer.h"

#include "util/str.h"

#define URI_MAX_CHARS 8192

static int list_resources(gantry_call *call, const void *in)
{
    static const enum gn_kind kinds[] = {GN_RESOURCE, GN_TEMPLATE};
    (void)in;
    return gn_offer_say_lists(call, kinds, GN_COUNT(kinds));
}

/* ---------------------------------------------------------------- read_resource */

struct read_in {
    const char *uri;
};

static const gantry_arg read_args[] = {
    GANTRY_ARG(struct read_in, uri,
               "URI of a resource, as list_resources shows it, or made after a URI template",
               .length = {0, URI_MAX_CHARS}),
    GANTRY_ARGS_END,
};

/* Text is said as text, unless it is that of another URI; bytes can only be embedded. */
static int say_contents(struct gn_call *call, const struct gn_offer_run *run, const char *uri)
{
    for (const struct gn_content *from = run->child->result.first; from; from = from->next) {
        struct gn_content c = *from;
        bool is_text = c.kind == GN_CONTENT_TEXT || c.kind == GN_CONTENT_EMBED_TEXT;
        bool is_other = c.uri && !gn_streq(c.uri, uri);
        c.kind = !is_text   ? GN_CONTENT_EMBED_BLOB
                 : is_other ? GN_CONTENT_EMBED_TEXT
                            : GN_CONTENT_TEXT;
        c.uri = c.uri ? c.uri : uri;
        c.mime = c.mime ? c.mime : run->component->mime_type;
        int rc = gn_call_adopt_content(call, &c);
        if (rc)
            return rc;
    }
    return gn_call_adopt_meta(call, run->child);
}

static int read_resource(gantry_call *call, const void *raw)
{
    const struct read_in *in = raw;
    const gantry_json *variables = NULL;
    struct gn_component *c;
    struct gn_offer_run run;
    int rc = gn_offer_find(call, GN_RESOURCE, in->uri, &variables, &c);
    if (rc)
        return rc;
    if (!c || !gn_offer_has(gn_offer_of(call), c))
        return gn_offer_unknown(call, GN_RESOURCE, in->uri);
    if (!gn_offer_begin(call, c, variables, in->uri, &run, &rc))
        return rc;
    if (run.outcome == GN_OUT_RESULT)
        rc = say_contents(call, &run, in->uri);
    else if (run.outcome == GN_OUT_NOT_FOUND) /* whatever is near cannot be meant */
        rc = gn_offer_unknown_of(call, GN_RESOURCE, in->uri, &(const char *const){NULL});
    else
        rc = gn_call_adopt_failure(call, run.child, run.outcome, gn_offer_label(call, c));
    gn_offer_end(&run);
    return rc;
}

void gn_offer_resources(struct gn_build *b, struct gn_transform *t)
{
    static const struct gn_offered specs[] = {
        {
            .name = "list_resources",
            .title = "List resources",
            .description = "Lists the resources of this server, each with its URI, and the URI "
                           "templates of others. read_resource reads one.",
            .run = list_resources,
            .is_reading = true,
        },
        {
            .name = "read_resource",
            .title = "Read resource",
            .description = "Reads a resource of this server by its URI. list_resources shows "
                           "which there are.",
            .args = read_args,
            .in_size = sizeof(struct read_in),
            .run = read_resource,
            .is_reading = true,
        },
    };
    gn_offer_add(b, t, specs, GN_COUNT(specs));
}
