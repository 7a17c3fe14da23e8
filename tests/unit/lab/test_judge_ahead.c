/*
 * What later answers say of a state: it must rule out wrong turns, and never a right one.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/suite.h"
#include "tests/unit/lab/script.h"
#include "tools/lab/judge_search.h"

struct ahead_case {
	struct history *history;
	size_t *partner;
	struct judge_sights *sights;
	struct judge_ops ops;
	struct lu_rules rules;
	struct search search;
};

static void look(struct ahead_case *c, const struct script *s)
{
	FILE *in = fmemopen((void *)(uintptr_t)s->text, s->len, "r");
	struct history_error error;

	*c = (struct ahead_case){.rules = {.ua_preempt_05 = true, .unit_attentions = true}};
	ck_assert_msg(history_read(in, &c->history, &error) == 0, "line %zu: %s", error.line,
		      error.text);
	fclose(in);
	ck_assert_int_eq(history_pair(c->history, &c->partner), 0);
	ck_assert_int_eq(judge_sights_build(c->history, 0, c->partner, &c->sights), 0);
	ck_assert_int_eq(judge_ops_build(c->history, 0, c->partner, c->sights, &c->ops), 0);
	c->search = (struct search){.history = c->history, .ops = &c->ops, .crash = JUDGE_NO_OP};
	ck_assert_int_eq(
		lu_init(&c->search.lu, &c->rules, c->history->nexuses, c->history->nexus_count), 0);
	c->search.probes.ops = calloc(c->ops.slot_count + 1, sizeof(uint32_t));
	c->search.movers.ops = calloc(c->ops.slot_count + 1, sizeof(uint32_t));
	c->search.blocked = calloc(c->history->nexus_count + 1, sizeof(bool));
	ck_assert(search_init_configs(&c->search) && search_look_ahead(&c->search));
}

static void release(struct ahead_case *c)
{
	search_finish_ahead(&c->search);
	search_finish_configs(&c->search);
	lu_finish(&c->search.lu);
	free(c->search.probes.ops);
	free(c->search.movers.ops);
	free(c->search.blocked);
	judge_ops_free(&c->ops);
	judge_sights_free(&c->sights);
	free(c->partner);
	history_free(&c->history);
}

static uint32_t op_of(const struct ahead_case *c, unsigned long command)
{
	for (uint32_t i = 0; i < c->ops.op_count; i++)
		if (c->ops.ops[i].command &&
		    c->history->events[c->ops.ops[i].opened_by].command == command)
			return i;
	ck_abort_msg("command %lu is no op", command);
	return 0;
}

/* The search stands where this command has just been sent, with all that is under way; `done`: it
 * has taken effect. */
static uint32_t stand_at(struct ahead_case *c, unsigned long command, bool done)
{
	uint32_t op = op_of(c, command);

	c->search.at = c->search.ahead.opens[op];
	for (uint32_t i = 0; i < c->ops.op_count; i++)
		if (c->search.ahead.opens[i] <= c->search.at &&
		    c->search.ahead.closes[i] > c->search.at)
			search_list_op(&c->search, i);
	if (done)
		search_mark_done(&c->search, op);
	return op;
}

#define SHOWS(generation) GOOD ",\"generation\":" #generation

START_TEST(a_generation_that_a_later_view_is_behind_is_too_much)
{
	struct script s;
	struct ahead_case c;
	begin(&s, "spc4", 2);
	unsigned long a = inv(&s, 0, REGISTER("0x0", "0xa"));
	ret(&s, 0, a, GOOD);
	run(&s, 1, REGISTER("0x0", "0xb"), GOOD);
	run(&s, 1, READ_RESERVATION, SHOWS(2));
	look(&c, &s);
	stand_at(&c, a, true);
	c.search.lu.generation = 1;
	ck_assert(!search_counted_too_much(&c.search));
	c.search.lu.generation = 2; /* the second one is still to be counted */
	ck_assert(search_counted_too_much(&c.search));
	release(&c);
}
END_TEST

START_TEST(what_may_be_counted_after_the_view_is_not_held_against_it)
{
	struct script s;
	struct ahead_case c;
	begin(&s, "spc4", 2);
	unsigned long a = inv(&s, 0, REGISTER("0x0", "0xa"));
	ret(&s, 0, a, GOOD);
	unsigned long b = inv(&s, 1, REGISTER("0x0", "0xb"));
	run(&s, 0, READ_RESERVATION, SHOWS(1));
	ret(&s, 1, b, GOOD);
	look(&c, &s);
	stand_at(&c, a, true);
	c.search.lu.generation = 1;
	ck_assert(!search_counted_too_much(&c.search));
	release(&c);
}
END_TEST

START_TEST(a_crash_takes_the_generation_back)
{
	struct script s;
	struct ahead_case c;
	begin(&s, "spc4", 1);
	unsigned long a = inv(&s, 0, REGISTER("0x0", "0xa"));
	ret(&s, 0, a, GOOD);
	happens(&s, "crash", -1);
	happens(&s, "up", -1);
	happens(&s, "login", 0);
	run(&s, 0, READ_RESERVATION, SHOWS(0));
	look(&c, &s);
	stand_at(&c, a, true);
	c.search.lu.generation = 1;
	ck_assert(!search_counted_too_much(&c.search));
	release(&c);
}
END_TEST

