/*
 * Numbers and tags.
 */
#include "observer_cases.h"

static void say_with(struct script *script, uint32_t cmd_sn)
{
	struct iscsi_scsi_command command = script_command(script);

	command.cmd_sn = cmd_sn;
	script_say_command(script, &command, 0);
	script_respond(script, command.itt, 0, 0);
}

static void cmdsn_increment(struct script *script, bool wrong)
{
	script_login(script);
	script_run(script);
	script->cmd_sn += wrong;
	script_run(script);
	script_run(script);
}

static void cmdsn_order(struct script *script, bool wrong)
{
	uint32_t sn;

	script_login(script);
	script_run(script);
	sn = script->cmd_sn;
	say_with(script, sn + wrong);
	say_with(script, sn + !wrong);
	say_with(script, sn + 2);
}

static void cmdsn_window(struct script *script, bool wrong)
{
	script->max_cmd_sn = script->cmd_sn + !wrong;
	script_login(script);
	/* Nothing opens the window: the answers carry the same MaxCmdSN. */
	script_run(script);
	script_run(script);
}

static void immediate_cmdsn(struct script *script, bool wrong)
{
	struct iscsi_nop_out nop;

	script_login(script);
	script_run(script);
	nop = script_nop(script);
	script_say_nop(script, &nop);
	script_answer_nop(script, nop.itt);
	script->cmd_sn += wrong; /* as if the ping had used it up */
	script_run(script);
	script_run(script);
}

static void itt_unique(struct script *script, bool wrong)
{
	struct iscsi_scsi_command command;

	script_login(script);
	command = script_command(script);
	script_say_command(script, &command, 0);
	if (!wrong)
		script_respond(script, command.itt, 0, 0);
	script->itt = command.itt;
	script_run(script);
}

static void itt_reserved(struct script *script, bool wrong)
{
	script_login(script);
	if (wrong)
		script->itt = ISCSI_NO_TAG;
	script_run(script);
}

static void expstatsn_valid(struct script *script, bool wrong)
{
	struct iscsi_scsi_command command;

	script_login(script);
	script_run(script);
	command = script_command(script);
	command.exp_stat_sn += wrong ? 5 : 0;
	script_say_command(script, &command, 0);
}

static void expstatsn_progress(struct script *script, bool wrong)
{
	uint32_t before;

	script_login(script);
	before = script->stat_sn;
	script_run(script);
	for (unsigned i = 0; i < 3; i++) {
		struct iscsi_scsi_command command = script_command(script);
		if (wrong)
			command.exp_stat_sn = before;
		script->now_ms += 4000;
		script_say_command(script, &command, 0);
	}
}

static void retry_identical(struct script *script, bool wrong)
{
	struct iscsi_scsi_command command;

	script_login(script);
	command = script_command(script);
	script_say_command(script, &command, 0);
	command.lun[1] = wrong;
	script_say_command(script, &command, 0);
}

static void retry_distance(struct script *script, bool wrong)
{
	struct iscsi_scsi_command command;
	struct iscsi_nop_out nop;

	script_login(script);
	command = script_command(script);
	script_say_command(script, &command, 0);
	script_say_command(script, &command, 0);
	script_run(script);
	if (!wrong) {
		nop = script_nop(script);
		script_say_nop(script, &nop);
		script_answer_nop(script, nop.itt);
		script_run(script);
		return;
	}
	/* Two billion commands later, for which nobody has the time. */
	script->cmd_sn = command.cmd_sn + 0x3fffffff;
	script->max_cmd_sn = script->cmd_sn + 1;
	script_ping(script, 0x76);
	script_run(script);
	script->cmd_sn = command.cmd_sn + 0x7fffffff;
	script->max_cmd_sn = script->cmd_sn;
	script_ping(script, 0x77);
	script_run(script);
}

static void text_single(struct script *script, bool wrong)
{
	struct iscsi_text_request first, second;

	script_login(script);
	first = script_text(script);
	script_say_text(script, &first, "InitiatorAlias=a\n");
	if (!wrong)
		script_answer_text(script, first.itt, ISCSI_NO_TAG, "");
	second = script_text(script);
	script_say_text(script, &second, "InitiatorAlias=b\n");
}

static const struct observer_case cases[] = {
	{ISCSI_CHECK_SEQ_CMDSN_INCREMENT, cmdsn_increment, {0}, 0},
	{ISCSI_CHECK_SEQ_CMDSN_ORDER, cmdsn_order, {0}, 0},
	{ISCSI_CHECK_SEQ_CMDSN_WINDOW, cmdsn_window, {0}, 0},
	{ISCSI_CHECK_SEQ_IMMEDIATE_CMDSN, immediate_cmdsn, {0}, 0},
	{ISCSI_CHECK_SEQ_ITT_UNIQUE, itt_unique, {0}, 0},
	{ISCSI_CHECK_SEQ_ITT_RESERVED, itt_reserved, {0}, 0},
	{ISCSI_CHECK_SEQ_EXPSTATSN_VALID, expstatsn_valid, {0}, 0},
	{ISCSI_CHECK_SEQ_EXPSTATSN_PROGRESS, expstatsn_progress, {0}, 0},
	{ISCSI_CHECK_SEQ_RETRY_IDENTICAL, retry_identical, {0}, 0},
	{ISCSI_CHECK_SEQ_RETRY_DISTANCE, retry_distance, {ISCSI_CHECK_SEQ_CMDSN_INCREMENT}, 0},
	{ISCSI_CHECK_SEQ_TEXT_SINGLE, text_single, {0}, 0},
};
const struct observer_case_group observer_cases_numbers = CASE_GROUP(cases);
