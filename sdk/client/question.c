/* question.c - what the server asks of us. */
#include "internal.h"

void gn_question_received(gantry_client *c, gantry_request *r, const gantry_json *message,
                          const struct gn_jsonrpc *m)
{
    (void)c, (void)r, (void)message, (void)m;
}

void gn_questions_gone(gantry_client *c, const gantry_request *r)
{
    (void)c, (void)r;
}
