/*
 * Structured random PDUs over logged-in connections: the input is a small program whose steps send
 * nearly right, or quite wrong, requests, answer R2Ts, hold I/O back, move the clock, drop and
 * reinstate connections. Two initiators work side by side, or one session has two connections; with
 * or without recovery. The invariants are the asserts of the
 * code, the checks of StatSN and of the command window in tests/support/wire.c, and the sanitizers;
 * at the end everything must drain and be freed.
 */
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "tests/support/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS_MAX 400
#define DATA_MAX  20000

enum step {
	STEP_COMMAND,
	STEP_COMMAND_AGAIN, /* weights: the main road twice */
	STEP_DATA_OUT,
	STEP_ANSWER_R2T,
	STEP_MANAGE,
	STEP_NOP,
	STEP_TEXT,
	STEP_LOGOUT,
	STEP_SNACK,
	STEP_RAW,
	STEP_GARBAGE,
	STEP_HOLD,
	STEP_RELEASE,
	STEP_WAIT,
	STEP_TAKE,
	STEP_OTHER,
	STEP_RECONNECT,
	STEP_REINSTATE,
	STEP_EOF,
	STEP_SHUTDOWN,
	STEP_COUNT,
};

struct player {
	struct wire wire;
	bool open;
	uint8_t isid;
	struct iscsi_r2t r2t; /* the last one seen */
	bool has_r2t;
	uint32_t ping_ttt, text_ttt;
	bool header_digest, data_digest; /* what the login asked for */
};

struct game {
	struct wire_house house;
	struct player players[2], spare;
	struct player *player; /* whose turn it is */
	struct byte_reader in;
	uint8_t settings;
	uint8_t more_settings; /* 1: recovery; 2: one session of two connections; 4: any order; 8:
				* level 2, and connections that come back */
	uint8_t payload[DATA_MAX];
};

/* Sizes that are interesting, and others. */
static uint32_t take_len(struct game *game)
{
	static const uint32_t lens[] = {0, 1, 4, 511, 512, 513, 1024, 4096, 8192, 16384, 65536};
	uint8_t pick = byte_reader_u8(&game->in);

	if (pick < 0xf0)
		return lens[pick % (sizeof(lens) / sizeof(lens[0]))];
	return byte_reader_be32(&game->in);
}

static uint32_t take_data_len(struct game *game)
{
	uint32_t len = take_len(game);

	return len > DATA_MAX ? DATA_MAX : len;
}

/* Few tags, so that they meet. */
static uint32_t take_itt(struct game *game)
{
	uint8_t pick = byte_reader_u8(&game->in);

	return pick == 0xff ? ISCSI_NO_TAG : 200u + pick % 24;
}

static uint32_t take_cmd_sn(struct game *game, bool immediate)
{
	struct wire *wire = &game->player->wire;
	uint8_t pick = byte_reader_u8(&game->in);

	if (pick < 0xd0)
		return immediate ? wire->cmd_sn : wire->cmd_sn++;
	return wire->exp_cmd_sn + (pick & 0xf) - 4;
}

static uint32_t take_ttt(struct game *game)
{
	const struct player *player = game->player;
	uint8_t pick = byte_reader_u8(&game->in);

	if (pick < 0x60)
		return ISCSI_NO_TAG;
	if (pick < 0xc0)
		return player->r2t.ttt;
	return pick < 0xe0 ? player->ping_ttt : player->text_ttt;
}

/* The login's last response can come late, when an older session has to drain first. */
static void note_login(struct player *player, const struct wire_pdu *pdu)
{
	struct iscsi_login_response response;

	iscsi_login_response_decode(pdu->bhs, &response);
	if (response.status != ISCSI_LOGIN_SUCCESS)
		return;
	player->wire.header_digest = player->header_digest;
	player->wire.data_digest = player->data_digest;
	player->wire.cmd_sn = response.sns.exp_cmd_sn;
}

