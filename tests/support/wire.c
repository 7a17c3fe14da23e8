#include "tests/support/wire.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "pr_engine/crc32c.h"

#define LOGIN_TEXT_MAX 4096

/* Works in Check's tests and in the fuzz target: says what is wrong, and aborts. */
static void check_failed(const char *file, int line, const char *condition, const struct wire *wire)
{
	fprintf(stderr, "%s:%d: not true: %s\n", file, line, condition);
	if (wire) {
		fprintf(stderr,
			"last PDU from the target (%s):", iscsi_opcode_name(wire->pdu.opcode));
		for (unsigned i = 0; i < ISCSI_BHS_LEN; i++)
			fprintf(stderr, "%s%02x", i % 4 == 0 ? " " : "", wire->pdu.bhs[i]);
		fprintf(stderr, "\nlog:\n%s", wire->house->log);
	}
	abort();
}

#define CHECK(condition)                                                    \
	do {                                                                \
		if (!(condition))                                           \
			check_failed(__FILE__, __LINE__, #condition, NULL); \
	} while (0)
#define CHECK_PDU(wire, condition)                                          \
	do {                                                                \
		if (!(condition))                                           \
			check_failed(__FILE__, __LINE__, #condition, wire); \
	} while (0)

/* --- the target's side ------------------------------------------------------------------------ */

/* The memory store, with a gate in front of it. */
struct gate {
	struct backing backing;
	struct backing *inner;
	struct wire_house *house;
};

static void gate_submit(struct backing *backing, struct backing_request *request)
{
	struct gate *gate = (struct gate *)backing;
	struct wire_house *house = gate->house;

	if (house->hold && house->held_count < 64) {
		request->backing = backing;
		house->held[house->held_count++] = request;
		return;
	}
	gate->inner->ops->submit(gate->inner, request);
}

static int gate_at_once(struct backing *backing, enum backing_op op, uint64_t offset, uint8_t *data,
			size_t len)
{
	const struct gate *gate = (struct gate *)backing;

	return gate->house->hold ? -EAGAIN
				 : gate->inner->ops->at_once(gate->inner, op, offset, data, len);
}

static uint8_t *gate_lend(struct backing *backing, unsigned loop, uint64_t offset, size_t len)
{
	const struct gate *gate = (struct gate *)backing;
	struct wire_house *house = gate->house;
	uint8_t *data = house->hold ? NULL : gate->inner->ops->lend(gate->inner, loop, offset, len);

	house->lent += data != NULL;
	return data;
}

static int gate_copy_lent(struct backing *backing, uint64_t offset, uint8_t *data, size_t len)
{
	const struct gate *gate = (struct gate *)backing;

	return gate->house->loses ? -EIO
				  : gate->inner->ops->copy_lent(gate->inner, offset, data, len);
}

static void gate_close(struct backing *backing)
{
	struct gate *gate = (struct gate *)backing;

	gate->inner->ops->close(gate->inner);
	free(gate);
}

static const struct backing_ops gate_ops = {
	.name = "gate",
	.submit = gate_submit,
	.at_once = gate_at_once,
	.lend = gate_lend,
	.copy_lent = gate_copy_lent,
	.close = gate_close,
};

static struct backing *gate_open(struct wire_house *house)
{
	struct gate *gate = calloc(1, sizeof(*gate));

	CHECK(gate != NULL);
	CHECK(backing_memory_open((uint64_t)WIRE_BLOCK * WIRE_BLOCKS, &gate->inner) == 0);
	gate->backing.ops = &gate_ops;
	gate->backing.size = gate->inner->size;
	gate->backing.volatile_store = true;
	gate->house = house;
	return &gate->backing;
}

void wire_house_release(struct wire_house *house)
{
	house->hold = false;
	for (unsigned i = 0; i < house->held_count; i++) {
		struct backing_request *request = house->held[i];
		struct gate *gate = (struct gate *)request->backing;
		gate->inner->ops->submit(gate->inner, request);
	}
	house->held_count = 0;
	wire_house_run(house);
}

void wire_house_run(struct wire_house *house)
{
	while (scsi_executor_pending(house->executor) > 0 && scsi_executor_reap(house->executor))
		;
}

/* xorshift64: the same in every run. */
static void house_random(void *context, void *ret_bytes, size_t len)
{
	struct wire_house *house = context;
	uint8_t *bytes = ret_bytes;

	for (size_t i = 0; i < len; i++) {
		house->random ^= house->random << 13;
		house->random ^= house->random >> 7;
		house->random ^= house->random << 17;
		bytes[i] = (uint8_t)house->random;
	}
}

static void house_log(void *context, int level, const char *line)
{
	struct wire_house *house = context;
	size_t room = sizeof(house->log) - house->log_len;
	(void)level;

	if (house->quiet)
		return;
	int n = snprintf(house->log + house->log_len, room, "%s\n", line);
	if (n > 0 && (size_t)n < room)
		house->log_len += (size_t)n;
}

static uint64_t house_clock(void *context)
{
	return ((struct wire_house *)context)->now_ms;
}

void wire_house_init(struct wire_house *house)
{
	memset(house, 0, sizeof(*house));
	house->now_ms = 1000;
	house->random = 0x9e3779b97f4a7c15;
	iscsi_policy_defaults(&house->config.policy);
	iscsi_limits_defaults(&house->config.limits);
	house->config.random = house_random;
	house->config.random_context = house;
	house->config.log = house_log;
	house->config.log_context = house;
}

void wire_house_start(struct wire_house *house)
{
	house->executor = scsi_executor_create(0);
	CHECK(house->executor != NULL);
	struct scsi_target_config target = {
		.name = WIRE_TARGET,
		.ports = {1, 2},
		.port_count = house->second_port ? 2 : 1,
		.executor = house->executor,
		.clock = house_clock,
		.clock_context = house,
		.trace = house->config.trace,
	};
	house->target = scsi_target_create(&target);
	CHECK(house->target != NULL);
	struct scsi_lun_config lun;
	scsi_lun_config_init(&lun);
	lun.number = 0;
	lun.registrations_max = house->registrations_max != 0 ? house->registrations_max : 64;
	lun.tas = house->tas;
	lun.backing = gate_open(house);
	CHECK(scsi_target_add_lun(house->target, &lun, NULL) == 0);

	house->node = iscsi_node_create(&house->config);
	CHECK(house->node != NULL);
	CHECK(iscsi_node_add_target(house->node, house->target, NULL) == 0);
	house->portal = iscsi_node_add_portal(house->node, "192.0.2.1:3260", false, 1);
	CHECK(house->portal != NULL);
}

void wire_house_stop(struct wire_house *house)
{
	wire_house_release(house);
	iscsi_node_free(&house->node);
	scsi_target_free(&house->target);
	scsi_executor_free(&house->executor);
}

/* --- bytes ------------------------------------------------------------------------------------ */

static void wire_woken(void *host_context)
{
	((struct wire *)host_context)->wakes++;
}

void wire_open(struct wire_house *house, struct wire *wire)
{
	static const struct iscsi_conn_host host = {.wake = wire_woken};

	memset(wire, 0, sizeof(*wire));
	wire->house = house;
	wire->iovecs = 64;
	wire->cmd_sn = 1;
	wire->itt = 100;
	wire->conn = iscsi_conn_create(house->node, house->portal, "192.0.2.1:3260",
				       "198.51.100.7:40000", &host, wire, house->now_ms);
	CHECK(wire->conn != NULL);
}

void wire_close(struct wire *wire)
{
	iscsi_conn_free(&wire->conn);
	free(wire->got);
	wire->got = NULL;
	free(wire->pdu.data);
	wire->pdu.data = NULL;
	wire_house_run(wire->house);
}

void wire_wait(struct wire *wire, uint64_t ms)
{
	wire->house->now_ms += ms;
	if (iscsi_conn_deadline(wire->conn) <= wire->house->now_ms)
		iscsi_conn_tick(wire->conn, wire->house->now_ms);
}

static size_t scatter(const struct iovec *iov, int count, const uint8_t *bytes, size_t len)
{
	size_t done = 0;

	for (int i = 0; i < count && done < len; i++) {
		size_t n = iov[i].iov_len < len - done ? iov[i].iov_len : len - done;
		memcpy(iov[i].iov_base, bytes + done, n);
		done += n;
	}
	return done;
}

bool wire_feed(struct wire *wire, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (len > 0) {
		struct iovec iov[2];
		int count = iscsi_conn_input(wire->conn, iov);
		if (count == 0)
			return false;
		size_t n = wire->chunk > 0 && wire->chunk < len ? wire->chunk : len;
		n = scatter(iov, count, at, n);
		iscsi_conn_received(wire->conn, n, wire->house->now_ms);
		at += n;
		len -= n;
	}
	return true;
}

static void put_digest(uint8_t *place, uint32_t crc)
{
	for (unsigned i = 0; i < 4; i++)
		place[i] = (uint8_t)(crc >> (8 * i));
}

void wire_send_with_ahs(struct wire *wire, uint8_t *bhs, const void *ahs, uint32_t ahs_len,
			const void *data, uint32_t len)
{
	size_t cap = ISCSI_BHS_LEN + ahs_len + len + 3 + 2 * ISCSI_DIGEST_LEN;
	uint8_t *bytes = calloc(1, cap);
	size_t at = ISCSI_BHS_LEN + ahs_len;

	CHECK(bytes != NULL);
	iscsi_bhs_set_lengths(bhs, len);
	bhs[4] = (uint8_t)(ahs_len / 4);
	memcpy(bytes, bhs, ISCSI_BHS_LEN);
	if (ahs_len > 0)
		memcpy(bytes + ISCSI_BHS_LEN, ahs, ahs_len);
	if (wire->header_digest) {
		put_digest(bytes + at, crc32c(0, bytes, at));
		at += ISCSI_DIGEST_LEN;
	}
	if (len > 0)
		memcpy(bytes + at, data, len);
	size_t padded = len + iscsi_pad(len);
	if (wire->data_digest && len > 0)
		put_digest(bytes + at + padded, crc32c(0, bytes + at, padded));
	if (wire->spoil && len > 0)
		bytes[at + padded] ^= 1;
	wire->spoil = false;
	at += padded + (wire->data_digest && len > 0 ? ISCSI_DIGEST_LEN : 0);
	wire_feed(wire, bytes, at);
	free(bytes);
}

void wire_send(struct wire *wire, uint8_t *bhs, const void *data, uint32_t len)
{
	wire_send_with_ahs(wire, bhs, NULL, 0, data, len);
}

/* Takes what the connection has to send. */
static void pump(struct wire *wire)
{
	struct iovec iov[64];

	wire_house_run(wire->house);
	for (;;) {
		int count = iscsi_conn_output(wire->conn, iov, wire->iovecs);
		size_t taken = 0;
		if (count == 0)
			return;
		for (int i = 0; i < count; i++) {
			if (wire->got_len + iov[i].iov_len > wire->got_cap) {
				wire->got_cap = (wire->got_len + iov[i].iov_len) * 2;
				wire->got = realloc(wire->got, wire->got_cap);
				CHECK(wire->got != NULL);
			}
			memcpy(wire->got + wire->got_len, iov[i].iov_base, iov[i].iov_len);
			wire->got_len += iov[i].iov_len;
			taken += iov[i].iov_len;
		}
		iscsi_conn_sent(wire->conn, taken, wire->house->now_ms);
	}
}

/* StatSN of a PDU, when it uses one up; every such PDU has its numbers in the same place. */
static void check_numbers(struct wire *wire, const struct wire_pdu *pdu)
{
	struct iscsi_nop_in numbers;
	struct iscsi_data_in data_in;

	iscsi_nop_in_decode(pdu->bhs, &numbers);
	iscsi_data_in_decode(pdu->bhs, &data_in);
	CHECK(!iscsi_sn_before(numbers.sns.max_cmd_sn, wire->max_cmd_sn) ||
	      pdu->opcode == ISCSI_LOGIN_RESPONSE);
	CHECK(!iscsi_sn_before(numbers.sns.max_cmd_sn + 1, numbers.sns.exp_cmd_sn));
	wire->exp_cmd_sn = numbers.sns.exp_cmd_sn;
	wire->max_cmd_sn = numbers.sns.max_cmd_sn;
	bool uses_up = pdu->opcode != ISCSI_R2T &&
		       !(pdu->opcode == ISCSI_NOP_IN && numbers.itt == ISCSI_NO_TAG) &&
		       !(pdu->opcode == ISCSI_DATA_IN && !data_in.has_status);
	if (pdu->opcode == ISCSI_LOGIN_RESPONSE) {
		wire->exp_stat_sn = numbers.sns.stat_sn + 1;
	} else if (uses_up && !wire->lossy) {
		CHECK(numbers.sns.stat_sn == wire->exp_stat_sn);
		wire->exp_stat_sn++;
	}
}

struct wire_pdu *wire_next(struct wire *wire)
{
	struct wire_pdu *pdu = &wire->pdu;
	struct iscsi_bhs head;

	pump(wire);
	if (wire->got_len == 0)
		return NULL;
	CHECK(wire->got_len >= ISCSI_BHS_LEN);
	memcpy(pdu->bhs, wire->got, ISCSI_BHS_LEN);
	iscsi_bhs_decode(pdu->bhs, &head);
	bool digests = head.opcode != ISCSI_LOGIN_RESPONSE;
	size_t at = ISCSI_BHS_LEN;
	if (digests && wire->header_digest) {
		uint8_t expected[4];
		put_digest(expected, crc32c(0, wire->got, at));
		CHECK(memcmp(wire->got + at, expected, 4) == 0);
		at += 4;
	}
	size_t padded = head.data_len + iscsi_pad(head.data_len);
	size_t digest = digests && wire->data_digest && padded > 0 ? 4 : 0;
	CHECK(wire->got_len >= at + padded + digest);
	free(pdu->data);
	pdu->data = malloc(padded + 1);
	CHECK(pdu->data != NULL);
	memcpy(pdu->data, wire->got + at, padded);
	if (digest > 0) {
		uint8_t expected[4];
		put_digest(expected, crc32c(0, wire->got + at, padded));
		CHECK(memcmp(wire->got + at + padded, expected, 4) == 0);
	}
	at += padded + digest;
	memmove(wire->got, wire->got + at, wire->got_len - at);
	wire->got_len -= at;
	pdu->opcode = head.opcode;
	pdu->data_len = head.data_len;
	check_numbers(wire, pdu);
	return pdu;
}

struct wire_pdu *wire_expect(struct wire *wire, enum iscsi_opcode opcode)
{
	struct wire_pdu *pdu = wire_next(wire);

	CHECK_PDU(wire, pdu != NULL);
	CHECK_PDU(wire, pdu->opcode == opcode);
	return pdu;
}

void wire_expect_nothing(struct wire *wire)
{
	struct wire_pdu *pdu = wire_next(wire);

	CHECK_PDU(wire, !pdu);
}

void wire_expect_finished(struct wire *wire)
{
	wire_expect_nothing(wire);
	CHECK(iscsi_conn_finished(wire->conn));
}

void wire_expect_reject(struct wire *wire, enum iscsi_reject_reason reason)
{
	struct iscsi_reject reject;

	iscsi_reject_decode(wire_expect(wire, ISCSI_REJECT)->bhs, &reject);
	CHECK(reject.reason == reason);
	CHECK(wire->pdu.data_len >= ISCSI_BHS_LEN);
}

/* --- login and logout ------------------------------------------------------------------------- */

static void add_key(char *text, size_t *len, const char *key, const char *value)
{
	int n = snprintf(text + *len, LOGIN_TEXT_MAX - *len, "%s%s", key, value);

	CHECK(n > 0 && (size_t)n + 1 < LOGIN_TEXT_MAX - *len);
	*len += (size_t)n + 1;
}

static size_t login_text(char *text, const struct wire_login *login)
{
	size_t len = 0;

	add_key(text, &len, "InitiatorName=", login->initiator ? login->initiator : WIRE_INITIATOR);
	if (login->discovery)
		add_key(text, &len, "SessionType=", "Discovery");
	const char *target = login->target ? login->target : (login->discovery ? "" : WIRE_TARGET);
	if (target[0] != '\0')
		add_key(text, &len, "TargetName=", target);
	for (unsigned i = 0; i < 24 && login->keys[i]; i++)
		add_key(text, &len, login->keys[i], "");
	return len;
}

uint16_t wire_login_with(struct wire *wire, const struct wire_login *login)
{
	char text[LOGIN_TEXT_MAX];
	uint8_t bhs[ISCSI_BHS_LEN];
	size_t len = login_text(text, login);
	struct iscsi_login_request request = {
		.transit = true,
		.csg = ISCSI_STAGE_OPERATIONAL,
		.nsg = ISCSI_STAGE_FULL_FEATURE,
		.tsih = login->tsih,
		.itt = 1,
		.cid = login->cid,
		.cmd_sn = login->cmd_sn ? login->cmd_sn : 1,
	};
	struct iscsi_login_response response;

	memcpy(request.isid, login->isid, sizeof(request.isid));
	iscsi_login_request_encode(&request, bhs);
	wire_send(wire, bhs, text, (uint32_t)len);
	struct wire_pdu *pdu = wire_next(wire);
	if (!pdu)
		return 0xffff; /* no response yet */
	CHECK(pdu->opcode == ISCSI_LOGIN_RESPONSE);
	iscsi_login_response_decode(pdu->bhs, &response);
	if (response.status == ISCSI_LOGIN_SUCCESS) {
		CHECK(response.transit);
		wire->cmd_sn = response.sns.exp_cmd_sn;
		wire->exp_cmd_sn = response.sns.exp_cmd_sn;
		wire->max_cmd_sn = response.sns.max_cmd_sn;
		wire->tsih = response.tsih;
	}
	return response.status;
}

void wire_login(struct wire *wire, ...)
{
	struct wire_login login = {.isid = {0x80, 0, 0, 0, 0, 1}};
	va_list arguments;
	unsigned count = 0;
	const char *key;

	va_start(arguments, wire);
	while ((key = va_arg(arguments, const char *)) != NULL) {
		CHECK(count < 23);
		login.keys[count++] = key;
	}
	va_end(arguments);
	uint16_t status = wire_login_with(wire, &login);
	CHECK_PDU(wire, status == ISCSI_LOGIN_SUCCESS);
}

void wire_start(struct wire_house *house, struct wire *wire)
{
	wire_open(house, wire);
	wire_login(wire, NULL);
	wire_clear_unit_attentions(wire);
}

void wire_logout(struct wire *wire)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iscsi_logout_request request = {
		.itt = ++wire->itt,
		.cmd_sn = wire->cmd_sn++,
		.exp_stat_sn = wire->exp_stat_sn,
	};
	struct iscsi_logout_response response;

	iscsi_logout_request_encode(&request, bhs);
	wire_send(wire, bhs, NULL, 0);
	iscsi_logout_response_decode(wire_expect(wire, ISCSI_LOGOUT_RESPONSE)->bhs, &response);
	CHECK(response.response == 0);
	wire_expect_finished(wire);
}

void wire_clear_unit_attentions(struct wire *wire)
{
	for (unsigned i = 0; i < 8; i++) {
		struct iscsi_scsi_response response;
		wire_test_unit_ready(wire);
		iscsi_scsi_response_decode(wire_expect(wire, ISCSI_SCSI_RESPONSE)->bhs, &response);
		if (response.status == SCSI_STATUS_GOOD)
			return;
	}
	CHECK_PDU(wire, false); /* unit attentions without end */
}

/* --- commands --------------------------------------------------------------------------------- */

uint32_t wire_command(struct wire *wire, const struct wire_command *command)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iscsi_scsi_command pdu = {
		.immediate = command->immediate,
		.final = !command->not_final,
		.read = command->read,
		.write = command->write,
		.attribute = command->attribute ? command->attribute : SCSI_ATTRIBUTE_SIMPLE,
		.lun = {0, command->lun},
		.itt = ++wire->itt,
		.expected_len = command->expected_len,
		.cmd_sn = wire->cmd_sn,
		.exp_stat_sn = wire->exp_stat_sn,
	};

	if (!command->immediate)
		wire->cmd_sn++;
	memcpy(pdu.cdb, command->cdb, sizeof(pdu.cdb));
	iscsi_scsi_command_encode(&pdu, bhs);
	wire_send(wire, bhs, command->data, command->data_len);
	return wire->itt;
}

