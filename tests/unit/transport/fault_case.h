/*
 * A wire with fault rules: the house, one logged-in initiator, and rules added as text.
 */
#ifndef TESTS_UNIT_TRANSPORT_FAULT_CASE_H
#define TESTS_UNIT_TRANSPORT_FAULT_CASE_H

#include "config/suggest.h"
#include "tests/support/suite.h"
#include "tests/support/wire.h"
#include "transport/fault.h"

struct fault_case {
	struct wire_house house;
	struct wire wire;
	char id[ISCSI_FAULT_ID_MAX]; /* of the last rule */
};

void fault_case_setup(struct fault_case *c);
void fault_case_teardown(struct fault_case *c);
/* Starts the house; rules can be added then. */
void fault_case_house(struct fault_case *c);
/* Logs in; NULL at the end. */
void fault_case_login(struct fault_case *c);
/* The rule must be a good one. */
void fault_case_rule(struct fault_case *c, const char *rule);
uint64_t fault_case_firings(struct fault_case *c, const char *id);
uint64_t fault_case_held(struct fault_case *c, const char *id);

#endif
