#include "target/sense.h"

#include <assert.h>
#include <string.h>

#include "pr_engine/bytes.h"
#include "target/command.h"
#include "target/target.h"

struct sense_row {
	uint8_t key, asc, ascq;
	const char *name;
};

/* Key, ASC and ASCQ are written once, as bare hex digits, and give the numbers and the name. */
#define ROW(key_name, key_words, k, a, q, words)                                                  \
	{                                                                                         \
		SCSI_KEY_##key_name, 0x##a, 0x##q, key_words ", " words " (" #k "/" #a "/" #q ")" \
	}
#define NOT_READY(a, q, words)	    ROW(NOT_READY, "NOT READY", 2, a, q, words)
#define MEDIUM_ERROR(a, q, words)   ROW(MEDIUM_ERROR, "MEDIUM ERROR", 3, a, q, words)
#define HARDWARE_ERROR(a, q, words) ROW(HARDWARE_ERROR, "HARDWARE ERROR", 4, a, q, words)
#define ILLEGAL(a, q, words)	    ROW(ILLEGAL_REQUEST, "ILLEGAL REQUEST", 5, a, q, words)
#define ATTENTION(a, q, words)	    ROW(UNIT_ATTENTION, "UNIT ATTENTION", 6, a, q, words)
#define DATA_PROTECT(a, q, words)   ROW(DATA_PROTECT, "DATA PROTECT", 7, a, q, words)
#define COPY_ABORTED(a, q, words)   ROW(COPY_ABORTED, "COPY ABORTED", A, a, q, words)
#define ABORTED(a, q, words)	    ROW(ABORTED_COMMAND, "ABORTED COMMAND", B, a, q, words)
#define MISCOMPARE(a, q, words)	    ROW(MISCOMPARE, "MISCOMPARE", E, a, q, words)

