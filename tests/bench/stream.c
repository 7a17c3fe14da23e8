/*
 * A fixed stream of commands through the sans-IO transport and a target in the same process, for
 * callgrind to count: TEST UNIT READY, READ and WRITE of 4 KiB, 32 in flight, each with and without
 * 1,000 registrations. Only what happens between the bytes of the requests and the bytes of the
 * answers counts; each case leaves one dump, named by its client request.
 *
 *   stream [KIND]   runs all cases once, or those of one kind (tur, read, write); without
 *                   callgrind it only says that they work
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <valgrind/callgrind.h>

#include "pr_engine/bytes.h"
#include "target/trace.h"
#include "tests/support/wire.h"

#define DEPTH	      32
#define ROUNDS	      40
#define WARM_UP	      4
#define BLOCKS	      8 /* 4 KiB */
#define REGISTRATIONS 1000
#define REQUEST_MAX   (ISCSI_BHS_LEN + BLOCKS * WIRE_BLOCK)
#define OUTPUT_IOV    64
#define RING_SLOTS    1024

enum kind {
	KIND_TUR,
	KIND_READ,
	KIND_WRITE,
	KIND_COUNT
};

static const char *const kind_names[] = {"tur", "read", "write"};

struct stream {
	struct wire_house house;
	struct wire wire;
	enum kind kind;
	uint8_t requests[DEPTH * REQUEST_MAX];
	size_t len;
	size_t answered; /* bytes */
};

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "stream: %s\n", what);
	exit(EXIT_FAILURE);
}

/* ---- registrations --------------------------------------------------------------------------- */

static uint8_t registration[24];

static void want_data(struct scsi_task *task)
{
	must(target_data_out_prepare(task), "out of memory");
	memcpy(task->data_out, registration, sizeof(registration));
	target_data_out_ready(task);
}

static void complete(struct scsi_task *task)
{
	*(bool *)task->owner = true;
}

/* PERSISTENT RESERVE OUT, as if it had come over a session of its own. */
static bool pr_out(struct wire_house *house, struct scsi_nexus *nexus, uint8_t action,
		   uint8_t scope_type, uint64_t key, uint64_t new_key)
{
	static const struct scsi_task_ops ops = {.complete = complete, .want_data = want_data};
	bool ended = false;
	struct scsi_task task = {
		.nexus = nexus,
		.ops = &ops,
		.owner = &ended,
		.attribute = SCSI_ATTRIBUTE_SIMPLE,
		.cdb = {0x5f, action, scope_type, [8] = sizeof(registration)},
		.cdb_len = 16,
		.expected_out = sizeof(registration),
	};

	put_be64(registration, key);
	put_be64(registration + 8, new_key);
	target_execute(&task);
	wire_house_run(house);
	must(ended, "PERSISTENT RESERVE OUT does not end");
	bool good = task.status == SCSI_STATUS_GOOD;
	target_task_release(&task);
	return good;
}

static void nexus_closed(void *context)
{
	(void)context;
}

