/* lines.h - log lines on their way to the client of a call.
 *
 * The outermost call owns the queue; nested calls put their lines there, too. A line is put in by
 * the thread its code runs on and sent by the loop: when buffer_size of them wait, when the first
 * has waited flush_ms, before a progress notification, and before the result. A client that reads
 * slowly makes them wait longer; when the queue is full the oldest of the lowest level goes, and as
 * soon as something fits again the client is told how many went.
 *
 *     put: worker --(mutex)--> queue --post, once--> loop: flush -> ops->notify
 *                                          ^ timer: flush interval, or the client read slowly
 */
#ifndef GN_CALL_LINES_H
#define GN_CALL_LINES_H

#include "call/call.h"
#include "observe/record.h"

/* Whether a line of the code that runs now would be taken by the host's outputs, and in *ret_client
 * whether by the client. category may be NULL. [task] */
bool gn_call_wants(const struct gn_call *call, enum gn_level level, const char *category,
                   bool *ret_client);
/* One line of the code that runs now: to the host's outputs and to the client. `level` may carry
 * GANTRY_USER_VISIBLE; category and fields may be NULL. [task] */
void gn_call_log_with(struct gn_call *call, uint32_t level, const char *category,
                      const gantry_field *fields, const char *fmt, va_list ap) GN_PRINTF(5, 0);
/* The same with values that are the host's own, as JSON. [task] */
void gn_call_log_json(struct gn_call *call, enum gn_level level, const char *category,
                      const struct gn_log_json *json, size_t count, const char *text);

/* A line of the host's own about a call, with what log.bind has of it; under the name "call". No
 * client gets it. [any] */
void gn_call_note(const struct gn_call *call, enum gn_level level, const char *fmt, ...)
    GN_PRINTF(3, 4);

/* Puts a notification's params (a JSON object) into the queue of the outermost call; level is for
 * what is dropped first. [task] */
void gn_lines_put(struct gn_call *call, enum gn_level level, const char *params, size_t len);
/* [loop] Sends what waits; false if something has to wait on, so nothing may overtake it. */
bool gn_lines_flush(struct gn_call *call);
/* [loop] The client goes away for a while: sends what fits, tells what does not. */
void gn_lines_settle(struct gn_call *call);
/* [loop] The call ends: sends what fits, tells what does not, takes no more. */
void gn_lines_end(struct gn_call *call);
/* [loop] Frees call->lines; NULL is fine. */
void gn_lines_free(struct gn_call *call);

#endif
