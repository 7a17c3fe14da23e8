/*
 * Login: text and CHAP.
 */
#include <stdio.h>
#include <string.h>

#include "observer_cases.h"

#define TEXT_BYTES 1024

/* One request with the names and this. */
static void say_keys(struct script *script, const char *keys)
{
	char text[2 * TEXT_BYTES];

	snprintf(text, sizeof(text), "%s%s", SCRIPT_NAMES, keys);
	script_login_with(script, text);
}

/* A second request in the same stage, or from security on. */
static void say_steps(struct script *script, uint8_t stage, const char *first, const char *answer,
		      const char *second)
{
	struct iscsi_login_request request = script_login_request(script);

	script_connect(script);
	request.csg = stage;
	request.nsg = 0;
	request.transit = false;
	script_say_login(script, &request, first);
	script_answer_login(script, &request, ISCSI_LOGIN_SUCCESS, answer);
	request.exp_stat_sn = script->stat_sn;
	request.transit = true;
	request.nsg = ISCSI_STAGE_FULL_FEATURE;
	script_say_login(script, &request, second);
	script_answer_login(script, &request, ISCSI_LOGIN_SUCCESS, "");
}

static void initiatorname_first(struct script *script, bool wrong)
{
	script_login_with(script, wrong ? "TargetName=" SCRIPT_TARGET "\n" : SCRIPT_NAMES);
}

static void targetname_first(struct script *script, bool wrong)
{
	script_login_with(script, wrong ? "InitiatorName=" SCRIPT_INITIATOR "\n" : SCRIPT_NAMES);
}

static void sessiontype_first(struct script *script, bool wrong)
{
	const char *type = "SessionType=Normal\n";
	char first[TEXT_BYTES];

	snprintf(first, sizeof(first), "%s%s", SCRIPT_NAMES, wrong ? "" : type);
	say_steps(script, ISCSI_STAGE_OPERATIONAL, first, "", wrong ? type : "");
}

static void name_form(struct script *script, bool wrong)
{
	char text[TEXT_BYTES];

	snprintf(text, sizeof(text), "InitiatorName=%s\nTargetName=%s\n",
		 wrong ? "iqn.2026-11.io.Holdfast:tester" : SCRIPT_INITIATOR, SCRIPT_TARGET);
	script_login_with(script, text);
}

static void name_223(struct script *script, bool wrong)
{
	char name[224] = "iqn.2026-11.io.holdfast:", text[TEXT_BYTES];
	struct iscsi_text_request request;

	memset(name + strlen(name), 'n', 223 - strlen(name));
	script_login_discovery(script);
	request = script_text(script);
	script_say_text(script, &request, "SendTargets=All\n");
	snprintf(text, sizeof(text), "TargetName=%s\n", name);
	script_answer_text(script, request.itt, ISCSI_NO_TAG, text);
	script_logout(script);
	script_close(script);
	if (wrong)
		name[200] = '\0';
	snprintf(text, sizeof(text), "InitiatorName=%s\nTargetName=%s\n", SCRIPT_INITIATOR, name);
	script_login_with(script, text);
}

static void text_form(struct script *script, bool wrong)
{
	say_keys(script, wrong ? "InitialR2T=Yes\nImmediateData" : "InitialR2T=Yes\n");
}

static void case_exact(struct script *script, bool wrong)
{
	say_keys(script, wrong ? "InitialR2T=yes\n" : "InitialR2T=Yes\n");
}

static void number_form(struct script *script, bool wrong)
{
	say_keys(script, wrong ? "MaxBurstLength=0065536\n" : "MaxBurstLength=65536\n");
}

static void value_range(struct script *script, bool wrong)
{
	say_keys(script, wrong ? "DefaultTime2Wait=9999\n" : "DefaultTime2Wait=0\n");
}

static void firstburst_le_maxburst(struct script *script, bool wrong)
{
	say_keys(script, wrong ? "MaxBurstLength=4096\nFirstBurstLength=65536\n"
			       : "MaxBurstLength=65536\nFirstBurstLength=4096\n");
}

static void stage_keys(struct script *script, bool wrong)
{
	struct iscsi_login_request request = script_login_request(script);

	request.csg = ISCSI_STAGE_SECURITY;
	script_connect(script);
	script_say_login(script, &request,
			 wrong ? SCRIPT_NAMES "AuthMethod=None\nInitialR2T=Yes\n"
			       : SCRIPT_NAMES "AuthMethod=None\n");
}

static void no_redeclare(struct script *script, bool wrong)
{
	say_steps(script, ISCSI_STAGE_OPERATIONAL, SCRIPT_NAMES "InitialR2T=Yes\n",
		  "InitialR2T=Yes\n", wrong ? "InitialR2T=Yes\n" : "ImmediateData=Yes\n");
}

