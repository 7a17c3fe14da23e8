/*
 * Data-In that is sent from where it lies in a store (target/lent.h), and when that must end.
 */
#include "transport/conn_internal.h"

void iscsi_lent_lost(struct iscsi_conn *conn)
{
	iscsi_conn_doom(conn, "the backing store lost data while they were being sent", true);
}

bool iscsi_lent_keep(struct iscsi_conn *conn, struct iscsi_out *out)
{
	struct scsi_task *task = &out->task->scsi;

	if (!target_data_in_keep(task)) {
		iscsi_lent_lost(conn);
		return false;
	}
	if (out->lent)
		out->data = task->data_in + out->pdu.data_in.offset;
	out->lent = false;
	return true;
}

bool iscsi_lent_find(struct iscsi_conn *conn, struct iscsi_out *out)
{
	const struct scsi_task *task = &out->task->scsi;

	if (task->data_in_lost) {
		iscsi_lent_lost(conn);
		return false;
	}
	out->data = task->data_in + out->pdu.data_in.offset;
	return true;
}

void iscsi_conn_not_sent(struct iscsi_conn *conn, uint64_t now_ms)
{
	conn->is_blocked = true;
	if (!conn->has_lent)
		return;
	iscsi_conn_enter(conn, now_ms);
	conn->has_lent = false;
	for (struct iscsi_out *out = conn->out_first; out; out = out->next)
		if (out->task && !iscsi_lent_keep(conn, out))
			break;
	iscsi_conn_leave(conn);
}
