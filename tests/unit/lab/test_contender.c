/*
 * What contenders do next: the same with the same seed, everything that there is, and nothing that
 * the target does not take.
 */
#include <string.h>

#include "pr_engine/bytes.h"
#include "tests/support/suite.h"
#include "tools/lab/contender.h"

#define COUNT 8
#define MOVES 20000

static uint32_t nexuses[COUNT] = {0, 1, 2, 3, 4, 5, 6, 7};
static uint64_t keys[COUNT][HISTORY_LUNS_MAX];
static struct contest contest;
static struct contender contender;

static void setup(void)
{
	memset(keys, 0, sizeof(keys));
	contest = (struct contest){.contenders = COUNT,
				   .luns = 2,
				   .lba = 100,
				   .blocks = 10,
				   .scratch_lba = 110,
				   .type_mask = {0x6a, 0},
				   .aptpl = true,
				   .resets = true,
				   .departures = true,
				   .nexuses = nexuses,
				   .keys = keys};
	contender_init(&contender, 3, 42);
}

START_TEST(the_same_seed_makes_the_same_moves)
{
	struct contender twin, other;
	unsigned differences = 0;

	contender_init(&twin, 3, 42);
	contender_init(&other, 3, 43);
	for (int i = 0; i < 1000; i++) {
		struct contender_move a = contender_next(&contender, &contest);
		struct contender_move b = contender_next(&twin, &contest);
		struct contender_move c = contender_next(&other, &contest);
		ck_assert_int_eq(a.act, b.act);
		ck_assert_int_eq(a.command.op, b.command.op);
		ck_assert_uint_eq(a.command.lun, b.command.lun);
		ck_assert_uint_eq(a.command.key, b.command.key);
		ck_assert_uint_eq(a.command.action_key, b.command.action_key);
		ck_assert_uint_eq(a.command.lba, b.command.lba);
		ck_assert_uint_eq(a.command.type, b.command.type);
		differences += a.command.op != c.command.op;
	}
	ck_assert_uint_gt(differences, 100);
}
END_TEST

START_TEST(every_operation_comes_up)
{
	unsigned ops[HISTORY_OP_COUNT] = {0}, logouts = 0, cuts = 0;

	contest.full_status = true;
	for (int i = 0; i < MOVES; i++) {
		keys[3][0] = keys[3][1] = i % 2 == 0 ? 0x300 : 0;
		struct contender_move move = contender_next(&contender, &contest);
		logouts += move.act == CONTENDER_LOGOUT;
		cuts += move.act == CONTENDER_CUT;
		if (move.act == CONTENDER_COMMAND)
			ops[move.command.op]++;
	}
	for (unsigned op = HISTORY_OP_INVALID + 1; op < HISTORY_OP_COUNT; op++)
		ck_assert_msg(ops[op] > 0, "no %s", history_op_name((enum history_op)op));
	ck_assert_uint_gt(logouts, 0);
	ck_assert_uint_gt(cuts, 0);
}
END_TEST

START_TEST(what_is_left_out_does_not_come_up)
{
	contest.resets = contest.departures = contest.full_status = contest.all_tg_pt = false;
	contest.aptpl = false;
	contest.lacks[HISTORY_PREEMPT_AND_ABORT] = true;
	for (int i = 0; i < MOVES; i++) {
		struct contender_move move = contender_next(&contender, &contest);
		ck_assert_int_eq(move.act, CONTENDER_COMMAND);
		ck_assert_int_ne(move.command.op, HISTORY_LUN_RESET);
		ck_assert_int_ne(move.command.op, HISTORY_TARGET_RESET);
		ck_assert_int_ne(move.command.op, HISTORY_READ_FULL_STATUS);
		ck_assert_int_ne(move.command.op, HISTORY_PREEMPT_AND_ABORT);
		ck_assert(!move.command.all_tg_pt && !move.command.aptpl);
	}
}
END_TEST