static void no_reserved_proposal(struct script *script, bool wrong)
{
	say_keys(script, wrong ? "InitialR2T=Reject\n" : "InitialR2T=Yes\n");
}

static void keys_leading_only(struct script *script, bool wrong)
{
	struct iscsi_watch *leading;

	script_login(script);
	leading = script->watch;
	script->tsih = 8;
	script->cid = 2;
	say_keys(script, wrong ? "MaxBurstLength=65536\n" : "HeaderDigest=None\n");
	script_close(script);
	script->watch = leading;
}

static void discovery_no_private(struct script *script, bool wrong)
{
	char text[TEXT_BYTES];

	snprintf(text, sizeof(text), "InitiatorName=%s\nSessionType=Discovery\n%s",
		 SCRIPT_INITIATOR, wrong ? "X-org.example.key=1\n" : "");
	script_login_with(script, text);
}

static void erl_integrity(struct script *script, bool wrong)
{
	script->params.error_recovery_level = 1;
	script->params.max_outstanding_r2t = wrong ? 4 : 1;
	script_login(script);
}

static void taskreporting_offer(struct script *script, bool wrong)
{
	say_keys(script, wrong ? "TaskReporting=FastAbort\n"
			       : "TaskReporting=FastAbort,ResponseFence,RFC3720\n");
}

static void protocol_level(struct script *script, bool wrong)
{
	say_keys(script, wrong ? "iSCSIProtocolLevel=5\n" : "iSCSIProtocolLevel=2\n");
}

static void nodearch(struct script *script, bool wrong)
{
	char text[TEXT_BYTES], value[300];

	memset(value, 'a', sizeof(value));
	value[wrong ? 256 : 255] = '\0';
	snprintf(text, sizeof(text), "X#NodeArchitecture=%s\n", value);
	say_keys(script, text);
}

static void auth_default_offer(struct script *script, bool wrong)
{
	say_steps(script, ISCSI_STAGE_SECURITY,
		  wrong ? SCRIPT_NAMES "AuthMethod=Z-org.example.auth,None\n"
			: SCRIPT_NAMES "AuthMethod=Z-org.example.auth,CHAP\n",
		  "", "");
}

static void reply_to_answer(struct script *script, bool wrong)
{
	say_steps(script, ISCSI_STAGE_OPERATIONAL, SCRIPT_NAMES, "MaxBurstLength=65536\n",
		  wrong ? "" : "MaxBurstLength=65536\n");
}

static void digest_list_order(struct script *script, bool wrong)
{
	say_keys(script, wrong ? "HeaderDigest=None,CRC32C\n" : "HeaderDigest=CRC32C,None\n");
}

/* --- CHAP ------------------------------------------------------------------------------------- */

#define R16 "0x00112233445566778899aabbccddeeff"

struct chap_words {
	const char *algorithms, *proof;
	bool transit_early;
};

/* AuthMethod; CHAP_A; the target's challenge; the proof. */
static void do_chap(struct script *script, const struct chap_words *words)
{
	struct iscsi_login_request request = script_login_request(script);

	script_connect(script);
	request.csg = ISCSI_STAGE_SECURITY;
	request.transit = false;
	request.nsg = 0;
	script_say_login(script, &request, SCRIPT_NAMES "AuthMethod=CHAP\n");
	script_answer_login(script, &request, ISCSI_LOGIN_SUCCESS, "AuthMethod=CHAP\n");
	request.exp_stat_sn = script->stat_sn;
	request.transit = words->transit_early;
	request.nsg = words->transit_early ? ISCSI_STAGE_OPERATIONAL : 0;
	script_say_login(script, &request, words->algorithms);
	request.transit = false;
	request.nsg = 0;
	script_answer_login(script, &request, ISCSI_LOGIN_SUCCESS,
			    "CHAP_A=5\nCHAP_I=1\nCHAP_C=0x000102030405060708090a0b0c0d0e0f\n");
	request.exp_stat_sn = script->stat_sn;
	request.transit = true;
	request.nsg = ISCSI_STAGE_OPERATIONAL;
	script_say_login(script, &request, words->proof);
	script_answer_login(script, &request, ISCSI_LOGIN_SUCCESS, "");
}

static void chap_a_has_5(struct script *script, bool wrong)
{
	do_chap(script, &(struct chap_words){wrong ? "CHAP_A=7\n" : "CHAP_A=7,5\n",
					     "CHAP_N=me\nCHAP_R=" R16 "\n", false});
}

