/* abi_text.c - structs, names, URIs and lists from a plugin: copied and checked. */
#include "plugin/abi_internal.h"
#include "util/alloc.h"
#include "util/str.h"

#include <math.h>
#include <string.h>

#define STRUCT_MAX 65536 /* bytes of a struct; more is no size */
#define TOOL_NAME_MAX 128
#define TOOL_NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
#define LABEL_MAX 128

int gn_abi_copy(void *dst, size_t known, size_t least, const void *raw, struct gn_error *err)
{
    uint32_t given;
    memset(dst, 0, known);
    if (!raw)
        return gn_error_set(err, GN_EINVAL, "is NULL");
    memcpy(&given, raw, sizeof given);
    if (given < least || given > STRUCT_MAX)
        return gn_error_set(err, GN_EINVAL,
                            "its struct says that it has %u bytes: .size is not set right", given);
    memcpy(dst, raw, GN_MIN((size_t)given, known));
    const unsigned char *bytes = raw;
    for (size_t at = known; at < given; at++) {
        if (bytes[at] != 0)
            return gn_error_set(err, GN_ENOTSUP, "uses fields newer than this host");
    }
    return GN_OK;
}

int gn_abi_check_bits(uint32_t given, uint32_t known, const char *what, struct gn_error *err)
{
    if (given & ~known)
        return gn_error_set(err, GN_ENOTSUP, "uses %s newer than this host (0x%x)", what,
                            given & ~known);
    return GN_OK;
}

static bool has_control(const char *s)
{
    for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
        /* C0, DEL, and C1 (U+0080 to U+009F are C2 80 to C2 9F). */
        if (*p < 0x20 || *p == 0x7F || (*p == 0xC2 && p[1] >= 0x80 && p[1] < 0xA0))
            return true;
    }
    return false;
}

const char *gn_abi_label(const char *s)
{
    if (!s || !s[0])
        return "without a name";
    size_t len = strnlen(s, GN_ABI_URI_MAX + 1);
    if (len > GN_ABI_URI_MAX || !gn_utf8_valid(s, len) || has_control(s))
        return "with an unprintable name";
    return s;
}

int gn_abi_text(const char *what, const char *s, char **ret, struct gn_error *err)
{
    *ret = NULL;
    if (!s)
        return GN_OK;
    size_t len = strnlen(s, GN_ABI_TEXT_MAX + 1);
    if (len > GN_ABI_TEXT_MAX)
        return gn_error_set(err, GN_ETOOBIG, "%s is longer than %u bytes", what, GN_ABI_TEXT_MAX);
    if (!gn_utf8_valid(s, len))
        return gn_error_set(err, GN_EINVAL, "%s is not UTF-8", what);
    *ret = gn_strndup(s, len);
    return GN_OK;
}

int gn_abi_name(enum gn_kind kind, const char *s, char **ret, struct gn_error *err)
{
    size_t max = kind == GN_TOOL ? TOOL_NAME_MAX : GN_ABI_NAME_MAX;
    *ret = NULL;
    if (!s || !s[0])
        return gn_error_set(err, GN_EINVAL, "has no name");
    size_t len = strnlen(s, max + 1);
    if (len > max)
        return gn_error_set(err, GN_EINVAL, "its name is longer than %zu bytes", max);
    if (!gn_utf8_valid(s, len))
        return gn_error_set(err, GN_EINVAL, "its name is not UTF-8");
    if (kind == GN_TOOL && s[strspn(s, TOOL_NAME_CHARS)])
        return gn_error_set(err, GN_EINVAL,
                            "its name may hold A-Z, a-z, 0-9, '_', '-' and '.' only");
    if (has_control(s))
        return gn_error_set(err, GN_EINVAL, "its name holds a control character");
    *ret = gn_strndup(s, len);
    return GN_OK;
}

