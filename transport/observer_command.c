/*
 * SCSI Commands (RFC 7143 11.3, 10.2, 10.6, 13.10, 13.11).
 */
#include <string.h>

#include "pr_engine/bytes.h"
#include "transport/observer_internal.h"

#define ATTRIBUTE_MAX	 4
#define OP_REQUEST_SENSE 0x03u
#define SENSE_HABIT	 2u   /* REQUEST SENSEs in a row that nobody needed */
#define BLOCK_LEN_MIN	 512u /* bytes */
#define LUN_METHOD_SHIFT 6
#define LUN_WELL_KNOWN	 0xc1u

/* Where an operation code has its length, and what it counts. */
enum length_unit {
	LENGTH_NONE = 0, /* there is no data */
	LENGTH_BYTES,
	LENGTH_BLOCKS,
};
struct cdb_length {
	uint8_t opcode, offset, width;
	uint8_t unit; /* enum length_unit */
};
static const struct cdb_length lengths[] = {
	{0x00, 0, 0, LENGTH_NONE},    {0x03, 4, 1, LENGTH_BYTES},   {0x12, 3, 2, LENGTH_BYTES},
	{0x15, 4, 1, LENGTH_BYTES},   {0x1a, 4, 1, LENGTH_BYTES},   {0x1b, 0, 0, LENGTH_NONE},
	{0x1e, 0, 0, LENGTH_NONE},    {0x28, 7, 2, LENGTH_BLOCKS},  {0x2a, 7, 2, LENGTH_BLOCKS},
	{0x35, 0, 0, LENGTH_NONE},    {0x42, 7, 2, LENGTH_BYTES},   {0x55, 7, 2, LENGTH_BYTES},
	{0x5a, 7, 2, LENGTH_BYTES},   {0x5e, 7, 2, LENGTH_BYTES},   {0x5f, 5, 4, LENGTH_BYTES},
	{0x88, 10, 4, LENGTH_BLOCKS}, {0x8a, 10, 4, LENGTH_BLOCKS}, {0x91, 0, 0, LENGTH_NONE},
	{0x9e, 10, 4, LENGTH_BYTES},  {0xa0, 6, 4, LENGTH_BYTES},   {0xa3, 6, 4, LENGTH_BYTES},
	{0xa8, 6, 4, LENGTH_BLOCKS},  {0xaa, 6, 4, LENGTH_BLOCKS},
};

/* What leaves the medium, the reservations or the parameters other than they were. */
static const uint8_t state_changing[] = {
	0x04, 0x0a, 0x15, 0x16, 0x17, 0x2a, 0x2e, 0x41, 0x42, 0x55, 0x56,
	0x57, 0x5f, 0x83, 0x89, 0x8a, 0x8e, 0x93, 0x9c, 0xaa, 0xae,
};

static bool is_state_changing(uint8_t opcode)
{
	return memchr(state_changing, opcode, sizeof(state_changing)) != NULL;
}

static uint64_t cdb_count(const uint8_t *cdb, const struct cdb_length *row)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < row->width; i++)
		count = count << 8 | cdb[row->offset + i];
	return count;
}

/* Block lengths are powers of two here. */
static bool length_fits(const struct cdb_length *row, uint64_t count, uint32_t edtl)
{
	if (row->unit != LENGTH_BLOCKS)
		return edtl == count;
	if (count == 0 || edtl % count != 0)
		return edtl == count;
	uint64_t block_len = edtl / count;
	return block_len >= BLOCK_LEN_MIN && (block_len & (block_len - 1)) == 0;
}

static void judge_length(struct iscsi_watch *watch, const struct iscsi_scsi_command *command)
{
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		if (lengths[i].opcode != command->cdb[0])
			continue;
		uint64_t count = cdb_count(command->cdb, &lengths[i]);
		watch_judge(watch, ISCSI_CHECK_CMD_EDTL_VS_CDB,
			    length_fits(&lengths[i], count, command->expected_len),
			    "the length of the CDB", "opcode 0x%02x, EDTL %u, in the CDB %llu",
			    command->cdb[0], command->expected_len, (unsigned long long)count);
	}
}

static void judge_flags(struct iscsi_watch *watch, const struct iscsi_scsi_command *command)
{
	bool fits = (command->final || command->write) &&
		    (command->read || command->write || command->expected_len == 0);

	watch_judge(watch, ISCSI_CHECK_CMD_FLAGS_CONSISTENT, fits,
		    "F or W; no length without R or W", "F %d R %d W %d EDTL %u", command->final,
		    command->read, command->write, command->expected_len);
	watch_judge(watch, ISCSI_CHECK_CMD_ATTR_LEGAL, command->attribute <= ATTRIBUTE_MAX,
		    "0 to 4", "%u", command->attribute);
	if (is_state_changing(command->cdb[0]))
		watch_judge(watch, ISCSI_CHECK_CMD_STATE_CHANGING_NONIMMEDIATE, !command->immediate,
			    "I clear", "I set, opcode 0x%02x", command->cdb[0]);
}