void wire_cdb_10(uint8_t cdb[16], uint8_t opcode, uint32_t lba, uint16_t blocks)
{
	memset(cdb, 0, 16);
	cdb[0] = opcode;
	put_be32(cdb + 2, lba);
	put_be16(cdb + 7, blocks);
}

uint32_t wire_read(struct wire *wire, uint32_t lba, uint16_t blocks)
{
	uint8_t cdb[16];

	wire_cdb_10(cdb, 0x28, lba, blocks);
	return wire_command(wire, &(struct wire_command){
					  .cdb = cdb,
					  .read = true,
					  .expected_len = blocks * (uint32_t)WIRE_BLOCK,
				  });
}

uint32_t wire_write(struct wire *wire, uint32_t lba, uint16_t blocks, const void *data,
		    uint32_t data_len, bool final)
{
	uint8_t cdb[16];

	wire_cdb_10(cdb, 0x2a, lba, blocks);
	return wire_command(wire, &(struct wire_command){
					  .cdb = cdb,
					  .write = true,
					  .not_final = !final,
					  .expected_len = blocks * (uint32_t)WIRE_BLOCK,
					  .data = data,
					  .data_len = data_len,
				  });
}

uint32_t wire_test_unit_ready(struct wire *wire)
{
	static const uint8_t cdb[16];

	return wire_command(wire, &(struct wire_command){.cdb = cdb});
}