static const struct sense_row sense_rows[SCSI_SENSE_COUNT] = {
	[SCSI_SENSE_NONE] = {0, 0, 0, "NO SENSE, NO ADDITIONAL SENSE INFORMATION (0/00/00)"},
	[SCSI_SENSE_NOT_READY_MEDIUM_NOT_PRESENT] = NOT_READY(3A, 00, "MEDIUM NOT PRESENT"),
	[SCSI_SENSE_NOT_READY_STOPPED] =
		NOT_READY(04, 02, "LOGICAL UNIT NOT READY, INITIALIZING COMMAND REQUIRED"),
	[SCSI_SENSE_FORMAT_IN_PROGRESS] =
		NOT_READY(04, 04, "LOGICAL UNIT NOT READY, FORMAT IN PROGRESS"),
	[SCSI_SENSE_SANITIZE_IN_PROGRESS] =
		NOT_READY(04, 1B, "LOGICAL UNIT NOT READY, SANITIZE IN PROGRESS"),
	[SCSI_SENSE_FORMAT_FAILED] = MEDIUM_ERROR(31, 01, "FORMAT COMMAND FAILED"),
	[SCSI_SENSE_SANITIZE_FAILED] = MEDIUM_ERROR(31, 03, "SANITIZE COMMAND FAILED"),
	[SCSI_SENSE_ACCESS_STATE_TRANSITION] = NOT_READY(
		04, 0A, "LOGICAL UNIT NOT ACCESSIBLE, ASYMMETRIC ACCESS STATE TRANSITION"),
	[SCSI_SENSE_TARGET_PORT_STANDBY] =
		NOT_READY(04, 0B, "LOGICAL UNIT NOT ACCESSIBLE, TARGET PORT IN STANDBY STATE"),
	[SCSI_SENSE_TARGET_PORT_UNAVAILABLE] =
		NOT_READY(04, 0C, "LOGICAL UNIT NOT ACCESSIBLE, TARGET PORT IN UNAVAILABLE STATE"),
	[SCSI_SENSE_UNRECOVERED_READ_ERROR] = MEDIUM_ERROR(11, 00, "UNRECOVERED READ ERROR"),
	[SCSI_SENSE_WRITE_ERROR] = MEDIUM_ERROR(0C, 00, "WRITE ERROR"),
	[SCSI_SENSE_INTERNAL_TARGET_FAILURE] = HARDWARE_ERROR(44, 00, "INTERNAL TARGET FAILURE"),
	[SCSI_SENSE_OPERATION_IN_PROGRESS] = ILLEGAL(00, 16, "OPERATION IN PROGRESS"),
	[SCSI_SENSE_PARAMETER_LIST_LENGTH_ERROR] = ILLEGAL(1A, 00, "PARAMETER LIST LENGTH ERROR"),
	[SCSI_SENSE_INVALID_OPERATION_CODE] = ILLEGAL(20, 00, "INVALID COMMAND OPERATION CODE"),
	[SCSI_SENSE_LBA_OUT_OF_RANGE] = ILLEGAL(21, 00, "LOGICAL BLOCK ADDRESS OUT OF RANGE"),
	[SCSI_SENSE_INVALID_FIELD_IN_CDB] = ILLEGAL(24, 00, "INVALID FIELD IN CDB"),
	[SCSI_SENSE_LOGICAL_UNIT_NOT_SUPPORTED] = ILLEGAL(25, 00, "LOGICAL UNIT NOT SUPPORTED"),
	[SCSI_SENSE_INVALID_FIELD_IN_PARAMETER_LIST] =
		ILLEGAL(26, 00, "INVALID FIELD IN PARAMETER LIST"),
	[SCSI_SENSE_INVALID_RELEASE] = ILLEGAL(26, 04, "INVALID RELEASE OF PERSISTENT RESERVATION"),
	[SCSI_SENSE_TOO_MANY_CSCD_DESCRIPTORS] = ILLEGAL(26, 06, "TOO MANY TARGET DESCRIPTORS"),
	[SCSI_SENSE_UNSUPPORTED_CSCD_DESCRIPTOR] =
		ILLEGAL(26, 07, "UNSUPPORTED TARGET DESCRIPTOR TYPE CODE"),
	[SCSI_SENSE_TOO_MANY_SEGMENT_DESCRIPTORS] = ILLEGAL(26, 08, "TOO MANY SEGMENT DESCRIPTORS"),
	[SCSI_SENSE_UNSUPPORTED_SEGMENT_DESCRIPTOR] =
		ILLEGAL(26, 09, "UNSUPPORTED SEGMENT DESCRIPTOR TYPE CODE"),
	[SCSI_SENSE_INLINE_DATA_LENGTH_EXCEEDED] = ILLEGAL(26, 0B, "INLINE DATA LENGTH EXCEEDED"),
	[SCSI_SENSE_COMMAND_SEQUENCE_ERROR] = ILLEGAL(2C, 00, "COMMAND SEQUENCE ERROR"),
	[SCSI_SENSE_SAVING_PARAMETERS_NOT_SUPPORTED] =
		ILLEGAL(39, 00, "SAVING PARAMETERS NOT SUPPORTED"),
	[SCSI_SENSE_INVALID_MESSAGE] = ILLEGAL(49, 00, "INVALID MESSAGE ERROR"),
	[SCSI_SENSE_MEDIUM_REMOVAL_PREVENTED] = ILLEGAL(53, 02, "MEDIUM REMOVAL PREVENTED"),
	[SCSI_SENSE_INSUFFICIENT_RESOURCES] = ILLEGAL(55, 03, "INSUFFICIENT RESOURCES"),
	[SCSI_SENSE_INSUFFICIENT_REGISTRATION_RESOURCES] =
		ILLEGAL(55, 04, "INSUFFICIENT REGISTRATION RESOURCES"),
	[SCSI_SENSE_INVALID_INFORMATION_UNIT] = ILLEGAL(0E, 03,
							"INVALID FIELD IN COMMAND "
							"INFORMATION UNIT"),
	[SCSI_SENSE_WRITE_PROTECTED] = DATA_PROTECT(27, 00, "WRITE PROTECTED"),
	[SCSI_SENSE_SPACE_ALLOCATION_FAILED] =
		DATA_PROTECT(27, 07, "SPACE ALLOCATION FAILED WRITE PROTECT"),
	[SCSI_SENSE_COPY_ABORTED] = COPY_ABORTED(00, 00, "NO ADDITIONAL SENSE INFORMATION"),
	[SCSI_SENSE_UNREACHABLE_COPY_TARGET] = COPY_ABORTED(08, 04, "UNREACHABLE COPY TARGET"),
	[SCSI_SENSE_THIRD_PARTY_DEVICE_FAILURE] =
		COPY_ABORTED(0D, 01, "THIRD PARTY DEVICE FAILURE"),
	[SCSI_SENSE_INCORRECT_COPY_TARGET_TYPE] =
		COPY_ABORTED(0D, 03, "INCORRECT COPY TARGET DEVICE TYPE"),
	[SCSI_SENSE_UNEXPECTED_INEXACT_SEGMENT] =
		COPY_ABORTED(26, 0A, "UNEXPECTED INEXACT SEGMENT"),
	[SCSI_SENSE_UNEXPECTED_UNSOLICITED_DATA] =
		ABORTED(0C, 0C, "WRITE ERROR - UNEXPECTED UNSOLICITED DATA"),
	[SCSI_SENSE_INCORRECT_AMOUNT_OF_DATA] =
		ABORTED(0C, 0D, "WRITE ERROR - NOT ENOUGH UNSOLICITED DATA"),
	[SCSI_SENSE_PROTOCOL_SERVICE_CRC_ERROR] = ABORTED(47, 05, "PROTOCOL SERVICE CRC ERROR"),
	[SCSI_SENSE_MISCOMPARE_DURING_VERIFY] =
		MISCOMPARE(1D, 00, "MISCOMPARE DURING VERIFY OPERATION"),
};

