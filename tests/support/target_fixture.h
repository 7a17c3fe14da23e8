/*
 * A whole target in the test's own process: LUNs on disks in memory, nexuses, commands. Nothing
 * happens behind the test's back: jobs run only in fixture_settle, disk requests can be held, and
 * Data-Out can be left undelivered.
 *
 *	struct fixture *f = fixture_create(NULL);
 *	struct scsi_nexus *a = fixture_login(f, 'a');
 *	fixture_good(fixture_register(f, a, 0, 0xa));
 *	fixture_good(fixture_pr_out(f, a, PR_OUT_RESERVE, 3, 0xa, 0, 0));
 *	fixture_conflict(fixture_write(f, b, 0, 1, 0x55));
 *	fixture_free(&f);
 *
 * What goes wrong in the fixture itself aborts the test.
 *
 * With HOLDFAST_REMOTE in the environment every nexus logs in through a remote target (remote.h),
 * the one or the other of two, and letters are delivered as they are posted: the same tests then
 * say that nobody sees on which loop a session lives.
 */
#ifndef TESTS_SUPPORT_TARGET_FIXTURE_H
#define TESTS_SUPPORT_TARGET_FIXTURE_H

#include <check.h>

#include "target/lun.h"
#include "target/remote.h"
#include "target/sense.h"
#include "tests/support/target_parts.h"

#define FIXTURE_LUNS_MAX 4
#define FIXTURE_LOOPS	 2 /* with HOLDFAST_REMOTE: beside the home */
#define FIXTURE_TARGET	 "iqn.2026-01.test.holdfast:target"
#define FIXTURE_BLOCK	 512

struct fixture_config {
	const struct pr_profile *profile; /* NULL: dlt-s4 */
	unsigned luns;			  /* numbered from 0; 0: one */
	uint32_t ports;			  /* relative target port ids from 1; 0: two */
	uint32_t registrations_max;	  /* 0: 64 */
	uint32_t blocks;		  /* of 512 bytes; 0: 256 */
	unsigned threads;    /* of the executor; 0: jobs run in fixture_settle, in order */
	uint32_t block_size; /* of the LUNs; 0: 512. Then `blocks` are of as many bytes */
	bool thick;	     /* fully provisioned */
	bool no_journal;
	bool saves; /* mode pages and identifying information */
	bool tas;
	bool read_only;
	bool removable;
	struct trace_ring *trace; /* borrowed */
};

/* How a command ended, as the transport would send it. */
struct fixture_result {
	bool aborted; /* and then: */
	bool send_status;
	enum scsi_status status;
	uint8_t response_code;	/* of sense data: 70h to 73h; 0 without */
	uint8_t key, asc, ascq; /* 0 without sense data */
	bool has_field;		/* sense-key specific bytes: */
	uint8_t field[3];
	const uint8_t *data; /* Data-In */
	size_t len;
	uint64_t transfer_len;
	bool wants_data_out;
};

enum fixture_task_state {
	FIXTURE_RUNNING = 1, /* target_execute returned, nothing was called back */
	FIXTURE_WAITING,     /* for Data-Out that the test holds back */
	FIXTURE_COMPLETED,
	FIXTURE_ABORTED,
};

/* One command on its way. */
struct fixture_task {
	struct scsi_task task;
	struct fixture *fixture;
	struct fixture_task *next; /* fixture->tasks */
	enum fixture_task_state state;
	bool hold_data;	  /* want_data leaves it WAITING */
	bool send_status; /* ABORTED */
	unsigned order;	  /* the n-th callback that ended a task, from 1 */
	uint8_t *out;	  /* what the initiator sends */
	struct fixture_result result;
};

/* A loop that is not the home. */
struct fixture_loop {
	struct scsi_link link;
	struct scsi_target *target;
};

struct fixture {
	struct fixture_config config;
	struct scsi_executor *executor;
	struct scsi_target *target;
	bool is_remote, is_delivering;
	struct fixture_loop loops[FIXTURE_LOOPS];
	unsigned logins;
	struct test_disk disks[FIXTURE_LUNS_MAX];
	struct test_store stores[FIXTURE_LUNS_MAX];
	struct test_store media[FIXTURE_LUNS_MAX]; /* what is known about the media */
	struct test_store saved[FIXTURE_LUNS_MAX];
	uint64_t now_ms;
	uint16_t lun; /* which the helpers below address */
	struct fixture_task *tasks;
	struct fixture_task *last; /* of fixture_do: freed at the next one */
	unsigned ended;		   /* tasks */
};

