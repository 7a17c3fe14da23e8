/*
 * Negotiation (RFC 7143 6.2): every key of the table through every function that the standard has.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "transport/login.h"
#include "transport/negotiate.h"

/* One negotiation and the answer to the last text. */
static struct iscsi_negotiation negotiation;
static struct iscsi_policy policy;
static struct iscsi_params params;
static struct iscsi_text answer;

static void setup(void)
{
	iscsi_policy_defaults(&policy);
	iscsi_params_defaults(&params);
	iscsi_negotiation_init(&negotiation, &policy, &params);
	iscsi_text_init(&answer, 65536);
}

static void teardown(void)
{
	iscsi_negotiation_finish(&negotiation);
	iscsi_text_free(&answer);
}

static void restart(void)
{
	struct iscsi_policy keep = policy;

	teardown();
	setup();
	policy = keep;
}

static uint16_t say_bytes(enum iscsi_stage stage, const void *text, size_t len)
{
	answer.len = 0;
	uint16_t status = iscsi_negotiation_read(&negotiation, stage, text, len);
	if (status == ISCSI_LOGIN_SUCCESS)
		status = iscsi_negotiation_settle(&negotiation);
	if (status == ISCSI_LOGIN_SUCCESS)
		status = iscsi_negotiation_answer(&negotiation, text, len, &answer);
	return status;
}
#define SAY(literal) say_bytes(ISCSI_STAGE_OPERATIONAL, literal, sizeof(literal))

static uint16_t say_pair(enum iscsi_stage stage, const char *key, const char *value)
{
	char text[512];
	int len = snprintf(text, sizeof(text), "%s=%s", key, value);

	return say_bytes(stage, text, (size_t)len + 1);
}

static const char *answer_to(const char *key)
{
	struct iscsi_text_reader reader;
	static char name[ISCSI_KEY_MAX + 1];
	const char *value;
	bool bad = false;

	iscsi_text_reader_init(&reader, answer.data, answer.len);
	while (iscsi_text_next(&reader, name, &value, &bad))
		if (strcmp(name, key) == 0)
			return value;
	return "(none)";
}
#define ANSWER_IS(key, value) ck_assert_str_eq(answer_to(key), (value))

static const struct iscsi_key *row(int id)
{
	return iscsi_key_row((enum iscsi_key_id)id);
}

static bool is_offer(const struct iscsi_key *key)
{
	return key->function == ISCSI_FUNCTION_MIN || key->function == ISCSI_FUNCTION_MAX ||
	       key->function == ISCSI_FUNCTION_AND || key->function == ISCSI_FUNCTION_OR ||
	       key->function == ISCSI_FUNCTION_CHOOSE;
}

/* A value that the key's own rules allow. */
static const char *legal_value(const struct iscsi_key *key)
{
	static char number[16];

	if (key->type == ISCSI_TYPE_NUMBER) {
		snprintf(number, sizeof(number), "%u", key->default_value);
		return number;
	}
	if (key->type == ISCSI_TYPE_BOOLEAN)
		return "Yes";
	if (key->type == ISCSI_TYPE_NAME)
		return "iqn.2001-04.com.example:x";
	return key->choices[0] ? key->choices[0] : "None";
}

/* --- walks over the whole table --------------------------------------------------------------- */

/* Whoever may not say a key, or not in this stage, gets 0200; all else is success. */
START_TEST(a_key_is_taken_in_its_stages_alone)
{
	static const enum iscsi_stage stages[] = {ISCSI_STAGE_SECURITY, ISCSI_STAGE_OPERATIONAL,
						  ISCSI_STAGE_FULL_FEATURE};
	const struct iscsi_key *key = row(_i);

	for (size_t i = 0; i < 3; i++) {
		bool allowed = (key->sender & ISCSI_FROM_INITIATOR) &&
			       iscsi_key_in_stage(key, stages[i]) &&
			       key->function != ISCSI_FUNCTION_SEND_TARGETS;
		restart();
		uint16_t status = say_pair(stages[i], key->name, legal_value(key));
		ck_assert_msg(status ==
				      (allowed ? ISCSI_LOGIN_SUCCESS : ISCSI_LOGIN_INITIATOR_ERROR),
			      "%s in stage %d: %04x", key->name, stages[i], status);
	}
}
END_TEST