static void note_pdu(struct player *player, const struct wire_pdu *pdu)
{
	struct iscsi_nop_in nop;
	struct iscsi_text_response text;

	if (pdu->opcode == ISCSI_LOGIN_RESPONSE) {
		note_login(player, pdu);
	} else if (pdu->opcode == ISCSI_R2T) {
		iscsi_r2t_decode(pdu->bhs, &player->r2t);
		player->has_r2t = true;
	} else if (pdu->opcode == ISCSI_NOP_IN) {
		iscsi_nop_in_decode(pdu->bhs, &nop);
		player->ping_ttt = nop.ttt;
	} else if (pdu->opcode == ISCSI_TEXT_RESPONSE) {
		iscsi_text_response_decode(pdu->bhs, &text);
		player->text_ttt = text.ttt;
	}
}

static void take_answers(struct player *player)
{
	struct wire_pdu *pdu;

	while ((pdu = wire_next(&player->wire)) != NULL)
		note_pdu(player, pdu);
}

/* --- connections ------------------------------------------------------------------------------ */

static void player_close(struct player *player)
{
	if (player->open)
		wire_close(&player->wire);
	player->open = false;
	player->has_r2t = false;
}

static void player_open(struct game *game, struct player *player)
{
	bool recovers = (game->more_settings & 1) != 0;
	bool joins = (game->more_settings & 2) != 0 && player == &game->players[1];
	bool returns = (game->more_settings & 8) != 0 && (byte_reader_left(&game->in) & 1) != 0;
	struct wire_login login = {
		.isid = {0x80, 0, 0, 0, 0, joins ? game->players[0].isid : player->isid},
		.cid = joins ? 2 : 1,
		.tsih = joins	  ? game->players[0].wire.tsih
			: returns ? player->wire.tsih
				  : 0,
		.discovery = (game->settings & 0x40) != 0 && player == &game->players[1],
		.keys =
			{
				game->settings & 1 ? "InitialR2T=No" : "InitialR2T=Yes",
				game->settings & 2 ? "ImmediateData=No" : "ImmediateData=Yes",
				game->settings & 4 ? "HeaderDigest=CRC32C" : "HeaderDigest=None",
				game->settings & 8 ? "DataDigest=CRC32C" : "DataDigest=None",
				game->settings & 16 ? "MaxBurstLength=1024"
						    : "MaxBurstLength=16384",
				game->settings & 16 ? "FirstBurstLength=512"
						    : "FirstBurstLength=8192",
				recovers && !(game->more_settings & 4) ? "MaxOutstandingR2T=1"
								       : "MaxOutstandingR2T=4",
				game->settings & 32 ? "MaxRecvDataSegmentLength=512"
						    : "MaxRecvDataSegmentLength=8192",
				"iSCSIProtocolLevel=2",
				!recovers		  ? "ErrorRecoveryLevel=0"
				: game->more_settings & 8 ? "ErrorRecoveryLevel=2"
							  : "ErrorRecoveryLevel=1",
				"MaxConnections=4",
				game->more_settings & 4 ? "DataPDUInOrder=No"
							: "DataPDUInOrder=Yes",
				game->more_settings & 4 ? "DataSequenceInOrder=No"
							: "DataSequenceInOrder=Yes",
			},
	};

	player_close(player);
	wire_open(&game->house, &player->wire);
	player->open = true;
	if (game->settings & 0x80)
		player->wire.chunk = 7;
	player->wire.lossy = recovers; /* what is sent again has its old StatSN */
	player->header_digest = (game->settings & 4) != 0;
	player->data_digest = (game->settings & 8) != 0;
	if (wire_login_with(&player->wire, &login) == ISCSI_LOGIN_SUCCESS)
		note_login(player, &player->wire.pdu);
}

/* A second connection of the same port takes the session's place, while the first one's is open.
 * (A connection points to its wire, so the wires trade places only after the old one is closed.) */
