/* ask.h - questions to the person at the terminal, one after the other, while the loop runs on.
 *
 * They go to the terminal itself (/dev/tty), as input and output may be data. Lines are typed with
 * what the terminal has for editing them. What all questions have: ":decline" says no, ":cancel"
 * and the end of the input (Ctrl-D) say nothing; a question that nobody wants answered any more is
 * taken back. What is asked and how an answer is read is in form.c (forms) and consent.c
 * (addresses, sampling). Everything belongs to the loop's thread.
 */
#ifndef GANTRY_ASK_H
#define GANTRY_ASK_H

#include "term.h"

#include "gantry_client.h"

#include "util/buf.h"
#include "util/list.h"

struct gn_asker;

/* True if there is a terminal to ask at. */
bool gn_asker_possible(void);
/* who: the server as the person knows it; NULL: not known. NULL: there is no terminal. */
struct gn_asker *gn_asker_new(struct uv_loop_s *loop, const char *who);
/* What is still asked is answered with nothing; its handles are closed, it is freed from the loop.
 * NULL is fine. */
void gn_asker_close(struct gn_asker *a);
/* The person is in the middle of an answer: others had better wait with what they have to say. */
bool gn_asker_is_busy(const struct gn_asker *a);
/* The line that the cursor is in was overwritten: asks again what is to be typed. */
void gn_asker_remind(struct gn_asker *a);
/* Is called each time before something is asked and after it is over (busy false). */
void gn_asker_on_busy(struct gn_asker *a, void (*on_busy)(void *arg, bool busy), void *arg);

void gn_asker_elicit(struct gn_asker *a, gantry_question *question,
                     const gantry_client_elicitation *elicitation);
/* Shows what the server wants a model to say something to, and asks whether it may. then is called
 * once, and has to end the question. */
void gn_asker_confirm_sampling(struct gn_asker *a, gantry_question *question,
                               const gantry_json *params,
                               void (*then)(gantry_question *question, bool yes, void *arg),
                               void *arg);

/* ---------------------------------------------------------------- for form.c and consent.c */

struct gn_asked;
struct gn_asked_ops {
    /* It is its turn: shows everything and prompts. */
    void (*show)(struct gn_asked *k);
    /* A line was typed, without its end. */
    void (*take)(struct gn_asked *k, const char *line);
    /* Ends the question k->question: the person said no, or (not said_no) nothing. */
    void (*refuse)(struct gn_asked *k, bool said_no);
    /* Frees data. */
    void (*release)(struct gn_asked *k);
};
struct gn_asked {
    struct gn_list node;
    struct gn_asker *asker;
    gantry_question *question;
    const struct gn_asked_ops *ops;
    void *data;
    char *prompt; /* owned */
};

/* Puts a question at the end of those that wait; data belongs to it. */
void gn_asked_add(struct gn_asker *a, gantry_question *question, const struct gn_asked_ops *ops,
                  void *data);
/* Prints text wrapped, indented, made harmless, and a newline; style is gone at its end. */
void gn_asked_say(struct gn_asked *k, enum gn_style style, unsigned indent, const char *text);
void gn_asked_sayf(struct gn_asked *k, enum gn_style style, unsigned indent, const char *fmt, ...)
    GN_PRINTF(4, 5);
/* Prints an address in one piece, however long, so that it can be copied. */
void gn_asked_say_address(struct gn_asked *k, const char *url);
unsigned gn_asked_columns(const struct gn_asked *k); /* of the terminal, now */
/* "The server asks", and who that is. */
void gn_asked_say_who(struct gn_asked *k, const char *verb);
/* Prints what stands before the line that is typed, and remembers it. */
void gn_asked_prompt(struct gn_asked *k, const char *fmt, ...) GN_PRINTF(2, 3);
/* Ends it without an answer: k is freed. */
void gn_asked_refuse(struct gn_asked *k, bool said_no);
/* Is told again when nobody wants the answer any more (after gantry_question_on_gone was used). */
void gn_asked_watch(struct gn_asked *k);
/* It is over, and the question was ended: frees k, and the next one has its turn. */
void gn_asked_end(struct gn_asked *k);

/* form.c, consent.c */
void gn_asked_form(struct gn_asker *a, gantry_question *question, const char *message,
                   const gantry_json *schema);
void gn_asked_url(struct gn_asker *a, gantry_question *question, const char *message,
                  const char *url);
/* Starts a program that nobody waits for, whatever it does and says; false if it cannot be started.
 * It goes on when the asker is closed. */
bool gn_asker_start(struct gn_asker *a, const char *const *args);
bool *gn_asker_always(struct gn_asker *a); /* what the person said to all samplings */

#endif
