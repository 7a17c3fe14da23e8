/*
 * Every passive check twice: it passes who behaves, and it alone finds who does not.
 */
#include <string.h>

#include "observer_cases.h"
#include "tests/support/suite.h"

static const struct observer_case_group *const groups[] = {
	&observer_cases_frame,	 &observer_cases_login,	  &observer_cases_text,
	&observer_cases_numbers, &observer_cases_command, &observer_cases_data,
	&observer_cases_request, &observer_cases_end,
};

static const struct observer_case *case_of(enum iscsi_passive_check check)
{
	const struct observer_case *found = NULL;

	for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++)
		for (size_t i = 0; i < groups[g]->count; i++)
			if (groups[g]->cases[i].check == check) {
				ck_assert_msg(!found, "two cases of %d", (int)check);
				found = &groups[g]->cases[i];
			}
	return found;
}

static enum iscsi_verdict expected_verdict(const struct observer_case *c)
{
	if (c->verdict != ISCSI_VERDICT_NOT_SEEN)
		return c->verdict;
	switch (iscsi_check_row(c->check)->severity) {
	case ISCSI_SEVERITY_SHOULD:
	case ISCSI_SEVERITY_ROBUST:
		return ISCSI_VERDICT_WARN;
	case ISCSI_SEVERITY_RECORD:
		return ISCSI_VERDICT_INFO;
	case ISCSI_SEVERITY_MUST:
	case ISCSI_SEVERITY_INVALID:
		break;
	}
	return ISCSI_VERDICT_FAIL;
}

static bool may_fail_too(const struct observer_case *c, enum iscsi_passive_check check)
{
	for (size_t i = 0; i < CASE_ALSO_MAX; i++)
		if (c->also[i] == check)
			return true;
	return false;
}

/* No check but those says WARN or FAIL. */
static void assert_no_other(const struct iscsi_observer *observer, const struct observer_case *c,
			    bool wrong)
{
	const char *id = iscsi_check_row(c->check)->id;

	for (unsigned i = ISCSI_CHECK_NONE + 1; i < ISCSI_CHECK_COUNT; i++) {
		enum iscsi_passive_check check = (enum iscsi_passive_check)i;
		struct iscsi_tally tally = iscsi_observer_tally(observer, check);
		if (wrong && (check == c->check || may_fail_too(c, check)))
			continue;
		ck_assert_msg(tally.verdict < ISCSI_VERDICT_INFO, "%s, %s: %s says %s", id,
			      wrong ? "wrong" : "right", iscsi_check_row(check)->id,
			      iscsi_verdict_name(tally.verdict));
	}
}

static void play(enum iscsi_passive_check check, bool wrong)
{
	const struct observer_case *c = case_of(check);
	const char *id = iscsi_check_row(check)->id;
	struct script script;

	ck_assert_msg(c != NULL, "%s has no case", id);
	script_init(&script);
	c->run(&script, wrong);
	script_close(&script);
	struct iscsi_tally tally = iscsi_observer_tally(script.observer, check);
	enum iscsi_verdict due = wrong ? expected_verdict(c) : ISCSI_VERDICT_PASS;
	ck_assert_msg(tally.verdict == due, "%s, %s: %s instead of %s", id,
		      wrong ? "wrong" : "right", iscsi_verdict_name(tally.verdict),
		      iscsi_verdict_name(due));
	assert_no_other(script.observer, c, wrong);
	script_finish(&script);
}

START_TEST(who_behaves_passes)
{
	play((enum iscsi_passive_check)_i, false);
}
END_TEST

START_TEST(who_does_not_is_found_by_that_check_alone)
{
	play((enum iscsi_passive_check)_i, true);
}
END_TEST

/* --- the ledger ------------------------------------------------------------------------------- */

START_TEST(what_never_came_up_is_not_seen)
{
	struct iscsi_observer *observer = iscsi_observer_create();

	for (unsigned i = ISCSI_CHECK_NONE + 1; i < ISCSI_CHECK_COUNT; i++)
		ck_assert_int_eq(
			iscsi_observer_tally(observer, (enum iscsi_passive_check)i).verdict,
			ISCSI_VERDICT_NOT_SEEN);
	ck_assert_ptr_null(iscsi_observer_finding(observer, 0));
	iscsi_observer_free(&observer);
	ck_assert_ptr_null(observer);
}
END_TEST

START_TEST(a_finding_says_who_where_and_what)
{
	struct script script;
	struct iscsi_scsi_command command;

	script_init(&script);
	script_login(&script);
	command = script_command(&script);
	command.attribute = 6;
	script_say_command(&script, &command, 0);
	const struct iscsi_finding *finding = iscsi_observer_finding(script.observer, 0);
	ck_assert_ptr_nonnull(finding);
	ck_assert_int_eq(finding->check, ISCSI_CHECK_CMD_ATTR_LEGAL);
	ck_assert_int_eq(finding->verdict, ISCSI_VERDICT_FAIL);
	ck_assert_str_eq(finding->initiator, SCRIPT_INITIATOR);
	ck_assert_str_eq(finding->target, SCRIPT_TARGET);
	ck_assert_mem_eq(finding->isid, script.isid, sizeof(script.isid));
	ck_assert_uint_eq(finding->tsih, 8);
	ck_assert_uint_eq(finding->cid, 1);
	ck_assert_uint_eq(finding->pdu, 2);
	ck_assert(!finding->from_target);
	ck_assert_uint_eq(finding->bhs[0], ISCSI_SCSI_COMMAND);
	ck_assert_uint_eq(finding->ms, script.now_ms);
	ck_assert_str_eq(finding->expected, "0 to 4");
	ck_assert_str_eq(finding->got, "6");
	script_finish(&script);
}
END_TEST

