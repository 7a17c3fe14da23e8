#include "observer_script.h"

#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "tests/support/suite.h"

#define DATA_MAX  65536
#define TEXT_MAX  16384
#define FIRST_SN  100
#define WINDOW	  32
#define IMMEDIATE 0x40
#define TSIH	  7

static const uint8_t zeros[DATA_MAX];

void script_init(struct script *script)
{
	static const uint8_t isid[6] = {0x40, 0, 1, 0x37, 0, 1};

	*script = (struct script){
		.observer = iscsi_observer_create(),
		.now_ms = 1000000,
		.cid = 1,
		.portal_group = 1,
		.itt = 0x10,
		.cmd_sn = FIRST_SN,
		.stat_sn = 500,
		.max_cmd_sn = FIRST_SN + WINDOW - 1,
		.padding = zeros,
	};
	ck_assert_ptr_nonnull(script->observer);
	memcpy(script->isid, isid, sizeof(isid));
	iscsi_params_defaults(&script->params);
	script->params.initial_r2t = false;
	script->params.first_burst_len = 4096;
	script->params.max_recv_data_segment_len = 8192;
}

void script_finish(struct script *script)
{
	iscsi_watch_free(&script->watch, script->now_ms);
	iscsi_observer_free(&script->observer);
}

void script_connect(struct script *script)
{
	script->watch = iscsi_watch_create(script->observer, script->portal_group);
	ck_assert_ptr_nonnull(script->watch);
}

/* --- raw PDUs --------------------------------------------------------------------------------- */

/* Copies, so that a sanitizer sees who reads beyond. */
static uint8_t *copy_of(const void *bytes, uint32_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	ck_assert_ptr_nonnull(copy);
	if (len > 0)
		memcpy(copy, bytes, len);
	return copy;
}

static void receive(struct script *script, uint8_t *bhs, const uint8_t *ahs, uint32_t ahs_len,
		    const void *data, uint32_t len)
{
	uint8_t *own = copy_of(data, len), *own_ahs = copy_of(ahs, ahs_len);
	bool has_data =
		script->state == ISCSI_SEEN_WHOLE || script->state == ISCSI_SEEN_DATA_DIGEST;
	struct iscsi_seen_pdu pdu = {
		.state = script->state,
		.bhs = bhs,
		.ahs = own_ahs,
		.ahs_len = ahs_len,
		.data = len > 0 && has_data ? own : NULL,
		.data_len = has_data ? len : 0,
		.padding = script->padding,
	};

	iscsi_watch_received(script->watch, &pdu, script->now_ms);
	free(own);
	free(own_ahs);
}

void script_receive(struct script *script, uint8_t *bhs, const void *data, uint32_t len)
{
	put_be24(bhs + 5, len);
	receive(script, bhs, zeros, 0, data, len);
}

void script_receive_ahs(struct script *script, uint8_t *bhs, const uint8_t *ahs, uint32_t ahs_len)
{
	put_be24(bhs + 5, 0);
	bhs[4] = (uint8_t)(ahs_len / 4);
	receive(script, bhs, ahs, ahs_len, zeros, 0);
}

void script_send(struct script *script, uint8_t *bhs, const void *data, uint32_t len)
{
	uint8_t *own = copy_of(data, len);

	put_be24(bhs + 5, len);
	struct iscsi_seen_pdu pdu = {
		.bhs = bhs, .data = len > 0 ? own : NULL, .data_len = len, .padding = zeros};
	iscsi_watch_sent(script->watch, &pdu, &script->params, script->now_ms);
	free(own);
}

static struct iscsi_sns sns_of(const struct script *script)
{
	return (struct iscsi_sns){script->stat_sn, script->cmd_sn, script->max_cmd_sn};
}

/* --- login ------------------------------------------------------------------------------------ */

static uint32_t wire_text(const char *lines, char out[TEXT_MAX])
{
	size_t len = strlen(lines);

	ck_assert_uint_le(len, TEXT_MAX);
	for (size_t i = 0; i < len; i++)
		out[i] = (char)(lines[i] == '\n' ? '\0' : lines[i]);
	return (uint32_t)len;
}

struct iscsi_login_request script_login_request(const struct script *script)
{
	struct iscsi_login_request request = {
		.transit = true,
		.csg = ISCSI_STAGE_OPERATIONAL,
		.nsg = ISCSI_STAGE_FULL_FEATURE,
		.tsih = script->tsih,
		.itt = 1,
		.cid = script->cid,
		.cmd_sn = script->cmd_sn,
		.exp_stat_sn = script->stat_sn,
	};

	memcpy(request.isid, script->isid, sizeof(request.isid));
	return request;
}

