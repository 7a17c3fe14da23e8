/*
 * The live picture of a run: on a terminal a screen that is drawn again as things happen, anywhere
 * else (or where NO_COLOR is set, or the terminal is a dumb one) a line for each event.
 */
#ifndef TOOLS_HOLDFAST_LAB_SCREEN_H
#define TOOLS_HOLDFAST_LAB_SCREEN_H

#include "tools/holdfast-lab/recorder.h"

struct screen;

/* Would a screen be drawn? */
bool screen_wanted(void);
/*
 * Shows on standard output what the recorder records, from now on. While there is a screen, what is
 * written to standard error is kept until it ends. NULL: no memory.
 */
struct screen *screen_begin(struct recorder *recorder, const struct history_head *head,
			    uint64_t slice_ns);
/* Draws what is new; to be called whenever nothing else is to be done. */
void screen_show(struct screen *screen);
/* Gives the terminal back, with the last picture above. NULL is admitted. */
void screen_end(struct screen **screen);

#endif
