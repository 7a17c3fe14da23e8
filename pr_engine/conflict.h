/*
 * Why a command met a RESERVATION CONFLICT, in words and with the clause. The reason is set where
 * the conflict is decided, so that the explanation cannot differ from the decision.
 */
#ifndef PR_ENGINE_CONFLICT_H
#define PR_ENGINE_CONFLICT_H

#include "pr_engine/types.h"

enum pr_conflict {
	PR_CONFLICT_NONE = 0,
	PR_CONFLICT_ACCESS, /* what the reservation's type asks for, the nexus is not */
	PR_CONFLICT_ACTION, /* the same, for a PERSISTENT RESERVE OUT service action */
	PR_CONFLICT_NOT_REGISTERED,
	PR_CONFLICT_KEY,	   /* RESERVATION KEY is not the one it is registered with */
	PR_CONFLICT_KEY_ELSEWHERE, /* ... on another target port, with ALL_TG_PT */
	PR_CONFLICT_RESERVED,	   /* RESERVE: it is reserved, and otherwise than asked for */
	PR_CONFLICT_NO_SUCH_KEY,   /* PREEMPT: nobody is registered with SERVICE ACTION KEY */
	PR_CONFLICT_NOT_HOLDER,	   /* REGISTER AND MOVE */
	PR_CONFLICT_SPC2_OWNER,	   /* somebody holds RESERVE(6) or RESERVE(10) */
	PR_CONFLICT_SPC2_BESIDE,   /* persistent reservation commands while there is such a one */
	PR_CONFLICT_SPC2_REFUSED,  /* RESERVE(6)/(10), RELEASE(6)/(10) beside registrations */
	PR_CONFLICT_COUNT,
};

/*
 * One sentence for people, and where the standard says so. With ACCESS the sentence is that of
 * pr_access_rule for these. Never NULL.
 */
const char *pr_conflict_rule(enum pr_conflict conflict, enum pr_type type,
			     enum pr_standing standing, enum pr_access_class class);
const char *pr_conflict_clause(enum pr_conflict conflict);

#endif