START_TEST(an_offer_is_answered_and_a_declaration_is_not)
{
	const struct iscsi_key *key = row(_i);

	if (key->stage != ISCSI_KEY_STAGE_OPERATIONAL || !(key->sender & ISCSI_FROM_INITIATOR))
		return;
	ck_assert_uint_eq(say_pair(ISCSI_STAGE_OPERATIONAL, key->name, legal_value(key)), 0);
	ck_assert_msg((answer.len == 0) == (key->function == ISCSI_FUNCTION_DECLARE), "%s",
		      key->name);
	/* Never NotUnderstood for a key of RFC 7143 or its predecessor. */
	ck_assert_str_ne(answer_to(key->name), "NotUnderstood");
}
END_TEST

/* Lowest, highest, just outside, and hex; MIN, MAX and declarations alike. */
START_TEST(numbers_keep_to_their_range)
{
	const struct iscsi_key *key = row(_i);
	uint64_t offers[4];
	char text[32], want[32];

	if (key->type != ISCSI_TYPE_NUMBER || !(key->sender & ISCSI_FROM_INITIATOR))
		return;
	offers[0] = key->min;
	offers[1] = key->max;
	offers[2] = key->max + 1ull;
	offers[3] = key->min > 0 ? key->min - 1ull : UINT64_MAX;
	for (size_t i = 0; i < 4; i++) {
		bool inside = i < 2;
		bool declared = key->function == ISCSI_FUNCTION_DECLARE;
		for (int hex = 0; hex < 2; hex++) {
			restart();
			snprintf(text, sizeof(text), hex ? "0x%llx" : "%llu",
				 (unsigned long long)offers[i]);
			uint16_t status = say_pair(ISCSI_STAGE_OPERATIONAL, key->name, text);
			uint32_t ours = iscsi_key_ours(key, &policy);
			uint32_t offer = (uint32_t)offers[i], result = 0;
			iscsi_key_get(key, &params, &result);
			if (declared) {
				ck_assert_uint_eq(status, inside ? 0 : ISCSI_LOGIN_INITIATOR_ERROR);
				ck_assert_uint_eq(result, inside ? offer : key->default_value);
				continue;
			}
			ck_assert_uint_eq(status, 0);
			if (!inside) {
				ANSWER_IS(key->name, "Reject");
				ck_assert_uint_eq(result, key->default_value);
				continue;
			}
			uint32_t expected = key->function == ISCSI_FUNCTION_MAX
						    ? (offer > ours ? offer : ours)
						    : (offer < ours ? offer : ours);
			/* The policy may allow a first burst longer than the default burst. */
			ck_assert_msg(result == expected, "%s=%s: %u", key->name, text, result);
			snprintf(want, sizeof(want), "%u", result);
			ANSWER_IS(key->name, want);
		}
	}
}
END_TEST

START_TEST(booleans_follow_their_function)
{
	const struct iscsi_key *key = row(_i);

	if (key->type != ISCSI_TYPE_BOOLEAN || !is_offer(key))
		return;
	for (unsigned offer = 0; offer < 2; offer++) {
		for (unsigned wish = 0; wish < 2; wish++) {
			restart();
			policy.initial_r2t = policy.immediate_data = wish;
			bool ours = iscsi_key_ours(key, &policy);
			bool want =
				key->function == ISCSI_FUNCTION_AND ? offer && ours : offer || ours;
			uint32_t result = 2;
			ck_assert_uint_eq(
				say_pair(ISCSI_STAGE_OPERATIONAL, key->name, offer ? "Yes" : "No"),
				0);
			ANSWER_IS(key->name, want ? "Yes" : "No");
			iscsi_key_get(key, &params, &result);
			ck_assert_uint_eq(result, want);
		}
	}
}
END_TEST

