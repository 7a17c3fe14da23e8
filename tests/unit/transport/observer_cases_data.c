/*
 * Data-Out.
 */
#include "observer_cases.h"

#define TTT 0xabbaabba

/* A write that will send `first_burst_len` of data unsolicited, nothing with the command. */
static uint32_t begin_unsolicited(struct script *script, uint32_t len)
{
	struct iscsi_scsi_command command = script_write(script, len);

	command.final = false;
	script_say_command(script, &command, 0);
	return command.itt;
}

/* A write of which 4096 bytes at 0 are asked for. */
static uint32_t begin_solicited(struct script *script)
{
	struct iscsi_scsi_command command = script_write(script, 8192);

	script_say_command(script, &command, 0);
	script_r2t(script, command.itt, TTT, 0, 4096);
	return command.itt;
}

/* `len` bytes at `offset`, DataSN `sn`. */
static void piece(struct script *script, uint32_t itt, uint32_t ttt, uint32_t offset, uint32_t sn,
		  uint32_t len, bool final)
{
	struct iscsi_data_out data = script_data(script, itt, ttt, offset);

	data.data_sn = sn;
	data.final = final;
	script_say_data(script, &data, len);
}

static void unsolicited_allowed(struct script *script, bool wrong)
{
	struct iscsi_scsi_command command;

	script->params.initial_r2t = wrong;
	script_login(script);
	command = script_write(script, 4096);
	command.final = wrong; /* so that nothing else is wrong */
	script_say_command(script, &command, 0);
	piece(script, command.itt, ISCSI_NO_TAG, 0, 0, 4096, true);
}

static void firstburst_limit(struct script *script, bool wrong)
{
	uint32_t itt;

	script_login(script);
	itt = begin_unsolicited(script, 8192);
	piece(script, itt, ISCSI_NO_TAG, 0, 0, wrong ? 4100 : 4096, true);
}

static void firstburst_exact(struct script *script, bool wrong)
{
	uint32_t itt;

	script_login(script);
	itt = begin_unsolicited(script, 8192);
	piece(script, itt, ISCSI_NO_TAG, 0, 0, wrong ? 2048 : 4096, true);
}

static void unsolicited_order(struct script *script, bool wrong)
{
	uint32_t first, second;

	script_login(script);
	first = begin_unsolicited(script, 4096);
	second = begin_unsolicited(script, 4096);
	piece(script, wrong ? second : first, ISCSI_NO_TAG, 0, 0, 4096, true);
	piece(script, wrong ? first : second, ISCSI_NO_TAG, 0, 0, 4096, true);
}

static void final_unsolicited(struct script *script, bool wrong)
{
	uint32_t itt;

	script_login(script);
	itt = begin_unsolicited(script, 8192);
	piece(script, itt, ISCSI_NO_TAG, 0, 0, 2048, false);
	piece(script, itt, ISCSI_NO_TAG, 2048, 1, 2048, !wrong);
}

static void final_solicited(struct script *script, bool wrong)
{
	uint32_t itt;

	script_login(script);
	itt = begin_solicited(script);
	piece(script, itt, TTT, 0, 0, 2048, wrong);
	piece(script, itt, TTT, 2048, 1, 2048, true);
	script_respond(script, itt, 0, 0);
}

static void datasn(struct script *script, bool wrong)
{
	uint32_t itt;

	script_login(script);
	itt = begin_solicited(script);
	piece(script, itt, TTT, 0, 0, 4096, true);
	script_r2t(script, itt, TTT + 1, 4096, 4096);
	piece(script, itt, TTT + 1, 4096, wrong, 4096, true); /* 1: carried over */
}

static void offset(struct script *script, bool wrong)
{
	uint32_t itt;

	script_login(script);
	itt = begin_solicited(script);
	piece(script, itt, TTT, 0, 0, 2048, false);
	piece(script, itt, TTT, wrong ? 1024 : 2048, 1, 2048, true);
}

static void ttt_echo(struct script *script, bool wrong)
{
	uint32_t itt;

	script_login(script);
	itt = begin_solicited(script);
	piece(script, itt, wrong ? 0x1234 : TTT, 0, 0, 4096, true);
}

static void lun_echo(struct script *script, bool wrong)
{
	struct iscsi_data_out data;
	uint32_t itt;

	script_login(script);
	itt = begin_solicited(script);
	data = script_data(script, itt, TTT, 0);
	data.lun[1] = wrong;
	script_say_data(script, &data, 4096);
}

