#include "tests/property/lossy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/session.h"

#define REQUIRE(condition)                                                                        \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                  \
		}                                                                                 \
	} while (0)

uint32_t lossy_pick(struct lossy *lossy, uint32_t below)
{
	lossy->random ^= lossy->random << 13;
	lossy->random ^= lossy->random >> 7;
	lossy->random ^= lossy->random << 17;
	return (uint32_t)(lossy->random >> 16) % below;
}

static bool chance(struct lossy *lossy, unsigned *count)
{
	bool happens = lossy_pick(lossy, 1000) < lossy->loss;

	*count += happens;
	return happens;
}

/* --- sending ---------------------------------------------------------------------------------- */

/* What the network makes of a PDU. NOPs get through: a lost answer ends the connection. */
static void send_pdu(struct lossy *lossy, unsigned connection, uint8_t *bhs, const void *data,
		     uint32_t len)
{
	struct wire *wire = &lossy->connections[connection].wire;

	if ((bhs[0] & 0x3f) != ISCSI_NOP_OUT) {
		if (chance(lossy, &lossy->lost))
			return;
		wire->spoil = lossy->data_digest && len > 0 && chance(lossy, &lossy->damaged);
		if (!wire->spoil && chance(lossy, &lossy->doubled))
			wire_send(wire, bhs, data, len);
	}
	wire_send(wire, bhs, data, len);
}

static void send_command(struct lossy *lossy, const struct lossy_command *command, unsigned slot)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iscsi_scsi_command pdu = {
		.final = command->final,
		.read = !command->write,
		.write = command->write,
		.attribute = SCSI_ATTRIBUTE_SIMPLE,
		.itt = command->itt,
		.expected_len = command->len,
		.cmd_sn = command->cmd_sn,
		.exp_stat_sn = lossy->connections[command->connection].exp_stat_sn,
	};

	wire_cdb_10(pdu.cdb, command->write ? 0x2a : 0x28, slot * LOSSY_SLOT_BLOCKS,
		    (uint16_t)(command->len / WIRE_BLOCK));
	iscsi_scsi_command_encode(&pdu, bhs);
	send_pdu(lossy, command->connection, bhs, command->data, command->first_len);
}

static void send_data_out(struct lossy *lossy, const struct lossy_command *command, uint32_t ttt,
			  uint32_t data_sn, const uint32_t range[2], bool final)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iscsi_data_out pdu = {
		.final = final,
		.itt = command->itt,
		.ttt = ttt,
		.exp_stat_sn = lossy->connections[command->connection].exp_stat_sn,
		.data_sn = data_sn,
		.offset = range[0],
	};

	iscsi_data_out_encode(&pdu, bhs);
	send_pdu(lossy, command->connection, bhs, command->data + range[0], range[1] - range[0]);
}

/* One sequence, in pieces of random length and, when that is agreed, in random order. */
static void send_sequence(struct lossy *lossy, const struct lossy_command *command, uint32_t ttt,
			  uint32_t from, uint32_t to)
{
	uint32_t pieces[LOSSY_SLOT_BYTES / 256 + 1][2];
	uint32_t count = 0;

	while (from < to) {
		uint32_t len = 256 * (1 + lossy_pick(lossy, 8));
		pieces[count][0] = from;
		from = to - from < len ? to : from + len;
		pieces[count++][1] = from;
	}
	for (uint32_t i = 0; i < count; i++) {
		uint32_t other = i + lossy_pick(lossy, count - i);
		uint32_t piece[2] = {pieces[i][0], pieces[i][1]};
		if (!lossy->in_order) {
			memcpy(piece, pieces[other], sizeof(piece));
			memcpy(pieces[other], pieces[i], sizeof(piece));
		}
		send_data_out(lossy, command, ttt, i, piece, i == count - 1);
	}
}