/* NULL: all defaults. */
struct fixture *fixture_create(const struct fixture_config *config);
void fixture_free(struct fixture **fixture);

/* Power off and on: nexuses end, what is in memory goes, disks and journals stay. Pointers to
 * nexuses and tasks are void. add_lun's result for LUN 0 is returned. */
int fixture_restart(struct fixture *fixture);

struct scsi_lun *fixture_lun(struct fixture *fixture);

/* iqn.2026-01.test.holdfast:<who>, ISID 00 02 3d 00 00 <who>. Through port 1, or a given one. */
struct pr_nexus_id fixture_nexus_id(char who, uint16_t port);
struct scsi_nexus *fixture_login(struct fixture *fixture, char who);
struct scsi_nexus *fixture_login_port(struct fixture *fixture, char who, uint16_t port);
/* Closes, and no more; *ret_closed (may be NULL) becomes true when nothing of it is left. */
void fixture_drop(struct scsi_nexus *nexus, bool *ret_closed);
/* Closes and settles; fails the test when something of the nexus is left. */
void fixture_logout(struct fixture *fixture, struct scsi_nexus *nexus);

/* The home's nexus for what fixture_login has returned. */
struct scsi_nexus *fixture_home_nexus(struct fixture *fixture, const struct scsi_nexus *nexus);

/* Delivers letters between loops until there are none. */
void fixture_deliver_letters(struct fixture *fixture);

/* Runs jobs until there are none. Held disk requests stay held. */
void fixture_settle(struct fixture *fixture);

/* ---- any command ---- */

struct fixture_command {
	const uint8_t *cdb;
	size_t cdb_len;
	const void *out; /* Data-Out; NULL: zeros */
	uint32_t out_len;
	uint32_t in_len; /* what the initiator expects */
	bool hold_data;
	bool takes_lent;
	enum scsi_task_attribute attribute;
};

/* Starts it, and no more. */
struct fixture_task *fixture_start(struct fixture *fixture, struct scsi_nexus *nexus,
				   const struct fixture_command *command);
/* Delivers the Data-Out that was held back. */
void fixture_deliver(struct fixture_task *task);
/* How it ended; the test fails when it has not. Data stay until fixture_forget. */
const struct fixture_result *fixture_result(struct fixture_task *task);
/* Frees an ended task. Those left are freed with the fixture. */
void fixture_forget(struct fixture_task *task);

/* Starts it, settles, returns how it ended. The result is good until the next command. */
const struct fixture_result *fixture_do(struct fixture *fixture, struct scsi_nexus *nexus,
					const struct fixture_command *command);
/* Of a CDB without Data-Out: FIXTURE_CDB(f, nexus, in_len, 0x12, 0, 0, 0, 36, 0) */
#define FIXTURE_CDB(fixture, nexus, in_len_, ...)                                               \
	fixture_do((fixture), (nexus),                                                          \
		   &(struct fixture_command){.cdb = (const uint8_t[]){__VA_ARGS__},             \
					     .cdb_len = sizeof((const uint8_t[]){__VA_ARGS__}), \
					     .in_len = (in_len_)})

/* ---- commands that tests use all the time ---- */

const struct fixture_result *fixture_test_unit_ready(struct fixture *fixture,
						     struct scsi_nexus *nexus);
/* TEST UNIT READY until GOOD; returns how many unit attentions there were. */
unsigned fixture_drain_unit_attentions(struct fixture *fixture, struct scsi_nexus *nexus);

const struct fixture_result *fixture_read(struct fixture *fixture, struct scsi_nexus *nexus,
					  uint32_t lba, uint16_t blocks);
/* Blocks full of `fill`. */
const struct fixture_result *fixture_write(struct fixture *fixture, struct scsi_nexus *nexus,
					   uint32_t lba, uint16_t blocks, uint8_t fill);
struct fixture_task *fixture_start_read(struct fixture *fixture, struct scsi_nexus *nexus,
					uint32_t lba);
struct fixture_task *fixture_start_write(struct fixture *fixture, struct scsi_nexus *nexus,
					 uint32_t lba, uint8_t fill, bool hold_data);

/* `flags`: byte 20. */
const struct fixture_result *fixture_pr_out(struct fixture *fixture, struct scsi_nexus *nexus,
					    unsigned action, uint8_t scope_type,
					    uint64_t reservation_key, uint64_t service_action_key,
					    uint8_t flags);
