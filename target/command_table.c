/*
 * The command table (SPC-4, SBC-3, SPC-2). One row tells all there is to know about a command: see
 * command.h. Access classes are the sheet's 4.2, which is SPC-4 table 66 and SBC-3 table 13 folded;
 * SPC2 marks what passes a foreign SPC-2 RESERVE (the sheet's 5.2).
 *
 * Usage maps hold what a handler understands. Bits that a standard defines but that mean nothing
 * here (RDPROTECT without protection information, PMI) are 0, so they are refused. A group number
 * only says what a command is to be counted with (SBC-3 4.22), and nothing counts: any will do.
 */
#include "target/command.h"

#define NO_SA SCSI_NO_SERVICE_ACTION

#define SKIPS_UA SCSI_COMMAND_SKIPS_UNIT_ATTENTION
#define ANY_LUN	 SCSI_COMMAND_WITHOUT_LUN
#define SPC2	 SCSI_COMMAND_SPC2_ALLOWED
#define MEDIUM	 SCSI_COMMAND_NEEDS_MEDIUM
#define WRITES	 (SCSI_COMMAND_NEEDS_MEDIUM | SCSI_COMMAND_WRITES_MEDIUM)
#define ERASING	 SCSI_COMMAND_WHILE_ERASING
#define STANDBY	 SCSI_COMMAND_IN_STANDBY
#define BESIDE	 SCSI_COMMAND_BESIDE_LEASES
#define ANY_STATE \
	(SCSI_COMMAND_IN_STANDBY | SCSI_COMMAND_IN_UNAVAILABLE | SCSI_COMMAND_IN_TRANSITION)
#define PR (SCSI_COMMAND_LAX_CDB | SCSI_COMMAND_BY_PROFILE | STANDBY)

/* Usage maps: fields of whole bytes, and the CONTROL byte, of which NACA is looked at. */
#define F1	0xff
#define F2	0xff, 0xff
#define F3	0xff, 0xff, 0xff
#define F4	0xff, 0xff, 0xff, 0xff
#define F8	F4, F4
#define Z1	0x00
#define Z2	0x00, 0x00
#define Z3	0x00, 0x00, 0x00
#define Z4	0x00, 0x00, 0x00, 0x00
#define Z8	Z4, Z4
#define CONTROL 0x04

#define GROUP	   0x1f /* GROUP NUMBER */
#define DPO_FUA	   0x18
#define DPO_BYTCHK 0x16

/* START STOP UNIT: spinning up disturbs nobody; everything else does. */
static enum pr_access_class start_stop_access(const uint8_t *cdb)
{
	bool start = (cdb[4] & 0x01) != 0;
	bool power_condition = cdb[4] >> 4 != 0;
	bool load_eject = (cdb[4] & 0x02) != 0;

	return start && !power_condition && !load_eject ? PR_ACCESS_ALLOW : PR_ACCESS_WRITE;
}

static enum pr_access_class prevent_allow_access(const uint8_t *cdb)
{
	return (cdb[4] & 0x03) == 0 ? PR_ACCESS_ALLOW : PR_ACCESS_WRITE;
}

/* clang-format off */
#define ROW(name_, opcode_, sa_, len_, flags_, access_, run_, data_out_, ...) \
	{ .name = name_, .opcode = opcode_, .service_action = sa_, .cdb_len = len_, .flags = flags_, \
	  .access = PR_ACCESS_##access_, .run = run_, .data_out = data_out_, \
	  .usage = { opcode_, __VA_ARGS__ } }
#define ROW_BY_BITS(name_, opcode_, len_, flags_, access_of_, run_, ...) \
	{ .name = name_, .opcode = opcode_, .service_action = NO_SA, .cdb_len = len_, \
	  .flags = flags_, .access = PR_ACCESS_WRITE, .access_of = access_of_, .run = run_, \
	  .usage = { opcode_, __VA_ARGS__ } }
#define ROW_PR_IN(name_, sa_) \
	ROW("PERSISTENT RESERVE IN, " name_, 0x5e, sa_, 10, PR | BESIDE, ALLOW, \
	    scsi_persistent_reserve_in, NULL, sa_, Z4, Z1, F2, CONTROL)
