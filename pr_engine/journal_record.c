/*
 * The journal file, byte by byte. Integers are big-endian.
 *
 * A file is a header and frames behind it:
 *
 *   header | history records | SNAPSHOT record | records and marks ...
 *   \________ made whole by pr_store replace ________/ \__ appended __/
 *
 * How a file comes about: the part up to `durable_len` is written to a new file, synced, and only
 * then given the journal's name (pr_store_ops.replace). From then on the process that made the file
 * appends to it, and nothing in it is ever written twice. That ends with the first call that fails,
 * or with the process: what follows goes into a new file of the next epoch, built from the state in
 * memory. (After a failure the file may be cut behind its last acknowledged byte, but nothing is
 * appended after that.) So a file has one author and one timeline.
 *
 * File header, PR_FILE_HEADER_LEN bytes:
 *
 *     0   8  magic 89 'P' 'R' 'J' 0D 0A 1A 0A
 *     8   4  version, 1
 *    12   4  length of this header, 272
 *    16   8  epoch: one more than in the file that this one replaced
 *    24   8  wall clock, ms since 1970, when the process that made the file opened the journal
 *    32   8  durable_len: bytes, this header included, that were durable before the file had a name
 *    40   2  LUN
 *    42   2  length of the target name, 0 to 223
 *    44 224  target name, rest zero
 *   268   4  CRC32C of bytes 0 to 267
 *
 * Frame, at a multiple of 8, PR_FRAME_HEADER_LEN bytes and a body:
 *
 *     0   4  magic 8A 'R' 'E' 'C'
 *     4   4  length of the frame, a multiple of 8
 *     8   1  kind: 1 record, 2 mark
 *     9   1  flags: bit 0 history only; all others 0
 *    10   2  zero
 *    12   4  CRC32C of the body; 0 for a mark
 *    16   8  sequence, 1 to 2^62
 *    24   8  synced_upto: this many bytes of the file were on stable storage when the frame was
 *            written. 0 in the part made by replace, where durable_len says it better
 *    32   4  length of the changes; 0 for a mark
 *    36   4  CRC32C of bytes 0 to 35, started with the file header's CRC32C instead of 0: a frame
 * of another file, or of this LUN's file of another epoch, is never taken for one of this
 *
 * Body of a record, zero padded to a multiple of 8; a mark has none:
 *
 *     0   1  event, enum pr_journal_event
 *     1   1  service action
 *     2   1  scope and type, CDB byte 2
 *     3   1  length of the initiator name, 0 to 223
 *     4   4  PRGENERATION after it
 *     8   8  wall clock, ms since 1970
 *    16   8  reservation key
 *    24   8  service action reservation key
 *    32   6  ISID
 *    38   2  relative target port id
 *    40   n  initiator name
 *  40+n   m  changes (change.c)
 *
 * The body's CRC is under the header's, so one good header CRC vouches for a frame's length and
 * synced_upto without reading the body. The search for evidence behind unreadable bytes rests on
 * that: 36 bytes of CRC a candidate, whatever lengths a hostile file claims.
 *
 * When a record counts. Walking from the end of the file header, a frame is the valid next one if
 *  - its header's CRC is right, kind, flags and zeros are as above, and it ends within the file;
 *  - its body's CRC is right, the lengths add up, and the event is one of enum pr_journal_event;
 *  - its place is right: first history only records with rising sequences, then one SNAPSHOT whose
 *    sequence is not below theirs, then records that each have the sequence of the one before plus
 *    one, and between those, marks with the sequence of the record in front.
 * Every record up to the first frame that is not valid counts, and no other. History only records
 * count for the history alone; the state is built by the SNAPSHOT and what follows it.
 *
 * What the first invalid byte X means:
 *  - X < durable_len: the file was whole when it got its name, so this is damage;
 *  - some frame header at or behind X, at any multiple of 8, is valid and its synced_upto is above
 *    X: bytes that were durable cannot be read any more. Damage;
 *  - else nothing at or behind X was ever acknowledged as durable, as far as the file can tell: the
 *    torn tail of a crash. Normal.
 * Damage keeps the LUN offline. The mark is what protects the last record of a quiet journal: it is
 * written right behind a sync, without a sync of its own, and says that the sync went well; else a
 * record with nothing behind it could rot away and pass for a torn tail.
 *
 * No file is a journal that was never written. Since the first bytes come through replace as well,
 * a file with a part of a header, or with no bytes at all, is damage, never a torn tail.
 */
