#include "pr_engine/access.h"

#include <assert.h>

/*
 * What a reservation asks of a nexus, turned around so that zero is the strictest: how much of the
 * standing is let off. A command may run when standing + leave reaches LEAVE_ENOUGH.
 */
enum leave {
	LEAVE_REFUSED = 0, /* nobody, not even the holder: what is not in a table */
	LEAVE_FOR_HOLDER,
	LEAVE_FOR_REGISTRANT,
	LEAVE_FOR_ANYONE,
};

#define LEAVE_ENOUGH 3

static_assert(PR_STANDING_HOLDER + LEAVE_FOR_HOLDER == LEAVE_ENOUGH, "only a holder");
static_assert(PR_STANDING_REGISTRANT + LEAVE_FOR_REGISTRANT == LEAVE_ENOUGH, "any registrant");
static_assert(PR_STANDING_STRANGER + LEAVE_FOR_ANYONE == LEAVE_ENOUGH, "anyone");
static_assert(PR_STANDING_HOLDER + LEAVE_REFUSED < LEAVE_ENOUGH, "refused is for nobody");

static bool leave_suffices(enum leave leave, enum pr_standing standing)
{
	return (unsigned)standing + (unsigned)leave >= LEAVE_ENOUGH;
}

/* SPC-4 tables 65 and 66, whose five columns come down to this (the sheet's 4.1). */
static const struct {
	enum leave read;
	enum leave write;
} rules[] = {
	[PR_TYPE_NONE] = {LEAVE_FOR_ANYONE, LEAVE_FOR_ANYONE},
	[PR_TYPE_WRITE_EXCLUSIVE] = {LEAVE_FOR_ANYONE, LEAVE_FOR_HOLDER},
	[PR_TYPE_EXCLUSIVE_ACCESS] = {LEAVE_FOR_HOLDER, LEAVE_FOR_HOLDER},
	[PR_TYPE_WRITE_EXCLUSIVE_REGISTRANTS_ONLY] = {LEAVE_FOR_ANYONE, LEAVE_FOR_REGISTRANT},
	[PR_TYPE_EXCLUSIVE_ACCESS_REGISTRANTS_ONLY] = {LEAVE_FOR_REGISTRANT, LEAVE_FOR_REGISTRANT},
	[PR_TYPE_WRITE_EXCLUSIVE_ALL_REGISTRANTS] = {LEAVE_FOR_ANYONE, LEAVE_FOR_REGISTRANT},
	[PR_TYPE_EXCLUSIVE_ACCESS_ALL_REGISTRANTS] = {LEAVE_FOR_REGISTRANT, LEAVE_FOR_REGISTRANT},
};

static enum leave leave_for(enum pr_type type, enum pr_access_class class)
{
	if (type != PR_TYPE_NONE && !pr_type_is_defined(type))
		return LEAVE_REFUSED;
	switch (class) {
	case PR_ACCESS_ALLOW:
		return LEAVE_FOR_ANYONE;
	case PR_ACCESS_READ:
		return rules[type].read;
	case PR_ACCESS_WRITE:
		return rules[type].write;
	case PR_ACCESS_INVALID:
	case PR_ACCESS_PR_OUT:
	case PR_ACCESS_RESERVE:
	case PR_ACCESS_CLASS_COUNT:
		break;
	}
	return LEAVE_REFUSED;
}

bool pr_access_permits(enum pr_type type, enum pr_standing standing, enum pr_access_class class)
{
	return leave_suffices(leave_for(type, class), standing);
}

/* SPC-4 table 67. RESERVE by a holder, and REGISTER AND MOVE, are then the plan's to judge. */
bool pr_access_permits_out(enum pr_type type, enum pr_standing standing, enum pr_out_action action)
{
	static const enum leave leaves[PR_OUT_ACTION_COUNT] = {
		[PR_OUT_REGISTER] = LEAVE_FOR_ANYONE,
		[PR_OUT_RESERVE] = LEAVE_FOR_HOLDER,
		[PR_OUT_RELEASE] = LEAVE_FOR_REGISTRANT,
		[PR_OUT_CLEAR] = LEAVE_FOR_REGISTRANT,
		[PR_OUT_PREEMPT] = LEAVE_FOR_REGISTRANT,
		[PR_OUT_PREEMPT_AND_ABORT] = LEAVE_FOR_REGISTRANT,
		[PR_OUT_REGISTER_AND_IGNORE_EXISTING_KEY] = LEAVE_FOR_ANYONE,
		[PR_OUT_REGISTER_AND_MOVE] = LEAVE_FOR_HOLDER,
	};

	if ((unsigned)action >= PR_OUT_ACTION_COUNT)
		return false;
	return type == PR_TYPE_NONE || leave_suffices(leaves[action], standing);
}

enum pr_spc2_verdict pr_access_spc2(bool compatible_handling, uint32_t registrations,
				    enum pr_type type, enum pr_standing standing)
{
	if (registrations == 0)
		return PR_SPC2_PROCEED;
	/* SPC-4 5.13.4: the exceptions exist only under CRH, and only next to a reservation. */
	if (!compatible_handling || type == PR_TYPE_NONE)
		return PR_SPC2_CONFLICT;
	if (standing == PR_STANDING_HOLDER)
		return PR_SPC2_NO_EFFECT;
	if (standing == PR_STANDING_REGISTRANT && pr_type_is_registrants_only(type))
		return PR_SPC2_NO_EFFECT;
	return PR_SPC2_CONFLICT;
}

const char *pr_access_rule(enum pr_type type, enum pr_standing standing, enum pr_access_class class)
{
	enum leave leave = leave_for(type, class);

	if (leave_suffices(leave, standing))
		return "the reservation lets this command through";
	switch (leave) {
	case LEAVE_FOR_HOLDER:
		return pr_type_is_write_exclusive(type)
			       ? "Write Exclusive: only the holder writes"
			       : "Exclusive Access: only the holder reads or writes";
	case LEAVE_FOR_REGISTRANT:
		return pr_type_is_write_exclusive(type)
			       ? "Write Exclusive for registrants: only registered nexuses write"
			       : "Exclusive Access for registrants: only registered nexuses read "
				 "or write";
	case LEAVE_REFUSED:
	case LEAVE_FOR_ANYONE:
		break;
	}
	return "the command has no class that a reservation could let through";
}
