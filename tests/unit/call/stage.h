/* stage.h - what tests of the call floor share: a loop, an environment, owners that count, a log
 * that remembers, and functions that run in calls. */
#ifndef TESTS_CALL_STAGE_H
#define TESTS_CALL_STAGE_H

#include "call/call.h"

#define STAGE_DEADLINE_MS 60000

struct stage_owner {
    struct gn_owner owner;
    struct gn_work_group group;
    int refs;
};

struct stage {
    uv_loop_t uv;
    struct gn_loop *loop;
    struct gn_call_env env;
    struct gn_log log;
    struct gn_buf said; /* all lines of the log, one a line: "LEVEL COMPONENT TEXT" [loop] */
    struct stage_owner a, b;
    int ended;
};

void stage_open(struct stage *s);
/* Nothing may be alive or held any more. */
void stage_close(struct stage *s);
/* Runs the loop until *counter has reached want; fails the test if that takes too long. */
void stage_until(struct stage *s, const int *counter, int want);
/* Runs the loop until nothing is alive. */
void stage_settle(struct stage *s);
/* Starts fn in a call of `owner`; stage->ended counts its end. One reference is the caller's. */
struct gn_call *stage_start(struct stage *s, struct stage_owner *owner, bool blocks,
                            int (*fn)(struct gn_call *call, void *arg), void *arg);

#endif
