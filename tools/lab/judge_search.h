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
	/* Targets take commands as they come, more or less. So at first all that were sent before
	 * the closing op are put before it, in the order in which they were sent, as far as they
	 * fit; if that leads nowhere, what follows. */
	bool in_order;
	/* How many other ops may be put before the closing one. The first frame of a place allows
	 * none, then one, then two ...: what needs the fewest is most likely what happened. */
	unsigned allowed;
	size_t first; /* number of this place's first frame */
	bool cut;     /* of the first frame: more could be tried if more were allowed */
	/* Candidates that seem to lead there have their turn in the first round. */
	bool second_round;
	bool passed;	   /* the walk went on from here: whatever else is tried swerves */
	bool swerves;	   /* it does */
	unsigned swerved;  /* on the path down here */
	unsigned distance; /* of a PERSISTENT RESERVE IN that closes; else 0 */
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
	/* Where nothing fitted, and what is being done about it, see judge_trouble.c. */
	bool in_trouble;
	size_t trouble_at;  /* step */
	size_t trouble_top; /* frame */
	unsigned stage;
	unsigned limit;	      /* ops before a closing one */
	unsigned swerves;     /* choices of a path that are not the first that fitted */
	size_t floor;	      /* frames from here on are tried again */
	struct seen_set seen; /* configurations since the trouble began, or was looked at afresh */
	uint64_t states, states_of_trouble, states_of_stage;
	unsigned crashes_open;
	bool stuck;	/* there was a place where nothing fitted */
	size_t deepest; /* the last such place, and the number of its frame */
	size_t deepest_frame;
	bool no_memory;
};

bool search_probe_fits(struct search *search, uint32_t op);
/* Takes all back that was done since the frame was pushed. */
void search_undo_to(struct search *search, const struct frame *frame);
void search_forget_seen(struct search *search);

/* judge_trouble.c */
void search_start(struct search *search);
void search_walked(struct search *search);
/* The top frame has nothing left. True: there is another one to go on with. */
bool search_backtrack(struct search *search, struct judge_search_result *result);
bool search_out_of_time(const struct search *search);
/* May what fitted in this frame be given up for something else? */
bool search_may_swerve(struct search *search, const struct frame *frame);

/* The rule that this op's answer breaks, where `wanted` was due. */
enum judge_rule search_rule_of(struct search *search, const struct judge_op *op,
			       const struct lu_answer *wanted);
/* Nothing fits where this frame stands: what is the rule that was broken? Replaces the result's
 * violation. The state is the frame's. */
void search_blame(struct search *search, const struct frame *frame,
		  struct judge_search_result *result);

/* Whom the PREEMPT AND ABORTs of the order that was found removed. */
void search_collect_aborts(struct search *search, struct judge_search_result *result);

#endif
