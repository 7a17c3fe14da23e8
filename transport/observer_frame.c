/*
 * Framing and header hygiene (RFC 7143 11.1, 11.2, 13.1).
 */
#include <string.h>

#include "pr_engine/bytes.h"
#include "pr_engine/crc32c.h"
#include "transport/observer_internal.h"

#define OPCODE_MASK	      0x3fu
#define IMMEDIATE_BIT	      0x40u
#define AHS_EXTENDED_CDB      1u
#define AHS_BIDIRECTIONAL     2u
#define BIDIRECTIONAL_AHS_LEN 5u
#define CDB_IN_HEADER	      16u
#define CDB_VARIABLE_LENGTH   0x7fu
#define FLAG_TRANSIT	      0x80u
#define NSG_MASK	      0x03u

/* Reserved bits: of byte 0 and 1, and whole bytes as ranges (first, behind the last). */
struct reserved {
	uint8_t opcode, byte0, byte1;
	uint8_t ranges[5][2];
};

static const struct reserved reserved[] = {
	{ISCSI_NOP_OUT, 0, 0x7f, {{2, 4}, {32, 48}}},
	{ISCSI_SCSI_COMMAND, 0, 0x18, {{2, 4}}},
	{ISCSI_TASK_MANAGEMENT_REQUEST, 0, 0, {{2, 4}, {40, 48}}},
	{ISCSI_LOGIN_REQUEST, 0, 0x30, {{22, 24}, {32, 48}}},
	{ISCSI_TEXT_REQUEST, 0, 0x3f, {{2, 4}, {32, 48}}},
	{ISCSI_DATA_OUT, IMMEDIATE_BIT, 0x7f, {{2, 4}, {24, 28}, {32, 36}, {44, 48}}},
	{ISCSI_LOGOUT_REQUEST, 0, 0, {{2, 4}, {8, 16}, {22, 24}, {32, 48}}},
	{ISCSI_SNACK_REQUEST, IMMEDIATE_BIT, 0x70, {{2, 4}, {24, 28}, {32, 40}}},
};

/* The first byte with a reserved bit set, or -1. */
static int reserved_byte(const struct reserved *row, const uint8_t *bhs)
{
	if (bhs[0] & row->byte0)
		return 0;
	if (bhs[1] & row->byte1)
		return 1;
	for (size_t r = 0; r < sizeof(row->ranges) / sizeof(row->ranges[0]); r++)
		for (int i = row->ranges[r][0]; i < row->ranges[r][1]; i++)
			if (bhs[i] != 0)
				return i;
	return -1;
}

static void judge_reserved(struct iscsi_watch *watch, const uint8_t *bhs, uint8_t opcode)
{
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		if (reserved[i].opcode != opcode)
			continue;
		int at = reserved_byte(&reserved[i], bhs);
		watch_judge(watch, ISCSI_CHECK_FRAME_RESERVED_ZERO, at < 0, "zero",
			    "byte %d is 0x%02x", at, at < 0 ? 0u : bhs[at]);
	}
	if (opcode == ISCSI_LOGIN_REQUEST && !(bhs[1] & FLAG_TRANSIT) && (bhs[1] & NSG_MASK))
		watch_note(watch, ISCSI_CHECK_FRAME_RESERVED_ZERO, "NSG 0 without T", "NSG %u",
			   bhs[1] & NSG_MASK);
}

/* --- additional header segments --------------------------------------------------------------- */

struct ahs_seen {
	bool well_formed, bidirectional, extended;
	uint32_t extended_len, bidirectional_len; /* AHSLength */
};

static struct ahs_seen ahs_walk(const uint8_t *ahs, uint32_t len)
{
	struct ahs_seen seen = {.well_formed = true};
	uint32_t at = 0;

