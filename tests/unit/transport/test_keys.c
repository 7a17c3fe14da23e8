/*
 * The key table itself (RFC 7143 13): whole, consistent, and with the standard's numbers.
 */
#include <string.h>

#include "tests/support/suite.h"
#include "transport/keys.h"

START_TEST(each_row_is_complete)
{
	for (unsigned id = 0; id < ISCSI_KEY_COUNT; id++) {
		const struct iscsi_key *key = iscsi_key_row((enum iscsi_key_id)id);
		ck_assert_msg(key->name != NULL, "key %u has no row", id);
		ck_assert_msg(key->use != ISCSI_USE_INVALID, "%s: use", key->name);
		ck_assert_msg(key->sender != ISCSI_FROM_NOBODY, "%s: sender", key->name);
		ck_assert_msg(key->type != ISCSI_TYPE_INVALID, "%s: type", key->name);
		ck_assert_msg(key->function != ISCSI_FUNCTION_INVALID, "%s: function", key->name);
		ck_assert_msg(key->scope != ISCSI_SCOPE_INVALID, "%s: scope", key->name);
		ck_assert_msg(key->discovery != ISCSI_DISCOVERY_INVALID, "%s: discovery",
			      key->name);
		ck_assert_msg(key->max > 0, "%s: range", key->name);
		ck_assert_msg(key->min <= key->max, "%s: range", key->name);
	}
}
END_TEST

START_TEST(defaults_are_legal_values)
{
	for (unsigned id = 0; id < ISCSI_KEY_COUNT; id++) {
		const struct iscsi_key *key = iscsi_key_row((enum iscsi_key_id)id);
		if (key->param_place == 0)
			continue;
		ck_assert_msg(key->default_value >= key->min && key->default_value <= key->max,
			      "%s", key->name);
	}
}
END_TEST

START_TEST(the_function_fits_the_type)
{
	for (unsigned id = 0; id < ISCSI_KEY_COUNT; id++) {
		const struct iscsi_key *key = iscsi_key_row((enum iscsi_key_id)id);
		if (key->function == ISCSI_FUNCTION_MIN || key->function == ISCSI_FUNCTION_MAX)
			ck_assert_msg(key->type == ISCSI_TYPE_NUMBER, "%s", key->name);
		if (key->function == ISCSI_FUNCTION_AND || key->function == ISCSI_FUNCTION_OR)
			ck_assert_msg(key->type == ISCSI_TYPE_BOOLEAN, "%s", key->name);
		if (key->function == ISCSI_FUNCTION_CHOOSE)
			ck_assert_msg(key->type == ISCSI_TYPE_LIST && key->choices[0], "%s",
				      key->name);
	}
}
END_TEST

/* What can be said in full feature phase alone has no stage of the login, all else has one. */
START_TEST(use_and_stage_agree)
{
	for (unsigned id = 0; id < ISCSI_KEY_COUNT; id++) {
		const struct iscsi_key *key = iscsi_key_row((enum iscsi_key_id)id);
		bool login = key->use != ISCSI_USE_FULL_FEATURE_ONLY;
		bool full = key->use == ISCSI_USE_ALL || !login;
		ck_assert_int_eq(login, key->stage != ISCSI_KEY_STAGE_NONE);
		ck_assert_int_eq(full, iscsi_key_in_stage(key, ISCSI_STAGE_FULL_FEATURE));
	}
}
END_TEST

START_TEST(names_are_unique_and_found_in_their_exact_case)
{
	for (unsigned id = ISCSI_KEY_UNKNOWN + 1; id < ISCSI_KEY_COUNT; id++)
		ck_assert_uint_eq(iscsi_key_find(iscsi_key_row((enum iscsi_key_id)id)->name), id);
	ck_assert_int_eq(iscsi_key_find("initiatorname"), ISCSI_KEY_UNKNOWN);
	ck_assert_int_eq(iscsi_key_find(""), ISCSI_KEY_UNKNOWN);
	ck_assert_int_eq(iscsi_key_find("X-com.example.thing"), ISCSI_KEY_UNKNOWN);
}
END_TEST

