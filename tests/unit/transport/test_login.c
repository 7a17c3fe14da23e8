/*
 * Login (RFC 7143 6.3, 11.12, 11.13): stages, statuses, sequence numbers, texts that span PDUs, and
 * the initiators that there are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/suite.h"
#include "tests/unit/transport/login_script.h"

static struct login_script script;

/* Checked fixtures: tests that need another policy call login_script_begin themselves again. */
static void setup(void)
{
	login_script_init(&script);
	login_script_begin(&script);
}

static void teardown(void)
{
	login_script_end(&script);
}

/* A new login under the policy, limits and header as they stand now. */
static void restart(void)
{
	login_script_end(&script);
	login_script_begin(&script);
}

static void ck_refused(uint16_t status)
{
	ck_assert_int_eq(script.result, ISCSI_LOGIN_CLOSE);
	ck_assert(script.has_response);
	ck_assert_msg(script.response.status == status, "status %04x", script.response.status);
	ck_assert_uint_eq(script.text_len, 0);
	ck_assert(!script.response.transit && !script.response.cont);
}

static void ck_goes_on(void)
{
	ck_assert_int_eq(script.result, ISCSI_LOGIN_GO_ON);
	ck_assert(script.has_response);
	ck_assert_uint_eq(script.response.status, 0);
}

static void ck_complete(void)
{
	ck_assert_int_eq(script.result, ISCSI_LOGIN_COMPLETE);
	ck_assert_uint_eq(script.response.status, 0);
	ck_assert(script.response.transit && !script.response.cont);
	ck_assert_uint_eq(script.response.nsg, ISCSI_STAGE_FULL_FEATURE);
	ck_assert_uint_eq(script.admits, 1);
}

#define ANSWER_IS(key, value)                                                  \
	do {                                                                   \
		const char *given = login_script_answer(&script, key);         \
		ck_assert_msg(given &&strcmp(given, value) == 0, "%s=%s", key, \
			      given ? given : "(none)");                       \
	} while (0)
#define NO_ANSWER(key) ck_assert_ptr_null(login_script_answer(&script, key))

/* --- logins that succeed ------------------------------------------------------------------------
 */

START_TEST(one_request_is_enough)
{
	LOGIN_SEND(&script, LOGIN_T | OPERATIONAL_TO_FULL,
		   LOGIN_NAMES "\0SessionType=Normal\0HeaderDigest=CRC32C,None\0"
			       "MaxRecvDataSegmentLength=65536\0InitialR2T=No");
	ck_complete();
	ck_assert_int_eq(script.login.type, ISCSI_SESSION_NORMAL);
	ck_assert_str_eq(script.login.initiator_name, "iqn.2001-04.com.example:host");
	ck_assert_str_eq(script.login.target_name, "iqn.2001-04.com.example:disk");
	ck_assert_str_eq(script.found_name, "iqn.2001-04.com.example:disk");
	ck_assert_str_eq(script.found_initiator, "iqn.2001-04.com.example:host");
	ck_assert_mem_eq(script.login.isid, script.request.isid, 6);
	ck_assert_uint_eq(script.login.cid, 3);
	ck_assert_uint_eq(script.login.cmd_sn, 50);
	ck_assert_uint_eq(script.login.tsih, 0x4711);
	ck_assert(script.login.params.header_digest && !script.login.params.initial_r2t);
	ck_assert_uint_eq(script.login.params.max_send_data_segment_len, 65536);
	ck_assert_uint_eq(script.login.params.max_recv_data_segment_len,
			  script.policy.max_recv_data_segment_len);
	ANSWER_IS("TargetPortalGroupTag", "7");
	ANSWER_IS("HeaderDigest", "CRC32C");
	ANSWER_IS("InitialR2T", "No");
	ANSWER_IS("MaxRecvDataSegmentLength", "262144");
}
END_TEST

START_TEST(through_both_stages)
{
	LOGIN_SEND(&script, LOGIN_T | SECURITY_TO_OPERATIONAL,
		   LOGIN_NAMES "\0AuthMethod=CHAP,None");
	ck_goes_on();
	ck_assert(script.response.transit);
	ck_assert_uint_eq(script.response.csg, 0);
	ck_assert_uint_eq(script.response.nsg, 1);
	ANSWER_IS("AuthMethod", "None");
	ANSWER_IS("TargetPortalGroupTag", "7");
	NO_ANSWER("MaxRecvDataSegmentLength");
	LOGIN_SEND(&script, LOGIN_T | OPERATIONAL_TO_FULL, "MaxBurstLength=65536");
	ck_complete();
	NO_ANSWER("TargetPortalGroupTag");
	ANSWER_IS("MaxRecvDataSegmentLength", "262144");
	ck_assert_uint_eq(script.login.params.max_burst_len, 65536);
}
END_TEST