START_TEST(values_of_the_wrong_form_are_errors)
{
	static const char *const numbers[] = {"",    "x",  "-1", "Yes",
					      "1~2", "01", "0x", "18446744073709551616"};
	static const char *const booleans[] = {"", "yes", "NO", "1", "Yes,No", "Yes "};
	const struct iscsi_key *key = row(_i);
	bool number = key->type == ISCSI_TYPE_NUMBER;
	size_t count = number ? 8 : 6;

	if ((!number && key->type != ISCSI_TYPE_BOOLEAN) || !(key->sender & ISCSI_FROM_INITIATOR))
		return;
	for (size_t i = 0; i < count; i++) {
		restart();
		ck_assert_msg(say_pair(ISCSI_STAGE_OPERATIONAL, key->name,
				       number ? numbers[i] : booleans[i]) ==
				      ISCSI_LOGIN_INITIATOR_ERROR,
			      "%s", key->name);
	}
}
END_TEST

START_TEST(reserved_words_are_not_proposed)
{
	static const char *const words[] = {"Reject", "Irrelevant", "NotUnderstood"};
	const struct iscsi_key *key = row(_i);

	if (!is_offer(key))
		return;
	for (size_t i = 0; i < 3; i++) {
		restart();
		ck_assert_uint_eq(say_pair(ISCSI_STAGE_OPERATIONAL, key->name, words[i]),
				  ISCSI_LOGIN_INITIATOR_ERROR);
	}
}
END_TEST

START_TEST(a_repeat_is_let_pass_if_it_is_identical_and_nobody_is_strict)
{
	const struct iscsi_key *key = row(_i);
	enum iscsi_stage stage = ISCSI_STAGE_OPERATIONAL;
	const char *value = legal_value(key);
	const char *other = key->type == ISCSI_TYPE_NUMBER    ? "0x200"
			    : key->type == ISCSI_TYPE_BOOLEAN ? "No"
							      : "iqn.2001-04.com.example:y";

	if (!iscsi_key_in_stage(key, stage) || !(key->sender & ISCSI_FROM_INITIATOR) ||
	    key->function == ISCSI_FUNCTION_NOT_UNDERSTOOD)
		return;
	for (int strict = 0; strict < 2; strict++) {
		restart();
		policy.strict = strict;
		ck_assert_uint_eq(say_pair(stage, key->name, value), 0);
		ck_assert_uint_eq(say_pair(stage, key->name, value),
				  strict ? ISCSI_LOGIN_INITIATOR_ERROR : 0);
	}
	restart();
	policy.strict = false;
	ck_assert_uint_eq(say_pair(stage, key->name, value), 0);
	ck_assert_uint_eq(say_pair(stage, key->name, other), ISCSI_LOGIN_INITIATOR_ERROR);
}
END_TEST

/* The same answer again, as an initiator that asks again expects one. */
START_TEST(a_repeated_offer_is_answered_again)
{
	const struct iscsi_key *key = row(_i);
	char first[64];

	if (!is_offer(key))
		return;
	ck_assert_uint_eq(say_pair(ISCSI_STAGE_OPERATIONAL, key->name, legal_value(key)), 0);
	snprintf(first, sizeof(first), "%s", answer_to(key->name));
	ck_assert_uint_eq(say_pair(ISCSI_STAGE_OPERATIONAL, key->name, legal_value(key)), 0);
	ANSWER_IS(key->name, first);
}
END_TEST

