/*
 * Task management, NOP, Text, Logout, SNACK.
 */
#include "observer_cases.h"

/* --- task management -------------------------------------------------------------------------- */

static void reserved_rtt(struct script *script, bool wrong)
{
	struct iscsi_task_management_request tmf;

	script_login(script);
	tmf = script_management(script, 5);
	tmf.referenced_tag = wrong ? 0 : ISCSI_NO_TAG;
	script_say_management(script, &tmf, 0);
}

/* A command that hangs, and the ABORT TASK that fits it. */
static struct iscsi_task_management_request begin_abort(struct script *script)
{
	struct iscsi_scsi_command command = script_command(script);
	struct iscsi_task_management_request tmf;

	command.lun[1] = 3;
	script_say_command(script, &command, 0);
	tmf = script_management(script, 1);
	tmf.referenced_tag = command.itt;
	tmf.ref_cmd_sn = command.cmd_sn;
	tmf.lun[1] = 3;
	return tmf;
}

static void tmf_lun(struct script *script, bool wrong)
{
	struct iscsi_task_management_request tmf;

	script_login(script);
	tmf = begin_abort(script);
	tmf.lun[1] = wrong ? 0 : 3;
	script_say_management(script, &tmf, 0);
}

static void refcmdsn(struct script *script, bool wrong)
{
	struct iscsi_task_management_request tmf;

	script_login(script);
	tmf = begin_abort(script);
	tmf.ref_cmd_sn += wrong;
	script_say_management(script, &tmf, 0);
}

static void tmf_allegiance(struct script *script, bool wrong)
{
	struct iscsi_task_management_request tmf;
	struct iscsi_watch *first, *second;

	script_login(script);
	first = script->watch;
	script->tsih = 8;
	script->cid = 2;
	script_login(script);
	second = script->watch;
	script->watch = first;
	script->stat_sn--; /* each connection counts its own */
	tmf = begin_abort(script);
	script->watch = wrong ? second : first;
	tmf.exp_stat_sn += wrong;
	script_say_management(script, &tmf, 0);
	script->watch = second;
	script_close(script);
	script->watch = first;
}

static void reassign_immediate(struct script *script, bool wrong)
{
	struct iscsi_task_management_request tmf;

	script->params.error_recovery_level = 2;
	script_login(script);
	tmf = script_management(script, 8);
	tmf.referenced_tag = 1;
	tmf.immediate = !wrong;
	script_say_management(script, &tmf, 0);
}

static void function_legal(struct script *script, bool wrong)
{
	struct iscsi_task_management_request tmf;

	script->params.protocol_level = wrong ? 1 : 2;
	script_login(script);
	tmf = script_management(script, 10);
	script_say_management(script, &tmf, 0);
}

/* --- NOP-Out ---------------------------------------------------------------------------------- */

static void ping_fields(struct script *script, bool wrong)
{
	struct iscsi_nop_out nop;

	script_login(script);
	nop = script_nop(script);
	nop.lun[1] = wrong;
	script_say_nop(script, &nop);
}

static void itt_reserved_immediate(struct script *script, bool wrong)
{
	struct iscsi_nop_out nop;

	script_login(script);
	nop = script_nop(script);
	nop.itt = ISCSI_NO_TAG;
	nop.immediate = !wrong;
	script_say_nop(script, &nop);
	script_run(script);
}

static void unprompted_ttt(struct script *script, bool wrong)
{
	struct iscsi_nop_out nop;

	script_login(script);
	if (!wrong)
		script_ping(script, 0x55);
	nop = script_nop(script);
	nop.itt = ISCSI_NO_TAG;
	nop.ttt = 0x55;
	script_say_nop(script, &nop);
}

static void nop_rate(struct script *script, bool wrong)
{
	script_login(script);
	for (unsigned i = 0; i < 3; i++) {
		struct iscsi_nop_out nop = script_nop(script);
		script_say_nop(script, &nop);
		script_answer_nop(script, nop.itt);
		script->now_ms += wrong ? 5 : 5000;
	}
}

/* --- Logout ----------------------------------------------------------------------------------- */

static void logout_fields(struct script *script, bool wrong)
{
	struct iscsi_logout_request logout;

	script_login(script);
	logout = script_logout_request(script);
	logout.reason = 1;
	logout.cid = (uint16_t)(script->cid + wrong);
	script_say_logout(script, &logout);
}

static void logout_silence(struct script *script, bool wrong)
{
	struct iscsi_scsi_command command;
	struct iscsi_logout_request logout;

	script_login(script);
	script_run(script);
	logout = script_logout_request(script);
	script_say_logout(script, &logout);
	if (wrong) {
		command = script_command(script);
		script_say_command(script, &command, 0);
	}
	script_answer_logout(script, logout.itt);
	script_eof(script);
}