/* RFC 3986: scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ), then a colon. */
static bool has_scheme(const char *s)
{
    static const char alpha[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char more[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.";
    return strspn(s, alpha) > 0 && s[strspn(s, more)] == ':';
}

int gn_abi_uri(const char *what, const char *s, char **ret, struct gn_error *err)
{
    *ret = NULL;
    if (!s || !s[0])
        return gn_error_set(err, GN_EINVAL, "has no %s", what);
    size_t len = strnlen(s, GN_ABI_URI_MAX + 1);
    if (len > GN_ABI_URI_MAX)
        return gn_error_set(err, GN_ETOOBIG, "its %s is longer than %d bytes", what,
                            GN_ABI_URI_MAX);
    if (!gn_utf8_valid(s, len))
        return gn_error_set(err, GN_EINVAL, "its %s is not UTF-8", what);
    if (has_control(s))
        return gn_error_set(err, GN_EINVAL, "its %s holds a control character", what);
    if (!has_scheme(s))
        return gn_error_set(err, GN_EINVAL, "its %s \"%s\" has no scheme, such as \"notes:\"", what,
                            s);
    *ret = gn_strndup(s, len);
    return GN_OK;
}

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* n characters of letters, digits and `others`, with none of the others at the ends. */
static bool is_label(const char *s, size_t n, const char *others)
{
    if (n == 0 || !is_alphanumeric(s[0]) || !is_alphanumeric(s[n - 1]))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!is_alphanumeric(s[i]) && !strchr(others, s[i]))
            return false;
    }
    return true;
}

int gn_abi_extension_name(const char *s, struct gn_error *err)
{
    bool is_good = s && strnlen(s, GN_ABI_NAME_MAX + 1) <= GN_ABI_NAME_MAX && strchr(s, '/');
    const char *name = is_good ? strchr(s, '/') + 1 : NULL;
    is_good = is_good && is_label(name, strlen(name), "-_.");
    for (size_t n; is_good && s < name; s += n + 1) {
        n = strcspn(s, "./");
        is_good = is_label(s, n, "-") && !(s[0] >= '0' && s[0] <= '9');
    }
    if (is_good)
        return GN_OK;
    return gn_error_set(err, GN_EINVAL,
                        "its name must be a prefix of labels with dots between them, a slash and "
                        "a name, as in com.example/maps");
}

int gn_abi_tags(const char *const *tags, char ***ret, struct gn_error *err)
{
    *ret = NULL;
    if (!tags || !tags[0])
        return GN_OK;
    size_t count = 0;
    while (tags[count] && count <= GN_ABI_LIST_MAX)
        count++;
    if (count > GN_ABI_LIST_MAX)
        return gn_error_set(err, GN_ETOOBIG, "has more than %d tags: does the list end with NULL?",
                            GN_ABI_LIST_MAX);
    *ret = gn_calloc(count + 1, sizeof **ret);
    for (size_t i = 0; i < count; i++) {
        int rc = gn_abi_text("a tag", tags[i], &(*ret)[i], err);
        if (rc)
            return rc;
    }
    return GN_OK;
}

static int copy_icon(const gantry_icon *raw, struct gn_icon *icon, struct gn_error *err)
{
    gantry_icon i;
    int rc = gn_abi_copy(&i, sizeof i, offsetof(gantry_icon, mime_type), raw, err);
    if (!rc)
        rc = gn_abi_check_bits(i.reserved, 0, "icon options", err);
    if (!rc && (!i.src || !(gn_starts_with(i.src, "https:") || gn_starts_with(i.src, "http:") ||
                            gn_starts_with(i.src, "data:"))))
        rc = gn_error_set(err, GN_EINVAL, "its source is not an https: or data: URI");
    if (!rc && i.theme && !gn_streq(i.theme, "light") && !gn_streq(i.theme, "dark"))
        rc = gn_error_set(err, GN_EINVAL, "its theme is neither \"light\" nor \"dark\"");
    if (!rc)
        rc = gn_abi_text("its source", i.src, &icon->src, err);
    if (!rc)
        rc = gn_abi_text("its MIME type", i.mime_type, &icon->mime_type, err);
    if (!rc)
        rc = gn_abi_text("its sizes", i.sizes, &icon->sizes, err);
    if (!rc)
        rc = gn_abi_text("its theme", i.theme, &icon->theme, err);
    return rc;
}