START_TEST(discovery_answers_irrelevant_where_the_table_says)
{
	const struct iscsi_key *key = row(_i);
	struct iscsi_params before = params;

	if (!is_offer(key))
		return;
	negotiation.discovery = true;
	ck_assert_uint_eq(say_pair(ISCSI_STAGE_OPERATIONAL, key->name, legal_value(key)), 0);
	ck_assert_msg((strcmp(answer_to(key->name), "Irrelevant") == 0) ==
			      (key->discovery == ISCSI_DISCOVERY_IRRELEVANT),
		      "%s", key->name);
	if (key->discovery == ISCSI_DISCOVERY_IRRELEVANT)
		ck_assert_mem_eq(&before, &params, sizeof(params));
}
END_TEST

START_TEST(a_further_connection_changes_nothing_of_its_session)
{
	const struct iscsi_key *key = row(_i);
	struct iscsi_params before = params;

	if (!is_offer(key) || key->use != ISCSI_USE_LEADING_ONLY)
		return;
	negotiation.leading = false;
	ck_assert_uint_eq(say_pair(ISCSI_STAGE_OPERATIONAL, key->name, legal_value(key)), 0);
	ANSWER_IS(key->name, "Reject");
	ck_assert_mem_eq(&before, &params, sizeof(params));
}
END_TEST

START_TEST(text_values_have_a_longest_length)
{
	const struct iscsi_key *key = row(_i);
	char value[400];

	if ((key->type != ISCSI_TYPE_TEXT && key->type != ISCSI_TYPE_LIST) ||
	    !(key->sender & ISCSI_FROM_INITIATOR) || key->max != 255 ||
	    !iscsi_key_in_stage(key, ISCSI_STAGE_OPERATIONAL))
		return;
	memset(value, 'v', sizeof(value));
	value[255] = '\0';
	ck_assert_uint_eq(say_pair(ISCSI_STAGE_OPERATIONAL, key->name, value), 0);
	restart();
	value[255] = 'v';
	value[256] = '\0';
	ck_assert_uint_eq(say_pair(ISCSI_STAGE_OPERATIONAL, key->name, value),
			  ISCSI_LOGIN_INITIATOR_ERROR);
}
END_TEST

/* --- lists ------------------------------------------------------------------------------------ */

static const struct {
	const char *offer, *answer;
	bool allowed;
} digests[] = {
	{"None", "None", true},
	{"CRC32C", "CRC32C", true},
	{"CRC32C,None", "CRC32C", true},
	{"None,CRC32C", "None", true}, /* the initiator's order counts */
	{"Y-com.example.x,CRC32C", "CRC32C", true},
	{"crc32c", "Reject", true},
	{"CRC32", "Reject", true},
	{"", "Reject", true},
	{",", "Reject", true},
	{"CRC32C,None", "None", false},
	{"CRC32C", "Reject", false},
};

START_TEST(the_first_supported_digest_of_the_list_is_chosen)
{
	policy.header_digest_crc32c = policy.data_digest_crc32c = digests[_i].allowed;
	say_pair(ISCSI_STAGE_OPERATIONAL, "HeaderDigest", digests[_i].offer);
	ANSWER_IS("HeaderDigest", digests[_i].answer);
	ck_assert_int_eq(params.header_digest, strcmp(digests[_i].answer, "CRC32C") == 0);
	ck_assert(!params.data_digest);
	say_pair(ISCSI_STAGE_OPERATIONAL, "DataDigest", digests[_i].offer);
	ANSWER_IS("DataDigest", digests[_i].answer);
	ck_assert_int_eq(params.data_digest, params.header_digest);
}
END_TEST

START_TEST(task_reporting_is_rfc3720)
{
	SAY("TaskReporting=FastAbort,ResponseFence,RFC3720");
	ANSWER_IS("TaskReporting", "RFC3720");
	restart();
	SAY("TaskReporting=FastAbort");
	ANSWER_IS("TaskReporting", "Reject");
}
END_TEST

/* --- what depends on each other -----------------------------------------------------------------
 */

