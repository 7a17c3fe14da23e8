#include "target/task_order.h"

#include <assert.h>
#include <stddef.h>
#include <utlist.h>

#include "target/task.h"

static bool is_barrier(const struct scsi_task *task)
{
	return task->attribute == SCSI_ATTRIBUTE_ORDERED ||
	       task->attribute == SCSI_ATTRIBUTE_HEAD_OF_QUEUE;
}

/* When nothing dormant stands before it. Untagged commands and, until it is refused, ACA are taken
 * for SIMPLE. */
static bool may_run(const struct scsi_task_order *order, const struct scsi_task *task)
{
	if (task->attribute == SCSI_ATTRIBUTE_ORDERED)
		return order->enabled == 0;
	return order->barriers == 0;
}

static void enable(struct scsi_task_order *order, const struct scsi_task *task)
{
	order->enabled++;
	order->barriers += is_barrier(task);
}

bool scsi_task_order_enter(struct scsi_task_order *order, struct scsi_task *task)
{
	/* A piece of an EXTENDED COPY does not wait: an ORDERED one would wait for itself. */
	bool first = task->attribute == SCSI_ATTRIBUTE_HEAD_OF_QUEUE || task->by_copy_manager;

	if (!first && (order->dormant || !may_run(order, task))) {
		DL_APPEND2(order->dormant, task, dormant_prev, dormant_next);
		return false;
	}
	enable(order, task);
	return true;
}

void scsi_task_order_leave(struct scsi_task_order *order, const struct scsi_task *task)
{
	assert(order->enabled > 0);
	order->enabled--;
	order->barriers -= is_barrier(task);
}

void scsi_task_order_forget(struct scsi_task_order *order, struct scsi_task *task)
{
	DL_DELETE2(order->dormant, task, dormant_prev, dormant_next);
}

struct scsi_task *scsi_task_order_next(struct scsi_task_order *order)
{
	struct scsi_task *task = order->dormant;

	if (!task || !may_run(order, task))
		return NULL;
	DL_DELETE2(order->dormant, task, dormant_prev, dormant_next);
	enable(order, task);
	return task;
}
