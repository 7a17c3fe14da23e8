/*
 * A reference model of one logical unit's reservations, written from the rules alone: arrays,
 * loops, its own reading of every byte, and nothing of pr_engine or target. Slow and obvious; what
 * it says is what the target must do.
 *
 * Where the rules leave two answers open, the model can give either: `script` holds one bit for
 * each such point in the order the run meets them (bit 0 first; 0 takes the answer that is most to
 * be expected), and `asked` tells how many it met. A target agrees with the model when it does what
 * one of the scripts says.
 */
#ifndef TESTS_PROPERTY_MODEL_H
#define TESTS_PROPERTY_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_NAME_MAX		223
#define MODEL_NEXUSES_MAX	12
#define MODEL_REGISTRATIONS_MAX 24
#define MODEL_PORTS_MAX		3
#define MODEL_UAS_MAX		8
#define MODEL_DATA_MAX		(8 + MODEL_REGISTRATIONS_MAX * (24 + 248))
#define MODEL_PARAMETER_MAX	8192 /* the longest parameter list that is read */

/* What targets differ in. */
struct model_traits {
	unsigned types;			  /* bit n: type n */
	unsigned in_actions, out_actions; /* bit n: service action n */
	bool spec_i_pt, all_ports;	  /* SPEC_I_PT and ALL_TG_PT are taken */
	bool crh;			  /* RESERVE and RELEASE next to a reservation */
	bool aptpl;			  /* APTPL is taken */
	uint8_t allow_commands;
	uint8_t preempt_ascq, clear_ascq; /* of 2A/xx for the victims; 0: they are not told */
	bool removes_own_key;		  /* PREEMPT that takes nothing over */
	bool always_checks_type;	  /* likewise */
	bool key_0_conflicts;		  /* likewise */
};

extern const struct model_traits model_dlt_s4, model_spc4;

enum model_status {
	MODEL_GOOD = 0x00,
	MODEL_CHECK_CONDITION = 0x02,
	MODEL_CONFLICT = 0x18,
	MODEL_TASK_ABORTED = 0x40,
};

/* Initiator port and target port: together an I_T nexus. The name is lower case. */
struct model_identity {
	char name[MODEL_NAME_MAX + 1];
	uint8_t isid[6];
	uint16_t port;
};

struct model_registration {
	uint64_t key;
	struct model_identity who;
};

struct model_ua {
	uint8_t asc, ascq;
};

/* An I_T nexus that may be logged in. */
struct model_nexus {
	struct model_identity who;
	bool logged_in;
	/* 29/xx conditions. Which code, and whether a new session has one, is left to the target.
	 */
	unsigned resets_certain;
	unsigned resets_possible;
	/* Everything else, in the order it came about. */
	struct model_ua uas[MODEL_UAS_MAX];
	unsigned ua_count;
	/* Writes that were accepted and wait for their data. */
	unsigned waiting_writes;
	/* Reads that were accepted and hang at the disk. */
	unsigned hanging_reads;
};

struct model {
	/* What the LU is. */
	struct model_traits traits;
	unsigned limit; /* of registrations */
	bool tas;
	unsigned port_count; /* relative target ports 1..port_count */

	/* Its reservations. Registrations in order of registration. */
	uint32_t generation;
	bool aptpl;
	struct model_registration registrations[MODEL_REGISTRATIONS_MAX];
	unsigned registration_count;
	uint8_t type; /* 0: no reservation */
	int holder; /* index of the registration; -1 under types 7 and 8, or without reservation */

	/* SPC-2 RESERVE: the owner's index in nexuses, or -1. */
	int spc2_owner;

	struct model_nexus nexuses[MODEL_NEXUSES_MAX];
	unsigned nexus_count;
};

enum model_store {
	MODEL_STORE_WORKS = 0,
	MODEL_STORE_NO_SPACE,
	MODEL_STORE_IO_ERROR,
};

struct model_command {
	unsigned nexus;
	uint8_t cdb[32];
	const uint8_t *list; /* the Data-Out that the initiator has ready */
	size_t list_len;
	uint32_t expected_out;	/* EDTL of a write */
	uint32_t expected_in;	/* EDTL of a read */
	uint8_t unsupported;	/* a command that this target does not have: its ASC; else 0 */
	enum model_store store; /* how the journal's store fares during this command */
	bool data_withheld;	/* a WRITE that shall wait for its data */
	bool disk_holds;	/* a READ that shall hang at the disk */
	bool queued;		/* arrived behind others, while nothing was pending */
};

