/* curl_way.c - how libcurl gets to a client's server. */
#include "curl_way.h"

#include "util/alloc.h"
#include "util/str.h"

#include <arpa/inet.h>
#include <stdlib.h>

char *gn_curl_url_part(CURLU *url, CURLUPart part, unsigned flags)
{
    char *text = NULL, *copy = NULL;
    if (curl_url_get(url, part, &text, flags) == CURLUE_OK)
        copy = gn_strdup(text);
    curl_free(text);
    return copy;
}

bool gn_host_is_loopback(const char *host)
{
    struct in_addr v4;
    return host && (gn_strcaseeq(host, "localhost") || gn_ends_with(host, ".localhost") ||
                    gn_streq(host, "[::1]") ||
                    (inet_pton(AF_INET, host, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127));
}

void gn_curl_set_trust(const struct gn_client_settings *s, CURL *easy)
{
    /* libcurl does not know OpenSSL's variables, which others follow. */
    const char *file = getenv("SSL_CERT_FILE"), *dir = getenv("SSL_CERT_DIR");
    if (s->ca_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, s->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    } else {
        if (file && *file)
            curl_easy_setopt(easy, CURLOPT_CAINFO, file);
        if (dir && *dir)
            curl_easy_setopt(easy, CURLOPT_CAPATH, dir);
    }
    if (s->certificate_file)
        curl_easy_setopt(easy, CURLOPT_SSLCERT, s->certificate_file);
    if (s->key_file)
        curl_easy_setopt(easy, CURLOPT_SSLKEY, s->key_file);
    if (s->key_password)
        curl_easy_setopt(easy, CURLOPT_KEYPASSWD, s->key_password);
}

void gn_curl_set_proxy(const struct gn_client_settings *s, bool is_loopback, CURL *easy)
{
    if (s->proxy && *s->proxy) {
        curl_easy_setopt(easy, CURLOPT_PROXY, s->proxy);
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    } else if (s->proxy || is_loopback) { /* the environment's is for other machines */
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    }
}
