/*
 * Commands of one session: issuing them in batches, and taking the answers.
 */
#include "tests/bench/load/load.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "pr_engine/bytes.h"
#include "pr_engine/crc32c.h"

#define NO_TAG		     0xffffffffu
#define OPCODE_NOP_OUT	     0x00
#define OPCODE_SCSI_COMMAND  0x01
#define OPCODE_DATA_OUT	     0x05
#define OPCODE_NOP_IN	     0x20
#define OPCODE_SCSI_RESPONSE 0x21
#define OPCODE_DATA_IN	     0x25
#define OPCODE_R2T	     0x31
#define FLAG_FINAL	     0x80
#define FLAG_READ	     0x40
#define FLAG_WRITE	     0x20
#define FLAG_STATUS	     0x01 /* Data-In */
#define ATTRIBUTE_SIMPLE     0x01
#define SETTLE_TRIES	     16

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* ---- sending --------------------------------------------------------------------------------- */

static void put_digest(uint8_t *place, uint32_t crc)
{
	for (unsigned i = 0; i < LOAD_DIGEST; i++)
		place[i] = (uint8_t)(crc >> (8 * i));
}

static void batch_send(struct load_session *session, struct load_batch *batch)
{
	struct iovec *iov = batch->iov;
	unsigned left = batch->count;

	while (left > 0) {
		struct msghdr message = {.msg_iov = iov, .msg_iovlen = left};
		ssize_t n = sendmsg(session->fd, &message, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			load_fail("send: %s", strerror(errno));
		while (left > 0 && (size_t)n >= iov->iov_len) {
			n -= (ssize_t)iov->iov_len;
			iov++;
			left--;
		}
		if (n > 0) {
			iov->iov_base = (uint8_t *)iov->iov_base + n;
			iov->iov_len -= (size_t)n;
		}
	}
	batch->pdus = batch->count = 0;
}

static void batch_iov(struct load_batch *batch, void *bytes, size_t len)
{
	batch->iov[batch->count++] = (struct iovec){.iov_base = bytes, .iov_len = len};
}

/* A header to be filled in, all zero. */
static uint8_t *batch_head(struct load_session *session, struct load_batch *batch)
{
	if (batch->pdus == LOAD_BATCH_PDUS)
		batch_send(session, batch);
	return memset(batch->heads[batch->pdus], 0, LOAD_BHS);
}

/* The header is complete, but for the length. Lengths are multiples of four here. */
static void batch_add(struct load_session *session, struct load_shared *shared, uint32_t len)
{
	struct load_batch *batch = &shared->batch;
	uint8_t *head = batch->heads[batch->pdus];
	size_t head_len = LOAD_BHS;

	put_be24(head + 5, len);
	if (session->header_digest) {
		put_digest(head + LOAD_BHS, crc32c(0, head, LOAD_BHS));
		head_len += LOAD_DIGEST;
	}
	batch_iov(batch, head, head_len);
	if (len > 0)
		batch_iov(batch, shared->payload, len);
	if (len > 0 && session->data_digest) {
		uint8_t *digest = batch->digests[batch->pdus];
		put_digest(digest, crc32c(0, shared->payload, len));
		batch_iov(batch, digest, LOAD_DIGEST);
	}
	batch->pdus++;
}

static void send_data(struct load_session *session, struct load_shared *shared, uint32_t itt,
		      uint32_t ttt, uint32_t from, uint32_t end)
{
	uint32_t data_sn = 0;

	while (from < end) {
		uint32_t len = min_u32(end - from, session->send_segment_max);
		uint8_t *head = batch_head(session, &shared->batch);
		head[0] = OPCODE_DATA_OUT;
		head[1] = from + len == end ? FLAG_FINAL : 0;
		head[9] = session->options->lun;
		put_be32(head + 16, itt);
		put_be32(head + 20, ttt);
		put_be32(head + 28, session->exp_stat_sn);
		put_be32(head + 36, data_sn++);
		put_be32(head + 40, from);
		batch_add(session, shared, len);
		from += len;
	}
}

/* xorshift64*: cheap, and the same order of blocks for every target. */
static uint32_t pick_lba(struct load_session *session)
{
	const struct load_options *options = session->options;
	uint32_t blocks = options->size / LOAD_BLOCK;
	if (blocks == 0)
		return 0;
	uint64_t places = options->span / options->size;

	if (options->sequential) {
		uint32_t lba = session->next_lba;
		session->next_lba = (lba / blocks + 1) % (uint32_t)places * blocks;
		return lba;
	}
	session->random ^= session->random >> 12;
	session->random ^= session->random << 25;
	session->random ^= session->random >> 27;
	uint64_t value = session->random * 0x2545f4914f6cdd1dull;
	return (uint32_t)((value >> 33) % places) * blocks;
}

/* REGISTER AND IGNORE EXISTING KEY (SPC-4 6.16.3): every initiator has a key of its own. */
static void put_register(struct load_session *session, struct load_shared *shared, uint8_t *cdb)
{
	cdb[0] = 0x5f;
	cdb[1] = 0x06;
	put_be32(cdb + 5, LOAD_REGISTER_LEN);
	memset(shared->payload, 0, LOAD_REGISTER_LEN);
	put_be64(shared->payload + 8, (uint64_t)(session->number + 1) << 32 | ++session->next_key);
	shared->payload[20] = 0x01; /* APTPL */
}

static void put_cdb(uint8_t *cdb, const struct load_options *options, uint32_t lba)
{
	if (options->op == LOAD_TEST_UNIT_READY)
		return;
	cdb[0] = options->op == LOAD_READ ? 0x28 : 0x2a;
	put_be32(cdb + 2, lba);
	put_be16(cdb + 7, (uint16_t)(options->size / LOAD_BLOCK));
}

static void start_command(struct load_session *session, struct load_shared *shared, uint32_t slot,
			  uint64_t now_ns)
{
	const struct load_options *options = session->options;
	uint8_t *head = batch_head(session, &shared->batch);
	uint32_t immediate = 0, burst = 0;

	session->slots[slot] = (struct load_slot){.begun_ns = now_ns, .lba = pick_lba(session)};
	if (options->op == LOAD_WRITE || options->op == LOAD_REGISTER) {
		burst = min_u32(options->size, session->first_burst);
		if (session->immediate_data)
			immediate = min_u32(burst, session->send_segment_max);
		if (session->initial_r2t)
			burst = immediate;
	}
	head[0] = OPCODE_SCSI_COMMAND;
	head[1] = ATTRIBUTE_SIMPLE | (burst == immediate ? FLAG_FINAL : 0);
	head[1] |= options->op == LOAD_READ				       ? FLAG_READ
		   : options->op == LOAD_WRITE || options->op == LOAD_REGISTER ? FLAG_WRITE
									       : 0;
	head[9] = options->lun;
	put_be32(head + 16, slot);
	put_be32(head + 20, options->op == LOAD_TEST_UNIT_READY ? 0 : options->size);
	put_be32(head + 24, session->cmd_sn++);
	put_be32(head + 28, session->exp_stat_sn);
	if (options->op == LOAD_REGISTER)
		put_register(session, shared, head + 32);
	else
		put_cdb(head + 32, options, session->slots[slot].lba);
	batch_add(session, shared, immediate);
	send_data(session, shared, slot, NO_TAG, immediate, burst);
}

void load_session_issue(struct load_session *session, struct load_shared *shared, uint64_t now_ns)
{
	while (session->idle_count > 0 && (int32_t)(session->max_cmd_sn - session->cmd_sn) >= 0)
		start_command(session, shared, session->idle[--session->idle_count], now_ns);
	batch_send(session, &shared->batch);
}

/* ---- receiving ------------------------------------------------------------------------------- */

static void end_command(struct load_session *session, struct load_shared *shared, uint32_t slot,
			uint8_t status, uint64_t now_ns)
{
	const struct load_options *options = session->options;
	struct load_slot *command = &session->slots[slot];

	if (status != 0)
		load_fail("a command ended with status %02x", status);
	if (options->op == LOAD_READ && command->came != options->size)
		load_fail("a read brought %u bytes of %u", command->came, options->size);
	session->idle[session->idle_count++] = slot;
	session->commands++;
	if (shared->measuring)
		load_histogram_add(&shared->latency, now_ns - command->begun_ns);
}

static void answer_ping(struct load_session *session, struct load_shared *shared,
			const uint8_t *ping)
{
	if (get_be32(ping + 20) == NO_TAG)
		return;
	uint8_t *head = batch_head(session, &shared->batch);
	head[0] = 0x40 | OPCODE_NOP_OUT;
	head[1] = FLAG_FINAL;
	memcpy(head + 8, ping + 8, 8);
	put_be32(head + 16, NO_TAG);
	memcpy(head + 20, ping + 20, 4);
	put_be32(head + 24, session->cmd_sn);
	put_be32(head + 28, session->exp_stat_sn);
	batch_add(session, shared, 0);
}

static uint32_t slot_of(const struct load_session *session, const uint8_t *bhs)
{
	uint32_t slot = get_be32(bhs + 16);

	if (slot >= session->options->depth)
		load_fail("an answer with a task tag that was not given: %08x", slot);
	return slot;
}

static void note_sns(struct load_session *session, const uint8_t *bhs, bool has_stat_sn)
{
	uint32_t max = get_be32(bhs + 32);

	if (has_stat_sn)
		session->exp_stat_sn = get_be32(bhs + 24) + 1;
	if ((int32_t)(max - session->max_cmd_sn) > 0)
		session->max_cmd_sn = max;
}

static void take_pdu(struct load_session *session, struct load_shared *shared, const uint8_t *bhs,
		     uint64_t now_ns)
{
	uint32_t from;

	switch (bhs[0] & 0x3f) {
	case OPCODE_DATA_IN:
		session->slots[slot_of(session, bhs)].came += get_be24(bhs + 5);
		note_sns(session, bhs, bhs[1] & FLAG_STATUS);
		if (bhs[1] & FLAG_STATUS)
			end_command(session, shared, slot_of(session, bhs), bhs[3], now_ns);
		break;
	case OPCODE_SCSI_RESPONSE:
		note_sns(session, bhs, true);
		end_command(session, shared, slot_of(session, bhs), bhs[2] | bhs[3], now_ns);
		break;
	case OPCODE_R2T:
		note_sns(session, bhs, false);
		from = get_be32(bhs + 40);
		if (from > session->options->size ||
		    get_be32(bhs + 44) > session->options->size - from)
			load_fail("an R2T for data that is not there");
		send_data(session, shared, slot_of(session, bhs), get_be32(bhs + 20), from,
			  from + get_be32(bhs + 44));
		break;
	case OPCODE_NOP_IN:
		note_sns(session, bhs, get_be32(bhs + 16) != NO_TAG);
		answer_ping(session, shared, bhs);
		break;
	default:
		load_fail("unexpected PDU: opcode %02x", bhs[0]);
	}
}

/* What follows a header: data, its padding and its digest. */
static size_t rest_len(const struct load_session *session, const uint8_t *bhs)
{
	size_t len = get_be24(bhs + 5);

	if (len == 0)
		return 0;
	return ((len + 3) & ~(size_t)3) + (session->data_digest ? LOAD_DIGEST : 0);
}

static void take_bytes(struct load_session *session, struct load_shared *shared, size_t len)
{
	const size_t head_len = LOAD_BHS + (session->header_digest ? LOAD_DIGEST : 0);
	const uint8_t *at = shared->input, *end = at + len;
	uint64_t now_ns = load_now_ns();

	while (at < end) {
		size_t left = (size_t)(end - at);
		if (session->throwaway > 0) {
			size_t n = left < session->throwaway ? left : session->throwaway;
			session->throwaway -= n;
			at += n;
			continue;
		}
		const uint8_t *head = at;
		if (session->have > 0 || left < head_len) {
			size_t n = head_len - session->have;
			n = left < n ? left : n;
			memcpy(session->kept + session->have, at, n);
			session->have += n;
			at += n;
			if (session->have < head_len)
				return;
			head = session->kept;
			session->have = 0;
		} else {
			at += head_len;
		}
		session->throwaway = rest_len(session, head);
		take_pdu(session, shared, head, now_ns);
	}
}

void load_session_receive(struct load_session *session, struct load_shared *shared, bool wait)
{
	ssize_t n =
		recv(session->fd, shared->input, sizeof(shared->input), wait ? 0 : MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		load_fail("the target closed the connection");
	take_bytes(session, shared, (size_t)n);
	if (shared->issuing)
		load_session_issue(session, shared, load_now_ns());
	else
		batch_send(session, &shared->batch);
}

/* ---- before it starts ------------------------------------------------------------------------ */

static void read_all(struct load_session *session, uint8_t *bytes, size_t len)
{
	if (len > 0 && recv(session->fd, bytes, len, MSG_WAITALL) != (ssize_t)len)
		load_fail("the target closed the connection");
}

static void send_test_unit_ready(struct load_session *session)
{
	uint8_t head[LOAD_BHS + LOAD_DIGEST] = {OPCODE_SCSI_COMMAND, FLAG_FINAL | ATTRIBUTE_SIMPLE};
	size_t len = LOAD_BHS;

	head[9] = session->options->lun;
	put_be32(head + 24, session->cmd_sn++);
	put_be32(head + 28, session->exp_stat_sn);
	if (session->header_digest) {
		put_digest(head + LOAD_BHS, crc32c(0, head, LOAD_BHS));
		len += LOAD_DIGEST;
	}
	if (send(session->fd, head, len, MSG_NOSIGNAL) != (ssize_t)len)
		load_fail("send: %s", strerror(errno));
}

void load_session_settle(struct load_session *session)
{
	uint8_t head[LOAD_BHS + LOAD_DIGEST], rest[512];

	for (int i = 0; i < SETTLE_TRIES; i++) {
		send_test_unit_ready(session);
		read_all(session, head, LOAD_BHS + (session->header_digest ? LOAD_DIGEST : 0));
		size_t len = rest_len(session, head);
		if ((head[0] & 0x3f) != OPCODE_SCSI_RESPONSE || len > sizeof(rest))
			load_fail("TEST UNIT READY: opcode %02x", head[0]);
		read_all(session, rest, len);
		note_sns(session, head, true);
		if (head[2] == 0 && head[3] == 0)
			return;
	}
	load_fail("the LUN does not become ready");
}
