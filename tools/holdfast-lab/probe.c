#include "tools/holdfast-lab/probe.h"

#include <string.h>

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include "pr_engine/bytes.h"
#include "tools/lab/cdb.h"

#define PROBE_NAME	    "iqn.2026-11.io.holdfast:lab-probe"
#define PROBE_KEY	    0x70726f62
#define ATTENTIONS_MAX	    32
#define TIMEOUT_S	    60
#define DESIGNATOR_PORT	    4 /* relative target port identifier, SPC-4 7.8.6.7 */
#define PAGE_IDENTIFICATION 0x83
#define OPCODE_PR_IN	    0x5e
#define OPCODE_PR_OUT	    0x5f
#define PR_LIST_LEN	    24
#define ACTION_MOVE	    7
#define ASCQ_INVALID_OPCODE 0x2000
#define ASCQ_INVALID_FIELD  0x2400

static struct iscsi_context *log_in(const struct lab_target *target, size_t portal)
{
	struct iscsi_context *iscsi = iscsi_create_context(PROBE_NAME);

	if (!iscsi)
		return NULL;
	iscsi_set_noautoreconnect(iscsi, 1);
	iscsi_set_timeout(iscsi, TIMEOUT_S);
	iscsi_set_targetname(iscsi, target->name);
	iscsi_set_session_type(iscsi, ISCSI_SESSION_NORMAL);
	iscsi_set_header_digest(iscsi, ISCSI_HEADER_DIGEST_NONE_CRC32C);
	iscsi_set_isid_random(iscsi, 0x70726f, (uint32_t)portal);
	if (iscsi_connect_sync(iscsi, target->portals[portal].address) == 0 &&
	    iscsi_login_sync(iscsi) == 0)
		return iscsi;
	fprintf(stderr, "holdfast-lab: %s at %s: %s\n", target->name,
		target->portals[portal].address, iscsi_get_error(iscsi));
	iscsi_destroy_context(iscsi);
	return NULL;
}

static void log_out(struct iscsi_context *iscsi)
{
	iscsi_logout_sync(iscsi);
	iscsi_destroy_context(iscsi);
}

static struct scsi_task *run_once(struct iscsi_context *iscsi, uint16_t lun, const uint8_t *cdb,
				  int cdb_len, struct iscsi_data *out, int in_len)
{
	unsigned char bytes[SCSI_CDB_MAX_SIZE] = {0};
	struct scsi_task *task, *done;

	memcpy(bytes, cdb, (size_t)cdb_len);
	task = scsi_create_task(cdb_len, bytes,
				out	     ? SCSI_XFER_WRITE
				: in_len > 0 ? SCSI_XFER_READ
					     : SCSI_XFER_NONE,
				out ? (int)out->size : in_len);
	if (!task)
		return NULL;
	done = iscsi_scsi_command_sync(iscsi, lun, task, out);
	if (!done)
		scsi_free_scsi_task(task);
	return done;
}

/* Again as long as only unit attentions come. NULL: not GOOD. */
static struct scsi_task *run(struct iscsi_context *iscsi, uint16_t lun, const uint8_t *cdb,
			     int cdb_len, struct iscsi_data *out, int in_len)
{
	for (int i = 0; i < ATTENTIONS_MAX; i++) {
		struct scsi_task *task = run_once(iscsi, lun, cdb, cdb_len, out, in_len);
		if (!task || task->status == SCSI_STATUS_GOOD)
			return task;
		bool again = task->status == SCSI_STATUS_CHECK_CONDITION &&
			     task->sense.key == SCSI_SENSE_UNIT_ATTENTION;
		scsi_free_scsi_task(task);
		if (!again)
			return NULL;
	}
	return NULL;
}

static void copy_text(char *to, const uint8_t *from, size_t len)
{
	memcpy(to, from, len);
	to[len] = '\0';
	while (len > 0 && (to[len - 1] == ' ' || to[len - 1] == '\0'))
		to[--len] = '\0';
	for (size_t i = 0; i < len; i++)
		if (to[i] < ' ' || to[i] > '~')
			to[i] = '?';
}