static void reinstate(struct game *game)
{
	struct player *player = game->player;
	struct player *next = &game->spare;

	next->isid = player->isid;
	player_open(game, next);
	take_answers(next);
	player_close(player);
	player_open(game, player);
	player_close(next);
}

/* --- requests --------------------------------------------------------------------------------- */

static void make_cdb(struct game *game, uint8_t cdb[16])
{
	static const uint8_t opcodes[] = {0x00, 0x28, 0x2a, 0x28, 0x2a, 0x12, 0x8a, 0x41,
					  0x42, 0x89, 0x5f, 0x5e, 0x25, 0x35, 0x1a, 0x16};
	uint8_t pick = byte_reader_u8(&game->in);

	memset(cdb, 0, 16);
	if (pick < 0xe0) {
		uint8_t opcode = opcodes[pick % sizeof(opcodes)];
		wire_cdb_10(cdb, opcode, byte_reader_u8(&game->in), byte_reader_u8(&game->in) % 40);
		return;
	}
	const uint8_t *raw = byte_reader_take(&game->in, 16);
	if (raw)
		memcpy(cdb, raw, 16);
}

static void send_command(struct game *game)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	uint8_t flags = byte_reader_u8(&game->in);
	uint8_t more = byte_reader_u8(&game->in);
	struct iscsi_scsi_command pdu = {
		.immediate = (flags & 0x88) == 0x88,
		.final = (flags & 1) == 0,
		.read = (flags & 2) != 0,
		.write = (flags & 4) != 0,
		.attribute = more & 7,
		.lun = {0, more > 0xf0},
		.itt = take_itt(game),
		.expected_len = take_len(game),
	};

	pdu.cmd_sn = take_cmd_sn(game, pdu.immediate);
	make_cdb(game, pdu.cdb);
	iscsi_scsi_command_encode(&pdu, bhs);
	uint32_t len = flags & 16 ? take_data_len(game) : 0;
	if ((flags & 0x60) == 0x60) {
		static const uint8_t ahs[12] = {0, 5, 2, 0, 0, 0, 2, 0};
		uint32_t ahs_len = 4u * (more % 4);
		wire_send_with_ahs(&game->player->wire, bhs, ahs, ahs_len, game->payload, len);
	} else {
		wire_send(&game->player->wire, bhs, game->payload, len);
	}
}

static void send_data_out(struct game *game)
{
	uint32_t itt = take_itt(game), ttt = take_ttt(game);
	uint8_t flags = byte_reader_u8(&game->in);
	uint32_t offset = take_len(game), len = take_data_len(game);

	game->player->wire.spoil = game->player->data_digest && (flags & 6) == 6;
	wire_data_out(&game->player->wire, itt, ttt, flags >> 4, offset, game->payload, len,
		      (flags & 1) != 0);
}

/* Mostly as asked; sometimes cut in two, with a mistake. */
static void answer_r2t(struct game *game)
{
	struct player *player = game->player;
	const struct iscsi_r2t *r2t = &player->r2t;
	uint8_t flags = byte_reader_u8(&game->in);

	take_answers(player);
	if (!player->has_r2t || r2t->desired_len > DATA_MAX)
		return;
	uint32_t first = flags & 1 ? r2t->desired_len / 2 : r2t->desired_len;
	if (first < r2t->desired_len)
		wire_data_out(&player->wire, r2t->itt, r2t->ttt, 0, r2t->offset, game->payload,
			      first, (flags & 2) != 0);
	wire_data_out(&player->wire, r2t->itt, r2t->ttt, flags & 4 ? 3 : first < r2t->desired_len,
		      r2t->offset + (first < r2t->desired_len ? first : 0), game->payload,
		      first < r2t->desired_len ? r2t->desired_len - first : first,
		      (flags & 8) == 0);
	player->has_r2t = false;
}

