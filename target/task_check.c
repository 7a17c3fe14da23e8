/*
 * May a command run? The one place that holds the order in which it can be refused. The order is
 * that of the sheet's 3.1, which fits SPC-4 5.13.1 and SAM-5 5.8.
 */
#include "pr_engine/access.h"
#include "target/access_state.h"
#include "target/command.h"
#include "target/pr_commit.h"
#include "target/trace_task.h"

/* Bit 2 of the CONTROL byte, the last one of a CDB (SAM-5 5.2): there is no ACA here. */
#define CONTROL_NACA 0x04

/* Each check returns true to go on; false: status and sense are set. */

static bool row_is_in_profile(const struct scsi_command *row, const struct pr_profile *profile)
{
	unsigned actions =
		row->access == PR_ACCESS_PR_OUT ? profile->out_actions : profile->in_actions;

	return (actions >> row->service_action & 1) != 0;
}

static void task_refuse_service_action(struct scsi_task *task)
{
	scsi_task_invalid_cdb_field(task, 1, 4);
}

static bool check_row(struct scsi_task *task)
{
	enum scsi_sense sense = SCSI_SENSE_NONE;
	const struct scsi_command *row =
		scsi_command_find_in(&task->nexus->target->commands, task->cdb, &sense);

	if (!row && sense == SCSI_SENSE_INVALID_FIELD_IN_CDB) {
		task_refuse_service_action(task);
		return false;
	}
	if (!row) {
		scsi_task_check_condition(task, sense);
		return false;
	}
	if (row->flags & SCSI_COMMAND_BY_PROFILE &&
	    !row_is_in_profile(row, task->lun->config.profile)) {
		task_refuse_service_action(task);
		return false;
	}
	task->command = row;
	return true;
}

/* Only rows that run without a LUN get past here without one. */
static bool check_lun_and_row(struct scsi_task *task)
{
	enum scsi_sense sense = SCSI_SENSE_NONE;

	if (task->lun)
		return check_row(task);
	task->command = scsi_command_find_in(&task->nexus->target->commands, task->cdb, &sense);
	if (task->command && task->command->flags & SCSI_COMMAND_WITHOUT_LUN)
		return true;
	scsi_task_check_condition(task, SCSI_SENSE_LOGICAL_UNIT_NOT_SUPPORTED);
	return false;
}

/* SAM-5 8.6.5: without an ACA condition there is no such attribute. */
static bool check_attribute(struct scsi_task *task)
{
	if (task->attribute != SCSI_ATTRIBUTE_ACA)
		return true;
	scsi_task_check_condition(task, SCSI_SENSE_INVALID_MESSAGE);
	return false;
}

static bool check_naca(struct scsi_task *task)
{
	uint16_t control = (uint16_t)(task->command->cdb_len - 1);

	if (!(task->cdb[control] & CONTROL_NACA))
		return true;
	scsi_task_invalid_cdb_field(task, control, 2);
	return false;
}

/* SPC-4 7.5.9: with UA_INTLCK_CTRL 11b the next commands are told that there was such a status. */
void scsi_task_note_status(const struct scsi_task *task)
{
	struct scsi_lun_nexus *lun_nexus = scsi_task_lun_nexus(task);

	if (task->lun->mode.ua_interlock != SCSI_UA_INTERLOCK_STATUS || task->by_copy_manager)
		return;
	if (task->status == SCSI_STATUS_BUSY)
		scsi_lun_nexus_raise(lun_nexus, SCSI_UA_PREVIOUS_BUSY);
	else if (task->status == SCSI_STATUS_TASK_SET_FULL)
		scsi_lun_nexus_raise(lun_nexus, SCSI_UA_PREVIOUS_TASK_SET_FULL);
	else if (task->status == SCSI_STATUS_RESERVATION_CONFLICT)
		scsi_lun_nexus_raise(lun_nexus, SCSI_UA_PREVIOUS_RESERVATION_CONFLICT);
}