/* 0: it does not say. */
static uint16_t find_port(struct iscsi_context *iscsi, uint16_t lun)
{
	static const uint8_t cdb[] = {0x12, 1, PAGE_IDENTIFICATION, 0x02, 0, 0};
	struct scsi_task *task = run(iscsi, lun, cdb, sizeof(cdb), NULL, 0x200);
	size_t len = task && task->datain.size > 4 ? (size_t)task->datain.size : 0;
	uint16_t port = 0;

	for (size_t at = 4; at + 8 <= len; at += 4 + (size_t)task->datain.data[at + 3])
		if ((task->datain.data[at + 1] & 0x0f) == DESIGNATOR_PORT)
			port = get_be16(task->datain.data + at + 6);
	if (task)
		scsi_free_scsi_task(task);
	return port;
}

static bool ask_identity(struct iscsi_context *iscsi, uint16_t lun, struct history_head *head)
{
	static const uint8_t cdb[] = {0x12, 0, 0, 0, 96, 0};
	struct scsi_task *task = run(iscsi, lun, cdb, sizeof(cdb), NULL, 96);
	bool there = task && task->datain.size >= 36;

	if (there) {
		copy_text(head->vendor, task->datain.data + 8, 8);
		copy_text(head->product, task->datain.data + 16, 16);
	}
	if (task)
		scsi_free_scsi_task(task);
	return there;
}

