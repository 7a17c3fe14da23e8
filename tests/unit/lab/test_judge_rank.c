/*
 * Which commands are meant by what the target says of its changes; and that a target which lies
 * about that convinces nobody.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/suite.h"
#include "tests/unit/lab/script.h"
#include "tools/lab/judge_internal.h"

struct ranked {
	struct history *history;
	size_t *partner;
	struct judge_sights *sights;
	struct judge_ops ops;
};

static void rank(struct ranked *r, const struct script *s)
{
	FILE *in = fmemopen((void *)(uintptr_t)s->text, s->len, "r");
	struct history_error error;

	ck_assert_msg(history_read(in, &r->history, &error) == 0, "line %zu: %s", error.line,
		      error.text);
	fclose(in);
	ck_assert_int_eq(history_pair(r->history, &r->partner), 0);
	ck_assert_int_eq(judge_sights_build(r->history, 0, r->partner, &r->sights), 0);
	ck_assert_int_eq(judge_ops_build(r->history, 0, r->partner, r->sights, &r->ops), 0);
}

static void release(struct ranked *r)
{
	judge_ops_free(&r->ops);
	judge_sights_free(&r->sights);
	free(r->partner);
	history_free(&r->history);
}

static uint32_t rank_of(const struct ranked *r, unsigned long command)
{
	for (uint32_t i = 0; i < r->ops.op_count; i++) {
		size_t event = r->ops.ops[i].opened_by;
		if (r->ops.ops[i].command && r->history->events[event].command == command)
			return r->ops.ops[i].rank;
	}
	ck_abort_msg("command %lu is no op", command);
	return 0;
}

static void quote(struct script *s, unsigned nexus, const char *what, unsigned generation)
{
	line(s, "{\"at_ns\":%lu,\"kind\":\"applied\",\"nexus\":%u,%s,\"generation_seen\":%u}\n",
	     s->at++, nexus, what, generation);
}

/* So few states that it was not much that was tried. */
static void accepted_within(const struct script *s, uint64_t states)
{
	struct judge_report *report = verdict(s);

	ck_assert_uint_eq(report->violation_count, 0);
	ck_assert(!report->undecided);
	ck_assert_uint_lt(report->states, states);
	judge_report_free(&report);
}

START_TEST(quotes_put_commands_in_their_order)
{
	struct script s;
	struct ranked r;
	begin(&s, "spc4", 2);
	unsigned long a = inv(&s, 0, REGISTER("0x0", "0xa"));
	unsigned long b = inv(&s, 1, REGISTER("0x0", "0xb"));
	ret(&s, 0, a, GOOD);
	ret(&s, 1, b, GOOD);
	quote(&s, 1, REGISTER("0x0", "0xb"), 1);
	quote(&s, 0, REGISTER("0x0", "0xa"), 2);
	rank(&r, &s);
	ck_assert_uint_eq(r.ops.rank_count, 2);
	ck_assert_uint_eq(rank_of(&r, b), 1);
	ck_assert_uint_eq(rank_of(&r, a), 2);
	release(&r);
}
END_TEST

START_TEST(what_is_not_quoted_has_no_rank)
{
	struct script s;
	struct ranked r;
	begin(&s, "spc4", 2);
	unsigned long a = inv(&s, 0, REGISTER("0x0", "0xa"));
	ret(&s, 0, a, GOOD);
	unsigned long b = inv(&s, 1, REGISTER("0x0", "0xb"));
	ret(&s, 1, b, CONFLICT);
	quote(&s, 1, REGISTER("0x0", "0xb"), 1);
	rank(&r, &s);
	ck_assert_uint_eq(r.ops.rank_count, 0);
	release(&r);
}
END_TEST

START_TEST(a_command_that_was_over_before_an_earlier_quote_s_is_not_meant)
{
	struct script s;
	struct ranked r;
	begin(&s, "spc4", 2);
	unsigned long early = inv(&s, 0, RELEASE("0xa", "1"));
	ret(&s, 0, early, GOOD);
	unsigned long between = inv(&s, 1, REGISTER("0x0", "0xb"));
	ret(&s, 1, between, GOOD);
	unsigned long late = inv(&s, 0, RELEASE("0xa", "1"));
	ret(&s, 0, late, GOOD);
	quote(&s, 1, REGISTER("0x0", "0xb"), 1);
	quote(&s, 0, RELEASE("0xa", "1"), 1);
	rank(&r, &s);
	ck_assert_uint_eq(rank_of(&r, early), 0);
	ck_assert_uint_eq(rank_of(&r, between), 1);
	ck_assert_uint_eq(rank_of(&r, late), 2);
	release(&r);
}
END_TEST

