/*
 * The access rules: which command of whom a reservation lets through (SPC-4 5.13.3, tables 65 to
 * 67).
 */
#ifndef PR_ENGINE_ACCESS_H
#define PR_ENGINE_ACCESS_H

#include "pr_engine/types.h"

/*
 * May a command of class READ, WRITE or ALLOW run? One comparison: `standing` against what `type`
 * asks for `class`. With type PR_TYPE_NONE (no reservation) all three classes are permitted.
 * PR_ACCESS_PR_OUT, PR_ACCESS_RESERVE and anything undefined are refused here: they have their own
 * functions below.
 */
bool pr_access_permits(enum pr_type type, enum pr_standing standing, enum pr_access_class class);

/*
 * May this PERSISTENT RESERVE OUT service action start against a reservation of `type`?
 * (SPC-4 table 67; the sheet's 4.3.) With PR_TYPE_NONE: yes, always; whether the caller must be
 * registered is the plan's question, not the reservation's.
 */
bool pr_access_permits_out(enum pr_type type, enum pr_standing standing, enum pr_out_action action);

/* What becomes of SPC-2 RESERVE/RELEASE(6/10) next to persistent reservations (SPC-4 5.13.4, CRH).
 */
enum pr_spc2_verdict {
	PR_SPC2_CONFLICT = 0,
	PR_SPC2_NO_EFFECT, /* GOOD and nothing happens */
	PR_SPC2_PROCEED,   /* no registrations: the SPC-2 rules alone decide */
};

enum pr_spc2_verdict pr_access_spc2(bool compatible_handling, uint32_t registrations,
				    enum pr_type type, enum pr_standing standing);

/* One sentence for people on why pr_access_permits refuses, e.g. for a trace. Never NULL. */
const char *pr_access_rule(enum pr_type type, enum pr_standing standing,
			   enum pr_access_class class);

#endif
