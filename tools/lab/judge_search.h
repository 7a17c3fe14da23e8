/*
 * The state of a search, for the files that it is made of.
 */
#ifndef LAB_JUDGE_SEARCH_H
#define LAB_JUDGE_SEARCH_H

#include "tools/lab/judge_internal.h"

enum op_change {
	OP_CHANGE_INVALID = 0,
	OP_OPENED,  /* linked */
	OP_CLEAR,   /* was_clear was set */
	OP_DONE,    /* took effect; unlinked */
	OP_DROPPED, /* never will; unlinked */
	OP_RETIRED, /* closed: no longer of the configuration */
};

struct op_undo {
	enum op_change change;
	uint32_t op;
};

/* A choice: which op takes effect here? */
struct frame {
	size_t at; /* step whose op has to be placed */
	size_t log_mark, lu_mark;
	uint32_t closing;   /* that op */
	uint32_t candidate; /* the op whose turn it is */
	unsigned variant, variants;
	bool begun;
};

struct seen_set {
	uint64_t *slots; /* open addressing; 0: free */
	size_t size, count;
};

struct search {
	const struct history *history;
	struct judge_ops *ops;
	struct lu lu;
	uint64_t states_max;
	uint32_t probes, movers; /* open ops: lists by the time they close */
	size_t at;		 /* step */
	uint64_t hash;		 /* of what is done ahead of its close */
	struct op_undo *log;
	size_t log_len, log_capacity;
	struct frame *frames;
	size_t frame_count, frame_capacity;
	struct seen_set seen;
	bool stuck;	/* there was a place where nothing fitted */
	size_t deepest; /* the last such place, and the number of its frame */
	size_t deepest_frame;
	bool no_memory;
};

bool search_probe_fits(struct search *search, uint32_t op);

/* Nothing fits where this frame stands: what is the rule that was broken? Replaces the result's
 * violation. The state is the frame's. */
void search_blame(struct search *search, const struct frame *frame,
		  struct judge_search_result *result);

/* Whom the PREEMPT AND ABORTs of the order that was found removed. */
void search_collect_aborts(struct search *search, struct judge_search_result *result);

#endif