#define ROW_PR_OUT(name_, sa_, scope_type_) \
	ROW("PERSISTENT RESERVE OUT, " name_, 0x5f, sa_, 10, PR, PR_OUT, \
	    scsi_persistent_reserve_out, scsi_persistent_reserve_out_data, \
	    sa_, scope_type_, Z2, F4, CONTROL)

const struct scsi_command scsi_commands[] = {
	ROW("TEST UNIT READY", 0x00, NO_SA, 6, MEDIUM | BESIDE, ALLOW,
	    scsi_test_unit_ready, NULL, Z4, CONTROL),
	ROW("REQUEST SENSE", 0x03, NO_SA, 6, SKIPS_UA | ANY_LUN | SPC2 | ANY_STATE | ERASING | BESIDE, ALLOW,
	    scsi_request_sense, NULL, 0x01, Z2, F1, CONTROL),
	ROW("FORMAT UNIT", 0x04, NO_SA, 6, WRITES | ERASING, WRITE,
	    scsi_format_unit, scsi_format_unit_data, 0x3f, Z3, CONTROL),
	ROW("READ(6)", 0x08, NO_SA, 6, MEDIUM | BESIDE, READ,
	    scsi_read, NULL, 0x1f, F3, CONTROL),
	ROW("WRITE(6)", 0x0a, NO_SA, 6, WRITES | BESIDE, WRITE,
	    scsi_write, scsi_write_data, 0x1f, F3, CONTROL),
	ROW("INQUIRY", 0x12, NO_SA, 6, SKIPS_UA | ANY_LUN | SPC2 | ANY_STATE | ERASING | BESIDE, ALLOW,
	    scsi_inquiry, NULL, 0x01, F3, CONTROL),
	ROW("MODE SELECT(6)", 0x15, NO_SA, 6, STANDBY, WRITE,
	    scsi_mode_select_6, scsi_mode_select_data, 0x11, Z2, F1, CONTROL),
	ROW("RESERVE(6)", 0x16, NO_SA, 6, 0, RESERVE,
	    scsi_reserve, NULL, Z4, CONTROL),
	ROW("RELEASE(6)", 0x17, NO_SA, 6, SPC2, RESERVE,
	    scsi_release, NULL, Z4, CONTROL),
	ROW("MODE SENSE(6)", 0x1a, NO_SA, 6, STANDBY | ERASING | BESIDE, READ,
	    scsi_mode_sense_6, NULL, 0x08, F3, CONTROL),
	ROW_BY_BITS("START STOP UNIT", 0x1b, 6, 0, start_stop_access,
	    scsi_start_stop_unit, 0x01, Z1, 0x0f, 0xf7, CONTROL),
	ROW("RECEIVE DIAGNOSTIC RESULTS", 0x1c, NO_SA, 6, STANDBY, READ,
	    scsi_receive_diagnostic_results, NULL, 0x01, F1, F2, CONTROL),
	ROW("SEND DIAGNOSTIC", 0x1d, NO_SA, 6, STANDBY, WRITE,
	    scsi_send_diagnostic, scsi_send_diagnostic_data, 0xf7, Z1, F2, CONTROL),
	ROW_BY_BITS("PREVENT ALLOW MEDIUM REMOVAL", 0x1e, 6, SPC2, prevent_allow_access,
	    scsi_prevent_allow, Z3, 0x03, CONTROL),
	ROW("READ CAPACITY(10)", 0x25, NO_SA, 10, MEDIUM | SPC2 | STANDBY | BESIDE, ALLOW,
	    scsi_read_capacity_10, NULL, Z8, CONTROL),
	ROW("READ(10)", 0x28, NO_SA, 10, MEDIUM | BESIDE, READ,
	    scsi_read, NULL, DPO_FUA, F4, GROUP, F2, CONTROL),
	ROW("WRITE(10)", 0x2a, NO_SA, 10, WRITES | BESIDE, WRITE,
	    scsi_write, scsi_write_data, DPO_FUA, F4, GROUP, F2, CONTROL),
	ROW("WRITE AND VERIFY(10)", 0x2e, NO_SA, 10, WRITES, WRITE,
	    scsi_write_and_verify, scsi_write_and_verify_data, DPO_BYTCHK, F4, GROUP, F2, CONTROL),
	ROW("VERIFY(10)", 0x2f, NO_SA, 10, MEDIUM, READ,
	    scsi_verify, scsi_verify_data, DPO_BYTCHK, F4, GROUP, F2, CONTROL),
	ROW("PRE-FETCH(10)", 0x34, NO_SA, 10, MEDIUM, READ,
	    scsi_prefetch, NULL, 0x02, F4, GROUP, F2, CONTROL),
	ROW("SYNCHRONIZE CACHE(10)", 0x35, NO_SA, 10, MEDIUM | BESIDE, WRITE,
	    scsi_synchronize_cache, NULL, 0x06, F4, GROUP, F2, CONTROL),
	ROW("READ DEFECT DATA(10)", 0x37, NO_SA, 10, MEDIUM, READ,
	    scsi_read_defect_data_10, NULL, Z1, 0x1f, Z4, F2, CONTROL),
	ROW("WRITE BUFFER", 0x3b, NO_SA, 10, ANY_STATE, WRITE,
	    scsi_write_buffer, scsi_write_buffer_data, 0x1f, F4, F3, CONTROL),
	ROW("READ BUFFER", 0x3c, NO_SA, 10, ANY_STATE, READ,
	    scsi_read_buffer, NULL, 0x1f, F4, F3, CONTROL),
	ROW("WRITE SAME(10)", 0x41, NO_SA, 10, WRITES, WRITE,
	    scsi_write_same, scsi_write_same_data, 0x18, F4, GROUP, F2, CONTROL),
	ROW("UNMAP", 0x42, NO_SA, 10, WRITES, WRITE,
	    scsi_unmap, scsi_unmap_data, 0x01, Z4, GROUP, F2, CONTROL),
	ROW("SANITIZE, OVERWRITE", 0x48, 0x01, 10, WRITES | ERASING, WRITE,
	    scsi_sanitize_overwrite, scsi_sanitize_overwrite_data, 0xa1, Z4, Z1, F2, CONTROL),
	ROW("SANITIZE, BLOCK ERASE", 0x48, 0x02, 10, WRITES | ERASING, WRITE,
	    scsi_sanitize, NULL, 0xa2, Z4, Z1, F2, CONTROL),
	ROW("SANITIZE, CRYPTOGRAPHIC ERASE", 0x48, 0x03, 10, WRITES | ERASING, WRITE,
	    scsi_sanitize, NULL, 0xa3, Z4, Z1, F2, CONTROL),
	ROW("SANITIZE, EXIT FAILURE MODE", 0x48, 0x1f, 10, MEDIUM | ERASING, WRITE,
	    scsi_sanitize_exit_failure_mode, NULL, 0xbf, Z4, Z1, F2, CONTROL),
	ROW("LOG SELECT", 0x4c, NO_SA, 10, STANDBY, WRITE,
	    scsi_log_select, NULL, 0x03, F2, Z3, F2, CONTROL),
	ROW("LOG SENSE", 0x4d, NO_SA, 10, SPC2 | STANDBY | ERASING, ALLOW,
	    scsi_log_sense, NULL, 0x01, F2, Z1, F4, CONTROL),
	ROW("MODE SELECT(10)", 0x55, NO_SA, 10, STANDBY, WRITE,
	    scsi_mode_select_10, scsi_mode_select_data, 0x11, Z4, Z1, F2, CONTROL),
	ROW("RESERVE(10)", 0x56, NO_SA, 10, 0, RESERVE,
	    scsi_reserve, NULL, Z8, CONTROL),
	ROW("RELEASE(10)", 0x57, NO_SA, 10, SPC2, RESERVE,
	    scsi_release, NULL, Z8, CONTROL),
	ROW("MODE SENSE(10)", 0x5a, NO_SA, 10, STANDBY | ERASING | BESIDE, READ,
	    scsi_mode_sense_10, NULL, 0x18, F2, Z3, F2, CONTROL),
	ROW_PR_IN("READ KEYS", PR_IN_READ_KEYS),
	ROW_PR_IN("READ RESERVATION", PR_IN_READ_RESERVATION),
	ROW_PR_IN("REPORT CAPABILITIES", PR_IN_REPORT_CAPABILITIES),
	ROW_PR_IN("READ FULL STATUS", PR_IN_READ_FULL_STATUS),
	ROW_PR_OUT("REGISTER", PR_OUT_REGISTER, Z1),
	ROW_PR_OUT("RESERVE", PR_OUT_RESERVE, F1),
	ROW_PR_OUT("RELEASE", PR_OUT_RELEASE, F1),
	ROW_PR_OUT("CLEAR", PR_OUT_CLEAR, Z1),
	ROW_PR_OUT("PREEMPT", PR_OUT_PREEMPT, F1),
	ROW_PR_OUT("PREEMPT AND ABORT", PR_OUT_PREEMPT_AND_ABORT, F1),
	ROW_PR_OUT("REGISTER AND IGNORE EXISTING KEY", PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY, Z1),
	ROW_PR_OUT("REGISTER AND MOVE", PR_OUT_REGISTER_AND_MOVE, Z1),
	ROW("EXTENDED COPY(LID1)", 0x83, 0x00, 16, 0, WRITE,
	    scsi_extended_copy, scsi_extended_copy_data, 0x00, Z8, F4, Z1, CONTROL),
	ROW("RECEIVE COPY STATUS(LID1)", 0x84, 0x00, 16, 0, ALLOW,
	    scsi_receive_copy_results, NULL, 0x00, F1, Z4, Z3, F4, Z1, CONTROL),
	ROW("RECEIVE COPY OPERATING PARAMETERS", 0x84, 0x03, 16, 0, ALLOW,
	    scsi_receive_copy_results, NULL, 0x03, F1, Z4, Z3, F4, Z1, CONTROL),
	ROW("RECEIVE COPY FAILURE DETAILS(LID1)", 0x84, 0x04, 16, 0, ALLOW,
	    scsi_receive_copy_results, NULL, 0x04, F1, Z4, Z3, F4, Z1, CONTROL),
	ROW("READ(16)", 0x88, NO_SA, 16, MEDIUM | BESIDE, READ,
	    scsi_read, NULL, DPO_FUA, F8, F4, GROUP, CONTROL),
	ROW("COMPARE AND WRITE", 0x89, NO_SA, 16, WRITES, WRITE,
	    scsi_compare_and_write, scsi_compare_and_write_data, DPO_FUA, F8, Z3, F1, GROUP, CONTROL),
	ROW("WRITE(16)", 0x8a, NO_SA, 16, WRITES | BESIDE, WRITE,
	    scsi_write, scsi_write_data, DPO_FUA, F8, F4, GROUP, CONTROL),
	ROW("ORWRITE(16)", 0x8b, NO_SA, 16, WRITES, WRITE,
	    scsi_write, scsi_orwrite_data, DPO_FUA, F8, F4, GROUP, CONTROL),
	ROW("WRITE AND VERIFY(16)", 0x8e, NO_SA, 16, WRITES, WRITE,
	    scsi_write_and_verify, scsi_write_and_verify_data, DPO_BYTCHK, F8, F4, GROUP, CONTROL),
	ROW("VERIFY(16)", 0x8f, NO_SA, 16, MEDIUM, READ,
	    scsi_verify, scsi_verify_data, DPO_BYTCHK, F8, F4, GROUP, CONTROL),
	ROW("PRE-FETCH(16)", 0x90, NO_SA, 16, MEDIUM, READ,
	    scsi_prefetch, NULL, 0x02, F8, F4, GROUP, CONTROL),
	ROW("SYNCHRONIZE CACHE(16)", 0x91, NO_SA, 16, MEDIUM | BESIDE, WRITE,
	    scsi_synchronize_cache, NULL, 0x06, F8, F4, GROUP, CONTROL),
	ROW("WRITE SAME(16)", 0x93, NO_SA, 16, WRITES, WRITE,
	    scsi_write_same, scsi_write_same_data, 0x19, F8, F4, GROUP, CONTROL),
	ROW("WRITE ATOMIC(16)", 0x9c, NO_SA, 16, WRITES, WRITE,
	    scsi_write_atomic, scsi_write_atomic_data, DPO_FUA, F8, Z2, F2, GROUP, CONTROL),
	ROW("READ CAPACITY(16)", 0x9e, 0x10, 16, MEDIUM | SPC2 | STANDBY | BESIDE, ALLOW,
	    scsi_read_capacity_16, NULL, 0x10, Z8, F4, Z1, CONTROL),
	ROW("GET LBA STATUS", 0x9e, 0x12, 16, MEDIUM, READ,
	    scsi_get_lba_status, NULL, 0x12, F8, F4, Z1, CONTROL),
	ROW("REPORT LUNS", 0xa0, NO_SA, 12, SKIPS_UA | ANY_LUN | SPC2 | ANY_STATE | ERASING | BESIDE, ALLOW,
	    scsi_report_luns, NULL, Z1, F1, Z3, F4, Z1, CONTROL),
	ROW("REPORT IDENTIFYING INFORMATION", 0xa3, 0x05, 12, 0, ALLOW,
	    scsi_report_identifying_information, NULL, 0x05, Z4, F4, 0xfe, CONTROL),
	ROW("REPORT TARGET PORT GROUPS", 0xa3, 0x0a, 12, SPC2 | ANY_STATE | ERASING | BESIDE, ALLOW,
	    scsi_report_target_port_groups, NULL, 0xea, Z4, F4, Z1, CONTROL),
	ROW("REPORT SUPPORTED OPERATION CODES", 0xa3, 0x0c, 12, STANDBY | ERASING | BESIDE, READ,
	    scsi_report_supported_operation_codes, NULL, 0x0c, 0x87, F3, F4, Z1, CONTROL),
	ROW("REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS", 0xa3, 0x0d, 12, STANDBY | ERASING | BESIDE, READ,
	    scsi_report_supported_task_management, NULL, 0x0d, 0x80, Z3, F4, Z1, CONTROL),
	ROW("SET IDENTIFYING INFORMATION", 0xa4, 0x06, 12, 0, WRITE,
	    scsi_set_identifying_information, scsi_set_identifying_information_data,
	    0x06, Z4, F4, 0xfe, CONTROL),
	ROW("SET TARGET PORT GROUPS", 0xa4, 0x0a, 12, STANDBY | SCSI_COMMAND_IN_UNAVAILABLE, WRITE,
	    scsi_set_target_port_groups, scsi_set_target_port_groups_data,
	    0x0a, Z4, F4, Z1, CONTROL),
	ROW("READ(12)", 0xa8, NO_SA, 12, MEDIUM | BESIDE, READ,
	    scsi_read, NULL, DPO_FUA, F8, GROUP, CONTROL),
	ROW("WRITE(12)", 0xaa, NO_SA, 12, WRITES | BESIDE, WRITE,
	    scsi_write, scsi_write_data, DPO_FUA, F8, GROUP, CONTROL),
	ROW("WRITE AND VERIFY(12)", 0xae, NO_SA, 12, WRITES, WRITE,
	    scsi_write_and_verify, scsi_write_and_verify_data, DPO_BYTCHK, F8, GROUP, CONTROL),
	ROW("VERIFY(12)", 0xaf, NO_SA, 12, MEDIUM, READ,
	    scsi_verify, scsi_verify_data, DPO_BYTCHK, F8, GROUP, CONTROL),
	ROW("READ DEFECT DATA(12)", 0xb7, NO_SA, 12, MEDIUM, READ,
	    scsi_read_defect_data_12, NULL, 0x1f, F8, Z1, CONTROL),
};
/* clang-format on */

const size_t scsi_command_count = sizeof(scsi_commands) / sizeof(scsi_commands[0]);