void wire_data_out(struct wire *wire, uint32_t itt, uint32_t ttt, uint32_t data_sn, uint32_t offset,
		   const void *data, uint32_t len, bool final)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iscsi_data_out pdu = {
		.final = final,
		.itt = itt,
		.ttt = ttt,
		.exp_stat_sn = wire->exp_stat_sn,
		.data_sn = data_sn,
		.offset = offset,
	};

	iscsi_data_out_encode(&pdu, bhs);
	wire_send(wire, bhs, data, len);
}

void wire_answer_r2t(struct wire *wire, const struct iscsi_r2t *r2t, const uint8_t *data)
{
	wire_data_out(wire, r2t->itt, r2t->ttt, 0, r2t->offset, data + r2t->offset,
		      r2t->desired_len, true);
}

struct iscsi_r2t wire_expect_r2t(struct wire *wire)
{
	struct iscsi_r2t r2t;

	iscsi_r2t_decode(wire_expect(wire, ISCSI_R2T)->bhs, &r2t);
	CHECK(r2t.ttt != ISCSI_NO_TAG);
	CHECK(r2t.desired_len > 0);
	return r2t;
}

struct iscsi_scsi_response wire_expect_status(struct wire *wire, uint32_t itt, uint8_t status)
{
	struct iscsi_scsi_response response = {0};
	struct wire_pdu *pdu = wire_next(wire);

