/*
 * SCSI Command.
 */
#include "observer_cases.h"

static void flags_consistent(struct script *script, bool wrong)
{
	struct iscsi_scsi_command command;

	script_login(script);
	command = script_command(script);
	command.cdb[0] = 0x28;
	command.cdb[8] = 1;
	command.expected_len = 512;
	command.read = !wrong;
	script_say_command(script, &command, 0);
}

static void f_when_complete(struct script *script, bool wrong)
{
	struct iscsi_scsi_command command;

	script_login(script);
	command = script_write(script, 512);
	command.final = !wrong;
	script_say_command(script, &command, 512);
}

static void f0_only_unsolicited(struct script *script, bool wrong)
{
	struct iscsi_scsi_command command;

	script->params.initial_r2t = true;
	script_login(script);
	command = script_write(script, 1024);
	command.final = !wrong;
	script_say_command(script, &command, 512);
}

static void immediate_data_allowed(struct script *script, bool wrong)
{
	struct iscsi_scsi_command command;

	script->params.immediate_data = !wrong;
	script_login(script);
	command = script_write(script, 512);
	script_say_command(script, &command, 512);
}

static void immediate_limit(struct script *script, bool wrong)
{
	struct iscsi_scsi_command command;

	script->params.first_burst_len = 512;
	script_login(script);
	command = script_write(script, 1024);
	script_say_command(script, &command, wrong ? 516 : 512);
}

static void attr_legal(struct script *script, bool wrong)
{
	struct iscsi_scsi_command command;

	script_login(script);
	command = script_command(script);
	command.attribute = wrong ? 5 : 4;
	script_say_command(script, &command, 0);
}

static void edtl_vs_cdb(struct script *script, bool wrong)
{
	struct iscsi_scsi_command command;

	script_login(script);
	command = script_command(script);
	command.read = true;
	command.cdb[0] = 0x12;
	command.cdb[4] = 36;
	command.expected_len = wrong ? 255 : 36;
	script_say_command(script, &command, 0);
}

static void state_changing(struct script *script, bool wrong)
{
	struct iscsi_scsi_command command;

	script_login(script);
	command = script_write(script, 512);
	command.immediate = wrong;
	script_say_command(script, &command, 512);
}

static void lun_format(struct script *script, bool wrong)
{
	struct iscsi_scsi_command command;

	script_login(script);
	script_run(script);
	command = script_command(script);
	command.lun[0] = wrong ? 0x40 : 0; /* LUN 0 in flat addressing */
	script_say_command(script, &command, 0);
}

static void autosense(struct script *script, bool wrong)
{
	script_login(script);
	for (unsigned i = 0; i < 3; i++) {
		struct iscsi_scsi_command command = script_command(script);
		script_say_command(script, &command, 0);
		script_respond(script, command.itt, 2, 20);
		command = script_command(script);
		if (wrong) {
			command.cdb[0] = 0x03;
			command.cdb[4] = 18;
			command.read = true;
			command.expected_len = 18;
		}
		script_say_command(script, &command, 0);
		script_respond(script, command.itt, 0, 0);
	}
}

static const struct observer_case cases[] = {
	{ISCSI_CHECK_CMD_FLAGS_CONSISTENT, flags_consistent, {0}, 0},
	{ISCSI_CHECK_CMD_F_WHEN_COMPLETE, f_when_complete, {0}, 0},
	{ISCSI_CHECK_CMD_F0_ONLY_UNSOLICITED, f0_only_unsolicited, {0}, 0},
	{ISCSI_CHECK_CMD_IMMEDIATE_DATA_ALLOWED, immediate_data_allowed, {0}, 0},
	{ISCSI_CHECK_CMD_IMMEDIATE_LIMIT, immediate_limit, {0}, 0},
	{ISCSI_CHECK_CMD_ATTR_LEGAL, attr_legal, {0}, 0},
	{ISCSI_CHECK_CMD_EDTL_VS_CDB, edtl_vs_cdb, {0}, 0},
	{ISCSI_CHECK_CMD_STATE_CHANGING_NONIMMEDIATE, state_changing, {0}, 0},
	{ISCSI_CHECK_CMD_LUN_FORMAT, lun_format, {0}, 0},
	{ISCSI_CHECK_CMD_AUTOSENSE, autosense, {0}, 0},
};
const struct observer_case_group observer_cases_command = CASE_GROUP(cases);