static void send_snack(struct lossy *lossy, unsigned connection, struct iscsi_snack_request snack)
{
	uint8_t bhs[ISCSI_BHS_LEN];

	snack.exp_stat_sn = lossy->connections[connection].exp_stat_sn;
	iscsi_snack_request_encode(&snack, bhs);
	send_pdu(lossy, connection, bhs, NULL, 0);
}

/* --- commands --------------------------------------------------------------------------------- */

static void write_prepare(struct lossy *lossy, struct lossy_command *command)
{
	uint32_t first = lossy->first_burst < command->len ? lossy->first_burst : command->len;

	for (uint32_t i = 0; i < command->len; i++)
		command->data[i] = (uint8_t)lossy_pick(lossy, 256);
	if (lossy->immediate_data && lossy_pick(lossy, 3) > 0)
		command->first_len = 4 * lossy_pick(lossy, (first < 2048 ? first : 2048) / 4 + 1);
	command->final = lossy->initial_r2t || command->first_len == first || lossy_pick(lossy, 2);
}

void lossy_issue(struct lossy *lossy)
{
	unsigned slot = lossy_pick(lossy, LOSSY_SLOTS);
	struct lossy_command *command = &lossy->commands[slot];

	if (command->live)
		return;
	*command = (struct lossy_command){
		.live = true,
		.write = lossy_pick(lossy, 2) == 0,
		.final = true,
		.connection = lossy_pick(lossy, lossy->connection_count),
		.itt = lossy->next_itt++,
		.cmd_sn = lossy->cmd_sn++,
		.len = WIRE_BLOCK * (1 + lossy_pick(lossy, LOSSY_SLOT_BLOCKS)),
	};
	if (command->write)
		write_prepare(lossy, command);
	lossy->issued++;
	send_command(lossy, command, slot);
	if (!command->final) {
		uint32_t first = lossy->first_burst;
		send_sequence(lossy, command, ISCSI_NO_TAG, command->first_len,
			      first < command->len ? first : command->len);
	}
}

static struct lossy_command *find(struct lossy *lossy, uint32_t itt)
{
	for (unsigned i = 0; i < LOSSY_SLOTS; i++)
		if (lossy->commands[i].live && lossy->commands[i].itt == itt)
			return &lossy->commands[i];
	return NULL;
}

/* --- StatSN ----------------------------------------------------------------------------------- */

static uint8_t *stat_of(struct lossy_connection *c, uint32_t sn)
{
	return &c->stats[sn % LOSSY_STATS];
}

static void stats_advance(struct lossy_connection *c)
{
	while (*stat_of(c, c->exp_stat_sn) == LOSSY_TAKEN) {
		*stat_of(c, c->exp_stat_sn) = LOSSY_MISSING;
		c->exp_stat_sn++;
	}
}

/* A PDU with this StatSN is here. False: it was here before. */
static bool stat_note(struct lossy_connection *c, uint32_t sn, enum lossy_stat what)
{
	if (iscsi_sn_before(sn, c->exp_stat_sn) || *stat_of(c, sn) != LOSSY_MISSING)
		return false;
	REQUIRE(sn - c->exp_stat_sn < LOSSY_STATS);
	*stat_of(c, sn) = (uint8_t)what;
	if (iscsi_sn_before(c->highest, sn + 1))
		c->highest = sn + 1;
	stats_advance(c);
	return true;
}

static void ask_for_status(struct lossy *lossy, unsigned connection)
{
	struct lossy_connection *c = &lossy->connections[connection];
	uint32_t sn = c->exp_stat_sn;

	while (iscsi_sn_before(sn, c->highest) && *stat_of(c, sn) != LOSSY_MISSING)
		sn++;
	if (!iscsi_sn_before(sn, c->highest))
		return;
	uint32_t end = sn;
	while (iscsi_sn_before(end, c->highest) && *stat_of(c, end) == LOSSY_MISSING)
		end++;
	lossy->snacks_status++;
	send_snack(lossy, connection,
		   (struct iscsi_snack_request){.type = 1,
						.itt = ISCSI_NO_TAG,
						.ttt = ISCSI_NO_TAG,
						.beg_run = sn,
						.run_len = end - sn});
}