#include "pr_engine/journal_record.h"

#include <assert.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "pr_engine/crc32c.h"

static const uint8_t file_magic[PR_FILE_MAGIC_LEN] = {0x89, 'P', 'R', 'J', 0x0d, 0x0a, 0x1a, 0x0a};

#define FRAME_MAGIC	  UINT32_C(0x8a524543)
#define FLAG_HISTORY_ONLY 0x01

enum {
	FILE_VERSION_AT = 8,
	FILE_HEADER_LEN_AT = 12,
	FILE_EPOCH_AT = 16,
	FILE_TIME_AT = 24,
	FILE_DURABLE_LEN_AT = 32,
	FILE_LUN_AT = 40,
	FILE_NAME_LEN_AT = 42,
	FILE_NAME_AT = 44,
	FILE_CRC_AT = 268,

	FRAME_LEN_AT = 4,
	FRAME_KIND_AT = 8,
	FRAME_FLAGS_AT = 9,
	FRAME_ZERO_AT = 10,
	FRAME_BODY_CRC_AT = 12,
	FRAME_SEQUENCE_AT = 16,
	FRAME_SYNCED_UPTO_AT = 24,
	FRAME_CHANGES_LEN_AT = 32,
	FRAME_CRC_AT = 36,
};

static size_t align_up(size_t len)
{
	return (len + PR_FRAME_ALIGN - 1) & ~(size_t)(PR_FRAME_ALIGN - 1);
}

/* ---- file header ---- */

uint32_t pr_file_header_encode(const struct pr_file_header *header,
			       uint8_t ret_data[PR_FILE_HEADER_LEN])
{
	const char *name = header->identity.target_name;
	size_t name_len = strnlen(name, PR_INITIATOR_NAME_MAX);

	memset(ret_data, 0, PR_FILE_HEADER_LEN);
	memcpy(ret_data, file_magic, sizeof file_magic);
	put_be32(ret_data + FILE_VERSION_AT, PR_FILE_VERSION);
	put_be32(ret_data + FILE_HEADER_LEN_AT, PR_FILE_HEADER_LEN);
	put_be64(ret_data + FILE_EPOCH_AT, header->epoch);
	put_be64(ret_data + FILE_TIME_AT, header->time_ms);
	put_be64(ret_data + FILE_DURABLE_LEN_AT, header->durable_len);
	put_be16(ret_data + FILE_LUN_AT, header->identity.lun);
	put_be16(ret_data + FILE_NAME_LEN_AT, (uint16_t)name_len);
	memcpy(ret_data + FILE_NAME_AT, name, name_len);

	uint32_t crc = crc32c(0, ret_data, FILE_CRC_AT);
	put_be32(ret_data + FILE_CRC_AT, crc);
	return crc;
}

bool pr_file_header_is_begun(const uint8_t *data, size_t len)
{
	return memcmp(data, file_magic, len < sizeof file_magic ? len : sizeof file_magic) == 0;
}

enum pr_file_header_fault pr_file_header_decode(const uint8_t *data, size_t len,
						struct pr_file_header *ret_header,
						uint32_t *ret_seed)
{
	if (!pr_file_header_is_begun(data, len))
		return PR_FILE_HEADER_FOREIGN;
	if (len < PR_FILE_HEADER_LEN)
		return PR_FILE_HEADER_DAMAGED;

	uint32_t crc = get_be32(data + FILE_CRC_AT);
	bool crc_right = crc32c(0, data, FILE_CRC_AT) == crc;
	if (get_be32(data + FILE_VERSION_AT) != PR_FILE_VERSION)
		return PR_FILE_HEADER_VERSION;
	size_t name_len = get_be16(data + FILE_NAME_LEN_AT);
	if (!crc_right || get_be32(data + FILE_HEADER_LEN_AT) != PR_FILE_HEADER_LEN ||
	    name_len > PR_INITIATOR_NAME_MAX || memchr(data + FILE_NAME_AT, 0, name_len))
		return PR_FILE_HEADER_DAMAGED;

	struct pr_file_header header = {
		.epoch = get_be64(data + FILE_EPOCH_AT),
		.time_ms = get_be64(data + FILE_TIME_AT),
		.durable_len = get_be64(data + FILE_DURABLE_LEN_AT),
		.identity.lun = get_be16(data + FILE_LUN_AT),
	};
	memcpy(header.identity.target_name, data + FILE_NAME_AT, name_len);
	*ret_header = header;
	*ret_seed = crc;
	return PR_FILE_HEADER_VALID;
}

