/* target.h - what the client's commands share: their options, the server they talk to, its lists,
 * arguments, what happens meanwhile. A target is the first word: a URL; or "-- command args..." at
 * the end.
 *
 * A command opens the target, asks with the functions of gantry_client.h, waits (gn_target_wait),
 * prints, and closes. One thread, one loop; nothing happens outside of waiting.
 */
#ifndef GANTRY_TARGET_H
#define GANTRY_TARGET_H

#include "person.h"

#include "gantry_client.h"
#include "servers.h"
#include "json/json.h"

#include <uv.h>

#define GN_TARGET_OPTIONS                                                                          \
    {"output", 'o', "text|json|jsonl",                                                             \
     "for people (default), or programs: the result, or a line of JSON\n"                          \
     "for each event (progress, log, result, ...)"},                                               \
        {"header", 'H', "'NAME: VALUE'", "send this header; may be repeated"},                     \
        {"token", 0, "TOKEN", "bearer token (default: the environment's GANTRY_TOKEN)"},           \
        {"cacert", 0, "FILE",                                                                      \
         "trust the certificates in this file, PEM (default: SSL_CERT_FILE,\n"                     \
         "then the system's)"},                                                                    \
        {"cert", 0, "FILE", "our own certificate, PEM"},                                           \
        {"key", 0, "FILE", "its key, PEM (default: in the file of the certificate)"},              \
        {"proxy", 0, "URL", "go through this proxy (default: the environment's; '': none)"},       \
        {"transport", 0, "auto|streamable|sse", "how HTTP is used (default: auto)"},               \
        {"revision", 0, "DATE", "speak this revision of MCP and no other: 2025-11-25"},            \
        {"env", 0, "NAME=VALUE", "set this for COMMAND; may be repeated"},                         \
        {"directory", 0, "DIR", "where COMMAND runs"},                                             \
        {"timeout", 't', "DURATION", "for each request (default: 5m)"},                            \
        {"retries", 0, "N", "how often what is safe to repeat is tried again (default: 0)"},       \
        {"elicit", 0, "HOW",                                                                       \
         "answer the server's questions: ask (default on a terminal), accept,\n"                   \
         "a JSON object to accept with, decline, cancel; may be repeated, for\n"                   \
         "one question after the other. Without: they are not offered to it"},                     \
        {"sampling-command", 0, "CMD",                                                             \
         "let the server ask a model: CMD reads the request as JSON and prints\n"                  \
         "the answer, as text or as a CreateMessageResult"},                                       \
        {"sampling", 0, "ask|always",                                                              \
         "show what CMD is to answer, and ask first: the default, where there\n"                   \
         "is a person at a terminal"},                                                             \
        {"servers", 0, "FILE", "where the name of a server is looked up (see gantry servers)"},    \
        {"root", 0, "PATH", "a folder that the server may work on; may be repeated"},              \
        {"log", 0, "LEVEL", "show what the server logs from this level on"},                       \
    {                                                                                              \
        "verbose", 'v', NULL, "show all that a COMMAND writes to standard error"                   \
    }

/* Of commands whose result may hold bytes. */
#define GN_SAVE_OPTION                                                                             \
    {                                                                                              \
        "save", 0, "DIR",                                                                          \
            "save pictures, sounds and other bytes into this folder; nothing is\n"                 \
            "written over (default: on a terminal into XDG_RUNTIME_DIR or TMPDIR)"                 \
    }

#define GN_TARGET_USAGE                                                                            \
    "TARGET is the URL of a server (http, https, ws, wss; without a path: /mcp), unix:PATH, its\n" \
    "name in a configuration file (gantry servers), or at the end of the line\n"                   \
    "\"-- COMMAND [ARGUMENT...]\", which starts one that speaks on its standard input and\n"       \
    "output. Warnings and errors on its standard error are shown, and its last words if it\n"      \
    "fails. Ctrl-C cancels what is under way; again: ends at once.\n"

enum gn_output { GN_OUTPUT_TEXT, GN_OUTPUT_JSON, GN_OUTPUT_JSONL };

/* What a program that was started says on standard error. */
struct gn_words {
    bool verbose;           /* all of it is shown, at once */
    bool is_ending;         /* what comes now is about its end */
    struct gn_buf last;     /* the end of it */
    struct gn_buf warnings; /* lines that look like warnings and errors, the first of them */
};

#define GN_TARGET_SIGNALS 3

struct gn_target {
    bool watches; /* set before gn_target_open: changes are told, and lost connections made again */

    const struct gn_cli *cli;
    const struct gn_cli_args *args;
    gantry_client *client;
    struct gn_person *person;
    const char **words; /* what stands behind the target, NULL-terminated */
    size_t word_count;
    enum gn_output output;
    bool shows_log;
    bool failed;     /* or found nothing: what the program said last may tell why */
    char *last_note; /* that was told; NULL: none */
    struct gn_words words_of_program;

