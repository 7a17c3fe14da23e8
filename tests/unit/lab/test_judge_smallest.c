/*
 * The smallest impossible sub-history: on small histories of each rule, where it is known.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tools/lab/judge.h"

#define MOMENTS_MAX 12
#define LINE_MAX    400

/* A command with nothing beside it, or, without an answer, another event. */
struct moment {
	int nexus;
	const char *what, *answer;
	bool shown; /* in the smallest sub-history */
};

struct story {
	enum judge_rule rule;
	const char *why; /* somewhere in the sentences */
	struct moment moments[MOMENTS_MAX];
};

#define GOOD	      "\"outcome\":\"good\""
#define CONFLICT      "\"outcome\":\"conflict\""
#define UA(asc, ascq) "\"outcome\":\"check\",\"sense_key\":6,\"asc\":" #asc ",\"ascq\":" #ascq
#define REGISTER(old, new) \
	"\"op\":\"register\",\"key\":\"" old "\",\"action_key\":\"" new "\",\"aptpl\":true"
#define REGISTER_FOR_NOW(new) "\"op\":\"register\",\"action_key\":\"" new "\""
#define RESERVE(with, of)     "\"op\":\"reserve\",\"key\":\"" with "\",\"type\":" of
#define CLEAR(with)	      "\"op\":\"clear\",\"key\":\"" with "\""
#define PREEMPT(by, who, of) \
	"\"op\":\"preempt\",\"key\":\"" by "\",\"action_key\":\"" who "\",\"type\":" of
#define TUR		 "\"op\":\"test_unit_ready\""
#define SPC2_RESERVE	 "\"op\":\"spc2_reserve\""
#define READ_KEYS	 "\"op\":\"read_keys\""
#define READ_RESERVATION "\"op\":\"read_reservation\""
#define WRITE(lba, sequence) \
	"\"op\":\"write\",\"lba\":" #lba ",\"blocks\":1,\"sequence\":" #sequence
#define READ(lba)	       "\"op\":\"read\",\"lba\":" #lba ",\"blocks\":1"
#define HOLDS(nexus, sequence) GOOD ",\"tags\":[[" #nexus "," #sequence ",0]]"
#define HOLDS_NOTHING	       GOOD ",\"tags\":[null]"
#define TWO_REGISTERED                                 \
	{0, REGISTER("0x0", "0xa"), GOOD, false},      \
	{                                              \
		1, REGISTER("0x0", "0xb"), GOOD, false \
	}
#define NEW_SESSIONS                                         \
	{-1, "crash", NULL, false}, {-1, "up", NULL, false}, \
	{                                                    \
		2, "login", NULL, false                      \
	}

