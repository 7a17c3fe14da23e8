/*
 * SEND DIAGNOSTIC and RECEIVE DIAGNOSTIC RESULTS (SPC-4 6.42, 6.18).
 *
 * A self-test reads the first and the last block: what the backing store could have lost. It runs
 * in the foreground; spc_log.c notes its result for the Self-Test Results page.
 */
#include "pr_engine/bytes.h"
#include "target/sbc.h"

#define DIAGNOSTIC_PAGE_SUPPORTED 0x00

/* ---- SEND DIAGNOSTIC ------------------------------------------------------------------------- */

#define SEND_DIAGNOSTIC_PF	 0x10
#define SEND_DIAGNOSTIC_SELFTEST 0x04

enum self_test_code {
	SELF_TEST_NONE = 0, /* the default self-test, or none */
	SELF_TEST_FOREGROUND_SHORT = 5,
	SELF_TEST_FOREGROUND_EXTENDED = 6,
};

#define PAGE_HEADER_LEN 4

static bool read_block(struct sbc_io *io, uint64_t lba, sbc_step next)
{
	return sbc_io_plan(io, BACKING_READ, sbc_bytes(io->task, lba), io->buffer, io->buffer_len,
			   next);
}

static bool read_last(struct sbc_io *io)
{
	return read_block(io, io->task->lun->blocks - 1, sbc_io_good);
}

static bool read_first(struct sbc_io *io)
{
	return read_block(io, 0, read_last);
}

static enum scsi_result self_test(struct scsi_task *task)
{
	struct sbc_io *io;

	if (task->lun->stopped) {
		scsi_task_check_condition(task, task->lun->ejected
							? SCSI_SENSE_NOT_READY_MEDIUM_NOT_PRESENT
							: SCSI_SENSE_NOT_READY_STOPPED);
		return SCSI_DONE;
	}
	io = sbc_io_create(task, task->lun->block_size);
	return io ? sbc_io_start(io, SBC_SHARED, 0, 0, read_first) : SCSI_DONE;
}

bool scsi_is_self_test(const struct scsi_task *task)
{
	return task->command->run == scsi_send_diagnostic &&
	       (task->cdb[1] >> 5 != SELF_TEST_NONE ||
		(task->cdb[1] & SEND_DIAGNOSTIC_SELFTEST) != 0);
}

enum scsi_result scsi_send_diagnostic(struct scsi_task *task)
{
	uint8_t code = task->cdb[1] >> 5;
	uint16_t len = get_be16(task->cdb + 3);
	bool selftest = (task->cdb[1] & SEND_DIAGNOSTIC_SELFTEST) != 0;
	bool known = code == SELF_TEST_NONE || code == SELF_TEST_FOREGROUND_SHORT ||
		     code == SELF_TEST_FOREGROUND_EXTENDED;

	if (!known || (code != SELF_TEST_NONE && selftest)) {
		scsi_task_invalid_cdb_field(task, 1, 7);
		return SCSI_DONE;
	}
	if (scsi_is_self_test(task)) {
		if (len == 0)
			return self_test(task);
		scsi_task_invalid_cdb_field(task, 3, -1);
		return SCSI_DONE;
	}
	if (len == 0) {
		scsi_task_good(task);
		return SCSI_DONE;
	}
	if ((task->cdb[1] & SEND_DIAGNOSTIC_PF) == 0) {
		scsi_task_invalid_cdb_field(task, 1, 4);
		return SCSI_DONE;
	}
	if (len != PAGE_HEADER_LEN) {
		scsi_task_check_condition(task, SCSI_SENSE_PARAMETER_LIST_LENGTH_ERROR);
		return SCSI_DONE;
	}
	return scsi_task_want(task, len);
}

/* The one page that can be sent asks for the list of pages (7.2.1). */
enum scsi_result scsi_send_diagnostic_data(struct scsi_task *task)
{
	if (task->data_out_len < PAGE_HEADER_LEN)
		scsi_task_check_condition(task, SCSI_SENSE_PARAMETER_LIST_LENGTH_ERROR);
	else if (task->data_out[0] != DIAGNOSTIC_PAGE_SUPPORTED)
		scsi_task_invalid_parameter_field(task, 0, -1);
	else if (get_be16(task->data_out + 2) != 0)
		scsi_task_invalid_parameter_field(task, 2, -1);
	else
		scsi_task_good(task);
	return SCSI_DONE;
}

/* ---- RECEIVE DIAGNOSTIC RESULTS -------------------------------------------------------------- */

#define RECEIVE_DIAGNOSTIC_PCV 0x01

/* Without PCV the page is that of the last SEND DIAGNOSTIC, and there is but one. */
enum scsi_result scsi_receive_diagnostic_results(struct scsi_task *task)
{
	static const uint8_t pages[] = {DIAGNOSTIC_PAGE_SUPPORTED, 0, 0, 1,
					DIAGNOSTIC_PAGE_SUPPORTED};

	if ((task->cdb[1] & RECEIVE_DIAGNOSTIC_PCV) != 0 &&
	    task->cdb[2] != DIAGNOSTIC_PAGE_SUPPORTED) {
		scsi_task_invalid_cdb_field(task, 2, -1);
		return SCSI_DONE;
	}
	return scsi_task_answer(task, pages, sizeof(pages), get_be16(task->cdb + 3));
}
