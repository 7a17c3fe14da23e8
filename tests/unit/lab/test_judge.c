/*
 * The judge on small histories: what a right target may answer is accepted, and each wrong answer
 * is laid to the right rule.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/lab/script.h"

START_TEST(an_empty_history_is_accepted)
{
	struct script s;
	begin(&s, "spc4", 1);
	accepted(&s);
}
END_TEST

START_TEST(the_access_table_is_accepted)
{
	struct script s;
	reserved(&s, "spc4", RESERVE("0xa", "6"));
	run(&s, 0, WRITE(1, 1), GOOD);
	run(&s, 1, WRITE(2, 1), GOOD);
	run(&s, 2, WRITE(3, 1), CONFLICT);
	run(&s, 2, READ(1), CONFLICT);
	run(&s, 2, TUR, GOOD);
	run(&s, 1, READ(1), HOLDS(0, 1));
	run(&s, 1, READ_KEYS, GOOD ",\"generation\":2,\"key_count\":2,\"keys\":[\"0xa\",\"0xb\"]");
	run(&s, 2, READ_RESERVATION,
	    GOOD ",\"generation\":2,\"holder_key\":\"0xa\",\"holder_type\":6");
	accepted(&s);
}
END_TEST

/* Each wrong answer behind the same right beginning. */
static const struct {
	unsigned nexus;
	const char *what, *result;
	enum judge_rule rule;
} wrong[] = {
	{2, WRITE(3, 1), GOOD, JUDGE_WRITE_BY_STRANGER},
	{2, READ(3), HOLDS_NOTHING, JUDGE_READ_BY_STRANGER},
	{1, WRITE(3, 1), CONFLICT, JUDGE_NEEDLESS_CONFLICT},
	{1, RELEASE("0xb", "6"), CONFLICT, JUDGE_NEEDLESS_CONFLICT},
	{2, TUR, CONFLICT, JUDGE_NEEDLESS_CONFLICT},
	{1, RESERVE("0xb", "6"), GOOD, JUDGE_PR_OUT_ADMITTED},
	{2, REGISTER("0x1", "0xc"), GOOD, JUDGE_PR_OUT_ADMITTED},
	{0, RELEASE("0xa", "5"), GOOD, JUDGE_PR_OUT_ADMITTED},
	{1, PREEMPT("0xb", "0xdead", "6"), GOOD, JUDGE_PR_OUT_ADMITTED},
	{1, PREEMPT("0xc", "0x0", "6"), CHECK(5, 38, 0), JUDGE_PR_OUT_ADMITTED},
	{1, RELEASE("0xb", "5"), CHECK(5, 38, 4), JUDGE_HOLDER},
	{1, READ_KEYS, GOOD ",\"generation\":3,\"key_count\":2,\"keys\":[\"0xa\",\"0xb\"]",
	 JUDGE_GENERATION},
	{1, READ_KEYS, GOOD ",\"generation\":2,\"key_count\":1,\"keys\":[\"0xa\"]", JUDGE_KEYS},
	{1, READ_KEYS, GOOD ",\"generation\":2,\"key_count\":2,\"keys\":[\"0xa\",\"0xc\"]",
	 JUDGE_KEYS},
	{1, READ_RESERVATION, GOOD ",\"generation\":2", JUDGE_HOLDER},
	{1, READ_RESERVATION, GOOD ",\"generation\":2,\"holder_key\":\"0xb\",\"holder_type\":6",
	 JUDGE_HOLDER},
	{1, READ_RESERVATION, GOOD ",\"generation\":2,\"holder_key\":\"0xa\",\"holder_type\":5",
	 JUDGE_HOLDER},
	{1, TUR, UA(42, 3), JUDGE_UNIT_ATTENTION_WRONG},
	{1, TUR, UA(42, 5), JUDGE_UNIT_ATTENTION_WRONG},
};

START_TEST(a_wrong_answer_breaks_its_rule)
{
	struct script s;
	reserved(&s, "spc4", RESERVE("0xa", "6"));
	run(&s, wrong[_i].nexus, wrong[_i].what, wrong[_i].result);
	breaks(&s, wrong[_i].rule);
}
END_TEST

