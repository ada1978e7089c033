/* internal.h - what the files of this floor share. */
#ifndef GN_CALL_INTERNAL_H
#define GN_CALL_INTERNAL_H

#include "call/call.h"

/* notifications/progress: so many at once, then one more every GN_PROGRESS_REFILL_MS. */
#define GN_PROGRESS_BURST 64
#define GN_PROGRESS_REFILL_MS 20

/* check.c: checks the arguments, coerced if that is allowed (call->arguments is then the copy),
 * maps them on the way to what a tool was made from (bound.inner), and fills call->in. False:
 * call->failure and the outcome say why; what no client can help is in the log. [loop] */
bool gn_call_bind(struct gn_call *call, enum gn_outcome *ret_outcome);
/* The same for call->component as the parent of the function `around` it, which gives arguments by
 * the names of its own tool, or is_raw: of the parent. [loop] */
bool gn_call_bind_parent(struct gn_call *call, const struct gn_component *around,
                         const gantry_json *arguments, bool is_raw, enum gn_outcome *ret_outcome);
/* next.c: the same before middlewares, which may still change the arguments. [loop] */
void gn_call_bind_ahead(struct gn_call *call);
/* verdict.c: it failed by what its client cannot help, nor is to see: `why` is for the log. */
enum gn_outcome gn_call_fail_by_accident(struct gn_call *call, const char *who, const char *why);
/* What a return value of the code that runs means, structured output checked. [loop] */
enum gn_outcome gn_call_settle(struct gn_call *call, int rc);
/* next.c: runs the handler on a worker; the coroutine `waits` does, and has the call again then. */
int gn_call_run_on_worker(struct gn_call *call, struct gn_task *waits);
/* next.c: what whoever ran something inside is told, by call->verdict. */
int gn_call_code_of(const struct gn_call *call, int rc);
/* Takes away what a failure has left of the result. */
void gn_call_clear_content(struct gn_call *call);
/* check.c: NULL: the result may go out; what does not fit is in the log. Else why the call fails,
 * in the arena. [loop] */
const char *gn_call_check_output(struct gn_call *call);
/* Runs the handler on the current stack and releases the locks it left. [task] */
int gn_call_invoke(struct gn_call *call);
/* Releases what was locked at this level (call->around_at) and reports it. [task] */
void gn_call_release_locks(struct gn_call *call);
/* What became of the call: the last word, structured output checked. [loop] */
enum gn_outcome gn_call_outcome(struct gn_call *call);
/* What a return value means that `who` gave; accidents get a correlation id and a line in the log.
 */
enum gn_outcome gn_call_judge(struct gn_call *call, int rc, const char *who);
/* The values of an argument that has a list of choices, as a completion. [loop] */
void gn_call_complete_choices(struct gn_call *call);
/* The deadline stands still; starts anew, if it was stopped. [loop] */
void gn_call_stop_clock(struct gn_call *call);
void gn_call_start_clock(struct gn_call *call);
/* Tells the observers, once a call that somebody asked for has ended. [loop] */
void gn_call_tell_ended(struct gn_call *call, enum gn_outcome outcome);

/* middleware.c [loop]: how many middlewares concern such a call; takes them and holds their owners;
 * gives them back. */
uint32_t gn_around_count(const struct gn_call_env *env, uint32_t hook,
                         const struct gn_component *c);
int gn_around_take(struct gn_call *call);
/* True: the owner of one that would concern it has taken the call over (gn_owner.hold). */
bool gn_around_hold(struct gn_call *call, uint32_t hook);
void gn_around_release(struct gn_call *call);
/* The hooks that concern a call of this kind of component. */
uint32_t gn_call_hook_of(const struct gn_component *c, bool is_completion);
void gn_call_name_middleware(const struct gn_middleware *m, char *out, size_t size);

#endif
