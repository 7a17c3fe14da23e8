/*
 * What the target says it decided, and after what: that is where the judge looks for an order
 * first, and excuses nothing.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/suite.h"
#include "tests/unit/lab/script.h"
#include "tools/lab/judge_internal.h"

#define WAITING 12 /* under way together: more orders than could be tried */

static void decided(struct script *s, unsigned nexus, unsigned long command, const char *how)
{
	line(s, "{\"at_ns\":%lu,\"kind\":\"decided\",\"nexus\":%u,\"command\":%lu,%s}\n", s->at++,
	     nexus, command, how);
}

static void decided_good(struct script *s, unsigned nexus, unsigned long command,
			 unsigned generation)
{
	char how[64];

	snprintf(how, sizeof(how), "\"outcome\":\"good\",\"generation\":%u", generation);
	decided(s, nexus, command, how);
}

static const char decided_check[] = "\"outcome\":\"check\"";

static void run_decided(struct script *s, unsigned nexus, const char *what, unsigned generation)
{
	unsigned long command = inv(s, nexus, what);

	decided_good(s, nexus, command, generation);
	ret(s, nexus, command, GOOD);
}

static void run_told(struct script *s, unsigned nexus, const char *what, const char *result)
{
	unsigned long command = inv(s, nexus, what);

	decided(s, nexus, command, decided_check);
	ret(s, nexus, command, result);
}

static void accepted_within(const struct script *s, uint64_t states)
{
	struct judge_report *report = verdict(s);

	ck_assert_uint_eq(report->violation_count, 0);
	ck_assert(!report->undecided);
	ck_assert_uint_le(report->states, states);
	judge_report_free(&report);
}

/* All of one key, and a look that shows how many there are. */
static void send_registrations(struct script *s, unsigned long *sent, unsigned count)
{
	for (unsigned n = 0; n < count; n++)
		sent[n] = inv(s, n, REGISTER("0x0", "0xa"));
}

static void answer_registrations(struct script *s, const unsigned long *sent, unsigned count)
{
	for (unsigned n = 0; n < count; n++)
		ret(s, n, sent[n], GOOD);
}

START_TEST(commands_that_were_decided_are_put_where_the_target_says)
{
	struct script s;
	unsigned long sent[WAITING];
	begin(&s, "spc4", WAITING + 1);
	send_registrations(&s, sent, WAITING);
	unsigned long clear = inv(&s, WAITING - 1, CLEAR("0xa"));
	answer_registrations(&s, sent, WAITING);
	ret(&s, WAITING - 1, clear, GOOD);
	/* Six of twelve were there when the last of these cleared all. */
	for (unsigned n = 0; n < 5; n++)
		decided_good(&s, n, sent[n], n + 1);
	decided_good(&s, WAITING - 1, sent[WAITING - 1], 6);
	decided_good(&s, WAITING - 1, clear, 7);
	for (unsigned n = 5; n < WAITING - 1; n++)
		decided_good(&s, n, sent[n], n + 3);
	for (unsigned n = 0; n < 5; n++)
		run_told(&s, n, TUR, UA(42, 3));
	run(&s, WAITING, READ_KEYS,
	    GOOD
	    ",\"generation\":13,\"key_count\":6,\"keys\":[\"0xa\",\"0xa\",\"0xa\",\"0xa\",\"0xa\",\"0xa\"]");
	accepted_within(&s, WAITING + 1 + 5 + 2 * (WAITING + 1)); /* sessions begin, too */
}
END_TEST

START_TEST(unit_attentions_come_when_they_were_reported)
{
	struct script s;
	begin(&s, "spc4", 3);
	run_decided(&s, 0, REGISTER("0x0", "0xa"), 1);
	unsigned long told = inv(&s, 1, WRITE(64, 1));
	unsigned long first = inv(&s, 0, "\"op\":\"lun_reset\"");
	unsigned long second = inv(&s, 2, "\"op\":\"lun_reset\"");
	ret(&s, 0, first, GOOD);
	ret(&s, 2, second, GOOD);
	ret(&s, 1, told, UA(41, 3));
	decided_good(&s, 2, second, 0);
	decided(&s, 1, told, decided_check);
	decided_good(&s, 0, first, 0);
	run_told(&s, 1, TUR, UA(41, 3));
	accepted_within(&s, 8);
}
END_TEST