static void send_manage(struct game *game)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	uint8_t flags = byte_reader_u8(&game->in);
	struct iscsi_task_management_request pdu = {
		.immediate = (flags & 0x10) == 0,
		.function = flags & 0xf,
		.lun = {0, flags > 0xf0},
		.itt = take_itt(game),
		.referenced_tag = take_itt(game),
	};

	pdu.cmd_sn = take_cmd_sn(game, pdu.immediate);
	pdu.ref_cmd_sn = pdu.cmd_sn - byte_reader_u8(&game->in) % 8;
	iscsi_task_management_request_encode(&pdu, bhs);
	wire_send(&game->player->wire, bhs, NULL, 0);
}

static void send_nop(struct game *game)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	uint8_t flags = byte_reader_u8(&game->in);
	struct iscsi_nop_out pdu = {
		.immediate = (flags & 1) == 0,
		.itt = take_itt(game),
		.ttt = take_ttt(game),
	};

	pdu.cmd_sn = take_cmd_sn(game, pdu.immediate);
	iscsi_nop_out_encode(&pdu, bhs);
	wire_send(&game->player->wire, bhs, game->payload, take_data_len(game) % 2048);
}

static void send_text(struct game *game)
{
	static const char *const texts[] = {"SendTargets=All",
					    "SendTargets=",
					    ("SendTargets=" WIRE_TARGET),
					    "InitiatorAlias=x",
					    "MaxRecvDataSegmentLength=1024",
					    "X-a=1",
					    "",
					    "x"};
	uint8_t bhs[ISCSI_BHS_LEN];
	uint8_t flags = byte_reader_u8(&game->in);
	const char *text = texts[flags & 7];
	struct iscsi_text_request pdu = {
		.immediate = (flags & 8) == 0,
		.final = (flags & 16) == 0,
		.cont = (flags & 32) != 0,
		.itt = take_itt(game),
		.ttt = take_ttt(game),
	};

	pdu.cmd_sn = take_cmd_sn(game, pdu.immediate);
	iscsi_text_request_encode(&pdu, bhs);
	wire_send(&game->player->wire, bhs, text,
		  text[0] != '\0' ? (uint32_t)strlen(text) + (flags < 0xc0) : 0);
}

static void send_logout(struct game *game)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	uint8_t flags = byte_reader_u8(&game->in);
	struct iscsi_logout_request pdu = {
		.immediate = (flags & 0x80) != 0,
		.reason = flags & 3,
		.itt = take_itt(game),
		.cid = flags >> 2 & 3,
	};

	pdu.cmd_sn = take_cmd_sn(game, pdu.immediate);
	iscsi_logout_request_encode(&pdu, bhs);
	wire_send(&game->player->wire, bhs, NULL, 0);
}

static void send_snack(struct game *game)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	const struct wire *wire = &game->player->wire;
	uint8_t flags = byte_reader_u8(&game->in);
	struct iscsi_snack_request pdu = {
		.type = flags & 7,
		.itt = take_itt(game),
		.ttt = take_ttt(game),
		.exp_stat_sn = wire->exp_stat_sn + (flags >> 6),
		.beg_run = byte_reader_u8(&game->in) % 40,
		.run_len = byte_reader_u8(&game->in) % 8,
	};

	if (pdu.type == 1)
		pdu.beg_run += wire->exp_stat_sn - 8;
	iscsi_snack_request_encode(&pdu, bhs);
	wire_send(&game->player->wire, bhs, NULL, 0);
}

/* 48 bytes of the input as they are, with data and digests that fit. */
static void send_raw(struct game *game)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	const uint8_t *raw = byte_reader_take(&game->in, ISCSI_BHS_LEN);

	if (!raw)
		return;
	memcpy(bhs, raw, ISCSI_BHS_LEN);
	wire_send_with_ahs(&game->player->wire, bhs, game->payload, 4u * (raw[4] % 8),
			   game->payload, take_data_len(game));
}

static void send_garbage(struct game *game)
{
	size_t len = byte_reader_u8(&game->in);
	const uint8_t *raw = byte_reader_take(&game->in, len);

	if (raw && len > 0)
		wire_feed(&game->player->wire, raw, len);
}

