/* curl_way.h - how libcurl gets to a client's server: which certificates it trusts and shows,
 * through which proxy it goes. The same for HTTP and for WebSocket. */
#ifndef GN_CLIENT_CURL_WAY_H
#define GN_CLIENT_CURL_WAY_H

#include "settings.h"

#include <curl/curl.h>

/* A part of a URL; NULL if it has none. Owned. */
char *gn_curl_url_part(CURLU *url, CURLUPart part, unsigned flags);
/* Of a URL's host. */
bool gn_host_is_loopback(const char *host);
/* Certificates: ca_file, SSL_CERT_FILE, SSL_CERT_DIR; ours. */
void gn_curl_set_trust(const struct gn_client_settings *s, CURL *easy);
/* The proxy: the settings', the environment's, none for this machine. */
void gn_curl_set_proxy(const struct gn_client_settings *s, bool is_loopback, CURL *easy);

#endif
