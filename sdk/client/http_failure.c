/* http_failure.c - what an exchange came to when it brought no answer: for a person, and for the
 * client, which may try again. */
#include "http_exchange.h"

#include "util/alloc.h"
#include "util/str.h"

#include <string.h>

#define SHOWN 200                            /* bytes of an answer that is no message */
#define RETRY_AFTER_MAX_S ((curl_off_t)3600) /* a server may ask for more, but is not obeyed */

/* Those that are not here are of the network, and may be better in a while. */
static const struct {
    CURLcode code;
    gantry_client_status status;
    const char *hint;
} codes[] = {
    {CURLE_URL_MALFORMAT, GANTRY_CLIENT_CONNECTION, ""},
    {CURLE_UNSUPPORTED_PROTOCOL, GANTRY_CLIENT_CONNECTION, ""},
    {CURLE_PEER_FAILED_VERIFICATION, GANTRY_CLIENT_CONNECTION,
     " (ca_file, or SSL_CERT_FILE, names a certificate to trust)"},
    {CURLE_SSL_CONNECT_ERROR, GANTRY_CLIENT_CONNECTION, ""},
    {CURLE_SSL_CACERT_BADFILE, GANTRY_CLIENT_CONNECTION, ""},
    {CURLE_SSL_CERTPROBLEM, GANTRY_CLIENT_CONNECTION, ""},
    {CURLE_SSL_ISSUER_ERROR, GANTRY_CLIENT_CONNECTION, ""},
    {CURLE_UNSUPPORTED_PROTOCOL, GANTRY_CLIENT_PROTOCOL, ""},
    {CURLE_WEIRD_SERVER_REPLY, GANTRY_CLIENT_PROTOCOL, ""},
    {CURLE_BAD_CONTENT_ENCODING, GANTRY_CLIENT_PROTOCOL, ""},
};

static void of_transfer(const struct gn_exchange *x, CURLcode code, struct gn_failure *f)
{
    const char *detail = *x->error ? x->error : curl_easy_strerror(code), *hint = "";
    f->status = GANTRY_CLIENT_CONNECTION;
    f->is_passing = true;
    f->was_not_sent = !x->was_sent;
    long reason = 0;
    if (code == CURLE_COULDNT_CONNECT && x->peer->client->s.unix_path && x->transfer.easy &&
        curl_easy_getinfo(x->transfer.easy, CURLINFO_OS_ERRNO, &reason) == CURLE_OK && reason > 0)
        detail = uv_strerror(-(int)reason); /* libcurl tells of a host and a port */
    if (code == CURLE_ABORTED_BY_CALLBACK)
        detail = "the connection was lost before there was an answer";
    for (size_t i = 0; i < GN_COUNT(codes); i++) {
        if (codes[i].code == code) {
            f->status = codes[i].status;
            f->is_passing = false;
            hint = codes[i].hint;
        }
    }
    if (code == CURLE_OPERATION_TIMEDOUT)
        f->status = GANTRY_CLIENT_TIMEOUT;
    gn_error_set(&f->why, GN_EPIPE, "%s: %s%s", x->peer->client->s.shown, detail, hint);
}

/* What may be shown of a body: its first line, or the message of an error of JSON-RPC. */
static char *body_text(const struct gn_exchange *x)
{
    struct gn_json_doc doc = {0};
    char *text = NULL;
    const char *body = gn_buf_str(&x->in);
    if (x->in.len && gn_json_parse_copy(&doc, body, x->in.len, NULL, NULL) == 0) {
        const gantry_json *error = gn_json_get(gn_json_root(&doc), "error");
        const char *message = gn_json_cstr(gn_json_get(error, "message"));
        if (!message)
            message = gn_json_cstr(gn_json_get(gn_json_root(&doc), "error_description"));
        text = message ? gn_strndup(message, gn_utf8_cut(message, strlen(message), SHOWN)) : NULL;
    }
    gn_json_release(&doc);
    if (text)
        return text;
    body += strspn(body, " \t\r\n");
    size_t len = strcspn(body, "\r\n");
    text = gn_utf8_valid(body, len) ? gn_strndup(body, gn_utf8_cut(body, len, SHOWN))
                                    : gn_strdup("");
    for (char *p = text; *p; p++)
        *p = (unsigned char)*p < 0x20 || *p == 0x7f ? ' ' : *p;
    return text;
}

/* The URL of a redirect that is not followed, without what may be secret. */
static char *elsewhere(const struct gn_exchange *x)
{
    char *target = NULL;
    if (x->status < 300 || x->status >= 400 || !x->transfer.easy)
        return NULL;
    curl_easy_getinfo(x->transfer.easy, CURLINFO_REDIRECT_URL, &target);
    if (!target)
        return NULL;
    CURLU *url = curl_url();
    char *text = NULL;
    curl_url_set(url, CURLUPART_URL, target, CURLU_NON_SUPPORT_SCHEME);
    curl_url_set(url, CURLUPART_USER, NULL, 0);
    curl_url_set(url, CURLUPART_PASSWORD, NULL, 0);
    curl_url_set(url, CURLUPART_QUERY, NULL, 0);
    curl_url_get(url, CURLUPART_URL, &text, 0);
    char *copy = gn_strndup(text ? text : "?", text ? gn_utf8_cut(text, strlen(text), SHOWN) : 1);
    curl_free(text);
    curl_url_cleanup(url);
    return copy;
}

