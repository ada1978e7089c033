/* ws_handshake.c - the handshake of a WebSocket, without I/O. */
#include "ws_handshake.h"

#include "curl_way.h"

#include "util/alloc.h"
#include "util/str.h"
#include "wire/ws_frame.h"

#include <curl/curl.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>

#define SUBPROTOCOL "mcp"
#define KEY_BYTES 16
#define REQUEST_MAX ((size_t)1 << 20) /* bytes; headers of the caller's included */
#define RETRY_AFTER_MAX_S 3600
#define SHOWN 120 /* bytes of what a server says */

/* ---------------------------------------------------------------- the request */

char *gn_ws_http_url(const gantry_client *c)
{
    return gn_format("http%s", c->s.url + strlen("ws"));
}

static bool is_header(const char *line, const char *name)
{
    size_t len = strlen(name);
    return strncasecmp(line, name, len) == 0 && line[len] == ':';
}

/* Which a caller cannot mean: they are of the connection. */
static bool is_ours(const char *line)
{
    static const char *const names[] = {"Connection", "Upgrade", "Content-Length",
                                        "Transfer-Encoding"};
    for (size_t i = 0; i < GN_COUNT(names); i++) {
        if (is_header(line, names[i]))
            return true;
    }
    return strncasecmp(line, "Sec-WebSocket-", strlen("Sec-WebSocket-")) == 0;
}

static bool has_header(const gantry_client *c, const char *name)
{
    for (char **h = c->s.headers; h && *h; h++) {
        if (is_header(*h, name))
            return true;
    }
    return false;
}

static void add_authorization(const gantry_client *c, CURLU *url, struct gn_buf *out)
{
    GN_AUTO_FREE char *user = gn_curl_url_part(url, CURLUPART_USER, CURLU_URLDECODE);
    GN_AUTO_FREE char *password = gn_curl_url_part(url, CURLUPART_PASSWORD, CURLU_URLDECODE);
    if (c->s.authorization) {
        gn_buf_addf(out, "Authorization: %s\r\n", c->s.authorization);
    } else if (user) {
        GN_AUTO_FREE char *both = gn_format("%s:%s", user, password ? password : "");
        gn_buf_adds(out, "Authorization: Basic ");
        gn_base64_encode(out, both, strlen(both));
        gn_buf_adds(out, "\r\n");
    }
}

static void add_headers(const gantry_client *c, CURLU *url, struct gn_buf *out)
{
    GN_AUTO_FREE char *host = gn_curl_url_part(url, CURLUPART_HOST, 0);
    GN_AUTO_FREE char *port = gn_curl_url_part(url, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT);
    if (!has_header(c, "Host"))
        gn_buf_addf(out, "Host: %s%s%s\r\n", host ? host : "", port ? ":" : "", port ? port : "");
    if (!has_header(c, "User-Agent"))
        gn_buf_adds(out, "User-Agent: gantry-client/" GANTRY_VERSION "\r\n");
    add_authorization(c, url, out);
    for (char **h = c->s.headers; h && *h; h++) {
        if (!is_ours(*h))
            gn_buf_addf(out, "%s\r\n", *h);
    }
}

void gn_ws_handshake_write(const gantry_client *c, char key[GN_WS_KEY_MAX], struct gn_buf *out)
{
    unsigned char bytes[KEY_BYTES];
    struct gn_buf text = GN_BUF_INIT(GN_WS_KEY_MAX - 1), request = GN_BUF_INIT(REQUEST_MAX);
    CURLU *url = curl_url();
    GN_AUTO_FREE char *http = gn_ws_http_url(c);
    curl_url_set(url, CURLUPART_URL, http, 0);
    GN_AUTO_FREE char *path = gn_curl_url_part(url, CURLUPART_PATH, 0);
    GN_AUTO_FREE char *query = gn_curl_url_part(url, CURLUPART_QUERY, 0);
    randombytes_buf(bytes, sizeof(bytes));
    gn_base64_encode(&text, bytes, sizeof(bytes));
    memcpy(key, gn_buf_str(&text), text.len + 1);
    gn_buf_release(&text);
    gn_buf_addf(&request, "GET %s%s%s HTTP/1.1\r\n", path ? path : "/", query ? "?" : "",
                query ? query : "");
    add_headers(c, url, &request);
    gn_buf_addf(&request,
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Protocol: " SUBPROTOCOL "\r\n\r\n",
                key);
    gn_buf_add(out, gn_buf_str(&request), request.len);
    gn_buf_release(&request);
    curl_url_cleanup(url);
}

/* ---------------------------------------------------------------- the answer */

/* Sets *ret to the value of the n-th header of that name; false if there is none. */
static bool find_header(const char *head, size_t len, const char *name, unsigned n,
                        struct gn_buf *ret)
{
    const char *end = head + len, *line = memchr(head, '\n', len);
    size_t name_len = strlen(name);
    gn_buf_clear(ret);
    while (line && ++line < end) {
        const char *eol = memchr(line, '\n', (size_t)(end - line));
        size_t line_len = (size_t)((eol ? eol : end) - line);
        if (line_len > name_len && line[name_len] == ':' &&
            strncasecmp(line, name, name_len) == 0 && n-- == 0) {
            const char *value = line + name_len + 1;
            size_t value_len = line_len - name_len - 1;
            while (value_len && (*value == ' ' || *value == '\t'))
                value++, value_len--;
            while (value_len && strchr(" \t\r", value[value_len - 1]))
                value_len--;
            gn_buf_add(ret, value, value_len);
            return true;
        }
        line = eol;
    }
    return false;
}

