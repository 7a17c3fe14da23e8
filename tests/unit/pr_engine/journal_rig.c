#include "tests/unit/pr_engine/journal_rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pr_engine/bytes.h"

const struct pr_journal_identity rig_identity = {
	.target_name = "iqn.2024-01.org.example:disk",
	.lun = 3,
};

struct pr_state *state_new(uint32_t capacity)
{
	void *memory = calloc(1, pr_state_size(capacity));

	ck_assert_ptr_nonnull(memory);
	return pr_state_init(memory, capacity, 1);
}

int rig_try(struct rig *rig, const struct bytes *initial, uint32_t history_max)
{
	*rig = (struct rig){.memory = store_memory_open(initial), .state = state_new(RIG_CAPACITY)};
	return pr_journal_open(&rig->memory->store, &rig_identity, RIG_TIME_MS, history_max,
			       rig->state, &rig->report, &rig->journal);
}

void rig_open(struct rig *rig, const struct bytes *initial)
{
	ck_assert_int_eq(rig_try(rig, initial, 100), 0);
}

void rig_close(struct rig *rig)
{
	pr_journal_free(&rig->journal);
	free(rig->state);
	store_memory_close(&rig->memory);
}

void rig_restart(struct rig *rig)
{
	struct bytes seen = {0};

	bytes_copy(&seen, &rig->memory->seen);
	rig_close(rig);
	rig_open(rig, &seen);
	bytes_free(&seen);
}

struct pr_change change_add(const struct pr_state *state, uint64_t key)
{
	struct pr_change change = {
		.op = PR_CHANGE_ADD,
		.registration_id = pr_state_next_id(state),
		.key = key,
		.since = {.time_ms = RIG_TIME_MS, .sequence = 1},
		.nexus.relative_target_port_id = 1,
	};

	snprintf(change.nexus.initiator_name, sizeof change.nexus.initiator_name,
		 "iqn.1994-05.com.example:host%llu", (unsigned long long)change.registration_id);
	return change;
}

size_t change_bytes(const struct pr_change *change, uint8_t *ret_data)
{
	struct byte_writer out = byte_writer_over(ret_data, PR_CHANGE_ENCODED_MAX);

	pr_change_encode(change, &out);
	ck_assert(!out.overflow);
	return out.len;
}

const struct pr_journal_meta meta_register = {
	.event = PR_EVENT_PR_OUT,
	.action = PR_OUT_REGISTER,
	.time_ms = RIG_TIME_MS,
	.nexus = {.initiator_name = "iqn.1994-05.com.example:host", .relative_target_port_id = 1},
};

int rig_change(struct rig *rig, const struct pr_change *change, bool durable, bool install)
{
	uint8_t data[PR_CHANGE_ENCODED_MAX];
	size_t len = change_bytes(change, data);

	ck_assert_int_eq(pr_journal_begin(rig->journal, rig->state), 0);
	ck_assert_int_eq(pr_journal_add(rig->journal, &meta_register, data, len), 0);
	int err = pr_journal_run(rig->journal, durable);
	pr_journal_end(rig->journal, err);
	if (err == 0 || install)
		ck_assert(pr_state_apply(rig->state, change));
	return err;
}

void rig_register(struct rig *rig, uint64_t key)
{
	struct pr_change change = change_add(rig->state, key);

	ck_assert_int_eq(rig_change(rig, &change, true, false), 0);
}

void rig_aptpl(struct rig *rig, bool aptpl)
{
	struct pr_change change = {.op = PR_CHANGE_APTPL, .aptpl = aptpl};

	ck_assert_int_eq(rig_change(rig, &change, true, false), 0);
}

void rig_filled(struct rig *rig, unsigned registrations)
{
	rig_open(rig, NULL);
	rig_aptpl(rig, true);
	for (unsigned i = 1; i <= registrations; i++)
		rig_register(rig, i);
}

void fail_calls(struct rig *rig, size_t skip, size_t count, int error, bool half)
{
	rig->memory->failure = (struct memory_failure){
		.first = rig->memory->call_count + skip,
		.count = count,
		.error = error,
		.half_written = half,
	};
}

const struct memory_call *last_call(const struct rig *rig, size_t back)
{
	ck_assert_uint_gt(rig->memory->call_count, back);
	return &rig->memory->calls[rig->memory->call_count - 1 - back];
}

static void scanned_add(void *context, const struct pr_journal_record *record)
{
	struct scanned *scanned = context;
	struct byte_reader in = byte_reader_over(record->changes, record->changes_len);
	struct pr_change change;

	if (scanned->count == 64)
		return;
	scanned->records[scanned->count] = *record;
	scanned->records[scanned->count].changes = NULL; /* borrowed for this call only */
	if (pr_change_decode(&in, &change))
		scanned->first_op[scanned->count] = change.op;
	scanned->count++;
}

static void scan_bytes(const struct bytes *bytes, struct scanned *ret_scanned)
{
	struct store_memory *memory = store_memory_open(bytes);

	memset(ret_scanned, 0, sizeof *ret_scanned);
	pr_journal_scan(&memory->store, scanned_add, ret_scanned, &ret_scanned->report);
	ck_assert_uint_eq(memory->call_count, 0);
	store_memory_close(&memory);
}

void scan_rig(const struct rig *rig, struct scanned *ret_scanned)
{
	scan_bytes(&rig->memory->seen, ret_scanned);
}

struct pr_journal_report open_report(const struct bytes *bytes, int *ret_err, uint32_t *ret_count)
{
	struct rig rig;

	*ret_err = rig_try(&rig, bytes, 10);
	if (*ret_err != 0)
		ck_assert_ptr_null(rig.journal);
	ck_assert_str_ne(rig.report.explanation, "");
	for (size_t i = 0; i < rig.memory->call_count; i++)
		ck_assert_int_eq(rig.memory->calls[i].op, MEMORY_SYNC);
	if (ret_count)
		*ret_count = pr_state_count(rig.state);
	struct pr_journal_report report = rig.report;
	rig_close(&rig);
	return report;
}

void expect_health(const struct bytes *bytes, enum pr_journal_health health)
{
	int err;
	struct pr_journal_report report = open_report(bytes, &err, NULL);

	ck_assert_msg(report.health == health, "health is %s: %s",
		      pr_journal_health_name(report.health), report.explanation);
	ck_assert_int_eq(
		err, health == PR_JOURNAL_CLEAN || health == PR_JOURNAL_TORN_TAIL ? 0 : -EUCLEAN);
}
