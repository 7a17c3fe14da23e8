/*
 * The framer over any bytes. The first byte chooses digests and limit, the rest is the stream: fed
 * whole, byte by byte, and in uneven pieces partly received in place, it must give the same events.
 */
#include <stdlib.h>
#include <string.h>

#include "pr_engine/crc32c.h"
#include "transport/ahs.h"
#include "transport/framing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool what)
{
	if (!what)
		abort();
}

/* What the owner of a framer does with a PDU's header. */
static void look_at_header(const struct iscsi_framer *framer)
{
	struct iscsi_scsi_command command;
	struct iscsi_ahs ahs;

	iscsi_scsi_command_decode(framer->bhs, &command);
	if (!iscsi_ahs_parse(framer->ahs, framer->ahs_len, &command, &ahs))
		return;
	require(ahs.extended_cdb_len <= ISCSI_AHS_MAX);
	if (ahs.extended_cdb_len > 0)
		crc32c(0, ahs.extended_cdb, ahs.extended_cdb_len);
}

static uint32_t witness(uint32_t hash, const struct iscsi_framer *framer,
			enum iscsi_frame_event event)
{
	uint8_t kind = (uint8_t)event;

	/* That a header is there is told only when the rest is not. */
	if (event == ISCSI_FRAME_HEADER || event == ISCSI_FRAME_PDU)
		look_at_header(framer);
	if (event == ISCSI_FRAME_HEADER)
		return hash;
	hash = crc32c(hash, &kind, 1);
	if (event == ISCSI_FRAME_PDU || event == ISCSI_FRAME_DATA_DIGEST) {
		require(framer->data_len <= framer->data_limit);
		hash = crc32c(hash, framer->bhs, ISCSI_BHS_LEN);
		hash = crc32c(hash, framer->ahs, framer->ahs_len);
		hash = crc32c(hash, framer->data, framer->data_len);
	}
	return hash;
}

/* Feeds n bytes; false: the stream is lost. */
static bool feed(struct iscsi_framer *framer, const uint8_t *at, size_t n, uint32_t *hash)
{
	enum iscsi_frame_event event;

	while ((event = iscsi_framer_next(framer, &at, &n)) != ISCSI_FRAME_MORE) {
		*hash = witness(*hash, framer, event);
		if (event != ISCSI_FRAME_HEADER && event != ISCSI_FRAME_PDU &&
		    event != ISCSI_FRAME_DATA_DIGEST)
			return false;
	}
	require(n == 0);
	require(framer->own_cap <= framer->data_limit);
	return true;
}

/* Some of the bytes straight into the place, as a socket is read; how many. */
static size_t land(struct iscsi_framer *framer, const uint8_t *at, size_t n)
{
	uint8_t *place;
	size_t room = iscsi_framer_direct(framer, &place);

	if (n > room)
		n = room;
	if (n > 0) {
		memcpy(place, at, n);
		iscsi_framer_landed(framer, n);
	}
	return n;
}

static uint32_t run(uint8_t setup, const uint8_t *data, size_t size, size_t step, bool direct)
{
	struct iscsi_framer framer;
	uint32_t hash = 0;

	iscsi_framer_init(&framer);
	framer.header_digest = setup & 1;
	framer.data_digest = setup & 2;
	framer.data_limit = setup & 4 ? 262144 : setup & 8 ? 0 : 512;
	for (size_t at = 0; at < size;) {
		size_t n = size - at < step ? size - at : step;
		size_t landed = direct ? land(&framer, data + at, n) : 0;
		if (!feed(&framer, data + at + landed, n - landed, &hash))
			break;
		at += n;
	}
	iscsi_framer_finish(&framer);
	return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	uint8_t setup = data[0];
	uint32_t whole = run(setup, data + 1, size - 1, size, false);
	require(run(setup, data + 1, size - 1, 1, false) == whole);
	require(run(setup, data + 1, size - 1, 1 + setup / 16, true) == whole);
	return 0;
}