void script_say_login(struct script *script, const struct iscsi_login_request *request,
		      const char *text)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	char wire[TEXT_MAX];

	iscsi_login_request_encode(request, bhs);
	script_receive(script, bhs, wire, wire_text(text, wire));
}

void script_answer_login(struct script *script, const struct iscsi_login_request *request,
			 uint16_t status, const char *text)
{
	struct iscsi_login_response response = {
		.transit = request->transit && status == 0,
		.csg = request->csg,
		.nsg = request->transit ? request->nsg : 0,
		.itt = request->itt,
		.tsih = request->tsih != 0 ? request->tsih
					   : (uint16_t)(TSIH + script->portal_group),
		.status = status,
		.sns = sns_of(script),
	};
	uint8_t bhs[ISCSI_BHS_LEN];
	char wire[TEXT_MAX];

	iscsi_login_response_encode(&response, bhs);
	script_send(script, bhs, wire, wire_text(text, wire));
	script->stat_sn++;
}

void script_login_with(struct script *script, const char *text)
{
	struct iscsi_login_request request = script_login_request(script);

	script_connect(script);
	script_say_login(script, &request, text);
	script_answer_login(script, &request, ISCSI_LOGIN_SUCCESS, "TargetPortalGroupTag=1\n");
}

void script_login(struct script *script)
{
	script_login_with(script, SCRIPT_NAMES);
}

void script_login_discovery(struct script *script)
{
	script_login_with(script, "InitiatorName=" SCRIPT_INITIATOR "\nSessionType=Discovery\n");
}

/* --- commands --------------------------------------------------------------------------------- */

struct iscsi_scsi_command script_command(struct script *script)
{
	return (struct iscsi_scsi_command){
		.final = true,
		.itt = script->itt++,
		.cmd_sn = script->cmd_sn,
		.exp_stat_sn = script->stat_sn,
	};
}

struct iscsi_scsi_command script_write(struct script *script, uint32_t len)
{
	struct iscsi_scsi_command command = script_command(script);

	command.write = true;
	command.expected_len = len;
	command.cdb[0] = 0x2a;
	put_be16(command.cdb + 7, (uint16_t)(len / 512));
	return command;
}

void script_say_command(struct script *script, const struct iscsi_scsi_command *command,
			uint32_t data_len)
{
	uint8_t bhs[ISCSI_BHS_LEN];

	iscsi_scsi_command_encode(command, bhs);
	script_receive(script, bhs, zeros, data_len);
	if (!command->immediate)
		script->cmd_sn = command->cmd_sn + 1;
}

void script_respond(struct script *script, uint32_t itt, uint8_t status, uint32_t sense_len)
{
	struct iscsi_scsi_response response = {.status = status, .itt = itt, .sns = sns_of(script)};
	uint8_t bhs[ISCSI_BHS_LEN];

	iscsi_scsi_response_encode(&response, bhs);
	script_send(script, bhs, zeros, sense_len);
	script->stat_sn++;
}

void script_run(struct script *script)
{
	struct iscsi_scsi_command command = script_command(script);

	script_say_command(script, &command, 0);
	script_respond(script, command.itt, 0, 0);
}

void script_r2t(struct script *script, uint32_t itt, uint32_t ttt, uint32_t offset, uint32_t len)
{
	struct iscsi_r2t r2t = {.itt = itt,
				.ttt = ttt,
				.offset = offset,
				.desired_len = len,
				.sns = sns_of(script)};
	uint8_t bhs[ISCSI_BHS_LEN];

	iscsi_r2t_encode(&r2t, bhs);
	script_send(script, bhs, zeros, 0);
}

struct iscsi_data_out script_data(const struct script *script, uint32_t itt, uint32_t ttt,
				  uint32_t offset)
{
	return (struct iscsi_data_out){
		.final = true,
		.itt = itt,
		.ttt = ttt,
		.offset = offset,
		.exp_stat_sn = script->stat_sn,
	};
}

void script_say_data(struct script *script, const struct iscsi_data_out *data, uint32_t len)
{
	uint8_t bhs[ISCSI_BHS_LEN];

	iscsi_data_out_encode(data, bhs);
	script_receive(script, bhs, zeros, len);
}

/* --- the other requests ----------------------------------------------------------------------- */

struct iscsi_nop_out script_nop(struct script *script)
{
	return (struct iscsi_nop_out){
		.immediate = true,
		.itt = script->itt++,
		.ttt = ISCSI_NO_TAG,
		.cmd_sn = script->cmd_sn,
		.exp_stat_sn = script->stat_sn,
	};
}