struct fixture_task *fixture_start_pr_out(struct fixture *fixture, struct scsi_nexus *nexus,
					  unsigned action, uint8_t scope_type,
					  uint64_t reservation_key, uint64_t service_action_key,
					  uint8_t flags, bool hold_data);
/* Any parameter list. */
const struct fixture_result *fixture_pr_out_list(struct fixture *fixture, struct scsi_nexus *nexus,
						 unsigned action, uint8_t scope_type,
						 const uint8_t *list, uint32_t len);
/* REGISTER; the flags are 0. */
const struct fixture_result *fixture_register(struct fixture *fixture, struct scsi_nexus *nexus,
					      uint64_t reservation_key,
					      uint64_t service_action_key);
/* REGISTER with RK 0, then RESERVE. Both must be GOOD. */
void fixture_hold(struct fixture *fixture, struct scsi_nexus *nexus, uint64_t key, uint8_t type);
/* REGISTER AND MOVE to `to`: its parameter list. Returns the length; room for 288 bytes. */
uint32_t fixture_move_list(uint8_t *list, uint64_t reservation_key, uint64_t service_action_key,
			   uint8_t flags, const struct pr_nexus_id *to);

const struct fixture_result *fixture_pr_in(struct fixture *fixture, struct scsi_nexus *nexus,
					   unsigned action, uint16_t allocation_length);

/* ---- what the state is ---- */

uint32_t fixture_generation(struct fixture *fixture);
uint32_t fixture_registrations(struct fixture *fixture);
/* 0: not registered. */
uint64_t fixture_key_of(struct fixture *fixture, const struct pr_nexus_id *id);
enum pr_type fixture_reserved(struct fixture *fixture);
bool fixture_holds(struct fixture *fixture, const struct pr_nexus_id *id);
/* The cached standings and type are what the state says, and the state is sound. */
void fixture_check(struct fixture *fixture);

/* ---- what a result must be ---- */

#define fixture_good(result_)                                                    \
	do {                                                                     \
		const struct fixture_result *r_ = (result_);                     \
		ck_assert_msg(!r_->aborted && r_->status == SCSI_STATUS_GOOD,    \
			      "not GOOD: status %02x, %s", (unsigned)r_->status, \
			      scsi_sense_name(r_->key, r_->asc, r_->ascq));      \
	} while (0)

#define fixture_conflict(result_)                                                                \
	do {                                                                                     \
		const struct fixture_result *r_ = (result_);                                     \
		ck_assert_msg(!r_->aborted && r_->status == SCSI_STATUS_RESERVATION_CONFLICT,    \
			      "not RESERVATION CONFLICT: status %02x, %s", (unsigned)r_->status, \
			      scsi_sense_name(r_->key, r_->asc, r_->ascq));                      \
		ck_assert_uint_eq(r_->len, 0);                                                   \
	} while (0)

#define fixture_sense(result_, key_, asc_, ascq_)                                                 \
	do {                                                                                      \
		const struct fixture_result *r_ = (result_);                                      \
		ck_assert_msg(!r_->aborted && r_->status == SCSI_STATUS_CHECK_CONDITION &&        \
				      r_->key == (key_) && r_->asc == (asc_) &&                   \
				      r_->ascq == (ascq_),                                        \
			      "not %s: status %02x, %s", scsi_sense_name(key_, asc_, ascq_),      \
			      (unsigned)r_->status, scsi_sense_name(r_->key, r_->asc, r_->ascq)); \
	} while (0)

/* CHECK CONDITION with the three sense-key specific bytes. */
#define fixture_field(result_, key_, asc_, ascq_, b0_, b1_, b2_)                                   \
	do {                                                                                       \
		const struct fixture_result *f_ = (result_);                                       \
		fixture_sense(f_, key_, asc_, ascq_);                                              \
		ck_assert(f_->has_field);                                                          \
		ck_assert_msg(                                                                     \
			f_->field[0] == (b0_) && f_->field[1] == (b1_) && f_->field[2] == (b2_),   \
			"field pointer %02x %02x %02x", f_->field[0], f_->field[1], f_->field[2]); \
	} while (0)

/* A task management function, and how often it has completed. */
struct fixture_function {
	struct scsi_tmf tmf;
	unsigned completed;
};

/* Begins one; `referenced`: the task that it names, or NULL. */
void fixture_manage(struct fixture_function *function, struct scsi_nexus *nexus,
		    enum scsi_tmf_function number, struct fixture_task *referenced);

#endif
