/*
 * The state of a search, for the files that it is made of.
 *
 * A configuration is what one possible order of the commands has led to at one place of the
 * history: the state of the logical unit, and which of the open ops have taken effect. The search
 * carries a frontier of configurations through the history, as many as its level allows.
 */
#ifndef LAB_JUDGE_SEARCH_H
#define LAB_JUDGE_SEARCH_H

#include "tools/lab/judge_internal.h"

#define NO_PATH 0u

/* How a configuration came about: a tree of the ops that took effect, each with what was before. */
struct path_node {
	uint32_t before, op;
	uint32_t references;
	uint32_t variant;
};

struct paths {
	struct path_node *nodes; /* the first is not used */
	uint32_t count, capacity;
	uint32_t unused; /* list of nodes that are free, by `before` */
};

struct config {
	uint64_t key;	 /* hash of the state and of the movers that are done */
	uint32_t path;	 /* owns a reference */
	uint32_t cost;	 /* how unlikely its order is */
	uint32_t extras; /* ops before the one that is being placed */
	uint32_t length; /* ops since the start, but for unit attentions that were told */
	/* The image of the state, then a bit for each slot: its op is done; it found no unit
	 * attention pending at some moment since it was opened; it would have been GOOD and changed
	 * nothing at such a moment. */
	uint64_t words[];
};

struct config_pool {
	struct config **unused;
	size_t unused_count, unused_capacity;
	size_t live;
};

/* Configurations, none of which is as good as another one. */
struct config_set {
	struct config **items;
	size_t count, capacity;
	uint32_t *slots; /* by key; 0: free, else number of the item + 1 */
	size_t size;
};

struct op_list {
	uint32_t *ops; /* in the order in which they were opened */
	uint32_t count;
};

/* Nodes that wait for their turn, the most likely ones first. */
struct turn {
	uint32_t priority, number; /* of its insertion; ties go to the first */
	uint32_t item;		   /* of the nodes */
};

struct turns {
	struct turn *heap;
	size_t count, capacity;
	uint32_t inserted;
};

/* A place to which the search can go back. */
struct checkpoint {
	size_t at;
	uint32_t *open; /* probes first, then movers */
	uint32_t probe_count, mover_count;
	struct config **configs;
	size_t config_count;
	bool exact;
};

/* A PERSISTENT RESERVE IN that shows PRGENERATION, or a crash: when it was sent, or seen. */
struct view {
	size_t at; /* step */
	uint32_t op;
	uint32_t counted; /* by then, since the history's start */
};

/* An op of a nexus that says something of the state before it: when it is opened. */
struct later {
	size_t at; /* step */
	uint32_t op;
};

/* What was found out before the search: judge_ahead.c. */
struct ahead {
	struct view *views;
	uint32_t view_count, view_capacity;
	size_t *opens, *closes;	  /* of each op: the step */
	uint32_t *next_view;	  /* of each step */
	uint32_t *counted;	  /* of each step: commands that count and were over before it */
	bool *aptpl_matters;	  /* of each step */
	size_t *next_crash;	  /* of each step: when it opens; SIZE_MAX: never */
	size_t *next_reset;	  /* the same for a reset */
	uint32_t *first_of_nexus; /* in of_nexus, in the order of opening; one more at the end */
	struct later *of_nexus;
	bool ports_together; /* ALL_TG_PT was used */
};

#define NO_HINT UINT32_MAX

/* This op before the other one costs more: judge_hints.c. */
struct hint {
	uint32_t other, weight, next;
};

struct hints {
	uint32_t *first; /* of each op, or NO_HINT */
	struct hint *items;
	uint32_t count, capacity;
};

#define CHECKPOINTS_MAX 256

struct search {
	const struct history *history;
	struct judge_ops *ops;
	struct lu lu;
	size_t image_words, bit_words;
	uint64_t *open_mask, *movers_mask; /* slots of open ops; of those that are movers */
	struct op_list probes, movers;
	uint32_t crash; /* open crash, or JUDGE_NO_OP */
	size_t at;	/* step */
	struct ahead ahead;
	struct hints hints;

	/* The configuration at hand: with the state in `lu`. */
	uint64_t *done, *clear, *idle;
	uint32_t path, cost, extras, length;

	bool *blocked; /* of each nexus: the last tries failed because it could not go on */

	struct paths paths;
	struct config_pool pool;
	struct config_set frontier, spare, nodes;
	struct turns turns;
	bool exact; /* nothing was ever left out on the way here */
	bool blind; /* no look ahead: to find the answer that nothing explains, not one before it */
	/* The order that the target tells is followed, or at least tried before others. It may be
	 * wrong: a search that was led proves nothing but what it finds. */
	bool led;