START_TEST(blocks_stay_in_the_field_and_sequences_never_repeat)
{
	uint64_t last = 0;

	for (int i = 0; i < MOVES; i++) {
		struct contender_move move = contender_next(&contender, &contest);
		const struct history_command *c = &move.command;
		if (move.act != CONTENDER_COMMAND ||
		    (c->op != HISTORY_READ && c->op != HISTORY_WRITE))
			continue;
		ck_assert_uint_ge(c->lba, 100);
		ck_assert_uint_ge(c->blocks, 1);
		ck_assert_uint_le(c->lba + c->blocks, 110);
		if (c->op == HISTORY_WRITE) {
			ck_assert_uint_gt(c->sequence, last);
			last = c->sequence;
		}
	}
	ck_assert_uint_gt(last, 0);
}
END_TEST

START_TEST(other_commands_change_the_scratch_block_alone)
{
	unsigned opcodes[256] = {0};

	contest.block_size = 512;
	contest.scratch_lba = 110;
	for (int i = 0; i < MOVES; i++) {
		struct contender_move move = contender_next(&contender, &contest);
		const struct history_command *c = &move.command;
		if (move.act != CONTENDER_COMMAND || c->op != HISTORY_CDB)
			continue;
		opcodes[c->cdb[0]]++;
		ck_assert_uint_eq(c->lba, 110);
		ck_assert_uint_eq(c->blocks, 1);
		ck_assert(move.out_len == 0 || move.in_len == 0);
		ck_assert_uint_le(move.out_len, (size_t)CONTENDER_OUT_BLOCKS_MAX * 512);
		if (c->cdb[0] == 0x41 || c->cdb[0] == 0x2e)
			ck_assert_uint_eq(get_be32(c->cdb + 2), 110);
		if (c->cdb[0] == 0x89)
			ck_assert_uint_eq(get_be64(c->cdb + 2), 110);
		if (c->cdb[0] == 0x42)
			ck_assert_uint_eq(get_be64(move.out + 8), 110);
	}
	ck_assert_uint_gt(opcodes[0x42], 0);
	ck_assert_uint_gt(opcodes[0x41], 0);
	ck_assert_uint_gt(opcodes[0x89], 0);
}
END_TEST

START_TEST(nodes_hang_behind_a_write_now_and_then)
{
	unsigned stalls = 0;

	for (int i = 0; i < MOVES; i++) {
		struct contender_move move = contender_next(&contender, &contest);
		stalls += move.stall_ms > 0;
		ck_assert(move.stall_ms == 0 || move.command.op == HISTORY_WRITE);
	}
	ck_assert_uint_gt(stalls, 0);
	contest.departures = false;
	for (int i = 0; i < MOVES; i++)
		ck_assert_uint_eq(contender_next(&contender, &contest).stall_ms, 0);
}
END_TEST

START_TEST(answers_are_learned)
{
	const struct history_result good = {.outcome = HISTORY_GOOD};
	const struct history_result attention = {
		.outcome = HISTORY_CHECK, .sense_key = 6, .asc = 0x2a, .ascq = 5};
	struct history_command c = {
		.op = HISTORY_REGISTER, .lun = 1, .action_key = 0x77, .move_to = HISTORY_NO_NEXUS};

	contender_learn(&contender, &contest, &c, &good);
	ck_assert_uint_eq(keys[3][1], 0x77);
	c = (struct history_command){
		.op = HISTORY_REGISTER_AND_MOVE, .lun = 1, .action_key = 0x88, .move_to = 5};
	contender_learn(&contender, &contest, &c, &good);
	ck_assert_uint_eq(keys[5][1], 0x88);
	ck_assert_uint_eq(keys[3][1], 0x77);
	c = (struct history_command){.op = HISTORY_TEST_UNIT_READY, .lun = 1};
	contender_learn(&contender, &contest, &c, &attention);
	ck_assert_uint_eq(keys[3][1], 0);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, the_same_seed_makes_the_same_moves);
	tcase_add_test(tcase, every_operation_comes_up);
	tcase_add_test(tcase, what_is_left_out_does_not_come_up);
	tcase_add_test(tcase, blocks_stay_in_the_field_and_sequences_never_repeat);
	tcase_add_test(tcase, other_commands_change_the_scratch_block_alone);
	tcase_add_test(tcase, nodes_hang_behind_a_write_now_and_then);
	tcase_add_test(tcase, answers_are_learned);
}

int main(void)
{
	return suite_run("lab/contender", fill);
}
