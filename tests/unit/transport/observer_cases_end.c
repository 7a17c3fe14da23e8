/*
 * How connections end.
 */
#include "observer_cases.h"

static void tcp_close(struct script *script, bool wrong)
{
	struct iscsi_logout_request logout;

	script_login(script);
	script_run(script);
	logout = script_logout_request(script);
	script_say_logout(script, &logout);
	script_answer_logout(script, logout.itt);
	script->now_ms += wrong ? 60000 : 10;
	if (!wrong)
		script_eof(script);
	script_close(script);
}

static void disc_short(struct script *script, bool wrong)
{
	script_login_discovery(script);
	if (wrong)
		script_eof(script);
	else
		script_logout(script);
}

static void no_fin_in_ffp(struct script *script, bool wrong)
{
	script_login(script);
	script_run(script);
	if (wrong)
		script_eof(script);
	else
		script_logout(script);
}

static const struct observer_case cases[] = {
	{ISCSI_CHECK_LOGOUT_TCP_CLOSE, tcp_close, {0}, 0},
	{ISCSI_CHECK_DISC_SHORT, disc_short, {0}, ISCSI_VERDICT_INFO},
	{ISCSI_CHECK_CONN_NO_FIN_IN_FFP, no_fin_in_ffp, {0}, 0},
};
const struct observer_case_group observer_cases_end = CASE_GROUP(cases);
