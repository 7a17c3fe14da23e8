/*
 * A target and three initiators on it, a, b and c, for tests of what goes on between them.
 */
#ifndef TESTS_UNIT_TARGET_TRIO_H
#define TESTS_UNIT_TARGET_TRIO_H

#include "tests/support/target_fixture.h"

#define TRIO_APTPL 0x01 /* byte 20 */

extern struct fixture *f;
extern struct scsi_nexus *a, *b, *c;
extern struct pr_nexus_id id_a, id_b, id_c;

/* A checked fixture. */
void trio_setup(void);
void trio_teardown(void);

/* Another target instead, with all three logged in. */
void trio_start(const struct fixture_config *config);
void trio_login(void);

/* REGISTER from RK 0, with APTPL, started but not settled. */
struct fixture_task *start_register(struct scsi_nexus *nexus, uint64_t key);
/* Any service action, with the APTPL bit set. */
struct fixture_task *start_out(struct scsi_nexus *nexus, unsigned action, uint8_t type,
			       uint64_t reservation_key, uint64_t service_action_key);
/* a, b and c registered durably with 0xa, 0xb, 0xc; the type (if any) held by a. */
void register_all(uint8_t type);

#endif