static bool ask_block_size(struct iscsi_context *iscsi, uint16_t lun, uint32_t *ret_size)
{
	static const uint8_t cdb[] = {0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	struct scsi_task *task = run(iscsi, lun, cdb, sizeof(cdb), NULL, 8);
	uint32_t size = task && task->datain.size >= 8 ? get_be32(task->datain.data + 4) : 0;

	if (task)
		scsi_free_scsi_task(task);
	if (size < 512 || size > 4096 || size % 512 != 0)
		return false;
	*ret_size = size;
	return true;
}

/* A target without PERSISTENT RESERVE IN is no subject. */
static bool ask_capabilities(struct iscsi_context *iscsi, uint16_t lun, struct history_head *head)
{
	static const uint8_t cdb[] = {0x5e, 2, 0, 0, 0, 0, 0, 0, 8, 0};
	struct scsi_task *task = run(iscsi, lun, cdb, sizeof(cdb), NULL, 8);
	bool there = task && task->datain.size >= 8;

	if (there) {
		head->aptpl_claimed = (task->datain.data[2] & 1) != 0;
		if ((task->datain.data[3] & 0x80) != 0)
			memcpy(head->type_mask, task->datain.data + 4, sizeof(head->type_mask));
	}
	if (task)
		scsi_free_scsi_task(task);
	return there;
}

bool probe_target(struct lab_target *target, uint16_t lun, struct history_head *head)
{
	bool known = true;

	for (size_t i = 0; i < target->portal_count && known; i++) {
		struct iscsi_context *iscsi = log_in(target, i);
		if (!iscsi)
			return false;
		target->portals[i].target_port = find_port(iscsi, lun);
		if (i == 0)
			known = ask_identity(iscsi, lun, head) &&
				ask_block_size(iscsi, lun, &target->block_size) &&
				ask_capabilities(iscsi, lun, head);
		log_out(iscsi);
	}
	head->block_size = target->block_size;
	snprintf(head->target, sizeof(head->target), "%s", target->name);
	if (!known)
		fprintf(stderr,
			"holdfast-lab: %s: LUN %u is no disk of 512 to 4096 bytes a block that "
			"knows PERSISTENT RESERVE IN\n",
			target->name, (unsigned)lun);
	return known;
}

static bool pr_out(struct iscsi_context *iscsi, uint16_t lun, uint8_t action, uint64_t key,
		   uint64_t action_key)
{
	uint8_t cdb[] = {0x5f, action, 0, 0, 0, 0, 0, 0, 24, 0};
	uint8_t list[24] = {0};
	struct iscsi_data data = {.size = sizeof(list), .data = list};
	struct scsi_task *task;

	put_be64(list, key);
	put_be64(list + 8, action_key);
	task = run(iscsi, lun, cdb, sizeof(cdb), &data, 0);
	if (task)
		scsi_free_scsi_task(task);
	return task != NULL;
}

bool probe_clear(const struct lab_target *target, uint16_t lun, uint32_t *ret_generation)
{
	static const uint8_t cdb[] = {0x5e, 0, 0, 0, 0, 0, 0, 0, 8, 0};
	struct iscsi_context *iscsi = log_in(target, 0);
	struct scsi_task *task = NULL;
	bool cleared;

	if (!iscsi)
		return false;
	cleared = pr_out(iscsi, lun, 6, 0, PROBE_KEY) && pr_out(iscsi, lun, 3, PROBE_KEY, 0);
	if (cleared)
		task = run(iscsi, lun, cdb, sizeof(cdb), NULL, 8);
	cleared = task && task->datain.size >= 8;
	if (cleared)
		*ret_generation = get_be32(task->datain.data);
	else
		fprintf(stderr, "holdfast-lab: %s: LUN %u cannot be cleared of reservations\n",
			target->name, (unsigned)lun);
	if (task)
		scsi_free_scsi_task(task);
	log_out(iscsi);
	return cleared;
}

/* ---- what it lacks ---- */

/* Is this refused as a command or service action that there is not? */
static bool is_unknown(const struct scsi_task *task)
{
	return task->status == SCSI_STATUS_CHECK_CONDITION &&
	       task->sense.key == SCSI_SENSE_ILLEGAL_REQUEST &&
	       (task->sense.ascq == ASCQ_INVALID_OPCODE || task->sense.ascq == ASCQ_INVALID_FIELD);
}

/* The list of REGISTER AND MOVE has to be whole. Returns how much longer it is. */
static size_t put_somebody(uint8_t *list)
{
	struct history_nexus nexus = {.name = PROBE_NAME, .isid = {0x80, 0, 0, 0, 0, 1}};
	size_t len =
		cdb_transport_id(&nexus, list + PR_LIST_LEN, CDB_PARAMETER_LIST_MAX - PR_LIST_LEN);

	put_be16(list + 18, 1); /* RELATIVE TARGET PORT IDENTIFIER */
	put_be32(list + 20, (uint32_t)len);
	return len;
}

/* Asks by somebody who is not registered, which changes nothing. */
static bool lacks(struct iscsi_context *iscsi, uint16_t lun, uint8_t opcode, uint8_t action)
{
	bool out = opcode == OPCODE_PR_OUT;
	uint8_t cdb[10] = {opcode, action, 0, 0, 0, 0, 0, 0, PR_LIST_LEN, 0};
	uint8_t list[CDB_PARAMETER_LIST_MAX] = {0};
	struct iscsi_data data = {.size = PR_LIST_LEN, .data = list};
	bool attention = true, unknown = false;

	if (action == ACTION_MOVE)
		data.size += put_somebody(list);
	list[15] = 1; /* SERVICE ACTION RESERVATION KEY */
	cdb[2] = out ? 1 : 0;
	cdb[8] = (uint8_t)data.size;
	for (int i = 0; i < ATTENTIONS_MAX && attention; i++) {
		struct scsi_task *task = run_once(iscsi, lun, cdb, sizeof(cdb), out ? &data : NULL,
						  out ? 0 : PR_LIST_LEN);
		if (!task)
			return false;
		attention = task->status == SCSI_STATUS_CHECK_CONDITION &&
			    task->sense.key == SCSI_SENSE_UNIT_ATTENTION;
		unknown = is_unknown(task);
		scsi_free_scsi_task(task);
	}
	return unknown;
}

bool probe_lacks(const struct lab_target *target, uint16_t lun,
		 bool ret_lacks[static HISTORY_OP_COUNT])
{
	static const struct {
		enum history_op op;
		uint8_t opcode, action;
	} optional[] = {
		{HISTORY_PREEMPT_AND_ABORT, OPCODE_PR_OUT, 5},
		{HISTORY_REGISTER_AND_MOVE, OPCODE_PR_OUT, ACTION_MOVE},
		{HISTORY_READ_FULL_STATUS, OPCODE_PR_IN, 3},
	};
	struct iscsi_context *iscsi = log_in(target, 0);

	if (!iscsi)
		return false;
	for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
		ret_lacks[optional[i].op] =
			lacks(iscsi, lun, optional[i].opcode, optional[i].action);
	log_out(iscsi);
	return true;
}
