/*
 * A target in this process for random programs: one LU on a disk in memory, a journal on a store
 * that forgets what was not made durable, and nexuses of any name. It asserts nothing: what it sees
 * is compared elsewhere.
 */
#ifndef TESTS_PROPERTY_BENCH_H
#define TESTS_PROPERTY_BENCH_H

#include "target/target.h"
#include "tests/property/program.h"
#include "tests/support/store_memory.h"
#include "tests/support/target_parts.h"

enum bench_state {
	BENCH_RUNNING = 1, /* nothing was called back yet */
	BENCH_WAITING,	   /* for its Data-Out, which is withheld */
	BENCH_COMPLETED,
	BENCH_ABORTED,
};

struct bench_task {
	struct scsi_task task;
	struct bench_task *next;
	enum bench_state state;
	bool withheld; /* its data */
	bool hangs;    /* at the disk, when it gets there */
	bool send_status;
	const uint8_t *list;
	size_t list_len;
};

struct bench_nexus {
	struct scsi_nexus *nexus; /* NULL: not logged in */
	bool closed;
	struct bench_task *open; /* begun, and not ended or not yet looked at; oldest first */
};

struct bench {
	const struct program_setup *setup;
	struct pr_profile profile; /* as the set-up has it */
	struct scsi_executor *executor;
	struct scsi_target *target;
	struct store_memory *store;
	struct pr_store_ops store_ops; /* the store's, but the LU's close leaves it to the bench */
	struct test_disk disk;
	struct bench_nexus nexuses[MODEL_NEXUSES_MAX];
	uint64_t now_ms;
};

/* NULL with a word on standard error when the target does not come up. */
struct bench *bench_create(const struct program_setup *setup);
void bench_free(struct bench **bench);

bool bench_login(struct bench *bench, unsigned nexus);
/* False: something of the nexus is still there. Lets the disk go on, if it has to. */
bool bench_logout(struct bench *bench, unsigned nexus, enum scsi_nexus_end why);

/* Kills the target; the disk keeps of what was not synced what `step` says. False: no start. */
bool bench_restart(struct bench *bench, const struct program_step *step);

/* Only starts it: for commands that come together. The caller settles, compares and frees. */
struct bench_task *bench_start(struct bench *bench, const struct program_step *step);
void bench_settle(struct bench *bench);

/*
 * Runs until nothing moves. A PREEMPT AND ABORT that is not answered gets the disk to go on:
 * *ret_drained. The caller frees the task, unless it waits or hangs: then the bench keeps it.
 */
struct bench_task *bench_run(struct bench *bench, const struct program_step *step,
			     bool *ret_drained);
void bench_task_free(struct bench_task **task);

/* Gives the oldest withheld write of a nexus its data. NULL: there is none. */
struct bench_task *bench_write_data(struct bench *bench, unsigned nexus);

/* Unlinks and returns the oldest of the open tasks that has ended; NULL: none has. */
struct bench_task *bench_take_ended(struct bench *bench, unsigned nexus);

/* What hangs at the disk goes on. True when anything hung there. */
bool bench_disk_goes(struct bench *bench);

/* False: the function was refused, or never completed. */
bool bench_manage(struct bench *bench, unsigned nexus, enum scsi_tmf_function function);

#endif
