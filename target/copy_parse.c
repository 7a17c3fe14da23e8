/*
 * The parameter list of EXTENDED COPY (LID1) (SPC-4 6.3). All of it is looked at before anything is
 * copied.
 */
#include "target/copy.h"

#include "pr_engine/bytes.h"
#include "target/sbc.h"

static bool refuse(struct scsi_task *task, enum scsi_sense sense)
{
	scsi_task_check_condition(task, sense);
	return false;
}

static bool refuse_field(struct scsi_task *task, size_t byte, int bit)
{
	scsi_task_invalid_parameter_field(task, (uint16_t)byte, bit);
	return false;
}

/* ---- CSCD descriptors ------------------------------------------------------------------------ */

#define CSCD_DEVICE_TYPE 0x1f /* beside it: LU ID TYPE, ignored for this kind, and obsolete NUL */
#define DESIGNATOR_NAA	 0x03
#define DESIGNATOR_AT	 8

/* Only LUNs that the sender may see; a designator that is none of ours is somebody out of reach. */
static const struct scsi_lun *find_lun(const struct scsi_nexus *nexus, const uint8_t *descriptor)
{
	bool of_lun = (descriptor[5] & 0x30) == 0;
	bool naa = (descriptor[4] & 0x0f) == 1 && (descriptor[5] & 0x0f) == DESIGNATOR_NAA;

	if (!of_lun || !naa || descriptor[7] != sizeof(((struct scsi_lun *)0)->naa))
		return NULL;
	for (uint16_t number = 0; number <= SCSI_LUN_MAX; number++) {
		const struct scsi_lun *lun = scsi_nexus_lun(nexus, number);

		if (lun && memcmp(lun->naa, descriptor + DESIGNATOR_AT, sizeof(lun->naa)) == 0)
			return lun;
	}
	return NULL;
}

static bool parse_cscd(struct scsi_task *task, size_t at, struct copy_cscd *cscd)
{
	const uint8_t *descriptor = task->data_out + at;
	const struct scsi_lun *lun;

	if (descriptor[0] != COPY_IDENTIFICATION_CSCD)
		return refuse(task, SCSI_SENSE_UNSUPPORTED_CSCD_DESCRIPTOR);
	*cscd = (struct copy_cscd){.is_disk = (descriptor[1] & CSCD_DEVICE_TYPE) == 0};
	lun = find_lun(task->nexus, descriptor);
	if (!lun)
		return true;
	if (cscd->is_disk && get_be24(descriptor + 29) != lun->block_size)
		return refuse_field(task, at + 29, -1);
	cscd->reachable = true;
	cscd->number = lun->number;
	cscd->epoch = task->nexus->luns[lun->number]->epoch;
	cscd->block_size = lun->block_size;
	cscd->transfer_max = sbc_transfer_max_blocks(lun) << lun->block_shift;
	return true;
}

static bool parse_cscds(struct scsi_task *task, size_t len, struct copy_list *list)
{
	if (len % COPY_CSCD_LEN != 0)
		return refuse_field(task, 2, -1);
	if (len / COPY_CSCD_LEN > COPY_CSCD_MAX)
		return refuse(task, SCSI_SENSE_TOO_MANY_CSCD_DESCRIPTORS);
	for (size_t at = 0; at < len; at += COPY_CSCD_LEN) {
		if (!parse_cscd(task, COPY_HEADER_LEN + at, &list->cscds[list->cscd_count++]))
			return false;
	}
	return true;
}

/* ---- segment descriptors --------------------------------------------------------------------- */

#define SEGMENT_DC 0x02

static bool parse_segment(struct scsi_task *task, struct byte_reader *reader,
			  struct copy_segment *segment)
{
	size_t at = reader->at;
	uint8_t type = byte_reader_u8(reader);
	uint8_t flags = byte_reader_u8(reader);
	uint16_t len = byte_reader_be16(reader);

	if (reader->failed)
		return refuse_field(task, 8, -1);
	if (type != COPY_BLOCK_TO_BLOCK)
		return refuse(task, SCSI_SENSE_UNSUPPORTED_SEGMENT_DESCRIPTOR);
	if (len != COPY_SEGMENT_LEN - 4)
		return refuse_field(task, at + 2, -1);
	segment->count_is_destinations = (flags & SEGMENT_DC) != 0;
	segment->source = byte_reader_be16(reader);
	segment->destination = byte_reader_be16(reader);
	byte_reader_take(reader, 2);
	segment->blocks = byte_reader_be16(reader);
	segment->source_lba = byte_reader_be64(reader);
	segment->destination_lba = byte_reader_be64(reader);
	return !reader->failed || refuse_field(task, 8, -1);
}

static bool parse_segments(struct scsi_task *task, size_t from, size_t len, struct copy_list *list)
{
	struct byte_reader reader = byte_reader_over(task->data_out, from + len);

	reader.at = from;
	while (byte_reader_left(&reader) > 0) {
		if (list->segment_count == COPY_SEGMENTS_MAX)
			return refuse(task, SCSI_SENSE_TOO_MANY_SEGMENT_DESCRIPTORS);
		if (!parse_segment(task, &reader, &list->segments[list->segment_count++]))
			return false;
	}
	return true;
}

/* ---- the list -------------------------------------------------------------------------------- */

bool copy_list_parse(struct scsi_task *task, struct copy_list *ret_list)
{
	const uint8_t *header = task->data_out;
	size_t cscd_len = get_be16(header + 2), segment_len = get_be32(header + 8);

	*ret_list = (struct copy_list){.id = header[0], .id_usage = header[1] >> 3 & 0x03};
	if (ret_list->id_usage == COPY_LIST_ID_RESERVED)
		return refuse_field(task, 1, 4);
	if (ret_list->id_usage == COPY_LIST_ID_NONE && ret_list->id != 0)
		return refuse_field(task, 0, -1);
	if (get_be32(header + 12) != 0)
		return refuse(task, SCSI_SENSE_INLINE_DATA_LENGTH_EXCEEDED);
	if (cscd_len + segment_len > task->data_out_len - COPY_HEADER_LEN)
		return refuse(task, SCSI_SENSE_PARAMETER_LIST_LENGTH_ERROR);
	return parse_cscds(task, cscd_len, ret_list) &&
	       parse_segments(task, COPY_HEADER_LEN + cscd_len, segment_len, ret_list);
}
