/*
 * SCSI Command PDU (RFC 7143 11.3) -> scsi_task.
 */
#include <string.h>

#include "transport/ahs.h"
#include "transport/conn_internal.h"

#define CDB_IN_HEADER 16 /* bytes */

/* Sense for what the transport refuses by itself: key, ASC, ASCQ. */
#define SENSE_UNEXPECTED_DATA 0x0b, 0x0c, 0x0c

/* RFC 7143 11.3.1: rules of which an initiator that breaks them cannot have meant anything. */
static bool flags_are_sound(const struct iscsi_conn *conn, const struct iscsi_scsi_command *command)
{
	if (command->attribute > SCSI_ATTRIBUTE_ACA || (!command->final && !command->write))
		return false;
	/* A length without a direction can be ignored; strictly it is an error. */
	return !conn->node->config.policy.strict || command->read || command->write ||
	       command->expected_len == 0;
}

/* Nearly always there are none, and none is missing. */
static bool parse_ahs(const struct iscsi_pdu *pdu, const struct iscsi_scsi_command *command,
		      struct iscsi_ahs *ret)
{
	if (pdu->ahs_len > 0 || (command->read && command->write))
		return iscsi_ahs_parse(pdu->ahs, pdu->ahs_len, command, ret);
	*ret = (struct iscsi_ahs){0};
	return true;
}

uint8_t iscsi_command_check(struct iscsi_conn *conn, const struct iscsi_pdu *pdu)
{
	struct iscsi_scsi_command command;
	struct iscsi_ahs ahs;

	iscsi_scsi_command_decode(pdu->bhs, &command);
	if (command.itt == ISCSI_NO_TAG || !parse_ahs(pdu, &command, &ahs) ||
	    !flags_are_sound(conn, &command))
		return ISCSI_REJECT_INVALID_PDU_FIELD;
	if (iscsi_session_find_task(conn->session, command.itt) ||
	    iscsi_manage_uses_itt(conn->session, command.itt))
		return ISCSI_REJECT_TASK_IN_PROGRESS;
	if (command.immediate &&
	    conn->immediate_commands >= conn->node->config.limits.immediate_max)
		return ISCSI_REJECT_TOO_MANY_IMMEDIATE;
	return 0;
}

static void add_long_cdb(struct scsi_task *scsi, const struct iscsi_ahs *ahs)
{
	uint32_t room = SCSI_CDB_MAX - CDB_IN_HEADER;
	uint32_t len = ahs->extended_cdb_len;

	if (len == 0)
		return;
	memcpy(scsi->cdb + CDB_IN_HEADER, ahs->extended_cdb, len < room ? len : room);
	scsi->cdb_len = (uint16_t)(CDB_IN_HEADER + len);
}

static void expect_first_burst(struct iscsi_task *task, const struct iscsi_scsi_command *command,
			       uint32_t immediate_len)
{
	uint32_t end = task->session->params.first_burst_len;

	task->first_len = immediate_len;
	if (command->final)
		return;
	if (end > task->scsi.expected_out)
		end = task->scsi.expected_out;
	iscsi_burst_open(&task->unsolicited, ISCSI_NO_TAG, immediate_len,
			 end > immediate_len ? end : immediate_len);
}

/* RFC 7143 13.10, 13.11: was data sent that was not agreed on? */
static bool has_unexpected_data(const struct iscsi_task *task, uint32_t immediate_len)
{
	const struct iscsi_params *params = &task->session->params;

	if (task->unsolicited.open && params->initial_r2t)
		return true;
	return immediate_len > 0 &&
	       (!params->immediate_data || !task->write ||
		immediate_len > params->first_burst_len || immediate_len > task->scsi.expected_out);
}

/* Answers at once, or when the data that was announced has come. */
static void refuse(struct iscsi_task *task, uint8_t key, uint8_t asc, uint8_t ascq)
{
	target_task_fail(&task->scsi, key, asc, ascq);
	task->faulted = true;
	iscsi_task_answer(task);
}

/* What it brings along finds no room (data_room.c). */
static void refuse_full(struct iscsi_task *task)
{
	target_task_full(&task->scsi);
	task->faulted = true;
	iscsi_task_answer(task);
}

static void execute(struct iscsi_conn *conn, struct iscsi_task *task, const struct iscsi_pdu *pdu)
{
	task->refs++;
	task->inside_execute = true;
	task->immediate_data = pdu->data;
	task->early_len = pdu->data_len;
	task->scsi.data_at_hand = task->unsolicited.open ? 0 : pdu->data_len;
	target_execute(&task->scsi);
	task->inside_execute = false;

	if (!iscsi_data_out_settle(task))
		iscsi_conn_doom(conn, "out of memory", true);
	task->immediate_data = NULL;
	iscsi_task_unref(task);
}

void iscsi_command_run(struct iscsi_conn *conn, const struct iscsi_pdu *pdu)
{
	struct iscsi_scsi_command command;
	struct iscsi_ahs ahs;

	iscsi_scsi_command_decode(pdu->bhs, &command);
	if (!parse_ahs(pdu, &command, &ahs))
		return; /* `check` has refused that already */
	struct iscsi_task *task = iscsi_task_new(conn, &command);
	if (!task) {
		iscsi_conn_doom(conn, "out of memory", true);
		return;
	}
	add_long_cdb(&task->scsi, &ahs);
	if (ahs.has_bidirectional_read_len)
		task->scsi.expected_in = ahs.bidirectional_read_len;
	expect_first_burst(task, &command, pdu->data_len);
	task->session->bytes_out += pdu->data_len;
	if (has_unexpected_data(task, pdu->data_len))
		refuse(task, SENSE_UNEXPECTED_DATA);
	else if (!iscsi_room_fits_early(task->session,
					iscsi_data_out_early_need(task, pdu->data_len)))
		refuse_full(task);
	else
		execute(conn, task, pdu);
}