	while (at < len) {
		if (len - at < 4)
			break;
		uint32_t ahs_len = get_be16(ahs + at), type = ahs[at + 2] & OPCODE_MASK;
		uint32_t size = 3 + ahs_len + iscsi_pad(3 + ahs_len);
		bool *is_there = type == AHS_EXTENDED_CDB    ? &seen.extended
				 : type == AHS_BIDIRECTIONAL ? &seen.bidirectional
							     : NULL;
		if (ahs_len == 0 || size > len - at || !is_there || *is_there)
			break;
		*is_there = true;
		*(type == AHS_EXTENDED_CDB ? &seen.extended_len : &seen.bidirectional_len) =
			ahs_len;
		at += size;
	}
	seen.well_formed = at == len;
	return seen;
}

static void judge_cdb_len(struct iscsi_watch *watch, const struct iscsi_scsi_command *command,
			  const struct ahs_seen *ahs)
{
	if (command->cdb[0] == CDB_VARIABLE_LENGTH) {
		uint32_t cdb_len = 8u + command->cdb[7];
		uint32_t wanted = cdb_len > CDB_IN_HEADER ? cdb_len - CDB_IN_HEADER + 1 : 0;
		watch_judge_equal(watch, ISCSI_CHECK_FRAME_EXTENDED_CDB, "AHSLength", wanted,
				  ahs->extended_len);
	} else if (ahs->extended) {
		unsigned group = command->cdb[0] >> 5;
		bool may = ahs->extended_len >= 2 && (group == 3 || group >= 6);
		watch_judge(watch, ISCSI_CHECK_FRAME_EXTENDED_CDB, may,
			    "no extended CDB for a short one", "opcode 0x%02x with AHSLength %u",
			    command->cdb[0], ahs->extended_len);
	}
}

static void judge_ahs(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu, uint8_t opcode)
{
	struct iscsi_scsi_command command;

	if (opcode != ISCSI_SCSI_COMMAND) {
		watch_judge(watch, ISCSI_CHECK_FRAME_AHS_ABSENT, pdu->bhs[4] == 0,
			    "TotalAHSLength 0", "%u", pdu->bhs[4]);
		return;
	}
	iscsi_scsi_command_decode(pdu->bhs, &command);
	struct ahs_seen ahs = ahs_walk(pdu->ahs, pdu->ahs_len);
	if (pdu->ahs_len > 0)
		watch_judge(watch, ISCSI_CHECK_FRAME_AHS_WELLFORMED, ahs.well_formed,
			    "known types, each once, that fill it", "%u bytes that are not",
			    pdu->ahs_len);
	if (!ahs.well_formed)
		return;
	judge_cdb_len(watch, &command, &ahs);
	if (command.read && command.write)
		watch_judge(watch, ISCSI_CHECK_FRAME_BIDI_AHS,
			    ahs.bidirectional_len == BIDIRECTIONAL_AHS_LEN, "an AHS with length 5",
			    "%u", ahs.bidirectional_len);
}

/* --- lengths, padding, digests ---------------------------------------------------------------- */

static void judge_data(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu, uint8_t opcode)
{
	uint32_t data_len = get_be24(pdu->bhs + 5);
	uint32_t limit = watch->state == WATCH_FULL ? watch->params.max_recv_data_segment_len
						    : ISCSI_LOGIN_DATA_MAX;

	if (opcode == ISCSI_TASK_MANAGEMENT_REQUEST || opcode == ISCSI_LOGOUT_REQUEST ||
	    opcode == ISCSI_SNACK_REQUEST)
		watch_judge(watch, ISCSI_CHECK_FRAME_NO_DATA_WHERE_FORBIDDEN,
			    data_len == 0 && pdu->bhs[4] == 0, "no data segment, no AHS",
			    "%u bytes of data, %u words of AHS", data_len, pdu->bhs[4]);
	if (data_len == 0)
		return;
	watch_judge(watch, ISCSI_CHECK_FRAME_DSL_LIMIT, data_len <= limit,
		    watch->state == WATCH_FULL ? "at most MaxRecvDataSegmentLength"
					       : "at most 8192 bytes",
		    "%u bytes of %u", data_len, limit);
	if (!pdu->data || !pdu->padding || iscsi_pad(data_len) == 0)
		return;
	unsigned bits = 0;
	for (uint32_t i = 0; i < iscsi_pad(data_len); i++)
		bits |= pdu->padding[i];
	watch_judge(watch, ISCSI_CHECK_FRAME_PADDING_ZERO, bits == 0, "00",
		    "a byte with bits 0x%02x", bits);
}