	/* Effort, and what is done when nothing is left: judge_trouble.c. */
	unsigned level, level_first, tries;
	bool in_trouble;
	uint32_t passed;   /* rank: the turns up to there are over, and who did not come lost his */
	size_t trouble_at; /* step */
	struct checkpoint checkpoints[CHECKPOINTS_MAX];
	size_t checkpoint_count;
	unsigned placed; /* since the last checkpoint */
	uint64_t states, states_of_trouble, states_max;
	bool stuck; /* there was a place where nothing fitted */
	size_t deepest;
	bool no_memory;
};

/* ---- judge_apply.c: what ops do to the configuration at hand ---- */

bool search_is_done(const struct search *search, uint32_t op);
/* The op was told of a unit attention. */
bool search_op_is_attention(const struct judge_op *op);
/* It found no unit attention in its way, or reports none. */
bool search_may_answer(const struct search *search, const struct judge_op *op);
void search_mark_done(struct search *search, uint32_t op);
/* The op would be GOOD now and change nothing; it would have been since it was opened. */
void search_note_idle(struct search *search, uint32_t op);
bool search_was_idle(const struct search *search, uint32_t op);
void search_note_clear(struct search *search, uint32_t op);
bool search_was_clear(const struct search *search, const struct judge_op *op);
bool search_probe_fits(struct search *search, uint32_t op);
/* Marks the op, and what waited for just this state. */
void search_settle(struct search *search, uint32_t op);
/* Gives the mover its turn. False: it does not fit (the configuration is to be loaded afresh). */
bool search_apply(struct search *search, uint32_t op, unsigned variant, unsigned *ret_variants);
/* After this op, what later commands were answered cannot come any more. */
bool search_is_hopeless(struct search *search, uint32_t applied);
/* Steps to the state that the op has seen, where that can be told. */
unsigned search_distance(const struct search *search, uint32_t op);
/* How unlikely is it that the op took effect before others that were sent earlier? */
unsigned search_price(const struct search *search, uint32_t op);

/* ---- judge_ahead.c ---- */

/* A change that surely counts in PRGENERATION. */
bool search_op_is_counted(const struct judge_op *op);
bool search_look_ahead(struct search *search);
void search_finish_ahead(struct search *search);
/* PRGENERATION is, or surely will be, beyond what a later PERSISTENT RESERVE IN showed. */
bool search_counted_too_much(const struct search *search);

/* ---- judge_ahead_nexus.c ---- */

/* The first one of the nexus, in ahead.of_nexus, that was opened at this step or later. */
uint32_t search_first_later(const struct search *search, uint32_t nexus, size_t step);
bool search_look_ahead_nexuses(struct search *search);
void search_finish_ahead_nexuses(struct search *search);
/* Is the nexus of this unit attention told the same once more, by a command that was sent before
 * this step or is the first one after it? */
bool search_reports_again(const struct search *search, uint32_t op, size_t until);
/* Some nexus' later commands cannot be answered any more as they were. */
bool search_nexus_is_stuck(struct search *search, uint32_t applied);

/* ---- judge_ahead_reset.c ---- */

bool search_look_ahead_resets(struct search *search);
void search_finish_ahead_resets(struct search *search);
/* After this op some nexus is told of more resets than there are. */
bool search_lacks_reset(struct search *search, uint32_t applied);

/* ---- judge_config.c: configurations ---- */

bool search_init_configs(struct search *search);
void search_finish_configs(struct search *search);
void search_load(struct search *search, const struct config *config);
/* The bits at hand into the configuration that was loaded. */
void search_put_bits(const struct search *search, struct config *config);
/* The configuration at hand as a new one; NULL: no memory. */
struct config *search_store(struct search *search);
struct config *search_copy(struct search *search, const struct config *config);
void search_drop(struct search *search, struct config *config);
/* The path of the configuration at hand goes on with this op. */
void search_extend_path(struct search *search, uint32_t op, unsigned variant);

enum set_change {
	SET_KNOWN,
	SET_NEW,
	SET_BETTER
};
/* Takes the configuration over. SET_KNOWN: there is one as good already. SET_BETTER: it stands in
 * the place of another one. *ret_item is the number of the one that is in the set now. */
enum set_change search_set_add(struct search *search, struct config_set *set, struct config *config,
			       uint32_t *ret_item);
void search_set_empty(struct search *search, struct config_set *set);
/* Marks those that the configuration, which is not in the set, is as good as. */
void search_set_mark(struct search *search, struct config_set *set, struct config *config,
		     const struct config *but);
/* After this nothing is found in the set any more. */
void search_set_drop_marked(struct search *search, struct config_set *set);
/* Keeps the most likely ones. False: there were not more. */
bool search_set_cut(struct search *search, struct config_set *set, size_t max);

/* The ops that took effect on the way to the configuration at hand, the youngest first: `node` is
 * its path at first. NULL: no more. */
static inline const struct judge_op *search_previous(const struct search *search, uint32_t *node)
{
	const struct path_node *at = &search->paths.nodes[*node];

	if (*node == NO_PATH)
		return NULL;
	*node = at->before;
	return &search->ops->ops[at->op];
}