	CHECK_PDU(wire, pdu != NULL);
	if (pdu->opcode == ISCSI_DATA_IN) {
		struct iscsi_data_in data_in;
		iscsi_data_in_decode(pdu->bhs, &data_in);
		CHECK(data_in.has_status && data_in.final);
		response.status = data_in.status;
		response.itt = data_in.itt;
		response.residual = data_in.residual;
	} else {
		CHECK_PDU(wire, pdu->opcode == ISCSI_SCSI_RESPONSE);
		iscsi_scsi_response_decode(pdu->bhs, &response);
	}
	CHECK_PDU(wire, response.itt == itt);
	CHECK_PDU(wire, response.status == status);
	return response;
}

void wire_expect_sense(struct wire *wire, uint32_t itt, uint8_t key, uint8_t asc, uint8_t ascq)
{
	wire_expect_status(wire, itt, SCSI_STATUS_CHECK_CONDITION);
	const uint8_t *sense = wire->pdu.data + 2;
	CHECK(wire->pdu.data_len >= 2 + 14);
	CHECK(get_be16(wire->pdu.data) == wire->pdu.data_len - 2);
	CHECK((sense[2] & 0xf) == key);
	CHECK(sense[12] == asc);
	CHECK(sense[13] == ascq);
}

uint32_t wire_manage(struct wire *wire, uint8_t function, uint32_t referenced_tag,
		     uint32_t ref_cmd_sn)
{
	uint8_t bhs[ISCSI_BHS_LEN];
	struct iscsi_task_management_request request = {
		.immediate = true,
		.function = function,
		.itt = ++wire->itt,
		.referenced_tag = referenced_tag,
		.cmd_sn = wire->cmd_sn,
		.exp_stat_sn = wire->exp_stat_sn,
		.ref_cmd_sn = ref_cmd_sn,
	};

	iscsi_task_management_request_encode(&request, bhs);
	wire_send(wire, bhs, NULL, 0);
	return wire->itt;
}

uint8_t wire_expect_managed(struct wire *wire, uint32_t itt)
{
	struct iscsi_task_management_response response;

	iscsi_task_management_response_decode(
		wire_expect(wire, ISCSI_TASK_MANAGEMENT_RESPONSE)->bhs, &response);
	CHECK(response.itt == itt);
	return response.response;
}

void wire_pattern(uint8_t *bytes, size_t len, uint8_t seed)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 7 + (i >> 8) + seed);
}
