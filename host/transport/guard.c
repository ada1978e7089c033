/* guard.c - checks of Host, Origin, Accept, Content-Type and their kind. */
#include "transport/guard.h"

#include "config/config.h"
#include "util/str.h"

#include <arpa/inet.h>
#include <string.h>

#define HOST_MAX 256 /* a DNS name has 253 bytes at most */

/* A host and a port as they stand in Host and Origin. */
struct place {
    char host[HOST_MAX]; /* lower case, without brackets and without the final dot */
    const char *port;    /* "" if there is none */
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool is_host_char(char c, bool is_v6)
{
    c = lower(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' ||
           (is_v6 && c == ':');
}

static bool parse_place(const char *text, struct place *ret)
{
    bool is_v6 = *text == '[';
    size_t len = 0;
    if (is_v6)
        text++;
    while (is_host_char(text[len], is_v6))
        len++;
    if (len == 0 || len >= HOST_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        ret->host[i] = lower(text[i]);
    ret->host[len] = '\0';
    text += len;
    if (is_v6 && *text++ != ']')
        return false;
    if (!is_v6 && len > 1 && ret->host[len - 1] == '.')
        ret->host[len - 1] = '\0';
    ret->port = "";
    if (*text == ':') {
        ret->port = text + 1;
        text += 1 + strspn(text + 1, "0123456789");
    }
    return *text == '\0';
}

static bool is_loopback(const char *host)
{
    return gn_config_is_loopback(host) || gn_ends_with(host, ".localhost");
}

/* Two literals may be the same address in another spelling. */
static bool same_host(const char *a, const char *b)
{
    struct in6_addr a6, b6;
    if (gn_streq(a, b))
        return true;
    return inet_pton(AF_INET6, a, &a6) == 1 && inet_pton(AF_INET6, b, &b6) == 1 &&
           memcmp(&a6, &b6, sizeof(a6)) == 0;
}

static bool matches(const struct place *place, const char *pattern)
{
    struct place p;
    if (gn_streq(pattern, "*"))
        return true;
    bool below = gn_starts_with(pattern, "*.");
    if (!parse_place(below ? pattern + 2 : pattern, &p)) {
        /* An IPv6 literal may be written without brackets. */
        return same_host(place->host, pattern);
    }
    if (*p.port && !gn_streq(p.port, place->port))
        return false;
    if (!below)
        return same_host(place->host, p.host);
    size_t len = strlen(place->host), tail = strlen(p.host);
    return len > tail + 1 && place->host[len - tail - 1] == '.' &&
           gn_ends_with(place->host, p.host);
}

bool gn_guard_host(const char *host, const char *local, char *const *allowed)
{
    struct place place;
    if (!parse_place(host, &place))
        return false;
    if (is_loopback(place.host) || (local && same_host(place.host, local)))
        return true;
    for (; allowed && *allowed; allowed++) {
        if (matches(&place, *allowed))
            return true;
    }
    return false;
}

bool gn_guard_origin(const char *origin, char *const *allowed)
{
    struct place place;
    const char *rest = strstr(origin, "://");
    bool is_http = gn_starts_with(origin, "http://") || gn_starts_with(origin, "https://");
    if (is_http && parse_place(rest + 3, &place) && is_loopback(place.host))
        return true;
    for (; allowed && *allowed; allowed++) {
        if (gn_streq(*allowed, "*") || gn_strcaseeq(*allowed, origin))
            return true;
    }
    return false;
}

/* ---- lists */

static const char *skip_blank(const char *s)
{
    return s + strspn(s, " \t");
}

/* The next element of a comma-separated list; NULL at its end. */
static const char *next_element(const char **at, size_t *ret_len)
{
    const char *s = *at + strspn(*at, " \t,");
    if (!*s)
        return NULL;
    size_t len = strcspn(s, ",");
    *at = s + len;
    while (len && (s[len - 1] == ' ' || s[len - 1] == '\t'))
        len--;
    *ret_len = len;
    return s;
}

static bool same_start(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (lower(a[i]) != lower(b[i]))
            return false;
    }
    return true;
}

static bool same_text(const char *a, size_t len, const char *b)
{
    return strlen(b) == len && same_start(a, b, len);
}

/* Whether the parameters of a media range say q=0, which means: not this one. */
static bool is_refused(const char *params, const char *end)
{
    while (params < end) {
        const char *p = skip_blank(params + 1);
        const char *next = memchr(p, ';', (size_t)(end - p));
        next = next ? next : end;
        if (next - p >= 3 && lower(p[0]) == 'q' && p[1] == '=' && p[2] == '0') {
            p += 3;
            p += *p == '.' ? 1 + strspn(p + 1, "0") : 0;
            return p >= next || *p == ' ' || *p == '\t';
        }
        params = next;
    }
    return false;
}

/* How an Accept header takes a type: 3 by its name, 2 as any of its kind, 1 as any at all, 0 not
 * (q=0), -1 not mentioned. */
static int fit(const char *accept, const char *type)
{
    size_t len, major = strcspn(type, "/");
    int best = -1;
    bool taken = false;
    for (const char *s; (s = next_element(&accept, &len));) {
        const char *params = memchr(s, ';', len), *end = s + len;
        size_t range = params ? (size_t)(params - s) : len;
        while (range && (s[range - 1] == ' ' || s[range - 1] == '\t'))
            range--;
        int level = -1;
        if (same_text(s, range, type))
            level = 3;
        else if (range == major + 2 && same_start(s, type, major) && same_start(s + major, "/*", 2))
            level = 2;
        else if (same_text(s, range, "*/*"))
            level = 1;
        if (level < best || level < 0)
            continue;
        best = level;
        taken = !params || !is_refused(params, end);
    }
    return best < 0 ? -1 : taken ? best : 0;
}

bool gn_guard_accepts(const char *accept, const char *type)
{
    return !accept || !*skip_blank(accept) || fit(accept, type) > 0;
}

bool gn_guard_names(const char *accept, const char *type)
{
    return accept && fit(accept, type) == 3;
}

bool gn_guard_is_type(const char *content_type, const char *type)
{
    if (!content_type)
        return false;
    content_type = skip_blank(content_type);
    return same_text(content_type, strcspn(content_type, "; \t,"), type);
}

bool gn_guard_has_token(const char *list, const char *token)
{
    size_t len;
    for (const char *s; list && (s = next_element(&list, &len));) {
        if (same_text(s, len, token))
            return true;
    }
    return false;
}

bool gn_guard_length(const char *text, uint64_t *ret)
{
    int64_t value;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits] || !gn_parse_int64(text, &value) || value > (INT64_C(1) << 53))
        return false;
    *ret = (uint64_t)value;
    return true;
}

bool gn_guard_header_list(const char *text)
{
    static const char token[] = "!#$%&'*+-.^_`|~, \t0123456789abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return *text && strlen(text) <= 4096 && text[strspn(text, token)] == '\0';
}