/* --- answers ---------------------------------------------------------------------------------- */

static void finish(struct lossy *lossy, struct lossy_command *command)
{
	struct lossy_connection *c = &lossy->connections[command->connection];
	size_t slot = (size_t)(command - lossy->commands);

	if (command->write)
		memcpy(lossy->disk[slot], command->data, command->len);
	else
		REQUIRE(memcmp(lossy->disk[slot], command->data, command->len) == 0);
	*stat_of(c, command->stat_sn) = LOSSY_TAKEN;
	stats_advance(c);
	command->live = false;
	lossy->completed++;
}

/* Is the data here that its status promised? Asks for the first run that is not. */
static bool data_is_whole(struct lossy *lossy, const struct lossy_command *command, bool ask)
{
	uint32_t sn = 0;

	while (sn < command->exp_data_sn && command->got[sn])
		sn++;
	if (sn == command->exp_data_sn)
		return true;
	uint32_t end = sn;
	while (end < command->exp_data_sn && !command->got[end])
		end++;
	if (ask) {
		lossy->snacks_data++;
		send_snack(lossy, command->connection,
			   (struct iscsi_snack_request){.itt = command->itt,
							.ttt = ISCSI_NO_TAG,
							.beg_run = sn,
							.run_len = end - sn});
	}
	return false;
}

static void take_response(struct lossy *lossy, unsigned connection, const struct wire_pdu *pdu)
{
	struct lossy_connection *c = &lossy->connections[connection];
	struct iscsi_scsi_response response;

	iscsi_scsi_response_decode(pdu->bhs, &response);
	if (!stat_note(c, response.sns.stat_sn, LOSSY_HELD))
		return;
	struct lossy_command *command = find(lossy, response.itt);
	REQUIRE(command && !command->answered && command->connection == connection);
	REQUIRE(response.status == SCSI_STATUS_GOOD);
	REQUIRE(!response.residual.overflow && !response.residual.underflow);
	REQUIRE(response.exp_data_sn < LOSSY_SEGMENTS_MAX);
	command->answered = true;
	command->stat_sn = response.sns.stat_sn;
	command->exp_data_sn = command->write ? 0 : response.exp_data_sn;
	if (data_is_whole(lossy, command, true))
		finish(lossy, command);
}

static void acknowledge(struct lossy *lossy, const struct lossy_command *command,
			const struct iscsi_data_in *in)
{
	struct iscsi_snack_request snack = {
		.type = 2, .itt = in->itt, .ttt = in->ttt, .beg_run = in->data_sn + 1};

	for (uint32_t sn = 0; sn <= in->data_sn; sn++)
		if (!command->got[sn])
			return;
	memcpy(snack.lun, in->lun, sizeof(snack.lun));
	lossy->data_acks++;
	send_snack(lossy, command->connection, snack);
}

static void take_data_in(struct lossy *lossy, unsigned connection, const struct wire_pdu *pdu)
{
	struct iscsi_data_in in;

	iscsi_data_in_decode(pdu->bhs, &in);
	struct lossy_command *command = find(lossy, in.itt);
	if (!command)
		return; /* it was complete without this one */
	REQUIRE(!command->write && command->connection == connection && !in.has_status);
	REQUIRE(in.data_sn < LOSSY_SEGMENTS_MAX);
	REQUIRE((uint64_t)in.offset + pdu->data_len <= command->len);
	memcpy(command->data + in.offset, pdu->data, pdu->data_len);
	command->got[in.data_sn] = true;
	if (in.acknowledge)
		acknowledge(lossy, command, &in);
	if (command->answered && data_is_whole(lossy, command, false))
		finish(lossy, command);
}