static const struct story stories[] = {
	{JUDGE_FENCED_WRITE_ACKNOWLEDGED,
	 "nexus 0 was removed by nexus 1's preempt",
	 {TWO_REGISTERED,
	  {0, RESERVE("0xa", "6"), GOOD, true},
	  {1, PREEMPT("0xb", "0xa", "6"), GOOD, true},
	  {0, TUR, UA(42, 5), false},
	  {0, WRITE(1, 1), GOOD, true}}},
	{JUDGE_UNIT_ATTENTION_LOST,
	 "where a unit attention was due",
	 {TWO_REGISTERED,
	  {0, RESERVE("0xa", "6"), GOOD, false},
	  {1, PREEMPT("0xb", "0xa", "6"), GOOD, true},
	  {0, TUR, GOOD, true}}},
	/* Who is kept out was removed, and has to be told that first. */
	{JUDGE_UNIT_ATTENTION_LOST,
	 "where a unit attention was due",
	 {TWO_REGISTERED,
	  {0, RESERVE("0xa", "6"), GOOD, false},
	  {1, PREEMPT("0xb", "0xa", "6"), GOOD, false},
	  {0, WRITE(1, 1), CONFLICT, true}}},
	{JUDGE_UNIT_ATTENTION_TWICE,
	 "nexus 0 was told REGISTRATIONS PREEMPTED",
	 {TWO_REGISTERED,
	  {0, RESERVE("0xa", "6"), GOOD, false},
	  {1, PREEMPT("0xb", "0xa", "6"), GOOD, false},
	  {0, TUR, UA(42, 5), true},
	  {0, TUR, UA(42, 5), true}}},
	{JUDGE_UNIT_ATTENTION_WRONG,
	 "nexus 1's test_unit_ready",
	 {TWO_REGISTERED, {0, RESERVE("0xa", "6"), GOOD, false}, {1, TUR, UA(42, 3), true}}},
	{JUDGE_WRITE_BY_STRANGER,
	 "nexus 0 held a reservation",
	 {TWO_REGISTERED, {0, RESERVE("0xa", "6"), GOOD, true}, {2, WRITE(3, 1), GOOD, true}}},
	{JUDGE_READ_BY_STRANGER,
	 "where conflict was due",
	 {TWO_REGISTERED, {0, RESERVE("0xa", "3"), GOOD, true}, {2, READ(3), HOLDS_NOTHING, true}}},
	/* Whoever the holder may be, one that is registered may write. */
	{JUDGE_NEEDLESS_CONFLICT,
	 "nexus 1 was registered with 0xb",
	 {{0, REGISTER("0x0", "0xa"), GOOD, false},
	  {1, REGISTER("0x0", "0xb"), GOOD, true},
	  {0, RESERVE("0xa", "6"), GOOD, false},
	  {1, WRITE(3, 1), CONFLICT, true}}},
	/* Nobody had that key, ever. */
	{JUDGE_PR_OUT_ADMITTED,
	 "preempt 0xdead",
	 {TWO_REGISTERED, {1, PREEMPT("0xb", "0xdead", "6"), GOOD, true}}},
	/* No more than two commands can have been counted. */
	{JUDGE_GENERATION,
	 "generation 3",
	 {TWO_REGISTERED,
	  {1, READ_KEYS, GOOD ",\"generation\":3,\"key_count\":2,\"keys\":[\"0xa\",\"0xb\"]",
	   true}}},
	{JUDGE_GENERATION,
	 "nexus 1 was registered with 0xb",
	 {{0, REGISTER("0x0", "0xa"), GOOD, true},
	  {1, REGISTER("0x0", "0xb"), GOOD, true},
	  {2, READ_RESERVATION, GOOD ",\"generation\":1", true}}},
	/* Both commands have been counted, so both took effect. */
	{JUDGE_KEYS,
	 "generation 2, 1 key",
	 {TWO_REGISTERED,
	  {2, READ_KEYS, GOOD ",\"generation\":2,\"key_count\":1,\"keys\":[\"0xa\"]", true}}},
	{JUDGE_KEYS,
	 "generation 2, 1 key",
	 {{0, REGISTER("0x0", "0xa"), GOOD, false},
	  {0, CLEAR("0xa"), GOOD, false},
	  {0, READ_KEYS, GOOD ",\"generation\":2,\"key_count\":1,\"keys\":[\"0xa\"]", true}}},
	{JUDGE_HOLDER,
	 "nexus 0 held a reservation",
	 {TWO_REGISTERED,
	  {0, RESERVE("0xa", "6"), GOOD, true},
	  {1, READ_RESERVATION, GOOD ",\"generation\":2", true}}},
	{JUDGE_LOST_BY_CRASH,
	 "nexus 1 was registered with 0xb",
	 {{0, REGISTER("0x0", "0xa"), GOOD, false},
	  {1, REGISTER("0x0", "0xb"), GOOD, true},
	  NEW_SESSIONS,
	  {2, READ_KEYS, GOOD ",\"key_count\":1,\"keys\":[\"0xa\"]", true}}},
	{JUDGE_KEPT_OVER_CRASH,
	 "1 key: 0xa",
	 {{0, REGISTER_FOR_NOW("0xa"), GOOD, false},
	  NEW_SESSIONS,
	  {2, READ_KEYS, GOOD ",\"key_count\":1,\"keys\":[\"0xa\"]", true}}},
	{JUDGE_SPC2_RESERVATION,
	 "nexus 0 had the unit for itself",
	 {{0, SPC2_RESERVE, GOOD, true}, {1, READ(1), HOLDS_NOTHING, true}}},
	{JUDGE_STALE_READ,
	 "write 1 block at 1 #2",
	 {{0, WRITE(1, 1), GOOD, true},
	  {0, WRITE(1, 2), GOOD, true},
	  {1, READ(1), HOLDS(0, 1), true}}},
	{JUDGE_FENCED_WRITE_ON_MEDIUM,
	 "write 1 block at 1 #1 was answered conflict",
	 {TWO_REGISTERED,
	  {0, RESERVE("0xa", "6"), GOOD, false},
	  {2, WRITE(1, 1), CONFLICT, true},
	  {1, READ(1), HOLDS(2, 1), true}}},
};

