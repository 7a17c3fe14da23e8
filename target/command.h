/*
 * The command table: one row for each (opcode, service action). Dispatch, CDB validation, the
 * reservation check, REPORT SUPPORTED OPERATION CODES and the documentation's list read the same
 * row.
 */
#ifndef TARGET_COMMAND_H
#define TARGET_COMMAND_H

#include "pr_engine/types.h"
#include "target/lun.h"
#include "target/sense.h"

enum scsi_command_flag {
	/* Runs in spite of a pending unit attention, and leaves it: INQUIRY, REPORT LUNS, REQUEST
	 * SENSE */
	SCSI_COMMAND_SKIPS_UNIT_ATTENTION = 1 << 0,
	/* Runs for a LUN that is not there: INQUIRY, REPORT LUNS, REQUEST SENSE */
	SCSI_COMMAND_WITHOUT_LUN = 1 << 1,
	/* Runs for others while an SPC-2 RESERVE is in force (the sheet, 5.2) */
	SCSI_COMMAND_SPC2_ALLOWED = 1 << 2,
	/* Needs a started, present medium, else 2/04/02 or 2/3A/00 */
	SCSI_COMMAND_NEEDS_MEDIUM = 1 << 3,
	/* Refused with 7/27/00 on a write-protected LUN */
	SCSI_COMMAND_WRITES_MEDIUM = 1 << 4,
	/* Reserved CDB bits are ignored, not refused (PERSISTENT RESERVE IN/OUT: the sheet, 1.1) */
	SCSI_COMMAND_LAX_CDB = 1 << 5,
	/* Only with pr_profile bit of this service action set (PERSISTENT RESERVE IN/OUT) */
	SCSI_COMMAND_BY_PROFILE = 1 << 6,
	/* Runs while the medium is being erased, and after that has failed (SBC-3 4.11.2) */
	SCSI_COMMAND_WHILE_ERASING = 1 << 7,
	/* Changes nothing and waits for nothing that a READ or WRITE on another loop could notice:
	 * runs while leases are out (lease.h). Without it they are recalled first */
	SCSI_COMMAND_BESIDE_LEASES = 1 << 8,
	/* Runs through a target port whose group is in that state (SPC-4 5.15.2.4); all others are
	 * refused with 2/04/0B, 2/04/0C, 2/04/0A */
	SCSI_COMMAND_IN_STANDBY = 1 << 12,
	SCSI_COMMAND_IN_UNAVAILABLE = 1 << 13,
	SCSI_COMMAND_IN_TRANSITION = 1 << 14,
};

/*
 * A handler validates what the usage mask cannot, and then does one of:
 *  - scsi_task_good() / scsi_task_check_condition() ... and return SCSI_DONE;
 *  - set data_out_len and return SCSI_WANT_DATA: the transport gathers, then row->data_out is
 * called, which again returns DONE or PENDING;
 *  - start asynchronous work, return SCSI_PENDING, and call scsi_task_finish() later, exactly once.
 * A handler never calls ops->complete itself.
 */
enum scsi_result {
	SCSI_INVALID = 0,
	SCSI_DONE,
	SCSI_WANT_DATA,
	SCSI_PENDING,
};

typedef enum scsi_result (*scsi_handler)(struct scsi_task *task);

#define SCSI_NO_SERVICE_ACTION (-1)
#define SCSI_DATA_IN_SHORT     4096 /* bytes of data_in that nobody is asked for room for */

struct scsi_command {
	const char *name; /* the standard's, capitals: "WRITE SAME(16)" */
	uint8_t opcode;
	int16_t service_action; /* SCSI_NO_SERVICE_ACTION: the opcode has none */
	uint8_t cdb_len;	/* bytes */
	uint16_t flags;		/* enum scsi_command_flag */
	enum pr_access_class access;
	/* For the two commands whose class hangs on CDB bits (START STOP UNIT, PREVENT ALLOW); else
	 * NULL. `access` is then the strictest answer it can give. */
	enum pr_access_class (*access_of)(const uint8_t *cdb);
	scsi_handler run;
	scsi_handler data_out; /* NULL for commands without Data-Out */
	/* CDB usage map (SPC-4 6.34.3): bits that may be set. Byte 0 is the opcode, and where the
	 * service action stands, it is that. */
	uint8_t usage[SCSI_CDB_MAX];
};

/* The table, ordered by opcode and service action. */
extern const struct scsi_command scsi_commands[];
extern const size_t scsi_command_count;

/*
 * The row for a CDB: NULL with *ret_sense INVALID_OPERATION_CODE, or INVALID_FIELD_IN_CDB when the
 * opcode is known and its service action is not.
 */
