/* format.c - the table of the formats of JSON Schema, and those that need few lines. */
#include "schema/format.h"

#include "schema/format_parts.h"
#include "schema/regex.h"
#include "util/str.h"

static bool valid_uuid(const char *s, size_t len)
{
    if (len != 36)
        return false;
    for (size_t i = 0; i < len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s[i] != '-' : !gn_is_hex(s[i]))
            return false;
    }
    return true;
}

static bool valid_json_pointer(const char *s, size_t len)
{
    if (len > 0 && s[0] != '/')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '~' && (i + 1 == len || !gn_is_one_of(s[i + 1], "01")))
            return false;
    }
    return true;
}

static bool valid_regex(const char *s, size_t len)
{
    struct gn_buf translated = GN_BUF_INIT(GN_REGEX_OUT_MAX);
    int rc = gn_regex_translate(s, len, &translated, NULL);
    gn_buf_release(&translated);
    return rc == 0;
}

const struct gn_format *gn_format_find(const char *name)
{
    static const struct gn_format formats[] = {
        {"date", "2026-01-31", gn_format_date},
        {"date-time", "2026-01-31T12:00:00Z", gn_format_date_time},
        {"duration", "P1DT12H", gn_format_duration},
        {"email", "name@example.com", gn_format_email},
        {"hostname", "www.example.com", gn_format_hostname},
        {"ipv4", "192.0.2.1", gn_format_ipv4},
        {"ipv6", "2001:db8::1", gn_format_ipv6},
        {"json-pointer", "/items/0/name", valid_json_pointer},
        {"regex", "^[a-z]+$", valid_regex},
        {"time", "12:00:00Z", gn_format_time},
        {"uri", "https://example.com/path", gn_format_uri},
        {"uri-reference", "/path?query", gn_format_uri_reference},
        {"uri-template", "https://example.com/{name}", gn_format_uri_template},
        {"uuid", "123e4567-e89b-12d3-a456-426614174000", valid_uuid},
    };
    for (size_t i = 0; i < GN_COUNT(formats); i++) {
        if (gn_streq(formats[i].name, name))
            return &formats[i];
    }
    return NULL;
}