static void take_r2t(struct lossy *lossy, const struct wire_pdu *pdu)
{
	struct iscsi_r2t r2t;

	iscsi_r2t_decode(pdu->bhs, &r2t);
	struct lossy_command *command = find(lossy, r2t.itt);
	if (!command)
		return;
	REQUIRE(command->write && (uint64_t)r2t.offset + r2t.desired_len <= command->len);
	REQUIRE(r2t.desired_len > 0 && r2t.desired_len <= lossy->burst);
	if (r2t.r2t_sn < command->r2t_next) {
		lossy->r2ts_again++;
		return; /* it was answered */
	}
	command->r2t_next = r2t.r2t_sn + 1;
	send_sequence(lossy, command, r2t.ttt, r2t.offset, r2t.offset + r2t.desired_len);
}

static void take_nop(struct lossy *lossy, unsigned connection, const struct wire_pdu *pdu)
{
	struct lossy_connection *c = &lossy->connections[connection];
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iscsi_nop_in ping;

	iscsi_nop_in_decode(pdu->bhs, &ping);
	if (iscsi_sn_before(c->highest, ping.sns.stat_sn))
		c->highest = ping.sns.stat_sn;
	if (ping.ttt == ISCSI_NO_TAG)
		return;
	struct iscsi_nop_out pong = {.immediate = true,
				     .itt = ISCSI_NO_TAG,
				     .ttt = ping.ttt,
				     .cmd_sn = lossy->cmd_sn,
				     .exp_stat_sn = c->exp_stat_sn};
	iscsi_nop_out_encode(&pong, bhs);
	send_pdu(lossy, connection, bhs, NULL, 0);
}

static void take_reassigned(struct lossy *lossy, unsigned connection, const struct wire_pdu *pdu)
{
	struct iscsi_task_management_response response;

	iscsi_task_management_response_decode(pdu->bhs, &response);
	if (!stat_note(&lossy->connections[connection], response.sns.stat_sn, LOSSY_TAKEN))
		return;
	for (unsigned i = 0; i < LOSSY_SLOTS; i++) {
		struct lossy_command *command = &lossy->commands[i];
		if (!command->live || command->reassign != response.itt)
			continue;
		/* One that came twice finds the task here already, or answered. */
		REQUIRE(response.response == 0 || response.response == 3 || response.response == 1);
		lossy->reassigned += response.response == 0;
		command->reassign = 0;
	}
}

static void take_pdu(struct lossy *lossy, unsigned connection, const struct wire_pdu *pdu)
{
	struct iscsi_reject reject;

	switch (pdu->opcode) {
	case ISCSI_SCSI_RESPONSE:
		take_response(lossy, connection, pdu);
		break;
	case ISCSI_DATA_IN:
		take_data_in(lossy, connection, pdu);
		break;
	case ISCSI_R2T:
		take_r2t(lossy, pdu);
		break;
	case ISCSI_NOP_IN:
		take_nop(lossy, connection, pdu);
		break;
	case ISCSI_TASK_MANAGEMENT_RESPONSE:
		take_reassigned(lossy, connection, pdu);
		break;
	case ISCSI_ASYNC_MESSAGE: /* another connection broke; StatSN stands where Reject has it */
	case ISCSI_REJECT:	  /* of what was damaged, or came too late */
		iscsi_reject_decode(pdu->bhs, &reject);
		stat_note(&lossy->connections[connection], reject.sns.stat_sn, LOSSY_TAKEN);
		break;
	default:
		fprintf(stderr, "unexpected %s\n", iscsi_opcode_name(pdu->opcode));
		abort();
	}
}

