/*
 * The judge on what blocks hold, and on what a power cut may take of it.
 */
#include "tests/support/suite.h"
#include "tests/unit/lab/script.h"

START_TEST(reads_show_the_last_write_or_one_that_overlaps)
{
	struct script s;
	begin(&s, "spc4", 3);
	run(&s, 0, READ(1), HOLDS_NOTHING);
	run(&s, 0, WRITE(1, 1), GOOD);
	run(&s, 1, READ(1), HOLDS(0, 1));
	unsigned long a = inv(&s, 0, WRITE(1, 2)), b = inv(&s, 1, WRITE(1, 1));
	run(&s, 2, READ(1), HOLDS(1, 1));
	ret(&s, 0, a, GOOD);
	ret(&s, 1, b, GOOD);
	run(&s, 2, READ(1), HOLDS(0, 2));
	accepted(&s);
}
END_TEST

static const struct {
	const char *result;
	enum judge_rule rule;
} bad_reads[] = {
	{HOLDS_NOTHING, JUDGE_STALE_READ},
	{HOLDS(0, 1), JUDGE_STALE_READ},
	{HOLDS(0, 3), JUDGE_STALE_READ},
	{HOLDS(1, 7), JUDGE_FENCED_WRITE_ON_MEDIUM},
	{GOOD ",\"tags\":[\"torn\"]", JUDGE_TORN_WRITE},
};

START_TEST(a_read_that_cannot_be_is_found)
{
	struct script s;
	reserved(&s, "spc4", RESERVE("0xa", "1"));
	run(&s, 0, WRITE(1, 1), GOOD);
	run(&s, 0, WRITE(1, 2), GOOD);
	run(&s, 1, WRITE(1, 7), CONFLICT);
	run(&s, 0, READ(1), bad_reads[_i].result);
	run(&s, 0, WRITE(1, 3), GOOD);
	breaks(&s, bad_reads[_i].rule);
}
END_TEST

START_TEST(an_acknowledged_write_that_is_not_on_the_medium_is_found)
{
	struct script s;
	begin(&s, "spc4", 1);
	run(&s, 0, WRITE(1, 1), GOOD);
	line(&s, "{\"at_ns\":%lu,\"kind\":\"medium\",\"lba\":1,\"tag\":null}\n", s.at++);
	breaks(&s, JUDGE_LOST_WRITE);
}
END_TEST

/* Commands that are no writes of tags may change blocks, but only those that they say. */
START_TEST(an_erased_block_elsewhere_excuses_nothing)
{
	struct script s;
	begin(&s, "spc4", 1);
	run(&s, 0, WRITE(1, 1), GOOD);
	run(&s, 0, "\"op\":\"cdb\",\"cdb\":\"42\",\"access\":\"write\",\"lba\":1,\"blocks\":1",
	    GOOD);
	run(&s, 0, READ(1), HOLDS_NOTHING);
	accepted(&s);

	begin(&s, "spc4", 1);
	run(&s, 0, WRITE(1, 1), GOOD);
	run(&s, 0, "\"op\":\"cdb\",\"cdb\":\"42\",\"access\":\"write\",\"lba\":2,\"blocks\":1",
	    GOOD);
	run(&s, 0, READ(1), HOLDS_NOTHING);
	breaks(&s, JUDGE_STALE_READ);
}
END_TEST

/* Nobody answered it, and nobody may have let it through. */
START_TEST(a_fenced_write_without_answer_on_the_medium_is_found)
{
	struct script s;
	reserved(&s, "spc4", RESERVE("0xa", "6"));
	run(&s, 1, PREEMPT("0xb", "0xa", "6"), GOOD);
	run(&s, 0, TUR, UA(42, 5));
	unsigned long write = inv(&s, 0, WRITE(1, 9));
	ret(&s, 0, write, UNKNOWN);
	run(&s, 1, READ(1), HOLDS(0, 9));
	breaks(&s, JUDGE_FENCED_WRITE_ON_MEDIUM);
}
END_TEST

START_TEST(a_write_that_started_before_its_fence_may_be_on_the_medium)
{
	struct script s;
	reserved(&s, "spc4", RESERVE("0xa", "6"));
	unsigned long write = inv(&s, 0, WRITE(1, 9));
	run(&s, 1, PREEMPT("0xb", "0xa", "6"), GOOD);
	ret(&s, 0, write, UNKNOWN);
	run(&s, 1, READ(1), HOLDS(0, 9));
	accepted(&s);
}
END_TEST

