/*
 * What was sent and is not acknowledged (RFC 7143 4.2.2.2, 7.2): with ErrorRecoveryLevel > 0 every
 * PDU that used up a StatSN is kept, and with a SCSI Response the data of its command, so that it
 * can be sent again. limits.unacked_max bounds the bytes, and the command window the number, as the
 * list is walked: then the oldest are forgotten.
 */
#include "transport/conn_internal.h"

/* An initiator acknowledges with its next command at the latest, so one that takes its answers
 * never has more than a window of them unacknowledged. The rest is for what is no command. */
#define KEPT_PER_COMMAND 2
#define KEPT_SPARE	 64

bool iscsi_kept_is_too_much(const struct iscsi_node *node, uint32_t count, uint64_t weight)
{
	const struct iscsi_limits *limits = &node->config.limits;

	return count > KEPT_PER_COMMAND * limits->command_window + KEPT_SPARE ||
	       weight > limits->unacked_max;
}

uint64_t iscsi_kept_weight(const struct iscsi_out *out)
{
	return sizeof(*out) + out->data_len + (out->task ? out->task->scsi.data_in_len : 0);
}

struct iscsi_out *iscsi_kept_take(struct iscsi_conn *conn, struct iscsi_out *out)
{
	struct iscsi_out **link = &conn->kept_first;

	while (*link != out)
		link = &(*link)->next;
	*link = out->next;
	out->next = NULL;
	conn->kept_count--;
	conn->kept_weight -= iscsi_kept_weight(out);
	return out;
}

void iscsi_kept_add(struct iscsi_conn *conn, struct iscsi_out *out)
{
	struct iscsi_out **link = &conn->kept_first;

	/* Nothing but the data to read is needed of a task. */
	if (out->task && out->task->scsi.data_in_len == 0) {
		iscsi_task_unref(out->task);
		out->task = NULL;
	}
	while (*link && iscsi_sn_before((*link)->stat_sn, out->stat_sn))
		link = &(*link)->next;
	out->next = *link;
	*link = out;
	conn->kept_count++;
	conn->kept_weight += iscsi_kept_weight(out);
	while (conn->kept_first &&
	       iscsi_kept_is_too_much(conn->node, conn->kept_count, conn->kept_weight))
		iscsi_out_free(iscsi_kept_take(conn, conn->kept_first));
}

void iscsi_kept_acknowledge(struct iscsi_conn *conn, uint32_t exp_stat_sn)
{
	while (conn->kept_first && iscsi_sn_before(conn->kept_first->stat_sn, exp_stat_sn))
		iscsi_out_free(iscsi_kept_take(conn, conn->kept_first));
}

void iscsi_kept_forget_all(struct iscsi_conn *conn)
{
	while (conn->kept_first)
		iscsi_out_free(iscsi_kept_take(conn, conn->kept_first));
}
