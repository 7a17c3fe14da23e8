/*
 * A run as it happens, for a terminal: events go in, a screen or lines of text come out. It knows
 * no terminal and no clock.
 *
 * The screen has a lane for each initiator: its key, what it holds, and the latest of its commands
 * as characters on a line that tells whether it was registered or held the disk. A lane moves one
 * column to the left with each event, or, where a run is too fast for eyes, with each slice of
 * time.
 */
#ifndef LAB_LIVE_H
#define LAB_LIVE_H

#include "tools/lab/history.h"

struct live;

/* slice_ns 0: a column for each event. NULL: no memory. */
struct live *live_create(const struct history_head *head, uint64_t slice_ns);
void live_free(struct live **live);

/* Takes the event in; nothing of it is kept by reference. */
void live_take(struct live *live, const struct history_event *event);

struct live_look {
	unsigned columns, rows;
	bool colour, utf8;
	const char *line_end;
};

/* The screen as it is at this time of the history. */
void live_draw(const struct live *live, uint64_t now_ns, const struct live_look *look, FILE *out);
/* What was not printed yet, a line for each event that has come to its end. */
void live_print(struct live *live, FILE *out);

#endif