START_TEST(a_preempted_nexus_hears_of_it_once_and_is_out)
{
	struct script s;
	reserved(&s, "spc4", RESERVE("0xa", "6"));
	run(&s, 1, PREEMPT("0xb", "0xa", "6"), GOOD);
	run(&s, 0, WRITE(1, 1), UA(42, 5));
	run(&s, 0, WRITE(1, 2), CONFLICT);
	run(&s, 0, TUR, GOOD);
	accepted(&s);
}
END_TEST

START_TEST(each_profile_has_its_unit_attention)
{
	struct script s;
	reserved(&s, "dlt-s4", RESERVE("0xa", "6"));
	run(&s, 1, PREEMPT("0xb", "0xa", "6"), GOOD);
	run(&s, 0, WRITE(1, 1), UA(42, 3));
	accepted(&s);
	reserved(&s, "dlt-s4", RESERVE("0xa", "6"));
	run(&s, 1, PREEMPT("0xb", "0xa", "6"), GOOD);
	run(&s, 0, WRITE(1, 1), UA(42, 5));
	breaks(&s, JUDGE_UNIT_ATTENTION_WRONG);
	reserved(&s, "", RESERVE("0xa", "6"));
	run(&s, 1, PREEMPT("0xb", "0xa", "6"), GOOD);
	run(&s, 0, WRITE(1, 1), UA(42, 3));
	accepted(&s);
}
END_TEST

START_TEST(a_lost_unit_attention_is_found)
{
	struct script s;
	reserved(&s, "spc4", RESERVE("0xa", "6"));
	run(&s, 1, PREEMPT("0xb", "0xa", "6"), GOOD);
	run(&s, 0, WRITE(1, 1), CONFLICT);
	breaks(&s, JUDGE_UNIT_ATTENTION_LOST);
}
END_TEST

START_TEST(a_unit_attention_that_comes_twice_is_found)
{
	struct script s;
	reserved(&s, "spc4", RESERVE("0xa", "6"));
	run(&s, 1, PREEMPT("0xb", "0xa", "6"), GOOD);
	run(&s, 0, TUR, UA(42, 5));
	run(&s, 0, TUR, UA(42, 5));
	breaks(&s, JUDGE_UNIT_ATTENTION_TWICE);
}
END_TEST

START_TEST(a_fenced_write_that_is_good_is_found)
{
	struct script s;
	reserved(&s, "spc4", RESERVE("0xa", "6"));
	run(&s, 1, PREEMPT("0xb", "0xa", "6"), GOOD);
	run(&s, 0, TUR, UA(42, 5));
	run(&s, 0, WRITE(1, 1), GOOD);
	breaks(&s, JUDGE_FENCED_WRITE_ACKNOWLEDGED);
}
END_TEST

/* The write overlaps the preempt: either order is right, with GOOD and with the unit attention. */
START_TEST(what_overlaps_may_go_either_way)
{
	struct script s;
	reserved(&s, "spc4", RESERVE("0xa", "6"));
	unsigned long write = inv(&s, 0, WRITE(1, 1));
	run(&s, 1, PREEMPT("0xb", "0xa", "6"), GOOD);
	ret(&s, 0, write, GOOD);
	run(&s, 0, TUR, UA(42, 5));
	accepted(&s);

	reserved(&s, "spc4", RESERVE("0xa", "6"));
	write = inv(&s, 0, WRITE(1, 1));
	run(&s, 1, PREEMPT("0xb", "0xa", "6"), GOOD);
	ret(&s, 0, write, UA(42, 5));
	run(&s, 0, TUR, GOOD);
	accepted(&s);
}
END_TEST

/* Its unit attention was checked before the preempt, its registration after. */
START_TEST(a_command_may_start_before_a_preempt_and_fail_after_it)
{
	struct script s;
	reserved(&s, "spc4", RESERVE("0xa", "6"));
	unsigned long reserve = inv(&s, 0, RESERVE("0xa", "6"));
	run(&s, 1, PREEMPT("0xb", "0xa", "6"), GOOD);
	ret(&s, 0, reserve, CONFLICT);
	run(&s, 0, TUR, UA(42, 5));
	accepted(&s);
}
END_TEST

