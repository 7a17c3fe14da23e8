/*
 * Commands of initiators: recorded, sent, answered.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "tools/holdfast-lab/initiator_internal.h"
#include "tools/lab/tag.h"

/* ---- ends ---- */

static void end(struct pending *pending)
{
	struct initiator *initiator = pending->initiator;

	pending->ended = true;
	initiator->under_way--;
	recorder_return(initiator->loop->recorder, initiator->nexus, pending->number,
			&pending->command, &pending->answer.result);
	pending->next_ended = NULL;
	LL_APPEND2(initiator->loop->ended, pending, next_ended);
}

static bool concerns(const struct pending *by, const struct pending *other)
{
	return by->command.op == HISTORY_TARGET_RESET || by->command.lun == other->command.lun;
}

void initiator_give_up(struct initiator *initiator, const struct pending *older_than)
{
	struct pending *pending;

	DL_FOREACH(initiator->pendings, pending)
	{
		if (pending == older_than)
			return;
		if (pending->ended || (older_than && !concerns(older_than, pending)))
			continue;
		pending->answer.result = (struct history_result){.outcome = HISTORY_UNKNOWN};
		end(pending);
	}
}

void initiator_check_deadlines(struct initiator *initiator, uint64_t now_ns)
{
	struct pending *pending;

	DL_FOREACH(initiator->pendings, pending)
	{
		if (pending->ended || now_ns < pending->deadline_ns)
			continue;
		pending->answer.result = (struct history_result){.outcome = HISTORY_UNKNOWN};
		end(pending);
	}
}

/*
 * Data that the target has asked for lie in the library's queue and point into the task, also when
 * the task has meanwhile ended: the target aborted it and said so. Until they are sent it stays.
 */
static bool data_may_wait(const struct initiator *initiator, const struct pending *pending)
{
	return pending->out && initiator->iscsi &&
	       (iscsi_out_queue_length(initiator->iscsi) > 0 ||
		(iscsi_which_events(initiator->iscsi) & POLLOUT) != 0);
}

void initiator_sweep(struct initiator *initiator)
{
	struct pending *pending, *next;

	DL_FOREACH_SAFE(initiator->pendings, pending, next)
	{
		if (!pending->told || !pending->released || data_may_wait(initiator, pending))
			continue;
		DL_DELETE(initiator->pendings, pending);
		if (pending->task)
			scsi_free_scsi_task(pending->task);
		free(pending->out);
		free(pending);
	}
}

/* ---- answers ---- */

static enum history_outcome outcome_of(int status)
{
	switch (status) {
	case SCSI_STATUS_GOOD:
	case SCSI_STATUS_CONDITION_MET:
		return HISTORY_GOOD;
	case SCSI_STATUS_CHECK_CONDITION:
		return HISTORY_CHECK;
	case SCSI_STATUS_RESERVATION_CONFLICT:
		return HISTORY_CONFLICT;
	case SCSI_STATUS_BUSY:
	case SCSI_STATUS_TASK_SET_FULL:
		return HISTORY_BUSY;
	case SCSI_STATUS_TASK_ABORTED:
		return HISTORY_TASK_ABORTED;
	default:
		return HISTORY_UNKNOWN;
	}
}

static void take_data(struct pending *pending)
{
	const struct loop *loop = pending->initiator->loop;
	struct cdb_context context = {.block_size = loop->target.block_size,
				      .run = recorder_run(loop->recorder)};
	int len = pending->task->datain.size;

	context.nexuses = recorder_nexuses(loop->recorder, &context.nexus_count);
	cdb_answer_take(&pending->answer, &pending->command, &context, pending->task->datain.data,
			len > 0 ? (size_t)len : 0);
}

/* Whatever was sent before these and has no answer yet will get none: it was aborted in silence. */
static bool tells_of_aborts(const struct pending *pending)
{
	const struct history_result *r = &pending->answer.result;

	if (history_op_is_reset(pending->command.op))
		return r->outcome == HISTORY_GOOD;
	return r->outcome == HISTORY_CHECK && r->sense_key == SCSI_SENSE_UNIT_ATTENTION &&
	       (r->asc == 0x2f || r->asc == 0x29);
}