/* An initiator that never enters the operational stage never hears our segment length. */
START_TEST(from_security_to_full_feature_at_once)
{
	LOGIN_SEND(&script, LOGIN_T | SECURITY_TO_FULL, DISCOVERY_NAMES "\0AuthMethod=None");
	ck_complete();
	ck_assert_int_eq(script.login.type, ISCSI_SESSION_DISCOVERY);
	ck_assert_uint_eq(script.login.params.max_recv_data_segment_len, 8192);
	ck_assert_uint_eq(script.login.params.max_send_data_segment_len, 8192);
	NO_ANSWER("MaxRecvDataSegmentLength");
}
END_TEST

START_TEST(no_opinion_on_authentication_is_fine)
{
	LOGIN_SEND(&script, LOGIN_T | SECURITY_TO_OPERATIONAL, LOGIN_NAMES "\0InitiatorAlias=me");
	ck_goes_on();
	ck_assert(script.response.transit);
	NO_ANSWER("AuthMethod");
	ck_assert_str_eq(script.login.initiator_alias, "me");
}
END_TEST

START_TEST(without_transit_the_stage_goes_on)
{
	LOGIN_SEND(&script, OPERATIONAL, LOGIN_NAMES "\0MaxBurstLength=65536");
	ck_goes_on();
	ck_assert(!script.response.transit);
	ck_assert_uint_eq(script.response.csg, 1);
	ck_assert_uint_eq(script.response.nsg, 0);
	ANSWER_IS("MaxRecvDataSegmentLength", "262144");
	login_script_send(&script, OPERATIONAL, "", 0);
	ck_goes_on();
	ck_assert_uint_eq(script.text_len, 0);
	login_script_send(&script, LOGIN_T | OPERATIONAL_TO_FULL, "", 0);
	ck_complete();
	ck_assert_uint_eq(script.login.params.max_burst_len, 65536);
}
END_TEST

/* libiscsi sets NSG with T = 0. */
START_TEST(nsg_means_nothing_without_transit)
{
	LOGIN_SEND(&script, OPERATIONAL | 3, LOGIN_NAMES);
	ck_goes_on();
	ck_assert(!script.response.transit);
	LOGIN_SEND(&script, OPERATIONAL | 2, "X-a=b");
	ck_goes_on();
}
END_TEST

/* What libiscsi 1.19 sends with a CHAP user configured, and with none. */
START_TEST(libiscsi_is_served)
{
	LOGIN_SEND(&script, LOGIN_T | SECURITY_TO_OPERATIONAL,
		   LOGIN_NAMES "\0SessionType=Normal\0AuthMethod=CHAP,None");
	ck_assert(script.response.transit);
	ANSWER_IS("AuthMethod", "None");
	LOGIN_SEND(
		&script, LOGIN_T | OPERATIONAL_TO_FULL,
		LOGIN_NAMES
		"\0SessionType=Normal\0HeaderDigest=None,CRC32C\0DataDigest=None\0InitialR2T=No\0"
		"ImmediateData=Yes\0MaxBurstLength=262144\0FirstBurstLength=262144\0"
		"DefaultTime2Wait=2\0DefaultTime2Retain=0\0MaxOutstandingR2T=1\0"
		"ErrorRecoveryLevel=0\0IFMarker=No\0OFMarker=No\0MaxConnections=1\0"
		"MaxRecvDataSegmentLength=262144\0DataPDUInOrder=Yes\0DataSequenceInOrder=Yes");
	ck_complete();
	ANSWER_IS("HeaderDigest", "None");
	ANSWER_IS("IFMarker", "No");
	ANSWER_IS("FirstBurstLength", "262144");
	NO_ANSWER("InitiatorName");
	ck_assert(!script.login.params.initial_r2t && script.login.params.immediate_data);
}
END_TEST