START_TEST(registrations_that_overlap_are_put_in_the_order_that_was_seen)
{
	struct script s;
	begin(&s, "spc4", 3);
	unsigned long a = inv(&s, 0, REGISTER("0x0", "0xa"));
	unsigned long b = inv(&s, 1, REGISTER("0x0", "0xb"));
	run(&s, 2, READ_KEYS, GOOD ",\"generation\":1,\"key_count\":1,\"keys\":[\"0xb\"]");
	ret(&s, 0, a, GOOD);
	ret(&s, 1, b, GOOD);
	run(&s, 2, READ_KEYS, GOOD ",\"generation\":2,\"key_count\":2,\"keys\":[\"0xb\",\"0xa\"]");
	accepted(&s);
}
END_TEST

START_TEST(two_views_that_contradict_each_other_are_found)
{
	struct script s;
	begin(&s, "spc4", 3);
	unsigned long a = inv(&s, 0, REGISTER("0x0", "0xa"));
	unsigned long b = inv(&s, 1, REGISTER("0x0", "0xb"));
	run(&s, 2, READ_KEYS, GOOD ",\"generation\":1,\"key_count\":1,\"keys\":[\"0xb\"]");
	run(&s, 2, READ_KEYS, GOOD ",\"generation\":1,\"key_count\":1,\"keys\":[\"0xa\"]");
	ret(&s, 0, a, GOOD);
	ret(&s, 1, b, GOOD);
	breaks(&s, JUDGE_KEYS);
}
END_TEST

START_TEST(an_unanswered_command_may_have_happened_or_not)
{
	struct script s;
	for (int happened = 0; happened < 2; happened++) {
		begin(&s, "spc4", 2);
		unsigned long a = inv(&s, 0, REGISTER("0x0", "0xa"));
		happens(&s, "lost", 0);
		if (happened)
			run(&s, 1, READ_KEYS,
			    GOOD ",\"generation\":1,\"key_count\":1,\"keys\":[\"0xa\"]");
		else
			run(&s, 1, READ_KEYS, GOOD);
		ret(&s, 0, a, UNKNOWN);
		accepted(&s);
	}
}
END_TEST

/* Who resets cancels its own commands: the answer that it dropped may have been the unit attention.
 */
START_TEST(a_unit_attention_may_be_told_to_a_command_that_the_own_reset_cancels)
{
	struct script s;
	for (int cancelled = 0; cancelled < 2; cancelled++) {
		reserved(&s, "spc4", RESERVE("0xa", "5"));
		run(&s, 0, RELEASE("0xa", "5"), GOOD);
		run(&s, 0, RESERVE("0xa", "3"), GOOD);
		unsigned long write = inv(&s, 1, WRITE(1, 1));
		unsigned long reset = inv(&s, 1, "\"op\":\"lun_reset\"");
		unsigned long next = inv(&s, 1, WRITE(2, 2));
		ret(&s, 1, write, cancelled ? UNKNOWN : CONFLICT);
		ret(&s, 1, reset, GOOD);
		ret(&s, 1, next, CONFLICT);
		if (cancelled)
			accepted(&s);
		else
			breaks(&s, JUDGE_UNIT_ATTENTION_LOST);
	}
}
END_TEST

/* Two commands under way at the first reset; the answer of one comes behind the second reset. */
START_TEST(a_command_may_be_told_of_a_reset_that_was_sent_after_it)
{
	struct script s;
	begin(&s, "spc4", 3);
	unsigned long reset = inv(&s, 0, "\"op\":\"lun_reset\"");
	unsigned long one = inv(&s, 1, TUR), other = inv(&s, 1, TUR);
	ret(&s, 0, reset, GOOD);
	ret(&s, 1, one, UA(41, 3));
	run(&s, 2, "\"op\":\"target_reset\"", GOOD);
	ret(&s, 1, other, UA(41, 2));
	accepted(&s);
}
END_TEST

