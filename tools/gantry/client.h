/* client.h - a client of MCP, as the command line needs it: one request at a time, waited for.
 *
 * It speaks the stateless era first and falls back to initialize (2026-07-28, basic/versioning and
 * "Backward Compatibility" of each transport's page). Over HTTP each message is a POST; a program
 * is started as a child that speaks on its standard input and output. It offers no capabilities, so
 * no server asks it anything but `ping`.
 *
 * Functions that can fail return an exit code (cli.h): 0, GN_EXIT_CONNECTION or GN_EXIT_PROTOCOL,
 * with the message in err. One thread.
 */
#ifndef GANTRY_CLI_CLIENT_H
#define GANTRY_CLI_CLIENT_H

#include "cli.h"
#include "wire/revision.h"

struct gn_cli_client;

struct gn_cli_client_options {
    const char *url;            /* "http://...", "https://..." or "unix:PATH"; or NULL: */
    char *const *command;       /* a program and its arguments, NULL-terminated */
    const char *const *headers; /* "Name: value", NULL-terminated; may be NULL. HTTP only */
    const char *token;          /* bearer token; may be NULL. HTTP only */
    const char *cacert;         /* a file of certificates to trust, PEM; may be NULL. HTTP only */
    uint32_t timeout_ms;        /* for each request */
    const char *log_level;      /* messages of the server from this level on; NULL: none */
    /* A notification that belongs to the request being waited for. May be NULL. */
    void (*on_notification)(void *arg, const char *method, const json_t *params);
    /* A line (or a piece of a long one) that a program wrote to standard error; not NUL-terminated.
     * May be NULL. */
    void (*on_words)(void *arg, const char *line, size_t len);
    /* A line that a program wrote to standard output and that is no message; `text` tells a person.
     * May be NULL: then the first one is an error. */
    void (*on_nonsense)(void *arg, const char *text);
    /* From here on what a program says is about its end. May be NULL. */
    void (*on_ending)(void *arg);
    void *arg;
    int stop_fd; /* readable once the client is to stop waiting (GN_ECANCELED); -1: never */
};

/* Connects, and finds out which revision the server speaks. Strings and arrays are borrowed until
 * gn_cli_client_close. */
int gn_cli_client_open(const struct gn_cli_client_options *options, struct gn_cli_client **ret,
                       struct gn_error *err);
void gn_cli_client_close(struct gn_cli_client *c); /* NULL is fine; a child is ended */

/* Sends a request and waits for its result (an object, owned by the caller; NULL if it fails).
 * params is borrowed and may be NULL; `name` is what the header Mcp-Name says and may be NULL;
 * `headers` are further "Name: value" lines, NULL-terminated, and may be NULL. GN_EXIT_PROTOCOL
 * with gn_cli_client_error set if the server answers with an error. */
int gn_cli_client_request(struct gn_cli_client *c, const char *method, const json_t *params,
                          const char *name, const char *const *headers, json_t **ret_result,
                          struct gn_error *err);

/* The JSON-RPC error of the last request, borrowed; NULL if it was not answered with one. */
const json_t *gn_cli_client_error(const struct gn_cli_client *c);
enum gn_revision gn_cli_client_revision(const struct gn_cli_client *c);
/* What the server said about itself (DiscoverResult or InitializeResult), borrowed. */
const json_t *gn_cli_client_server(const struct gn_cli_client *c);
/* Bytes of all messages so far: a measure of what several answers take. */
uint64_t gn_cli_client_received(const struct gn_cli_client *c);
/* True over HTTP in the stateless era: arguments marked x-mcp-header go into headers. */
bool gn_cli_client_wants_headers(const struct gn_cli_client *c);

#endif