/* Both are GOOD in any order; which one makes the reservation only later commands tell. */
START_TEST(an_spc_2_reservation_is_made_where_the_target_says)
{
	struct script s;
	begin(&s, "spc4", 2);
	run_decided(&s, 0, REGISTER("0x0", "0xa"), 1);
	unsigned long gone = inv(&s, 0, REGISTER("0xa", "0x0"));
	unsigned long reserve = inv(&s, 0, "\"op\":\"spc2_reserve\"");
	ret(&s, 0, gone, GOOD);
	ret(&s, 0, reserve, GOOD);
	decided_good(&s, 0, gone, 2);
	decided_good(&s, 0, reserve, 0);
	run(&s, 1, REGISTER("0x0", "0xb"), CONFLICT);
	accepted_within(&s, 6);
}
END_TEST

/* The answer that its own reset took was a unit attention: no second look is needed. */
START_TEST(an_answer_that_nobody_heard_is_believed_where_it_was_told)
{
	struct script s;
	begin(&s, "spc4", 2);
	unsigned long first = inv(&s, 1, "\"op\":\"lun_reset\"");
	ret(&s, 1, first, GOOD);
	unsigned long unheard = inv(&s, 0, READ(64));
	unsigned long own = inv(&s, 0, "\"op\":\"lun_reset\"");
	ret(&s, 0, unheard, UNKNOWN);
	ret(&s, 0, own, GOOD);
	run(&s, 0, TUR, GOOD);
	decided_good(&s, 1, first, 0);
	decided(&s, 0, unheard, decided_check);
	decided_good(&s, 0, own, 0);
	accepted_within(&s, 6);
}
END_TEST

/* Nexus 0 sent it, says the target, and it was GOOD: with that key it cannot have been. */
START_TEST(one_whose_turn_is_wrong_holds_nobody_up)
{
	struct script s;
	unsigned long sent[WAITING];
	begin(&s, "spc4", WAITING + 1);
	unsigned long wrong = inv(&s, WAITING, REGISTER("0xbad", "0xc"));
	decided_good(&s, WAITING, wrong, 1);
	for (unsigned round = 0; round < 8; round++) {
		send_registrations(&s, sent, WAITING);
		for (unsigned n = 0; n < WAITING; n++) {
			unsigned k = (n + round) % WAITING;
			decided_good(&s, k, sent[k], round * 2 * WAITING + n + 1);
		}
		answer_registrations(&s, sent, WAITING);
		for (unsigned n = 0; n < WAITING; n++)
			run_decided(&s, n, REGISTER("0xa", "0x0"),
				    (round * 2 + 1) * WAITING + n + 1);
	}
	happens(&s, "lost", WAITING);
	accepted_within(&s, 2000);
}
END_TEST

/* When it began the target does not tell: while all these were under way, and that is told later.
 */
START_TEST(a_session_that_begins_behind_a_reset_is_told_nothing_of_it)
{
	struct script s;
	unsigned long sent[WAITING];
	unsigned late = WAITING + 1;
	begin(&s, "spc4", WAITING + 2);
	happens(&s, "lost", (int)late);
	send_registrations(&s, sent, WAITING);
	unsigned long reset = inv(&s, WAITING, "\"op\":\"lun_reset\"");
	happens(&s, "login", (int)late);
	unsigned long first = inv(&s, late, TUR);
	answer_registrations(&s, sent, WAITING);
	for (unsigned n = 0; n < WAITING; n++)
		decided_good(&s, n, sent[n], n + 1);
	decided_good(&s, WAITING, reset, 0);
	ret(&s, WAITING, reset, GOOD);
	for (unsigned n = 0; n < WAITING; n++)
		run_told(&s, n, TUR, UA(41, 3));
	ret(&s, late, first, GOOD);
	run(&s, late, TUR, GOOD);
	accepted_within(&s, 2000);
}
END_TEST

