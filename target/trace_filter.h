/*
 * Which events of the trace somebody wants to see.
 */
#ifndef TARGET_TRACE_FILTER_H
#define TARGET_TRACE_FILTER_H

#include "target/trace.h"

#define TRACE_PATTERN_MAX 256	     /* bytes, with the NUL */
#define TRACE_DECISIONS	  "decision" /* what `decisions` below is called beside kinds */

/* All zero: every event but PDUs. */
struct trace_filter {
	char initiator[TRACE_PATTERN_MAX]; /* a name, with `*` and `?`; "": everybody */
	char target[TRACE_PATTERN_MAX];
	/*
	 * Commands by name, as in docs/commands.md in lower case with dashes: "read-10",
	 * "persistent-reserve-out-register". Without its length, or without the service action, it
	 * stands for all of them: "read", "persistent-reserve-out". `*` and `?` work; "pr-out" and
	 * "pr-in" are short forms, and "0x28" is an opcode. "": all commands, and what else
	 * happens.
	 */
	char command[TRACE_PATTERN_MAX];
	bool has_lun, has_status, has_kind;
	uint16_t lun;
	uint8_t status;
	enum trace_kind kind;
	bool pdus; /* PDUs too */
	/* Only what was decided: changes of reservations (SPC-2: commands), unit attentions that
	 * were reported, task management that began. */
	bool decisions;
};

/* `ring` knows who it is about. */
bool trace_filter_matches(const struct trace_filter *filter, const struct trace_ring *ring,
			  const struct trace_event *event);

/* Could this pattern be any command's name? False: nothing will ever match. */
bool trace_filter_command_is_known(const char *pattern);

#endif
