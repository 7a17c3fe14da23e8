/*
 * The observer over any PDUs, in both directions and on several connections. It must not crash, its
 * ledger must stay within its limits, and what it keeps must be sound.
 *
 * Each step takes a byte that says what happens, then a header of 48 bytes (or what is left), then
 * data.
 */
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "transport/observer.h"

#define CONNECTIONS 3
#define DATA_MAX    512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool what)
{
	if (!what)
		abort();
}

struct input {
	const uint8_t *at;
	size_t left;
};

static void take(struct input *input, uint8_t *out, size_t len)
{
	size_t n = len < input->left ? len : input->left;

	memset(out, 0, len);
	if (n > 0)
		memcpy(out, input->at, n);
	input->at += n;
	input->left -= n;
}

/* The parameters of the connection, from one byte. */
static struct iscsi_params params_of(uint8_t choice)
{
	struct iscsi_params params;

	iscsi_params_defaults(&params);
	params.initial_r2t = choice & 1;
	params.immediate_data = !(choice & 2);
	params.header_digest = choice & 4;
	params.data_digest = choice & 8;
	params.error_recovery_level = choice >> 4 & 3;
	return params;
}

/* One PDU in memory of exactly its size. */
static void play_pdu(struct iscsi_watch *watch, struct input *input, uint8_t step, uint64_t now_ms)
{
	static const uint8_t padding[3] = {0, 0, 0};
	uint8_t head[ISCSI_BHS_LEN + 2], ahs[8];
	struct iscsi_params params = params_of(step);

	take(input, head, sizeof(head));
	uint32_t len = get_be16(head + ISCSI_BHS_LEN) % DATA_MAX;
	uint8_t *own = malloc(len > 0 ? len : 1);
	require(own != NULL);
	take(input, own, len);
	take(input, ahs, step & 1 ? sizeof(ahs) : 0);
	struct iscsi_seen_pdu pdu = {
		.state = (enum iscsi_seen_state)(step >> 6 & 1 ? step >> 4 & 3 : 0),
		.bhs = head,
		.ahs = ahs,
		.ahs_len = step & 1 ? sizeof(ahs) : 0,
		.data = len > 0 ? own : NULL,
		.data_len = len,
		.padding = padding,
	};
	/* As the framer has it: no data with a header that could not be trusted. */
	if (pdu.state == ISCSI_SEEN_HEADER_DIGEST || pdu.state == ISCSI_SEEN_TOO_LONG) {
		pdu.data = NULL;
		pdu.data_len = 0;
	} else {
		put_be24(head + 5, len);
	}
	if (step & 0x80)
		iscsi_watch_sent(watch, &pdu, &params, now_ms);
	else
		iscsi_watch_received(watch, &pdu, now_ms);
	free(own);
}

static void check_ledger(const struct iscsi_observer *observer)
{
	const struct iscsi_finding *finding;
	size_t count = 0;

	while ((finding = iscsi_observer_finding(observer, count)) != NULL) {
		require(finding->check > ISCSI_CHECK_NONE && finding->check < ISCSI_CHECK_COUNT);
		require(finding->verdict >= ISCSI_VERDICT_INFO);
		require(memchr(finding->expected, '\0', sizeof(finding->expected)) != NULL);
		require(memchr(finding->got, '\0', sizeof(finding->got)) != NULL);
		require(memchr(finding->initiator, '\0', sizeof(finding->initiator)) != NULL);
		require(iscsi_observer_tally(observer, finding->check).found > 0);
		count++;
	}
	require(count <= ISCSI_OBSERVER_FINDINGS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iscsi_observer *observer = iscsi_observer_create();
	struct iscsi_watch *watches[CONNECTIONS] = {NULL};
	struct input input = {data, size};
	uint64_t now_ms = 1;

	require(observer != NULL);
	while (input.left >= 2) {
		uint8_t what[2];
		take(&input, what, sizeof(what));
		struct iscsi_watch **watch = &watches[what[0] % CONNECTIONS];
		now_ms += what[0];
		if (!*watch)
			*watch = iscsi_watch_create(observer, what[0] & 1);
		require(*watch != NULL);
		if (what[0] == 0xff)
			iscsi_watch_free(watch, now_ms);
		else if (what[0] == 0xfe)
			iscsi_watch_eof(*watch, now_ms);
		else
			play_pdu(*watch, &input, what[1], now_ms);
	}
	for (size_t i = 0; i < CONNECTIONS; i++)
		iscsi_watch_free(&watches[i], now_ms);
	check_ledger(observer);
	iscsi_observer_free(&observer);
	return 0;
}
