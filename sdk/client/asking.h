/* asking.h - between question.c and what it knows of each kind of question (elicit.c, sampling.c).
 */
#ifndef GN_CLIENT_ASKING_H
#define GN_CLIENT_ASKING_H

#include "internal.h"

/* What the protocol has for a server to ask. */
struct gn_asking {
    const char *method;
    const char *capability; /* of ours, for messages */
    bool (*is_offered)(const gantry_client *c);
    /* GN_EINVAL, with err, if the params are not what the protocol says. May be NULL. */
    int (*check)(gantry_question *q, struct gn_error *err);
    /* Hands it to the handler, which may answer it at once. */
    void (*tell)(gantry_question *q);
};

/* "Elicitation". check keeps the compiled schema of a form in q->schema. */
bool gn_elicit_is_offered(const gantry_client *c);
int gn_elicit_check(gantry_question *q, struct gn_error *err);
void gn_elicit_tell(gantry_question *q);
/* Writes the ElicitResult of who accepts: content (a JSON object as text, or NULL) with defaults,
 * checked. GN_EINVAL, with a line for each field that is wrong: nothing is to be sent. */
int gn_elicit_accept(gantry_question *q, const char *content, struct gn_buf *out,
                     struct gn_error *err);

/* "Sampling". */
bool gn_sampling_is_offered(const gantry_client *c);
int gn_sampling_check(gantry_question *q, struct gn_error *err);
void gn_sampling_tell(gantry_question *q);
/* Writes the CreateMessageResult of a model that has said this. */
void gn_sampling_say(const char *model, const char *text, struct gn_buf *out);

/* The revision that is spoken, or was just now: a question may be asked when the connection is
 * gone.
 */
static inline enum gn_revision gn_asking_revision(const gantry_client *c)
{
    return c->revision == GN_REV_NONE ? c->known : c->revision;
}

/* Ends the question with a result, a JSON object in one line, and frees it. */
void gn_question_finish(gantry_question *q, const char *result);

#endif