/* What open-iscsi sends for discovery; it fails on keys that it did not ask for. */
START_TEST(open_iscsi_is_served)
{
	LOGIN_SEND(&script, LOGIN_T | OPERATIONAL_TO_FULL,
		   DISCOVERY_NAMES
		   "\0InitiatorAlias=host\0HeaderDigest=None\0DataDigest=None\0DefaultTime2Wait=2\0"
		   "DefaultTime2Retain=0\0IFMarker=No\0OFMarker=No\0ErrorRecoveryLevel=0\0"
		   "MaxRecvDataSegmentLength=32768");
	ck_complete();
	ck_assert_uint_eq(login_script_answer_count(&script), 8); /* seven answers, our MRDSL */
	ANSWER_IS("ErrorRecoveryLevel", "0");
	ck_assert_uint_eq(script.finds, 1);
	ck_assert_str_eq(script.found_name, "");
}
END_TEST

START_TEST(the_portal_group_tag_is_in_the_first_response_of_named_sessions)
{
	script.portal_group_tag = 0; /* a legal tag */
	restart();
	LOGIN_SEND(&script, OPERATIONAL, LOGIN_NAMES);
	ANSWER_IS("TargetPortalGroupTag", "0");
	restart();
	LOGIN_SEND(&script, OPERATIONAL, LOGIN_NAMES "\0SessionType=Discovery");
	ANSWER_IS("TargetPortalGroupTag", "0");
	ck_assert_int_eq(script.login.type, ISCSI_SESSION_DISCOVERY);
	restart();
	LOGIN_SEND(&script, OPERATIONAL, DISCOVERY_NAMES);
	NO_ANSWER("TargetPortalGroupTag");
	ck_assert_str_eq(script.login.target_name, "");
}
END_TEST

START_TEST(names_are_compared_in_lower_case)
{
	LOGIN_SEND(&script, OPERATIONAL,
		   "InitiatorName=IQN.2001-04.com.Example:Host\0"
		   "TargetName=iqn.2001-04.COM.example:DISK");
	ck_goes_on();
	ck_assert_str_eq(script.login.initiator_name, "iqn.2001-04.com.example:host");
	ck_assert_str_eq(script.found_name, "iqn.2001-04.com.example:disk");
}
END_TEST

/* --- header fields -------------------------------------------------------------------------------
 */

START_TEST(the_response_echoes_the_request)
{
	LOGIN_SEND(&script, OPERATIONAL, LOGIN_NAMES);
	ck_assert_mem_eq(script.response.isid, script.request.isid, 6);
	ck_assert_uint_eq(script.response.itt, script.request.itt);
	ck_assert_uint_eq(script.response.version_max, 0);
	ck_assert_uint_eq(script.response.version_active, 0);
}
END_TEST

START_TEST(tsih_is_told_in_the_final_response_alone)
{
	LOGIN_SEND(&script, OPERATIONAL, LOGIN_NAMES);
	ck_assert_uint_eq(script.response.tsih, 0);
	login_script_send(&script, LOGIN_T | OPERATIONAL_TO_FULL, "", 0);
	ck_complete();
	ck_assert_uint_eq(script.response.tsih, 0x4711);
}
END_TEST

START_TEST(tsih_of_a_further_connection_is_echoed)
{
	script.request.tsih = script.admit_tsih = 0x1234;
	LOGIN_SEND(&script, OPERATIONAL, LOGIN_NAMES);
	ck_assert_uint_eq(script.response.tsih, 0x1234);
	LOGIN_SEND(&script, LOGIN_T | OPERATIONAL_TO_FULL, "MaxConnections=4\0HeaderDigest=None");
	ck_complete();
	ck_assert_uint_eq(script.response.tsih, 0x1234);
	ANSWER_IS("MaxConnections", "Reject");
	ANSWER_IS("HeaderDigest", "None");
}
END_TEST

START_TEST(sequence_numbers_of_the_responses)
{
	script.stat_sn = 0xffffffff;
	restart();
	LOGIN_SEND(&script, OPERATIONAL, LOGIN_NAMES);
	ck_assert_uint_eq(script.response.sns.stat_sn, 0xffffffff);
	ck_assert_uint_eq(script.response.sns.exp_cmd_sn, 50);
	ck_assert_uint_eq(script.response.sns.max_cmd_sn, 50);
	login_script_send(&script, OPERATIONAL, "", 0);
	ck_assert_uint_eq(script.response.sns.stat_sn, 0);
	login_script_send(&script, LOGIN_T | OPERATIONAL_TO_FULL, "", 0);
	ck_assert_uint_eq(script.response.sns.stat_sn, 1);
	/* Admitted: now the session's window. */
	ck_assert_uint_eq(script.response.sns.exp_cmd_sn, 50);
	ck_assert_uint_eq(script.response.sns.max_cmd_sn, 113);
	ck_assert_uint_eq(iscsi_login_next_stat_sn(&script.login), 2);
	ck_assert_uint_eq(script.login.exp_stat_sn, 1);
}
END_TEST