static void own_challenge(struct script *script, bool wrong)
{
	/* Reflected, digit by digit. */
	do_chap(script, &(struct chap_words){"CHAP_A=5\n",
					     wrong ? "CHAP_N=me\nCHAP_R=" R16 "\nCHAP_I=2\n"
						     "CHAP_C=0x000102030405060708090A0B0C0D0E0F\n"
						   : "CHAP_N=me\nCHAP_R=" R16 "\nCHAP_I=2\n"
						     "CHAP_C=0xf00102030405060708090a0b0c0d0e0f\n",
					     false});
}

static void r_format(struct script *script, bool wrong)
{
	do_chap(script, &(struct chap_words){"CHAP_A=5\n",
					     wrong ? "CHAP_N=me\nCHAP_R=0x001122\n"
						   : "CHAP_N=me\nCHAP_R=" R16 "\n",
					     false});
}

static void n_present(struct script *script, bool wrong)
{
	do_chap(script, &(struct chap_words){
				"CHAP_A=5\n",
				wrong ? "CHAP_R=" R16 "\n" : "CHAP_N=me\nCHAP_R=" R16 "\n", false});
}

static void secret_never_clear(struct script *script, bool wrong)
{
	say_keys(script, wrong ? "X-org.example.Password=1\n" : "X-org.example.word=1\n");
}

static void t_with_r(struct script *script, bool wrong)
{
	do_chap(script, &(struct chap_words){"CHAP_A=5\n", "CHAP_N=me\nCHAP_R=" R16 "\n", wrong});
}

static const struct observer_case cases[] = {
	{ISCSI_CHECK_LOGIN_INITIATORNAME_FIRST, initiatorname_first, {0}, 0},
	{ISCSI_CHECK_LOGIN_TARGETNAME_FIRST, targetname_first, {0}, 0},
	{ISCSI_CHECK_LOGIN_SESSIONTYPE_FIRST, sessiontype_first, {0}, 0},
	{ISCSI_CHECK_LOGIN_NAME_FORM, name_form, {0}, 0},
	{ISCSI_CHECK_LOGIN_NAME_223, name_223, {0}, 0},
	{ISCSI_CHECK_LOGIN_TEXT_FORM, text_form, {0}, 0},
	{ISCSI_CHECK_LOGIN_CASE_EXACT, case_exact, {0}, 0},
	{ISCSI_CHECK_LOGIN_NUMBER_FORM, number_form, {0}, 0},
	{ISCSI_CHECK_LOGIN_VALUE_RANGE, value_range, {0}, 0},
	{ISCSI_CHECK_LOGIN_FIRSTBURST_LE_MAXBURST, firstburst_le_maxburst, {0}, 0},
	{ISCSI_CHECK_LOGIN_STAGE_KEYS, stage_keys, {0}, 0},
	{ISCSI_CHECK_LOGIN_NO_REDECLARE, no_redeclare, {0}, 0},
	{ISCSI_CHECK_LOGIN_NO_RESERVED_PROPOSAL, no_reserved_proposal, {0}, 0},
	{ISCSI_CHECK_LOGIN_KEYS_LEADING_ONLY, keys_leading_only, {0}, 0},
	{ISCSI_CHECK_LOGIN_DISCOVERY_NO_PRIVATE, discovery_no_private, {0}, 0},
	{ISCSI_CHECK_LOGIN_ERL_INTEGRITY, erl_integrity, {0}, 0},
	{ISCSI_CHECK_LOGIN_TASKREPORTING_OFFER, taskreporting_offer, {0}, 0},
	{ISCSI_CHECK_LOGIN_PROTOCOL_LEVEL, protocol_level, {0}, 0},
	{ISCSI_CHECK_LOGIN_NODEARCH, nodearch, {0}, 0},
	{ISCSI_CHECK_LOGIN_CHAP_A_HAS_5, chap_a_has_5, {0}, 0},
	{ISCSI_CHECK_LOGIN_AUTH_DEFAULT_OFFER, auth_default_offer, {0}, 0},
	{ISCSI_CHECK_LOGIN_REPLY_TO_ANSWER, reply_to_answer, {0}, 0},
	{ISCSI_CHECK_LOGIN_DIGEST_LIST_ORDER, digest_list_order, {0}, 0},
	{ISCSI_CHECK_CHAP_OWN_CHALLENGE, own_challenge, {0}, 0},
	{ISCSI_CHECK_CHAP_R_FORMAT, r_format, {0}, 0},
	{ISCSI_CHECK_CHAP_N_PRESENT, n_present, {0}, 0},
	{ISCSI_CHECK_CHAP_SECRET_NEVER_CLEAR, secret_never_clear, {0}, 0},
	{ISCSI_CHECK_CHAP_T_WITH_R, t_with_r, {0}, 0},
};
const struct observer_case_group observer_cases_text = CASE_GROUP(cases);
