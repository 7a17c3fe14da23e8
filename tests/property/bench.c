#include "tests/property/bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DISK_LEN (64 * 512)

static uint64_t bench_clock(void *context)
{
	return ++((struct bench *)context)->now_ms;
}

void bench_settle(struct bench *bench)
{
	while (scsi_executor_pending(bench->executor) > 0)
		scsi_executor_reap(bench->executor);
}

/* ---- coming up and going down ---- */

static void keep_store(struct pr_store *store)
{
	(void)store;
}

static void open_store(struct bench *bench, const struct bytes *image)
{
	bench->store = store_memory_open(image);
	if (!bench->store)
		abort();
	bench->store_ops = *bench->store->store.ops;
	bench->store_ops.close = keep_store;
	bench->store->store.ops = &bench->store_ops;
}

static enum pr_unit_attention unit_attention_of(uint8_t ascq)
{
	switch (ascq) {
	case 0x03:
		return PR_UA_RESERVATIONS_PREEMPTED;
	case 0x04:
		return PR_UA_RESERVATIONS_RELEASED;
	case 0x05:
		return PR_UA_REGISTRATIONS_PREEMPTED;
	default:
		return PR_UA_NONE;
	}
}

static struct pr_profile profile_of(const struct program_setup *setup)
{
	const struct model_traits *traits = &setup->traits;

	return (struct pr_profile){
		.name = setup->profile,
		.in_actions = (uint16_t)traits->in_actions,
		.out_actions = (uint16_t)traits->out_actions,
		.types = (uint16_t)traits->types,
		.specify_initiator_ports = traits->spec_i_pt,
		.all_target_ports = traits->all_ports,
		.compatible_handling = traits->crh,
		.persist_through_power_loss = traits->aptpl,
		.allow_commands = traits->allow_commands,
		.preempt_unit_attention = unit_attention_of(traits->preempt_ascq),
		.clear_unit_attention = unit_attention_of(traits->clear_ascq),
		.preempt_removes_own_key = traits->removes_own_key,
		.preempt_always_checks_type = traits->always_checks_type,
		.preempt_of_key_0_conflicts = traits->key_0_conflicts,
	};
}

static bool start_target(struct bench *bench)
{
	struct scsi_target_config config = {.name = "iqn.2026-01.org.example:target",
					    .port_count = bench->setup->port_count,
					    .executor = bench->executor,
					    .clock = bench_clock,
					    .clock_context = bench,
					    .hash_seed = bench->setup->seed};
	struct scsi_lun_config lun;
	struct pr_journal_report report;

	for (unsigned i = 0; i < config.port_count; i++)
		config.ports[i] = (uint16_t)(i + 1);
	bench->target = scsi_target_create(&config);
	if (!bench->target)
		return false;
	scsi_lun_config_init(&lun);
	bench->profile = profile_of(bench->setup);
	lun.profile = &bench->profile;
	lun.registrations_max = bench->setup->limit;
	lun.tas = bench->setup->tas;
	lun.block_size = 512;
	lun.thin = true;
	lun.store = &bench->store->store;
	lun.backing = &bench->disk.backing;
	if (scsi_target_add_lun(bench->target, &lun, &report) != 0) {
		fprintf(stderr, "LU does not come up: %s\n", report.explanation);
		return false;
	}
	return true;
}

static void stop_target(struct bench *bench)
{
	for (unsigned i = 0; i < bench->setup->nexus_count; i++)
		bench_logout(bench, i, SCSI_NEXUS_LOSS);
	bench_settle(bench);
	scsi_target_free(&bench->target);
}

struct bench *bench_create(const struct program_setup *setup)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	if (!bench)
		abort();
	bench->setup = setup;
	bench->now_ms = 1700000000000;
	bench->executor = scsi_executor_create(0);
	if (!bench->executor)
		abort();
	test_disk_init(&bench->disk, DISK_LEN);
	open_store(bench, NULL);
	if (!start_target(bench))
		bench_free(&bench);
	return bench;
}