const struct scsi_command *scsi_command_find(const uint8_t *cdb, enum scsi_sense *ret_sense);
/* The same, faster. */
const struct scsi_command *scsi_command_find_in(const struct scsi_command_index *index,
						const uint8_t *cdb, enum scsi_sense *ret_sense);
void scsi_command_index_fill(struct scsi_command_index *ret_index);

/* Ends a task well: status GOOD. */
void scsi_task_good(struct scsi_task *task);

/*
 * Parameter data in: `data` (len bytes, copied) cut to allocation_length and to what the initiator
 * expects; transfer_len is min(len, allocation_length). Status GOOD, or CHECK CONDITION without
 * memory.
 */
enum scsi_result scsi_task_answer(struct scsi_task *task, const void *data, size_t len,
				  uint32_t allocation_length);

/* Allocates data_in for a read of `len` bytes in all (transfer_len = len, data_in_len = min(len,
 * expected_in)); the buffer holds len bytes. False: no memory, sense is set. */
bool scsi_task_alloc_in(struct scsi_task *task, uint64_t len);

/* What scsi_task_alloc_in has allocated turned out longer than the answer: its first `len` bytes.
 */
void scsi_task_cut_in(struct scsi_task *task, uint64_t len);

/*
 * Asks for `len` bytes of Data-Out: sets transfer_len = data_out_room = len and data_out_len =
 * min(len, expected_out). SCSI_WANT_DATA: row->data_out will be called with data_out filled. With
 * nothing to gather (len or expected_out 0) it calls row->data_out at once.
 */
enum scsi_result scsi_task_want(struct scsi_task *task, uint64_t len);
/* Allocates data_out (data_out_room bytes), zeroed behind data_out_len. False: no memory, sense is
 * set. */
bool scsi_task_alloc_out(struct scsi_task *task);
/* Data-Out that was lent becomes the task's own: whoever needs it later says so before it lets go
 * of the loop. False: no memory, sense is set. */
bool scsi_task_keep_out(struct scsi_task *task);

/* Makes the checks, and runs the handler: the task is in its task set, and it is its turn. */
void scsi_task_start(struct scsi_task *task);

/* task_check.c. False: it may not; status and sense are set. */
bool scsi_task_may_run(struct scsi_task *task);
/* The status of a task of a LUN that is about to be answered: a unit attention may follow. */
void scsi_task_note_status(const struct scsi_task *task);

/* Ends a task that waits for data, because those will not come. */
void scsi_task_fail_data(struct scsi_task *task, uint8_t key, uint8_t asc, uint8_t ascq);

/* For asynchronous handlers, when status is set: leaves the task set and tells the transport,
 * or, if the task was aborted meanwhile, tells who waits that it has drained. */
void scsi_task_finish(struct scsi_task *task);

/*
 * Was it aborted while its handler was waiting for something? A handler that works in several steps
 * (a queue, a read before a write) asks before each further one and then only calls
 * scsi_task_finish.
 */
static inline bool scsi_task_is_aborted(const struct scsi_task *task)
{
	return task->phase == SCSI_TASK_ABORTED;
}

/* Is the LUN's medium being erased, or has that failed? Then with the sense that tells, and how far
 * it is in 65536ths. */
bool scsi_lun_erase_state(const struct scsi_lun *lun, enum scsi_sense *ret_sense,
			  uint16_t *ret_progress);
/* The same for a command: true when it is refused for that. */
bool scsi_task_medium_is_erased(struct scsi_task *task);

/* Does it write, and must nothing be written any more (sbc_atomic.c)? Then its sense is set. */
bool scsi_task_medium_is_broken(struct scsi_task *task);