static uint64_t real_clock(void *context)
{
	struct timespec now;
	(void)context;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* 1,000 initiators that are registered and gone. */
static void register_all(struct stream *stream)
{
	struct pr_nexus_id id = {.relative_target_port_id = 1};

	for (unsigned i = 0; i < REGISTRATIONS; i++) {
		snprintf(id.initiator_name, sizeof(id.initiator_name), "iqn.2026-11.bench:host-%u",
			 i);
		struct scsi_nexus *nexus = scsi_nexus_open(stream->house.target, &id);
		must(nexus != NULL, "no nexus");
		while (!pr_out(&stream->house, nexus, 0x06, 0, 0, i + 1))
			; /* the unit attention of a new nexus */
		scsi_nexus_close(nexus, SCSI_NEXUS_LOGOUT, nexus_closed, NULL);
	}
}

/* The stream's own initiator registers and reserves, Write Exclusive - Registrants Only. */
static void reserve(struct stream *stream)
{
	static const uint8_t cdbs[][16] = {
		{0x5f, 0x06, [8] = sizeof(registration)},
		{0x5f, 0x01, 0x05, [8] = sizeof(registration)},
	};

	put_be64(registration, 0);
	put_be64(registration + 8, 0x5ca1ab1e);
	for (unsigned i = 0; i < 2; i++) {
		uint32_t itt = wire_command(&stream->wire, &(struct wire_command){
								   .cdb = cdbs[i],
								   .write = true,
								   .expected_len = 24,
								   .data = registration,
								   .data_len = 24,
							   });
		wire_expect_status(&stream->wire, itt, SCSI_STATUS_GOOD);
		put_be64(registration, 0x5ca1ab1e);
	}
}

/* ---- the stream ------------------------------------------------------------------------------ */

static void add_request(struct stream *stream, uint32_t slot)
{
	uint8_t *bhs = memset(stream->requests + stream->len, 0, ISCSI_BHS_LEN);
	bool moves = stream->kind != KIND_TUR;
	bool writes = stream->kind == KIND_WRITE;

	bhs[0] = ISCSI_SCSI_COMMAND;
	bhs[1] = (uint8_t)(0x81 | (writes ? 0x20 : moves ? 0x40 : 0));
	put_be32(bhs + 16, slot);
	put_be32(bhs + 20, moves ? BLOCKS * WIRE_BLOCK : 0);
	put_be32(bhs + 24, stream->wire.cmd_sn++);
	if (moves)
		wire_cdb_10(bhs + 32, writes ? 0x2a : 0x28, slot * 37 % 900 * BLOCKS, BLOCKS);
	stream->len += ISCSI_BHS_LEN;
	if (!writes)
		return;
	put_be24(bhs + 5, BLOCKS * WIRE_BLOCK);
	wire_pattern(stream->requests + stream->len, BLOCKS * WIRE_BLOCK, (uint8_t)slot);
	stream->len += BLOCKS * WIRE_BLOCK;
}

static void take_answers(struct stream *stream)
{
	struct iovec iov[OUTPUT_IOV];
	int count;

	while ((count = iscsi_conn_output(stream->wire.conn, iov, OUTPUT_IOV)) > 0) {
		size_t len = 0;
		for (int i = 0; i < count; i++)
			len += iov[i].iov_len;
		stream->answered += len;
		iscsi_conn_sent(stream->wire.conn, len, stream->house.now_ms);
	}
}

static void run_round(struct stream *stream)
{
	stream->len = 0;
	for (uint32_t slot = 0; slot < DEPTH; slot++)
		add_request(stream, slot);
	CALLGRIND_TOGGLE_COLLECT;
	bool fed = wire_feed(&stream->wire, stream->requests, stream->len);
	take_answers(stream);
	CALLGRIND_TOGGLE_COLLECT;
	must(fed, "the target takes no commands");
}

/* All answers are there, and none is longer than a GOOD one. */
static void check_answers(const struct stream *stream)
{
	size_t answer = ISCSI_BHS_LEN + (stream->kind == KIND_READ ? BLOCKS * WIRE_BLOCK : 0);

	must(stream->answered == answer * DEPTH * (ROUNDS + WARM_UP), "not all answers are GOOD");
}

static void write_all(struct stream *stream)
{
	stream->kind = KIND_WRITE;
	run_round(stream);
	stream->kind = KIND_READ;
	stream->answered = 0;
}

static void run_case(enum kind kind, bool registrations)
{
	static struct stream stream;
	char name[64];

	memset(&stream, 0, sizeof(stream));
	stream.kind = kind;
	wire_house_init(&stream.house);
	stream.house.quiet = true;
	stream.house.registrations_max = 2 * REGISTRATIONS;
	/* As the daemon does it: always on, and with the real clock. */
	stream.house.config.trace = trace_ring_create(RING_SLOTS, real_clock, NULL);
	must(stream.house.config.trace != NULL, "no memory");
	wire_house_start(&stream.house);
	if (registrations)
		register_all(&stream);
	wire_open(&stream.house, &stream.wire);
	wire_login(&stream.wire, "InitialR2T=No", "ImmediateData=Yes",
		   "MaxRecvDataSegmentLength=65536", NULL);
	wire_clear_unit_attentions(&stream.wire);
	if (registrations)
		reserve(&stream);

	if (kind == KIND_READ)
		write_all(&stream); /* what was never written is not read, but filled in */
	for (unsigned i = 0; i < WARM_UP; i++)
		run_round(&stream);
	CALLGRIND_ZERO_STATS;
	for (unsigned i = 0; i < ROUNDS; i++)
		run_round(&stream);
	snprintf(name, sizeof(name), "%s%s", kind_names[kind],
		 registrations ? "-1000-registrations" : "");
	CALLGRIND_DUMP_STATS_AT(name);
	check_answers(&stream);
	wire_close(&stream.wire);
	wire_house_stop(&stream.house);
	trace_ring_free(&stream.house.config.trace);
}

int main(int argc, char **argv)
{
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		if (argc > 1 && strcmp(argv[1], kind_names[kind]) != 0)
			continue;
		run_case((enum kind)kind, false);
		run_case((enum kind)kind, true);
	}
	printf("%u commands each\n", DEPTH * ROUNDS);
	return EXIT_SUCCESS;
}
