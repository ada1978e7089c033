/* offer.h - tools that the host makes itself for a transform: making them, and what their handlers
 * have in common. Loop thread only; what takes a call is for its handler, on the loop. */
#ifndef GN_REGISTRY_OFFER_H
#define GN_REGISTRY_OFFER_H

#include "call/call.h"
#include "registry/build.h"

#define GN_OFFER_NAME_MAX 512 /* characters of a name that a message repeats */

/* What is to be made. */
struct gn_offered {
    const char *name, *title, *description;
    const gantry_arg *args; /* NULL: none */
    uint32_t in_size;
    gantry_run_fn run;
    bool is_reading; /* changes nothing: a hint for clients */
};

/* `data` of such a tool: a copy of what the transform says, which may be gone before it. */
struct gn_offer {
    struct gn_match match;
    uint32_t max_results;
};

/* Fills t->offered, if that has not been done. */
void gn_offer_make(struct gn_transform *t, const struct gn_offered *specs, size_t count);
/* True if a tool of that name is there; that it is in the way has been told. */
bool gn_offer_is_taken(struct gn_build *b, const struct gn_transform *t, const char *name);
/* Makes them and adds those whose names are free. */
void gn_offer_add(struct gn_build *b, struct gn_transform *t, const struct gn_offered *specs,
                  size_t count);

/* The offer whose tool runs. */
const struct gn_offer *gn_offer_of(const struct gn_call *call);
/* True if the offer is about c, as it is now or was when the transform saw it. */
bool gn_offer_has(const struct gn_offer *offer, const struct gn_component *c);
/* What the viewer of the call sees. Borrowed until the loop turns. */
struct gn_snapshot *gn_offer_view(struct gn_call *call);
/* What the viewer sees under that key; *ret NULL: nothing. ret_variables NULL: a tool or prompt by
 * name, else a resource or template by URI. While its plugin hands over to its next generation,
 * calls wait, but for those that are part of what it waits for. GANTRY_ECANCELED. [coroutine] */
int gn_offer_find(struct gn_call *call, enum gn_kind kind, const char *key,
                  const gantry_json **ret_variables, struct gn_component **ret);
/* "tool forecast" in the arena, cut. */
const char *gn_offer_label(struct gn_call *call, const struct gn_component *c);

/* A nested call of c; both are held until gn_offer_end. */
struct gn_offer_run {
    struct gn_component *component;
    struct gn_owner *owner;
    struct gn_call *child;
    enum gn_outcome outcome;
};
/* False: what the handler is to return is in *ret_rc (it is refused, or failed), and there is
 * nothing to end. True: it has ended, run->outcome says how. */
bool gn_offer_begin(struct gn_call *call, struct gn_component *c, const gantry_json *arguments,
                    const char *uri, struct gn_offer_run *run, int *ret_rc);
void gn_offer_end(struct gn_offer_run *run);

/* Bytes that one result may take. */
size_t gn_offer_limit(const struct gn_call *call);
/* Structured output, which is shown as text, too, if nothing else is said; releases out. */
int gn_offer_say_json(struct gn_call *call, struct gn_buf *out);
int gn_offer_say(struct gn_call *call, const char *text);
/* The lists of these kinds, as far as they are offered. */
int gn_offer_say_lists(struct gn_call *call, const enum gn_kind *kinds, size_t count);
/* Fails with "there is no KIND KEY (did you mean ...?)": the nearest of what is listed and offered,
 * or of keys (NULL-terminated). */
int gn_offer_unknown(struct gn_call *call, enum gn_kind kind, const char *key);
int gn_offer_unknown_of(struct gn_call *call, enum gn_kind kind, const char *key,
                        const char *const *keys);

#endif
