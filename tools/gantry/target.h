/* target.h - what the client's commands share: their options, the server they talk to, its lists,
 * arguments, results. A target is the first word, a URL; or "-- command args..." at the end.
 */
#ifndef GANTRY_TARGET_H
#define GANTRY_TARGET_H

#include "client.h"
#include "person.h"

#include <signal.h>

#define GN_TARGET_OPTIONS                                                                          \
    {"output", 'o', "text|json", "for people (default) or programs"},                              \
        {"header", 'H', "'NAME: VALUE'", "send this header; may be repeated"},                     \
        {"token", 0, "TOKEN", "bearer token (default: the environment's GANTRY_TOKEN)"},           \
        {"cacert", 0, "FILE",                                                                      \
         "trust the certificates in this file, PEM (default: SSL_CERT_FILE,\n"                     \
         "then the system's)"},                                                                    \
        {"timeout", 't', "DURATION", "for each request (default: 5m)"},                            \
        {"log", 0, "LEVEL", "show what the server logs from this level on"},                       \
    {                                                                                              \
        "verbose", 'v', NULL, "show all that a COMMAND writes to standard error"                   \
    }

#define GN_TARGET_USAGE                                                                            \
    "TARGET is the URL of a server (without a path: /mcp), unix:PATH, or at the end of the line\n" \
    "\"-- COMMAND [ARGUMENT...]\", which starts one that speaks on its standard input and "        \
    "output.\n"                                                                                    \
    "Warnings and errors on its standard error are shown, and its last words if it fails.\n"

/* What a program that was started says on standard error. */
struct gn_words {
    bool verbose;           /* all of it is shown, at once */
    bool is_ending;         /* what comes now is about its end */
    struct gn_buf last;     /* the end of it */
    struct gn_buf warnings; /* lines that look like warnings and errors, the first of them */
};

struct gn_target {
    const struct gn_cli *cli;
    struct gn_cli_client *client;
    const char **words; /* what stands behind the target, NULL-terminated */
    size_t word_count;
    bool json; /* --output json */
    const char **headers;
    bool progress_shown, shows_log;
    bool failed; /* or found nothing: what the program said last may tell why */
    struct gn_words words_of_program;
    sigset_t held, before; /* signals that wait while the client does; the mask outside of that */
    int stop_fd;           /* readable once there is one of them; -1: none */
    bool is_interrupted;
    bool is_holding;  /* signals */
    bool has_program; /* the server is one that we started */
};

/* Reads the options and connects. `usage` words at least must follow the target, else `what` is
 * said to be missing. 0, or an exit code after the reason was printed. */
int gn_target_open(struct gn_target *t, const struct gn_cli *cli, const struct gn_cli_args *args,
                   size_t words, const char *what);
/* Shows what the program had to say, if need be. If there was a signal, the process ends by it. */
void gn_target_close(struct gn_target *t);

/* A request; 0, or an exit code after the reason was printed. */
int gn_target_request(struct gn_target *t, const char *method, const json_t *params,
                      const char *name, const char *const *headers, json_t **ret_result);
/* All pages of a list, joined; empty if the server does not have that kind. `member` is the name of
 * the array in the result. A new reference. */
int gn_target_list(struct gn_target *t, const char *method, const char *member, json_t **ret_items);
/* The item of a list with that name; NULL, after a suggestion was printed, if there is none. */
const json_t *gn_target_find(struct gn_target *t, const json_t *items, const char *what,
                             const char *name);

/* ---- standard error of a program: words.c */
void gn_words_init(struct gn_words *w, bool verbose);
void gn_words_release(struct gn_words *w);
void gn_words_add(struct gn_words *w, const char *line, size_t len);
/* The last of them, or the warnings only, on standard error. */
void gn_words_print(const struct gn_words *w, bool last);

/* ---- arguments: arguments.c */
/* Words as key=value, key:=json, and options --json, into an object. schema (of the input; may be
 * NULL) decides what key=value means. GN_EINVAL with a message. */
int gn_arguments_read(const struct gn_cli_args *args, const char **words, const json_t *schema,
                      json_t **ret, struct gn_error *err);

/* ---- x-mcp-header: param_headers.c */
/* Checks the marks of a schema (2026-07-28, Streamable HTTP, "Schema Extension"). GN_EINVAL with
 * the reason. */
int gn_param_headers_check(const json_t *schema, struct gn_error *err);
/* The headers that mirror marked arguments: "Mcp-Param-X: value", NULL-terminated. Owned: free with
 * gn_param_headers_free. */
char **gn_param_headers_make(const json_t *schema, const json_t *arguments);
void gn_param_headers_free(char **headers);

#endif
