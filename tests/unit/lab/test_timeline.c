/*
 * Bands and arrows on small histories: each shows what the initiators could know, no more.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tools/lab/timeline.h"

/* Every line gets the next time, from 0; `text` follows it. */
static struct history *history_of(const char *profile, const char *const *lines)
{
	static char text[16384];
	size_t len = (size_t)snprintf(text, sizeof(text),
				      "{\"holdfast_history\":1,\"profile\":\"%s\"}\n", profile);
	struct history *history = NULL;
	struct history_error error;
	unsigned long at = 0;
	FILE *in;

	for (; *lines; lines++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "{\"at_ns\":%lu,%s}\n",
					at++, *lines);
	ck_assert_uint_lt(len, sizeof(text));
	in = fmemopen(text, len, "r");
	ck_assert_msg(history_read(in, &history, &error) == 0, "line %zu: %s", error.line,
		      error.text);
	fclose(in);
	return history;
}

/* All bands but the sessions, in the order in which they began: "registered 0 key 0xa 3-7;". */
static const char *bands_text(const struct timeline *t, bool sessions)
{
	static char text[4096];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < t->band_count; i++) {
		const struct timeline_band *b = &t->bands[i];
		if ((b->kind == TIMELINE_SESSION) != sessions)
			continue;
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s %" PRIu32,
					len == 0 ? "" : "; ", timeline_kind_name(b->kind),
					b->nexus);
		if (b->kind == TIMELINE_REGISTERED)
			len += (size_t)snprintf(text + len, sizeof(text) - len, " %" PRIx64,
						b->key);
		if (b->kind == TIMELINE_HOLDS)
			len += (size_t)snprintf(text + len, sizeof(text) - len, " type %u",
						(unsigned)b->type);
		if (b->lun != 0)
			len += (size_t)snprintf(text + len, sizeof(text) - len, " lun %u",
						(unsigned)b->lun);
		len += (size_t)snprintf(text + len, sizeof(text) - len, " %" PRIu64 "-",
					b->from_ns);
		if (b->to_event != TIMELINE_NO_EVENT)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%" PRIu64,
						b->to_ns);
		ck_assert_uint_lt(len, sizeof(text));
	}
	return text;
}

static void shows_for(const char *profile, const char *const *lines, const char *bands)
{
	struct history *history = history_of(profile, lines);
	struct timeline *t = NULL;

	ck_assert_int_eq(timeline_build(history, &t), 0);
	ck_assert_str_eq(bands_text(t, false), bands);
	timeline_free(&t);
	ck_assert_ptr_null(t);
	history_free(&history);
}

#define LINES(...)	  ((const char *const[]){__VA_ARGS__, NULL})
#define SHOWS(bands, ...) shows_for("spc4", LINES(__VA_ARGS__), bands)

#define NEXUS(n)	   "\"kind\":\"nexus\",\"number\":" #n ",\"name\":\"iqn.t:" #n "\",\"target_port\":1"
#define INVOKE(n, c, what) "\"kind\":\"invoke\",\"nexus\":" #n ",\"command\":" #c "," what
#define RETURN(n, c, what) "\"kind\":\"return\",\"nexus\":" #n ",\"command\":" #c "," what
#define GOOD		   "\"outcome\":\"good\""
#define CONFLICT	   "\"outcome\":\"conflict\""
#define REGISTER(old, new) "\"op\":\"register\",\"key\":\"" old "\",\"action_key\":\"" new "\""
#define APTPL		   ",\"aptpl\":true"
#define KEYED(op, key)	   "\"op\":\"" op "\",\"key\":\"" key "\""
#define TYPE(t)		   ",\"type\":" #t
#define PREEMPT(by, whom)  KEYED("preempt", by) ",\"action_key\":\"" whom "\""
#define EVENT(kind, n)	   "\"kind\":\"" kind "\",\"nexus\":" #n
#define DONE(n, c, what)   INVOKE(n, c, what), RETURN(n, c, GOOD)

/* Both registered, 0 holds; the next line's time is 8. */
#define HELD(t)                                                 \
	NEXUS(0), NEXUS(1), DONE(0, 1, REGISTER("0x0", "0xa")), \
		DONE(1, 2, REGISTER("0x0", "0xb")), DONE(0, 3, KEYED("reserve", "0xa") TYPE(t))

START_TEST(registration_lasts_from_its_return_to_its_end)
{
	SHOWS("registered 0 a 2-6; registered 0 b 6-8", NEXUS(0),
	      DONE(0, 1, REGISTER("0x0", "0xa")), INVOKE(0, 2, REGISTER("0x0", "0xc")),
	      RETURN(0, 2, CONFLICT), DONE(0, 3, REGISTER("0xa", "0xb")),
	      DONE(0, 4, REGISTER("0xb", "0x0")));
}
END_TEST

