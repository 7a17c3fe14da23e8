/* PERSISTENT RESERVE OUT in the model: what its files share. */
#ifndef TESTS_PROPERTY_MODEL_REQUEST_H
#define TESTS_PROPERTY_MODEL_REQUEST_H

#include "tests/property/model.h"

enum {
	REGISTER,
	RESERVE,
	RELEASE,
	CLEAR,
	PREEMPT,
	PREEMPT_AND_ABORT,
	REGISTER_AND_IGNORE,
	REGISTER_AND_MOVE,
	LAST_ACTION = REGISTER_AND_MOVE
};

#define UNTOLD		       -1
#define POINTER_SERVICE_ACTION 0xcc0001 /* error in CDB, bit 4 of byte 1 */
#define POINTER_NACA	       0xca0009 /* error in CDB, bit 2 of byte 9 */
#define POINTER_TYPE	       0xcb0002 /* error in CDB, bit 3 of byte 2 */
#define POINTER_SARK	       0x800008 /* error in data, byte 8 */
#define POINTER_APTPL	       0x880014 /* error in data, bit 0 of byte 20 */
#define POINTER_MOVE_APTPL     0x880011 /* error in data, bit 0 of byte 17 */
#define POINTER_SPEC_I_PT      0x8b0014 /* error in data, bit 3 of byte 20 */
#define POINTER_ALL_TG_PT      0x8a0014 /* error in data, bit 2 of byte 20 */
#define MOVE_LIST_LEN_MIN      48
#define SPEC_I_PT_LIST_LEN_MIN 28
#define NAMED_MAX	       MODEL_REGISTRATIONS_MAX

struct model_request {
	unsigned action;
	uint8_t scope, type;
	uint64_t key, new_key;
	bool aptpl, spec_i_pt, all_ports, unreg;
	const uint8_t *list;
	size_t len;
	const struct model_identity *caller;
	unsigned nexus;
};

/* Changing the state. */

/* True when a reservation went with the registration (3.10, 3.13). */
bool model_remove(struct model *m, int index);
void model_add(struct model *m, const struct model_identity *who, uint64_t key);
void model_raise_for_registered(struct model *m, const struct model_identity *except, uint8_t asc,
				uint8_t ascq);
void model_reserve(struct model *m, const struct model_identity *who, uint8_t type);

/*
 * Format 00b names a device, not a port: it will do where exactly one ISID of that name is
 * registered or logged in on the target port (1.5, a decision about REGISTER AND MOVE).
 */
bool model_resolve(const struct model *m, const struct model_transport_id *id, uint16_t port,
		   struct model_identity *ret_who);

/* Step 8, for every service action with the basic parameter list. */
bool model_port_bits_refused(const struct model *m, const struct model_request *r, bool registered,
			     struct model_answer *a);

void model_register(struct model *m, const struct model_request *r, struct model_script *script,
		    struct model_answer *a);
void model_preempt(struct model *m, const struct model_request *r, struct model_answer *a);

#endif
