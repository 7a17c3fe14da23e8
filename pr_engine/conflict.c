#include "pr_engine/conflict.h"

#include <stddef.h>

#include "pr_engine/access.h"

static const struct {
	const char *rule, *clause;
} rows[PR_CONFLICT_COUNT] = {
	[PR_CONFLICT_NONE] = {"there is no conflict", ""},
	[PR_CONFLICT_ACCESS] = {NULL, "SPC-4 5.13.3, tables 65 and 66"},
	[PR_CONFLICT_ACTION] = {"while it is reserved, this service action is for registered "
				"nexuses, or for the holder alone",
				"SPC-4 5.13.3, table 67"},
	[PR_CONFLICT_NOT_REGISTERED] = {"the nexus is not registered", "SPC-4 6.16"},
	[PR_CONFLICT_KEY] = {"RESERVATION KEY is not the key that the nexus is registered with",
			     "SPC-4 6.16"},
	[PR_CONFLICT_KEY_ELSEWHERE] = {"with ALL_TG_PT, RESERVATION KEY has to be right on every "
				       "target port where the initiator port is registered",
				       "SPC-4 5.13.7"},
	[PR_CONFLICT_RESERVED] = {"it is reserved already, by somebody else or with another type",
				  "SPC-4 5.13.9"},
	[PR_CONFLICT_NO_SUCH_KEY] = {"nobody is registered with SERVICE ACTION RESERVATION KEY",
				     "SPC-4 5.13.11.2.4"},
	[PR_CONFLICT_NOT_HOLDER] = {"only who holds the reservation alone can move it",
				    "SPC-4 5.13.8"},
	[PR_CONFLICT_SPC2_OWNER] = {"RESERVE(6) or RESERVE(10) of another nexus is in force",
				    "SPC-2 5.5.1"},
	[PR_CONFLICT_SPC2_BESIDE] = {"while RESERVE(6) or RESERVE(10) is in force there are no "
				     "persistent reservations",
				     "SPC-2 5.5.1"},
	[PR_CONFLICT_SPC2_REFUSED] = {"RESERVE and RELEASE of SPC-2 do not mix with registrations",
				      "SPC-4 5.13.4"},
};

const char *pr_conflict_rule(enum pr_conflict conflict, enum pr_type type,
			     enum pr_standing standing, enum pr_access_class class)
{
	if (conflict == PR_CONFLICT_ACCESS)
		return pr_access_rule(type, standing, class);
	return (unsigned)conflict < PR_CONFLICT_COUNT ? rows[conflict].rule : "unknown conflict";
}

const char *pr_conflict_clause(enum pr_conflict conflict)
{
	return (unsigned)conflict < PR_CONFLICT_COUNT ? rows[conflict].clause : "";
}
