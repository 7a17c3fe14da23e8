/*
 * After the fight: somebody who took no part looks at what is registered, what is reserved, and
 * what the blocks hold.
 */
#include <string.h>

#include "tools/holdfast-lab/stress.h"

#define TURN_MS	       20
#define ATTENTIONS_MAX 64
#define INSPECTOR_KEY  0x1257ec7
#define READ_BLOCKS    64

struct inspector {
	struct setup *setup;
	struct initiator *initiator;
	bool waiting;
	struct history_result last;
	bool record; /* what is read goes into the history as the medium's */
};

static void on_session(void *context, struct initiator *initiator, bool up, const char *why)
{
	struct inspector *inspector = context;

	(void)initiator;
	(void)up;
	inspector->waiting = false;
	if (why[0] != '\0')
		fprintf(stderr, "holdfast-lab: the inspector's session: %s\n", why);
}

static void on_end(void *context, const struct command_end *end)
{
	struct inspector *inspector = context;

	inspector->waiting = false;
	inspector->last = *end->result;
	if (inspector->record && end->result->outcome == HISTORY_GOOD)
		for (uint32_t i = 0; i < end->result->tag_count; i++)
			recorder_medium(inspector->setup->recorder, end->command->lun,
					end->command->lba + i, &end->result->tags[i]);
}

static void wait_for(struct inspector *inspector)
{
	while (inspector->waiting)
		loop_turn(inspector->setup->loop, TURN_MS);
}

/* Once, or again as long as it is only told of unit attentions. True: GOOD. */
static bool ask(struct inspector *inspector, const struct history_command *command)
{
	for (int i = 0; i < ATTENTIONS_MAX; i++) {
		inspector->waiting = true;
		if (initiator_send(inspector->initiator, command, NULL, on_end, inspector) != 0)
			return false;
		wait_for(inspector);
		if (inspector->last.outcome != HISTORY_CHECK || inspector->last.sense_key != 6)
			return inspector->last.outcome == HISTORY_GOOD;
	}
	return false;
}

static bool ask_op(struct inspector *inspector, enum history_op op, uint16_t lun, uint64_t key,
		   uint64_t action_key)
{
	struct history_command command = {.op = op,
					  .lun = lun,
					  .key = key,
					  .action_key = action_key,
					  .move_to = HISTORY_NO_NEXUS};
	return ask(inspector, &command);
}

static bool read_blocks(struct inspector *inspector, uint16_t lun, uint64_t lba, uint32_t blocks)
{
	inspector->record = true;
	while (blocks > 0) {
		struct history_command command = {.op = HISTORY_READ,
						  .lun = lun,
						  .lba = lba,
						  .blocks = blocks < READ_BLOCKS ? blocks
										 : READ_BLOCKS,
						  .move_to = HISTORY_NO_NEXUS};
		if (!ask(inspector, &command))
			return false;
		lba += command.blocks;
		blocks -= command.blocks;
	}
	inspector->record = false;
	return true;
}

/* Nothing may hinder the reading of somebody else's target: all reservations go. */
static bool inspect_lun(struct inspector *inspector, uint16_t lun, uint64_t lba, uint32_t blocks)
{
	bool answered = ask_op(inspector, HISTORY_READ_KEYS, lun, 0, 0) &&
			ask_op(inspector, HISTORY_READ_RESERVATION, lun, 0, 0);

	if (answered && !inspector->setup->own)
		answered = ask_op(inspector, HISTORY_REGISTER_AND_IGNORE, lun, 0, INSPECTOR_KEY) &&
			   ask_op(inspector, HISTORY_CLEAR, lun, INSPECTOR_KEY, 0) &&
			   read_blocks(inspector, lun, lba, blocks);
	if (!answered)
		fprintf(stderr, "holdfast-lab: LUN %u could not be looked at in the end\n",
			(unsigned)lun);
	return answered;
}

bool stress_inspect(struct setup *setup, uint64_t lba, uint32_t blocks)
{
	struct initiator_identity identity = {.name = "iqn.2026-11.io.holdfast:inspector",
					      .label = "inspector",
					      .isid = {0x80, 0, 0, 1, 0, 0}};
	struct inspector inspector = {.setup = setup,
				      .initiator = initiator_create(setup->loop, &identity),
				      .waiting = true};
	bool inspected;

	if (!inspector.initiator)
		return false;
	initiator_login(inspector.initiator, on_session, &inspector);
	wait_for(&inspector);
	inspected = initiator_is_up(inspector.initiator);
	for (unsigned i = 0; i < setup->luns && inspected; i++)
		inspected = inspect_lun(&inspector, (uint16_t)(setup->first_lun + i), lba, blocks);
	if (initiator_is_up(inspector.initiator)) {
		inspector.waiting = true;
		initiator_logout(inspector.initiator, on_session, &inspector);
		wait_for(&inspector);
	}
	return inspected && (!setup->own || setup_scan(setup, lba, blocks));
}
