/*
 * Login: headers, and sessions that come back.
 */
#include "observer_cases.h"

/* Two requests: from security to operational, from there into full feature phase. `change` may
 * spoil either before it is said. */
static void two_steps(struct script *script, void (*change)(struct iscsi_login_request *first,
							    struct iscsi_login_request *second))
{
	struct iscsi_login_request first = script_login_request(script), second;

	script_connect(script);
	first.csg = ISCSI_STAGE_SECURITY;
	first.nsg = ISCSI_STAGE_OPERATIONAL;
	second = script_login_request(script);
	second.exp_stat_sn = script->stat_sn + 1;
	if (change)
		change(&first, &second);
	script_say_login(script, &first, SCRIPT_NAMES "AuthMethod=None\n");
	script_answer_login(script, &first, ISCSI_LOGIN_SUCCESS, "AuthMethod=None\n");
	script_say_login(script, &second, "HeaderDigest=None\n");
	script_answer_login(script, &second, ISCSI_LOGIN_SUCCESS, "HeaderDigest=None\n");
}

/* One request, which `change` may spoil. */
static void one_step(struct script *script, void (*change)(struct iscsi_login_request *request))
{
	struct iscsi_login_request request = script_login_request(script);

	script_connect(script);
	if (change)
		change(&request);
	script_say_login(script, &request, SCRIPT_NAMES);
}

static void immediate_flag(struct script *script, bool wrong)
{
	static const char names[] = "InitiatorName=" SCRIPT_INITIATOR "\0TargetName=" SCRIPT_TARGET;
	struct iscsi_login_request request = script_login_request(script);
	uint8_t bhs[ISCSI_BHS_LEN];

	script_connect(script);
	iscsi_login_request_encode(&request, bhs);
	if (wrong)
		bhs[0] = ISCSI_LOGIN_REQUEST;
	script_receive(script, bhs, names, sizeof(names));
}

static void set_version(struct iscsi_login_request *request)
{
	request->version_min = 1;
}
static void version_zero(struct script *script, bool wrong)
{
	one_step(script, wrong ? set_version : NULL);
}

static void tsih_leading_zero(struct script *script, bool wrong)
{
	struct iscsi_login_request request;

	script->tsih = wrong ? 99 : 0;
	request = script_login_request(script);
	script_connect(script);
	script_say_login(script, &request, SCRIPT_NAMES);
	script_answer_login(script, &request,
			    wrong ? ISCSI_LOGIN_SESSION_DOES_NOT_EXIST : ISCSI_LOGIN_SUCCESS, "");
}

static void tsih_additional(struct script *script, bool wrong)
{
	struct iscsi_watch *leading;
	struct iscsi_login_request request;

	script_login(script);
	leading = script->watch;
	script->tsih = wrong ? 99 : 8; /* that of portal group 1 is 8 */
	script->cid = 2;
	request = script_login_request(script);
	script_connect(script);
	script_say_login(script, &request, SCRIPT_NAMES);
	script_answer_login(script, &request,
			    wrong ? ISCSI_LOGIN_SESSION_DOES_NOT_EXIST : ISCSI_LOGIN_SUCCESS, "");
	script_close(script);
	script->watch = leading;
}

static void change_itt(struct iscsi_login_request *first, struct iscsi_login_request *second)
{
	second->itt = first->itt + 1;
}
static void tuple_constant(struct script *script, bool wrong)
{
	two_steps(script, wrong ? change_itt : NULL);
}

static void take_itt_away(struct iscsi_login_request *request)
{
	request->itt = ISCSI_NO_TAG;
}
static void itt_valid(struct script *script, bool wrong)
{
	one_step(script, wrong ? take_itt_away : NULL);
}

static void advance_cmd_sn(struct iscsi_login_request *first, struct iscsi_login_request *second)
{
	second->cmd_sn = first->cmd_sn + 1;
}
static void cmdsn_constant(struct script *script, bool wrong)
{
	two_steps(script, wrong ? advance_cmd_sn : NULL);
}

static void cmdsn_first_command(struct script *script, bool wrong)
{
	script_login(script);
	script->cmd_sn += wrong;
	script_run(script);
	script_run(script);
}

static void keep_exp_stat_sn(struct iscsi_login_request *first, struct iscsi_login_request *second)
{
	second->exp_stat_sn = first->exp_stat_sn;
}
static void expstatsn_ack(struct script *script, bool wrong)
{
	two_steps(script, wrong ? keep_exp_stat_sn : NULL);
}

static void expstatsn_ffp(struct script *script, bool wrong)
{
	struct iscsi_scsi_command command;

	script_login(script);
	command = script_command(script);
	command.exp_stat_sn -= wrong;
	script_say_command(script, &command, 0);
	script_respond(script, command.itt, 0, 0);
	script_run(script);
}