/* It was lost with its session instead: that says nothing of the next one. */
START_TEST(a_unit_attention_is_not_taken_by_what_no_reset_cancels)
{
	struct script s;
	reserved(&s, "spc4", RESERVE("0xa", "5"));
	unsigned long write = inv(&s, 1, WRITE(1, 1));
	run(&s, 0, RELEASE("0xa", "5"), GOOD);
	run(&s, 0, RESERVE("0xa", "3"), GOOD);
	ret(&s, 1, write, UNKNOWN);
	run(&s, 1, WRITE(2, 2), CONFLICT);
	breaks(&s, JUDGE_UNIT_ATTENTION_LOST);
}
END_TEST

/* The session it belonged to is gone for good once the nexus is back. */
START_TEST(an_unanswered_command_does_not_happen_in_the_next_session)
{
	struct script s;
	begin(&s, "spc4", 2);
	inv(&s, 0, REGISTER("0x0", "0xa"));
	happens(&s, "lost", 0);
	happens(&s, "login", 0);
	run(&s, 1, READ_KEYS, GOOD);
	run(&s, 1, READ_KEYS, GOOD ",\"generation\":1,\"key_count\":1,\"keys\":[\"0xa\"]");
	breaks(&s, JUDGE_GENERATION);
}
END_TEST

START_TEST(what_aptpl_promised_survives_a_crash)
{
	struct script s;
	reserved(&s, "spc4", RESERVE("0xa", "5"));
	happens(&s, "crash", -1);
	for (int i = 0; i < 3; i++)
		happens(&s, "lost", i);
	happens(&s, "up", -1);
	for (int i = 0; i < 3; i++)
		happens(&s, "login", i);
	run(&s, 2, READ_KEYS, GOOD ",\"key_count\":2,\"keys\":[\"0xa\",\"0xb\"]");
	run(&s, 2, WRITE(1, 1), CONFLICT);
	run(&s, 1, WRITE(1, 1), GOOD);
	accepted(&s);
}
END_TEST

START_TEST(what_a_crash_lost_is_found)
{
	struct script s;
	reserved(&s, "spc4", RESERVE("0xa", "5"));
	happens(&s, "crash", -1);
	happens(&s, "up", -1);
	happens(&s, "login", 2);
	run(&s, 2, READ_KEYS, GOOD ",\"key_count\":1,\"keys\":[\"0xa\"]");
	breaks(&s, JUDGE_LOST_BY_CRASH);

	reserved(&s, "spc4", RESERVE("0xa", "5"));
	happens(&s, "crash", -1);
	happens(&s, "up", -1);
	happens(&s, "login", 2);
	run(&s, 2, WRITE(1, 1), GOOD);
	breaks(&s, JUDGE_LOST_BY_CRASH);
}
END_TEST

START_TEST(what_outlived_a_crash_without_aptpl_is_found)
{
	struct script s;
	begin(&s, "spc4", 2);
	run(&s, 0, "\"op\":\"register\",\"action_key\":\"0xa\"", GOOD);
	happens(&s, "crash", -1);
	happens(&s, "up", -1);
	happens(&s, "login", 1);
	run(&s, 1, READ_KEYS, GOOD ",\"key_count\":1,\"keys\":[\"0xa\"]");
	breaks(&s, JUDGE_KEPT_OVER_CRASH);
}
END_TEST

START_TEST(an_unanswered_command_at_the_crash_is_in_or_out_but_not_half)
{
	struct script s;
	for (int in = 0; in < 2; in++) {
		reserved(&s, "spc4", RESERVE("0xa", "5"));
		inv(&s, 1, PREEMPT("0xb", "0xa", "5"));
		happens(&s, "crash", -1);
		happens(&s, "up", -1);
		happens(&s, "login", 2);
		run(&s, 2, READ_KEYS,
		    in ? GOOD ",\"key_count\":1,\"keys\":[\"0xb\"]"
		       : GOOD ",\"key_count\":2,\"keys\":[\"0xa\",\"0xb\"]");
		run(&s, 2, READ_RESERVATION,
		    in ? GOOD ",\"holder_key\":\"0xb\",\"holder_type\":5"
		       : GOOD ",\"holder_key\":\"0xa\",\"holder_type\":5");
		accepted(&s);
	}
	reserved(&s, "spc4", RESERVE("0xa", "5"));
	inv(&s, 1, PREEMPT("0xb", "0xa", "5"));
	happens(&s, "crash", -1);
	happens(&s, "up", -1);
	happens(&s, "login", 2);
	run(&s, 2, READ_KEYS, GOOD ",\"key_count\":1,\"keys\":[\"0xb\"]");
	run(&s, 2, READ_RESERVATION, GOOD);
	breaks(&s, JUDGE_LOST_BY_CRASH);
}
END_TEST