START_TEST(a_version_we_do_not_speak)
{
	script.request.version_max = script.request.version_min = 1;
	LOGIN_SEND(&script, OPERATIONAL, LOGIN_NAMES);
	ck_refused(ISCSI_LOGIN_UNSUPPORTED_VERSION);
	ck_assert_uint_eq(script.response.version_active, 0);
	script.request.version_min = 0; /* zero is among theirs */
	restart();
	LOGIN_SEND(&script, OPERATIONAL, LOGIN_NAMES);
	ck_goes_on();
}
END_TEST

START_TEST(the_header_stays_the_same)
{
	static void *const fields[] = {&script.request.itt,	    &script.request.tsih,
				       &script.request.cid,	    &script.request.cmd_sn,
				       &script.request.isid[5],	    &script.request.version_max,
				       &script.request.version_min, &script.request.isid[0]};

	LOGIN_SEND(&script, OPERATIONAL, LOGIN_NAMES);
	*(uint8_t *)fields[_i] ^= 1;
	login_script_send(&script, OPERATIONAL, "", 0);
	ck_refused(ISCSI_LOGIN_INITIATOR_ERROR);
	/* The refusal still carries the login's own tag. */
	ck_assert_uint_eq(script.response.itt, 9);
}
END_TEST

START_TEST(the_reserved_tag_names_no_login)
{
	script.request.itt = ISCSI_NO_TAG;
	LOGIN_SEND(&script, OPERATIONAL, LOGIN_NAMES);
	ck_refused(ISCSI_LOGIN_INITIATOR_ERROR);
}
END_TEST

/* --- stages --------------------------------------------------------------------------------------
 */

/* All sixteen transitions of a first request, T = 1. */
START_TEST(stage_transitions)
{
	unsigned csg = (unsigned)_i >> 2, nsg = _i & 3;
	bool legal = (csg == 0 && (nsg == 1 || nsg == 3)) || (csg == 1 && nsg == 3);

	LOGIN_SEND(&script, LOGIN_T | csg << 2 | nsg, LOGIN_NAMES);
	if (!legal) {
		ck_refused(ISCSI_LOGIN_INITIATOR_ERROR);
		ck_assert_uint_eq(script.admits, 0);
		return;
	}
	ck_assert(script.response.transit);
	ck_assert_uint_eq(script.response.csg, csg);
	ck_assert_uint_eq(script.response.nsg, nsg);
	ck_assert_uint_eq(script.admits, nsg == 3);
}
END_TEST

START_TEST(the_stage_is_the_one_agreed_on)
{
	LOGIN_SEND(&script, LOGIN_T | SECURITY_TO_OPERATIONAL, LOGIN_NAMES);
	login_script_send(&script, LOGIN_T | SECURITY_TO_OPERATIONAL, "", 0);
	ck_refused(ISCSI_LOGIN_INITIATOR_ERROR);
	restart();
	LOGIN_SEND(&script, SECURITY, LOGIN_NAMES);
	ck_goes_on();
	login_script_send(&script, LOGIN_T | OPERATIONAL_TO_FULL, "", 0);
	ck_refused(ISCSI_LOGIN_INITIATOR_ERROR);
}
END_TEST

START_TEST(a_text_that_goes_on_does_not_end_a_stage)
{
	LOGIN_SEND(&script, LOGIN_T | LOGIN_C | OPERATIONAL_TO_FULL, LOGIN_NAMES);
	ck_refused(ISCSI_LOGIN_INITIATOR_ERROR);
}
END_TEST

/* --- who and what
 * ---------------------------------------------------------------------------------- */