START_TEST(a_command_that_was_sent_after_a_later_quote_s_is_not_meant)
{
	struct script s;
	struct ranked r;
	begin(&s, "spc4", 2);
	unsigned long early = inv(&s, 0, RELEASE("0xa", "1"));
	unsigned long between = inv(&s, 1, REGISTER("0x0", "0xb"));
	ret(&s, 1, between, GOOD);
	unsigned long late = inv(&s, 0, RELEASE("0xa", "1"));
	ret(&s, 0, late, GOOD); /* over first, but it came too late */
	ret(&s, 0, early, GOOD);
	quote(&s, 0, RELEASE("0xa", "1"), 0);
	quote(&s, 1, REGISTER("0x0", "0xb"), 1);
	rank(&r, &s);
	ck_assert_uint_eq(rank_of(&r, early), 1);
	ck_assert_uint_eq(rank_of(&r, late), 0);
	release(&r);
}
END_TEST

START_TEST(what_was_over_when_quotes_were_asked_for_the_last_time_is_not_meant)
{
	struct script s;
	struct ranked r;
	begin(&s, "spc4", 2);
	unsigned long early = inv(&s, 0, RELEASE("0xa", "1"));
	ret(&s, 0, early, GOOD);
	run(&s, 1, REGISTER("0x0", "0xb"), GOOD);
	quote(&s, 1, REGISTER("0x0", "0xb"), 1);
	unsigned long late = inv(&s, 0, RELEASE("0xa", "1"));
	ret(&s, 0, late, GOOD);
	quote(&s, 0, RELEASE("0xa", "1"), 1);
	rank(&r, &s);
	ck_assert_uint_eq(rank_of(&r, early), 0);
	ck_assert_uint_eq(rank_of(&r, late), 2);
	release(&r);
}
END_TEST

START_TEST(nothing_from_before_a_crash_is_meant_after_it)
{
	struct script s;
	struct ranked r;
	begin(&s, "spc4", 1);
	unsigned long before = inv(&s, 0, REGISTER("0x0", "0xa"));
	happens(&s, "crash", -1);
	happens(&s, "up", -1);
	happens(&s, "login", 0);
	unsigned long after = inv(&s, 0, REGISTER("0x0", "0xa"));
	ret(&s, 0, after, GOOD);
	quote(&s, 0, REGISTER("0x0", "0xa"), 1);
	rank(&r, &s);
	ck_assert_uint_eq(rank_of(&r, before), 0);
	ck_assert_uint_eq(rank_of(&r, after), 1);
	release(&r);
}
END_TEST

START_TEST(aptpl_tells_two_registrations_apart)
{
	struct script s;
	struct ranked r;
	begin(&s, "spc4", 1);
	unsigned long without = inv(&s, 0, "\"op\":\"register\",\"action_key\":\"0xa\"");
	unsigned long with = inv(&s, 0, REGISTER("0x0", "0xa"));
	ret(&s, 0, without, GOOD);
	ret(&s, 0, with, GOOD);
	quote(&s, 0, REGISTER("0x0", "0xa"), 1);
	rank(&r, &s);
	ck_assert_uint_eq(rank_of(&r, without), 0);
	ck_assert_uint_eq(rank_of(&r, with), 1);
	release(&r);
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
	quote(s, lies, lies ? REGISTER("0x0", "0xb") : REGISTER("0x0", "0xa"), 1);
	quote(s, !lies, lies ? REGISTER("0x0", "0xa") : REGISTER("0x0", "0xb"), 2);
}

START_TEST(an_order_is_found_whether_the_target_lies_or_not)
{
	struct script s;
	two_registrations(&s, _i != 0, GOOD ",\"generation\":1,\"key_count\":1,\"keys\":[\"0xa\"]");
	accepted(&s);
}
END_TEST

/* Registrations under way together, of which PRGENERATION says that one more command counted first:
 * not quoted, as it changed nothing else. Its session ends while the others wait. */
START_TEST(what_only_counted_stands_where_quotes_leave_room)
{
	struct script s;
	unsigned long sent[8];
	begin(&s, "spc4", 10);
	run(&s, 0, REGISTER("0x0", "0xa"), GOOD);
	quote(&s, 0, REGISTER("0x0", "0xa"), 1);
	inv(&s, 0, REGISTER("0xa", "0xa"));
	for (unsigned n = 0; n < 8; n++)
		sent[n] = inv(&s, n + 1, REGISTER("0x0", "0xb"));
	happens(&s, "lost", 0);
	happens(&s, "login", 0);
	for (unsigned n = 0; n < 8; n++)
		ret(&s, n + 1, sent[n], GOOD);
	for (unsigned n = 0; n < 8; n++)
		quote(&s, 8 - n, REGISTER("0x0", "0xb"), n + 3);
	run(&s, 9, READ_KEYS, GOOD ",\"generation\":10,\"key_count\":9");
	accepted_within(&s, 100); /* there are 24 ops */
}
END_TEST

