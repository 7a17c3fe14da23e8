/*
 * From a byte stream to PDUs (RFC 7143 11.1, 11.2): an incremental reader with digests and limits.
 *
 * The reader says where the next bytes should go (so that a large data segment can be received
 * straight into its place), is told how many came, and says when a PDU is whole. It checks a data
 * segment's length against the limit before any of it is taken, and after the header digest.
 */
#ifndef TRANSPORT_FRAMING_H
#define TRANSPORT_FRAMING_H

#include "transport/pdu.h"

enum iscsi_frame_event {
	ISCSI_FRAME_MORE = 0, /* give more bytes */
	/* Header and AHS are here and sound, and not all of the data segment. The owner may call
	 * iscsi_framer_place to choose where that goes; then it calls iscsi_framer_next again. */
	ISCSI_FRAME_HEADER,
	ISCSI_FRAME_PDU,	   /* the whole PDU is here; next call starts the next one */
	ISCSI_FRAME_HEADER_DIGEST, /* wrong header digest: the stream is lost, close */
	ISCSI_FRAME_TOO_LONG,	   /* data segment over the limit: close */
	ISCSI_FRAME_DATA_DIGEST,   /* the PDU is here, its data digest is wrong: Reject 0x02 */
	ISCSI_FRAME_NO_MEMORY,
};

struct iscsi_framer {
	/* The PDU under way; valid from HEADER or PDU on, until the next call after PDU /
	 * DATA_DIGEST (and no longer than the bytes that were fed: the data segment may lie among
	 * them). */
	uint8_t bhs[ISCSI_BHS_LEN];
	uint8_t ahs[ISCSI_AHS_MAX];
	uint32_t ahs_len;  /* bytes */
	uint8_t *data;	   /* the data segment: the owner's place, the bytes fed, or own memory */
	uint32_t data_len; /* bytes, without padding */

	/* Set by the owner at any time between PDUs. */
	bool header_digest, data_digest;
	uint32_t data_limit; /* our MaxRecvDataSegmentLength in force */

	/* The framer's own. */
	int state;
	uint32_t got;
	uint8_t *own;
	uint32_t own_cap;
	uint8_t tail[8]; /* padding and digest */
	bool placed;
};

void iscsi_framer_init(struct iscsi_framer *framer);
void iscsi_framer_finish(struct iscsi_framer *framer); /* frees its memory */

/*
 * Feeds bytes that lie in the caller's buffer: consumes some of the *len at *data until an event,
 * and moves both on.
 */
enum iscsi_frame_event iscsi_framer_next(struct iscsi_framer *framer, const uint8_t **data,
					 size_t *len);

/* After HEADER: the data segment is to be received at `place` (data_len bytes, borrowed until PDU).
 */
void iscsi_framer_place(struct iscsi_framer *framer, uint8_t *place);

/*
 * While a data segment is under way: the place and number of its bytes still to come, so that the
 * socket can be read straight into it; 0 bytes otherwise. After reading n of them there, call
 * iscsi_framer_landed(n), then iscsi_framer_next as usual.
 */
size_t iscsi_framer_direct(const struct iscsi_framer *framer, uint8_t **ret_place);
void iscsi_framer_landed(struct iscsi_framer *framer, size_t n);

#endif
