/*
 * Each passive check proven: one script that behaves, and the same one with exactly that violation.
 */
#ifndef TESTS_UNIT_TRANSPORT_OBSERVER_CASES_H
#define TESTS_UNIT_TRANSPORT_OBSERVER_CASES_H

#include "observer_script.h"

#define CASE_ALSO_MAX 2

struct observer_case {
	enum iscsi_passive_check check;
	void (*run)(struct script *script, bool wrong);
	/* What else the violation cannot help breaking. */
	enum iscsi_passive_check also[CASE_ALSO_MAX];
	enum iscsi_verdict verdict; /* NOT_SEEN: as the severity says */
};

struct observer_case_group {
	const struct observer_case *cases;
	size_t count;
};

extern const struct observer_case_group observer_cases_frame, observer_cases_login,
	observer_cases_text, observer_cases_numbers, observer_cases_command, observer_cases_data,
	observer_cases_request, observer_cases_end;

#define CASE_GROUP(array)                                   \
	{                                                   \
		(array), sizeof(array) / sizeof((array)[0]) \
	}

#endif
