/* progress.h - how far something is, as a line of text: bar, count, rate, what is left, message.
 *
 * Only the arithmetic and the words: when the line is drawn, person.c decides.
 */
#ifndef GANTRY_PROGRESS_H
#define GANTRY_PROGRESS_H

#include "util/buf.h"

#define GN_PROGRESS_SAMPLES 32

/* Zero-initialise it. `message` is owned: gn_progress_release. */
struct gn_progress {
    double done, total; /* total 0: unknown */
    char *message;      /* made harmless; NULL: none */
    unsigned count;     /* of samples so far; the last of them are kept */
    struct {
        uint64_t at_ms;
        double done;
    } samples[GN_PROGRESS_SAMPLES];
};

/* What the server said, and when. Numbers that make no sense (negative, not finite) count as 0. */
void gn_progress_add(struct gn_progress *p, uint64_t now_ms, double done, double total,
                     const char *message);
void gn_progress_release(struct gn_progress *p);

/* Steps in a second, over the last few seconds; 0: not known (yet). */
double gn_progress_rate(const struct gn_progress *p);
/* Seconds that are left at this rate; negative: not known. */
double gn_progress_left(const struct gn_progress *p);

/* Appends one line that takes at most so many columns: "[####    ]  50% 5/10 2.5/s 0:02 left
 * message"; without a total: "5 2.5/s message". What matters less is left out where there is no
 * room. *ret_bar is where the bar ends (0: there is none). */
void gn_progress_add_line(const struct gn_progress *p, size_t columns, struct gn_buf *out,
                          size_t *ret_bar);

#endif
