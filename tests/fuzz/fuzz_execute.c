/*
 * Any CDB with any Data-Out, from several nexuses at once, through target_execute; mixed with task
 * management, logins and logouts, disks that hold requests back, a journal that fails, LUNs that
 * come, go and grow, and restarts. Whatever comes, the reservation state stays sound, nothing is
 * answered twice (the fixture sees to that), and in the end everything is free.
 *
 * Input: one byte of set-up, then steps: {step, nexus, ...}.
 */
#include <errno.h>
#include <stdlib.h>

#include "pr_engine/bytes.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/support/target_fixture.h"

#define NEXUSES	  4
#define TMFS_MAX  64
#define STEPS_MAX 256
#define OUT_MAX	  4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum step {
	STEP_COMMAND,
	STEP_COMMAND_HOLDING_DATA,
	STEP_DELIVER,
	STEP_GIVE_UP, /* the transport could not gather the data */
	STEP_SESSION, /* logs out, or in again */
	STEP_MANAGE,
	STEP_DISK,
	STEP_STORE,
	STEP_RESTART,
	STEP_LUN,
	STEP_COUNT,
};

struct managed {
	struct scsi_tmf tmf;
	unsigned completed;
};

struct run {
	struct byte_reader in;
	struct fixture *f;
	struct scsi_nexus *nexuses[NEXUSES];
	struct managed managed[TMFS_MAX];
	unsigned managed_count;
};

static void require(bool what)
{
	if (!what)
		abort();
}

static void login(struct run *run, unsigned n)
{
	/* The first two are one initiator on two ports; a name may still be draining. */
	static const char names[NEXUSES] = {'a', 'a', 'b', 'c'};
	struct pr_nexus_id id = fixture_nexus_id(names[n], n == 1 ? 2 : 1);
	run->nexuses[n] = scsi_nexus_open(run->f->target, &id);
}

static void nothing(void *context)
{
	(void)context;
}

static void step_session(struct run *run, unsigned n)
{
	if (!run->nexuses[n]) {
		login(run, n);
		return;
	}
	scsi_nexus_close(run->nexuses[n], (enum scsi_nexus_end)(byte_reader_u8(&run->in) % 3),
			 nothing, NULL);
	run->nexuses[n] = NULL;
}

static bool has_long_list(uint8_t opcode)
{
	return opcode == 0x5f || opcode == 0x83 || opcode == 0xa4;
}

/* {cdb length code, expected out, expected in, the CDB, Data-Out as far as it goes} */
static void step_command(struct run *run, unsigned n, enum scsi_task_attribute attribute, bool hold)
{
	static const uint8_t cdb_lens[] = {6, 10, 12, 16, 16, 32};
	uint8_t cdb[SCSI_CDB_MAX] = {0};
	uint8_t out[OUT_MAX] = {0};
	size_t cdb_len = cdb_lens[byte_reader_u8(&run->in) % sizeof(cdb_lens)];
	uint32_t expected_out = byte_reader_be16(&run->in) % (OUT_MAX + 1);
	uint32_t expected_in = byte_reader_be16(&run->in);
	size_t left = byte_reader_left(&run->in);
	size_t take = left < cdb_len ? left : cdb_len;

	if (take > 0)
		memcpy(cdb, byte_reader_take(&run->in, take), take);
	left = byte_reader_left(&run->in);
	take = left < expected_out ? left : expected_out;
	if (take > 64 && !has_long_list(cdb[0])) /* blocks need no input */
		take = 64;
	if (take > 0)
		memcpy(out, byte_reader_take(&run->in, take), take);
	(void)fixture_start(run->f, run->nexuses[n],
			    &(struct fixture_command){.cdb = cdb,
						      .cdb_len = cdb_len,
						      .out = out,
						      .out_len = expected_out,
						      .in_len = expected_in,
						      .hold_data = hold,
						      .attribute = attribute});
}

static struct fixture_task *waiting_task(const struct run *run)
{
	for (struct fixture_task *t = run->f->tasks; t; t = t->next)
		if (t->state == FIXTURE_WAITING)
			return t;
	return NULL;
}

static void on_managed(struct scsi_tmf *tmf)
{
	struct managed *managed = tmf->owner;
	require(++managed->completed == 1);
}

/* {function, LUN} */
static void step_manage(struct run *run, unsigned n)
{
	if (run->managed_count == TMFS_MAX)
		return;
	struct managed *managed = &run->managed[run->managed_count++];
	struct scsi_tmf *tmf = &managed->tmf;

	tmf->nexus = run->nexuses[n];
	tmf->function = (enum scsi_tmf_function)byte_reader_u8(&run->in);
	tmf->lun_bytes[1] = byte_reader_u8(&run->in) & 1;
	tmf->owner = managed;
	tmf->complete = on_managed;
	for (struct fixture_task *t = run->f->tasks; t; t = t->next)
		if (t->task.nexus == tmf->nexus &&
		    (t->state == FIXTURE_WAITING || t->state == FIXTURE_RUNNING))
			tmf->referenced = &t->task;
	target_manage(tmf);
}