/* ---- frames ---- */

static bool frame_shape_is_valid(const struct pr_frame_header *header)
{
	if (header->sequence == 0 || header->sequence > PR_SEQUENCE_MAX)
		return false;
	if (header->len % PR_FRAME_ALIGN != 0)
		return false;
	if (header->kind == PR_FRAME_MARK)
		return header->len == PR_FRAME_HEADER_LEN && header->changes_len == 0 &&
		       header->body_crc == 0 && !header->history_only;
	return header->kind == PR_FRAME_RECORD &&
	       header->len >= PR_FRAME_HEADER_LEN + PR_FRAME_META_LEN;
}

bool pr_frame_header_decode(const uint8_t data[PR_FRAME_HEADER_LEN], uint32_t seed,
			    struct pr_frame_header *ret_header)
{
	if (get_be32(data) != FRAME_MAGIC)
		return false;
	if (get_be32(data + FRAME_CRC_AT) != crc32c(seed, data, FRAME_CRC_AT))
		return false;

	uint8_t kind = data[FRAME_KIND_AT];
	uint8_t flags = data[FRAME_FLAGS_AT];
	if ((kind != PR_FRAME_RECORD && kind != PR_FRAME_MARK) || (flags & ~FLAG_HISTORY_ONLY) ||
	    get_be16(data + FRAME_ZERO_AT) != 0)
		return false;

	struct pr_frame_header header = {
		.kind = kind == PR_FRAME_MARK ? PR_FRAME_MARK : PR_FRAME_RECORD,
		.history_only = (flags & FLAG_HISTORY_ONLY) != 0,
		.len = get_be32(data + FRAME_LEN_AT),
		.changes_len = get_be32(data + FRAME_CHANGES_LEN_AT),
		.body_crc = get_be32(data + FRAME_BODY_CRC_AT),
		.sequence = get_be64(data + FRAME_SEQUENCE_AT),
		.synced_upto = get_be64(data + FRAME_SYNCED_UPTO_AT),
	};
	if (!frame_shape_is_valid(&header))
		return false;
	*ret_header = header;
	return true;
}

static bool event_decode(uint8_t byte, enum pr_journal_event *ret_event)
{
	switch (byte) {
	case PR_EVENT_PR_OUT:
		*ret_event = PR_EVENT_PR_OUT;
		return true;
	case PR_EVENT_POWER_ON:
		*ret_event = PR_EVENT_POWER_ON;
		return true;
	case PR_EVENT_SNAPSHOT:
		*ret_event = PR_EVENT_SNAPSHOT;
		return true;
	default:
		return false;
	}
}

bool pr_frame_record_decode(const uint8_t *frame, const struct pr_frame_header *header,
			    struct pr_journal_record *ret_record)
{
	const uint8_t *body = frame + PR_FRAME_HEADER_LEN;
	size_t body_len = header->len - PR_FRAME_HEADER_LEN;
	struct pr_journal_record record = {
		.sequence = header->sequence,
		.history_only = header->history_only,
		.changes_len = header->changes_len,
	};
	struct pr_journal_meta *meta = &record.meta;
	struct byte_reader in = byte_reader_over(body, body_len);

	if (crc32c(0, body, body_len) != header->body_crc)
		return false;
	if (!event_decode(byte_reader_u8(&in), &meta->event))
		return false;
	meta->action = byte_reader_u8(&in);
	meta->scope_type = byte_reader_u8(&in);
	size_t name_len = byte_reader_u8(&in);
	meta->generation = byte_reader_be32(&in);
	meta->time_ms = byte_reader_be64(&in);
	meta->reservation_key = byte_reader_be64(&in);
	meta->service_action_key = byte_reader_be64(&in);
	const uint8_t *isid = byte_reader_take(&in, PR_ISID_LEN);
	meta->nexus.relative_target_port_id = byte_reader_be16(&in);
	const uint8_t *name = byte_reader_take(&in, name_len);
	record.changes = byte_reader_take(&in, header->changes_len);