START_TEST(findings_are_counted_but_only_so_many_are_kept)
{
	struct script script;
	size_t kept = 0;

	script_init(&script);
	script_login(&script);
	for (unsigned i = 0; i < 100; i++) {
		struct iscsi_scsi_command command = script_command(&script);
		script.max_cmd_sn = script.cmd_sn + 1;
		script_ping(&script, 1 + i);
		command.attribute = 7;
		script_say_command(&script, &command, 0);
		script_respond(&script, command.itt, 0, 0);
	}
	while (iscsi_observer_finding(script.observer, kept))
		kept++;
	ck_assert_uint_eq(kept, ISCSI_OBSERVER_FINDINGS_EACH);
	ck_assert_uint_eq(iscsi_observer_tally(script.observer, ISCSI_CHECK_CMD_ATTR_LEGAL).found,
			  100);
	iscsi_observer_clear(script.observer);
	ck_assert_ptr_null(iscsi_observer_finding(script.observer, 0));
	script_finish(&script);
}
END_TEST

START_TEST(more_tasks_than_can_be_followed_are_missed_not_misjudged)
{
	struct script script;

	script_init(&script);
	script.max_cmd_sn = script.cmd_sn + 4 * ISCSI_OBSERVER_TASKS_MAX;
	script_login(&script);
	for (unsigned i = 0; i < 2 * ISCSI_OBSERVER_TASKS_MAX; i++) {
		struct iscsi_scsi_command command = script_command(&script);
		script_say_command(&script, &command, 0);
	}
	ck_assert_uint_ge(iscsi_observer_missed(script.observer), ISCSI_OBSERVER_TASKS_MAX);
	ck_assert_ptr_null(iscsi_observer_finding(script.observer, 0));
	script_finish(&script);
}
END_TEST

START_TEST(connections_over_the_limit_are_not_followed)
{
	struct iscsi_observer *observer = iscsi_observer_create();
	static struct iscsi_watch *watches[ISCSI_OBSERVER_WATCHES_MAX];

	for (size_t i = 0; i < ISCSI_OBSERVER_WATCHES_MAX; i++) {
		watches[i] = iscsi_watch_create(observer, 1);
		ck_assert_ptr_nonnull(watches[i]);
	}
	ck_assert_ptr_null(iscsi_watch_create(observer, 1));
	ck_assert_uint_eq(iscsi_observer_missed(observer), 1);
	for (size_t i = 0; i < ISCSI_OBSERVER_WATCHES_MAX; i++)
		iscsi_watch_free(&watches[i], 0);
	iscsi_observer_free(&observer);
}
END_TEST

START_TEST(a_text_over_several_pdus_is_judged_as_one)
{
	struct script script;
	struct iscsi_login_request first, second;

	script_init(&script);
	script_connect(&script);
	first = script_login_request(&script);
	first.transit = false;
	first.nsg = 0;
	first.cont = true;
	script_say_login(&script, &first, "InitiatorName=" SCRIPT_INITIATOR "\nTarget");
	script_answer_login(&script, &first, ISCSI_LOGIN_SUCCESS, "");
	second = script_login_request(&script);
	script_say_login(&script, &second, "Name=" SCRIPT_TARGET "\n");
	ck_assert_ptr_null(iscsi_observer_finding(script.observer, 0));
	ck_assert_int_eq(
		iscsi_observer_tally(script.observer, ISCSI_CHECK_LOGIN_TARGETNAME_FIRST).verdict,
		ISCSI_VERDICT_PASS);
	script_finish(&script);
}
END_TEST

START_TEST(a_session_of_two_connections_shares_its_numbers)
{
	struct script script;
	struct iscsi_watch *first, *second;

	script_init(&script);
	script_login(&script);
	first = script.watch;
	script.tsih = 8;
	script.cid = 2;
	script_login(&script);
	second = script.watch;
	for (unsigned i = 0; i < 10; i++) {
		struct iscsi_scsi_command command = script_command(&script);
		command.exp_stat_sn = script.stat_sn;
		script.watch = second;
		script_say_command(&script, &command, 0);
		script_respond(&script, command.itt, 0, 0);
	}
	ck_assert_ptr_null(iscsi_observer_finding(script.observer, 0));
	script_close(&script);
	script.watch = first;
	script_finish(&script);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_loop_test(tcase, who_behaves_passes, ISCSI_CHECK_NONE + 1, ISCSI_CHECK_COUNT);
	tcase_add_loop_test(tcase, who_does_not_is_found_by_that_check_alone, ISCSI_CHECK_NONE + 1,
			    ISCSI_CHECK_COUNT);
	tcase_add_test(tcase, what_never_came_up_is_not_seen);
	tcase_add_test(tcase, a_finding_says_who_where_and_what);
	tcase_add_test(tcase, findings_are_counted_but_only_so_many_are_kept);
	tcase_add_test(tcase, more_tasks_than_can_be_followed_are_missed_not_misjudged);
	tcase_add_test(tcase, connections_over_the_limit_are_not_followed);
	tcase_add_test(tcase, a_text_over_several_pdus_is_judged_as_one);
	tcase_add_test(tcase, a_session_of_two_connections_shares_its_numbers);
}

int main(void)
{
	return suite_run("observer", fill);
}
