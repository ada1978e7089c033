/* person.h - what a person sees, and is asked: progress, log lines, forms, lists, results.
 *
 * Messages go to standard error, results to `out`, which is standard output (or standard error, for
 * what a tool that failed says). Nothing here decides whether something is shown: target.c does,
 * which prints JSON for programs itself. Whatever comes from a server is printed so that it cannot
 * steer a terminal (gn_cli_print_text). Where the stream is no terminal, what is printed has no
 * colours, is not wrapped, and does not change: programs read it, too.
 */
#ifndef GANTRY_PERSON_H
#define GANTRY_PERSON_H

#include "cli.h"

#include "gantry_client.h"

/* ---------------------------------------------------------------- while something goes on
 *
 * One for a command: it remembers what stands in the terminal's last line. */
struct gn_person;

struct gn_person_options {
    const struct gn_cli *cli;
    struct uv_loop_s *loop; /* on which forms are filled in */
    const char *who;        /* the server, as the person named it; NULL: "The server" */
    bool verbose;           /* tell about progress also where nothing can be drawn */
};
struct gn_person *gn_person_new(const struct gn_person_options *options);
/* Takes away what is drawn, answers what is still asked with nothing, and closes its handles: to be
 * called before the client is closed. */
void gn_person_leave(struct gn_person *p);
/* After the loop has run until those handles were closed. NULL is fine. */
void gn_person_free(struct gn_person *p);
/* Standard error is a terminal, and there is one to read from (/dev/tty): a question would be seen,
 * and answered. */
bool gn_person_can_answer(void);

/* A bar, if standard error is a terminal; about twenty drawings a second at most, the last state
 * always. */
void gn_person_progress(struct gn_person *p, const gantry_client_progress *progress);
/* The request has ended: the bar goes, and the line of a question that is still open. */
void gn_person_over(struct gn_person *p);
/* Before anybody else writes to the terminal. The bar comes back later. */
void gn_person_clear(struct gn_person *p);
/* A log message of the server. Held back while the person is in the middle of an answer. */
void gn_person_log(struct gn_person *p, const gantry_client_log *message);
/* Asks the person, and answers the question: then, or later from the loop. Is told itself when
 * nobody wants the answer any more. A question that comes while another is asked waits. Ctrl-C
 * reaches the command as SIGINT, as always. */
void gn_person_elicit(struct gn_person *p, gantry_question *question,
                      const gantry_client_elicitation *elicitation);

/* Shows what the server wants a model to say something to, and asks whether it may. then is called
 * once, from the loop or at once if there is nobody to ask (no), and has to end the question. */
void gn_person_confirm_sampling(struct gn_person *p, gantry_question *question,
                                const gantry_json *params,
                                void (*then)(gantry_question *question, bool yes, void *arg),
                                void *arg);

/* ---------------------------------------------------------------- results
 *
 * Values are borrowed, of the shapes of the protocol; what is missing or of another type is passed
 * over. */

/* A CallToolResult: content blocks, each on lines of its own. Pictures, sounds and other bytes are
 * saved into the folder `save`; with NULL, if `out` is a terminal, into one of the user's
 * (images.h), else they are only named. GN_EXIT_FAILED if something could not be saved into the
 * folder that is wanted; else 0. */
int gn_show_result(FILE *out, const char *save, const json_t *result);
/* Contents of a resource. Bytes are written as they are unless they are saved. GN_EXIT_PROTOCOL if
 * some cannot be read. */
int gn_show_resource(FILE *out, const char *save, const json_t *contents);
/* A GetPromptResult. */
int gn_show_prompt(FILE *out, const char *save, const json_t *result);
/* The values of a CompleteResult. */
void gn_show_completion(FILE *out, const json_t *values);
/* A list of one kind, with its title. `member` is the name that MCP gives the array. Nothing for an
 * empty one. */
void gn_show_list(FILE *out, const char *member, const json_t *items);
/* A DiscoverResult or InitializeResult. */
void gn_show_server(FILE *out, const char *revision, const char *transport, const json_t *server);
/* Any JSON: indented by two, on a terminal in colours, and a newline. */
void gn_show_json(FILE *out, const json_t *value);
/* One answer to a ping: the how-manieth, and how long it took. */
void gn_show_ping(FILE *out, unsigned number, const char *revision, double ms);
/* Of several, at the end. */
void gn_show_ping_summary(FILE *out, unsigned sent, unsigned answered, double min, double mean,
                          double max);
/* Something has changed ("tools", "resource"), which (a URI; may be NULL); flushed. */
void gn_show_change(FILE *out, const char *what, const char *uri);

#endif