/* Two registrations under way together, and somebody who sees that of nexus 0 alone. */
static void two_registrations(struct script *s, bool lies, const char *seen)
{
	begin(s, "spc4", 3);
	unsigned long a = inv(s, 0, REGISTER("0x0", "0xa"));
	unsigned long b = inv(s, 1, REGISTER("0x0", "0xb"));
	run(s, 2, READ_KEYS, seen);
	ret(s, 0, a, GOOD);
	ret(s, 1, b, GOOD);
	decided_good(s, lies, lies ? b : a, 1);
	decided_good(s, !lies, lies ? a : b, 2);
}

START_TEST(an_order_is_found_whether_the_target_lies_or_not)
{
	struct script s;
	two_registrations(&s, _i != 0, GOOD ",\"generation\":1,\"key_count\":1,\"keys\":[\"0xa\"]");
	accepted(&s);
}
END_TEST

START_TEST(nothing_that_was_decided_makes_a_wrong_answer_right)
{
	struct script s;
	two_registrations(&s, _i != 0, GOOD ",\"generation\":1,\"key_count\":1,\"keys\":[\"0xc\"]");
	breaks(&s, JUDGE_GENERATION);
}
END_TEST

START_TEST(a_unit_attention_that_nothing_established_is_wrong_however_it_was_decided)
{
	struct script s;
	begin(&s, "spc4", 2);
	unsigned long told = inv(&s, 0, TUR);
	decided(&s, 0, told, decided_check);
	ret(&s, 0, told, UA(42, 3));
	breaks(&s, JUDGE_UNIT_ATTENTION_WRONG);
}
END_TEST

/* The journal is asked of what was not told before a crash. */
START_TEST(a_journal_is_quoted_of_what_the_trace_did_not_tell)
{
	struct script s;
	begin(&s, "spc4", 2);
	unsigned long first = inv(&s, 0, REGISTER("0x0", "0xa"));
	ret(&s, 0, first, GOOD);
	decided_good(&s, 0, first, 1);
	unsigned long second = inv(&s, 1, REGISTER("0x0", "0xb"));
	line(&s, "{\"at_ns\":%lu,\"kind\":\"applied\",\"nexus\":1,%s,\"generation_seen\":2}\n",
	     s.at++, REGISTER("0x0", "0xb"));
	happens(&s, "crash", -1);
	ret(&s, 1, second, UNKNOWN);
	happens(&s, "up", -1);
	happens(&s, "login", 0);
	run(&s, 0, READ_KEYS, GOOD ",\"key_count\":2,\"keys\":[\"0xa\",\"0xb\"]");
	accepted_within(&s, 10);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, commands_that_were_decided_are_put_where_the_target_says);
	tcase_add_test(tcase, unit_attentions_come_when_they_were_reported);
	tcase_add_test(tcase, an_spc_2_reservation_is_made_where_the_target_says);
	tcase_add_test(tcase, an_answer_that_nobody_heard_is_believed_where_it_was_told);
	tcase_add_test(tcase, one_whose_turn_is_wrong_holds_nobody_up);
	tcase_add_test(tcase, a_session_that_begins_behind_a_reset_is_told_nothing_of_it);
	tcase_add_loop_test(tcase, an_order_is_found_whether_the_target_lies_or_not, 0, 2);
	tcase_add_loop_test(tcase, nothing_that_was_decided_makes_a_wrong_answer_right, 0, 2);
	tcase_add_test(tcase,
		       a_unit_attention_that_nothing_established_is_wrong_however_it_was_decided);
	tcase_add_test(tcase, a_journal_is_quoted_of_what_the_trace_did_not_tell);
}

int main(void)
{
	return suite_run("lab/judge_decided", fill);
}