bool lossy_take(struct lossy *lossy)
{
	bool any = false;

	for (unsigned i = 0; i < lossy->connection_count; i++) {
		struct wire *wire = &lossy->connections[i].wire;
		struct wire_pdu *pdu;
		while ((pdu = wire_next(wire)) != NULL) {
			any = true;
			if (iscsi_sn_before(lossy->exp_cmd_sn, wire->exp_cmd_sn))
				lossy->exp_cmd_sn = wire->exp_cmd_sn;
			bool nop = pdu->opcode == ISCSI_NOP_IN;
			if (!nop && chance(lossy, &lossy->lost))
				continue;
			if (!nop && chance(lossy, &lossy->doubled))
				take_pdu(lossy, i, pdu);
			take_pdu(lossy, i, pdu);
		}
	}
	return any;
}

/* --- connections that break ------------------------------------------------------------------- */

static void reassign(struct lossy *lossy, struct lossy_command *command)
{
	const struct lossy_connection *c = &lossy->connections[command->connection];
	uint8_t bhs[ISCSI_BHS_LEN];
	uint32_t whole = 0;

	while (!command->write && command->got[whole])
		whole++;
	command->reassign = lossy->next_itt++;
	struct iscsi_task_management_request request = {
		.immediate = true,
		.function = 8,
		.itt = command->reassign,
		.referenced_tag = command->itt,
		.cmd_sn = lossy->cmd_sn,
		.exp_stat_sn = c->exp_stat_sn,
		.exp_data_sn = lossy_pick(lossy, 2) ? whole : 0,
	};
	iscsi_task_management_request_encode(&request, bhs);
	send_pdu(lossy, command->connection, bhs, NULL, 0);
}

static void connect_wire(struct lossy *lossy, unsigned index);

static void break_connection(struct lossy *lossy, unsigned index)
{
	struct lossy_connection *c = &lossy->connections[index];

	lossy->broken++;
	wire_close(&c->wire);
	connect_wire(lossy, index);
	memset(c->stats, 0, sizeof(c->stats));
	for (unsigned i = 0; i < LOSSY_SLOTS; i++) {
		struct lossy_command *command = &lossy->commands[i];
		if (!command->live || command->connection != index)
			continue;
		command->answered = false; /* its status comes again, with another number */
		if (iscsi_sn_before(command->cmd_sn, lossy->exp_cmd_sn))
			reassign(lossy, command);
	}
}

void lossy_tick(struct lossy *lossy)
{
	if (lossy->level == 2 && lossy_pick(lossy, 5) == 0)
		break_connection(lossy, lossy_pick(lossy, lossy->connection_count));
	lossy->house.now_ms += lossy->house.config.limits.recovery_ms + 100;
	for (unsigned i = 0; i < lossy->connection_count; i++) {
		struct wire *wire = &lossy->connections[i].wire;
		wire_wait(wire, 0);
		REQUIRE(!iscsi_conn_finished(wire->conn));
		lossy_take(lossy);
		ask_for_status(lossy, i);
	}
	for (unsigned i = 0; i < LOSSY_SLOTS; i++) {
		struct lossy_command *command = &lossy->commands[i];
		if (!command->live)
			continue;
		if (command->reassign != 0) {
			reassign(lossy, command);
		} else if (!iscsi_sn_before(command->cmd_sn, lossy->exp_cmd_sn)) {
			lossy->retried++;
			send_command(lossy, command, i);
		} else if (command->answered) {
			data_is_whole(lossy, command, true);
		}
	}
}

bool lossy_is_idle(const struct lossy *lossy)
{
	return lossy->issued == lossy->completed;
}

/* --- beginning and end ------------------------------------------------------------------------ */