START_TEST(all_four_ways_of_unsolicited_data)
{
	static const char *const words[] = {"No", "Yes"};
	bool r2t = _i & 1, immediate = _i & 2;
	char text[128];

	policy.initial_r2t = false;
	policy.immediate_data = true;
	int len = snprintf(text, sizeof(text),
			   "FirstBurstLength=4096%cInitialR2T=%s%cImmediateData=%s", 0, words[r2t],
			   0, words[immediate]);
	ck_assert_uint_eq(say_bytes(ISCSI_STAGE_OPERATIONAL, text, (size_t)len + 1), 0);
	ANSWER_IS("InitialR2T", words[r2t]);
	ANSWER_IS("ImmediateData", words[immediate]);
	/* Without any unsolicited data there is no first burst, wherever the key stands. */
	ANSWER_IS("FirstBurstLength", r2t && !immediate ? "Irrelevant" : "4096");
	ck_assert_int_eq(params.initial_r2t, r2t);
	ck_assert_int_eq(params.immediate_data, immediate);
}
END_TEST

START_TEST(the_first_burst_stays_within_the_burst)
{
	SAY("FirstBurstLength=65536\0MaxBurstLength=4096");
	ANSWER_IS("FirstBurstLength", "4096");
	ANSWER_IS("MaxBurstLength", "4096");
	ck_assert_uint_eq(iscsi_negotiation_conclude(&negotiation), 0);
}
END_TEST

START_TEST(a_first_burst_nobody_spoke_of_follows_the_burst)
{
	SAY("MaxBurstLength=4096");
	ck_assert_uint_eq(iscsi_negotiation_conclude(&negotiation), 0);
	ck_assert_uint_eq(params.first_burst_len, 4096);
}
END_TEST

START_TEST(a_burst_agreed_on_too_late_is_an_error)
{
	SAY("FirstBurstLength=65536");
	SAY("MaxBurstLength=4096");
	ck_assert_uint_eq(iscsi_negotiation_conclude(&negotiation), ISCSI_LOGIN_INITIATOR_ERROR);
}
END_TEST

/* ErrorRecoveryLevel > 0 with sequences in order allows one R2T alone. */
START_TEST(recovery_and_r2ts_agree)
{
	policy.error_recovery_level = 2;
	policy.max_outstanding_r2t = 8;
	SAY("MaxOutstandingR2T=4\0ErrorRecoveryLevel=1");
	ANSWER_IS("ErrorRecoveryLevel", "1");
	ANSWER_IS("MaxOutstandingR2T", "1");
	restart();
	SAY("MaxOutstandingR2T=4");
	ANSWER_IS("MaxOutstandingR2T", "4");
	SAY("ErrorRecoveryLevel=1");
	ANSWER_IS("ErrorRecoveryLevel", "0");
}
END_TEST

START_TEST(a_discovery_session_has_one_connection_and_no_recovery)
{
	policy.error_recovery_level = 2;
	policy.max_connections = 8;
	negotiation.discovery = true;
	SAY("MaxConnections=8\0ErrorRecoveryLevel=2");
	ANSWER_IS("MaxConnections", "Irrelevant");
	ANSWER_IS("ErrorRecoveryLevel", "0");
	ck_assert_uint_eq(iscsi_negotiation_conclude(&negotiation), 0);
	ck_assert_uint_eq(params.max_connections, 1);
	ck_assert_uint_eq(params.error_recovery_level, 0);
}
END_TEST

/* --- keys of others ------------------------------------------------------------------------------
 */

START_TEST(obsolete_markers_are_refused_politely)
{
	SAY("IFMarker=No\0OFMarker=Yes\0IFMarkInt=2048~8192\0OFMarkInt=65535");
	ANSWER_IS("IFMarker", "No");
	ANSWER_IS("OFMarker", "No");
	ANSWER_IS("IFMarkInt", "Reject");
	ANSWER_IS("OFMarkInt", "Reject");
}
END_TEST