/* False: nothing behind this one can be trusted. */
static bool judge_digests(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu)
{
	if (watch->state != WATCH_FULL)
		return true;
	if (watch->params.header_digest) {
		bool right = pdu->state != ISCSI_SEEN_HEADER_DIGEST;
		watch_judge(watch, ISCSI_CHECK_FRAME_HEADER_DIGEST, right, "CRC32C of the header",
			    "something else, or nothing");
		if (!right)
			return false;
	}
	if (watch->params.data_digest && pdu->data && pdu->data_len > 0)
		watch_judge(watch, ISCSI_CHECK_FRAME_DATA_DIGEST,
			    pdu->state != ISCSI_SEEN_DATA_DIGEST, "CRC32C of data and padding",
			    "something else, or nothing");
	return true;
}

/*
 * A digest that nobody asked for shows as four bytes too many: they stand where the data begins, or
 * where the next header does.
 */
static bool judge_uninvited_digest(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu)
{
	uint8_t wire[ISCSI_DIGEST_LEN];
	bool is_there = false;

	if (watch->state != WATCH_FULL || watch->params.header_digest)
		return true;
	if (watch->has_last_crc) {
		for (unsigned i = 0; i < ISCSI_DIGEST_LEN; i++)
			wire[i] = (uint8_t)(watch->last_crc >> (8 * i));
		is_there = memcmp(wire, pdu->bhs, sizeof(wire)) == 0;
	}
	uint32_t crc = crc32c(0, pdu->bhs, ISCSI_BHS_LEN);
	if (pdu->ahs_len > 0)
		crc = crc32c(crc, pdu->ahs, pdu->ahs_len);
	if (pdu->data && pdu->data_len >= ISCSI_DIGEST_LEN) {
		for (unsigned i = 0; i < ISCSI_DIGEST_LEN; i++)
			wire[i] = (uint8_t)(crc >> (8 * i));
		is_there = is_there || memcmp(wire, pdu->data, sizeof(wire)) == 0;
	}
	watch->has_last_crc = pdu->data_len == 0;
	watch->last_crc = crc;
	watch_judge(watch, ISCSI_CHECK_FRAME_DIGEST_OFF_AFTER_NONE, !is_there, "no digest",
		    "the CRC32C of a header");
	return !is_there;
}

bool watch_frame(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu)
{
	uint8_t opcode = pdu->bhs[0] & OPCODE_MASK;
	bool vendor = opcode >= 0x1c && opcode <= 0x1e;
	bool legal = (opcode <= ISCSI_LOGOUT_REQUEST || opcode == ISCSI_SNACK_REQUEST || vendor) &&
		     !(pdu->bhs[0] & FLAG_TRANSIT);

	if (!judge_digests(watch, pdu) || !judge_uninvited_digest(watch, pdu)) {
		watch->state = WATCH_LOST;
		return false;
	}
	if (watch->received == 1) {
		bool is_login = opcode == ISCSI_LOGIN_REQUEST;
		watch_judge(watch, ISCSI_CHECK_FRAME_FIRST_PDU_LOGIN, is_login, "a Login Request",
			    "byte 0 is 0x%02x", pdu->bhs[0]);
		if (!is_login) {
			watch->state = WATCH_LOST;
			return false;
		}
	}
	watch_judge(watch, ISCSI_CHECK_FRAME_OPCODE_LEGAL, legal, "an initiator's opcode",
		    "byte 0 is 0x%02x", pdu->bhs[0]);
	if (!legal || vendor)
		return false;
	judge_reserved(watch, pdu->bhs, opcode);
	judge_ahs(watch, pdu, opcode);
	judge_data(watch, pdu, opcode);
	return true;
}
