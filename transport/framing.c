/*
 * The reader's course through one PDU:
 *
 *   HEADER   48 bytes, then the AHS they announce, then the header digest if there is one
 *   PLACE    ISCSI_FRAME_HEADER was returned; the owner may say where the data goes
 *   DATA     the data segment
 *   TAIL     its padding and its digest
 *
 * One that is all at hand, or has no data, takes none of these steps in between.
 *
 * Nothing that the header says is believed before its digest is checked: TotalAHSLength alone is
 * needed to find the digest, and it is one byte, so at most 1020 bytes are waited for.
 */
#include "transport/framing.h"

#include <assert.h>
#include <stdlib.h>

#include "pr_engine/bytes.h"
#include "pr_engine/crc32c.h"

enum state {
	STATE_HEADER = 0,
	STATE_PLACE,
	STATE_DATA,
	STATE_TAIL,
	STATE_LOST, /* the stream cannot go on: `got` holds the event, for ever */
};

#define OWN_MIN 512u /* bytes: the smallest piece of own memory */

static_assert(ISCSI_AHS_MAX == 255 * 4, "TotalAHSLength is one byte of words");

void iscsi_framer_init(struct iscsi_framer *framer)
{
	*framer = (struct iscsi_framer){.data_limit = ISCSI_LOGIN_DATA_MAX};
}

void iscsi_framer_finish(struct iscsi_framer *framer)
{
	free(framer->own);
	framer->own = NULL;
	framer->own_cap = 0;
	framer->data = NULL;
}

static enum iscsi_frame_event lose(struct iscsi_framer *framer, enum iscsi_frame_event event)
{
	framer->state = STATE_LOST;
	framer->got = event;
	return event;
}

/* Copies into `to` what is there of its bytes [framer->got - from, size); true once it is full. */
static bool fill(struct iscsi_framer *framer, uint8_t *to, uint32_t from, uint32_t size,
		 const uint8_t **data, size_t *len)
{
	uint32_t at = framer->got - from;
	size_t n = size - at;

	if (n > *len)
		n = *len;
	if (n > 0) {
		memcpy(to + at, *data, n);
		*data += n;
		*len -= n;
		framer->got += (uint32_t)n;
	}
	return framer->got - from == size;
}

/* RFC 7143 13.1: the CRC travels least significant byte first. */
static bool digest_is_right(const uint8_t *wire, uint32_t crc)
{
	return wire[0] == (uint8_t)crc && wire[1] == (uint8_t)(crc >> 8) &&
	       wire[2] == (uint8_t)(crc >> 16) && wire[3] == (uint8_t)(crc >> 24);
}

static bool has_digest(const struct iscsi_framer *framer)
{
	return framer->data_digest && framer->data_len > 0;
}

/* With all that follows the header at hand, the data segment need not be copied: it stays where it
 * lies, in the caller's buffer. */
static bool borrow(struct iscsi_framer *framer, const uint8_t **data, size_t *len)
{
	size_t tail = iscsi_pad(framer->data_len) + (has_digest(framer) ? ISCSI_DIGEST_LEN : 0);

	if (*len < framer->data_len + tail)
		return false;
	/* The pointer is not const, as a place is written to; nothing is written to this one. */
	framer->data = (uint8_t *)*data;
	*data += framer->data_len;
	*len -= framer->data_len;
	return true;
}

/* Padding and digest are there only when data is (RFC 7143 11.2.3, 11.2.4). */
static enum iscsi_frame_event read_tail(struct iscsi_framer *framer, const uint8_t **data,
					size_t *len)
{
	uint32_t pad = iscsi_pad(framer->data_len);
	bool digest = has_digest(framer);
	uint32_t tail_len = pad + (digest ? ISCSI_DIGEST_LEN : 0);
	bool right = true;

	if (tail_len > 0 && !fill(framer, framer->tail, 0, tail_len, data, len))
		return ISCSI_FRAME_MORE;
	if (digest) {
		uint32_t crc = crc32c(0, framer->data, framer->data_len);
		crc = crc32c(crc, framer->tail, pad);
		right = digest_is_right(framer->tail + pad, crc);
	}
	framer->got = 0;
	framer->state = STATE_HEADER;
	return right ? ISCSI_FRAME_PDU : ISCSI_FRAME_DATA_DIGEST;
}

/* Nearly always it is there in one piece. */
static void take_bhs(struct iscsi_framer *framer, const uint8_t **data, size_t *len)
{
	memcpy(framer->bhs, *data, ISCSI_BHS_LEN);
	*data += ISCSI_BHS_LEN;
	*len -= ISCSI_BHS_LEN;
	framer->got = ISCSI_BHS_LEN;
}