START_TEST(unknown_keys_are_not_understood)
{
	ck_assert_uint_eq(SAY("X-com.example.a=b\0Zebra=1\0RDMAExtensions=Yes"), 0);
	ANSWER_IS("X-com.example.a", "NotUnderstood");
	ANSWER_IS("Zebra", "NotUnderstood");
	ANSWER_IS("RDMAExtensions", "NotUnderstood");
	ck_assert_uint_eq(say_pair(ISCSI_STAGE_SECURITY, "X-a", "b"), 0);
	ANSWER_IS("X-a", "NotUnderstood");
}
END_TEST

/* 256 long unknown keys ask for 20 KiB of answers: that is not negotiation. */
START_TEST(not_understood_answers_are_bounded)
{
	struct iscsi_text text;
	char key[64];

	iscsi_text_init(&text, 65536);
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "X-%060d", i);
		iscsi_text_add(&text, key, "");
	}
	ck_assert_uint_eq(say_bytes(ISCSI_STAGE_OPERATIONAL, text.data, text.len), 0);
	for (int i = 100; i < 250; i++) {
		snprintf(key, sizeof(key), "X-%060d", i);
		iscsi_text_add(&text, key, "");
	}
	ck_assert_uint_eq(say_bytes(ISCSI_STAGE_OPERATIONAL, text.data, text.len),
			  ISCSI_LOGIN_INITIATOR_ERROR);
	iscsi_text_free(&text);
}
END_TEST

START_TEST(a_key_is_answered_once_a_text)
{
	SAY("MaxBurstLength=4096\0MaxBurstLength=4096");
	ck_assert_uint_eq(answer.len, sizeof("MaxBurstLength=4096"));
}
END_TEST

START_TEST(answers_come_in_the_order_of_the_text)
{
	static const char want[] = "MaxConnections=1\0X-b=NotUnderstood\0HeaderDigest=None";

	SAY("MaxConnections=1\0X-b=1\0MaxRecvDataSegmentLength=512\0HeaderDigest=None");
	ck_assert_uint_eq(answer.len, sizeof(want));
	ck_assert_mem_eq(answer.data, want, sizeof(want));
	ck_assert_uint_eq(params.max_send_data_segment_len, 512);
}
END_TEST

START_TEST(a_malformed_text_is_an_error)
{
	ck_assert_uint_eq(SAY("MaxConnections=1\0Oops"), ISCSI_LOGIN_INITIATOR_ERROR);
}
END_TEST

/* --- full feature phase --------------------------------------------------------------------------
 */

#define FULL(literal) iscsi_negotiate_full_feature(&params, literal, sizeof(literal), &answer)

START_TEST(full_feature_phase_takes_a_new_segment_length)
{
	ck_assert(FULL("MaxRecvDataSegmentLength=0x10000\0InitiatorAlias=x\0X-z=1"));
	ck_assert_uint_eq(params.max_send_data_segment_len, 65536);
	ck_assert_str_eq(answer.data, "X-z=NotUnderstood");
	ck_assert_uint_eq(answer.len, sizeof("X-z=NotUnderstood"));
}
END_TEST

START_TEST(what_full_feature_phase_refuses_changes_nothing)
{
	struct iscsi_params before = params;

	iscsi_text_add(&answer, "TargetAlias", "kept");
	size_t len = answer.len;
	ck_assert(!FULL("X-z=1\0MaxRecvDataSegmentLength=4096\0MaxBurstLength=4096"));
	ck_assert(!FULL("MaxRecvDataSegmentLength=4096\0MaxRecvDataSegmentLength=4096"));
	ck_assert(!FULL("MaxRecvDataSegmentLength=4096\0MaxRecvDataSegmentLength=511"));
	ck_assert(!FULL("MaxRecvDataSegmentLength=511"));
	ck_assert(!FULL("MaxRecvDataSegmentLength=4096\0HeaderDigest=None"));
	ck_assert(!FULL("InitiatorName=iqn.2001-04.com.example:x"));
	ck_assert(!FULL("TargetAlias=mine"));
	ck_assert(!FULL("SendTargets="));
	ck_assert(!FULL("MaxRecvDataSegmentLength=4096\0Oops"));
	ck_assert_mem_eq(&before, &params, sizeof(params));
	ck_assert_uint_eq(answer.len, len);
	ck_assert(!answer.failed);
}
END_TEST

