/* Rules of several nodes that count together. */
#include "transport/fault_rule.h"

#include "tests/support/suite.h"

static struct fault_rule *rule_of(const char *text, struct fault_tally *tally)
{
	char error[ISCSI_FAULT_ERROR_MAX];
	struct fault_rule *rule = fault_rule_parse(text, NULL, error);

	ck_assert_msg(rule != NULL, "%s", error);
	rule->tally = tally;
	return rule;
}

static bool fires(struct fault_rule *rule, uint64_t now_ms)
{
	struct fault_moment moment = {.kind = FAULT_COMMAND, .now_ms = now_ms};

	return fault_rule_fires(rule, &moment, NULL);
}

START_TEST(what_one_has_seen_the_others_know)
{
	struct fault_tally *tally = fault_tally_create();
	struct fault_rule *one = rule_of("on command from=2 times=2 do status busy", tally);
	struct fault_rule *other =
		rule_of("on command from=2 times=2 do status busy", fault_tally_share(tally));

	ck_assert(!fires(one, 1));
	ck_assert(fires(other, 2));
	ck_assert(fires(one, 3));
	ck_assert(!fires(other, 4));
	ck_assert(!fires(one, 5));
	fault_rule_refresh(other);
	ck_assert_uint_eq(other->total.matches, 5);
	ck_assert_uint_eq(other->total.firings, 2);
	ck_assert_uint_eq(other->first_ms, 2);
	fault_rule_free(&one);
	ck_assert(!fires(other, 6));
	fault_rule_free(&other);
}
END_TEST

START_TEST(who_was_first_brings_what_it_has_counted)
{
	struct fault_rule *one = rule_of("on command times=2 do status busy", NULL);
	const struct iscsi_fault_place place = {.peer = "there"};

	ck_assert(fires(one, 1));
	fault_rule_note(one, &place);
	fault_tally_enter(fault_tally_create(), one);
	struct fault_rule *other =
		rule_of("on command times=2 do status busy", fault_tally_share(one->tally));
	ck_assert(fires(other, 2));
	ck_assert(!fires(one, 3));
	fault_rule_refresh(other);
	ck_assert_str_eq(other->first.peer, "there");
	fault_rule_free(&other);
	fault_rule_free(&one);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, what_one_has_seen_the_others_know);
	tcase_add_test(tcase, who_was_first_brings_what_it_has_counted);
}

int main(void)
{
	return suite_run("transport/fault_tally", fill);
}
