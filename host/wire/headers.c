/* headers.c - values in HTTP headers. */
#include "wire/headers.h"

#include "util/error.h"
#include "util/str.h"

#include <string.h>

#define PREFIX "=?base64?"
#define SUFFIX "?="
#define PREFIX_LEN (sizeof(PREFIX) - 1)
#define SUFFIX_LEN (sizeof(SUFFIX) - 1)
#define MAX_NUMBER 400 /* characters of a number that is worth comparing */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool all_plain(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((s[i] < 0x20 || s[i] > 0x7E) && s[i] != '\t')
            return false;
    }
    return true;
}

static bool has_marks(const char *s, size_t len)
{
    return len >= PREFIX_LEN + SUFFIX_LEN && memcmp(s, PREFIX, PREFIX_LEN) == 0 &&
           memcmp(s + len - SUFFIX_LEN, SUFFIX, SUFFIX_LEN) == 0;
}

static bool same_number(const struct gn_buf *text, const gantry_json *value)
{
    struct gn_json_doc doc;
    if (text->len > MAX_NUMBER ||
        gn_json_parse_copy(&doc, gn_buf_str(text), text->len, NULL, NULL) != 0)
        return false;
    bool same = gn_json_equal(gn_json_root(&doc), value);
    gn_json_release(&doc);
    return same;
}

int gn_header_encode(struct gn_buf *out, const char *value, size_t len)
{
    /* "=?base64?=" has both marks sharing a character: encoded too, since readers may disagree. */
    bool looks_marked = len >= PREFIX_LEN && memcmp(value, PREFIX, PREFIX_LEN) == 0 &&
                        memcmp(value + len - SUFFIX_LEN, SUFFIX, SUFFIX_LEN) == 0;
    bool padded = len && (is_blank(value[0]) || is_blank(value[len - 1]));
    if (!looks_marked && !padded && all_plain(value, len))
        return gn_buf_add(out, value, len);
    if (!gn_utf8_valid(value, len))
        return GN_EINVAL;
    gn_buf_add(out, PREFIX, PREFIX_LEN);
    gn_base64_encode(out, value, len);
    return gn_buf_add(out, SUFFIX, SUFFIX_LEN);
}

int gn_header_encode_json(struct gn_buf *out, const gantry_json *value)
{
    int64_t integer;
    switch (gn_json_type(value)) {
    case GN_JSON_STRING:
        return gn_header_encode(out, value->text, value->len);
    case GN_JSON_TRUE:
        return gn_buf_adds(out, "true");
    case GN_JSON_FALSE:
        return gn_buf_adds(out, "false");
    case GN_JSON_NUMBER:
        if (gn_json_int(value, &integer)) /* 42.0 is said as 42 */
            return gn_buf_addf(out, "%lld", (long long)integer);
        return gn_buf_add(out, value->text, value->len);
    default:
        return GN_EINVAL;
    }
}

int gn_header_decode(struct gn_buf *out, const char *text, size_t len)
{
    while (len && is_blank(text[0]))
        text++, len--;
    while (len && is_blank(text[len - 1]))
        len--;
    if (!all_plain(text, len))
        return GN_EINVAL;
    if (!has_marks(text, len))
        return gn_buf_add(out, text, len);
    size_t before = out->len;
    int rc = gn_base64_decode(out, text + PREFIX_LEN, len - PREFIX_LEN - SUFFIX_LEN);
    if (rc)
        return rc;
    if (!gn_utf8_valid(gn_buf_str(out) + before, out->len - before)) {
        gn_buf_cut(out, before);
        return GN_EINVAL;
    }
    return 0;
}

bool gn_header_matches(const char *text, size_t len, const gantry_json *value)
{
    struct gn_buf decoded = GN_BUF_INIT(len);
    bool same = false;
    if (gn_header_decode(&decoded, text, len) == 0) {
        bool flag;
        if (gn_json_type(value) == GN_JSON_STRING)
            same = value->len == decoded.len &&
                   memcmp(value->text, gn_buf_str(&decoded), decoded.len) == 0;
        else if (gn_json_type(value) == GN_JSON_NUMBER)
            same = same_number(&decoded, value);
        else if (gn_json_bool(value, &flag))
            same = decoded.len == strlen(gn_buf_str(&decoded)) &&
                   gn_streq(gn_buf_str(&decoded), flag ? "true" : "false");
    }
    gn_buf_release(&decoded);
    return same;
}

bool gn_header_name_valid(const char *name)
{
    if (!name || !*name)
        return false;
    for (; *name; name++) {
        char c = *name;
        bool letter_or_digit = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                               (c >= '0' && c <= '9');
        if (!letter_or_digit && !strchr("!#$%&'*+-.^_`|~", c))
            return false;
    }
    return true;
}