START_TEST(full_feature_answers_that_do_not_fit_change_nothing)
{
	iscsi_text_free(&answer);
	iscsi_text_init(&answer, 40);
	iscsi_text_add(&answer, "TargetAlias", "kept");
	size_t len = answer.len;
	ck_assert(!FULL("MaxRecvDataSegmentLength=4096\0X-a=1\0X-b=1"));
	ck_assert_uint_eq(params.max_send_data_segment_len, 8192);
	ck_assert_uint_eq(answer.len, len);
	ck_assert(!answer.failed);
}
END_TEST

static void fill(TCase *tcase)
{
	int first = ISCSI_KEY_UNKNOWN + 1, behind = ISCSI_KEY_COUNT;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_key_is_taken_in_its_stages_alone, first, behind);
	tcase_add_loop_test(tcase, an_offer_is_answered_and_a_declaration_is_not, first, behind);
	tcase_add_loop_test(tcase, numbers_keep_to_their_range, first, behind);
	tcase_add_loop_test(tcase, booleans_follow_their_function, first, behind);
	tcase_add_loop_test(tcase, values_of_the_wrong_form_are_errors, first, behind);
	tcase_add_loop_test(tcase, reserved_words_are_not_proposed, first, behind);
	tcase_add_loop_test(tcase, a_repeat_is_let_pass_if_it_is_identical_and_nobody_is_strict,
			    first, behind);
	tcase_add_loop_test(tcase, a_repeated_offer_is_answered_again, first, behind);
	tcase_add_loop_test(tcase, discovery_answers_irrelevant_where_the_table_says, first,
			    behind);
	tcase_add_loop_test(tcase, a_further_connection_changes_nothing_of_its_session, first,
			    behind);
	tcase_add_loop_test(tcase, text_values_have_a_longest_length, first, behind);
	tcase_add_loop_test(tcase, the_first_supported_digest_of_the_list_is_chosen, 0,
			    (int)(sizeof(digests) / sizeof(digests[0])));
	tcase_add_test(tcase, task_reporting_is_rfc3720);
	tcase_add_loop_test(tcase, all_four_ways_of_unsolicited_data, 0, 4);
	tcase_add_test(tcase, the_first_burst_stays_within_the_burst);
	tcase_add_test(tcase, a_first_burst_nobody_spoke_of_follows_the_burst);
	tcase_add_test(tcase, a_burst_agreed_on_too_late_is_an_error);
	tcase_add_test(tcase, recovery_and_r2ts_agree);
	tcase_add_test(tcase, a_discovery_session_has_one_connection_and_no_recovery);
	tcase_add_test(tcase, obsolete_markers_are_refused_politely);
	tcase_add_test(tcase, unknown_keys_are_not_understood);
	tcase_add_test(tcase, not_understood_answers_are_bounded);
	tcase_add_test(tcase, a_key_is_answered_once_a_text);
	tcase_add_test(tcase, answers_come_in_the_order_of_the_text);
	tcase_add_test(tcase, a_malformed_text_is_an_error);
	tcase_add_test(tcase, full_feature_phase_takes_a_new_segment_length);
	tcase_add_test(tcase, what_full_feature_phase_refuses_changes_nothing);
	tcase_add_test(tcase, full_feature_answers_that_do_not_fit_change_nothing);
}

int main(void)
{
	return suite_run("transport/negotiate", fill);
}