struct model_answer {
	bool waits; /* accepted, waits for Data-Out or for the disk: no status yet */
	uint8_t status;
	uint8_t key, asc, ascq; /* CHECK CONDITION, or REQUEST SENSE's data */
	bool any_reset;		/* ascq may be anything: the 29h family */
	int32_t pointer;	/* sense bytes 15 to 17, or -1: not told */
	bool sense_is_data;	/* REQUEST SENSE: the sense is in the Data-In */
	bool data_known;	/* data and data_len are the whole Data-In */
	uint64_t wanted_len;	/* bytes the command has to say, cut by its allocation length */
	size_t data_len;
	uint8_t data[MODEL_DATA_MAX];
	/*
	 * PREEMPT AND ABORT: waiting writes and hanging reads of these nexuses end, with TASK
	 * ABORTED or silently. While reads hang, it is not answered.
	 */
	unsigned aborted[MODEL_NEXUSES_MAX];
	unsigned aborted_reads;
	bool aborted_with_status;
};

struct model_outcome {
	struct model_answer answer;
	struct model after;
	unsigned asked; /* how many bits of the script were looked at */
};

/* An empty LU; nexuses are added by the caller (fill nexuses[], nexus_count). */
void model_init(struct model *m, const struct model_traits *traits, unsigned limit,
		unsigned port_count);

/* What one command does. `before` and `ret_outcome->after` may not overlap. */
void model_run(const struct model *before, const struct model_command *command, unsigned script,
	       struct model_outcome *ret_outcome);

/* Events. Each changes the model in place. */
void model_login(struct model *m, unsigned nexus);
void model_logout(struct model *m, unsigned nexus); /* also: connection lost, reinstatement */
void model_reset(struct model *m);		    /* LOGICAL UNIT RESET, TARGET RESET */
void model_power_cycle(struct model *m);	    /* everybody is logged out afterwards */
void model_write_finished(struct model *m, unsigned nexus);
void model_disk_released(struct model *m); /* what hung has ended */

/* ---- shared between the model's files ---- */

enum model_class {
	MODEL_CLASS_WRITE = 0, /* also whatever stands in no table */
	MODEL_CLASS_READ,
	MODEL_CLASS_ALLOW,
	MODEL_CLASS_PR_OUT,
	MODEL_CLASS_RESERVE_RELEASE,
};

enum model_class model_class_of(const uint8_t *cdb);
bool model_spc2_allows(const uint8_t *cdb);

/* Does the reservation in force refuse a READ, WRITE or ALLOW command of this nexus? */
bool model_refuses(const struct model *m, const struct model_identity *who, enum model_class class);

bool model_same_port(const struct model_identity *a, const struct model_identity *b);
bool model_same_nexus(const struct model_identity *a, const struct model_identity *b);
int model_find(const struct model *m, const struct model_identity *who);
bool model_is_ar(uint8_t type);
bool model_is_holder(const struct model *m, int registration);
bool model_type_supported(const struct model *m, uint8_t type);

/* One bit of the script. */
struct model_script {
	unsigned bits;
	unsigned asked;
};
bool model_open(struct model_script *script);

bool model_has_ua(const struct model_nexus *nexus);

void model_good(struct model_answer *a);
void model_conflict(struct model_answer *a);
void model_check(struct model_answer *a, uint8_t key, uint8_t asc, uint8_t ascq, int32_t pointer);

void model_raise(struct model *m, const struct model_identity *who, uint8_t asc, uint8_t ascq);

void model_persistent_reserve_in(const struct model *m, const struct model_command *c,
				 struct model_answer *a);
/* Step 1 of the checks (decoding), and all that follows pending unit attentions. */
bool model_aptpl_refused(const struct model *m, const struct model_command *c,
			 struct model_answer *a);
bool model_pr_out_decodes(const struct model *m, const struct model_command *c,
			  struct model_answer *a);
bool model_pr_in_decodes(const struct model *m, const struct model_command *c,
			 struct model_answer *a);
void model_persistent_reserve_out(struct model *m, const struct model_command *c,
				  struct model_script *script, struct model_answer *a);

/* A TransportID for iSCSI. Consumed bytes go to *ret_used. False: malformed. */
struct model_transport_id {
	bool has_isid;
	char name[MODEL_NAME_MAX + 1];
	uint8_t isid[6];
};
bool model_parse_transport_id(const uint8_t *bytes, size_t len, size_t *ret_used,
			      struct model_transport_id *ret_id);

uint64_t model_be(const uint8_t *p, unsigned bytes);
void model_put_be(uint8_t *p, unsigned bytes, uint64_t v);

#endif