/* Only these may stand in the security stage (RFC 7143 12): all else there is an error. */
START_TEST(the_security_stage_has_its_keys_alone)
{
	static const char *const allowed[] = {
		"SessionType",
		"InitiatorName",
		"TargetName",
		"TargetAddress",
		"InitiatorAlias",
		"TargetAlias",
		"TargetPortalGroupTag",
		"AuthMethod",
		"CHAP_A",
		"CHAP_I",
		"CHAP_C",
		"CHAP_N",
		"CHAP_R",
	};
	unsigned found = 0;

	for (unsigned id = ISCSI_KEY_UNKNOWN + 1; id < ISCSI_KEY_COUNT; id++) {
		const struct iscsi_key *key = iscsi_key_row((enum iscsi_key_id)id);
		bool is_allowed = key->function == ISCSI_FUNCTION_NOT_UNDERSTOOD;
		for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
			if (strcmp(allowed[i], key->name) == 0) {
				is_allowed = true;
				found++;
			}
		ck_assert_msg(iscsi_key_in_stage(key, ISCSI_STAGE_SECURITY) == is_allowed, "%s",
			      key->name);
	}
	ck_assert_uint_eq(found, sizeof(allowed) / sizeof(allowed[0]));
}
END_TEST

/* RFC 7143 13, written down a second time. */
START_TEST(defaults_and_ranges_are_the_standards)
{
	static const struct {
		const char *name;
		uint32_t min, max, value;
	} want[] = {
		{"MaxConnections", 1, 65535, 1},
		{"MaxRecvDataSegmentLength", 512, 16777215, 8192},
		{"MaxBurstLength", 512, 16777215, 262144},
		{"FirstBurstLength", 512, 16777215, 65536},
		{"DefaultTime2Wait", 0, 3600, 2},
		{"DefaultTime2Retain", 0, 3600, 20},
		{"MaxOutstandingR2T", 1, 65535, 1},
		{"ErrorRecoveryLevel", 0, 2, 0},
		{"iSCSIProtocolLevel", 0, 31, 1},
		{"InitialR2T", 0, 1, 1},
		{"ImmediateData", 0, 1, 1},
		{"DataPDUInOrder", 0, 1, 1},
		{"DataSequenceInOrder", 0, 1, 1},
	};
	struct iscsi_params params;

	iscsi_params_defaults(&params);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		const struct iscsi_key *key = iscsi_key_row(iscsi_key_find(want[i].name));
		uint32_t value = UINT32_MAX;
		ck_assert_str_eq(key->name, want[i].name);
		ck_assert_uint_eq(key->min, want[i].min);
		ck_assert_uint_eq(key->max, want[i].max);
		ck_assert(iscsi_key_get(key, &params, &value));
		ck_assert_msg(value == want[i].value, "%s: %u", key->name, value);
	}
	ck_assert_uint_eq(params.max_recv_data_segment_len, 8192);
	ck_assert(!params.header_digest && !params.data_digest);
}
END_TEST

START_TEST(values_go_where_they_belong)
{
	struct iscsi_params params;
	uint32_t value;

	iscsi_params_defaults(&params);
	iscsi_key_set(iscsi_key_row(ISCSI_KEY_MAX_BURST_LENGTH), &params, 4096);
	iscsi_key_set(iscsi_key_row(ISCSI_KEY_INITIAL_R2T), &params, 0);
	iscsi_key_set(iscsi_key_row(ISCSI_KEY_DATA_DIGEST), &params, 1);
	ck_assert_uint_eq(params.max_burst_len, 4096);
	ck_assert(!params.initial_r2t);
	ck_assert(params.data_digest && !params.header_digest);
	ck_assert(!iscsi_key_get(iscsi_key_row(ISCSI_KEY_TASK_REPORTING), &params, &value));
}
END_TEST

START_TEST(the_default_policy_is_within_the_ranges)
{
	struct iscsi_policy policy;

	iscsi_policy_defaults(&policy);
	for (unsigned id = 0; id < ISCSI_KEY_COUNT; id++) {
		const struct iscsi_key *key = iscsi_key_row((enum iscsi_key_id)id);
		if (key->type != ISCSI_TYPE_NUMBER || key->param_place == 0)
			continue;
		uint32_t ours = iscsi_key_ours(key, &policy);
		ck_assert_msg(ours >= key->min && ours <= key->max, "%s", key->name);
	}
	ck_assert_uint_le(policy.first_burst_len, policy.max_burst_len);
	ck_assert(!policy.strict);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_test(tcase, each_row_is_complete);
	tcase_add_test(tcase, defaults_are_legal_values);
	tcase_add_test(tcase, the_function_fits_the_type);
	tcase_add_test(tcase, use_and_stage_agree);
	tcase_add_test(tcase, names_are_unique_and_found_in_their_exact_case);
	tcase_add_test(tcase, the_security_stage_has_its_keys_alone);
	tcase_add_test(tcase, defaults_and_ranges_are_the_standards);
	tcase_add_test(tcase, values_go_where_they_belong);
	tcase_add_test(tcase, the_default_policy_is_within_the_ranges);
}

int main(void)
{
	return suite_run("transport/keys", fill);
}
