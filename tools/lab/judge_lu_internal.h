/*
 * What the files of the judge's model share.
 */
#ifndef LAB_JUDGE_LU_INTERNAL_H
#define LAB_JUDGE_LU_INTERNAL_H

#include "tools/lab/judge_lu.h"

/* Changes with their way back. `field` is one of the model's 32-bit members or of its arrays. */
void lu_set(struct lu *lu, uint32_t *field, uint32_t value);
/* Registers (key != 0), changes the key, or unregisters; says nothing of the reservation. */
void lu_set_key(struct lu *lu, uint32_t nexus, uint64_t key);
/* A unit attention that is due (while the nexus has a session), and one that may come. */
void lu_establish(struct lu *lu, uint32_t nexus, uint32_t ua);
void lu_establish_maybe(struct lu *lu, uint32_t nexus, uint32_t ua);

/* Does this nexus hold the reservation? */
bool lu_is_holder(const struct lu *lu, uint32_t nexus);
void lu_end_reservation(struct lu *lu);
/* Establishes it for all that are registered but one. */
void lu_tell_registered(struct lu *lu, uint32_t but, uint32_t ua);
/* PRGENERATION counts. */
void lu_bump(struct lu *lu);

struct lu_answer lu_do_register(struct lu *lu, uint32_t nexus, const struct history_command *c,
				unsigned variant, unsigned *ret_variants);

static const struct lu_answer lu_good = {.outcome = HISTORY_GOOD};
static const struct lu_answer lu_conflict = {.outcome = HISTORY_CONFLICT};

static inline struct lu_answer lu_check(uint8_t asc, uint8_t ascq)
{
	return (struct lu_answer){
		.outcome = HISTORY_CHECK, .sense_key = 5, .asc = asc, .ascq = ascq};
}

/* The same initiator name and ISID, through whatever target port. */
bool lu_same_initiator_port(const struct history_nexus *a, const struct history_nexus *b);

static inline bool lu_all_registrants(uint32_t type)
{
	return type == 7 || type == 8;
}

static inline bool lu_registrants_only(uint32_t type)
{
	return type >= 5 && type <= 8;
}

#endif
