/* url.c - questions about URLs, asked of the parser that decides where a request goes: libcurl's.
 */
#include "url.h"

#include "config/config.h"
#include "util/alloc.h"
#include "util/str.h"

#include <curl/curl.h>
#include <string.h>

static bool same_part(CURLU *a, CURLU *b, CURLUPart part, unsigned flags)
{
    char *x = NULL, *y = NULL;
    bool same = curl_url_get(a, part, &x, flags) == CURLUE_OK &&
                curl_url_get(b, part, &y, flags) == CURLUE_OK && gn_strcaseeq(x, y);
    curl_free(x);
    curl_free(y);
    return same;
}

char *gn_url_without_credentials(const char *url)
{
    CURLU *parts = curl_url();
    char *text = NULL;
    curl_url_set(parts, CURLUPART_URL, url, 0);
    curl_url_set(parts, CURLUPART_USER, NULL, 0);
    curl_url_set(parts, CURLUPART_PASSWORD, NULL, 0);
    CURLUcode code = curl_url_get(parts, CURLUPART_URL, &text, 0);
    char *result = gn_strdup(code == CURLUE_OK ? text : url);
    curl_free(text);
    curl_url_cleanup(parts);
    return result;
}

bool gn_url_same_origin(const char *a, const char *b)
{
    CURLU *x = curl_url(), *y = curl_url();
    bool same = curl_url_set(x, CURLUPART_URL, a, 0) == CURLUE_OK &&
                curl_url_set(y, CURLUPART_URL, b, 0) == CURLUE_OK &&
                same_part(x, y, CURLUPART_SCHEME, 0) && same_part(x, y, CURLUPART_HOST, 0) &&
                same_part(x, y, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    curl_url_cleanup(x);
    curl_url_cleanup(y);
    return same;
}

bool gn_url_is_loopback(const char *url)
{
    CURLU *parts = curl_url();
    char *host = NULL;
    bool is_loopback = false;
    if (curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
        size_t len = strlen(host);
        bool v6 = len > 2 && *host == '[';
        GN_AUTO_FREE char *bare = gn_strndup(host + v6, v6 ? len - 2 : len);
        is_loopback = gn_config_is_loopback(bare);
    }
    curl_free(host);
    curl_url_cleanup(parts);
    return is_loopback;
}
