/*
 * REPORT TARGET PORT GROUPS and SET TARGET PORT GROUPS (SPC-4 6.37, 6.45).
 */
#include "pr_engine/bytes.h"
#include "target/access_state.h"

/* ---- REPORT TARGET PORT GROUPS --------------------------------------------------------------- */

/* T_SUP, U_SUP, S_SUP, AN_SUP, AO_SUP: every state but offline. */
#define STATES_SUPPORTED 0x8f

#define GROUP_DESCRIPTOR_LEN 12 /* with its one port */

static void put_port_group(const struct scsi_access_group *access, uint16_t port,
			   struct byte_writer *data)
{
	byte_writer_u8(data, (uint8_t)access->state);
	byte_writer_u8(data, STATES_SUPPORTED);
	byte_writer_be16(data, port);
	byte_writer_u8(data, 0);
	byte_writer_u8(data, access->status_code);
	byte_writer_u8(data, 0);
	byte_writer_u8(data, 1); /* TARGET PORT COUNT */
	byte_writer_be16(data, 0);
	byte_writer_be16(data, port);
}

enum scsi_result scsi_report_target_port_groups(struct scsi_task *task)
{
	const struct scsi_target_config *config = &task->lun->target->config;
	uint8_t format = task->cdb[1] >> 5;
	uint8_t bytes[8 + GROUP_DESCRIPTOR_LEN * SCSI_PORTS_MAX];
	struct byte_writer data = byte_writer_over(bytes, sizeof(bytes));

	if (format > 1) {
		scsi_task_invalid_cdb_field(task, 1, 7);
		return SCSI_DONE;
	}
	byte_writer_be32(&data, 0);
	if (format == 1) { /* the extended header; a transition takes no time of its own */
		byte_writer_u8(&data, 0x10);
		byte_writer_zeros(&data, 3);
	}
	for (uint32_t i = 0; i < config->port_count; i++)
		put_port_group(&task->lun->access[i], config->ports[i], &data);
	put_be32(bytes, (uint32_t)(data.len - 4));
	return scsi_task_answer(task, bytes, data.len, get_be32(task->cdb + 6));
}

/* ---- SET TARGET PORT GROUPS ------------------------------------------------------------------ */

#define SET_HEADER_LEN	   4
#define SET_DESCRIPTOR_LEN 4
#define SET_LIST_MAX	   (SET_HEADER_LEN + SET_DESCRIPTOR_LEN * SCSI_PORTS_MAX)

enum scsi_result scsi_set_target_port_groups(struct scsi_task *task)
{
	uint32_t len = get_be32(task->cdb + 6);

	if (len == 0) {
		scsi_task_good(task);
		return SCSI_DONE;
	}
	if (len < SET_HEADER_LEN || len > SET_LIST_MAX || len % SET_DESCRIPTOR_LEN != 0) {
		scsi_task_check_condition(task, SCSI_SENSE_PARAMETER_LIST_LENGTH_ERROR);
		return SCSI_DONE;
	}
	return scsi_task_want(task, len);
}

/* Transitions and offline are nobody's to ask for. */
static bool take_group(struct scsi_task *task, uint16_t at, struct scsi_access_group *access)
{
	const uint8_t *descriptor = task->data_out + at;
	uint8_t state = descriptor[0] & 0x0f;
	uint32_t index;

	if (state > SCSI_ACCESS_UNAVAILABLE) {
		scsi_task_invalid_parameter_field(task, at, 3);
		return false;
	}
	if (!scsi_access_group_find(task->lun->target, get_be16(descriptor + 2), &index)) {
		scsi_task_invalid_parameter_field(task, (uint16_t)(at + 2), -1);
		return false;
	}
	if (access[index].state != (enum scsi_access_state)state)
		access[index] = (struct scsi_access_group){
			.state = (enum scsi_access_state)state,
			.status_code = SCSI_ACCESS_STATUS_EXPLICIT,
		};
	return true;
}

static bool any_changed(const struct scsi_lun *lun, const struct scsi_access_group *access)
{
	for (uint32_t i = 0; i < SCSI_PORTS_MAX; i++) {
		if (lun->access[i].state != access[i].state)
			return true;
	}
	return false;
}

/* All groups change, or none. */
enum scsi_result scsi_set_target_port_groups_data(struct scsi_task *task)
{
	struct scsi_lun *lun = task->lun;
	struct scsi_access_group access[SCSI_PORTS_MAX];

	if (task->data_out_len < task->transfer_len) {
		scsi_task_check_condition(task, SCSI_SENSE_PARAMETER_LIST_LENGTH_ERROR);
		return SCSI_DONE;
	}
	memcpy(access, lun->access, sizeof(access));
	for (uint32_t at = SET_HEADER_LEN; at < task->data_out_len; at += SET_DESCRIPTOR_LEN) {
		if (!take_group(task, (uint16_t)at, access))
			return SCSI_DONE;
	}
	bool changed = any_changed(lun, access);
	memcpy(lun->access, access, sizeof(access));
	if (changed)
		scsi_lun_raise(lun, SCSI_UA_ACCESS_STATE_CHANGED, task->nexus);
	scsi_task_good(task);
	return SCSI_DONE;
}
