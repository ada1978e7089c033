/* cli.h - what the commands of gantry share.
 *
 * A command is one file with a `const struct gn_command` on top: its options, its help and its
 * function stand together. main.c finds the command, parses its options by the table and calls it.
 * Everything here is used by one thread.
 */
#ifndef GANTRY_CLI_H
#define GANTRY_CLI_H

#include "util/buf.h"
#include "util/error.h"

#include <jansson.h>
#include <stdio.h>

/* Exit codes. */
enum {
    GN_EXIT_OK = 0,
    GN_EXIT_FAILED = 1,     /* the tool failed, or something that was checked is wrong */
    GN_EXIT_USAGE = 2,      /* wrong options, arguments or configuration */
    GN_EXIT_CONNECTION = 3, /* no connection, or the host could not start */
    GN_EXIT_PROTOCOL = 4,   /* the server answered with an error, or broke the protocol */
};

struct gn_cli_option {
    const char *name;  /* without dashes */
    char letter;       /* of the short form; 0: none */
    const char *value; /* what help calls its value; NULL: it takes none */
    const char *help;
};

/* One option as given. */
struct gn_cli_given {
    const struct gn_cli_option *option;
    const char *value; /* NULL if it takes none */
};

/* A parsed command line. Strings are those of argv. */
struct gn_cli_args {
    struct gn_cli_given *given;
    size_t given_count;
    const char **words; /* what is no option, NULL-terminated */
    size_t word_count;
    char **tail; /* NULL-terminated: what stands behind "--"; NULL without "--" */
};

struct gn_cli {
    const char *self; /* this program's file, absolute */
    const struct gn_command *command;
};

struct gn_command {
    const char *name;                    /* "config check" is two words */
    const char *args;                    /* for the usage line: "FILE.so" */
    const char *summary;                 /* one line */
    const char *usage;                   /* what help says below the options; NULL: nothing */
    const struct gn_cli_option *options; /* ends with one without name; NULL: none */
    int (*exec)(const struct gn_cli *cli,
                const struct gn_cli_args *args); /* returns the exit code */
};

/* All commands in the order of help; NULL-terminated. */
extern const struct gn_command *const gn_commands[];

/* Runs the command line and returns the exit code. */
int gn_cli_main(int argc, char **argv);

/* ---- options: args.c */
/* Parses argv[0..argc) by the table. GN_EINVAL with a message that suggests. */
int gn_cli_parse(const struct gn_cli_option *options, int argc, char **argv,
                 struct gn_cli_args *ret, struct gn_error *err);
void gn_cli_args_release(struct gn_cli_args *args);
bool gn_cli_has(const struct gn_cli_args *args, const char *option);
/* The value given last, or NULL. */
const char *gn_cli_value(const struct gn_cli_args *args, const char *option);
/* The value of the option as one of the choices; the first choice if it is not given; -1 with a
 * message if it is none of them. */
int gn_cli_choice(const struct gn_cli_args *args, const char *option, const char *const *choices,
                  struct gn_error *err);
/* True if there are exactly `count` words and no tail; else says what is missing or too much. */
bool gn_cli_words(const struct gn_cli *cli, const struct gn_cli_args *args, size_t count);

/* ---- help: help.c */
void gn_cli_print_help(FILE *out);
void gn_cli_print_command_help(FILE *out, const struct gn_command *command);

/* ---- saying something: say.c */
/* "gantry COMMAND: MESSAGE" on standard error; returns code. */
int gn_cli_fail(const struct gn_cli *cli, int code, const char *fmt, ...) GN_PRINTF(3, 4);
/* The same, and where help is. Returns GN_EXIT_USAGE. */
int gn_cli_usage(const struct gn_cli *cli, const char *fmt, ...) GN_PRINTF(2, 3);
/* Each line of a text, as gn_cli_fail says it. */
void gn_cli_fail_lines(const struct gn_cli *cli, const char *lines);
/* Text from elsewhere, so that it cannot steer a terminal: control characters but newline and tab
 * are shown as escapes if `out` is a terminal; everything passes unchanged otherwise. */
void gn_cli_print_text(FILE *out, const char *text, size_t len);
/* The same on one line, newlines too. */
void gn_cli_print_line(FILE *out, const char *text);
/* A JSON value, indented by two, and a newline. */
void gn_cli_print_json(FILE *out, const json_t *value);

/* ---- where things are: files.c */
/* What is installed beside the program: PREFIX/relative, if it is there. Owned by the caller; NULL
 * if it is not. The build folder has the same shape. */
char *gn_cli_installed(const struct gn_cli *cli, const char *relative);
/* The folder above bin/. Owned by the caller. */
char *gn_cli_prefix(const struct gn_cli *cli);

#endif