START_TEST(a_new_session_starts_without_old_unit_attentions)
{
	struct script s;
	reserved(&s, "spc4", RESERVE("0xa", "6"));
	run(&s, 1, PREEMPT("0xb", "0xa", "6"), GOOD);
	happens(&s, "logout", 0);
	happens(&s, "login", 0);
	run(&s, 0, WRITE(1, 1), CONFLICT);
	accepted(&s);
}
END_TEST

START_TEST(a_power_on_unit_attention_is_no_surprise_after_login)
{
	struct script s;
	begin(&s, "", 1);
	run(&s, 0, TUR, UA(41, 0));
	run(&s, 0, TUR, GOOD);
	accepted(&s);
	run(&s, 0, TUR, UA(41, 0));
	breaks(&s, JUDGE_UNIT_ATTENTION_TWICE);
}
END_TEST

START_TEST(holdfast_s_new_sessions_start_without)
{
	struct script s;
	begin(&s, "spc4", 1);
	run(&s, 0, TUR, UA(41, 0));
	breaks(&s, JUDGE_UNIT_ATTENTION_WRONG);
}
END_TEST

START_TEST(spc2_reservations_are_known)
{
	struct script s;
	begin(&s, "spc4", 2);
	run(&s, 0, "\"op\":\"spc2_reserve\"", GOOD);
	run(&s, 1, "\"op\":\"spc2_reserve\"", CONFLICT);
	run(&s, 1, TUR, CONFLICT);
	run(&s, 1, READ_KEYS, CONFLICT);
	run(&s, 0, READ_KEYS, CONFLICT);
	run(&s, 0, WRITE(1, 1), GOOD);
	happens(&s, "logout", 0);
	run(&s, 1, WRITE(1, 1), GOOD);
	accepted(&s);
}
END_TEST

/* Each answer that an SPC-2 reservation of nexus 0 should have kept from nexus 1, or from itself.
 */
static const struct {
	unsigned nexus;
	const char *what, *result;
} past_spc2[] = {
	{1, WRITE(1, 1), GOOD},
	{1, READ(1), HOLDS_NOTHING},
	{1, "\"op\":\"spc2_reserve\"", GOOD},
	{1, REGISTER("0x0", "0xb"), GOOD},
	{0, READ_KEYS, GOOD},
};

START_TEST(what_passes_an_spc2_reservation_is_found)
{
	struct script s;
	begin(&s, "spc4", 2);
	run(&s, 0, "\"op\":\"spc2_reserve\"", GOOD);
	run(&s, past_spc2[_i].nexus, past_spc2[_i].what, past_spc2[_i].result);
	breaks(&s, JUDGE_SPC2_RESERVATION);
}
END_TEST

/* The READ KEYS was sent before the REGISTER, and shows what was not true at any time. */
START_TEST(what_shows_a_wrong_state_is_blamed_and_not_the_change_behind_it)
{
	struct script s;
	reserved(&s, "spc4", RESERVE("0xa", "6"));
	unsigned long keys = inv(&s, 2, READ_KEYS);
	run(&s, 1, REGISTER("0xb", "0xbb"), GOOD);
	run(&s, 1, REGISTER("0xbb", "0xb"), GOOD);
	ret(&s, 2, keys, GOOD ",\"generation\":2,\"key_count\":1,\"keys\":[\"0xb\"]");
	breaks(&s, JUDGE_KEYS);
}
END_TEST

/* Others have registered since, but nobody has touched what the crash should have left. */
START_TEST(a_crash_is_blamed_although_others_came_since)
{
	struct script s;
	reserved(&s, "spc4", RESERVE("0xa", "5"));
	happens(&s, "crash", -1);
	happens(&s, "up", -1);
	happens(&s, "login", 2);
	happens(&s, "login", 0);
	run(&s, 2, REGISTER("0x0", "0xc"), GOOD);
	run(&s, 0, WRITE(1, 1), CONFLICT);
	breaks(&s, JUDGE_LOST_BY_CRASH);
}
END_TEST