void bench_free(struct bench **bench)
{
	struct bench *b = *bench;

	if (b->target)
		stop_target(b);
	store_memory_close(&b->store);
	test_disk_clear(&b->disk);
	scsi_executor_free(&b->executor);
	free(b);
	*bench = NULL;
}

bool bench_restart(struct bench *bench, const struct program_step *step)
{
	struct store_memory *old = bench->store;
	size_t calls = old->call_count;
	size_t *loose = calloc(calls + 1, sizeof(*loose));
	bool *lost = calloc(calls + 1, sizeof(*lost));
	struct bytes image = {0};

	if (!loose || !lost)
		abort();
	size_t count = store_memory_loose(old, calls, loose);
	for (size_t i = 0; i < count; i++)
		lost[i] = (step->list[0] >> i % 8 & 1) != 0;
	struct memory_crash crash = {
		.calls = calls, .lost = lost, .torn_call = SIZE_MAX, .torn = SIZE_MAX};
	store_memory_crash(old, &crash, &image);
	stop_target(bench);
	open_store(bench, &image);
	store_memory_close(&old);
	bytes_free(&image);
	free(loose);
	free(lost);
	return start_target(bench);
}

/* ---- nexuses ---- */

bool bench_login(struct bench *bench, unsigned nexus)
{
	const struct model_identity *who = &bench->setup->nexuses[nexus];
	struct pr_nexus_id id = {0};

	strcpy(id.initiator_name, who->name);
	memcpy(id.isid, who->isid, 6);
	id.relative_target_port_id = who->port;
	bench->nexuses[nexus].nexus = scsi_nexus_open(bench->target, &id);
	return bench->nexuses[nexus].nexus != NULL;
}

static void note_closed(void *context)
{
	*(bool *)context = true;
}

bool bench_logout(struct bench *bench, unsigned nexus, enum scsi_nexus_end why)
{
	struct bench_nexus *n = &bench->nexuses[nexus];
	struct bench_task *task;

	if (!n->nexus)
		return true;
	n->closed = false;
	scsi_nexus_close(n->nexus, why, note_closed, &n->closed);
	bench_settle(bench);
	if (!n->closed)
		bench_disk_goes(bench);
	n->nexus = NULL;
	while ((task = bench_take_ended(bench, nexus)) != NULL)
		bench_task_free(&task);
	return n->closed && !n->open;
}

/* ---- tasks ---- */

static struct bench_task *of_task(struct scsi_task *task)
{
	return task->owner;
}

static void on_complete(struct scsi_task *task)
{
	of_task(task)->state = BENCH_COMPLETED;
}

static void deliver(struct bench_task *t)
{
	size_t have = t->list_len < t->task.data_out_len ? t->list_len : t->task.data_out_len;

	if (!target_data_out_prepare(&t->task))
		abort();
	memset(t->task.data_out, 0, t->task.data_out_len);
	if (have > 0)
		memcpy(t->task.data_out, t->list, have);
	t->state = BENCH_RUNNING;
	target_data_out_ready(&t->task);
}

static void on_want_data(struct scsi_task *task)
{
	struct bench_task *t = of_task(task);

	if (t->withheld)
		t->state = BENCH_WAITING;
	else
		deliver(t);
}

static void on_aborted(struct scsi_task *task, bool send_status)
{
	of_task(task)->state = BENCH_ABORTED;
	of_task(task)->send_status = send_status;
}

static const struct scsi_task_ops task_ops = {
	.complete = on_complete, .want_data = on_want_data, .aborted = on_aborted};

static void keep_open(struct bench_nexus *n, struct bench_task *t)
{
	struct bench_task **at = &n->open;
	while (*at)
		at = &(*at)->next;
	*at = t;
}