static void on_answer(struct iscsi_context *iscsi, int status, void *data, void *private)
{
	struct pending *pending = private;
	struct history_result *r = &pending->answer.result;

	(void)iscsi;
	(void)data;
	pending->released = true;
	if (pending->ended)
		return;
	r->outcome = outcome_of(status);
	if (r->outcome == HISTORY_CHECK) {
		r->sense_key = (uint8_t)pending->task->sense.key;
		r->asc = (uint8_t)(pending->task->sense.ascq >> 8);
		r->ascq = (uint8_t)pending->task->sense.ascq;
	} else if (r->outcome == HISTORY_GOOD) {
		take_data(pending);
	} else if (r->outcome == HISTORY_UNKNOWN) {
		/* Only the end of the session tells how this is to be written down. */
		pending->initiator->broken = true;
		return;
	}
	if (tells_of_aborts(pending))
		initiator_give_up(pending->initiator, pending);
	end(pending);
}

static void on_management_answer(struct iscsi_context *iscsi, int status, void *data, void *private)
{
	struct pending *pending = private;
	struct history_result *r = &pending->answer.result;
	const uint32_t *response = data;

	(void)iscsi;
	pending->released = true;
	if (pending->ended)
		return;
	if (status != SCSI_STATUS_GOOD) {
		pending->initiator->broken = true;
		return;
	}
	/* A function that the target refuses has done nothing. */
	r->outcome = response && *response == ISCSI_TMR_FUNC_COMPLETE ? HISTORY_GOOD : HISTORY_BUSY;
	if (tells_of_aborts(pending))
		initiator_give_up(pending->initiator, pending);
	end(pending);
}

/* ---- sending ---- */

static int fill_write(struct pending *pending)
{
	const struct initiator *initiator = pending->initiator;
	const struct history_command *c = &pending->command;
	uint32_t block_size = initiator->loop->target.block_size;
	struct history_tag tag = {.written = true,
				  .nexus = initiator->nexus,
				  .sequence = c->sequence,
				  .generation_seen = c->generation_seen};

	if (c->blocks == 0 || c->blocks > HISTORY_TAGS_MAX)
		return -EINVAL;
	pending->out = malloc((size_t)c->blocks * block_size);
	if (!pending->out)
		return -ENOMEM;
	for (uint32_t i = 0; i < c->blocks; i++)
		tag_fill(pending->out + (size_t)i * block_size, block_size,
			 recorder_run(initiator->loop->recorder), c->lba + i, &tag);
	return 0;
}

static int fill_parameter_list(struct pending *pending, const struct command_extra *extra,
			       size_t *ret_len)
{
	uint32_t nexus_count;
	const struct history_nexus *nexuses =
		recorder_nexuses(pending->initiator->loop->recorder, &nexus_count);

	pending->out = malloc(CDB_PARAMETER_LIST_MAX);
	if (!pending->out)
		return -ENOMEM;
	*ret_len = cdb_parameter_list(&pending->command, nexuses, nexus_count, extra->others,
				      extra->other_count, pending->out);
	return *ret_len > 0 ? 0 : -EINVAL;
}

static int fill_raw(struct pending *pending, const struct command_extra *extra, struct cdb *ret_cdb)
{
	const struct history_command *c = &pending->command;

	if (c->cdb_len == 0 || c->cdb_len > SCSI_CDB_MAX_SIZE ||
	    (extra->out_len > 0 && extra->in_len > 0) || extra->out_len > INT32_MAX ||
	    extra->in_len > INT32_MAX)
		return -EINVAL;
	*ret_cdb = (struct cdb){.len = c->cdb_len};
	memcpy(ret_cdb->bytes, c->cdb, c->cdb_len);
	ret_cdb->transfer_len = (uint32_t)(extra->out_len > 0 ? extra->out_len : extra->in_len);
	ret_cdb->direction = extra->out_len > 0	 ? CDB_DATA_OUT
			     : extra->in_len > 0 ? CDB_DATA_IN
						 : CDB_NO_DATA;
	if (extra->out_len == 0)
		return 0;
	pending->out = malloc(extra->out_len);
	if (!pending->out)
		return -ENOMEM;
	memcpy(pending->out, extra->out, extra->out_len);
	return 0;
}