static const struct {
	const char *text;
	size_t len;
	uint16_t status;
} identities[] = {
#define TEXT(literal) literal, sizeof(literal)
	{"", 0, 0x0207},
	{TEXT("TargetName=iqn.2001-04.com.example:disk"), 0x0207},
	{TEXT("InitiatorName=iqn.2001-04.com.example:host"), 0x0207},
	{TEXT("InitiatorName=iqn.2001-04.com.example:host\0SessionType=Normal"), 0x0207},
	{TEXT("SessionType=Discovery"), 0x0207},
	{TEXT(LOGIN_NAMES "\0SessionType=Strange"), 0x0209},
	{TEXT(LOGIN_NAMES "\0SessionType=normal"), 0x0209},
	{TEXT("InitiatorName=host\0TargetName=iqn.2001-04.com.example:disk"), 0x0200},
	{TEXT("InitiatorName=\0TargetName=iqn.2001-04.com.example:disk"), 0x0200},
	{TEXT("InitiatorName=iqn.2001-04.com.example:host\0TargetName=a b"), 0x0203},
	{TEXT("InitiatorName=iqn.2001-04.com.example:host\0TargetName="), 0x0203},
	{TEXT(LOGIN_NAMES "\0TargetName=iqn.2001-04.com.example:other"), 0x0200},
	{TEXT(LOGIN_NAMES "\0TargetAddress=192.0.2.1:3260,1"), 0x0200},
	{TEXT(LOGIN_NAMES "\0SendTargets=All"), 0x0200},
	{TEXT(LOGIN_NAMES "\0MaxRecvDataSegmentLength=511"), 0x0200},
	{TEXT(LOGIN_NAMES "\0ImmediateData=Perhaps"), 0x0200},
	{TEXT(LOGIN_NAMES "\0AuthMethod=None"), 0x0200}, /* in the operational stage */
	{TEXT(LOGIN_NAMES "\0Oops"), 0x0200},
	{TEXT(LOGIN_NAMES "\0"), 0x0200},
	{"InitiatorName=x", 15, 0x0200},
};

START_TEST(what_is_wrong_with_the_first_text)
{
	login_script_send(&script, LOGIN_T | OPERATIONAL_TO_FULL, identities[_i].text,
			  identities[_i].len);
	ck_refused(identities[_i].status);
	ck_assert_uint_eq(script.admits, 0);
}
END_TEST

START_TEST(the_house_refuses_the_target)
{
	script.find_status = ISCSI_LOGIN_NOT_FOUND;
	LOGIN_SEND(&script, LOGIN_T | OPERATIONAL_TO_FULL, LOGIN_NAMES);
	ck_refused(ISCSI_LOGIN_NOT_FOUND);
	restart();
	script.find_status = ISCSI_LOGIN_AUTHORIZATION_FAILURE;
	LOGIN_SEND(&script, LOGIN_T | OPERATIONAL_TO_FULL, LOGIN_NAMES);
	ck_refused(ISCSI_LOGIN_AUTHORIZATION_FAILURE);
	ck_assert_uint_eq(script.admits, 0);
}
END_TEST

START_TEST(the_house_does_not_admit)
{
	script.admit_status = ISCSI_LOGIN_SESSION_DOES_NOT_EXIST;
	script.request.tsih = 0x99;
	LOGIN_SEND(&script, LOGIN_T | OPERATIONAL_TO_FULL, LOGIN_NAMES "\0MaxConnections=1");
	ck_refused(ISCSI_LOGIN_SESSION_DOES_NOT_EXIST);
	ck_assert_uint_eq(script.response.tsih, 0x99);
	ck_assert_uint_eq(script.login.tsih, 0x99);
}
END_TEST

START_TEST(the_house_is_asked_once_and_at_the_end)
{
	LOGIN_SEND(&script, LOGIN_T | SECURITY_TO_OPERATIONAL, LOGIN_NAMES);
	LOGIN_SEND(&script, OPERATIONAL, "MaxBurstLength=65536");
	ck_assert_uint_eq(script.finds, 1);
	ck_assert_uint_eq(script.admits, 0);
	login_script_send(&script, LOGIN_T | OPERATIONAL_TO_FULL, "", 0);
	ck_complete();
	ck_assert_uint_eq(script.finds, 1);
}
END_TEST

START_TEST(identity_is_told_in_the_first_text_or_not_at_all)
{
	LOGIN_SEND(&script, OPERATIONAL, LOGIN_NAMES);
	LOGIN_SEND(&script, OPERATIONAL, "SessionType=Normal");
	ck_refused(ISCSI_LOGIN_INITIATOR_ERROR);
	restart();
	LOGIN_SEND(&script, OPERATIONAL, DISCOVERY_NAMES);
	LOGIN_SEND(&script, OPERATIONAL, "TargetName=iqn.2001-04.com.example:disk");
	ck_refused(ISCSI_LOGIN_INITIATOR_ERROR);
}
END_TEST

START_TEST(strict_policy_refuses_identical_repeats)
{
	script.policy.strict = true;
	restart();
	LOGIN_SEND(&script, LOGIN_T | SECURITY_TO_OPERATIONAL, LOGIN_NAMES);
	LOGIN_SEND(&script, LOGIN_T | OPERATIONAL_TO_FULL, LOGIN_NAMES);
	ck_refused(ISCSI_LOGIN_INITIATOR_ERROR);
}
END_TEST