static void r2t_complete(struct script *script, bool wrong)
{
	uint32_t itt;

	script_login(script);
	itt = begin_solicited(script);
	piece(script, itt, TTT, 0, 0, wrong ? 2048 : 4096, true);
	script_respond(script, itt, 0, 0);
}

static void r2t_order(struct script *script, bool wrong)
{
	uint32_t itt;

	script_login(script);
	itt = begin_solicited(script);
	script_r2t(script, itt, TTT + 1, 4096, 4096);
	piece(script, itt, wrong ? TTT + 1 : TTT, wrong ? 4096 : 0, 0, 4096, true);
	piece(script, itt, wrong ? TTT : TTT + 1, wrong ? 0 : 4096, 0, 4096, true);
}

static void expstatsn(struct script *script, bool wrong)
{
	struct iscsi_data_out data;
	uint32_t itt;

	script_login(script);
	itt = begin_solicited(script);
	data = script_data(script, itt, TTT, 0);
	data.exp_stat_sn += wrong ? 9 : 0;
	script_say_data(script, &data, 4096);
}

static void allegiance(struct script *script, bool wrong)
{
	struct iscsi_watch *first, *second;
	uint32_t itt;

	script_login(script);
	first = script->watch;
	script->tsih = 8;
	script->cid = 2;
	script_login(script);
	second = script->watch;
	script->watch = first;
	script->stat_sn--; /* each connection counts its own */
	itt = begin_solicited(script);
	script->watch = wrong ? second : first;
	script->stat_sn += wrong;
	piece(script, itt, TTT, 0, 0, 4096, true);
	script->watch = second;
	script_close(script);
	script->watch = first;
}

static void word_multiple(struct script *script, bool wrong)
{
	uint32_t itt, first = wrong ? 2046 : 2048;

	script_login(script);
	itt = begin_solicited(script);
	piece(script, itt, TTT, 0, 0, first, false);
	piece(script, itt, TTT, first, 1, 4096 - first, true);
}

static void zero_length(struct script *script, bool wrong)
{
	uint32_t itt;

	script_login(script);
	itt = begin_solicited(script);
	if (wrong)
		piece(script, itt, TTT, 0, 0, 0, false);
	piece(script, itt, TTT, 0, wrong, 4096, true);
}

static void nodelay(struct script *script, bool wrong)
{
	uint32_t itt;

	script_login(script);
	itt = begin_solicited(script);
	script->now_ms += wrong ? 200 : 1;
	piece(script, itt, TTT, 0, 0, 4096, true);
}

static const struct observer_case cases[] = {
	{ISCSI_CHECK_DOUT_UNSOLICITED_ALLOWED, unsolicited_allowed, {0}, 0},
	{ISCSI_CHECK_DOUT_FIRSTBURST_LIMIT, firstburst_limit, {0}, 0},
	{ISCSI_CHECK_DOUT_FIRSTBURST_EXACT, firstburst_exact, {0}, 0},
	{ISCSI_CHECK_DOUT_UNSOLICITED_ORDER, unsolicited_order, {0}, 0},
	{ISCSI_CHECK_DOUT_FINAL_UNSOLICITED, final_unsolicited, {0}, 0},
	{ISCSI_CHECK_DOUT_FINAL_SOLICITED, final_solicited, {0}, 0},
	{ISCSI_CHECK_DOUT_DATASN, datasn, {0}, 0},
	{ISCSI_CHECK_DOUT_OFFSET, offset, {0}, 0},
	{ISCSI_CHECK_DOUT_TTT_ECHO, ttt_echo, {0}, 0},
	{ISCSI_CHECK_DOUT_LUN_ECHO, lun_echo, {0}, 0},
	{ISCSI_CHECK_DOUT_R2T_COMPLETE, r2t_complete, {0}, 0},
	{ISCSI_CHECK_DOUT_R2T_ORDER, r2t_order, {0}, 0},
	{ISCSI_CHECK_DOUT_EXPSTATSN, expstatsn, {0}, 0},
	{ISCSI_CHECK_DOUT_ALLEGIANCE, allegiance, {0}, 0},
	{ISCSI_CHECK_DOUT_WORD_MULTIPLE, word_multiple, {0}, 0},
	{ISCSI_CHECK_DOUT_ZERO_LENGTH, zero_length, {0}, 0},
	{ISCSI_CHECK_CONN_NODELAY, nodelay, {0}, 0},
};
const struct observer_case_group observer_cases_data = CASE_GROUP(cases);
