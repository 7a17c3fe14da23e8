/*
 * Framing and headers.
 */
#include <string.h>

#include "observer_cases.h"
#include "pr_engine/bytes.h"
#include "pr_engine/crc32c.h"

static const uint8_t zeros[16];

/* NOP-Out without any tag: the plainest PDU there is. */
static void plain_nop(struct script *script, uint8_t bhs[ISCSI_BHS_LEN])
{
	struct iscsi_nop_out nop = script_nop(script);

	nop.itt = ISCSI_NO_TAG;
	iscsi_nop_out_encode(&nop, bhs);
}

static void first_pdu_login(struct script *script, bool wrong)
{
	uint8_t bhs[ISCSI_BHS_LEN];

	if (!wrong) {
		script_login(script);
		return;
	}
	script_connect(script);
	plain_nop(script, bhs);
	script_receive(script, bhs, zeros, 0);
}

static void opcode_legal(struct script *script, bool wrong)
{
	uint8_t bhs[ISCSI_BHS_LEN];

	script_login(script);
	plain_nop(script, bhs);
	if (wrong)
		bhs[0] = 0x2a;
	script_receive(script, bhs, zeros, 0);
}

static void reserved_zero(struct script *script, bool wrong)
{
	uint8_t bhs[ISCSI_BHS_LEN];

	script_login(script);
	plain_nop(script, bhs);
	bhs[47] = wrong;
	script_receive(script, bhs, zeros, 0);
}

static void ahs_absent(struct script *script, bool wrong)
{
	static const uint8_t ahs[8] = {0, 5, 2};
	uint8_t bhs[ISCSI_BHS_LEN];

	script_login(script);
	plain_nop(script, bhs);
	script_receive_ahs(script, bhs, ahs, wrong ? sizeof(ahs) : 0);
}

/* A bidirectional command, or another with R and W, with this AHS. */
static void say_bidirectional(struct script *script, const uint8_t *ahs, uint32_t len)
{
	struct iscsi_scsi_command command = script_write(script, 512);
	uint8_t bhs[ISCSI_BHS_LEN];

	command.read = true;
	command.cdb[0] = 0x53;
	iscsi_scsi_command_encode(&command, bhs);
	script_receive_ahs(script, bhs, ahs, len);
}

static void ahs_wellformed(struct script *script, bool wrong)
{
	static const uint8_t good[8] = {0, 5, 2}, bad[8] = {0, 90, 2};

	script_login(script);
	say_bidirectional(script, wrong ? bad : good, 8);
}

static void bidi_ahs(struct script *script, bool wrong)
{
	static const uint8_t ahs[8] = {0, 5, 2};

	script_login(script);
	say_bidirectional(script, ahs, wrong ? 0 : sizeof(ahs));
}

static void extended_cdb(struct script *script, bool wrong)
{
	static const uint8_t ahs[20] = {0, 17, 1};
	struct iscsi_scsi_command command;
	uint8_t bhs[ISCSI_BHS_LEN];

	script_login(script);
	command = script_command(script);
	command.cdb[0] = 0x7f;
	command.cdb[7] = 24;
	iscsi_scsi_command_encode(&command, bhs);
	script_receive_ahs(script, bhs, ahs, wrong ? 0 : sizeof(ahs));
}

static void padding_zero(struct script *script, bool wrong)
{
	static const uint8_t dirty[3] = {0, 1, 0};
	struct iscsi_nop_out nop;
	uint8_t bhs[ISCSI_BHS_LEN];

	script_login(script);
	nop = script_nop(script);
	iscsi_nop_out_encode(&nop, bhs);
	if (wrong)
		script->padding = dirty;
	script_receive(script, bhs, zeros, 5);
}

static void no_data_where_forbidden(struct script *script, bool wrong)
{
	struct iscsi_task_management_request tmf;

	script_login(script);
	tmf = script_management(script, 5);
	script_say_management(script, &tmf, wrong ? 4 : 0);
}

static void dsl_limit(struct script *script, bool wrong)
{
	struct iscsi_scsi_command command;

	script->params.max_recv_data_segment_len = 512;
	script_login(script);
	command = script_write(script, 1024);
	command.final = false;
	if (wrong)
		script->state = ISCSI_SEEN_TOO_LONG;
	script_say_command(script, &command, wrong ? 1024 : 512);
}

static void header_digest(struct script *script, bool wrong)
{
	uint8_t bhs[ISCSI_BHS_LEN];

	script->params.header_digest = true;
	script_login(script);
	plain_nop(script, bhs);
	if (wrong)
		script->state = ISCSI_SEEN_HEADER_DIGEST;
	script_receive(script, bhs, zeros, 0);
}

static void data_digest(struct script *script, bool wrong)
{
	struct iscsi_scsi_command command;

	script->params.data_digest = true;
	script_login(script);
	command = script_write(script, 512);
	if (wrong)
		script->state = ISCSI_SEEN_DATA_DIGEST;
	script_say_command(script, &command, 512);
}

static void digest_off_after_none(struct script *script, bool wrong)
{
	uint8_t first[ISCSI_BHS_LEN], second[ISCSI_BHS_LEN];

	script_login(script);
	plain_nop(script, first);
	plain_nop(script, second);
	script_receive(script, first, zeros, 0);
	if (wrong) {
		/* The digest, and the next header pushed back by it. */
		uint32_t crc = crc32c(0, first, sizeof(first));
		memmove(second + 4, second, sizeof(second) - 4);
		for (unsigned i = 0; i < 4; i++)
			second[i] = (uint8_t)(crc >> (8 * i));
	}
	script_receive(script, second, zeros, 0);
}

static const struct observer_case cases[] = {
	{ISCSI_CHECK_FRAME_FIRST_PDU_LOGIN, first_pdu_login, {0}, 0},
	{ISCSI_CHECK_FRAME_OPCODE_LEGAL, opcode_legal, {0}, 0},
	{ISCSI_CHECK_FRAME_RESERVED_ZERO, reserved_zero, {0}, 0},
	{ISCSI_CHECK_FRAME_AHS_ABSENT, ahs_absent, {0}, 0},
	{ISCSI_CHECK_FRAME_AHS_WELLFORMED, ahs_wellformed, {0}, 0},
	{ISCSI_CHECK_FRAME_EXTENDED_CDB, extended_cdb, {0}, 0},
	{ISCSI_CHECK_FRAME_BIDI_AHS, bidi_ahs, {0}, 0},
	{ISCSI_CHECK_FRAME_PADDING_ZERO, padding_zero, {0}, 0},
	{ISCSI_CHECK_FRAME_NO_DATA_WHERE_FORBIDDEN, no_data_where_forbidden, {0}, 0},
	{ISCSI_CHECK_FRAME_DSL_LIMIT, dsl_limit, {0}, 0},
	{ISCSI_CHECK_FRAME_HEADER_DIGEST, header_digest, {0}, 0},
	{ISCSI_CHECK_FRAME_DATA_DIGEST, data_digest, {0}, 0},
	{ISCSI_CHECK_FRAME_DIGEST_OFF_AFTER_NONE, digest_off_after_none, {0}, 0},
};
const struct observer_case_group observer_cases_frame = CASE_GROUP(cases);