START_TEST(reservation_shows_holder_and_type_until_release)
{
	SHOWS("registered 0 a 3-; registered 1 b 5-; holds 0 type 5 7-9", HELD(5),
	      DONE(0, 4, KEYED("release", "0xa") TYPE(5)));
}
END_TEST

START_TEST(reservation_goes_with_its_holder)
{
	SHOWS("registered 0 a 3-9; registered 1 b 5-; holds 0 type 1 7-9", HELD(1),
	      DONE(0, 4, REGISTER("0xa", "0x0")));
}
END_TEST

START_TEST(all_registrants_hold_together_until_the_last_is_gone)
{
	SHOWS("registered 0 a 3-9; registered 1 b 5-11; holds 0 type 8 7-9; holds 1 type 8 7-11",
	      HELD(8), DONE(0, 4, REGISTER("0xa", "0x0")), DONE(1, 5, REGISTER("0xb", "0x0")));
}
END_TEST

START_TEST(clear_ends_everything)
{
	SHOWS("registered 0 a 3-9; registered 1 b 5-9; holds 0 type 3 7-9", HELD(3),
	      DONE(1, 4, KEYED("clear", "0xb")));
}
END_TEST

START_TEST(preempt_of_the_holder_hands_over)
{
	SHOWS("registered 0 a 3-9; registered 1 b 5-; holds 0 type 5 7-9; holds 1 type 6 9-",
	      HELD(5), DONE(1, 4, PREEMPT("0xb", "0xa") TYPE(6)));
}
END_TEST

START_TEST(preempt_of_another_leaves_the_reservation)
{
	SHOWS("registered 0 a 3-; registered 1 b 5-9; holds 0 type 5 7-", HELD(5),
	      DONE(0, 4, PREEMPT("0xa", "0xb") TYPE(6)));
}
END_TEST

START_TEST(preempt_names_command_and_victim)
{
	struct history *history =
		history_of("spc4", LINES(HELD(5), DONE(1, 4, PREEMPT("0xb", "0xa") TYPE(6))));
	struct timeline *t = NULL;

	ck_assert_int_eq(timeline_build(history, &t), 0);
	ck_assert_uint_eq(t->preempt_count, 1);
	ck_assert_uint_eq(t->preempts[0].victim, 0);
	ck_assert_uint_eq(t->commands[t->preempts[0].command].returned, 9);
	timeline_free(&t);
	history_free(&history);
}
END_TEST

START_TEST(own_key_preempted_goes_in_spc4_and_stays_in_dlt_s4)
{
	const char *const *lines = LINES(NEXUS(0), DONE(0, 1, REGISTER("0x0", "0xa")),
					 DONE(0, 2, PREEMPT("0xa", "0xa") TYPE(1)));

	shows_for("spc4", lines, "registered 0 a 2-4");
	shows_for("dlt-s4", lines, "registered 0 a 2-");
}
END_TEST

START_TEST(move_takes_registration_and_reservation_along)
{
	SHOWS("registered 0 a 3-9; registered 1 b 5-9; holds 0 type 1 7-9; registered 1 c 9-; "
	      "holds 1 type 1 9-",
	      HELD(1),
	      DONE(0, 4,
		   KEYED("register_and_move", "0xa") ",\"action_key\":\"0xc\",\"move_to\":1,"
						     "\"unregister_source\":true"));
}
END_TEST

START_TEST(all_tg_pt_registers_every_port_of_the_initiator_port)
{
	SHOWS("registered 0 a 3-; registered 1 a 3-", NEXUS(0),
	      "\"kind\":\"nexus\",\"number\":1,\"name\":\"iqn.t:0\",\"target_port\":2",
	      DONE(0, 1, REGISTER("0x0", "0xa") ",\"all_tg_pt\":true"));
}
END_TEST

START_TEST(crash_ends_what_was_without_aptpl)
{
	SHOWS("registered 0 a 3-8; registered 1 b 5-8; holds 0 type 1 7-8", HELD(1),
	      "\"kind\":\"crash\"", "\"kind\":\"up\"");
}
END_TEST

START_TEST(aptpl_of_the_last_register_keeps_all_over_a_crash)
{
	SHOWS("registered 0 a 3-; registered 1 b 5-; holds 0 type 1 7-", HELD(1),
	      DONE(1, 4, REGISTER("0xb", "0xb") APTPL), "\"kind\":\"crash\"", "\"kind\":\"up\"");
}
END_TEST

