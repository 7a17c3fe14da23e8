/*
 * May a nexus read and write a LUN, and why? Asked of the very rules that decide
 * (pr_engine/access.h), for nexuses that are logged in, only registered, or neither.
 */
#ifndef TARGET_EXPLAIN_H
#define TARGET_EXPLAIN_H

#include "pr_engine/conflict.h"
#include "pr_engine/state.h"
#include "target/target.h"

/* What speaks against it; the first that would be met. */
enum scsi_obstacle {
	SCSI_OBSTACLE_NONE = 0,
	SCSI_OBSTACLE_MASKED,	       /* the nexus does not see this LUN */
	SCSI_OBSTACLE_ACCESS_STATE,    /* its target port is in standby, unavailable ... (ALUA) */
	SCSI_OBSTACLE_RESERVATION,     /* `conflict` tells why */
	SCSI_OBSTACLE_WRITE_PROTECTED, /* read_only, or SWP */
	SCSI_OBSTACLE_NOT_READY,       /* stopped, or ejected */
};

struct scsi_verdict {
	enum scsi_obstacle obstacle;
	enum pr_conflict conflict; /* RESERVATION */
	const char *rule;	   /* one sentence, also when nothing speaks against it */
	const char *clause;	   /* "" where none */
};

struct scsi_explanation {
	struct scsi_verdict read, write;
	bool logged_in;
	bool registered;
	uint64_t key; /* below: when registered */
	struct pr_stamp registered_since;
	enum pr_standing standing;
	struct pr_reservation reservation; /* type PR_TYPE_NONE: none */
	bool has_holder;		   /* one alone; below */
	struct pr_nexus_id holder;
	uint64_t holder_key;
	bool has_spc2_owner;
	struct pr_nexus_id spc2_owner;
	uint8_t attentions;   /* unit attentions that it will be told of first */
	uint8_t attention[2]; /* ASC and ASCQ of the next one */
};

/* READ and WRITE commands of this nexus, if they came now. */
void scsi_lun_explain(const struct scsi_lun *lun, const struct pr_nexus_id *id,
		      struct scsi_explanation *ret_explanation);

/* Calls `each` for every nexus that is logged in and sees the LUN, then for those that are
 * registered and are not logged in. */
void scsi_lun_each_nexus(const struct scsi_lun *lun,
			 void (*each)(void *context, const struct pr_nexus_id *id), void *context);

#endif