static void of_redirect(const struct gn_exchange *x, const char *target, struct gn_failure *f)
{
    const char *shown = x->peer->client->s.shown;
    f->status = GANTRY_CLIENT_CONNECTION;
    if (x->redirects > 0)
        gn_error_set(&f->why, GN_EPIPE, "%s answers %d again and again: the last to %s", shown,
                     x->status, target);
    else
        gn_error_set(&f->why, GN_EPIPE, "%s answers %d: it is at %s", shown, x->status, target);
}

static uint64_t retry_after(const struct gn_exchange *x)
{
    curl_off_t s = 0;
    if (x->transfer.easy)
        curl_easy_getinfo(x->transfer.easy, CURLINFO_RETRY_AFTER, &s);
    return s > 0 ? (uint64_t)GN_MIN(s, RETRY_AFTER_MAX_S) * 1000 : 0;
}

static void of_status(const struct gn_exchange *x, struct gn_failure *f)
{
    const char *shown = x->peer->client->s.shown, *hint = "";
    GN_AUTO_FREE char *text = body_text(x);
    GN_AUTO_FREE char *target = elsewhere(x);
    int status = x->status;
    if (target) {
        of_redirect(x, target, f);
        return;
    }
    f->status = GANTRY_CLIENT_CONNECTION;
    f->retry_after_ms = retry_after(x);
    f->is_passing = status == 429 || (status >= 502 && status <= 504);
    f->was_not_sent = status == 429 || (status == 503 && f->retry_after_ms > 0);
    if (status == 401 || status == 403) {
        f->status = GANTRY_CLIENT_UNAUTHORIZED;
        hint = status == 401 && !x->sent_authorization
                   ? " (it wants credentials: a token, or a header)"
                   : " (it refuses these credentials)";
        if (status == 403 && !x->sent_authorization)
            hint = "";
    }
    gn_error_set(&f->why, GN_EPIPE, "%s answers %d%s%s%s", shown, status, hint, *text ? ": " : "",
                 text);
}

void gn_exchange_failure(const struct gn_exchange *x, CURLcode code, struct gn_failure *f)
{
    *f = (struct gn_failure){.http_status = x->status};
    if (x->refusal) {
        f->status = GANTRY_CLIENT_UNAUTHORIZED;
        f->http_status = x->status ? x->status : 401;
        gn_error_set(&f->why, GN_EPERM, "%s wants credentials: %s", x->peer->client->s.shown,
                     x->refusal);
    } else if (x->too_big) {
        f->status = GANTRY_CLIENT_LIMIT;
        gn_error_set(&f->why, GN_ETOOBIG, "%s: the %s of the server is larger than allowed",
                     x->peer->client->s.shown, x->too_big);
    } else if (code != CURLE_OK) {
        of_transfer(x, code, f);
    } else {
        of_status(x, f);
    }
}

void gn_exchange_no_answer(const struct gn_exchange *x, struct gn_failure *f)
{
    const char *shown = x->peer->client->s.shown;
    *f = (struct gn_failure){.status = GANTRY_CLIENT_PROTOCOL, .http_status = x->status};
    if (x->is_stream) {
        f->status = GANTRY_CLIENT_CONNECTION;
        f->is_passing = true;
        gn_error_set(&f->why, GN_EPIPE, "%s: the stream ended before the answer", shown);
    } else if (x->in.len == 0) {
        gn_error_set(&f->why, GN_EPROTO, "%s sent no answer (status %d, no body)", shown,
                     x->status);
    } else {
        gn_error_set(&f->why, GN_EPROTO,
                     "%s answers with what does not belong to the request (status %d)", shown,
                     x->status);
    }
}

void gn_exchange_bad_message(const struct gn_exchange *x, const struct gn_error *why,
                             struct gn_failure *f)
{
    const char *shown = x->peer->client->s.shown;
    *f = (struct gn_failure){.status = GANTRY_CLIENT_PROTOCOL, .http_status = x->status};
    if (x->encoding && !gn_strcaseeq(x->encoding, "identity"))
        gn_error_set(&f->why, GN_EPROTO,
                     "%s answers with Content-Encoding %.40s, which was not asked for", shown,
                     x->encoding);
    else if (x->type && !x->is_stream && !gn_strcaseeq(x->type, "application/json"))
        gn_error_set(&f->why, GN_EPROTO, "%s answers with %.80s, and not with JSON", shown,
                     x->type);
    else
        gn_error_set(&f->why, GN_EPROTO, "%s sent what is no message: %s", shown, why->text);
}