static void recovery_erl(struct script *script, bool wrong)
{
	struct iscsi_logout_request logout;

	script->params.error_recovery_level = wrong ? 0 : 2;
	script_login(script);
	logout = script_logout_request(script);
	logout.reason = 2;
	script_say_logout(script, &logout);
}

/* --- Text and discovery ----------------------------------------------------------------------- */

static void text_fields(struct script *script, bool wrong)
{
	struct iscsi_text_request text;

	script_login_discovery(script);
	text = script_text(script);
	text.ttt = wrong ? 0x99 : ISCSI_NO_TAG;
	script_say_text(script, &text, "SendTargets=All\n");
}

static void i_constant(struct script *script, bool wrong)
{
	struct iscsi_text_request text;

	script_login_discovery(script);
	text = script_text(script);
	script_say_text(script, &text, "SendTargets=All\n");
	script_answer_text(script, text.itt, 0x99, "TargetName=iqn.2026-11.io.holdfast:a\n");
	text.ttt = 0x99;
	text.cmd_sn = script->cmd_sn;
	text.exp_stat_sn = script->stat_sn;
	text.immediate = wrong;
	script_say_text(script, &text, "");
}

static void sendtargets_alone(struct script *script, bool wrong)
{
	struct iscsi_text_request text;

	script_login_discovery(script);
	text = script_text(script);
	script_say_text(script, &text,
			wrong ? "SendTargets=All\nInitiatorAlias=a\n" : "SendTargets=All\n");
}

static void f_intent(struct script *script, bool wrong)
{
	struct iscsi_text_request text;

	script_login(script);
	text = script_text(script);
	text.final = wrong;
	text.cont = true;
	script_say_text(script, &text, "InitiatorAlias=a\n");
}

static void allowed_pdus(struct script *script, bool wrong)
{
	struct iscsi_text_request text;

	script_login_discovery(script);
	if (wrong) {
		script_run(script);
		return;
	}
	text = script_text(script);
	script_say_text(script, &text, "SendTargets=All\n");
	script_answer_text(script, text.itt, ISCSI_NO_TAG, "");
	script_logout(script);
}

/* --- SNACK ------------------------------------------------------------------------------------ */

static void snack_erl(struct script *script, bool wrong)
{
	struct iscsi_snack_request snack;

	script->params.error_recovery_level = !wrong;
	script_login(script);
	script_run(script);
	snack = script_snack(script, 1);
	script_say_snack(script, &snack);
}

static void snack_fields(struct script *script, bool wrong)
{
	struct iscsi_snack_request snack;

	script->params.error_recovery_level = 1;
	script_login(script);
	script_run(script);
	snack = script_snack(script, 2);
	snack.ttt = 0x11;
	snack.run_len = wrong;
	script_say_snack(script, &snack);
}

static const struct observer_case cases[] = {
	{ISCSI_CHECK_TMF_RESERVED_RTT, reserved_rtt, {0}, 0},
	{ISCSI_CHECK_TMF_LUN, tmf_lun, {0}, 0},
	{ISCSI_CHECK_TMF_REFCMDSN, refcmdsn, {0}, 0},
	{ISCSI_CHECK_TMF_ALLEGIANCE, tmf_allegiance, {0}, 0},
	{ISCSI_CHECK_TMF_REASSIGN_IMMEDIATE, reassign_immediate, {0}, 0},
	{ISCSI_CHECK_TMF_FUNCTION_LEGAL, function_legal, {0}, 0},
	{ISCSI_CHECK_NOP_PING_FIELDS, ping_fields, {0}, 0},
	{ISCSI_CHECK_NOP_ITT_RESERVED_IMMEDIATE, itt_reserved_immediate, {0}, 0},
	{ISCSI_CHECK_NOP_UNPROMPTED_TTT, unprompted_ttt, {0}, 0},
	{ISCSI_CHECK_NOP_RATE, nop_rate, {0}, 0},
	{ISCSI_CHECK_LOGOUT_FIELDS, logout_fields, {0}, 0},
	{ISCSI_CHECK_LOGOUT_SILENCE, logout_silence, {0}, 0},
	{ISCSI_CHECK_LOGOUT_RECOVERY_ERL, recovery_erl, {0}, 0},
	{ISCSI_CHECK_TEXT_FIELDS, text_fields, {0}, 0},
	{ISCSI_CHECK_TEXT_I_CONSTANT, i_constant, {0}, 0},
	{ISCSI_CHECK_TEXT_SENDTARGETS_ALONE, sendtargets_alone, {0}, 0},
	{ISCSI_CHECK_TEXT_F_INTENT, f_intent, {0}, 0},
	{ISCSI_CHECK_DISC_ALLOWED_PDUS, allowed_pdus, {0}, 0},
	{ISCSI_CHECK_SNACK_ERL, snack_erl, {0}, 0},
	{ISCSI_CHECK_SNACK_FIELDS, snack_fields, {0}, 0},
};
const struct observer_case_group observer_cases_request = CASE_GROUP(cases);
