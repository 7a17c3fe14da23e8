/*
 * RECEIVE COPY RESULTS (SPC-4 6.20 to 6.23), and what is remembered for it: per nexus and LUN, a
 * limited number of copies, the oldest finished one making room.
 */
#include "target/copy.h"

#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"

/* ---- what is remembered ---------------------------------------------------------------------- */

struct scsi_copy_result *copy_result_find(const struct scsi_lun_nexus *lun_nexus, uint8_t list_id)
{
	struct scsi_copy_results *copies = lun_nexus->copies;

	for (size_t i = 0; copies && i < COPY_LISTS_MAX; i++) {
		if (copies->results[i].used && copies->results[i].list_id == list_id)
			return &copies->results[i];
	}
	return NULL;
}

/* One that is free, or else the oldest that has ended; NULL: all are in progress. */
static struct scsi_copy_result *find_room(struct scsi_copy_results *copies)
{
	struct scsi_copy_result *room = NULL;

	for (size_t i = 0; i < COPY_LISTS_MAX; i++) {
		struct scsi_copy_result *result = &copies->results[i];

		if (!result->used)
			return result;
		if (!result->in_progress && (!room || result->started < room->started))
			room = result;
	}
	return room;
}

struct scsi_copy_result *copy_result_begin(struct scsi_task *task, uint8_t list_id)
{
	struct scsi_lun_nexus *lun_nexus = scsi_task_lun_nexus(task);
	struct scsi_copy_result *result = copy_result_find(lun_nexus, list_id);

	if (result && result->in_progress) {
		scsi_task_check_condition(task, SCSI_SENSE_OPERATION_IN_PROGRESS);
		return NULL;
	}
	if (!lun_nexus->copies)
		lun_nexus->copies = calloc(1, sizeof(*lun_nexus->copies));
	if (!result && lun_nexus->copies)
		result = find_room(lun_nexus->copies);
	if (!result) {
		scsi_task_check_condition(task, SCSI_SENSE_INSUFFICIENT_RESOURCES);
		return NULL;
	}
	*result = (struct scsi_copy_result){
		.used = true,
		.in_progress = true,
		.list_id = list_id,
		.started = ++lun_nexus->copies->started,
	};
	return result;
}

/* ---- RECEIVE COPY RESULTS -------------------------------------------------------------------- */

enum copy_status {
	STATUS_IN_PROGRESS = 0x00,
	STATUS_COMPLETED = 0x01,
	STATUS_FAILED = 0x02,
};

#define UNITS_BYTES 0x00
#define UNITS_KIB   0x01

static void put_status(const struct scsi_copy_result *result, struct byte_writer *data)
{
	bool in_kib = result->bytes > UINT32_MAX;

	byte_writer_be32(data, 8); /* AVAILABLE DATA */
	byte_writer_u8(data, result->in_progress ? STATUS_IN_PROGRESS
			     : result->failed	 ? STATUS_FAILED
						 : STATUS_COMPLETED);
	byte_writer_be16(data, result->segments);
	byte_writer_u8(data, in_kib ? UNITS_KIB : UNITS_BYTES);
	byte_writer_be32(data, (uint32_t)(in_kib ? result->bytes >> 10 : result->bytes));
}

static void put_operating_parameters(struct byte_writer *data)
{
	byte_writer_be32(data, 42); /* AVAILABLE DATA */
	byte_writer_be32(data, 0);  /* SNLID 0: a list id is needed, or the usage that has none */
	byte_writer_be16(data, COPY_CSCD_MAX);
	byte_writer_be16(data, COPY_SEGMENTS_MAX);
	byte_writer_be32(data, COPY_DESCRIPTORS_MAX);
	byte_writer_be32(data, COPY_SEGMENT_MAX_BYTES);
	byte_writer_zeros(data, 12); /* no inline data, no held data, no stream devices */
	byte_writer_be16(data, 0);
	byte_writer_be16(data, COPY_RUNNING_MAX); /* TOTAL CONCURRENT COPIES: of this nexus */
	byte_writer_u8(data, COPY_LISTS_MAX);
	byte_writer_u8(data, 9); /* DATA SEGMENT GRANULARITY: 2^9 bytes */
	byte_writer_zeros(data, 5);
	byte_writer_u8(data, 2); /* IMPLEMENTED DESCRIPTOR LIST LENGTH */
	byte_writer_u8(data, COPY_BLOCK_TO_BLOCK);
	byte_writer_u8(data, COPY_IDENTIFICATION_CSCD);
}

#define DETAILS_SENSE_AT 60

/* Without a failed segment there are no details (SPC-4 6.23). */
static void put_failed_segment(const struct scsi_copy_result *result, struct byte_writer *data)
{
	if (!result->failed) {
		byte_writer_be32(data, 0);
		return;
	}
	byte_writer_be32(data, DETAILS_SENSE_AT - 4 + (uint32_t)result->sense_len);
	byte_writer_zeros(data, 52);
	byte_writer_u8(data, result->status);
	byte_writer_u8(data, 0);
	byte_writer_be16(data, result->sense_len);
	byte_writer_bytes(data, result->sense, result->sense_len);
}

enum scsi_result scsi_receive_copy_results(struct scsi_task *task)
{
	enum copy_action action = task->cdb[1] & 0x1f;
	const struct scsi_copy_result *result =
		copy_result_find(scsi_task_lun_nexus(task), task->cdb[2]);
	uint8_t bytes[DETAILS_SENSE_AT + SCSI_SENSE_MAX];
	struct byte_writer data = byte_writer_over(bytes, sizeof(bytes));
	bool has_details = result && !result->in_progress;

	/* Details are there once the copy has ended; the list id is not known before. */
	if (action != COPY_OPERATING_PARAMETERS &&
	    (!result || (action == COPY_FAILED_SEGMENT_DETAILS && !has_details))) {
		scsi_task_invalid_cdb_field(task, 2, -1);
		return SCSI_DONE;
	}
	if (action == COPY_OPERATING_PARAMETERS)
		put_operating_parameters(&data);
	else if (action == COPY_FAILED_SEGMENT_DETAILS)
		put_failed_segment(result, &data);
	else
		put_status(result, &data);
	return scsi_task_answer(task, bytes, data.len, get_be32(task->cdb + 10));
}