/* --- authentication
 * --------------------------------------------------------------------------------- */

START_TEST(a_method_we_do_not_have)
{
	LOGIN_SEND(&script, LOGIN_T | SECURITY_TO_OPERATIONAL,
		   LOGIN_NAMES "\0AuthMethod=KRB5,CHAP");
	ck_refused(ISCSI_LOGIN_AUTHENTICATION_FAILURE);
	restart();
	LOGIN_SEND(&script, LOGIN_T | SECURITY_TO_OPERATIONAL, LOGIN_NAMES "\0AuthMethod=");
	ck_refused(ISCSI_LOGIN_AUTHENTICATION_FAILURE);
	restart();
	LOGIN_SEND(&script, LOGIN_T | SECURITY_TO_OPERATIONAL, LOGIN_NAMES "\0AuthMethod=Non");
	ck_refused(ISCSI_LOGIN_AUTHENTICATION_FAILURE);
}
END_TEST

START_TEST(keys_of_a_method_that_was_not_chosen)
{
	LOGIN_SEND(&script, SECURITY, LOGIN_NAMES "\0AuthMethod=None");
	ck_goes_on();
	LOGIN_SEND(&script, SECURITY, "CHAP_A=5");
	ck_refused(ISCSI_LOGIN_INITIATOR_ERROR);
}
END_TEST

START_TEST(operational_keys_in_the_security_stage)
{
	LOGIN_SEND(&script, LOGIN_T | SECURITY_TO_OPERATIONAL, LOGIN_NAMES "\0HeaderDigest=None");
	ck_refused(ISCSI_LOGIN_INITIATOR_ERROR);
}
END_TEST

/* --- other PDUs
 * -------------------------------------------------------------------------------------- */

static void send_opcode(uint8_t opcode)
{
	uint8_t bhs[ISCSI_BHS_LEN] = {opcode, 0x80}, response[ISCSI_BHS_LEN];
	const uint8_t *text;

	script.result = iscsi_login_request(&script.login, bhs, NULL, 0, &script.has_response,
					    response, &text, &script.text_len);
	if (script.has_response)
		iscsi_login_response_decode(response, &script.response);
}

START_TEST(any_other_first_pdu_ends_it_silently)
{
	send_opcode((uint8_t)_i);
	if (_i == ISCSI_LOGIN_REQUEST) {
		ck_assert(script.has_response);
		return;
	}
	ck_assert_int_eq(script.result, ISCSI_LOGIN_CLOSE);
	ck_assert(!script.has_response);
	LOGIN_SEND(&script, OPERATIONAL, LOGIN_NAMES); /* and for good */
	ck_assert_int_eq(script.result, ISCSI_LOGIN_CLOSE);
	ck_assert(!script.has_response);
}
END_TEST

START_TEST(any_other_later_pdu_is_invalid_during_login)
{
	LOGIN_SEND(&script, OPERATIONAL, LOGIN_NAMES);
	send_opcode(0x40);
	ck_refused(ISCSI_LOGIN_INVALID_DURING_LOGIN);
	ck_assert_uint_eq(script.response.itt, 9);
	ck_assert_uint_eq(script.response.sns.stat_sn, 1001);
}
END_TEST

START_TEST(what_is_over_stays_over)
{
	LOGIN_SEND(&script, OPERATIONAL, "Oops");
	ck_refused(ISCSI_LOGIN_INITIATOR_ERROR);
	LOGIN_SEND(&script, LOGIN_T | OPERATIONAL_TO_FULL, LOGIN_NAMES);
	ck_assert_int_eq(script.result, ISCSI_LOGIN_CLOSE);
	ck_assert(!script.has_response);
	restart();
	LOGIN_SEND(&script, LOGIN_T | OPERATIONAL_TO_FULL, LOGIN_NAMES);
	ck_complete();
	LOGIN_SEND(&script, LOGIN_T | OPERATIONAL_TO_FULL, LOGIN_NAMES);
	ck_assert_int_eq(script.result, ISCSI_LOGIN_CLOSE);
	ck_assert(!script.has_response);
	ck_assert_uint_eq(script.admits, 1);
}
END_TEST

/* --- texts that span PDUs
 * ------------------------------------------------------------------------------ */

/* Cut at every byte: the pieces together are one text, and each but the last gets an empty answer.
 */
