/* auth.h - who asks: static bearer tokens (RFC 6750), stored as hashes. Loop thread only. */
#ifndef GN_PIPELINE_AUTH_H
#define GN_PIPELINE_AUTH_H

#include "config/config.h"

struct gn_auth;
struct gn_auth *gn_auth_new(const struct gn_config *config); /* copies what it needs */
void gn_auth_free(struct gn_auth *auth);
bool gn_auth_is_required(const struct gn_auth *auth); /* any token configured */
/* The principal behind an Authorization header's value (NULL: absent), compared in constant time;
 * valid as long as auth. NULL: not authenticated. */
const char *gn_auth_check(const struct gn_auth *auth, const char *authorization);

#endif