START_TEST(an_aborted_write_that_comes_late_is_found)
{
	struct script s;
	reserved(&s, "spc4", RESERVE("0xa", "6"));
	unsigned long told = _i != 0 ? inv(&s, 0, TUR) : 0;
	unsigned long write = inv(&s, 0, WRITE(1, 9));
	if (_i != 0) /* sent later, and answered: the write is there, whoever is told */
		run(&s, 0, TUR, GOOD);
	run(&s, 1, PREEMPT_AND_ABORT("0xb", "0xa", "6"), GOOD);
	run(&s, 1, READ(1), HOLDS_NOTHING);
	run(&s, 1, READ(1), HOLDS(0, 9));
	if (_i != 0)
		ret(&s, 0, told, UA(42, 5));
	ret(&s, 0, write, UNKNOWN);
	breaks(&s, JUDGE_ABORTED_WRITE_ON_MEDIUM);
}
END_TEST

/* Nothing is reserved any more, and the unit attention went to the command before it. */
START_TEST(a_write_that_was_on_its_way_is_not_aborted)
{
	struct script s;
	begin(&s, "spc4", 2);
	run(&s, 0, REGISTER("0x0", "0xa"), GOOD);
	run(&s, 1, REGISTER("0x0", "0xb"), GOOD);
	unsigned long told = inv(&s, 0, TUR);
	unsigned long write = inv(&s, 0, WRITE(1, 9));
	run(&s, 1, PREEMPT_AND_ABORT("0xb", "0xa", "6"), GOOD);
	run(&s, 1, READ(1), HOLDS_NOTHING);
	ret(&s, 0, told, UA(42, 5));
	ret(&s, 0, write, GOOD);
	run(&s, 1, READ(1), HOLDS(0, 9));
	accepted(&s);
}
END_TEST

/* ---- power cuts ---- */

#define FUA_WRITE(lba, sequence) WRITE(lba, sequence) ",\"fua\":true"
#define SYNC(cdb)		 "\"op\":\"cdb\",\"cdb\":\"" cdb "\",\"access\":\"write\""
#define SYNC_ALL		 SYNC("35000000000000000000")

static void power_fails(struct script *s)
{
	happens(s, "power_cut", -1);
	happens(s, "up", -1);
	happens(s, "login", 0);
	happens(s, "login", 1);
}

START_TEST(a_power_cut_may_take_what_was_only_cached)
{
	static const char *const left[] = {HOLDS_NOTHING, HOLDS(0, 1), HOLDS(0, 2)};
	struct script s;

	begin(&s, "spc4", 2);
	run(&s, 0, WRITE(1, 1), GOOD);
	run(&s, 0, WRITE(1, 2), GOOD);
	power_fails(&s);
	run(&s, 0, READ(1), left[_i]);
	run(&s, 0, WRITE(1, 3), GOOD);
	run(&s, 1, READ(1), HOLDS(0, 3));
	accepted(&s);
}
END_TEST

START_TEST(a_kill_takes_no_write)
{
	struct script s;

	begin(&s, "spc4", 2);
	run(&s, 0, WRITE(1, 1), GOOD);
	happens(&s, "crash", -1);
	happens(&s, "up", -1);
	happens(&s, "login", 0);
	run(&s, 0, READ(1), HOLDS_NOTHING);
	breaks(&s, JUDGE_STALE_READ);
}
END_TEST

static const struct {
	const char *then, *result, *found;
	enum judge_rule rule; /* JUDGE_RULE_INVALID: all is well */
} behind_a_write[] = {
	{SYNC_ALL, GOOD, HOLDS(0, 1), JUDGE_LOST_BY_POWER_CUT},
	{SYNC_ALL, GOOD, HOLDS_NOTHING, JUDGE_LOST_BY_POWER_CUT},
	{SYNC_ALL, GOOD, HOLDS(0, 2), JUDGE_RULE_INVALID},
	{SYNC_ALL, "\"outcome\":\"check\",\"sense_key\":3", HOLDS(0, 1), JUDGE_RULE_INVALID},
	{SYNC_ALL, UNKNOWN, HOLDS(0, 1), JUDGE_RULE_INVALID},
	/* (16), of this block and of another one; with IMMED */
	{SYNC("91000000000000000001000000010000"), GOOD, HOLDS(0, 1), JUDGE_LOST_BY_POWER_CUT},
	{SYNC("91000000000000000002000000010000"), GOOD, HOLDS(0, 1), JUDGE_RULE_INVALID},
	{SYNC("35020000000000000000"), GOOD, HOLDS(0, 1), JUDGE_RULE_INVALID},
	{FUA_WRITE(1, 3), GOOD, HOLDS(0, 2), JUDGE_LOST_BY_POWER_CUT},
	{FUA_WRITE(1, 3), GOOD, HOLDS(0, 3), JUDGE_RULE_INVALID},
	{FUA_WRITE(1, 3), UNKNOWN, HOLDS(0, 1), JUDGE_RULE_INVALID},
	/* of another block */
	{FUA_WRITE(2, 3), GOOD, HOLDS(0, 1), JUDGE_RULE_INVALID},
};