START_TEST(a_text_may_be_cut_anywhere)
{
	static const char text[] = LOGIN_NAMES "\0MaxBurstLength=65536";

	for (size_t cut = 0; cut <= sizeof(text); cut++) {
		login_script_end(&script);
		login_script_init(&script);
		login_script_begin(&script);
		login_script_send(&script, LOGIN_C | OPERATIONAL, text, cut);
		ck_goes_on();
		ck_assert_uint_eq(script.text_len, 0);
		ck_assert(!script.response.cont && !script.response.transit);
		ck_assert_uint_eq(script.finds, 0);
		login_script_send(&script, LOGIN_T | OPERATIONAL_TO_FULL, text + cut,
				  sizeof(text) - cut);
		ck_complete();
		ANSWER_IS("TargetPortalGroupTag", "7");
		ANSWER_IS("MaxBurstLength", "65536");
	}
}
END_TEST

START_TEST(a_logical_text_has_a_limit)
{
	char filler[4096];

	script.limits.login_text_max = 8192;
	restart();
	memset(filler, 'x', sizeof(filler));
	login_script_send(&script, LOGIN_C | OPERATIONAL, filler, sizeof(filler));
	login_script_send(&script, LOGIN_C | OPERATIONAL, filler, sizeof(filler));
	ck_goes_on();
	login_script_send(&script, LOGIN_C | OPERATIONAL, filler, 1);
	ck_refused(ISCSI_LOGIN_INITIATOR_ERROR);
}
END_TEST

START_TEST(a_text_of_8192_bytes_is_taken)
{
	static char text[8192];
	size_t at = sizeof(LOGIN_NAMES);

	memcpy(text, LOGIN_NAMES, at);
	while (at < sizeof(text)) {
		size_t n = sizeof(text) - at;
		if (n > 200)
			n = n < 210 ? 100 : 200;
		memset(text + at, 'x', n);
		memcpy(text + at, "X-long=", 7);
		text[at + n - 1] = '\0';
		at += n;
	}
	login_script_send(&script, LOGIN_T | OPERATIONAL_TO_FULL, text, sizeof(text));
	ck_complete();
	ANSWER_IS("X-long", "NotUnderstood");
}
END_TEST

START_TEST(a_login_has_a_limit_of_pdus)
{
	script.limits.login_pdus_max = 5;
	restart();
	LOGIN_SEND(&script, OPERATIONAL, LOGIN_NAMES);
	for (int i = 0; i < 4; i++) {
		login_script_send(&script, OPERATIONAL, "", 0);
		ck_goes_on();
	}
	login_script_send(&script, OPERATIONAL, "", 0);
	ck_refused(ISCSI_LOGIN_INITIATOR_ERROR);
}
END_TEST

/* Enough unknown keys that our answer, short of its own limit, does not fit one PDU. */
static void ask_for_a_long_answer(unsigned flags)
{
	static const char pairs[] = LOGIN_NAMES
		"\0HeaderDigest=None\0DataDigest=None\0InitialR2T=No\0ImmediateData=Yes\0"
		"MaxBurstLength=262144\0FirstBurstLength=65536\0MaxOutstandingR2T=1";
	struct iscsi_text text;
	char key[64];

	iscsi_text_init(&text, 32768);
	for (int i = 0; i < 105; i++) { /* 105 times 78 bytes of NotUnderstood */
		snprintf(key, sizeof(key), "X-%061d", i);
		iscsi_text_add(&text, key, "");
	}
	iscsi_text_append(&text, pairs, sizeof(pairs));
	ck_assert_uint_le(text.len, 8192);
	login_script_send(&script, flags, text.data, text.len);
	iscsi_text_free(&text);
}

START_TEST(a_long_answer_is_split_with_c)
{
	ask_for_a_long_answer(LOGIN_T | OPERATIONAL_TO_FULL);
	ck_goes_on();
	ck_assert(script.response.cont && !script.response.transit);
	ck_assert_uint_eq(script.text_len, 8192);
	ck_assert_uint_eq(script.admits, 0);
	login_script_send(&script, OPERATIONAL, "", 0);
	ck_goes_on();
	ck_assert(!script.response.cont && !script.response.transit);
	ck_assert_uint_gt(script.text_len, 0);
	ck_assert_str_eq(script.text + script.text_len - sizeof("MaxRecvDataSegmentLength=262144"),
			 "MaxRecvDataSegmentLength=262144");
	login_script_send(&script, LOGIN_T | OPERATIONAL_TO_FULL, "", 0);
	ck_complete();
	ck_assert_uint_eq(script.text_len, 0);
}
END_TEST