static bool check_unit_attention(struct scsi_task *task, struct scsi_lun_nexus *lun_nexus)
{
	enum scsi_unit_attention ua;
	uint8_t asc, ascq;

	if (task->command->flags & SCSI_COMMAND_SKIPS_UNIT_ATTENTION || task->by_copy_manager)
		return true;
	bool pending = task->lun->mode.ua_interlock == SCSI_UA_INTERLOCK_NONE
			       ? scsi_ua_take(&lun_nexus->unit_attentions, &ua)
			       : scsi_ua_first(&lun_nexus->unit_attentions, &ua);
	if (!pending)
		return true;
	scsi_ua_code(ua, &asc, &ascq);
	scsi_trace_reported(task, ua);
	scsi_task_sense(task, SCSI_KEY_UNIT_ATTENTION, asc, ascq);
	return false;
}

/* SPC-4 4.5.5: the command that tells of it is not run. */
static bool check_deferred_error(struct scsi_task *task, struct scsi_lun_nexus *lun_nexus)
{
	if (lun_nexus->deferred_error == SCSI_SENSE_NONE || task->by_copy_manager ||
	    task->command->flags & SCSI_COMMAND_SKIPS_UNIT_ATTENTION)
		return true;
	scsi_task_deferred_error(task, lun_nexus->deferred_error);
	lun_nexus->deferred_error = SCSI_SENSE_NONE;
	return false;
}

static enum pr_access_class task_access_class(const struct scsi_task *task)
{
	const struct scsi_command *row = task->command;

	return row->access_of ? row->access_of(task->cdb) : row->access;
}

/*
 * SPC-2 5.5.1. The reservation shuts out others from all but a few commands, and everybody, its
 * owner too, from the persistent reservation commands.
 */
static bool spc2_permits(const struct scsi_task *task, const struct scsi_lun_nexus *lun_nexus,
			 enum pr_access_class class)
{
	const struct scsi_command *row = task->command;

	if (!lun_nexus->lun->spc2_owner)
		return true;
	if (row->flags & SCSI_COMMAND_BY_PROFILE)
		return false;
	if (lun_nexus->lun->spc2_owner == lun_nexus)
		return true;
	/* PREVENT ALLOW MEDIUM REMOVAL may pass, but only to allow. */
	return row->flags & SCSI_COMMAND_SPC2_ALLOWED &&
	       (!row->access_of || class == PR_ACCESS_ALLOW);
}

/*
 * While PERSISTENT RESERVE OUTs are being committed, what they make of the reservation is not known
 * yet: then the verdict on the next one falls when it is planned (pr_commit.c).
 */
static bool pr_out_permits(const struct scsi_task *task, const struct scsi_lun_nexus *lun_nexus)
{
	const struct scsi_lun *lun = lun_nexus->lun;

	return !pr_commit_is_idle(lun->pr) ||
	       pr_access_permits_out(lun->reservation_type, lun_nexus->standing,
				     (enum pr_out_action)task->command->service_action);
}

static bool persistent_reservation_permits(const struct scsi_task *task,
					   const struct scsi_lun_nexus *lun_nexus,
					   enum pr_access_class class)
{
	switch (class) {
	case PR_ACCESS_ALLOW:
	case PR_ACCESS_READ:
	case PR_ACCESS_WRITE:
		return pr_access_permits(lun_nexus->lun->reservation_type, lun_nexus->standing,
					 class);
	case PR_ACCESS_PR_OUT:
		return pr_out_permits(task, lun_nexus);
	case PR_ACCESS_RESERVE:
		return pr_commit_spc2_verdict(lun_nexus->lun->pr, lun_nexus) != PR_SPC2_CONFLICT;
	case PR_ACCESS_INVALID:
	case PR_ACCESS_CLASS_COUNT:
		break;
	}
	return false;
}

/* What a command of that class has met, once it is refused. */
static enum pr_conflict conflict_of(enum pr_access_class class)
{
	if (class == PR_ACCESS_PR_OUT)
		return PR_CONFLICT_ACTION;
	return class == PR_ACCESS_RESERVE ? PR_CONFLICT_SPC2_REFUSED : PR_CONFLICT_ACCESS;
}