static void connect_wire(struct lossy *lossy, unsigned index)
{
	struct lossy_connection *c = &lossy->connections[index];
	char burst[40], first[40], segment[48];
	struct wire_login login = {
		.isid = {0x80, 0, 0, 0, 0, 1},
		.tsih = lossy->tsih,
		.cid = (uint16_t)(index + 1),
		.cmd_sn = lossy->cmd_sn,
		.keys =
			{
				lossy->data_digest ? "DataDigest=CRC32C" : "DataDigest=None",
				segment,
				lossy->tsih != 0    ? NULL
				: lossy->level == 2 ? "ErrorRecoveryLevel=2"
						    : "ErrorRecoveryLevel=1",
				"DefaultTime2Retain=3600",
				"MaxOutstandingR2T=1",
				"MaxConnections=4",
				burst,
				first,
				lossy->initial_r2t ? "InitialR2T=Yes" : "InitialR2T=No",
				lossy->immediate_data ? "ImmediateData=Yes" : "ImmediateData=No",
				lossy->in_order ? "DataPDUInOrder=Yes" : "DataPDUInOrder=No",
			},
	};

	snprintf(burst, sizeof(burst), "MaxBurstLength=%u", lossy->burst);
	snprintf(first, sizeof(first), "FirstBurstLength=%u", lossy->first_burst);
	snprintf(segment, sizeof(segment), "MaxRecvDataSegmentLength=%u", lossy->segment);
	wire_open(&lossy->house, &c->wire);
	REQUIRE(wire_login_with(&c->wire, &login) == ISCSI_LOGIN_SUCCESS);
	c->wire.data_digest = lossy->data_digest;
	if (lossy->tsih == 0) {
		lossy->tsih = c->wire.tsih;
		wire_clear_unit_attentions(&c->wire);
		lossy->cmd_sn = lossy->exp_cmd_sn = c->wire.cmd_sn;
	}
	if (iscsi_sn_before(lossy->exp_cmd_sn, c->wire.exp_cmd_sn))
		lossy->exp_cmd_sn = c->wire.exp_cmd_sn;
	c->wire.lossy = true;
	c->exp_stat_sn = c->highest = c->wire.exp_stat_sn;
}

void lossy_start(struct lossy *lossy, uint64_t seed)
{
	memset(lossy, 0, sizeof(*lossy));
	lossy->random = seed * 0x9e3779b97f4a7c15u | 1;
	for (unsigned i = 0; i < 8; i++)
		lossy_pick(lossy, 2); /* small seeds have few bits */
	wire_house_init(&lossy->house);
	lossy->house.quiet = true;
	lossy->house.config.policy.error_recovery_level = 2;
	lossy->house.config.policy.default_time2retain = 3600;
	lossy->house.config.policy.max_connections = LOSSY_CONNECTIONS_MAX;
	lossy->house.config.policy.data_pdu_in_order = false;
	lossy->house.config.limits.rejects_max = 1000000;
	wire_house_start(&lossy->house);
	lossy->connection_count = 1 + lossy_pick(lossy, LOSSY_CONNECTIONS_MAX);
	lossy->initial_r2t = lossy_pick(lossy, 2);
	lossy->immediate_data = lossy_pick(lossy, 2);
	lossy->in_order = lossy_pick(lossy, 2);
	lossy->data_digest = lossy_pick(lossy, 4) > 0;
	lossy->burst = 1024u << lossy_pick(lossy, 5);
	lossy->first_burst = lossy->burst >> lossy_pick(lossy, 2);
	lossy->segment = 512u << lossy_pick(lossy, 4);
	lossy->level = 1 + lossy_pick(lossy, 2);
	lossy->cmd_sn = 1;
	lossy->next_itt = 1000;
	for (unsigned i = 0; i < lossy->connection_count; i++)
		connect_wire(lossy, i);
	lossy->loss = 10 + lossy_pick(lossy, 90);
}

void lossy_stop(struct lossy *lossy)
{
	const struct iscsi_session *session = lossy->house.node->sessions;

	/* Each command was carried out once: those that cleared unit attentions came before. */
	REQUIRE(session && session->task_count == 0);
	REQUIRE(session->data_used == 0 && session->early_used == 0);
	for (unsigned i = 0; i < lossy->connection_count; i++)
		wire_close(&lossy->connections[i].wire);
	iscsi_node_shutdown(lossy->house.node);
	wire_house_stop(&lossy->house);
}