START_TEST(a_unit_attention_that_nobody_will_report_is_a_dead_end)
{
	struct script s;
	struct ahead_case c;
	begin(&s, "spc4", 2);
	unsigned long a = inv(&s, 0, RELEASE("0xa", "5"));
	ret(&s, 0, a, GOOD);
	run(&s, 1, TUR, _i == 0 ? GOOD : UA(42, 4));
	run(&s, 1, TUR, GOOD);
	look(&c, &s);
	uint32_t op = stand_at(&c, a, true);
	ck_assert(!search_nexus_is_stuck(&c.search, op));
	c.search.lu.pending[1] = LU_UA_RELEASED;
	ck_assert_int_eq(search_nexus_is_stuck(&c.search, op), _i == 0);
	ck_assert_int_eq(c.search.blocked[1], _i == 0);
	release(&c);
}
END_TEST

START_TEST(a_unit_attention_ends_with_its_session)
{
	struct script s;
	struct ahead_case c;
	begin(&s, "spc4", 2);
	unsigned long a = inv(&s, 0, RELEASE("0xa", "5"));
	ret(&s, 0, a, GOOD);
	happens(&s, "logout", 1);
	happens(&s, "login", 1);
	run(&s, 1, TUR, GOOD);
	look(&c, &s);
	uint32_t op = stand_at(&c, a, true);
	c.search.lu.pending[1] = LU_UA_RELEASED;
	ck_assert(!search_nexus_is_stuck(&c.search, op));
	release(&c);
}
END_TEST

START_TEST(a_key_that_its_nexus_does_not_use_is_a_dead_end)
{
	struct script s;
	struct ahead_case c;
	begin(&s, "spc4", 2);
	unsigned long a = inv(&s, 0, PREEMPT("0xa", "0xb", "1"));
	ret(&s, 0, a, GOOD);
	run(&s, 1, RESERVE("0xb", "1"), GOOD);
	look(&c, &s);
	uint32_t op = stand_at(&c, a, true);
	c.search.lu.keys[1] = 0xb;
	ck_assert(!search_nexus_is_stuck(&c.search, op));
	c.search.lu.keys[1] = 0;
	ck_assert(search_nexus_is_stuck(&c.search, op));
	release(&c);
}
END_TEST

START_TEST(a_nexus_that_registers_first_may_have_lost_its_key)
{
	struct script s;
	struct ahead_case c;
	begin(&s, "spc4", 2);
	unsigned long a = inv(&s, 0, PREEMPT("0xa", "0xb", "1"));
	ret(&s, 0, a, GOOD);
	run(&s, 1, REGISTER("0x0", "0xb"), GOOD);
	run(&s, 1, RESERVE("0xb", "1"), GOOD);
	look(&c, &s);
	uint32_t op = stand_at(&c, a, true);
	c.search.lu.keys[1] = 0;
	ck_assert(!search_nexus_is_stuck(&c.search, op));
	release(&c);
}
END_TEST

#define RESET "\"op\":\"lun_reset\""

/* A reset, of which nexus 1 is told once or twice; and, or not, another one later. */
static void resets(struct script *s, unsigned told, bool again, unsigned long *ret_reset)
{
	begin(s, "spc4", 2);
	*ret_reset = inv(s, 0, RESET);
	ret(s, 0, *ret_reset, GOOD);
	run(s, 1, TUR, UA(41, 3));
	if (again)
		run(s, 0, RESET, GOOD);
	for (unsigned i = 1; i < told; i++)
		run(s, 1, TUR, UA(41, 3));
}

START_TEST(a_reset_is_told_once)
{
	struct script s;
	struct ahead_case c;
	unsigned long reset;
	bool again = _i == 1;
	resets(&s, 2, again, &reset);
	look(&c, &s);
	uint32_t op = stand_at(&c, reset, true);
	c.search.lu.pending[1] = LU_UA_RESET;
	ck_assert_int_eq(search_lacks_reset(&c.search, op), !again);
	release(&c);
}
END_TEST

START_TEST(what_was_due_before_a_reset_is_told_as_well)
{
	struct script s;
	struct ahead_case c;
	unsigned long reset;
	resets(&s, 2, false, &reset);
	look(&c, &s);
	uint32_t op = stand_at(&c, reset, true);
	c.search.lu.pending[1] = LU_UA_RESET;
	c.search.lu.maybe[1] = LU_UA_RESET;
	ck_assert(!search_lacks_reset(&c.search, op));
	release(&c);
}
END_TEST

START_TEST(a_reset_that_is_under_way_may_still_come)
{
	struct script s;
	struct ahead_case c;
	unsigned long reset;
	resets(&s, 1, false, &reset);
	look(&c, &s);
	uint32_t op = stand_at(&c, reset, false);
	ck_assert(!search_lacks_reset(&c.search, op));
	search_mark_done(&c.search, op);
	ck_assert(search_lacks_reset(&c.search, op));
	release(&c);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, a_generation_that_a_later_view_is_behind_is_too_much);
	tcase_add_test(tcase, what_may_be_counted_after_the_view_is_not_held_against_it);
	tcase_add_test(tcase, a_crash_takes_the_generation_back);
	tcase_add_loop_test(tcase, a_unit_attention_that_nobody_will_report_is_a_dead_end, 0, 2);
	tcase_add_test(tcase, a_unit_attention_ends_with_its_session);
	tcase_add_test(tcase, a_key_that_its_nexus_does_not_use_is_a_dead_end);
	tcase_add_test(tcase, a_nexus_that_registers_first_may_have_lost_its_key);
	tcase_add_loop_test(tcase, a_reset_is_told_once, 0, 2);
	tcase_add_test(tcase, what_was_due_before_a_reset_is_told_as_well);
	tcase_add_test(tcase, a_reset_that_is_under_way_may_still_come);
}

int main(void)
{
	return suite_run("lab/judge_ahead", fill);
}