static inline uint64_t *config_done(const struct search *search, struct config *config)
{
	return config->words + search->image_words;
}

static inline uint64_t *config_clear(const struct search *search, struct config *config)
{
	return config->words + search->image_words + search->bit_words;
}

static inline uint64_t *config_idle(const struct search *search, struct config *config)
{
	return config->words + search->image_words + 2 * search->bit_words;
}

/* ---- judge_led.c ---- */

/* The open op that the target says took effect next behind this rank, of those that have not;
 * JUDGE_NO_OP. */
uint32_t search_led_next(const struct search *search, uint32_t behind);
/* Is the mover worth its turn in the configuration at hand, to make `closing` fit? `next`: what
 * search_led_next said. */
bool search_led_may_come(struct search *search, uint32_t op, uint32_t next, uint32_t closing);
/* Could this command, which is just like the next one, be the one that the target meant? */
bool search_led_may_stand_for(const struct search *search, uint32_t op, uint32_t next);
unsigned search_led_price(const struct search *search, uint32_t op);
/* Is this a unit attention of a nexus without which others cannot come (search->blocked)? */
bool search_led_is_blocked(const struct search *search, uint32_t op);
/* Marks those that the target is not quoted with, because they change nothing, and notes those that
 * it is perhaps not quoted with. */
void search_led_settle(struct search *search);
/* After `next` was tried: would this unit attention have been reported before it, and another one
 * be due now? Then that is worth a try. */
bool search_led_merged(const struct search *search, uint32_t op);

/* What it costs that the op changed nothing, though perhaps it is quoted. */
unsigned search_led_idle_price(const struct search *search, uint32_t op);

/* ---- judge_follow.c ---- */

/* Goes on from a node, to make `closing` fit. */
void search_follow(struct search *search, uint32_t item, uint32_t closing);

/* ---- judge_turns.c: whose turn it is ---- */

bool search_push_turn(struct search *search, uint32_t item, uint32_t priority);
uint32_t search_pop_turn(struct search *search);

/* ---- judge_search.c ---- */

#define SEARCH_ANY_GENERATION UINT64_MAX

/* One op takes effect after what led to the node, with each answer that the standard admits;
 * PRGENERATION is what it has to be then. */
void search_try(struct search *search, uint32_t item, uint32_t op, uint32_t closing,
		uint64_t generation);

/* It took effect at a moment when it changed nothing, if there was one: that is no step of the
 * path.
 */
void search_try_idle(struct search *search, uint32_t item, uint32_t closing);

/* The op is open, behind those that are. */
void search_list_op(struct search *search, uint32_t op);

/* ---- judge_hints.c ---- */

bool search_init_hints(struct search *search);
void search_forget_hints(struct search *search);
void search_finish_hints(struct search *search);
unsigned search_hinted_price(const struct search *search, uint32_t op);
/* Where the configuration stands, the op does not fit. */
void search_learn(struct search *search, const struct config *config, uint32_t op);

/* ---- judge_trouble.c: effort ---- */

void search_begin_levels(struct search *search);
size_t search_frontier_max(const struct search *search);
size_t search_nodes_max(const struct search *search);
/* Is there so much that what can wait is in the way of the rest, and not so much that to find it
 * costs more than it saves? */
bool search_is_worth_pruning(const struct search *search);
bool search_out_of_time(const struct search *search);
/* Has the search never come further than here? */
bool search_is_deepest(struct search *search);
/* Keeps this place to go back to. False: no memory. */
bool search_checkpoint(struct search *search);
void search_free_checkpoints(struct search *search);
/* Does the search follow the order that the target tells? Not in the places where that failed. */
bool search_follows(const struct search *search);
/* ... and take it for all that changed? */
bool search_believes(const struct search *search);
/* ... and give each command that the target says it decided its turn just where it says? */
bool search_obeys(const struct search *search);
/* Does it try more than at first? */
bool search_is_in_trouble(const struct search *search);
/* Nothing was found where the target led: starts anew, without. False: it was not led. */
bool search_go_alone(struct search *search);
/* It is lost: looks once more for the place, without looking ahead. False: no memory. */
bool search_go_blind(struct search *search);
/* One step is done. */
void search_walked(struct search *search);
/* Nothing fits. True: the search goes on from an earlier place, with more effort. */
bool search_go_back(struct search *search);

/* ---- judge_blame.c, judge_blame_rule.c ---- */

/* The rule that this op's answer breaks, where `wanted` was due. */
enum judge_rule search_rule_of(struct search *search, const struct judge_op *op,
			       const struct lu_answer *wanted);

/* Where the configuration stands, the op does not fit: what is the rule that was broken? Replaces
 * the result's violation. */
void search_blame(struct search *search, const struct config *config, uint32_t op,
		  struct judge_search_result *result);
/* Whom the PREEMPT AND ABORTs of the order that was found removed. */
void search_collect_aborts(struct search *search, const struct config *config,
			   struct judge_search_result *result);

#endif