/* {which} */
static void step_disk(struct run *run)
{
	uint8_t how = byte_reader_u8(&run->in);
	struct test_disk *disk = &run->f->disks[how >> 7];

	if ((how & 3) == 0)
		test_disk_release(disk);
	else if ((how & 3) == 1)
		disk->hold = !disk->hold;
	else if ((how & 3) == 2)
		disk->next_error = (how & 4) ? -EIO : -ENOSPC;
}

static void step_store(struct run *run)
{
	static const int errors[] = {0, -EIO, -ENOSPC, 0};
	uint8_t which = byte_reader_u8(&run->in);

	run->f->stores[0].error = errors[which % 4];
	run->f->saved[0].error = errors[which / 4 % 4];
}

/* {how}: LUN 1 goes, or comes back; or one of them grows. */
static void step_lun(struct run *run)
{
	struct scsi_target *target = run->f->target;
	uint8_t how = byte_reader_u8(&run->in);
	struct scsi_lun_config config;

	scsi_lun_config_init(&config);
	config.number = 1;
	config.backing = &run->f->disks[1].backing;
	config.profile = run->f->config.profile;
	if ((how & 3) == 0)
		(void)scsi_target_remove_lun(target, 1, nothing, NULL);
	else if ((how & 3) == 1)
		(void)scsi_target_add_lun(target, &config, NULL);
	else
		(void)scsi_target_resize_lun(target, how & 1, (uint64_t)(how >> 2) * FIXTURE_BLOCK);
}

static void restart(struct run *run)
{
	run->f->stores[0].error = run->f->saved[0].error = 0;
	require(fixture_restart(run->f) == 0);
	for (unsigned i = 0; i < run->managed_count; i++)
		require(run->managed[i].completed == 1);
	run->managed_count = 0;
	memset(run->managed, 0, sizeof(run->managed));
	for (unsigned n = 0; n < NEXUSES; n++)
		login(run, n);
}

static void one_step(struct run *run)
{
	static const enum scsi_task_attribute attributes[4] = {
		SCSI_ATTRIBUTE_SIMPLE, SCSI_ATTRIBUTE_ORDERED, SCSI_ATTRIBUTE_HEAD_OF_QUEUE,
		SCSI_ATTRIBUTE_ACA};
	enum step step = (enum step)(byte_reader_u8(&run->in) % STEP_COUNT);
	uint8_t who = byte_reader_u8(&run->in);
	unsigned n = who % NEXUSES;
	struct fixture_task *task;

	run->f->lun = who >> 7; /* LUN 1 is there or not */
	if (!run->nexuses[n] && step != STEP_RESTART)
		step = STEP_SESSION;
	switch (step) {
	case STEP_COMMAND:
	case STEP_COMMAND_HOLDING_DATA:
		step_command(run, n, attributes[who >> 5 & 3], step == STEP_COMMAND_HOLDING_DATA);
		break;
	case STEP_DELIVER:
		task = waiting_task(run);
		if (task)
			fixture_deliver(task);
		break;
	case STEP_GIVE_UP:
		task = waiting_task(run);
		if (task)
			target_data_out_failed(&task->task, 0x0c, 0x0d);
		break;
	case STEP_SESSION:
		step_session(run, n);
		break;
	case STEP_MANAGE:
		step_manage(run, n);
		break;
	case STEP_DISK:
		step_disk(run);
		break;
	case STEP_STORE:
		step_store(run);
		break;
	case STEP_LUN:
		step_lun(run);
		break;
	case STEP_RESTART:
	case STEP_COUNT:
		restart(run);
		break;
	}
	if (who & 0x10) /* else the journal has not yet got round to it */
		fixture_settle(run->f);
	run->f->lun = 0;
	fixture_check(run->f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run *run = calloc(1, sizeof(*run));
	require(run != NULL);
	run->in = byte_reader_over(data, size);
	uint8_t set_up = byte_reader_u8(&run->in);

	run->f = fixture_create(&(struct fixture_config){
		.profile = (set_up & 1) ? &pr_profile_spc4 : &pr_profile_dlt_s4,
		.luns = 2,
		.blocks = 16,
		.registrations_max = (set_up & 2) ? 3 : 64,
		.no_journal = (set_up & 4) != 0,
		.tas = (set_up & 8) != 0,
		.saves = (set_up & 128) != 0,
		.removable = (set_up & 16) != 0,
		.read_only = (set_up & 32) != 0});
	for (unsigned n = 0; n < NEXUSES; n++)
		login(run, n);
	for (unsigned i = 0; i < STEPS_MAX && byte_reader_left(&run->in) > 0; i++)
		one_step(run);
	run->f->stores[0].error = run->f->saved[0].error = 0;
	fixture_free(&run->f);
	for (unsigned i = 0; i < run->managed_count; i++)
		require(run->managed[i].completed == 1);
	free(run);
	return 0;
}
