/*
 * Nothing fits: somewhere above a wrong turn was taken. Most wrong turns are few and recent, so the
 * places behind are tried again in stages: paths that leave the first choices once, then further
 * back, then twice; and at last every path from the start. Only the last stage proves that there is
 * no order; a long history may take too long for it.
 */
#include "tools/lab/judge_search.h"

static const struct stage {
	size_t window; /* frames */
	unsigned swerves, limit;
	uint64_t states; /* and then the next one */
} stages[] = {
	{64, 1, 2, 200000},
	{24, UINT_MAX, 2, 500000},
	{96, UINT_MAX, 3, 2000000},
	{400, 1, 3, 1000000},
	{64, 2, 3, 2000000},
	{256, UINT_MAX, 4, 4000000},
	{SIZE_MAX, UINT_MAX, UINT_MAX, UINT64_MAX},
};
#define STAGE_COUNT (sizeof(stages) / sizeof(stages[0]))

void search_start(struct search *search)
{
	search->limit = stages[0].limit;
}

bool search_out_of_time(const struct search *search)
{
	return search->no_memory || search->lu.no_memory ||
	       (search->in_trouble && search->states_of_trouble >= search->states_max);
}

bool search_may_swerve(struct search *search, const struct frame *frame)
{
	return !search->in_trouble || frame->swerved < search->swerves;
}

/* The last place that was reached, before anything was tried there, explains best. */
static bool is_deepest(struct search *search, const struct frame *frame)
{
	size_t number = search->frame_count - 1;

	if (search->stuck && (frame->at < search->deepest ||
			      (frame->at == search->deepest && number >= search->deepest_frame)))
		return false;
	search->stuck = true;
	search->deepest = frame->at;
	search->deepest_frame = number;
	return true;
}

/* From here back to the floor all places are tried again. What was chosen on the way here is not
 * held against it. */
static void begin_stage(struct search *search, unsigned stage)
{
	size_t top = search->frame_count - 1, window = stages[stage].window;
	size_t floor = search->trouble_top > window ? search->trouble_top - window : 0;

	search->stage = stage;
	search->limit = stages[stage].limit;
	search->swerves = stages[stage].swerves;
	search->floor = search->frames[floor < top ? floor : top].first;
	search->states_of_stage = 0;
	for (size_t i = search->floor; i <= top; i++) {
		search->frames[i].swerved = 0;
		search->frames[i].swerves = false;
	}
	search_forget_seen(search);
}

static void enter_trouble(struct search *search)
{
	search->in_trouble = true;
	search->trouble_at = search->at;
	search->trouble_top = search->frame_count - 1;
	search->states_of_trouble = 0;
	begin_stage(search, 0);
}

/* Everything down to the floor was tried. False: so was everything else. */
static bool next_stage(struct search *search)
{
	struct frame *frame;

	if (search->stage + 1 == STAGE_COUNT)
		return false;
	begin_stage(search, search->stage + 1);
	frame = &search->frames[search->floor];
	search_undo_to(search, frame);
	frame->candidate = frame->closing;
	frame->variant = frame->variants = 0;
	frame->allowed = 0;
	frame->in_order = true;
	frame->begun = frame->cut = frame->second_round = frame->passed = false;
	search->frame_count = search->floor + 1;
	return true;
}

bool search_backtrack(struct search *search, struct judge_search_result *result)
{
	struct frame *frame = &search->frames[search->frame_count - 1];

	if (search_out_of_time(search))
		return false;
	if (is_deepest(search, frame))
		search_blame(search, frame, result);
	if (!search->in_trouble)
		enter_trouble(search);
	if (search->frame_count - 1 == search->floor ||
	    search->states_of_stage >= stages[search->stage].states)
		return next_stage(search);
	search->frame_count--;
	return true;
}

/* The walk has come to a place where something has to be chosen. Past the trouble? */
void search_walked(struct search *search)
{
	if (!search->in_trouble || search->at <= search->trouble_at)
		return;
	search->in_trouble = false;
	search->limit = stages[0].limit;
}