/* A list of tokens, perhaps in several headers, has this one. */
static bool has_token(const char *head, size_t len, const char *name, const char *token)
{
    struct gn_buf value = GN_BUF_INIT(len + 1);
    size_t want = strlen(token);
    bool has = false;
    for (unsigned n = 0; !has && find_header(head, len, name, n, &value); n++) {
        const char *at = gn_buf_str(&value);
        while (*at && !has) {
            at += strspn(at, ", \t");
            size_t part = strcspn(at, ", \t");
            has = part == want && strncasecmp(at, token, want) == 0;
            at += part;
        }
    }
    gn_buf_release(&value);
    return has;
}

static const char *what_is_wrong(const char *key, const char *head, size_t len)
{
    char accept[GN_WS_ACCEPT_MAX];
    struct gn_buf value = GN_BUF_INIT(len + 1);
    const char *problem = NULL;
    gn_ws_accept(accept, key);
    if (!has_token(head, len, "Upgrade", "websocket"))
        problem = "it upgrades to something else";
    else if (!has_token(head, len, "Connection", "upgrade"))
        problem = "the header Connection does not say Upgrade";
    else if (!find_header(head, len, "Sec-WebSocket-Accept", 0, &value) ||
             !gn_streq(gn_buf_str(&value), accept))
        problem = "Sec-WebSocket-Accept does not fit the key";
    else if (find_header(head, len, "Sec-WebSocket-Extensions", 0, &value) && value.len)
        problem = "it wants an extension that was not offered";
    else if (find_header(head, len, "Sec-WebSocket-Protocol", 0, &value) &&
             !gn_streq(gn_buf_str(&value), SUBPROTOCOL))
        problem = "it chose a subprotocol that was not offered";
    gn_buf_release(&value);
    return problem;
}

static int not_accepted(const gantry_client *c, struct gn_failure *f, const char *problem)
{
    *f = (struct gn_failure){.status = GANTRY_CLIENT_PROTOCOL};
    return gn_error_set(&f->why, GN_EPIPE, "%s: the answer to the WebSocket handshake is wrong: %s",
                        c->s.shown, problem);
}

static const char *hint_for(const gantry_client *c, int status)
{
    if (status == 401)
        return c->s.authorization ? " (it refuses these credentials)"
                                  : " (it wants credentials: a token, or a header)";
    if (status >= 300 && status < 400)
        return ": it is elsewhere";
    if (status == 200 || status == 404 || status == 405 || status == 426)
        return " (no WebSocket is served there)";
    return "";
}

static int refused(const gantry_client *c, const char *head, size_t len, int status,
                   struct gn_ws_answer *answer, struct gn_failure *f)
{
    struct gn_buf value = GN_BUF_INIT(len + 1);
    int64_t after = 0;
    *f = (struct gn_failure){.status = GANTRY_CLIENT_CONNECTION, .http_status = status};
    f->was_not_sent = true;
    f->is_passing = status == 429 || (status >= 502 && status <= 504);
    if (status == 401 || status == 403)
        f->status = GANTRY_CLIENT_UNAUTHORIZED;
    if (find_header(head, len, "Retry-After", 0, &value) &&
        gn_parse_int64(gn_buf_str(&value), &after) && after > 0)
        f->retry_after_ms = (uint64_t)GN_MIN(after, (int64_t)RETRY_AFTER_MAX_S) * 1000;
    if (find_header(head, len, "WWW-Authenticate", 0, &value))
        answer->challenge = gn_strdup(gn_buf_str(&value));
    bool has_target = status >= 300 && status < 400 &&
                      find_header(head, len, "Location", 0, &value);
    const char *target = gn_buf_str(&value);
    bool shows = has_target && gn_utf8_valid(target, value.len);
    int shown = shows ? (int)gn_utf8_cut(target, strcspn(target, "?#"), SHOWN) : 0;
    gn_error_set(&f->why, GN_EPIPE, "%s answers the WebSocket handshake with %d%s%s%.*s",
                 c->s.shown, status, hint_for(c, status), shown ? ", at " : "", shown, target);
    gn_buf_release(&value);
    return GN_EPIPE;
}

/* Length of the head, with the blank line; 0: not complete. */
static size_t head_length(const char *text, size_t len)
{
    const char *end = memmem(text, len, "\r\n\r\n", 4), *bare = memmem(text, len, "\n\n", 2);
    if (end && (!bare || end < bare))
        return (size_t)(end - text) + 4;
    return bare ? (size_t)(bare - text) + 2 : 0;
}

int gn_ws_handshake_read(const gantry_client *c, const char *key, const char *text, size_t len,
                         size_t *ret_head, struct gn_ws_answer *answer, struct gn_failure *f)
{
    static const char begin[] = "HTTP/1.";
    size_t known = GN_MIN(len, sizeof(begin) - 1);
    if (memcmp(text, begin, known) != 0)
        return not_accepted(c, f, "it is not HTTP");
    *ret_head = head_length(text, len);
    if (!*ret_head)
        return GN_EBUSY;
    const char *digits = text + strlen("HTTP/1.1 ");
    if (*ret_head < strlen("HTTP/1.1 101\n") || text[8] != ' ' || strspn(digits, "0123456789") != 3)
        return not_accepted(c, f, "it has no status");
    answer->status = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
    if (answer->status != 101)
        return refused(c, text, *ret_head, answer->status, answer, f);
    const char *problem = what_is_wrong(key, text, *ret_head);
    return problem ? not_accepted(c, f, problem) : 0;
}