/* Handlers, by file. */
/* inquiry.c */
enum scsi_result scsi_inquiry(struct scsi_task *task);
/* spc.c */
enum scsi_result scsi_test_unit_ready(struct scsi_task *task);
enum scsi_result scsi_request_sense(struct scsi_task *task);
enum scsi_result scsi_report_luns(struct scsi_task *task);
/* spc_log.c */
enum scsi_result scsi_log_sense(struct scsi_task *task);
enum scsi_result scsi_log_select(struct scsi_task *task);
/* spc_diagnostic.c */
enum scsi_result scsi_send_diagnostic(struct scsi_task *task);
enum scsi_result scsi_send_diagnostic_data(struct scsi_task *task);
enum scsi_result scsi_receive_diagnostic_results(struct scsi_task *task);
/* Is it a SEND DIAGNOSTIC that asks for a self-test? */
bool scsi_is_self_test(const struct scsi_task *task);
/* spc_buffer.c */
enum scsi_result scsi_read_buffer(struct scsi_task *task);
enum scsi_result scsi_write_buffer(struct scsi_task *task);
enum scsi_result scsi_write_buffer_data(struct scsi_task *task);
/* spc_identifying.c */
enum scsi_result scsi_report_identifying_information(struct scsi_task *task);
enum scsi_result scsi_set_identifying_information(struct scsi_task *task);
enum scsi_result scsi_set_identifying_information_data(struct scsi_task *task);
/* copy.c, copy_results.c */
enum scsi_result scsi_extended_copy(struct scsi_task *task);
enum scsi_result scsi_extended_copy_data(struct scsi_task *task);
enum scsi_result scsi_receive_copy_results(struct scsi_task *task);
/* spc_target_port_groups.c */
enum scsi_result scsi_report_target_port_groups(struct scsi_task *task);
enum scsi_result scsi_set_target_port_groups(struct scsi_task *task);
enum scsi_result scsi_set_target_port_groups_data(struct scsi_task *task);
/* opcodes.c */
enum scsi_result scsi_report_supported_operation_codes(struct scsi_task *task);
enum scsi_result scsi_report_supported_task_management(struct scsi_task *task);
/* mode.c */
enum scsi_result scsi_mode_sense_6(struct scsi_task *task);
enum scsi_result scsi_mode_sense_10(struct scsi_task *task);
enum scsi_result scsi_mode_select_6(struct scsi_task *task);
enum scsi_result scsi_mode_select_10(struct scsi_task *task);
enum scsi_result scsi_mode_select_data(struct scsi_task *task);
/* sbc.c and its kin */
enum scsi_result scsi_read_capacity_10(struct scsi_task *task);
enum scsi_result scsi_read_capacity_16(struct scsi_task *task);
enum scsi_result scsi_read(struct scsi_task *task);  /* 6, 10, 12, 16 */
enum scsi_result scsi_write(struct scsi_task *task); /* 6, 10, 12, 16 */
enum scsi_result scsi_write_data(struct scsi_task *task);
enum scsi_result scsi_verify(struct scsi_task *task); /* 10, 12, 16 */
enum scsi_result scsi_verify_data(struct scsi_task *task);
enum scsi_result scsi_write_and_verify(struct scsi_task *task); /* 10, 12, 16 */
enum scsi_result scsi_write_and_verify_data(struct scsi_task *task);
enum scsi_result scsi_synchronize_cache(struct scsi_task *task); /* 10, 16 */
enum scsi_result scsi_prefetch(struct scsi_task *task);		 /* 10, 16 */
enum scsi_result scsi_unmap(struct scsi_task *task);
enum scsi_result scsi_unmap_data(struct scsi_task *task);
enum scsi_result scsi_write_same(struct scsi_task *task); /* 10, 16 */
enum scsi_result scsi_write_same_data(struct scsi_task *task);
enum scsi_result scsi_compare_and_write(struct scsi_task *task);
enum scsi_result scsi_compare_and_write_data(struct scsi_task *task);
enum scsi_result scsi_orwrite_data(struct scsi_task *task); /* asked for as WRITE (16) */
enum scsi_result scsi_write_atomic(struct scsi_task *task);
enum scsi_result scsi_write_atomic_data(struct scsi_task *task);
enum scsi_result scsi_sanitize(struct scsi_task *task); /* BLOCK ERASE, CRYPTOGRAPHIC ERASE */
enum scsi_result scsi_sanitize_overwrite(struct scsi_task *task);
enum scsi_result scsi_sanitize_overwrite_data(struct scsi_task *task);
enum scsi_result scsi_sanitize_exit_failure_mode(struct scsi_task *task);
enum scsi_result scsi_format_unit(struct scsi_task *task);
enum scsi_result scsi_format_unit_data(struct scsi_task *task);
enum scsi_result scsi_read_defect_data_10(struct scsi_task *task);
enum scsi_result scsi_read_defect_data_12(struct scsi_task *task);
enum scsi_result scsi_get_lba_status(struct scsi_task *task);
enum scsi_result scsi_start_stop_unit(struct scsi_task *task);
enum scsi_result scsi_prevent_allow(struct scsi_task *task);
/* reservation.c: SPC-2 RESERVE and RELEASE (6), (10) */
enum scsi_result scsi_reserve(struct scsi_task *task);
enum scsi_result scsi_release(struct scsi_task *task);
/* pr_in.c, pr_out.c */
enum scsi_result scsi_persistent_reserve_in(struct scsi_task *task);
enum scsi_result scsi_persistent_reserve_out(struct scsi_task *task);
enum scsi_result scsi_persistent_reserve_out_data(struct scsi_task *task);

/* LBA and number of blocks of a READ/WRITE/VERIFY-like CDB, by its group (6, 10, 12, 16 bytes). */
struct scsi_extent {
	uint64_t lba;
	uint32_t blocks;
};
struct scsi_extent scsi_cdb_extent(const uint8_t *cdb);

#endif
