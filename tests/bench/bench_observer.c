/*
 * What does the observer cost a PDU? Off, a connection pays one branch a PDU; on, each PDU goes
 * through its checks.
 *
 * Plays reads (a SCSI Command, a Data-In with status) and writes (a SCSI Command, an R2T, a
 * Data-Out, a SCSI Response) past an observer, with many tasks outstanding, and prints nanoseconds
 * for each PDU. There is no socket and no target in this figure.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "transport/observer.h"

#define ROUNDS	    500000u
#define OUTSTANDING 32u
#define SEGMENT	    4096u

static const uint8_t data[SEGMENT];

struct talk {
	struct iscsi_watch *watch;
	struct iscsi_params params;
	uint32_t cmd_sn, stat_sn;
	uint64_t pdus;
};

static double now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "bench_observer: %s\n", what);
	exit(EXIT_FAILURE);
}

static void pass_with(struct talk *talk, uint8_t *bhs, const void *bytes, uint32_t len, bool sent)
{
	struct iscsi_seen_pdu pdu = {
		.bhs = bhs, .data = len > 0 ? bytes : NULL, .data_len = len, .padding = data};

	iscsi_bhs_set_lengths(bhs, len);
	if (sent)
		iscsi_watch_sent(talk->watch, &pdu, &talk->params, 1);
	else
		iscsi_watch_received(talk->watch, &pdu, 1);
	talk->pdus++;
}

static void pass(struct talk *talk, uint8_t *bhs, uint32_t len, bool sent)
{
	pass_with(talk, bhs, data, len, sent);
}

static struct iscsi_sns sns_of(const struct talk *talk)
{
	return (struct iscsi_sns){talk->stat_sn, talk->cmd_sn, talk->cmd_sn + 128};
}

static void log_in(struct talk *talk)
{
	static const char names[] = "InitiatorName=iqn.2026-11.io.holdfast:bench\0"
				    "TargetName=iqn.2026-11.io.holdfast:disk";
	struct iscsi_login_request request = {
		.transit = true, .csg = 1, .nsg = 3, .itt = 1, .isid = {0x40}};
	struct iscsi_login_response response = {
		.transit = true, .csg = 1, .nsg = 3, .itt = 1, .tsih = 1, .sns = sns_of(talk)};
	uint8_t bhs[ISCSI_BHS_LEN];

	iscsi_login_request_encode(&request, bhs);
	pass_with(talk, bhs, names, sizeof(names), false);
	iscsi_login_response_encode(&response, bhs);
	pass(talk, bhs, 0, true);
	talk->stat_sn++;
}

static void command(struct talk *talk, uint32_t itt, bool write)
{
	struct iscsi_scsi_command command = {
		.final = true,
		.read = !write,
		.write = write,
		.itt = itt,
		.expected_len = SEGMENT,
		.cmd_sn = talk->cmd_sn++,
		.exp_stat_sn = talk->stat_sn,
		.cdb = {write ? 0x2a : 0x28, [8] = SEGMENT / 512},
	};
	uint8_t bhs[ISCSI_BHS_LEN];

	iscsi_scsi_command_encode(&command, bhs);
	pass(talk, bhs, 0, false);
}

static void end_read(struct talk *talk, uint32_t itt)
{
	struct iscsi_data_in in = {
		.final = true, .has_status = true, .itt = itt, .sns = sns_of(talk)};
	uint8_t bhs[ISCSI_BHS_LEN];

	iscsi_data_in_encode(&in, bhs);
	pass(talk, bhs, SEGMENT, true);
	talk->stat_sn++;
}

static void end_write(struct talk *talk, uint32_t itt)
{
	struct iscsi_r2t r2t = {
		.itt = itt, .ttt = itt, .desired_len = SEGMENT, .sns = sns_of(talk)};
	struct iscsi_data_out out = {
		.final = true, .itt = itt, .ttt = itt, .exp_stat_sn = talk->stat_sn};
	struct iscsi_scsi_response response = {.itt = itt};
	uint8_t bhs[ISCSI_BHS_LEN];

	iscsi_r2t_encode(&r2t, bhs);
	pass(talk, bhs, 0, true);
	iscsi_data_out_encode(&out, bhs);
	pass(talk, bhs, SEGMENT, false);
	response.sns = sns_of(talk);
	iscsi_scsi_response_encode(&response, bhs);
	pass(talk, bhs, 0, true);
	talk->stat_sn++;
}

static void measure(struct talk *talk, bool write)
{
	double begin = now_ns();

	talk->pdus = 0;
	for (uint32_t i = 0; i < ROUNDS; i++) {
		command(talk, 16 + i, write);
		if (i < OUTSTANDING)
			continue;
		if (write)
			end_write(talk, 16 + i - OUTSTANDING);
		else
			end_read(talk, 16 + i - OUTSTANDING);
	}
	double each = (now_ns() - begin) / (double)talk->pdus;
	for (uint32_t i = ROUNDS - OUTSTANDING; i < ROUNDS; i++)
		(write ? end_write : end_read)(talk, 16 + i);
	printf("  %-7s %6.0f ns a PDU\n", write ? "writes" : "reads", each);
}

int main(void)
{
	struct iscsi_observer *observer = iscsi_observer_create();
	struct talk talk = {.stat_sn = 100};

	must(observer != NULL, "no memory");
	iscsi_params_defaults(&talk.params);
	talk.watch = iscsi_watch_create(observer, 1);
	must(talk.watch != NULL, "no memory");
	log_in(&talk);
	printf("the observer, %u tasks outstanding\n", OUTSTANDING);
	measure(&talk, false);
	measure(&talk, true);
	iscsi_watch_free(&talk.watch, 1);
	const struct iscsi_finding *finding = iscsi_observer_finding(observer, 0);
	must(!finding, finding ? iscsi_check_row(finding->check)->id : "");
	iscsi_observer_free(&observer);
	return EXIT_SUCCESS;
}
