/* url.h - questions about URLs. */
#ifndef GANTRY_URL_H
#define GANTRY_URL_H

#include "util/common.h"

/* The URL as it may be printed. Owned by the caller. */
char *gn_url_without_credentials(const char *url);
/* Scheme, host and port are the same. */
bool gn_url_same_origin(const char *a, const char *b);
/* The host is this machine. */
bool gn_url_is_loopback(const char *url);

#endif
