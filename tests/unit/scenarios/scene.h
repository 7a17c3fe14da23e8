/*
 * The set-up that the numbered scenarios share: one LU, nexuses A, B and C logged in and quiet,
 * keys KA, KB, KC, nothing registered. A thin layer over tests/support/target_fixture.h.
 *
 * Every scenario carries the number that the facts sheet gives it; tests/scenarios-listed.sh checks
 * that none is missing. What a scenario needs beyond a target in this process (a wire, a kernel)
 * is said in its comment.
 */
#ifndef TESTS_UNIT_SCENARIOS_SCENE_H
#define TESTS_UNIT_SCENARIOS_SCENE_H

#include "pr_engine/bytes.h"
#include "tests/support/suite.h"
#include "tests/support/target_fixture.h"

#define KA UINT64_C(0xaaaa000000000001)
#define KB UINT64_C(0xbbbb000000000002)
#define KC UINT64_C(0xcccc000000000003)
#define KX UINT64_C(0x1234567890abcdef)

#define APTPL	  0x01 /* byte 20 of the parameter list */
#define ALL_TG_PT 0x04
#define SPEC_I_PT 0x08

struct scene {
	struct fixture *f;
	struct scsi_nexus *a, *b, *c;
};

struct scene scene_open(void); /* dlt-s4 */
struct scene scene_open_spc4(void);
struct scene scene_open_with(const struct fixture_config *config);
void scene_close(struct scene *scene);

/* Logs A, B and C in (again) and drains their unit attentions. */
void scene_login_all(struct scene *scene);
struct scsi_nexus *scene_login(struct scene *scene, char who);

struct pr_nexus_id scene_id(char who);

/* PERSISTENT RESERVE OUT with the basic parameter list and scope 0. */
const struct fixture_result *scene_out(struct scene *scene, struct scsi_nexus *nexus,
				       enum pr_out_action action, unsigned type, uint64_t key,
				       uint64_t new_key);
/* "reg A": REGISTER RK 0; must be GOOD. */
void scene_register(struct scene *scene, struct scsi_nexus *nexus, uint64_t key);
void scene_register_aptpl(struct scene *scene, struct scsi_nexus *nexus, uint64_t key);
/* "A holds t". */
void scene_hold(struct scene *scene, struct scsi_nexus *nexus, uint64_t key, unsigned type);

/* REGISTER AND MOVE by `nexus` to `to`; flags: byte 17. */
const struct fixture_result *scene_move(struct scene *scene, struct scsi_nexus *nexus, uint64_t key,
					uint64_t new_key, uint8_t flags,
					const struct pr_nexus_id *to);

/* Any CDB of 16 bytes; Data-Out are zeros. */
const struct fixture_result *scene_do(struct scene *scene, struct scsi_nexus *nexus,
				      const uint8_t cdb[16], uint32_t out_len, uint32_t in_len);

/* A command in a table. */
struct scene_command {
	const char *name;
	uint8_t cdb[16];
	uint32_t out_len, in_len;
};
const struct fixture_result *scene_run(struct scene *scene, struct scsi_nexus *nexus,
				       const struct scene_command *command);
/* Does the target know it? Asked where nothing is reserved. */
bool scene_supports(const struct scene_command *command);
extern const struct scene_command scene_reads[], scene_writes[], scene_allowed[];
extern const unsigned scene_read_count, scene_write_count, scene_allowed_count;

/* What READ KEYS, READ RESERVATION and REPORT CAPABILITIES would tell, for comparing. */
struct scene_state {
	uint8_t bytes[1024];
	size_t len;
};
struct scene_state scene_state(struct scene *scene);

/* The state, told by the commands that tell it. */
unsigned scene_key_count(struct scene *scene, uint64_t key); /* in READ KEYS */
unsigned scene_key_total(struct scene *scene);
uint32_t scene_generation(struct scene *scene);
unsigned scene_type(struct scene *scene); /* 0: no reservation */
uint64_t scene_holder_key(struct scene *scene);
bool scene_ptpl_active(struct scene *scene);

/* TEST UNIT READY: reports this unit attention; is GOOD. */
void scene_unit_attention(struct scene *scene, struct scsi_nexus *nexus, uint8_t asc, uint8_t ascq);
void scene_quiet(struct scene *scene, struct scsi_nexus *nexus);
/* Two unit attentions, in either order. */
void scene_two_unit_attentions(struct scene *scene, struct scsi_nexus *nexus, const uint8_t a[2],
			       const uint8_t b[2]);
/* Drains; how many were 29/xx. */
unsigned scene_resets(struct scene *scene, struct scsi_nexus *nexus);

/* Must complete. */
void scene_manage(struct scene *scene, struct scsi_nexus *nexus, enum scsi_tmf_function function);
/* The session ends. */
void scene_end(struct scene *scene, struct scsi_nexus *nexus, enum scsi_nexus_end why);

/* The command is answered so, and nothing has changed. */
#define scene_unchanged(scene_, check_)                                    \
	do {                                                               \
		struct scene_state before_ = scene_state(scene_);          \
		check_;                                                    \
		struct scene_state after_ = scene_state(scene_);           \
		ck_assert_uint_eq(before_.len, after_.len);                \
		ck_assert_mem_eq(before_.bytes, after_.bytes, after_.len); \
	} while (0)
#define scene_conflict(scene_, result_) scene_unchanged(scene_, fixture_conflict(result_))
#define scene_refused(scene_, result_, k, a, q) \
	scene_unchanged(scene_, fixture_sense(result_, k, a, q))

#endif