/* Unit attentions: reported by code (unit_attention.h), named here. */
static const struct sense_row attention_rows[] = {
	ATTENTION(28, 00, "NOT READY TO READY CHANGE, MEDIUM MAY HAVE CHANGED"),
	ATTENTION(29, 01, "POWER ON OCCURRED"),
	ATTENTION(29, 02, "SCSI BUS RESET OCCURRED"),
	ATTENTION(29, 03, "BUS DEVICE RESET FUNCTION OCCURRED"),
	ATTENTION(29, 07, "I_T NEXUS LOSS OCCURRED"),
	ATTENTION(2A, 01, "MODE PARAMETERS CHANGED"),
	ATTENTION(2A, 02, "LOG PARAMETERS CHANGED"),
	ATTENTION(2A, 03, "RESERVATIONS PREEMPTED"),
	ATTENTION(2A, 04, "RESERVATIONS RELEASED"),
	ATTENTION(2A, 05, "REGISTRATIONS PREEMPTED"),
	ATTENTION(2A, 06, "ASYMMETRIC ACCESS STATE CHANGED"),
	ATTENTION(2A, 09, "CAPACITY DATA HAS CHANGED"),
	ATTENTION(2C, 07, "PREVIOUS BUSY STATUS"),
	ATTENTION(2C, 08, "PREVIOUS TASK SET FULL STATUS"),
	ATTENTION(2C, 09, "PREVIOUS RESERVATION CONFLICT STATUS"),
	ATTENTION(2F, 00, "COMMANDS CLEARED BY ANOTHER INITIATOR"),
	ATTENTION(3F, 03, "INQUIRY DATA HAS CHANGED"),
	ATTENTION(3F, 05, "DEVICE IDENTIFIER CHANGED"),
	ATTENTION(3F, 0E, "REPORTED LUNS DATA HAS CHANGED"),
	ATTENTION(47, 7F, "SOME COMMANDS CLEARED BY ISCSI PROTOCOL EVENT"),
};

/* For codes that are in neither table. */
static const char *const key_names[16] = {
	"NO SENSE",	      "RECOVERED ERROR", "NOT READY",	   "MEDIUM ERROR",
	"HARDWARE ERROR",     "ILLEGAL REQUEST", "UNIT ATTENTION", "DATA PROTECT",
	"BLANK CHECK",	      "VENDOR SPECIFIC", "COPY ABORTED",   "ABORTED COMMAND",
	"reserved sense key", "VOLUME OVERFLOW", "MISCOMPARE",	   "COMPLETED",
};

static const char *sense_name_in(const struct sense_row *rows, size_t count, uint8_t key,
				 uint8_t asc, uint8_t ascq)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].key == key && rows[i].asc == asc && rows[i].ascq == ascq)
			return rows[i].name;
	return NULL;
}

const char *scsi_sense_name(uint8_t key, uint8_t asc, uint8_t ascq)
{
	const char *name = sense_name_in(sense_rows, SCSI_SENSE_COUNT, key, asc, ascq);

	if (!name)
		name = sense_name_in(attention_rows,
				     sizeof(attention_rows) / sizeof(attention_rows[0]), key, asc,
				     ascq);
	return name ? name : key_names[key & 0xf];
}