static void comes_back(struct script *s)
{
	happens(s, "crash", -1);
	happens(s, "up", -1);
	for (int i = 0; i < 3; i++)
		happens(s, "login", i);
}

START_TEST(a_crash_is_blamed_for_an_answer_that_a_lost_reservation_explains)
{
	struct script s;
	reserved(&s, "spc4", RESERVE("0xa", "5"));
	comes_back(&s);
	run(&s, 1, REGISTER("0xb", "0xc"), GOOD);
	run(&s, 1,
	    "\"op\":\"register_and_move\",\"key\":\"0xc\",\"action_key\":\"0xd\",\"move_to\":2",
	    "\"outcome\":\"check\",\"sense_key\":5,\"asc\":36");
	breaks(&s, JUDGE_LOST_BY_CRASH);
}
END_TEST

START_TEST(a_view_is_blamed_and_not_the_session_that_begins_beside_it)
{
	struct script s;
	reserved(&s, "spc4", RESERVE("0xa", "5"));
	happens(&s, "crash", -1);
	happens(&s, "lost", 1);
	happens(&s, "up", -1);
	happens(&s, "login", 2);
	unsigned long view = inv(&s, 2, READ_KEYS);
	happens(&s, "login", 1);
	ret(&s, 2, view, GOOD ",\"key_count\":1,\"keys\":[\"0xa\"]");
	breaks(&s, JUDGE_LOST_BY_CRASH);
}
END_TEST

/* Whether the first REGISTER happened nobody knows. If not, the write had to conflict; if so,
 * nothing was left, and the second had to. */
START_TEST(a_change_is_blamed_that_prgeneration_counts_and_the_state_does_not_admit)
{
	struct script s;
	reserved(&s, "spc4", RESERVE("0xa", "5"));
	unsigned long lost =
		inv(&s, 0, "\"op\":\"register\",\"key\":\"0xa\",\"action_key\":\"0xd\"");
	comes_back(&s);
	ret(&s, 0, lost, UNKNOWN);
	unsigned long second = inv(&s, 1, REGISTER("0xb", "0xc"));
	run(&s, 2, WRITE(1, 1), GOOD);
	run(&s, 2, READ_RESERVATION, GOOD ",\"generation\":1");
	ret(&s, 1, second, GOOD);
	breaks(&s, JUDGE_KEPT_OVER_CRASH);
}
END_TEST

START_TEST(a_key_that_a_crash_has_put_back_is_lost)
{
	struct script s;
	reserved(&s, "spc4", RESERVE("0xa", "5"));
	run(&s, 0, REGISTER("0xa", "0xd"), GOOD);
	comes_back(&s);
	run(&s, 2, "\"op\":\"register\",\"action_key\":\"0xe\",\"aptpl\":true", GOOD);
	run(&s, 2, READ_KEYS,
	    GOOD ",\"generation\":1,\"key_count\":3,\"keys\":[\"0xa\",\"0xb\",\"0xe\"]");
	breaks(&s, JUDGE_LOST_BY_CRASH);
}
END_TEST

START_TEST(prgeneration_that_what_is_under_way_explains_is_not_blamed)
{
	struct script s;
	reserved(&s, "spc4", RESERVE("0xa", "5"));
	run(&s, 0, "\"op\":\"register\",\"key\":\"0xa\",\"action_key\":\"0xd\"", GOOD);
	comes_back(&s);
	unsigned long change = inv(&s, 2, REGISTER("0x0", "0xe"));
	run(&s, 1, READ_KEYS,
	    GOOD ",\"generation\":1,\"key_count\":3,\"keys\":[\"0xd\",\"0xb\",\"0xe\"]");
	ret(&s, 2, change, GOOD);
	breaks(&s, JUDGE_KEPT_OVER_CRASH);
}
END_TEST

static const struct {
	unsigned nexus;
	const char *what;
} kept_out_by_what_is_lost[] = {{2, "\"op\":\"spc2_reserve\""}, {0, RELEASE("0xa", "6")}};