static void write_moment(FILE *out, const struct moment *m, unsigned long *at)
{
	if (!m->answer && m->nexus < 0)
		fprintf(out, "{\"at_ns\":%lu,\"kind\":\"%s\"}\n", ++*at, m->what);
	else if (!m->answer)
		fprintf(out, "{\"at_ns\":%lu,\"kind\":\"%s\",\"nexus\":%d}\n", ++*at, m->what,
			m->nexus);
	else
		fprintf(out,
			"{\"at_ns\":%lu,\"kind\":\"invoke\",\"nexus\":%d,\"command\":%lu,%s}\n"
			"{\"at_ns\":%lu,\"kind\":\"return\",\"nexus\":%d,\"command\":%lu,%s}\n",
			*at + 1, m->nexus, *at, m->what, *at + 2, m->nexus, *at, m->answer);
	*at += 2;
}

static struct history *written(const struct story *story)
{
	struct history *history = NULL;
	struct history_error error;
	unsigned long at = 10;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len), *in;

	fputs("{\"holdfast_history\":1,\"profile\":\"spc4\",\"block_size\":512,"
	      "\"aptpl_claimed\":true}\n",
	      out);
	for (unsigned i = 0; i < 3; i++)
		fprintf(out,
			"{\"at_ns\":0,\"kind\":\"nexus\",\"number\":%u,\"name\":\"iqn.t:%u\"}\n"
			"{\"at_ns\":0,\"kind\":\"login\",\"nexus\":%u}\n",
			i, i, i);
	for (size_t i = 0; i < MOMENTS_MAX && story->moments[i].what; i++)
		write_moment(out, &story->moments[i], &at);
	fclose(out);
	in = fmemopen(text, len, "r");
	ck_assert_msg(history_read(in, &history, &error) == 0, "line %zu: %s", error.line,
		      error.text);
	fclose(in);
	free(text);
	return history;
}

/* The INVOKE of this moment. */
static bool is_shown(const struct history *history, const struct judge_violation *v, size_t moment)
{
	size_t invoke = 0;

	for (size_t at = 0; at <= moment; invoke++)
		if (history->events[invoke].kind != HISTORY_NEXUS &&
		    history->events[invoke].kind != HISTORY_RETURN &&
		    history->events[invoke].at_ns > 0)
			at++;
	invoke--;
	for (size_t i = 0; i < v->event_count; i++)
		if (v->events[i] == invoke)
			return true;
	return false;
}

START_TEST(the_smallest_sub_history_is_shown_and_told)
{
	const struct story *story = &stories[_i];
	struct history *history = written(story);
	struct judge_options options = {.states_max = 0};
	struct judge_report *report = NULL;

	ck_assert_int_eq(judge(history, &options, &report), 0);
	ck_assert_uint_ge(report->violation_count, 1);
	const struct judge_violation *v = &report->violations[0];
	ck_assert_str_eq(judge_rule_name(v->rule), judge_rule_name(story->rule));
	ck_assert_int_eq(v->proof, JUDGE_PROOF_SMALLEST);
	for (size_t i = 0; i < MOMENTS_MAX && story->moments[i].what; i++)
		if (story->moments[i].answer)
			ck_assert_msg(is_shown(history, v, i) == story->moments[i].shown,
				      "command %zu, %s; %s", i + 1, story->moments[i].what, v->why);
	ck_assert_msg(strstr(v->why, story->why) != NULL, "%s", v->why);
	judge_report_free(&report);
	history_free(&history);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_loop_test(tcase, the_smallest_sub_history_is_shown_and_told, 0,
			    sizeof(stories) / sizeof(stories[0]));
}

int main(void)
{
	return suite_run("lab/judge_smallest", fill);
}