    uv_loop_t loop;
    bool has_loop, is_closed;
    bool has_program;                       /* the server is one that we started */
    bool is_lost;                           /* no connection, and none is tried any more */
    uv_signal_t signals[GN_TARGET_SIGNALS]; /* those that would end the process */
    gantry_request *current;                /* that is waited for; NULL: none */
    int stopped_by;                         /* the signal; 0: none yet */

    char **elicit;       /* how to answer, NULL-terminated; NULL: not at all */
    size_t elicit_at;    /* of the next question */
    uint32_t timeout_ms; /* of a request, and of a command that answers for a model */
    const char *sampling_command;
    bool samples_unasked;
    struct gn_sampler *samplings;  /* that run */
    struct gn_server server;       /* that has a name; else empty */
    char **headers, **environment; /* NULL-terminated */
    gantry_client_root *roots;
    size_t root_count;
};

/* Reads the options and connects. *t is zero but for what is to be set before. `words` words at
 * least must follow the target, else `what` is said to be missing. 0, or an exit code after the
 * reason was printed. */
int gn_target_open(struct gn_target *t, const struct gn_cli *cli, const struct gn_cli_args *args,
                   size_t words, const char *what);
/* Ends the connection, and shows what the program had to say, if need be. If there was a signal,
 * the process ends by it. */
void gn_target_close(struct gn_target *t);

/* Waits for a request's end. 0, or an exit code after the reason was printed; that of a tool which
 * failed is GN_EXIT_FAILED, and nothing is printed. The request stays the caller's. */
int gn_target_wait(struct gn_target *t, gantry_request *r);
/* The same; sets *ret_result to its result (a new reference), also of a tool that failed; the
 * request is freed. */
int gn_target_take(struct gn_target *t, gantry_request *r, json_t **ret_result);
/* Waits for so long, or for ever with GANTRY_CLIENT_NONE; false once there was a signal or *until
 * (may be NULL) is true. */
bool gn_target_idle(struct gn_target *t, uint32_t ms, const bool *until);
/* All of a list; empty if the server does not have that kind. `member` is the name of the array in
 * the result. A new reference. */
int gn_target_list(struct gn_target *t, gantry_list_kind kind, const char *member,
                   json_t **ret_items);
/* The item of a list with that name; NULL, after a suggestion was printed, if there is none. */
const json_t *gn_target_find(struct gn_target *t, const json_t *items, const char *what,
                             const char *name);
/* Prints it for programs, if they are who reads: as it is, or as the event "result". False: it is
 * for a person. */
bool gn_target_print(const struct gn_target *t, const json_t *result);

/* ---- what is given on the command line: target_options.c */
/* Fills what gantry_client_new wants; texts are t's or of the command line. 0, or an exit code
 * after the reason was printed. */
int gn_target_options(struct gn_target *t, gantry_client_options *o);
void gn_target_options_release(struct gn_target *t);
/* What the library says, with its options called as they are here. Owned: gn_free. */
char *gn_target_message(const char *message);
/* A duration, in milliseconds; false, after the reason was printed, if the option has none. Without
 * the option *ret stays. */
bool gn_target_duration(const struct gn_cli *cli, const struct gn_cli_args *args,
                        const char *option, uint32_t *ret);

/* ---- what happens meanwhile: events.c */
/* Sets those handlers that the options ask for. */
void gn_events_handlers(const struct gn_target *t, gantry_client_handlers *ret);
/* Prints an event as one line of JSON, if that is wanted: takes over its members. */
void gn_events_print(const struct gn_target *t, const char *event, json_t *members);
/* Why a request failed, on standard error, and as an event. Returns the exit code. */
int gn_events_failed(struct gn_target *t, gantry_request *r);
/* The same for what no request says: how it ended, and the words. */
int gn_events_fail(struct gn_target *t, gantry_client_status status, const char *fmt, ...)
    GN_PRINTF(3, 4);

/* ---- answers of models: sampling.c */
void gn_sampler_begin(struct gn_target *t, gantry_question *question, const gantry_json *params);
/* Ends all commands; the loop must run until their handles are gone. */
void gn_sampler_stop(struct gn_target *t);

/* ---- standard error of a program: words.c */
void gn_words_init(struct gn_words *w, bool verbose);
void gn_words_release(struct gn_words *w);
void gn_words_add(struct gn_words *w, const char *line, size_t len);
/* The last of them, or the warnings only, on standard error. */
void gn_words_print(const struct gn_words *w, bool last);

/* ---- arguments: arguments.c */
/* Options --json, in the order of the command line, as one object; "-" is standard input. GN_EINVAL
 * with a message. */
int gn_arguments_json(const struct gn_cli_args *args, json_t **ret, struct gn_error *err);
/* Adds words as key=value, key:=json to an object. schema (of the input; may be NULL) decides what
 * key=value means. GN_EINVAL with a message. */
int gn_arguments_add(json_t *arguments, const char **words, const json_t *schema,
                     struct gn_error *err);
/* KEY=VALUE, both as texts: a new reference to {"KEY": "VALUE", ...}. GN_EINVAL with a message. */
int gn_arguments_texts(const char **words, size_t count, json_t **ret, struct gn_error *err);

#endif
