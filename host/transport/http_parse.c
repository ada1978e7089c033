/* http_parse.c - request line and fields. */
#include "transport/http_parse.h"

#include "util/str.h"

#include <string.h>

#define BAD 400
#define TOO_MANY 431
#define NOT_HTTP1 505

/* One bit for each character that a token may have (RFC 9110 5.6.2). */
static const uint64_t token_chars[2] = {0x3ff6cfa00000000ull, 0x57ffffffc7fffffeull};

static bool is_token_char(unsigned char c)
{
    return c < 0x80 && (token_chars[c >> 6] >> (c & 63) & 1);
}

static size_t token_len(const char *s, const char *end)
{
    const char *at = s;
    while (at < end && is_token_char((unsigned char)*at))
        at++;
    return (size_t)(at - s);
}

/* ---- the request line */

static bool is_target_char(unsigned char c)
{
    return c > 0x20 && c != 0x7F && c != '#';
}

/* Origin form, absolute form, or "*". */
static int parse_target(struct gn_http_head *h, char *target)
{
    char *path = target;
    bool is_http = gn_starts_with(target, "http://") || gn_starts_with(target, "https://");
    if (is_http) {
        char *authority = strstr(target, "://") + 3;
        size_t len = strcspn(authority, "/?");
        path = authority + len;
        if (len == 0)
            return BAD;
        /* Moved to the front, so that there is room for its end. */
        memmove(target, authority, len);
        target[len] = '\0';
        h->authority = target;
    }
    char *query = strchr(path, '?');
    if (query) {
        *query = '\0';
        h->query = query + 1;
    }
    if (is_http && *path == '\0')
        h->path = "/";
    else
        h->path = path;
    bool is_star = gn_streq(h->method, "OPTIONS") && gn_streq(path, "*");
    return *h->path == '/' || is_star ? 0 : BAD;
}

/* `line` is without its CRLF and NUL-terminated. */
static int parse_request_line(struct gn_http_head *h, char *line, size_t len)
{
    char *end = line + len, *at = line + token_len(line, end);
    h->method = line;
    if (at == line || at == end || *at != ' ')
        return BAD;
    *at++ = '\0';
    char *target = at;
    while (at < end && is_target_char((unsigned char)*at))
        at++;
    if (at == target || at == end || *at != ' ')
        return BAD;
    *at++ = '\0';
    size_t version = (size_t)(end - at);
    if (version != 8 || memcmp(at, "HTTP/", 5) != 0 || at[5] < '0' || at[5] > '9' || at[6] != '.' ||
        at[7] < '0' || at[7] > '9')
        return BAD;
    if (at[5] != '1')
        return NOT_HTTP1;
    h->minor = at[7] == '0' ? 0 : 1;
    return parse_target(h, target);
}

/* ---- fields */

static bool is_value(const char *s, const char *end)
{
    for (; s < end; s++) {
        unsigned char c = (unsigned char)*s;
        if ((c < 0x20 && c != '\t') || c == 0x7F)
            return false;
    }
    return true;
}

static struct gn_http_field *find_field(const struct gn_http_head *h, const char *name)
{
    for (size_t i = 0; i < h->field_count; i++) {
        if (h->fields[i].name[0] == name[0] && strcmp(h->fields[i].name, name) == 0)
            return &h->fields[i];
    }
    return NULL;
}

static int parse_field(struct gn_http_head *h, struct gn_arena *arena, char *line, size_t len)
{
    char *end = line + len;
    size_t name_len = token_len(line, end);
    if (name_len == 0 || name_len == len || line[name_len] != ':')
        return BAD; /* also a continued line, and a blank before the colon */
    for (size_t i = 0; i < name_len; i++) {
        if (line[i] >= 'A' && line[i] <= 'Z')
            line[i] = (char)(line[i] | 0x20);
    }
    line[name_len] = '\0';
    char *value = line + name_len + 1;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    if (!is_value(value, end))
        return BAD;
    *end = '\0';
    struct gn_http_field *same = find_field(h, line);
    if (same) {
        const char *joined = gn_arena_format(arena, "%s, %s", same->value, value);
        if (!joined)
            return TOO_MANY;
        same->value = joined;
        return 0;
    }
    if (h->field_count == GN_HTTP_FIELDS_MAX)
        return TOO_MANY;
    h->fields[h->field_count++] = (struct gn_http_field){line, value};
    return 0;
}

/* ---- */

size_t gn_http_head_end(const char *data, size_t len, size_t *scanned)
{
    size_t at = *scanned;
    /* A line end by itself is an error, but it ends the head, so that the error can be told. */
    for (const char *lf; at < len && (lf = memchr(data + at, '\n', len - at));) {
        size_t next = (size_t)(lf - data) + 1;
        if (next < len && data[next] == '\n')
            return next + 1;
        if (next + 1 < len && data[next] == '\r' && data[next + 1] == '\n')
            return next + 2;
        if (next + 1 >= len) {
            *scanned = next - 1;
            return 0;
        }
        at = next;
    }
    *scanned = len;
    return 0;
}

int gn_http_head_parse(struct gn_http_head *h, struct gn_arena *arena, const char *data, size_t len)
{
    *h = (struct gn_http_head){0};
    char *text = gn_arena_strndup(arena, data, len);
    h->fields = gn_arena_alloc(arena, GN_HTTP_FIELDS_MAX * sizeof(*h->fields));
    if (!text || !h->fields)
        return TOO_MANY;
    char *end = text + len, *line = text;
    bool is_first = true;
    while (line < end) {
        char *lf = memchr(line, '\n', (size_t)(end - line));
        if (!lf || lf == line || lf[-1] != '\r')
            return BAD;
        size_t line_len = (size_t)(lf - 1 - line);
        lf[-1] = '\0';
        if (line_len == 0)
            break;
        int status = is_first ? parse_request_line(h, line, line_len)
                              : parse_field(h, arena, line, line_len);
        if (status)
            return status;
        is_first = false;
        line = lf + 1;
    }
    return is_first ? BAD : 0;
}

const char *gn_http_head_find(const struct gn_http_head *head, const char *name)
{
    const struct gn_http_field *field = find_field(head, name);
    return field ? field->value : NULL;
}