START_TEST(outage_lasts_until_the_target_is_up)
{
	struct history *history =
		history_of("spc4", LINES(NEXUS(0), "\"kind\":\"crash\"", "\"kind\":\"up\"",
					 "\"kind\":\"crash\""));
	struct timeline *t = NULL;

	ck_assert_int_eq(timeline_build(history, &t), 0);
	ck_assert_uint_eq(t->outage_count, 2);
	ck_assert_uint_eq(t->outages[0].to_ns, 2);
	ck_assert_uint_eq(t->outages[1].up, TIMELINE_NO_EVENT);
	timeline_free(&t);
	history_free(&history);
}
END_TEST

START_TEST(session_lasts_from_login_to_logout_loss_or_crash)
{
	struct history *history = history_of(
		"spc4", LINES(NEXUS(0), EVENT("login", 0), EVENT("logout", 0), EVENT("login", 0),
			      EVENT("lost", 0), EVENT("login", 0), "\"kind\":\"crash\"",
			      "\"kind\":\"up\"", EVENT("login", 0)));
	struct timeline *t = NULL;

	ck_assert_int_eq(timeline_build(history, &t), 0);
	ck_assert_str_eq(bands_text(t, true),
			 "session 0 1-2; session 0 3-4; session 0 5-6; session 0 8-");
	timeline_free(&t);
	history_free(&history);
}
END_TEST

START_TEST(spc2_reservation_goes_with_its_session_and_by_reset)
{
	SHOWS("spc2 0 4-5; spc2 1 7-9", NEXUS(0), NEXUS(1), EVENT("login", 0),
	      DONE(0, 1, "\"op\":\"spc2_reserve\""), EVENT("lost", 0),
	      DONE(1, 2, "\"op\":\"spc2_reserve\""), DONE(0, 3, "\"op\":\"lun_reset\""));
}
END_TEST

START_TEST(unanswered_register_is_learnt_from_what_worked_after_it)
{
	SHOWS("registered 0 a 3-; holds 0 type 1 3-", NEXUS(0),
	      INVOKE(0, 1, REGISTER("0x0", "0xa")), DONE(0, 2, KEYED("reserve", "0xa") TYPE(1)));
}
END_TEST

START_TEST(late_return_does_not_bring_back_a_victim)
{
	/* 0's RESERVE was GOOD before it was preempted, though its answer came after. */
	SHOWS("registered 0 a 3-8; registered 1 b 5-", NEXUS(0), NEXUS(1),
	      DONE(0, 1, REGISTER("0x0", "0xa")), DONE(1, 2, REGISTER("0x0", "0xb")),
	      INVOKE(0, 3, KEYED("reserve", "0xa") TYPE(1)),
	      INVOKE(1, 4, PREEMPT("0xb", "0xa") TYPE(1)), RETURN(1, 4, GOOD), RETURN(0, 3, GOOD));
}
END_TEST

START_TEST(read_full_status_puts_registrations_right)
{
	SHOWS("registered 0 a 3-5; registered 1 b 5-", NEXUS(0), NEXUS(1),
	      DONE(0, 1, REGISTER("0x0", "0xa")), INVOKE(1, 2, "\"op\":\"read_full_status\""),
	      RETURN(1, 2, GOOD ",\"key_count\":1,\"keys\":[\"0xb\"],\"key_nexuses\":[1]"));
}
END_TEST

START_TEST(read_keys_ends_a_registration_that_is_not_there)
{
	SHOWS("registered 0 a 3-7; registered 1 b 5-", NEXUS(0), NEXUS(1),
	      DONE(0, 1, REGISTER("0x0", "0xa")), DONE(1, 2, REGISTER("0x0", "0xb")),
	      INVOKE(1, 3, "\"op\":\"read_keys\""),
	      RETURN(1, 3, GOOD ",\"key_count\":1,\"keys\":[\"0xb\"]"));
}
END_TEST

START_TEST(read_reservation_puts_the_holder_right)
{
	SHOWS("registered 0 a 3-; registered 1 b 5-; holds 0 type 1 7-9; holds 1 type 3 9-11",
	      HELD(1), INVOKE(1, 4, "\"op\":\"read_reservation\""),
	      RETURN(1, 4, GOOD ",\"holder_key\":\"0xb\",\"holder_type\":3"),
	      INVOKE(1, 5, "\"op\":\"read_reservation\""), RETURN(1, 5, GOOD));
}
END_TEST

START_TEST(answer_to_a_question_that_ran_beside_a_change_tells_nothing)
{
	SHOWS("registered 0 a 3-", NEXUS(0), INVOKE(0, 2, "\"op\":\"read_keys\""),
	      DONE(0, 1, REGISTER("0x0", "0xa")), RETURN(0, 2, GOOD));
}
END_TEST

