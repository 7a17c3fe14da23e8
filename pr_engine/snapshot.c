/* The whole state as changes: what a journal starts a new file with. */
#include "pr_engine/bytes.h"
#include "pr_engine/state.h"

size_t pr_state_snapshot_max(const struct pr_state *state)
{
	return (size_t)pr_state_count(state) * PR_CHANGE_ENCODED_MAX + 3 * PR_CHANGE_SHORT_MAX;
}

static void encode_reservation(const struct pr_state *state, struct byte_writer *out)
{
	struct pr_reservation reservation = pr_state_reservation(state);

	if (reservation.type == PR_TYPE_NONE)
		return;
	pr_change_encode(&(struct pr_change){.op = PR_CHANGE_RESERVE,
					     .type = reservation.type,
					     .scope = reservation.scope,
					     .registration_id = reservation.holder_id,
					     .since = reservation.since},
			 out);
}

void pr_state_snapshot(const struct pr_state *state, struct byte_writer *out)
{
	const struct pr_registration *registration = pr_state_first(state);

	for (; registration; registration = pr_state_next(state, registration))
		pr_change_encode(&(struct pr_change){.op = PR_CHANGE_ADD,
						     .registration_id = registration->id,
						     .key = registration->key,
						     .since = registration->since,
						     .nexus = registration->nexus},
				 out);
	encode_reservation(state, out);
	pr_change_encode(&(struct pr_change){.op = PR_CHANGE_APTPL, .aptpl = pr_state_aptpl(state)},
			 out);
	/* Ids stay unique over a compaction, also when the largest is gone. */
	pr_change_encode(&(struct pr_change){.op = PR_CHANGE_NEXT_ID,
					     .registration_id = pr_state_next_id(state)},
			 out);
}