static int make_task(struct pending *pending, const struct command_extra *extra)
{
	static const int directions[] = {[CDB_NO_DATA] = SCSI_XFER_NONE,
					 [CDB_DATA_OUT] = SCSI_XFER_WRITE,
					 [CDB_DATA_IN] = SCSI_XFER_READ};
	const struct history_command *c = &pending->command;
	struct cdb cdb = {.len = 0};
	size_t list_len = 0;
	int error = 0;

	if (c->op == HISTORY_CDB)
		error = fill_raw(pending, extra, &cdb);
	else if (history_op_is_pr_out(c->op))
		error = fill_parameter_list(pending, extra, &list_len);
	else if (c->op == HISTORY_WRITE)
		error = fill_write(pending);
	if (error == 0 && c->op != HISTORY_CDB &&
	    !cdb_build(c, pending->initiator->loop->target.block_size, list_len, &cdb))
		error = -EINVAL;
	if (error != 0)
		return error;
	pending->task = scsi_create_task(cdb.len, cdb.bytes, directions[cdb.direction],
					 (int)cdb.transfer_len);
	return pending->task ? 0 : -ENOMEM;
}

static bool hand_over(struct pending *pending)
{
	struct initiator *initiator = pending->initiator;
	const struct history_command *c = &pending->command;
	struct iscsi_data data;

	if (!pending->task)
		return iscsi_task_mgmt_async(initiator->iscsi, c->lun,
					     c->op == HISTORY_LUN_RESET
						     ? ISCSI_TM_LUN_RESET
						     : ISCSI_TM_TARGET_WARM_RESET,
					     0xffffffff, 0, on_management_answer, pending) == 0;
	data.size = pending->out ? (size_t)pending->task->expxferlen : 0;
	data.data = pending->out;
	return iscsi_scsi_command_async(initiator->iscsi, c->lun, pending->task, on_answer,
					pending->out ? &data : NULL, pending) == 0;
}

/* The target may show registrations that ALL_TG_PT made as those of nexuses not met so far. */
static void introduce_all_ports(const struct initiator *initiator)
{
	const struct lab_target *target = &initiator->loop->target;
	struct history_nexus nexus = {.number = 0};

	memcpy(nexus.name, initiator->name, sizeof(nexus.name));
	memcpy(nexus.isid, initiator->isid, sizeof(nexus.isid));
	memcpy(nexus.label, initiator->label, sizeof(nexus.label));
	for (size_t i = 0; i < target->portal_count; i++) {
		nexus.target_port = target->portals[i].target_port;
		memcpy(nexus.portal, target->portals[i].address, sizeof(nexus.portal));
		recorder_nexus(initiator->loop->recorder, &nexus);
	}
}

static void tell_sent(const struct pending *pending)
{
	const struct initiator *initiator = pending->initiator;
	const struct loop *loop = initiator->loop;

	if (loop->sent)
		loop->sent(loop->sent_context,
			   &(struct command_sent){.nexus = initiator->nexus,
						  .session = initiator->sessions,
						  .tag = pending->task ? pending->task->itt
								       : COMMAND_NO_TAG,
						  .number = pending->number,
						  .op = pending->command.op});
}

int initiator_send(struct initiator *initiator, const struct history_command *command,
		   const struct command_extra *extra, command_done *done, void *context)
{
	static const struct command_extra nothing = {.others = NULL};
	struct pending *pending;
	int error = 0;

	if (initiator->state != INITIATOR_UP || initiator->broken)
		return -ENOTCONN;
	if (command->all_tg_pt)
		introduce_all_ports(initiator);
	pending = calloc(1, sizeof(*pending));
	if (!pending)
		return -ENOMEM;
	pending->initiator = initiator;
	pending->command = *command;
	pending->done = done;
	pending->context = context;
	if (!history_op_is_reset(command->op))
		error = make_task(pending, extra ? extra : &nothing);
	if (error != 0) {
		free(pending->out);
		free(pending);
		return error;
	}
	pending->number =
		recorder_invoke(initiator->loop->recorder, initiator->nexus, &pending->command);
	/* The caller's list is sent and recorded, and may go. */
	pending->command.others = NULL;
	pending->command.other_count = 0;
	pending->deadline_ns =
		recorder_now_ns(initiator->loop->recorder) + initiator->loop->timeout_ns;
	DL_APPEND(initiator->pendings, pending);
	initiator->under_way++;
	if (!hand_over(pending)) {
		pending->released = true;
		initiator->broken = true;
	} else {
		tell_sent(pending);
	}
	return 0;
}

void loop_flush(struct loop *loop)
{
	struct initiator *initiator;

	LL_FOREACH(loop->initiators, initiator)
	{
		if (!initiator->iscsi || initiator->broken || iscsi_get_fd(initiator->iscsi) < 0 ||
		    (iscsi_which_events(initiator->iscsi) & POLLOUT) == 0)
			continue;
		if (iscsi_service(initiator->iscsi, POLLOUT) != 0)
			initiator->broken = true;
	}
}