	if (in.failed || byte_reader_left(&in) >= PR_FRAME_ALIGN ||
	    name_len > PR_INITIATOR_NAME_MAX || memchr(name, 0, name_len))
		return false;
	memcpy(meta->nexus.isid, isid, PR_ISID_LEN);
	memcpy(meta->nexus.initiator_name, name, name_len);
	*ret_record = record;
	return true;
}

size_t pr_frame_record_len(const struct pr_journal_meta *meta, size_t changes_len)
{
	if (changes_len > PR_FRAME_CHANGES_MAX)
		return 0;
	return align_up(PR_FRAME_HEADER_LEN + PR_FRAME_META_LEN +
			strnlen(meta->nexus.initiator_name, PR_INITIATOR_NAME_MAX) + changes_len);
}

static void body_encode(const struct pr_journal_meta *meta, const uint8_t *changes,
			size_t changes_len, struct byte_writer *out)
{
	const char *name = meta->nexus.initiator_name;
	size_t name_len = strnlen(name, PR_INITIATOR_NAME_MAX);

	byte_writer_u8(out, (uint8_t)meta->event);
	byte_writer_u8(out, meta->action);
	byte_writer_u8(out, meta->scope_type);
	byte_writer_u8(out, (uint8_t)name_len);
	byte_writer_be32(out, meta->generation);
	byte_writer_be64(out, meta->time_ms);
	byte_writer_be64(out, meta->reservation_key);
	byte_writer_be64(out, meta->service_action_key);
	byte_writer_bytes(out, meta->nexus.isid, PR_ISID_LEN);
	byte_writer_be16(out, meta->nexus.relative_target_port_id);
	byte_writer_bytes(out, name, name_len);
	byte_writer_bytes(out, changes, changes_len);
	byte_writer_zeros(out, out->cap - out->len);
}

static void frame_header_encode(enum pr_frame_kind kind, size_t len, size_t changes_len,
				uint32_t body_crc, uint64_t sequence, uint8_t *ret_frame)
{
	memset(ret_frame, 0, PR_FRAME_HEADER_LEN);
	put_be32(ret_frame, FRAME_MAGIC);
	put_be32(ret_frame + FRAME_LEN_AT, (uint32_t)len);
	ret_frame[FRAME_KIND_AT] = (uint8_t)kind;
	put_be32(ret_frame + FRAME_BODY_CRC_AT, body_crc);
	put_be64(ret_frame + FRAME_SEQUENCE_AT, sequence);
	put_be32(ret_frame + FRAME_CHANGES_LEN_AT, (uint32_t)changes_len);
}

void pr_frame_record_encode(const struct pr_journal_meta *meta, uint64_t sequence,
			    const uint8_t *changes, size_t changes_len, uint8_t *ret_frame)
{
	size_t len = pr_frame_record_len(meta, changes_len);
	assert(len > 0);
	uint8_t *body = ret_frame + PR_FRAME_HEADER_LEN;
	size_t body_len = len - PR_FRAME_HEADER_LEN;
	struct byte_writer out = byte_writer_over(body, body_len);

	body_encode(meta, changes, changes_len, &out);
	assert(!out.overflow);
	frame_header_encode(PR_FRAME_RECORD, len, changes_len, crc32c(0, body, body_len), sequence,
			    ret_frame);
}

void pr_frame_mark_encode(uint64_t sequence, uint8_t ret_frame[PR_FRAME_HEADER_LEN])
{
	frame_header_encode(PR_FRAME_MARK, PR_FRAME_HEADER_LEN, 0, 0, sequence, ret_frame);
}

void pr_frame_seal(uint8_t *frame, uint32_t seed, uint64_t synced_upto)
{
	put_be64(frame + FRAME_SYNCED_UPTO_AT, synced_upto);
	put_be32(frame + FRAME_CRC_AT, crc32c(seed, frame, FRAME_CRC_AT));
}

size_t pr_frame_len(const uint8_t *frame)
{
	return get_be32(frame + FRAME_LEN_AT);
}

void pr_frame_set_history_only(uint8_t *frame)
{
	frame[FRAME_FLAGS_AT] |= FLAG_HISTORY_ONLY;
}
