/* fake.h - a client on a link that a test plays the server of.
 *
 *     struct fake f;
 *     fake_open(&f, GANTRY_CLIENT_OPTIONS(.url = "http://fake"));
 *     fake_discover(&f, "{\"tools\":{}}");             connects, in the stateless era
 *     gantry_request *r = gantry_client_call_tool(f.client, "x", NULL, NULL);
 *     const struct gn_jsonrpc *m = fake_next(&f, "tools/call");
 *     fake_result(&f, "{\"content\":[]}");
 *     fake_wait(&f, r);
 *     gantry_request_free(r);
 *     fake_close(&f);
 *
 * Messages that the client sends are kept in their order; each is looked at once. A client that
 * asks to connect again gets a new link (links counts them); fake_next then begins with its
 * messages.
 */
#ifndef TEST_CLIENT_FAKE_H
#define TEST_CLIENT_FAKE_H

#include "internal.h"

struct fake {
    gantry_client *client;
    struct gn_link *link;       /* the one that is open; NULL: none */
    unsigned links, closed;     /* so far */
    bool has_exchanges;         /* the next fake_open makes one as Streamable HTTP is */
    bool opens_by_hand;         /* links open by fake_opened only */
    struct gn_list sent;        /* not looked at yet */
    struct gn_json_doc message; /* the last that was looked at */
    struct gn_jsonrpc m;
    gantry_request *on;   /* the request of it; NULL: none */
    char **param_headers; /* a copy of its; may be NULL */
    char *name;           /* what Mcp-Name would say */
    unsigned forgotten,
        answered;                /* requests that the transport was told to forget; that had come */
    struct gn_buf notes, states; /* a line for each on_note; a digit for each on_state */
};

/* handlers and arg of the options are kept, but on_note and on_state of a client without any are
 * the fake's. The client is on a loop of its own. */
void fake_open(struct fake *f, gantry_client_options *options);
/* Closes the client, frees everything: the fake as well as what was not looked at. */
void fake_close(struct fake *f);
/* The second half of it, for a client that is closed already. */
void fake_release(struct fake *f);
/* Runs the loop once, without waiting. */
void fake_turn(struct fake *f);
/* The next message of the client, which must have that method (NULL: be an answer). Waits for it.
 */
const struct gn_jsonrpc *fake_next(struct fake *f, const char *method);
/* The text of the next message, which is not looked at by this. Waits for it. */
const char *fake_peek(struct fake *f);
/* No message comes in a few turns. */
void fake_nothing(struct fake *f);
/* What the server says: to the message looked at last ... */
void fake_result(struct fake *f, const char *result);
void fake_error(struct fake *f, int code, const char *message, const char *data);
/* ... or any message. */
void fake_says(struct fake *f, const char *json);
void fake_opened(struct fake *f);
void fake_fails(struct fake *f, const struct gn_failure *failure); /* the exchange of f->on */
void fake_loses(struct fake *f, bool is_passing);                  /* the connection */
/* Connects: the stateless era with these capabilities, or the handshake of a revision. */
void fake_discover(struct fake *f, const char *capabilities);
void fake_initialize(struct fake *f, const char *revision, const char *capabilities);
/* Runs the loop until it has ended; its status. Fails after 60 s. */
gantry_client_status fake_wait(struct fake *f, gantry_request *r);
/* Text of the value in the last message's params; "" if it is not there. Until the next. */
const char *fake_param(struct fake *f, const char *pointer);

#endif