/* --- the game --------------------------------------------------------------------------------- */

static void play_step(struct game *game, enum step step)
{
	struct wire *wire = &game->player->wire;

	switch (step) {
	case STEP_COMMAND:
	case STEP_COMMAND_AGAIN:
		send_command(game);
		break;
	case STEP_DATA_OUT:
		send_data_out(game);
		break;
	case STEP_ANSWER_R2T:
		answer_r2t(game);
		break;
	case STEP_MANAGE:
		send_manage(game);
		break;
	case STEP_NOP:
		send_nop(game);
		break;
	case STEP_TEXT:
		send_text(game);
		break;
	case STEP_LOGOUT:
		send_logout(game);
		break;
	case STEP_RAW:
		send_raw(game);
		break;
	case STEP_SNACK:
		send_snack(game);
		break;
	case STEP_GARBAGE:
		send_garbage(game);
		break;
	case STEP_HOLD:
		game->house.hold = true;
		break;
	case STEP_RELEASE:
		wire_house_release(&game->house);
		break;
	case STEP_WAIT:
		wire_wait(wire, (uint64_t)byte_reader_u8(&game->in) * 500);
		if (iscsi_node_deadline(game->house.node) <= game->house.now_ms)
			iscsi_node_tick(game->house.node, game->house.now_ms);
		break;
	case STEP_TAKE:
		take_answers(game->player);
		break;
	case STEP_OTHER:
		game->player = &game->players[game->player == &game->players[0]];
		if (game->more_settings & 2)
			game->player->wire.cmd_sn = wire->cmd_sn;
		break;
	case STEP_RECONNECT:
		player_open(game, game->player);
		break;
	case STEP_REINSTATE:
		reinstate(game);
		break;
	case STEP_EOF:
		iscsi_conn_eof(wire->conn, game->house.now_ms);
		break;
	case STEP_SHUTDOWN:
		iscsi_node_shutdown(game->house.node);
		break;
	case STEP_COUNT:
		break;
	}
}

static void game_begin(struct game *game)
{
	wire_house_init(&game->house);
	game->house.quiet = true;
	game->house.config.limits.command_window = 12;
	game->house.config.limits.immediate_max = 3;
	game->house.config.limits.session_data_max = 32768;
	game->house.config.limits.session_read_max = 32768;
	game->house.config.limits.send_queue_max = 65536;
	game->house.config.limits.rejects_max = 40;
	game->house.config.policy.error_recovery_level = 2;
	game->house.config.policy.default_time2retain = 20;
	game->house.config.policy.max_connections = 4;
	game->house.config.policy.data_pdu_in_order = false;
	game->house.config.policy.data_sequence_in_order = false;
	game->house.config.limits.unacked_max = 16384;
	game->house.config.policy.strict = (game->settings & 0x21) == 0x21;
	wire_house_start(&game->house);
	for (unsigned i = 0; i < 2; i++) {
		game->players[i].isid = (uint8_t)(i + 1);
		player_open(game, &game->players[i]);
	}
	game->player = &game->players[0];
}

static void game_end(struct game *game)
{
	wire_house_release(&game->house);
	for (unsigned i = 0; i < 2; i++)
		player_close(&game->players[i]);
	iscsi_node_shutdown(game->house.node);
	wire_house_stop(&game->house);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct game *game = calloc(1, sizeof(*game));

	if (!game)
		abort();
	game->in = byte_reader_over(data, size);
	game->settings = byte_reader_u8(&game->in);
	game->more_settings = byte_reader_u8(&game->in);
	game_begin(game);
	for (unsigned i = 0; i < STEPS_MAX && byte_reader_left(&game->in) > 0; i++)
		play_step(game, (enum step)(byte_reader_u8(&game->in) % STEP_COUNT));
	game_end(game);
	free(game);
	return 0;
}