static void fail_store(struct bench *bench, enum program_store_error error)
{
	struct memory_failure failure = {0};

	if (error != PROGRAM_STORE_WORKS) {
		failure.first = bench->store->call_count;
		failure.count = SIZE_MAX - failure.first;
		failure.error = error == PROGRAM_STORE_NO_SPACE ? -ENOSPC : -EIO;
		failure.half_written = (bench->now_ms & 1) != 0;
	}
	bench->store->failure = failure;
}

bool bench_disk_goes(struct bench *bench)
{
	bool any = bench->disk.held_count > 0;

	test_disk_release(&bench->disk);
	bench_settle(bench);
	return any;
}

static struct bench_task *task_make(struct bench *bench, const struct program_step *step)
{
	struct bench_task *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	t->state = BENCH_RUNNING;
	t->withheld = step->kind == PROGRAM_WRITE_BEGIN;
	t->hangs = step->kind == PROGRAM_READ_BEGIN;
	t->list = step->list;
	t->list_len = step->list_len;
	t->task.owner = t;
	t->task.ops = &task_ops;
	t->task.nexus = bench->nexuses[step->nexus].nexus;
	t->task.attribute = SCSI_ATTRIBUTE_SIMPLE;
	memcpy(t->task.cdb, step->cdb, 16);
	t->task.cdb_len = 16;
	t->task.expected_out = step->expected_out;
	t->task.expected_in = step->expected_in;
	return t;
}

struct bench_task *bench_start(struct bench *bench, const struct program_step *step)
{
	struct bench_task *t = task_make(bench, step);
	target_execute(&t->task);
	return t;
}

struct bench_task *bench_run(struct bench *bench, const struct program_step *step,
			     bool *ret_drained)
{
	struct bench_task *t = task_make(bench, step);
	struct bench_nexus *n = &bench->nexuses[step->nexus];

	*ret_drained = false;
	fail_store(bench, step->store_error);
	bench->disk.hold = t->hangs;
	target_execute(&t->task);
	bench_settle(bench);
	bench->disk.hold = false;
	fail_store(bench, PROGRAM_STORE_WORKS);
	if (t->state == BENCH_RUNNING && !t->hangs)
		*ret_drained = bench_disk_goes(bench);
	t->list = NULL;
	if (t->state == BENCH_WAITING || (t->state == BENCH_RUNNING && t->hangs))
		keep_open(n, t);
	return t;
}

void bench_task_free(struct bench_task **task)
{
	target_task_release(&(*task)->task);
	free(*task);
	*task = NULL;
}

struct bench_task *bench_write_data(struct bench *bench, unsigned nexus)
{
	struct bench_task *t = bench->nexuses[nexus].open;

	while (t && t->state != BENCH_WAITING)
		t = t->next;
	if (!t)
		return NULL;
	t->list_len = 0;
	deliver(t);
	bench_settle(bench);
	return bench_take_ended(bench, nexus);
}

struct bench_task *bench_take_ended(struct bench *bench, unsigned nexus)
{
	struct bench_task **at = &bench->nexuses[nexus].open;

	while (*at && ((*at)->state == BENCH_WAITING || (*at)->state == BENCH_RUNNING))
		at = &(*at)->next;
	struct bench_task *t = *at;
	if (t) {
		*at = t->next;
		t->next = NULL;
	}
	return t;
}

/* ---- task management ---- */

static void on_managed(struct scsi_tmf *tmf)
{
	*(bool *)tmf->owner = true;
}

bool bench_manage(struct bench *bench, unsigned nexus, enum scsi_tmf_function function)
{
	bool completed = false;
	struct scsi_tmf tmf = {.nexus = bench->nexuses[nexus].nexus,
			       .function = function,
			       .owner = &completed,
			       .complete = on_managed};

	target_manage(&tmf);
	bench_settle(bench);
	if (!completed)
		bench_disk_goes(bench);
	return completed && tmf.response == SCSI_TMF_COMPLETE;
}