/* Its session ends while others wait whose turn was before. */
START_TEST(what_is_quoted_comes_before_its_session_ends)
{
	struct script s;
	unsigned long sent[6];
	begin(&s, "spc4", 8);
	for (unsigned n = 0; n < 6; n++)
		sent[n] = inv(&s, n + 1, REGISTER("0x0", "0xb"));
	inv(&s, 0, REGISTER("0x0", "0xa"));
	happens(&s, "lost", 0);
	happens(&s, "login", 0);
	for (unsigned n = 0; n < 6; n++)
		ret(&s, n + 1, sent[n], GOOD);
	for (unsigned n = 0; n < 3; n++)
		quote(&s, 6 - n, REGISTER("0x0", "0xb"), n + 1);
	quote(&s, 0, REGISTER("0x0", "0xa"), 4);
	for (unsigned n = 3; n < 6; n++)
		quote(&s, 6 - n, REGISTER("0x0", "0xb"), n + 2);
	run(&s, 7, READ_KEYS, GOOD ",\"generation\":7,\"key_count\":7");
	accepted_within(&s, 36); /* there are 18 ops */
}
END_TEST

/* The first one found that its nexus holds already; the quote means the second one. */
START_TEST(one_of_two_that_are_alike_changed_nothing)
{
	struct script s;
	begin(&s, "spc4", 3);
	run(&s, 0, REGISTER("0x0", "0xa"), GOOD);
	run(&s, 1, REGISTER("0x0", "0xb"), GOOD);
	run(&s, 0, RESERVE("0xa", "7"), GOOD);
	unsigned long first = inv(&s, 1, RESERVE("0xb", "7"));
	run(&s, 0, RELEASE("0xa", "7"), GOOD);
	ret(&s, 1, first, GOOD);
	run(&s, 1, TUR, UA(42, 4));
	run(&s, 2, WRITE(64, 1), GOOD);
	run(&s, 1, RESERVE("0xb", "7"), GOOD);
	run(&s, 2, WRITE(64, 2), CONFLICT);
	quote(&s, 0, REGISTER("0x0", "0xa"), 1);
	quote(&s, 1, REGISTER("0x0", "0xb"), 2);
	quote(&s, 0, RESERVE("0xa", "7") ",\"aptpl\":true", 2);
	quote(&s, 0, RELEASE("0xa", "7") ",\"aptpl\":true", 2);
	quote(&s, 1, RESERVE("0xb", "7") ",\"aptpl\":true", 2);
	accepted_within(&s, 30); /* there are 14 ops */
}
END_TEST

START_TEST(no_quote_makes_a_wrong_answer_right)
{
	struct script s;
	two_registrations(&s, _i != 0, GOOD ",\"generation\":1,\"key_count\":1,\"keys\":[\"0xc\"]");
	breaks(&s, JUDGE_GENERATION);
}
END_TEST

START_TEST(quotes_of_what_nobody_sent_are_passed_over)
{
	struct script s;
	begin(&s, "spc4", 1);
	run(&s, 0, REGISTER("0x0", "0xa"), GOOD);
	quote(&s, 0, PREEMPT("0x1", "0x2", "1"), 1);
	quote(&s, 0, REGISTER("0x0", "0xa"), 7);
	run(&s, 0, READ_KEYS, GOOD ",\"generation\":1,\"key_count\":1,\"keys\":[\"0xa\"]");
	accepted(&s);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, quotes_put_commands_in_their_order);
	tcase_add_test(tcase, what_is_not_quoted_has_no_rank);
	tcase_add_test(tcase, a_command_that_was_over_before_an_earlier_quote_s_is_not_meant);
	tcase_add_test(tcase, a_command_that_was_sent_after_a_later_quote_s_is_not_meant);
	tcase_add_test(tcase, what_was_over_when_quotes_were_asked_for_the_last_time_is_not_meant);
	tcase_add_test(tcase, nothing_from_before_a_crash_is_meant_after_it);
	tcase_add_test(tcase, aptpl_tells_two_registrations_apart);
	tcase_add_loop_test(tcase, an_order_is_found_whether_the_target_lies_or_not, 0, 2);
	tcase_add_test(tcase, what_only_counted_stands_where_quotes_leave_room);
	tcase_add_test(tcase, what_is_quoted_comes_before_its_session_ends);
	tcase_add_test(tcase, one_of_two_that_are_alike_changed_nothing);
	tcase_add_loop_test(tcase, no_quote_makes_a_wrong_answer_right, 0, 2);
	tcase_add_test(tcase, quotes_of_what_nobody_sent_are_passed_over);
}

int main(void)
{
	return suite_run("lab/judge_rank", fill);
}
