/* settings.h - the options of a client, checked, copied, with their defaults. Read-only after
 * gn_settings_read, but for what is marked. */
#ifndef GN_CLIENT_SETTINGS_H
#define GN_CLIENT_SETTINGS_H

#include "gantry_client.h"

#include "util/error.h"
#include "wire/revision.h"

#define GN_CLIENT_HURRY_MS 500 /* for what is waited for once nobody waits */

struct gn_client_settings {
    char *url;       /* with a path; "http://localhost/mcp" for a socket */
    char *unix_path; /* of a socket; else NULL */
    char *shown;     /* of the URL what a person may see: without credentials and query; or the
                        program's name */
    char **command, **environment;
    bool inherits_environment;
    char *directory, *stderr_file;
    uint32_t restarts;

    gantry_client_transport transport;
    char **headers;      /* without Authorization, if `authorization` is set */
    char *authorization; /* the value of that header; NULL: none. gantry_login_retry changes it */
    char *ca_file, *certificate_file, *key_file, *key_password, *proxy;

    enum gn_revision revision; /* pinned; GN_REV_NONE: the newest of both */
    char *name, *title, *version;
    char *capabilities;        /* a JSON object; NULL: none */
    gantry_client_root *roots; /* gantry_client_set_roots changes them */
    size_t root_count;
    bool has_roots;
    char *log_level; /* gantry_client_set_log_level changes it */
    char *log_file;

    uint32_t connect_timeout_ms, timeout_ms, total_timeout_ms; /* GANTRY_CLIENT_NONE: none */
    bool progress_resets;
    uint32_t retries, backoff_ms;
    uint32_t max_rounds, max_requests, max_pages;
    size_t max_message, max_cache; /* max_cache 0: none */

    gantry_client_handlers handlers;
    void *arg;
};

/* GN_EINVAL names the option. */
int gn_settings_read(struct gn_client_settings *s, const gantry_client_options *options,
                     struct gn_error *err);
void gn_settings_release(struct gn_client_settings *s);
bool gn_settings_is_level(const char *name); /* a log level; NULL is none */
/* GN_EINVAL if a header is not of the form "Name: value"; err does not have the value. */
int gn_settings_check_header(const char *line, struct gn_error *err);
/* Other roots; GN_EINVAL names the one that is wrong, and nothing has changed. */
int gn_settings_set_roots(struct gn_client_settings *s, const gantry_client_root *roots,
                          size_t count, struct gn_error *err);

#endif
