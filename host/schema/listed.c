/* listed.c - schemas as lists show them to clients. */
#include "schema/listed.h"

#include "util/str.h"

#include <string.h>

/* A schema, or its properties. These are objects in revisions up to 2025-11-25, and clients refuse
 * the whole list for a boolean among them: those become the objects that mean the same. */
static int write_schema(struct gn_buf *out, const gantry_json *v, bool is_properties)
{
    const char *start = "{";
    for (const gantry_json *m = NULL; (m = gn_json_next(v, m)) != NULL; start = ",") {
        size_t len = 0;
        const char *name = gn_json_name(m, &len);
        gn_buf_adds(out, start);
        gn_json_write_str(out, name, len);
        gn_buf_addc(out, ':');
        if (is_properties && gn_json_type(m) == GN_JSON_TRUE)
            gn_buf_adds(out, "{}");
        else if (is_properties && gn_json_type(m) == GN_JSON_FALSE)
            gn_buf_adds(out, "{\"not\":{}}");
        else if (!is_properties && gn_streq(name, "properties") &&
                 gn_json_type(m) == GN_JSON_OBJECT)
            write_schema(out, m, true);
        else
            gn_json_write(out, m);
    }
    gn_buf_adds(out, *start == '{' ? "{}" : "}");
    return out->overflow ? GN_ETOOBIG : GN_OK;
}

int gn_schema_listed(const struct gn_schema *s, size_t max_bytes, char **ret)
{
    struct gn_buf text = GN_BUF_INIT(max_bytes);
    int rc = write_schema(&text, gn_schema_root(s), false);
    if (!rc)
        *ret = gn_buf_take(&text, NULL);
    gn_buf_release(&text);
    return rc;
}

int gn_schema_listed_inline(const struct gn_schema *s, const char *text, size_t max_bytes,
                            char **ret)
{
    struct gn_buf out = GN_BUF_INIT(max_bytes), plain = GN_BUF_INIT(max_bytes);
    struct gn_json_doc doc = {0};
    if (!strstr(text, "\"$ref\"") && !strstr(text, "\"$dynamicRef\"") &&
        !strstr(text, "\"$recursiveRef\""))
        return GN_OK;
    int rc = gn_schema_write_dereferenced(s, max_bytes, &plain);
    if (!rc)
        rc = gn_json_parse_copy(&doc, plain.data, plain.len, NULL, NULL);
    if (!rc)
        rc = write_schema(&out, gn_json_root(&doc), false);
    if (!rc)
        *ret = gn_buf_take(&out, NULL);
    gn_json_release(&doc);
    gn_buf_release(&plain);
    gn_buf_release(&out);
    return rc ? GN_ETOOBIG : GN_OK;
}