START_TEST(the_last_piece_may_end_the_stage)
{
	ask_for_a_long_answer(LOGIN_T | OPERATIONAL_TO_FULL);
	login_script_send(&script, LOGIN_T | OPERATIONAL_TO_FULL, "", 0);
	ck_complete();
	ck_assert_uint_gt(script.text_len, 0);
}
END_TEST

START_TEST(nothing_is_said_while_our_answer_goes_on)
{
	ask_for_a_long_answer(OPERATIONAL);
	LOGIN_SEND(&script, OPERATIONAL, "MaxConnections=1");
	ck_refused(ISCSI_LOGIN_INITIATOR_ERROR);
}
END_TEST

/* --- integrity
 * ------------------------------------------------------------------------------------------ */

START_TEST(bursts_that_contradict_end_the_login)
{
	LOGIN_SEND(&script, OPERATIONAL, LOGIN_NAMES "\0FirstBurstLength=65536");
	LOGIN_SEND(&script, LOGIN_T | OPERATIONAL_TO_FULL, "MaxBurstLength=4096");
	ck_refused(ISCSI_LOGIN_INITIATOR_ERROR);
	ck_assert_uint_eq(script.admits, 0);
}
END_TEST

static void fill(TCase *tcase)
{
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, one_request_is_enough);
	tcase_add_test(tcase, through_both_stages);
	tcase_add_test(tcase, from_security_to_full_feature_at_once);
	tcase_add_test(tcase, no_opinion_on_authentication_is_fine);
	tcase_add_test(tcase, without_transit_the_stage_goes_on);
	tcase_add_test(tcase, nsg_means_nothing_without_transit);
	tcase_add_test(tcase, libiscsi_is_served);
	tcase_add_test(tcase, open_iscsi_is_served);
	tcase_add_test(tcase, the_portal_group_tag_is_in_the_first_response_of_named_sessions);
	tcase_add_test(tcase, names_are_compared_in_lower_case);
	tcase_add_test(tcase, the_response_echoes_the_request);
	tcase_add_test(tcase, tsih_is_told_in_the_final_response_alone);
	tcase_add_test(tcase, tsih_of_a_further_connection_is_echoed);
	tcase_add_test(tcase, sequence_numbers_of_the_responses);
	tcase_add_test(tcase, a_version_we_do_not_speak);
	tcase_add_loop_test(tcase, the_header_stays_the_same, 0, 8);
	tcase_add_test(tcase, the_reserved_tag_names_no_login);
	tcase_add_loop_test(tcase, stage_transitions, 0, 16);
	tcase_add_test(tcase, the_stage_is_the_one_agreed_on);
	tcase_add_test(tcase, a_text_that_goes_on_does_not_end_a_stage);
	tcase_add_loop_test(tcase, what_is_wrong_with_the_first_text, 0,
			    (int)(sizeof(identities) / sizeof(identities[0])));
	tcase_add_test(tcase, the_house_refuses_the_target);
	tcase_add_test(tcase, the_house_does_not_admit);
	tcase_add_test(tcase, the_house_is_asked_once_and_at_the_end);
	tcase_add_test(tcase, identity_is_told_in_the_first_text_or_not_at_all);
	tcase_add_test(tcase, strict_policy_refuses_identical_repeats);
	tcase_add_test(tcase, a_method_we_do_not_have);
	tcase_add_test(tcase, keys_of_a_method_that_was_not_chosen);
	tcase_add_test(tcase, operational_keys_in_the_security_stage);
	tcase_add_loop_test(tcase, any_other_first_pdu_ends_it_silently, 0, 64);
	tcase_add_test(tcase, any_other_later_pdu_is_invalid_during_login);
	tcase_add_test(tcase, what_is_over_stays_over);
	tcase_add_test(tcase, a_text_may_be_cut_anywhere);
	tcase_add_test(tcase, a_logical_text_has_a_limit);
	tcase_add_test(tcase, a_text_of_8192_bytes_is_taken);
	tcase_add_test(tcase, a_login_has_a_limit_of_pdus);
	tcase_add_test(tcase, a_long_answer_is_split_with_c);
	tcase_add_test(tcase, the_last_piece_may_end_the_stage);
	tcase_add_test(tcase, nothing_is_said_while_our_answer_goes_on);
	tcase_add_test(tcase, bursts_that_contradict_end_the_login);
}

int main(void)
{
	return suite_run("transport/login", fill);
}