START_TEST(what_was_made_durable_survives_a_power_cut)
{
	struct script s;

	begin(&s, "spc4", 2);
	run(&s, 0, WRITE(1, 1), GOOD);
	run(&s, 0, WRITE(1, 2), GOOD);
	run(&s, 0, behind_a_write[_i].then, behind_a_write[_i].result);
	power_fails(&s);
	run(&s, 0, READ(1), behind_a_write[_i].found);
	if (behind_a_write[_i].rule == JUDGE_RULE_INVALID)
		accepted(&s);
	else
		breaks(&s, behind_a_write[_i].rule);
}
END_TEST

START_TEST(a_synchronize_cache_says_nothing_of_a_write_beside_it)
{
	struct script s;

	begin(&s, "spc4", 2);
	unsigned long sync = inv(&s, 1, SYNC_ALL);
	run(&s, 0, WRITE(1, 1), GOOD);
	ret(&s, 1, sync, GOOD);
	power_fails(&s);
	run(&s, 0, READ(1), HOLDS_NOTHING);
	accepted(&s);
}
END_TEST

START_TEST(what_survived_one_power_cut_as_durable_survives_the_next)
{
	struct script s;

	begin(&s, "spc4", 2);
	run(&s, 0, FUA_WRITE(1, 1), GOOD);
	power_fails(&s);
	run(&s, 0, WRITE(1, 2), GOOD);
	power_fails(&s);
	run(&s, 0, READ(1), HOLDS_NOTHING);
	breaks(&s, JUDGE_LOST_BY_POWER_CUT);
}
END_TEST

START_TEST(what_a_power_cut_left_stays)
{
	struct script s;

	begin(&s, "spc4", 2);
	run(&s, 0, WRITE(1, 1), GOOD);
	run(&s, 0, WRITE(1, 2), GOOD);
	power_fails(&s);
	run(&s, 0, READ(1), HOLDS(0, 1));
	run(&s, 0, READ(1), HOLDS(0, 2));
	breaks(&s, JUDGE_STALE_READ);
}
END_TEST

START_TEST(a_write_that_is_back_after_a_power_cut_was_not_aborted_late)
{
	struct script s;

	reserved(&s, "spc4", RESERVE("0xa", "6"));
	unsigned long write = inv(&s, 0, WRITE(1, 9));
	run(&s, 1, PREEMPT_AND_ABORT("0xb", "0xa", "6"), GOOD);
	run(&s, 1, WRITE(1, 1), GOOD);
	run(&s, 1, READ(1), HOLDS(1, 1));
	ret(&s, 0, write, UNKNOWN);
	power_fails(&s);
	run(&s, 1, READ(1), HOLDS(0, 9));
	accepted(&s);
}
END_TEST

START_TEST(reservations_survive_a_power_cut)
{
	struct script s;

	reserved(&s, "spc4", RESERVE("0xa", "5"));
	happens(&s, "power_cut", -1);
	happens(&s, "up", -1);
	happens(&s, "login", 2);
	run(&s, 2, READ_KEYS, GOOD ",\"key_count\":1,\"keys\":[\"0xa\"]");
	breaks(&s, JUDGE_LOST_BY_CRASH);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, reads_show_the_last_write_or_one_that_overlaps);
	tcase_add_loop_test(tcase, a_read_that_cannot_be_is_found, 0, COUNT(bad_reads));
	tcase_add_test(tcase, an_acknowledged_write_that_is_not_on_the_medium_is_found);
	tcase_add_test(tcase, an_erased_block_elsewhere_excuses_nothing);
	tcase_add_test(tcase, a_fenced_write_without_answer_on_the_medium_is_found);
	tcase_add_test(tcase, a_write_that_started_before_its_fence_may_be_on_the_medium);
	tcase_add_loop_test(tcase, an_aborted_write_that_comes_late_is_found, 0, 2);
	tcase_add_test(tcase, a_write_that_was_on_its_way_is_not_aborted);
	tcase_add_loop_test(tcase, a_power_cut_may_take_what_was_only_cached, 0, 3);
	tcase_add_test(tcase, a_kill_takes_no_write);
	tcase_add_loop_test(tcase, what_was_made_durable_survives_a_power_cut, 0,
			    COUNT(behind_a_write));
	tcase_add_test(tcase, a_synchronize_cache_says_nothing_of_a_write_beside_it);
	tcase_add_test(tcase, what_survived_one_power_cut_as_durable_survives_the_next);
	tcase_add_test(tcase, what_a_power_cut_left_stays);
	tcase_add_test(tcase, a_write_that_is_back_after_a_power_cut_was_not_aborted_late);
	tcase_add_test(tcase, reservations_survive_a_power_cut);
}

int main(void)
{
	return suite_run("lab/judge_blocks", fill);
}