/* What sense data says beyond its code. */
struct sense_extra {
	bool deferred;
	bool has_information;
	uint64_t information;
	bool has_command_specific;
	uint32_t command_specific;
	bool has_field; /* sense-key specific: field pointer (SPC-4 4.5.2.4.2) */
	uint8_t field[3];
};

/* SPC-4 4.5.3. Response code 70h: current information; 71h: a deferred error. */
static uint8_t sense_encode_fixed(uint8_t *sense, uint8_t key, uint8_t asc, uint8_t ascq,
				  const struct sense_extra *extra)
{
	memset(sense, 0, 18);
	sense[0] = 0x70 | (extra->deferred ? SCSI_SENSE_DEFERRED : 0);
	sense[2] = key;
	/* A value of more than four bytes does not fit: the field is then not valid. */
	if (extra->has_information && extra->information <= UINT32_MAX) {
		sense[0] |= 0x80;
		put_be32(sense + 3, (uint32_t)extra->information);
	}
	sense[7] = 10;
	if (extra->has_command_specific)
		put_be32(sense + 8, extra->command_specific);
	sense[12] = asc;
	sense[13] = ascq;
	if (extra->has_field)
		memcpy(sense + 15, extra->field, 3);
	return 18;
}

/* SPC-4 4.5.2. Response codes 72h, 73h. */
static uint8_t sense_encode_descriptors(uint8_t *sense, uint8_t key, uint8_t asc, uint8_t ascq,
					const struct sense_extra *extra)
{
	uint8_t len = 8;

	memset(sense, 0, SCSI_SENSE_MAX);
	sense[0] = 0x72 | (extra->deferred ? SCSI_SENSE_DEFERRED : 0);
	sense[1] = key;
	sense[2] = asc;
	sense[3] = ascq;
	if (extra->has_information) {
		sense[len] = 0x00; /* information descriptor */
		sense[len + 1] = 0x0a;
		sense[len + 2] = 0x80;
		put_be64(sense + len + 4, extra->information);
		len = (uint8_t)(len + 12);
	}
	if (extra->has_command_specific) {
		sense[len] = 0x01; /* command specific information descriptor */
		sense[len + 1] = 0x0a;
		put_be32(sense + len + 8, extra->command_specific);
		len = (uint8_t)(len + 12);
	}
	if (extra->has_field) {
		sense[len] = 0x02; /* sense key specific descriptor */
		sense[len + 1] = 0x06;
		memcpy(sense + len + 4, extra->field, 3);
		len = (uint8_t)(len + 8);
	}
	sense[7] = (uint8_t)(len - 8);
	return len;
}

static uint8_t sense_encode(uint8_t *sense, bool descriptor_format, uint8_t key, uint8_t asc,
			    uint8_t ascq, const struct sense_extra *extra)
{
	return descriptor_format ? sense_encode_descriptors(sense, key, asc, ascq, extra)
				 : sense_encode_fixed(sense, key, asc, ascq, extra);
}

uint8_t scsi_sense_encode(uint8_t ret_sense[SCSI_SENSE_MAX], bool descriptor_format, uint8_t key,
			  uint8_t asc, uint8_t ascq)
{
	return sense_encode(ret_sense, descriptor_format, key, asc, ascq, &(struct sense_extra){0});
}

/*
 * A command that ends in CHECK CONDITION returns no data: nothing was moved, as its residual will
 * say. The buffer itself stays: a part of a read that is still under way may fill it.
 */
static void task_sense(struct scsi_task *task, uint8_t key, uint8_t asc, uint8_t ascq,
		       const struct sense_extra *extra)
{
	bool descriptor_format =
		task->lun ? task->lun->mode.descriptor_sense : task->descriptor_sense;

	task->status = SCSI_STATUS_CHECK_CONDITION;
	task->sense_len = sense_encode(task->sense, descriptor_format, key, asc, ascq, extra);
	if (task->data_in) {
		task->data_in_len = 0;
		task->transfer_len = 0;
	}
}

void scsi_task_sense(struct scsi_task *task, uint8_t key, uint8_t asc, uint8_t ascq)
{
	task_sense(task, key, asc, ascq, &(struct sense_extra){0});
}

static void task_sense_row(struct scsi_task *task, enum scsi_sense sense,
			   const struct sense_extra *extra)
{
	assert(sense > SCSI_SENSE_NONE && sense < SCSI_SENSE_COUNT);
	const struct sense_row *row = &sense_rows[sense];
	task_sense(task, row->key, row->asc, row->ascq, extra);
}