static enum pr_conflict spc2_conflict_of(const struct scsi_task *task)
{
	return task->command->flags & SCSI_COMMAND_BY_PROFILE ? PR_CONFLICT_SPC2_BESIDE
							      : PR_CONFLICT_SPC2_OWNER;
}

static bool check_reservations(struct scsi_task *task, const struct scsi_lun_nexus *lun_nexus)
{
	enum pr_access_class class = task_access_class(task);

	bool spc2 = spc2_permits(task, lun_nexus, class);

	if (spc2 && persistent_reservation_permits(task, lun_nexus, class))
		return true;
	task->status = SCSI_STATUS_RESERVATION_CONFLICT;
	scsi_trace_conflict(task, spc2 ? conflict_of(class) : spc2_conflict_of(task));
	return false;
}

static int highest_bit(unsigned byte)
{
	int bit = 0;

	while (byte >>= 1)
		bit++;
	return bit;
}

/* Whether any bit is set that may not be, behind the end of the CDB as well; eight bytes a look. */
static bool cdb_has_stray_bits(const uint8_t *cdb, const struct scsi_command *row)
{
	uint64_t bits, usage, stray = 0;

	for (size_t at = 0; at < SCSI_CDB_MAX; at += sizeof(bits)) {
		memcpy(&bits, cdb + at, sizeof(bits));
		memcpy(&usage, row->usage + at, sizeof(usage));
		stray |= bits & ~usage;
	}
	return stray != 0;
}

static bool check_cdb(struct scsi_task *task)
{
	const struct scsi_command *row = task->command;

	if (!cdb_has_stray_bits(task->cdb, row) || row->flags & SCSI_COMMAND_LAX_CDB)
		return true;
	for (uint16_t i = 1; i < row->cdb_len; i++) {
		unsigned wrong = task->cdb[i] & ~(unsigned)row->usage[i] & 0xff;

		if (wrong) {
			scsi_task_invalid_cdb_field(task, i, highest_bit(wrong));
			return false;
		}
	}
	return true;
}

static bool check_medium(struct scsi_task *task)
{
	const struct scsi_lun *lun = task->lun;
	unsigned flags = task->command->flags;

	if (lun->erase && !(flags & SCSI_COMMAND_WHILE_ERASING) && scsi_task_medium_is_erased(task))
		return false;
	if (flags & SCSI_COMMAND_WRITES_MEDIUM &&
	    (lun->config.read_only || lun->mode.software_write_protect)) {
		scsi_task_check_condition(task, SCSI_SENSE_WRITE_PROTECTED);
		return false;
	}
	if (lun->intents.broken && scsi_task_medium_is_broken(task))
		return false;
	if (flags & SCSI_COMMAND_NEEDS_MEDIUM && lun->stopped) {
		scsi_task_check_condition(task, lun->ejected
							? SCSI_SENSE_NOT_READY_MEDIUM_NOT_PRESENT
							: SCSI_SENSE_NOT_READY_STOPPED);
		return false;
	}
	return true;
}

static bool check_access_state(struct scsi_task *task)
{
	enum scsi_sense refusal = scsi_access_state_check(task->lun, task->nexus, task->command);

	if (refusal == SCSI_SENSE_NONE)
		return true;
	scsi_task_check_condition(task, refusal);
	return false;
}

bool scsi_task_may_run(struct scsi_task *task)
{
	if (!check_lun_and_row(task) || !check_attribute(task) || !check_naca(task))
		return false;
	if (!task->lun)
		return check_cdb(task);
	struct scsi_lun_nexus *lun_nexus = scsi_task_lun_nexus(task);
	return check_unit_attention(task, lun_nexus) && check_deferred_error(task, lun_nexus) &&
	       check_access_state(task) && check_reservations(task, lun_nexus) && check_cdb(task) &&
	       check_medium(task);
}