START_TEST(answer_while_a_change_is_under_way_tells_nothing)
{
	SHOWS("registered 0 a 2-6", NEXUS(0), DONE(0, 1, REGISTER("0x0", "0xa")),
	      INVOKE(0, 2, REGISTER("0xa", "0x0")), DONE(0, 3, "\"op\":\"read_keys\""),
	      RETURN(0, 2, GOOD));
}
END_TEST

START_TEST(luns_are_apart)
{
	SHOWS("registered 0 a 2-; registered 0 b lun 1 4-", NEXUS(0),
	      DONE(0, 1, REGISTER("0x0", "0xa")), DONE(0, 2, REGISTER("0x0", "0xb") ",\"lun\":1"));
}
END_TEST

START_TEST(unanswered_command_ends_with_its_session)
{
	struct history *history = history_of(
		"spc4", LINES(NEXUS(0), NEXUS(1), INVOKE(0, 1, "\"op\":\"test_unit_ready\""),
			      INVOKE(1, 2, "\"op\":\"test_unit_ready\""), EVENT("lost", 0),
			      EVENT("login", 0)));
	struct timeline *t = NULL;

	ck_assert_int_eq(timeline_build(history, &t), 0);
	ck_assert_uint_eq(t->command_count, 2);
	ck_assert_uint_eq(t->commands[0].to_ns, 4);
	ck_assert_uint_eq(t->commands[1].to_ns, 5);
	ck_assert_uint_eq(t->commands[1].returned, TIMELINE_NO_EVENT);
	timeline_free(&t);
	history_free(&history);
}
END_TEST

START_TEST(answer_unknown_is_no_later_than_the_end_of_the_session)
{
	struct history *history =
		history_of("spc4", LINES(NEXUS(0), INVOKE(0, 1, "\"op\":\"test_unit_ready\""),
					 "\"kind\":\"crash\"", "\"kind\":\"up\"",
					 RETURN(0, 1, "\"outcome\":\"unknown\"")));
	struct timeline *t = NULL;

	ck_assert_int_eq(timeline_build(history, &t), 0);
	ck_assert_uint_eq(t->commands[0].returned, 4);
	ck_assert_uint_eq(t->commands[0].to_ns, 2);
	timeline_free(&t);
	history_free(&history);
}
END_TEST

START_TEST(history_without_events_has_an_empty_timeline)
{
	SHOWS("", NEXUS(0));
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, registration_lasts_from_its_return_to_its_end);
	tcase_add_test(tcase, reservation_shows_holder_and_type_until_release);
	tcase_add_test(tcase, reservation_goes_with_its_holder);
	tcase_add_test(tcase, all_registrants_hold_together_until_the_last_is_gone);
	tcase_add_test(tcase, clear_ends_everything);
	tcase_add_test(tcase, preempt_of_the_holder_hands_over);
	tcase_add_test(tcase, preempt_of_another_leaves_the_reservation);
	tcase_add_test(tcase, preempt_names_command_and_victim);
	tcase_add_test(tcase, own_key_preempted_goes_in_spc4_and_stays_in_dlt_s4);
	tcase_add_test(tcase, move_takes_registration_and_reservation_along);
	tcase_add_test(tcase, all_tg_pt_registers_every_port_of_the_initiator_port);
	tcase_add_test(tcase, crash_ends_what_was_without_aptpl);
	tcase_add_test(tcase, aptpl_of_the_last_register_keeps_all_over_a_crash);
	tcase_add_test(tcase, outage_lasts_until_the_target_is_up);
	tcase_add_test(tcase, session_lasts_from_login_to_logout_loss_or_crash);
	tcase_add_test(tcase, spc2_reservation_goes_with_its_session_and_by_reset);
	tcase_add_test(tcase, unanswered_register_is_learnt_from_what_worked_after_it);
	tcase_add_test(tcase, late_return_does_not_bring_back_a_victim);
	tcase_add_test(tcase, read_full_status_puts_registrations_right);
	tcase_add_test(tcase, read_keys_ends_a_registration_that_is_not_there);
	tcase_add_test(tcase, read_reservation_puts_the_holder_right);
	tcase_add_test(tcase, answer_to_a_question_that_ran_beside_a_change_tells_nothing);
	tcase_add_test(tcase, answer_while_a_change_is_under_way_tells_nothing);
	tcase_add_test(tcase, luns_are_apart);
	tcase_add_test(tcase, unanswered_command_ends_with_its_session);
	tcase_add_test(tcase, answer_unknown_is_no_later_than_the_end_of_the_session);
	tcase_add_test(tcase, history_without_events_has_an_empty_timeline);
}

int main(void)
{
	return suite_run("timeline", fill);
}