void scsi_task_check_condition(struct scsi_task *task, enum scsi_sense sense)
{
	task_sense_row(task, sense, &(struct sense_extra){0});
}

void scsi_task_deferred_error(struct scsi_task *task, enum scsi_sense sense)
{
	task_sense_row(task, sense, &(struct sense_extra){.deferred = true});
}

void scsi_sense_code(enum scsi_sense sense, uint8_t *ret_key, uint8_t *ret_asc, uint8_t *ret_ascq)
{
	assert(sense < SCSI_SENSE_COUNT);
	*ret_key = sense_rows[sense].key;
	*ret_asc = sense_rows[sense].asc;
	*ret_ascq = sense_rows[sense].ascq;
}

void scsi_task_check_condition_info(struct scsi_task *task, enum scsi_sense sense,
				    uint64_t information)
{
	task_sense_row(task, sense,
		       &(struct sense_extra){.has_information = true, .information = information});
}

/* SPC-4 4.5.2.4.4: SKSV; then PROGRESS INDICATION. */
static struct sense_extra sense_progress(uint16_t progress)
{
	struct sense_extra extra = {.has_field = true, .field = {0x80}};

	put_be16(extra.field + 1, progress);
	return extra;
}

void scsi_task_check_condition_progress(struct scsi_task *task, enum scsi_sense sense,
					uint16_t progress)
{
	struct sense_extra extra = sense_progress(progress);

	task_sense_row(task, sense, &extra);
}

uint8_t scsi_sense_encode_row(uint8_t ret_sense[SCSI_SENSE_MAX], bool descriptor_format,
			      enum scsi_sense sense, uint16_t progress)
{
	const struct sense_row *row = &sense_rows[sense];
	struct sense_extra extra = {.has_field = false};

	if (row->key == SCSI_KEY_NOT_READY)
		extra = sense_progress(progress);
	return sense_encode(ret_sense, descriptor_format, row->key, row->asc, row->ascq, &extra);
}

void scsi_task_copy_aborted(struct scsi_task *task, enum scsi_sense sense, uint16_t segment)
{
	task_sense_row(
		task, sense,
		&(struct sense_extra){.has_command_specific = true, .command_specific = segment});
}

/* SPC-4 4.5.2.4.2: SKSV, C/D, BPV and BIT POINTER; then FIELD POINTER. */
static struct sense_extra sense_field_pointer(bool in_cdb, uint16_t byte, int bit)
{
	struct sense_extra extra = {.has_field = true};

	assert(bit >= -1 && bit <= 7);
	extra.field[0] = (uint8_t)(0x80 | (in_cdb ? 0x40 : 0) | (bit >= 0 ? 0x08 | bit : 0));
	put_be16(extra.field + 1, byte);
	return extra;
}

void scsi_task_invalid_cdb_field(struct scsi_task *task, uint16_t byte, int bit)
{
	struct sense_extra extra = sense_field_pointer(true, byte, bit);

	task_sense_row(task, SCSI_SENSE_INVALID_FIELD_IN_CDB, &extra);
}

void scsi_task_invalid_parameter_field(struct scsi_task *task, uint16_t byte, int bit)
{
	struct sense_extra extra = sense_field_pointer(false, byte, bit);

	task_sense_row(task, SCSI_SENSE_INVALID_FIELD_IN_PARAMETER_LIST, &extra);
}

static bool inject_descriptors(const struct scsi_task *task, enum scsi_sense_format format)
{
	if (format == SCSI_SENSE_FORMAT_OWN)
		return task->lun && task->lun->mode.descriptor_sense;
	return format == SCSI_SENSE_FORMAT_DESCRIPTOR;
}

void target_task_inject(struct scsi_task *task, const struct scsi_injection *injection)
{
	struct sense_extra extra = {0};

	if (injection->has_field)
		extra = sense_field_pointer(true, injection->field, -1);
	extra.deferred = injection->deferred;
	extra.has_information = injection->has_information;
	extra.information = injection->information;
	task->status = (enum scsi_status)injection->status;
	task->sense_len = 0;
	if (injection->has_sense)
		task->sense_len =
			sense_encode(task->sense, inject_descriptors(task, injection->format),
				     injection->key, injection->asc, injection->ascq, &extra);
}
