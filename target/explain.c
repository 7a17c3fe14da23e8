#include "target/explain.h"

#include <utlist.h>

#include "pr_engine/access.h"
#include "target/access_state.h"
#include "target/command.h"
#include "target/pr_commit.h"

/* The commands that stand for all that read, and all that write. */
static const uint8_t read_cdb[SCSI_CDB_MAX] = {0x28}, write_cdb[SCSI_CDB_MAX] = {0x2a};

static struct scsi_verdict verdict_of_reservation(const struct scsi_lun *lun,
						  const struct scsi_explanation *explanation,
						  const struct scsi_lun_nexus *lun_nexus,
						  enum pr_access_class class)
{
	enum pr_type type = explanation->reservation.type;
	enum pr_conflict conflict = PR_CONFLICT_NONE;

	if (lun->spc2_owner && lun->spc2_owner != lun_nexus)
		conflict = PR_CONFLICT_SPC2_OWNER;
	else if (!pr_access_permits(type, explanation->standing, class))
		conflict = PR_CONFLICT_ACCESS;
	if (conflict == PR_CONFLICT_NONE)
		return (struct scsi_verdict){
			.rule = type == PR_TYPE_NONE && !lun->spc2_owner
					? "nothing is reserved"
					: "the reservation lets this command through",
			.clause =
				type == PR_TYPE_NONE ? "" : pr_conflict_clause(PR_CONFLICT_ACCESS),
		};
	return (struct scsi_verdict){
		.obstacle = SCSI_OBSTACLE_RESERVATION,
		.conflict = conflict,
		.rule = pr_conflict_rule(conflict, type, explanation->standing, class),
		.clause = pr_conflict_clause(conflict),
	};
}

static bool access_state_refuses(const struct scsi_lun *lun, const struct scsi_lun_nexus *lun_nexus,
				 const uint8_t *cdb)
{
	enum scsi_sense unknown;

	return lun_nexus &&
	       scsi_access_state_check(lun, lun_nexus->nexus, scsi_command_find(cdb, &unknown)) !=
		       SCSI_SENSE_NONE;
}

/* In the order of execute.c. */
static struct scsi_verdict judge(const struct scsi_lun *lun,
				 const struct scsi_explanation *explanation,
				 const struct scsi_lun_nexus *lun_nexus, bool writes)
{
	struct scsi_verdict verdict;

	if (explanation->logged_in && !lun_nexus)
		return (struct scsi_verdict){SCSI_OBSTACLE_MASKED, PR_CONFLICT_NONE,
					     "the configuration does not show it this LUN", ""};
	if (access_state_refuses(lun, lun_nexus, writes ? write_cdb : read_cdb))
		return (struct scsi_verdict){SCSI_OBSTACLE_ACCESS_STATE, PR_CONFLICT_NONE,
					     "its target port is not active (ALUA)",
					     "SPC-4 5.15.2.4"};
	verdict = verdict_of_reservation(lun, explanation, lun_nexus,
					 writes ? PR_ACCESS_WRITE : PR_ACCESS_READ);
	if (verdict.obstacle != SCSI_OBSTACLE_NONE)
		return verdict;
	if (writes && (lun->config.read_only || lun->mode.software_write_protect))
		return (struct scsi_verdict){SCSI_OBSTACLE_WRITE_PROTECTED, PR_CONFLICT_NONE,
					     "the LUN is write-protected", ""};
	if (lun->stopped)
		return (struct scsi_verdict){SCSI_OBSTACLE_NOT_READY, PR_CONFLICT_NONE,
					     "the LUN was stopped, or its medium ejected", ""};
	return verdict;
}

static void set_reservation(struct scsi_explanation *explanation, const struct pr_state *state,
			    const struct pr_nexus_id *id)
{
	const struct pr_registration *own = pr_state_find(state, id), *holder = NULL;

	explanation->standing = pr_state_standing(state, id);
	explanation->reservation = pr_state_reservation(state);
	if (own) {
		explanation->registered = true;
		explanation->key = own->key;
		explanation->registered_since = own->since;
	}
	if (explanation->reservation.holder_id != 0)
		holder = pr_state_by_id(state, explanation->reservation.holder_id);
	if (holder) {
		explanation->has_holder = true;
		explanation->holder = holder->nexus;
		explanation->holder_key = holder->key;
	}
}

void scsi_lun_explain(const struct scsi_lun *lun, const struct pr_nexus_id *id,
		      struct scsi_explanation *ret_explanation)
{
	const struct scsi_nexus *nexus = scsi_target_find_nexus(lun->target, id);
	const struct scsi_lun_nexus *lun_nexus = nexus ? nexus->luns[lun->number] : NULL;
	struct scsi_explanation explanation = {.logged_in = nexus && !nexus->closed};
	enum scsi_unit_attention attention;

	set_reservation(&explanation, pr_commit_state(lun->pr), id);
	explanation.has_spc2_owner = scsi_lun_spc2_owner(lun, &explanation.spc2_owner);
	if (lun_nexus && scsi_ua_first(&lun_nexus->unit_attentions, &attention)) {
		explanation.attentions = lun_nexus->unit_attentions.count;
		scsi_ua_code(attention, &explanation.attention[0], &explanation.attention[1]);
	}
	explanation.read = judge(lun, &explanation, lun_nexus, false);
	explanation.write = judge(lun, &explanation, lun_nexus, true);
	*ret_explanation = explanation;
}

void scsi_lun_each_nexus(const struct scsi_lun *lun,
			 void (*each)(void *context, const struct pr_nexus_id *id), void *context)
{
	const struct pr_state *state = pr_commit_state(lun->pr);
	const struct pr_registration *registration = pr_state_first(state);
	const struct scsi_lun_nexus *lun_nexus;

	DL_FOREACH(lun->nexuses, lun_nexus)
	if (!lun_nexus->nexus->closed)
		each(context, &lun_nexus->nexus->id);
	for (; registration; registration = pr_state_next(state, registration)) {
		const struct scsi_nexus *nexus =
			scsi_target_find_nexus(lun->target, &registration->nexus);
		if (!nexus || nexus->closed || !nexus->luns[lun->number])
			each(context, &registration->nexus);
	}
}