START_TEST(a_crash_is_blamed_for_what_passes_because_of_it)
{
	struct script s;
	reserved(&s, "spc4", RESERVE("0xa", "5"));
	comes_back(&s);
	run(&s, kept_out_by_what_is_lost[_i].nexus, kept_out_by_what_is_lost[_i].what, GOOD);
	breaks(&s, JUDGE_LOST_BY_CRASH);
}
END_TEST

START_TEST(register_on_all_ports_has_to_know_the_key_of_each)
{
	struct script s;
	begin(&s, "spc4", 1);
	line(&s,
	     "{\"at_ns\":%lu,\"kind\":\"nexus\",\"number\":1,\"name\":\"iqn.t:0\","
	     "\"target_port\":2}\n",
	     s.at++);
	happens(&s, "login", 1);
	run(&s, 0, REGISTER("0x0", "0xa"), GOOD);
	run(&s, 1, REGISTER("0x0", "0xb"), GOOD);
	run(&s, 0, REGISTER("0xa", "0xc") ",\"all_tg_pt\":true", CONFLICT);
	run(&s, 0, READ_KEYS, GOOD ",\"generation\":2,\"key_count\":2,\"keys\":[\"0xa\",\"0xb\"]");
	accepted(&s);
}
END_TEST

#define REGISTER_WITH(key, others) \
	"\"op\":\"register\",\"action_key\":\"" key "\",\"spec_i_pt\":true,\"others\":" others
#define SHOWS_KEYS(generation, count, keys) \
	GOOD ",\"generation\":" #generation ",\"key_count\":" #count ",\"keys\":[" keys "]"

START_TEST(others_that_are_named_are_registered_as_well)
{
	struct script s;
	begin(&s, "spc4", 4);
	run(&s, 0, REGISTER_WITH("0xa", "[1,2]"), GOOD);
	run(&s, 3, READ_KEYS, SHOWS_KEYS(1, 3, "\"0xa\",\"0xa\",\"0xa\""));
	run(&s, 1, RESERVE("0xa", "5"), GOOD);
	run(&s, 2, WRITE(1, 1), GOOD);
	run(&s, 3, WRITE(1, 1), CONFLICT);
	accepted(&s);
}
END_TEST

START_TEST(others_are_registered_all_or_none)
{
	struct script s;
	begin(&s, "spc4", 4);
	run(&s, 1, REGISTER("0x0", "0xb"), GOOD);
	run(&s, 0, REGISTER_WITH("0xa", "[1,2]"),
	    "\"outcome\":\"check\",\"sense_key\":5,\"asc\":38,\"ascq\":0");
	run(&s, 3, READ_KEYS, SHOWS_KEYS(1, 1, "\"0xb\""));
	accepted(&s);
	run(&s, 0, REGISTER_WITH("0xa", "[2]"), GOOD);
	run(&s, 3, READ_KEYS, SHOWS_KEYS(2, 2, "\"0xb\",\"0xa\""));
	breaks(&s, JUDGE_KEYS);
}
END_TEST

START_TEST(a_registration_of_nobody_knows_whom_is_undecided)
{
	struct script s;
	begin(&s, "spc4", 2);
	run(&s, 0, "\"op\":\"register\",\"action_key\":\"0xa\",\"spec_i_pt\":true", GOOD);
	struct judge_report *report = verdict(&s);
	ck_assert(report->undecided);
	ck_assert_uint_eq(report->violation_count, 0);
	judge_report_free(&report);
}
END_TEST