int gn_abi_icons(const gantry_icon *const *icons, struct gn_component *c, struct gn_error *err)
{
    size_t count = 0;
    while (icons && icons[count] && count <= GN_ABI_LIST_MAX)
        count++;
    if (count > GN_ABI_LIST_MAX)
        return gn_error_set(err, GN_ETOOBIG, "has more than %d icons: does the list end with NULL?",
                            GN_ABI_LIST_MAX);
    if (count == 0)
        return GN_OK;
    c->icons = gn_calloc(count, sizeof *c->icons);
    c->icon_count = count;
    for (size_t i = 0; i < count; i++) {
        int rc = copy_icon(icons[i], &c->icons[i], err);
        if (rc) {
            gn_error_prefix(err, "icon %zu: ", i + 1);
            return rc;
        }
    }
    return GN_OK;
}

int gn_abi_list(const char *what, const char *const *list, size_t max, char ***ret,
                struct gn_error *err)
{
    size_t count = 0;
    *ret = NULL;
    if (!list)
        return GN_OK;
    while (list[count] && count <= max)
        count++;
    if (count > max)
        return gn_error_set(err, GN_ETOOBIG, "%s: more than %zu: does the list end with NULL?",
                            what, max);
    *ret = gn_calloc(count + 1, sizeof **ret);
    for (size_t i = 0; i < count; i++) {
        int rc = gn_abi_text(what, list[i], &(*ret)[i], err);
        if (!rc && !*list[i])
            rc = gn_error_set(err, GN_EINVAL, "%s: one of them is empty", what);
        if (rc)
            return rc;
    }
    return GN_OK;
}

int gn_abi_hint(int8_t given, int8_t *to, struct gn_error *err)
{
    *to = given;
    if (given < GANTRY_NO || given > GANTRY_YES)
        return gn_error_set(err, GN_EINVAL, "a hint is neither GANTRY_YES nor GANTRY_NO");
    return GN_OK;
}

int gn_abi_value(const char *what, const char *json, json_t **ret, struct gn_error *err)
{
    *ret = NULL;
    if (!json)
        return GN_OK;
    size_t len = strnlen(json, GN_ABI_JSON_MAX + 1);
    if (len > GN_ABI_JSON_MAX)
        return gn_error_set(err, GN_ETOOBIG, "%s is longer than %u bytes", what, GN_ABI_JSON_MAX);
    struct gn_json_doc doc = {0};
    int rc = gn_json_parse_copy(&doc, json, len, NULL, err);
    if (rc) {
        gn_error_prefix(err, "%s: ", what);
        return rc;
    }
    *ret = gn_json_to_jansson(gn_json_root(&doc));
    gn_json_release(&doc);
    return *ret ? GN_OK
                : gn_error_set(err, GN_EINVAL, "%s holds a number that is out of range", what);
}

int gn_abi_object(const char *what, const char *json, json_t **ret, struct gn_error *err)
{
    int rc = gn_abi_value(what, json, ret, err);
    if (rc || !*ret || json_is_object(*ret))
        return rc;
    json_decref(*ret);
    *ret = NULL;
    return gn_error_set(err, GN_EINVAL, "%s is not an object", what);
}

int gn_abi_meta(const char *json, json_t **ret, struct gn_error *err)
{
    return gn_abi_object("meta_json", json, ret, err);
}

int gn_abi_annotations(const gantry_annotations *raw, struct gn_annotations *ret,
                       struct gn_error *err)
{
    gantry_annotations a;
    int rc = gn_abi_copy(&a, sizeof a, offsetof(gantry_annotations, last_modified), raw, err);
    if (!rc)
        rc = gn_abi_check_bits(a.audience, GANTRY_USER | GANTRY_ASSISTANT, "audiences", err);
    if (!rc && a.priority.set && !(a.priority.value >= 0 && a.priority.value <= 1))
        rc = gn_error_set(err, GN_EINVAL, "priority is not between 0 and 1");
    if (rc) {
        gn_error_prefix(err, "annotations: ");
        return rc;
    }
    ret->audience = a.audience;
    ret->has_priority = a.priority.set;
    ret->priority = a.priority.set ? a.priority.value : 0;
    return gn_abi_text("annotations: last_modified", a.last_modified, &ret->last_modified, err);
}