/* --- immediate data and F --------------------------------------------------------------------- */

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void judge_immediate_data(struct iscsi_watch *watch,
				 const struct iscsi_scsi_command *command, uint32_t len)
{
	uint32_t limit =
		command->write ? smaller(watch->params.first_burst_len, command->expected_len) : 0;

	if (len == 0)
		return;
	watch_judge(watch, ISCSI_CHECK_CMD_IMMEDIATE_DATA_ALLOWED, watch->params.immediate_data,
		    "no data with ImmediateData=No", "%u bytes", len);
	watch_judge(watch, ISCSI_CHECK_CMD_IMMEDIATE_LIMIT, len <= limit,
		    "at most FirstBurstLength and EDTL", "%u bytes of %u", len, limit);
}

static void judge_final(struct iscsi_watch *watch, const struct iscsi_scsi_command *command,
			uint32_t len)
{
	if (!command->write)
		return;
	if (len > 0 && len == command->expected_len)
		watch_judge(watch, ISCSI_CHECK_CMD_F_WHEN_COMPLETE, command->final, "F set",
			    "F clear with all data there");
	if (watch->params.initial_r2t || !command->final)
		watch_judge(watch, ISCSI_CHECK_CMD_F0_ONLY_UNSOLICITED,
			    command->final || !watch->params.initial_r2t,
			    "F set with InitialR2T=Yes", "F clear");
}

/* --- LUNs ------------------------------------------------------------------------------------- */

static void judge_lun(struct iscsi_watch *watch, const uint8_t *lun)
{
	struct seen_session *session = watch->session;
	unsigned method = lun[0] >> LUN_METHOD_SHIFT;
	uint32_t number = get_be16(lun) & 0x3fffu;
	unsigned rest = 0;

	for (unsigned i = 2; i < 8; i++)
		rest |= lun[i];
	bool formed = rest == 0 &&
		      (method == 1 || (method == 0 && lun[0] == 0) || lun[0] == LUN_WELL_KNOWN);
	bool same = true;
	if (formed && method <= 1 && number < SEEN_LUNS_MAX) {
		uint8_t *before = &session->lun_method[number];
		same = *before == 0 || *before == method + 1;
		if (*before == 0)
			*before = (uint8_t)(method + 1);
	}
	watch_judge(watch, ISCSI_CHECK_CMD_LUN_FORMAT, formed && same,
		    "peripheral or flat, one form a LUN", "%02x%02x%02x%02x%02x%02x%02x%02x",
		    lun[0], lun[1], lun[2], lun[3], lun[4], lun[5], lun[6], lun[7]);
}

/* --- sense ------------------------------------------------------------------------------------ */

static void judge_autosense(struct iscsi_watch *watch, const struct iscsi_scsi_command *command)
{
	struct seen_session *session = watch->session;

	if (!session->sense_told ||
	    memcmp(session->sense_lun, command->lun, sizeof(command->lun)) != 0)
		return;
	session->sense_told = false;
	bool asks = command->cdb[0] == OP_REQUEST_SENSE;
	session->sense_asked = asks ? session->sense_asked + 1 : 0;
	watch_judge(watch, ISCSI_CHECK_CMD_AUTOSENSE, session->sense_asked < SENSE_HABIT,
		    "another command behind CHECK CONDITION", "REQUEST SENSE, time after time");
}

/* --- the command ------------------------------------------------------------------------------ */

static void begin_burst(struct iscsi_watch *watch, struct seen_task *task,
			const struct iscsi_scsi_command *command, uint32_t len)
{
	uint32_t limit = smaller(watch->params.first_burst_len, command->expected_len);

	task->edtl = command->expected_len;
	task->burst_next = len;
	task->burst_open = command->write && !command->final && len < limit;
	if (!task->burst_open)
		return;
	task->burst_order = watch->bursts_begun++;
	watch->bursts_open++;
}

void watch_command(struct iscsi_watch *watch, const struct iscsi_seen_pdu *pdu,
		   struct seen_task *task)
{
	struct iscsi_scsi_command command;
	uint32_t len = get_be24(pdu->bhs + 5);

	iscsi_scsi_command_decode(pdu->bhs, &command);
	judge_flags(watch, &command);
	judge_length(watch, &command);
	judge_immediate_data(watch, &command, len);
	judge_final(watch, &command, len);
	judge_lun(watch, command.lun);
	judge_autosense(watch, &command);
	if (task)
		begin_burst(watch, task, &command, len);
}