START_TEST(every_rule_has_a_name_and_a_sentence)
{
	for (int i = 1; i < JUDGE_RULE_COUNT; i++) {
		ck_assert_str_ne(judge_rule_name((enum judge_rule)i), "?");
		ck_assert_uint_gt(strlen(judge_rule_text((enum judge_rule)i)), 10);
	}
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

START_TEST(what_was_cut_off_accuses_nobody)
{
#define SHOWN GOOD ",\"generation\":2,\"keys\":[\"0xa\"],\"key_nexuses\":[0]"
	struct script s;

	reserved(&s, "spc4", RESERVE("0xa", "6"));
	run(&s, 1, "\"op\":\"read_full_status\"", SHOWN);
	breaks(&s, JUDGE_KEYS);
	reserved(&s, "spc4", RESERVE("0xa", "6"));
	run(&s, 1, "\"op\":\"read_full_status\"", SHOWN ",\"cut_off\":true");
	accepted(&s);
#undef SHOWN
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, an_empty_history_is_accepted);
	tcase_add_test(tcase, the_access_table_is_accepted);
	tcase_add_loop_test(tcase, a_wrong_answer_breaks_its_rule, 0, COUNT(wrong));
	tcase_add_test(tcase, a_preempted_nexus_hears_of_it_once_and_is_out);
	tcase_add_test(tcase, each_profile_has_its_unit_attention);
	tcase_add_test(tcase, a_lost_unit_attention_is_found);
	tcase_add_test(tcase, a_unit_attention_that_comes_twice_is_found);
	tcase_add_test(tcase, a_fenced_write_that_is_good_is_found);
	tcase_add_test(tcase, what_overlaps_may_go_either_way);
	tcase_add_test(tcase, a_command_may_start_before_a_preempt_and_fail_after_it);
	tcase_add_test(tcase, registrations_that_overlap_are_put_in_the_order_that_was_seen);
	tcase_add_test(tcase, two_views_that_contradict_each_other_are_found);
	tcase_add_test(tcase, an_unanswered_command_may_have_happened_or_not);
	tcase_add_test(tcase, a_unit_attention_may_be_told_to_a_command_that_the_own_reset_cancels);
	tcase_add_test(tcase, a_command_may_be_told_of_a_reset_that_was_sent_after_it);
	tcase_add_test(tcase, a_unit_attention_is_not_taken_by_what_no_reset_cancels);
	tcase_add_test(tcase, an_unanswered_command_does_not_happen_in_the_next_session);
	tcase_add_test(tcase, what_aptpl_promised_survives_a_crash);
	tcase_add_test(tcase, what_a_crash_lost_is_found);
	tcase_add_test(tcase, what_outlived_a_crash_without_aptpl_is_found);
	tcase_add_test(tcase, an_unanswered_command_at_the_crash_is_in_or_out_but_not_half);
	tcase_add_test(tcase, a_new_session_starts_without_old_unit_attentions);
	tcase_add_test(tcase, a_power_on_unit_attention_is_no_surprise_after_login);
	tcase_add_test(tcase, holdfast_s_new_sessions_start_without);
	tcase_add_test(tcase, spc2_reservations_are_known);
	tcase_add_loop_test(tcase, what_passes_an_spc2_reservation_is_found, 0,
			    sizeof(past_spc2) / sizeof(past_spc2[0]));
	tcase_add_test(tcase, what_shows_a_wrong_state_is_blamed_and_not_the_change_behind_it);
	tcase_add_test(tcase, a_crash_is_blamed_although_others_came_since);
	tcase_add_test(tcase, a_crash_is_blamed_for_an_answer_that_a_lost_reservation_explains);
	tcase_add_test(tcase, a_view_is_blamed_and_not_the_session_that_begins_beside_it);
	tcase_add_test(tcase,
		       a_change_is_blamed_that_prgeneration_counts_and_the_state_does_not_admit);
	tcase_add_test(tcase, a_key_that_a_crash_has_put_back_is_lost);
	tcase_add_test(tcase, prgeneration_that_what_is_under_way_explains_is_not_blamed);
	tcase_add_loop_test(tcase, a_crash_is_blamed_for_what_passes_because_of_it, 0, 2);
	tcase_add_test(tcase, register_on_all_ports_has_to_know_the_key_of_each);
	tcase_add_test(tcase, others_that_are_named_are_registered_as_well);
	tcase_add_test(tcase, others_are_registered_all_or_none);
	tcase_add_test(tcase, a_registration_of_nobody_knows_whom_is_undecided);
	tcase_add_test(tcase, every_rule_has_a_name_and_a_sentence);
	tcase_add_test(tcase, what_was_cut_off_accuses_nobody);
}

int main(void)
{
	return suite_run("lab/judge", fill);
}