void script_say_nop(struct script *script, const struct iscsi_nop_out *nop)
{
	uint8_t bhs[ISCSI_BHS_LEN];

	iscsi_nop_out_encode(nop, bhs);
	script_receive(script, bhs, zeros, 0);
	if (!nop->immediate)
		script->cmd_sn = nop->cmd_sn + 1;
}

static void send_nop(struct script *script, uint32_t itt, uint32_t ttt)
{
	struct iscsi_nop_in nop = {.itt = itt, .ttt = ttt, .sns = sns_of(script)};
	uint8_t bhs[ISCSI_BHS_LEN];

	iscsi_nop_in_encode(&nop, bhs);
	script_send(script, bhs, zeros, 0);
}

void script_answer_nop(struct script *script, uint32_t itt)
{
	send_nop(script, itt, ISCSI_NO_TAG);
	script->stat_sn++;
}

void script_ping(struct script *script, uint32_t ttt)
{
	send_nop(script, ISCSI_NO_TAG, ttt);
}

struct iscsi_task_management_request script_management(struct script *script, uint8_t function)
{
	return (struct iscsi_task_management_request){
		.immediate = true,
		.function = function,
		.itt = script->itt++,
		.referenced_tag = ISCSI_NO_TAG,
		.cmd_sn = script->cmd_sn,
		.exp_stat_sn = script->stat_sn,
	};
}

void script_say_management(struct script *script, const struct iscsi_task_management_request *tmf,
			   uint32_t data_len)
{
	uint8_t bhs[ISCSI_BHS_LEN];

	iscsi_task_management_request_encode(tmf, bhs);
	script_receive(script, bhs, zeros, data_len);
}

struct iscsi_text_request script_text(struct script *script)
{
	return (struct iscsi_text_request){
		.final = true,
		.itt = script->itt++,
		.ttt = ISCSI_NO_TAG,
		.cmd_sn = script->cmd_sn,
		.exp_stat_sn = script->stat_sn,
	};
}

void script_say_text(struct script *script, const struct iscsi_text_request *text,
		     const char *pairs)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	char wire[TEXT_MAX];

	iscsi_text_request_encode(text, bhs);
	script_receive(script, bhs, wire, wire_text(pairs, wire));
	if (!text->immediate)
		script->cmd_sn = text->cmd_sn + 1;
}

void script_answer_text(struct script *script, uint32_t itt, uint32_t ttt, const char *pairs)
{
	struct iscsi_text_response response = {
		.final = ttt == ISCSI_NO_TAG, .itt = itt, .ttt = ttt, .sns = sns_of(script)};
	uint8_t bhs[ISCSI_BHS_LEN];
	char wire[TEXT_MAX];

	iscsi_text_response_encode(&response, bhs);
	script_send(script, bhs, wire, wire_text(pairs, wire));
	script->stat_sn++;
}

struct iscsi_logout_request script_logout_request(struct script *script)
{
	return (struct iscsi_logout_request){
		.immediate = true,
		.itt = script->itt++,
		.cid = script->cid,
		.cmd_sn = script->cmd_sn,
		.exp_stat_sn = script->stat_sn,
	};
}

void script_say_logout(struct script *script, const struct iscsi_logout_request *logout)
{
	uint8_t bhs[ISCSI_BHS_LEN];

	iscsi_logout_request_encode(logout, bhs);
	script_receive(script, bhs, zeros, 0);
}

void script_answer_logout(struct script *script, uint32_t itt)
{
	struct iscsi_logout_response response = {.itt = itt, .sns = sns_of(script)};
	uint8_t bhs[ISCSI_BHS_LEN];

	iscsi_logout_response_encode(&response, bhs);
	script_send(script, bhs, zeros, 0);
	script->stat_sn++;
}

void script_logout(struct script *script)
{
	struct iscsi_logout_request logout = script_logout_request(script);

	script_say_logout(script, &logout);
	script_answer_logout(script, logout.itt);
	script_eof(script);
}

struct iscsi_snack_request script_snack(const struct script *script, uint8_t type)
{
	return (struct iscsi_snack_request){
		.type = type,
		.itt = ISCSI_NO_TAG,
		.ttt = ISCSI_NO_TAG,
		.exp_stat_sn = script->stat_sn,
	};
}

void script_say_snack(struct script *script, const struct iscsi_snack_request *snack)
{
	uint8_t bhs[ISCSI_BHS_LEN];

	iscsi_snack_request_encode(snack, bhs);
	script_receive(script, bhs, zeros, 0);
}

void script_eof(struct script *script)
{
	iscsi_watch_eof(script->watch, script->now_ms);
}

void script_close(struct script *script)
{
	iscsi_watch_free(&script->watch, script->now_ms);
}