static void go_back(struct iscsi_login_request *first, struct iscsi_login_request *second)
{
	(void)first;
	second->csg = ISCSI_STAGE_SECURITY;
	second->nsg = ISCSI_STAGE_OPERATIONAL;
}
static void stage_codes(struct script *script, bool wrong)
{
	struct iscsi_login_request first = script_login_request(script), second;

	if (!wrong) {
		two_steps(script, NULL);
		return;
	}
	script_connect(script);
	first.transit = false;
	first.nsg = 0;
	second = script_login_request(script);
	second.exp_stat_sn++;
	go_back(&first, &second);
	script_say_login(script, &first, SCRIPT_NAMES);
	script_answer_login(script, &first, ISCSI_LOGIN_SUCCESS, "");
	script_say_login(script, &second, "");
}

static void set_c(struct iscsi_login_request *request)
{
	request->cont = true;
}
static void t_implies_no_c(struct script *script, bool wrong)
{
	one_step(script, wrong ? set_c : NULL);
}

static void single_outstanding(struct script *script, bool wrong)
{
	struct iscsi_login_request request = script_login_request(script);

	script_connect(script);
	request.transit = false;
	request.nsg = 0;
	script_say_login(script, &request, SCRIPT_NAMES);
	if (!wrong)
		script_answer_login(script, &request, ISCSI_LOGIN_SUCCESS, "");
	request.exp_stat_sn = script->stat_sn;
	script_say_login(script, &request, "");
}

static void isid_format(struct script *script, bool wrong)
{
	script->isid[0] = wrong ? 0xc0 : 0x80;
	script_login(script);
}

/* A session is there; another login comes. */
static void isid_rule(struct script *script, bool wrong)
{
	struct iscsi_watch *first;

	script_login(script);
	script_run(script);
	first = script->watch;
	script->isid[5] = (uint8_t)(script->isid[5] + !wrong);
	script->now_ms += 100;
	script_login(script);
	script_close(script);
	script->watch = first;
}

static void isid_conservative(struct script *script, bool wrong)
{
	struct iscsi_watch *first;

	script_login(script);
	first = script->watch;
	script->portal_group = 2;
	script->isid[5] = (uint8_t)(script->isid[5] + wrong);
	script_login(script);
	script_close(script);
	script->watch = first;
}

static void lose_session(struct script *script)
{
	script_login(script);
	script_run(script);
	script_close(script); /* the network is gone: no FIN */
	script->now_ms += 3000;
}

static void isid_persistent(struct script *script, bool wrong)
{
	lose_session(script);
	script->isid[5] = (uint8_t)(script->isid[5] + wrong);
	script_login(script);
}

static void time2wait(struct script *script, bool wrong)
{
	lose_session(script);
	if (wrong)
		script->now_ms -= 2000;
	script_login(script);
}

static const struct observer_case cases[] = {
	{ISCSI_CHECK_LOGIN_IMMEDIATE_FLAG, immediate_flag, {0}, 0},
	{ISCSI_CHECK_LOGIN_VERSION_ZERO, version_zero, {0}, 0},
	{ISCSI_CHECK_LOGIN_TSIH_LEADING_ZERO, tsih_leading_zero, {0}, 0},
	{ISCSI_CHECK_LOGIN_TSIH_ADDITIONAL, tsih_additional, {0}, 0},
	{ISCSI_CHECK_LOGIN_TUPLE_CONSTANT, tuple_constant, {0}, 0},
	{ISCSI_CHECK_LOGIN_ITT_VALID, itt_valid, {0}, 0},
	{ISCSI_CHECK_LOGIN_CMDSN_CONSTANT, cmdsn_constant, {0}, 0},
	{ISCSI_CHECK_LOGIN_CMDSN_FIRST_COMMAND, cmdsn_first_command, {0}, 0},
	{ISCSI_CHECK_LOGIN_EXPSTATSN_ACK, expstatsn_ack, {0}, 0},
	{ISCSI_CHECK_LOGIN_EXPSTATSN_FFP, expstatsn_ffp, {0}, 0},
	{ISCSI_CHECK_LOGIN_STAGE_CODES, stage_codes, {0}, 0},
	{ISCSI_CHECK_LOGIN_T_IMPLIES_NO_C, t_implies_no_c, {0}, 0},
	{ISCSI_CHECK_LOGIN_SINGLE_OUTSTANDING, single_outstanding, {0}, 0},
	{ISCSI_CHECK_LOGIN_ISID_FORMAT, isid_format, {0}, 0},
	{ISCSI_CHECK_LOGIN_ISID_RULE, isid_rule, {0}, 0},
	{ISCSI_CHECK_LOGIN_ISID_CONSERVATIVE, isid_conservative, {0}, 0},
	{ISCSI_CHECK_LOGIN_ISID_PERSISTENT, isid_persistent, {0}, 0},
	{ISCSI_CHECK_TIME_TIME2WAIT, time2wait, {0}, 0},
};
const struct observer_case_group observer_cases_login = CASE_GROUP(cases);