static enum iscsi_frame_event read_header(struct iscsi_framer *framer, const uint8_t **data,
					  size_t *len)
{
	if (framer->got < ISCSI_BHS_LEN) {
		if (framer->got == 0 && *len >= ISCSI_BHS_LEN)
			take_bhs(framer, data, len);
		else if (!fill(framer, framer->bhs, 0, ISCSI_BHS_LEN, data, len))
			return ISCSI_FRAME_MORE;
		framer->ahs_len = framer->bhs[4] * 4u;
		framer->data_len = 0;
		framer->data = NULL;
		framer->placed = false;
	}
	uint32_t ahs_end = ISCSI_BHS_LEN + framer->ahs_len;
	if (framer->got < ahs_end &&
	    !fill(framer, framer->ahs, ISCSI_BHS_LEN, framer->ahs_len, data, len))
		return ISCSI_FRAME_MORE;
	if (framer->header_digest) {
		if (!fill(framer, framer->tail, ahs_end, ISCSI_DIGEST_LEN, data, len))
			return ISCSI_FRAME_MORE;
		uint32_t crc = crc32c(0, framer->bhs, ISCSI_BHS_LEN);
		crc = crc32c(crc, framer->ahs, framer->ahs_len);
		if (!digest_is_right(framer->tail, crc))
			return lose(framer, ISCSI_FRAME_HEADER_DIGEST);
	}
	framer->data_len = get_be24(framer->bhs + 5);
	if (framer->data_len > framer->data_limit)
		return lose(framer, ISCSI_FRAME_TOO_LONG);
	framer->got = 0;
	if (framer->data_len == 0) {
		framer->state = STATE_HEADER; /* nothing follows: nor padding, nor digest */
		return ISCSI_FRAME_PDU;
	}
	if (borrow(framer, data, len))
		return read_tail(framer, data, len);
	framer->state = STATE_PLACE;
	return ISCSI_FRAME_HEADER;
}

void iscsi_framer_place(struct iscsi_framer *framer, uint8_t *place)
{
	assert(framer->state == STATE_PLACE);
	framer->data = place;
	framer->placed = true;
}

/*
 * Own memory for the segment, at least doubled each time so that growing sizes do not allocate each
 * time, and never over the limit.
 */
static bool reserve_own(struct iscsi_framer *framer)
{
	uint64_t cap = (uint64_t)framer->own_cap * 2;

	if (framer->data_len <= framer->own_cap)
		return true;
	if (cap < OWN_MIN)
		cap = OWN_MIN;
	if (cap > framer->data_limit)
		cap = framer->data_limit;
	if (cap < framer->data_len)
		cap = framer->data_len;
	uint8_t *own = malloc((size_t)cap);
	if (!own)
		return false;
	free(framer->own);
	framer->own = own;
	framer->own_cap = (uint32_t)cap;
	return true;
}

static bool take_place(struct iscsi_framer *framer)
{
	if (!framer->placed) {
		if (!reserve_own(framer))
			return false;
		framer->data = framer->own;
	}
	framer->state = STATE_DATA;
	return true;
}

static enum iscsi_frame_event read_data(struct iscsi_framer *framer, const uint8_t **data,
					size_t *len)
{
	if (framer->got < framer->data_len &&
	    !fill(framer, framer->data, 0, framer->data_len, data, len))
		return ISCSI_FRAME_MORE;
	framer->got = 0;
	framer->state = STATE_TAIL;
	return read_tail(framer, data, len);
}

enum iscsi_frame_event iscsi_framer_next(struct iscsi_framer *framer, const uint8_t **data,
					 size_t *len)
{
	switch ((enum state)framer->state) {
	case STATE_HEADER:
		return read_header(framer, data, len);
	case STATE_PLACE:
		if (!take_place(framer))
			return lose(framer, ISCSI_FRAME_NO_MEMORY);
		return read_data(framer, data, len);
	case STATE_DATA:
		return read_data(framer, data, len);
	case STATE_TAIL:
		return read_tail(framer, data, len);
	case STATE_LOST:
		break;
	}
	return (enum iscsi_frame_event)framer->got;
}

size_t iscsi_framer_direct(const struct iscsi_framer *framer, uint8_t **ret_place)
{
	if (framer->state != STATE_DATA || framer->got == framer->data_len)
		return 0;
	*ret_place = framer->data + framer->got;
	return framer->data_len - framer->got;
}

void iscsi_framer_landed(struct iscsi_framer *framer, size_t n)
{
	assert(framer->state == STATE_DATA && n <= framer->data_len - framer->got);
	framer->got += (uint32_t)n;
}
