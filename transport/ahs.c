#include "transport/ahs.h"

#include "pr_engine/bytes.h"

/* AHSType, the low six bits of byte 2; all other codes are reserved. */
enum ahs_type {
	AHS_EXTENDED_CDB = 1,
	AHS_BIDIRECTIONAL_READ_LEN = 2,
};

/* AHSLength counts from the AHS-specific byte on. */
#define BIDIRECTIONAL_AHS_LEN 5u
#define EXTENDED_CDB_AHS_MIN  2u

#define CDB_VARIABLE_LENGTH 0x7f
#define CDB_IN_HEADER	    16u

/*
 * May a CDB of this operation code have `extended_len` bytes beyond the sixteen of the header? The
 * group code tells the length of most (SPC-4 4.2.5.1); a variable-length CDB tells it in byte 7.
 */
static bool cdb_reaches(const uint8_t *cdb, uint32_t extended_len)
{
	unsigned group = cdb[0] >> 5;

	if (cdb[0] == CDB_VARIABLE_LENGTH)
		return 8u + cdb[7] == CDB_IN_HEADER + extended_len;
	/* Group 3 is reserved but for 7Eh and 7Fh; groups 6 and 7 are the vendor's. */
	return group == 3 || group >= 6;
}

static bool parse_extended_cdb(const uint8_t *body, uint32_t ahs_len,
			       const struct iscsi_scsi_command *command, struct iscsi_ahs *ahs)
{
	if (ahs->extended_cdb_len > 0 || ahs_len < EXTENDED_CDB_AHS_MIN)
		return false;
	if (!cdb_reaches(command->cdb, ahs_len - 1))
		return false;
	ahs->extended_cdb = body + 1;
	ahs->extended_cdb_len = ahs_len - 1;
	return true;
}

static bool parse_bidirectional(const uint8_t *body, uint32_t ahs_len,
				const struct iscsi_scsi_command *command, struct iscsi_ahs *ahs)
{
	if (ahs->has_bidirectional_read_len || ahs_len != BIDIRECTIONAL_AHS_LEN)
		return false;
	if (!command->read || !command->write)
		return false;
	ahs->has_bidirectional_read_len = true;
	ahs->bidirectional_read_len = get_be32(body + 1);
	return true;
}

bool iscsi_ahs_parse(const uint8_t *ahs, size_t len, const struct iscsi_scsi_command *command,
		     struct iscsi_ahs *ret)
{
	struct byte_reader reader = byte_reader_over(ahs, len);
	struct iscsi_ahs found = {0};

	while (byte_reader_left(&reader) > 0) {
		uint32_t ahs_len = byte_reader_be16(&reader);
		unsigned type = byte_reader_u8(&reader) & 0x3f;
		/* One AHS takes round_up(AHSLength + 3, 4) bytes. */
		const uint8_t *body = byte_reader_take(&reader, ahs_len + iscsi_pad(ahs_len + 3));
		bool sound = false;

		if (!body)
			return false;
		if (type == AHS_EXTENDED_CDB)
			sound = parse_extended_cdb(body, ahs_len, command, &found);
		else if (type == AHS_BIDIRECTIONAL_READ_LEN)
			sound = parse_bidirectional(body, ahs_len, command, &found);
		if (!sound)
			return false;
	}
	/* A bidirectional command has two expected lengths (RFC 7143 11.2.2.4). */
	if (command->read && command->write && !found.has_bidirectional_read_len)
		return false;
	*ret = found;
	return true;
}
