/*
 * What becomes of SCSI commands: are they sent again, and are R2Ts served in turn?
 */
#include <string.h>

#include "pr_engine/bytes.h"
#include "tools/check/judge_internal.h"

static unsigned opcode_of(const struct check_event *event)
{
	return event->bhs[0] & 0x3f;
}

static bool is_request(const struct check_event *event)
{
	return event->kind == CHECK_PDU && !event->from_target;
}

/* The SCSI Command that the stimulus is about: that of its tag, or of the next status. */
static const struct check_event *command_of(const struct check_evidence *evidence)
{
	const struct check_record *record = evidence->record;
	size_t from = evidence->stimulus != SIZE_MAX ? evidence->stimulus : evidence->mark;
	const struct check_event *answer = NULL;

	for (size_t i = from; i < evidence->end && !answer; i++) {
		const struct check_event *event = &record->events[i];
		bool has_tag = event->kind == CHECK_PDU &&
			       event->connection == evidence->connection &&
			       get_be32(event->bhs + 16) != ISCSI_NO_TAG;
		if (has_tag &&
		    (opcode_of(event) == ISCSI_SCSI_RESPONSE || opcode_of(event) == ISCSI_DATA_IN ||
		     opcode_of(event) == ISCSI_R2T || opcode_of(event) == ISCSI_SCSI_COMMAND))
			answer = event;
	}
	for (size_t i = from + 1; answer && i-- > 0;) {
		const struct check_event *event = &record->events[i];
		if (is_request(event) && event->connection == evidence->connection &&
		    opcode_of(event) == ISCSI_SCSI_COMMAND &&
		    memcmp(event->bhs + 16, answer->bhs + 16, 4) == 0)
			return event;
	}
	return NULL;
}

static uint64_t repeats(const struct check_evidence *evidence)
{
	const struct check_event *command = command_of(evidence);
	uint64_t count = 0;

	if (!command)
		return 0;
	for (size_t i = (size_t)(command - evidence->record->events) + 1; i < evidence->end; i++) {
		const struct check_event *event = &evidence->record->events[i];
		count += is_request(event) && opcode_of(event) == ISCSI_SCSI_COMMAND &&
			 memcmp(event->bhs + 8, command->bhs + 8, 8) == 0 &&
			 memcmp(event->bhs + 32, command->bhs + 32, 16) == 0;
	}
	return count;
}

bool check_again(const struct clause *clause, const struct check_evidence *evidence)
{
	(void)clause;

	return repeats(evidence) > 0;
}

bool check_again_most(const struct clause *clause, const struct check_evidence *evidence)
{
	return repeats(evidence) <= clause->number;
}

/* ---- R2Ts ------------------------------------------------------------------------------------ */

static bool is_of(const struct check_event *event, unsigned opcode, uint32_t connection)
{
	return event->kind == CHECK_PDU && event->connection == connection &&
	       opcode_of(event) == opcode;
}

/* Has the R2T at `r2t` been answered by a Data-Out in front of `before`? */
static bool is_served(const struct check_evidence *evidence, size_t r2t, size_t before)
{
	const struct check_event *events = evidence->record->events;

	for (size_t i = r2t + 1; i < before; i++)
		if (is_of(&events[i], ISCSI_DATA_OUT, events[r2t].connection) &&
		    memcmp(events[i].bhs + 20, events[r2t].bhs + 20, 4) == 0)
			return true;
	return false;
}

/* The first Data-Out for the R2T at `r2t`. */
static size_t first_answer(const struct check_evidence *evidence, size_t r2t)
{
	size_t at = r2t + 1;

	while (at < evidence->end && !is_served(evidence, r2t, at + 1))
		at++;
	return at;
}

/* No R2T of the stimulus' task is answered before one that came earlier. */
bool check_in_turn(const struct clause *clause, const struct check_evidence *evidence)
{
	const struct check_event *events = evidence->record->events;
	(void)clause;

	if (evidence->stimulus == SIZE_MAX)
		return false;
	const uint8_t *tag = events[evidence->stimulus].bhs + 16;
	for (size_t i = 0; i < evidence->end; i++) {
		if (!is_of(&events[i], ISCSI_R2T, evidence->connection) ||
		    memcmp(events[i].bhs + 16, tag, 4) != 0)
			continue;
		for (size_t k = 0; k < i; k++)
			if (is_of(&events[k], ISCSI_R2T, evidence->connection) &&
			    memcmp(events[k].bhs + 16, tag, 4) == 0 &&
			    is_served(evidence, i, evidence->end) &&
			    !is_served(evidence, k, first_answer(evidence, i)))
				return false;
	}
	return true;
}
